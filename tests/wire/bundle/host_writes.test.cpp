// What the host itself writes reaches devices of the bundle wire: by SQL of its own, sealed for it, or as a numbered bundle of a named writer.

#include <syncline/adapters/sqlite/authority_store.hpp>

#include "support/scratch_folder.hpp"
#include "wire/bundle/server_fixture.hpp"

namespace host_writes_test {

using namespace bundle_fixture;

TEST_CASE("host writes: SQL in the authority's own transaction is one bundle of its writer, what other programs write is from the server") {
    scratch_folder folder;
    auto app = must(sqlite_database::open(folder.file()));
    for (const char* sql : {"CREATE TABLE projects(id TEXT PRIMARY KEY NOT NULL, name TEXT)",
                            "CREATE TABLE tasks(id TEXT PRIMARY KEY NOT NULL, title TEXT, done BOOLEAN DEFAULT 0, points INTEGER, project TEXT REFERENCES projects(id) ON DELETE CASCADE)",
                            "CREATE TRIGGER count_up AFTER UPDATE OF title ON tasks BEGIN UPDATE tasks SET points = coalesce(points, 0) + 1 WHERE id = new.id; END"})
        must(app.execute(sql));
    auto store = must(sqlite_authority_store::open(folder.file(), schemas(), {}));
    authority engine{store};
    bundle_server wire{engine};
    seeded_random random{3};
    const timestamp now = at_second(1'700'000'000);
    const auto pull = [&](int after) {
        return wire.handle(request{http_method::get, "/sync/pull?after_bundle_seq=" + std::to_string(after), {{"Oversync-Source-ID", "d"}}, {}}, principal{"ann", "main"}, now, random).body;
    };
    const auto write = [&](const char* sql) {
        return engine.write_as("main", "billing", [&](sqlite_authority_store::transaction& t) -> result<void> { return t.connection().execute(sql); }, now);
    };

    const auto first = must(write("INSERT INTO projects VALUES('p', 'home'); INSERT INTO tasks(id, title, project) VALUES('t', 'paint', 'p'), ('u', 'wash', 'p')"));
    CHECK(first.seq == 1);
    CHECK(first.source_bundle_id == 1);
    CHECK(first.row_count == 3);
    CHECK(pull(0).find(R"("bundle_seq":1,"source_id":"billing","source_bundle_id":1,"row_count":3,)") != std::string::npos);
    // Triggers and cascades of the tables are in it.
    CHECK(must(write("UPDATE tasks SET title = 'paint it' WHERE id = 't'")).source_bundle_id == 2);
    CHECK(pull(1).find(R"("payload":{"id":"t","title":"paint it","done":false,"points":1,"project":"p"})") != std::string::npos);
    CHECK(must(write("DELETE FROM projects")).row_count == 3);
    // SQL that the tables refuse writes nothing, and takes no number.
    const auto refused = write("INSERT INTO projects VALUES('q', 'one'); INSERT INTO tasks(id, project) VALUES('x', 'nowhere'), ('x', NULL)");
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::constraint);
    CHECK(must(app.query_integer("SELECT count(*) FROM projects")) == 0);
    must(app.execute("INSERT INTO projects VALUES('r', 'plain')"));
    CHECK(pull(3).find(R"("bundle_seq":4,"source_id":"server","source_bundle_id":4,"row_count":1,)") != std::string::npos);
    CHECK(must(write("INSERT INTO projects VALUES('s', 'later')")).source_bundle_id == 4);
}

}  // namespace host_writes_test
