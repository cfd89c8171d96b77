#ifndef SYNCLINE_TESTS_PROPERTY_GRANTS_WORLD_HPP
#define SYNCLINE_TESTS_PROPERTY_GRANTS_WORLD_HPP

// A server on which not everybody sees everything, people whose grants come and go, and their devices, over the mutation wire, with requests
// and answers that are lost. The bucket of a node, and of a child, is its field b. Every answer is compared with what its principal may see
// at that moment, and every edit is followed until it is decided or waits.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "simulation/views.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace grants_tests {

using namespace syncline;
using simulation::key_named;
using simulation::lab_must;

struct broken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline label_set buckets_by_b(const value& b) { return b.is_null() ? label_set{} : label_set{"g" + std::to_string(b.as_integer())}; }

struct grant_counts {
    std::uint64_t removals = 0, waits = 0, returns = 0, absent = 0, forbidden = 0, grants_in_a_pull = 0, hydrations = 0, out_of_view_answers = 0, rows = 0,
                  moved_by_devices = 0, moved_by_sql = 0, lost_answers = 0;
};

template <class Lab>
class grants_world {
    using replica_store = typename Lab::replica_store;
    using engine_type = replica<replica_store>;

    struct device_type {
        std::string name, person;
        std::unique_ptr<replica_store> store;
        std::unique_ptr<engine_type> engine;
        std::unique_ptr<mutation_client<engine_type>> client;
        bool running = false;
        std::map<record_key, std::int64_t> edits;                     // the last value of `a` that the user gave, until it is decided
        std::map<std::int64_t, std::set<mutation_id>> sent;           // under which ids it went out
    };

public:
    grants_world(std::uint64_t seed, grant_counts& counts)
        : random_(seed), counts_(counts), views_(buckets_by_b, random_.chance(1, 2)), lab_(overlap_policy::by_field), store_(lab_.make_authority()),
          server_(*store_, options(), [this] { return now_; }, [this] { return random_.next(); }) {
        server_.mount_mutation_wire();
        const std::size_t devices = 2 + random_.below(3);
        for (std::size_t i = 0; i < devices; ++i) {
            auto d = std::make_unique<device_type>();
            d->name = std::string{"d"} + std::to_string(i);
            d->person = people()[random_.below(people().size())];
            d->store = lab_.make_replica(d->name);
            start(*d);
            devices_.push_back(std::move(d));
        }
        for (const auto& person : people()) views_.grant(person, some_labels());
    }

    void run() {
        const std::size_t steps = 60 + random_.below(100);
        for (std::size_t i = 0; i < steps; ++i) step();
        faults_ = false;
        settle_down();
        for (auto& d : devices_) check_all(*d, "before decisions");
        for (int round = 0; round < 5; ++round) {  // what stood behind a change that waited may come to wait in its turn
            for (auto& d : devices_)
                for (const auto& waiting : lab_must(d->engine->waiting(1000, now_))) {
                    d->edits.erase(waiting.key);
                    lab_must(d->engine->discard(waiting.key, now_));
                }
            settle_down();
        }
        for (auto& d : devices_) {
            check_all(*d, "at the end");
            check_rows(*d);
        }
    }

private:
    static const std::vector<std::string>& people() {
        static const std::vector<std::string> all{"ann", "bob", "cy"};
        return all;
    }
    static const std::vector<std::string>& keys() {
        static const std::vector<std::string> all{"T", "T2", "P", "C1", "C2"};
        return all;
    }
    [[nodiscard]] label_set some_labels() {
        std::vector<std::string> out;
        for (int i = 0; i < 3; ++i)
            if (random_.chance(1, 2)) out.push_back("g" + std::to_string(i));
        return label_set{out};
    }
    authority_options options() {
        authority_options o;
        o.scopes = views_.scopes();
        if (random_.chance(1, 2)) o.resolvers = resolver_set{resolvers::client_wins{}};
        o.max_rows_per_page = 2 + random_.below(4);
        return o;
    }
    void start(device_type& d) {
        d.engine = std::make_unique<engine_type>(*d.store);
        lab_must(d.engine->open(random_, now_));
        mutation_client_options o;
        o.page_size = 1 + random_.below(3);
        o.batch_size = 1 + random_.below(3);
        o.backoff_after_failure.attempts = 2;
        d.client = std::make_unique<mutation_client<engine_type>>(*d.engine, o);
        d.running = false;
    }

    [[nodiscard]] simulation::view_rules::rows rows() {
        return [this](const record_key& key) { return lab_.server_row(*store_, key); };
    }
    [[nodiscard]] bool visible_now(const std::string& person, const record_key& key) { return views_.visible(store_->schemas(), rows(), person, key); }

