// Golden vectors of the mutation wire for a client of Laravel Tether v1.0.0, after sections 2, 3 and 9 of the sheet `mutation`: pages and their limit,
// parents before children, messages by field, and what no field of a client's expects. Octet by octet, under clocks of client and server that are
// right, days ahead and days behind.

#include <syncline/model/model_schema.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "wire/mutation/golden_world.hpp"

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace legacy_golden_pages_test {

using namespace golden_tests;

namespace {

schema_set schemas() {
    model_schema task;
    task.name = "Task";
    task.fields = {{"title", value_kind::text}, {"parts", value_kind::integer}};
    model_schema note;
    note.name = "Note";
    note.fields = {{"text", value_kind::text}, {"task", value_kind::text}};
    note.references.push_back({1, "Task", reference_action::none});
    schema_set out;
    lab_must(out.add(std::move(task)));
    lab_must(out.add(std::move(note)));
    return out;
}

struct golden : golden_world {
    explicit golden(golden_clocks of, authority_options rules = {}, mutation_server_options options = {})
        : golden_world(std::move(of), schemas(), std::move(rules), std::move(options)) {}
    void write(model_id model, const char* key, value first, value second) { golden_world::write(model, key, record{{std::move(first), std::move(second)}}); }
};

}  // namespace

TEST_CASE("golden: a limit cuts pages, each shows a parent before its child, and they end (sheet 3, 9 items 4 and 5)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        g.write(0, "T1", value::text("one"), value{});
        g.write(1, "N1", value::text("of one"), value::text("T1"));
        g.write(0, "T1", value::text("one again"), value{});  // the parent is newer than its child
        g.write(0, "T2", value::text("two"), value::integer(2));
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":null,"limit":1})") ==
              g.told(R"({"snapshots":[{"entity_id":"T1","model":"Task","operation":"upsert","payload":{"title":"one again","parts":null}},{"entity_id":"N1","model":"Note","operation":"upsert","payload":{"text":"of one","task":"T1"}}],"new_sync_cursor":STAMP+1,"has_more":true})"));
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":STAMP+1,"limit":2})") ==
              g.told(R"({"snapshots":[{"entity_id":"T1","model":"Task","operation":"upsert","payload":{"title":"one again","parts":null}},{"entity_id":"T2","model":"Task","operation":"upsert","payload":{"title":"two","parts":2}}],"new_sync_cursor":STAMP+3,"has_more":true})"));
        CHECK(g.pull(R"({"client_id":"c","last_sync_cursor":STAMP+3,"limit":2})") == g.told(R"({"snapshots":[],"new_sync_cursor":STAMP+3,"has_more":false})"));
    }
}

TEST_CASE("golden: a validator's messages stand by field (sheet 2.3)", "[wire]") {
    authority_options rules;
    rules.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.after == nullptr || c.after->fields[0] != value{}) return std::nullopt;
        return rejection{{errc::validation_failed, "The given data was invalid."}, {{"title", "The title field is required."}, {"parts", "Give some."}, {"title", "Write it."}}};
    };
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks, rules};
        CHECK(g.push(R"({"client_id":"c","mutations":[{"mutation_id":"M1","entity_id":"T1","model":"Task","operation":"create","payload":{"title":null,"parts":1},"version":1,"timestamp":TIME}]})") ==
              R"({"applied":[],"rejected":[{"mutation_id":"M1","reason":"validation_failed","data":{"messages":{"title":["The title field is required.","Write it."],"parts":["Give some."]},"detail":"The given data was invalid."}}],"conflicts":[]})");
    }
}

TEST_CASE("golden: a value that is of another kind than its field is written as what it is, and nothing that only our own devices read (sheet 9 item 3)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        golden g{clocks};
        g.write(0, "T1", value::integer(5), value::real(1.5));
        g.write(0, "T2", value::boolean(true), value::text("many"));
        g.write(0, "T3", value::text("\xff"), value::real(std::numeric_limits<double>::quiet_NaN()));
        const std::string page = g.pull(R"({"client_id":"c","last_sync_cursor":null})");
        CHECK(page.find(R"("payload":{"title":5,"parts":1.5})") != std::string::npos);
        CHECK(page.find(R"("payload":{"title":true,"parts":"many"})") != std::string::npos);
        CHECK(page.find(R"("payload":{"title":"/w==","parts":null})") != std::string::npos);
        const std::string told = g.push(R"({"client_id":"stranger","mutations":[{"mutation_id":"M1","entity_id":"T1","model":"Task","operation":"update","payload":{"title":"mine"},"version":1,"timestamp":TIME}]})");
        CHECK(told.find(R"("server_state":{"tether_id":"T1","title":5,"parts":1.5})") != std::string::npos);
        CHECK((page + told).find("$syncline") == std::string::npos);
        // Our own device gets it exactly.
        CHECK(g.pull(R"({"client_id":"ours","last_sync_cursor":null,"syncline":1})").find(R"({"$syncline":"integer","value":"5"})") != std::string::npos);
    }
}

TEST_CASE("golden: foreign keys that are a client's own numbers are refused by name, or translated by the mappers of the server (W23)", "[wire]") {
    for (const auto& clocks : all_clocks()) {
        INFO(clocks.what);
        const std::string push = R"({"client_id":"c","mutations":[{"mutation_id":"M1","entity_id":"N1","model":"Note","operation":"create","payload":{"text":"x","task":17},"version":1,"timestamp":TIME}]})";
        golden plain{clocks};
        plain.write(0, "T1", value::text("one"), value{});
        CHECK(plain.push(push).find(R"({"mutation_id":"M1","reason":"validation_failed","data":{"messages":{"":["it refers to a record of model `Task` that does not exist here)") != std::string::npos);

        authority_options rules;
        rules.mapper = [](const caller&, mutation& m) -> std::optional<rejection> {
            const auto* task = m.what.key.model == 1 ? m.what.changes.find(1) : nullptr;
            if (task != nullptr && *task == value::text("17")) m.what.changes.set(1, value::text("T1"));
            return std::nullopt;
        };
        mutation_server_options options;
        options.outbound = [](const caller&, const model_schema& model, const record_key&, record& row) {
            if (model.name == "Note" && row.fields[1] == value::text("T1")) row.fields[1] = value::integer(17);
        };
        golden g{clocks, rules, options};
        g.write(0, "T1", value::text("one"), value{});
        CHECK(g.push(push) == R"({"applied":["M1"],"rejected":[],"conflicts":[]})");
        CHECK(g.store.row("main", {1, "N1"})->fields[1] == value::text("T1"));
        CHECK(g.pull(R"({"client_id":"c"})").find(R"("payload":{"text":"x","task":17})") != std::string::npos);
        // The whole row comes back with the next edit, and only that is one.
        CHECK(g.push(R"({"client_id":"c","mutations":[{"mutation_id":"M2","entity_id":"N1","model":"Note","operation":"update","payload":{"text":"y","task":"17"},"version":2,"timestamp":TIME+1}]})") ==
              R"({"applied":["M2"],"rejected":[],"conflicts":[]})");
        CHECK(g.store.row("main", {1, "N1"}) == record{{value::text("y"), value::text("T1")}});
    }
}

}  // namespace legacy_golden_pages_test
