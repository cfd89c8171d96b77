#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_WATCHED_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_WATCHED_HPP

// The real stores and engines, each behind a class of its own that writes down what is called while an operation is tried. So it can be told which
// calls no scenario makes. Each list below names every call of its class: the wrappers have no other functions, so a call that a concept of
// storage/ gains does not compile until it stands here, and coverage.test.cpp compares the lists with the headers.

#include "faults/sqlite/calls.hpp"

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/default_values.hpp>
#include <syncline/storage/fenced_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/storage/write_time.hpp>

#include "faults/sqlite/plan.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faults {

using namespace syncline;

/// What was called of one class while operations were tried without faults.
struct calls_seen {
    std::vector<std::string> all;  ///< every call that there is
    std::set<std::string> seen{};

    void note(const char* name) {
        if (plan::current().counts()) seen.insert(name);
    }
};

/// A function of another object, which writes down under its name that it was called. It takes what the function takes, to the letter; only default
/// arguments are to be given.
template <class Watched, class Function>
struct watched_call;
template <class Watched, class Of, class Result, class... Arguments>
struct watched_call<Watched, Result (Of::*)(Arguments...)> {
    Of* of;
    Result (Of::*function)(Arguments...);
    const char* name;
    Result operator()(Arguments... arguments) const {
        Watched::calls().note(name);
        return (of->*function)(std::forward<Arguments>(arguments)...);
    }
};
template <class Watched, class Of, class Result, class... Arguments>
struct watched_call<Watched, Result (Of::*)(Arguments...) noexcept> : watched_call<Watched, Result (Of::*)(Arguments...)> {};
template <class Watched, class Of, class Result, class... Arguments>
struct watched_call<Watched, Result (Of::*)(Arguments...) const> {
    const Of* of;
    Result (Of::*function)(Arguments...) const;
    const char* name;
    Result operator()(Arguments... arguments) const {
        Watched::calls().note(name);
        return (of->*function)(std::forward<Arguments>(arguments)...);
    }
};

// Everything that SQLite is asked by. What a class has besides touches no database.
#define SYNCLINE_FAULTS_REPLICA_TRANSACTION(X)                                                                                                       \
    X(take_captured) X(take_diverted) X(visible) X(write) X(erase) X(base) X(put_base) X(open_intent) X(put_open) X(drop_open) X(ready_intents)      \
    X(waiting_intents) X(current_batch) X(put_batch) X(drop_batch) X(frozen) X(put_frozen) X(drop_frozen) X(frozen_items) X(set_hidden) X(hidden)    \
    X(quarantine) X(release) X(quarantined) X(put_unread) X(drop_unread) X(find_unread) X(unread) X(bases_within) X(put_lost) X(drop_lost)           \
    X(lost_rows) X(state) X(put_state) X(stage) X(clear_stage) X(staged) X(unstaged) X(presence) X(counts) X(commit) X(lease) X(put_lease)           \
    X(tell_time)
#define SYNCLINE_FAULTS_AUTHORITY_TRANSACTION(X)                                                                                                     \
    X(current) X(write) X(erase) X(fill_defaults) X(referencing) X(referring) X(audience_of) X(relabel) X(audiences_since) X(labelled)               \
    X(labelled_by) X(set_labelled_by) X(find_view) X(put_view) X(savepoint) X(rollback_to_savepoint) X(release_savepoint) X(take_staged)             \
    X(has_staged) X(head) X(sealed) X(append) X(changes_of) X(history_of) X(latest_after) X(bundle_heads) X(bundle_rows) X(find_receipt)             \
    X(put_receipt) X(find_bundle_receipt) X(put_bundle_receipt) X(last_source_bundle_id) X(put_session) X(find_session) X(drop_session)              \
    X(drop_sessions) X(append_session) X(session_mutations) X(make_snapshot) X(find_snapshot) X(drop_snapshot) X(renew_snapshot) X(snapshot_rows) X(put_source)        \
    X(find_source) X(drop_source) X(sources) X(put_note) X(find_note) X(notes) X(drop_notes) X(prune) X(expire) X(commit) X(tell_time)
