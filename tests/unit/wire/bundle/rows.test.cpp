#include <syncline/wire/bundle/rows.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <cmath>
#include <limits>

namespace rows_test {

using namespace bundle_fixture;
using bundle_wire::bundle_hasher;
using bundle_wire::table_names;

namespace {

std::string hash_of(const std::string& rows) {
    const auto tape = parsed(rows);
    bundle_hasher hasher;
    for (const auto& row : tape.root()) must(hasher.add(row));
    return hasher.finish();
}

struct all_kinds {
    schema_set schemas;
    all_kinds() {
        model_schema m;
        m.name = "thing";
        m.fields = {{"b", value_kind::boolean, true, nullptr}, {"i", value_kind::integer, true, nullptr}, {"r", value_kind::real, true, nullptr},
                    {"d", value_kind::decimal, true, nullptr}, {"s", value_kind::text, true, nullptr},    {"o", value_kind::bytes, true, nullptr},
                    {"t", value_kind::time, true, nullptr},    {"j", value_kind::json, true, nullptr}};
        must(schemas.add(std::move(m)));
    }
};

fault push_row_fault(const std::string& row, const schema_set& models) {
    const table_names names{models, "public"};
    const auto tape = parsed(row);
    auto read = bundle_wire::read_push_row(tape.root(), names, timestamp{});
    REQUIRE(!read);
    return std::move(read).error();
}

}  // namespace

TEST_CASE("bundle_hasher: any change of a row, or of their order, changes the hash") {
    const std::string one = R"({"schema":"s","table":"t","key":{"id":"1"},"op":"INSERT","row_version":3,"payload":{"id":"1","a":1}})";
    const std::string two = R"({"schema":"s","table":"t","key":{"id":"2"},"op":"DELETE","row_version":3})";
    const std::string whole = hash_of("[" + one + "," + two + "]");
    CHECK(hash_of("[" + two + "," + one + "]") != whole);
    CHECK(hash_of("[" + one + "]") != whole);
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{R"("id":"1"})", R"("id":"3"})"},
                                                                                  {"INSERT", "UPDATE"},
                                                                                  {R"("row_version":3)", R"("row_version":4)"},
                                                                                  {R"("a":1)", R"("a":2)"},
                                                                                  {R"("schema":"s")", R"("schema":"z")"},
                                                                                  {R"("table":"t")", R"("table":"z")"}}) {
        std::string other = one;
        const auto at = other.find(from);
        REQUIRE(at != std::string::npos);
        other.replace(at, from.size(), to);
        CHECK(hash_of("[" + other + "," + two + "]") != whole);
    }
}

