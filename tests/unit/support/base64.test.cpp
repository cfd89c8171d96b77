#include <syncline/support/base64.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>

namespace base64_test {

using syncline::base64_decode;
using syncline::base64_encode;
using syncline::errc;

TEST_CASE("base64: the vectors of RFC 4648") {
    const char* pairs[][2] = {{"", ""},
                              {"f", "Zg=="},
                              {"fo", "Zm8="},
                              {"foo", "Zm9v"},
                              {"foob", "Zm9vYg=="},
                              {"fooba", "Zm9vYmE="},
                              {"foobar", "Zm9vYmFy"}};
    for (const auto& pair : pairs) {
        CHECK(base64_encode(pair[0]) == pair[1]);
        CHECK(base64_decode(pair[1]).value_or("?") == pair[0]);
    }
    CHECK(base64_encode("\xfb\xff\xfe") == "+//+");
}

TEST_CASE("base64: random bytes go there and back") {
    syncline::seeded_random random(21);
    for (std::size_t size = 0; size < 200; ++size) {
        std::string octets;
        for (std::size_t i = 0; i < size; ++i) octets += static_cast<char>(random.below(256));
        CHECK(base64_decode(base64_encode(octets)).value_or("?") == octets);
    }
}

TEST_CASE("base64: all texts of four characters over a small alphabet have one meaning each or none") {
    // Whatever is accepted must be what encoding gives: no second spelling gets through.
    const std::string alphabet = std::string("AQgwZ9+/=-_ \n").append(1, '\0').append("\xff");
    int accepted = 0;
    for (const char a : alphabet) {
        for (const char b : alphabet) {
            for (const char c : alphabet) {
                for (const char d : alphabet) {
                    const std::string text{a, b, c, d};
                    const auto read = base64_decode(text);
                    if (!read) {
                        if (read.error().code != errc::malformed_value) FAIL(text);
                        continue;
                    }
                    ++accepted;
                    if (base64_encode(*read) != text) FAIL("second spelling " << text);
                }
            }
        }
    }
    CHECK(accepted > 8 * 8 * 8 * 8);
}

TEST_CASE("base64: missing, early and surplus padding is refused") {
    for (const char* text : {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zm8=Zm9v", "Zm9vZ", "Zh==", "Zm9=",
                             "Zm9v\n", " Zm9v", "Zm-v", "Zm_v", "Z=9v"}) {
        CAPTURE(text);
        CHECK_FALSE(base64_decode(text).has_value());
    }
}

}  // namespace base64_test
