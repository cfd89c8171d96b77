#ifndef SYNCLINE_TESTS_SIMULATION_HISTORY_DRIVER_HPP
#define SYNCLINE_TESTS_SIMULATION_HISTORY_DRIVER_HPP

// Replays the histories of `histories/` (its README.md defines the format) on the engines over a lab's stores, without a wire, and
// compares what the model saw after every step.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/random.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simulation {

using namespace syncline;

struct wrong {
    std::string what;
};
template <class T>
T sure(result<T> r, std::string_view doing) {
    if (!r) throw wrong{std::string{doing} + ": " + std::string{name_of(r.error().code)} + ": " + r.error().detail};
    return std::move(*r);
}
inline void sure(result<void> r, std::string_view doing) {
    if (!r) throw wrong{std::string{doing} + ": " + std::string{name_of(r.error().code)} + ": " + r.error().detail};
}

inline resolver resolver_named(std::string_view name) {
    if (name == "client_wins") return resolvers::client_wins{};
    if (name == "field_merge") return resolvers::field_merge{};
    if (name == "park") return resolvers::defer_to_user{};
    return resolvers::server_wins{};
}

inline std::string print(const std::optional<record>& r) {
    if (!r) return "absent";
    std::string s{"["};
    for (const auto& v : r->fields) {
        if (s.size() > 1) s += ",";
        s += v.is_null() ? "null" : v.kind() == value_kind::integer ? std::to_string(v.as_integer()) : v.as_string();
    }
    return s + "]";
}

/// A row of the files, `[a, b, n, m, s]`, as the record of its key's model.
inline std::optional<record> row_of(json_view v, const std::string& key) {
    if (!v.is_array()) return std::nullopt;
    record r;
    for (const auto& cell : v)
        r.fields.push_back(cell.is_null() ? value{} : cell.is_string() ? value::text(std::string{cell.as_string()}) : value::integer(*cell.as_int()));
    if (key_named(key).model == child_model) r.fields.push_back(value::text("P"));
    return r;
}

/// Whether two rows agree but for `s`: an SQL insert that creates a record anew sets that column to null like any other, which the model leaves
/// out; the authority's trigger sets it again in either.
inline bool same_but_s(const std::optional<record>& a, const std::optional<record>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    for (std::size_t f = 0; f < 4; ++f)
        if (!(a->fields[f] == b->fields[f])) return false;
    return true;
}

/// A member by value: a range-for over a dereferenced temporary would dangle.
inline json_view member(json_view object, std::string_view name) {
    const auto found = object.find(name);
    if (!found) throw wrong{"the history lacks the member " + std::string{name}};
    return *found;
}

template <class Lab>
class history_driver {
public:
    explicit history_driver(json_view history) : h_(history) {
        const json_view policy = member(h_, "policy");
        const auto overlap = policy.find("overlap")->as_string() == "row" ? overlap_policy::by_row : overlap_policy::by_field;
        const std::string how{policy.find("resolver")->as_string()};
        lab_ = std::make_unique<Lab>(overlap);
        server_store_ = lab_->make_authority();
        authority_options options;
        options.resolvers = resolver_set{resolver_named(how)};
        options.mapper = [this](const caller&, mutation& m) -> std::optional<rejection> {
            if (!failing_.contains(m.what.key.key)) return std::nullopt;
            return rejection{{errc::internal, "a transient fault"}, {}};
        };
        server_ = std::make_unique<authority<typename Lab::authority_store>>(*server_store_, std::move(options));
        // The histories begin with an account that was filled with nothing.
        (void)sure(server_->connect(caller{"main", "first", "first"}, false, {}, timestamp{}), "connect");
        for (const auto& r : member(h_, "replicas")) {
            const std::string name{r.find("name")->as_string()};
            auto& d = devices_[name];
            d.name = name;
            d.bundle_wire = r.find("wire")->as_string() == "bundle";
            d.store = lab_->make_replica(name);
            d.resolvers = how;
            d.who = caller{"main", name, name};
            d.random = std::make_unique<seeded_random>(name[0]);
            d.boot();
        }
    }

