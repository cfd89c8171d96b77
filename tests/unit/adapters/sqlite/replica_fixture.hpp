#ifndef SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_REPLICA_FIXTURE_HPP
#define SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_REPLICA_FIXTURE_HPP

// What the tests of the SQLite replica share: an app's own connection, and a device whose engine works on the app's file.

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"
#include "support/store_contract.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace replica_fixture {

using namespace syncline;
using store_contract::must;

/// A connection of the app's.
inline sqlite_database connect(const std::string& path) {
    auto db = must(sqlite_database::open(path, {true, std::chrono::milliseconds{0}}));
    must(db.execute("PRAGMA synchronous=OFF"));
    return db;
}

inline sqlite_replica_options quick() {
    sqlite_replica_options o;
    o.busy_timeout = std::chrono::milliseconds{0};
    return o;
}

/// A store whose transactions know the time, as under an engine: it is always @p at.
class told_store {
public:
    using transaction = sqlite_replica_store::transaction;
    told_store(sqlite_replica_store in, timestamp at) : in_(std::move(in)), at_(at) {}
    [[nodiscard]] const schema_set& schemas() const { return in_.schemas(); }
    [[nodiscard]] result<transaction> begin() {
        auto t = in_.begin();
        if (t) t->tell_time(at_);
        return t;
    }

private:
    sqlite_replica_store in_;
    timestamp at_;
};

/// An app with a file, and a device over it; the app's SQL runs on a connection of its own.
class device {
public:
    explicit device(const std::string& tables) : app(connect(dir.file())) { must(app.execute(tables)); }

    /// Starts the program's sync over the tables called @p names, as they are now.
    void open(const std::vector<std::string>& names) {
        engine_.reset();
        store_.reset();
        store_.emplace(must(sqlite_replica_store::open(dir.file(), names, quick())));
        start();
    }
    void open(const std::vector<model_schema>& models) {
        engine_.reset();
        store_.reset();
        store_.emplace(must(sqlite_replica_store::open(dir.file(), models, quick())));
        start();
    }
    void close() {
        engine_.reset();
        store_.reset();
    }
    void sql(const std::string& text) { must(app.execute(text)); }
    std::string ask(const std::string& text) { return must(app.query_text(text)); }

    replica<sqlite_replica_store>& engine() { return *engine_; }
    sqlite_replica_store& store() { return *store_; }
    std::size_t absorb() { return must(engine_->absorb(now)); }
    replica_status status() { return must(engine_->status(now)); }
    apply_report take(std::vector<row_image> rows) {
        page p;
        p.from = status().state.checkpoint;
        p.next = p.from + 1;
        p.rows = std::move(rows);
        return must(engine_->apply(p, now));
    }
    /// Fetches the whole state anew: what the authority has is @p rows.
    apply_report hydrate(const std::vector<row_image>& rows) {
        constexpr std::int64_t seq = 1'000'000;
        return must(engine_->stage("session", 0, 1, seq, rows, seq, now));
    }
    /// The edits that the app has made since they were last taken.
    std::vector<captured_edit> edits() {
        auto t = must(store_->begin());
        auto out = must(t.take_captured());
        must(t.commit());
        return out;
    }
    std::optional<record> row(const record_key& key) {
        auto t = must(store_->begin());
        return must(t.visible(key));
    }
    std::optional<intent> open_intent(const record_key& key) {
        auto t = must(store_->begin());
        return must(t.open_intent(key));
    }
    base_row base(const record_key& key) {
        auto t = must(store_->begin());
        return must(t.base(key));
    }

    scratch_folder dir;
    sqlite_database app;
    seeded_random random{1};
    timestamp now = from_microseconds(1000);

private:
    void start() {
        engine_.emplace(*store_);
        must(engine_->open(random, now));
    }

    std::optional<sqlite_replica_store> store_;
    std::optional<replica<sqlite_replica_store>> engine_;
};

/// The models of @p tables with their sync keys beside the primary keys.
inline std::vector<model_schema> with_tether_id(device& d, const std::vector<std::string>& tables, const app_times& times = {}) {
    std::vector<model_schema> out;
    for (const auto& t : tables) out.push_back(must(read_model_schema(d.app, t, times, "tether_id")));
    return out;
}

/// A row of texts; an empty one is null.
inline record texts(const std::vector<std::string>& fields) {
    record out;
    for (const auto& f : fields) out.fields.push_back(f.empty() ? value{} : value::text(f));
    return out;
}

}  // namespace replica_fixture

#endif
