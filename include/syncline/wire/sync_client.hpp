#ifndef SYNCLINE_WIRE_SYNC_CLIENT_HPP
#define SYNCLINE_WIRE_SYNC_CLIENT_HPP

#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/engine/waiting_explanation.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/fenced_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/sync_listeners.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What a blocking client takes from its surroundings.
struct sync_surroundings {
    std::function<timestamp()> clock;              ///< the time now
    std::function<std::uint64_t()> random;         ///< 64 random bits; unguessable in production
    std::function<void(timestamp)> wait_until;     ///< blocks until then, for back-off
};

/// How a blocking client is set up.
struct sync_client_options {
    /// Takes the lease of the store's data for each sync, so that of all programs on it only one syncs at a time. A held lease makes a
    /// sync `skipped` at once. Off: only syncs of this object exclude each other, and two programs on one file can undo each other's
    /// work. Without effect over a store that keeps no lease.
    bool lock = true;
    /// For how long the lease is taken each time; it is moved on while the sync runs. After a crash the next sync waits for as long at
    /// most.
    duration lease = std::chrono::seconds{60};
    /// Who syncs, in words for a person (a program's name, a process): others see it by `lease_holder` and `holder_name`.
    std::string lease_name;
    sync_listeners listeners;
};

/// A device's whole side in one object: a replica over @p Store, a wire, and a transport; drives them until a sync is over. For other event
/// loops drive a wire's client itself (`client_step`).
///
/// Several threads may call it: a sync that finds another one running is skipped at once, and every other call waits for the store step that is
/// going on, never for the network. The store itself must be touched by nobody else at the same time.
///
/// A sync holds the lease of the data (`sync_lease.hpp`): one whose lease another program took over, since a request took longer than
/// it or a clock jumped, ends with `errc::busy` and changes nothing more. What the app or a person does (`retry`, `discard`, ...) needs no
/// lease.
/// @tparam Store      models `replica_store`; outlives the client
/// @tparam Wire       `mutation_client` or `bundle_client` of `replica<Store>`
/// @tparam Transport  models `transport`
template <replica_store Store, template <class> class Wire, transport Transport>
class sync_client {
public:
    using engine_type = replica<fenced_store<Store>>;
    using wire_type = Wire<engine_type>;

    /// Nothing is touched before the first call.
    template <class Options>
    sync_client(Store& store, Transport transport, Options options, sync_surroundings around, resolver_set resolvers = resolver_set{},
                replica_options device = {}, sync_client_options client = {})
        : store_(store), engine_(store_, std::move(resolvers), device), wire_(engine_, std::move(options)),
          transport_(std::move(transport)), around_(std::move(around)), client_(std::move(client)) {}

    sync_client(const sync_client&) = delete;
    sync_client& operator=(const sync_client&) = delete;

    /// Sends what waits, then takes in what is new.
    /// @return what was settled together with the fault that ended it, if any
    sync_result sync() { return run(sync_mode::push_then_pull); }
    sync_result push() { return run(sync_mode::push_only); }
    sync_result pull() { return run(sync_mode::pull_only); }

    /// Builds the state anew from the authority's picture, now (`rebuild`); changes that wait are kept.
    sync_result hydrate() {
        if (auto r = rebuild(); !r) return failed_with(std::move(r).error());
        return pull();
    }
    /// Lets the device into the account of who is signed in, and nothing more; every sync does so first by itself. On the bundle wire the server
    /// says what the account begins with (sheet `bundle` 1.3); on the mutation wire nothing is sent.
    /// @param user  who is signed in, as the host names that person, for servers that do not tell it (`bundle_client_options::user`); empty: nobody compares
    /// @return `errc::other_account` when the device holds another one's data: `detach` first
    sync_result attach(const std::string& user = {}) {
        if (!user.empty()) {
            const std::lock_guard lock{mutex_};
            auto same = engine_.note_user(user, around_.clock());
            if (!same) return failed_with(std::move(same).error());
            if (!*same) return failed_with(other_account());
        }
        return run(sync_mode::connect_only);
    }
    /// Takes the device out of its account: the account's rows go, out of the app's tables too, and what the app writes from then on belongs to
    /// nobody until somebody signs in.
    /// @param discard  what was not sent, or waits for a person, may go too
    /// @return `errc::unsent` when there is such a change, `errc::busy` when a sync runs; then nothing was changed
    [[nodiscard]] result<void> detach(bool discard = false) {
        if (running_.test_and_set()) return make_fault(errc::busy, "a sync is running; detach when it has ended");
        const release_flag release{running_};
        const std::lock_guard lock{mutex_};
        return engine_.detach(discard, random_source{around_.random}, around_.clock());
    }
    /// Syncs, and takes the device out of its account when nothing is left unsent; edits that are made meanwhile are sent too, within three rounds.
    /// @return the last sync; its fault where it failed, or why the device stays in its account (`errc::unsent`)
    sync_result sync_then_detach() {
        sync_result last;
        for (int round = 0; round < 3; ++round) {
            last = sync();
            if (last.skipped || !last.ok()) return last;
            auto left = detach();
            if (left) return last;
            last.why = std::move(left).error();
            if (last.why->code != errc::unsent) return last;
        }
        return last;
    }

