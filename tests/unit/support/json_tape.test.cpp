#include <syncline/support/json_tape.hpp>

#include <syncline/support/random.hpp>
#include <syncline/support/stable_hash.hpp>
#include <syncline/support/utf8.hpp>

#include "support/catch.hpp"

#include <clocale>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace json_tape_test {

using namespace std::string_view_literals;
using syncline::errc;
using syncline::json_limits;
using syncline::json_tape;
using syncline::json_view;

namespace {

errc code_of(std::string_view text, const json_limits& limits = {}) {
    const auto read = json_tape::parse(text, limits);
    if (read) FAIL("accepted " << text.substr(0, 60));
    return read.error().code;
}

std::string detail_of(std::string_view text, const json_limits& limits = {}) {
    const auto read = json_tape::parse(text, limits);
    if (read) FAIL("accepted " << text.substr(0, 60));
    return read.error().detail;
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string nested(std::size_t depth) { return std::string(depth, '[').append(std::string(depth, ']')); }

std::string rewritten(json_view view) {
    std::string out;
    syncline::json_writer writer(out);
    view.write_to(writer);
    return out;
}

}  // namespace

TEST_CASE("json tape: grammar mistakes are refused with their place") {
    for (const std::string_view text :
         {""sv, " "sv, "\n\t"sv, "{"sv, "["sv, "]"sv, "[1,]"sv, "[,1]"sv, "{\"a\"}"sv, "{\"a\":}"sv, "{\"a\":1,}"sv,
          "{a:1}"sv, "{1:2}"sv, "{\"a\":1 \"b\":2}"sv, "[1 2]"sv, "[1}"sv, "{]"sv, "nul"sv, "nulll"sv, "True"sv, "NaN"sv,
          "Infinity"sv, "-Infinity"sv, "01"sv, "-"sv, "+1"sv, "1."sv, ".5"sv, "1e"sv, "1e+"sv, "0x10"sv, "--1"sv,
          "'a'"sv, "\"a"sv, "\"\\\""sv, "\"\\x41\""sv, "\"\\u12\""sv, "\"\\u12g4\""sv, "\"a\nb\""sv, "\"\t\""sv,
          "\"\x1f\""sv, "1 2"sv, "{}{}"sv, "[] x"sv, "null,"sv, "// c\n1"sv, "/* c */ 1"sv, "1;"sv, "\x0b"
                                                                                                  "1"sv}) {
        CAPTURE(std::string(text));
        CHECK(code_of(text) == errc::malformed_json);
        CHECK(mentions(detail_of(text), "byte "));
    }
    CHECK(code_of(std::string_view{}) == errc::malformed_json);
    CHECK(detail_of("[1, x]") == "JSON at byte 4: syntax error while parsing value - invalid literal");
    CHECK(mentions(detail_of("[1,2"), "byte 4"));
    CHECK(mentions(detail_of("{} {}"), "expected end of input"));
}

TEST_CASE("json tape: a fault quotes nothing of the text but names of members") {
    CHECK_FALSE(mentions(detail_of("[\"secret\", secret]"), "secret"));
    CHECK_FALSE(mentions(detail_of("{\"secret\":\"secret\xff\"}"), "secret"));
    CHECK_FALSE(mentions(detail_of("[\"; last read: secret\"\"secret"), "secret"));
    CHECK_FALSE(mentions(detail_of("[123454321e999]"), "12345"));
    CHECK_FALSE(mentions(detail_of("\"secret"), "secret"));
    CHECK_FALSE(mentions(detail_of("{\"a\":\"secret\",\"a\":\"secret\"}"), "secret"));
}

TEST_CASE("json tape: numbers keep every digit and their kind") {
    struct example {
        const char* text;
        bool is_integer;
        double real;
    };
    for (const example& e : {example{"0", true, 0.0}, {"-1", true, -1.0}, {"9223372036854775807", true, 9223372036854775807.0},
                             {"-9223372036854775808", true, -9223372036854775808.0},
                             {"9223372036854775808", false, 9223372036854775808.0},
                             {"18446744073709551615", false, 18446744073709551615.0},
                             {"18446744073709551616", false, 18446744073709551616.0},
                             {"-9223372036854775809", false, -9223372036854775808.0}, {"1.0", false, 1.0},
                             {"1e3", false, 1000.0}, {"1E-3", false, 0.001}, {"12.500", false, 12.5},
                             {"0.1000000000000000055511151231257827", false, 0.1}, {"1.7976931348623157e308", false, 1.7976931348623157e308},
                             {"5e-324", false, 5e-324}, {"1e-400", false, 0.0}, {"0e400", false, 0.0},
                             {"100000000000000000000000000000e-10", false, 1e19}}) {
        CAPTURE(e.text);
        const auto read = json_tape::parse(e.text);
        REQUIRE(read.has_value());
        const json_view v = read->root();
        CHECK(v.is_integer() == e.is_integer);
        CHECK(v.is_number());
        CHECK(v.number_text() == e.text);
        CHECK(v.as_real() == e.real);
        CHECK(v.as_int().has_value() == e.is_integer);
    }
    for (const char* text : {"-0", "-0.0", "-1e-400"}) {
        const auto read = json_tape::parse(text);
        REQUIRE(read.has_value());
        CHECK(read->root().number_text() == text);
        CHECK(read->root().as_real() == 0.0);
        CHECK(std::signbit(read->root().as_real()));
    }
    CHECK(json_tape::parse("-0")->root().as_int().value_or(9) == 0);
    CHECK(json_tape::parse("9007199254740993.0")->root().as_int_lenient().value_or(9) == 9007199254740993);
    CHECK(json_tape::parse("1e3")->root().as_int_lenient().value_or(9) == 1000);
    CHECK_FALSE(json_tape::parse("9223372036854775808")->root().as_int_lenient().has_value());
}

TEST_CASE("json tape: numbers beyond double are refused, however they are written") {
    for (const std::string& text : {std::string("1e400"), std::string("-1e400"), std::string("[1,2e309]"),
                                    std::string("1.8e308"), std::string(400, '9'), std::string("-").append(400, '1'),
                                    std::string("0.1e999999999999999999999"), std::string("1e700")}) {
        CAPTURE(text);
        CHECK(code_of(text) == errc::malformed_json);
        CHECK(mentions(detail_of(text), "number out of range"));
    }
}

TEST_CASE("json tape: a number nearer to zero than any double is zero, with its sign, however it is written") {
    const std::string zeros(400, '0');
    for (const std::string& text : {std::string("1e-400"), std::string("1e-999999999999999999999"), "0." + zeros + "1", "0." + zeros + "1e5", "0." + zeros + "1E+5", "0." + zeros + "1e-5"}) {
        CAPTURE(text);
        for (const bool negative : {false, true}) {
            const auto read = json_tape::parse(negative ? "-" + text : text);
            REQUIRE(read.has_value());
            CHECK(read->root().as_real() == 0);
            CHECK(std::signbit(read->root().as_real()) == negative);
            CHECK(read->root().number_text() == (negative ? "-" + text : text));
        }
    }
}

TEST_CASE("json tape: numbers do not depend on the locale") {
    const std::string before = std::setlocale(LC_NUMERIC, nullptr);
    for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
        if (std::setlocale(LC_NUMERIC, name) == nullptr) continue;
        CAPTURE(name);
        const auto read = json_tape::parse("[1.5,-2.25e1]");
        REQUIRE(read.has_value());
        CHECK((*read->root().begin()).as_real() == 1.5);
        CHECK((*read->root().begin()).number_text() == "1.5");
        CHECK(rewritten(read->root()) == "[1.5,-2.25e1]");
    }
    std::setlocale(LC_NUMERIC, before.c_str());
}

