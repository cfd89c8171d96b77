// Rows of a pull that the device cannot read (W24, W25): they stop nobody, and none is lost.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <string>
#include <utility>
#include <vector>

namespace unread_rows_test {

using namespace mutation_tests;

namespace {

std::vector<unread_row> kept(device& d) { return lab_must(d.engine.unread(nullptr, 100, noon)); }
cursor checkpoint(device& d) { return lab_must(d.engine.status(noon)).state.checkpoint; }


/// The wire of @p d, on which the row of @p key is replaced by @p text wherever it is sent.
lossy spoiling(device& d, std::string key, std::string text) {
    return [&d, key = std::move(key), text = std::move(text)](const request& r) -> result<response> {
        response answer = d.w.handle(r, d.name);
        if (r.path != "/tether/pull") return answer;
        const auto begin = answer.body.find("{\"entity_id\":\"" + key + "\"");
        if (begin == std::string::npos) return answer;
        const auto version = answer.body.find("\"row_version\":", begin);
        answer.body.replace(begin, answer.body.find('}', version) + 1 - begin, text);
        return answer;
    };
}

struct spoilt {
    const char* what;
    std::string text;
    errc code;
    std::string says;
    std::string model;  // of the name under which it is kept; empty: made up
};

const std::vector<spoilt>& spoilt_rows() {
    const auto row = [](std::string members) { return "{" + members + "}"; };
    static const std::vector<spoilt> all{
        {"no object", "7", errc::malformed_message, "object", ""},
        {"a null", "null", errc::malformed_message, "object", ""},
        {"null id", row(R"("entity_id":null,"model":"node","operation":"upsert","payload":{"a":1},"row_version":1)"), errc::invalid_key, "entity_id", ""},
        {"empty id", row(R"("entity_id":"","model":"node","operation":"upsert","payload":{"a":1},"row_version":1)"), errc::invalid_key, "empty", ""},
        {"id with NUL", row(R"("entity_id":"a\u0000b","model":"node","operation":"upsert","payload":{"a":1},"row_version":1)"), errc::invalid_key, "NUL", ""},
        {"long id", row(R"("entity_id":")" + std::string(256, 'k') + R"(","model":"node","operation":"upsert","payload":{"a":1},"row_version":1)"), errc::invalid_key, "255", ""},
        {"no model", row(R"("entity_id":"T","operation":"upsert","payload":{"a":1},"row_version":1)"), errc::malformed_message, "model", ""},
        {"model of a wrong type", row(R"("entity_id":"T","model":["node"],"operation":"upsert","payload":{"a":1},"row_version":1)"), errc::malformed_message, "model", ""},
        {"unknown model", row(R"("entity_id":"T","model":"planet","operation":"upsert","payload":{"a":1},"row_version":1)"), errc::unknown_model, "planet", "planet"},
        {"no operation", row(R"("entity_id":"T","model":"node","payload":{"a":1},"row_version":1)"), errc::malformed_message, "operation", "node"},
        {"no payload", row(R"("entity_id":"T","model":"node","operation":"upsert","row_version":1)"), errc::malformed_message, "payload", "node"},
        {"null payload", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":null,"row_version":1)"), errc::malformed_message, "payload", "node"},
        {"empty payload", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":[],"row_version":1)"), errc::malformed_message, "payload", "node"},
        {"none of the fields", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"x":1},"row_version":1)"), errc::malformed_message, "fields", "node"},
        {"a value that does not fit", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":"seven"},"row_version":1)"), errc::malformed_value, "`a`", "node"},
        {"a fraction", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":1.5},"row_version":1)"), errc::malformed_value, "`a`", "node"},
        {"beyond 64 bits", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":9223372036854775808},"row_version":1)"), errc::malformed_value, "`a`", "node"},
        {"no version", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":1})"), errc::malformed_message, "row_version", "node"},
        {"version of a wrong type", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":1},"row_version":"1")"), errc::malformed_message, "row_version", "node"},
        {"version 0", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":1},"row_version":0)"), errc::malformed_message, "row_version", "node"},
        {"version from the future", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":1},"row_version":99)"), errc::malformed_message, "row_version", "node"},
        {"contains of a wrong type", row(R"("entity_id":"T","model":"node","operation":"upsert","payload":{"a":1},"row_version":1,"contains":7)"), errc::malformed_message, "contains", "node"},
    };
    return all;
}

}  // namespace

