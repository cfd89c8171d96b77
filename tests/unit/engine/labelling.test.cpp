#include <syncline/engine/labelling.hpp>

#include "support/catch.hpp"
#include "unit/engine/scopes_fixture.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace labelling_test {

using namespace engine_tests;

TEST_CASE("labelling: where a record's labels change, what refers to it gets a stamp and the new labels, and no version") {
    scoped_server w;
    w.write("P", node_row(1, 1));
    w.write("C1", scoped_server::child(1, 1, "P"));
    const auto before = *w.s.sealed("C1");
    w.write("P", node_row(2, 1));
    CHECK(w.s.sealed("C1") == before);  // its content says nothing about who sees it
    w.write("P", node_row(2, 2));
    const auto after = *w.s.sealed("C1");
    CHECK(after.version == before.version);
    CHECK(after.row == before.row);
    CHECK(after.stamp > w.s.sealed("P")->stamp);
    CHECK(w.audience_of("C1")->needs() == std::vector<label_set>{{"g1"}, {"g2"}});
    CHECK(w.s.head().stamp == after.stamp);
}

TEST_CASE("labelling: a record whose parent goes, or comes, is labelled again; a tombstone keeps who saw the record") {
    scoped_server w;
    w.write("C1", scoped_server::child(1, 1, "P"));
    CHECK_FALSE(w.audience_of("C1")->admits({"g1"}));
    w.write("P", node_row(1, 1));
    CHECK(w.audience_of("C1")->admits({"g1"}));
    w.s.erase("C1");
    w.s.seal();
    CHECK(w.audience_of("C1")->admits({"g1"}));
}

TEST_CASE("labelling: rules of another name label every record of the tenant anew, before anything is answered") {
    scoped_server w;
    w.write("P", node_row(1, 1));
    w.write("T", node_row(1, 2));
    authority_options o = w.options("2");
    o.scopes.buckets["node"] = [](const model_schema&, std::string_view key, const record&) { return label_set{key == "T" ? "g1" : "g9"}; };
    authority<memory_authority_store> other{w.s.store, o};
    pull_query q;
    const auto told = lab_must(other.pull(w.s.ann, q, w.s.now));
    CHECK(in_words(told.rows) == words{"T"});
    CHECK(w.s.sealed("T")->version == 2);
}

TEST_CASE("labelling: rules of another name label tenants of any size anew, and tombstones outside of buckets are nobody's secret") {
    half_scoped_server w;
    constexpr int count = 620;  // more than are read at once
    for (int i = 0; i < count; ++i) w.s.write("C" + std::to_string(i), half_scoped_server::child(1, 2, "P"));
    w.s.write("P", node_row(1));
    w.s.write("T", node_row(1));
    w.s.seal();
    w.s.erase("T");
    w.s.seal();
    CHECK(in_words(w.pull_all(0)) == words{"P", "xT"});
    authority_options o = w.options("2");
    o.scopes.buckets["child"] = [](const model_schema&, std::string_view key, const record&) { return label_set{key == "C7" ? "g9" : "g1"}; };
    authority<memory_authority_store> other{w.s.store, o};
    pull_query q;
    q.limit = 2000;
    const auto told = lab_must(other.pull(w.s.ann, q, w.s.now));
    CHECK(told.rows.rows.size() == count - 1 + 2);
    CHECK(std::count_if(told.rows.rows.begin(), told.rows.rows.end(), [](const row_image& row) { return row.key == key_named("T") && !row.row && row.version != 0; }) == 1);
}

TEST_CASE("labelling: a record that refers to itself is labelled once") {
    scoped_tree w;
    w.write("x", scoped_tree::row(1, "x"));
    const auto stamp = [&] {
        auto t = lab_must(w.store.begin("main", access::snapshot));
        return std::pair{lab_must(t.sealed({0, "x"}))->stamp, lab_must(t.head()).stamp};
    };
    CHECK(stamp().first == stamp().second);
    w.write("x", scoped_tree::row(2, "x"));
    CHECK(stamp().first == stamp().second);
    auto t = lab_must(w.store.begin("main", access::snapshot));
    CHECK(lab_must(t.audience_of({0, "x"}))->needs() == std::vector<label_set>{{"g2"}});
}

}  // namespace labelling_test
