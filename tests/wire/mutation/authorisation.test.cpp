// Promise 8 on the wire: a principal reads and writes only what it may see, by any operation, key, stamp or id, and no answer tells what else
// there is.

#include <syncline/conflict/resolvers.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/wire/sync_server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace authorisation_test {

namespace {

using namespace syncline;
using simulation::key_named;
using simulation::lab_must;

const timestamp noon = from_microseconds(1'700'000'000'000'000);

record node_of(std::int64_t a, std::int64_t b) { return record{{value::integer(a), value::integer(b), value::integer(0), value::integer(0), value{}}}; }
record child_of(std::int64_t a, std::int64_t b, const std::string& parent) {
    record r = node_of(a, b);
    r.fields.push_back(value::text(parent));
    return r;
}

// Nodes and children lie in the bucket that their field b names; ann is granted g1, eve g2.
struct house {
    explicit house(resolver_set resolvers = resolver_set{resolvers::client_wins{}})
        : store{[] {
              schema_set s;
              for (auto& m : simulation::models(overlap_policy::by_field)) lab_must(s.add(std::move(m)));
              return s;
          }()},
          server{store, options(std::move(resolvers)), [this] { return now; }, [this] { return random.next(); }} {
        server.mount_mutation_wire();
        write("main", "mine", node_of(1, 1));
    }
    authority_options options(resolver_set resolvers) {
        authority_options o;
        o.resolvers = std::move(resolvers);
        const bucket_rule by_b = [](const model_schema&, std::string_view, const record& row) {
            return row.fields[1].is_null() ? label_set{} : label_set{"g" + std::to_string(row.fields[1].as_integer())};
        };
        o.scopes.buckets = {{"node", by_b}, {"child", by_b}};
        o.scopes.granted = [this](std::string_view tenant, std::string_view who) { return tenant == "main" ? grants[std::string{who}] : label_set{"g1"}; };
        return o;
    }
    void write(const std::string& tenant, const std::string& key, const record& row) {
        lab_must(store.app_write(tenant, key_named(key), row));
        lab_must(server.engine().seal_foreign(tenant, now));
    }
    void erase(const std::string& tenant, const std::string& key) {
        lab_must(store.app_erase(tenant, key_named(key)));
        lab_must(server.engine().seal_foreign(tenant, now));
    }
    response post(const std::string& path, const std::string& body, const std::string& who = "ann") {
        return server(request{http_method::post, path, {}, body}, principal{who, "main"});
    }

    timestamp now = noon;
    seeded_random random{1};
    std::map<std::string, label_set> grants{{"ann", {"g1"}}, {"eve", {"g2"}}};
    memory_authority_store store;
    sync_server<memory_authority_store> server;
};

std::string all_of(const response& r) {
    std::string out = std::to_string(r.status) + "\n";
    for (const auto& h : r.headers) out.append(h.name).append(": ").append(h.value).append("\n");
    return out.append(r.body);
}

std::string mutation_json(const std::string& id, const std::string& key, const std::string& operation, std::int64_t stamp, bool extended,
                          const std::string& payload, std::int64_t base = 0) {
    std::string m = R"({"mutation_id":")" + id + R"(","entity_id":")" + key + R"(","model":")" + (key.starts_with("C") ? "child" : "node") +
                    R"(","operation":")" + operation + R"(","payload":)" + (operation == "delete" ? "[]" : payload) + R"(,"version":1,"timestamp":)" + std::to_string(stamp);
    if (extended) m += R"(,"base":{"row_version":)" + std::to_string(base) + "}";
    return m + "}";
}
std::string push_json(const std::vector<std::string>& mutations, bool extended) {
    std::string body = extended ? R"({"client_id":"dev","syncline":1,"mutations":[)" : R"({"client_id":"dev","mutations":[)";
    for (std::size_t i = 0; i < mutations.size(); ++i) body.append(i == 0 ? "" : ",").append(mutations[i]);
    return body + "]}";
}
const std::string a_row = R"({"a":7,"b":1,"n":0,"m":0,"s":null})";

