// The weak points of the sheet `mutation` (section 13) that a real Laravel Tether v1.0.0 client meets at a server: what it loses at the
// original, and does not lose at ours (ENGINE.md rule 9).

#include "wire/mutation/legacy_world.hpp"

#include "simulation/sqlite_lab.hpp"

#include <initializer_list>
#include <string>
#include <vector>

namespace legacy_weaknesses_test {

using namespace legacy_tests;
using simulation::sqlite_lab;

TEMPLATE_TEST_CASE("legacy W01: edits of different fields both survive, whoever is stale", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    auto bob = tether_client("bob");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(bob.sync(w.line("bob")));
    ann.update("node", "T", {{"a", "2"}});
    bob.update("node", "T", {{"b", "3"}});
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(bob.sync(w.line("bob")));
    CHECK(w.a("T") == 2);
    CHECK(w.b("T") == 3);
    CHECK(bob.count("synced") == 1);
    CHECK(seen(bob, "T", "a") == "2");
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(seen(ann, "T", "b") == "3");
}

TEMPLATE_TEST_CASE("legacy W01: where the same field was edited the server decides and tells; the other field survives", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    auto bob = tether_client("bob");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(bob.sync(w.line("bob")));
    ann.update("node", "T", {{"a", "2"}});
    bob.update("node", "T", {{"a", "4"}, {"b", "3"}});
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(bob.sync(w.line("bob")));
    CHECK(w.a("T") == 2);
    CHECK(w.b("T") == 3);
    CHECK(seen(bob, "T", "a") == "2");
    // All of it overlaps: a conflict, with the server's row.
    bob.update("node", "T", {{"b", "5"}});
    ann.update("node", "T", {{"b", "6"}});
    REQUIRE(bob.sync(w.line("bob")));
    REQUIRE(ann.push(w.line("ann")));
    CHECK(ann.count("conflict") == 1);
    CHECK(seen(ann, "T", "b") == "5");
    CHECK(w.b("T") == 5);
}

TEMPLATE_TEST_CASE("legacy W02: offline edits of one record do not conflict with themselves and end in the last", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    for (const std::size_t batch : {1U, 2U, 100U}) {
        legacy_world<TestType> w;
        auto ann = tether_client("ann");
        auto bob = tether_client("bob");
        ann.batch = batch;
        w.write("T", 1, 1);
        REQUIRE(ann.sync(w.line("ann")));
        for (int i = 2; i <= 6; ++i) ann.update("node", "T", {{i % 2 == 0 ? "a" : "b", number(i)}});
        ann.create("node", "N", node(1));
        for (int i = 2; i <= 4; ++i) ann.update("node", "N", {{"a", number(i)}});
        REQUIRE(ann.sync(w.line("ann")));
        INFO("batch " << batch);
        CHECK(ann.count("synced") == ann.entries().size());
        CHECK(w.a("T") == 6);
        CHECK(w.b("T") == 5);
        CHECK(w.a("N") == 4);
        REQUIRE(bob.sync(w.line("bob")));
        CHECK(seen(bob, "T", "a") == "6");
        CHECK(seen(bob, "N", "a") == "4");
        // And the next ones, with nothing pulled in between.
        ann.update("node", "N", {{"a", "7"}});
        REQUIRE(ann.push(w.line("ann")));
        ann.update("node", "N", {{"a", "8"}});
        REQUIRE(ann.push(w.line("ann")));
        CHECK(w.a("N") == 8);
        CHECK(ann.count("conflict") == 0);
    }
}

TEMPLATE_TEST_CASE("legacy W03 W04 W05: no clock of a client decides anything", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    std::vector<std::string> ends;
    for (const std::int64_t skew : {std::int64_t{0}, std::int64_t{3'600'000}, std::int64_t{-3'600'000}, std::int64_t{-1'700'000'000'000}, std::int64_t{1} << 52}) {
        legacy_world<TestType> w;
        auto ann = tether_client("ann");
        auto bob = tether_client("bob");
        ann.clock += skew;
        w.write("T", 1, 1);
        REQUIRE(ann.sync(w.line("ann")));
        REQUIRE(bob.sync(w.line("bob")));
        bob.update("node", "T", {{"a", "2"}});
        ann.update("node", "T", {{"a", "3"}});
        ann.update("node", "T", {{"b", "4"}});
        REQUIRE(bob.sync(w.line("bob")));
        REQUIRE(ann.sync(w.line("ann")));
        ann.update("node", "T", {{"a", "9"}});
        REQUIRE(ann.sync(w.line("ann")));
        // Made after the server's answer, as the user knows; before it, as far as the server can tell: given up once more, and then no longer.
        ann.update("node", "T", {{"a", "9"}});
        REQUIRE(ann.sync(w.line("ann")));
        std::string end = number(w.a("T")) + " " + number(w.b("T"));
        for (const auto& e : ann.entries()) end.append(" ").append(e.status);
        ends.push_back(end);
    }
    for (const auto& end : ends) CHECK(end == ends.front());
    CHECK(ends.front() == "9 4 conflict synced conflict synced");
}

TEMPLATE_TEST_CASE("legacy W06: a retry does not put an old row over a newer one", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    ann.batch = GENERATE(std::size_t{1}, std::size_t{100});
    w.write("T", 1, 1);
    w.write("T2", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    ann.update("node", "T", {{"a", "2"}});
    ann.update("node", "T", {{"b", "2"}});
    ann.update("node", "T2", {{"a", "2"}});
    w.fail_for_now(1);
    REQUIRE(ann.push(w.line("ann")));
    // The first is left out, and the second waits behind it; nothing else does.
    CHECK(w.a("T") == 1);
    CHECK(w.b("T") == 1);
    CHECK(w.a("T2") == 2);
    CHECK(ann.count("pending") == 2);
    CHECK(ann.count("failed") == 0);
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(w.a("T") == 2);
    CHECK(w.b("T") == 2);
    CHECK(ann.count("synced") == 3);
    CHECK(seen(ann, "T", "a") == "2");
    CHECK(seen(ann, "T", "b") == "2");
}

TEMPLATE_TEST_CASE("legacy W07: a create that fails for now loses none of the changes after it, nor its children's", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    ann.batch = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{100});
    ann.create("node", "P", node(1));
    ann.update("node", "P", {{"a", "2"}});
    ann.create("child", "C1", child(1, "P"));
    ann.update("child", "C1", {{"a", "2"}});
    w.fail_for_now(1);
    REQUIRE(ann.sync(w.line("ann")));
    CHECK_FALSE(w.at("P"));
    CHECK_FALSE(w.at("C1"));
    CHECK(ann.count("pending") == 4);
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(ann.count("synced") == 4);
    CHECK(w.a("P") == 2);
    CHECK(w.a("C1") == 2);
    CHECK(seen(ann, "P", "a") == "2");
}

TEMPLATE_TEST_CASE("legacy W07: what was left out was made on what the client had seen then", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(ann.sync(w.line("ann")));
    ann.update("node", "T", {{"a", "2"}, {"b", "2"}, {"n", "1"}, {"m", "1"}});
    ann.update("node", "T", {{"a", "3"}, {"b", "3"}, {"n", "2"}, {"m", "2"}});
    w.fail_for_now(1);
    REQUIRE(ann.push(w.line("ann")));
    w.write("T", 7, 7);
    REQUIRE(ann.pull(w.line("ann")));
    REQUIRE(ann.push(w.line("ann")));
    // It comes after a pull that brought the 7, and was made before.
    CHECK(w.a("T") == 7);
    CHECK(w.b("T") == 7);
    CHECK(ann.count("pending") == 0);
}

TEMPLATE_TEST_CASE("legacy W10 W11: what is committed late is behind nobody's cursor, at every page size", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    for (const std::size_t page : {0U, 1U, 2U, 3U, 7U}) {
        legacy_world<TestType> w;
        auto ann = tether_client("ann");
        ann.page = page;
        for (int i = 0; i < 6; ++i) w.write("T" + number(i), i, i);
        REQUIRE(ann.sync(w.line("ann")));
        CHECK(ann.rows().size() == 6);
        w.write("X", 1, 1);
        REQUIRE(ann.sync(w.line("ann")));
        // In the past by the server's clock, and after everything in commit order.
        w.now -= std::chrono::hours{24};
        w.write("Y", 2, 2);
        REQUIRE(ann.sync(w.line("ann")));
        INFO("page " << page);
        CHECK(seen(ann, "X", "a") == "1");
        CHECK(seen(ann, "Y", "a") == "2");
        const auto cursor = ann.cursor();
        REQUIRE(ann.sync(w.line("ann")));
        CHECK(ann.cursor() == cursor);
    }
}

TEMPLATE_TEST_CASE("legacy W14 W19: deletes arrive, and to delete what is deleted is no failure", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    auto bob = tether_client("bob");
    w.write("T", 1, 1);
    w.write("T2", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(bob.sync(w.line("bob")));
    ann.erase("node", "T");
    bob.erase("node", "T");
    w.erase("T2");
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(bob.sync(w.line("bob")));
    CHECK_FALSE(w.at("T"));
    CHECK(bob.count("synced") == 1);
    CHECK(seen(bob, "T2", "a") == "gone");
    // A create on a dead key takes what is there.
    bob.create("node", "T", node(5));
    REQUIRE(bob.sync(w.line("bob")));
    CHECK(bob.count("synced") == 2);
    CHECK(w.a("T") == 5);
    // An edit of what is gone is a conflict with an empty state, and the row goes.
    w.write("T3", 1, 1);
    REQUIRE(bob.sync(w.line("bob")));
    w.erase("T3");
    bob.update("node", "T3", {{"a", "2"}});
    REQUIRE(bob.sync(w.line("bob")));
    CHECK(bob.count("conflict") == 1);
    CHECK(seen(bob, "T3", "a") == "gone");
}

TEMPLATE_TEST_CASE("legacy: a delete is not done over what the user never saw, and what it took along comes back", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("P", 1, 1);
    w.write_child("C1", 1, "P");
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(ann.sync(w.line("ann")));
    if (GENERATE(false, true))
        w.write("P", 2, 2);
    else
        w.write_child("C2", 5, "P");
    ann.erase("node", "P");
    CHECK(ann.rows().empty());
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(w.at("P"));
    CHECK(w.at("C1"));
    CHECK(ann.count("conflict") == 1);
    CHECK(seen(ann, "P", "a") == number(w.a("P")));
    CHECK(seen(ann, "C1", "a") == "1");
    // With all of it seen it goes, children included: the client's database took them along. Seen is what had been delivered when the run of
    // pushes before this one began, since an entry may be as old as that.
    ann.erase("node", "P");
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(w.at("P"));
    REQUIRE(ann.row("node", "P"));
    ann.erase("node", "P");
    REQUIRE(ann.sync(w.line("ann")));
    CHECK_FALSE(w.at("P"));
    CHECK_FALSE(w.at("C1"));
    CHECK(ann.count("synced") == 1);
}

TEMPLATE_TEST_CASE("legacy: parent and child that the client made itself go with one delete, pulled or not", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    ann.create("node", "P", node(1));
    ann.create("child", "C1", child(1, "P"));
    const bool apart = GENERATE(false, true);
    if (apart) REQUIRE(ann.push(w.line("ann")));
    ann.erase("node", "P");
    REQUIRE(ann.push(w.line("ann")));
    CHECK(ann.count("synced") == 3);
    CHECK_FALSE(w.at("P"));
    CHECK_FALSE(w.at("C1"));
}

TEMPLATE_TEST_CASE("legacy: a create on a key that exists is a conflict, whatever the clocks say", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("T", 1, 1);
    ann.create("node", "T", node(2, 1));
    REQUIRE(ann.push(w.line("ann")));
    CHECK(ann.count("conflict") == 1);
    CHECK(w.a("T") == 1);
    CHECK(seen(ann, "T", "a") == "1");
    auto bob = tether_client("bob");
    bob.create("node", "T", node(1, 1));
    REQUIRE(bob.push(w.line("bob")));
    CHECK(bob.count("synced") == 1);  // it is what stands there
}

TEMPLATE_TEST_CASE("legacy W21 W22: a mutation that cannot be read is refused alone", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    ann.create("node", "", node(1));
    ann.create("node", "T", node(2));
    ann.create("planet", "X", node(3));
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(ann.entries()[0].status == "failed");
    CHECK(ann.entries()[0].reason == "validation_failed");
    CHECK(ann.entries()[1].status == "synced");
    CHECK(ann.entries()[2].reason == "error");
    CHECK(w.a("T") == 2);
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(ann.count("failed") == 2);
}

TEMPLATE_TEST_CASE("legacy W33: a lost answer costs nothing, and a retry is no conflict with itself", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    ann.update("node", "T", {{"a", "2"}});
    REQUIRE_FALSE(ann.push([&](const request& r) {
        (void)w.handle(r, "ann");
        return std::optional<response>{};
    }));
    CHECK(w.a("T") == 2);
    CHECK(ann.count("pending") == 1);
    ann.update("node", "T", {{"b", "2"}});
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(ann.count("synced") == 2);
    CHECK(w.a("T") == 2);
    CHECK(w.b("T") == 2);
}

TEMPLATE_TEST_CASE("legacy: a refusal by the host's rules is final, and the client gets the row as it is", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    w.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.after != nullptr && c.after->fields[0] == value::integer(13)) return rejection{wait_reason{errc::validation_failed, "no"}, {{"a", "unlucky"}}};
        return std::nullopt;
    };
    ann.update("node", "T", {{"a", "13"}});
    REQUIRE(ann.push(w.line("ann")));
    CHECK(ann.entries()[0].status == "failed");
    CHECK(ann.entries()[0].reason == "validation_failed");
    // The next change of the record carries it again, and is refused again: it has not become part of the row by being refused.
    ann.update("node", "T", {{"b", "2"}});
    REQUIRE(ann.push(w.line("ann")));
    CHECK(ann.entries()[1].status == "failed");
    CHECK(w.a("T") == 1);
    REQUIRE(ann.pull(w.line("ann")));
    CHECK(seen(ann, "T", "a") == "1");
    CHECK(seen(ann, "T", "b") == "1");
}

