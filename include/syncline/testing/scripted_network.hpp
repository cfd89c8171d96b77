#ifndef SYNCLINE_TESTING_SCRIPTED_NETWORK_HPP
#define SYNCLINE_TESTING_SCRIPTED_NETWORK_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/recording_transport.hpp>
#include <syncline/testing/verdict.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A network that does what a test says, request by request, and hands what it says nothing about to a peer behind it.
///
/// ```cpp
/// scripted_network net([&](const request& r) { return server(r, who); });
/// net.on(http_method::post, "/push").answer_lost();                      // the server acts, the device never hears of it
/// net.on(http_method::post, "/push").answer(json_error(503, "x", "y"));  // the second push
/// auto client = make_sync_client(store, net.transport(), ...);
/// ```
///
/// Steps for one kind of request are taken in their order, each once or as often as it says. The network outlives the transports that it gives
/// out; not for several threads at once.
class scripted_network {
public:
    using peer = std::function<response(const request&)>;

    /// @param behind  who answers what the script leaves alone; empty: nobody, such a request is a finding
    explicit scripted_network(peer behind = {}) : behind_(std::move(behind)) {}
    scripted_network(const scripted_network&) = delete;
    scripted_network& operator=(const scripted_network&) = delete;

    /// What becomes of a request; one of its members is to be called.
    class step {
    public:
        /// It gets @p r, and the peer does not see it.
        step& answer(response r) { return does([r = std::move(r)](const request&, const peer&) -> result<response> { return r; }); }
        /// It does not reach the peer; the device's transport fails.
        step& request_lost(errc code = errc::timed_out) {
            return does([code](const request&, const peer&) -> result<response> { return make_fault(code, "the script lets the request get lost"); });
        }
        /// The peer acts on it, and its answer gets lost.
        step& answer_lost(errc code = errc::timed_out) {
            return does([code](const request& r, const peer& behind) -> result<response> {
                if (behind) static_cast<void>(behind(r));
                return make_fault(code, "the script lets the answer get lost");
            });
        }
        /// The peer gets it twice, and the second answer comes.
        step& sent_twice() {
            return does([](const request& r, const peer& behind) -> result<response> {
                if (!behind) return make_fault(errc::unavailable, "nobody is behind the script");
                static_cast<void>(behind(r));
                return behind(r);
            });
        }
        /// The peer's answer comes changed.
        step& changed(std::function<void(response&)> how) {
            return does([how = std::move(how)](const request& r, const peer& behind) -> result<response> {
                if (!behind) return make_fault(errc::unavailable, "nobody is behind the script");
                response out = behind(r);
                how(out);
                return out;
            });
        }
        /// What is asked for more often than it can be met (`Retry-After` in seconds).
        step& rate_limited(int seconds) {
            response r = json_error(429, "rate_limited", "the script asks for a pause");
            set_header(r.headers, "Retry-After", std::to_string(seconds));
            return answer(std::move(r));
        }
        /// Holds for @p n requests instead of one.
        step& times(std::size_t n) {
            left_ = n;
            return *this;
        }

    private:
        friend class scripted_network;
        step& does(std::function<result<response>(const request&, const peer&)> what) {
            does_ = std::move(what);
            return *this;
        }
        http_method method_ = http_method::get;
        std::string part_;
        std::size_t left_ = 1;
        std::function<result<response>(const request&, const peer&)> does_;
    };

    /// The next step for requests with @p method and @p part in their path; what it does is said by its members. The reference is valid as long
    /// as the network.
    step& on(http_method method, std::string_view part) {
        step& out = steps_.emplace_back();
        out.method_ = method;
        out.part_ = std::string(part);
        return out;
    }

    /// A transport through this network; for each client one of its own.
    [[nodiscard]] std::function<result<response>(const request&)> transport() {
        return [this](const request& r) { return carry(r); };
    }

    /// Everything that was sent, by all.
    [[nodiscard]] const exchange_log& log() const noexcept { return log_; }
    /// Whether every step was taken, and the script or the peer knew an answer to every request.
    [[nodiscard]] verdict as_scripted() const {
        verdict out = unexpected_;
        for (const auto& s : steps_)
            if (s.left_ > 0) out.find("never asked for: " + std::string(name_of(s.method_)) + " " + s.part_ + ", " + std::to_string(s.left_) + " times more");
        return out;
    }

private:
    result<response> carry(const request& r) {
        result<response> answer = make_fault(errc::unavailable, "the script has no answer");
        step* found = nullptr;
        for (auto& s : steps_)
            if (found == nullptr && s.left_ > 0 && asks_for(r, s.method_, s.part_)) found = &s;
        if (found != nullptr && found->does_) {
            --found->left_;
            answer = found->does_(r, behind_);
        } else if (behind_) {
            answer = behind_(r);
        } else {
            unexpected_.find("the script has no answer for " + std::string(name_of(r.method)) + " " + r.path + (r.body.empty() ? "" : " " + r.body));
        }
        log_.all.push_back({r, answer});
        return answer;
    }

    peer behind_;
    std::deque<step> steps_;
    exchange_log log_;
    verdict unexpected_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
