// Attaches to a database that exists, with rows, a foreign key and no struct: models are made from the tables.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/make_sync.hpp>

#include <filesystem>
#include <iostream>
#include <string>

namespace {

constexpr const char* tables =
    "CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, done BOOLEAN NOT NULL DEFAULT 0,"
    " project_id INTEGER REFERENCES project(id) ON DELETE CASCADE);";

void show(syncline::sqlite_database& app) {
    std::cout << syncline::or_throw(app.query_text("SELECT group_concat(line, ', ') FROM (SELECT name || ': ' || title AS line FROM project "
                                                   "JOIN task ON task.project_id = project.id ORDER BY task.id)"))
              << "\n";
}

void run(const std::string& office_file, const std::string& van_file) {
    using syncline::or_throw;
    // The office's database is what there was before; the van's has the tables and no rows.
    auto office = or_throw(syncline::sqlite_database::open(office_file));
    auto van = or_throw(syncline::sqlite_database::open(van_file));
    or_throw(office.execute(tables));
    or_throw(van.execute(tables));
    or_throw(office.execute("INSERT INTO project VALUES(1, 'Roof'); INSERT INTO task VALUES('t1', 'Order tiles', 0, 1)"));

    // [server]
    syncline::schema_set models;
    for (const char* table : {"project", "task"}) or_throw(models.add(or_throw(syncline::read_model_schema(office, table))));
    auto server_store = or_throw(syncline::sqlite_authority_store::open(office_file, models));
    auto server = syncline::make_sync_server(server_store);
    server.mount_mutation_wire();
    // [/server]
    syncline::authenticated endpoint{syncline::allow_anonymous{{"anyone", "main"}}, server};

    // [device]
    auto device_store = or_throw(syncline::sqlite_replica_store::open(van_file, {std::string{"project"}, std::string{"task"}}));
    auto device = syncline::make_sync_client(device_store, syncline::loopback{endpoint});
    device.sync();
    // [/device]
    show(van);

    // Any program writes with plain SQL, at either end; nobody calls Syncline for it.
    or_throw(office.execute("INSERT INTO task VALUES('t2', 'Rent scaffold', 0, 1)"));
    or_throw(van.execute("UPDATE task SET title = 'Order 400 tiles' WHERE id = 't1'"));
    device.sync();
    show(office);
    show(van);
}

}  // namespace

int main() {
    const auto folder = std::filesystem::temp_directory_path() / "syncline-attach" / std::to_string(syncline::system_random_bits());
    std::filesystem::create_directories(folder);
    run((folder / "office.db").string(), (folder / "van.db").string());

    // [detach]
    syncline::or_throw(syncline::sqlite_replica_store::uninstall((folder / "van.db").string()));
    auto office = syncline::or_throw(syncline::sqlite_database::open((folder / "office.db").string()));
    syncline::or_throw(syncline::detach_sqlite_authority(office, true));
    // [/detach]
    std::cout << syncline::or_throw(office.query_integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'syncline%'"))
              << " tables and triggers of ours are left\n";
    std::filesystem::remove_all(folder);
}
