#ifndef SYNCLINE_ADAPTERS_SQLITE_CAPTURE_GAP_HPP
#define SYNCLINE_ADAPTERS_SQLITE_CAPTURE_GAP_HPP

#include <syncline/adapters/sqlite/capture.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_tables.hpp>
#include <syncline/adapters/sqlite/row_digest.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Finds what the app did to a table while no trigger of ours stood on it (a table that was made anew loses them), and adds it to the model's log.
///
/// What a row should be is known exactly where an intent lies over it. Elsewhere only the digest is: it tells which fields changed, not from what, so
/// the entry says null for them (the empty text where they are null now), the record's base is marked as awaiting the authority's row, and the state must be fetched anew. A row that is
/// gone was erased by the app, unless all that should be there are gone: then the table was emptied, not edited; what is known exactly is
/// put back and the rest fetched.
///
/// Runs once, inside the transaction that attaches. Complexity: reads every known row once.
class sqlite_capture_gap {
public:
    /// @param inserts_seen  the trigger before inserts stood all the time: no row came unnoticed
    /// @param as_they_are   fields whose content is not compared, since it is read as another kind than before
    /// @param of_new_fields by the model's field, what the known rows had of one that the program did not know before; may be short
    sqlite_capture_gap(sqlite_database& db, const sqlite_replica_table& table, const model_schema& model, model_id id, bool inserts_seen,
                       const field_set& as_they_are, std::vector<std::optional<value>> of_new_fields = {})
        : db_(db), table_(table), model_(model), id_(id), inserts_seen_(inserts_seen), as_they_are_(as_they_are), of_new_fields_(std::move(of_new_fields)), fold_(model) {
        of_new_fields_.resize(model_.fields.size());
    }

    /// @return whether the state must be fetched anew; `errc::constraint` when the emptied table refuses a row that is put back
    [[nodiscard]] result<bool> close() {
        if (auto ok = read_log(); !ok) return ok.error();
        if (auto ok = compare(); !ok) return ok.error();
        if (auto ok = count_trash(); !ok) return ok.error();
        for (const auto& row : gone_) {
            if (survivors_ != 0) {
                // Nulls stand for what is not known.
                record before = row.exact ? *row.exact : record{};
                before.fields.resize(model_.fields.size());
                if (auto ok = add(sqlite_capture_kind::row, row.key, model_.all_fields(), before); !ok) return ok.error();
            } else if (row.exact) {
                if (auto ok = put_back(row.key, *row.exact); !ok) return ok.error();
            } else {
                digests_.emplace_back(row.key, std::string{});
            }
            if (!row.exact) doubtful_.push_back(row.key);
        }
        if (!inserts_seen_)
            if (auto ok = add_unknown(); !ok) return ok.error();
        auto digest = db_.prepare("UPDATE main.syncline_replica_base SET digest=?3 WHERE model=?1 AND \"key\"=?2");
        if (!digest) return digest.error();
        for (const auto& [key, value] : digests_)
            if (auto ok = digest->bind(1, id_).bind_text(2, key).bind_blob(3, value).run(); !ok) return ok.error();
        auto await = db_.prepare("UPDATE main.syncline_replica_base SET provisional_version=ifnull(provisional_version,version),"
                                 "provisional_after=ifnull(provisional_after,'') WHERE model=?1 AND \"key\"=?2");
        if (!await) return await.error();
        for (const auto& key : doubtful_)
            if (auto ok = await->bind(1, id_).bind_text(2, key).run(); !ok) return ok.error();
        return !doubtful_.empty();
    }

private:
    // A table with rows in the trash was not emptied, though no row may be left.
    [[nodiscard]] result<void> count_trash() {
        if (!table_.times.soft()) return {};
        std::string sql{"SELECT count(*) FROM main."};
        const auto trashed = db_.query_integer(sql.append(sqlite_quoted(table_.table.name)).append(" WHERE ").append(table_.times.deleted->name).append(" IS NOT NULL"));
        if (!trashed) return trashed.error();
        survivors_ += static_cast<std::size_t>(*trashed);
        return {};
    }

