#include <syncline/engine/unread_rows.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <optional>
#include <string>
#include <vector>

namespace unread_rows_test {

namespace {

using namespace engine_tests;

unread_row illegible(const std::string& model, const std::string& key, std::int64_t version) {
    return {{model, key}, version, "{}", {errc::malformed_value, "field `a` takes a whole number"}};
}
page page_of(device& d, std::vector<row_image> rows, std::vector<unread_row> unread, std::vector<unread_name> gone = {}) {
    page p;
    p.from = d.status().state.checkpoint;
    p.next = p.from + 1;
    p.rows = std::move(rows);
    p.unread = std::move(unread);
    p.gone = std::move(gone);
    return p;
}
apply_report take(device& d, std::vector<row_image> rows, std::vector<unread_row> unread, std::vector<unread_name> gone = {}) {
    return lab_must(d.engine.apply(page_of(d, std::move(rows), std::move(unread), std::move(gone)), d.now));
}
std::vector<unread_row> kept(device& d) { return lab_must(d.engine.unread(nullptr, 100, d.now)); }

}  // namespace

TEST_CASE("unread rows: they are kept beside the page that they came in, its other rows and the checkpoint go on (W24)") {
    device d;
    d.take({image("T", 1, node_row(1))});
    d.write("T", node_row(1, 5));
    const auto report = take(d, {image("P", 2, node_row(8))}, {illegible("node", "T", 2), illegible("", "made up", 0)});
    CHECK(report.unread == 2);
    CHECK(report.applied == 1);
    CHECK(d.status().state.checkpoint == 2);
    CHECK(d.status().counts.unread == 2);
    CHECK(d.row("P") == node_row(8));
    CHECK(d.row("T") == node_row(1, 5));
    CHECK(kept(d) == std::vector<unread_row>{illegible("", "made up", 0), illegible("node", "T", 2)});
    d.check();
}

TEST_CASE("unread rows: a row of the record that can be read and is as new releases them, an older or another one does not") {
    device d;
    take(d, {}, {illegible("node", "T", 4), illegible("child", "T", 4), illegible("node", "T2", 4)});
    take(d, {image("T", 3, node_row(3)), image("P", 9, node_row(9))}, {});
    CHECK(kept(d).size() == 3);
    take(d, {image("T", 4, node_row(4))}, {});
    CHECK(kept(d) == std::vector<unread_row>{illegible("child", "T", 4), illegible("node", "T2", 4)});
    CHECK(d.row("T") == node_row(4));
    // A deletion can be read too.
    take(d, {image("T2", 5, std::nullopt)}, {});
    CHECK(kept(d) == std::vector<unread_row>{illegible("child", "T", 4)});
}

TEST_CASE("unread rows: what is known already is counted once, and an older copy does not replace a newer one") {
    device d;
    CHECK(take(d, {}, {illegible("node", "T", 4)}).unread == 1);
    CHECK(take(d, {}, {illegible("node", "T", 4)}).unread == 0);
    CHECK(take(d, {}, {illegible("node", "T", 3)}).unread == 0);
    CHECK(kept(d).front().version == 4);
    CHECK(take(d, {}, {illegible("node", "T", 5)}).unread == 1);
    CHECK(kept(d).front().version == 5);
}

TEST_CASE("unread rows: a record of a model that the device does not have goes with its deletion") {
    device d;
    take(d, {}, {illegible("stranger", "a", 1), illegible("stranger", "b", 1)});
    take(d, {}, {}, {{"stranger", "a"}, {"stranger", "never"}});
    CHECK(kept(d) == std::vector<unread_row>{illegible("stranger", "b", 1)});
    lab_must(d.engine.forget_unread({"stranger", "b"}, d.now));
    CHECK(kept(d).empty());
}

TEST_CASE("unread rows: a page that is dropped as stale leaves none, and releases none") {
    device d;
    take(d, {}, {illegible("node", "T", 4)});
    page late = page_of(d, {image("T", 9, node_row(9))}, {illegible("node", "T2", 9)}, {{"node", "T"}});
    late.from = 0;
    CHECK(lab_must(d.engine.apply(late, d.now)).stale);
    CHECK(kept(d) == std::vector<unread_row>{illegible("node", "T", 4)});
}

TEST_CASE("unread rows: a new picture tells of all of them again, and leaves what the device has of their records") {
    device d;
    d.take({image("T", 1, node_row(1)), image("T2", 1, node_row(2)), image("P", 1, node_row(3))});
    take(d, {}, {illegible("node", "gone", 1)});
    d.write("T", node_row(1, 7));
    lab_must(d.engine.begin_hydration(d.now));
    CHECK(kept(d).size() == 1);
    CHECK(lab_must(d.engine.stage("walk", 0, 10, 5, {image("P", 5, node_row(30))}, std::nullopt, d.now, {illegible("node", "T", 5)})).unread == 1);
    CHECK(kept(d) == std::vector<unread_row>{illegible("node", "T", 5)});
    // P came legibly in the first part; in the second it is newer and is not.
    const auto done = lab_must(d.engine.stage("walk", 10, 20, 6, {}, cursor{20}, d.now, {illegible("node", "P", 6)}));
    CHECK(done.hydrated);
    CHECK(d.row("T") == node_row(1, 7));
    CHECK(d.base("T").version == 1);
    CHECK(!d.row("T2"));
    CHECK(d.row("P") == node_row(30));
    CHECK(kept(d) == std::vector<unread_row>{illegible("node", "P", 6), illegible("node", "T", 5)});
    d.check();
}

TEST_CASE("unread rows: a later part of a picture that can be read releases an earlier one") {
    device d;
    lab_must(d.engine.begin_hydration(d.now));
    lab_must(d.engine.stage("walk", 0, 10, 5, {}, std::nullopt, d.now, {illegible("node", "T", 5)}));
    lab_must(d.engine.stage("walk", 10, 20, 6, {image("T", 6, node_row(6))}, cursor{20}, d.now));
    CHECK(kept(d).empty());
    CHECK(d.row("T") == node_row(6));
}

TEST_CASE("unread rows: what can be read at last is taken in under what the user did since, and released") {
    device d;
    d.take({image("T", 1, node_row(1))});
    take(d, {}, {illegible("node", "T", 2), illegible("", "made up", 0)});
    d.write("T", node_row(1, 7));
    const auto report = lab_must(d.engine.reread({{{"node", "T"}, image("T", 2, node_row(4))}, {{"", "made up"}, image("P", 3, node_row(5))}}, d.now));
    CHECK(report.applied == 2);
    CHECK(d.row("T") == node_row(4, 7));
    CHECK(d.row("P") == node_row(5));
    CHECK(kept(d).empty());
    d.check();

    take(d, {}, {illegible("node", "T2", 4)});
    lab_must(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.reread({{{"node", "T2"}, image("T2", 4, node_row(4))}}, d.now)).stale);
    CHECK(kept(d).size() == 1);
}

TEST_CASE("unread rows: one without a version replaces what is known of its name, and one whose record leaves the view goes whatever its version") {
    device d;
    take(d, {}, {illegible("node", "T", 4), illegible("", "x", 0)});
    unread_row other = illegible("", "x", 0);
    other.text = "[]";
    CHECK(take(d, {}, {other}).unread == 1);
    CHECK(kept(d).front() == other);
    take(d, {image("T", 0, std::nullopt)}, {});
    CHECK(kept(d) == std::vector<unread_row>{other});
}

TEST_CASE("unread rows: one of a model that the device does not have is nothing that a picture could leave out") {
    device d;
    d.take({image("T", 1, node_row(1))});
    lab_must(d.engine.begin_hydration(d.now));
    CHECK(lab_must(d.engine.stage("walk", 0, 1, 5, {}, cursor{5}, d.now, {illegible("stranger", "T", 5)})).hydrated);
    CHECK(!d.row("T"));
    CHECK(kept(d) == std::vector<unread_row>{illegible("stranger", "T", 5)});
}

}  // namespace unread_rows_test
