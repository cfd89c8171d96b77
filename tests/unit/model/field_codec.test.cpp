#include <syncline/model/field_codec.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace field_codec_test {

using syncline::bytes;
using syncline::decimal_text;
using syncline::errc;
using syncline::field_codec;
using syncline::field_type;
using syncline::from_microseconds;
using syncline::json_text;
using syncline::plain_field_type;
using syncline::result;
using syncline::timestamp;
using syncline::ulid;
using syncline::uuid;
using syncline::value;
using syncline::value_kind;

namespace user {

enum class color : std::uint8_t { red, green };
enum class plain_enum {};
enum class wide : std::uint64_t {};

struct money {
    std::int64_t cents = 0;
    friend bool operator==(const money&, const money&) = default;
};
struct unknown {};

}  // namespace user

}  // namespace field_codec_test

template <>
struct syncline::field_codec<field_codec_test::user::money> {
    static constexpr value_kind kind() { return value_kind::integer; }
    static value to_value(const field_codec_test::user::money& m) { return value::integer(m.cents); }
    static result<field_codec_test::user::money> from_value(const value& v) {
        if (v.kind() != value_kind::integer) return make_fault(errc::malformed_value, "is no amount");
        return field_codec_test::user::money{v.as_integer()};
    }
};

namespace field_codec_test {

namespace {

std::vector<value> one_of_each_kind() {
    return {value::null(),         value::boolean(true),   value::integer(1), value::real(1), value::decimal("1"),
            value::text("1"),      value::bytes("1"),      value::json("1"),  value::time(from_microseconds(1))};
}

/// Every x survives the way there and back, its value has the kind that was announced, and every other kind is refused.
template <class T>
void survives(const std::vector<T>& examples) {
    using codec = field_codec<T>;
    for (const T& x : examples) {
        const value v = codec::to_value(x);
        REQUIRE(v.kind() == codec::kind());
        const auto back = codec::from_value(v);
        REQUIRE(back);
        CHECK(*back == x);

        using optional_codec = field_codec<std::optional<T>>;
        CHECK(optional_codec::to_value(x) == v);
        const auto maybe = optional_codec::from_value(v);
        REQUIRE(maybe);
        CHECK(*maybe == x);
    }
    for (const value& other : one_of_each_kind()) {
        if (other.kind() == codec::kind()) continue;
        const auto refused = codec::from_value(other);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::malformed_value);
        CHECK_FALSE(refused.error().detail.empty());
        CHECK(field_codec<std::optional<T>>::from_value(other).has_value() == other.is_null());
    }
    CHECK(field_codec<std::optional<T>>::to_value(std::nullopt).is_null());
    CHECK(*field_codec<std::optional<T>>::from_value(value::null()) == std::nullopt);
    CHECK(field_codec<std::optional<T>>::kind() == codec::kind());
}

template <class Integer>
void integer_survives() {
    survives<Integer>({Integer{0}, Integer{1}, (std::numeric_limits<Integer>::lowest)(), (std::numeric_limits<Integer>::max)()});
    if constexpr (sizeof(Integer) < 8) {
        const auto above = static_cast<std::int64_t>((std::numeric_limits<Integer>::max)()) + 1;
        const auto below = static_cast<std::int64_t>((std::numeric_limits<Integer>::lowest)()) - 1;
        for (const std::int64_t outside : {above, below, (std::numeric_limits<std::int64_t>::max)()}) {
            const auto refused = field_codec<Integer>::from_value(value::integer(outside));
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == errc::malformed_value);
        }
    }
}

}  // namespace

TEST_CASE("field codec: integers of every width survive, and one that does not fit is refused") {
    integer_survives<std::int8_t>();
    integer_survives<std::int16_t>();
    integer_survives<std::int32_t>();
    integer_survives<std::int64_t>();
    integer_survives<std::uint8_t>();
    integer_survives<std::uint16_t>();
    integer_survives<std::uint32_t>();
    integer_survives<long>();
}

