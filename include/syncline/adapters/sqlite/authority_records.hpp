#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_RECORDS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_RECORDS_HPP

#include <syncline/adapters/sqlite/authority_capture.hpp>
#include <syncline/adapters/sqlite/authority_log.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/key_map.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/time_columns.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What of one table's foreign keys concerns the rows of another that go into the trash: the database sees no delete then, so that its action is ours to take.
struct sqlite_trash_referrer {
    model_id model = 0;
    reference_action action = reference_action::none;
    std::string find;   ///< keys of the tenant's records that name the key ?1 (tenant: ?2)
    std::string unset;  ///< makes the reference NULL in them; then `times`
};

/// The SQL by which an authority reads and writes one app table. Parameters: the key last but one, the tenant last where
/// there is an owner column; before them the fields, behind them `times`.
struct sqlite_record_sql {
    struct referrer {
        model_id model = 0;
        std::string find;     ///< keys of the tenant's records that name the key ?1 (tenant: ?2)
        std::string foreign;  ///< whether another tenant's record names it; empty: one tenant
        bool cascades = false;
    };
    std::string select;
    std::string update;
    std::string insert;
    std::string erase;
    std::string exists;  ///< whatever the owner
    std::vector<referrer> referrers;
    sqlite_time_columns times;
    std::vector<sqlite_trash_referrer> trash_referrers;  ///< where erases leave the row: what the database would have done
};

/// Adds to @p out what keeps references in order when rows go into the trash. @param models  by `model_id`
inline void add_trash_referrers(const schema_set& schemas, const std::vector<sqlite_captured_model>& models, std::vector<sqlite_record_sql>& out) {
    for (std::size_t child = 0; child < schemas.size(); ++child)
        for (const auto& foreign : models[child].table.foreign_keys)
            for (std::size_t parent = 0; parent < schemas.size(); ++parent) {
                const auto& table = models[parent].table;
                const sqlite_local_keys& keys = models[parent].keys;
                if (!out[parent].times.soft() || !sqlite_same_name(foreign.table, table.name)) continue;
                const bool by_local = !keys.local.empty() && (foreign.to.empty() || sqlite_same_name(foreign.to, keys.local));
                const bool by_key = foreign.to.empty() ? table.find(keys.key)->primary_key != 0 : sqlite_same_name(foreign.to, keys.key);
                if (!by_local && !by_key) continue;
                const auto& m = models[child];
                std::string where{" WHERE "};
                where.append(sqlite_quoted(foreign.column)).append("=");
                if (by_local) {  // the row lies in the table, in the trash or not
                    where.append("(SELECT o.").append(sqlite_quoted(keys.local)).append(" FROM ").append(sqlite_quoted(table.name));
                    where.append(" AS o WHERE o.").append(sqlite_quoted(keys.key)).append("=?1)");
                } else {
                    where.append("?1");
                }
                if (!m.owner.empty()) where.append(" AND CAST(").append(sqlite_quoted(m.owner)).append(" AS TEXT) COLLATE BINARY=?2");
                where.append(out[child].times.and_live());
                sqlite_trash_referrer r{static_cast<model_id>(child), foreign.on_erase, "SELECT ", "UPDATE "};
                r.find.append(sqlite_quoted(schemas[r.model].key_name)).append(" FROM ").append(sqlite_quoted(m.table.name)).append(where);
                r.unset.append(sqlite_quoted(m.table.name)).append(" SET ").append(sqlite_quoted(foreign.column)).append("=NULL");
                r.unset.append(out[child].times.update_sets()).append(where);
                out[parent].trash_referrers.push_back(std::move(r));
            }
}

