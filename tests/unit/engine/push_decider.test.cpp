#include <syncline/engine/push_decider.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace push_decider_test {

namespace {

using namespace engine_tests;

authority_options with_resolver(resolver r) {
    authority_options o;
    o.resolvers = resolver_set{std::move(r)};
    return o;
}
authority_options saying(resolution said) {
    return with_resolver([said](const conflict&, const resolver_context&) { return said; });
}

}  // namespace

TEST_CASE("push: writes run parents first, then erases children first, whatever the order they were sent in (rule 11)") {
    server s;
    const auto outcomes = s.push({change_of("1", "C1", std::nullopt, child_row(1, "P")), change_of("2", "P", std::nullopt, node_row(1))});
    CHECK(outcomes[0].kind == outcome_kind::applied);
    CHECK(outcomes[0].id == "1");
    const auto gone = s.push({change_of("3", "P", node_row(1), std::nullopt, 1), change_of("4", "C1", child_row(1, "P"), std::nullopt, 1)});
    CHECK(gone[0].kind == outcome_kind::applied);
    CHECK(gone[1].kind == outcome_kind::applied);
    CHECK(!s.row("P"));
}

namespace {

/// A server whose records refer to each other, with a cascade.
struct tree_server {
    static record row(const char* name, const char* parent = nullptr) { return record{{value::text(name), parent == nullptr ? value{} : value::text(parent)}}; }
    static mutation change(const std::string& key, const std::optional<record>& before, const std::optional<record>& after, std::int64_t version = 0) {
        mutation out = change_of("m" + key, key, before, after, version);
        out.what.key = {0, key};
        if (!after) out.what.before.reset();  // as the wire carries it
        return out;
    }
    void write(const std::string& key, const record& r) { lab_must(store.app_write("main", {0, key}, r)); }
    std::string push(std::vector<mutation> sent) {
        std::string out;
        for (const auto& o : lab_must(engine.push(caller{"main", "ann", "dev"}, std::move(sent), at(2000))).outcomes) out.append(name_of(o.kind)).append(" ");
        return out;
    }
    std::string rows() {
        std::string out;
        for (const auto& [key, row] : store.rows("main", 0)) out += key;
        return out;
    }

    memory_authority_store store{items_with_parents()};
    authority<memory_authority_store> engine{store};
};

}  // namespace

TEST_CASE("push: in a model that refers to itself too, erases run children first, however they were sent (rule 11)") {
    tree_server s;
    s.write("a", tree_server::row("a"));
    s.write("b", tree_server::row("b", "a"));
    s.write("c", tree_server::row("c", "b"));
    s.write("self", tree_server::row("self", "self"));
    s.write("z", tree_server::row("z", "a"));
    CHECK(lab_must(s.engine.seal_foreign("main", at(1))) == 5);
    const auto erase = [](const std::string& key) { return tree_server::change(key, tree_server::row("x"), std::nullopt, 1); };
    // An update moves a child away first.
    CHECK(s.push({erase("a"), erase("b"), erase("c"), erase("self"), tree_server::change("z", tree_server::row("z", "a"), tree_server::row("z"), 1)}) ==
          "applied applied applied applied applied ");
    CHECK(s.rows() == "z");
}

TEST_CASE("push: a record that the request does not erase is not taken along within its own model either (rule 5)") {
    tree_server s;
    s.write("a", tree_server::row("a"));
    s.write("b", tree_server::row("b", "a"));
    s.write("c", tree_server::row("c", "b"));
    CHECK(lab_must(s.engine.seal_foreign("main", at(1))) == 3);
    CHECK(s.push({tree_server::change("a", tree_server::row("a"), std::nullopt, 1), tree_server::change("b", tree_server::row("b"), std::nullopt, 1)}) ==
          "superseded superseded ");
    CHECK(s.rows() == "abc");
}

