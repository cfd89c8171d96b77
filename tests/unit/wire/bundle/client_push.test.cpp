#include <syncline/wire/bundle/client_push.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <algorithm>

namespace client_push_test {

using namespace bundle_fixture;

TEST_CASE("bundle_client: two devices that change the same field end as the resolver says") {
    struct expected {
        const char* name;
        resolver how;
        std::string server;
        std::size_t waiting;
    };
    const std::vector<expected> all{{"server_wins", resolvers::server_wins{}, "first|no|8|-", 0},
                                    {"client_wins", resolvers::client_wins{}, "second|no|8|-", 0},
                                    {"field_merge", resolvers::field_merge{}, "first|no|8|-", 0},
                                    {"last_write_wins", resolvers::last_write_wins{}, "", 0},
                                    {"defer_to_user", resolvers::defer_to_user{}, "first|no|3|-", 1}};
    for (const auto& e : all) {
        INFO(e.name);
        server_side server;
        device_side a{server, 1, resolver_set{e.how}};
        device_side b{server, 2, resolver_set{e.how}};
        a.write(task_key("t"), a_task("old", 0));
        REQUIRE(a.sync().ok());
        REQUIRE(b.sync().ok());
        a.write(task_key("t"), a_task("first", 3));
        b.write(task_key("t"), a_task("second", 5));
        REQUIRE(a.sync().ok());
        auto met = b.sync();
        CHECK(met.ok());
        CHECK(met.conflicts == 1);
        CHECK(met.failed == e.waiting);
        CHECK(met.rejections.size() == e.waiting);
        if (!e.server.empty()) CHECK(text_of(server.row(task_key("t"))) == e.server);
        REQUIRE(a.sync().ok());
        CHECK(a.row(task_key("t")) == server.row(task_key("t")));
        if (e.waiting == 0) CHECK(b.row(task_key("t")) == server.row(task_key("t")));
        if (e.waiting == 1) {
            CHECK(text_of(b.row(task_key("t"))) == "second|no|8|-");
            CHECK(b.status().counts.waiting == 1);
            must(b.engine->take_client(task_key("t"), server.now));
            CHECK(b.sync().ok());
            CHECK(text_of(server.row(task_key("t"))) == "second|no|8|-");
        }
    }
}

TEST_CASE("bundle_client: a conflict in one record takes all conflicts of the bundle with it") {
    server_side server;
    device_side a{server, 1, resolver_set{resolvers::client_wins{}}};
    device_side b{server, 2, resolver_set{resolvers::client_wins{}}};
    for (int i = 0; i < 9; ++i) a.write(task_key(std::to_string(i)), a_task("old"));
    REQUIRE(a.sync().ok());
    REQUIRE(b.sync().ok());
    for (int i = 0; i < 9; ++i) a.write(task_key(std::to_string(i)), a_task("first"));
    for (int i = 0; i < 9; ++i) b.write(task_key(std::to_string(i)), a_task("second"));
    REQUIRE(a.sync().ok());
    auto met = b.sync();
    CHECK(met.ok());
    CHECK(met.conflicts == 9);
    CHECK(met.pushed == 9);
    CHECK(asked(b, http_method::post, "/commit") == 2);
}

TEST_CASE("bundle_client: a server that takes less in one bundle than is waiting gets it in several, and what is too large by itself waits alone") {
    bundle_server_options narrow;
    const bool octets = GENERATE(false, true);
    if (octets)
        narrow.bounds.max_bytes_per_bundle = 700;
    else
        narrow.bounds.max_rows_per_bundle = 3;
    INFO((octets ? "octets" : "rows"));
    server_side server{{}, narrow};
    bundle_client_options options;
    options.chunk_rows = 2;
    device_side d{server, 1, resolver_set{}, options};
    for (int i = 0; i < 10; ++i) d.write(task_key(std::to_string(i)), a_task("small"));
    if (octets) d.write(task_key("huge"), a_task(std::string(900, 'x')));
    const auto done = d.sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK(done.pushed == 10);
    for (int i = 0; i < 10; ++i) CHECK(text_of(server.row(task_key(std::to_string(i)))) == "small|no|0|-");
    CHECK(server.head() >= 4);
    CHECK(done.failed == (octets ? 1 : 0));
    CHECK(d.status().counts.waiting == (octets ? 1 : 0));
    if (octets) {
        REQUIRE(done.rejections.size() == 1);
        CHECK(done.rejections[0].key == task_key("huge"));
        CHECK(done.rejections[0].why.code == errc::too_large);
        CHECK(d.row(task_key("huge")));
    }
    d.write(task_key("0"), a_task("again"));
    CHECK(d.sync().pushed == 1);
}

TEST_CASE("bundle_client: a server that names one conflict at a time is got through in one sync, and one that meets the same record anew is not asked for ever") {
    server_side server;
    device_side a{server, 1, resolver_set{resolvers::client_wins{}}};
    bundle_client_options options;
    options.max_conflict_rounds = 2;
    device_side b{server, 2, resolver_set{resolvers::client_wins{}}, options};
    b.tamper = [](const request&, response& r) {
        const auto at = r.body.find(",\"conflicts\":");
        if (r.status == 409 && at != std::string::npos) r.body.erase(at).append("}");
    };
    constexpr std::size_t records = 10;
    for (std::size_t i = 0; i < records; ++i) a.write(task_key(std::to_string(i)), a_task("old"));
    REQUIRE(a.sync().ok());
    REQUIRE(b.sync().ok());
    for (std::size_t i = 0; i < records; ++i) a.write(task_key(std::to_string(i)), a_task("first"));
    for (std::size_t i = 0; i < records; ++i) b.write(task_key(std::to_string(i)), a_task("second"));
    REQUIRE(a.sync().ok());
    auto met = b.sync();
    CHECK(met.ok());
    CHECK(met.conflicts == records);
    CHECK(met.pushed == records);
    for (std::size_t i = 0; i < records; ++i) CHECK(text_of(server.row(task_key(std::to_string(i)))) == "second|no|0|-");

    for (std::size_t i = 0; i < records; ++i) b.write(task_key(std::to_string(i)), a_task("third"));
    std::size_t commits = 0;
    b.line = [&](const request& r) {
        if (asks_for(r, http_method::post, "/commit")) server.write(task_key("3"), a_task("other " + std::to_string(++commits)));
        return cut::none;
    };
    auto again = b.sync();
    REQUIRE(!again.ok());
    CHECK(again.why->code == errc::conflict);
    CHECK(commits == 4);  // the first meeting, and three that only met it anew
    CHECK(b.status().counts.open + b.status().counts.frozen == records);
    CHECK(text_of(b.row(task_key("0"))) == "third|no|0|-");
    b.line = [](const request&) { return cut::none; };
    CHECK(b.sync().ok());
    for (std::size_t i = 0; i < records; ++i) CHECK(text_of(server.row(task_key(std::to_string(i)))) == "third|no|0|-");
}

TEST_CASE("bundle_client: an erase that would take along what others added is decided on the device, after its session is dead") {
    struct expected {
        resolver how;
        std::string project;
        std::string added;
        std::size_t waiting;
    };
    const std::vector<expected> all{{resolvers::server_wins{}, "home", "new|no|0|p", 0},
                                    {resolvers::client_wins{}, "gone", "gone", 0},
                                    {resolvers::defer_to_user{}, "home", "new|no|0|p", 1}};
    for (const auto& e : all) {
        server_side server;
        device_side a{server, 1, resolver_set{e.how}};
        device_side b{server, 2, resolver_set{e.how}};
        a.write(project_key("p"), a_project("home"));
        REQUIRE(a.sync().ok());
        REQUIRE(b.sync().ok());
        b.write(task_key("t"), a_task("new", 0, "p"));
        REQUIRE(b.sync().ok());
        a.erase(project_key("p"));
        a.write(project_key("q"), a_project("other"));
        auto met = a.sync();
        INFO((met.why ? met.why->detail : std::string{}));
        CHECK(met.ok());
        CHECK(met.conflicts == 1);
        CHECK(met.failed == e.waiting);
        const auto dropped = std::find_if(a.sent.begin(), a.sent.end(), [](const request& r) { return asks_for(r, http_method::erase, "/push-sessions/"); });
        REQUIRE(dropped != a.sent.end());
        CHECK(text_of(server.row(project_key("p"))) == e.project);
        CHECK(text_of(server.row(task_key("t"))) == e.added);
        CHECK(text_of(server.row(project_key("q"))) == "other");
        REQUIRE(b.sync().ok());
        CHECK(b.row(task_key("t")) == server.row(task_key("t")));
        if (e.waiting == 0) CHECK(a.row(task_key("t")) == server.row(task_key("t")));
    }
}

TEST_CASE("bundle_client: a row that the host refuses waits, its siblings go on") {
    authority_options rules;
    rules.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.after == nullptr || c.key.model != task || c.after->fields[0] != value::text("bad")) return std::nullopt;
        return rejection{{errc::validation_failed, "a title may not be bad"}, {}};
    };
    server_side server{std::move(rules)};
    device_side a{server, 1};
    a.write(task_key("1"), a_task("good"));
    a.write(task_key("2"), a_task("bad"));
    a.write(task_key("3"), a_task("good"));
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.pushed == 2);
    CHECK(done.failed == 1);
    REQUIRE(done.rejections.size() == 1);
    CHECK(done.rejections[0].key == task_key("2"));
    CHECK(done.rejections[0].why == wait_reason{errc::validation_failed, "a title may not be bad"});
    CHECK(text_of(server.row(task_key("2"))) == "gone");
    CHECK(text_of(server.row(task_key("3"))) == "good|no|0|-");
    CHECK(text_of(a.row(task_key("2"))) == "bad|no|0|-");
    CHECK(a.status().counts.waiting == 1);
    a.write(task_key("2"), a_task("better"));
    CHECK(a.sync().pushed == 1);
    CHECK(text_of(server.row(task_key("2"))) == "better|no|0|-");
}

