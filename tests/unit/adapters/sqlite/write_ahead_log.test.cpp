#include <syncline/adapters/sqlite/write_ahead_log.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"
#include "support/no_shared_memory.hpp"

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>

#include <optional>
#include <string>
#include <vector>

namespace write_ahead_log_test {

using namespace syncline;
using namespace authority_fixture;

namespace {

constexpr const char* task = "CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT)";
std::int64_t ours(const std::string& path) {
    stranger app{path};
    return app.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'");
}

}  // namespace

TEST_CASE("write-ahead log: where files have no shared memory a server is refused, and so is a device that does not say that readers may wait") {
    const scratch dir;
    const std::string path = dir.file();
    stranger{path}.run(task);
    const auto models = models_of(path, {"task"});
    const auto was = GENERATE("delete", "wal");
    CHECK(ok(stranger{path}.db().query_text(std::string{"PRAGMA journal_mode="} + was)) == was);
    {
        const no_shared_memory here;
        const std::vector<std::string> words{path, "WAL", std::string{was} == "wal" ? "unable to open" : "`delete`", "`no_shared_memory`", "shared memory"};
        check_refused(sqlite_authority_store::open(path, models), errc::unsupported, words);
        check_refused(sqlite_replica_store::open(path, models), errc::unsupported, words);
        check_refused(sqlite_replica_store::open(path, std::vector<std::string>{"task"}), errc::unsupported, {"write_ahead_log"});
    }
    CHECK(ours(path) == 0);
}

TEST_CASE("write-ahead log: a device may do without it, and says nothing of the kind in memory, where nobody else reads") {
    sqlite_replica_options options;
    SECTION("on a file, where files have no shared memory") {
        const scratch dir;
        stranger{dir.file()}.run(task);
        const no_shared_memory here;
        options.write_ahead_log = false;
        auto store = ok(sqlite_replica_store::open(dir.file(), std::vector<std::string>{"task"}, options));
        stranger app{dir.file()};
        app.run("INSERT INTO task VALUES('a','1')");
        auto t = ok(store.begin());
        CHECK(ok(t.take_captured()).size() == 1);
    }
    SECTION("in memory and in a temporary file") {
        auto db = ok(sqlite_database::open(GENERATE(":memory:", "")));
        ok(db.execute(task));
        auto store = ok(sqlite_replica_store::open(db.handle(), std::vector<std::string>{"task"}, options));
        ok(db.execute("INSERT INTO task VALUES('a','1')"));
        auto t = ok(store.begin());
        CHECK(ok(t.take_captured()).size() == 1);
    }
}

TEST_CASE("write-ahead log: a server needs a file that others can open") {
    for (const char* path : {":memory:", ""}) check_refused(sqlite_authority_store::open(path, schema_set{}), errc::unsupported, {"in memory or a temporary file"});
}

TEST_CASE("write-ahead log: while somebody reads a file that has none it cannot be had, which is said as that and goes by") {
    const scratch dir;
    stranger app{dir.file()};
    app.run(task);
    const auto models = models_of(dir.file(), {"task"});
    sqlite_authority_options options;
    options.busy_timeout = std::chrono::milliseconds{0};
    app.run("BEGIN; SELECT * FROM task");
    check_refused(sqlite_authority_store::open(dir.file(), models, options), errc::busy, {dir.file(), "not in WAL mode"});
    app.run("COMMIT");
    CHECK(sqlite_authority_store::open(dir.file(), models, options));
}

TEST_CASE("write-ahead log: a server whose file was switched back by another program switches it again before it reads or writes") {
    const scratch dir;
    stranger app{dir.file()};
    app.run(task);
    sqlite_authority_options options;
    options.idle_connections = 0;
    auto store = open_store(dir.file(), models_of(dir.file(), {"task"}), options);
    CHECK(ok(stranger{dir.file()}.db().query_text("PRAGMA journal_mode=DELETE")) == "delete");
    CHECK(app.number("SELECT count(*) FROM task") == 0);
    CHECK(ok(app.db().query_text("PRAGMA journal_mode")) == "delete");
    auto reader = ok(store.begin("main", access::snapshot));
    CHECK_FALSE(ok(reader.current({0, "a"})));
    auto writer = ok(store.begin("main", access::write));
    ok(writer.write({0, "a"}, texts({"1"})));
    ok(writer.commit());
    CHECK_FALSE(ok(reader.current({0, "a"})));
}

}  // namespace write_ahead_log_test
