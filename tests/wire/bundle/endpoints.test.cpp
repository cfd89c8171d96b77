// Every endpoint of the bundle wire: status, code, members and the order of its checks (sheet `bundle`, sections 1 and 2), one line a case.

#include "wire/bundle/server_fixture.hpp"

#include <functional>

namespace endpoints_test {

using namespace bundle_fixture;
using namespace std::chrono_literals;

namespace {

const std::string home = insert_project("p", "home");
const std::string gone = "00000000-0000-4000-8000-000000000000";
const std::string head_members = "bundle_seq source_id source_bundle_id row_count bundle_hash";

/// The server as a line of the table finds it.
struct world : raw_server {
    std::string session;   // of `device`, of its bundle 2, with one row of two
    std::string snapshot;
    std::string right;     // to fill the account, of `device`

    explicit world(bundle_server_options options = {}) : raw_server({}, std::move(options)) {}
    static void empty(world&) {}
    static void filling(world& s) { s.right = text_in(s.connect(true).body, "initialization_id"); }
    static void filled(world& s) {
        REQUIRE(s.connect().status == 200);
        REQUIRE(s.push(1, home).status == 200);
        s.session = text_in(s.create(2, 2).body, "push_id");
        REQUIRE(s.chunk(s.session, 0, insert_project("q", "q")).status == 200);
        s.snapshot = text_in(s.post("/snapshot-sessions").body, "snapshot_id");
    }
    static void expired(world& s) {
        filled(s);
        s.now += 900s + 1us;
    }
    static void pruned(world& s) {
        filled(s);
        REQUIRE(s.push(2, insert_project("q", "q")).status == 200);
        must(s.engine.prune("home", 1, s.now));
    }
    static void retired(world& s) {
        filled(s);
        REQUIRE(s.post("/snapshot-sessions", R"({"source_replacement":{"previous_source_id":"device","new_source_id":"next","reason":"history_pruned"}})").status == 200);
    }
};

struct line {
    const char* what;
    void (*given)(world&);
    std::function<response(world&)> asked;
    int status;
    std::string code;     // of an error; empty: none
    std::string members;  // of the body, in their order; empty: no body
};

std::string replacement(const std::string& previous, const std::string& next, const std::string& reason = "source_retired") {
    return R"({"source_replacement":{"previous_source_id":")" + previous + R"(","new_source_id":")" + next + R"(","reason":")" + reason + R"("}})";
}
std::string session_path(const world& s) { return "/push-sessions/" + s.session; }
std::string snapshot_path(const world& s) { return "/snapshot-sessions/" + s.snapshot; }

void check(const std::vector<line>& lines) {
    for (const auto& l : lines) {
        INFO(l.what);
        world s;
        l.given(s);
        const auto r = l.asked(s);
        INFO(r.body);
        CHECK(r.status == l.status);
        if (!l.code.empty()) CHECK(text_in(r.body, "error") == l.code);
        if (l.status == 204) {
            CHECK(r.body.empty());
            continue;
        }
        CHECK(members_of(r.body) == (l.members.empty() ? "error message" : l.members));
        CHECK(find_header(r.headers, "Content-Type").value_or("") == "application/json");
    }
}

}  // namespace

TEST_CASE("bundle endpoints: connect") {
    check({
        {"nobody, with rows", world::empty, [](world& s) { return s.connect(true); }, 200, "", "resolution initialization_id lease_expires_at epoch"},
        {"nobody, without", world::empty, [](world& s) { return s.connect(); }, 200, "", "resolution epoch"},
        {"the owner again", world::filling, [](world& s) { return s.connect(true); }, 200, "", "resolution initialization_id lease_expires_at epoch"},
        {"another one", world::filling, [](world& s) { return s.connect(true, "other"); }, 200, "", "resolution lease_expires_at retry_after_seconds epoch"},
        {"filled", world::filled, [](world& s) { return s.connect(true); }, 200, "", "resolution epoch"},
        {"a retired source", world::retired, [](world& s) { return s.connect(true); }, 200, "", "resolution epoch"},
        {"no JSON", world::empty, [](world& s) { return s.post("/connect", "{"); }, 400, "invalid_request", {}},
        {"no body", world::empty, [](world& s) { return s.post("/connect"); }, 400, "invalid_request", {}},
        {"another type", world::empty, [](world& s) { return s.post("/connect", R"({"has_local_pending_rows":"yes"})"); }, 400, "invalid_request", {}},
        {"another method", world::empty, [](world& s) { return s.get("/connect"); }, 405, "method_not_allowed", {}},
        {"no source", world::empty, [](world& s) { return s.post("/connect", "{}", " "); }, 400, "invalid_request", {}},
    });
}

TEST_CASE("bundle endpoints: create a push session") {
    const std::string staging = "push_id status planned_row_count epoch";
    check({
        {"staging", world::filled, [](world& s) { return s.create(2, 1); }, 200, "", staging},
        {"already committed", world::filled, [](world& s) { return s.create(1, 1); }, 200, "", "status " + head_members + " content_hash epoch"},
        {"already committed comes before the right", world::filled, [](world& s) { return s.create(1, 1, "device", "x"); }, 200, "", "status " + head_members + " content_hash epoch"},
        {"already committed comes before retirement", world::retired, [](world& s) { return s.create(1, 1); }, 200, "", "status " + head_members + " content_hash epoch"},
        {"already committed below the floor", world::pruned, [](world& s) { return s.create(1, 1); }, 200, "", "status " + head_members + " content_hash epoch"},
        {"nobody filled it, without a right", world::empty, [](world& s) { return s.create(1, 1); }, 409, "scope_uninitialized", {}},
        {"nobody filled it, with one", world::empty, [](world& s) { return s.create(1, 1, "device", "x"); }, 410, "initialization_expired", {}},
        {"being filled, without a right", world::filling, [](world& s) { return s.create(1, 1); }, 400, "push_session_invalid", {}},
        {"being filled, another right", world::filling, [](world& s) { return s.create(1, 1, "device", "x"); }, 409, "initialization_stale", {}},
        {"being filled, another device", world::filling, [](world& s) { return s.create(1, 1, "other", s.right); }, 409, "initialization_stale", {}},
        {"being filled, its right", world::filling, [](world& s) { return s.create(1, 1, "device", s.right); }, 200, "", staging},
        {"filled, with a right", world::filled, [](world& s) { return s.create(2, 1, "device", "x"); }, 409, "initialization_stale", {}},
        {"the right comes before retirement", world::retired, [](world& s) { return s.create(2, 1, "device", "x"); }, 409, "initialization_stale", {}},
        {"retired", world::retired, [](world& s) { return s.create(2, 1); }, 409, "source_retired", "error message source_id replaced_by_source_id"},
        {"retirement comes before the number", world::retired, [](world& s) { return s.create(9, 1); }, 409, "source_retired", "error message source_id replaced_by_source_id"},
        {"a gap", world::filled, [](world& s) { return s.create(3, 1); }, 409, "source_sequence_out_of_order", {}},
        {"another principal's source", world::filled, [](world& s) { return s.create(2, 1, "device", "", "ben"); }, 409, "source_sequence_out_of_order", {}},
        {"no number", world::filled, [](world& s) { return s.create(0, 1); }, 400, "push_session_invalid", {}},
        {"no rows", world::filled, [](world& s) { return s.create(2, 0); }, 400, "push_session_invalid", {}},
        {"what is wrong with the request comes before the account", world::empty, [](world& s) { return s.create(0, 0); }, 400, "push_session_invalid", {}},
        {"no JSON", world::filled, [](world& s) { return s.post("/push-sessions", "["); }, 400, "invalid_request", {}},
        {"another method", world::filled, [](world& s) { return s.get("/push-sessions"); }, 405, "method_not_allowed", {}},
    });
}

TEST_CASE("bundle endpoints: a chunk") {
    const std::string q = insert_project("r", "r");
    check({
        {"the next one", world::filled, [=](world& s) { return s.chunk(s.session, 1, q); }, 200, "", "push_id next_expected_row_ordinal"},
        {"one that was received", world::filled, [=](world& s) { return s.chunk(s.session, 0, insert_project("q", "q")); }, 200, "", "push_id next_expected_row_ordinal"},
        {"a gap", world::filled, [=](world& s) { return s.chunk(s.session, 2, q); }, 409, "push_chunk_out_of_order", {}},
        {"beyond what was planned", world::filled, [=](world& s) { return s.chunk(s.session, 1, q + "," + insert_project("s", "s")); }, 400, "push_chunk_invalid", {}},
        {"no session", world::filled, [=](world& s) { return s.chunk(gone, 0, q); }, 404, "push_session_not_found", {}},
        {"no id at all", world::filled, [=](world& s) { return s.chunk("nonsense", 0, q); }, 404, "push_session_not_found", {}},
        {"the rows come before the session", world::filled, [=](world& s) { return s.chunk(gone, 0, "{}"); }, 400, "push_chunk_invalid", "error message row_ordinal reason"},
        {"another principal", world::filled, [=](world& s) { return s.chunk(s.session, 1, q, "device", "ben"); }, 403, "push_session_forbidden", {}},
        {"another source", world::filled, [=](world& s) { return s.chunk(s.session, 1, q, "other"); }, 403, "push_session_forbidden", {}},
        {"whose it is comes before its time", world::expired, [=](world& s) { return s.chunk(s.session, 1, q, "other"); }, 403, "push_session_forbidden", {}},
        {"expired", world::expired, [=](world& s) { return s.chunk(s.session, 1, q); }, 410, "push_session_expired", {}},
        {"its time comes before the order", world::expired, [=](world& s) { return s.chunk(s.session, 7, q); }, 410, "push_session_expired", {}},
        {"twice the same record", world::filled, [=](world& s) { return s.chunk(s.session, 1, q + "," + q); }, 400, "push_chunk_invalid", "error message row_ordinal reason"},
        {"no rows", world::filled, [=](world& s) { return s.chunk(s.session, 1, ""); }, 400, "push_chunk_invalid", {}},
        {"a negative place", world::filled, [=](world& s) { return s.chunk(s.session, -1, q); }, 400, "push_chunk_invalid", {}},
        {"no JSON", world::filled, [=](world& s) { return s.post(session_path(s) + "/chunks", "x"); }, 400, "invalid_request", {}},
    });
}

TEST_CASE("bundle endpoints: commit and delete of a push session") {
    const auto whole = [](world& s) {
        world::filled(s);
        REQUIRE(s.chunk(s.session, 1, insert_project("r", "r")).status == 200);
    };
    check({
        {"done", whole, [](world& s) { return s.commit(s.session); }, 200, "", head_members + " content_hash"},
        {"done before", whole, [](world& s) { s.commit(s.session); return s.commit(s.session); }, 404, "push_session_not_found", {}},
        {"rows are missing", world::filled, [](world& s) { return s.commit(s.session); }, 400, "push_commit_invalid", {}},
        {"no session", world::filled, [](world& s) { return s.commit(gone); }, 404, "push_session_not_found", {}},
        {"another principal", whole, [](world& s) { return s.commit(s.session, "device", "ben"); }, 403, "push_session_forbidden", {}},
        {"another source", whole, [](world& s) { return s.commit(s.session, "other"); }, 403, "push_session_forbidden", {}},
        {"expired", world::expired, [](world& s) { return s.commit(s.session); }, 410, "push_session_expired", {}},
        {"retired meanwhile", whole, [](world& s) { s.post("/snapshot-sessions", replacement("device", "next")); return s.commit(s.session); }, 409, "source_retired",
         "error message source_id replaced_by_source_id"},
        {"a conflict", whole, [](world& s) { s.write(project_key("q"), a_project("theirs")); return s.commit(s.session); }, 409, "push_conflict", "error message conflict conflicts"},
        {"delete", world::filled, [](world& s) { return s.erase_at(session_path(s)); }, 204, "", {}},
        {"delete twice", world::filled, [](world& s) { s.erase_at(session_path(s)); return s.erase_at(session_path(s)); }, 404, "push_session_not_found", {}},
        {"delete another principal's", world::filled, [](world& s) { return s.erase_at(session_path(s), "device", "ben"); }, 403, "push_session_forbidden", {}},
        {"delete another source's", world::filled, [](world& s) { return s.erase_at(session_path(s), "other"); }, 403, "push_session_forbidden", {}},
        {"delete an expired one", world::expired, [](world& s) { return s.erase_at(session_path(s)); }, 410, "push_session_expired", {}},
    });
}

TEST_CASE("bundle endpoints: two sessions of a source, and the other one was first") {
    // Another session of the same tuple cannot be staged: it takes the first one's place. So the first is of a number that is then committed by name.
    raw_server s;
    s.connect();
    const std::string first = text_in(s.create(1, 1).body, "push_id");
    REQUIRE(s.chunk(first, 0, home).status == 200);
    auto t = must(s.store.begin("home", access::write));
    must(t.put_bundle_receipt({"device", 1, 1, "h", 1, "ann"}));
    must(t.commit());
    check_error(s.commit(first), 409, "source_sequence_changed");
}

TEST_CASE("bundle endpoints: committed rows and pull") {
    const std::string page = head_members + " rows next_row_ordinal has_more";
    const std::string pulled = "stable_bundle_seq bundles has_more epoch";
    check({
        {"rows", world::filled, [](world& s) { return s.get("/committed-bundles/1/rows"); }, 200, "", page},
        {"rows for another source", world::filled, [](world& s) { return s.get("/committed-bundles/1/rows", "other"); }, 200, "", page},
        {"more rows than there may be", world::filled, [](world& s) { return s.get("/committed-bundles/1/rows?max_rows=5001"); }, 200, "", page},
        {"rows of no bundle", world::filled, [](world& s) { return s.get("/committed-bundles/2/rows"); }, 404, "committed_bundle_not_found", {}},
        {"rows where nobody filled the account", world::empty, [](world& s) { return s.get("/committed-bundles/1/rows"); }, 404, "committed_bundle_not_found", {}},
        {"rows at the floor", world::pruned, [](world& s) { return s.get("/committed-bundles/1/rows"); }, 409, "history_pruned", {}},
        {"no number", world::filled, [](world& s) { return s.get("/committed-bundles/one/rows"); }, 400, "committed_bundle_chunk_invalid", {}},
        {"no rows asked for", world::filled, [](world& s) { return s.get("/committed-bundles/1/rows?max_rows=0"); }, 400, "committed_bundle_chunk_invalid", {}},
        {"a negative place", world::filled, [](world& s) { return s.get("/committed-bundles/1/rows?after_row_ordinal=-1"); }, 400, "committed_bundle_chunk_invalid", {}},
        {"pull", world::filled, [](world& s) { return s.get("/pull"); }, 200, "", pulled},
        {"pull up to an earlier one", world::filled, [](world& s) { return s.get("/pull?after_bundle_seq=1&target_bundle_seq=1&max_bundles=5000"); }, 200, "", pulled},
        {"pull where nobody filled the account", world::empty, [](world& s) { return s.get("/pull"); }, 409, "scope_uninitialized", {}},
        {"pull while it is filled", world::filling, [](world& s) { return s.get("/pull"); }, 409, "scope_initializing", {}},
        {"what is wrong with the request comes before the account", world::empty, [](world& s) { return s.get("/pull?max_bundles=0"); }, 400, "invalid_request", {}},
        {"too many bundles", world::filled, [](world& s) { return s.get("/pull?max_bundles=5001"); }, 400, "invalid_request", {}},
        {"pull from the floor", world::pruned, [](world& s) { return s.get("/pull?after_bundle_seq=1"); }, 200, "", pulled},
        {"pull from nothing, below the floor", world::pruned, [](world& s) { return s.get("/pull"); }, 409, "history_pruned", {}},
        {"pull from the future", world::filled, [](world& s) { return s.get("/pull?after_bundle_seq=9"); }, 409, "history_pruned", {}},
        {"pull to the future", world::filled, [](world& s) { return s.get("/pull?target_bundle_seq=9"); }, 409, "history_pruned", {}},
        {"pull as a retired source", world::retired, [](world& s) { return s.get("/pull"); }, 200, "", pulled},
    });
}

TEST_CASE("bundle endpoints: snapshots") {
    const std::string made = "snapshot_id snapshot_bundle_seq row_count byte_count expires_at epoch";
    const std::string page = "snapshot_id snapshot_bundle_seq rows next_row_ordinal has_more";
    check({
        {"create", world::filled, [](world& s) { return s.post("/snapshot-sessions"); }, 200, "", made},
        {"create with a body", world::filled, [](world& s) { return s.post("/snapshot-sessions", "{}"); }, 200, "", made},
        {"of nothing", [](world& s) { s.connect(); }, [](world& s) { return s.post("/snapshot-sessions"); }, 200, "", "snapshot_id snapshot_bundle_seq row_count expires_at epoch"},
        {"where nobody filled the account", world::empty, [](world& s) { return s.post("/snapshot-sessions"); }, 409, "scope_uninitialized", {}},
        {"while it is filled", world::filling, [](world& s) { return s.post("/snapshot-sessions"); }, 409, "scope_initializing", {}},
        {"unknown member", world::filled, [](world& s) { return s.post("/snapshot-sessions", R"({"more":1})"); }, 400, "snapshot_session_invalid", {}},
        {"no JSON", world::filled, [](world& s) { return s.post("/snapshot-sessions", "{"); }, 400, "snapshot_session_invalid", {}},
        {"replace", world::filled, [](world& s) { return s.post("/snapshot-sessions", replacement("device", "next")); }, 200, "", made},
        {"replace again", world::retired, [](world& s) { return s.post("/snapshot-sessions", replacement("device", "next")); }, 200, "", made},
        {"replace by another one", world::retired, [](world& s) { return s.post("/snapshot-sessions", replacement("device", "third")); }, 409, "source_retired",
         "error message source_id replaced_by_source_id"},
        {"replace by one that is known", world::filled, [](world& s) { s.push(1, insert_project("x", "x"), 1, "known"); return s.post("/snapshot-sessions", replacement("device", "known")); }, 409,
         "source_replacement_invalid", {}},
        {"replace somebody else's", world::filled, [](world& s) { return s.post("/snapshot-sessions", replacement("other", "next")); }, 400, "snapshot_session_invalid", {}},
        {"replace by itself", world::filled, [](world& s) { return s.post("/snapshot-sessions", replacement("device", "device")); }, 400, "snapshot_session_invalid", {}},
        {"replace by nothing", world::filled, [](world& s) { return s.post("/snapshot-sessions", replacement("device", "  ")); }, 400, "snapshot_session_invalid", {}},
        {"replace for no reason", world::filled, [](world& s) { return s.post("/snapshot-sessions", replacement("device", "next", "")); }, 400, "snapshot_session_invalid", {}},
        {"a retired source", world::retired, [](world& s) { return s.post("/snapshot-sessions"); }, 200, "", made},
        {"page", world::filled, [](world& s) { return s.get(snapshot_path(s)); }, 200, "", page},
        {"page for another source", world::filled, [](world& s) { return s.get(snapshot_path(s), "other"); }, 200, "", page},
        {"page with more rows than there may be", world::filled, [](world& s) { return s.get(snapshot_path(s) + "?max_rows=5001"); }, 200, "", page},
        {"page of another principal", world::filled, [](world& s) { return s.get(snapshot_path(s), "device", "ben"); }, 403, "snapshot_session_forbidden", {}},
        {"page of none", world::filled, [](world& s) { return s.get("/snapshot-sessions/" + gone); }, 404, "snapshot_session_not_found", {}},
        {"page of no id", world::filled, [](world& s) { return s.get("/snapshot-sessions/nonsense"); }, 404, "snapshot_session_not_found", {}},
        {"page, expired", world::expired, [](world& s) { return s.get(snapshot_path(s)); }, 410, "snapshot_session_expired", {}},
        {"page without rows", world::filled, [](world& s) { return s.get(snapshot_path(s) + "?max_rows=0"); }, 400, "snapshot_chunk_invalid", {}},
        {"page from a negative place", world::filled, [](world& s) { return s.get(snapshot_path(s) + "?after_row_ordinal=-1"); }, 400, "snapshot_chunk_invalid", {}},
        {"delete", world::filled, [](world& s) { return s.erase_at(snapshot_path(s)); }, 204, "", {}},
        {"delete an expired one", world::expired, [](world& s) { return s.erase_at(snapshot_path(s)); }, 204, "", {}},
        {"delete twice", world::filled, [](world& s) { s.erase_at(snapshot_path(s)); return s.erase_at(snapshot_path(s)); }, 404, "snapshot_session_not_found", {}},
        {"delete another principal's", world::filled, [](world& s) { return s.erase_at(snapshot_path(s), "device", "ben"); }, 403, "snapshot_session_forbidden", {}},
    });
}

TEST_CASE("bundle endpoints: limits are told and kept") {
    bundle_server_options options;
    options.bounds.max_rows_per_bundle = 2;
    options.bounds.max_bytes_per_bundle = 350;
    options.bounds.max_rows_per_snapshot_session = 3;
    options.bounds.max_bytes_per_snapshot_session = 60;
    options.json.max_bytes = 1000;
    world s{options};
    s.connect();
    const auto told = must(bundle_wire::read_capabilities(s.get("/capabilities").body, {}));
    CHECK(told.bounds.max_rows_per_bundle == 2);
    CHECK(told.bounds.max_bytes_per_bundle == 350);
    CHECK(told.bounds.max_rows_per_snapshot_session == 3);
    CHECK(told.bounds.max_bytes_per_snapshot_session == 60);
    CHECK(told.bounds.initialization_lease_ttl_seconds == 900);

    check_error(s.create(1, 3), 413, "bundle_too_large");
    const std::string id = text_in(s.create(1, 2).body, "push_id");
    REQUIRE(s.chunk(id, 0, insert_project("p", "p")).status == 200);
    check_error(s.chunk(id, 1, insert_project("q", std::string(200, 'q'))), 413, "bundle_too_large");
    check_error(s.chunk(id, 1, insert_project("q", std::string(2000, 'q'))), 413, "too_large");
    REQUIRE(s.chunk(id, 1, insert_project("q", "q")).status == 200);
    REQUIRE(s.commit(id).status == 200);
    REQUIRE(s.post("/snapshot-sessions").status == 200);
    REQUIRE(s.push(2, insert_project("r", std::string(20, 'r'))).status == 200);
    check_error(s.post("/snapshot-sessions"), 413, "too_large");
    s.erase(project_key("r"));
    REQUIRE(s.post("/snapshot-sessions").status == 200);
    for (const char* key : {"a", "b"}) s.write(project_key(key), a_project(""));
    check_error(s.post("/snapshot-sessions"), 413, "too_large");
    // A bundle from before the limit is known all the same.
    bundle_server_options narrow;
    narrow.bounds.max_rows_per_bundle = 1;
    bundle_server<authority_engine> later{s.engine, narrow};
    const request again{http_method::post, "/sync/push-sessions", {{"Oversync-Source-ID", "device"}}, R"({"source_bundle_id":1,"planned_row_count":2})"};
    CHECK(text_in(later.handle(again, principal{"ann", "home"}, s.now, s.random).body, "status") == "already_committed");
}

TEST_CASE("bundle endpoints: too many sessions are a pause, and the answer says how long") {
    authority_options options;
    options.max_push_sessions = options.max_snapshot_sessions = 1;
    raw_server s{options};
    s.connect();
    REQUIRE(s.create(1, 1, "a").status == 200);
    REQUIRE(s.post("/snapshot-sessions").status == 200);
    for (const auto& refused : {s.create(1, 1, "b"), s.post("/snapshot-sessions")}) {
        check_error(refused, 429, "rate_limited");
        CHECK(find_header(refused.headers, "Retry-After") == "10");
    }
    CHECK(s.create(1, 1, "c", {}, "ben").status == 200);
}

}  // namespace endpoints_test
