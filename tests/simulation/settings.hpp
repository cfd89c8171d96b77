#ifndef SYNCLINE_TESTS_SIMULATION_SETTINGS_HPP
#define SYNCLINE_TESTS_SIMULATION_SETTINGS_HPP

// What one seed decides before the first step, what is counted while it runs, and how it fails.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/random.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace simulation {

using namespace syncline;

/// A promise that was broken.
struct violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Which wires the devices of a run speak. `grants`: the mutation wire, at a server on which not everybody sees everything; `legacy`: the
/// mutation wire, one or two of Laravel Tether's clients, and at times the bundle wire; `skew`: both wires, devices whose program does not know
/// field b yet, and where their tables can, comes to know it.
enum class wire_mix : std::uint8_t { mutation, bundle, mixed, grants, legacy, skew };

/// The dice of a run. Those of the first three mixes stay as they are: seeds are kept by name.
inline seeded_random dice_of(std::uint64_t seed, wire_mix mix) {
    const auto n = static_cast<std::uint64_t>(mix);
    return seeded_random{n < 3 ? seed * 3 + n : (n << 48) + seed};
}

/// What happened, by name; added up over all seeds.
struct statistics {
    std::uint64_t seeds = 0, steps = 0, edits = 0, foreign_edits = 0, pushes = 0, pulls = 0, conflicts = 0, superseded = 0, refused = 0,
                  applied = 0, rebases_under_flight = 0, requests_lost = 0, answers_lost = 0, duplicates = 0, late_answers = 0, timeouts = 0,
                  device_crashes = 0, server_crashes = 0, crashes_in_hydration = 0, hydrations = 0, prunes = 0, pulls_after_lost_answer = 0, asked_again_after_lost_answer = 0,
                  second_copies_after_refusal = 0, transient_faults = 0, busy_stores = 0, clock_jumps = 0, person_decisions = 0,
                  writes_between_transactions = 0, soft_deletes = 0, restores = 0, purges = 0, grant_changes = 0, removals = 0, out_of_view_waits = 0,
                  returns_to_view = 0, writes_refused_unseen = 0, views_compared = 0, tether_edits = 0, tether_syncs = 0, tether_reinstallations = 0, migrations = 0;

    template <class F>
    void each(F f) {
        f("seeds", seeds), f("steps", steps), f("edits", edits), f("foreign edits", foreign_edits), f("pushes", pushes), f("pulls", pulls),
            f("conflicts", conflicts), f("applied", applied), f("superseded", superseded), f("refused", refused),
            f("rebases under flight", rebases_under_flight), f("requests lost", requests_lost), f("answers lost", answers_lost),
            f("duplicates", duplicates), f("late answers", late_answers), f("timeouts", timeouts), f("device crashes", device_crashes),
            f("server crashes", server_crashes), f("crashes during hydration", crashes_in_hydration), f("hydrations", hydrations),
            f("prunes", prunes), f("answer lost, then pull", pulls_after_lost_answer),
            f("answer lost, then asked again", asked_again_after_lost_answer), f("second copy after a refusal", second_copies_after_refusal), f("transient faults", transient_faults),
            f("busy stores", busy_stores), f("clock jumps", clock_jumps), f("decisions of persons", person_decisions),
            f("writes between two transactions", writes_between_transactions), f("soft deletes", soft_deletes), f("restores", restores), f("purges", purges),
            f("grants changed", grant_changes), f("removals from view", removals), f("changes that left the view", out_of_view_waits),
            f("changes that returned", returns_to_view), f("writes refused unseen", writes_refused_unseen), f("views compared", views_compared),
            f("edits at Tether's clients", tether_edits), f("their syncs", tether_syncs), f("their reinstallations", tether_reinstallations), f("migrations", migrations);
    }
    void add(statistics other) {
        std::vector<std::uint64_t> theirs;
        other.each([&](std::string_view, std::uint64_t& n) { theirs.push_back(n); });
        std::size_t i = 0;
        each([&](std::string_view, std::uint64_t& n) { n += theirs[i++]; });
    }
};

/// Which models of a party have soft deletes, where its tables can.
struct trash_of {
    bool node = false;
    bool child = false;
};

