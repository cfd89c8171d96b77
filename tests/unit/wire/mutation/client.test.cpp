#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

namespace client_test {

using namespace mutation_tests;

TEST_CASE("mutation client: what one device wrote reaches the other", "[wire]") {
    world w;
    device a{w, "a"}, b{w, "b"};
    a.write("T", 1, 2);
    a.write("P", 3, 4);
    a.write("C1", 5, 6);
    const auto up = a.sync();
    CHECK(up.ok());
    CHECK(up.pushed == 3);
    const auto down = b.sync();
    CHECK(down.ok());
    CHECK(down.pulled == 3);
    for (const char* key : {"T", "P", "C1"}) {
        CHECK(b.at(key) == w.at(key));
        CHECK(a.at(key) == w.at(key));
    }
}

TEST_CASE("mutation client: changes of different fields of one record both survive, whoever comes first", "[wire]") {
    world w;
    device a{w, "a"}, b{w, "b"};
    a.write("T", 1, 1);
    a.sync();
    b.sync();
    a.set("T", 0, 7);
    b.set("T", 1, 9);
    CHECK(a.sync().ok());
    const auto second = b.sync();
    CHECK(second.conflicts == 1);
    CHECK_FALSE(second.decisions.empty());
    a.sync();
    for (auto* d : {&a, &b}) {
        CHECK(d->at("T")->fields[0] == value::integer(7));
        CHECK(d->at("T")->fields[1] == value::integer(9));
    }
}

TEST_CASE("mutation client: a lost answer changes nothing but the number of requests", "[wire]") {
    for (std::size_t lost = 0; lost < 4; ++lost) {
        INFO("answer " << lost << " is lost after the server acted");
        world w;
        device a{w, "a"}, b{w, "b"};
        a.write("T", 1, 1);
        a.sync();
        b.sync();
        b.set("T", 2, 5);
        b.sync();
        a.set("T", 2, 1);
        std::size_t n = 0;
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            auto answer = w.handle(r, "a");
            if (n++ == lost) return make_fault(errc::timed_out, "lost on purpose");
            return answer;
        });
        CHECK(report.ok());
        b.sync();
        CHECK(w.at("T")->fields[2] == value::integer(6));
        CHECK(a.at("T") == w.at("T"));
        CHECK(b.at("T") == w.at("T"));
    }
}

TEST_CASE("mutation client: what is refused waits for a person, and its neighbours go through", "[wire]") {
    world w;
    w.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.key.key != "T") return std::nullopt;
        return rejection{{errc::validation_failed, "not this one"}, {{"a", "must be even"}}};
    };
    device a{w, "a"};
    a.write("T", 1, 1);
    a.write("T2", 2, 2);
    const auto report = a.sync();
    CHECK(report.ok());
    CHECK(report.failed == 1);
    REQUIRE(report.rejections.size() == 1);
    CHECK(report.rejections[0].why.code == errc::validation_failed);
    REQUIRE(report.rejections[0].messages.size() == 1);
    CHECK(report.rejections[0].messages[0].field == "a");
    CHECK(w.at("T2"));
    CHECK_FALSE(w.at("T"));
    CHECK(a.at("T"));
    auto waiting = a.engine.waiting(10, noon);
    REQUIRE(waiting);
    REQUIRE(waiting->size() == 1);

    w.validate = {};
    REQUIRE(a.engine.retry(key_named("T"), noon));
    CHECK(a.sync().failed == 0);
    CHECK(w.at("T"));
}

TEST_CASE("mutation client: a request that is too large is cut until the change that is refused stands alone", "[wire]") {
    world w;
    device a{w, "a"};
    for (const char* key : {"T", "T2", "P", "C1", "C2"}) a.write(key, 1, 1);
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/push" && r.body.find("\"T2\"") != std::string::npos) return json_error(413, "too_large", "too large");
        return w.handle(r, "a");
    });
    CHECK(report.failed == 1);
    REQUIRE(report.rejections.size() == 1);
    CHECK(report.rejections[0].key.key == "T2");
    CHECK(report.rejections[0].why.code == errc::too_large);
    for (const char* key : {"T", "P", "C1", "C2"}) CHECK(w.at(key));
}

