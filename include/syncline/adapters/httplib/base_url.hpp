#ifndef SYNCLINE_ADAPTERS_HTTPLIB_BASE_URL_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_BASE_URL_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// Where a server is: the parts of a URL such as `https://example.org:8443/api`.
struct base_url {
    bool tls = false;
    /// A name or an address; an IPv6 address without its brackets.
    std::string host;
    int port = 80;
    /// What goes in front of every request's path: empty, or `/api`. Never ends with `/`.
    std::string path;

    friend bool operator==(const base_url&, const base_url&) = default;
};

/// Reads `http://` or `https://`, a host, an optional port and an optional path.
/// @return the parts, or `errc::invalid_argument` for another scheme, a user name, a query, a fragment, a bad port
[[nodiscard]] inline result<base_url> parse_base_url(std::string_view text) {
    const auto refuse = [](std::string_view why) {
        return make_fault(errc::invalid_argument, "the base URL ", why, "; it looks like https://example.org/api");
    };
    for (const char c : text) {
        if (c <= ' ' || c > '~') return refuse("has a space or a character that is not ASCII");
    }
    base_url url;
    const std::size_t scheme_end = text.find("://");
    const std::string_view scheme = text.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end);
    if (same_header_name(scheme, "https")) {
        url.tls = true;
        url.port = 443;
    } else if (!same_header_name(scheme, "http")) {
        return refuse("does not start with http:// or https://");
    }
    std::string_view rest = text.substr(scheme_end + 3);
    if (rest.find_first_of("?#") != std::string_view::npos) return refuse("has a query or a fragment");
    const std::size_t slash = rest.find('/');
    std::string_view authority = rest.substr(0, slash);
    if (slash != std::string_view::npos) {
        std::string_view path = rest.substr(slash);
        while (!path.empty() && path.back() == '/') path.remove_suffix(1);
        url.path = path;
    }
    // Credentials in a URL end up in logs; the transport has its own place for them.
    if (authority.find('@') != std::string_view::npos) return refuse("has a user name");

    std::string_view port;
    bool has_port = false;
    if (!authority.empty() && authority.front() == '[') {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return refuse("has a [ without ]");
        url.host = authority.substr(1, close - 1);
        authority.remove_prefix(close + 1);
        if (!authority.empty() && authority.front() != ':') return refuse("has something between ] and the port");
        has_port = !authority.empty();
        if (has_port) port = authority.substr(1);
    } else {
        const std::size_t colon = authority.find(':');
        url.host = authority.substr(0, colon);
        has_port = colon != std::string_view::npos;
        if (has_port) port = authority.substr(colon + 1);
    }
    if (url.host.empty()) return refuse("has no host");
    if (has_port) {
        if (port.empty() || port.size() > 5) return refuse("has a port that is not a number from 1 to 65535");
        int number = 0;
        for (const char c : port) {
            if (c < '0' || c > '9') return refuse("has a port that is not a number from 1 to 65535");
            number = number * 10 + (c - '0');
        }
        if (number < 1 || number > 65535) return refuse("has a port that is not a number from 1 to 65535");
        url.port = number;
    }
    return url;
}

/// Whether @p host can only mean this machine: `localhost`, `::1`, or an address of 127.0.0.0/8 in dotted form.
[[nodiscard]] constexpr bool is_loopback_host(std::string_view host) noexcept {
    if (same_header_name(host, "localhost") || host == "::1") return true;
    // A name such as 127.example.org is somebody else's.
    std::size_t dots = 0;
    std::size_t digits = 0;
    for (const char c : host) {
        if (c == '.') {
            if (digits == 0) return false;
            ++dots;
            digits = 0;
        } else if (c >= '0' && c <= '9' && digits < 3) {
            ++digits;
        } else {
            return false;
        }
    }
    return dots == 3 && digits > 0 && host.substr(0, 4) == "127.";
}

SYNCLINE_NAMESPACE_END

#endif