/// Everything that a seed decides before the first step.
struct settings {
    std::uint64_t seed = 0;
    overlap_policy overlap = overlap_policy::by_field;
    std::string resolver = "server_wins";
    std::vector<std::string> keys;
    std::size_t devices = 2;
    std::vector<bool> bundle_wire;  ///< by device
    trash_of server_trash;
    std::vector<trash_of> device_trash;
    bool server_numbers = false;       ///< rows have numbers of the party's own, where its tables can
    std::vector<bool> device_numbers;
    bool erases = true;
    bool one_principal = false;     ///< all devices are of one person
    std::uint64_t error_percent = 0;   ///< transient faults of the server's validator
    std::uint64_t refuse_percent = 0;  ///< values of `m` that the validator refuses
    std::uint64_t prune_percent = 0;
    std::uint64_t crash_percent = 0;   ///< of store-touching calls
    std::uint64_t busy_percent = 0;
    std::uint64_t between_percent = 0; ///< of transactions: others write just before
    bool clocks_jump = false;
    std::size_t page_size = 2;
    std::size_t batch_size = 3;
    std::size_t steps = 60;
    std::vector<std::string> person;       ///< whose a device is, by device
    std::vector<bool> old_model;           ///< by device: its first program lacks field b
    std::uint64_t migrate_percent = 0;     ///< of steps, where a table can get a column
    std::size_t tethers = 0;               ///< Tether's clients; as authors they follow the devices
    bool tethers_sync_whole = true;        ///< as their `sync` does; otherwise push and pull run apart too
    std::int64_t tether_skew = 0;          ///< of their clocks, in milliseconds
    bool scoped = false;                   ///< records have buckets, by their field b
    bool children_have_buckets = false;    ///< of their own, besides their parent's
    std::int64_t bucket_width = 1;         ///< how many edits in a row give one bucket

