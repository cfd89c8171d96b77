#ifndef SYNCLINE_ADAPTERS_SQLITE_ASSIGNED_KEY_HPP
#define SYNCLINE_ADAPTERS_SQLITE_ASSIGNED_KEY_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// SQL for a new ULID: 48 bits of milliseconds by SQLite's own clock, 80 random bits by SQLite's own generator. Any program can run it.
/// It is no subquery: one that names no column would be computed once for all rows of a statement.
[[nodiscard]] inline std::string sqlite_new_ulid() {
    constexpr std::string_view letter = "substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',1+(";
    std::string out;
    for (int shift = 45; shift >= 0; shift -= 5) {
        out.append(out.empty() ? "" : "||").append(letter).append("CAST((julianday('now')-2440587.5)*86400000 AS INTEGER)>>");
        out.append(std::to_string(shift)).append("&31),1)");
    }
    for (int i = 0; i < 16; ++i) out.append("||").append(letter).append("random()&31),1)");
    return out;
}

/// SQL for whether @p key, an expression, is no sync key yet.
[[nodiscard]] inline std::string sqlite_is_nameless(const std::string& key) {
    std::string out{"("};
    return out.append(key).append(" IS NULL OR ").append(key).append("='')");
}

/// SQL that gives every row of the table a sync key that has none.
[[nodiscard]] inline std::string sqlite_name_all(const std::string& table, const std::string& key) {
    const std::string column = sqlite_quoted(key);
    std::string out{"UPDATE main."};
    return out.append(sqlite_quoted(table)).append(" SET ").append(column).append("=").append(sqlite_new_ulid()).append(" WHERE ").append(sqlite_is_nameless(column));
}

/// Whether the trigger that gives new rows their keys stands on @p table (`make_sqlite_key_triggers`).
[[nodiscard]] inline result<bool> sqlite_names_rows(sqlite_database& db, const sqlite_table& table, const std::string& trigger_prefix) {
    auto s = db.prepare("SELECT 1 FROM main.sqlite_schema WHERE type='trigger' AND name=?1 COLLATE NOCASE AND tbl_name=?2 COLLATE NOCASE");
    if (!s) return s.error();
    s->bind_text(1, std::string{trigger_prefix}.append("ki")).bind_text(2, table.name);
    return s->step();
}

/// Makes the table ready for a key that the store assigns: the column is added where it is missing, rows without a key get one, and it is made unique. Runs inside the
/// caller's transaction, without the app's triggers: nothing is changed that they could know of.
/// Where our trigger stands that gives new rows their key, rows without one are left to the store, which captures what it does to them.
/// @param trigger_prefix  what the names of our triggers on the table begin with
/// @return `errc::unsupported`, by name: a column that cannot hold a ULID, or two rows with one key
[[nodiscard]] inline result<void> prepare_sqlite_assigned_key(sqlite_database& db, const model_schema& model, const std::string& trigger_prefix) {
    if (!model.key_assigned) return {};
    auto table = read_sqlite_table(db, model.table_name());
    if (!table) return std::move(table).error();
    const std::string t = sqlite_quoted(table->name);
    const std::string key = sqlite_quoted(model.key_name);
    const sqlite_column* const column = table->find(model.key_name);
    if (column == nullptr) {
        std::string add{"ALTER TABLE main."};
        if (auto ok = db.execute(add.append(t).append(" ADD COLUMN ").append(key).append(" TEXT")); !ok) return ok;
    } else if (column->affinity != sqlite_affinity::text) {
        return make_fault(errc::unsupported, "table `", table->name, "`: key column `", model.key_name, "` is declared `", column->declared,
                          "` and shall hold ULIDs; declare it TEXT");
    }
    auto named_by_trigger = sqlite_names_rows(db, *table, trigger_prefix);
    if (!named_by_trigger) return std::move(named_by_trigger).error();
    if (!*named_by_trigger) {
        int triggers = 1;
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &triggers);
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
        auto named = db.execute(sqlite_name_all(table->name, model.key_name));
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, triggers, nullptr);
        if (!named) return named;
    }
    const auto& unique = table->unique_indexes;
    if (std::any_of(unique.begin(), unique.end(), [&](const sqlite_unique_index& i) { return i.is_of_key(model.key_name); })) return {};
    std::string name = table->name;
    name.append("_").append(model.key_name).append("_unique");
    std::string make{"CREATE UNIQUE INDEX main."};
    auto made = db.execute(make.append(sqlite_quoted(name)).append(" ON ").append(t).append("(").append(key).append(" COLLATE BINARY)"));
    if (!made && made.error().code == errc::constraint)
        return make_fault(errc::unsupported, "table `", table->name, "`: two rows have one key in `", model.key_name, "`; a sync key names one record");
    return made;
}

SYNCLINE_NAMESPACE_END

#endif
