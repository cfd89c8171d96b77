#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_STORE_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_STORE_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/detach.hpp>
#include <syncline/adapters/sqlite/file_token.hpp>
#include <syncline/adapters/sqlite/replica_connection.hpp>
#include <syncline/adapters/sqlite/replica_lease.hpp>
#include <syncline/adapters/sqlite/replica_options.hpp>
#include <syncline/adapters/sqlite/replica_statements.hpp>
#include <syncline/adapters/sqlite/replica_state_row.hpp>
#include <syncline/adapters/sqlite/replica_tables.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/adapters/sqlite/unsyncable_rows.hpp>
#include <syncline/adapters/sqlite/write_ahead_log.hpp>
#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A device's storage in the app's own SQLite database. Models `replica_store` and `leasing_store`: programs that share the file share the
/// lease.
///
/// It attaches to tables that exist and hold rows, as they are; its own tables and triggers stand beside them under names that
/// begin with `syncline_replica_`. From then on every change that any SQL of any program makes to those tables is captured.
/// Rows that were there before count as created by the app.
///
/// Moving the store leaves its transactions valid; they must not outlive it. One thread at a time.
class sqlite_replica_store {
public:
    class transaction;

    /// Opens the database file at @p path over its own connection, for the models of @p models.
    ///
    /// Models keep the ids that they were first opened with, whatever their order here; new ones follow.
    /// @return the store, or
    ///         - `errc::unsupported`, by name: a missing table, a view or virtual table, a composite key, a key that is neither
    ///           PRIMARY KEY nor UNIQUE NOT NULL, a key other than TEXT, INTEGER or BLOB, partial and expression unique indexes, two
    ///           models on one table, a file that cannot be put into WAL mode
    ///         - `errc::schema_mismatch`: a model that does not fit its table, or what was synced before; a model left out
    ///         - `errc::busy`, `errc::corrupt`, `errc::io_error`
    /// @par Failure  strong: the database is as before
    [[nodiscard]] static result<sqlite_replica_store> open(const std::string& path, std::vector<model_schema> models, const sqlite_replica_options& options = {}) {
        auto db = open_file(path, options);
        if (!db) return db.error();
        return attach(std::move(*db), std::move(models), options);
    }

    /// The same for a set of models, such as `schemas_of` gives.
    [[nodiscard]] static result<sqlite_replica_store> open(const std::string& path, const schema_set& models,
                                                           const sqlite_replica_options& options = {}) {
        return open(path, std::vector<model_schema>(models.begin(), models.end()), options);
    }

    /// The same for tables by name; `read_model_schema` makes their models.
    [[nodiscard]] static result<sqlite_replica_store> open(const std::string& path, const std::vector<std::string>& tables,
                                                           const sqlite_replica_options& options = {}) {
        auto db = open_file(path, options);
        if (!db) return db.error();
        return attach_tables(std::move(*db), tables, options);
    }

    /// Uses the app's connection @p connection, which outlives the store. No transaction may be open on it now or when
    /// `begin` is called; its settings are put back after each.
    [[nodiscard]] static result<sqlite_replica_store> open(sqlite3* connection, std::vector<model_schema> models,
                                                           const sqlite_replica_options& options = {}) {
        return attach(sqlite_database::adopt(connection), std::move(models), options);
    }

    /// The same for a set of models.
    [[nodiscard]] static result<sqlite_replica_store> open(sqlite3* connection, const schema_set& models, const sqlite_replica_options& options = {}) {
        return open(connection, std::vector<model_schema>(models.begin(), models.end()), options);
    }

    /// The same for tables by name.
    [[nodiscard]] static result<sqlite_replica_store> open(sqlite3* connection, const std::vector<std::string>& tables,
                                                           const sqlite_replica_options& options = {}) {
        return attach_tables(sqlite_database::adopt(connection), tables, options);
    }

