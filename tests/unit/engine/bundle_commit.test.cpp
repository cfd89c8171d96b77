#include <syncline/engine/bundle_commit.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bundle_commit_test {

namespace {

using namespace engine_tests;
using kind = commit_obstacle::kind;

/// Uploads @p rows as the source's next bundle and commits it.
result<commit_answer> commit(server& s, const std::vector<mutation>& rows) {
    auto t = lab_must(s.store.begin("main", access::snapshot));
    const auto next = lab_must(t.last_source_bundle_id(s.ann.source)) + 1;
    t = lab_must(s.store.begin("main", access::snapshot));
    const std::string id = "s" + std::to_string(next);
    lab_must(s.engine.connect(s.ann, false, {}, s.now));
    lab_must(s.engine.create_session(s.ann, next, static_cast<std::uint32_t>(rows.size()), id, s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, id, 0, rows, s.now));
    return s.engine.commit_session(s.ann, id, s.now);
}
mutation row_of(const std::string& key, const std::optional<record>& before, const std::optional<record>& after, std::int64_t base = 0) {
    return change_of({}, key, before, after, base);
}
commit_obstacle one_obstacle(const result<commit_answer>& said) {
    const auto answer = lab_must(said);
    CHECK(!answer.committed);
    REQUIRE(answer.obstacles.size() == 1);
    return answer.obstacles.front();
}

}  // namespace

TEST_CASE("bundle commit: all rows become one bundle of the source, with one receipt") {
    server s;
    const auto done = lab_must(commit(s, {row_of("C1", std::nullopt, child_row(1, "P")), row_of("P", std::nullopt, node_row(1)),
                                          row_of("T", std::nullopt, node_row(2))}));
    REQUIRE(done.committed);
    CHECK(done.committed->row_count == 3);
    const auto sealed = lab_must(s.engine.committed_rows(s.ann, done.committed->seq, 0, 10));
    CHECK(sealed.head.source == "dev");
    CHECK(sealed.head.source_bundle_id == 1);
    CHECK(sealed.rows.size() == 3);
    CHECK(s.row("C1") == child_row(1, "P"));

    // Erases take their children along in the same bundle.
    const auto gone = lab_must(commit(s, {row_of("P", node_row(1), std::nullopt, 1), row_of("C1", child_row(1, "P"), std::nullopt, 1)}));
    REQUIRE(gone.committed);
    CHECK(!s.row("P"));
}

TEST_CASE("bundle commit: the base must be the current version, for every operation, or nothing at all is written") {
    struct point {
        bool alive;
        bool seen_before;
        operation op;
        std::int64_t base;
        bool fits;
    };
    // The key is unknown, dead at version 2, or alive at version 1.
    const std::vector<point> table{
        {false, false, operation::create, 0, true},  {false, false, operation::update, 0, false}, {false, false, operation::erase, 0, false},
        {false, true, operation::create, 2, true},   {false, true, operation::create, 0, false},  {false, true, operation::create, 1, false},
        {false, true, operation::update, 2, false},  {false, true, operation::erase, 2, false},   {true, true, operation::create, 0, false},
        {true, true, operation::create, 1, false},   {true, true, operation::update, 1, true},    {true, true, operation::update, 0, false},
        {true, true, operation::erase, 1, true},     {true, true, operation::erase, 0, false}};
    for (const auto& p : table) {
        CAPTURE(p.alive, p.seen_before, name_of(p.op), p.base);
        server s;
        if (p.seen_before) {
            s.write("T", node_row(1));
            s.seal();
        }
        if (p.seen_before && !p.alive) {
            s.erase("T");
            s.seal();
        }
        mutation made = row_of("T", p.op == operation::create ? std::nullopt : std::optional<record>{node_row(1)},
                               p.op == operation::erase ? std::nullopt : std::optional<record>{node_row(5)}, p.base);
        const auto said = lab_must(commit(s, {row_of("T2", std::nullopt, node_row(3)), made}));
        CHECK(said.committed.has_value() == p.fits);
        CHECK(s.row("T2").has_value() == p.fits);
        if (p.fits) continue;
        REQUIRE(said.obstacles.size() == 1);
        const auto& o = said.obstacles.front();
        CHECK(o.what == kind::version_conflict);
        CHECK(o.key == key_named("T"));
        CHECK(o.op == p.op);
        CHECK(o.base_version == p.base);
        CHECK(o.server_version == (p.alive ? 1 : p.seen_before ? 2 : 0));
        CHECK(o.server_deleted == (p.seen_before && !p.alive));
        CHECK(o.server_row.has_value() == p.alive);
    }
}