    void run() {
        std::size_t n = 0;
        for (const auto& step : member(h_, "steps")) {
            try {
                one(step);
                see(step);
            } catch (const std::exception& x) {
                fail(step, n, x.what());
            } catch (const wrong& w) {
                fail(step, n, w.what);
            }
            ++n;
        }
        end();
    }

    [[noreturn]] static void fail(json_view step, std::size_t n, const std::string& why) {
        std::string text;
        json_writer out{text};
        step.write_to(out);
        throw wrong{"step " + std::to_string(n) + " " + text.substr(0, 300) + "\n  " + why};
    }

private:
    using replica_engine = replica<typename Lab::replica_store>;

    struct answer {
        std::string kind;  // page, pruned, hpage, bundles, staging, already, chunked, gone, committed, obstacle, error, deleted, rows, push
        std::string session;
        std::optional<push_answer> push;
        std::optional<pull_answer> page;
        std::optional<bundle_page> bundles;
        std::int64_t seq = 0;
        std::vector<row_image> rows;
        std::int64_t from = 0, total = 0;
        cursor stamp = 0;
        std::optional<commit_obstacle> obstacle;
    };
    struct device;
    struct request {
        device* from = nullptr;
        std::string kind;
        std::uint64_t batch = 0;
        std::int64_t bundle_id = 0;
        std::vector<mutation> items;
        std::string session;
        pull_query query;
        std::int64_t position = 0;
        std::int64_t seq = 0;
        std::string source;
    };
    struct device {
        std::string name;
        bool bundle_wire = false;
        std::unique_ptr<typename Lab::replica_store> store;
        std::string resolvers;
        std::unique_ptr<replica_engine> engine;
        std::unique_ptr<seeded_random> random;
        caller who;
        std::string push_session;
        std::optional<commit_obstacle> after_delete;
        std::map<std::string, std::optional<record>> shown;
        void boot() {
            engine = std::make_unique<replica_engine>(*store, resolver_set{resolver_named(resolvers)});
            sure(engine->open(*random, timestamp{}), "open");
            who.source = sure(engine->status(timestamp{}), "status").state.source_id;
            forget();
        }
        void forget() {
            push_session.clear();
            after_delete.reset();
        }
    };

    static std::string text(json_view v, std::string_view member) {
        const auto m = v.find(member);
        return m ? std::string{m->as_string()} : std::string{};
    }
    static bool flag(json_view v, std::string_view member) {
        const auto m = v.find(member);
        return m && m->is_boolean() && *m->as_bool();
    }
    static std::int64_t number(json_view v, std::string_view member) { return *v.find(member)->as_int(); }

    void one(json_view step) {
        const std::string e = text(step, "e");
        if (e == "edit" || e == "foreign") return edit(step, e == "foreign");
        if (e == "prune") return sure(server_->prune("main", number(step, "to"), timestamp{}), "prune");
        if (e == "timeout") return devices_.at(text(step, "r")).forget();
        if (e == "crash") {
            auto& d = devices_.at(text(step, "r"));
            lab_->crash(d.store, d.name);
            return d.boot();
        }
        if (e == "retry") return sure(dev(step).engine->retry(key_named(text(step, "key")), timestamp{}), "retry");
        if (e == "discard") return sure(dev(step).engine->discard(key_named(text(step, "key")), timestamp{}), "discard");
        if (e == "quiesce") {
            for (auto& [name, d] : devices_) d.forget();
            return;
        }
        if (e == "send") {
            requests_[number(step, "q")] = make_request(step);
            return;
        }
        if (e == "serve") {
            answers_[number(step, "ans")] = {serve(step, requests_.at(number(step, "q"))), number(step, "q")};
            return;
        }
        if (e == "deliver") {
            const auto& [a, q] = answers_.at(number(step, "ans"));
            return deliver(requests_.at(q), a, !flag(step, "late"));
        }
        if (e == "exchange") {
            const auto q = number(step, "q");
            requests_[q] = make_request(step);
            const answer a = serve(step, requests_.at(q));
            return deliver(requests_.at(q), a, true);
        }
        throw wrong{"a step of an unknown kind"};
    }

