#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_CAPTURE_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_CAPTURE_HPP

#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/detach.hpp>
#include <syncline/adapters/sqlite/key_map.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/adapters/sqlite/write_guards.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Writes the triggers by which an authority learns which records of one table any SQL touches.
///
/// They append keys and nothing else; what became of the record is read when it is sealed. All but those for keys that SQLite
/// makes up are BEFORE triggers, since of several AFTER triggers the one made last runs first. A key that is named although
/// nothing came of it is harmless.
/// REPLACE removes rows without a trigger, so every row that a new one would collide with is named before: by each unique
/// index and by the rowid. Changes of the key are told by a condition rather than by UPDATE OF, which sees neither `SET rowid`
/// nor generated columns. No trigger uses INSERT OR ...: the outer statement's policy would override it.
///
/// What a soft-delete column makes of a row is told by the row as well; the triggers only name it in a comment: with another one they are
/// other triggers, and the table is staged whole.
///
/// @param number    what stands for the model in the stage
/// @param owner     the owner column; empty: one tenant
/// @pre `check_sqlite_model(table, model)`
[[nodiscard]] inline std::vector<sqlite_trigger> make_sqlite_authority_capture(const sqlite_table& table, const model_schema& model,
                                                                               std::int64_t number, const std::string& owner) {
    const std::string t = sqlite_quoted(table.name);
    const std::string key = sqlite_quoted(model.key_name);
    const std::string own = owner.empty() ? std::string{} : sqlite_quoted(owner);
    const bool numbered = table.rowid_column == model.key_name;

    std::string trash;
    if (model.times.deleted_at.is_there()) {
        trash.append("/* gone where not NULL: ");
        for (const char c : model.times.deleted_at.name) trash.append(1, c == '/' ? '_' : c);  // the comment does not end early
        trash.append(" */\n");
    }
    const auto of = [](std::string_view row, const std::string& column) {
        std::string out{row};
        return out.append(".").append(column);
    };
    const auto coming = [&](const std::string& column) { return sqlite_coming_value(table, column); };
    std::string into{"INSERT INTO \"syncline_authority_stage\"(model,key"};
    into.append(own.empty() ? ") " : ",tenant) ");
    const auto named = [&](const std::string& what, std::string_view row) {
        std::string out{into};
        out.append("SELECT ").append(std::to_string(number)).append(",").append(what);
        if (!own.empty()) out.append(",").append(row).append(own);
        return out;
    };
    // Rows that stand in the new one's way and are not the record itself.
    const std::string victims = named(key, "").append(" FROM ").append(t).append(" WHERE ");
    const auto collisions = [&](bool update) {
        std::string out;
        const std::string other = std::string{" AND "}.append(key).append(" IS NOT ").append(of(update ? "OLD" : "NEW", key));
        if (!own.empty()) {
            // A key that another tenant holds: it loses the record.
            out.append(victims).append(key).append("=").append(coming(model.key_name)).append(" AND ").append(own).append(" IS NOT ");
            out.append(of("NEW", own)).append(" COLLATE BINARY");
            if (update) out.append(" AND ").append(of("NEW", key)).append(" IS NOT ").append(of("OLD", key));
            out.append(";\n");
        }
        for (const auto& index : table.unique_indexes) {
            if (index.is_of_key(model.key_name)) continue;
            out.append(victims);
            std::string changed;
            for (std::size_t i = 0; i < index.parts.size(); ++i) {
                const auto& part = index.parts[i];
                const std::string column = sqlite_quoted(part.column);
                if (i != 0) out.append(" AND ");
                out.append(column).append("=").append(coming(part.column)).append(" COLLATE ").append(sqlite_quoted(part.collation));
                changed.append(i == 0 ? "" : " OR ").append(of("NEW", column)).append(" IS NOT ").append(of("OLD", column)).append(" COLLATE BINARY");
            }
            out.append(other);
            if (update) out.append(" AND (").append(changed).append(")");
            const std::string sources = update ? sqlite_computed_from(table, index) : std::string{};
            if (!sources.empty()) out.append(" AND ").append(sources);
            out.append(";\n");
        }
        if (!numbered && !table.without_rowid && !table.rowid_name.empty()) {
            const std::string rowid = table.rowid_column.empty() ? table.rowid_name : sqlite_quoted(table.rowid_column);
            out.append(victims).append(rowid).append("=").append(of("NEW", rowid)).append(other);
            if (update) out.append(" AND ").append(of("NEW", rowid)).append(" IS NOT ").append(of("OLD", rowid));
            out.append(";\n");
        }
        return out;
    };

    std::vector<sqlite_trigger> out;
    const auto add = [&](std::string_view suffix, std::string_view when, std::string body) {
        std::string name{sqlite_authority_prefix};
        name.append(table.name).append("_").append(suffix);
        std::string sql{"CREATE TRIGGER "};
        sql.append(sqlite_quoted(name)).append(" ").append(when).append(" BEGIN\n").append(trash).append(body).append("END");
        out.push_back({std::move(name), std::move(sql)});
    };
    // A key that SQLite makes up is not known before: NEW holds -1, or the default is drawn again.
    std::string insert = named(coming(model.key_name), "NEW.");
    if (numbered) insert.append(" WHERE ").append(of("NEW", key)).append(" IS NOT -1");
    add("bi", std::string{"BEFORE INSERT ON "}.append(t), insert.append(";\n").append(collisions(false)));
    if (numbered || coming(model.key_name) != of("NEW", key))
        add("ai", std::string{"AFTER INSERT ON "}.append(t), named(of("NEW", key), "NEW.").append(";\n"));
    std::string update = named(of("OLD", key), "OLD.").append(";\n");
    update.append(named(coming(model.key_name), "NEW.")).append(" WHERE ").append(of("NEW", key)).append(" IS NOT ").append(of("OLD", key));
    update.append(";\n").append(collisions(true));
    add("bu", std::string{"BEFORE UPDATE ON "}.append(t), std::move(update));
    if (coming(model.key_name) != of("NEW", key))
        add("au", std::string{"AFTER UPDATE ON "}.append(t).append(" WHEN ").append(of("NEW", key)).append(" IS NOT ").append(of("OLD", key)),
            named(of("NEW", key), "NEW.").append(";\n"));
    add("bd", std::string{"BEFORE DELETE ON "}.append(t), named(of("OLD", key), "OLD.").append(";\n"));
    if (!own.empty()) {
        std::string when{"BEFORE UPDATE ON "};
        when.append(t).append(" WHEN ").append(of("NEW", own)).append(" IS NOT ").append(of("OLD", own)).append(" COLLATE BINARY");
        std::string text{"the owner column "};
        text.append(owner).append(" of ").append(table.name).append(" cannot be changed; delete the row and insert it for the other owner");
        std::string quoted;
        for (const char c : text) quoted.append(c == '\'' ? 2U : 1U, c);
        std::string body{"SELECT RAISE(ABORT,'"};
        add("owner", when, body.append(quoted).append("');\n"));
    }
    return out;
}