TEST_CASE("push: in a model that refers to itself too, writes run what is referred to first (rule 11)") {
    tree_server s;
    CHECK(s.push({tree_server::change("c", std::nullopt, tree_server::row("c", "b")), tree_server::change("b", std::nullopt, tree_server::row("b", "a")),
                  tree_server::change("a", std::nullopt, tree_server::row("a")), tree_server::change("n", std::nullopt, tree_server::row("n", "none"))}) ==
          "applied applied applied refused ");
    CHECK(s.rows() == "abc");
    // Changes of one record stay in the order they were sent in.
    auto first = tree_server::change("a", tree_server::row("a"), tree_server::row("1", "b"), 1);
    auto second = tree_server::change("a", tree_server::row("1", "b"), tree_server::row("2", "b"), 1);
    first.id = "first";
    second.id = "second";
    second.what.base.after = "first";
    CHECK(s.push({first, second}) == "applied applied ");
    CHECK(s.store.row("main", {0, "a"}) == tree_server::row("2", "b"));
}

TEST_CASE("push: a mutation that was decided is answered by its receipt and takes effect once (rule 8)") {
    server s;
    const mutation made = change_of("m", "T", std::nullopt, node_row(1, 0, 5));
    const outcome first = s.push_one(made);
    CHECK(first.kind == outcome_kind::applied);
    s.write("T", node_row(2));
    s.seal();
    const outcome again = s.push_one(made);
    CHECK(again.kind == outcome_kind::applied);
    CHECK(again.version == first.version);
    CHECK(again.clean == first.clean);
    CHECK(s.row("T") == node_row(2));
    CHECK(s.head().seq == 2);
}

TEST_CASE("push: the receipt is looked up before anything else, so it answers what would be refused today") {
    bool closed = false;
    authority_options o;
    o.mapper = [&](const caller&, mutation&) -> std::optional<rejection> {
        if (closed) return rejection{{errc::forbidden, "closed"}, {}};
        return std::nullopt;
    };
    server s{o};
    const mutation made = change_of("m", "T", std::nullopt, node_row(1));
    CHECK(s.push_one(made).kind == outcome_kind::applied);
    closed = true;
    CHECK(s.push_one(made).kind == outcome_kind::applied);
    CHECK(s.push_one(change_of("m2", "T2", std::nullopt, node_row(1))).kind == outcome_kind::refused);
}

TEST_CASE("push: an id that comes again with other content is refused as reused, and the first effect stands") {
    server s;
    CHECK(s.push_one(change_of("m", "T", std::nullopt, node_row(1))).kind == outcome_kind::applied);
    for (const auto& other : {change_of("m", "T", std::nullopt, node_row(2)), change_of("m", "T2", std::nullopt, node_row(1)),
                              change_of("m", "T", node_row(1), std::nullopt, 1), change_of("m", "T", std::nullopt, node_row(1), 1)}) {
        const outcome o = s.push_one(other);
        CHECK(o.kind == outcome_kind::refused);
        REQUIRE(o.why);
        CHECK(o.why->code == errc::id_reused);
    }
    CHECK(s.row("T") == node_row(1));
    CHECK(!s.row("T2"));
    CHECK(s.receipt_of("m")->outcome == outcome_kind::applied);
}

TEST_CASE("push: the same id twice in a request takes effect once, with other content it is refused") {
    server s;
    const auto outcomes = s.push({change_of("m", "T", std::nullopt, node_row(1)), change_of("m", "T", std::nullopt, node_row(1)),
                                  change_of("m", "T", std::nullopt, node_row(3))});
    CHECK(outcomes[0].kind == outcome_kind::applied);
    CHECK(outcomes[1] == outcomes[0]);
    CHECK(outcomes[2].why->code == errc::id_reused);
    CHECK(s.row("T") == node_row(1));
}

TEST_CASE("push: another principal's ids are its own") {
    server s;
    CHECK(s.push_one(change_of("m", "T", std::nullopt, node_row(1))).kind == outcome_kind::applied);
    s.ann.principal = "ben";
    CHECK(s.push_one(change_of("m", "T2", std::nullopt, node_row(2))).kind == outcome_kind::applied);
    CHECK(s.row("T2") == node_row(2));
}

