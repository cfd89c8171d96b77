#include <syncline/wire/mutation/client.hpp>

#include <syncline/conflict/resolvers.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

using namespace syncline;
using namespace simulation;
using namespace std::chrono_literals;

namespace {

const timestamp noon = from_microseconds(1'700'000'000'000'000);

// Two devices and a server in one process; `wire` may lose or change what passes.
struct world {
    explicit world(resolver_set resolvers = resolver_set{}) : lab(overlap_policy::by_field), store(lab.make_authority()) {
        authority_options o;
        o.resolvers = std::move(resolvers);
        o.validate = [this](const proposed_change& c) { return validate ? validate(c) : std::nullopt; };
        engine.emplace(*store, std::move(o));
        server.emplace(*engine);
    }
    memory_lab lab;
    std::unique_ptr<memory_authority_store> store;
    std::optional<authority<memory_authority_store>> engine;
    std::optional<mutation_server<authority<memory_authority_store>>> server;
    std::function<std::optional<rejection>(const proposed_change&)> validate;

    response handle(const request& r, const std::string& who = "someone") { return server->handle(r, principal{who, "main"}, noon); }
    void write(const std::string& key, std::int64_t a, std::int64_t b) {
        lab.server_write(*store, key_named(key), row(key, a, b));
    }
    std::optional<record> at(const std::string& key) { return lab.server_row(*store, key_named(key)); }
    static record row(const std::string& key, std::int64_t a, std::int64_t b) {
        record r{{value::integer(a), value::integer(b), value::integer(0), value::integer(0), value{}}};
        if (key_named(key).model == child_model) r.fields.push_back(value::text("P"));
        return r;
    }
};

using lossy = std::function<result<response>(const request&)>;

struct device {
    device(world& of, std::string called, mutation_client_options options = {})
        : w(of), name(std::move(called)), random(name[0]), store(w.lab.make_replica(name)), engine(*store), wire(engine, quick(std::move(options))) {
        REQUIRE(engine.open(random, noon));
    }
    static mutation_client_options quick(mutation_client_options o) {
        o.backoff_after_failure.first = 1us;
        return o;
    }
    world& w;
    std::string name;
    seeded_random random;
    std::unique_ptr<memory_replica_store> store;
    replica<memory_replica_store> engine;
    mutation_client<replica<memory_replica_store>> wire;
    std::vector<request> sent;

    void write(const std::string& key, std::int64_t a, std::int64_t b) { w.lab.device_write(*store, key_named(key), world::row(key, a, b)); }
    void set(const std::string& key, std::size_t field, std::int64_t v) {
        auto r = *at(key);
        r.fields[field] = value::integer(v);
        w.lab.device_write(*store, key_named(key), r);
    }
    void erase(const std::string& key) { w.lab.device_erase(*store, key_named(key)); }
    std::optional<record> at(const std::string& key) { return w.lab.device_row(*store, key_named(key)); }

    sync_result sync(sync_mode mode = sync_mode::push_then_pull, const lossy& through = {}) {
        wire.start(mode);
        timestamp now = noon;
        for (int steps = 0; steps < 10'000; ++steps) {
            auto step = wire.next(now, random);
            REQUIRE(step);
            if (auto* done = std::get_if<done_step>(&*step)) return done->report;
            if (auto* wait = std::get_if<wait_step>(&*step)) {
                now = wait->until;
                continue;
            }
            auto& send = std::get<send_step>(*step);
            sent.push_back(send.what);
            const result<response> answer = through ? through(send.what) : result<response>{w.handle(send.what, name)};
            REQUIRE(wire.on(send.token, answer, now, random));
        }
        FAIL("the sync does not end");
        return {};
    }
};

}  // namespace

TEST_CASE("mutation client: what one device wrote reaches the other", "[wire]") {
    world w;
    device a{w, "a"}, b{w, "b"};
    a.write("T", 1, 2);
    a.write("P", 3, 4);
    a.write("C1", 5, 6);
    const auto up = a.sync();
    CHECK(up.ok());
    CHECK(up.pushed == 3);
    const auto down = b.sync();
    CHECK(down.ok());
    CHECK(down.pulled == 3);
    for (const char* key : {"T", "P", "C1"}) {
        CHECK(b.at(key) == w.at(key));
        CHECK(a.at(key) == w.at(key));
    }
}

TEST_CASE("mutation client: changes of different fields of one record both survive, whoever comes first", "[wire]") {
    world w;
    device a{w, "a"}, b{w, "b"};
    a.write("T", 1, 1);
    a.sync();
    b.sync();
    a.set("T", 0, 7);
    b.set("T", 1, 9);
    CHECK(a.sync().ok());
    const auto second = b.sync();
    CHECK(second.conflicts == 1);
    CHECK_FALSE(second.decisions.empty());
    a.sync();
    for (auto* d : {&a, &b}) {
        CHECK(d->at("T")->fields[0] == value::integer(7));
        CHECK(d->at("T")->fields[1] == value::integer(9));
    }
}

TEST_CASE("mutation client: a lost answer changes nothing but the number of requests", "[wire]") {
    for (std::size_t lost = 0; lost < 4; ++lost) {
        INFO("answer " << lost << " is lost after the server acted");
        world w;
        device a{w, "a"}, b{w, "b"};
        a.write("T", 1, 1);
        a.sync();
        b.sync();
        b.set("T", 2, 5);
        b.sync();
        a.set("T", 2, 1);
        std::size_t n = 0;
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            auto answer = w.handle(r, "a");
            if (n++ == lost) return make_fault(errc::timed_out, "lost on purpose");
            return answer;
        });
        CHECK(report.ok());
        b.sync();
        CHECK(w.at("T")->fields[2] == value::integer(6));
        CHECK(a.at("T") == w.at("T"));
        CHECK(b.at("T") == w.at("T"));
    }
}

