#include <syncline/change/coalesce.hpp>

#include <syncline/conflict/merges.hpp>
#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coalesce_test {

namespace {

using namespace syncline;

// One field of each kind that composes differently: a register, a counter (changes by difference), a maximum (a merge of values).
constexpr field_index text_field = 0;
constexpr field_index count_field = 1;
constexpr field_index best_field = 2;

model_schema schema() {
    model_schema s;
    s.name = "score";
    s.fields = {{"text", value_kind::integer, true, nullptr},
                {"count", value_kind::integer, true, &merges::counter::erased},
                {"best", value_kind::integer, true, &merges::maximum::erased}};
    return s;
}

record row(std::int64_t text, std::int64_t count, std::int64_t best) {
    return record{{value::integer(text), value::integer(count), value::integer(best)}};
}

/// The intent that an app's edit from @p before to @p after makes; nothing: it changed nothing.
std::optional<intent> edit(const std::optional<record>& before, const std::optional<record>& after, std::uint64_t ordinal = 1) {
    if (before == after) return std::nullopt;
    intent made;
    made.key = {0, "r"};
    made.before = before;
    made.ordinal = ordinal;
    made.edited_at = from_microseconds(static_cast<std::int64_t>(ordinal) * 1000);
    made.base.row_version = static_cast<std::int64_t>(ordinal) * 10;
    if (!after) {
        made.op = operation::erase;
        return made;
    }
    made.op = before ? operation::update : operation::create;
    for (field_index f = 0; f < 3; ++f)
        if (!before || !(before->fields[f] == after->fields[f])) made.changes.set(f, after->fields[f]);
    return made;
}

intent with_op(operation op, bool before, std::int64_t text, std::int64_t count, std::int64_t best, std::uint64_t ordinal) {
    intent made;
    made.key = {0, "r"};
    made.op = op;
    made.ordinal = ordinal;
    made.base = {static_cast<std::int64_t>(ordinal) * 10, "m" + std::to_string(ordinal)};
    made.edited_at = from_microseconds(static_cast<std::int64_t>(ordinal) * 1000);
    if (before) made.before = row(1, 10, 5);
    if (op != operation::erase) {
        made.changes.set(text_field, value::integer(text));
        made.changes.set(count_field, value::integer(count));
        made.changes.set(best_field, value::integer(best));
    }
    return made;
}

record random_row(seeded_random& random) {
    const auto small = [&] { return static_cast<std::int64_t>(random.below(7)) - 3; };
    record out = row(0, 0, 0);
    for (auto& field : out.fields) field = value::integer(small());
    return out;
}
std::optional<record> random_state(seeded_random& random) {
    if (random.chance(1, 4)) return std::nullopt;
    return random_row(random);
}

}  // namespace

TEST_CASE("compose: of each pair of operations, with and without an image before, the base, image and ordinal are the lower's") {
    const model_schema s = schema();
    for (const operation lower_op : {operation::create, operation::update, operation::erase})
        for (const operation upper_op : {operation::create, operation::update, operation::erase})
            for (const bool lower_before : {false, true})
                for (const bool upper_before : {false, true}) {
                    CAPTURE(name_of(lower_op), name_of(upper_op), lower_before, upper_before);
                    intent lower = with_op(lower_op, lower_before, 2, 12, 6, 1);
                    lower.waiting = wait_reason{errc::conflict, "was refused"};
                    const intent upper = with_op(upper_op, upper_before, 3, 15, 4, 2);
                    const auto both = compose(s, lower, upper);

                    if (lower_op == operation::create && upper_op == operation::erase) {
                        CHECK(!both);
                        continue;
                    }
                    REQUIRE(both);
                    CHECK(both->base == lower.base);
                    CHECK(both->before == lower.before);
                    CHECK(both->ordinal == lower.ordinal);
                    CHECK(both->edited_at == upper.edited_at);
                    CHECK(!both->waiting);
                    if (upper_op == operation::erase) {
                        CHECK(both->op == operation::erase);
                        CHECK(both->changes.empty());
                        continue;
                    }
                    const bool onto_erased = lower_op == operation::erase;
                    CHECK(both->op == (onto_erased ? (lower_before ? operation::update : operation::create) : lower_op));
                    CHECK(both->changes.fields() == s.all_fields());
                    CHECK(*both->changes.find(text_field) == value::integer(3));
                    CHECK(*both->changes.find(best_field) == value::integer(4));
                    // The upper's difference goes on top of what the lower made of the counter, where both are differences.
                    const std::int64_t count = !onto_erased && upper_before ? 12 + (15 - 10) : 15;
                    CHECK(*both->changes.find(count_field) == value::integer(count));
                }
}

