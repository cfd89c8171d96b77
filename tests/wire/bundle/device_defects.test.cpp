// What is known to go wrong with clients of go-oversync v0.2.1 (sheet `bundle`, 8.2), each against a foreign server that gives the cause: a device of
// this library does not have the defect. The number of the item stands in each name.

#include "unit/wire/bundle/fixture.hpp"

#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/testing/scripted_bundle_server.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace device_defects_test {

using namespace bundle_fixture;

namespace {

std::string task_json(const std::string& key, const std::string& title, int points = 0, const std::string& under = "null") {
    return R"({"id":")" + key + R"(","title":")" + title + R"(","done":false,"points":)" + std::to_string(points) + R"(,"project":)" + under + "}";
}

struct party {
    syncline::testing::scripted_bundle_server server;
    server_side nobody;

    std::unique_ptr<device_side> device(std::uint64_t seed, bundle_client_options options = {}, resolver_set how = resolver_set{resolvers::client_wins{}}) {
        auto d = std::make_unique<device_side>(nobody, seed, std::move(how), options, begins::anonymous);
        d->intercept = [this](const request& r) { return std::optional{server.handle(r)}; };
        return d;
    }
};

std::uint64_t unsent(device_side& d) {
    const auto counts = d.status().counts;
    return counts.open + counts.frozen + counts.waiting;
}

void cut_after(std::string& text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("device defects: a seed whose acknowledgement was lost does not wedge the device (8.2.1)") {
    for (const bool restarted : {false, true}) {
        party p;
        auto a = p.device(1);
        a->write(task_key("t"), a_task("mine", 2));
        bool once = true;
        a->line = [&](const request& r) { return r.path.ends_with("/commit") && std::exchange(once, false) ? cut::answer_lost : cut::none; };
        if (restarted) {
            a->die_after = 4;
            CHECK_FALSE(a->run());
            a->line = [](const request&) { return cut::none; };
        }
        const auto done = a->sync();
        INFO((done.why ? done.why->detail : std::string{}));
        CHECK(done.ok());
        CHECK(done.pushed == 1);
        CHECK(p.server.log.size() == 1);
        CHECK(a->status().state.initialization_id.empty());
        CHECK(unsent(*a) == 0);
        a->line = [](const request&) { return cut::none; };
        a->write(task_key("u"), a_task("next"));
        CHECK(a->sync().pushed == 1);
    }
}

TEST_CASE("device defects: a right to fill the account that another device used instead leads to its data, and nothing is lost (8.2.1)") {
    for (const auto choice : {anonymous_rows::merge, anonymous_rows::drop}) {
        party p;
        bundle_client_options options;
        options.anonymous = choice;
        auto a = p.device(1, options);
        a->write(task_key("t"), a_task("mine"));
        a->die_after = 2;
        CHECK_FALSE(a->run());
        p.server.write("tasks", "s", task_json("s", "theirs"));  // the lease was given up, and another device filled the account
        const auto done = a->sync();
        INFO((done.why ? done.why->detail : std::string{}));
        CHECK(done.ok());
        CHECK(text_of(a->row(task_key("s"))) == "theirs|no|0|-");
        CHECK(p.server.payload("tasks", "t").empty() == (choice == anonymous_rows::drop));
        CHECK(done.given_up.size() == (choice == anonymous_rows::drop ? 1 : 0));
        CHECK(unsent(*a) == 0);
    }
}

TEST_CASE("device defects: a record that was made and erased before it was sent does not stop the pull (8.2.2)") {
    party p;
    auto a = p.device(1);
    REQUIRE(a->sync().ok());
    a->write(task_key("t"), a_task("never"));
    a->erase(task_key("t"));
    p.server.write("tasks", "s", task_json("s", "theirs"));
    const auto done = a->sync();
    CHECK(done.ok());
    CHECK(done.pulled == 1);
    CHECK(p.server.count("POST /sync/push-sessions") == 0);
}

TEST_CASE("device defects: binary values that are kept by a resolver stay what they were (8.2.3)") {
    model_schema m;
    m.name = "file";
    m.table = "files";
    m.fields = {{"data", value_kind::bytes, true, nullptr}, {"name", value_kind::text, true, nullptr}};
    schema_set files;
    must(files.add(m));
    syncline::testing::scripted_bundle_server server;
    memory_replica_store store{std::move(files)};
    replica_engine engine{store, resolver_set{resolvers::client_wins{}}};
    bundle_client<replica_engine> client{engine};
    seeded_random random{5};
    timestamp now = at_second(1'700'000'000);
    must(engine.open(random, now));
    const auto sync = [&] {
        client.start(sync_mode::push_then_pull);
        while (true) {
            auto step = must(client.next(now, random));
            if (auto* done = std::get_if<done_step>(&step)) return done->report;
            if (auto* wait = std::get_if<wait_step>(&step)) {
                now = wait->until;
                continue;
            }
            auto& send = std::get<send_step>(step);
            must(client.on(send.token, server.handle(send.what), now, random));
        }
    };
    // Bytes whose hexadecimal form is base64 too.
    const std::string bytes(16, static_cast<char>(0xAB));
    server.write("files", "f", R"({"id":"f","data":"AAAA","name":"old"})");
    REQUIRE(sync().ok());
    must(store.app_write({0, "f"}, record{{value::bytes(bytes), value::text("mine")}}));
    server.write("files", "f", R"({"id":"f","data":"BBBB","name":"theirs"})");
    const auto done = sync();
    CHECK(done.ok());
    CHECK(done.conflicts == 1);
    CHECK(server.payload("files", "f") == R"({"data":"q6urq6urq6urq6urq6urqw==","id":"f","name":"mine"})");
    CHECK(store.row({0, "f"}) == std::optional{record{{value::bytes(bytes), value::text("mine")}}});
}

TEST_CASE("device defects: a server that makes something else of the rows than what was sent is believed, also after a lost answer (8.2.4)") {
    for (const bool lost : {false, true}) {
        INFO((lost ? "the answer to the commit is lost" : "every answer comes"));
        party p;
        p.server.write("projects", "p", R"({"id":"p","name":"home"})");
        p.server.write("tasks", "child", task_json("child", "under", 0, R"("p")"));
        p.server.made = [](const syncline::testing::scripted_row& r) {  // booleans, scales, defaults
            if (r.table != "tasks") return r.payload;
            return std::string{R"({"done":true,"id":)"} + "\"" + r.key + R"(","points":41,"project":null,"title":"set by the server"})";
        };
        p.server.besides = [](const syncline::testing::scripted_row& r) {
            std::vector<syncline::testing::scripted_row> out;
            if (r.op == "DELETE" && r.table == "projects") out.push_back({"tasks", "unseen", "DELETE", 0, {}});
            return out;
        };
        auto a = p.device(1);
        REQUIRE(a->sync().ok());
        p.server.write("tasks", "unseen", task_json("unseen", "under", 0, R"("p")"));
        a->write(task_key("t"), a_task("mine", 3));
        a->erase(project_key("p"));
        bool once = lost;
        a->line = [&](const request& r) { return r.path.ends_with("/commit") && std::exchange(once, false) ? cut::answer_lost : cut::none; };
        const auto done = a->sync();
        INFO((done.why ? done.why->detail : std::string{}));
        CHECK(done.ok());
        CHECK(done.pushed == 3);
        CHECK(text_of(a->row(task_key("unseen"))) == "gone");
        CHECK(text_of(a->row(task_key("t"))) == "set by the server|yes|41|-");
        CHECK(text_of(a->row(task_key("child"))) == "gone");
        CHECK(unsent(*a) == 0);
        CHECK(a->sync().ok());
        CHECK(p.server.log.size() == 4);
    }
}

TEST_CASE("device defects: a number that a copy of the device used for other records is not taken for its own bundle (8.2.4)") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("both"));
    REQUIRE(a->sync().ok());
    auto b = p.device(2);
    b->store = a->store.copy();
    b->boot();
    a->write(task_key("u"), a_task("the original's"));
    REQUIRE(a->sync().ok());
    b->write(task_key("v"), a_task("the copy's"));
    const auto done = b->sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(b->status().state.source_id != a->status().state.source_id);
    CHECK(b->status().counts.waiting == 1);  // it may have been sent: a person looks
    CHECK(text_of(b->row(task_key("v"))) == "the copy's|no|0|-");
    CHECK(p.server.retired.empty());  // the source goes on being the original's
    must(b->engine->retry(task_key("v"), p.nobody.now));
    CHECK(b->sync().pushed == 1);
    a->write(task_key("w"), a_task("still counts on"));
    CHECK(a->sync().pushed == 1);
}