    /// The same by name.
    sync_result run(sync_mode mode) {
        sync_result report;
        if (running_.test_and_set()) {
            report.skipped = true;
            return report;
        }
        const release_flag release{running_};
        cancelled_ = false;
        random_source random{around_.random};
        if (client_.lock) {
            auto taken = take_lease(random);
            if (!taken) report.why = std::move(taken).error();
            report.skipped = taken && !*taken;
            if (!taken || !*taken) return report;
        }
        std::size_t failures = tell(client_.listeners.started, mode);
        report = drive(mode, random, failures);
        if (client_.lock) {
            // Where it fails, since others write to the data all the time, the lease ends by its time.
            const std::lock_guard lock{mutex_};
            for (int attempt = 0; attempt < 3 && !store_.give_back(); ++attempt) {}
        }
        report.listener_failures = failures;
        report.listener_failures += tell(client_.listeners.completed, report);
        return report;
    }

    /// Ends the sync that is running, with `errc::cancelled`, before its next request; what was settled is kept, and the lease is given back.
    /// It does not wait, and reaches into no call of the host's: a transport or a `wait_until` that blocks for long is to be woken by its
    /// own means. From any thread. Without effect when no sync runs.
    void cancel() noexcept { cancelled_ = true; }

    /// Moves the lease of a sync that is running on. The sync does so by itself between requests; where one request may take longer than
    /// the lease,
    /// call this from a timer. Without effect when no sync runs.
    /// @return `errc::busy` when another program took it over; faults of the store
    [[nodiscard]] result<void> renew_lease() {
        const std::lock_guard lock{mutex_};
        if (!running_.test()) return {};  // an exception may have left one behind; its time is to run out
        return store_.renew(around_.clock());
    }

    /// The lease of the data as somebody holds it now, in this program or another one; nothing: nobody syncs, or the store keeps no lease.
    [[nodiscard]] result<std::optional<sync_lease>> lease_holder() {
        const std::lock_guard lock{mutex_};
        auto held = store_.current();
        if (!held) return std::move(held).error();
        if (!is_held(*held, around_.clock())) return std::optional<sync_lease>{};
        return std::optional<sync_lease>{std::move(*held)};
    }