/// Writes the SQL for the models in @p schemas. @param models  by `model_id`
[[nodiscard]] inline std::vector<sqlite_record_sql> make_sqlite_record_sql(const schema_set& schemas,
                                                                           const std::vector<sqlite_captured_model>& models) {
    std::vector<sqlite_record_sql> out(schemas.size());
    std::vector<sqlite_local_keys> names;
    for (const auto& m : models) names.push_back(m.keys);
    const auto parameter = [](std::size_t n) { return std::string{"?"}.append(std::to_string(n)); };
    const auto owned = [&](const sqlite_captured_model& m, std::size_t at, std::string_view compare) {
        if (m.owner.empty()) return std::string{};
        std::string sql{" AND CAST("};
        // An owner that is a number is compared as its digits, so that no two tenants' names mean one owner.
        return sql.append(sqlite_quoted(m.owner)).append(" AS TEXT) COLLATE BINARY ").append(compare).append(" ").append(parameter(at));
    };
    for (std::size_t i = 0; i < schemas.size(); ++i) {
        const auto& schema = schemas[static_cast<model_id>(i)];
        const auto& m = models[i];
        auto& sql = out[i];
        const std::string t = sqlite_quoted(m.table.name);
        const std::string key = sqlite_quoted(schema.key_name);
        const std::size_t n = schema.fields.size();
        std::string columns;
        std::string sets;
        std::string values;
        for (std::size_t f = 0; f < n; ++f) {
            const std::string column = sqlite_quoted(schema.fields[f].name);
            columns.append(",").append(sqlite_field_of(names, m.keys, f, t, schema.fields[f].name));
            sets.append(f == 0 ? "" : ",").append(column).append("=").append(parameter(f + 1));
            values.append(parameter(f + 1)).append(",");
        }
        if (n == 0) sets.append(key).append("=").append(key);
        sql.times = make_sqlite_time_columns(m.table, schema, static_cast<int>(n) + (m.owner.empty() ? 2 : 3));
        sets.append(sql.times.update_sets());
        for (const auto& r : m.references) columns.append(",").append(t).append(".").append(sqlite_quoted(schema.fields[r.field].name));
        const std::string where = std::string{" WHERE "}.append(key).append("=");
        sql.select.append("SELECT ").append(key).append(columns).append(" FROM ").append(t).append(where).append("?1").append(owned(m, 2, "=")).append(sql.times.and_live());
        sql.update.append("UPDATE ").append(t).append(" SET ").append(sets).append(where).append(parameter(n + 1)).append(owned(m, n + 2, "="));
        sql.insert.append("INSERT INTO ").append(t).append("(");
        for (std::size_t f = 0; f < n; ++f) sql.insert.append(sqlite_quoted(schema.fields[f].name)).append(",");
        sql.insert.append(key);
        if (!m.owner.empty()) sql.insert.append(",").append(sqlite_quoted(m.owner));
        if (m.keys.mapped()) sql.insert.append(",").append(sqlite_quoted(m.keys.local));
        sql.insert.append(sql.times.insert_columns());
        sql.insert.append(") VALUES(").append(values).append(parameter(n + 1));
        if (!m.owner.empty()) sql.insert.append(",").append(parameter(n + 2));
        if (m.keys.mapped()) sql.insert.append(",").append(sqlite_local_key_for(m.keys, parameter(n + 1), m.table.counts_rows));
        sql.insert.append(sql.times.insert_values()).append(")");
        sql.erase.append(sql.times.soft() ? "UPDATE " : "DELETE FROM ").append(t);
        if (sql.times.soft()) sql.erase.append(" SET ").append(sql.times.erase_sets());
        sql.erase.append(where).append("?1").append(owned(m, 2, "=")).append(sql.times.and_live());
        sql.exists.append("SELECT 1 FROM ").append(t).append(where).append("?1");

        for (const auto& reference : schema.references) {
            const auto target = schemas.find(reference.model);
            if (!target) continue;
            sqlite_record_sql::referrer r;
            r.model = static_cast<model_id>(i);
            r.cascades = reference.on_erase == reference_action::cascade;
            std::string by{" WHERE "};
            by.append(sqlite_quoted(schema.fields[reference.field].name));
            // By the map, as references are read: who is asked for may be gone.
            if (m.keys.names[reference.field]) by.append(" IN (SELECT k.\"local\" FROM ").append(sqlite_quoted(names[*target].map)).append(" AS k WHERE k.sync=?1)");
            else by.append("=?1");
            r.find.append("SELECT ").append(key).append(" FROM ").append(t).append(by).append(owned(m, 2, "=")).append(sql.times.and_live()).append(" ORDER BY ").append(key);
            if (!m.owner.empty() && reference.on_erase != reference_action::none)
                r.foreign.append("SELECT 1 FROM ").append(t).append(by).append(owned(m, 2, "<>"));
            out[*target].referrers.push_back(std::move(r));
        }
    }
    add_trash_referrers(schemas, models, out);
    return out;
}

