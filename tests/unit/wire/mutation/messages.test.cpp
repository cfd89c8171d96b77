#include <syncline/wire/mutation/messages.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

namespace messages_test {

using namespace mutation_tests;

namespace {

schema_set two_models() {
    schema_set set;
    for (auto& m : models(overlap_policy::by_field)) REQUIRE(set.add(m));
    return set;
}

intent change(operation op) {
    intent i;
    i.key = key_named("T");
    i.op = op;
    i.base = {7, "earlier"};
    i.ordinal = 3;
    i.edited_at = from_microseconds(1'700'000'000'123'456);
    const auto old = world::row("T", 1, 2);
    if (op != operation::create) i.before = old;
    if (op == operation::create)
        for (std::size_t f = 0; f < old.fields.size(); ++f) i.changes.set(static_cast<field_index>(f), old.fields[f]);
    if (op == operation::update) i.changes.set(1, value::integer(9));
    return i;
}

}  // namespace

TEST_CASE("mutation messages: a frozen intent arrives as it was sent", "[wire]") {
    const auto schemas = two_models();
    for (const auto op : {operation::create, operation::update, operation::erase}) {
        const batch_item item{"01ARZ3NDEKTSV4RRFFQ69G5FAV", 0, change(op)};
        const auto body = mutation_wire::write_push(schemas, "device", "epoch", {item}, 1);
        const auto read = mutation_wire::read_push(body, schemas, {}, 10, "tether_id");
        REQUIRE(read);
        CHECK(read->client_id == "device");
        CHECK(read->epoch == "epoch");
        CHECK(read->extended);
        REQUIRE(read->mutations.size() == 1);
        auto want = item.what;
        want.ordinal = 0;
        if (op == operation::erase) want.before.reset();  // the authority knows the row that goes
        CHECK(read->mutations[0].id == item.id);
        CHECK(read->mutations[0].what == want);
    }
}

TEST_CASE("mutation messages: a field that the user changed unseen is named in the base, and one that nobody set is left out", "[wire]") {
    const auto schemas = two_models();
    for (const auto op : {operation::create, operation::update}) {
        intent what = change(op);
        const field_index changed = (*what.changes.begin()).field;
        what.unseen.insert(changed);
        field_index untouched = changed;  // of a creation nobody has set what was not seen
        for (field_index f = 0; op == operation::update && what.changes.find(untouched) != nullptr; ++f) untouched = f;
        what.unseen.insert(untouched);
        const auto& fields = schemas[what.key.model].fields;
        const auto body = mutation_wire::write_push(schemas, "device", {}, {batch_item{"id", 0, what}}, 1);
        const auto read = mutation_wire::read_push(body, schemas, {}, 10, "tether_id");
        REQUIRE(read);
        REQUIRE(read->mutations.size() == 1);
        field_set unseen;
        if (op == operation::update) unseen.insert(changed);
        CHECK(read->mutations[0].what.unseen == unseen);
        CHECK((read->mutations[0].what.changes.find(changed) != nullptr) == (op == operation::update));
        CHECK(body.find("\"" + fields[untouched].name + "\":") == std::string::npos);
    }
}

TEST_CASE("mutation messages: a push has exactly the members that the protocol names, and ours beside them", "[wire]") {
    const auto schemas = two_models();
    const auto body = mutation_wire::write_push(schemas, "device", {}, {batch_item{"id", 0, change(operation::erase)}}, 1);
    CHECK(body == R"({"client_id":"device","syncline":1,"mutations":[{"mutation_id":"id","entity_id":"T","model":"node","operation":"delete",)"
                  R"("payload":{},"version":3,"timestamp":1700000000123,"edited_at":"2023-11-14T22:13:20.123456Z","base":{"row_version":7,"after":"earlier"}}]})");
}

TEST_CASE("mutation messages: an empty map of a PHP peer is an array", "[wire]") {
    const auto schemas = two_models();
    const auto read = mutation_wire::read_push(
        R"({"client_id":"c","mutations":[{"mutation_id":"m","entity_id":"T","model":"App\\Models\\node","operation":"delete","payload":[],"version":1,"timestamp":1.0}]})",
        schemas, {}, 10, "tether_id");
    REQUIRE(read);
    REQUIRE(read->mutations.size() == 1);
    CHECK(read->mutations[0].what.op == operation::erase);
    CHECK_FALSE(read->extended);
}

TEST_CASE("mutation messages: a pull keeps its cursor, its limit, its walk and what is in flight", "[wire]") {
    pull_query q;
    q.from = 1'700'000'000'000'001;
    q.limit = 17;
    q.walk_started = 5;
    q.in_flight = {"a", "b"};
    q.again = {key_named("T"), key_named("C1")};
    const auto schemas = two_models();
    const auto read = mutation_wire::read_pull(mutation_wire::write_pull(schemas, "device", "epoch", q), schemas, {}, 1000, 10);
    REQUIRE(read);
    CHECK(read->client_id == "device");
    CHECK(read->epoch == "epoch");
    CHECK(read->query.from == q.from);
    CHECK(read->query.limit == q.limit);
    CHECK(read->query.walk_started == q.walk_started);
    CHECK(read->query.in_flight == q.in_flight);
    CHECK(read->query.again == q.again);
    CHECK(mutation_wire::write_pull(schemas, "device", {}, pull_query{}).find("\"last_sync_cursor\":null") != std::string::npos);
    const auto bare = mutation_wire::read_pull(R"({"client_id":"c"})", schemas, {}, 1000, 10);
    REQUIRE(bare);
    CHECK(bare->query.from == 0);
    CHECK(bare->query.limit == 1000);
}

TEST_CASE("mutation messages: a client that tells no `edited_at` is timed by its `timestamp`; one that tells no time there is refused", "[wire]") {
    const auto schemas = two_models();
    const auto read = [&](const char* more) {
        return *mutation_wire::read_push(std::string{R"({"client_id":"c","mutations":[{"mutation_id":"m","entity_id":"T","model":"node","operation":"delete","payload":{},"timestamp":1700000000123)"} + more + "}]}",
                                         schemas, {}, 10, "tether_id");
    };
    CHECK(read("").mutations.at(0).what.edited_at == from_microseconds(1'700'000'000'123'000));
    CHECK(read(R"(,"edited_at":"2023-11-14T22:13:20.123456Z")").mutations.at(0).what.edited_at == from_microseconds(1'700'000'000'123'456));
    REQUIRE(read(R"(,"edited_at":5)").unreadable.size() == 1);
    CHECK(read(R"(,"edited_at":"noon")").unreadable.at(0).why->code == errc::malformed_value);
}

TEST_CASE("mutation messages: what may be missing may be null, and what is of another form or too much is refused by name", "[wire]") {
    const auto schemas = two_models();
    const std::string longer(256, 'x');
    const auto push = [&](const std::string& around, const std::string& more) {
        return mutation_wire::read_push(R"({"client_id":"c","syncline":1)" + around + R"(,"mutations":[{"mutation_id":"m","entity_id":"T","model":"node","operation":"update")" + more + "}]}",
                                        schemas, {}, 10, "tether_id");
    };
    const auto good = push(R"(,"epoch":null,"sequence":null)", R"(,"payload":{"tether_id":"T","a":1},"base":null,"before":null)");
    REQUIRE(good);
    REQUIRE(good->mutations.size() == 1);
    CHECK(good->mutations[0].what.changes.size() == 1);
    const auto unseen = push("", R"(,"payload":{"a":1},"base":{"row_version":1,"unseen":["a","a field of a newer program"]})");
    REQUIRE(unseen->mutations.size() == 1);
    CHECK(unseen->mutations[0].what.unseen.contains(0));
    CHECK(push("", R"(,"payload":{"a":1},"base":{"unseen":null})")->mutations.size() == 1);

    const auto whole = [](const auto& read, const std::string& member) {
        REQUIRE_FALSE(read);
        CHECK(read.error().code == errc::malformed_message);
        CHECK(read.error().detail.find("`" + member) != std::string::npos);
    };
    whole(push(R"(,"epoch":")" + longer + "\"", ""), "epoch");
    whole(push(R"(,"sequence":{"number":0,"token":"t"})", ""), "sequence.number");
    whole(push(R"(,"sequence":{"token":"t"})", ""), "sequence.number");
    std::string names;
    for (std::size_t i = 0; i <= max_fields; ++i) names.append(names.empty() ? "\"a\"" : ",\"a\"");
    for (const std::string& more : {R"("payload":[1])" + std::string{}, std::string{R"("payload":null)"}, R"("payload":{"a":1},"base":{"unseen":[)" + names + "]}",
                                    R"("payload":{"a":1},"base":{"after":")" + longer + "\"}"}) {
        CAPTURE(more.substr(0, 60));
        const auto read = push("", "," + more);
        REQUIRE(read);
        REQUIRE(read->unreadable.size() == 1);
        CHECK(read->unreadable[0].why->code == errc::malformed_message);
    }

    const auto pull = [&](const std::string& more) { return mutation_wire::read_pull(R"({"client_id":"c","syncline":1,)" + more + "}", schemas, {}, 10, 2); };
    CHECK(pull(R"("epoch":null,"walk_started":null)")->query.walk_started == std::nullopt);
    whole(pull(R"("walk_started":"soon")"), "walk_started");
    CHECK(pull(R"("in_flight":["a","b"])")->query.in_flight.size() == 2);
    whole(pull(R"("in_flight":["a","b","c"])"), "in_flight");
    whole(pull(R"("in_flight":[")" + longer + "\"]"), "in_flight");
    std::string records;
    for (std::size_t i = 0; i <= mutation_wire::max_asked_again; ++i) records.append(records.empty() ? "{}" : ",{}");
    whole(pull(R"("unread":[)" + records + "]"), "unread");
    CHECK(pull(R"("unread":[{},{"model":"node","entity_id":"T"}])")->query.again.size() == 1);
}

TEST_CASE("mutation messages: a change of a row that was not in sight, at a time that has no text, and of a field that is only read", "[wire]") {
    schema_set schemas;
    auto node = models(overlap_policy::by_field).front();
    node.fields[1].read_only = true;
    REQUIRE(schemas.add(node));
    intent what = change(operation::update);
    what.before.reset();
    what.changes.set(0, value::integer(4));
    what.edited_at = (timestamp::max)();
    const auto body = mutation_wire::write_push(schemas, "device", {}, {batch_item{"id", 0, what}}, 1);
    CHECK(body.find("edited_at") == std::string::npos);
    const std::string read_only = "\"" + node.fields[1].name + "\"";
    CHECK(body.find(read_only) == std::string::npos);
    CHECK(body.find("\"before\":{\"" + node.fields[0].name + "\":null}") != std::string::npos);
    const auto read = mutation_wire::read_push(body, schemas, {}, 10, "tether_id");
    REQUIRE(read->mutations.size() == 1);
    CHECK(read->mutations[0].what.edited_at == std::chrono::floor<std::chrono::milliseconds>((timestamp::max)()));
    CHECK(read->mutations[0].what.changes.fields() == [] { field_set just; just.insert(0); return just; }());
}

}  // namespace messages_test
