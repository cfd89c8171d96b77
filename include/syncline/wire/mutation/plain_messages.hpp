#ifndef SYNCLINE_WIRE_MUTATION_PLAIN_MESSAGES_HPP
#define SYNCLINE_WIRE_MUTATION_PLAIN_MESSAGES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/messages.hpp>
#include <syncline/wire/mutation/payload_mapper.hpp>
#include <syncline/wire/mutation/plain_values.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// The messages of the mutation wire as the sheet has them, without our optional members: what a device exchanges with a foreign server.
namespace mutation_wire {

/// What a plain answer is read by.
struct plain_form {
    plain_values values;
    payload_mapper inbound;  ///< on what is received; empty: none
};

/// One mutation of a plain push.
struct plain_mutation {
    const batch_item* item = nullptr;
    record row;               ///< the whole row that the write makes; an erase has none
    timestamp seen_until{};   ///< the server refuses it when its row was written later
};

/// Writes a push request exactly as sheet 2.1 has it: seven members a mutation, the payload the whole row without its read-only fields. `syncline`
/// and `epoch` stand beside the list, so that a server which knows them can say so; others pass over them.
/// @param version  at least 1, and above that of every earlier mutation of these records
[[nodiscard]] inline std::string write_plain_push(const schema_set& schemas, std::string_view client_id, std::string_view epoch,
                                                  const std::vector<plain_mutation>& mutations, std::uint64_t version, const plain_values& values) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("client_id");
    w.string(client_id);
    w.key("syncline");
    w.integer(extension_version);
    w.key("epoch");
    w.string(epoch);
    w.key("mutations");
    w.begin_array();
    for (const auto& m : mutations) {
        const intent& what = m.item->what;
        const model_schema& schema = schemas[what.key.model];
        w.begin_object();
        w.key("mutation_id");
        w.string(m.item->id);
        w.key("entity_id");
        w.string(what.key.key);
        w.key("model");
        w.string(schema.name);
        w.key("operation");
        w.string(what.op == operation::erase ? "delete" : name_of(what.op));
        w.key("payload");
        if (what.op == operation::erase) {
            w.begin_array();
            w.end_array();
        } else {
            w.begin_object();
            for (std::size_t f = 0; f < schema.fields.size(); ++f) {
                if (schema.fields[f].read_only) continue;
                w.key(schema.fields[f].name);
                write_plain_value(w, f < m.row.fields.size() ? m.row.fields[f] : value{}, values);
            }
            w.end_object();
        }
        w.key("version");
        w.integer(static_cast<std::int64_t>((std::max<std::uint64_t>)(version, 1)));
        w.key("timestamp");
        w.integer(std::chrono::floor<std::chrono::milliseconds>(m.seen_until.time_since_epoch()).count());
        w.end_object();
    }
    w.end_array();
    w.end_object();
    return body;
}

