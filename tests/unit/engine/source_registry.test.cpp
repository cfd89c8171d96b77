#include <syncline/engine/source_registry.hpp>

#include "unit/engine/fixture.hpp"

namespace source_registry_test {

namespace {

using namespace engine_tests;
using kind = source_standing::kind;

struct account : server {
    account() { begin_empty(); }
    errc replace(const caller& who, const std::string& previous, const std::string& next, const std::string& reason = "history_pruned") {
        const auto made = engine.create_snapshot(who, "snap" + std::to_string(++count), now, source_replacement{previous, next, reason});
        return made ? errc{} : made.error().code;
    }
    errc push(const std::string& source, std::int64_t number, const std::string& principal = "ann") {
        const caller who{"main", principal, source};
        const std::string id = "push" + std::to_string(++count);
        if (const auto made = engine.create_session(who, number, 1, id, now); !made) return made.error().code;
        (void)lab_must(engine.append_chunk(who, id, 0, {change_of("", "T" + std::to_string(count), std::nullopt, node_row(1))}, now));
        const auto done = engine.commit_session(who, id, now);
        return done ? errc{} : done.error().code;
    }
    source_standing standing(const std::string& source) { return lab_must(engine.standing("main", source)); }
    int count = 0;
};

}  // namespace

TEST_CASE("source registry: what is noted of a source comes back as it was, and nothing else is one") {
    const source_standing standing{kind::retired, "p", "next", "history_pruned"};
    CHECK(lab_must(decode_source_standing(encode_source_standing(standing))) == standing);
    for (const auto& bad : {std::string{}, std::string{"\x03\0\0\0", 4}, encode_source_standing(standing) + "x"})
        CHECK(decode_source_standing(bad).error().code == errc::corrupt);
    CHECK(!source_note("ab").starts_with(source_note("a")));
}

TEST_CASE("source registry: a source that is replaced writes no more, and the new one begins at 1") {
    account s;
    REQUIRE(s.push("dev", 1) == errc{});
    CHECK(s.standing("dev") == source_standing{});
    CHECK(s.replace(s.ann, "dev", "next") == errc{});
    CHECK(s.standing("dev") == source_standing{kind::retired, "ann", "next", "history_pruned"});
    CHECK(s.standing("next") == source_standing{kind::reserved, "ann", {}, {}});
    CHECK(s.push("dev", 2) == errc::source_retired);
    // What it has committed is still known.
    CHECK(lab_must(s.engine.create_session(s.ann, 1, 1, "again", s.now)).already_committed);
    CHECK(s.push("next", 2) == errc::out_of_sequence);
    CHECK(s.push("next", 1, "eve") == errc::out_of_sequence);
    CHECK(s.push("next", 1) == errc{});
    CHECK(s.standing("next") == source_standing{});
    CHECK(s.push("next", 2) == errc{});
    // A retired source still reads.
    CHECK(s.engine.bundles_after(s.ann, 0, 10, 0, s.now));
    CHECK(s.engine.create_snapshot(s.ann, "plain", s.now));
}

TEST_CASE("source registry: to replace a source again with the same one changes nothing, with another one is refused by name") {
    account s;
    REQUIRE(s.replace(s.ann, "dev", "next") == errc{});
    CHECK(s.replace(s.ann, "dev", "next", "source_retired") == errc{});
    CHECK(s.standing("dev").reason == "history_pruned");
    REQUIRE(s.push("next", 1) == errc{});
    CHECK(s.replace(s.ann, "dev", "next") == errc{});
    CHECK(s.standing("next") == source_standing{});
    const auto refused = s.engine.create_snapshot(s.ann, "other", s.now, source_replacement{"dev", "third", "source_retired"});
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::source_retired);
    CHECK(refused.error().detail.find("`next`") != std::string::npos);
    CHECK(s.standing("third") == source_standing{});
    // The one in its place is replaced in turn: then the first has nothing to go to.
    CHECK(s.replace({"main", "ann", "next"}, "next", "third") == errc{});
    CHECK(s.replace(s.ann, "dev", "next") == errc::id_reused);
}

TEST_CASE("source registry: a replacement that makes no sense is refused, and nothing is retired by it") {
    account s;
    REQUIRE(s.push("dev", 1) == errc{});
    REQUIRE(s.push("known", 1) == errc{});
    REQUIRE(s.push("eve's", 1, "eve") == errc{});
    CHECK(s.replace(s.ann, "other", "next") == errc::malformed_value);
    CHECK(s.replace(s.ann, "dev", "dev") == errc::malformed_value);
    CHECK(s.replace(s.ann, "dev", "next", "because") == errc::malformed_value);
    CHECK(s.replace(s.ann, "dev", "next", "") == errc::malformed_value);
    CHECK(s.replace(s.ann, "dev", "known") == errc::id_reused);
    CHECK(s.replace(s.ann, "dev", "eve's") == errc::id_reused);
    CHECK(s.replace({"main", "ann", "eve's"}, "eve's", "next") == errc::forbidden);
    CHECK(s.standing("dev") == source_standing{});
    REQUIRE(s.replace({"main", "ann", "known"}, "known", "reserved") == errc{});
    CHECK(s.replace(s.ann, "dev", "reserved") == errc::id_reused);
    CHECK(s.replace(s.ann, "dev", "known") == errc::id_reused);
    CHECK(s.push("dev", 2) == errc{});
}

TEST_CASE("source registry: a session that was open when its source was replaced never commits") {
    account s;
    lab_must(s.engine.create_session(s.ann, 1, 1, "open", s.now));
    (void)lab_must(s.engine.append_chunk(s.ann, "open", 0, {change_of("", "T", std::nullopt, node_row(1))}, s.now));
    REQUIRE(s.replace(s.ann, "dev", "next") == errc{});
    const auto done = s.engine.commit_session(s.ann, "open", s.now);
    REQUIRE(!done);
    CHECK(done.error().code == errc::source_retired);
    CHECK(s.row("T") == std::nullopt);
}

TEST_CASE("source registry: the replacement and the picture are one step") {
    account s;
    s.write("T", node_row(1));
    const auto refused = s.engine.create_snapshot(s.ann, "too large", s.now, source_replacement{"dev", "next", "history_pruned"}, 0);
    CHECK(refused);
    s.write("P", node_row(1));
    CHECK(s.engine.create_snapshot({"main", "ann", "b"}, "larger", s.now, source_replacement{"b", "c", "history_pruned"}, 1).error().code == errc::too_large);
    CHECK(s.standing("b") == source_standing{});
    CHECK(s.standing("c") == source_standing{});
}

TEST_CASE("source registry: a source that is reserved for a principal is neither replaced nor taken by another one") {
    account s;
    REQUIRE(s.replace(s.ann, "dev", "next") == errc{});
    CHECK(s.replace({"main", "bob", "next"}, "next", "bob's") == errc::forbidden);
    CHECK(s.replace({"main", "bob", "b"}, "b", "next") == errc::id_reused);
    CHECK(s.standing("next") == source_standing{kind::reserved, "ann", {}, {}});
    CHECK(s.standing("b") == source_standing{});
}

}  // namespace source_registry_test
