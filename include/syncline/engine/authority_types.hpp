#ifndef SYNCLINE_ENGINE_AUTHORITY_TYPES_HPP
#define SYNCLINE_ENGINE_AUTHORITY_TYPES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Who asks: the principal as the host's authenticator named it, the tenant it belongs to, and the device that writes.
struct caller {
    std::string tenant;
    std::string principal;
    std::string source;  ///< the mutation wire's `client_id`, the bundle wire's source id
};

/// A change that is about to be written, for the host's validator.
struct proposed_change {
    const caller& who;
    const model_schema& schema;
    const record_key& key;
    operation op;
    const record* before;  ///< the current row; nullptr: there is none
    const record* after;   ///< the row that would be written; nullptr: it would be erased
};

/// Why the host refuses a change. A code of category `retry` or `report_bug` says nothing of the change but that the host failed on it: an error that
/// leaves no receipt, so that the change is sent again and is decided once that is mended.
struct rejection {
    wait_reason why;
    std::vector<field_message> messages;
};

/// Whether @p code is a failure of the host or its store, and decides nothing about the change that met it.
[[nodiscard]] constexpr bool decides_nothing(errc code) noexcept {
    return category_of(code) == fault_category::retry || category_of(code) == fault_category::report_bug;
}

/// Checks a change against the host's rules, after the decision and before anything is written. Nothing: it is fine.
using validator = std::function<std::optional<rejection>(const proposed_change&)>;

/// Shapes an incoming mutation before it is decided, or rejects it. It may change operation and fields, not the id.
using mutation_mapper = std::function<std::optional<rejection>(const caller&, mutation&)>;

/// How an authority is set up. Callables are called inside the store's transaction and must not touch the store.
struct authority_options {
    resolver_set resolvers{};
    mutation_mapper mapper;      ///< empty: none
    validator validate;          ///< empty: everything is allowed
    scope_rules scopes{};        ///< who sees what inside a tenant; without buckets everybody sees everything
    std::size_t max_rows_per_page = 5000;
    std::chrono::seconds session_ttl{900};   ///< push and snapshot sessions
    std::chrono::seconds initialization_lease_ttl{900};  ///< how long a device has the right to fill an account that nobody has filled
    std::size_t max_push_sessions = 64;      ///< open at once, per principal; 0: any number
    std::size_t max_snapshot_sessions = 16;  ///< open at once, per principal, each a copy of the tenant's rows; 0: any number
    /// How many of the newest bundles are kept; older ones are forgotten after commits, as far as every live device has received them, a few
    /// with each. 0, the default: all of them, until the host calls `retain`.
    std::int64_t retained_bundles = 0;
    std::size_t retention_batch = 100;       ///< how many bundles are forgotten after one commit at most
    std::chrono::hours source_ttl{180 * 24}; ///< how long after its last cursor a device counts as live: history is kept for it
    /// How far ahead of this authority's clock the time of a change is believed; what claims to be later counts as made then. None by
    /// default: a change was made before it arrived, so with clocks that agree nothing is cut, and a device whose clock runs ahead wins no
    /// `last_write_wins` by it. Give some where the authority's own clock is the worse one.
    duration max_clock_drift{0};
};

/// The answer to a push: an outcome for every mutation, in the order they were sent.
struct push_answer {
    std::vector<outcome> outcomes;
    std::int64_t head_seq = 0;
    cursor head_stamp = 0;   ///< a device whose checkpoint is older has something to pull
    std::string epoch;
    timestamp newest_write = (timestamp::min)();  ///< no row that the outcomes speak of was written later
    std::int64_t told_whole = 0;  ///< the bundle of this push, where each of its mutations made of its base just what is sealed, or its outcome
                                  ///< carries the row: a caller who had those bases has its own rows of that bundle. 0: not so
};

/// What a pull on the mutation wire asks for.
struct pull_query {
    cursor from = 0;                        ///< 0: everything
    std::size_t limit = 1000;
    std::optional<cursor> walk_started;     ///< the head stamp when a walk from 0 began; keeps it valid below the floor
    std::vector<mutation_id> in_flight;     ///< the device's frozen mutations: rows that contain one say so
    std::vector<record_key> again;          ///< records that the device could not read: their current rows are added to the page
    bool legacy = false;                    ///< the device sends no bases: what it has seen is remembered for it (ENGINE.md rule 9)
    std::optional<cursor> needs{};          ///< history that the device needs beside what comes after `from`
    std::vector<std::int64_t> own{};        ///< bundles of the device's own pushes of which it has what it wrote there (`push_answer::told_whole`):
                                            ///< those rows are left out. Not looked at where models have buckets
};

/// A page of the mutation wire and what the device needs to know beside it.
struct pull_answer {
    page rows;
    cursor head_stamp = 0;
    std::string epoch;
    timestamp newest_write = (timestamp::min)();  ///< no row of the page was written later
};

/// How large a chunk of a push session is (bundle wire), in the octets of its wire.
struct upload_size {
    std::uint64_t bytes = 0;  ///< of this chunk
    std::uint64_t most = 0;   ///< of all chunks of the session together; 0: no limit
};

/// The answer to creating a push session (bundle wire).
struct session_answer {
    std::optional<bundle_receipt> already_committed;  ///< the source bundle is known: its receipt
    push_session session;                             ///< otherwise: the new session
};

/// One row that keeps a bundle from committing (bundle wire): the authority never merges there, it tells.
struct commit_obstacle {
    enum class kind : std::uint8_t {
        version_conflict,  ///< the row's version is not the base that was named
        cascade,           ///< an erase would take a live record along that the bundle does not erase
        refused,           ///< a constraint or the host's rules refuse the row
    };
    kind what = kind::version_conflict;
    record_key key;                       ///< the uploaded row
    operation op = operation::update;
    std::int64_t base_version = 0;        ///< as uploaded
    std::int64_t server_version = 0;      ///< of `key`; for a cascade of `victim`
    bool server_deleted = false;
    std::optional<record> server_row;     ///< of `key`; for a cascade of `victim`
    timestamp server_written_at = unknown_time;  ///< of `key`; for a cascade of `victim`; foreign servers do not tell it
    record_key victim;                    ///< cascade: the live record that would go
    std::optional<record> erased_row;     ///< cascade: the row of `key`, which is at the version that was named
    std::optional<wait_reason> why;       ///< refused
};

/// The answer to committing a push session: a receipt, or what stands in the way. Nothing is written in the latter case.
struct commit_answer {
    std::optional<bundle_receipt> committed;
    std::vector<commit_obstacle> obstacles;  ///< in upload order; version conflicts and cascades all, a refusal alone
};

/// When a change was made, as far as the authority believes it: what its conflicts are decided by, and what is stored.
/// @param sealed  the record as it was last sealed: what claims to come after it is taken for that, though the clock has gone back since
[[nodiscard]] inline timestamp believed_time(const authority_options& options, const intent& what, timestamp now,
                                             const std::optional<sealed_row>& sealed) noexcept {
    return clamped_time(what.edited_at, now, options.max_clock_drift, sealed ? sealed->written_at : (timestamp::min)());
}

SYNCLINE_NAMESPACE_END

#endif
