#include <syncline/testing/wire/wire_run.hpp>

#include "support/catch.hpp"

namespace wire_run_test {

using namespace syncline;
using namespace syncline::testing;

TEST_CASE("wire_run: runs the clauses that are asked for, and none that the original is known to break") {
    report out;
    seeded_random random{1};
    wire_subject s;
    s.profile = wire_profile::original;
    s.only = "mutation 2.4";
    wire_run run([](const request&) -> result<response> { return response{}; }, s, random, out);
    const auto body = [](clause& c) { c.expect(true, "holds"); };
    run.clause("mutation 2.4 retry", "asks", body);
    run.clause("mutation 3 pages", "asks", body);
    run.beyond_original("mutation 2.4 fields", "asks", "W01", body);
    run.skip("mutation 2.4 conflict", "asks", "not told");
    run.skip("mutation 3 tombstone", "asks", "not told");
    REQUIRE(out.clauses().size() == 3);
    CHECK(out.find("mutation 2.4 retry")->checks == 1);
    CHECK(out.find("mutation 2.4 fields")->skipped == "known of the original: W01");
    CHECK(out.find("mutation 2.4 conflict")->skipped == "not told");
}

TEST_CASE("wire_run: an answer that does not come ends the clause") {
    report out;
    seeded_random random{1};
    wire_run run([](const request&) -> result<response> { return make_fault(errc::unavailable, "refused"); }, {}, random, out);
    bool reached = false;
    run.clause("x", "asks", [&](clause& c) {
        run.ask(c, wire_run::make(http_method::post, "/p", "{}", {{{"Authorization", "Bearer a"}}}));
        reached = true;
    });
    CHECK_FALSE(reached);
    CHECK(out.find("x")->findings == std::vector<std::string>{"POST /p: unavailable: refused"});
    const auto r = wire_run::make(http_method::post, "/p", "{}", {{{"Authorization", "Bearer a"}}});
    CHECK(find_header(r.headers, "Content-Type") == "application/json");
    CHECK(find_header(r.headers, "Authorization") == "Bearer a");
    CHECK(wire_run::make(http_method::get, "/p", {}, {}).headers.empty());
}

TEST_CASE("wire_run: a server that hangs up on a large body has refused it, and one that is slow has not") {
    report out;
    seeded_random random{1};
    result<response> next = response{500, {}, {}};
    wire_run run([&](const request&) { return next; }, {}, random, out);
    run.clause("x", "asks", [&](clause& c) {
        CHECK(run.ask_too_much(c, {}) == 500);
        next = make_fault(errc::unavailable, "closed");
        CHECK(run.ask_too_much(c, {}) == 413);
        next = make_fault(errc::timed_out, "no answer");
        run.ask_too_much(c, {});
        CHECK(false);
    });
    CHECK(out.find("x")->findings == std::vector<std::string>{"a body that is too large: timed_out: no answer"});
}

TEST_CASE("wire_run: names and times are fresh, and of the form that is asked for") {
    report out;
    seeded_random random{1};
    wire_subject s;
    s.now = from_microseconds(5'000'000);
    wire_run run([](const request&) -> result<response> { return response{}; }, s, random, out);
    CHECK(run.fresh_key(wire_keys::ulid).size() == 26);
    CHECK(run.fresh_key(wire_keys::uuid).size() == 36);
    const std::string earlier = run.fresh_ulid();
    CHECK(earlier < run.fresh_ulid());
    CHECK(run.fresh_time() == 5001);
    CHECK(run.fresh_time() == 5002);
    s.keys = wire_keys::uuid;
    wire_run other([](const request&) -> result<response> { return response{}; }, s, random, out);
    CHECK(other.fresh_key(wire_keys::ulid).size() == 36);
}

TEST_CASE("same_wire_value: a number may be a text, and a boolean 0 or 1, and nothing else") {
    CHECK(same_wire_value("1", "true"));
    CHECK(same_wire_value("\"1\"", "1"));
    CHECK(same_wire_value("false", "0"));
    CHECK(same_wire_value("\"a\"", "\"a\""));
    CHECK_FALSE(same_wire_value("\"a\"", "a"));
    CHECK_FALSE(same_wire_value("\"\"", "\"a\""));
    CHECK_FALSE(same_wire_value("null", "0"));
    CHECK_FALSE(same_wire_value("\"1", "1"));
    CHECK_FALSE(same_wire_value("2", "true"));
}

TEST_CASE("other_methods: all but those that a path has") {
    CHECK(other_methods(http_method::get, http_method::erase) == std::vector<http_method>{http_method::post, http_method::put, http_method::patch});
}

}  // namespace wire_run_test
