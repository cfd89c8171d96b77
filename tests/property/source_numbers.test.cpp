// No number of a source stands for two bundles: whatever becomes of devices (copied, put back from a backup, installed anew, rebuilt, signed out and in,
// cut off at any request) and of their sources at the server, what a device takes for acknowledged under a number is what the server committed under it,
// and a source that takes another's place was never there before and begins at 1.

#include <syncline/conflict/resolvers.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace source_numbers_test {

using namespace bundle_fixture;

namespace {

using number_of_source = std::pair<std::string, std::int64_t>;

struct counts {
    std::size_t acknowledged = 0, copies = 0, restores = 0, renewals = 0, installs = 0, detaches = 0, retirements = 0;
};

/// What the rows of an upload change, as text: each edit writes a title that no other one writes.
std::vector<std::string> contents_of(const json_view& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows) {
        const auto payload = row.find("payload");
        const auto title = payload ? payload->find("title") : std::nullopt;
        out.push_back(std::string{row.find("key")->find("id")->as_string()}.append(" ").append(row.find("op")->as_string()).append(" ").append(title ? title->as_string() : std::string_view{}));
    }
    return out;
}

struct world {
    seeded_random dice;
    server_side server;
    counts& seen;
    schema_set models = schemas();
    struct session {
        number_of_source of;
        std::map<std::int64_t, std::string> rows;  // by ordinal
    };
    std::map<std::string, session> sessions;
    std::map<number_of_source, std::vector<std::string>> committed;
    std::set<std::string> sources;
    struct install {
        std::unique_ptr<device_side> device;
        std::optional<memory_replica_store> backup;
        std::string source;  // when it was looked at last; empty: its store was put in the place of another
        std::int64_t next = 1;
    };
    std::vector<std::unique_ptr<install>> installs;
    int edits = 0;

    world(std::uint64_t seed, counts& c) : dice(seed), seen(c) {
        for (int i = 0; i < 2; ++i) add();
    }

    install& add() {
        installs.push_back(std::make_unique<install>());
        install& made = *installs.back();
        bundle_client_options o;
        o.batch_rows = 1 + dice.below(4);
        o.chunk_rows = 1 + dice.below(3);
        o.committed_page_rows = 1 + dice.below(3);
        o.max_conflict_rounds = 2;
        // Its random numbers are its own: a copied file does not bring them along.
        made.device = std::make_unique<device_side>(server, dice.next(), resolver_set{resolvers::client_wins{}}, o, begins::anonymous);
        device_side& d = *made.device;
        d.line = [this, &made](const request&) {
            look(made);
            return !dice.chance(1, 8) ? cut::none : dice.chance(1, 2) ? cut::request_lost : cut::answer_lost;
        };
        d.tamper = [this](const request& r, const response& a) { hear(r, a); };
        return made;
    }

    // What the server did, whether or not its answer arrives.
    void hear(const request& r, const response& answer) {
        if (answer.status != 200 || r.method != http_method::post) return;
        const std::string source{find_header(r.headers, "Oversync-Source-ID").value_or("")};
        const std::string path = r.path;
        if (path.ends_with("/push-sessions")) {
            const auto asked = parsed(r.body);
            if (text_in(answer.body, "status") == "staging") sessions[text_in(answer.body, "push_id")] = {{source, *asked.root().find("source_bundle_id")->as_int()}, {}};
            return;
        }
        const auto at = path.find("/push-sessions/");
        if (at == std::string::npos) return;
        session& s = sessions.at(path.substr(at + 15, 36));
        if (path.ends_with("/chunks")) {
            const auto asked = parsed(r.body);
            auto ordinal = *asked.root().find("start_row_ordinal")->as_int();
            const json_view rows = *asked.root().find("rows");
            for (auto& text : contents_of(rows)) s.rows[ordinal++] = std::move(text);
        } else if (path.ends_with("/commit")) {
            std::vector<std::string> all;
            for (auto& [n, text] : s.rows) all.push_back(text);
            if (!committed.emplace(s.of, std::move(all)).second) throw std::runtime_error("the server committed " + s.of.first + " " + std::to_string(s.of.second) + " twice");
        }
    }