TEST_CASE("unread rows: each kind stops neither its neighbours nor the cursor, and is kept with what, where and why (W24, W25)", "[wire]") {
    for (const auto& s : spoilt_rows()) {
        INFO(s.what);
        world w;
        device a{w, "a"};
        w.write("P", 1, 1);
        w.write("T", 2, 2);
        w.write("T2", 3, 3);
        const auto report = a.sync(sync_mode::push_then_pull, spoiling(a, "T", s.text));
        CHECK(report.ok());
        CHECK(report.pull_errors == 1);
        CHECK(report.pulled == 2);
        CHECK(a.at("P") == w.at("P"));
        CHECK(a.at("T2") == w.at("T2"));
        CHECK_FALSE(a.at("T"));
        const auto rows = kept(a);
        REQUIRE(rows.size() == 1);
        CHECK(rows[0].why.code == s.code);
        CHECK(rows[0].why.detail.find(s.says) != std::string::npos);
        CHECK(rows[0].name.model == s.model);
        CHECK(rows[0].name.key == (s.model.empty() ? rows[0].name.key : "T"));
        CHECK(json_tape::parse(rows[0].text).has_value());

        // It does not count again, and asks for nothing that is further on.
        const auto at = checkpoint(a);
        w.write("C1", 4, 4);
        const auto again = a.sync(sync_mode::push_then_pull, spoiling(a, "T", s.text));
        CHECK(again.ok());
        CHECK(again.pull_errors == 0);
        CHECK(a.at("C1") == w.at("C1"));
        CHECK(checkpoint(a) > at);
        CHECK(kept(a) == rows);

        // A server that was put right sends it as soon as it is asked, though the row did not change.
        const auto right = a.sync();
        CHECK(right.ok());
        if (s.model == "node") {
            CHECK(a.at("T") == w.at("T"));
            CHECK(kept(a).empty());
            CHECK(right.pulled == 1);
        } else {
            CHECK(kept(a) == rows);
        }
    }
}

TEST_CASE("unreadable pages: an answer that is no page ends the pull with a typed fault, moves nothing, and is asked for again", "[wire]") {
    const std::string row = R"({"entity_id":"T","model":"node","operation":"upsert","payload":{"a":1},"row_version":1})";
    const std::vector<std::string> answers{
        "", "<html>", "null", "[]", "7", "{\"snapshots\":[" + row, R"({"new_sync_cursor":5,"has_more":false})", R"({"snapshots":7,"new_sync_cursor":5})",
        R"({"snapshots":{},"new_sync_cursor":5})", R"({"snapshots":null,"new_sync_cursor":5})", R"({"snapshots":[],"new_sync_cursor":"5"})",
        R"({"snapshots":[],"new_sync_cursor":1.5})", R"({"snapshots":[],"new_sync_cursor":-1})", R"({"snapshots":[],"new_sync_cursor":9223372036854775808})",
        R"({"snapshots":[],"new_sync_cursor":5,"has_more":"no"})", R"({"snapshots":[],"new_sync_cursor":5,"has_more":0})",
        R"({"snapshots":[],"new_sync_cursor":5,"epoch":7})", R"({"snapshots":[],"new_sync_cursor":5,"head":"x"})", R"({"snapshots":[],"new_sync_cursor":5,"head_seq":[]})",
        R"({"snapshots":[1e400],"new_sync_cursor":5})", R"({"snapshots":["\ud800"],"new_sync_cursor":5})", "{\"snapshots\":[\"\xff\"],\"new_sync_cursor\":5}",
        R"({"snapshots":[],"snapshots":[],"new_sync_cursor":5})", "{\"snapshots\":" + std::string(10'000, '[') + std::string(10'000, ']') + "}"};
    for (const auto& body : answers) {
        INFO(body.substr(0, 200));
        world w;
        device a{w, "a"};
        REQUIRE(a.sync().ok());  // it knows that this is a Syncline server; of another one some of these are pages
        w.write("T", 1, 1);
        a.write("P", 2, 2);
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            auto answer = w.handle(r, "a");
            return r.path == "/tether/pull" ? response{200, {}, body} : answer;
        });
        REQUIRE(report.why);
        CHECK((report.why->code == errc::malformed_message || report.why->code == errc::malformed_json));
        CHECK_FALSE(report.why->detail.empty());
        CHECK(report.pushed == 1);
        CHECK(checkpoint(a) == 0);
        CHECK_FALSE(a.at("T"));
        CHECK(a.sync().ok());
        CHECK(a.at("T") == w.at("T"));
    }
}

TEST_CASE("unread rows: what the user did to their record stays, and is merged when the row can be read", "[wire]") {
    world w;
    device a{w, "a"};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    w.write("T", 5, 1);
    a.set("T", 1, 7);
    const auto bad = spoiling(a, "T", R"({"entity_id":"T","model":"node","operation":"upsert","payload":{"a":"x"},"row_version":2})");
    CHECK(a.sync(sync_mode::pull_only, bad).pull_errors == 1);
    CHECK(a.at("T")->fields[1] == value::integer(7));
    CHECK(a.sync().ok());
    CHECK(w.at("T")->fields[0] == value::integer(5));
    CHECK(w.at("T")->fields[1] == value::integer(7));
    CHECK(a.at("T") == w.at("T"));
    CHECK(kept(a).empty());
}

