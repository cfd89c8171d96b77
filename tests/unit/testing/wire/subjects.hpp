#ifndef SYNCLINE_TESTS_UNIT_TESTING_WIRE_SUBJECTS_HPP
#define SYNCLINE_TESTS_UNIT_TESTING_WIRE_SUBJECTS_HPP

// A server of Syncline's own on both wires, what a kit must know of it, and ways to break it between request and answer.

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wire_kit {

using namespace syncline;
using namespace syncline::testing;
using json = nlohmann::ordered_json;
using next_hop = std::function<response(const request&)>;
/// What stands between a kit and a server: it may change the request, the answer, or make an answer of its own.
using damage = std::function<response(const request&, const next_hop&)>;

inline schema_set schemas() {
    model_schema task;
    task.name = "task";
    task.table = "tasks";
    task.fields = {{"title", value_kind::text, true, nullptr}, {"note", value_kind::text, true, nullptr}};
    schema_set out;
    REQUIRE(out.add(task));
    return out;
}

inline timestamp noon() { return from_microseconds(1'700'000'000'000'000); }

/// Both wires over a memory store. Each of the users ann, ben and cleo has a tenant, and their name for a token.
struct own_server {
    memory_authority_store store{schemas()};
    timestamp now = noon();
    seeded_random random{5};
    sync_server<memory_authority_store> server{store, {}, [this] { return now += std::chrono::milliseconds{1}; }, [this] { return random(); }};

    own_server() {
        server.mount_mutation_wire();
        REQUIRE(server.mount_bundle_wire());
    }
    own_server(const own_server&) = delete;

    response operator()(const request& r) {
        const auto who = bearer_credentials(r);
        if (!who || (*who != "ann" && *who != "ben" && *who != "cleo")) return json_error(401, "unauthenticated", "nobody with this token is known");
        return server(r, principal{std::string{*who}, std::string{*who}});
    }
};

inline wire_account account(const std::string& name) { return {{{"Authorization", "Bearer " + name}}}; }

inline wire_subject subject_of_own(std::string model) {
    wire_subject s;
    s.account = account("ann");
    s.stranger = account("ben");
    s.newcomer = account("cleo");
    s.model = std::move(model);
    s.fields = {{"title"}, {"note"}};
    s.now = noon();
    s.largest_body = std::size_t{8} << 20;
    s.most_mutations = 10'000;
    return s;
}

/// A server with something between it and its callers.
template <class Server>
struct damaged {
    Server& server;
    damage how;
    result<response> operator()(const request& r) const {
        return how(r, [this](const request& inner) { return server(inner); });
    }
};

// --- parts of damages -------------------------------------------------------------------------------------------------------------

inline bool asks(const request& r, http_method m, std::string_view part) { return r.method == m && r.path.find(part) != std::string::npos; }
/// The body as JSON; an object without members where it is none.
inline json body_of(const std::string& text) {
    auto out = json::parse(text, nullptr, false);
    return out.is_discarded() ? json::object() : out;
}
/// Changes the JSON of answers to requests by @p m whose path has @p part in it.
inline damage answers(http_method m, std::string part, std::function<void(json&)> change, int only_status = 200) {
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        if (!asks(r, m, part) || a.status != only_status) return a;
        json body = body_of(a.body);
        change(body);
        a.body = body.dump();
        return a;
    };
}
/// Changes the JSON of requests by POST whose path has @p part in it.
inline damage requests(std::string part, std::function<void(json&)> change) {
    return [=](const request& r, const next_hop& next) {
        if (!asks(r, http_method::post, part) || !body_of(r.body).is_object() || body_of(r.body).empty()) return next(r);
        request other = r;
        json body = body_of(r.body);
        change(body);
        other.body = body.dump();
        return next(other);
    };
}
/// Answers what has the code @p code with @p status instead.
inline damage in_place_of(std::string code, int status, std::string other = "{}") {
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        if (a.status < 400 || body_of(a.body).value("error", "") != code) return a;
        return json_response(status, other);
    };
}
inline damage in_place_of_status(int was, int status) {
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        return a.status == was ? json_response(status, "{}") : a;
    };
}

/// Answers to requests by @p m whose path has @p part in it, told with the status @p now where they had @p was.
inline damage told_with(http_method m, std::string part, int was, int now) {
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        if (asks(r, m, part) && a.status == was) a.status = now;
        return a;
    };
}
/// The same as they are, but not called JSON.
inline damage plain(http_method m, std::string part, int only_status = 200) {
    return [=](const request& r, const next_hop& next) {
        response a = next(r);
        if (asks(r, m, part) && a.status == only_status) set_header(a.headers, "Content-Type", "text/plain");
        return a;
    };
}

/// A server that is broken in one way, and the clause that must notice it.
struct broken_server {
    std::string clause;
    std::string what;
    damage how;
};

/// Names of the clauses of a run that are about something.
inline std::vector<std::string> names_of(const report& r) {
    std::vector<std::string> out;
    for (const auto& c : r.clauses())
        if (c.name != "subject") out.push_back(c.name);
    return out;
}
inline std::vector<std::string> skipped_of(const report& r) {
    std::vector<std::string> out;
    for (const auto& c : r.clauses())
        if (!c.skipped.empty()) out.push_back(c.name);
    return out;
}

/// What clause @p b.clause makes of the server that @p b tells of.
template <class Check>
clause_report judged(const wire_subject& whole, const broken_server& b, Check check) {
    wire_subject s = whole;
    s.only = b.clause;
    own_server server;
    damaged<own_server> line{server, b.how};
    const report found = check(line, s);
    const auto* what = found.find(b.clause);
    REQUIRE(what != nullptr);
    CHECK(found.text().find("an exception left the adapter") == std::string::npos);
    return *what;
}
template <class Check>
void expect_caught(const wire_subject& whole, const std::vector<broken_server>& all, Check check) {
    for (const auto& b : all) {
        INFO(b.clause + ": " + b.what);
        CHECK(judged(whole, b, check).found > 0);
    }
}
/// What a server may do otherwise than Syncline's own is no finding.
template <class Check>
void expect_kept(const wire_subject& whole, const std::vector<broken_server>& all, Check check) {
    for (const auto& b : all) {
        INFO(b.clause + ": " + b.what);
        const auto found = judged(whole, b, check);
        CHECK(found.findings == std::vector<std::string>{});
        CHECK(found.checks > 0);
    }
}

/// Every broken server is caught by its clause, and every clause has one. @p check takes a transport and a subject, and gives a report.
template <class Check>
void expect_all_caught(const wire_subject& whole, const std::vector<broken_server>& all, Check check) {
    own_server fine;
    damaged<own_server> line{fine, [](const request& r, const next_hop& next) { return next(r); }};
    const report kept = check(line, whole);
    INFO(kept.text());
    REQUIRE(kept.passed());
    CHECK(skipped_of(kept).empty());
    std::set<std::string> with_one;
    for (const auto& b : all) with_one.insert(b.clause);
    expect_caught(whole, all, check);
    for (const auto& name : names_of(kept)) {
        INFO(name);
        CHECK(with_one.count(name) == 1);
    }
}

}  // namespace wire_kit

#endif
