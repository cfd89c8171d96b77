// What stands on the bundle wire when a record is deleted and restored: a DELETE, and an INSERT on the tombstone's version, whoever has a trash.

#include "parties.hpp"

#include <syncline/support/json_tape.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bundle_messages_test {

using namespace soft_deletes;

namespace {

struct sent_row {
    std::string op;
    std::int64_t base = 0;
    std::string title;  // of the payload; empty: it has none
    friend bool operator==(const sent_row&, const sent_row&) = default;
};

// The rows of the uploads that came since `from`.
std::vector<sent_row> uploads(const office& o, std::size_t from) {
    std::vector<sent_row> out;
    for (std::size_t i = from; i < o.requests.size(); ++i) {
        const auto& r = o.requests[i];
        if (r.path.size() < 7 || r.path.substr(r.path.size() - 7) != "/chunks") continue;
        const auto body = must(json_tape::parse(r.body));
        const json_view rows = *body.root().find("rows");
        for (const auto row : rows) {
            sent_row s{std::string{row.find("op")->as_string()}, *row.find("base_row_version")->as_int_lenient(), {}};
            if (const auto payload = row.find("payload")) s.title = payload->find("title")->as_string();
            out.push_back(std::move(s));
        }
    }
    return out;
}

// A client that knows the sheet and nothing of us.
class raw_client {
public:
    explicit raw_client(office& to) : to_(&to) {}

    /// Pushes one row as a bundle. @return the commit's answer
    response push(const std::string& row) {
        const auto created = post("/sync/push-sessions", R"({"source_bundle_id":)" + std::to_string(next_) + R"(,"planned_row_count":1})");
        REQUIRE(created.status == 200);
        const std::string path = "/sync/push-sessions/" + std::string{must(json_tape::parse(created.body)).root().find("push_id")->as_string()};
        REQUIRE(post(path + "/chunks", R"({"start_row_ordinal":0,"rows":[)" + row + "]}").status == 200);
        auto done = post(path + "/commit", "");
        if (done.status == 200) ++next_;
        return done;
    }
    response get(const std::string& path) { return (*to_)(request{http_method::get, path, {{"Oversync-Source-ID", "raw"}}, {}}); }

private:
    response post(const std::string& path, const std::string& body) { return (*to_)(request{http_method::post, path, {{"Oversync-Source-ID", "raw"}}, body}); }

    office* to_;
    int next_ = 1;
};

std::string insert_row(std::int64_t base, const std::string& title) {
    return R"({"schema":"public","table":"task","key":{"id":"t"},"op":"INSERT","base_row_version":)" + std::to_string(base) +
           R"(,"payload":{"id":"t","title":")" + title + R"(","body":""}})";
}
std::string erase_row(std::int64_t base) {
    return R"({"schema":"public","table":"task","key":{"id":"t"},"op":"DELETE","base_row_version":)" + std::to_string(base) + "}";
}

std::int64_t seq_of(const response& committed) {
    REQUIRE(committed.status == 200);
    return *must(json_tape::parse(committed.body)).root().find("bundle_seq")->as_int_lenient();
}

// The newest bundle's one row, as a pull shows it.
std::pair<std::string, bool> newest_row(raw_client& c, std::int64_t seq) {
    const auto answer = c.get("/sync/pull?after_bundle_seq=" + std::to_string(seq - 1));
    REQUIRE(answer.status == 200);
    const auto body = must(json_tape::parse(answer.body));
    std::pair<std::string, bool> out;
    const json_view bundles = *body.root().find("bundles");
    for (const auto bundle : bundles) {
        const json_view rows = *bundle.find("rows");
        for (const auto row : rows) out = {std::string{row.find("op")->as_string()}, row.find("payload").has_value()};
    }
    return out;
}

}  // namespace

