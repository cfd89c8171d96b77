#ifndef SYNCLINE_WIRE_MUTATION_ANSWERS_HPP
#define SYNCLINE_WIRE_MUTATION_ANSWERS_HPP

#include <syncline/change/receipt.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/hex.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/key_text.hpp>
#include <syncline/wire/mutation/messages.hpp>
#include <syncline/wire/mutation/payload_mapper.hpp>
#include <syncline/wire/value_json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace mutation_wire {

/// How much of a row that cannot be read is kept, in octets; a longer one is kept by its name only, and asked for again.
inline constexpr std::size_t max_unread_text = std::size_t{64} << 10;

/// An outcome with the record that it speaks of, for the answer of a push.
struct answered {
    outcome what;
    std::optional<record_key> key;  ///< nothing: the mutation could not be read
};

namespace detail {

[[nodiscard]] constexpr std::string_view rejection_reason(errc code) noexcept {
    switch (code) {
    case errc::validation_failed: return "validation_failed";
    case errc::absent: return "not_found";
    default: return name_of(code);
    }
}

[[nodiscard]] inline bool is_conflict(const outcome& o) {
    return o.kind == outcome_kind::superseded || (o.kind == outcome_kind::refused && o.why && o.why->code == errc::conflict);
}

inline void write_server_state(json_writer& w, const schema_set& schemas, const answered& a, std::string_view sync_key) {
    w.begin_object();
    w.key("server_state");
    w.begin_object();
    if (a.key && a.what.row) {
        w.key(sync_key);
        w.string(a.key->key);
        const auto& schema = schemas[a.key->model];
        for (std::size_t f = 0; f < schema.fields.size(); ++f) {
            if (schema.fields[f].name == sync_key) continue;
            w.key(schema.fields[f].name);
            write_untagged(w, f < a.what.row->fields.size() ? a.what.row->fields[f] : value{});
        }
    }
    w.end_object();
    w.key("server_updated_at");
    w.null();
    w.end_object();
}

inline void write_outcome(json_writer& w, const schema_set& schemas, const answered& a) {
    const outcome& o = a.what;
    w.begin_object();
    w.key("mutation_id");
    w.string(o.id);
    w.key("status");
    w.string(name_of(o.kind));
    w.key("row_version");
    w.integer(o.version);
    if (o.clean) {
        w.key("clean");
        w.boolean(true);
    }
    if (o.out_of_view) {
        w.key("out_of_view");
        w.boolean(true);
    }
    if (o.carries_row && a.key) {
        w.key("row");
        if (o.row) {
            w.begin_object();
            write_fields(w, schemas[a.key->model], *o.row);
            w.end_object();
        } else {
            w.null();
        }
    }
    if (o.why) {
        w.key("reason");
        w.string(name_of(o.why->code));
        w.key("detail");
        w.string(o.why->detail);
    }
    if (!o.messages.empty()) {
        w.key("messages");
        w.begin_array();
        for (const auto& m : o.messages) {
            w.begin_object();
            w.key("field");
            w.string(m.field);
            w.key("text");
            w.string(m.text);
            w.end_object();
        }
        w.end_array();
    }
    if (!o.rule.empty()) {
        w.key("rule");
        w.string(o.rule);
    }
    w.end_object();
}

}  // namespace detail

/// What a client that sends no bases is told for a refusal: one of the four reasons that it knows, since any other, like the first three of
/// them, ends the mutation for good there (sheet 2.3 and 9). Only `error` is sent again, so that is for whatever is not the change's own fault: what
/// failed at the server or in its store, what needs another step first, and models that the server does not have (yet), as at the original.
[[nodiscard]] constexpr std::string_view legacy_reason(errc code) noexcept {
    switch (code) {
    case errc::absent:
    case errc::out_of_view: return "not_found";
    case errc::forbidden: return "validation_failed";
    case errc::unknown_model:
    case errc::schema_mismatch: return "error";
    default: break;
    }
    const auto category = category_of(code);
    return category == fault_category::fix_request || category == fault_category::ask_person ? "validation_failed" : "error";
}

