#include <syncline/wire/mutation/rereading.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <set>
#include <string>
#include <vector>

namespace rereading_test {

using namespace mutation_tests;

namespace {

/// A device that has kept rows of these keys, which it cannot read: a field is of another kind.
struct bench {
    explicit bench(const std::vector<std::string>& keys, std::string_view model = "node") {
        auto t = lab_must(a.store->begin());
        for (const auto& key : keys) {
            unread_row u;
            u.name = {std::string{model}, key};
            u.version = 1;
            u.text = R"({"entity_id":")" + key + R"(","model":"node","operation":"upsert","payload":{"a":"not a number"}})";
            u.why = wait_reason{errc::malformed_value, "no"};
            lab_must(t.put_unread(u));
        }
        lab_must(t.commit());
    }
    void begin(mutation_wire::rereading& r, std::string_view epoch = "e1") { lab_must(r.begin(a.engine, epoch, form, options, noon, report)); }
    std::vector<std::string> ask(mutation_wire::rereading& r, std::size_t most) {
        std::vector<std::string> out;
        for (const auto& key : r.ask(most)) out.push_back(key.key);
        return out;
    }
    world w;
    device a{w, "a"};
    mutation_wire::plain_form form;
    mutation_client_options options;
    sync_result report;
};

}  // namespace

TEST_CASE("rereading: what cannot be read is asked for again, some at a time, each once in a run", "[wire]") {
    bench b{{"T1", "T2", "T3", "T4", "T5"}};
    mutation_wire::rereading r;
    r.started();
    b.begin(r);
    CHECK(b.ask(r, 2) == std::vector<std::string>{"T1", "T2"});
    CHECK(b.ask(r, 2) == std::vector<std::string>{"T1", "T2"});  // the request failed
    r.answered();
    CHECK(b.ask(r, 2) == std::vector<std::string>{"T3", "T4"});
    r.answered();
    b.begin(r);  // once in a run
    CHECK(b.ask(r, 2) == std::vector<std::string>{"T5"});
    r.answered();
    CHECK(b.ask(r, 2).empty());
    r.answered();
}

TEST_CASE("rereading: the next run goes on after the last that was asked for, and begins again from the first", "[wire]") {
    bench b{{"T1", "T2", "T3"}};
    mutation_wire::rereading r;
    std::vector<std::string> asked;
    for (int run = 0; run < 4; ++run) {
        r.started();
        b.begin(r);
        const auto some = b.ask(r, 1);
        asked.insert(asked.end(), some.begin(), some.end());
        r.answered();
    }
    CHECK(asked == std::vector<std::string>{"T1", "T2", "T3", "T1"});
}

TEST_CASE("rereading: a row that was kept is read in the form in which its server sends rows", "[wire]") {
    for (const bool foreign : {true, false}) {
        bench b{{}};
        if (foreign) lab_must(b.a.engine.note_epoch(std::string{unversioned_epoch}, {}, b.a.random, noon));
        auto t = lab_must(b.a.store->begin());
        unread_row kept;
        kept.name = {"node", "T1"};
        kept.version = 1;
        kept.text = R"({"entity_id":"T1","model":"node","operation":"upsert","payload":{"a":1}})";  // without a version, which is no row of ours
        kept.why = wait_reason{errc::unknown_model, "no"};
        lab_must(t.put_unread(kept));
        lab_must(t.commit());
        mutation_wire::rereading r;
        r.started();
        b.begin(r, foreign ? unversioned_epoch : "e1");
        CHECK(b.ask(r, 2).empty() == foreign);
        CHECK(b.a.at("T1").has_value() == foreign);
    }
}

TEST_CASE("rereading: rows of a model that this program does not have are not asked for", "[wire]") {
    bench b{{"T1", "T2"}, "of a newer program"};
    mutation_wire::rereading r;
    r.started();
    b.begin(r);
    CHECK(b.ask(r, 10).empty());
}

}  // namespace rereading_test