TEST_CASE("unread rows: a walk keeps them too, and leaves the row that the device has", "[wire]") {
    world w;
    mutation_client_options small;
    small.page_size = 1;
    device a{w, "a", small};
    for (const char* key : {"P", "T", "T2"}) w.write(key, 1, 1);
    REQUIRE(a.sync().ok());
    w.write("T", 5, 5);
    w.lab.server_erase(*w.store, key_named("T2"));
    lab_must(a.engine.begin_hydration(noon));
    const auto bad = spoiling(a, "T", R"({"entity_id":"T","model":"node","operation":"upsert","payload":{"a":true,"b":[]},"row_version":2})");
    const auto report = a.sync(sync_mode::push_then_pull, bad);
    CHECK(report.ok());
    CHECK(report.hydrated);
    CHECK(report.pull_errors == 1);
    CHECK(a.at("T")->fields[0] == value::integer(1));
    CHECK_FALSE(a.at("T2"));
    CHECK(kept(a).size() == 1);
    CHECK(a.sync().ok());
    CHECK(a.at("T") == w.at("T"));
    CHECK(kept(a).empty());
}

TEST_CASE("unread rows: a deletion of what the device cannot have takes the kept row along", "[wire]") {
    world w;
    device a{w, "a"};
    w.write("T", 1, 1);
    REQUIRE(a.sync(sync_mode::pull_only, spoiling(a, "T", R"({"entity_id":"T","model":"planet","operation":"upsert","payload":{},"row_version":1})")).pull_errors == 1);
    w.write("T", 2, 2);
    const auto report = a.sync(sync_mode::pull_only, spoiling(a, "T", R"({"entity_id":"T","model":"planet","operation":"delete","payload":{},"row_version":2})"));
    CHECK(report.pull_errors == 0);
    CHECK(kept(a).empty());
}

TEST_CASE("unread rows: so many are asked for in one request, and in turn; those of an unknown model never", "[wire]") {
    world w;
    mutation_client_options two;
    two.ask_again = 2;
    device a{w, "a", two};
    page p;
    p.next = 0;
    for (const char* key : {"T", "T2", "P"}) p.unread.push_back({{"node", key}, 1, {}, {errc::too_large, "long"}});
    p.unread.push_back({{"planet", "A"}, 1, {}, {errc::unknown_model, "planet"}});
    lab_must(a.engine.apply(p, noon));
    std::vector<std::string> asked;
    for (int run = 0; run < 3; ++run) {
        a.sent.clear();
        CHECK(a.sync(sync_mode::pull_only).ok());
        const auto at = a.sent.front().body.find("\"unread\":");
        REQUIRE(at != std::string::npos);
        asked.push_back(a.sent.front().body.substr(at + 9));
    }
    const std::string P = R"({"model":"node","entity_id":"P"})", T = R"({"model":"node","entity_id":"T"})", T2 = R"({"model":"node","entity_id":"T2"})";
    CHECK(asked == std::vector<std::string>{"[" + P + "," + T + "]}", "[" + T2 + "," + P + "]}", "[" + T + "," + T2 + "]}"});
}

TEST_CASE("unread rows: the server adds the records that are asked for without moving the cursor, and passes over what is not there", "[wire]") {
    world w;
    w.write("T", 1, 1);
    w.write("P", 2, 2);
    w.write("T2", 3, 3);
    lab_must(w.engine->seal_foreign("main", noon));
    w.lab.server_erase(*w.store, key_named("T2"));
    lab_must(w.store->app_write("elsewhere", key_named("C1"), world::row("C1", 1, 1)));
    const auto ask = [&](const std::string& body) { return w.handle({http_method::post, "/tether/pull", {}, body}); };
    const auto first = json_tape::parse(ask(R"({"client_id":"c","syncline":1})").body);
    const auto head = first->root().find("new_sync_cursor")->as_int();
    const auto answer = ask(R"({"client_id":"c","syncline":1,"last_sync_cursor":)" + std::to_string(*head) +
                            R"(,"unread":[{"model":"node","entity_id":"T"},{"model":"node","entity_id":"never"},{"model":"child","entity_id":"C1"},)"
                            R"({"model":"planet","entity_id":"T"},{"model":"node","entity_id":""},{"model":7},{"model":"node","entity_id":"T2"}]})");
    CHECK(answer.status == 200);
    const auto tape = json_tape::parse(answer.body);
    CHECK(*tape->root().find("new_sync_cursor")->as_int() == *head);
    const auto rows = *tape->root().find("snapshots");
    REQUIRE(rows.size() == 2);
    CHECK((*rows.begin()).find("entity_id")->as_string() == "T");
    for (const char* bad : {R"("T")", R"([7])", R"({"model":"node"})"}) {
        const auto refused = ask(std::string{R"({"client_id":"c","unread":)"} + bad + "}");
        CHECK(refused.status == 422);
        CHECK(refused.body.find("`unread`") != std::string::npos);
    }
}