TEST_CASE("bundle_client: a row that cannot be written down is set aside before anything is sent") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key(std::string(300, 'x')), a_task("long"));
    a.write(task_key(std::string{"n\0l", 3}), a_task("nul"));
    a.write(task_key("ok"), a_task("good"));
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.pushed == 1);
    CHECK(done.failed == 2);
    CHECK(text_of(server.row(task_key("ok"))) == "good|no|0|-");
    CHECK(a.status().counts.waiting == 2);
}

TEST_CASE("bundle_client: a row that the server cannot read waits by its place, and without its place by halving") {
    for (const bool named : {true, false}) {
        server_side server;
        device_side a{server, 1};
        a.tamper = [&](const request& r, response& answer) {
            // A server with another model: it has no column for this row.
            const auto at = r.body.find("\"poison\"");
            if (r.path.find("/chunks") == std::string::npos || at == std::string::npos) return;
            std::int64_t ordinal = 0;
            const auto tape = parsed(r.body);
            const auto rows = *tape.root().find("rows");
            for (const auto& row : rows) {
                const auto payload = *row.find("payload");
                if (payload.find("title")->as_string() == "poison") break;
                ++ordinal;
            }
            answer = json_response(400, std::string{R"({"error":"push_chunk_invalid","message":"no such column")"} +
                                            (named ? ",\"row_ordinal\":" + std::to_string(ordinal) : std::string{}) + "}");
        };
        for (int i = 0; i < 6; ++i) a.write(task_key(std::to_string(i)), a_task(i == 4 ? "poison" : "good"));
        auto done = a.sync();
        CHECK(done.ok());
        CHECK(done.pushed == 5);
        CHECK(done.failed == 1);
        REQUIRE(done.rejections.size() == 1);
        CHECK(done.rejections[0].key == task_key("4"));
        CHECK(asked(a, http_method::post, "/push-sessions") < 40);
    }
}

