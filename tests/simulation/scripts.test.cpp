// Scripts of the simulation for users that found something, as it printed them.

#include <syncline/testing/simulation/simulate.hpp>

#include "simulation/notes_and_tags.hpp"
#include "support/catch.hpp"

namespace simulation_scripts_test {

using namespace syncline;
using simulation::notes_and_tags;
using testing::deed;

TEST_CASE("simulation scripts: a row under a parent that is being erased keeps its base while its own change is frozen") {
    auto setup = notes_and_tags();
    setup.wires = testing::simulated_wires::mutation;
    const auto report = testing::replay(setup, {321, {
        {deed::proceed, 93, 4}, {deed::proceed, 0, 0}, {deed::server_edit, 139, 0}, {deed::proceed, 222, 0}, {deed::proceed, 239, 0},
        {deed::edit, 72, 0}, {deed::proceed, 251, 0}, {deed::proceed, 151, 163}, {deed::proceed, 122, 0}, {deed::proceed, 202, 0},
        {deed::edit, 27, 3023101961}, {deed::disk_full, 64, 0}, {deed::proceed, 201, 0}, {deed::proceed, 107, 172}, {deed::proceed, 155, 0},
        {deed::disk_full, 207, 4273909071}, {deed::edit, 33, 35679}, {deed::proceed, 195, 0}, {deed::proceed, 128, 0}, {deed::edit, 230, 0},
        {deed::proceed, 208, 0}, {deed::proceed, 63, 0}, {deed::proceed, 44, 0}, {deed::proceed, 125, 19189}, {deed::proceed, 219, 0},
        {deed::proceed, 246, 0}, {deed::proceed, 203, 0}, {deed::proceed, 62, 0}, {deed::proceed, 30, 0}, {deed::proceed, 183, 0},
        {deed::server_edit, 183, 2667411639}, {deed::edit, 51, 86}, {deed::proceed, 21, 0}, {deed::proceed, 12, 0}, {deed::proceed, 166, 0},
        {deed::proceed, 187, 0}, {deed::proceed, 106, 0}, {deed::edit, 72, 205}, {deed::proceed, 102, 0}, {deed::proceed, 76, 0},
        {deed::edit, 142, 37989}, {deed::proceed, 213, 0}, {deed::proceed, 121, 0}, {deed::copy_device, 241, 0}, {deed::edit, 164, 2731526940},
        {deed::proceed, 89, 0}, {deed::proceed, 161, 0}, {deed::proceed, 225, 0}, {deed::copy_device, 92, 0}, {deed::server_edit, 237, 0},
        {deed::proceed, 26, 0}, {deed::proceed, 124, 202}, {deed::edit, 6, 2649493713}, {deed::back_up_server, 156, 0}, {deed::edit, 54, 3060717207},
        {deed::proceed, 214, 0}, {deed::proceed, 219, 0}, {deed::proceed, 104, 0}, {deed::proceed, 184, 0}, {deed::restore_server, 38, 0},
        {deed::proceed, 9, 0}, {deed::edit, 254, 1974364770}}});
    INFO(report.text());
    CHECK(report.passed());
}

}  // namespace simulation_scripts_test
