#ifndef SYNCLINE_ADAPTERS_HTTPLIB_LIVE_STREAMS_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_LIVE_STREAMS_HPP

#include <syncline/adapters/httplib/connection.hpp>
#include <syncline/adapters/httplib/stream_waker.hpp>
#include <syncline/support/guarded_call.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/event_stream.hpp>

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The responses of one server that go on: how many there may be, each driven on the thread of its connection, all ended by `stop`. Any thread.
class live_streams {
public:
    /// One of them, from its admission until its connection is done with it.
    class one {
    public:
        one(live_streams& all, std::shared_ptr<event_stream> stream) : all_(all), stream_(std::move(stream)) {}
        one(const one&) = delete;
        one& operator=(const one&) = delete;
        ~one() {
            // Before the place is free: who counts subscribers sees them gone when a new stream may come.
            stream_.reset();
            all_.leave(*this);
        }

        /// Sends what the stream says until it is over, the client is gone or the server stops. The connection is to be closed afterwards. An exception
        /// of the stream ends it.
        void drive(httplib::DataSink& sink) noexcept {
            static_cast<void>(guarded_call([&] { drive_to_its_end(sink); }));
        }

    private:
        friend class live_streams;
        using clock = std::chrono::steady_clock;

        void drive_to_its_end(httplib::DataSink& sink) {
            bounded_stream* connection = all_.connections_.of_this_thread();
            if (connection == nullptr) return;
            const auto opened = clock::now();
            const auto elapsed = [&] { return std::chrono::duration_cast<duration>(clock::now() - opened); };
            socket_ = connection->socket();
            stream_->wake_with([waker = waker_] { waker->wake(); });
            for (;;) {
                const stream_step step = stream_->next(elapsed());
                if (!step.bytes.empty()) {
                    connection->begin_piece();
                    // Either we see that the server stops, or `stop` sees us writing and ends that.
                    writing_ = true;
                    const bool sent = !all_.stopping_ && sink.write(step.bytes.data(), step.bytes.size());
                    writing_ = false;
                    if (!sent && !all_.stopping_) return;
                }
                if (step.over || all_.stopping_) {
                    // No waiting for a client that takes nothing.
                    if (all_.stopping_) connection->begin_piece(duration::zero());
                    sink.done();
                    return;
                }
                const duration now = elapsed();
                if (step.again > now && connection->await_wake(*waker_, step.again - now) == bounded_stream::heard::gone) return;
            }
        }

        live_streams& all_;
        std::shared_ptr<event_stream> stream_;
        std::shared_ptr<stream_waker> waker_ = std::make_shared<stream_waker>();
        std::atomic<socket_t> socket_ = INVALID_SOCKET;
        std::atomic<bool> writing_ = false;
    };

    /// @param stopping  once true, streams end; outlives this object
    live_streams(const std::atomic<bool>& stopping, connections_by_thread& connections) : stopping_(stopping), connections_(connections) {}
    live_streams(const live_streams&) = delete;
    live_streams& operator=(const live_streams&) = delete;

    /// Takes @p stream in. @return nothing when there are @p most already, or the system has no descriptors left
    [[nodiscard]] std::shared_ptr<one> admit(std::shared_ptr<event_stream> stream, std::size_t most) {
        auto made = std::make_shared<one>(*this, std::move(stream));
        const std::lock_guard lock{mutex_};
        if (all_.size() >= most || !made->waker_->usable()) return nullptr;  // never listed, so leaving does nothing: see `leave`
        all_.push_back(made.get());
        return made;
    }

    /// How many there are.
    [[nodiscard]] std::size_t count() const {
        const std::lock_guard lock{mutex_};
        return all_.size();
    }

    /// Ends all of them, now that `stopping` is true. Does not wait.
    void stop() {
        const std::lock_guard lock{mutex_};
        for (one* each : all_) {
            each->waker_->wake();
            if (each->writing_) end_connection(each->socket_);
        }
    }

private:
    void leave(one& gone) {
        const std::lock_guard lock{mutex_};
        std::erase(all_, &gone);
    }

    const std::atomic<bool>& stopping_;
    connections_by_thread& connections_;
    mutable std::mutex mutex_;
    std::vector<one*> all_;
};

SYNCLINE_NAMESPACE_END

#endif