TEST_CASE("compose: with only one of two it is that one, with neither it is none") {
    const model_schema s = schema();
    const intent one = with_op(operation::update, true, 2, 12, 6, 1);
    CHECK(compose(s, one, std::nullopt) == one);
    CHECK(compose(s, std::nullopt, one) == one);
    CHECK(!compose(s, std::nullopt, std::nullopt));
}

TEST_CASE("compose: changes of different fields become the union of fields (W37)") {
    const model_schema s = schema();
    const record seen = row(1, 10, 5);
    for (field_index a = 0; a < 3; ++a)
        for (field_index b = 0; b < 3; ++b) {
            record first = seen;
            first.fields[a] = value::integer(20);
            record second = first;
            second.fields[b] = value::integer(30);
            const auto both = compose(s, edit(seen, first), edit(first, second, 2));
            REQUIRE(both);
            CAPTURE(a, b);
            CHECK(both->op == operation::update);
            field_set expected;
            expected.insert(a);
            expected.insert(b);
            CHECK(both->changes.fields() == expected);
            CHECK(*both->changes.find(b) == value::integer(30));
            if (a != b) CHECK(*both->changes.find(a) == value::integer(20));
        }
}

TEST_CASE("compose: a create and an erase cancel, an erase and a create never do (W37)") {
    const model_schema s = schema();
    const record seen = row(1, 10, 5);
    CHECK(!compose(s, edit(std::nullopt, seen), edit(seen, std::nullopt, 2)));

    // Even the very same row again is an update of every field: others may have changed the record meanwhile.
    const auto again = compose(s, edit(seen, std::nullopt), edit(std::nullopt, seen, 2));
    REQUIRE(again);
    CHECK(again->op == operation::update);
    CHECK(again->changes.fields() == s.all_fields());
    CHECK(again->before == seen);

    // An update that comes back to the row before is not cancelled either: its base must still be judged.
    const auto back = compose(s, edit(seen, row(2, 10, 5)), edit(row(2, 10, 5), seen, 2));
    REQUIRE(back);
    CHECK(*back->changes.find(text_field) == value::integer(1));
}

TEST_CASE("compose: ten thousand edits of one row are one intent, counters added up (W37)") {
    const model_schema s = schema();
    const record seen = row(0, 100, 0);
    std::optional<intent> open;
    record now = seen;
    for (std::int64_t i = 1; i <= 10000; ++i) {
        record next = row(i, 100 + i, i % 50);
        open = compose(s, std::move(open), edit(now, next, static_cast<std::uint64_t>(i)));
        now = std::move(next);
    }
    REQUIRE(open);
    CHECK(open->ordinal == 1);
    CHECK(open->before == seen);
    CHECK(open->changes.size() == 3);
    CHECK(overlay(s, &*open, seen) == now);
    // Over a base that others counted up by 7, the sum of all differences is laid on top.
    CHECK(overlay(s, &*open, row(0, 107, 0))->fields[count_field] == value::integer(10107));
}

TEST_CASE("overlay: two layers show what their composition shows, over the base they were made on") {
    const std::uint64_t seed = 20260131;
    CAPTURE(seed);
    seeded_random random(seed);
    const model_schema s = schema();
    for (int round = 0; round < 20000; ++round) {
        const auto base = random_state(random);
        const auto shown = random_state(random);
        const auto wanted = random_state(random);
        const auto lower = edit(base, shown);
        const auto upper = edit(shown, wanted, 2);
        const auto both = compose(s, lower, upper);
        CAPTURE(round);
        REQUIRE(overlay(s, lower ? &*lower : nullptr, base) == shown);
        REQUIRE(overlay(s, upper ? &*upper : nullptr, shown) == wanted);
        REQUIRE(overlay(s, both ? &*both : nullptr, base) == wanted);
    }
}

