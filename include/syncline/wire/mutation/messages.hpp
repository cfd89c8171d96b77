#ifndef SYNCLINE_WIRE_MUTATION_MESSAGES_HPP
#define SYNCLINE_WIRE_MUTATION_MESSAGES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/key_text.hpp>
#include <syncline/wire/mutation/legacy_values.hpp>
#include <syncline/wire/value_json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The messages of the mutation wire (sheet `mutation`, sections 2 and 3), and the optional members by which two Syncline peers keep more
/// promises. A peer that does not know them ignores them.
namespace mutation_wire {

/// The version of the optional members, in the member `syncline` of a request.
inline constexpr std::int64_t extension_version = 1;
/// The longest mutation id and client id that is taken.
inline constexpr std::size_t max_id_length = max_key_length;
/// The most bundles of its own that a pull names.
inline constexpr std::size_t max_own_bundles = 1000;
/// The most rows that a pull asks for again.
inline constexpr std::size_t max_asked_again = 1000;

/// A push as a server reads it. A mutation that cannot be read is an outcome already, and stops nobody else.
struct push_message {
    std::string client_id;
    std::string epoch;                ///< the incarnation that the device knows; empty: none yet, or a foreign client
    bool extended = false;            ///< it sends bases; otherwise `changes` are the whole payload, and `ordinal` is its `version`
    std::optional<batch_mark> mark;   ///< of the batch that the mutations are from; nothing: the device does not tell
    std::vector<mutation> mutations;  ///< those that could be read
    std::vector<std::size_t> places;  ///< where each of them stood in the request
    std::vector<outcome> unreadable;  ///< the others, by the place of `unreadable_places`
    std::vector<std::size_t> unreadable_places;
};

/// A pull as a server reads it.
struct pull_message {
    std::string client_id;
    std::string epoch;
    bool extended = false;
    pull_query query;
};

/// A push's answer as a device reads it.
struct push_reply {
    std::vector<outcome> outcomes;
    std::size_t unreadable = 0;  ///< outcomes of what was sent that could not be read; their mutations are not decided
    std::string epoch;
    cursor head_stamp = 0;
    std::int64_t told_whole = 0;  ///< `push_answer::told_whole`
};

/// A pull's answer as a device reads it. A row that cannot be read does not stop the page (W24): it is in `rows.unread`.
struct pull_reply {
    page rows;
    cursor head_stamp = 0;
    std::string epoch;
};

/// What a device calls a walk from the first row to the last that began at @p head_stamp.
[[nodiscard]] inline std::string walk_name(cursor head_stamp) { return std::string{"walk:"}.append(std::to_string(head_stamp)); }
/// The stamp in such a name; nothing: it is none.
[[nodiscard]] inline std::optional<cursor> walk_of(std::string_view name) {
    return name.starts_with("walk:") ? integral_json_number(name.substr(5)) : std::nullopt;
}

/// The path or short name of a model without any namespace before it (sheet 2.1).
[[nodiscard]] inline std::string_view short_model_name(std::string_view name) {
    const auto at = name.find_last_of("\\/");
    return at == std::string_view::npos ? name : name.substr(at + 1);
}

namespace detail {

[[nodiscard]] inline result<std::string> read_id(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    if (!v || !v->is_string() || v->as_string().empty())
        return make_fault(errc::malformed_message, "`", member, "` is missing or empty; it is a string");
    if (v->as_string().size() > max_id_length)
        return make_fault(errc::malformed_message, "`", member, "` is longer than 255 octets");
    if (has_nul(v->as_string())) return make_fault(errc::malformed_message, "`", member, "` contains a NUL");
    return std::string{v->as_string()};
}

[[nodiscard]] inline result<std::int64_t> read_integer(json_view holder, std::string_view member, std::int64_t otherwise) {
    const auto v = holder.find(member);
    if (!v || v->is_null()) return otherwise;
    auto n = v->as_int_lenient();
    if (!n) return make_fault(errc::malformed_message, "`", member, "` is a whole number of 64 bits");
    return n;
}

// A short text that need not be there; empty where it is not.
[[nodiscard]] inline result<std::string> read_text(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    if (!v || v->is_null()) return std::string{};
    if (!v->is_string()) return make_fault(errc::malformed_message, "`", member, "` is a string, not ", name_of(v->kind()));
    if (v->as_string().size() > max_id_length || has_nul(v->as_string()))
        return make_fault(errc::malformed_message, "`", member, "` is longer than 255 octets, or contains a NUL");
    return std::string{v->as_string()};
}

// A member that is an object where it is there. A PHP peer writes an empty one as an array.
[[nodiscard]] inline result<std::optional<json_view>> read_object(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    if (!v || v->is_null() || (v->is_array() && v->size() == 0)) return std::optional<json_view>{};
    if (!v->is_object()) return make_fault(errc::malformed_message, "`", member, "` is an object, not ", name_of(v->kind()));
    return v;
}

// The member `sequence` of a push.
[[nodiscard]] inline result<std::optional<batch_mark>> read_mark(json_view root) {
    auto sequence = read_object(root, "sequence");
    if (!sequence) return std::move(sequence).error();
    if (!*sequence) return std::optional<batch_mark>{};
    auto number = read_integer(**sequence, "number", 0);
    if (!number) return std::move(number).error();
    auto token = read_id(**sequence, "token");
    if (!token) return std::move(token).error();
    if (*number < 1) return make_fault(errc::malformed_message, "`sequence.number` is missing or below 1; batches are numbered from 1");
    return std::optional{batch_mark{static_cast<std::uint64_t>(*number), std::move(*token)}};
}

[[nodiscard]] inline std::string text_or_empty(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    return v ? std::string{v->as_string()} : std::string{};
}

[[nodiscard]] inline bool flag(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    return v && v->is_boolean() && *v->as_bool();
}

[[nodiscard]] inline result<std::string> read_key(json_view holder, const model_schema& schema) {
    const auto v = holder.find("entity_id");
    if (!v || !v->is_string()) return make_fault(errc::invalid_key, "`entity_id` is missing; it is a string");
    if (auto r = check_key_text(schema, v->as_string()); !r) return make_fault(r.error().code, "`entity_id`: ", r.error().detail);
    return std::string{v->as_string()};
}

// What becomes of a member that the model has no field for.
enum class unknown_member : std::uint8_t {
    refuse,     // in what a device sends: it would be lost
    pass_over,  // in what a server sends: it may know more fields than this device
};

// Members of an object as fields of a model.
[[nodiscard]] inline result<void> read_fields(json_view object, const model_schema& schema, std::string_view where, std::string_view sync_key,
                                              unknown_member unknown, record& row, field_set& named,
                                              result<value> (*read)(json_view, const field_schema&) = &read_value) {
    row.fields.resize(schema.fields.size());
    if (object.is_array() && object.size() == 0) return {};  // an empty map of a PHP peer
    if (!object.is_object()) return make_fault(errc::malformed_message, "`", where, "` is an object");
    for (const auto& member : object.members()) {
        const auto f = schema.find_field(member.key);
        if (!f) {
            if (unknown == unknown_member::pass_over || member.key == schema.key_name || member.key == sync_key) continue;
            return make_fault(errc::unknown_field, "model `", schema.name, "` has no field `", member.key, "` (in `", where, "`)");
        }
        auto v = read(member.value, schema.fields[*f]);
        if (!v) return std::move(v).error();
        row.fields[*f] = std::move(*v);
        named.insert(*f);
    }
    return {};
}

// What a client that sends no base carries: the row as it holds it, whole or the part of it that may be synced; members that this server does
// not know fall out, as they do at the original (sheet 2.5).
[[nodiscard]] inline result<void> read_legacy_payload(json_view m, const model_schema& schema, std::string_view sync_key, intent& what) {
    auto payload = read_object(m, "payload");
    if (!payload) return std::move(payload).error();
    if (what.op == operation::erase || !*payload) return {};
    record row;
    field_set named;
    if (auto r = read_fields(**payload, schema, "payload", sync_key, unknown_member::pass_over, row, named, &read_legacy_value); !r) return r;
    for (std::size_t f = 0; f < schema.fields.size(); ++f)
        if (named.contains(static_cast<field_index>(f))) what.changes.set(static_cast<field_index>(f), std::move(row.fields[f]));
    return {};
}

// The fields of a base of which the user had seen no value. One that this server does not know is refused where it is written.
[[nodiscard]] inline result<void> read_unseen(json_view base, const model_schema& schema, field_set& unseen) {
    const auto names = base.find("unseen");
    if (!names || names->is_null()) return {};
    if (!names->is_array() || names->size() > max_fields) return make_fault(errc::malformed_message, "`base.unseen` is an array of names of fields");
    for (const auto& name : *names) {
        if (!name.is_string()) return make_fault(errc::malformed_message, "`base.unseen` is an array of names of fields");
        if (const auto f = schema.find_field(name.as_string())) unseen.insert(*f);
    }
    return {};
}

// @param extended  the device sends bases
[[nodiscard]] inline result<mutation> read_mutation(json_view m, const schema_set& schemas, std::string_view sync_key, bool extended) {
    mutation out;
    auto id = read_id(m, "mutation_id");
    if (!id) return std::move(id).error();
    out.id = std::move(*id);
    const auto name = m.find("model");
    if (!name || !name->is_string()) return make_fault(errc::malformed_message, "`model` is missing; it is a string");
    const auto model = schemas.find(short_model_name(name->as_string()));
    if (!model) return make_fault(errc::unknown_model, "no model `", name->as_string(), "` is registered here");
    const model_schema& schema = schemas[*model];
    auto key = read_key(m, schema);
    if (!key) return std::move(key).error();
    out.what.key = {*model, std::move(*key)};
    const auto op = m.find("operation");
    const std::string_view verb = op ? op->as_string() : std::string_view{};
    if (verb == "create")
        out.what.op = operation::create;
    else if (verb == "update")
        out.what.op = operation::update;
    else if (verb == "delete")
        out.what.op = operation::erase;
    else
        return make_fault(errc::malformed_message, "`operation` is one of create, update and delete");
    auto number = read_integer(m, "version", 1);
    if (!number) return std::move(number).error();
    auto ms = read_integer(m, "timestamp", 0);
    if (!ms) return std::move(ms).error();
    constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)() / 1000;
    out.what.edited_at = from_microseconds(std::clamp(*ms, -most, most) * 1000);
    if (const auto exact = m.find("edited_at")) {
        auto t = parse_rfc3339(exact->as_string());
        if (!t) return make_fault(errc::malformed_value, "`edited_at` is a time in RFC 3339");
        out.what.edited_at = *t;
    }
    if (!extended) {
        if (auto r = read_legacy_payload(m, schema, sync_key, out.what); !r) return std::move(r).error();
        out.what.ordinal = static_cast<std::uint64_t>((std::max)(*number, std::int64_t{0}));
        return out;
    }

