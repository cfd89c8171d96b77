// What a device of the bundle wire does on codes and answers that a server of ours seldom or never gives: nothing is lost, nothing is sent twice, and it comes to
// an end.

#include <syncline/wire/bundle/client.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace client_refusals_test {

using namespace bundle_fixture;

namespace {

bool creates(const request& r) { return r.path.ends_with("/push-sessions"); }
bool asks_for_picture(const request& r) { return r.method == http_method::post && r.path.ends_with("/snapshot-sessions"); }

std::uint64_t unsent(device_side& d) {
    const auto counts = d.status().counts;
    return counts.open + counts.frozen;
}
void check_sent_once(server_side& server, device_side& d, const sync_result& done) {
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK(done.pushed == 1);
    CHECK(server.head() == 1);
    CHECK(text_of(server.row(task_key("t"))) == "x|no|4|-");
    CHECK(unsent(d) == 0);
}

}  // namespace

TEST_CASE("bundle client_refusals: a number that the server does not take makes another source, whose cause it is told, and what went out waits for a person") {
    struct expected {
        const char* code;
        const char* reason;  ///< empty: the former source stays in use
    };
    for (const auto& e : {expected{"source_sequence_out_of_order", "source_sequence_out_of_order"}, expected{"source_sequence_changed", "source_sequence_changed"},
                          expected{"history_pruned", "history_pruned"}, expected{"source_retired", "source_retired"}, expected{"id_reused", ""}}) {
        INFO(e.code);
        server_side server;
        device_side d{server, 1};
        const auto before = d.status().state.source_id;
        d.write(task_key("t"), a_task("x", 4));
        d.intercept = refusing(creates, said(409, e.code), 1);
        const auto done = d.sync();
        CHECK(done.failed == 1);
        CHECK(must(d.engine->waiting(9, server.now)).at(0).waiting->code == errc::maybe_sent);
        CHECK(d.status().state.source_id != before);
        CHECK_FALSE(server.row(task_key("t")));
        const auto picture = std::find_if(d.sent.begin(), d.sent.end(), asks_for_picture);
        CHECK((picture != d.sent.end()) == (*e.reason != '\0'));
        if (picture != d.sent.end()) CHECK(picture->body.find(std::string{R"("reason":")"} + e.reason + "\"") != std::string::npos);
        must(d.engine->take_client(task_key("t"), server.now));
        check_sent_once(server, d, d.sync());
    }
}

TEST_CASE("bundle client_refusals: a push session that is not to be found, or is at odds with the device, is made anew, and nothing goes twice") {
    struct expected {
        const char* at;
        response answer;
    };
    for (const auto& e : {expected{"/chunks", said(404, "not_found")}, expected{"/chunks", said(410, "session_expired")}, expected{"/chunks", said(409, "push_chunk_out_of_order")},
                          expected{"/commit", said(404, "not_found")}, expected{"/commit", said(409, "source_sequence_changed")}, expected{"/commit", said(409, "source_retired")}}) {
        INFO(e.at << " " << e.answer.body);
        server_side server;
        device_side d{server, 1};
        d.write(task_key("t"), a_task("x", 4));
        d.intercept = refusing(asking(http_method::post, e.at), e.answer, 1);
        const auto done = d.sync();
        CHECK(done.retried == 1);
        CHECK(std::count_if(d.sent.begin(), d.sent.end(), creates) == 2);
        check_sent_once(server, d, done);
    }
    // The server committed, and what says so is damaged.
    for (const bool other_source : {false, true}) {
        INFO((other_source ? "another source" : "no JSON"));
        server_side server;
        device_side d{server, 1};
        d.write(task_key("t"), a_task("x", 4));
        d.tamper = [&](const request& r, response& answer) {
            if (!r.path.ends_with("/commit")) return;
            if (other_source)
                replace_member(answer.body, "source_id", "somebody else");
            else
                answer.body = "<html>";
        };
        check_sent_once(server, d, d.sync());
        CHECK(asked(d, http_method::post, "/commit") == 1);
    }
    // It counts no rows.
    server_side server;
    device_side d{server, 1};
    d.write(task_key("t"), a_task("x", 4));
    bool once = true;
    d.tamper = [&](const request& r, response& answer) {
        if (r.path.ends_with("/chunks") && std::exchange(once, false)) replace_all(answer.body, "ordinal\":1", "ordinal\":0");
    };
    check_sent_once(server, d, d.sync());
    CHECK(asked(d, http_method::post, "/commit") == 1);
}