TEST_CASE("push: offline edits of one record across several pushes never conflict with themselves (W02)") {
    // The resolver would refuse, so that any conflict shows.
    server s{saying(resolution::refuse("no"))};
    record now = node_row(0);
    CHECK(s.push_one(change_of("m0", "T", std::nullopt, now)).clean);
    for (int i = 1; i <= 6; ++i) {
        record next = now;
        next.fields[static_cast<std::size_t>(i % 2)] = value::integer(i);
        // The base stays what the device had when it went offline: nothing at all.
        const outcome o = s.push_one(change_of("m" + std::to_string(i), "T", now, next, 0, "m" + std::to_string(i - 1)));
        CAPTURE(i);
        CHECK(o.kind == outcome_kind::applied);
        CHECK(o.clean);
        CHECK(!o.carries_row);
        now = next;
    }
    CHECK(s.row("T") == now);
}

TEST_CASE("push: what others wrote between two own edits is seen, and the receipt of the merge is not clean") {
    server s;
    CHECK(s.push_one(change_of("m0", "T", std::nullopt, node_row(0))).clean);
    s.write("T", node_row(0, 9));
    const outcome merged = s.push_one(change_of("m1", "T", node_row(0), node_row(1), 0, "m0"));
    CHECK(merged.kind == outcome_kind::applied);
    CHECK(!merged.clean);
    CHECK(merged.carries_row);
    CHECK(merged.row == node_row(1, 9));
    // Still on the old base: the stranger's field is foreign, its own are not.
    const outcome next = s.push_one(change_of("m2", "T", node_row(1), node_row(2), 0, "m1"));
    CHECK(next.kind == outcome_kind::applied);
    CHECK(s.row("T") == node_row(2, 9));
    const outcome lost = s.push_one(change_of("m3", "T", node_row(2), node_row(2, 5), 0, "m2"));
    CHECK(lost.kind == outcome_kind::superseded);
    CHECK(lost.row == node_row(2, 9));
    CHECK(s.row("T") == node_row(2, 9));
}

TEST_CASE("push: where the log no longer reaches, every field counts as changed by others") {
    server s;
    s.write("T", node_row(0));
    s.seal();
    s.write("T", node_row(0, 1));
    s.seal();
    s.write("T2", node_row(0));
    s.seal();
    CHECK(s.push_one(change_of("m1", "T", node_row(0), node_row(1), 1)).kind == outcome_kind::applied);
    REQUIRE(s.engine.prune("main", s.head().seq, s.now));
    // The stranger's change of b is forgotten; only the last one, of a, is still told.
    const outcome o = s.push_one(change_of("m2", "T", node_row(0), node_row(0, 2), 1));
    CHECK(o.kind == outcome_kind::superseded);
    // On the newest version there is nothing to miss.
    CHECK(s.push_one(change_of("m3", "T", node_row(1, 1), node_row(3, 1), s.version_of("T"))).clean);
}

TEST_CASE("push: a change that follows a refused one of its record or parent is held, which is final") {
    bool allowed = false;
    authority_options o;
    o.validate = [&](const proposed_change& p) -> std::optional<rejection> {
        if (allowed || p.key.key != "P") return std::nullopt;
        return rejection{{errc::validation_failed, "not P"}, {{"a", "must not be"}}};
    };
    server s{o};
    const mutation child = change_of("2", "C1", std::nullopt, child_row(1, "P"));
    const auto outcomes = s.push({change_of("1", "P", std::nullopt, node_row(1)), child, change_of("3", "P", node_row(1), node_row(2), 0, "1"),
                                  change_of("4", "T", std::nullopt, node_row(4))});
    CHECK(outcomes[0].kind == outcome_kind::refused);
    CHECK(outcomes[0].why->code == errc::validation_failed);
    REQUIRE(outcomes[0].messages.size() == 1);
    CHECK(outcomes[0].messages.front().field == "a");
    CHECK(outcomes[1].kind == outcome_kind::held);
    CHECK(outcomes[1].why->code == errc::held);
    CHECK(outcomes[2].kind == outcome_kind::held);
    CHECK(outcomes[3].kind == outcome_kind::applied);

    allowed = true;
    CHECK(s.push_one(child).kind == outcome_kind::held);
    CHECK(s.receipt_of("2")->outcome == outcome_kind::held);
    CHECK(s.push({change_of("5", "P", std::nullopt, node_row(1)), change_of("6", "C1", std::nullopt, child_row(1, "P"))})[1].kind ==
          outcome_kind::applied);
}