TEST_CASE("bundle commit: tells all version conflicts at once, and what others staged counts") {
    server s;
    s.write("T", node_row(1));
    s.write("T2", node_row(1));
    s.seal();
    s.write("T", node_row(7));
    s.write("T2", node_row(8));
    const auto said = lab_must(commit(s, {row_of("T", node_row(1), node_row(2), 1), row_of("P", std::nullopt, node_row(2)),
                                          row_of("T2", node_row(1), std::nullopt, 1)}));
    REQUIRE(said.obstacles.size() == 2);
    CHECK(said.obstacles[0].server_row == node_row(7));
    CHECK(said.obstacles[1].server_row == node_row(8));
    CHECK(!s.row("P"));
}

TEST_CASE("bundle commit: an obstacle leaves the session, so the commit can come again when it is gone") {
    bool closed = true;
    const errc code = GENERATE(errc::unavailable, errc::bug);
    authority_options o;
    o.validate = [&](const proposed_change&) -> std::optional<rejection> {
        if (closed) return rejection{{code, "down"}, {}};
        return std::nullopt;
    };
    server s{o};
    const auto said = commit(s, {row_of("T", std::nullopt, node_row(1))});
    REQUIRE(!said);
    CHECK(said.error().code == code);
    CHECK(!s.row("T"));
    closed = false;
    CHECK(lab_must(s.engine.commit_session(s.ann, "s1", s.now)).committed);
    CHECK(s.row("T") == node_row(1));
}

TEST_CASE("bundle commit: an erase that would take along a live record which the bundle does not erase is told with that record") {
    server s;
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.seal();
    const auto o = one_obstacle(commit(s, {row_of("P", node_row(1), std::nullopt, 1)}));
    CHECK(o.what == kind::cascade);
    CHECK(o.key == key_named("P"));
    CHECK(o.victim == key_named("C1"));
    CHECK(o.server_version == 1);
    CHECK(o.server_row == child_row(1, "P"));
    CHECK(s.row("P"));

    // A row of the same bundle that would be taken along counts like any other.
    const auto under = one_obstacle(commit(s, {row_of("P", node_row(1), std::nullopt, 1), row_of("C1", child_row(1, "P"), std::nullopt, 1),
                                               row_of("C2", std::nullopt, child_row(1, "P"))}));
    CHECK(under.what == kind::cascade);
    CHECK(under.victim == key_named("C2"));
    CHECK(!s.row("C2"));
}

TEST_CASE("bundle commit: a record that the bundle moves away from one that it erases is not taken along") {
    server s;
    s.write("P", node_row(1));
    s.write("T", node_row(2));
    s.write("C1", child_row(1, "P"));
    s.write("C2", child_row(2, "P"));
    s.seal();
    const auto away = row_of("C1", child_row(1, "P"), child_row(1, "T"), 1);
    const auto gone = row_of("P", node_row(1), std::nullopt, 1);
    const auto o = one_obstacle(commit(s, {away, gone}));
    CHECK(o.what == kind::cascade);
    CHECK(o.victim == key_named("C2"));
    const auto stays = one_obstacle(commit(s, {away, row_of("C2", child_row(2, "P"), child_row(3, "P"), 1), gone}));
    CHECK(stays.what == kind::cascade);
    CHECK(stays.victim == key_named("C2"));
    CHECK(lab_must(commit(s, {away, row_of("C2", child_row(2, "P"), std::nullopt, 1), gone})).committed);
    CHECK(s.row("C1") == child_row(1, "T"));
    CHECK(!s.row("C2"));
    CHECK(!s.row("P"));
}

