#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_NOTES_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_NOTES_HPP

#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Clauses of an authority's store: what is noted of a principal's devices.

namespace testing::storage {

template <class Make>
void check_authority_notes(store_kit<Make>& kit) {
    using notes = std::vector<std::pair<std::string, std::string>>;
    const std::string nul{"a\0b", 3};
    const std::string high{"\xff\xff", 2};

    kit.clause("table.notes", "a note is kept under principal and name, octet by octet, and replaced", [&](auto& h, checker& check) {
        const std::vector<std::string> names{"", "a", nul, "a\xC3\xA9", high, "legacy/" + std::string(300, 'x')};
        change_in(check, h, "alice", [&](auto& t) {
            for (const auto& name : names) check.must(t.put_note("p", name, "old"), "put_note");
            for (const auto& name : names) check.must(t.put_note("p", name, name + nul), "put_note");
            check.must(t.put_note("q", "a", "another's"), "put_note");
        });
        h.reopen();
        look_at(check, h, "alice", [&](auto& t) {
            for (const auto& name : names) check.same(check.must(t.find_note("p", name), "find_note"), name + nul, "find_note(\"p\", name)");
            check.same(check.must(t.find_note("q", "a"), "find_note"), "another's", "find_note(\"q\", \"a\")");
            check.none(check.must(t.find_note("q", "b"), "find_note"), "find_note(\"q\", \"b\")");
            check.none(check.must(t.find_note("", "a"), "find_note"), "find_note(\"\", \"a\")");
            auto all = check.must(t.notes("p", ""), "notes");
            check.need_same(all.size(), names.size(), "all.size()");
            check.that(std::is_sorted(all.begin(), all.end()), "is_sorted(all.begin(), all.end())");
        });
        look_at(check, h, "bob", [&](auto& t) {
            check.none(check.must(t.find_note("p", "a"), "find_note"), "find_note(\"p\", \"a\")");
            check.that(check.must(t.notes("p", ""), "notes").empty(), "notes(\"p\", \"\").empty()");
        });
    });
    kit.clause("table.tenant_notes", "an empty principal is the tenant itself: its notes are apart from everybody's", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) {
            check.must(t.put_note("", "scope", "old"), "put_note");
            check.must(t.put_note("", "scope", "the tenant's"), "put_note");
            check.must(t.put_note("", nul, nul), "put_note");
            check.must(t.put_note("p", "scope", "p's"), "put_note");
        });
        h.reopen();
        look_at(check, h, "bob", [&](auto& t) { check.none(check.must(t.find_note("", "scope"), "find_note"), "find_note(\"\", \"scope\")"); });
        look_at(check, h, "alice", [&](auto& t) {
            check.same(check.must(t.find_note("", "scope"), "find_note"), "the tenant's", "find_note(\"\", \"scope\")");
            check.same(check.must(t.notes("", ""), "notes"), notes{{nul, nul}, {"scope", "the tenant's"}}, "notes(\"\", \"\")");
        });
        change_in(check, h, "alice", [&](auto& t) { check.must(t.drop_notes("", ""), "drop_notes"); });
        look_at(check, h, "alice", [&](auto& t) {
            check.that(check.must(t.notes("", ""), "notes").empty(), "notes(\"\", \"\").empty()");
            check.same(check.must(t.find_note("p", "scope"), "find_note"), "p's", "find_note(\"p\", \"scope\")");
        });
    });
    kit.clause("table.note_prefix", "those that begin with a prefix are named by it, and dropped by it", [&](auto& h, checker& check) {
        change_in(check, h, "alice", [&](auto& t) {
            for (const std::string& name : {std::string{"a"}, std::string{"ab"}, nul, std::string{"b"}, high, std::string{"\xff"}}) check.must(t.put_note("p", name, "x"), "put_note");
            check.same(check.must(t.notes("p", "a"), "notes"), notes{{"a", "x"}, {nul, "x"}, {"ab", "x"}}, "notes(\"p\", \"a\")");
            check.same(check.must(t.notes("p", std::string{"a\0", 2}), "notes"), notes{{nul, "x"}}, "notes(\"p\", string{\"a\\0\", 2})");
            check.same(check.must(t.notes("p", "\xff"), "notes"), notes{{"\xff", "x"}, {high, "x"}}, "notes(\"p\", \"\\xff\")");
            check.that(check.must(t.notes("p", "abc"), "notes").empty(), "notes(\"p\", \"abc\").empty()");
            check.must(t.drop_notes("p", "ab"), "drop_notes");
            check.must(t.drop_notes("p", "\xff"), "drop_notes");
            check.must(t.drop_notes("q", ""), "drop_notes");
            check.same(check.must(t.notes("p", ""), "notes"), notes{{"a", "x"}, {nul, "x"}, {"b", "x"}}, "notes(\"p\", \"\")");
        });
        h.reopen();
        change_in(check, h, "bob", [&](auto& t) { check.must(t.drop_notes("p", ""), "drop_notes"); });
        look_at(check, h, "alice", [&](auto& t) { check.same(check.must(t.notes("p", ""), "notes").size(), 3, "notes(\"p\", \"\").size()"); });
        change_in(check, h, "alice", [&](auto& t) { check.must(t.drop_notes("p", ""), "drop_notes"); });
        look_at(check, h, "alice", [&](auto& t) { check.that(check.must(t.notes("p", ""), "notes").empty(), "notes(\"p\", \"\").empty()"); });
    });
    kit.clause("A1.notes", "a note of a dropped transaction was never made, and a snapshot makes none", [&](auto& h, checker& check) {
        {
            auto t = check.must(h.store().begin("alice", access::write), "begin");
            check.must(t.put_note("p", "a", "x"), "put_note");
        }
        look_at(check, h, "alice", [&](auto& t) {
            check.none(check.must(t.find_note("p", "a"), "find_note"), "find_note(\"p\", \"a\")");
            check.none(t.put_note("p", "a", "x"), "put_note(\"p\", \"a\", \"x\")");
            check.none(t.drop_notes("p", "a"), "drop_notes(\"p\", \"a\")");
        });
    });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
