#ifndef SYNCLINE_ADAPTERS_SQLITE_LOCAL_KEYS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_LOCAL_KEYS_HPP

#include <syncline/adapters/sqlite/assigned_key.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How one table tells its rows apart where that is not the sync key: by the app's own primary key, which stays local. What refers to such a row holds its local
/// key, and its record holds the sync key.
///
/// The map is a table of ours, kept by triggers, with the sync key of every local key that there is or was (`make_sqlite_key_triggers`). What a log states of a
/// reference, and what is read of it, goes through the map and never through the app's table: when a cascade runs the row is gone already, SQLite gives its
/// number to the next one, and a trigger that named another of the app's tables would forbid that one's rebuild.
struct sqlite_local_keys {
    std::string table;                               ///< the app's
    std::string key;                                 ///< the sync key's column
    bool assigned = false;                           ///< `model_schema::key_assigned`
    std::string local;                               ///< the local key's column; empty: it is the sync key, or there is none of one column
    bool numbered = false;                           ///< the local key is an `INTEGER PRIMARY KEY`
    std::string default_sql;                         ///< an expression for a new local key; empty: SQLite numbers the rows
    std::string map;                                 ///< the map's name; empty: none is needed
    std::string map_column;                          ///< the local key's column in the map, as for CREATE TABLE
    std::vector<std::optional<model_id>> names;      ///< by field: whose local key the column holds; nothing: the value itself

    [[nodiscard]] bool mapped() const noexcept { return !map.empty(); }
};

/// SQL for the sync key that the local key in the column @p local_value stands for; the local key itself where none is known.
/// @param which  `sync`: as it is; `was`: as it was before what the app did since the store looked last
[[nodiscard]] inline std::string sqlite_named_by(const std::string& map, const std::string& which, const std::string& local_value) {
    std::string out{"coalesce((SELECT k."};
    out.append(which).append(" FROM ").append(sqlite_quoted(map)).append(" AS k WHERE k.\"local\"=").append(local_value).append("),");
    return out.append(local_value).append(")");
}

/// SQL for field number @p field of a row called @p row as its record has it.
/// @param names  of all models, by id
[[nodiscard]] inline std::string sqlite_field_of(const std::vector<sqlite_local_keys>& names, const sqlite_local_keys& of, std::size_t field, std::string_view row,
                                                 const std::string& column, const std::string& which = "sync") {
    std::string value{row};
    value.append(".").append(sqlite_quoted(column));
    if (field >= of.names.size() || !of.names[field]) return value;
    return sqlite_named_by(names[*of.names[field]].map, which, value);
}

namespace detail {

// The model by whose local key `column` names records, if it does.
[[nodiscard]] inline std::optional<model_id> named_by_local_key(const schema_set& schemas, const std::vector<sqlite_local_keys>& all,
                                                                const std::vector<const sqlite_table*>& tables, const sqlite_table& table,
                                                                const std::string& column, model_id target) {
    const sqlite_local_keys& other = all[target];
    if (other.local.empty()) return std::nullopt;
    for (const auto& foreign : table.foreign_keys)
        if (sqlite_same_name(foreign.column, column) && sqlite_same_name(foreign.table, other.table))
            return foreign.to.empty() || sqlite_same_name(foreign.to, other.local) ? std::optional{target} : std::nullopt;
    // The table does not say: then a column of the local key's type holds that.
    const sqlite_column* const c = table.find(column);
    const sqlite_column* const local = tables[target]->find(other.local);
    if (!schemas[target].key_assigned || c == nullptr || local == nullptr || c->affinity != local->affinity) return std::nullopt;
    return target;
}

}  // namespace detail

