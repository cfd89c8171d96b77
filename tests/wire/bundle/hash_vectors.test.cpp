#include <syncline/wire/bundle/rows.hpp>

#include "unit/wire/bundle/fixture.hpp"

// The vectors of the protocol for canonical JSON and the bundle hash (sheet `bundle`, 2.11), on the functions and through a server.

namespace hash_vectors_test {

using namespace bundle_fixture;

namespace {

struct vector {
    const char* what;
    std::string rows;       // a JSON array, as it stands on the wire
    std::string canonical;  // what is hashed, where the protocol gives it
    const char* hash;
};

const std::string alice = R"([{"key":{"id":"row-1"},"op":"INSERT","payload":{"email":"alice@example.com","name":"Alice"},"row_ordinal":0,"row_version":3,"schema":"public","table":"users"}])";

const std::vector<vector> vectors{
    {"name before email", R"([{"schema":"public","table":"users","key":{"id":"row-1"},"op":"INSERT","row_version":3,"payload":{"name":"Alice","email":"alice@example.com"}}])",
     alice, "677c5687bb91a8c2d34bc9e2e4f8c1d47981957bd876ba090c39b5e263d26b78"},
    {"email before name, members in another order",
     R"([{"payload":{"email":"alice@example.com","name":"Alice"},"op":"INSERT","row_version":3,"table":"users","schema":"public","key":{"id":"row-1"}}])", alice,
     "677c5687bb91a8c2d34bc9e2e4f8c1d47981957bd876ba090c39b5e263d26b78"},
    {"DELETE", R"([{"schema":"business","table":"users","key":{"id":"3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f"},"op":"DELETE","row_version":7}])",
     R"([{"key":{"id":"3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f"},"op":"DELETE","payload":null,"row_ordinal":0,"row_version":7,"schema":"business","table":"users"}])",
     "a0f213873e3867af9dfb0757a7884913682ee434368f51eaea4d839b27f8e8e7"},
    {"escapes and numbers",
     "[{\"schema\":\"public\",\"table\":\"users\",\"key\":{\"id\":\"row-1\"},\"op\":\"INSERT\",\"row_version\":3,"
     "\"payload\":{\"id\":\"row-1\",\"name\":\"A <&> \xc3\xa9\xf0\x9f\x98\x80\\u2028\\n\\u0001\",\"email\":\"alice@example.com\"}},"
     "{\"schema\":\"public\",\"table\":\"users\",\"key\":{\"id\":\"row-2\"},\"op\":\"UPDATE\",\"row_version\":3,"
     "\"payload\":{\"id\":\"row-2\",\"big\":9007199254740993,\"f\":1.5,\"g\":1e21,\"h\":0.0000001,\"i\":0.000001,\"n\":null,\"t\":true}}]",
     "[{\"key\":{\"id\":\"row-1\"},\"op\":\"INSERT\",\"payload\":{\"email\":\"alice@example.com\",\"id\":\"row-1\",\"name\":\"A "
     "\\u003c\\u0026\\u003e \xc3\xa9\xf0\x9f\x98\x80\\u2028\\n\\u0001\"},\"row_ordinal\":0,\"row_version\":3,\"schema\":\"public\",\"table\":\"users\"},"
     "{\"key\":{\"id\":\"row-2\"},\"op\":\"UPDATE\",\"payload\":{\"big\":9007199254740992,\"f\":1.5,\"g\":1e+21,\"h\":1e-7,\"i\":0.000001,\"id\":\"row-2\","
     "\"n\":null,\"t\":true},\"row_ordinal\":1,\"row_version\":3,\"schema\":\"public\",\"table\":\"users\"}]",
     "f9019fed06137597c9ae325a6d1bd445fefdb3fa5eada65811a39084dcdbf597"},
};

}  // namespace

TEST_CASE("bundle hash: the protocol's vectors, byte for byte") {
    for (const auto& v : vectors) {
        INFO(v.what);
        const auto tape = parsed(v.rows);
        bundle_wire::bundle_hasher hasher;
        std::string text{"["};
        std::size_t ordinal = 0;
        for (const auto& row : tape.root()) {
            must(hasher.add(row));
            if (ordinal > 0) text.append(",");
            must(bundle_wire::g0.append_hashed(text, row, ordinal++));
        }
        text.append("]");
        CHECK(text == v.canonical);
        CHECK(hasher.finish() == v.hash);
        sha256 whole;
        whole.update(v.canonical);
        CHECK(sha256_hex_of(whole.finish()) == v.hash);
    }
    CHECK(vectors[0].canonical.size() == 159);
    CHECK(vectors[2].canonical.size() == 152);
    CHECK(vectors[3].canonical.size() == 417);
}

TEST_CASE("bundle hash: numbers are rounded through a double as the peers' are") {
    const auto hashed = [](const std::string& number) -> result<std::string> {
        const auto tape = parsed(R"({"key":{"id":"1"},"op":"INSERT","row_version":1,"schema":"s","table":"t","payload":{"n":)" + number + "}}");
        std::string text;
        if (auto r = bundle_wire::g0.append_hashed(text, tape.root(), 0); !r) return std::move(r).error();
        const auto from = text.find("\"n\":") + 4;
        return text.substr(from, text.find('}', from) - from);
    };
    for (const auto& [given, rounded] : std::vector<std::pair<std::string, std::string>>{{"1234567890.123456789", "1234567890.1234567"},
                                                                                        {"9007199254740993", "9007199254740992"},
                                                                                        {"-9223372036854775808", "-9223372036854776000"},
                                                                                        {"9223372036854775807", "9223372036854776000"},
                                                                                        {"-0", "-0"}, {"0", "0"}, {"1e20", "100000000000000000000"},
                                                                                        {"1e-7", "1e-7"}, {"1E+2", "100"}, {"1.0", "1"}}) {
        INFO(given);
        CHECK(must(hashed(given)) == rounded);
    }
    // The peers refuse it too.
    CHECK(!json_tape::parse("1e700"));
}

TEST_CASE("bundle hash: the wire keeps every digit of a number, and its hash is of the rounded one") {
    for (const std::int64_t n : {std::int64_t{9007199254740993}, (std::numeric_limits<std::int64_t>::max)(), (std::numeric_limits<std::int64_t>::min)()}) {
        server_side s;
        INFO(n);
        s.write(task_key("t"), a_task("x", n));
        const auto pulled = s.call(http_method::get, "/sync/pull");
        REQUIRE(pulled.status == 200);
        CHECK(pulled.body.find("\"points\":" + std::to_string(n) + ",") != std::string::npos);
        const auto page = s.call(http_method::get, "/sync/committed-bundles/1/rows");
        const auto snapshot = s.call(http_method::post, "/sync/snapshot-sessions");
        CHECK(s.call(http_method::get, "/sync/snapshot-sessions/" + text_in(snapshot.body, "snapshot_id")).body.find("\"points\":" + std::to_string(n) + ",") != std::string::npos);
        const auto tape = parsed(page.body);
        bundle_wire::bundle_hasher hasher;
        const json_view rows = *tape.root().find("rows");
        for (const auto& row : rows) must(hasher.add(row));
        CHECK(hasher.finish() == text_in(page.body, "bundle_hash"));
        CHECK(pulled.body.find(text_in(page.body, "bundle_hash")) != std::string::npos);
    }
}

}  // namespace hash_vectors_test
