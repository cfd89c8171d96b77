#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/authority_conformance.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <memory>
#include <string>

namespace memory_authority_store_test {

namespace {

using namespace syncline;
using namespace store_contract;

struct harness {
    std::shared_ptr<bool> triggered = std::make_shared<bool>(false);
    memory_authority_store kept{schemas(), {{{task, 1}}, true, [on = triggered](const record_key& key, record& row) {
                                                if (*on && key.model == task && row.fields[0] == value::text("shout")) row.fields[0] = value::text("SHOUT");
                                            }}};

    memory_authority_store& store() { return kept; }
    void reopen() { kept = memory_authority_store{std::move(kept)}; }
    result<void> app_write(const std::string& tenant, const record_key& key, const record& row) { return kept.app_write(tenant, key, row); }
    result<void> app_erase(const std::string& tenant, const record_key& key) { return kept.app_erase(tenant, key); }
    std::optional<record> row(const std::string& tenant, const record_key& key) { return kept.row(tenant, key); }
    void install_trigger() { *triggered = true; }
};

}  // namespace

TEST_CASE("memory_authority_store: keeps the authority store's contract") {
    testing::report r;
    testing::check_authority_store(r, [] { return harness{}; });
    store_contract::passed(r);
}

TEST_CASE("memory_authority_store: tenants are written at the same time, each on its own") {
    memory_authority_store store{schemas()};
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    auto hers = must(store.begin("alice", access::write));
    auto his = must(store.begin("bob", access::write));
    must(hers.write(a, task_row("hers")));
    must(his.write(b, task_row("his")));
    CHECK(fault_of(his.write(a, task_row("his"))) == errc::absent);
    must(his.commit());
    { const auto dropped = std::move(hers); }
    CHECK(store.row("bob", b) == task_row("his"));
    CHECK_FALSE(store.row("alice", a));
    must(store.app_write("bob", a, task_row("free again")));
    CHECK(fault_of(store.app_write("alice", a, task_row("taken"))) == errc::constraint);
    CHECK(store.rows("bob", task).size() == 2);
    CHECK(store.rows("nobody", task).empty());
}

TEST_CASE("memory_authority_store: a key stays its tenant's, dead or alive, but not by a write that was taken back") {
    memory_authority_store store{schemas()};
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    {
        auto t = must(store.begin("alice", access::write));
        must(t.write(a, task_row("1")));
        must(t.savepoint());
        must(t.write(b, task_row("1")));
        must(t.rollback_to_savepoint());
        must(t.commit());
    }
    must(store.app_erase("alice", a));
    CHECK(fault_of(store.app_write("bob", a, task_row("2"))) == errc::constraint);
    must(store.app_write("bob", b, task_row("2")));
}

TEST_CASE("memory_authority_store: a bundle that does not continue the log is refused and changes nothing") {
    memory_authority_store store{schemas()};
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    auto t = must(store.begin("alice", access::write));
    must(t.append(bundle_of(must(t.head()), {{a, task_row("1"), {}}, {b, task_row("1"), {}}})));
    const auto head = must(t.head());
    const bundle good = bundle_of(head, {{a, task_row("2"), {}}, {b, task_row("2"), {}}});
    const auto refused = [&](auto spoil) {
        bundle b2 = good;
        spoil(b2);
        CHECK(fault_of(t.append(b2)) == errc::bug);
        CHECK(must(t.head()) == head);
        CHECK(must(t.sealed(a))->row == task_row("1"));
    };
    refused([](bundle& x) { x.head.seq = 1; });
    refused([](bundle& x) { x.head.row_count = 1; });
    refused([](bundle& x) { x.head.first_stamp = 0; });
    refused([](bundle& x) { x.rows[1].version = 1; });
    refused([](bundle& x) { x.rows[1].stamp = x.rows[0].stamp; });
    refused([](bundle& x) { x.rows[0].stamp = x.head.first_stamp = 1; });
    refused([](bundle& x) { x.rows[1].key = x.rows[0].key; });
    must(t.append(good));
}

TEST_CASE("memory_authority_store: savepoints are used one after another") {
    memory_authority_store store{schemas()};
    auto t = must(store.begin("alice", access::write));
    CHECK(fault_of(t.rollback_to_savepoint()) == errc::bug);
    CHECK(fault_of(t.release_savepoint()) == errc::bug);
    must(t.savepoint());
    CHECK(fault_of(t.savepoint()) == errc::bug);
    must(t.release_savepoint());
    must(t.savepoint());
    must(t.rollback_to_savepoint());
    CHECK(fault_of(t.rollback_to_savepoint()) == errc::bug);
}

TEST_CASE("memory_authority_store: a copy is a backup") {
    memory_authority_store store{schemas(), {}, "first"};
    const record_key a{task, "a"};
    must(store.app_write("alice", a, task_row("1")));
    auto backup = store.copy();
    must(store.app_write("alice", a, task_row("2")));
    CHECK(backup.row("alice", a) == task_row("1"));
    CHECK(must(must(backup.begin("alice", access::snapshot)).head()).epoch == "first");
    CHECK(must(must(backup.begin("alice", access::snapshot)).has_staged()));
    CHECK(fault_of(backup.app_write("bob", a, task_row("1"))) == errc::constraint);
}

}  // namespace memory_authority_store_test