TEMPLATE_TEST_CASE("legacy: a client id that changes keeps what is remembered, where it can be told whose it was", "[wire]", memory_lab, sqlite_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    ann.update("node", "T", {{"a", "2"}});
    REQUIRE(ann.push(w.line("ann")));
    const bool other_device = GENERATE(false, true);
    if (other_device) {
        auto second = tether_client("second");
        REQUIRE(second.sync(w.line("ann")));
    }
    SECTION("it shows in a push, by the numbers of its mutations") {
        ann.client_id = "new";
        ann.update("node", "T", {{"a", "3"}});
        REQUIRE(ann.push(w.line("ann")));
    }
    SECTION("it shows in a pull, by the cursor") {
        if (other_device) REQUIRE(ann.pull(w.line("ann")));
        ann.client_id = "new";
        REQUIRE(ann.pull(w.line("ann")));
        ann.update("node", "T", {{"a", "3"}});
        REQUIRE(ann.push(w.line("ann")));
    }
    CHECK(w.a("T") == 3);
    CHECK(ann.count("conflict") == 0);
}

TEMPLATE_TEST_CASE("legacy: a client that nothing is known of has seen nothing", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    w.write("T", 5, 1);
    ann.client_id = "new";
    ann.update("node", "T", {{"a", "3"}});
    REQUIRE(ann.push(w.line("somebody else")));
    CHECK(ann.count("conflict") == 1);
    CHECK(w.a("T") == 5);
}

