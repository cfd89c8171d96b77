#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_STORE_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_STORE_HPP

#include <syncline/adapters/sqlite/assigned_key.hpp>
#include <syncline/adapters/sqlite/authority_capture.hpp>
#include <syncline/adapters/sqlite/authority_connection.hpp>
#include <syncline/adapters/sqlite/authority_incarnation.hpp>
#include <syncline/adapters/sqlite/authority_log.hpp>
#include <syncline/adapters/sqlite/authority_notes.hpp>
#include <syncline/adapters/sqlite/authority_options.hpp>
#include <syncline/adapters/sqlite/authority_records.hpp>
#include <syncline/adapters/sqlite/authority_renames.hpp>
#include <syncline/adapters/sqlite/authority_scopes.hpp>
#include <syncline/adapters/sqlite/authority_sessions.hpp>
#include <syncline/adapters/sqlite/authority_sources.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/authority_totals.hpp>
#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/foreign_key_check.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/adapters/sqlite/unsyncable_rows.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// An authority's store in one SQLite file, beside the app's own tables (models `authority_store`).
///
/// Attaching installs triggers (`make_sqlite_authority_capture`) by which any SQL of any program is noticed, and tables named
/// `syncline_authority_*`. Rows that are there already count as changed. The file is put into WAL mode, so that snapshots never
/// wait for writers nor block them. SQLite has one writer per file: a `write` transaction excludes those of all tenants.
///
/// Other programs need nothing of ours. They should keep to `PRAGMA foreign_keys` as they like; what they cause is noticed.
/// Rows whose key is NULL, not of the key column's type or no key at all name no record and are not synced; `unsyncable` tells of them.
///
/// @par Threads  Safe: every transaction has a connection of its own. One transaction is used by one thread at a time. The
///      store may be moved or destroyed while transactions are open; the database closes with the last of them.
class sqlite_authority_store {
    struct core;

public:
    class transaction;

    /// Opens the database at @p path and attaches to the tables of @p schemas, which exist already.
    /// @return the store; or
    ///         - `errc::unsupported`, by name: a table or owner column that cannot be captured, two models on one table, a file that
    ///           cannot be put into WAL mode, bookkeeping of a newer version
    ///         - `errc::schema_mismatch`: a field without a column, a key of another kind, no owner column
    ///         - `errc::invalid_argument`: an owner column for one model and none for another, or an empty tenant
    ///         - `errc::busy`: another program holds the database
    [[nodiscard]] static result<sqlite_authority_store> open(const std::string& path, schema_set schemas, sqlite_authority_options options = {}) {
        auto made = std::make_shared<core>();
        made->path = path;
        made->schemas = std::move(schemas);
        made->options = std::move(options);
        auto db = made->take_out();
        if (!db) return std::move(db).error();
        if (auto r = (*db)->execute("BEGIN IMMEDIATE"); !r) return r.error();
        if (auto r = made->attach(**db); !r) {
            (void)(*db)->execute("ROLLBACK");
            return r.error();
        }
        if (auto r = (*db)->execute("COMMIT"); !r) {
            if ((*db)->in_transaction()) (void)(*db)->execute("ROLLBACK");
            return r.error();
        }
        const auto version = (*db)->query_integer("PRAGMA main.schema_version");
        if (!version) return version.error();
        made->attached_version = *version;
        made->put_back(std::move(*db));
        return sqlite_authority_store{std::move(made)};
    }

    [[nodiscard]] const schema_set& schemas() const noexcept { return core_->schemas; }

    /// Begins a transaction for @p tenant on a connection of its own.
    /// @return `errc::busy` when another writer holds the file longer than the timeout; `errc::invalid_argument` for a tenant
    ///         that this store does not serve
    [[nodiscard]] result<transaction> begin(std::string_view tenant, access how);

