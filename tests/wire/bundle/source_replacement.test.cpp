// A device whose source the server does not go on with takes another one, and tells the server so (sheet `bundle` 2.5): also where it dies at any moment,
// where it has to begin again before the server answered, and where it is put out of its account in between.

#include <syncline/engine/account_change.hpp>
#include <syncline/engine/source_registry.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>

#include "support/catch.hpp"
#include "support/dying_store.hpp"
#include "unit/wire/bundle/fixture.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace source_replacement_test {

using namespace bundle_fixture;
using dying_store_kit::died;
using mortal = device_of<dying_store_kit::dying_store<memory_replica_store>>;
using kind = source_standing::kind;

namespace {

std::string source_of(const request& r) {
    for (const auto& h : r.headers)
        if (h.name == "Oversync-Source-ID") return h.value;
    return {};
}

/// What a device told of its sources, in the order in which it did.
std::vector<source_replacement> told(const std::vector<request>& sent) {
    std::vector<source_replacement> out;
    for (const auto& r : sent) {
        if (r.method != http_method::post || !r.path.ends_with("/snapshot-sessions")) continue;
        if (auto asked = must(bundle_wire::read_snapshot_request(r.body, json_limits{}))) {
            CHECK(source_of(r) == asked->previous);
            out.push_back(std::move(*asked));
        }
    }
    return out;
}

bool names(const request& r, const std::string& source) { return source_of(r) == source || r.body.find(source) != std::string::npos; }

/// Under one number of one source goes one bundle, however often it goes.
/// @param got  where no request was lost, the answers: a bundle that the server has refused was none
void no_number_twice(const std::vector<request>& sent, const std::vector<response>* got = nullptr) {
    std::map<std::pair<std::string, std::int64_t>, std::string> rows;
    std::pair<std::string, std::int64_t> now;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const auto& r = sent[i];
        if (got != nullptr && r.path.ends_with("/commit") && (*got)[i].status != 200) rows.erase(now);
        if (r.method != http_method::post) continue;
        if (r.path.ends_with("/push-sessions")) now = {source_of(r), must(parsed(r.body).root().find("source_bundle_id")->as_int())};
        if (!r.path.ends_with("/chunks")) continue;
        const auto [at, first] = rows.try_emplace(now, r.body);
        INFO(now.first << " " << now.second);
        if (!first) CHECK(at->second == r.body);
    }
}

/// A device that has sent two bundles, has a third one on its way, whose session is open, and has more to send. Another device has changed something.
struct scene {
    server_side server;
    device_side other{server, 2};
    mortal d{server, 1};
    std::string before;     ///< the source that the server knows
    std::string successor;  ///< the one that takes its place, once it is chosen
    std::int64_t head = 0;

    scene() {
        d.write(project_key("p"), a_project("home"));
        d.write(task_key("counted"), a_task("x", 10, "p"));
        REQUIRE(d.sync().ok());
        d.write(task_key("gone"), a_task("x", 0, "p"));
        REQUIRE(d.sync().ok());
        REQUIRE(other.sync().ok());
        other.write(task_key("other"), a_task("the other's", 1, "p"));
        REQUIRE(other.sync().ok());
        d.write(task_key("counted"), a_task("x", 15, "p"));
        d.erase(task_key("gone"));
        d.die_after = 2;  // the session is made and filled
        REQUIRE_FALSE(d.run());
        REQUIRE(d.status().counts.frozen == 2);
        d.write(task_key("made"), a_task("late", 7, "p"));
        before = d.status().state.source_id;
        head = server.head();
        d.sent.clear();
    }

