#include <syncline/engine/legacy_push.hpp>

#include "unit/engine/fixture.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace legacy_push_test {

using namespace engine_tests;

namespace {

// A device that sends no base, by what it tells the engine.
struct legacy_server : server {
    using server::server;
    std::vector<outcome> push_without_base(std::vector<mutation> mutations) { return lab_must(engine.push(ann, std::move(mutations), now, &same)).outcomes; }
    page pull_and_show() {
        pull_query q;
        q.legacy = true;
        page last;
        for (;;) {
            q.from = shown;
            last = lab_must(engine.pull(ann, q, now)).rows;
            shown = last.next;
            if (!last.more) return last;
        }
    }
    value_equivalence same = [](const field_schema&, const value& a, const value& b) { return a == b; };
    cursor shown = 0;
};

mutation whole(const mutation_id& id, const std::string& key, const std::optional<record>& row, std::uint64_t number, operation op = operation::update) {
    mutation m = change_of(id, key, std::nullopt, row);
    m.what.op = row ? op : operation::erase;
    m.what.ordinal = number;
    return m;
}

}  // namespace

TEST_CASE("legacy push: a chain of own changes in one request is no conflict, and each knows the one before it", "[engine]") {
    legacy_server s;
    s.write("T", node_row(1, 1));
    s.pull_and_show();
    const auto out = s.push_without_base({whole("m1", "T", node_row(2, 1), 1), whole("m2", "T", node_row(2, 2), 2), whole("m3", "T", node_row(3, 2), 3)});
    for (const auto& o : out) {
        CHECK(o.kind == outcome_kind::applied);
        CHECK(o.clean);
    }
    CHECK(s.row("T") == node_row(3, 2));
    CHECK(s.receipt_of("m1")->after.empty());
    CHECK(s.receipt_of("m2")->after == "m1");
    CHECK(s.receipt_of("m3")->after == "m2");
    // The next request knows what this one wrote through the chain, from its first mutation to its last.
    for (const auto& o : s.push_without_base({whole("m4", "T", node_row(4, 2), 4), whole("m5", "T", node_row(5, 2), 5)})) CHECK(o.kind == outcome_kind::applied);
    CHECK(s.row("T") == node_row(5, 2));
}

TEST_CASE("legacy push: what changes nothing gets no version, and what the device holds otherwise is delivered again", "[engine]") {
    legacy_server s;
    s.write("T", node_row(1, 1));
    s.pull_and_show();
    const auto version = s.version_of("T");
    const auto stamp = s.sealed("T")->stamp;
    CHECK(s.push_without_base({whole("m1", "T", node_row(1, 1), 1)}).front().kind == outcome_kind::applied);
    CHECK(s.version_of("T") == version);
    // Another changed b; the device sends the old one, unedited, with an edit of a that loses.
    s.write("T", node_row(5, 5));
    CHECK(s.push_without_base({whole("m2", "T", node_row(2, 1), 2)}).front().kind == outcome_kind::superseded);
    CHECK(s.row("T") == node_row(5, 5));
    CHECK(s.sealed("T")->stamp > stamp);
    const auto page = s.pull(s.shown);
    REQUIRE(page.rows.size() == 1);
    CHECK(page.rows[0].row == node_row(5, 5));
    // To everybody else that is no change: what stands on the version before goes through.
    auto t = lab_must(s.store.begin("main", access::snapshot));
    const auto marks = lab_must(t.changes_of(key_named("T"), 0));
    REQUIRE(marks.size() == 3);
    CHECK(marks.back().fields.empty());
    lab_must(t.commit());
    const auto other = s.push_one(change_of("x", "T", node_row(5, 5), node_row(6, 5), marks[1].version));
    CHECK(other.kind == outcome_kind::applied);
    CHECK(other.clean);
}

TEST_CASE("legacy push: the mutations of a request run as they were made", "[engine]") {
    legacy_server s;
    const auto out = s.push_without_base({whole("m1", "T", node_row(1), 1, operation::create), whole("m2", "T", std::nullopt, 2),
                                          whole("m3", "T", node_row(3), 3, operation::create)});
    for (const auto& o : out) CHECK(o.kind == outcome_kind::applied);
    CHECK(s.row("T") == node_row(3));
}