TEST_CASE("push: a transient fault leaves no receipt and holds back what follows it, as errors too (W06, W07)") {
    bool down = true;
    const bool in_mapper = GENERATE(true, false);
    // A bug of the host decides nothing about the change either: once it is mended, the change goes through.
    const errc code = GENERATE(errc::unavailable, errc::internal, errc::corrupt, errc::bug);
    authority_options o;
    const auto fails = [&](const record_key& key) -> std::optional<rejection> {
        if (down && key.key == "P") return rejection{{code, "the directory is down"}, {}};
        return std::nullopt;
    };
    if (in_mapper)
        o.mapper = [&](const caller&, mutation& m) { return fails(m.what.key); };
    else
        o.validate = [&](const proposed_change& p) { return fails(p.key); };
    server s{o};
    const std::vector<mutation> sent{change_of("1", "P", std::nullopt, node_row(1)), change_of("2", "C1", std::nullopt, child_row(1, "P")),
                                     change_of("3", "P", node_row(1), node_row(2), 0, "1"), change_of("4", "T", std::nullopt, node_row(4))};
    auto outcomes = s.push(sent);
    for (const std::size_t i : {0u, 1u, 2u}) CHECK(outcomes[i].kind == outcome_kind::error);
    CHECK(outcomes[3].kind == outcome_kind::applied);
    CHECK(!s.receipt_of("1"));
    CHECK(!s.receipt_of("2"));
    down = false;
    outcomes = s.push(sent);
    for (const auto& each : outcomes) CHECK(each.kind == outcome_kind::applied);
    CHECK(s.row("P") == node_row(2));
}

TEST_CASE("push: a row that the table refuses is refused by the constraint's name, and its neighbours go through") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    server s{{}, tables};
    const auto outcomes = s.push({change_of("1", "T", std::nullopt, node_row(7)), change_of("2", "T2", std::nullopt, node_row(7)),
                                  change_of("3", "P", std::nullopt, node_row(8))});
    CHECK(outcomes[0].kind == outcome_kind::applied);
    CHECK(outcomes[1].kind == outcome_kind::refused);
    CHECK(outcomes[1].why->code == errc::constraint);
    CHECK(outcomes[1].why->detail.find("node.a") != std::string::npos);
    CHECK(outcomes[2].kind == outcome_kind::applied);
    CHECK(s.head().seq == 1);
}

TEST_CASE("push: a unique value changes hands within a request, though erases run after writes") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    authority_options o;
    int mapped = 0;
    o.mapper = [&](const caller&, mutation& m) -> std::optional<rejection> {
        ++mapped;
        if (m.id == "take") m.what.changes.set(field_b, value::text("mapped"));
        return std::nullopt;
    };
    server s{std::move(o), tables};
    s.write("P", node_row(7));
    s.write("T", node_row(8));
    s.seal();
    const std::vector<mutation> sent{change_of("take", "A", std::nullopt, node_row(7)),       // had by P
                                     change_of("child", "C1", std::nullopt, child_row(1, "A")),  // refers to what is put off
                                     change_of("again", "A", node_row(7), node_row(8)),       // had by T
                                     change_of("gone", "P", node_row(7), std::nullopt, 1), change_of("gone too", "T", node_row(8), std::nullopt, 1),
                                     change_of("vain", "B", std::nullopt, node_row(8))};      // A has it by then
    const auto outcomes = s.push(sent);
    for (std::size_t i = 0; i < 5; ++i) {
        CAPTURE(sent[i].id);
        CHECK(outcomes[i].id == sent[i].id);
        CHECK(outcomes[i].kind == outcome_kind::applied);
    }
    CHECK(outcomes[5].kind == outcome_kind::refused);
    CHECK(outcomes[5].why->code == errc::constraint);
    CHECK(mapped == 6);
    CHECK(s.row("A")->fields[field_a] == value::integer(8));
    CHECK(s.row("A")->fields[field_b] == value::text("mapped"));
    CHECK_FALSE(s.row("P"));
    CHECK_FALSE(s.row("T"));
    for (const auto& o2 : s.push(sent)) CHECK(o2.repeated);
}

