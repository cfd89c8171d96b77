// Soft deletes: the server keeps what was deleted in a trash, the device deletes; both have columns of their own for times.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/make_sync.hpp>

#include <filesystem>
#include <iostream>
#include <string>

namespace {

void run(const std::string& office_file, const std::string& van_file) {
    using syncline::or_throw;
    auto office = or_throw(syncline::sqlite_database::open(office_file));
    auto van = or_throw(syncline::sqlite_database::open(van_file));
    or_throw(office.execute("CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT, created_at DATETIME, updated_at DATETIME, deleted_at DATETIME)"));
    or_throw(van.execute("CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT, touched INTEGER)"));
    or_throw(office.execute("INSERT INTO task(id, title) VALUES('t1', 'Order tiles')"));

    // [server]
    syncline::app_times of_office{"created_at", "updated_at", "deleted_at"};
    syncline::schema_set models;
    or_throw(models.add(or_throw(syncline::read_model_schema(office, "task", of_office))));
    // [/server]
    auto server_store = or_throw(syncline::sqlite_authority_store::open(office_file, models));
    auto server = syncline::make_sync_server(server_store);
    server.mount_mutation_wire();
    syncline::authenticated endpoint{syncline::allow_anonymous{{"anyone", "main"}}, server};

    // [device]
    syncline::sqlite_replica_options of_van;
    of_van.times.updated_at = {"touched", syncline::time_form::milliseconds};
    auto device_store = or_throw(syncline::sqlite_replica_store::open(van_file, {std::string{"task"}}, of_van));
    // [/device]
    auto device = syncline::make_sync_client(device_store, syncline::loopback{endpoint});
    device.sync();

    or_throw(van.execute("DELETE FROM task"));
    device.sync();
    std::cout << or_throw(office.query_text("SELECT title || (CASE WHEN deleted_at IS NULL THEN '' ELSE ' is in the trash' END) FROM task")) << "\n";

    or_throw(office.execute("UPDATE task SET deleted_at = NULL"));  // somebody takes it out again
    device.sync();
    std::cout << or_throw(van.query_text("SELECT title || ' is back' FROM task")) << "\n";
}

}  // namespace

int main() {
    const auto folder = std::filesystem::temp_directory_path() / "syncline-soft-deletes" / std::to_string(syncline::system_random_bits());
    std::filesystem::create_directories(folder);
    run((folder / "office.db").string(), (folder / "van.db").string());
    std::filesystem::remove_all(folder);
}
