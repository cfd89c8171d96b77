// Rows on which the other side fails: a server that crashes without naming one (W22, ENGINE.md rule 12), and bundles that this device cannot read.

#include <syncline/wire/bundle/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/bundle/fixture.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace culprit_test {

using namespace bundle_fixture;

namespace {

bool asks_for(const request& r, http_method method, std::string_view part) { return r.method == method && r.path.find(part) != std::string::npos; }
std::vector<intent> waiting(device_side& d) { return must(d.engine->waiting(100, d.server.now)); }

/// Makes the server of @p d crash on chunks with the record @p key, or on commits of bundles that have it.
void crash_on(device_side& d, std::string key, bool at_commit, int status = 500) {
    auto staged = std::make_shared<bool>(false);
    d.tamper = [key = std::move(key), at_commit, status, staged](const request& r, response& answer) {
        if (asks_for(r, http_method::post, "/push-sessions") && r.path.ends_with("/push-sessions")) *staged = false;
        const bool has = r.body.find("{\"id\":\"" + key + "\"}") != std::string::npos;
        if (asks_for(r, http_method::post, "/chunks")) {
            *staged = *staged || has;
            if (has && !at_commit) answer = response{status, {}, "<html>crashed</html>"};
        }
        if (asks_for(r, http_method::post, "/commit") && *staged && at_commit) answer = response{status, {}, "<html>crashed</html>"};
    };
}

/// The same, and the server does nothing.
void crash_before(device_side& d, std::string key) {
    auto staged = std::make_shared<bool>(false);
    d.intercept = [key = std::move(key), staged](const request& r) -> std::optional<response> {
        if (r.path.ends_with("/push-sessions")) *staged = false;
        if (asks_for(r, http_method::post, "/chunks")) *staged = *staged || r.body.find("{\"id\":\"" + key + "\"}") != std::string::npos;
        if (asks_for(r, http_method::post, "/commit") && *staged) return json_error(500, "push_session_commit_failed", "crashed");
        return std::nullopt;
    };
}

}  // namespace

TEST_CASE("bundle culprit: a row on which the server's commit fails waits for a person, wherever it stands, and the rest goes through") {
    for (int bad = 0; bad < 5; ++bad)
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{2}, std::size_t{1000}}) {
            INFO(bad << " chunk " << chunk);
            server_side server;
            bundle_client_options options;
            options.chunk_rows = chunk;
            device_side d{server, 1, resolver_set{}, options};
            for (int i = 0; i < 5; ++i) d.write(task_key(std::to_string(i)), a_task("x"));
            crash_before(d, std::to_string(bad));
            const auto report = d.sync();
            INFO((report.why ? report.why->detail : std::string{}));
            CHECK(report.ok());
            CHECK(report.failed == 1);
            REQUIRE(report.rejections.size() == 1);
            CHECK(report.rejections[0].key == task_key(std::to_string(bad)));
            CHECK(report.rejections[0].why.code == errc::internal);
            for (int i = 0; i < 5; ++i) CHECK(server.row(task_key(std::to_string(i))).has_value() == (i != bad));
            CHECK(text_of(d.row(task_key(std::to_string(bad)))) == "x|no|0|-");
            REQUIRE(waiting(d).size() == 1);
            CHECK(d.status().counts.frozen == 0);
            d.intercept = {};
            must(d.engine->retry(task_key(std::to_string(bad)), server.now));
            CHECK(d.sync().ok());
            CHECK(server.row(task_key(std::to_string(bad))));
        }
}

TEST_CASE("bundle culprit: a row on which the server's chunk fails waits for a person") {
    for (int bad = 0; bad < 5; ++bad)
        for (const std::size_t chunk : {std::size_t{2}, std::size_t{1000}}) {
            INFO(bad << " chunk " << chunk);
            server_side server;
            bundle_client_options options;
            options.chunk_rows = chunk;
            device_side d{server, 1, resolver_set{}, options};
            for (int i = 0; i < 5; ++i) d.write(task_key(std::to_string(i)), a_task("x"));
            crash_on(d, std::to_string(bad), false);
            const auto report = d.sync();
            INFO((report.why ? report.why->detail : std::string{}));
            CHECK(report.ok());
            REQUIRE(report.rejections.size() == 1);
            CHECK(report.rejections[0].key == task_key(std::to_string(bad)));
            for (int i = 0; i < 5; ++i) CHECK(server.row(task_key(std::to_string(i))).has_value() == (i != bad));
        }
}

