#ifndef SYNCLINE_TESTING_RESOLVER_CONVERGENCE_HPP
#define SYNCLINE_TESTING_RESOLVER_CONVERGENCE_HPP

#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/fake_clock.hpp>
#include <syncline/testing/noted_random.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/resolver_laws.hpp>
#include <syncline/testing/verdict.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// How `check_convergence` is set up.
struct convergence_options {
    /// The value that a field gets: number 0 before the conflict, 1 and 2 of the two devices. Empty: a few of the field's kind, null for references.
    std::function<value(const field_schema&, int)> value_of{};
    /// Records that are there from the beginning, such as those that the model refers to.
    std::vector<std::pair<record_key, record>> others{};
    /// What else is done to a device's tables after each of its syncs, as triggers or another program would.
    std::function<void(memory_replica_store&)> after_sync{};
    /// How often both devices sync until nothing may be left to do.
    std::size_t most_rounds = 6;
    /// Stops after the first history in which something was found.
    bool first_finding = false;
};

namespace detail {

/// What a device does to the record.
enum class deed : std::uint8_t { create, set_first, set_last, set_both, erase, recreate };
[[nodiscard]] constexpr std::string_view name_of(deed d) noexcept {
    constexpr std::array<std::string_view, 6> names{"create", "update of the first field", "update of the last field", "update of both", "erase", "erase and create"};
    return names[static_cast<std::size_t>(d)];
}

/// How the two devices' changes reach the server. A's is always the first: the pairs of deeds, and of wires, come both ways round.
enum class arrival : std::uint8_t { at_once, after_a_pull };
[[nodiscard]] constexpr std::string_view name_of(arrival a) noexcept {
    return a == arrival::at_once ? "A's arrives first" : "A's arrives first and B pulls before it pushes";
}

/// Two devices and a server with one record, of which they make different things.
class convergence_world {
public:
    static constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

    convergence_world(const schema_set& schemas, model_id model, const resolver& r, const convergence_options& options, std::array<bool, 2> bundles)
        : options_(options), schemas_(schemas), key_{model, schemas[model].key_kind == value_kind::integer ? "1" : "00000000000000000000000001"}, store_(schemas),
          server_(store_, rules_of(r), clock_.reader(), random_.bits()) {
        server_.mount_mutation_wire();
        if (auto done = server_.mount_bundle_wire(); !done) wrong_.find(done.error().detail);
        for (std::size_t i = 0; i < devices_.size(); ++i) devices_[i] = std::make_unique<device>(*this, r, bundles[i]);
        for (const auto& [key, row] : options.others) note(store_.app_write("main", key, row));
    }
    convergence_world(const convergence_world&) = delete;

    /// The record as both devices have it before anything happens.
    void begin(bool there) {
        if (there) note(store_.app_write("main", key_, row(0)));
        for (std::size_t i = 0; i < 2; ++i) sync(i);
    }
    void act(std::size_t i, deed what) {
        auto& of = devices_[i]->store;
        const auto mine = static_cast<int>(i) + 1;
        record next = of.row(key_).value_or(row(0));
        const std::size_t last = next.fields.size() - 1;
        if (what == deed::set_first || what == deed::set_both) next.fields[first_field()] = value_of(first_field(), mine);
        if (what == deed::set_last || what == deed::set_both) next.fields[last_field(last)] = value_of(last_field(last), mine);
        if (what == deed::erase || what == deed::recreate) note(of.app_erase(key_));
        if (what == deed::create || what == deed::recreate) next = row(mine);
        if (what != deed::erase) note(of.app_write(key_, next));
        static_cast<void>(counts(i));  // the change is absorbed, and timed, now
        clock_.advance(std::chrono::minutes{1});
    }
    void arrive(arrival in) {
        sync(0, sync_mode::push_only);
        clock_.advance(std::chrono::minutes{1});
        if (in == arrival::after_a_pull) sync(1, sync_mode::pull_only);
        sync(1, sync_mode::push_only);
    }
    /// Syncs until neither device has anything to do. @return whether it came to that
    bool settle() {
        for (std::size_t round = 0; round < options_.most_rounds; ++round) {
            bool quiet = true;
            for (std::size_t i = 0; i < 2; ++i) {
                const sync_result done = sync(i);
                quiet = quiet && done.ok() && done.pushed == 0 && done.pulled == 0;
            }
            for (std::size_t i = 0; i < 2; ++i) quiet = quiet && counts(i).open + counts(i).frozen == 0;
            if (quiet) return true;
        }
        return false;
    }
    void pass(duration time) { clock_.advance(time); }
    [[nodiscard]] std::array<std::uint64_t, 2> waiting() { return {counts(0).waiting, counts(1).waiting}; }
    /// What waits is given up.
    void give_up() {
        for (auto& of : devices_)
            std::visit(
                [&](auto& client) {
                    auto all = client->waiting();
                    if (!all) return note(result<void>{std::move(all).error()});
                    for (const auto& change : *all) note(client->take_server(change.key));
                },
                of->client);
    }

