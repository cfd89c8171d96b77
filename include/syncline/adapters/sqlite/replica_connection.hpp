#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_CONNECTION_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_CONNECTION_HPP

#include <syncline/adapters/sqlite/assigned_key.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/key_map.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/replica_attach.hpp>
#include <syncline/adapters/sqlite/replica_log.hpp>
#include <syncline/adapters/sqlite/replica_tables.hpp>
#include <syncline/adapters/sqlite/row_digest.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/time_columns.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The connection under a `sqlite_replica_store`: what its transactions write to the app's tables, and the settings that they
/// change and put back. Internal to the store.
class sqlite_replica_connection : public sqlite_replica_log {
public:
    explicit sqlite_replica_connection(sqlite_database database) : sqlite_replica_log(std::move(database)) {}
    sqlite_replica_connection(const sqlite_replica_connection&) = delete;
    sqlite_replica_connection& operator=(const sqlite_replica_connection&) = delete;
    ~sqlite_replica_connection() {
        if (left_over_) roll_back();
    }

    [[nodiscard]] bool is_open() const noexcept { return open_; }

    /// Reads the tables again and brings bookkeeping and triggers up to date with them. Inside a transaction.
    [[nodiscard]] result<void> attach() {
        switch_triggers(1);
        if (auto ok = create_sqlite_replica_tables(db); !ok) return ok;
        std::vector<sqlite_table> read;
        for (model_id id = 0; id < schemas.size(); ++id) {
            const model_schema& model = schemas[id];
            if (auto ok = check_sqlite_side(db, model.table_name(), sqlite_replica_prefix); !ok) return ok;
            if (auto ok = prepare_sqlite_assigned_key(db, model, sqlite_replica_trigger_prefix(id)); !ok) return ok;
            auto table = read_sqlite_table(db, model.table_name());
            if (!table) return table.error();
            if (auto ok = check_sqlite_model(*table, model); !ok) return ok;
            if (auto ok = check_sqlite_writable(db, *table, model.key_name); !ok) return ok;
            for (const auto& other : read)
                if (other.name == table->name)
                    return make_fault(errc::unsupported, "two models are registered on table `", table->name, "`; register one");
            read.push_back(std::move(*table));
        }
        std::vector<const sqlite_table*> seen;
        for (const auto& table : read) seen.push_back(&table);
        auto names = sqlite_local_keys_of(schemas, seen, [](model_id id) { return sqlite_replica_map_name(id); });
        if (!names) return names.error();
        auto as_synced = with_sync_key_kinds(schemas, *names);
        if (!as_synced) return as_synced.error();
        if (*as_synced) schemas = std::move(**as_synced);
        for (model_id id = 0; id < schemas.size(); ++id)
            if (auto ok = refresh_sqlite_key_map(db, schemas, *names, id, sqlite_replaced_name(sqlite_replica_prefix)); !ok) return ok;
        std::vector<sqlite_replica_table> attached;
        for (model_id id = 0; id < schemas.size(); ++id) {
            attached.push_back(make_sqlite_replica_table(std::move(read[id]), schemas, id, *names));
            if (auto ok = attach_sqlite_replica_model(db, attached.back(), schemas[id], id); !ok) return ok;
        }
        const auto version = db.query_integer("PRAGMA main.schema_version");
        if (!version) return version.error();
        tables = std::move(attached);
        schema_version_ = *version;
        attached_ = true;
        db.clear_cache();
        return {};
    }

    /// Begins a write transaction, foreign-key actions off, and follows the app's changes of its tables.
    [[nodiscard]] result<void> begin() {
        if (open_) return make_fault(errc::bug, "a transaction of this store is open already; commit or drop it before the next one");
        if (left_over_ && db.in_transaction())
            if (auto ok = db.execute("ROLLBACK"); !ok) return ok;
        left_over_ = false;
        if (db.in_transaction())
            return make_fault(errc::bug, "the app has a transaction open on the connection it gave to the store; end it before syncing");
        if (auto ok = enter(); !ok) return ok;
        const auto version = db.query_integer("PRAGMA main.schema_version");
        result<void> ready;
        if (!version) ready = version.error();
        else if (*version != schema_version_) ready = attach();
        if (ready) ready = name_rows();
        if (!ready) abandon();
        return ready;
    }