TEST_CASE("json tape: strings are taken apart exactly") {
    const auto read = json_tape::parse(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00")");
    REQUIRE(read.has_value());
    CHECK(read->root().as_string() == "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(json_tape::parse("\"\xf0\x9f\x98\x80\x7f\"")->root().as_string() == "\xf0\x9f\x98\x80\x7f");
    CHECK(json_tape::parse("\"\"")->root().as_string().empty());
}

TEST_CASE("json tape: an escaped NUL is kept, a raw one is refused wherever it stands") {
    const auto read = json_tape::parse(R"({"a\u0000b":"\u0000"})");
    REQUIRE(read.has_value());
    for (const auto member : read->root().members()) {
        CHECK(member.key == "a\0b"sv);
        CHECK(member.value.as_string() == "\0"sv);
        CHECK(syncline::has_nul(member.key));
    }
    for (const std::string_view text : {"\0"sv, "1\0"sv, "\0001"sv, "[1,\0002]"sv, "\"a\0b\""sv, "{}\0{}"sv, "null\0garbage"sv}) {
        CHECK(code_of(text) == errc::malformed_json);
        CHECK(mentions(detail_of(text), "NUL"));
    }
    CHECK(detail_of("[1,\0]"sv) == "JSON at byte 3: a NUL byte is not JSON");
}