// What can be with a key that is not there for ann. The stand-in has the same history under another key.
enum class state { unknown, foreign, invisible, dead, under_invisible };
void furnish(house& h, state what, const std::string& key) {
    switch (what) {
    case state::unknown: break;
    case state::foreign:
        h.write("main", "y2", node_of(5, 2));
        h.write("other", key, node_of(5, 1));
        break;
    case state::invisible: h.write("main", key, node_of(5, 2)); break;
    case state::dead:
        h.write("main", key, node_of(5, 2));
        h.erase("main", key);
        break;
    case state::under_invisible:
        h.write("main", "hidden", node_of(5, 2));
        h.write("main", key, child_of(5, 1, "hidden"));
        break;
    }
}

}  // namespace

TEST_CASE("W40 W41: no operation, key, stamp or id tells a record that is not visible from one that does not exist, byte by byte") {
    std::size_t compared = 0;
    for (const auto what : {state::foreign, state::invisible, state::dead, state::under_invisible})
        for (const char* operation : {"create", "update", "delete"})
            for (const std::int64_t stamp : {std::int64_t{1}, std::int64_t{1'700'000'000'000}, std::int64_t{9'000'000'000'000}})
                for (const bool extended : {false, true})
                    for (const std::int64_t base : {0, 2, 99})
                        for (const char* id : {"01HF7YAVZDZY2TFW4C1V9P3PTB", "7c1e1ad4-6b51-4ad8-9a3c-0a1f3a3f5b11"}) {
                            if (!extended && base != 0) continue;
                            const bool is_child = what == state::under_invisible;
                            const std::string key = is_child ? "Cx" : "x";
                            const bool taken = std::string_view{operation} == "create" && what != state::dead;
                            const auto ask = [&](house& h) {
                                h.now = noon + std::chrono::seconds{1};
                                const std::string payload = is_child ? R"({"a":7,"b":1,"n":0,"m":0,"s":null,"parent":"mine"})" : a_row;
                                const auto body = push_json({mutation_json(id, key, operation, stamp, extended, payload, base)}, extended);
                                std::string answers = all_of(h.post("/tether/push", body));
                                answers.append(all_of(h.post("/tether/push", body)));  // and again: the receipt answers
                                if (extended)  // what it may say of the key by asking for it again
                                    answers.append(all_of(h.post("/tether/pull", R"({"client_id":"new","syncline":1,"last_sync_cursor":null,"unread":[{"model":")" +
                                                                                     std::string{is_child ? "child" : "node"} + R"(","entity_id":")" + key + R"("}]})")));
                                return answers;
                            };
                            house there;
                            furnish(there, what, key);
                            // A key that is taken cannot be created; that is so for another tenant's key as for one that is not visible.
                            house other;
                            if (taken) {
                                if (what == state::under_invisible) continue;
                                furnish(other, what == state::foreign ? state::invisible : state::foreign, key);
                            } else {
                                furnish(other, what, is_child ? "Cy" : "y");
                            }
                            const auto before = there.store.row("main", key_named(key));
                            INFO("state " << static_cast<int>(what) << ", " << operation << ", stamp " << stamp << ", extended " << extended << ", base " << base);
                            if (what == state::dead && std::string_view{operation} == "create") {
                                // Free for both, and its version is that of its bundle.
                                CHECK(ask(there) == ask(other));
                            } else {
                                const std::string told = ask(there);
                                CHECK(told == ask(other));
                                CHECK(told.find(R"("applied":[],"rejected":[{)") != std::string::npos);
                                CHECK(told.find("not_found") != std::string::npos);
                                CHECK(told.find(R"("a":5)") == std::string::npos);
                                CHECK(there.store.row("main", key_named(key)) == before);
                            }
                            ++compared;
                        }
    CHECK(compared > 150);
}

TEST_CASE("W40: a stamp in the far future or a create wins nothing, and the resolver is not even asked") {
    int asked = 0;
    house h{resolver_set{resolver{[&](const conflict&, const resolver_context&) {
        ++asked;
        return resolution{};
    }}}};
    h.write("main", "theirs", node_of(5, 2));
    for (const char* operation : {"create", "update", "delete"})
        h.post("/tether/push", push_json({mutation_json(std::string{"m-"} + operation, "theirs", operation, 9'000'000'000'000, true, a_row)}, true));
    CHECK(asked == 0);
    CHECK(h.store.row("main", key_named("theirs")) == node_of(5, 2));
}

