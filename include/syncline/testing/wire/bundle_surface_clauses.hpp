#ifndef SYNCLINE_TESTING_WIRE_BUNDLE_SURFACE_CLAUSES_HPP
#define SYNCLINE_TESTING_WIRE_BUNDLE_SURFACE_CLAUSES_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/bundle_speaker.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

namespace detail {

// An endpoint, and what its path needs so that nothing but the caller or the method is at fault.
struct bundle_endpoint {
    http_method method;
    std::string path;
    std::string body;
    http_method also;  // another method that the path has
};

inline std::vector<bundle_endpoint> bundle_endpoints(wire_run& run) {
    const std::string id = run.fresh_uuid();
    constexpr auto get = http_method::get, post = http_method::post, erase = http_method::erase;
    return {{get, "/capabilities", {}, get},
            {post, "/connect", "{\"has_local_pending_rows\":false}", post},
            {post, "/push-sessions", bundle_speaker::create_body(1, 1), post},
            {post, "/push-sessions/" + id + "/chunks", "{}", post},
            {post, "/push-sessions/" + id + "/commit", {}, post},
            {erase, "/push-sessions/" + id, {}, erase},
            {get, "/committed-bundles/1/rows", {}, get},
            {get, "/pull", {}, get},
            {post, "/snapshot-sessions", {}, post},
            {get, "/snapshot-sessions/" + id, {}, erase},
            {erase, "/snapshot-sessions/" + id, {}, get}};
}

}  // namespace detail