    device& dev(json_view step) { return devices_.at(text(step, "r")); }

    void edit(json_view step, bool foreign) {
        const std::string key = text(step, "key");
        device* d = foreign ? nullptr : &dev(step);
        if (text(step, "op") == "erase") {
            if (flag(step, "no_cascade")) {
                // What an app leaves standing under a record that it erased is its own doing and stays shown; the model hides it.
                for (const char* c : {"C1", "C2"})
                    if (lab_->device_row(*d->store, key_named(c))) loose_[d->name].insert(c);
                lab_->device_erase_alone(*d->store, key_named(key));
            } else {
                foreign ? lab_->server_erase(*server_store_, key_named(key)) : lab_->device_erase(*d->store, key_named(key));
            }
        } else {
            std::optional<record> old = foreign ? lab_->server_row(*server_store_, key_named(key)) : lab_->device_row(*d->store, key_named(key));
            record r = old.value_or(record{std::vector<value>(key_named(key).model == child_model ? 6 : 5)});
            for (const auto& m : step.find("set")->members()) r.fields[std::string_view{"abnm"}.find(m.key[0])] = value::integer(*m.value.as_int());
            if (key_named(key).model == child_model) r.fields[5] = value::text("P");
            foreign ? lab_->server_write(*server_store_, key_named(key), r) : lab_->device_write(*d->store, key_named(key), r);
        }
        if (d != nullptr) sure(d->engine->absorb(timestamp{}), "absorb");
    }

    request make_request(json_view step) {
        device& d = dev(step);
        request q;
        q.from = &d;
        q.kind = text(step, "kind");
        const auto state = sure(d.engine->status(timestamp{}), "status").state;
        const auto limit = static_cast<std::size_t>(number(h_, "limit"));
        if (q.kind == "pull") {
            q.query.from = state.checkpoint;
            q.query.limit = limit;
            q.query.in_flight = sure(d.engine->in_flight(timestamp{}), "in_flight");
            return q;
        }
        if (q.kind == "bpull") {
            q.query.from = state.checkpoint;
            q.query.limit = limit;
            return q;
        }
        if (q.kind == "hyd") {
            q.session = state.hydration_session;
            q.position = state.hydration_position;
            q.query.limit = limit;
            return q;
        }
        auto batch = sure(d.engine->freeze(1000, d.bundle_wire, *d.random, timestamp{}), "freeze");
        if (!batch) throw wrong{"nothing to send, where the model had a batch"};
        q.batch = batch->head.id;
        q.bundle_id = batch->head.source_bundle_id;
        q.seq = batch->head.committed_seq;
        q.session = d.push_session;
        for (const auto& item : batch->items) q.items.push_back({item.id, item.what});
        if (const auto items = step.find("items")) {
            std::set<std::string> want, have;
            for (const auto& i : *items) want.insert(std::string{(*i.begin()).as_string()});
            for (const auto& i : q.items) have.insert(i.what.key.key);
            if (want != have) throw wrong{"the batch holds other records than the model's"};
        }
        return q;
    }

