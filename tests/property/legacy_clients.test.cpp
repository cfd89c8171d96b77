// Clients of Laravel Tether v1.0.0 beside Syncline devices and programs that write plain SQL, under faults: what ENGINE.md rule 9 promises.
//
// Every edit writes a value of its own, and the server's validator, which sees each row before and after, is the judge: a legacy client changes
// no field that its user did not edit (W01), overwrites and erases no value that the user had not seen (W03 to W06), and its private
// record takes every edit and ends in the last (W02, W07). In the end everybody has what the server has.

#include "wire/mutation/legacy_world.hpp"

#include "simulation/sqlite_lab.hpp"

#include <syncline/support/random.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace legacy_clients_test {

using namespace legacy_tests;
using simulation::sqlite_lab;

namespace {

// What one history is made with.
struct recipe {
    std::uint64_t seed = 0;
    std::int64_t skew = 0;      // of every client's clock, in milliseconds
    bool whole_syncs = true;    // pushes and pulls only as the real `sync` does them; otherwise each by itself too
    bool losses = true;         // of requests and answers; a device that loses some, and pulls before it pushes the rest, may overwrite (docs/parity.md)
    bool prunes = false;        // history is cut short now and then: a client may be told that it is too late
    int steps = 60;
};

struct user_edit {
    std::set<std::string> columns;  // empty: an erase
    std::map<std::string, std::set<std::string>> seen;
};

template <class Lab>
class history {
public:
    explicit history(const recipe& of) : how_(of), random_(of.seed), device_(world_, "dev") {
        world_.validate = [this](const proposed_change& c) { return judge(c); };
        for (const char* name : {"ann", "bob"}) {
            clients_.push_back(tether_client(name));
            clients_.back().clock += of.skew;
            clients_.back().batch = std::size_t{1} << below(4);
            clients_.back().page = below(4);
        }
        for (const char* key : {"T", "P"}) world_.write(key, next_value(), next_value());
        world_.write_child("C1", next_value(), "P");
        erases_ = below(2) == 0;
        faulty_ = below(3) != 0;
    }

    // What happened, in words: the same for the same recipe.
    std::string run() {
        for (int i = 0; i < how_.steps; ++i) step();
        faulty_ = false;
        for (int round = 0; round < 6; ++round) {
            for (auto& c : clients_) {
                if (!c.sync(world_.line(name_of(c))) && !how_.prunes) FAIL("seed " << how_.seed << ": a sync without faults fails");
                note(c);
            }
            (void)device_.sync();
        }
        for (auto& c : clients_) {
            if (how_.prunes) break;
            if (c.count("pending") != 0) problem(name_of(c) + ": something is pending for ever");
            for (const auto& key : keys(c)) {
                const auto row = world_.at(key);
                const std::string server = row ? number(row->fields[0].as_integer()) + "," + number(row->fields[1].as_integer()) : "gone,";
                const std::string client = seen(c, key, "a") == "gone" ? "gone," : seen(c, key, "a") + "," + seen(c, key, "b");
                if (server != client) problem(name_of(c) + " has " + client + " of " + key + ", the server " + server);
                told_.append(key + "=" + server + " ");
            }
            const std::string mine = "X" + name_of(c);
            for (const auto& e : c.entries()) {
                told_.append(e.status + " ");
                if (e.row.id == mine && e.status != "synced") problem(mine + ": " + e.mutation_id + " is " + e.status);
            }
            const auto want = last_.find(mine);
            if (want != last_.end() && world_.at(mine) && seen(c, mine, "a") != want->second) problem(mine + " does not end in the last edit");
        }
        return told_;
    }
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

private:
    static std::string name_of(const tether::client& c) { return c.client_id; }
    std::uint64_t below(std::uint64_t n) { return random_.below(n); }
    std::int64_t next_value() { return ++value_; }
    std::vector<std::string> keys(const tether::client& c) const { return {"T", "P", "C1", "X" + c.client_id}; }
    void problem(const std::string& what) { problems_.push_back("seed " + number(static_cast<std::int64_t>(how_.seed)) + ": " + what); }

    // What the user of @p c has on the screen.
    void note(tether::client& c) {
        for (const auto& [row, columns] : c.rows())
            for (const char* column : {"a", "b"}) seen_[c.client_id + row.id][column].insert(columns.at(column));
    }

    tether::wire weather(const std::string& who) {
        return [this, who](const request& r) -> std::optional<response> {
            const auto x = faulty_ ? below(20) : 20;
            if (x == 0 && how_.losses) return std::nullopt;
            auto answer = world_.handle(r, who);
            if (x == 1) answer = world_.handle(r, who);
            if (x == 2 && how_.losses) return std::nullopt;
            return answer;
        };
    }

    void edit(tether::client& c) {
        auto all = keys(c);
        const std::string key = all[below(all.size())];
        const std::string model = key.starts_with("C") ? "child" : "node";
        user_edit made;
        made.seen = seen_[c.client_id + key];
        if (c.row(model, key) == nullptr) {
            if (!key.starts_with("X") || last_.contains(key)) return;  // ids are ULIDs: nobody makes one again
            const auto a = next_value();
            const auto b = next_value();
            last_[key] = number(a);
            c.create(model, key, node(a, b));
            made.columns = {"a", "b", "n", "m"};
        } else if (erases_ && below(8) == 0 && !key.starts_with("X")) {
            c.erase(model, key);
        } else {
            tether::columns changed;
            const auto which = below(3);
            if (which != 0) changed["a"] = number(next_value());
            if (which != 1) changed["b"] = number(next_value());
            c.update(model, key, changed);
            for (const auto& [column, value] : changed) made.columns.insert(column);
            if (key.starts_with("X") && changed.contains("a")) last_[key] = changed["a"];
        }
        edits_[c.entries().back().mutation_id] = std::move(made);
        note(c);
    }