TEST_CASE("W41: a record can be moved neither out of another's bucket nor into one that is not granted, and a conflict shows nothing") {
    house h{resolver_set{resolvers::server_wins{}}};
    h.write("main", "theirs", node_of(5, 2));
    // Into the attacker's bucket; read by an old stamp; out of one's own bucket; created in another's.
    const auto pulled = h.post("/tether/push", push_json({mutation_json("m1", "theirs", "update", 1, true, R"({"b":1})")}, true));
    CHECK(pulled.body.find("server_state") == std::string::npos);
    CHECK(h.store.row("main", key_named("theirs")) == node_of(5, 2));
    const auto out = h.post("/tether/push", push_json({mutation_json("m2", "mine", "update", 1, true, R"({"b":2})", 1)}, true));
    CHECK(out.body.find("forbidden") != std::string::npos);
    CHECK(h.store.row("main", key_named("mine")) == node_of(1, 1));
    const auto made = h.post("/tether/push", push_json({mutation_json("m3", "fresh", "create", 1, true, R"({"a":1,"b":2})")}, true));
    CHECK(made.body.find("forbidden") != std::string::npos);
    CHECK_FALSE(h.store.row("main", key_named("fresh")));
    // Nor hung below what is not visible; it looks like what does not exist.
    const auto below = [&](const std::string& id, const std::string& parent) {
        std::string body = h.post("/tether/push", push_json({mutation_json(id, "C" + id, "create", 1, true, R"({"a":1,"b":1,"parent":")" + parent + R"("})")}, true)).body;
        for (auto at = body.find(id); at != std::string::npos; at = body.find(id)) body.replace(at, id.size(), "*");
        return body;
    };
    CHECK(below("m5", "nothing").find("not_found") != std::string::npos);
    CHECK(below("m4", "theirs").find("not_found") != std::string::npos);
    CHECK(below("m6", "theirs") == below("m7", "nothing"));
    CHECK_FALSE(h.store.row("main", key_named("Cm4")));
}

TEST_CASE("W41: an erase that would take along what is not visible is refused whatever the resolver says, however far it is") {
    for (const auto& [owner, grandchild] : {std::pair{std::string{"hidden child"}, false}, std::pair{std::string{"a visible one too"}, true}}) {
        house h{resolver_set{resolvers::client_wins{}}};
        h.write("main", "C1", child_of(1, 2, "mine"));
        if (grandchild) h.write("main", "C2", child_of(1, 1, "mine"));
        INFO(owner);
        const auto answer = h.post("/tether/push", push_json({mutation_json("m1", "mine", "delete", 9'000'000'000'000, true, "[]", 1)}, true));
        CHECK(answer.body.find("forbidden") != std::string::npos);
        CHECK(answer.body.find(R"("status":"refused")") != std::string::npos);
        CHECK(h.store.row("main", key_named("mine")));
        CHECK(h.store.row("main", key_named("C1")));
    }
}

TEST_CASE("W41: a repeated answer carries the row only while it is visible") {
    house h{resolver_set{resolvers::server_wins{}}};
    h.write("main", "mine", node_of(2, 1));
    const auto push = push_json({mutation_json("m1", "mine", "update", 1, true, R"({"a":9})", 1)}, true);
    CHECK(h.post("/tether/push", push).body.find(R"("row":{"a":2)") != std::string::npos);
    CHECK(h.post("/tether/push", push).body.find(R"("row":{"a":2)") != std::string::npos);
    h.grants["ann"] = {};
    const auto hidden = h.post("/tether/push", push);
    CHECK(hidden.body.find(R"("row")") == std::string::npos);
    CHECK(hidden.body.find(R"("a":2)") == std::string::npos);
    CHECK(hidden.body.find(R"("out_of_view":true)") != std::string::npos);
}

