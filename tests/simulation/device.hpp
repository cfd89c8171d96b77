#ifndef SYNCLINE_TESTS_SIMULATION_DEVICE_HPP
#define SYNCLINE_TESTS_SIMULATION_DEVICE_HPP

// One simulated device: a durable store, and what a crash loses: the engine, the wire client and the request under way.

#include <syncline/change/coalesce.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/model/references.hpp>
#include <syncline/testing/simulation/any_wire_client.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/mutation/client.hpp>

#include "simulation/lab.hpp"
#include "simulation/ledger.hpp"
#include "simulation/settings.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace simulation {

template <class Lab>
class device {
public:
    using store_type = typename Lab::replica_store;
    using guarded_store = testing::faulty_replica_store<store_type>;
    using engine_type = replica<guarded_store>;

    device(Lab& lab, const settings& s, int number, std::uint64_t seed)
        : index(number), name(ledger::who(number)), bundle_wire(s.bundle_wire[static_cast<std::size_t>(number)]),
          who{s.person[static_cast<std::size_t>(number)], "main"}, random(seed), lab_(&lab), s_(&s), durable_(lab.make_replica(name)) {}

    /// Starts the program on what is durable. Power may go while it starts.
    /// @return whether it runs
    bool boot() {
        wire_.reset();
        engine_.reset();
        guarded_.reset();
        power.replace();
        lab_->crash(durable_, name);
        ++incarnation;
        running = false;
        awaiting = 0;
        guarded_ = std::make_unique<guarded_store>(*durable_, power);
        engine_ = std::make_unique<engine_type>(*guarded_, resolver_set{s_->resolver_of()});
        if (bundle_wire) {
            bundle_client_options o;
            o.batch_rows = s_->batch_size;
            o.chunk_rows = (s_->batch_size + 1) / 2;
            o.committed_page_rows = s_->page_size;
            o.page_bundles = s_->page_size;
            o.snapshot_page_rows = s_->page_size;
            wire_ = std::make_unique<testing::wire_client_of<bundle_client<engine_type>>>(*engine_, o);
        } else {
            mutation_client_options o;
            o.batch_size = s_->batch_size;
            o.page_size = s_->page_size;
            wire_ = std::make_unique<testing::wire_client_of<mutation_client<engine_type>>>(*engine_, o);
        }
        auto opened = engine_->open(random, clock);
        if (opened) return true;
        if (!power.blown()) throw violation(name + " cannot open its store: " + opened.error().detail);
        return false;
    }

    [[nodiscard]] store_type& durable() { return *durable_; }
    /// Whether its program knows field b.
    [[nodiscard]] bool knows_b() const { return simulation::knows_b(std::as_const(*durable_).schemas()); }
    [[nodiscard]] engine_type& engine() { return *engine_; }
    [[nodiscard]] testing::any_wire_client& wire() { return *wire_; }

    /// What the store holds; read past the faults.
    [[nodiscard]] device_look look() {
        device_look out;
        const bool all_known = knows_b();
        auto t = lab_must(durable_->begin());
        out.state = lab_must(t.state());
        out.in_flight = lab_must(t.current_batch());
        const auto hidden = lab_must(t.hidden());
        out.quarantined = lab_must(t.quarantined(1)).size();
        for (const auto& k : s_->keys) {
            const record_key key = key_named(k);
            key_look l;
            auto kept = lab_must(t.base(key));
            l.version = kept.version;
            l.provisional = kept.provisional.has_value();
            l.out_of_view = kept.out_of_view;
            l.visible = lab_must(t.visible(key));
            if (kept.image_kept)
                l.base = std::move(kept.image);
            else if (kept.version != 0 || kept.provisional)
                l.base = l.visible;
            l.frozen = lab_must(t.frozen(key));
            l.open = lab_must(t.open_intent(key));
            l.hidden = std::find(hidden.begin(), hidden.end(), key) != hidden.end();
            if (!all_known) {
                if (l.visible) l.visible = widened(std::move(*l.visible));
                if (l.base) l.base = widened(std::move(*l.base));
                if (l.frozen) l.frozen->what = widened(std::move(l.frozen->what));
                if (l.open) l.open = widened(std::move(*l.open));
            }
            if (!kept.image_kept && (l.frozen || l.open) && kept.version != 0) throw violation(name + ": a layer lies over " + k + ", but its base image is not kept");
            out.keys.push_back(std::move(l));
        }
        return out;
    }

    int index;
    std::string name;
    bool bundle_wire;
    principal who;
    seeded_random random;
    testing::store_faults power;
    timestamp clock{};
    std::uint64_t incarnation = 0;  ///< counts starts: no answer reaches a later one
    bool running = false;           ///< a sync is under way
    std::uint64_t awaiting = 0;     ///< the token of the request under way; 0: none
    bool awaiting_push = false;
    bool lost = false;              ///< that request, or its answer, is lost
    std::optional<std::uint64_t> edited_at_commit;  ///< edits since which the store has not committed are not absorbed yet
    device_look last;
    bool pulls = false;                       ///< this sync does: a push may ask for a row too, to know who is there
    std::uint64_t pull_began = 0;             ///< the step in which this sync sent its first request to pull; 0: none yet
    std::set<std::string> may_keep;           ///< records that it had from answers to pushes when it pulled for the first time, after history was pruned
    std::set<std::string> told_out_of_view;   ///< records of which an answer to this device said so, until they come back

    [[nodiscard]] bool settled() {
        if (edited_at_commit && power.commits() != *edited_at_commit) edited_at_commit.reset();
        return !edited_at_commit;
    }

private:
    Lab* lab_;
    const settings* s_;
    std::unique_ptr<store_type> durable_;
    std::unique_ptr<guarded_store> guarded_;
    std::unique_ptr<engine_type> engine_;
    std::unique_ptr<testing::any_wire_client> wire_;
};

/// What the user sees is `open(frozen(base))`.
inline void check_layers(const device_look& now, const schema_set& schemas, const settings& s, const std::string& name) {
    for (std::size_t i = 0; i < now.keys.size(); ++i) {
        const key_look& k = now.keys[i];
        const model_schema& schema = schemas[key_named(s.keys[i]).model];
        if (k.out_of_view && !s.scoped) throw violation(name + " takes " + s.keys[i] + " for out of view, and everything is visible");
        auto row = visible_row(schema, k.frozen ? &k.frozen->what : nullptr, k.open ? &*k.open : nullptr, k.base, k.out_of_view);
        if (k.hidden) row.reset();
        if (row != k.visible) throw violation(name + ": visible is not open(frozen(base)) for " + s.keys[i]);
    }
}

/// A record is visible only when what it refers to is, unless it is the user's own change. Holds where no answer to a push is ahead of the order:
/// it may say that a parent is gone before the pull brings the erases of its children.
inline void check_references(const device_look& now, const schema_set& schemas, const settings& s, const std::string& name) {
    const auto at = [&](const record_key& key) -> const key_look* {
        for (std::size_t i = 0; i < now.keys.size(); ++i)
            if (key_named(s.keys[i]) == key) return &now.keys[i];
        return nullptr;
    };
    for (std::size_t i = 0; i < now.keys.size(); ++i) {
        const key_look& k = now.keys[i];
        if (!k.visible || k.open || k.frozen || k.provisional) continue;
        for (const auto& parent : references_of(schemas, key_named(s.keys[i]).model, *k.visible))
            if (const key_look* p = at(parent); p != nullptr && !p->visible) throw violation(name + " shows " + s.keys[i] + " without the record that it refers to");
    }
}

}  // namespace simulation

#endif
