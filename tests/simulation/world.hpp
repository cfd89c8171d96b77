#ifndef SYNCLINE_TESTS_SIMULATION_WORLD_HPP
#define SYNCLINE_TESTS_SIMULATION_WORLD_HPP

// One run: devices, a server, a network and their clocks, all from one seed. Production engines, wire clients and wire servers over a lab's
// stores; only time, network, power and the people are simulated.

#include "simulation/device.hpp"
#include "simulation/network.hpp"
#include "simulation/people.hpp"
#include "simulation/random_crash.hpp"
#include "simulation/run.hpp"
#include "simulation/server_side.hpp"
#include "simulation/tethers.hpp"
#include "simulation/view_checks.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace simulation {

template <class Lab>
class world {
public:
    using device_type = device<Lab>;
    world(std::uint64_t seed, wire_mix mix, statistics& counts, bool trace)
        : run_(seed, mix, counts, trace), lab_(run_.s, counts), people_(run_, lab_), views_(run_), server_(run_, lab_, run_.s.scoped ? &views_.rules() : nullptr), tethers_(run_, server_) {
        run_.say("the run: ", run_.s.describe());
        server_.foreign_edit = [this] { foreign_edit(); };
        server_.start();
        for (std::size_t i = 0; i < run_.s.devices; ++i) {
            devices_.push_back(std::make_unique<device_type>(lab_, run_.s, static_cast<int>(i), run_.random.next()));
            auto& d = *devices_.back();
            // Clocks are wrong by up to days.
            d.clock = run_.start + std::chrono::seconds{static_cast<std::int64_t>(run_.random.below(8 * 86400)) - 4 * 86400};
            d.boot();
            d.power.between = [this, &d] {
                if (!run_.quiet && run_.random.chance(run_.s.between_percent, 100)) ++run_.counts->writes_between_transactions, people_.edit(d);
            };
            observe(d);
        }
    }

    void run() {
        for (std::size_t i = 0; i < run_.s.steps; ++i) step();
        quiesce();
        ++run_.counts->seeds;
    }

    [[nodiscard]] const std::vector<std::string>& log() const { return run_.log; }

private:
    void foreign_edit() {
        people_.edit(server_.durable());
        note_views();
    }
    void note_views() {
        if (run_.s.scoped) views_.note(server_.schemas(), server_rows());
    }
    [[nodiscard]] view_rules::rows server_rows() {
        return [this](const record_key& key) { return server_.row(key); };
    }

    // --- one device

    static bool has_waiting(const device_type& d) {
        return std::any_of(d.last.keys.begin(), d.last.keys.end(), [](const auto& k) { return k.open && k.open->waiting; });
    }
    // On the bundle wire so little comes to wait that of its devices the next one looks which has something.
    device_type& who_decides(device_type& d) {
        if (!d.bundle_wire || has_waiting(d)) return d;
        for (auto& other : devices_)
            if (other->bundle_wire && has_waiting(*other)) return *other;
        return d;
    }

    void person(device_type& d) {
        std::vector<std::size_t> waiting;
        for (std::size_t k = 0; k < run_.s.keys.size(); ++k)
            if (d.last.keys[k].open && d.last.keys[k].open->waiting) waiting.push_back(k);
        if (waiting.empty()) return;
        absorb(d);
        if (!d.settled()) return;
        const std::size_t key = waiting[run_.random.below(waiting.size())];
        const auto now = d.last.keys[key];
        if (!now.open || !now.open->waiting) return;
        const record_key k = key_named(run_.s.keys[key]);
        const auto how = run_.random.below(3);
        ++run_.counts->person_decisions;
        run_.say(d.name, how == 0 ? " retries " : how == 1 ? " discards " : " takes the client's ", k.key);
        const auto commits = d.power.commits();
        const auto was_quiet = std::exchange(run_.quiet, true);
        arm(d);
        const auto done = how == 0 ? d.engine().retry(k, d.clock) : how == 1 ? d.engine().discard(k, d.clock) : d.engine().take_client(k, d.clock);
        run_.quiet = was_quiet;
        if (d.power.commits() != commits) {
            if (how == 1) run_.oracle.discarded(d.index, key, *now.open);
            if (how == 2) run_.oracle.confirmed(d.index, key, now, run_.step);
        }
        // What left the view waits until it returns, whatever its author says.
        const bool unseen = !done && done.error().code == errc::out_of_view && now.out_of_view;
        after(d, unseen ? result<void>{} : done, "a person's decision");
    }

