#ifndef SYNCLINE_STORAGE_AUTHORITY_STORE_HPP
#define SYNCLINE_STORAGE_AUTHORITY_STORE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/device_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How a transaction of an authority's store will be used.
enum class access : std::uint8_t {
    write,     ///< holds the tenant's lock
    snapshot,  ///< one consistent read; never waits for writers and never blocks them
};

/// One tenant's newest numbers.
struct authority_head {
    std::int64_t seq = 0;          ///< the newest `bundle_seq`; 0: nothing was sealed yet
    std::int64_t stamp = 0;        ///< the newest stamp
    std::int64_t floor_seq = 0;    ///< bundles up to and including this are gone
    std::int64_t floor_stamp = 0;  ///< the newest stamp among them
    std::string epoch;             ///< this incarnation of the data; never empty
    lost_intervals lost{};         ///< what restoring from backups undid, oldest first

    friend bool operator==(const authority_head&, const authority_head&) = default;
};

/// The number that the next bundle gets.
[[nodiscard]] inline std::int64_t next_bundle_seq(const authority_head& head) noexcept {
    return (std::max)(head.seq + 1, head.lost.empty() ? 0 : head.lost.back().before_seq);
}

/// What the next stamp must be above.
[[nodiscard]] inline std::int64_t newest_stamp(const authority_head& head) noexcept {
    return (std::max)(head.stamp, head.lost.empty() ? 0 : head.lost.back().before_stamp - 1);
}

/// A device that presented a cursor, for retention (ENGINE.md rule 10).
struct source_mark {
    std::string principal;
    std::string source;
    std::optional<std::int64_t> seq;    ///< the `bundle_seq` it presented (bundle wire)
    std::optional<std::int64_t> stamp;  ///< the stamp it presented (mutation wire)
    timestamp seen{};                   ///< when

    friend bool operator==(const source_mark&, const source_mark&) = default;
};

/// One record as it was last sealed.
struct sealed_row {
    std::int64_t version = 0;
    std::int64_t stamp = 0;
    std::optional<record> row;          ///< nothing: a tombstone
    std::int64_t pruned_version = 0;    ///< the newest version of this record whose change is at or below the floor; 0: none
    timestamp written_at{};             ///< of its last change

    friend bool operator==(const sealed_row&, const sealed_row&) = default;
};

/// One change of a record, as far as conflict detection needs it.
struct change_mark {
    std::int64_t version = 0;
    field_set fields;
    mutation_id writer;  ///< empty: a foreign write

    friend bool operator==(const change_mark&, const change_mark&) = default;
};

/// An upload in progress (bundle wire). Sessions are durable; the newest of a (source, source_bundle_id) replaces older ones.
struct push_session {
    std::string id;
    std::string principal;
    std::string source;
    std::int64_t source_bundle_id = 0;
    std::uint32_t planned_rows = 0;
    std::uint32_t received_rows = 0;
    timestamp expires{};

    friend bool operator==(const push_session&, const push_session&) = default;
};

/// A frozen copy of one tenant's live rows at one `bundle_seq`, for hydration.
struct snapshot_head {
    std::string id;
    std::string principal;
    std::int64_t seq = 0;
    std::int64_t stamp = 0;
    std::uint32_t row_count = 0;
    timestamp expires{};
    timestamp newest_write = (timestamp::min)();  ///< the latest `written_at` of its rows; the earliest time there is: it has none

    friend bool operator==(const snapshot_head&, const snapshot_head&) = default;
};

