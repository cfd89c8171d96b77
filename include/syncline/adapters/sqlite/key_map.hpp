#ifndef SYNCLINE_ADAPTERS_SQLITE_KEY_MAP_HPP
#define SYNCLINE_ADAPTERS_SQLITE_KEY_MAP_HPP

#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/references.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <sqlite3.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Brings the map of one table up to it: makes it where there is none, takes in what changed while no trigger stood, and drops what nothing refers to any more. Runs inside
/// the transaction that attaches.
/// @param all  of all models, by id; @p of one of them
[[nodiscard]] inline result<void> refresh_sqlite_key_map(sqlite_database& db, const schema_set& schemas, const std::vector<sqlite_local_keys>& all, model_id of,
                                                         const std::string& replaced) {
    const sqlite_local_keys& keys = all[of];
    if (!keys.mapped()) return {};
    const std::string map = std::string{"main."}.append(sqlite_quoted(keys.map));
    const std::string bare = std::string{"CREATE TABLE "}.append(sqlite_quoted(keys.map)).append("(").append(keys.map_column).append(",sync,was,stirred INTEGER NOT NULL)");
    {
        auto s = db.prepare("SELECT sql FROM main.sqlite_schema WHERE type='table' AND name=?1");
        if (!s) return s.error();
        s->bind_text(1, keys.map);
        const auto row = s->step();
        if (!row) return row.error();
        const bool there = *row;
        const bool fits = there && s->column_text(0) == bare;
        if (auto ok = s->row_read(); !ok) return ok;
        s->reset();
        if (there && !fits)  // the primary key has another type now
            if (auto ok = db.execute(std::string{"DROP TABLE "}.append(map)); !ok) return ok;
        if (!fits) {
            std::string make{"CREATE TABLE main."};
            make.append(std::string_view{bare}.substr(std::string_view{"CREATE TABLE "}.size()));
            make.append("; CREATE INDEX main.").append(sqlite_quoted(keys.map + "_sync")).append(" ON ").append(sqlite_quoted(keys.map)).append("(sync)");
            make.append("; CREATE INDEX main.").append(sqlite_quoted(keys.map + "_stirred")).append(" ON ").append(sqlite_quoted(keys.map)).append("(stirred) WHERE stirred");
            make.append("; CREATE TABLE IF NOT EXISTS main.").append(sqlite_quoted(replaced)).append("(model INTEGER PRIMARY KEY,\"local\",sync)");
            if (auto ok = db.execute(make); !ok) return ok;
        }
    }
    const std::string local = sqlite_quoted(keys.local);
    const std::string key = sqlite_quoted(keys.key);
    std::string fill{"INSERT INTO "};
    fill.append(map).append("(\"local\",sync,was,stirred) SELECT ").append(local).append(",").append(key).append(",").append(key).append(",0 FROM main.");
    fill.append(sqlite_quoted(keys.table)).append(" WHERE ").append(local).append(" IS NOT NULL AND NOT ").append(sqlite_is_nameless(key));
    fill.append(" ON CONFLICT(\"local\") DO UPDATE SET sync=excluded.sync,stirred=1 WHERE sync IS NOT excluded.sync");
    if (auto ok = db.execute(fill); !ok) return ok;
    std::string drop{"DELETE FROM "};
    drop.append(map).append(" WHERE \"local\" NOT IN (SELECT ").append(local).append(" FROM main.").append(sqlite_quoted(keys.table)).append(" WHERE ");
    drop.append(local).append(" IS NOT NULL");
    for (model_id id = 0; id < schemas.size(); ++id)
        for (std::size_t f = 0; f < all[id].names.size(); ++f)
            if (all[id].names[f] == of) {
                const std::string column = sqlite_quoted(schemas[id].fields[f].name);
                drop.append(" UNION SELECT ").append(column).append(" FROM main.").append(sqlite_quoted(all[id].table)).append(" WHERE ").append(column).append(" IS NOT NULL");
            }
    return db.execute(drop.append(")"));
}

