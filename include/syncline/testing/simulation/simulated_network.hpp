#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_NETWORK_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_NETWORK_HPP

#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/script.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A request or an answer on its way between a device and the server.
struct simulated_message {
    bool answer = false;
    bool damaged = false;
    std::size_t device = 0;
    std::uint64_t incarnation = 0;  ///< of the device's program; an answer reaches no later one
    std::uint64_t token = 0;
    std::uint64_t not_before = 0;   ///< the event before which it does not arrive by itself
    request what;
    response reply;                 ///< of an answer
};

/// What is said of a message to which @p what was done.
[[nodiscard]] constexpr std::string_view told_of(deed what) noexcept {
    switch (what) {
    case deed::lose_request:
    case deed::lose_answer: return " is lost";
    case deed::half_open: return " is swallowed";
    case deed::duplicate: return " is doubled";
    case deed::delay: return " is late";
    case deed::truncate: return " is cut off";
    default: return " is damaged";
    }
}

/// The messages under way, the oldest first.
class simulated_network {
public:
    [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
    void clear() { messages_.clear(); }
    void put(simulated_message m) { messages_.push_back(std::move(m)); }
    void put_first(simulated_message m) { messages_.insert(messages_.begin(), std::move(m)); }
    /// Takes the message at @p i, which must be there.
    [[nodiscard]] simulated_message take(std::size_t i) {
        simulated_message out = std::move(messages_[i]);
        messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(i));
        return out;
    }
    /// Where the message is that brings a device on, and may arrive at event @p now.
    [[nodiscard]] std::optional<std::size_t> awaited_by(std::size_t device, std::uint64_t incarnation, std::uint64_t token, std::uint64_t now) const {
        for (std::size_t i = 0; i < messages_.size(); ++i) {
            const auto& m = messages_[i];
            if (m.device == device && m.incarnation == incarnation && m.token == token && m.not_before <= now) return i;
        }
        return std::nullopt;
    }
    /// Does @p what to the oldest message of a device.
    /// @return the message as it was, without its text; nothing: there is none that it can be done to
    [[nodiscard]] std::optional<simulated_message> damage(deed what, std::size_t device, std::uint32_t die, std::uint64_t now) {
        const bool of_requests = what == deed::lose_request || what == deed::half_open;
        auto at = oldest(device, of_requests ? false : what == deed::lose_answer || die % 2 != 0);
        if (!at && !of_requests && what != deed::lose_answer) at = oldest(device, die % 2 == 0);
        if (!at) return std::nullopt;
        auto& m = messages_[*at];
        simulated_message was{m.answer, m.damaged, m.device, m.incarnation, m.token, m.not_before, {}, {}};
        switch (what) {
        case deed::lose_request:
        case deed::lose_answer:
        case deed::half_open: (void)take(*at); break;
        case deed::duplicate: {
            simulated_message copy = m;
            put(std::move(copy));
            break;
        }
        case deed::delay: {
            auto late = take(*at);
            late.not_before = now + 1 + die % 40;
            put(std::move(late));
            break;
        }
        default: {
            std::string& body = m.answer ? m.reply.body : m.what.body;
            if (body.empty()) return std::nullopt;
            const std::size_t octet = (die >> 4) % body.size();
            if (what == deed::truncate)
                body.resize(octet);
            else
                body[octet] = static_cast<char>(0xFF);  // never part of UTF-8: what leaves valid JSON is for TLS to notice
            m.damaged = true;
            break;
        }
        }
        return was;
    }

private:
    [[nodiscard]] std::optional<std::size_t> oldest(std::size_t device, bool answer) const {
        for (std::size_t i = 0; i < messages_.size(); ++i)
            if (messages_[i].device == device && messages_[i].answer == answer) return i;
        return std::nullopt;
    }

    std::vector<simulated_message> messages_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
