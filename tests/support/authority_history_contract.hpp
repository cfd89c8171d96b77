#ifndef SYNCLINE_TESTS_SUPPORT_AUTHORITY_HISTORY_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_AUTHORITY_HISTORY_CONTRACT_HPP

// Part of the authority store's contract: what is staged, sealed, pruned, remembered and copied. `authority_store_contract.hpp`
// says what the harness must offer.

#include "support/authority_store_model.hpp"
#include "support/store_contract.hpp"

#include <syncline/storage/authority_store.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace store_contract {

/// Runs @p work in a write transaction of @p tenant and commits it.
template <class Harness, class Work>
void change_in(Harness& h, const std::string& tenant, Work work) {
    auto t = must(h.store().begin(tenant, access::write));
    work(t);
    must(t.commit());
}
/// Runs @p work in a snapshot of @p tenant.
template <class Harness, class Work>
void look_at(Harness& h, const std::string& tenant, Work work) {
    auto t = must(h.store().begin(tenant, access::snapshot));
    work(t);
}

template <class Make>
void check_authority_staging(Make make) {
    auto h = make();
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    const record_key c{task, "c"};
    const record_key p{project, "p"};
    using keys = std::vector<record_key>;

    SECTION("A3: what anyone changed is named once, in the order of first change") {
        must(h.app_write("alice", b, task_row("1")));
        must(h.app_write("alice", a, task_row("1")));
        must(h.app_write("alice", b, task_row("2")));
        h.reopen();
        change_in(h, "alice", [&](auto& t) {
            CHECK(must(t.has_staged()));
            must(t.write(c, task_row("ours")));
            must(t.write(a, task_row("ours")));
            must(t.erase({task, "never"}));
            CHECK(must(t.take_staged()) == keys{b, a, c});
            CHECK_FALSE(must(t.has_staged()));
            CHECK(must(t.take_staged()).empty());
            must(t.write(b, task_row("again")));
            must(t.erase(a));
            CHECK(must(t.take_staged()) == keys{b, a});
        });
        look_at(h, "alice", [&](auto& t) { CHECK_FALSE(must(t.has_staged())); });
        must(h.app_erase("alice", b));
        look_at(h, "alice", [&](auto& t) { CHECK(must(t.has_staged())); });
        change_in(h, "alice", [&](auto& t) { CHECK(must(t.take_staged()) == keys{b}); });
    }
    SECTION("A3: taken in a dropped transaction is not taken") {
        must(h.app_write("alice", a, task_row("1")));
        {
            auto t = must(h.store().begin("alice", access::write));
            CHECK(must(t.take_staged()) == keys{a});
        }
        h.reopen();
        change_in(h, "alice", [&](auto& t) { CHECK(must(t.take_staged()) == keys{a}); });
    }
    SECTION("A3: staged and left is named by the next transaction, with what it wrote itself") {
        change_in(h, "alice", [&](auto& t) { must(t.write(a, task_row("1"))); });
        h.reopen();
        look_at(h, "alice", [&](auto& t) { CHECK(must(t.has_staged())); });
        change_in(h, "alice", [&](auto& t) {
            must(t.write(b, task_row("2")));
            CHECK(must(t.take_staged()) == keys{a, b});
        });
    }
    SECTION("A3: created and erased again is named or not, but never hides a change") {
        must(h.app_write("alice", a, task_row("1")));
        change_in(h, "alice", [&](auto& t) { must(t.take_staged()); });
        must(h.app_erase("alice", a));
        must(h.app_write("alice", a, task_row("2")));
        change_in(h, "alice", [&](auto& t) {
            CHECK(must(t.take_staged()) == keys{a});
            CHECK(must(t.current(a)) == task_row("2"));
        });
    }
    SECTION("A3: foreign-key actions run, for the app's erases and for ours, and what they touch is named") {
        for (const bool by_app : {true, false}) {
            must(h.app_write("alice", p, project_row("p")));
            must(h.app_write("alice", a, task_row("child", "s", "p")));
            must(h.app_write("alice", b, task_row("reviewed", {}, {}, "p")));
            must(h.app_write("alice", c, task_row("other")));
            change_in(h, "alice", [&](auto& t) {
                must(t.take_staged());
                CHECK(must(t.referencing(p, 9)) == keys{a});
                CHECK(must(t.referencing({project, "q"}, 9)).empty());
                CHECK(must(t.referencing(p, 0)).empty());
            });
            if (by_app) must(h.app_erase("alice", p));
            change_in(h, "alice", [&](auto& t) {
                if (!by_app) must(t.erase(p));
                CHECK(sorted(must(t.take_staged())) == keys{p, a, b});
                CHECK_FALSE(must(t.current(a)));
                CHECK(must(t.current(b)) == task_row("reviewed"));
                CHECK(must(t.current(c)) == task_row("other"));
                CHECK(must(t.referencing(p, 9)).empty());
            });
        }
    }
    SECTION("referencing names live records with a cascading reference, at most n") {
        must(h.app_write("alice", p, project_row("p")));
        std::vector<record_key> children;
        for (int i = 0; i < 5; ++i) {
            children.push_back({task, std::to_string(i)});
            must(h.app_write("alice", children.back(), task_row("t", {}, "p")));
        }
        change_in(h, "alice", [&](auto& t) {
            CHECK(sorted(must(t.referencing(p, 9))) == children);
            CHECK(must(t.referencing(p, 1)).size() == 1);
            CHECK(must(t.referencing(p, 4)).size() == 4);
            must(t.erase(children[0]));
            must(t.write(children[1], task_row("moved")));
            CHECK(must(t.referencing(p, 9)).size() == 3);
            CHECK(must(t.referencing(children[2], 9)).empty());
        });
    }
    if constexpr (requires { h.install_trigger(); }) {
        SECTION("A3: the app's triggers run, and the row is what they make of it") {
            h.install_trigger();
            change_in(h, "alice", [&](auto& t) {
                must(t.write(a, task_row("shout")));
                CHECK(must(t.current(a)) == task_row("SHOUT"));
                CHECK(must(t.take_staged()) == keys{a});
            });
            must(h.app_write("alice", b, task_row("shout")));
            CHECK(h.row("alice", b) == task_row("SHOUT"));
        }
    }
    if constexpr (requires { h.attach_to("alice", a, task_row("old")); }) {
        SECTION("A3: rows that the tables held when the store was first attached count as changed") {
            h.attach_to("alice", a, task_row("old"));
            look_at(h, "alice", [&](auto& t) { CHECK(must(t.has_staged())); });
            change_in(h, "alice", [&](auto& t) {
                CHECK(must(t.take_staged()) == keys{a});
                CHECK(must(t.current(a)) == task_row("old"));
                CHECK_FALSE(must(t.sealed(a)));
            });
            h.reopen();
            look_at(h, "alice", [&](auto& t) { CHECK_FALSE(must(t.has_staged())); });
        }
    }
}