TEST_CASE("bundle commit: a refusal names its row and why, alone, and nothing is written") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    authority_options options;
    options.mapper = [](const caller&, mutation& m) -> std::optional<rejection> {
        if (m.what.key.key == "mapped") return rejection{{errc::forbidden, "not this key"}, {}};
        return std::nullopt;
    };
    options.validate = [](const proposed_change& p) -> std::optional<rejection> {
        if (p.key.key == "checked") return rejection{{errc::validation_failed, "not this row"}, {}};
        return std::nullopt;
    };
    server s{options, tables};
    s.write("T", node_row(7));
    s.seal();
    const std::vector<std::pair<mutation, errc>> table{{row_of("mapped", std::nullopt, node_row(1)), errc::forbidden},
                                                       {row_of("checked", std::nullopt, node_row(1)), errc::validation_failed},
                                                       {row_of("double", std::nullopt, node_row(7)), errc::constraint},
                                                       {row_of("C1", std::nullopt, child_row(1, "nowhere")), errc::constraint}};
    for (const auto& [bad, code] : table) {
        CAPTURE(bad.what.key.key);
        const auto o = one_obstacle(commit(s, {row_of("T2", std::nullopt, node_row(3)), bad, row_of("P", std::nullopt, node_row(4))}));
        CHECK(o.what == kind::refused);
        CHECK(o.key == bad.what.key);
        REQUIRE(o.why);
        CHECK(o.why->code == code);
        CHECK(!s.row("T2"));
        CHECK(!s.row("P"));
        CHECK(s.head().seq == 1);
    }
}

TEST_CASE("bundle commit: a unique value changes hands within a bundle, though erases run after writes") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    server s{{}, tables};
    s.write("P", node_row(7));
    s.seal();
    const auto done = lab_must(commit(s, {row_of("A", std::nullopt, node_row(7)), row_of("C1", std::nullopt, child_row(1, "A")),
                                          row_of("P", node_row(7), std::nullopt, 1)}));
    CHECK(done.committed);
    CHECK(s.row("A") == node_row(7));
    CHECK_FALSE(s.row("P"));
    // What only waits for itself is refused, and nothing is written.
    const auto o = one_obstacle(commit(s, {row_of("B", std::nullopt, node_row(7)), row_of("T", std::nullopt, node_row(8))}));
    CHECK(o.what == kind::refused);
    CHECK(o.key == key_named("B"));
    CHECK_FALSE(s.row("T"));
}

TEST_CASE("bundle commit: a record that stands twice in a bundle is a malformed bundle") {
    server s;
    const auto said = commit(s, {row_of("T", std::nullopt, node_row(1)), row_of("T", node_row(1), std::nullopt)});
    CHECK(said.error().code == errc::malformed_message);
    CHECK(said.error().detail.find("`node`") != std::string::npos);
}

TEST_CASE("bundle commit: rows that come to nothing still commit and have a receipt") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    const auto done = lab_must(commit(s, {row_of("T", node_row(0), node_row(1), 1)}));
    REQUIRE(done.committed);
    CHECK(done.committed->seq == 2);
    CHECK(done.committed->row_count == 1);
    const auto empty = lab_must(commit(s, {}));
    REQUIRE(empty.committed);
    CHECK(empty.committed->source_bundle_id == 2);
    CHECK(s.head().seq == 2);
}

TEST_CASE("bundle commit: a source belongs to the principal that committed with it first") {
    server s;
    REQUIRE(lab_must(commit(s, {row_of("T", std::nullopt, node_row(1))})).committed);
    const caller mallory{s.ann.tenant, "mallory", s.ann.source};
    for (const std::int64_t number : {1, 2}) {
        const auto said = s.engine.create_session(mallory, number, 1, "other", s.now);
        REQUIRE_FALSE(said);
        CHECK(said.error().code == errc::out_of_sequence);
        CHECK(said.error().detail.find("another principal") != std::string::npos);
    }
    CHECK(lab_must(s.engine.create_session(s.ann, 1, 1, "again", s.now)).already_committed);
    CHECK_FALSE(lab_must(s.engine.create_session(s.ann, 2, 1, "next", s.now)).already_committed);
    CHECK_FALSE(lab_must(s.engine.create_session({s.ann.tenant, "mallory", "of her own"}, 1, 1, "hers", s.now)).already_committed);
}

