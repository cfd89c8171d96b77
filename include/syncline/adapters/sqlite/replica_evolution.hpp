#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_EVOLUTION_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_EVOLUTION_HPP

#include <syncline/adapters/sqlite/capture.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_fields.hpp>
#include <syncline/adapters/sqlite/replica_tables.hpp>
#include <syncline/adapters/sqlite/row_digest.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Carries one model's bookkeeping over to other fields: everything that is kept by a field's place moves with the field, a new field gets the default
/// of its column, and a field that is gone takes its values along, unsent ones included. Runs once, inside the transaction that attaches.
class sqlite_replica_evolution {
public:
    /// @param table  of @p model; all outlive this object
    sqlite_replica_evolution(sqlite_database& db, const sqlite_replica_table& table, const model_schema& model, model_id id, const sqlite_field_moves& moves)
        : db_(db), table_(table), model_(model), id_(id), moves_(moves) {}

    /// @return `errc::corrupt`, or a fault of the database
    [[nodiscard]] result<void> run() {
        if (auto ok = read_defaults(); !ok) return ok;
        if (auto ok = move_log(); !ok) return ok;
        if (auto ok = move_digests(); !ok) return ok;
        if (auto ok = move_images("base", "image"); !ok) return ok;
        if (auto ok = move_images("quarantine", "row"); !ok) return ok;
        if (auto ok = move_images("lost", "row"); !ok) return ok;
        for (const char* place : {"open", "frozen"})
            if (auto ok = move_intents(place); !ok) return ok;
        // A picture that is half staged begins anew.
        return db_.execute("DELETE FROM main.syncline_replica_stage; UPDATE main.syncline_replica_state SET hydration_session='',hydration_position=0");
    }

    /// After `run`: what the rows that were there got of each field that is new, by the model's field; of others nothing.
    [[nodiscard]] std::vector<std::optional<value>> values_of_new_fields() const {
        std::vector<std::optional<value>> out(moves_.from.size());
        for (std::size_t i = 0; i < out.size(); ++i)
            if (!moves_.from[i]) out[i] = defaults_[i];
        return out;
    }

private:
    // Asks a table of the same column: affinity may change what the default's SQL says.
    [[nodiscard]] result<void> read_defaults() {
        defaults_.assign(moves_.from.size(), value{});
        for (std::size_t i = 0; i < moves_.from.size(); ++i) {
            const sqlite_column* const c = table_.table.find(model_.fields[i].name);
            if (moves_.from[i] || c == nullptr || c->default_sql.empty()) continue;
            std::string make{"CREATE TABLE main.syncline_replica_default(v "};
            make.append(c->declared).append(" DEFAULT (").append(c->default_sql);
            make.append(")); INSERT INTO main.syncline_replica_default DEFAULT VALUES");
            if (auto ok = db_.execute(make); !ok) return ok;
            {
                auto s = db_.prepare("SELECT v FROM main.syncline_replica_default");
                if (!s) return s.error();
                const auto row = s->step();
                if (!row) return row.error();
                defaults_[i] = read_sqlite_value(*s, 0, model_.fields[i].kind);
                if (auto ok = s->row_read(); !ok) return ok;
            }
            if (auto ok = db_.execute("DROP TABLE main.syncline_replica_default"); !ok) return ok;
        }
        return {};
    }

    [[nodiscard]] result<void> move_log() {
        std::vector<std::string> masks(sqlite_mask_count(moves_.from.size()));
        std::string columns;
        for (std::size_t i = 0; i < moves_.from.size(); ++i) {
            columns.append(",");
            if (!moves_.from[i]) {
                // Entries of whole rows speak of the new field as well.
                columns.append("CASE WHEN kind IN(3,4) THEN ?").append(std::to_string(i + 1)).append(" END");
                continue;
            }
            const std::size_t old = *moves_.from[i];
            columns.append("c").append(std::to_string(old));
            std::string& mask = masks[i / sqlite_mask_bits];
            if (!mask.empty()) mask.append("|");
            mask.append("((m").append(std::to_string(old / sqlite_mask_bits)).append(">>").append(std::to_string(old % sqlite_mask_bits));
            mask.append("&1)<<").append(std::to_string(i % sqlite_mask_bits)).append(")");
        }
        std::string values;
        for (const auto& mask : masks) values.append(",").append(mask.empty() ? "0" : mask);
        std::string make{"CREATE TABLE main.syncline_replica_moved AS SELECT * FROM main."};
        make.append(table_.log).append("; DROP TABLE main.").append(table_.log).append("; CREATE TABLE main.").append(table_.log);
        make.append("(seq INTEGER PRIMARY KEY,").append(table_.capture.log_columns).append(")");
        if (auto ok = db_.execute(make); !ok) return ok;
        {
            std::string fill{"INSERT INTO main."};
            fill.append(table_.log).append(" SELECT seq,kind,\"key\"").append(values).append(columns).append(" FROM main.syncline_replica_moved");
            auto s = db_.prepare(fill);
            if (!s) return s.error();
            for (std::size_t i = 0; i < defaults_.size(); ++i)
                if (!moves_.from[i]) bind_sqlite_value(*s, static_cast<int>(i + 1), defaults_[i]);
            if (auto ok = s->run(); !ok) return ok;
        }
        return db_.execute("DROP TABLE main.syncline_replica_moved");
    }

