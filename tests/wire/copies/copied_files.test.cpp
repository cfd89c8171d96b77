// Devices whose file was copied, or came back from a backup: what was unsent when that was done may be sent by both.

#include <syncline/adapters/sqlite/file_token.hpp>

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/conflict/merges.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/model/model_schema.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace copied_files_test {

using namespace file_sync;

namespace {

const record_key counted{0, "r"};

schema_set models(const std::string& path) {
    schema_set out;
    for (model_schema m : models_in(path, {"t"})) {
        for (auto& f : m.fields)
            if (f.name == "n") f.merge = &merges::counter::erased;
        must(out.add(std::move(m)));
    }
    return out;
}

// A server with a row that counts, and a device that has it and counted 1 further, unsent; `spare` is the file of the device as it is then.
struct office {
    explicit office(wire_kind wire) : by(wire) {
        for (const std::string& path : {server_file, device}) run(path, "CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER, a TEXT)");
        run(server_file, "INSERT INTO t VALUES('r',0,'')");
        with.emplace(server_file, models(server_file));
        kept[device] = {"", "first"};
        CHECK(sync_file(device).ok());
        run(device, "UPDATE t SET n=n+1 WHERE id='r'; INSERT INTO t VALUES('before',1,'')");
    }
    void set_aside() { run(device, "VACUUM INTO '" + spare + "'"); }
    // The original goes on: what was unsent is sent, and then more.
    void go_on() {
        CHECK(sync_file(device).pushed == 2);
        run(device, "UPDATE t SET n=n+10 WHERE id='r'");
        CHECK(sync_file(device).pushed == 1);
    }
    // The backup takes the original's place.
    void restore() {
        for (const char* rest : {"", "-wal", "-shm"}) std::filesystem::remove(device + rest);
        std::filesystem::copy_file(spare, device);
    }
    sqlite_replica_store open(const std::string& path) {
        sqlite_replica_options options;
        options.token = kept[path];
        return must(sqlite_replica_store::open(path, models(path), options));
    }
    sync_result sync_file(const std::string& path) {
        auto store = open(path);
        kept[path].last = kept[path].next;
        CHECK_FALSE(store.is_copy());
        return sync(store, *with, by);
    }
    std::string on_server(const std::string& what) { return ask(server_file, "SELECT group_concat(" + what + ") FROM (SELECT * FROM t ORDER BY id)"); }

    wire_kind by;
    scratch_folder dir;
    std::string server_file = dir.file("server.db"), device = dir.file("device.db"), spare = dir.file("spare.db");
    std::map<std::string, sqlite_file_token> kept;  // what each installation keeps outside of its file; empty: it keeps nothing
    std::optional<server> with;
};

std::string source_of(const std::string& path) { return ask(path, "SELECT source_id FROM syncline_replica_state"); }

// Everything that was unsent waits, nothing was sent, and a person settles it.
void check_waits(office& o, sqlite_replica_store& store, const std::string& path, const sync_result& done) {
    CHECK(done.ok());
    CHECK(done.pushed == 0);
    CHECK(o.on_server("id||n") == "before1,r11");
    replica<sqlite_replica_store> engine{store};
    must(engine.open(o.with->random, noon));
    const auto waiting = must(engine.waiting(10, noon));
    CHECK(waiting.size() == 3);
    for (const auto& w : waiting) CHECK(w.waiting->code == errc::maybe_sent);
    CHECK(ask(path, "SELECT n FROM t WHERE id='after'") == "7");  // the user still sees all of it
    must(engine.retry({0, "after"}, noon));
    must(engine.discard({0, "before"}, noon));
    must(engine.discard(counted, noon));
    CHECK(sync(store, *o.with, o.by).pushed == 1);
    CHECK(o.on_server("id||n") == "after7,before1,r11");
    CHECK(ask(path, "SELECT group_concat(id||n) FROM (SELECT * FROM t ORDER BY id)") == "after7,before1,r11");
}

}  // namespace

TEST_CASE("copied files: the server notices a copy and a restored backup by the number of what it sends, on either wire, and nothing is sent twice") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (const bool restored : {false, true}) {
            CAPTURE(static_cast<int>(by), restored);
            office o{by};
            o.kept[o.device] = {};
            o.set_aside();
            o.go_on();
            const std::string source = source_of(o.device);
            if (restored) o.restore();
            const std::string path = restored ? o.device : o.spare;
            run(path, "UPDATE t SET n=n+100 WHERE id='r'; INSERT INTO t VALUES('after',7,'')");
            {
                auto store = o.open(path);
                const auto done = sync(store, *o.with, by);
                CHECK(done.failed == 3);
                check_waits(o, store, path, done);
            }
            CHECK(source_of(path) != source);
            if (restored) continue;
            run(o.device, "UPDATE t SET a='original' WHERE id='before'");
            CHECK(o.sync_file(o.device).pushed == 1);
            CHECK(source_of(o.device) == source);
        }
}

