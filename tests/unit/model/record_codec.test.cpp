#include <syncline/model/record_codec.hpp>

#include <syncline/testing/random_values.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace record_codec_test {

using syncline::byte_reader;
using syncline::byte_writer;
using syncline::decode_record;
using syncline::encode_record;
using syncline::errc;
using syncline::max_fields;
using syncline::record;
using syncline::seeded_random;
using syncline::value;

namespace {

std::string bytes_of(std::initializer_list<int> octets) {
    std::string s;
    for (const int o : octets) s.push_back(static_cast<char>(static_cast<unsigned char>(o)));
    return s;
}

}  // namespace

TEST_CASE("record codec: random records survive the way there and back") {
    const std::uint64_t seed = 7;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 5000; ++round) {
        const record r = syncline::testing::random_record(random, 12);
        const auto back = decode_record(encode_record(r));
        REQUIRE(back);
        REQUIRE(*back == r);
    }
    const record widest{std::vector<value>(max_fields, value::integer(-1))};
    CHECK(*decode_record(encode_record(widest)) == widest);
}

TEST_CASE("record codec: a record cut at any byte, or with anything behind it, is corrupt") {
    const std::uint64_t seed = 8;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 500; ++round) {
        const std::string whole = encode_record(syncline::testing::random_record(random));
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const auto cut = decode_record(std::string_view(whole).substr(0, length));
            REQUIRE_FALSE(cut);
            REQUIRE(cut.error().code == errc::corrupt);
        }
        for (const char more : {'\0', '\x01', '\xff'}) REQUIRE_FALSE(decode_record(std::string(whole).append(1, more)));
    }
}

TEST_CASE("record codec: changed bytes are corrupt or another record, never anything else") {
    const std::uint64_t seed = 9;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 50000; ++round) {
        const std::string changed = syncline::testing::mutated(random, encode_record(syncline::testing::random_record(random)));
        const auto got = decode_record(changed);
        if (!got) {
            REQUIRE(got.error().code == errc::corrupt);
            continue;
        }
        REQUIRE(got->fields.size() <= max_fields);
        const auto again = decode_record(encode_record(*got));
        REQUIRE(again);
        REQUIRE(*again == *got);
    }
}

TEST_CASE("record codec: announced sizes beyond the bytes that are there cost nothing") {
    // Number of fields, then length of a text, near 2^64.
    CHECK_FALSE(decode_record(bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})));
    CHECK_FALSE(decode_record(bytes_of({0x01, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})));
    CHECK_FALSE(decode_record(bytes_of({0x81, 0x02})));  // 257 fields
    CHECK_FALSE(decode_record(bytes_of({0x01, 0x09})));  // no kind 9
    // A number of more than ten bytes.
    CHECK_FALSE(decode_record(bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00})));
}

TEST_CASE("record codec: its bytes stay as they are, as they lie in stores") {
    const record r{{value::null(), value::boolean(true), value::integer(-1), value::integer(300), value::real(1.0),
                    value::text("hi"), value::time(syncline::from_microseconds(1))}};
    CHECK(encode_record(r) == bytes_of({7, 0, 1, 1, 2, 1, 2, 0xd8, 0x04, 3, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 5, 2, 'h', 'i', 7, 2}));
    CHECK(encode_record(record{}) == bytes_of({0}));
}

TEST_CASE("byte writer and reader: numbers of every size survive") {
    std::vector<std::uint64_t> numbers{0, (std::numeric_limits<std::uint64_t>::max)()};
    for (unsigned shift = 0; shift < 64; ++shift)
        for (const std::uint64_t by : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}})
            numbers.push_back((std::uint64_t{1} << shift) + by);
    std::string out;
    byte_writer w{out};
    for (const auto n : numbers) {
        w.number(n);
        w.signed_number(static_cast<std::int64_t>(n));
    }
    byte_reader in{out};
    for (const auto n : numbers) {
        CHECK(in.number() == n);
        CHECK(in.signed_number() == static_cast<std::int64_t>(n));
    }
    CHECK(in.at_end());
}

TEST_CASE("byte reader: once failed it stays failed, and gives zero values") {
    byte_reader in{"\x05hell"};
    CHECK(in.text().empty());
    CHECK(in.failed());
    CHECK_FALSE(in.at_end());
    CHECK(in.number() == 0);
    CHECK(in.signed_number() == 0);
    CHECK(in.text().empty());
    CHECK(in.get_value().is_null());
    CHECK(in.get_record().fields.empty());
    CHECK_FALSE(in.get_optional_record());
}

TEST_CASE("byte writer and reader: a record that is not there differs from an empty one") {
    std::string out;
    byte_writer w{out};
    w.put(std::optional<record>{});
    w.put(std::optional<record>{record{}});
    byte_reader in{out};
    CHECK_FALSE(in.get_optional_record());
    CHECK(in.get_optional_record() == record{});
    CHECK(in.at_end());
}

}  // namespace record_codec_test