/// One model's table with what its capture needs.
struct sqlite_captured_model {
    sqlite_table table;
    std::string owner;  ///< the owner column; empty: one tenant
    sqlite_local_keys keys{};
    std::vector<sqlite_reference_field> references{};  ///< those whose columns hold local keys
};

/// What the names of the triggers of the table called @p table begin with.
[[nodiscard]] inline std::string sqlite_authority_trigger_prefix(const std::string& table) {
    return std::string{sqlite_authority_prefix}.append(table).append("_");
}

/// What the name of that trigger ends with.
inline constexpr std::string_view sqlite_rename_trace_suffix = "_fields";

/// A trigger that does nothing but name the columns of a model's fields, in their order, and the soft-delete column behind them: SQLite rewrites it when
/// a column is renamed (`sqlite_authority_renames`), and drops none that it names. What follows the 0 is compiled away, so that rows cost nothing more.
/// @param layout  the order of fields under which images are stored; some field, or a soft-delete column, is there
[[nodiscard]] inline sqlite_trigger make_sqlite_rename_trace(const sqlite_table& table, const model_schema& model, std::int64_t layout) {
    std::string when{"0 AND 0 IN("};
    for (const auto& f : model.fields) when.append("OLD.").append(sqlite_quoted(f.name)).append(",");
    if (model.times.deleted_at.is_there() && !model.find_field(model.times.deleted_at.name))
        when.append("OLD.").append(sqlite_quoted(model.times.deleted_at.name)).append(",");
    when.back() = ')';
    std::string name{sqlite_authority_prefix};
    name.append(table.name).append(sqlite_rename_trace_suffix);
    return make_sqlite_trigger(std::move(name), "BEFORE DELETE", sqlite_quoted(table.name), when, std::string{"SELECT "}.append(std::to_string(layout)).append("; "));
}

