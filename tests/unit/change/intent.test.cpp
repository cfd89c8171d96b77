#include <syncline/change/intent.hpp>

#include <syncline/testing/random_values.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace intent_test {

using syncline::field_changes;
using syncline::field_index;
using syncline::intent;
using syncline::name_of;
using syncline::operation;
using syncline::record;
using syncline::seeded_random;
using syncline::value;

TEST_CASE("field changes: behave as a map from field to value, in the order of fields") {
    const std::uint64_t seed = 12;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 1000; ++round) {
        field_changes changes;
        std::map<field_index, value> model;
        for (std::uint64_t n = random.below(20); n > 0; --n) {
            const auto field = static_cast<field_index>(random.below(8));
            if (random.chance(1, 4)) {
                changes.erase(field);
                model.erase(field);
            } else {
                const value to = syncline::testing::random_value(random);
                changes.set(field, to);
                model[field] = to;
            }
        }
        REQUIRE(changes.size() == model.size());
        REQUIRE(changes.empty() == model.empty());
        auto expected = model.begin();
        for (const auto& c : changes) {
            REQUIRE(c.field == expected->first);
            REQUIRE(c.to == expected->second);
            ++expected;
        }
        for (field_index f = 0; f < 10; ++f) {
            const value* found = changes.find(f);
            REQUIRE((found != nullptr) == (model.count(f) == 1));
            REQUIRE(changes.fields().contains(f) == (found != nullptr));
            if (found != nullptr) REQUIRE(*found == model[f]);
        }
    }
}

TEST_CASE("field changes: are equal when they set the same, in whatever order it was set") {
    field_changes a;
    a.set(2, value::integer(2));
    a.set(0, value::integer(0));
    field_changes b;
    b.set(0, value::integer(7));
    b.set(2, value::integer(2));
    CHECK_FALSE(a == b);
    b.set(0, value::integer(0));
    CHECK(a == b);
}

TEST_CASE("intent: the whole row is the image before with the changes on top, and nothing of another model's width") {
    const std::uint64_t seed = 13;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 1000; ++round) {
        const intent i = syncline::testing::random_intent(random);
        const auto count = static_cast<std::size_t>(random.below(10));
        const record whole = i.whole(count);
        REQUIRE(whole.fields.size() == count);
        for (std::size_t f = 0; f < count; ++f) {
            const value* changed = i.changes.find(static_cast<field_index>(f));
            if (changed != nullptr)
                REQUIRE(whole.fields[f] == *changed);
            else if (i.before && f < i.before->fields.size())
                REQUIRE(whole.fields[f] == i.before->fields[f]);
            else
                REQUIRE(whole.fields[f].is_null());
        }
    }
}

TEST_CASE("operation: numbers and names are stable") {
    static_assert(static_cast<int>(operation::create) == 1 && static_cast<int>(operation::update) == 2);
    static_assert(static_cast<int>(operation::erase) == 3);
    CHECK(name_of(operation::create) == "create");
    CHECK(name_of(operation::update) == "update");
    CHECK(name_of(operation::erase) == "erase");
    CHECK(name_of(static_cast<operation>(0)) == "unknown");
}

TEST_CASE("intent: of the fields that were not seen those that nobody set are left out, and a change of another is made on nothing") {
    intent i;
    i.base.row_version = 7;
    i.changes.set(1, value::integer(1));
    i.unseen.insert(2);
    CHECK(i.changed_unseen().empty());
    CHECK(i.left_out() == i.unseen);
    CHECK(i.told_row_version() == 7);
    i.changes.set(2, value::integer(2));
    CHECK(i.changed_unseen() == i.unseen);
    CHECK(i.left_out().empty());
    CHECK(i.told_row_version() == 0);
    i.op = operation::create;  // its value is the column's default
    CHECK(i.changed_unseen().empty());
    CHECK(i.left_out() == i.unseen);
    i.drop_unset();
    CHECK(i.unseen.empty());
    CHECK(i.changes.size() == 1);
    CHECK(i.changes.find(1) != nullptr);
}

}  // namespace intent_test
