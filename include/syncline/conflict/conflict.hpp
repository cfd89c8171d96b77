#ifndef SYNCLINE_CONFLICT_CONFLICT_HPP
#define SYNCLINE_CONFLICT_CONFLICT_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The time of a row of which no time is known, in a conflict: the end of time, so that nothing counts as written after it. Whoever knows
/// no times must not win by them.
inline constexpr timestamp unknown_time = (timestamp::max)();

/// A change whose base is not the current record. The same type on either side, with the same meaning of its members.
/// Pointers are never owned and are valid during the resolver's call.
struct conflict {
    record_key key;
    const model_schema* schema = nullptr;
    operation server_op = operation::update;  ///< erase: the authority's record is gone
    operation client_op = operation::update;
    const record* server = nullptr;  ///< the authority's current row; nullptr: gone
    const record* client = nullptr;  ///< the row as the client wants it, whole; nullptr: it wants it gone
    const record* base = nullptr;    ///< the row that the client's change was made on, where known
    std::int64_t server_version = 0;
    field_set overlapping;           ///< the client's changed fields that somebody else changed too and no field merge settled
    field_set client_fields;         ///< all fields that the client's change sets
    field_set server_fields;         ///< all fields that others changed since the client's base
    timestamp server_time{};         ///< when the authority's row was written (`row_change::written_at`), or `unknown_time`
    timestamp client_time{};         ///< when the client's change was made, as far as it is believed (`clamped_time`)
    bool cascade = false;            ///< the client's erase would take live records along that it does not name
};

/// What a resolver may know beside the conflict.
struct resolver_context {
    std::string_view principal;  ///< who made the change
    timestamp now{};
};

/// What becomes of a conflict.
struct resolution {
    enum class verb : std::uint8_t {
        take_server,  ///< the client gives up what overlaps; with nothing else changed, its whole change
        take_client,  ///< the client's values, or its erase, win
        merged,       ///< the named fields get these values; overlapping fields not named keep the server's
        refuse,       ///< nothing is written; the client is told why
        defer,        ///< nothing is written; a person on the device decides
    };
    verb what = verb::take_server;
    field_changes fields;  ///< for merged
    std::string reason;    ///< for refuse, and for explanations

    [[nodiscard]] static resolution take_server(std::string reason = {}) { return {verb::take_server, {}, std::move(reason)}; }
    [[nodiscard]] static resolution take_client(std::string reason = {}) { return {verb::take_client, {}, std::move(reason)}; }
    [[nodiscard]] static resolution merged(field_changes fields, std::string reason = {}) {
        return {verb::merged, std::move(fields), std::move(reason)};
    }
    [[nodiscard]] static resolution refuse(std::string reason) { return {verb::refuse, {}, std::move(reason)}; }
    [[nodiscard]] static resolution defer(std::string reason = {}) { return {verb::defer, {}, std::move(reason)}; }
};

/// The stable, lower-case name of @p what.
[[nodiscard]] constexpr std::string_view name_of(resolution::verb what) noexcept {
    switch (what) {
    case resolution::verb::take_server: return "take_server";
    case resolution::verb::take_client: return "take_client";
    case resolution::verb::merged: return "merged";
    case resolution::verb::refuse: return "refuse";
    case resolution::verb::defer: return "defer";
    }
    return "unknown";
}

/// A pure, deterministic function from a conflict to its resolution; the same type on device and server. An exception
/// that it throws passes through after rollback.
using resolver = std::function<resolution(const conflict&, const resolver_context&)>;

/// Which resolver decides for which model, and how overlap is judged there.
class resolver_set {
public:
    /// The set whose default is @p otherwise; an empty one stands for `server_wins`.
    explicit resolver_set(resolver otherwise = {}) : default_(std::move(otherwise)) {}

    /// Lets @p r decide for @p model.
    /// @return `errc::invalid_argument` when that model has one already: which of two would win must not depend on order.
    [[nodiscard]] result<void> add(std::string model, resolver r) {
        if (per_model_.contains(model))
            return make_fault(errc::invalid_argument, "model `", model, "` has a resolver already; register one per model");
        per_model_.emplace(std::move(model), std::move(r));
        return {};
    }

    /// Decides @p c by its model's resolver, or the default one.
    [[nodiscard]] resolution decide(const conflict& c, const resolver_context& context) const {
        if (c.schema != nullptr)
            if (const auto at = per_model_.find(c.schema->name); at != per_model_.end()) return at->second(c, context);
        if (default_) return default_(c, context);
        return resolution::take_server("server_wins");
    }

private:
    resolver default_;
    std::map<std::string, resolver, std::less<>> per_model_;
};

SYNCLINE_NAMESPACE_END

#endif
