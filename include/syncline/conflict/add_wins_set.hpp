#ifndef SYNCLINE_CONFLICT_ADD_WINS_SET_HPP
#define SYNCLINE_CONFLICT_ADD_WINS_SET_HPP

#include <syncline/conflict/merges.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/version.hpp>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace detail {

/// A JSON array of scalars, read as a set: each element once, in the order of its first appearance.
struct json_set {
    struct element {
        std::string identity;  ///< equal for equal elements
        std::string text;      ///< the element as it is written again
    };
    std::vector<element> in_order;
    std::set<std::string> identities;

    [[nodiscard]] bool contains(const element& e) const { return identities.contains(e.identity); }
};

/// Reads @p v; null is the empty set. Nothing where it is not an array, or holds arrays or objects: what is the same element
/// could not be said of them. Integers are the same in any spelling, other numbers when they are written alike.
[[nodiscard]] inline std::optional<json_set> read_json_set(const value& v) {
    json_set s;
    if (v.is_null()) return s;
    const auto parsed = json_tape::parse(v.as_string());
    if (!parsed || !parsed->root().is_array()) return std::nullopt;
    for (const json_view item : parsed->root()) {
        if (item.is_array() || item.is_object()) return std::nullopt;
        json_set::element e;
        json_writer out{e.text};
        item.write_to(out);
        const auto number = item.as_int_lenient();
        e.identity = number ? std::to_string(*number) : e.text;
        if (s.identities.insert(e.identity).second) s.in_order.push_back(std::move(e));
    }
    return s;
}

}  // namespace detail

namespace merges {

/// A set, kept as a JSON array of scalars in a json or text field: an element of the base stays where both sides still have
/// it, any other where either side has it. So additions of both sides are in, and a removal takes what was there before.
/// Order: the server's elements in theirs, then the client's additions in theirs; repeated elements count once. Null
/// counts as the empty set. Nothing where a value is not such an array, and where one is text and another json.
///
/// In a header of its own because it reads JSON, and model headers that name the other merges need not pay for that.
struct add_wins_set {
    [[nodiscard]] static constexpr bool accepts(value_kind kind) noexcept {
        return kind == value_kind::json || kind == value_kind::text;
    }

    /// Whether two values stand for the same set, whatever their order, null for the empty one: what the laws of `merge_laws`
    /// ask of results.
    [[nodiscard]] static bool equivalent(const value& a, const value& b) {
        if (a == b) return true;
        for (const value* v : {&a, &b})
            if (!v->is_null() && !accepts(v->kind())) return false;
        if (!a.is_null() && !b.is_null() && a.kind() != b.kind()) return false;
        const auto x = detail::read_json_set(a);
        const auto y = detail::read_json_set(b);
        return x && y && x->identities == y->identities;
    }

    [[nodiscard]] static std::optional<value> merge(const merge_input& in) {
        return detail::merge_lawfully(in, [&]() -> std::optional<value> {
            value_kind kind = value_kind::null;
            for (const value* v : {&in.base, &in.server, &in.client}) {
                if (v->is_null()) continue;
                if (!accepts(v->kind()) || (kind != value_kind::null && v->kind() != kind)) return std::nullopt;
                kind = v->kind();
            }
            const auto base = detail::read_json_set(in.base);
            const auto server = detail::read_json_set(in.server);
            const auto client = detail::read_json_set(in.client);
            if (!base || !server || !client) return std::nullopt;
            std::string text;
            json_writer out{text};
            out.begin_array();
            for (const auto& e : server->in_order)
                if (client->contains(e) || !base->contains(e)) out.raw(e.text);
            for (const auto& e : client->in_order)
                if (!server->contains(e) && !base->contains(e)) out.raw(e.text);
            out.end_array();
            return kind == value_kind::text ? value::text(std::move(text)) : value::json(std::move(text));
        });
    }

    static constexpr field_merge erased{"add_wins_set", &merge, true};
};

}  // namespace merges

SYNCLINE_NAMESPACE_END

#endif
