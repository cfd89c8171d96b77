#include <syncline/support/ulid.hpp>

#include "support/catch.hpp"

#include <cctype>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>

namespace ulid_test {

using syncline::errc;
using syncline::from_microseconds;
using syncline::parse_ulid;
using syncline::random_source;
using syncline::seeded_random;
using syncline::timestamp;
using syncline::ulid;
using syncline::ulid_generator;

namespace {

ulid random_ulid(seeded_random& random) {
    ulid id;
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random.below(256));
    return id;
}

timestamp at_ms(std::int64_t ms) { return from_microseconds(ms * 1000); }

}  // namespace

TEST_CASE("ulid: known texts and bytes") {
    CHECK(to_string(ulid{}) == "00000000000000000000000000");
    ulid top;
    top.bytes.fill(0xff);
    CHECK(to_string(top) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    CHECK(top.milliseconds() == 281474976710655);

    // The time part of the specification's example, 1469918176385 ms.
    const auto spec = parse_ulid("01ARYZ6S41TSV4RRFFQ69G5FAV");
    REQUIRE(spec.has_value());
    CHECK(spec->milliseconds() == 1469918176385);
    CHECK(to_string(*spec) == "01ARYZ6S41TSV4RRFFQ69G5FAV");

    ulid one;
    one.bytes[15] = 1;
    CHECK(to_string(one) == "00000000000000000000000001");
    ulid thirty_two;
    thirty_two.bytes[15] = 32;
    CHECK(to_string(thirty_two) == "00000000000000000000000010");
}

TEST_CASE("ulid: of two that are equal none comes before the other") {
    ulid a;
    a.bytes.fill(7);
    ulid b = a;
    CHECK(std::is_eq(a <=> b));
    CHECK_FALSE(a < b);
    b.bytes[15] = 8;
    CHECK(a < b);
}

TEST_CASE("ulid: text and bytes turn into each other without loss, in the same order") {
    seeded_random random(7);
    ulid before = random_ulid(random);
    for (int i = 0; i < 5000; ++i) {
        const ulid id = random_ulid(random);
        std::string text = to_string(id);
        REQUIRE(text.size() == 26);
        const auto back = parse_ulid(text);
        REQUIRE(back.has_value());
        CHECK(*back == id);
        CHECK((to_string(before) < text) == (before < id));
        for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        const auto lower = parse_ulid(text);
        REQUIRE(lower.has_value());
        CHECK(*lower == id);
        before = id;
    }
}

TEST_CASE("ulid: every wrong character is refused at every place") {
    const std::string good = "01ARYZ6S41TSV4RRFFQ69G5FAV";
    const std::string allowed = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz";
    for (std::size_t at = 0; at < 26; ++at) {
        for (int c = 0; c < 256; ++c) {
            std::string text = good;
            text[at] = static_cast<char>(c);
            const bool known = c != 0 && allowed.find(static_cast<char>(c)) != std::string::npos;
            const bool fits = at != 0 || (c >= '0' && c <= '7');
            const auto read = parse_ulid(text);
            if (read.has_value() != (known && fits)) FAIL("character " << c << " at " << at);
            if (!read) CHECK(read.error().code == errc::malformed_value);
        }
    }
    CHECK(parse_ulid("8ZZZZZZZZZZZZZZZZZZZZZZZZZ").error().code == errc::malformed_value);
}

TEST_CASE("ulid: every wrong length is refused") {
    for (std::size_t length = 0; length < 80; ++length) {
        CHECK(parse_ulid(std::string(length, '0')).has_value() == (length == 26));
    }
}

TEST_CASE("ulid generator: carries the millisecond it was made in") {
    seeded_random bits(1);
    random_source random(bits);
    ulid_generator make;
    CHECK(make.next(from_microseconds(1469918176385999), random).milliseconds() == 1469918176385);
    ulid_generator early;
    CHECK(early.next(from_microseconds(-1), random).milliseconds() == 0);
    ulid_generator late;
    CHECK(late.next(from_microseconds((std::numeric_limits<std::int64_t>::max)()), random).milliseconds() ==
          281474976710655);
}

TEST_CASE("ulid generator: rises under every movement of the clock") {
    const std::uint64_t seed = 11;
    CAPTURE(seed);
    seeded_random bits(seed);
    random_source random(bits);
    ulid_generator make;
    std::int64_t now = 1'700'000'000'000'000;
    ulid last = make.next(from_microseconds(now), random);
    for (int i = 0; i < 20'000; ++i) {
        const std::int64_t step = static_cast<std::int64_t>(bits.below(4000));
        now += bits.chance(1, 3) ? -step : step;
        const ulid id = make.next(from_microseconds(now), random);
        if (!(id > last)) FAIL("not greater at step " << i);
        if (id.milliseconds() * 1000 + 999 < now) FAIL("behind the clock at step " << i);
        last = id;
    }
    SUCCEED();
}

TEST_CASE("ulid generator: counts up by one within a millisecond and draws no new bits") {
    std::uint64_t draws = 0;
    auto bits = [&draws] {
        ++draws;
        return std::uint64_t{0};
    };
    random_source random(bits);
    ulid_generator make;
    const ulid first = make.next(at_ms(5), random);
    const std::uint64_t used = draws;
    ulid expected = first;
    for (int i = 1; i <= 300; ++i) {
        const ulid id = make.next(at_ms(5), random);
        expected.bytes[15] = static_cast<std::uint8_t>(i & 0xff);
        expected.bytes[14] = static_cast<std::uint8_t>(i >> 8);
        CHECK(id == expected);
    }
    CHECK(draws == used);
    static_cast<void>(make.next(at_ms(6), random));
    CHECK(draws > used);
}

TEST_CASE("ulid generator: moves to the next millisecond when the random part is used up") {
    auto bits = [] { return ~std::uint64_t{0}; };
    random_source random(bits);
    ulid_generator make;
    const ulid first = make.next(at_ms(5), random);
    CHECK(to_string(first).substr(10) == "ZZZZZZZZZZZZZZZZ");
    const ulid second = make.next(at_ms(5), random);
    CHECK(second > first);
    CHECK(second.milliseconds() == 6);
    const ulid third = make.next(at_ms(1), random);
    CHECK(third > second);
    CHECK(third.milliseconds() == 7);
}

TEST_CASE("ulid generator: at the end of all ULIDs it begins again in the last millisecond") {
    seeded_random bits(5);
    random_source random(bits);
    ulid top;
    top.bytes.fill(0xff);
    ulid_generator make(top);
    const ulid first = make.next(at_ms(1), random);
    CHECK(first.milliseconds() == top.milliseconds());
    CHECK(first < top);
    CHECK(make.next(at_ms(1), random) > first);
}

TEST_CASE("ulid generator: continues after the last ULID of an earlier run") {
    seeded_random bits(3);
    random_source random(bits);
    const auto last = parse_ulid("01ARYZ6S41TSV4RRFFQ69G5FAV");
    REQUIRE(last.has_value());
    ulid_generator make(*last);
    CHECK(to_string(make.next(at_ms(1), random)) == "01ARYZ6S41TSV4RRFFQ69G5FAW");
}

}  // namespace ulid_test