    /// The operator's step after the file was restored from a backup, before the first device is served (ENGINE.md rule 10).
    /// @return `errc::busy` while somebody writes; `errc::invalid_argument` for an empty epoch or the current one
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) {
        auto db = core_->take_out();
        if (!db) return std::move(db).error();
        if (auto r = (*db)->execute("BEGIN IMMEDIATE"); !r) return r;
        auto done = begin_sqlite_incarnation(**db, epoch, now);
        if (done) done = (*db)->execute("COMMIT");
        if (!done && (*db)->in_transaction() && !(*db)->execute("ROLLBACK")) return done;
        core_->put_back(std::move(*db));
        return done;
    }

    /// The rows of the served tables, of all tenants, that are not synced since their keys can name no record, or hold a text where a time belongs, for a
    /// person to mend (`find_unsyncable_rows`). Nobody is kept waiting. Complexity: reads every row's key and times.
    /// @param limit  how many rows are named; all are counted
    [[nodiscard]] result<unsyncable_rows> unsyncable(std::size_t limit) {
        auto db = core_->take_out();
        if (!db) return std::move(db).error();
        unsyncable_rows out;
        result<void> done;
        for (model_id id = 0; done && id < core_->schemas.size(); ++id) done = find_unsyncable_rows(**db, core_->models[id].table, core_->schemas[id], limit, out);
        core_->put_back(std::move(*db));
        if (!done) return std::move(done).error();
        return out;
    }

    /// See `totalling_store`, `versioned_store` and `check_sqlite_foreign_keys_hold_sync_keys`.
    [[nodiscard]] result<authority_totals> totals() { return core_->look.totals(core_->path, core_->options); }
    [[nodiscard]] result<std::int64_t> data_version() { return core_->look.data_version(core_->path, core_->options); }
    [[nodiscard]] result<void> check_foreign_keys_hold_sync_keys() {
        auto db = core_->take_out();
        if (!db) return std::move(db).error();
        auto done = check_sqlite_foreign_keys_hold_sync_keys(**db, core_->schemas, core_->models);
        core_->put_back(std::move(*db));
        return done;
    }

