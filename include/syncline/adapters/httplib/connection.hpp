#ifndef SYNCLINE_ADAPTERS_HTTPLIB_CONNECTION_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_CONNECTION_HPP

#include <syncline/adapters/httplib/refused_request.hpp>
#include <syncline/adapters/httplib/stream_waker.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#if !defined(_WIN32)
#include <fcntl.h>
#include <poll.h>
#endif

SYNCLINE_NAMESPACE_BEGIN

/// What one connection to a server may cost.
struct connection_limits {
    duration read_timeout{};           ///< the longest wait for the next bytes
    duration write_timeout{};          ///< the longest wait for room for the next bytes
    duration request_timeout{};        ///< the longest time of a request, first byte to last, and then of its answer
    std::size_t max_head = 0;          ///< bytes of a request line and its headers
    duration keep_alive{};             ///< the longest wait for the next request
    std::size_t keep_alive_requests = 1;
};

/// One connection as cpp-httplib 0.11 reads and writes it, plain or TLS. The library's own streams wait for each byte anew, so that a
/// client which sends one now and then holds a thread for ever; read heads of any length; drop what was sent ahead of its turn; and
/// give no answer to a client that has closed its own direction.
class bounded_stream final : public httplib::Stream {
public:
    /// @param sock  not blocking
    /// @param tls   nullptr: plain; otherwise set to @p sock
    bounded_stream(socket_t sock, SSL* tls, const connection_limits& limits) : sock_(sock), tls_(tls), limits_(limits) {}

    /// Does the server's part of the TLS handshake, if there is one. @return false when the client does not do its own in time
    [[nodiscard]] bool handshake() {
        if (tls_ == nullptr) return true;
        const auto deadline = after(limits_.request_timeout);
        return attempt([this] { return SSL_accept(tls_); }, POLLIN, limits_.read_timeout, deadline) > 0;
    }

    /// Waits for the first byte of the next request. @return false when none comes within @p wait
    [[nodiscard]] bool await_request(duration wait) {
        if (at_ == filled_ && fill(wait, after(wait)) <= 0) return false;
        began_ = clock::now();
        read_by_ = after(limits_.request_timeout);
        in_head_ = true;
        in_line_ = true;
        line_.clear();
        head_ = 0;
        matched_ = 0;
        answering_ = false;
        return true;
    }

    bool is_readable() const override { return at_ != filled_ || wait_for(POLLIN, limits_.read_timeout, read_by_); }
    bool is_writable() const override { return wait_for(POLLOUT, limits_.write_timeout, after(limits_.write_timeout)); }

    ssize_t read(char* out, std::size_t size) override {
        if (size == 0) return 0;
        if (at_ == filled_)
            if (const ssize_t got = fill(limits_.read_timeout, read_by_); got <= 0) return got;
        answering_ = false;  // what was written was an invitation to go on
        const std::size_t most = (std::min)(size, filled_ - at_);
        std::size_t taken = 0;
        while (in_head_ && taken < most) {
            const char c = buffer_[at_++];
            out[taken++] = c;
            if (!take_of_head(c)) return -1;
        }
        std::copy_n(buffer_.data() + at_, most - taken, out + taken);
        at_ += most - taken;
        return static_cast<ssize_t>(most);
    }

    ssize_t write(const char* data, std::size_t size) override {
        if (!answering_) write_by_ = after(limits_.request_timeout);
        answering_ = true;
        const std::size_t most = (std::min)(size, static_cast<std::size_t>((std::numeric_limits<int>::max)()));
        return attempt(
            [&] {
                if (tls_ != nullptr) return static_cast<ssize_t>(SSL_write(tls_, data, static_cast<int>(most)));
                return static_cast<ssize_t>(::send(sock_, data, most, quiet));
            },
            POLLOUT, limits_.write_timeout, write_by_);
    }

