#include <syncline/engine/session_quota.hpp>

#include "unit/engine/fixture.hpp"

#include <chrono>

namespace session_quota_test {

namespace {

using namespace engine_tests;
using namespace std::chrono_literals;

authority_options few() {
    authority_options out;
    out.max_push_sessions = 2;
    out.max_snapshot_sessions = 2;
    return out;
}
std::size_t notes_of(server& s) {
    auto t = lab_must(s.store.begin("main", access::snapshot));
    return lab_must(t.notes({}, "push/")).size() + lab_must(t.notes({}, "snapshot/")).size();
}
errc push(server& s, const caller& who, const std::string& id) {
    const auto made = s.engine.create_session(who, 1, 1, id, s.now);
    return made ? errc{} : made.error().code;
}
errc snapshot(server& s, const caller& who, const std::string& id) {
    const auto made = s.engine.create_snapshot(who, id, s.now);
    return made ? errc{} : made.error().code;
}

}  // namespace

TEST_CASE("session quota: the note of a session comes back as it was, and nothing else is one") {
    const session_note note{"id", "right", 1'000'000'000'000};
    CHECK(lab_must(decode_session_note(encode_session_note(note))) == note);
    CHECK(decode_session_note("").error().code == errc::corrupt);
    CHECK(decode_session_note(encode_session_note(note) + "x").error().code == errc::corrupt);
    CHECK(!session_note_name(session_kind::push, "p", "s10").starts_with(session_note_name(session_kind::push, "p", "s1")));
    CHECK(!session_notes(session_kind::push, "ann2").starts_with(session_notes(session_kind::push, "ann")));
}

TEST_CASE("session quota: a principal has so many push sessions open, and those that end make room") {
    server s{few()};
    s.begin_empty();
    const auto of = [](const char* source, const char* principal = "ann") { return caller{"main", principal, source}; };
    CHECK(push(s, of("a"), "s1") == errc{});
    CHECK(push(s, of("b"), "s2") == errc{});
    CHECK(push(s, of("c"), "s3") == errc::rate_limited);
    CHECK(push(s, of("c", "ann2"), "s4") == errc{});
    // The same bundle again takes the place of its older session.
    CHECK(push(s, of("b"), "s10") == errc{});
    CHECK(push(s, of("c"), "s3") == errc::rate_limited);
    SECTION("deleted") { CHECK(s.engine.delete_session(of("a"), "s1", s.now)); }
    SECTION("committed") {
        (void)lab_must(s.engine.append_chunk(of("a"), "s1", 0, {change_of("", "T", std::nullopt, node_row(1))}, s.now));
        REQUIRE(lab_must(s.engine.commit_session(of("a"), "s1", s.now)).committed);
    }
    SECTION("expired") {
        s.now += 900s;
        CHECK(push(s, of("c"), "s3") == errc::rate_limited);
        s.now += 1us;
    }
    CHECK(push(s, of("c"), "s3") == errc{});
}

TEST_CASE("session quota: the same for snapshots") {
    server s{few()};
    s.begin_empty();
    CHECK(snapshot(s, s.ann, "s1") == errc{});
    CHECK(snapshot(s, s.ann, "s2") == errc{});
    CHECK(snapshot(s, s.ann, "s3") == errc::rate_limited);
    CHECK(snapshot(s, {"main", "ben", "dev"}, "s4") == errc{});
    SECTION("deleted") { CHECK(s.engine.delete_snapshot(s.ann, "s1")); }
    SECTION("expired") {
        s.now += 900s;
        CHECK(snapshot(s, s.ann, "s3") == errc::rate_limited);
        s.now += 1us;
    }
    CHECK(snapshot(s, s.ann, "s3") == errc{});
}

TEST_CASE("session quota: none means any number") {
    authority_options options;
    options.max_push_sessions = options.max_snapshot_sessions = 0;
    server s{options};
    s.begin_empty();
    for (int i = 0; i < 100; ++i) {
        CHECK(push(s, {"main", "ann", "d" + std::to_string(i)}, "s" + std::to_string(i)) == errc{});
        CHECK(snapshot(s, s.ann, "p" + std::to_string(i)) == errc{});
    }
}

TEST_CASE("session quota: retention drops what expired on a server where nobody opens a session any more") {
    server s{few()};
    s.begin_empty();
    CHECK(push(s, s.ann, "s1") == errc{});
    CHECK(snapshot(s, s.ann, "s2") == errc{});
    CHECK(notes_of(s) == 2);
    lab_must(s.engine.retain("main", 0, s.now + 900s));
    CHECK(notes_of(s) == 2);
    s.now += 900s + 1us;
    CHECK(s.engine.snapshot_page(s.ann, "s2", 0, 1, s.now).error().code == errc::session_expired);
    lab_must(s.engine.retain("main", 0, s.now));
    CHECK(notes_of(s) == 0);
    auto t = lab_must(s.store.begin("main", access::snapshot));
    CHECK(!lab_must(t.find_session("s1")));
    CHECK(!lab_must(t.find_snapshot("s2")));
}

TEST_CASE("session quota: the octets of a bundle are counted over its chunks, those that come again once") {
    server s;
    s.begin_empty();
    lab_must(s.engine.create_session(s.ann, 1, 3, "s", s.now));
    const auto chunk = [&](std::uint32_t first, std::uint64_t bytes) {
        const auto done = s.engine.append_chunk(s.ann, "s", first, {change_of("", "T" + std::to_string(first), std::nullopt, node_row(1))}, s.now, {bytes, 100});
        return done ? errc{} : done.error().code;
    };
    CHECK(chunk(0, 60) == errc{});
    CHECK(chunk(0, 60) == errc{});
    CHECK(chunk(1, 41) == errc::too_large);
    CHECK(chunk(1, 40) == errc{});
    CHECK(chunk(2, 1) == errc::too_large);
    CHECK(chunk(2, 0) == errc{});
}

TEST_CASE("session quota: of a session of which nothing is noted only its id is known") {
    server s;
    auto t = lab_must(s.store.begin("main", access::snapshot));
    CHECK(lab_must(note_of_session(t, session_kind::push, "ann", "s")) == session_note{"s"});
}

}  // namespace session_quota_test
