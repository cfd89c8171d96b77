#include "retention.hpp"

#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/support/system_clock.hpp>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

syncline::result<std::vector<std::string>> tenants_in(const std::string& database) {
    syncline::sqlite_open_options how;
    how.create = false;
    auto db = syncline::sqlite_database::open(database, how);
    if (!db) return std::move(db).error();
    return syncline::sqlite_authority_tenants(*db);
}

}  // namespace

retention::retention(syncline::sqlite_authority_store& store, syncline::authority_options rules, std::string database, retention_configuration often, log_lines& lines)
    : engine_(store, std::move(rules)), database_(std::move(database)), often_(often), log_(lines) {
    if (often_.every_minutes > 0) thread_ = std::thread{[this] { run(); }};
}

retention::~retention() {
    {
        const std::lock_guard lock{mutex_};
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool retention::stopped() const {
    const std::lock_guard lock{mutex_};
    return stop_;
}

void retention::run() {
    while (!stopped()) {
        round();
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, std::chrono::minutes{often_.every_minutes}, [this] { return stop_; });
    }
}

void retention::round() {
    std::int64_t done = 0;
    const auto failed = [this](const syncline::fault& why) {
        log_.line(log_level::warn, "retention_failed", [&](syncline::json_writer& w) {
            w.key("reason");
            w.string(why.detail);
        });
    };
    const auto tenants = tenants_in(database_);
    if (!tenants) return failed(tenants.error());
    for (const auto& tenant : *tenants) {
        if (stopped()) return;
        if (const auto floor = engine_.retain(tenant, often_.keep_bundles, syncline::system_now()); floor) ++done;
        else failed(floor.error());
    }
    log_.line(log_level::info, "retained", [&](syncline::json_writer& w) {
        w.key("tenants");
        w.integer(done);
    });
}
