#include <syncline/change/incarnation.hpp>

#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/bundle/server.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace restore_test {

// ENGINE.md rule 10: a server that was restored from a backup. Devices of both wires on one server over a line that loses requests and
// answers; at some point the data go back to an earlier copy and the operator begins a new incarnation.

namespace {

using namespace syncline;
using namespace simulation;
using namespace std::chrono_literals;

const std::vector<std::string> keys{"T", "T2", "P", "C1", "C2"};
constexpr field_index field_n = 2;  // a counter

struct server_side {
    explicit server_side(resolver by) : how(std::move(by)), store(lab.make_authority()) { start(); }
    void start() {
        authority_options o;
        o.resolvers = resolver_set{how};
        engine = std::make_unique<authority<memory_authority_store>>(*store, std::move(o));
        mutation = std::make_unique<mutation_server<authority<memory_authority_store>>>(*engine);
        bundle = std::make_unique<bundle_server<authority<memory_authority_store>>>(*engine);
    }
    /// Puts the data back to @p backup, begins a new incarnation, and starts again.
    void restore(const memory_authority_store& backup) {
        *store = backup.copy();
        start();
        lab_must(engine->begin_incarnation("second", now));
    }
    response handle(const request& r) {
        const principal who{"ann", "main"};
        return r.path.starts_with("/tether") ? mutation->handle(r, who, now) : bundle->handle(r, who, now, random);
    }
    std::optional<record> row(const std::string& key) { return lab.server_row(*store, key_named(key)); }

    resolver how;
    memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_authority_store> store;
    std::unique_ptr<authority<memory_authority_store>> engine;
    std::unique_ptr<mutation_server<authority<memory_authority_store>>> mutation;
    std::unique_ptr<bundle_server<authority<memory_authority_store>>> bundle;
    seeded_random random{99};
    timestamp now = from_microseconds(1'700'000'000'000'000);
};

struct device {
    using engine_type = replica<memory_replica_store>;

    device(server_side& s, seeded_random& dice, std::string called, bool numbered, const resolver& how)
        : server(s), name(std::move(called)), store(s.lab.make_replica(name)), engine(*store, resolver_set{how}), random(dice.next()) {
        if (numbered) {
            bundle_client_options o;
            o.batch_rows = 1 + dice.below(4);
            o.page_bundles = 1 + dice.below(3);
            o.backoff_after_failure.first = 1us;
            wire.emplace<bundle_client<engine_type>>(engine, o);
        } else {
            mutation_client_options o;
            o.batch_size = 1 + dice.below(4);
            o.page_size = 1 + dice.below(3);
            o.backoff_after_failure.first = 1us;
            wire.emplace<mutation_client<engine_type>>(engine, o);
        }
        lab_must(engine.open(random, s.now));
    }
    std::optional<record> row(const std::string& key) { return server.lab.device_row(*store, key_named(key)); }

    /// One sync; @p loses says what the line does to each request: 0 nothing, 1 the request is lost, 2 the answer is.
    template <class Loses>
    sync_result sync(Loses loses) {
        return std::visit([&](auto& w) -> sync_result {
            if constexpr (std::is_same_v<std::decay_t<decltype(w)>, std::monostate>) {
                return {};
            } else {
                w.start(sync_mode::push_then_pull);
                for (int steps = 0; steps < 20'000; ++steps) {
                    auto step = lab_must(w.next(server.now, random));
                    if (auto* done = std::get_if<done_step>(&step)) return done->report;
                    if (auto* wait = std::get_if<wait_step>(&step)) {
                        server.now = wait->until;
                        continue;
                    }
                    auto& send = std::get<send_step>(step);
                    const int lost = loses();
                    result<response> answer = make_fault(errc::timed_out, "no answer in time");
                    if (lost != 1) {
                        response got = server.handle(send.what);
                        if (lost == 0) answer = std::move(got);
                    }
                    server.now += 1ms;
                    lab_must(w.on(send.token, answer, server.now, random));
                }
                throw std::runtime_error("the sync does not end");
            }
        }, wire);
    }
    sync_result sync() { return sync([] { return 0; }); }

