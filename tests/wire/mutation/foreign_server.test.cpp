// A device on a server that knows none of our members: what the sheet's weak points come to on this side (section 13, W...).

#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "wire/mutation/foreign_world.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace foreign_server_test {

using namespace foreign_tests;

TEST_CASE("foreign server: what one device writes reaches the other, echoes are no news, and the queue empties", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"}, b{s, "b"};
    a.write("T1", task("one", "x", true, 5));
    a.write("C1", comment("hi", "T1"));
    const auto up = a.sync();
    CHECK(up.ok());
    CHECK(up.pushed == 2);
    CHECK(up.pulled == 0);  // its own rows come back, and say what it knows
    CHECK(a.status().counts.frozen + a.status().counts.open == 0);
    const auto down = b.sync();
    CHECK(down.ok());
    CHECK(down.pulled == 2);
    s.now += 2s;
    b.erase("C1");
    b.set("T1", 1, value::text("y"));
    CHECK(b.sync().ok());
    CHECK(a.sync().ok());
    for (auto* d : {&a, &b}) {
        CHECK(d->at("T1") == row_of(s, "T1"));
        CHECK(d->text("T1", 1) == "y");
        CHECK_FALSE(d->at("C1"));
        d->check(keys);
    }
    CHECK(b.sync().pulled == 0);
}

TEST_CASE("foreign server: a provisional base becomes the server's row, whatever the server made of it", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    a.write("T1", task("one"));
    REQUIRE(a.sync(sync_mode::push_only).ok());
    a.check(keys);
    s.now += 2s;
    s.write("Task", "T1", json{{"body", "set by the server"}});
    CHECK(a.sync().pulled == 1);
    CHECK(a.text("T1", 1) == "set by the server");
    a.set("T1", 0, value::text("two"));
    CHECK(a.sync().ok());
    CHECK(row_of(s, "T1") == task("two", "set by the server"));
}

TEST_CASE("W01 W39: a device that was away sees what others did before its whole row goes out, in a push alone too", "[wire]") {
    for (const auto mode : {sync_mode::push_then_pull, sync_mode::push_only}) {
        tether::server s{server_models()};
        device a{s, "a"}, b{s, "b"};
        a.write("T1", task("T0", "B0"));
        a.sync();
        b.sync();
        s.now += 60s;
        a.set("T1", 0, value::text("T1"));
        a.sync();
        s.now += 60s;
        b.set("T1", 1, value::text("B1"));  // later by the clock: the server sees no conflict
        s.order.clear();
        CHECK(b.sync(mode).ok());
        REQUIRE(s.order.size() >= 2);
        CHECK(s.order.front() == "pull");
        CHECK(row_of(s, "T1") == task("T1", "B1"));
        CHECK(b.at("T1") == row_of(s, "T1"));
    }
}

TEST_CASE("foreign server: where the host wants it so, what the device has goes out unseen", "[wire]") {
    tether::server s{server_models()};
    mutation_client_options o;
    o.pull_first = false;
    device b{s, "b", o};
    s.write("Task", "T1", task_json("T0", "B0"));
    REQUIRE(b.sync().ok());
    s.now += 60s;
    b.set("T1", 1, value::text("B1"));
    s.order.clear();
    CHECK(b.sync().ok());
    CHECK(s.order.front() != "pull");
    CHECK(row_of(s, "T1") == task("T0", "B1"));
}

TEST_CASE("W01: fields that the user did not touch carry the newest values, and so do counters", "[wire]") {
    tether::server s{server_models()};
    device b{s, "b"};
    s.write("Task", "T1", task_json("T0", "B0"));
    REQUIRE(b.sync().ok());
    s.now += 60s;
    b.set("T1", 1, value::text("B1"));
    s.now += 60s;
    s.write("Task", "T1", task_json("T9", "B0", true, 4));
    s.now += 60s;
    const auto report = b.sync();
    CHECK(report.ok());
    CHECK(row_of(s, "T1") == task("T9", "B1", true, 4));
    CHECK(b.waiting().empty());
}