TEMPLATE_TEST_CASE("legacy: the history that a base needs is gone: a conflict, never an overwriting", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    REQUIRE(ann.sync(w.line("ann")));
    for (int i = 2; i < 6; ++i) {
        w.write("T", i, 1);
        lab_must(w.engine->seal_foreign("main", w.now));
    }
    const auto head = lab_must(w.engine->head("main"));
    const bool pruned = GENERATE(false, true);
    if (pruned) lab_must(w.engine->prune("main", head.seq, w.now));
    ann.update("node", "T", {{"b", "9"}});
    REQUIRE(ann.push(w.line("ann")));
    CHECK(w.a("T") == 5);
    CHECK(w.b("T") == (pruned ? 1 : 9));
    CHECK(ann.count(pruned ? "conflict" : "synced") == 1);
    // What it missed can no longer be told either: a typed 409, which the real client shows as an exception.
    const auto answer = w.handle(request{http_method::post, "/tether/pull", {}, R"({"client_id":"ann","last_sync_cursor":)" + ann.cursor() + "}"}, "ann");
    CHECK(answer.status == (pruned ? 409 : 200));
}

TEMPLATE_TEST_CASE("legacy: a Syncline device beside it loses nothing to it, and the other way round", "[wire]", memory_lab, sqlite_lab, scoped_lab) {
    legacy_world<TestType> w;
    auto ann = tether_client("ann");
    syncline_device<TestType> dev{w, "dev"};
    w.write("T", 1, 1);
    REQUIRE(ann.sync(w.line("ann")));
    (void)dev.sync();
    dev.set("T", 0, 2);
    ann.update("node", "T", {{"b", "3"}});
    REQUIRE(ann.sync(w.line("ann")));
    (void)dev.sync();
    CHECK(w.a("T") == 2);
    CHECK(w.b("T") == 3);
    CHECK(dev.at("T")->fields[1] == value::integer(3));
    REQUIRE(ann.sync(w.line("ann")));
    CHECK(seen(ann, "T", "a") == "2");
    // A row that is only delivered again is a change to nobody.
    dev.set("T", 1, 8);
    ann.update("node", "T", {{"a", "2"}});
    ann.erase("node", "T");
    w.write("T", 2, 3);
    REQUIRE(ann.push(w.line("ann")));
    (void)dev.sync();
    CHECK((!w.at("T") || w.b("T") == 8));
}

}  // namespace legacy_weaknesses_test