/// What a write is a part of: no savepoint, where SQLite judges references when the table says so; or a mutation's, in which one that is still open after
/// the write is refused at once. `untouched`: the savepoint is open and nothing was written in it.
enum class sqlite_mutation { none, untouched, touched };

/// The live rows of one tenant in the app's own tables.
class sqlite_authority_records {
public:
    /// @param models, sql  by `model_id`; they and @p tenant outlive this object
    /// @param told  when what is written was done; nothing: that was not told
    /// @param writes  the transaction is for writing
    sqlite_authority_records(sqlite_authority_scope scope, const std::vector<sqlite_captured_model>& models,
                             const std::vector<sqlite_record_sql>& sql, const std::string& tenant, std::optional<timestamp> told = std::nullopt, bool writes = true)
        : in_(scope), models_(&models), sql_(&sql), tenant_(&tenant), told_(told), writes_(writes) {}

    [[nodiscard]] result<std::optional<record>> current(const record_key& k) const {
        if (auto r = known(k); !r) return std::move(r).error();
        const auto& schema = (*in_.schemas)[k.model];
        std::optional<record> out;
        const auto& references = (*models_)[k.model].references;
        std::vector<value> raw;
        bool nameable = true;
        auto r = each_sqlite_row(
            *in_.db, (*sql_)[k.model].select, [&](sqlite_statement& s) { nameable = bind_key(s, 1, k); },
            [&](sqlite_statement& s) {
                record row;
                row.fields.reserve(schema.fields.size());
                for (std::size_t f = 0; f < schema.fields.size(); ++f)
                    row.fields.push_back(read_sqlite_value(s, static_cast<int>(f) + 1, schema.fields[f].kind));
                for (std::size_t i = 0; i < references.size(); ++i)
                    raw.push_back(read_sqlite_value(s, static_cast<int>(1 + schema.fields.size() + i), value_kind::text));
                out = std::move(row);
                return false;
            });
        if (!r) return std::move(r).error();
        if (!nameable) out.reset();
        for (std::size_t i = 0; out && writes_ && i < raw.size(); ++i)
            if (out->fields[references[i].field] == raw[i])  // the map knows nothing of it
                if (auto noted = note_sqlite_unknown(*in_.db, references[i], raw[i]); !noted) return std::move(noted).error();
        return out;
    }

    /// Writes the row, or refuses it: `errc::constraint`, `errc::invalid_key`, `errc::absent` where the key is another tenant's,
    /// `errc::unsupported` where a column cannot keep a value (a NaN, say; but a real may come back as an equal integer).
    /// @param absent   `current` has just found no row
    [[nodiscard]] result<void> write(const record_key& k, const record& row, sqlite_mutation in, bool absent) {
        if (auto r = known(k); !r) return r;
        const auto& schema = (*in_.schemas)[k.model];
        const auto& table = (*models_)[k.model].table;
        if (k.key.empty()) return make_fault(errc::invalid_key, "a record of model `", schema.name, "` has an empty key");
        if (row.fields.size() != schema.fields.size())
            return make_fault(errc::bug, "a row of model `", schema.name, "` was written with ", std::to_string(row.fields.size()), " fields; it has ",
                              std::to_string(schema.fields.size()));
        for (std::size_t f = 0; f < row.fields.size(); ++f)
            if (!(*models_)[k.model].keys.names[f] && !keeps(row.fields[f], schema.fields[f].kind, table.find(schema.fields[f].name), in_.db->is_wide()))
                return make_fault(errc::unsupported, "field `", schema.fields[f].name, "` of model `", schema.name, "`: the column cannot hold this ",
                                  name_of(row.fields[f].kind()), " without changing it");
        return guarded(k, "writing", in, [&]() -> result<void> {
            auto columns = columns_of(k, row, in != sqlite_mutation::none);
            return columns ? put(k, *columns, absent) : std::move(columns).error();
        });
    }