    /// Opens a transaction without looking at the tables.
    [[nodiscard]] result<void> enter() {
        // Not by PRAGMA, which is SQL and can fail: then the app's connection would stay without foreign keys.
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_FKEY, -1, &foreign_keys_);
        if (foreign_keys_ != 0) switch_foreign_keys(0);
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &triggers_were_);
        triggers_are_ = triggers_were_;
        auto begun = db.execute("BEGIN IMMEDIATE");
        if (!begun) {
            restore();
            if (begun.error().code == errc::busy)
                return make_fault(errc::busy, "another connection is writing to the database; try again when it has ended");
            return begun;
        }
        open_ = true;
        attached_ = false;
        watched_ = false;
        told_.reset();
        return {};
    }

    [[nodiscard]] result<void> commit() {
        if (!db.in_transaction()) {
            abandon();
            return lost();
        }
        result<void> done = watched_ && follow_ ? drop_own_entries() : result<void>{};
        if (done) done = note_touched();
        if (done) {
            auto s = db.cached("COMMIT");
            done = s ? (*s)->run() : result<void>{s.error()};
        }
        if (!done) {
            abandon();
            return done;
        }
        restore();
        return {};
    }

    /// Rolls back, whatever state the transaction is in.
    void abandon() noexcept {
        if (!open_) return;
        if (attached_) schema_version_ = -1;  // that version is gone, and its number will be given again
        roll_back();
        if (db.in_transaction()) {
            // Only for lack of memory, of which our statements hold some. Should it fail again, `begin` goes on with it.
            db.clear_cache();
            roll_back();
            left_over_ = db.in_transaction();
        }
        restore();
    }

    /// The digest of the row that is visible now; of the row that was read or written last without reading it again.
    [[nodiscard]] result<std::string> digest_of_visible(const record_key& key) {
        if (follow_ || !seen_ || *seen_ != key) {
            auto row = visible(key);
            if (!row) return row.error();
        }
        return seen_digest_;
    }

    /// What is written from here on in this transaction was done at @p at.
    void tell_time(timestamp at) noexcept { told_ = at; }

    [[nodiscard]] result<void> write(const record_key& key, const record& row) {
        if (auto ok = check_model(key); !ok) return ok;
        const model_schema& model = schemas[key.model];
        const sqlite_replica_table& table = tables[key.model];
        if (row.fields.size() != model.fields.size())
            return make_fault(errc::schema_mismatch, "a row for model `", model.name, "` has ", std::to_string(row.fields.size()),
                              " fields, and the model has ", std::to_string(model.fields.size()));
        if (key.key.empty()) return make_fault(errc::invalid_key, "a row for model `", model.name, "` has an empty key");
        const auto local = sqlite_columns_of(db, table, key, row);
        if (!local) return local.error();
        for (std::size_t i = 0; i < row.fields.size(); ++i) {
            const value& v = local->fields[i];
            const value_kind kind = table.keys.names[i] ? v.kind() : model.fields[i].kind;
            if (!sqlite_can_hold(v, kind, table.affinities[i], db.is_wide()))
                return make_fault(errc::unsupported, "table `", table.table.name, "`: column `", model.fields[i].name, "` cannot keep a value of kind ",
                                  name_of(v.kind()), " exactly; it is declared `", table.table.find(model.fields[i].name)->declared, "`");
        }
        if (auto ok = prepare_write(key.model); !ok) return ok;
        auto done = put_row(table, key, *local, row);
        if (done || done.error().code != errc::constraint || table.purge_trash.empty()) return done;
        // What is in the trash is no row, and keeps none out.
        if (auto ok = db.execute("SAVEPOINT syncline_trash"); !ok) return ok;
        auto purged = purge_trash(key, *local);
        auto again = purged ? put_row(table, key, *local, row) : std::move(purged);
        if (!db.in_transaction()) return lost();
        if (auto ok = db.execute(again ? "RELEASE syncline_trash" : "ROLLBACK TO syncline_trash; RELEASE syncline_trash"); !ok) return ok;
        return again ? std::move(again) : std::move(done);
    }

    [[nodiscard]] result<void> erase(const record_key& key) {
        if (auto ok = check_model(key); !ok) return ok;
        const model_schema& model = schemas[key.model];
        if (auto ok = prepare_write(key.model); !ok) return ok;
        if (tables[key.model].times.soft() && !told_)
            return make_fault(errc::bug, "a row of model `", model.name, "`, which has soft deletes, was erased at no time; call `tell_time` before");
        auto s = use(tables[key.model].delete_row);
        if (!s) return s.error();
        if (!bind_sqlite_key(**s, 1, key.key, model.key_kind)) return {};  // no such row can be there
        bind_sqlite_times(**s, tables[key.model].times, told_);
        return finish_write((*s)->run(), key, std::nullopt);
    }

    /// What the app changed since it was last taken, in the order of first changes.
    [[nodiscard]] result<std::vector<captured_edit>> take_captured() {
        struct placed {
            std::size_t turn;
            std::int64_t entry;
            captured_edit edit;
        };
        if (!watched_)
            if (auto ok = log_stirred(); !ok) return ok.error();
        const auto turns = take_turns();
        if (!turns) return turns.error();
        std::vector<placed> edits;
        for (model_id id = 0; id < schemas.size(); ++id) {
            const auto newest = newest_entry(id);
            if (!newest) return newest.error();
            const std::int64_t upto = watched_ && follow_ ? marks_[id] : *newest;
            std::size_t at = 0;  // entries rise, so turns are walked once
            std::size_t turn = 0;
            auto took = take_entries(id, 0, upto, [&](record_key&& key, std::int64_t entry, std::optional<record>&& before, std::optional<record>&& after, bool recreated) {
                for (; at < turns->size() && ((*turns)[at].model != id || (*turns)[at].above < entry); ++at)
                    if ((*turns)[at].model == id) turn = at + 1;
                edits.push_back({turn, entry, {std::move(key), std::move(before), std::move(after), recreated}});
            });
            if (!took) return took.error();
        }
        std::sort(edits.begin(), edits.end(), [](const placed& a, const placed& b) {
            if (a.turn != b.turn) return a.turn < b.turn;
            return a.edit.key.model != b.edit.key.model ? a.edit.key.model < b.edit.key.model : a.entry < b.entry;
        });
        std::vector<captured_edit> out;
        out.reserve(edits.size());
        for (auto& e : edits) out.push_back(std::move(e.edit));
        if (auto ok = name_unseen(out); !ok) return ok.error();
        return out;
    }

    /// What the app's triggers made of our writes since it was last taken.
    [[nodiscard]] result<std::vector<diverted_row>> take_diverted() {
        std::vector<diverted_row> out;
        if (!watched_ || !follow_) return out;
        std::map<record_key, std::optional<record>> other;
        for (model_id id = 0; id < schemas.size(); ++id) {
            const auto newest = newest_entry(id);
            if (!newest) return newest.error();
            auto took = take_entries(id, marks_[id], *newest, [&](record_key&& key, std::int64_t, std::optional<record>&& before, std::optional<record>&&, bool) {
                if (written_.contains(key)) return;
                touched_.insert(key);
                other.emplace(std::move(key), std::move(before));
            });
            if (!took) return took.error();
            marks_[id] = *newest;
        }
        for (auto& [key, row] : std::exchange(written_, {})) {
            const auto now = visible(key);
            if (!now) return now.error();
            if (*now != row) other.emplace(key, std::move(row));
        }
        for (auto& [key, row] : other) out.push_back({key, std::move(row)});
        return out;
    }

