#include <syncline/support/result.hpp>

#include "support/catch.hpp"

#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace result_test {

using syncline::errc;
using syncline::fault;
using syncline::fault_category;
using syncline::result;

namespace {

struct pin {
    errc code;
    int number;
    std::string_view name;
    fault_category category;
};

constexpr pin pins[] = {
    {errc::invalid_argument, 1, "invalid_argument", fault_category::fix_request},
    {errc::malformed_json, 2, "malformed_json", fault_category::fix_request},
    {errc::malformed_message, 3, "malformed_message", fault_category::fix_request},
    {errc::malformed_value, 4, "malformed_value", fault_category::fix_request},
    {errc::unknown_model, 5, "unknown_model", fault_category::fix_request},
    {errc::unknown_field, 6, "unknown_field", fault_category::fix_request},
    {errc::invalid_key, 7, "invalid_key", fault_category::fix_request},
    {errc::too_large, 8, "too_large", fault_category::fix_request},
    {errc::invalid_cursor, 9, "invalid_cursor", fault_category::fix_request},
    {errc::unsupported, 10, "unsupported", fault_category::fix_request},
    {errc::validation_failed, 11, "validation_failed", fault_category::fix_request},
    {errc::constraint, 12, "constraint", fault_category::fix_request},
    {errc::absent, 13, "absent", fault_category::fix_request},
    {errc::id_reused, 14, "id_reused", fault_category::fix_request},
    {errc::schema_mismatch, 15, "schema_mismatch", fault_category::fix_request},
    {errc::conflict, 30, "conflict", fault_category::ask_person},
    {errc::held, 31, "held", fault_category::ask_person},
    {errc::lost_by_restore, 32, "lost_by_restore", fault_category::ask_person},
    {errc::maybe_sent, 33, "maybe_sent", fault_category::ask_person},
    {errc::out_of_view, 34, "out_of_view", fault_category::ask_person},
    {errc::unsent, 35, "unsent", fault_category::ask_person},
    {errc::busy, 50, "busy", fault_category::retry},
    {errc::unavailable, 51, "unavailable", fault_category::retry},
    {errc::timed_out, 52, "timed_out", fault_category::retry},
    {errc::rate_limited, 53, "rate_limited", fault_category::retry},
    {errc::internal, 54, "internal", fault_category::retry},
    {errc::storage_full, 55, "storage_full", fault_category::retry},
    {errc::io_error, 56, "io_error", fault_category::retry},
    {errc::history_pruned, 70, "history_pruned", fault_category::take_other_step},
    {errc::stale, 71, "stale", fault_category::take_other_step},
    {errc::session_gone, 72, "session_gone", fault_category::take_other_step},
    {errc::out_of_sequence, 73, "out_of_sequence", fault_category::take_other_step},
    {errc::source_retired, 74, "source_retired", fault_category::take_other_step},
    {errc::epoch_changed, 75, "epoch_changed", fault_category::take_other_step},
    {errc::unauthenticated, 76, "unauthenticated", fault_category::take_other_step},
    {errc::forbidden, 77, "forbidden", fault_category::take_other_step},
    {errc::cancelled, 78, "cancelled", fault_category::take_other_step},
    {errc::other_account, 79, "other_account", fault_category::take_other_step},
    {errc::scope_uninitialized, 80, "scope_uninitialized", fault_category::take_other_step},
    {errc::scope_initializing, 81, "scope_initializing", fault_category::take_other_step},
    {errc::initialization_stale, 82, "initialization_stale", fault_category::take_other_step},
    {errc::initialization_expired, 83, "initialization_expired", fault_category::take_other_step},
    {errc::session_expired, 84, "session_expired", fault_category::take_other_step},
    {errc::corrupt, 90, "corrupt", fault_category::report_bug},
    {errc::bug, 91, "bug", fault_category::report_bug},
};

}  // namespace

TEST_CASE("errc: numbers, names and categories never change") {
    for (const pin& p : pins) {
        CAPTURE(std::string(p.name));
        CHECK(static_cast<int>(p.code) == p.number);
        CHECK(syncline::name_of(p.code) == p.name);
        CHECK(syncline::category_of(p.code) == p.category);
    }
}

TEST_CASE("errc: every code that has a name is pinned") {
    std::set<int> pinned;
    for (const pin& p : pins) pinned.insert(p.number);
    for (int n = 0; n < 0x10000; ++n) {
        const bool named = syncline::name_of(static_cast<errc>(n)) != "unknown";
        if (named != (pinned.count(n) == 1)) FAIL("code " << n << " is named or pinned, but not both");
    }
    SUCCEED();
}

TEST_CASE("result: holds a value or a fault, and says which") {
    const result<int> good = 7;
    CHECK(good.has_value());
    CHECK(static_cast<bool>(good));
    CHECK(*good == 7);
    CHECK(good.value_or(9) == 7);

    const result<int> bad = fault{errc::busy, "locked"};
    CHECK_FALSE(bad.has_value());
    CHECK_FALSE(static_cast<bool>(bad));
    CHECK(bad.error() == fault{errc::busy, "locked"});
    CHECK(bad.value_or(9) == 9);
}

TEST_CASE("result: copies and moves like the value it holds") {
    result<std::string> a = std::string("a longer text than any small buffer keeps in place");
    result<std::string> b = a;
    CHECK(*a == *b);
    CHECK(b->size() == 50);
    *b = "changed";
    CHECK(*a != *b);
    const std::string taken = *std::move(a);
    CHECK(taken.size() == 50);
    b = fault{errc::stale, "old"};
    CHECK(b.error().code == errc::stale);
    const fault why = std::move(b).error();
    CHECK(why.detail == "old");
}

