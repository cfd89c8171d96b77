#include <syncline/support/hex.hpp>

#include "support/catch.hpp"

#include <cctype>
#include <string>

namespace hex_test {

using syncline::errc;
using syncline::hex_decode;
using syncline::hex_encode;

TEST_CASE("hex: every byte goes there and back, and prints in lower case") {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    const std::string text = hex_encode(all);
    CHECK(text.size() == 512);
    CHECK(text.substr(0, 8) == "00010203");
    CHECK(text.substr(508) == "feff");
    CHECK(hex_decode(text).value_or("") == all);
    std::string upper = text;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    CHECK(hex_decode(upper).value_or("") == all);
    CHECK(hex_encode("").empty());
    CHECK(hex_decode("").value_or("x").empty());
}

TEST_CASE("hex: odd lengths and every other character are refused") {
    CHECK(hex_decode("abc").error().code == errc::malformed_value);
    CHECK(hex_decode("0x12").error().detail == "not a hexadecimal digit at byte 1");
    for (int c = 0; c < 256; ++c) {
        const std::string first{static_cast<char>(c), '0'};
        const std::string second{'0', static_cast<char>(c)};
        const bool right = std::isxdigit(c) != 0;
        CAPTURE(c);
        CHECK(hex_decode(first).has_value() == right);
        CHECK(hex_decode(second).has_value() == right);
    }
}

}  // namespace hex_test
