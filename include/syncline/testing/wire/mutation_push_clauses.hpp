#ifndef SYNCLINE_TESTING_WIRE_MUTATION_PUSH_CLAUSES_HPP
#define SYNCLINE_TESTING_WIRE_MUTATION_PUSH_CLAUSES_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/mutation_speaker.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

namespace detail {

// Every list with its entries as the sheet has them, and every id that was sent in just one list.
inline void expect_push_lists(clause& c, const wire_answer& a, const std::vector<spoken_mutation>& sent) {
    std::map<std::string, int, std::less<>> told;
    for (const char* list : {"applied", "rejected", "conflicts"}) c.expect(a.has_list(list), std::string("`").append(list).append("` is an array, found ") + a.told());
    for (const auto& id : a.list("applied")) {
        c.expect(id.is_string(), "`applied` holds mutation ids as strings, found " + a.told());
        ++told[std::string(id.as_string())];
    }
    for (const char* list : {"rejected", "conflicts"})
        for (const auto& e : a.list(list)) {
            const auto data = e.find("data");
            c.expect(!wire_answer::text_of(e, "mutation_id").empty() && !wire_answer::text_of(e, "reason").empty(),
                     std::string("an entry of `").append(list).append("` has `mutation_id` and `reason`, else a client gives its whole batch up; found ") + wire_json(e));
            c.expect(data && (data->is_object() || data->is_array()), std::string("`data` of an entry of `").append(list).append("` is an object or an array, found ") + wire_json(e));
            ++told[wire_answer::text_of(e, "mutation_id")];
        }
    for (const auto& m : sent) c.expect(told[m.id] == 1, "the " + m.operation + " `" + m.id + "` is in one list, once; found " + a.told());
    c.expect(told.size() == sent.size(), "no id is told of that was not sent; found " + a.told());
}

}  // namespace detail