private:
    explicit sqlite_authority_store(std::shared_ptr<core> made) : core_(std::move(made)) {}

    // What all transactions share. Everything but the pool and the version is constant once the store is open.
    struct core {
        std::string path;
        schema_set schemas;
        sqlite_authority_options options;
        std::vector<sqlite_captured_model> models;
        std::vector<sqlite_record_sql> sql;
        sqlite_model_catalog catalog;
        bool owned = false;
        bool owner_is_number = false;
        sqlite_authority_look look;
        std::mutex mutex;
        std::vector<std::unique_ptr<sqlite_database>> idle;
        std::int64_t attached_version = 0;  // the schema_version under which every trigger was in place

        [[nodiscard]] result<std::unique_ptr<sqlite_database>> take_out() {
            {
                const std::lock_guard<std::mutex> hold{mutex};
                if (!idle.empty()) {
                    auto db = std::move(idle.back());
                    idle.pop_back();
                    return db;
                }
            }
            return open_sqlite_authority_connection(path, options);
        }

        void put_back(std::unique_ptr<sqlite_database> db) {
            const std::lock_guard<std::mutex> hold{mutex};
            if (idle.size() < options.idle_connections) idle.push_back(std::move(db));
        }

        [[nodiscard]] result<void> read_tables(sqlite_database& db, std::vector<sqlite_captured_model>& out) const {
            for (const auto& schema : schemas) {
                if (auto r = check_sqlite_side(db, schema.table_name(), sqlite_authority_prefix); !r) return r;
                if (auto r = check_sqlite_unhidden(db, schema.table_name()); !r) return r;
                if (auto r = prepare_sqlite_assigned_key(db, schema, sqlite_authority_trigger_prefix(schema.table_name())); !r) return r;
                auto table = read_sqlite_table(db, schema.table_name());
                if (!table) return std::move(table).error();
                if (auto r = check_sqlite_model(*table, schema); !r) return r;
                if (auto r = check_sqlite_writable(db, *table, schema.key_name); !r) return r;
                sqlite_captured_model m{std::move(*table), options.owner_column_of(schema.name)};
                if (!m.owner.empty())
                    if (auto r = check_sqlite_owner(m.table, schema, m.owner); !r) return r;
                for (const auto& other : out) {
                    if (other.table.name == m.table.name)
                        return make_fault(errc::unsupported, "two models are registered on table `", m.table.name, "`; register one");
                    if (other.owner.empty() != m.owner.empty())
                        return make_fault(errc::invalid_argument, "table `", m.owner.empty() ? m.table.name : other.table.name,
                                          "` was given no owner column and others were; give every model one, or none");
                }
                out.push_back(std::move(m));
            }
            return follow_sqlite_authority_keys(db, schemas, out);
        }

        // Rows that the trigger passed by, which does not run inside itself, get their keys before anything is sealed.
        [[nodiscard]] result<void> name_rows(sqlite_database& db) const {
            for (model_id id = 0; id < schemas.size(); ++id)
                if (schemas[id].key_assigned)
                    if (auto r = run_sqlite(db, sqlite_name_all(models[id].table.name, schemas[id].key_name)); !r) return r;
            return {};
        }

        [[nodiscard]] bool guarded() const noexcept { return options.foreign_writes == sqlite_foreign_writes::refuse; }
        [[nodiscard]] std::string single_tenant() const { return owned ? std::string{} : options.tenant; }

        [[nodiscard]] result<void> attach(sqlite_database& db) {
            if (auto r = read_tables(db, models); !r) return r;
            std::vector<sqlite_local_keys> names;
            for (const auto& m : models) names.push_back(m.keys);
            auto as_synced = with_sync_key_kinds(schemas, names);
            if (!as_synced) return std::move(as_synced).error();
            if (*as_synced) schemas = std::move(**as_synced);
            for (const auto& m : models) {
                owned = owned || !m.owner.empty();
                const auto* c = m.table.find(m.owner);
                owner_is_number = owner_is_number || (c != nullptr && c->affinity == sqlite_affinity::integer);
            }
            if (!owned && options.tenant.empty()) return make_fault(errc::invalid_argument, "the tenant's name is empty; give it one");
            if (auto r = create_sqlite_authority_tables(db, options.epoch); !r) return r;
            if (auto r = sqlite_authority_renames{db, schemas, models}.follow(); !r) return r;
            auto registered = register_sqlite_models(db, schemas);
            if (!registered) return std::move(registered).error();
            catalog = std::move(*registered);
            if (owned)
                if (auto r = db.execute("CREATE INDEX IF NOT EXISTS syncline_authority_stage_by_tenant ON syncline_authority_stage(tenant)"); !r)
                    return r;
            sql = make_sqlite_record_sql(schemas, models);
            if (auto r = attach_sqlite_authority_capture(db, schemas, models, catalog, single_tenant(), guarded()); !r) return r;
            catalog.fresh.assign(catalog.fresh.size(), false);
            return {};
        }

        // Another program may have rebuilt a table, which loses its triggers: they are put back before anything is sealed.
        [[nodiscard]] result<std::int64_t> attach_again(sqlite_database& db) {
            std::int64_t version = 0;
            const auto read = [&] {
                return each_sqlite_row(
                    db, "PRAGMA main.schema_version", [](sqlite_statement&) {},
                    [&](sqlite_statement& s) {
                        version = s.column_integer(0);
                        return false;
                    });
            };
            if (auto r = read(); !r) return std::move(r).error();
            {
                const std::lock_guard<std::mutex> hold{mutex};
                if (version == attached_version) return version;
            }
            if (auto r = check_sqlite_authority_format(db, sqlite_authority_format); !r) return std::move(r).error();
            std::vector<sqlite_captured_model> tables;
            if (auto r = read_tables(db, tables); !r) return std::move(r).error();
            if (auto r = attach_sqlite_authority_capture(db, schemas, tables, catalog, single_tenant(), guarded()); !r) return std::move(r).error();
            if (auto r = read(); !r) return std::move(r).error();
            return version;
        }
    };

    std::shared_ptr<core> core_;
};

/// A transaction of a `sqlite_authority_store` (models `authority_transaction`). Not committed when it ends: rolled back.
class sqlite_authority_store::transaction {
public:
    transaction(transaction&& other) noexcept = default;
    transaction& operator=(transaction&& other) noexcept {
        if (this == &other) return *this;
        std::destroy_at(this);
        return *std::construct_at(this, std::move(other));
    }
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction() { end(); }

