// A request that the server refuses as a whole (400, 413, 422) is about one change of it, or about none: the client finds out which (W22).

#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace statuses_test {

using namespace mutation_tests;

namespace {

bool pushes(const request& r, const std::string& key) {
    return r.path == "/tether/push" && r.body.find("\"entity_id\":\"" + key + "\"") != std::string::npos;
}
std::size_t pushed_at_all(const request& r) {
    std::size_t n = 0;
    for (auto at = r.body.find("mutation_id"); at != std::string::npos; at = r.body.find("mutation_id", at + 1)) ++n;
    return n;
}
// The wire of @p d to a server that refuses any push with one of these records.
lossy refusing(device& d, std::vector<std::string> keys, int status, std::string body = R"({"message":"no such thing"})") {
    return [&d, keys = std::move(keys), status, body = std::move(body)](const request& r) -> result<response> {
        for (const auto& key : keys)
            if (pushes(r, key)) return response{status, {}, body};
        return d.w.handle(r, d.name);
    };
}
std::vector<std::string> waiting(device& d) {
    std::vector<std::string> out;
    for (const auto& i : lab_must(d.engine.waiting(100, noon))) out.push_back(i.key.key);
    std::sort(out.begin(), out.end());
    return out;
}
replica_counts counts(device& d) { return lab_must(d.engine.status(noon)).counts; }

const std::vector<std::string> keys{"P", "T", "T2", "C1", "C2"};

}  // namespace

TEST_CASE("statuses: the one change that is refused waits, whichever it is and whatever the status, and the rest goes through", "[wire]") {
    for (const int status : {400, 413, 422})
        for (const auto& bad : keys) {
            CAPTURE(status, bad);
            world w;
            w.write("P", 0, 0);
            device a{w, "a"};
            REQUIRE(a.sync().ok());
            for (const auto& key : keys) a.write(key, 1, 1);
            const auto report = a.sync(sync_mode::push_then_pull, refusing(a, {bad}, status));
            CHECK(report.ok());
            CHECK(report.failed == 1);
            CHECK(waiting(a) == std::vector<std::string>{bad});
            CHECK(counts(a).frozen == 0);
            for (const auto& key : keys)
                if (key != bad) CHECK(w.at(key)->fields[0] == value::integer(1));
        }
}

TEST_CASE("statuses: a change that is refused though it is alone waits too", "[wire]") {
    for (const int status : {400, 413, 422}) {
        CAPTURE(status);
        world w;
        device a{w, "a"};
        REQUIRE(a.sync().ok());
        a.write("T", 1, 1);
        const auto report = a.sync(sync_mode::push_then_pull, refusing(a, {"T"}, status));
        CHECK(report.ok());
        CHECK(waiting(a) == std::vector<std::string>{"T"});
    }
}

TEST_CASE("statuses: several that are refused wait, each found by itself", "[wire]") {
    world w;
    device a{w, "a"};
    REQUIRE(a.sync().ok());
    std::vector<std::string> all;
    for (int i = 0; i < 40; ++i) all.push_back("T" + std::to_string(i));
    for (const auto& key : all) a.write(key, 1, 1);
    const std::vector<std::string> bad{"T0", "T1", "T17", "T39"};
    const auto report = a.sync(sync_mode::push_then_pull, refusing(a, bad, 422));
    CHECK(report.ok());
    CHECK(waiting(a) == bad);
    CHECK(report.pushed == all.size() - bad.size());
}

TEST_CASE("statuses: a server that refuses whatever it is sent is at fault itself, and nothing is set aside", "[wire]") {
    for (const int status : {400, 422})
        for (const std::size_t changes : {1u, 2u, 5u}) {
            CAPTURE(status, changes);
            world w;
            device a{w, "a"};
            REQUIRE(a.sync().ok());
            for (std::size_t i = 0; i < changes; ++i) a.write(keys[i], 1, 1);
            const auto refuse = [&](const request& r) -> result<response> {
                if (r.path == "/tether/push") return response{status, {}, R"({"message":"the header X-Version is missing"})"};
                return w.handle(r, "a");
            };
            for (int run = 0; run < 3; ++run) {
                a.sent.clear();
                const auto report = a.sync(sync_mode::push_then_pull, refuse);
                REQUIRE(report.why);
                CHECK(report.why->detail == "the header X-Version is missing");
                CHECK(report.failed == 0);
                CHECK(a.sent.size() <= 6);
            }
            CHECK(waiting(a).empty());
            CHECK(a.sync().ok());
            for (std::size_t i = 0; i < changes; ++i) CHECK(w.at(keys[i]));
        }
}