    record whole;
    field_set named;
    auto payload = read_object(m, "payload");
    if (!payload) return std::move(payload).error();
    if (out.what.op != operation::erase) {
        if (!m.find("payload")) return make_fault(errc::malformed_message, "`payload` is missing; a create or update carries its fields");
        if (*payload)
            if (auto r = read_fields(**payload, schema, "payload", sync_key, unknown_member::refuse, whole, named); !r) return std::move(r).error();
        whole.fields.resize(schema.fields.size());
        if (named.empty()) return make_fault(errc::malformed_message, "`payload` is empty; a create or update carries its fields");
    }
    auto base = read_object(m, "base");
    if (!base) return std::move(base).error();
    if (*base) {
        auto version = read_integer(**base, "row_version", 0);
        if (!version) return std::move(version).error();
        if (*version < 0) return make_fault(errc::malformed_message, "`base.row_version` is negative");
        out.what.base.row_version = *version;
        auto after = read_text(**base, "after");
        if (!after) return std::move(after).error();
        out.what.base.after = std::move(*after);
        if (auto r = read_unseen(**base, schema, out.what.unseen); !r) return std::move(r).error();
    }
    auto before = read_object(m, "before");
    if (!before) return std::move(before).error();
    if (out.what.op == operation::erase) return out;
    if (*before) {
        // `before` names the changed fields with the values that the user saw; the rest of the payload is the row as it was.
        record old;
        field_set changed;
        if (auto r = read_fields(**before, schema, "before", sync_key, unknown_member::refuse, old, changed); !r) return std::move(r).error();
        out.what.before = whole;
        for (std::size_t f = 0; f < schema.fields.size(); ++f) {
            if (!changed.contains(static_cast<field_index>(f))) continue;
            out.what.before->fields[f] = old.fields[f];
            out.what.changes.set(static_cast<field_index>(f), whole.fields[f]);
        }
    } else {
        for (std::size_t f = 0; f < schema.fields.size(); ++f)
            if (named.contains(static_cast<field_index>(f)))  // a program may not know every field: on a record that is there they stay as they are
                out.what.changes.set(static_cast<field_index>(f), whole.fields[f]);
    }
    return out;
}

}  // namespace detail