    void arm(device_type& d) {
        if (run_.quiet) return;
        const bool hydrating = d.last.state.needs_hydration;
        if (run_.random.chance(hydrating ? 20 + run_.s.crash_percent : run_.s.crash_percent, 100)) crash_within(40, d.power, run_.random);
        if (run_.random.chance(run_.s.busy_percent, 100)) d.power.refuse_once();
    }

    // What is left of an engine call: a crash starts the device anew; any other fault must be one that was simulated.
    void after(device_type& d, const result<void>& done, const char* doing) {
        if (d.power.blown()) return crash(d);
        if (d.power.was_refused()) {
            ++run_.counts->busy_stores;
            if (!done && done.error().code != errc::busy) throw violation(d.name + ": " + doing + " failed: " + done.error().detail);
        } else if (!done) {
            throw violation(d.name + ": " + doing + " failed: " + std::string{name_of(done.error().code)} + ": " + done.error().detail);
        }
        observe(d);
    }

    void crash(device_type& d) {
        if (d.last.state.needs_hydration) ++run_.counts->crashes_in_hydration;
        ++run_.counts->device_crashes;
        run_.say(d.name, " crashes");
        while (!d.boot()) ++run_.counts->device_crashes;
        observe(d);
    }

    // The next version of its program brings the column.
    void migrate(device_type& d) {
        ++run_.counts->migrations;
        run_.say(d.name, " is migrated");
        lab_.migrate(d.name);
        crash(d);
    }

    void absorb(device_type& d) {
        arm(d);
        const auto done = d.engine().absorb(d.clock);
        after(d, done ? result<void>{} : result<void>{done.error()}, "absorbing");
    }

    // Looks at the device's store: every check that holds after every step.
    void observe(device_type& d) {
        const bool settled = d.settled();
        auto now = d.look();
        run_.oracle.source_of(now.state.source_id, d.index);
        if (settled) check_layers(now, server_.schemas(), run_.s, d.name);
        if (now.quarantined != 0) throw violation(d.name + " has quarantined a row, though its tables refuse none");
        if (now.state.checkpoint < d.last.state.checkpoint) throw violation(d.name + ": the checkpoint went back");
        if (now.state.needs_hydration && !d.last.state.needs_hydration) ++run_.counts->hydrations, run_.say(d.name, " must rehydrate");
        for (std::size_t k = 0; k < d.last.keys.size(); ++k) {
            const auto &was = d.last.keys[k], &is = now.keys[k];
            if (was.frozen && is.frozen && was.frozen->id == is.frozen->id && is.version > was.version) ++run_.counts->rebases_under_flight;
            // A picture taken anew may have forgotten a record that is gone.
            const bool forgotten = is.version == 0 && d.last.state.needs_hydration && !now.state.needs_hydration;
            if (is.version < was.version && !forgotten && !views_.may_forget(d, k, is)) throw violation(d.name + ": the base of " + run_.s.keys[k] + " went back from version " + std::to_string(was.version) + " to " + std::to_string(is.version));
            if (run_.trace && (was.version != is.version || was.base != is.base || was.visible != is.visible || was.frozen != is.frozen || was.open != is.open)) run_.say("  ", d.name, " ", run_.s.keys[k], ": ", text(is));
        }
        if (run_.s.scoped) views_.looked(d, now);
        run_.oracle.look(d.index, now, run_.step, d.bundle_wire, settled);
        run_.oracle.check_not_counted_twice(d.index, now);
        d.last = std::move(now);
    }
    void poll(device_type& d, std::optional<sync_mode> mode = std::nullopt) {
        if (d.awaiting != 0) return;
        if (!d.running) {
            if (!mode) mode = run_.random.chance(1, 3) ? sync_mode::push_then_pull : run_.random.chance(1, 2) ? sync_mode::push_only : sync_mode::pull_only;
            run_.say(d.name, " starts to sync: ", *mode == sync_mode::push_then_pull ? "push, pull" : *mode == sync_mode::push_only ? "push" : "pull");
            d.wire().start(*mode);
            d.running = true;
            d.pulls = *mode != sync_mode::push_only;
            d.pull_began = 0;
        }
        arm(d);
        auto step = d.wire().next(d.clock, d.random);
        if (step && !d.power.blown()) {
            if (auto* send = std::get_if<send_step>(&*step)) {
                d.awaiting = send->token;
                d.lost = false;
                message m{message::way::request, d.index, d.incarnation, send->token, std::move(send->what), {}, {}};
                const bool push = m.what.path.ends_with("/push");
                if (d.pull_began == 0 && d.pulls && m.what.path.find("/pull") != std::string::npos) {
                    d.pull_began = run_.step;
                    if (run_.s.scoped) views_.pull_begins(d);
                }
                d.awaiting_push = push || (d.bundle_wire && m.what.path.find("/push-sessions") != std::string::npos);
                auto now = d.look();
                if (push)
                    for (const auto& k : now.keys)
                        if (k.frozen) m.ids.push_back(k.frozen->id);
                run_.say(d.name, " sends ", name_of(m.what.method), " ", m.what.path);
                network_.push_back(std::move(m));
            } else if (auto* wait = std::get_if<wait_step>(&*step)) {
                d.clock = (std::max)(d.clock, wait->until);
            } else {
                auto& report = std::get<done_step>(*step).report;
                d.running = false;
                last_report_ = std::move(report);
                run_.say(d.name, " is done", last_report_.why ? ": " : "", last_report_.why ? last_report_.why->detail : std::string{});
                if (run_.s.scoped && !last_report_.why) views_.pull_ended(d, d.look());
            }
        }
        after(d, step ? result<void>{} : result<void>{step.error()}, "the wire's next step");
    }