namespace detail {

// `data` of a rejection: the messages by field, and the reason in words.
inline void write_rejection_data(json_writer& w, const outcome& o, bool words_as_message) {
    std::vector<field_message> messages = o.messages;
    const bool words = o.why && !o.why->detail.empty();
    if (messages.empty() && words && words_as_message) messages.push_back({{}, o.why->detail});
    w.begin_object();
    if (!messages.empty()) {
        w.key("messages");
        w.begin_object();
        for (std::size_t i = 0; i < messages.size(); ++i) {
            bool earlier = false;
            for (std::size_t j = 0; j < i; ++j) earlier = earlier || messages[j].field == messages[i].field;
            if (earlier) continue;
            w.key(messages[i].field);
            w.begin_array();
            for (const auto& m : messages)
                if (m.field == messages[i].field) w.string(m.text);
            w.end_array();
        }
        w.end_object();
    }
    if (words) {
        w.key("detail");
        w.string(o.why->detail);
    }
    w.end_object();
}

inline void write_rejection(json_writer& w, const outcome& o, std::string_view reason) {
    w.begin_object();
    w.key("mutation_id");
    w.string(o.id);
    w.key("reason");
    w.string(reason);
    w.key("data");
    write_rejection_data(w, o, reason == "validation_failed");
    w.end_object();
}

[[nodiscard]] inline bool is_rejection(const outcome& o) {
    return (o.kind == outcome_kind::refused || o.kind == outcome_kind::held) && !is_conflict(o);
}

// The three arrays of sheet 2.2.
template <class Reason>
void write_push_arrays(json_writer& w, const schema_set& schemas, const std::vector<answered>& outcomes, std::string_view sync_key, Reason reason) {
    w.key("applied");
    w.begin_array();
    for (const auto& a : outcomes)
        if (a.what.kind == outcome_kind::applied && reason(a.what).empty()) w.string(a.what.id);
    w.end_array();
    w.key("rejected");
    w.begin_array();
    for (const auto& a : outcomes)
        if (!reason(a.what).empty()) write_rejection(w, a.what, reason(a.what));
    w.end_array();
    w.key("conflicts");
    w.begin_array();
    for (const auto& a : outcomes) {
        if (!is_conflict(a.what)) continue;
        w.begin_object();
        w.key("mutation_id");
        w.string(a.what.id);
        w.key("reason");
        w.string("conflict");
        w.key("data");
        write_server_state(w, schemas, a, sync_key);
        w.end_object();
    }
    w.end_array();
}

}  // namespace detail

/// Writes a push's answer for a device that sends bases: the three arrays of sheet 2.2, every mutation in at most one of them (a transient error
/// in none, so that it is sent again), and the member `outcomes` with every one.
/// @param told_whole  see `push_answer::told_whole`; 0: the member is left out
[[nodiscard]] inline std::string write_push_answer(const schema_set& schemas, const std::vector<answered>& outcomes, std::string_view epoch,
                                                   cursor head_stamp, std::string_view sync_key, std::int64_t told_whole = 0) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    detail::write_push_arrays(w, schemas, outcomes, sync_key, [](const outcome& o) {
        return detail::is_rejection(o) ? detail::rejection_reason(o.why ? o.why->code : errc::internal) : std::string_view{};
    });
    w.key("syncline");
    w.integer(extension_version);
    w.key("epoch");
    w.string(epoch);
    w.key("head");
    w.integer(head_stamp);
    if (told_whole != 0) {
        w.key("told_whole");
        w.integer(told_whole);
    }
    w.key("outcomes");
    w.begin_array();
    for (const auto& a : outcomes) detail::write_outcome(w, schemas, a);
    w.end_array();
    w.end_object();
    return body;
}