    /// Takes capture and bookkeeping out of the database at @p path, unsent intents included; the app's tables stay as they are. No store may be open.
    [[nodiscard]] static result<void> uninstall(const std::string& path) { return detach(path, true); }

    /// Takes the capture triggers away from the database at @p path and leaves the bookkeeping: for a migration that drops columns, which SQLite
    /// refuses while triggers name them. The next `open` makes them again and takes in what was done meanwhile. No store may be open on it.
    [[nodiscard]] static result<void> suspend_capture(const std::string& path) { return detach(path, false); }

    [[nodiscard]] const schema_set& schemas() const { return core_->schemas; }

    /// Whether the file does not hold the token that the program kept: it is a copy, or came back from a backup. Then call `sync_client::declare_copy` (or
    /// `replica::renew_source` with suspect) before the first sync, and `keep_token` after it.
    [[nodiscard]] bool is_copy() const noexcept { return is_copy_; }

    /// From now on the file holds the token that `options.token` named as the next one.
    /// @return `errc::busy` while another connection writes; `errc::bug` while a transaction is open
    [[nodiscard]] result<void> keep_token() {
        if (auto ok = core_->begin(); !ok) return ok;
        auto kept = check_sqlite_file_token(core_->db, token_, true);
        auto done = kept ? core_->commit() : result<void>{std::move(kept).error()};
        if (!done) core_->abandon();
        if (done) is_copy_ = false;
        return done;
    }

    /// The rows of the synced tables that are not synced since their keys can name no record, or for a text where a time belongs
    /// (`find_unsyncable_rows`), for a person to mend. Nobody is kept waiting. Complexity: reads every row's key and times.
    /// @param limit  how many rows are named; all are counted
    [[nodiscard]] result<unsyncable_rows> unsyncable(std::size_t limit) {
        unsyncable_rows out;
        for (model_id id = 0; id < core_->schemas.size(); ++id)
            if (auto ok = find_unsyncable_rows(core_->db, core_->tables[id].table, core_->schemas[id], limit, out); !ok) return ok.error();
        return out;
    }

    /// Opens a write transaction.
    /// @return `errc::busy` while another connection writes; `errc::bug` while a transaction of this store, or one of the
    ///         app on the connection it gave, is open; `errc::unsupported` or `errc::schema_mismatch` when the app has
    ///         changed a table so that it cannot be synced any more
    [[nodiscard]] result<transaction> begin();

private:
    explicit sqlite_replica_store(std::unique_ptr<sqlite_replica_connection> core) : core_(std::move(core)) {}

    [[nodiscard]] static result<void> detach(const std::string& path, bool tables_too) {
        auto db = sqlite_database::open(path, {false, sqlite_open_options{}.busy_timeout});
        if (!db) return db.error();
        return detach_sqlite(*db, sqlite_replica_prefix, tables_too);
    }

    [[nodiscard]] static result<sqlite_database> open_file(const std::string& path, const sqlite_replica_options& options) {
        sqlite_open_options how;
        how.busy_timeout = options.busy_timeout;
        return sqlite_database::open(path, how);
    }

    // What is private has no other readers.
    [[nodiscard]] static result<void> prepare(sqlite_database& db, const sqlite_replica_options& options) {
        if (db.in_transaction()) return make_fault(errc::bug, "a transaction is open on the connection that is given to the store; end it first");
        constexpr std::string_view without = "set `sqlite_replica_options::write_ahead_log` to false where readers may wait";
        if (options.write_ahead_log && !sqlite_is_private(db))
            if (auto ok = use_sqlite_write_ahead_log(db, sqlite3_db_filename(db.handle(), "main"), without); !ok) return ok;
        if (db.is_owned() && options.synchronous_normal)
            if (auto ok = db.execute("PRAGMA synchronous=NORMAL"); !ok) return ok;
        return db.learn_encoding();
    }

