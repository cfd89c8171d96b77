#ifndef SYNCLINE_ADAPTERS_HTTPLIB_SERVER_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_SERVER_HPP

#include <syncline/adapters/httplib/base_url.hpp>
#include <syncline/adapters/httplib/connection.hpp>
#include <syncline/adapters/httplib/gzip.hpp>
#include <syncline/adapters/httplib/live_streams.hpp>
#include <syncline/adapters/httplib/refused_request.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/mount_table.hpp>
#include <syncline/transport/transport.hpp>

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The PEM files of a TLS server.
struct tls_files {
    std::string certificate_chain;
    std::string private_key;
};

/// How an `httplib_server` listens. The defaults serve this machine only.
struct httplib_server_options {
    /// The address to bind: `127.0.0.1`, `::1`, `0.0.0.0`, ...
    std::string address = "127.0.0.1";
    /// The port; 0 picks a free one, see `httplib_server::port`.
    int port = 0;
    /// Serves https when given, http otherwise.
    std::optional<tls_files> tls;
    /// Whether http may be served beyond this machine, for example behind a proxy that does the TLS.
    bool allow_plaintext_beyond_loopback = false;

    /// The longest wait for the next bytes of a request, and for room to send the next bytes of an answer.
    duration read_timeout = std::chrono::seconds{10};
    duration write_timeout = std::chrono::seconds{10};
    /// The longest time that a request may take to arrive, from its first byte to its last, and then its answer to go out. Without
    /// it a few clients that send or read a byte now and then would occupy every thread for ever.
    duration request_timeout = std::chrono::minutes{2};
    /// How long an idle connection stays open. It occupies a thread meanwhile, and `stop` waits for it.
    std::chrono::seconds keep_alive = std::chrono::seconds{1};
    /// The most requests over one connection.
    std::size_t keep_alive_requests = 1000;

    /// The most bytes of a request line and the headers after it: what is above is answered with 400, or with 431
    /// where the library would say nothing. A line has at most 8 KiB.
    std::size_t max_request_head = std::size_t{64} << 10;
    /// The most bytes of a request's body, before and after it is expanded: what is above is answered with 413.
    std::size_t max_request_body = std::size_t{8} << 20;
    /// Answers of more bytes than this go out as gzip to clients that take it; nothing turns it off.
    std::optional<std::size_t> gzip_above = 1024;
    /// The number of connections that are served at a time; others wait.
    std::size_t threads = 16;
    /// How many of them may be responses that go on (`event_stream`), each of which occupies a thread for as long as its client listens: one
    /// above it is answered with 503 and `Retry-After`. Less than `threads`, so that requests are served too. Nothing: half of `threads`.
    std::optional<std::size_t> max_streams;

    /// Is told of every request that this server answers without a handler: heads and bodies above the limits, what is no HTTP or did not arrive in time,
    /// paths at which nothing is mounted. A log that handlers write has no line of those. What the authenticator refuses is not among them.
    refusal_listener on_refused;
};

/// A server over HTTP/1.1, with cpp-httplib: mounts handlers under path prefixes and answers with JSON errors always.
///
/// Handlers are mounted, and the authenticator is given, before `start`; `mount_table` says how paths lead to handlers.
/// It listens on a thread of its own and calls handlers from several threads at once. It refers to the handlers, which
/// must outlive it, and owns the authenticator. Its own functions are called by one thread at a time, and not by a
/// handler; `port` and `running` by any.
///
/// Bytes and time of a request are bounded; how many connections one client makes, and how many wait for a thread, is not. Put a
/// reverse proxy in front of it where strangers can connect.
///
/// Creating the library's server sets the process to ignore SIGPIPE.
class httplib_server {
public:
    explicit httplib_server(httplib_server_options options = {}) : options_(std::move(options)) {}
    httplib_server(const httplib_server&) = delete;
    httplib_server& operator=(const httplib_server&) = delete;
    /// Stops, see `stop`.
    ~httplib_server() { stop(); }