/// Writes a push's answer for a client that sends no bases: the three arrays and nothing else.
/// @param strict_duplicates  what was applied already is a rejection with `duplicate`, not `applied`
[[nodiscard]] inline std::string write_legacy_push_answer(const schema_set& schemas, const std::vector<answered>& outcomes, std::string_view sync_key,
                                                          bool strict_duplicates) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    std::unordered_map<std::string_view, const outcome*> first;
    for (const auto& a : outcomes) first.emplace(a.what.id, &a.what);
    detail::write_push_arrays(w, schemas, outcomes, sync_key, [&](const outcome& o) -> std::string_view {
        const bool again = o.repeated || first.find(o.id)->second != &o;
        if (strict_duplicates && again && o.kind == outcome_kind::applied) return "duplicate";
        return detail::is_rejection(o) ? legacy_reason(o.why ? o.why->code : errc::internal) : std::string_view{};
    });
    w.end_object();
    return body;
}

/// Reads a push's answer. @param items what was sent: an outcome's row is read by its model
/// @param inbound  shapes the rows; empty: none
/// @return `errc::unsupported` when the peer does not answer with `outcomes`
[[nodiscard]] inline result<push_reply> read_push_answer(std::string_view body, const schema_set& schemas, const std::vector<batch_item>& items,
                                                         const json_limits& limits, const payload_mapper& inbound = {}) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the answer to a push is a JSON object");
    const auto list = root.find("outcomes");
    if (!list || !list->is_array())
        return make_fault(errc::unsupported, "the server answers without `outcomes`; it is not a Syncline server");
    push_reply out;
    auto epoch = detail::read_text(root, "epoch");
    if (!epoch) return std::move(epoch).error();
    out.epoch = std::move(*epoch);
    auto head = detail::read_integer(root, "head", 0);
    if (!head) return std::move(head).error();
    out.head_stamp = *head;
    auto told_whole = detail::read_integer(root, "told_whole", 0);
    if (!told_whole) return std::move(told_whole).error();
    out.told_whole = *told_whole;
    std::unordered_map<std::string_view, const batch_item*> sent;
    for (const auto& i : items) sent.emplace(i.id, &i);
    for (const auto& entry : *list) {
        // What is no outcome leaves its mutation undecided: it is sent again under its id, and the receipt answers.
        outcome o;
        o.id = detail::text_or_empty(entry, "mutation_id");
        const auto found = sent.find(o.id);
        if (found == sent.end()) continue;
        const batch_item* const item = found->second;
        const std::string status = detail::text_or_empty(entry, "status");
        bool known = false;
        for (const auto kind : {outcome_kind::applied, outcome_kind::superseded, outcome_kind::refused, outcome_kind::held, outcome_kind::error})
            if (name_of(kind) == status) o.kind = kind, known = true;
        const auto version = detail::read_integer(entry, "row_version", 0);
        if (!known || !version || *version < 0) {
            ++out.unreadable;
            continue;
        }
        o.version = *version;
        o.clean = detail::flag(entry, "clean");
        o.out_of_view = detail::flag(entry, "out_of_view");
        if (const auto row = entry.find("row")) {
            record r;
            field_set named;
            const bool there = !row->is_null();
            auto read = there ? detail::read_fields(*row, schemas[item->what.key.model], "row", {}, detail::unknown_member::pass_over, r, named)
                              : result<void>{};
            if (read && there) read = shape_row(inbound, schemas[item->what.key.model], item->what.key, r);
            // A row that cannot be read comes again with the next pull, where it is kept.
            o.carries_row = read.has_value();
            if (read && there) o.row = std::move(r);
        }
        if (const auto reason = entry.find("reason"))
            o.why = wait_reason{errc_named(reason->as_string()).value_or(errc::internal), detail::text_or_empty(entry, "detail")};
        if (const auto messages = entry.find("messages"); messages && messages->is_array())
            for (const auto& m : *messages)
                if (m.is_object()) o.messages.push_back({detail::text_or_empty(m, "field"), detail::text_or_empty(m, "text")});
        o.rule = detail::text_or_empty(entry, "rule");
        o.exact = out.told_whole != 0 && o.kind == outcome_kind::applied && o.version == out.told_whole && o.clean && !o.carries_row;
        out.outcomes.push_back(std::move(o));
    }
    return out;
}