    [[nodiscard]] static result<sqlite_replica_store> attach_tables(sqlite_database db, const std::vector<std::string>& names, const sqlite_replica_options& options) {
        if (auto ok = prepare(db, options); !ok) return ok.error();
        auto models = read_model_schemas(db, names, options.times, options.sync_key);
        if (!models) return models.error();
        return attach_prepared(std::move(db), std::move(*models), options);
    }

    [[nodiscard]] static result<sqlite_replica_store> attach(sqlite_database db, std::vector<model_schema> models, const sqlite_replica_options& options) {
        if (auto ok = prepare(db, options); !ok) return ok.error();
        return attach_prepared(std::move(db), std::move(models), options);
    }

    [[nodiscard]] static result<sqlite_replica_store> attach_prepared(sqlite_database db, std::vector<model_schema> models, const sqlite_replica_options& options) {
        auto core = std::make_unique<sqlite_replica_connection>(std::move(db));
        if (auto ok = core->enter(); !ok) return ok.error();
        auto ready = order_sqlite_replica_models(core->db, core->schemas, std::move(models));
        if (ready) ready = core->attach();
        auto same = ready ? check_sqlite_file_token(core->db, options.token, false) : result<bool>{true};
        if (!same) ready = std::move(same).error();
        if (ready) ready = core->commit();
        if (!ready) {
            core->abandon();
            return ready.error();
        }
        sqlite_replica_store out{std::move(core)};
        out.token_ = options.token;
        out.is_copy_ = !*same;
        return out;
    }

    std::unique_ptr<sqlite_replica_connection> core_;
    sqlite_file_token token_;
    bool is_copy_ = false;
};

/// One transaction; models `replica_transaction`, which documents its functions. Dropping it rolls back. After `commit()`
/// every call is `errc::bug`.
class sqlite_replica_store::transaction : sqlite_replica_statements {
public:
    /// In the order of the first change of each record; an edit that came to nothing is left out.
    [[nodiscard]] result<std::vector<captured_edit>> take_captured() {
        if (core_ == nullptr) return over();
        return core_->take_captured();
    }
    [[nodiscard]] result<std::vector<diverted_row>> take_diverted() {
        if (core_ == nullptr) return over();
        return core_->take_diverted();
    }
    [[nodiscard]] result<std::optional<record>> visible(const record_key& key) {
        if (core_ == nullptr) return over();
        return core_->visible(key);
    }
    /// Beyond the contract: `errc::unsupported` for a value that the column would change (`sqlite_can_hold`).
    [[nodiscard]] result<void> write(const record_key& key, const record& row) {
        if (core_ == nullptr) return over();
        return core_->write(key, row);
    }
    /// Sets the soft-delete column where the model has one: `errc::bug` then where no time was told.
    [[nodiscard]] result<void> erase(const record_key& key) {
        if (core_ == nullptr) return over();
        return core_->erase(key);
    }
    /// See `time_noting_transaction`.
    void tell_time(timestamp at) noexcept { if (core_ != nullptr) core_->tell_time(at); }

