#ifndef SYNCLINE_MODEL_VALUE_HPP
#define SYNCLINE_MODEL_VALUE_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The kinds of value that every store keeps and every wire carries without loss.
enum class value_kind : std::uint8_t {
    null = 0,
    boolean = 1,
    integer = 2,  ///< 64-bit signed
    real = 3,     ///< IEEE 754 double, non-finite ones included
    decimal = 4,  ///< exact decimal number as text, e.g. `12.50`; digits are kept as they are
    text = 5,     ///< UTF-8
    bytes = 6,    ///< any octets
    time = 7,     ///< UTC microseconds
    json = 8,     ///< a JSON document as text
};

/// The stable, lower-case name of @p kind.
[[nodiscard]] constexpr std::string_view name_of(value_kind kind) noexcept {
    switch (kind) {
    case value_kind::null: return "null";
    case value_kind::boolean: return "boolean";
    case value_kind::integer: return "integer";
    case value_kind::real: return "real";
    case value_kind::decimal: return "decimal";
    case value_kind::text: return "text";
    case value_kind::bytes: return "bytes";
    case value_kind::time: return "time";
    case value_kind::json: return "json";
    }
    return "unknown";
}

/// One field's value: a kind and its content. A regular type; owns its text.
///
/// Equality is exact: same kind and same content, doubles by their bits (so -0.0 differs from 0.0, and a NaN equals
/// itself). That is what change detection needs.
class value {
public:
    /// Null.
    value() = default;

    [[nodiscard]] static value null() { return value{}; }
    [[nodiscard]] static value boolean(bool b) { return value{value_kind::boolean, b ? 1 : 0}; }
    [[nodiscard]] static value integer(std::int64_t n) { return value{value_kind::integer, n}; }
    [[nodiscard]] static value real(double d) { return value{value_kind::real, std::bit_cast<std::int64_t>(d)}; }
    [[nodiscard]] static value decimal(std::string digits) { return value{value_kind::decimal, std::move(digits)}; }
    [[nodiscard]] static value text(std::string s) { return value{value_kind::text, std::move(s)}; }
    [[nodiscard]] static value bytes(std::string octets) { return value{value_kind::bytes, std::move(octets)}; }
    [[nodiscard]] static value time(timestamp t) { return value{value_kind::time, to_microseconds(t)}; }
    [[nodiscard]] static value json(std::string document) { return value{value_kind::json, std::move(document)}; }

    [[nodiscard]] value_kind kind() const noexcept { return kind_; }
    [[nodiscard]] bool is_null() const noexcept { return kind_ == value_kind::null; }

    /// The content of a boolean. @pre `kind() == value_kind::boolean`
    [[nodiscard]] bool as_boolean() const noexcept { return number_ != 0; }
    /// The content of an integer. @pre `kind() == value_kind::integer`
    [[nodiscard]] std::int64_t as_integer() const noexcept { return number_; }
    /// The content of a real. @pre `kind() == value_kind::real`
    [[nodiscard]] double as_real() const noexcept { return std::bit_cast<double>(number_); }
    /// The content of a time. @pre `kind() == value_kind::time`
    [[nodiscard]] timestamp as_time() const noexcept { return from_microseconds(number_); }
    /// The content of a decimal, text, bytes or json; valid as long as this value is unchanged. Empty for other kinds.
    [[nodiscard]] const std::string& as_string() const noexcept { return text_; }

    friend bool operator==(const value&, const value&) = default;

private:
    value(value_kind kind, std::int64_t number) : number_(number), kind_(kind) {}
    value(value_kind kind, std::string text) : text_(std::move(text)), kind_(kind) {}

    std::string text_;
    std::int64_t number_ = 0;
    value_kind kind_ = value_kind::null;
};

SYNCLINE_NAMESPACE_END

#endif