    /// Authenticates the callers of all handlers that `mount` takes. `allow_anonymous` lets everybody in.
    /// @return `errc::invalid_argument` while the server runs
    template <authenticator Authenticator>
    result<void> authenticate_with(Authenticator who) {
        if (server_) return already_running();
        mounts_.authenticate_with(std::move(who));
        return {};
    }

    /// Mounts a handler under @p prefix; empty is everything. See `mount_table::mount`.
    /// @return `errc::invalid_argument` for a bad prefix, one that is taken, or while the server runs
    template <class Handler>
        requires(principal_handler<Handler> || authenticating_handler<Handler>)
    result<void> mount(std::string_view prefix, Handler& handler) {
        if (server_) return already_running();
        return mounts_.mount(prefix, handler);
    }

    /// Mounts a handler that anybody may call, such as a health check.
    /// @return as `mount`
    template <server_handler Handler>
    result<void> mount_unauthenticated(std::string_view prefix, Handler& handler) {
        if (server_) return already_running();
        return mounts_.mount_unauthenticated(prefix, handler);
    }

    /// Binds and begins to serve.
    /// @return `errc::invalid_argument` when nothing is mounted, a handler needs an authenticator and none was given,
    ///         an address beyond this machine would be served without TLS, an option is out of range, the TLS files
    ///         cannot be used, or it runs already; `errc::unavailable` when the address cannot be bound (in use,
    ///         unknown or not permitted); `errc::internal` when the system gives no thread
    result<void> start() {
        if (server_) return already_running();
        auto checked = check();
        if (!checked) return checked;
        try {
            return listen();
        } catch (...) {
            abandon();
            return make_fault(errc::internal, "the HTTP server failed to start: no thread or no memory");
        }
    }

    /// The port that is bound, or 0 when it is not running.
    [[nodiscard]] int port() const noexcept { return port_; }

    /// Whether connections are accepted. Becomes false by itself if the system fails the listening socket; then `stop`
    /// and `start` again.
    [[nodiscard]] bool running() const noexcept { return listening_; }

    /// How many responses go on at the moment. From any thread.
    [[nodiscard]] std::size_t streams() const { return streams_.count(); }

    /// Stops accepting, lets every request that is being read or handled finish and be answered, ends the responses that go on, and waits for that.
    /// Idle connections end after `keep_alive`. Does nothing when it does not run. May be started again afterwards.
    void stop() noexcept {
        if (!server_) return;
        stopping_ = true;
        streams_.stop();
        close_listener();
        if (thread_.joinable()) thread_.join();
        abandon();
    }

private:
    // Beyond this the library's pattern matching, which recurses per character, could exhaust a small stack.
    static constexpr std::size_t most_path = 1024;
    // How much of a refused body is read, so that a client that is still sending gets to read the refusal.
    static constexpr std::size_t most_drained = std::size_t{1} << 20;

    static fault already_running() { return make_fault(errc::invalid_argument, "the server is already running"); }

    [[nodiscard]] result<void> check() const {
        auto ready = mounts_.ready();
        if (!ready) return ready;
        if (!options_.tls && !is_loopback_host(options_.address) && !options_.allow_plaintext_beyond_loopback) {
            return make_fault(errc::invalid_argument, "the server would listen on ", options_.address,
                              " in plain text: give it TLS files, or set allow_plaintext_beyond_loopback");
        }
        if (options_.port < 0 || options_.port > 65535) {
            return make_fault(errc::invalid_argument, "the server's port is not a number from 0 to 65535");
        }
        if (options_.threads == 0 || options_.keep_alive_requests == 0 || options_.keep_alive.count() < 0 ||
            options_.read_timeout <= duration::zero() || options_.write_timeout <= duration::zero() ||
            options_.request_timeout <= duration::zero() || options_.max_request_head == 0) {
            return make_fault(errc::invalid_argument, "the server's threads, limits and timeouts must be positive");
        }
        if (options_.max_streams && *options_.max_streams >= options_.threads) {
            return make_fault(errc::invalid_argument, "max_streams must be less than threads, or streams would leave no thread to requests");
        }
        return {};
    }