TEST_CASE("W01: what others write between the pull and the push is a conflict for the server, and merged here by field", "[wire]") {
    tether::server s{server_models()};
    device b{s, "b"};
    s.write("Task", "T1", task_json("T0", "B0"));
    REQUIRE(b.sync().ok());
    s.now += 60s;
    b.set("T1", 1, value::text("B1"));
    bool done = false;
    const auto report = b.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        auto answer = s(r);
        if (r.path == "/tether/pull" && !std::exchange(done, true)) {
            s.now += 5s;
            s.write("Task", "T1", json{{"title", "T1"}});
            b.set("T1", 3, value::integer(8));  // later than that, by any clock
        }
        return answer;
    });
    CHECK(report.ok());
    CHECK(report.conflicts == 1);
    CHECK(row_of(s, "T1") == task("T1", "B1", false, 8));
    CHECK(b.at("T1") == row_of(s, "T1"));
}

TEST_CASE("W02 W03 W04: neither an earlier push of its own nor a clock that is off makes a device lose against itself", "[wire]") {
    for (const auto skew : {-3600s, -1s, 0s, 1s, 3600s})
        for (const bool date : {true, false}) {
            INFO("clock off by " << skew.count() << " s, Date header " << date);
            tether::server s{server_models()};
            s.options.tells_date = date;
            device a{s, "a"};
            a.skew = skew;
            a.write("T1", task("first"));
            REQUIRE(a.sync(sync_mode::push_only).ok());
            a.set("T1", 0, value::text("second"));
            CHECK(a.sync(sync_mode::push_only).ok());
            a.set("T1", 1, value::text("third"));
            const auto report = a.sync();
            CHECK(report.ok());
            CHECK(report.conflicts == 0);  // nobody else wrote
            CHECK(row_of(s, "T1") == task("second", "third"));
            CHECK(a.at("T1") == row_of(s, "T1"));
            a.erase("T1");
            CHECK(a.sync().ok());
            CHECK_FALSE(row_of(s, "T1"));
            CHECK(a.waiting().empty());
        }
}

TEST_CASE("W06: after an `error` nothing newer of the record is sent before that same mutation, under its id", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    a.write("T1", task("T0"));
    a.sync();
    s.now += 60s;
    s.reject = rejecting("T1", "error", 1);
    a.set("T1", 0, value::text("U1"));
    bool edited = false;
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        auto answer = s(r);
        if (r.path == "/tether/push" && !std::exchange(edited, true)) {
            s.now += 60s;
            a.set("T1", 0, value::text("U2"));
        }
        return answer;
    });
    CHECK(report.ok());
    CHECK(report.failed == 0);
    REQUIRE(s.pushes.size() >= 4);
    const auto first = s.pushes[1]["mutations"][0], again = s.pushes[2]["mutations"][0], newer = s.pushes[3]["mutations"][0];
    CHECK(first == again);
    CHECK(newer["mutation_id"] != first["mutation_id"]);
    CHECK(newer["payload"]["title"] == "U2");
    CHECK(newer["version"] > first["version"]);
    CHECK(row_of(s, "T1") == task("U2"));
}

TEST_CASE("W07: what follows a create that failed for now is not sent before it, and nothing is lost when it goes on failing", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    a.write("T1", task("made"));
    s.reject = rejecting("T1", "error", 2);
    bool edited = false;
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        auto answer = s(r);
        if (r.path == "/tether/push" && !std::exchange(edited, true)) a.set("T1", 1, value::text("newer"));
        return answer;
    });
    CHECK(report.ok());
    CHECK(row_of(s, "T1") == task("made", "newer"));
    CHECK(a.waiting().empty());

    // It fails for good: the create waits, with what was edited since, and one retry brings everything.
    s.reject = rejecting("T2", "error", 3);
    a.write("T2", task("made"));
    const auto failed = a.sync();
    CHECK(failed.ok());
    CHECK(failed.failed == 1);
    REQUIRE(failed.rejections.size() == 1);
    CHECK(failed.rejections[0].why.code == errc::internal);
    REQUIRE(a.waiting().size() == 1);
    CHECK_FALSE(row_of(s, "T2"));
    CHECK(a.text("T2", 0) == "made");
    a.set("T2", 1, value::text("newer"));
    CHECK(a.sync().ok());
    CHECK(row_of(s, "T2") == task("made", "newer"));
    CHECK(a.waiting().empty());
    a.check(keys);
}