template <class Make>
void check_authority_history(Make make) {
    auto h = make();
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    const record_key a{task, "a"};
    const record_key b{task, "b"};
    const record_key c{task, "c"};
    const record_key p{project, "p"};
    using limits = std::numeric_limits<std::int64_t>;

    SECTION("a fresh tenant has numbers of nothing, and an epoch that stays") {
        std::string epoch;
        look_at(h, "alice", [&](auto& t) {
            const auto head = must(t.head());
            epoch = head.epoch;
            CHECK_FALSE(epoch.empty());
            CHECK(head == authority_head{0, 0, 0, 0, epoch});
            CHECK_FALSE(must(t.sealed(a)));
            CHECK(must(t.latest_after(0, all)).empty());
            CHECK(must(t.bundle_heads(0, all)).empty());
            CHECK(must(t.bundle_rows(1, 0, all)).empty());
        });
        change_in(h, "alice", [&](auto& t) { write_and_seal(t, {{a, task_row("1"), {}}}); });
        h.reopen();
        look_at(h, "alice", [&](auto& t) { CHECK(must(t.head()).epoch == epoch); });
    }
    SECTION("A5: a sealed bundle is kept whole, and the row as it was sealed") {
        bundle one;
        bundle two;
        change_in(h, "alice", [&](auto& t) {
            one = write_and_seal(t, {{p, project_row("p"), {}}, {a, task_row("1", "s", "p"), "m'1"}}, "dev'", 7);
            CHECK(must(t.head()).seq == 1);
            two = write_and_seal(t, {{a, task_row("2"), "m2"}, {b, task_row("b"), "m3"}, {p, {}, {}}});
        });
        must(h.app_write("alice", a, task_row("unsealed")));
        must(h.app_erase("alice", b));
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            const auto head = must(t.head());
            CHECK(head.seq == two.head.seq);
            CHECK(head.stamp == two.rows.back().stamp);
            CHECK(must(t.sealed(a)) == sealed_row{2, two.rows[0].stamp, task_row("2"), 0, two.rows[0].written_at});
            CHECK(must(t.sealed(b)) == sealed_row{2, two.rows[1].stamp, task_row("b"), 0, two.rows[1].written_at});
            CHECK(must(t.sealed(p)) == sealed_row{2, two.rows[2].stamp, std::nullopt, 0, two.rows[2].written_at});
            CHECK(must(t.current(a)) == task_row("unsealed"));
            CHECK(must(t.bundle_heads(0, all)) == std::vector<bundle_head>{one.head, two.head});
            CHECK(must(t.bundle_heads(1, all)) == std::vector<bundle_head>{two.head});
            CHECK(must(t.bundle_heads(2, all)).empty());
            CHECK(must(t.bundle_heads(0, 1)) == std::vector<bundle_head>{one.head});
            CHECK(must(t.bundle_heads(0, 0)).empty());
            CHECK(must(t.bundle_rows(1, 0, all)) == one.rows);
            CHECK(must(t.bundle_rows(2, 0, all)) == two.rows);
            for (const std::uint32_t from : {0u, 1u, 2u, 3u, 4u})
                for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}})
                    CHECK(must(t.bundle_rows(2, from, n)) == slice(two.rows, [&](const auto& r) { return r.stamp >= two.head.first_stamp && static_cast<std::uint32_t>(std::find(two.rows.begin(), two.rows.end(), r) - two.rows.begin()) >= from; }, n));
            CHECK(must(t.changes_of(a, 0)) == std::vector<change_mark>{{1, one.rows[1].fields, "m'1"}, {2, two.rows[0].fields, "m2"}});
            CHECK(must(t.changes_of(a, 1)).size() == 1);
            CHECK(must(t.changes_of(a, 2)).empty());
            CHECK(must(t.changes_of(p, 0)).back().writer.empty());
        });
    }
    SECTION("the last change of each record comes by stamp, after the cursor, at most n") {
        std::vector<row_change> expected;
        change_in(h, "alice", [&](auto& t) {
            write_and_seal(t, {{a, task_row("1"), {}}, {b, task_row("1"), {}}, {c, task_row("1"), {}}, {p, project_row("p"), {}}});
            const auto two = write_and_seal(t, {{b, task_row("2"), {}}, {c, {}, {}}});
            const auto three = write_and_seal(t, {{a, task_row("3"), {}}});
            const auto one = must(t.bundle_rows(1, 0, all));
            expected = {one[3], two.rows[0], two.rows[1], three.rows[0]};
            write_and_seal(t, {});
        });
        look_at(h, "alice", [&](auto& t) {
            CHECK(must(t.latest_after(0, all)) == expected);
            for (std::int64_t cursor = 0; cursor <= must(t.head()).stamp + 1; ++cursor)
                for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4}})
                    CHECK(must(t.latest_after(cursor, n)) == slice(expected, [&](const auto& r) { return r.stamp > cursor; }, n));
            CHECK(must(t.latest_after((limits::max)(), all)).empty());
        });
    }
    SECTION("A5: pruning forgets what is superseded up to the floor and keeps every record's last change") {
        bundle one;
        bundle two;
        bundle three;
        change_in(h, "alice", [&](auto& t) {
            one = write_and_seal(t, {{a, task_row("1"), "m1"}, {b, task_row("1"), "m1"}, {c, task_row("1"), "m1"}, {p, project_row("p"), "m1"}});
            two = write_and_seal(t, {{a, task_row("2"), "m2"}, {b, {}, "m2"}});
            three = write_and_seal(t, {{a, task_row("3"), "m3"}, {c, task_row("3"), "m3"}});
        });
        std::vector<row_change> latest;
        look_at(h, "alice", [&](auto& t) { latest = must(t.latest_after(0, all)); });
        change_in(h, "alice", [&](auto& t) { must(t.prune(2)); });
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            const auto head = must(t.head());
            CHECK(head.seq == 3);
            CHECK(head.floor_seq == 2);
            CHECK(head.floor_stamp == two.rows.back().stamp);
            CHECK(must(t.bundle_heads(0, all)) == std::vector<bundle_head>{three.head});
            CHECK(must(t.bundle_rows(3, 0, all)) == three.rows);
            CHECK(must(t.latest_after(0, all)) == latest);
            CHECK(must(t.sealed(a))->pruned_version == 2);
            CHECK(must(t.sealed(b))->pruned_version == 2);
            CHECK_FALSE(must(t.sealed(b))->row);
            CHECK(must(t.sealed(b))->version == 2);
            CHECK(must(t.sealed(c))->pruned_version == 1);
            CHECK(must(t.sealed(c))->row == task_row("3"));
            CHECK(must(t.sealed(p))->pruned_version == 1);
            CHECK(must(t.sealed(p))->row == project_row("p"));
            CHECK(must(t.changes_of(a, 0)) == std::vector<change_mark>{{3, three.rows[0].fields, "m3"}});
            CHECK(must(t.changes_of(b, 0)) == std::vector<change_mark>{{2, two.rows[1].fields, "m2"}});
            CHECK(must(t.changes_of(p, 0)) == std::vector<change_mark>{{1, one.rows[3].fields, "m1"}});
        });
        change_in(h, "alice", [&](auto& t) {
            must(t.prune(1));
            CHECK(must(t.head()).floor_seq == 2);
            must(t.prune(3));
            CHECK(must(t.head()).floor_seq == 3);
            CHECK(must(t.head()).floor_stamp == three.rows.back().stamp);
            CHECK(must(t.bundle_heads(0, all)).empty());
            CHECK(must(t.latest_after(0, all)) == latest);
            CHECK(must(t.sealed(a))->pruned_version == 3);
            CHECK(must(t.sealed(c))->pruned_version == 3);
            const auto four = write_and_seal(t, {{b, task_row("back"), "m4"}});
            CHECK(four.head.seq == 4);
            CHECK(must(t.sealed(b))->pruned_version == 2);
            // What only being the last one had kept below the floor goes with the next.
            CHECK(must(t.changes_of(b, 0)) == std::vector<change_mark>{{4, four.rows[0].fields, "m4"}});
            CHECK(must(t.history_of(b)) == four.rows);
            CHECK(must(t.bundle_heads(0, all)) == std::vector<bundle_head>{four.head});
            must(t.prune(99));
            CHECK(must(t.head()).floor_seq == 4);
            CHECK(must(t.head()).floor_stamp == four.rows.back().stamp);
            const auto five = write_and_seal(t, {{a, task_row("5"), {}}, {c, task_row("5"), {}}});
            CHECK(five.head.seq == 5);
            CHECK(must(t.history_of(a)).size() + must(t.history_of(c)).size() == five.rows.size());
            CHECK(must(t.history_of(p)).size() == 1);
        });
    }
    SECTION("a snapshot copies the sealed live rows, by rank and key, and stays as it is") {
        const record_key s{sample, "s"};  // of the lowest rank, though its model was registered last
        const timestamp soon = from_microseconds(1000);
        bundle one;
        snapshot_head made;
        change_in(h, "alice", [&](auto& t) {
            one = write_and_seal(t, {{b, task_row("b"), {}}, {p, project_row("p"), {}}, {a, task_row("a"), {}}, {c, task_row("c"), {}}, {{project, "B"}, project_row("B"), {}}, {s, sample_row(4, value::text("s")), {}}});
            write_and_seal(t, {{b, task_row("b2"), {}}, {c, {}, {}}});
            must(t.write({task, "staged"}, task_row("not sealed")));
            must(t.write(a, task_row("not sealed")));
            made = must(t.make_snapshot(snapshot_head{"snap'", "princ", 99, 99, 99, soon}));
            timestamp newest = (timestamp::min)();
            for (const auto& key : {a, b, p, s, record_key{project, "B"}}) newest = (std::max)(newest, must(t.sealed(key))->written_at);
            CHECK(must(t.sealed(c))->written_at > newest);
            CHECK(made == snapshot_head{"snap'", "princ", 2, must(t.head()).stamp, 5, soon, newest});
        });
        const std::vector<row_image> expected = {row_image{{project, "B"}, 1, project_row("B"), {}}, row_image{p, 1, project_row("p"), {}},
                                                 row_image{s, 1, sample_row(4, value::text("s")), {}},
                                                 row_image{a, 1, task_row("a"), {}}, row_image{b, 2, task_row("b2"), {}}};
        must(h.app_erase("alice", b));
        change_in(h, "alice", [&](auto& t) {
            write_and_seal(t, {{a, {}, {}}, {p, project_row("changed"), {}}});
            must(t.prune(3));
        });
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            CHECK(must(t.find_snapshot("snap'")) == made);
            CHECK_FALSE(must(t.find_snapshot("snap")));
            CHECK_FALSE(t.renew_snapshot("snap'", soon));
            CHECK(show(must(t.snapshot_rows("snap'", 0, all))) == show(expected));
            CHECK(must(t.snapshot_rows("snap'", 5, all)).empty());
            CHECK(must(t.snapshot_rows("snap'", 400, all)).empty());
            CHECK(must(t.snapshot_rows("snap'", 0, 0)).empty());
            CHECK(must(t.snapshot_rows("other", 0, all)).empty());
            for (std::uint32_t from = 0; from < 5; ++from)
                for (const std::size_t n : {std::size_t{1}, std::size_t{3}}) {
                    const auto page = must(t.snapshot_rows("snap'", from, n));
                    REQUIRE(page.size() == (std::min)(n, expected.size() - from));
                    for (std::size_t i = 0; i < page.size(); ++i) CHECK(page[i] == expected[from + i]);
                }
        });
        change_in(h, "alice", [&](auto& t) {
            // It lives on under another time, with the rows that it had; one that is not there is not made by it.
            must(t.renew_snapshot("snap'", from_microseconds(2000)));
            must(t.renew_snapshot("snap", from_microseconds(2000)));
            CHECK_FALSE(must(t.find_snapshot("snap")));
            must(t.expire(from_microseconds(2000)));
            made.expires = from_microseconds(2000);
            CHECK(must(t.find_snapshot("snap'")) == made);
            CHECK(show(must(t.snapshot_rows("snap'", 0, all))) == show(expected));
            must(t.drop_snapshot("snap'"));
            must(t.drop_snapshot("snap'"));
            CHECK_FALSE(must(t.find_snapshot("snap'")));
            CHECK(must(t.snapshot_rows("snap'", 0, all)).empty());
        });
    }
}