TEST_CASE("unread rows: what can be read and the device's column cannot keep is quarantined, and stops nothing either", "[wire]") {
    sqlite_database db = lab_must(sqlite_database::open(":memory:", {}));
    lab_must(db.execute("CREATE TABLE node(id TEXT PRIMARY KEY,a INTEGER,b INTEGER,n INTEGER,m INTEGER,s TEXT) WITHOUT ROWID;"
                        "CREATE TABLE child(id TEXT PRIMARY KEY,a INTEGER,b INTEGER,n INTEGER,m INTEGER,s TEXT,parent TEXT) WITHOUT ROWID"));
    world w;
    auto odd = world::row("T", 1, 1);
    odd.fields[1] = value::text("12");  // would come back as a number
    lab_must(w.store->app_write("main", key_named("T"), odd));
    w.write("P", 2, 2);
    seeded_random random{3};
    auto store = lab_must(sqlite_replica_store::open(db.handle(), simulation::models(overlap_policy::by_field)));
    replica<sqlite_replica_store> engine{store};
    lab_must(engine.open(random, noon));
    mutation_client<replica<sqlite_replica_store>> wire{engine};
    for (const std::size_t errors : {std::size_t{1}, std::size_t{0}}) {
        wire.start(sync_mode::push_then_pull);
        while (true) {
            auto step = lab_must(wire.next(noon, random));
            if (auto* done = std::get_if<done_step>(&step)) {
                CHECK(done->report.ok());
                CHECK(done->report.pull_errors == errors);
                break;
            }
            auto& send = std::get<send_step>(step);
            lab_must(wire.on(send.token, w.handle(send.what), noon, random));
        }
        CHECK(lab_must(db.query_integer("SELECT b FROM node WHERE id='P'")) == 2);
        const auto refused = lab_must(engine.quarantined(10, noon));
        REQUIRE(refused.size() == 1);
        CHECK(refused[0].image.key == key_named("T"));
        CHECK(refused[0].why.code == errc::unsupported);
        CHECK(refused[0].why.detail.find("`b`") != std::string::npos);
    }
}

TEST_CASE("unread rows: a newer program reads what an older one kept, without asking", "[wire]") {
    sqlite_database db = lab_must(sqlite_database::open(":memory:", {}));
    lab_must(db.execute("CREATE TABLE node(id TEXT PRIMARY KEY,a INTEGER,b INTEGER,n INTEGER,m INTEGER,s TEXT) WITHOUT ROWID;"
                        "CREATE TABLE child(id TEXT PRIMARY KEY,a INTEGER,b INTEGER,n INTEGER,m INTEGER,s TEXT,parent TEXT) WITHOUT ROWID"));
    world w;
    w.write("P", 1, 1);
    w.write("C1", 2, 2);
    seeded_random random{3};
    const auto models = simulation::models(overlap_policy::by_field);
    std::vector<request> sent;
    const auto run = [&](std::vector<model_schema> known) {
        auto store = lab_must(sqlite_replica_store::open(db.handle(), std::move(known)));
        replica<sqlite_replica_store> engine{store};
        lab_must(engine.open(random, noon));
        mutation_client<replica<sqlite_replica_store>> wire{engine};
        wire.start(sync_mode::push_then_pull);
        sent.clear();
        while (true) {
            auto step = lab_must(wire.next(noon, random));
            if (auto* done = std::get_if<done_step>(&step)) return std::make_pair(done->report, lab_must(engine.unread(nullptr, 10, noon)));
            auto& send = std::get<send_step>(step);
            sent.push_back(send.what);
            lab_must(wire.on(send.token, w.handle(send.what), noon, random));
        }
    };
    auto [older, waits] = run({models[0]});
    CHECK(older.ok());
    CHECK(older.pull_errors == 1);
    CHECK(older.pulled == 1);
    REQUIRE(waits.size() == 1);
    CHECK(waits[0].name == unread_name{"child", "C1"});

    auto [newer, left] = run(models);
    CHECK(newer.ok());
    CHECK(newer.pulled == 1);
    CHECK(left.empty());
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].body.find("\"unread\"") == std::string::npos);
    CHECK(lab_must(db.query_integer("SELECT b FROM child WHERE id='C1'")) == 2);
}

}  // namespace unread_rows_test
