#include <syncline/adapters/sqlite/column_value.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace column_value_test {

namespace {

using namespace syncline;

const char* const declared_types[] = {"", "BLOB", "TEXT", "VARCHAR(20)", "INTEGER", "BIGINT", "REAL", "DOUBLE", "NUMERIC", "DECIMAL(10,2)",
                                      "BOOLEAN", "DATETIME", "TIMESTAMP", "JSON", "DATE"};
const value_kind kinds[] = {value_kind::boolean, value_kind::integer, value_kind::real, value_kind::decimal, value_kind::text,
                            value_kind::bytes,   value_kind::time,    value_kind::json};

std::vector<value> edge_values() {
    std::vector<value> out{value::null(), value::boolean(false), value::boolean(true)};
    using limits = std::numeric_limits<std::int64_t>;
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, std::int64_t{-1}, std::int64_t{1} << 53, (std::int64_t{1} << 53) + 1,
                                 (limits::max)(), (limits::max)() - 1, (limits::min)(), (limits::min)() + 1})
        out.push_back(value::integer(n));
    for (const double d : {0.0, -0.0, 1.0, -1.0, 0.5, 1e15, 1e16, 4503599627370496.0, 9007199254740992.0, 9.2233720368547748e18, 9.2233720368547758e18,
                           -9.2233720368547758e18, -9.2233720368547779e18, 1e300, 5e-324, HUGE_VAL, -HUGE_VAL, std::nan("")})
        out.push_back(value::real(d));
    const std::string nul("1\0", 2);
    for (const std::string& s : {std::string{}, std::string{" "}, nul, std::string("\0", 1), std::string{"1"}, std::string{" 1 "}, std::string{"-1.5"}, std::string{"1.50"}, std::string{"1e3"},
                                 std::string{".5"}, std::string{"5."}, std::string{"+7"}, std::string{"0x10"}, std::string{"1 2"}, std::string{"inf"}, std::string{"nan"}, std::string{"e"},
                                 std::string{"abc"}, std::string{"true"}, std::string{"null"}, std::string{"[1]"}, std::string{"99999999999999999999"},
                                 std::string{"2024-02-29T12:30:00Z"}, std::string{"2024-02-29T12:30:00.5Z"}, std::string{"2024-02-29T12:30:00.500Z"}, std::string{"2024-02-30T12:30:00Z"},
                                 std::string{"2024-02-29t12:30:00z"}, std::string{"2024-02-29 12:30:00"}}) {
        out.push_back(value::text(s));
        out.push_back(value::bytes(s));
        out.push_back(value::decimal(s));
        out.push_back(value::json(s));
    }
    for (const std::int64_t us : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{1700000000123450}, std::int64_t{-62167219200000000}, std::int64_t{-62167219200000001},
                                  std::int64_t{253402300799999999}, std::int64_t{253402300800000000}})
        out.push_back(value::time(from_microseconds(us)));
    return out;
}

value random_value(std::mt19937_64& random) {
    const auto n = static_cast<std::int64_t>(random());
    std::string s;
    const char letters[] = "0019-+.eE \tTZ:a\0x";
    for (auto i = random() % 8; i > 0; --i) s.push_back(letters[random() % (sizeof letters - 1)]);
    switch (random() % 8) {
    case 0: return value::integer(n >> (random() % 64));
    case 1: return value::real(std::ldexp(static_cast<double>(n), static_cast<int>(random() % 140) - 100));
    case 2: return value::real(static_cast<double>(n >> (random() % 64)));
    case 3: return value::text(s);
    case 4: return value::decimal(s);
    case 5: return value::json(s);
    case 6: return value::bytes(s);
    default: return value::time(from_microseconds(n % 300000000000000000));
    }
}

// One column of a declared type.
struct column {
    explicit column(const char* type) : declared(type) {
        std::string sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, v ";
        REQUIRE(db.execute(sql.append(declared).append(")")).has_value());
    }
    value through(const value& v, value_kind kind) {
        auto in = db.cached("REPLACE INTO t VALUES(1,?1)");
        REQUIRE(in.has_value());
        bind_sqlite_value(**in, 1, v);
        REQUIRE((*in)->run().has_value());
        auto out = db.cached("SELECT v FROM t");
        REQUIRE(out.has_value());
        REQUIRE((*out)->step().has_value());
        return read_sqlite_value(**out, 0, kind);
    }
    const char* declared;
    sqlite_database db = *sqlite_database::open(":memory:");
};

}  // namespace

TEST_CASE("sqlite column: what it is said to hold comes back exactly") {
    constexpr std::uint64_t seed = 20240229;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (const char* type : declared_types) {
        column c{type};
        const auto affinity = sqlite_affinity_of(type);
        auto values = edge_values();
        for (int i = 0; i < 300; ++i) values.push_back(random_value(random));
        for (const value_kind kind : kinds)
            for (const value& v : values) {
                const value back = c.through(v, kind);
                const bool held = sqlite_can_hold(v, kind, affinity);
                if (held && back != v) {
                    CAPTURE(type, name_of(kind), name_of(v.kind()), v.as_string(), v.as_integer());
                    FAIL_CHECK("changed into " << name_of(back.kind()) << " " << back.as_string());
                }
                // Reading and writing back changes nothing, whatever was there.
                if (!(c.through(back, kind) == back)) {
                    CAPTURE(type, name_of(kind), name_of(v.kind()), v.as_string());
                    FAIL_CHECK("not stable");
                }
            }
        SUCCEED();
    }
}