    [[nodiscard]] std::map<std::string, record> on_device(std::size_t i) const { return devices_[i]->store.rows(key_.model); }
    [[nodiscard]] std::map<std::string, record> on_server() const { return store_.rows("main", key_.model); }
    [[nodiscard]] const record_key& key() const noexcept { return key_; }
    /// What went wrong beside the resolver: a store that refused, a sync that failed.
    [[nodiscard]] const verdict& wrong() const noexcept { return wrong_; }

private:
    using carrier = std::function<result<response>(const request&)>;
    using by_mutations = sync_client<memory_replica_store, mutation_client, carrier>;
    using by_bundles = sync_client<memory_replica_store, bundle_client, carrier>;

    struct device {
        device(convergence_world& w, const resolver& r, bool bundles) : store(w.schemas_) {
            carrier through = [&w](const request& asked) -> result<response> { return w.server_(asked, principal{"ann", "main"}); };
            sync_surroundings around{w.clock_.reader(), w.random_.bits(), w.clock_.waiter()};
            sync_client_options alone;
            alone.lock = false;
            if (bundles)
                client = std::make_unique<by_bundles>(store, std::move(through), bundle_client_options{}, std::move(around), resolver_set{r}, replica_options{}, std::move(alone));
            else
                client = std::make_unique<by_mutations>(store, std::move(through), mutation_client_options{}, std::move(around), resolver_set{r}, replica_options{}, std::move(alone));
        }
        memory_replica_store store;
        std::variant<std::unique_ptr<by_mutations>, std::unique_ptr<by_bundles>> client;
    };

    [[nodiscard]] static authority_options rules_of(const resolver& r) {
        authority_options out;
        out.resolvers = resolver_set{r};
        return out;
    }
    sync_result sync(std::size_t i, sync_mode mode = sync_mode::push_then_pull) {
        sync_result done = std::visit([&](auto& client) { return client->run(mode); }, devices_[i]->client);
        if (!done.ok()) wrong_.find("a sync of device " + std::string(i == 0 ? "A" : "B") + " ended with " + std::string(syncline::name_of(done.why->code)) + ": " + done.why->detail);
        if (options_.after_sync) options_.after_sync(devices_[i]->store);
        return done;
    }
    [[nodiscard]] replica_counts counts(std::size_t i) {
        auto seen = std::visit([](auto& client) { return client->status(); }, devices_[i]->client);
        if (seen) return seen->counts;
        wrong_.find(seen.error().detail);
        return {};
    }
    void note(const result<void>& done) {
        if (!done) wrong_.find(std::string(syncline::name_of(done.error().code)) + ": " + done.error().detail);
    }
    [[nodiscard]] const model_schema& schema() const { return schemas_[key_.model]; }
    [[nodiscard]] bool settable(std::size_t f) const {
        for (const auto& r : schema().references)
            if (r.field == f) return false;
        return !schema().fields[f].read_only;
    }
    [[nodiscard]] std::size_t first_field() const {
        for (std::size_t f = 0; f < schema().fields.size(); ++f)
            if (settable(f)) return f;
        return 0;
    }
    [[nodiscard]] std::size_t last_field(std::size_t last) const {
        for (std::size_t f = last + 1; f > 0; --f)
            if (settable(f - 1)) return f - 1;
        return 0;
    }
    [[nodiscard]] value value_of(std::size_t f, int number) const {
        const field_schema& of = schema().fields[f];
        if (options_.value_of) return options_.value_of(of, number);
        if (!settable(f)) return value::null();
        switch (of.kind) {
        case value_kind::null: break;
        case value_kind::boolean: return value::boolean(number == 1);
        case value_kind::integer: return value::integer(10 + number);
        case value_kind::real: return value::real(static_cast<double>(10 + number));
        case value_kind::decimal: return value::decimal(std::to_string(10 + number));
        case value_kind::text: return value::text("text " + std::to_string(number));
        case value_kind::bytes: return value::bytes("octets " + std::to_string(number));
        case value_kind::time: return value::time(noon + std::chrono::seconds{number});
        case value_kind::json: return value::json("[" + std::to_string(number) + "]");
        }
        return value::null();
    }
    [[nodiscard]] record row(int number) const {
        record out;
        for (std::size_t f = 0; f < schema().fields.size(); ++f) out.fields.push_back(value_of(f, number));
        return out;
    }