TEST_CASE("statuses: each needs a proof of its own: a server that begins to refuse in the middle of a run is at fault", "[wire]") {
    world w;
    mutation_client_options options;
    options.batch_size = options.grown_batch_size = 4;
    device a{w, "a", options};
    REQUIRE(a.sync().ok());
    for (int i = 0; i < 12; ++i) a.write("T" + std::to_string(i), 1, 1);
    std::size_t pushes_seen = 0;
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/push" && ++pushes_seen > 1) return response{422, {}, R"({"message":"a new rule"})"};
        return w.handle(r, "a");
    });
    CHECK(report.why);
    CHECK(report.pushed == 4);
    CHECK(waiting(a).empty());
    CHECK(a.sync().ok());
}

TEST_CASE("statuses: a server that takes nothing but an empty push is at fault too, where two changes show it", "[wire]") {
    world w;
    device a{w, "a"};
    REQUIRE(a.sync().ok());
    for (const auto& key : keys) a.write(key, 1, 1);
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/push" && pushed_at_all(r) != 0) return response{422, {}, R"({"message":"a member is missing"})"};
        return w.handle(r, "a");
    });
    CHECK(report.why);
    CHECK(waiting(a).empty());
    CHECK(a.sync().ok());
    CHECK(counts(a).frozen == 0);
}

TEST_CASE("statuses: a single change is refused for itself where the server has another answer to a push of nothing", "[wire]") {
    for (const char* nothing : {R"({"message":"the list is empty"})", ""}) {
        world w;
        device a{w, "a"};
        REQUIRE(a.sync().ok());
        a.write("T", 1, 1);
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            if (r.path != "/tether/push") return w.handle(r, "a");
            return response{422, {}, pushed_at_all(r) == 0 ? nothing : R"({"message":"mutations.0.payload is wrong"})"};
        });
        CHECK(report.ok());
        CHECK(waiting(a) == std::vector<std::string>{"T"});
    }
}

TEST_CASE("statuses: where the network fails while the client asks who is at fault, nothing is set aside", "[wire]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        world w;
        device a{w, "a"};
        REQUIRE(a.sync().ok());
        a.write("T", 1, 1);
        if (!single) a.write("T2", 1, 1);
        bool refused = false;
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            if (r.path != "/tether/push") return w.handle(r, "a");
            if (refused && !pushes(r, "T")) return make_fault(errc::unavailable, "no network");
            refused = refused || pushed_at_all(r) == 1;
            return response{422, {}, R"({"message":"no"})"};
        });
        CHECK(report.why);
        CHECK(waiting(a).empty());
        CHECK(a.sync().ok());
        CHECK(w.at("T"));
    }
}

TEST_CASE("statuses: a server that fails on whatever else it is asked about is not asked without end, and nothing is set aside", "[wire]") {
    for (const int status : {500, 502, 503, 429}) {
        CAPTURE(status);
        world w;
        device a{w, "a"};
        REQUIRE(a.sync().ok());
        for (int i = 0; i < 60; ++i) a.write("T" + std::to_string(i), 1, 1);
        a.sent.clear();
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            if (r.path != "/tether/push") return w.handle(r, "a");
            return pushes(r, "T0") ? response{422, {}, R"({"message":"no"})"} : response{status, {}, "{}"};
        });
        CHECK(report.why);
        CHECK(waiting(a).empty());
        CHECK(a.sent.size() < 20);
        CHECK(a.sync().ok());
        CHECK(counts(a).frozen == 0);
    }
}

TEST_CASE("statuses: requests are as large as before once the one was found", "[wire]") {
    world w;
    mutation_client_options options;
    options.batch_size = options.grown_batch_size = 16;
    device a{w, "a", options};
    REQUIRE(a.sync().ok());
    for (int i = 0; i < 64; ++i) a.write("T" + std::to_string(i), 1, 1);
    a.sent.clear();
    const auto report = a.sync(sync_mode::push_then_pull, refusing(a, {"T5"}, 422));
    CHECK(report.ok());
    CHECK(report.pushed == 63);
    std::size_t most = 0;
    for (std::size_t i = a.sent.size() / 2; i < a.sent.size(); ++i) most = (std::max)(most, pushed_at_all(a.sent[i]));
    CHECK(most == 16);
    CHECK(a.sent.size() < 20);
}

}  // namespace statuses_test
