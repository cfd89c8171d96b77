#include <syncline/wire/mutation/plain_messages.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

namespace plain_messages_test {

using namespace syncline;
namespace mw = syncline::mutation_wire;

namespace {

schema_set schemas() {
    schema_set out;
    model_schema task;
    task.name = "Task";
    task.key_name = "tether_id";
    task.fields = {{"title", value_kind::text}, {"done", value_kind::boolean}, {"seen", value_kind::integer}};
    task.fields[2].read_only = true;
    REQUIRE(out.add(task));
    return out;
}
batch_item item(const std::string& id, operation op) {
    batch_item out{id, 0, {}};
    out.what.key = {0, "K"};
    out.what.op = op;
    return out;
}
mw::push_reply answer(const std::string& body, const std::vector<batch_item>& items, const mw::plain_form& form = {}) {
    auto read = mw::read_plain_push_answer(body, schemas(), items, form, {});
    REQUIRE(read);
    REQUIRE(*read);
    return std::move(**read);
}
mw::pull_reply page_of(const std::string& body, const mw::plain_form& form = {}) {
    auto read = mw::read_plain_page(body, schemas(), 3, form, {});
    REQUIRE(read);
    REQUIRE(*read);
    return std::move(**read);
}

}  // namespace

TEST_CASE("plain messages: each mutation gets at most one outcome, from the first list that names it", "[wire]") {
    const std::vector<batch_item> items{item("m", operation::update), item("n", operation::erase), item("o", operation::create)};
    const auto reply = answer(R"({"applied":["m",7,null,"unknown"],"rejected":[{"mutation_id":"m","reason":"error"},{"mutation_id":"n","reason":"not_found"},)"
                              R"({"mutation_id":"o"},{"reason":"error"},5],"conflicts":[{"mutation_id":"m"}]})", items);
    REQUIRE(reply.outcomes.size() == 2);
    CHECK(reply.unreadable == 1);
    CHECK(reply.outcomes[0].kind == outcome_kind::applied);
    CHECK(reply.outcomes[1].id == "n");
    CHECK(reply.outcomes[1].kind == outcome_kind::applied);  // deleted is deleted
    CHECK(answer(R"({"applied":[]})", items).outcomes.empty());
    CHECK(answer(R"({"rejected":null,"conflicts":[]})", items).outcomes.empty());
}

TEST_CASE("plain messages: a conflict's row is that of the mutation's record, with the fields that were told", "[wire]") {
    const std::vector<batch_item> items{item("m", operation::update)};
    const auto with = [&](const std::string& data) {
        const auto reply = answer(R"({"conflicts":[{"mutation_id":"m","data":)" + data + "}]}", items);
        REQUIRE(reply.outcomes.size() == 1);
        CHECK(reply.outcomes[0].kind == outcome_kind::superseded);
        return reply.outcomes[0];
    };
    const auto told = with(R"({"server_state":{"title":"x","tether_id":"another","extra":1},"server_updated_at":"2026-05-02T09:00:00+00:00"})");
    CHECK(told.carries_row);
    REQUIRE(told.row);
    CHECK(told.row->fields[0] == value::text("x"));
    REQUIRE(told.told);
    CHECK(told.told->contains(0));
    CHECK_FALSE(told.told->contains(1));
    CHECK(told.written_at == *parse_rfc3339("2026-05-02T09:00:00Z"));
    for (const char* data : {"null", "[]", "{}", R"({"server_state":[]})", R"({"server_state":{}})", R"({"server_state":null,"server_updated_at":null})", R"({"server_state":{"done":"perhaps"}})",
                             R"({"server_state":{"other":1}})", "7"}) {
        const auto bare = with(data);
        CHECK_FALSE(bare.carries_row);
        CHECK_FALSE(bare.written_at);
    }
}

TEST_CASE("plain messages: what a rejection says, in whatever form, and for which reason", "[wire]") {
    const std::vector<batch_item> items{item("m", operation::update)};
    const auto with = [&](const std::string& reason, const std::string& data) {
        const auto reply = answer(R"({"rejected":[{"mutation_id":"m","reason":")" + reason + R"(","data":)" + data + "}]}", items);
        REQUIRE(reply.outcomes.size() == 1);
        return reply.outcomes[0];
    };
    CHECK(with("conflict", "null").why->code == errc::conflict);
    CHECK(with("unauthorized", "null").why->code == errc::forbidden);
    const auto said = with("validation_failed", R"({"message":"too long","messages":{"title":["a",7,"b"],"done":"c","seen":5}})");
    CHECK(said.why->detail.ends_with(": too long"));
    CHECK(said.messages == std::vector<field_message>{{"title", "a"}, {"title", "b"}, {"done", "c"}});
    for (const char* data : {R"({"message":5,"messages":["a"]})", R"({"messages":null})", "[]"}) {
        CHECK(with("validation_failed", data).messages.empty());
        CHECK(with("validation_failed", data).why->detail == with("validation_failed", "null").why->detail);
    }
    CHECK(answer(R"({"conflicts":[5,{"mutation_id":"unknown"}]})", items).outcomes.empty());
}

TEST_CASE("plain messages: an answer with our members is told from one without, and from none at all", "[wire]") {
    const auto push = mw::read_plain_push_answer(R"({"applied":[],"syncline":1,"outcomes":[]})", schemas(), {}, {}, {});
    REQUIRE(push);
    CHECK_FALSE(*push);
    const auto pull = mw::read_plain_page(R"({"snapshots":[],"syncline":1})", schemas(), 0, {}, {});
    REQUIRE(pull);
    CHECK_FALSE(*pull);
    for (const char* body : {"", "{}", "[]", R"({"message":"Server Error"})"}) {
        CHECK_FALSE(mw::read_plain_push_answer(body, schemas(), {}, {}, {}));
        CHECK_FALSE(mw::read_plain_page(body, schemas(), 0, {}, {}));
    }
    for (const char* body : {R"({"snapshots":[],"new_sync_cursor":1.5})", R"({"snapshots":[],"new_sync_cursor":true})", R"({"snapshots":[],"new_sync_cursor":"x"})", R"({"snapshots":[],"has_more":"yes"})"})
        CHECK_FALSE(mw::read_plain_page(body, schemas(), 0, {}, {}));
}

TEST_CASE("plain messages: mappers shape what comes in; a row that one refuses is kept aside", "[wire]") {
    mw::plain_form form;
    form.inbound = [](const model_schema&, const record_key& key, record& row) -> result<void> {
        if (key.key == "bad") return make_fault(errc::malformed_value, "not this one");
        row.fields[0] = value::text("mapped " + row.fields[0].as_string());
        return {};
    };
    const auto page = page_of(R"({"snapshots":[{"entity_id":"good","model":"Task","operation":"upsert","payload":{"title":"x"}},)"
                              R"({"entity_id":"bad","model":"Task","operation":"upsert","payload":{"title":"x"}},)"
                              R"({"entity_id":"gone","model":"Task","operation":"delete"}],"new_sync_cursor":"9","has_more":true})", form);
    REQUIRE(page.rows.rows.size() == 2);
    CHECK(page.rows.rows[0].row->fields[0] == value::text("mapped x"));
    CHECK_FALSE(page.rows.rows[1].row);
    REQUIRE(page.rows.unread.size() == 1);
    CHECK(page.rows.unread[0].why.detail == "not this one");
    CHECK(page.rows.from == 3);
    CHECK(page.rows.next == 9);
    CHECK(page.rows.more);
}

TEST_CASE("plain messages: a snapshot without its model or its operation, or with one that is no text, is kept aside by what it says of itself", "[wire]") {
    for (const char* entry : {R"({"entity_id":"K","operation":"delete"})", R"({"entity_id":"K","model":3,"operation":"delete"})", R"({"entity_id":"K","model":"Task","payload":{"title":"x"}})",
                              R"({"entity_id":"K","model":"Task","operation":1,"payload":{"title":"x"}})"}) {
        INFO(entry);
        const auto page = page_of(std::string{R"({"snapshots":[)"} + entry + R"(],"new_sync_cursor":9})");
        CHECK(page.rows.rows.empty());
        CHECK(page.rows.gone.empty());
        REQUIRE(page.rows.unread.size() == 1);
        CHECK(page.rows.unread[0].why.code == errc::malformed_message);
    }
}

TEST_CASE("plain messages: what is gone is so even of a model that is unknown here, if it has a name; and a model without fields has rows", "[wire]") {
    const auto page = page_of(R"({"snapshots":[{"entity_id":"K","model":"Unknown","operation":"delete"},{"entity_id":"L","model":"Unknown","operation":"upsert","payload":{}},)"
                              R"({"entity_id":"M","model":"","operation":"delete"}],"new_sync_cursor":9,"has_more":null})");
    REQUIRE(page.rows.gone.size() == 1);
    CHECK(page.rows.gone[0] == unread_name{"Unknown", "K"});
    CHECK(page.rows.unread.size() == 2);
    CHECK_FALSE(page.rows.more);
    CHECK_FALSE(page_of(R"({"snapshots":[],"new_sync_cursor":9})").rows.more);
    schema_set bare;
    model_schema mark;
    mark.name = "Mark";
    REQUIRE(bare.add(mark));
    const auto marks = mw::read_plain_page(R"({"snapshots":[{"entity_id":"K","model":"Mark","operation":"upsert","payload":{}}],"new_sync_cursor":9})", bare, 3, {}, {});
    REQUIRE((*marks)->rows.rows.size() == 1);
    CHECK((*marks)->rows.rows[0].row == record{});
}

TEST_CASE("plain messages: a row that was kept aside is read again once it can be", "[wire]") {
    unread_row kept{{"Task", "K"}, 5, R"({"entity_id":"K","model":"Task","operation":"upsert","payload":{"title":"x"}})", {}};
    const auto row = mw::read_kept_plain_row(kept, schemas(), {}, {});
    REQUIRE(row);
    CHECK(row->row->fields[0] == value::text("x"));
    kept.version = 0;
    CHECK_FALSE(mw::read_kept_plain_row(kept, schemas(), {}, {}));
    kept.version = 5;
    kept.text.clear();
    CHECK_FALSE(mw::read_kept_plain_row(kept, schemas(), {}, {}));
}

}  // namespace plain_messages_test
