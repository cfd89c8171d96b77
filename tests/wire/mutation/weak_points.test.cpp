// The weak points of the sheet's section 13, between Syncline peers: each interleaving by its number. What concerns foreign peers stands in
// their own tests, and what cannot occur in docs/parity.md.

#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weak_points_test {

using namespace mutation_tests;

namespace {

const std::vector<duration> skews{-72h, -1h, -300ms, 0us, 1us, 300ms, 1h, 72h};

// A record that is not there has a number that no test gives.
std::int64_t number(const std::optional<record>& r, std::size_t field) { return r ? r->fields[field].as_integer() : -1; }

/// Both devices have `T` = (1, 1), and so has the server.
struct pair_of_devices {
    pair_of_devices(duration a_off, duration b_off, mutation_client_options options = {}) : a(w, "a", options, a_off), b(w, "b", options, b_off) {
        w.write("T", 1, 1);
        REQUIRE(a.sync().ok());
        REQUIRE(b.sync().ok());
    }
    world w;
    device a, b;
};

}  // namespace

TEST_CASE("weak points: edits of different fields of one record both survive, in any order, with any clocks (W01, W03, W04, W05)", "[wire]") {
    for (const duration a_off : skews)
        for (const duration b_off : skews)
            for (const bool a_first : {true, false}) {
                INFO("clocks off by " << a_off.count() << " and " << b_off.count() << " us, " << (a_first ? "a" : "b") << " first");
                pair_of_devices p{a_off, b_off};
                p.a.set("T", 0, 7);
                p.b.set("T", 1, 9);
                REQUIRE((a_first ? p.a : p.b).sync().ok());
                REQUIRE((a_first ? p.b : p.a).sync().ok());
                REQUIRE((a_first ? p.a : p.b).sync().ok());
                for (auto* d : {&p.a, &p.b}) {
                    CHECK(number(d->at("T"), 0) == 7);
                    CHECK(number(d->at("T"), 1) == 9);
                }
                CHECK(p.a.at("T") == p.w.at("T"));
            }
}

TEST_CASE("weak points: who wins a field does not depend on anybody's clock (W03, W04, W05)", "[wire]") {
    for (const duration a_off : skews)
        for (const duration b_off : skews) {
            INFO("clocks off by " << a_off.count() << " and " << b_off.count() << " us");
            pair_of_devices p{a_off, b_off};
            p.a.set("T", 0, 7);
            REQUIRE(p.a.sync().ok());
            p.b.set("T", 0, 8);
            p.b.set("T", 1, 9);
            const auto met = p.b.sync();
            CHECK(met.conflicts == 1);
            REQUIRE(p.a.sync().ok());
            // Server wins: for the field that both changed, and for no other.
            for (auto* d : {&p.a, &p.b}) {
                CHECK(number(d->at("T"), 0) == 7);
                CHECK(number(d->at("T"), 1) == 9);
            }
            // Nobody is locked out for the time that a clock is off: the next edit, made after seeing the row, meets nothing.
            p.b.set("T", 0, 10);
            CHECK(p.b.sync().conflicts == 0);
            CHECK(number(p.w.at("T"), 0) == 10);
        }
}

TEST_CASE("weak points: any number of offline edits of one record end in the last one, without a conflict with themselves (W02)", "[wire]") {
    for (const std::size_t pushes : {1u, 2u, 3u})
        for (const bool created : {true, false})
            for (const bool answers_lost : {false, true}) {
                INFO(pushes << " pushes, " << (created ? "created offline" : "known before") << (answers_lost ? ", each answer lost once" : ""));
                pair_of_devices p{-1h, 1h};
                const std::string key = created ? "T2" : "T";
                std::size_t conflicts = 0;
                for (std::size_t i = 0; i < pushes; ++i) {
                    for (std::int64_t edit = 0; edit < 3; ++edit) {
                        const auto v = static_cast<std::int64_t>(10 * (i + 1)) + edit;
                        p.a.at(key) ? p.a.set(key, 0, v) : p.a.write(key, v, 1);
                    }
                    bool lose = answers_lost;
                    const auto report = p.a.sync(sync_mode::push_only, [&](const request& r) -> result<response> {
                        auto answer = p.w.handle(r, "a");
                        if (std::exchange(lose, false)) return make_fault(errc::timed_out, "lost on purpose");
                        return answer;
                    });
                    CHECK(report.ok());
                    conflicts += report.conflicts;
                }
                CHECK(conflicts == 0);
                REQUIRE(p.b.sync().ok());
                CHECK(number(p.w.at(key), 0) == static_cast<std::int64_t>(10 * pushes) + 2);
                CHECK(p.b.at(key) == p.w.at(key));
            }
}

