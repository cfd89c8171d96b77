#include <syncline/wire/bundle/client_connect.hpp>

#include <syncline/conflict/resolvers.hpp>
#include <syncline/testing/scripted_bundle_server.hpp>

#include "unit/wire/bundle/fixture.hpp"

#include <memory>

namespace client_connect_test {

using namespace bundle_fixture;

namespace {

/// A device that nobody has let in yet, before a foreign server.
struct party {
    syncline::testing::scripted_bundle_server server;
    server_side nobody;

    std::unique_ptr<device_side> device(std::uint64_t seed, bundle_client_options options = {}) {
        auto d = std::make_unique<device_side>(nobody, seed, resolver_set{resolvers::client_wins{}}, options, begins::anonymous);
        d->intercept = [this](const request& r) { return std::optional{server.handle(r)}; };
        return d;
    }
};

scope_attachment attachment(device_side& d) { return d.status().state.attachment; }

}  // namespace

TEST_CASE("bundle client_connect: an account that nobody filled and a device that has nothing are both empty, and it asks once") {
    party p;
    auto a = p.device(1);
    const auto done = a->sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK_FALSE(done.hydrated);
    REQUIRE(!a->sent.empty());
    CHECK(asks_for(a->sent.front(), http_method::post, "/sync/connect"));
    CHECK(a->sent.front().body == R"({"has_local_pending_rows":false})");
    CHECK(attachment(*a) == scope_attachment::attached);
    a->boot();
    CHECK(a->sync().ok());
    CHECK(asked(*a, http_method::post, "/connect") == 1);
}

TEST_CASE("bundle client_connect: what was made before the first sign-in fills a new account; the right to do so is kept until that is acknowledged") {
    for (const bool lost : {false, true}) {
        INFO((lost ? "the answer to the commit is lost" : "every answer comes"));
        party p;
        auto a = p.device(1);
        a->write(project_key("p"), a_project("home"));
        a->write(task_key("t"), a_task("paint", 1, "p"));
        a->die_after = lost ? 4 : 2;  // connect, create, chunk, commit
        CHECK_FALSE(a->run());
        CHECK(a->status().state.initialization_id == "init-1");
        CHECK(attachment(*a) == scope_attachment::attached);
        const auto done = a->sync();
        INFO((done.why ? done.why->detail : std::string{}));
        CHECK(done.ok());
        CHECK(a->status().state.initialization_id.empty());
        CHECK(p.server.log.size() == 1);
        CHECK(p.server.state == syncline::testing::scripted_bundle_server::scope::initialized);
        CHECK(a->status().counts.open + a->status().counts.frozen + a->status().counts.waiting == 0);
        CHECK(asked(*a, http_method::post, "/connect") == 1);
        std::size_t with_id = 0;
        for (const auto& r : a->sent) with_id += asks_for(r, http_method::post, "/push-sessions") && r.body.find("\"initialization_id\":\"init-1\"") != std::string::npos ? 1 : 0;
        CHECK(with_id == 2);
        a->write(task_key("u"), a_task("later"));
        CHECK(a->sync().ok());
        CHECK(a->sent.back().body.find("initialization_id") == std::string::npos);
        CHECK(p.server.log.size() == 2);
    }
}

TEST_CASE("bundle client_connect: an account that has data comes in by its picture; anonymous rows lie over it and are sent, or are given up") {
    for (const auto choice : {anonymous_rows::merge, anonymous_rows::drop})
        for (std::size_t dies_after = 0; dies_after < 6; ++dies_after) {
            const bool drop = choice == anonymous_rows::drop;
            INFO((drop ? "drop" : "merge") << ", the device dies after answer " << dies_after);
            party p;
            p.server.write("tasks", "t", R"({"id":"t","title":"theirs","done":false,"points":3,"project":null})");
            p.server.write("tasks", "s", R"({"id":"s","title":"other","done":false,"points":1,"project":null})");
            bundle_client_options options;
            options.anonymous = choice;
            options.snapshot_page_rows = 1;
            auto a = p.device(1, options);
            a->write(task_key("t"), a_task("mine", 1));
            a->write(task_key("u"), a_task("new", 2));
            sync_result done;
            if (dies_after != 0) {
                a->die_after = dies_after;
                if (auto whole = a->run()) done = std::move(*whole);
            }
            const bool swapped = !a->status().state.needs_hydration && attachment(*a) == scope_attachment::attached;
            if (drop) CHECK(a->status().counts.open == (swapped ? 0 : 2));
            const auto rest = a->sync();
            INFO((rest.why ? rest.why->detail : std::string{}));
            CHECK(rest.ok());
            CHECK(text_of(a->row(task_key("s"))) == "other|no|1|-");
            CHECK(text_of(a->row(task_key("t"))).substr(0, 4) == (drop ? "thei" : "mine"));
            CHECK(text_of(a->row(task_key("u"))) == (drop ? "gone" : "new|no|2|-"));
            CHECK(p.server.payload("tasks", "u").empty() == drop);
            CHECK(p.server.payload("tasks", "t").find(drop ? "theirs" : "mine") != std::string::npos);
            if (!swapped) CHECK(rest.given_up.size() == (drop ? 2 : 0));
            CHECK(a->status().state.give_up_below == 0);
            CHECK(asked(*a, http_method::post, "/connect") == (dies_after == 1 ? 2 : 1));
            // What comes after the sign-in is nobody's to give up.
            a->write(task_key("v"), a_task("after", 1));
            CHECK(a->sync().pushed == 1);
            CHECK_FALSE(p.server.payload("tasks", "v").empty());
        }
}

TEST_CASE("bundle client_connect: an edit made while the picture comes in is no anonymous row") {
    party p;
    p.server.write("tasks", "s", R"({"id":"s","title":"other","done":false,"points":1,"project":null})");
    bundle_client_options options;
    options.anonymous = anonymous_rows::drop;
    auto a = p.device(1, options);
    a->write(task_key("t"), a_task("before"));
    a->line = [&](const request& r) {
        if (asks_for(r, http_method::get, "/snapshot-sessions/")) a->write(task_key("u"), a_task("meanwhile"));
        return cut::none;
    };
    const auto done = a->sync();
    CHECK(done.ok());
    CHECK(done.given_up == std::vector<record_key>{task_key("t")});
    CHECK(p.server.payload("tasks", "t").empty());
    CHECK_FALSE(p.server.payload("tasks", "u").empty());
}

TEST_CASE("bundle client_connect: while another device fills the account the run ends, says until when, and changes nothing") {
    party p;
    p.server.state = syncline::testing::scripted_bundle_server::scope::initializing;
    p.server.owner = "another";
    p.server.initialization_id = "theirs";
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    const timestamp began = p.nobody.now;
    const auto done = a->sync();
    REQUIRE(!done.ok());
    CHECK(done.why->code == errc::scope_initializing);
    CHECK(done.not_before == began + std::chrono::seconds{7});
    CHECK(a->sent.size() == 1);
    CHECK(attachment(*a) == scope_attachment::anonymous);
    CHECK(a->status().counts.open == 1);
    p.server.write("tasks", "s", R"({"id":"s","title":"other","done":false,"points":1,"project":null})");
    CHECK(a->sync().ok());
    CHECK_FALSE(p.server.payload("tasks", "t").empty());
}

TEST_CASE("bundle client_connect: a server without the lifecycle is refused by name") {
    for (const int status : {404, 405, 501, 200}) {
        INFO(status);
        party p;
        auto a = p.device(1);
        a->intercept = [&](const request& r) {
            if (asks_for(r, http_method::post, "/connect")) return std::optional{status == 200 ? json_response(200, "{}") : response{status, {}, "no"}};
            return std::optional{p.server.handle(r)};
        };
        a->write(task_key("t"), a_task("mine"));
        const auto done = a->sync();
        REQUIRE(!done.ok());
        CHECK(done.why->code == errc::unsupported);
        CHECK(done.why->detail.find("connect lifecycle") != std::string::npos);
        CHECK(attachment(*a) == scope_attachment::anonymous);
        CHECK(p.server.asked.empty());
    }
}

TEST_CASE("bundle client_connect: a device that is told that it is not in the account asks anew, with everything kept") {
    struct expected {
        const char* code;
        int status;
        const char* at;
    };
    for (const auto& e : {expected{"initialization_expired", 410, "/push-sessions"}, expected{"initialization_stale", 409, "/chunks"},
                          expected{"initialization_stale", 409, "/commit"}, expected{"scope_uninitialized", 409, "/push-sessions"},
                          expected{"scope_initializing", 409, "/chunks"}}) {
        INFO(e.code << " at " << e.at);
        party p;
        auto a = p.device(1);
        a->write(task_key("t"), a_task("mine"));
        bool once = true;
        a->intercept = [&](const request& r) {
            if (once && r.path.ends_with(e.at)) {
                once = false;
                return std::optional{json_error(e.status, e.code, "no")};
            }
            return std::optional{p.server.handle(r)};
        };
        const auto done = a->sync();
        INFO((done.why ? done.why->detail : std::string{}));
        CHECK(done.ok());
        CHECK(asked(*a, http_method::post, "/connect") == 2);
        CHECK(p.server.log.size() == 1);
        CHECK_FALSE(p.server.payload("tasks", "t").empty());
        CHECK(a->status().state.initialization_id.empty());
    }
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    a->intercept = [&](const request& r) {
        if (r.path.ends_with("/push-sessions")) return std::optional{json_error(410, "initialization_expired", "no")};
        return std::optional{p.server.handle(r)};
    };
    const auto done = a->sync();
    REQUIRE(!done.ok());
    CHECK(done.why->code == errc::initialization_expired);
    CHECK(a->sent.size() < 20);
    CHECK(a->status().counts.open + a->status().counts.frozen == 1);
    CHECK(attachment(*a) == scope_attachment::anonymous);
}

TEST_CASE("bundle client_connect: an account that the server forgot is built anew from what comes, and what was acknowledged there is reported") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("acknowledged"));
    REQUIRE(a->sync().ok());
    a->write(task_key("u"), a_task("not sent"));
    p.server.lose_everything();
    const auto done = a->sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK_FALSE(p.server.payload("tasks", "u").empty());
    CHECK(p.server.payload("tasks", "t").empty());
    CHECK(must(a->engine->lost_by_restore(10, p.nobody.now)).size() == 1);
    CHECK(text_of(a->row(task_key("t"))) == "gone");
    CHECK(text_of(a->row(task_key("u"))) == "not sent|no|0|-");
    CHECK(a->sync().ok());
}

