#ifndef SYNCLINE_ENGINE_WAITING_EXPLANATION_HPP
#define SYNCLINE_ENGINE_WAITING_EXPLANATION_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// One field of a change that waits, as the user wrote it and as the server has it.
struct field_explanation {
    std::string name;
    std::optional<value> before;  ///< what the user saw before the change; nothing: there was no record
    std::optional<value> wrote;   ///< what the user made of it; nothing: left alone
    std::optional<value> server;  ///< what the server has, as far as this device knows; nothing: it has no such record
    std::string text;             ///< the same in words, with the values in them
};

/// Why a change waits, and what stands against what.
struct waiting_explanation {
    intent what;
    std::string model;
    std::optional<record> server;        ///< the server's row as this device knows it; nothing: the server has no such record
    std::int64_t server_version = 0;     ///< its version, for `edit`; 0: the server never told of it
    /// Those that the user changed and those that changed on the server since, in the model's order.
    std::vector<field_explanation> fields;
    std::string text;                    ///< everything in words: what was done, why it waits, each field, what can be done
};

namespace detail {

[[nodiscard]] inline std::string_view reason_in_words(errc code) noexcept {
    switch (code) {
    case errc::conflict: return "others changed the record meanwhile, and it is not decided whose change stands";
    case errc::held: return "it needs another change that waits itself";
    case errc::constraint: return "a table refuses the row";
    case errc::validation_failed: return "the server's rules refuse it";
    case errc::absent: return "the server has no such record";
    case errc::lost_by_restore: return "the server had it and lost it by a restore from a backup";
    case errc::maybe_sent: return "it may have been sent before by a copy of this device";
    case errc::out_of_view: return "the record has left what you may see";
    case errc::forbidden: return "you may not do this";
    case errc::too_large: return "it is too large for the server";
    default: return "the server does not take it";
    }
}

[[nodiscard]] inline std::string field_in_words(const field_explanation& f, bool server_has_record) {
    std::string out{"`"};
    out.append(f.name).append("`: ");
    const bool moved = f.server && f.before && !(*f.server == *f.before);
    if (!f.wrote) {
        out.append("you left it alone; it was ").append(text_of(*f.before));
        return out.append(" and the server has ").append(text_of(*f.server)).append(" now");
    }
    out.append("you wrote ").append(text_of(*f.wrote));
    if (!server_has_record) return out.append("; the server has no such record");
    if (*f.server == *f.wrote) return out.append(", and so has the server");
    if (!f.before) return out.append("; the server has ").append(text_of(*f.server));
    if (!moved) return out.append("; the server still has ").append(text_of(*f.server)).append(", as before your change");
    return out.append("; the server has ").append(text_of(*f.server)).append("; before your change it was ").append(text_of(*f.before));
}

}  // namespace detail

/// Explains @p what, field by field and in words. A pure function; the texts hold the user's data.
/// @param server   the server's row as the device knows it; nothing: there is none
/// @param version  its version; 0: the server never told of the record
[[nodiscard]] inline waiting_explanation explain_waiting(const model_schema& schema, const intent& what,
                                                         const std::optional<record>& server, std::int64_t version) {
    waiting_explanation out;
    out.what = what;
    out.model = schema.name;
    out.server = server;
    out.server_version = version;
    const auto of = [](const std::optional<record>& row, std::size_t f) -> std::optional<value> {
        if (!row) return std::nullopt;
        return f < row->fields.size() ? row->fields[f] : value{};
    };
    for (std::size_t f = 0; what.op != operation::erase && f < schema.fields.size(); ++f) {
        field_explanation field;
        field.name = schema.fields[f].name;
        field.before = of(what.before, f);
        field.server = of(server, f);
        if (const value* to = what.changes.find(static_cast<field_index>(f))) field.wrote = *to;
        const bool moved = field.server && field.before && !(*field.server == *field.before);
        if (!field.wrote && !moved) continue;
        field.text = detail::field_in_words(field, server.has_value());
        out.fields.push_back(std::move(field));
    }
    std::string& text = out.text;
    text.append(schema.name).append(" ").append(what.key.key).append(": you ");
    text.append(what.op == operation::create ? "created it" : what.op == operation::erase ? "deleted it" : "changed it");
    text.append(". It waits: ").append(detail::reason_in_words(what.waiting ? what.waiting->code : errc::bug));
    if (what.waiting && !what.waiting->detail.empty()) text.append(" (").append(what.waiting->detail).append(")");
    text.append(".\n");
    for (const auto& field : out.fields) text.append(field.text).append(".\n");
    if (what.op == operation::erase)
        text.append(server ? "The server still has the record.\n" : "The server has no such record any more.\n");
    else if (server && out.fields.empty())
        text.append("The server has what you wrote.\n");
    text.append("Retry sends it again as it is; ");
    if (what.op != operation::erase) text.append("edit sends other values; ");
    text.append("take yours lays it over what the server has; discard keeps what the server has.");
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
