// Devices on a foreign server under random weather: every intent is settled or waits, queues empty, tables come to agree, nothing is applied twice,
// and what nobody overlapped is there in the end.

#include <syncline/wire/mutation/client.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"
#include "wire/mutation/foreign_world.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace foreign_property_test {

using namespace foreign_tests;

namespace {

const std::vector<std::string> all{"T1", "T2", "T3", "C1", "C2"};

struct weather {
    std::uint64_t lost_requests = 0, lost_answers = 0, errors = 0, refusals = 0, server_writes = 0;  // of 100
};

struct history {
    history(std::uint64_t seed, weather w) : random(seed), around(w), server(server_models(), drawn(random)) {
        for (const char* name : {"a", "b", "c"}) {
            devices.push_back(std::make_unique<device>(server, name));
            devices.back()->skew = std::chrono::seconds{static_cast<std::int64_t>(random.below(7200)) - 3600};
        }
        server.reject = [this](const json&) -> std::optional<json> {
            if (random.chance(around.errors, 100)) return json{{"reason", "error"}};
            if (random.chance(around.refusals, 100)) return json{{"reason", "validation_failed"}, {"data", nullptr}};
            return std::nullopt;
        };
    }
    static tether::server_options drawn(seeded_random& random) {
        tether::server_options o;
        o.strict_duplicates = random.chance(1, 2);
        o.tells_key = random.chance(1, 2);
        o.tells_updated_at = random.chance(3, 4);
        o.tells_date = random.chance(3, 4);
        o.tells_state = random.chance(7, 8);
        return o;
    }

    void edit(device& d) {
        const std::string key = all[random.below(all.size())];
        const std::string text = "v" + std::to_string(++written);
        const auto there = d.at(key);
        if (key[0] == 'C') {
            if (!there && d.at("T1"))
                d.write(key, comment(text, "T1"));
            else if (there && random.chance(1, 4))
                d.erase(key);
            else if (there)
                d.set(key, 0, value::text(text));
        } else if (!there) {
            d.write(key, task(text));
        } else if (key == "T3" && random.chance(1, 5)) {
            d.erase(key);
        } else if (random.chance(1, 3)) {
            d.set(key, 2, value::boolean(!there->fields[2].is_null() && !there->fields[2].as_boolean()));
        } else {
            d.set(key, random.below(2), value::text(text));
        }
    }

    void write_on_server() {
        const std::string key = random.chance(1, 2) ? "T1" : "T2";
        if (!server.row("Task", key)) return server.write("Task", key, task_json("s" + std::to_string(++written)));
        server.write("Task", key, json{{random.chance(1, 2) ? "title" : "body", "s" + std::to_string(++written)}});
    }

    void sync(device& d, bool calm) {
        const auto mode = calm || random.chance(3, 4) ? sync_mode::push_then_pull : random.chance(1, 2) ? sync_mode::push_only : sync_mode::pull_only;
        d.between = [&, calm] {
            server.now += std::chrono::milliseconds{static_cast<std::int64_t>(random.below(1500))};
            if (!calm && random.chance(1, 5)) edit(d);
            if (!calm && random.chance(around.server_writes, 100)) write_on_server();
        };
        const auto report = d.sync(mode, [&](const request& r) -> result<response> {
            if (!calm && random.chance(around.lost_requests, 100)) return make_fault(errc::unavailable, "lost");
            auto answer = server(r);
            if (!calm && random.chance(around.lost_answers, 100)) return make_fault(errc::timed_out, "lost");
            return answer;
        });
        d.between = {};
        if (calm) CHECK(report.ok());
        d.check(all);
    }

