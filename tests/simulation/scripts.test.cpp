// Scripts of the simulation for users that found something, as it printed them.

#include <syncline/conflict/resolvers.hpp>
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
    setup.resolved_by(resolvers::last_write_wins{});
    const auto report = testing::replay(setup, {2004070, {
        {deed::edit, 171, 191}, {deed::proceed, 43, 64156}, {deed::proceed, 120, 320464637}, {deed::proceed, 148, 0},
        {deed::server_edit, 173, 2584902907}, {deed::proceed, 139, 0}, {deed::proceed, 23, 38}, {deed::edit, 172, 0},
        {deed::proceed, 68, 0}, {deed::proceed, 152, 0}, {deed::proceed, 38, 0}, {deed::edit, 131, 2647718440}, {deed::proceed, 85, 0},
        {deed::proceed, 47, 254}, {deed::proceed, 203, 0}, {deed::server_edit, 24, 0}, {deed::deliver_any, 215, 0}, {deed::proceed, 146, 0},
        {deed::deliver_any, 106, 0}, {deed::proceed, 74, 0}, {deed::edit, 182, 0}, {deed::proceed, 154, 68}, {deed::proceed, 8, 0},
        {deed::proceed, 73, 0}, {deed::deliver_any, 111, 0}, {deed::proceed, 220, 0}, {deed::proceed, 217, 0}, {deed::proceed, 190, 0},
        {deed::proceed, 157, 0}, {deed::proceed, 92, 0}, {deed::server_edit, 50, 2696608252}, {deed::deliver_any, 179, 0},
        {deed::edit, 232, 3213134168}, {deed::proceed, 92, 125}, {deed::proceed, 223, 0}, {deed::proceed, 214, 2987268055},
        {deed::edit, 247, 627954352}, {deed::crash_in_call, 253, 3326158108}, {deed::server_edit, 73, 4037677839},
        {deed::proceed, 5, 3137879518}, {deed::proceed, 148, 2911930197}, {deed::proceed, 177, 972829597}, {deed::proceed, 126, 30411},
        {deed::deliver_any, 188, 1146291042}, {deed::deliver_any, 177, 34253633}, {deed::proceed, 237, 2157758963},
        {deed::proceed, 168, 2304673823}, {deed::server_edit, 126, 1307026706}, {deed::proceed, 165, 2564233301},
        {deed::proceed, 202, 655812461}, {deed::proceed, 172, 562437719}, {deed::proceed, 109, 1266407874}, {deed::proceed, 64, 0},
        {deed::prune, 44, 3246077150}, {deed::proceed, 1, 471522810}, {deed::edit, 52, 2663411416}, {deed::proceed, 193, 4274962517},
        {deed::change_program, 139, 3203214965}, {deed::server_edit, 133, 3886347727}, {deed::heal, 229, 607795219},
        {deed::edit, 108, 916793926}, {deed::server_disk_full, 86, 3302027882}, {deed::proceed, 53, 4056885162},
        {deed::proceed, 26, 4075440500}, {deed::proceed, 218, 4266809092}, {deed::proceed, 219, 2745951722},
        {deed::proceed, 106, 1750127395}, {deed::deliver_any, 213, 0}, {deed::server_edit, 117, 3698605342}, {deed::proceed, 52, 0},
        {deed::edit, 100, 2610205081}}});
    INFO(report.text());
    CHECK(report.passed());
}