    void renew(const std::string& reason = "history_pruned") {
        must(d.engine->renew_source(d.random, false, server.now, reason));
        successor = d.status().state.source_id;
    }
    /// The device meets the refusal, if it has not yet, and syncs. @return whether it lived to the end
    bool lives() {
        try {
            if (d.status().state.source_id == before) renew();
            const auto done = d.run();
            if (!done) return false;
            INFO((done->why ? done->why->detail : std::string{}));
            CHECK(done->ok());
            return true;
        } catch (const died&) {
            d.store.life->last = 0;
            d.boot();
            // What it had chosen is what it finds.
            const auto state = d.status().state;
            if (!successor.empty()) CHECK(state.source_id == successor);
            if (state.source_id != before) successor = state.source_id;
            return false;
        }
    }
    void check() {
        const auto state = d.status().state;
        CHECK(state.source_id == successor);
        CHECK(successor != before);
        CHECK(state.replaced_source.empty());
        CHECK(state.replacement_reason.empty());
        CHECK(must(server.engine.standing("home", before)) == source_standing{kind::retired, "ann", successor, "history_pruned"});
        CHECK(must(server.engine.standing("home", successor)) == source_standing{});
        for (const auto& one : told(d.sent)) CHECK(one == source_replacement{before, successor, "history_pruned"});
        CHECK_FALSE(told(d.sent).empty());
        all_arrived();
        CHECK(server.head() == head + 1);  // once
    }
    void all_arrived() {
        no_number_twice(d.sent);
        const auto counts = d.status().counts;
        CHECK(counts.open + counts.frozen + counts.waiting == 0);
        CHECK(text_of(server.row(task_key("counted"))) == "x|no|15|p");
        CHECK(text_of(server.row(task_key("gone"))) == "gone");
        CHECK(text_of(server.row(task_key("made"))) == "late|no|7|p");
        REQUIRE(other.sync().ok());
        for (const char* key : {"counted", "gone", "made", "other"}) {
            CHECK(d.row(task_key(key)) == server.row(task_key(key)));
            CHECK(other.row(task_key(key)) == server.row(task_key(key)));
        }
    }
};

/// Counts to 10, and then to 15 without hearing that this was committed.
template <class Device>
void count_unheard(server_side& server, Device& d) {
    d.write(task_key("counted"), a_task("x", 10));
    REQUIRE(d.sync().ok());
    d.write(task_key("counted"), a_task("x", 15));
    d.die_after = 3;  // committed, and not heard
    REQUIRE_FALSE(d.run());
    REQUIRE(text_of(server.row(task_key("counted"))) == "x|no|15|-");
}

/// The second count waits for a person, who may see that it was added.
template <class Device>
void check_counted_once(server_side& server, Device& d) {
    CHECK(d.status().counts.waiting == 1);
    CHECK(must(d.engine->waiting(1, server.now)).front().waiting->code == errc::maybe_sent);
    CHECK(text_of(server.row(task_key("counted"))) == "x|no|15|-");  // and not 20
}

}  // namespace

TEST_CASE("source replacement: a device that dies at any call of its storage tells the same replacement afterwards, and nothing is lost or numbered twice", "[wire][bundle]") {
    std::uint64_t calls = 0;
    std::size_t before_it = 0, untold = 0, told_of = 0, after_it = 0;
    for (std::uint64_t n = 1; n == 1 || n <= calls + 1; ++n) {
        INFO("call " << n);
        scene s;
        s.d.store.life->calls = 0;
        s.d.store.life->last = n;
        if (s.lives()) {
            CHECK(n == calls + 1);
            s.d.store.life->last = 0;
        } else {
            calls = n;
            const auto state = s.d.status().state;
            if (state.source_id == s.before)
                ++before_it;
            else if (state.replaced_source.empty())
                ++after_it;
            else if (told(s.d.sent).empty())
                ++untold;
            else
                ++told_of;  // the server did it, and the device has not heard
            REQUIRE(s.lives());
        }
        s.check();
    }
    // Each stage was met at several calls.
    INFO(before_it << " " << untold << " " << told_of << " " << after_it);
    for (const auto met : {before_it, untold, told_of, after_it}) CHECK(met > 5);
}

