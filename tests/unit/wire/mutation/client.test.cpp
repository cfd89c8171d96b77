#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

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

namespace {

bool is_push(const request& r) { return r.path == "/tether/push"; }
std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
    return text;
}
mutation_client_options one_by_one() {
    mutation_client_options o;
    o.batch_size = o.grown_batch_size = 1;
    return o;
}

}  // namespace

TEST_CASE("mutation client: one request is under way at a time, a late answer is dropped, and a mode without pushes or pulls asks nothing", "[wire]") {
    world w;
    mutation_client_options o;
    o.page_size = 0;  // as many as the library likes
    device a{w, "a", o};
    a.write("T", 1, 1);
    CHECK(a.sync(sync_mode::connect_only).ok());
    CHECK(a.sent.empty());
    REQUIRE(a.wire.on(0, json_error(500, "internal", "of no request"), noon, a.random));
    a.wire.start(sync_mode::push_then_pull);
    const auto first = a.wire.next(noon, a.random);
    REQUIRE(first);
    const auto* send = std::get_if<send_step>(&*first);
    REQUIRE(send != nullptr);
    const auto still = a.wire.next(noon, a.random);
    REQUIRE(still);
    REQUIRE(std::get_if<wait_step>(&*still) != nullptr);
    CHECK(std::get_if<wait_step>(&*still)->until == (timestamp::max)());
    REQUIRE(a.wire.on(send->token + 1, json_error(500, "internal", "of another"), noon, a.random));
    CHECK(a.wire.report().retried == 0);
    CHECK(a.sync().ok());
    CHECK(a.sent.back().body.find("\"limit\":1000") != std::string::npos);
}

TEST_CASE("mutation client: a run has an end, whatever the server does, in the middle of pushing too", "[wire]") {
    world w;
    auto o = one_by_one();
    o.max_requests = 2;
    device a{w, "a", o};
    for (const char* key : {"T", "T2", "P", "C1"}) a.write(key, 1, 1);
    const auto report = a.sync(sync_mode::push_only);
    REQUIRE(report.why);
    CHECK(report.why->code == errc::bug);
    CHECK(a.sent.size() == 3);
    CHECK(a.sync().ok());
    CHECK(w.at("C1"));
}

TEST_CASE("mutation client: who is there is asked before anything is sent, unless the host does not want it; who is not let in sends nothing", "[wire]") {
    for (const bool pull_first : {true, false}) {
        world w;
        mutation_client_options o;
        o.pull_first = pull_first;
        device a{w, "a", o};
        a.write("T", 1, 1);
        const auto report = a.sync(sync_mode::push_then_pull, [&](const request&) { return result<response>{json_error(401, "unauthenticated", "sign in")}; });
        REQUIRE(report.why);
        CHECK(report.why->code == errc::unauthenticated);
        REQUIRE(a.sent.size() == 1);
        CHECK(is_push(a.sent[0]) == !pull_first);
        CHECK(a.sync().ok());
        CHECK(w.at("T"));
    }
}

TEST_CASE("mutation client: a batch that was frozen before batches had tokens goes out without one", "[wire]") {
    world w;
    device a{w, "a"};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    a.set("T", 0, 5);
    const auto lost = [](const request&) { return result<response>{make_fault(errc::unavailable, "lost on purpose")}; };
    CHECK(a.sync(sync_mode::push_only, lost).why);
    CHECK(a.sent.back().body.find("\"sequence\":{") != std::string::npos);
    {
        auto t = lab_must(a.store->begin());
        auto of = *lab_must(t.current_batch());
        of.token.clear();
        lab_must(t.put_batch(of));
        lab_must(t.commit());
    }
    CHECK(a.sync(sync_mode::push_only, lost).why);
    CHECK(a.sent.back().body.find("\"sequence\"") == std::string::npos);
    CHECK(a.sync().ok());
    CHECK(w.at("T")->fields[0] == value::integer(5));
}

TEST_CASE("mutation client: an answer that is too large to be read is asked for in parts", "[wire]") {
    world w;
    mutation_client_options o;
    o.json.max_bytes = 3000;
    device a{w, "a", o}, b{w, "b", o};
    for (const char* key : {"T", "T2", "P", "C1"}) a.write(key, 1, 1);
    const auto padded = [&](const request& r) -> result<response> {
        auto answer = w.handle(r, "a");
        for (std::size_t at = 0; (at = answer.body.find("\"status\"", at)) != std::string::npos; ++at) answer.body.append(1200, ' ');  // for each outcome
        return answer;
    };
    const auto up = a.sync(sync_mode::push_only, padded);
    CHECK(up.ok());
    CHECK(up.pushed == 4);
    const auto down = b.sync(sync_mode::pull_only, [&](const request& r) -> result<response> {
        if (r.body.find("\"limit\":1,") == std::string::npos && r.body.find("\"limit\":1}") == std::string::npos && r.body.find("\"limit\":3") == std::string::npos)
            return json_error(413, "too_large", "a shorter page, please");
        return w.handle(r, "b");
    });
    CHECK(down.ok());
    CHECK(down.pulled == 4);
    CHECK(down.retried > 0);
    CHECK(b.at("C1") == w.at("C1"));
    a.set("T", 0, 7);
    const auto lost = a.sync(sync_mode::push_only, [&](const request& r) -> result<response> {
        auto answer = w.handle(r, "a");
        answer.body.append(4000, ' ');
        return answer;
    });
    REQUIRE(lost.why);
    CHECK(lost.why->code == errc::too_large);
    CHECK(a.sync().ok());
    CHECK(w.at("T")->fields[0] == value::integer(7));
    device c{w, "c"};
    const auto never = c.sync(sync_mode::pull_only, [](const request&) { return result<response>{json_error(413, "too_large", "a shorter page, please")}; });
    REQUIRE(never.why);
    CHECK(never.why->code == errc::too_large);
    CHECK(c.sent.size() < 20);
}

