#include <syncline/adapters/sqlite/authority_totals.hpp>

#include <syncline/adapters/sqlite/authority_store.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <string>

namespace sqlite_authority_totals_test {

using namespace syncline;
using file_sync::must;

TEST_CASE("sqlite authority totals: one line for each tenant; the version moves with every commit of anybody and with nothing else", "[sqlite]") {
    const scratch_folder folder;
    const std::string path = folder.file("server.db");
    file_sync::run(path, "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, body TEXT)");
    sqlite_authority_options options;
    options.owner_column = "owner";
    model_schema note;
    note.name = note.table = "notes";
    note.key_name = "id";
    note.fields = {{"body", value_kind::text, true, nullptr}};
    schema_set models;
    must(models.add(note));
    file_sync::server server{path, models, options};
    STATIC_REQUIRE(totalling_store<sqlite_authority_store>);
    STATIC_REQUIRE(versioned_store<sqlite_authority_store>);
    CHECK(must(server.store.totals()) == authority_totals{});
    const auto first = must(server.store.data_version());
    CHECK(must(server.store.data_version()) == first);
    for (const char* owner : {"ann", "bob", "ann"}) {
        const auto before = must(server.store.data_version());
        file_sync::run(path, std::string{"INSERT INTO notes VALUES(lower(hex(randomblob(16))), '"}.append(owner).append("', 'x')"));
        const auto written = must(server.store.data_version());
        CHECK(written != before);
        must(server.engine.newest_bundle(owner, file_sync::noon));
        CHECK(must(server.store.data_version()) != written);
    }
    CHECK(must(server.store.totals()) == authority_totals{2, 2, 0, 0, 1, 2, 3, 0});
    must(server.engine.prune("ann", 1, file_sync::noon));
    CHECK(must(server.store.totals()) == authority_totals{2, 2, 0, 1, 1, 1, 2, 0});
    must(server.engine.begin_incarnation("second", file_sync::noon));
    CHECK(must(server.store.totals()).kept_bundles == 2);
    file_sync::run(path, "INSERT INTO notes VALUES('later', 'ann', 'x')");
    must(server.engine.newest_bundle("ann", file_sync::noon));
    CHECK(must(server.store.totals()).kept_bundles == 3);
}

}  // namespace sqlite_authority_totals_test
