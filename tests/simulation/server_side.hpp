#ifndef SYNCLINE_TESTS_SIMULATION_SERVER_SIDE_HPP
#define SYNCLINE_TESTS_SIMULATION_SERVER_SIDE_HPP

// The server of a run: a durable store, and over it what a crash loses. After each request the oracle reads what was made durable.

#include <syncline/engine/authority.hpp>
#include <syncline/testing/simulation/faulty_stores.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/random_crash.hpp"
#include "simulation/run.hpp"
#include "simulation/views.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace simulation {

template <class Lab>
class server_side {
public:
    using store_type = typename Lab::authority_store;

    /// @param views  who may see what; nullptr: everybody everything
    server_side(run_state& run, Lab& lab, view_rules* views)
        : run_(&run), lab_(&lab), views_(views), random_(run.random.next()), durable_(lab.make_authority()) {}

    /// Starts the program on what is durable.
    void start() {
        server_.reset();
        guarded_.reset();
        power_.replace();
        lab_->crash_server(durable_);
        guarded_ = std::make_unique<guarded_store>(*durable_, power_);
        authority_options o;
        o.resolvers = resolver_set{run_->s.resolver_of()};
        o.validate = [this](const proposed_change& c) { return validate(c); };
        if (views_ != nullptr) o.scopes = views_->scopes();
        server_ = std::make_unique<sync_server<guarded_store>>(*guarded_, std::move(o), [this] { return run_->now; }, [this] { return random_.next(); });
        server_->mount_mutation_wire();
        if (views_ == nullptr) lab_must(server_->mount_bundle_wire());
        power_.between = [this] {
            if (!run_->quiet && run_->random.chance(run_->s.between_percent, 100)) ++run_->counts->writes_between_transactions, observe(), foreign_edit();
        };
    }
    /// Nothing fails any more.
    void repair() { power_.replace(); }

    [[nodiscard]] store_type& durable() { return *durable_; }
    [[nodiscard]] const schema_set& schemas() const { return std::as_const(*durable_).schemas(); }
    [[nodiscard]] std::optional<record> row(const record_key& key) { return lab_->server_row(*durable_, key); }

    /// What another program of the server does now and then.
    std::function<void()> foreign_edit;

    /// @return nothing: it went down over the request
    std::optional<response> answer(const request& what, const principal& who, bool bundle_wire) {
        if (!run_->quiet && run_->random.chance(run_->s.crash_percent, 100)) crash_within(60, power_, run_->random);
        if (!run_->quiet && run_->random.chance(run_->s.busy_percent, 100)) power_.refuse_once();
        response r = (*server_)(what, who);
        const bool refused = power_.was_refused();
        run_->counts->busy_stores += refused ? 1 : 0;
        const bool down = power_.blown();
        run_->say("the server answers ", who.id, ": ", down ? std::string{"nothing, it crashes"} : std::to_string(r.status));
        observe();
        if (down) {
            ++run_->counts->server_crashes;
            start();
            return std::nullopt;
        }
        if (r.status >= 500 && !refused && r.body.find("simulated") == std::string::npos) throw violation("the server answers " + std::to_string(r.status) + " to " + what.path + ": " + r.body);
        if (what.path.ends_with("/commit") && (r.status == 409 || r.status == 422)) {
            if (refused_commits_.insert(what.path).second) ++(r.status == 409 ? run_->counts->conflicts : run_->counts->refused);
        }
        const bool known_session = bundle_wire && (r.status == 404 || r.status == 422);
        if (!known_session && (r.status == 400 || r.status == 404 || r.status == 413 || r.status == 422)) throw violation("the server answers " + std::to_string(r.status) + " to " + what.path + ": " + r.body);
        return r;
    }
    /// Whether a commit at @p path was refused before.
    [[nodiscard]] bool has_refused(const std::string& path) const { return refused_commits_.contains(path); }

