#ifndef SYNCLINE_WIRE_BUNDLE_CLIENT_RUN_HPP
#define SYNCLINE_WIRE_BUNDLE_CLIENT_RUN_HPP

#include <syncline/change/backoff.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/bundle/rows.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/incarnation.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// What becomes of changes that were made before anybody signed in, when the account that the device joins has data already. Where the account is
/// new, they are what it begins with.
enum class anonymous_rows : std::uint8_t {
    merge,  ///< they stay, over the account's rows, and are sent
    drop,   ///< they are given up when the account's rows come in, and named in the report (`sync_result::given_up`)
};

/// How a client of the bundle wire is set up.
struct bundle_client_options {
    std::string prefix = "/sync";
    std::string schema_name = "public";       ///< the schema that the models' tables are in, on the wire
    anonymous_rows anonymous = anonymous_rows::merge;
    /// Who is signed in, as the host names that person; kept with the data, and a run under another name does nothing and ends with
    /// `errc::other_account`. A Syncline server tells it by itself; for others set it here. Empty: nobody compares.
    std::string user;
    std::size_t batch_rows = 1000;            ///< rows of one bundle
    std::size_t chunk_rows = 1000;            ///< rows of one upload request
    std::size_t committed_page_rows = 1000;   ///< rows of one page of committed rows
    std::size_t page_bundles = 1000;          ///< bundles of one page of a pull
    std::size_t snapshot_page_rows = 1000;    ///< rows of one page of a snapshot
    std::size_t max_conflict_rounds = 5;      ///< in a row, without a commit, that only met records anew; then the push ends and everything is kept
    std::size_t max_set_aside = 3;            ///< in a row: a server that fails on that many rows, each alone, may be at fault itself
    std::size_t max_session_restarts = 5;     ///< in one run: push or snapshot sessions that were gone
    std::size_t max_requests = 100'000;       ///< of one run: a guard against a server that never comes to an end
    backoff_policy backoff_after_failure;
    json_limits json{64u << 20};              ///< bounds of an answer's body
};

namespace bundle_wire {

/// Where a run of a client stands.
enum class client_phase : std::uint8_t { connect, push, pull, hydrate, finish, done };

/// What a client waits for an answer to.
enum class client_asked : std::uint8_t { nothing, connect, create, chunk, commit, drop_session, rows, pull, make_snapshot, page, drop_snapshot };

/// Whether @p code says that a push or snapshot session is there no longer.
[[nodiscard]] constexpr bool is_gone(errc code) noexcept { return code == errc::session_gone || code == errc::session_expired; }

/// What the parts of one client share in one run: the device, the request under way, and the report. Each part asks for what it needs next
/// and takes in the answers to that; the phase tells whose turn it is.
template <class Replica>
struct client_run {
    Replica* engine;
    bundle_client_options options;
    table_names names;
    syncline::backoff backoff;
    sync_mode mode = sync_mode::push_then_pull;
    client_phase phase = client_phase::done;
    client_phase first = client_phase::push;  ///< once the device is in the account
    client_phase after_hydration = client_phase::pull;
    sync_result report;
    std::uint64_t last_token = 0;
    std::uint64_t awaiting = 0;
    client_asked asked = client_asked::nothing;
    std::optional<timestamp> ready_at;
    std::size_t requests = 0;
    std::string source;
    std::string epoch;
    std::string account;  ///< whose data the device holds, as far as it knows
    cursor target = 0;  ///< the bundle that the pull ends with; 0: the server says
    bool new_epoch = false;  ///< this run met a new incarnation of the data
    std::string refused_code;  ///< of the answer that is taken in
    std::optional<std::int64_t> refused_ordinal;
    std::string replaced_by;  ///< and the source that it says took the place of this one

    client_run(Replica& device, bundle_client_options how)
        : engine(&device), options(std::move(how)), names(engine->schemas(), options.schema_name), backoff(options.backoff_after_failure) {}

    void begin(sync_mode how) {
        mode = how;
        phase = client_phase::connect;
        first = how == sync_mode::connect_only ? client_phase::finish : how == sync_mode::pull_only ? client_phase::pull : client_phase::push;
        after_hydration = first;
        report = {};
        asked = client_asked::nothing;
        awaiting = 0;
        ready_at.reset();
        requests = 0;
        backoff.succeeded();
        target = 0;
        new_epoch = false;
    }

    void end(fault why) {
        if (!report.why) report.why = std::move(why);
        phase = client_phase::finish;
    }

    /// Where the device stands; remembers who it says that it is.
    [[nodiscard]] result<replica_standing> look(timestamp now) {
        auto standing = engine->standing(now);
        if (!standing) return standing;
        source = standing->state.source_id;
        epoch = standing->state.epoch;
        account = standing->state.account;
        return standing;
    }

    /// @param as  the source that asks; empty: the device's own
    [[nodiscard]] client_step send(client_asked what, http_method method, std::string path, std::string body = {}, const std::string& as = {}) {
        send_step step;
        awaiting = step.token = ++last_token;
        asked = what;
        ++requests;
        step.what.method = method;
        step.what.path = std::string{options.prefix}.append(path);
        step.what.headers = {{"Accept", "application/json"}, {"Oversync-Source-ID", as.empty() ? source : as}};
        if (!epoch.empty()) step.what.headers.push_back({std::string{epoch_header}, percent_encode(epoch)});
        if (!account.empty()) step.what.headers.push_back({std::string{account_header}, account});
        if (method == http_method::post) step.what.headers.push_back({"Content-Type", "application/json"});
        step.what.body = std::move(body);
        return step;
    }

    [[nodiscard]] result<bool> note_epoch(const told_incarnation& of, timestamp now, random_source random) {
        auto changed = engine->note_epoch(of.epoch, of.lost, random, now);
        if (changed && *changed) new_epoch = true;
        return changed;
    }

    /// Waits for the same request's next turn. @return false: there were enough
    [[nodiscard]] bool try_again(std::optional<duration> asked_for, timestamp now, random_source random) {
        auto again = backoff.failed(now, random, asked_for);
        if (!again) return false;
        ready_at = again;
        ++report.retried;
        return true;
    }

    [[nodiscard]] static bool halve(std::size_t& limit, std::size_t used) {
        if (used < 2) return false;
        limit = used / 2;
        return true;
    }
};

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
