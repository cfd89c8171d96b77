#include <syncline/engine/history_floor.hpp>

#include "unit/engine/fixture.hpp"

#include <chrono>

namespace history_floor_test {

using namespace engine_tests;
using namespace std::chrono_literals;

namespace {

const auto half_a_year = std::chrono::hours{180 * 24};

// A server with @p count bundles of one row each.
struct aged : server {
    explicit aged(int count) {
        now = at(1'700'000'000'000'000);
        for (int i = 0; i < count; ++i) {
            write("T" + std::to_string(i % 3), node_row(i));
            seal();
        }
    }
    void presents(const std::string& source, std::optional<std::int64_t> seq, std::optional<std::int64_t> stamp, timestamp seen) {
        auto t = lab_must(store.begin("main", access::write));
        lab_must(t.put_source({"ann", source, seq, stamp, seen}));
        lab_must(t.commit());
    }
    std::int64_t stamp_of(std::int64_t seq) {
        auto t = lab_must(store.begin("main", access::snapshot));
        return lab_must(t.bundle_heads(seq - 1, 1)).front().first_stamp;
    }
    std::size_t sources() {
        auto t = lab_must(store.begin("main", access::snapshot));
        return lab_must(t.sources()).size();
    }
};

}  // namespace

TEST_CASE("retention: history goes up to what every live device has received, whichever number it presents") {
    aged s{10};
    s.presents("a", 7, {}, s.now);
    s.presents("b", {}, s.stamp_of(5), s.now);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 5);
    CHECK(s.head().floor_seq == 5);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 5);
    s.presents("b", {}, s.head().stamp, s.now);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 7);
    s.presents("c", 0, {}, s.now);
    s.presents("a", 10, {}, s.now);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 7);
}

TEST_CASE("retention: a device that was silent for too long keeps nothing alive, and is forgotten") {
    aged s{6};
    s.presents("gone", 1, {}, s.now - half_a_year - 1s);
    s.presents("slow", 2, {}, s.now - half_a_year + 1s);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 2);
    CHECK(s.sources() == 1);
    CHECK(lab_must(s.engine.retain("main", 0, s.now + 2s)) == 6);
    CHECK(s.sources() == 0);
}

TEST_CASE("retention: the newest bundles stay whoever has them") {
    for (std::int64_t keep = 0; keep < 12; ++keep) {
        aged s{8};
        s.presents("a", 6, {}, s.now);
        CHECK(lab_must(s.engine.retain("main", keep, s.now)) == (std::max<std::int64_t>)(0, (std::min<std::int64_t>)(6, 8 - keep)));
    }
}

TEST_CASE("retention: a bundle of which a device has only a part stays") {
    aged s{0};
    for (const char* key : {"T", "T2", "P"}) s.write(key, node_row(1));
    s.seal();
    s.presents("a", {}, s.head().stamp - 1, s.now);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 0);
    s.presents("a", {}, s.head().stamp, s.now);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 1);
}

TEST_CASE("retention: the engine notes who presents which cursor, on both wires, and seldom enough to cost nothing") {
    aged s{5};
    pull_query q;
    q.from = s.stamp_of(3);
    lab_must(s.engine.pull(s.ann, q, s.now));
    lab_must(s.engine.bundles_after({"main", "ann", "b"}, 2, 10, 0, s.now));
    CHECK(s.sources() == 2);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 2);
    q.from = s.head().stamp;
    lab_must(s.engine.pull(s.ann, q, s.now + 1h));  // too soon to be written down
    lab_must(s.engine.bundles_after({"main", "ann", "b"}, 5, 10, 0, s.now + 48h));
    CHECK(lab_must(s.engine.retain("main", 0, s.now + 48h)) == 3);
    lab_must(s.engine.pull(s.ann, q, s.now + 48h));
    CHECK(lab_must(s.engine.retain("main", 0, s.now + 48h)) == 5);
}

