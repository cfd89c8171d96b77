#include <syncline/transport/sse_parser.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sse_parser_test {

using namespace syncline;

namespace {

std::vector<sse_event> drain(sse_parser& parser) {
    std::vector<sse_event> out;
    for (;;) {
        auto event = parser.next();
        REQUIRE(event);
        if (!*event) return out;
        out.push_back(**event);
    }
}

std::vector<sse_event> events_of(std::string_view text) {
    sse_parser parser;
    parser.feed(text);
    return drain(parser);
}

constexpr std::string_view everything =
    "\xEF\xBB\xBF: heartbeat\n\n"
    "event: bundle\ndata: {\"bundle_seq\":7}\n\n"
    "event: other\r\ndata: a\r\ndata:b\r\ndata\r\nid: 4\r\nretry: 10\r\n\r\n"
    "data:  two blanks\r\r"
    "event: nothing\n\n"
    "unknown: x\n:\ndata: last\n\r\n"
    "data: never ended\n";

}  // namespace

TEST_CASE("sse_parser: reads events, joins data lines by LF and passes over comments and what it does not know", "[transport]") {
    CHECK(events_of(everything) == std::vector<sse_event>{{"bundle", "{\"bundle_seq\":7}"}, {"other", "a\nb\n"}, {"", " two blanks"}, {"", "last"}});
    CHECK(events_of("").empty());
    CHECK(events_of(": heartbeat\n\n").empty());
    CHECK(events_of("data\n\n") == std::vector<sse_event>{{"", ""}});
}

TEST_CASE("sse_parser: the pieces in which bytes come make no difference: every cut in two, every length, random pieces", "[transport]") {
    const auto whole = events_of(everything);
    for (std::size_t first = 0; first <= everything.size(); ++first) {
        for (std::size_t second = first; second <= everything.size(); ++second) {
            sse_parser parser;
            std::vector<sse_event> got;
            for (const auto piece : {everything.substr(0, first), everything.substr(first, second - first), everything.substr(second)}) {
                parser.feed(piece);
                for (auto& e : drain(parser)) got.push_back(e);
            }
            if (got != whole) FAIL("cut at " << first << " and " << second);
        }
    }
    for (std::size_t length = 1; length < 10; ++length) {
        sse_parser parser;
        std::vector<sse_event> got;
        for (std::size_t at = 0; at < everything.size(); at += length) {
            parser.feed(everything.substr(at, length));
            for (auto& e : drain(parser)) got.push_back(e);
        }
        CHECK(got == whole);
    }
    // Any text, whatever its lines end with: one event for each blank line after data.
    seeded_random random{20261127};
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (std::uint64_t n = random.next() % 40; n > 0; --n) text += std::string_view{"\r\n\r\n:d: ea"}[random.next() % 10];
        const std::string_view field = random.next() % 2 == 0 ? "data:x" : "event: y";
        text.insert(text.size() / 2, field);
        const auto expected = events_of(text);
        sse_parser parser;
        std::vector<sse_event> got;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t n = 1 + random.next() % 5;
            parser.feed(std::string_view{text}.substr(at, n));
            at += n;
            for (auto& e : drain(parser)) got.push_back(e);
        }
        INFO("seed 20261127, round " << round << ": " << text);
        REQUIRE(got == expected);
    }
}

TEST_CASE("sse_parser: bounds a line and the data of an event, for good", "[transport]") {
    const std::string most(1 << 20, 'x');
    sse_parser fits;
    fits.feed("data:" + most.substr(5) + "\n\n");
    CHECK(drain(fits).size() == 1);
    sse_parser line;
    line.feed("data: " + most + "\n\ndata: fine\n\n");
    CHECK(line.next().error().code == errc::too_large);
    line.feed("\n\ndata: fine\n\n");
    CHECK(line.next().error().code == errc::too_large);
    sse_parser pieces{10};
    for (int i = 0; i < 3; ++i) {
        pieces.feed("data: xxxx\n");
        if (i < 2) CHECK(drain(pieces).empty());
    }
    CHECK(pieces.next().error().code == errc::too_large);
}

}  // namespace sse_parser_test