TEST_CASE("bundle client_connect: what was to fill the account and is gone, or waits, lets it begin empty") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    a->die_after = 1;
    CHECK_FALSE(a->run());
    a->erase(task_key("t"));
    const auto done = a->sync();
    CHECK(done.ok());
    CHECK(p.server.state == syncline::testing::scripted_bundle_server::scope::initialized);
    CHECK(p.server.log.empty());
    CHECK(a->status().state.initialization_id.empty());
}

TEST_CASE("bundle client_connect: a device that is to fill the account does not pull, and a mode that only connects sends nothing else") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    CHECK(a->sync(sync_mode::connect_only).ok());
    CHECK(a->sent.size() == 1);
    CHECK(a->status().state.initialization_id == "init-1");
    CHECK(a->status().state.last_run_us == 0);
    const auto pulled = a->sync(sync_mode::pull_only);
    REQUIRE(!pulled.ok());
    CHECK(pulled.why->code == errc::stale);
    CHECK(a->sent.size() == 1);
    CHECK(a->sync(sync_mode::push_only).pushed == 1);
}

TEST_CASE("bundle client_connect: data of one user is not synced under another one's name") {
    party p;
    bundle_client_options options;
    options.user = "ann";
    auto a = p.device(1, options);
    CHECK(a->sync().ok());
    a->write(task_key("t"), a_task("ann's"));
    a->options.user = "bob";
    a->boot();
    const auto sent = a->sent.size();
    const auto done = a->sync();
    REQUIRE(!done.ok());
    CHECK(done.why->code == errc::other_account);
    CHECK(a->sent.size() == sent);
    must(a->engine->detach(true, a->random, p.nobody.now));
    CHECK(text_of(a->row(task_key("t"))) == "gone");
    CHECK(a->sync().ok());
    CHECK(a->status().state.user == "bob");
}