TEST_CASE("weak points: an edit at any step of a pull is not lost, nor overwritten (W08)", "[wire]") {
    mutation_client_options small;
    small.page_size = 1;
    for (std::size_t step = 0; step < 6; ++step) {
        INFO("edits before and after request " << step << " is answered");
        pair_of_devices p{0us, 0us, small};
        p.w.write("T2", 6, 6);
        p.w.write("P", 7, 7);
        p.a.set("T", 1, 20);
        std::size_t n = 0;
        const auto report = p.a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
            const bool now = n++ == step;
            if (now) {
                p.a.set("T", 1, 21);
                record others = *p.w.at("T");
                others.fields[0] = value::integer(5);
                p.w.lab.server_write(*p.w.store, key_named("T"), others);
            }
            auto answer = p.w.handle(r, "a");
            if (now) p.a.set("T", 3, 22);
            return answer;
        });
        CHECK(report.ok());
        const std::int64_t last = n > step ? 21 : 20;
        CHECK(number(p.a.at("T"), 0) == (n > step ? 5 : 1));
        CHECK(number(p.a.at("T"), 1) == last);
        CHECK(number(p.a.at("T"), 3) == (n > step ? 22 : 0));
        REQUIRE(p.a.sync().ok());
        REQUIRE(p.b.sync().ok());
        for (const auto& row : {p.w.at("T"), p.a.at("T"), p.b.at("T")}) {
            CHECK(number(row, 0) == (n > step ? 5 : 1));
            CHECK(number(row, 1) == last);
            if (n > step) CHECK(number(row, 3) == 22);
        }
    }
}

TEST_CASE("weak points: rows of one instant, or from a clock that goes back, all arrive whatever the page size (W11, W15)", "[wire]") {
    const std::vector<std::string> keys{"T", "T2", "P", "C1", "C2"};
    for (const std::size_t page : {1u, 2u, 3u, 100u})
        for (const duration step : {duration{0}, duration{-3s}}) {
            INFO("pages of " << page << ", the server's clock moves by " << step.count() << " us from write to write");
            mutation_client_options options;
            options.page_size = page;
            world w;
            device a{w, "a", options}, b{w, "b", options};
            std::size_t wrote = 0;
            for (std::int64_t round = 1; round <= 3; ++round)
                for (const auto& key : keys) {
                    w.write(key, round, static_cast<std::int64_t>(wrote));
                    w.now += step;
                    // One device follows each write, the other one comes at the end.
                    if (++wrote % 4 == 0) REQUIRE(a.sync().ok());
                }
            REQUIRE(a.sync().ok());
            REQUIRE(b.sync().ok());
            for (const auto& key : keys) {
                CHECK(a.at(key) == w.at(key));
                CHECK(b.at(key) == w.at(key));
            }
            CHECK(a.sync().pulled == 0);
        }
}

TEST_CASE("weak points: a hard delete arrives, also where the history of it is gone (W14)", "[wire]") {
    for (const bool pruned : {false, true}) {
        INFO((pruned ? "pruned before the device came back" : "history kept"));
        pair_of_devices p{0us, 0us};
        p.w.lab.server_erase(*p.w.store, key_named("T"));
        p.w.write("T2", 2, 2);
        if (pruned) {
            lab_must(p.w.engine->seal_foreign("main", noon));
            auto t = lab_must(p.w.store->begin("main", access::write));
            lab_must(t.prune(lab_must(t.head()).seq));
            lab_must(t.commit());
        }
        // An edit of what is gone waits for nobody: it is decided, and told.
        p.b.set("T", 0, 4);
        CHECK(p.a.sync().ok());
        CHECK(p.b.sync().ok());
        for (auto* d : {&p.a, &p.b}) {
            CHECK_FALSE(d->at("T"));
            CHECK(d->at("T2") == p.w.at("T2"));
        }
        CHECK_FALSE(p.w.at("T"));
    }
}

