// Clients of Laravel Tether v1.0.0 in a tenant with buckets: they see what they are granted, and what they had seen is remembered as elsewhere.

#include "wire/mutation/legacy_world.hpp"

#include "simulation/sqlite_lab.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace legacy_scopes_test {

using namespace legacy_tests;
using simulation::sqlite_lab;

namespace {

// Nodes and children lie in the bucket that their field n names.
template <class Lab>
struct house {
    std::shared_ptr<std::map<std::string, label_set>> grants =
        std::make_shared<std::map<std::string, label_set>>(std::map<std::string, label_set>{{"ann", {"g0", "g1"}}, {"ben", {"g0"}}});
    legacy_world<Lab> w{resolver_set{}, {}, rules(grants)};

    static scope_rules rules(std::shared_ptr<std::map<std::string, label_set>> grants) {
        return scopes_by_n([grants](const std::string& who) { return (*grants)[who]; });
    }
};

}  // namespace

TEMPLATE_TEST_CASE("legacy scopes: a client's own edits go through, of what it made and of what it pulled", "[wire]", memory_lab, sqlite_lab) {
    house<TestType> h;
    auto& w = h.w;
    w.write("N1", 1, 1);
    auto c = tether_client("c");
    CHECK(c.sync(w.line("ann")));
    CHECK(seen(c, "N1", "a") == "1");
    c.update("node", "N1", {{"a", "2"}});
    c.create("node", "N2", node(5));
    c.update("node", "N2", {{"a", "6"}});
    tether::sync_counts counts;
    CHECK(c.sync(w.line("ann"), &counts));
    CHECK(counts.conflicts == 0);
    CHECK(w.a("N1") == 2);
    CHECK(w.a("N2") == 6);
    c.update("node", "N2", {{"b", "7"}});
    CHECK(c.sync(w.line("ann")));
    CHECK(w.b("N2") == 7);
}

TEMPLATE_TEST_CASE("legacy scopes: what a grant brings may be edited, at every page size, and what it takes is gone", "[wire]", memory_lab, sqlite_lab) {
    for (const std::size_t page : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        house<TestType> h;
        auto& w = h.w;
        auto c = tether_client("c");
        c.page = page;
        for (const char* key : {"N1", "N2", "N3"}) w.write_in(key, 1, 1, 1);
        CHECK(c.sync(w.line("ben")));
        CHECK(c.rows().empty());
        w.write_in("N2", 4, 1, 1);
        (*h.grants)["ben"] = {"g0", "g1"};
        CHECK(c.sync(w.line("ben")));
        CHECK(c.rows().size() == 3);
        for (const char* key : {"N1", "N2", "N3"}) c.update("node", key, {{"b", "9"}});
        w.write_in("N3", 7, 1, 1);
        tether::sync_counts counts;
        CHECK(c.sync(w.line("ben"), &counts));
        CHECK(counts.conflicts == 0);
        CHECK(seen(c, "N3", "a") == "7");
        for (const char* key : {"N1", "N2", "N3"}) CHECK(w.b(key) == 9);
        CHECK(w.a("N2") == 4);
        (*h.grants)["ben"] = {"g0"};
        CHECK(c.sync(w.line("ben")));
        CHECK(c.rows().empty());
    }
}

TEMPLATE_TEST_CASE("legacy scopes: an edit of a record that left the view changes nothing, not even its place in the order", "[wire]", memory_lab, sqlite_lab) {
    house<TestType> h;
    auto& w = h.w;
    auto c = tether_client("c");
    w.write_in("N1", 1, 1, 1);
    CHECK(c.sync(w.line("ann")));
    w.write_in("N1", 2, 1, 2);
    lab_must(w.engine->seal_foreign("main", w.now));
    const auto head = lab_must(w.engine->head("main"));
    c.update("node", "N1", {{"a", "5"}});
    tether::sync_counts counts;
    CHECK(c.push(w.line("ann"), &counts));
    CHECK(counts.failed == 1);
    CHECK(c.entries().back().reason == "not_found");
    CHECK(w.a("N1") == 2);
    CHECK(lab_must(w.engine->head("main")).stamp == head.stamp);
    CHECK(c.pull(w.line("ann")));
    CHECK(seen(c, "N1", "a") == "gone");
}

TEST_CASE("legacy scopes: a row that names a parent which the user left as it was is judged by what was edited", "[wire]") {
    house<memory_lab> h;
    auto& w = h.w;
    auto c = tether_client("c");
    w.write_in("N1", 1, 1, 1);
    w.write_in("N2", 1, 1, 1);
    w.write_in("N3", 1, 1, 2);
    w.write_child("C1", 1, "N1");
    CHECK(c.sync(w.line("ann")));
    CHECK(seen(c, "C1", "a") == "1");
    w.write_child("C1", 1, "N2");
    w.write_in("N1", 1, 1, 2);
    c.update("child", "C1", {{"b", "6"}});
    tether::sync_counts counts;
    CHECK(c.push(w.line("ann"), &counts));
    INFO(c.entries().back().reason);
    CHECK(counts.failed == 0);
    CHECK(w.b("C1") == 6);
    CHECK(w.at("C1")->fields[5] == value::text("N2"));
    // The one that is edited must be there.
    c.update("child", "C1", {{"parent", text("N3")}, {"b", "8"}});
    CHECK(c.push(w.line("ann"), &counts));
    CHECK(counts.failed == 1);
    CHECK(w.b("C1") == 6);
    CHECK(w.at("C1")->fields[5] == value::text("N2"));
}

TEMPLATE_TEST_CASE("legacy scopes: two devices of one principal at the same place are two, and a new client id begins anew", "[wire]", memory_lab, sqlite_lab) {
    house<TestType> h;
    auto& w = h.w;
    w.write_in("N1", 1, 1, 1);
    auto c = tether_client("c");
    auto d = tether_client("d");
    CHECK(c.sync(w.line("ann")));
    CHECK(d.sync(w.line("ann")));
    c.update("node", "N1", {{"a", "2"}});
    CHECK(c.sync(w.line("ann")));
    d.update("node", "N1", {{"a", "3"}});
    CHECK(d.sync(w.line("ann")));
    CHECK(d.count("conflict") == 1);
    CHECK(w.a("N1") == 2);
    c.client_id = "new";
    const auto told = w.handle(request{http_method::post, "/tether/pull", {}, R"({"client_id":"new","last_sync_cursor":)" + c.cursor() + "}"}, "ann");
    CHECK(told.status == 409);
    CHECK(told.body.find("history_pruned") != std::string::npos);
}

}  // namespace legacy_scopes_test