TEST_CASE("json tape: a byte order mark is refused") {
    CHECK(mentions(detail_of("\xef\xbb\xbf{}"), "byte order mark"));
    CHECK(code_of("\xef\xbb\xbf") == errc::malformed_json);
    CHECK(code_of("\xff\xfe{\0}\0"sv) == errc::malformed_json);
    CHECK(json_tape::parse("\"\xef\xbb\xbf\"").has_value());
}

TEST_CASE("json tape: lone and swapped surrogates are refused") {
    for (const char* text : {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800\ud800")",
                             R"("\udc00\ud800")", R"("\ud800\u0041")", R"({"\udfff":1})", R"("\uD83D")"}) {
        CAPTURE(text);
        CHECK(code_of(text) == errc::malformed_json);
        CHECK(mentions(detail_of(text), "surrogate"));
    }
}

TEST_CASE("json tape: accepts in strings exactly the bytes that are UTF-8") {
    const std::uint64_t seed = 8;
    CAPTURE(seed);
    syncline::seeded_random random(seed);
    int valid = 0;
    for (int i = 0; i < 30'000; ++i) {
        std::string body;
        const std::uint64_t size = 1 + random.below(4);
        for (std::uint64_t k = 0; k < size; ++k) {
            // Mostly bytes near the borders of table 3-7.
            const char* borders = "\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5";
            body += random.chance(1, 4) ? 'a' : borders[random.below(20)];
        }
        const bool right = syncline::is_valid_utf8(body);
        valid += right ? 1 : 0;
        const auto read = json_tape::parse(std::string("\"").append(body).append("\""));
        if (read.has_value() != right) FAIL("bytes of round " << i);
        if (right && read->root().as_string() != body) FAIL("changed in round " << i);
    }
    CHECK(valid > 1000);
    CHECK(code_of("\xff") == errc::malformed_json);
    CHECK(code_of("\"\xed\xa0\x80\"") == errc::malformed_json);
}

TEST_CASE("json tape: a member that comes twice is refused by name, at any depth") {
    CHECK(detail_of(R"({"a":1,"b":2,"a":3})") == "JSON near byte 15: duplicate member \"a\"");
    CHECK(mentions(detail_of(R"([{"x":{"k":1,"k":1}}])"), "duplicate member \"k\""));
    CHECK(mentions(detail_of(R"({"a":1,"\u0061":2})"), "duplicate member \"a\""));
    CHECK(mentions(detail_of(R"({"":1,"":2})"), "duplicate member \"\""));
    CHECK(mentions(detail_of(R"({"\n":1,"\n":2})"), "duplicate member \"\\n\""));
    CHECK(json_tape::parse(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":3})").has_value());
    CHECK(json_tape::parse(R"({"a":1,"a\u0000":2,"a ":3})").has_value());
}

TEST_CASE("json tape: two names of one hash are two members, and one of them twice is refused") {
    const std::string one = "8yn0iYCKYHlIj4-BwPqk";
    const std::string other = "GReLUrM4wMqfg9yzV3KQ";
    REQUIRE(syncline::stable_hash(one) == syncline::stable_hash(other));
    const auto object = [](const std::vector<std::string>& names) {
        std::string out;
        for (const auto& name : names) out.append(out.empty() ? "{\"" : ",\"").append(name).append("\":1");
        return out.append("}");
    };
    CHECK(json_tape::parse(object({one, other})).has_value());
    CHECK(json_tape::parse(object({other, one})).has_value());
    CHECK(mentions(detail_of(object({one, other, one})), "duplicate member \"" + one));
    CHECK(mentions(detail_of(object({other, one, other})), "duplicate member \"" + other));
}