TEST_CASE("result: a value that can only be moved is enough") {
    struct only_moved {
        explicit only_moved(int n) : number(n) {}
        only_moved(only_moved&&) = default;
        only_moved& operator=(only_moved&&) = default;
        int number;
    };
    result<only_moved> held = only_moved{3};
    const only_moved out = *std::move(held);
    CHECK(out.number == 3);
}

namespace {

int counted_alive = 0;
int moves_until_throw = -1;

/// Counts its objects, and throws at a move when told to.
struct counted {
    explicit counted(int n) : number(n) { ++counted_alive; }
    counted(const counted& other) : number(other.number) { ++counted_alive; }
    counted(counted&& other) : number(std::exchange(other.number, 0)) {
        if (moves_until_throw-- == 0) throw std::runtime_error("a move");
        ++counted_alive;
    }
    ~counted() { --counted_alive; }
    int number;
};

}  // namespace

TEST_CASE("result: every assignment ends the life of what was held, and begins one of what comes") {
    moves_until_throw = -1;
    {
        const auto value = [](int n) { return result<counted>(counted{n}); };
        const auto why = [](std::string detail) { return result<counted>(fault{errc::stale, std::move(detail)}); };
        const std::string longer = "a longer text than any small buffer keeps in place";
        for (const bool from_value : {true, false}) {
            for (const bool to_value : {true, false}) {
                for (const bool by_copy : {true, false}) {
                    CAPTURE(from_value, to_value, by_copy);
                    result<counted> held = from_value ? value(1) : why(longer + " 1");
                    result<counted> other = to_value ? value(2) : why(longer + " 2");
                    if (by_copy)
                        held = other;
                    else
                        held = std::move(other);
                    REQUIRE(held.has_value() == to_value);
                    CHECK((to_value ? held->number == 2 : held.error().detail == longer + " 2"));
                    REQUIRE(other.has_value() == to_value);  // moved from, it still holds one of the two
                    if (by_copy) CHECK((to_value ? other->number == 2 : other.error().detail == longer + " 2"));
                }
            }
        }
        result<counted> same = value(5);
        result<counted>& alias = same;
        same = alias;
        REQUIRE(same.has_value());
        CHECK(same->number == 5);
        same = std::move(alias);
        REQUIRE(same.has_value());
        CHECK(same->number == 5);
    }
    CHECK(counted_alive == 0);
}

TEST_CASE("result: a value whose move throws leaves a fault, never nothing") {
    for (const bool from_value : {true, false}) {
        CAPTURE(from_value);
        moves_until_throw = -1;
        result<counted> held = fault{errc::busy, "a longer text than any small buffer keeps in place"};
        if (from_value) held = result<counted>(counted{1});
        const result<counted> other = counted{2};
        moves_until_throw = 0;
        CHECK_THROWS_AS((held = other), std::runtime_error);
        moves_until_throw = -1;
        REQUIRE_FALSE(held.has_value());
        CHECK(held.error() == fault{});
        held = other;
        REQUIRE(held.has_value());
        CHECK(held->number == 2);
    }
    CHECK(counted_alive == 0);
}

TEST_CASE("result: can be copied and moved as its value can") {
    struct only_moved {
        only_moved(only_moved&&) noexcept = default;
    };
    static_assert(!std::is_copy_constructible_v<result<only_moved>>);
    static_assert(!std::is_copy_assignable_v<result<only_moved>>);
    static_assert(std::is_nothrow_move_constructible_v<result<only_moved>>);
    static_assert(std::is_nothrow_move_assignable_v<result<only_moved>>);
    static_assert(std::is_copy_constructible_v<result<counted>>);
    static_assert(!std::is_nothrow_move_constructible_v<result<counted>>);
    static_assert(std::is_nothrow_move_constructible_v<result<std::string>>);
    SUCCEED();
}

TEST_CASE("result: a result of text is not confused by a fault's own text") {
    const result<std::string> text = std::string("busy");
    const result<std::string> failed = fault{errc::busy, "busy"};
    CHECK(text.has_value());
    CHECK_FALSE(failed.has_value());
}

TEST_CASE("result: without a value it is success until told otherwise") {
    result<void> done;
    CHECK(done.has_value());
    done = fault{errc::forbidden, "no"};
    CHECK_FALSE(done.has_value());
    CHECK(done.error().code == errc::forbidden);
    const fault why = std::move(done).error();
    CHECK(why.detail == "no");
    done = result<void>{};
    CHECK(static_cast<bool>(done));
}

TEST_CASE("result: names its value type and does not turn into one by itself") {
    static_assert(std::is_same_v<result<int>::value_type, int>);
    static_assert(std::is_same_v<result<void>::value_type, void>);
    static_assert(!std::is_convertible_v<result<int>, int>);
    static_assert(!std::is_convertible_v<result<int>, bool>);
    SUCCEED();
}

TEST_CASE("fault: is built from pieces") {
    const fault why = syncline::make_fault(errc::unknown_field, "model ", std::string("task"), " has no field ", "x");
    CHECK(why.code == errc::unknown_field);
    CHECK(why.detail == "model task has no field x");
    CHECK(syncline::make_fault(errc::bug).detail.empty());
    CHECK(fault{}.code == errc::bug);
}

}  // namespace result_test
