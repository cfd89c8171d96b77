#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_LOG_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_LOG_HPP

#include <syncline/adapters/sqlite/capture.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/key_map.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/replica_fields.hpp>
#include <syncline/adapters/sqlite/replica_tables.hpp>
#include <syncline/adapters/sqlite/row_digest.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The app's tables as a replica's transactions read them, and the logs in which the triggers say what was true before. Internal to the store.
class sqlite_replica_log {
public:
    explicit sqlite_replica_log(sqlite_database database) : db(std::move(database)) {}

    sqlite_database db;
    schema_set schemas;
    std::vector<sqlite_replica_table> tables;  ///< by model id

    /// A statement of the open transaction. SQLite ends a transaction by itself on some failures; what came after would
    /// then be committed one by one.
    [[nodiscard]] result<sqlite_cached_statement> use(std::string_view sql) {
        if (!db.in_transaction()) return lost();
        return db.cached(sql);
    }

    [[nodiscard]] result<void> check_model(const record_key& key) const {
        if (schemas.contains(key.model)) return {};
        return make_fault(errc::unknown_model, "there is no model number ", std::to_string(key.model), " in this store");
    }

    [[nodiscard]] result<std::optional<record>> visible(const record_key& key) {
        auto out = row_of(key);
        if (out) note_seen(key, *out);
        return out;
    }

protected:
    [[nodiscard]] result<std::optional<record>> row_of(const record_key& key) {
        if (auto ok = check_model(key); !ok) return ok.error();
        const model_schema& model = schemas[key.model];
        auto s = use(tables[key.model].select_row);
        if (!s) return s.error();
        std::optional<record> out;
        if (bind_sqlite_key(**s, 1, key.key, model.key_kind)) {
            const auto row = (*s)->step();
            if (!row) return row.error();
            if (*row) out = read_sqlite_fields(**s, 0, model);
            std::vector<value> raw;
            for (std::size_t i = 0; *row && i < tables[key.model].references.size(); ++i)
                raw.push_back(read_sqlite_value(**s, static_cast<int>(model.fields.size() + i), value_kind::text));
            if (auto ok = (*s)->row_read(); !ok) return std::move(ok).error();
            for (std::size_t i = 0; i < raw.size(); ++i) {
                const auto& r = tables[key.model].references[i];
                if (out->fields[r.field] == raw[i])  // the map knows nothing of it
                    if (auto ok = note_sqlite_unknown(db, r, raw[i]); !ok) return std::move(ok).error();
            }
        }
        return out;
    }

    [[nodiscard]] static fault lost() {
        return make_fault(errc::io_error, "the database ended the transaction by itself (an earlier failure, or RAISE(ROLLBACK) in a trigger); "
                                          "nothing of it was kept: begin again");
    }

    // What is logged from here on comes after everything that is in the logs.
    [[nodiscard]] result<void> begin_turn(model_id id) {
        if (schemas.size() == 1) return {};
        std::string sql{"INSERT INTO main.syncline_replica_turn(model,above) SELECT "};
        sql.append(std::to_string(id)).append(",ifnull(max(seq),0) FROM main.").append(tables[id].log);
        auto s = use(sql);
        if (!s) return s.error();
        return (*s)->run();
    }

    // Rows whose column holds a local key that stands for another record than when this was asked last are changed, though nothing touched them.
    [[nodiscard]] result<void> log_stirred() {
        for (model_id target = 0; target < schemas.size(); ++target) {
            const sqlite_local_keys& keys = tables[target].keys;
            const auto stirred = sqlite_map_is_stirred(db, keys);
            if (!stirred) return stirred.error();
            if (!*stirred) continue;
            for (model_id id = 0; id < schemas.size(); ++id)
                for (const auto& r : tables[id].references) {
                    if (r.target != target) continue;
                    if (auto ok = begin_turn(id); !ok) return ok;  // after what gave the key its new meaning
                    const std::string column = std::string{"v."}.append(sqlite_quoted(schemas[id].fields[r.field].name));
                    std::string sql{"INSERT INTO main."};
                    sql.append(tables[id].log).append("(kind,\"key\",m").append(std::to_string(r.field / sqlite_mask_bits)).append(",c").append(std::to_string(r.field));
                    sql.append(") SELECT 2,v.").append(sqlite_quoted(schemas[id].key_name)).append(",1<<").append(std::to_string(r.field % sqlite_mask_bits));
                    sql.append(",coalesce(k.was,").append(column).append(") FROM main.").append(sqlite_quoted(keys.map)).append(" AS k CROSS JOIN main.");
                    sql.append(sqlite_quoted(tables[id].table.name)).append(" AS v WHERE k.stirred AND k.was IS NOT k.sync AND ").append(column).append("=k.\"local\"");
                    auto s = use(sql);
                    if (!s) return s.error();
                    if (auto ok = (*s)->run(); !ok) return ok;
                }
            if (auto ok = settle_sqlite_map(db, keys); !ok) return ok;
        }
        return {};
    }

