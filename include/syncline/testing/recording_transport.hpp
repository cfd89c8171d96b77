#ifndef SYNCLINE_TESTING_RECORDING_TRANSPORT_HPP
#define SYNCLINE_TESTING_RECORDING_TRANSPORT_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A request and what came back for it: an answer, or the fault of a transport that got none.
struct exchange {
    request asked;
    result<response> answered;

    /// `POST /sync/pull {...} -> 200 {...}`, bodies as they are.
    [[nodiscard]] std::string text() const {
        std::string out{name_of(asked.method)};
        out.append(" ").append(asked.path);
        if (!asked.body.empty()) out.append(" ").append(asked.body);
        out.append(" -> ");
        if (!answered) return out.append(name_of(answered.error().code)).append(": ").append(answered.error().detail);
        out.append(std::to_string(answered->status));
        if (!answered->body.empty()) out.append(" ").append(answered->body);
        return out;
    }
};

/// Whether @p r has @p method, and @p part in its path.
[[nodiscard]] inline bool asks_for(const request& r, http_method method, std::string_view part) {
    return r.method == method && r.path.find(part) != std::string::npos;
}

/// What passed through one or more `recording_transport`s, in order.
struct exchange_log {
    std::vector<exchange> all;

    /// How many requests had @p method, and @p part in their path.
    [[nodiscard]] std::size_t count(http_method method, std::string_view part) const {
        std::size_t n = 0;
        for (const auto& e : all) n += asks_for(e.asked, method, part) ? 1 : 0;
        return n;
    }
    /// The last such exchange; nullptr: there was none. Valid until something is added.
    [[nodiscard]] const exchange* last(http_method method, std::string_view part) const {
        for (std::size_t i = all.size(); i > 0; --i)
            if (asks_for(all[i - 1].asked, method, part)) return &all[i - 1];
        return nullptr;
    }
    /// A line for each.
    [[nodiscard]] std::string text() const {
        std::string out;
        for (const auto& e : all) out += e.text() + "\n";
        return out;
    }
};

/// A transport that keeps what passes through it. What it wraps is its own; the log is the caller's and outlives it, since clients take their
/// transport by value.
///
/// @tparam Inner  models `transport`
template <transport Inner>
class recording_transport {
public:
    recording_transport(Inner inner, exchange_log& to) : inner_(std::move(inner)), to_(std::addressof(to)) {}

    /// What the wrapped transport brings back for @p message.
    result<response> operator()(const request& message) {
        auto answer = inner_(message);
        to_->all.push_back({message, answer});
        return answer;
    }

private:
    Inner inner_;
    exchange_log* to_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
