#ifndef SYNCLINE_TESTS_UNIT_ADAPTERS_HTTPLIB_FIXTURE_HPP
#define SYNCLINE_TESTS_UNIT_ADAPTERS_HTTPLIB_FIXTURE_HPP

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/transport/message.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace http_test {

// A server on a free port of this machine with one handler that sees every path. Idle connections stay open for longer
// than any test pauses, so that none is closed under a client; clients go before the server, which then need not wait.
class server {
public:
    explicit server(std::function<syncline::response(const syncline::request&)> handler,
                    syncline::httplib_server_options options = {})
        : handler_(std::move(handler)), served_(patient(std::move(options))) {
        REQUIRE(served_.mount_unauthenticated("", handler_));
        const auto started = served_.start();
        INFO((started ? std::string{} : started.error().detail));
        REQUIRE(started);
    }

    [[nodiscard]] int port() const { return served_.port(); }
    [[nodiscard]] std::string url(std::string_view scheme = "http") const {
        return std::string{scheme}.append("://127.0.0.1:").append(std::to_string(port()));
    }
    void stop() { served_.stop(); }
    // Returns when no more streams than these are held.
    void await_streams(std::size_t most) const {
        while (served_.streams() > most) std::this_thread::yield();
    }

private:
    static syncline::httplib_server_options patient(syncline::httplib_server_options options) {
        options.keep_alive = std::chrono::seconds{20};
        return options;
    }

    std::function<syncline::response(const syncline::request&)> handler_;
    syncline::httplib_server served_;
};

inline syncline::httplib_transport connect(syncline::httplib_transport_options options) {
    auto opened = syncline::httplib_transport::open(std::move(options));
    INFO((opened ? std::string{} : opened.error().detail));
    REQUIRE(opened);
    return *std::move(opened);
}

inline syncline::httplib_transport connect(const std::string& url) {
    syncline::httplib_transport_options options;
    options.base = url;
    return connect(std::move(options));
}

// A socket that listens on a free port of this machine and does nothing by itself.
class raw_listener {
public:
    raw_listener() : sock_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(sock_, reinterpret_cast<sockaddr*>(&at), size) == 0);
        REQUIRE(::listen(sock_, 8) == 0);
        REQUIRE(::getsockname(sock_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
        port_ = ntohs(at.sin_port);
    }
    ~raw_listener() { ::close(sock_); }
    raw_listener(const raw_listener&) = delete;
    raw_listener& operator=(const raw_listener&) = delete;

    [[nodiscard]] std::string url() const {
        return std::string{"http://127.0.0.1:"}.append(std::to_string(port_));
    }

    // Takes one connection, reads the head of its request, writes @p answer and closes.
    void answer_once(std::string_view answer) const {
        const int peer = ::accept(sock_, nullptr, nullptr);
        std::string head;
        char c = 0;
        while (head.find("\r\n\r\n") == std::string::npos && ::recv(peer, &c, 1, 0) == 1) head += c;
        while (!answer.empty()) {
            const auto sent = ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
            if (sent <= 0) break;
            answer.remove_prefix(static_cast<std::size_t>(sent));
        }
        ::close(peer);
    }

private:
    int sock_;
    int port_ = 0;
};

// A connection to a server on this machine that says what it likes.
class raw_client {
public:
    explicit raw_client(int port) : sock_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at.sin_port = htons(static_cast<std::uint16_t>(port));
        REQUIRE(::connect(sock_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    }
    ~raw_client() { ::close(sock_); }
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;

    // @return whether all of @p text was taken
    bool say(std::string_view text) const {
        while (!text.empty()) {
            const auto sent = ::send(sock_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void close_own_direction() const { ::shutdown(sock_, SHUT_WR); }

    // Everything until the server closes the connection, or until @p end was heard.
    [[nodiscard]] std::string hear(std::string_view end = {}) const {
        std::string out;
        char block[4096];
        for (;;) {
            if (!end.empty() && out.find(end) != std::string::npos) return out;
            const auto got = ::recv(sock_, block, sizeof block, 0);
            if (got <= 0) return out;
            out.append(block, static_cast<std::size_t>(got));
        }
    }

private:
    int sock_;
};

// What a server on @p port says to @p text, until it closes the connection.
inline std::string converse(int port, std::string_view text) {
    const raw_client client(port);
    client.say(text);
    return client.hear();
}

// Writes a key and a certificate that it signs itself, for @p name (as `IP:127.0.0.1` or `DNS:example.org`).
inline syncline::tls_files make_certificate(const scratch_folder& folder, const std::string& stem, const std::string& name,
                                            const char* last_moment = "29991231235959Z") {
    const syncline::tls_files files{folder.file(stem + ".pem"), folder.file(stem + ".key")};
    EVP_PKEY* key = EVP_EC_gen("P-256");
    REQUIRE(key != nullptr);
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    // Valid from long ago to far ahead: the test reads no clock.
    ASN1_TIME_set_string(X509_getm_notBefore(cert), "20000101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(cert), last_moment);
    X509_set_pubkey(cert, key);
    X509_NAME* subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(stem.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(cert, subject);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
    for (const auto& [nid, text] : {std::pair<int, std::string>{NID_basic_constraints, "critical,CA:TRUE"},
                                    std::pair<int, std::string>{NID_subject_alt_name, name}}) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str());
        REQUIRE(extension != nullptr);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    REQUIRE(X509_sign(cert, key, EVP_sha256()) > 0);
    std::FILE* out = std::fopen(files.certificate_chain.c_str(), "w");
    REQUIRE(out != nullptr);
    CHECK(PEM_write_X509(out, cert) == 1);
    std::fclose(out);
    out = std::fopen(files.private_key.c_str(), "w");
    REQUIRE(out != nullptr);
    CHECK(PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(out);
    X509_free(cert);
    EVP_PKEY_free(key);
    return files;
}

}  // namespace http_test

#endif
