#ifndef SYNCLINE_WIRE_SYNC_CLIENT_HPP
#define SYNCLINE_WIRE_SYNC_CLIENT_HPP

#include <syncline/change/unread_row.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>
#include <syncline/wire/client_step.hpp>

#include <atomic>
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

/// A device's whole side in one object: a replica over @p Store, a wire, and a transport; drives them until a sync is over. For other event
/// loops drive a wire's client itself (`client_step`).
///
/// Several threads may call it: a sync that finds another one running is skipped at once, and every other call waits for the store step that is
/// going on, never for the network. The store itself must be touched by nobody else at the same time.
/// @tparam Store      models `replica_store`; outlives the client
/// @tparam Wire       `mutation_client` or `bundle_client` of `replica<Store>`
/// @tparam Transport  models `transport`
template <replica_store Store, template <class> class Wire, transport Transport>
class sync_client {
public:
    using engine_type = replica<Store>;
    using wire_type = Wire<engine_type>;

    /// Nothing is touched before the first call.
    template <class Options>
    sync_client(Store& store, Transport transport, Options options, sync_surroundings around, resolver_set resolvers = resolver_set{},
                replica_options device = {})
        : engine_(store, std::move(resolvers), device), wire_(engine_, std::move(options)), transport_(std::move(transport)), around_(std::move(around)) {}

    sync_client(const sync_client&) = delete;
    sync_client& operator=(const sync_client&) = delete;

    /// Sends what waits, then takes in what is new.
    /// @return what was settled together with the fault that ended it, if any
    sync_result sync() { return run(sync_mode::push_then_pull); }
    sync_result push() { return run(sync_mode::push_only); }
    sync_result pull() { return run(sync_mode::pull_only); }

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
    /// Rows that a restore of the server from a backup took away or changed back, as they were here last. Nothing sends them again by itself.
    [[nodiscard]] result<std::vector<row_image>> lost_by_restore(std::size_t limit = 1000) {
        const std::lock_guard lock{mutex_};
        return engine_.lost_by_restore(limit, around_.clock());
    }
    [[nodiscard]] result<void> dismiss_lost(const record_key& key) {
        const std::lock_guard lock{mutex_};
        return engine_.dismiss_lost(key, around_.clock());
    }
    /// Builds the state anew from the authority's picture, with the next sync; changes that wait are kept.
    [[nodiscard]] result<void> rebuild() {
        const std::lock_guard lock{mutex_};
        return engine_.begin_hydration(around_.clock());
    }

    [[nodiscard]] engine_type& engine() noexcept { return engine_; }

private:
    sync_result run(sync_mode mode) {
        sync_result skipped;
        if (running_.test_and_set()) {
            skipped.skipped = true;
            return skipped;
        }
        const release_flag release{running_};
        random_source random{around_.random};
        {
            const std::lock_guard lock{mutex_};
            if (auto opened = engine_.open(random, around_.clock()); !opened) return ended_by(std::move(opened).error());
            wire_.start(mode);
        }
        while (true) {
            auto step = [&] {
                const std::lock_guard lock{mutex_};
                return wire_.next(around_.clock(), random);
            }();
            if (!step) return ended_by(std::move(step).error());
            if (auto* done = std::get_if<done_step>(&*step)) return std::move(done->report);
            if (const auto* wait = std::get_if<wait_step>(&*step)) {
                around_.wait_until(wait->until);
                continue;
            }
            const auto& send = std::get<send_step>(*step);
            const result<response> answer = transport_(send.what);
            const std::lock_guard lock{mutex_};
            if (auto taken = wire_.on(send.token, answer, around_.clock(), random); !taken) return ended_by(std::move(taken).error());
        }
    }

    struct release_flag {
        std::atomic_flag& flag;
        ~release_flag() { flag.clear(); }
    };

    // A fault of the store ends the run; what was settled before it stands in the report.
    sync_result ended_by(fault why) {
        wire_.cancel();
        sync_result report;
        system_noise none;
        if (auto step = wire_.next(timestamp{}, random_source{none}))
            if (auto* done = std::get_if<done_step>(&*step)) report = std::move(done->report);
        report.why = std::move(why);
        return report;
    }
    struct system_noise {
        std::uint64_t operator()() const noexcept { return 0; }
    };

    engine_type engine_;
    wire_type wire_;
    Transport transport_;
    sync_surroundings around_;
    std::mutex mutex_;
    std::atomic_flag running_ = ATOMIC_FLAG_INIT;
};

SYNCLINE_NAMESPACE_END

#endif