template <class Make>
void check_authority_sessions(Make make) {
    auto h = make();
    const record_key a{task, "a"};

    SECTION("receipts are kept per principal and id, whole, and the last one put holds") {
        receipt full;
        full.id = "m'\"1";
        full.outcome = outcome_kind::refused;
        full.key = a;
        full.version = (std::numeric_limits<std::int64_t>::max)();
        full.clean = true;
        full.carries_row = true;
        full.after = "m0";
        full.content_hash = std::string("\0h\xFF", 3);
        full.why = wait_reason{errc::constraint, "it's so"};
        full.messages = {{"title", "too \"long\""}, {"", "and more"}};
        receipt other;
        other.id = full.id;
        other.outcome = outcome_kind::superseded;
        change_in(h, "alice", [&](auto& t) {
            CHECK_FALSE(must(t.find_receipt("p", full.id)));
            must(t.put_receipt("p", other));
            must(t.put_receipt("p", full));
            must(t.put_receipt("P", other));
        });
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            CHECK(must(t.find_receipt("p", full.id)) == full);
            CHECK(must(t.find_receipt("P", full.id)) == other);
            CHECK_FALSE(must(t.find_receipt("", full.id)));
            CHECK_FALSE(must(t.find_receipt("p", "m")));
        });
    }
    SECTION("a receipt is found whatever was looked for, written and undone before it in the transaction") {
        std::map<std::pair<std::string, std::string>, std::string> known;
        seeded_random draw{11};
        for (int round = 0; round < 30; ++round) {
            const bool kept = draw.chance(3, 4);
            auto working = known;
            auto t = must(h.store().begin("alice", access::write));
            for (int step = 0; step < 20; ++step) {
                const std::string principal(1 + draw.below(2), 'p');
                const std::string id = "m" + std::to_string(100 + draw.below(25));
                const auto look = [&](const auto& expected) {
                    const auto found = must(t.find_receipt(principal, id));
                    REQUIRE(found.has_value() == expected.contains({principal, id}));
                    if (found) REQUIRE(found->content_hash == expected.at({principal, id}));
                };
                const bool in_savepoint = draw.chance(1, 4);
                auto inner = working;
                if (in_savepoint) must(t.savepoint());
                if (draw.chance(1, 3)) {
                    receipt r;
                    r.id = id;
                    r.content_hash = std::to_string(round * 100 + step);
                    must(t.put_receipt(principal, r));
                    inner[{principal, id}] = r.content_hash;
                }
                look(inner);
                const bool undone = in_savepoint && draw.chance(1, 2);
                if (in_savepoint) must(undone ? t.rollback_to_savepoint() : t.release_savepoint());
                if (!undone) working = inner;
                look(working);
            }
            if (kept) {
                must(t.commit());
                known = working;
            }
        }
        CHECK(known.size() > 20);
    }
    SECTION("bundle receipts are kept per source and number, and the last number is known") {
        change_in(h, "alice", [&](auto& t) {
            CHECK(must(t.last_source_bundle_id("dev")) == 0);
            for (const std::int64_t n : {1, 2, 10, 9}) must(t.put_bundle_receipt(bundle_receipt{"dev", n, n * 2, std::string("h\0", 2), 3, "an'n"}));
            must(t.put_bundle_receipt(bundle_receipt{"dev2", 77, 1, {}, 0}));
            must(t.put_bundle_receipt(bundle_receipt{"de", 3, 1, {}, 0}));
        });
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            CHECK(must(t.find_bundle_receipt("dev", 2)) == bundle_receipt{"dev", 2, 4, std::string("h\0", 2), 3, "an'n"});
            CHECK_FALSE(must(t.find_bundle_receipt("dev", 3)));
            CHECK_FALSE(must(t.find_bundle_receipt("DEV", 2)));
            CHECK(must(t.last_source_bundle_id("dev")) == 10);
            CHECK(must(t.last_source_bundle_id("dev2")) == 77);
            CHECK(must(t.last_source_bundle_id("de")) == 3);
            CHECK(must(t.last_source_bundle_id("d")) == 0);
        });
    }
    SECTION("sessions keep their mutations by ordinal, until they are dropped") {
        const timestamp soon = from_microseconds(1000);
        const auto numbered = [&](std::uint32_t n) { return mutation{"m" + std::to_string(n), full_intent(a, n)}; };
        const auto ids = [](const std::vector<mutation>& ms) {
            std::string out;
            for (const auto& m : ms) out.append(m.id).append(" ");
            return out;
        };
        push_session s{"s'1", "p", "dev", 5, 40, 0, soon};
        change_in(h, "alice", [&](auto& t) {
            must(t.put_session(s));
            must(t.put_session(push_session{"s2", "p", "dev", 5, 1, 0, soon}));
            must(t.put_session(push_session{"s3", "p", "dev", 6, 1, 0, soon}));
            must(t.append_session("s'1", 0, {numbered(0), numbered(1)}));
            must(t.append_session("s2", 0, {numbered(77)}));
            must(t.append_session("s3", 0, {numbered(88)}));
        });
        change_in(h, "alice", [&](auto& t) {
            for (std::uint32_t n = 2; n < 12; ++n) must(t.append_session("s'1", n, {numbered(n)}));
            must(t.append_session("s'1", 12, {}));
            s.received_rows = 12;
            s.expires = from_microseconds(2000);
            must(t.put_session(s));
        });
        h.reopen();
        look_at(h, "alice", [&](auto& t) {
            CHECK(must(t.find_session("s'1")) == s);
            CHECK_FALSE(must(t.find_session("s")));
            const auto kept = must(t.session_mutations("s'1"));
            CHECK(ids(kept) == "m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 m10 m11 ");
            for (std::uint32_t n = 0; n < 12; ++n) CHECK(kept[n].what == full_intent(a, n));
            CHECK(ids(must(t.session_mutations("s2"))) == "m77 ");
        });
        change_in(h, "alice", [&](auto& t) {
            must(t.drop_session("s'1"));
            must(t.drop_session("s'1"));
            CHECK_FALSE(must(t.find_session("s'1")));
            must(t.put_session(s));
            CHECK(must(t.session_mutations("s'1")).empty());
            must(t.drop_sessions("dev", 5));
            CHECK_FALSE(must(t.find_session("s'1")));
            CHECK_FALSE(must(t.find_session("s2")));
            CHECK(must(t.session_mutations("s2")).empty());
            CHECK(must(t.find_session("s3")).has_value());
            must(t.drop_sessions("other", 6));
            CHECK(ids(must(t.session_mutations("s3"))) == "m88 ");
        });
    }
    SECTION("what has expired goes, what has not stays") {
        const auto at = [](std::int64_t us) { return from_microseconds(us); };
        change_in(h, "alice", [&](auto& t) {
            for (const std::int64_t us : {10, 20, 30}) {
                must(t.put_session(push_session{"s" + std::to_string(us), "p", "dev", us, 1, 0, at(us)}));
                must(t.append_session("s" + std::to_string(us), 0, {mutation{"m", plain_intent(a, operation::erase, 1)}}));
                CHECK(must(t.make_snapshot(snapshot_head{"h" + std::to_string(us), "p", 0, 0, 0, at(us)})).newest_write == (timestamp::min)());
            }
            must(t.expire(at(20)));
            CHECK_FALSE(must(t.find_session("s10")));
            CHECK(must(t.session_mutations("s10")).empty());
            CHECK_FALSE(must(t.find_snapshot("h10")));
            for (const char* id : {"20", "30"}) {
                CHECK(must(t.find_session(std::string{"s"}.append(id))).has_value());
                CHECK(must(t.session_mutations(std::string{"s"}.append(id))).size() == 1);
                CHECK(must(t.find_snapshot(std::string{"h"}.append(id))).has_value());
            }
            must(t.expire(at(31)));
            CHECK_FALSE(must(t.find_session("s30")));
            CHECK_FALSE(must(t.find_snapshot("h30")));
        });
    }
}

