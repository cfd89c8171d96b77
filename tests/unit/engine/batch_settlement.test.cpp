#include <syncline/engine/batch_settlement.hpp>

#include <syncline/conflict/resolvers.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace batch_settlement_test {

namespace {

using namespace engine_tests;

struct plain_device : device {
    explicit plain_device(resolver_set resolvers = resolver_set{}) : device(std::move(resolvers)) {
        lab_must(engine.note_epoch(std::string{unversioned_epoch}, {}, random, now));
        take({image("T", 0, node_row(1, 1)), image("P", 0, node_row(1, 1))});
    }
    mutation_id sent(const std::string& key) {
        const auto batch = freeze();
        for (const auto& item : batch->items)
            if (item.what.key == key_named(key)) return item.id;
        return {};
    }
    outcome refused_for(const std::string& key, std::optional<record> row) {
        return answer_with_row(sent(key), outcome_kind::superseded, 0, std::move(row));
    }
};

}  // namespace

TEST_CASE("batch settlement: an authority with versions decides, and nothing is decided here") {
    device d;
    d.take({image("T", 1, node_row(1, 1))});
    d.write("T", node_row(5, 5));
    const auto id = d.freeze()->items[0].id;
    const auto report = d.settle({answer_with_row(id, outcome_kind::superseded, 2, node_row(9, 1))});
    CHECK(report.superseded == 1);
    CHECK(d.row("T") == node_row(9, 1));
    CHECK_FALSE(d.open("T"));
}

TEST_CASE("batch settlement: what a foreign server refuses by its clock is merged by field here, and goes out again later than it was made") {
    plain_device d;
    d.write("T", node_row(5, 1));
    const auto made = d.freeze()->items[0].what.edited_at;
    const auto report = d.settle({d.refused_for("T", node_row(1, 9))});
    CHECK(report.conflicts.size() == 1);
    CHECK(d.row("T") == node_row(5, 9));
    CHECK(d.base("T").row == node_row(1, 9));
    REQUIRE(d.open("T"));
    CHECK_FALSE(d.open("T")->waiting);
    CHECK(d.open("T")->edited_at > made);
    CHECK(d.status().counts.frozen == 0);
    d.check();
}

TEST_CASE("batch settlement: fields that overlap are the server's by default, the others go out") {
    plain_device d;
    d.write("T", node_row(5, 7));
    d.settle({d.refused_for("T", node_row(9, 1))});
    CHECK(d.row("T") == node_row(9, 7));
    d.settle({d.refused_for("T", node_row(9, 8))});
    CHECK(d.row("T") == node_row(9, 8));
    CHECK_FALSE(d.open("T"));
    d.check();
}

TEST_CASE("batch settlement: a refusal whose row is what the user saw is of the clocks only: no conflict, an erase stays one") {
    plain_device d;
    d.write("T", node_row(5, 1));
    d.erase("P");
    const auto report = d.settle({d.refused_for("T", node_row(1, 1)), d.refused_for("P", node_row(1, 1))});
    CHECK(report.conflicts.empty());
    CHECK(d.row("T") == node_row(5, 1));
    CHECK_FALSE(d.row("P"));
    REQUIRE(d.open("P"));
    CHECK(d.open("P")->op == operation::erase);
    CHECK(d.freeze()->items.size() == 2);
    d.check();
}

TEST_CASE("batch settlement: an erase meets a change of others: the resolver decides") {
    plain_device d;
    d.erase("P");
    CHECK(d.settle({d.refused_for("P", node_row(2, 2))}).superseded == 1);
    CHECK(d.row("P") == node_row(2, 2));
    plain_device mine{resolver_set{resolvers::client_wins{}}};
    mine.erase("P");
    mine.settle({mine.refused_for("P", node_row(2, 2))});
    CHECK_FALSE(mine.row("P"));
    REQUIRE(mine.open("P"));
    mine.check();
}

TEST_CASE("batch settlement: edits made over the batch are decided with it, and the rest of the batch stays in flight") {
    plain_device d;
    d.write("T", node_row(5, 1));
    d.write("P", node_row(5, 1));
    const auto batch = d.freeze();
    REQUIRE(batch->items.size() == 2);
    d.write("T", node_row(5, 6));
    d.settle({d.refused_for("T", node_row(9, 1))});
    CHECK(d.row("T") == node_row(9, 6));
    const auto left = d.freeze();
    REQUIRE(left->items.size() == 1);
    CHECK(left->head.id == batch->head.id);
    CHECK(left->items[0].what.key == key_named("P"));
    d.settle({answer(left->items[0].id, outcome_kind::applied)});
    CHECK(d.freeze()->items[0].what.key == key_named("T"));
    d.check();
}

TEST_CASE("batch settlement: without the row the foreign server's refusal stands, and a record that is gone there is gone here") {
    plain_device d;
    d.write("T", node_row(5, 1));
    CHECK(d.settle({answer(d.sent("T"), outcome_kind::superseded)}).superseded == 1);
    CHECK(d.row("T") == node_row(1, 1));
    d.write("T", node_row(6, 1));
    auto gone = answer_with_row(d.sent("T"), outcome_kind::refused, 0, std::nullopt);
    gone.why = wait_reason{errc::absent, "gone"};
    d.settle({gone});
    CHECK(d.row("T") == node_row(6, 1));
    REQUIRE(d.open("T"));
    CHECK(d.open("T")->waiting);
    lab_must(d.engine.discard(key_named("T"), d.now));
    CHECK_FALSE(d.row("T"));
    d.check();
}

TEST_CASE("batch settlement: an outcome for what is not in flight is passed over, whoever numbers the rows") {
    plain_device d;
    d.write("T", node_row(5, 1));
    const auto id = d.sent("T");
    d.settle({answer_with_row("unknown", outcome_kind::superseded, 0, node_row(9, 9))});
    CHECK(d.freeze()->items[0].id == id);
    CHECK(d.row("T") == node_row(5, 1));
}

TEST_CASE("batch settlement: a row of a lost timeline that the answer has as it was is not reported as lost") {
    device d;
    CHECK(!lab_must(d.engine.note_epoch("one", {}, d.random, d.now)));
    d.take({image("T", 8, node_row(1))});
    CHECK(lab_must(d.engine.note_epoch("two", {{5, 1000, 5, 1000}}, d.random, d.now)));
    std::vector<unread_row> unreadable(1);
    unreadable[0].name = {"node", "T"};
    CHECK(lab_must(d.engine.stage("walk", 0, 1, 5, {}, cursor{40}, d.now, unreadable)).lost == 0);
    d.write("T", node_row(1, 5));
    d.settle({answer_with_row(d.freeze()->items[0].id, outcome_kind::superseded, 1001, node_row(1))});
    CHECK(d.kept("T").version == 1001);
    CHECK_FALSE(d.kept("T").lost);
    CHECK(lab_must(d.engine.lost_by_restore(10, d.now)).empty());
}

TEST_CASE("batch settlement: a record that has left the view stays out of it where the server's own change is told without its row") {
    device d;
    d.take({image("T", 5, node_row(1))});
    d.write("T", node_row(2));
    const auto id = d.freeze()->items[0].id;
    d.take({image("T", 0, std::nullopt)});
    CHECK(d.settle({answer(id, outcome_kind::superseded, 7)}).superseded == 1);
    CHECK_FALSE(d.row("T"));
    CHECK(d.kept("T").version == 0);
    CHECK(d.status().counts.frozen == 0);
    d.check();
}

}  // namespace batch_settlement_test
