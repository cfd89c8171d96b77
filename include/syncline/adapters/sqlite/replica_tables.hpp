#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_TABLES_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_TABLES_HPP

#include <syncline/adapters/sqlite/capture.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/key_map.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/replica_lease.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/time_columns.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The version of the replica's bookkeeping tables that this code reads and writes.
inline constexpr std::int64_t sqlite_replica_layout = 8;

/// The replica's bookkeeping tables, beside the app's. `key` is a sync key's text, `model` a position in the schema set,
/// `body`, `image` and `row` the binary forms of the codecs, `digest` that of the app's row where no image is kept (`sqlite_row_digest`; NULL: not
/// known), `unseen` the fields that the device's rows tell nothing of (`captured_edit::unseen`); in `unread` model and row are the peer's own
/// text. `turn` tells in which order the logs of several models were written: from each of its rows on, entries went to that model's log, there with
/// numbers above `above`.
inline constexpr const char* sqlite_replica_ddl = R"sql(
CREATE TABLE syncline_replica_state(id INTEGER PRIMARY KEY CHECK(id=1), layout INTEGER NOT NULL, source_id TEXT NOT NULL DEFAULT '',
  next_source_bundle_id INTEGER NOT NULL DEFAULT 1, next_ordinal INTEGER NOT NULL DEFAULT 1, next_batch_id INTEGER NOT NULL DEFAULT 1,
  checkpoint INTEGER NOT NULL DEFAULT 0, epoch TEXT NOT NULL DEFAULT '', needs_hydration INTEGER NOT NULL DEFAULT 0,
  hydration_session TEXT NOT NULL DEFAULT '', hydration_position INTEGER NOT NULL DEFAULT 0, last_sync_us INTEGER NOT NULL DEFAULT 0,
  clock_us INTEGER NOT NULL DEFAULT 0, account TEXT NOT NULL DEFAULT '', last_run_us INTEGER NOT NULL DEFAULT 0,
  attachment INTEGER NOT NULL DEFAULT 0, user TEXT NOT NULL DEFAULT '', initialization_id TEXT NOT NULL DEFAULT '',
  replaced_source TEXT NOT NULL DEFAULT '', replacement_reason TEXT NOT NULL DEFAULT '', give_up_below INTEGER NOT NULL DEFAULT 0);
CREATE TABLE syncline_replica_model(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fields BLOB NOT NULL, kinds BLOB,
  unseen BLOB NOT NULL DEFAULT x'');
