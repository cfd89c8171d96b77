// Clients of go-oversync v0.2.1, as the sheet `bundle` describes them, at a Syncline server over SQLite and real HTTP: the lifecycle (sheet 7.1),
// source recovery, injected failures, and the defects of 8.2 that a better server keeps from them.

#include "wire/bundle/http/foreign_clients_world.hpp"

namespace foreign_clients_lifecycle_test {

using namespace foreign_clients;

namespace {

std::string code_of(const response& r) { return told(std::optional<response>{r}); }
json connect_raw(syncline_world& w, const std::string& source, bool pending) {
    return body_of(w.raw(http_method::post, "/sync/connect", {{"has_local_pending_rows", pending}}, source));
}

}  // namespace

TEST_CASE("foreign clients: attach before open, sync before attach: typed errors", "[wire][bundle][foreign]") {
    syncline_world w;
    client c(business(), w.line(), of_user("alice", 0x900));
    CHECK(thrown([&] { c.attach("alice"); }) == "open_required");
    c.open();
    CHECK(thrown([&] { c.push(); }) == "attach_required");
    CHECK(thrown([&] { c.pull(); }) == "attach_required");
    CHECK(thrown([&] { c.rebuild(); }) == "attach_required");
    CHECK(w.sky.seen.empty());
}

TEST_CASE("foreign clients: initialize-empty then push", "[wire][bundle][foreign]") {
    syncline_world w;
    client c = w.fresh();
    CHECK(c.attach("alice").outcome == "started_empty");
    CHECK(c.sync() == "already_at_target");
    c.insert("users", id(1), person("one"));
    CHECK(c.push() == "committed");
    CHECK(c.disk.last_seen == 1);
    CHECK(w.cell("users", id(1), "name") == "one");
}

TEST_CASE("foreign clients: initialize-local seeds the server", "[wire][bundle][foreign]") {
    syncline_world w;
    client c(business(), w.line(), of_user("alice", 0x900));
    c.insert("users", id(1), person("before"));
    c.open();
    c.insert("posts", id(2), {{"title", "t"}, {"author_id", id(1)}});
    const auto out = c.attach("alice");
    CHECK(out.outcome == "seeded_from_local");
    CHECK(out.authority == "pending_local_seed");
    CHECK(c.push() == "committed");
    CHECK(w.cell("posts", id(2), "author_id") == id(1));
    client other = w.attached();
    CHECK(same(c, other));
}

TEST_CASE("foreign clients: remote-authoritative rebuild of existing data, and it replaces anonymous rows", "[wire][bundle][foreign]") {
    two w;
    client c = w.fresh();
    const bool anonymous = GENERATE(false, true);
    if (anonymous) c.insert("users", id(9), person("anonymous"));
    CHECK(c.attach("alice").outcome == "used_remote_state");
    CHECK(same(c, w.a));
    CHECK(c.disk.dirty.empty());
    CHECK(c.pull() == "already_at_target");
    c.update("users", id(1), {{"name", "c"}});
    CHECK(c.push() == "committed");
    w.converge();
}

TEST_CASE("foreign clients: remote-authoritative-but-empty still replaces anonymous rows", "[wire][bundle][foreign]") {
    syncline_world w;
    client first = w.attached();
    client c = w.fresh();
    c.insert("users", id(9), person("anonymous"));
    CHECK(c.attach("alice").outcome == "used_remote_state");
    CHECK(c.disk.data.all().empty());
    CHECK(c.disk.last_seen == 0);
    first.insert("users", id(1), person("one"));
    first.push();
    CHECK(c.pull() == "applied_incremental");
}

TEST_CASE("foreign clients: same-user resume without network", "[wire][bundle][foreign]") {
    two w;
    const auto asked = w.sky.seen.size();
    client c = w.a.restarted();
    c.open();
    CHECK(c.attach("alice").outcome == "resumed_attached_state");
    CHECK(w.sky.seen.size() == asked);
    c.update("users", id(1), {{"name", "c"}});
    CHECK(c.push() == "committed");
}

TEST_CASE("foreign clients: connect network failure leaves anonymous rows intact", "[wire][bundle][foreign]") {
    syncline_world w;
    client c = w.fresh();
    c.insert("users", id(1), person("one"));
    const std::string where = GENERATE("capabilities", "connect");
    w.sky.statuses[where] = {0, 0, 0};
    CHECK(thrown([&] { c.attach("alice"); }) == "retry_exhausted");
    CHECK(c.disk.user.empty());
    CHECK(c.cell("users", id(1), "name") == "one");
    w.sky.lost[where] = 1;
    CHECK(c.attach("alice").outcome == "seeded_from_local");
    CHECK(c.push() == "committed");
}

TEST_CASE("foreign clients: retry-later then initialize-empty", "[wire][bundle][foreign]") {
    syncline_world w;
    CHECK(connect_raw(w, "other", true).at("resolution") == "initialize_local");
    client c = w.fresh();
    const auto out = c.attach("alice");
    CHECK(out.status == "retry_later");
    CHECK(out.retry_after_seconds > 800);
    w.pass(901s);
    CHECK(c.attach("alice").outcome == "started_empty");
}

TEST_CASE("foreign clients: sync-then-detach success and failure; detach blocked by dirty rows", "[wire][bundle][foreign]") {
    two w;
    w.a.insert("users", id(2), person("two"));
    CHECK(w.a.detach() == "blocked_unsynced_data");
    w.sky.statuses["push_commit"] = {500};
    CHECK(thrown([&] { w.a.sync_then_detach(); }) == "http");
    CHECK(w.a.disk.user == "alice");
    CHECK(w.a.sync_then_detach() == "detached");
    CHECK(w.a.disk.data.all().empty());
    CHECK(w.a.attach("alice").outcome == "used_remote_state");
    w.converge();
    CHECK(w.a.cell("users", id(2), "name") == "two");
}

TEST_CASE("foreign clients: other user may attach after detach; detach after reopen without re-attach", "[wire][bundle][foreign]") {
    two w;
    client c = w.a.restarted();
    c.open();
    CHECK(c.detach() == "detached");
    c.options.token = "bob";
    CHECK(c.attach("bob").outcome == "started_empty");
    CHECK(c.disk.data.all().empty());
    c.insert("users", id(50), person("bobs"));
    // Its source has used up bundle 1 with alice; for bob's account it begins anew, which this client takes for a lost sequence.
    CHECK(thrown([&] { c.push(); }) == "source_recovery_required");
    CHECK(c.rebuild() == "applied_snapshot");
    CHECK(c.push() == "committed");
    CHECK(w.number("SELECT count(*) FROM users WHERE owner='bob'") == 1);
    w.converge();
    CHECK(w.b.cell("users", id(50), "name") == "gone");
}

TEST_CASE("foreign clients: same user detach/attach/push again on the same source", "[wire][bundle][foreign]") {
    two w;
    const auto source = w.a.disk.source;
    CHECK(w.a.detach() == "detached");
    CHECK(w.a.attach("alice").outcome == "used_remote_state");
    w.a.update("users", id(1), {{"name", "again"}});
    CHECK(w.a.push() == "committed");
    CHECK(w.a.disk.source == source);
    CHECK(w.a.disk.sources.at(source).next_bundle == 3);
    w.converge();
}

TEST_CASE("foreign clients: detached offline writes survive reopen, captured once; open restores the source id across restart", "[wire][bundle][foreign]") {
    syncline_world w;
    client c = w.fresh();
    const auto source = c.disk.source;
    c.insert("users", id(1), person("offline"));
    for (int i = 0; i < 2; ++i) {
        client again = c.restarted();
        again.open();
        CHECK(again.disk.source == source);
        CHECK(again.disk.dirty.size() == 1);
        c.disk = again.disk;
    }
    CHECK(c.attach("alice").outcome == "seeded_from_local");
    CHECK(c.push() == "committed");
    CHECK(w.number("SELECT count(*) FROM users") == 1);
}

TEST_CASE("foreign clients: uninstall, reinstall, open, connect on the same database", "[wire][bundle][foreign]") {
    two w;
    const auto source = w.a.disk.source;
    w.a.uninstall();
    w.a.open();
    CHECK(w.a.disk.source != source);
    CHECK(w.a.attach("alice").outcome == "used_remote_state");
    w.a.update("users", id(1), {{"name", "x"}});
    CHECK(w.a.push() == "committed");
    w.converge();
}

TEST_CASE("foreign clients: concurrent first initialisers: one winner; loser later converges as remote-authoritative", "[wire][bundle][foreign]") {
    syncline_world w;
    client a = w.fresh(), b = w.fresh();
    a.insert("users", id(1), person("a"));
    b.insert("users", id(2), person("b"));
    CHECK(a.attach("alice").outcome == "seeded_from_local");
    CHECK(b.attach("alice").status == "retry_later");
    CHECK(a.push() == "committed");
    CHECK(b.attach("alice").outcome == "used_remote_state");
    CHECK(same(a, b));
}

TEST_CASE("foreign clients: expired initialiser lease refuses the seed push; expired initialiser can reconnect and seed again", "[wire][bundle][foreign]") {
    syncline_world w;
    client c = w.fresh();
    c.insert("users", id(1), person("one"));
    c.attach("alice");
    w.pass(901s);
    const bool taken = GENERATE(false, true);
    if (taken) CHECK(connect_raw(w, "other", true).at("resolution") == "initialize_local");
    CHECK(thrown([&] { c.push(); }) == "http");
    CHECK(c.disk.user.empty());
    CHECK(c.pending() == 1);
    if (taken) {
        CHECK(c.attach("alice").status == "retry_later");
        w.pass(901s);
    }
    CHECK(c.attach("alice").outcome == "seeded_from_local");
    CHECK(c.push() == "committed");
    CHECK(c.sync() == "already_at_target");
}

TEST_CASE("foreign clients: rebuild-required blocks sync until explicit rebuild", "[wire][bundle][foreign]") {
    two w;
    w.sky.statuses["snapshot_chunk"] = {500};
    CHECK(thrown([&] { w.a.rebuild(); }) == "http");
    client c = w.a.restarted();
    c.open();
    c.attach("alice");
    CHECK(thrown([&] { c.sync(); }) == "rebuild_required");
    CHECK(c.rebuild() == "applied_snapshot");
    CHECK(c.sync() == "already_at_target");
}

TEST_CASE("foreign clients: source recovery persists across restart and fails closed; rebuild rotates the source and survives restart; retirement visible over "
          "HTTP and replacement becomes active",
          "[wire][bundle][foreign]") {
    two w;
    const auto source = w.a.disk.source;
    client copy = w.a.restarted();  // the file was copied, and the copy is faster
    copy.open();
    copy.attach("alice");
    copy.insert("users", id(5), person("copy"));
    CHECK(copy.push() == "committed");
    copy.insert("users", id(6), person("copy"));
    CHECK(copy.push() == "committed");
    w.a.insert("users", id(7), person("original"));
    const std::string first = thrown([&] { w.a.push(); });
    CHECK(first == "proof_failed");  // its bundle 2 is the copy's: the client's own proof finds out
    CHECK(w.a.disk.out.state == "committed_remote");
    // A device that finds a gap, as after a restore of the server, gives its source up.
    copy.disk.sources.at(source).next_bundle = 9;
    copy.insert("users", id(8), person("gap"));
    CHECK(thrown([&] { copy.push(); }) == "source_recovery_required");
    client c = copy.restarted();
    c.open();
    c.attach("alice");
    CHECK(thrown([&] { c.push(); }) == "source_recovery_required");
    CHECK(thrown([&] { c.pull(); }) == "source_recovery_required");
    const auto replacement = c.disk.op.replacement;
    w.sky.lost["snapshot_create"] = 1;  // asked twice for the same replacement
    CHECK(c.rebuild() == "applied_snapshot");
    CHECK(c.disk.source == replacement);
    const response retired = w.raw(http_method::post, "/sync/push-sessions", {{"source_bundle_id", 4}, {"planned_row_count", 1}}, source);
    CHECK(code_of(retired) == "409 source_retired");
    CHECK(read_json(retired.body)->at("source_id") == source);
    CHECK(read_json(retired.body)->at("replaced_by_source_id") == replacement);
    client d = c.restarted();
    d.open();
    d.attach("alice");
    CHECK(d.push() == "committed");
    CHECK(d.disk.sources.at(replacement).next_bundle == 2);
    w.b.sync();
    d.sync();
    CHECK(same(d, w.b));
    CHECK(w.b.cell("users", id(8), "name") == "gap");
    const response diverged = w.raw(http_method::post, "/sync/snapshot-sessions",
                                    {{"source_replacement", {{"previous_source_id", source}, {"new_source_id", "another"}, {"reason", "history_pruned"}}}}, source);
    CHECK(code_of(diverged) == "409 source_retired");
}

TEST_CASE("foreign clients: raw HTTP: owner reconnect reuses id and renews lease; owner without pending rows -> initialize-empty", "[wire][bundle][foreign]") {
    syncline_world w;
    const json first = connect_raw(w, "owner", true);
    w.pass(600s);
    const json again = connect_raw(w, "owner", true);
    CHECK(again.at("initialization_id") == first.at("initialization_id"));
    CHECK(*instant(again.at("lease_expires_at").get<std::string>()) > *instant(first.at("lease_expires_at").get<std::string>()));
    w.pass(600s);
    CHECK(connect_raw(w, "other", true).at("resolution") == "retry_later");
    CHECK(connect_raw(w, "owner", false).at("resolution") == "initialize_empty");
    CHECK(connect_raw(w, "other", true).at("resolution") == "remote_authoritative");
}

TEST_CASE("foreign clients: raw HTTP: initialiser crash before commit leaks nothing; push and snapshot refused before initialisation", "[wire][bundle][foreign]") {
    syncline_world w;
    const json create{{"source_bundle_id", 1}, {"planned_row_count", 1}};
    CHECK(code_of(w.raw(http_method::post, "/sync/push-sessions", create)) == "409 scope_uninitialized");
    CHECK(code_of(w.raw(http_method::post, "/sync/snapshot-sessions")) == "409 scope_uninitialized");
    CHECK(code_of(w.raw(http_method::get, "/sync/pull")) == "409 scope_uninitialized");
    client c = w.fresh();
    c.insert("users", id(1), person("one"));
    c.attach("alice");
    die_at(c, "before_commit");
    CHECK(thrown([&] { c.push(); }) == "crash");
    CHECK(w.number("SELECT count(*) FROM users") == 0);
    CHECK(code_of(w.raw(http_method::post, "/sync/push-sessions", create)).starts_with("4"));
    CHECK(code_of(w.raw(http_method::post, "/sync/snapshot-sessions")) == "409 scope_initializing");
    w.pass(901s);
    client other = w.attached();
    CHECK(other.disk.data.all().empty());
    other.insert("users", id(2), person("two"));
    CHECK(other.push() == "committed");
}

TEST_CASE("foreign clients: push and pull recover from transient 5xx; exhaustion gives the typed error", "[wire][bundle][foreign]") {
    two w;
    w.a.insert("users", id(2), person("two"));
    const std::string where = GENERATE("push_create", "push_chunk", "push_commit", "committed_rows");
    w.sky.statuses[where] = {502, 504};
    CHECK(w.a.push() == "committed");
    w.b.insert("users", id(3), person("three"));
    w.sky.statuses[where] = {503, 503, 503};
    CHECK(thrown([&] { w.b.push(); }) == "retry_exhausted");
    CHECK(w.b.push() == "committed");
    w.converge();
}

TEST_CASE("foreign clients: a seed whose commit's answer was lost is told that it is committed", "[wire][bundle][foreign]") {
    syncline_world w;
    client c = w.fresh();
    c.insert("users", id(1), person("one"));
    c.attach("alice");
    w.sky.lost["push_commit"] = 1;
    CHECK(c.push() == "committed");  // go-oversync's own server wedges it here (8.2 item 1)
    CHECK(c.sync() == "already_at_target");
    CHECK(c.disk.last_seen == 1);
}

TEST_CASE("foreign clients: an own bundle that is pruned before it was replayed is not pushed twice", "[wire][bundle][foreign]") {
    two w;
    w.a.insert("users", id(2), person("two"));
    const std::string place = GENERATE("after_commit", "after_committed");
    die_at(w.a, place);
    CHECK(thrown([&] { w.a.push(); }) == "crash");
    for (std::uint64_t n = 5; n < 8; ++n) w.b.insert("users", id(n), person("b")), w.b.push();
    w.pass(400 * 24h);
    w.host([&](auto& engine) { must(engine.retain("alice", 1, w.now)); });
    client c = w.a.restarted();
    c.open();
    c.attach("alice");
    CHECK(c.push() == "committed");  // by a snapshot; go-oversync's own server makes it give up its source where the answer was lost
    CHECK(c.disk.sources.at(c.disk.source).next_bundle == 3);
    c.update("users", id(2), {{"name", "again"}});
    CHECK(c.push() == "committed");
    w.b.sync();
    c.sync();
    CHECK(same(c, w.b));
    CHECK(w.b.cell("users", id(2), "name") == "again");
}

TEST_CASE("foreign clients: a client at the floor, or at zero, misses nothing", "[wire][bundle][foreign]") {
    two w;
    for (std::uint64_t n = 2; n < 6; ++n) w.b.insert("users", id(n), person("b")), w.b.push();
    client c = w.attached();
    c.disk.last_seen = 4;
    client zero = w.attached();
    zero.disk.last_seen = 0;
    w.pass(400 * 24h);
    const auto floor = w.host([&](auto& engine) { return must(engine.retain("alice", 1, w.now)); });
    REQUIRE(floor == 4);
    CHECK(c.pull() == "applied_incremental");  // at the floor nothing is missing
    CHECK(zero.pull() == "applied_snapshot");  // at 0 everything below it is
}

TEST_CASE("foreign clients: the limits of numbers are those of the reference's client", "[wire][bundle][foreign]") {
    two w;
    w.sql("INSERT INTO files(id,size,rating,owner) VALUES('" + id(1) + "',9007199254740991,1234567890.1234567,'alice')");
    CHECK(w.a.pull() == "applied_incremental");
    CHECK(w.a.cell("files", id(1), "size") == "9007199254740991");
    w.a.update("files", id(1), {{"size", -9007199254740991}, {"rating", 5e-324}});
    CHECK(w.a.push() == "committed");
    CHECK(w.cell("files", id(1), "size") == "-9007199254740991");
    // What this client cannot tell from its neighbour: its own proof and hash must still hold.
    w.a.update("files", id(1), {{"size", 9223372036854775807}});
    CHECK(w.a.push() == "committed");
    w.converge();
}

TEST_CASE("foreign clients: a row that the database refuses is named, and its siblings wait for nothing but it", "[wire][bundle][foreign]") {
    two w;
    w.a.insert("users", id(2), person("two"));
    w.sql("CREATE UNIQUE INDEX one_email ON users(email)");
    w.b.insert("users", id(3), {{"name", "x"}, {"email", "one@example.com"}});
    std::string told_client;
    int status = 0;
    try {
        w.b.push();
    } catch (const client_error& e) {
        told_client = e.what(), status = e.status;
    }
    INFO(told_client);
    CHECK((status >= 400 && status < 500));  // go-oversync's own server: an opaque 500 (8.2 item 13)
    CHECK(told_client.find(id(3)) != std::string::npos);
    CHECK(w.a.push() == "committed");
}

}  // namespace foreign_clients_lifecycle_test
