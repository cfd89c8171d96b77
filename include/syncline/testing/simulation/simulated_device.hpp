#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_DEVICE_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_DEVICE_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/script.hpp>
#include <syncline/testing/simulation/setup.hpp>
#include <syncline/testing/simulation/simulated_program.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/transport/principal.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A device of a run: what is durable, and the programs over it.
template <class Store>
struct simulated_device {
    using program_type = simulated_program<Store>;

    simulated_device(std::size_t number, bool bundles, principal owner, std::uint64_t seed, std::unique_ptr<Store> on)
        : index(number), name(1, static_cast<char>('A' + number)), by_bundles(bundles), who(std::move(owner)), random(seed), durable(std::move(on)) {}

    /// Starts the program on what is durable, in the place of the one that was awake.
    /// @return what its replica says when it is opened
    [[nodiscard]] result<void> boot(const simulation_setup& setup, std::size_t batch_rows, std::size_t page_rows) {
        faults.replace();
        program.start(*durable, faults, setup, by_bundles, batch_rows, page_rows, ++programs_);
        return program.engine().open(random, clock);
    }
    /// The other program over the same store wakes up where it fell asleep, and the one that was awake falls asleep. The first time there is none:
    /// it is to be booted.
    /// @pre `program_type::shares`
    void change_program() { std::swap(program, asleep); }
    /// The device goes down: all programs end.
    void stop() {
        program.stop();
        asleep.stop();
        program.decided.insert(program.decided.end(), asleep.decided.begin(), asleep.decided.end());
        asleep.decided.clear();
    }
    /// It pulls. Of what it got only in answers to pushes, before it ever pulled, the server knows no position: it cannot tell that such a record
    /// has left the view (docs/architecture.md, "Not done yet").
    void pulls(const std::vector<record_key>& keys) {
        if (last.state.checkpoint != 0) return;
        for (std::size_t i = 0; i < last.records.size(); ++i)
            if (last.records[i].base) may_keep.insert(keys[i]);
    }
    /// It looks like @p now.
    void note(device_look now, const std::vector<record_key>& keys) {
        for (std::size_t i = 0; i < last.records.size(); ++i) {
            const auto& was = last.records[i];
            const auto& is = now.records[i];
            if (is.version != was.version) may_keep.erase(keys[i]);
            if (was.frozen && !(is.frozen && is.frozen->id == was.frozen->id)) program.decided.push_back(keys[i]);
        }
        last = std::move(now);
    }

    /// What happens to its store and to its network.
    /// @param calls  at which call of the store from now on
    /// @return whether @p what is one of those
    bool suffer(deed what, std::uint32_t die, std::uint64_t calls) {
        switch (what) {
        case deed::crash_in_call: faults.arm(calls, die % 2 != 0); return true;
        case deed::store_locked: faults.refuse_once(); return true;
        case deed::disk_full: faults.fail_once(calls, errc::storage_full); return true;
        case deed::io_error: faults.fail_once(calls, errc::io_error); return true;
        case deed::no_memory: faults.exhaust_after(calls); return true;
        case deed::heal: cut_in = cut_out = false; return true;
        case deed::cut_out: cut_out = true; return true;
        case deed::cut_in: cut_in = true; return true;
        case deed::cut: cut_in = cut_out = true; return true;
        case deed::freeze_clock: clock_stands = true; return true;
        default: return false;
        }
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

    /// No fault is to come: its network, clock and disk are sound.
    void faults_stop() {
        faults.replace();
        edit_later = 0;
        cut_in = cut_out = clock_stands = false;
        synced.reset();
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
        if (edited_at_commit && commits() != *edited_at_commit) edited_at_commit.reset();
        return !edited_at_commit;
    }
    /// How many commits of its programs there were that take in what was edited.
    [[nodiscard]] std::uint64_t commits() const noexcept { return faults.commits() - program.lease_commits() - asleep.lease_commits(); }

    std::size_t index;
    std::string name;
    bool by_bundles;
    principal who;
    seeded_random random;
    store_faults faults;
    timestamp clock{};
    bool clock_stands = false;
    bool cut_out = false;    ///< nothing that it sends arrives
    bool cut_in = false;     ///< nothing arrives at it
    bool knows_all = true;   ///< its program is not an older one, which lacks fields
    std::unique_ptr<Store> durable;
    std::unique_ptr<Store> backup;
    std::unique_ptr<Store> synced;  ///< what the disk really has, while its `fsync` lies
    std::unique_ptr<Store> untorn;  ///< what it had before the commit in which power failed
    std::uint32_t tear_die = 0;     ///< how much of that commit arrived
    program_type program;          ///< the one that is awake
    program_type asleep;
    std::optional<std::uint64_t> edited_at_commit;
    device_look last;
    std::set<record_key> may_keep;    ///< records that it had from answers to pushes when it had not pulled yet (`pulls`)
    bool look_is_new = false;      ///< `last` was taken after its data were put back: nothing is compared with what was before
    std::uint64_t edit_later = 0;  ///< its user edits before this many transactions from now; 0: no
    std::uint32_t edit_die = 0;

private:
    std::uint64_t programs_ = 0;  // that it has had
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