TEST_CASE("legacy push W07: what was left out blocks its record and its children until it comes again", "[engine]") {
    int failures = 1;
    authority_options o;
    o.validate = [&](const proposed_change&) -> std::optional<rejection> {
        if (failures-- > 0) return rejection{wait_reason{errc::unavailable, "try later"}, {}};
        return std::nullopt;
    };
    legacy_server s{std::move(o)};
    const auto create = whole("m1", "P", node_row(1), 1, operation::create);
    const auto child = whole("c1", "C1", child_row(1, "P"), 1, operation::create);
    CHECK(s.push_without_base({create}).front().kind == outcome_kind::error);
    // In requests of their own, and after a pull.
    CHECK(s.push_without_base({whole("m2", "P", node_row(2), 2)}).front().kind == outcome_kind::error);
    CHECK(s.push_without_base({child}).front().kind == outcome_kind::error);
    s.pull_and_show();
    CHECK(s.push_without_base({whole("c2", "C1", child_row(2, "P"), 2)}).front().kind == outcome_kind::error);
    CHECK_FALSE(s.row("P"));
    CHECK_FALSE(s.receipt_of("m2"));
    SECTION("that id") { CHECK(s.push_without_base({create, whole("m2", "P", node_row(2), 2)}).back().kind == outcome_kind::applied); }
    SECTION("a version that is not above it") {
        CHECK(s.push_without_base({whole("other", "P", node_row(2), 1, operation::create)}).back().kind == outcome_kind::applied);
    }
    CHECK(s.push_without_base({child, whole("c2", "C1", child_row(2, "P"), 2)}).back().kind == outcome_kind::applied);
    CHECK(s.row("P") == node_row(2));
    CHECK(s.row("C1") == child_row(2, "P"));
}

TEST_CASE("legacy push: every page with rows says that there is more, so that its cursor is shown", "[engine]") {
    legacy_server s;
    s.write("T", node_row(1));
    pull_query q;
    q.legacy = true;
    const auto first = lab_must(s.engine.pull(s.ann, q, s.now)).rows;
    CHECK(first.rows.size() == 1);
    CHECK(first.more);
    q.from = first.next;
    const auto second = lab_must(s.engine.pull(s.ann, q, s.now)).rows;
    CHECK(second.rows.empty());
    CHECK_FALSE(second.more);
    CHECK(second.next == first.next);
    // A walk that began above the floor goes on below it.
    s.write("T2", node_row(1));
    q = {};
    q.legacy = true;
    q.limit = 1;
    const auto page = lab_must(s.engine.pull(s.ann, q, s.now)).rows;
    s.write("T", node_row(2));
    s.seal();
    lab_must(s.engine.prune("main", s.head().seq - 1, s.now));
    q.from = page.next;
    CHECK(s.engine.pull(s.ann, q, s.now));
}

TEST_CASE("legacy push: a late copy of a push that was answered begins no run, so what comes next is made on no more than before", "[engine]") {
    const bool late = GENERATE(false, true);
    CAPTURE(late);
    legacy_server s;
    s.write("T", node_row(1, 1));
    s.write("T2", node_row(1, 1));
    s.pull_and_show();
    const mutation first = whole("m1", "T2", node_row(2, 1), 1);
    s.push_without_base({first});
    s.write("T", node_row(1, 5));
    s.pull_and_show();
    if (late) s.push_without_base({first});
    s.pull_and_show();
    // Made before the pulls, and left over until now.
    CHECK(s.push_without_base({whole("m2", "T", node_row(1, 9), 1)}).front().kind == outcome_kind::superseded);
    CHECK(s.row("T") == node_row(1, 5));
}

TEST_CASE("legacy push: a row that a page passed over, since it had been sealed again by then, was not seen as it was before", "[engine]") {
    const bool told = GENERATE(false, true);
    CAPTURE(told);
    legacy_server s;
    s.write("T", node_row(1, 1));
    s.pull_and_show();
    s.write("T", node_row(1, 5));
    s.seal();
    s.write("T2", node_row(1, 1));
    s.seal();
    if (!told) s.push_without_base({whole("m1", "T", node_row(2, 1), 1)});  // seals it again
    pull_query q;
    q.legacy = true;
    q.limit = 1;
    for (int pages = told ? 2 : 1; pages > 0; --pages) {
        q.from = s.shown;
        s.shown = lab_must(s.engine.pull(s.ann, q, s.now)).rows.next;
    }
    q.from = s.shown;  // it has the page, and the next answer is lost
    static_cast<void>(lab_must(s.engine.pull(s.ann, q, s.now)));
    s.push_without_base({whole("m2", "T2", node_row(3, 1), 1)});
    static_cast<void>(lab_must(s.engine.pull(s.ann, q, s.now)));
    const auto out = s.push_without_base({whole("m3", "T", told ? node_row(1, 9) : node_row(2, 9), 2)});
    CHECK(s.row("T")->fields[field_b] == value::integer(told ? 9 : 5));
}

TEST_CASE("legacy push: a counter takes the difference that the client made, whatever others added", "[engine]") {
    legacy_server s;
    s.write("T", node_row(1, 1, 10));
    s.pull_and_show();
    s.write("T", node_row(1, 1, 15));
    CHECK(s.push_without_base({whole("m1", "T", node_row(1, 1, 12), 1)}).front().kind == outcome_kind::applied);
    CHECK(s.row("T") == node_row(1, 1, 17));
    CHECK(s.push_without_base({whole("m2", "T", node_row(1, 1, 13), 2)}).front().kind == outcome_kind::applied);
    CHECK(s.row("T") == node_row(1, 1, 18));
}

