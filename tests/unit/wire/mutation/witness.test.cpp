#include <syncline/wire/mutation/witness.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace witness_test {

using namespace syncline;
using namespace simulation;

namespace {

// Keys that begin with C are children; all refer to P.
batch_item item(const std::string& key, operation op) {
    batch_item out;
    out.id = "m-" + key;
    out.what.key = key_named(key);
    out.what.op = op;
    if (op != operation::erase) out.what.changes.set(0, value::integer(1));
    if (op != operation::erase && out.what.key.model == child_model) out.what.changes.set(5, value::text("P"));
    return out;
}

std::string order(const frozen_batch& b) {
    std::string out;
    for (const auto& i : b.items) out += i.what.key.key + " ";
    return out;
}

schema_set schemas() {
    schema_set out;
    for (auto& m : models(overlap_policy::by_field)) lab_must(out.add(std::move(m)));
    return out;
}

}  // namespace

TEST_CASE("witness: a change that needs none of the batch comes to the front, with its row", "[wire]") {
    const schema_set s = schemas();
    seeded_random random{1};
    frozen_batch b;
    for (const auto& [key, op] : {std::pair{"P", operation::create}, {"C1", operation::create}, {"T2", operation::erase}, {"T", operation::update}, {"C2", operation::create}}) {
        b.items.push_back(item(key, op));
        b.rows.push_back(record{{value::text(key)}});
    }
    REQUIRE(mutation_wire::bring_witness(s, b, {{"m-P", fault{}}}, random));
    CHECK(order(b) == "T P C1 T2 C2 ");
    for (std::size_t i = 0; i < b.items.size(); ++i) CHECK(b.rows[i].fields[0] == value::text(b.items[i].what.key.key));
    // The parent itself is one for its child.
    REQUIRE(mutation_wire::bring_witness(s, b, {{"m-T", fault{}}, {"m-C1", fault{}}}, random));
    CHECK(order(b) == "P T C1 T2 C2 ");
    CHECK_FALSE(mutation_wire::bring_witness(s, b, {{"m-T", fault{}}, {"m-P", fault{}}}, random));
}

TEST_CASE("witness: where the others need the one that was refused, or erase, there is none", "[wire]") {
    const schema_set s = schemas();
    seeded_random random{1};
    frozen_batch b;
    b.items = {item("P", operation::create), item("C1", operation::create), item("T2", operation::erase)};
    const std::string before = order(b);
    CHECK_FALSE(mutation_wire::bring_witness(s, b, {{"m-P", fault{}}}, random));
    CHECK(order(b) == before);
    frozen_batch alone;
    alone.items = {item("T", operation::update)};
    CHECK_FALSE(mutation_wire::bring_witness(s, alone, {{"m-T", fault{}}}, random));
    // An update of the parent is there already, so what refers to it needs none of the batch.
    b.items = {item("P", operation::update), item("C1", operation::create)};
    CHECK(mutation_wire::bring_witness(s, b, {{"m-P", fault{}}}, random));
    CHECK(order(b) == "C1 P ");
}

TEST_CASE("witness: each that can is drawn at some time", "[wire]") {
    const schema_set s = schemas();
    seeded_random random{2};
    std::set<std::string> drawn;
    for (int n = 0; n < 100; ++n) {
        frozen_batch b;
        for (const char* key : {"T", "T1", "T2", "T3", "T4"}) b.items.push_back(item(key, operation::create));
        REQUIRE(mutation_wire::bring_witness(s, b, {{"m-T", fault{}}}, random));
        drawn.insert(b.items.front().what.key.key);
    }
    CHECK(drawn == std::set<std::string>{"T1", "T2", "T3", "T4"});
}

}  // namespace witness_test