// Over a base that moved the two forms agree field by field
// - for registers and counters, always (null apart, which counts as 0);
// - for a maximum, where each layer raised it;
// and for whole rows unless an erase was taken back, whose layers forget the base where the composition still merges with it, or a create
// was cancelled, which shows what is there.
TEST_CASE("overlay: two layers show what their composition shows over any base, for what the law promises") {
    const std::uint64_t seed = 20260201;
    CAPTURE(seed);
    seeded_random random(seed);
    const model_schema s = schema();
    int compared = 0;
    for (int round = 0; round < 20000; ++round) {
        const auto base = random_state(random);
        const auto shown = random_state(random);
        const auto wanted = random_state(random);
        const auto moved = random_state(random);
        const auto lower = edit(base, shown);
        const auto upper = edit(shown, wanted, 2);
        const auto both = compose(s, lower, upper);
        auto layered = overlay(s, lower ? &*lower : nullptr, moved);
        layered = overlay(s, upper ? &*upper : nullptr, std::move(layered));
        const auto composed = overlay(s, both ? &*both : nullptr, moved);
        CAPTURE(round);
        if (lower && upper && lower->op == operation::create && upper->op == operation::erase) {
            REQUIRE(!both);
            REQUIRE(composed == moved);
            continue;
        }
        REQUIRE(composed.has_value() == layered.has_value());
        if (!composed) continue;
        REQUIRE(composed->fields[text_field] == layered->fields[text_field]);
        if (lower && lower->op == operation::erase) continue;
        REQUIRE(composed->fields[count_field] == layered->fields[count_field]);
        const auto raises = [](const std::optional<record>& from, const std::optional<record>& to) {
            return !from || !to || from->fields[best_field].as_integer() <= to->fields[best_field].as_integer();
        };
        if (raises(base, shown) && raises(shown, wanted)) {
            ++compared;
            REQUIRE(composed->fields[best_field] == layered->fields[best_field]);
        }
    }
    CHECK(compared > 1000);
}

TEST_CASE("overlay: an upper layer made over a moved base composes as the difference that the user made") {
    const model_schema s = schema();
    const auto lower = edit(row(1, 10, 5), row(1, 13, 5));
    // Others counted 4 up meanwhile, so the user saw 17 and made 20 of it: plus 3 again.
    const record seen = *overlay(s, &*lower, row(1, 14, 5));
    REQUIRE(seen.fields[count_field] == value::integer(17));
    const auto upper = edit(seen, row(1, 20, 5), 2);
    const auto both = compose(s, lower, upper);
    REQUIRE(both);
    CHECK(*both->changes.find(count_field) == value::integer(16));
    CHECK(overlay(s, &*both, row(1, 14, 5))->fields[count_field] == value::integer(20));
}

TEST_CASE("overlay: a layer of registers laid twice shows the same, a counter adds twice") {
    const model_schema s = schema();
    const auto change = edit(row(1, 10, 5), row(2, 10, 9));
    for (const auto& base : {row(1, 10, 5), row(8, 3, 2), row(8, 3, 20)}) {
        const auto once = overlay(s, &*change, base);
        CHECK(overlay(s, &*change, once) == once);
    }
    const auto counted = edit(row(1, 10, 5), row(1, 12, 5));
    CHECK(overlay(s, &*counted, overlay(s, &*counted, row(1, 11, 5)))->fields[count_field] == value::integer(15));
}

TEST_CASE("overlay: the user's value shows where a merge cannot speak, and a row that is gone comes back whole") {
    const model_schema s = schema();
    const auto change = edit(row(1, 10, 5), row(1, (std::numeric_limits<std::int64_t>::max)(), 5));
    const record full{{value::integer(1), value::integer((std::numeric_limits<std::int64_t>::max)()), value::integer(5)}};
    CHECK(overlay(s, &*change, full)->fields[count_field] == value::integer((std::numeric_limits<std::int64_t>::max)()));

    const auto register_change = edit(row(1, 10, 5), row(2, 10, 5));
    CHECK(overlay(s, &*register_change, std::nullopt) == row(2, 10, 5));
    CHECK(overlay(s, nullptr, row(1, 2, 3)) == row(1, 2, 3));
    CHECK(!overlay(s, nullptr, std::nullopt));

    // A shorter row, from before the model had the field, is filled up.
    record older{{value::integer(4)}};
    const auto best_change = edit(row(1, 10, 5), row(1, 10, 6));
    CHECK(overlay(s, &*best_change, older)->fields.size() == 3);
}

