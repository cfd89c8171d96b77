// What a device has pushed need not come back to it: the answer says that it knows its own rows, and the next pull leaves them out.

#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace own_rows_test {

using namespace mutation_tests;
using json = nlohmann::json;

// Passes everything on, and keeps the keys of the rows that pulls brought.
struct listener {
    explicit listener(device& to) : d(to) {}
    device& d;
    std::vector<std::string> rows;
    std::vector<std::size_t> pushed;  // mutations of each push
    std::function<void(json&)> alter;

    sync_result sync(sync_mode mode = sync_mode::push_then_pull) {
        rows.clear();
        pushed.clear();
        return d.sync(mode, [this](const request& r) -> result<response> {
            auto answer = d.w.handle(r, d.name);
            if (r.path.ends_with("/push")) {
                const auto count = json::parse(r.body).at("mutations").size();
                if (count != 0) pushed.push_back(count);
            }
            json body = json::parse(answer.body);
            if (alter) alter(body);
            answer.body = body.dump();
            if (r.path.ends_with("/pull"))
                for (const auto& row : body.at("snapshots")) rows.push_back(row.at("entity_id"));
            return answer;
        });
    }
    base_row base(const std::string& key) {
        auto t = lab_must(d.store->begin());
        return lab_must(t.base(key_named(key)));
    }
};

using keys = std::vector<std::string>;

// A server whose table keeps rows as they are written, unless told otherwise.
struct plain_world : world {
    plain_world() { serve({}, {}); }
    void serve(memory_table_options rules, authority_options options) {
        server.reset();
        engine.reset();
        const schema_set models = store->schemas();
        store = std::make_unique<memory_authority_store>(models, std::move(rules));
        engine.emplace(*store, std::move(options));
        server.emplace(*engine);
    }
};

TEST_CASE("own rows: a device is not sent what it pushed, and knows it as the server's", "[wire]") {
    plain_world w;
    device a{w, "a"}, b{w, "b"};
    listener la{a}, lb{b};
    a.write("T", 1, 2);
    a.write("P", 3, 4);
    a.write("C1", 5, 6);
    CHECK(la.sync().ok());
    CHECK(la.rows == keys{});
    for (const char* key : {"T", "P", "C1"}) {
        CHECK(la.base(key).version == 1);
        CHECK_FALSE(la.base(key).provisional);
    }
    // It lacks nothing: what others do to those rows comes, and its next changes are made on what they are.
    b.sync();
    b.set("T", 0, 7);
    b.write("T2", 1, 1);
    b.erase("C1");
    a.set("P", 1, 9);
    a.set("T", 1, 8);
    CHECK(lb.sync().ok());
    const auto report = la.sync();
    CHECK(report.ok());
    CHECK(report.conflicts == 1);
    CHECK(la.rows == keys{"T2", "C1"});  // `T` came with the answer, merged
    b.sync();
    for (const char* key : {"T", "P", "C1", "T2"}) {
        CHECK(a.at(key) == w.at(key));
        CHECK(b.at(key) == w.at(key));
    }
}

TEST_CASE("own rows: what the server made otherwise than it was sent comes with the pull", "[wire]") {
    plain_world w;
    device a{w, "a"};
    listener la{a};
    memory_table_options rules;
    authority_options o;
    if (GENERATE(true, false)) {
        rules.trigger = [](const record_key&, record& r) { r.fields[3] = value::integer(77); };
    } else {
        o.mapper = [](const caller&, mutation& m) -> std::optional<rejection> {
            m.what.changes.set(3, value::integer(77));
            return std::nullopt;
        };
    }
    w.serve(std::move(rules), std::move(o));
    a.write("T", 1, 2);
    CHECK(la.sync().ok());
    CHECK(la.rows == keys{"T"});
    CHECK(a.at("T")->fields[3] == value::integer(77));
    // The same over a row whose base is known.
    a.set("T", 3, 5);
    CHECK(la.sync().ok());
    CHECK(la.rows == keys{"T"});
    CHECK(a.at("T") == w.at("T"));
    CHECK(a.at("T")->fields[3] == value::integer(77));
}