TEST_CASE("mutation client: a device below the floor rehydrates, and keeps what it has not sent", "[wire]") {
    world w;
    mutation_client_options small;
    small.page_size = 1;
    device a{w, "a", small}, b{w, "b", small};
    a.write("T", 1, 1);
    a.write("T2", 2, 2);
    a.sync();
    b.sync();
    w.lab.server_erase(*w.store, key_named("T2"));
    w.write("P", 3, 3);
    REQUIRE(w.engine->prune("main", 100, noon));
    w.write("C1", 4, 4);
    b.set("T", 1, 8);
    const auto report = b.sync(sync_mode::pull_only);
    CHECK(report.ok());
    CHECK(report.hydrated);
    CHECK_FALSE(b.at("T2"));
    CHECK(b.at("P") == w.at("P"));
    CHECK(b.at("C1") == w.at("C1"));
    CHECK(b.at("T")->fields[1] == value::integer(8));
    CHECK(b.sync().ok());
    CHECK(w.at("T")->fields[1] == value::integer(8));
}

TEST_CASE("mutation client: a server whose cursor does not move is not asked for ever", "[wire]") {
    world w;
    device a{w, "a"};
    const auto report = a.sync(sync_mode::pull_only, [&](const request&) -> result<response> {
        return json_response(200, R"({"snapshots":[],"new_sync_cursor":0,"has_more":true})");
    });
    REQUIRE(report.why);
    CHECK(report.why->code == errc::malformed_message);
}

TEST_CASE("mutation client: a server that names a new incarnation of its data with every answer is not asked for ever", "[wire]") {
    const auto refused = [](const std::string& epoch) {
        return json_response(409, R"({"error":"epoch_changed","message":"another","epoch":")" + epoch + R"("})");
    };
    for (const bool same : {true, false})
        for (const bool push : {true, false}) {
            CAPTURE(same, push);
            world w;
            device a{w, "a"};
            a.write("T", 1, 1);
            std::size_t n = 0;
            const auto report = a.sync(push ? sync_mode::push_then_pull : sync_mode::pull_only, [&](const request&) -> result<response> {
                return refused(same || n++ % 2 == 0 ? "one" : "other");
            });
            REQUIRE(report.why);
            CHECK(report.why->code == errc::epoch_changed);
            CHECK(a.sent.size() < 20);
            CHECK(a.at("T"));
            CHECK(a.sync().ok());
            CHECK(w.at("T"));
        }
}

TEST_CASE("mutation client: a server that has never any history is not asked for ever", "[wire]") {
    world w;
    device a{w, "a"};
    a.write("T", 1, 1);
    const auto report = a.sync(sync_mode::pull_only, [&](const request&) -> result<response> { return json_error(409, "history_pruned", "start again"); });
    REQUIRE(report.why);
    CHECK(report.why->code == errc::history_pruned);
    CHECK(a.sent.size() < 20);
    CHECK(a.sync().ok());
    CHECK(w.at("T"));
}

TEST_CASE("mutation client: a failure of the push does not keep the device from receiving", "[wire]") {
    world w;
    device a{w, "a"};
    w.write("P", 3, 3);
    a.write("T", 1, 1);
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (r.path == "/tether/push") return json_error(500, "internal", "broken");
        return w.handle(r, "a");
    });
    REQUIRE(report.why);
    CHECK(report.pulled == 1);
    CHECK(a.at("P"));
}

TEST_CASE("mutation client: a device that must rehydrate sends nothing before it has", "[wire]") {
    world w;
    device a{w, "a"};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    a.set("T", 0, 5);
    REQUIRE(a.engine.note_epoch("another incarnation", {}, a.random, noon));
    const auto pushed = a.sync(sync_mode::push_only);
    REQUIRE(pushed.why);
    CHECK(pushed.why->code == errc::epoch_changed);
    CHECK(w.at("T")->fields[0] == value::integer(1));

    a.sent.clear();
    const auto report = a.sync();
    CHECK(report.hydrated);
    REQUIRE(a.sent.size() >= 2);
    CHECK(a.sent.front().path == "/tether/pull");
    CHECK(w.at("T")->fields[0] == value::integer(5));
}

}  // namespace client_test
