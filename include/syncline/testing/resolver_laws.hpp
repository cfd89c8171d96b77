#ifndef SYNCLINE_TESTING_RESOLVER_LAWS_HPP
#define SYNCLINE_TESTING_RESOLVER_LAWS_HPP

#include <syncline/change/intent.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/value.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/verdict.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What is asked of every single answer of a resolver, whatever the conflict. What is asked of the two sides together stands in
/// `resolver_convergence.hpp`.
///
/// | law | says |
/// |---|---|
/// | deterministic | the same conflict in the same context gets the same answer |
/// | record | `merged` sets fields that the model has, to values of their kind, and null only where the field may be null |
/// | stable | what is refused or deferred is so at any later time: nobody gets by waiting what a person was to decide |
/// | reason | `refuse` says why: its reason is all that the person on the device is told |
namespace resolver_laws {

/// @p said in words: `merged title = "a" (both titles are kept)`.
[[nodiscard]] inline std::string text_of(const model_schema& schema, const resolution& said) {
    std::string out{name_of(said.what)};
    std::string_view between = " ";
    for (const auto& f : said.fields) {
        out.append(between).append(f.field < schema.fields.size() ? schema.fields[f.field].name : "field " + std::to_string(f.field));
        out.append(" = ").append(syncline::text_of(f.to));
        between = ", ";
    }
    if (!said.reason.empty()) out.append(" (").append(said.reason).append(")");
    return out;
}

namespace detail {

[[nodiscard]] inline bool same(const resolution& a, const resolution& b) { return a.what == b.what && a.fields == b.fields && a.reason == b.reason; }
[[nodiscard]] inline bool asks_a_person(const resolution& r) noexcept {
    return r.what == resolution::verb::refuse || r.what == resolution::verb::defer;
}

inline void check_fields(const model_schema& schema, const resolution& said, verdict& out) {
    if (said.what != resolution::verb::merged) return;
    if (said.fields.empty()) out.find("record: `merged` names no field; say take_server or take_client where nothing is merged");
    for (const auto& f : said.fields) {
        if (f.field >= schema.fields.size()) {
            out.find("record: `merged` sets field " + std::to_string(f.field) + ", and model `" + schema.name + "` has " +
                     std::to_string(schema.fields.size()) + " fields beside its key; set those by `field_index_of`");
            continue;
        }
        const field_schema& field = schema.fields[f.field];
        if (f.to.is_null() && !field.nullable) out.find("record: `merged` sets `" + field.name + "` to null, which that field cannot be");
        if (!f.to.is_null() && f.to.kind() != field.kind)
            out.find("record: `merged` sets `" + field.name + "` to " + std::string(name_of(f.to.kind())) + ", the field holds " +
                     std::string(name_of(field.kind)));
    }
}

}  // namespace detail

/// Asks @p r about @p c, more than once, and judges its answers.
/// @pre `c.schema` is set
/// @return the laws that are broken, each finding beginning with the law's name
[[nodiscard]] inline verdict check(const resolver& r, const conflict& c, const resolver_context& context) {
    verdict out;
    const resolution said = r(c, context);
    const resolution again = r(c, context);
    if (!detail::same(said, again))
        out.find("deterministic: asked twice about the same conflict it says " + text_of(*c.schema, said) + ", and then " + text_of(*c.schema, again) +
                 "; a resolver must not read or keep anything but its arguments");
    detail::check_fields(*c.schema, said, out);
    if (said.what == resolution::verb::refuse && said.reason.empty()) out.find("reason: `refuse` without a reason tells the person on the device nothing");
    if (!detail::asks_a_person(said)) return out;
    for (const duration wait : {duration{std::chrono::seconds{1}}, duration{std::chrono::hours{24}}, duration{std::chrono::hours{24 * 365}}}) {
        resolver_context later_on = context;
        later_on.now = later(context.now, wait);
        const resolution then = r(c, later_on);
        if (then.what == said.what) continue;
        out.find("stable: it says " + text_of(*c.schema, said) + ", and " + std::to_string(std::chrono::floor<std::chrono::seconds>(wait).count()) +
                 " s later " + text_of(*c.schema, then) + "; what is refused or deferred stays so until a person decides");
        break;
    }
    return out;
}

}  // namespace resolver_laws

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