    const convergence_options& options_;
    const schema_set& schemas_;
    record_key key_;
    fake_clock clock_{noon, duration{1}};
    noted_random random_{1};  // one for all: two with one seed would draw the same ids
    memory_authority_store store_;
    sync_server<memory_authority_store> server_;
    std::array<std::unique_ptr<device>, 2> devices_;
    verdict wrong_;
};

[[nodiscard]] inline std::string rows_text(const std::map<std::string, record>& rows) {
    std::string out;
    for (const auto& [key, row] : rows) {
        out += (out.empty() ? "" : "; ") + key + " = ";
        for (std::size_t f = 0; f < row.fields.size(); ++f) out += (f == 0 ? "" : ", ") + text_of(row.fields[f]);
    }
    return out.empty() ? "no row" : out;
}

/// Runs the histories and writes to the report.
class convergence_check {
public:
    convergence_check(const schema_set& schemas, const convergence_options& options) : schemas_(schemas), options_(options) {}

    [[nodiscard]] report run(std::string_view model, const resolver& r) {
        const auto id = schemas_.find(model);
        expect("setup", can_be_set_up, id.has_value() && !schemas_[*id].fields.empty(),
               [&] { return "no model `" + std::string(model) + "` with fields is among the schemas"; });
        if (!out_.passed()) return std::move(out_);
        const resolver heard = [&](const conflict& c, const resolver_context& context) {
            ++answers_;
            if (!r) return resolution::take_server("server_wins");
            laws_.add(resolver_laws::check(r, c, context));
            return r(c, context);
        };
        constexpr std::array<deed, 5> deeds{deed::set_first, deed::set_last, deed::set_both, deed::erase, deed::recreate};
        each_arrival(*id, heard, deed::create, deed::create);
        for (const deed a : deeds)
            for (const deed b : deeds) each_arrival(*id, heard, a, b);
        judge_answers();
        return std::move(out_);
    }

private:
    static constexpr std::string_view can_be_set_up = "the histories can be run";
    static constexpr std::array<std::array<bool, 2>, 4> wires{{{false, false}, {true, true}, {false, true}, {true, false}}};
    static constexpr std::array<std::string_view, 4> wire_names{"both on the mutation wire", "both on the bundle wire", "A on the mutation wire and B on the bundle wire",
                                                                "A on the bundle wire and B on the mutation wire"};

    template <class What>
    void expect(std::string_view clause, std::string_view asks, bool holds, const What& what) {
        out_.begin(clause, asks);
        out_.expect(holds, holds ? std::string{} : what());
    }
    [[nodiscard]] bool enough() const { return options_.first_finding && (!out_.passed() || !laws_); }