TEST_CASE("push: what follows a change that is put off waits with it, also where the mapper would refuse it") {
    memory_table_options tables;
    tables.unique = {{node_model, field_a}};
    authority_options o;
    o.mapper = [](const caller&, mutation& m) -> std::optional<rejection> {
        if (m.id == "second") return rejection{{errc::forbidden, "not this one"}, {}};
        return std::nullopt;
    };
    server s{std::move(o), tables};
    s.write("P", node_row(7));
    s.seal();
    const auto outcomes = s.push({change_of("first", "A", std::nullopt, node_row(7)), change_of("second", "A", node_row(7), node_row(9)),
                                  change_of("gone", "P", node_row(7), std::nullopt, 1)});
    CHECK(outcomes[0].kind == outcome_kind::applied);
    CHECK(outcomes[1].kind == outcome_kind::refused);
    CHECK(outcomes[2].kind == outcome_kind::applied);
    CHECK(s.row("A") == node_row(7));
}

TEST_CASE("push: a row that refers to nothing is refused, and what it refers to is named") {
    server s;
    const outcome o = s.push_one(change_of("1", "C1", std::nullopt, child_row(1, "nowhere")));
    CHECK(o.kind == outcome_kind::refused);
    CHECK(o.why->code == errc::constraint);
    CHECK(o.why->detail.find("`node`") != std::string::npos);
}

TEST_CASE("push: what the mapper makes of a mutation is what counts, also for what it refers to") {
    authority_options o;
    o.mapper = [](const caller&, mutation& m) -> std::optional<rejection> {
        if (m.what.key.model == child_model && m.what.op != operation::erase) m.what.changes.set(5, value::text("P"));
        return std::nullopt;
    };
    server s{o};
    s.write("P", node_row(1));
    const mutation sent = change_of("1", "C1", std::nullopt, child_row(1, "elsewhere"));
    CHECK(s.push_one(sent).kind == outcome_kind::applied);
    CHECK(s.row("C1") == child_row(1, "P"));
    // The hash is of what was sent, not of what became of it.
    CHECK(s.push_one(sent).kind == outcome_kind::applied);
}

TEST_CASE("push: an erase that would take along a live record is a conflict, whatever its base (rule 5)") {
    const auto cascade = [](resolution said, std::vector<mutation> sent) {
        int asked = 0;
        server s{with_resolver([&](const conflict& c, const resolver_context&) {
            ++asked;
            CHECK(c.cascade);
            CHECK(c.client_op == operation::erase);
            CHECK(c.client == nullptr);
            CHECK(c.server != nullptr);
            return said;
        })};
        s.write("P", node_row(1));
        s.write("C1", child_row(1, "P"));
        s.seal();
        const auto outcomes = s.push(std::move(sent));
        return std::tuple{outcomes.front(), s.row("P").has_value(), s.row("C1").has_value(), asked};
    };
    const mutation erase = change_of("1", "P", node_row(1), std::nullopt, 1);

    auto [server_wins, p1, c1, asked1] = cascade(resolution::take_server(), {erase});
    CHECK(server_wins.kind == outcome_kind::superseded);
    CHECK(server_wins.row == node_row(1));
    CHECK((p1 && c1));
    auto [client_wins, p2, c2, asked2] = cascade(resolution::take_client(), {erase});
    CHECK(client_wins.kind == outcome_kind::applied);
    CHECK(!client_wins.clean);
    CHECK((!p2 && !c2));
    for (const auto& said : {resolution::refuse("keep them"), resolution::defer()}) {
        auto [refused, p3, c3, asked3] = cascade(said, {erase});
        CHECK(refused.kind == outcome_kind::refused);
        CHECK(refused.why->code == errc::conflict);
        CHECK((p3 && c3));
    }
    // Erasing the child in the same request is no conflict at all.
    auto [both, p4, c4, asked4] = cascade(resolution::refuse("no"), {erase, change_of("2", "C1", child_row(1, "P"), std::nullopt, 1)});
    CHECK(both.kind == outcome_kind::applied);
    CHECK((!p4 && !c4 && asked4 == 0));
}