TEST_CASE("bundle culprit: a commit that took effect, though its answer was a crash, is found out and given up for nothing") {
    server_side server;
    device_side d{server, 1};
    for (int i = 0; i < 4; ++i) d.write(task_key(std::to_string(i)), a_task("x", 1));
    crash_on(d, "2", true);
    const auto report = d.sync();
    INFO((report.why ? report.why->detail : std::string{}));
    CHECK(report.ok());
    CHECK(report.failed == 0);
    CHECK(waiting(d).empty());
    CHECK(server.head() == 1);
    for (int i = 0; i < 4; ++i) CHECK(d.row(task_key(std::to_string(i))) == server.row(task_key(std::to_string(i))));
}

TEST_CASE("bundle culprit: the failures are counted across runs that end after the first") {
    server_side server;
    bundle_client_options once;
    once.backoff_after_failure.attempts = 1;
    device_side d{server, 1, resolver_set{}, once};
    for (int i = 0; i < 5; ++i) d.write(task_key(std::to_string(i)), a_task("x"));
    crash_before(d, "3");
    std::size_t runs = 0;
    while (waiting(d).empty()) {
        REQUIRE(++runs < 20);
        (void)d.sync();
    }
    CHECK(runs > 3);
    CHECK(d.sync().ok());
    for (int i = 0; i < 5; ++i) CHECK(server.row(task_key(std::to_string(i))).has_value() == (i != 3));
}

TEST_CASE("bundle culprit: pauses and gateways are no failures of a row, and a server that fails on each row gives up a few") {
    for (const int status : {429, 502, 503, 504}) {
        INFO(status);
        server_side server;
        bundle_client_options patient;
        patient.backoff_after_failure.attempts = 20;
        device_side d{server, 1, resolver_set{}, patient};
        d.write(task_key("t"), a_task("x"));
        std::size_t n = 0;
        d.intercept = [&](const request& r) -> std::optional<response> {
            if (asks_for(r, http_method::post, "/commit") && ++n < 10) return response{status, {}, {}};
            return std::nullopt;
        };
        CHECK(d.sync().ok());
        CHECK(server.row(task_key("t")));
        CHECK(n == 10);
    }
    server_side server;
    device_side d{server, 1};
    for (int i = 0; i < 6; ++i) d.write(task_key(std::to_string(i)), a_task("x"));
    d.intercept = [&](const request& r) -> std::optional<response> {
        if (asks_for(r, http_method::post, "/commit")) return response{500, {}, {}};
        return std::nullopt;
    };
    CHECK(d.sync().why);
    CHECK(waiting(d).size() == 3);
}

TEST_CASE("unreadable bundles: one stops the pull before it, named, and is asked for again; a push still works") {
    struct spoilt {
        const char* what;
        std::string from, to;
        errc code;
    };
    const std::vector<spoilt> all{
        {"a value that does not fit", R"("points":5)", R"("points":"five")", errc::malformed_value},
        {"a fraction", R"("points":5)", R"("points":5.5)", errc::malformed_value},
        {"an unknown table", R"("table":"tasks","key":{"id":"t"})", R"("table":"planets","key":{"id":"t"})", errc::unknown_model},
        {"a null key", R"("key":{"id":"t"},"op":"INSERT")", R"("key":{"id":null},"op":"INSERT")", errc::invalid_key},
        {"no key", R"("key":{"id":"t"},"op":"INSERT")", R"("op":"INSERT")", errc::invalid_key},
        {"an unknown operation", R"("key":{"id":"t"},"op":"INSERT")", R"("key":{"id":"t"},"op":"MERGE")", errc::malformed_message},
        {"a version of a wrong type", R"("row_version":2,"payload":{"id":"t")", R"("row_version":"2","payload":{"id":"t")", errc::malformed_message},
        {"no payload", R"("row_version":2,"payload":{"id":"t",)", R"("row_version":2,"other":{"id":"t",)", errc::malformed_message},
    };
    for (const auto& s : all) {
        INFO(s.what);
        server_side server;
        device_side a{server, 1}, b{server, 2};
        a.write(project_key("p"), a_project("home"));
        REQUIRE(a.sync().ok());
        a.write(task_key("t"), a_task("paint", 5));
        a.write(task_key("u"), a_task("more", 1));
        REQUIRE(a.sync().ok());
        a.write(project_key("p"), a_project("garden"));
        REQUIRE(a.sync().ok());
        b.write(task_key("mine"), a_task("mine"));
        std::size_t spoilt_pages = 0;
        b.tamper = [&](const request& r, response& answer) {
            if (!asks_for(r, http_method::get, "/pull")) return;
            const auto at = answer.body.find(s.from);
            if (at == std::string::npos) return;
            ++spoilt_pages;
            answer.body.replace(at, s.from.size(), s.to);
        };
        const auto report = b.sync();
        REQUIRE(report.why);
        CHECK(report.why->code == s.code);
        CHECK(report.why->detail.find("bundle 2, row 0 (`") != std::string::npos);
        CHECK(report.pull_errors == 1);
        CHECK(spoilt_pages > 0);
        CHECK(report.pushed == 1);
        CHECK(server.row(task_key("mine")));
        CHECK(b.status().state.checkpoint == 1);
        CHECK(text_of(b.row(project_key("p"))) == "home");
        CHECK(!b.row(task_key("t")));
        CHECK(!b.row(task_key("u")));
        b.write(task_key("mine"), a_task("again"));
        CHECK(b.sync().pushed == 1);
        CHECK(text_of(server.row(task_key("mine"))) == "again|no|0|-");

        b.tamper = [](const request&, response&) {};
        CHECK(b.sync().ok());
        CHECK(b.row(task_key("t")) == server.row(task_key("t")));
        CHECK(text_of(b.row(project_key("p"))) == "garden");
        CHECK(b.status().state.checkpoint == server.head());
    }
}