    result<void> listen() {
        stopping_ = false;
        const connection_limits limits{options_.read_timeout,     options_.write_timeout, options_.request_timeout,
                                       options_.max_request_head, options_.keep_alive,    options_.keep_alive_requests};
        if (options_.tls) {
            server_ = std::make_unique<bounded_server<httplib::SSLServer>>(
                limits, stopping_, connections_, options_.on_refused, [this](SSL_CTX& context) { return set_up_tls(context); });
            if (!server_->is_valid()) {
                abandon();
                return make_fault(errc::invalid_argument, "the TLS certificate '", options_.tls->certificate_chain,
                                  "' and key '", options_.tls->private_key, "' cannot be read or do not belong together");
            }
        } else {
            server_ = std::make_unique<bounded_server<httplib::Server>>(limits, stopping_, connections_, options_.on_refused);
        }
        configure();
        const int bound = options_.port == 0 ? server_->bind_to_any_port(options_.address)
                          : server_->bind_to_port(options_.address, options_.port) ? options_.port
                                                                                   : -1;
        if (bound <= 0) {
            abandon();
            return make_fault(errc::unavailable, "cannot listen on ", options_.address, ":",
                              std::to_string(options_.port), ": in use, unknown or not permitted");
        }
#if defined(__linux__)
        // The library waits for five connections to be accepted; a sixth client would be delayed by a second.
        ::listen(listener_, 512);
#endif
        port_ = bound;
        listening_ = true;
        thread_ = std::thread([this] {
            server_->listen_after_bind();
            listening_ = false;
        });
        return {};
    }

