#ifndef SYNCLINE_TESTS_SIMULATION_GRAPH_DEVICE_HPP
#define SYNCLINE_TESTS_SIMULATION_GRAPH_DEVICE_HPP

// One device of a run over graphs, and what a seed decides before the first step.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>
#include <syncline/testing/simulation/any_wire_client.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/mutation/client.hpp>

#include "simulation/device.hpp"
#include "simulation/lab.hpp"
#include "simulation/settings.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace graph_simulation {

using namespace syncline;
using simulation::violation;
using simulation::wire_mix;

/// Everything that a seed decides before the first step.
struct graph_settings {
    std::uint64_t seed = 0;
    wire_mix mix = wire_mix::mixed;
    overlap_policy overlap = overlap_policy::by_field;
    std::string resolver;
    std::size_t devices = 2;
    std::size_t batch_rows = 3;
    std::size_t page_rows = 2;
    std::size_t steps = 100;
    std::uint64_t crash_percent = 0, busy_percent = 0, prune_percent = 0, copy_percent = 0, restore_percent = 0, server_restore_percent = 0;
    std::int64_t retained = 0;  // bundles, after each commit; 0: all
    bool waits_for_nobody = false;  // retention does not wait for devices that are behind

    graph_settings(std::uint64_t from, wire_mix wires, seeded_random& random) : seed(from), mix(wires) {
        const auto number = [&](std::initializer_list<std::uint64_t> all) { return all.begin()[random.below(all.size())]; };
        overlap = random.chance(2, 3) ? overlap_policy::by_field : overlap_policy::by_row;
        const char* const all[]{"server_wins", "client_wins", "park", "last_write_wins"};
        resolver = all[random.below(4)];
        devices = number({2, 2, 3});
        batch_rows = number({2, 4, 100, 100});
        page_rows = number({1, 2, 5, 100});
        steps = number({40, 100, 200});
        crash_percent = number({0, 3, 6});
        busy_percent = number({0, 0, 5});
        prune_percent = number({0, 3, 6});
        copy_percent = number({0, 0, 10});
        restore_percent = number({0, 0, 10});
        server_restore_percent = number({0, 0, 0, 10});
        // By the seed alone: what the others draw stays what it was.
        retained = from % 3 == 0 ? 4 : 0;
        waits_for_nobody = from % 6 == 0;
    }
    [[nodiscard]] bool by_bundles(std::size_t device) const { return mix == wire_mix::bundle || (mix == wire_mix::mixed && device % 2 == 1); }
    [[nodiscard]] authority_options options_of_server() const {
        authority_options out;
        out.resolvers = resolver_set{resolver_of()};
        out.retained_bundles = retained;
        if (waits_for_nobody) out.source_ttl = std::chrono::hours{0};
        return out;
    }
    [[nodiscard]] syncline::resolver resolver_of() const {
        if (resolver == "client_wins") return resolvers::client_wins{};
        if (resolver == "last_write_wins") return resolvers::last_write_wins{};
        if (resolver == "park") return resolvers::defer_to_user{};
        return resolvers::server_wins{};
    }
};

/// A device: what is durable, and over it the program.
template <class Lab>
struct graph_device {
    using store_type = typename Lab::replica_store;
    using guarded_store = testing::faulty_replica_store<store_type>;
    using engine_type = replica<guarded_store>;

    graph_device(std::string its_name, bool bundles, std::uint64_t seed, std::unique_ptr<store_type> on)
        : name(std::move(its_name)), by_bundles(bundles), random(seed), durable(std::move(on)) {}

    /// Starts the program on what is durable. @return whether it runs: power may go while it starts
    bool boot(const graph_settings& s, Lab& lab) {
        stop();
        power.replace();
        lab.crash(durable, name);
        guarded = std::make_unique<guarded_store>(*durable, power);
        engine = std::make_unique<engine_type>(*guarded, resolver_set{s.resolver_of()});
        if (by_bundles) {
            bundle_client_options o;
            o.batch_rows = s.batch_rows;
            o.chunk_rows = (s.batch_rows + 1) / 2;
            o.committed_page_rows = o.page_bundles = o.snapshot_page_rows = s.page_rows;
            wire = std::make_unique<testing::wire_client_of<bundle_client<engine_type>>>(*engine, o);
        } else {
            mutation_client_options o;
            o.batch_size = s.batch_rows;
            o.page_size = s.page_rows;
            wire = std::make_unique<testing::wire_client_of<mutation_client<engine_type>>>(*engine, o);
        }
        auto opened = engine->open(random, clock);
        if (opened) {
            if (began_as.empty()) began_as = simulation::lab_must(simulation::lab_must(durable->begin()).state()).source_id;
            return true;
        }
        if (!power.blown()) throw violation(name + " cannot open its store: " + opened.error().detail);
        return false;
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

    std::string name;
    std::string began_as;  ///< the source that it had when it first ran; a copy's is the original's
    bool by_bundles;
    seeded_random random;
    testing::store_faults power;
    timestamp clock{};
    std::unique_ptr<store_type> durable;
    std::unique_ptr<guarded_store> guarded;
    std::unique_ptr<engine_type> engine;
    std::unique_ptr<testing::any_wire_client> wire;
    std::uint64_t incarnation = 0;
    bool running = false;
    std::uint64_t awaiting = 0;  ///< the token of the request under way; 0: none
    bool backed_up = false;
};

}  // namespace graph_simulation

#endif
