#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_SERVER_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_SERVER_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/script.hpp>
#include <syncline/testing/simulation/setup.hpp>
#include <syncline/testing/simulation/simulated_view.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/sync_server.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// The server of a run: what is durable, and over it the instances of its program. Requests go to them by turns.
template <class Stores>
class simulated_server {
public:
    using store_type = typename Stores::authority_store;

    /// @param setup, view, stores  must outlive this object
    simulated_server(const simulation_setup& setup, const simulated_view& view, Stores& stores, std::uint64_t seed, std::function<timestamp()> clock)
        : setup_(&setup), view_(&view), stores_(&stores), random_(seed), clock_(std::move(clock)), durable_(stores.make_authority()) {
        faults_.between = [this] {
            if (between) between();
        };
        add_instance();
    }
    simulated_server(const simulated_server&) = delete;
    simulated_server& operator=(const simulated_server&) = delete;

    /// What others do before a transaction of the server begins.
    std::function<void()> between;

    [[nodiscard]] store_type& durable() { return *durable_; }
    [[nodiscard]] store_faults& faults() noexcept { return faults_; }
    [[nodiscard]] bool has_backup() const noexcept { return backup_ != nullptr; }

    /// @return nothing: the instance that was asked is gone
    [[nodiscard]] std::optional<response> answer(const request& what, const principal& who) {
        const std::size_t turn = turn_++ % instances_.size();
        response out;
        const bool alive = store_faults::survives([&] { out = instances_[turn]->server(what, who); });
        if (alive && !faults_.blown()) return out;
        if (!alive) instances_[turn] = std::make_unique<instance>(*this);  // one process ends, the others go on
        return std::nullopt;
    }
    /// All instances end, and one starts on what is durable.
    void restart() {
        instances_.clear();
        faults_.replace();
        add_instance();
    }
    void add_instance() {
        if (instances_.size() < 3) instances_.push_back(std::make_unique<instance>(*this));
    }
    void kill_instance(std::uint64_t which) {
        if (instances_.size() > 1) instances_.erase(instances_.begin() + static_cast<std::ptrdiff_t>(which % instances_.size()));
    }
    /// Gives an order to what other programs wrote. No fault is simulated in it, nor in the others of an operator's steps.
    [[nodiscard]] result<void> seal() {
        faults_.replace();
        auto done = instances_.front()->server.engine().seal_foreign("main", clock_());
        return done ? result<void>{} : result<void>{done.error()};
    }
    [[nodiscard]] result<void> prune(std::int64_t to) {
        faults_.replace();
        return instances_.front()->server.engine().prune("main", to, clock_());
    }
    [[nodiscard]] result<authority_head> head() {
        auto t = durable_->begin("main", access::snapshot);
        if (!t) return std::move(t).error();
        return t->head();
    }
    /// What happens to the server, its power and its store.
    /// @param calls  at which call of the store from now on
    /// @return whether @p what is one of those
    bool suffer(deed what, std::uint32_t die, std::uint64_t calls) {
        switch (what) {
        case deed::crash_server: restart(); return true;
        case deed::crash_server_in_call: faults_.arm(calls, die % 2 != 0); return true;
        case deed::server_locked: faults_.refuse_once(); return true;
        case deed::server_disk_full: faults_.fail_once(calls, errc::storage_full); return true;
        case deed::server_io_error: faults_.fail_once(calls, errc::io_error); return true;
        case deed::server_no_memory: faults_.exhaust_after(calls); return true;
        case deed::add_server: add_instance(); return true;
        case deed::kill_server: kill_instance(die); return true;
        case deed::back_up_server: back_up(); return true;
        default: return false;
        }
    }
    void back_up() { backup_ = stores_->copy_server(*durable_); }
    /// Puts the backup in the place of the data and says so. @pre `has_backup()`
    [[nodiscard]] result<void> restore(const std::string& epoch) {
        faults_.replace();
        instances_.clear();
        durable_.reset();
        durable_ = stores_->copy_server(*std::exchange(backup_, nullptr));
        add_instance();
        return instances_.front()->server.engine().begin_incarnation(epoch, clock_());
    }

    /// Tells @p ledger of what was made durable since it was told last.
    /// @param told  called with each bundle, after the ledger
    template <class Told>
    [[nodiscard]] result<void> observe(run_ledger& ledger, Told told) {
        auto begun = durable_->begin("main", access::snapshot);
        if (!begun) return std::move(begun).error();
        auto& t = *begun;
        const auto head = t.head();
        if (!head) return head.error();
        while (ledger.seq() < head->seq) {
            auto heads = t.bundle_heads(ledger.seq(), 1);
            if (!heads) return std::move(heads).error();
            if (heads->empty()) return make_fault(errc::bug, "the head is bundle ", std::to_string(head->seq), ", and after ", std::to_string(ledger.seq()), " there is none");
            const bundle_head& h = heads->front();
            auto rows = t.bundle_rows(h.seq, 0, h.row_count);
            if (!rows) return std::move(rows).error();
            ledger.sealed(h, *rows, [&](const mutation_id& id) { return receipt_of(t, ledger, id); });
            told(h, *rows);
        }
        return {};
    }

private:
    using guarded_store = faulty_authority_store<store_type>;
    struct instance {
        explicit instance(simulated_server& of)
            : store(*of.durable_, of.faults_), server(store, of.options(), [&of] { return of.clock_(); }, [&of] { return of.random_.next(); }) {
            server.mount_mutation_wire();
            if (!of.view_->any()) (void)server.mount_bundle_wire();
        }
        guarded_store store;
        sync_server<guarded_store> server;
    };

    [[nodiscard]] authority_options options() const {
        authority_options o;
        o.resolvers = setup_->resolver();
        o.validate = setup_->validate;
        o.scopes = view_->scopes();
        return o;
    }
    template <class Transaction>
    [[nodiscard]] static std::optional<receipt> receipt_of(Transaction& t, run_ledger& ledger, const mutation_id& id) {
        const auto owner = ledger.owner_of(id);
        if (!owner) return std::nullopt;
        auto known = t.find_receipt(*owner, id);
        if (!known || !*known) return std::nullopt;
        ledger.receipt_seen(**known);
        return std::move(**known);
    }

    const simulation_setup* setup_;
    const simulated_view* view_;
    Stores* stores_;
    seeded_random random_;
    std::function<timestamp()> clock_;
    std::unique_ptr<store_type> durable_;
    std::unique_ptr<store_type> backup_;
    store_faults faults_;
    std::vector<std::unique_ptr<instance>> instances_;
    std::size_t turn_ = 0;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