    settings(std::uint64_t from, wire_mix mix, seeded_random& random) : seed(from) {
        const auto pick = [&](auto... options) {
            const std::common_type_t<decltype(options)...> all[]{options...};
            return all[random.below(sizeof...(options))];
        };
        const auto number = [&](std::initializer_list<std::uint64_t> all) { return all.begin()[random.below(all.size())]; };
        overlap = pick(overlap_policy::by_field, overlap_policy::by_field, overlap_policy::by_field, overlap_policy::by_row, overlap_policy::by_row,
                       overlap_policy::by_timestamp);
        resolver = pick("server_wins", "server_wins", "client_wins", "field_merge", "park", "park", "last_write_wins");
        switch (random.below(7)) {
        case 0: keys = {"T"}; break;
        case 1: keys = {"T", "T2"}; break;
        case 2: keys = {"P", "C1"}; break;
        case 3: keys = {"P", "C1", "C2"}; break;
        case 4: keys = {"T", "P", "C1", "C2"}; break;
        case 5: keys = {"T", "T2", "T3", "P", "C1", "C2", "C3"}; break;
        default: keys = {"T", "T2", "P", "C1"}; break;
        }
        devices = number({2, 2, 3, 4});
        for (std::size_t i = 0; i < devices; ++i) bundle_wire.push_back(mix == wire_mix::bundle || (mix == wire_mix::mixed && i % 2 == 1));
        erases = random.chance(65, 100);
        one_principal = random.chance(3, 10);
        error_percent = number({0, 0, 15});
        refuse_percent = number({0, 10, 30});
        prune_percent = number({0, 3, 6, 6});
        crash_percent = number({0, 4, 8});
        busy_percent = number({0, 0, 5});
        between_percent = number({0, 0, 3});
        clocks_jump = random.chance(1, 2);
        page_size = number({1, 1, 2, 3, 5});
        batch_size = number({1, 2, 3, 100});
        steps = number({40, 100, 160, 240});
        // Drawn apart, so that what else a seed decides does not hang on it.
        seeded_random trash{seed * 5 + static_cast<std::uint64_t>(mix)};
        server_trash = {trash.chance(7, 8), trash.chance(7, 8)};
        for (std::size_t i = 0; i < devices; ++i) device_trash.push_back({trash.chance(7, 8), trash.chance(7, 8)});
        server_numbers = trash.chance(1, 2);
        for (std::size_t i = 0; i < devices; ++i) device_numbers.push_back(trash.chance(1, 2));
        for (std::size_t i = 0; i < devices; ++i) person.push_back(one_principal ? std::string{"someone"} : std::string{"user "}.append(1, static_cast<char>('A' + i)));
        old_model.resize(devices);
        if (mix == wire_mix::skew) {
            for (std::size_t i = 0; i < devices; ++i) old_model[i] = random.chance(2, 3);
            migrate_percent = number({0, 2, 4});
            for (std::size_t i = 1; i < devices; i += 2) bundle_wire[i] = random.chance(1, 2);
        }
        if (mix == wire_mix::legacy) {
            tethers = number({1, 1, 2});
            tethers_sync_whole = random.chance(3, 4);
            tether_skew = pick(std::int64_t{0}, std::int64_t{7'200'000}, std::int64_t{-86'400'000'000});
            for (std::size_t i = 1; i < devices; i += 2) bundle_wire[i] = random.chance(1, 2);
            for (std::size_t i = 0; i < tethers; ++i) {
                person.push_back(i == 0 ? "ann" : "bob");
                keys.push_back(i == 0 ? "X" : "X2");  // what it makes; its ids are ULIDs, so nobody else makes the same
            }
        }
        if (mix == wire_mix::grants) {
            scoped = true;
            children_have_buckets = random.chance(1, 2);
            bucket_width = static_cast<std::int64_t>(number({1, 1, 8, 32}));
        }
    }
    /// The buckets of a record whose field b is @p b.
    [[nodiscard]] label_set buckets_of(const value& b) const {
        return b.is_null() ? label_set{} : label_set{bucket(static_cast<std::uint64_t>(b.as_integer() / bucket_width) % buckets)};
    }
    static constexpr std::uint64_t buckets = 3;
    [[nodiscard]] static std::string bucket(std::uint64_t n) { return "g" + std::to_string(n); }
    /// Whoever is not a program of the server's.
    [[nodiscard]] std::size_t authors() const { return devices + tethers; }
    [[nodiscard]] bool is_tether(int author) const { return author >= 0 && static_cast<std::size_t>(author) >= devices; }
    [[nodiscard]] bool has(std::string_view key) const {
        for (const auto& k : keys)
            if (k == key) return true;
        return false;
    }
    /// Whether a decision may let an unseen value be overwritten: then it must be named by the policy or the resolver.
    [[nodiscard]] bool client_may_win() const {
        return resolver == "client_wins" || resolver == "last_write_wins" || overlap == overlap_policy::by_timestamp;
    }
    [[nodiscard]] std::string describe() const {
        std::string s{"resolver "};
        s.append(resolver).append(overlap == overlap_policy::by_field ? ", by field" : overlap == overlap_policy::by_row ? ", by row" : ", by timestamp");
        s.append(erases ? ", erases" : ", no erases").append(", keys");
        for (const auto& k : keys) s.append(" ").append(k);
        s.append(", devices");
        for (std::size_t i = 0; i < devices; ++i) s.append(" ").append(1, static_cast<char>('A' + i)).append(bundle_wire[i] ? "(bundle)" : "(mutation)").append(old_model[i] ? " without b" : "");
        for (std::size_t i = 0; i < tethers; ++i) s.append(" ").append(person[devices + i]).append(tethers_sync_whole ? "(Tether)" : "(Tether, push and pull apart)");
        s.append(one_principal ? " of one person" : "").append(!scoped ? "" : children_have_buckets ? ", all with buckets" : ", nodes with buckets").append(", pages of ").append(std::to_string(page_size)).append(", batches of ").append(std::to_string(batch_size));
        return s;
    }
    [[nodiscard]] syncline::resolver resolver_of() const {
        if (resolver == "client_wins") return resolvers::client_wins{};
        if (resolver == "field_merge") return resolvers::field_merge{};
        if (resolver == "last_write_wins") return resolvers::last_write_wins{};
        if (resolver == "park") return resolvers::defer_to_user{};
        return resolvers::server_wins{};
    }
};

}  // namespace simulation

#endif