/// Finds out how the tables of @p schemas name their rows, and which fields hold local keys.
/// @param tables  by model id
/// @param map     from a model id to the name of its map
/// @return `errc::unsupported` or `errc::schema_mismatch`, by name: a local key that nothing fills in for a row that comes from elsewhere; one that is a field of
///         the model; a field that holds local keys and is not described as a reference
template <class MapName>
[[nodiscard]] result<std::vector<sqlite_local_keys>> sqlite_local_keys_of(const schema_set& schemas, const std::vector<const sqlite_table*>& tables, MapName map) {
    std::vector<sqlite_local_keys> out(schemas.size());
    for (model_id id = 0; id < schemas.size(); ++id) {
        const model_schema& model = schemas[id];
        const sqlite_table& table = *tables[id];
        sqlite_local_keys& keys = out[id];
        keys.table = table.name;
        keys.key = model.key_name;
        keys.assigned = model.key_assigned;
        keys.names.resize(model.fields.size());
        const std::string primary = sqlite_primary_key_of(table);
        if (primary.empty() || primary == model.key_name) continue;
        if (model.find_field(primary)) {
            if (!model.key_assigned) continue;  // the app syncs it: every copy has the same
            return make_fault(errc::schema_mismatch, "model `", model.name, "`: field `", primary, "` is the table's own primary key, which stays local beside `",
                              model.key_name, "`; leave it out of the model");
        }
        keys.local = primary;
        const sqlite_column& c = *table.find(primary);
        keys.numbered = table.rowid_column == primary;
        keys.default_sql = c.default_sql.empty() ? std::string{} : sqlite_default_expression(c.default_sql);
        keys.map_column = "\"local\" ";
        if (keys.numbered) keys.map_column.append("INTEGER PRIMARY KEY");
        else keys.map_column.append(c.declared).append(" COLLATE ").append(sqlite_quoted(c.collation)).append(" PRIMARY KEY NOT NULL");
        if (!keys.numbered && keys.default_sql.empty() && !c.generated && model.key_assigned)
            return make_fault(errc::unsupported, "table `", table.name, "`: primary key `", primary, "` has no default, so rows that come from elsewhere would have none; give it "
                              "one such as DEFAULT (lower(hex(randomblob(16)))), or make it an INTEGER PRIMARY KEY");
    }
    std::vector<bool> referred(schemas.size(), false);
    for (model_id id = 0; id < schemas.size(); ++id) {
        for (const auto& reference : schemas[id].references) {
            const auto target = schemas.find(reference.model);
            if (!target) continue;
            auto& names = out[id].names[reference.field];
            names = detail::named_by_local_key(schemas, out, tables, *tables[id], schemas[id].fields[reference.field].name, *target);
            if (names) referred[*target] = true;
        }
        for (const auto& foreign : tables[id]->foreign_keys) {
            const auto field = schemas[id].find_field(foreign.column);
            if (!field || out[id].names[*field]) continue;
            for (model_id target = 0; target < schemas.size(); ++target) {
                const sqlite_local_keys& other = out[target];
                if (!other.assigned || other.local.empty() || !sqlite_same_name(foreign.table, other.table)) continue;
                if (!foreign.to.empty() && !sqlite_same_name(foreign.to, other.local)) continue;
                return make_fault(errc::schema_mismatch, "model `", schemas[id].name, "`: field `", foreign.column, "` holds the local key of `", schemas[target].name,
                                  "`, which means nothing elsewhere; describe it as a reference to `", schemas[target].name, "`");
            }
        }
    }
    for (model_id id = 0; id < schemas.size(); ++id)
        if (!out[id].local.empty() && (out[id].assigned || referred[id])) out[id].map = map(id);
    return out;
}

/// The models as they are synced: a field that holds local keys has the kind of the other model's sync key.
/// @return nothing: they are so already
[[nodiscard]] inline result<std::optional<schema_set>> with_sync_key_kinds(const schema_set& schemas, const std::vector<sqlite_local_keys>& keys) {
    schema_set out;
    bool changed = false;
    for (model_id id = 0; id < schemas.size(); ++id) {
        model_schema model = schemas[id];
        for (std::size_t f = 0; f < model.fields.size(); ++f) {
            if (!keys[id].names[f]) continue;
            const value_kind kind = schemas[*keys[id].names[f]].key_kind;
            changed = changed || model.fields[f].kind != kind;
            model.fields[f].kind = kind;
        }
        if (auto added = out.add(std::move(model)); !added) return std::move(added).error();
    }
    if (!changed) return std::optional<schema_set>{};
    return std::optional<schema_set>{std::move(out)};
}

/// The name of the table in which the triggers note the row that an INSERT may be about to replace.
[[nodiscard]] inline std::string sqlite_replaced_name(std::string_view prefix) { return std::string{prefix}.append("replaced"); }

