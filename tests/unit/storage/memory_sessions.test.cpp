#include <syncline/storage/memory_sessions.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/time.hpp>
#include <syncline/testing/storage/authority_reference.hpp>

#include "support/store_contract.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <string>

// The contract of both is in testing/storage/authority_conformance.hpp, which memory_authority_store.test.cpp keeps. Here is what memory alone could get wrong.
namespace memory_sessions_test {

namespace {

using namespace syncline;
using namespace store_contract;

const record_key a{task, "a"};

push_session session(const std::string& id, std::int64_t number, std::int64_t expires) {
    return {id, "p", "dev", number, 9, 0, from_microseconds(expires)};
}

snapshot_head wanted(const std::string& id, std::int64_t expires) {
    snapshot_head out;
    out.id = id;
    out.principal = "p";
    out.expires = from_microseconds(expires);
    return out;
}

}  // namespace

TEST_CASE("memory_sessions: a session takes its rows along and leaves those of others, whose name begins with its own") {
    memory_authority_store store{schemas()};
    auto t = must(store.begin("alice", access::write));
    for (const char* id : {"s", "s1"}) {
        must(t.put_session(session(id, 1, 9)));
        must(t.append_session(id, 0, {mutation{"m0", plain_intent(a, operation::erase, 1)}, mutation{"m1", plain_intent(a, operation::erase, 2)}}));
    }
    must(t.append_session("s1", 2, {mutation{"m2", plain_intent(a, operation::erase, 3)}}));
    must(t.drop_session("s"));
    CHECK(must(t.session_mutations("s")).empty());
    CHECK(must(t.session_mutations("s1")).size() == 3);
    CHECK(fault_of(t.append_session("s", 0, {})) == errc::session_gone);
    must(t.drop_sessions("dev", 2));
    must(t.drop_sessions("other", 1));
    CHECK(must(t.find_session("s1")).has_value());
    must(t.drop_sessions("dev", 1));
    CHECK_FALSE(must(t.find_session("s1")));
    CHECK(must(t.session_mutations("s1")).empty());
}

TEST_CASE("memory_sessions: what is renewed outlives what is not, to the microsecond") {
    memory_authority_store store{schemas()};
    auto t = must(store.begin("alice", access::write));
    must(t.put_session(session("s", 1, 9)));
    must(t.put_session(session("later", 2, 10)));
    must(t.make_snapshot(wanted("snap", 9)));
    must(t.make_snapshot(wanted("renewed", 9)));
    must(t.renew_snapshot("renewed", from_microseconds(10)));
    must(t.renew_snapshot("nobody's", from_microseconds(10)));
    CHECK_FALSE(must(t.find_snapshot("nobody's")));
    must(t.expire(from_microseconds(9)));
    CHECK(must(t.find_session("s")).has_value());
    CHECK(must(t.find_snapshot("snap")).has_value());
    must(t.expire(from_microseconds(10)));
    CHECK_FALSE(must(t.find_session("s")));
    CHECK_FALSE(must(t.find_snapshot("snap")));
    CHECK(must(t.find_session("later")).has_value());
    CHECK(must(t.find_snapshot("renewed")).has_value());
}

TEST_CASE("memory_sessions: a snapshot is read in pieces and does not move with the rows, and a new incarnation knows none of either") {
    memory_authority_store store{schemas()};
    {
        auto t = must(store.begin("alice", access::write));
        must(t.append(bundle_of(must(t.head()), {{a, task_row("1"), {}}, {{project, "z"}, project_row("1"), {}}})));
        CHECK(must(t.make_snapshot(wanted("snap", 9))).row_count == 2);
        must(t.append(bundle_of(must(t.head()), {{a, task_row("2"), {}}})));
        must(t.put_session(session("s", 1, 9)));
        const auto first = must(t.snapshot_rows("snap", 0, 1));
        REQUIRE(first.size() == 1);
        CHECK(first[0].key == record_key{project, "z"});  // parents first, whatever the keys are
        const auto rest = must(t.snapshot_rows("snap", 1, 9));
        REQUIRE(rest.size() == 1);
        CHECK(rest[0].row == task_row("1"));
        CHECK(must(t.snapshot_rows("snap", 2, 9)).empty());
        CHECK(must(t.snapshot_rows("snap", 3, 9)).empty());
        must(t.commit());
    }
    must(store.begin_incarnation("2", from_microseconds(1)));
    auto t = must(store.begin("alice", access::snapshot));
    CHECK_FALSE(must(t.find_snapshot("snap")));
    CHECK_FALSE(must(t.find_session("s")));
}

}  // namespace memory_sessions_test
