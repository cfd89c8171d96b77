#include <syncline/engine/page_rows.hpp>

#include "support/catch.hpp"
#include "unit/engine/scopes_fixture.hpp"

namespace page_rows_test {

using namespace engine_tests;

TEST_CASE("page rows: a row stands once, after what it refers to where the device may lack that, and a removal has no version") {
    server s;
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.seal();
    auto t = lab_must(s.store.begin("main", access::snapshot));
    for (const bool lacks : {true, false}) {
        pull_answer out;
        page_rows<memory_authority_store::transaction> rows{t, s.engine.schemas(), out};
        const auto child = lab_must(t.sealed(key_named("C1")));
        const auto ask = [&](const record_key&, const sealed_row&) -> result<bool> { return lacks; };
        for (int twice = 0; twice < 2; ++twice) lab_must(rows.add(key_named("C1"), child->version, child->written_at, child->row, ask));
        rows.add_removal(key_named("C1"));
        rows.add_removal(key_named("T"));
        CHECK(in_words(out.rows) == (lacks ? words{"P", "C1", "-T"} : words{"C1", "-T"}));
        CHECK(out.rows.rows.back().version == 0);
        CHECK(rows.has(key_named("T")));
    }
}

TEST_CASE("page rows: what a row refers to and is not there, or is there no more, is no row that could come before it") {
    memory_table_options tables;
    tables.foreign_key_actions = false;
    server s{{}, tables};
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.write("C2", child_row(1, "nowhere"));
    s.seal();
    const page first = s.pull(0);
    s.erase("P");
    s.write("C1", child_row(2, "P"));
    s.write("C2", child_row(2, "nowhere"));
    CHECK(in_words(s.pull(first.next)) == words{"C1", "C2", "xP"});
}

}  // namespace page_rows_test