    [[nodiscard]] result<void> move_digests() {
        return rewrite("base", "digest", [&](const std::string&, const std::string& old) -> result<std::optional<std::string>> {
            if (old.empty()) return std::optional<std::string>{old};  // no row
            std::string digest = begin_sqlite_digest();
            for (std::size_t i = 0; i < moves_.from.size(); ++i) {
                std::uint64_t field = 0;  // not known: what was read as another kind is another value
                if (!moves_.from[i]) field = sqlite_value_digest(defaults_[i]);
                else if (!moves_.other_kind[i]) field = sqlite_field_digest(old, *moves_.from[i]);
                append_sqlite_digest(digest, field);
            }
            return std::optional<std::string>{std::move(digest)};
        });
    }

    [[nodiscard]] record moved(const record& old) const {
        record out;
        for (std::size_t i = 0; i < moves_.from.size(); ++i) {
            const bool there = moves_.from[i] && *moves_.from[i] < old.fields.size();
            out.fields.push_back(there ? old.fields[*moves_.from[i]] : defaults_[i]);
        }
        return out;
    }

    // Gives each blob that is there to `each`, which says what becomes of it, or nothing where the row goes.
    template <class Each>
    [[nodiscard]] result<void> rewrite(const std::string& table, const std::string& column, Each each) {
        std::vector<std::pair<std::string, std::string>> kept;
        std::string sql{"SELECT \"key\",\""};
        sql.append(column).append("\" FROM main.syncline_replica_").append(table).append(" WHERE model=?1 AND \"").append(column).append("\" IS NOT NULL");
        {
            auto s = db_.prepare(sql);
            if (!s) return s.error();
            s->bind(1, id_);
            for (;;) {
                const auto row = s->step();
                if (!row) return row.error();
                if (!*row) break;
                kept.emplace_back(s->column_text(0), s->column_blob(1));
            }
        }
        sql = "UPDATE main.syncline_replica_";
        sql.append(table).append(" SET \"").append(column).append("\"=?3 WHERE model=?1 AND \"key\"=?2");
        auto put = db_.prepare(sql);
        if (!put) return put.error();
        sql = "DELETE FROM main.syncline_replica_";
        sql.append(table).append(" WHERE model=?1 AND \"key\"=?2");
        auto drop = db_.prepare(sql);
        if (!drop) return drop.error();
        for (const auto& [key, blob] : kept) {
            result<std::optional<std::string>> now = each(key, blob);
            if (!now) return std::move(now).error();
            sqlite_statement& s = *now ? *put : *drop;
            s.bind(1, id_).bind_text(2, key);
            if (*now) s.bind_blob(3, **now);
            if (auto ok = s.run(); !ok) return ok;
        }
        return {};
    }

    [[nodiscard]] result<void> move_images(const std::string& table, const std::string& column) {
        return rewrite(table, column, [&](const std::string&, const std::string& blob) -> result<std::optional<std::string>> {
            auto old = decode_record(blob);
            if (!old) return std::move(old).error();
            return std::optional<std::string>{encode_record(moved(*old))};
        });
    }

    [[nodiscard]] result<void> move_intents(const std::string& table) {
        std::vector<std::string> emptied;
        auto done = rewrite(table, "body", [&](const std::string& key, const std::string& blob) -> result<std::optional<std::string>> {
            auto what = decode_intent({id_, key}, blob);
            if (!what) return std::move(what).error();
            field_changes changes;
            for (const auto& change : what->changes)
                if (const auto to = moves_.to(change.field)) changes.set(static_cast<field_index>(*to), change.to);
            what->changes = std::move(changes);
            if (what->before) what->before = moved(*what->before);
            // Nobody has set the new fields; what was frozen may have been sent, and goes out as it was. The row of a creation shows the defaults.
            what->unseen = moves_.moved(what->unseen);
            if (what->op == operation::create)
                for (std::size_t i = 0; i < defaults_.size(); ++i)
                    if (!moves_.from[i]) what->changes.set(static_cast<field_index>(i), defaults_[i]);
            what->unseen |= moves_.added();
            // Nothing is left of an update of fields that are gone; one that is on its way stays, since its answer comes.
            if (what->op == operation::update && what->changes.empty() && table == "open") {
                emptied.push_back(key);
                return std::optional<std::string>{};
            }
            return std::optional<std::string>{encode_intent(*what)};
        });
        if (!done) return done;
        // Where that was the only layer, the app's row is the base again.
        auto bare = db_.prepare("UPDATE main.syncline_replica_base SET kept=0,image=NULL,digest=?3 WHERE model=?1 AND \"key\"=?2 AND NOT EXISTS(SELECT 1 FROM "
                                "main.syncline_replica_frozen AS f WHERE f.model=?1 AND f.\"key\"=?2)");
        if (!bare) return bare.error();
        auto image = db_.prepare("SELECT image FROM main.syncline_replica_base WHERE model=?1 AND \"key\"=?2 AND image IS NOT NULL");
        if (!image) return image.error();
        for (const auto& key : emptied) {
            image->bind(1, id_).bind_text(2, key);
            const auto there = image->step();
            if (!there) return there.error();
            std::string digest;
            if (*there) {
                const std::string octets{image->column_blob(0)};
                if (auto ok = image->row_read(); !ok) return ok;
                auto row = decode_record(octets);
                if (!row) return std::move(row).error();
                digest = sqlite_row_digest(*row);
            }
            image->reset();
            bare->bind(1, id_).bind_text(2, key).bind_blob(3, digest);
            if (auto ok = bare->run(); !ok) return ok;
        }
        return {};
    }

    sqlite_database& db_;
    const sqlite_replica_table& table_;
    const model_schema& model_;
    model_id id_;
    const sqlite_field_moves& moves_;
    std::vector<value> defaults_;  // by the model's field, of those that are new
};

SYNCLINE_NAMESPACE_END

#endif
