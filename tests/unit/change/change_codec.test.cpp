#include <syncline/change/change_codec.hpp>

#include <syncline/testing/random_values.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace change_codec_test {

using syncline::decode_intent;
using syncline::encode_intent;
using syncline::errc;
using syncline::field_index;
using syncline::intent;
using syncline::max_fields;
using syncline::operation;
using syncline::seeded_random;
using syncline::value;

TEST_CASE("change codec: random intents survive the way there and back, under the key that stands beside them") {
    const std::uint64_t seed = 14;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 5000; ++round) {
        const intent i = syncline::testing::random_intent(random);
        const auto back = decode_intent(i.key, encode_intent(i));
        REQUIRE(back);
        REQUIRE(*back == i);
    }
}

TEST_CASE("change codec: an intent that changes every field survives") {
    intent i;
    for (std::size_t f = 0; f < max_fields; ++f) i.changes.set(static_cast<field_index>(f), value::integer(1));
    const auto back = decode_intent({}, encode_intent(i));
    REQUIRE(back);
    CHECK(*back == i);
}

TEST_CASE("change codec: an intent cut at any byte, or with anything behind it, is corrupt") {
    const std::uint64_t seed = 15;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 300; ++round) {
        const std::string whole = encode_intent(syncline::testing::random_intent(random));
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const auto cut = decode_intent({}, std::string_view(whole).substr(0, length));
            REQUIRE_FALSE(cut);
            REQUIRE(cut.error().code == errc::corrupt);
        }
        for (const char more : {'\0', '\x01', '\xff'}) REQUIRE_FALSE(decode_intent({}, std::string(whole).append(1, more)));
    }
}

TEST_CASE("change codec: changed bytes are corrupt or another intent, never anything else") {
    const std::uint64_t seed = 16;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 50000; ++round) {
        const auto got = decode_intent({}, syncline::testing::mutated(random, encode_intent(syncline::testing::random_intent(random))));
        if (!got) {
            REQUIRE(got.error().code == errc::corrupt);
            continue;
        }
        REQUIRE((got->op == operation::create || got->op == operation::update || got->op == operation::erase));
        const auto again = decode_intent({}, encode_intent(*got));
        REQUIRE(again);
        REQUIRE(*again == *got);
    }
}

TEST_CASE("change codec: an unknown operation and a field beyond the last are corrupt") {
    const std::string good = encode_intent(intent{});
    for (int op = 0; op < 256; ++op) {
        std::string changed = good;
        changed[0] = static_cast<char>(static_cast<unsigned char>(op));
        CHECK(decode_intent({}, changed).has_value() == (op >= 1 && op <= 3));
    }
    intent last;
    last.changes.set(max_fields - 1, value::null());
    std::string beyond = encode_intent(last);
    REQUIRE(beyond.substr(2, 2) == "\xff\x01");  // 255
    beyond.replace(2, 2, "\x80\x02");            // 256
    CHECK_FALSE(decode_intent({}, beyond));
}

TEST_CASE("change codec: a fault shows nothing of what was stored") {
    intent i;
    i.changes.set(0, value::text("secret"));
    const auto refused = decode_intent({}, encode_intent(i).append("x"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("secret") == std::string::npos);
}

}  // namespace change_codec_test
