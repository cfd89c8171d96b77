#ifndef SYNCLINE_STORAGE_REPLICA_STORE_HPP
#define SYNCLINE_STORAGE_REPLICA_STORE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What the app did to one record since captured changes were last taken, folded to its net effect.
struct captured_edit {
    record_key key;
    std::optional<record> before;  ///< the row before the first change; nothing: there was none
    std::optional<record> after;   ///< the visible row when it was taken; nothing: there is none
    bool recreated = false;        ///< it was there, was erased, and is there again: all fields count as set
    field_set unseen{};            ///< fields that the program knows, and did not when the device's rows came (S7)
};

/// A row that a trigger of the app changed under a write of ours.
struct diverted_row {
    record_key key;
    std::optional<record> should_be;  ///< what this transaction wrote, or what stood there before the write that set the trigger off

    friend bool operator==(const diverted_row&, const diverted_row&) = default;
};

/// What an acknowledged base was made on, while the authority's own row is awaited (ENGINE.md rule 3).
struct provisional_base {
    std::int64_t row_version = 0;
    mutation_id after;

    friend bool operator==(const provisional_base&, const provisional_base&) = default;
};

/// The authority's last known row of one record, as the replica keeps it.
struct base_row {
    std::int64_t version = 0;  ///< 0: the record was never seen from the authority
    /// True: `image` is the base row (nothing: the record is gone). False: the base row is the visible row; that holds
    /// exactly while no layer lies over it and it is not hidden.
    bool image_kept = false;
    std::optional<record> image;
    std::optional<provisional_base> provisional;
    /// `version` was given in a timeline that a restore of the authority undid: any row of the authority replaces it (ENGINE.md rule 10).
    bool lost = false;
    /// The record has left the device's view while a layer lay over it: nothing is known of it, and no layer is shown but what the user
    /// created. Any row of the authority replaces it.
    bool out_of_view = false;

    friend bool operator==(const base_row&, const base_row&) = default;
};

/// A row that could not be applied: kept, visible to the app's author, and tried again.
struct quarantined_row {
    row_image image;
    wait_reason why;
};

/// Whether @p code refuses the one row that was written (S6), so that others can go on.
[[nodiscard]] constexpr bool refuses_row(errc code) noexcept {
    return code == errc::constraint || code == errc::unsupported || code == errc::invalid_key;
}

/// Where an open intent stands in the order of sending: ascending `send_class`, then ascending `ordinal`.
struct send_position {
    std::int32_t send_class = (std::numeric_limits<std::int32_t>::min)();
    std::uint64_t ordinal = 0;

    friend auto operator<=>(const send_position&, const send_position&) = default;
};

/// How a device stands to its account on the bundle wire.
enum class scope_attachment : std::uint8_t {
    anonymous,     ///< no server was asked yet: what is here belongs to nobody
    attached,      ///< a server let it in
    reconnecting,  ///< one did, and later said that it knows nothing of the account: asks again, and keeps everything
};

/// The replica's few durable scalars.
struct replica_state {
    std::string source_id;                   ///< empty until the replica is opened for the first time
    std::int64_t next_source_bundle_id = 1;
    std::uint64_t next_ordinal = 1;
    std::uint64_t next_batch_id = 1;
    cursor checkpoint = 0;
    std::string epoch;                       ///< the authority's incarnation, once known
    std::string account;                     ///< whose data this is, as the authority names it; empty: not known yet
    bool needs_hydration = false;
    std::string hydration_session;           ///< the session or walk being staged; empty: none
    std::int64_t hydration_position = 0;     ///< ordinal (bundle wire) or cursor (mutation wire) reached in it
    std::int64_t last_sync_us = 0;           ///< end of the last whole sync that ended well, microseconds; 0: never
    std::int64_t last_run_us = 0;            ///< end of the last push, pull or sync, whatever became of it, microseconds; 0: never
    scope_attachment attachment = scope_attachment::anonymous;  ///< bundle wire; the mutation wire has no such thing
    std::string user;                        ///< whose data this is, as the host names it; empty: the host does not
    std::string initialization_id;           ///< the right to fill the account, until that is acknowledged; empty: none
    std::string replaced_source;             ///< the source before this one, of which the authority is to be told; empty: none
    std::string replacement_reason;          ///< and why it was replaced
    std::uint64_t give_up_below = 0;         ///< anonymous changes of an ordinal below are given up when the picture is swapped in; 0: none
    std::int64_t clock_us = 0;               ///< the device's hybrid clock, microseconds: every later edit is timed after it

    friend bool operator==(const replica_state&, const replica_state&) = default;
};

/// How much lies where, for `status()`.
struct replica_counts {
    std::uint64_t open = 0;         ///< open intents that will go out by themselves
    std::uint64_t waiting = 0;      ///< open intents that wait for a person
    std::uint64_t frozen = 0;       ///< items of the batch in flight
    std::uint64_t quarantined = 0;  ///< rows that could not be applied
    std::uint64_t unread = 0;       ///< rows that could not even be read
    std::uint64_t lost = 0;         ///< rows that a restore of the authority took away or changed back, not dismissed yet
};

