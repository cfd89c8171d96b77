#include <syncline/engine/view_pull.hpp>

#include "support/catch.hpp"
#include "unit/engine/scopes_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <vector>

namespace view_pull_test {

using namespace engine_tests;

TEST_CASE("W12 W13: a record that changes its bucket leaves one view and comes into the other") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    const page first = w.pull_all(0);
    CHECK(in_words(first) == words{"T"});
    w.write("T", node_row(1, 2));
    const page second = w.pull_all(first.next);
    CHECK(in_words(second) == words{"-T"});
    CHECK(second.rows[0].version == 0);
    w.write("T", node_row(5, 2));  // nothing of it is told any more
    const page third = w.pull_all(second.next);
    CHECK(in_words(third).empty());
    w.write("T", node_row(5, 1));
    CHECK(in_words(w.pull_all(third.next)) == words{"T"});
}

TEST_CASE("W13: a grant that is gained brings what is there, one that is lost takes it, though nothing was written, and the cursor moves") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    w.write("T2", node_row(1, 2));
    const page first = w.pull_all(0);
    const auto head = w.s.head();
    *w.granted = {"g1", "g2"};
    const page gained = w.pull_all(first.next, 1);
    CHECK(in_words(gained) == words{"T2"});
    CHECK(gained.next > first.next);
    *w.granted = {"g2"};
    const page lost = w.pull_all(gained.next, 1);
    CHECK(in_words(lost) == words{"-T"});
    CHECK(w.s.head() == head);
    const page quiet = w.s.pull(lost.next);
    CHECK(quiet.next == lost.next);  // nothing to say, and nothing to remember
    CHECK_FALSE(quiet.more);
}

TEST_CASE("W13: what refers to a record is taken before it, and what it refers to comes before it") {
    scoped_server w;
    w.write("P", node_row(1, 1));
    w.write("C1", scoped_server::child(1, 1, "P"));
    w.write("P", node_row(2, 1));
    page at = w.pull_all(0);
    CHECK(in_words(at) == words{"P", "C1"});
    *w.granted = {};
    at = w.pull_all(at.next);
    CHECK(in_words(at) == words{"-C1", "-P"});
    *w.granted = {"g1"};
    at = w.pull_all(at.next, 1);
    CHECK(in_words(at).front() == "P");
    CHECK(in_words(at).back() == "C1");
    w.write("P", node_row(2, 3));
    CHECK(in_words(w.pull_all(at.next)) == words{"-C1", "-P"});
}

TEST_CASE("W13: a record that changed between two pages of one pull, after its label was lost, is taken all the same") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    w.write("T2", node_row(1, 1));
    const page all = w.pull_all(0);
    w.write("T", node_row(1, 3));
    w.write("T2", node_row(2, 1));
    const page part = w.s.pull(all.next, 1);
    CHECK(in_words(part) == words{"-T"});
    // Before the device has it, the same again: T has moved beyond the cursor.
    w.write("T3", node_row(1, 1));
    w.write("T", node_row(7, 3));
    const page again = w.pull_all(all.next, 1);
    CHECK(in_words(again) == words{"T2", "T3", "-T"});
}

TEST_CASE("W13: labels under which a push was answered count as held") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    w.write("T2", node_row(1, 2));
    const page first = w.pull_all(0);
    *w.granted = {"g1", "g2"};
    const auto told = w.s.push_one(change_of("m1", "T2", node_row(0, 2), node_row(9, 2), 0));
    CHECK(told.carries_row);
    *w.granted = {"g1"};
    CHECK(in_words(w.pull_all(first.next)) == words{"-T2"});
}

TEST_CASE("W13: what the answer to a push took away comes again with its label, though the device held the label all the while by its cursor") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    w.write("T2", node_row(1, 2));
    w.write("T3", node_row(1, 2));
    const auto m1 = change_of("m1", "T2", node_row(0, 2), node_row(9, 2), 0);
    const auto taken_away = [&] {
        CHECK(w.s.push_one(m1).carries_row);
        *w.granted = {"g1"};
        CHECK(w.s.push_one(m1).out_of_view);
        *w.granted = {"g1", "g2"};
    };
    SECTION("it held everything") {
        *w.granted = {"g1", "g2"};
        const page first = w.pull_all(0);
        taken_away();
        CHECK(in_words(w.pull_all(first.next)) == words{"T2", "T3"});
    }
    SECTION("the label had just been gained, and the record was told") {
        const page first = w.pull_all(0);
        *w.granted = {"g1", "g2"};
        const page part = w.s.pull(first.next, 1);
        CHECK(in_words(part) == words{"T2"});
        taken_away();
        CHECK(in_words(w.pull_all(part.next)) == words{"T2", "T3"});
    }
}

