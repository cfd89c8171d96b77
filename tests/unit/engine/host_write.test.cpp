#include <syncline/engine/host_write.hpp>

#include "unit/engine/fixture.hpp"

#include <stdexcept>

namespace host_write_test {

namespace {

using namespace engine_tests;
using transaction = memory_authority_store::transaction;

// What a host does with the app's tables: sets `a` of one node.
auto setting(const std::string& key, std::int64_t a) {
    return [=](transaction& t) -> result<void> { return t.write(key_named(key), node_row(a)); };
}

}  // namespace

TEST_CASE("host write: is one numbered bundle of its writer, with cascades, and devices pull it") {
    server s;
    s.write("P", node_row(1));
    s.write("C1", child_row(1, "P"));
    s.seal();
    const auto first = lab_must(s.engine.write_as("main", "billing", [](transaction& t) -> result<void> {
        if (auto r = t.write(key_named("T"), node_row(5)); !r) return r;
        return t.erase(key_named("P"));
    }, s.now));
    CHECK(first.seq == 2);
    CHECK(first.source == "billing");
    CHECK(first.source_bundle_id == 1);
    CHECK(first.row_count == 3);
    const auto page = lab_must(s.engine.bundles_after(s.ann, 1, 10, 0, s.now));
    REQUIRE(page.bundles.size() == 1);
    CHECK(page.bundles[0].head.source == "billing");
    CHECK(page.bundles[0].head.source_bundle_id == 1);
    CHECK(page.bundles[0].rows.size() == 3);
    CHECK(lab_must(s.engine.write_as("main", "billing", setting("T", 6), s.now)).source_bundle_id == 2);
    CHECK(lab_must(s.engine.write_as("main", "import", setting("T", 7), s.now)).source_bundle_id == 1);
}

TEST_CASE("host write: what others staged before is a bundle of its own") {
    server s;
    s.write("T", node_row(1));
    CHECK(lab_must(s.engine.write_as("main", "billing", setting("T2", 1), s.now)).seq == 2);
    const auto page = lab_must(s.engine.bundles_after(s.ann, 0, 10, 0, s.now));
    REQUIRE(page.bundles.size() == 2);
    CHECK(page.bundles[0].head.source == "server");
    CHECK(page.bundles[1].rows.size() == 1);
}

TEST_CASE("host write: fills a tenant that nobody has filled, and keeps out of one that a device fills") {
    SECTION("nobody") {
        server s;
        CHECK(s.engine.write_as("main", "billing", setting("T", 1), s.now));
        CHECK(lab_must(s.engine.connect(s.ann, true, "id", s.now)).what == scope_resolution::remote_authoritative);
    }
    SECTION("a device") {
        server s;
        lab_must(s.engine.connect(s.ann, true, "id", s.now));
        bool called = false;
        const auto refused = s.engine.write_as("main", "billing", [&](transaction&) -> result<void> {
            called = true;
            return {};
        }, s.now);
        CHECK(refused.error().code == errc::scope_initializing);
        CHECK(!called);
    }
}

TEST_CASE("host write: one that changes nothing, fails or throws leaves nothing behind") {
    server s;
    s.write("T", node_row(1));
    s.seal();
    CHECK(s.engine.write_as("main", "billing", [](transaction&) -> result<void> { return {}; }, s.now).error().code == errc::invalid_argument);
    CHECK(s.engine.write_as("main", "billing", setting("T", 1), s.now).error().code == errc::invalid_argument);
    const auto failed = s.engine.write_as("main", "billing", [](transaction& t) -> result<void> {
        lab_must(t.write(key_named("T"), node_row(9)));
        return make_fault(errc::constraint, "no");
    }, s.now);
    CHECK(failed.error() == fault{errc::constraint, "no"});
    CHECK_THROWS_AS((void)s.engine.write_as("main", "billing", [](transaction& t) -> result<void> {
        lab_must(t.write(key_named("T"), node_row(9)));
        throw std::runtime_error("no");
    }, s.now), std::runtime_error);
    CHECK(s.row("T") == node_row(1));
    CHECK(s.head().seq == 1);
    CHECK(lab_must(s.engine.write_as("main", "billing", setting("T", 2), s.now)).source_bundle_id == 1);
}

TEST_CASE("host write: takes no name that is another's") {
    server s;
    s.begin_empty();
    const auto written = [&](const std::string& writer) {
        const auto done = s.engine.write_as("main", writer, setting("T", 1), s.now);
        return done ? errc{} : done.error().code;
    };
    for (const std::string& bad : {std::string{}, std::string{" \t"}, std::string(256, 'w'), std::string{"a\0b", 3}, std::string{"server"}})
        CHECK(written(bad) == errc::invalid_argument);
    lab_must(s.engine.create_session(s.ann, 1, 1, "s", s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, "s", 0, {change_of("", "T3", std::nullopt, node_row(1))}, s.now));
    REQUIRE(lab_must(s.engine.commit_session(s.ann, "s", s.now)).committed);
    CHECK(written("dev") == errc::forbidden);
    lab_must(s.engine.create_snapshot(s.ann, "snap", s.now, source_replacement{"dev", "next", "history_pruned"}));
    CHECK(written("dev") == errc::source_retired);
    CHECK(written("next") == errc::out_of_sequence);
    CHECK(written("billing") == errc{});
    // Nor does a device take the host's.
    CHECK(s.engine.create_session({"main", "ann", "billing"}, 2, 1, "theirs", s.now).error().code == errc::out_of_sequence);
}

}  // namespace host_write_test
