// The test peers of go-oversync against each other, by the tables of the sheet `bundle`: what a server of it does (2.1 to 2.6, 3.1).

#include "wire/bundle/oversync_world.hpp"

namespace oversync_peers_test {

using namespace oversync_tests;

namespace {

const json alice = person("alice");

json user_row(std::uint64_t n, const std::string& op = "INSERT", std::int64_t base = 0, const json& payload = alice) {
    return wire_row("users", id(n), op, base, op == "DELETE" ? json{} : payload);
}
json one(json r) { return json::array({std::move(r)}); }

/// A world with an initialised scope.
struct ready : world {
    explicit ready(server_options how = {}) : world(how) { raw.connect(false); }
    raw_source raw{*this};
    raw_source other{*this, "other"};
};

std::string error_text(const std::optional<response>& r) { return r ? r->body : "lost"; }

}  // namespace

TEST_CASE("oversync peer: the sheet's vectors of canonical JSON and of bundle hashes", "[wire][bundle][peer]") {
    const bundle_row a{"public", "users", "id", "row-1", "INSERT", 3, json::parse(R"({"name":"Alice","email":"alice@example.com"})")};
    CHECK(hash_input({a}).size() == 159);
    CHECK(hash_of({a}) == "677c5687bb91a8c2d34bc9e2e4f8c1d47981957bd876ba090c39b5e263d26b78");
    const bundle_row gone{"business", "users", "id", "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f", "DELETE", 7, nullptr};
    CHECK(hash_input({gone}).size() == 152);
    CHECK(hash_of({gone}) == "a0f213873e3867af9dfb0757a7884913682ee434368f51eaea4d839b27f8e8e7");
    const bundle_row escapes{"public", "users", "id", "row-1", "INSERT", 3,
                             json::parse("{\"id\":\"row-1\",\"email\":\"alice@example.com\",\"name\":\"A <&> \u00e9\U0001F600\u2028\\n\\u0001\"}")};
    const bundle_row numbers{"public", "users", "id", "row-2", "UPDATE", 3,
                             json::parse(R"({"id":"row-2","big":9007199254740993,"f":1.5,"g":1e21,"h":1e-7,"i":0.000001,"n":null,"t":true})")};
    CHECK(hash_input({escapes, numbers}).size() == 417);
    CHECK(hash_of({escapes, numbers}) == "f9019fed06137597c9ae325a6d1bd445fefdb3fa5eada65811a39084dcdbf597");
    CHECK(canonical(json::parse("[1234567890.123456789,-9223372036854775808,9223372036854775807,-0.0]")) ==
          "[1234567890.1234567,-9223372036854776000,9223372036854776000,-0]");
    CHECK(to_base64(from_hex("00ff10")) == "AP8Q");
    CHECK(to_hex(*from_base64("AP8=")) == "00ff");
    CHECK_FALSE(from_base64("AP8"));
    CHECK(time_text(*instant("2026-03-24T20:42:11.250+02:00"), "+00:00") == "2026-03-24T18:42:11.25+00:00");
    CHECK_FALSE(instant("2026-03-24 18:42:11"));
}

TEST_CASE("oversync peer: every row of the scope's lifecycle", "[wire][bundle][peer]") {
    SECTION("uninitialised, nothing pending: this source initialises it, empty") {
        world w;
        CHECK(raw_source{w}.connect(false) == "initialize_empty");
        CHECK(raw_source{w}.connect(true) == "remote_authoritative");
        CHECK(raw_source{w, "other"}.connect(false) == "remote_authoritative");
        CHECK(w.center.user("alice").initialized_by == "raw");
    }
    SECTION("uninitialised, rows pending: a lease, renewed for its owner, and refused to others") {
        world w;
        const raw_source owner{w}, other{w, "other"};
        const json first = body_of(owner.ask(http_method::post, "/sync/connect", {{"has_local_pending_rows", true}}));
        CHECK(first.at("resolution") == "initialize_local");
        w.center.pass(60);
        const json again = body_of(owner.ask(http_method::post, "/sync/connect", {{"has_local_pending_rows", true}}));
        CHECK(again.at("initialization_id") == first.at("initialization_id"));
        CHECK(again.at("lease_expires_at") != first.at("lease_expires_at"));
        const json later = body_of(other.ask(http_method::post, "/sync/connect", {{"has_local_pending_rows", true}}));
        CHECK(later.at("resolution") == "retry_later");
        CHECK(later.at("retry_after_seconds") == 900);
        CHECK_FALSE(later.contains("initialization_id"));
        CHECK(other.connect(false) == "retry_later");
        SECTION("the owner without rows initialises it empty") {
            CHECK(owner.connect(false) == "initialize_empty");
            CHECK(other.connect(false) == "remote_authoritative");
        }
        SECTION("an expired lease is as if nobody had begun") {
            w.center.pass(900);
            CHECK(told(owner.ask(http_method::get, "/sync/pull")) == "409 scope_uninitialized");
            CHECK(other.connect(true) == "initialize_local");
            CHECK(told(owner.create(1, 1, first.at("initialization_id").get<std::string>())) == "409 initialization_stale");
        }
        SECTION("every accepted chunk renews it") {
            const auto init = first.at("initialization_id").get<std::string>();
            w.center.pass(800);
            const auto push = body_of(owner.create(1, 1, init)).at("push_id").get<std::string>();
            w.center.pass(800);
            CHECK(told(owner.chunk(push, 0, one(user_row(1)))) == "200");
            w.center.pass(800);
            CHECK(told(owner.commit(push)) == "200");
            CHECK(other.connect(true) == "remote_authoritative");
        }
    }
    SECTION("reading needs an initialised scope") {
        world w;
        const raw_source a{w}, b{w, "other"};
        for (const char* path : {"/sync/pull", "/sync/snapshot-sessions"}) {
            const auto m = std::string_view{path} == "/sync/pull" ? http_method::get : http_method::post;
            CHECK(told(b.ask(m, path)) == "409 scope_uninitialized");
        }
        a.connect(true);
        CHECK(told(b.ask(http_method::get, "/sync/pull")) == "409 scope_initializing");
        CHECK(told(b.ask(http_method::post, "/sync/snapshot-sessions")) == "409 scope_initializing");
        CHECK(told(b.ask(http_method::get, "/sync/capabilities")) == "200");
    }
}

TEST_CASE("oversync peer: push create by the state of the scope and of its lease", "[wire][bundle][peer]") {
    world w;
    const raw_source a{w}, b{w, "other"};
    CHECK(told(a.create(0, 1)) == "400 push_session_invalid");
    CHECK(told(a.create(1, 0)) == "400 push_session_invalid");
    CHECK(told(a.ask(http_method::post, "/sync/push-sessions", "{")) == "400 invalid_request");
    CHECK(told(a.create(1, 1)) == "409 scope_uninitialized");
    CHECK(told(a.create(1, 1, "x")) == "410 initialization_expired");
    const auto init = body_of(a.ask(http_method::post, "/sync/connect", {{"has_local_pending_rows", true}})).at("initialization_id").get<std::string>();
    CHECK(told(a.create(1, 1)) == "400 push_session_invalid");
    CHECK(told(a.create(1, 1, "x")) == "409 initialization_stale");
    CHECK(told(b.create(1, 1, init)) == "409 initialization_stale");
    CHECK(told(a.commit(a.session(1, one(user_row(1)), init))) == "200");
    CHECK(told(a.create(2, 1, init)) == "400 push_session_invalid");
    CHECK(told(a.create(1, 1, init)) == "400 push_session_invalid");  // 8.2 item 1
    w.center.options.seed_retry_refused = false;
    CHECK(body_of(a.create(1, 1, init)).at("status") == "already_committed");
}

TEST_CASE("oversync peer: the conflict rule, every row of it", "[wire][bundle][peer]") {
    // Row 1 was never there, row 2 lives at version 1, row 3 is a tombstone of version 2.
    ready w;
    CHECK(told(w.raw.push(1, json::array({user_row(2), user_row(3)}))) == "200");
    CHECK(told(w.raw.push(2, one(user_row(3, "DELETE", 1)))) == "200");
    const auto attempt = [&](std::uint64_t n, const char* op, std::int64_t base) {
        const auto push = w.raw.session(3, one(user_row(n, op, base)));
        const auto out = w.raw.commit(push);
        if (out && !out->ok()) CHECK(told(w.raw.ask(http_method::erase, "/sync/push-sessions/" + push)) == "204");
        return out;
    };
    struct line {
        std::uint64_t row;
        const char* op;
        std::int64_t base;
        bool passes;
    };
    const line l = GENERATE(line{1, "INSERT", 0, true}, line{1, "INSERT", 1, false}, line{3, "INSERT", 2, true}, line{3, "INSERT", 0, false},
                            line{3, "INSERT", 1, false}, line{2, "INSERT", 0, false}, line{2, "INSERT", 1, false}, line{2, "UPDATE", 1, true},
                            line{2, "UPDATE", 0, false}, line{2, "UPDATE", 2, false}, line{2, "DELETE", 1, true}, line{2, "DELETE", 0, false},
                            line{1, "UPDATE", 0, false}, line{1, "DELETE", 0, false}, line{3, "UPDATE", 2, false}, line{3, "DELETE", 2, false});
    INFO(l.row << " " << l.op << " " << l.base);
    const auto out = attempt(l.row, l.op, l.base);
    CHECK(told(out) == (l.passes ? "200" : "409 push_conflict"));
    if (l.passes) return;
    const json c = read_json(out->body)->at("conflict");
    CHECK(c.at("op") == l.op);
    CHECK(c.at("base_row_version") == l.base);
    CHECK(c.at("server_row_version") == (l.row == 1 ? 0 : l.row == 2 ? 1 : 2));
    CHECK(c.at("server_row_deleted") == (l.row == 3));
    CHECK(c.at("server_row").is_null() == (l.row != 2));
    CHECK(w.center.user("alice").latest() == 2);
}

TEST_CASE("oversync peer: an error's bytes", "[wire][bundle][peer]") {
    ready w;
    CHECK(error_text(w.send(http_method::get, "/sync/pull", {}, "")) == "{\"error\":\"invalid_request\",\"message\":\"Oversync-Source-ID header is required\"}\n");
    body_of(w.raw.push(1, one(user_row(1, "INSERT", 0, {{"name", "<a&b>"}, {"email", nullptr}}))));
    CHECK(error_text(w.other.push(1, one(user_row(1)))) ==
          "{\"error\":\"push_conflict\",\"message\":\"the row was changed meanwhile\",\"conflict\":{\"schema\":\"business\",\"table\":\"users\",\"key\":{\"id\":\"" + id(1) +
              "\"},\"op\":\"INSERT\",\"base_row_version\":0,\"server_row_version\":1,\"server_row_deleted\":false,\"server_row\":{\"email\":null,\"id\":\"" + id(1) +
              "\",\"name\":\"\\u003ca\\u0026b\\u003e\"}}}\n");
    CHECK(w.send(http_method::post, "/sync/pull")->status == 405);
    CHECK(w.send(http_method::get, "/nowhere")->status == 404);
    w.center.draining = true;
    CHECK(told(w.raw.ask(http_method::get, "/sync/pull")) == "503 service_unavailable");
}

TEST_CASE("oversync peer: duplicates and the order of a source's bundles, every row of the table", "[wire][bundle][peer]") {
    ready w;
    SECTION("re-create after a commit whose answer was lost: the same metadata") {
        const json c = body_of(w.raw.push(1, one(user_row(1))));
        const json again = body_of(w.raw.create(1, 1));
        CHECK(again.at("status") == "already_committed");
        for (const char* m : {"bundle_seq", "source_id", "source_bundle_id", "row_count", "bundle_hash"}) CHECK(again.at(m) == c.at(m));
    }
    SECTION("re-create while staging: a new session, and the old rows are dropped") {
        const auto old = w.raw.session(1, one(user_row(1)));
        const auto made = body_of(w.raw.create(1, 1)).at("push_id").get<std::string>();
        CHECK(made != old);
        CHECK(told(w.raw.commit(old)) == "404 push_session_not_found");
        CHECK(told(w.raw.commit(made)) == "400 push_commit_invalid");
    }
    SECTION("re-commit after success: the session is gone") {
        const auto push = w.raw.session(1, one(user_row(1)));
        CHECK(told(w.raw.commit(push)) == "200");
        CHECK(told(w.raw.commit(push)) == "404 push_session_not_found");
    }
    SECTION("an id whose bundle is pruned, and one with a gap") {
        w.center.options.retained_bundles = 1;
        CHECK(told(w.raw.push(1, one(user_row(1)))) == "200");
        CHECK(told(w.raw.push(2, one(user_row(2)))) == "200");
        CHECK(told(w.raw.create(1, 1)) == "409 history_pruned");
        CHECK(told(w.raw.create(4, 1)) == "409 source_sequence_out_of_order");
        CHECK(told(w.raw.ask(http_method::get, "/sync/committed-bundles/1/rows")) == "409 history_pruned");
        CHECK(told(w.raw.ask(http_method::get, "/sync/committed-bundles/9/rows")) == "404 committed_bundle_not_found");
    }
    SECTION("two sessions of one bundle, the other one committed first") {
        const auto push = w.raw.session(1, one(user_row(1)));
        w.center.write("alice", "raw", [&](rows& data) { data.put({"users", id(9)}, server_state::typed(w.center.named("users"), id(9), alice)); });
        CHECK(told(w.raw.commit(push)) == "409 source_sequence_changed");
    }
    SECTION("a source that was retired meanwhile") {
        const auto push = w.raw.session(1, one(user_row(1)));
        body_of(w.raw.ask(http_method::post, "/sync/snapshot-sessions",
                          {{"source_replacement", {{"previous_source_id", "raw"}, {"new_source_id", "newer"}, {"reason", "history_pruned"}}}}));
        const auto late = w.raw.commit(push);
        CHECK(told(late) == "409 source_retired");
        CHECK(read_json(late->body)->at("source_id") == "raw");
        CHECK(read_json(late->body)->at("replaced_by_source_id") == "newer");
        CHECK(told(w.raw.create(1, 1)) == "409 source_retired");
        CHECK(told(raw_source{w, "newer"}.push(1, one(user_row(1)))) == "200");
        CHECK(w.center.user("alice").sources.at("newer").state == "active");
    }
    SECTION("the same id with other content is not noticed") {
        CHECK(told(w.raw.push(1, one(user_row(1)))) == "200");
        CHECK(body_of(w.raw.create(1, 7)).at("status") == "already_committed");
    }
}

TEST_CASE("oversync peer: chunks", "[wire][bundle][peer]") {
    ready w;
    const auto push = body_of(w.raw.create(1, 2)).at("push_id").get<std::string>();
    const auto bad = [&](json r) { return told(w.raw.chunk(push, 0, one(std::move(r)))); };
    CHECK(told(w.raw.chunk(push, 0, json::array())) == "400 push_chunk_invalid");
    CHECK(told(w.raw.chunk(push, -1, one(user_row(1)))) == "400 push_chunk_invalid");
    CHECK(bad(wire_row("nothing", id(1), "INSERT", 0, alice)) == "400 push_chunk_invalid");
    CHECK(bad(wire_row("users", "NOT-A-UUID", "INSERT", 0, alice)) == "400 push_chunk_invalid");
    CHECK(bad(wire_row("users", id(1), "MERGE", 0, alice)) == "400 push_chunk_invalid");
    CHECK(bad(wire_row("users", id(1), "INSERT", 0)) == "400 push_chunk_invalid");
    CHECK(bad(wire_row("users", id(1), "INSERT", 0, {{"_sync_scope_id", "x"}})) == "400 push_chunk_invalid");
    CHECK(bad(wire_row("users", id(1), "INSERT", 0, {{"id", id(2)}})) == "400 push_chunk_invalid");
    CHECK(bad(wire_row("files", id(1), "INSERT", 0, {{"data", "no base64"}})) == "400 push_chunk_invalid");
    json with_null = user_row(1, "DELETE", 1);
    with_null["payload"] = nullptr;
    CHECK(bad(with_null) == "400 push_chunk_invalid");
    CHECK(told(w.raw.chunk(push, 0, json::array({user_row(1), user_row(1)}))) == "400 push_chunk_invalid");
    CHECK(told(w.raw.chunk("not-a-session", 0, one(user_row(1)))) == "404 push_session_not_found");
    CHECK(told(raw_source{w, "raw", "bob"}.chunk(push, 0, one(user_row(1)))) == "403 push_session_forbidden");
    CHECK(told(w.raw.chunk(push, 1, one(user_row(1)))) == "409 push_chunk_out_of_order");
    CHECK(told(w.other.chunk(push, 0, one(user_row(1)))) == "200");  // the user is looked at, the source is not (8.2 item 14)
    CHECK(told(w.raw.chunk(push, 0, one(user_row(1)))) == "409 push_chunk_out_of_order");
    CHECK(told(w.raw.commit(push)) == "400 push_commit_invalid");
    CHECK(told(w.raw.chunk(push, 1, json::array({user_row(2), user_row(3)}))) == "400 push_chunk_invalid");
    w.center.pass(899);
    CHECK(told(w.raw.chunk(push, 1, one(user_row(1)))) == "200");
    CHECK(told(w.raw.commit(push)) == "400 push_commit_invalid");  // the same target in two chunks
    w.center.pass(900);
    CHECK(told(w.raw.commit(push)) == "410 push_session_expired");
}

TEST_CASE("oversync peer: a bundle holds what the commit did, cascades and defaults among it", "[wire][bundle][peer]") {
    ready w;
    json post = wire_row("posts", id(11), "INSERT", 0, {{"title", "first"}, {"author_id", id(1)}});
    CHECK(told(w.raw.push(1, json::array({post, user_row(1)}))) == "200");  // foreign keys wait for the commit
    const json c = body_of(w.raw.push(2, one(user_row(1, "DELETE", 1))));
    CHECK(c.at("row_count") == 2);
    const json page = body_of(w.raw.ask(http_method::get, "/sync/committed-bundles/2/rows?max_rows=1"));
    CHECK(page.at("next_row_ordinal") == 0);
    CHECK(page.at("has_more") == true);
    const json rest = body_of(w.raw.ask(http_method::get, "/sync/committed-bundles/2/rows?after_row_ordinal=0"));
    CHECK(rest.at("next_row_ordinal") == 1);
    CHECK(rest.at("has_more") == false);
    CHECK(rest.at("rows")[0].at("table") == "posts");
    CHECK(rest.at("rows")[0].at("row_version") == 2);
    CHECK(body_of(w.raw.ask(http_method::get, "/sync/committed-bundles/2/rows?after_row_ordinal=7")).at("next_row_ordinal") == 7);
    CHECK(told(w.raw.ask(http_method::get, "/sync/committed-bundles/2/rows?max_rows=0")) == "400 committed_bundle_chunk_invalid");
    // A child without its parent is an opaque 500 (8.2 item 13), and nothing of it stays.
    CHECK(told(w.raw.push(3, one(wire_row("posts", id(12), "INSERT", 0, {{"author_id", id(8)}})))) == "500 push_session_commit_failed");
    CHECK(told(w.raw.push(3, one(wire_row("posts", id(12), "INSERT", 0, {{"no_such", 1}})))) == "500 push_session_commit_failed");
    CHECK(w.center.user("alice").latest() == 2);
    // Delete and insert of one key in one bundle is an UPDATE for those who pull.
    CHECK(told(w.raw.push(3, one(user_row(2)))) == "200");
    w.center.write("alice", "host", [&](rows& data) {
        data.erase(w.center.registered(), {"users", id(2)});
        data.put({"users", id(2)}, server_state::typed(w.center.named("users"), id(2), person("again")));
        data.put({"users", id(3)}, server_state::typed(w.center.named("users"), id(3), alice));
        data.erase(w.center.registered(), {"users", id(3)});
    });
    const json pulled = body_of(w.raw.ask(http_method::get, "/sync/pull?after_bundle_seq=3"));
    REQUIRE(pulled.at("bundles").size() == 1);
    REQUIRE(pulled.at("bundles")[0].at("rows").size() == 1);
    CHECK(pulled.at("bundles")[0].at("rows")[0].at("op") == "UPDATE");
    CHECK(pulled.at("bundles")[0].at("source_id") == "host");
}

TEST_CASE("oversync peer: what PostgreSQL makes of values", "[wire][bundle][peer]") {
    ready w;
    json file{{"name", "f"}, {"size", "41"}, {"rating", "2.50"}, {"data", "AP8="}, {"done", 1}, {"made_at", "2026-03-24T20:42:11+02:00"}};
    CHECK(told(w.raw.push(1, one(wire_row("files", id(1), "INSERT", 0, file)))) == "200");
    const json r = body_of(w.raw.ask(http_method::get, "/sync/pull")).at("bundles")[0].at("rows")[0].at("payload");
    CHECK(go_text(r) == "{\"data\":\"AP8=\",\"done\":true,\"id\":\"" + id(1) + "\",\"made_at\":\"2026-03-24T18:42:11+00:00\",\"name\":\"f\",\"rating\":2.5,\"size\":41}");
    CHECK(told(w.raw.push(2, one(wire_row("files", id(1), "UPDATE", 1, {{"done", "0"}, {"size", 9007199254740993}})))) == "200");
    CHECK(w.center.cell("alice", "files", id(1), "done") == "false");
    CHECK(w.center.cell("alice", "files", id(1), "size") == "9007199254740992");
    CHECK(w.center.cell("alice", "files", id(1), "name") == "f");
    CHECK(told(w.raw.push(3, one(wire_row("files", id(1), "UPDATE", 2, {{"size", 9223372036854775807}})))) == "500 push_session_commit_failed");
    w.center.options.rounds_numbers = false;
    CHECK(told(w.raw.push(3, one(wire_row("files", id(1), "UPDATE", 2, {{"size", 9223372036854775807}})))) == "200");
    CHECK(w.center.cell("alice", "files", id(1), "size") == "9223372036854775807");
}

TEST_CASE("oversync peer: pull with its ceiling, its pages and its odd floor", "[wire][bundle][peer]") {
    ready w;
    w.center.options.retained_bundles = 3;
    for (std::int64_t n = 1; n <= 5; ++n) CHECK(told(w.raw.push(n, one(user_row(static_cast<std::uint64_t>(n))))) == "200");
    const auto pull = [&](const std::string& query) { return w.raw.ask(http_method::get, "/sync/pull?" + query); };
    CHECK(told(pull("after_bundle_seq=1")) == "409 history_pruned");
    CHECK(told(pull("after_bundle_seq=2")) == "409 history_pruned");  // nothing is missing, and yet
    CHECK(body_of(pull("after_bundle_seq=0")).at("bundles").size() == 3);  // silently without two
    CHECK(body_of(pull("after_bundle_seq=3&target_bundle_seq=9")).at("stable_bundle_seq") == 9);
    const json page = body_of(pull("after_bundle_seq=3&max_bundles=1"));
    CHECK(page.at("has_more") == true);
    CHECK(page.at("stable_bundle_seq") == 5);
    CHECK(body_of(pull("after_bundle_seq=4&target_bundle_seq=4")).at("bundles").empty());
    for (const char* bad : {"max_bundles=0", "max_bundles=5001", "after_bundle_seq=-1", "after_bundle_seq=x", "target_bundle_seq=-1"})
        CHECK(told(pull(bad)) == "400 invalid_request");
    w.center.options.odd_floor = false;
    CHECK(told(pull("after_bundle_seq=2")) == "200");
    CHECK(told(pull("after_bundle_seq=0")) == "409 history_pruned");
}

TEST_CASE("oversync peer: snapshots, frozen and by pages", "[wire][bundle][peer]") {
    ready w;
    CHECK(told(w.raw.push(1, json::array({user_row(1), user_row(2), user_row(3)}))) == "200");
    const json s = body_of(w.raw.ask(http_method::post, "/sync/snapshot-sessions"));
    const std::string path = "/sync/snapshot-sessions/" + s.at("snapshot_id").get<std::string>();
    CHECK(s.at("row_count") == 3);
    CHECK(s.at("snapshot_bundle_seq") == 1);
    CHECK(told(w.raw.push(2, one(user_row(2, "DELETE", 1)))) == "200");
    const json page = body_of(w.raw.ask(http_method::get, path + "?max_rows=2"));
    CHECK(page.at("rows").size() == 2);
    CHECK(page.at("next_row_ordinal") == 2);
    CHECK(page.at("has_more") == true);
    CHECK_FALSE(page.at("rows")[0].contains("op"));
    CHECK(body_of(w.raw.ask(http_method::get, path + "?after_row_ordinal=2")).at("rows").size() == 1);
    CHECK(told(w.raw.ask(http_method::get, path + "?max_rows=0")) == "400 snapshot_chunk_invalid");
    CHECK(told(raw_source{w, "raw", "bob"}.ask(http_method::get, path)) == "403 snapshot_session_forbidden");
    CHECK(told(w.raw.ask(http_method::get, "/sync/snapshot-sessions/x")) == "500 snapshot_chunk_failed");
    CHECK(told(w.raw.ask(http_method::get, "/sync/snapshot-sessions/" + id(1))) == "404 snapshot_session_not_found");
    CHECK(told(w.raw.ask(http_method::post, "/sync/snapshot-sessions", {{"unknown", 1}})) == "400 snapshot_session_invalid");
    w.center.pass(900);
    CHECK(told(w.raw.ask(http_method::get, path)) == "410 snapshot_session_expired");
    CHECK(told(w.raw.ask(http_method::erase, path)) == "204");
    w.center.options.max_rows_per_snapshot = 1;
    CHECK(told(w.raw.ask(http_method::post, "/sync/snapshot-sessions")) == "500 snapshot_session_create_failed");
}

TEST_CASE("oversync peer: replacing a source", "[wire][bundle][peer]") {
    ready w;
    const auto replace = [&](const raw_source& by, const std::string& old, const std::string& made, const std::string& why = "history_pruned") {
        return by.ask(http_method::post, "/sync/snapshot-sessions", {{"source_replacement", {{"previous_source_id", old}, {"new_source_id", made}, {"reason", why}}}});
    };
    CHECK(told(replace(w.raw, "other", "n")) == "400 snapshot_session_invalid");
    CHECK(told(replace(w.raw, "raw", "raw")) == "400 snapshot_session_invalid");
    CHECK(told(replace(w.raw, "raw", "n", "because")) == "400 snapshot_session_invalid");
    CHECK(told(w.other.push(1, one(user_row(1)))) == "200");
    CHECK(told(replace(w.raw, "raw", "other")) == "409 source_replacement_invalid");
    CHECK(told(replace(w.raw, "raw", "n")) == "200");
    CHECK(told(replace(w.raw, "raw", "n")) == "200");
    const auto diverged = replace(w.raw, "raw", "m");
    CHECK(told(diverged) == "409 source_retired");
    CHECK(read_json(diverged->body)->at("replaced_by_source_id") == "n");
    CHECK(w.center.user("alice").sources.at("n").state == "reserved");
    CHECK(told(w.raw.ask(http_method::get, "/sync/pull")) == "200");  // a retired source may still read
}

TEST_CASE("oversync peer: capabilities and the event stream's text", "[wire][bundle][peer]") {
    ready w;
    const json c = w.center.capabilities();
    CHECK(c.at("protocol_version") == "v1");
    CHECK(c.at("features").at("connect_lifecycle") == true);
    CHECK(c.at("bundle_limits").at("max_bundles_per_pull") == 5000);
    CHECK_FALSE(c.contains("app_name"));
    const auto watch = [&](const std::string& query = "") { return w.raw.ask(http_method::get, "/sync/watch" + query); };
    CHECK(told(watch("?after_bundle_seq=x")) == "400 invalid_request");
    CHECK(told(watch()) == "503 bundle_change_watch_disabled");
    w.center.options.watch = true;
    CHECK(watch()->body == ": heartbeat\n\n");
    CHECK(told(w.raw.push(1, one(user_row(1)))) == "200");
    CHECK(watch()->body == "event: bundle\ndata: {\"bundle_seq\":1}\n\n");
    w.center.options.watch_forbidden = true;
    CHECK(told(watch("?after_bundle_seq=x")) == "403 bundle_change_watch_forbidden");
}

}  // namespace oversync_peers_test
