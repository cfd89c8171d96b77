#include <syncline/conflict/resolvers.hpp>

#include <syncline/conflict/merges.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace resolvers_test {

using syncline::conflict;
using syncline::errc;
using syncline::field_changes;
using syncline::field_index;
using syncline::field_set;
using syncline::from_microseconds;
using syncline::model_schema;
using syncline::operation;
using syncline::optional_resolver;
using syncline::record;
using syncline::resolution;
using syncline::resolver;
using syncline::resolver_context;
using syncline::resolver_set;
using syncline::value;
using syncline::value_kind;
namespace merges = syncline::merges;
namespace resolvers = syncline::resolvers;

namespace {

using verb = resolution::verb;

constexpr auto take_server = verb::take_server;
constexpr auto take_client = verb::take_client;
constexpr auto merged = verb::merged;
constexpr auto defer = verb::defer;

field_set set_of(std::initializer_list<field_index> fields) {
    field_set s;
    for (const field_index f : fields) s.insert(f);
    return s;
}

model_schema task_schema() {
    model_schema s;
    s.name = "task";
    s.fields = {{"title", value_kind::text, true, nullptr},
                {"note", value_kind::text, true, nullptr},
                {"votes", value_kind::integer, true, &merges::counter::erased},
                {"best", value_kind::integer, true, &merges::maximum::erased}};
    return s;
}

record row(const char* title, const char* note, std::int64_t votes, std::int64_t best) {
    return record{{value::text(title), value::text(note), value::integer(votes), value::integer(best)}};
}

// The rows of a conflict, with the conflict that points into them.
struct scene {
    model_schema schema = task_schema();
    record base = row("base", "base", 10, 10);
    record server = row("server", "base", 13, 12);
    record client = row("client", "client", 9, 11);
    conflict c;

    scene() {
        c.key = {0, "k"};
        c.schema = &schema;
        c.server = &server;
        c.client = &client;
        c.base = &base;
        c.server_version = 5;
        c.server_fields = set_of({0, 2, 3});
        c.client_fields = schema.all_fields();
        c.overlapping = set_of({0});
        c.server_time = from_microseconds(100);
        c.client_time = from_microseconds(100);
    }
    scene(const scene&) = delete;
    scene& operator=(const scene&) = delete;
};

resolution ask(const resolver& r, const conflict& c) { return r(c, resolver_context{"somebody", from_microseconds(1000)}); }

template <class Resolver>
verb verb_of(Resolver r, const conflict& c) {
    return ask(r, c).what;
}

}  // namespace

