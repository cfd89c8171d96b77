#include <syncline/testing/simulation/run_ledger.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

namespace run_ledger_test {

using namespace syncline;
using namespace syncline::testing;

namespace {

const record_key note0{0, "note0"};
const record_key note1{0, "note1"};

simulation_setup setup_of_notes() {
    simulation_setup out;
    model_schema note;
    note.name = "note";
    note.fields = {{"title", value_kind::text, true, nullptr}, {"stars", value_kind::integer, true, nullptr}};
    out.models = {note};
    return out;
}

/// A ledger over two notes, and ways to tell it things.
struct told {
    simulation_setup setup = setup_of_notes();
    schema_set schemas = *setup.schemas();
    run_ledger ledger{setup, schemas, {note0, note1}};
    device_look now{{record_look{}, record_look{}}, {}, {}};

    told() {
        ledger.owned_by(0, "someone");
        now.state.source_id = "S";
    }
    static record row(std::uint64_t title, std::uint64_t stars) { return record{{value::text("w" + std::to_string(title)), value::integer(static_cast<std::int64_t>(stars))}}; }
    /// Device A freezes an update of note0's title on @p base.
    void freeze(const mutation_id& id, std::uint64_t title, std::int64_t base, operation op = operation::update) {
        intent what;
        what.key = note0;
        what.op = op;
        if (op != operation::erase) what.changes.set(0, value::text("w" + std::to_string(title)));
        what.base.row_version = base;
        now.records[0].frozen = batch_item{id, 0, what};
        now.records[0].image_kept = true;
        now.in_flight = batch{};
        ledger.look(0, "A", schemas, now, false);
    }
    void seal(std::int64_t seq, std::int64_t stamp, std::optional<record> after, const mutation_id& writer, bool clean = true, const std::string& source = "S", std::int64_t number = 0) {
        row_change change{note0, operation::update, seq, stamp, std::move(after), field_set::first(2), writer, {}};
        ledger.sealed(bundle_head{seq, source, number, 1, stamp}, {change}, [&](const mutation_id& id) {
            receipt r;
            r.id = id;
            r.clean = clean;
            return std::optional<receipt>{r};
        });
    }
    [[nodiscard]] std::string rule() const { return ledger.broken() ? ledger.broken()->rule : std::string{}; }
    [[nodiscard]] std::string what() const { return ledger.broken() ? ledger.broken()->what : std::string{}; }
};

}  // namespace

TEST_CASE("run ledger: what goes well breaks nothing") {
    told t;
    t.ledger.wrote(0, note0, 0, t.ledger.next_number());
    t.freeze("m1", 1, 0);
    t.seal(1, 100, told::row(1, 0), "m1");
    t.seal(2, 101, told::row(1, 5), "");
    t.ledger.finish();
    CHECK(t.rule().empty());
    CHECK(t.ledger.seq() == 2);
    CHECK(t.ledger.owner_of("m1") == std::optional<std::string>{"someone"});
    CHECK_FALSE(t.ledger.owner_of("m2"));
}

TEST_CASE("run ledger: layers: what is shown is open(frozen(base)), and a layer keeps its base") {
    told t;
    auto& r = t.now.records[0];
    r.version = 1;
    r.image_kept = true;
    r.base = r.visible = told::row(1, 0);
    r.open = intent{};
    r.open->key = note0;
    r.open->changes.set(1, value::integer(7));
    SECTION("not laid over") {
        t.ledger.look(0, "A", t.schemas, t.now, true);
        CHECK(t.rule() == "layers");
        CHECK(t.what() == "A shows note0 as [w1, 0], and open(frozen(base)) is [w1, 7]");
    }
    SECTION("laid over, and while an edit is not taken in nothing is asked") {
        t.ledger.look(0, "A", t.schemas, t.now, false);
        r.visible = told::row(1, 7);
        t.ledger.look(0, "A", t.schemas, t.now, true);
        CHECK(t.rule().empty());
    }
    SECTION("hidden rows are not shown") {
        r.hidden = true;
        CHECK(testing::run_ledger::layers(r) == "an open update on version 0 lies over version 1, which is hidden,");
        t.ledger.look(0, "A", t.schemas, t.now, true);
        CHECK(t.rule() == "layers");
    }
    SECTION("nor are those of which nothing is kept but the app's row") {
        r.hidden = true;
        r.image_kept = false;
        r.open.reset();
        r.visible.reset();
        t.ledger.look(0, "A", t.schemas, t.now, true);
        CHECK(t.rule().empty());
        r.visible = r.base;
        t.ledger.look(0, "A", t.schemas, t.now, true);
        CHECK(t.what() == "A shows note0 as [w1, 0], and open(frozen(base)) is absent");
    }
    SECTION("without its image") {
        r.image_kept = false;
        t.ledger.look(0, "A", t.schemas, t.now, false);
        CHECK(t.rule() == "layers");
    }
}

TEST_CASE("run ledger: monotonic reads: bases and checkpoint do not go back") {
    told t;
    auto was = t.now;
    was.records[0].version = 3;
    was.state.checkpoint = 9;
    auto now = was;
    SECTION("they stay") {
        t.ledger.looked_again("A", was, now);
        CHECK(t.rule().empty());
    }
    SECTION("a base goes back") {
        now.records[0].version = 2;
        t.ledger.looked_again("A", was, now);
        CHECK(t.rule() == "monotonic reads");
        CHECK(t.what() == "A: the base of note0 went back from version 3 to 2");
    }
    SECTION("what is not known any more shows nothing older, and a row of no version does") {
        now.records[0].version = 0;
        t.ledger.looked_again("A", was, now);
        CHECK(t.rule().empty());
        now.records[0].base = told::row(1, 0);
        t.ledger.looked_again("A", was, now);
        CHECK(t.rule() == "monotonic reads");
    }
    SECTION("the checkpoint goes back") {
        now.state.checkpoint = 8;
        t.ledger.looked_again("A", was, now);
        CHECK(t.rule() == "monotonic reads");
    }
    SECTION("a new picture, a new incarnation and a new source begin anew") {
        now.records[0].version = 2;
        auto hydrating = now;
        hydrating.state.needs_hydration = true;
        t.ledger.looked_again("A", was, hydrating);
        auto other = now;
        other.state.epoch = "restored";
        t.ledger.looked_again("A", was, other);
        other = now;
        other.state.source_id = "T";
        t.ledger.looked_again("A", was, other);
        CHECK(t.rule().empty());
    }
}

TEST_CASE("run ledger: order: no gap, rising stamps, one bundle for a source's number") {
    told t;
    t.seal(1, 100, told::row(0, 0), "", true, "S", 1);
    SECTION("a gap") {
        t.seal(3, 101, told::row(0, 0), "");
        CHECK(t.what() == "bundle 1 is followed by 3");
    }
    SECTION("a stamp that does not rise") {
        t.seal(2, 100, told::row(0, 0), "");
        CHECK(t.rule() == "order");
    }
    SECTION("a number twice") {
        t.seal(2, 101, told::row(0, 0), "", true, "S", 1);
        CHECK(t.rule() == "order");
    }
}

TEST_CASE("run ledger: once: a mutation has one effect, one content and one receipt") {
    told t;
    t.freeze("m1", 1, 0);
    SECTION("two effects") {
        t.seal(1, 100, told::row(1, 0), "m1");
        CHECK(t.rule().empty());
        t.seal(2, 101, told::row(1, 0), "m1");
        CHECK(t.what() == "a change of note0 by device A took effect in version 1 and again in 2");
    }
    SECTION("another content") {
        t.freeze("m1", 2, 0);
        CHECK(t.rule() == "once");
    }
    SECTION("a create in the place of an update") {
        t.freeze("m1", 1, 0, operation::create);
        CHECK(t.rule() == "once");
    }
    SECTION("of fields that its program did not know then nothing is said, but of what was written") {
        auto& frozen = t.now.records[0].frozen->what;
        frozen.changes.set(1, value::integer(3));
        frozen.unseen.insert(1);
        t.ledger.look(0, "A", t.schemas, t.now, false);
        CHECK(t.rule().empty());
        frozen.changes.set(0, value::text("w9"));
        frozen.unseen.insert(0);
        t.ledger.look(0, "A", t.schemas, t.now, false);
        CHECK(t.rule() == "once");
    }
    SECTION("a receipt of what nobody froze, and one that is not remembered, say nothing") {
        receipt r;
        r.id = "m9";
        t.ledger.receipt_seen(r);
        t.ledger.sealed(bundle_head{1, "S", 0, 1, 100}, {{note0, operation::update, 1, 100, told::row(2, 0), field_set::first(2), "m1", {}}}, [](const mutation_id&) { return std::optional<receipt>{}; });
        CHECK(t.rule().empty());
    }
    SECTION("what another record took along is no second effect") {
        row_change cascade{note1, operation::erase, 1, 100, std::nullopt, field_set::first(2), "m1", {}};
        t.ledger.sealed(bundle_head{1, "S", 0, 1, 100}, {cascade}, [](const mutation_id&) { return std::optional<receipt>{}; });
        t.seal(2, 101, std::nullopt, "m1");
        CHECK(t.rule().empty());
    }
    SECTION("another receipt") {
        receipt r;
        r.id = "m1";
        r.key = note0;
        t.ledger.receipt_seen(r);
        t.ledger.receipt_seen(r);
        CHECK(t.rule().empty());
        r.version = 7;
        t.ledger.receipt_seen(r);
        CHECK(t.rule() == "once");
    }
    SECTION("an effect of what nobody froze") {
        t.seal(1, 100, told::row(1, 0), "m9");
        CHECK(t.rule() == "once");
    }
}

TEST_CASE("run ledger: once: what a restored server forgot may take effect again") {
    told t;
    t.freeze("m1", 1, 0);
    t.seal(1, 100, told::row(1, 0), "m1");
    t.ledger.server_restored(0);
    t.seal(5000, 200, told::row(1, 0), "m1");
    CHECK(t.rule().empty());
    t.seal(5002, 201, told::row(1, 0), "");
    CHECK(t.rule() == "order");
}

TEST_CASE("run ledger: effect: what met nobody is what was written") {
    told t;
    t.freeze("m1", 1, 0);
    SECTION("clean, and another value") {
        t.seal(1, 100, told::row(2, 0), "m1", true);
        CHECK(t.rule() == "effect");
    }
    SECTION("a conflict was decided") {
        t.seal(1, 100, told::row(2, 0), "m1", false);
        CHECK(t.rule().empty());
    }
    SECTION("a bundle is never merged") {
        told u;
        u.now.in_flight = batch{};
        intent what;
        what.key = note0;
        what.changes.set(0, value::text("w1"));
        u.now.records[0].frozen = batch_item{"m1", 0, what};
        u.now.in_flight->source_bundle_id = 4;
        u.ledger.look(0, "A", u.schemas, u.now, false);
        // What is frozen without a bundle is of none.
        u.now.records[1].frozen = u.now.records[0].frozen;
        u.now.records[1].frozen->id = "m2";
        u.now.in_flight.reset();
        u.ledger.look(0, "A", u.schemas, u.now, false);
        u.seal(1, 100, told::row(2, 0), "another id", false, "S", 4);
        CHECK(u.rule() == "effect");
    }
    SECTION("the tables change what is written, and the setup says so") {
        t.setup.tables_change_rows = true;
        t.seal(1, 100, told::row(2, 0), "m1", true);
        CHECK(t.rule().empty());
    }
}

TEST_CASE("run ledger: writes follow reads: a change is sealed after what it was made on") {
    told t;
    t.freeze("m1", 1, 5);
    t.seal(1, 100, told::row(1, 0), "m1");
    CHECK(t.rule() == "writes follow reads");
}

TEST_CASE("run ledger: monotonic writes: one device's changes of a record are sealed in their order") {
    told t;
    t.freeze("m1", 1, 0);
    t.freeze("m2", 2, 0);
    t.seal(1, 100, told::row(2, 0), "m2");
    SECTION("the earlier one comes later") {
        t.seal(2, 101, told::row(1, 0), "m1");
        CHECK(t.rule() == "monotonic writes");
    }
    SECTION("a device that was restored knows of no later one") {
        t.ledger.device_lost_memory(0);
        t.seal(2, 101, told::row(1, 0), "m1");
        CHECK(t.rule().empty());
    }
}

TEST_CASE("run ledger: lost write: every value arrives, or its author knows") {
    told t;
    const auto n = t.ledger.next_number();
    t.ledger.wrote(0, note0, 0, n);
    const auto never = [](const record_key&, field_index, std::uint64_t) { return false; };
    SECTION("nobody knows") {
        t.ledger.finish();
        CHECK(t.rule() == "lost write");
        CHECK(t.what() == "nobody knows what became of write 1, by device A to `title` of note0");
        return;
    }
    const auto known = [&] {
        t.ledger.finish();
        return t.rule().empty();
    };
    SECTION("it arrived, by whatever writer") {
        t.seal(1, 100, told::row(n, 0), "");
        CHECK(known());
    }
    SECTION("its author was told") {
        t.ledger.told(0, note0);
        CHECK(known());
    }
    SECTION("its author wrote over it, and that arrived") {
        const auto later = t.ledger.next_number();
        t.ledger.wrote(0, note0, 0, later);
        t.seal(1, 100, told::row(later, 0), "");
        CHECK(known());
    }
    SECTION("its author does not see it any more and took it away") {
        t.ledger.forget_unseen(0, never);
        CHECK(known());
    }
    SECTION("its device is gone") {
        t.ledger.forget_device(0);
        CHECK(known());
    }
}

TEST_CASE("run ledger: a row is read by a person") {
    CHECK(run_ledger::text(std::nullopt) == "absent");
    const record all{{value{}, value::boolean(true), value::boolean(false), value::integer(3), value::real(0.5), value::time(from_microseconds(7)), value::text("w1"), value::json("[]")}};
    CHECK(run_ledger::text(all) == "[-, true, false, 3, 0.5, 7 us, w1, []]");
}

TEST_CASE("run ledger: what one device was told says nothing to another") {
    told t;
    t.ledger.wrote(0, note0, 0, t.ledger.next_number());
    t.ledger.told(1, note0);
    t.ledger.told(0, note1);
    t.seal(1, 100, told::row(0, 1), "");
    t.ledger.finish();
    CHECK(t.rule() == "lost write");
}

}  // namespace run_ledger_test