TEST_CASE("mutation client: what is refused waits for a person, and its neighbours go through", "[wire]") {
    world w;
    w.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.key.key != "T") return std::nullopt;
        return rejection{{errc::validation_failed, "not this one"}, {{"a", "must be even"}}};
    };
    device a{w, "a"};
    a.write("T", 1, 1);
    a.write("T2", 2, 2);
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.failed == 1);
    REQUIRE(report.rejections.size() == 1);
    CHECK(report.rejections[0].why.code == errc::validation_failed);
    REQUIRE(report.rejections[0].messages.size() == 1);
    CHECK(report.rejections[0].messages[0].field == "a");
    CHECK(w.at("T2"));
    CHECK_FALSE(w.at("T"));
    CHECK(a.at("T"));
    auto waiting = a.engine.waiting(10, noon);
    REQUIRE(waiting);
    REQUIRE(waiting->size() == 1);

    w.validate = {};
    REQUIRE(a.engine.retry(key_named("T"), noon));
    CHECK(a.sync().failed == 0);
    CHECK(w.at("T"));
}

TEST_CASE("mutation client: a request that is too large is cut until the change that is refused stands alone", "[wire]") {
    world w;
    device a{w, "a"};
    for (const char* key : {"T", "T2", "P", "C1", "C2"}) a.write(key, 1, 1);
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/push" && r.body.find("\"T2\"") != std::string::npos) return json_error(413, "too_large", "too large");
        return w.handle(r, "a");
    });
    CHECK(report.failed == 1);
    REQUIRE(report.rejections.size() == 1);
    CHECK(report.rejections[0].key.key == "T2");
    CHECK(report.rejections[0].why.code == errc::too_large);
    for (const char* key : {"T", "P", "C1", "C2"}) CHECK(w.at(key));
}