TEST_CASE("field codec: every other shipped type survives, and every other kind of value is refused") {
    survives<bool>({false, true});
    survives<double>({0.0, -1.5, 1e300, std::numeric_limits<double>::infinity()});
    survives<float>({0.0F, -1.5F, (std::numeric_limits<float>::max)(), std::numeric_limits<float>::infinity()});
    survives<std::string>({"", "text", std::string("\0a", 2)});
    survives<decimal_text>({{"12.50"}, {"12.5"}});
    survives<bytes>({{""}, {std::string("\0\xff", 2)}});
    survives<json_text>({{"{\"a\": 1}"}});
    survives<timestamp>({from_microseconds(0), from_microseconds(-1), from_microseconds(1'700'000'000'000'001)});
    survives<ulid>({ulid{}, ulid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}});
    survives<uuid>({uuid{}, uuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255}}});
    survives<user::color>({user::color::red, user::color::green});
    survives<user::plain_enum>({user::plain_enum{}, user::plain_enum{-1}});
    survives<user::money>({user::money{12}});
}

TEST_CASE("field codec: an enumeration is checked against its underlying type, not its enumerators") {
    CHECK(field_codec<user::color>::from_value(value::integer(200)).has_value());
    CHECK_FALSE(field_codec<user::color>::from_value(value::integer(256)));
    CHECK_FALSE(field_codec<user::color>::from_value(value::integer(-1)));
}

TEST_CASE("field codec: reals keep their bits, floats round and refuse what is beyond them") {
    CHECK(std::signbit(*field_codec<double>::from_value(field_codec<double>::to_value(-0.0))));
    CHECK(std::isnan(*field_codec<double>::from_value(value::real(std::numeric_limits<double>::quiet_NaN()))));
    CHECK(std::isnan(*field_codec<float>::from_value(value::real(std::numeric_limits<double>::quiet_NaN()))));
    CHECK(*field_codec<float>::from_value(value::real(0.1)) == 0.1F);
    CHECK_FALSE(field_codec<float>::from_value(value::real(1e39)));
    CHECK_FALSE(field_codec<float>::from_value(value::real(-1e39)));
}

TEST_CASE("field codec: text that is no ULID or UUID is refused") {
    CHECK_FALSE(field_codec<ulid>::from_value(value::text("no ulid")));
    CHECK_FALSE(field_codec<uuid>::from_value(value::text("no uuid")));
}

TEST_CASE("field codec: a refused null says what to do about it, and no refusal shows the value") {
    const auto refused = field_codec<std::string>::from_value(value::null());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("std::optional") != std::string::npos);
    CHECK(field_codec<bool>::from_value(value::text("secret")).error().detail.find("secret") == std::string::npos);
    CHECK(field_codec<ulid>::from_value(value::text("secret")).error().detail.find("secret") == std::string::npos);
    CHECK(field_codec<std::int8_t>::from_value(value::integer(4711)).error().detail.find("4711") == std::string::npos);
}

TEST_CASE("field codec: what could lose something is no field type") {
    static_assert(field_type<std::int64_t> && field_type<std::optional<std::int64_t>> && field_type<user::money>);
    static_assert(!field_type<std::uint64_t> && !field_type<user::wide>);
    static_assert(!field_type<char> && !field_type<char8_t> && !field_type<wchar_t>);
    static_assert(!field_type<long double>);
    static_assert(!field_type<std::optional<std::optional<int>>>);
    static_assert(!field_type<std::string_view> && !field_type<const char*> && !field_type<std::vector<int>>);
    static_assert(!field_type<user::unknown> && !field_type<std::optional<user::unknown>>);
    static_assert(!field_type<const int> && !field_type<int&> && !field_type<void>);
    static_assert(plain_field_type<int> && !plain_field_type<std::optional<int>>);
    SUCCEED();
}

}  // namespace field_codec_test