TEST_CASE("weak points: every kind of value, raw octets and what no field expects too, arrives as it was (W17, W18)", "[wire]") {
    model_schema all;
    all.name = "node";
    const std::vector<value_kind> kinds{value_kind::boolean, value_kind::integer, value_kind::real, value_kind::decimal, value_kind::text,
                                        value_kind::bytes,   value_kind::time,    value_kind::json};
    for (const auto kind : kinds) all.fields.push_back({std::string{name_of(kind)}, kind, true, nullptr});
    schema_set schemas;
    lab_must(schemas.add(all));
    using namespace std::string_literals;
    const std::vector<std::vector<value>> rows{
        {value::boolean(true), value::integer(INT64_MIN), value::real(0.1), value::decimal("-0.10"), value::text("{\"a\":1}"), value::bytes("\x00\xff\xfe"s),
         value::time(noon), value::json("{\"a\":[1,\"1\",null]}")},
        {value{}, value{}, value{}, value{}, value{}, value{}, value{}, value{}},
        {value::boolean(false), value::integer(INT64_MAX), value::real(-0.0), value::decimal("123456789012345678901234567890.5"), value::text("a\0b"s), value::bytes(""),
         value::time(from_microseconds(-1)), value::json("\"{\\\"a\\\":1}\"")},
        // A column takes what it is given: a kind that is not the field's. A text where a time belongs waits (tests/wire/app_times.test.cpp).
        {value::text("yes"), value::text("7"), value::integer(7), value::real(1.5), value::bytes("\xc3\x28"s), value::text("text"), value::integer(7), value::boolean(true)}};
    memory_authority_store store{schemas};
    authority<memory_authority_store> engine{store};
    mutation_server<authority<memory_authority_store>> server{engine};
    seeded_random random{1};
    memory_replica_store there{schemas}, here{schemas};
    const auto sync = [&](memory_replica_store& d) {
        replica<memory_replica_store> r{d};
        lab_must(r.open(random, noon));
        mutation_client<replica<memory_replica_store>> wire{r};
        wire.start(sync_mode::push_then_pull);
        for (timestamp now = noon;;) {
            auto step = lab_must(wire.next(now, random));
            if (auto* done = std::get_if<done_step>(&step)) return done->report;
            auto& send = std::get<send_step>(step);
            lab_must(wire.on(send.token, server.handle(send.what, principal{"ann", "main"}, noon), now, random));
        }
    };
    for (std::size_t i = 0; i < rows.size(); ++i) lab_must(there.app_write({0, "k" + std::to_string(i)}, record{rows[i]}));
    CHECK(sync(there).ok());
    CHECK(sync(here).ok());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const record_key key{0, "k" + std::to_string(i)};
        INFO(key.key);
        REQUIRE(store.row("main", key));
        REQUIRE(here.row(key));
        for (std::size_t f = 0; f < kinds.size(); ++f) {
            INFO(name_of(kinds[f]));
            CHECK(store.row("main", key)->fields[f] == rows[i][f]);
            CHECK(here.row(key)->fields[f] == rows[i][f]);
        }
    }
}

TEST_CASE("weak points: what a validator refuses is told by field, changes nothing, and what others made of the record is told with it (W29, W35)", "[wire]") {
    pair_of_devices p{0us, 0us};
    p.w.validate = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.after == nullptr || c.after->fields[0].as_integer() < 100) return std::nullopt;
        return rejection{{errc::validation_failed, "too much"}, {{"a", "must be below 100"}}};
    };
    p.w.write("T", 1, 50);
    p.a.set("T", 0, 100);
    const auto report = p.a.sync();
    CHECK(report.failed == 1);
    REQUIRE(report.rejections.size() == 1);
    REQUIRE(report.rejections[0].messages.size() == 1);
    CHECK(report.rejections[0].messages[0].field == "a");
    CHECK(number(p.w.at("T"), 0) == 1);
    CHECK(number(p.a.at("T"), 0) == 100);
    CHECK(number(p.a.at("T"), 1) == 50);

    SECTION("it can be edited and goes again") {
        field_changes less;
        less.set(0, value::integer(99));
        REQUIRE(p.a.engine.edit(key_named("T"), less, std::nullopt, noon));
        CHECK(p.a.sync().ok());
        CHECK(number(p.w.at("T"), 0) == 99);
    }
    SECTION("it can be given up for the server's") {
        REQUIRE(p.a.engine.discard(key_named("T"), noon));
        CHECK(p.a.at("T") == p.w.at("T"));
    }
    SECTION("it can be tried again as it is") {
        p.w.validate = {};
        REQUIRE(p.a.engine.retry(key_named("T"), noon));
        CHECK(p.a.sync().ok());
        CHECK(number(p.w.at("T"), 0) == 100);
    }
}