    [[nodiscard]] result<replica_status> status() {
        const std::lock_guard lock{mutex_};
        return engine_.status(around_.clock());
    }
    /// The changes that wait for a person.
    [[nodiscard]] result<std::vector<intent>> waiting(std::size_t limit = 1000) {
        const std::lock_guard lock{mutex_};
        return engine_.waiting(limit, around_.clock());
    }
    /// The rows that the app's table refused: kept, and tried again with every pull.
    [[nodiscard]] result<std::vector<quarantined_row>> quarantined(std::size_t limit = 1000) {
        const std::lock_guard lock{mutex_};
        return engine_.quarantined(limit, around_.clock());
    }
    /// Tries them again without a network, for an app that has cleared what stood in their way. What is still refused stays in quarantine.
    /// @return how many were taken in
    [[nodiscard]] result<std::size_t> retry_quarantined() {
        const std::lock_guard lock{mutex_};
        auto done = engine_.reread({}, around_.clock());
        if (!done) return std::move(done).error();
        return done->applied;
    }
    /// The rows that could not be read, with what could not and why: kept as they came, and asked for again.
    [[nodiscard]] result<std::vector<unread_row>> unread(std::size_t limit = 1000) {
        const std::lock_guard lock{mutex_};
        return engine_.unread(nullptr, limit, around_.clock());
    }
    /// Gives up a row that could not be read.
    [[nodiscard]] result<void> forget_unread(const unread_name& name) {
        const std::lock_guard lock{mutex_};
        return engine_.forget_unread(name, around_.clock());
    }
    [[nodiscard]] result<void> retry(const record_key& key) {
        const std::lock_guard lock{mutex_};
        return engine_.retry(key, around_.clock());
    }
    /// Gives the change up: the record shows what the authority has.
    [[nodiscard]] result<void> take_server(const record_key& key) {
        const std::lock_guard lock{mutex_};
        return engine_.discard(key, around_.clock());
    }
    [[nodiscard]] result<void> discard(const record_key& key) {
        const std::lock_guard lock{mutex_};
        return engine_.discard(key, around_.clock());
    }
    /// Lays the change on what the authority has now and sends it again.
    [[nodiscard]] result<void> take_client(const record_key& key) {
        const std::lock_guard lock{mutex_};
        return engine_.take_client(key, around_.clock());
    }
    /// Why the change of @p key waits: what the user wrote, what the server has, field by field and in words.
    /// @return `errc::absent` when nothing waits for that record
    [[nodiscard]] result<waiting_explanation> explain(const record_key& key) {
        const std::lock_guard lock{mutex_};
        return engine_.explain(key, around_.clock());
    }
    /// Replaces fields of the change that waits by new values and sends it again, on what the server has now. Fields that are not named
    /// stay as
    /// the user wrote them; where nothing differs from the server's row any more, the change is given up.
    /// @param fields  by name
    /// @param seen    `waiting_explanation::server_version`, so that nothing is overwritten that was not looked at; nothing: whatever is
    ///         there
    /// @return `errc::absent`, `errc::unknown_field`, `errc::malformed_value`, `errc::constraint`, `errc::invalid_argument` for a deletion,
    ///         `errc::stale` when the server's row is not the one that was seen; then nothing was changed
    [[nodiscard]] result<void> edit(const record_key& key, const std::vector<std::pair<std::string, value>>& fields,
                                    std::optional<std::int64_t> seen = std::nullopt) {
        field_changes edits;
        for (const auto& [name, to] : fields) {
            const auto at = store_.schemas().contains(key.model) ? store_.schemas()[key.model].find_field(name) : std::nullopt;
            if (!at) return make_fault(errc::unknown_field, "the model of the record has no field `", name, "`");
            edits.set(*at, to);
        }
        const std::lock_guard lock{mutex_};
        return engine_.edit(key, edits, seen, around_.clock());
    }
    /// Rows that a restore of the server from a backup took away or changed back, as they were here last. Nothing sends them again by itself.
    [[nodiscard]] result<std::vector<row_image>> lost_by_restore(std::size_t limit = 1000) {
        const std::lock_guard lock{mutex_};
        return engine_.lost_by_restore(limit, around_.clock());
    }
    [[nodiscard]] result<void> dismiss_lost(const record_key& key) {
        const std::lock_guard lock{mutex_};
        return engine_.dismiss_lost(key, around_.clock());
    }
    /// Gives the data over to whoever signs in next: everything from the account before goes, out of the app's tables too, and the next sync
    /// brings the other one's. Until this is called a sync under another account does nothing and ends with `errc::other_account`.
    [[nodiscard]] result<void> change_account(unsent_changes unsent) {
        const std::lock_guard lock{mutex_};
        return engine_.change_account(unsent, random_source{around_.random}, around_.clock());
    }
    /// Says that this device's data is a copy, or came back from a backup: from now on it is a device of its own, and what was not sent waits as
    /// `maybe_sent` for a person, since the other one may have sent it.
    [[nodiscard]] result<void> declare_copy() {
        const std::lock_guard lock{mutex_};
        return engine_.renew_source(random_source{around_.random}, true, around_.clock());
    }
    /// Builds the state anew from the authority's picture, with the next sync; changes that wait are kept.
    /// `sync_result::differed` of that sync tells how many records the device had otherwise.
    [[nodiscard]] result<void> rebuild() {
        const std::lock_guard lock{mutex_};
        return engine_.begin_hydration(around_.clock());
    }