CREATE TABLE syncline_replica_turn(seq INTEGER PRIMARY KEY, model INTEGER NOT NULL, above INTEGER NOT NULL);
CREATE TABLE syncline_replica_base(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, kept INTEGER NOT NULL, image BLOB,
  provisional_version INTEGER, provisional_after TEXT, lost INTEGER NOT NULL, digest BLOB, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_open(model INTEGER NOT NULL, "key" TEXT NOT NULL, waiting INTEGER NOT NULL, send_class INTEGER NOT NULL,
  ordinal INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE INDEX syncline_replica_open_order ON syncline_replica_open(waiting,send_class,ordinal);
CREATE TABLE syncline_replica_batch(one INTEGER PRIMARY KEY CHECK(one=1), id INTEGER NOT NULL, source_bundle_id INTEGER NOT NULL,
  state INTEGER NOT NULL, committed_seq INTEGER NOT NULL, committed_hash TEXT NOT NULL, frozen_items INTEGER NOT NULL, token TEXT NOT NULL DEFAULT '');
CREATE TABLE syncline_replica_hidden(model INTEGER NOT NULL, "key" TEXT NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_quarantine(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" BLOB, contains TEXT NOT NULL,
  code INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_unread(model TEXT NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" TEXT NOT NULL,
  code INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_lost(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" BLOB, contains TEXT NOT NULL,
  PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_stage(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" BLOB, contains TEXT NOT NULL,
  PRIMARY KEY(model,"key")) WITHOUT ROWID;
)sql";

/// The items of the batch in flight, which stand in a table of their own since it is emptied with every batch.
inline constexpr const char* sqlite_replica_frozen_ddl = R"sql(
CREATE TABLE syncline_replica_frozen(position INTEGER PRIMARY KEY, model INTEGER NOT NULL, "key" TEXT NOT NULL, id TEXT NOT NULL,
  body BLOB NOT NULL, UNIQUE(model,"key"));
)sql";

/// An app's table that a replica works on, with the SQL for it.
struct sqlite_replica_table {
    sqlite_table table;
    std::vector<sqlite_affinity> affinities;  ///< of the model's fields
    sqlite_capture_script capture;
    std::string log;            ///< the log table, quoted
    sqlite_time_columns times;
    sqlite_local_keys keys;
    std::vector<sqlite_reference_field> references;  ///< those whose columns hold local keys
    std::string select_row;     ///< ?1 key; the fields, then the columns of `references` as they are
    std::string update_row;     ///< ?1 key, then the fields, then `times`; empty: the upsert alone does it
    std::string upsert_row;     ///< ?1 key, then the fields, then `times`
    std::string note_row;       ///< ?1 key: tells the map of a row that no trigger saw; empty: there is none
    std::string purge_trash;    ///< parameters as `upsert_row`: what lies in the trash and would keep that row out by a unique index; empty: nothing can
    std::string delete_row;     ///< ?1 key, and `times` where it is an UPDATE
    std::string select_log;     ///< ?1 above which, ?2 up to which entry
};

/// The names of the bookkeeping of model number @p id.
[[nodiscard]] inline std::string sqlite_replica_log_name(model_id id) {
    std::string out{sqlite_replica_prefix};
    out.append("log_");
    out.append(std::to_string(id));
    return out;
}

/// What the names of the triggers of model number @p id begin with.
[[nodiscard]] inline std::string sqlite_replica_trigger_prefix(model_id id) {
    std::string out{sqlite_replica_prefix};
    return out.append(std::to_string(id)).append("_");
}

/// The name of the map of local keys of model number @p id.
[[nodiscard]] inline std::string sqlite_replica_map_name(model_id id) {
    std::string out{sqlite_replica_prefix};
    return out.append("keys_").append(std::to_string(id));
}

/// Adds the triggers that note, before any other of ours runs, that it is this model's turn, unless it is already. The
/// question stands in WHEN: an INSERT ... SELECT that reads its own table would build a temporary one each time.
inline void add_sqlite_replica_turns(sqlite_capture_script& script, const sqlite_table& table, const std::string& prefix, model_id id) {
    const std::string number = std::to_string(id);
    for (const auto& [suffix, event] : {std::pair{"ti", "INSERT"}, std::pair{"tu", "UPDATE"}, std::pair{"td", "DELETE"}}) {
        std::string others{"(SELECT model FROM syncline_replica_turn ORDER BY seq DESC LIMIT 1) IS NOT "};
        others.append(number);
        std::string note{"INSERT INTO syncline_replica_turn(model,above) VALUES("};
        note.append(number).append(",ifnull((SELECT max(seq) FROM ").append(sqlite_replica_log_name(id)).append("),0)); ");
        // The one made last runs first.
        script.triggers.push_back(make_sqlite_trigger(std::string{prefix}.append(suffix), std::string{"BEFORE "}.append(event), sqlite_quoted(table.name), others, note));
    }
}

/// Prepares the SQL for @p model in @p table. @pre `check_sqlite_model(table, model)`
/// @param names  how the tables of all models name their rows, by id
[[nodiscard]] inline sqlite_replica_table make_sqlite_replica_table(sqlite_table table, const schema_set& schemas, model_id id, const std::vector<sqlite_local_keys>& names) {
    sqlite_replica_table out;
    const model_schema& model = schemas[id];
    const bool alone = schemas.size() == 1;  // the order among models need not be kept
    out.keys = names[id];
    out.references = make_sqlite_reference_fields(schemas, names, id);
    const std::string log = sqlite_replica_log_name(id);
    const std::string prefix = sqlite_replica_trigger_prefix(id);
    out.capture = make_sqlite_capture(table, model, log, prefix, names, id);
    for (auto& t : make_sqlite_key_triggers(table, out.keys, prefix, sqlite_replaced_name(sqlite_replica_prefix), id))
        out.capture.triggers.push_back(std::move(t));
    if (!alone) add_sqlite_replica_turns(out.capture, table, prefix, id);
    out.log = sqlite_quoted(log);
    const std::string t = sqlite_quoted(table.name);
    const std::string key = sqlite_quoted(model.key_name);
    std::string fields;
    std::string values;
    std::string sets;
    std::string reads;
    int parameter = 2;
    for (const auto& f : model.fields) {
        const std::string name = sqlite_quoted(f.name);
        reads.append(reads.empty() ? "" : ",").append(sqlite_field_of(names, out.keys, out.affinities.size(), t, f.name));
        fields.append(",").append(name);
        values.append(",?").append(std::to_string(parameter++));
        sets.append(sets.empty() ? "" : ",").append(name).append("=excluded.").append(name);
        out.affinities.push_back(table.find(f.name)->affinity);
    }
    for (const auto& r : out.references) reads.append(",").append(t).append(".").append(sqlite_quoted(model.fields[r.field].name));
    const bool fills = out.keys.mapped();
    if (fills) {
        fields.append(",").append(sqlite_quoted(out.keys.local));
        values.append(",").append(sqlite_local_key_for(out.keys, "?1", table.counts_rows));
        out.note_row = "INSERT INTO main.";
        out.note_row.append(sqlite_quoted(out.keys.map)).append("(\"local\",sync,was,stirred) SELECT ").append(sqlite_quoted(out.keys.local)).append(",").append(key);
        out.note_row.append(",").append(key).append(",0 FROM main.").append(t).append(" WHERE ").append(key).append("=?1 AND ").append(sqlite_quoted(out.keys.local));
        out.note_row.append(" IS NOT NULL ON CONFLICT(\"local\") DO UPDATE SET sync=excluded.sync,stirred=1 WHERE sync IS NOT excluded.sync");
    }
    out.select_row = "SELECT ";
    out.times = make_sqlite_time_columns(table, model, parameter);
    if (fills) {
        out.update_row = "UPDATE main.";
        out.update_row.append(t).append(" SET ");
        int at = 2;
        for (const auto& f : model.fields) out.update_row.append(at == 2 ? "" : ",").append(sqlite_quoted(f.name)).append("=?").append(std::to_string(at)), ++at;
        if (model.fields.empty()) out.update_row.append(key).append("=").append(key);
        out.update_row.append(out.times.update_sets()).append(" WHERE ").append(key).append("=?1");
    }
    if (model.fields.empty() && !out.times.update_sets().empty()) sets.append(key).append("=excluded.").append(key);
    sets.append(out.times.update_sets());
    fields.append(out.times.insert_columns());
    values.append(out.times.insert_values());
    out.select_row.append(reads.empty() ? "1" : reads).append(" FROM main.").append(t).append(" WHERE ").append(key).append("=?1").append(out.times.and_live());
    // OR ABORT: a policy in the table's own definition (UNIQUE ON CONFLICT REPLACE) must not remove other rows.
    out.upsert_row = "INSERT OR ABORT INTO main.";
    out.upsert_row.append(t).append("(").append(key).append(fields).append(") VALUES(?1").append(values).append(") ON CONFLICT(").append(key);
    out.upsert_row.append(sets.empty() ? ") DO NOTHING" : ") DO UPDATE SET ").append(sets);
    out.purge_trash = purge_sqlite_trash(table, model, out.times);
    out.delete_row = out.times.soft() ? "UPDATE main." : "DELETE FROM main.";
    out.delete_row.append(t);
    if (out.times.soft()) out.delete_row.append(" SET ").append(out.times.erase_sets());
    out.delete_row.append(" WHERE ").append(key).append("=?1").append(out.times.and_live());
    out.select_log = "SELECT ";
    out.select_log.append(sqlite_capture_fold::columns(model.fields.size())).append(" FROM main.").append(out.log);
    out.select_log.append(" WHERE seq>?1 AND seq<=?2 ORDER BY seq");
    out.table = std::move(table);
    return out;
}

/// What the columns hold of @p row. A record that it refers to and that is not there gets its local key now.
/// @return `errc::constraint` where a reference names no record that can be told here
[[nodiscard]] inline result<record> sqlite_columns_of(sqlite_database& db, const sqlite_replica_table& table, const record_key& key, const record& row) {
    record out = row;
    for (const auto& r : table.references) {
        value& v = out.fields[r.field];
        const bool self = r.target == key.model && referenced_key(v) == key.key;
        auto local = sqlite_local_value(db, r, v, true, self);
        if (!local)
            return make_fault(local.error().code, "table `", table.table.name, "` refuses the row: ", local.error().detail);
        v = std::move(*local);
    }
    return out;
}

/// Creates the bookkeeping tables where there are none, and brings those of an older layout up to this one. Runs inside the caller's transaction.
/// @return `errc::unsupported` when a newer version of this library made them, or one that is too old
[[nodiscard]] inline result<void> create_sqlite_replica_tables(sqlite_database& db) {
    const auto there = db.query_integer("SELECT count(*) FROM main.sqlite_schema WHERE type='table' AND name='syncline_replica_state'");
    if (!there) return there.error();
    if (*there == 0) {
        for (const char* ddl : {sqlite_replica_ddl, sqlite_replica_frozen_ddl, sqlite_replica_lease_ddl})
            if (auto ok = db.execute(ddl); !ok) return ok;
        std::string first = "INSERT INTO main.syncline_replica_state(id,layout) VALUES(1,";
        first.append(std::to_string(sqlite_replica_layout)).append(")");
        return db.execute(first);
    }
    const auto layout = db.query_integer("SELECT layout FROM main.syncline_replica_state WHERE id=1");
    if (!layout) return layout.error();
    if (*layout < 2 || *layout > sqlite_replica_layout)
        return make_fault(errc::unsupported, "the bookkeeping tables are of version ", std::to_string(*layout),
                          ", and this library knows version ", std::to_string(sqlite_replica_layout), "; use the library that made them");
    if (*layout == sqlite_replica_layout) return {};
    if (*layout == 2) {
        if (auto ok = db.execute(sqlite_replica_lease_ddl); !ok) return ok;
        if (auto ok = db.execute("ALTER TABLE main.syncline_replica_model ADD COLUMN kinds BLOB; ALTER TABLE main.syncline_replica_base ADD COLUMN digest BLOB");
            !ok)
            return ok;
    }
    if (*layout < 4)
        if (auto ok = db.execute("ALTER TABLE main.syncline_replica_state ADD COLUMN account TEXT NOT NULL DEFAULT ''"); !ok) return ok;
    if (*layout < 5)
        if (auto ok = db.execute("ALTER TABLE main.syncline_replica_model ADD COLUMN unseen BLOB NOT NULL DEFAULT x''"); !ok) return ok;
    std::string last;
    if (*layout < 6) {
        // Not renamed: SQLite refuses that while any view of the app names what is not there.
        last = "CREATE TABLE main.syncline_replica_frozen_5 AS SELECT * FROM main.syncline_replica_frozen; DROP TABLE main.syncline_replica_frozen;";
        last.append(sqlite_replica_frozen_ddl).append("INSERT INTO main.syncline_replica_frozen SELECT position,model,\"key\",id,body FROM "
            "main.syncline_replica_frozen_5; DROP TABLE main.syncline_replica_frozen_5;");
    }
    if (*layout < 7)
        last.append("ALTER TABLE main.syncline_replica_state ADD COLUMN last_run_us INTEGER NOT NULL DEFAULT 0; ALTER TABLE main.syncline_replica_batch "
                    "ADD COLUMN token TEXT NOT NULL DEFAULT '';");
    for (const char* column : {"attachment INTEGER NOT NULL DEFAULT 0", "user TEXT NOT NULL DEFAULT ''", "initialization_id TEXT NOT NULL DEFAULT ''",
                               "replaced_source TEXT NOT NULL DEFAULT ''", "replacement_reason TEXT NOT NULL DEFAULT ''", "give_up_below INTEGER NOT NULL DEFAULT 0"})
        last.append("ALTER TABLE main.syncline_replica_state ADD COLUMN ").append(column).append(";");
    // Whoever has met a server before there was such a thing as connecting to it belongs to an account.
    last.append("UPDATE main.syncline_replica_state SET attachment=1 WHERE epoch<>'' OR checkpoint<>0 OR next_source_bundle_id>1;"
                "UPDATE main.syncline_replica_state SET layout=");
    return db.execute(last.append(std::to_string(sqlite_replica_layout)));
}

SYNCLINE_NAMESPACE_END

#endif
