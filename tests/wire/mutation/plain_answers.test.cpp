// Golden vectors: what a device makes of the answers of a server of Tether 1.0 (sheet `mutation`, sections 2.2, 2.3, 2.6, 3 and 10), as texts, under
// clocks of both that are right, days ahead and days behind.

#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "wire/mutation/foreign_world.hpp"
#include "wire/mutation/golden_world.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace plain_answers_test {

using namespace foreign_tests;
using golden_tests::skewed_clocks;
using golden_tests::with_numbers;

namespace {

// A device with one change, `T1`, at a server that answers pushes with a text in which ID is the mutation's.
struct scripted {
    explicit scripted(const golden_tests::golden_clocks& clocks, mutation_client_options options = {})
        : server_us(clocks.server_us), of(server_models()), d(of, "a", std::move(options), resolver_set{}, std::chrono::microseconds{clocks.device_ms * 1000 - clocks.server_us}) {
        of.now = from_microseconds(clocks.server_us);
    }
    sync_result sync() {
        return d.sync(sync_mode::push_then_pull, [this](const request& r) -> result<response> {
            const bool push = r.path == "/tether/push";
            response real = of(r);  // for its Date
            if (push ? on_push.empty() : on_pull.empty()) return real;
            real.status = push ? status : 200;
            real.body = push ? on_push : on_pull;
            if (push) {
                const auto sent = json::parse(r.body)["mutations"];
                if (sent.empty()) return real;
                const std::string id = sent[0]["mutation_id"];
                for (std::size_t at = 0; (at = real.body.find("ID", at)) != std::string::npos;) real.body.replace(at, 2, id);
            }
            real.body = with_numbers(real.body, "STAMP", server_us);
            return real;
        });
    }

    std::int64_t server_us;
    tether::server of;
    device d;
    int status = 200;
    std::string on_push;  // empty: as the server answers
    std::string on_pull;
};

struct sample {
    const char* what;
    const char* answer;
    std::size_t pushed;   // decided, for or against it
    std::size_t failed;
    std::size_t conflicts;
    std::size_t queued;   // what goes out again by itself
    std::size_t waiting;  // what a person has to look at
};

}  // namespace

TEST_CASE("plain answers: what each form of an outcome leads to (sheet 2.2, 2.3 and 10)", "[wire]") {
    const std::vector<sample> samples{
        {"applied, the other lists missing", R"({"applied":["ID"]})", 1, 0, 0, 0, 0},
        {"applied, the other lists empty", R"({"applied":["ID"],"rejected":[],"conflicts":[]})", 1, 0, 0, 0, 0},
        {"a duplicate is done", R"({"applied":[],"rejected":[{"mutation_id":"ID","reason":"duplicate","data":[]}],"conflicts":[]})", 1, 0, 0, 0, 0},
        {"refused by validation", R"({"rejected":[{"mutation_id":"ID","reason":"validation_failed","data":{"messages":{"title":["The title is taken."]}}}]})", 0, 1, 0, 0, 1},
        {"refused without data", R"({"rejected":[{"mutation_id":"ID","reason":"validation_failed"}]})", 0, 1, 0, 0, 1},
        {"refused with null for data", R"({"rejected":[{"mutation_id":"ID","reason":"validation_failed","data":null}]})", 0, 1, 0, 0, 1},
        {"a reason that nobody knows", R"({"rejected":[{"mutation_id":"ID","reason":"unauthorized","data":[]}]})", 0, 1, 0, 0, 1},
        {"in none of the lists", R"({"applied":[],"rejected":[],"conflicts":[]})", 0, 0, 0, 1, 0},
        {"a conflict without a state: given up, as the server decided", R"({"conflicts":[{"mutation_id":"ID"}]})", 1, 0, 1, 0, 0},
        {"a conflict with an empty state", R"({"conflicts":[{"mutation_id":"ID","reason":"conflict","data":{"server_state":[],"server_updated_at":null}}]})", 1, 0, 1, 0, 0},
    };
    for (const auto& clocks : skewed_clocks()) {
        for (const auto& s : samples) {
            INFO(clocks.what << ": " << s.what);
            scripted x{clocks};
            x.d.write("T1", task("mine"));
            x.on_push = s.answer;
            const auto report = x.sync();
            CHECK(report.pushed == s.pushed);
            CHECK(report.failed == s.failed);
            CHECK(report.conflicts == s.conflicts);
            const auto status = x.d.status().counts;
            CHECK(status.waiting == s.waiting);
            CHECK(status.open + status.frozen == s.queued);
        }
    }
}

TEST_CASE("plain answers: pages in the forms that PHP gives them (sheet 3 and 10)", "[wire]") {
    for (const auto& clocks : skewed_clocks()) {
        INFO(clocks.what);
        scripted x{clocks};
        x.on_pull = R"({"snapshots":[{"entity_id":"T1","model":"Task","operation":"upsert","payload":{"id":17,"tether_id":"T1","title":"one","body":null,"done":1,"count":"3",)"
                    R"("created_at":"2026-05-02 09:00:00","updated_at":"2026-05-02 09:00:00","deleted_at":null}},)"
                    R"({"entity_id":"T2","model":"App\\Models\\Task","operation":"upsert","payload":{"title":"two","body":"b","done":"0","count":4}},)"
                    R"({"entity_id":"T2","model":"Task","operation":"delete","payload":[]}],"new_sync_cursor":STAMP,"has_more":false})";
        auto report = x.sync();
        CHECK(report.ok());
        CHECK(x.d.at("T1") == record{{value::text("one"), value{}, value::boolean(true), value::integer(3)}});
        CHECK_FALSE(x.d.at("T2"));
        // Its cursor goes back as it came, and one of null keeps it.
        for (const char* body : {R"({"snapshots":[],"new_sync_cursor":null,"has_more":false})", R"({"has_more":false})"}) {
            x.on_pull = body;
            CHECK(x.sync().ok());
            CHECK(json::parse(x.d.sent.back().body)["last_sync_cursor"] == clocks.server_us);
        }
    }
}

TEST_CASE("plain answers: each status of a whole request leads to the right thing, and no change is lost (sheet 2.6 and 10)", "[wire]") {
    struct refused {
        int status;
        errc code;
        bool waits;  // the one change that the request had is taken for the cause; of a 422 that is said of a push of nothing too, it is not
    };
    for (const auto& clocks : skewed_clocks()) {
        for (const auto& s : {refused{401, errc::unauthenticated, false}, {403, errc::forbidden, false}, {413, errc::too_large, true},
                              {422, errc::malformed_message, false}, {429, errc::rate_limited, false}, {500, errc::internal, false}, {503, errc::unavailable, false}}) {
            INFO(clocks.what << ": " << s.status);
            scripted x{clocks};
            x.d.write("T1", task("mine"));
            x.status = s.status;
            x.on_push = R"({"message":"Sorry."})";
            const auto report = x.sync();
            INFO((report.why ? std::string{name_of(report.why->code)} + ": " + report.why->detail : "no fault"));
            CHECK(report.pushed == 0);
            CHECK(x.d.status().counts.waiting == (s.waits ? 1 : 0));
            if (!s.waits) CHECK((report.why && report.why->code == s.code));
            CHECK(x.d.at("T1") == task("mine"));
            if (s.waits) continue;
            x.status = 200;
            x.on_push.clear();
            x.of.now += std::chrono::hours{1};
            CHECK(x.sync().pushed == 1);
            CHECK(row_of(x.of, "T1") == task("mine"));
        }
    }
}

}  // namespace plain_answers_test
