#ifndef SYNCLINE_TESTS_WIRE_MUTATION_LEGACY_WORLD_HPP
#define SYNCLINE_TESTS_WIRE_MUTATION_LEGACY_WORLD_HPP

// Clients of Laravel Tether v1.0.0, and Syncline devices, at one server of the mutation wire over a store of either kind.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"
#include "wire/mutation/legacy_client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace legacy_tests {

using namespace syncline;
using simulation::child_model;
using simulation::key_named;
using simulation::lab_must;
using simulation::memory_lab;
using simulation::node_model;

inline const timestamp noon = from_microseconds(1'700'000'000'000'000);

inline std::string number(std::int64_t n) { return std::to_string(n); }
inline std::string text(const std::string& s) { return "\"" + s + "\""; }

/// A row of `node` as a client's model holds it.
inline tether::columns node(std::int64_t a, std::int64_t b = 0) {
    return {{"a", number(a)}, {"b", number(b)}, {"n", "0"}, {"m", "0"}};
}
inline tether::columns child(std::int64_t a, const std::string& parent) {
    tether::columns out = node(a);
    out["parent"] = text(parent);
    return out;
}

/// Rules by which nodes and children lie in the bucket that their field `n` names, `g0` and so on.
inline scope_rules scopes_by_n(std::function<label_set(const std::string&)> granted) {
    scope_rules out;
    const bucket_rule by_n = [](const model_schema&, std::string_view, const record& row) {
        return row.fields[2].is_null() ? label_set{} : label_set{"g" + std::to_string(row.fields[2].as_integer())};
    };
    out.buckets = {{"node", by_n}, {"child", by_n}};
    out.granted = [granted = std::move(granted)](std::string_view, std::string_view who) { return granted(std::string{who}); };
    return out;
}

/// A lab whose tenant has buckets, all of which everybody is granted.
struct scoped_lab : memory_lab {
    using memory_lab::memory_lab;
    static scope_rules scopes() {
        return scopes_by_n([](const std::string&) { return label_set{"g0", "g1"}; });
    }
};

template <class Lab>
scope_rules scopes_of() {
    if constexpr (requires { Lab::scopes(); }) return Lab::scopes();
    return {};
}

template <class Lab>
struct legacy_world {
    using store_type = typename Lab::authority_store;

    explicit legacy_world(resolver_set resolvers = resolver_set{}, mutation_server_options options = {}, scope_rules scopes = scopes_of<Lab>())
        : lab(overlap_policy::by_field), store(lab.make_authority()) {
        authority_options o;
        o.resolvers = std::move(resolvers);
        o.scopes = std::move(scopes);
        o.validate = [this](const proposed_change& c) { return validate ? validate(c) : std::nullopt; };
        o.mapper = [this](const caller&, mutation& m) -> std::optional<rejection> {
            deciding = m.id;
            return std::nullopt;
        };
        engine.emplace(*store, std::move(o));
        server.emplace(*engine, std::move(options));
    }

    Lab lab;
    std::unique_ptr<store_type> store;
    std::optional<authority<store_type>> engine;
    std::optional<mutation_server<authority<store_type>>> server;
    std::function<std::optional<rejection>(const proposed_change&)> validate;
    std::string deciding;  ///< the mutation that `validate` is asked about
    timestamp now = noon;

    response handle(const request& r, const std::string& who) {
        now += std::chrono::milliseconds{1};
        return server->handle(r, principal{who, "main"}, now);
    }
    /// A line to the server for the principal @p who.
    tether::wire line(const std::string& who) {
        return [this, who](const request& r) { return std::optional<response>{handle(r, who)}; };
    }
    /// Lets the first @p n changes that the validator sees fail for now.
    void fail_for_now(int n) {
        validate = [n](const proposed_change&) mutable -> std::optional<rejection> {
            if (n-- > 0) return rejection{wait_reason{errc::unavailable, "try later"}, {}};
            return std::nullopt;
        };
    }

    void write(const std::string& key, std::int64_t a, std::int64_t b) { write_in(key, a, b, 0); }
    /// @param n  with `scopes_by_n` the record's bucket
    void write_in(const std::string& key, std::int64_t a, std::int64_t b, std::int64_t n) {
        record r{{value::integer(a), value::integer(b), value::integer(n), value::integer(0), value{}}};
        lab.server_write(*store, key_named(key), r);
    }
    void write_child(const std::string& key, std::int64_t a, const std::string& parent) {
        record r{{value::integer(a), value::integer(0), value::integer(0), value::integer(0), value{}, value::text(parent)}};
        lab.server_write(*store, key_named(key), r);
    }
    void erase(const std::string& key) { lab.server_erase(*store, key_named(key)); }
    std::optional<record> at(const std::string& key) { return lab.server_row(*store, key_named(key)); }
    std::int64_t a(const std::string& key) { return field(key, 0); }
    std::int64_t b(const std::string& key) { return field(key, 1); }
    std::int64_t field(const std::string& key, std::size_t f) {
        const auto row = at(key);
        return row ? row->fields[f].as_integer() : -1;
    }
};

/// The client's value of a column, as text of JSON; "gone" where it has no such row.
inline std::string seen(const tether::client& c, const std::string& key, const std::string& column) {
    const auto* row = c.row(key.starts_with("C") ? "child" : "node", key);
    return row == nullptr ? "gone" : row->at(column);
}

/// A client that knows the simulation's models. `s` is the server's own column, which its models keep out of payloads.
inline tether::client tether_client(const std::string& name) {
    tether::client c{name};
    c.not_syncable = {"s"};
    c.foreign_keys = {{"child", "parent", "node"}};
    return c;
}

/// A Syncline device at the same server.
template <class Lab>
struct syncline_device {
    syncline_device(legacy_world<Lab>& of, std::string called)
        : w(of), name(std::move(called)), random(static_cast<unsigned char>(name[0])), store(w.lab.make_replica(name)), engine(*store), wire(engine, options()) {
        lab_must(engine.open(random, noon));
    }
    static mutation_client_options options() {
        mutation_client_options o;
        o.backoff_after_failure.first = std::chrono::microseconds{1};
        return o;
    }

    void set(const std::string& key, std::size_t field, std::int64_t v) {
        auto r = *at(key);
        r.fields[field] = value::integer(v);
        w.lab.device_write(*store, key_named(key), r);
    }
    std::optional<record> at(const std::string& key) { return w.lab.device_row(*store, key_named(key)); }
    sync_result sync() {
        wire.start(sync_mode::push_then_pull);
        timestamp now = w.now;
        for (int steps = 0; steps < 10'000; ++steps) {
            auto step = lab_must(wire.next(now, random));
            if (auto* done = std::get_if<done_step>(&step)) return done->report;
            if (auto* wait = std::get_if<wait_step>(&step)) {
                now = wait->until;
                continue;
            }
            auto& send = std::get<send_step>(step);
            lab_must(wire.on(send.token, result<response>{w.handle(send.what, name)}, now, random));
        }
        throw std::runtime_error("the sync does not end");
    }

    legacy_world<Lab>& w;
    std::string name;
    seeded_random random;
    std::unique_ptr<typename Lab::replica_store> store;
    replica<typename Lab::replica_store> engine;
    mutation_client<replica<typename Lab::replica_store>> wire;
};

}  // namespace legacy_tests

#endif
