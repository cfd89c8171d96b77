#ifndef SYNCLINE_TESTS_SIMULATION_TETHERS_HPP
#define SYNCLINE_TESTS_SIMULATION_TETHERS_HPP

// Clients of Laravel Tether among the devices of a run: they send whole rows and no base. The oracle judges what of them takes effect by what
// their users edited and had seen (W01 to W07); in the end they hold what the server has. What docs/parity.md says such a client can still lose is
// not asked for: edits of its users that gave way, and, where it pushes and pulls apart, values that it had not shown.

#include "simulation/run.hpp"
#include "simulation/server_side.hpp"
#include "wire/mutation/legacy_client.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

template <class Lab>
class tethers {
public:
    tethers(run_state& run, server_side<Lab>& server) : run_(&run), server_(&server) {
        for (std::size_t i = 0; i < run.s.tethers; ++i) {
            installed_.push_back({static_cast<int>(run.s.devices + i), run.s.person[run.s.devices + i], 0, {}, {}, false, false});
            install(installed_.back());
        }
    }

    /// One of them does something.
    void step() {
        if (!late_.empty() && run_->random.chance(1, 4)) return serve_late(run_->random.below(late_.size()));
        auto& at = installed_[run_->random.below(installed_.size())];
        const auto x = run_->random.below(10);
        if (x < 5)
            edit(at);
        else if (run_->s.tethers_sync_whole || x < 7)
            sync(at, [&at](const tether::wire& line) { return at.client->sync(line); });
        else if (x < 9)
            sync(at, [&at](const tether::wire& line) { return at.client->push(line); });
        else
            sync(at, [&at](const tether::wire& line) { return at.client->pull(line); });
    }

    /// Faults have stopped: a whole sync of each. @param last_round  it must succeed
    void settle(bool last_round) {
        for (std::size_t i = late_.size(); i > 0; --i)
            if (run_->random.chance(1, 4)) serve_late(i - 1);
        for (auto& at : installed_) {
            const bool done = sync(at, [&at](const tether::wire& line) { return at.client->sync(line); });
            if (!done && last_round) throw violation(at.client->client_id + ": a sync without faults fails");
        }
    }

    /// At the end each has what the server has, and nothing is queued.
    void check_end() {
        for (auto& at : installed_) {
            if (at.client->count("pending") != 0) throw violation(at.client->client_id + ": a mutation is pending for ever");
            for (const auto& key : run_->s.keys) {
                const auto there = server_->row(key_named(key));
                const auto* here = row_of(at, key);
                for (std::size_t f = 0; f < 4; ++f) {
                    const std::string theirs = there ? std::to_string(there->fields[f].as_integer()) : "gone";
                    const std::string mine = here != nullptr ? here->at(std::string(1, "abnm"[f])) : "gone";
                    if (theirs != mine) throw violation(at.client->client_id + " ends with " + mine + " in " + key + "." + "abnm"[f] + ", the server has " + theirs);
                }
            }
        }
    }

private:
    struct installation {
        int author;
        std::string person;
        int count;                              ///< how often it was installed
        std::optional<tether::client> client;
        std::set<std::string> settled;          ///< mutations that it will not send again
        bool pruned;                            ///< it was told that it comes too late
        bool made;                              ///< its user has made the one record
    };
    struct copy {
        std::size_t of;
        request what;
    };

    static std::string model_of(const std::string& key) { return key_named(key).model == child_model ? "child" : "node"; }
    static const tether::columns* row_of(const installation& at, const std::string& key) { return at.client->row(model_of(key), key); }

    void install(installation& at) {
        const std::string name = at.person + (at.count == 0 ? std::string{} : std::to_string(at.count));
        ++at.count;
        at.client.emplace(name);
        at.client->not_syncable = {"s"};
        at.client->foreign_keys = {{"child", "parent", "node"}};
        at.client->batch = std::size_t{1} << run_->random.below(4);
        at.client->page = run_->random.below(4);
        at.pruned = false;
        run_->oracle.source_of(name, at.author);
    }