TEST_CASE("bundle_client: a bundle whose commit was not heard of is not sent twice") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 4));
    a.line = [](const request& r) { return asks_for(r, http_method::post, "/commit") ? cut::answer_lost : cut::none; };
    a.die_after = 3;
    CHECK(!a.run());
    a.line = [](const request&) { return cut::none; };
    a.sent.clear();
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.pushed == 1);
    CHECK(asked(a, http_method::post, "/chunks") == 0);
    CHECK(text_in(a.got[a.got.size() - 3].body, "status") == "already_committed");
    CHECK(server.head() == 1);
}

TEST_CASE("bundle_client: rows that the server had forgotten, and has again since it came back from a backup, are held against nothing") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 4));
    a.line = [](const request& r) { return asks_for(r, http_method::post, "/commit") ? cut::answer_lost : cut::none; };
    a.die_after = 3;
    CHECK(!a.run());
    a.line = [](const request&) { return cut::none; };
    bool told = false;
    a.tamper = [&](const request& r, response& answer) {
        if (!asks_for(r, http_method::post, "/push-sessions")) return;
        const auto at = answer.body.find("\"bundle_hash\":\"");
        if (at == std::string::npos) return;
        const auto from = at + 15;
        answer.body.replace(from, answer.body.find('"', from) - from, bundle_wire::forgotten_hash);
        told = true;
    };
    auto done = a.sync();
    CHECK(told);
    CHECK(done.ok());
    CHECK(done.pushed == 1);
    CHECK_FALSE(a.status().counts.frozen);
}