TEST_CASE("compose and overlay: a field that the model does not have is passed over") {
    const model_schema s = schema();
    intent lower = *edit(row(1, 10, 5), row(2, 10, 5));
    intent upper = *edit(row(2, 10, 5), row(3, 10, 5), 2);
    for (const field_index beyond : {field_index{3}, field_index{200}}) upper.changes.set(beyond, value::integer(7));
    const auto both = compose(s, lower, upper);
    REQUIRE(both);
    CHECK(both->changes.fields() == lower.changes.fields());
    CHECK(overlay(s, &upper, row(2, 10, 5)) == row(3, 10, 5));
    CHECK(upper.whole(3) == row(3, 10, 5));
}

TEST_CASE("compose: what was not seen below is seen where the change above saw it before it was touched, and else stays unseen") {
    intent lower = *edit(row(1, 2, 3), row(9, 2, 3));
    lower.unseen.insert(best_field);
    intent upper = *edit(row(9, 2, 30), row(9, 2, 40), 2);
    auto whole = compose(schema(), lower, upper);
    CHECK(whole->unseen.empty());
    CHECK(whole->before->fields[best_field] == value::integer(30));
    CHECK(whole->changes.fields() == (lower.changes.fields() | upper.changes.fields()));

    upper.unseen.insert(best_field);
    whole = compose(schema(), lower, upper);
    CHECK(whole->unseen == lower.unseen);
    CHECK(whole->before->fields[best_field] == value::integer(3));

    // Touched below before it was seen: what came above does not make it seen.
    upper.unseen = {};
    lower.changes.set(best_field, value::integer(4));
    whole = compose(schema(), lower, upper);
    CHECK(whole->unseen == lower.unseen);
    CHECK(whole->before->fields[best_field] == value::integer(3));

    intent created = *edit(std::nullopt, row(1, 2, 3));
    created.unseen.insert(best_field);
    created.unseen.insert(count_field);
    whole = compose(schema(), created, *edit(row(1, 2, 3), row(1, 2, 4), 2));
    field_set untouched;
    untouched.insert(count_field);
    CHECK(whole->unseen == untouched);
    // Erased and made anew it is an update of all fields, and what it covers was not seen all the same.
    const auto erased = compose(schema(), lower, edit(row(9, 2, 4), std::nullopt, 2));
    CHECK(erased->unseen == lower.unseen);
    whole = compose(schema(), erased, edit(std::nullopt, row(7, 7, 7), 3));
    CHECK(whole->op == operation::update);
    CHECK(whole->unseen == lower.unseen);
}

TEST_CASE("compose and overlay: a merge without a function is none, in a field that has one as in any other") {
    static constexpr field_merge empty{"empty", nullptr, true};
    model_schema s = schema();
    s.fields[count_field].merge = &empty;
    const intent lower = *edit(row(1, 10, 5), row(1, 12, 5));
    const intent upper = *edit(row(1, 12, 5), row(1, 15, 5), 2);
    CHECK(overlay(s, &lower, row(1, 100, 5)) == row(1, 12, 5));
    CHECK(*compose(s, lower, upper)->changes.find(count_field) == value::integer(15));
}

TEST_CASE("compose: a difference that has nothing to be added to, or does not fit, is what the user set") {
    constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)();
    intent lower = with_op(operation::update, false, 2, 12, 6, 1);  // made without a row in sight
    lower.changes = {};
    lower.changes.set(text_field, value::integer(2));
    const intent upper = *edit(row(2, 10, 5), row(2, 14, 5), 2);
    CHECK(*compose(schema(), lower, upper)->changes.find(count_field) == value::integer(4));
    lower.changes.set(count_field, value::integer(most));
    CHECK(*compose(schema(), lower, upper)->changes.find(count_field) == value::integer(14));
}

TEST_CASE("compose: what was not seen below stays unseen where either change was made without a row in sight") {
    for (const bool below : {true, false}) {
        intent lower = *edit(row(1, 2, 3), row(9, 2, 3));
        lower.unseen.insert(best_field);
        intent upper = *edit(row(9, 2, 30), row(9, 2, 40), 2);
        (below ? lower : upper).before.reset();
        const auto whole = compose(schema(), lower, upper);
        CHECK(whole->unseen == lower.unseen);
        CHECK(whole->before == lower.before);
    }
}

}  // namespace coalesce_test