TEST_CASE("device defects: a source that is retired while a bundle is acknowledged and no longer kept is recovered (8.2.5)") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    a->die_after = 5;  // the committed rows are not taken in
    CHECK_FALSE(a->run());
    REQUIRE(a->status().counts.frozen == 1);
    a->write(task_key("u"), a_task("next"));
    p.server.floor = p.server.head();
    const std::string before = a->status().state.source_id;
    p.server.retired[before] = "a copy's";
    const auto done = a->sync();
    REQUIRE(!done.ok());
    CHECK(done.why->code == errc::source_retired);
    CHECK(text_of(a->row(task_key("t"))) == "mine|no|0|-");
    const auto state = a->status().state;
    CHECK(state.source_id != before);
    CHECK(state.source_id != "a copy's");
    // The copy may have sent what was open, too.
    REQUIRE(must(a->engine->waiting(9, p.nobody.now)).size() == 1);
    must(a->engine->retry(task_key("u"), p.nobody.now));
    CHECK(a->sync().ok());
    CHECK(unsent(*a) == 0);
    CHECK_FALSE(p.server.payload("tasks", "u").empty());
    CHECK(p.server.log.size() == 2);
}

TEST_CASE("device defects: a gap in the bundles is not passed over (8.2.6)") {
    party p;
    auto a = p.device(1);
    REQUIRE(a->sync().ok());
    for (int i = 0; i < 4; ++i) p.server.write("tasks", "t" + std::to_string(i), task_json("t" + std::to_string(i), "x"));
    p.server.floor = 2;  // the server says nothing of it to a device that asks from the beginning
    const auto done = a->sync();
    CHECK(done.ok());
    CHECK(done.hydrated);
    for (int i = 0; i < 4; ++i) CHECK(text_of(a->row(task_key("t" + std::to_string(i)))) == "x|no|0|-");
}

