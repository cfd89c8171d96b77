#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_ATTACH_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_ATTACH_HPP

#include <syncline/adapters/sqlite/capture_gap.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_evolution.hpp>
#include <syncline/adapters/sqlite/replica_fields.hpp>
#include <syncline/adapters/sqlite/replica_tables.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
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

/// A trigger that stands in the database, in `main.sqlite_schema`'s words.
struct standing_sqlite_trigger {
    std::string name;
    std::string sql;
    std::string table;  ///< a table that is renamed takes its triggers along
};

/// The triggers of model number @p id that stand in the database.
[[nodiscard]] inline result<std::vector<standing_sqlite_trigger>> standing_sqlite_triggers(sqlite_database& db, model_id id) {
    auto s = db.prepare("SELECT name, sql, tbl_name FROM main.sqlite_schema WHERE type='trigger' AND substr(name,1,length(?1))=?1 ORDER BY name");
    if (!s) return s.error();
    s->bind_text(1, sqlite_replica_trigger_prefix(id));
    std::vector<standing_sqlite_trigger> out;
    for (;;) {
        const auto row = s->step();
        if (!row) return row.error();
        if (!*row) return out;
        out.push_back({std::string{s->column_text(0)}, std::string{s->column_text(1)}, std::string{s->column_text(2)}});
    }
}

/// What the bookkeeping remembers of model number @p id; nothing: it is new.
[[nodiscard]] inline result<std::optional<sqlite_replica_fields>> remembered_sqlite_fields(sqlite_database& db, model_id id, const std::string& name) {
    auto s = db.prepare("SELECT fields, kinds, unseen FROM main.syncline_replica_model WHERE id=?1");
    if (!s) return s.error();
    s->bind(1, id);
    const auto row = s->step();
    if (!row) return row.error();
    if (!*row) return std::optional<sqlite_replica_fields>{};
    const std::string names{s->column_blob(0)};
    const std::string kinds{s->column_blob(1)};
    const std::string unseen{s->column_blob(2)};
    if (auto ok = s->row_read(); !ok) return std::move(ok).error();
    auto fields = decode_sqlite_fields(names, kinds, name);
    if (!fields) return std::move(fields).error();
    auto unknown = decode_sqlite_unseen(unseen);
    if (!unknown) return std::move(unknown).error();
    fields->unseen = std::move(*unknown);
    return std::optional<sqlite_replica_fields>{std::move(*fields)};
}

/// Puts @p models into @p schemas with the ids that they were first opened with; new ones follow. Makes the bookkeeping where there is none. Runs inside the
/// caller's transaction.
/// @return `errc::schema_mismatch` where a model is left out; `errc::corrupt`, or what `create_sqlite_replica_tables` returns
[[nodiscard]] inline result<void> order_sqlite_replica_models(sqlite_database& db, schema_set& schemas, std::vector<model_schema> models) {
    if (auto ok = create_sqlite_replica_tables(db); !ok) return ok;
    auto s = db.prepare("SELECT id, name FROM main.syncline_replica_model ORDER BY id");
    if (!s) return s.error();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.error();
        if (!*row) break;
        const std::string name{s->column_text(1)};
        if (auto ok = s->row_read(); !ok) return ok;
        const auto at = std::find_if(models.begin(), models.end(), [&](const model_schema& m) { return m.name == name; });
        if (at == models.end())
            return make_fault(errc::schema_mismatch, "model `", name, "` is synced in this database and was left out; register it too, or "
                                                     "uninstall the bookkeeping");
        const auto id = schemas.add(std::move(*at));
        if (!id) return id.error();
        if (static_cast<std::int64_t>(*id) != s->column_integer(0))
            return make_fault(errc::corrupt, "the bookkeeping's list of models has a gap");
        models.erase(at);
    }
    for (auto& m : models) {
        const auto id = schemas.add(std::move(m));
        if (!id) return id.error();
    }
    return {};
}

/// Whether some row of @p table has NULL in @p column.
[[nodiscard]] inline result<bool> has_sqlite_null(sqlite_database& db, const std::string& table, const std::string& column) {
    std::string sql{"SELECT 1 FROM main."};
    auto s = db.prepare(sql.append(sqlite_quoted(table)).append(" WHERE ").append(sqlite_quoted(column)).append(" IS NULL"));
    if (!s) return s.error();
    return s->step();
}

