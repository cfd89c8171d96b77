#ifndef SYNCLINE_WIRE_BUNDLE_CLIENT_CONNECT_HPP
#define SYNCLINE_WIRE_BUNDLE_CLIENT_CONNECT_HPP

#include <syncline/engine/scope_connection.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/bundle/client_run.hpp>
#include <syncline/wire/bundle/connect_messages.hpp>
#include <syncline/wire/client_step.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The part of a client that asks to be let into the account before anything else is sent (sheet 1.3, 2.9), and again when the server says that
/// the device is not in it. Lives beside the run that it works for.
template <class Replica>
class client_connect {
    using optional_step = std::optional<client_step>;

public:
    explicit client_connect(client_run<Replica>& run) : run_(run) {}

    void begin() { disconnected_ = 0; }

    /// @return nothing: the device is in, or the run has come to its end
    [[nodiscard]] result<optional_step> next(timestamp now) {
        if (!run_.options.user.empty()) {
            auto same = run_.engine->note_user(run_.options.user, now);
            if (!same) return std::move(same).error();
            if (!*same) {
                run_.end(other_account());
                return optional_step{};
            }
        }
        auto standing = run_.look(now);
        if (!standing) return std::move(standing).error();
        if (standing->state.attachment == scope_attachment::attached) {
            run_.phase = run_.first;
            return optional_step{};
        }
        auto status = run_.engine->status(now);
        if (!status) return std::move(status).error();
        return optional_step{run_.send(client_asked::connect, http_method::post, "/connect", write_connect(status->counts.open + status->counts.frozen != 0))};
    }

    /// Takes in how the server lets the device in.
    [[nodiscard]] result<void> on(const response& answer, timestamp now, random_source random) {
        auto reply = read_connect_answer(answer.body, run_.options.json);
        if (!reply) {
            // A host that answers every path with something has no connect lifecycle either.
            if (reply.error().code != errc::malformed_message && reply.error().code != errc::malformed_json) return failed(std::move(reply).error(), std::nullopt, nullptr, now, random);
            if (!run_.try_again(std::nullopt, now, random)) run_.end(no_lifecycle());
            return {};
        }
        if (auto changed = run_.note_epoch(reply->of, now, random); !changed) return std::move(changed).error();
        run_.backoff.succeeded();
        if (reply->scope.what == scope_resolution::retry_later) {
            run_.report.not_before = (std::max)(run_.report.not_before, std::optional{later(now, std::chrono::seconds{reply->scope.retry_after_seconds})});
            run_.end(fault{errc::scope_initializing, "another device fills the account with its data for the first time; try again when it is done"});
            return {};
        }
        return run_.engine->connected(reply->scope, run_.options.anonymous == anonymous_rows::drop, now);
    }

    /// Takes in why there is none, or none that helps. @param answer  nullptr: none came, or one that cannot be read
    [[nodiscard]] result<void> failed(fault why, std::optional<duration> asked_for, const response* answer, timestamp now, random_source random) {
        if (answer != nullptr && (answer->status == 404 || answer->status == 405 || answer->status == 501)) why = no_lifecycle();
        if (category_of(why.code) == fault_category::retry && run_.try_again(asked_for, now, random)) return {};
        run_.end(std::move(why));
        return {};
    }

    /// The server says, to another request, that the device is not in the account: it is to ask anew. Nothing is given up.
    [[nodiscard]] result<void> meet_disconnection(fault why, timestamp now, random_source random) {
        if (auto r = run_.engine->disconnected(random, now); !r) return r;
        run_.phase = client_phase::connect;
        run_.target = 0;
        ++run_.report.retried;
        if (++disconnected_ > run_.options.max_session_restarts) run_.end(std::move(why));
        return {};
    }

private:
    [[nodiscard]] static fault no_lifecycle() {
        return fault{errc::unsupported, "the server has no connect lifecycle (POST connect), so a device cannot be let into the account: it is older than "
                                        "go-oversync v0.2, or the URL's prefix is not the one of the bundle wire"};
    }

    client_run<Replica>& run_;
    std::size_t disconnected_ = 0;
};

/// Whether @p code says that the device is not in the account.
[[nodiscard]] constexpr bool tells_disconnection(errc code) noexcept {
    return code == errc::scope_uninitialized || code == errc::scope_initializing || code == errc::initialization_stale || code == errc::initialization_expired;
}

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
