#include <syncline/engine/labelling.hpp>

#include "support/catch.hpp"
#include "unit/engine/scopes_fixture.hpp"

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

}  // namespace labelling_test