    answer serve(json_view step, const request& q) {
        const caller& who = q.from->who;
        answer a;
        const auto want = step.find("answer");
        if (q.kind == "push") {
            if (const auto errors = step.find("errors"))
                for (const auto& k : *errors) failing_.insert(std::string{k.as_string()});
            a.kind = "push";
            a.push = sure(server_->push(who, q.items, timestamp{}), "push");
            failing_.clear();
            if (flag(h_, "bare") || flag(step, "strip_row"))
                for (auto& o : a.push->outcomes)
                    if (o.kind == outcome_kind::applied) o.carries_row = false, o.row.reset();
            for (std::size_t i = 0; i < q.items.size(); ++i) {
                const auto& o = a.push->outcomes[i];
                const std::string is{o.kind == outcome_kind::applied && o.carries_row && q.items[i].what.op != operation::erase ? "merged" : name_of(o.kind)};
                const auto outcomes = want->find("outcomes");
                const std::string wanted = text(*outcomes, q.items[i].what.key.key);
                if (is != wanted) throw wrong{q.items[i].what.key.key + " was " + is + " (" + o.rule + "), the model says " + wanted};
            }
            return a;
        }
        if (q.kind == "pull") {
            auto page = server_->pull(who, q.query, timestamp{});
            if (!page && page.error().code == errc::history_pruned) {
                a.kind = "pruned";
            } else {
                a.kind = "page";
                a.page = sure(std::move(page), "pull");
            }
        } else if (q.kind == "bpull") {
            auto page = server_->bundles_after(who, q.query.from, q.query.limit, 0, timestamp{});
            if (!page && page.error().code == errc::history_pruned) {
                a.kind = "pruned";
            } else {
                a.kind = "bundles";
                a.bundles = sure(std::move(page), "pull of bundles");
            }
        } else if (q.kind == "hyd") {
            a.kind = "hpage";
            a.session = q.session;
            if (a.session.empty()) a.session = sure(server_->create_snapshot(who, "snapshot-" + std::to_string(++sessions_), timestamp{}), "snapshot").id;
            auto [head, rows] = sure(server_->snapshot_page(who, a.session, static_cast<std::uint32_t>(q.position), q.query.limit, timestamp{}), "snapshot page");
            a.from = q.position;
            a.total = head.row_count;
            a.seq = head.seq;
            a.stamp = head.stamp;
            a.rows = std::move(rows);
        } else if (q.kind == "bcreate") {
            auto made = sure(server_->create_session(who, q.bundle_id, static_cast<std::uint32_t>(q.items.size()), "push-" + std::to_string(++sessions_), timestamp{}), "create");
            if (made.already_committed) {
                a.kind = "already";
                a.seq = made.already_committed->seq;
            } else {
                a.kind = "staging";
                a.session = made.session.id;
            }
        } else if (q.kind == "bchunk") {
            auto done = server_->append_chunk(who, q.session, 0, q.items, timestamp{});
            a.kind = done ? "chunked" : "gone";
            if (!done && done.error().code != errc::session_gone) sure(std::move(done), "chunk");
        } else if (q.kind == "bcommit") {
            a.kind = "error";
            if (!flag(step, "errors")) {
                auto done = server_->commit_session(who, q.session, timestamp{});
                if (!done && (done.error().code == errc::session_gone || done.error().code == errc::stale)) {
                    a.kind = "gone";
                } else {
                    auto answered = sure(std::move(done), "commit");
                    if (answered.committed) {
                        a.kind = "committed";
                        a.seq = answered.committed->seq;
                    } else {
                        a.obstacle = answered.obstacles.front();
                        a.kind = a.obstacle->what == commit_obstacle::kind::version_conflict ? "conflict"
                                 : a.obstacle->what == commit_obstacle::kind::cascade         ? "cascade"
                                                                                              : "refused";
                    }
                }
            }
        } else if (q.kind == "bdelete") {
            auto dropped = server_->delete_session(who, q.session, timestamp{});
            if (!dropped && dropped.error().code != errc::session_gone) sure(std::move(dropped), "delete");
            a.kind = "deleted";
        } else if (q.kind == "brows") {
            auto rows = server_->committed_rows(who, q.seq, 0, 10000);
            if (!rows && rows.error().code == errc::history_pruned) {
                a.kind = "pruned";
            } else {
                a.kind = "rows";
                a.seq = q.seq;
                for (auto& c : sure(std::move(rows), "committed rows").rows) a.rows.push_back({c.key, c.version, c.after, {}});
            }
        }
        const std::string kind = a.kind == "hpage" ? "page" : a.kind;
        if (want && kind != text(*want, "kind")) throw wrong{"the authority answered " + kind + ", the model " + text(*want, "kind")};
        return a;
    }

