#include <syncline/engine/batch_sequence.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <optional>
#include <string>
#include <vector>

namespace batch_sequence_test {

using namespace engine_tests;

namespace {

/// What @p who pushes as the batch @p mark: one change of the record @p key.
result<push_answer> push(server& s, const caller& who, const batch_mark& mark, const mutation_id& id, const std::string& key = "T") {
    return s.engine.push(who, {change_of(id, key, std::nullopt, node_row(1))}, s.now, nullptr, mark);
}

const caller device{"main", "ann", "device"};

}  // namespace

TEST_CASE("batch sequence: numbers rise, with gaps, and a batch may come again under its token") {
    server s;
    REQUIRE(push(s, device, {3, "x"}, "m1", "T"));
    REQUIRE(push(s, device, {3, "x"}, "m2", "T2"));
    REQUIRE(push(s, device, {9, "y"}, "m3", "P"));
    REQUIRE(push(s, device, {10, "x"}, "m4", "T"));
}

TEST_CASE("batch sequence: another batch under a number that was there comes from a copy, and changes nothing") {
    server s;
    REQUIRE(push(s, device, {3, "x"}, "m1"));
    for (const batch_mark& mark : {batch_mark{3, "y"}, batch_mark{3, ""}, batch_mark{2, "x"}, batch_mark{1, "z"}}) {
        CAPTURE(mark.number, mark.token);
        const auto refused = push(s, device, mark, "m2", "T2");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::out_of_sequence);
        CHECK(refused.error().detail.find("batch 3 already") != std::string::npos);
    }
    CHECK(s.pull(0).rows.size() == 1);
    REQUIRE(push(s, device, {3, "x"}, "m2", "T2"));  // the original goes on
    REQUIRE(push(s, device, {4, "y"}, "m3", "P"));
}

TEST_CASE("batch sequence: a receipt is looked up before, so what was on its way when the copy was made is answered") {
    server s;
    REQUIRE(push(s, device, {3, "x"}, "m1"));
    REQUIRE(push(s, device, {4, "y"}, "m2", "T2"));
    const auto again = push(s, device, {3, "x"}, "m1");
    REQUIRE(again);
    CHECK(again->outcomes[0].kind == outcome_kind::applied);
    CHECK(push(s, device, {3, "x"}, "m3", "P").error().code == errc::out_of_sequence);
    REQUIRE(push(s, device, {5, "z"}, "m4", "P"));
}

TEST_CASE("batch sequence: sources, principals and tenants count for themselves, and who tells no number is asked for none") {
    server s;
    REQUIRE(push(s, device, {3, "x"}, "m1"));
    REQUIRE(push(s, {"main", "ann", "another"}, {1, "y"}, "m2", "T2"));
    REQUIRE(push(s, {"main", "bob", "device"}, {1, "y"}, "m3", "P"));
    REQUIRE(push(s, {"other", "ann", "device"}, {1, "y"}, "m4"));
    REQUIRE(s.engine.push(device, {change_of("m5", "C1", std::nullopt, child_row(1, "P"))}, s.now));
}

TEST_CASE("batch sequence: what is kept is read as it was written, and a note of another kind is none") {
    using namespace syncline::detail;
    for (const batch_mark& mark : {batch_mark{1, "t"}, batch_mark{18446744073709551615u, "a b  c"}, batch_mark{0, ""}})
        CHECK(decode_batch_mark(encode_batch_mark(mark)) == mark);
    for (const char* text : {"", "1", "x 1", " 1", "-1 x", "18446744073709551616 x"}) CHECK_FALSE(decode_batch_mark(text));
}

}  // namespace batch_sequence_test
