#ifndef SYNCLINE_TESTS_SIMULATION_WORLD_HPP
#define SYNCLINE_TESTS_SIMULATION_WORLD_HPP

// One run: devices, a server, a network and their clocks, all from one seed. Production engines, wire clients and wire servers over a lab's
// stores; only time, network, power and the people are simulated.

#include <syncline/engine/authority.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/device.hpp"
#include "simulation/network.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace simulation {

template <class Lab>
class world {
public:
    using device_type = device<Lab>;
    using server_store = crashing_authority_store<typename Lab::authority_store>;
    using server_type = sync_server<server_store>;

    world(std::uint64_t seed, wire_mix mix, statistics& counts, bool trace)
        : random_(seed * 3 + static_cast<std::uint64_t>(mix)), s_(seed, mix, random_), counts_(&counts), trace_(trace), lab_(s_, counts),
          server_random_(random_.next()), ledger_(s_, counts), durable_(lab_.make_authority()) {
        say("the run: ", s_.describe());
        start_server();
        for (std::size_t i = 0; i < s_.devices; ++i) {
            devices_.push_back(std::make_unique<device_type>(lab_, s_, static_cast<int>(i), random_.next()));
            auto& d = *devices_.back();
            // Clocks are wrong by up to days.
            d.clock = start_ + std::chrono::seconds{static_cast<std::int64_t>(random_.below(8 * 86400)) - 4 * 86400};
            d.boot();
            d.power.between = [this, &d] {
                if (!quiet_ && random_.chance(s_.between_percent, 100)) ++counts_->writes_between_transactions, edit(d);
            };
            observe(d);
        }
    }

    void run() {
        for (std::size_t i = 0; i < s_.steps; ++i) step();
        quiesce();
        ++counts_->seeds;
    }