    [[nodiscard]] engine_type& engine() noexcept { return engine_; }

private:
    struct release_flag {
        std::atomic_flag& flag;
        ~release_flag() { flag.clear(); }
    };

    [[nodiscard]] static sync_result failed_with(fault why) {
        sync_result out;
        out.why = std::move(why);
        return out;
    }

    [[nodiscard]] result<bool> take_lease(random_source random) {
        const std::lock_guard lock{mutex_};
        return store_.take(named_owner(client_.lease_name, to_string(make_uuid_v4(random))), client_.lease, around_.clock());
    }

    // One step of the sync: everything that it does to the store stands behind the fence.
    template <class Step>
    auto fenced(Step step) -> decltype(step(timestamp{})) {
        const std::lock_guard lock{mutex_};
        const timestamp now = around_.clock();
        if (auto r = store_.renew(now); !r) return std::move(r).error();
        const typename fenced_store<Store>::raised up{store_, now};
        return step(now);
    }

    sync_result drive(sync_mode mode, random_source random, std::size_t& failures) {
        {
            auto opened = fenced([&](timestamp now) { return engine_.open(random, now); });
            if (!opened) {
                sync_result report;
                report.why = std::move(opened).error();
                return report;
            }
            const std::lock_guard lock{mutex_};
            wire_.start(mode);
        }
        std::size_t told = 0;
        while (true) {
            if (cancelled_) return ended_by(fault{errc::cancelled, "the sync was cancelled; what it had not done goes on with the next one"});
            auto step = fenced([&](timestamp now) { return wire_.next(now, random); });
            failures += tell_conflicts(told);
            if (!step) return ended_by(std::move(step).error());
            if (auto* done = std::get_if<done_step>(&*step)) return std::move(done->report);
            if (const auto* wait = std::get_if<wait_step>(&*step)) {
                // A long wait in pieces, between which the lease is moved on.
                const timestamp piece = from_microseconds(detail::microseconds_after(around_.clock(), client_.lease / 3));
                const bool in_pieces = client_.lock && client_.lease > duration{0};
                around_.wait_until(in_pieces && piece < wait->until ? piece : wait->until);
                continue;
            }
            const auto& send = std::get<send_step>(*step);
            const result<response> answer = transport_(send.what);
            auto taken = fenced([&](timestamp now) { return wire_.on(send.token, answer, now, random); });
            failures += tell_conflicts(told);
            if (!taken) return ended_by(std::move(taken).error());
            // Unlocked: only this thread moves the wire on.
            failures += tell(client_.listeners.progressed, wire_.report());
        }
    }

    // Tells of the conflicts that were settled since; @p told is how many were told of before.
    [[nodiscard]] std::size_t tell_conflicts(std::size_t& told) {
        if (!client_.listeners.conflict) return 0;
        std::vector<sync_conflict> news;
        {
            const std::lock_guard lock{mutex_};
            const auto& met = wire_.report().met;
            news.assign(met.begin() + static_cast<std::ptrdiff_t>(told), met.end());
            told = met.size();
        }
        std::size_t failures = 0;
        for (const auto& c : news) failures += tell(client_.listeners.conflict, c);
        return failures;
    }

    // A fault of the store ends the run; what was settled before it stands in the report.
    sync_result ended_by(fault why) {
        const std::lock_guard lock{mutex_};
        wire_.cancel();
        sync_result report = wire_.report();
        report.why = std::move(why);
        return report;
    }

    fenced_store<Store> store_;
    engine_type engine_;
    wire_type wire_;
    Transport transport_;
    sync_surroundings around_;
    sync_client_options client_;
    std::mutex mutex_;
    std::atomic_flag running_ = ATOMIC_FLAG_INIT;
    std::atomic<bool> cancelled_{false};
};

SYNCLINE_NAMESPACE_END

#endif
