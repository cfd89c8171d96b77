#include <syncline/adapters/httplib/gzip.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace gzip_test {

using namespace syncline;

namespace {

std::string some_text(seeded_random& random, std::size_t size, bool dull) {
    std::string out(size, 'x');
    for (char& c : out) c = static_cast<char>(dull ? 'a' + random.below(2) : random.below(256));
    return out;
}

result<std::string> expand(std::string_view packed, std::size_t limit, std::size_t step) {
    bounded_body body(limit, content_coding::gzip);
    while (!packed.empty()) {
        if (!body.take(packed.substr(0, step))) break;
        packed.remove_prefix((std::min)(step, packed.size()));
    }
    return body.finish();
}

}  // namespace

TEST_CASE("gzip: what is compressed expands to itself, in pieces of any size, at a limit of exactly its size",
          "[httplib]") {
    const auto seed = GENERATE(1U, 2U, 3U);
    INFO("seed " << seed);
    seeded_random random(seed);
    for (const std::size_t size : {0U, 1U, 100U, 16383U, 16384U, 16385U, 32768U, 100000U, 1500000U}) {
        for (const bool dull : {true, false}) {
            const std::string text = some_text(random, size, dull);
            const auto packed = gzip_compress(text);
            REQUIRE(packed);
            CHECK(packed->size() <= bounded_body::most_encoded(size));
            for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{10000000}}) {
                if (step < 4096 && size > 20000) continue;
                CAPTURE(size, dull, step);
                const auto back = expand(*packed, size, step);
                REQUIRE(back);
                CHECK((*back == text));
                if (size == 0) continue;
                const auto less = expand(*packed, size - 1, step);
                REQUIRE_FALSE(less);
                CHECK(less.error().code == errc::too_large);
            }
        }
    }
}

TEST_CASE("gzip: a bomb is refused at the limit", "[httplib]") {
    const auto bomb = gzip_compress(std::string(std::size_t{50} << 20, '\0'));
    REQUIRE(bomb);
    REQUIRE(bomb->size() < 100000);
    const auto got = expand(*bomb, 1000000, 4096);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::too_large);
}

TEST_CASE("gzip: every truncation and every tail is refused", "[httplib]") {
    const auto packed = gzip_compress("the quick brown fox jumps over the lazy dog");
    REQUIRE(packed);
    for (std::size_t n = 1; n < packed->size(); ++n) {
        const auto got = expand(std::string_view{*packed}.substr(0, n), 1000, 1000);
        INFO(n);
        REQUIRE_FALSE(got);
        CHECK(got.error().code == errc::malformed_message);
    }
    CHECK_FALSE(expand(*packed + "x", 1000, 1000));
    CHECK_FALSE(expand(*packed + "x", 1000, 1));
    CHECK_FALSE(expand(*packed + *packed, 1000, 1000));
    CHECK_FALSE(expand("{\"plain\":1}", 1000, 1000));
}

TEST_CASE("gzip: no flipped bit ends in another text", "[httplib]") {
    const std::string text = "the quick brown fox jumps over the lazy dog";
    const auto packed = gzip_compress(text);
    REQUIRE(packed);
    for (std::size_t bit = 0; bit < packed->size() * 8; ++bit) {
        std::string broken = *packed;
        broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << (bit % 8)));
        const auto got = expand(broken, 1000, 5);
        INFO(bit);
        CHECK((!got || *got == text));
    }
}

TEST_CASE("bounded_body: a plain body may have exactly its limit", "[httplib]") {
    bounded_body body(4);
    CHECK(body.take("ab"));
    CHECK(body.take("cd"));
    CHECK(body.take(""));
    CHECK(*body.finish() == "abcd");

    bounded_body more(4);
    CHECK(more.take("abc"));
    CHECK(more.take("de").error().code == errc::too_large);
    CHECK(more.take("").error().code == errc::too_large);
    CHECK(more.finish().error().code == errc::too_large);
}

TEST_CASE("bounded_body: gzip without end is refused although it expands to nothing", "[httplib]") {
    bounded_body body(10, content_coding::gzip);
    const auto packed = gzip_compress("");
    REQUIRE(packed);
    // The ten bytes of the header, then empty stored blocks for ever.
    REQUIRE(body.take(std::string_view{*packed}.substr(0, 10)));
    bool refused = false;
    for (int i = 0; i < 10000 && !refused; ++i) refused = !body.take(std::string_view{"\x00\x00\x00\xff\xff", 5});
    CHECK(refused);
}

TEST_CASE("gzip: Accept-Encoding is understood", "[httplib]") {
    for (const char* yes : {"gzip", "GZIP", "x-gzip", "br, gzip", "deflate,gzip;q=0.5", "*", "gzip ; q=1", "br;q=1, *;q=0.1"}) {
        INFO(yes);
        CHECK(accepts_gzip(yes));
    }
    for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzipped", "*, gzip;q=0"}) {
        INFO(no);
        CHECK_FALSE(accepts_gzip(no));
    }
}

}  // namespace gzip_test
