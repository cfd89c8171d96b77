#ifndef SYNCLINE_TESTS_SIMULATION_GRAPH_WORLD_HPP
#define SYNCLINE_TESTS_SIMULATION_GRAPH_WORLD_HPP

// One run over records that refer to each other: self-references, cycles, cascades, edits of several rows at once. Devices are copied and come
// back from backups, so does the server, history is pruned, power goes, messages are lost, doubled and late. The checks are those that hold
// whatever happened to the data: everybody agrees in the end, nothing dangles at the server, every value that a user wrote was at the server
// once or somebody was told, and no number of a source names two bundles.

#include <syncline/engine/authority.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/graph_device.hpp"
#include "simulation/graph_lab.hpp"
#include "simulation/random_crash.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace graph_simulation {

/// What happened, by name.
struct graph_statistics {
    std::uint64_t seeds = 0, edits = 0, rows_of_many = 0, erases = 0, cascades = 0, conflicts = 0, refused = 0, crashes = 0, copies = 0, restores = 0, server_restores = 0,
                  prunes = 0, forgotten = 0, hydrations = 0, rebuilds = 0, renewals = 0, decisions = 0, many_row_bundles = 0, lost_messages = 0;
    template <class F>
    void each(F f) {
        f("seeds", seeds), f("edits", edits), f("of several rows", rows_of_many), f("erases", erases), f("rows gone by cascade", cascades), f("conflicts", conflicts), f("refused", refused),
            f("crashes", crashes), f("copies", copies), f("restores", restores), f("server restores", server_restores), f("prunes", prunes), f("commits that forgot history", forgotten), f("hydrations", hydrations), f("rebuilds", rebuilds),
            f("new sources", renewals), f("decisions of persons", decisions), f("bundles of several rows", many_row_bundles), f("lost messages", lost_messages);
    }
    void add(graph_statistics other) {
        std::vector<std::uint64_t> theirs;
        other.each([&](const char*, std::uint64_t& n) { theirs.push_back(n); });
        std::size_t i = 0;
        each([&](const char*, std::uint64_t& n) { n += theirs[i++]; });
    }
};

template <class Lab>
class graph_world {
public:
    using device_type = graph_device<Lab>;

    graph_world(std::uint64_t seed, wire_mix mix, graph_statistics& counts, bool trace)
        : random_(seed * 3 + static_cast<std::uint64_t>(mix) + (std::uint64_t{77} << 40)), s_(seed, mix, random_), counts_(&counts), trace_(trace), lab_(s_.overlap),
          authority_(lab_.make_authority()) {
        say("resolver ", s_.resolver, s_.overlap == overlap_policy::by_row ? ", by row" : ", by field", ", batches of ", std::to_string(s_.batch_rows), ", pages of ", std::to_string(s_.page_rows));
        if (const char* watched = std::getenv("SYNCLINE_WATCH"))
            for (const model_id m : {folder_model, left_model, right_model})
                if ("FLR"[m] == watched[0]) watched_.push_back({m, watched});
        start_server();
        for (std::size_t i = 0; i < s_.devices; ++i) add_device(s_.by_bundles(i), nullptr);
    }