    // What the device holds now.
    void look(install& i) {
        device_side& d = *i.device;
        std::optional<batch> now;
        replica_state state;
        {
            auto t = must(d.store.begin());
            now = must(t.current_batch());
            state = must(t.state());
        }
        if (now && now->state == batch_state::committed_remote) {
            const number_of_source of{state.source_id, now->source_bundle_id};
            const auto whole = must(d.engine->freeze(1000, true, d.random, server.now));
            const auto sent = parsed(bundle_wire::write_chunk(bundle_wire::table_names{models, "public"}, whole->items, 0, whole->items.size()));
            const json_view rows = *sent.root().find("rows");
            const auto there = committed.find(of);
            if (there == committed.end()) throw std::runtime_error(of.first + " " + std::to_string(of.second) + " is taken for committed, and is not");
            if (there->second != contents_of(rows)) throw std::runtime_error(of.first + " " + std::to_string(of.second) + " stands for another bundle at the device than at the server");
            ++seen.acknowledged;
        }
        if (state.source_id.empty()) return;
        const bool fresh = sources.insert(state.source_id).second;
        if (!i.source.empty() && state.source_id != i.source) {
            ++seen.renewals;
            if (!fresh) throw std::runtime_error("a source that was there before takes another's place");
            if (state.next_source_bundle_id != 1) throw std::runtime_error("a new source begins at " + std::to_string(state.next_source_bundle_id));
        }
        if (state.source_id == i.source && state.next_source_bundle_id < i.next) throw std::runtime_error("a source counts back");
        if (i.source.empty() && fresh && state.next_source_bundle_id != 1) throw std::runtime_error("a source begins in the middle");
        i.source = state.source_id;
        i.next = state.next_source_bundle_id;
    }

    void put(install& i, memory_replica_store store) {
        i.device->store = std::move(store);
        i.source.clear();
        i.device->boot();
        look(i);
    }

    void step() {
        server.now += std::chrono::milliseconds{dice.below(3'000)};
        install& i = *installs[dice.below(installs.size())];
        device_side& d = *i.device;
        switch (dice.below(24)) {
        case 0:
            if (installs.size() > 4) break;
            ++seen.copies;
            put(add(), d.store.copy());
            break;
        case 1: i.backup.emplace(d.store.copy()); break;
        case 2:
            if (!i.backup) break;
            ++seen.restores;
            put(i, i.backup->copy());
            break;
        case 3:
            ++seen.installs;
            put(i, memory_replica_store{schemas()});
            break;
        case 4: must(d.engine->begin_hydration(server.now)); break;
        case 5: must(d.engine->renew_source(d.random, true, server.now)); break;
        case 6:
            if (d.engine->detach(dice.chance(1, 2), d.random, server.now)) ++seen.detaches;
            break;
        case 7: server.prune(); break;
        case 8: {
            if (i.source.empty() || !dice.chance(1, 3)) break;
            ++seen.retirements;
            (void)server.call(http_method::post, "/sync/snapshot-sessions",
                              R"({"source_replacement":{"previous_source_id":")" + i.source + R"(","new_source_id":"named-)" + std::to_string(dice.next()) +
                                  R"(","reason":"source_retired"}})",
                              i.source);
            break;
        }
        case 9: server.write(task_key(key()), a_task("foreign " + std::to_string(++edits))); break;
        case 10: case 11: case 12: case 13: case 14: case 15: case 16: case 17:
            if (dice.chance(1, 8)) return d.erase(task_key(key()));
            return d.write(task_key(key()), a_task("edit " + std::to_string(++edits)));
        default:
            if (dice.chance(1, 5)) d.die_after = 1 + dice.below(9);
            (void)d.run(dice.chance(1, 4) ? sync_mode::push_only : sync_mode::push_then_pull);
            d.die_after.reset();
            d.sent.clear();
            d.got.clear();
            break;
        }
        look(i);
    }
    std::string key() { return std::string(1, static_cast<char>('a' + dice.below(6))); }
};

}  // namespace

TEST_CASE("source numbers: whatever becomes of devices and their sources, no number of a source stands for two bundles", "[property]") {
    counts seen;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        INFO("seed " << seed);
        try {
            world w{seed, seen};
            for (int i = 0; i < 200; ++i) w.step();
        } catch (const std::exception& x) {
            FAIL_CHECK(x.what());
        }
    }
    // A run in which too little happened shows nothing.
    CHECK(seen.acknowledged > 500);
    CHECK(seen.copies > 30);
    CHECK(seen.restores > 30);
    CHECK(seen.renewals > 100);
    CHECK(seen.installs > 100);
    CHECK(seen.detaches > 30);
    CHECK(seen.retirements > 15);
}

}  // namespace source_numbers_test