/// What `replica_counts` counts, without counting: whether anything is there.
struct replica_presence {
    bool intents = false;      ///< open ones, whether they wait or not
    bool frozen = false;
    bool quarantined = false;
    bool unread = false;

    friend bool operator==(const replica_presence&, const replica_presence&) = default;
};

/// One transaction of a replica's store.
///
/// Semantic requirements, cited by number in the conformance kit:
/// - S1  Everything done in a transaction becomes durable by `commit()` as one, or not at all: a transaction that is
///       destroyed, or whose process dies, never happened. After a failed `commit()` it never happened either.
/// - S2  A transaction sees its own writes, and no other writer writes while it is open.
/// - S3  `write` and `erase` change the app's own table and are not captured; they run no foreign-key actions. Rows that the
///       app's triggers changed on the way, in whatever table of a model, are named by `take_diverted`.
/// - S4  `take_captured` gives each record that the app changed since it was last taken, once, whatever SQL or process
///       did it, in the order of their first changes; the entries are gone when the transaction commits. A record whose changes
///       came to nothing may be left out.
/// - S5  `ready_intents` and `frozen_items` are ordered as documented; ties do not occur.
/// - S6  A write that the app's table refuses (unique, check, not null) is `errc::constraint`, names the constraint, and
///       leaves the transaction usable with that write undone. So does one of a value that the column could not give back
///       (`errc::unsupported`) and of a key that is not of its column's form (`errc::invalid_key`).
/// - S7  A store that finds the app's program knowing fields which it did not know before asks for the state anew (`replica_state::needs_hydration`)
///       unless it has never pulled, and names those fields as `unseen` with every edit until that is put false; of a record that the app made
///       only those which have the value that nobody has set. That value stands in every row and image that is kept, and in the changes of a
///       creation; open and frozen layers are otherwise as they were, and name the fields too (`intent::unseen`). What is half staged is dropped.
///       Where nothing was pulled, the model's bases become provisional, each on its version: every row comes by itself then, and counts as news.
///
/// | expression | returns | meaning |
/// |---|---|---|
/// | `t.take_captured()` | `result<std::vector<captured_edit>>` | S4 |
/// | `t.take_diverted()` | `result<std::vector<diverted_row>>` | rows that app triggers changed under our writes in this transaction, since it was last taken |
/// | `t.visible(k)` | `result<std::optional<record>>` | the row in the app's table |
/// | `t.write(k, r)` / `t.erase(k)` | `result<void>` | insert or replace / delete that row; deleting an absent row is fine |
/// | `t.base(k)` | `result<base_row>` | default-constructed where nothing is known |
/// | `t.put_base(k, b)` | `result<void>` | version 0 without image, provisional mark and `out_of_view` forgets the key, whatever `image_kept` says |
/// | `t.open_intent(k)` | `result<std::optional<intent>>` | the open layer |
/// | `t.put_open(i, send_class)` / `t.drop_open(k)` | `result<void>` | at most one per record |
/// | `t.ready_intents(after, n)` | `result<std::vector<std::pair<send_position, intent>>>` | not waiting, after that position, at most n |
/// | `t.waiting_intents(n)` | `result<std::vector<intent>>` | waiting, by ordinal |
/// | `t.current_batch()` | `result<std::optional<batch>>` | at most one |
/// | `t.put_batch(b)` / `t.drop_batch()` | `result<void>` | dropping drops its items too |
/// | `t.frozen(k)` | `result<std::optional<batch_item>>` | the frozen layer |
/// | `t.put_frozen(item)` / `t.drop_frozen(k)` | `result<void>` | at most one per record |
/// | `t.frozen_items(from, n)` | `result<std::vector<batch_item>>` | by position, from that position on |
/// | `t.set_hidden(k, bool)` / `t.hidden()` | `result<void>` / `result<std::vector<record_key>>` | rows kept from view: under a parent that a pending intent erases, or that is absent by newer knowledge |
/// | `t.quarantine(q)` / `t.release(k)` / `t.quarantined(n)` | `result<void>` / `result<void>` / `result<std::vector<quarantined_row>>` | |
/// | `t.put_unread(u)` / `t.drop_unread(name)` | `result<void>` | rows that could not be read, by their names; the same name again replaces |
/// | `t.find_unread(name)` | `result<std::optional<unread_row>>` | |
/// | `t.unread(after, n)` | `result<std::vector<unread_row>>` | in one order of their names that never changes (by octets; a database in UTF-16 has its own), after that name (nullptr: from the first), at most n |
/// | `t.bases_within(low, high, after, n)` | `result<std::vector<record_key>>` | keys whose base version is above low and below high, in key order after that key (nullptr: from the first), at most n |
/// | `t.put_lost(row)` / `t.drop_lost(k)` | `result<void>` | the last image of a record that a restore of the authority took away; one per record, the newest stays |
/// | `t.lost_rows(n)` | `result<std::vector<row_image>>` | by key |
/// | `t.state()` / `t.put_state(s)` | `result<replica_state>` / `result<void>` | |
/// | `t.stage(rows)` / `t.clear_stage()` | `result<void>` | hydration: rows staged beside the tables; the same key again replaces |
/// | `t.staged(after, n)` | `result<std::vector<row_image>>` | staged rows in key order after that key (nullptr: from the first) |
/// | `t.unstaged(after, n)` | `result<std::vector<record_key>>` | keys with a base that were not staged, in key order |
/// | `t.presence()` | `result<replica_presence>` | in constant time: every transaction of a replica asks |
/// | `t.counts()` | `result<replica_counts>` | may take time linear in what is counted |
/// | `t.commit()` | `result<void>` | S1; afterwards the transaction is over |
///
/// Any function may also return `errc::io_error`, `storage_full` or `busy`; the transaction is then to be dropped.
template <class T>
concept replica_transaction = std::move_constructible<T> &&
    requires(T t, const record_key& k, const record_key* after, const record& r, const base_row& b, const intent& i,
             std::int32_t send_class, send_position position, std::size_t n, const batch& bt, const batch_item& item,
             std::uint32_t from, std::int64_t version, bool flag, const row_image& row, const quarantined_row& q,
             const unread_row& u, const unread_name& name, const unread_name* after_name, const replica_state& s,
             const std::vector<row_image>& rows) {
        { t.take_captured() } -> std::same_as<result<std::vector<captured_edit>>>;
        { t.take_diverted() } -> std::same_as<result<std::vector<diverted_row>>>;
        { t.visible(k) } -> std::same_as<result<std::optional<record>>>;
        { t.write(k, r) } -> std::same_as<result<void>>;
        { t.erase(k) } -> std::same_as<result<void>>;
        { t.base(k) } -> std::same_as<result<base_row>>;
        { t.put_base(k, b) } -> std::same_as<result<void>>;
        { t.open_intent(k) } -> std::same_as<result<std::optional<intent>>>;
        { t.put_open(i, send_class) } -> std::same_as<result<void>>;
        { t.drop_open(k) } -> std::same_as<result<void>>;
        { t.ready_intents(position, n) } -> std::same_as<result<std::vector<std::pair<send_position, intent>>>>;
        { t.waiting_intents(n) } -> std::same_as<result<std::vector<intent>>>;
        { t.current_batch() } -> std::same_as<result<std::optional<batch>>>;
        { t.put_batch(bt) } -> std::same_as<result<void>>;
        { t.drop_batch() } -> std::same_as<result<void>>;
        { t.frozen(k) } -> std::same_as<result<std::optional<batch_item>>>;
        { t.put_frozen(item) } -> std::same_as<result<void>>;
        { t.drop_frozen(k) } -> std::same_as<result<void>>;
        { t.frozen_items(from, n) } -> std::same_as<result<std::vector<batch_item>>>;
        { t.set_hidden(k, flag) } -> std::same_as<result<void>>;
        { t.hidden() } -> std::same_as<result<std::vector<record_key>>>;
        { t.quarantine(q) } -> std::same_as<result<void>>;
        { t.release(k) } -> std::same_as<result<void>>;
        { t.quarantined(n) } -> std::same_as<result<std::vector<quarantined_row>>>;
        { t.put_unread(u) } -> std::same_as<result<void>>;
        { t.drop_unread(name) } -> std::same_as<result<void>>;
        { t.find_unread(name) } -> std::same_as<result<std::optional<unread_row>>>;
        { t.unread(after_name, n) } -> std::same_as<result<std::vector<unread_row>>>;
        { t.bases_within(version, version, after, n) } -> std::same_as<result<std::vector<record_key>>>;
        { t.put_lost(row) } -> std::same_as<result<void>>;
        { t.drop_lost(k) } -> std::same_as<result<void>>;
        { t.lost_rows(n) } -> std::same_as<result<std::vector<row_image>>>;
        { t.state() } -> std::same_as<result<replica_state>>;
        { t.put_state(s) } -> std::same_as<result<void>>;
        { t.stage(rows) } -> std::same_as<result<void>>;
        { t.clear_stage() } -> std::same_as<result<void>>;
        { t.staged(after, n) } -> std::same_as<result<std::vector<row_image>>>;
        { t.unstaged(after, n) } -> std::same_as<result<std::vector<record_key>>>;
        { t.presence() } -> std::same_as<result<replica_presence>>;
        { t.counts() } -> std::same_as<result<replica_counts>>;
        { t.commit() } -> std::same_as<result<void>>;
    };

/// The device's storage: a class with `schemas()`, and `begin()` that opens a write transaction.
///
/// `begin()` refuses with `errc::busy` when another writer holds the store, and with `errc::bug` when a transaction of
/// this object is open already. One object is used by one thread at a time; different objects are independent.
template <class S>
concept replica_store = requires(S s, const S cs) {
    { cs.schemas() } -> std::same_as<const schema_set&>;
    { s.begin() } -> std::same_as<result<typename S::transaction>>;
    requires replica_transaction<typename S::transaction>;
};

SYNCLINE_NAMESPACE_END

#endif
