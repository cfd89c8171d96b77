// Every ordered pair of what two devices can do to one record offline, on both wires, with soft deletes at every party or at some.

#include "parties.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace pairs_test {

using namespace soft_deletes;

namespace {

enum class verb : std::uint8_t { create, update, trash, remove, force, restore };
constexpr std::array verbs{verb::create, verb::update, verb::trash, verb::remove, verb::force, verb::restore};
constexpr const char* name_of(verb v) {
    constexpr std::array<const char*, 6> names{"create", "update", "soft delete", "hard delete", "soft delete, then hard", "restore"};
    return names[static_cast<std::size_t>(v)];
}

void act(app_tables& app, verb v, const std::string& who) {
    switch (v) {
    case verb::create: return app.create("t", "made by " + who);
    case verb::update: return app.update("t", "changed by " + who);
    case verb::trash: return app.trash("t");
    case verb::remove: return app.remove("t");
    case verb::force:
        app.trash("t");
        return app.remove("t");
    case verb::restore: return app.restore("t", "back by " + who);
    }
}

struct setup {
    deletes server, first, second;
    wire_kind wires[2];
    bool client_wins;
};

// What each saw before it went offline: nothing (it creates), the row, or that the row is in the trash (it restores).
void run(const setup& s, verb a, verb b) {
    INFO("server " << (s.server == deletes::soft ? "soft" : "hard") << ", A " << (s.first == deletes::soft ? "soft" : "hard") << (s.wires[0] == wire_kind::bundle ? " bundle" : " mutation")
                   << " " << name_of(a) << ", B " << (s.second == deletes::soft ? "soft" : "hard") << (s.wires[1] == wire_kind::bundle ? " bundle" : " mutation") << " " << name_of(b)
                   << (s.client_wins ? ", client wins" : ", server wins"));
    common_clock clock;
    const resolver decides = s.client_wins ? resolver{resolvers::client_wins{}} : resolver{resolvers::server_wins{}};
    office server{s.server, decides, clock};
    device devices[2]{{s.first, s.wires[0], decides, server, clock, 1}, {s.second, s.wires[1], decides, server, clock, 2}};
    const verb doing[2]{a, b};
    if (a != verb::create || b != verb::create) server.app.create("t", "start");
    for (int i : {0, 1})
        if (doing[i] != verb::create) done(devices[i].sync());
    if (a == verb::restore || b == verb::restore) {
        server.app.trash("t");
        for (int i : {0, 1})
            if (doing[i] == verb::restore) done(devices[i].sync());
    }
    act(devices[0].app, a, "A");
    act(devices[1].app, b, "B");
    for (int round = 0; round < 3; ++round)
        for (auto& d : devices) done(d.sync());
    const std::string rows = server.app.live();
    for (auto& d : devices) {
        CHECK(d.app.live() == rows);
        const auto status = d.status();
        CHECK(status.counts.open + status.counts.frozen + status.counts.quarantined == 0);
        // A resolver that decides leaves nothing to a person.
        CHECK(status.counts.waiting == 0);
        // What was absent for sync did not become a row in the trash and stay a live one, or the other way round.
        if (rows.empty()) CHECK(d.app.live().empty());
    }
    // Where nobody wanted the record any more, it is gone; where only a create or a restore was meant, it is there.
    const auto erases = [](verb v) { return v == verb::trash || v == verb::remove || v == verb::force; };
    if (erases(a) && erases(b)) CHECK(rows.empty());
    const auto makes = [](verb v) { return v == verb::create || v == verb::restore; };
    if (makes(a) && makes(b)) CHECK_FALSE(rows.empty());
}

void all_pairs(wire_kind first, wire_kind second) {
    using enum deletes;
    const std::array<std::array<deletes, 3>, 4> mixes{{{soft, soft, soft}, {soft, hard, soft}, {hard, soft, soft}, {soft, soft, hard}}};
    for (const auto& mix : mixes)
        for (const bool client_wins : {false, true})
            for (const verb a : verbs)
                for (const verb b : verbs) run({mix[0], mix[1], mix[2], {first, second}, client_wins}, a, b);
}

}  // namespace

TEST_CASE("soft deletes: every ordered pair of changes of one record converges on the mutation wire (W19)", "[wire]") {
    all_pairs(wire_kind::mutation, wire_kind::mutation);
}

TEST_CASE("soft deletes: every ordered pair of changes of one record converges on the bundle wire (W19)", "[wire]") {
    all_pairs(wire_kind::bundle, wire_kind::bundle);
}

TEST_CASE("soft deletes: every ordered pair of changes of one record converges across the wires (W19)", "[wire]") {
    all_pairs(wire_kind::mutation, wire_kind::bundle);
}

}  // namespace pairs_test