TEST_CASE("json tape: the first repetition is the one reported, and long names are cut between characters") {
    CHECK(mentions(detail_of(R"({"z":1,"y":1,"y":1,"z":1})"), "duplicate member \"y\""));
    CHECK(mentions(detail_of(R"({"z":1,"y":1,"z":1,"y":1})"), "duplicate member \"z\""));
    std::string name;
    for (int i = 0; i < 100; ++i) name += "\xe2\x82\xac";
    const std::string text = std::string("{\"").append(name).append("\":1,\"").append(name).append("\":2}");
    const std::string detail = detail_of(text);
    CHECK(mentions(detail, "(shortened)"));
    CHECK(detail.size() < 200);
    CHECK(syncline::is_valid_utf8(detail));
    CHECK_FALSE(mentions(detail, "ufffd"));
}

TEST_CASE("json tape: duplicates are found wherever they stand in objects of every size") {
    const std::uint64_t seed = 5;
    CAPTURE(seed);
    syncline::seeded_random random(seed);
    for (std::size_t count = 2; count < 60; ++count) {
        const std::size_t one = static_cast<std::size_t>(random.below(count));
        std::size_t other = static_cast<std::size_t>(random.below(count));
        if (other == one) other = (one + 1) % count;
        for (const bool twice : {false, true}) {
            std::string text = "{";
            for (std::size_t i = 0; i < count; ++i) {
                if (i != 0) text += ',';
                const std::size_t name = twice && i == other ? one : i;
                text.append("\"n").append(std::to_string(name)).append(i % 3 == 0 ? "\":[1,{\"n0\":2}]" : "\":0");
            }
            text += '}';
            CHECK(json_tape::parse(text).has_value() == !twice);
        }
    }
}

