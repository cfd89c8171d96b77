#include <syncline/support/canonical_json.hpp>

#include <syncline/support/hex.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/sha256.hpp>

#include "support/catch.hpp"
#include "support/read_double.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

namespace canonical_json_test {

using namespace std::string_view_literals;
using syncline::append_canonical_number;
using syncline::canonical_json;
using syncline::json_tape;
using syncline::sha256_hex;

namespace {

std::string canonical(std::string_view text, const syncline::json_limits& limits = {}) {
    const auto read = json_tape::parse(text, limits);
    if (!read) FAIL(read.error().detail);
    const auto out = canonical_json(read->root());
    if (!out) FAIL(out.error().detail);
    return *out;
}

std::string number(double d) {
    std::string out;
    REQUIRE(append_canonical_number(out, d).has_value());
    return out;
}

std::string string(std::string_view s) {
    std::string out;
    syncline::append_canonical_string(out, s);
    return out;
}

}  // namespace

TEST_CASE("canonical json: a hash prints as lower-case hex") {
    CHECK(syncline::hex_encode("\xa0\xb1\xc2\xd3\xe4\xf5\xa6\xb7\xc8\xd9\xe0\xf1\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"
                               "\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"sv) ==
          "a0b1c2d3e4f5a6b7c8d9e0f102030405060708090a0b0c0d0e0f101112131415");
}

TEST_CASE("canonical json: the order of members in the text does not matter") {
    const std::string expected =
        R"([{"key":{"id":"row-1"},"op":"INSERT","payload":{"email":"alice@example.com","name":"Alice"},)"
        R"("row_ordinal":0,"row_version":3,"schema":"public","table":"users"}])";
    CHECK(expected.size() == 159);
    const std::string one = canonical(
        R"([{"schema":"public","table":"users","key":{"id":"row-1"},"op":"INSERT","row_version":3,"row_ordinal":0,
            "payload":{"name":"Alice","email":"alice@example.com"}}])");
    const std::string other = canonical(
        R"([{"row_ordinal":0,"payload":{"email":"alice@example.com","name":"Alice"},"row_version":3,"op":"INSERT",
            "key":{"id":"row-1"},"table":"users","schema":"public"}])");
    CHECK(one == expected);
    CHECK(other == expected);
    CHECK(sha256_hex(one) == "677c5687bb91a8c2d34bc9e2e4f8c1d47981957bd876ba090c39b5e263d26b78");
}

TEST_CASE("canonical json: a deleted row carries a null payload") {
    const std::string text = canonical(
        R"([{"op":"DELETE","schema":"business","table":"users","key":{"id":"3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f"},
            "row_version":7,"payload":null,"row_ordinal":0}])");
    CHECK(text.size() == 152);
    CHECK(text == R"([{"key":{"id":"3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f"},"op":"DELETE","payload":null,)"
                  R"("row_ordinal":0,"row_version":7,"schema":"business","table":"users"}])");
    CHECK(sha256_hex(text) == "a0f213873e3867af9dfb0757a7884913682ee434368f51eaea4d839b27f8e8e7");
}

TEST_CASE("canonical json: escapes and numbers are Go's") {
    const std::string text = canonical(
        "[{\"key\":{\"id\":\"row-1\"},\"op\":\"INSERT\",\"payload\":{\"id\":\"row-1\",\"email\":\"alice@example.com\","
        "\"name\":\"A <&> \xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8\\n\\u0001\"},\"row_ordinal\":0,\"row_version\":3,"
        "\"schema\":\"public\",\"table\":\"users\"},"
        "{\"key\":{\"id\":\"row-2\"},\"op\":\"UPDATE\",\"payload\":{\"id\":\"row-2\",\"big\":9007199254740993,\"f\":1.50,"
        "\"g\":1e21,\"h\":0.0000001,\"i\":1e-6,\"n\":null,\"t\":true},\"row_ordinal\":1,\"row_version\":3,"
        "\"schema\":\"public\",\"table\":\"users\"}]");
    const std::string expected =
        "[{\"key\":{\"id\":\"row-1\"},\"op\":\"INSERT\",\"payload\":{\"email\":\"alice@example.com\",\"id\":\"row-1\","
        "\"name\":\"A \\u003c\\u0026\\u003e \xc3\xa9\xf0\x9f\x98\x80\\u2028\\n\\u0001\"},\"row_ordinal\":0,"
        "\"row_version\":3,\"schema\":\"public\",\"table\":\"users\"},{\"key\":{\"id\":\"row-2\"},\"op\":\"UPDATE\","
        "\"payload\":{\"big\":9007199254740992,\"f\":1.5,\"g\":1e+21,\"h\":1e-7,\"i\":0.000001,\"id\":\"row-2\","
        "\"n\":null,\"t\":true},\"row_ordinal\":1,\"row_version\":3,\"schema\":\"public\",\"table\":\"users\"}]";
    CHECK(text == expected);
    CHECK(text.size() == 417);
    CHECK(sha256_hex(text) == "f9019fed06137597c9ae325a6d1bd445fefdb3fa5eada65811a39084dcdbf597");
}

TEST_CASE("canonical json: numbers are damaged exactly as the reference damages them") {
    CHECK(canonical("1234567890.123456789") == "1234567890.1234567");
    CHECK(canonical("9007199254740993") == "9007199254740992");
    CHECK(canonical("-9223372036854775808") == "-9223372036854776000");
    CHECK(canonical("9223372036854775807") == "9223372036854776000");
    CHECK(canonical("18446744073709551615") == "18446744073709552000");
    CHECK_FALSE(json_tape::parse("1e700").has_value());
}