TEST_CASE("mutation client: a device below the floor rehydrates, and keeps what it has not sent", "[wire]") {
    world w;
    mutation_client_options small;
    small.page_size = 1;
    device a{w, "a", small}, b{w, "b", small};
    a.write("T", 1, 1);
    a.write("T2", 2, 2);
    a.sync();
    b.sync();
    w.lab.server_erase(*w.store, key_named("T2"));
    w.write("P", 3, 3);
    REQUIRE(w.engine->prune("main", 100, noon));
    w.write("C1", 4, 4);
    b.set("T", 1, 8);
    const auto report = b.sync(sync_mode::pull_only);
    CHECK(report.ok());
    CHECK(report.hydrated);
    CHECK_FALSE(b.at("T2"));
    CHECK(b.at("P") == w.at("P"));
    CHECK(b.at("C1") == w.at("C1"));
    CHECK(b.at("T")->fields[1] == value::integer(8));
    CHECK(b.sync().ok());
    CHECK(w.at("T")->fields[1] == value::integer(8));
}

TEST_CASE("mutation client: a server whose cursor does not move is not asked for ever", "[wire]") {
    world w;
    device a{w, "a"};
    const auto report = a.sync(sync_mode::pull_only, [&](const request&) -> result<response> {
        return json_response(200, R"({"snapshots":[],"new_sync_cursor":0,"has_more":true})");
    });
    REQUIRE(report.why);
    CHECK(report.why->code == errc::malformed_message);
}

TEST_CASE("mutation client: a failure of the push does not keep the device from receiving", "[wire]") {
    world w;
    device a{w, "a"};
    w.write("P", 3, 3);
    a.write("T", 1, 1);
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/push") return json_error(500, "internal", "broken");
        return w.handle(r, "a");
    });
    REQUIRE(report.why);
    CHECK(report.pulled == 1);
    CHECK(a.at("P"));
}

TEST_CASE("mutation server: bad input is a typed error, changes nothing and stops no neighbour", "[wire]") {
    world w;
    const auto push = [&](const std::string& body) { return w.handle(request{http_method::post, "/tether/push", {}, body}); };
    const auto pull = [&](const std::string& body) { return w.handle(request{http_method::post, "/tether/pull", {}, body}); };
    const std::string good = R"({"mutation_id":"good","entity_id":"T","model":"node","operation":"create","payload":{"a":1},"version":1,"timestamp":1})";
    const std::string deep = R"({"client_id":"c","mutations":)" + std::string(10'000, '[');
    struct sample {
        std::string body;
        int status;
    };
    const std::vector<sample> whole = {
        {"", 400}, {"{", 400}, {"[]", 422}, {"{}", 422}, {R"({"client_id":"","mutations":[]})", 422}, {R"({"client_id":7,"mutations":[]})", 422},
        {R"({"client_id":"c","mutations":{}})", 422}, {R"({"client_id":"c"})", 422}, {R"({"client_id":"c","client_id":"d","mutations":[]})", 400},
        {"{\"client_id\":\"\xff\",\"mutations\":[]}", 400}, {R"({"client_id":"\ud800","mutations":[]})", 400}, {R"({"client_id":"c","mutations":[1e400]})", 400},
        {deep, 400}, {R"({"client_id":"c\u0000d","mutations":[]})", 422}, {"{\"client_id\":\"" + std::string(300, 'x') + "\",\"mutations\":[]}", 422}};
    for (const auto& s : whole) {
        const auto answer = push(s.body);
        INFO(s.body.substr(0, 120) << " -> " << answer.body);
        CHECK(answer.status == s.status);
        const auto tape = json_tape::parse(answer.body);
        REQUIRE(tape);
        CHECK(tape->root().find("error"));
        CHECK_FALSE(tape->root().find("message")->as_string().empty());
    }
    const auto with = [](const std::string& members) {
        return R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":1},"version":1,"timestamp":1)" + members + "}";
    };
    const std::vector<std::string> single = {
        "7", "null", "[]", "{}", R"({"mutation_id":"bad"})",
        R"({"mutation_id":"","entity_id":"T2","model":"node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"","model":"node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":null,"model":"node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"users; DROP TABLE node","operation":"create","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"destroy","payload":{"a":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"nope":1}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":"x"}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":9223372036854775808}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":1.5}})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":[1]})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create"})",
        R"({"mutation_id":"bad","entity_id":"T2","model":"node","operation":"create","payload":{"a":1},"timestamp":"soon"})",
        with(R"(,"base":{"row_version":-1})"), with(R"(,"base":{"row_version":"x"})"),
        R"({"mutation_id":"bad","entity_id":")" + std::string(300, 'k') + R"(","model":"node","operation":"create","payload":{"a":1}})",
    };
    for (const auto& bad : single) {
        world fresh;
        const auto answer = fresh.handle(request{http_method::post, "/tether/push", {}, R"({"client_id":"c","syncline":1,"mutations":[)" + bad + "," + good + "]}"});
        INFO(bad.substr(0, 150) << " -> " << answer.body);
        CHECK(answer.status == 200);
        CHECK(fresh.at("T"));
        CHECK_FALSE(fresh.at("T2"));
        const auto tape = json_tape::parse(answer.body);
        REQUIRE(tape);
        const auto outcomes = *tape->root().find("outcomes");
        REQUIRE(outcomes.size() == 2);
        CHECK((*outcomes.begin()).find("status")->as_string() == "refused");
        CHECK_FALSE((*outcomes.begin()).find("detail")->as_string().empty());
    }
    for (const std::string cursor : {"-1", "9223372036854775807", "\"x\"", "1.5"}) {
        const auto answer = pull(R"({"client_id":"c","last_sync_cursor":)" + cursor + "}");
        INFO(cursor << " -> " << answer.body);
        CHECK(answer.status >= 400);
        CHECK(answer.status < 500);
    }
    CHECK(w.handle(request{http_method::get, "/tether/push", {}, ""}).status == 405);
    CHECK(w.handle(request{http_method::post, "/tether/nothing", {}, ""}).status == 404);
    std::string many = R"({"client_id":"c","mutations":[)";
    for (int i = 0; i < 10'001; ++i) many.append(i == 0 ? "" : ",").append(good);
    CHECK(push(many + "]}").status == 413);
    CHECK_FALSE(w.at("T"));
}

