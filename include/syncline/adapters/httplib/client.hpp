#ifndef SYNCLINE_ADAPTERS_HTTPLIB_CLIENT_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_CLIENT_HPP

#include <syncline/adapters/httplib/base_url.hpp>
#include <syncline/adapters/httplib/gzip.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/event_stream.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <poll.h>
#endif

SYNCLINE_NAMESPACE_BEGIN

/// How an `httplib_transport` reaches its server. Everything but `base` has a default that can stay.
struct httplib_transport_options {
    /// `http://` or `https://`, host, optional port, optional path that goes in front of every request's path.
    std::string base;

    /// The longest wait for a connection (for its TLS handshake, each step), for the next bytes of an answer, and for
    /// room to send the next bytes.
    duration connect_timeout = std::chrono::seconds{10};
    duration read_timeout = std::chrono::seconds{30};
    duration write_timeout = std::chrono::seconds{30};
    /// The longest time an answer's body may take to arrive altogether.
    duration body_timeout = std::chrono::minutes{10};

    /// The longest time without a byte of an answer that goes on (`listen`), its head included: a few of the server's heartbeats. A peer that is gone without
    /// a word is noticed by it.
    duration stream_silence = std::chrono::seconds{90};

    /// The most bytes of an answer's body, before and after it is expanded: what is above ends in `too_large`.
    std::size_t max_response_body = std::size_t{64} << 20;
    /// Request bodies of more bytes than this are sent as gzip. Off by default: the server must know how to take them.
    std::optional<std::size_t> gzip_requests_above;
    /// Whether answers may come as gzip.
    bool accept_gzip = true;

    /// A file of PEM certificates to trust instead of the system's.
    std::string ca_file;
    /// Whether the server must prove its name. Turning it off gives every credential to whoever answers.
    bool verify_server_certificate = true;

    /// Sent as `Authorization: Bearer ...` unless empty or the request has that header itself.
    std::string bearer_token;
    /// Called before each request for more headers, such as fresh credentials; its fault ends the call unsent. Headers
    /// that the request has win. Called on the thread of the call; must not throw.
    std::function<result<std::vector<header>>(const request&)> more_headers;
    /// Whether `bearer_token` may go to another machine over `http://`, where everybody on the way can read it.
    bool allow_plaintext_credentials = false;

    /// Whether the connection stays open between requests.
    bool keep_alive = true;
};

/// A transport over HTTP/1.1, with cpp-httplib.
///
/// One object holds one connection and is used by one thread at a time; different objects are independent. Only
/// `cancel` may be called from another thread meanwhile. Blocks; sends each request at most once, follows no redirect,
/// uses no proxy, reads no environment. Models `transport`.
///
/// What cpp-httplib 0.11 reports decides between faults: a broken connection is `timed_out` when nothing arrived for the
/// length of the timeout, otherwise `unavailable`; either way the server may have acted on the request. What it does not bound is an
/// answer's head that comes byte by byte: each byte has the read timeout to itself. `cancel` ends such a call.
class httplib_transport {
public:
    /// Prepares a transport; connects with the first request.
    /// @return `errc::invalid_argument` for a bad URL, a timeout that is not positive, a `ca_file` that cannot be read,
    ///         credentials that would travel in plain text; `errc::internal` when the HTTP library fails
    [[nodiscard]] static result<httplib_transport> open(httplib_transport_options options) {
        auto url = parse_base_url(options.base);
        if (!url) return std::move(url).error();
        for (const duration wait :
             {options.connect_timeout, options.read_timeout, options.write_timeout, options.body_timeout,
              options.stream_silence}) {
            if (wait <= duration::zero()) {
                return make_fault(errc::invalid_argument, "the transport's timeouts must be positive");
            }
        }
        const bool in_the_open = !url->tls && !is_loopback_host(url->host);
        if (in_the_open && !options.bearer_token.empty() && !options.allow_plaintext_credentials) {
            return make_fault(errc::invalid_argument, "a bearer token would be sent to ", url->host,
                              " in plain text: use https, or set allow_plaintext_credentials");
        }
        if (!is_header_value(options.bearer_token)) {
            return make_fault(errc::invalid_argument, "the bearer token has a line break");
        }
        try {
            httplib_transport made;
            made.state_ = std::make_unique<state>();
            auto opened = made.state_->open(*std::move(url), std::move(options));
            if (!opened) return std::move(opened).error();
            return made;
        } catch (...) {
            return make_fault(errc::internal, "the HTTP library failed to prepare a client");
        }
    }

    httplib_transport(httplib_transport&&) noexcept = default;
    httplib_transport& operator=(httplib_transport&&) noexcept = default;
    ~httplib_transport() = default;