    void step() {
        now_ += microseconds_of(1 + static_cast<std::int64_t>(random_.below(1000)));
        const auto dice = random_.below(100);
        if (dice < 22) return edit(*devices_[random_.below(devices_.size())]);
        if (dice < 34) return write_as_server();
        if (dice < 44) {
            const auto& person = people()[random_.below(people().size())];
            views_.grant(person, some_labels());
            for (const auto& d : devices_)
                if (d->person == person && d->running) ++counts_.grants_in_a_pull;
            return;
        }
        if (dice < 46) {
            if (random_.chance(1, 4))
                lab_must(server_.engine().prune("main", 1'000'000, now_));
            else
                lab_must(server_.engine().retain("main", static_cast<std::int64_t>(random_.below(4)), now_));
            return;
        }
        auto& d = *devices_[random_.below(devices_.size())];
        if (dice < 48) {  // the program is stopped
            lab_.crash(d.store, d.name);
            start(d);
            return check_all(d, "after a crash");
        }
        turn(d);
    }

    [[nodiscard]] record row_with(std::int64_t a, std::int64_t b, const record_key& key) {
        record r{{value::integer(a), value::integer(b), value::integer(0), value::integer(0), value{}}};
        if (key.model == simulation::child_model) r.fields.push_back(value::text(random_.chance(3, 4) ? "P" : "T"));
        return r;
    }

    void edit(device_type& d) {
        const record_key key = key_named(keys()[random_.below(keys().size())]);
        auto row = lab_.device_row(*d.store, key);
        const std::int64_t a = ++last_value_;
        if (row && random_.chance(1, 6)) {
            lab_.device_erase(*d.store, key);
            d.edits.erase(key);
            for (const auto* child : {"C1", "C2"})  // what the app's foreign keys take along
                if (!lab_.device_row(*d.store, key_named(child))) d.edits.erase(key_named(child));
            return check_all(d, "after an erase");
        }
        if (row) {
            row->fields[0] = value::integer(a);
            if (random_.chance(1, 4)) {
                row->fields[1] = value::integer(static_cast<std::int64_t>(random_.below(3)));
                ++counts_.moved_by_devices;
            }
        } else {
            row = row_with(a, static_cast<std::int64_t>(random_.below(3)), key);
            if (key.model == simulation::child_model && !lab_.device_row(*d.store, {simulation::node_model, row->fields[5].as_string()})) return;
        }
        lab_.device_write(*d.store, key, *row);
        d.edits[key] = a;
        check_all(d, "after an edit");
    }

    void write_as_server() {
        const record_key key = key_named(keys()[random_.below(keys().size())]);
        auto row = lab_.server_row(*store_, key);
        if (row && random_.chance(1, 6)) return lab_.server_erase(*store_, key);
        if (row) {
            if (random_.chance(1, 2)) row->fields[0] = value::integer(++last_value_);
            if (random_.chance(1, 2)) {
                row->fields[1] = random_.chance(1, 6) ? value{} : value::integer(static_cast<std::int64_t>(random_.below(3)));
                ++counts_.moved_by_sql;
            }
        } else {
            row = row_with(++last_value_, static_cast<std::int64_t>(random_.below(3)), key);
        }
        if (key.model == simulation::child_model && !lab_.server_row(*store_, {simulation::node_model, row->fields[5].as_string()})) return;
        lab_.server_write(*store_, key, *row);
    }

    // One request of the device, or the end of its sync.
    void turn(device_type& d) {
        if (!d.running) {
            d.client->start(random_.chance(1, 4) ? sync_mode::pull_only : sync_mode::push_then_pull);
            d.running = true;
        }
        auto next = lab_must(d.client->next(now_, random_));
        if (const auto* wait = std::get_if<wait_step>(&next)) {
            now_ = (std::max)(now_, wait->until);
            return;
        }
        if (auto* done = std::get_if<done_step>(&next)) {
            d.running = false;
            last_ = done->report;
            if (done->report.hydrated) ++counts_.hydrations;
            for (const auto& r : done->report.rejections) {
                counts_.absent += r.why.code == errc::absent ? 1 : 0;
                counts_.forbidden += r.why.code == errc::forbidden ? 1 : 0;
            }
            return;
        }
        auto& send = std::get<send_step>(next);
        note_sent(d, send.what);

        result<response> answer = make_fault(errc::unavailable, "lost");
        if (!faults_ || !random_.chance(1, 8)) {
            response r = server_(send.what, principal{d.person, "main"});
            check_answer(d, r);
            if (faults_ && random_.chance(1, 12)) check_answer(d, server_(send.what, principal{d.person, "main"}));  // a second copy
            if (!faults_ || !random_.chance(1, 8))
                answer = std::move(r);
            else
                ++counts_.lost_answers;
        }
        const auto waited = out_of_view_of(d);
        lab_must(d.client->on(send.token, answer, now_, random_));
        const auto waits = out_of_view_of(d);
        for (const auto& key : waits) counts_.waits += waited.contains(key) ? 0 : 1;
        for (const auto& key : waited) counts_.returns += waits.contains(key) ? 0 : 1;
        check_all(d, "after an answer");
    }