#define SYNCLINE_FAULTS_REPLICA(X)                                                                                                                   \
    X(open) X(absorb) X(standing) X(status) X(freeze) X(freeze_more) X(in_flight) X(settle) X(apply) X(committed) X(replay) X(apply_bundle) X(obstructed)           \
    X(renew_source) X(begin_hydration) X(stage) X(note_epoch) X(note_account) X(connected) X(disconnected) X(replacement_told) X(note_user) X(detach) X(change_account) X(lost_by_restore) X(dismiss_lost) X(note_synced)    \
    X(waiting) X(quarantined) X(unread) X(reread) X(forget_unread) X(retry) X(take_client) X(edit) X(explain) X(discard) X(hear)
#define SYNCLINE_FAULTS_AUTHORITY(X)                                                                                                                 \
    X(seal_foreign) X(push) X(pull) X(connect) X(standing) X(committed_bundle) X(create_session) X(append_chunk) X(commit_session) X(delete_session) X(committed_rows) X(bundles_after)         \
    X(create_snapshot) X(snapshot_page) X(delete_snapshot) X(prune) X(retain) X(begin_incarnation) X(head) X(newest_bundle)
#define SYNCLINE_FAULTS_FENCE(X) X(take) X(renew) X(give_back) X(current)

#define SYNCLINE_FAULTS_NAME(name) #name,
#define SYNCLINE_FAULTS_WATCH(name) watched_call<watched, decltype(&of_type::name)> name{of_.get(), &of_type::name, #name};
/// A transaction of a device's store; it has no functions but those that are listed. (The object itself stays where it is when this one is moved.)
class watched_replica_transaction {
    using watched = watched_replica_transaction;
    using of_type = sqlite_replica_store::transaction;
    std::unique_ptr<of_type> of_;

public:
    explicit watched_replica_transaction(of_type&& t) : of_(std::make_unique<of_type>(std::move(t))) {}
    static calls_seen& calls() {
        static calls_seen only{{SYNCLINE_FAULTS_REPLICA_TRANSACTION(SYNCLINE_FAULTS_NAME)}};
        return only;
    }
    SYNCLINE_FAULTS_REPLICA_TRANSACTION(SYNCLINE_FAULTS_WATCH)
};

/// A transaction of a server's store.
class watched_authority_transaction {
    using watched = watched_authority_transaction;
    using of_type = sqlite_authority_store::transaction;
    std::unique_ptr<of_type> of_;

public:
    explicit watched_authority_transaction(of_type&& t) : of_(std::make_unique<of_type>(std::move(t))) {}
    static calls_seen& calls() {
        static calls_seen only{{SYNCLINE_FAULTS_AUTHORITY_TRANSACTION(SYNCLINE_FAULTS_NAME)}};
        return only;
    }
    SYNCLINE_FAULTS_AUTHORITY_TRANSACTION(SYNCLINE_FAULTS_WATCH)
};

/// A device's store.
class watched_replica_store {
public:
    using transaction = watched_replica_transaction;

    static calls_seen& calls() {
        static calls_seen only{{"open", "uninstall", "suspend_capture", "is_copy", "keep_token", "unsyncable", "begin"}};
        return only;
    }
    template <class Where>
    static result<watched_replica_store> open(Where where, const schema_set& models, const sqlite_replica_options& options) {
        calls().note("open");
        auto store = sqlite_replica_store::open(where, models, options);
        if (!store) return std::move(store).error();
        return watched_replica_store{std::move(*store)};
    }
    static result<void> uninstall(const std::string& path) {
        calls().note("uninstall");
        return sqlite_replica_store::uninstall(path);
    }
    static result<void> suspend_capture(const std::string& path) {
        calls().note("suspend_capture");
        return sqlite_replica_store::suspend_capture(path);
    }
    [[nodiscard]] const schema_set& schemas() const { return store_.schemas(); }
    [[nodiscard]] bool is_copy() const {
        calls().note("is_copy");
        return store_.is_copy();
    }
    result<void> keep_token() {
        calls().note("keep_token");
        return store_.keep_token();
    }
    result<unsyncable_rows> unsyncable(std::size_t limit) {
        calls().note("unsyncable");
        return store_.unsyncable(limit);
    }
    result<transaction> begin() {
        calls().note("begin");
        auto t = store_.begin();
        if (!t) return std::move(t).error();
        return transaction{std::move(*t)};
    }

private:
    explicit watched_replica_store(sqlite_replica_store store) : store_(std::move(store)) {}
    sqlite_replica_store store_;
};
static_assert(syncline::leasing_store<watched_replica_store>);
static_assert(time_noting_transaction<watched_replica_transaction>);

/// A server's store.
class watched_authority_store {
public:
    using transaction = watched_authority_transaction;