    /// Sends @p message and waits for the answer.
    /// @return the answer, whatever its status; or `errc::unavailable`, `errc::timed_out`, `errc::cancelled`,
    ///         `errc::too_large` for an answer above `max_response_body`, `errc::malformed_message` for one whose gzip
    ///         is broken, `errc::unsupported` for one in a content coding that was not asked for,
    ///         `errc::invalid_argument` for a path or header that HTTP cannot carry, the fault of `more_headers`,
    ///         or `errc::internal`
    result<response> operator()(const request& message) {
        try {
            return state_->call(message);
        } catch (...) {
            return make_fault(errc::internal, "the HTTP library failed in an unexpected way");
        }
    }

    /// Sends @p message and hands the body of the answer to @p told as it comes, for as long as it goes on: `event_source`. It is asked for uncompressed, and
    /// ends with `errc::timed_out` after `stream_silence` without a byte.
    /// @return the answer, with its body only where the status is not 200; otherwise as a call, and `errc::cancelled` where a listener ended it
    result<response> listen(const request& message, const stream_listener& told) {
        try {
            return state_->listen(message, told);
        } catch (...) {
            return make_fault(errc::internal, "the HTTP library failed in an unexpected way");
        }
    }

    /// Ends the call in progress with `errc::cancelled`, and every later one at once. From any thread; for good. A call
    /// that is still connecting ends when the connection stands or its timeout is over.
    void cancel() noexcept {
        try {
            state_->cancel();
        } catch (...) {
            // A mutex that cannot be locked: the flag is set, so the call ends with its own timeout.
        }
    }

private:
    using clock = std::chrono::steady_clock;

    httplib_transport() = default;

    static bool is_header_value(std::string_view text) {
        return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    }