TEST_CASE("resolvers: every pair of operations, every order of times, has its answer in a table") {
    // What reaches a resolver, and two rows that do not (a dead record erased, a dead key created) but must not surprise.
    struct line {
        operation client;
        operation server;
        bool cascade;
        verb server_wins, client_wins, client_older, same_time, client_later, field_merge, defer_to_user;
    };
    constexpr auto create = operation::create;
    constexpr auto update = operation::update;
    constexpr auto erase = operation::erase;
    const std::vector<line> table{
        // client  server  cascade server_wins  client_wins  older        same         later        field_merge  defer
        {create, create, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {create, update, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {create, erase, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {update, create, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {update, update, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {update, erase, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {erase, create, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {erase, update, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {erase, erase, false, take_server, take_client, take_server, take_server, take_client, take_server, defer},
        {erase, create, true, take_server, take_client, take_server, take_server, take_server, take_server, defer},
        {erase, update, true, take_server, take_client, take_server, take_server, take_server, take_server, defer},
    };
    for (std::size_t i = 0; i < table.size(); ++i) {
        CAPTURE(i);
        const line& expected = table[i];
        scene s;
        s.c.client_op = expected.client;
        s.c.server_op = expected.server;
        s.c.cascade = expected.cascade;
        if (expected.client == erase) {
            s.c.client = nullptr;
            s.c.client_fields = s.c.overlapping = s.schema.all_fields();
        }
        if (expected.server == erase) {
            s.c.server = nullptr;
            s.c.server_fields = s.schema.all_fields();
            s.c.overlapping = s.c.client_fields;
        }
        if (expected.client == create) {
            s.c.base = nullptr;
            s.c.server_fields = s.schema.all_fields();
        }
        for (const std::int64_t client_time : {99, 100, 101}) {
            s.c.client_time = from_microseconds(client_time);
            CHECK(verb_of(resolvers::server_wins{}, s.c) == expected.server_wins);
            CHECK(verb_of(resolvers::client_wins{}, s.c) == expected.client_wins);
            CHECK(verb_of(resolvers::last_write_wins{}, s.c) == (client_time < 100    ? expected.client_older
                                                                 : client_time == 100 ? expected.same_time
                                                                                      : expected.client_later));
            CHECK(verb_of(resolvers::field_merge{}, s.c) == expected.field_merge);
            CHECK(verb_of(resolvers::defer_to_user{}, s.c) == expected.defer_to_user);
        }
    }
}

TEST_CASE("field merge: by row, it takes what the server did not change, merges what has a merge, and leaves the rest") {
    scene s;
    s.c.overlapping = s.c.client_fields;
    const auto said = ask(resolvers::field_merge{}, s.c);
    REQUIRE(said.what == merged);
    field_changes expected;
    expected.set(1, value::text("client"));
    expected.set(2, value::integer(12));  // 13 + 9 - 10
    expected.set(3, value::integer(12));
    CHECK(said.fields == expected);
}

TEST_CASE("field merge: a difference is added even to a value that nobody else changed, a register is taken") {
    scene s;
    s.server = row("base", "base", 10, 10);
    s.c.server_fields = {};
    s.c.overlapping = s.c.client_fields;
    const auto said = ask(resolvers::field_merge{}, s.c);
    REQUIRE(said.what == merged);
    field_changes expected;
    expected.set(0, value::text("client"));
    expected.set(1, value::text("client"));
    expected.set(2, value::integer(9));
    expected.set(3, value::integer(11));
    CHECK(said.fields == expected);
}

TEST_CASE("field merge: a difference is added to what the device's own earlier change made, where no change is foreign") {
    scene s;
    s.c.server_fields = set_of({0});
    s.c.overlapping = set_of({2, 3});
    const auto said = ask(resolvers::field_merge{}, s.c);
    REQUIRE(said.what == merged);
    field_changes expected;
    expected.set(2, value::integer(12));  // 13 + 9 - 10
    expected.set(3, value::integer(11));  // no difference: the client's, as in a plain register
    CHECK(said.fields == expected);
}

TEST_CASE("field merge: a merge that declines leaves the field to the server") {
    scene s;
    s.server.fields[2] = value::text("no number");
    s.c.overlapping = set_of({2});
    CHECK(verb_of(resolvers::field_merge{}, s.c) == take_server);
}

TEST_CASE("field merge: a merge without a function is none, and a conflict without a description of its model is the server's") {
    static constexpr syncline::field_merge empty{"empty", nullptr, true};
    scene s;
    s.schema.fields[2].merge = &empty;
    s.c.overlapping = set_of({2});
    CHECK(verb_of(resolvers::field_merge{}, s.c) == take_server);
    s.c.server_fields = {};
    const auto said = ask(resolvers::field_merge{}, s.c);
    REQUIRE(said.fields.find(2) != nullptr);
    CHECK(*said.fields.find(2) == value::integer(9));
    s.c.schema = nullptr;
    CHECK(verb_of(resolvers::field_merge{}, s.c) == take_server);
}

TEST_CASE("field merge: speaks only of overlapping fields, and of none that a row does not have") {
    scene s;
    s.c.server_fields = {};
    s.c.overlapping = set_of({1, 200});
    auto said = ask(resolvers::field_merge{}, s.c);
    REQUIRE(said.what == merged);
    CHECK(said.fields.fields() == set_of({1}));
    s.client.fields.resize(1);
    s.c.overlapping = set_of({1});
    CHECK(verb_of(resolvers::field_merge{}, s.c) == take_server);
}

TEST_CASE("field merge: without a base a counter adds to nothing") {
    scene s;
    s.c.base = nullptr;
    s.c.client_op = operation::create;
    s.c.server_fields = s.schema.all_fields();
    s.c.overlapping = set_of({2});
    const auto said = ask(resolvers::field_merge{}, s.c);
    REQUIRE(said.what == merged);
    REQUIRE(said.fields.find(2) != nullptr);
    CHECK(*said.fields.find(2) == value::integer(22));
}

TEST_CASE("resolvers: each says its name, so that a decision can be explained") {
    scene s;
    CHECK(ask(resolvers::server_wins{}, s.c).reason == "server_wins");
    CHECK(ask(resolvers::client_wins{}, s.c).reason == "client_wins");
    CHECK(ask(resolvers::last_write_wins{}, s.c).reason.rfind("last_write_wins", 0) == 0);
    CHECK(ask(resolvers::field_merge{}, s.c).reason.rfind("field_merge", 0) == 0);
}

TEST_CASE("when: decides by the condition, and an empty resolver is server_wins") {
    scene s;
    const auto erased = [](const conflict& c, const resolver_context&) { return c.client_op == operation::erase; };
    const resolver r = resolvers::when(erased, resolvers::client_wins{}, resolvers::defer_to_user{});
    CHECK(verb_of(r, s.c) == defer);
    s.c.client_op = operation::erase;
    CHECK(verb_of(r, s.c) == take_client);
    s.c.client_op = operation::update;
    CHECK(verb_of(resolvers::when(erased, resolvers::client_wins{}), s.c) == take_server);
}

TEST_CASE("when: its condition may look at who asks") {
    scene s;
    const resolver r = resolvers::when(
        [](const conflict&, const resolver_context& context) { return context.principal == "somebody"; },
        resolvers::client_wins{}, resolvers::server_wins{});
    CHECK(verb_of(r, s.c) == take_client);
    CHECK(r(s.c, resolver_context{"another", {}}).what == take_server);
}

TEST_CASE("in order: the first that has an opinion decides, and later ones are not asked") {
    scene s;
    int asked = 0;
    const optional_resolver silent = [&asked](const conflict&, const resolver_context&) -> std::optional<resolution> {
        ++asked;
        return std::nullopt;
    };
    const optional_resolver speaks = [&asked](const conflict&, const resolver_context&) -> std::optional<resolution> {
        ++asked;
        return resolution::refuse("no");
    };
    CHECK(verb_of(resolvers::in_order({silent, speaks, speaks}), s.c) == verb::refuse);
    CHECK(asked == 2);
    CHECK(verb_of(resolvers::in_order({silent, optional_resolver{}, silent}, resolvers::client_wins{}), s.c) == take_client);
    CHECK(verb_of(resolvers::in_order({silent}), s.c) == take_server);
    CHECK(verb_of(resolvers::in_order({}), s.c) == take_server);
}

TEST_CASE("in order: only_if turns a resolver into one with an opinion on some conflicts") {
    scene s;
    const auto title = [](const conflict& c, const resolver_context&) { return c.overlapping.contains(0); };
    const resolver r = resolvers::in_order({resolvers::only_if(title, resolvers::defer_to_user{})}, resolvers::client_wins{});
    CHECK(verb_of(r, s.c) == defer);
    s.c.overlapping = set_of({1});
    CHECK(verb_of(r, s.c) == take_client);
}

TEST_CASE("by model: the resolver named for the model decides, any other model goes to the last") {
    scene s;
    const auto r = resolvers::by_model({{"task", resolvers::client_wins{}}, {"note", resolvers::defer_to_user{}}});
    REQUIRE(r);
    CHECK(verb_of(*r, s.c) == take_client);
    s.schema.name = "note";
    CHECK(verb_of(*r, s.c) == defer);
    s.schema.name = "project";
    CHECK(verb_of(*r, s.c) == take_server);
    s.c.schema = nullptr;
    CHECK(verb_of(*r, s.c) == take_server);
    const auto other = resolvers::by_model({{"task", resolver{}}}, resolvers::client_wins{});
    REQUIRE(other);
    CHECK(verb_of(*other, s.c) == take_client);
    s.c.schema = &s.schema;
    s.schema.name = "task";
    CHECK(verb_of(*other, s.c) == take_server);
}

TEST_CASE("by model: a model named twice is refused, not decided by order (W50)") {
    const auto r = resolvers::by_model({{"task", resolvers::client_wins{}}, {"task", resolvers::server_wins{}}});
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::invalid_argument);
    CHECK(r.error().detail.find("`task`") != std::string::npos);
}

TEST_CASE("resolver set: takes what the library ships, and combinations of it") {
    scene s;
    resolver_set set{resolvers::last_write_wins{}};
    REQUIRE(set.add("task", resolvers::in_order({}, resolvers::client_wins{})));
    CHECK(set.decide(s.c, {}).what == take_client);
    const auto again = set.add("task", resolvers::server_wins{});
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::invalid_argument);
    CHECK(set.decide(s.c, {}).what == take_client);
    s.schema.name = "note";
    CHECK(set.decide(s.c, {}).what == take_server);
    s.c.client_time = from_microseconds(101);
    CHECK(set.decide(s.c, {}).what == take_client);
    CHECK(resolver_set{}.decide(s.c, {}).what == take_server);
}

namespace {

struct described {
    std::string id;
    std::int64_t n = 0;

    struct syncline_model {
        static constexpr std::string_view name() { return "described"; }
        static constexpr auto key() { return syncline::key_field<"id", &described::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &described::n>()}; }
    };
};

struct with_resolver : described {
    struct syncline_model : described::syncline_model {
        static constexpr auto resolver() { return resolvers::client_wins{}; }
    };
};

}  // namespace

TEST_CASE("resolvers: one that stands in a model's description is found, and none is an empty one") {
    scene s;
    const resolver found = resolvers::described_for<with_resolver>();
    REQUIRE(found);
    CHECK(verb_of(found, s.c) == take_client);
    CHECK_FALSE(resolvers::described_for<described>());
}

}  // namespace resolvers_test