    [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

private:
    template <class... Parts>
    void say(const Parts&... parts) {
        if (!trace_) return;
        std::string line{std::to_string(step_)};
        line.append(": ");
        (line.append(parts), ...);
        log_.push_back(std::move(line));
    }
    static std::string number(std::uint64_t n) { return std::to_string(n); }

    // --- people and programs

    struct wanted {
        operation op = operation::create;
        record row;
    };

    // Some change of the record, and its edits in the ledger.
    std::optional<wanted> random_change(int author, std::size_t key, const std::optional<record>& row, bool parent_there) {
        const std::string& name = s_.keys[key];
        const bool child = key_named(name).model == child_model;
        if (!row) {
            if (child && !parent_there) return std::nullopt;
            wanted w{operation::create, {}};
            const std::int64_t n = s_.erases ? static_cast<std::int64_t>(random_.below(4)) : 0;
            const auto a = ledger_.make(author, key, 0, true, step_, std::nullopt), b = ledger_.make(author, key, 1, true, step_, std::nullopt);
            w.row.fields = {value::integer(a), value::integer(b), value::integer(n), value::integer(static_cast<std::int64_t>(random_.below(10))), value{}};
            if (child) w.row.fields.push_back(value::text("P"));
            ledger_.counted(author, key, n, true);
            return w;
        }
        if (s_.erases && random_.chance(1, 5)) return wanted{operation::erase, {}};
        wanted w{operation::update, *row};
        const std::size_t first = random_.below(4);
        for (std::size_t i = 0; i <= random_.below(2); ++i) {
            const std::size_t f = (first + i) % 4;
            if (f < 2) {
                w.row.fields[f] = value::integer(ledger_.make(author, key, static_cast<int>(f), false, step_, std::nullopt));
            } else if (f == counter_field) {
                const std::int64_t by = 1 + static_cast<std::int64_t>(random_.below(5));
                w.row.fields[f] = value::integer(row->fields[f].as_integer() + by);
                ledger_.counted(author, key, by, false);
            } else {
                w.row.fields[f] = value::integer(static_cast<std::int64_t>(random_.below(100)));
            }
        }
        return w;
    }

    static std::string text(const std::optional<record>& r) {
        if (!r) return "absent";
        std::string out{"["};
        for (const auto& v : r->fields) out.append(out.size() > 1 ? "," : "").append(v.is_null() ? "-" : v.kind() == value_kind::integer ? std::to_string(v.as_integer()) : v.as_string());
        return out.append("]");
    }

    void edit(device_type& d) {
        const std::size_t key = random_.below(s_.keys.size());
        const record_key k = key_named(s_.keys[key]);
        auto row = lab_.device_row(d.durable(), k);
        ledger_.saw(d.index, row, step_);
        auto w = random_change(d.index, key, row, !s_.has("P") || lab_.device_row(d.durable(), key_named("P")).has_value());
        if (!w) return;
        ++counts_->edits;
        say(d.name, " ", name_of(w->op), "s ", k.key, " ", text(w->op == operation::erase ? row : w->row));
        d.edited_at_commit = d.power.commits();
        if (w->op != operation::erase) return lab_.device_write(d.durable(), k, w->row);
        if (k.key == "P")
            for (std::size_t c = 0; c < s_.keys.size(); ++c)
                if (const auto child = lab_.device_row(d.durable(), key_named(s_.keys[c])); child && key_named(s_.keys[c]).model == child_model) {
                    ledger_.saw(d.index, child, step_);
                    ledger_.make(d.index, c, whole_record, false, step_, child, &d.last.keys[c]);
                }
        ledger_.make(d.index, key, whole_record, false, step_, row, &d.last.keys[key]);
        lab_.device_erase(d.durable(), k);
    }

    void foreign_edit() {
        const std::size_t key = random_.below(s_.keys.size());
        const record_key k = key_named(s_.keys[key]);
        auto row = lab_.server_row(*durable_, k);
        auto w = random_change(foreign_author, key, row, !s_.has("P") || lab_.server_row(*durable_, key_named("P")).has_value());
        if (!w) return;
        ++counts_->foreign_edits;
        say("the server's program ", name_of(w->op), "s ", k.key, " ", text(w->op == operation::erase ? row : w->row));
        if (w->op != operation::erase) return lab_.server_write(*durable_, k, w->row);
        for (std::size_t c = 0; c < s_.keys.size(); ++c)
            if (c == key || (k.key == "P" && key_named(s_.keys[c]).model == child_model)) ledger_.foreign_erase(c);
        lab_.server_erase(*durable_, k);
    }

    void person(device_type& d) {
        std::vector<std::size_t> waiting;
        for (std::size_t k = 0; k < s_.keys.size(); ++k)
            if (d.last.keys[k].open && d.last.keys[k].open->waiting) waiting.push_back(k);
        if (waiting.empty()) return;
        absorb(d);
        if (!d.settled()) return;
        const std::size_t key = waiting[random_.below(waiting.size())];
        const auto now = d.last.keys[key];
        if (!now.open || !now.open->waiting) return;
        const record_key k = key_named(s_.keys[key]);
        const auto how = random_.below(3);
        ++counts_->person_decisions;
        say(d.name, how == 0 ? " retries " : how == 1 ? " discards " : " takes the client's ", k.key);
        const auto commits = d.power.commits();
        const auto was_quiet = std::exchange(quiet_, true);
        arm(d);
        const auto done = how == 0 ? d.engine().retry(k, d.clock) : how == 1 ? d.engine().discard(k, d.clock) : d.engine().take_client(k, d.clock);
        quiet_ = was_quiet;
        if (d.power.commits() != commits) {
            if (how == 1) ledger_.discarded(d.index, key, *now.open);
            if (how == 2) ledger_.confirmed(d.index, key, now, step_);
        }
        after(d, done, "a person's decision");
    }

    // --- one device

    void arm(device_type& d) {
        if (quiet_) return;
        const bool hydrating = d.last.state.needs_hydration;
        if (random_.chance(hydrating ? 20 + s_.crash_percent : s_.crash_percent, 100)) d.power.arm(1 + random_.below(40), random_.chance(1, 2));
        if (random_.chance(s_.busy_percent, 100)) d.power.refuse_once();
    }

    // What is left of an engine call: a crash starts the device anew; any other fault must be one that was simulated.
    void after(device_type& d, const result<void>& done, const char* doing) {
        if (d.power.blown()) return crash(d);
        if (d.power.was_refused()) {
            ++counts_->busy_stores;
            if (!done && done.error().code != errc::busy) throw violation(d.name + ": " + doing + " failed: " + done.error().detail);
        } else if (!done) {
            throw violation(d.name + ": " + doing + " failed: " + std::string{name_of(done.error().code)} + ": " + done.error().detail);
        }
        observe(d);
    }

    void crash(device_type& d) {
        if (d.last.state.needs_hydration) ++counts_->crashes_in_hydration;
        ++counts_->device_crashes;
        say(d.name, " crashes");
        while (!d.boot()) ++counts_->device_crashes;
        observe(d);
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
        ledger_.source_of(now.state.source_id, d.index);
        if (settled) check_layers(now, durable_schemas(), s_, d.name);
        if (now.quarantined != 0) throw violation(d.name + " has quarantined a row, though its tables refuse none");
        if (now.state.checkpoint < d.last.state.checkpoint) throw violation(d.name + ": the checkpoint went back");
        if (now.state.needs_hydration && !d.last.state.needs_hydration) ++counts_->hydrations, say(d.name, " must rehydrate");
        for (std::size_t k = 0; k < d.last.keys.size(); ++k) {
            const auto &was = d.last.keys[k], &is = now.keys[k];
            if (was.frozen && is.frozen && was.frozen->id == is.frozen->id && is.version > was.version) ++counts_->rebases_under_flight;
            // A picture taken anew may have forgotten a record that is gone.
            const bool forgotten = is.version == 0 && d.last.state.needs_hydration && !now.state.needs_hydration;
            if (is.version < was.version && !forgotten) throw violation(d.name + ": the base of " + s_.keys[k] + " went back from version " + std::to_string(was.version) + " to " + std::to_string(is.version));
            if (trace_ && (was.version != is.version || was.base != is.base || was.visible != is.visible || was.frozen != is.frozen || was.open != is.open)) say("  ", d.name, " ", s_.keys[k], ": ", show(is));
        }
        ledger_.look(d.index, now, step_, d.bundle_wire, settled);
        ledger_.check_not_counted_twice(d.index, now);
        d.last = std::move(now);
    }
    static std::string show(const key_look& k) {
        std::string out{"base "};
        out.append(text(k.base)).append(" v").append(std::to_string(k.version)).append(k.provisional ? "?" : "");
        const auto layer = [&](const char* what, const intent& i) {
            out.append(", ").append(what).append(" ").append(name_of(i.op)).append(" on v").append(std::to_string(i.base.row_version));
            if (!i.base.after.empty()) out.append("+").append(i.base.after.substr(i.base.after.size() - 4));
            for (const auto& c : i.changes)
                if (c.field < 4) out.append(" ").append(1, "abnm"[c.field]).append("=").append(std::to_string(c.to.as_integer()));
            if (i.waiting) out.append(" waiting: ").append(name_of(i.waiting->code));
        };
        if (k.frozen) layer("frozen", k.frozen->what), out.append(" as ").append(k.frozen->id.substr(k.frozen->id.size() - 4));
        if (k.open) layer("open", *k.open);
        return out.append(", visible ").append(text(k.visible)).append(k.hidden ? " hidden" : "");
    }
    [[nodiscard]] const schema_set& durable_schemas() const { return std::as_const(*durable_).schemas(); }

    void poll(device_type& d, std::optional<sync_mode> mode = std::nullopt) {
        if (d.awaiting != 0) return;
        if (!d.running) {
            if (!mode) mode = random_.chance(1, 3) ? sync_mode::push_then_pull : random_.chance(1, 2) ? sync_mode::push_only : sync_mode::pull_only;
            say(d.name, " starts to sync: ", *mode == sync_mode::push_then_pull ? "push, pull" : *mode == sync_mode::push_only ? "push" : "pull");
            d.wire().start(*mode);
            d.running = true;
        }
        arm(d);
        auto step = d.wire().next(d.clock, d.random);
        if (step && !d.power.blown()) {
            if (auto* send = std::get_if<send_step>(&*step)) {
                d.awaiting = send->token;
                d.lost = false;
                message m{message::way::request, d.index, d.incarnation, send->token, std::move(send->what), {}, {}};
                const bool push = m.what.path.ends_with("/push");
                d.awaiting_push = push || (d.bundle_wire && m.what.path.find("/push-sessions") != std::string::npos);
                auto now = d.look();
                if (push)
                    for (const auto& k : now.keys)
                        if (k.frozen) m.ids.push_back(k.frozen->id);
                say(d.name, " sends ", name_of(m.what.method), " ", m.what.path);
                network_.push_back(std::move(m));
            } else if (auto* wait = std::get_if<wait_step>(&*step)) {
                d.clock = (std::max)(d.clock, wait->until);
            } else {
                auto& report = std::get<done_step>(*step).report;
                d.running = false;
                last_report_ = std::move(report);
                say(d.name, " is done", last_report_.why ? ": " : "", last_report_.why ? last_report_.why->detail : std::string{});
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
        ++counts_->timeouts;
        const bool push = d.awaiting_push;
        say(d.name, " times out");
        answer(d, d.awaiting, fault{errc::timed_out, "simulated: no answer"});
        // Often the program then only looks what is new.
        if (push && d.running && random_.chance(1, 2)) {
            d.wire().cancel();
            d.running = false;
            poll(d, sync_mode::pull_only);
        }
    }

    // --- the server

    void start_server() {
        server_.reset();
        guarded_.reset();
        server_power_.replace();
        lab_.crash_server(durable_);
        guarded_ = std::make_unique<server_store>(*durable_, server_power_);
        authority_options o;
        o.resolvers = resolver_set{s_.resolver_of()};
        o.validate = [this](const proposed_change& c) { return validate(c); };
        server_ = std::make_unique<server_type>(*guarded_, std::move(o), [this] { return now_; }, [this] { return server_random_.next(); });
        server_->mount_mutation_wire();
        lab_must(server_->mount_bundle_wire());
        server_power_.between = [this] {
            if (!quiet_ && random_.chance(s_.between_percent, 100)) ++counts_->writes_between_transactions, observe_server(), foreign_edit();
        };
    }

    std::optional<rejection> validate(const proposed_change& c) {
        if (!quiet_ && random_.chance(s_.error_percent, 100)) {
            ++counts_->transient_faults;
            return rejection{{errc::internal, "simulated: a transient fault"}, {}};
        }
        // A rule of the host that depends on the change alone.
        if (c.after != nullptr && c.before != nullptr && !(c.after->fields[3] == c.before->fields[3]) &&
            static_cast<std::uint64_t>(c.after->fields[3].as_integer()) % 100 < s_.refuse_percent && c.after->fields[3].as_integer() > 10)
            return rejection{{errc::validation_failed, "simulated: the host does not like this number"}, {}};
        return std::nullopt;
    }

    // Reads what the server has made durable: receipts first, as they explain the bundles.
    void observe_server() {
        auto t = lab_must(durable_->begin("main", syncline::access::snapshot));
        const auto head = lab_must(t.head());
        for (auto& [id, m] : ledger_.mutations()) {
            if (m.bundle_id != 0 || (m.known && !m.in_flight)) continue;
            const auto known = lab_must(t.find_receipt(devices_[static_cast<std::size_t>(m.device)]->who.id, id));
            if (known && !m.known) say("  receipt ", id.substr(id.size() - 4), ": ", name_of(known->outcome), " v", std::to_string(known->version), known->clean ? " clean" : "");
            if (known) ledger_.receipt_of(id, *known);
        }
        while (ledger_.seq() < head.seq) {
            auto heads = lab_must(t.bundle_heads(ledger_.seq(), 1));
            if (heads.empty()) throw violation("bundle " + std::to_string(ledger_.seq() + 1) + " is missing");
            bundle b{heads.front(), lab_must(t.bundle_rows(heads.front().seq, 0, heads.front().row_count))};
            if (trace_)
                for (const auto& row : b.rows) say("  bundle ", std::to_string(b.head.seq), " of ", b.head.source.substr(0, 6), ": ", row.key.key, " ", text(row.after), " by ", row.writer.empty() ? std::string{"nobody"} : row.writer.substr(row.writer.size() - 4));
            ledger_.sealed_bundle(b);
        }
        ledger_.check_effects();
    }

    // @return nothing: the server went down over it
    std::optional<response> serve(const message& m) {
        auto& d = *devices_[static_cast<std::size_t>(m.from)];
        if (m.what.path.ends_with("/push")) {
            ++counts_->pushes;
            if (std::any_of(m.ids.begin(), m.ids.end(), [&](const mutation_id& id) {
                    const auto& known = ledger_.mutations().at(id).known;
                    return known && (known->outcome == outcome_kind::refused || known->outcome == outcome_kind::held);
                }))
                ++counts_->second_copies_after_refusal;
        } else if (m.what.path.ends_with("/commit")) {
            ++counts_->pushes;
            if (refused_commits_.contains(m.what.path)) ++counts_->second_copies_after_refusal;
        } else if (m.what.path.ends_with("/push-sessions")) {
            // On the bundle wire nothing is pulled while a batch is unsettled: the device asks again what became of it.
            if (d.last.in_flight && ledger_.is_committed(d.last.state.source_id, d.last.in_flight->source_bundle_id)) ++counts_->asked_again_after_lost_answer;
        } else if (m.what.path.find("/pull") != std::string::npos) {
            ++counts_->pulls;
            for (const auto& k : d.last.keys)
                if (k.frozen && ledger_.mutations().at(k.frozen->id).known) {
                    ++counts_->pulls_after_lost_answer;
                    break;
                }
        }
        if (!quiet_ && random_.chance(s_.crash_percent, 100)) server_power_.arm(1 + random_.below(60), random_.chance(1, 2));
        if (!quiet_ && random_.chance(s_.busy_percent, 100)) server_power_.refuse_once();
        response r = (*server_)(m.what, d.who);
        const bool refused = server_power_.was_refused();
        counts_->busy_stores += refused ? 1 : 0;
        const bool down = server_power_.blown();
        say("the server answers ", d.name, ": ", down ? std::string{"nothing, it crashes"} : std::to_string(r.status));
        observe_server();
        if (down) {
            ++counts_->server_crashes;
            start_server();
            return std::nullopt;
        }
        if (r.status >= 500 && !refused && r.body.find("simulated") == std::string::npos) throw violation("the server answers " + std::to_string(r.status) + " to " + m.what.path + ": " + r.body);
        if (m.what.path.ends_with("/commit") && (r.status == 409 || r.status == 422)) {
            if (refused_commits_.insert(m.what.path).second) ++(r.status == 409 ? counts_->conflicts : counts_->refused);
        }
        const bool known_session = d.bundle_wire && (r.status == 404 || r.status == 422);
        if (!known_session && (r.status == 400 || r.status == 404 || r.status == 413 || r.status == 422)) throw violation("the server answers " + std::to_string(r.status) + " to " + m.what.path + ": " + r.body);
        return r;
    }

    // --- the network

    void deliver() {
        const std::size_t at = random_.chance(3, 10) ? random_.below(network_.size()) : 0;
        message m = std::move(network_[at]);
        network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(at));
        auto& d = *devices_[static_cast<std::size_t>(m.from)];
        const bool awaited = m.incarnation == d.incarnation && m.token == d.awaiting;
        const auto x = random_.below(100);
        if (m.goes == message::way::request) {
            if (x < 8) {
                ++counts_->requests_lost;
                say("a request of ", d.name, " is lost");
                if (awaited) d.lost = true;
                return;
            }
            if (x < 20) ++counts_->duplicates, network_.push_back(m);
            auto r = serve(m);
            if (!r) {
                if (awaited) d.lost = true;
                return;
            }
            // What was refused comes a second time more often than not, and often late.
            const bool refused = std::any_of(m.ids.begin(), m.ids.end(), [&](const mutation_id& id) {
                const auto& known = ledger_.mutations().at(id).known;
                return known && known->outcome != outcome_kind::applied && known->outcome != outcome_kind::superseded;
            });
            const bool refused_bundle = r->status != 200 && m.what.path.ends_with("/commit");
            if ((refused || refused_bundle) && !m.second && random_.chance(2, 3)) {
                ++counts_->duplicates;
                network_.push_back(m);
                network_.back().second = true;
            }
            m.goes = message::way::answer;
            m.reply = std::move(*r);
            network_.insert(network_.begin(), std::move(m));
            return;
        }
        const bool of_push = m.what.path.find("/push") != std::string::npos;
        if (x < (of_push ? 20U : 10U)) {
            ++counts_->answers_lost;
            say("an answer to ", d.name, " is lost");
            if (awaited) {
                d.lost = true;
                if (of_push && random_.chance(1, 2)) time_out(d);
            }
            return;
        }
        if (x < 26) ++counts_->duplicates, network_.push_back(m);
        if (m.incarnation != d.incarnation) return;  // the program that asked is gone
        if (!awaited) ++counts_->late_answers;
        say("an answer reaches ", d.name, awaited ? "" : " late");
        answer(d, m.token, m.reply);
    }

    // --- steps

    void step() {
        ++step_;
        ++counts_->steps;
        now_ += std::chrono::milliseconds{random_.below(3000)};
        auto& d = *devices_[random_.below(devices_.size())];
        for (auto& each : devices_) each->clock += std::chrono::milliseconds{random_.below(3000)};
        const auto x = random_.below(1000);
        if (x < 170) {
            edit(d);
            if (random_.chance(2, 3)) absorb(d);
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
        } else if (x < 925 + 2 * s_.crash_percent) {
            crash(d);
        } else if (x < 945) {
            if (random_.chance(s_.prune_percent, 6)) prune();
        } else if (x < 985) {
            person(d);
        } else if (s_.clocks_jump) {
            ++counts_->clock_jumps;
            const auto by = std::chrono::seconds{static_cast<std::int64_t>(random_.below(6 * 86400)) - 3 * 86400};
            if (random_.chance(1, 4))
                now_ += by / 100;
            else
                d.clock += by;
        }
    }

    void prune() {
        server_power_.replace();
        const auto was_quiet = std::exchange(quiet_, true);
        lab_must(server_->engine().seal_foreign("main", now_));
        observe_server();
        const auto to = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(ledger_.seq()) + 1));
        lab_must(server_->engine().prune("main", to, now_));
        quiet_ = was_quiet;
        ++counts_->prunes;
        say("history up to ", std::to_string(to), " is pruned");
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
        // Many conflicts in a row may take more than one sync, never more than a few.
        const bool goes_on = !last_round && last_report_.why && last_report_.why->code == errc::conflict;
        if (last_report_.why && !goes_on) throw violation(d.name + ": a sync without faults ends with " + std::string{name_of(last_report_.why->code)} + ": " + last_report_.why->detail);
    }