    // The user sees what is in the tables.
    void look(installation& at) {
        for (const auto& [name, values] : at.client->rows()) {
            record seen;
            for (const char* column : {"a", "b"}) seen.fields.push_back(value::integer(std::stoll(values.at(column))));
            run_->oracle.saw(at.author, seen, run_->step);
        }
        for (const auto& e : at.client->entries())
            if (e.status != "pending" && at.settled.insert(e.mutation_id).second) run_->oracle.no_longer_sent(e.mutation_id);
    }

    void edit(installation& at) {
        ledger& oracle = run_->oracle;
        const std::size_t k = run_->random.below(run_->s.keys.size());
        const std::string& key = run_->s.keys[k];
        const std::string model = model_of(key);
        const auto* row = row_of(at, key);
        intent what;
        what.key = key_named(key);
        std::int64_t erases = 0;
        at.client->clock = to_microseconds(run_->now) / 1000 + run_->s.tether_skew;
        const auto made = [&](int field, bool creates) {
            const auto id = oracle.make(at.author, k, field, creates, run_->step, std::nullopt);
            what.changes.set(static_cast<field_index>(field), value::integer(id));
            return std::to_string(id);
        };
        if (row == nullptr) {
            if (at.made || key != run_->s.keys[run_->s.keys.size() - run_->s.tethers + static_cast<std::size_t>(at.author) - run_->s.devices]) return;
            at.made = true;
            what.op = operation::create;
            const std::string a = made(0, true), b = made(1, true);
            oracle.counted(at.author, k, 0, true);
            at.client->create(model, key, {{"a", a}, {"b", b}, {"n", "0"}, {"m", "0"}});
        } else if (run_->s.erases && run_->random.chance(1, 8)) {
            what.op = operation::erase;
            record over;
            for (const char* column : {"a", "b"}) over.fields.push_back(value::integer(std::stoll(row->at(column))));
            erases = oracle.make(at.author, k, whole_record, false, run_->step, over);
            at.client->erase(model, key);
        } else {
            what.op = operation::update;
            const auto which = run_->random.below(3);
            tether::columns changed;
            if (which != 0) changed["a"] = made(0, false);
            if (which != 1) changed["b"] = made(1, false);
            at.client->update(model, key, changed);
        }
        ++run_->counts->tether_edits;
        const auto& entry = at.client->entries().back();
        run_->say(at.client->client_id, " ", entry.operation, "s ", key, what.op == operation::erase ? std::string{} : " a=" + entry.payload.at("a") + " b=" + entry.payload.at("b"), " as ", entry.mutation_id);
        oracle.sent_without_base(entry.mutation_id, at.author, k, std::move(what), erases);
        look(at);
    }

    template <class What>
    bool sync(installation& at, What what) {
        ++run_->counts->tether_syncs;
        run_->say(at.client->client_id, " syncs");
        const bool done = what(line(at));
        look(at);
        if (done || !at.pruned) return done;
        // Only a new installation helps; what was not sent is lost (docs/parity.md).
        ++run_->counts->tether_reinstallations;
        run_->say(at.client->client_id, " is installed anew");
        install(at);
        return false;
    }

    tether::wire line(installation& at) {
        return [this, &at](const request& r) -> std::optional<response> {
            auto& random = run_->random;
            const bool faulty = !run_->quiet;
            if (faulty && random.chance(1, 8)) server_->foreign_edit();
            if (faulty && random.chance(8, 100)) return ++run_->counts->requests_lost, std::nullopt;
            if (faulty && random.chance(12, 100)) {
                ++run_->counts->duplicates;
                late_.push_back({static_cast<std::size_t>(&at - installed_.data()), r});
            }
            auto answer = server_->answer(r, principal{at.person, "main"}, false);
            if (!answer || (faulty && random.chance(12, 100))) return ++run_->counts->answers_lost, std::nullopt;
            if (answer->status == 409 && r.path.ends_with("/pull")) at.pruned = true;
            return answer;
        };
    }
    void serve_late(std::size_t i) {
        const copy late = std::move(late_[i]);
        late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
        run_->say("a late copy of a request of ", installed_[late.of].person, " comes");
        (void)server_->answer(late.what, principal{installed_[late.of].person, "main"}, false);
    }

    run_state* run_;
    server_side<Lab>* server_;
    std::vector<installation> installed_;
    std::vector<copy> late_;
};

}  // namespace simulation

#endif