TEST_CASE("foreign server: `error` is sent as often as the option says, across runs, and absent ids stay queued", "[wire]") {
    for (const std::size_t most : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
        tether::server s{server_models()};
        mutation_client_options o;
        o.max_attempts = most;
        device a{s, "a", o};
        s.reject = rejecting("T1", "error", 1000);
        a.write("T1", task("x"));
        std::size_t runs = 0;
        for (; runs < 10 && a.waiting().empty(); ++runs) a.sync();
        CHECK(runs < 10);
        CHECK(a.waiting().size() == 1);
        CHECK(static_cast<std::size_t>(std::count_if(s.order.begin(), s.order.end(), [](const auto& w) { return w != "pull"; })) == most);
    }
    tether::server s{server_models()};
    device a{s, "a"};
    s.forget = [](const json&) { return true; };
    a.write("T1", task("x"));
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(a.status().counts.frozen == 0);  // the server knew the id when it came again
    CHECK(s.applied.size() == 1);
    CHECK(s.applied.begin()->second == 1);
    // One whose id the server never names keeps its place, and no page is taken over it.
    s.now += 60s;
    a.set("T1", 0, value::text("y"));
    s.write("Task", "T2", task_json("other"));
    const auto silent = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        return r.path == "/tether/push" ? with_body(R"({"applied":[]})") : s(r);
    });
    CHECK_FALSE(silent.ok());
    CHECK(a.status().counts.frozen == 1);
    CHECK(a.waiting().empty());
    CHECK(a.sync().ok());
    CHECK(row_of(s, "T1") == task("y"));
}

TEST_CASE("W08: a pull tramples no edit, at whatever step it is made", "[wire]") {
    for (std::size_t step = 0; step < 8; ++step) {
        INFO("edited before answer " << step << " was taken in");
        tether::server s{server_models()};
        device a{s, "a"};
        a.write("T1", task("T0", "B0"));
        a.sync();
        s.now += 60s;
        a.set("T1", 0, value::text("T1"));
        s.write("Task", "T2", task_json("other"));
        std::size_t n = 0;
        a.between = [&] {
            s.now += 3s;
            if (n++ == step) a.set("T1", 1, value::text("B1"));
        };
        CHECK(a.sync().ok());
        CHECK(a.text("T1", 0) == "T1");
        a.between = {};
        s.now += 3s;
        a.sync();
        if (n > step) CHECK(a.text("T1", 1) == "B1");
        CHECK(a.at("T1") == row_of(s, "T1"));
        CHECK(a.text("T1", 0) == "T1");
        a.check(keys);
    }
}

TEST_CASE("foreign server: no page is applied while a batch is unsettled", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    a.write("T1", task("T0"));
    REQUIRE(a.sync().ok());
    s.now += 60s;
    a.set("T1", 3, value::integer(1));
    const auto lost = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        auto answer = s(r);
        if (r.path == "/tether/push") return make_fault(errc::timed_out, "lost");
        return answer;
    });
    CHECK_FALSE(lost.ok());
    CHECK(lost.why->code == errc::timed_out);
    REQUIRE(a.status().counts.frozen == 1);
    const auto checkpoint = a.status().state.checkpoint;
    const auto alone = a.sync(sync_mode::pull_only);
    CHECK_FALSE(alone.ok());
    CHECK(a.status().state.checkpoint == checkpoint);
    page p;
    p.from = p.next = checkpoint;
    p.rows.push_back(row_image{key_named("T1"), 0, task("trampled"), {}});
    CHECK(lab_must(a.engine.apply(p, s.now)).stale);
    CHECK(a.at("T1") == task("T0", "", false, 1));
    // The next sync settles it first.
    s.order.clear();
    CHECK(a.sync().ok());
    REQUIRE_FALSE(s.order.empty());
    CHECK(s.order.front() != "pull");
    for (const auto& [id, times] : s.applied) CHECK(times == 1);
    CHECK(a.at("T1") == row_of(s, "T1"));
}