namespace detail {

// The entries of a list. PHP writes one with gaps in its numbering as an object.
template <class Each>
void for_each_entry(json_view root, std::string_view member, Each each) {
    const auto list = root.find(member);
    if (!list) return;
    if (list->is_array())
        for (const auto& entry : *list) each(entry);
    else if (list->is_object())
        for (const auto& entry : list->members()) each(entry.value);
}

[[nodiscard]] inline result<row_image> read_plain_row(json_view payload, const model_schema& schema, record_key key, const plain_form& form) {
    row_image out;
    out.key = std::move(key);
    if (!payload.is_object()) return make_fault(errc::malformed_message, "`payload` is an object");
    record row;
    row.fields.resize(schema.fields.size());
    field_set told;
    for (const auto& member : payload.members()) {
        const auto f = schema.find_field(member.key);
        if (!f) continue;
        auto v = read_plain_value(member.value, schema.fields[*f], form.values);
        if (!v) return std::move(v).error();
        row.fields[*f] = std::move(*v);
        told.insert(*f);
    }
    if (told.empty() && !schema.fields.empty())
        return make_fault(errc::malformed_message, "`payload` has none of the fields of model `", schema.name, "`");
    if (auto r = shape_row(form.inbound, schema, out.key, row); !r) return std::move(r).error();
    out.row = std::move(row);
    out.told = told;
    return out;
}

[[nodiscard]] inline wait_reason plain_reason(std::string_view reason) {
    if (reason == "validation_failed") return {errc::validation_failed, "the server's validation refused it"};
    if (reason == "not_found") return {errc::absent, "the server has no such record"};
    if (reason == "conflict") return {errc::conflict, "the server's record was changed by others"};
    if (reason == "unauthorized") return {errc::forbidden, "the server does not allow it"};
    std::string detail{"the server refused it, and gives a reason that is not known here: "};
    return {errc::constraint, detail.append(reason)};
}

// What stands in `data` of a rejection, in words and by field. It may be missing, null, or an empty array.
inline void read_plain_data(json_view entry, outcome& o) {
    const auto data = entry.find("data");
    if (!data || !data->is_object()) return;
    if (const auto detail = data->find("message"); detail && detail->is_string()) o.why->detail.append(": ").append(detail->as_string());
    const auto messages = data->find("messages");
    if (!messages || !messages->is_object()) return;
    for (const auto& field : messages->members()) {
        if (field.value.is_string()) o.messages.push_back({std::string{field.key}, std::string{field.value.as_string()}});
        if (field.value.is_array())
            for (const auto& text : field.value)
                if (text.is_string()) o.messages.push_back({std::string{field.key}, std::string{text.as_string()}});
    }
}

inline void read_plain_conflict(json_view entry, const model_schema& schema, const plain_form& form, const record_key& key, outcome& o) {
    o.kind = outcome_kind::superseded;
    o.rule = "the server refused the change as older than its row";
    const auto data = entry.find("data");
    if (!data || !data->is_object()) return;
    if (const auto at = data->find("server_updated_at"); at && at->is_string()) o.written_at = syncline::detail::plain_time(at->as_string(), form.values.zone);
    const auto state = data->find("server_state");
    if (!state || !state->is_object() || state->size() == 0) return;
    // It is the record of the mutation, whatever key the state has, or none (W27). One that cannot be read comes with the next pull.
    auto row = read_plain_row(*state, schema, key, form);
    if (!row) return;
    o.carries_row = true;
    o.row = std::move(row->row);
    o.told = row->told;
}

[[nodiscard]] inline result<row_image> read_plain_snapshot(json_view entry, const schema_set& schemas, const plain_form& form) {
    if (!entry.is_object()) return make_fault(errc::malformed_message, "a snapshot is an object, not ", name_of(entry.kind()));
    const auto name = entry.find("model");
    if (!name || !name->is_string()) return make_fault(errc::malformed_message, "`model` is missing; it is a string");
    const auto model = schemas.find(short_model_name(name->as_string()));
    if (!model) return make_fault(errc::unknown_model, "no model `", name->as_string(), "` is registered on this device");
    auto key = read_key(entry, schemas[*model]);
    if (!key) return std::move(key).error();
    const auto operation = entry.find("operation");
    if (!operation || !operation->is_string()) return make_fault(errc::malformed_message, "`operation` is missing; it is upsert or delete");
    row_image row;
    row.key = {*model, std::move(*key)};
    if (operation->as_string() == "delete") return row;
    const auto payload = entry.find("payload");
    if (!payload) return make_fault(errc::malformed_message, "`payload` is missing; an upsert carries one");
    return read_plain_row(*payload, schemas[*model], std::move(row.key), form);
}

// Whether @p root is an answer without our members; a JSON error page is no answer at all.
[[nodiscard]] inline result<bool> is_plain(json_view root, std::initializer_list<std::string_view> members) {
    if (!root.is_object()) return make_fault(errc::malformed_message, "the answer is a JSON object, not ", name_of(root.kind()));
    if (root.find("syncline")) return false;
    for (const auto member : members)
        if (root.find(member)) return true;
    return make_fault(errc::malformed_message, "the answer has none of the members that the sync protocol has; does the URL lead to a sync server?");
}

}  // namespace detail

