#include "suggestion.hpp"

#include <algorithm>
#include <cstddef>

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// How many letters must be put in, taken away or changed to make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            const std::size_t changed = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            row[j] = std::min({above + 1, row[j - 1] + 1, changed});
            diagonal = above;
        }
    }
    return row.back();
}

}  // namespace

std::string suggestion(std::string_view written, const std::vector<std::string>& known) {
    constexpr std::size_t longest = 100;  // nobody mistypes more, and the cost is the product of both lengths
    if (written.size() > longest) return {};
    const std::string* best = nullptr;
    std::size_t least = std::max<std::size_t>(2, written.size() / 3) + 1;
    for (const auto& name : known) {
        const std::size_t d = name.size() > longest ? least : distance(written, name);
        if (d >= least || d >= std::max(written.size(), name.size())) continue;
        least = d;
        best = &name;
    }
    return best == nullptr ? std::string{} : "; did you mean `" + *best + "`?";
}

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
        out += names[i];
    }
    return out;
}
