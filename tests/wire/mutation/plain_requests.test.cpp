// Golden vectors: what a device sends to a server of Tether 1.0, to the octet (sheet `mutation`, sections 2.1, 3 and 10), under clocks of both that are
// right, days ahead and days behind.

#include <syncline/wire/mutation/plain_messages.hpp>

#include "support/catch.hpp"
#include "wire/mutation/foreign_world.hpp"
#include "wire/mutation/golden_world.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace plain_requests_test {

using namespace foreign_tests;
namespace mw = syncline::mutation_wire;

namespace {

constexpr const char* id = "01HF7YAT00ABCDEFGHJKMNPQRS";

schema_set every_kind() {
    schema_set out;
    model_schema m;
    m.name = "Thing";
    m.key_name = "tether_id";
    m.fields = {{"flag", value_kind::boolean}, {"number", value_kind::integer}, {"price", value_kind::decimal}, {"ratio", value_kind::real},
                {"title", value_kind::text},   {"due", value_kind::time},       {"meta", value_kind::json},    {"updated_at", value_kind::time}};
    m.fields.back().read_only = true;
    lab_must(out.add(m));
    return out;
}

std::string written(operation op, record row, std::uint64_t version = 1) {
    batch_item item{id, 0, {}};
    item.what.key = {0, "01HF7YAT00KKKKKKKKKKKKKKKK"};
    item.what.op = op;
    const mw::plain_mutation m{&item, std::move(row), from_microseconds(1'700'000'000'123'999)};
    return mw::write_plain_push(every_kind(), "device", unversioned_epoch, {m}, version, {});
}

// Of the device's clock against the server's.
duration skew_of(const golden_tests::golden_clocks& clocks) { return std::chrono::microseconds{clocks.device_ms * 1000 - clocks.server_us}; }

const std::string head = R"({"client_id":"device","syncline":1,"epoch":"unversioned","mutations":[{"mutation_id":"01HF7YAT00ABCDEFGHJKMNPQRS",)"
                         R"("entity_id":"01HF7YAT00KKKKKKKKKKKKKKKK","model":"Thing",)";

}  // namespace

TEST_CASE("plain requests: a write carries the whole row but what is read only, a delete an empty list", "[wire]") {
    const record row{{value::boolean(true), value::integer(-7), value::decimal("1.50"), value::real(0.5), value::text("a \"b\""),
                      value::time(*parse_rfc3339("2026-01-31T12:00:00Z")), value::json(R"({"a":1})"), value::time(timestamp{})}};
    const std::string payload = R"("payload":{"flag":true,"number":-7,"price":"1.50","ratio":0.5,"title":"a \"b\"","due":"2026-01-31 12:00:00",)"
                                R"("meta":"{\"a\":1}"},)";
    CHECK(written(operation::create, row) == head + R"("operation":"create",)" + payload + R"("version":1,"timestamp":1700000000123}]})");
    CHECK(written(operation::update, row, 9) == head + R"("operation":"update",)" + payload + R"("version":9,"timestamp":1700000000123}]})");
    CHECK(written(operation::erase, {}) == head + R"("operation":"delete","payload":[],"version":1,"timestamp":1700000000123}]})");
    CHECK(written(operation::update, record{}) ==
          head + R"("operation":"update","payload":{"flag":null,"number":null,"price":null,"ratio":null,"title":null,"due":null,"meta":null},)"
                 R"("version":1,"timestamp":1700000000123}]})");
}