    [[nodiscard]] result<void> erase(const record_key& k, sqlite_mutation in) {
        if (auto r = known(k); !r) return r;
        const auto& sql = (*sql_)[k.model];
        for (const auto& referrer : sql.referrers) {
            if (referrer.foreign.empty()) continue;
            auto found = any(referrer.foreign, k);
            if (!found) return std::move(found).error();
            if (!*found) continue;
            auto mine = current(k);
            if (!mine) return std::move(mine).error();
            if (*mine)
                return make_fault(errc::constraint, "erasing `", k.key, "` of model `", (*in_.schemas)[k.model].name,
                                  "`: a record that belongs to somebody else refers to it");
        }
        return guarded(k, "erasing", in, [&] { return erase_with_referrers(k); });
    }

    [[nodiscard]] result<std::vector<record_key>> referencing(const record_key& k, std::size_t most) const { return naming(k, most, true); }
    [[nodiscard]] result<std::vector<record_key>> referring(const record_key& k, std::size_t most) const { return naming(k, most, false); }

    [[nodiscard]] result<bool> has_staged() const {
        bool any = false;
        auto changed = each_stirred([&](model_id id, const std::string& from) -> result<void> {
            return each_sqlite_row(
                *in_.db, std::string{"SELECT 1"}.append(from).append(owned() ? stirred_of_tenant(id) : std::string{}), [&](sqlite_statement& s) { bind_owner(s); },
                [&](sqlite_statement&) {
                    any = true;
                    return false;
                });
        });
        if (!changed) return std::move(changed).error();
        if (any) return true;
        auto r = each_sqlite_row(
            *in_.db, owned() ? "SELECT 1 FROM syncline_authority_stage WHERE tenant = ?1" : "SELECT 1 FROM syncline_authority_stage",
            [&](sqlite_statement& s) { bind_owner(s); },
            [&](sqlite_statement&) {
                any = true;
                return false;
            });
        if (!r) return std::move(r).error();
        return any;
    }

    /// Rows whose key is NULL or not of the key column's type name no record and are passed over.
    [[nodiscard]] result<std::vector<record_key>> take_staged() {
        if (auto r = stage_stirred(); !r) return std::move(r).error();
        std::vector<record_key> out;
        std::unordered_set<record_key, record_key_hash> seen;
        auto r = each_sqlite_row(
            *in_.db,
            owned() ? "SELECT model, key FROM syncline_authority_stage WHERE tenant = ?1 ORDER BY seq"
                    : "SELECT model, key FROM syncline_authority_stage ORDER BY seq",
            [&](sqlite_statement& s) { bind_owner(s); },
            [&](sqlite_statement& s) {
                const auto model = in_.catalog->find(s.column_integer(0));
                if (!model) return true;
                auto key = read_sqlite_key(s, 1, (*in_.schemas)[*model].key_kind);
                if (!key) return true;
                record_key k{*model, std::move(*key)};
                if (seen.insert(k).second) out.push_back(std::move(k));
                return true;
            });
        if (!r) return std::move(r).error();
        if (auto gone = run_sqlite(*in_.db,
                                   owned() ? "DELETE FROM syncline_authority_stage WHERE tenant = ?1" : "DELETE FROM syncline_authority_stage",
                                   [&](sqlite_statement& s) { bind_owner(s); });
            !gone)
            return std::move(gone).error();
        return out;
    }

