#include <syncline/support/utf8.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace utf8_test {

using namespace std::string_view_literals;
using syncline::has_nul;
using syncline::is_valid_utf8;

namespace {

// Encodes any number up to 21 bits with a chosen length, also where that is not allowed.
std::string encoded(std::uint32_t code, int length) {
    std::string out;
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (length == 1) put(code);
    if (length == 2) put(0xc0U | (code >> 6));
    if (length == 3) put(0xe0U | (code >> 12));
    if (length == 4) put(0xf0U | (code >> 18));
    for (int i = length - 2; i >= 0; --i) put(0x80U | ((code >> (6 * i)) & 0x3fU));
    return out;
}

}  // namespace

static_assert(is_valid_utf8(""));
static_assert(is_valid_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
static_assert(!is_valid_utf8("\xed\xa0\x80"));

TEST_CASE("utf8: every code point is valid in its shortest form and in no other") {
    for (std::uint32_t code = 0; code <= 0x1fffff; ++code) {
        const int shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        const bool scalar = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
        for (int length = shortest; length <= 4; ++length) {
            const std::string text = encoded(code, length);
            const bool right = scalar && length == shortest;
            if (is_valid_utf8(text) != right) FAIL("code point " << code << " in " << length << " bytes");
            if (syncline::utf8_sequence_length(text, 0) != (right ? text.size() : 0)) FAIL("length of " << code);
        }
    }
    SUCCEED();
}

TEST_CASE("utf8: a sequence that is cut, doubled or without its start is invalid") {
    for (const std::string_view whole : {"\xc3\xa4"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x98\x80"sv}) {
        for (std::size_t cut = 1; cut < whole.size(); ++cut) {
            CHECK_FALSE(is_valid_utf8(whole.substr(0, cut)));
            CHECK_FALSE(is_valid_utf8(whole.substr(cut)));
            CHECK_FALSE(is_valid_utf8(std::string(whole.substr(0, cut)).append("a")));
        }
        CHECK_FALSE(is_valid_utf8(std::string(whole).append("\x80")));
        CHECK(is_valid_utf8(std::string(whole).append(whole)));
    }
}

TEST_CASE("utf8: bytes that never occur are invalid anywhere") {
    for (const char* bad : {"\xc0", "\xc1", "\xf5", "\xff", "\xfe", "\xf8\x88\x80\x80\x80"}) {
        CHECK_FALSE(is_valid_utf8(bad));
        CHECK_FALSE(is_valid_utf8(std::string("ok").append(bad)));
    }
    // CESU-8, surrogates one by one, is not UTF-8.
    CHECK_FALSE(is_valid_utf8("\xed\xa0\xbd\xed\xb8\x80"));
}

TEST_CASE("utf8: NUL is valid and can be asked for") {
    CHECK(is_valid_utf8("a\0b"sv));
    CHECK(has_nul("a\0b"sv));
    CHECK(has_nul("\0"sv));
    CHECK_FALSE(has_nul("ab"));
    CHECK_FALSE(has_nul(""));
}

}  // namespace utf8_test
