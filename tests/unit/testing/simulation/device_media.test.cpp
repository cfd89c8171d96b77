#include <syncline/testing/simulation/device_media.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace device_media_test {

using namespace syncline;
using store_contract::must;
using syncline::testing::memory_stores;

namespace {

const record_key a{0, "a"};

record titled(const std::string& title) { return record{{value::text(title)}}; }

/// Of a torn commit nothing arrives, whatever the die says.
struct careful_stores : memory_stores {
    using memory_stores::memory_stores;
    explicit careful_stores(const schema_set& schemas) : memory_stores(schemas) {}
    [[nodiscard]] std::unique_ptr<replica_store> torn(replica_store& before, replica_store& /*after*/, const std::string& name, std::uint32_t /*die*/) { return copy(before, name); }
};

/// A newer program opens none of them.
struct stuck_stores : memory_stores {
    explicit stuck_stores(const schema_set& schemas) : memory_stores(schemas) {}
    [[nodiscard]] result<std::unique_ptr<replica_store>> grown(replica_store&, const std::string&, const schema_set&) { return make_fault(errc::io_error, "not by this program"); }
};

template <class Stores>
struct device_on_media {
    testing::simulation_setup setup = [] {
        model_schema note;
        note.name = "note";
        note.fields = {{"title", value_kind::text, true, nullptr}};
        testing::simulation_setup out;
        out.models = {note};
        return out;
    }();
    schema_set schemas = must(setup.schemas());
    Stores stores{schemas};
    testing::device_media<Stores> media{setup, schemas, stores};
    testing::simulated_device<memory_replica_store> d{0, false, {}, 1, media.make("A", true)};
    testing::faulty_replica_store<memory_replica_store> guarded{*d.durable, d.faults};

    void app(const std::string& title) { must(stores.write(*d.durable, a, titled(title))); }
    [[nodiscard]] std::optional<record> row() { return stores.row(*d.durable, a); }
    /// The device writes; power goes in the midst of that commit, or not.
    void sync(const std::string& title) {
        auto t = must(guarded.begin());
        must(t.write(a, titled(title)));
        const bool committed = t.commit().has_value();
        CHECK(committed == !d.faults.blown());
    }
};

}  // namespace

TEST_CASE("device media: a backup that is put back holds what it held, and a disk that lied is another one's again") {
    device_on_media<memory_stores> m;
    m.app("one");
    m.media.back_up(m.d);
    m.app("two");
    m.media.begin_to_lie(m.d);
    m.app("three");
    must(m.media.put_back(m.d));
    CHECK(m.row() == titled("one"));
    CHECK_FALSE(m.d.synced);
    CHECK_FALSE(m.d.backup);
    CHECK_FALSE(must(m.media.power_fails(m.d)));
}

TEST_CASE("device media: a device may keep what it might when its data were those that are put back, and so may a copy of it") {
    device_on_media<memory_stores> m;
    m.app("one");
    m.media.back_up(m.d);
    m.d.last.records.resize(1);
    m.d.last.records[0].base = titled("one");
    m.d.pulls({a});
    CHECK(m.d.may_keep.contains(a));
    testing::device_look newer = m.d.last;
    newer.records[0].version = 1;
    m.d.note(newer, {a});
    CHECK(m.d.may_keep.empty());
    must(m.media.put_back(m.d));
    CHECK(m.d.may_keep.contains(a));
    testing::simulated_device<memory_replica_store> copy{1, false, {}, 2, m.media.copy(m.d, "B")};
    copy.begins_as(m.d);
    CHECK(copy.may_keep.contains(a));
}

TEST_CASE("device media: what was written while fsync lied is gone when power fails, once") {
    device_on_media<memory_stores> m;
    m.app("one");
    m.media.begin_to_lie(m.d);
    m.app("two");
    CHECK(must(m.media.power_fails(m.d)));
    CHECK(m.row() == titled("one"));
    m.app("three");
    CHECK_FALSE(must(m.media.power_fails(m.d)));
    CHECK(m.row() == titled("three"));
}

TEST_CASE("device media: a commit in which power fails is there or it is not, as the die says or as the stores do") {
    for (const std::uint32_t die : {0U, 1U}) {
        CAPTURE(die);
        device_on_media<memory_stores> m;
        m.sync("one");
        m.media.tear(m.d, 1, die);
        m.sync("two");
        CHECK_FALSE(must(m.media.power_fails(m.d)));
        CHECK(m.row() == titled(die == 0 ? "one" : "two"));
        device_on_media<careful_stores> c;
        c.sync("one");
        c.media.tear(c.d, 1, die);
        c.sync("two");
        CHECK_FALSE(must(c.media.power_fails(c.d)));
        CHECK(c.row() == titled("one"));
    }
}

TEST_CASE("device media: a newer program that cannot open what was left on the disk says so") {
    testing::simulation_setup setup;
    model_schema note;
    note.name = "note";
    note.fields = {{"title", value_kind::text, true, nullptr}, {"stars", value_kind::integer, true, nullptr}};
    setup.models = {note};
    setup.first_fields = {{"note", 1}};
    const schema_set schemas = must(setup.schemas());
    stuck_stores stores{schemas};
    testing::device_media<stuck_stores> media{setup, schemas, stores};
    testing::simulated_device<memory_replica_store> d{0, false, {}, 1, media.make("A", false)};
    media.begin_to_lie(d);
    d.knows_all = true;
    const auto failed = media.power_fails(d);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().detail == "not by this program");
}

}  // namespace device_media_test