/// Checks what a push is and does, mutation by mutation (sheet `mutation` 2.1 to 2.5).
inline void check_mutation_push(mutation_speaker& say) {
    wire_run& run = say.run();
    const auto& s = say.subject();
    const wire_field& first = s.fields.front();

    run.clause("mutation 2.1 request", "mutations are taken in every form that clients send", [&](clause& c) {
        const std::string device = say.device(), key = say.key(), other = say.key();
        auto uuid = say.create(key);
        uuid.id = run.fresh_uuid();
        auto real_time = say.update(key, first.other);
        real_time.timestamp += ".0";
        auto with_namespace = say.create(other);
        with_namespace.model = "App\\Models\\" + s.model;
        auto known_later = say.update(other, first.other);
        known_later.more.emplace_back("a_member_of_later", "{\"deep\":[1]}");
        auto without_payload = say.erase(other);
        without_payload.payload = "{}";
        const std::vector<spoken_mutation> all{uuid, real_time, with_namespace, known_later, without_payload};
        const auto a = say.push(c, device, all, {{"a_member_of_later", "true"}});
        const char* what[] = {"an id that is a UUID", "a timestamp with a zero fraction", "a model with its namespace", "a member that is not known", "a delete with an empty object"};
        for (std::size_t i = 0; i < all.size(); ++i) c.expect(say.applied(a, all[i].id), std::string(what[i]).append(" is taken, found ") + a.told());
        say.expect_row(c, key, first.other, {}, "after a create and an update in one push");
    });

    run.clause("mutation 2.2 answer", "a push is answered with three lists, and every mutation is in one of them", [&](clause& c) {
        const std::string device = say.device(), key = say.key();
        const std::vector<spoken_mutation> one{say.create(key)};
        detail::expect_push_lists(c, say.push(c, device, one), one);
        const std::vector<spoken_mutation> several{say.update(key, first.other), say.update(say.key(), first.other), say.create(say.key())};
        detail::expect_push_lists(c, say.push(c, device, several), several);
        detail::expect_push_lists(c, say.push(c, device, {}), {});
    });

    run.clause("mutation 2.2 neighbours", "one mutation that cannot be applied stops no other", [&](clause& c) {
        const std::string before = say.key(), after = say.key();
        std::vector<spoken_mutation> all{say.create(before)};
        auto bad = say.create(say.key());
        bad.model = "NoSuchModel";
        all.push_back(bad);
        bad = say.mutation("upsert", say.key(), say.row());
        all.push_back(bad);
        all.push_back(say.update(say.key(), first.other));
        if (!run.original()) {
            all.push_back(say.create(""));
            bad = say.create(say.key());
            bad.payload = "7";
            all.push_back(bad);
            bad = say.create(say.key());
            bad.timestamp = "\"soon\"";
            all.push_back(bad);
        }
        const std::size_t wrong = all.size() - 1;
        all.push_back(say.create(after));
        const auto a = say.push(c, say.device(), all);
        for (std::size_t i = 1; i <= wrong; ++i)
            c.expect(!say.reason(a, all[i].id).empty() || say.absent(a, all[i].id), "what is wrong is rejected: " + all[i].json() + "; found " + a.told());
        for (const auto& key : {before, after}) say.expect_row(c, key, first.one, {}, "beside mutations that were rejected");
    });

    run.clause("mutation 2.3 reasons", "what is rejected says why, in words that clients know", [&](clause& c) {
        const auto absent = say.update(say.key(), first.other);
        auto no_model = say.create(say.key());
        no_model.model = "NoSuchModel";
        auto no_word = say.mutation("upsert", say.key(), say.row());
        const auto a = say.push(c, say.device(), {absent, no_model, no_word});
        c.expect(say.absent(a, absent.id), "an update of a record that is not there is `not_found`, found " + a.told());
        c.expect_text(say.reason(a, no_model.id), "error", "the reason for a model that the server does not have");
        const auto why = say.reason(a, no_word.id);
        c.expect(why == "error" || why == "validation_failed", "the reason for an operation that there is not is `error` or `validation_failed`, found `" + why + "`");
        for (const auto& e : a.list("rejected")) {
            if (wire_answer::text_of(e, "reason") != "validation_failed") continue;
            const auto data = e.find("data");
            const auto messages = data ? data->find("messages") : std::nullopt;
            c.expect(messages && messages->is_object(), "`validation_failed` comes with `messages` by field, found " + wire_json(e));
        }
    });

    run.clause("mutation 2.4 retry", "a mutation that comes again is answered as the first time, and takes effect once", [&](clause& c) {
        const std::string device = say.device(), peer = say.device(), key = say.key();
        const auto made = say.create(key);
        const auto twice = say.push(c, device, {made, made});
        c.expect(say.applied(twice, made.id), "a mutation that stands twice in a push is applied, found " + twice.told());
        const auto edit = say.update(key, first.other);
        say.apply(c, device, edit);
        say.walk(c, peer);
        say.apply(c, peer, say.update(key, first.third));
        const auto again = say.push(c, device, {edit});
        if (s.strict_duplicates) c.expect_text(say.reason(again, edit.id), "duplicate", "the answer to what was applied already");
        else c.expect(say.applied(again, edit.id), "a mutation that comes again is in `applied` as before, found " + again.told());
        say.expect_row(c, key, first.third, {}, "after an old mutation came again");
        // What comes again after its undoing shows whether it takes effect, also where values are compared.
        const auto short_lived = say.create(say.key());
        say.apply(c, device, short_lived);
        say.apply(c, device, say.erase(short_lived.key));
        const auto late = say.push(c, device, {short_lived});
        c.expect(s.strict_duplicates || say.applied(late, short_lived.id), "a create that comes again is in `applied` as before, found " + late.told());
        c.expect(say.seen(c, short_lived.key).empty(), "a create that comes again after the delete does not bring the record back");
    });

    run.beyond_original("mutation 2.4 refused again", "what was refused is refused again, whatever has happened since", "only what was applied is remembered", [&](clause& c) {
        const std::string device = say.device(), key = say.key();
        const auto early = say.update(key, first.other);
        const auto refused = say.push(c, device, {early});
        c.require(say.absent(refused, early.id), "an update of a record that is not there is rejected, found " + refused.told());
        say.apply(c, say.device(), say.create(key));
        const auto again = say.push(c, device, {early});
        c.expect(!say.applied(again, early.id) && say.reason(again, early.id) == say.reason(refused, early.id),
                 "it is answered as before when it comes again: first " + refused.told() + ", then " + again.told());
        say.expect_row(c, key, first.one, {}, "after a refused update came again");
    });

    run.beyond_original("mutation 2.4 other content", "an id that comes again with other content is refused", "ids are not compared with content (W33)", [&](clause& c) {
        const std::string device = say.device(), key = say.key(), other = say.key();
        auto m = say.create(key);
        say.apply(c, device, m);
        m.key = other;
        m.payload = say.row(first.other);
        const auto a = say.push(c, device, {m});
        c.expect(!say.applied(a, m.id), "an id with other content is not in `applied`, found " + a.told());
        c.expect(!say.reason(a, m.id).empty(), "an id with other content is in `rejected`, found " + a.told());
        c.expect(say.seen(c, other).empty(), "nothing is written for an id with other content");
        say.expect_row(c, key, first.one, {}, "after its id came with other content");
    });

    run.clause("mutation 2.4 conflict", "a change of what somebody else has changed since is a conflict; the server's row stays, and is told", [&](clause& c) {
        const std::string device = say.device(), peer = say.device(), key = say.key();
        say.apply(c, peer, say.create(key));
        say.walk(c, device);
        say.apply(c, peer, say.update(key, first.other));
        auto late = say.update(key, first.third);
        late.timestamp = "1";  // the original goes by the clock
        const auto a = say.push(c, device, {late});
        const auto e = say.entry(a, "conflicts", late.id);
        c.require(e.has_value(), "the later change is in `conflicts`, found " + a.told());
        c.expect_text(wire_answer::text_of(*e, "reason"), "conflict", "the reason of a conflict");
        const auto data = e->find("data");
        const auto state = data ? data->find("server_state") : std::nullopt;
        if (state && state->size() > 0) say.expect_fields(c, wire_json(*state), first.other, {}, "in `server_state`");
        else c.expect(run.original(), "a conflict tells the server's row in `server_state`, found " + wire_json(*e));
        say.expect_row(c, key, first.other, {}, "after a conflict");
    });

    constexpr std::string_view both = "changes of different fields of a record by two devices both survive";
    if (!say.two_fields()) run.skip("mutation 2.4 fields", both, "the subject names one field only");
    else
        run.beyond_original("mutation 2.4 fields", both, "whole rows overwrite each other (W01)", [&](clause& c) {
            const std::string device = say.device(), peer = say.device(), key = say.key();
            const wire_field& second = s.fields[1];
            say.apply(c, peer, say.create(key));
            say.walk(c, device);
            say.apply(c, peer, say.update(key, first.one, second.other));
            say.apply(c, device, say.update(key, first.third));
            say.expect_row(c, key, first.third, second.other, "after two devices changed a field each");
        });

    run.clause("mutation 2.5 apply", "create, update and delete do what they say, and unknown columns fall out", [&](clause& c) {
        const std::string device = say.device(), key = say.key();
        auto made = say.create(key);
        made.payload = "{\"no_such_column\":1," + made.payload.substr(1);
        say.apply(c, device, made);
        say.expect_row(c, key, first.one, {}, "after a create");
        say.apply(c, device, say.update(key, first.other));
        say.expect_row(c, key, first.other, {}, "after an update");
        say.apply(c, device, say.erase(key));
        c.expect(say.seen(c, key).empty(), "a record that was deleted does not come to a new device");
    });

    run.clause("mutation 2.5 create again", run.original() ? "a create of a record that is there is an update" : "a create never overwrites a record that is there", [&](clause& c) {
        const std::string key = say.key();
        say.apply(c, say.device(), say.create(key));
        const auto again = say.create(key, first.other);
        const auto a = say.push(c, say.device(), {again});
        if (run.original()) {
            c.expect(say.applied(a, again.id), "a second create is applied, found " + a.told());
            say.expect_row(c, key, first.other, {}, "after a second create");
            return;
        }
        c.expect(say.entry(a, "conflicts", again.id).has_value(), "a second create is in `conflicts`, found " + a.told());
        say.expect_row(c, key, first.one, {}, "after a second create");
    });
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
