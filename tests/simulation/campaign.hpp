#ifndef SYNCLINE_TESTS_SIMULATION_CAMPAIGN_HPP
#define SYNCLINE_TESTS_SIMULATION_CAMPAIGN_HPP

// What a campaign of the simulation must show: no violation, and that enough happened.

#include "simulation/seeds.hpp"
#include "simulation/settings.hpp"
#include "simulation/world.hpp"
#include "support/catch.hpp"

#include <cstdint>

namespace simulation {

/// Runs this campaign's share of the seeds (`run_seeds`), and fails on a violation or when too little happened.
template <class Lab>
void campaign(const char* name, wire_mix mix, std::uint64_t share, std::uint64_t most = all_of_them) {
    const auto ran = run_seeds<world<Lab>, statistics>(name, mix, share, most);
    const statistics& counts = ran.counts;
    const std::uint64_t count = ran.count;
    CHECK(ran.failures == 0);
    if (ran.one_alone) return;
    if (Lab::has_trash && count >= 40) {
        const bool fewer = mix == wire_mix::legacy;  // half of the edits are made at Tether's clients
        CHECK((fewer ? 2 : 1) * counts.soft_deletes >= count);
        CHECK((fewer ? 8 : 2) * counts.restores >= count);
        CHECK(10 * counts.purges >= count);
    }
    if (Lab::can_migrate && mix == wire_mix::skew && count >= 40) CHECK(4 * counts.migrations >= count);
    if (count < 200) return;
    // Per hundred seeds. A run in which too little happened shows nothing.
    const bool mutation = mix != wire_mix::bundle, bundle = mix == wire_mix::bundle || mix == wire_mix::mixed;
    const auto floor = [&](const char* what, std::uint64_t happened, std::uint64_t wanted) {
        INFO(name << ": " << what << " " << happened << ", wanted " << wanted * count / 100);
        CHECK(happened * 100 >= wanted * count);
    };
    floor("edits", counts.edits, 1000);
    floor("conflicts", counts.conflicts, 200);
    floor("rebases under flight", counts.rebases_under_flight, mutation ? 12 : 3);
    floor("answers lost", counts.answers_lost, 150);
    floor("duplicates", counts.duplicates, 300);
    floor("device crashes", counts.device_crashes, 150);
    floor("server crashes", counts.server_crashes, 30);
    floor("crashes during hydration", counts.crashes_in_hydration, 15);
    floor("second copies after a refusal", counts.second_copies_after_refusal, 100);
    if (mutation) floor("answers lost, then a pull", counts.pulls_after_lost_answer, 50);
    if (bundle) floor("answers lost, then asked again", counts.asked_again_after_lost_answer, 4);
    floor("decisions of persons", counts.person_decisions, 3);
    if (mix == wire_mix::legacy) {
        floor("edits at Tether's clients", counts.tether_edits, 500);
        floor("their syncs", counts.tether_syncs, 500);
    }
    if (mix == wire_mix::grants) {
        floor("grants changed", counts.grant_changes, 300);
        floor("removals from view", counts.removals, 300);
        floor("changes that left the view", counts.out_of_view_waits, 30);
        floor("changes that returned", counts.returns_to_view, 15);
        floor("writes refused unseen", counts.writes_refused_unseen, 40);
        floor("views compared", counts.views_compared, 1000);
    }
}

}  // namespace simulation

#endif
