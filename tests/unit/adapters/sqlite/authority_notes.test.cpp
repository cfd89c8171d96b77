#include <syncline/adapters/sqlite/authority_notes.hpp>

#include "support/catch.hpp"
#include "unit/adapters/sqlite/authority_fixture.hpp"

#include <string>

namespace authority_notes_test {

using namespace authority_fixture;

TEST_CASE("sqlite authority notes: they are kept under names of any octets, in a table that format 1 may lack", "[sqlite]") {
    const scratch folder;
    const std::string path = folder.file();
    {
        stranger app{path};
        app.run("CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)");
        auto store = open_store(path, models_of(path, {"note"}));
        app.run("DROP TABLE syncline_authority_notes; UPDATE syncline_authority_meta SET value = 1 WHERE name = 'format'");
    }
    auto store = open_store(path, models_of(path, {"note"}));
    const std::string name{"a\0b", 3};
    {
        auto t = ok(store.begin("main", access::write));
        ok(t.put_note("ann", name, name));
        ok(t.put_note("ann", "a", "x"));
        ok(t.commit());
    }
    auto t = ok(store.begin("main", access::snapshot));
    CHECK(ok(t.find_note("ann", name)) == name);
    CHECK(ok(t.notes("ann", "a")).size() == 2);
    CHECK(ok(t.notes("ann", name)).size() == 1);
}

}  // namespace authority_notes_test
