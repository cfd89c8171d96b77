#ifndef SYNCLINE_TESTING_WIRE_MUTATION_PULL_CLAUSES_HPP
#define SYNCLINE_TESTING_WIRE_MUTATION_PULL_CLAUSES_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/mutation_speaker.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

namespace detail {

inline std::string keys_of(const std::vector<pulled_row>& rows) {
    std::string out;
    for (const auto& row : rows) out.append(out.empty() ? "" : " ").append(row.key);
    return out;
}
inline std::string joined(const std::vector<std::string>& keys) {
    std::string out;
    for (const auto& key : keys) out.append(out.empty() ? "" : " ").append(key);
    return out;
}

}  // namespace detail

/// Checks what a pull is and brings: its form, its cursor, its order, its pages (sheet `mutation` 3).
inline void check_mutation_pull(mutation_speaker& say) {
    wire_run& run = say.run();
    const auto& s = say.subject();
    const wire_field& first = s.fields.front();

    run.clause("mutation 3 answer", "a pull is answered with snapshots, a cursor and whether there is more", [&](clause& c) {
        const std::string device = say.device(), key = say.key();
        say.apply(c, device, say.create(key));
        const auto a = say.pull(c, device, {});
        c.expect(a.has_list("snapshots"), "`snapshots` is an array, found " + a.told());
        const auto cursor = a.root().find("new_sync_cursor");
        c.expect(cursor && (cursor->is_integer() || cursor->is_null()), "`new_sync_cursor` is an integer of 64 bits or null, found " + a.told());
        c.expect(a.truth("has_more").has_value(), "`has_more` is a boolean, found " + a.told());
        for (const auto& row : a.list("snapshots")) {
            const auto op = wire_answer::text_of(row, "operation");
            c.expect(!wire_answer::text_of(row, "entity_id").empty() && !wire_answer::text_of(row, "model").empty() && !op.empty(),
                     "a snapshot has `entity_id`, `model` and `operation`, else a client gives its whole page up; found " + wire_json(row));
            c.expect(op == "upsert" || op == "delete", "the operation of a snapshot is `upsert` or `delete`, found " + wire_json(row));
            const auto payload = row.find("payload");
            if (op == "upsert") c.expect(payload && payload->is_object(), "the payload of an upsert is an object, found " + wire_json(row));
            else c.expect(!payload || payload->size() == 0, "a delete has no payload, found " + wire_json(row));
        }
        // A client that has never pulled may leave the cursor out.
        const auto bare = say.post(c, "pull", wire_object({{"client_id", wire_text(say.device())}}));
        c.expect(bare.status() == 200, "a pull with `client_id` alone is answered with 200, found " + bare.told());
    });

    run.clause("mutation 3 pages", "pages bring every change, and the cursor rises from page to page", [&](clause& c) {
        const std::string device = say.device(), writer = say.device();
        const auto before = say.walk(c, device).cursor;
        std::vector<std::string> keys;
        for (int i = 0; i < 7; ++i) keys.push_back(say.key());
        for (int i = 0; i < 3; ++i) say.apply(c, writer, say.create(keys[static_cast<std::size_t>(i)]));
        std::vector<spoken_mutation> rest;
        for (int i = 3; i < 7; ++i) rest.push_back(say.create(keys[static_cast<std::size_t>(i)]));
        const auto pushed = say.push(c, writer, rest);
        for (const auto& m : rest) c.require(say.applied(pushed, m.id), "a create that nothing speaks against is in `applied`, found " + pushed.told());
        for (const std::size_t limit : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
            const std::string with = "with pages of " + std::to_string(limit);
            const auto walk = say.walk(c, device, before, limit);
            for (const auto& key : keys) {
                const auto times = walk.count(key);
                c.expect(times == 1 || (run.original() && times > 1), with + ", record " + key + " comes once, found " + std::to_string(times) + " times");
            }
            for (std::size_t i = 1; i < walk.cursors.size(); ++i)
                c.expect(walk.cursors[i] > walk.cursors[i - 1] || run.original(), with + ", the cursor rises from page to page");
        }
        if (run.original()) return;  // how it spreads a limit over pages is not known
        auto at = before;
        for (bool more = true; more;) {
            const auto page = say.pull(c, device, at, 3);
            c.require(page.list("snapshots").size() <= 3, "a page has no more snapshots than `limit`, found " + page.told());
            const auto again = say.pull(c, device, at, 3);
            c.expect_text(again.raw().body, page.raw().body, "a page that is asked for again, its answer having been lost");
            at = page.integer("new_sync_cursor");
            more = page.truth("has_more").value_or(false);
        }
        c.expect(say.walk(c, device, at).rows.empty(), "there is nothing after the last page");
    });

    run.beyond_original("mutation 3 commit order", "rows come in the order in which they were committed, whoever wrote them", "rows are ordered by the time of their last write, in whole seconds (W10, W11)", [&](clause& c) {
        const std::string device = say.device(), one = say.device(), two = say.device();
        const auto before = say.walk(c, device).cursor;
        std::vector<std::string> keys{say.key(), say.key(), say.key(), say.key()};
        std::sort(keys.begin(), keys.end());
        std::reverse(keys.begin(), keys.end());  // not the order of their names
        for (std::size_t i = 0; i < keys.size(); ++i) say.apply(c, i % 2 == 0 ? one : two, say.create(keys[i]));
        const auto all = say.walk(c, device, before);
        c.expect_text(detail::keys_of(all.rows), detail::joined(keys), "the records of two writers who take turns, in their order");
        say.apply(c, one, say.update(keys[0], first.other));
        c.expect_text(detail::keys_of(say.walk(c, device, all.cursor).rows), keys[0], "after a pull, what comes is what was changed since");
        c.expect_text(detail::keys_of(say.walk(c, say.device(), before, 2).rows), detail::joined({keys[1], keys[2], keys[3], keys[0]}), "what was changed again comes where it was changed");
    });

    run.clause("mutation 3 interleaved", "nothing is lost of what is written while pages are pulled", [&](clause& c) {
        const std::string device = say.device(), writer = say.device();
        const auto before = say.walk(c, device).cursor;
        std::vector<std::string> keys;
        for (int i = 0; i < 5; ++i) {
            keys.push_back(say.key());
            say.apply(c, writer, say.create(keys.back()));
        }
        const std::string late = say.key();
        int turns = 0;
        const auto meanwhile = [&] {
            if (++turns != 1) return;
            say.apply(c, writer, say.update(keys[0], first.other));
            say.apply(c, writer, say.update(keys[4], first.other));
            say.apply(c, writer, say.create(late));
        };
        auto walk = say.walk_as(c, s.account, device, before, 2, meanwhile);
        if (turns == 0) meanwhile();
        const auto rest = say.walk(c, device, walk.cursor);
        walk.rows.insert(walk.rows.end(), rest.rows.begin(), rest.rows.end());
        keys.push_back(late);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const auto* row = walk.last_of(keys[i]);
            if (!c.expect(row != nullptr && !row->erased, "record " + keys[i] + " comes, found " + detail::keys_of(walk.rows))) continue;
            say.expect_fields(c, row->payload, i == 0 || i == 4 ? first.other : first.one, {}, "after writes between two pages");
        }
    });

    run.beyond_original("mutation 3 bad cursor", "a cursor or a limit that cannot be is refused, with words", "cursors are times, and any number is one", [&](clause& c) {
        const std::string device = say.device();
        const auto ask = [&](const std::string& cursor, const std::string& limit) {
            return say.post(c, "pull", wire_object({{"client_id", wire_text(device)}, {"last_sync_cursor", cursor}, {"limit", limit}}));
        };
        const auto refused = [&](const std::string& cursor, const std::string& limit, const std::string& what) {
            const auto a = ask(cursor, limit);
            c.expect(a.status() >= 400 && a.status() < 500 && a.is_json() && !a.text("error").empty() && !a.text("message").empty(),
                     what + " is refused with 4xx, `error` and `message`; found " + a.told());
        };
        refused("\"yesterday\"", "10", "a cursor that is a text");
        refused("1.5", "10", "a cursor that is no whole number");
        refused("-1", "10", "a negative cursor");
        refused(std::to_string((std::numeric_limits<std::int64_t>::max)()), "10", "a cursor from the future");
        refused("null", "0", "a limit of 0");
        refused("null", "-1", "a negative limit");
        refused("null", "\"ten\"", "a limit that is a text");
        c.expect(ask("null", "10").status() == 200, "a pull without a fault is answered after all that");
    });

    constexpr std::string_view deletes = "a delete comes to every device that had the record, and to none that had not";
    if (!s.tombstones) run.skip("mutation 3 tombstone", deletes, "the subject says that its deletes do not arrive (W14)");
    else
        run.clause("mutation 3 tombstone", deletes, [&](clause& c) {
            const std::string device = say.device(), peer = say.device(), gone = say.key(), stays = say.key();
            say.apply(c, peer, say.create(gone));
            say.apply(c, peer, say.create(stays));
            const auto had = say.walk(c, device).cursor;
            say.apply(c, peer, say.erase(gone));
            const auto news = say.walk(c, device, had);
            const auto* row = news.last_of(gone);
            c.expect(row != nullptr && row->erased, "the delete of a record that the device had comes with its next pull, found " + detail::keys_of(news.rows));
            const auto* kept = news.last_of(stays);
            c.expect(kept == nullptr || !kept->erased, "a record that nobody deleted is not deleted");
            c.expect(say.seen(c, gone).empty(), "a device that starts over does not get a record that is gone");
            c.expect(!say.seen(c, stays).empty(), "a device that starts over gets the record that stays");
            const auto edit = say.update(gone, first.other);
            const auto refused = say.push(c, say.device(), {edit});
            c.expect(say.absent(refused, edit.id), "an update of a record that is gone is `not_found`, found " + refused.told());
            if (run.original()) return;  // the key of a trashed row is taken (W19)
            say.apply(c, device, say.create(gone, first.third));
            say.expect_row(c, gone, first.third, {}, "after a deleted record was created again");
        });
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