    seeded_random random;
    weather around;
    tether::server server;
    std::vector<std::unique_ptr<device>> devices;
    int written = 0;
};

std::uint64_t seeds() {
    return (std::min<std::uint64_t>)(300, test_support::wanted_seeds());  // those of the simulation are more, and shorter
}

void live(history& h) {
    for (int step = 0; step < 40; ++step) {
        h.server.now += std::chrono::milliseconds{static_cast<std::int64_t>(h.random.below(5000))};
        device& d = *h.devices[h.random.below(h.devices.size())];
        if (h.random.chance(1, 2))
            h.edit(d);
        else
            h.sync(d, false);
    }
}

// The weather clears; what waits for a person is given up; every device syncs until nobody has news.
void calm_down(history& h) {
    h.around = {};
    for (int round = 0; round < 6; ++round)
        for (auto& d : h.devices) {
            h.server.now += 2s;
            for (const auto& waits : d->waiting()) lab_must(d->engine.discard(waits.key, d->now()));
            h.sync(*d, true);
        }
}

}  // namespace

TEST_CASE("foreign server: after any weather the queues are empty, every table is the server's, and nothing took effect twice", "[wire]") {
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        INFO("seed " << seed);
        history h{seed, {10, 10, 10, 3, 10}};
        live(h);
        calm_down(h);
        for (auto& d : h.devices) {
            const auto counts = d->status().counts;
            CHECK(counts.open == 0);
            CHECK(counts.frozen == 0);
            CHECK(counts.waiting == 0);
            CHECK(counts.quarantined == 0);
            CHECK(counts.unread == 0);
            for (const auto& key : all) {
                INFO(d->name << " " << key);
                CHECK(d->at(key) == row_of(h.server, key));
            }
        }
        for (const auto& [id, times] : h.server.applied) REQUIRE(times == 1);
    }
}

TEST_CASE("foreign server: writers of different fields lose nothing to each other, whatever their clocks say (W01 W03 W04)", "[wire]") {
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        INFO("seed " << seed);
        history h{seed, {10, 10, 5, 0, 0}};
        // What no device can help: a server without a Date header is judged by the device's own clock (W03), and two writes within one second have
        // one time (W05).
        h.server.options.tells_state = h.server.options.tells_date = true;
        h.server.write("Task", "T1", task_json("start", "start"));
        for (auto& d : h.devices) h.sync(*d, true);
        std::string last[2] = {"start", "start"};
        for (int step = 0; step < 25; ++step) {
            h.server.now += std::chrono::milliseconds{static_cast<std::int64_t>(h.random.below(4000))};
            const std::size_t who = h.random.below(2);
            device& d = *h.devices[who];
            if (h.random.chance(1, 2)) {
                last[who] = "v" + std::to_string(step);
                d.set("T1", who, value::text(last[who]));
                continue;
            }
            d.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
                if (h.random.chance(1, 10)) return make_fault(errc::unavailable, "lost");
                auto answer = h.server(r);
                h.server.now += std::chrono::milliseconds{1000 + static_cast<std::int64_t>(h.random.below(900))};
                if (h.random.chance(1, 10)) return make_fault(errc::timed_out, "lost");
                return answer;
            });
            d.check(all);
        }
        h.around = {};
        for (int round = 0; round < 6; ++round)
            for (auto& d : h.devices) {
                h.server.now += 2s;
                for (const auto& waits : d->waiting()) lab_must(d->engine.retry(waits.key, d->now()));
                h.sync(*d, true);
            }
        CHECK(row_of(h.server, "T1") == task(last[0], last[1]));
        for (auto& d : h.devices) CHECK(d->at("T1") == row_of(h.server, "T1"));
    }
}

TEST_CASE("foreign server: with an exclusive cursor in whole seconds a device may stay behind, and building anew cures it (W10 W11)", "[wire]") {
    for (std::uint64_t seed = 1; seed <= seeds() / 3; ++seed) {
        INFO("seed " << seed);
        history h{seed, {5, 5, 5, 0, 10}};
        h.server.options.inclusive_cursor = false;
        live(h);
        calm_down(h);
        for (auto& d : h.devices) {
            lab_must(d->engine.begin_hydration(d->now()));
            h.sync(*d, true);
        }
        for (auto& d : h.devices)
            for (const auto& key : all) {
                INFO(d->name << " " << key);
                CHECK(d->at(key) == row_of(h.server, key));
            }
    }
}

}  // namespace foreign_property_test
