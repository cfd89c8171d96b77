// A change on which the server fails without saying so (W22, ENGINE.md rule 12) stops nobody else.

#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace culprit_test {

using namespace mutation_tests;

namespace {

bool pushes(const request& r, const std::string& key) {
    return r.path == "/tether/push" && r.body.find("\"entity_id\":\"" + key + "\"") != std::string::npos;
}
/// The wire of @p d, whose server crashes on every push with the record @p key.
lossy crashing(device& d, std::string key, int status = 500) {
    return [&d, key = std::move(key), status](const request& r) -> result<response> {
        if (pushes(r, key)) return response{status, {}, "<html>crashed</html>"};
        return d.w.handle(r, d.name);
    };
}
std::vector<intent> waiting(device& d) { return lab_must(d.engine.waiting(100, noon)); }
replica_counts counts(device& d) { return lab_must(d.engine.status(noon)).counts; }

const std::vector<std::string> keys{"P", "T", "T2", "C1", "C2"};

}  // namespace

TEST_CASE("culprit: a change that crashes the server waits for a person, wherever it stands, and the rest goes through (W22)", "[wire]") {
    for (const auto& bad : keys) {
        INFO(bad);
        world w;
        w.write("P", 0, 0);  // children need it, also where the device's own change of it is the culprit
        device a{w, "a"};
        REQUIRE(a.sync().ok());
        for (const auto& key : keys) a.write(key, 1, 1);
        const auto report = a.sync(sync_mode::push_then_pull, crashing(a, bad));
        CHECK(report.ok());
        CHECK(report.failed == 1);
        REQUIRE(report.rejections.size() == 1);
        CHECK(report.rejections[0].key == key_named(bad));
        CHECK(report.rejections[0].why.code == errc::internal);
        CHECK(report.rejections[0].why.detail.find("this change") != std::string::npos);
        for (const auto& key : keys)
            if (key != bad) CHECK(w.at(key)->fields[0] == value::integer(1));
        CHECK(a.at(bad)->fields[0] == value::integer(1));
        REQUIRE(waiting(a).size() == 1);
        CHECK(waiting(a)[0].key == key_named(bad));
        CHECK(counts(a).frozen == 0);
        // The same again costs nothing, and once the server was put right a person lets it go.
        a.sent.clear();
        CHECK(a.sync(sync_mode::push_then_pull, crashing(a, bad)).ok());
        CHECK(a.sent.size() == 1);
        lab_must(a.engine.retry(key_named(bad), noon));
        CHECK(a.sync().ok());
        CHECK(w.at(bad)->fields[0] == value::integer(1));
    }
}

TEST_CASE("culprit: the failures are counted across runs that end after the first", "[wire]") {
    world w;
    mutation_client_options once;
    once.backoff_after_failure.attempts = 1;
    device a{w, "a", once};
    for (const auto& key : keys) a.write(key, 1, 1);
    std::size_t runs = 0;
    while (waiting(a).empty()) {
        REQUIRE(++runs < 20);
        const auto report = a.sync(sync_mode::push_then_pull, crashing(a, "T2"));
        if (waiting(a).empty()) CHECK(report.why);
    }
    CHECK(runs > 3);
    CHECK(a.sync(sync_mode::push_then_pull, crashing(a, "T2")).ok());
    for (const auto& key : keys) CHECK(w.at(key).has_value() == (key != "T2"));
}

TEST_CASE("culprit: a server that fails on everything is at fault itself, and nothing is given up (W22)", "[wire]") {
    world w;
    device a{w, "a"};
    REQUIRE(a.sync().ok());  // it has met the server
    for (const auto& key : keys) a.write(key, 1, 1);
    for (int run = 0; run < 4; ++run) {
        a.sent.clear();
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            if (r.path == "/tether/push") return json_error(500, "internal", "broken");
            return w.handle(r, "a");
        });
        REQUIRE(report.why);
        CHECK(report.why->code == errc::internal);
        CHECK(a.sent.size() <= 5);
    }
    CHECK(waiting(a).empty());
    CHECK(counts(a).frozen == keys.size());
    CHECK(a.sync().ok());
    for (const auto& key : keys) CHECK(w.at(key));
}

TEST_CASE("culprit: a server that fails on every single change gives up a few of them, not all at once", "[wire]") {
    world w;
    device a{w, "a"};
    for (const auto& key : keys) a.write(key, 1, 1);
    const auto crash = [&](const request& r) -> result<response> {
        if (r.path == "/tether/push" && r.body.find("mutation_id") != std::string::npos) return response{500, {}, {}};
        return w.handle(r, "a");
    };
    CHECK(a.sync(sync_mode::push_then_pull, crash).why);
    CHECK(waiting(a).size() == 3);
}