TEST_CASE("weak points: two copies of one request in flight take effect once, whichever answer arrives, and however late (W33)", "[wire]") {
    for (const bool twice : {false, true})
        for (const bool others_between : {false, true}) {
            INFO((twice ? "sent twice" : "sent again after a lost answer") << (others_between ? ", others write in between" : ""));
            pair_of_devices p{0us, 0us};
            p.a.set("T", 2, 5);  // a counter: a second effect would show
            std::size_t n = 0;
            const auto report = p.a.sync(sync_mode::push_then_pull, [&](const request& r) -> result<response> {
                auto first = p.w.handle(r, "a");
                if (n++ != 0) return first;
                if (others_between) p.w.write("T", 3, 3);
                if (twice) return p.w.handle(r, "a");
                return make_fault(errc::timed_out, "lost on purpose");
            });
            CHECK(report.ok());
            CHECK(report.pushed == 1);
            CHECK(report.conflicts == 0);
            CHECK(number(p.w.at("T"), 2) == (others_between ? 0 : 5));
            CHECK(p.a.at("T") == p.w.at("T"));
        }
}

TEST_CASE("weak points: an outcome tells the record as it is after the whole request, so the two sides do not cross (W38)", "[wire]") {
    enum class others : std::uint8_t { nothing, the_same_field, another_field };
    for (const auto wrote : {others::nothing, others::the_same_field, others::another_field}) {
        INFO("what others changed meanwhile: " << static_cast<int>(wrote));
        pair_of_devices p{0us, 0us};
        record row = world::row("T", wrote == others::the_same_field ? 50 : 1, 1);
        if (wrote == others::another_field) row.fields[3] = value::integer(60);
        if (wrote != others::nothing) p.w.lab.server_write(*p.w.store, key_named("T"), row);
        p.a.set("T", 0, 7);
        REQUIRE(p.a.engine.freeze(100, false, p.a.random, noon));  // the first edit is on its way when the second is made
        p.a.set("T", 1, 8);
        const auto report = p.a.sync(sync_mode::push_only);
        CHECK(report.ok());
        // After the push alone the device shows what the server has, with nothing of either edit rewound.
        for (const auto& shown : {p.a.at("T"), p.w.at("T")}) {
            CHECK(number(shown, 0) == (wrote == others::the_same_field ? 50 : 7));
            CHECK(number(shown, 1) == 8);
            CHECK(number(shown, 3) == (wrote == others::another_field ? 60 : 0));
        }
    }
}

TEST_CASE("weak points: a rebuild finds what has diverged, mends it, and keeps what was not sent (W51)", "[wire]") {
    const std::vector<std::string> keys{"T", "T2", "P", "C1", "C2"};
    // What a fault of the disk, of the app or of this library may have done to each of the rows, behind everybody's back.
    enum class harm : std::uint8_t { none, other_content, forgotten, one_too_many };
    for (const auto done : {harm::none, harm::other_content, harm::forgotten, harm::one_too_many})
        for (const bool unsent : {false, true}) {
            INFO("harm " << static_cast<int>(done) << (unsent ? ", with an unsent change" : ""));
            world w;
            device a{w, "a"};
            for (const auto& key : keys) w.write(key, 1, 1);
            w.lab.server_erase(*w.store, key_named("C2"));
            w.write("C1", 2, 1);
            REQUIRE(a.sync().ok());
            {
                auto t = lab_must(a.store->begin());
                switch (done) {
                case harm::none: break;
                case harm::other_content: lab_must(t.write(key_named("T2"), world::row("T2", 77, 77))); break;
                case harm::forgotten:
                    lab_must(t.erase(key_named("T2")));
                    lab_must(t.put_base(key_named("T2"), base_row{}));
                    break;
                case harm::one_too_many:
                    lab_must(t.write(key_named("C2"), world::row("C2", 5, 5)));
                    lab_must(t.put_base(key_named("C2"), base_row{1, false, std::nullopt, std::nullopt, false}));
                    break;
                }
                lab_must(t.commit());
            }
            if (unsent) a.set("T", 1, 9);
            lab_must(a.engine.begin_hydration(noon));
            const auto report = a.sync(sync_mode::pull_only);
            CHECK(report.ok());
            CHECK(report.hydrated);
            CHECK(report.differed == (done == harm::none ? 0u : 1u));
            for (const auto& key : {"T2", "P", "C1", "C2"}) CHECK(a.at(key) == w.at(key));
            if (unsent) CHECK(number(a.at("T"), 1) == 9);
            REQUIRE(a.sync().ok());
            CHECK(a.at("T") == w.at("T"));
            CHECK(number(w.at("T"), 1) == (unsent ? 9 : 1));
        }
}

TEST_CASE("weak points: the echo of an own change is not counted as pulled (W47)", "[wire]") {
    pair_of_devices p{0us, 0us};
    p.a.set("T", 0, 7);
    const auto own = p.a.sync();
    CHECK(own.pushed == 1);
    CHECK(own.pulled == 0);
    p.w.write("T2", 1, 1);
    p.a.set("T", 0, 8);
    CHECK(p.a.sync().pulled == 1);
}

}  // namespace weak_points_test
