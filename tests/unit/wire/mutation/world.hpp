#ifndef SYNCLINE_TESTS_UNIT_WIRE_MUTATION_WORLD_HPP
#define SYNCLINE_TESTS_UNIT_WIRE_MUTATION_WORLD_HPP

// Devices and a server of the mutation wire in one process, over memory stores.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mutation_tests {

using namespace syncline;
using namespace simulation;
using namespace std::chrono_literals;

inline const timestamp noon = from_microseconds(1'700'000'000'000'000);

// Two devices and a server in one process; `wire` may lose or change what passes.
struct world {
    explicit world(resolver_set resolvers = resolver_set{}, mutation_server_options options = {}, mutation_mapper mapper = {}) : lab(overlap_policy::by_field), store(lab.make_authority()) {
        authority_options o;
        o.resolvers = std::move(resolvers);
        o.validate = [this](const proposed_change& c) { return validate ? validate(c) : std::nullopt; };
        o.mapper = std::move(mapper);
        engine.emplace(*store, std::move(o));
        server.emplace(*engine, std::move(options));
    }
    memory_lab lab;
    std::unique_ptr<memory_authority_store> store;
    std::optional<authority<memory_authority_store>> engine;
    std::optional<mutation_server<authority<memory_authority_store>>> server;
    std::function<std::optional<rejection>(const proposed_change&)> validate;

    response handle(const request& r, const std::string& who = "someone") { return server->handle(r, principal{who, "main"}, now); }
    timestamp now = noon;  // the server's clock
    void write(const std::string& key, std::int64_t a, std::int64_t b) {
        lab.server_write(*store, key_named(key), row(key, a, b));
    }
    std::optional<record> at(const std::string& key) { return lab.server_row(*store, key_named(key)); }
    static record row(const std::string& key, std::int64_t a, std::int64_t b) {
        record r{{value::integer(a), value::integer(b), value::integer(0), value::integer(0), value{}}};
        if (key_named(key).model == child_model) r.fields.push_back(value::text("P"));
        return r;
    }
};

using lossy = std::function<result<response>(const request&)>;

struct device {
    device(world& of, std::string called, mutation_client_options options = {}, duration off = {})
        : w(of), name(std::move(called)), clock(noon + off), random(static_cast<unsigned char>(name[0])), store(w.lab.make_replica(name)), engine(*store), wire(engine, quick(std::move(options))) {
        REQUIRE(engine.open(random, clock));
    }
    static mutation_client_options quick(mutation_client_options o) {
        o.backoff_after_failure.first = 1us;
        return o;
    }
    world& w;
    std::string name;
    timestamp clock;  // at the beginning of each sync
    seeded_random random;
    std::unique_ptr<memory_replica_store> store;
    replica<memory_replica_store> engine;
    mutation_client<replica<memory_replica_store>> wire;
    std::vector<request> sent;

    void write(const std::string& key, std::int64_t a, std::int64_t b) { w.lab.device_write(*store, key_named(key), world::row(key, a, b)); }
    void set(const std::string& key, std::size_t field, std::int64_t v) {
        auto r = *at(key);
        r.fields[field] = value::integer(v);
        w.lab.device_write(*store, key_named(key), r);
    }
    void erase(const std::string& key) { w.lab.device_erase(*store, key_named(key)); }
    std::optional<record> at(const std::string& key) { return w.lab.device_row(*store, key_named(key)); }

    sync_result sync(sync_mode mode = sync_mode::push_then_pull, const lossy& through = {}) {
        wire.start(mode);
        timestamp now = clock;
        for (int steps = 0; steps < 10'000; ++steps) {
            auto step = wire.next(now, random);
            REQUIRE(step);
            if (auto* done = std::get_if<done_step>(&*step)) return done->report;
            if (auto* wait = std::get_if<wait_step>(&*step)) {
                now = wait->until;
                continue;
            }
            auto& send = std::get<send_step>(*step);
            sent.push_back(send.what);
            const result<response> answer = through ? through(send.what) : result<response>{w.handle(send.what, name)};
            REQUIRE(wire.on(send.token, answer, now, random));
        }
        FAIL("the sync does not end");
        return {};
    }
};

}  // namespace mutation_tests


#endif
