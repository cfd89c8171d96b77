#include <syncline/engine/authority.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace authority_test {

namespace {

using namespace engine_tests;

std::vector<std::string> names_of(const std::vector<row_image>& rows) {
    std::vector<std::string> out;
    for (const auto& r : rows) out.push_back(r.key.key);
    return out;
}

using names = std::vector<std::string>;

/// A model whose rows refer to rows of the same model.
schema_set trees() {
    model_schema tree;
    tree.name = "tree";
    tree.fields = {{"up", value_kind::text, true, nullptr}};
    tree.references.push_back({0, "tree", reference_action::none});
    schema_set out;
    lab_must(out.add(std::move(tree)));
    return out;
}

}  // namespace

TEST_CASE("pull: pages of any size bring the newest state of everything, in stamp order, and end at the head") {
    for (const std::size_t limit : {1u, 2u, 3u, 100u}) {
        server s;
        for (int i = 0; i < 7; ++i) {
            s.write("N" + std::to_string(i), node_row(i));
            s.seal();
        }
        s.write("N0", node_row(70));
        s.erase("N1");
        std::map<std::string, std::optional<record>> got;
        cursor from = 0;
        for (int pages = 0; pages < 20; ++pages) {
            const page p = s.pull(from, limit);
            CHECK(p.from == from);
            CHECK(p.next >= from);
            CHECK(p.rows.size() <= limit);
            for (const auto& r : p.rows) got[r.key.key] = r.row;
            from = p.next;
            if (!p.more) break;
        }
        CHECK(from == s.head().stamp);
        CHECK(got.size() == 7);
        CHECK(got["N0"] == node_row(70));
        CHECK(!got["N1"]);
        const page nothing = s.pull(from, limit);
        CHECK(nothing.rows.empty());
        CHECK(nothing.next == from);
        CHECK(!nothing.more);
    }
}

TEST_CASE("pull: a row comes after the rows it refers to, beyond the limit if need be, and the cursor counts the page's own (rule 6)") {
    server s;
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.write("T", node_row(1));
    s.seal();
    // The parent changes again, so that its stamp is above its child's.
    s.write("P", node_row(2));
    s.seal();
    const page first = s.pull(0, 1);
    CHECK(names_of(first.rows) == names{"P", "C1"});
    CHECK(first.more);
    const page second = s.pull(first.next, 1);
    CHECK(names_of(second.rows) == names{"T"});
    const page third = s.pull(second.next, 1);
    CHECK(names_of(third.rows) == names{"P"});
    CHECK(!third.more);
    // What the device has already is not sent for the sake of a child.
    s.write("C1", child_row(2, "P"));
    CHECK(names_of(s.pull(third.next).rows) == names{"C1"});
}

TEST_CASE("pull: a cycle of references comes whole, a chain in the order of its links") {
    memory_authority_store store{trees()};
    authority engine{store};
    const caller ann{"main", "ann", "dev"};
    const auto up = [&](const std::string& name, const std::string& to) {
        lab_must(store.app_write("main", {0, name}, record{{to.empty() ? value{} : value::text(to)}}));
        lab_must(engine.seal_foreign("main", at(1)));  // within one bundle what is referred to comes first anyhow
    };
    up("a", "b");
    up("b", "c");
    up("c", "a");
    up("self", "self");
    for (int i = 0; i < 3000; ++i) up("chain" + std::to_string(i), "chain" + std::to_string(i + 1));
    up("chain3000", "");
    pull_query one;
    one.limit = 1;
    const auto cycle = lab_must(engine.pull(ann, one, at(1))).rows;
    CHECK(names_of(cycle.rows) == names{"c", "b", "a"});
    one.limit = 5;
    one.from = cycle.next + 2;
    const auto chain = lab_must(engine.pull(ann, one, at(1))).rows;
    REQUIRE(chain.rows.size() == 3002);
    CHECK(chain.rows[0].key.key == "self");
    CHECK(chain.rows[1].key.key == "chain3000");
    CHECK(chain.rows.back().key.key == "chain0");
    std::set<std::string> once;
    for (const auto& r : chain.rows) CHECK(once.insert(r.key.key).second);
}