    void run() {
        for (std::size_t i = 0; i < s_.steps; ++i) step();
        end();
        ++counts_->seeds;
    }
    [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

private:
    using guarded_authority = testing::faulty_authority_store<typename Lab::authority_store>;
    static constexpr std::size_t most_devices = 5;

    // A value that a user wrote and that the server has not had yet.
    struct written {
        std::string token;
        std::string device;
        record_key key;
        field_index field;
    };
    struct message {
        bool answer = false;
        std::string device;
        std::uint64_t incarnation = 0, token = 0;
        request what;
        response reply;
    };

    template <class... Parts>
    void say(const Parts&... parts) {
        if (!trace_) return;
        std::string line{std::to_string(step_)};
        line.append(": ");
        (line.append(parts), ...);
        log_.push_back(std::move(line));
    }
    static std::string named(const record_key& k) { return k.key; }

    // --- parties

    void start_server() {
        server_.reset();
        guarded_.reset();
        power_.replace();
        guarded_ = std::make_unique<guarded_authority>(*authority_, power_);
        server_ = std::make_unique<sync_server<guarded_authority>>(*guarded_, s_.options_of_server(), [this] { return now_; }, [this] { return random_.next(); });
        server_->mount_mutation_wire();
        lab_must(server_->mount_bundle_wire());
    }
    device_type& add_device(bool bundles, device_type* original) {
        std::string name(1, static_cast<char>('A' + devices_.size()));
        auto store = original != nullptr ? lab_.copy(*original->durable, original->name, name) : lab_.make_replica(name);
        devices_.push_back(std::make_unique<device_type>(name, bundles, random_.next(), std::move(store)));
        auto& d = *devices_.back();
        d.clock = now_ + std::chrono::seconds{static_cast<std::int64_t>(random_.below(7200)) - 3600};
        while (!d.boot(s_, lab_)) {}
        return d;
    }
    device_type* device_named(const std::string& name) {
        for (auto& d : devices_)
            if (d->name == name) return d.get();
        return nullptr;
    }

    // --- users

    std::string token_of(const std::string& who) { return who + std::to_string(++tokens_); }
    value reference_to(const graph_rows& rows, model_id model) {
        std::vector<std::string> there;
        for (const auto& [key, row] : rows)
            if (key.model == model) there.push_back(key.key);
        return there.empty() || random_.chance(1, 4) ? value{} : value::text(there[random_.below(there.size())]);
    }
    // An edit of one row or of several that belong together, or an erase.
    void invent(const std::string& who, const graph_rows& rows, graph_rows& write, std::vector<record_key>& erase) {
        const auto change = [&](const record_key& key, std::optional<value> refers) {
            const auto at = rows.find(key);
            record r = at == rows.end() ? record{std::vector<value>(3)} : at->second;
            if (at == rows.end() || random_.chance(2, 3)) r.fields[name_field] = value::text(token_of(who));
            if (at == rows.end() || random_.chance(1, 3)) r.fields[note_field] = value::text(token_of(who));
            if (refers) r.fields[reference_field] = std::move(*refers);
            write.insert_or_assign(key, std::move(r));
        };
        const std::string n = std::to_string(1 + random_.below(3));
        const record_key left{left_model, "L" + n}, right{right_model, "R" + n};
        const auto x = random_.below(100);
        if (x < 45) {
            const record_key folder{folder_model, "F" + std::to_string(1 + random_.below(5))};
            change(folder, rows.contains(folder) && random_.chance(3, 4) ? std::nullopt : std::optional<value>{reference_to(rows, folder_model)});
        } else if (x < 60) {
            // Two that refer to each other, at once.
            change(left, value::text(right.key));
            change(right, value::text(left.key));
        } else if (x < 72) {
            change(left, reference_to(rows, right_model));
        } else if (x < 82) {
            change(right, reference_to(rows, left_model));
        } else if (!rows.empty()) {
            erase.push_back(std::next(rows.begin(), static_cast<std::ptrdiff_t>(random_.below(rows.size())))->first);
        }
    }
    void edit(device_type& d) {
        const graph_rows before = lab_.rows(*d.durable, d.name);
        graph_rows write;
        std::vector<record_key> erase;
        invent(d.name, before, write, erase);
        for (const auto& [key, row] : write) say(d.name, " writes ", named(key), " ", text(row));
        for (const auto& key : erase) say(d.name, " erases ", named(key));
        lab_.app(*d.durable, d.name, write, erase);
        const graph_rows after = lab_.rows(*d.durable, d.name);
        ++counts_->edits;
        counts_->rows_of_many += write.size() > 1 ? 1 : 0;
        counts_->erases += erase.size();
        counts_->cascades += before.size() > after.size() + erase.size() ? before.size() - after.size() - erase.size() : 0;
        // What the user wrote over, the user knows.
        std::erase_if(pending_, [&](const written& w) { return w.device == d.name && shows(before, w) && !shows(after, w); });
        for (const auto& [key, row] : write)
            for (const field_index f : {name_field, note_field}) {
                const auto was = before.find(key);
                if (was != before.end() && was->second.fields[f] == row.fields[f]) continue;
                // Also where it was not shown: a row of the user's own that waits under an erased one.
                std::erase_if(pending_, [&](const written& w) { return w.device == d.name && w.key == key && w.field == f; });
                pending_.push_back({row.fields[f].as_string(), d.name, key, f});
            }
    }
    void foreign_edit() {
        const graph_rows before = lab_.server_rows(*authority_);
        graph_rows write;
        std::vector<record_key> erase;
        invent("s", before, write, erase);
        for (const auto& [key, row] : write) say("the server's program writes ", named(key), " ", text(row));
        for (const auto& key : erase) say("the server's program erases ", named(key));
        lab_.server_app(*authority_, write, erase);
    }
    static bool shows(const graph_rows& rows, const written& w) {
        const auto at = rows.find(w.key);
        const value& v = at == rows.end() ? nothing : at->second.fields[w.field];
        return v.kind() == value_kind::text && v.as_string() == w.token;
    }
    inline static const value nothing{};
    static std::string text(const record& r) {
        std::string out{"["};
        for (const auto& v : r.fields) out.append(out.size() > 1 ? "," : "").append(v.is_null() ? "-" : v.as_string());
        return out.append("]");
    }

    /// @param give_up  decides against the change, whatever it is
    void person(device_type& d, bool give_up) {
        auto waiting = d.engine->waiting(1000, d.clock);
        if (!waiting || waiting->empty()) return after(d, waiting ? result<void>{} : result<void>{waiting.error()}, "looking what waits");
        const record_key key = (*waiting)[random_.below(waiting->size())].key;
        const auto how = give_up ? 1 : random_.below(3);
        ++counts_->decisions;
        say(d.name, how == 0 ? " retries " : how == 1 ? " discards " : " takes the client's ", named(key), ", which waits");
        const auto done = how == 0 ? d.engine->retry(key, d.clock) : how == 1 ? d.engine->discard(key, d.clock) : d.engine->take_client(key, d.clock);
        if (how == 1 && done) forget(d.name, key);
        after(d, done, "a person's decision");
    }
    void forget(const std::string& device, const record_key& key) {
        std::erase_if(pending_, [&](const written& w) { return w.device == device && w.key == key; });
    }

    // --- a device's program

    void arm(device_type& d) {
        if (quiet_) return;
        if (random_.chance(s_.crash_percent, 100)) simulation::crash_within(60, d.power, random_);
        if (random_.chance(s_.busy_percent, 100)) d.power.refuse_once();
    }
    void after(device_type& d, const result<void>& done, const char* doing) {
        if (d.power.blown()) return crash(d);
        if (d.power.was_refused()) {
            if (!done && done.error().code != errc::busy) throw violation(d.name + ": " + doing + " failed: " + done.error().detail);
        } else if (!done) {
            throw violation(d.name + ": " + doing + " failed: " + std::string{name_of(done.error().code)} + ": " + done.error().detail);
        }
    }
    void crash(device_type& d) {
        ++counts_->crashes;
        say(d.name, " crashes");
        while (!d.boot(s_, lab_)) ++counts_->crashes;
        // What was decided in the call over which power went, nobody was told.
        forget_what_is_not_shown(d);
    }
    void forget_what_is_not_shown(device_type& d) {
        const graph_rows rows = lab_.rows(*d.durable, d.name);
        std::erase_if(pending_, [&](const written& w) { return w.device == d.name && !shows(rows, w); });
    }
    void told(device_type& d, const sync_result& report) {
        counts_->conflicts += report.met.size();
        counts_->refused += report.rejections.size();
        counts_->hydrations += report.hydrated ? 1 : 0;
        for (const auto& m : report.met) {
            say("  ", d.name, " is told of a conflict: ", named(m.key), ", ", name_of(m.kind), " ", m.rule);
            forget(d.name, m.key);
            // Told of an erase that took others along, the user knows of what went with it, its own newest writes included.
            if (m.rule.find("take along") != std::string::npos) forget_what_is_not_shown(d);
        }
        for (const auto& r : report.rejections) say("  ", d.name, " is told: ", named(r.key), ": ", r.why.detail);
    }
    void poll(device_type& d, std::optional<sync_mode> mode = std::nullopt) {
        if (d.awaiting != 0) return;
        if (!d.running) {
            if (!mode) mode = random_.chance(1, 2) ? sync_mode::push_then_pull : random_.chance(1, 2) ? sync_mode::push_only : sync_mode::pull_only;
            say(d.name, " starts to sync: ", *mode == sync_mode::push_then_pull ? "push, pull" : *mode == sync_mode::push_only ? "push" : "pull");
            d.wire->start(*mode);
            d.running = true;
        }
        arm(d);
        auto step = d.wire->next(d.clock, d.random);
        if (step && !d.power.blown()) {
            if (auto* send = std::get_if<send_step>(&*step)) {
                d.awaiting = send->token;
                say(d.name, " sends ", name_of(send->what.method), " ", send->what.path);
                network_.push_back({false, d.name, d.incarnation, send->token, std::move(send->what), {}});
            } else if (auto* wait = std::get_if<wait_step>(&*step)) {
                d.clock = (std::max)(d.clock, wait->until);
            } else {
                last_report_ = std::move(std::get<done_step>(*step).report);
                d.running = false;
                say(d.name, " is done", last_report_.why ? ": " : "", last_report_.why ? last_report_.why->detail : std::string{});
                told(d, last_report_);
            }
        }
        after(d, step ? result<void>{} : result<void>{step.error()}, "the wire's next step");
    }
    void answer(device_type& d, std::uint64_t token, const result<response>& r) {
        if (token == d.awaiting) d.awaiting = 0;
        arm(d);
        const auto done = d.wire->on(token, r, d.clock, d.random);
        after(d, done, "taking an answer in");
        if (trace_)
            for (const auto& key : watched_) say("  ", d.name, " holds of ", named(key), ": ", held(d, key));
    }
    void time_out(device_type& d) {
        if (d.awaiting != 0) answer(d, d.awaiting, fault{errc::timed_out, "simulated: no answer"});
    }

    // --- the network

    std::optional<response> serve(const message& m) {
        if (!quiet_ && random_.chance(s_.crash_percent, 100)) simulation::crash_within(80, power_, random_);
        if (!quiet_ && random_.chance(s_.busy_percent, 100)) power_.refuse_once();
        response r = (*server_)(m.what, principal{"someone", "main"});
        const bool refused = power_.was_refused();
        const bool down = power_.blown();
        say("the server answers ", m.device, ": ", down ? std::string{"nothing, it crashes"} : std::to_string(r.status), r.status >= 400 ? " " + r.body : std::string{});
        if (down) {
            ++counts_->crashes;
            guarded_.reset();
            lab_.crash_server(authority_);
            start_server();
        }
        observe();
        if (down) return std::nullopt;
        if (r.status >= 500 && !refused) throw violation("the server answers " + std::to_string(r.status) + " to " + m.what.path + ": " + r.body);
        return r;
    }
    void deliver() {
        const std::size_t at = random_.chance(3, 10) ? random_.below(network_.size()) : 0;
        message m = std::move(network_[at]);
        network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(at));
        const auto x = random_.below(100);
        device_type* d = device_named(m.device);
        const bool awaited = d->incarnation == m.incarnation && d->awaiting == m.token;
        if (x < 8) {
            ++counts_->lost_messages;
            say("a message ", m.answer ? "to " : "from ", m.device, " is lost");
            if (awaited) time_out(*d);
            return;
        }
        if (x < 16) network_.push_back(m);
        if (!m.answer) {
            auto r = serve(m);
            if (!r) {
                if (awaited) time_out(*d);
                return;
            }
            m.answer = true;
            m.reply = std::move(*r);
            network_.insert(network_.begin(), std::move(m));
            return;
        }
        if (d->incarnation == m.incarnation) answer(*d, m.token, m.reply);
    }

