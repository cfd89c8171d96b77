#ifndef SYNCLINE_WIRE_REQUEST_SIZE_HPP
#define SYNCLINE_WIRE_REQUEST_SIZE_HPP

#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>

SYNCLINE_NAMESPACE_BEGIN

/// How many mutations a client puts into a batch, and how many of those into one request, in the course of a run. Requests that go through
/// show a server that copes, and each costs it a commit on the disk: with a long queue they grow. What fails is made smaller, and nothing grows any
/// more in that run.
class request_size {
public:
    /// Begins a run. @param first  mutations of a request, at least 1. @param most  what they grow to; @p first or less: they do not
    void start(std::size_t first, std::size_t most) noexcept {
        first_ = batch_ = request_ = (std::max<std::size_t>)(first, 1);
        most_ = most;
        passed_ = 0;
    }

    /// The most mutations of the next batch.
    [[nodiscard]] std::size_t batch() const noexcept { return batch_; }
    /// The most mutations of a request.
    [[nodiscard]] std::size_t request() const noexcept { return request_; }

    /// The server decided a whole request of @p count mutations, whose body had @p octets.
    void passed(std::size_t count, std::size_t octets) noexcept {
        passed_ = count == batch_ ? passed_ + 1 : 0;
        if (passed_ < enough || batch_ >= most_ || octets > most_octets / 2) return;
        request_ = batch_ = (std::min)(2 * batch_, most_);
    }

    /// A request did not go through: from here on they are no larger than at first.
    void failed() noexcept {
        most_ = 0;
        batch_ = first_;
        request_ = (std::min)(request_, first_);
    }

    /// The one was found because of which requests were halved: they are as large as before again.
    void found() noexcept { request_ = batch_; }

    /// A request of @p count mutations was too large. @return false: it was a single one
    [[nodiscard]] bool halve(std::size_t count) noexcept {
        if (count < 2) return false;
        request_ = count / 2;
        return true;
    }

private:
    static constexpr std::size_t enough = 4;                          // requests in a row
    static constexpr std::size_t most_octets = std::size_t{1} << 20;  // a server's limit on a body is larger

    std::size_t first_ = 1;
    std::size_t most_ = 0;
    std::size_t batch_ = 1;
    std::size_t request_ = 1;
    std::size_t passed_ = 0;
};

SYNCLINE_NAMESPACE_END

#endif