    [[nodiscard]] result<std::optional<record>> current(const record_key& k) const {
        auto row = reading<std::optional<record>>([&] { return records().current(k); });
        if (row && !*row) absent_ = k;
        return row;
    }
    [[nodiscard]] result<void> write(const record_key& k, const record& r) {
        const sqlite_mutation in = mutation_;
        return writing([&] { return records().write(k, r, in, std::exchange(absent_, std::nullopt) == k); });
    }
    /// Sets the soft-delete column where the model has one: `errc::bug` then where no time was told.
    [[nodiscard]] result<void> erase(const record_key& k) {
        absent_.reset();
        const sqlite_mutation in = mutation_;
        return writing([&] { return records().erase(k, in); });
    }
    /// See `default_filling_transaction`.
    [[nodiscard]] result<void> fill_defaults(model_id model, record& row, const field_set& fields) {
        return writing([&] { return records().fill_defaults(model, row, fields); });
    }
    /// See `time_noting_transaction`.
    void tell_time(timestamp at) noexcept { told_ = at; }
    [[nodiscard]] result<std::vector<record_key>> referencing(const record_key& k, std::size_t most) const {
        return reading<std::vector<record_key>>([&] { return records().referencing(k, most); });
    }

    [[nodiscard]] result<std::vector<record_key>> referring(const record_key& k, std::size_t most) const {
        return reading<std::vector<record_key>>([&] { return records().referring(k, most); });
    }
    [[nodiscard]] result<std::optional<audience>> audience_of(const record_key& k) const {
        return reading<std::optional<audience>>([&] { return scopes().audience_of(k); });
    }
    [[nodiscard]] result<void> relabel(const record_key& k, std::int64_t stamp, const audience& who) {
        return writing([&] { return scopes().relabel(k, stamp, who); });
    }
    [[nodiscard]] result<std::vector<audience_change>> audiences_since(const record_key& k, std::int64_t stamp) const {
        return reading<std::vector<audience_change>>([&] { return scopes().audiences_since(k, stamp); });
    }
    [[nodiscard]] result<std::vector<record_key>> labelled(std::string_view label, const record_key* after, std::size_t most) const {
        return reading<std::vector<record_key>>([&] { return scopes().labelled(label, after, most); });
    }
    [[nodiscard]] result<std::string> labelled_by() const {
        return reading<std::string>([&] { return scopes().labelled_by(); });
    }
    [[nodiscard]] result<void> set_labelled_by(std::string_view rules) {
        return writing([&] { return scopes().set_labelled_by(rules); });
    }
    [[nodiscard]] result<std::optional<device_view>> find_view(std::string_view principal, std::string_view source) const {
        return reading<std::optional<device_view>>([&] { return scopes().find_view(principal, source); });
    }
    [[nodiscard]] result<void> put_view(const device_view& v) {
        return writing([&] { return scopes().put_view(v); });
    }

    [[nodiscard]] result<void> savepoint() {
        if (auto r = may_write(); !r) return r;
        if (mutation_ != sqlite_mutation::none) return make_fault(errc::bug, "a savepoint is open; savepoints do not nest");
        mutation_ = sqlite_mutation::untouched;
        return {};
    }
    [[nodiscard]] result<void> rollback_to_savepoint() {
        if (auto r = may_write(); !r) return r;
        if (mutation_ == sqlite_mutation::none) return make_fault(errc::bug, "there is no savepoint to roll back to");
        if (std::exchange(mutation_, sqlite_mutation::none) == sqlite_mutation::untouched) return {};
        absent_.reset();
        if (auto r = run_sqlite(*db_, "ROLLBACK TO syncline_mutation"); !r) return r;
        return run_sqlite(*db_, "RELEASE syncline_mutation");
    }
    [[nodiscard]] result<void> release_savepoint() {
        if (auto r = may_write(); !r) return r;
        if (mutation_ == sqlite_mutation::none) return make_fault(errc::bug, "there is no savepoint to release");
        return std::exchange(mutation_, sqlite_mutation::none) == sqlite_mutation::untouched ? result<void>{} : run_sqlite(*db_, "RELEASE syncline_mutation");
    }

    [[nodiscard]] result<std::vector<record_key>> take_staged() {
        return writing([&] { return records().take_staged(); });
    }
    [[nodiscard]] result<bool> has_staged() const {
        return reading<bool>([&] { return records().has_staged(); });
    }

