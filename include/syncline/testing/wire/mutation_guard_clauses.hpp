#ifndef SYNCLINE_TESTING_WIRE_MUTATION_GUARD_CLAUSES_HPP
#define SYNCLINE_TESTING_WIRE_MUTATION_GUARD_CLAUSES_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/mutation_speaker.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Checks who and what is let in (sheet `mutation` 2, 2.6, 6.2 and the weaknesses of 13 that are about strangers), and Syncline's own members beside the original's.
inline void check_mutation_guards(mutation_speaker& say) {
    wire_run& run = say.run();
    const auto& s = say.subject();
    const wire_field& first = s.fields.front();

    run.clause("mutation 2 endpoints", "push and pull take POST, and there is nothing beside them", [&](clause& c) {
        const std::string hello = wire_object({{"client_id", wire_text(say.device())}});
        for (const char* endpoint : {"push", "pull"})
            for (const http_method m : other_methods(http_method::post, http_method::post)) {
                const auto a = run.ask(c, wire_run::make(m, say.path(endpoint), m == http_method::get ? std::string() : hello, s.account));
                c.expect(a.status() == 405 || (run.original() && a.status() >= 400 && a.status() < 500),
                         std::string(name_of(m)).append(" ").append(endpoint).append(" is refused with 405, found ") + a.told());
            }
        const auto nowhere = say.post(c, "no-such-endpoint", hello);
        c.expect(nowhere.status() == 404, "a path at which there is nothing is answered with 404, found " + nowhere.told());
    });

    run.clause("mutation 2.6 malformed", "a body that is no push or pull is refused as a whole, and changes nothing", [&](clause& c) {
        const std::string key = say.key();
        const std::string good = say.create(key).json();
        const std::vector<std::pair<std::string, std::string>> wrong{
            {"push", "{}"}, {"push", "{"}, {"push", "[]"}, {"push", "{\"mutations\":[" + good + "]}"}, {"push", "{\"client_id\":\"\",\"mutations\":[" + good + "]}"},
            {"push", "{\"client_id\":\"d\",\"mutations\":{\"0\":" + good + "}}"}, {"push", "{\"client_id\":\"d\",\"mutations\":[" + good + "]"},
            {"pull", "{}"}, {"pull", "not json"}, {"pull", "{\"last_sync_cursor\":null}"}};
        for (const auto& [endpoint, body] : wrong) {
            if (run.original() && body.size() > 40) continue;  // what it makes of these is not known
            const auto a = say.post(c, endpoint, body);
            c.expect(a.status() >= 400 && a.status() < 500, "the " + endpoint + " `" + body + "` is refused with 4xx, found " + a.told());
            c.expect(run.original() || (a.is_json() && !a.text("error").empty() && !a.text("message").empty()), "what is refused says why in `error` and `message`, found " + a.told());
        }
        const auto empty = run.ask(c, request{http_method::post, say.path("push"), s.account.headers, {}});
        c.expect(empty.status() == 422 || empty.status() == 400, "a push without a body is refused with 422 or 400, found " + empty.told());
        request form{http_method::post, say.path("push"), s.account.headers, "client_id=d&mutations=" + percent_encode("[" + good + "]")};
        set_header(form.headers, "Content-Type", "application/x-www-form-urlencoded");
        const auto other = run.ask(c, std::move(form));
        c.expect(other.status() >= 400 && other.status() < 500, "a form is refused with 4xx, found " + other.told());
        c.expect(say.seen(c, key).empty(), "nothing of a push that was refused is applied");
    });

    constexpr std::string_view bounded = "a request beyond the server's bounds is refused as a whole, and changes nothing";
    if (!s.largest_body && !s.most_mutations) run.skip("mutation 2.6 too large", bounded, "the subject names no bound");
    else
        run.clause("mutation 2.6 too large", bounded, [&](clause& c) {
            const std::string key = say.key(), device = say.device();
            const auto refused = [&](const std::string& body, const std::string& what) {
                const int status = run.ask_too_much(c, wire_run::make(http_method::post, say.path("push"), body, s.account));
                c.expect(status == 413, what + " is refused with 413, found " + std::to_string(status));
                c.expect(say.seen(c, key).empty(), "nothing of " + what + " is applied");
            };
            if (s.largest_body) {
                auto big = say.create(key);
                big.more.emplace_back("padding", wire_text(std::string(*s.largest_body, 'x')));
                refused(say.push_body(device, {big}), "a body that is too large");
            }
            if (s.most_mutations) {
                // As small as an entry can be, so that this bound is met and no other.
                std::vector<std::string> list{say.create(key).json()};
                list.resize(*s.most_mutations + 1, "{}");
                refused(wire_object({{"client_id", wire_text(device)}, {"mutations", wire_array(list)}}), "a push of too many mutations");
            }
        });

    constexpr std::string_view known = "nobody is let in without credentials";
    if (s.open) run.skip("mutation 2.6 credentials", known, "the subject says that the server lets in whoever asks");
    else
        run.clause("mutation 2.6 credentials", known, [&](clause& c) {
            const std::string key = say.key();
            for (const auto& who : {wire_account{}, wire_account{{{"Authorization", "Bearer " + run.fresh_uuid()}}}}) {
                const auto pushed = say.post(c, "push", say.push_body(say.device(), {say.create(key)}), who);
                c.expect(pushed.status() == 401 || pushed.status() == 403, "a push of somebody unknown is refused with 401 or 403, found " + pushed.told());
                const auto pulled = say.post(c, "pull", wire_object({{"client_id", wire_text(say.device())}}), who);
                c.expect(pulled.status() == 401 || pulled.status() == 403, "a pull of somebody unknown is refused with 401 or 403, found " + pulled.told());
            }
            c.expect(say.seen(c, key).empty(), "what somebody unknown pushed is not applied");
        });

    constexpr std::string_view unseen = "a stranger sees nothing of the account's rows, by any device's name";
    constexpr std::string_view untouched = "a stranger changes nothing of the account's rows, and learns nothing of them by trying";
    if (!s.stranger) {
        run.skip("mutation 6.2 scope", unseen, "the subject names no stranger");
        run.skip("mutation 13 W41", untouched, "the subject names no stranger");
        return;
    }
    run.clause("mutation 6.2 scope", unseen, [&](clause& c) {
        const std::string device = say.device(), key = say.key();
        say.apply(c, device, say.create(key));
        for (const std::string& name : {say.device(), device}) {
            const auto walk = say.walk_as(c, *s.stranger, name, {}, {}, [] {});
            c.expect(walk.count(key) == 0, "a stranger's pull does not bring the account's rows");
        }
        c.expect(!say.seen(c, key).empty(), "the account itself sees its rows");
    });
    run.beyond_original("mutation 13 W41", untouched, "scopes do not guard pushes (W41)", [&](clause& c) {
        const std::string device = say.device(), key = say.key();
        say.apply(c, device, say.create(key, first.other));
        auto future = say.update(key, first.third);
        future.timestamp = "9999999999999";
        auto past = say.update(key, first.third);
        past.timestamp = "1";
        for (const auto& m : {future, past, say.create(key), say.erase(key)}) {
            const auto a = say.push_as(c, *s.stranger, device, {m});
            c.expect(a.raw().body.find(first.other) == std::string::npos, "the answer to a stranger's " + m.operation + " does not tell the account's row, found " + a.told());
            c.expect(m.operation != "update" || !say.applied(a, m.id), "a stranger's update of the account's row is not applied, found " + a.told());
        }
        say.expect_row(c, key, first.other, {}, "after a stranger tried");
    });
}

