#ifndef SYNCLINE_CONFLICT_RESOLVERS_HPP
#define SYNCLINE_CONFLICT_RESOLVERS_HPP

#include <syncline/change/intent.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A resolver that may have no opinion: nothing means that the next one in order is asked.
using optional_resolver = std::function<std::optional<resolution>(const conflict&, const resolver_context&)>;

/// A pure question about a conflict.
using conflict_condition = std::function<bool(const conflict&, const resolver_context&)>;

/// The resolvers that the library ships, stateless function objects, and what combines them. They are asked about what is
/// left after field merges and fields that do not overlap; an erase of a dead record and a create on a dead key never come.
/// Each gives its name as the reason, so that a decision can be explained.
///
/// | conflict | server_wins | client_wins | last_write_wins | field_merge | defer_to_user |
/// |---|---|---|---|---|---|
/// | both have a row | server | client | the later | field by field | defer |
/// | client erases, server has a row | server | client | the later | server | defer |
/// | client has a row, server erased | server | client | the later | server | defer |
/// | client's erase cascades | server | client | server | server | defer |
namespace resolvers {

/// What overlaps is the authority's. The default everywhere.
struct server_wins {
    [[nodiscard]] resolution operator()(const conflict&, const resolver_context&) const {
        return resolution::take_server("server_wins");
    }
};

/// What overlaps is the client's; an erase takes the record, an update of an erased record brings it back.
struct client_wins {
    [[nodiscard]] resolution operator()(const conflict&, const resolver_context&) const {
        return resolution::take_client("client_wins");
    }
};

/// What was written later stands; at the same time, the authority's. An erase that would take live records along is never
/// decided by a clock, as the times are those of one record: the authority's row stays.
struct last_write_wins {
    [[nodiscard]] resolution operator()(const conflict& c, const resolver_context&) const {
        if (c.cascade) return resolution::take_server("last_write_wins: an erase that takes other records along gives way");
        return c.client_time > c.server_time ? resolution::take_client("last_write_wins: the client's is later")
                                             : resolution::take_server("last_write_wins: the server's is as late or later");
    }
};

/// Field by field: a field that nobody else changed is the client's, one with a merge is merged, any other is the authority's.
/// Under `by_field` that is `server_wins`; under `by_row` and `by_timestamp` it keeps what does not really collide. Erased
/// against changed, on either side: the authority's state stays.
struct field_merge {
    [[nodiscard]] resolution operator()(const conflict& c, const resolver_context&) const {
        if (c.server == nullptr || c.client == nullptr || c.schema == nullptr)
            return resolution::take_server("field_merge: a record that one side erased is as the server has it");
        field_changes merged;
        for (std::size_t i = 0; i < c.schema->fields.size(); ++i) {
            const auto f = static_cast<field_index>(i);
            if (!c.overlapping.contains(f) || i >= c.client->fields.size()) continue;
            if (auto v = settle(c, f)) merged.set(f, *std::move(v));
        }
        if (merged.empty()) return resolution::take_server("field_merge: every field collides");
        return resolution::merged(std::move(merged), "field_merge");
    }

private:
    static std::optional<value> settle(const conflict& c, field_index f) {
        const bool foreign = c.server_fields.contains(f);
        const syncline::field_merge* merge = c.schema->fields[f].merge;
        const value& client = c.client->fields[f];
        if (merge != nullptr && merge->merge != nullptr && (foreign || merge->by_difference)) {
            const value nothing;
            const value& base = c.base != nullptr && f < c.base->fields.size() ? c.base->fields[f] : nothing;
            const value& server = f < c.server->fields.size() ? c.server->fields[f] : nothing;
            if (auto v = merge->merge(merge_input{base, server, client, c.server_time, c.client_time})) return v;
        }
        if (foreign) return std::nullopt;
        return client;
    }
};

/// A person decides. On an authority this refuses the change as a conflict and writes nothing.
struct defer_to_user {
    [[nodiscard]] resolution operator()(const conflict&, const resolver_context&) const { return resolution::defer(); }
};

}  // namespace resolvers

namespace detail {

/// Asks @p r; an empty one stands for `server_wins`, as in `resolver_set`.
[[nodiscard]] inline resolution ask(const resolver& r, const conflict& c, const resolver_context& context) {
    return r ? r(c, context) : resolvers::server_wins{}(c, context);
}

}  // namespace detail

namespace resolvers {

/// @p then where @p condition holds, @p otherwise elsewhere. An empty resolver stands for `server_wins`.
/// @pre @p condition is not empty
[[nodiscard]] inline resolver when(conflict_condition condition, resolver then, resolver otherwise = {}) {
    return [condition = std::move(condition), then = std::move(then), otherwise = std::move(otherwise)](
               const conflict& c, const resolver_context& context) {
        return detail::ask(condition(c, context) ? then : otherwise, c, context);
    };
}

/// @p r where @p condition holds, no opinion elsewhere; for `in_order`.
/// @pre @p condition is not empty
[[nodiscard]] inline optional_resolver only_if(conflict_condition condition, resolver r) {
    return [condition = std::move(condition), r = std::move(r)](
               const conflict& c, const resolver_context& context) -> std::optional<resolution> {
        if (!condition(c, context)) return std::nullopt;
        return detail::ask(r, c, context);
    };
}

/// The first of @p candidates that has an opinion, or @p otherwise. Empty candidates are passed over.
[[nodiscard]] inline resolver in_order(std::vector<optional_resolver> candidates, resolver otherwise = {}) {
    return [candidates = std::move(candidates), otherwise = std::move(otherwise)](const conflict& c,
                                                                                 const resolver_context& context) {
        for (const auto& candidate : candidates)
            if (candidate)
                if (auto said = candidate(c, context)) return *std::move(said);
        return detail::ask(otherwise, c, context);
    };
}

/// The resolver named for the conflict's model, or @p otherwise.
/// @return `errc::invalid_argument` when a model is named twice: which of two would win must not depend on order.
[[nodiscard]] inline result<resolver> by_model(std::initializer_list<std::pair<std::string, resolver>> named,
                                               resolver otherwise = {}) {
    std::map<std::string, resolver, std::less<>> table;
    for (const auto& [model_name, r] : named)
        if (!table.emplace(model_name, r).second)
            return make_fault(errc::invalid_argument, "model `", model_name, "` is named twice in by_model; name it once");
    return resolver{[table = std::move(table), otherwise = std::move(otherwise)](const conflict& c,
                                                                                const resolver_context& context) {
        if (c.schema != nullptr)
            if (const auto at = table.find(c.schema->name); at != table.end()) return detail::ask(at->second, c, context);
        return detail::ask(otherwise, c, context);
    }};
}

/// The resolver that T's description names by a static `resolver()`, or an empty one. One that is registered at start wins
/// over it.
template <model T>
[[nodiscard]] resolver described_for() {
    if constexpr (requires { { model_traits<T>::resolver() } -> std::convertible_to<resolver>; })
        return model_traits<T>::resolver();
    else
        return {};
}

}  // namespace resolvers

SYNCLINE_NAMESPACE_END

#endif