/// Writes a push request (sheet 2.1) of the first @p count of @p items, with the optional members `syncline`, `epoch`, `sequence` (with
/// `number` and `token` of @p mark), and per mutation `base` (with `row_version`, `after` and the fields that are `unseen`), `before` and `edited_at`.
[[nodiscard]] inline std::string write_push(const schema_set& schemas, std::string_view client_id, std::string_view epoch,
                                            const std::vector<batch_item>& items, std::size_t count,
                                            const std::optional<batch_mark>& mark = std::nullopt) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("client_id");
    w.string(client_id);
    w.key("syncline");
    w.integer(extension_version);
    if (!epoch.empty()) {
        w.key("epoch");
        w.string(epoch);
    }
    if (mark) {
        w.key("sequence");
        w.begin_object();
        w.key("number");
        w.integer(static_cast<std::int64_t>(mark->number));
        w.key("token");
        w.string(mark->token);
        w.end_object();
    }
    w.key("mutations");
    w.begin_array();
    for (std::size_t i = 0; i < count && i < items.size(); ++i) {
        const intent& what = items[i].what;
        const model_schema& schema = schemas[what.key.model];
        w.begin_object();
        w.key("mutation_id");
        w.string(items[i].id);
        w.key("entity_id");
        w.string(what.key.key);
        w.key("model");
        w.string(schema.name);
        w.key("operation");
        w.string(what.op == operation::erase ? "delete" : name_of(what.op));
        w.key("payload");
        w.begin_object();
        if (what.op != operation::erase) {
            field_set left_out = what.left_out();
            for (std::size_t f = 0; f < schema.fields.size(); ++f)
                if (schema.fields[f].read_only) left_out.insert(static_cast<field_index>(f));
            write_fields(w, schema, what.whole(schema.fields.size()), left_out);
        }
        w.end_object();
        w.key("version");
        w.integer(static_cast<std::int64_t>((std::max<std::uint64_t>)(what.ordinal, 1)));
        w.key("timestamp");
        w.integer(std::chrono::floor<std::chrono::milliseconds>(what.edited_at.time_since_epoch()).count());
        // `timestamp` has no room for the order within a millisecond, which is what tells an edit made after seeing a row from one before.
        if (const auto exact = format_rfc3339(what.edited_at)) {
            w.key("edited_at");
            w.string(*exact);
        }
        w.key("base");
        w.begin_object();
        w.key("row_version");
        w.integer(what.base.row_version);
        if (!what.base.after.empty()) {
            w.key("after");
            w.string(what.base.after);
        }
        if (const field_set unseen = what.changed_unseen(); !unseen.empty()) {
            w.key("unseen");
            w.begin_array();
            for (std::size_t f = 0; f < schema.fields.size(); ++f)
                if (unseen.contains(static_cast<field_index>(f))) w.string(schema.fields[f].name);
            w.end_array();
        }
        w.end_object();
        if (what.op == operation::update) {
            w.key("before");
            w.begin_object();
            for (const auto& change : what.changes) {
                if (change.field >= schema.fields.size() || schema.fields[change.field].read_only) continue;
                w.key(schema.fields[change.field].name);
                write_value(w, schema.fields[change.field],
                            what.before && change.field < what.before->fields.size() ? what.before->fields[change.field] : value{});
            }
            w.end_object();
        }
        w.end_object();
    }
    w.end_array();
    w.end_object();
    return body;
}