    static bool is_header_name(std::string_view text) {
        return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
            return c <= ' ' || c > '~' || std::string_view{"\"(),/:;<=>?@[\\]{}"}.find(c) != std::string_view::npos;
        });
    }

    static bool is_target(std::string_view text) {
        return !text.empty() && text.front() == '/' &&
               std::none_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~' || c == '#'; });
    }

    // Writing to a connection that the peer has closed raises SIGPIPE, and cpp-httplib leaves it at that. A library
    // must not change how the process treats a signal: it is held back in this thread only, and taken away.
    class sigpipe_guard {
#if defined(__linux__)
    public:
        sigpipe_guard() {
            sigset_t pending;
            sigemptyset(&pending);
            sigpending(&pending);
            was_pending_ = sigismember(&pending, SIGPIPE) == 1;
            sigemptyset(&pipe_);
            sigaddset(&pipe_, SIGPIPE);
            held_ = pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0;
        }
        ~sigpipe_guard() {
            if (!held_) return;
            if (!was_pending_) {
                const timespec now{0, 0};
                while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {}
            }
            pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        }
        sigpipe_guard(const sigpipe_guard&) = delete;
        sigpipe_guard& operator=(const sigpipe_guard&) = delete;

    private:
        sigset_t pipe_{};
        sigset_t before_{};
        bool was_pending_ = false;
        bool held_ = false;
#endif
    };

    // What one call knows about its answer while it arrives.
    struct progress {
        explicit progress(clock::time_point start) : began(start), last(start) {}
        clock::time_point began;
        clock::time_point last;
        std::optional<bounded_body> body;
        std::optional<fault> stopped;
    };

    struct state {
        httplib_transport_options options;
        base_url url;
        std::unique_ptr<httplib::ClientImpl> client;
        std::atomic<bool> cancelled{false};

        result<void> open(base_url&& where, httplib_transport_options&& chosen) {
            url = std::move(where);
            options = std::move(chosen);
            if (url.tls) {
                auto secure = std::make_unique<httplib::SSLClient>(url.host, url.port);
                if (!secure->is_valid()) return make_fault(errc::internal, "OpenSSL cannot start a TLS client");
                SSL_CTX_set_min_proto_version(secure->ssl_context(), TLS1_2_VERSION);
                if (!options.ca_file.empty()) {
                    auto trusted = check_certificates(options.ca_file);
                    if (!trusted) return trusted;
                    secure->set_ca_cert_path(options.ca_file);
                }
                secure->enable_server_certificate_verification(options.verify_server_certificate);
                client = std::move(secure);
            } else {
                client = std::make_unique<httplib::ClientImpl>(url.host, url.port);
            }
            client->set_connection_timeout(options.connect_timeout);
            client->set_read_timeout(options.read_timeout);
            client->set_write_timeout(options.write_timeout);
            client->set_keep_alive(options.keep_alive);
            client->set_follow_location(false);
            // Paths arrive encoded; encoding them again would change what a strict server sees.
            client->set_url_encode(false);
            // Ours is bounded, the library's is not.
            client->set_decompress(false);
            client->set_tcp_nodelay(true);
            return {};
        }

        static result<void> check_certificates(const std::string& file) {
            X509_STORE* store = X509_STORE_new();
            const bool read = store != nullptr && X509_STORE_load_locations(store, file.c_str(), nullptr) == 1;
            X509_STORE_free(store);
            ERR_clear_error();
            if (!read) return make_fault(errc::invalid_argument, "ca_file '", file, "' has no readable certificate");
            return {};
        }

        void cancel() {
            cancelled = true;
            client->stop();
        }

        result<response> call(const request& message) {
            auto out = prepare(message);
            if (!out) return std::move(out).error();
            progress seen{clock::now()};
            out->response_handler = [&](const httplib::Response& answer) { return begin_body(answer, seen); };
            out->content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
                return take_body(std::string_view{data, size}, seen);
            };
            return send(*out, seen, options.read_timeout);
        }

        result<response> listen(const request& message, const stream_listener& told) {
            request plain = message;
            set_header(plain.headers, "Accept-Encoding", "identity");
            auto out = prepare(plain);
            if (!out) return std::move(out).error();
            progress seen{clock::now()};
            bool streaming = false;
            const auto ended_here = [&] {
                seen.stopped = make_fault(errc::cancelled, "whoever listened to the stream ended it");
                return false;
            };
            out->response_handler = [&](const httplib::Response& answer) {
                if (!begin_body(answer, seen)) return false;
                streaming = answer.status == 200;
                if (!streaming) return true;
                seen.body.reset();
                auto head = finish(answer, seen);
                return (head && told.begun(*head)) || ended_here();
            };
            out->content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
                if (!streaming) return take_body(std::string_view{data, size}, seen);
                seen.last = clock::now();
                if (cancelled) return false;
                return told.bytes(std::string_view{data, size}) || ended_here();
            };
            client->set_read_timeout(options.stream_silence);
            auto done = send(*out, seen, options.stream_silence);
            client->set_read_timeout(options.read_timeout);
            return done;
        }

        // @param silence  the read timeout that is set
        result<response> send(httplib::Request& out, progress& seen, duration silence) {
            if (cancelled) return was_cancelled();
            httplib::Response answer;
            httplib::Error error = httplib::Error::Success;
            bool arrived = false;
            {
                const sigpipe_guard quiet;
                drop_closed_connection();
                arrived = client->send(out, answer, error);
            }
            if (cancelled) return was_cancelled();
            if (seen.stopped) return *std::move(seen.stopped);
            if (!arrived) return fault_of(error, seen, silence);
            return finish(answer, seen);
        }

        static fault was_cancelled() { return make_fault(errc::cancelled, "the transport was cancelled"); }

        // Bytes that wait on an idle connection are never an answer: they are the server's goodbye. A request written
        // there would be lost, and over TLS the library does not notice.
        void drop_closed_connection() {
#if !defined(_WIN32)
            const socket_t sock = client->socket();
            if (sock == INVALID_SOCKET) return;
            pollfd waiting{sock, POLLIN, 0};
            if (poll(&waiting, 1, 0) != 0) client->stop();
#endif
        }

        result<httplib::Request> prepare(const request& message) {
            httplib::Request out;
            out.method = name_of(message.method);
            out.path = url.path;
            out.path += message.path;
            if (!is_target(message.path) || !is_target(out.path)) {
                return make_fault(errc::invalid_argument,
                                  "a request's path starts with / and is percent-encoded, without a fragment");
            }
            for (const header& h : message.headers) {
                auto added = add_header(out, h);
                if (!added) return std::move(added).error();
            }
            if (options.more_headers) {
                auto more = options.more_headers(message);
                if (!more) return std::move(more).error();
                for (const header& h : *more) {
                    if (find_header(message.headers, h.name)) continue;
                    auto added = add_header(out, h);
                    if (!added) return std::move(added).error();
                }
            }
            if (!options.bearer_token.empty() && !out.has_header("Authorization")) {
                out.headers.emplace("Authorization", std::string{"Bearer "}.append(options.bearer_token));
            }
            if (!out.has_header("User-Agent")) out.headers.emplace("User-Agent", "syncline");
            if (!out.has_header("Accept-Encoding")) {
                out.headers.emplace("Accept-Encoding", options.accept_gzip ? "gzip" : "identity");
            }
            const bool compress = options.gzip_requests_above && message.body.size() > *options.gzip_requests_above &&
                                  !out.has_header("Content-Encoding");
            if (compress) {
                auto packed = gzip_compress(message.body);
                if (!packed) return std::move(packed).error();
                out.body = *std::move(packed);
                out.headers.emplace("Content-Encoding", "gzip");
            } else {
                out.body = message.body;
            }
            return out;
        }

        static result<void> add_header(httplib::Request& out, const header& h) {
            if (!is_header_name(h.name) || !is_header_value(h.value)) {
                return make_fault(errc::invalid_argument, "a header has a name or a value that HTTP cannot carry");
            }
            // These describe the connection and the body as it is sent, which only the transport knows.
            if (same_header_name(h.name, "Content-Length") || same_header_name(h.name, "Transfer-Encoding") ||
                same_header_name(h.name, "Connection")) {
                return make_fault(errc::invalid_argument, "the header ", h.name, " is set by the transport");
            }
            out.headers.emplace(h.name, h.value);
            return {};
        }

        bool begin_body(const httplib::Response& answer, progress& seen) const {
            seen.last = clock::now();
            const content_coding coding = coding_of(answer.get_header_value("Content-Encoding"));
            if (coding == content_coding::unknown) {
                seen.stopped = make_fault(errc::unsupported, "the answer comes in a content coding we did not ask for");
                return false;
            }
            const std::size_t most = coding == content_coding::gzip
                                         ? bounded_body::most_encoded(options.max_response_body)
                                         : options.max_response_body;
            if (answer.has_header("Content-Length") &&
                answer.get_header_value<std::uint64_t>("Content-Length") > most) {
                seen.stopped = make_fault(errc::too_large, "the answer's body has more than ",
                                          std::to_string(options.max_response_body), " bytes");
                return false;
            }
            seen.body.emplace(options.max_response_body, coding);
            return true;
        }

        bool take_body(std::string_view piece, progress& seen) const {
            seen.last = clock::now();
            if (cancelled) return false;
            if (seen.last - seen.began > options.body_timeout) {
                seen.stopped = make_fault(errc::timed_out, "the answer did not arrive completely in time");
                return false;
            }
            if (!seen.body) return true;
            const result<void>& taken = seen.body->take(piece);
            if (!taken) seen.stopped = taken.error();
            return taken.has_value();
        }

        result<response> finish(const httplib::Response& answer, progress& seen) const {
            response out;
            out.status = answer.status;
            for (const auto& [name, value] : answer.headers) {
                if (same_header_name(name, "Content-Length") || same_header_name(name, "Content-Encoding") ||
                    same_header_name(name, "Transfer-Encoding")) {
                    continue;
                }
                out.headers.push_back({name, value});
            }
            if (seen.body) {
                auto body = seen.body->finish();
                if (!body) return std::move(body).error();
                out.body = *std::move(body);
            }
            return out;
        }

        fault fault_of(httplib::Error error, const progress& seen, duration silence) const {
            // The library waits in whole milliseconds, rounded down.
            const auto silent = clock::now() - seen.last + std::chrono::milliseconds{1};
            switch (error) {
            case httplib::Error::ConnectionTimeout: return no_answer(errc::timed_out, "did not let us connect in time");
            case httplib::Error::Connection:
            case httplib::Error::BindIPAddress:
                // The library reports some connection timeouts as plain failures.
                if (silent >= options.connect_timeout) return no_answer(errc::timed_out, "did not let us connect in time");
                return no_answer(errc::unavailable, "cannot be reached");
            case httplib::Error::SSLConnection: return no_answer(errc::unavailable, "does not complete a TLS handshake");
            case httplib::Error::SSLServerVerification:
                return no_answer(errc::unavailable, "has a certificate that is not trusted for its name");
            case httplib::Error::SSLLoadingCerts:
                return make_fault(errc::invalid_argument, "the trusted certificates cannot be read");
            case httplib::Error::Write:
                if (silent >= options.write_timeout) return no_answer(errc::timed_out, "stopped reading the request");
                return no_answer(errc::unavailable, "closed the connection during the request");
            default: break;
            }
            if (silent >= silence) return no_answer(errc::timed_out, "did not answer in time");
            return no_answer(errc::unavailable, "closed the connection without a complete answer");
        }

        fault no_answer(errc code, std::string_view what) const {
            return make_fault(code, "the server ", url.host, ":", std::to_string(url.port), " ", what);
        }
    };

    std::unique_ptr<state> state_;
};

static_assert(transport<httplib_transport>);
static_assert(event_source<httplib_transport>);

SYNCLINE_NAMESPACE_END

#endif