    void deliver(const request& q, const answer& a, bool live) {
        if (!live && flag(h_, "tokens")) return;
        device& d = *q.from;
        replica_engine& engine = *d.engine;
        const timestamp now{};
        if (a.kind == "push") return static_cast<void>(sure(engine.settle(q.batch, a.push->outcomes, now), "settle"));
        if (q.kind == "pull" || q.kind == "bpull") {
            if (a.kind == "pruned") {
                if (live) sure(engine.begin_hydration(now), "begin hydration");
            } else if (a.kind == "page") {
                sure(engine.apply(a.page->rows, now), "apply");
            } else {
                cursor from = a.bundles->from;
                for (const auto& b : a.bundles->bundles) {
                    std::vector<row_image> rows;
                    for (const auto& c : b.rows) rows.push_back({c.key, c.version, c.after, {}});
                    if (sure(engine.apply_bundle(from, b.head.seq, rows, now), "apply bundle").stale) break;
                    from = b.head.seq;
                }
            }
            return;
        }
        if (a.kind == "hpage") {
            const auto next = a.from + static_cast<std::int64_t>(a.rows.size());
            std::optional<cursor> after;
            if (next >= a.total) after = d.bundle_wire ? a.seq : a.stamp;
            return static_cast<void>(sure(engine.stage(a.session, a.from, next, a.seq, a.rows, after, now), "stage"));
        }
        if (a.kind == "rows") return static_cast<void>(sure(engine.replay(q.batch, a.seq, &a.rows, now), "replay"));
        if (a.kind == "already" || a.kind == "committed") return static_cast<void>(sure(engine.committed(q.batch, a.seq, {}, now), "committed"));
        if (a.kind == "pruned") {
            if (live) sure(engine.replay(q.batch, q.seq, nullptr, now), "replay without rows");
            return;
        }
        if (a.kind == "conflict") {
            sure(engine.obstructed(q.batch, {*a.obstacle}, now), "conflict");
            if (live) d.forget();
            return;
        }
        if (!live) return;
        if (a.kind == "staging") {
            d.push_session = a.session;
        } else if (a.kind == "chunked") {
        } else if (a.kind == "refused" || a.kind == "cascade") {
            d.after_delete = a.obstacle;
        } else if (a.kind == "deleted") {
            auto obstacle = std::move(d.after_delete);
            d.forget();
            if (obstacle) sure(engine.obstructed(q.batch, {*obstacle}, now), "obstructed");
        } else {
            d.forget();
        }
    }

    void see(json_view step) {
        if (const auto seen = step.find("see"))
            for (const auto& m : seen->members()) {
                auto& shown = devices_.at(std::string{m.key}).shown;
                shown.clear();
                for (const auto& row : m.value.members()) shown[std::string{row.key}] = row_of(row.value, std::string{row.key});
            }
        if (const auto loose = step.find("loose"))
            for (const auto& m : loose->members()) {
                auto& list = loose_[std::string{m.key}];
                list.clear();
                for (const auto& k : m.value) list.insert(std::string{k.as_string()});
            }
        for (auto& [name, d] : devices_) {
            check_visible(*d.store, server_->schemas(), name);
            for (const auto& k : member(h_, "keys")) {
                const std::string key{k.as_string()};
                if (loose_[name].contains(key)) continue;
                const auto is = lab_->device_row(*d.store, key_named(key));
                const auto want = d.shown.contains(key) ? d.shown[key] : std::nullopt;
                if (!same_but_s(is, want)) throw wrong{name + " shows " + key + " as " + print(is) + ", the model says " + print(want)};
            }
        }
    }

