#include <syncline/wire/mutation/legacy_values.hpp>

#include "support/catch.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace legacy_values_test {

using namespace syncline;

namespace {

field_schema field_of(value_kind kind) { return {"f", kind, true, nullptr}; }

std::optional<value> read(value_kind kind, const std::string& json) {
    const auto tape = json_tape::parse(json);
    REQUIRE(tape);
    auto v = mutation_wire::read_legacy_value(tape->root(), field_of(kind));
    if (!v) return std::nullopt;
    return std::move(*v);
}

}  // namespace

TEST_CASE("legacy values W17: whatever shape a PHP model holds a value in, it is read as the value it means", "[wire]") {
    struct sample {
        value_kind kind;
        const char* json;
        value means;
    };
    const timestamp morning = *parse_rfc3339("2026-05-02T09:00:00Z");
    const std::vector<sample> samples{
        {value_kind::boolean, "true", value::boolean(true)},
        {value_kind::boolean, "1", value::boolean(true)},
        {value_kind::boolean, "\"1\"", value::boolean(true)},
        {value_kind::boolean, "\"0\"", value::boolean(false)},
        {value_kind::integer, "\"42\"", value::integer(42)},
        {value_kind::integer, "42.0", value::integer(42)},
        {value_kind::integer, "true", value::integer(1)},
        {value_kind::decimal, "12.50", value::decimal("12.50")},
        {value_kind::decimal, "\"12.50\"", value::decimal("12.50")},
        {value_kind::real, "\"1.5\"", value::real(1.5)},
        {value_kind::real, "2", value::real(2)},
        {value_kind::text, "7", value::text("7")},
        {value_kind::text, "true", value::text("1")},
        {value_kind::text, "false", value::text("0")},
        {value_kind::time, "\"2026-05-02 09:00:00\"", value::time(morning)},
        {value_kind::time, "\"2026-05-02 09:00:00.25\"", value::time(morning + std::chrono::milliseconds{250})},
        {value_kind::time, "\"2026-05-02T09:00:00\"", value::time(morning)},
        {value_kind::time, "\"2026-05-02T11:00:00+02:00\"", value::time(morning)},
        {value_kind::time, "\"2026-05-02\"", value::time(morning - std::chrono::hours{9})},
        {value_kind::json, R"("{\"a\": [1, 2]}")", value::json(R"({"a":[1,2]})")},
        {value_kind::json, R"({"a":[1,2]})", value::json(R"({"a":[1,2]})")},
        {value_kind::json, R"("\"text\"")", value::json(R"("text")")},
        {value_kind::json, R"("no document")", value::json(R"("no document")")},
        {value_kind::json, "null", value{}},
    };
    for (const auto& s : samples) {
        INFO(name_of(s.kind) << " " << s.json);
        CHECK(read(s.kind, s.json) == s.means);
    }
    for (const auto& [kind, json] : std::vector<std::pair<value_kind, const char*>>{{value_kind::time, "\"yesterday\""},
                                                                                  {value_kind::time, "\"2026-02-30\""},
                                                                                  {value_kind::time, "\"2026-05-02 09:00\""},
                                                                                  {value_kind::time, "\"\""},
                                                                                  {value_kind::real, "\"NaN\""},
                                                                                  {value_kind::real, "\"true\""},
                                                                                  {value_kind::integer, "\"4x\""},
                                                                                  {value_kind::boolean, "2"}}) {
        INFO(name_of(kind) << " " << json);
        CHECK_FALSE(read(kind, json));
    }
}

TEST_CASE("legacy values: one value in two spellings is no edit, and two values are one", "[wire]") {
    const timestamp t = *parse_rfc3339("2026-05-02T09:00:00Z");
    const auto us = [](int n) { return duration{n}; };
    struct sample {
        value_kind kind;
        value sent;
        value stored;
        bool same;
    };
    const std::vector<sample> samples{
        {value_kind::decimal, value::decimal("12.5"), value::decimal("12.50"), true},
        {value_kind::decimal, value::decimal("012.50"), value::decimal("12.5"), true},
        {value_kind::decimal, value::decimal("12.0"), value::integer(12), true},
        {value_kind::decimal, value::decimal("-0"), value::decimal("0.00"), true},
        {value_kind::decimal, value::decimal("-1"), value::decimal("1"), false},
        {value_kind::decimal, value::decimal("12.05"), value::decimal("12.5"), false},
        {value_kind::decimal, value::decimal("1e3"), value::decimal("1000"), false},
        {value_kind::decimal, value::decimal("+12.5"), value::decimal("12.5"), true},
        {value_kind::decimal, value::decimal("-.5"), value::decimal("-0.50"), true},
        {value_kind::decimal, value::decimal("."), value::decimal("0"), false},
        {value_kind::decimal, value::decimal("1"), value::text("1.0"), true},
        {value_kind::decimal, value::decimal("1"), value::real(1), false},
        {value_kind::boolean, value::boolean(true), value::integer(1), true},
        {value_kind::boolean, value::boolean(true), value::integer(0), false},
        {value_kind::integer, value::integer(2), value::integer(3), false},
        {value_kind::real, value::real(2), value::integer(2), true},
        {value_kind::real, value::real(2.5), value::integer(2), false},
        {value_kind::real, value::real(2.5), value::real(2), false},
        {value_kind::real, value::text("2"), value::integer(2), false},
        {value_kind::time, value::time(t), value::text("2026-05-02 09:00:00"), false},
        {value_kind::time, value::text("2026-05-02 09:00:00"), value::time(t), false},
        {value_kind::bytes, value::bytes("a"), value::bytes("b"), false},
        {value_kind::time, value::time(t), value::time(t + us(999'999)), true},
        {value_kind::time, value::time(t), value::time(t + us(1'000'000)), false},
        {value_kind::time, value::time(t + us(5)), value::time(t + us(6)), false},
        {value_kind::time, value::time(t - us(1)), value::time(t), false},
        {value_kind::json, value::json(R"({"a":1,"b":"/"})"), value::json(R"({ "b" : "\/", "a": 1 })"), true},
        {value_kind::json, value::json(R"({"a":1})"), value::json(R"({"a":2})"), false},
        {value_kind::json, value::json("{"), value::json("["), false},
        {value_kind::text, value::text("a"), value::text("a "), false},
        {value_kind::text, value::text("a"), value{}, false},
        {value_kind::text, value{}, value{}, true},
    };
    for (const auto& s : samples) {
        INFO(name_of(s.kind) << " " << s.sent.as_string() << " and " << s.stored.as_string());
        CHECK(mutation_wire::same_legacy_value(field_of(s.kind), s.sent, s.stored) == s.same);
    }
}

}  // namespace legacy_values_test
