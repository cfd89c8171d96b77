#include <syncline/support/json_writer.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"
#include "support/read_double.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

namespace json_writer_test {

using namespace std::string_view_literals;
using syncline::json_writer;

namespace {

std::string real(double d) {
    std::string out;
    json_writer(out).real(d);
    return out;
}

std::string string(std::string_view s) {
    std::string out;
    json_writer(out).string(s);
    return out;
}

}  // namespace

TEST_CASE("json writer: puts commas and colons by itself") {
    std::string out = "before ";
    json_writer w(out);
    w.begin_object();
    w.key("a");
    w.integer(1);
    w.key("b");
    w.begin_array();
    w.end_array();
    w.key("c");
    w.begin_array();
    w.begin_object();
    w.end_object();
    w.null();
    w.boolean(true);
    w.boolean(false);
    w.raw("{\"x\":[1,2]}");
    w.begin_array();
    w.string("s");
    w.real(0.5);
    w.end_array();
    w.end_array();
    w.key("");
    w.begin_object();
    w.key("k");
    w.begin_object();
    w.end_object();
    w.end_object();
    w.end_object();
    CHECK(out == R"(before {"a":1,"b":[],"c":[{},null,true,false,{"x":[1,2]},["s",0.5]],"":{"k":{}}})");
}

TEST_CASE("json writer: escapes quotes, backslashes and control characters, and nothing else") {
    CHECK(string("") == R"("")");
    CHECK(string("\"\\/\b\f\n\r\t") == R"("\"\\/\b\f\n\r\t")");
    CHECK(string("\0\x01\x1f\x20\x7f"sv) == "\"\\u0000\\u0001\\u001f\x20\x7f\"");
    CHECK(string("<&>\xe2\x80\xa8\xc3\xa9\xf0\x9f\x98\x80") == "\"<&>\xe2\x80\xa8\xc3\xa9\xf0\x9f\x98\x80\"");
    std::string out;
    json_writer w(out);
    w.begin_object();
    w.key("a\"\n");
    w.null();
    w.end_object();
    CHECK(out == "{\"a\\\"\\n\":null}");
}

TEST_CASE("json writer: every byte that is not UTF-8 becomes a replacement character") {
    CHECK(string("a\xff"
                 "b") == "\"a\\ufffdb\"");
    CHECK(string("\xed\xa0\x80") == "\"\\ufffd\\ufffd\\ufffd\"");
    CHECK(string("\xe2\x82") == "\"\\ufffd\\ufffd\"");
    CHECK(string("\xe2\x82\xac\xe2") == "\"\xe2\x82\xac\\ufffd\"");
    CHECK(string("\xef\xbf\xbd") == "\"\xef\xbf\xbd\"");
}

TEST_CASE("json writer: whatever bytes come in, valid UTF-8 without control characters comes out") {
    const std::uint64_t seed = 3;
    CAPTURE(seed);
    syncline::seeded_random random(seed);
    for (int i = 0; i < 5000; ++i) {
        std::string text;
        const std::uint64_t size = random.below(12);
        for (std::uint64_t k = 0; k < size; ++k) text += static_cast<char>(random.below(256));
        const std::string out = string(text);
        if (!syncline::is_valid_utf8(out)) FAIL("invalid UTF-8");
        for (const char c : out) {
            if (static_cast<unsigned char>(c) < 0x20U) FAIL("raw control character");
        }
    }
    SUCCEED();
}

TEST_CASE("json writer: integers in full") {
    std::string out;
    json_writer w(out);
    w.begin_array();
    w.integer((std::numeric_limits<std::int64_t>::min)());
    w.integer(0);
    w.integer((std::numeric_limits<std::int64_t>::max)());
    w.end_array();
    CHECK(out == "[-9223372036854775808,0,9223372036854775807]");
}

TEST_CASE("json writer: a double always looks like one") {
    CHECK(real(1.0) == "1.0");
    CHECK(real(0.0) == "0.0");
    CHECK(real(-0.0) == "-0.0");
    CHECK(real(0.1) == "0.1");
    CHECK(real(-2.5) == "-2.5");
    CHECK(real(1e22) == "1e+22");
    CHECK(real(123456.0) == "123456.0");
    CHECK(real(5e-324) == "5e-324");
    CHECK(real(1.7976931348623157e308) == "1.7976931348623157e+308");
    CHECK(real(9007199254740993.0) == "9007199254740992.0");
}

TEST_CASE("json writer: a double that JSON cannot hold becomes null") {
    CHECK(real(std::numeric_limits<double>::infinity()) == "null");
    CHECK(real(-std::numeric_limits<double>::infinity()) == "null");
    CHECK(real(std::numeric_limits<double>::quiet_NaN()) == "null");
}

TEST_CASE("json writer: every double reads back with the same bits") {
    const std::uint64_t seed = 4;
    CAPTURE(seed);
    syncline::seeded_random random(seed);
    for (int i = 0; i < 50'000; ++i) {
        double d = std::bit_cast<double>(random.next());
        if (random.chance(1, 3)) d = static_cast<double>(random.below(1'000'000)) / 100.0;
        if (!std::isfinite(d)) continue;
        const std::string text = real(d);
        if (std::bit_cast<std::uint64_t>(read_double(text)) != std::bit_cast<std::uint64_t>(d)) {
            FAIL(text);
        }
        if (text.find_first_of(".e") == std::string::npos) FAIL(text);
    }
    SUCCEED();
}

}  // namespace json_writer_test
