#ifndef SYNCLINE_WIRE_BUNDLE_WATCH_CLIENT_HPP
#define SYNCLINE_WIRE_BUNDLE_WATCH_CLIENT_HPP

#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/retry_after.hpp>
#include <syncline/transport/sse_parser.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/bundle/codes.hpp>
#include <syncline/wire/bundle/watch_messages.hpp>
#include <syncline/wire/incarnation.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

SYNCLINE_NAMESPACE_BEGIN

/// How a device watches for bundles of others.
struct watch_settings {
    std::string prefix = "/sync";                       ///< as the server's
    duration fallback_interval = std::chrono::minutes{1};  ///< how often to pull while there is no stream; 0: never, the schedule does
    duration retry_first = std::chrono::seconds{1};     ///< the longest pause after the first stream that was lost or refused
    duration retry_ceiling = std::chrono::minutes{1};   ///< and after the n-th; each is twice the one before
    /// A stream without a byte for so long is lost, though nobody said so: a few of the server's heartbeats. 0: the transport notices by itself.
    duration silence = std::chrono::seconds{90};
};

/// Ask for the server's capabilities (`capabilities_request`) and say `on_capabilities`, or `on_refused` or `on_closed`.
struct ask_watch {};
/// Open the stream (`watch_request`) from where the device stands now, and say `on_open`, or `on_refused` or `on_closed`.
struct open_watch {};
/// Close the stream, and say `on_closed`.
struct close_watch {};
/// Pull: there is something new, or there may be.
struct pull_for_watch {};
/// Nothing to do before @p until, or until something is said.
struct wait_for_watch {
    std::optional<timestamp> until;
};

/// What a `watch_client` says.
using watch_step = std::variant<wait_for_watch, ask_watch, open_watch, close_watch, pull_for_watch>;

/// The request that asks what the server offers.
[[nodiscard]] inline request capabilities_request(std::string_view prefix, const replica_state& at) {
    return {http_method::get, std::string{prefix}.append("/capabilities"), {{"Accept", "application/json"}, {"Oversync-Source-ID", at.source_id}}, {}};
}

/// The request that opens the stream, for a device that stands at @p at.
[[nodiscard]] inline request watch_request(std::string_view prefix, const replica_state& at) {
    request out{http_method::get, std::string{prefix}.append("/watch"), {{"Accept", "text/event-stream"}, {"Oversync-Source-ID", at.source_id}}, {}};
    append_query(out.path, "after_bundle_seq", std::to_string(at.checkpoint));
    if (!at.epoch.empty()) out.headers.push_back({std::string{epoch_header}, percent_encode(at.epoch)});
    if (!at.account.empty()) out.headers.push_back({std::string{account_header}, at.account});
    return out;
}

/// Watches for bundles of others: a state machine with no I/O, clock or thread of its own. Say what happens, then ask `next` until it waits; and ask
/// again at the time that it names.
///
/// Events are only wake-ups: each one is a pull. A stream that is lost is a pull as well, since something may have been missed; then, after a pause that
/// grows, another stream from where the device stands by then. Where the server offers none, or not to this user (403), it pulls every
/// `fallback_interval` for good; where it cannot now (409, 429, 503), it pulls likewise and tries again later. While a stream is open, nothing is
/// pulled by time (`watching`).
class watch_client {
public:
    explicit watch_client(watch_settings settings, timestamp now) : settings_(std::move(settings)), seen_(now) {}

    /// What to do now.
    [[nodiscard]] watch_step next(timestamp now) {
        observe(now);
        if (phase_ == phase::open && settings_.silence > duration::zero() && now >= later(heard_, settings_.silence)) broken_ = true;
        if (phase_ == phase::open && std::exchange(broken_, false)) {
            phase_ = phase::closing;
            return close_watch{};
        }
        if (poll_ && *poll_ <= now) pull_ = true;
        if (std::exchange(pull_, false)) {
            if (poll_) poll_ = later(now, settings_.fallback_interval);
            return pull_for_watch{};
        }
        if (phase_ == phase::unknown || phase_ == phase::idle) {
            if (!retry_ || *retry_ <= now) {
                retry_.reset();
                if (std::exchange(phase_, phase_ == phase::unknown ? phase::asking : phase::opening) == phase::unknown) return ask_watch{};
                return open_watch{};
            }
        }
        std::optional<timestamp> until = phase_ == phase::unknown || phase_ == phase::idle ? retry_ : std::nullopt;
        if (poll_) until = until ? (std::min)(*until, *poll_) : *poll_;
        if (phase_ == phase::open && settings_.silence > duration::zero()) until = later(heard_, settings_.silence);
        return wait_for_watch{until};
    }

