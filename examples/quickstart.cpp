#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/syncline.hpp>

#include <iostream>

using namespace syncline;

struct task {
    std::string id, title;
    bool done = false;

    struct syncline_model {
        static constexpr auto name() { return "task"; }
        static constexpr auto key() { return key_field<"id", &task::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &task::title>(), field<"done", &task::done>()}; }
    };
};

int main() {
    const schema_set models = or_throw(schemas_of<task>());
    memory_authority_store shared{models};  // or a file with your table: sqlite_authority_store::open("server.db", models)
    auto server = make_sync_server(shared);
    server.mount_mutation_wire();
    authenticated endpoint{allow_anonymous{{"anyone", "main"}}, server};  // a user and a tenant; your own check goes here

    auto phone = or_throw(sqlite_database::open(":memory:")), laptop = or_throw(sqlite_database::open(":memory:"));
    for (auto* app : {&phone, &laptop}) or_throw(app->execute("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, done INTEGER)"));
    auto phone_store = or_throw(sqlite_replica_store::open(phone.handle(), models));
    auto laptop_store = or_throw(sqlite_replica_store::open(laptop.handle(), models));
    auto phone_sync = make_sync_client(phone_store, loopback{endpoint}), laptop_sync = make_sync_client(laptop_store, loopback{endpoint});

    or_throw(phone.execute("INSERT INTO task VALUES('t1', 'Water the plants', 0)"));
    for (auto* device : {&phone_sync, &laptop_sync}) device->sync();
    or_throw(phone.execute("UPDATE task SET title = 'Water all plants'"));  // both offline: each changes another field
    or_throw(laptop.execute("UPDATE task SET done = 1"));
    for (auto* device : {&phone_sync, &laptop_sync, &phone_sync}) std::cout << "pushed " << device->sync().pushed << "\n";
    for (auto* app : {&phone, &laptop}) std::cout << or_throw(app->query_text("SELECT title || ', done: ' || done FROM task")) << "\n";
}