/// Finds out how the tables of @p models name their rows, and brings the maps of their local keys up to them. Inside a write transaction.
/// @param models  by `model_id`; what concerns keys is filled in
/// @return as `sqlite_local_keys_of`, or a fault of the database
[[nodiscard]] inline result<void> follow_sqlite_authority_keys(sqlite_database& db, const schema_set& schemas, std::vector<sqlite_captured_model>& models) {
    std::vector<const sqlite_table*> tables;
    std::vector<std::string> owners;
    for (const auto& m : models) {
        tables.push_back(&m.table);
        owners.push_back(m.owner);
    }
    auto names = sqlite_local_keys_of(schemas, tables, [&](model_id id) {
        return std::string{sqlite_authority_prefix}.append("keys_").append(models[id].table.name);
    });
    if (!names) return std::move(names).error();
    for (model_id id = 0; id < models.size(); ++id) {
        models[id].keys = (*names)[id];
        models[id].references = make_sqlite_reference_fields(schemas, *names, id, owners);
        if (auto r = refresh_sqlite_key_map(db, schemas, *names, id, sqlite_replaced_name(sqlite_authority_prefix)); !r) return r;
    }
    return {};
}

/// Checks the owner column @p owner of @p table.
/// @return `errc::schema_mismatch` where it is missing; `errc::unsupported`, by name, where it may be NULL, is generated or is
///         neither text nor integer; `errc::invalid_argument` where it is the key or a field of the model
[[nodiscard]] inline result<void> check_sqlite_owner(const sqlite_table& table, const model_schema& model, const std::string& owner) {
    const sqlite_column* const c = table.find(owner);
    if (c == nullptr)
        return make_fault(errc::schema_mismatch, "table `", table.name, "` has no owner column `", owner, "`; every synced table needs one");
    if (owner == model.key_name || model.find_field(owner))
        return make_fault(errc::invalid_argument, "model `", model.name, "`: the owner column `", owner,
                          "` cannot be its key or a field; leave it out of the model, the store sets it");
    if (!c->not_null) return make_fault(errc::unsupported, "table `", table.name, "`: the owner column `", owner, "` may be NULL; declare it NOT NULL");
    if (c->generated) return make_fault(errc::unsupported, "table `", table.name, "`: the owner column `", owner, "` is generated");
    if (c->affinity != sqlite_affinity::text && c->affinity != sqlite_affinity::integer)
        return make_fault(errc::unsupported, "table `", table.name, "`: the owner column `", owner, "` is declared `", c->declared,
                          "`; declare it TEXT or INTEGER");
    return {};
}

/// Stages every live row of a model's table and every record of it that was sealed alive: the cheap way to catch up with what
/// happened while nobody watched. The engine finds out what really differs.
/// @param tenant  the one tenant; used where the table has no owner column
[[nodiscard]] inline result<void> stage_everything(sqlite_database& db, const sqlite_captured_model& m, const model_schema& model,
                                                   std::int64_t number, const std::string& tenant) {
    const bool owned = !m.owner.empty();
    if (auto r = run_sqlite(db, "DELETE FROM syncline_authority_stage WHERE model = ?1", [&](sqlite_statement& s) { s.bind(1, number); }); !r)
        return r;
    std::string sql{"INSERT INTO syncline_authority_stage(model,key,tenant) SELECT "};
    sql.append(std::to_string(number)).append(",").append(sqlite_quoted(model.key_name)).append(",");
    sql.append(owned ? sqlite_quoted(m.owner) : std::string{"NULL"}).append(" FROM ").append(sqlite_quoted(m.table.name));
    if (auto r = db.execute(sql); !r) return r;

    std::vector<std::pair<std::string, std::string>> sealed;
    auto read = each_sqlite_row(
        db,
        "SELECT r.key, t.name FROM syncline_authority_rows r JOIN syncline_authority_tenants t ON t.id = r.tenant "
        "WHERE r.model = ?1 AND r.deleted = 0 AND (?2 IS NULL OR t.name = ?2)",
        [&](sqlite_statement& s) {
            s.bind(1, number);
            if (!owned) s.bind_text(2, tenant);
        },
        [&](sqlite_statement& s) {
            sealed.emplace_back(std::string{s.column_text(0)}, std::string{s.column_text(1)});
            return true;
        });
    if (!read) return read;
    for (const auto& row : sealed)  // key and tenant
        if (auto r = run_sqlite(db, "INSERT INTO syncline_authority_stage(model,key,tenant) VALUES(?1,?2,?3)",
                                [&](sqlite_statement& s) {
                                    s.bind(1, number);
                                    bind_sqlite_key(s, 2, row.first, model.key_kind);
                                    if (owned) s.bind_text(3, row.second);
                                });
            !r)
            return r;
    return {};
}