TEST_CASE("canonical json: the number form changes at 1e-6 and 1e21 and nowhere else") {
    CHECK(number(0.0) == "0");
    CHECK(number(-0.0) == "-0");
    CHECK(canonical("-0") == "-0");
    CHECK(canonical("-0.0") == "-0");
    CHECK(canonical("-1e-400") == "-0");
    CHECK(number(1) == "1");
    CHECK(number(-1.5) == "-1.5");
    CHECK(number(100) == "100");
    CHECK(number(123.456) == "123.456");
    CHECK(number(0.5) == "0.5");
    CHECK(number(0.000001) == "0.000001");
    CHECK(number(0.0000012345) == "0.0000012345");
    CHECK(number(std::nextafter(0.000001, 0.0)) == "9.999999999999997e-7");
    CHECK(number(1e-7) == "1e-7");
    CHECK(number(1e-10) == "1e-10");
    CHECK(number(1.5e-100) == "1.5e-100");
    CHECK(number(5e-324) == "5e-324");
    CHECK(number(1e20) == "100000000000000000000");
    CHECK(number(std::nextafter(1e21, 0.0)) == "999999999999999900000");
    CHECK(number(1e21) == "1e+21");
    CHECK(number(-1.25e21) == "-1.25e+21");
    CHECK(number(1e100) == "1e+100");
    CHECK(number(1.7976931348623157e308) == "1.7976931348623157e+308");
    CHECK(number(333333333.33333329) == "333333333.3333333");
}

TEST_CASE("canonical json: infinity and NaN are refused and leave no trace") {
    std::string out = "x";
    CHECK(append_canonical_number(out, std::numeric_limits<double>::infinity()).error().code ==
          syncline::errc::malformed_value);
    CHECK_FALSE(append_canonical_number(out, std::numeric_limits<double>::quiet_NaN()).has_value());
    CHECK(out == "x");
}

TEST_CASE("canonical json: every double reads back with the same bits") {
    const std::uint64_t seed = 6;
    CAPTURE(seed);
    syncline::seeded_random random(seed);
    for (int i = 0; i < 50'000; ++i) {
        double d = std::bit_cast<double>(random.next());
        // Half of them around the range that is printed plain.
        if (random.chance(1, 2)) {
            const auto digits = static_cast<double>(random.next() >> 11);
            d = std::ldexp(digits, static_cast<int>(random.below(130)) - 100);
        }
        if (!std::isfinite(d)) continue;
        std::string text;
        static_cast<void>(append_canonical_number(text, d));
        if (read_double(text) != d) FAIL(text);
        const bool plain = d == 0 || (std::fabs(d) >= 1e-6 && std::fabs(d) < 1e21);
        if ((text.find('e') == std::string::npos) != plain) FAIL(text);
    }
    SUCCEED();
}

TEST_CASE("canonical json: strings are escaped as Go does") {
    CHECK(string("\"\\/\b\f\n\r\t") == R"("\"\\/\b\f\n\r\t")");
    CHECK(string("\0\x0b\x1f\x7f"sv) == "\"\\u0000\\u000b\\u001f\x7f\"");
    CHECK(string("<>&'") == R"("\u003c\u003e\u0026'")");
    CHECK(string("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa") == "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"");
    CHECK(string("a\xff\xe2\x80") == R"("a\ufffd\ufffd\ufffd")");
    CHECK(string("\xef\xbf\xbd") == "\"\xef\xbf\xbd\"");
    CHECK(canonical("{\"<\":1}") == R"({"\u003c":1})");
}

TEST_CASE("canonical json: members are ordered by the bytes of their names, not by UTF-16") {
    // U+FF5E sorts after U+1F600 in UTF-16 and before it in UTF-8.
    CHECK(canonical("{\"\xf0\x9f\x98\x80\":1,\"\xef\xbd\x9e\":2}") == "{\"\xef\xbd\x9e\":2,\"\xf0\x9f\x98\x80\":1}");
    CHECK(canonical(R"({"b":1,"a":2,"B":3,"":4,"aa":5,"a\u0000":6})") == R"({"":4,"B":3,"a":2,"a\u0000":6,"aa":5,"b":1})");
    CHECK(canonical(R"({"z":{"y":1,"x":[{"b":1,"a":2}]},"a":[]})") == R"({"a":[],"z":{"x":[{"a":2,"b":1}],"y":1}})");
    CHECK(canonical("{\"\xc3\xa9\":1,\"z\":2}") == "{\"z\":2,\"\xc3\xa9\":1}");
}

TEST_CASE("canonical json: every kind at the top, and containers of every shape") {
    for (const char* text : {"null", "true", "false", "0", "\"s\"", "[]", "{}", "[[],{},[[]],[{}]]",
                             R"({"a":{},"b":[],"c":[1,[2],{"d":3}],"e":"f"})"}) {
        CAPTURE(text);
        CHECK(canonical(text) == text);
    }
    CHECK(canonical(" [ 1 , 2 ] ") == "[1,2]");
}

TEST_CASE("canonical json: is its own canonical form") {
    const char* text = R"({"n":[1e3,0.1e-9,1E30,-5],"k":{"\u00e9":"\u2028<","a":"\u0000"}})";
    const std::string once = canonical(text);
    CHECK(canonical(once) == once);
}

TEST_CASE("canonical json: depth costs no stack") {
    syncline::json_limits limits;
    limits.max_depth = 200'000;
    const std::string text = std::string(200'000, '[').append(std::string(200'000, ']'));
    CHECK(canonical(text, limits) == text);
}

}  // namespace canonical_json_test
