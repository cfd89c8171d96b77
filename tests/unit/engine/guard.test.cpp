#include <syncline/engine/replica.hpp>

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace guard_test {

// Rules that histories of one table without constraints cannot reach.

using namespace syncline;

namespace {

const timestamp noon{};

record note(const char* title, const char* body) { return record{{value::text(title), value::text(body)}}; }
record_key named(const char* key) { return {0, key}; }

schema_set notes() {
    model_schema m;
    m.name = "note";
    m.fields = {{"title", value_kind::text, true, nullptr}, {"body", value_kind::text, true, nullptr}};
    schema_set out;
    REQUIRE(out.add(m));
    return out;
}

// A device whose table lets no two notes have the same title.
struct device {
    memory_replica_store store{notes(), {{{0, 0}}, true, {}}};
    replica<memory_replica_store> engine{store};
    seeded_random random{1};

    device() { REQUIRE(engine.open(random, noon)); }
    apply_report take(cursor from, cursor next, std::vector<row_image> rows) {
        page p;
        p.from = from;
        p.next = next;
        p.rows = std::move(rows);
        auto report = engine.apply(p, noon);
        REQUIRE(report);
        REQUIRE_FALSE(report->stale);
        return *report;
    }
    replica_status status() {
        auto s = engine.status(noon);
        REQUIRE(s);
        return *s;
    }
};

}  // namespace

TEST_CASE("quarantine: a row that the app's table refuses is kept, its neighbours and the checkpoint go on, and it comes when its way is free") {
    device d;
    d.take(0, 10, {{named("y"), 1, note("one", ""), {}}});
    const auto report = d.take(10, 20, {{named("x"), 2, note("one", "new"), {}}, {named("z"), 2, note("two", ""), {}}});
    CHECK(report.quarantined == 1);
    CHECK(d.status().counts.quarantined == 1);
    CHECK(d.status().state.checkpoint == 20);
    CHECK_FALSE(d.store.row(named("x")));
    CHECK(d.store.row(named("z")) == note("two", ""));

    d.take(20, 30, {{named("y"), 3, note("three", ""), {}}});
    CHECK(d.status().counts.quarantined == 0);
    CHECK(d.store.row(named("x")) == note("one", "new"));
}

TEST_CASE("quarantine: a row is released only by what is as new, not by an older one that the table takes") {
    device d;
    d.take(0, 10, {{named("y"), 1, note("one", ""), {}}, {named("x"), 2, note("two", ""), {}}});
    REQUIRE(d.store.app_write(named("x"), note("two", "mine")));
    auto sent = d.engine.freeze(10, false, d.random, noon);
    REQUIRE((sent && *sent && (*sent)->items.size() == 1));
    d.take(10, 20, {{named("x"), 5, note("one", "theirs"), {}}});
    REQUIRE(d.status().counts.quarantined == 1);

    outcome o;
    o.id = (*sent)->items[0].id;
    o.kind = outcome_kind::applied;
    o.version = 4;
    o.carries_row = true;
    o.row = note("two", "mine");
    REQUIRE(d.engine.settle((*sent)->head.id, {o}, noon));
    CHECK(d.store.row(named("x")) == note("two", "mine"));
    CHECK(d.status().counts.quarantined == 1);

    d.take(20, 30, {{named("y"), 6, note("three", ""), {}}});
    CHECK(d.status().counts.quarantined == 0);
    CHECK(d.store.row(named("x")) == note("one", "theirs"));
}

TEST_CASE("checkpoint: a page that does not continue from it changes nothing, and does not take it along either") {
    device d;
    d.take(0, 10, {{named("x"), 1, note("one", ""), {}}});
    // A second answer to the request that the first page answered, made later: it reaches further, but not from here.
    page late;
    late.from = 0;
    late.next = 30;
    late.rows = {{named("x"), 3, note("three", ""), {}}};
    for (const cursor next : {cursor{30}, cursor{5}}) {
        late.next = next;
        const auto report = d.engine.apply(late, noon);
        REQUIRE(report);
        CHECK(report->stale);
        CHECK(d.status().state.checkpoint == 10);
        CHECK(d.store.row(named("x")) == note("one", ""));
    }
    d.take(10, 20, {{named("z"), 2, note("two", ""), {}}});
    CHECK(d.status().state.checkpoint == 20);
}

TEST_CASE("hydration: what was acknowledged after the picture was taken stays, whether the picture has the record or not") {
    device d;
    d.take(0, 10, {{named("x"), 1, note("one", ""), {}}, {named("gone"), 1, note("gone", ""), {}}});
    REQUIRE(d.engine.begin_hydration(noon));
    REQUIRE(d.store.app_write(named("x"), note("mine", "")));
    REQUIRE(d.store.app_write(named("new"), note("new", "")));
    auto sent = d.engine.freeze(10, false, d.random, noon);
    REQUIRE((sent && *sent && (*sent)->items.size() == 2));
    std::vector<outcome> outcomes;
    for (const auto& item : (*sent)->items) {
        outcome o;
        o.id = item.id;
        o.kind = outcome_kind::applied;
        o.version = 9;
        o.carries_row = true;
        o.row = *d.store.row(item.what.key);
        outcomes.push_back(std::move(o));
    }
    REQUIRE(d.engine.settle((*sent)->head.id, outcomes, noon));

    auto swapped = d.engine.stage("picture", 0, 1, 5, {{named("x"), 3, note("three", ""), {}}}, cursor{50}, noon);
    REQUIRE((swapped && swapped->hydrated));
    CHECK(d.store.row(named("x")) == note("mine", ""));
    CHECK(d.store.row(named("new")) == note("new", ""));
    CHECK_FALSE(d.store.row(named("gone")));
    CHECK(d.status().state.checkpoint == 50);
}

TEST_CASE("base: a change made after an acknowledgement without a row names the version that the acknowledged one was made on") {
    device d;
    d.take(0, 10, {{named("x"), 1, note("one", ""), {}}});
    REQUIRE(d.store.app_write(named("x"), note("mine", "")));
    auto first = d.engine.freeze(10, false, d.random, noon);
    REQUIRE((first && *first && (*first)->items.size() == 1));
    const mutation_id id = (*first)->items[0].id;
    // Others change the same field: the change on its way hides that from the user.
    d.take(10, 20, {{named("x"), 2, note("theirs", ""), {}}});
    CHECK(d.store.row(named("x")) == note("mine", ""));

    outcome o;
    o.id = id;
    o.kind = outcome_kind::applied;
    o.version = 3;
    REQUIRE(d.engine.settle((*first)->head.id, {o}, noon));
    REQUIRE(d.store.app_write(named("x"), note("mine again", "")));
    auto second = d.engine.freeze(10, false, d.random, noon);
    REQUIRE((second && *second && (*second)->items.size() == 1));
    CHECK((*second)->items[0].what.base.row_version == 1);
    CHECK((*second)->items[0].what.base.after == id);
}

TEST_CASE("base: an acknowledgement that comes after the authority's own row of that version adds nothing to it") {
    device d;
    d.take(0, 10, {{named("x"), 1, note("one", ""), {}}});
    REQUIRE(d.store.app_write(named("x"), note("mine", "")));
    auto sent = d.engine.freeze(10, false, d.random, noon);
    REQUIRE((sent && *sent && (*sent)->items.size() == 1));
    // The pull was asked before the change was on its way, so the row does not say what it contains.
    d.take(10, 20, {{named("x"), 3, note("Mine, tidied by the server", ""), {}}});
    CHECK(d.store.row(named("x")) == note("mine", ""));

    outcome o;
    o.id = (*sent)->items[0].id;
    o.kind = outcome_kind::applied;
    o.version = 3;
    REQUIRE(d.engine.settle((*sent)->head.id, {o}, noon));
    CHECK(d.store.row(named("x")) == note("Mine, tidied by the server", ""));
}

namespace {

// A server whose resolvers say that the client wins.
struct server {
    memory_authority_store store{notes(), {}};
    authority<memory_authority_store> engine{store, options()};

    static authority_options options() {
        authority_options o;
        o.resolvers = resolver_set{[](const conflict&, const resolver_context&) { return resolution::take_client(); }};
        return o;
    }
    outcome push(const char* who, const char* id, intent what) {
        auto answer = engine.push(caller{"main", who, who}, {mutation{id, std::move(what)}}, noon);
        REQUIRE(answer);
        return answer->outcomes.at(0);
    }
};

// What sets title, body or both of the note "x", seen at a version.
intent change(const record& before, std::int64_t version, std::optional<const char*> title, std::optional<const char*> body) {
    intent what;
    what.key = named("x");
    what.op = operation::update;
    what.before = before;
    what.base.row_version = version;
    if (title) what.changes.set(0, value::text(*title));
    if (body) what.changes.set(1, value::text(*body));
    return what;
}

}  // namespace

TEST_CASE("sealing: a write that changes nothing gets a version of its own, which its receipt names") {
    server s;
    REQUIRE(s.store.app_write("main", named("x"), note("one", "")));
    REQUIRE(s.engine.seal_foreign("main", noon));
    REQUIRE(s.store.app_write("main", named("x"), note("two", "")));
    const outcome o = s.push("ann", "m1", change(note("one", ""), 1, "two", std::nullopt));
    CHECK(o.kind == outcome_kind::applied);
    CHECK(o.version == 3);
    CHECK(s.engine.head("main")->seq == 3);
}

TEST_CASE("sealing: a field that was written with the value it had counts as written, so a later change of it meets it") {
    server s;
    REQUIRE(s.store.app_write("main", named("x"), note("one", "")));
    REQUIRE(s.engine.seal_foreign("main", noon));
    REQUIRE(s.store.app_write("main", named("x"), note("two", "")));
    REQUIRE(s.engine.seal_foreign("main", noon));
    REQUIRE(s.push("ann", "m1", change(note("one", ""), 1, "two", "hers")).kind == outcome_kind::applied);
    const outcome o = s.push("bob", "m2", change(note("two", ""), 2, "three", std::nullopt));
    CHECK(o.rule == "fields overlap (title); resolver: take_client; winner: client; base version 2, server version 3");
}

TEST_CASE("push: mutations that a peer names as following one another in a circle are walked once") {
    memory_authority_store store{notes()};
    authority<memory_authority_store> server{store};
    const caller ann{"main", "ann", "dev"};
    const auto send = [&](const char* id, const char* after, std::int64_t base, record row) {
        mutation m;
        m.id = id;
        m.what.key = named("n");
        m.what.base = {base, after};
        m.what.before = note("", "");
        for (field_index f = 0; f < 2; ++f)
            if (!row.fields[f].is_null()) m.what.changes.set(f, row.fields[f]);
        const auto answer = server.push(ann, {m}, noon);
        REQUIRE(answer);
        return answer->outcomes.front();
    };
    REQUIRE(store.app_write("main", named("n"), note("a", "a")));
    REQUIRE(server.seal_foreign("main", noon));
    CHECK(send("m1", "m2", 1, note("b", "a")).kind == outcome_kind::applied);
    CHECK(send("m2", "m1", 1, note("c", "a")).kind == outcome_kind::applied);
    REQUIRE(store.app_write("main", named("n"), note("c", "x")));
    // What others wrote since is seen; what stands in the circle is its own.
    record third{{value::text("d"), value{}}};
    const auto met = send("m3", "m2", 1, third);
    CHECK(met.kind == outcome_kind::applied);
    CHECK_FALSE(met.clean);
    CHECK(store.row("main", named("n")) == note("d", "x"));
}

TEST_CASE("push: in a model that has no fields another's erase and creation are changes all the same") {
    model_schema flag;
    flag.name = "flag";
    schema_set schemas;
    REQUIRE(schemas.add(flag));
    memory_authority_store store{schemas};
    authority<memory_authority_store> server{store};
    const caller ann{"main", "ann", "dev"};
    const auto seal = [&] { REQUIRE(server.seal_foreign("main", noon)); };
    REQUIRE(store.app_write("main", named("n"), record{}));
    seal();
    REQUIRE(store.app_erase("main", named("n")));
    seal();
    REQUIRE(store.app_write("main", named("n"), record{}));
    seal();
    mutation m;
    m.id = "m";
    m.what.key = named("n");
    m.what.op = operation::erase;
    m.what.base = {1, {}};
    const auto answer = server.push(ann, {m}, noon);
    REQUIRE(answer);
    CHECK(answer->outcomes.front().kind == outcome_kind::superseded);
    CHECK(store.row("main", named("n")));
}

TEST_CASE("push: a field that was changed unseen, by a peer that tells no values before, meets what stands there") {
    memory_authority_store store{notes()};
    authority<memory_authority_store> server{store};
    REQUIRE(store.app_write("main", named("n"), note("a", "b")));
    REQUIRE(server.seal_foreign("main", noon));
    mutation m;
    m.id = "m";
    m.what.key = named("n");
    m.what.base = {1, {}};
    m.what.changes.set(0, value::text("mine"));
    m.what.changes.set(1, value::text("mine"));
    m.what.unseen.insert(1);
    const auto answer = server.push(caller{"main", "ann", "dev"}, {m}, noon);
    REQUIRE(answer);
    CHECK_FALSE(answer->outcomes.front().clean);
    CHECK(store.row("main", named("n")) == note("mine", "b"));
}

}  // namespace guard_test