/// Checks what stands around the endpoints of the bundle wire: who is let in, by which method, what the server says of itself, how an account begins (sheet
/// `bundle` 1.1 to 1.3, 1.10, 2.1).
inline void check_bundle_surface(bundle_speaker& say) {
    wire_run& run = say.run();
    const auto& s = say.subject();

    run.clause("bundle 1.1 source", "every request names its source in a header", [&](clause& c) {
        for (const auto& e : detail::bundle_endpoints(run)) {
            const auto name = std::string(name_of(e.method)).append(" ").append(e.path);
            say.expect_error(c, run.ask(c, wire_run::make(e.method, say.path(e.path), e.body, s.account)), 400, "invalid_request", name + " without Oversync-Source-ID");
            say.expect_error(c, say.ask(c, e.method, e.path, e.body, "  "), 400, "invalid_request", name + " with a blank Oversync-Source-ID");
        }
    });

    constexpr std::string_view known = "nobody is let in without credentials";
    if (s.open) run.skip("bundle 1.1 credentials", known, "the subject says that the server lets in whoever asks");
    else
        run.clause("bundle 1.1 credentials", known, [&](clause& c) {
            const std::string source = say.source();
            for (const auto& e : detail::bundle_endpoints(run)) {
                const auto a = say.ask(c, e.method, e.path, e.body, source, {});
                c.expect(a.status() == 401, std::string(name_of(e.method)).append(" ").append(e.path).append(" without credentials is refused with 401, found ") + a.told());
            }
        });

    run.clause("bundle 1.1 methods", "an endpoint refuses other methods with 405, and there is nothing beside them", [&](clause& c) {
        const std::string source = say.source();
        for (const auto& e : detail::bundle_endpoints(run))
            for (const http_method m : other_methods(e.method, e.also)) {
                const auto a = say.ask(c, m, e.path, m == http_method::get ? std::string() : "{}", source);
                c.expect(a.status() == 405 || (run.original() && a.status() == 404),
                         std::string(name_of(m)).append(" ").append(e.path).append(" is refused with 405, found ") + a.told());
            }
        const auto nowhere = say.get(c, "/no-such-endpoint", source);
        c.expect(nowhere.status() == 404, "a path at which there is nothing is answered with 404, found " + nowhere.told());
    });

    run.clause("bundle 1.2 capabilities", "the server says what it speaks, serves and bounds", [&](clause& c) {
        const auto a = say.get(c, "/capabilities", say.source());
        c.require(a.status() == 200 && a.is_json(), "capabilities are answered with 200 and a JSON object, found " + a.told());
        c.expect_text(a.text("protocol_version"), "v1", "`protocol_version`");
        c.expect(a.integer("schema_version").has_value(), "`schema_version` is an integer, found " + a.told());
        const auto tables = a.list("registered_tables");
        c.expect(std::any_of(tables.begin(), tables.end(), [&](json_view t) { return t.as_string() == say.table(); }),
                 "`registered_tables` has `" + say.table() + "`, found " + a.told());
        c.expect(std::is_sorted(tables.begin(), tables.end(), [](json_view x, json_view y) { return x.as_string() < y.as_string(); }), "`registered_tables` is sorted, found " + a.told());
        bool specified = false;
        for (const auto& spec : a.list("registered_table_specs")) {
            if (wire_answer::text_of(spec, "schema") + "." + wire_answer::text_of(spec, "table") != say.table()) continue;
            const auto columns = spec.find("sync_key_columns");
            specified = columns && columns->size() == 1 && (*columns->begin()).as_string() == s.key;
        }
        c.expect(specified, "`registered_table_specs` names the key of `" + say.table() + "`, `" + s.key + "`; found " + a.told());
        const auto features = a.root().find("features");
        c.require(features && features->is_object(), "`features` is an object, found " + a.told());
        for (const auto& f : features->members()) c.expect(f.value.is_boolean(), "a feature is a boolean, found " + wire_json(*features));
        const auto lives = features->find("connect_lifecycle");
        c.expect(lives && wire_json(*lives) == "true", "`connect_lifecycle` is true, else clients do not attach; found " + wire_json(*features));
        if (const auto limits = a.root().find("bundle_limits"))
            for (const auto& l : limits->members()) c.expect(l.value.is_integer() && *l.value.as_int() > 0, "a limit is a positive integer, found " + wire_json(*limits));
    });

    run.clause("bundle 1.3 connect", "connect takes one boolean, and lets into an account that has begun", [&](clause& c) {
        const std::string source = say.joined(c);
        const auto a = say.post(c, "/connect", "{\"has_local_pending_rows\":true,\"a_member_of_later\":1}", source);
        c.expect(a.status() == 200 && a.is_json(), "connect is answered with 200 and a JSON object, found " + a.told());
        c.expect_text(a.text("resolution"), "remote_authoritative", "the resolution where the account has begun");
        c.expect(!a.root().find("initialization_id"), "there is no `initialization_id` with it, found " + a.told());
        request unnamed = wire_run::make(http_method::post, say.path("/connect"), "{\"has_local_pending_rows\":false}", s.account);
        set_header(unnamed.headers, "Content-Type", "text/plain");
        unnamed.headers.push_back({"Oversync-Source-ID", source});
        const auto plain = run.ask(c, std::move(unnamed));
        c.expect(plain.status() == 200, "JSON is taken under any content type, found " + plain.told());
        for (const char* body : {"{", "nonsense", "{\"has_local_pending_rows\":\"yes\"}"}) say.expect_error(c, say.post(c, "/connect", body, source), 400, "invalid_request", std::string("connect with ") + body);
    });

    run.clause("bundle 1.10 watch", "what is not offered is refused, and so is a cursor that is no number", [&](clause& c) {
        const std::string source = say.joined(c);
        const auto told = say.get(c, "/capabilities", source);
        const auto features = told.root().find("features");
        const auto offered = features ? features->find("bundle_change_watch") : std::nullopt;
        const auto bad = say.get(c, "/watch?after_bundle_seq=soon", source);
        c.expect(bad.text("error") == "bundle_change_watch_forbidden" || (bad.status() == 400 && bad.text("error") == "invalid_request"),
                 "a watch from a cursor that is no number is refused with 400 `invalid_request`, found " + bad.told());
        // A transport brings one answer and no stream, so a watch that is offered is not opened.
        if (offered && wire_json(*offered) == "true") return;
        const auto a = say.get(c, "/watch?after_bundle_seq=0", source);
        c.expect((a.status() == 503 && a.text("error") == "bundle_change_watch_disabled") || (a.status() == 403 && a.text("error") == "bundle_change_watch_forbidden"),
                 "a watch that capabilities do not offer is refused with 503 `bundle_change_watch_disabled`, found " + a.told());
    });

    constexpr std::string_view life = "an account is begun by one device, while others wait, and is open to all afterwards";
    if (!s.newcomer) {
        run.skip("bundle 2.1 life", life, "the subject names no newcomer");
        return;
    }
    run.clause("bundle 2.1 life", life, [&](clause& c) {
        const auto& who = *s.newcomer;
        const std::string first = say.source(), second = say.source();
        const auto ask = [&](http_method m, std::string_view endpoint, const std::string& body, const std::string& source) { return say.ask(c, m, endpoint, body, source, who); };
        const auto connect = [&](const std::string& source) { return ask(http_method::post, "/connect", "{\"has_local_pending_rows\":true}", source); };
        const auto create = [&](const std::string& source, const std::string& right) { return ask(http_method::post, "/push-sessions", say.create_body(1, 1, right), source); };
        const auto early = ask(http_method::get, "/pull", {}, first);
        c.require(early.status() != 200, "the subject's newcomer has an account that nobody has connected yet, found " + early.told());
        say.expect_error(c, early, 409, "scope_uninitialized", "a pull before the account has begun");
        say.expect_error(c, ask(http_method::post, "/snapshot-sessions", {}, first), 409, "scope_uninitialized", "a snapshot before the account has begun");
        say.expect_error(c, create(first, {}), 409, "scope_uninitialized", "a push before the account has begun");
        say.expect_error(c, create(first, run.fresh_uuid()), 410, "initialization_expired", "a push with a right that nobody gave");

        const auto begun = connect(first);
        const std::string right = begun.text("initialization_id");
        c.expect(begun.text("resolution") == "initialize_local" && !right.empty() && !begun.text("lease_expires_at").empty(),
                 "the first device with rows may begin the account: `initialize_local` with `initialization_id` and `lease_expires_at`; found " + begun.told());
        c.expect_text(connect(first).text("initialization_id"), right, "the right of the device that connects again");
        const auto waits = connect(second);
        c.expect(waits.text("resolution") == "retry_later" && waits.integer("retry_after_seconds").value_or(0) > 0 && waits.text("initialization_id").empty(),
                 "another device waits: `retry_later` with `retry_after_seconds`; found " + waits.told());
        say.expect_error(c, ask(http_method::get, "/pull", {}, second), 409, "scope_initializing", "a pull while the account is begun");
        say.expect_error(c, create(first, {}), 400, "push_session_invalid", "a push without the right while the account is begun");
        say.expect_error(c, create(second, right), 409, "initialization_stale", "a push with the right of another device");

        const auto made = create(first, right);
        c.require(made.status() == 200 && !made.text("push_id").empty(), "the device with the right may push, found " + made.told());
        const std::string at = "/push-sessions/" + made.text("push_id");
        const auto sent = ask(http_method::post, at + "/chunks", say.chunk_body(0, {say.insert(say.key())}), first);
        c.require(sent.status() == 200, "its rows are taken, found " + sent.told());
        const auto done = ask(http_method::post, at + "/commit", {}, first);
        c.require(done.status() == 200, "its bundle is committed, found " + done.told());
        c.expect(done.integer("bundle_seq") == 1, "the first bundle of an account is number 1, found " + done.told());
        c.expect_text(connect(second).text("resolution"), "remote_authoritative", "the resolution once the account has begun");
        const auto again = create(first, right);
        c.expect(again.text("status") == "already_committed" || (run.original() && again.status() == 400),
                 "the device whose answer was lost learns that its bundle is committed, found " + again.told());
    });
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
