#ifndef SYNCLINE_EXAMPLES_SERVER_RETENTION_HPP
#define SYNCLINE_EXAMPLES_SERVER_RETENTION_HPP

// Forgets, now and then, what no live device needs any more.

#include "configuration.hpp"
#include "log.hpp"

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/authority_types.hpp>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

class retention {
public:
    /// Begins at once on a thread of its own, unless @p often says never. Does not stand in the way of requests for longer than one tenant takes.
    /// @param store  outlives this object
    retention(syncline::sqlite_authority_store& store, syncline::authority_options rules, std::string database, retention_configuration often, log_lines& lines);
    retention(const retention&) = delete;
    retention& operator=(const retention&) = delete;
    /// Waits for the tenant that it is at.
    ~retention();

private:
    void run();
    void round();
    [[nodiscard]] bool stopped() const;

    // Of its own: the server's belongs to the requests.
    syncline::authority<syncline::sqlite_authority_store> engine_;
    std::string database_;
    retention_configuration often_;
    log_lines& log_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool stop_ = false;
    std::thread thread_;
};

#endif