    void answer(device_type& d, std::uint64_t token, const result<response>& r) {
        if (token == d.awaiting) d.awaiting = 0;
        arm(d);
        const auto done = d.wire().on(token, r, d.clock, d.random);
        after(d, done, "taking an answer in");
    }

    void time_out(device_type& d) {
        if (d.awaiting == 0) return;
        ++run_.counts->timeouts;
        const bool push = d.awaiting_push;
        run_.say(d.name, " times out");
        answer(d, d.awaiting, fault{errc::timed_out, "simulated: no answer"});
        // Often the program then only looks what is new.
        if (push && d.running && run_.random.chance(1, 2)) {
            d.wire().cancel();
            d.running = false;
            poll(d, sync_mode::pull_only);
        }
    }

    // --- the network

    // @return nothing: the server went down over it
    std::optional<response> serve(const message& m) {
        auto& d = *devices_[static_cast<std::size_t>(m.from)];
        if (m.what.path.ends_with("/push")) {
            ++run_.counts->pushes;
            if (std::any_of(m.ids.begin(), m.ids.end(), [&](const mutation_id& id) {
                    const auto& known = run_.oracle.mutations().at(id).known;
                    return known && (known->outcome == outcome_kind::refused || known->outcome == outcome_kind::held);
                }))
                ++run_.counts->second_copies_after_refusal;
        } else if (m.what.path.ends_with("/commit")) {
            ++run_.counts->pushes;
            if (server_.has_refused(m.what.path)) ++run_.counts->second_copies_after_refusal;
        } else if (m.what.path.ends_with("/push-sessions")) {
            // On the bundle wire nothing is pulled while a batch is unsettled: the device asks again what became of it.
            if (d.last.in_flight && run_.oracle.is_committed(d.last.state.source_id, d.last.in_flight->source_bundle_id)) ++run_.counts->asked_again_after_lost_answer;
        } else if (m.what.path.find("/pull") != std::string::npos) {
            ++run_.counts->pulls;
            for (const auto& k : d.last.keys)
                if (k.frozen && run_.oracle.mutations().at(k.frozen->id).known) {
                    ++run_.counts->pulls_after_lost_answer;
                    break;
                }
        }
        auto r = server_.answer(m.what, d.who, d.bundle_wire);
        if (run_.s.scoped) {
            note_views();
            if (r) views_.check_answer(d, *r, server_.schemas());
        }
        return r;
    }