TEST_CASE("device defects: a pulled bundle that does not have the hash which was given for it is not taken (8.2.7)") {
    for (const bool always : {false, true}) {
        party p;
        auto a = p.device(1);
        REQUIRE(a->sync().ok());
        p.server.write("tasks", "t", task_json("t", "sound"));
        p.server.write("tasks", "u", task_json("u", "sound"));
        bool damaged = false;
        a->tamper = [&](const request& r, response& answer) {
            if (r.path.find("/pull") == std::string::npos || (damaged && !always)) return;
            damaged = true;
            const auto at = answer.body.rfind("sound");
            if (at != std::string::npos) answer.body.replace(at, 5, "sounD");
        };
        const auto done = a->sync();
        CHECK(done.ok() != always);
        if (always) {
            CHECK(done.why->code == errc::corrupt);
            CHECK(done.why->detail.find("bundle 2") != std::string::npos);
        }
        CHECK(a->status().state.checkpoint == (always ? 1 : 2));
        CHECK(text_of(a->row(task_key("u"))) == (always ? "gone" : "sound|no|0|-"));
        // A server that gives none is believed.
        if (!always) continue;
        a->tamper = [&](const request& r, response& answer) {
            if (r.path.find("/pull") == std::string::npos) return;
            const auto at = answer.body.find(R"(,"bundle_hash":")");
            if (at != std::string::npos) answer.body.erase(at, 15 + 64 + 2);
        };
        CHECK(a->sync().ok());
        CHECK(text_of(a->row(task_key("u"))) == "sound|no|0|-");
    }
}

TEST_CASE("device defects: committed rows of another number than was acknowledged are not taken (8.2.7)") {
    party p;
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    p.server.counts_wrong = true;
    const auto done = a->sync();
    REQUIRE(!done.ok());
    CHECK(done.why->code == errc::malformed_message);
    CHECK(done.why->detail.find("acknowledgement") != std::string::npos);
    CHECK(a->status().counts.frozen == 1);
    p.server.counts_wrong = false;
    CHECK(a->sync().ok());
    CHECK(unsent(*a) == 0);
}