TEST_CASE("culprit: a lost answer, a pause and a gateway are no failures of a change", "[wire]") {
    for (const int status : {0, 429, 502, 503, 504}) {
        INFO(status);
        world w;
        mutation_client_options patient;
        patient.backoff_after_failure.attempts = 20;
        device a{w, "a", patient};
        a.write("T", 1, 1);
        std::size_t n = 0;
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            if (r.path == "/tether/push" && ++n < 10) {
                if (status == 0) return make_fault(errc::unavailable, "no network");
                return response{status, {}, {}};
            }
            return w.handle(r, "a");
        });
        CHECK(report.ok());
        CHECK(report.failed == 0);
        CHECK(n == 10);
        CHECK(w.at("T"));
    }
}

TEST_CASE("culprit: an answer that cannot be read gives up no change, for it may have taken effect", "[wire]") {
    const std::vector<std::string> answers{"", "<html>", "[]", "{}", R"({"outcomes":7})", R"({"outcomes":[7,null,{}]})", R"({"outcomes":[],"epoch":7})",
                                           R"({"outcomes":[],"head":"x"})"};
    for (const auto& body : answers) {
        INFO(body);
        world w;
        device a{w, "a"};
        a.write("T", 1, 1);
        a.write("T2", 1, 1);
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            const auto answer = w.handle(r, "a");
            return r.path == "/tether/push" ? response{200, {}, body} : answer;
        });
        REQUIRE(report.why);
        CHECK(report.failed == 0);
        CHECK(waiting(a).empty());
        CHECK(a.sync().ok());
        CHECK(counts(a).frozen == 0);
        CHECK(a.at("T") == w.at("T"));
    }
}

TEST_CASE("culprit: one outcome that cannot be read leaves its own change undecided, and the receipt answers later", "[wire]") {
    for (const char* status : {"\"status\":\"done\"", "\"status\":7", "\"state\":\"applied\""}) {
        world w;
        device a{w, "a"};
        a.write("T", 1, 1);
        a.write("T2", 2, 2);
        std::size_t n = 0;
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            auto answer = w.handle(r, "a");
            if (r.path != "/tether/push" || n++ != 0) return answer;
            const auto at = answer.body.rfind("\"status\":\"applied\"");
            return response{200, {}, answer.body.replace(at, 18, status)};
        });
        CHECK(report.ok());
        CHECK(report.pushed == 2);
        CHECK(counts(a).frozen == 0);
        CHECK(a.at("T2") == w.at("T2"));
    }
}

TEST_CASE("culprit: an outcome whose row cannot be read is taken without it, and the row comes with the pull", "[wire]") {
    world w;
    device a{w, "a"}, b{w, "b"};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    REQUIRE(b.sync().ok());
    b.set("T", 0, 5);
    REQUIRE(b.sync().ok());
    a.set("T", 1, 7);
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        auto answer = w.handle(r, "a");
        const auto at = answer.body.find("\"row\":{\"a\":5");
        if (r.path == "/tether/push" && at != std::string::npos) answer.body.replace(at, 12, "\"row\":{\"a\":\"five\"");
        return answer;
    });
    CHECK(report.ok());
    CHECK(report.pushed == 1);
    CHECK(a.at("T") == w.at("T"));
    CHECK(a.at("T")->fields[0] == value::integer(5));
    CHECK(a.at("T")->fields[1] == value::integer(7));
}

TEST_CASE("culprit: a request that the server does not know at all gives up no change", "[wire]") {
    for (const int status : {404, 405, 410, 415, 301}) {
        INFO(status);
        world w;
        device a{w, "a"};
        a.write("T", 1, 1);
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            if (r.path == "/tether/push") return response{status, {}, "no such page"};
            return w.handle(r, "a");
        });
        REQUIRE(report.why);
        CHECK(waiting(a).empty());
        CHECK(a.sync().ok());
        CHECK(w.at("T"));
    }
}

TEST_CASE("culprit: a page that is too large for the device is asked for in smaller ones", "[wire]") {
    world w;
    mutation_client_options small;
    small.json.max_bytes = 700;
    device a{w, "a", small};
    for (const auto& key : keys) w.write(key, 1, 1);
    const auto report = a.sync();
    INFO((report.why ? report.why->detail : std::string{}));
    CHECK(report.ok());
    for (const auto& key : keys) CHECK(a.at(key) == w.at(key));
}

}  // namespace culprit_test