TEST_CASE("W13: a cursor that is not known makes the device begin again, with numbers above its own") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    const page first = w.pull_all(0);
    pull_query q;
    q.from = first.next + 1000;
    const auto unknown = w.s.engine.pull(w.s.ann, q, w.s.now);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == errc::history_pruned);
    CHECK(w.pull_all(0).next > q.from);
    // Another principal's cursor is not this one's.
    q.from = first.next;
    CHECK(w.s.engine.pull(caller{"main", "bob", "dev"}, q, w.s.now).error().code == errc::history_pruned);
    q.from = -1;
    CHECK(w.s.engine.pull(w.s.ann, q, w.s.now).error().code == errc::invalid_cursor);
}

TEST_CASE("W13: a cursor stays known until a later one is shown, however often its answer is lost") {
    scoped_server w;
    w.write("T", node_row(1, 1));
    const page first = w.pull_all(0);
    cursor last = first.next;
    for (int i = 0; i < 30; ++i) {
        w.write("T", node_row(i, 1));
        const page p = w.s.pull(first.next);
        CHECK(in_words(p) == words{"T"});
        CHECK(p.next > last);
        last = p.next;
        CHECK(w.s.pull(first.next).next == p.next);  // the same once more is the same cursor
    }
    CHECK_FALSE(w.s.pull(last).more);
    pull_query q;
    q.from = first.next;
    CHECK(w.s.engine.pull(w.s.ann, q, w.s.now).error().code == errc::history_pruned);
}

TEST_CASE("a tenant without buckets pays nothing: cursors are stamps and nothing is remembered") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    const page p = s.pull(0);
    CHECK(p.next == s.head().stamp);
    auto t = lab_must(s.store.begin("main", access::snapshot));
    CHECK_FALSE(lab_must(t.find_view("ann", "dev")));
    CHECK_FALSE(lab_must(t.audience_of(key_named("T"))));
    CHECK(lab_must(t.labelled_by()).empty());
}

TEST_CASE("W13: records outside of buckets come to everybody, beside those that are granted, and before what refers to them") {
    half_scoped_server w;
    w.write("P", node_row(1, 2));
    w.write("C1", half_scoped_server::child(1, 1, "P"));
    w.write("C2", half_scoped_server::child(1, 2, "P"));
    page at = w.pull_all(0);
    CHECK(in_words(at) == words{"P", "C1"});
    w.write("C1", half_scoped_server::child(2, 1, "P"));
    at = w.pull_all(at.next);
    CHECK(in_words(at) == words{"C1"});  // it has P
    w.write("C1", half_scoped_server::child(3, 1, "T"));
    w.write("T", node_row(1));
    at = w.pull_all(at.next, 1);
    CHECK(in_words(at) == words{"T", "C1", "T"});  // on a page of its own it comes again
    *w.granted = {"g2"};
    at = w.pull_all(at.next);
    CHECK(in_words(at) == words{"-C1", "C2"});
}

TEST_CASE("W13: records that refer to each other in a circle, or to themselves, leave the view together, each once") {
    scoped_tree w;
    w.write("a", scoped_tree::row(1, "b"));
    w.write("b", scoped_tree::row(1, "a"));
    w.write("s", scoped_tree::row(1, "s"));
    page at = w.pull(0);
    while (at.more) at = w.pull(at.next);
    *w.granted = label_set{};
    page gone = w.pull(at.next);
    auto said = in_words(gone);
    std::sort(said.begin(), said.end());
    CHECK(said == words{"-a", "-b", "-s"});
}

TEST_CASE("W13: a cursor that no server gives is refused, and a device that begins from nothing over and over is remembered by its latest beginnings") {
    scoped_server w;
    pull_query q;
    q.from = (std::numeric_limits<cursor>::max)();
    CHECK(w.s.engine.pull(w.s.ann, q, w.s.now).error().code == errc::invalid_cursor);
    std::vector<cursor> given;
    for (int i = 0; i < 12; ++i) {
        w.write("T", node_row(i, 1));
        given.push_back(w.s.pull(0).next);
    }
    q.from = given.back();
    CHECK(w.s.engine.pull(w.s.ann, q, w.s.now));
    q.from = given.front();
    CHECK(w.s.engine.pull(w.s.ann, q, w.s.now).error().code == errc::history_pruned);
}

}  // namespace view_pull_test
