#ifndef SYNCLINE_WIRE_KEY_TEXT_HPP
#define SYNCLINE_WIRE_KEY_TEXT_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Checks that @p key can name a record of @p schema on a wire: not empty, at most 255 octets of UTF-8 without NUL, and of the
/// spelling that the key's column has.
[[nodiscard]] inline result<void> check_key_text(const model_schema& schema, std::string_view key) {
    const auto bad = [&](std::string_view why) { return make_fault(errc::invalid_key, "the key `", schema.key_name, "` of `", schema.name, "` ", why); };
    if (const auto why = why_no_key(key); !why.empty()) return bad(why);
    if (schema.key_kind == value_kind::bytes) {
        const auto id = parse_uuid(key);
        if (!id || to_string(*id) != key) return bad("is a UUID of 36 characters in lower case");
    }
    if (schema.key_kind == value_kind::integer) {
        const bool digits = key.find_first_not_of("0123456789", key[0] == '-' ? 1 : 0) == std::string_view::npos && key != "-";
        const auto number = digits ? integral_json_number(key) : std::nullopt;
        if (!number || std::to_string(*number) != key) return bad("is a whole number of 64 bits in plain digits");
    }
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
