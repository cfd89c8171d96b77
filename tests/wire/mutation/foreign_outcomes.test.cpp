// What a foreign server's conflicts and rejections come to on a device (sheet `mutation`, sections 2.2 and 2.3).

#include <syncline/wire/mutation/client.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"
#include "wire/mutation/foreign_world.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace foreign_outcomes_test {

using namespace foreign_tests;

TEST_CASE("W27 W38: a conflict's state is the record's row, whatever key it names; where fields overlap the server's stand", "[wire]") {
    for (const bool key : {true, false}) {
        tether::server s{server_models()};
        s.options.tells_key = key;
        device a{s, "a"};
        a.write("T1", task("T0", "B0"));
        a.sync();
        s.now += 60s;
        a.set("T1", 0, value::text("mine"));
        a.set("T1", 1, value::text("mine too"));
        s.now += 60s;
        s.write("Task", "T1", json{{"title", "theirs"}});
        s.now += 60s;
        const auto report = a.sync();
        CHECK(report.ok());
        CHECK(report.conflicts == 1);
        CHECK(row_of(s, "T1") == task("theirs", "mine too"));
        CHECK(a.at("T1") == row_of(s, "T1"));
        CHECK(a.waiting().empty());
        CHECK(a.store.rows(0).size() == 1);  // no junk row beside it
        REQUIRE(report.met.size() == 1);
        CHECK(report.met[0].server == task("theirs", "B0"));
    }
}

TEST_CASE("foreign server: a resolver of the device decides what the server refuses by its clock", "[wire]") {
    const auto meets = [](resolver_set resolvers, record expected, std::size_t waits) {
        tether::server s{server_models()};
        device a{s, "a", {}, std::move(resolvers)};
        a.write("T1", task("T0"));
        a.sync();
        s.now += 60s;
        a.set("T1", 0, value::text("mine"));
        s.now += 60s;
        s.write("Task", "T1", json{{"title", "theirs"}});
        s.now += 60s;
        CHECK(a.sync().ok());
        CHECK(a.waiting().size() == waits);
        CHECK(row_of(s, "T1") == expected);
        if (waits != 0) {
            CHECK(a.text("T1", 0) == "mine");
            lab_must(a.engine.take_client(key_named("T1"), a.now()));
            CHECK(a.sync().ok());
            CHECK(row_of(s, "T1") == task("mine"));
        }
        CHECK(a.at("T1") == row_of(s, "T1"));
        a.check(keys);
    };
    meets(resolver_set{}, task("theirs"), 0);
    meets(resolver_set{resolvers::client_wins{}}, task("mine"), 0);
    meets(resolver_set{resolvers::defer_to_user{}}, task("theirs"), 1);
}

TEST_CASE("W27 W35: a conflict without a state gives the change up as the server decided, says so, and the pull brings the row", "[wire]") {
    tether::server s{server_models()};
    s.options.tells_state = false;
    device a{s, "a"};
    a.write("T1", task("T0"));
    a.sync();
    s.now += 60s;
    a.set("T1", 0, value::text("mine"));
    s.now += 60s;
    s.write("Task", "T1", json{{"title", "theirs"}});
    s.now += 60s;
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.conflicts == 1);
    CHECK(report.decisions.size() == 1);
    CHECK(a.text("T1", 0) == "theirs");
    CHECK(a.status().counts.open + a.status().counts.frozen + a.status().counts.waiting == 0);
}

TEST_CASE("foreign server: a conflict that never ends waits for a person", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    a.write("T1", task("T0"));
    a.sync();
    s.now += 60s;
    a.set("T1", 0, value::text("mine"));
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/pull") return s(r);
        const auto id = json::parse(r.body)["mutations"][0]["mutation_id"].get<std::string>();
        return with_body(R"({"conflicts":[{"mutation_id":")" + id + R"(","data":{"server_state":{"title":"T0","body":"","done":0,"count":0}}}]})");
    });
    CHECK(report.ok());
    REQUIRE(a.waiting().size() == 1);
    CHECK(a.waiting()[0].waiting->code == errc::conflict);
    CHECK(a.text("T1", 0) == "mine");
}

TEST_CASE("foreign server: every reason comes to something that a person can act on", "[wire]") {
    struct row {
        const char* reason;
        json data;
        std::optional<errc> waits;
    };
    const std::vector<row> rows{
        {"validation_failed", json{{"messages", json{{"title", json::array({"too short", "no"})}}}}, errc::validation_failed},
        {"validation_failed", json::array(), errc::validation_failed},
        {"not_found", nullptr, errc::absent},
        {"duplicate", json::array(), std::nullopt},
        {"unauthorized", json::object(), errc::forbidden},
        {"tuesday", json{{"message", "closed"}}, errc::constraint},
    };
    for (const auto& r : rows) {
        INFO(r.reason);
        tether::server s{server_models()};
        device a{s, "a"};
        a.write("T1", task("T0"));
        a.sync();
        s.now += 60s;
        s.reject = rejecting("T1", r.reason, 1, r.data);
        a.set("T1", 0, value::text("x"));
        const auto report = a.sync(sync_mode::push_only);
        CHECK(report.ok());
        CHECK(report.failed == (r.waits ? 1 : 0));
        CHECK(report.pushed == (r.waits ? 0 : 1));
        REQUIRE(a.waiting().size() == (r.waits ? 1 : 0));
        if (r.waits) {
            CHECK(a.waiting()[0].waiting->code == *r.waits);
            REQUIRE(report.rejections.size() == 1);
            if (r.data.is_object() && r.data.contains("messages"))
                CHECK(report.rejections[0].messages == std::vector<field_message>{{"title", "too short"}, {"title", "no"}});
            if (std::string{r.reason} == "tuesday") CHECK(report.rejections[0].why.detail.find("tuesday") != std::string::npos);
        }
        CHECK(a.text("T1", 0) == "x");
        a.check(keys);
    }
}

TEST_CASE("foreign server: an update of what is gone waits, and laid on that again it is a create; a delete of what is gone is fulfilled", "[wire]") {
    tether::server s{server_models()};
    s.options.soft_deletes = false;  // nothing tells of it (W14)
    device a{s, "a"};
    a.write("T1", task("one"));
    a.write("T2", task("two"));
    a.sync();
    s.now += 60s;
    s.erase("Task", "T1");
    s.erase("Task", "T2");
    a.set("T1", 0, value::text("mine"));
    a.erase("T2");
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.pushed == 1);
    REQUIRE(a.waiting().size() == 1);
    CHECK(a.waiting()[0].waiting->code == errc::absent);
    CHECK(a.text("T1", 0) == "mine");
    CHECK_FALSE(lab_must(a.engine.explain(key_named("T1"), s.now)).server_version == 0);
    lab_must(a.engine.take_client(key_named("T1"), a.now()));
    CHECK(a.sync().ok());
    CHECK(row_of(s, "T1") == task("mine"));
    a.check(keys);
}

}  // namespace foreign_outcomes_test
