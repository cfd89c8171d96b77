#include <syncline/engine/content_hash.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace content_hash_test {

using namespace engine_tests;

// Whatever of a change the authority decides by makes it another change.
const std::vector<std::function<void(intent&)>> alterations{
    [](intent& i) { i.key.key = "T2"; },
    [](intent& i) { i.key.model = child_model; },
    [](intent& i) { i.op = operation::create; },
    [](intent& i) { i.op = operation::erase; },
    [](intent& i) { i.base.row_version = 4; },
    [](intent& i) { i.base.after = "another"; },
    [](intent& i) { i.changes.set(field_a, value::integer(9)); },
    [](intent& i) { i.changes.set(field_m, value::integer(0)); },
    [](intent& i) { i.before->fields[field_a] = value::integer(9); },
    [](intent& i) { i.before.reset(); },
    [](intent& i) { i.unseen.insert(field_a); },
    [](intent& i) { i.edited_at = at(501); },
};

TEST_CASE("content hash: a mutation is another one where anything differs by which it is decided, and only there", "[engine]") {
    const auto schemas = models();
    const intent one = change_of("m", "T", node_row(1, 2), node_row(3, 2), 3, "chain").what;
    const std::string hash = content_hash(schemas, one);
    CHECK(hash.size() == 64);
    intent same = one;
    same.ordinal = 77;
    same.waiting = wait_reason{errc::conflict, "was refused before"};
    same.before->fields[field_b] = value::integer(9);  // not touched
    same.unseen.insert(field_b);
    CHECK(content_hash(schemas, same) == hash);
    std::vector<std::string> all{hash};
    for (const auto& alter : alterations) {
        intent other = one;
        alter(other);
        all.push_back(content_hash(schemas, other));
    }
    std::sort(all.begin(), all.end());
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("bundle content hash: is the same on both sides, and changes with every part of the content") {
    const schema_set schemas = models();
    const std::vector<mutation> rows{change_of("r", "T", node_row(1), node_row(2), 3), change_of("r", "T2", node_row(1), std::nullopt, 3)};
    const std::string hash = bundle_content_hash(schemas, rows);
    CHECK(hash.size() == 64);
    auto same = rows;
    same[0].what.ordinal = 99;
    same[0].what.edited_at = at(1);
    same[0].id = "any";
    CHECK(bundle_content_hash(schemas, same) == hash);
    auto other = rows;
    other[0].what.base.row_version = 4;
    CHECK(bundle_content_hash(schemas, other) != hash);
    other = rows;
    other[0].what.changes.set(field_b, value::integer(9));
    CHECK(bundle_content_hash(schemas, other) != hash);
    other = rows;
    other[1].what.key.key = "T3";
    CHECK(bundle_content_hash(schemas, other) != hash);
    other = rows;
    std::swap(other[0], other[1]);
    CHECK(bundle_content_hash(schemas, other) != hash);
    other.pop_back();
    CHECK(bundle_content_hash(schemas, other) != hash);
}

TEST_CASE("content hashes: a program that has learnt of a further field hashes what was sent before alike", "[engine]") {
    const schema_set now = models();
    schema_set before;
    for (auto& m : simulation::older_models(overlap_policy::by_field)) lab_must(before.add(std::move(m)));
    for (const auto& sent : {change_of("m", "T", node_row(1, 0, 2), node_row(3, 0, 2), 3), change_of("m", "T", std::nullopt, node_row(1, 0, 5))}) {
        mutation old = sent;  // without field b
        old.what.changes = {};
        for (const auto& change : sent.what.changes)
            if (change.field != field_b) old.what.changes.set(change.field == field_a ? field_a : static_cast<field_index>(change.field - 1), change.to);
        if (old.what.before) old.what.before = simulation::narrowed(*old.what.before);
        mutation again = sent;
        again.what.unseen.insert(field_b);
        again.what.changes.erase(field_b);
        if (again.what.before) again.what.before->fields[field_b] = value::integer(7);  // the column's default
        CHECK(content_hash(before, old.what) == content_hash(now, again.what));
        CHECK(bundle_content_hash(before, {old}) == bundle_content_hash(now, {again}));
    }
}

}  // namespace content_hash_test
