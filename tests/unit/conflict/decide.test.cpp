#include <syncline/conflict/decide.hpp>

#include <syncline/conflict/merges.hpp>
#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

namespace decide_test {

namespace {

using namespace syncline;
using verb = resolution::verb;

// Fields: a and b registers, n a counter, m a maximum.
constexpr field_index a = 0;
constexpr field_index b = 1;
constexpr field_index n = 2;
constexpr field_index m = 3;

model_schema schema(overlap_policy overlap = overlap_policy::by_field) {
    model_schema s;
    s.name = "task";
    s.overlap = overlap;
    s.fields = {{"a", value_kind::integer, true, nullptr},
                {"b", value_kind::integer, true, nullptr},
                {"n", value_kind::integer, true, &merges::counter::erased},
                {"m", value_kind::integer, true, &merges::maximum::erased}};
    return s;
}

record row(std::int64_t av, std::int64_t bv, std::int64_t nv = 0, std::int64_t mv = 0) {
    return record{{value::integer(av), value::integer(bv), value::integer(nv), value::integer(mv)}};
}

field_set fields(std::initializer_list<field_index> list) {
    field_set s;
    for (const auto f : list) s.insert(f);
    return s;
}

intent update_of(const record& before, std::initializer_list<std::pair<field_index, std::int64_t>> to) {
    intent i;
    i.key = {0, "t"};
    i.op = operation::update;
    i.before = before;
    for (const auto& [f, v] : to) i.changes.set(f, value::integer(v));
    return i;
}
intent create_of(const record& whole) {
    intent i;
    i.key = {0, "t"};
    i.op = operation::create;
    for (field_index f = 0; f < whole.fields.size(); ++f) i.changes.set(f, whole.fields[f]);
    return i;
}
intent erase_of(const record& before) {
    intent i;
    i.key = {0, "t"};
    i.op = operation::erase;
    i.before = before;
    return i;
}

/// A resolver that says one thing and remembers what it was asked.
struct asked {
    int times = 0;
    conflict last;
    record server, client;
};
resolver_set says(verb what, asked& seen, field_changes merged = {}) {
    return resolver_set{[what, &seen, merged](const conflict& c, const resolver_context&) {
        ++seen.times;
        seen.last = c;
        if (c.server != nullptr) seen.server = *c.server;
        if (c.client != nullptr) seen.client = *c.client;
        resolution r;
        r.what = what;
        r.reason = "because";
        if (what == verb::merged) r.fields = merged;
        return r;
    }};
}

decision decide_on(const model_schema& s, const intent& change, const std::optional<record>& server, const field_set& foreign,
                   const resolver_set& resolvers, std::int64_t server_us = 100, std::int64_t client_us = 200) {
    return decide({s, change, server, 9, foreign, from_microseconds(server_us), from_microseconds(client_us)}, resolvers,
                  resolver_context{"ann", from_microseconds(300)});
}

constexpr std::initializer_list<verb> all_verbs{verb::take_server, verb::take_client, verb::merged, verb::refuse, verb::defer};
constexpr std::initializer_list<overlap_policy> all_policies{overlap_policy::by_field, overlap_policy::by_row, overlap_policy::by_timestamp};

}  // namespace

TEST_CASE("decide: an erase of a dead record and a create on a dead key are decided before any resolver (rule 10)") {
    for (const auto policy : all_policies)
        for (const auto what : all_verbs) {
            const model_schema s = schema(policy);
            asked seen;
            const auto erased = decide_on(s, erase_of(row(1, 1)), std::nullopt, s.all_fields(), says(what, seen));
            CHECK(erased.what == decision::verb::nothing);
            CHECK(!erased.row);
            const auto created = decide_on(s, create_of(row(1, 2, 3, 4)), std::nullopt, s.all_fields(), says(what, seen));
            CHECK(created.what == decision::verb::write);
            CHECK(created.row == row(1, 2, 3, 4));
            CHECK(seen.times == 0);
            CHECK(erased.merged_or_decided);
            CHECK(created.merged_or_decided);
            CHECK(erased.rule == "erase of a dead record: already so; resolver: none asked; winner: both; base version 0, server version 9");
            CHECK(created.rule == "create on a dead key takes what is there; resolver: none asked; winner: client; base version 0, server version 9");
        }
}

TEST_CASE("decide: an erase against a live record, and an update of a dead one, are decided whole, under every policy") {
    field_changes kept;
    kept.set(a, value::integer(77));
    for (const auto policy : all_policies)
        for (const auto what : all_verbs)
            for (const bool erases : {true, false}) {
                CAPTURE(static_cast<int>(policy), name_of(what), erases);
                const model_schema s = schema(policy);
                const record before = row(1, 1, 5, 5);
                const std::optional<record> server = erases ? std::optional<record>{row(2, 1, 5, 5)} : std::nullopt;
                const intent change = erases ? erase_of(before) : update_of(before, {{b, 3}});
                asked seen;
                const auto d = decide_on(s, change, server, fields({a}), says(what, seen, kept));
                REQUIRE(seen.times == 1);
                CHECK(seen.last.key == change.key);
                CHECK(d.decided == (erases ? s.all_fields() : fields({b})));
                CHECK(seen.last.server_version == 9);
                CHECK(seen.last.client_op == change.op);
                CHECK((seen.last.server != nullptr) == erases);
                CHECK((seen.last.client != nullptr) == !erases);
                CHECK(seen.last.server_op == (erases ? operation::update : operation::erase));
                CHECK(seen.last.overlapping == seen.last.client_fields);
                CHECK(!seen.last.cascade);
                CHECK(d.rule.find("because") != std::string::npos);
                CHECK(d.rule.find(std::string{name_of(what)}) != std::string::npos);
                if (!erases) CHECK(seen.client == row(1, 3, 5, 5));

                const record wanted = row(1, 3, 5, 5);
                switch (what) {
                case verb::take_server:
                    CHECK(d.what == decision::verb::take_server);
                    CHECK(d.lost == seen.last.client_fields);
                    CHECK(!d.row);
                    break;
                case verb::take_client:
                    CHECK(d.what == (erases ? decision::verb::erase : decision::verb::write));
                    if (!erases) CHECK(d.row == wanted);
                    break;
                case verb::merged:
                    CHECK(d.what == decision::verb::write);
                    CHECK(d.row == (erases ? row(77, 1, 5, 5) : row(77, 3, 5, 5)));
                    break;
                case verb::refuse:
                case verb::defer:
                    CHECK(d.what == decision::verb::refuse);
                    REQUIRE(d.why);
                    CHECK(d.why->code == errc::conflict);
                    CHECK(d.why->detail == "because");
                    break;
                }
            }
}

TEST_CASE("decide: by field, what nobody else changed is taken, and only what overlaps is asked and given up") {
    const model_schema s = schema();
    const record before = row(1, 1);
    const record server = row(5, 1);
    field_changes merged;
    merged.set(a, value::integer(42));
    for (const auto what : all_verbs) {
        CAPTURE(name_of(what));
        asked seen;
        const auto d = decide_on(s, update_of(before, {{a, 2}, {b, 3}}), server, fields({a}), says(what, seen, merged));
        REQUIRE(seen.times == 1);
        CHECK(seen.last.overlapping == fields({a}));
        CHECK(seen.last.client_fields == fields({a, b}));
        CHECK(seen.last.server_fields == fields({a}));
        CHECK(d.decided == fields({a}));
        CHECK(d.merged_or_decided);
        switch (what) {
        case verb::take_server:
            // Partial: superseded in the overlapping field alone.
            CHECK(d.what == decision::verb::write);
            CHECK(d.row == row(5, 3));
            CHECK(d.lost == fields({a}));
            break;
        case verb::take_client:
            CHECK(d.row == row(2, 3));
            CHECK(d.lost.empty());
            break;
        case verb::merged:
            CHECK(d.row == row(42, 3));
            CHECK(d.lost.empty());
            break;
        case verb::refuse:
        case verb::defer:
            CHECK(d.what == decision::verb::refuse);
            CHECK(!d.row);
            break;
        }
    }
}

TEST_CASE("decide: a change that overlaps in every field and loses is superseded and writes nothing") {
    asked seen;
    const auto d = decide_on(schema(), update_of(row(1, 1), {{a, 2}}), row(5, 1), fields({a}), says(verb::take_server, seen));
    CHECK(d.what == decision::verb::take_server);
    CHECK(!d.row);
    CHECK(d.lost == fields({a}));
}

TEST_CASE("decide: changes of different fields are merged and no resolver is asked") {
    asked seen;
    const auto d = decide_on(schema(), update_of(row(1, 1), {{b, 3}}), row(5, 1), fields({a}), says(verb::refuse, seen));
    CHECK(seen.times == 0);
    CHECK(d.what == decision::verb::write);
    CHECK(d.row == row(5, 3));
    CHECK(d.merged_or_decided);
    CHECK(d.lost.empty());
    CHECK(d.decided.empty());
    CHECK(d.rule == "fields do not overlap, or have a merge: merged; resolver: none asked; winner: both; base version 0, server version 9");
}

TEST_CASE("decide: what overlaps is what the overlap policy says, for all fields, policies and orders of times") {
    for (const auto policy : all_policies)
        for (unsigned own = 1; own < 4; ++own)
            for (unsigned foreign = 0; foreign < 4; ++foreign)
                for (const std::int64_t client_us : {99, 100, 101}) {
                    CAPTURE(static_cast<int>(policy), own, foreign, client_us);
                    const auto set_of = [](unsigned bits) {
                        field_set s;
                        for (const auto f : {a, b})
                            if ((bits >> f & 1U) != 0) s.insert(f);
                        return s;
                    };
                    intent change = update_of(row(1, 1), {});
                    record expected = row(5, 6);
                    const field_set overlapping = overlapping_fields(
                        policy, {set_of(own), set_of(foreign), from_microseconds(client_us), from_microseconds(100)});
                    for (const auto f : {a, b})
                        if ((own >> f & 1U) != 0) {
                            change.changes.set(f, value::integer(9));
                            if (!overlapping.contains(f)) expected.fields[f] = value::integer(9);
                        }
                    asked seen;
                    const auto d = decide_on(schema(policy), change, row(5, 6), set_of(foreign), says(verb::take_server, seen), 100, client_us);
                    CHECK(seen.times == (overlapping.empty() ? 0 : 1));
                    if (seen.times != 0) CHECK(seen.last.overlapping == overlapping);
                    CHECK(d.decided == overlapping);
                    CHECK(d.what == (overlapping == set_of(own) ? decision::verb::take_server : decision::verb::write));
                    if (d.what == decision::verb::write) CHECK(d.row == expected);
                }
}

TEST_CASE("decide: a field that the model does not have is passed over, and a row that lacks the newest fields has nulls") {
    field_changes said;
    said.set(a, value::integer(7));
    said.set(4, value::integer(1));
    said.set(200, value::integer(1));
    for (const auto policy : all_policies) {
        asked seen;
        intent change = update_of(row(1, 1), {{a, 2}});
        change.changes.set(4, value::integer(9));
        change.changes.set(200, value::integer(9));
        record older = row(5, 1);
        older.fields.pop_back();
        record expected = row(7, 1);
        expected.fields.back() = value::null();
        const auto d = decide_on(schema(policy), change, older, fields({a, 4, 200}), says(verb::merged, seen, said), 300);
        CHECK(d.row == expected);

        const auto revived = decide_on(schema(policy), change, std::nullopt, fields({a}), says(verb::merged, seen, said));
        CHECK(revived.row == row(7, 1));
    }
}

TEST_CASE("decide: fields that a merge settles never reach the resolver; one that it cannot settle does") {
    const model_schema s = schema();
    asked seen;
    const auto merged = decide_on(s, update_of(row(1, 1, 10, 5), {{n, 12}, {m, 8}}), row(1, 1, 15, 7), fields({n, m}), says(verb::refuse, seen));
    CHECK(seen.times == 0);
    CHECK(merged.row == row(1, 1, 17, 8));

    // A difference is laid on top even where the authority's field counts as unchanged.
    const auto unchanged = decide_on(s, update_of(row(1, 1, 10, 5), {{n, 12}, {b, 4}}), row(9, 1, 11, 5), fields({a}), says(verb::refuse, seen));
    CHECK(unchanged.row == row(9, 4, 13, 5));

    intent odd = update_of(row(1, 1, 10, 5), {{b, 3}});
    odd.changes.set(n, value::text("many"));
    const auto asked_about = decide_on(s, odd, row(1, 1, 15, 5), fields({n}), says(verb::take_server, seen));
    CHECK(seen.times == 1);
    CHECK(seen.last.overlapping == fields({n}));
    CHECK(asked_about.row == row(1, 3, 15, 5));
}

TEST_CASE("decide: a resolver may set only what the client left alone, and keep the server's in all else") {
    asked seen;
    field_changes merged;
    merged.set(m, value::integer(8));
    const auto before = row(1, 1);
    const auto d = decide_on(schema(), update_of(before, {{a, 2}}), row(5, 1), fields({a}), says(verb::merged, seen, merged));
    CHECK(d.what == decision::verb::write);
    CHECK(d.row == row(5, 1, 0, 8));
    CHECK(d.lost == fields({a}));
}

TEST_CASE("decide: merged fields that were not asked about are taken as said, those not named keep the server's") {
    field_changes merged;
    merged.set(b, value::integer(60));
    merged.set(200, value::integer(1));
    asked seen;
    const auto d = decide_on(schema(), update_of(row(1, 1, 0, 5), {{a, 2}, {m, 6}}), row(5, 1, 0, 5), fields({a}), says(verb::merged, seen, merged));
    CHECK(d.what == decision::verb::write);
    CHECK(d.row == row(5, 60, 0, 6));
    CHECK(d.lost == fields({a}));

    // Nothing named of what overlaps, and nothing else changed: that is the server's row.
    const auto none = decide_on(schema(), update_of(row(1, 1), {{a, 2}}), row(5, 1), fields({a}), says(verb::merged, seen));
    CHECK(none.what == decision::verb::take_server);
}

TEST_CASE("decide: by row, every field of the change overlaps, those with a merge too") {
    const model_schema s = schema(overlap_policy::by_row);
    asked seen;
    const auto d = decide_on(s, update_of(row(1, 1, 10), {{b, 3}, {n, 12}}), row(5, 1, 15), fields({a}), says(verb::take_server, seen));
    CHECK(seen.times == 1);
    CHECK(seen.last.overlapping == fields({b, n}));
    CHECK(d.what == decision::verb::take_server);
    const auto client = decide_on(s, update_of(row(1, 1, 10), {{b, 3}, {n, 12}}), row(5, 1, 15), fields({a}), says(verb::take_client, seen));
    CHECK(client.row == row(5, 3, 12));
}

TEST_CASE("decide: by timestamp, an older change overlaps whole, one as old or newer not at all") {
    const model_schema s = schema(overlap_policy::by_timestamp);
    for (const std::int64_t client_us : {99, 100, 101}) {
        CAPTURE(client_us);
        asked seen;
        const auto d = decide_on(s, update_of(row(1, 1), {{a, 2}, {b, 3}}), row(5, 1), fields({a}), says(verb::take_server, seen), 100, client_us);
        CHECK(seen.times == (client_us < 100 ? 1 : 0));
        if (client_us < 100) {
            CHECK(seen.last.overlapping == fields({a, b}));
            CHECK(d.what == decision::verb::take_server);
        } else {
            CHECK(d.row == row(2, 3));
        }
    }
}

TEST_CASE("decide: a create on a key that exists overlaps in every field that no merge settles") {
    for (const auto what : all_verbs) {
        CAPTURE(name_of(what));
        asked seen;
        const auto d = decide_on(schema(), create_of(row(1, 2, 3, 4)), row(5, 6, 7, 8), {}, says(what, seen));
        REQUIRE(seen.times == 1);
        CHECK(seen.last.server_op == operation::create);
        CHECK(seen.last.client_op == operation::create);
        CHECK(seen.last.overlapping == fields({a, b}));
        CHECK(seen.last.server_fields == schema().all_fields());
        CHECK(seen.last.base == nullptr);
        CHECK(seen.last.client != nullptr);
        CHECK(d.rule.find("create on a key that exists") == 0);
        // The counter counts from nothing on both sides, the maximum is the greater.
        if (what == verb::take_server || what == verb::merged) CHECK(d.row == row(5, 6, 10, 8));
        if (what == verb::take_client) CHECK(d.row == row(1, 2, 10, 8));
        if (what == verb::refuse || what == verb::defer) CHECK(d.what == decision::verb::refuse);
    }
}

TEST_CASE("decide: who refuses or defers without a reason still says what to do") {
    const resolver_set deferring{[](const conflict&, const resolver_context&) { return resolution::defer(); }};
    const resolver_set refusing{[](const conflict&, const resolver_context&) { return resolution::refuse({}); }};
    for (const auto* r : {&deferring, &refusing}) {
        const auto d = decide_on(schema(), update_of(row(1, 1), {{a, 2}}), row(5, 1), fields({a}), *r);
        REQUIRE(d.why);
        CHECK((d.why->detail.find("leaves it to a person") != std::string::npos) == (r == &deferring));
        CHECK((d.why->detail == "the resolver refused the change") == (r == &refusing));
        CHECK(d.rule == (r == &deferring ? "fields overlap (a); resolver: defer; winner: nobody yet, a person decides; base version 0, server version 9"
                                     : "fields overlap (a); resolver: refuse; winner: nobody, it is refused; base version 0, server version 9"));
    }
}

TEST_CASE("decide: the resolver sees who asks, the times and the rows, and the default is server_wins") {
    std::string principal;
    timestamp now{};
    const resolver_set looking{[&](const conflict& c, const resolver_context& context) {
        principal = context.principal;
        now = context.now;
        REQUIRE(c.schema != nullptr);
        CHECK(c.schema->name == "task");
        CHECK(c.client_time == from_microseconds(200));
        CHECK(c.server_time == from_microseconds(100));
        CHECK(*c.server == row(5, 1));
        CHECK(*c.client == row(2, 1));
        CHECK(*c.base == row(1, 1));
        return resolution::take_client();
    }};
    CHECK(decide_on(schema(), update_of(row(1, 1), {{a, 2}}), row(5, 1), fields({a}), looking).row == row(2, 1));
    CHECK(principal == "ann");
    CHECK(now == from_microseconds(300));
    CHECK(decide_on(schema(), update_of(row(1, 1), {{a, 2}}), row(5, 1), fields({a}), resolver_set{}).what == decision::verb::take_server);
}

TEST_CASE("decide: what has no known time counts as later than everything, for a policy by timestamp and for last_write_wins") {
    asked seen;
    const model_schema s = schema(overlap_policy::by_timestamp);
    const intent change = update_of(row(1, 1), {{a, 2}});
    const std::optional<record> server = row(5, 1);
    const decision_input in{s, change, server, 9, fields({a}), unknown_time, from_microseconds(1'900'000'000'000'000)};
    CHECK(decide(in, says(verb::take_server, seen), {}).what == decision::verb::take_server);
    CHECK(seen.times == 1);
    CHECK(decide(in, resolver_set{resolvers::last_write_wins{}}, {}).what == decision::verb::take_server);
}

TEST_CASE("decide: an erase that cascades is told as such, and merging it keeps the server's row") {
    field_changes kept;
    kept.set(a, value::integer(77));
    for (const auto what : all_verbs) {
        CAPTURE(name_of(what));
        const model_schema s = schema();
        const intent change = erase_of(row(1, 1));
        const std::optional<record> server = row(1, 1);
        asked seen;
        const auto d = decide_cascade({s, change, server, 9, {}, from_microseconds(1), from_microseconds(2)}, "child", says(what, seen, kept), {});
        REQUIRE(seen.times == 1);
        CHECK(seen.last.cascade);
        CHECK(seen.last.client == nullptr);
        CHECK(seen.server == row(1, 1));
        CHECK(seen.last.overlapping == s.all_fields());
        CHECK(d.merged_or_decided);
        CHECK(d.rule.find("a live record of model `child`; resolver: ") != std::string::npos);
        CHECK(d.rule.find("(because); winner: ") != std::string::npos);
        CHECK(d.rule.ends_with("; base version 0, server version 9"));
        if (what == verb::take_client)
            CHECK(d.what == decision::verb::erase);
        else if (what == verb::refuse || what == verb::defer)
            CHECK((d.what == decision::verb::refuse && d.why->detail == "because"));
        else
            CHECK((d.what == decision::verb::take_server && d.lost == s.all_fields()));
    }
}

}  // namespace decide_test