TEST_CASE("bundle rows: every kind of value comes through a push, a bundle and a snapshot exactly") {
    all_kinds kinds;
    const table_names names{kinds.schemas, "public"};
    const std::vector<record> rows{
        record{{value::boolean(true), value::integer((std::numeric_limits<std::int64_t>::min)()), value::real(-0.0), value::decimal("12.50"),
                value::text(std::string{"a\0\xe2\x80\xa8<", 6}), value::bytes(std::string{"\0\xff", 2}), value::time(at_second(1'700'000'000)),
                value::json(R"({"a":[1,2.50,null]})")}},
        record{std::vector<value>(8)},
        // Kinds that are not the field's own, and what JSON cannot hold, come through tagged.
        record{{value::text("yes"), value::real(1.5), value::real(std::numeric_limits<double>::infinity()), value::integer(3), value::text("\xff"),
                value::text("t"), value::integer(5), value::json("{ \"a\" : 1 }")}}};
    for (const auto& row : rows) {
        for (const auto op : {operation::create, operation::update}) {
            intent what;
            what.key = {0, "k"};
            what.op = op;
            what.base.row_version = 7;
            what.edited_at = at_second(1'600'000'000);
            for (std::size_t f = 0; f < row.fields.size(); ++f) what.changes.set(static_cast<field_index>(f), row.fields[f]);
            std::string text;
            json_writer w{text};
            bundle_wire::write_push_row(w, names, what);
            const auto tape = parsed(text);
            auto back = must(bundle_wire::read_push_row(tape.root(), names, timestamp{}));
            CHECK(back.what == what);
        }
        std::string text;
        json_writer w{text};
        bundle_wire::write_bundle_row(w, names, row_change{{0, "k"}, operation::update, 9, 1, row, {}, {}, {}});
        const auto tape = parsed(text);
        CHECK(must(bundle_wire::read_bundle_row(tape.root(), names)) == row_image{{0, "k"}, 9, row, {}});
        text.clear();
        json_writer s{text};
        bundle_wire::write_snapshot_row(s, names, row_image{{0, "k"}, 9, row, {}});
        const auto snapshot = parsed(text);
        CHECK(must(bundle_wire::read_snapshot_row(snapshot.root(), names)) == row_image{{0, "k"}, 9, row, {}});
    }
}

TEST_CASE("bundle rows: a push row has the members of the protocol in their order") {
    const auto models = schemas();
    const table_names names{models, "public"};
    intent what;
    what.key = task_key("t-1");
    what.op = operation::update;
    what.before = a_task("old", 1);
    what.changes.set(0, value::text("new"));
    what.base.row_version = 4;
    std::string text;
    json_writer w{text};
    bundle_wire::write_push_row(w, names, what);
    CHECK(text == R"({"schema":"public","table":"tasks","key":{"id":"t-1"},"op":"UPDATE","base_row_version":4,)"
                  R"("payload":{"id":"t-1","title":"new","done":false,"points":1,"project":null}})");
    what.op = operation::erase;
    what.edited_at = at_second(0) + std::chrono::hours{24};
    text.clear();
    json_writer e{text};
    bundle_wire::write_push_row(e, names, what);
    CHECK(text == R"({"schema":"public","table":"tasks","key":{"id":"t-1"},"op":"DELETE","base_row_version":4,"edited_at":"1970-01-02T00:00:00.000000Z"})");
}

TEST_CASE("bundle rows: a change of a field that was not seen is made on no version, and what nobody set is left out") {
    const schema_set models = all_kinds{}.schemas;
    const table_names names{models, "public"};
    intent what;
    what.key = {0, "k"};
    what.base.row_version = 7;
    what.before = record{std::vector<value>(models[0].fields.size())};
    what.changes.set(1, value::integer(5));
    what.unseen.insert(4);
    const auto row = [&] {
        std::string out;
        json_writer w{out};
        bundle_wire::write_push_row(w, names, what);
        return out;
    };
    CHECK(row().find("\"base_row_version\":7") != std::string::npos);
    CHECK(row().find("\"s\":") == std::string::npos);
    what.changes.set(4, value::text("x"));
    CHECK(row().find("\"base_row_version\":0") != std::string::npos);
    CHECK(row().find("\"s\":\"x\"") != std::string::npos);
}

TEST_CASE("bundle rows: schema, table and op are read without regard to case and blanks, an empty schema is public") {
    const auto models = schemas();
    const table_names names{models, "public"};
    for (const char* row : {R"({"schema":" PUBLIC ","table":" Tasks ","key":{"id":"1","more":2},"op":" insert ","payload":{"title":"x"}})",
                            R"({"schema":"","table":"tasks","key":{"id":"1"},"op":"INSERT","base_row_version":0,"payload":{"id":"1","title":"x"},"more":[]})",
                            R"({"table":"TASKS","key":{"id":"1"},"op":"Insert","payload":{"title":"x"}})"}) {
        const auto tape = parsed(row);
        auto m = must(bundle_wire::read_push_row(tape.root(), names, at_second(5)));
        CHECK(m.what.key == task_key("1"));
        CHECK(m.what.op == operation::create);
        CHECK(m.what.changes.size() == 4);  // an INSERT leaves out what is null
        CHECK(m.what.edited_at == at_second(5));
    }
    const auto tape = parsed(R"({"table":"tasks","key":{"id":"1"},"op":"UPDATE","base_row_version":3,"payload":{"done":1}})");
    auto m = must(bundle_wire::read_push_row(tape.root(), names, timestamp{}));
    CHECK(m.what.changes.size() == 1);  // an UPDATE changes the columns that it names
    CHECK(*m.what.changes.find(1) == value::boolean(true));
}

TEST_CASE("bundle rows: what is wrong with a row is told by name") {
    const auto models = schemas();
    struct wrong {
        const char* row;
        errc code;
        const char* says;
    };
    for (const wrong& w : {wrong{"[]", errc::malformed_message, "object"},
                           wrong{R"({"schema":5,"table":"tasks","key":{"id":"1"},"op":"DELETE"})", errc::malformed_message, "`schema`"},
                           wrong{R"({"key":{"id":"1"},"op":"DELETE"})", errc::malformed_message, "`table`"},
                           wrong{R"({"table":"users","key":{"id":"1"},"op":"DELETE"})", errc::unknown_model, "public.users"},
                           wrong{R"({"schema":"other","table":"tasks","key":{"id":"1"},"op":"DELETE"})", errc::unknown_model, "other.tasks"},
                           wrong{R"({"table":"tasks","op":"DELETE"})", errc::invalid_key, "`key`"},
                           wrong{R"({"table":"tasks","key":"1","op":"DELETE"})", errc::invalid_key, "`key`"},
                           wrong{R"({"table":"tasks","key":{},"op":"DELETE"})", errc::invalid_key, "`id`"},
                           wrong{R"({"table":"tasks","key":{"no":"1"},"op":"DELETE"})", errc::invalid_key, "`id`"},
                           wrong{R"({"table":"tasks","key":{"id":1},"op":"DELETE"})", errc::invalid_key, "`id`"},
                           wrong{R"({"table":"tasks","key":{"id":null},"op":"DELETE"})", errc::invalid_key, "`id`"},
                           wrong{R"({"table":"tasks","key":{"id":""},"op":"DELETE"})", errc::invalid_key, "empty"},
                           wrong{R"({"table":"tasks","key":{"id":"a\u0000b"},"op":"DELETE"})", errc::invalid_key, "NUL"},
                           wrong{R"({"table":"tasks","key":{"id":"1"}})", errc::malformed_message, "`op`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"UPSERT"})", errc::malformed_message, "`op`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":1})", errc::malformed_message, "`op`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","base_row_version":-1})", errc::malformed_message, "negative"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","base_row_version":"1"})", errc::malformed_message, "`base_row_version`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","base_row_version":1.5})", errc::malformed_message, "`base_row_version`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","base_row_version":1e300})", errc::malformed_message, "`base_row_version`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","base_row_version":9223372036854775808})", errc::malformed_message, "`base_row_version`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","base_row_version":null})", errc::malformed_message, "`base_row_version`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","payload":null})", errc::malformed_message, "must not include"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT"})", errc::malformed_message, "`payload`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":null})", errc::malformed_message, "`payload`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":[]})", errc::malformed_message, "`payload`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":{"id":"2"}})", errc::invalid_key, "`id`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":{"id":1}})", errc::invalid_key, "`id`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":{"_sync_scope_id":"x"}})", errc::unknown_field, "`_sync_scope_id`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":{"colour":"red"}})", errc::unknown_field, "`colour`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":{"points":"many"}})", errc::malformed_value, "`points`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"INSERT","payload":{"done":[]}})", errc::malformed_value, "`done`"},
                           wrong{R"({"table":"tasks","key":{"id":"1"},"op":"DELETE","edited_at":"yesterday"})", errc::malformed_value, "`edited_at`"}}) {
        INFO(w.row);
        const fault why = push_row_fault(w.row, models);
        CHECK(why.code == w.code);
        CHECK(why.detail.find(w.says) != std::string::npos);
    }
    const fault long_key = push_row_fault(R"({"table":"tasks","op":"DELETE","key":{"id":")" + std::string(256, 'k') + "\"}}", models);
    CHECK(long_key.code == errc::invalid_key);
    CHECK(long_key.detail.find("255") != std::string::npos);
    CHECK(long_key.detail.find("kkk") == std::string::npos);
}

