#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_FIELDS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_FIELDS_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A field that the device's rows tell nothing of, until its state was fetched anew.
struct sqlite_unseen_field {
    std::string name;
    value otherwise;  ///< what the rows have that nobody has set it in: the column's default when the program learnt of the field

    friend bool operator==(const sqlite_unseen_field&, const sqlite_unseen_field&) = default;
};

/// A model's key and fields as the bookkeeping was last used with: images and intents are kept by position in this list.
struct sqlite_replica_fields {
    std::string key_name;
    std::vector<std::string> names;
    std::vector<value_kind> kinds;  ///< empty: not remembered; made before layout 3
    std::vector<sqlite_unseen_field> unseen;

    friend bool operator==(const sqlite_replica_fields&, const sqlite_replica_fields&) = default;
};

/// What is to be remembered of @p model.
[[nodiscard]] inline sqlite_replica_fields sqlite_replica_fields_of(const model_schema& model) {
    sqlite_replica_fields out{model.key_name, {}, {}, {}};
    for (const auto& f : model.fields) {
        out.names.push_back(f.name);
        out.kinds.push_back(f.kind);
    }
    return out;
}

/// The names' stored form.
[[nodiscard]] inline std::string encode_sqlite_field_names(const sqlite_replica_fields& fields) {
    std::string out;
    byte_writer w{out};
    w.text(fields.key_name);
    w.number(fields.names.size());
    for (const auto& name : fields.names) w.text(name);
    return out;
}

/// The kinds' stored form.
[[nodiscard]] inline std::string encode_sqlite_field_kinds(const sqlite_replica_fields& fields) {
    std::string out;
    for (const auto kind : fields.kinds) out.push_back(static_cast<char>(static_cast<unsigned char>(kind)));
    return out;
}

/// The stored form of @p unseen; empty: there is none.
[[nodiscard]] inline std::string encode_sqlite_unseen(const std::vector<sqlite_unseen_field>& unseen) {
    std::string out;
    byte_writer w{out};
    for (const auto& field : unseen) {
        w.text(field.name);
        w.put(field.otherwise);
    }
    return out;
}

/// Reads that form. @return `errc::corrupt`
[[nodiscard]] inline result<std::vector<sqlite_unseen_field>> decode_sqlite_unseen(std::string_view unseen) {
    byte_reader in{unseen};
    std::vector<sqlite_unseen_field> out;
    while (!in.at_end() && !in.failed()) {
        std::string name = in.text();
        out.push_back({std::move(name), in.get_value()});
    }
    if (in.failed()) return make_fault(errc::corrupt, "the bookkeeping of a model's new fields does not decode; the bookkeeping tables were changed or damaged");
    return out;
}

/// Reads the stored forms of names and kinds. @return `errc::corrupt`, naming @p model
[[nodiscard]] inline result<sqlite_replica_fields> decode_sqlite_fields(std::string_view names, std::string_view kinds, const std::string& model) {
    byte_reader in{names};
    sqlite_replica_fields out;
    out.key_name = in.text();
    const std::uint64_t n = in.number();
    for (std::uint64_t i = 0; i < n && !in.failed(); ++i) out.names.push_back(in.text());
    for (const char kind : kinds) out.kinds.push_back(static_cast<value_kind>(kind));
    if (!in.at_end() || (!out.kinds.empty() && out.kinds.size() != out.names.size()))
        return make_fault(errc::corrupt, "the bookkeeping of model `", model, "` does not decode");
    return out;
}

