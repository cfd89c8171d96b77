#ifndef SYNCLINE_WIRE_CULPRIT_SEARCH_HPP
#define SYNCLINE_WIRE_CULPRIT_SEARCH_HPP

#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Finds the change on which a server fails without naming it, by halving what is sent until it stands alone (ENGINE.md rule 12), so that
/// it does not keep everything behind it from being sent (W22). Plain counting, in memory: a wire client keeps it from run to run, and a
/// program that starts again begins anew.
class culprit_search {
public:
    /// What is to be done after a server error that names nothing.
    enum class step : std::uint8_t {
        again,    ///< send the same once more
        narrow,   ///< send the first half: `limit` says how much that is
        suspect,  ///< the third time: if the server is known to work, call `narrow`, or set the one aside that was sent
    };

    /// How many changes the next request may carry, of at most @p most.
    [[nodiscard]] std::size_t limit(std::size_t most) const noexcept {
        return suspects_ == 0 ? most : (std::min)(most, (std::max<std::size_t>)(suspects_ / 2, 1));
    }

    /// The server failed on a request that began with the change @p first and had @p sent changes.
    [[nodiscard]] step failed(std::string_view first, std::size_t sent) {
        if (first != first_ || sent != sent_) {
            first_ = first;
            sent_ = sent;
            times_ = 0;
        }
        ++times_;
        if (suspects_ != 0 && sent > 1) {
            suspects_ = sent;
            return step::narrow;
        }
        return times_ < 3 ? step::again : step::suspect;
    }

    /// The one that the server fails on is among the first @p sent.
    void narrow(std::size_t sent) noexcept {
        suspects_ = sent;
        times_ = 0;
    }

    /// The server took in the first @p sent changes, or they were set aside.
    void passed(std::size_t sent) noexcept {
        suspects_ = sent < suspects_ ? suspects_ - sent : 0;
        times_ = 0;
    }

private:
    std::string first_;
    std::size_t sent_ = 0;
    std::uint32_t times_ = 0;
    std::size_t suspects_ = 0;  // how many at the front hold the culprit; 0: none is looked for
};

SYNCLINE_NAMESPACE_END

#endif
