#ifndef SYNCLINE_WIRE_BUNDLE_ROWS_HPP
#define SYNCLINE_WIRE_BUNDLE_ROWS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/bundle/dialect.hpp>
#include <syncline/wire/key_text.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The messages of the bundle wire (sheet `bundle`), and the optional members by which two Syncline peers keep more promises. A peer that
/// does not know those ignores them.
namespace bundle_wire {

/// The longest source id and other id that is taken.
inline constexpr std::size_t max_id_length = max_key_length;

/// Whether a member may name a column that the model does not have.
enum class unknown_column : std::uint8_t {
    refuse,     ///< in what a device sends: it would be lost
    pass_over,  ///< in what a server sends: it may know more columns than this device
};

/// @p op as the wire spells it (sheet 1.5).
[[nodiscard]] constexpr std::string_view wire_name_of(operation op) noexcept {
    switch (op) {
    case operation::create: return "INSERT";
    case operation::update: return "UPDATE";
    case operation::erase: return "DELETE";
    }
    return "UPDATE";
}

namespace detail {

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] constexpr bool same_letters(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

/// @p name as the wire spells it: in lower case (sheet 1.5), whatever letters the app uses. @param low  room for it
[[nodiscard]] inline std::string_view spelt(std::string_view name, std::string& low) {
    bool changed = false;
    for (const char c : name) changed = changed || lower(c) != c;
    if (!changed) return name;
    low.clear();
    for (const char c : name) low.push_back(lower(c));
    return low;
}

/// The member of @p holder called @p name, or one that differs in the case of letters alone.
[[nodiscard]] inline std::optional<json_view> find_name(json_view holder, std::string_view name) {
    if (const auto v = holder.find(name)) return v;
    for (const auto& member : holder.members())
        if (same_letters(member.key, name)) return member.value;
    return std::nullopt;
}

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The field whose name has those letters.
[[nodiscard]] inline std::optional<field_index> field_of(const model_schema& schema, std::string_view name) {
    if (const auto f = schema.find_field(name)) return f;
    for (std::size_t f = 0; f < schema.fields.size(); ++f)
        if (same_letters(schema.fields[f].name, name)) return static_cast<field_index>(f);
    return std::nullopt;
}

[[nodiscard]] inline bool is_reference(const model_schema& schema, std::size_t field) {
    for (const auto& r : schema.references)
        if (r.field == field) return true;
    return false;
}

/// Whether @p v is another record's UUID in its 16 octets: the wire spells it as it spells that record's key (sheet 2.10).
[[nodiscard]] inline bool holds_uuid(const model_schema& schema, std::size_t field, const value& v) {
    return v.kind() == value_kind::bytes && schema.fields[field].kind == value_kind::bytes && v.as_string().size() == uuid{}.bytes.size() && is_reference(schema, field);
}

/// @pre `holds_uuid`
[[nodiscard]] inline uuid uuid_of(const value& v) {
    uuid id;
    std::memcpy(id.bytes.data(), v.as_string().data(), id.bytes.size());
    return id;
}

/// The UUID in @p v, where @p field refers to a record by 16 octets. Nothing: it is read as any other octets, as an earlier version wrote it.
[[nodiscard]] inline std::optional<uuid> read_uuid(const model_schema& schema, std::size_t field, json_view v) {
    if (schema.fields[field].kind != value_kind::bytes || !v.is_string() || v.as_string().size() != 36 || !is_reference(schema, field)) return std::nullopt;
    auto id = parse_uuid(v.as_string());
    if (!id) return std::nullopt;
    return *id;
}

[[nodiscard]] inline result<std::int64_t> read_integer(json_view holder, std::string_view member, std::int64_t otherwise) {
    const auto v = holder.find(member);
    if (!v) return otherwise;
    auto n = v->as_int_lenient();
    if (!n) return make_fault(errc::malformed_message, "`", member, "` is a whole number of 64 bits");
    return n;
}

[[nodiscard]] inline result<std::int64_t> need_integer(json_view holder, std::string_view member, std::int64_t least) {
    const auto v = holder.find(member);
    if (!v) return make_fault(errc::malformed_message, "`", member, "` is missing");
    auto n = v->as_int_lenient();
    if (!n || *n < least)
        return make_fault(errc::malformed_message, "`", member, "` is a whole number of 64 bits, at least ", std::to_string(least));
    return n;
}

[[nodiscard]] inline result<std::string> need_text(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    if (!v || !v->is_string() || v->as_string().empty())
        return make_fault(errc::malformed_message, "`", member, "` is missing or empty; it is a string");
    if (v->as_string().size() > max_id_length) return make_fault(errc::malformed_message, "`", member, "` is longer than 255 octets");
    if (has_nul(v->as_string())) return make_fault(errc::malformed_message, "`", member, "` contains a NUL");
    return std::string{v->as_string()};
}

// An id keeps its octets: what is not one is refused, never trimmed into another one.
[[nodiscard]] inline result<void> check_id(std::string_view id, std::string_view name) {
    if (trimmed(id).empty()) return make_fault(errc::malformed_value, "`", name, "` is blank");
    if (id.size() > max_id_length) return make_fault(errc::malformed_value, "`", name, "` is longer than 255 octets");
    if (has_nul(id) || !is_valid_utf8(id)) return make_fault(errc::malformed_value, "`", name, "` is not text");
    return {};
}

[[nodiscard]] inline std::string text_or_empty(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    return v ? std::string{v->as_string()} : std::string{};
}

[[nodiscard]] inline bool flag(json_view holder, std::string_view member) {
    const auto v = holder.find(member);
    return v && v->is_boolean() && *v->as_bool();
}

}  // namespace detail

/// How the wire speaks, and which table of it is which model: the tables are the models' own (`table_name()`), all in one schema.
class table_names {
public:
    /// @param schemas  outlives this object, and so does @p speaks
    table_names(const schema_set& schemas, std::string schema_name, const dialect& speaks = g0)
        : schemas_(&schemas), schema_name_(std::move(schema_name)), speaks_(&speaks) {}

