#include <syncline/engine/push_sessions.hpp>

#include "unit/engine/fixture.hpp"

namespace push_sessions_test {

namespace {

using namespace engine_tests;

template <class T>
errc code_of(const result<T>& done) {
    return done ? errc{} : done.error().code;
}

}  // namespace

TEST_CASE("push sessions: another source of the same principal cannot drive one, and does it no harm") {
    server s;
    s.begin_empty();
    const caller other{"main", "ann", "other"};
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
    const std::vector<mutation> rows{change_of("", "T", std::nullopt, node_row(1))};
    CHECK(code_of(s.engine.append_chunk(other, "s", 0, rows, s.now)) == errc::forbidden);
    (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, rows, s.now));
    CHECK(code_of(s.engine.append_chunk(other, "s", 0, rows, s.now)) == errc::forbidden);
    CHECK(code_of(s.engine.commit_session(other, "s", s.now)) == errc::forbidden);
    CHECK(code_of(s.engine.delete_session(other, "s", s.now)) == errc::forbidden);
    CHECK(lab_must(s.engine.commit_session(s.ann, "s", s.now)).committed);
}

TEST_CASE("push sessions: a chunk that comes again is answered as the first time, also once the session is whole") {
    server s;
    s.begin_empty();
    lab_must(s.engine.create_session(s.ann, 1, 2, "s", s.now));
    const std::vector<mutation> one{change_of("", "T", std::nullopt, node_row(1))};
    const std::vector<mutation> two{change_of("", "T2", std::nullopt, node_row(2))};
    for (int i = 0; i < 2; ++i) CHECK(lab_must(s.engine.append_chunk(s.ann, "s", 0, one, s.now)) == 1);
    for (int i = 0; i < 2; ++i) CHECK(lab_must(s.engine.append_chunk(s.ann, "s", 1, two, s.now)) == 2);
    CHECK(lab_must(s.engine.append_chunk(s.ann, "s", 0, one, s.now)) == 2);
    CHECK(s.engine.append_chunk(s.ann, "s", 2, one, s.now).error().code == errc::malformed_value);
    CHECK(lab_must(s.engine.commit_session(s.ann, "s", s.now)).committed->row_count == 2);
}

TEST_CASE("push sessions: the receipt answers whatever became of the rest, and only to its principal") {
    server s;
    s.begin_empty();
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T", std::nullopt, node_row(1))}, s.now));
    const auto done = lab_must(s.engine.commit_session(s.ann, "s", s.now));
    REQUIRE(s.engine.prune("main", 1, s.now));
    CHECK(lab_must(s.engine.create_session(s.ann, 1, 9, "again", s.now)).already_committed == done.committed);
    CHECK(lab_must(s.engine.create_session(s.ann, 1, 9, "again", s.now, "a right that never was")).already_committed == done.committed);
    CHECK(s.engine.create_session({"main", "eve", "dev"}, 1, 1, "hers", s.now).error().code == errc::out_of_sequence);
}

}  // namespace push_sessions_test