TEST_CASE("unreadable bundles: an answer that is no page ends the pull with a typed fault, and moves nothing") {
    const std::vector<std::string> answers{"", "<html>", "null", "[]", "7", "{}", R"({"stable_bundle_seq":"1","bundles":[]})", R"({"stable_bundle_seq":1})",
                                           R"({"stable_bundle_seq":1,"bundles":7})", R"({"stable_bundle_seq":1,"bundles":[7]})", R"({"stable_bundle_seq":1,"bundles":[{}]})",
                                           R"({"stable_bundle_seq":1,"bundles":[{"bundle_seq":1}]})", R"({"stable_bundle_seq":1,"bundles":[{"bundle_seq":2,"rows":[]}]})",
                                           R"({"stable_bundle_seq":-1,"bundles":[]})", R"({"stable_bundle_seq":1e400,"bundles":[]})",
                                           R"({"stable_bundle_seq":1,"bundles":["\ud800"]})", "{\"stable_bundle_seq\":1,\"bundles\":[\"\xff\"]}"};
    for (const auto& body : answers) {
        INFO(body);
        server_side server;
        device_side a{server, 1}, b{server, 2};
        a.write(task_key("t"), a_task("paint"));
        REQUIRE(a.sync().ok());
        b.tamper = [&](const request& r, response& answer) {
            if (asks_for(r, http_method::get, "/pull")) answer.body = body;
        };
        const auto report = b.sync();
        REQUIRE(report.why);
        CHECK((report.why->code == errc::malformed_message || report.why->code == errc::malformed_json));
        CHECK(b.status().state.checkpoint == 0);
        b.tamper = [](const request&, response&) {};
        CHECK(b.sync().ok());
        CHECK(b.row(task_key("t")) == server.row(task_key("t")));
    }
}

TEST_CASE("unreadable bundles: a picture with a row that cannot be read is not taken, and says which row it is") {
    server_side server;
    device_side a{server, 1}, b{server, 2};
    a.write(task_key("t"), a_task("paint", 5));
    REQUIRE(a.sync().ok());
    server.prune();
    b.tamper = [&](const request& r, response& answer) {
        const auto at = answer.body.find(R"("points":5)");
        if (asks_for(r, http_method::get, "/snapshot-sessions/") && at != std::string::npos) answer.body.replace(at, 10, R"("points":{})");
    };
    b.write(task_key("mine"), a_task("mine"));
    const auto report = b.sync();
    REQUIRE(report.why);
    CHECK(report.why->code == errc::malformed_value);
    CHECK(report.why->detail.find("(`tasks` `t`)") != std::string::npos);
    CHECK(report.pushed == 1);
    b.tamper = [](const request&, response&) {};
    CHECK(b.sync().ok());
    CHECK(b.row(task_key("t")) == server.row(task_key("t")));
}

}  // namespace culprit_test