TEST_CASE("push: the effects of an own cascade are delivered as changes of the same bundle") {
    server s{saying(resolution::take_client())};
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.seal();
    (void)s.push({change_of("1", "P", node_row(1), std::nullopt, 1)});
    const auto rows = s.pull(0).rows;
    REQUIRE(rows.size() == 2);
    for (const auto& r : rows) {
        CHECK(!r.row);
        CHECK(r.version == 2);
    }
}

TEST_CASE("push: outcomes describe the record as it is after the whole request") {
    server s;
    s.write("T", node_row(0));
    s.seal();
    s.write("T", node_row(0, 7));
    const auto outcomes = s.push({change_of("1", "T", node_row(0), node_row(1), 1), change_of("2", "T", node_row(1), node_row(2), 1, "1")});
    CHECK(outcomes[0].row == node_row(2, 7));
    CHECK(outcomes[0].version == outcomes[1].version);
    CHECK(outcomes[1].version == s.version_of("T"));
}

TEST_CASE("push: an erase of a dead record is applied before any resolver, a create on a dead key is no conflict (rule 10)") {
    server s{saying(resolution::refuse("never"))};
    s.write("T", node_row(1));
    s.seal();
    s.erase("T");
    const outcome erased = s.push_one(change_of("1", "T", node_row(1), std::nullopt, 1));
    CHECK(erased.kind == outcome_kind::applied);
    CHECK(erased.carries_row);
    CHECK(!erased.row);
    CHECK(s.push_one(change_of("2", "T", std::nullopt, node_row(5), 0)).kind == outcome_kind::applied);
    CHECK(s.row("T") == node_row(5));
    // An update of a dead record asks, and so does a create on a live one.
    s.erase("T");
    CHECK(s.push_one(change_of("3", "T", node_row(5), node_row(6), 3)).kind == outcome_kind::refused);
    s.write("T", node_row(9));
    CHECK(s.push_one(change_of("4", "T", std::nullopt, node_row(6), 0)).kind == outcome_kind::refused);
    CHECK(s.row("T") == node_row(9));
}

TEST_CASE("push: a refused change tells the record as the server has it, and a repeated answer as it is by then") {
    server s{saying(resolution::defer())};
    s.write("T", node_row(0));
    s.seal();
    s.write("T", node_row(5));
    const mutation made = change_of("1", "T", node_row(0), node_row(1), 1);
    const outcome refused = s.push_one(made);
    CHECK(refused.kind == outcome_kind::refused);
    CHECK(refused.carries_row);
    CHECK(refused.row == node_row(5));
    s.write("T", node_row(6));
    const outcome again = s.push_one(made);
    CHECK(again.kind == outcome_kind::refused);
    CHECK(again.row == node_row(6));
    CHECK(again.version == s.version_of("T"));
}

TEST_CASE("push: a device's clock cannot make its change younger than now") {
    timestamp seen{};
    server s{with_resolver([&](const conflict& c, const resolver_context&) {
        seen = c.client_time;
        return resolution::take_client();
    })};
    s.write("T", node_row(0));
    s.seal();
    s.write("T", node_row(5));
    s.seal();
    s.now = at(5000);
    mutation made = change_of("1", "T", node_row(0), node_row(1), 1);
    made.what.edited_at = at(999'999'999);
    (void)s.push_one(made);
    CHECK(seen == s.now);
    CHECK(s.sealed("T")->written_at == s.now);
}

