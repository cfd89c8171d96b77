#include <syncline/engine/legacy_base.hpp>

#include "unit/engine/fixture.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace legacy_base_test {

using namespace engine_tests;

namespace {

row_change past(std::int64_t version, std::int64_t stamp, std::optional<record> after) {
    row_change c;
    c.key = key_named("T");
    c.version = version;
    c.stamp = stamp;
    c.after = std::move(after);
    return c;
}

// The record T: (a, b) is (1, 1) as of stamp 10, (2, 1) as of 20, (2, 3) as of 30.
struct place {
    schema_set schemas = models();
    std::vector<row_change> history{past(1, 10, node_row(1, 1)), past(2, 20, node_row(2, 1)), past(3, 30, node_row(2, 3))};
    std::optional<record> current = node_row(2, 3);
    std::optional<sealed_row> sealed = sealed_row{3, 30, node_row(2, 3), 0, at(0)};
    legacy_device device;
    legacy_record known;
    std::int64_t sent_version = 0;
    authority_head head;
    value_equivalence same = [](const field_schema&, const value& x, const value& y) { return x == y; };

    place() {
        device.base = {10, 10};
        device.presented = {30, 30};
        device.run = 5;
        head.seq = 3;
        head.stamp = 30;
    }
    legacy_judgement judge(const intent& what) const {
        return judge_legacy({schemas[node_model], current, sealed, history, device, known, sent_version, head, same}, what);
    }
    // A payload with a, b and n.
    legacy_judgement sent(std::int64_t a, std::int64_t b, std::int64_t n = 0, std::uint64_t number = 1) const { return judge(payload(a, b, n, number)); }
    static intent payload(std::int64_t a, std::int64_t b, std::int64_t n, std::uint64_t number = 1) {
        intent what;
        what.key = key_named("T");
        what.op = operation::update;
        what.ordinal = number;
        what.changes.set(field_a, value::integer(a));
        what.changes.set(field_b, value::integer(b));
        what.changes.set(field_n, value::integer(n));
        return what;
    }
    // It was pushed before, in run 4.
    void pushed(std::int64_t run_start, std::int64_t a, std::int64_t b) {
        known.last = known.sent_by = "m1";
        known.version = 1;
        known.run = 4;
        known.run_start = run_start;
        known.sent = payload(a, b, 0).changes;
    }
};

std::vector<field_index> list(const field_set& fields) {
    std::vector<field_index> out;
    for (field_index f = 0; f < 5; ++f)
        if (fields.contains(f)) out.push_back(f);
    return out;
}
using fields = std::vector<field_index>;

}  // namespace

TEST_CASE("legacy base: it is the row as of the last run, raised only where what was not edited agrees with no older one (W01)", "[engine]") {
    place p;
    CHECK(p.sent(1, 1, 7).base.row_version == 1);
    CHECK(p.sent(2, 1, 7).base.row_version == 2);
    CHECK(p.sent(2, 3, 7).base.row_version == 3);
    CHECK(list(p.sent(2, 1, 7).edited) == fields{field_n});
    // Nothing agrees, or nothing speaks: the oldest.
    CHECK(p.sent(1, 3, 7).base.row_version == 1);
    CHECK(p.sent(8, 9, 7).base.row_version == 1);
    CHECK(p.judge(intent{key_named("T"), operation::erase, {}, {}, {}, 1, at(0), {}}).base.row_version == 1);
    SECTION("never to one that was not delivered") {
        p.device.presented = {20, 20};
        CHECK(p.sent(2, 3, 7).base.row_version == 1);
        CHECK(p.sent(2, 1, 7).base.row_version == 2);
    }
    SECTION("a device that nothing is known of has seen nothing") {
        p.device = {};
        CHECK(p.sent(2, 3, 7).base.row_version == 0);
        CHECK_FALSE(p.sent(2, 3, 7).before);
    }
    SECTION("one that first came asking for everything had no row older than that") {
        p.device = {};
        p.device.first = 20;
        CHECK(p.sent(8, 9, 7).base.row_version == 2);
        p.pushed(0, 8, 9);
        CHECK(p.sent(8, 9, 7, 2).base.row_version == 0);
    }
    SECTION("who makes a later change has seen no less than before") {
        p.pushed(0, 8, 9);
        p.known.base = 2;
        CHECK(p.sent(8, 9, 7, 2).base.row_version == 2);
        CHECK(p.sent(8, 9, 7, 1).base.row_version == 1);
        CHECK(p.sent(8, 9, 7, 2).base.after == "m1");
    }
    SECTION("what was left out was made on what had been seen then") {
        p.device.base = {30, 30};
        p.known.held = pulled_to{10, 10};
        p.known.held_to = 4;
        CHECK(p.sent(8, 9, 7, 4).base.row_version == 1);
        CHECK(p.sent(8, 9, 7, 5).base.row_version == 3);
    }
}

