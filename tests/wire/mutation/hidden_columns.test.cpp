// Columns of a server's table that are no fields of its model, generated and hidden ones among them (W45): nothing is read or written through them.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/transport/message.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <optional>
#include <string>
#include <utility>

namespace hidden_columns_test {

using namespace file_sync;
using store_contract::fault_of;

namespace {

const std::string table = "CREATE TABLE task(owner TEXT NOT NULL, id TEXT PRIMARY KEY NOT NULL, title TEXT, password TEXT DEFAULT 'seCret', owned TEXT AS (owner) STORED, "
                          "said TEXT AS (owner||' seCret '||title) VIRTUAL, UNIQUE(owned, title));";

schema_set titles() {
    model_schema m;
    m.name = "task";
    m.key_name = "id";
    m.fields = {field_schema{"title", value_kind::text, true, nullptr}};
    schema_set out;
    must(out.add(std::move(m)));
    return out;
}

sqlite_authority_options owned_by(const std::string& column) {
    sqlite_authority_options o;
    o.owner_column = column;
    return o;
}

struct office {
    office() {
        run(path, table + "INSERT INTO task(owner,id,title) VALUES('ann','a','hers'),('bob','b','his')");
        with.emplace(path, titles(), owned_by("owner"));
    }
    response post(const std::string& what, const std::string& body) {
        return with->handle(wire_kind::mutation, request{http_method::post, "/tether/" + what, {}, body}, principal{"ann", "ann"});
    }
    std::string push(const std::string& key, const std::string& operation, const std::string& payload, bool extended) {
        std::string m = R"({"mutation_id":"m)" + std::to_string(++sent) + R"(","entity_id":")" + key + R"(","model":"task","operation":")" + operation + R"(","payload":)" + payload +
                        R"(,"version":1,"timestamp":1)";
        if (extended) m += R"(,"base":{"row_version":0})";
        return post("push", std::string{R"({"client_id":"dev",)"} + (extended ? R"("syncline":1,)" : "") + R"("mutations":[)" + m + "}]}").body;
    }
    std::string content() { return ask(path, "SELECT group_concat(owner||id||title||password) FROM (SELECT * FROM task ORDER BY id)"); }

    scratch_folder dir;
    std::string path = dir.file();
    std::optional<server> with;
    int sent = 0;
};

}  // namespace

TEST_CASE("W45: no answer has a column that is no field, be it stored, generated or another's") {
    office o;
    std::string said = o.post("pull", R"({"client_id":"dev","syncline":1})").body + o.post("pull", R"({"client_id":"old"})").body;
    CHECK(said.find("hers") != std::string::npos);
    for (const bool extended : {true, false}) {
        said += o.push("a", "update", R"({"title":"mine"})", extended);  // a conflict, whose answer carries the row
        said += o.push("b", "update", R"({"title":"mine"})", extended);
        said += o.push("b", "delete", "[]", extended);
        said += o.push("b", "create", R"({"title":"mine"})", extended);
    }
    for (const char* hidden : {"seCret", "password", "owned", "said", "bob", "his"}) {
        CAPTURE(said, hidden);
        CHECK(said.find(hidden) == std::string::npos);
    }
    CHECK(ask(o.path, "SELECT owner||title FROM task WHERE id='b'") == "bobhis");
}

TEST_CASE("W45: no push reaches the owner or another column that is no field, by whatever name") {
    for (const bool extended : {true, false})
        for (const char* column : {"owner", "owned", "said", "password", "rowid", "_rowid_", "oid", "Owner", "main.owner", "task.owner", "owner\\\" = \\\"bob", "id"})
            for (const char* operation : {"create", "update"}) {
                CAPTURE(extended, column, operation);
                office o;
                const bool creates = std::string{operation} == "create";
                const std::string key = creates ? "new" : "a";
                (void)o.push(key, operation, std::string{R"({"title":"t",")"} + column + R"(":"bob"})", extended);
                const std::string left = o.content();
                const std::string all = creates ? "annahersseCret,bobbhisseCret" : ",bobbhisseCret";
                CHECK((left == "annahersseCret,bobbhisseCret" || left == "annatseCret,bobbhisseCret" || (creates && left == all + ",annnewtseCret")));
            }
}

TEST_CASE("W45: a generated or hidden column can be neither owner nor key nor field nor time, and is refused by name") {
    const scratch_folder dir;
    const std::string path = dir.file();
    run(path, table);
    const auto refused = [&](const schema_set& models, const std::string& owner) {
        const auto opened = sqlite_authority_store::open(path, models, owned_by(owner));
        REQUIRE_FALSE(opened);
        CAPTURE(opened.error().detail);
        return opened.error().code;
    };
    for (const char* generated : {"owned", "said"}) {
        CAPTURE(generated);
        CHECK(refused(titles(), generated) == errc::unsupported);
        model_schema m = titles()[0];
        m.fields.push_back(field_schema{generated, value_kind::text, true, nullptr});
        schema_set as_field;
        must(as_field.add(m));
        CHECK(refused(as_field, "owner") == errc::unsupported);
        m = titles()[0];
        m.key_name = generated;
        schema_set as_key;
        must(as_key.add(m));
        CHECK(refused(as_key, "owner") == errc::unsupported);
        m = titles()[0];
        m.times.updated_at = generated;
        schema_set as_time;
        must(as_time.add(m));
        CHECK(refused(as_time, "owner") == errc::unsupported);
    }
    for (const char* hidden : {"rowid", "oid", "_rowid_", "Owner"}) {
        CAPTURE(hidden);
        CHECK(refused(titles(), hidden) == errc::schema_mismatch);
        model_schema m = titles()[0];
        m.fields.push_back(field_schema{hidden, value_kind::integer, true, nullptr});
        schema_set as_field;
        must(as_field.add(m));
        CHECK(refused(as_field, "owner") == errc::schema_mismatch);
    }
    model_schema m = titles()[0];
    m.fields.push_back(field_schema{"owner", value_kind::text, true, nullptr});
    schema_set with_owner;
    must(with_owner.add(m));
    CHECK(refused(with_owner, "owner") == errc::invalid_argument);
}

}  // namespace hidden_columns_test