/// Reads a push request. A body that is not a push at all is a fault of the whole; a single mutation that is not one becomes its own
/// outcome: refused, with what is wrong.
[[nodiscard]] inline result<push_message> read_push(std::string_view body, const schema_set& schemas, const json_limits& limits,
                                                    std::size_t max_mutations, std::string_view sync_key) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "a push is a JSON object with `client_id` and `mutations`");
    push_message out;
    auto client = detail::read_id(root, "client_id");
    if (!client) return std::move(client).error();
    out.client_id = std::move(*client);
    auto epoch = detail::read_text(root, "epoch");
    if (!epoch) return std::move(epoch).error();
    out.epoch = std::move(*epoch);
    auto extended = detail::read_integer(root, "syncline", 0);
    if (!extended) return std::move(extended).error();
    out.extended = *extended >= 1;
    if (out.extended) {
        auto mark = detail::read_mark(root);
        if (!mark) return std::move(mark).error();
        out.mark = std::move(*mark);
    }
    const auto list = root.find("mutations");
    if (!list || !list->is_array()) return make_fault(errc::malformed_message, "`mutations` is missing; it is an array");
    if (list->size() > max_mutations)
        return make_fault(errc::too_large, "the request has ", std::to_string(list->size()), " mutations, the limit is ",
                          std::to_string(max_mutations), "; send them in smaller requests");
    std::size_t place = 0;
    for (const auto& m : *list) {
        result<mutation> read = m.is_object() ? detail::read_mutation(m, schemas, sync_key, out.extended)
                                              : result<mutation>{make_fault(errc::malformed_message, "a mutation is an object")};
        if (read) {
            out.mutations.push_back(std::move(*read));
            out.places.push_back(place);
        } else {
            outcome bad;
            bad.id = m.is_object() ? detail::text_or_empty(m, "mutation_id") : std::string{};
            bad.kind = outcome_kind::refused;
            bad.why = wait_reason{read.error().code, read.error().detail};
            bad.rule = "what cannot be read is refused";
            out.unreadable.push_back(std::move(bad));
            out.unreadable_places.push_back(place);
        }
        ++place;
    }
    return out;
}