TEST_CASE("device defects: a snapshot whose pages tell of different bundles, or that does not say when it ends, is not swapped in (8.2.7)") {
    party p;
    bundle_client_options options;
    options.snapshot_page_rows = 1;
    for (int i = 0; i < 3; ++i) p.server.write("tasks", "t" + std::to_string(i), task_json("t" + std::to_string(i), "x"));
    auto a = p.device(1, options);
    a->tamper = [&](const request& r, response& answer) {
        if (r.path.find("after_row_ordinal=2") != std::string::npos) cut_after(answer.body, R"("snapshot_bundle_seq":3)", R"("snapshot_bundle_seq":2)");
    };
    const auto moved = a->sync();
    REQUIRE(!moved.ok());
    CHECK(moved.why->detail.find("another bundle") != std::string::npos);
    CHECK(text_of(a->row(task_key("t0"))) == "gone");
    a->tamper = [](const request&, response&) {};
    CHECK(a->sync().ok());
    CHECK(text_of(a->row(task_key("t2"))) == "x|no|0|-");

    for (const std::string expires : {R"("expires_at":"")", R"("expires_at":"soon")", R"("other":1)"}) {
        auto b = p.device(2);
        b->tamper = [&](const request& r, response& answer) {
            if (r.method == http_method::post && r.path.ends_with("/snapshot-sessions")) cut_after(answer.body, R"("expires_at":"2030-01-01T00:00:00Z")", expires);
        };
        const auto done = b->sync();
        REQUIRE(!done.ok());
        CHECK(done.why->detail.find("expires_at") != std::string::npos);
    }
}

TEST_CASE("device defects: rows from before the first sign-in are merged into an account that has data (8.2.8)") {
    party p;
    p.server.write("tasks", "s", task_json("s", "theirs"));
    auto a = p.device(1);
    a->write(task_key("t"), a_task("mine"));
    const auto done = a->sync();
    CHECK(done.ok());
    CHECK(done.pushed == 1);
    CHECK(text_of(a->row(task_key("s"))) == "theirs|no|0|-");
    CHECK_FALSE(p.server.payload("tasks", "t").empty());
}

TEST_CASE("device defects: a change that waits for a person does not keep the device from receiving (8.2.9)") {
    party p;
    auto a = p.device(1, {}, resolver_set{resolvers::defer_to_user{}});
    p.server.write("tasks", "t", task_json("t", "old"));
    REQUIRE(a->sync().ok());
    a->write(task_key("t"), a_task("mine"));
    p.server.write("tasks", "t", task_json("t", "theirs"));
    p.server.write("tasks", "u", task_json("u", "news"));
    const auto done = a->sync();
    CHECK(done.ok());
    CHECK(done.failed == 1);
    CHECK(text_of(a->row(task_key("u"))) == "news|no|0|-");
    CHECK(text_of(a->row(task_key("t"))) == "mine|no|0|-");
    p.server.write("tasks", "v", task_json("v", "more"));
    CHECK(a->sync().ok());
    CHECK(text_of(a->row(task_key("v"))) == "more|no|0|-");
}

TEST_CASE("device defects: a run that has nothing to wait for is over, and one that waits says until when (8.2.10)") {
    party p;
    auto a = p.device(1);
    REQUIRE(a->sync().ok());
    CHECK(std::holds_alternative<done_step>(must(a->client->next(p.nobody.now, a->random))));
    a->intercept = [](const request&) { return std::optional{response{503, {{"Retry-After", "3"}}, {}}}; };
    a->client->start(sync_mode::pull_only);
    auto asked_for = must(a->client->next(p.nobody.now, a->random));
    auto& send = std::get<send_step>(asked_for);
    must(a->client->on(send.token, response{503, {{"Retry-After", "3"}}, {}}, p.nobody.now, a->random));
    auto waits = must(a->client->next(p.nobody.now, a->random));
    CHECK(std::get<wait_step>(waits).until >= p.nobody.now + std::chrono::seconds{3});
    a->client->cancel();
    auto over = must(a->client->next(p.nobody.now, a->random));
    CHECK(std::get<done_step>(over).report.why->code == errc::cancelled);
}

