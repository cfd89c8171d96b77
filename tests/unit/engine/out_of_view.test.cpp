// What a device does when a record leaves its view and returns (ENGINE.md, "Pages, buckets and grants").

#include <syncline/engine/replica.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

namespace out_of_view_test {

using namespace engine_tests;

TEST_CASE("W13: a record that leaves the view is gone whatever its version, and any later row of it is taken") {
    device d;
    d.take({image("T", 9, node_row(1))});
    d.take({image("T", 0, std::nullopt)});
    CHECK_FALSE(d.row("T"));
    CHECK(d.base("T").version == 0);
    d.take({image("T", 3, node_row(2))});
    CHECK(d.row("T") == node_row(2));
}

TEST_CASE("W13: an unsent change of a record that leaves the view waits unseen, with what it changed only, and goes out when that returns") {
    device d;
    d.take({image("T", 9, node_row(1, 2))});
    d.write("T", node_row(7, 2));
    d.take({image("T", 0, std::nullopt)});
    d.check();
    CHECK_FALSE(d.row("T"));
    const auto waits = d.open("T");
    REQUIRE(waits);
    CHECK(waits->waiting->code == errc::out_of_view);
    CHECK(waits->changes.find(field_a) != nullptr);
    CHECK(waits->before->fields[field_a] == value::integer(1));
    CHECK(waits->before->fields[field_b].is_null());
    CHECK_FALSE(d.freeze());
    d.restart();
    CHECK(d.engine.take_client(key_named("T"), d.now).error().code == errc::out_of_view);

    d.take({image("T", 4, node_row(1, 5))});
    d.check();
    CHECK(d.row("T") == node_row(7, 5));
    const auto open = d.open("T");
    CHECK_FALSE(open->waiting);
    CHECK(open->base.row_version == 9);
    CHECK(open->before == node_row(1, 5));
    CHECK(d.freeze());
}

TEST_CASE("W13: an unsent erase waits too, and what the user created stays where it is") {
    device d;
    d.take({image("T", 9, node_row(1))});
    d.erase("T");
    d.write("T2", node_row(3));
    d.take({image("T", 0, std::nullopt), image("T2", 0, std::nullopt)});
    d.check();
    CHECK(d.open("T")->waiting->code == errc::out_of_view);
    CHECK(d.row("T2") == node_row(3));
    CHECK_FALSE(d.open("T2")->waiting);
    lab_must(d.engine.discard(key_named("T"), d.now));
    CHECK_FALSE(d.open("T"));
    CHECK(d.kept("T") == base_row{});
}

TEST_CASE("W13: a change in flight stays in its batch until its outcome, unseen") {
    device d;
    d.take({image("T", 9, node_row(1, 2))});
    d.write("T", node_row(7, 2));
    const auto batch = d.freeze();
    REQUIRE(batch);
    d.write("T", node_row(8, 2));
    d.take({image("T", 0, std::nullopt)});
    d.check();
    CHECK_FALSE(d.row("T"));
    CHECK(d.open("T")->waiting->code == errc::out_of_view);
    CHECK(d.freeze()->items.size() == 1);

    SECTION("it was applied, and the record is not visible") {
        auto o = answer(batch->items[0].id, outcome_kind::applied);
        o.out_of_view = true;
        d.settle({o});
        d.check();
        CHECK_FALSE(d.row("T"));
        CHECK(d.open("T")->waiting->code == errc::out_of_view);
        CHECK_FALSE(d.freeze());
    }
    SECTION("it was refused: both wait as one, and go out when the record returns") {
        auto o = answer(batch->items[0].id, outcome_kind::refused);
        o.why = wait_reason{errc::absent, ""};
        d.settle({o});
        d.check();
        CHECK_FALSE(d.row("T"));
        CHECK(d.open("T")->waiting->code == errc::absent);
        CHECK(d.open("T")->before->fields[field_a] == value::integer(1));
        CHECK(d.open("T")->before->fields[field_b].is_null());
        d.take({image("T", 12, node_row(2, 5))});
        CHECK_FALSE(d.open("T")->waiting);
        CHECK(d.row("T") == node_row(8, 5));
    }
}

TEST_CASE("W13: an own creation that was acknowledged and is out of view by then is not shown") {
    device d;
    d.write("T", node_row(7));
    const auto batch = d.freeze();
    d.take({image("T", 0, std::nullopt)});
    CHECK(d.row("T") == node_row(7));
    auto o = answer(batch->items[0].id, outcome_kind::applied);
    o.out_of_view = true;
    d.settle({o});
    d.check();
    CHECK_FALSE(d.row("T"));
    CHECK(d.kept("T") == base_row{});
}

TEST_CASE("W13: a change that met others is told of, although its record is out of view by then") {
    for (const bool clean : {true, false}) {
        CAPTURE(clean);
        device d;
        d.take({image("T", 9, node_row(1))});
        d.write("T", node_row(7));
        const auto batch = d.freeze();
        auto o = answer(batch->items[0].id, outcome_kind::applied);
        o.out_of_view = true;
        o.clean = clean;
        const auto report = d.settle({o});
        CHECK(report.applied == 1);
        CHECK(report.conflicts.size() == (clean ? 0U : 1U));
        CHECK_FALSE(d.row("T"));
    }
}

TEST_CASE("W13: a new record under the key of one that is out of view is the user's own") {
    device d;
    d.take({image("T", 9, node_row(1))});
    d.write("T", node_row(7));
    d.take({image("T", 0, std::nullopt)});
    d.write("T", node_row(5));
    lab_must(d.engine.absorb(d.now));
    d.check();
    CHECK(d.row("T") == node_row(5));
    CHECK(d.open("T")->op == operation::create);
    CHECK_FALSE(d.open("T")->waiting);
}

TEST_CASE("W13: a picture that tells deletions takes what it does not have out of view; a removal in it undoes an earlier part") {
    device d;
    d.take({image("T", 9, node_row(1)), image("T2", 9, node_row(2))});
    d.write("T", node_row(7));
    lab_must(d.engine.begin_hydration(d.now));
    lab_must(d.engine.stage("walk:5", 0, 1, 20, {image("T2", 10, node_row(3))}, {}, d.now, {}, true));
    lab_must(d.engine.stage("walk:5", 1, 2, 20, {image("T2", 0, std::nullopt)}, 2, d.now, {}, true));
    d.check();
    CHECK_FALSE(d.row("T"));
    CHECK_FALSE(d.row("T2"));
    CHECK(d.open("T")->waiting->code == errc::out_of_view);
}

}  // namespace out_of_view_test
