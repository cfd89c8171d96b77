#include <syncline/wire/bundle/client.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <string>

namespace client_weather_test {

using namespace bundle_fixture;

namespace {

struct weather {
    seeded_random dice;
    server_side server;
    std::vector<std::unique_ptr<device_side>> devices;
    std::int64_t points = 0;

    weather(std::uint64_t seed, const resolver& how) : dice(seed) {
        for (std::uint64_t i = 0; i < 3; ++i) {
            bundle_client_options o;
            o.batch_rows = 1 + dice.below(5);
            o.chunk_rows = 1 + dice.below(3);
            o.committed_page_rows = 1 + dice.below(3);
            o.page_bundles = 1 + dice.below(3);
            o.snapshot_page_rows = 1 + dice.below(3);
            devices.push_back(std::make_unique<device_side>(server, seed * 10 + i, resolver_set{how}, o));
            auto& d = *devices.back();
            d.line = [this](const request&) { return !dice.chance(1, 9) ? cut::none : dice.chance(1, 2) ? cut::request_lost : cut::answer_lost; };
        }
    }

    std::string some_key() { return std::string(1, static_cast<char>('a' + dice.below(4))); }

    void edit(device_side& d) {
        if (dice.chance(1, 3)) {
            // A record that is never erased: its points are the sum of what everybody added.
            auto row = d.row(task_key("sum"));
            if (!row) return;
            const auto more = static_cast<std::int64_t>(dice.below(9)) - 4;
            row->fields[2] = value::integer(row->fields[2].as_integer() + more);
            if (dice.chance(1, 3)) row->fields[0] = value::text(std::to_string(dice.next() % 100));
            points += more;
            return d.write(task_key("sum"), *row);
        }
        const std::string key = some_key();
        const auto p = project_key("p" + key);
        if (dice.chance(1, 4)) {
            if (dice.chance(1, 3) && d.row(p)) return d.erase(p);
            return d.write(p, a_project(std::to_string(dice.below(50))));
        }
        if (dice.chance(1, 5)) return d.erase(task_key(key));
        const auto under = project_key("p" + some_key());
        d.write(task_key(key), a_task(std::to_string(dice.below(50)), 0, d.row(under) ? std::optional{under.key} : std::nullopt));
    }

    void step() {
        server.now += std::chrono::milliseconds{dice.below(3'000)};
        auto& d = *devices[dice.below(devices.size())];
        if (dice.chance(1, 2)) return edit(d);
        if (dice.chance(1, 20)) return server.prune();
        if (dice.chance(1, 12)) return server.write(task_key(some_key()), a_task("foreign " + std::to_string(dice.below(50))));
        if (dice.chance(1, 5)) d.die_after = 1 + dice.below(9);
        const auto modes = {sync_mode::push_then_pull, sync_mode::push_then_pull, sync_mode::push_only, sync_mode::pull_only};
        (void)d.run(modes.begin()[dice.below(4)]);
        d.die_after.reset();
        d.sent.clear();
        d.got.clear();
    }
};

}  // namespace

TEST_CASE("bundle_client: in any weather, devices and server end with the same rows and every addition counts once") {
    const std::vector<std::pair<const char*, resolver>> all{{"server_wins", resolvers::server_wins{}}, {"client_wins", resolvers::client_wins{}}, {"field_merge", resolvers::field_merge{}}};
    for (const auto& [name, how] : all) {
        for (std::uint64_t seed = 1; seed <= 40; ++seed) {
            INFO(name << ", seed " << seed);
            weather w{seed, how};
            w.server.write(task_key("sum"), a_task("sum", 0));
            for (int i = 0; i < 120; ++i) w.step();
            for (auto& d : w.devices) d->line = [](const request&) { return cut::none; };
            for (int round = 0; round < 4; ++round)
                for (auto& d : w.devices) {
                    auto done = d->sync();
                    if (round == 3) {
                        INFO((done.why ? done.why->detail : std::string{}));
                        CHECK(done.ok());
                        CHECK(done.pushed == 0);
                    }
                }
            for (auto& d : w.devices) {
                CHECK(d->status().counts.open == 0);
                CHECK(d->status().counts.frozen == 0);
                CHECK(d->status().counts.quarantined == 0);
                CHECK(d->status().state.checkpoint == w.server.head());
                for (auto& k : must(d->engine->waiting(100, w.server.now))) must(d->engine->discard(k.key, w.server.now));
                for (const char* key : {"a", "b", "c", "d", "sum"}) {
                    INFO(key);
                    CHECK(text_of(d->row(task_key(key))) == text_of(w.server.row(task_key(key))));
                }
                for (const char* key : {"pa", "pb", "pc", "pd"}) CHECK(text_of(d->row(project_key(key))) == text_of(w.server.row(project_key(key))));
            }
            CHECK(w.server.row(task_key("sum"))->fields[2] == value::integer(w.points));
        }
    }
}

}  // namespace client_weather_test