private:
    [[nodiscard]] static fault bad_key(const model_schema& model) {
        return make_fault(errc::invalid_key, "a key for model `", model.name, "` is not of the form of its key column (",
                          name_of(model.key_kind), ")");
    }

    // Rows that the trigger passed by, which does not run inside itself, get their keys now; that is captured like any change.
    [[nodiscard]] result<void> name_rows() {
        for (model_id id = 0; id < schemas.size(); ++id) {
            if (!schemas[id].key_assigned) continue;
            switch_triggers(1);
            auto s = use(sqlite_name_all(tables[id].table.name, schemas[id].key_name));
            if (!s) return s.error();
            if (auto ok = (*s)->run(); !ok) return ok;
        }
        return {};
    }

    [[nodiscard]] result<void> drop_own_entries() {
        for (model_id id = 0; id < schemas.size(); ++id) {
            const auto newest = newest_entry(id);
            if (!newest) return newest.error();
            if (*newest > marks_[id])
                if (auto ok = empty_log(id, marks_[id], *newest); !ok) return ok;
        }
        return {};
    }

    // Where triggers of the app ran, the rows are what those made of them.
    [[nodiscard]] result<void> note_touched() {
        for (const auto& key : touched_) {
            auto row = visible(key);
            if (!row) return row.error();
            auto s = use("UPDATE main.syncline_replica_base SET digest=?3 WHERE model=?1 AND \"key\"=?2 AND kept=0");
            if (!s) return s.error();
            (*s)->bind(1, key.model).lend_text(2, key.key).lend_blob(3, seen_digest_);
            if (auto ok = (*s)->run(); !ok) return ok;
        }
        return {};
    }

    // Once per transaction: which tables have triggers of others. Triggers are off where all are ours; where not, they all
    // run, and what they log above the marks is told from the app's own changes.
    [[nodiscard]] result<void> watch() {
        follow_ = false;
        foreign_.assign(schemas.size(), false);
        written_.clear();
        bool temporary = false;
        {
            auto s = use("SELECT name, tbl_name, 0 FROM main.sqlite_schema WHERE type='trigger' UNION ALL "
                         "SELECT name, tbl_name, 1 FROM temp.sqlite_schema WHERE type='trigger'");
            if (!s) return s.error();
            for (;;) {
                const auto row = (*s)->step();
                if (!row) return row.error();
                if (!*row) break;
                if ((*s)->column_integer(2) != 0) {
                    temporary = true;
                    continue;
                }
                const auto on = (*s)->column_text(1);
                for (model_id id = 0; id < schemas.size(); ++id) {
                    if (!sqlite_same_name(on, tables[id].table.name)) continue;
                    const auto& ours = tables[id].capture.triggers;
                    const auto name = (*s)->column_text(0);
                    if (std::none_of(ours.begin(), ours.end(), [&](const auto& t) { return t.name == name; })) foreign_[id] = true;
                }
            }
        }
        if (temporary) foreign_.assign(schemas.size(), true);
        follow_ = std::find(foreign_.begin(), foreign_.end(), true) != foreign_.end();
        marks_.assign(schemas.size(), 0);
        if (follow_)
            for (model_id id = 0; id < schemas.size(); ++id) {
                const auto newest = newest_entry(id);
                if (!newest) return newest.error();
                marks_[id] = *newest;
            }
        watched_ = true;
        return {};
    }

    [[nodiscard]] result<void> prepare_write(model_id id) {
        if (!watched_)
            if (auto ok = watch(); !ok) return ok;
        switch_triggers(foreign_[id] ? 1 : 0);
        return {};
    }

    [[nodiscard]] result<void> put(const std::string& sql, const record_key& key, const record& columns) {
        const model_schema& model = schemas[key.model];
        auto s = use(sql);
        if (!s) return s.error();
        if (!bind_sqlite_key(**s, 1, key.key, model.key_kind)) return bad_key(model);
        for (std::size_t i = 0; i < columns.fields.size(); ++i) bind_sqlite_value(**s, static_cast<int>(i) + 2, columns.fields[i]);
        bind_sqlite_times(**s, tables[key.model].times, told_);
        return (*s)->run();
    }

    // An upsert would draw a number from AUTOINCREMENT for a row that is there.
    [[nodiscard]] result<void> put_row(const sqlite_replica_table& table, const record_key& key, const record& columns, const record& row) {
        result<void> done = table.update_row.empty() ? result<void>{} : put(table.update_row, key, columns);
        const bool there = !table.update_row.empty() && done && db.changes() != 0;
        if (done && !there) done = put(table.upsert_row, key, columns);
        if (auto ok = finish_write(std::move(done), key, row); !ok || there || table.note_row.empty() || triggers_are_ != 0) return ok;
        auto n = use(table.note_row);
        if (!n) return n.error();
        (void)bind_sqlite_key(**n, 1, key.key, schemas[key.model].key_kind);
        return (*n)->run();
    }

    [[nodiscard]] result<void> purge_trash(const record_key& key, const record& row) {
        auto s = use(tables[key.model].purge_trash);
        if (!s) return s.error();
        const int parameters = sqlite3_bind_parameter_count((*s)->handle());
        if (!bind_sqlite_key(**s, 1, key.key, schemas[key.model].key_kind)) return bad_key(schemas[key.model]);
        for (int at = 2; at <= parameters; ++at) bind_sqlite_value(**s, at, row.fields[static_cast<std::size_t>(at) - 2]);
        return (*s)->run();
    }

    [[nodiscard]] result<void> finish_write(result<void> done, const record_key& key, const std::optional<record>& row) {
        if (done && follow_) {
            touched_.insert(key);
            written_.insert_or_assign(key, row);
        }
        if (done) note_seen(key, row);
        if (!done && done.error().code == errc::constraint) {
            if (!db.in_transaction()) return lost();
            return make_fault(errc::constraint, "table `", tables[key.model].table.name, "` refuses the row: ", done.error().detail);
        }
        return done;
    }

    void roll_back() noexcept {
        if (db.in_transaction()) sqlite3_exec(db.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    void switch_foreign_keys(int on) noexcept {
        int now = 0;
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_FKEY, on, &now);
    }
    void switch_triggers(int on) noexcept {
        if (triggers_are_ == on) return;
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, on, &triggers_are_);
    }

    void restore() noexcept {
        open_ = false;
        watched_ = false;
        written_.clear();
        touched_.clear();
        seen_.reset();
        // A connection of our own has no other use, and each switch makes SQLite compile every statement anew.
        if (db.is_owned()) return;
        switch_triggers(triggers_were_);
        if (foreign_keys_ != 0) switch_foreign_keys(1);
        foreign_keys_ = 0;
    }

    bool open_ = false;
    bool left_over_ = false;             // a transaction of ours could not be rolled back
    int foreign_keys_ = 0;               // of the connection outside of our transactions
    int triggers_were_ = 1;
    int triggers_are_ = 1;
    std::int64_t schema_version_ = -1;
    bool attached_ = false;              // within the open transaction

    std::optional<timestamp> told_;      // when what is written now was done

    bool watched_ = false;               // the next five are known for this transaction
    bool follow_ = false;                // some table has triggers of others
    std::vector<bool> foreign_;          // which, by model id
    std::vector<std::int64_t> marks_;    // log entries above are due to our writes
    std::map<record_key, std::optional<record>> written_;
    std::set<record_key> touched_;       // written, or changed by triggers of others on the way
};

SYNCLINE_NAMESPACE_END

#endif
