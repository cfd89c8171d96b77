#ifndef SYNCLINE_MODEL_FIELD_MERGE_HPP
#define SYNCLINE_MODEL_FIELD_MERGE_HPP

#include <syncline/model/value.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <optional>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// What a field merge is asked: the value that both sides started from, and what each made of it.
struct merge_input {
    const value& base;    ///< the value before the client's change (null where it is not known)
    const value& server;  ///< the authority's current value
    const value& client;  ///< the client's value
    timestamp server_time{};  ///< when the authority's value was written, where known
    timestamp client_time{};  ///< when the client's value was written, where known
};

/// How one field is merged, erased to plain functions so that schemas can hold it. The typed forms that users name
/// (`merges::counter` and its siblings) stand in `syncline/conflict/merges.hpp`; `merge_laws` checks a user's own.
struct field_merge {
    /// A stable name for logs and explanations.
    std::string_view name;

    /// Three-way merge; pure and deterministic. Nothing means that this pair cannot be merged and a resolver decides.
    /// Law: with `server == base` the result is `client`; with `client == base` it is `server`.
    std::optional<value> (*merge)(const merge_input&) = nullptr;

    /// True where the client's change is a difference (a counter's delta, a set's additions): then two changes of one
    /// device coalesce by merging, and the change is laid over a newer base as a difference even without a conflict.
    bool by_difference = false;

    /// Where texts of the field stand for times: whether one says a time as the merge reads it. A change to another text waits on the device before it is
    /// sent (`check_time_text`). nullptr: its texts are texts.
    bool (*is_time)(std::string_view text) = nullptr;
};

SYNCLINE_NAMESPACE_END

#endif