/// Writes a page (sheet 3), with the row's version for those who know it.
[[nodiscard]] inline std::string write_pull_answer(const schema_set& schemas, const pull_answer& answer, bool extended) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("snapshots");
    w.begin_array();
    for (const auto& row : answer.rows.rows) {
        const auto& schema = schemas[row.key.model];
        w.begin_object();
        w.key("entity_id");
        w.string(row.key.key);
        w.key("model");
        w.string(schema.name);
        w.key("operation");
        w.string(row.row ? "upsert" : "delete");
        w.key("payload");
        w.begin_object();
        if (row.row && extended) write_fields(w, schema, *row.row);
        if (row.row && !extended) write_untagged_fields(w, schema, *row.row);
        w.end_object();
        if (extended && leaves_view(row)) {
            w.key("out_of_view");
            w.boolean(true);
        } else if (extended) {
            w.key("row_version");
            w.integer(row.version);
            if (!row.contains.empty()) {
                w.key("contains");
                w.string(row.contains);
            }
        }
        w.end_object();
    }
    w.end_array();
    w.key("new_sync_cursor");
    w.integer(answer.rows.next);
    w.key("has_more");
    w.boolean(answer.rows.more);
    if (extended) {
        w.key("syncline");
        w.integer(extension_version);
        w.key("epoch");
        w.string(answer.epoch);
        w.key("head");
        w.integer(answer.head_stamp);
        w.key("head_seq");
        w.integer(answer.rows.head_seq);
    }
    w.end_object();
    return body;
}

namespace detail {

// What a row that cannot be read is kept as. @param text  the row as received
[[nodiscard]] inline unread_row unread_of(json_view entry, std::int64_t head_seq, std::string text, fault why) {
    unread_row out;
    out.why = {why.code, std::move(why.detail)};
    const auto name = [&](std::string_view member) -> std::string {
        const auto v = entry.find(member);
        if (!v || !v->is_string() || v->as_string().size() > max_key_length || has_nul(v->as_string())) return {};
        return std::string{v->as_string()};
    };
    out.name.model = std::string{short_model_name(name("model"))};
    out.name.key = name("entity_id");
    if (const auto version = entry.find("row_version"))
        if (const auto n = version->as_int(); n && *n > 0 && (head_seq <= 0 || *n <= head_seq)) out.version = *n;
    if (out.name.model.empty() || out.name.key.empty()) {
        sha256 hash;
        hash.update(text);
        const auto octets = hash.finish();
        out.name = {{}, hex_encode({reinterpret_cast<const char*>(octets.data()), 16})};
        out.version = 0;
    }
    if (text.size() <= max_unread_text) out.text = std::move(text);
    return out;
}

}  // namespace detail

/// Reads one row of a page.
/// @param head_seq  the newest `bundle_seq` of the server; 0: not known
/// @param inbound   shapes the row; empty: none
/// @return `errc::unknown_model`, `errc::invalid_key`, `errc::malformed_message` or `errc::malformed_value`, naming the member or field; or the
///         fault of @p inbound
[[nodiscard]] inline result<row_image> read_snapshot(json_view entry, const schema_set& schemas, std::int64_t head_seq, const payload_mapper& inbound = {}) {
    if (!entry.is_object()) return make_fault(errc::malformed_message, "a snapshot is an object, not ", name_of(entry.kind()));
    const auto name = entry.find("model");
    if (!name || !name->is_string()) return make_fault(errc::malformed_message, "`model` is missing; it is a string");
    const auto model = schemas.find(short_model_name(name->as_string()));
    if (!model) return make_fault(errc::unknown_model, "no model `", name->as_string(), "` is registered on this device");
    const model_schema& schema = schemas[*model];
    auto key = detail::read_key(entry, schema);
    if (!key) return std::move(key).error();
    row_image row;
    row.key = {*model, std::move(*key)};
    if (detail::flag(entry, "out_of_view")) return row;
    const auto version = entry.find("row_version");
    if (!version) return make_fault(errc::malformed_message, "`row_version` is missing");
    const auto number = version->as_int();
    if (!number || *number < 1) return make_fault(errc::malformed_message, "`row_version` is a whole number of 64 bits, at least 1");
    if (head_seq > 0 && *number > head_seq) return make_fault(errc::malformed_message, "`row_version` is newer than the server's newest bundle");
    row.version = *number;
    auto contains = detail::read_text(entry, "contains");
    if (!contains) return std::move(contains).error();
    row.contains = std::move(*contains);
    const auto operation = entry.find("operation");
    if (!operation || !operation->is_string()) return make_fault(errc::malformed_message, "`operation` is missing; it is upsert or delete");
    if (operation->as_string() == "delete") return row;
    const auto payload = entry.find("payload");
    if (!payload) return make_fault(errc::malformed_message, "`payload` is missing; an upsert carries one");
    record r;
    field_set named;
    if (auto fields = detail::read_fields(*payload, schema, "payload", {}, detail::unknown_member::pass_over, r, named); !fields)
        return std::move(fields).error();
    // Fields that the server does not know yet are null; a row without a single one is not of this model.
    if (named.empty() && !schema.fields.empty()) return make_fault(errc::malformed_message, "`payload` has none of the fields of model `", schema.name, "`");
    if (auto done = shape_row(inbound, schema, row.key, r); !done) return std::move(done).error();
    row.row = std::move(r);
    return row;
}