TEST_CASE("pull: a row says which of the device's mutations in flight it contains, and only where it does") {
    authority_options o;
    o.resolvers = resolver_set{[](const conflict&, const resolver_context&) { return resolution::take_server(); }};
    server s{o};
    s.write("T2", node_row(0));
    s.seal();
    (void)s.push_one(change_of("m1", "T", std::nullopt, node_row(1)));
    REQUIRE(s.push_one(change_of("m2", "T2", node_row(8), node_row(9))).kind == outcome_kind::superseded);
    s.write("T", node_row(5));
    pull_query q;
    q.in_flight = {"m1", "m2", "m3"};
    std::map<std::string, mutation_id> contains;
    for (const auto& r : lab_must(s.engine.pull(s.ann, q, s.now)).rows.rows) contains[r.key.key] = r.contains;
    CHECK(contains["T"] == "m1");
    CHECK(contains["T2"].empty());
    s.ann.principal = "ben";
    for (const auto& r : lab_must(s.engine.pull(s.ann, q, s.now)).rows.rows) CHECK(r.contains.empty());
}

TEST_CASE("pull: a cursor that is negative, from the future or below the floor is refused by name; a walk from nothing goes on") {
    server s;
    for (int i = 0; i < 4; ++i) {
        s.write("N" + std::to_string(i), node_row(i));
        s.seal();
    }
    const auto head = s.head();
    const auto code_at = [&](cursor from, std::optional<cursor> walk = std::nullopt) {
        pull_query q;
        q.from = from;
        q.limit = 1;
        q.walk_started = walk;
        const auto said = s.engine.pull(s.ann, q, s.now);
        return said ? std::optional<errc>{} : said.error().code;
    };
    CHECK(code_at(-1) == errc::invalid_cursor);
    CHECK(code_at(head.stamp + 1) == errc::invalid_cursor);
    CHECK(!code_at(head.stamp));
    const cursor middle = s.pull(0, 2).next;
    CHECK(!code_at(middle));

    REQUIRE(s.engine.prune("main", 3, s.now));
    const auto floor = s.head();
    CHECK(floor.floor_seq == 3);
    CHECK(code_at(middle) == errc::history_pruned);
    CHECK(!code_at(floor.floor_stamp));
    // From nothing everything that lives can still be had, and a walk that began before the pruning may end.
    CHECK(!code_at(0));
    CHECK(!code_at(middle, head.stamp));
    CHECK(code_at(middle, middle) == errc::history_pruned);
}

TEST_CASE("pull: never more than a page's limit, never less than one row") {
    authority_options o;
    o.max_rows_per_page = 2;
    server s{o};
    for (int i = 0; i < 5; ++i) s.write("N" + std::to_string(i), node_row(i));
    CHECK(s.pull(0, 1000).rows.size() == 2);
    CHECK(s.pull(0, 0).rows.size() == 1);
}

TEST_CASE("prune: never above the newest bundle, never down") {
    server s;
    s.write("T", node_row(1));
    REQUIRE(s.engine.prune("main", 100, s.now));
    CHECK(s.head().floor_seq == 1);
    s.write("T", node_row(2));
    s.seal();
    REQUIRE(s.engine.prune("main", 0, s.now));
    CHECK(s.head().floor_seq == 1);
    CHECK(s.engine.bundles_after(s.ann, 0, 10, 0, s.now).error().code == errc::history_pruned);
    CHECK(s.engine.committed_rows(s.ann, 1, 0, 10).error().code == errc::history_pruned);
    CHECK(s.engine.committed_rows(s.ann, 3, 0, 10).error().code == errc::absent);
    CHECK(lab_must(s.engine.committed_rows(s.ann, 2, 0, 10)).rows.size() == 1);
}

