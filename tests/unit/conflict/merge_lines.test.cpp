#include <syncline/conflict/merge_lines.hpp>

#include <syncline/support/random.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace merge_lines_test {

using syncline::seeded_random;
using syncline::detail::match_lines;
using syncline::detail::merge_lines;
using syncline::detail::no_line;
using syncline::detail::split_lines;
using syncline::detail::text_lines;

namespace {

std::size_t longest_common(const text_lines& a, const text_lines& b) {
    std::vector<std::vector<std::size_t>> best(a.size() + 1, std::vector<std::size_t>(b.size() + 1, 0));
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t j = 0; j < b.size(); ++j)
            best[i + 1][j + 1] = a[i] == b[j] ? best[i][j] + 1 : (std::max)(best[i][j + 1], best[i + 1][j]);
    return best[a.size()][b.size()];
}

/// A text of up to 8 lines out of three, so that lines repeat.
std::string random_text(seeded_random& random) {
    std::string s;
    for (std::uint64_t n = random.below(9); n > 0; --n) {
        s.push_back(static_cast<char>('a' + random.below(3)));
        if (n > 1 || random.chance(3, 4)) s.push_back('\n');
    }
    return s;
}

}  // namespace

TEST_CASE("lines: a text is its lines, newlines included, and nothing is lost") {
    for (const std::string_view text : {"", "\n", "a", "a\n", "a\nb", "a\n\nb\n", "\n\n"}) {
        std::string joined;
        for (const auto line : split_lines(text)) {
            CHECK_FALSE(line.empty());
            joined.append(line);
        }
        CHECK(joined == text);
    }
    CHECK(split_lines("a\nb").size() == 2);
    CHECK(split_lines("a\nb\n").size() == 2);
}

TEST_CASE("lines: a matching rises, matches equal lines, and no longer one exists") {
    const std::uint64_t seed = 17;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 4000; ++round) {
        const std::string left = random_text(random);
        const std::string right = random_text(random);
        CAPTURE(left, right);
        const auto a = split_lines(left);
        const auto b = split_lines(right);
        const auto matches = match_lines(a, b);
        REQUIRE(matches);
        REQUIRE(matches->size() == a.size());
        std::size_t count = 0;
        std::size_t next = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const std::size_t j = (*matches)[i];
            if (j == no_line) continue;
            REQUIRE(j < b.size());
            REQUIRE(j >= next);
            REQUIRE(a[i] == b[j]);
            next = j + 1;
            ++count;
        }
        REQUIRE(count == longest_common(a, b));
    }
}

TEST_CASE("lines: changes of regions apart are both taken") {
    CHECK(merge_lines("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n") == "A\nb\nC\n");
    CHECK(merge_lines("a\nb\nc\n", "x\na\nb\nc\n", "a\nb\nc\ny\n") == "x\na\nb\nc\ny\n");
    CHECK(merge_lines("a\nb\nc\n", "b\nc\n", "a\nb\n") == "b\n");
    CHECK(merge_lines("a\nb\nc\nd\n", "a\nc\nd\n", "a\nb\nc\nD\n") == "a\nc\nD\n");
}

TEST_CASE("lines: the same change on both sides is taken once") {
    CHECK(merge_lines("a\nb\nc\n", "a\nB\nc\n", "a\nB\nc\n") == "a\nB\nc\n");
    CHECK(merge_lines("a\nb\nc\n", "a\nB\nc\n", "a\nB\nC\n") == std::nullopt);
    CHECK(merge_lines("a\nb\nc\nd\n", "a\nB\nc\nd\n", "a\nB\nc\nD\n") == "a\nB\nc\nD\n");
    CHECK(merge_lines("", "new\n", "new\n") == "new\n");
}

TEST_CASE("lines: changes that touch and differ are not merged") {
    CHECK_FALSE(merge_lines("a\nb\nc\n", "a\nB\nc\n", "a\nX\nc\n"));
    CHECK_FALSE(merge_lines("a\nb\n", "A\nb\n", "a\nB\n"));
    CHECK_FALSE(merge_lines("a\n", "x\na\n", "y\na\n"));
    CHECK_FALSE(merge_lines("a\nb\nc\n", "a\nc\n", "a\nB\nc\n"));
    CHECK_FALSE(merge_lines("", "x\n", "y\n"));
}

TEST_CASE("lines: edits of distinct blocks with a line between give the text with both edits") {
    const std::uint64_t seed = 29;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 2000; ++round) {
        // Blocks of unique lines; each is left alone or edited by one side; unique fences between them stay.
        std::string base;
        std::string left;
        std::string right;
        std::string both;
        const auto edited = [&](const std::string& block, int number) {
            switch (random.below(3)) {
            case 0: return std::string{};
            case 1: return std::string("edit ").append(std::to_string(number)).append("\n");
            default: return std::string(block).append("more ").append(std::to_string(number)).append("\n");
            }
        };
        for (int number = 0; number < 6; ++number) {
            const std::string block = std::string("block ").append(std::to_string(number)).append("\n");
            std::string l = block;
            std::string r = block;
            std::string b = block;
            if (random.chance(1, 3))
                l = b = edited(block, number);
            else if (random.chance(1, 2))
                r = b = edited(block, number);
            const std::string fence = std::string("fence ").append(std::to_string(number)).append("\n");
            base.append(block).append(fence);
            left.append(l).append(fence);
            right.append(r).append(fence);
            both.append(b).append(fence);
        }
        CAPTURE(base, left, right);
        REQUIRE(merge_lines(base, left, right) == both);
    }
}

TEST_CASE("lines: sides are equal, and an untouched side gives way") {
    const std::uint64_t seed = 31;
    CAPTURE(seed);
    seeded_random random(seed);
    for (int round = 0; round < 4000; ++round) {
        const std::string base = random_text(random);
        const std::string left = random_text(random);
        const std::string right = random_text(random);
        CAPTURE(base, left, right);
        REQUIRE(merge_lines(base, left, right) == merge_lines(base, right, left));
        REQUIRE(merge_lines(base, base, right) == right);
        REQUIRE(merge_lines(base, left, base) == left);
        REQUIRE(merge_lines(base, left, left) == left);
    }
}

TEST_CASE("lines: texts that differ too much are declined, long ones that differ little are merged") {
    std::string base;
    std::string other;
    std::string third;
    for (int i = 0; i < 3000; ++i) {
        base.append("base ").append(std::to_string(i)).append("\n");
        other.append("other ").append(std::to_string(i)).append("\n");
        third.append("third ").append(std::to_string(i)).append("\n");
    }
    CHECK_FALSE(merge_lines(base, other, third));
    const std::string head = std::string("head\n").append(base);
    const std::string tail = std::string(base).append("tail\n");
    CHECK(merge_lines(base, head, tail) == std::string("head\n").append(base).append("tail\n"));
}

TEST_CASE("lines: up to a thousand lines out and in are compared, also where both sides could be merged") {
    const auto with_replaced = [](std::size_t count) {
        std::string out;
        for (std::size_t i = 0; i < 700; ++i) out.append(i < count ? "other " : "base ").append(std::to_string(i)).append("\n");
        return out;
    };
    const std::string base = with_replaced(0);
    const std::string tail = base + "tail\n";
    // A line that is replaced is one out and one in.
    CHECK(merge_lines(base, with_replaced(500), tail) == with_replaced(500) + "tail\n");
    CHECK_FALSE(merge_lines(base, with_replaced(501), tail));
    CHECK_FALSE(merge_lines(base, tail, with_replaced(501)));
}

}  // namespace merge_lines_test