TEST_CASE("W09 W24: a snapshot that cannot be read stops nobody else and is kept aside; the cursor moves on", "[wire]") {
    const std::vector<std::string> bad{
        R"({"entity_id":null,"model":"Task","operation":"upsert","payload":{"title":"x"}})",
        R"({"model":"Task","operation":"upsert","payload":{"title":"x"}})",
        R"({"entity_id":"","model":"Task","operation":"upsert","payload":{"title":"x"}})",
        R"({"entity_id":"T1","model":null,"operation":"upsert","payload":{"title":"x"}})",
        R"({"entity_id":"T1","model":"Task","operation":null,"payload":{"title":"x"}})",
        R"({"entity_id":"T1","model":"Task","operation":"upsert"})",
        R"({"entity_id":"T1","model":"Task","operation":"upsert","payload":[]})",
        R"({"entity_id":"T1","model":"Task","operation":"upsert","payload":{"count":"many"}})",
        R"({"entity_id":"T1","model":"Planet","operation":"upsert","payload":{"title":"x"}})",
        R"(7)", R"(null)", R"([])",
    };
    for (const auto& row : bad) {
        INFO(row);
        tether::server s{server_models()};
        device a{s, "a"};
        const auto report = a.sync(sync_mode::pull_only, [&](const request&) -> result<response> {
            return with_body(R"({"snapshots":[)" + row + R"(,{"entity_id":"T2","model":"App\\Models\\Task","operation":"changed","payload":{"title":"good","unknown":[1]}}],"new_sync_cursor":-5,"has_more":false})");
        });
        CHECK(report.ok());
        CHECK(report.pulled == 1);
        CHECK(report.pull_errors == 1);
        CHECK(a.text("T2", 0) == "good");
        CHECK(a.status().state.checkpoint == -5);
        CHECK(a.status().counts.unread == 1);
        CHECK(lab_must(a.engine.unread(nullptr, 10, s.now)).front().text == row);
        CHECK(a.sync(sync_mode::pull_only).ok());
        CHECK(a.status().counts.unread == 1);
        CHECK(a.sent.back().body.find("unread") == std::string::npos);  // such a server cannot be asked for single records
    }
}

TEST_CASE("W09: a row that refers to what is not there yet waits and comes in with it", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    s.write("Comment", "C1", json{{"text", "early"}, {"task", "T1"}});
    const auto first = a.sync();
    CHECK(first.ok());
    CHECK(first.pull_errors == 1);
    CHECK_FALSE(a.at("C1"));
    s.now += 60s;
    s.write("Task", "T1", task_json("late"));
    CHECK(a.sync().ok());
    CHECK(a.at("C1") == comment("early", "T1"));
    CHECK(a.status().counts.quarantined == 0);
}

TEST_CASE("W11: has_more with a cursor that stands still ends in a fault, not in a loop; a cursor may jump and go back", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    std::size_t asked = 0;
    const auto page = [](const std::string& cursor, bool more) {
        return R"({"snapshots":[],"new_sync_cursor":)" + cursor + R"(,"has_more":)" + (more ? "true" : "false") + "}";
    };
    std::vector<std::string> answers{page("9223372036854775807", true), page("-9", true), page("-9", true)};
    const auto report = a.sync(sync_mode::pull_only, [&](const request&) -> result<response> { return with_body(answers.at(asked++)); });
    CHECK(asked == 3);
    REQUIRE(report.why);
    CHECK(report.why->detail.find("does not move") != std::string::npos);
    const auto cursor = [&](std::size_t i) { return json::parse(a.sent.at(i).body)["last_sync_cursor"]; };
    CHECK(cursor(0).is_null());
    CHECK(cursor(1) == 9223372036854775807);
    CHECK(cursor(2) == -9);
    // Null keeps the old one; the list may be missing.
    CHECK(a.sync(sync_mode::pull_only, [&](const request&) -> result<response> { return with_body(R"({"new_sync_cursor":null,"has_more":false})"); }).ok());
    CHECK(a.status().state.checkpoint == -9);
}