/// Writes a pull request (sheet 3) with the optional members `syncline`, `epoch`, `in_flight`, `own` (`pull_query::own`), `unread` (the records
/// that are asked for again) and `walk_started`.
[[nodiscard]] inline std::string write_pull(const schema_set& schemas, std::string_view client_id, std::string_view epoch, const pull_query& query) {
    std::string body;
    json_writer w{body};
    w.begin_object();
    w.key("client_id");
    w.string(client_id);
    w.key("last_sync_cursor");
    if (query.from == 0)
        w.null();
    else
        w.integer(query.from);
    w.key("limit");
    w.integer(static_cast<std::int64_t>(query.limit));
    w.key("syncline");
    w.integer(extension_version);
    if (!epoch.empty()) {
        w.key("epoch");
        w.string(epoch);
    }
    if (query.walk_started) {
        w.key("walk_started");
        w.integer(*query.walk_started);
    }
    if (!query.in_flight.empty()) {
        w.key("in_flight");
        w.begin_array();
        for (const auto& id : query.in_flight) w.string(id);
        w.end_array();
    }
    if (!query.own.empty()) {
        w.key("own");
        w.begin_array();
        for (const auto seq : query.own) w.integer(seq);
        w.end_array();
    }
    if (!query.again.empty()) {
        w.key("unread");
        w.begin_array();
        for (const auto& key : query.again) {
            w.begin_object();
            w.key("model");
            w.string(schemas[key.model].name);
            w.key("entity_id");
            w.string(key.key);
            w.end_object();
        }
        w.end_array();
    }
    w.end_object();
    return body;
}

