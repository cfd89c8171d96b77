#include <syncline/wire/bundle/dialect.hpp>

#include "unit/wire/bundle/fixture.hpp"

namespace dialect_test {

using namespace bundle_fixture;
using bundle_wire::dialect;
using bundle_wire::table_names;

namespace {

// A generation as the later ones are: every number a string, another hash, and one member more in a create.
void write_as_text(json_writer& w, const field_schema& field, const value& v) {
    if (v.kind() == value_kind::integer)
        w.string(std::to_string(v.as_integer()));
    else
        write_value(w, field, v);
}
result<value> read_from_text(json_view v, const field_schema& field) {
    if (field.kind == value_kind::integer && v.is_string()) return value::integer(std::stoll(std::string{v.as_string()}));
    return read_value(v, field);
}
result<void> hash_of_keys(std::string& text, json_view row, std::size_t ordinal) {
    text.append(std::to_string(ordinal)).append(row.find("table")->as_string());
    return {};
}
constexpr dialect later{"v9", "canonical_request_hash", &write_as_text, &read_from_text, &hash_of_keys};

}  // namespace

TEST_CASE("bundle dialect: G0 is the label, the numbers and the hash of the protocol") {
    CHECK(bundle_wire::g0.protocol_version == "v1");
    CHECK(bundle_wire::g0.needed_in_create.empty());
    const auto models = schemas();
    CHECK(&table_names(models, "public").speaks() == &bundle_wire::g0);
    std::string text;
    const auto row = parsed(R"({"schema":"public","table":"users","key":{"id":"row-1"},"op":"INSERT","row_version":3,"payload":{"name":"Alice","email":"alice@example.com"}})");
    must(bundle_wire::g0.append_hashed(text, row.root(), 0));
    CHECK(text == R"({"key":{"id":"row-1"},"op":"INSERT","payload":{"email":"alice@example.com","name":"Alice"},"row_ordinal":0,"row_version":3,"schema":"public","table":"users"})");
    CHECK(!bundle_wire::g0.append_hashed(text, parsed("{}").root(), 0));
}

TEST_CASE("bundle dialect: another generation needs neither another server nor other messages") {
    bundle_server_options options;
    options.speaks = &later;
    server_side s{{}, options};
    must(s.engine.connect({"home", "ann", "device"}, false, {}, s.now));
    CHECK(text_in(s.call(http_method::get, "/sync/capabilities").body, "protocol_version") == "v9");
    const auto create = [&](const std::string& more) { return s.call(http_method::post, "/sync/push-sessions", R"({"source_bundle_id":1,"planned_row_count":1)" + more + "}"); };
    const auto refused = create("");
    CHECK(refused.status == 400);
    CHECK(text_in(refused.body, "error") == "push_session_invalid");
    CHECK(text_in(refused.body, "message").find("`canonical_request_hash`") != std::string::npos);
    const auto made = create(R"(,"canonical_request_hash":"h")");
    REQUIRE(made.status == 200);
    const std::string session = "/sync/push-sessions/" + text_in(made.body, "push_id");
    REQUIRE(s.call(http_method::post, session + "/chunks", R"({"start_row_ordinal":0,"rows":[{"table":"tasks","key":{"id":"t"},"op":"INSERT","payload":{"points":"9007199254740993"}}]})").status == 200);
    const auto done = s.call(http_method::post, session + "/commit");
    REQUIRE(done.status == 200);
    CHECK(s.row(task_key("t"))->fields[2] == value::integer(9007199254740993));
    bundle_wire::bundle_hasher hasher;
    const auto row = parsed(R"({"table":"tasks"})");
    must(hasher.add(row.root(), later));
    CHECK(text_in(done.body, "bundle_hash") == hasher.finish());
    CHECK(s.call(http_method::get, "/sync/pull").body.find(R"("points":"9007199254740993")") != std::string::npos);
    // The device's side of the same messages.
    const table_names names{s.engine.schemas(), "public", later};
    const auto pulled = must(bundle_wire::read_pull_answer(s.call(http_method::get, "/sync/pull").body, names, 0, {}));
    CHECK(pulled.bundles.at(0).rows.at(0).row->fields[2] == value::integer(9007199254740993));
}

TEST_CASE("bundle dialect: the hash of a row is over what it says, and a row says its key and its version") {
    const auto hashed = [](const char* row) {
        std::string text;
        auto r = bundle_wire::g0.append_hashed(text, parsed(row).root(), 0);
        return r ? text : std::string{name_of(r.error().code)};
    };
    CHECK(hashed(R"({"key":{"id":"1"}})") == "malformed_message");
    CHECK(hashed(R"({"row_version":1})") == "malformed_message");
    CHECK(hashed(R"({"key":{"id":"1"},"row_version":1})") == R"({"key":{"id":"1"},"op":"","payload":null,"row_ordinal":0,"row_version":1,"schema":"","table":""})");
}

}  // namespace dialect_test