TEST_CASE("bundle client_refusals: a receipt of another source's bundle is never taken for the device's own") {
    server_side server;
    device_side d{server, 1};
    d.write(task_key("t"), a_task("x", 4));
    d.line = [](const request& r) { return r.path.ends_with("/commit") ? cut::answer_lost : cut::none; };
    d.die_after = 3;
    REQUIRE_FALSE(d.run());
    d.line = [](const request&) { return cut::none; };
    d.tamper = [](const request& r, response& answer) {
        if (creates(r)) replace_member(answer.body, "source_id", "somebody else");
    };
    const auto done = d.sync();
    REQUIRE(done.why);
    CHECK(done.why->code == errc::malformed_message);
    CHECK(done.pushed == 0);
    CHECK(d.status().counts.frozen == 1);
    d.tamper = [](const request&, response&) {};
    check_sent_once(server, d, d.sync());
}

TEST_CASE("bundle client_refusals: a bundle whose commit is refused as a whole is halved until the row stands alone; a place that it does not have names none") {
    for (const std::string more : {"", R"(,"row_ordinal":-1)", R"(,"row_ordinal":99)"}) {
        INFO(more);
        server_side server;
        device_side d{server, 1};
        bool poisoned = false;
        d.intercept = [&](const request& r) -> std::optional<response> {
            if (r.path.ends_with("/chunks")) poisoned = r.body.find("poison") != std::string::npos;
            return r.path.ends_with("/commit") && poisoned ? std::optional{said(400, "push_commit_invalid", more)} : std::nullopt;
        };
        for (int i = 0; i < 6; ++i) d.write(task_key(std::to_string(i)), a_task(i == 4 ? "poison" : "good"));
        const auto done = d.sync();
        CHECK(done.ok());
        CHECK(done.pushed == 5);
        REQUIRE(done.rejections.size() == 1);
        CHECK(done.rejections[0].key == task_key("4"));
    }
}

TEST_CASE("bundle client_refusals: a server that refuses one row after the other, each alone, is not given them all") {
    server_side server;
    bundle_client_options options;
    options.batch_rows = 1;
    device_side d{server, 1, resolver_set{}, options};
    for (int i = 0; i < 9; ++i) d.write(task_key(std::to_string(i)), a_task("x"));
    d.intercept = refusing(asking(http_method::post, "/chunks"), said(400, "push_chunk_invalid"));
    const auto done = d.sync();
    REQUIRE(done.why);
    CHECK(done.why->code == errc::malformed_message);
    CHECK(done.failed == options.max_set_aside);
    CHECK(unsent(d) == 9 - options.max_set_aside);
    d.intercept = {};
    CHECK(d.sync().pushed == 9 - options.max_set_aside);
}

TEST_CASE("bundle client_refusals: what the server refuses for good ends the push, with everything kept, and the device receives all the same") {
    struct expected {
        const char* what;
        std::function<bool(const request&)> at;
        response answer;
        errc code;
        std::size_t creates;
    };
    const auto drops = asking(http_method::erase, "/push-sessions/");
    const auto row_refused = [](const request& r) { return asks_for(r, http_method::post, "/chunks"); };
    for (const auto& e : {expected{"no bundle is small enough", creates, said(413, "bundle_too_large"), errc::too_large, 3},  // of 4 rows, 2 and 1
                          expected{"nobody may", creates, said(403, "push_session_forbidden"), errc::forbidden, 1},
                          expected{"the session is another's", row_refused, said(403, "push_session_forbidden"), errc::forbidden, 1},
                          expected{"the session may not be ended", drops, said(403, "push_session_forbidden"), errc::forbidden, 1}}) {
        INFO(e.what);
        server_side server;
        device_side d{server, 1};
        server.write(task_key("theirs"), a_task("theirs"));
        for (int i = 0; i < 4; ++i) d.write(task_key(std::to_string(i)), a_task("x"));
        const auto refuse_row = refusing(row_refused, said(400, "push_chunk_invalid", R"(,"row_ordinal":1)"));
        d.intercept = [&e, refuse_row, drops, refuse = refusing(e.at, e.answer)](const request& r) mutable {
            auto answer = refuse(r);
            if (!answer && e.at(request{http_method::erase, "/push-sessions/x", {}, {}})) answer = refuse_row(r);
            return answer;
        };
        const auto done = d.sync();
        REQUIRE(done.why);
        CHECK(done.why->code == e.code);
        CHECK(static_cast<std::size_t>(std::count_if(d.sent.begin(), d.sent.end(), creates)) == e.creates);
        CHECK(unsent(d) == 4);
        // A batch whose fate is open keeps bundles out: its rows could not be told from theirs.
        CHECK(d.row(task_key("theirs")).has_value() == (d.status().counts.frozen == 0));
        d.intercept = {};
        CHECK(d.sync().ok());
        CHECK(unsent(d) == 0);
        CHECK(d.row(task_key("theirs")));
        for (int i = 0; i < 4; ++i) CHECK(server.row(task_key(std::to_string(i))));
    }
}