TEST_CASE("own rows: where rows have another shape on the wire, or on the device, they come", "[wire]") {
    plain_world w;
    mutation_client_options o;
    const auto where = GENERATE(0, 1, 2);
    INFO("who shapes: " << where);
    if (where == 0) {
        mutation_server_options shaping;
        shaping.outbound = [](const caller&, const model_schema&, const record_key&, record& r) { r.fields[3] = value::integer(77); };
        w.server.emplace(*w.engine, std::move(shaping));
    } else {
        payload_mapper& mapper = where == 1 ? o.inbound : o.outbound;
        mapper = [](const model_schema&, const record_key&, record& r) -> result<void> {
            r.fields[3] = value::integer(77);
            return {};
        };
    }
    device a{w, "a", o};
    listener la{a};
    a.write("T", 1, 2);
    CHECK(la.sync().ok());
    CHECK(la.rows == keys{"T"});
    CHECK(a.at("T")->fields[3] == value::integer(77));
    CHECK_FALSE(la.base("T").provisional);
}

TEST_CASE("own rows: a change over a base that is not known whole yet tells nothing of the fields beside it", "[wire]") {
    plain_world w;
    device a{w, "a"};
    listener la{a};
    a.write("T", 1, 2);
    // The server's answer says nothing of the row, and the device pulls nothing: its base is only what it sent.
    la.alter = [](json& body) { body.erase("told_whole"); };
    CHECK(la.sync(sync_mode::push_only).ok());
    CHECK(la.base("T").provisional);
    la.alter = {};
    a.set("T", 1, 3);
    CHECK(la.sync(sync_mode::push_only).ok());
    CHECK(la.base("T").provisional);
    a.set("T", 1, 4);
    CHECK(la.sync().ok());  // in one run
    CHECK(la.rows == keys{"T"});
    CHECK_FALSE(la.base("T").provisional);
}

TEST_CASE("own rows: where devices and the server's program write the same records, all agree", "[wire]") {
    plain_world w;
    device a{w, "a"}, b{w, "b"};
    listener la{a};
    for (const char* key : {"P", "C1", "C2", "T"}) a.write(key, 1, 1);
    a.sync();
    b.sync();
    w.write("C3", 5, 5);
    b.sync();
    b.erase("P");
    a.set("T", 0, 4);
    CHECK(b.sync().ok());
    CHECK(la.sync().ok());
    CHECK(la.rows.size() == 4);  // all but `T`
    b.sync();
    for (const char* key : {"P", "C1", "C2", "C3", "T"}) {
        CHECK(a.at(key) == w.at(key));
        CHECK(b.at(key) == w.at(key));
    }
}

TEST_CASE("own rows: what a foreign key's action did in the same bundle comes", "[wire]") {
    schema_set models;
    for (auto m : simulation::models(overlap_policy::by_field)) {
        for (auto& r : m.references) r.on_erase = reference_action::set_null;
        lab_must(models.add(std::move(m)));
    }
    memory_authority_store store{std::move(models), {}};
    authority<memory_authority_store> engine{store};
    lab_must(store.app_write("main", key_named("P"), world::row("P", 1, 1)));
    lab_must(store.app_write("main", key_named("C3"), world::row("C3", 2, 2)));
    lab_must(engine.seal_foreign("main", noon));
    const caller who{"main", "ann", "dev"};
    const auto pulled = [&](std::vector<std::int64_t> own) {
        pull_query q;
        q.from = 1;
        q.own = std::move(own);
        keys out;
        for (const auto& r : lab_must(engine.pull(who, q, noon)).rows.rows) out.push_back(r.key.key);
        return out;
    };
    mutation gone;
    gone.id = "m";
    gone.what.key = key_named("P");
    gone.what.op = operation::erase;
    gone.what.base.row_version = 1;
    const auto answer = lab_must(engine.push(who, {gone}, noon));
    REQUIRE(answer.told_whole == 2);
    CHECK(pulled({}).size() == 2);
    CHECK(pulled({2}) == keys{"C3"});
    CHECK(pulled({1}).size() == 2);
}

TEST_CASE("own rows: where the answer was lost, or the program started anew, they come", "[wire]") {
    plain_world w;
    device a{w, "a"};
    listener la{a};
    a.write("T", 1, 2);
    bool lost = false;
    CHECK(a.sync(sync_mode::push_only, [&](const request& r) -> result<response> {
        auto answer = w.handle(r, "a");
        if (!lost && r.path.ends_with("/push") && json::parse(r.body).at("mutations").size() == 1) {
            lost = true;
            return make_fault(errc::timed_out, "lost on purpose");
        }
        return answer;
    }).ok());
    REQUIRE(lost);
    CHECK(la.base("T").provisional);  // the receipt tells the version, not what became of the row
    CHECK(la.sync().ok());
    CHECK(la.rows == keys{"T"});

    a.write("T2", 1, 2);
    CHECK(la.sync(sync_mode::push_only).ok());
    CHECK(la.sync(sync_mode::pull_only).ok());  // a run that knows nothing of the one before
    CHECK(la.rows == keys{"T2"});
    CHECK(a.at("T2") == w.at("T2"));
}