    /// See `default_filling_transaction`. A field that refers to a record has a key of ours, of which no table knows a default.
    [[nodiscard]] result<void> fill_defaults(model_id model, record& row, const field_set& fields) const {
        const model_schema& schema = (*in_.schemas)[model];
        const sqlite_captured_model& synced = (*models_)[model];
        for (std::size_t f = 0; f < schema.fields.size(); ++f) {
            if (!fields.contains(static_cast<field_index>(f))) continue;
            const sqlite_column* const column = synced.table.find(schema.fields[f].name);
            if (column == nullptr || column->default_sql.empty()) continue;
            if (std::any_of(schema.references.begin(), schema.references.end(), [&](const reference_schema& r) { return r.field == f; })) continue;
            std::string sql{"SELECT "};
            sql.append(sqlite_default_value(*column));
            auto r = each_sqlite_row(*in_.db, sql, [](sqlite_statement&) {}, [&](sqlite_statement& s) {
                row.fields[f] = read_sqlite_value(s, 0, schema.fields[f].kind);
                return false;
            });
            if (!r) return r;
        }
        return {};
    }

private:
    [[nodiscard]] result<std::vector<record_key>> naming(const record_key& k, std::size_t most, bool only_cascades) const {
        std::vector<record_key> out;
        if (auto r = known(k); !r) return std::move(r).error();
        std::unordered_set<record_key, record_key_hash> seen;
        for (const auto& referrer : (*sql_)[k.model].referrers) {
            if (only_cascades && !referrer.cascades) continue;
            if (out.size() >= most) break;
            bool nameable = true;
            auto r = each_sqlite_row(
                *in_.db, referrer.find,
                [&](sqlite_statement& s) {
                    nameable = bind_key(s, 1, k);
                    if (!nameable) s.bind_null(1);
                },
                [&](sqlite_statement& s) {
                    auto key = read_sqlite_key(s, 0, (*in_.schemas)[referrer.model].key_kind);
                    if (!key) return true;
                    record_key found{referrer.model, std::move(*key)};
                    if (seen.insert(found).second) out.push_back(std::move(found));
                    return out.size() < most;
                });
            if (!r) return std::move(r).error();
        }
        return out;
    }

    [[nodiscard]] bool owned() const noexcept { return !models_->empty() && !models_->front().owner.empty(); }
    void bind_owner(sqlite_statement& s) const {
        if (owned()) s.bind_text(1, *tenant_);
    }

    [[nodiscard]] result<void> known(const record_key& k) const {
        if (!in_.schemas->contains(k.model)) return make_fault(errc::unknown_model, "a record names a model that is not registered");
        return {};
    }

    // Binds the key and, behind it, the tenant. False: no row can have this key.
    bool bind_key(sqlite_statement& s, int at, const record_key& k) const {
        const bool ok = bind_sqlite_key(s, at, k.key, (*in_.schemas)[k.model].key_kind);
        if (owned() && !(*models_)[k.model].owner.empty() && sqlite3_bind_parameter_count(s.handle()) > at) s.bind_text(at + 1, *tenant_);
        return ok;
    }

    // What a column turns into a value of the same meaning is let through: the sealed row is read back from the table.
    [[nodiscard]] static bool keeps(const value& v, value_kind kind, const sqlite_column* column, bool wide) {
        if (column == nullptr || sqlite_can_hold(v, kind, column->affinity, wide)) return true;
        return v.kind() == value_kind::real && kind == value_kind::real && !std::isnan(v.as_real()) && column->affinity != sqlite_affinity::text;
    }

    [[nodiscard]] result<bool> any(const std::string& sql, const record_key& k) const {
        bool found = false;
        bool nameable = true;
        auto r = each_sqlite_row(
            *in_.db, sql,
            [&](sqlite_statement& s) {
                nameable = bind_key(s, 1, k);
                if (!nameable) s.bind_null(1);
            },
            [&](sqlite_statement&) {
                found = true;
                return false;
            });
        if (!r) return std::move(r).error();
        return found;
    }