TEST_CASE("bundle_client: a receipt for other content is not taken as its own: the device was copied") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("first"));
    REQUIRE(a.sync().ok());
    device_side twin{server, 9};
    // The copy of a's store from before it sent anything further.
    twin.store = a.store.copy();
    twin.boot();
    a.write(task_key("t"), a_task("from the original"));
    REQUIRE(a.sync().ok());
    twin.write(task_key("t"), a_task("from the copy"));
    auto done = twin.sync();
    CHECK(done.ok());
    CHECK(done.pushed == 0);
    CHECK(twin.status().counts.waiting == 1);
    CHECK(must(twin.engine->waiting(9, server.now))[0].waiting->code == errc::maybe_sent);
    CHECK(twin.status().state.source_id != a.status().state.source_id);
    CHECK(text_of(server.row(task_key("t"))) == "from the original|no|0|-");
    // An older copy: its number is long gone.
    a.write(task_key("u"), a_task("more"));
    REQUIRE(a.sync().ok());
    must(twin.engine->take_client(task_key("t"), server.now));
    CHECK(twin.sync().pushed == 1);
    CHECK(text_of(server.row(task_key("t"))) == "from the copy|no|0|-");
}

TEST_CASE("bundle_client: a number that does not continue makes a new source, and nothing is sent by itself") {
    server_side old_server;
    device_side a{old_server, 1};
    a.write(task_key("t"), a_task("x"));
    REQUIRE(a.sync().ok());
    a.write(task_key("u"), a_task("y"));
    // Another server under the same name, which says nothing of its incarnation.
    server_side other;
    device_side moved{other, 3};
    moved.store = a.store.copy();
    moved.boot();
    moved.tamper = [](const request&, response& r) {
        const auto at = r.body.find(",\"epoch\"");
        if (at != std::string::npos) r.body.erase(at).append("}");
    };
    auto done = moved.sync();
    CHECK(moved.status().counts.waiting == 1);
    CHECK(other.head() == 0);
    CHECK(moved.status().state.next_source_bundle_id == 1);
}