TEST_CASE("json tape: a repetition at the end of a huge object is found without comparing all pairs") {
    // A quadratic search would need 2 * 10^10 comparisons here, hours of work.
    std::string text = "{";
    for (int i = 0; i < 200'000; ++i) text.append("\"member").append(std::to_string(i)).append("\":1,");
    const std::string distinct = std::string(text).append("\"last\":1}");
    const auto read = json_tape::parse(distinct);
    REQUIRE(read.has_value());
    CHECK(read->root().size() == 200'001);
    text += "\"member0\":1}";
    CHECK(mentions(detail_of(text), "duplicate member \"member0\""));
}

TEST_CASE("json tape: depth is bounded where the limit says") {
    CHECK(json_tape::parse(nested(64)).has_value());
    CHECK(mentions(detail_of(nested(65)), "nested deeper than the limit of 64"));
    CHECK(code_of(nested(10'000)) == errc::malformed_json);
    CHECK(code_of(nested(1'000'000)) == errc::malformed_json);
    CHECK(code_of(std::string(1'000'000, '[')) == errc::malformed_json);
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    CHECK(code_of(objects) == errc::malformed_json);
    json_limits none;
    none.max_depth = 0;
    CHECK(json_tape::parse("1", none).has_value());
    CHECK_FALSE(json_tape::parse("[]", none).has_value());
    // Siblings are not depth.
    std::string flat = "[";
    for (int i = 0; i < 1000; ++i) flat += "[],{},";
    CHECK(json_tape::parse(flat.append("1]")).has_value());
}

TEST_CASE("json tape: a million levels are parsed, walked, rewritten and destroyed without recursion") {
    json_limits limits;
    limits.max_depth = 1'000'000;
    const std::string text = nested(1'000'000);
    const auto read = json_tape::parse(text, limits);
    REQUIRE(read.has_value());
    std::size_t depth = 0;
    json_view at = read->root();
    while (at.size() == 1) {
        at = *at.begin();
        ++depth;
    }
    CHECK(depth == 999'999);
    CHECK(rewritten(read->root()) == text);

    // Unfinished at full depth.
    CHECK(code_of(std::string(1'000'000, '['), limits) == errc::malformed_json);
}

TEST_CASE("json tape: size, strings and tokens are bounded where the limits say") {
    json_limits limits;
    limits.max_bytes = 10;
    limits.max_string = 4;
    limits.max_tokens = 5;
    CHECK(json_tape::parse("[1,2,3,4] ", limits).has_value());
    CHECK(code_of("[1,2,3,4]  ", limits) == errc::too_large);
    CHECK(detail_of("[1,2,3,4]  ", limits) == "JSON of 11 bytes is above the limit of 10 bytes");
    CHECK(json_tape::parse("\"abcd\"", limits).has_value());
    CHECK(code_of("\"abcde\"", limits) == errc::too_large);
    CHECK(code_of("{\"abcde\":", limits) == errc::too_large);
    limits.max_bytes = 100;
    CHECK(json_tape::parse("\"\\u0041\\u0042\\u0043\\u0044\"", limits).has_value());
    CHECK(code_of("[1,2,3,4,5]", limits) == errc::too_large);
    CHECK(json_tape::parse("{\"a\":1,\"b\":2}", limits).has_value());
    CHECK(code_of("{\"a\":1,\"b\":2,\"c\":3}", limits) == errc::too_large);
    CHECK(code_of("[[],[],[],[],[]]", limits) == errc::too_large);
    CHECK(code_of(R"(["a","b","c","d","e"])", limits) == errc::too_large);
    CHECK(json_limits{}.max_bytes == 8'388'608);
}

TEST_CASE("json tape: views stay valid when the tape moves") {
    auto read = json_tape::parse(R"({"a":"x","b":1.5})");
    REQUIRE(read.has_value());
    const json_view a = *read->root().find("a");
    const json_view b = *read->root().find("b");
    const json_tape moved = *std::move(read);
    CHECK(a.as_string() == "x");
    CHECK(b.as_real() == 1.5);
    const json_tape copy = moved;
    CHECK(rewritten(copy.root()) == R"({"a":"x","b":1.5})");
}

TEST_CASE("json tape: random documents come back as they were written") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        syncline::seeded_random random(seed);
        std::string text;
        syncline::json_writer writer(text);
        std::vector<bool> objects;
        int names = 0;
        writer.begin_array();
        objects.push_back(false);
        for (int i = 0; i < 200; ++i) {
            if (objects.back()) writer.key(std::string("k").append(std::to_string(names++)));
            switch (random.below(8)) {
            case 0: writer.null(); break;
            case 1: writer.boolean(random.chance(1, 2)); break;
            case 2: writer.integer(static_cast<std::int64_t>(random.next())); break;
            case 3: writer.real(static_cast<double>(random.below(100000)) / 64); break;
            case 4: writer.string(std::string(random.below(9), '\n')); break;
            case 5:
                writer.begin_array();
                objects.push_back(false);
                break;
            case 6:
                writer.begin_object();
                objects.push_back(true);
                break;
            default: writer.string("\xf0\x9f\x98\x80"); break;
            }
            while (objects.size() > 1 && (objects.size() > 60 || random.chance(1, 4))) {
                objects.back() ? writer.end_object() : writer.end_array();
                objects.pop_back();
            }
        }
        while (!objects.empty()) {
            objects.back() ? writer.end_object() : writer.end_array();
            objects.pop_back();
        }
        const auto read = json_tape::parse(text);
        REQUIRE(read.has_value());
        CHECK(rewritten(read->root()) == text);
        // Every beginning of it is a mistake, never a crash.
        for (std::size_t cut = 0; cut < text.size(); cut += 1 + random.below(40)) {
            if (json_tape::parse(std::string_view(text).substr(0, cut))) FAIL("cut at " << cut);
        }
    }
}

TEST_CASE("json tape: damaged documents are refused or understood, never a crash") {
    const std::string good = R"({"id":"01ARYZ","n":-12.5e3,"l":[true,false,null,{"u":"\u20ac\ud83d\ude00"}],"e":{}})";
    const std::uint64_t seed = 77;
    CAPTURE(seed);
    syncline::seeded_random random(seed);
    for (int i = 0; i < 20'000; ++i) {
        std::string text = good;
        for (std::uint64_t k = 0; k <= random.below(3); ++k) {
            const auto at = static_cast<std::size_t>(random.below(text.size()));
            switch (random.below(3)) {
            case 0: text[at] = static_cast<char>(random.below(256)); break;
            case 1: text.erase(at, 1); break;
            default: text.insert(at, 1, "{}[]\",:0e\\"[random.below(10)]); break;
            }
        }
        const auto read = json_tape::parse(text);
        if (!read) {
            if (read.error().code != errc::malformed_json || read.error().detail.empty()) FAIL("round " << i);
            continue;
        }
        // What was understood survives another round unchanged.
        const std::string once = rewritten(read->root());
        const auto again = json_tape::parse(once);
        if (!again || rewritten(again->root()) != once) FAIL("round " << i);
    }
    SUCCEED();
}

}  // namespace json_tape_test