    // Erases the record, and does for each that goes into the trash what the database does for one that is deleted.
    [[nodiscard]] result<void> erase_with_referrers(const record_key& first) {
        std::vector<record_key> left{first};
        while (!left.empty()) {
            const record_key k = std::move(left.back());
            left.pop_back();
            const auto& sql = (*sql_)[k.model];
            if (sql.times.soft() && !told_)
                return make_fault(errc::bug, "a record of model `", (*in_.schemas)[k.model].name, "`, which has soft deletes, was erased at no time; call "
                                  "`tell_time` before");
            const auto bind = [&](sqlite_statement& s) {
                if (!bind_key(s, 1, k)) s.bind_null(1);
                bind_sqlite_times(s, sql.times, told_);
            };
            if (auto r = run_sqlite(*in_.db, sql.erase, bind); !r) return r;
            if (in_.db->changes() == 0) continue;  // its own references to itself end here, too
            for (const auto& referrer : sql.trash_referrers) {
                if (referrer.action == reference_action::set_null) {
                    auto r = run_sqlite(*in_.db, referrer.unset, [&](sqlite_statement& s) {
                        if (!bind_key(s, 1, k)) s.bind_null(1);
                        bind_sqlite_times(s, (*sql_)[referrer.model].times, told_);
                    });
                    if (!r) return r;
                    continue;
                }
                const std::size_t before = left.size();
                auto r = each_sqlite_row(
                    *in_.db, referrer.find,
                    [&](sqlite_statement& s) {
                        if (!bind_key(s, 1, k)) s.bind_null(1);
                    },
                    [&](sqlite_statement& s) {
                        if (auto key = read_sqlite_key(s, 0, (*in_.schemas)[referrer.model].key_kind)) left.push_back({referrer.model, std::move(*key)});
                        return true;
                    });
                if (!r) return r;
                if (referrer.action == reference_action::none && left.size() != before) return make_fault(errc::constraint, "FOREIGN KEY constraint failed");
            }
        }
        return {};
    }

    // What the columns hold of a record. A record that it refers to must be there, unless it may come later in the transaction, or is the record itself.
    [[nodiscard]] result<record> columns_of(const record_key& k, const record& row, bool at_once) {
        record out = row;
        for (const auto& r : (*models_)[k.model].references) {
            value& v = out.fields[r.field];
            const bool self = r.target == k.model && referenced_key(v) == k.key;
            auto local = sqlite_local_value(*in_.db, r, v, self || !at_once, self, owned() ? tenant_ : nullptr);
            if (!local) return std::move(local).error();
            v = std::move(*local);
        }
        return out;
    }

    // For each reference field whose local keys have come to stand for other records than when this was asked last: what follows FROM to find the rows, which are
    // changed though nothing touched them.
    template <class Each>
    [[nodiscard]] result<void> each_stirred(Each each) const {
        for (model_id target = 0; target < models_->size(); ++target) {
            const auto& keys = (*models_)[target].keys;
            const auto stirred = sqlite_map_is_stirred(*in_.db, keys);
            if (!stirred) return stirred.error();
            if (!*stirred) continue;
            for (model_id id = 0; id < models_->size(); ++id)
                for (const auto& r : (*models_)[id].references) {
                    if (r.target != target) continue;
                    std::string from{" FROM "};
                    from.append(sqlite_quoted(keys.map)).append(" AS k CROSS JOIN ").append(sqlite_quoted((*models_)[id].table.name));
                    from.append(" AS v WHERE k.stirred AND k.was IS NOT k.sync AND v.").append(sqlite_quoted((*in_.schemas)[id].fields[r.field].name)).append("=k.\"local\"");
                    if (auto ok = each(id, from); !ok) return ok;
                }
        }
        return {};
    }
    [[nodiscard]] std::string stirred_of_tenant(model_id id) const {
        return std::string{" AND CAST(v."}.append(sqlite_quoted((*models_)[id].owner)).append(" AS TEXT) COLLATE BINARY=?1");
    }
    [[nodiscard]] result<void> stage_stirred() {
        auto staged = each_stirred([&](model_id id, const std::string& from) {
            const auto& m = (*models_)[id];
            std::string sql{"INSERT INTO syncline_authority_stage(model,key,tenant) SELECT "};
            sql.append(std::to_string(in_.catalog->numbers[id])).append(",v.").append(sqlite_quoted(m.keys.key)).append(",");
            sql.append(m.owner.empty() ? std::string{"NULL"} : std::string{"v."}.append(sqlite_quoted(m.owner))).append(from);
            return run_sqlite(*in_.db, sql);
        });
        if (!staged) return staged;
        for (const auto& m : *models_) {
            const auto stirred = sqlite_map_is_stirred(*in_.db, m.keys);
            if (!stirred) return stirred.error();
            if (!*stirred) continue;
            if (auto ok = settle_sqlite_map(*in_.db, m.keys); !ok) return ok;
        }
        return {};
    }