    void deliver() {
        const std::size_t at = run_.random.chance(3, 10) ? run_.random.below(network_.size()) : 0;
        message m = std::move(network_[at]);
        network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(at));
        auto& d = *devices_[static_cast<std::size_t>(m.from)];
        const bool awaited = m.incarnation == d.incarnation && m.token == d.awaiting;
        const auto x = run_.random.below(100);
        if (m.goes == message::way::request) {
            if (x < 8) {
                ++run_.counts->requests_lost;
                run_.say("a request of ", d.name, " is lost");
                if (awaited) d.lost = true;
                return;
            }
            if (x < 20) ++run_.counts->duplicates, network_.push_back(m);
            auto r = serve(m);
            if (!r) {
                if (awaited) d.lost = true;
                return;
            }
            // What was refused comes a second time more often than not, and often late.
            const bool refused = std::any_of(m.ids.begin(), m.ids.end(), [&](const mutation_id& id) {
                const auto& known = run_.oracle.mutations().at(id).known;
                return known && known->outcome != outcome_kind::applied && known->outcome != outcome_kind::superseded;
            });
            const bool refused_bundle = r->status != 200 && m.what.path.ends_with("/commit");
            if ((refused || refused_bundle) && !m.second && run_.random.chance(2, 3)) {
                ++run_.counts->duplicates;
                network_.push_back(m);
                network_.back().second = true;
            }
            m.goes = message::way::answer;
            m.reply = std::move(*r);
            network_.insert(network_.begin(), std::move(m));
            return;
        }
        const bool of_push = m.what.path.find("/push") != std::string::npos;
        // One answer of a whole push session says that it is committed: it is lost more often than the others.
        const bool of_commit = m.what.path.ends_with("/commit");
        if (x < (of_commit ? 40U : of_push ? 20U : 10U)) {
            ++run_.counts->answers_lost;
            run_.say("an answer to ", d.name, " is lost");
            if (awaited) {
                d.lost = true;
                if (of_push && run_.random.chance(1, 2)) time_out(d);
            }
            return;
        }
        if (x < (of_commit ? 46U : 26U)) ++run_.counts->duplicates, network_.push_back(m);
        if (m.incarnation != d.incarnation) return;  // the program that asked is gone
        if (!awaited) ++run_.counts->late_answers;
        run_.say("an answer reaches ", d.name, awaited ? "" : " late");
        answer(d, m.token, m.reply);
    }

    // --- steps

    void step() {
        ++run_.step;
        ++run_.counts->steps;
        run_.now += std::chrono::milliseconds{run_.random.below(3000)};
        auto& d = *devices_[run_.random.below(devices_.size())];
        for (auto& each : devices_) each->clock += std::chrono::milliseconds{run_.random.below(3000)};
        if (run_.s.scoped && run_.random.chance(5, 100)) return views_.change_grants(server_.schemas(), server_rows());
        if (run_.s.tethers != 0 && run_.random.chance(1, 5)) return tethers_.step();
        if (Lab::can_migrate && run_.s.migrate_percent != 0 && !d.knows_b() && run_.random.chance(run_.s.migrate_percent, 100)) return migrate(d);
        const auto x = run_.random.below(1000);
        if (x < 170) {
            people_.edit(d);
            if (run_.random.chance(2, 3)) absorb(d);
        } else if (x < 220) {
            foreign_edit();
        } else if (x < 520) {
            if (d.awaiting == 0)
                poll(d);
            else if (d.lost)
                time_out(d);
            else if (!network_.empty())
                deliver();
        } else if (x < 900) {
            if (network_.empty())
                poll(d);
            else
                deliver();
        } else if (x < 925) {
            time_out(d);
        } else if (x < 925 + 2 * run_.s.crash_percent) {
            crash(d);
        } else if (x < 945) {
            if (run_.random.chance(run_.s.prune_percent, 6))
                server_.prune();
            else if (d.bundle_wire)
                person(who_decides(d));  // there less comes to wait, so that somebody looks more often
        } else if (x < 985) {
            person(who_decides(d));
        } else if (run_.s.clocks_jump) {
            ++run_.counts->clock_jumps;
            const auto by = std::chrono::seconds{static_cast<std::int64_t>(run_.random.below(6 * 86400)) - 3 * 86400};
            if (run_.random.chance(1, 4))
                run_.now += by / 100;
            else
                d.clock += by;
        }
    }

    // --- the end

    void sync(device_type& d, bool last_round) {
        d.wire().cancel();
        d.awaiting = 0;
        d.running = false;
        poll(d, sync_mode::push_then_pull);
        for (int i = 0; d.running; ++i) {
            if (i > 600) throw violation(d.name + ": a sync does not end");
            if (d.awaiting != 0) {
                message m = std::move(network_.back());
                network_.pop_back();
                auto r = serve(m);
                answer(d, m.token, std::move(*r));
            } else {
                poll(d);
            }
        }
        // Many conflicts in a row may take more than one sync, never more than a few; and who is told to come later does.
        const auto waits = [](errc code) { return code == errc::conflict || code == errc::scope_initializing || code == errc::rate_limited; };
        const bool goes_on = !last_round && last_report_.why && waits(last_report_.why->code);
        if (last_report_.why && !goes_on) throw violation(d.name + ": a sync without faults ends with " + std::string{name_of(last_report_.why->code)} + ": " + last_report_.why->detail);
    }

    // Faults stop. Promise 10: within a bounded number of syncs nothing is queued but what waits for a person, and everybody agrees.
    void quiesce() {
        ++run_.step;
        run_.say("faults stop");
        run_.quiet = true;
        server_.repair();
        for (auto& d : devices_) d->power.replace();
        // Copies of requests that were still under way come at any time; their answers reach nobody.
        auto late = std::move(network_);
        network_.clear();
        for (int round = 0; round < 6; ++round) {
            // Whoever began to fill the account and did not go on is waited for no longer than its lease.
            run_.now += std::chrono::minutes{20};
            for (auto& d : devices_) {
                ++run_.step;
                for (auto& m : late)
                    if (m.goes == message::way::request && run_.random.chance(1, 4)) (void)serve(m);
                sync(*d, round == 5);
            }
            tethers_.settle(round == 5);
        }
        server_.seal();
        std::vector<device_look> looks;
        for (auto& d : devices_) {
            observe(*d);
            check_end(*d);
            looks.push_back(d->last);
        }
        tethers_.check_end();
        run_.oracle.check_counters(looks);
    }

    void check_end(device_type& d) {
        const auto& now = d.last;
        check_references(now, server_.schemas(), run_.s, d.name);
        if (now.in_flight) throw violation(d.name + ": a batch never settled");
        if (now.state.needs_hydration) throw violation(d.name + ": the hydration never ended");
        const std::size_t parent = run_.oracle.key_index("P");
        for (std::size_t k = 0; k < run_.s.keys.size(); ++k) {
            const auto& l = now.keys[k];
            const auto server = server_.row(key_named(run_.s.keys[k]));
            if (server != run_.oracle.sealed(k)) throw violation("the authority's row of " + run_.s.keys[k] + " is not the one it sealed");
            if (l.open && !l.open->waiting && !(parent < run_.s.keys.size() && k != parent && now.keys[parent].open))
                throw violation(d.name + ": " + run_.s.keys[k] + " is still open and waits for nothing");
            auto seen = run_.s.scoped && !views_.sees(d, k) ? std::nullopt : server;
            if (seen && !d.knows_b()) seen->fields[1] = value{};
            if (l.base != seen && !d.may_keep.contains(run_.s.keys[k])) throw violation(d.name + " ends with the base of " + run_.s.keys[k] + " as " + text(l.base) + ", the authority has " + text(server) + (seen == server ? "" : ", out of its view"));
            if (l.hidden && !(now.keys[parent].open && now.keys[parent].open->op == operation::erase)) throw violation(d.name + " ends with " + run_.s.keys[k] + " hidden under nothing");
            if (!l.open && !l.hidden && l.visible != l.base) throw violation(d.name + " ends with " + run_.s.keys[k] + " shown other than its base");
        }
    }

    run_state run_;
    Lab lab_;
    people<Lab> people_;
    view_checks views_;
    server_side<Lab> server_;
    tethers<Lab> tethers_;
    std::vector<std::unique_ptr<device_type>> devices_;
    std::vector<message> network_;
    sync_result last_report_;
};

}  // namespace simulation

#endif