TEST_CASE("soft deletes on the bundle wire: a device sends a DELETE, and restores by an INSERT on the tombstone's version, with and without a trash") {
    const auto server_deletes = GENERATE(deletes::soft, deletes::hard);
    const auto device_deletes = GENERATE(deletes::soft, deletes::hard);
    common_clock clock;
    office server{server_deletes, resolver{resolvers::server_wins{}}, clock};
    device d{device_deletes, wire_kind::bundle, resolver{resolvers::server_wins{}}, server, clock, 1};
    device other{deletes::soft, wire_kind::mutation, resolver{resolvers::server_wins{}}, server, clock, 2};
    d.app.create("t", "first");
    done(d.sync());
    const auto version = [&] {
        auto t = must(server.store().begin("main", access::snapshot));
        return must(t.sealed({0, "t"}))->version;
    };
    const auto created = version();

    std::size_t mark = server.requests.size();
    d.app.trash("t");
    done(d.sync());
    CHECK(uploads(server, mark) == std::vector<sent_row>{{"DELETE", created, ""}});
    CHECK(server.app.live().empty());
    CHECK(server.app.trashed() == (server_deletes == deletes::soft ? "t" : ""));
    const auto tombstone = version();
    CHECK(tombstone > created);
    done(other.sync());
    CHECK(other.app.live().empty());

    mark = server.requests.size();
    d.app.restore("t", "first");
    done(d.sync());
    CHECK(uploads(server, mark) == std::vector<sent_row>{{"INSERT", tombstone, "first"}});
    CHECK(server.app.live() == "t=first/");
    CHECK(server.app.trashed().empty());
    done(other.sync());
    CHECK(other.app.live() == "t=first/");

    // A device of the mutation wire erases; the one of the bundle wire restores on the version of that tombstone.
    other.app.trash("t");
    done(other.sync());
    done(d.sync());
    CHECK(d.app.live().empty());
    const auto second = version();
    CHECK(second > tombstone);
    mark = server.requests.size();
    d.app.restore("t", "first");
    if (d.app.how() == deletes::hard || d.app.live().empty()) d.app.sql("INSERT OR REPLACE INTO task(id,title,body) VALUES('t','first','')");
    done(d.sync());
    CHECK(uploads(server, mark) == std::vector<sent_row>{{"INSERT", second, "first"}});
    CHECK(server.app.live() == "t=first/");
}

TEST_CASE("soft deletes on the bundle wire: the server takes a DELETE as one, shows a row in the trash as deleted, and restores by an INSERT on its version only") {
    const auto how = GENERATE(deletes::soft, deletes::hard);
    common_clock clock;
    office server{how, resolver{resolvers::server_wins{}}, clock};
    device d{deletes::soft, wire_kind::bundle, resolver{resolvers::server_wins{}}, server, clock, 1};
    done(d.sync());
    raw_client raw{server};
    const auto first = seq_of(raw.push(insert_row(0, "first")));
    const auto gone = seq_of(raw.push(erase_row(first)));
    CHECK(server.app.live().empty());
    CHECK(server.app.trashed() == (how == deletes::soft ? "t" : ""));
    CHECK(newest_row(raw, gone) == std::pair<std::string, bool>{"DELETE", false});

    // As for a row that is not there: no UPDATE, no second DELETE, no INSERT that knows nothing of the tombstone, or knows an older version.
    std::string update = insert_row(gone, "x");
    update.replace(update.find("INSERT"), 6, "UPDATE");
    for (const auto& row : {insert_row(0, "x"), insert_row(first, "x"), erase_row(gone), update}) {
        INFO(row);
        const auto refused = raw.push(row);
        REQUIRE(refused.status == 409);
        const auto body = must(json_tape::parse(refused.body));
        CHECK(body.root().find("error")->as_string() == "push_conflict");
        const auto why = *body.root().find("conflict");
        CHECK(*why.find("server_row_version")->as_int_lenient() == gone);
        CHECK(*why.find("server_row_deleted")->as_bool());
        CHECK(why.find("server_row")->is_null());
    }
    CHECK(server.app.live().empty());

    const auto back = seq_of(raw.push(insert_row(gone, "back")));
    CHECK(newest_row(raw, back) == std::pair<std::string, bool>{"INSERT", true});
    CHECK(server.app.live() == "t=back/");
    CHECK(server.app.trashed().empty());
    done(d.sync());
    CHECK(d.app.live() == "t=back/");

    // The host's app puts it into its trash, and takes it out again.
    server.app.trash("t");
    done(d.sync());
    CHECK(d.app.live().empty());
    CHECK(newest_row(raw, back + 1).first == "DELETE");
    server.app.restore("t", "back");
    done(d.sync());
    CHECK(newest_row(raw, back + 2).first == "INSERT");
    CHECK(d.app.live() == "t=back/");
}

}  // namespace bundle_messages_test