TEST_CASE("bundles: come whole and in order, up to the ceiling that the pull began with") {
    server s;
    for (int i = 0; i < 4; ++i) {
        s.write("N" + std::to_string(i), node_row(i));
        s.write("M" + std::to_string(i), node_row(i));
        s.seal();
    }
    const auto first = lab_must(s.engine.bundles_after(s.ann, 0, 3, 0, s.now));
    CHECK(first.stable == 4);
    CHECK(first.more);
    REQUIRE(first.bundles.size() == 3);
    s.write("late", node_row(9));
    const auto rest = lab_must(s.engine.bundles_after(s.ann, 3, 3, first.stable, s.now));
    REQUIRE(rest.bundles.size() == 1);
    CHECK(rest.bundles.front().head.seq == 4);
    CHECK(rest.bundles.front().rows.size() == 2);
    CHECK(!rest.more);
    CHECK(s.head().seq == 5);
    for (const auto& [from, ceiling] : {std::pair<cursor, cursor>{-1, 0}, {6, 0}, {0, 6}, {0, -1}})
        CHECK(s.engine.bundles_after(s.ann, from, 3, ceiling, s.now).error().code == errc::invalid_cursor);
}

TEST_CASE("push session: chunks continue each other, a chunk that comes again changes nothing, and what is missing is told") {
    server s;
    s.begin_empty();
    const auto made = lab_must(s.engine.create_session(s.ann, 1, 3, "s1", s.now));
    CHECK(!made.already_committed);
    CHECK(made.session.expires == s.now + s.engine.options().session_ttl);
    const std::vector<mutation> first{change_of("", "T", std::nullopt, node_row(1)), change_of("", "T2", std::nullopt, node_row(2))};
    CHECK(lab_must(s.engine.append_chunk(s.ann, "s1", 0, first, s.now)) == 2);
    CHECK(lab_must(s.engine.append_chunk(s.ann, "s1", 0, first, s.now)) == 2);
    CHECK(s.engine.append_chunk(s.ann, "s1", 3, first, s.now).error().code == errc::stale);
    CHECK(s.engine.append_chunk(s.ann, "s1", 2, first, s.now).error().code == errc::malformed_value);
    CHECK(s.engine.commit_session(s.ann, "s1", s.now).error().code == errc::stale);
    CHECK(lab_must(s.engine.append_chunk(s.ann, "s1", 2, {change_of("", "P", std::nullopt, node_row(3))}, s.now)) == 3);
    const auto done = lab_must(s.engine.commit_session(s.ann, "s1", s.now));
    REQUIRE(done.committed);
    CHECK(done.committed->seq == 1);
    CHECK(done.committed->row_count == 3);
    // Committed, so the session is gone; created again, the receipt answers.
    CHECK(s.engine.commit_session(s.ann, "s1", s.now).error().code == errc::session_gone);
    CHECK(lab_must(s.engine.create_session(s.ann, 1, 3, "s2", s.now)).already_committed == done.committed);
    CHECK(s.head().seq == 1);
}

TEST_CASE("push session: created again, the older one never commits") {
    server s;
    s.begin_empty();
    lab_must(s.engine.create_session(s.ann, 1, 1, "old", s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, "old", 0, {change_of("", "T", std::nullopt, node_row(1))}, s.now));
    lab_must(s.engine.create_session(s.ann, 1, 1, "new", s.now));
    CHECK(s.engine.commit_session(s.ann, "old", s.now).error().code == errc::session_gone);
    CHECK(s.engine.append_chunk(s.ann, "old", 0, {}, s.now).error().code == errc::session_gone);
    CHECK(!s.row("T"));
}

TEST_CASE("push session: numbers of a source are contiguous, so a copied device is told") {
    server s;
    s.begin_empty();
    CHECK(s.engine.create_session(s.ann, 2, 1, "s", s.now).error().code == errc::out_of_sequence);
    CHECK(s.engine.create_session(s.ann, 0, 1, "s", s.now).error().code == errc::history_pruned);
    s.ann.source = "other";
    CHECK(s.engine.create_session(s.ann, 1, 1, "s", s.now));
}