    void step() {
        world_.now += std::chrono::milliseconds{below(3)};
        const auto x = below(100);
        if (x < 50) {
            auto& c = clients_[below(clients_.size())];
            const auto y = below(10);
            if (y < 5) {
                edit(c);
            } else if (how_.whole_syncs || y == 9) {
                (void)c.sync(weather(c.client_id));
            } else if (y < 7) {
                (void)c.push(weather(c.client_id));
            } else {
                (void)c.pull(weather(c.client_id));
            }
            note(c);
        } else if (x < 65) {
            for (const std::string key : {"T", "P", "C1"})
                if (device_.at(key) && below(3) == 0) device_.set(key, below(2), next_value());
        } else if (x < 67 && how_.prunes) {
            const auto head = lab_must(world_.engine->head("main"));
            lab_must(world_.engine->prune("main", head.seq - static_cast<std::int64_t>(below(4)), world_.now));
        } else if (x < 80) {
            (void)device_.sync();
        } else {
            const std::string key = std::vector<std::string>{"T", "P", "C1"}[below(3)];
            auto row = world_.at(key);
            if (!row) return;
            if (erases_ && below(12) == 0) return world_.erase(key);
            row->fields[below(2)] = value::integer(next_value());
            world_.lab.server_write(*world_.store, key_named(key), *row);
        }
    }

    std::optional<rejection> judge(const proposed_change& c) {
        if (faulty_ && below(15) == 0) return rejection{wait_reason{errc::unavailable, "try later"}, {}};
        const auto edit = edits_.find(world_.deciding);
        if (c.who.principal == "dev" || edit == edits_.end() || c.before == nullptr) return std::nullopt;
        for (std::size_t f = 0; f < 2; ++f) {
            const std::string column = f == 0 ? "a" : "b";
            const std::string was = number(c.before->fields[f].as_integer());
            const std::string what = world_.deciding + " on " + c.key.key + "." + column + ", which was " + was;
            if (c.after != nullptr && c.after->fields[f] == c.before->fields[f]) continue;
            if (c.after != nullptr && !edit->second.columns.contains(column)) problem("a field that was not edited is changed: " + what);
            else if (!edit->second.seen[column].contains(was)) problem("a value that was not seen is overwritten: " + what);
        }
        return std::nullopt;
    }

    recipe how_;
    seeded_random random_;
    legacy_world<Lab> world_;
    syncline_device<Lab> device_;
    std::vector<tether::client> clients_;
    std::map<std::string, user_edit> edits_;                                         // by mutation id
    std::map<std::string, std::map<std::string, std::set<std::string>>> seen_;       // by client and key, then by column
    std::map<std::string, std::string> last_;                                        // of the private records
    std::vector<std::string> problems_;
    std::string told_;
    std::int64_t value_ = 0;
    bool erases_ = false;
    bool faulty_ = true;
};

template <class Lab>
void check_histories(std::uint64_t count, bool whole_syncs, bool losses) {
    std::size_t edits = 0;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        history<Lab> h{recipe{seed, 0, whole_syncs, losses}};
        edits += h.run().size();
        for (const auto& p : h.problems())
            if (whole_syncs || !losses || (p.find("changed: ") == std::string::npos && p.find("overwritten: ") == std::string::npos)) FAIL_CHECK(p);
        if (h.problems().size() > 20) return;
    }
    CHECK(edits > 0);
}

}  // namespace

TEST_CASE("legacy clients, memory: nothing is overwritten unseen, offline edits end in the last, everybody converges (W01 to W07)", "[property]") {
    check_histories<memory_lab>(250, true, true);
}

TEST_CASE("legacy clients, SQLite: nothing is overwritten unseen, offline edits end in the last, everybody converges (W01 to W07)", "[property]") {
    check_histories<sqlite_lab>(12, true, true);
}

TEST_CASE("legacy clients that push and pull apart overwrite nothing unseen as long as no request is lost (W39)", "[property]") {
    check_histories<memory_lab>(250, false, false);
}

TEST_CASE("legacy clients that push and pull apart, and lose requests, converge (W39)", "[property]") {
    check_histories<memory_lab>(100, false, true);
}

TEST_CASE("legacy clients overwrite nothing unseen where the history that tells what they saw is gone", "[property]") {
    std::size_t told = 0;
    for (std::uint64_t seed = 1; seed <= 250; ++seed) {
        recipe how{seed};
        how.prunes = true;
        history<memory_lab> h{how};
        (void)h.run();
        for (const auto& p : h.problems()) FAIL_CHECK(p);
        told += h.problems().size();
    }
    CHECK(told == 0);
}

TEST_CASE("legacy clients: a clock of theirs changes nothing (W03 W04)", "[property]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const std::string plain = history<memory_lab>{recipe{seed, 0}}.run();
        for (const std::int64_t skew : {std::int64_t{7'200'000}, std::int64_t{-1'500'000'000'000}}) {
            INFO("seed " << seed << ", skew " << skew);
            CHECK(history<memory_lab>{recipe{seed, skew}}.run() == plain);
        }
    }
}

}  // namespace legacy_clients_test
