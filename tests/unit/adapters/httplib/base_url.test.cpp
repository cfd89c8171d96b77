#include <syncline/adapters/httplib/base_url.hpp>

#include "support/catch.hpp"

namespace base_url_test {

using namespace syncline;

TEST_CASE("base_url: scheme, host, port and path are told apart", "[httplib]") {
    CHECK(*parse_base_url("http://host") == base_url{false, "host", 80, ""});
    CHECK(*parse_base_url("HTTPS://host") == base_url{true, "host", 443, ""});
    CHECK(*parse_base_url("https://host:8443/") == base_url{true, "host", 8443, ""});
    CHECK(*parse_base_url("http://10.0.0.1:1/api/v1//") == base_url{false, "10.0.0.1", 1, "/api/v1"});
    CHECK(*parse_base_url("http://[::1]:65535/a") == base_url{false, "::1", 65535, "/a"});
    CHECK(*parse_base_url("https://[fe80::1]") == base_url{true, "fe80::1", 443, ""});
}

TEST_CASE("base_url: what is not a plain server address is refused", "[httplib]") {
    for (const char* bad :
         {"", "host", "host:80", "ftp://host", "://host", "http:/host", "http://", "http:///a", "http://:80",
          "http://host:", "http://host:0", "http://host:65536", "http://host:8x", "http://host:123456",
          "http://user@host", "http://user:pw@host", "http://host?x", "http://host/a#b", "http://ho st", "http://[::1",
          "http://[::1]x", "http://[]", "http://h\xc3\xb6st"}) {
        INFO(bad);
        const auto got = parse_base_url(bad);
        REQUIRE_FALSE(got);
        CHECK(got.error().code == errc::invalid_argument);
    }
}

TEST_CASE("base_url: only this machine is loopback", "[httplib]") {
    for (const char* here : {"localhost", "LOCALHOST", "::1", "127.0.0.1", "127.255.1.2"}) CHECK(is_loopback_host(here));
    for (const char* there : {"", "0.0.0.0", "::", "10.0.0.1", "127.example.org", "127.0.0.1.example.org", "127.0.0",
                              "127.0.0.", "127..0.1", "1127.0.0.1", "localhost.example.org", "::11"}) {
        INFO(there);
        CHECK_FALSE(is_loopback_host(there));
    }
}

}  // namespace base_url_test
