#include <syncline/storage/memory_table.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace memory_table_test {

namespace {

using namespace syncline;
using namespace store_contract;

struct tables : memory_tables {};

/// `node` refers to itself by two fields: one cascades, the other is set to null and is not nullable where `strict`.
schema_set trees(bool strict) {
    model_schema node;
    node.name = "node";
    node.fields = {{"under", value_kind::integer, true, nullptr}, {"beside", value_kind::text, !strict, nullptr}, {"code", value_kind::text, true, nullptr}};
    node.references = {{0, "node", reference_action::cascade}, {1, "node", reference_action::set_null}};
    schema_set out;
    REQUIRE(out.add(std::move(node)).has_value());
    return out;
}
record node(std::int64_t under, const std::string& beside = {}, const std::string& code = {}) {
    return record{{under == 0 ? value::null() : value::integer(under), text_or_null(beside), text_or_null(code)}};
}
record_key at(int n) { return {0, std::to_string(n)}; }

struct fixture {
    memory_table_rules rules;
    tables state;
    undo_journal<tables> journal;
    std::vector<std::string> touched;

    explicit fixture(bool strict = false, memory_table_options options = {}) : rules(trees(strict), std::move(options)) {}
    result<void> put(int n, record row) { return rules.put(state, journal, at(n), std::move(row)); }
    result<void> erase(int n) {
        return rules.erase(state, journal, at(n), [&](const record_key& k, bool erased) { touched.push_back((erased ? "-" : "~") + k.key); });
    }
};

}  // namespace

TEST_CASE("memory_table: an erase takes along what refers to it, at any depth, cycles included") {
    fixture f;
    must(f.put(1, node(3)));
    must(f.put(2, node(1)));
    must(f.put(3, node(2)));
    must(f.put(4, node(3)));
    must(f.put(5, node(0, "4")));
    must(f.put(6, node(0)));
    must(f.erase(1));
    CHECK(f.state.rows.size() == 2);
    CHECK(f.state.rows.at(at(5)) == node(0));
    CHECK(f.touched.front() == "-1");
    CHECK(f.touched.size() == 5);
}

TEST_CASE("memory_table: an erase that would leave a null where none may be changes nothing") {
    fixture f{true};
    must(f.put(1, node(0, "1")));
    must(f.put(2, node(1, "1")));
    must(f.put(3, node(0, "2")));
    const auto before = f.state.rows;
    CHECK(fault_of(f.erase(1)) == errc::constraint);
    CHECK(f.state.rows == before);
}

TEST_CASE("memory_table: without foreign-key actions an erase takes the one row") {
    memory_table_options options;
    options.foreign_key_actions = false;
    fixture f{false, options};
    must(f.put(1, node(0)));
    must(f.put(2, node(1)));
    must(f.erase(1));
    CHECK(f.state.rows.size() == 1);
}

TEST_CASE("memory_table: a record that refers to itself can be erased") {
    fixture f;
    must(f.put(1, node(1, "1")));
    must(f.erase(1));
    CHECK(f.state.rows.empty());
    must(f.erase(1));
}

TEST_CASE("memory_table: a row that the model does not allow is refused") {
    fixture f{true};
    CHECK(fault_of(f.rules.put(f.state, f.journal, record_key{7, "k"}, node(0, "x"))) == errc::unknown_model);
    CHECK(fault_of(f.rules.put(f.state, f.journal, record_key{0, ""}, node(0, "x"))) == errc::invalid_key);
    CHECK(fault_of(f.put(1, record{})) == errc::bug);
    const auto null = f.put(1, node(0));
    CHECK(fault_of(null) == errc::constraint);
    CHECK(null.error().detail.find("node.beside") != std::string::npos);
    CHECK(f.state.rows.empty());
    CHECK(f.journal.mark() == 0);
}

TEST_CASE("memory_table: a unique value is free again when its record changes, goes, or is rolled back") {
    memory_table_options options;
    options.unique = {{0, 2}};
    fixture f{false, options};
    must(f.put(1, node(0, {}, "x")));
    CHECK(fault_of(f.put(2, node(0, {}, "x"))) == errc::constraint);
    must(f.put(2, node(0)));
    must(f.put(3, node(0)));
    must(f.put(1, node(0, {}, "y")));
    must(f.put(2, node(0, {}, "x")));
    f.journal.forget();
    must(f.put(1, node(0, {}, "z")));
    must(f.put(3, node(0, {}, "y")));
    f.journal.roll_back(f.state);
    CHECK(fault_of(f.put(3, node(0, {}, "y"))) == errc::constraint);
    must(f.put(3, node(0, {}, "z")));
    must(f.erase(1));
    must(f.put(2, node(0, {}, "y")));
    must(f.put(4, node(0, {}, "x")));
}

TEST_CASE("memory_table: rows are found by what they refer to, no more than asked for") {
    fixture f;
    must(f.put(1, node(0)));
    for (int i = 2; i < 6; ++i) must(f.put(i, node(1, "1")));
    CHECK(f.rules.cascading_to(f.state, at(1), 9).size() == 4);
    CHECK(f.rules.cascading_to(f.state, at(1), 3).size() == 3);
    CHECK(f.rules.cascading_to(f.state, at(2), 9).empty());
    CHECK(f.rules.cascading_to(f.state, record_key{9, "1"}, 9).empty());
    const auto named = f.rules.referring_to(f.state, at(1), 9);  // each by two fields, and named once
    CHECK(std::set<record_key>(named.begin(), named.end()).size() == 4);
    CHECK(named.size() == 4);
    CHECK(f.rules.referring_to(f.state, at(1), 3).size() == 3);
    CHECK(f.rules.referring_to(f.state, record_key{9, "1"}, 9).empty());
}

TEST_CASE("memory_table: a row that two fields take along is named once, and what a reference leaves alone stays as it is") {
    model_schema node;
    node.name = "node";
    node.fields = {{"under", value_kind::integer, true, nullptr}, {"beside", value_kind::integer, true, nullptr}, {"past", value_kind::integer, true, nullptr}};
    node.references = {{0, "node", reference_action::cascade}, {1, "node", reference_action::cascade}, {2, "node", reference_action::none}};
    schema_set schemas;
    must(schemas.add(std::move(node)));
    const memory_table_rules rules{std::move(schemas), {}};
    tables state;
    undo_journal<tables> journal;
    const value one = value::integer(1);
    must(rules.put(state, journal, at(1), record{{value{}, value{}, value{}}}));
    must(rules.put(state, journal, at(2), record{{one, one, value{}}}));
    must(rules.put(state, journal, at(3), record{{value{}, one, value{}}}));
    must(rules.put(state, journal, at(4), record{{value{}, value{}, one}}));
    CHECK(rules.cascading_to(state, at(1), 9).size() == 2);
    CHECK(rules.cascading_to(state, at(1), 1).size() == 1);
    must(rules.erase(state, journal, at(1), [](const record_key&, bool) {}));
    CHECK(state.rows.size() == 1);
    CHECK(state.rows.at(at(4)) == record{{value{}, value{}, one}});
}

}  // namespace memory_table_test