/// SQL for the local key of a new row with the sync key ?@p parameter: the one that is kept for it, else one that no row has or had.
/// @pre `keys.mapped()`
[[nodiscard]] inline std::string sqlite_local_key_for(const sqlite_local_keys& keys, const std::string& parameter, bool counted) {
    const std::string map = std::string{"main."}.append(sqlite_quoted(keys.map));
    std::string out{"coalesce((SELECT max(k.\"local\") FROM "};
    out.append(map).append(" AS k WHERE k.sync=").append(parameter).append(" AND NOT EXISTS(SELECT 1 FROM main.").append(sqlite_quoted(keys.table)).append(" AS o WHERE o.");
    out.append(sqlite_quoted(keys.local)).append("=k.\"local\")),");
    if (!keys.numbered) return out.append("(").append(keys.default_sql.empty() ? "NULL" : keys.default_sql).append("))");
    if (counted) return out.append("NULL)");  // AUTOINCREMENT never gives a number twice
    // A number that was a row's may still stand in rows that referred to it.
    out.append("(SELECT CASE WHEN ifnull(max(k.\"local\"),0)<9223372036854775807 THEN max(0,ifnull(max(k.\"local\"),0))+1 END FROM ");
    return out.append(map).append(" AS k))");
}

/// One reference field whose column holds the other row's local key: turns the record's value into the column's. Made once, used by every write.
struct sqlite_reference_field {
    std::size_t field = 0;
    model_id target = 0;
    value_kind kind = value_kind::text;  ///< of the other model's sync key
    std::string target_name;
    std::string live;     ///< ?1 sync key, ?2 the tenant where there is an owner column
    std::string mapped;   ///< ?1 sync key of a record that is not there
    std::string known;    ///< ?1 local key
    std::string keep;     ///< ?1 sync key: keeps a local key for a record that is not there
    std::string keep_next;  ///< the same, for one that is about to be
    std::string note;     ///< ?1 local key that no row has
    bool numbered = false;
};

/// The reference fields of model @p id whose columns hold local keys.
/// @param owners  by model id, the column that holds a row's tenant; empty: one tenant
[[nodiscard]] inline std::vector<sqlite_reference_field> make_sqlite_reference_fields(const schema_set& schemas, const std::vector<sqlite_local_keys>& all, model_id id,
                                                                                      const std::vector<std::string>& owners = {}) {
    std::vector<sqlite_reference_field> out;
    for (std::size_t f = 0; f < all[id].names.size(); ++f) {
        if (!all[id].names[f]) continue;
        const sqlite_local_keys& to = all[*all[id].names[f]];
        const std::string map = std::string{"main."}.append(sqlite_quoted(to.map));
        sqlite_reference_field r;
        r.field = f;
        r.target = *all[id].names[f];
        r.kind = schemas[r.target].key_kind;
        r.target_name = schemas[r.target].name;
        r.numbered = to.numbered;
        r.live.append("SELECT ").append(sqlite_quoted(to.local)).append(" FROM main.").append(sqlite_quoted(to.table)).append(" WHERE ").append(sqlite_quoted(to.key)).append("=?1");
        if (r.target < owners.size() && !owners[r.target].empty()) r.live.append(" AND CAST(").append(sqlite_quoted(owners[r.target])).append(" AS TEXT) COLLATE BINARY=?2");
        r.mapped.append("SELECT k.\"local\" FROM ").append(map).append(" AS k WHERE k.sync=?1 AND NOT EXISTS(SELECT 1 FROM main.").append(sqlite_quoted(to.table));
        r.mapped.append(" AS o WHERE o.").append(sqlite_quoted(to.local)).append("=k.\"local\") ORDER BY k.\"local\" DESC LIMIT 1");
        r.known.append("SELECT 1 FROM ").append(map).append(" WHERE \"local\"=?1 AND sync IS NOT NULL");
        r.keep.append("INSERT INTO ").append(map).append("(\"local\",sync,was,stirred) ");
        r.keep_next = r.keep;
        if (to.numbered) {
            // Below zero SQLite numbers no row by itself.
            r.keep.append("SELECT min(0,ifnull(min(\"local\"),0))-1,?1,?1,0 FROM ").append(map);
            r.keep_next.append("SELECT max(0,ifnull(max(\"local\"),0))+1,?1,?1,0 FROM ").append(map);
        } else {
            r.keep.append("VALUES(").append(to.default_sql.empty() ? "?1" : to.default_sql).append(",?1,?1,0)");
            r.keep_next = r.keep;
        }
        r.note.append("INSERT INTO ").append(map).append("(\"local\",sync,was,stirred) VALUES(?1,NULL,NULL,0) ON CONFLICT DO NOTHING");
        out.push_back(std::move(r));
    }
    return out;
}