    [[nodiscard]] result<authority_head> head() const {
        return reading<authority_head>([&] { return log().head(); });
    }
    [[nodiscard]] result<std::optional<sealed_row>> sealed(const record_key& k) const {
        return reading<std::optional<sealed_row>>([&] { return log().sealed(k); });
    }
    [[nodiscard]] result<void> append(const bundle& b) {
        return writing([&] { return log().append(b); });
    }
    [[nodiscard]] result<std::vector<change_mark>> changes_of(const record_key& k, std::int64_t above) const {
        return reading<std::vector<change_mark>>([&] { return log().changes_of(k, above); });
    }
    [[nodiscard]] result<std::vector<row_change>> history_of(const record_key& k) const {
        return reading<std::vector<row_change>>([&] { return log().history_of(k); });
    }
    [[nodiscard]] result<std::vector<row_change>> latest_after(std::int64_t above, std::size_t most) const {
        return reading<std::vector<row_change>>([&] { return log().latest_after(above, most); });
    }
    [[nodiscard]] result<std::vector<bundle_head>> bundle_heads(std::int64_t above, std::size_t most) const {
        return reading<std::vector<bundle_head>>([&] { return log().bundle_heads(above, most); });
    }
    [[nodiscard]] result<std::vector<row_change>> bundle_rows(std::int64_t seq, std::uint32_t from, std::size_t most) const {
        return reading<std::vector<row_change>>([&] { return log().bundle_rows(seq, from, most); });
    }

    [[nodiscard]] result<std::optional<receipt>> find_receipt(std::string_view principal, const mutation_id& id) const {
        return reading<std::optional<receipt>>([&] { return sessions().find_receipt(principal, id); });
    }
    [[nodiscard]] result<void> put_receipt(std::string_view principal, const receipt& r) {
        return writing([&] { return sessions().put_receipt(principal, r); });
    }
    [[nodiscard]] result<std::optional<bundle_receipt>> find_bundle_receipt(std::string_view source, std::int64_t number) const {
        return reading<std::optional<bundle_receipt>>([&] { return sessions().find_bundle_receipt(source, number); });
    }
    [[nodiscard]] result<void> put_bundle_receipt(const bundle_receipt& r) {
        return writing([&] { return sessions().put_bundle_receipt(r); });
    }
    [[nodiscard]] result<std::int64_t> last_source_bundle_id(std::string_view source) const {
        return reading<std::int64_t>([&] { return sessions().last_source_bundle_id(source); });
    }

    [[nodiscard]] result<void> put_session(const push_session& s) {
        return writing([&] { return sessions().put_session(s); });
    }
    [[nodiscard]] result<std::optional<push_session>> find_session(std::string_view id) const {
        return reading<std::optional<push_session>>([&] { return sessions().find_session(id); });
    }
    [[nodiscard]] result<void> drop_session(std::string_view id) {
        return writing([&] { return sessions().drop_session(id); });
    }
    [[nodiscard]] result<void> drop_sessions(std::string_view source, std::int64_t number) {
        return writing([&] { return sessions().drop_sessions(source, number); });
    }
    [[nodiscard]] result<void> append_session(std::string_view id, std::uint32_t first, const std::vector<mutation>& ms) {
        return writing([&] { return sessions().append_session(id, first, ms); });
    }
    [[nodiscard]] result<std::vector<mutation>> session_mutations(std::string_view id) const {
        return reading<std::vector<mutation>>([&] { return sessions().session_mutations(id); });
    }

    [[nodiscard]] result<snapshot_head> make_snapshot(const snapshot_head& wanted) {
        return writing([&]() -> result<snapshot_head> {
            auto at = log().head();
            if (!at) return std::move(at).error();
            return sessions().make_snapshot(wanted, *at);
        });
    }
    [[nodiscard]] result<std::optional<snapshot_head>> find_snapshot(std::string_view id) const {
        return reading<std::optional<snapshot_head>>([&] { return sessions().find_snapshot(id); });
    }
    [[nodiscard]] result<void> drop_snapshot(std::string_view id) {
        return writing([&] { return sessions().drop_snapshot(id); });
    }
    [[nodiscard]] result<void> renew_snapshot(std::string_view id, timestamp until) {
        return writing([&] { return sessions().renew_snapshot(id, until); });
    }
    [[nodiscard]] result<std::vector<row_image>> snapshot_rows(std::string_view id, std::uint32_t from, std::size_t most) const {
        return reading<std::vector<row_image>>([&] { return sessions().snapshot_rows(id, from, most); });
    }