TEST_CASE("foreign server: everything comes in, page by page, whichever way its cursor counts", "[wire]") {
    for (const bool inclusive : {false, true})
        for (const std::size_t size : {1u, 2u, 7u, 1000u}) {
            CAPTURE(inclusive, size);
            tether::server s{server_models()};
            s.options.inclusive_cursor = inclusive;
            std::vector<std::string> keys;
            for (int i = 0; i < 20; ++i) {
                keys.push_back((i % 3 == 2 ? "C" : "T") + std::to_string(i));
                // Children may come on a page before the one that has their parent.
                if (i % 3 == 2)
                    s.write("Comment", keys.back(), json{{"text", "x"}, {"task", "T" + std::to_string(i / 3 * 3 + 3)}});
                else
                    s.write("Task", keys.back(), task_json("title"));
                if (i % 4 != 0) s.now += 1s;
            }
            s.write("Task", "T20", task_json("last"));
            s.write("Task", "T21", task_json("last"));
            keys.insert(keys.end(), {"T20", "T21"});
            mutation_client_options options;
            options.page_size = size;
            device a{s, "a", options};
            const auto first = a.sync();
            CHECK(first.ok());
            CHECK(first.pulled >= keys.size());  // a child that waited for its parent counts when it comes in, too
            for (const auto& key : keys) CHECK(a.at(key) == row_of(s, key));
            CHECK((s.pulls.size() > 4) == (size < 7));
            for (const auto& p : s.pulls) CHECK(p.at("limit") == size);
            s.now += 5s;
            for (const char* key : {"T0", "T1", "T3"}) {
                s.write("Task", key, task_json("again"));
                s.now += 1s;
            }
            CHECK(a.sync().pulled == 3);
            CHECK(a.sync().pulled == 0);
            for (const auto& key : keys) CHECK(a.at(key) == row_of(s, key));
            a.check(keys);
        }
}

TEST_CASE("W25: unknown columns are passed over, and columns that the server leaves out keep what is known", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    const auto send = [&](const std::string& payload) {
        return a.sync(sync_mode::pull_only, [&](const request&) -> result<response> {
            return with_body(R"({"snapshots":[{"entity_id":"T1","model":"Task","operation":"upsert","payload":)" + payload + R"(}],"new_sync_cursor":1,"has_more":false})");
        });
    };
    CHECK(send(R"({"title":"t","body":"b","done":"1","count":"4","colour":"red"})").pulled == 1);
    CHECK(a.at("T1") == task("t", "b", true, 4));
    CHECK(send(R"({"title":"u"})").pulled == 1);
    CHECK(a.at("T1") == task("u", "b", true, 4));
    CHECK(send(R"({"done":false,"body":null})").pulled == 1);
    CHECK(a.at("T1") == record{{value::text("u"), value{}, value::boolean(false), value::integer(4)}});
    CHECK(send(R"({"title":"u"})").pulled == 0);
    a.check(keys);
}

TEST_CASE("W31: a success without JSON is a fault that says what came", "[wire]") {
    for (const auto mode : {sync_mode::push_only, sync_mode::pull_only})
        for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
                 {"", "empty body"}, {"  \n", "empty body"}, {"<!DOCTYPE html><html>Log in</html>", "web page"}, {R"({"message":"hello"})", "sync server"},
                 {"[]", "JSON object"}, {"null", "JSON object"}, {"{", "JSON"}}) {
            INFO(text);
            tether::server s{server_models()};
            device a{s, "a"};
            a.write("T1", task("one"));
            REQUIRE(a.sync().ok());
            const auto before = a.status();
            a.set("T1", 0, value::text("two"));
            const auto report = a.sync(mode, [&, body = text](const request&) -> result<response> { return with_body(body, "text/html"); });
            REQUIRE(report.why);
            CHECK(report.why->detail.find(words) != std::string::npos);
            CHECK(a.status().state.checkpoint == before.state.checkpoint);
            CHECK(a.sync().ok());
            CHECK(row_of(s, "T1") == task("two"));
        }
    // The request asks for JSON.
    tether::server s{server_models()};
    device a{s, "a"};
    a.sync();
    CHECK(find_header(a.sent.at(0).headers, "Accept") == "application/json");
    CHECK(find_header(a.sent.at(0).headers, "Content-Type") == "application/json");
    CHECK(find_header(a.sent.at(0).headers, "X-Tether-Client-Version"));
}

