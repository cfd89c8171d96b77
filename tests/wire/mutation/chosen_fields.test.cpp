// Which columns of a table are synced is a device's choice: by list, all, all but some; and some only come in.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/field_choice.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/make_sync.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"
#include "support/scratch_folder.hpp"

#include <string>

namespace chosen_fields_test {

using namespace syncline;
using simulation::lab_must;

namespace {

constexpr const char* table = "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT, secret TEXT, rank INTEGER)";

schema_set models(sqlite_database& db, const field_choice& choice) {
    schema_set out;
    lab_must(out.add(lab_must(choose_fields(lab_must(read_model_schema(db, "task")), choice))));
    return out;
}
std::string row(sqlite_database& db) {
    auto s = lab_must(db.prepare("SELECT title || '|' || ifnull(secret, '-') || '|' || ifnull(rank, '-') FROM task WHERE id = 't'"));
    return lab_must(s.step()) ? std::string{s.column_text(0)} : "gone";
}

}  // namespace

TEST_CASE("chosen fields: a column that is left out stays each side's own, and one that is read only comes in and never goes out", "[wire]") {
    scratch_folder folder;
    const std::string office_file = folder.file("office.db"), phone_file = folder.file("phone.db");
    auto office = lab_must(sqlite_database::open(office_file)), phone = lab_must(sqlite_database::open(phone_file));
    for (auto* db : {&office, &phone}) lab_must(db->execute(table));
    auto office_store = lab_must(sqlite_authority_store::open(office_file, models(office, {})));
    auto phone_store = lab_must(sqlite_replica_store::open(phone_file, models(phone, {{}, {"secret"}, {"rank"}})));
    auto server = make_sync_server(office_store);
    server.mount_mutation_wire();
    authenticated<allow_anonymous, sync_server<sqlite_authority_store>> endpoint{allow_anonymous{}, server};
    auto device = make_sync_client(phone_store, loopback{endpoint});
    const auto sync = [&] {
        const auto done = device.sync();
        CHECK(done.ok());
        CHECK(lab_must(device.waiting()).empty());
    };

    lab_must(phone.execute("INSERT INTO task VALUES('t', 'made here', 'of the phone', 5)"));
    sync();
    CHECK(row(office) == "made here|-|-");
    lab_must(office.execute("UPDATE task SET secret = 'of the office', rank = 9"));
    sync();
    CHECK(row(phone) == "made here|of the phone|9");
    lab_must(phone.execute("UPDATE task SET title = 'edited', secret = 'still of the phone', rank = 1"));
    sync();
    CHECK(row(office) == "edited|of the office|9");
    CHECK(row(phone) == "edited|still of the phone|9");
    lab_must(phone.execute("UPDATE task SET rank = 2, secret = 'alone'"));
    CHECK(lab_must(device.status()).counts.open == 0);
    sync();
    CHECK(row(office) == "edited|of the office|9");
    CHECK(row(phone) == "edited|alone|9");
}

}  // namespace chosen_fields_test