    // From when on which model's log was written to.
    struct log_turn {
        model_id model;
        std::int64_t above;
    };
    [[nodiscard]] result<std::vector<log_turn>> take_turns() {
        std::vector<log_turn> out;
        if (schemas.size() == 1) return out;
        auto s = use("SELECT model,above FROM main.syncline_replica_turn ORDER BY seq");
        if (!s) return s.error();
        for (;;) {
            const auto row = (*s)->step();
            if (!row) return row.error();
            if (!*row) break;
            out.push_back({static_cast<model_id>((*s)->column_integer(0)), (*s)->column_integer(1)});
        }
        if (out.empty()) return out;
        auto d = use("DELETE FROM main.syncline_replica_turn");
        if (!d) return d.error();
        if (auto ok = (*d)->run(); !ok) return ok.error();
        return out;
    }

    [[nodiscard]] result<std::int64_t> newest_entry(model_id id) {
        std::string sql = "SELECT max(seq) FROM main.";
        sql.append(tables[id].log);
        auto s = use(sql);
        if (!s) return s.error();
        const auto row = (*s)->step();
        if (!row) return row.error();
        return *row ? (*s)->column_integer(0) : 0;
    }

    // Folds the entries in (above, upto], gives each net change to `each`, and takes the entries out.
    template <class Each>
    [[nodiscard]] result<void> take_entries(model_id id, std::int64_t above, std::int64_t upto, Each each) {
        if (upto <= above) return {};
        sqlite_capture_fold fold{schemas[id]};
        {
            auto s = use(tables[id].select_log);
            if (!s) return s.error();
            (*s)->bind(1, above).bind(2, upto);
            for (;;) {
                const auto row = (*s)->step();
                if (!row) return row.error();
                if (!*row) break;
                fold.add(**s);
            }
        }
        for (const auto& name : fold.keys()) {
            record_key key{id, name};
            auto now = row_of(key);
            if (!now) return now.error();
            const auto& state = fold.of(name);
            auto before = sqlite_capture_fold::before(state, *now);
            if (!before && !*now) continue;
            const bool recreated = state.recreated && before && *now;
            if (!recreated && before == *now) continue;
            each(std::move(key), state.first, std::move(before), std::move(*now), recreated);
        }
        return empty_log(id, above, upto);
    }

    // The last entry stays, as a mark without content, so that numbers are never given twice.
    [[nodiscard]] result<void> empty_log(model_id id, std::int64_t above, std::int64_t upto) {
        std::string sql = "DELETE FROM main.";
        sql.append(tables[id].log).append(" WHERE seq>?1 AND seq<?2");
        auto s = use(sql);
        if (!s) return s.error();
        (*s)->bind(1, above).bind(2, upto);
        if (auto ok = (*s)->run(); !ok) return ok;
        sql = "UPDATE main.";
        sql.append(tables[id].log).append(" SET kind=0,\"key\"=NULL");
        for (std::size_t i = 0; i < schemas[id].fields.size(); ++i) sql.append(",c").append(std::to_string(i)).append("=NULL");
        sql.append(" WHERE seq=?1 AND kind<>0");
        auto u = use(sql);
        if (!u) return u.error();
        (*u)->bind(1, upto);
        return (*u)->run();
    }

    // Names in each of the edits the fields that the device's rows tell nothing of.
    [[nodiscard]] result<void> name_unseen(std::vector<captured_edit>& edits) {
        if (edits.empty()) return {};
        auto s = use("SELECT id,unseen FROM main.syncline_replica_model WHERE unseen<>x''");
        if (!s) return s.error();
        for (;;) {
            const auto row = (*s)->step();
            if (!row) return row.error();
            if (!*row) return {};
            const auto id = static_cast<model_id>((*s)->column_integer(0));
            const std::string kept{(*s)->column_blob(1)};
            if (auto ok = (*s)->row_read(); !ok) return ok;
            const auto fields = decode_sqlite_unseen(kept);
            if (!fields) return fields.error();
            for (const auto& [name, otherwise] : *fields) {
                const auto field = schemas[id].find_field(name);
                if (!field) continue;
                for (auto& edit : edits)
                    if (edit.key.model == id && (edit.before || !edit.after || edit.after->fields[*field] == otherwise)) edit.unseen.insert(*field);
            }
        }
    }

    void note_seen(const record_key& key, const std::optional<record>& row) {
        seen_ = key;
        seen_digest_ = sqlite_row_digest(row);
    }

    std::optional<record_key> seen_;     // the record that this transaction read or wrote last
    std::string seen_digest_;
};

SYNCLINE_NAMESPACE_END

#endif