TEST_CASE("retention: a device that was used once, from nothing, keeps no history from before") {
    SECTION("mutation wire: a walk keeps what came after it began") {
        aged s{5};
        pull_query q;
        q.limit = 1;
        const auto first = lab_must(s.engine.pull(s.ann, q, s.now));
        s.write("T", node_row(9));
        s.seal();
        q.from = first.rows.next;
        q.walk_started = first.head_stamp;
        for (const auto after : {0h, 48h}) {
            lab_must(s.engine.pull(s.ann, q, s.now + after));
            CHECK(lab_must(s.engine.retain("main", 0, s.now + after)) == 5);
        }
    }
    SECTION("bundle wire: the first position that it presents counts, though it comes at once") {
        aged s{5};
        lab_must(s.engine.bundles_after(s.ann, 0, 10, 0, s.now));
        CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 0);
        lab_must(s.engine.bundles_after(s.ann, 5, 10, 0, s.now + 1h));
        CHECK(lab_must(s.engine.retain("main", 0, s.now + 1h)) == 5);
    }
}

TEST_CASE("retention: a tombstone stays known by its version when its history is gone") {
    aged s{3};
    s.erase("T1");
    s.seal();
    const auto version = s.version_of("T1");
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 4);
    CHECK(s.version_of("T1") == version);
}

TEST_CASE("retention window: keeps itself after commits of every kind, a few bundles with each, and none that a live device needs") {
    authority_options options;
    options.retained_bundles = 5;
    options.retention_batch = 3;
    server s{options};
    s.now = at(1'700'000'000'000'000);
    const auto put_source = [&](std::int64_t seq, timestamp seen) {
        auto t = lab_must(s.store.begin("main", access::write));
        lab_must(t.put_source({"ann", "slow", seq, {}, seen}));
        lab_must(t.commit());
    };
    for (int i = 0; i < 12; ++i) {
        s.write("T", node_row(i));
        s.seal();
    }
    CHECK(s.head().floor_seq == 0);  // sealing alone forgets nothing
    put_source(4, s.now);
    const auto host = [&](int a) {
        lab_must(s.engine.write_as("main", "host", [&](memory_authority_store::transaction& t) -> result<void> { return t.write(key_named("T2"), node_row(a)); }, s.now));
        return s.head().floor_seq;
    };
    CHECK(host(1) == 3);
    CHECK(host(2) == 4);
    CHECK(host(3) == 4);
    s.push({change_of("m", "T3", std::nullopt, node_row(1))});
    CHECK(s.head().floor_seq == 4);
    // It has more now, and so do the others.
    put_source(16, s.now);
    s.push({change_of("n", "T4", std::nullopt, node_row(1))});
    CHECK(s.head().floor_seq == 7);
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T5", std::nullopt, node_row(1))}, s.now));
    REQUIRE(lab_must(s.engine.commit_session(s.ann, "s", s.now)).committed);
    CHECK(s.head().seq == 18);
    CHECK(s.head().floor_seq == 10);
    CHECK(host(4) == 13);
    CHECK(host(5) == 15);
    CHECK(s.head().seq == 20);
    // A device that was silent for too long is in nobody's way.
    put_source(16, s.now - half_a_year - 1s);
    CHECK(host(6) == 16);
    CHECK(host(7) == 17);
}

TEST_CASE("retention window: bundles are counted, though numbers jump where an incarnation begins") {
    authority_head head;
    head.seq = 10;
    head.floor_seq = 4;
    CHECK(kept_bundles(head) == 6);
    head.lost = {{6, 1000, 0, 0}};
    head.seq = 1002;
    CHECK(kept_bundles(head) == 5);  // 5, 6, 1000, 1001, 1002
    head.floor_seq = 6;
    CHECK(kept_bundles(head) == 3);
    head.floor_seq = 1001;
    CHECK(kept_bundles(head) == 1);
    head.lost.push_back({1002, 5000, 0, 0});
    CHECK(kept_bundles(head) == 1);
    head.seq = 5000;
    CHECK(kept_bundles(head) == 2);
}

TEST_CASE("retention: more bundles than are read at once go in one step, and as many stay as are to stay") {
    aged s{2100};
    CHECK(lab_must(s.engine.retain("main", 50, s.now)) == 2050);
    CHECK(lab_must(s.engine.retain("main", 0, s.now)) == 2100);
}

TEST_CASE("retention window: none is forgotten where no bundle may go at once") {
    authority_options options;
    options.retained_bundles = 2;
    options.retention_batch = 0;
    server s{options};
    for (int i = 0; i < 5; ++i) s.push({change_of("m" + std::to_string(i), "T" + std::to_string(i), std::nullopt, node_row(i))});
    CHECK(s.head().seq == 5);
    CHECK(s.head().floor_seq == 0);
}

}  // namespace history_floor_test