TEST_CASE("bundle client_connect: a right to fill the account that the server gives and does not take ends the run, with everything kept") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    // It refuses the session whether the device names its right or not.
    a->intercept = [&](const request& r) {
        return r.path.ends_with("/push-sessions") ? said(400, "push_session_invalid") : p.server.handle(r);
    };
    const auto refused = a->sync();
    REQUIRE(refused.why);
    CHECK(refused.why->code == errc::malformed_message);
    CHECK(asked(*a, http_method::post, "/push-sessions") == 2);
    CHECK(asked(*a, http_method::get, "/pull") == 0);  // there is nothing in it yet
    CHECK(a->status().counts.frozen == 1);
    a->intercept = [&](const request& r) { return std::optional{p.server.handle(r)}; };
    CHECK(a->sync().pushed == 1);

    // It gives the right to a device that has nothing to fill the account with.
    auto b = p.device(2);
    b->intercept = [&](const request& r) {
        return r.path.ends_with("/connect") ? json_response(200, R"({"resolution":"initialize_local","initialization_id":"i","lease_expires_at":5})") : p.server.handle(r);
    };
    const auto never = b->sync();
    REQUIRE(never.why);
    CHECK(never.why->code == errc::scope_initializing);
    CHECK(b->sent.size() == b->options.max_session_restarts + 1);
    CHECK(attachment(*b) == scope_attachment::anonymous);
}

