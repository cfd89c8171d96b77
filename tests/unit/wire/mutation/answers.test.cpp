#include <syncline/wire/mutation/answers.hpp>

#include "support/catch.hpp"
#include "support/error_codes.hpp"
#include "unit/wire/mutation/world.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace answers_test {

using namespace mutation_tests;

namespace {

schema_set two_models() {
    schema_set set;
    for (auto& m : models(overlap_policy::by_field)) REQUIRE(set.add(m));
    return set;
}

outcome of(outcome_kind kind, std::optional<errc> why = {}) {
    outcome o;
    o.id = std::string{name_of(kind)}.append(why ? name_of(*why) : std::string_view{});
    o.kind = kind;
    o.version = 4;
    o.carries_row = kind != outcome_kind::held && kind != outcome_kind::error;
    if (o.carries_row) o.row = world::row("T", 5, 6);
    if (why) o.why = wait_reason{*why, "because"};
    o.rule = "a rule";
    return o;
}

}  // namespace

TEST_CASE("mutation answers: every outcome arrives as it was given", "[wire]") {
    const auto schemas = two_models();
    std::vector<mutation_wire::answered> all;
    std::vector<batch_item> items;
    for (const auto kind : {outcome_kind::applied, outcome_kind::superseded, outcome_kind::refused, outcome_kind::held, outcome_kind::error}) {
        auto o = of(kind, kind == outcome_kind::applied || kind == outcome_kind::superseded ? std::optional<errc>{} : errc::validation_failed);
        o.clean = kind == outcome_kind::applied;
        if (kind == outcome_kind::refused) o.messages = {{"a", "first"}, {"a", "second"}, {"b", "third"}};
        batch_item item;
        item.id = o.id;
        item.what.key = key_named("T");
        items.push_back(item);
        all.push_back({o, key_named("T")});
    }
    const auto body = mutation_wire::write_push_answer(schemas, all, "epoch", 99, "tether_id");
    const auto read = mutation_wire::read_push_answer(body, schemas, items, {});
    REQUIRE(read);
    CHECK(read->epoch == "epoch");
    CHECK(read->head_stamp == 99);
    REQUIRE(read->outcomes.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(read->outcomes[i] == all[i].what);
}

TEST_CASE("mutation answers: the three arrays name each mutation at most once, and a transient error in none", "[wire]") {
    const auto schemas = two_models();
    const std::vector<mutation_wire::answered> all = {
        {of(outcome_kind::applied), key_named("T")},
        {of(outcome_kind::superseded), key_named("T")},
        {of(outcome_kind::refused, errc::conflict), key_named("T")},
        {of(outcome_kind::refused, errc::validation_failed), key_named("T")},
        {of(outcome_kind::refused, errc::absent), key_named("T")},
        {of(outcome_kind::held, errc::held), key_named("T")},
        {of(outcome_kind::error, errc::internal), key_named("T")},
    };
    // A client that sends no bases knows four reasons (sheet 9, item 7), and gets nothing but the three arrays.
    for (const bool extended : {true, false}) {
        const auto body = extended ? mutation_wire::write_push_answer(schemas, all, "epoch", 99, "tether_id")
                                   : mutation_wire::write_legacy_push_answer(schemas, all, "tether_id", false);
        const auto tape = json_tape::parse(body);
        REQUIRE(tape);
        const auto root = tape->root();
        CHECK((root.size() == 3) == !extended);
        const auto applied = *root.find("applied");
        const auto rejected = *root.find("rejected");
        const auto conflicts = *root.find("conflicts");
        CHECK(applied.size() == 1);
        CHECK(conflicts.size() == 2);
        REQUIRE(rejected.size() == 3);
        std::vector<std::string> reasons;
        for (const auto& r : rejected) {
            reasons.emplace_back(r.find("reason")->as_string());
            CHECK(r.find("data")->is_object());
        }
        CHECK(reasons == std::vector<std::string>{"validation_failed", "not_found", extended ? "held" : "validation_failed"});
        for (const auto& c : conflicts) {
            const auto state = *c.find("data")->find("server_state");
            CHECK(state.find("tether_id")->as_string() == "T");
            CHECK(state.find("a")->as_int().value_or(0) == 5);
        }
    }
}

TEST_CASE("mutation answers: what says no more than its status is written too, with nothing made up", "[wire]") {
    const auto schemas = two_models();
    outcome bare = of(outcome_kind::refused);
    const std::vector<mutation_wire::answered> all = {{bare, key_named("T")}, {of(outcome_kind::superseded), std::nullopt}, {of(outcome_kind::superseded, errc::conflict), key_named("T")}};
    for (const bool extended : {true, false}) {
        // A field may be called as the key is: the key stands there, once.
        const auto body = extended ? mutation_wire::write_push_answer(schemas, all, "epoch", 99, "a") : mutation_wire::write_legacy_push_answer(schemas, all, "a", false);
        const auto tape = json_tape::parse(body);
        REQUIRE(tape);
        const auto rejected = *tape->root().find("rejected");
        REQUIRE(rejected.size() == 1);
        CHECK((*rejected.begin()).find("reason")->as_string() == (extended ? "internal" : "error"));
        CHECK((*rejected.begin()).find("data")->size() == 0);
        std::vector<json_view> states;
        const auto conflicts = *tape->root().find("conflicts");
        for (const auto& c : conflicts) states.push_back(*c.find("data")->find("server_state"));
        REQUIRE(states.size() == 2);
        CHECK(states[0].size() == 0);
        CHECK(states[1].find("a")->as_string() == "T");
        if (extended) CHECK_FALSE((*tape->root().find("outcomes")->begin()).find("detail"));
    }
    bare.why = wait_reason{errc::validation_failed, {}};
    const auto wordless = json_tape::parse(mutation_wire::write_push_answer(schemas, {{bare, key_named("T")}, {of(outcome_kind::superseded), std::nullopt}}, "epoch", 99, "tether_id"));
    REQUIRE(wordless);
    CHECK((*wordless->root().find("rejected")->begin()).find("data")->size() == 0);
    const auto list = *wordless->root().find("outcomes");
    auto outcomes = list.begin();
    CHECK((*outcomes).find("row"));
    CHECK_FALSE((*++outcomes).find("row"));  // of nobody knows which model
}

TEST_CASE("mutation answers: an outcome that cannot be read decides nothing, and what is beside the point is passed over", "[wire]") {
    const auto schemas = two_models();
    batch_item item;
    item.id = "m";
    item.what.key = key_named("T");
    const auto read = [&](const std::string& members) {
        auto reply = mutation_wire::read_push_answer(R"({"outcomes":[{"mutation_id":"m",)" + members + "}]}", schemas, {item}, {});
        REQUIRE(reply);
        return std::move(*reply);
    };
    for (const char* members : {R"("status":"applied","row_version":-1)", R"("status":"applied","row_version":"x")", R"("status":"done")"}) {
        CAPTURE(members);
        CHECK(read(members).outcomes.empty());
        CHECK(read(members).unreadable == 1);
    }
    const auto refused = read(R"("status":"refused","messages":[5,{"field":"a","text":"no"}],"clean":"yes","out_of_view":false)");
    REQUIRE(refused.outcomes.size() == 1);
    CHECK(refused.outcomes[0].messages == std::vector<field_message>{{"a", "no"}});
    CHECK_FALSE(refused.outcomes[0].clean);
    CHECK_FALSE(refused.outcomes[0].out_of_view);
    CHECK(read(R"("status":"refused","messages":{"a":"no"})").outcomes.at(0).messages.empty());
    CHECK_FALSE(read(R"("status":"superseded","row_version":3,"row":[1])").outcomes.at(0).carries_row);
}

TEST_CASE("mutation answers: what a client that sends no bases is told for each code: `error`, which it sends again, for whatever is not the change's own fault", "[wire]") {
    using enum errc;
    const std::vector<std::pair<std::string_view, std::vector<errc>>> told{
        // Wrong by itself, or for a person: sent again it would fail again.
        {"validation_failed", {invalid_argument, malformed_json, malformed_message, malformed_value, unknown_field, invalid_key, too_large, invalid_cursor,
                               unsupported, validation_failed, constraint, id_reused, conflict, held, lost_by_restore, maybe_sent, unsent, forbidden}},
        // Nothing is said of what is there.
        {"not_found", {absent, out_of_view}},
        // The server's fault, or another step is needed first.
        {"error", {unknown_model, schema_mismatch, busy, unavailable, timed_out, rate_limited, internal, storage_full, io_error, history_pruned, stale,
                   session_gone, out_of_sequence, source_retired, epoch_changed, unauthenticated, cancelled, other_account, scope_uninitialized,
                   scope_initializing, initialization_stale, initialization_expired, session_expired, corrupt, bug}}};
    std::vector<errc> thought_of;
    for (const auto& [reason, codes] : told)
        for (const errc code : codes) {
            CAPTURE(name_of(code));
            CHECK(mutation_wire::legacy_reason(code) == reason);
            thought_of.push_back(code);
            // Never a refusal that ends the change where the server itself failed.
            if (decides_nothing(code)) CHECK(reason == "error");
        }
    std::sort(thought_of.begin(), thought_of.end());
    CHECK(thought_of == syncline_tests::all_codes());
}

TEST_CASE("mutation answers: a page arrives as it was given, gone rows and contained mutations too", "[wire]") {
    const auto schemas = two_models();
    pull_answer answer;
    answer.rows = page{3, 9, true, 12, {{key_named("T"), 4, world::row("T", 1, 2), "mine"}, {key_named("P"), 5, std::nullopt, {}}}, {}, {}};
    answer.head_stamp = 20;
    answer.epoch = "epoch";
    const auto read = mutation_wire::read_pull_answer(mutation_wire::write_pull_answer(schemas, answer, true), schemas, 3, {});
    REQUIRE(read);
    CHECK(read->rows.unread.empty());
    CHECK(read->rows.rows == answer.rows.rows);
    CHECK(read->rows.next == 9);
    CHECK(read->rows.more);
    CHECK(read->rows.head_seq == 12);
    CHECK(read->head_stamp == 20);
    CHECK(read->epoch == "epoch");
}

TEST_CASE("mutation answers: one row that cannot be read does not spoil the page", "[wire]") {
    const auto schemas = two_models();
    const auto read = mutation_wire::read_pull_answer(
        R"({"snapshots":[{"entity_id":null,"model":"node","operation":"upsert","payload":{},"row_version":1},)"
        R"({"entity_id":"T","model":"node","operation":"upsert","payload":{"a":1,"not_known_here":2},"row_version":1}],"new_sync_cursor":5,"has_more":false})",
        schemas, 0, {});
    REQUIRE(read);
    CHECK(read->rows.unread.size() == 1);
    REQUIRE(read->rows.rows.size() == 1);
    CHECK(read->rows.rows[0].row->fields[0] == value::integer(1));
}

TEST_CASE("mutation answers: a row that cannot be read is kept as it came, and by its name alone where it is too long", "[wire]") {
    const auto schemas = two_models();
    const auto page = [&](const std::string& rows, const char* more = R"(,"syncline":1,"has_more":null)") {
        auto read = mutation_wire::read_pull_answer(R"({"snapshots":[)" + rows + R"(],"new_sync_cursor":5)" + more + "}", schemas, 0, {});
        REQUIRE(read);
        return std::move(read->rows);
    };
    const auto with_text = [&](std::size_t length) {
        return page(R"({"entity_id":"T","model":"node","operation":"upsert","row_version":7,"payload":{"a":")" + std::string(length, 'x') + R"("}})");
    };
    const auto kept = with_text(100);
    REQUIRE(kept.unread.size() == 1);
    CHECK_FALSE(kept.unread[0].text.empty());
    const auto longer = with_text(mutation_wire::max_unread_text);
    REQUIRE(longer.unread.size() == 1);
    CHECK(longer.unread[0].text.empty());
    CHECK(longer.unread[0].name == unread_name{"node", "T"});
    CHECK(longer.unread[0].version == 7);
    CHECK(page(R"({"entity_id":"T","model":"node","operation":5,"row_version":7})").unread.size() == 1);
    CHECK(page("5", "").unread.size() == 1);
    const auto gone = page(R"({"entity_id":"T","model":"newer","operation":"delete","row_version":7},{"entity_id":"T","model":"","operation":"delete","row_version":7})");
    REQUIRE(gone.gone.size() == 1);
    CHECK(gone.gone[0] == unread_name{"newer", "T"});
    CHECK(gone.unread.size() == 1);

    // A page that passes over nothing may be without the list, and a model without fields has rows.
    const auto nothing = mutation_wire::read_pull_answer(R"({"new_sync_cursor":3,"syncline":1})", schemas, 3, {});
    REQUIRE(nothing);
    CHECK(nothing->rows.rows.empty());
    CHECK_FALSE(mutation_wire::read_pull_answer(R"({"new_sync_cursor":4,"syncline":1})", schemas, 3, {}));
    schema_set bare;
    model_schema mark;
    mark.name = "mark";
    REQUIRE(bare.add(mark));
    const auto marks = mutation_wire::read_pull_answer(R"({"snapshots":[{"entity_id":"K","model":"mark","operation":"upsert","payload":{},"row_version":2}],"new_sync_cursor":9,"syncline":1})", bare, 3, {});
    REQUIRE(marks);
    REQUIRE(marks->rows.rows.size() == 1);
    CHECK(marks->rows.rows[0].row == record{});
}

TEST_CASE("mutation answers: a peer without versions is told apart, not misread", "[wire]") {
    const auto schemas = two_models();
    const auto push = mutation_wire::read_push_answer(R"({"applied":[],"rejected":[],"conflicts":[]})", schemas, {}, {});
    REQUIRE_FALSE(push);
    CHECK(push.error().code == errc::unsupported);
    const auto pull = mutation_wire::read_pull_answer(
        R"({"snapshots":[{"entity_id":"T","model":"node","operation":"upsert","payload":{"a":1}}],"new_sync_cursor":5,"has_more":false})", schemas, 0, {});
    REQUIRE_FALSE(pull);
    CHECK(pull.error().code == errc::unsupported);
    CHECK_FALSE(mutation_wire::read_pull_answer(R"({"snapshots":[],"new_sync_cursor":2,"has_more":false})", schemas, 3, {}));
}

}  // namespace answers_test