/// Checks the members that Syncline's servers put beside the original's, for clients that name `syncline` (sheet `mutation` 13, `docs/parity.md`).
inline void check_mutation_extension(mutation_speaker& say) {
    wire_run& run = say.run();
    const wire_field& first = say.subject().fields.front();
    const wire_members extended{{"syncline", "1"}};

    run.beyond_original("mutation 2.2 outcomes", "a client that names `syncline` is told the outcome of each mutation, in order, with the record's version", "it does not know the member", [&](clause& c) {
        const std::string device = say.device(), key = say.key();
        const auto made = say.create(key);
        auto edit = say.mutation("update", key, wire_object({{first.name, first.other}}));
        edit.more = {{"base", wire_object({{"row_version", "0"}, {"after", wire_text(made.id)}})}};
        auto bad = say.create(say.key());
        bad.model = "NoSuchModel";
        auto unknown = say.mutation("create", say.key(), "{\"no_such_column\":1," + say.row().substr(1));
        const auto answered = say.push(c, device, {unknown}, extended);
        const auto lost = answered.list("outcomes");
        c.expect(lost.size() == 1 && wire_answer::text_of(lost[0], "status") == "refused" && wire_answer::text_of(lost[0], "reason") == "unknown_field",
                 "a column that the server does not have is refused as `unknown_field`, and not lost");
        const auto a = say.push(c, device, {made, bad, edit}, extended);
        c.expect(a.integer("syncline") == 1, "`syncline` is told back, found " + a.told());
        c.expect(!a.text("epoch").empty(), "`epoch` names the incarnation of the data, found " + a.told());
        c.expect(a.integer("head").value_or(0) > 0, "`head` is the newest stamp, found " + a.told());
        const auto list = a.list("outcomes");
        const std::string wanted[] = {made.id, bad.id, edit.id};
        c.require(list.size() == 3, "there is an outcome for each mutation, found " + a.told());
        for (std::size_t i = 0; i < 3; ++i) c.expect_text(wire_answer::text_of(list[i], "mutation_id"), wanted[i], "the outcome at its mutation's place");
        c.expect_text(wire_answer::text_of(list[0], "status"), "applied", "the status of a create");
        c.expect_text(wire_answer::text_of(list[1], "status"), "refused", "the status of a mutation of an unknown model");
        c.expect_text(wire_answer::text_of(list[1], "reason"), "unknown_model", "its reason");
        c.expect_text(wire_answer::text_of(list[2], "status"), "applied", "the status of an update that follows its create");
        const auto v1 = wire_answer::integer_of(list[0], "row_version").value_or(0), v2 = wire_answer::integer_of(list[2], "row_version").value_or(0);
        c.expect(v1 > 0 && v2 >= v1, "a record's version rises, found " + a.told());
        const auto again = say.push(c, device, {made, bad, edit}, extended);
        const auto repeated = again.list("outcomes");
        c.require(repeated.size() == 3, "there is an outcome for each mutation that comes again, found " + again.told());
        for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
            c.expect_text(wire_answer::text_of(repeated[i], "status"), "applied", "the status of a mutation that comes again");
            c.expect(wire_answer::integer_of(repeated[i], "row_version") == wire_answer::integer_of(list[i], "row_version"),
                     "the version is that of the first time: first " + a.told() + ", then " + again.told());
        }
    });

    run.beyond_original("mutation 2.2 epoch", "a client that knows another incarnation of the data is told so", "it does not know the member", [&](clause& c) {
        const std::string key = say.key();
        const auto a = say.post(c, "push", say.push_body(say.device(), {say.create(key)}, {{"syncline", "1"}, {"epoch", wire_text("no-such-epoch")}}));
        c.expect(a.status() == 409 && !a.text("error").empty(), "a push to another incarnation is refused with 409, found " + a.told());
        c.expect(say.seen(c, key).empty(), "nothing of a push to another incarnation is applied");
        const auto b = say.post(c, "pull", wire_object({{"client_id", wire_text(say.device())}, {"last_sync_cursor", "null"}, {"syncline", "1"}, {"epoch", wire_text("no-such-epoch")}}));
        c.expect(b.status() == 409 && !b.text("error").empty(), "a pull from another incarnation is refused with 409, found " + b.told());
    });
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