TEST_CASE("bundle rows: a device passes over columns that it does not have, and nothing else") {
    const auto models = schemas();
    const table_names names{models, "public"};
    const auto read = [&](const char* row) {
        const auto tape = parsed(row);
        return bundle_wire::read_bundle_row(tape.root(), names);
    };
    auto row = must(read(R"({"schema":"public","table":"projects","key":{"id":"1"},"op":"UPDATE","row_version":4,"payload":{"id":"1","colour":"red","name":"x"}})"));
    CHECK(row == row_image{project_key("1"), 4, a_project("x"), {}});
    CHECK(!must(read(R"({"table":"projects","key":{"id":"1"},"op":"DELETE","row_version":4})")).row);
    for (const char* bad : {R"({"table":"projects","key":{"id":"1"},"op":"UPDATE","row_version":0,"payload":{}})",
                            R"({"table":"projects","key":{"id":"1"},"op":"UPDATE","payload":{}})",
                            R"({"table":"projects","key":{"id":"1"},"op":"UPDATE","row_version":1})",
                            R"({"table":"projects","key":{"id":"1"},"op":"MERGE","row_version":1,"payload":{}})",
                            R"({"table":"projects","key":{"id":"1"},"row_version":1,"payload":{}})",
                            R"({"table":"planets","key":{"id":"1"},"op":"DELETE","row_version":1})"}) {
        INFO(bad);
        CHECK(!read(bad));
    }
}