/// Checks, for a store's `append`, that @p b continues the log that ends at @p before.
/// @return `errc::bug`: its number or stamps do not rise, a version is not its number, its count is not that of its rows, or a record
///         stands twice in it
[[nodiscard]] inline result<void> check_continues(const authority_head& before, const bundle& b) {
    const auto wrong = [&](std::string_view what) {
        return make_fault(errc::bug, "bundle ", std::to_string(b.head.seq), " does not continue the log after ", std::to_string(before.seq), ": ", what);
    };
    if (b.head.seq <= before.seq) return wrong("its number does not rise");
    if (b.head.row_count != b.rows.size()) return wrong("its count is not that of its rows");
    if (!b.rows.empty() && b.head.first_stamp != b.rows.front().stamp) return wrong("its first stamp is not that of its first row");
    std::int64_t stamp = before.stamp;
    std::unordered_set<record_key, record_key_hash> once;
    for (const auto& row : b.rows) {
        if (row.stamp <= stamp) return wrong("its stamps do not rise");
        if (row.version != b.head.seq) return wrong("a version is not its number");
        if (!once.insert(row.key).second) return wrong("a record stands twice in it");
        stamp = row.stamp;
    }
    return {};
}

/// One transaction of an authority's store, for one tenant.
///
/// Semantic requirements, cited by number in the conformance kit:
/// - A1  Everything done in a transaction becomes durable by `commit()` as one, or not at all.
/// - A2  A `write` transaction sees its own writes; no other transaction of the tenant writes while it is open. A `snapshot`
///       transaction sees one committed state, and every writing call on it is `errc::bug`.
/// - A3  `write` and `erase` change the app's own table; its triggers, defaults and foreign-key actions run. Every record that
///       this touched, and every record that anyone else changed by any SQL and committed, is named once by the next
///       `take_staged`. When the store is first attached, rows that the tables held count as changed.
/// - A4  `rollback_to_savepoint` undoes everything since `savepoint`, staged names included, and ends the savepoint, as
///       `release_savepoint` does. Savepoints do not nest.
/// - A5  `append` keeps the bundle for ever until pruned; the last change of every record, tombstones included, outlives pruning.
/// - A6  Nothing of another tenant is ever visible or changed. A key of another tenant looks absent; a write to it is `errc::absent`,
///       an erase finds nothing.
/// - A7  A write that the app's table refuses is `errc::constraint`, names the constraint, and leaves the transaction usable
///       with that write undone.
/// - A8  Once the store's `begin_incarnation` has returned, every tenant's head has the new epoch and one more lost interval, tenants that come
///       later included; all of it is durable as one. Push and snapshot sessions are gone.
///
/// | expression | returns | meaning |
/// |---|---|---|
/// | `t.current(k)` | `result<std::optional<record>>` | the live row of the app's table |
/// | `t.write(k, r)` / `t.erase(k)` | `result<void>` | A3; erasing an absent row is fine |
/// | `t.referencing(k, n)` | `result<std::vector<record_key>>` | live records whose cascading references name k, at most n |
/// | `t.savepoint()` / `t.rollback_to_savepoint()` / `t.release_savepoint()` | `result<void>` | A4 |
/// | `t.take_staged()` | `result<std::vector<record_key>>` | A3: changed and unsealed, in order of first change; then no longer staged |
/// | `t.has_staged()` | `result<bool>` | whether `take_staged` would name anything; cheap, also on a snapshot |
/// | `t.head()` | `result<authority_head>` | |
/// | `t.sealed(k)` | `result<std::optional<sealed_row>>` | nothing: the key was never seen |
/// | `t.append(b)` | `result<void>` | adds a sealed bundle, its changes and the new row states |
/// | `t.changes_of(k, v)` | `result<std::vector<change_mark>>` | changes of k with a version above v that are still kept, ascending: all above the floor, and the last one |
/// | `t.history_of(k)` | `result<std::vector<row_change>>` | the changes of k that are still kept, ascending |
/// | `t.latest_after(c, n)` | `result<std::vector<row_change>>` | the last change of each record whose stamp is above c, by stamp, at most n |
/// | `t.bundle_heads(s, n)` | `result<std::vector<bundle_head>>` | heads of bundles above s, ascending, at most n |
/// | `t.bundle_rows(s, from, n)` | `result<std::vector<row_change>>` | rows of bundle s by ordinal from 0, from that ordinal on |
/// | `t.find_receipt(p, id)` / `t.put_receipt(p, r)` | `result<std::optional<receipt>>` / `result<void>` | key: principal and id |
/// | `t.find_bundle_receipt(src, n)` / `t.put_bundle_receipt(r)` | `result<std::optional<bundle_receipt>>` / `result<void>` | |
/// | `t.last_source_bundle_id(src)` | `result<std::int64_t>` | 0: the source never committed |
/// | `t.put_session(s)` | `result<void>` | creates or updates by id |
/// | `t.find_session(id)` / `t.drop_session(id)` | `result<std::optional<push_session>>` / `result<void>` | dropping drops its mutations |
/// | `t.drop_sessions(src, n)` | `result<void>` | all sessions of that source bundle |
/// | `t.append_session(id, first, ms)` | `result<void>` | stores mutations from ordinal `first` on |
/// | `t.session_mutations(id)` | `result<std::vector<mutation>>` | by ordinal |
/// | `t.make_snapshot(h)` | `result<snapshot_head>` | copies the sealed live rows (no tombstones) under h.id; fills seq, stamp, row_count |
/// | `t.find_snapshot(id)` / `t.drop_snapshot(id)` | `result<std::optional<snapshot_head>>` / `result<void>` | |
/// | `t.renew_snapshot(id, until)` | `result<void>` | its `expires` from now on; one that is not there stays so |
/// | `t.snapshot_rows(id, from, n)` | `result<std::vector<row_image>>` | by (model rank, model, key), from ordinal `from` (0-based) |
/// | `t.put_source(m)` | `result<void>` | creates or replaces, by principal and source |
/// | `t.find_source(p, src)` / `t.drop_source(p, src)` | `result<std::optional<source_mark>>` / `result<void>` | |
/// | `t.sources()` | `result<std::vector<source_mark>>` | by principal, then source |
/// | `t.put_note(p, name, body)` | `result<void>` | keeps octets under a name of the principal; both may hold any octets, and an empty principal is the tenant itself |
/// | `t.find_note(p, name)` | `result<std::optional<std::string>>` | |
/// | `t.notes(p, prefix)` / `t.drop_notes(p, prefix)` | `result<std::vector<std::pair<std::string, std::string>>>` / `result<void>` | those whose name begins with prefix, by name |
/// | `t.prune(s)` | `result<void>` | raises the floor to s, at most to the newest bundle, never down: forgets superseded changes and heads of bundles up to s |
/// | `t.expire(now)` | `result<void>` | drops sessions and snapshots with `expires` before now |
/// | `t.commit()` | `result<void>` | A1; afterwards the transaction is over |
///
/// and what `scoping_transaction` lists, for models with buckets.
template <class T>
concept authority_transaction = std::move_constructible<T> && scoping_transaction<T> &&
    requires(T t, const record_key& k, const record& r, std::size_t n, const bundle& b, std::int64_t number,
             std::uint32_t ordinal, std::string_view name, const mutation_id& id, const receipt& rc,
             const bundle_receipt& br, const push_session& ps, const std::vector<mutation>& ms, const snapshot_head& h,
             const source_mark& mark, timestamp now) {
        { t.current(k) } -> std::same_as<result<std::optional<record>>>;
        { t.write(k, r) } -> std::same_as<result<void>>;
        { t.erase(k) } -> std::same_as<result<void>>;
        { t.referencing(k, n) } -> std::same_as<result<std::vector<record_key>>>;
        { t.savepoint() } -> std::same_as<result<void>>;
        { t.rollback_to_savepoint() } -> std::same_as<result<void>>;
        { t.release_savepoint() } -> std::same_as<result<void>>;
        { t.take_staged() } -> std::same_as<result<std::vector<record_key>>>;
        { t.has_staged() } -> std::same_as<result<bool>>;
        { t.head() } -> std::same_as<result<authority_head>>;
        { t.sealed(k) } -> std::same_as<result<std::optional<sealed_row>>>;
        { t.append(b) } -> std::same_as<result<void>>;
        { t.changes_of(k, number) } -> std::same_as<result<std::vector<change_mark>>>;
        { t.history_of(k) } -> std::same_as<result<std::vector<row_change>>>;
        { t.latest_after(number, n) } -> std::same_as<result<std::vector<row_change>>>;
        { t.bundle_heads(number, n) } -> std::same_as<result<std::vector<bundle_head>>>;
        { t.bundle_rows(number, ordinal, n) } -> std::same_as<result<std::vector<row_change>>>;
        { t.find_receipt(name, id) } -> std::same_as<result<std::optional<receipt>>>;
        { t.put_receipt(name, rc) } -> std::same_as<result<void>>;
        { t.find_bundle_receipt(name, number) } -> std::same_as<result<std::optional<bundle_receipt>>>;
        { t.put_bundle_receipt(br) } -> std::same_as<result<void>>;
        { t.last_source_bundle_id(name) } -> std::same_as<result<std::int64_t>>;
        { t.put_session(ps) } -> std::same_as<result<void>>;
        { t.find_session(name) } -> std::same_as<result<std::optional<push_session>>>;
        { t.drop_session(name) } -> std::same_as<result<void>>;
        { t.drop_sessions(name, number) } -> std::same_as<result<void>>;
        { t.append_session(name, ordinal, ms) } -> std::same_as<result<void>>;
        { t.session_mutations(name) } -> std::same_as<result<std::vector<mutation>>>;
        { t.make_snapshot(h) } -> std::same_as<result<snapshot_head>>;
        { t.find_snapshot(name) } -> std::same_as<result<std::optional<snapshot_head>>>;
        { t.drop_snapshot(name) } -> std::same_as<result<void>>;
        { t.renew_snapshot(name, now) } -> std::same_as<result<void>>;
        { t.snapshot_rows(name, ordinal, n) } -> std::same_as<result<std::vector<row_image>>>;
        { t.put_source(mark) } -> std::same_as<result<void>>;
        { t.find_source(name, name) } -> std::same_as<result<std::optional<source_mark>>>;
        { t.drop_source(name, name) } -> std::same_as<result<void>>;
        { t.sources() } -> std::same_as<result<std::vector<source_mark>>>;
        { t.put_note(name, name, name) } -> std::same_as<result<void>>;
        { t.find_note(name, name) } -> std::same_as<result<std::optional<std::string>>>;
        { t.notes(name, name) } -> std::same_as<result<std::vector<std::pair<std::string, std::string>>>>;
        { t.drop_notes(name, name) } -> std::same_as<result<void>>;
        { t.prune(number) } -> std::same_as<result<void>>;
        { t.expire(now) } -> std::same_as<result<void>>;
        { t.commit() } -> std::same_as<result<void>>;
    };

/// The server's storage: a class with `schemas()`, `begin(tenant, access)` and `begin_incarnation(epoch, now)`.
///
/// `begin_incarnation` is the operator's step after the data were restored from a backup: the numbers jump to `numbers_after_restore` of the
/// newest ones of all tenants, the first numbers of the incarnation before counted among them. `errc::invalid_argument` for an empty epoch
/// or the current one; `errc::busy` while somebody writes.
///
/// `begin` for `access::write` tries the tenant's lock and never waits for it while holding anything: `errc::busy` when
/// somebody else has it, which the caller answers with a retry (receipts make that safe).
template <class S>
concept authority_store = requires(S s, const S cs, std::string_view tenant, access how, const std::string& epoch, timestamp now) {
    { cs.schemas() } -> std::same_as<const schema_set&>;
    { s.begin(tenant, how) } -> std::same_as<result<typename S::transaction>>;
    { s.begin_incarnation(epoch, now) } -> std::same_as<result<void>>;
    requires authority_transaction<typename S::transaction>;
};

SYNCLINE_NAMESPACE_END

#endif