TEST_CASE("W34: what was settled before a fault stands in the result beside it", "[wire]") {
    tether::server s{server_models()};
    mutation_client_options o;
    o.batch_size = 1;
    device a{s, "a", o};
    s.reject = rejecting("T1", "validation_failed", 1);
    a.write("T1", task("one"));
    a.write("T2", task("two"));
    std::size_t pushes = 0;
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/push" && ++pushes > 1) return make_fault(errc::unauthenticated, "logged out");
        return s(r);
    });
    REQUIRE(report.why);
    CHECK(report.rejections.size() == 1);
    CHECK(report.failed == 1);
}

TEST_CASE("foreign server: lists may be missing, be null, or be objects as PHP writes lists with gaps", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    a.write("T1", task("one"));
    a.write("T2", task("two"));
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        auto answer = s(r);
        if (r.path != "/tether/push") return answer;
        const auto sent = json::parse(r.body)["mutations"];
        return with_body(json{{"applied", json{{"0", sent[0]["mutation_id"]}, {"2", sent[1]["mutation_id"]}}}, {"rejected", nullptr}}.dump());
    });
    CHECK(report.ok());
    CHECK(report.pushed == 2);
    CHECK(a.status().counts.frozen == 0);
}

TEST_CASE("foreign server: strict duplicates count as applied, and nothing is applied twice", "[wire]") {
    for (const bool strict : {true, false}) {
        tether::server s{server_models()};
        s.options.strict_duplicates = strict;
        device a{s, "a"};
        a.write("T1", task("one"));
        std::size_t lost = 0;
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            auto answer = s(r);
            if (r.path == "/tether/push" && lost++ == 0) return make_fault(errc::timed_out, "lost");
            return answer;
        });
        CHECK(report.ok());
        CHECK(report.pushed == 1);
        REQUIRE(s.applied.size() == 1);
        CHECK(s.applied.begin()->second == 1);
        CHECK(a.at("T1") == row_of(s, "T1"));
    }
}

TEST_CASE("foreign server: building anew replaces everything but what was not sent yet", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    s.write("Task", "T1", task_json("one"));
    s.write("Task", "T2", task_json("two"));
    REQUIRE(a.sync().ok());
    s.options.soft_deletes = false;
    s.now += 60s;
    s.erase("Task", "T2");  // nothing tells of it (W14)
    a.sync();
    CHECK(a.at("T2"));
    a.set("T1", 1, value::text("mine"));
    lab_must(a.engine.begin_hydration(a.now()));
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.hydrated);
    CHECK_FALSE(a.at("T2"));
    CHECK(row_of(s, "T1") == task("one", "mine"));
    CHECK(a.at("T1") == row_of(s, "T1"));
    a.check(keys);
}

TEST_CASE("foreign server: a device of a Syncline server does not take another one for it", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    lab_must(a.engine.note_epoch("an epoch", {}, a.random, a.now()));
    s.write("Task", "T1", task_json("one"));
    a.write("T2", task("two"));
    const auto report = a.sync();
    REQUIRE(report.why);
    CHECK(report.why->code == errc::unsupported);
    CHECK_FALSE(a.at("T1"));
    CHECK(a.status().state.epoch == "an epoch");
}

TEST_CASE("foreign server: a device that cannot pull yet sends what it has, and learns from the answer whom it speaks to", "[wire]") {
    tether::server s{server_models()};
    device a{s, "a"};
    a.write("T1", task("one", "x", true, 5));
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        return r.path == "/tether/pull" ? response{500, {}, "broken"} : s(r);
    });
    REQUIRE(report.why);
    CHECK(report.pushed == 1);
    CHECK(row_of(s, "T1") == task("one", "x", true, 5));
    CHECK(a.status().state.epoch == unversioned_epoch);
    CHECK(a.sync().ok());
    a.check(keys);
}

}  // namespace foreign_server_test
