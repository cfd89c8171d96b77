#include <syncline/engine/snapshot_sessions.hpp>

#include "unit/engine/fixture.hpp"

#include <chrono>

namespace snapshot_sessions_test {

namespace {

using namespace engine_tests;
using namespace std::chrono_literals;

}  // namespace

TEST_CASE("snapshot sessions: a download that is slower than a session's time ends all the same") {
    server s;
    for (int i = 0; i < 8; ++i) s.write("T" + std::to_string(i), node_row(i));
    lab_must(s.engine.create_snapshot(s.ann, "snap", s.now));
    for (std::uint32_t at = 0; at < 8; ++at) {
        s.now += 800s;
        const auto page = s.engine.snapshot_page(s.ann, "snap", at, 1, s.now);
        REQUIRE(page);
        CHECK(page->second.size() == 1);
    }
    s.now += 900s + 1us;
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, s.now).error().code == errc::session_expired);
}

TEST_CASE("snapshot sessions: a page is served while somebody writes, and gives more time at the next occasion") {
    server s;
    s.write("T", node_row(1));
    lab_must(s.engine.create_snapshot(s.ann, "snap", s.now));
    s.now += 700s;
    {
        auto held = lab_must(s.store.begin("main", access::write));
        CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, s.now));
    }
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, s.now));
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, s.now + 900s));
}

TEST_CASE("snapshot sessions: one with too many rows is refused, and none is left of it") {
    server s;
    for (int i = 0; i < 3; ++i) s.write("T" + std::to_string(i), node_row(i));
    CHECK(s.engine.create_snapshot(s.ann, "snap", s.now, std::nullopt, 2).error().code == errc::too_large);
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, s.now).error().code == errc::session_gone);
    CHECK(s.engine.create_snapshot(s.ann, "snap", s.now, std::nullopt, 3));
}

}  // namespace snapshot_sessions_test
