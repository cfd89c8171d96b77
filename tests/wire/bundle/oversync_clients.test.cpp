// The test peers of go-oversync against each other, by the tables of the sheet `bundle`: what a client of it does (2.7 to 2.9, 3.2, 3.3, 5.2, 5.6).

#include "wire/bundle/oversync_world.hpp"

namespace oversync_clients_test {

using namespace oversync_tests;

namespace {

constexpr auto accept_server = [](const conflict&) { return resolution{outcome::accept_server, {}}; };
constexpr auto keep_local = [](const conflict&) { return resolution{outcome::keep_local, {}}; };
constexpr auto keep_merged = [](const conflict& c) {
    json merged = c.server.is_null() ? c.local : c.server;
    merged["email"] = "merged";
    return resolution{outcome::keep_merged, merged};
};

/// Two clients of one user; the first has pushed user 1, both hold it.
struct pair : world {
    explicit pair(server_options how = {}) : world(how), a(attached()), b(attached()) {
        a.insert("users", id(1), person("one"));
        CHECK(a.sync() == "already_at_target");
        CHECK(b.sync() == "applied_incremental");
        REQUIRE(same(a, b));
    }
    client a, b;

    void converge() {
        for (client* c : {&a, &b, &a}) c->sync();
        CHECK(same(a, b));
    }
};

}  // namespace

TEST_CASE("oversync peer: a client's dirty rows, one per key with the first base and ordinal", "[wire][bundle][peer]") {
    pair w;
    w.a.update("users", id(1), {{"name", "x"}});
    w.a.insert("users", id(2), person("two"));
    w.a.update("users", id(1), {{"name", "y"}});
    w.a.update("users", id(2), {{"name", "z"}});
    REQUIRE(w.a.disk.dirty.size() == 2);
    const auto& one = w.a.disk.dirty.at({"users", id(1)});
    const auto& two = w.a.disk.dirty.at({"users", id(2)});
    CHECK((one.op == "UPDATE" && one.base == 1 && one.payload.at("name") == "y"));
    CHECK((two.op == "INSERT" && two.base == 0 && two.payload.at("name") == "z"));
    CHECK(one.ordinal < two.ordinal);
    w.a.erase("users", id(1));
    CHECK(w.a.disk.dirty.at({"users", id(1)}).op == "DELETE");
    CHECK(w.a.disk.dirty.at({"users", id(1)}).payload.is_null());
    w.a.rename("users", id(2), id(3));
    CHECK(w.a.disk.dirty.at({"users", id(2)}).op == "DELETE");
    CHECK(w.a.disk.dirty.at({"users", id(3)}).op == "INSERT");
    CHECK(w.a.push() == "committed");
    CHECK(w.center.user("alice").data.count("users") == 1);
    w.converge();
}

TEST_CASE("oversync peer: an insert and delete that nobody saw blocks pull until a real edit is frozen", "[wire][bundle][peer]") {
    pair w;
    w.a.insert("users", id(2), person("two"));
    w.a.erase("users", id(2));
    CHECK(w.a.push() == "no_change");
    CHECK(thrown([&] { w.a.pull(); }) == "dirty_rows");  // 8.2 item 2
    w.a.update("users", id(1), {{"name", "x"}});
    CHECK(w.a.push() == "committed");
    CHECK(w.a.pull() == "already_at_target");
}

TEST_CASE("oversync peer: a push is ordered, chunked and replayed with what the server did", "[wire][bundle][peer]") {
    pair w;
    w.a.options.upload_limit = w.a.options.download_limit = 2;
    w.a.app([&](durable& d) {  // children first, in one transaction
        for (std::uint64_t n = 10; n < 15; ++n) d.data.put({"posts", id(n)}, row{{"id", id(n)}, {"title", "t"}, {"author_id", id(2)}});
        d.data.put({"users", id(2)}, row{{"id", id(2)}, {"name", "two"}, {"email", nullptr}});
    });
    w.center.trigger = [](rows& data, const row_name& n) {  // the host's own trigger writes a note
        if (n.table == "users" && data.find(n) != nullptr) data.put({"notes", n.key}, row{{"code", n.key}, {"body", "seen"}});
    };
    CHECK(w.a.push() == "committed");
    CHECK(w.center.asked("push_chunk") == 1 + 3);
    CHECK(w.a.cell("notes", id(2), "body") == "seen");
    CHECK(w.a.disk.dirty.empty());
    CHECK(w.center.user("alice").log.at(2)->rows.front().table == "users");
    // Deleting the author takes the posts along, here by the local foreign key, which is captured.
    w.center.trigger = {};
    w.a.erase("users", id(2));
    CHECK(w.a.disk.dirty.size() == 6);
    CHECK(w.a.push() == "committed");
    CHECK(w.center.user("alice").data.count("posts") == 0);
    w.converge();
}

TEST_CASE("oversync peer: the checkpoint moves with an own push only when nothing lies between", "[wire][bundle][peer]") {
    pair w;
    w.b.insert("users", id(2), person("two"));
    CHECK(w.b.push() == "committed");
    CHECK(w.b.disk.last_seen == 2);
    w.a.insert("users", id(3), person("three"));
    CHECK(w.a.push() == "committed");
    CHECK(w.a.disk.last_seen == 1);
    client again = w.a.restarted();
    again.open();
    again.attach("alice");
    CHECK(again.pull() == "applied_incremental");
    CHECK(again.disk.last_seen == 3);
    CHECK(again.cell("users", id(2), "name") == "two");
}

TEST_CASE("oversync peer: what the user changes while a push is under way stays, on top of the new version", "[wire][bundle][peer]") {
    const std::string place = GENERATE("after_freeze", "before_commit", "after_commit", "before_replay");
    INFO(place);
    pair w;
    w.a.update("users", id(1), {{"name", "x"}});
    w.a.insert("users", id(2), person("two"));
    w.a.insert("users", id(3), person("three"));
    w.a.hook = [&](const std::string& p) {
        if (p != place) return;
        w.a.hook = {};
        w.a.update("users", id(1), {{"name", "y"}});
        w.a.erase("users", id(2));
        w.a.insert("users", id(4), person("four"));
        w.a.update("users", id(3), {{"name", "three"}});  // the same value: not queued again
        CHECK(thrown([&] { w.a.push(); }) == "operation_in_progress");
    };
    CHECK(w.a.push() == "committed");
    CHECK(w.a.cell("users", id(1), "name") == "y");
    CHECK(w.a.disk.dirty.size() == 3);
    CHECK((w.a.disk.dirty.at({"users", id(1)}).op == "UPDATE" && w.a.disk.dirty.at({"users", id(1)}).base == 2));
    CHECK((w.a.disk.dirty.at({"users", id(2)}).op == "DELETE" && w.a.disk.dirty.at({"users", id(2)}).base == 2));
    CHECK(w.a.disk.dirty.at({"users", id(4)}).op == "INSERT");
    CHECK(w.a.push() == "committed");
    w.converge();
    CHECK(w.b.cell("users", id(1), "name") == "y");
    CHECK(w.b.cell("users", id(2), "name") == "gone");
}

TEST_CASE("oversync peer: every cell of the table of conflict outcomes", "[wire][bundle][peer]") {
    const std::string op = GENERATE("INSERT", "UPDATE", "DELETE");
    const std::string server = GENERATE("live", "tombstone", "missing");
    const std::string by = GENERATE("accept_server", "keep_local", "keep_merged");
    INFO(op << " against " << server << ", " << by);
    world w;
    client a = w.attached(), b = w.attached();
    b.insert("users", id(7), person("sibling"));
    CHECK(b.push() == "committed");
    const std::uint64_t n = 1;
    const auto local = [&] {
        if (op == "INSERT") a.insert("users", id(n), person("local"));
        else if (op == "UPDATE") a.update("users", id(n), {{"name", "local"}});
        else a.erase("users", id(n));
    };
    if (op != "INSERT") {
        b.insert("users", id(n), person("base"));
        CHECK(b.push() == "committed");
        CHECK(a.sync() == "applied_incremental");
    } else {
        CHECK(a.sync() == "applied_incremental");
    }
    if (server == "live" && op == "INSERT") b.insert("users", id(n), person("remote"));
    if (server == "live" && op != "INSERT") b.update("users", id(n), {{"name", "remote"}});
    if (server == "tombstone") {
        if (op == "INSERT") b.insert("users", id(n), person("base")), b.push();
        b.erase("users", id(n));
    }
    b.update("users", id(7), {{"name", "moved"}});
    CHECK(b.push() == "committed");
    if (server == "missing") {  // as after a restore of the server: it does not know the key
        w.center.user("alice").versions.erase({"users", id(n)});
        w.center.user("alice").data.erase({}, {"users", id(n)});
        if (op == "INSERT") a.disk.versions[{"users", id(n)}] = {9, true};  // an INSERT on a version that nobody has
    }
    local();
    a.insert("users", id(8), person("other"));  // a sibling in the same bundle
    a.resolve = by == "accept_server" ? resolver{accept_server} : by == "keep_local" ? resolver{keep_local} : resolver{keep_merged};
    const bool invalid = (by != "accept_server" && op == "UPDATE" && server != "live") || (by == "keep_merged" && op == "DELETE");
    const bool plain = by != "accept_server" && op == "INSERT" && server == "missing";
    std::string result;
    const std::string error = thrown([&] { result = a.push(); });
    if (invalid || plain) {
        CHECK(error == (invalid ? "invalid_resolution" : "conflict_unsettled"));
        CHECK(a.disk.out.state == (invalid ? "none" : "prepared"));
        CHECK(a.pending() == 2);
        if (invalid) CHECK(a.disk.dirty.at({"users", id(n)}).op == op);
        CHECK(a.cell("users", id(n), "name") == (op == "DELETE" ? "gone" : "local"));
        return;
    }
    CHECK(error.empty());
    CHECK(result == "committed");
    CHECK(a.disk.dirty.empty());
    CHECK(a.disk.out.state == "none");
    CHECK(w.center.cell("alice", "users", id(8), "name") == "other");
    std::string name = "gone", email = "gone";
    if (by == "accept_server" && server == "live") name = "remote", email = op == "INSERT" ? "remote@example.com" : "base@example.com";
    if (by == "keep_local" && op != "DELETE") name = "local", email = op == "INSERT" ? "local@example.com" : "base@example.com";
    if (by == "keep_merged") name = server == "live" ? "remote" : "local", email = "merged";
    CHECK(a.cell("users", id(n), "name") == name);
    CHECK(w.center.cell("alice", "users", id(n), "name") == name);
    CHECK(a.cell("users", id(n), "email") == email);
    if (server == "missing") return;
    for (client* c : {&a, &b}) c->sync();
    CHECK(same(a, b));
}

TEST_CASE("oversync peer: a merged payload must have the table's columns, and an unusable one loses nothing", "[wire][bundle][peer]") {
    pair w;
    w.a.update("users", id(1), {{"name", "x"}});
    w.b.update("users", id(1), {{"name", "y"}});
    CHECK(w.a.push() == "committed");
    const json merged = GENERATE(json{{"name", "m"}}, json::array(), json(), json{{"id", id(1)}, {"name", "m"}, {"email", "e"}, {"more", 1}});
    w.b.resolve = [&](const conflict&) { return resolution{outcome::keep_merged, merged}; };
    CHECK(thrown([&] { w.b.push(); }) == "invalid_resolution");
    CHECK(w.b.disk.out.state == "none");
    CHECK(w.b.disk.dirty.at({"users", id(1)}).base == 1);
    w.b.resolve = keep_local;
    CHECK(w.b.push() == "committed");
    w.converge();
    CHECK(w.a.cell("users", id(1), "name") == "y");
}

TEST_CASE("oversync peer: more conflicts than a call retries leave every intent replayable", "[wire][bundle][peer]") {
    pair w;
    const std::uint64_t conflicts = GENERATE(std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{4});
    for (std::uint64_t n = 2; n < 2 + conflicts; ++n) w.b.insert("users", id(n), person("b"));
    CHECK(w.b.push() == "committed");
    for (std::uint64_t n = 2; n < 2 + conflicts; ++n) w.a.insert("users", id(n), person("a"));
    const bool keeps = GENERATE(true, false);
    INFO(conflicts << " conflicts, keeps " << keeps);
    w.a.resolve = keeps ? resolver{keep_local} : resolver{accept_server};
    std::size_t remaining = 0;
    std::string error;
    try {
        w.a.push();
    } catch (const client_error& e) {
        error = e.code;
        remaining = e.remaining;
    }
    const bool exhausted = keeps ? conflicts >= 3 : conflicts > 3;
    CHECK(error == (exhausted ? "conflict_retry_exhausted" : ""));
    if (exhausted) {
        CHECK(remaining == (keeps ? conflicts : conflicts - 3));
        CHECK(w.a.disk.out.state == "none");
        CHECK(w.a.push() == (keeps || remaining > 1 ? "committed" : "no_change"));
    }
    w.converge();
    CHECK(w.b.cell("users", id(2), "name") == (keeps ? "a" : "b"));
}

TEST_CASE("oversync peer: retries, and their end", "[wire][bundle][peer]") {
    pair w;
    w.a.insert("users", id(2), person("two"));
    const std::string where = GENERATE("push_create", "push_chunk", "push_commit", "committed_rows");
    SECTION("429, 502, 503, 504 and a broken connection are tried again, as one unit") {
        const int status = GENERATE(429, 502, 503, 504, 0);
        w.center.inject(where, status, 2);
        CHECK(w.a.push() == "committed");
        CHECK(w.a.waits == std::vector<std::int64_t>{100, 200});
    }
    SECTION("an answer that was lost") {
        w.center.lose_answers(where, 1);
        CHECK(w.a.push() == "committed");
        CHECK(w.center.user("alice").latest() == 2);
    }
    SECTION("a third failure is a typed error, and the bundle waits") {
        w.center.inject(where, 503, 3);
        CHECK(thrown([&] { w.a.push(); }) == "retry_exhausted");
        CHECK(w.a.pending() == 1);
        CHECK(w.a.push() == "committed");
    }
    SECTION("401 and 500 are not tried again") {
        const int status = GENERATE(401, 500);
        w.center.inject(where, status);
        CHECK(thrown([&] { w.a.push(); }) == "http");
        CHECK(w.a.waits.empty());
        CHECK(w.a.push() == "committed");
    }
    w.converge();
}

TEST_CASE("oversync peer: the proof of an already committed bundle, and the values that it cannot prove", "[wire][bundle][peer]") {
    pair w;
    w.center.lose_answers("push_commit", 3);
    SECTION("the same instant in another zone is proven") {
        w.a.insert("files", id(1), {{"made_at", "2026-03-24T20:42:11+02:00"}, {"data", "00ff"}, {"rating", 2.0}});
        w.a.options.attempts = 1;
        CHECK(thrown([&] { w.a.push(); }) == "retry_exhausted");
        CHECK(w.a.push() == "committed");
        CHECK(w.a.cell("files", id(1), "made_at") == "2026-03-24T18:42:11+00:00");
        CHECK(w.a.cell("files", id(1), "data") == "00ff");
    }
    SECTION("a boolean as 0 or 1 is not (8.2 item 4), and blocks for good") {
        w.a.insert("files", id(1), {{"done", 1}});
        w.a.options.attempts = 1;
        CHECK(thrown([&] { w.a.push(); }) == "retry_exhausted");
        CHECK(thrown([&] { w.a.push(); }) == "proof_failed");
        CHECK(w.a.disk.out.state == "committed_remote");
        CHECK(thrown([&] { w.a.pull(); }) == "pending_outbox");
        CHECK(thrown([&] { w.a.rebuild(); }) == "pending_outbox");
        CHECK(w.a.detach() == "blocked_unsynced_data");
    }
}

TEST_CASE("oversync peer: a client refuses answers that contradict themselves", "[wire][bundle][peer]") {
    pair w;
    w.a.insert("users", id(2), person("two"));
    w.b.insert("users", id(3), person("three"));
    const auto tampered = [&](client& c, std::string from, std::string to, std::string path) {
        c.send = [&w, from, to, path](const request& r) -> std::optional<response> {
            auto out = w.center.call(r);
            if (out && r.path.find(path) != std::string::npos)
                if (const auto where = out->body.find(from); where != std::string::npos) out->body.replace(where, from.size(), to);
            return out;
        };
    };
    struct lie {
        const char *path, *from, *to;
    };
    SECTION("when it pushes") {
        const lie l = GENERATE(lie{"/rows", "two@", "2wo@"}, lie{"/rows", "\"has_more\":false", "\"has_more\":true"}, lie{"/rows", "\"next_row_ordinal\":0", "\"next_row_ordinal\":1"},
                               lie{"/rows", "\"row_count\":1", "\"row_count\":2"}, lie{"/commit", "\"source_bundle_id\":2", "\"source_bundle_id\":3"},
                               lie{"/commit", "\"bundle_hash\":\"", "\"bundle_hash\":\"\",\"other\":\""}, lie{"/push-sessions", "\"planned_row_count\":1", "\"planned_row_count\":2"},
                               lie{"/chunks", "\"next_expected_row_ordinal\":1", "\"next_expected_row_ordinal\":2"}, lie{"/commit", "{", "["});
        INFO(l.path << " " << l.from);
        tampered(w.a, l.from, l.to, l.path);
        CHECK(thrown([&] { w.a.push(); }) == "protocol");
        CHECK(w.a.pending() == 1);
        w.a.send = w.center.line();
        CHECK(w.a.push() == "committed");
    }
    SECTION("when it pulls") {
        CHECK(w.a.push() == "committed");
        w.b.send = w.center.line();
        CHECK(w.b.push() == "committed");
        const lie l = GENERATE(lie{"/pull", "\"stable_bundle_seq\":3", "\"stable_bundle_seq\":4"}, lie{"/pull", "\"stable_bundle_seq\":3", "\"stable_bundle_seq\":0"},
                               lie{"/pull", "\"row_version\":2", "\"row_version\":0"}, lie{"/pull", "\"payload\":", "\"other\":"}, lie{"/pull", "\"bundle_seq\":3", "\"bundle_seq\":2"},
                               lie{"/pull", "\"source_bundle_id\":2", "\"source_bundle_id\":0"});
        INFO(l.from << " -> " << l.to);
        tampered(w.b, l.from, l.to, l.path);
        CHECK(thrown([&] { w.b.pull(); }) == "protocol");
        w.b.send = w.center.line();
        w.b.pull();
    }
    SECTION("when it takes a snapshot") {
        CHECK(w.a.push() == "committed");
        const lie l = GENERATE(lie{"snapshot", "\"row_count\":2", "\"row_count\":3"}, lie{"snapshot", "\"next_row_ordinal\":2", "\"next_row_ordinal\":1"},
                               lie{"snapshot", "\"has_more\":false", "\"has_more\":true"}, lie{"snapshot", "\"expires_at\"", "\"other\""}, lie{"snapshot", "\"payload\":", "\"other\":"});
        INFO(l.from);
        tampered(w.a, l.from, l.to, l.path);
        CHECK(thrown([&] { w.a.rebuild(); }) == "protocol");
        CHECK(thrown([&] { w.a.pull(); }) == "rebuild_required");
        w.a.send = w.center.line();
        CHECK(w.a.rebuild() == "applied_snapshot");
    }
}

TEST_CASE("oversync peer: a payload must have exactly the local table's columns", "[wire][bundle][peer]") {
    pair w;
    tables wider = business();
    wider[0].columns.push_back({"phone"});
    client c(wider, w.center.line(), of_user("alice", 0x900));
    c.open();
    CHECK(thrown([&] { c.attach("alice"); }) == "apply_failed");
    CHECK(c.disk.op.kind == "remote_replace");
}

TEST_CASE("oversync peer: a row with foreign keys applies at the end of its bundle, and a bundle that cannot is rolled back", "[wire][bundle][peer]") {
    pair w;
    w.center.write("alice", "host", [&](rows& data) {
        data.put({"posts", id(11)}, row{{"id", id(11)}, {"title", "t"}, {"author_id", id(5)}});
        data.put({"users", id(5)}, row{{"id", id(5)}, {"name", "five"}, {"email", nullptr}});
    });
    CHECK(w.a.pull() == "applied_incremental");
    const auto seen = w.b.disk.last_seen;
    auto& log = w.center.user("alice").log;
    auto broken = std::make_shared<bundle>(*log.at(2));
    broken->rows.pop_back();
    log[2] = broken;
    CHECK(thrown([&] { w.b.pull(); }) == "23503");
    CHECK(w.b.disk.last_seen == seen);
    CHECK(w.b.cell("posts", id(11), "title") == "gone");
}

}  // namespace oversync_clients_test