TEST_CASE("sqlite column: a column holds its natural kind whole") {
    column text{"TEXT"};
    for (const auto& v : edge_values())
        if (v.kind() == value_kind::text) CHECK(sqlite_can_hold(v, value_kind::text, sqlite_affinity::text));
    for (const auto& v : edge_values()) {
        if (v.kind() == value_kind::integer) CHECK(sqlite_can_hold(v, value_kind::integer, sqlite_affinity::integer));
        if (v.kind() == value_kind::bytes) CHECK(sqlite_can_hold(v, value_kind::bytes, sqlite_affinity::blob));
        if (v.kind() == value_kind::boolean) CHECK(sqlite_can_hold(v, value_kind::boolean, sqlite_affinity::numeric));
        if (v.kind() == value_kind::json) CHECK(sqlite_can_hold(v, value_kind::json, sqlite_affinity::text));
    }
    CHECK(sqlite_can_hold(value::real(1.0), value_kind::real, sqlite_affinity::real));
    CHECK(sqlite_can_hold(value::time(from_microseconds(1)), value_kind::time, sqlite_affinity::numeric));
    CHECK(sqlite_can_hold(value::decimal("12.50"), value_kind::decimal, sqlite_affinity::text));
    CHECK_FALSE(sqlite_can_hold(value::decimal("12.50"), value_kind::decimal, sqlite_affinity::numeric));
}

TEST_CASE("sqlite column: a column for numbers keeps every text that SQLite makes no number of, dates and times among them") {
    for (const char* text : {"2026-05-02", "02.05.2026", "2026:05:02 09:00:00", "1-2", "1.2.3", "1e2e3", "+-1", "."}) {
        INFO(text);
        CHECK(sqlite_can_hold(value::text(text), value_kind::time, sqlite_affinity::numeric));
    }
    std::mt19937_64 random{7};
    column c{"DATETIME"};
    for (int i = 0; i < 3000; ++i) {
        std::string text;
        for (auto n = random() % 7; n > 0; --n) text.push_back("0011.+-eE \t"[random() % 11]);
        INFO("`" << text << "`");
        const bool kept = c.through(value::text(text), value_kind::real) == value::text(text);
        if (!kept) CHECK(sqlite_is_numeric_text(text));
    }
}

TEST_CASE("sqlite column: affinity follows the declared type as SQLite says") {
    for (const char* type : declared_types) {
        CAPTURE(type);
        column c{type};
        REQUIRE(c.db.execute("INSERT INTO t VALUES(1,'12.0')").has_value());
        const auto as = c.db.query_text("SELECT typeof(v)||typeof(v+0.5)||v FROM t");
        REQUIRE(as.has_value());
        const auto is = [&](std::string_view s) { return as->substr(0, s.size()) == s; };
        switch (sqlite_affinity_of(type)) {
        case sqlite_affinity::blob:
        case sqlite_affinity::text: CHECK(is("text")); break;
        case sqlite_affinity::integer:
        case sqlite_affinity::numeric: CHECK(is("integer")); break;
        case sqlite_affinity::real: CHECK(is("real")); break;
        }
    }
    CHECK(sqlite_affinity_of("") == sqlite_affinity::blob);
    CHECK(sqlite_affinity_of("charint") == sqlite_affinity::integer);
    CHECK(sqlite_affinity_of("nclob") == sqlite_affinity::text);
}

TEST_CASE("sqlite column: a time is read as one from RFC 3339 in any spelling and from what SQLite writes, to the microsecond, and from nothing else") {
    CHECK(sqlite_time_of("2024-02-29T12:30:00.5Z").has_value());
    for (const char* same : {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.0Z", "1970-01-01T00:00:00z", "1970-01-01T00:00:00+00:00", "1970-01-01T00:00:00.000000Z",
                             "1970-01-01T02:00:00+02:00", "1969-12-31t23:30:00-00:30", "1970-01-01T00:00:00.000000999Z", "1970-01-01T02:00:00.000000999+02:00", "1970-01-01 00:00:00", "1970-01-01 00:00:00.000",
                             "1970-01-01 00:00:00Z", "1970-01-01 02:00:00+02:00"}) {
        INFO(same);
        CHECK(sqlite_time_of(same) == from_microseconds(0));
    }
    for (const char* other : {"1970:01:01 00:00:00", "1970-01-01T00:00:00", "1970-01-01", "1970-01-01 00:00", "1970-01-01  00:00:00", "1970-01-01 00:00:00.", "1970-01-01T00:00:00.0000000001Z",
                              "1970-02-30T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:00:60Z", "", "0"})
        CHECK_FALSE(sqlite_time_of(other).has_value());
}

}  // namespace column_value_test