    [[nodiscard]] result<void> put_source(const source_mark& m) {
        return writing([&] { return sources_of().put(m); });
    }
    [[nodiscard]] result<std::optional<source_mark>> find_source(std::string_view principal, std::string_view source) const {
        return reading<std::optional<source_mark>>([&] { return sources_of().find(principal, source); });
    }
    [[nodiscard]] result<void> drop_source(std::string_view principal, std::string_view source) {
        return writing([&] {
            auto r = sources_of().drop(principal, source);
            return r ? scopes().drop_view(principal, source) : r;
        });
    }
    [[nodiscard]] result<std::vector<source_mark>> sources() const {
        return reading<std::vector<source_mark>>([&] { return sources_of().all(); });
    }

    [[nodiscard]] result<void> put_note(std::string_view principal, std::string_view name, std::string_view body) {
        return writing([&] { return notes_of().put(principal, name, body); });
    }
    [[nodiscard]] result<std::optional<std::string>> find_note(std::string_view principal, std::string_view name) const {
        return reading<std::optional<std::string>>([&] { return notes_of().find(principal, name); });
    }
    [[nodiscard]] result<std::vector<std::pair<std::string, std::string>>> notes(std::string_view principal, std::string_view prefix) const {
        return reading<std::vector<std::pair<std::string, std::string>>>([&] { return notes_of().all(principal, prefix); });
    }
    [[nodiscard]] result<void> drop_notes(std::string_view principal, std::string_view prefix) {
        return writing([&] { return notes_of().drop(principal, prefix); });
    }

    [[nodiscard]] result<void> prune(std::int64_t to) {
        return writing([&] {
            auto r = log().prune(to);
            return r ? scopes().prune() : r;
        });
    }
    [[nodiscard]] result<void> expire(timestamp now) {
        return writing([&] { return sessions().expire(now); });
    }

    /// The transaction's own connection, e.g. for the host's SQL in the same transaction, which is never refused as another's; it must not end it. @pre it is not over, and no savepoint is open
    [[nodiscard]] sqlite_database& connection() noexcept {
        absent_.reset();
        gap_.reset();
        return *db_;
    }

    /// Makes everything durable; the transaction is over whatever the result is.
    /// @return `errc::constraint` when a foreign key that waits for the commit is broken; nothing was done then
    [[nodiscard]] result<void> commit() {
        if (!db_ || !db_->in_transaction()) return over();
        result<void> r;
        if (how_ == access::write && core_->guarded()) r = run_sqlite(*db_, "DELETE FROM syncline_authority_writing");  // nobody else ever sees it
        if (r) r = run_sqlite(*db_, "COMMIT");
        if (r && how_ == access::write) {
            const std::lock_guard<std::mutex> hold{core_->mutex};
            core_->attached_version = attached_version_;
        }
        end();
        return r;
    }

private:
    friend class sqlite_authority_store;

    transaction(std::shared_ptr<core> shared, std::unique_ptr<sqlite_database> db, std::string_view tenant, access how)
        : core_(std::move(shared)), db_(std::move(db)), tenant_(std::make_unique<std::string>(tenant)), how_(how) {}

    [[nodiscard]] sqlite_authority_scope scope() const { return {db_.get(), &core_->schemas, &core_->catalog, tenant_number_}; }
    [[nodiscard]] sqlite_authority_records records() const { return {scope(), core_->models, core_->sql, *tenant_, told_, how_ == access::write}; }
    [[nodiscard]] sqlite_authority_log log() const { return sqlite_authority_log{scope()}; }
    [[nodiscard]] sqlite_authority_sources sources_of() const { return sqlite_authority_sources{scope()}; }
    [[nodiscard]] sqlite_authority_notes notes_of() const { return sqlite_authority_notes{scope()}; }
    [[nodiscard]] sqlite_authority_scopes scopes() const { return sqlite_authority_scopes{scope()}; }
    [[nodiscard]] sqlite_authority_sessions sessions() const { return {scope(), gap_}; }

    [[nodiscard]] static fault over() { return make_fault(errc::bug, "the transaction is over; begin another"); }

