#ifndef SYNCLINE_CHANGE_BACKOFF_HPP
#define SYNCLINE_CHANGE_BACKOFF_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

SYNCLINE_NAMESPACE_BEGIN

/// How long to wait between attempts, and how many to make.
struct backoff_policy {
    duration first = std::chrono::milliseconds{500};  ///< the longest wait before the second attempt
    duration ceiling = std::chrono::seconds{60};      ///< no wait is longer, but for a peer that asks for it
    std::uint32_t attempts = 3;                       ///< in all, the first included; 0 counts as 1
};

/// Exponential back-off with full jitter: before attempt n + 1 a uniform wait of up to `first * 2^(n-1)`, so that devices which failed
/// together do not come back together. Plain data and arithmetic; time and randomness are handed in.
class backoff {
public:
    explicit backoff(backoff_policy policy = {}) : policy_(policy) {}

    /// Counts a failed attempt.
    /// @param asked  the wait that the peer asked for (`Retry-After`); it is kept even above the ceiling
    /// @return when to try again; nothing: the attempts are used up
    [[nodiscard]] std::optional<timestamp> failed(timestamp now, random_source& random, std::optional<duration> asked = std::nullopt) {
        ++failures_;
        if (failures_ >= (std::max<std::uint32_t>)(policy_.attempts, 1)) return std::nullopt;
        duration longest = policy_.first;
        for (std::uint32_t i = 1; i < failures_ && longest > duration{0} && longest < policy_.ceiling; ++i)
            longest = longest > policy_.ceiling / 2 ? policy_.ceiling : longest * 2;
        longest = std::clamp(longest, duration{0}, (std::max)(policy_.ceiling, duration{0}));
        const auto span = static_cast<std::uint64_t>(longest.count()) + 1;
        duration wait{static_cast<duration::rep>(random.next() % span)};
        if (asked && *asked > wait) wait = *asked;
        return later(now, wait);
    }

    /// Forgets earlier failures.
    void succeeded() noexcept { failures_ = 0; }

    [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }

private:
    backoff_policy policy_;
    std::uint32_t failures_ = 0;
};

SYNCLINE_NAMESPACE_END

#endif