/// Reads a page that was asked for from @p from on. Rows that cannot be read are in `unread`, as they came.
/// @return `errc::malformed_message` for what is no page, `errc::unsupported` when rows come without versions
[[nodiscard]] inline result<pull_reply> read_pull_answer(std::string_view body, const schema_set& schemas, cursor from, const json_limits& limits,
                                                         const payload_mapper& inbound = {}) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "the answer to a pull is a JSON object");
    pull_reply out;
    auto epoch = detail::read_text(root, "epoch");
    if (!epoch) return std::move(epoch).error();
    out.epoch = std::move(*epoch);
    out.rows.from = from;
    auto next = detail::read_integer(root, "new_sync_cursor", from);
    if (!next) return std::move(next).error();
    if (*next < from) return make_fault(errc::malformed_message, "the server's cursor went back");
    out.rows.next = *next;
    if (const auto more = root.find("has_more"); more && !more->is_null()) {
        if (!more->is_boolean()) return make_fault(errc::malformed_message, "`has_more` is true or false, not ", name_of(more->kind()));
        out.rows.more = *more->as_bool();
    }
    auto head = detail::read_integer(root, "head", *next);
    if (!head) return std::move(head).error();
    out.head_stamp = *head;
    auto seq = detail::read_integer(root, "head_seq", 0);
    if (!seq) return std::move(seq).error();
    out.rows.head_seq = *seq;
    const auto list = root.find("snapshots");
    if (list ? !list->is_array() : *next != from)
        return make_fault(errc::malformed_message, "`snapshots` is missing or no array, and what the cursor would pass over would be lost");
    if (!list) return out;
    const bool extended = root.find("syncline").has_value();
    for (const auto& entry : *list) {
        if (!extended && entry.is_object() && !entry.find("row_version"))
            return make_fault(errc::unsupported, "the server sends rows without versions; it is not a Syncline server");
        auto row = read_snapshot(entry, schemas, *seq, inbound);
        if (row) {
            out.rows.rows.push_back(std::move(*row));
            continue;
        }
        std::string text;
        json_writer w{text};
        entry.write_to(w);
        const bool gone = row.error().code == errc::unknown_model && detail::text_or_empty(entry, "operation") == "delete";
        auto kept = detail::unread_of(entry, *seq, std::move(text), std::move(row).error());
        if (gone && !kept.name.model.empty())
            out.rows.gone.push_back(std::move(kept.name));
        else
            out.rows.unread.push_back(std::move(kept));
    }
    return out;
}

/// Reads a row that was kept as it came. One without a name or a version that can be trusted is not taken from its text.
[[nodiscard]] inline result<row_image> read_kept_row(const unread_row& kept, const schema_set& schemas, const json_limits& limits,
                                                     const payload_mapper& inbound = {}) {
    if (kept.version == 0) return fault{kept.why.code, kept.why.detail};
    if (kept.text.empty()) return make_fault(errc::too_large, "the row was too long to be kept");
    auto tape = json_tape::parse(kept.text, limits);
    if (!tape) return std::move(tape).error();
    return read_snapshot(tape->root(), schemas, 0, inbound);
}

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