    static calls_seen& calls() {
        static calls_seen only{{"open", "begin", "begin_incarnation", "unsyncable", "totals", "data_version", "check_foreign_keys_hold_sync_keys"}};
        return only;
    }
    static result<watched_authority_store> open(const std::string& path, schema_set models, sqlite_authority_options options) {
        calls().note("open");
        auto store = sqlite_authority_store::open(path, std::move(models), std::move(options));
        if (!store) return std::move(store).error();
        return watched_authority_store{std::move(*store)};
    }
    [[nodiscard]] const schema_set& schemas() const { return store_.schemas(); }
    result<transaction> begin(std::string_view tenant, syncline::access how) {
        calls().note("begin");
        auto t = store_.begin(tenant, how);
        if (!t) return std::move(t).error();
        return transaction{std::move(*t)};
    }
    result<void> begin_incarnation(const std::string& epoch, timestamp now) {
        calls().note("begin_incarnation");
        return store_.begin_incarnation(epoch, now);
    }
    result<unsyncable_rows> unsyncable(std::size_t limit) {
        calls().note("unsyncable");
        return store_.unsyncable(limit);
    }
    result<authority_totals> totals() {
        calls().note("totals");
        return store_.totals();
    }
    result<std::int64_t> data_version() {
        calls().note("data_version");
        return store_.data_version();
    }
    result<void> check_foreign_keys_hold_sync_keys() {
        calls().note("check_foreign_keys_hold_sync_keys");
        return store_.check_foreign_keys_hold_sync_keys();
    }

private:
    explicit watched_authority_store(sqlite_authority_store store) : store_(std::move(store)) {}
    sqlite_authority_store store_;
};
static_assert(syncline::authority_store<watched_authority_store>);
static_assert(time_noting_transaction<watched_authority_transaction> && default_filling_transaction<watched_authority_transaction>);

/// A device's engine. @tparam Store  its store, behind a fence or not
template <class Store>
class watched_replica {
    using watched = watched_replica;
    using of_type = replica<Store>;
    std::unique_ptr<of_type> of_;

public:
    explicit watched_replica(Store& store, resolver_set resolvers) : of_(std::make_unique<of_type>(store, std::move(resolvers))) {}
    static calls_seen& calls() {
        static calls_seen only{{SYNCLINE_FAULTS_REPLICA(SYNCLINE_FAULTS_NAME)}};
        return only;
    }
    SYNCLINE_FAULTS_REPLICA(SYNCLINE_FAULTS_WATCH)
};

/// A server's engine.
class watched_authority {
    using watched = watched_authority;
    using of_type = authority<watched_authority_store>;
    std::unique_ptr<of_type> of_;

public:
    watched_authority(watched_authority_store& store, authority_options options) : of_(std::make_unique<of_type>(store, std::move(options))) {}
    static calls_seen& calls() {
        static calls_seen only{{SYNCLINE_FAULTS_AUTHORITY(SYNCLINE_FAULTS_NAME) "write_as"}};
        return only;
    }
    template <class Callback>
    result<bundle_receipt> write_as(const std::string& tenant, const std::string& writer, Callback callback, timestamp now) {
        calls().note("write_as");
        return of_->write_as(tenant, writer, callback, now);
    }
    SYNCLINE_FAULTS_AUTHORITY(SYNCLINE_FAULTS_WATCH)
};

/// A device's store behind a fence.
class watched_fence {
    using watched = watched_fence;
    using of_type = fenced_store<watched_replica_store>;
    std::unique_ptr<of_type> of_;

public:
    explicit watched_fence(watched_replica_store& store) : of_(std::make_unique<of_type>(store)) {}
    static calls_seen& calls() {
        static calls_seen only{{SYNCLINE_FAULTS_FENCE(SYNCLINE_FAULTS_NAME)}};
        return only;
    }
    SYNCLINE_FAULTS_FENCE(SYNCLINE_FAULTS_WATCH)
    /// What an engine works on.
    [[nodiscard]] of_type& store() { return *of_; }
};

#undef SYNCLINE_FAULTS_REPLICA_TRANSACTION
#undef SYNCLINE_FAULTS_AUTHORITY_TRANSACTION
#undef SYNCLINE_FAULTS_REPLICA
#undef SYNCLINE_FAULTS_AUTHORITY
#undef SYNCLINE_FAULTS_FENCE
#undef SYNCLINE_FAULTS_NAME
#undef SYNCLINE_FAULTS_WATCH

}  // namespace faults

#endif