    // Faults stop. Promise 10: within a bounded number of syncs nothing is queued but what waits for a person, and everybody agrees.
    void quiesce() {
        ++step_;
        say("faults stop");
        quiet_ = true;
        server_power_.replace();
        for (auto& d : devices_) d->power.replace();
        // Copies of requests that were still under way come at any time; their answers reach nobody.
        auto late = std::move(network_);
        network_.clear();
        for (int round = 0; round < 6; ++round)
            for (auto& d : devices_) {
                ++step_;
                for (auto& m : late)
                    if (m.goes == message::way::request && random_.chance(1, 4)) (void)serve(m);
                sync(*d, round == 5);
            }
        lab_must(server_->engine().seal_foreign("main", now_));
        observe_server();
        std::vector<device_look> looks;
        for (auto& d : devices_) {
            observe(*d);
            check_end(*d);
            looks.push_back(d->last);
        }
        ledger_.check_counters(looks);
    }

    void check_end(device_type& d) {
        const auto& now = d.last;
        check_references(now, durable_schemas(), s_, d.name);
        if (now.in_flight) throw violation(d.name + ": a batch never settled");
        if (now.state.needs_hydration) throw violation(d.name + ": the hydration never ended");
        const std::size_t parent = ledger_.key_index("P");
        for (std::size_t k = 0; k < s_.keys.size(); ++k) {
            const auto& l = now.keys[k];
            const auto server = lab_.server_row(*durable_, key_named(s_.keys[k]));
            if (server != ledger_.sealed(k)) throw violation("the authority's row of " + s_.keys[k] + " is not the one it sealed");
            if (l.open && !l.open->waiting && !(parent < s_.keys.size() && k != parent && now.keys[parent].open))
                throw violation(d.name + ": " + s_.keys[k] + " is still open and waits for nothing");
            if (l.base != server) throw violation(d.name + " ends with the base of " + s_.keys[k] + " as " + text(l.base) + ", the authority has " + text(server));
            if (l.hidden && !(now.keys[parent].open && now.keys[parent].open->op == operation::erase)) throw violation(d.name + " ends with " + s_.keys[k] + " hidden under nothing");
            if (!l.open && !l.hidden && l.visible != l.base) throw violation(d.name + " ends with " + s_.keys[k] + " shown other than its base");
        }
    }

    seeded_random random_;
    settings s_;
    statistics* counts_;
    bool trace_;
    bool quiet_ = false;
    std::uint64_t step_ = 1;
    const timestamp start_ = from_microseconds(1'700'000'000'000'000);
    timestamp now_ = start_;
    Lab lab_;
    seeded_random server_random_;
    ledger ledger_;
    std::unique_ptr<typename Lab::authority_store> durable_;
    fuse server_power_;
    std::unique_ptr<server_store> guarded_;
    std::unique_ptr<server_type> server_;
    std::vector<std::unique_ptr<device_type>> devices_;
    std::vector<message> network_;
    sync_result last_report_;
    std::set<std::string> refused_commits_;  // of the bundle wire, by path
    std::vector<std::string> log_;
};

}  // namespace simulation

#endif