    [[nodiscard]] const schema_set& schemas() const noexcept { return *schemas_; }
    [[nodiscard]] const std::string& schema_name() const noexcept { return schema_name_; }
    /// The generation of the protocol that both sides speak.
    [[nodiscard]] const dialect& speaks() const noexcept { return *speaks_; }

    /// The model of @p table in @p schema. As the sheet has it (1.5), both are trimmed and compared without regard to case, and an empty
    /// schema means `public`. @return `errc::unknown_model`
    [[nodiscard]] result<model_id> find(std::string_view schema, std::string_view table) const {
        schema = detail::trimmed(schema);
        table = detail::trimmed(table);
        if (schema.empty()) schema = "public";
        if (detail::same_letters(schema, schema_name_)) {
            for (model_id id = 0; id < schemas_->size(); ++id)
                if ((*schemas_)[id].table_name() == table) return id;
            for (model_id id = 0; id < schemas_->size(); ++id)
                if (detail::same_letters((*schemas_)[id].table_name(), table)) return id;
        }
        return make_fault(errc::unknown_model, "no table `", schema, ".", table, "` is registered here");
    }

private:
    const schema_set* schemas_;
    std::string schema_name_;
    const dialect* speaks_;
};

/// Checks that @p what can be sent at all, so that a record that cannot is set aside by name and stops nobody else.
[[nodiscard]] inline result<void> check_sendable(const schema_set& schemas, const intent& what) {
    return check_key_text(schemas[what.key.model], what.key.key);
}

/// Writes the members `schema`, `table` and `key` of @p key into an object that the caller has opened.
inline void write_target(json_writer& w, const table_names& names, const record_key& key) {
    const model_schema& schema = names.schemas()[key.model];
    std::string low;
    w.key("schema");
    w.string(detail::spelt(names.schema_name(), low));
    w.key("table");
    w.string(detail::spelt(schema.table_name(), low));
    w.key("key");
    w.begin_object();
    w.key(detail::spelt(schema.key_name, low));
    w.string(key.key);
    w.end_object();
}

/// Reads `schema`, `table` and `key`. @return `errc::malformed_message`, `errc::unknown_model` or `errc::invalid_key`
[[nodiscard]] inline result<record_key> read_target(json_view holder, const table_names& names) {
    if (!holder.is_object()) return make_fault(errc::malformed_message, "a row is an object");
    const auto schema_member = holder.find("schema");
    if (schema_member && !schema_member->is_string()) return make_fault(errc::malformed_message, "`schema` is a string");
    const auto table = holder.find("table");
    if (!table || !table->is_string()) return make_fault(errc::malformed_message, "`table` is missing; it is a string");
    auto model = names.find(schema_member ? schema_member->as_string() : std::string_view{}, table->as_string());
    if (!model) return std::move(model).error();
    const model_schema& schema = names.schemas()[*model];
    const auto key = holder.find("key");
    if (!key || !key->is_object()) return make_fault(errc::invalid_key, "`key` is missing; it is an object with the member `", schema.key_name, "`");
    const auto v = detail::find_name(*key, schema.key_name);
    if (!v || !v->is_string()) return make_fault(errc::invalid_key, "`key` has no string in the member `", schema.key_name, "`");
    if (auto r = check_key_text(schema, v->as_string()); !r) return std::move(r).error();
    return record_key{*model, std::string{v->as_string()}};
}

/// Writes a row with its key column, as an object: the whole of it, but for the fields in @p left_out.
inline void write_payload(json_writer& w, const table_names& names, const record_key& key, const record& row, const field_set& left_out = {}) {
    static const value nothing;
    const model_schema& schema = names.schemas()[key.model];
    std::string low;
    w.begin_object();
    w.key(detail::spelt(schema.key_name, low));
    w.string(key.key);
    for (std::size_t f = 0; f < schema.fields.size(); ++f) {
        if (left_out.contains(static_cast<field_index>(f))) continue;
        const value& v = f < row.fields.size() ? row.fields[f] : nothing;
        w.key(detail::spelt(schema.fields[f].name, low));
        if (detail::holds_uuid(schema, f, v)) w.string(to_string(detail::uuid_of(v)));
        else names.speaks().write_field(w, schema.fields[f], v);
    }
    w.end_object();
}

/// Reads a payload into @p row; the fields that it names go into @p named, all others are null.
/// @return `errc::malformed_message`, `errc::unknown_field`, `errc::invalid_key` or `errc::malformed_value`, naming the column
[[nodiscard]] inline result<void> read_payload(json_view payload, const table_names& names, const record_key& key, unknown_column unknown,
                                               record& row, field_set& named) {
    const model_schema& schema = names.schemas()[key.model];
    if (!payload.is_object()) return make_fault(errc::malformed_message, "`payload` is an object");
    row.fields.resize(schema.fields.size());
    std::size_t expected = 0;  // peers send the columns in the model's order; then no name is looked for
    for (const auto& member : payload.members()) {
        if (member.key == schema.key_name || detail::same_letters(member.key, schema.key_name)) {
            if (!member.value.is_string() || member.value.as_string() != key.key)
                return make_fault(errc::invalid_key, "the column `", schema.key_name, "` of the payload is not the string that `key` has");
            continue;
        }
        const bool next = expected < schema.fields.size() && schema.fields[expected].name == member.key;
        const auto f = next ? std::optional{static_cast<field_index>(expected)} : detail::field_of(schema, member.key);
        if (!f) {
            if (unknown == unknown_column::pass_over) continue;
            return make_fault(errc::unknown_field, "table `", schema.table_name(), "` has no column `", member.key, "`");
        }
        expected = std::size_t{*f} + 1;
        named.insert(*f);
        if (const auto id = detail::read_uuid(schema, *f, member.value)) {
            row.fields[*f] = value::bytes(std::string{reinterpret_cast<const char*>(id->bytes.data()), id->bytes.size()});
            continue;
        }
        auto v = names.speaks().read_field(member.value, schema.fields[*f]);
        if (!v) return std::move(v).error();
        row.fields[*f] = std::move(*v);
    }
    return {};
}

/// Writes one row of a push (sheet 1.5). `edited_at` is ours: when the user made the change.
inline void write_push_row(json_writer& w, const table_names& names, const intent& what) {
    const model_schema& schema = names.schemas()[what.key.model];
    w.begin_object();
    write_target(w, names, what.key);
    w.key("op");
    w.string(wire_name_of(what.op));
    w.key("base_row_version");
    w.integer(what.told_row_version());
    if (what.op != operation::erase) {
        w.key("payload");
        write_payload(w, names, what.key, what.whole(schema.fields.size()), what.left_out());
    }
    if (const auto when = format_rfc3339(what.edited_at); when && what.edited_at != timestamp{}) {
        w.key("edited_at");
        w.string(*when);
    }
    w.end_object();
}

/// Reads one row of a push. An UPDATE changes the columns that it names; an INSERT leaves out what is null.
/// @param now  when the change counts as made where the row does not say it
[[nodiscard]] inline result<mutation> read_push_row(json_view row, const table_names& names, timestamp now) {
    mutation out;
    auto key = read_target(row, names);
    if (!key) return std::move(key).error();
    const model_schema& schema = names.schemas()[key->model];
    out.what.key = std::move(*key);
    const auto op = row.find("op");
    const std::string_view verb = detail::trimmed(op ? op->as_string() : std::string_view{});
    if (detail::same_letters(verb, "insert"))
        out.what.op = operation::create;
    else if (detail::same_letters(verb, "update"))
        out.what.op = operation::update;
    else if (detail::same_letters(verb, "delete"))
        out.what.op = operation::erase;
    else
        return make_fault(errc::malformed_message, "`op` is one of INSERT, UPDATE and DELETE");
    auto base = detail::read_integer(row, "base_row_version", 0);
    if (!base) return std::move(base).error();
    if (*base < 0) return make_fault(errc::malformed_message, "`base_row_version` is negative");
    out.what.base.row_version = *base;
    out.what.edited_at = now;
    if (const auto when = row.find("edited_at")) {
        auto t = parse_rfc3339(when->as_string());
        if (!t) return make_fault(errc::malformed_value, "`edited_at` is a time in RFC 3339");
        out.what.edited_at = *t;
    }
    const auto payload = row.find("payload");
    if (out.what.op == operation::erase) {
        if (payload) return make_fault(errc::malformed_message, "a DELETE must not include a payload");
        return out;
    }
    if (!payload) return make_fault(errc::malformed_message, "`payload` is missing; an INSERT or UPDATE carries the row");
    record whole;
    field_set named;
    if (auto r = read_payload(*payload, names, out.what.key, unknown_column::refuse, whole, named); !r) return std::move(r).error();
    for (std::size_t f = 0; f < schema.fields.size(); ++f) {
        const auto field = static_cast<field_index>(f);
        if (out.what.op == operation::create || named.contains(field)) out.what.changes.set(field, std::move(whole.fields[f]));
    }
    return out;
}

/// Writes one row of a sealed bundle (sheet 1.8).
inline void write_bundle_row(json_writer& w, const table_names& names, const row_change& row) {
    w.begin_object();
    write_target(w, names, row.key);
    w.key("op");
    w.string(row.after ? wire_name_of(row.op) : wire_name_of(operation::erase));
    w.key("row_version");
    w.integer(row.version);
    if (row.after) {
        w.key("payload");
        write_payload(w, names, row.key, *row.after);
    }
    w.end_object();
}

/// @p why with the row that it is about: its place from 0 in what holds it, and its table and key where they can be told.
[[nodiscard]] inline fault fault_of_row(fault why, std::size_t ordinal, json_view row) {
    std::string text{"row "};
    text.append(std::to_string(ordinal));
    const auto table = row.find("table");
    const auto key = row.find("key");
    if (table && table->is_string() && table->as_string().size() <= max_id_length) text.append(" (`").append(table->as_string());
    else text.append(" (`?");
    if (key)
        for (const auto& member : key->members())
            if (member.value.is_string() && member.value.as_string().size() <= max_id_length) text.append("` `").append(member.value.as_string());
    text.append("`): ").append(why.detail);
    return fault{why.code, std::move(text)};
}

/// Reads one row of a sealed bundle.
[[nodiscard]] inline result<row_image> read_bundle_row(json_view row, const table_names& names) {
    row_image out;
    auto key = read_target(row, names);
    if (!key) return std::move(key).error();
    out.key = std::move(*key);
    auto version = detail::need_integer(row, "row_version", 1);
    if (!version) return std::move(version).error();
    out.version = *version;
    const auto op = row.find("op");
    const std::string_view verb = op ? op->as_string() : std::string_view{};
    if (verb == "DELETE") return out;
    if (verb != "INSERT" && verb != "UPDATE") return make_fault(errc::malformed_message, "`op` is one of INSERT, UPDATE and DELETE");
    const auto payload = row.find("payload");
    if (!payload) return make_fault(errc::malformed_message, "an INSERT or UPDATE of a bundle carries a payload");
    record r;
    field_set named;
    if (auto read = read_payload(*payload, names, out.key, unknown_column::pass_over, r, named); !read)
        return std::move(read).error();
    out.row = std::move(r);
    return out;
}

/// Writes one row of a snapshot (sheet 1.12).
inline void write_snapshot_row(json_writer& w, const table_names& names, const row_image& row) {
    w.begin_object();
    write_target(w, names, row.key);
    w.key("row_version");
    w.integer(row.version);
    w.key("payload");
    write_payload(w, names, row.key, row.row ? *row.row : record{});
    w.end_object();
}

/// Reads one row of a snapshot.
[[nodiscard]] inline result<row_image> read_snapshot_row(json_view row, const table_names& names) {
    row_image out;
    auto key = read_target(row, names);
    if (!key) return std::move(key).error();
    out.key = std::move(*key);
    auto version = detail::need_integer(row, "row_version", 1);
    if (!version) return std::move(version).error();
    out.version = *version;
    const auto payload = row.find("payload");
    if (!payload) return make_fault(errc::malformed_message, "a row of a snapshot carries a payload");
    record r;
    field_set named;
    if (auto read = read_payload(*payload, names, out.key, unknown_column::pass_over, r, named); !read)
        return std::move(read).error();
    out.row = std::move(r);
    return out;
}

/// Computes a bundle's hash (sheet 2.11) over its rows as they stand on the wire, so that both sides hash the same text.
class bundle_hasher {
public:
    bundle_hasher() { hash_.update("["); }

