#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/server_scenarios.hpp"
#include "faults/sqlite/trial.hpp"

#include "support/catch.hpp"

#include <memory>
#include <vector>

namespace server_test {

namespace {

using namespace faults;

// Made once, in the order of the scenarios; each says how many points it has.
std::vector<std::unique_ptr<trial<server>>>& every_operation() {
    static std::vector<std::unique_ptr<trial<server>>> made;
    if (made.empty())
        for (const auto& what : work_of_a_server()) made.push_back(std::make_unique<trial<server>>(what));
    return made;
}

}  // namespace

TEST_CASE("server: each call of SQLite fails once and the same program goes on") {
    for (auto& t : every_operation()) t->fail_each(layer::calls, false);
}

TEST_CASE("server: from each call of SQLite on all fail") {
    for (auto& t : every_operation()) t->fail_each(layer::calls, true);
}

TEST_CASE("server: each call of the file system fails once and the same program goes on") {
    for (auto& t : every_operation()) t->fail_each(layer::files, false);
}

TEST_CASE("server: from each call of the file system on all fail and the program starts anew") {
    for (auto& t : every_operation()) t->fail_each(layer::files, true);
}

TEST_CASE("server: the process dies at each change of a file") {
    for (auto& t : every_operation()) t->die_at_each();
}

TEST_CASE("server: the disk is full at each page") {
    for (auto& t : every_operation()) t->fill_at_each_page();
}

TEST_CASE("server: another connection writes or reads or has the file for itself") {
    for (auto& t : every_operation()) t->meet_locks();
}

TEST_CASE("server: a reader sees the state before while a transaction of ours is open and after it was dropped") {
    folder where;
    server d{where.database(), false};
    d.create();
    d.sealed();
    observer reader{where.database()};
    const auto before = reader.all();
    {
        auto t = lab_must(d.store().begin("main", access::write));
        lab_must(t.write(key_named("T"), node(99)));
        CHECK(reader.all() == before);
        CHECK(!reader.can_write());
    }
    CHECK(reader.can_write());
    CHECK(reader.all() == before);
}

}  // namespace server_test