    void each_arrival(model_id model, const resolver& heard, deed a, deed b) {
        for (const arrival in : {arrival::at_once, arrival::after_a_pull})
            for (const bool a_later : {false, true}) {
                std::string first_end;
                for (std::size_t w = 0; w < wires.size() && !enough(); ++w) {
                    where_ = "A: " + std::string(name_of(a)) + ", B: " + std::string(name_of(b)) + " (" + (a_later ? "A" : "B") + "'s is later), " +
                             std::string(name_of(in)) + ", " + std::string(wire_names[w]) + ": ";
                    convergence_world world(schemas_, model, heard, options_, wires[w]);
                    world.begin(a != deed::create);
                    if (a_later) world.act(1, b);
                    world.act(0, a);
                    if (!a_later) world.act(1, b);
                    world.arrive(in);
                    const std::string end = follow(world, model);
                    if (w == 0) first_end = end;
                    expect("wires", "the same history ends alike on either wire", end == first_end,
                           [&] { return where_ + "the server ends with " + end + "; " + std::string(wire_names[0]) + " with " + first_end; });
                }
            }
    }
    // From the arrivals to the end. @return how it ended before anybody decided what waits
    std::string follow(convergence_world& world, model_id model) {
        expect("quiet", "nothing is left to send but what waits for a person", world.settle(),
               [&] { return where_ + "something is still being sent or taken in after " + std::to_string(options_.most_rounds) + " rounds"; });
        const auto waits = world.waiting();
        std::string end = rows_text(world.on_server()) + ", waiting: " + std::to_string(waits[0]) + " and " + std::to_string(waits[1]);
        if (waits[0] + waits[1] > 0) {
            world.pass(std::chrono::hours{24});
            world.settle();
            expect("stable", "what waits does so until a person decides", world.waiting() == waits, [&] { return where_ + "what waited does so no more a day later"; });
            world.give_up();
            world.settle();
        }
        const auto served = world.on_server();
        for (std::size_t i = 0; i < 2; ++i)
            expect("converges", "server and devices end with the same rows", world.on_device(i) == served,
                   [&] { return where_ + "device " + (i == 0 ? "A" : "B") + " has " + rows_text(world.on_device(i)) + ", the server has " + rows_text(served); });
        bool only_own = true;
        for (const auto& [key, row] : served) {
            bool known = key == world.key().key;
            for (const auto& other : options_.others) known = known || (other.first.model == model && other.first.key == key);
            only_own = only_own && known;
        }
        expect("key", "no record is written but the one in conflict", only_own, [&] { return where_ + "the server has " + rows_text(served); });
        expect("setup", can_be_set_up, world.wrong().holds(), [&] { return where_ + world.wrong().findings().front(); });
        return end;
    }
    void judge_answers() {
        constexpr std::array<std::pair<std::string_view, std::string_view>, 4> named{{{"deterministic", "the same conflict gets the same answer"},
                                                                                     {"record", "answers speak of the record's own fields"},
                                                                                     {"stable", "what waits does so until a person decides"},
                                                                                     {"reason", "a refusal says why"}}};
        for (const auto& [law, asks] : named) {
            expect(law, asks, answers_ > 0, [] { return std::string("the resolver was never asked: nothing of the model ever conflicts"); });
            for (const auto& finding : laws_.findings())
                if (finding.starts_with(std::string(law) + ":")) expect(law, asks, false, [&f = finding] { return f; });
        }
    }

    const schema_set& schemas_;
    const convergence_options& options_;
    report out_;
    verdict laws_;
    std::size_t answers_ = 0;
    std::string where_;
};

}  // namespace detail

/// Lets two devices and a server, all in memory, make every pair of different things of one record (create; update of one field, of another, of both;
/// erase; erase and create), in either order of arrival, with and without a pull in between, with either device's change the later one, over the mutation wire, the bundle
/// wire and one of each; and checks what @p r makes of it. About 400 little histories: seconds.
///
/// | clause | asks |
/// |---|---|
/// | converges | when nothing waits any more, server and devices have the same rows |
/// | quiet | within `most_rounds` nothing is left to send, but what waits for a person |
/// | wires | the same history ends with the same row, and the same waits, on either wire: what an answer depends on is known on both sides |
/// | key | no record is written but the one in conflict |
/// | deterministic, record, stable, reason | `resolver_laws`, of every answer; and what waits does so until a person decides |
///
/// @param model  the name of a model among @p schemas; both wires must be able to carry them
/// @param r      empty: `server_wins`
[[nodiscard]] inline report check_convergence(const schema_set& schemas, std::string_view model, const resolver& r, const convergence_options& options = {}) {
    return detail::convergence_check(schemas, options).run(model, r);
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