TEST_CASE("bundle_client: rows that do not have the hash that was given for them are not taken") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 4));
    std::size_t spoiled = 0;
    a.tamper = [&](const request& r, response& answer) {
        if (r.path.find("/committed-bundles/") == std::string::npos || spoiled >= 2) return;
        const auto at = answer.body.find("\"points\":4");
        REQUIRE(at != std::string::npos);
        answer.body[at + 9] = '5';
        ++spoiled;
    };
    auto done = a.sync();
    CHECK(done.ok());  // the third time it came through
    CHECK(done.retried == 2);
    CHECK(text_of(a.row(task_key("t"))) == "x|no|4|-");

    a.write(task_key("t"), a_task("x", 4 + 0));
    a.write(task_key("u"), a_task("z", 4));
    spoiled = 0;
    a.tamper = [&](const request& r, response& answer) {
        if (r.path.find("/committed-bundles/") == std::string::npos) return;
        const auto at = answer.body.find("\"points\":4");
        answer.body[at + 9] = '5';
    };
    auto refused = a.sync();
    REQUIRE(!refused.ok());
    CHECK(refused.why->code == errc::corrupt);
    CHECK(text_of(a.row(task_key("u"))) == "z|no|4|-");
    a.tamper = [](const request&, response&) {};
    CHECK(a.sync().ok());
    CHECK(a.status().counts.frozen == 0);
}

TEST_CASE("bundle_client: committed rows that the server no longer keeps make the device hydrate") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 4));
    a.line = [&](const request& r) {
        if (asks_for(r, http_method::get, "/committed-bundles/")) server.prune();
        return cut::none;
    };
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.hydrated);
    CHECK(done.pushed == 1);
    CHECK(a.row(task_key("t")) == server.row(task_key("t")));
    a.line = [](const request&) { return cut::none; };
    a.write(task_key("t"), a_task("y", 4));
    CHECK(a.sync().pushed == 1);
    CHECK(a.status().counts.frozen == 0);
}

TEST_CASE("bundle_client: a session that expires on the way is made anew") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 4));
    std::size_t n = 0;
    a.line = [&](const request& r) {
        if (asks_for(r, http_method::post, "/commit") && n++ == 0) server.now += std::chrono::hours{1};
        return cut::none;
    };
    auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.retried == 1);
    CHECK(done.pushed == 1);
    CHECK(asked(a, http_method::post, "/chunks") == 2);
    a.write(task_key("t"), a_task("z", 4));
    a.line = [&](const request& r) {
        if (asks_for(r, http_method::post, "/commit")) server.now += std::chrono::hours{1};
        return cut::none;
    };
    auto never = a.sync();
    REQUIRE(!never.ok());
    CHECK(never.why->code == errc::session_gone);
    CHECK(a.status().counts.frozen == 1);
}

TEST_CASE("bundle_client: a session that counts rows which were not sent to it is not committed") {
    server_side server;
    bundle_client_options options;
    options.chunk_rows = 1;
    device_side a{server, 1, resolver_set{}, options};
    for (int i = 0; i < 3; ++i) a.write(task_key(std::to_string(i)), a_task("x", i));
    std::size_t n = 0;
    a.tamper = [&](const request& r, response& answer) {
        if (!asks_for(r, http_method::post, "/chunks") || n++ != 0) return;
        answer.body.replace(answer.body.find(":1}"), 3, ":3}");
    };
    const auto done = a.sync();
    CHECK(done.ok());
    CHECK(done.pushed == 3);
    CHECK(asked(a, http_method::post, "/commit") == 1);
    CHECK(asked(a, http_method::post, "/chunks") == 4);
}

TEST_CASE("bundle_client: a server that acknowledged a bundle and lost it gets the changes anew") {
    server_side server;
    server_side restored;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 1));
    a.die_after = 4;  // the commit was heard, its rows were not
    CHECK(!a.run());
    REQUIRE(a.status().counts.frozen == 1);
    device_side b{restored, 2};
    b.store = a.store.copy();
    b.boot();
    auto done = b.sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK(text_of(restored.row(task_key("t"))) == "x|no|1|-");
    CHECK(b.row(task_key("t")) == restored.row(task_key("t")));

    // A 404 that is not the server's own says nothing.
    server_side empty;
    device_side c{empty, 3};
    c.store = a.store.copy();
    c.boot();
    c.tamper = [](const request&, response& r) {
        if (r.status == 404) r = response{404, {}, "<html>not here</html>"};
    };
    auto kept = c.sync();
    CHECK(!kept.ok());
    CHECK(c.status().counts.frozen == 1);
}

}  // namespace client_push_test
