#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/device_scenarios.hpp"
#include "faults/sqlite/trial.hpp"

#include "support/catch.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace device_test {

namespace {

using namespace faults;

// Made once, in the order of the scenarios; each says how many points it has.
std::vector<std::unique_ptr<trial<device>>>& every_operation() {
    static std::vector<std::unique_ptr<trial<device>>> made;
    if (made.empty())
        for (const auto& what : work_of_a_device()) made.push_back(std::make_unique<trial<device>>(what));
    return made;
}

}  // namespace

TEST_CASE("device: each call of SQLite fails once and the same program goes on") {
    for (auto& t : every_operation()) t->fail_each(layer::calls, false);
}

TEST_CASE("device: from each call of SQLite on all fail") {
    for (auto& t : every_operation()) t->fail_each(layer::calls, true);
}

TEST_CASE("device: each call of the file system fails once and the same program goes on") {
    for (auto& t : every_operation()) t->fail_each(layer::files, false);
}

TEST_CASE("device: from each call of the file system on all fail and the program starts anew") {
    for (auto& t : every_operation()) t->fail_each(layer::files, true);
}

TEST_CASE("device: the process dies at each change of a file (W20)") {
    for (auto& t : every_operation()) t->die_at_each();
}

TEST_CASE("device: the disk is full at each page") {
    for (auto& t : every_operation()) t->fill_at_each_page();
}

TEST_CASE("device: another connection writes or reads or has the file for itself") {
    for (auto& t : every_operation()) t->meet_locks();
}

TEST_CASE("device: triggers whose transaction failed are put back also where the schema's version comes to the same number meanwhile") {
    std::uint64_t calls = 0;
    std::int64_t made = 0;
    for (const bool fails : {false, true}) {
        folder where;
        device d{where.database(), false};
        d.create();
        d.synced();
        observer eye{where.database()};
        const auto version = [&] { return lab_must(eye.db().query_integer("PRAGMA schema_version")); };
        d.must_app(device_steps::rebuild());
        const auto before = version();
        if (!fails) {
            plan::current().count();
            lab_must(d.engine().absorb(d.now));
            (void)plan::current().end();
            calls = plan::current().points(layer::calls);
            made = version() - before;
            REQUIRE(made > 0);
            continue;
        }
        plan::current().fail(layer::calls, calls, 0, false);  // the last call is the commit
        CHECK(!d.engine().absorb(d.now));
        CHECK(plan::current().end());
        for (std::int64_t i = 0; i < made; ++i) d.must_app({"CREATE TABLE more" + std::to_string(i) + "(x)"});
        CHECK(version() == before + made);
        lab_must(d.engine().absorb(d.now));
        d.must_app({"UPDATE node SET a=7 WHERE id='T'"});
        CHECK(lab_must(d.engine().status(d.now)).counts.open == 3);  // T; T3 that came with the new table; C1, which DROP TABLE erased
    }
}

TEST_CASE("device: a reader sees the state before while a transaction of ours is open and after it was dropped") {
    folder where;
    device d{where.database(), false};
    d.create();
    d.synced();
    observer reader{where.database()};
    const auto before = reader.all();
    {
        auto t = lab_must(d.open_store().begin());
        lab_must(t.write(key_named("T"), node(99)));
        CHECK(reader.all() == before);
        CHECK(!reader.can_write());
    }
    CHECK(reader.can_write());
    CHECK(reader.all() == before);
}

}  // namespace device_test