TEST_CASE("device defects: a snapshot that was interrupted goes on where it was (8.2.11)") {
    party p;
    bundle_client_options options;
    options.snapshot_page_rows = 1;
    for (int i = 0; i < 6; ++i) p.server.write("tasks", "t" + std::to_string(i), task_json("t" + std::to_string(i), "x"));
    auto a = p.device(1, options);
    a->die_after = 6;  // connect, snapshot, four pages of which the last is not taken in
    CHECK_FALSE(a->run());
    const auto before = p.server.count("after_row_ordinal");
    const auto done = a->sync();
    CHECK(done.ok());
    CHECK(p.server.count("POST /sync/snapshot-sessions") == 1);
    CHECK(p.server.count("after_row_ordinal") - before == 3);
    for (int i = 0; i < 6; ++i) CHECK(text_of(a->row(task_key("t" + std::to_string(i)))) == "x|no|0|-");
}

TEST_CASE("device defects: ten conflicts that are told one by one are through in one sync, and the row goes out as it is then (8.2.16)") {
    party p;
    auto a = p.device(1);
    for (int i = 0; i < 10; ++i) p.server.write("tasks", "t" + std::to_string(i), task_json("t" + std::to_string(i), "old"));
    REQUIRE(a->sync().ok());
    for (int i = 0; i < 10; ++i) {
        a->write(task_key("t" + std::to_string(i)), a_task("mine"));
        p.server.write("tasks", "t" + std::to_string(i), task_json("t" + std::to_string(i), "theirs"));
    }
    bool edited = false;
    a->line = [&](const request& r) {
        if (r.path.ends_with("/commit") && !std::exchange(edited, true)) a->write(task_key("t0"), a_task("while it was on its way"));
        return cut::none;
    };
    const auto done = a->sync();
    INFO((done.why ? done.why->detail : std::string{}));
    CHECK(done.ok());
    CHECK(done.conflicts == 10);
    CHECK(done.pushed == 10);
    CHECK(p.server.payload("tasks", "t0").find("while it was on its way") != std::string::npos);
    for (int i = 1; i < 10; ++i) CHECK(p.server.payload("tasks", "t" + std::to_string(i)).find("mine") != std::string::npos);
    CHECK(unsent(*a) == 0);
}

TEST_CASE("device defects: a resolver's answer that cannot be used leaves every change to be sent later (8.2.16)") {
    party p;
    bool valid = false;
    const auto how = [&](const conflict&, const resolver_context&) -> resolution {
        if (valid) return resolution::take_client();
        field_changes none;
        none.set(99, value::text("no such field"));
        return resolution::merged(std::move(none));
    };
    auto a = p.device(1, {}, resolver_set{how});
    for (int i = 0; i < 3; ++i) p.server.write("tasks", "t" + std::to_string(i), task_json("t" + std::to_string(i), "old"));
    REQUIRE(a->sync().ok());
    for (int i = 0; i < 3; ++i) a->write(task_key("t" + std::to_string(i)), a_task("mine"));
    p.server.write("tasks", "t1", task_json("t1", "theirs"));
    const auto done = a->sync();
    CHECK(done.failed == 1);
    CHECK(text_of(a->row(task_key("t1"))) == "mine|no|0|-");
    CHECK(p.server.payload("tasks", "t1").find("theirs") != std::string::npos);
    CHECK(p.server.payload("tasks", "t0").find("mine") != std::string::npos);
    CHECK(p.server.payload("tasks", "t2").find("mine") != std::string::npos);
    valid = true;
    must(a->engine->take_client(task_key("t1"), p.nobody.now));
    CHECK(a->sync().ok());
    CHECK(p.server.payload("tasks", "t1").find("mine") != std::string::npos);
    CHECK(unsent(*a) == 0);
}

TEST_CASE("device defects: a run is stopped at any of its requests, and the next one goes on (8.2.18)") {
    for (std::size_t stop = 0; stop < 8; ++stop) {
        party p;
        auto a = p.device(1);
        p.server.write("tasks", "s", task_json("s", "theirs"));
        a->write(task_key("t"), a_task("mine"));
        std::size_t seen = 0;
        a->tamper = [&](const request&, response&) {
            if (seen++ == stop) a->client->cancel();
        };
        (void)a->sync();
        a->tamper = [](const request&, response&) {};
        const auto done = a->sync();
        INFO(stop << (done.why ? done.why->detail : std::string{}));
        CHECK(done.ok());
        CHECK(unsent(*a) == 0);
        CHECK(text_of(a->row(task_key("s"))) == "theirs|no|0|-");
        CHECK_FALSE(p.server.payload("tasks", "t").empty());
    }
}

}  // namespace device_defects_test