/// Reads a pull request.
[[nodiscard]] inline result<pull_message> read_pull(std::string_view body, const schema_set& schemas, const json_limits& limits, std::size_t default_limit,
                                                    std::size_t max_in_flight) {
    auto tape = json_tape::parse(body, limits);
    if (!tape) return std::move(tape).error();
    const json_view root = tape->root();
    if (!root.is_object()) return make_fault(errc::malformed_message, "a pull is a JSON object with `client_id`");
    pull_message out;
    auto client = detail::read_id(root, "client_id");
    if (!client) return std::move(client).error();
    out.client_id = std::move(*client);
    auto epoch = detail::read_text(root, "epoch");
    if (!epoch) return std::move(epoch).error();
    out.epoch = std::move(*epoch);
    auto extended = detail::read_integer(root, "syncline", 0);
    if (!extended) return std::move(extended).error();
    out.extended = *extended >= 1;
    auto from = detail::read_integer(root, "last_sync_cursor", 0);
    if (!from) return std::move(from).error();
    out.query.from = *from;
    out.query.legacy = !out.extended;
    auto limit = detail::read_integer(root, "limit", static_cast<std::int64_t>(default_limit));
    if (!limit) return std::move(limit).error();
    if (*limit < 1) return make_fault(errc::malformed_message, "`limit` is at least 1");
    out.query.limit = static_cast<std::size_t>(*limit);
    if (const auto walk = root.find("walk_started"); walk && !walk->is_null()) {
        auto started = walk->as_int_lenient();
        if (!started) return make_fault(errc::malformed_message, "`walk_started` is a whole number of 64 bits");
        out.query.walk_started = *started;
    }
    if (const auto ids = root.find("in_flight")) {
        if (!ids->is_array() || ids->size() > max_in_flight) return make_fault(errc::malformed_message, "`in_flight` is an array of at most ", std::to_string(max_in_flight), " ids");
        for (const auto& id : *ids) {
            if (!id.is_string() || id.as_string().size() > max_id_length) return make_fault(errc::malformed_message, "`in_flight` holds mutation ids");
            out.query.in_flight.emplace_back(id.as_string());
        }
    }
    if (const auto own = root.find("own"); own && out.extended) {
        if (!own->is_array() || own->size() > max_own_bundles)
            return make_fault(errc::malformed_message, "`own` is an array of at most ", std::to_string(max_own_bundles), " numbers");
        for (const auto& seq : *own) {
            auto n = seq.as_int_lenient();
            if (!n) return make_fault(errc::malformed_message, "`own` holds whole numbers of 64 bits");
            out.query.own.push_back(*n);
        }
    }
    if (const auto again = root.find("unread")) {
        if (!again->is_array() || again->size() > max_asked_again)
            return make_fault(errc::malformed_message, "`unread` is an array of at most ", std::to_string(max_asked_again), " records");
        for (const auto& name : *again) {
            if (!name.is_object()) return make_fault(errc::malformed_message, "`unread` holds objects with `model` and `entity_id`");
            // A record that cannot be here need not be sent.
            const auto model = schemas.find(short_model_name(detail::text_or_empty(name, "model")));
            if (!model) continue;
            if (auto key = detail::read_key(name, schemas[*model])) out.query.again.push_back({*model, std::move(*key)});
        }
    }
    return out;
}

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