TEST_CASE("W42: a model that is not registered can be neither written nor read") {
    // The same mutation, which ann may make of a node, under other names.
    const auto push = [](house& h, const std::string& model) {
        return h.post("/tether/push", R"({"client_id":"dev","mutations":[{"mutation_id":"m","entity_id":"u","model":")" + model +
                                          R"(","operation":"create","payload":)" + a_row + R"(,"version":1,"timestamp":1}]})");
    };
    house registered;
    CHECK(push(registered, R"(App\\Models\\node)").body.find(R"("applied":["m"])") != std::string::npos);
    CHECK(registered.store.row("main", key_named("u")));
    for (const char* model : {R"(App\\Models\\User)", "nod", "nodes", "Node", ""}) {
        INFO(model);
        house h;
        const auto answer = push(h, model);
        CHECK(answer.status == 200);
        CHECK(answer.body.find(R"("applied":[])") != std::string::npos);
        CHECK(answer.body.find(R"("rejected":[{"mutation_id":"m","reason":"error")") != std::string::npos);
        CHECK_FALSE(h.store.row("main", key_named("u")));
    }
}

TEST_CASE("W43: who is granted nothing, and who has no rule at all, sees no record of a model with buckets") {
    house h;
    CHECK(h.post("/tether/pull", R"({"client_id":"dev","last_sync_cursor":null})", "stranger").body.find("mine") == std::string::npos);
    CHECK(h.post("/tether/pull", R"({"client_id":"dev","last_sync_cursor":null})", "ann").body.find("mine") != std::string::npos);
    authority_options o = h.options(resolver_set{});
    o.scopes.granted = nullptr;
    sync_server<memory_authority_store> closed{h.store, o, [] { return noon; }, [&] { return h.random.next(); }};
    closed.mount_mutation_wire();
    CHECK(closed(request{http_method::post, "/tether/pull", {}, R"({"client_id":"dev"})"}, principal{"ann", "main"}).body.find("mine") == std::string::npos);
}

TEST_CASE("W44: another's client_id and cursor open nothing, and take nothing from it") {
    house h;
    h.write("main", "theirs", node_of(5, 2));
    const auto first = h.post("/tether/pull", R"({"client_id":"eve-phone","syncline":1,"last_sync_cursor":null})", "eve");
    CHECK(first.body.find("theirs") != std::string::npos);
    const auto at = first.body.find("\"new_sync_cursor\":") + 18;
    const std::string cursor = first.body.substr(at, first.body.find(',', at) - at);
    const std::string next = R"({"client_id":"eve-phone","syncline":1,"last_sync_cursor":)" + cursor + "}";
    for (const std::string& body : {next, std::string{R"({"client_id":"eve-phone","syncline":1,"last_sync_cursor":null})"}}) {
        const auto answer = h.post("/tether/pull", body, "ann");
        CHECK(answer.body.find("theirs") == std::string::npos);
        CHECK(answer.status == (body == next ? 409 : 200));  // a cursor is its principal's own
    }
    CHECK(h.post("/tether/pull", next, "eve").status == 200);
}

TEST_CASE("W45: members of a row that are no fields of the model are in no answer") {
    // The memory store has no other columns; what is asked for by name is refused.
    house h;
    const auto answer = h.post("/tether/push", push_json({mutation_json("m", "mine", "update", 1, true, R"({"password":"p"})", 1)}, true));
    CHECK(answer.body.find("unknown_field") != std::string::npos);
    CHECK(h.store.row("main", key_named("mine")) == node_of(1, 1));
}

TEST_CASE("W43: a server whose models have buckets does not open them to the bundle wire, which serves whole tenants") {
    house h;
    const auto mounted = h.server.mount_bundle_wire();
    REQUIRE_FALSE(mounted);
    CHECK(mounted.error().code == errc::unsupported);
    CHECK(mounted.error().detail.find("`node`") != std::string::npos);
    CHECK(h.server.engine().create_snapshot({"main", "ann", "dev"}, "s", noon).error().code == errc::unsupported);
    CHECK(h.server.engine().bundles_after({"main", "ann", "dev"}, 0, 10, 0, noon).error().code == errc::unsupported);
}

}  // namespace authorisation_test
