#include <syncline/wire/sync_job.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace sync_job_test {

using namespace syncline;

namespace {

struct fake_client {
    sync_result run(sync_mode mode) {
        modes.push_back(mode);
        sync_result r;
        r.pushed = modes.size();
        return r;
    }
    std::vector<sync_mode> modes;
};

}  // namespace

TEST_CASE("sync job: runs once, whoever calls its task and however often, and its result is called back and kept") {
    fake_client client;
    std::vector<std::size_t> heard;
    std::optional<sync_job> self;
    sync_job job = make_push_job(client, [&](const sync_result& r) {
        heard.push_back(r.pushed);
        CHECK_FALSE(self->result());
        throw std::runtime_error("of the host");
    });
    self.emplace(job);
    CHECK_FALSE(job.result());
    const auto task = job.task();
    const auto copy = task;
    const auto later = job.task();
    CHECK(client.modes.empty());
    later();
    CHECK(client.modes.empty());
    task();
    copy();
    task();
    CHECK(client.modes == std::vector<sync_mode>{sync_mode::push_only});
    CHECK(heard == std::vector<std::size_t>{1});
    REQUIRE(job.result());
    CHECK(job.result()->pushed == 1);
    CHECK(self->wait().pushed == 1);
}

TEST_CASE("sync job: a push, a pull and a whole sync") {
    fake_client client;
    for (auto job : {make_push_job(client), make_pull_job(client), make_sync_job(client)}) job.task()();
    CHECK(client.modes == std::vector<sync_mode>{sync_mode::push_only, sync_mode::pull_only, sync_mode::push_then_pull});
}

TEST_CASE("sync job: one that is thrown away unrun, and one that ends with an exception, come to an end too") {
    std::vector<errc> heard;
    const auto note = [&](const sync_result& r) { heard.push_back(r.why ? r.why->code : errc::bug); };
    int ran = 0;
    sync_job dropped{[&] { ++ran; return sync_result{}; }, note};
    {
        auto task = dropped.task();
        const auto copy = task;
        task = nullptr;
        CHECK_FALSE(dropped.result());
    }
    REQUIRE(dropped.result());
    CHECK(dropped.wait().why->code == errc::cancelled);
    CHECK(ran == 0);

    sync_job throwing{[]() -> sync_result { throw std::runtime_error("of the host"); }, note};
    throwing.task()();
    CHECK(throwing.wait().why->code == errc::internal);
    { const sync_job never{[&] { ++ran; return sync_result{}; }, note}; }
    CHECK(ran == 0);
    CHECK(heard == std::vector<errc>{errc::cancelled, errc::internal, errc::cancelled});
}

TEST_CASE("sync job: several threads wait for what another one runs") {
    std::atomic<int> seen{0};
    for (int round = 0; round < 20; ++round) {
        sync_job job{[] {
            sync_result r;
            r.pushed = 9;
            return r;
        }};
        std::thread worker{job.task()};
        std::thread other{[&] { seen += job.wait().pushed == 9 ? 1 : 0; }};
        seen += job.wait().pushed == 9 ? 1 : 0;
        other.join();
        worker.join();
    }
    CHECK(seen == 40);
}

}  // namespace sync_job_test