TEST_CASE("bundle client_refusals: a request that the transport cannot send at all is no refusal of its rows, and one that was cancelled ends the run") {
    for (const auto code : {errc::unsupported, errc::cancelled})
        for (const char* at : {"/chunks", "/commit"}) {
            CAPTURE(name_of(code), at);
            server_side server;
            device_side d{server, 1};
            d.write(task_key("t"), a_task("x", 4));
            d.loss = fault{code, "no way"};
            d.line = [&](const request& r) { return r.path.ends_with(at) ? cut::request_lost : cut::none; };
            const auto done = d.sync();
            REQUIRE(done.why);
            CHECK(done.why->code == code);
            CHECK(done.failed == 0);
            CHECK(d.sent.back().path.ends_with(at));
            CHECK(d.status().counts.frozen == 1);
            d.line = [](const request&) { return cut::none; };
            check_sent_once(server, d, d.sync());
        }
}

TEST_CASE("bundle client_refusals: the rows of a commit are those that were acknowledged, or they are asked for again") {
    struct expected {
        const char* what;
        const char* at;
        std::function<void(std::string&)> spoil;
        errc code;
        std::size_t asked;
    };
    const auto other_bundle = [](std::string& body) {
        replace_all(body, "bundle_seq\":1", "bundle_seq\":2");
        replace_all(body, "row_version\":1", "row_version\":2");
    };
    for (const auto& e : {expected{"another bundle", "/rows", other_bundle, errc::malformed_message, 3},
                          expected{"another number of rows", "/commit", [](std::string& b) { replace_all(b, "row_count\":1", "row_count\":2"); }, errc::malformed_message, 3},
                          expected{"another hash", "/commit", [](std::string& b) { replace_member(b, "bundle_hash", std::string(64, 'a')); }, errc::corrupt, 3},
                          expected{"an unknown table", "/rows", [](std::string& b) { replace_all(b, "\"tasks\"", "\"moons\""); }, errc::unknown_model, 1}}) {
        INFO(e.what);
        server_side server;
        device_side d{server, 1};
        d.write(task_key("t"), a_task("x", 4));
        d.tamper = [&](const request& r, response& answer) {
            if (r.path.substr(0, r.path.find('?')).ends_with(e.at)) e.spoil(answer.body);
        };
        const auto done = d.sync();
        REQUIRE(done.why);
        CHECK(done.why->code == e.code);
        CHECK(asked(d, http_method::get, "/committed-bundles/") == e.asked);
        CHECK(asked(d, http_method::get, "/pull") == 0);
        CHECK(d.status().counts.frozen == 1);
        CHECK(server.head() == 1);
    }
}

TEST_CASE("bundle client_refusals: a success that can never be read is not asked for for ever, also where other requests lie in between") {
    // Committed rows in several pages, the last of which does not fit the rest; and a commit that something else than the server answers.
    for (const bool rows : {true, false}) {
        INFO((rows ? "rows" : "commit"));
        server_side server;
        bundle_client_options options;
        options.committed_page_rows = 1;
        options.max_requests = 1000;
        device_side d{server, 1, resolver_set{}, options};
        for (int i = 0; i < 3; ++i) d.write(task_key(std::to_string(i)), a_task("x", 4));
        if (rows)
            d.tamper = [](const request& r, response& answer) {
                if (asks_for(r, http_method::get, "after_row_ordinal=1")) replace_all(answer.body, "points\":4", "points\":5");
            };
        else
            d.intercept = refusing(asking(http_method::post, "/commit"), response{200, {}, "<html>"});
        const auto done = d.sync();
        REQUIRE(done.why);
        CHECK(done.why->code == (rows ? errc::corrupt : errc::malformed_json));
        CHECK(d.sent.size() < 30);
        d.tamper = [](const request&, response&) {};
        d.intercept = {};
        CHECK(d.sync().ok());
        CHECK(server.head() == 1);
        CHECK(unsent(d) == 0);
    }
}