/// What the table's columns under the remembered fields are called now, read from the statement of our own trigger before deletes: SQLite rewrites it
/// when a column is renamed.
/// @param trigger_sql  as `sqlite_schema` has it; empty: it is not there any more
/// @return key and fields; nothing: the trigger does not stand, or is not ours
[[nodiscard]] inline std::optional<std::vector<std::string>> renamed_sqlite_columns(std::string_view trigger_sql, std::size_t fields) {
    constexpr std::string_view opening = "VALUES(3,";
    std::size_t at = trigger_sql.rfind(opening);
    if (at == std::string_view::npos) return std::nullopt;
    at += opening.size();
    std::vector<std::string> out;
    constexpr std::string_view looked_up = "coalesce((SELECT ";
    for (;;) {
        // A reference stands there as what the map says of the column, or the column itself.
        const bool looks_up = trigger_sql.substr(at, looked_up.size()) == looked_up;
        if (looks_up) {
            constexpr std::string_view otherwise = "),OLD.";
            const std::size_t column = trigger_sql.find(otherwise, at);
            if (column == std::string_view::npos) return std::nullopt;
            at = column + 2;
        }
        if (trigger_sql.substr(at, 4) != "OLD.") return std::nullopt;
        at += 4;
        std::string name;
        if (at < trigger_sql.size() && trigger_sql[at] == '"') {
            for (++at; at < trigger_sql.size(); ++at) {
                if (trigger_sql[at] == '"' && trigger_sql.substr(at + 1, 1) != "\"") break;
                if (trigger_sql[at] == '"') ++at;
                name.push_back(trigger_sql[at]);
            }
            ++at;
        } else {
            for (; at < trigger_sql.size() && trigger_sql[at] != ',' && trigger_sql[at] != ')'; ++at) name.push_back(trigger_sql[at]);
        }
        out.push_back(std::move(name));
        if (looks_up) ++at;
        if (at >= trigger_sql.size()) return std::nullopt;
        if (trigger_sql[at] == ')') break;
        ++at;
    }
    if (out.size() != fields + 1) return std::nullopt;
    return out;
}

/// Where each field of a model stands in what was remembered.
struct sqlite_field_moves {
    std::vector<std::optional<std::size_t>> from;  ///< by the model's field: its old place; nothing: it is new
    std::vector<bool> other_kind;                  ///< by the model's field: its values were read as another kind
    std::size_t remembered = 0;                    ///< how many fields there were

    /// Whether every field stands where it stood and is read as it was.
    [[nodiscard]] bool changes_nothing() const {
        for (std::size_t i = 0; i < from.size(); ++i)
            if (from[i] != i || other_kind[i]) return false;
        return from.size() == remembered;
    }
    [[nodiscard]] bool adds_fields() const { return std::find(from.begin(), from.end(), std::nullopt) != from.end(); }
    /// The fields that are new, as the model has them.
    [[nodiscard]] field_set added() const {
        field_set out;
        for (std::size_t i = 0; i < from.size(); ++i)
            if (!from[i]) out.insert(static_cast<field_index>(i));
        return out;
    }
    /// Where the fields of @p old stand now; those that are gone fall out.
    [[nodiscard]] field_set moved(const field_set& old) const {
        field_set out;
        for (std::size_t i = 0; i < from.size(); ++i)
            if (from[i] && old.contains(static_cast<field_index>(*from[i]))) out.insert(static_cast<field_index>(i));
        return out;
    }
    /// The new place of the field that stood at @p old; nothing: it is gone.
    [[nodiscard]] std::optional<std::size_t> to(std::size_t old) const {
        const auto at = std::find(from.begin(), from.end(), std::optional<std::size_t>{old});
        if (at == from.end()) return std::nullopt;
        return static_cast<std::size_t>(at - from.begin());
    }
};

/// Compares @p model with what was remembered.
/// @param renamed  from `renamed_sqlite_columns`
/// @return `errc::schema_mismatch` where the key is another column
[[nodiscard]] inline result<sqlite_field_moves> moves_of_sqlite_fields(const model_schema& model, const sqlite_replica_fields& old,
                                                                       const std::optional<std::vector<std::string>>& renamed) {
    const auto now_called = [&](std::size_t i) -> const std::string& { return renamed ? (*renamed)[i + 1] : old.names[i]; };
    if (model.key_name != old.key_name && (!renamed || renamed->front() != model.key_name))
        return make_fault(errc::schema_mismatch, "model `", model.name, "` was synced with the key column `", old.key_name, "` and now names `",
                          model.key_name, "`; uninstall its bookkeeping first");
    sqlite_field_moves out;
    out.remembered = old.names.size();
    for (const auto& f : model.fields) {
        std::optional<std::size_t> place;
        for (std::size_t i = 0; i < old.names.size() && !place; ++i)
            if (now_called(i) == f.name) place = i;
        out.other_kind.push_back(place && !old.kinds.empty() && old.kinds[*place] != f.kind);
        out.from.push_back(place);
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