    // --- what the server has made durable

    void observe() {
        auto t = lab_must(authority_->begin("main", access::snapshot));
        const auto head = lab_must(t.head());
        while (true) {
            auto heads = lab_must(t.bundle_heads(observed_, 1));
            if (heads.empty()) break;
            const bundle_head& h = heads.front();
            const auto rows = lab_must(t.bundle_rows(h.seq, 0, h.row_count));
            observed_ = h.seq;
            counts_->many_row_bundles += rows.size() > 1 ? 1 : 0;
            say("  bundle ", std::to_string(h.seq), " of ", h.source.substr(0, 6), " ", std::to_string(h.source_bundle_id), ":");
            for (const auto& row : rows) {
                say("    ", named(row.key), " ", row.after ? text(*row.after) : std::string{"gone"});
                if (!row.after) continue;
                for (const field_index f : {name_field, note_field})
                    if (row.after->fields[f].kind() == value_kind::text) arrived_.insert(row.after->fields[f].as_string());
            }
            if (h.source_bundle_id > 0 && !numbers_.emplace(std::make_pair(h.source, h.source_bundle_id), h.seq).second)
                throw violation("number " + std::to_string(h.source_bundle_id) + " of the source " + h.source + " names two bundles");
        }
        if (observed_ != head.seq && head.seq != 0 && head.floor_seq < observed_) throw violation("bundle " + std::to_string(observed_) + " is the last one that is there, the head says " + std::to_string(head.seq));
        counts_->forgotten += s_.retained != 0 && head.floor_seq > floor_ ? 1 : 0;
        floor_ = head.floor_seq;
        std::erase_if(pending_, [&](const written& w) { return arrived_.contains(w.token); });
    }
    void seal() {
        lab_must(server_->engine().seal_foreign("main", now_));
        observe();
    }
    void prune() {
        power_.replace();
        seal();
        const auto head = lab_must(server_->engine().head("main"));
        const auto to = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(head.seq) + 1));
        lab_must(server_->engine().prune("main", to, now_));
        ++counts_->prunes;
        floor_ = (std::max)(floor_, to);
        say("history up to ", std::to_string(to), " is pruned");
    }
    // The operator puts a backup in the place of the data and says so.
    void restore_server() {
        power_.replace();
        seal();
        server_.reset();
        guarded_.reset();
        lab_.restore_server(authority_);
        start_server();
        lab_must(server_->engine().begin_incarnation("restored " + std::to_string(step_), now_));
        const auto head = lab_must(server_->engine().head("main"));
        observed_ = head.seq;
        std::erase_if(numbers_, [&](const auto& n) { return n.second > head.seq; });
        server_backed_up_ = false;
        ++counts_->server_restores;
        say("the server is restored from a backup of bundle ", std::to_string(head.seq));
    }
    void restore(device_type& d) {
        d.stop();
        lab_.restore(d.durable, d.name);
        d.backed_up = false;
        ++counts_->restores;
        say(d.name, " is restored from a backup");
        while (!d.boot(s_, lab_)) {}
        forget_what_is_not_shown(d);
    }

    // A person who trusts nothing has the device built anew, or declared a device of its own.
    void rebuild(device_type& d) {
        arm(d);
        const bool own = random_.chance(1, 3);
        say(d.name, own ? " is declared a copy" : " is to be rebuilt");
        ++counts_->rebuilds;
        const auto done = own ? d.engine->renew_source(d.random, true, d.clock) : d.engine->begin_hydration(d.clock);
        after(d, done, "a rebuild");
    }

    // --- steps

    void step() {
        ++step_;
        now_ += std::chrono::milliseconds{random_.below(3000)};
        for (auto& each : devices_) each->clock += std::chrono::milliseconds{random_.below(3000)};
        auto& d = *devices_[random_.below(devices_.size())];
        const auto x = random_.below(1000);
        if (x < 180) {
            edit(d);
        } else if (x < 215) {
            foreign_edit();
        } else if (x < 520) {
            if (d.awaiting == 0)
                poll(d);
            else if (!network_.empty())
                deliver();
            else
                time_out(d);
        } else if (x < 900) {
            if (network_.empty())
                poll(d);
            else
                deliver();
        } else if (x < 915) {
            time_out(d);
        } else if (x < 915 + 2 * s_.crash_percent) {
            crash(d);
        } else if (x < 940) {
            if (random_.chance(s_.prune_percent, 6)) prune();
        } else if (x < 960) {
            person(d, false);
        } else if (x < 972) {
            if (random_.chance(s_.copy_percent, 30) && devices_.size() < most_devices) {
                auto& made = add_device(d.by_bundles, &d);
                ++counts_->copies;
                say(d.name, " is copied to ", made.name);
            }
        } else if (x < 988) {
            if (random_.chance(1, 12)) return rebuild(d);
            if (random_.chance(s_.restore_percent, 10)) {
                if (d.backed_up && random_.chance(1, 2)) return restore(d);
                lab_.back_up(*d.durable, d.name);
                d.backed_up = true;
                say(d.name, " is backed up");
            }
        } else if (random_.chance(s_.server_restore_percent, 10)) {
            if (server_backed_up_ && random_.chance(1, 2)) return restore_server();
            lab_.back_up_server(*authority_);
            server_backed_up_ = true;
            say("the server is backed up");
        }
    }

    // --- the end

    void sync(device_type& d) {
        if (d.running) {
            d.wire->cancel();
            d.awaiting = 0;
            while (d.running) poll(d);  // what was settled is told
        }
        poll(d, sync_mode::push_then_pull);
        for (int i = 0; d.running; ++i) {
            if (i > 2000) throw violation(d.name + ": a sync does not end");
            if (d.awaiting != 0) {
                message m = std::move(network_.back());
                network_.pop_back();
                auto r = serve(m);
                answer(d, m.token, std::move(*r));
            } else {
                poll(d);
            }
        }
    }
    // Faults stop: within a bounded number of syncs, and decisions of persons, everybody agrees.
    void end() {
        ++step_;
        say("faults stop");
        quiet_ = true;
        power_.replace();
        for (auto& d : devices_) d->power.replace();
        network_.clear();
        for (int round = 0; round < 16; ++round) {
            // Whoever began to fill the account and did not go on is waited for no longer than its lease.
            now_ += std::chrono::minutes{20};
            for (auto& d : devices_) d->clock += std::chrono::minutes{20};
            for (auto& d : devices_) {
                ++step_;
                if (round < 12)
                    while (!lab_must(d->engine->waiting(1, d->clock)).empty()) {
                        const auto many = lab_must(d->engine->waiting(1000, d->clock)).size();
                        person(*d, round >= 4);
                        if (lab_must(d->engine->waiting(1000, d->clock)).size() >= many && round < 4) break;
                    }
                sync(*d);
                if (round == 15 && last_report_.why) throw violation(d->name + ": a sync without faults ends with " + std::string{name_of(last_report_.why->code)} + ": " + last_report_.why->detail);
            }
            if (round < 14) seal();
        }
        const graph_rows there = lab_.server_rows(*authority_);
        check_references(there);
        for (auto& d : devices_) check_end(*d, there);
        if (!pending_.empty()) {
            const written& w = pending_.front();
            throw violation("nobody knows what became of " + w.token + ", which " + w.device + " wrote to " + named(w.key));
        }
    }
    void check_references(const graph_rows& there) {
        const auto schemas = graph_models(s_.overlap);
        for (const auto& [key, row] : there)
            for (const auto& to : references_of(schemas, key.model, row))
                if (!there.contains(to)) throw violation("at the server " + named(key) + " refers to " + named(to) + ", which is gone");
    }
    void check_end(device_type& d, const graph_rows& there) {
        const auto status = lab_must(d.engine->status(d.clock));
        counts_->renewals += status.state.source_id != d.began_as ? 1 : 0;
        if (status.counts.frozen + status.counts.open != 0) throw violation(d.name + ": something is still queued and waits for nobody");
        if (status.counts.waiting != 0) throw violation(d.name + ": something waits that nobody was asked about");
        if (status.counts.quarantined != 0) throw violation(d.name + ": a row is in quarantine, though nothing refuses it");
        if (status.state.needs_hydration) throw violation(d.name + ": the hydration never ended");
        const graph_rows here = lab_.rows(*d.durable, d.name);
        for (const auto& [key, row] : there)
            if (const auto at = here.find(key); at == here.end() || at->second != row)
                throw violation(d.name + " ends with " + named(key) + " as " + (at == here.end() ? std::string{"gone"} : text(at->second)) + ", the server has " + text(row) + "; it holds " + held(d, key));
        for (const auto& [key, row] : here)
            if (!there.contains(key)) throw violation(d.name + " ends with " + named(key) + " as " + text(row) + ", which the server does not have");
    }

    // What a device's store knows of a record, beside the row that it shows.
    std::string held(device_type& d, const record_key& key) {
        auto t = lab_must(d.durable->begin());
        const auto base = lab_must(t.base(key));
        const auto hidden = lab_must(t.hidden());
        std::string out{"version "};
        out.append(std::to_string(base.version)).append(base.image_kept ? " as " + (base.image ? text(*base.image) : std::string{"gone"}) : std::string{});
        if (base.provisional) out.append(", provisional");
        if (base.lost) out.append(", lost");
        if (std::find(hidden.begin(), hidden.end(), key) != hidden.end()) out.append(", hidden");
        return out;
    }

    seeded_random random_;
    graph_settings s_;
    graph_statistics* counts_;
    bool trace_;
    bool quiet_ = false;
    std::uint64_t step_ = 0;
    std::uint64_t tokens_ = 0;
    timestamp now_ = from_microseconds(1'700'000'000'000'000);
    std::vector<std::string> log_;
    std::vector<record_key> watched_;  // whose state at the device is told with every answer, in a run with a log
    Lab lab_;
    std::unique_ptr<typename Lab::authority_store> authority_;
    testing::store_faults power_;
    std::unique_ptr<guarded_authority> guarded_;
    std::unique_ptr<sync_server<guarded_authority>> server_;
    bool server_backed_up_ = false;
    std::vector<std::unique_ptr<device_type>> devices_;
    std::vector<message> network_;
    sync_result last_report_;
    std::int64_t observed_ = 0;  // the newest bundle that was looked at
    std::int64_t floor_ = 0;     // of the history then
    std::set<std::string> arrived_;
    std::vector<written> pending_;
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> numbers_;  // of sources: which bundle
};

}  // namespace graph_simulation

#endif