namespace detail {

[[nodiscard]] inline result<std::optional<value>> one_sqlite_value(sqlite_database& db, const std::string& sql, const value& parameter,
                                                                   const std::string* second = nullptr) {
    auto s = db.cached(sql);
    if (!s) return s.error();
    bind_sqlite_value(**s, 1, parameter);
    if (second != nullptr && sqlite3_bind_parameter_count((*s)->handle()) > 1) (*s)->bind_text(2, *second);
    const auto row = (*s)->step();
    if (!row) return row.error();
    std::optional<value> out;
    if (*row) {
        // As it is: the natural kinds of what the column holds.
        out = read_sqlite_value(**s, 0, value_kind::text);
        if (auto ok = (*s)->row_read(); !ok) return std::move(ok).error();
    }
    return out;
}

[[nodiscard]] inline fault no_such_row(const sqlite_reference_field& r, const value& v) {
    return make_fault(errc::constraint, "it refers to `", referenced_key(v).value_or("?"), "` of model `", r.target_name, "`, a record that does not exist");
}

}  // namespace detail

/// What the column of @p r holds for a record whose field is @p v.
/// @param keep  where the other record is not there: a local key is kept for it, under which it will come; false: it is refused
/// @param self  the record refers to itself
/// @param tenant  whose records may be referred to, where the fields were made with an owner column
/// @return `errc::constraint` where the value names no record that can be told here
[[nodiscard]] inline result<value> sqlite_local_value(sqlite_database& db, const sqlite_reference_field& r, const value& v, bool keep, bool self,
                                                    const std::string* tenant = nullptr) {
    if (v.is_null()) return v;
    if (v.kind() != r.kind) {
        // A local key that named nothing where it was read. Here it may name somebody.
        auto taken = detail::one_sqlite_value(db, r.known, v);
        if (!taken) return std::move(taken).error();
        if (*taken) return detail::no_such_row(r, v);
        return v;
    }
    for (const std::string* find : {&r.live, &r.mapped}) {
        if (!keep && find == &r.mapped) break;
        auto local = detail::one_sqlite_value(db, *find, v, find == &r.live ? tenant : nullptr);
        if (!local) return std::move(local).error();
        if (*local && !(*local)->is_null()) return std::move(**local);
    }
    if (!keep) return detail::no_such_row(r, v);
    {
        auto s = db.cached(self ? r.keep_next : r.keep);
        if (!s) return s.error();
        bind_sqlite_value(**s, 1, v);
        if (auto ok = (*s)->run(); !ok) return ok.error();
    }
    auto local = detail::one_sqlite_value(db, r.mapped, v);
    if (!local) return std::move(local).error();
    if (!*local) return detail::no_such_row(r, v);
    return std::move(**local);
}

/// Remembers that a row holds the local key @p raw, which no row has: should one come to have it, what refers to it has changed.
[[nodiscard]] inline result<void> note_sqlite_unknown(sqlite_database& db, const sqlite_reference_field& r, const value& raw) {
    if (raw.is_null() || (r.numbered && raw.kind() != value_kind::integer)) return {};
    auto s = db.cached(r.note);
    if (!s) return s.error();
    bind_sqlite_value(**s, 1, raw);
    return (*s)->run();
}

/// Whether some local key stands for another record than when the store looked last.
[[nodiscard]] inline result<bool> sqlite_map_is_stirred(sqlite_database& db, const sqlite_local_keys& keys) {
    if (!keys.mapped()) return false;
    auto s = db.cached(std::string{"SELECT 1 FROM main."}.append(sqlite_quoted(keys.map)).append(" WHERE stirred LIMIT 1"));
    if (!s) return s.error();
    return (*s)->step();
}

/// Says that the store has taken in what became of the local keys.
[[nodiscard]] inline result<void> settle_sqlite_map(sqlite_database& db, const sqlite_local_keys& keys) {
    auto s = db.cached(std::string{"UPDATE main."}.append(sqlite_quoted(keys.map)).append(" SET was=sync,stirred=0 WHERE stirred"));
    if (!s) return s.error();
    return (*s)->run();
}

SYNCLINE_NAMESPACE_END

#endif
