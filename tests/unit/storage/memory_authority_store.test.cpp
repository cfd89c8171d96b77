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

TEST_CASE("memory_authority_store: a transaction that is over answers nothing and changes nothing, whatever it is asked") {
    memory_authority_store store{schemas()};
    const record_key a{task, "a"};
    auto t = must(store.begin("alice", access::write));
    must(t.write(a, task_row("one")));
    must(t.commit());
    const auto over = [](const auto& answer) { CHECK(fault_of(answer) == errc::bug); };
    over(t.current(a)), over(t.write(a, task_row("two"))), over(t.erase(a)), over(t.referencing(a, 9)), over(t.referring(a, 9));
    over(t.savepoint()), over(t.rollback_to_savepoint()), over(t.release_savepoint()), over(t.take_staged()), over(t.has_staged());
    over(t.head()), over(t.sealed(a)), over(t.append({})), over(t.changes_of(a, 0)), over(t.history_of(a)), over(t.latest_after(0, 9));
    over(t.bundle_heads(0, 9)), over(t.bundle_rows(1, 0, 9)), over(t.prune(1));
    over(t.find_receipt("p", "m")), over(t.put_receipt("p", {})), over(t.find_bundle_receipt("s", 1)), over(t.put_bundle_receipt({})), over(t.last_source_bundle_id("s"));
    over(t.put_source({})), over(t.find_source("p", "s")), over(t.drop_source("p", "s")), over(t.sources());
    over(t.put_note("p", "n", "x")), over(t.find_note("p", "n")), over(t.notes("p", "n")), over(t.drop_notes("p", "n"));
    over(t.audience_of(a)), over(t.relabel(a, 1, {})), over(t.audiences_since(a, 0)), over(t.labelled("l", nullptr, 9)), over(t.labelled_by()), over(t.set_labelled_by("r"));
    over(t.find_view("p", "s")), over(t.put_view({}));
    over(t.put_session({})), over(t.find_session("s")), over(t.drop_session("s")), over(t.drop_sessions("d", 1)), over(t.append_session("s", 0, {})), over(t.session_mutations("s"));
    over(t.make_snapshot({})), over(t.find_snapshot("s")), over(t.drop_snapshot("s")), over(t.renew_snapshot("s", {})), over(t.snapshot_rows("s", 0, 9)), over(t.expire({}));
    over(t.commit());
    CHECK(store.row("alice", a) == task_row("one"));
}

TEST_CASE("memory_authority_store: a transaction that another is moved into gives up its own changes, not those that come") {
    memory_authority_store store{schemas()};
    const record_key a{task, "a"};
    auto t = must(store.begin("alice", access::write));
    must(t.write(a, task_row("given up")));
    auto theirs = must(store.begin("bob", access::write));
    must(theirs.write({task, "b"}, task_row("theirs")));
    t = std::move(theirs);
    auto& itself = t;
    t = std::move(itself);
    must(t.commit());
    CHECK_FALSE(store.row("alice", a));
    CHECK(store.row("bob", {task, "b"}) == task_row("theirs"));
    must(store.begin("alice", access::write));
}

TEST_CASE("memory_authority_store: the app waits for an open sync transaction of its tenant, and a write that is refused gives the key to nobody") {
    memory_authority_store store{schemas(), {{{task, 1}}, true, {}}};
    const record_key a{task, "a"};
    must(store.app_write("alice", a, task_row("1", "CODE")));
    {
        auto t = must(store.begin("alice", access::write));
        CHECK(fault_of(store.app_write("alice", a, task_row("2"))) == errc::busy);
        CHECK(fault_of(store.app_erase("alice", a)) == errc::busy);
        must(store.app_erase("bob", a));
    }
    const record_key b{task, "b"};
    CHECK(fault_of(store.app_write("alice", b, task_row("2", "CODE"))) == errc::constraint);
    must(store.app_write("bob", b, task_row("3")));
    CHECK(store.row("alice", a) == task_row("1", "CODE"));
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
