#ifndef SYNCLINE_TESTS_UNIT_ENGINE_FIXTURE_HPP
#define SYNCLINE_TESTS_UNIT_ENGINE_FIXTURE_HPP

// What the engines' tests stand on: the simulation's two models (`node`, and `child` that refers to a node with a cascade) on memory stores,
// and short ways to say what a user, a device and a server do. Keys that begin with C are children.

#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine_tests {

using namespace syncline;
using simulation::base_of;
using simulation::child_model;
using simulation::key_named;
using simulation::lab_must;
using simulation::node_model;
using simulation::open_of;

inline constexpr field_index field_a = 0;
inline constexpr field_index field_b = 1;
inline constexpr field_index field_n = 2;
inline constexpr field_index field_m = 3;

inline timestamp at(std::int64_t us) { return from_microseconds(us); }

inline schema_set models(overlap_policy overlap = overlap_policy::by_field) {
    schema_set out;
    for (auto& m : simulation::models(overlap)) lab_must(out.add(std::move(m)));
    return out;
}

/// One model whose records may refer to each other, and to themselves, with a cascade.
inline schema_set items_with_parents() {
    model_schema item;
    item.name = "item";
    item.fields = {{"name", value_kind::text, true, nullptr}, {"parent", value_kind::text, true, nullptr}};
    item.references = {{1, "item", reference_action::cascade}};
    schema_set out;
    lab_must(out.add(item));
    return out;
}

inline record node_row(std::int64_t a, std::int64_t b = 0, std::int64_t n = 0, std::int64_t m = 0) {
    return record{{value::integer(a), value::integer(b), value::integer(n), value::integer(m), value{}}};
}
inline record child_row(std::int64_t a, const std::string& parent) {
    record out = node_row(a);
    out.fields.push_back(value::text(parent));
    return out;
}

/// A mutation as a device sends it: what the user made of @p before.
inline mutation change_of(const mutation_id& id, const std::string& key, const std::optional<record>& before, const std::optional<record>& after,
                          std::int64_t row_version = 0, const mutation_id& own = {}) {
    mutation out;
    out.id = id;
    out.what.key = key_named(key);
    out.what.op = !after ? operation::erase : before ? operation::update : operation::create;
    out.what.before = before;
    out.what.base = {row_version, own};
    out.what.edited_at = at(500);
    if (after)
        for (std::size_t f = 0; f < after->fields.size(); ++f)
            if (!before || !(before->fields[f] == after->fields[f])) out.what.changes.set(static_cast<field_index>(f), after->fields[f]);
    return out;
}

/// A server with one tenant, `main`.
struct server {
    explicit server(authority_options options = {}, memory_table_options tables = {}, overlap_policy overlap = overlap_policy::by_field)
        : store{models(overlap), std::move(tables)}, engine{store, std::move(options)} {}

    std::vector<outcome> push(std::vector<mutation> mutations) { return lab_must(engine.push(ann, std::move(mutations), now)).outcomes; }
    outcome push_one(mutation m) { return push({std::move(m)}).front(); }
    page pull(cursor from, std::size_t limit = 1000) {
        pull_query q;
        q.from = from;
        q.limit = limit;
        return lab_must(engine.pull(ann, q, now)).rows;
    }
    std::optional<record> row(const std::string& key) { return store.row("main", key_named(key)); }
    void write(const std::string& key, const record& r) { lab_must(store.app_write("main", key_named(key), r)); }
    void erase(const std::string& key) { lab_must(store.app_erase("main", key_named(key))); }
    /// A device that has nothing connects, so that the tenant counts as filled.
    void begin_empty() { CHECK(lab_must(engine.connect(ann, false, {}, now)).what == scope_resolution::initialize_empty); }
    std::int64_t seal() { return static_cast<std::int64_t>(lab_must(engine.seal_foreign("main", now))); }
    authority_head head() { return lab_must(engine.head("main")); }
    std::optional<sealed_row> sealed(const std::string& key) {
        auto t = lab_must(store.begin("main", access::snapshot));
        return lab_must(t.sealed(key_named(key)));
    }
    std::int64_t version_of(const std::string& key) {
        const auto found = sealed(key);
        return found ? found->version : 0;
    }
    std::optional<receipt> receipt_of(const mutation_id& id) {
        auto t = lab_must(store.begin("main", access::snapshot));
        return lab_must(t.find_receipt(ann.principal, id));
    }

    memory_authority_store store;
    authority<memory_authority_store> engine;
    caller ann{"main", "ann", "dev"};
    timestamp now = at(1000);
};

/// A device.
struct device {
    explicit device(resolver_set resolvers = resolver_set{}, memory_table_options tables = {})
        : store{models(), std::move(tables)}, engine{store, std::move(resolvers)} {
        lab_must(engine.open(random, now));
    }

    void write(const std::string& key, const record& r) { lab_must(store.app_write(key_named(key), r)); }
    void erase(const std::string& key) { lab_must(store.app_erase(key_named(key))); }
    std::optional<record> row(const std::string& key) const { return store.row(key_named(key)); }
    std::optional<frozen_batch> freeze(std::size_t limit = 100, bool numbered = false) { return lab_must(engine.freeze(limit, numbered, random, now)); }
    settle_report settle(const std::vector<outcome>& outcomes) { return lab_must(engine.settle(freeze()->head.id, outcomes, now)); }
    apply_report apply(cursor from, cursor next, std::vector<row_image> rows) {
        page p;
        p.from = from;
        p.next = next;
        p.rows = std::move(rows);
        return lab_must(engine.apply(p, now));
    }
    /// A page that continues the checkpoint.
    apply_report take(std::vector<row_image> rows) {
        const cursor from = status().state.checkpoint;
        return apply(from, from + 1, std::move(rows));
    }
    replica_status status() { return lab_must(engine.status(now)); }
    /// Shuts the device down and starts it again over what it stored.
    void restart(replica_options options = {}) { engine = replica<memory_replica_store>{store, resolver_set{}, options}; }
    std::optional<intent> open(const std::string& key) { return open_of(store, key_named(key)); }
    simulation::base_seen base(const std::string& key) { return base_of(store, key_named(key)); }
    base_row kept(const std::string& key) {
        auto t = lab_must(store.begin());
        return lab_must(t.base(key_named(key)));
    }
    void check() { simulation::check_visible(store, engine.schemas(), "device"); }

    seeded_random random{1};
    timestamp now = at(2000);
    memory_replica_store store;
    replica<memory_replica_store> engine;
};

inline row_image image(const std::string& key, std::int64_t version, std::optional<record> row, mutation_id contains = {}) {
    return {key_named(key), version, std::move(row), std::move(contains)};
}

inline outcome answer(const mutation_id& id, outcome_kind kind, std::int64_t version = 0) {
    outcome o;
    o.id = id;
    o.kind = kind;
    o.version = version;
    return o;
}
inline outcome answer_with_row(const mutation_id& id, outcome_kind kind, std::int64_t version, std::optional<record> row) {
    outcome o = answer(id, kind, version);
    o.carries_row = true;
    o.row = std::move(row);
    return o;
}

}  // namespace engine_tests

#endif