TEST_CASE("push: a change is believed as far ahead of the authority's clock as the drift allows, and no further") {
    for (const std::int64_t claimed : {4000, 5000, 5100, 5200, 999'999}) {
        CAPTURE(claimed);
        timestamp seen{};
        authority_options options = with_resolver([&](const conflict& c, const resolver_context&) {
            seen = c.client_time;
            return resolution::take_client();
        });
        options.max_clock_drift = duration{200};
        server s{std::move(options)};
        s.write("T", node_row(0));
        s.seal();
        s.write("T", node_row(5));
        s.seal();
        s.now = at(5000);
        mutation made = change_of("1", "T", node_row(0), node_row(1), 1);
        made.what.edited_at = at(claimed);
        (void)s.push_one(made);
        CHECK(seen == at((std::min<std::int64_t>)(claimed, 5200)));
        CHECK(s.sealed("T")->written_at == seen);
    }
}

TEST_CASE("push: the times of a record's versions rise, whoever writes it and whatever the clock does") {
    server s;
    s.write("T", node_row(0));
    s.seal();
    CHECK(s.sealed("T")->written_at == at(1000));
    s.now = at(10);
    s.write("T", node_row(1));
    s.seal();
    CHECK(s.sealed("T")->written_at == at(1001));
    mutation made = change_of("1", "T", node_row(1), node_row(2), 2);
    made.what.edited_at = at(7);
    (void)s.push_one(made);
    CHECK(s.sealed("T")->written_at == at(1002));
    // One that says that it came after what it had seen keeps its place, but no more than that.
    made = change_of("2", "T", node_row(2), node_row(3), 3);
    made.what.edited_at = at(999'999);
    const auto answered = lab_must(s.engine.push(s.ann, {made}, s.now));
    CHECK(s.sealed("T")->written_at == at(1003));
    CHECK(answered.newest_write == at(1003));
}

TEST_CASE("push: what was made after seeing a row is later than it for last_write_wins, though the clock has gone back") {
    for (const std::int64_t claimed : {999, 1001, 1002, 5000}) {
        CAPTURE(claimed);
        server s{with_resolver(resolvers::last_write_wins{})};
        s.write("T", node_row(0));
        s.seal();
        s.write("T", node_row(5));
        s.seal();
        REQUIRE(s.sealed("T")->written_at == at(1001));
        s.now = at(20);
        mutation made = change_of("1", "T", node_row(0), node_row(1), 1);
        made.what.edited_at = at(claimed);
        CHECK(s.push_one(made).kind == (claimed > 1001 ? outcome_kind::applied : outcome_kind::superseded));
    }
}

TEST_CASE("push: against a base of a timeline that a restore undid every field counts as changed by others") {
    server s;
    s.write("T", node_row(1, 1));
    s.seal();
    lab_must(s.engine.begin_incarnation("second", s.now));
    const auto lost = s.head().lost.front();
    const auto outcome = s.push_one(change_of("m1", "T", node_row(1, 1), node_row(9, 1), lost.after_seq + 1));
    CHECK(outcome.kind == outcome_kind::superseded);
    CHECK(s.row("T") == node_row(1, 1));
    CHECK(s.push_one(change_of("m2", "T", node_row(1, 1), node_row(9, 1), lost.after_seq)).kind == outcome_kind::applied);
}

TEST_CASE("push: a field that was changed unseen meets what stands there, whatever its base, and the others do not") {
    server s;
    s.write("T", node_row(1, 2));
    s.seal();
    mutation made = change_of("m", "T", node_row(1, 0), node_row(5, 6), 1);
    made.what.unseen.insert(field_b);
    const outcome met = s.push_one(made);
    CHECK(met.kind == outcome_kind::applied);
    CHECK_FALSE(met.clean);
    CHECK(s.row("T") == node_row(5, 2));
    // What was not seen and not changed meets nothing.
    mutation other = change_of("m2", "T", node_row(5, 0), node_row(7, 0), met.version);
    other.what.unseen.insert(field_b);
    CHECK(s.push_one(other).clean);
    CHECK(s.row("T") == node_row(7, 2));
}

}  // namespace push_decider_test