TEST_CASE("bundle client_refusals: a server with another device's bundle where it had acknowledged this one's was restored, and gets the changes anew") {
    server_side server;
    device_side a{server, 1};
    a.write(task_key("t"), a_task("x", 1));
    a.die_after = 4;  // the commit was heard, its rows were not
    REQUIRE_FALSE(a.run());
    server_side restored;
    device_side other{restored, 5};
    other.write(task_key("u"), a_task("other"));
    REQUIRE(other.sync().ok());
    device_side b{restored, 2};
    b.store = a.store.copy();
    b.boot();
    const auto done = b.sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK(done.hydrated);
    CHECK(text_of(restored.row(task_key("t"))) == "x|no|1|-");
    CHECK(b.row(task_key("u")) == restored.row(task_key("u")));
    CHECK(b.status().state.source_id != a.status().state.source_id);
}

TEST_CASE("bundle client_refusals: answers that are larger than the device takes are asked for in smaller parts, down to one") {
    server_side server;
    device_side a{server, 1};
    for (int i = 0; i < 6; ++i) {
        a.write(task_key(std::to_string(i)), a_task("x", i));
        REQUIRE(a.sync().pushed == 1);
    }
    bundle_client_options options;
    options.json.max_bytes = 1000;
    device_side b{server, 2, resolver_set{}, options};
    CHECK(b.sync().pulled == 6);
    for (int i = 0; i < 6; ++i) b.write(task_key("b" + std::to_string(i)), a_task("x", i));
    const auto done = b.sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK(done.pushed == 6);
    CHECK(asked(b, http_method::get, "/pull") > 2);
    CHECK(asked(b, http_method::get, "/committed-bundles/") > 2);
    server.prune();
    device_side c{server, 3, resolver_set{}, options};
    CHECK(c.sync().hydrated);
    for (int i = 0; i < 6; ++i) CHECK(c.row(task_key("b" + std::to_string(i))) == b.row(task_key("b" + std::to_string(i))));

    // What is too large by itself is told, and nothing is given up.
    server.write(task_key("huge"), a_task(std::string(1000, 'x')));
    const auto pulled = c.sync();
    REQUIRE(pulled.why);
    CHECK(pulled.why->code == errc::too_large);
    server.prune();
    const auto picture = c.sync();
    REQUIRE(picture.why);
    CHECK(picture.why->code == errc::too_large);
    CHECK(c.row(task_key("b0")));
    c.write(task_key("huge of c"), a_task(std::string(1000, 'x')));
    const auto rows = c.sync(sync_mode::push_only);
    REQUIRE(rows.why);
    CHECK(rows.why->code == errc::too_large);
    c.options.json.max_bytes = 10'000;
    c.boot();
    CHECK(c.sync().ok());
    CHECK(c.row(task_key("huge")) == server.row(task_key("huge")));
    CHECK(c.row(task_key("huge of c")) == server.row(task_key("huge of c")));
}

TEST_CASE("bundle client_refusals: another incarnation that a success tells of is caught up with before anything else") {
    server_side server;
    device_side d{server, 1};
    d.write(task_key("t"), a_task("x", 1));
    REQUIRE(d.sync().ok());
    // A server that does not look at what the device says of it: the next one's answers tell.
    const auto become = [&](const std::string& epoch) {
        must(server.engine.begin_incarnation(epoch, server.now));
        d.intercept = [&](const request& r) {
            auto unasked = r;
            std::erase_if(unasked.headers, [](const header& h) { return h.name == epoch_header; });
            return std::optional{server.call(unasked)};
        };
    };
    become("2");
    d.write(task_key("u"), a_task("y", 2));
    const auto only = d.sync(sync_mode::push_only);
    REQUIRE(only.why);
    CHECK(only.why->code == errc::epoch_changed);
    CHECK_FALSE(server.row(task_key("u")));
    CHECK(d.sync().ok());
    become("3");
    d.sent.clear();
    d.write(task_key("u"), a_task("z", 2));
    const auto both = d.sync();
    CHECK(both.ok());
    CHECK(both.hydrated);
    const auto page = std::find_if(d.sent.begin(), d.sent.end(), asking(http_method::get, "/snapshot-sessions/"));
    CHECK(page < std::find_if(d.sent.begin(), d.sent.end(), asking(http_method::post, "/chunks")));
    CHECK(text_of(server.row(task_key("u"))) == "z|no|2|-");
    become("4");
    const auto pulled = d.sync(sync_mode::pull_only);
    CHECK(pulled.ok());
    CHECK(pulled.hydrated);
    CHECK(d.status().state.epoch == "4");
}

}  // namespace client_refusals_test