/// Writes the triggers that give the rows of one table their sync keys, whatever SQL inserts them, and keep its map.
///
/// A row without a key gets a ULID right after it was inserted, in the same statement's transaction; one that replaces the row under its own local key gets that row's:
/// it is the same record. A key that a row has stays: a change is refused by name, since everything that refers to the row would change its meaning unseen.
/// @param prefix    put before the triggers' names
/// @param replaced  `sqlite_replaced_name`
/// @param number    what stands for the model there
[[nodiscard]] inline std::vector<sqlite_trigger> make_sqlite_key_triggers(const sqlite_table& table, const sqlite_local_keys& keys, const std::string& prefix,
                                                                              const std::string& replaced, std::int64_t number) {
    std::vector<sqlite_trigger> out;
    if (!keys.assigned && !keys.mapped()) return out;
    const std::string t = sqlite_quoted(keys.table);
    const std::string key = sqlite_quoted(keys.key);
    const std::string local = sqlite_quoted(keys.local);
    const std::string model = std::to_string(number);
    const auto add = [&](std::string_view suffix, std::string_view when, std::string_view condition, const std::string& body) {
        out.push_back(make_sqlite_trigger(std::string{prefix}.append(suffix), when, t, condition, body));
    };
    std::string same_row;
    if (!table.rowid_name.empty()) {
        same_row.append(table.rowid_name).append("=NEW.").append(table.rowid_name);
    } else if (!table.without_rowid) {
        same_row.append(sqlite_quoted(table.rowid_column)).append("=NEW.").append(sqlite_quoted(table.rowid_column));
    } else {
        for (const auto& c : table.columns)
            if (c.primary_key > 0) same_row.append(same_row.empty() ? "" : " AND ").append(sqlite_quoted(c.name)).append("=NEW.").append(sqlite_quoted(c.name));
    }

    std::string settle;
    if (keys.assigned) {
        std::string name = sqlite_new_ulid();
        if (keys.mapped()) {
            std::string note{"DELETE FROM "};
            note.append(sqlite_quoted(replaced)).append(" WHERE model=").append(model).append("; INSERT INTO ").append(sqlite_quoted(replaced));
            note.append("(model,\"local\",sync) SELECT ").append(model).append(",").append(local).append(",").append(key).append(" FROM ").append(t);
            note.append(" WHERE ").append(local).append("=NEW.").append(local).append(" AND NOT ").append(sqlite_is_nameless(key)).append("; ");
            add("kb", "BEFORE INSERT", sqlite_is_nameless(std::string{"NEW."}.append(key)), note);
            std::string again{"coalesce((SELECT r.sync FROM "};
            again.append(sqlite_quoted(replaced)).append(" AS r WHERE r.model=").append(model).append(" AND NEW.").append(local).append("=r.\"local\" AND NOT EXISTS(SELECT 1 FROM ");
            again.append(t).append(" AS o WHERE o.").append(key).append("=r.sync)),");
            name.insert(0, again).append(")");
        }
        settle.append("UPDATE ").append(t).append(" SET ").append(key).append("=").append(name).append(" WHERE ").append(same_row).append(" AND ");
        settle.append(sqlite_is_nameless(key)).append("; ");
    }
    std::string changes = std::string{"NEW."}.append(key).append(" IS NOT OLD.").append(key).append(" COLLATE BINARY");
    if (keys.mapped()) {
        const std::string map = sqlite_quoted(keys.map);
        settle.append("INSERT INTO ").append(map).append("(\"local\",sync,was,stirred) SELECT ").append(local).append(",").append(key).append(",").append(key);
        settle.append(",0 FROM ").append(t).append(" WHERE ").append(same_row).append(" AND ").append(local).append(" IS NOT NULL AND NOT ").append(sqlite_is_nameless(key));
        // `was` stays: what other rows' logs state until the store looks is what it looked at last.
        settle.append(" ON CONFLICT(\"local\") DO UPDATE SET sync=excluded.sync,stirred=1 WHERE sync IS NOT excluded.sync; ");
    }
    add("ki", "AFTER INSERT", "", settle);
    std::string moves = changes;
    if (keys.mapped()) moves.append(" OR NEW.").append(local).append(" IS NOT OLD.").append(local);
    add("ku", "AFTER UPDATE", moves, settle);

    std::string text{"the sync key "};
    text.append(key).append(" of ").append(keys.table).append(" cannot be changed; delete the row and insert it with the other key");
    std::string quoted;
    for (const char c : text) quoted.append(c == '\'' ? 2U : 1U, c);
    std::string named{"NOT "};
    named.append(sqlite_is_nameless(std::string{"OLD."}.append(key))).append(" AND ").append(changes);
    add("kg", "BEFORE UPDATE", named, std::string{"SELECT RAISE(ABORT,'"}.append(quoted).append("'); "));
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
