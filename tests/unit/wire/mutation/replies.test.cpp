#include <syncline/wire/mutation/replies.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <string>
#include <vector>

namespace replies_test {

using namespace mutation_tests;

namespace {

response ok(std::string body) { return response{200, {}, std::move(body)}; }
const char* const plain_page = R"({"snapshots":[],"new_sync_cursor":5,"has_more":false})";
const char* const plain_push = R"({"applied":[],"rejected":[],"conflicts":[]})";

struct bench {
    memory_lab lab{overlap_policy::by_field};
    std::unique_ptr<memory_replica_store> store = lab.make_replica("a");
    mutation_client_options options;
    mutation_wire::plain_form form;

    result<mutation_wire::pull_reply> page(const std::string& body, std::string_view epoch) {
        return mutation_wire::read_any_page(ok(body), store->schemas(), 0, epoch, form, options);
    }
    result<mutation_wire::push_reply> pushed(const std::string& body, std::string_view epoch) {
        return mutation_wire::read_any_push_answer(ok(body), store->schemas(), {}, epoch, form, options);
    }
};

}  // namespace

TEST_CASE("replies: a device that knows no incarnation takes an answer without our members for a foreign server's", "[wire]") {
    bench b;
    for (const std::string_view epoch : {std::string_view{}, unversioned_epoch}) {
        CHECK(mutation_wire::may_be_plain(epoch));
        CHECK(b.page(plain_page, epoch)->epoch == unversioned_epoch);
        CHECK(b.page(plain_page, epoch)->rows.next == 5);
        CHECK(b.pushed(plain_push, epoch)->epoch == unversioned_epoch);
    }
}

TEST_CASE("replies: one that belongs to a Syncline server does not", "[wire]") {
    bench b;
    CHECK_FALSE(mutation_wire::may_be_plain("e1"));
    const auto refused = b.page(plain_page, "e1");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unsupported);
    CHECK(refused.error().detail.find("set the URL right") != std::string::npos);
    const auto push = b.pushed(plain_push, "e1");
    CHECK((!push || push->epoch != unversioned_epoch));
}

TEST_CASE("replies: our own answers are read whatever the device knows", "[wire]") {
    world w;
    device a{w, "a"};
    w.write("T", 1, 1);
    std::string page;
    REQUIRE(a.sync(sync_mode::pull_only, [&](const request& r) -> result<response> {
                 auto answer = w.handle(r, "a");
                 page = answer.body;
                 return answer;
             }).ok());
    bench b;
    for (const char* epoch : {"", "e1"}) {
        const auto read = b.page(page, epoch);
        REQUIRE(read);
        CHECK(read->rows.rows.size() == 1);
        CHECK_FALSE(read->epoch.empty());
        CHECK(read->epoch != unversioned_epoch);
    }
}

TEST_CASE("replies: one of ours that names no incarnation is read by a device that knows none", "[wire]") {
    bench b;
    const char* const nameless = R"({"snapshots":[],"new_sync_cursor":5,"has_more":false,"syncline":1})";
    const auto read = b.page(nameless, "");
    REQUIRE(read);
    CHECK(read->epoch.empty());
    CHECK_FALSE(b.page(nameless, "e1"));
}

TEST_CASE("replies: with mappers no row that comes back is what lies here", "[wire]") {
    bench b;
    const batch_item sent{"m1", 0, intent{}};
    outcome applied;
    applied.id = "m1";
    applied.kind = outcome_kind::applied;
    applied.version = 7;
    applied.clean = true;
    const std::string body = mutation_wire::write_push_answer(b.store->schemas(), {{applied, key_named("T")}}, "e1", 7, "tether_id", 7);
    const auto read = [&] { return lab_must(mutation_wire::read_any_push_answer(ok(body), b.store->schemas(), {sent}, "", b.form, b.options)); };
    const auto plainly = read();
    REQUIRE(plainly.outcomes.size() == 1);
    CHECK(plainly.told_whole == 7);
    CHECK(plainly.outcomes[0].exact);
    const payload_mapper nothing = [](const model_schema&, const record_key&, record&) -> result<void> { return {}; };
    for (auto* mapper : {&b.options.outbound, &b.options.inbound}) {
        *mapper = nothing;
        const auto mapped = read();
        CHECK(mapped.told_whole == 0);
        CHECK_FALSE(mapped.outcomes[0].exact);
        *mapper = {};
    }
}

}  // namespace replies_test
