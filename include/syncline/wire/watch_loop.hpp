#ifndef SYNCLINE_WIRE_WATCH_LOOP_HPP
#define SYNCLINE_WIRE_WATCH_LOOP_HPP

#include <syncline/storage/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/event_stream.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/auto_sync.hpp>
#include <syncline/wire/bundle/capabilities.hpp>
#include <syncline/wire/bundle/watch_client.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

SYNCLINE_NAMESPACE_BEGIN

/// Keeps a stream of the bundle wire open and lets an `auto_sync` pull whenever something is new: a `watch_client` driven on a thread that the host has to
/// give. A host with an event loop drives the `watch_client` itself.
///
///     watch_loop watch{device, automatic, source, {}, clock, random};
///     std::thread thread{[&] { watch.run(); }};
///     ...
///     watch.stop();
///     thread.join();
///
/// @tparam Client  a `sync_client` of the bundle wire
/// @tparam Source  models `event_source`; used by this object alone
template <class Client, event_source Source>
class watch_loop {
public:
    /// All of these outlive the loop. The schedule of @p automatic needs no interval, but may have one: it pulls while nothing watches.
    /// @param clock   the time now
    /// @param random  64 random bits, to spread the pauses
    watch_loop(Client& client, auto_sync<Client>& automatic, Source& source, watch_settings settings, std::function<timestamp()> clock,
               std::function<std::uint64_t()> random)
        : client_(client), automatic_(automatic), source_(source), prefix_(settings.prefix), clock_(std::move(clock)), random_(std::move(random)),
          machine_(std::move(settings), clock_()) {}
    watch_loop(const watch_loop&) = delete;
    watch_loop& operator=(const watch_loop&) = delete;

    /// Watches until `stop`; blocks. Once for each object, after `auto_sync::start`.
    void run() {
        for (;;) {
            const watch_step step = machine_.next(clock_());
            if (stopped()) break;
            automatic_.note_watched(machine_.watching());
            if (std::holds_alternative<pull_for_watch>(step)) automatic_.note_behind();
            else if (std::holds_alternative<ask_watch>(step)) ask();
            else if (std::holds_alternative<open_watch>(step)) listen();
            else if (std::holds_alternative<close_watch>(step)) machine_.on_closed(clock_(), random_source{random_});
            else wait(std::get<wait_for_watch>(step).until);
        }
        automatic_.note_watched(false);
    }

    /// Ends `run` soon, and the stream at once. Any thread; for good.
    void stop() noexcept {
        {
            const std::lock_guard lock{mutex_};
            stopped_ = true;
        }
        changed_.notify_all();
        source_.cancel();
    }

private:
    [[nodiscard]] bool stopped() {
        const std::lock_guard lock{mutex_};
        return stopped_;
    }

    void wait(std::optional<timestamp> until) {
        constexpr duration longest = std::chrono::minutes{1};
        const duration left = until ? std::clamp<duration>(*until - clock_(), duration::zero(), longest) : longest;
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, left, [&] { return stopped_; });
    }

    // Where the device stands; nothing: it has never synced, or its store cannot be read now.
    [[nodiscard]] std::optional<replica_state> position() {
        auto status = client_.status();
        if (!status || status->state.source_id.empty()) return std::nullopt;
        return std::move(status->state);
    }

    void ask() {
        const auto at = position();
        if (!at) return machine_.on_closed(clock_(), random_source{random_});
        constexpr std::size_t most = std::size_t{1} << 20;
        std::string body;
        const stream_listener told{[&](const response&) { return !stopped(); },
                                   [&](std::string_view bytes) { return body.append(bytes).size() <= most && !stopped(); }};
        const auto answer = source_.listen(capabilities_request(prefix_, *at), told);
        if (!answer) return machine_.on_closed(clock_(), random_source{random_});
        if (answer->status != 200) return machine_.on_refused(*answer, clock_(), random_source{random_});
        const auto offered = bundle_wire::read_capabilities(body, {});
        if (!offered) return machine_.on_closed(clock_(), random_source{random_});
        machine_.on_capabilities(offered->has("bundle_change_watch"), clock_());
    }

    void listen() {
        const auto at = position();
        if (!at) return machine_.on_closed(clock_(), random_source{random_});
        const stream_listener told{[&](const response& head) {
                                       // A page of something in between is no stream.
                                       const auto type = find_header(head.headers, "Content-Type");
                                       if (!type || !type->starts_with("text/event-stream")) return false;
                                       machine_.on_open(clock_());
                                       return go_on();
                                   },
                                   [&](std::string_view bytes) {
                                       machine_.on_bytes(bytes, clock_());
                                       return go_on();
                                   }};
        const auto answer = source_.listen(watch_request(prefix_, *at), told);
        if (answer && answer->status != 200) return machine_.on_refused(*answer, clock_(), random_source{random_});
        machine_.on_closed(clock_(), random_source{random_});
    }

    // Within a stream: passes its news on. @return whether to stay
    [[nodiscard]] bool go_on() {
        for (;;) {
            if (stopped()) return false;
            const watch_step step = machine_.next(clock_());
            automatic_.note_watched(machine_.watching());
            if (std::holds_alternative<close_watch>(step)) return false;
            if (!std::holds_alternative<pull_for_watch>(step)) return true;
            automatic_.note_behind();
        }
    }

    Client& client_;
    auto_sync<Client>& automatic_;
    Source& source_;
    std::string prefix_;
    std::function<timestamp()> clock_;
    std::function<std::uint64_t()> random_;
    watch_client machine_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
};

SYNCLINE_NAMESPACE_END

#endif
