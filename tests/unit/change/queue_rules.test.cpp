#include <syncline/change/queue_rules.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace queue_rules_test {

using namespace syncline;

namespace {

schema_set lists_and_tasks() {
    schema_set all;
    model_schema task;
    task.name = "task";
    task.fields = {{"list", value_kind::text, true, nullptr}, {"title", value_kind::text, true, nullptr}};
    task.references = {{0, "list", {}}};
    model_schema list;
    list.name = "list";
    list.fields = {{"title", value_kind::text, true, nullptr}};
    REQUIRE(all.add(task));
    REQUIRE(all.add(list));
    return all;
}

intent made(model_id model, operation op) {
    intent i;
    i.key = {model, "k"};
    i.op = op;
    return i;
}

constexpr operation all_operations[] = {operation::create, operation::update, operation::erase};

}  // namespace

TEST_CASE("queue rules: writes go parents first, then erases children first") {
    const schema_set all = lists_and_tasks();
    for (const operation list : all_operations)
        for (const operation task : all_operations) {
            CAPTURE(name_of(list), name_of(task));
            const bool task_first = list == operation::erase;  // of two writes the list is, of two erases the task
            CHECK((send_class_of(all, made(0, task)) < send_class_of(all, made(1, list))) == task_first);
        }
}

TEST_CASE("queue rules: a write needs what it sets a reference to, an erase needs nothing") {
    const schema_set all = lists_and_tasks();
    intent task = made(0, operation::update);
    task.before = record{{value::text("old"), value::text("t")}};
    task.changes.set(1, value::text("T"));
    CHECK(needed_by(all, task).empty());
    task.changes.set(0, value::text("new"));
    CHECK(needed_by(all, task) == std::vector<record_key>{{1, "new"}});
    task.op = operation::erase;
    CHECK(needed_by(all, task).empty());
}

TEST_CASE("queue rules: a new record stays behind any change that waits, another write behind a creation that waits") {
    for (const operation own : all_operations)
        for (const operation other : all_operations)
            for (const bool waits : {true, false}) {
                CAPTURE(name_of(own), name_of(other), waits);
                intent needed = made(1, other);
                if (waits) needed.waiting = wait_reason{errc::conflict, {}};
                CHECK(stays_behind(made(0, own), needed) == (waits && (own == operation::create || other == operation::create)));
            }
}

TEST_CASE("queue rules: a change goes after the open creations that it needs, and stays with one that waits, at any depth (promise 4)") {
    schema_set all;
    model_schema item;
    item.name = "item";
    item.fields = {{"parent", value_kind::text, true, nullptr}};
    item.references = {{0, "item", {}}};
    REQUIRE(all.add(item));
    std::map<std::string, intent> open;
    const auto add = [&](const std::string& key, operation op, const std::string& parent) {
        intent what;
        what.key = {0, key};
        what.op = op;
        what.changes.set(0, parent.empty() ? value{} : value::text(parent));
        open.insert_or_assign(key, what);
    };
    std::size_t looks = 0;
    const auto find = [&](const record_key& key) -> result<std::optional<intent>> {
        ++looks;
        const auto at = open.find(key.key);
        return at == open.end() ? std::optional<intent>{} : std::optional{at->second};
    };
    const auto needed = [&](const std::string& key, const record_names& chosen = {}, const record_names& held = {}) {
        const auto found = needed_creations(all, open.at(key), find, chosen, held);
        REQUIRE(found);
        std::string out = *found ? "" : "stays";
        if (*found)
            for (const auto& what : **found) out += what.key.key;
        return out;
    };
    add("a", operation::create, "");
    add("b", operation::create, "a");
    add("c", operation::create, "b");
    add("u", operation::update, "c");
    add("v", operation::update, "u");
    add("self", operation::create, "self");
    CHECK(needed("u") == "abc");
    CHECK(needed("u", {{0, "b"}}) == "c");
    CHECK(needed("u", {}, {{0, "b"}}) == "stays");
    CHECK(needed("v").empty());  // u is there, whatever becomes of its change
    CHECK(needed("self").empty());
    add("a", operation::create, "c");  // a cycle
    CHECK(needed("u") == "abc");
    open.at("a").waiting = wait_reason{errc::conflict, {}};
    for (const char* key : {"b", "c", "u"}) CHECK(needed(key) == "stays");
    CHECK(needed("v").empty());
    looks = 0;
    CHECK(needed("c", {{0, "b"}}).empty());
    CHECK(looks == 0);
    const auto broken = needed_creations(all, open.at("u"), [](const record_key&) -> result<std::optional<intent>> { return make_fault(errc::io_error, "no"); }, {}, {});
    REQUIRE(!broken);
    CHECK(broken.error().code == errc::io_error);
}

TEST_CASE("queue rules: a base over an own change is the oldest version and that change") {
    batch_item own{"m", 0, made(0, operation::update)};
    for (const std::int64_t row : {3, 5, 7}) {
        own.what.base = {5, "earlier"};
        CHECK(made_over(row, own) == base_ref{row < 5 ? row : 5, "m"});
    }
}

TEST_CASE("queue rules: a change waits for the reason that was given, or else for its kind of outcome") {
    outcome o;
    o.kind = outcome_kind::refused;
    CHECK(reason_of(o) == wait_reason{errc::conflict, {}});
    o.kind = outcome_kind::held;
    CHECK(reason_of(o) == wait_reason{errc::held, {}});
    o.why = wait_reason{errc::constraint, "taken"};
    CHECK(reason_of(o) == wait_reason{errc::constraint, "taken"});
}

}  // namespace queue_rules_test