TEST_CASE("copied files: a token that is kept outside of the file tells of a copy and a restored backup before anything is sent, on either wire") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (const bool restored : {false, true}) {
            CAPTURE(static_cast<int>(by), restored);
            office o{by};
            o.set_aside();
            o.kept[o.device].next = "second";
            o.go_on();
            const std::string source = source_of(o.device);
            if (restored) o.restore();
            const std::string path = restored ? o.device : o.spare;
            run(path, "UPDATE t SET n=n+100 WHERE id='r'; INSERT INTO t VALUES('after',7,'')");
            o.kept[path].next = "third";
            {
                const auto not_settled = o.open(path);  // the program ends before it has done anything
                CHECK(not_settled.is_copy());
            }
            {
                auto store = o.open(path);
                REQUIRE(store.is_copy());
                replica<sqlite_replica_store> engine{store};
                must(engine.open(o.with->random, noon));
                must(engine.renew_source(o.with->random, true, noon));
                must(store.keep_token());
                CHECK_FALSE(store.is_copy());
                CHECK(source_of(path) != source);
                check_waits(o, store, path, sync(store, *o.with, o.by));
            }
            o.kept[path] = {"third", "fourth"};
            CHECK(o.sync_file(path).ok());
            if (!restored) CHECK(o.sync_file(o.device).ok());
        }
}

TEST_CASE("copied files: what was in flight has its ids, and takes effect once whoever sends it, on either wire") {
    for (const wire_kind by : {wire_kind::mutation, wire_kind::bundle})
        for (const bool restored : {false, true}) {
            CAPTURE(static_cast<int>(by), restored);
            office o{by};
            o.kept[o.device] = {};
            {
                auto store = o.open(o.device);
                replica<sqlite_replica_store> engine{store};
                must(engine.open(o.with->random, noon));
                REQUIRE(must(engine.freeze(10, by == wire_kind::bundle, o.with->random, noon)));
            }
            o.set_aside();
            o.go_on();
            if (restored) o.restore();
            const std::string path = restored ? o.device : o.spare;
            CHECK(o.sync_file(path).ok());
            CHECK(o.on_server("id||n") == "before1,r11");
            CHECK(ask(path, "SELECT group_concat(id||n) FROM (SELECT * FROM t ORDER BY id)") == "before1,r11");
        }
}

TEST_CASE("file token: a file is known by the token in use and the one that was to be next, and by none else") {
    const scratch_folder dir;
    const std::string path = dir.file("a.db");
    run(path, "CREATE TABLE t(id TEXT PRIMARY KEY)");
    const auto is_copy = [&](const std::string& last, const std::string& next) {
        sqlite_replica_options options;
        options.token = {last, next};
        return must(sqlite_replica_store::open(path, std::vector<std::string>{"t"}, options)).is_copy();
    };
    CHECK_FALSE(is_copy("", ""));
    CHECK_FALSE(is_copy("", "a"));
    CHECK_FALSE(is_copy("", "a"));   // ended before it noted that "a" is in use
    CHECK_FALSE(is_copy("a", "b"));
    CHECK_FALSE(is_copy("a", "b"));
    CHECK(is_copy("a", "c"));        // an older one is given: the file was used meanwhile, so this is another place's
    CHECK(is_copy("", "c"));
    CHECK_FALSE(is_copy("", ""));
    CHECK_FALSE(is_copy("b", "c"));
    must(sqlite_replica_store::uninstall(path));
    CHECK(ask(path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'") == "0");
    CHECK(is_copy("c", "d"));        // it never had one
}

}  // namespace copied_files_test