namespace {

/// A legacy server whose records may refer to themselves, with a cascade.
struct legacy_tree {
    explicit legacy_tree(authority_options o) : engine{store, std::move(o)} {}
    outcome push(const mutation_id& id, const std::string& key, const std::optional<record>& row, std::uint64_t number, operation op = operation::update) {
        mutation m = whole(id, key, row, number, op);
        m.what.key = {0, key};
        return lab_must(engine.push(caller{"main", "ann", "dev"}, {m}, at(1000), &same)).outcomes.front();
    }
    value_equivalence same = [](const field_schema&, const value& a, const value& b) { return a == b; };
    memory_authority_store store{items_with_parents()};
    authority<memory_authority_store> engine;
};

}  // namespace

TEST_CASE("legacy push: a record that refers to itself waits for no other, and goes alone", "[engine]") {
    int failures = 1;
    authority_options o;
    o.validate = [&](const proposed_change&) -> std::optional<rejection> {
        if (failures-- > 0) return rejection{wait_reason{errc::unavailable, "try later"}, {}};
        return std::nullopt;
    };
    legacy_tree s{std::move(o)};
    const record own{{value::text("n"), value::text("x")}};
    CHECK(s.push("m1", "x", own, 1, operation::create).kind == outcome_kind::error);
    CHECK(s.push("m1", "x", own, 1, operation::create).kind == outcome_kind::applied);
    CHECK(s.store.row("main", {0, "x"}));
    CHECK(s.push("m2", "x", std::nullopt, 2).kind == outcome_kind::applied);
    CHECK_FALSE(s.store.row("main", {0, "x"}));
}

TEST_CASE("legacy push: an erase does not take along what its user has not seen as it is", "[engine]") {
    legacy_server s;
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.pull_and_show();
    std::vector<mutation> sent;
    const bool anew = GENERATE(true, false);
    CAPTURE(anew);
    if (anew) {
        s.erase("C1");
        s.seal();
        s.write("C1", child_row(1, "P"));
    } else {  // changed, though the device has tried to change it in the same request
        s.write("C1", child_row(5, "P"));
        sent.push_back(whole("c1", "C1", child_row(2, "P"), 1));
    }
    sent.push_back(whole("p1", "P", std::nullopt, 1));
    for (const auto& o : s.push_without_base(sent)) CHECK(o.kind == outcome_kind::superseded);
    CHECK(s.row("P"));
    CHECK(s.row("C1"));
}

TEST_CASE("legacy push: a record that nothing has sealed yet was seen by nobody", "[engine]") {
    legacy_server s;
    s.write("P", node_row(1));
    s.pull_and_show();
    auto t = lab_must(s.store.begin("main", access::write));
    lab_must(t.write(key_named("C1"), child_row(1, "P")));  // by a trigger of the tables
    legacy_push<memory_authority_store::transaction> push{t, s.engine.schemas(), s.ann, s.same, s.head()};
    const mutation erase = whole("p1", "P", std::nullopt, 1);
    lab_must(push.open({erase}, s.now, duration{1}));
    CHECK_FALSE(lab_must(push.knew(erase, key_named("C1"), std::nullopt)));
}

TEST_CASE("legacy push: a device that came as a stranger and is known by its numbers then has seen what it had shown under either id", "[engine]") {
    for (const pulled_to shown : {pulled_to{20, 31}, pulled_to{3, 3}}) {
        legacy_server s;
        auto t = lab_must(s.store.begin("main", access::write));
        const std::string old = "old";
        legacy_memory<memory_authority_store::transaction> before{t, s.store.schemas(), s.ann.principal, old};
        legacy_memory<memory_authority_store::transaction> now{t, s.store.schemas(), s.ann.principal, s.ann.source};
        legacy_device known;
        known.presented = {7, 8};
        lab_must(before.put(known));
        legacy_record record_there;
        record_there.version = 2;
        lab_must(before.put(key_named("T"), record_there));
        legacy_device stranger;
        stranger.presented = shown;
        stranger.stranger = true;
        lab_must(now.put(stranger));
        legacy_push<memory_authority_store::transaction> push{t, s.engine.schemas(), s.ann, s.same, s.head()};
        lab_must(push.open({whole("m3", "T", node_row(1), 3)}, s.now, duration{1}));
        const auto found = *lab_must(now.device());
        CHECK(found.presented == (shown.at > 7 ? shown : pulled_to{7, 8}));
        CHECK(found.run_cursor == found.presented);
        CHECK_FALSE(found.stranger);
        CHECK_FALSE(lab_must(before.device()));
    }
}

TEST_CASE("legacy push: a device that only pushes is noted as seen now and then", "[engine]") {
    legacy_server s;
    const auto seen = [&] {
        auto t = lab_must(s.store.begin("main", access::snapshot));
        return lab_must(t.find_source("ann", "dev"))->seen;
    };
    const timestamp first = s.now;
    s.push_without_base({whole("m1", "T", node_row(1), 1, operation::create)});
    s.now += std::chrono::hours{1};
    s.push_without_base({whole("m2", "T", node_row(2), 2)});
    CHECK(seen() == first);
    s.now += std::chrono::hours{24 * 10};
    s.push_without_base({whole("m3", "T", node_row(3), 3)});
    CHECK(seen() == s.now);
}

}  // namespace legacy_push_test