/// A8.
template <class Make>
void check_authority_incarnations(Make make) {
    auto h = make();
    const record_key a{task, "alice-a"};
    const auto head_of = [&](const std::string& tenant) {
        authority_head out;
        look_at(h, tenant, [&](auto& t) { out = must(t.head()); });
        return out;
    };
    const timestamp now = from_microseconds(5'000'000'000);

    SECTION("A8: a new incarnation has another epoch and jumps above every tenant's numbers") {
        change_in(h, "alice", [&](auto& t) { write_and_seal(t, {{a, task_row("one"), {}}}); });
        for (int i = 0; i < 3; ++i) change_in(h, "bob", [&](auto& t) { write_and_seal(t, {{record_key{task, "bob-a"}, task_row(std::to_string(i)), {}}}); });
        const auto alice = head_of("alice");
        const auto bob = head_of("bob");
        CHECK(alice.lost.empty());
        must(h.store().begin_incarnation("second", now));
        h.reopen();
        const first_numbers first = numbers_after_restore({bob.seq, (std::max)(alice.stamp, bob.stamp)}, to_microseconds(now));
        CHECK(head_of("alice").epoch == "second");
        CHECK(head_of("alice").seq == alice.seq);
        CHECK(head_of("alice").lost == lost_intervals{{alice.seq, first.seq, alice.stamp, first.stamp}});
        CHECK(head_of("bob").lost == lost_intervals{{bob.seq, first.seq, bob.stamp, first.stamp}});
        CHECK(next_bundle_seq(head_of("alice")) == first.seq);
        CHECK(newest_stamp(head_of("alice")) == first.stamp - 1);
    }
    SECTION("A8: a second one goes on from the first, whether or not anything was sealed in between") {
        must(h.store().begin_incarnation("second", now));
        const auto second = head_of("alice");
        must(h.store().begin_incarnation("third", now));
        const auto third = head_of("alice");
        REQUIRE(third.lost.size() == 2);
        CHECK(third.lost[0] == second.lost[0]);
        CHECK(third.lost[1].before_seq > second.lost[0].before_seq);
        CHECK(third.lost[1].before_stamp > second.lost[0].before_stamp);
        h.reopen();
        CHECK(head_of("alice") == third);
    }
    SECTION("A8: its name is not empty and not the current one") {
        const auto before = head_of("alice");
        CHECK(fault_of(h.store().begin_incarnation("", now)) == errc::invalid_argument);
        CHECK(fault_of(h.store().begin_incarnation(before.epoch, now)) == errc::invalid_argument);
        CHECK(head_of("alice") == before);
    }
    SECTION("A8: nobody writes meanwhile") {
        auto t = must(h.store().begin("alice", access::write));
        CHECK(fault_of(h.store().begin_incarnation("second", now)) == errc::busy);
    }
    SECTION("A8: sessions are gone, and a snapshot that is read goes on as it was") {
        change_in(h, "alice", [&](auto& t) {
            write_and_seal(t, {{a, task_row("one"), {}}});
            must(t.put_session(push_session{"s", "p", "dev", 1, 1, 0, now}));
            must(t.append_session("s", 0, {mutation{"m", plain_intent(a, operation::erase, 1)}}));
            must(t.make_snapshot(snapshot_head{"h", "p", 0, 0, 0, now}));
        });
        {
            auto reading = must(h.store().begin("alice", access::snapshot));
            const auto epoch = must(reading.head()).epoch;
            must(h.store().begin_incarnation("second", now));
            CHECK(must(reading.head()).epoch == epoch);
            CHECK(must(reading.find_session("s")).has_value());
        }
        look_at(h, "alice", [&](auto& t) {
            CHECK_FALSE(must(t.find_session("s")));
            CHECK(must(t.session_mutations("s")).empty());
            CHECK_FALSE(must(t.find_snapshot("h")));
            CHECK(must(t.snapshot_rows("h", 0, 10)).empty());
        });
    }
}

}  // namespace store_contract

#endif