TEST_CASE("bundle rows: a row that cannot be read is named by its place, and by table and key where these can be told") {
    const auto named = [](const std::string& row) { return bundle_wire::fault_of_row(fault{errc::malformed_value, "no"}, 3, parsed(row).root()).detail; };
    CHECK(named(R"({"table":"tasks","key":{"id":"t","n":5}})") == "row 3 (`tasks` `t`): no");
    CHECK(named(R"({"table":5,"key":"t"})") == "row 3 (`?`): no");
    CHECK(named("[]") == "row 3 (`?`): no");
    const std::string long_name(256, 'x');
    CHECK(named(R"({"table":")" + long_name + R"(","key":{"id":")" + long_name + "\"}}") == "row 3 (`?`): no");
}

TEST_CASE("bundle rows: only octets that name a record are spelt as its UUID, and a time that the wire has no word for is left out") {
    schema_set models;
    model_schema page;
    page.name = "page";
    page.fields = {{"doc", value_kind::bytes, true, nullptr}, {"picture", value_kind::bytes, true, nullptr}};
    page.references = {{0, "page", reference_action::none}};
    must(models.add(page));
    const table_names names{models, "public"};
    const std::string id = "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f";
    const std::string octets(27, 'o');
    const std::string base64 = "b29vb29vb29vb29vb29vb29vb29vb29vb29v";  // 36 letters, and no UUID
    const auto row = [&](const std::string& doc, const std::string& picture) {
        return bundle_wire::read_bundle_row(parsed(R"({"table":"page","key":{"id":"1"},"op":"INSERT","row_version":1,"payload":{"doc":")" + doc + R"(","picture":")" + picture + "\"}}").root(), names);
    };
    REQUIRE(base64.size() == id.size());
    const auto read = must(row(base64, base64));
    CHECK(read.row->fields[0] == value::bytes(octets));
    CHECK(read.row->fields[1] == value::bytes(octets));
    CHECK(must(row(id, base64)).row->fields[0].as_string().size() == 16);
    CHECK(!row(id, id));  // which is no base64
    intent what;
    what.key = {0, "1"};
    what.op = operation::erase;
    what.edited_at = (timestamp::max)();
    std::string text;
    json_writer w{text};
    bundle_wire::write_push_row(w, names, what);
    CHECK(text == R"({"schema":"public","table":"page","key":{"id":"1"},"op":"DELETE","base_row_version":0})");
}

}  // namespace rows_test
