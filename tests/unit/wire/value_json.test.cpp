#include <syncline/wire/value_json.hpp>

#include <syncline/testing/random_values.hpp>

#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace value_json_test {

namespace {

using namespace syncline;

constexpr std::array<value_kind, 8> kinds{value_kind::boolean, value_kind::integer, value_kind::real, value_kind::decimal,
                                          value_kind::text,    value_kind::bytes,   value_kind::time, value_kind::json};

field_schema field_of(value_kind kind) { return {"amount", kind, true, nullptr}; }

std::string written(const field_schema& field, const value& v) {
    std::string out;
    json_writer w{out};
    write_value(w, field, v);
    return out;
}

result<value> read(const std::string& json, value_kind kind) {
    const auto tape = json_tape::parse(json);
    if (!tape) return tape.error();
    return read_value(tape->root(), field_of(kind));
}

/// What a value is after the way through a message, as deep in it as the wires put values.
result<value> through_message(const field_schema& field, const value& v) {
    std::string message;
    json_writer w{message};
    for (int depth = 0; depth < 8; ++depth) {
        w.begin_object();
        w.key("in");
    }
    write_value(w, field, v);
    for (int depth = 0; depth < 8; ++depth) w.end_object();
    const auto tape = json_tape::parse(message);
    if (!tape) return tape.error();
    json_view at = tape->root();
    for (int depth = 0; depth < 8; ++depth) at = *at.find("in");
    return read_value(at, field);
}

std::vector<value> extremes() {
    using limits = std::numeric_limits<double>;
    constexpr auto most = (std::numeric_limits<std::int64_t>::max)();
    constexpr auto least = (std::numeric_limits<std::int64_t>::min)();
    std::vector<value> out{value::null(), value::boolean(true), value::boolean(false)};
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, most, least, (std::int64_t{1} << 53) + 1}) {
        out.push_back(value::integer(n));
        out.push_back(value::time(from_microseconds(n)));
    }
    for (const std::int64_t us : {std::int64_t{253402300799999999}, std::int64_t{253402300800000000}, std::int64_t{-62135596800000001},
                                  std::int64_t{-62135596800000000}, std::int64_t{-62167219200000000}, std::int64_t{-62167219200000001}})
        out.push_back(value::time(from_microseconds(us)));
    for (const double d : {0.0, -0.0, 1.0, 0.1, -1e300, 5e-324, (limits::max)(), limits::lowest(), (limits::min)(), limits::infinity(),
                           -limits::infinity(), limits::quiet_NaN(), -limits::quiet_NaN(), 9007199254740993.0, 1e22, 123456789.125})
        out.push_back(value::real(d));
    const std::string octets{"\x00\xff\x80 z", 5};
    for (const std::string& s : {std::string{}, std::string{"plain"}, std::string{"null"}, std::string{"12.50"}, std::string{"a\0b", 3}, octets,
                                 std::string{"\xed\xa0\x80"}, std::string{"\xf0\x9f\x98\x80 \"\\/\n\x01\x7f"}, std::string{"-0"}, std::string{"1e5"}}) {
        out.push_back(value::text(s));
        out.push_back(value::decimal(s));
        out.push_back(value::bytes(s));
        out.push_back(value::json(s));
    }
    for (const char* document : {"null", "true", "[]", "{}", "0", "-0", "-0.0", "1.50", "1e5", "100000000000000000000", "\"\"", "\"x\"", "[1,2,{\"a\":null}]",
                                 "{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", " [1]", "[1, 2]", "\"\\u0041\"", "\"\\/\"",
                                 "{\"$syncline\":\"text\",\"value\":\"eA==\"}", "{\"$syncline\":\"text\",\"value\":\"eA==\",\"more\":1}",
                                 "[{\"$syncline\":\"text\",\"value\":\"eA==\"}]", "{\"value\":1}", "\"\\ud800\"", "\"\\u0000\""})
        out.push_back(value::json(document));
    for (const std::size_t depth : {std::size_t{10}, std::size_t{32}, std::size_t{33}, std::size_t{60}, std::size_t{64}, std::size_t{65}, std::size_t{500}})
        out.push_back(value::json(std::string(depth, '[') + std::string(depth, ']')));
    return out;
}

}  // namespace

TEST_CASE("value json: every value comes back exactly, through a field of every kind") {
    for (const auto kind : kinds)
        for (const value& v : extremes()) {
            const field_schema field = field_of(kind);
            CAPTURE(name_of(kind), name_of(v.kind()), written(field, v));
            const auto back = through_message(field, v);
            REQUIRE(back);
            CHECK(*back == v);
        }
}

TEST_CASE("value json: random values come back exactly") {
    const std::uint64_t seed = 77;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 20000; ++round) {
        const field_schema field = field_of(kinds[static_cast<std::size_t>(random.below(kinds.size()))]);
        const value v = syncline::testing::random_value(random);
        const auto back = through_message(field, v);
        CAPTURE(round);
        REQUIRE(back);
        REQUIRE(*back == v);
    }
}

TEST_CASE("value json: values of their field's kind have the plain form that foreign peers read") {
    const auto plain = [](const value& v) { return written(field_of(v.kind()), v); };
    CHECK(plain(value::boolean(true)) == "true");
    CHECK(plain(value::integer(-5)) == "-5");
    CHECK(plain(value::real(1.0)) == "1.0");
    CHECK(plain(value::decimal("12.50")) == "\"12.50\"");
    CHECK(plain(value::text("a\"b")) == "\"a\\\"b\"");
    CHECK(plain(value::bytes("abc")) == "\"YWJj\"");
    CHECK(plain(value::json("{\"a\":[1]}")) == "{\"a\":[1]}");
    CHECK(plain(value::time(from_microseconds(0))).find("1970-01-01T00:00:00") == 1);
    for (const auto kind : kinds) CHECK(written(field_of(kind), value::null()) == "null");
}

