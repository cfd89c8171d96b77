#include <syncline/adapters/sqlite/authority_renames.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"
#include "support/file_sync.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace authority_renames_test {

using namespace syncline;
using namespace authority_fixture;

TEST_CASE("authority renames: devices whose column was renamed too are sent what was edited and nothing else, and keep what they had not sent") {
    const auto wire = GENERATE(file_sync::wire_kind::mutation, file_sync::wire_kind::bundle);
    const scratch dir;
    const std::string office = dir.file("office.db");
    const std::string van = dir.file("van.db");
    const std::vector<std::string> tables{"task"};
    for (const auto& path : {office, van}) file_sync::run(path, "CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, body TEXT)");
    file_sync::run(office, "INSERT INTO task VALUES('a','1','x'),('b','1','x'),('c','1','x'),('d','1','x')");
    {
        file_sync::server server{office, tables};
        CHECK(file_sync::sync(van, tables, server, wire).pulled == 4);
        file_sync::run(van, "UPDATE task SET title='mine' WHERE id='a'");
        file_sync::run(office, "UPDATE task SET title='sealed' WHERE id='b'");
        CHECK(seal_now(server.store) == 1);
    }
    file_sync::run(office, "UPDATE task SET title='before' WHERE id='c'; ALTER TABLE task RENAME COLUMN title TO heading; UPDATE task SET heading='after' WHERE id='d'");
    file_sync::run(van, "ALTER TABLE task RENAME COLUMN title TO heading");
    file_sync::server server{office, tables};
    const auto done = file_sync::sync(van, tables, server, wire);
    CHECK(done.pushed == 1);
    CHECK(done.conflicts == 0);
    CHECK(done.pulled == 3);
    for (const auto& path : {office, van})
        CHECK(file_sync::ask(path, "SELECT group_concat(id||heading||body) FROM (SELECT * FROM task ORDER BY id)") == "aminex,bsealedx,cbeforex,dafterx");
}

}  // namespace authority_renames_test