    [[nodiscard]] result<base_row> base(const record_key& key) {
        base_row out;
        auto found = find("SELECT version,kept,image,provisional_version,provisional_after,lost FROM main.syncline_replica_base WHERE model=?1 AND \"key\"=?2",
                          key, [&](const sqlite_statement& s) -> result<void> {
                              out.version = s.column_integer(0);
                              out.image_kept = s.column_integer(1) != 0;
                              auto image = read_image(s, 2);
                              if (!image) return image.error();
                              out.image = std::move(*image);
                              if (!s.column_is_null(3)) out.provisional = provisional_base{s.column_integer(3), mutation_id{s.column_text(4)}};
                              out.lost = (s.column_integer(5) & 1) != 0;
                              out.out_of_view = (s.column_integer(5) & 2) != 0;
                              return {};
                          });
        if (!found) return found.error();
        return out;
    }
    [[nodiscard]] result<void> put_base(const record_key& key, const base_row& b) {
        if (b.version == 0 && !b.image && !b.provisional && !b.out_of_view) return forget("DELETE FROM main.syncline_replica_base WHERE model=?1 AND \"key\"=?2", key);
        auto s = use("INSERT INTO main.syncline_replica_base(model,\"key\",version,kept,image,provisional_version,provisional_after,lost,digest) "
                     "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT(model,\"key\") DO UPDATE SET version=excluded.version,kept=excluded.kept,"
                     "image=excluded.image,provisional_version=excluded.provisional_version,provisional_after=excluded.provisional_after,lost=excluded.lost,digest=excluded.digest");
        if (!s) return s.error();
        const std::string image = b.image ? encode_record(*b.image) : std::string{};
        std::string digest;
        if (!b.image_kept) {
            auto visible = core_->digest_of_visible(key);
            if (!visible) return visible.error();
            digest = std::move(*visible);
        }
        bind_key(**s, key).bind(3, b.version).bind(4, b.image_kept ? 1 : 0).bind(8, (b.lost ? 1 : 0) | (b.out_of_view ? 2 : 0));  // marks in one column
        if (b.image) (*s)->lend_blob(5, image);
        if (b.provisional) (*s)->bind(6, b.provisional->row_version).lend_text(7, b.provisional->after);
        if (!b.image_kept) (*s)->lend_blob(9, digest);
        return (*s)->run();
    }