    template <class T, class F>
    [[nodiscard]] result<T> reading(F f) const {
        if (!db_ || !db_->in_transaction()) return over();
        return f();
    }
    [[nodiscard]] result<void> may_write() const {
        if (!db_ || !db_->in_transaction()) return over();
        if (how_ != access::write) return make_fault(errc::bug, "a snapshot transaction writes nothing; begin one for writing");
        return {};
    }
    // SQLite is told of a savepoint when something is written in it.
    template <class F>
    [[nodiscard]] auto writing(F f) -> decltype(f()) {
        if (auto r = may_write(); !r) return std::move(r).error();
        if (mutation_ == sqlite_mutation::untouched) {
            if (auto r = run_sqlite(*db_, "SAVEPOINT syncline_mutation"); !r) return std::move(r).error();
            mutation_ = sqlite_mutation::touched;
        }
        return f();
    }

    [[nodiscard]] result<void> start() {
        if (auto r = run_sqlite(*db_, how_ == access::write ? "BEGIN IMMEDIATE" : "BEGIN"); !r) {
            if (r.error().code != errc::busy) return r;
            return make_fault(errc::busy, "somebody else is writing to the database `", core_->path, "`; try again");
        }
        if (how_ == access::write) {
            auto version = core_->attach_again(*db_);
            if (!version) return std::move(version).error();
            attached_version_ = *version;
            if (core_->guarded())
                if (auto r = run_sqlite(*db_, "INSERT INTO syncline_authority_writing VALUES(1)"); !r) return r;
            if (auto r = core_->name_rows(*db_); !r) return r;
            if (auto r = run_sqlite(*db_, "INSERT INTO syncline_authority_tenants(name, seq, stamp, floor_seq, floor_stamp) SELECT ?1,0,0,0,0 WHERE "
                                          "NOT EXISTS (SELECT 1 FROM syncline_authority_tenants WHERE name = ?1)",
                                    [&](sqlite_statement& s) { s.bind_text(1, *tenant_); });
                !r)
                return r;
        }
        // The first read is what a snapshot is of.
        return each_sqlite_row(
            *db_, "SELECT id FROM syncline_authority_tenants WHERE name = ?1", [&](sqlite_statement& s) { s.bind_text(1, *tenant_); },
            [&](sqlite_statement& s) {
                tenant_number_ = s.column_integer(0);
                return false;
            });
    }

    void end() noexcept {
        if (!db_) return;
        bool clean = true;
        if (db_->in_transaction()) clean = db_->execute("ROLLBACK").has_value();
        if (clean) core_->put_back(std::move(db_));
        db_.reset();
    }

    std::shared_ptr<core> core_;
    std::unique_ptr<sqlite_database> db_;
    std::unique_ptr<std::string> tenant_;
    access how_;
    sqlite_mutation mutation_ = sqlite_mutation::none;
    mutable std::optional<record_key> absent_;  // no row had this key when it was read, and nothing was written since
    mutable std::optional<sqlite_receipt_gap> gap_;
    std::optional<timestamp> told_;  // when what is written now was done
    std::int64_t tenant_number_ = 0;
    std::int64_t attached_version_ = 0;
};

inline result<sqlite_authority_store::transaction> sqlite_authority_store::begin(std::string_view tenant, access how) {
    if (!core_->owned && tenant != core_->options.tenant)
        return make_fault(errc::invalid_argument, "this store serves the one tenant `", core_->options.tenant,
                          "`; give the tables an owner column to serve several");
    if (tenant.empty()) return make_fault(errc::invalid_argument, "the tenant's name is empty");
    if (core_->owner_is_number) {
        std::int64_t n = 0;
        const auto [stop, error] = std::from_chars(tenant.data(), tenant.data() + tenant.size(), n);
        if (error != std::errc{} || stop != tenant.data() + tenant.size() || std::to_string(n) != tenant)
            return make_fault(errc::invalid_argument, "the tenant's name is not an integer, and an owner column holds integers");
    }
    auto db = core_->take_out();
    if (!db) return std::move(db).error();
    transaction t{core_, std::move(*db), tenant, how};
    if (auto r = t.start(); !r) return std::move(r).error();
    return t;
}

SYNCLINE_NAMESPACE_END

#endif
