#include <syncline/engine/sealing.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sealing_test {

namespace {

using namespace engine_tests;

std::vector<row_change> log_of(server& s) {
    auto t = lab_must(s.store.begin("main", access::snapshot));
    std::vector<row_change> out;
    for (std::int64_t seq = 1; seq <= s.head().seq; ++seq)
        for (auto& change : lab_must(t.bundle_rows(seq, 0, 1000))) out.push_back(std::move(change));
    return out;
}

}  // namespace

TEST_CASE("sealing: what others wrote is sealed before a push decides, as a bundle of its own from `server`") {
    server s;
    s.write("T", node_row(1));
    (void)s.push({change_of("1", "T2", std::nullopt, node_row(2))});
    auto t = lab_must(s.store.begin("main", access::snapshot));
    const auto heads = lab_must(t.bundle_heads(0, 10));
    REQUIRE(heads.size() == 2);
    CHECK(heads[0].source == "server");
    CHECK(heads[1].source == "dev");
    CHECK(lab_must(t.bundle_rows(1, 0, 10)).front().writer.empty());
    CHECK(lab_must(t.bundle_rows(2, 0, 10)).front().writer == "1");
}

TEST_CASE("sealing: nothing staged makes no bundle, and neither do changes that come to nothing") {
    server s;
    CHECK(s.seal() == 0);
    s.write("T", node_row(1));
    s.erase("T");
    CHECK(s.seal() == 0);
    CHECK(s.head().seq == 0);
    s.write("T", node_row(1));
    CHECK(s.seal() == 1);
    s.write("T", node_row(2));
    s.write("T", node_row(1));
    CHECK(s.seal() == 0);
    CHECK(s.head().seq == 1);
    // A push that sets what stands already is a change all the same, with a version of its own.
    CHECK(s.push_one(change_of("1", "T", node_row(0), node_row(1), 1)).version == 2);
    CHECK(s.push({}).empty());
    CHECK(s.head().seq == 2);
}

TEST_CASE("sealing: a record that is absent and is sealed again, to be told again, is no change of others to anybody") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    s.erase("T");
    s.seal();
    auto t = lab_must(s.store.begin("main", access::write));
    own_writes again;
    again[key_named("T")].wrote = true;
    const auto rows = lab_must(seal(t, s.store.schemas(), bundle_source{}, again, s.now));
    lab_must(t.commit());
    REQUIRE(rows.size() == 1);
    CHECK(rows.front().version == 3);
    CHECK(rows.front().fields.empty());
    // Made anew by one who knew of the erase, and edited on that by the same device.
    CHECK(s.push_one(change_of("1", "T", std::nullopt, node_row(2), 2)).clean);
    CHECK(s.push_one(change_of("2", "T2", std::nullopt, node_row(2))).clean);
    s.write("T", node_row(2, 0, 7));
    s.seal();
    CHECK(s.push_one(change_of("3", "T", node_row(2), node_row(3), 2, "1")).kind == outcome_kind::applied);
    CHECK(s.row("T") == node_row(3, 0, 7));
}

TEST_CASE("sealing: many changes of a record between two seals are one net change") {
    server s;
    for (int i = 0; i < 5; ++i) s.write("T", node_row(i));
    s.write("T2", node_row(1));
    CHECK(s.seal() == 2);
    const auto log = log_of(s);
    REQUIRE(log.size() == 2);
    CHECK(log[0].op == operation::create);
    CHECK(log[0].after == node_row(4));
    CHECK(log[0].fields == s.engine.schemas()[node_model].all_fields());

    s.write("T", node_row(4, 8));
    s.erase("T2");
    CHECK(s.seal() == 2);
    const auto more = log_of(s);
    CHECK(more[2].op == operation::update);
    CHECK(more[2].fields.size() == 1);
    CHECK(more[2].fields.contains(field_b));
    CHECK(more[3].op == operation::erase);
    CHECK(!more[3].after);
}

TEST_CASE("sealing: numbers have no gaps and stamps rise strictly, though the clock stands still or goes back") {
    const std::uint64_t seed = 9;
    CAPTURE(seed);
    seeded_random random(seed);
    server s;
    const std::vector<std::string> names{"T", "T2", "P"};
    std::int64_t last_seq = 0;
    for (int round = 0; round < 200; ++round) {
        s.now = at(static_cast<std::int64_t>(random.below(3) == 0 ? random.below(2000) : 1000));
        for (std::uint64_t n = random.below(4); n > 0; --n) {
            const auto& name = names[static_cast<std::size_t>(random.below(3))];
            random.chance(1, 3) ? s.erase(name) : s.write(name, node_row(static_cast<std::int64_t>(random.below(3))));
        }
        const bool sealed = s.seal() > 0;
        REQUIRE(s.head().seq == last_seq + (sealed ? 1 : 0));
        last_seq = s.head().seq;
    }
    const auto log = log_of(s);
    std::int64_t last_stamp = 0;
    std::int64_t version = 0;
    for (const auto& change : log) {
        REQUIRE(change.stamp > last_stamp);
        REQUIRE((change.version == version || change.version == version + 1));
        last_stamp = change.stamp;
        version = change.version;
    }
    CHECK(s.head().stamp == last_stamp);
}

TEST_CASE("sealing: a clock that runs ahead is followed, and then never undercut") {
    server s;
    s.now = at(5'000'000);
    s.write("T", node_row(1));
    s.seal();
    CHECK(s.head().stamp == 5'000'000);
    s.now = at(1000);
    s.write("T", node_row(2));
    s.seal();
    CHECK(s.head().stamp == 5'000'001);
}

