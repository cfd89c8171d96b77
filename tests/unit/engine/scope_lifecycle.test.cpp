#include <syncline/engine/scope_lifecycle.hpp>

#include "unit/engine/fixture.hpp"

#include <chrono>

namespace scope_lifecycle_test {

namespace {

using namespace engine_tests;
using namespace std::chrono_literals;
using enum scope_resolution;

struct account : server {
    caller ben{"main", "ann", "ben's"};
    account() { now = at(1'700'000'000'000'000); }
    scope_connection connect(const caller& who, bool has_rows, const std::string& id = "id") { return lab_must(engine.connect(who, has_rows, id, now)); }
    errc create(const caller& who, std::string id, std::int64_t number = 1) {
        const auto made = engine.create_session(who, number, 1, "session" + std::to_string(++sessions), now, std::move(id));
        return made ? errc{} : made.error().code;
    }
    std::string last() const { return "session" + std::to_string(sessions); }
    errc chunk(const caller& who) {
        const auto done = engine.append_chunk(who, last(), 0, {change_of("", "T" + std::to_string(sessions), std::nullopt, node_row(1))}, now);
        return done ? errc{} : done.error().code;
    }
    errc commit(const caller& who) {
        const auto done = engine.commit_session(who, last(), now);
        return done ? errc{} : done.error().code;
    }
    errc pull() {
        const auto done = engine.bundles_after(ann, 0, 10, 0, now);
        return done ? errc{} : done.error().code;
    }
    errc snapshot() {
        const auto done = engine.create_snapshot(ann, "snap" + std::to_string(++sessions), now);
        return done ? errc{} : done.error().code;
    }
    int sessions = 0;
};

}  // namespace

TEST_CASE("scope lifecycle: the note of it comes back as it was, and nothing else is one") {
    const tenant_scope scope{scope_state::initializing, "p", "s", "id", at(77)};
    CHECK(lab_must(decode_tenant_scope(encode_tenant_scope(scope))) == scope);
    for (const auto& bad : {std::string{}, std::string{"\x03\0\0\0\0", 5}, encode_tenant_scope(scope) + "x"})
        CHECK(decode_tenant_scope(bad).error().code == errc::corrupt);
}

TEST_CASE("scope lifecycle: connect has an answer for each state and each device") {
    account s;
    CHECK(s.pull() == errc::scope_uninitialized);
    CHECK(s.snapshot() == errc::scope_uninitialized);
    const auto first = s.connect(s.ann, true, "one");
    CHECK(first == scope_connection{initialize_local, "one", s.now + 900s, 0});
    CHECK(s.pull() == errc::scope_initializing);
    CHECK(s.snapshot() == errc::scope_initializing);
    s.now += 100s + 1us;
    CHECK(s.connect(s.ben, true, "two") == scope_connection{retry_later, {}, first.lease_expires, 799});
    CHECK(s.connect(s.ben, false, "two").what == retry_later);
    // The same source of another principal is another device.
    CHECK(s.connect({"main", "eve", s.ann.source}, true, "two").what == retry_later);
    // The owner gets more time, and the same right.
    CHECK(s.connect(s.ann, true, "three") == scope_connection{initialize_local, "one", s.now + 900s, 0});
    s.now += 900s;
    CHECK(s.connect(s.ben, true, "four") == scope_connection{retry_later, {}, s.now, 1});
    s.now += 1us;
    CHECK(s.pull() == errc::scope_uninitialized);
    CHECK(s.connect(s.ben, true, "five") == scope_connection{initialize_local, "five", s.now + 900s, 0});
    CHECK(s.connect(s.ben, false).what == initialize_empty);
    CHECK(s.connect(s.ann, true).what == remote_authoritative);
    CHECK(s.connect(s.ben, false).what == remote_authoritative);
    CHECK(s.pull() == errc{});
    CHECK(s.snapshot() == errc{});
    CHECK(s.head().seq == 0);
}

TEST_CASE("scope lifecycle: a tenant that has data is filled, whoever wrote them, and every tenant has a state of its own") {
    SECTION("rows that were there before, or that another program writes") {
        account s;
        s.write("T", node_row(1));
        CHECK(s.pull() == errc{});
        CHECK(s.connect(s.ann, true).what == remote_authoritative);
    }
    SECTION("rows that a device of the other wire writes while somebody has the right to fill it") {
        account s;
        s.connect(s.ann, true, "one");
        s.push({change_of("m", "T", std::nullopt, node_row(1))});
        CHECK(s.connect(s.ben, true).what == remote_authoritative);
        CHECK(s.create(s.ann, "one") == errc::initialization_stale);
        CHECK(s.create(s.ann, {}) == errc{});
    }
    SECTION("rows that went again") {
        account s;
        s.write("T", node_row(1));
        s.seal();
        s.erase("T");
        CHECK(s.connect(s.ann, true).what == remote_authoritative);
    }
    SECTION("another tenant") {
        account s;
        s.connect(s.ann, false);
        CHECK(s.connect({"other", "ann", "dev"}, true, "theirs").initialization_id == "theirs");
    }
}

TEST_CASE("scope lifecycle: only the right that holds begins a push") {
    account s;
    CHECK(s.create(s.ann, {}) == errc::scope_uninitialized);
    CHECK(s.create(s.ann, "none") == errc::initialization_expired);
    s.connect(s.ann, true, "one");
    CHECK(s.create(s.ann, {}) == errc::invalid_argument);
    CHECK(s.create(s.ann, "other") == errc::initialization_stale);
    CHECK(s.create(s.ann, "one ") == errc::initialization_stale);
    CHECK(s.create(s.ben, "one") == errc::initialization_stale);
    CHECK(s.create(s.ann, "one") == errc{});
    CHECK(s.chunk(s.ann) == errc{});
    CHECK(s.commit(s.ann) == errc{});
    CHECK(s.connect(s.ben, true).what == remote_authoritative);
    // Its bundle is known, whatever became of the right; another one needs no right any more.
    CHECK(lab_must(s.engine.create_session(s.ann, 1, 1, "again", s.now, "one")).already_committed);
    CHECK(s.create(s.ann, "one", 2) == errc::initialization_stale);
    CHECK(s.create(s.ann, {}, 2) == errc{});
}

TEST_CASE("scope lifecycle: create, chunk and commit give more time, and end with the right") {
    account s;
    s.connect(s.ann, true, "one");
    for (const auto step : {&account::chunk, &account::commit}) {
        s.now += 900s;
        REQUIRE(s.create(s.ann, "one") == errc{});
        s.now += 900s;
        REQUIRE(s.chunk(s.ann) == errc{});
        if (step == &account::commit) break;
        // The session is prolonged with it; after both are over the session tells first.
        s.now += 900s + 1us;
        CHECK(s.chunk(s.ann) == errc::session_expired);
        s.connect(s.ann, true, "one");
    }
    s.now += 900s;
    CHECK(s.connect(s.ben, true).what == retry_later);
    CHECK(s.commit(s.ann) == errc{});
}

TEST_CASE("scope lifecycle: a session whose right was lost meanwhile never commits") {
    authority_options options;
    account s;
    s.connect(s.ann, true, "one");
    REQUIRE(s.create(s.ann, "one") == errc{});
    REQUIRE(s.chunk(s.ann) == errc{});
    SECTION("the account was filled by somebody else") {
        s.write("P", node_row(1));
        CHECK(s.chunk(s.ann) == errc::initialization_stale);
        CHECK(s.commit(s.ann) == errc::initialization_stale);
        CHECK(s.row("T1") == std::nullopt);
    }
    SECTION("the device itself said that it has nothing") {
        s.connect(s.ann, false);
        CHECK(s.commit(s.ann) == errc::initialization_stale);
    }
}

TEST_CASE("scope lifecycle: a right that is shorter than a session runs out before it, and another's comes in its place") {
    authority_options options;
    options.initialization_lease_ttl = 60s;
    server s{options};
    lab_must(s.engine.connect(s.ann, true, "one", s.now));
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now, "one"));
    const auto chunk = [&](timestamp when) { return s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T", std::nullopt, node_row(1))}, when); };
    CHECK(lab_must(chunk(s.now + 60s)) == 1);
    const timestamp late = s.now + 120s + 1us;
    CHECK(chunk(late).error().code == errc::initialization_expired);
    CHECK(s.engine.commit_session(s.ann, "s", late).error().code == errc::initialization_expired);
    lab_must(s.engine.connect({"main", "ann", "other"}, true, "two", late));
    CHECK(chunk(late).error().code == errc::initialization_stale);
    CHECK(s.engine.commit_session(s.ann, "s", late).error().code == errc::initialization_stale);
}

TEST_CASE("scope lifecycle: a push that something stands in the way of leaves the right where it was") {
    authority_options options;
    options.validate = [](const proposed_change&) { return rejection{{errc::validation_failed, "no"}, {}}; };
    server s{options};
    lab_must(s.engine.connect(s.ann, true, "one", s.now));
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now, "one"));
    (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T", std::nullopt, node_row(1))}, s.now));
    CHECK(!lab_must(s.engine.commit_session(s.ann, "s", s.now)).committed);
    CHECK(lab_must(s.engine.connect({"main", "ann", "other"}, true, "two", s.now)).what == retry_later);
    CHECK(lab_must(s.engine.connect(s.ann, true, "two", s.now)).initialization_id == "one");
}

}  // namespace scope_lifecycle_test
