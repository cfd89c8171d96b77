#include <syncline/testing/conflict_case.hpp>

#include <syncline/conflict/merges.hpp>
#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace conflict_case_test {

using namespace syncline;
using syncline::testing::conflict_case;

namespace {

struct task {
    std::string id;
    std::string title;
    std::int64_t votes = 0;
    std::optional<std::string> note;

    struct syncline_model {
        static constexpr std::string_view name() { return "task"; }
        static constexpr auto key() { return key_field<"id", &task::id>(); }
        static constexpr auto fields() {
            return std::tuple{field<"title", &task::title>(), field<"votes", &task::votes, merges::counter>(), field<"note", &task::note>()};
        }
    };
};

/// Described wrongly: without a name.
struct nameless {
    std::string id;
    std::string title;

    struct syncline_model {
        static constexpr std::string_view name() { return ""; }
        static constexpr auto key() { return key_field<"id", &nameless::id>(); }
        static constexpr auto fields() { return std::tuple{field<"title", &nameless::title>()}; }
    };
};

model_schema schema() { return *schema_of<task>(); }

resolution keep_both_titles(const conflict& c, const resolver_context&) {
    if (c.server == nullptr || c.client == nullptr) return resolution::defer("one side erased the task");
    field_changes fields;
    fields.set(0, value::text(c.server->fields[0].as_string() + " / " + c.client->fields[0].as_string()));
    return resolution::merged(fields, "both titles are kept");
}

}  // namespace

TEST_CASE("conflict_case: a resolver is tried in ten lines") {
    const auto d = conflict_case(schema())
                       .base({{"title", value::text("milk")}})
                       .server({{"title", value::text("bread")}})
                       .client({{"title", value::text("cheese")}})
                       .decide(keep_both_titles);
    CHECK(d.field("title") == value::text("bread / cheese"));
    CHECK(d.answer() == R"(merged title = "bread / cheese" (both titles are kept))");
    CHECK(d.sound());
}

TEST_CASE("conflict_case: what does not overlap, or has a merge, is decided without the resolver") {
    const auto d = conflict_case(schema())
                       .base({{"title", value::text("milk")}, {"votes", value::integer(1)}})
                       .server({{"title", value::text("bread")}, {"votes", value::integer(3)}})
                       .client({{"note", value::text("soon")}, {"votes", value::integer(6)}})
                       .decide(keep_both_titles);
    CHECK_FALSE(d.asked());
    CHECK(d.answer().empty());
    CHECK((d.field("title") == value::text("bread") && d.field("votes") == value::integer(8) && d.field("note") == value::text("soon")));
    CHECK(d.sound());
}

TEST_CASE("conflict_case: erased by either side, and what waits for a person says why") {
    auto of = conflict_case(schema()).base({{"title", value::text("milk")}});
    const auto client_erased = conflict_case(of).server({{"title", value::text("bread")}}).client_erased().decide(keep_both_titles);
    CHECK(client_erased.waits());
    CHECK(client_erased.why() == "one side erased the task");
    CHECK(client_erased.field("title") == value::text("bread"));
    const auto server_erased = conflict_case(of).server_erased().client({{"title", value::text("bread")}}).decide(resolvers::client_wins{});
    CHECK(server_erased.has_row());
    CHECK(server_erased.field("title") == value::text("bread"));
    const auto lost = conflict_case(of).server_erased().client({{"title", value::text("bread")}}).decide(resolvers::server_wins{});
    CHECK_FALSE(lost.has_row());
    CHECK(lost.made().what == decision::verb::take_server);
    CHECK(lost.field("title").is_null());
    CHECK(lost.why().empty());
    CHECK(server_erased.field("titel").is_null());
    // A row of an older program.
    decision short_row;
    short_row.row = record{{value::text("milk")}};
    const syncline::testing::decided_case older(schema(), short_row, {}, {});
    CHECK((older.field("title") == value::text("milk") && older.field("note").is_null()));
}

TEST_CASE("conflict_case: two creates, times, and an erase that cascades") {
    auto of = conflict_case(schema()).server({{"title", value::text("bread")}}).client({{"title", value::text("cheese")}});
    CHECK(conflict_case(of).at(from_microseconds(5), from_microseconds(6)).decide(resolvers::last_write_wins{}).field("title") == value::text("cheese"));
    CHECK(conflict_case(of).at(from_microseconds(6), from_microseconds(5)).decide(resolvers::last_write_wins{}).field("title") == value::text("bread"));
    const auto cascade = conflict_case(schema()).base({{"title", value::text("milk")}}).client_erased().cascades_to("note").decide(resolvers::client_wins{});
    CHECK(cascade.made().what == decision::verb::erase);
    CHECK_FALSE(cascade.has_row());
    const auto who = conflict_case(of).by("bob", from_microseconds(9)).decide([](const conflict&, const resolver_context& context) {
        return resolution::refuse(std::string(context.principal) + std::to_string(to_microseconds(context.now)));
    });
    CHECK(who.why() == "bob9");
}

TEST_CASE("conflict_case: what the rows of a described model make of each other") {
    const auto d = conflict_case::between<task>(task{"k1", "milk", 1, {}}, task{"k1", "bread", 1, {}}, task{"k1", "cheese", 2, {}}).decide(keep_both_titles);
    CHECK((d.field("title") == value::text("bread / cheese") && d.field("votes") == value::integer(2)));
    CHECK(d.sound());
    CHECK(conflict_case::between<task>(task{"k1", "milk", 1, {}}, task{"k1", "bread", 1, {}}, {}).decide(keep_both_titles).waits());
    const auto key_in = [](const std::optional<task>& server, const std::optional<task>& client) {
        std::string key;
        static_cast<void>(conflict_case::between<task>({}, server, client).decide([&](const conflict& c, const resolver_context&) {
            key = c.key.key;
            return resolution::take_server();
        }));
        return key;
    };
    CHECK(key_in(task{"k2", "bread", 1, {}}, task{"k2", "milk", 1, {}}) == "k2");
    CHECK(key_in({}, task{"k2", "milk", 1, {}}).empty());
    CHECK(conflict_case::between<task>({}, {}, task{"k2", "milk", 1, {}}).decide(keep_both_titles).field("title") == value::text("milk"));
    CHECK(conflict_case::between<task>({}, {}, {}).decide(keep_both_titles).sound().says("the case has no change of the client"));
    CHECK(conflict_case::between<nameless>(nameless{"k1", "milk"}, nameless{"k1", "bread"}, {}).decide(keep_both_titles).sound().says("the case: a model's name() is empty"));
}

TEST_CASE("conflict_case: is unsound where the resolver breaks a law, and where the case names what is not there") {
    int calls = 0;
    const auto d = conflict_case(schema()).server({{"title", value::text("a")}}).client({{"title", value::text("b")}}).decide([&](const conflict&, const resolver_context&) {
        return resolution::take_client(std::to_string(++calls));
    });
    CHECK(d.sound().says("deterministic: asked twice"));
    const auto misspelt = conflict_case(schema()).base({{"titel", value::text("a")}}).decide(resolvers::server_wins{});
    CHECK(misspelt.sound().says("the case names `titel`, which model `task` does not have"));
    CHECK(conflict_case(schema()).server({{"title", value::text("a")}}).decide(resolvers::server_wins{}).sound().says("the case has no change of the client"));
}

}  // namespace conflict_case_test