/// Puts the triggers of every model in place and stages whole tables where they were not: at the first attach, after a table
/// was rebuilt (which loses its triggers), with a new order of fields, with another tenancy. Where everything is in place it
/// only reads. To be called inside a write transaction.
/// @param models  by `model_id`
/// @param tenant  the one tenant; empty: every table has an owner column
/// @param guarded  writes outside the store's own transactions are refused (`make_sqlite_write_guards`)
[[nodiscard]] inline result<void> attach_sqlite_authority_capture(sqlite_database& db, const schema_set& schemas,
                                                                  const std::vector<sqlite_captured_model>& models,
                                                                  const sqlite_model_catalog& catalog, const std::string& tenant, bool guarded = false) {
    if (guarded)
        if (auto r = keep_sqlite_writing_mark(db, true); !r) return r;
    std::vector<sqlite_trigger> present;
    if (auto r = each_sqlite_row(
            db, "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND substr(name, 1, length(?1)) = ?1",
            [](sqlite_statement& s) { s.bind_text(1, sqlite_authority_prefix); },
            [&](sqlite_statement& s) {
                present.push_back({std::string{s.column_text(0)}, std::string{s.column_text(1)}});
                return true;
            });
        !r)
        return r;

    std::string tenancy{tenant.empty() ? "owner column" : "one tenant: "};
    tenancy.append(tenant);
    const auto before = db.query_text("SELECT value FROM syncline_authority_meta WHERE name = 'tenancy'");
    if (!before) return before.error();
    const bool same_tenancy = *before == tenancy;
    if (!same_tenancy)
        if (auto r = run_sqlite(db, "INSERT INTO syncline_authority_meta VALUES('tenancy', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1",
                                [&](sqlite_statement& s) { s.bind_text(1, tenancy); });
            !r)
            return r;

    // Parents first, so that the first bundle has them before their children.
    std::vector<model_id> order;
    for (std::uint32_t rank = 0; order.size() < schemas.size(); ++rank)
        for (std::size_t i = 0; i < schemas.size(); ++i)
            if (schemas.rank_of(static_cast<model_id>(i)) == rank) order.push_back(static_cast<model_id>(i));

    std::vector<bool> wanted(present.size(), false);
    for (const model_id id : order) {
        const auto& m = models[id];
        auto script = make_sqlite_authority_capture(m.table, schemas[id], catalog.numbers[id], m.owner);
        for (auto& t : make_sqlite_key_triggers(m.table, m.keys, sqlite_authority_trigger_prefix(m.table.name), sqlite_replaced_name(sqlite_authority_prefix),
                                                catalog.numbers[id]))
            script.push_back(std::move(t));
        if (!schemas[id].fields.empty() || schemas[id].times.deleted_at.is_there())
            script.push_back(make_sqlite_rename_trace(m.table, schemas[id], catalog.layouts[id]));
        const std::size_t capturing = script.size();
        if (guarded)
            for (auto& t : make_sqlite_write_guards(m.table.name)) script.push_back(std::move(t));
        bool in_place = same_tenancy && !catalog.fresh[id];
        for (std::size_t at = 0; at < script.size(); ++at) {
            const auto& trigger = script[at];
            const bool guard = at >= capturing;  // tells of no write: nothing was missed while it was not there
            bool found = false;
            // A database that an older version of the library served has none of these, and lacks nothing otherwise.
            bool captures = !guard && !trigger.name.ends_with(sqlite_rename_trace_suffix);
            for (std::size_t i = 0; i < present.size(); ++i) {
                if (present[i].name != trigger.name) continue;
                wanted[i] = true;
                captures = !guard;
                found = present[i] == trigger;
                if (!found)
                    if (auto r = db.execute(std::string{"DROP TRIGGER main."}.append(sqlite_quoted(trigger.name))); !r) return r;
            }
            if (found) continue;
            if (auto r = db.execute(trigger.sql); !r) return r;
            in_place = in_place && !captures;
        }
        if (in_place) continue;
        if (auto r = stage_everything(db, m, schemas[id], catalog.numbers[id], tenant); !r) return r;
    }
    // Models that are served no longer: when they come back, they are staged whole.
    for (std::size_t i = 0; i < present.size(); ++i)
        if (!wanted[i])
            if (auto r = db.execute(std::string{"DROP TRIGGER main."}.append(sqlite_quoted(present[i].name))); !r) return r;
    return guarded ? result<void>{} : keep_sqlite_writing_mark(db, false);
}

/// Takes the capture triggers and the bookkeeping tables out of a database: the app's tables stay as they are. Needed before
/// `ALTER TABLE DROP COLUMN` of a captured column too (then the next open stages the whole table).
/// @param tables_too  false: only the triggers; the history stays
[[nodiscard]] inline result<void> detach_sqlite_authority(sqlite_database& db, bool tables_too) {
    return detach_sqlite(db, sqlite_authority_prefix, tables_too);
}

SYNCLINE_NAMESPACE_END

#endif