TEST_CASE("bundle client_connect: a device that fills an account which was forgotten does not pull before it has") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("acknowledged"));
    REQUIRE(a->sync().ok());
    a->write(task_key("u"), a_task("not sent"));
    p.server.lose_everything();
    a->sent.clear();
    const auto pulled = a->sync(sync_mode::pull_only);
    REQUIRE(pulled.why);
    CHECK(pulled.why->code == errc::stale);
    CHECK(a->status().state.needs_hydration);
    CHECK_FALSE(a->status().state.initialization_id.empty());
    CHECK(asked(*a, http_method::post, "/snapshot-sessions") == 0);
    CHECK(a->sync().ok());
    CHECK_FALSE(p.server.payload("tasks", "u").empty());
}

TEST_CASE("bundle client_connect: what is to be given up is so before a push alone sends anything, and an answer that is too large is told as that") {
    party p;
    p.server.write("tasks", "s", R"({"id":"s","title":"other","done":false,"points":1,"project":null})");
    bundle_client_options options;
    options.anonymous = anonymous_rows::drop;
    options.json.max_bytes = 20;
    auto a = p.device(1, options);
    a->write(task_key("t"), a_task("mine"));
    CHECK(a->sync().why->code == errc::too_large);
    CHECK(attachment(*a) == scope_attachment::anonymous);
    a->options.json.max_bytes = 10'000;
    a->boot();
    const auto done = a->sync(sync_mode::push_only);
    CHECK(done.ok());
    CHECK(done.given_up == std::vector<record_key>{task_key("t")});
    CHECK(p.server.payload("tasks", "t").empty());
    CHECK(p.server.count("POST /sync/push-sessions") == 0);
}

}  // namespace client_connect_test
