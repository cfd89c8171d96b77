#include <syncline/adapters/sqlite/foreign_key_check.hpp>

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/sync_server.hpp>

#include "authority_fixture.hpp"
#include "support/catch.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace foreign_key_check_test {

using namespace syncline;
using namespace authority_fixture;

namespace {

/// Whether a server on those tables mounts the bundle wire.
/// @param without  a column that is no field
/// @param undescribed  the models do not say what their fields refer to
result<void> mount(const std::string& sql, const std::vector<std::string>& tables, const std::string& without = {}, const std::string& owner = {},
                   bool undescribed = false) {
    scratch dir;
    const std::string path = dir.file();
    stranger{path}.run(sql);
    sqlite_authority_options options;
    options.owner_column = owner;
    auto db = ok(sqlite_database::open(path));
    schema_set models;
    for (const auto& table : tables) {
        auto m = ok(read_model_schema(db, table));
        if (const auto f = m.find_field(without)) {
            std::erase_if(m.references, [&](const reference_schema& r) { return r.field == *f; });
            m.fields.erase(m.fields.begin() + *f);
            for (auto& r : m.references)
                if (r.field > *f) --r.field;
        }
        if (undescribed) m.references.clear();
        ok(models.add(std::move(m)));
    }
    auto store = open_store(path, std::move(models), options);
    const auto random = std::make_shared<seeded_random>(1);
    sync_server<sqlite_authority_store> server{store, {}, [] { return timestamp{}; }, [random] { return random->next(); }};
    server.mount_mutation_wire();
    return server.mount_bundle_wire();
}

}  // namespace

TEST_CASE("foreign key check: foreign keys that hold sync keys are served on both wires, to the table itself and in cycles too") {
    ok(mount("CREATE TABLE list(id TEXT PRIMARY KEY NOT NULL, first TEXT REFERENCES task(id) DEFERRABLE INITIALLY DEFERRED);"
             "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, list_id TEXT REFERENCES List ON DELETE CASCADE, parent TEXT REFERENCES task(ID) ON DELETE SET NULL)",
             {"list", "task"}));
    ok(mount("CREATE TABLE doc(id BLOB PRIMARY KEY NOT NULL); CREATE TABLE page(id BLOB PRIMARY KEY NOT NULL, doc BLOB NOT NULL REFERENCES doc(id))", {"doc", "page"}));
    // The owner column beside the key, as go-oversync has it.
    ok(mount("CREATE TABLE list(id TEXT PRIMARY KEY NOT NULL, who TEXT NOT NULL, UNIQUE(who, id));"
             "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, who TEXT NOT NULL, list_id TEXT, FOREIGN KEY(who, list_id) REFERENCES list(who, id))",
             {"list", "task"}, "who", "who"));
    // What is left out of the model matters to nobody.
    ok(mount("CREATE TABLE person(name TEXT UNIQUE); CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, t TEXT, by TEXT REFERENCES person(name))", {"task"}, "by"));
}

TEST_CASE("foreign key check: the bundle wire refuses, by name, foreign keys that hold something else than a served table's sync key") {
    check_refused(mount("CREATE TABLE list(id TEXT PRIMARY KEY NOT NULL, slug TEXT UNIQUE); CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, list TEXT REFERENCES list(slug))",
                        {"list", "task"}),
                  errc::unsupported, {"model `task`", "foreign key `list` of table `task`", "column `slug` of `list`", "sync key is `id`", "let it refer to the sync key"});
    check_refused(mount("CREATE TABLE list(id TEXT PRIMARY KEY NOT NULL, a TEXT, b TEXT, UNIQUE(a, b));"
                        "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, a TEXT, b TEXT, FOREIGN KEY(a, b) REFERENCES list(a, b))",
                        {"list", "task"}),
                  errc::unsupported, {"model `task`", "`a`, `b`", "several columns", "refer to one sync key"});
    check_refused(mount("CREATE TABLE person(name TEXT UNIQUE); CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, by TEXT REFERENCES person(name))", {"task"}), errc::unsupported,
                  {"model `task`", "field `by` refers to `person`, which is not served", "leave the field out of the model"});
    check_refused(mount("CREATE TABLE person(name TEXT UNIQUE); CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, by TEXT REFERENCES person(name))", {"task"}, {}, {}, true),
                  errc::unsupported, {"model `task`", "foreign key `by` of table `task` refers to table `person`", "serve that table too", "leave the column out of the model"});
    check_refused(mount("CREATE TABLE list(id INTEGER PRIMARY KEY); CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, list INTEGER REFERENCES list(id))", {"list", "task"}),
                  errc::unsupported, {"model `list`", "key `id` holds integers"});
}

}  // namespace foreign_key_check_test
