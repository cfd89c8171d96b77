#ifndef SYNCLINE_TESTING_WIRE_WIRE_RUN_HPP
#define SYNCLINE_TESTING_WIRE_WIRE_RUN_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/ulid.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/transport/message.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What a run of a wire's kit has in its hands: a way to the server, what is known of it, fresh names, and the report. The kit has one engine for any transport, so
/// that it is compiled once.
class wire_run {
public:
    using call = std::function<result<response>(const request&)>;

    wire_run(call server, wire_subject subject, random_source random, report& to)
        : server_(std::move(server)), subject_(std::move(subject)), random_(random), to_(&to) {}

    [[nodiscard]] const wire_subject& subject() const noexcept { return subject_; }
    [[nodiscard]] bool original() const noexcept { return subject_.profile == wire_profile::original; }

    /// Checks a clause, if it is asked for.
    template <class Body>
    void clause(std::string_view name, std::string_view asks, Body&& body) {
        if (name.starts_with(subject_.only)) run_clause(*to_, name, asks, std::forward<Body>(body));
    }
    /// Leaves a clause out, and says why.
    void skip(std::string_view name, std::string_view asks, std::string_view why) {
        if (!name.starts_with(subject_.only)) return;
        to_->begin(name, asks);
        to_->skip(why);
    }
    /// Checks a clause that the original is known not to keep; there it is left out.
    template <class Body>
    void beyond_original(std::string_view name, std::string_view asks, std::string_view known, Body&& body) {
        if (original()) skip(name, asks, std::string("known of the original: ").append(known));
        else clause(name, asks, std::forward<Body>(body));
    }

    /// Asks the server; that it answers at all is checked.
    wire_answer ask(testing::clause& c, request what) {
        const std::string where = std::string(name_of(what.method)).append(" ").append(what.path);
        return wire_answer{c.must(server_(what), where)};
    }
    /// Asks with a body that is too large. A server over HTTP may hang up on what it does not want to read to its end, so that its answer is not heard.
    /// @return the answer's status, 413 also where the connection ended
    int ask_too_much(testing::clause& c, const request& what) {
        auto a = server_(what);
        if (!a && a.error().code == errc::unavailable) {
            c.expect(true, "hung up");
            return 413;
        }
        return c.must(std::move(a), "a body that is too large").status;
    }
    /// A request of @p who; one with a body is JSON.
    [[nodiscard]] static request make(http_method method, std::string path, std::string body, const wire_account& who) {
        request out{method, std::move(path), who.headers, std::move(body)};
        if (!out.body.empty()) set_header(out.headers, "Content-Type", "application/json");
        return out;
    }

    /// A key that nobody has used.
    [[nodiscard]] std::string fresh_key(wire_keys usual) {
        const wire_keys form = subject_.keys == wire_keys::of_the_wire ? usual : subject_.keys;
        return form == wire_keys::ulid ? fresh_ulid() : fresh_uuid();
    }
    [[nodiscard]] std::string fresh_ulid() { return to_string(ulids_.next(subject_.now, random_)); }
    [[nodiscard]] std::string fresh_uuid() { return to_string(make_uuid_v4(random_)); }
    /// Milliseconds of the subject's time, later with each call.
    [[nodiscard]] std::int64_t fresh_time() {
        ++ticks_;
        return std::chrono::floor<std::chrono::milliseconds>(subject_.now.time_since_epoch()).count() + ticks_;
    }

private:
    call server_;
    wire_subject subject_;
    random_source random_;
    report* to_;
    ulid_generator ulids_;
    std::int64_t ticks_ = 0;
};

/// The methods that an endpoint for @p method must refuse.
[[nodiscard]] inline std::vector<http_method> other_methods(http_method method, http_method also) {
    std::vector<http_method> out;
    for (const http_method m : {http_method::get, http_method::post, http_method::put, http_method::patch, http_method::erase})
        if (m != method && m != also) out.push_back(m);
    return out;
}

/// Whether two values are one to the wire: as JSON, or, as PHP and SQL write them, a number as text and a boolean as 0 or 1.
[[nodiscard]] inline bool same_wire_value(std::string_view found, std::string_view expected) {
    const auto plain = [](std::string_view json) {
        if (json == "true") return std::string("1");
        if (json == "false") return std::string("0");
        if (json.size() >= 2 && json.front() == '"' && json.back() == '"' && json.find_first_not_of("0123456789.-", 1) == json.size() - 1)
            return std::string(json.substr(1, json.size() - 2));
        return std::string(json);
    };
    return plain(found) == plain(expected);
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