TEST_CASE("simulation scripts: whose record leaves the view before the answer is heard is told that the change met others") {
    auto setup = notes_and_tags();
    setup.wires = testing::simulated_wires::mutation;
    simulation::give_buckets(setup);
    const auto report = testing::replay(setup, {5000580, {
        {deed::proceed, 186, 154}, {deed::proceed, 32, 31442}, {deed::proceed, 210, 0}, {deed::proceed, 216, 0}, {deed::server_edit, 25, 4181408465},
        {deed::edit, 202, 3869479833}, {deed::server_io_error, 36, 0}, {deed::edit, 155, 0}, {deed::server_edit, 135, 18770},
        {deed::edit, 142, 2940180925}, {deed::proceed, 176, 0}, {deed::proceed, 71, 0}, {deed::proceed, 81, 0}, {deed::proceed, 210, 2276915477},
        {deed::edit, 222, 1109397451}, {deed::disk_full, 45, 62057}, {deed::edit, 62, 2342881521}, {deed::proceed, 81, 0}, {deed::proceed, 206, 0},
        {deed::edit, 207, 0}, {deed::proceed, 239, 0}, {deed::edit, 33, 49}, {deed::deliver_any, 121, 1575882877}, {deed::edit, 46, 2280697282},
        {deed::proceed, 101, 4014937273}, {deed::grant, 123, 2640753043}, {deed::edit, 75, 60894}, {deed::proceed, 204, 984475147},
        {deed::proceed, 21, 0}, {deed::deliver_any, 52, 0}, {deed::crash_server_in_call, 234, 0}, {deed::lose_answer, 42, 0},
        {deed::proceed, 108, 804400268}, {deed::proceed, 102, 0}, {deed::server_no_memory, 111, 63959}, {deed::proceed, 56, 0},
        {deed::proceed, 98, 0}, {deed::edit, 83, 88}, {deed::proceed, 237, 0}, {deed::edit, 57, 2}, {deed::proceed, 14, 0}, {deed::proceed, 191, 0},
        {deed::proceed, 45, 137761854}, {deed::crash_server_in_call, 50, 2268958575}, {deed::proceed, 76, 0}, {deed::proceed, 149, 0},
        {deed::deliver_any, 101, 226}, {deed::proceed, 243, 0}, {deed::proceed, 15, 0}, {deed::proceed, 251, 0}, {deed::proceed, 34, 0},
        {deed::edit, 225, 243}, {deed::edit, 212, 1484252658}, {deed::proceed, 247, 0}, {deed::proceed, 190, 0}, {deed::prune, 168, 236},
        {deed::edit, 95, 557706991}, {deed::edit, 171, 2387759689}, {deed::edit, 131, 2966482991}, {deed::edit, 23, 3487970473},
        {deed::edit, 50, 888786772}, {deed::proceed, 3, 0}, {deed::server_edit, 146, 1912587927}, {deed::edit, 81, 1932824422},
        {deed::edit, 197, 2598170292}, {deed::edit, 17, 1301809726}, {deed::proceed, 255, 0}, {deed::proceed, 123, 0}, {deed::edit, 24, 3524275645},
        {deed::proceed, 27, 0}, {deed::proceed, 36, 0}, {deed::server_edit, 233, 1123436852}, {deed::proceed, 252, 0},
        {deed::proceed, 15, 3853320589}, {deed::edit, 102, 1316713618}, {deed::server_edit, 11, 2522940539}, {deed::edit, 16, 4121673985},
        {deed::edit, 188, 674181566}, {deed::edit, 51, 3947736226}, {deed::proceed, 87, 1838379105}, {deed::server_edit, 71, 10724},
        {deed::edit, 191, 1085041743}, {deed::proceed, 183, 0}, {deed::edit, 27, 2468158093}, {deed::edit, 108, 1402019861}, {deed::proceed, 195, 0},
        {deed::revoke, 129, 3677303449}, {deed::edit, 25, 1859231155}, {deed::edit, 87, 0}, {deed::edit, 50, 993126572},
        {deed::edit, 150, 2983618769}, {deed::edit, 71, 913219537}, {deed::edit, 180, 886602866}, {deed::proceed, 114, 92377806},
        {deed::proceed, 84, 0}, {deed::proceed, 42, 1250913980}, {deed::edit, 101, 2307084631}, {deed::edit, 121, 2391922622},
        {deed::edit, 73, 2155059534}, {deed::edit, 48, 879516238}, {deed::edit, 116, 2547341789}, {deed::edit, 173, 1140617875},
        {deed::proceed, 219, 21981}, {deed::edit, 6, 19580831}, {deed::proceed, 117, 3003069321}, {deed::proceed, 33, 669439972},
        {deed::proceed, 165, 308855550}, {deed::edit, 174, 2248434344}, {deed::edit, 129, 2206074499}, {deed::edit, 252, 3029998590},
        {deed::proceed, 243, 2958075688}, {deed::server_edit, 211, 1771326950}, {deed::edit, 193, 2752830206}, {deed::crash, 21, 1666979566},
        {deed::edit, 235, 4217455960}, {deed::edit, 225, 420121354}, {deed::edit, 156, 3541150916}, {deed::edit, 14, 1433000335},
        {deed::proceed, 138, 48456}, {deed::proceed, 189, 1588085590}, {deed::proceed, 219, 925977868}, {deed::proceed, 129, 0},
        {deed::proceed, 188, 3063153621}, {deed::proceed, 239, 394383982}, {deed::reuse_source, 184, 2895915299}, {deed::edit, 138, 963718211},
        {deed::edit, 97, 2027398306}, {deed::edit, 191, 1230867230}, {deed::proceed, 24, 3223650806}, {deed::edit, 82, 1016952895},
        {deed::server_edit, 117, 2082508340}, {deed::crash, 232, 2551055723}, {deed::edit, 243, 4235417113}, {deed::edit, 56, 4121398140},
        {deed::edit, 245, 2754699484}, {deed::edit, 53, 2284362991}, {deed::proceed, 104, 1}, {deed::edit, 94, 864771283}, {deed::proceed, 232, 0},
        {deed::edit, 12, 4151458539}, {deed::proceed, 52, 0}, {deed::server_edit, 142, 3993062161}, {deed::edit, 8, 4204901596},
        {deed::server_edit, 33, 1326815780}}});
    INFO(report.text());
    CHECK(report.passed());
}

}  // namespace simulation_scripts_test
