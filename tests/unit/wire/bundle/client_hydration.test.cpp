#include <syncline/wire/bundle/client_hydration.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <optional>
#include <string>
#include <utility>

namespace client_hydration_test {

using namespace bundle_fixture;

TEST_CASE("bundle_client: hydrates where history no longer reaches, also when it is cut off anywhere") {
    bundle_client_options options;
    options.snapshot_page_rows = 2;
    std::size_t requests = 0;
    for (std::size_t k = 0; k == 0 || k <= requests + 1; ++k) {
        for (const bool dies : {false, true}) {
            INFO("request " << k << (dies ? ", and the device dies" : ""));
            server_side server;
            device_side a{server, 1};
            device_side b{server, 2, resolver_set{}, options};
            a.write(project_key("p"), a_project("home"));
            for (int i = 0; i < 5; ++i) a.write(task_key(std::to_string(i)), a_task("x", i, "p"));
            REQUIRE(a.sync().ok());
            REQUIRE(b.sync().ok());
            a.write(task_key("0"), a_task("y", 0, "p"));
            a.erase(task_key("1"));
            REQUIRE(a.sync().ok());
            server.prune();
            b.write(task_key("2"), a_task("mine", 7, "p"));
            b.write(task_key("9"), a_task("new", 9, "p"));
            b.line = [](const request& r) { return asks_for(r, http_method::post, "/push-sessions") ? cut::request_lost : cut::none; };
            // The push fails: the edits stay and lie over the new picture.
            b.options.backoff_after_failure.attempts = 1;
            b.boot();
            auto refused = b.sync(sync_mode::push_only);
            REQUIRE(!refused.ok());
            b.options.backoff_after_failure.attempts = 3;
            b.boot();
            std::size_t n = 0;
            b.sent.clear();
            b.line = [&](const request&) { return k != 0 && ++n == k ? cut::answer_lost : cut::none; };
            if (dies && k != 0) b.die_after = k;
            auto done = b.run();
            if (!done) done = b.run();
            INFO((done->why ? done->why->detail : std::string{}));
            CHECK(done->ok());
            if (k == 0) {
                requests = b.sent.size();
                CHECK(done->hydrated);
            }
            for (const char* key : {"0", "1", "2", "3", "4", "9"}) CHECK(b.row(task_key(key)) == server.row(task_key(key)));
            CHECK(text_of(server.row(task_key("2"))) == "mine|no|7|p");
            CHECK(text_of(b.row(task_key("1"))) == "gone");
            CHECK(b.status().state.checkpoint == server.head());
            CHECK(!b.status().state.needs_hydration);
        }
    }
    CHECK(requests > 8);
}

TEST_CASE("bundle_client: a hydration goes on where it was, in another process too, and starts over when its session is gone") {
    server_side server;
    bundle_client_options options;
    options.snapshot_page_rows = 1;
    device_side a{server, 1};
    for (int i = 0; i < 5; ++i) a.write(task_key(std::to_string(i)), a_task("x", i));
    REQUIRE(a.sync().ok());
    server.prune();
    device_side b{server, 2, resolver_set{}, options};
    b.die_after = 5;  // pull, create, three pages of which the last is not heard
    CHECK(!b.run());
    CHECK(b.status().state.hydration_position == 2);
    b.sent.clear();
    CHECK(b.sync().ok());
    CHECK(asked(b, http_method::post, "/snapshot-sessions") == 0);
    CHECK(b.row(task_key("4")) == server.row(task_key("4")));

    device_side c{server, 3, resolver_set{}, options};
    c.die_after = 5;
    CHECK(!c.run());
    server.now += std::chrono::hours{2};
    a.write(task_key("5"), a_task("later"));
    REQUIRE(a.sync().ok());
    c.sent.clear();
    CHECK(c.sync().ok());
    CHECK(asked(c, http_method::post, "/snapshot-sessions") == 1);
    CHECK(c.row(task_key("5")) == server.row(task_key("5")));
}

TEST_CASE("bundle_client: a picture whose session is not the device's any more, or which is at odds with what it has, is asked for anew") {
    struct expected {
        const char* what;
        response answer;
    };
    for (const auto& e : {expected{"gone", said(404, "snapshot_session_not_found")}, expected{"no such thing", said(404, "not_found")},
                          expected{"another's", said(403, "snapshot_session_forbidden")}, expected{"over", said(410, "session_expired")}}) {
        INFO(e.what);
        server_side server;
        bundle_client_options options;
        options.snapshot_page_rows = 1;
        device_side a{server, 1};
        for (int i = 0; i < 3; ++i) a.write(task_key(std::to_string(i)), a_task("x", i));
        REQUIRE(a.sync().ok());
        server.prune();
        device_side b{server, 2, resolver_set{}, options};
        b.intercept = refusing(asking(http_method::get, "after_row_ordinal=2"), e.answer, 1);
        const auto done = b.sync();
        CHECK(done.ok());
        CHECK(done.hydrated);
        CHECK(asked(b, http_method::post, "/snapshot-sessions") == 2);
        CHECK(b.row(task_key("2")) == server.row(task_key("2")));

        device_side c{server, 3, resolver_set{}, options};
        c.intercept = refusing(asking(http_method::get, "after_row_ordinal=2"), e.answer);
        const auto never = c.sync();
        REQUIRE(never.why);
        CHECK(never.why->code == errc::session_gone);
        CHECK(asked(c, http_method::post, "/snapshot-sessions") == options.max_session_restarts);
        CHECK_FALSE(c.row(task_key("0")));  // half a picture is none
        c.intercept = refusing(asking(http_method::get, "/snapshot-sessions/"), said(400, "snapshot_chunk_invalid"));
        CHECK(c.sync().why->code == errc::malformed_message);
    }
    server_side server;
    device_side a{server, 1};
    for (int i = 0; i < 3; ++i) a.write(task_key(std::to_string(i)), a_task("x", i));
    REQUIRE(a.sync().ok());
    server.prune();
    bundle_client_options options;
    options.snapshot_page_rows = 1;
    // It says that it ends, and did not give all.
    device_side cut_short{server, 4, resolver_set{}, options};
    bool once = true;
    cut_short.tamper = [&](const request& r, response& answer) {
        if (asks_for(r, http_method::get, "/snapshot-sessions/") && std::exchange(once, false)) replace_all(answer.body, "\"has_more\":true", "\"has_more\":false");
    };
    const auto whole = cut_short.sync();
    CHECK(whole.ok());
    CHECK(whole.retried == 1);
    CHECK(cut_short.row(task_key("2")));
    // Somebody else began to build it anew on this device, while a page was on its way.
    device_side twice{server, 5, resolver_set{}, options};
    once = true;
    twice.line = [&](const request& r) {
        if (asks_for(r, http_method::get, "after_row_ordinal=1") && std::exchange(once, false)) must(twice.engine->begin_hydration(server.now));
        return cut::none;
    };
    CHECK(twice.sync().ok());
    CHECK(asked(twice, http_method::post, "/snapshot-sessions") == 2);
    CHECK(twice.row(task_key("2")));
    // A table that the device does not know will not be known the next time.
    device_side older{server, 6, resolver_set{}, options};
    older.tamper = [](const request&, response& answer) { replace_all(answer.body, "\"tasks\"", "\"moons\""); };
    const auto unknown = older.sync();
    REQUIRE(unknown.why);
    CHECK(unknown.why->code == errc::unknown_model);
    CHECK(unknown.pull_errors == 1);
    CHECK(asked(older, http_method::get, "/snapshot-sessions/") == 1);
}

TEST_CASE("bundle_client: a server that does not replace the source as it is told keeps the device from nothing") {
    struct expected {
        const char* what;
        int status;
        const char* code;
        const char* by;   ///< `ours`: the device's own new source
        bool fresh;       ///< the device takes a source that nobody was told of
        bool reported;
    };
    for (const auto& e : {expected{"it did so before", 409, "source_retired", "ours", false, false}, expected{"a copy was first", 409, "source_retired", "of-the-copy", true, true},
                          expected{"somebody was first", 409, "source_retired", "", true, true}, expected{"the new one is known", 409, "source_replacement_invalid", "", true, false},
                          expected{"it knows nothing of it", 400, "snapshot_session_invalid", "", false, false}}) {
        INFO(e.what);
        server_side server;
        device_side d{server, 1};
        d.write(task_key("t"), a_task("x"));
        REQUIRE(d.sync().ok());
        d.write(task_key("u"), a_task("y"));
        must(d.engine->renew_source(d.random, false, server.now, "history_pruned"));
        const auto ours = d.status().state.source_id;
        d.intercept = [&](const request& r) -> std::optional<response> {
            if (r.body.find("source_replacement") == std::string::npos) return std::nullopt;
            const std::string by = std::string{e.by} == "ours" ? ours : e.by;
            return said(e.status, e.code, by.empty() ? by : ",\"replaced_by_source_id\":\"" + by + "\"");
        };
        const auto done = d.sync();
        CHECK(done.why.has_value() == e.reported);
        if (e.reported) CHECK(done.why->code == errc::source_retired);
        CHECK(done.hydrated);
        CHECK(done.pushed == 1);
        CHECK((d.status().state.source_id != ours) == e.fresh);
        CHECK(d.status().state.replaced_source.empty());
        CHECK(d.sync().ok());
        CHECK(text_of(server.row(task_key("u"))) == "y|no|0|-");
    }
    // One that lets nobody have a picture is told of the source another time.
    server_side closed;
    device_side kept{closed, 1};
    kept.write(task_key("t"), a_task("x"));
    REQUIRE(kept.sync().ok());
    const auto before = kept.status().state.source_id;
    must(kept.engine->renew_source(kept.random, false, closed.now, "history_pruned"));
    kept.intercept = refusing(asking(http_method::post, "/snapshot-sessions"), said(403, "snapshot_session_forbidden"), 1);
    CHECK(kept.sync().why->code == errc::forbidden);
    CHECK(kept.status().state.replaced_source == before);
    CHECK(kept.sync().ok());
    CHECK(kept.status().state.replaced_source.empty());
    // Whatever source it takes, the server calls it retired and replaced by another.
    server_side server;
    bundle_client_options options;
    options.batch_rows = 1;
    device_side d{server, 1, resolver_set{}, options};
    d.write(task_key("0"), a_task("x"));
    std::size_t written = 0;
    d.intercept = [&](const request& r) -> std::optional<response> {
        if (r.path.ends_with("/push-sessions")) return said(409, "source_retired");
        if (asks_for(r, http_method::get, "/snapshot-sessions/")) d.write(task_key(std::to_string(++written)), a_task("x"));  // what there was waits
        if (r.body.find("source_replacement") != std::string::npos) return said(409, "source_retired", R"(,"replaced_by_source_id":"of-the-copy")");
        return std::nullopt;
    };
    const auto done = d.sync();
    REQUIRE(done.why);
    CHECK(done.why->code == errc::source_retired);
    CHECK(written == 2);
    CHECK(asked(d, http_method::post, "/push-sessions") == 3);
    CHECK(d.sent.size() < 30);
    CHECK(d.row(task_key("0")));
    d.intercept = {};
    CHECK(d.sync().ok());
}

}  // namespace client_hydration_test
