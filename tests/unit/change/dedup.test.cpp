#include <syncline/change/dedup.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace dedup_test {

namespace {

using namespace syncline;

receipt decided(const std::string& id, const std::string& content = "h", outcome_kind kind = outcome_kind::applied) {
    receipt r;
    r.id = id;
    r.content_hash = content;
    r.outcome = kind;
    r.version = 3;
    return r;
}

bundle_receipt committed(std::int64_t number, const std::string& content = "h") { return {"device", number, 100 + number, content, 2}; }

}  // namespace

TEST_CASE("receipt window: the same id with the same content gets the receipt, with other content it is refused") {
    receipt_window window{10};
    CHECK(!*window.find("a", "h"));
    CHECK(!*window.remember(decided("a", "h", outcome_kind::held)));
    const auto again = window.find("a", "h");
    REQUIRE(again);
    REQUIRE(*again);
    CHECK(**again == decided("a", "h", outcome_kind::held));
    CHECK(window.find("a", "other").error().code == errc::id_reused);
    CHECK(window.remember(decided("a", "other")).error().code == errc::id_reused);
    CHECK(**window.find("a", "h") == decided("a", "h", outcome_kind::held));
}

TEST_CASE("receipt window: what was decided first stands, whatever is remembered later") {
    receipt_window window{10};
    CHECK(window.remember(decided("a")));
    CHECK(window.remember(decided("a", "h", outcome_kind::refused)));
    CHECK((**window.find("a", "h")).outcome == outcome_kind::applied);
    CHECK(window.size() == 1);
}

TEST_CASE("receipt window: a transient error leaves no receipt, and neither does a mutation without an id") {
    receipt_window window{10};
    CHECK(window.remember(decided("a", "h", outcome_kind::error)).error().code == errc::invalid_argument);
    CHECK(window.remember(decided("")).error().code == errc::invalid_argument);
    CHECK(window.size() == 0);
    for (const auto kind : {outcome_kind::applied, outcome_kind::superseded, outcome_kind::refused, outcome_kind::held})
        CHECK(window.remember(decided(std::string{name_of(kind)}, "h", kind)));
    CHECK(window.size() == 4);
}

TEST_CASE("receipt window: is bounded, forgets the oldest first, and tells which") {
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
        receipt_window window{capacity};
        const std::size_t kept = capacity == 0 ? 1 : capacity;
        CHECK(window.capacity() == kept);
        for (std::size_t i = 0; i < 20; ++i) {
            const auto gone = window.remember(decided(std::to_string(i)));
            REQUIRE(gone);
            CHECK(gone->has_value() == (i >= kept));
            if (*gone) CHECK(**gone == std::to_string(i - kept));
            // Asking again does not make a receipt younger.
            (void)window.find(std::to_string(i >= kept ? i - kept + 1 : 0), "h");
        }
        CHECK(window.size() == kept);
        CHECK(window.forgotten() == 20 - kept);
        CHECK(!*window.find("0", "h"));
        CHECK(*window.find("19", "h"));
    }
}

TEST_CASE("source sequence: numbers are due one after the other; others are duplicates or gaps") {
    source_sequence source{10};
    for (std::int64_t due = 1; due <= 5; ++due) {
        CHECK(source.next() == due);
        for (std::int64_t number = -1; number <= due + 3; ++number) {
            CAPTURE(due, number);
            const auto place = source.place_of(number);
            CHECK(place == (number < 1 ? sequence_place::invalid : number < due ? sequence_place::duplicate : number == due ? sequence_place::next : sequence_place::gap));
            const auto found = source.find(number, "h");
            if (place == sequence_place::invalid) CHECK(found.error().code == errc::invalid_argument);
            if (place == sequence_place::gap) {
                CHECK(found.error().code == errc::out_of_sequence);
                CHECK(source.remember(committed(number)).error().code == errc::out_of_sequence);
            }
            if (place == sequence_place::duplicate) CHECK(**found == committed(number));
            if (place == sequence_place::next) CHECK(!*found);
        }
        REQUIRE(source.remember(committed(due)));
        CHECK(source.watermark() == due);
    }
}

TEST_CASE("source sequence: a number that was committed with other content is refused, and what was committed stands") {
    source_sequence source{10};
    REQUIRE(source.remember(committed(1)));
    CHECK(source.find(1, "other").error().code == errc::id_reused);
    CHECK(source.remember(committed(1, "other")).error().code == errc::id_reused);
    CHECK(source.remember(committed(1)));
    CHECK(**source.find(1, "h") == committed(1));
    CHECK(source.watermark() == 1);
    // An older one that is told again does not take the source back.
    REQUIRE(source.remember(committed(2)));
    CHECK(source.remember(committed(1)));
    CHECK(source.watermark() == 2);
}

TEST_CASE("source sequence: forgotten receipts are said to be gone, and their numbers never come back") {
    source_sequence source{2, 40};
    CHECK(source.next() == 41);
    for (std::int64_t n = 41; n <= 45; ++n) REQUIRE(source.remember(committed(n)));
    for (const std::int64_t old : {std::int64_t{1}, std::int64_t{40}, std::int64_t{43}}) {
        CHECK(source.place_of(old) == sequence_place::duplicate);
        CHECK(source.find(old, "h").error().code == errc::history_pruned);
        CHECK(source.remember(committed(old)).error().code == errc::history_pruned);
    }
    CHECK(*source.find(44, "h"));
    CHECK(*source.find(45, "h"));
    CHECK(source_sequence{0, -5}.next() == 1);
}

}  // namespace dedup_test