    [[nodiscard]] std::set<record_key> out_of_view_of(device_type& d) {
        std::set<record_key> out;
        for (const auto& waiting : lab_must(d.engine->waiting(1000, now_)))
            if (waiting.waiting->code == errc::out_of_view) out.insert(waiting.key);
        return out;
    }

    void note_sent(device_type& d, const request& r) {
        const auto tape = lab_must(json_tape::parse(r.body));
        const auto list = tape.root().find("mutations");
        if (!list) return;
        for (const auto& m : *list) {
            const std::string id{m.find("mutation_id")->as_string()};
            keys_of_[id] = key_named(std::string{m.find("entity_id")->as_string()});
            if (const auto payload = m.find("payload"); payload && payload->is_object())
                if (const auto a = payload->find("a"); a && a->is_integer()) d.sent[*a->as_int()].insert(id);
        }
    }

    void check_answer(const device_type& d, const response& r) {
        const auto told = views_.read_answer(r, store_->schemas(), rows(), d.person, [this](const mutation_id& id) { return keys_of_.at(id); });
        if (!told.wrong.empty()) throw broken("an answer to " + d.name + " " + told.wrong);
        counts_.rows += told.rows;
        counts_.removals += told.removals;
        counts_.out_of_view_answers += told.removed.size() - told.removals;
    }

    void check_all(device_type& d, const char* when) {
        static_cast<void>(lab_must(d.engine->absorb(now_)));
        simulation::check_visible(*d.store, d.engine->schemas(), d.name + " " + when);
        auto t = lab_must(d.store->begin());
        for (auto at = d.edits.begin(); at != d.edits.end();) {
            const auto& [key, a] = *at;
            const auto holds = [&, value = value::integer(a)](const std::optional<intent>& what) {
                const auto* to = what ? what->changes.find(0) : nullptr;
                return to != nullptr && *to == value;
            };
            const auto frozen = lab_must(t.frozen(key));
            if (holds(lab_must(t.open_intent(key))) || (frozen && holds(frozen->what))) {
                ++at;
                continue;
            }
            // Not on the device any more: then it was decided.
            bool decided = false;
            auto s = lab_must(store_->begin("main", access::snapshot));
            for (const auto& id : d.sent[a]) {
                const auto known = lab_must(s.find_receipt(d.person, id));
                decided = decided || (known && (known->outcome == outcome_kind::applied || known->outcome == outcome_kind::superseded));
            }
            if (!decided) throw broken(d.name + " has lost an edit of " + key.key + " " + when);
            at = d.edits.erase(at);
        }
    }

    void settle_down() {
        for (int round = 0; round < 4; ++round)
            for (auto& d : devices_) {
                int requests = 0;
                d->client->start(sync_mode::push_then_pull);
                for (d->running = true; d->running; turn(*d))
                    if (++requests > 400) throw broken(d->name + " does not come to an end");
                if (last_.why) throw broken(d->name + " ends with " + std::string{name_of(last_.why->code)} + ": " + last_.why->detail);
            }
    }

    void check_rows(device_type& d) {
        for (const auto& name : keys()) {
            const record_key key = key_named(name);
            const auto mine = lab_.device_row(*d.store, key);
            const auto theirs = visible_now(d.person, key) ? lab_.server_row(*store_, key) : std::optional<record>{};
            if (mine != theirs)
                throw broken(d.name + " of " + d.person + (mine ? theirs ? " shows another " : " still shows " : " lacks ") + name);
        }
    }

    [[nodiscard]] static duration microseconds_of(std::int64_t n) { return std::chrono::microseconds{n}; }

    seeded_random random_;
    grant_counts& counts_;
    timestamp now_ = from_microseconds(1'700'000'000'000'000);
    simulation::view_rules views_;
    Lab lab_;
    std::unique_ptr<typename Lab::authority_store> store_;
    sync_server<typename Lab::authority_store> server_;
    std::vector<std::unique_ptr<device_type>> devices_;
    std::map<mutation_id, record_key> keys_of_;
    std::int64_t last_value_ = 0;
    bool faults_ = true;
    sync_result last_;
};

}  // namespace grants_tests

#endif
