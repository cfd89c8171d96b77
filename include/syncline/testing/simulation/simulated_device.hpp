#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_DEVICE_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_DEVICE_HPP

#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/any_wire_client.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/setup.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/mutation/client.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A device of a run: what is durable, and over it the program.
template <class Store>
struct simulated_device {
    using guarded_store = faulty_replica_store<Store>;
    using engine_type = replica<guarded_store>;

    simulated_device(std::size_t number, bool bundles, principal owner, std::uint64_t seed, std::unique_ptr<Store> on)
        : index(number), name(1, static_cast<char>('A' + number)), by_bundles(bundles), who(std::move(owner)), random(seed), durable(std::move(on)) {}

    /// Starts the program on what is durable.
    /// @return what its replica says when it is opened
    [[nodiscard]] result<void> boot(const simulation_setup& setup, std::size_t batch_rows, std::size_t page_rows) {
        stop();
        faults.replace();
        guarded = std::make_unique<guarded_store>(*durable, faults);
        engine = std::make_unique<engine_type>(*guarded, setup.resolver());
        if (by_bundles) {
            bundle_client_options o;
            o.batch_rows = batch_rows;
            o.chunk_rows = (batch_rows + 1) / 2;
            o.committed_page_rows = o.page_bundles = o.snapshot_page_rows = page_rows;
            wire = std::make_unique<wire_client_of<bundle_client<engine_type>>>(*engine, o);
        } else {
            mutation_client_options o;
            o.batch_size = batch_rows;
            o.page_size = page_rows;
            wire = std::make_unique<wire_client_of<mutation_client<engine_type>>>(*engine, o);
        }
        return engine->open(random, clock);
    }
    /// The program ends; nothing that it asked for reaches a later one.
    void stop() {
        wire.reset();
        engine.reset();
        guarded.reset();
        ++incarnation;
        running = false;
        awaiting = 0;
    }

    /// Gives the store the source id of @p other, as if both had drawn it. @pre its program does not run
    [[nodiscard]] result<void> take_source_of(simulated_device& other) {
        auto theirs = other.durable->begin();
        if (!theirs) return std::move(theirs).error();
        const auto source = theirs->state();
        auto own = durable->begin();
        if (!own) return std::move(own).error();
        auto state = own->state();
        if (!source || !state) return make_fault(errc::io_error, "the store cannot be read");
        state->source_id = source->source_id;
        if (auto put = own->put_state(*state); !put) return put;
        return own->commit();
    }

    /// What the store holds of @p keys. Complexity: four calls of the store for each.
    [[nodiscard]] result<device_look> look(const std::vector<record_key>& keys) {
        auto begun = durable->begin();
        if (!begun) return std::move(begun).error();
        auto& t = *begun;
        device_look out;
        auto state = t.state();
        auto batch = t.current_batch();
        auto hidden = t.hidden();
        if (!state || !batch || !hidden) return make_fault(errc::io_error, "the store cannot be read");
        out.state = std::move(*state);
        out.in_flight = std::move(*batch);
        out.records.reserve(keys.size());
        for (const auto& key : keys) {
            auto base = t.base(key);
            auto visible = t.visible(key);
            auto open = t.open_intent(key);
            result<std::optional<batch_item>> frozen = std::optional<batch_item>{};
            if (out.in_flight) frozen = t.frozen(key);
            if (!base || !visible || !open || !frozen) return make_fault(errc::io_error, "the store cannot be read");
            auto& r = out.records.emplace_back();
            r.version = base->version;
            r.provisional = base->provisional.has_value();
            r.out_of_view = base->out_of_view;
            r.image_kept = base->image_kept;
            r.visible = std::move(*visible);
            if (r.image_kept)
                r.base = std::move(base->image);
            else if (r.version != 0 || r.provisional)
                r.base = r.visible;
            r.open = std::move(*open);
            r.frozen = std::move(*frozen);
            r.hidden = !hidden->empty() && std::find(hidden->begin(), hidden->end(), key) != hidden->end();
        }
        return out;
    }
    /// Whether nothing that the app wrote is still to be taken in.
    [[nodiscard]] bool settled() {
        if (edited_at_commit && faults.commits() != *edited_at_commit) edited_at_commit.reset();
        return !edited_at_commit;
    }

    std::size_t index;
    std::string name;
    bool by_bundles;
    principal who;
    seeded_random random;
    store_faults faults;
    timestamp clock{};
    bool clock_stands = false;
    bool cut_out = false;  ///< nothing that it sends arrives
    bool cut_in = false;   ///< nothing arrives at it
    std::unique_ptr<Store> durable;
    std::unique_ptr<Store> backup;
    std::unique_ptr<Store> synced;  ///< what the disk really has, while its `fsync` lies
    std::unique_ptr<guarded_store> guarded;
    std::unique_ptr<engine_type> engine;
    std::unique_ptr<any_wire_client> wire;
    std::uint64_t incarnation = 0;
    bool running = false;          ///< a sync is under way
    std::uint64_t awaiting = 0;    ///< the token of the request under way; 0: none
    std::optional<std::uint64_t> edited_at_commit;
    device_look last;
    std::vector<record_key> decided;  ///< records whose frozen change was settled in this sync: what became of it, its report tells
    bool look_is_new = false;      ///< `last` was taken after its data were put back: nothing is compared with what was before
    std::uint64_t edit_later = 0;  ///< its user edits before this many transactions from now; 0: no
    std::uint32_t edit_die = 0;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
