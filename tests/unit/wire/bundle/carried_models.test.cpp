#include <syncline/wire/bundle/carried_models.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace carried_models_test {

using namespace syncline;

namespace {

field_schema field(std::string name, value_kind kind = value_kind::text) {
    field_schema f;
    f.name = std::move(name);
    f.kind = kind;
    return f;
}

model_schema model(std::string name, std::vector<field_schema> fields = {field("title")}) {
    model_schema m;
    m.name = std::move(name);
    m.fields = std::move(fields);
    return m;
}

schema_set set_of(std::vector<model_schema> models) {
    schema_set out;
    for (auto& m : models) REQUIRE(out.add(std::move(m)));
    return out;
}

/// The model, what is wrong and what to do are in the fault; and a server with those models mounts nothing.
void check_refused(std::vector<model_schema> models, const std::vector<std::string>& words) {
    const auto set = set_of(std::move(models));
    const auto refused = bundle_wire::check_carried(set);
    REQUIRE_FALSE(refused);
    INFO(refused.error().detail);
    CHECK(refused.error().code == errc::unsupported);
    for (const auto& word : words) {
        INFO(word);
        CHECK(refused.error().detail.find(word) != std::string::npos);
    }
    memory_authority_store store{set};
    const auto random = std::make_shared<seeded_random>(1);
    sync_server<memory_authority_store> server{store, {}, [] { return timestamp{}; }, [random] { return random->next(); }};
    bundle_server_options options;
    const auto mounted = server.mount_bundle_wire(options);
    REQUIRE_FALSE(mounted);
    CHECK(mounted.error() == refused.error());
    CHECK(server(request{http_method::get, "/sync/capabilities", {{"Oversync-Source-ID", "s"}}, {}}, principal{"a", "main"}).status == 404);
    server.mount_mutation_wire();  // which carries it
    CHECK(server(request{http_method::post, "/tether/pull", {}, R"({"client_id":"c"})"}, principal{"a", "main"}).status == 200);
}

}  // namespace

TEST_CASE("carried models: keys of text and of UUIDs, references to them, and any letters of names") {
    auto task = model("Task", {field("Title"), field("list_id"), field("parent", value_kind::bytes)});
    task.references = {{1, "list", reference_action::cascade}, {2, "folder", reference_action::set_null}, {2, "Task", reference_action::none}};
    auto folder = model("folder");
    folder.key_kind = value_kind::bytes;
    CHECK(bundle_wire::check_carried(set_of({std::move(task), model("list"), std::move(folder)})).has_value());
    CHECK(bundle_wire::check_carried(schema_set{}).has_value());
}

TEST_CASE("carried models: a key that is neither text nor UUID is refused by name") {
    for (const auto kind : {value_kind::integer, value_kind::real, value_kind::time}) {
        auto m = model("invoice");
        m.key_name = "number";
        m.key_kind = kind;
        check_refused({model("fine"), std::move(m)}, {"`invoice`", "key `number` holds", "texts or UUIDs", "give it a key of text", "mount the mutation wire alone"});
    }
}

TEST_CASE("carried models: a reference that does not hold another served model's sync key is refused by name") {
    auto task = model("task", {field("title"), field("list_id", value_kind::integer)});
    task.references = {{1, "list", reference_action::none}};
    check_refused({task, model("list")}, {"`task`", "`list_id` holds integers", "refers to `list`", "let the foreign key hold the sync key"});
    task.fields[1].kind = value_kind::text;
    check_refused({task}, {"`task`", "`list_id` refers to `list`, which is not served here", "serve that model too"});
}

TEST_CASE("carried models: names that the wire cannot tell apart are refused by name, other names are not") {
    auto renamed = model("task");
    renamed.table = "my tä\"sk";
    CHECK(bundle_wire::check_carried(set_of({renamed, model("other", {field("due-at")})})));
    auto upper = model("Tasks");
    check_refused({model("tasks"), upper}, {"model `Tasks`", "model `tasks`'s", "case of letters"});
    renamed.table = "NOTE";
    check_refused({model("note"), renamed}, {"model `task`", "its table `NOTE`", "`note`"});
    check_refused({model("task", {field("due"), field("Due")})}, {"model `task`", "`due` and `Due`", "rename one of them"});
    check_refused({model("task", {field("ID")})}, {"model `task`", "`id` and `ID`"});
    check_refused({model("task", {field("_Sync_Scope_Id")})}, {"model `task`", "`_Sync_Scope_Id`", "rename it or leave it out"});
    auto kept = model("task");
    kept.key_name = "_sync_scope_id";
    check_refused({kept}, {"model `task`", "`_sync_scope_id`", "rename it, or take the model out"});
}

TEST_CASE("carried models: names are written in lower case and read in any, and a reference to a UUID is spelt as the key that it holds") {
    auto page = model("Page", {field("dueAt"), field("Doc", value_kind::bytes), field("Picture", value_kind::bytes)});
    page.key_name = "Id";
    page.references = {{1, "doc", reference_action::none}};
    auto doc = model("doc");
    doc.key_kind = value_kind::bytes;
    const auto models = set_of({std::move(page), std::move(doc)});
    const bundle_wire::table_names names{models, "Business"};
    const std::string octets{"\x3f\x2b\x8c\x1e\x0d\x4a\x4c\x5b\x9e\x6f\x7a\x8b\x9c\x0d\x1e\x2f", 16};
    const record row{{value::text("soon"), value::bytes(octets), value::bytes(octets)}};

    row_image image;
    image.key = {0, "p"};
    image.version = 3;
    image.row = row;
    std::string text;
    json_writer w{text};
    bundle_wire::write_snapshot_row(w, names, image);
    CHECK(text == R"({"schema":"business","table":"page","key":{"id":"p"},"row_version":3,"payload":{"id":"p","dueat":"soon",)"
                  R"("doc":"3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f","picture":"PyuMHg1KTFueb3qLnA0eLw=="}})");

    for (const std::string& other : {text, std::string{R"({"schema":"BUSINESS","table":"PAGE","key":{"ID":"p"},"row_version":3,"payload":{"ID":"p","DueAt":"soon",)"
                                                      R"("DOC":"3F2B8C1E-0D4A-4C5B-9E6F-7A8B9C0D1E2F","picture":"PyuMHg1KTFueb3qLnA0eLw=="}})"},
                                    // As an earlier version wrote it.
                                    std::string{R"({"schema":"business","table":"Page","key":{"Id":"p"},"row_version":3,"payload":{"Id":"p","dueAt":"soon",)"
                                                R"("Doc":"PyuMHg1KTFueb3qLnA0eLw==","Picture":"PyuMHg1KTFueb3qLnA0eLw=="}})"}}) {
        INFO(other);
        const auto tape = json_tape::parse(other);
        REQUIRE(tape);
        const auto read = bundle_wire::read_snapshot_row(tape->root(), names);
        REQUIRE(read);
        CHECK(read->key == image.key);
        CHECK(read->row == image.row);
    }
}

}  // namespace carried_models_test