    // An upsert without REPLACE and without a conflict target: the app's triggers see an update as an update.
    [[nodiscard]] result<void> put(const record_key& k, const record& row, bool absent) {
        const auto& sql = (*sql_)[k.model];
        bool nameable = true;
        const auto bind = [&](sqlite_statement& s) {
            int at = 1;
            for (const auto& v : row.fields) bind_sqlite_value(s, at++, v);
            nameable = bind_key(s, at, k);
            if (!nameable) s.bind_null(at);
            bind_sqlite_times(s, sql.times, told_);
        };
        // What lies in the trash, or is another tenant's, is there all the same; and not every text is a key of another kind.
        const bool inserts = absent && !owned() && !sql.times.soft() && (*in_.schemas)[k.model].key_kind == value_kind::text;
        if (!inserts)
            if (auto r = run_sqlite(*in_.db, sql.update, bind); !r) return r;
        if (!nameable)
            return make_fault(errc::invalid_key, "`", k.key, "` is not a key of model `", (*in_.schemas)[k.model].name, "`, whose table stores keys as ",
                              name_of((*in_.schemas)[k.model].key_kind));
        if (!inserts && in_.db->changes() != 0) return {};
        if (owned()) {
            auto theirs = any(sql.exists, k);
            if (!theirs) return std::move(theirs).error();
            auto mine = current(k);
            if (!mine) return std::move(mine).error();
            if (*theirs && !*mine) return make_fault(errc::absent, "there is no such record");
        }
        if (auto r = run_sqlite(*in_.db, sql.insert, bind); !r) return r;
        if (in_.db->changes() == 0) return make_fault(errc::constraint, "a trigger of the table ignores the row");
        return {};
    }

    // Runs one change of the app's table so that, when it is refused, nothing of it stays.
    template <class Change>
    [[nodiscard]] result<void> guarded(const record_key& k, std::string_view doing, sqlite_mutation in, Change change) {
        auto& db = *in_.db;
        const bool open_before = open_references();
        const bool first = in == sqlite_mutation::untouched;  // then the mutation's own savepoint does
        if (!first)
            if (auto r = run_sqlite(db, "SAVEPOINT syncline_write"); !r) return r;
        auto done = change();
        if (done && in != sqlite_mutation::none && !open_before && open_references())
            done = make_fault(errc::constraint, "FOREIGN KEY constraint failed");
        if (done) return first ? result<void>{} : run_sqlite(db, "RELEASE syncline_write");
        fault why = std::move(done).error();
        if (!db.in_transaction()) {
            if (why.code != errc::constraint) return why;  // SQLite ends a transaction by itself when the disk fails or memory does
            why.code = errc::bug;
            why.detail.append("; the table's own constraint or trigger rolled the whole transaction back (ROLLBACK); use ABORT there");
            return why;
        }
        if (auto r = db.execute(first ? "ROLLBACK TO syncline_mutation" : "ROLLBACK TO syncline_write; RELEASE syncline_write"); !r) return r;
        return explained(std::move(why), k, doing);
    }

    [[nodiscard]] bool open_references() const {
        int now = 0;
        int most = 0;
        sqlite3_db_status(in_.db->handle(), SQLITE_DBSTATUS_DEFERRED_FKS, &now, &most, 0);
        return now != 0;
    }

    // SQLite names the constraint, but for a foreign key neither table nor record.
    [[nodiscard]] fault explained(fault why, const record_key& k, std::string_view doing) const {
        if (why.code != errc::constraint) return why;
        constexpr std::string_view plain = "running SQL: ";
        if (std::string_view{why.detail}.substr(0, plain.size()) == plain) why.detail.erase(0, plain.size());
        std::string detail{doing};
        detail.append(" `").append(k.key).append("` of model `").append((*in_.schemas)[k.model].name).append("`: ").append(why.detail);
        if (why.detail.find("FOREIGN KEY") != std::string::npos)
            detail.append(doing == "erasing" ? "; another record still refers to it" : "; it refers to a record that does not exist");
        why.detail = std::move(detail);
        return why;
    }

    sqlite_authority_scope in_;
    const std::vector<sqlite_captured_model>* models_;
    const std::vector<sqlite_record_sql>* sql_;
    const std::string* tenant_;
    std::optional<timestamp> told_;
    bool writes_;
};

SYNCLINE_NAMESPACE_END

#endif