TEST_CASE("sealing: a pull and a hydration seal first; a pull that cannot get the lock serves what is sealed") {
    server s;
    s.write("T", node_row(1));
    CHECK(s.pull(0).rows.size() == 1);
    s.write("T2", node_row(2));
    const auto made = lab_must(s.engine.create_snapshot(s.ann, "snap", s.now));
    CHECK(made.seq == 2);
    CHECK(made.row_count == 2);

    s.write("P", node_row(3));
    {
        auto busy = lab_must(s.store.begin("main", access::write));
        CHECK(s.pull(0).rows.size() == 2);
        CHECK(s.engine.push(s.ann, {}, s.now).error().code == errc::busy);
    }
    CHECK(s.pull(0).rows.size() == 3);
}

TEST_CASE("sealing: what the server's own trigger makes of a change belongs to that change") {
    memory_table_options tables;
    tables.trigger = [](const record_key&, record& r) { r.fields[4] = value::text("set"); };
    server s{{}, tables};
    const outcome o = s.push_one(change_of("1", "T", std::nullopt, node_row(1)));
    CHECK(o.clean);
    const auto log = log_of(s);
    REQUIRE(log.size() == 1);
    CHECK(log.front().after->fields[4] == value::text("set"));
    CHECK(log.front().writer == "1");
}

TEST_CASE("sealing: a bundle that is cut anywhere leaves no row without what it refers to") {
    const std::uint64_t seed = 17;
    CAPTURE(seed);
    seeded_random random(seed);
    // Items refer to items and to nodes; what goes takes along what refers to it.
    model_schema node;
    node.name = "node";
    node.fields = {{"a", value_kind::integer, true, nullptr}};
    model_schema item = node;
    item.name = "item";
    item.fields.push_back({"parent", value_kind::text, true, nullptr});
    item.fields.push_back({"node", value_kind::text, true, nullptr});
    item.references = {{1, "item", reference_action::cascade}, {2, "node", reference_action::cascade}};
    schema_set schemas;
    lab_must(schemas.add(item));
    lab_must(schemas.add(node));
    memory_authority_store store{schemas};
    authority<memory_authority_store> engine{store};

    const auto name = [](std::uint64_t n) { return std::string(1, static_cast<char>('a' + n)); };
    std::size_t cuts_inside = 0;
    for (int round = 0; round < 400; ++round) {
        for (std::uint64_t n = 1 + random.below(8); n > 0; --n) {
            const std::uint64_t k = random.below(8);
            const model_id model = random.chance(1, 3) ? 1 : 0;
            if (random.chance(1, 3)) {
                lab_must(store.app_erase("main", {model, name(k)}));
                continue;
            }
            record row{{value::integer(static_cast<std::int64_t>(random.below(3)))}};
            if (model == 0) {
                // To one with a greater letter, or to itself: no cycle of several, which no order could help.
                const std::uint64_t up = k + random.below(8 - k);
                const bool there = up == k || store.row("main", {0, name(up)});
                row.fields.push_back(there && random.chance(3, 4) ? value::text(name(up)) : value{});
                const std::string of = name(random.below(8));
                row.fields.push_back(store.row("main", {1, of}) ? value::text(of) : value{});
            }
            lab_must(store.app_write("main", {model, name(k)}, row));
        }
        lab_must(engine.seal_foreign("main", at(1000)));
    }
    std::set<record_key> live;
    std::map<record_key, std::vector<record_key>> references;
    auto t = lab_must(store.begin("main", access::snapshot));
    const auto head = lab_must(engine.head("main"));
    for (std::int64_t seq = 1; seq <= head.seq; ++seq)
        for (const auto& change : lab_must(t.bundle_rows(seq, 0, 1000))) {
            CAPTURE(seq, change.key.model, change.key.key);
            change.after ? static_cast<void>(live.insert(change.key)) : static_cast<void>(live.erase(change.key));
            references[change.key] = change.after ? references_of(schemas, change.key.model, *change.after) : std::vector<record_key>{};
            ++cuts_inside;
            for (const auto& [key, parents] : references)
                for (const auto& parent : parents) REQUIRE(live.contains(parent));
        }
    CHECK(cuts_inside > 1000);
}

TEST_CASE("sealing: within a bundle rows otherwise keep the order in which they were touched, erases after writes") {
    server s;
    for (const char* k : {"T", "T2", "P"}) s.write(k, node_row(1));
    s.write("C1", child_row(1, "P"));
    s.seal();
    s.erase("T");
    s.write("N", node_row(2));
    s.erase("P");
    s.write("M", node_row(2));
    s.erase("T2");
    s.seal();
    std::string order;
    for (const auto& change : log_of(s))
        if (change.version == 2) order += change.key.key + " ";
    CHECK(order == "N M T C1 P T2 ");
}

TEST_CASE("sealing: what a request names and did not write is sealed only where it differs, by its own writer and at the time of the seal") {
    server s;
    s.write("T", node_row(1));
    s.write("T2", node_row(1));
    s.seal();
    auto t = lab_must(s.store.begin("main", access::write));
    lab_must(t.write(key_named("T"), node_row(1)));
    lab_must(t.write(key_named("T2"), node_row(2)));
    own_writes own;
    for (const char* key : {"T", "T2", "P"}) {
        own[key_named(key)].writer = "m";
        own[key_named(key)].written_at = at(9'000'000);
    }
    const auto sealed = lab_must(seal(t, s.engine.schemas(), bundle_source{}, own, at(5000)));
    REQUIRE(sealed.size() == 1);
    CHECK(sealed[0].key == key_named("T2"));
    CHECK(sealed[0].writer == "m");
    CHECK(sealed[0].written_at == at(5000));
}

}  // namespace sealing_test
