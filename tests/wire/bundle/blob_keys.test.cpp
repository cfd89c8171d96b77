#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

namespace blob_keys_test {

using namespace syncline;
using file_sync::ask;
using file_sync::wire_kind;

namespace {

const std::string tables =
    "CREATE TABLE doc(id BLOB PRIMARY KEY NOT NULL, title TEXT);"
    "CREATE TABLE page(id BLOB PRIMARY KEY NOT NULL, doc BLOB REFERENCES doc(id) ON DELETE CASCADE, data BLOB)";
const std::vector<std::string> names{"doc", "page"};
const std::string doc_octets = "X'3F2B8C1E0D4A4C5B9E6F7A8B9C0D1E2F'";
const std::string doc_text = "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f";
const std::string page_text = "00000000-0000-4000-8000-000000000001";

request asking(http_method method, std::string path, std::string body = {}) {
    return {method, std::move(path), {{"Oversync-Source-ID", "foreign"}}, std::move(body)};
}

}  // namespace

TEST_CASE("bundle wire: UUIDs in 16 octets go as text with dashes, as keys and where a row refers to one; other octets as base64", "[wire]") {
    const scratch_folder dir;
    const std::string office = dir.file("office.db"), van = dir.file("van.db"), bus = dir.file("bus.db");
    for (const auto& path : {office, van, bus}) file_sync::run(path, tables);
    file_sync::server server{office, names};
    file_sync::run(van, "INSERT INTO doc VALUES(" + doc_octets + ",'one'); INSERT INTO page VALUES(X'00000000000040008000000000000001'," + doc_octets + ",X'00FF10')");
    REQUIRE(file_sync::sync(van, names, server, wire_kind::bundle).pushed == 2);
    REQUIRE(file_sync::sync(bus, names, server, wire_kind::bundle).ok());
    const std::string everything = "SELECT group_concat(hex(p.id)||hex(p.doc)||hex(p.data)||d.title) FROM page p JOIN doc d ON d.id=p.doc";
    CHECK(ask(bus, everything) == "00000000000040008000000000000001" "3F2B8C1E0D4A4C5B9E6F7A8B9C0D1E2F" "00FF10" "one");
    CHECK(ask(office, everything) == ask(bus, everything));

    const auto told = server.handle(wire_kind::bundle, asking(http_method::get, "/sync/pull?after_bundle_seq=0"), {"ann", "main"});
    INFO(told.body);
    CHECK(told.body.find(R"("key":{"id":")" + doc_text + "\"}") != std::string::npos);
    CHECK(told.body.find(R"({"id":")" + page_text + R"(","doc":")" + doc_text + R"(","data":"AP8Q"})") != std::string::npos);

    // What comes anew for a record leaves alone what refers to it.
    file_sync::run(office, "UPDATE doc SET title='two'");
    for (const auto& path : {van, bus}) {
        REQUIRE(file_sync::sync(path, names, server, wire_kind::bundle).ok());
        CHECK(ask(path, everything) == ask(office, everything));
    }
}

TEST_CASE("bundle wire: a UUID in another spelling is refused by name, and nothing of its chunk is kept", "[wire]") {
    const scratch_folder dir;
    file_sync::run(dir.file(), tables + "; INSERT INTO doc VALUES(" + doc_octets + ",'one')");
    file_sync::server server{dir.file(), names};
    const principal ann{"ann", "main"};
    const auto made = server.handle(wire_kind::bundle, asking(http_method::post, "/sync/push-sessions", R"({"source_bundle_id":1,"planned_row_count":1})"), ann);
    REQUIRE(made.status == 200);
    const auto at = made.body.find(R"("push_id":")") + 11;
    const std::string chunks = "/sync/push-sessions/" + made.body.substr(at, 36) + "/chunks";
    const auto row = [](const std::string& id) {
        return R"({"start_row_ordinal":0,"rows":[{"table":"doc","key":{"id":")" + id + R"("},"op":"INSERT","base_row_version":0,"payload":{"title":"x"}}]})";
    };
    for (const std::string bad : {"3F2B8C1E-0D4A-4C5B-9E6F-7A8B9C0D1E2F", "3f2b8c1e0d4a4c5b9e6f7a8b9c0d1e2f", "{3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f}", "PyuMHg1KTFueb3qLnA0eLw==", "x"}) {
        const auto refused = server.handle(wire_kind::bundle, asking(http_method::post, chunks, row(bad)), ann);
        INFO(bad << ": " << refused.body);
        CHECK(refused.status == 400);
        CHECK(refused.body.find("push_chunk_invalid") != std::string::npos);
        CHECK(refused.body.find("lower case") != std::string::npos);
    }
    CHECK(server.handle(wire_kind::bundle, asking(http_method::post, chunks, row(page_text)), ann).status == 200);
}

}  // namespace blob_keys_test
