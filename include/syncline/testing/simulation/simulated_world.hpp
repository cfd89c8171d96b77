#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_WORLD_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_WORLD_HPP

#include <syncline/engine/authority.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/agreement.hpp>
#include <syncline/testing/simulation/device_media.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/memory_stores.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/script.hpp>
#include <syncline/testing/simulation/setup.hpp>
#include <syncline/testing/simulation/simulated_device.hpp>
#include <syncline/testing/simulation/simulated_network.hpp>
#include <syncline/testing/simulation/simulated_people.hpp>
#include <syncline/testing/simulation/simulated_server.hpp>
#include <syncline/testing/simulation/simulated_view.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/sync_server.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// One run of a script: devices, a server, a network and their clocks. Engines, wire clients and wire servers are those of production, over the
/// stores of @p Stores; only time, network, power and the people are simulated. The same setup and script give the same run.
template <simulated_stores Stores>
class simulated_world {
public:
    /// @param setup, schemas  must outlive this object
    /// @param trace           keeps a line for everything that happens
    simulated_world(const simulation_setup& setup, const schema_set& schemas, std::uint64_t seed, bool trace)
        : setup_(&setup), schemas_(&schemas), trace_(trace), dice_(seed), stores_(schemas), media_(setup, schemas, stores_), people_(setup, schemas), view_(setup, schemas),
          ledger_(setup, schemas, setup.all_keys(schemas)),
          server_(setup, view_, stores_, dice_.next(), [this] { return now_; }) {
        const std::size_t sizes[]{1, 2, 3, 5, 100};
        batch_rows_ = sizes[dice_.below(5)];
        page_rows_ = sizes[dice_.below(5)];
        one_person_ = dice_.chance(1, 2);
        for (std::size_t i = 0; i < setup.devices; ++i) {
            const bool either = dice_.chance(1, 2);
            add_device(setup.wires == simulated_wires::bundle || (setup.wires == simulated_wires::both && either), nullptr, dice_.next());
        }
        server_.between = [this] {
            if (server_edit_later_ == 0 || --server_edit_later_ != 0) return;
            observe_server();
            server_edit(server_edit_die_);
        };
    }
    simulated_world(const simulated_world&) = delete;
    simulated_world& operator=(const simulated_world&) = delete;

    /// Runs @p s to its end, then lets faults stop and looks whether everybody agrees.
    /// @return the promise that was broken first; nothing: all were kept
    [[nodiscard]] std::optional<broken_promise> run(const script& s) {
        for (const auto& e : s.events) {
            if (ledger_.broken()) return ledger_.broken();
            step(e);
        }
        if (!ledger_.broken()) finish();
        return ledger_.broken();
    }

