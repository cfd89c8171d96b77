#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_TABLES_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_TABLES_HPP

#include <syncline/adapters/sqlite/capture.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
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
inline constexpr std::int64_t sqlite_replica_layout = 2;

/// The replica's bookkeeping tables, beside the app's. `key` is a sync key's text, `model` a position in the schema set,
/// `body`, `image` and `row` the binary forms of the codecs; in `unread` model and row are the peer's own text. `turn` tells in which order the logs of several models were
/// written: from each of its rows on, entries went to that model's log, there with numbers above `above`.
inline constexpr const char* sqlite_replica_ddl = R"sql(
CREATE TABLE syncline_replica_state(id INTEGER PRIMARY KEY CHECK(id=1), layout INTEGER NOT NULL, source_id TEXT NOT NULL DEFAULT '',
  next_source_bundle_id INTEGER NOT NULL DEFAULT 1, next_ordinal INTEGER NOT NULL DEFAULT 1, next_batch_id INTEGER NOT NULL DEFAULT 1,
  checkpoint INTEGER NOT NULL DEFAULT 0, epoch TEXT NOT NULL DEFAULT '', needs_hydration INTEGER NOT NULL DEFAULT 0,
  hydration_session TEXT NOT NULL DEFAULT '', hydration_position INTEGER NOT NULL DEFAULT 0, last_sync_us INTEGER NOT NULL DEFAULT 0,
  clock_us INTEGER NOT NULL DEFAULT 0);
