#include <syncline/support/uuid.hpp>

#include "support/catch.hpp"

#include <cctype>
#include <compare>
#include <cstdint>
#include <string>

namespace uuid_test {

using syncline::errc;
using syncline::parse_uuid;
using syncline::random_source;
using syncline::seeded_random;
using syncline::uuid;

TEST_CASE("uuid: bytes stand in the order of the text") {
    const auto id = parse_uuid("00112233-4455-6677-8899-AABBCCDDEEFF");
    REQUIRE(id.has_value());
    for (std::size_t i = 0; i < 16; ++i) CHECK(id->bytes[i] == 0x11 * i);
    CHECK(to_string(*id) == "00112233-4455-6677-8899-aabbccddeeff");
    CHECK(to_string(uuid{}) == "00000000-0000-0000-0000-000000000000");
}

TEST_CASE("uuid: of two that are equal none comes before the other") {
    uuid a;
    a.bytes.fill(7);
    uuid b = a;
    CHECK(std::is_eq(a <=> b));
    CHECK_FALSE(a < b);
    b.bytes[15] = 8;
    CHECK(a < b);
}

TEST_CASE("uuid: text and bytes turn into each other without loss, in the same order") {
    seeded_random random(5);
    uuid before;
    for (int i = 0; i < 2000; ++i) {
        uuid id;
        for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random.below(256));
        std::string text = to_string(id);
        const auto back = parse_uuid(text);
        REQUIRE(back.has_value());
        CHECK(*back == id);
        CHECK((to_string(before) < text) == (before < id));
        for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        CHECK(parse_uuid(text).value_or(uuid{}) == id);
        before = id;
    }
}

TEST_CASE("uuid: every wrong character is refused at every place") {
    const std::string good = "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f";
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int c = 0; c < 256; ++c) {
            std::string text = good;
            text[at] = static_cast<char>(c);
            const bool right = good[at] == '-' ? c == '-' : std::isxdigit(c) != 0;
            const auto read = parse_uuid(text);
            if (read.has_value() != right) FAIL("character " << c << " at " << at);
            if (!read) CHECK(read.error().code == errc::malformed_value);
        }
    }
}

TEST_CASE("uuid: other spellings are refused") {
    for (const char* text : {"", "3f2b8c1e0d4a4c5b9e6f7a8b9c0d1e2f", "{3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f}",
                             "urn:uuid:3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f", "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2",
                             "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f ", "3f2b8c1e0-d4a-4c5b-9e6f-7a8b9c0d1e2f"}) {
        CAPTURE(text);
        CHECK(parse_uuid(text).has_value() == false);
    }
}

TEST_CASE("uuid: a random one says version 4 and leaves every other bit to chance") {
    seeded_random bits(9);
    random_source random(bits);
    uuid ones;
    uuid zeros;
    for (int i = 0; i < 200; ++i) {
        const uuid id = make_uuid_v4(random);
        CHECK((id.bytes[6] & 0xf0) == 0x40);
        CHECK((id.bytes[8] & 0xc0) == 0x80);
        for (std::size_t b = 0; b < 16; ++b) {
            ones.bytes[b] = static_cast<std::uint8_t>(ones.bytes[b] | id.bytes[b]);
            zeros.bytes[b] = static_cast<std::uint8_t>(zeros.bytes[b] | (0xff & ~id.bytes[b]));
        }
    }
    for (std::size_t b = 0; b < 16; ++b) {
        CHECK(ones.bytes[b] == (b == 6 ? 0x4f : b == 8 ? 0xbf : 0xff));
        CHECK(zeros.bytes[b] == (b == 6 ? 0xbf : b == 8 ? 0x7f : 0xff));
    }
}

}  // namespace uuid_test