    void end() {
        const auto end = *h_.find("end");
        const auto authority_end = *end.find("authority");
        const auto rows = *authority_end.find("rows");
        for (const auto& k : member(h_, "keys")) {
            const std::string key{k.as_string()};
            const auto wanted = rows.find(key);
            const auto want = wanted ? row_of(*wanted, key) : std::nullopt;
            const auto is = lab_->server_row(*server_store_, key_named(key));
            if (is != want) throw wrong{"at the end the authority has " + key + " as " + print(is) + ", the model says " + print(want)};
        }
        const auto head = sure(server_->head("main"), "head");
        if (head.seq != number(authority_end, "head"))
            throw wrong{"at the end bundle_seq is " + std::to_string(head.seq) + ", the model says " + std::to_string(number(authority_end, "head"))};
        for (const auto& m : end.find("replicas")->members()) {
            auto& d = devices_.at(std::string{m.key});
            for (const auto& b : m.value.find("base")->members()) {
                const std::string key{b.key};
                auto it = b.value.begin();
                const auto want = row_of(*it, key);
                const auto base = base_of(*d.store, key_named(key));
                if (base.row != want) throw wrong{d.name + " ends with the base of " + key + " as " + print(base.row) + ", the model says " + print(want)};
                ++it;
                const auto version = *(*it).as_int();
                if (base.version != version) throw wrong{d.name + " ends with " + key + " at version " + std::to_string(base.version) + ", the model says " + std::to_string(version)};
            }
            const auto open = *m.value.find("open");
            for (const auto& k : member(h_, "keys")) {
                const std::string key{k.as_string()};
                const auto is = open_of(*d.store, key_named(key));
                const auto want = open.find(key);
                if (is.has_value() != want.has_value()) throw wrong{d.name + " ends with " + (is ? "an" : "no") + " open intent of " + key + ", unlike the model"};
                if (is && is->waiting.has_value() == want->find("waiting")->is_null()) throw wrong{d.name + " ends with " + key + (is->waiting ? " waiting" : " not waiting") + ", unlike the model"};
            }
        }
    }

    json_view h_;
    std::unique_ptr<Lab> lab_;
    std::unique_ptr<typename Lab::authority_store> server_store_;
    std::unique_ptr<authority<typename Lab::authority_store>> server_;
    std::map<std::string, device> devices_;
    std::map<std::string, std::set<std::string>> loose_;
    std::map<std::int64_t, request> requests_;
    std::map<std::int64_t, std::pair<answer, std::int64_t>> answers_;
    std::set<std::string> failing_;
    int sessions_ = 0;
};

/// Replays every history of @p file (below `histories/`).
/// @return what went wrong, by the history's name; empty: nothing
template <class Lab>
std::vector<std::string> replay_histories(const std::string& file, std::size_t& count) {
    // The builds name the tests' folder; without them this file's own place tells.
    const char* tests = std::getenv("SYNCLINE_TEST_DIR");
    const std::string here{__FILE__};
    const std::string folder = (tests != nullptr ? std::string{tests} + "/simulation" : here.substr(0, here.find_last_of('/'))) + "/histories/";
    std::ifstream in{folder + file};
    REQUIRE(in.good());
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    json_limits limits;
    limits.max_bytes = 64u << 20;
    auto tape = json_tape::parse(text, limits);
    REQUIRE(tape.has_value());
    std::vector<std::string> failures;
    for (const auto& history : tape->root()) {
        ++count;
        try {
            history_driver<Lab> driver{history};
            driver.run();
        } catch (const wrong& w) {
            failures.push_back(std::string{history.find("name")->as_string()} + ": " + w.what);
        }
    }
    return failures;
}

/// Fails the running test case for every history of @p files that ends on the engines over a lab's stores otherwise than in the model.
template <class Lab>
void expect_as_in_the_model(std::initializer_list<const char*> files) {
    for (const char* file : files) {
        std::size_t count = 0;
        const auto failures = replay_histories<Lab>(file, count);
        std::size_t shown = 0;
        for (const auto& f : failures)
            if (++shown <= 3) WARN(f);
        INFO(file);
        CHECK(count > 0);
        CHECK(failures.size() == 0);
    }
}

}  // namespace simulation

#endif