TEST_CASE("mutation server: ten thousand mutations in one request are all decided", "[wire]") {
    world w;
    std::string body = R"({"client_id":"c","syncline":1,"mutations":[)";
    for (int i = 0; i < 10'000; ++i) {
        if (i != 0) body.append(",");
        body.append(R"({"mutation_id":"m)").append(std::to_string(i)).append(R"(","entity_id":"k)").append(std::to_string(i));
        body.append(R"(","model":"App\\Models\\node","operation":"create","payload":{"a":1},"version":1,"timestamp":1.0})");
    }
    const auto answer = w.handle(request{http_method::post, "/tether/push", {}, body + "]}"});
    REQUIRE(answer.status == 200);
    const auto tape = json_tape::parse(answer.body);
    REQUIRE(tape);
    CHECK(tape->root().find("applied")->size() == 10'000);
}

TEST_CASE("mutation server: an id counts once, and other content under it is refused", "[wire]") {
    world w;
    const auto push = [&](const std::string& mutations) {
        return w.handle(request{http_method::post, "/tether/push", {}, R"({"client_id":"c","syncline":1,"mutations":[)" + mutations + "]}"}).body;
    };
    const std::string first = R"({"mutation_id":"x","entity_id":"T","model":"node","operation":"create","payload":{"a":1,"n":1},"version":1,"timestamp":1})";
    const std::string other = R"({"mutation_id":"x","entity_id":"T","model":"node","operation":"create","payload":{"a":2,"n":1},"version":1,"timestamp":1})";
    CHECK(push(first + "," + first).find("refused") == std::string::npos);
    CHECK(push(first).find("\"applied\":[\"x\"]") != std::string::npos);
    CHECK(w.at("T")->fields[2] == value::integer(1));
    CHECK(push(other).find("id_reused") != std::string::npos);
    CHECK(w.at("T")->fields[0] == value::integer(1));
}