TEST_CASE("plain requests: what a device sends from its first pull on", "[wire]") {
    for (const auto& clocks : golden_tests::skewed_clocks()) {
        INFO(clocks.what);
        tether::server s{server_models()};
        mutation_client_options o;
        o.client_id = [] { return std::string{"till 7"}; };
        o.page_size = 50;
        s.now = from_microseconds(clocks.server_us);
        device a{s, "a", o, resolver_set{}, skew_of(clocks)};
        s.write("Task", "T1", task_json("one"));
        a.write("T2", task("two", "b", true, 3));
        REQUIRE(a.sync().ok());
        REQUIRE(a.sent.size() == 4);
        for (const auto& r : a.sent) {
            CHECK(r.method == http_method::post);
            CHECK(r.headers == std::vector<header>{{"Content-Type", "application/json"}, {"Accept", "application/json"}, {"X-Tether-Client-Version", "syncline"}});
        }
        CHECK(a.sent[0].path == "/tether/pull");
        CHECK(a.sent[0].body == R"({"client_id":"till 7","last_sync_cursor":null,"limit":1,"syncline":1})");
        CHECK(a.sent[1].body == R"({"client_id":"till 7","last_sync_cursor":null,"limit":50,"syncline":1,"epoch":"unversioned"})");
        CHECK(a.sent[2].path == "/tether/push");
        const auto m = json::parse(a.sent[2].body)["mutations"][0];
        const std::string sent_id = m["mutation_id"];
        CHECK(sent_id.size() == 26);
        CHECK(sent_id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos);
        CHECK(m.size() == 7);
        CHECK(m["timestamp"].is_number_integer());
        // Until when the device has seen what others did, by the server's clock, but never later than it was made.
        const std::int64_t stamp = (std::min)(clocks.server_us / 1000 - 1000, clocks.device_ms);
        CHECK(a.sent[2].body == R"({"client_id":"till 7","syncline":1,"epoch":"unversioned","mutations":[{"mutation_id":")" + sent_id +
                                    R"(","entity_id":"T2","model":"Task","operation":"create","payload":{"title":"two","body":"b","done":true,"count":3},)"
                                    R"("version":1,"timestamp":)" + std::to_string(stamp) + "}]}");
        CHECK(a.sent[3].body == golden_tests::with_numbers(R"({"client_id":"till 7","last_sync_cursor":STAMP,"limit":50,"syncline":1,"epoch":"unversioned"})", "STAMP", clocks.server_us));
        // From then on the device follows the server's clock, and its own does not make it lose (W04).
        s.now += 5s;
        a.set("T1", 0, value::text("edited"));
        const auto report = a.sync();
        CHECK(report.conflicts == 0);
        CHECK(report.pushed == 1);
        CHECK(a.text("T1", 0) == "edited");
    }
}

TEST_CASE("plain requests: at most a hundred mutations a request by default, their order that of sending, versions rising per record", "[wire]") {
    for (const auto& clocks : golden_tests::skewed_clocks()) {
        INFO(clocks.what);
        tether::server s{server_models()};
        s.now = from_microseconds(clocks.server_us);
        device a{s, "a", {}, resolver_set{}, skew_of(clocks)};
        for (int i = 0; i < 250; ++i) a.write("T" + std::to_string(i), task("x"));
        REQUIRE(a.sync().ok());
        REQUIRE(s.pushes.size() == 3);
        CHECK(s.pushes[0]["mutations"].size() == 100);
        CHECK(s.pushes[2]["mutations"].size() == 50);
        std::int64_t last = 0;
        for (int round = 0; round < 4; ++round) {
            s.now += 5s;
            a.set("T1", 0, value::text("v" + std::to_string(round)));
            REQUIRE(a.sync().ok());
            const std::int64_t version = s.pushes.back()["mutations"][0]["version"];
            CHECK(version > last);
            last = version;
        }
    }
}

TEST_CASE("plain requests: a payload mapper shapes what goes out; what it refuses waits, and stops nobody else", "[wire]") {
    tether::server s{server_models()};
    mutation_client_options o;
    o.outbound = [](const model_schema&, const record_key& key, record& row) -> result<void> {
        if (key.key == "T2") return make_fault(errc::validation_failed, "not this one");
        row.fields[1] = value::text("stamped");
        return {};
    };
    device a{s, "a", o};
    for (const char* key : {"T1", "T2", "T3"}) a.write(key, task("x"));
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.pushed == 2);
    CHECK(report.failed == 1);
    REQUIRE(a.waiting().size() == 1);
    CHECK(a.waiting()[0].key == key_named("T2"));
    CHECK(row_of(s, "T1") == task("x", "stamped"));
    CHECK(row_of(s, "T3") == task("x", "stamped"));
    CHECK(a.at("T1") == row_of(s, "T1"));
}

TEST_CASE("plain requests: foreign keys that are the server's own numbers are translated by mappers (W23)", "[wire]") {
    tether::server s{server_models()};
    mutation_client_options o;
    o.outbound = [](const model_schema& model, const record_key&, record& row) -> result<void> {
        if (model.name == "Comment" && row.fields[1] == value::text("T1")) row.fields[1] = value::integer(17);
        return {};
    };
    o.inbound = [](const model_schema& model, const record_key&, record& row) -> result<void> {
        if (model.name == "Comment" && row.fields[1] == value::text("17")) row.fields[1] = value::text("T1");
        return {};
    };
    device a{s, "a", o};
    s.write("Task", "T1", task_json("one"));
    REQUIRE(a.sync().ok());
    a.write("C1", comment("mine", "T1"));
    REQUIRE(a.sync().ok());
    CHECK((*s.row("Comment", "C1"))["task"] == 17);
    CHECK(a.at("C1") == comment("mine", "T1"));
    s.now += 5s;
    s.write("Comment", "C2", json{{"text", "theirs"}, {"task", 17}});
    CHECK(a.sync().pull_errors == 0);
    CHECK(a.at("C2") == comment("theirs", "T1"));
}

}  // namespace plain_requests_test
