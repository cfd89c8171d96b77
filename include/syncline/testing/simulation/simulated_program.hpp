#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_PROGRAM_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_PROGRAM_HPP

#include <syncline/engine/replica.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/fenced_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/any_wire_client.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/setup.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/mutation/client.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A program over a device's store, which other programs may have open too. As `sync_client` does, it syncs only while it holds the lease, and
/// stands behind the fence with everything that it does then.
template <class Store>
class simulated_program {
public:
    using guarded_store = faulty_replica_store<Store>;
    using fence_type = fenced_store<guarded_store>;
    using engine_type = replica<fence_type>;
    /// Whether several programs can have the store open.
    static constexpr bool shares = leasing_store<guarded_store>;

    /// Starts it. @param incarnation  not used before by a program of this device
    void start(Store& durable, store_faults& faults, const simulation_setup& setup, bool by_bundles, std::size_t batch_rows, std::size_t page_rows, std::uint64_t incarnation) {
        stop();
        incarnation_ = incarnation;
        faults_ = &faults;
        store_ = std::make_unique<guarded_store>(durable, faults);
        fence_ = std::make_unique<fence_type>(*store_);
        engine_ = std::make_unique<engine_type>(*fence_, setup.resolver());
        if (by_bundles) {
            bundle_client_options o;
            o.batch_rows = batch_rows;
            o.chunk_rows = (batch_rows + 1) / 2;
            o.committed_page_rows = o.page_bundles = o.snapshot_page_rows = page_rows;
            wire_ = std::make_unique<wire_client_of<bundle_client<engine_type>>>(*engine_, o);
        } else {
            mutation_client_options o;
            o.batch_size = batch_rows;
            o.page_size = page_rows;
            wire_ = std::make_unique<wire_client_of<mutation_client<engine_type>>>(*engine_, o);
        }
    }
    /// It ends; nothing that it asked for reaches a later one.
    void stop() {
        wire_.reset();
        engine_.reset();
        fence_.reset();
        store_.reset();
        incarnation_ = 0;
        running = false;
        awaiting = 0;
    }
    [[nodiscard]] bool is_there() const noexcept { return engine_ != nullptr; }
    /// Tells it from those before it, and from others over the same store. 0: it is not there.
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return incarnation_; }
    [[nodiscard]] engine_type& engine() noexcept { return *engine_; }
    [[nodiscard]] any_wire_client& wire() noexcept { return *wire_; }

    /// Begins to sync, where no other program does. @return whether it could
    [[nodiscard]] result<bool> begin_sync(sync_mode mode, timestamp now) {
        auto taken = of_lease([&] { return fence_->take("program " + std::to_string(incarnation_) + ", sync " + std::to_string(++syncs_), lease, now); });
        if (!taken || !*taken) return taken;
        wire_->start(mode);
        running = true;
        return true;
    }
    /// The next step of the sync. @return `errc::busy` also when another program took the lease over
    [[nodiscard]] result<client_step> next(timestamp now, random_source random) {
        if (auto r = of_lease([&] { return fence_->renew(now); }); !r) return std::move(r).error();
        const typename fence_type::raised up{*fence_, now};
        return wire_->next(now, random);
    }
    /// Takes an answer in. @return as `next`; where the store failed before that, the answer is gone, and it still waits for one
    [[nodiscard]] result<void> on(std::uint64_t token, const result<response>& answer, timestamp now, random_source random) {
        // What comes when the sync has ended, the wire passes over: no lease is needed for that, and another program may have it.
        if (running)
            if (auto r = of_lease([&] { return fence_->renew(now); }); !r) return r;
        if (token == awaiting) awaiting = 0;
        const typename fence_type::raised up{*fence_, now};
        return wire_->on(token, answer, now, random);
    }
    /// The sync is over.
    [[nodiscard]] result<void> end_sync() {
        running = false;
        awaiting = 0;
        decided.clear();
        return of_lease([&] { return fence_->give_back(); });
    }

    /// How many commits wrote nothing but a lease, since the device was made: they take no edits in.
    [[nodiscard]] std::uint64_t lease_commits() const noexcept { return lease_commits_; }

    bool running = false;             ///< a sync is under way
    std::uint64_t awaiting = 0;       ///< the token of the request under way; 0: none
    std::vector<record_key> decided;  ///< records whose frozen change was settled in this sync: what became of it, its report tells

private:
    static constexpr duration lease = std::chrono::seconds{30};

    template <class Call>
    auto of_lease(Call call) {
        const auto before = faults_->commits();
        auto done = call();
        lease_commits_ += faults_->commits() - before;
        return done;
    }

    store_faults* faults_ = nullptr;
    std::uint64_t lease_commits_ = 0;
    std::uint64_t syncs_ = 0;
    std::unique_ptr<guarded_store> store_;
    std::unique_ptr<fence_type> fence_;
    std::unique_ptr<engine_type> engine_;
    std::unique_ptr<any_wire_client> wire_;
    std::uint64_t incarnation_ = 0;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