CREATE TABLE syncline_replica_model(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fields BLOB NOT NULL);
CREATE TABLE syncline_replica_turn(seq INTEGER PRIMARY KEY, model INTEGER NOT NULL, above INTEGER NOT NULL);
CREATE TABLE syncline_replica_base(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, kept INTEGER NOT NULL, image BLOB,
  provisional_version INTEGER, provisional_after TEXT, lost INTEGER NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_open(model INTEGER NOT NULL, "key" TEXT NOT NULL, waiting INTEGER NOT NULL, send_class INTEGER NOT NULL,
  ordinal INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE INDEX syncline_replica_open_order ON syncline_replica_open(waiting,send_class,ordinal);
CREATE TABLE syncline_replica_batch(one INTEGER PRIMARY KEY CHECK(one=1), id INTEGER NOT NULL, source_bundle_id INTEGER NOT NULL,
  state INTEGER NOT NULL, committed_seq INTEGER NOT NULL, committed_hash TEXT NOT NULL, frozen_items INTEGER NOT NULL);
CREATE TABLE syncline_replica_frozen(model INTEGER NOT NULL, "key" TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE UNIQUE INDEX syncline_replica_frozen_id ON syncline_replica_frozen(id);
CREATE INDEX syncline_replica_frozen_position ON syncline_replica_frozen(position);
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

/// An app's table that a replica works on, with the SQL for it.
struct sqlite_replica_table {
    sqlite_table table;
    std::vector<sqlite_affinity> affinities;  ///< of the model's fields
    sqlite_capture_script capture;
    std::string log;            ///< the log table, quoted
    std::string select_row;     ///< ?1 key
    std::string upsert_row;     ///< ?1 key, then the fields
    std::string delete_row;     ///< ?1 key
    std::string select_log;     ///< ?1 above which, ?2 up to which entry
};

/// The names of the bookkeeping of model number @p id.
[[nodiscard]] inline std::string sqlite_replica_log_name(model_id id) {
    std::string out = "syncline_replica_log_";
    out.append(std::to_string(id));
    return out;
}

/// Adds the triggers that note, before any other of ours runs, that it is this model's turn, unless it is already. The
/// question stands in WHEN: an INSERT ... SELECT that reads its own table would build a temporary one each time.
inline void add_sqlite_replica_turns(sqlite_capture_script& script, const sqlite_table& table, const std::string& prefix, model_id id) {
    const std::string number = std::to_string(id);
    for (const auto& [suffix, event] : {std::pair{"ti", "INSERT"}, std::pair{"tu", "UPDATE"}, std::pair{"td", "DELETE"}}) {
        sqlite_capture_script::trigger t;
        t.name = prefix;
        t.name.append(suffix);
        t.sql = "CREATE TRIGGER ";
        t.sql.append(sqlite_quoted(t.name)).append(" BEFORE ").append(event).append(" ON ").append(sqlite_quoted(table.name));
        t.sql.append(" WHEN (SELECT model FROM syncline_replica_turn ORDER BY seq DESC LIMIT 1) IS NOT ").append(number);
        t.sql.append(" BEGIN INSERT INTO syncline_replica_turn(model,above) VALUES(").append(number).append(",ifnull((SELECT max(seq) FROM ");
        t.sql.append(sqlite_replica_log_name(id)).append("),0)); END");
        script.triggers.push_back(std::move(t));  // the one made last runs first
    }
}

/// Prepares the SQL for @p model in @p table. @pre `check_sqlite_model(table, model)`
/// @param alone  there is no other model, so the order among models need not be kept
[[nodiscard]] inline sqlite_replica_table make_sqlite_replica_table(sqlite_table table, const model_schema& model, model_id id, bool alone) {
    sqlite_replica_table out;
    const std::string log = sqlite_replica_log_name(id);
    std::string prefix = "syncline_replica_";
    prefix.append(std::to_string(id)).append("_");
    out.capture = make_sqlite_capture(table, model, log, prefix);
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
        reads.append(reads.empty() ? "" : ",").append(name);
        fields.append(",").append(name);
        values.append(",?").append(std::to_string(parameter++));
        sets.append(sets.empty() ? "" : ",").append(name).append("=excluded.").append(name);
        out.affinities.push_back(table.find(f.name)->affinity);
    }
    out.select_row = "SELECT ";
    out.select_row.append(reads.empty() ? "1" : reads).append(" FROM main.").append(t).append(" WHERE ").append(key).append("=?1");
    // OR ABORT: a policy in the table's own definition (UNIQUE ON CONFLICT REPLACE) must not remove other rows.
    out.upsert_row = "INSERT OR ABORT INTO main.";
    out.upsert_row.append(t).append("(").append(key).append(fields).append(") VALUES(?1").append(values).append(") ON CONFLICT(").append(key);
    out.upsert_row.append(sets.empty() ? ") DO NOTHING" : ") DO UPDATE SET ").append(sets);
    out.delete_row = "DELETE FROM main.";
    out.delete_row.append(t).append(" WHERE ").append(key).append("=?1");
    out.select_log = "SELECT ";
    out.select_log.append(sqlite_capture_fold::columns(model.fields.size())).append(" FROM main.").append(out.log);
    out.select_log.append(" WHERE seq>?1 AND seq<=?2 ORDER BY seq");
    out.table = std::move(table);
    return out;
}

/// What is remembered of a model's fields, so that a later open finds intents and images that fit.
[[nodiscard]] inline std::string sqlite_replica_fields(const model_schema& model) {
    std::string out;
    byte_writer w{out};
    w.text(model.key_name);
    w.number(model.fields.size());
    for (const auto& f : model.fields) w.text(f.name);
    return out;
}

/// Checks that @p model continues what was remembered: the same key, and the same fields, perhaps with new ones at the end.
/// @return `errc::schema_mismatch`
[[nodiscard]] inline result<void> check_sqlite_replica_fields(const model_schema& model, std::string_view remembered) {
    byte_reader in{remembered};
    if (in.text() != model.key_name)
        return make_fault(errc::schema_mismatch, "model `", model.name, "` was synced with another key column; uninstall its bookkeeping first");
    const std::uint64_t n = in.number();
    for (std::uint64_t i = 0; i < n && !in.failed(); ++i) {
        const std::string name = in.text();
        if (i >= model.fields.size() || model.fields[static_cast<std::size_t>(i)].name != name)
            return make_fault(errc::schema_mismatch, "model `", model.name, "`: field `", name,
                              "` was synced at this place and is gone or moved; keep the fields' order and add new ones at the end");
    }
    if (!in.at_end()) return make_fault(errc::corrupt, "the bookkeeping of model `", model.name, "` does not decode");
    return {};
}

/// Creates the bookkeeping tables where there are none. Runs inside the caller's transaction.
/// @return `errc::unsupported` when a newer version of this library made them
[[nodiscard]] inline result<void> create_sqlite_replica_tables(sqlite_database& db) {
    const auto there = db.query_integer("SELECT count(*) FROM main.sqlite_schema WHERE type='table' AND name='syncline_replica_state'");
    if (!there) return there.error();
    if (*there == 0) {
        if (auto ok = db.execute(sqlite_replica_ddl); !ok) return ok;
        std::string first = "INSERT INTO main.syncline_replica_state(id,layout) VALUES(1,";
        first.append(std::to_string(sqlite_replica_layout)).append(")");
        return db.execute(first);
    }
    const auto layout = db.query_integer("SELECT layout FROM main.syncline_replica_state WHERE id=1");
    if (!layout) return layout.error();
    if (*layout != sqlite_replica_layout)
        return make_fault(errc::unsupported, "the bookkeeping tables are of version ", std::to_string(*layout),
                          ", and this library knows version ", std::to_string(sqlite_replica_layout), "; use the library that made them");
    return {};
}

/// SQL for the sync key in column @p key, as the bookkeeping keeps it: NULL where the content can name no record.
[[nodiscard]] inline std::string sqlite_sync_key(const std::string& key, value_kind kind) {
    const auto part = [&](const char* from, const char* count) {
        std::string out{"substr(hex("};
        return out.append(key).append("),").append(from).append(",").append(count).append(")");
    };
    std::string out{"CASE WHEN typeof("};
    out.append(key).append(")=");
    if (kind == value_kind::text) return out.append("'text' THEN ").append(key).append(" END");
    if (kind == value_kind::integer) return out.append("'integer' THEN CAST(").append(key).append(" AS TEXT) END");
    out.append("'blob' AND length(").append(key).append(")=16 THEN lower(");
    out.append(part("1", "8")).append("||'-'||").append(part("9", "4")).append("||'-'||").append(part("13", "4"));
    return out.append("||'-'||").append(part("17", "4")).append("||'-'||").append(part("21", "12")).append(") END");
}

/// Logs the rows of one model's table that nothing is known of as the app's creations. For a table whose triggers were gone with an older one of
/// its name: rows that were changed or deleted meanwhile cannot be told, since the app's row itself is the base. Inside the caller's transaction.
[[nodiscard]] inline result<void> log_unknown_sqlite_rows(sqlite_database& db, const sqlite_replica_table& table, const model_schema& model, model_id id) {
    const std::string key = sqlite_quoted(model.key_name);
    std::string sql{"INSERT INTO main."};
    sql.append(table.log).append("(kind,\"key\") SELECT 6,t.").append(key).append(" FROM main.").append(sqlite_quoted(table.table.name)).append(" AS t WHERE ");
    std::string of{"t."};
    of.append(key);
    const std::string name = sqlite_sync_key(of, model.key_kind);
    sql.append(name).append(" IS NOT NULL");
    for (const char* known : {"base", "open", "frozen"}) {
        sql.append(" AND NOT EXISTS(SELECT 1 FROM main.syncline_replica_").append(known).append(" AS k WHERE k.model=").append(std::to_string(id));
        sql.append(" AND k.\"key\"=").append(name).append(")");
    }
    return db.execute(sql);
}

/// Makes sure that the log and the triggers of one model stand as they should. Runs inside the caller's transaction.
/// @return whether anything had to be made
[[nodiscard]] inline result<bool> install_sqlite_capture(sqlite_database& db, const sqlite_replica_table& table, const model_schema& model, model_id id) {
    bool changed = false;
    const std::string log = sqlite_replica_log_name(id);
    std::vector<std::string> columns;
    {
        auto s = db.prepare("SELECT name FROM pragma_table_info(?1, 'main')");
        if (!s) return s.error();
        s->bind_text(1, log);
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) break;
            columns.emplace_back(s->column_text(0));
        }
    }
    if (columns.empty()) {
        std::string make = "CREATE TABLE main.";
        make.append(table.log).append("(seq INTEGER PRIMARY KEY,").append(table.capture.log_columns).append(");");
        // Rows that were there before are the app's creations.
        make.append("INSERT INTO main.").append(table.log).append("(kind,\"key\") SELECT 6,").append(sqlite_quoted(model.key_name));
        make.append(" FROM main.").append(sqlite_quoted(table.table.name));
        if (auto ok = db.execute(make); !ok) return ok.error();
        changed = true;
    } else {
        std::string more;
        const auto need = [&](const std::string& name) {
            if (std::find(columns.begin(), columns.end(), name) != columns.end()) return;
            more.append("ALTER TABLE main.").append(table.log).append(" ADD COLUMN ").append(name).append(";");
        };
        const auto numbered = [](const char* letter, std::size_t i) {
            std::string name = letter;
            name.append(std::to_string(i));
            return name;
        };
        for (std::size_t i = 0; i < sqlite_mask_count(model.fields.size()); ++i) need(numbered("m", i));
        for (std::size_t i = 0; i < model.fields.size(); ++i) need(numbered("c", i));
        if (!more.empty()) {
            if (auto ok = db.execute(more); !ok) return ok.error();
            changed = true;
        }
    }

    std::string sql;
    std::size_t found = 0;
    std::size_t standing = 0;
    {
        auto s = db.prepare("SELECT name, sql, tbl_name FROM main.sqlite_schema WHERE type='trigger' AND substr(name,1,length(?1))=?1");
        if (!s) return s.error();
        std::string prefix = "syncline_replica_";
        prefix.append(std::to_string(id)).append("_");
        s->bind_text(1, prefix);
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) break;
            const auto same = std::find_if(table.capture.triggers.begin(), table.capture.triggers.end(), [&](const auto& t) {
                return t.name == s->column_text(0) && t.sql == s->column_text(1);
            });
            ++found;
            if (same != table.capture.triggers.end()) ++standing;
            sql.append("DROP TRIGGER main.").append(sqlite_quoted(s->column_text(0))).append(";");
        }
    }
    if (standing == found && standing == table.capture.triggers.size()) return changed;
    for (const auto& t : table.capture.triggers) sql.append(t.sql).append(";");
    if (auto ok = db.execute(sql); !ok) return ok.error();
    if (found == 0 && !columns.empty())
        if (auto ok = log_unknown_sqlite_rows(db, table, model, id); !ok) return ok.error();
    return true;
}

/// Drops the capture triggers and every bookkeeping table, with all intents in them: the tables are the app's alone again,
/// and columns can be dropped. Runs inside the caller's transaction.
[[nodiscard]] inline result<void> drop_sqlite_replica_tables(sqlite_database& db) {
    std::string sql;
    {
        auto s = db.prepare("SELECT type, name FROM main.sqlite_schema WHERE name GLOB 'syncline_replica_*' AND type IN ('trigger','table') "
                            "ORDER BY type DESC");
        if (!s) return s.error();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) break;
            sql.append(s->column_text(0) == "table" ? "DROP TABLE main." : "DROP TRIGGER main.").append(sqlite_quoted(s->column_text(1))).append(";");
        }
    }
    return db.execute(sql);
}

SYNCLINE_NAMESPACE_END

#endif
