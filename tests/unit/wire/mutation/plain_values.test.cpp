#include <syncline/wire/mutation/plain_values.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <limits>
#include <optional>
#include <string>

namespace plain_values_test {

using namespace syncline;
using namespace std::chrono_literals;

namespace {

std::string written(const value& v, const plain_values& as = {}) {
    std::string out;
    json_writer w{out};
    write_plain_value(w, v, as);
    return out;
}
std::optional<value> read(value_kind kind, const std::string& json, const plain_values& as = {}) {
    const auto tape = json_tape::parse(json);
    if (!tape) return std::nullopt;
    auto v = read_plain_value(tape->root(), field_schema{"f", kind}, as);
    return v ? std::optional{*v} : std::nullopt;
}
value time_at(const char* text) { return value::time(*parse_rfc3339(text)); }

}  // namespace

TEST_CASE("plain values: times go out without a zone, in that of the server, and come back", "[wire]") {
    const auto noon = time_at("2026-01-31T12:00:00Z");
    CHECK(written(noon) == R"("2026-01-31 12:00:00")");
    CHECK(written(time_at("2026-01-31T12:00:00.5Z")) == R"("2026-01-31 12:00:00.500000")");
    const plain_values berlin{true, 120min};
    CHECK(written(noon, berlin) == R"("2026-01-31 14:00:00")");
    CHECK(read(value_kind::time, R"("2026-01-31 14:00:00")", berlin) == noon);
    for (const char* text : {"2026-01-31 12:00:00", "2026-01-31T12:00:00", "2026-01-31T12:00:00.000000Z", "2026-01-31T14:00:00+02:00", "2026-01-31 12:00:00+00",
                             "2026-01-31 07:00:00-05:00", "2026-01-31 12:00:00.000"})
        CHECK(read(value_kind::time, std::string{"\""} + text + "\"") == noon);
    CHECK(read(value_kind::time, R"("2026-01-31")") == time_at("2026-01-31T00:00:00Z"));
    CHECK(read(value_kind::time, R"("2026-01-31T12:00:00Z")", berlin) == noon);
    // What the calendar does not have, here or there, is a number, which overflows nothing.
    CHECK(written(value::time((timestamp::max)()), berlin) == "9223372036854775807");
    CHECK(written(value::time((timestamp::min)()), {true, -120min}) == "-9223372036854775808");
    CHECK(written(time_at("9999-12-31T23:00:00Z")) == R"("9999-12-31 23:00:00")");
    CHECK(written(time_at("9999-12-31T23:00:00Z"), berlin) == R"("9999-12-31T23:00:00.000000Z")");
    for (const char* text : {"\"\"", "\"0000-00-00 00:00:00\"", "\"yesterday\"", "17", "\"2026-01-31 12:00\""}) CHECK_FALSE(read(value_kind::time, text));
}

TEST_CASE("plain values: whatever PHP has at that moment is read", "[wire]") {
    for (const char* text : {"true", "1", "\"1\"", "\"true\""}) CHECK(read(value_kind::boolean, text) == value::boolean(true));
    for (const char* text : {"false", "0", "\"0\"", "\"\"", "\"false\""}) CHECK(read(value_kind::boolean, text) == value::boolean(false));
    for (const char* text : {"5", "\"5\"", "5.0"}) CHECK(read(value_kind::integer, text) == value::integer(5));
    for (const char* text : {"1.50", "\"1.50\""}) CHECK(read(value_kind::decimal, text) == value::decimal("1.50"));
    for (const char* text : {"2.5", "\"2.5\""}) CHECK(read(value_kind::real, text) == value::real(2.5));
    CHECK(read(value_kind::real, "\"3\"") == value::real(3));
    CHECK(read(value_kind::text, "7") == value::text("7"));
    for (const auto kind : {value_kind::boolean, value_kind::integer, value_kind::decimal, value_kind::real, value_kind::text, value_kind::time, value_kind::json})
        CHECK(read(kind, "null") == value::null());
    CHECK_FALSE(read(value_kind::integer, "\"five\""));
    for (const char* text : {"\"\"", "\"true\"", "\"[1]\""}) CHECK_FALSE(read(value_kind::real, text));
}

TEST_CASE("plain values: a JSON column is text on the way, or nested where it is asked for, and either is read", "[wire]") {
    const auto document = value::json(R"({"a":[1,"x"]})");
    CHECK(written(document) == R"("{\"a\":[1,\"x\"]}")");
    CHECK(written(document, {false, 0min}) == R"({"a":[1,"x"]})");
    CHECK(read(value_kind::json, R"("{\"a\": [1, \"x\"]}")") == document);
    CHECK(read(value_kind::json, R"({"a":[1,"x"]})") == document);
    CHECK(read(value_kind::json, R"("a\/b")") == value::json(R"("a/b")"));
    CHECK(read(value_kind::json, R"("\"text\"")") == value::json(R"("text")"));
    CHECK(read(value_kind::json, R"("null")") == value::json(R"("null")"));  // no document would be no value, which is told as null
    CHECK(written(value::json("\xff")) == R"("/w==")");
}

TEST_CASE("plain values: everything else is written in its own form", "[wire]") {
    CHECK(written(value::boolean(true)) == "true");
    CHECK(written(value::integer(-3)) == "-3");
    CHECK(written(value::decimal("1.50")) == R"("1.50")");
    CHECK(written(value::text("x")) == R"("x")");
    CHECK(written(value{}) == "null");
    CHECK(written(value::real(1.5)) == "1.5");
    CHECK(written(value::bytes("\x01\x02")) == R"("AQI=")");
    // What JSON cannot hold; nothing that only we could read.
    CHECK(written(value::real(std::numeric_limits<double>::infinity())) == "null");
    CHECK(written(value::text("\xff")) == R"("/w==")");
}

}  // namespace plain_values_test
