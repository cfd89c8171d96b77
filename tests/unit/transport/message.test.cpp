#include <syncline/transport/message.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace message_test {

using namespace syncline;

TEST_CASE("message: every method's name reads back as that method, and nothing else does", "[transport]") {
    for (const http_method method : {http_method::get, http_method::head, http_method::post, http_method::put,
                                     http_method::patch, http_method::erase, http_method::options}) {
        CHECK(parse_http_method(name_of(method)) == method);
    }
    CHECK(name_of(http_method::erase) == "DELETE");
    for (const char* other : {"", "get", "GET ", "TRACE", "CONNECT", "ERASE"}) CHECK_FALSE(parse_http_method(other));
}

TEST_CASE("message: headers are found in any case", "[transport]") {
    const std::vector<header> headers{{"X-One", "1"}, {"x-two", "2"}, {"X-ONE", "3"}};
    CHECK(find_header(headers, "x-one") == "1");
    CHECK(find_header(headers, "X-TWO") == "2");
    CHECK_FALSE(find_header(headers, "x-three"));
    CHECK_FALSE(find_header(headers, "x-on"));
    CHECK_FALSE(same_header_name("a\xc4", "A\xe4"));
}

TEST_CASE("message: setting a header replaces every spelling of it", "[transport]") {
    std::vector<header> headers{{"X-One", "1"}, {"other", "2"}, {"x-one", "3"}};
    set_header(headers, "X-ONE", "4");
    CHECK(headers == std::vector<header>{{"other", "2"}, {"X-ONE", "4"}});
}

TEST_CASE("message: two requests are equal where they ask the same, whenever they came", "[transport]") {
    const request one{http_method::post, "/push", {{"X-One", "1"}}, "{}"};
    const auto differs = [&](auto change) {
        request other = one;
        change(other);
        CHECK_FALSE(one == other);
    };
    differs([](request& r) { r.method = http_method::put; });
    differs([](request& r) { r.path = "/pull"; });
    differs([](request& r) { r.headers.clear(); });
    differs([](request& r) { r.body = "[]"; });
    request later = one;
    later.began = 5;
    CHECK(one == later);
}

TEST_CASE("message: 2xx is ok, its neighbours are not", "[transport]") {
    CHECK(response{200, {}, {}}.ok());
    CHECK(response{299, {}, {}}.ok());
    CHECK_FALSE(response{199, {}, {}}.ok());
    CHECK_FALSE(response{300, {}, {}}.ok());
}

TEST_CASE("message: percent encoding leaves unreserved characters only", "[transport]") {
    CHECK(percent_encode("AZaz09-._~") == "AZaz09-._~");
    CHECK(percent_encode(" +&=?#%/") == "%20%2B%26%3D%3F%23%25%2F");
    CHECK(percent_encode(std::string_view{"\0\xff", 2}) == "%00%FF");
}

TEST_CASE("message: decoding is strict about percent signs", "[transport]") {
    CHECK(*percent_decode("%41%7a%7A") == "Azz");
    CHECK(*percent_decode("a+b") == "a+b");
    CHECK(*percent_decode("a+b%2B", plus_sign::space) == "a b+");
    for (const char* bad : {"%", "%4", "a%", "%4g", "%g4", "%%41", "%-1", "% 1"}) {
        INFO(bad);
        const auto got = percent_decode(bad);
        REQUIRE_FALSE(got);
        CHECK(got.error().code == errc::malformed_message);
    }
}

TEST_CASE("message: a query gives its fields decoded and in order", "[transport]") {
    const auto fields = query_fields("/p?a%5B%5D=1&a[]=2&&b&c==x&=d&e=%20+#f=g");
    REQUIRE(fields);
    CHECK(*fields ==
          std::vector<query_field>{{"a[]", "1"}, {"a[]", "2"}, {"b", ""}, {"c", "=x"}, {"", "d"}, {"e", "  "}});
    CHECK(query_fields("/p")->empty());
    CHECK(query_fields("/p?")->empty());
    CHECK(query_fields("/p?a=%zz").error().code == errc::malformed_message);
    CHECK(query_fields("/p?%zz=a").error().code == errc::malformed_message);
    CHECK(path_without_query("/p/q?r?s") == "/p/q");
    CHECK(path_without_query("/p") == "/p");
}

TEST_CASE("message: a query parameter is there once, not there, or refused", "[transport]") {
    CHECK(*query_parameter("/p?a=1&b=2", "b") == "2");
    CHECK(*query_parameter("/p?a=", "a") == "");
    CHECK_FALSE(query_parameter("/p?a=1", "c")->has_value());
    CHECK(query_parameter("/p?a=1&a=1", "a").error().code == errc::malformed_message);
    CHECK(query_parameter("/p?a=1&c=%", "a").error().code == errc::malformed_message);
}

TEST_CASE("message: what append_query writes, query_fields reads, whatever the bytes", "[transport]") {
    const auto seed = GENERATE(1U, 2U, 3U, 4U);
    INFO("seed " << seed);
    seeded_random random(seed);
    const auto text = [&random] {
        std::string out;
        for (std::uint64_t n = random.below(12); n > 0; --n) {
            // Half of the characters are those that mean something in a URL.
            out += random.chance(1, 2) ? "%&=?#+ /"[random.below(8)] : static_cast<char>(random.below(256));
        }
        return out;
    };
    for (int round = 0; round < 2000; ++round) {
        std::vector<query_field> fields;
        std::string target = "/sync";
        for (std::uint64_t n = random.below(5); n > 0; --n) {
            fields.push_back({text(), text()});
            append_query(target, fields.back().name, fields.back().value);
        }
        const auto back = query_fields(target);
        REQUIRE(back);
        REQUIRE(*back == fields);
    }
}

}  // namespace message_test