    /// Answers a request of which so little could be read that the library gives no answer, and tells @p listener. Does nothing when one was begun.
    void refuse(const refusal_listener& listener) {
        if (answering_) return;
        const http_refusal why = http_refusal_of(head_ > limits_.max_head ? 431 : 408);
        const response answer = why.answer();
        const named_request named = request_line();
        tell_refusal(listener, {named.method, named.target, why.status, why.reason, answer.body.size()});
        std::string text = why.status == 431 ? "HTTP/1.1 431 Request Header Fields Too Large" : "HTTP/1.1 408 Request Timeout";
        text.append("\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ");
        text.append(std::to_string(answer.body.size())).append("\r\n\r\n").append(answer.body);
        std::string_view rest = text;
        while (!rest.empty()) {
            const ssize_t written = write(rest.data(), rest.size());
            if (written <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }

    /// A request line as far as it came, whatever it is.
    struct named_request {
        std::string_view method;
        std::string_view target;
    };
    /// That of the request that is being read or answered; of a long one its beginning. Until the next one is awaited.
    [[nodiscard]] named_request request_line() const noexcept {
        const std::string_view line{line_};
        const std::string_view method = line.substr(0, line.find(' '));
        const std::string_view rest = line.substr((std::min)(method.size() + 1, line.size()));
        return {method, rest.substr(0, rest.find(' '))};
    }

    /// When the first byte of the request came, as `request::began` has it.
    [[nodiscard]] std::int64_t began() const noexcept { return std::chrono::nanoseconds{began_.time_since_epoch()}.count(); }

    /// The answer goes on for as long as its pieces go out: the next one has @p most to itself, in place of the whole answer.
    void begin_piece(duration most) { write_by_ = after(most); }
    void begin_piece() { begin_piece(limits_.request_timeout); }

    /// What ended a wait between two pieces.
    enum class heard { wake_up, timeout, gone };

    /// Waits until @p waker is woken, the client has closed its connection or its own direction of it, or @p wait is over. What the client sends ahead
    /// is kept.
    [[nodiscard]] heard await_wake(stream_waker& waker, duration wait) {
        const auto deadline = after(wait);
        for (;;) {
            if (waker.take()) return heard::wake_up;
            // Bytes that wait already are not to end every wait: of such a client only the failed write tells.
            const bool listening = at_ == filled_;
            if (listening && closed_by_peer()) return heard::gone;
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
            if (left <= 0) return heard::timeout;
            constexpr auto longest = std::chrono::milliseconds{std::chrono::hours{1}}.count();
            if (!wait_for_either(waker, listening, static_cast<int>((std::min<std::chrono::milliseconds::rep>)(left, longest)))) return heard::gone;
        }
    }

    // Nobody asks: the server keeps these from its handlers.
    void get_remote_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
    void get_local_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
    socket_t socket() const override { return sock_; }

private:
    using clock = std::chrono::steady_clock;
#if defined(MSG_NOSIGNAL)
    static constexpr int quiet = MSG_NOSIGNAL;
#else
    static constexpr int quiet = 0;
#endif

    static clock::time_point after(duration wait) {
        const auto now = clock::now();
        return wait > std::chrono::duration_cast<duration>((clock::time_point::max)() - now) ? (clock::time_point::max)() : now + wait;
    }

    bool wait_for(short event, duration step, clock::time_point deadline) const {
        const auto left = (std::min<std::chrono::milliseconds>)(std::chrono::ceil<std::chrono::milliseconds>(step),
                                                                std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()));
        if (left.count() <= 0) return false;
        const int most = static_cast<int>((std::min<std::chrono::milliseconds::rep>)(left.count(), (std::numeric_limits<int>::max)()));
#if defined(_WIN32)
        WSAPOLLFD one{sock_, event, 0};
        return WSAPoll(&one, 1, most) > 0;
#else
        pollfd one{sock_, event, 0};
        int ready = 0;
        do ready = ::poll(&one, 1, most);
        while (ready < 0 && errno == EINTR);
        return ready > 0;
#endif
    }

    // @return false when the connection is broken
    [[nodiscard]] bool wait_for_either(const stream_waker& waker, bool listening, int milliseconds) const {
#if defined(_WIN32)
        WSAPOLLFD one{sock_, static_cast<short>(listening ? POLLIN : 0), 0};
        static_cast<void>(waker);
        return WSAPoll(&one, 1, (std::min)(milliseconds, 20)) <= 0 || (one.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
#else
        pollfd both[] = {{sock_, static_cast<short>(listening ? POLLIN : 0), 0}, {waker.descriptor(), POLLIN, 0}};
        return ::poll(both, 2, milliseconds) <= 0 || (both[0].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
#endif
    }

    // Whether reading without waiting finds the end. What it finds otherwise is kept for the next request.
    [[nodiscard]] bool closed_by_peer() {
        const ssize_t got = receive();
        at_ = 0;
        filled_ = got > 0 ? static_cast<std::size_t>(got) : 0;
        if (got > 0) return false;
        if (tls_ == nullptr) return got == 0 || !would_block();
        const int why = SSL_get_error(tls_, static_cast<int>(got));
        return why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
    }

    [[nodiscard]] ssize_t receive() {
        if (tls_ == nullptr) return static_cast<ssize_t>(::recv(sock_, buffer_.data(), buffer_.size(), 0));
        ERR_clear_error();
        return static_cast<ssize_t>(SSL_read(tls_, buffer_.data(), static_cast<int>(buffer_.size())));
    }

    static bool would_block() {
#if defined(_WIN32)
        return WSAGetLastError() == WSAEWOULDBLOCK;
#else
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
#endif
    }

    // Does @p io until it moves something. @return what it moved; 0 at the end; -1 when it fails or takes too long
    template <class Io>
    ssize_t attempt(Io io, short event, duration step, clock::time_point deadline) {
        for (;;) {
            if (tls_ != nullptr) ERR_clear_error();
            const ssize_t moved = io();
            if (moved > 0) return moved;
            short needed = event;
            if (tls_ != nullptr) {
                const int why = SSL_get_error(tls_, static_cast<int>(moved));
                if (why == SSL_ERROR_ZERO_RETURN) return 0;
                if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return -1;
                needed = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
            } else if (moved == 0) {
                return 0;
            } else if (!would_block()) {
                return -1;
            }
            if (!wait_for(needed, step, deadline)) return -1;
        }
    }

    ssize_t fill(duration step, clock::time_point deadline) {
        const ssize_t got = attempt([this] { return receive(); }, POLLIN, step, deadline);
        at_ = 0;
        filled_ = got > 0 ? static_cast<std::size_t>(got) : 0;
        return got;
    }

    // @return false when the head is longer than it may be
    bool take_of_head(char c) {
        constexpr std::string_view end = "\r\n\r\n";
        matched_ = c == end[matched_] ? matched_ + 1 : c == '\r' ? 1 : 0;
        in_head_ = matched_ != end.size();
        in_line_ = in_line_ && c != '\r' && c != '\n' && line_.size() < most_line;
        if (in_line_) line_ += c;
        return ++head_ <= limits_.max_head;
    }

    // Of the request line: enough to know the request by.
    static constexpr std::size_t most_line = 512;

    socket_t sock_;
    SSL* tls_;
    const connection_limits& limits_;
    std::array<char, 16384> buffer_{};
    std::size_t at_ = 0;
    std::size_t filled_ = 0;
    clock::time_point began_{};
    clock::time_point read_by_{};
    clock::time_point write_by_{};
    bool answering_ = false;
    bool in_head_ = true;
    bool in_line_ = true;
    std::string line_;
    std::size_t head_ = 0;
    std::size_t matched_ = 0;
};

/// Ends the connection of @p sock at once, for both sides. From any thread, while the socket is open.
inline void end_connection(socket_t sock) noexcept {
#if defined(_WIN32)
    ::shutdown(sock, SD_BOTH);
#else
    ::shutdown(sock, SHUT_RDWR);
#endif
}

/// Which connection the calling thread serves: the library does not hand it to whoever answers.
class connections_by_thread {
public:
    /// Names @p stream while it is served by this thread.
    class served {
    public:
        served(connections_by_thread& all, bounded_stream& stream) : all_(all) {
            const std::lock_guard lock{all_.mutex_};
            all_.streams_[std::this_thread::get_id()] = &stream;
        }
        served(const served&) = delete;
        served& operator=(const served&) = delete;
        ~served() {
            const std::lock_guard lock{all_.mutex_};
            all_.streams_.erase(std::this_thread::get_id());
        }

    private:
        connections_by_thread& all_;
    };

    [[nodiscard]] bounded_stream* of_this_thread() {
        const std::lock_guard lock{mutex_};
        const auto at = streams_.find(std::this_thread::get_id());
        return at == streams_.end() ? nullptr : at->second;
    }

private:
    std::mutex mutex_;
    std::map<std::thread::id, bounded_stream*> streams_;
};

/// The library's server, plain or TLS, with connections of ours.
/// @tparam Base  `httplib::Server` or `httplib::SSLServer`
template <class Base>
class bounded_server final : public Base {
public:
    /// @param stopping     once true, connections end with the request that is being served; outlives the server
    /// @param connections  is told which thread serves which; outlives the server
    /// @param refused      is told of requests of which too little came; outlives the server
    template <class... Arguments>
    explicit bounded_server(connection_limits limits, const std::atomic<bool>& stopping, connections_by_thread& connections, const refusal_listener& refused,
                            Arguments&&... arguments)
        : Base(std::forward<Arguments>(arguments)...), limits_(limits), stopping_(stopping), connections_(connections), refused_(refused) {}

private:
    bool process_and_close_socket(socket_t sock) override {
        const socket_owner owner{sock};
        set_not_blocking(sock);
        std::unique_ptr<SSL, decltype(&SSL_free)> tls{nullptr, &SSL_free};
        if constexpr (std::is_same_v<Base, httplib::SSLServer>) {
            tls.reset(SSL_new(this->ssl_context()));
            if (!tls || SSL_set_fd(tls.get(), static_cast<int>(sock)) != 1) return false;
        }
        bounded_stream stream{sock, tls.get(), limits_};
        if (!stream.handshake()) return false;
        {
            const connections_by_thread::served named{connections_, stream};
            serve(stream);
        }
        if (tls) SSL_shutdown(tls.get());
        return true;
    }

    void serve(bounded_stream& stream) {
        duration wait = limits_.read_timeout;
        for (std::size_t left = limits_.keep_alive_requests; left > 0 && stream.await_request(wait); --left) {
            bool closed = false;
            if (!this->process_request(stream, left == 1, closed, nullptr)) return stream.refuse(refused_);
            if (closed || stopping_) return;
            wait = limits_.keep_alive;
        }
    }

    struct socket_owner {
        socket_t sock;
        ~socket_owner() {
            end_connection(sock);
#if defined(_WIN32)
            ::closesocket(sock);
#else
            ::close(sock);
#endif
        }
    };

    static void set_not_blocking(socket_t sock) {
#if defined(_WIN32)
        unsigned long yes = 1;
        ioctlsocket(sock, FIONBIO, &yes);
#else
        fcntl(sock, F_SETFL, fcntl(sock, F_GETFL, 0) | O_NONBLOCK);
#endif
    }

    connection_limits limits_;
    const std::atomic<bool>& stopping_;
    connections_by_thread& connections_;
    const refusal_listener& refused_;
};

SYNCLINE_NAMESPACE_END

#endif
