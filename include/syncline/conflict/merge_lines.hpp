#ifndef SYNCLINE_CONFLICT_MERGE_LINES_HPP
#define SYNCLINE_CONFLICT_MERGE_LINES_HPP

#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace detail {

using text_lines = std::vector<std::string_view>;

/// The lines of @p text, each with its newline; the last one may have none.
[[nodiscard]] inline text_lines split_lines(std::string_view text) {
    text_lines lines;
    while (!text.empty()) {
        const std::size_t at = text.find('\n');
        const std::size_t length = at == std::string_view::npos ? text.size() : at + 1;
        lines.push_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

inline constexpr std::size_t no_line = (std::numeric_limits<std::size_t>::max)();

/// Two texts that differ in more lines than this are not compared: time and memory grow with its square.
inline constexpr std::ptrdiff_t most_line_edits = 1000;

/// For each line of @p a the line of @p b that it is matched with, or `no_line`; matches rise. The longest such matching, by
/// Myers' greedy algorithm ("An O(ND) difference algorithm", 1986). Nothing beyond `most_line_edits`.
[[nodiscard]] inline std::optional<std::vector<std::size_t>> match_lines(const text_lines& a, const text_lines& b) {
    std::vector<std::size_t> matches(a.size(), no_line);
    std::size_t head = 0;
    while (head < a.size() && head < b.size() && a[head] == b[head]) {
        matches[head] = head;
        ++head;
    }
    std::size_t tail = 0;
    while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
        matches[a.size() - 1 - tail] = b.size() - 1 - tail;
        ++tail;
    }
    const auto n = static_cast<std::ptrdiff_t>(a.size() - head - tail);
    const auto m = static_cast<std::ptrdiff_t>(b.size() - head - tail);
    const auto equal = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
        return a[head + static_cast<std::size_t>(x)] == b[head + static_cast<std::size_t>(y)];
    };

    // reached[d] holds, for the diagonals -d..d, how far d edits come; it is what the way back is read from.
    std::vector<std::vector<std::ptrdiff_t>> reached;
    const auto furthest = [&](std::ptrdiff_t d, std::ptrdiff_t k) -> std::ptrdiff_t& {
        return reached[static_cast<std::size_t>(d)][static_cast<std::size_t>(k + d)];
    };
    // Whether d edits come to diagonal k by a line of b that a has not; else it is by one of a that b has not.
    const auto comes_down = [&](std::ptrdiff_t d, std::ptrdiff_t k) {
        return k == -d || (k != d && furthest(d - 1, k - 1) < furthest(d - 1, k + 1));
    };
    // Where on diagonal k the edit that is the d-th arrives.
    const auto arrives = [&](std::ptrdiff_t d, std::ptrdiff_t k) {
        if (d == 0) return std::ptrdiff_t{0};
        return comes_down(d, k) ? furthest(d - 1, k + 1) : furthest(d - 1, k - 1) + 1;
    };
    const auto match = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
        matches[head + static_cast<std::size_t>(x)] = head + static_cast<std::size_t>(y);
    };
    for (std::ptrdiff_t d = 0;; ++d) {
        if (d > most_line_edits) return std::nullopt;
        reached.emplace_back(static_cast<std::size_t>(2 * d + 1), 0);
        for (std::ptrdiff_t k = -d; k <= d; k += 2) {
            std::ptrdiff_t x = arrives(d, k);
            std::ptrdiff_t y = x - k;
            while (x < n && y < m && equal(x, y)) {
                ++x;
                ++y;
            }
            furthest(d, k) = x;
            if (x < n || y < m) continue;
            for (std::ptrdiff_t step = d, diagonal = k;; --step) {
                for (const std::ptrdiff_t start = arrives(step, diagonal); x > start; --x) match(x - 1, x - 1 - diagonal);
                if (step == 0) break;
                diagonal += comes_down(step, diagonal) ? 1 : -1;
                x = furthest(step - 1, diagonal);
            }
            return matches;
        }
    }
}

/// diff3 by lines: what only one side changed is taken from it, what both changed alike once. Nothing where changes touch and
/// differ, or the texts differ too much to be compared. Sides are equal: swapping them gives the same result.
[[nodiscard]] inline std::optional<std::string> merge_lines(std::string_view base, std::string_view left, std::string_view right) {
    const text_lines b = split_lines(base);
    const text_lines l = split_lines(left);
    const text_lines r = split_lines(right);
    const auto in_left = match_lines(b, l);
    if (!in_left) return std::nullopt;
    const auto in_right = match_lines(b, r);
    if (!in_right) return std::nullopt;

    std::string out;
    out.reserve((std::max)(left.size(), right.size()));
    const auto same = [](const text_lines& x, std::size_t x0, std::size_t x1, const text_lines& y, std::size_t y0, std::size_t y1) {
        if (x1 - x0 != y1 - y0) return false;
        for (; x0 < x1; ++x0, ++y0)
            if (x[x0] != y[y0]) return false;
        return true;
    };
    std::size_t at_b = 0;
    std::size_t at_l = 0;
    std::size_t at_r = 0;
    for (;;) {
        // The next line that all three share ends a region that somebody changed.
        std::size_t shared = at_b;
        while (shared < b.size() && ((*in_left)[shared] == no_line || (*in_right)[shared] == no_line)) ++shared;
        const bool last = shared == b.size();
        const std::size_t end_l = last ? l.size() : (*in_left)[shared];
        const std::size_t end_r = last ? r.size() : (*in_right)[shared];
        const text_lines* chosen = nullptr;
        if (same(l, at_l, end_l, b, at_b, shared) || same(l, at_l, end_l, r, at_r, end_r))
            chosen = &r;
        else if (same(r, at_r, end_r, b, at_b, shared))
            chosen = &l;
        else
            return std::nullopt;
        const std::size_t from = chosen == &r ? at_r : at_l;
        const std::size_t to = chosen == &r ? end_r : end_l;
        for (std::size_t i = from; i < to; ++i) out.append((*chosen)[i]);
        if (last) return out;
        out.append(b[shared]);
        at_b = shared + 1;
        at_l = end_l + 1;
        at_r = end_r + 1;
    }
}

}  // namespace detail

SYNCLINE_NAMESPACE_END

#endif