/// Brings the bookkeeping of one model up to its table as it is now: the log and the triggers stand as they should, what is kept by field fits the
/// model's fields (`sqlite_replica_evolution`), and what the app did while a trigger was missing is in the log (`sqlite_capture_gap`). Of a table that is
/// new to it every row is the app's creation. Where values are missing that only the authority has, the device is told to fetch its state anew.
/// Runs inside the caller's transaction.
/// @return `errc::schema_mismatch`, `errc::corrupt`, `errc::constraint`, or a fault of the database
[[nodiscard]] inline result<void> attach_sqlite_replica_model(sqlite_database& db, const sqlite_replica_table& table, const model_schema& model, model_id id) {
    auto standing = standing_sqlite_triggers(db, id);
    if (!standing) return std::move(standing).error();
    auto old = remembered_sqlite_fields(db, id, model.name);
    if (!old) return std::move(old).error();
    const auto& wanted = table.capture.triggers;
    const bool all_stand = standing->size() == wanted.size() && std::all_of(wanted.begin(), wanted.end(), [&](const auto& t) {
        return std::any_of(standing->begin(), standing->end(), [&](const auto& s) { return s.name == t.name && s.sql == t.sql; });
    });
    if (!all_stand)
        for (const auto& t : *standing) {
            std::string drop{"DROP TRIGGER main."};
            if (auto ok = db.execute(drop.append(sqlite_quoted(t.name))); !ok) return ok;
        }

    sqlite_replica_fields now = sqlite_replica_fields_of(model);
    bool fetch = false;
    bool gap = *old && !all_stand;
    bool inserts_seen = false;
    field_set as_they_are;
    std::vector<std::optional<value>> of_new_fields;
    if (*old) {
        const auto sql_of = [&](const char* suffix) -> std::string_view {
            for (const auto& t : *standing)
                if (t.name == sqlite_replica_trigger_prefix(id) + suffix) return t.sql;
            return {};
        };
        inserts_seen = std::any_of(standing->begin(), standing->end(), [&](const auto& t) {
            return t.name == sqlite_replica_trigger_prefix(id) + "bi" && sqlite_same_name(t.table, table.table.name);
        });
        auto moves = moves_of_sqlite_fields(model, **old, renamed_sqlite_columns(sql_of("bd"), (*old)->names.size()));
        if (!moves) return std::move(moves).error();
        if (!moves->changes_nothing()) {
            sqlite_replica_evolution evolution{db, table, model, id, *moves};
            if (auto ok = evolution.run(); !ok) return ok;
            of_new_fields = evolution.values_of_new_fields();
        }
        fetch = moves->adds_fields();
        for (std::size_t i = 0; i < moves->from.size(); ++i) {
            if (!moves->from[i]) {
                now.unseen.push_back({now.names[i], of_new_fields[i].value_or(value{})});
                continue;
            }
            const std::string& before = (*old)->names[*moves->from[i]];
            for (const auto& field : (*old)->unseen)  // of a device that fetched its state since there are none
                if (field.name == before) now.unseen.push_back({now.names[i], field.otherwise});
            if (before == now.names[i] || (!now.unseen.empty() && now.unseen.back().name == now.names[i])) continue;
            // Of a server whose column was renamed first, rows that came since then were read without it.
            const auto empty = has_sqlite_null(db, table.table.name, now.names[i]);
            if (!empty) return empty.error();
            if (!*empty) continue;
            fetch = true;
            now.unseen.push_back({now.names[i], value{}});
        }
        for (std::size_t i = 0; i < moves->other_kind.size(); ++i)
            if (moves->other_kind[i]) as_they_are.insert(static_cast<field_index>(i));
        // An older layout had no digests, and those of values that are read as another kind say nothing: they are noted now.
        gap = gap || !as_they_are.empty() || (*old)->kinds.size() != (*old)->names.size();
    } else {
        std::string make{"CREATE TABLE main."};
        make.append(table.log).append("(seq INTEGER PRIMARY KEY,").append(table.capture.log_columns).append("); INSERT INTO main.").append(table.log);
        make.append("(kind,\"key\") SELECT 6,").append(sqlite_quoted(model.key_name)).append(" FROM main.").append(sqlite_quoted(table.table.name));
        make.append(" WHERE 1").append(table.times.and_live());
        if (auto ok = db.execute(make); !ok) return ok;
    }

    if (gap) {
        // Before our triggers are made again, so that what is put back is not captured.
        auto closed = sqlite_capture_gap{db, table, model, id, inserts_seen, as_they_are, std::move(of_new_fields)}.close();
        if (!closed) return std::move(closed).error();
        fetch = fetch || *closed;
    }
    if (!all_stand) {
        std::string make;
        // In main, whatever the app's connection calls by the table's name among its temporary tables; `sqlite_schema` keeps the text without it.
        constexpr std::string_view create = "CREATE TRIGGER ";
        for (const auto& t : wanted) make.append(create).append("main.").append(std::string_view{t.sql}.substr(create.size())).append(";");
        if (auto ok = db.execute(make); !ok) return ok;
    }
    if (fetch) {
        // A device that has never pulled gets every row anyhow, if each counts as news; it may be one that only pushes.
        std::string sql{"UPDATE main.syncline_replica_state SET needs_hydration=1 WHERE checkpoint>0; UPDATE main.syncline_replica_base SET "
                        "provisional_version=ifnull(provisional_version,version),provisional_after=ifnull(provisional_after,'') WHERE version>0 AND "
                        "(SELECT checkpoint FROM main.syncline_replica_state)=0 AND model="};
        if (auto ok = db.execute(sql.append(std::to_string(id))); !ok) return ok;
    }
    if (*old == now) return {};
    auto s = db.prepare("INSERT INTO main.syncline_replica_model(id,name,fields,kinds,unseen) VALUES(?1,?2,?3,?4,?5) "
                        "ON CONFLICT(id) DO UPDATE SET fields=excluded.fields,kinds=excluded.kinds,unseen=excluded.unseen");
    if (!s) return s.error();
    const std::string names = encode_sqlite_field_names(now);
    const std::string kinds = encode_sqlite_field_kinds(now);
    const std::string unseen = encode_sqlite_unseen(now.unseen);
    return s->bind(1, id).bind_text(2, model.name).bind_blob(3, names).bind_blob(4, kinds).bind_blob(5, unseen).run();
}

SYNCLINE_NAMESPACE_END

#endif
