#ifndef SYNCLINE_WIRE_MUTATION_LEGACY_VALUES_HPP
#define SYNCLINE_WIRE_MUTATION_LEGACY_VALUES_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/canonical_json.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/value_json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Values as a client of Laravel Tether v1.0.0 sends them: whatever the PHP model holds at that moment (sheet `mutation` 2.1).
namespace mutation_wire {

namespace detail {

[[nodiscard]] inline std::optional<std::string> canonical_document(std::string_view text) {
    const auto tape = json_tape::parse(text);
    if (!tape) return std::nullopt;
    auto out = canonical_json(tape->root());
    if (!out) return std::nullopt;
    return std::move(*out);
}

// The digits of a decimal number without what does not count; nothing for what is not plain digits.
[[nodiscard]] inline std::optional<std::string> plain_digits(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const auto point = text.find('.');
    std::string_view whole = text.substr(0, point);
    std::string_view part = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (whole.empty() && part.empty()) return std::nullopt;
    for (const std::string_view digits : {whole, part})
        if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    while (whole.starts_with('0')) whole.remove_prefix(1);
    while (part.ends_with('0')) part.remove_suffix(1);
    std::string out{negative && !(whole.empty() && part.empty()) ? "-" : ""};
    return out.append(whole).append(".").append(part);
}

[[nodiscard]] inline std::optional<std::string> digits_of(const value& v) {
    if (v.kind() == value_kind::integer) return plain_digits(std::to_string(v.as_integer()));
    if (v.kind() == value_kind::boolean) return plain_digits(v.as_boolean() ? "1" : "0");
    if (v.kind() == value_kind::decimal || v.kind() == value_kind::text) return plain_digits(v.as_string());
    return std::nullopt;
}

}  // namespace detail

/// Reads the value of a field as such a client sends it. Beside what `read_value` takes: a JSON column as the text that the column holds
/// (W17), times without a zone, with or without a fraction, and dates alone (all taken as UTC), a real as text, a boolean for text.
/// @return `errc::malformed_value`, naming the field and what it takes
[[nodiscard]] inline result<value> read_legacy_value(json_view v, const field_schema& field) {
    if (field.kind == value_kind::json && v.is_string()) {
        const auto tape = json_tape::parse(v.as_string());
        if (!tape) return read_value(v, field);
        std::string document;
        json_writer w{document};
        tape->root().write_to(w);
        return value::json(std::move(document));
    }
    if (field.kind == value_kind::time && v.is_string()) {
        const std::string text{v.as_string()};
        auto exact = read_value(v, field);
        if (exact) return exact;
        if (auto t = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text + "Z")) return value::time(*t);
        return exact;
    }
    if (field.kind == value_kind::real && v.is_string()) {
        const auto tape = json_tape::parse(v.as_string());
        if (tape && tape->root().is_number()) return value::real(tape->root().as_real());
    }
    if (field.kind == value_kind::text && v.is_boolean()) return value::text(*v.as_bool() ? "1" : "0");
    return read_value(v, field);
}

/// Whether @p sent, as `read_legacy_value` read it, means what is @p stored: numbers by their value, however many zeros they have; times to
/// the second where nothing finer was sent, which is all that most columns keep; documents by their content.
[[nodiscard]] inline bool same_legacy_value(const field_schema& field, const value& sent, const value& stored) {
    if (sent == stored) return true;
    if (sent.is_null() || stored.is_null()) return false;
    switch (field.kind) {
    case value_kind::json: {
        const auto document = detail::canonical_document(sent.as_string());
        return document && document == detail::canonical_document(stored.as_string());
    }
    case value_kind::time: {
        if (sent.kind() != value_kind::time || stored.kind() != value_kind::time) return false;
        const auto second = std::chrono::floor<std::chrono::seconds>(stored.as_time());
        return sent.as_time() == second;
    }
    case value_kind::real:
        if (sent.kind() == value_kind::real && stored.kind() == value_kind::integer) return sent.as_real() == static_cast<double>(stored.as_integer());
        return false;
    case value_kind::boolean:
    case value_kind::integer:
    case value_kind::decimal: {
        const auto digits = detail::digits_of(sent);
        return digits && digits == detail::digits_of(stored);
    }
    case value_kind::text:
    case value_kind::bytes:
    case value_kind::null: return false;
    }
    return false;
}

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
