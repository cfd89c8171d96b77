// A change that the server leaves undecided, for however long, keeps only itself and what builds on it (W06, W07).

#include <syncline/wire/mutation/client.hpp>

#include "support/catch.hpp"
#include "unit/wire/mutation/world.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <utility>

namespace undecided_test {

using namespace mutation_tests;
using nlohmann::json;

namespace {

// A server that answers the changes of these records with `error`, and does not touch them.
lossy failing_on(device& d, std::set<std::string> keys) {
    return [&d, keys = std::move(keys)](const request& r) -> result<response> {
        if (r.path != "/tether/push") return d.w.handle(r, d.name);
        json body = json::parse(r.body), kept = json::array(), errors = json::array();
        for (auto& m : body["mutations"]) {
            if (keys.contains(m["entity_id"]))
                errors.push_back({{"mutation_id", m["mutation_id"]}, {"status", "error"}, {"code", "internal"}, {"message", "later"}});
            else
                kept.push_back(m);
        }
        body["mutations"] = kept;
        request rest = r;
        rest.body = body.dump();
        response answer = d.w.handle(rest, d.name);
        json said = json::parse(answer.body);
        for (auto& list : said)
            if (list.is_array())
                for (auto& e : errors) list.push_back(e);
        answer.body = said.dump();
        return answer;
    };
}

replica_counts counts(device& d) { return lab_must(d.engine.status(noon)).counts; }

}  // namespace

TEST_CASE("undecided: everything behind a change that the server fails on for ever is sent, in the same run and in later ones", "[wire]") {
    for (const std::size_t batch : {1u, 2u, 3u, 100u}) {
        CAPTURE(batch);
        world w;
        mutation_client_options options;
        options.batch_size = options.grown_batch_size = batch;
        device a{w, "a", options};
        REQUIRE(a.sync().ok());
        for (const char* key : {"T", "T2", "T3", "T4", "T5"}) a.write(key, 1, 1);
        const bool room = batch > 1;  // a request of one change holds nothing but that one
        auto report = a.sync(sync_mode::push_then_pull, failing_on(a, {"T"}));
        CHECK(report.why);
        for (const char* key : {"T2", "T3", "T4", "T5"}) CHECK(w.at(key).has_value() == room);
        CHECK_FALSE(w.at("T"));
        CHECK(counts(a).frozen == 1);
        CHECK(counts(a).waiting == 0);
        a.write("T6", 1, 1);
        report = a.sync(sync_mode::push_then_pull, failing_on(a, {"T"}));
        CHECK(w.at("T6").has_value() == room);
        // What others wrote comes in all the while.
        w.write("P", 9, 9);
        CHECK(a.sync(sync_mode::push_then_pull, failing_on(a, {"T"})).pulled >= 1);
        CHECK(a.at("P") == w.at("P"));
        REQUIRE(a.sync().ok());
        for (const char* key : {"T", "T2", "T3", "T4", "T5", "T6"}) CHECK(w.at(key));
        CHECK(counts(a).frozen == 0);
    }
}

TEST_CASE("undecided: an edit over the change stays behind it, and neither is lost nor doubled", "[wire]") {
    world w;
    device a{w, "a"}, b{w, "b"};
    a.write("T", 1, 1);
    REQUIRE(a.sync().ok());
    REQUIRE(b.sync().ok());
    a.set("T", 0, 5);
    CHECK(a.sync(sync_mode::push_then_pull, failing_on(a, {"T"})).why);
    a.set("T", 0, 6);
    a.write("T2", 2, 2);
    b.set("T", 1, 7);
    REQUIRE(b.sync().ok());
    CHECK(a.sync(sync_mode::push_then_pull, failing_on(a, {"T"})).why);
    CHECK(w.at("T2"));
    CHECK(w.at("T")->fields[0] == value::integer(1));
    REQUIRE(a.sync().ok());
    CHECK(w.at("T")->fields[0] == value::integer(6));
    CHECK(w.at("T")->fields[1] == value::integer(7));
    CHECK(a.at("T") == w.at("T"));
}

}  // namespace undecided_test
