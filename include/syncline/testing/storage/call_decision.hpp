#ifndef SYNCLINE_TESTING_STORAGE_CALL_DECISION_HPP
#define SYNCLINE_TESTING_STORAGE_CALL_DECISION_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// At which moment of a call to a store something is decided.
enum class call_moment : std::uint8_t {
    before,         ///< the store was not asked yet
    before_commit,  ///< the same of a `commit`
    after,          ///< it has done what it was asked, and nobody knows yet
    after_commit,   ///< the same of a `commit` that went well: what it had to make durable is durable
};

/// Decides at each moment of each call to a store: nothing lets the call go on, a fault is what the caller gets.
using call_decision = std::function<std::optional<fault>(call_moment)>;

/// Fails the @p k th call, the first being `begin`, with `errc::io_error`; no other.
/// @param at  `before`: the store is not asked. `after`: it has acted, and the caller is told that it failed; a `commit` does not fail then,
///            since one that has failed never happened
/// @param met set to true when the call comes; nullptr: nobody asks
[[nodiscard]] inline call_decision fail_at_call(std::uint64_t k, call_moment at = call_moment::before, std::shared_ptr<bool> met = nullptr) {
    return [k, at, met = std::move(met), calls = std::uint64_t{0}](call_moment now) mutable -> std::optional<fault> {
        if (now == call_moment::before_commit) now = call_moment::before;
        if (now == call_moment::before) ++calls;
        if (calls != k || now != at) return std::nullopt;
        if (met) *met = true;
        return fault{errc::io_error, "the test made call " + std::to_string(k) + " to the store fail"};
    };
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