    /// Gives an order to what other programs wrote.
    void seal() {
        lab_must(server_->engine().seal_foreign("main", run_->now));
        observe();
    }
    void prune() {
        power_.replace();
        const auto was_quiet = std::exchange(run_->quiet, true);
        seal();
        const auto to = static_cast<std::int64_t>(run_->random.below(static_cast<std::uint64_t>(run_->oracle.seq()) + 1));
        lab_must(server_->engine().prune("main", to, run_->now));
        run_->quiet = was_quiet;
        ++run_->counts->prunes;
        run_->say("history up to ", std::to_string(to), " is pruned");
    }

    /// Reads what the server has made durable: receipts first, as they explain the bundles.
    void observe() {
        auto t = lab_must(durable_->begin("main", syncline::access::snapshot));
        const auto head = lab_must(t.head());
        ledger& oracle = run_->oracle;
        for (auto& [id, m] : oracle.mutations()) {
            if (m.bundle_id != 0 || (m.known && !m.in_flight)) continue;
            const auto known = lab_must(t.find_receipt(run_->s.person[static_cast<std::size_t>(m.device)], id));
            if (known && !m.known) run_->say("  receipt ", id.substr(id.size() - 4), ": ", name_of(known->outcome), " v", std::to_string(known->version), known->clean ? " clean" : "");
            if (known) oracle.receipt_of(id, *known);
        }
        while (oracle.seq() < head.seq) {
            auto heads = lab_must(t.bundle_heads(oracle.seq(), 1));
            if (heads.empty()) throw violation("bundle " + std::to_string(oracle.seq() + 1) + " is missing");
            bundle b{heads.front(), lab_must(t.bundle_rows(heads.front().seq, 0, heads.front().row_count))};
            if (run_->trace)
                for (const auto& row : b.rows) run_->say("  bundle ", std::to_string(b.head.seq), " of ", b.head.source.substr(0, 6), ": ", row.key.key, " ", text(row.after), " by ", row.writer.empty() ? std::string{"nobody"} : row.writer.substr(row.writer.size() - 4));
            if (views_ != nullptr) check_writes(b);
            oracle.sealed_bundle(b);
        }
        oracle.check_effects();
    }

private:
    using guarded_store = testing::faulty_authority_store<store_type>;

    std::optional<rejection> validate(const proposed_change& c) {
        if (!run_->quiet && run_->random.chance(run_->s.error_percent, 100)) {
            ++run_->counts->transient_faults;
            return rejection{{errc::internal, "simulated: a transient fault"}, {}};
        }
        // A rule of the host that depends on the change alone.
        if (c.after != nullptr && c.before != nullptr && !(c.after->fields[3] == c.before->fields[3]) &&
            static_cast<std::uint64_t>(c.after->fields[3].as_integer()) % 100 < run_->s.refuse_percent && c.after->fields[3].as_integer() > 10)
            return rejection{{errc::validation_failed, "simulated: the host does not like this number"}, {}};
        return std::nullopt;
    }

    // Promise 8: what a device's bundle changed, its person could see before and can see afterwards.
    void check_writes(const bundle& b) const {
        const int author = run_->oracle.author_of(b.head);
        if (author == foreign_author) return;
        const std::string& person = run_->s.person[static_cast<std::size_t>(author)];
        const auto before = run_->oracle.rows();
        const auto after = [&](const record_key& key) -> std::optional<record> {
            for (const auto& row : b.rows)
                if (row.key == key) return row.after;
            return before(key);
        };
        for (const auto& row : b.rows) {
            const std::string what = run_->oracle.who(author) + " of " + person + " wrote " + row.key.key + ", which its person may not see ";
            if (before(row.key) && !views_->visible(schemas(), before, person, row.key)) throw violation(what + "as it was");
            if (row.after && !views_->visible(schemas(), after, person, row.key)) throw violation(what + "as it is now");
        }
    }

    run_state* run_;
    Lab* lab_;
    view_rules* views_;
    seeded_random random_;
    std::unique_ptr<store_type> durable_;
    testing::store_faults power_;
    std::unique_ptr<guarded_store> guarded_;
    std::unique_ptr<sync_server<guarded_store>> server_;
    std::set<std::string> refused_commits_;  // of the bundle wire, by path
};

}  // namespace simulation

#endif