TEST_CASE("legacy base: a row that was sealed again behind the cursor before the page was made was not told as it was before", "[engine]") {
    place p;
    p.device.base = {20, 20};
    CHECK(p.sent(8, 9, 7).base.row_version == 2);
    p.device.base = {20, 29};
    CHECK(p.sent(8, 9, 7).base.row_version == 2);
    p.device.base = {20, 30};
    CHECK(p.sent(8, 9, 7).base.row_version == 0);
    // What it was taken to have seen before that it has seen all the same.
    p.pushed(0, 1, 1);
    p.known.base = 1;
    CHECK(p.sent(8, 9, 7, 2).base.row_version == 1);
}

TEST_CASE("legacy base: a field was edited where it has none of the values that the client may hold unedited (W01 W02 W06)", "[engine]") {
    place p;
    SECTION("never pushed: every value that the log has") {
        CHECK(list(p.sent(1, 1).edited).empty());
        CHECK(list(p.sent(2, 3).edited).empty());
        CHECK(list(p.sent(5, 1).edited) == fields{field_a});
        CHECK(list(p.sent(5, 6, 7).edited) == fields{field_a, field_b, field_n});
    }
    SECTION("pushed: those since the run before this one began") {
        p.pushed(2, 2, 1);
        CHECK(list(p.sent(1, 1, 0, 2).edited) == fields{field_a});
        CHECK(list(p.sent(2, 1, 0, 2).edited).empty());
        CHECK(list(p.sent(2, 3, 0, 2).edited).empty());
        // In the same run: since the run before that one began.
        p.known.run = p.device.run;
        p.known.earlier_start = 1;
        CHECK(list(p.sent(1, 1, 0, 2).edited).empty());
    }
    SECTION("what it sent last, until the row after that was delivered or it was told of another") {
        p.pushed(2, 8, 9);
        p.sent_version = 3;
        CHECK(list(p.sent(8, 9, 7, 2).edited) == fields{field_n});
        p.device.base = {30, 30};
        CHECK(list(p.sent(8, 9, 7, 2).edited) == fields{field_a, field_b, field_n});
        p.device.base = {10, 10};
        p.known.told = 4;
        CHECK(list(p.sent(8, 9, 7, 2).edited) == fields{field_a, field_b, field_n});
        p.known.told = p.device.run;
        CHECK(list(p.sent(8, 9, 7, 2).edited) == fields{field_n});
    }
    SECTION("of a row that is gone, or never was, everything that came") {
        p.current.reset();
        CHECK(list(p.sent(2, 3).edited) == fields{field_a, field_b, field_n});
    }
}

TEST_CASE("legacy base: what was left out in a run is judged as in that run when it comes again (W07)", "[engine]") {
    place p;
    p.device.base = p.device.presented = {30, 30};
    p.pushed(3, 2, 3);  // in run 4, which began after all of the history
    p.known.told = 4;
    p.sent_version = 9;
    p.known.held = p.device.base;
    p.known.held_to = 2;
    p.known.held_run = 3;  // before that
    CHECK(list(p.sent(1, 9, 0, 2).edited) == fields{field_b});  // a is of the run before
    CHECK(list(p.sent(1, 9, 0, 3).edited) == fields{field_a, field_b});
}

TEST_CASE("legacy base: where the history that it takes is gone, or in a timeline that is, there is no base", "[engine]") {
    place p;
    p.history.erase(p.history.begin(), p.history.begin() + 2);
    p.sealed->pruned_version = 2;
    p.head.floor_seq = 2;
    p.head.floor_stamp = 20;
    CHECK_FALSE(p.sent(2, 1, 7).reachable);
    CHECK(p.sent(2, 1, 7).base == base_ref{});
    CHECK_FALSE(p.sent(2, 1, 7).before);
    // As of the floor the version is known, though the row is not.
    p.device.base = {20, 20};
    CHECK(p.sent(2, 1, 7).reachable);
    CHECK(p.sent(2, 1, 7).base.row_version == 2);
    p.pushed(1, 2, 1);
    CHECK_FALSE(p.sent(2, 1, 7, 2).reachable);
    p.pushed(2, 2, 1);
    CHECK(p.sent(2, 1, 7, 2).reachable);
    p.head.lost.push_back({1, 3, 15, 25});
    CHECK_FALSE(p.sent(2, 1, 7, 2).reachable);
}

TEST_CASE("legacy base: the row before is what the client saw: unedited as it sent, edited as it was sent or delivered last", "[engine]") {
    place p;
    auto found = p.sent(2, 1, 7);
    REQUIRE(found.before);
    CHECK(*found.before == node_row(2, 1, 0));
    p.pushed(1, 2, 1);
    p.known.sent->set(field_n, value::integer(4));
    p.sent_version = 3;
    found = p.sent(2, 1, 7, 2);
    REQUIRE(found.before);
    CHECK(*found.before == node_row(2, 1, 4));
}

}  // namespace legacy_base_test