    bool set_up_tls(SSL_CTX& context) const {
        SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
        return SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) == 1 &&
               SSL_CTX_use_certificate_chain_file(&context, options_.tls->certificate_chain.c_str()) == 1 &&
               SSL_CTX_use_PrivateKey_file(&context, options_.tls->private_key.c_str(), SSL_FILETYPE_PEM) == 1 &&
               SSL_CTX_check_private_key(&context) == 1;
    }

    void configure() {
        using httplib_request = httplib::Request;
        using httplib_response = httplib::Response;
        // What clients are told; our connections go by their own limits.
        server_->set_keep_alive_timeout(options_.keep_alive.count());
        server_->set_keep_alive_max_count(options_.keep_alive_requests);
        server_->set_tcp_nodelay(true);
        const std::size_t threads = options_.threads;
        server_->new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
        server_->set_socket_options([this](socket_t sock) { set_up_listener(sock); });
        server_->set_pre_routing_handler([this](const httplib_request& in, httplib_response& out) {
            return begin(in, out) ? httplib::Server::HandlerResponse::Handled
                                  : httplib::Server::HandlerResponse::Unhandled;
        });
        const auto with_body = [this](const httplib_request& in, httplib_response& out,
                                      const httplib::ContentReader& read) { answer_with_body(in, out, read); };
        server_->Post(".*", with_body);
        server_->Put(".*", with_body);
        server_->Patch(".*", with_body);
        server_->Delete(".*", with_body);
        server_->set_exception_handler([this](const httplib_request& in, httplib_response& out, std::exception_ptr) {
            refuse(in, out, http_refusal_of(500), after::close);
        });
        // Called for every error; those that no handler of ours has answered are the library's own.
        server_->set_error_handler(httplib::Server::HandlerWithResponse(
            [this](const httplib_request& in, httplib_response& out) {
                if (!out.body.empty() || out.has_header("Content-Type")) {
                    return httplib::Server::HandlerResponse::Unhandled;
                }
                refuse(in, out, http_refusal_of(out.status), after::close);
                return httplib::Server::HandlerResponse::Handled;
            }));
    }

    void set_up_listener(socket_t sock) {
        // Not the library's SO_REUSEPORT: with that, two servers on one port would share its clients in silence.
        const int yes = 1;
#if defined(_WIN32)
        setsockopt(sock, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, reinterpret_cast<const char*>(&yes), sizeof yes);
#else
        setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
#endif
#if defined(__linux__)
        // A descriptor of our own: when the library closes its one, that number may become somebody else's.
        forget_listener();
        listener_ = fcntl(sock, F_DUPFD_CLOEXEC, 0);
#endif
    }

    // Ends the library's accept loop. Its own `stop` drops connections that wait for a thread; shutting the listening
    // socket down ends the loop as well, and the connections that are already there are served.
    void close_listener() noexcept {
#if defined(__linux__)
        if (listener_ != INVALID_SOCKET) {
            ::shutdown(listener_, SHUT_RDWR);
            return;
        }
#endif
        // Before its loop has begun, the library's stop does nothing.
        while (listening_ && !server_->is_running()) std::this_thread::yield();
        server_->stop();
    }

    void forget_listener() noexcept {
#if defined(__linux__)
        if (listener_ != INVALID_SOCKET) ::close(listener_);
        listener_ = INVALID_SOCKET;
#endif
    }

    void abandon() noexcept {
        forget_listener();
        server_.reset();
        port_ = 0;
        listening_ = false;
    }

    // What becomes of the connection once an answer is sent: where the end of the request is unknown or was not waited
    // for, its remains would be taken for the next request.
    enum class after { keep, close };

    // The library hands its own request out as const, and means to act on some of its headers itself. It is not a const
    // object; changing it is the only way to undo that.
    static httplib::Request& own(const httplib::Request& in) { return const_cast<httplib::Request&>(in); }

    static bool is_number(std::string_view text) {
        return !text.empty() && text.size() <= 18 &&
               std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    }

    // Answers what has no body. False when a body is to be read first.
    bool begin(const httplib::Request& in, httplib::Response& out) const {
        const std::size_t lengths = in.get_header_value_count("Content-Length");
        const std::size_t transfers = in.get_header_value_count("Transfer-Encoding");
        const std::string length = in.get_header_value("Content-Length");
        if (lengths + transfers > 1 || (lengths == 1 && !is_number(length)) ||
            (transfers == 1 && !same_header_name(in.get_header_value("Transfer-Encoding"), "chunked"))) {
            refuse(in, out, {400, "invalid_request", "the length of the body is not clear"}, after::close);
            return true;
        }
        const bool has_body = transfers == 1 || (lengths == 1 && length.find_first_not_of('0') != std::string::npos);
        const after then = has_body ? after::close : after::keep;
        const auto method = parse_http_method(in.method);
        if (!method) {
            refuse(in, out, {405, "method_not_allowed", "this method is not known here"}, then);
            return true;
        }
        if (in.path.size() > most_path) {
            refuse(in, out, http_refusal_of(414), then);
            return true;
        }
        if (!has_body) {
            answer(in, out, *method, {});
            return true;
        }
        const bool readable = *method == http_method::post || *method == http_method::put ||
                              *method == http_method::patch || *method == http_method::erase;
        if (!readable || (*method == http_method::erase && lengths == 0)) {
            refuse(in, out, {400, "invalid_request", "this method does not take such a body"}, after::close);
            return true;
        }
        if (in.is_multipart_form_data()) {
            refuse(in, out, {415, "unsupported_media_type", "forms are not taken here"}, after::close);
            return true;
        }
        if (coding_of(in.get_header_value("Content-Encoding")) == content_coding::unknown ||
            in.get_header_value_count("Content-Encoding") > 1) {
            refuse(in, out, {415, "unsupported_content_encoding", "bodies are taken as they are or as gzip"}, after::close, {{"Accept-Encoding", "gzip"}});
            return true;
        }
        return false;
    }

    void answer_with_body(const httplib::Request& in, httplib::Response& out, const httplib::ContentReader& read) const {
        const content_coding coding = coding_of(in.get_header_value("Content-Encoding"));
        // The library would expand without a limit.
        own(in).headers.erase("Content-Encoding");

        const std::size_t most = coding == content_coding::gzip ? bounded_body::most_encoded(options_.max_request_body)
                                                                : options_.max_request_body;
        const std::uint64_t announced = in.has_header("Content-Length")
                                            ? in.get_header_value<std::uint64_t>("Content-Length")
                                            : std::uint64_t{0};
        bounded_body body(options_.max_request_body, coding);
        result<void> taken;
        if (announced > most) taken = make_fault(errc::too_large, "the announced body is above the limit");
        if (!taken && announced - most > most_drained) {
            refuse_body(in, out, taken.error().code, after::close);
            return;
        }
        std::size_t drained = 0;
        const bool complete = read([&](const char* data, std::size_t size) {
            if (taken) {
                taken = body.take(std::string_view{data, size});
                return true;
            }
            drained += size;
            return drained <= most_drained;
        });
        // Set by the library when reading ended early; what is answered is decided here.
        out.status = -1;
        if (!taken) {
            refuse_body(in, out, taken.error().code, complete ? after::keep : after::close);
            return;
        }
        if (!complete) {
            refuse(in, out, {400, "invalid_request", "the body did not arrive completely"}, after::close);
            return;
        }
        auto text = body.finish();
        if (!text) {
            refuse_body(in, out, text.error().code, after::keep);
            return;
        }
        answer(in, out, *parse_http_method(in.method), *std::move(text));
    }

    void refuse_body(const httplib::Request& in, httplib::Response& out, errc why, after then) const {
        if (why == errc::too_large) {
            std::string reason = "a request's body may have ";
            reason.append(std::to_string(options_.max_request_body)).append(" bytes");
            return refuse(in, out, {413, "request_too_large", reason}, then);
        }
        if (why == errc::malformed_message) return refuse(in, out, {400, "invalid_request", "the body is not valid gzip"}, then);
        refuse(in, out, {500, "internal", "the server failed to read the body"}, then);
    }

    void answer(const httplib::Request& in, httplib::Response& out, http_method method, std::string body) const {
        if (mounts_.leads_to_handler(in.target)) return finish(in, out, call(in, method, std::move(body)), after::keep);
        const bool path = in.target.starts_with('/');
        refuse(in, out, path ? http_refusal_of(404) : http_refusal{400, "invalid_request", "the request's path does not start with /"}, after::keep);
    }

    response call(const httplib::Request& in, http_method method, std::string body) const {
        request message;
        message.method = method;
        message.path = in.target;
        message.body = std::move(body);
        if (const bounded_stream* connection = connections_.of_this_thread()) message.began = connection->began();
        for (const auto& [name, value] : in.headers) {
            // The library adds these four as if the client had sent them, and the client may have.
            if (same_header_name(name, "REMOTE_ADDR") || same_header_name(name, "REMOTE_PORT") ||
                same_header_name(name, "LOCAL_ADDR") || same_header_name(name, "LOCAL_PORT")) {
                continue;
            }
            message.headers.push_back({name, value});
        }
        return mounts_(message);
    }

    // Answers what no handler was asked about.
    void refuse(const httplib::Request& in, httplib::Response& out, const http_refusal& why, after then, const std::vector<header>& headers = {}) const {
        response answer = why.answer();
        for (const header& h : headers) answer.headers.push_back(h);
        // The library forgets a request line that is none.
        const bounded_stream* connection = in.target.empty() ? connections_.of_this_thread() : nullptr;
        const auto named = connection != nullptr ? connection->request_line() : bounded_stream::named_request{in.method, in.target};
        tell_refusal(options_.on_refused, {named.method, named.target, why.status, why.reason, answer.body.size()});
        finish(in, out, std::move(answer), then);
    }

    // A body that goes on. The connection is closed behind it.
    void go_on(const httplib::Request& in, httplib::Response& out, response&& answer) const {
        const auto live = streams_.admit(std::move(answer.stream), options_.max_streams.value_or(options_.threads / 2));
        if (!live) {
            return refuse(in, out, {503, "service_unavailable", "as many streams are open here as there are threads for; try again later"}, after::keep,
                          {{"Retry-After", "15"}});
        }
        own(in).headers.erase("Accept-Encoding");  // the library would compress it, and hold pieces back
        own(in).headers.erase("Range");
        own(in).ranges.clear();
        out.status = answer.status;
        out.headers.clear();
        std::string type = "application/octet-stream";
        for (const header& h : answer.headers) {
            if (same_header_name(h.name, "Content-Type")) type = h.value;
            else if (!describes_the_connection(h.name)) out.set_header(h.name, h.value);
        }
        out.set_header("Connection", "close");
        // An older client knows no chunks; to it the body ends with the connection.
        if (in.version == "HTTP/1.0") {
            out.set_content_provider(type, [live](std::size_t, httplib::DataSink& sink) { return live->drive(sink), false; });
        } else {
            out.set_chunked_content_provider(type, [live](std::size_t, httplib::DataSink& sink) { return live->drive(sink), false; });
        }
    }

    static bool describes_the_connection(std::string_view name) {
        return same_header_name(name, "Content-Length") || same_header_name(name, "Transfer-Encoding") || same_header_name(name, "Connection");
    }

    void finish(const httplib::Request& in, httplib::Response& out, response&& answer, after then) const {
        if (answer.stream && in.method != "HEAD") return go_on(in, out, std::move(answer));
        const bool gzip = options_.gzip_above && answer.body.size() > *options_.gzip_above &&
                          !find_header(answer.headers, "Content-Encoding") &&
                          accepts_gzip(in.get_header_value("Accept-Encoding"));
        // Otherwise the library would cut the answer to the range that was asked for under a status of 200, and
        // compress every answer, with brotli if it can.
        own(in).ranges.clear();
        own(in).headers.erase("Accept-Encoding");
        own(in).headers.erase("Range");

        out.status = answer.status;
        if (answer.status >= 400 && answer.body.empty()) {
            set_header(answer.headers, "Content-Type", "application/json");
            answer.body = http_refusal_of(answer.status).answer().body;
        }
        out.headers.clear();
        for (const header& h : answer.headers) {
            if (!describes_the_connection(h.name)) out.set_header(h.name, h.value);
        }
        if (gzip) {
            auto packed = gzip_compress(answer.body);
            if (packed) {
                answer.body = *std::move(packed);
                out.set_header("Content-Encoding", "gzip");
                out.set_header("Vary", "Accept-Encoding");
            }
        }
        if (then == after::close || stopping_) out.set_header("Connection", "close");
        if (then == after::keep || answer.body.empty()) {
            out.body = std::move(answer.body);
            return;
        }
        // The library closes a connection when a body that is produced piece by piece breaks off: ours does, after its
        // last byte. For HEAD it would not ask for the body.
        if (in.method == "HEAD") own(in).method = "GET";
        const std::string type = out.get_header_value("Content-Type");
        out.headers.erase("Content-Type");
        const auto body = std::make_shared<const std::string>(std::move(answer.body));
        out.set_content_provider(body->size(), type, [body](std::size_t, std::size_t, httplib::DataSink& sink) {
            sink.write(body->data(), body->size());
            return false;
        });
    }

    httplib_server_options options_;
    mount_table mounts_;
    std::atomic<bool> stopping_{false};
    mutable connections_by_thread connections_;
    mutable live_streams streams_{stopping_, connections_};
    std::unique_ptr<httplib::Server> server_;
    std::thread thread_;
    std::atomic<int> port_{0};
    std::atomic<bool> listening_{false};
    socket_t listener_ = INVALID_SOCKET;
};

SYNCLINE_NAMESPACE_END

#endif