    [[nodiscard]] result<std::optional<intent>> open_intent(const record_key& key) {
        std::optional<intent> out;
        auto found = find("SELECT body FROM main.syncline_replica_open WHERE model=?1 AND \"key\"=?2", key,
                          [&](const sqlite_statement& s) { return read_into(out, decode_intent(key, s.column_blob(0))); });
        if (!found) return found.error();
        return out;
    }
    [[nodiscard]] result<void> put_open(const intent& what, std::int32_t send_class) {
        auto s = use("INSERT INTO main.syncline_replica_open(model,\"key\",waiting,send_class,ordinal,body) VALUES(?1,?2,?3,?4,?5,?6) "
                     "ON CONFLICT(model,\"key\") DO UPDATE SET waiting=excluded.waiting,send_class=excluded.send_class,"
                     "ordinal=excluded.ordinal,body=excluded.body");
        if (!s) return s.error();
        const std::string body = encode_intent(what);
        bind_key(**s, what.key).bind(3, what.waiting ? 1 : 0).bind(4, send_class);
        (*s)->bind(5, static_cast<std::int64_t>(what.ordinal)).lend_blob(6, body);
        return (*s)->run();
    }
    [[nodiscard]] result<void> drop_open(const record_key& key) {
        return forget("DELETE FROM main.syncline_replica_open WHERE model=?1 AND \"key\"=?2", key);
    }
    [[nodiscard]] result<std::vector<std::pair<send_position, intent>>> ready_intents(send_position after, std::size_t limit) {
        std::vector<std::pair<send_position, intent>> out;
        auto done = each("SELECT model,\"key\",body,send_class,ordinal FROM main.syncline_replica_open WHERE waiting=0 AND "
                         "(send_class,ordinal)>(?1,?2) ORDER BY send_class,ordinal LIMIT ?3",
                         [&](sqlite_statement& s) { s.bind(1, after.send_class).bind(2, static_cast<std::int64_t>(after.ordinal)).bind(3, limit_of(limit)); },
                         [&](const sqlite_statement& s) -> result<void> {
                             auto i = decode_intent(key_of(s), s.column_blob(2));
                             if (!i) return i.error();
                             const send_position at{static_cast<std::int32_t>(s.column_integer(3)), static_cast<std::uint64_t>(s.column_integer(4))};
                             out.emplace_back(at, std::move(*i));
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<std::vector<intent>> waiting_intents(std::size_t limit) {
        std::vector<intent> out;
        auto done = each("SELECT model,\"key\",body FROM main.syncline_replica_open WHERE waiting=1 ORDER BY ordinal,model,\"key\" LIMIT ?1",
                         [&](sqlite_statement& s) { s.bind(1, limit_of(limit)); },
                         [&](const sqlite_statement& s) { return read_onto(out, decode_intent(key_of(s), s.column_blob(2))); });
        if (!done) return done.error();
        return out;
    }

    [[nodiscard]] result<std::optional<batch>> current_batch() {
        std::optional<batch> out;
        auto done = each("SELECT id,source_bundle_id,state,committed_seq,committed_hash,frozen_items,token FROM main.syncline_replica_batch",
                         [](sqlite_statement&) {},
                         [&](const sqlite_statement& s) -> result<void> {
                             out.emplace();
                             out->id = static_cast<std::uint64_t>(s.column_integer(0));
                             out->source_bundle_id = s.column_integer(1);
                             out->state = static_cast<batch_state>(s.column_integer(2));
                             out->committed_seq = s.column_integer(3);
                             out->committed_hash = std::string{s.column_text(4)};
                             out->frozen_items = static_cast<std::uint32_t>(s.column_integer(5));
                             out->token = std::string{s.column_text(6)};
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<void> put_batch(const batch& b) {
        auto s = use("INSERT INTO main.syncline_replica_batch(one,id,source_bundle_id,state,committed_seq,committed_hash,frozen_items,token) "
                     "VALUES(1,?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(one) DO UPDATE SET id=excluded.id,source_bundle_id=excluded.source_bundle_id,"
                     "state=excluded.state,committed_seq=excluded.committed_seq,committed_hash=excluded.committed_hash,"
                     "frozen_items=excluded.frozen_items,token=excluded.token");
        if (!s) return s.error();
        (*s)->bind(1, static_cast<std::int64_t>(b.id)).bind(2, b.source_bundle_id).bind(3, static_cast<std::int64_t>(b.state));
        (*s)->bind(4, b.committed_seq).bind_text(5, b.committed_hash).bind(6, b.frozen_items).bind_text(7, b.token);
        return (*s)->run();
    }
    [[nodiscard]] result<void> drop_batch() {
        if (auto ok = change("DELETE FROM main.syncline_replica_batch"); !ok) return ok;
        return change("DELETE FROM main.syncline_replica_frozen");
    }
    [[nodiscard]] result<std::optional<batch_item>> frozen(const record_key& key) {
        std::optional<batch_item> out;
        auto found = find("SELECT model,\"key\",id,position,body FROM main.syncline_replica_frozen WHERE model=?1 AND \"key\"=?2", key,
                          [&](const sqlite_statement& s) { return read_into(out, item_of(s)); });
        if (!found) return found.error();
        return out;
    }
    [[nodiscard]] result<void> put_frozen(const batch_item& item) {
        auto s = use("INSERT INTO main.syncline_replica_frozen(model,\"key\",id,position,body) VALUES(?1,?2,?3,?4,?5) "
                     "ON CONFLICT(model,\"key\") DO UPDATE SET id=excluded.id,position=excluded.position,body=excluded.body");
        if (!s) return s.error();
        const std::string body = encode_intent(item.what);
        bind_key(**s, item.what.key).lend_text(3, item.id).bind(4, item.position).lend_blob(5, body);
        return (*s)->run();
    }
    [[nodiscard]] result<void> drop_frozen(const record_key& key) {
        return forget("DELETE FROM main.syncline_replica_frozen WHERE model=?1 AND \"key\"=?2", key);
    }
    [[nodiscard]] result<std::vector<batch_item>> frozen_items(std::uint32_t from, std::size_t limit) {
        std::vector<batch_item> out;
        auto done = each("SELECT model,\"key\",id,position,body FROM main.syncline_replica_frozen WHERE position>=?1 ORDER BY position LIMIT ?2",
                         [&](sqlite_statement& s) { s.bind(1, from).bind(2, limit_of(limit)); },
                         [&](const sqlite_statement& s) { return read_onto(out, item_of(s)); });
        if (!done) return done.error();
        return out;
    }

    [[nodiscard]] result<void> set_hidden(const record_key& key, bool hide) {
        if (!hide) return forget("DELETE FROM main.syncline_replica_hidden WHERE model=?1 AND \"key\"=?2", key);
        return forget("INSERT INTO main.syncline_replica_hidden(model,\"key\") VALUES(?1,?2) ON CONFLICT DO NOTHING", key);
    }
    [[nodiscard]] result<std::vector<record_key>> hidden() {
        return keys("SELECT model,\"key\" FROM main.syncline_replica_hidden ORDER BY model,\"key\"", [](sqlite_statement&) {});
    }

    [[nodiscard]] result<void> quarantine(const quarantined_row& q) {
        auto s = use("INSERT INTO main.syncline_replica_quarantine(model,\"key\",version,\"row\",contains,code,detail) VALUES(?1,?2,?3,?4,?5,?6,?7) "
                     "ON CONFLICT(model,\"key\") DO UPDATE SET version=excluded.version,\"row\"=excluded.\"row\",contains=excluded.contains,"
                     "code=excluded.code,detail=excluded.detail");
        if (!s) return s.error();
        bind_row(**s, q.image).bind(6, static_cast<std::int64_t>(q.why.code)).bind_text(7, q.why.detail);
        return (*s)->run();
    }
    [[nodiscard]] result<void> release(const record_key& key) {
        return forget("DELETE FROM main.syncline_replica_quarantine WHERE model=?1 AND \"key\"=?2", key);
    }
    [[nodiscard]] result<std::vector<quarantined_row>> quarantined(std::size_t limit) {
        std::vector<quarantined_row> out;
        auto done = each("SELECT model,\"key\",version,\"row\",contains,code,detail FROM main.syncline_replica_quarantine ORDER BY model,\"key\" LIMIT ?1",
                         [&](sqlite_statement& s) { s.bind(1, limit_of(limit)); },
                         [&](const sqlite_statement& s) -> result<void> {
                             auto row = row_of(s);
                             if (!row) return row.error();
                             out.push_back({std::move(*row), {static_cast<errc>(s.column_integer(5)), std::string{s.column_text(6)}}});
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }

    [[nodiscard]] result<void> put_unread(const unread_row& row) {
        auto s = use("INSERT INTO main.syncline_replica_unread(model,\"key\",version,\"row\",code,detail) VALUES(?1,?2,?3,?4,?5,?6) "
                     "ON CONFLICT(model,\"key\") DO UPDATE SET version=excluded.version,\"row\"=excluded.\"row\",code=excluded.code,detail=excluded.detail");
        if (!s) return s.error();
        bind_name(**s, row.name).bind(3, row.version).bind_text(4, row.text);
        (*s)->bind(5, static_cast<std::int64_t>(row.why.code)).bind_text(6, row.why.detail);
        return (*s)->run();
    }
    [[nodiscard]] result<void> drop_unread(const unread_name& name) {
        auto s = use("DELETE FROM main.syncline_replica_unread WHERE model=?1 AND \"key\"=?2");
        if (!s) return s.error();
        bind_name(**s, name);
        return (*s)->run();
    }
    [[nodiscard]] result<std::optional<unread_row>> find_unread(const unread_name& name) {
        std::optional<unread_row> out;
        auto done = each("SELECT model,\"key\",version,\"row\",code,detail FROM main.syncline_replica_unread WHERE model=?1 AND \"key\"=?2",
                         [&](sqlite_statement& s) { bind_name(s, name); },
                         [&](const sqlite_statement& s) -> result<void> {
                             out = unread_of(s);
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<std::vector<unread_row>> unread(const unread_name* after, std::size_t limit) {
        std::vector<unread_row> out;
        auto done = each("SELECT model,\"key\",version,\"row\",code,detail FROM main.syncline_replica_unread WHERE ?3 OR (model,\"key\")>(?1,?2) "
                         "ORDER BY model,\"key\" LIMIT ?4",
                         [&](sqlite_statement& s) {
                             bind_name(s, after == nullptr ? unread_name{} : *after).bind(3, after == nullptr ? 1 : 0).bind(4, limit_of(limit));
                         },
                         [&](const sqlite_statement& s) -> result<void> {
                             out.push_back(unread_of(s));
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<std::vector<record_key>> bases_within(std::int64_t low, std::int64_t high, const record_key* after, std::size_t limit) {
        return keys("SELECT model,\"key\" FROM main.syncline_replica_base WHERE (model,\"key\")>(?1,?2) AND version>?3 AND version<?4 "
                    "ORDER BY model,\"key\" LIMIT ?5",
                    [&](sqlite_statement& s) { bind_after(s, after).bind(3, low).bind(4, high).bind(5, limit_of(limit)); });
    }
    [[nodiscard]] result<void> put_lost(const row_image& row) {
        auto s = use("INSERT INTO main.syncline_replica_lost(model,\"key\",version,\"row\",contains) VALUES(?1,?2,?3,?4,?5) ON CONFLICT(model,\"key\") "
                     "DO UPDATE SET version=excluded.version,\"row\"=excluded.\"row\",contains=excluded.contains");
        if (!s) return s.error();
        bind_row(**s, row);
        return (*s)->run();
    }
    [[nodiscard]] result<void> drop_lost(const record_key& key) {
        return forget("DELETE FROM main.syncline_replica_lost WHERE model=?1 AND \"key\"=?2", key);
    }
    [[nodiscard]] result<std::vector<row_image>> lost_rows(std::size_t limit) {
        std::vector<row_image> out;
        auto done = each("SELECT model,\"key\",version,\"row\",contains FROM main.syncline_replica_lost ORDER BY model,\"key\" LIMIT ?1",
                         [&](sqlite_statement& s) { s.bind(1, limit_of(limit)); },
                         [&](const sqlite_statement& s) { return read_onto(out, row_of(s)); });
        if (!done) return done.error();
        return out;
    }

    [[nodiscard]] result<replica_state> state() {
        replica_state out;
        auto done = each(sqlite_replica_state_select, [](sqlite_statement&) {},
                         [&](const sqlite_statement& s) -> result<void> {
                             out = sqlite_replica_state_of(s);
                             awaits_ = out.needs_hydration;
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<void> put_state(const replica_state& v) {
        if (!awaits_)
            if (auto was = state(); !was) return was.error();
        auto s = use(sqlite_replica_state_update);
        if (!s) return s.error();
        bind_sqlite_replica_state(**s, v);
        if (auto ok = (*s)->run(); !ok || !*std::exchange(awaits_, v.needs_hydration) || v.needs_hydration) return ok;
        auto seen = use("UPDATE main.syncline_replica_model SET unseen=x'' WHERE unseen<>x''");
        if (!seen) return seen.error();
        return (*seen)->run();
    }

    /// For `leasing_transaction`.
    [[nodiscard]] result<sync_lease> lease() {
        sync_lease out;
        auto done = each(sqlite_replica_lease_select, [](sqlite_statement&) {},
                         [&](const sqlite_statement& s) -> result<void> {
                             out = sqlite_replica_lease_of(s);
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<void> put_lease(const sync_lease& l) {
        auto s = use(sqlite_replica_lease_upsert);
        if (!s) return s.error();
        bind_sqlite_replica_lease(**s, l);
        return (*s)->run();
    }

    [[nodiscard]] result<void> stage(const std::vector<row_image>& rows) {
        if (core_ == nullptr) return over();
        if (rows.empty()) return {};
        auto s = use("INSERT INTO main.syncline_replica_stage(model,\"key\",version,\"row\",contains) VALUES(?1,?2,?3,?4,?5) "
                     "ON CONFLICT(model,\"key\") DO UPDATE SET version=excluded.version,\"row\"=excluded.\"row\",contains=excluded.contains");
        if (!s) return s.error();
        for (const auto& row : rows) {
            bind_row(**s, row);
            if (auto ok = (*s)->run(); !ok) return ok;
        }
        return {};
    }
    [[nodiscard]] result<void> clear_stage() { return change("DELETE FROM main.syncline_replica_stage"); }
    [[nodiscard]] result<std::vector<row_image>> staged(const record_key* after, std::size_t limit) {
        std::vector<row_image> out;
        auto done = each("SELECT model,\"key\",version,\"row\",contains FROM main.syncline_replica_stage WHERE (model,\"key\")>(?1,?2) "
                         "ORDER BY model,\"key\" LIMIT ?3",
                         [&](sqlite_statement& s) { bind_after(s, after).bind(3, limit_of(limit)); },
                         [&](const sqlite_statement& s) { return read_onto(out, row_of(s)); });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<std::vector<record_key>> unstaged(const record_key* after, std::size_t limit) {
        return keys("SELECT model,\"key\" FROM main.syncline_replica_base AS b WHERE (model,\"key\")>(?1,?2) AND NOT EXISTS(SELECT 1 FROM "
                    "main.syncline_replica_stage AS s WHERE s.model=b.model AND s.\"key\"=b.\"key\") ORDER BY model,\"key\" LIMIT ?3",
                    [&](sqlite_statement& s) { bind_after(s, after).bind(3, limit_of(limit)); });
    }

    [[nodiscard]] result<replica_presence> presence() {
        replica_presence out;
        auto done = each("SELECT EXISTS(SELECT 1 FROM main.syncline_replica_open),EXISTS(SELECT 1 FROM main.syncline_replica_frozen),"
                         "EXISTS(SELECT 1 FROM main.syncline_replica_quarantine),EXISTS(SELECT 1 FROM main.syncline_replica_unread)",
                         [](sqlite_statement&) {},
                         [&](const sqlite_statement& s) -> result<void> {
                             out = {s.column_integer(0) != 0, s.column_integer(1) != 0, s.column_integer(2) != 0, s.column_integer(3) != 0};
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<replica_counts> counts() {
        replica_counts out;
        auto done = each("SELECT (SELECT count(*) FROM main.syncline_replica_open WHERE waiting=0),(SELECT count(*) FROM main.syncline_replica_open "
                         "WHERE waiting=1),(SELECT count(*) FROM main.syncline_replica_frozen),(SELECT count(*) FROM main.syncline_replica_quarantine),"
                         "(SELECT count(*) FROM main.syncline_replica_unread),(SELECT count(*) FROM main.syncline_replica_lost)",
                         [](sqlite_statement&) {},
                         [&](const sqlite_statement& s) -> result<void> {
                             const auto n = [&](int at) { return static_cast<std::uint64_t>(s.column_integer(at)); };
                             out = {n(0), n(1), n(2), n(3), n(4), n(5)};
                             return {};
                         });
        if (!done) return done.error();
        return out;
    }

    [[nodiscard]] result<void> commit() {
        if (core_ == nullptr) return over();
        return std::exchange(core_, nullptr)->commit();
    }

private:
    friend class sqlite_replica_store;
    explicit transaction(sqlite_replica_connection& core) : sqlite_replica_statements(core) {}
    std::optional<bool> awaits_;  // a picture, as the state was last read or written in this transaction
};

inline result<sqlite_replica_store::transaction> sqlite_replica_store::begin() {
    if (auto ok = core_->begin(); !ok) return ok.error();
    return transaction{*core_};
}

SYNCLINE_NAMESPACE_END

#endif