    /// How many things happened: edits, messages sent and taken, faults, decisions.
    [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
    /// How often each deed happened; a deed that made no sense when its turn came is not counted.
    [[nodiscard]] const std::array<std::uint64_t, deeds>& counts() const noexcept { return counts_; }
    /// What happened, a line each; the number before it is the event's, from 0.
    [[nodiscard]] const std::vector<std::pair<std::size_t, std::string>>& log() const noexcept { return log_; }

private:
    using device_type = simulated_device<typename Stores::replica_store>;
    using message = simulated_message;

    template <class... Parts>
    void say(const Parts&... parts) {
        if (!trace_) return;
        std::string line;
        (line.append(parts), ...);
        log_.emplace_back(at_, std::move(line));
    }
    void broke(std::string rule, std::string what) { ledger_.broke(std::move(rule), std::move(what)); }
    // Whether it went well. A fault that nobody simulated breaks the run.
    bool went(const result<void>& done, std::string_view doing) {
        if (!done) broke("unexpected fault", std::string(doing) + ": " + std::string(name_of(done.error().code)) + ": " + done.error().detail);
        return done.has_value();
    }

    // --- devices

    device_type& add_device(bool bundles, device_type* original, std::uint64_t seed) {
        const std::size_t n = devices_.size();
        const std::string name(1, static_cast<char>('A' + n));
        const bool knows_all = original != nullptr ? original->knows_all : !media_.has_older_programs() || seed % 2 == 0;
        auto store = original != nullptr ? media_.copy(*original, name) : media_.make(name, knows_all);
        principal who = original != nullptr ? original->who : principal{one_person_ ? "someone" : "person " + name, "main"};
        devices_.push_back(std::make_unique<device_type>(n, bundles, std::move(who), seed, std::move(store)));
        auto& d = *devices_.back();
        d.knows_all = knows_all;
        ledger_.owned_by(n, d.who.id);
        view_.enter(d.who.id);
        d.clock = now_ + std::chrono::seconds{static_cast<std::int64_t>(seed % (8 * 86400)) - 4 * 86400};
        d.faults.between = [this, &d] {
            if (d.edit_later == 0 || --d.edit_later != 0) return;
            edit_now(d, d.edit_die);
        };
        boot(d);
        return d;
    }
    void boot(device_type& d) {
        if (went(d.boot(*setup_, batch_rows_, page_rows_), d.name + " cannot open its store")) d.look_is_new = true, observe(d);
    }
    [[nodiscard]] bool shows(device_type& d, const record_key& key, field_index f, std::uint64_t number) {
        const auto row = stores_.row(*d.durable, key);
        return row && f < row->fields.size() && simulation_setup::number_of(row->fields[f]) == number;
    }
    [[nodiscard]] auto shown_by(device_type& d) {
        return [this, &d](const record_key& key, field_index f, std::uint64_t number) { return shows(d, key, f, number); };
    }
    void observe(device_type& d) {
        auto now = d.look(ledger_.keys());
        if (!now) return broke("unexpected fault", d.name + " cannot be looked at: " + now.error().detail);
        ledger_.look(d.index, d.name, std::as_const(*d.durable).schemas(), *now, d.settled());
        if (!std::exchange(d.look_is_new, false)) ledger_.looked_again(d.name, d.last, *now);
        if (trace_)
            for (std::size_t i = 0; i < ledger_.keys().size(); ++i) {
                const auto& r = now->records[i];
                if (i < d.last.records.size() && !(d.last.records[i] == r)) say("  ", d.name, " shows ", ledger_.keys()[i].key, " as ", ledger_.text(r.visible), ": ", ledger_.layers(r), " ", r.image_kept ? ledger_.text(r.base) : std::string{"as it is shown"});
            }
        if (d.last.state.source_id != now->state.source_id) ledger_.device_lost_memory(d.index);  // what the old source still has under way comes when it comes
        d.note(std::move(*now), ledger_.keys());
    }
    // Calls a device's engine: `result<void>()`. A program that finds no memory ends.
    template <class Call>
    void ask(device_type& d, std::string_view doing, Call call) {
        result<void> done;
        if (!store_faults::survives([&] { done = call(); })) return crash(d);
        after(d, done, doing);
    }
    // After a call of a device's engine: a crash starts its program anew, any other fault must be one that was simulated.
    void after(device_type& d, const result<void>& done, std::string_view doing) {
        if (d.faults.blown()) return crash(d);
        const bool simulated = d.faults.was_refused();
        if (!done && done.error().code == errc::busy && d.asleep.is_there() && d.program.running && !simulated) {
            say(d.name, " finds that its other program syncs");
            d.program.wire().cancel();
            told(d, d.program.wire().report());
            return ask(d, "ending a sync", [&] { return (void)d.program.end_sync(), result<void>{}; });
        }
        if (!done && !simulated) broke("unexpected fault", d.name + ": " + std::string(doing) + ": " + std::string(name_of(done.error().code)) + ": " + done.error().detail);
        observe(d);
    }
    void crash(device_type& d) {
        say(d.name, " crashes");
        const auto less = media_.power_fails(d);
        if (!went(without_value(less), d.name + "'s store after a crash")) return;
        if (*less) {
            say("  and what it had written since is not on its disk");
            ledger_.device_lost_memory(d.index);
        }
        start_anew(d, !*less);
    }
    // Its program starts after one that ended. @param kept  the store has all that was committed
    void start_anew(device_type& d, bool kept) {
        const auto ordinal = d.last.state.next_ordinal;
        boot(d);
        if (kept && d.last.state.next_ordinal < ordinal) broke("lost write", "the store that a new program of " + d.name + " opens has not what the last one committed");
        // What was decided in a sync that ended so, nobody was told.
        for (const auto& key : std::exchange(d.program.decided, {})) ledger_.told(d.index, key);
        ledger_.forget_unseen(d.index, shown_by(d));
    }

    // --- people

    // Somebody writes some change to the row of `key` in a table of their own.
    // @return the fields that are followed; nothing: it came to nothing
    template <class Store>
    [[nodiscard]] std::optional<simulated_people::numbers> write_some(Store& store, const std::string& who, const record_key& key, std::uint32_t die) {
        auto wrote = people_.write(ledger_, stores_, store, key, die, [&](std::string_view what) { say(who, what); });
        if (!wrote && wrote.error().code == errc::constraint) return std::nullopt;  // the app's own table refuses it: nothing happened
        if (!went(without_value(wrote), who + " writes to a table")) return std::nullopt;
        return std::move(*wrote);
    }
    void edit(device_type& d, std::uint32_t die) {
        if ((die >> 29) == 0) {  // now and then in the middle of something
            d.edit_later = 1 + (die >> 24) % 16;
            d.edit_die = die;
            return;
        }
        edit_now(d, die);
        observe(d);
    }
    void edit_now(device_type& d, std::uint32_t die) {
        const auto& key = ledger_.keys()[die % ledger_.keys().size()];
        auto gone = ledger_.seen_pending(d.index, shown_by(d));
        const auto wrote = write_some(*d.durable, d.name, key, die);
        if (!wrote) return;
        count(deed::edit);
        d.edited_at_commit = d.commits();
        // What the user wrote over, and what went with an erased record before their eyes, they know of.
        const auto still = ledger_.seen_pending(d.index, shown_by(d));
        std::erase_if(gone, [&](std::uint64_t n) { return std::find(still.begin(), still.end(), n) != still.end(); });
        ledger_.forget_numbers(gone);
        for (const auto& [f, number] : *wrote) ledger_.wrote(d.index, key, f, number);
    }
    void server_edit(std::uint32_t die) {
        if (write_some(server_.durable(), "the server's program", ledger_.keys()[die % ledger_.keys().size()], die)) count(deed::server_edit);
    }
    // @return whether something waited
    bool decide(device_type& d, std::uint32_t die, bool give_up) {
        std::vector<intent> waiting;
        ask(d, "looking what waits", [&]() -> result<void> {
            auto all = d.program.engine().waiting(1000, d.clock);
            if (all) waiting = std::move(*all);
            return without_value(all);
        });
        if (waiting.empty()) return false;
        const record_key key = waiting[(die >> 4) % waiting.size()].key;
        const auto how = give_up ? 1U : die % 3;
        say(d.name, how == 0 ? " retries " : how == 1 ? " discards " : " takes the client's ", key.key, ", which waits");
        count(deed::decide);
        ask(d, "a person's decision", [&]() -> result<void> {
            const auto edits = counts_[static_cast<std::size_t>(deed::edit)];
            auto done = how == 0 ? d.program.engine().retry(key, d.clock) : how == 1 ? d.program.engine().discard(key, d.clock) : d.program.engine().take_client(key, d.clock);
            if (how == 1 && done) ledger_.told(d.index, key);
            // An edit in the same moment is a decision too, and came first.
            if (!done && done.error().code == errc::out_of_view && view_.any()) return {};  // it waits until the record is back, whatever its author says
            if (!done && done.error().code == errc::absent && counts_[static_cast<std::size_t>(deed::edit)] != edits) return {};
            return done;
        });
        return true;
    }
    template <class T>
    [[nodiscard]] static result<void> without_value(const result<T>& r) {
        return r ? result<void>{} : result<void>{r.error()};
    }

    // --- programs

    void count(deed what) {
        ++counts_[static_cast<std::size_t>(what)];
        ++operations_;
    }
    void told(device_type& d, const sync_result& report) {
        for (const auto& m : report.met) {
            say("  ", d.name, " is told of a conflict: ", m.key.key, ", ", name_of(m.kind), ": ", m.rule);
            ledger_.told(d.index, m.key);
            // Told of an erase that took others along, the user knows of what went with it.
            if (m.rule.find("take along") != std::string::npos) ledger_.forget_unseen(d.index, shown_by(d));
        }
        for (const auto& r : report.rejections) say("  ", d.name, " is told: ", r.key.key, ": ", r.why.detail);
    }
    void poll(device_type& d, sync_mode mode) {
        if (d.program.awaiting != 0) return;
        if (!d.program.running) {
            say(d.name, " starts to sync");
            ask(d, "taking the lease", [&] { return without_value(d.program.begin_sync(mode, d.clock)); });
            if (!d.program.running) return;
        }
        ask(d, "the wire's next step", [&]() -> result<void> {
            auto step = d.program.next(d.clock, d.random);
            if (step && !d.faults.blown()) take(d, *step);
            return without_value(step);
        });
    }
    void take(device_type& d, client_step& step) {
        if (auto* send = std::get_if<send_step>(&step)) {
            d.program.awaiting = send->token;
            if (view_.any() && send->what.path.find("/pull") != std::string::npos) d.pulls(ledger_.keys());
            say(d.name, " sends ", name_of(send->what.method), " ", send->what.path, d.cut_out ? ", into the void" : "");
            ++operations_;
            if (!d.cut_out) network_.put({false, false, d.index, d.program.incarnation(), send->token, 0, std::move(send->what), {}});
        } else if (auto* wait = std::get_if<wait_step>(&step)) {
            d.clock = (std::max)(d.clock, wait->until);
        } else {
            last_report_ = std::move(std::get<done_step>(step).report);
            (void)d.program.end_sync();  // where it fails, the lease ends by its time
            say(d.name, " is done", last_report_.why ? ": " : "", last_report_.why ? last_report_.why->detail : std::string{});
            told(d, last_report_);
        }
    }
    void answer(device_type& d, std::uint64_t token, const result<response>& r) {
        ++operations_;
        ask(d, "taking an answer in", [&] { return d.program.on(token, r, d.clock, d.random); });
    }
    void time_out(device_type& d) {
        if (d.program.awaiting == 0) return;
        say(d.name, " times out");
        answer(d, d.program.awaiting, fault{errc::timed_out, "simulated: no answer"});
    }
    // The next thing that a device does: it is answered, asks, or stops waiting for what does not come.
    void proceed(device_type& d, std::uint32_t die) {
        count(deed::proceed);
        if (d.program.awaiting == 0) return poll(d, die % 3 == 0 ? sync_mode::push_only : die % 3 == 1 ? sync_mode::pull_only : sync_mode::push_then_pull);
        if (const auto i = network_.awaited_by(d.index, d.program.incarnation(), d.program.awaiting, events_)) return deliver(*i);
        time_out(d);
    }

    // --- the network

    void deliver(std::size_t i) {
        message m = network_.take(i);
        auto& d = *devices_[m.device];
        ++operations_;
        if (!m.answer) {
            auto r = serve(m);
            if (!r) return;
            m.answer = true;
            m.damaged = false;
            m.reply = std::move(*r);
            network_.put_first(std::move(m));
            return;
        }
        if (d.cut_in || d.program.incarnation() != m.incarnation) return;
        answer(d, m.token, m.reply);
    }
    // @return nothing: the server went down over it
    std::optional<response> serve(const message& m) {
        auto& d = *devices_[m.device];
        auto answered = server_.answer(m.what, d.who);
        const bool refused = server_.faults().was_refused();
        say("the server answers ", d.name, ": ", !answered ? std::string{"nothing, it ends"} : std::to_string(answered->status), answered && answered->status >= 400 ? " " + answered->body : std::string{});
        observe_server();
        if (server_.faults().blown()) server_.restart();
        if (!answered) return std::nullopt;
        response& r = *answered;
        if (r.status >= 500 && !refused) broke("unexpected fault", "the server answers " + std::to_string(r.status) + " to " + m.what.path + ": " + r.body);
        // A device that was told nonsense about a damaged request may ask with a right that it no longer has; it connects again then.
        const bool known_right = r.body.find("push_session_invalid") != std::string::npos;
        if ((r.status == 400 || r.status == 413) && !m.damaged && !known_right) broke("unexpected fault", "the server answers " + std::to_string(r.status) + " to " + m.what.path + ": " + r.body);
        return answered;
    }
    void observe_server() {
        went(server_.observe(ledger_, [this](const bundle_head& h, const std::vector<row_change>& rows) { say_bundle(h, rows); }), "looking at the server");
    }
    void say_bundle(const bundle_head& h, const std::vector<row_change>& rows) {
        for (const auto& row : rows) say("  bundle ", std::to_string(h.seq), ": ", row.key.key, " ", trace_ ? ledger_.text(row.after) : std::string{});
    }
    void network_fault(deed what, device_type& d, std::uint32_t die) {
        const auto hit = network_.damage(what, d.index, die, events_);
        if (!hit) return;
        count(what);
        say(hit->answer ? "an answer to " : "a request of ", d.name, told_of(what));
        // Half of the time a loss is noticed at once.
        const bool lost = what == deed::lose_request || what == deed::lose_answer;
        if (lost && hit->incarnation == d.program.incarnation() && hit->token == d.program.awaiting && die % 4 < 2) answer(d, d.program.awaiting, fault{errc::unavailable, "simulated: the connection broke"});
    }

    // --- steps

    void step(const event& e) {
        ++events_;
        at_ = static_cast<std::size_t>(events_ - 1);
        now_ += std::chrono::milliseconds{e.die % 3000};
        for (auto& each : devices_)
            if (!each->clock_stands) each->clock += std::chrono::milliseconds{(e.die >> 8) % 3000};
        auto& d = *devices_[e.who % devices_.size()];
        switch (e.what) {
        case deed::edit: return edit(d, e.die);
        case deed::server_edit:
            if ((e.die >> 29) != 0) return server_edit(e.die);
            server_edit_later_ = 1 + (e.die >> 24) % 4;
            server_edit_die_ = e.die;
            return;
        case deed::decide: decide(d, e.die, false); return;
        case deed::proceed: return proceed(d, e.die);
        case deed::deliver_any:
            if (network_.empty()) return;
            count(e.what);
            return deliver(e.die % network_.size());
        case deed::look: count(e.what); return ask(d, "absorbing", [&] { return without_value(d.program.engine().absorb(d.clock)); });
        case deed::lose_request:
        case deed::lose_answer:
        case deed::duplicate:
        case deed::delay:
        case deed::truncate:
        case deed::corrupt:
        case deed::half_open: return network_fault(e.what, d, e.die);
        case deed::time_out: count(e.what); return time_out(d);
        case deed::grant:
        case deed::revoke: {
            const auto label = view_.change(d.who.id, e.what == deed::grant, e.die);
            if (!label) return;
            count(e.what);
            return say(d.who.id, e.what == deed::grant ? " is granted " : " loses ", *label);
        }
        case deed::jump_clock: count(e.what); d.clock += jump(e.die); d.clock_stands = false; say(d.name, "'s clock is set"); return;
        case deed::jump_server_clock: count(e.what); now_ += jump(e.die) / 100; say("the server's clock is set"); return;
        default: return fail(e, d);
        }
    }
    [[nodiscard]] static duration jump(std::uint32_t die) { return std::chrono::seconds{static_cast<std::int64_t>(die % (6 * 86400)) - 3 * 86400}; }

    // Power, stores, data and operators.
    void fail(const event& e, device_type& d) {
        const std::uint64_t calls = 1 + (e.die >> 4) % 40;
        const bool no_room = (e.what == deed::copy_device || e.what == deed::reuse_source) && devices_.size() >= setup_->most_devices;
        const bool no_backup = (e.what == deed::restore_device && !d.backup) || (e.what == deed::restore_server && !server_.has_backup());
        if (no_room || no_backup || (e.what == deed::lying_fsync && d.synced) || (e.what == deed::change_program && !device_type::program_type::shares) || (e.what == deed::update_app && d.knows_all)) return;
        count(e.what);
        if (d.suffer(e.what, e.die, calls)) return say(d.name, ": ", name_of(e.what));
        if (server_.suffer(e.what, e.die, calls)) return say("the server: ", name_of(e.what));
        switch (e.what) {
        case deed::crash: return crash(d);
        case deed::change_program: return change_program(d);
        case deed::prune: return prune(e.die);
        case deed::copy_device:
            say(d.name, " is copied to ", std::string(1, static_cast<char>('A' + devices_.size())));
            ledger_.device_lost_memory(d.index);
            ledger_.device_lost_memory(add_device(d.by_bundles, &d, e.die).index);
            return;
        case deed::back_up_device:
            say(d.name, " is backed up");
            return media_.back_up(d);
        case deed::restore_device: return restore(d);
        case deed::lying_fsync:
            say("from now on ", d.name, "'s disk keeps nothing");
            return media_.begin_to_lie(d);
        case deed::torn_write:
            say("power is to fail while ", d.name, " commits");
            return media_.tear(d, 1 + calls % 6, e.die);
        case deed::reuse_source: return reuse_source(d, e.die);
        case deed::restore_server: return restore_server();
        case deed::update_app: return update_app(d);
        case deed::rebuild: {
            const bool own = e.die % 3 == 0;
            say(d.name, own ? " is declared a device of its own" : " is to be rebuilt");
            return ask(d, "a rebuild", [&] { return own ? d.program.engine().renew_source(d.random, true, d.clock) : d.program.engine().begin_hydration(d.clock); });
        }
        default: return;
        }
    }
    void change_program(device_type& d) {
        d.change_program();
        say("the other program of ", d.name, " wakes up");
        if (!d.program.is_there()) boot(d);
    }
    void update_app(device_type& d) {
        say("the program of ", d.name, " is replaced by a newer one");
        d.stop();
        d.knows_all = true;
        if (went(media_.bring_up(d), d.name + "'s newer program cannot open the store")) start_anew(d, true);
    }
    void prune(std::uint32_t die) {
        observe_server();
        if (!went(server_.seal(), "sealing")) return;
        observe_server();
        const auto to = static_cast<std::int64_t>(die % (static_cast<std::uint64_t>(ledger_.seq()) + 1));
        say("the server forgets history up to bundle ", std::to_string(to));
        went(server_.prune(to), "pruning");
    }
    void restore(device_type& d) {
        say(d.name, " is restored from its backup");
        if (!went(media_.put_back(d), d.name + "'s backup")) return;
        d.edited_at_commit.reset();
        ledger_.device_lost_memory(d.index);
        boot(d);
        ledger_.forget_unseen(d.index, shown_by(d));
    }
    void reuse_source(device_type& d, std::uint32_t die) {
        auto& fresh = add_device(d.by_bundles, nullptr, die);
        fresh.who = d.who;
        ledger_.owned_by(fresh.index, fresh.who.id);
        fresh.stop();
        say(fresh.name, " is installed anew, and draws the source id of ", d.name);
        if (!went(fresh.take_source_of(d), "taking a source id")) return;
        boot(fresh);
    }
    void restore_server() {
        if (!went(server_.seal(), "sealing")) return;
        observe_server();
        if (!went(server_.restore("restored " + std::to_string(events_)), "restoring the server")) return;
        const auto head = server_.head();
        if (!head) return broke("unexpected fault", "the server's head: " + head.error().detail);
        ledger_.server_restored(head->seq);
        say("the server is restored from a backup of bundle ", std::to_string(head->seq));
    }

    // --- the end

    void sync(device_type& d) {
        if (d.program.running) {
            d.program.wire().cancel();
            d.program.awaiting = 0;
            for (int i = 0; d.program.running && i < 100; ++i) poll(d, sync_mode::push_then_pull);  // what was settled is told
        }
        poll(d, sync_mode::push_then_pull);
        for (int i = 0; d.program.running && !ledger_.broken(); ++i) {
            if (i > 2000) return broke("liveness", d.name + ": a sync without faults does not end");
            if (d.program.awaiting != 0 && !network_.empty())
                deliver(network_.size() - 1);
            else if (d.program.awaiting != 0)
                time_out(d);
            else
                poll(d, sync_mode::push_then_pull);
        }
    }
    // Faults stop: within a bounded number of syncs, and decisions of persons, everybody agrees.
    void finish() {
        ++at_;
        say("faults stop");
        server_.faults().replace();
        server_edit_later_ = 0;
        network_.clear();
        for (auto& d : devices_) d->faults_stop();
        for (int round = 0; round < rounds; ++round) {
            // Whoever began to fill the account and did not go on is waited for no longer than its lease.
            now_ += std::chrono::minutes{20};
            for (auto& d : devices_) d->clock += std::chrono::minutes{20};
            for (auto& d : devices_) {
                if (d->asleep.is_there() && round < 4) d->change_program();
                const int most = round < rounds - 4 ? 1000 : 0;
                for (int i = 0; i < most && !ledger_.broken() && decide(*d, static_cast<std::uint32_t>(round + i), round >= 4); ++i)
                    if (round < 4 && i > 20) break;
                sync(*d);
                if (ledger_.broken()) return;
                if (round == rounds - 1 && last_report_.why) return broke("liveness", d->name + ": a sync without faults ends with " + std::string(name_of(last_report_.why->code)) + ": " + last_report_.why->detail);
            }
            if (round < rounds - 2) {
                if (!went(server_.seal(), "sealing")) return;
                observe_server();
            }
            if (round >= 2 && at_rest()) break;
        }
        for (auto& d : devices_) check_agreement(ledger_, stores_, *schemas_, view_, *d, server_.durable());
        ledger_.finish();
    }
    // Whether another round would change nothing: nothing is queued, and everybody is where the server is.
    [[nodiscard]] bool at_rest() {
        const auto head = server_.head();
        if (!head || last_report_.why) return false;
        for (auto& d : devices_) {
            const auto status = d->program.engine().status(d->clock);
            if (!status || status->counts.frozen + status->counts.open + status->counts.waiting != 0 || status->state.needs_hydration) return false;
            if (d->last.state.checkpoint != (d->by_bundles ? head->seq : head->stamp)) return false;
        }
        return true;
    }
    static constexpr int rounds = 16;

    const simulation_setup* setup_;
    const schema_set* schemas_;
    bool trace_;
    seeded_random dice_;  // what a seed decides before the first step
    Stores stores_;
    device_media<Stores> media_;
    simulated_people people_;
    simulated_view view_;
    run_ledger ledger_;
    timestamp now_ = from_microseconds(1'700'000'000'000'000);  // by the server's clock
    simulated_server<Stores> server_;
    std::size_t batch_rows_ = 3;
    std::size_t page_rows_ = 3;
    bool one_person_ = false;
    std::uint64_t events_ = 0;
    std::size_t at_ = 0;
    std::uint64_t operations_ = 0;
    std::array<std::uint64_t, deeds> counts_{};
    std::uint64_t server_edit_later_ = 0;
    std::uint32_t server_edit_die_ = 0;
    std::vector<std::unique_ptr<device_type>> devices_;
    simulated_network network_;
    sync_result last_report_;
    std::vector<std::pair<std::size_t, std::string>> log_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