    // A row that should be there and is not.
    struct gone_row {
        std::string key;
        std::optional<record> exact;  // nothing: only its digest is known
    };

    [[nodiscard]] result<void> read_log() {
        auto s = db_.prepare(table_.select_log);
        if (!s) return s.error();
        s->bind(1, 0).bind(2, (std::numeric_limits<std::int64_t>::max)());
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) return {};
            fold_.add(*s);
        }
    }

    [[nodiscard]] result<void> compare() {
        std::string sql{"SELECT k.\"key\",b.kept,b.image,b.digest,o.body,f.body,h.\"key\",b.lost FROM (SELECT \"key\" FROM main.syncline_replica_base WHERE model=?1 "
                        "UNION SELECT \"key\" FROM main.syncline_replica_open WHERE model=?1 UNION SELECT \"key\" FROM main.syncline_replica_frozen WHERE model=?1) AS k"};
        for (const auto& [name, table] : {std::pair{"b", "base"}, std::pair{"o", "open"}, std::pair{"f", "frozen"}, std::pair{"h", "hidden"}}) {
            sql.append(" LEFT JOIN main.syncline_replica_").append(table).append(" AS ").append(name).append(" ON ").append(name).append(".model=?1 AND ");
            sql.append(name).append(".\"key\"=k.\"key\"");
        }
        auto known = db_.prepare(sql);
        if (!known) return known.error();
        known->bind(1, id_);
        auto visible = db_.prepare(table_.select_row);
        if (!visible) return visible.error();
        for (;;) {
            const auto row = known->step();
            if (!row) return row.error();
            if (!*row) return {};
            const std::string key{known->column_text(0)};
            if (auto ok = known->row_read(); !ok) return ok;
            std::optional<record> now;
            if (bind_sqlite_key(*visible, 1, key, model_.key_kind)) {
                const auto there = visible->step();
                if (!there) return there.error();
                if (*there) now = read_sqlite_fields(*visible, 0, model_);
                if (auto ok = visible->row_read(); !ok) return ok;
            }
            visible->reset();
            if (auto ok = compare_one(*known, key, now); !ok) return ok;
        }
    }

    [[nodiscard]] result<void> compare_one(const sqlite_statement& known, const std::string& key, const std::optional<record>& now) {
        const auto* const logged = fold_.find(key);
        const bool layered = !known.column_is_null(4) || !known.column_is_null(5);
        const bool exact = layered || known.column_integer(1) != 0;
        if (!exact && known.column_is_null(3)) {
            // Never noted: taken as it is, before what the log knows of.
            const auto before = logged != nullptr ? sqlite_capture_fold::before(*logged, now) : now;
            digests_.emplace_back(key, sqlite_row_digest(before));
            return {};
        }
        if (logged != nullptr && logged->complete) return {};  // the log says what the row was, whatever was done to it since
        field_set passed_over = as_they_are_;
        if (logged != nullptr) passed_over |= logged->known;
        if (!exact) {
            const std::string digest{known.column_blob(3)};
            if (auto ok = known.row_read(); !ok) return ok;
            if (digest.empty()) return came(logged, key, now);
            if (!now) {
                gone_.push_back({key, std::nullopt});
                return {};
            }
            ++survivors_;
            const field_set changed = without(fields_unlike_sqlite_digest(*now, digest), passed_over);
            if (!changed.empty()) {
                record before;  // of a new field what it was; of others anything but what is there now
                bool doubtful = false;
                for (std::size_t f = 0; f < now->fields.size(); ++f) {
                    const value& v = now->fields[f];
                    before.fields.push_back(of_new_fields_[f] ? *of_new_fields_[f] : v.is_null() ? value::text("") : value{});
                    doubtful = doubtful || (changed.contains(static_cast<field_index>(f)) && !of_new_fields_[f]);
                }
                if (doubtful) doubtful_.push_back(key);
                return add(sqlite_capture_kind::columns, key, changed, before);
            }
            if (!as_they_are_.empty() && logged == nullptr) digests_.emplace_back(key, sqlite_row_digest(now));
            return {};
        }
        auto should = expected(known, key);
        if (!should) return std::move(should).error();
        if (!*should) return came(logged, key, now);
        if (!now) {
            gone_.push_back({key, std::move(*should)});
            return {};
        }
        ++survivors_;
        const field_set changed = without(differing_fields(**should, *now), passed_over);
        return changed.empty() ? result<void>{} : add(sqlite_capture_kind::columns, key, changed, **should);
    }

    // The row that the app should find: `open(frozen(base))`, or none where it is hidden.
    [[nodiscard]] result<std::optional<record>> expected(const sqlite_statement& known, const std::string& key) const {
        std::optional<record> row;
        if (!known.column_is_null(6)) return row;
        if (!known.column_is_null(2)) {
            const std::string octets{known.column_blob(2)};
            if (auto ok = known.row_read(); !ok) return std::move(ok).error();
            auto image = decode_record(octets);
            if (!image) return std::move(image).error();
            row = std::move(*image);
        }
        std::optional<intent> layers[2];  // frozen, open
        for (const int layer : {5, 4}) {
            if (known.column_is_null(layer)) continue;
            const std::string octets{known.column_blob(layer)};
            if (auto ok = known.row_read(); !ok) return std::move(ok).error();
            auto what = decode_intent({id_, key}, octets);
            if (!what) return std::move(what).error();
            layers[layer == 5 ? 0 : 1] = std::move(*what);
        }
        const bool out_of_view = (known.column_integer(7) & 2) != 0;
        row = visible_row(model_, layers[0] ? &*layers[0] : nullptr, layers[1] ? &*layers[1] : nullptr, std::move(row), out_of_view);
        if (row) row->fields.resize(model_.fields.size());
        return row;
    }

    // The row should not be there.
    [[nodiscard]] result<void> came(const sqlite_capture_fold::state* logged, const std::string& key, const std::optional<record>& now) {
        if (!now || logged != nullptr) return {};
        return add(sqlite_capture_kind::absent, key, field_set{}, record{});
    }

    [[nodiscard]] static field_set without(const field_set& from, const field_set& out) {
        field_set left;
        for (std::size_t f = 0; f < max_fields; ++f)
            if (const auto field = static_cast<field_index>(f); from.contains(field) && !out.contains(field)) left.insert(field);
        return left;
    }

    [[nodiscard]] result<void> add(sqlite_capture_kind kind, const std::string& key, const field_set& fields, const record& before) {
        const std::size_t n = model_.fields.size();
        const std::size_t masks = sqlite_mask_count(n);
        std::string sql{"INSERT INTO main."};
        sql.append(table_.log).append("(kind,\"key\"");
        for (std::size_t i = 0; i < masks; ++i) sql.append(",m").append(std::to_string(i));
        for (std::size_t i = 0; i < n; ++i) sql.append(",c").append(std::to_string(i));
        sql.append(") VALUES(?1");
        for (std::size_t i = 0; i <= masks + n; ++i) sql.append(",?").append(std::to_string(i + 2));
        sql.append(")");
        auto s = db_.cached(sql);
        if (!s) return s.error();
        (*s)->bind(1, static_cast<std::int64_t>(kind));
        if (!bind_sqlite_key(**s, 2, key, model_.key_kind)) return {};  // no row can have had it
        std::vector<std::uint64_t> words(masks, 0);
        for (std::size_t i = 0; i < n; ++i) {
            if (!fields.contains(static_cast<field_index>(i))) continue;
            words[i / sqlite_mask_bits] |= std::uint64_t{1} << (i % sqlite_mask_bits);
            bind_sqlite_value(**s, static_cast<int>(3 + masks + i), before.fields[i]);
        }
        for (std::size_t i = 0; i < masks; ++i) (*s)->bind(static_cast<int>(3 + i), static_cast<std::int64_t>(words[i]));
        return (*s)->run();
    }

    [[nodiscard]] result<void> put_back(const std::string& key, const record& row) {
        const auto columns = sqlite_columns_of(db_, table_, {id_, key}, row);
        if (!columns) return columns.error();
        result<void> done;
        for (const std::string* sql : {&table_.upsert_row, &table_.note_row}) {
            if (!done || sql->empty()) continue;
            auto s = db_.cached(*sql);
            if (!s) return s.error();
            if (!bind_sqlite_key(**s, 1, key, model_.key_kind)) return {};
            for (std::size_t i = 0; sql == &table_.upsert_row && i < row.fields.size(); ++i)
                bind_sqlite_value(**s, static_cast<int>(i) + 2, columns->fields[i]);
            if (sql == &table_.upsert_row) bind_sqlite_times(**s, table_.times, std::nullopt);
            done = (*s)->run();
        }
        if (done) return done;
        return make_fault(done.error().code, "table `", table_.table.name, "` was emptied, and refuses the row `", key,
                          "`, which holds changes that were not sent yet: ", done.error().detail);
    }

    // Rows that nothing is known of are the app's creations.
    [[nodiscard]] result<void> add_unknown() {
        const std::string key = sqlite_quoted(model_.key_name);
        std::string sql{"INSERT INTO main."};
        sql.append(table_.log).append("(kind,\"key\") SELECT 6,t.").append(key).append(" FROM main.").append(sqlite_quoted(table_.table.name)).append(" AS t WHERE ");
        std::string of{"t."};
        of.append(key);
        const std::string name = sync_key(of);
        sql.append(name).append(" IS NOT NULL").append(table_.times.and_live("t."));
        for (const char* known : {"base", "open", "frozen"}) {
            sql.append(" AND NOT EXISTS(SELECT 1 FROM main.syncline_replica_").append(known).append(" AS k WHERE k.model=").append(std::to_string(id_));
            sql.append(" AND k.\"key\"=").append(name).append(")");
        }
        return db_.execute(sql);
    }

    // SQL for the sync key in a column, as the bookkeeping keeps it: NULL where the content can name no record.
    [[nodiscard]] std::string sync_key(const std::string& key) const {
        const auto part = [&](const char* from, const char* count) {
            std::string out{"substr(hex("};
            return out.append(key).append("),").append(from).append(",").append(count).append(")");
        };
        std::string out{"CASE WHEN typeof("};
        out.append(key).append(")=");
        if (model_.key_kind == value_kind::text) return out.append("'text' THEN ").append(key).append(" END");
        if (model_.key_kind == value_kind::integer) return out.append("'integer' THEN CAST(").append(key).append(" AS TEXT) END");
        out.append("'blob' AND length(").append(key).append(")=16 THEN lower(");
        out.append(part("1", "8")).append("||'-'||").append(part("9", "4")).append("||'-'||").append(part("13", "4"));
        return out.append("||'-'||").append(part("17", "4")).append("||'-'||").append(part("21", "12")).append(") END");
    }

    sqlite_database& db_;
    const sqlite_replica_table& table_;
    const model_schema& model_;
    model_id id_;
    bool inserts_seen_;
    field_set as_they_are_;
    std::vector<std::optional<value>> of_new_fields_;
    sqlite_capture_fold fold_;
    std::size_t survivors_ = 0;  // of the rows that should be there, and rows in the trash
    std::vector<gone_row> gone_;
    std::vector<std::string> doubtful_;                            // keys whose base is no longer known
    std::vector<std::pair<std::string, std::string>> digests_;     // to be noted, by key
};

SYNCLINE_NAMESPACE_END

#endif