TEST_CASE("value json: reads what foreign peers write for the same value") {
    const auto gives = [](const std::string& json, const value& v) {
        CAPTURE(json, name_of(v.kind()));
        const auto got = read(json, v.kind());
        REQUIRE(got);
        CHECK(*got == v);
    };
    for (const char* yes : {"true", "1", "\"1\"", "\"true\""}) gives(yes, value::boolean(true));
    for (const char* no : {"false", "0", "\"0\"", "\"false\""}) gives(no, value::boolean(false));
    for (const char* five : {"5", "\"5\"", "5.0", "5e0", "0.5e1"}) gives(five, value::integer(5));
    gives("true", value::integer(1));
    gives("false", value::integer(0));
    gives("5", value::real(5));
    gives("-0", value::real(-0.0));
    gives("12.50", value::decimal("12.50"));
    gives("\"12.50\"", value::decimal("12.50"));
    gives("100000000000000000000.5", value::decimal("100000000000000000000.5"));
    gives("12", value::text("12"));
    gives("\"2026-01-31 12:00:00\"", value::time(from_microseconds(1769860800000000)));
    gives("\"2026-01-31T12:00:00Z\"", value::time(from_microseconds(1769860800000000)));
    gives("\"2026-01-31T13:00:00+01:00\"", value::time(from_microseconds(1769860800000000)));
    gives("{ \"a\" : [ 1 ] }", value::json("{\"a\":[1]}"));
    gives("{\"$syncline\":\"text\"}", value::json("{\"$syncline\":\"text\"}"));
}

TEST_CASE("value json: what a field cannot take is refused, by the field's name and without the value") {
    const std::vector<std::pair<value_kind, std::vector<std::string>>> bad{
        {value_kind::boolean, {"2", "\"yes\"", "[]", "{}", "1.0", "\"\""}},
        {value_kind::integer, {"1.5", "\"1.5\"", "\"\"", "\" 1\"", "\"1 \"", "9223372036854775808", "\"9223372036854775808\"", "[1]", "{}", "\"0x1\"", "1e30"}},
        {value_kind::real, {"true", "[]", "\"x\""}},
        {value_kind::decimal, {"true", "[]", "{}"}},
        {value_kind::text, {"true", "[]", "{}"}},
        {value_kind::bytes, {"1", "true", "\"%%%\"", "\"YWJ\"", "[]"}},
        {value_kind::time, {"1", "true", "\"\"", "\"yesterday\"", "\"2026-13-01T00:00:00Z\"", "\"2026-01-31\"", "[]"}}};
    for (const auto& [kind, texts] : bad)
        for (const auto& text : texts) {
            CAPTURE(name_of(kind), text);
            const auto got = read(text, kind);
            REQUIRE(!got);
            CHECK(got.error().code == errc::malformed_value);
            CHECK(got.error().detail.find("`amount`") != std::string::npos);
            CHECK(got.error().detail.find("yesterday") == std::string::npos);
        }
    for (const char* tagged : {R"({"$syncline":"real","value":"AAAA"})", R"({"$syncline":"integer","value":"x"})", R"({"$syncline":"time","value":""})",
                               R"({"$syncline":"text","value":"%"})", R"({"$syncline":"colour","value":""})", R"({"$syncline":1,"value":2})",
                               R"({"$syncline":"boolean","value":"yes"})"})
        for (const auto kind : kinds) {
            CAPTURE(name_of(kind), tagged);
            const auto got = read(tagged, kind);
            REQUIRE(!got);
            CHECK(got.error().code == errc::malformed_value);
            CHECK(got.error().detail.find("`amount`") != std::string::npos);
        }
}

TEST_CASE("value json: what a peer that knows no tagged values is told of what JSON has no form for", "[wire]") {
    const auto untagged = [](const value& v) {
        std::string out;
        json_writer w{out};
        write_untagged(w, v);
        return out;
    };
    CHECK(untagged(value::time((timestamp::max)())) == "9223372036854775807");
    CHECK(untagged(value::time(from_microseconds(0))) == R"("1970-01-01T00:00:00.000000Z")");
    CHECK(untagged(value::json("{ \"a\" : 1 }")) == R"("{ \"a\" : 1 }")");  // nested it would not stay as it is
    CHECK(untagged(value::json(R"({"a":1})")) == R"({"a":1})");
    CHECK(untagged(value{}) == "null");
    field_schema nothing;
    nothing.name = "f";
    nothing.kind = value_kind::null;
    const auto tape = json_tape::parse("[5,null]");
    REQUIRE(tape);
    auto at = tape->root().begin();
    CHECK(read_value(*at, nothing).error().code == errc::malformed_value);
    CHECK(read_value(*++at, nothing)->is_null());
}

TEST_CASE("value json: a row's fields stand under their names, missing ones as null") {
    model_schema schema;
    schema.name = "sum";
    schema.fields = {{"a", value_kind::integer, true, nullptr}, {"b\"", value_kind::text, true, nullptr}};
    std::string out;
    json_writer w{out};
    w.begin_object();
    write_fields(w, schema, record{{value::integer(1)}});
    w.end_object();
    CHECK(out == "{\"a\":1,\"b\\\"\":null}");
}

}  // namespace value_json_test
