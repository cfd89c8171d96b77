#ifndef SYNCLINE_MODEL_FIELD_CODEC_HPP
#define SYNCLINE_MODEL_FIELD_CODEC_HPP

#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/ulid.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <cmath>
#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// An exact decimal number, e.g. `12.50`. The digits are kept as they are: `12.5` and `12.50` are different values.
struct decimal_text {
    std::string digits;

    friend bool operator==(const decimal_text&, const decimal_text&) = default;
};

/// Any octets, as opposed to UTF-8 text.
struct bytes {
    std::string octets;

    friend bool operator==(const bytes&, const bytes&) = default;
};

/// A JSON document as text. Not parsed and not normalised here; compared as text.
struct json_text {
    std::string document;

    friend bool operator==(const json_text&, const json_text&) = default;
};

/// How a member of a user's struct becomes a field's value and back. Specialize it for a type of your own:
///
/// | member | meaning |
/// |---|---|
/// | `static constexpr value_kind kind()` | the kind of the values; never `null` |
/// | `static value to_value(const T&)` | a value of that kind |
/// | `static result<T> from_value(const value&)` | `errc::malformed_value` where the value is not one of these |
///
/// `from_value(to_value(x)) == x` for every x. Null is `std::optional`'s affair: a codec of a plain type refuses it.
/// Shipped: bool, integers that fit 64 bits signed (so not `std::uint64_t`, and no character types), float, double,
/// `std::string`, `decimal_text`, `bytes`, `json_text`, `timestamp`, `ulid`, `uuid` (both as text), enumerations over such
/// integers, and `std::optional` of each. Decoding is strict: nothing is converted from one kind to another.
template <class T>
struct field_codec;

namespace detail {

template <class T, class... Others>
inline constexpr bool is_one_of = (std::is_same_v<T, Others> || ...);

/// An integer whose every value is a 64-bit signed one, and which does not stand for a character.
template <class T>
concept storable_integer = std::integral<T> && std::is_same_v<T, std::remove_cv_t<T>> &&
                           !is_one_of<T, bool, char, wchar_t, char8_t, char16_t, char32_t> &&
                           (std::is_signed_v<T> || sizeof(T) < sizeof(std::int64_t)) && sizeof(T) <= sizeof(std::int64_t);

template <class T>
concept storable_enum = std::is_enum_v<T> && std::is_same_v<T, std::remove_cv_t<T>> && storable_integer<std::underlying_type_t<T>>;

[[nodiscard]] inline fault wrong_kind(const value& v, value_kind wanted) {
    return make_fault(errc::malformed_value, "is ", name_of(v.kind()), ", should be ", name_of(wanted),
                      v.is_null() ? "; make the member a std::optional where null is meant to be possible" : "");
}

/// Decoding of the kinds whose content is one string.
template <class T>
[[nodiscard]] result<T> from_string_value(const value& v, value_kind wanted) {
    if (v.kind() != wanted) return wrong_kind(v, wanted);
    return T{v.as_string()};
}

}  // namespace detail

template <>
struct field_codec<bool> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::boolean; }
    [[nodiscard]] static value to_value(bool b) { return value::boolean(b); }
    [[nodiscard]] static result<bool> from_value(const value& v) {
        if (v.kind() != kind()) return detail::wrong_kind(v, kind());
        return v.as_boolean();
    }
};

template <detail::storable_integer T>
struct field_codec<T> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::integer; }
    [[nodiscard]] static value to_value(T n) { return value::integer(static_cast<std::int64_t>(n)); }
    [[nodiscard]] static result<T> from_value(const value& v) {
        if (v.kind() != kind()) return detail::wrong_kind(v, kind());
        const std::int64_t n = v.as_integer();
        if (n < static_cast<std::int64_t>((std::numeric_limits<T>::lowest)()) ||
            n > static_cast<std::int64_t>((std::numeric_limits<T>::max)()))
            return make_fault(errc::malformed_value, "does not fit the member's integer type of ",
                              std::to_string(sizeof(T) * 8), " bits");
        return static_cast<T>(n);
    }
};

template <detail::storable_enum T>
struct field_codec<T> {
    using underlying = std::underlying_type_t<T>;
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::integer; }
    [[nodiscard]] static value to_value(T e) { return field_codec<underlying>::to_value(static_cast<underlying>(e)); }
    /// Checks the range of the underlying type, not that an enumerator of that value exists: a newer program may have one.
    [[nodiscard]] static result<T> from_value(const value& v) {
        auto n = field_codec<underlying>::from_value(v);
        if (!n) return std::move(n).error();
        return static_cast<T>(*n);
    }
};