    /// Adds the next row, an object as of sheet 1.8. @return a fault for what cannot be a row
    [[nodiscard]] result<void> add(json_view row, const dialect& speaks = g0) {
        std::string text{count_ == 0 ? "" : ","};
        if (auto r = speaks.append_hashed(text, row, count_); !r) return r;
        hash_.update(text);
        ++count_;
        return {};
    }

    /// How many rows were added.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    /// The hash in lower-case hexadecimal digits. Call it once.
    [[nodiscard]] std::string finish() {
        hash_.update("]");
        return sha256_hex_of(hash_.finish());
    }

private:
    sha256 hash_;
    std::size_t count_ = 0;
};

/// The hash of @p rows as this side writes them.
[[nodiscard]] inline result<std::string> bundle_hash(const table_names& names, const std::vector<row_change>& rows) {
    bundle_hasher hasher;
    std::string text;
    for (const auto& row : rows) {
        text.clear();
        json_writer w{text};
        write_bundle_row(w, names, row);
        const auto tape = json_tape::parse(text, json_limits{std::size_t{1} << 30, 64, std::size_t{1} << 30});
        if (!tape) return tape.error();
        if (auto r = hasher.add(tape->root(), names.speaks()); !r) return std::move(r).error();
    }
    return hasher.finish();
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
