#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/replica_conformance.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <memory>

namespace memory_replica_store_test {

namespace {

using namespace syncline;
using namespace store_contract;

// [harness]
struct harness {
    std::shared_ptr<bool> triggered = std::make_shared<bool>(false);
    memory_replica_store kept{schemas(), {{{task, 1}}, true, [on = triggered](const record_key& key, record& row) {
                                              if (*on && key.model == task && row.fields[0] == value::text("shout")) row.fields[0] = value::text("SHOUT");
                                          }}};

    memory_replica_store& store() { return kept; }
    void reopen() { kept = memory_replica_store{std::move(kept)}; }
    result<void> app_write(const record_key& key, const record& row) { return kept.app_write(key, row); }
    result<void> app_erase(const record_key& key) { return kept.app_erase(key); }
    std::optional<record> row(const record_key& key) { return kept.row(key); }
    void install_trigger() { *triggered = true; }
};
// [/harness]

}  // namespace

static_assert(leasing_store<memory_replica_store>);

// [conformance]
TEST_CASE("memory_replica_store: keeps the replica store's contract") {
    syncline::testing::report r;
    syncline::testing::check_replica_store(r, [] { return harness{}; });
    INFO(r.text());
    CHECK(r.passed());
}
// [/conformance]

TEST_CASE("memory_replica_store: a copy has what was committed and goes its own way") {
    memory_replica_store store{schemas()};
    const record_key a{task, "a"};
    must(store.app_write(a, task_row("one")));
    {
        auto t = must(store.begin());
        must(t.take_captured());
        must(t.write(a, task_row("open")));
        auto copy = store.copy();
        CHECK(copy.row(a) == task_row("one"));
        auto theirs = must(copy.begin());
        CHECK(must(theirs.take_captured()).size() == 1);
        must(theirs.write(a, task_row("theirs")));
        must(theirs.commit());
        CHECK(store.row(a) == task_row("open"));
        must(t.commit());
        CHECK(copy.row(a) == task_row("theirs"));
    }
    CHECK(store.row(a) == task_row("open"));
    CHECK(store.rows(task).size() == 1);
    CHECK(store.rows(project).empty());
}

TEST_CASE("memory_replica_store: assigning to a transaction drops what it held") {
    memory_replica_store one{schemas()};
    memory_replica_store two{schemas()};
    const record_key a{task, "a"};
    auto t = must(one.begin());
    must(t.write(a, task_row("dropped")));
    t = must(two.begin());
    CHECK_FALSE(one.row(a));
    must(one.begin());
    must(t.write(a, task_row("kept")));
    must(t.commit());
    CHECK(two.row(a) == task_row("kept"));
}

}  // namespace memory_replica_store_test