TEST_CASE("push session: belongs to its principal, expires, and can be dropped") {
    server s;
    s.begin_empty();
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
    const caller ben{"main", "ben", "dev"};
    CHECK(s.engine.append_chunk(ben, "s", 0, {}, s.now).error().code == errc::forbidden);
    CHECK(s.engine.commit_session(ben, "s", s.now).error().code == errc::forbidden);
    CHECK(s.engine.delete_session(ben, "s", s.now).error().code == errc::forbidden);

    const timestamp late = s.now + s.engine.options().session_ttl + duration{1};
    CHECK(s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T", std::nullopt, node_row(1))}, late).error().code == errc::session_expired);
    CHECK(lab_must(s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T", std::nullopt, node_row(1))}, late - duration{1})) == 1);
    // A chunk prolongs the session.
    CHECK(s.engine.commit_session(s.ann, "s", late));

    lab_must(s.engine.create_session(s.ann, 2, 0, "t", s.now));
    CHECK(s.engine.delete_session(s.ann, "t", s.now));
    // One that is not there may have committed as well as been dropped, and the answer must not claim either.
    CHECK(s.engine.delete_session(s.ann, "t", s.now).error().code == errc::session_gone);
    CHECK(s.engine.delete_session(s.ann, "s", s.now).error().code == errc::session_gone);
    CHECK(s.engine.commit_session(s.ann, "t", s.now).error().code == errc::session_gone);
}

TEST_CASE("snapshot: is one picture, whatever is written while it is read") {
    server s;
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.write("T", node_row(2));
    s.write("T2", node_row(3));
    s.erase("T2");
    const auto made = lab_must(s.engine.create_snapshot(s.ann, "snap", s.now));
    CHECK(made.row_count == 3);
    CHECK(made.stamp == s.head().stamp);
    std::vector<std::string> got;
    for (std::uint32_t from = 0;; ++from) {
        const auto [head, rows] = lab_must(s.engine.snapshot_page(s.ann, "snap", from, 1, s.now));
        CHECK(head.seq == made.seq);
        if (rows.empty()) break;
        REQUIRE(rows.size() == 1);
        got.push_back(rows.front().key.key);
        CHECK(rows.front().version == 1);
        s.write("T", node_row(100 + static_cast<int>(from)));
        s.erase("C1");
        s.seal();
    }
    CHECK(got == names{"P", "T", "C1"});
}

TEST_CASE("snapshot: belongs to its principal, expires, and can be dropped") {
    server s;
    s.begin_empty();
    lab_must(s.engine.create_snapshot(s.ann, "snap", s.now));
    const caller ben{"main", "ben", "dev"};
    CHECK(s.engine.snapshot_page(ben, "snap", 0, 1, s.now).error().code == errc::forbidden);
    CHECK(s.engine.delete_snapshot(ben, "snap").error().code == errc::forbidden);
    const timestamp end = s.now + s.engine.options().session_ttl;
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, end + duration{1}).error().code == errc::session_expired);
    // Whoever reads gets more time, but not with every page.
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, s.now + s.engine.options().session_ttl / 4));
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, end + duration{1}).error().code == errc::session_expired);
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, end));
    const timestamp later = end + s.engine.options().session_ttl;
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, later));
    // Also an expired one can be dropped, and what is gone is told.
    CHECK(s.engine.delete_snapshot(s.ann, "snap"));
    CHECK(s.engine.delete_snapshot(s.ann, "snap").error().code == errc::session_gone);
    CHECK(s.engine.snapshot_page(s.ann, "snap", 0, 1, s.now).error().code == errc::session_gone);
}

TEST_CASE("authority: tenants do not see each other") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    s.ann.tenant = "other";
    CHECK(s.pull(0).rows.empty());
    CHECK(s.engine.head("other")->seq == 0);
    const outcome o = s.push_one(change_of("1", "T", std::nullopt, node_row(2)));
    CHECK(o.kind == outcome_kind::refused);
    CHECK(o.why->code == errc::absent);
    CHECK(!o.row);
    CHECK(s.row("T") == node_row(1));
}

