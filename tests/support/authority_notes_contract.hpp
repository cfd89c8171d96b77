#ifndef SYNCLINE_TESTS_SUPPORT_AUTHORITY_NOTES_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_AUTHORITY_NOTES_CONTRACT_HPP

// Part of the authority store's contract: what the engine notes of a principal's devices. `authority_store_contract.hpp` says what the harness
// must offer.

#include "support/authority_history_contract.hpp"
#include "support/store_contract.hpp"

#include <syncline/storage/authority_store.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace store_contract {

template <class Make>
void check_authority_notes(Make make) {
    auto h = make();
    using notes = std::vector<std::pair<std::string, std::string>>;
    const std::string nul{"a\0b", 3};
    const std::string high{"\xff\xff", 2};

    SECTION("a note is kept under principal and name, octet by octet, and replaced") {
        const std::vector<std::string> names{"", "a", nul, "a\xC3\xA9", high, "legacy/" + std::string(300, 'x')};
        change_in(h, "alice", [&](auto& t) {
            for (const auto& name : names) must(t.put_note("p", name, "old"));
            for (const auto& name : names) must(t.put_note("p", name, name + nul));
            must(t.put_note("q", "a", "another's"));
        });
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            for (const auto& name : names) CHECK(must(t.find_note("p", name)) == name + nul);
            CHECK(must(t.find_note("q", "a")) == "another's");
            CHECK_FALSE(must(t.find_note("q", "b")));
            CHECK_FALSE(must(t.find_note("", "a")));
            auto all = must(t.notes("p", ""));
            REQUIRE(all.size() == names.size());
            CHECK(std::is_sorted(all.begin(), all.end()));
        });
        look_at(h, "bob", [&](auto& t) {
            CHECK_FALSE(must(t.find_note("p", "a")));
            CHECK(must(t.notes("p", "")).empty());
        });
    }
    SECTION("an empty principal is the tenant itself: its notes are apart from everybody's") {
        change_in(h, "alice", [&](auto& t) {
            must(t.put_note("", "scope", "old"));
            must(t.put_note("", "scope", "the tenant's"));
            must(t.put_note("", nul, nul));
            must(t.put_note("p", "scope", "p's"));
        });
        h.reopen();
        look_at(h, "bob", [&](auto& t) { CHECK_FALSE(must(t.find_note("", "scope"))); });
        look_at(h, "alice", [&](auto& t) {
            CHECK(must(t.find_note("", "scope")) == "the tenant's");
            CHECK(must(t.notes("", "")) == notes{{nul, nul}, {"scope", "the tenant's"}});
        });
        change_in(h, "alice", [&](auto& t) { must(t.drop_notes("", "")); });
        look_at(h, "alice", [&](auto& t) {
            CHECK(must(t.notes("", "")).empty());
            CHECK(must(t.find_note("p", "scope")) == "p's");
        });
    }
    SECTION("those that begin with a prefix are named by it, and dropped by it") {
        change_in(h, "alice", [&](auto& t) {
            for (const std::string& name : {std::string{"a"}, std::string{"ab"}, nul, std::string{"b"}, high, std::string{"\xff"}}) must(t.put_note("p", name, "x"));
            CHECK(must(t.notes("p", "a")) == notes{{"a", "x"}, {nul, "x"}, {"ab", "x"}});
            CHECK(must(t.notes("p", std::string{"a\0", 2})) == notes{{nul, "x"}});
            CHECK(must(t.notes("p", "\xff")) == notes{{"\xff", "x"}, {high, "x"}});
            CHECK(must(t.notes("p", "abc")).empty());
            must(t.drop_notes("p", "ab"));
            must(t.drop_notes("p", "\xff"));
            must(t.drop_notes("q", ""));
            CHECK(must(t.notes("p", "")) == notes{{"a", "x"}, {nul, "x"}, {"b", "x"}});
        });
        h.reopen();
        change_in(h, "bob", [&](auto& t) { must(t.drop_notes("p", "")); });
        look_at(h, "alice", [&](auto& t) { CHECK(must(t.notes("p", "")).size() == 3); });
        change_in(h, "alice", [&](auto& t) { must(t.drop_notes("p", "")); });
        look_at(h, "alice", [&](auto& t) { CHECK(must(t.notes("p", "")).empty()); });
    }
    SECTION("A1, A2: a note of a dropped transaction was never made, and a snapshot makes none") {
        {
            auto t = must(h.store().begin("alice", access::write));
            must(t.put_note("p", "a", "x"));
        }
        look_at(h, "alice", [&](auto& t) {
            CHECK_FALSE(must(t.find_note("p", "a")));
            CHECK_FALSE(t.put_note("p", "a", "x"));
            CHECK_FALSE(t.drop_notes("p", "a"));
        });
    }
}

}  // namespace store_contract

#endif