TEST_CASE("source replacement: an answer or a request that is lost on any way changes nothing of it", "[wire][bundle]") {
    std::size_t requests = 0;
    for (std::size_t n = 1; n == 1 || n <= requests; ++n)
        for (const int fate : {0, 1, 2}) {
            INFO("request " << n << ", fate " << fate);
            scene s;
            std::size_t at = 0;
            if (fate == 2)
                s.d.die_after = n;
            else
                s.d.line = [&](const request&) { return ++at == n ? (fate == 0 ? cut::request_lost : cut::answer_lost) : cut::none; };
            const bool lived = s.lives();
            CHECK(lived == (fate != 2));
            if (!lived) REQUIRE(s.lives());
            s.check();
            if (n == 1 && fate == 2) requests = s.d.sent.size() - 1;
        }
    CHECK(requests >= 6);  // the snapshot, its page, its end, the bundle's session, chunk, commit, rows, the pull
}

TEST_CASE("source replacement: one that is begun anew before the server answered is the same, whether the server did it or not", "[wire][bundle]") {
    for (const bool heard : {false, true}) {
        INFO((heard ? "the answer was lost" : "nothing was asked yet"));
        scene s;
        s.renew();
        const auto first = s.successor;
        if (heard) {
            s.d.die_after = 1;
            REQUIRE_FALSE(s.d.run());
            REQUIRE(must(s.server.engine.standing("home", s.before)).what == kind::retired);
        }
        s.renew("source_retired");
        CHECK(s.successor == first);  // nothing was numbered under it, so it has no history that could be broken
        CHECK(s.d.status().state.replaced_source == s.before);
        const auto done = s.d.sync();
        CHECK(done.ok());
        CHECK_FALSE(done.why);
        s.check();
    }
}

TEST_CASE("source replacement: a push alone tells of it before anything goes out under the new source", "[wire][bundle]") {
    scene s;
    s.renew();
    CHECK(s.d.sync(sync_mode::push_only).ok());
    REQUIRE_FALSE(s.d.sent.empty());
    CHECK(s.d.sent.front().path.ends_with("/snapshot-sessions"));
    CHECK(told(s.d.sent).size() == 1);
    s.check();
}

TEST_CASE("source replacement: a copy takes a source of its own before anything was told, and leaves telling to the other", "[wire][bundle]") {
    scene s;
    s.renew();
    const auto first = s.successor;
    must(s.d.engine->renew_source(s.d.random, false, s.server.now));
    s.successor = s.d.status().state.source_id;
    CHECK(s.successor != first);
    CHECK(s.successor != s.before);
    REQUIRE(s.d.sync().ok());
    CHECK(told(s.d.sent).empty());
    CHECK(must(s.server.engine.standing("home", s.before)) == source_standing{});
    s.all_arrived();
}

TEST_CASE("source replacement: a device that is put out of its account first forgets it, and nothing is lost or numbered twice by that", "[wire][bundle]") {
    // The account was away for a moment only, so the former source is known there still.
    scene s;
    s.renew();
    const auto first = s.successor;
    bool out = false;
    s.d.intercept = [&](const request& r) {
        return !std::exchange(out, out || r.path.ends_with("/snapshot-sessions")) && out ? std::optional{json_error(409, "scope_uninitialized", "no such account")}
                                                                                        : std::optional<response>{};
    };
    const auto done = s.d.sync();
    CHECK(done.ok());
    CHECK(out);
    CHECK(told(s.d.sent).size() == 1);  // which was refused
    CHECK(std::count_if(s.d.sent.begin(), s.d.sent.end(), [](const request& r) { return asks_for(r, http_method::post, "/connect"); }) == 1);
    s.successor = s.d.status().state.source_id;
    CHECK(s.successor != first);
    CHECK(s.successor != s.before);
    CHECK(s.d.status().state.replaced_source.empty());
    CHECK(must(s.server.engine.standing("home", s.before)) == source_standing{});  // nobody writes under it again
    for (const auto& r : s.d.sent)
        if (r.path.ends_with("/push-sessions")) CHECK(source_of(r) == s.successor);
    s.all_arrived();
    s.d.write(task_key("next"), a_task("goes on"));
    CHECK(s.d.sync().pushed == 1);
}