TEST_CASE("own rows: a list that is none is refused by name, and an old client's is not looked at", "[wire]") {
    plain_world w;
    const auto ask = [&](const json& body) { return w.handle(request{http_method::post, "/tether/pull", {{"Content-Type", "application/json"}}, body.dump()}); };
    const json good{{"client_id", "c"}, {"last_sync_cursor", nullptr}, {"syncline", 1}, {"own", {1, 2}}};
    CHECK(ask(good).status == 200);
    for (const json& own : {json(1), json("1"), json{"x"}, json{1.5}, json{nullptr}, json(std::vector<int>(1001, 1))}) {
        json bad = good;
        bad["own"] = own;
        const auto answer = ask(bad);
        CHECK(answer.status == 422);
        CHECK(answer.body.find("`own`") != std::string::npos);
        bad.erase("syncline");
        CHECK(ask(bad).status == 200);
    }
}

TEST_CASE("own rows: a long queue goes out in requests that grow, and an answer that does not come makes them small again", "[wire]") {
    plain_world w;
    mutation_client_options o;
    o.batch_size = 3;
    device a{w, "a", o};
    listener la{a};
    const auto fill = [&](const std::string& name, int many) {
        for (int i = 0; i < many; ++i) a.write(name + std::to_string(i), i, i);
    };
    fill("T", 60);
    CHECK(la.sync().ok());
    CHECK(la.pushed == std::vector<std::size_t>{3, 3, 3, 3, 6, 12, 24, 6});
    CHECK(la.rows == keys{});

    fill("U", 60);
    la.pushed.clear();
    std::size_t n = 0;
    CHECK(a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (!r.path.ends_with("/push")) return w.handle(r, "a");
        la.pushed.push_back(json::parse(r.body).at("mutations").size());
        if (++n == 6) return make_fault(errc::timed_out, "lost on purpose");
        return w.handle(r, "a");
    }).ok());
    // The batch of twelve that is in flight goes out in parts.
    CHECK(la.pushed == std::vector<std::size_t>{3, 3, 3, 3, 6, 12, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3});
    for (int i = 0; i < 60; ++i) CHECK(w.at("U" + std::to_string(i)));
}

TEST_CASE("own rows: batches of 0 are all that waits", "[wire]") {
    plain_world w;
    mutation_client_options o;
    o.batch_size = 0;
    device a{w, "a", o};
    listener la{a};
    for (int i = 0; i < 250; ++i) a.write("T" + std::to_string(i), i, i);
    CHECK(la.sync().ok());
    CHECK(la.pushed == std::vector<std::size_t>{250});
}

TEST_CASE("own rows: of an answer of which a part cannot be read, every row comes", "[wire]") {
    plain_world w;
    device a{w, "a"};
    listener la{a};
    a.write("T", 1, 2);
    a.write("T2", 3, 4);
    bool spoiled = false;
    la.alter = [&](json& body) {
        if (!body.contains("outcomes") || body["outcomes"].size() != 2 || std::exchange(spoiled, true)) return;
        body["outcomes"][1]["status"] = "done";
    };
    const auto report = la.sync();
    REQUIRE(spoiled);
    CHECK(report.ok());
    CHECK(report.pushed == 2);
    CHECK(la.rows == keys{"T", "T2"});
    CHECK(a.at("T2") == w.at("T2"));
}

TEST_CASE("own rows: of a run with more pushes than a server takes numbers of, the rest comes", "[wire]") {
    plain_world w;
    mutation_client_options o;
    o.batch_size = o.grown_batch_size = 1;
    device a{w, "a", o};
    listener la{a};
    const std::size_t pushes = mutation_wire::max_own_bundles + 1;
    for (std::size_t i = 0; i < pushes; ++i) a.write("T" + std::to_string(i), static_cast<std::int64_t>(i), 0);
    const auto report = la.sync();
    CHECK(report.ok());
    CHECK(report.pushed == pushes);
    CHECK(la.rows.size() == 1);
    CHECK(json::parse(a.sent.back().body).at("own").size() == mutation_wire::max_own_bundles);
}

}  // namespace own_rows_test