    /// What the server offers is known. @param offered  the feature `bundle_change_watch`
    void on_capabilities(bool offered, timestamp now) {
        observe(now);
        phase_ = offered ? phase::idle : phase::polling;
        if (!offered) fall_back(now);
    }
    /// The stream is open: its head came, with status 200.
    void on_open(timestamp now) {
        observe(now);
        phase_ = phase::open;
        parser_ = sse_parser{};
        broken_ = false;
        heard_ = now;
        poll_.reset();
    }
    /// The next bytes of the stream came.
    void on_bytes(std::string_view bytes, timestamp now) {
        observe(now);
        if (phase_ != phase::open) return;
        heard_ = now;
        // Only what lives is worth an early attempt when it is lost.
        failures_ = 0;
        parser_.feed(bytes);
        while (!broken_) {
            auto event = parser_.next();
            if (event && !*event) return;
            if (event && (**event).name != bundle_wire::bundle_event) continue;
            if (event && bundle_wire::read_bundle_event((**event).data))
                pull_ = true;
            else
                broken_ = true;
        }
    }
    /// The server answered something other than 200 to what was asked last.
    void on_refused(const response& answer, timestamp now, random_source random) {
        observe(now);
        const auto refused = bundle_wire::read_refusal(answer, {});
        const bool for_good = refused.code == "bundle_change_watch_forbidden" || answer.status == 404 || answer.status == 405;
        lose(now, random);
        if (for_good) {
            phase_ = phase::polling;
            retry_.reset();
        } else if (const auto wait = retry_after(answer, now)) {
            retry_ = (std::max)(*retry_, later(now, *wait));
        }
    }
    /// The stream ended, broke or could not be opened, or nobody answered.
    void on_closed(timestamp now, random_source random) {
        observe(now);
        lose(now, random);
    }

    /// Whether a stream is open, and so tells of everything: nothing needs to be pulled by time.
    [[nodiscard]] bool watching() const noexcept { return phase_ == phase::open && !broken_; }
    /// Whether it has given up on streams.
    [[nodiscard]] bool polls_for_good() const noexcept { return phase_ == phase::polling; }

private:
    enum class phase : std::uint8_t { unknown, asking, idle, opening, open, closing, polling };

    void lose(timestamp now, random_source random) {
        phase_ = phase_ == phase::asking || phase_ == phase::unknown ? phase::unknown : phase::idle;
        broken_ = false;
        fall_back(now);
        retry_ = later(now, pause(random));
    }

    // One pull now, more by time.
    void fall_back(timestamp now) {
        pull_ = true;
        if (settings_.fallback_interval > duration::zero()) poll_ = later(now, settings_.fallback_interval);
    }

    // Half of the pause is certain; the rest keeps devices apart that lost their streams together.
    [[nodiscard]] duration pause(random_source random) {
        constexpr duration least = std::chrono::milliseconds{1};
        const duration ceiling = (std::max)(settings_.retry_ceiling, least);
        duration longest = std::clamp(settings_.retry_first, least, ceiling);
        for (std::uint32_t i = 0; i < failures_ && longest < ceiling; ++i) longest = longest > ceiling / 2 ? ceiling : longest * 2;
        if (failures_ < 64) ++failures_;
        const auto half = longest / 2;
        return longest - duration{static_cast<duration::rep>(random.next() % (static_cast<std::uint64_t>(half.count()) + 1))};
    }

    // A clock that went back takes every time that was read from it along.
    void observe(timestamp now) {
        if (now < seen_) {
            const duration back = seen_ - now;
            heard_ -= back;
            for (auto* t : {&retry_, &poll_})
                if (*t) **t -= back;
        }
        seen_ = now;
    }

    watch_settings settings_;
    timestamp seen_;
    phase phase_ = phase::unknown;
    sse_parser parser_;
    timestamp heard_{};               // of the open stream, last
    std::optional<timestamp> retry_;  // no stream before
    std::optional<timestamp> poll_;   // the next pull by time
    bool pull_ = false;
    bool broken_ = false;             // the open stream is to be closed
    std::uint32_t failures_ = 0;
};

SYNCLINE_NAMESPACE_END

#endif