TEST_CASE("pull: tells the time of the newest row that the page shows, those that it refers to among them") {
    server s;
    s.now = at(9000);
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.seal();
    s.now = at(10);
    s.write("T", node_row(1));
    s.seal();
    pull_query q;
    q.limit = 1;
    const auto first = lab_must(s.engine.pull(s.ann, q, s.now));
    CHECK(first.newest_write == at(9000));
    q.from = lab_must(s.engine.pull(s.ann, pull_query{}, s.now)).rows.rows.size() == 3 ? s.head().stamp - 1 : 0;
    const auto last = lab_must(s.engine.pull(s.ann, q, s.now));
    REQUIRE(last.rows.rows.size() == 1);
    CHECK(last.rows.rows.front().key == key_named("T"));
    CHECK(last.newest_write == at(10));
    q.from = s.head().stamp;
    CHECK(lab_must(s.engine.pull(s.ann, q, s.now)).newest_write == (timestamp::min)());
}

TEST_CASE("restore: from the same backup once more, what was given after the first restore is lost too, and is not given again") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    const auto backup = s.store.copy();
    const auto restored = [&](const std::string& epoch, timestamp when) {
        auto store = backup.copy();
        authority<memory_authority_store> engine{store};
        REQUIRE(engine.begin_incarnation(epoch, when));
        const auto before = lab_must(engine.head("main"));
        REQUIRE(store.app_write("main", key_named("T"), node_row(2)));
        CHECK(lab_must(engine.seal_foreign("main", when)) == 1);
        return std::pair{before, lab_must(engine.head("main"))};
    };
    const auto first = restored("e2", at(1'700'000'000'000'000)).second;
    const auto [head, given] = restored("e3", at(1'700'000'060'000'000));
    CHECK(is_lost_seq(head.lost, first.seq));
    CHECK(is_lost_stamp(head.lost, first.stamp));
    CHECK(given.seq > first.seq);
    CHECK(given.stamp > first.stamp);
}

TEST_CASE("authority: a source's bundle is known to its own principal only") {
    server s;
    s.begin_empty();
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T", std::nullopt, node_row(1))}, s.now));
    REQUIRE(lab_must(s.engine.commit_session(s.ann, "s", s.now)).committed);
    CHECK(lab_must(s.engine.committed_bundle(s.ann, 1)));
    CHECK_FALSE(lab_must(s.engine.committed_bundle(caller{"main", "eve", s.ann.source}, 1)));
}

TEST_CASE("restore: what names a number of the time that was lost is told so, whichever number it is") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    REQUIRE(s.engine.begin_incarnation("e2", s.now));
    s.write("T", node_row(2));
    s.seal();
    const auto head = s.head();
    REQUIRE(head.lost.size() == 1);
    const std::int64_t gone = head.lost[0].after_seq + 1;
    CHECK(s.engine.committed_rows(s.ann, gone, 0, 10).error().code == errc::absent);
    CHECK(lab_must(s.engine.committed_rows(s.ann, head.seq, 0, 10)).head.seq == head.seq);
    CHECK(s.engine.bundles_after(s.ann, 0, 10, gone, s.now).error().code == errc::history_pruned);
    // A walk that began then saw what is no more; one that began before goes on below the floor.
    lab_must(s.engine.prune("main", 1, s.now));
    pull_query q;
    q.from = 1;
    q.walk_started = head.lost[0].after_stamp + 1;
    CHECK(s.engine.pull(s.ann, q, s.now).error().code == errc::history_pruned);
    q.walk_started = head.lost[0].after_stamp;
    CHECK(s.engine.pull(s.ann, q, s.now));
}

TEST_CASE("authority: the end of the log is known by its number where all history is gone") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    lab_must(s.engine.prune("main", 1, s.now));
    const auto end = lab_must(s.engine.newest_bundle("main", s.now));
    CHECK(end.newest.seq == 1);
    CHECK(end.newest.row_count == 0);
    CHECK_FALSE(end.more);
}

TEST_CASE("authority: whoever names no source is served, and no history is kept for it") {
    server s;
    s.write("T", node_row(1));
    pull_query q;
    CHECK(lab_must(s.engine.pull(caller{"main", "ann", {}}, q, s.now)).rows.rows.size() == 1);
    auto t = lab_must(s.store.begin("main", access::snapshot));
    CHECK(lab_must(t.sources()).empty());
}

}  // namespace authority_test