TEST_CASE("bundle commit: the versions that obstacles tell stand, so a decision made on one cannot overwrite a later change") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, {row_of("T", node_row(1), node_row(2), 1)}, s.now));
    s.write("T", node_row(7));
    const auto o = one_obstacle(s.engine.commit_session(s.ann, "s", s.now));
    CHECK(o.server_row == node_row(7));
    s.write("T", node_row(8));
    s.seal();
    CHECK(s.version_of("T") > o.server_version);
    CHECK(s.pull(0).rows.front().row == node_row(8));
    REQUIRE(s.engine.delete_session(s.ann, "s", s.now));
    const auto again = one_obstacle(commit(s, {row_of("T", node_row(7), node_row(2), o.server_version)}));
    CHECK(again.server_row == node_row(8));
}

TEST_CASE("bundle commit: a conflict tells when the server's row was written, and a commit is timed after the row it was made on") {
    server s;
    s.write("T", node_row(0));
    s.seal();
    s.now = at(10);
    auto late = row_of("T", node_row(0), node_row(1), 1);
    late.what.edited_at = at(3);
    REQUIRE(lab_must(commit(s, {late})).committed);
    CHECK(s.sealed("T")->written_at == at(1001));
    const auto refused = lab_must(commit(s, {row_of("T", node_row(0), node_row(2), 1)}));
    REQUIRE(refused.obstacles.size() == 1);
    CHECK(refused.obstacles.front().server_written_at == at(1001));
    CHECK(lab_must(commit(s, {row_of("T2", node_row(0), node_row(2), 1)})).obstacles.front().server_written_at == timestamp{});
}

TEST_CASE("bundle commit: a record that is erased twice, or written after it was erased, stands twice too") {
    for (const bool writes : {false, true}) {
        server s;
        s.write("T", node_row(1));
        s.seal();
        const auto done = commit(s, {row_of("T", node_row(1), std::nullopt, 1), writes ? row_of("T", std::nullopt, node_row(2), 1) : row_of("T", node_row(1), std::nullopt, 1)});
        REQUIRE(!done);
        CHECK(done.error().code == errc::malformed_message);
        CHECK(s.row("T") == node_row(1));
    }
}

TEST_CASE("bundle commit: a rule of the host that cannot answer now decides nothing; of an erase it is told that there is no row after it") {
    for (const bool maps : {true, false}) {
        CAPTURE(maps);
        bool busy = true;
        std::vector<bool> erases;
        authority_options options;
        const auto answer_now = [&]() -> std::optional<rejection> {
            return busy ? std::optional{rejection{wait_reason{errc::unavailable, "its database is away"}, {}}} : std::nullopt;
        };
        if (maps) options.mapper = [&](const caller&, mutation&) { return answer_now(); };
        options.validate = [&](const proposed_change& p) {
            erases.push_back(p.op == operation::erase && p.before != nullptr && p.after == nullptr);
            return maps ? std::nullopt : answer_now();
        };
        server s{std::move(options)};
        s.write("T", node_row(1));
        s.seal();
        lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
        (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, {row_of("T", node_row(1), std::nullopt, 1)}, s.now));
        const auto failed = s.engine.commit_session(s.ann, "s", s.now);
        REQUIRE(!failed);
        CHECK(failed.error().code == errc::unavailable);
        CHECK(s.row("T"));
        busy = false;
        CHECK(lab_must(s.engine.commit_session(s.ann, "s", s.now)).committed);
        CHECK(!s.row("T"));
        CHECK(erases == std::vector<bool>(maps ? 1 : 2, true));
    }
}

}  // namespace bundle_commit_test