/// Reads a push's answer (sheet 2.2). A mutation that stands in none of the three lists has no outcome; `duplicate` was applied before; a delete
/// of what is not there is fulfilled; `error` is to be sent again.
/// @return nothing: the answer has our members, see `read_push_answer`
[[nodiscard]] inline result<std::optional<push_reply>> read_plain_push_answer(std::string_view body, const schema_set& schemas,
                                                                              const std::vector<batch_item>& items, const plain_form& form,
                                                                              const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    auto plain = detail::is_plain(root, {"applied", "rejected", "conflicts"});
    if (!plain) return std::move(plain).error();
    if (!*plain) return std::optional<push_reply>{};
    push_reply out;
    // The item that an entry speaks of, unless it was spoken of before.
    const auto item_of = [&](std::string_view id) -> const batch_item* {
        for (const auto& o : out.outcomes)
            if (o.id == id) return nullptr;
        const auto item = std::find_if(items.begin(), items.end(), [&](const batch_item& i) { return i.id == id; });
        return item == items.end() ? nullptr : &*item;
    };
    detail::for_each_entry(root, "applied", [&](json_view entry) {
        if (const auto* item = item_of(entry.as_string())) {
            outcome o;
            o.id = item->id;
            out.outcomes.push_back(std::move(o));
        }
    });
    detail::for_each_entry(root, "rejected", [&](json_view entry) {
        if (!entry.is_object()) return;
        const auto* item = item_of(detail::text_or_empty(entry, "mutation_id"));
        if (item == nullptr) return;
        const std::string reason = detail::text_or_empty(entry, "reason");
        if (reason.empty()) {
            ++out.unreadable;
            return;
        }
        outcome o;
        o.id = item->id;
        const bool fulfilled = reason == "not_found" && item->what.op == operation::erase;
        if (reason != "duplicate" && !fulfilled) {
            o.kind = reason == "error" ? outcome_kind::error : outcome_kind::refused;
            o.why = reason == "error" ? wait_reason{errc::internal, "the server failed on it"} : detail::plain_reason(reason);
            o.carries_row = o.why->code == errc::absent;  // the row: gone
            o.rule = "the server refused it";
            detail::read_plain_data(entry, o);
        }
        out.outcomes.push_back(std::move(o));
    });
    detail::for_each_entry(root, "conflicts", [&](json_view entry) {
        if (!entry.is_object()) return;
        const auto* item = item_of(detail::text_or_empty(entry, "mutation_id"));
        if (item == nullptr) return;
        outcome o;
        o.id = item->id;
        detail::read_plain_conflict(entry, schemas[item->what.key.model], form, item->what.key, o);
        out.outcomes.push_back(std::move(o));
    });
    return std::optional{std::move(out)};
}

/// Reads a page (sheet 3). Its rows have no version yet; those that cannot be read are in `unread`, as they came (W24). The cursor is opaque.
/// @return nothing: the answer has our members, see `read_pull_answer`
[[nodiscard]] inline result<std::optional<pull_reply>> read_plain_page(std::string_view body, const schema_set& schemas, cursor from,
                                                                       const plain_form& form, const json_limits& limits) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    auto plain = detail::is_plain(root, {"snapshots", "new_sync_cursor", "has_more"});
    if (!plain) return std::move(plain).error();
    if (!*plain) return std::optional<pull_reply>{};
    pull_reply out;
    out.rows.from = out.rows.next = from;
    if (const auto next = root.find("new_sync_cursor"); next && !next->is_null()) {
        const auto number = next->is_string() ? syncline::detail::whole_number(next->as_string())
                            : next->is_number() ? integral_json_number(next->number_text()) : std::nullopt;
        if (!number) return make_fault(errc::malformed_message, "`new_sync_cursor` is a whole number of 64 bits");
        out.rows.next = *number;
    }
    out.head_stamp = out.rows.next;
    if (const auto more = root.find("has_more"); more && !more->is_null()) {
        if (!more->is_boolean()) return make_fault(errc::malformed_message, "`has_more` is true or false, not ", name_of(more->kind()));
        out.rows.more = *more->as_bool();
    }
    detail::for_each_entry(root, "snapshots", [&](json_view entry) {
        auto row = detail::read_plain_snapshot(entry, schemas, form);
        if (row) {
            out.rows.rows.push_back(std::move(*row));
            return;
        }
        std::string text;
        json_writer w{text};
        entry.write_to(w);
        const bool gone = row.error().code == errc::unknown_model && detail::text_or_empty(entry, "operation") == "delete";
        auto kept = detail::unread_of(entry, 0, std::move(text), std::move(row).error());
        if (gone && !kept.name.model.empty())
            out.rows.gone.push_back(std::move(kept.name));
        else
            out.rows.unread.push_back(std::move(kept));
    });
    return std::optional{std::move(out)};
}

/// Reads a row that was kept as it came from a foreign server.
[[nodiscard]] inline result<row_image> read_kept_plain_row(const unread_row& kept, const schema_set& schemas, const plain_form& form,
                                                           const json_limits& limits) {
    if (kept.version == 0) return fault{kept.why.code, kept.why.detail};
    if (kept.text.empty()) return make_fault(errc::too_large, "the row was too long to be kept");
    auto tape = json_tape::parse(kept.text, limits);
    if (!tape) return std::move(tape).error();
    return detail::read_plain_snapshot(tape->root(), schemas, form);
}

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