TEST_CASE("source replacement: the server of an account that knows nothing of it is told of it in no other request", "[wire][bundle]") {
    scene s;
    s.d.write(task_key("alone"), a_task("under nothing"));
    s.renew();
    server_side fresh;
    s.d.got.clear();
    s.d.intercept = [&](const request& r) { return std::optional{fresh.call(r)}; };
    CHECK(s.d.sync().ok());
    const auto connected = std::find_if(s.d.sent.begin(), s.d.sent.end(), [](const request& r) { return r.path.ends_with("/connect"); });
    REQUIRE(connected != s.d.sent.end());
    CHECK(std::distance(s.d.sent.begin(), connected) == 1);  // the one request by which it learnt that it is nowhere
    for (auto r = connected; r != s.d.sent.end(); ++r) {
        CHECK_FALSE(names(*r, s.before));
        CHECK_FALSE(names(*r, s.successor));
    }
    CHECK(must(fresh.engine.standing("home", s.before)) == source_standing{});
    CHECK(text_of(fresh.row(task_key("alone"))) == "under nothing|no|0|-");
    CHECK(text_of(s.d.row(task_key("made"))) == "late|no|7|p");  // its parent is not there, so it waits
    REQUIRE(s.d.got.size() == s.d.sent.size());
    no_number_twice(s.d.sent, &s.d.got);
}

TEST_CASE("source replacement: another account's server hears of neither source", "[wire][bundle]") {
    scene s;
    s.renew();
    must(s.d.engine->change_account(unsent_changes::keep_new_records, s.d.random, s.server.now));
    server_side fresh;
    s.d.intercept = [&](const request& r) { return std::optional{fresh.call(r, "bob")}; };
    CHECK(s.d.sync().ok());
    CHECK_FALSE(s.d.sent.empty());
    for (const auto& r : s.d.sent) {
        CHECK_FALSE(names(r, s.before));
        CHECK_FALSE(names(r, s.successor));
    }
}

TEST_CASE("source replacement: that a number is not due does not tell that its bundle was not committed, so its changes wait for a person", "[wire][bundle]") {
    server_side server;
    device_side d{server, 1};
    count_unheard(server, d);
    d.who = "ben";
    d.sent.clear();
    d.got.clear();
    const auto done = d.sync();
    REQUIRE(d.got.front().status == 409);
    REQUIRE(text_in(d.got.front().body, "error") == "source_sequence_out_of_order");
    CHECK(done.failed == 1);
    check_counted_once(server, d);
    CHECK(d.sync().pushed == 0);
}

TEST_CASE("source replacement: a source that this device did not give up was a copy's too, so what would go out under it waits for a person", "[wire][bundle]") {
    server_side server;
    mortal d{server, 1};
    count_unheard(server, d);
    const auto source = d.status().state.source_id;
    // A server that keeps no receipts has forgotten the bundle, told a copy of this device so, and let that give the source up.
    must(server.engine.create_snapshot(caller{"home", "ann", source}, "picture", server.now, source_replacement{source, "of-the-copy", "history_pruned"}));
    d.intercept = [&](const request& r) {
        return r.path.ends_with("/push-sessions") && source_of(r) == source ? std::optional{json_error(409, "source_retired", "this source was replaced")}
                                                                            : std::optional<response>{};
    };
    CHECK(d.sync().why);
    (void)d.sync();
    check_counted_once(server, d);
    CHECK(d.status().state.source_id != source);
    CHECK(d.status().state.source_id != "of-the-copy");
    d.write(task_key("new"), a_task("y"));
    CHECK(d.sync().pushed == 1);
}

}  // namespace source_replacement_test