TEST_CASE("mutation client: outcomes that cannot be read leave their changes in flight", "[wire]") {
    world w;
    device a{w, "a"};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    a.set("T", 0, 5);
    const auto nothing = a.sync(sync_mode::push_only, [&](const request& r) -> result<response> {
        auto answer = w.handle(r, "a");
        answer.body = replaced(answer.body, "\"applied\"", "\"done\"");
        return answer;
    });
    REQUIRE(nothing.why);
    CHECK(nothing.why->code == errc::malformed_message);
    CHECK(nothing.retried > 0);
    CHECK(a.sync().ok());
    CHECK(w.at("T")->fields[0] == value::integer(5));
}

TEST_CASE("mutation client: a page of another incarnation is not taken for the one that was asked for", "[wire]") {
    world w;
    device a{w, "a"};
    w.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    w.write("T", 2, 2);
    const auto epoch = lab_must(a.engine.standing(noon)).state.epoch;
    int named = 0;
    const auto once = a.sync(sync_mode::pull_only, [&](const request& r) -> result<response> {
        auto answer = w.handle(r, "a");
        if (named++ == 0) answer.body = replaced(answer.body, "\"epoch\":\"" + epoch, "\"epoch\":\"another");
        return answer;
    });
    CHECK(once.ok());
    CHECK(once.hydrated);
    CHECK(a.at("T") == w.at("T"));
    const auto always = a.sync(sync_mode::pull_only, [&](const request& r) -> result<response> {
        return json_response(200, replaced(w.handle(request{r.method, r.path, r.headers, R"({"client_id":"x","syncline":1,"limit":10})"}, "a").body, "\"epoch\":\"" + epoch,
                                           "\"epoch\":\"number " + std::to_string(++named)));
    });
    REQUIRE(always.why);
    CHECK(always.why->code == errc::epoch_changed);
    CHECK(named < 20);
    CHECK(a.at("T"));
    CHECK(a.sync().ok());
}

TEST_CASE("mutation client: a cursor that the server does not take is given up, and the state built anew", "[wire]") {
    world w;
    device a{w, "a"};
    w.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    w.write("T2", 2, 2);
    bool refused = false;
    const auto report = a.sync(sync_mode::pull_only, [&](const request& r) -> result<response> {
        if (!std::exchange(refused, true)) return json_error(400, "invalid_cursor", "not mine");
        return w.handle(r, "a");
    });
    CHECK(report.ok());
    CHECK(report.hydrated);
    CHECK(a.at("T2") == w.at("T2"));
}

TEST_CASE("mutation client: a server that refuses the new number of the device too is not asked with a third", "[wire]") {
    world w;
    device a{w, "a"};
    REQUIRE(a.sync().ok());
    a.write("T", 1, 1);
    a.wire.start(sync_mode::push_only);
    for (std::size_t pushes = 1; pushes <= 2; ++pushes) {
        const auto step = lab_must(a.wire.next(noon, a.random));
        REQUIRE(std::holds_alternative<send_step>(step));
        REQUIRE(a.wire.on(std::get<send_step>(step).token, json_error(409, "out_of_sequence", "not your number"), noon, a.random));
        // What was there may have been sent by another copy of the device, and waits; what is written now was not.
        CHECK(lab_must(a.engine.waiting(10, noon)).size() == 1);
        a.write("P", 1, 1);
    }
    const auto step = lab_must(a.wire.next(noon, a.random));
    REQUIRE(std::holds_alternative<done_step>(step));
    REQUIRE(std::get<done_step>(step).report.why);
    CHECK(std::get<done_step>(step).report.why->code == errc::out_of_sequence);
    CHECK(a.sync().ok());
    CHECK(w.at("P"));
}

TEST_CASE("mutation client: what is wrong by its status, but no fault of what was sent by its code, is asked again and loses nothing", "[wire]") {
    world w;
    device a{w, "a"};
    a.write("T", 1, 1);
    std::size_t pushes = 0;
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (!is_push(r)) return w.handle(r, "a");
        ++pushes;
        return json_error(400, "busy", "no");
    });
    REQUIRE(report.why);
    CHECK(report.why->code == errc::busy);
    CHECK(report.rejections.empty());
    CHECK(pushes > 1);
    CHECK(pushes < 20);
    CHECK(a.sync().ok());
    CHECK(w.at("T"));
}

TEST_CASE("mutation client: a refusal of nothing for another reason does not excuse the change that is refused", "[wire]") {
    world w;
    device a{w, "a"};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    a.set("T", 0, 5);
    const auto report = a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
        if (!is_push(r)) return w.handle(r, "a");
        return r.body.find("mutation_id") != std::string::npos ? json_error(422, "malformed_value", "not this") : json_error(400, "malformed_message", "nothing was sent");
    });
    CHECK(report.ok());
    REQUIRE(report.rejections.size() == 1);
    CHECK(report.rejections[0].why.code == errc::malformed_value);
}

}  // namespace client_test