    server_side& server;
    std::string name;
    std::unique_ptr<memory_replica_store> store;
    engine_type engine;
    std::variant<std::monostate, mutation_client<engine_type>, bundle_client<engine_type>> wire;
    seeded_random random;
};

std::int64_t count_of(const std::optional<record>& r) { return r ? r->fields[field_n].as_integer() : 0; }

struct world {
    world(std::uint64_t seed, const resolver& how) : dice(seed), server(how) {
        for (int i = 0; i < 3; ++i)
            devices.push_back(std::make_unique<device>(server, dice, std::string(1, static_cast<char>('a' + i)), i == 0 || (i == 1 && dice.chance(1, 2)), how));
        server.lab.server_write(*server.store, key_named("T"), blank("T"));
        for (auto& d : devices) d->sync();
    }
    static record blank(const std::string& key) {
        record r{{value::integer(0), value::integer(0), value::integer(0), value::integer(0), value{}}};
        if (key_named(key).model == child_model) r.fields.push_back(value::text("P"));
        return r;
    }
    // T is never erased: its counter tells which additions took effect, and how often.
    void edit(device& d) {
        const std::string& key = keys[dice.below(keys.size())];
        auto r = d.row(key);
        if (key != "T" && r && dice.chance(1, 4)) return server.lab.device_erase(*d.store, key_named(key));
        if (key_named(key).model == child_model && !d.row("P")) return;
        if (!r) r = blank(key);
        if (key == "T" && dice.chance(1, 2)) {
            r->fields[field_n] = value::integer(count_of(r) + 1);
            ++additions;
        } else {
            r->fields[dice.below(2)] = value::integer(static_cast<std::int64_t>(dice.below(1000)));
        }
        server.lab.device_write(*d.store, key_named(key), *r);
    }
    void step() {
        server.now += std::chrono::milliseconds{dice.below(3'000)};
        auto& d = *devices[dice.below(devices.size())];
        if (dice.chance(1, 2)) return edit(d);
        if (dice.chance(1, 10)) {
            auto r = server.row("T2");
            if (!r) r = blank("T2");
            r->fields[0] = value::integer(static_cast<std::int64_t>(dice.below(1000)));
            return server.lab.server_write(*server.store, key_named("T2"), *r);
        }
        (void)d.sync([&] { return dice.chance(1, 5) ? 1 + static_cast<int>(dice.below(2)) : 0; });
    }
    /// What @p d has added to T's counter and the server, as it is now, has not: its layers, without those that a receipt answers.
    std::int64_t unsettled(device& d) {
        lab_must(d.engine.absorb(server.now));
        auto t = lab_must(d.store->begin());
        const auto diff = [](const std::optional<intent>& i) {
            if (!i || !i->before) return std::int64_t{0};
            const value* to = i->changes.find(field_n);
            return to == nullptr ? 0 : to->as_integer() - i->before->fields[field_n].as_integer();
        };
        std::int64_t out = diff(lab_must(t.open_intent(key_named("T"))));
        const auto frozen = lab_must(t.frozen(key_named("T")));
        if (!frozen) return out;
        const auto b = lab_must(t.current_batch());
        const auto source = lab_must(t.state()).source_id;
        auto s = lab_must(server.store->begin("main", access::snapshot));
        const bool answered = b->source_bundle_id != 0 ? lab_must(s.find_bundle_receipt(source, b->source_bundle_id)).has_value()
                                                       : lab_must(s.find_receipt("ann", frozen->id)).has_value();
        return answered ? out : out + diff(frozen->what);
    }

    seeded_random dice;
    server_side server;
    std::vector<std::unique_ptr<device>> devices;
    std::int64_t additions = 0;
};

struct held_row {
    std::int64_t version = 0;
    std::optional<record> row;
};

}  // namespace

TEST_CASE("restore: devices notice a server that was restored from a backup, lose nothing that they had not sent, and report what is gone (W16)") {
    const std::vector<std::pair<const char*, resolver>> all{{"server_wins", resolvers::server_wins{}}, {"client_wins", resolvers::client_wins{}}, {"field_merge", resolvers::field_merge{}}};
    std::size_t reported = 0;
    std::size_t pending = 0;
    for (const auto& [name, how] : all) {
        for (std::uint64_t seed = 1; seed <= 60; ++seed) {
            INFO(name << ", seed " << seed);
            world w{seed, how};
            for (auto n = w.dice.below(40); n > 0; --n) w.step();
            const auto backup = w.server.store->copy();
            for (auto n = 5 + w.dice.below(40); n > 0; --n) w.step();
            const auto before = lab_must(w.server.engine->head("main"));
            w.server.restore(backup);
            const auto restored = lab_must(w.server.engine->head("main"));
            REQUIRE(restored.epoch == "second");
            REQUIRE(restored.lost.size() == 1);

            std::int64_t expected = count_of(w.server.row("T"));
            std::vector<std::map<std::string, held_row>> lost(w.devices.size());
            for (std::size_t i = 0; i < w.devices.size(); ++i) {
                const auto unsent = w.unsettled(*w.devices[i]);
                expected += unsent;
                pending += unsent != 0 ? 1 : 0;
                for (const auto& key : keys)
                    if (const auto base = base_of(*w.devices[i]->store, key_named(key)); is_lost_seq(restored.lost, base.version))
                        lost[i][key] = {base.version, base.row};
            }
            const auto so_far = w.additions;
            for (auto n = w.dice.below(30); n > 0; --n) w.step();
            expected += w.additions - so_far;

            for (int round = 0; round < 5; ++round)
                for (auto& d : w.devices) {
                    const auto done = d->sync();
                    if (round == 4) {
                        INFO("device " << d->name << ": " << (done.why ? done.why->detail : std::string{}));
                        CHECK(done.ok());
                    }
                }
            const auto after = lab_must(w.server.engine->head("main"));
            CHECK((after.seq == restored.seq || after.seq > before.seq));
            CHECK((after.stamp == restored.stamp || after.stamp > before.stamp));
            CHECK(count_of(w.server.row("T")) == expected);
            for (std::size_t i = 0; i < w.devices.size(); ++i) {
                auto& d = *w.devices[i];
                INFO("device " << d.name);
                for (const auto& waits : lab_must(d.engine.waiting(100, w.server.now))) {
                    CHECK(waits.waiting->code != errc::maybe_sent);  // nobody was copied, and the device knows what is lost
                    lab_must(d.engine.discard(waits.key, w.server.now));
                }
                const auto status = lab_must(d.engine.status(w.server.now));
                CHECK(status.counts.open + status.counts.frozen == 0);
                CHECK(status.state.epoch == "second");
                for (const auto& key : keys) {
                    INFO(key);
                    CHECK(d.row(key) == w.server.row(key));
                    CHECK_FALSE(is_lost_seq(restored.lost, base_of(*d.store, key_named(key)).version));
                }
                for (const auto& gone : lab_must(d.engine.lost_by_restore(100, w.server.now))) {
                    ++reported;
                    REQUIRE(lost[i].contains(gone.key.key));
                    CHECK(gone.version == lost[i][gone.key.key].version);
                    CHECK(gone.row == lost[i][gone.key.key].row);
                    lab_must(d.engine.dismiss_lost(gone.key, w.server.now));
                }
                CHECK(lab_must(d.engine.lost_by_restore(100, w.server.now)).empty());
            }
        }
    }
    CHECK(reported > 100);
    CHECK(pending > 30);
}

TEST_CASE("restore: a row that a device had been told of and the backup does not have is taken away and reported, and never sent again by itself (W16)") {
    for (const bool numbered : {false, true}) {
        INFO((numbered ? "bundle wire" : "mutation wire"));
        world w{numbered ? 7u : 8u, resolvers::server_wins{}};
        seeded_random dice{3};
        device d{w.server, dice, "d", numbered, resolvers::server_wins{}};
        d.sync();
        const auto backup = w.server.store->copy();
        w.server.lab.device_write(*d.store, key_named("T2"), world::blank("T2"));
        CHECK(d.sync().pushed == 1);
        w.server.lab.device_write(*d.store, key_named("P"), world::blank("P"));  // not sent yet
        const auto source = lab_must(d.engine.status(w.server.now)).state.source_id;

        w.server.restore(backup);
        const auto done = d.sync();
        CHECK(done.ok());
        CHECK(done.hydrated);
        CHECK(done.lost == 1);
        CHECK_FALSE(d.row("T2"));
        CHECK_FALSE(w.server.row("T2"));
        CHECK(w.server.row("P").has_value());
        const auto gone = lab_must(d.engine.lost_by_restore(10, w.server.now));
        REQUIRE(gone.size() == 1);
        CHECK(gone[0].key == key_named("T2"));
        REQUIRE(gone[0].row);
        CHECK(gone[0].row->fields[0] == value::integer(0));
        const auto status = lab_must(d.engine.status(w.server.now));
        CHECK(status.counts.lost == 1);
        CHECK(status.state.source_id != source);
        CHECK(d.sync().lost == 0);
    }
}

TEST_CASE("restore: a legacy cursor of the lost timeline is refused with a typed error, on both wires") {
    world w{1, resolvers::server_wins{}};
    const auto backup = w.server.store->copy();
    server_side& s = w.server;
    s.lab.server_write(*s.store, key_named("T2"), world::blank("T2"));
    lab_must(s.engine->seal_foreign("main", s.now));
    const auto ahead = lab_must(s.engine->head("main"));
    s.restore(backup);
    const caller legacy{"main", "ann", "old"};
    const auto check = [&] {
        pull_query q;
        q.from = ahead.stamp;
        const auto pulled = s.engine->pull(legacy, q, s.now);
        REQUIRE_FALSE(pulled);
        CHECK(pulled.error().code == errc::history_pruned);
        const auto bundles = s.engine->bundles_after(legacy, ahead.seq, 10, 0, s.now);
        REQUIRE_FALSE(bundles);
        CHECK(bundles.error().code == errc::history_pruned);
        CHECK(s.handle(request{http_method::get, "/sync/pull?after_bundle_seq=" + std::to_string(ahead.seq), {{"Oversync-Source-ID", "old"}}, {}}).status == 409);
    };
    check();  // while nothing new was sealed, and afterwards
    s.lab.server_write(*s.store, key_named("P"), world::blank("P"));
    check();
    CHECK(lab_must(s.engine->bundles_after(legacy, 0, 10, 0, s.now)).bundles.back().head.seq > ahead.seq);
}

}  // namespace restore_test