template <>
struct field_codec<double> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::real; }
    [[nodiscard]] static value to_value(double d) { return value::real(d); }
    [[nodiscard]] static result<double> from_value(const value& v) {
        if (v.kind() != kind()) return detail::wrong_kind(v, kind());
        return v.as_real();
    }
};

template <>
struct field_codec<float> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::real; }
    [[nodiscard]] static value to_value(float f) { return value::real(static_cast<double>(f)); }
    /// A double that another program wrote is rounded to the nearest float; one above a float's range is refused.
    [[nodiscard]] static result<float> from_value(const value& v) {
        if (v.kind() != kind()) return detail::wrong_kind(v, kind());
        const double d = v.as_real();
        constexpr double most = static_cast<double>((std::numeric_limits<float>::max)());
        if (std::isfinite(d) && (d > most || d < -most))
            return make_fault(errc::malformed_value, "does not fit the member's type float; make it a double");
        return static_cast<float>(d);
    }
};

template <>
struct field_codec<std::string> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::text; }
    [[nodiscard]] static value to_value(const std::string& s) { return value::text(s); }
    [[nodiscard]] static result<std::string> from_value(const value& v) {
        return detail::from_string_value<std::string>(v, kind());
    }
};

template <>
struct field_codec<decimal_text> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::decimal; }
    [[nodiscard]] static value to_value(const decimal_text& d) { return value::decimal(d.digits); }
    [[nodiscard]] static result<decimal_text> from_value(const value& v) {
        return detail::from_string_value<decimal_text>(v, kind());
    }
};

template <>
struct field_codec<bytes> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::bytes; }
    [[nodiscard]] static value to_value(const bytes& b) { return value::bytes(b.octets); }
    [[nodiscard]] static result<bytes> from_value(const value& v) { return detail::from_string_value<bytes>(v, kind()); }
};

template <>
struct field_codec<json_text> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::json; }
    [[nodiscard]] static value to_value(const json_text& j) { return value::json(j.document); }
    [[nodiscard]] static result<json_text> from_value(const value& v) {
        return detail::from_string_value<json_text>(v, kind());
    }
};

template <>
struct field_codec<timestamp> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::time; }
    [[nodiscard]] static value to_value(timestamp t) { return value::time(t); }
    [[nodiscard]] static result<timestamp> from_value(const value& v) {
        if (v.kind() != kind()) return detail::wrong_kind(v, kind());
        return v.as_time();
    }
};

template <>
struct field_codec<ulid> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::text; }
    [[nodiscard]] static value to_value(const ulid& id) { return value::text(to_string(id)); }
    [[nodiscard]] static result<ulid> from_value(const value& v) {
        if (v.kind() != kind()) return detail::wrong_kind(v, kind());
        return parse_ulid(v.as_string());
    }
};

template <>
struct field_codec<uuid> {
    [[nodiscard]] static constexpr value_kind kind() noexcept { return value_kind::text; }
    [[nodiscard]] static value to_value(const uuid& id) { return value::text(to_string(id)); }
    [[nodiscard]] static result<uuid> from_value(const value& v) {
        if (v.kind() != kind()) return detail::wrong_kind(v, kind());
        return parse_uuid(v.as_string());
    }
};

/// Whether `field_codec<T>` has what its documentation asks for, and T is not optional.
template <class T>
concept plain_field_type = requires(const T& x, const value& v) {
    { field_codec<T>::kind() } -> std::same_as<value_kind>;
    { field_codec<T>::to_value(x) } -> std::same_as<value>;
    { field_codec<T>::from_value(v) } -> std::same_as<result<T>>;
    requires !requires { typename field_codec<T>::optional_of; };
};

/// An optional member: null where it holds nothing. Optional of optional is not a field: null has one meaning.
template <plain_field_type T>
struct field_codec<std::optional<T>> {
    using optional_of = T;
    [[nodiscard]] static constexpr value_kind kind() noexcept { return field_codec<T>::kind(); }
    [[nodiscard]] static value to_value(const std::optional<T>& x) {
        return x ? field_codec<T>::to_value(*x) : value::null();
    }
    [[nodiscard]] static result<std::optional<T>> from_value(const value& v) {
        if (v.is_null()) return std::optional<T>{};
        auto x = field_codec<T>::from_value(v);
        if (!x) return std::move(x).error();
        return std::optional<T>{*std::move(x)};
    }
};

namespace detail {

template <class T>
concept optional_field_type = requires { typename field_codec<T>::optional_of; };

}  // namespace detail

/// Whether a member of type T can be a field of a model.
template <class T>
concept field_type = plain_field_type<T> || detail::optional_field_type<T>;

SYNCLINE_NAMESPACE_END

#endif
