#include "task.hpp"

#include <syncline/support/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace {

bool is_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    int part[3] = {0, 0, 0};
    std::size_t which = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i == 4 || i == 7) {
            ++which;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return false;
        part[which] = part[which] * 10 + (text[i] - '0');
    }
    using namespace std::chrono;
    return year_month_day{year{part[0]}, month{static_cast<unsigned>(part[1])}, day{static_cast<unsigned>(part[2])}}.ok();
}

}  // namespace

std::optional<task_problem> problem_with(const task& t) {
    const auto controls = [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == '\x7f'; };
    if (t.id.empty() || std::any_of(t.id.begin(), t.id.end(), controls) || !syncline::is_valid_utf8(t.id))
        return task_problem{"id", "an id is one line of text, and not empty"};
    for (const auto& [field, text] : {std::pair{"title", std::optional{t.title}}, std::pair{"note", t.note}})
        if (text && (!syncline::is_valid_utf8(*text) || syncline::has_nul(*text))) return task_problem{field, std::string{"a "} + field + " is text in UTF-8 without zero octets"};
    if (t.title.find_first_not_of(" \t\r\n") == std::string::npos) return task_problem{"title", "a task needs a title"};
    if (t.priority < 0 || t.priority > 3) return task_problem{"priority", "a priority is 0 (none) to 3 (most urgent)"};
    if (t.due && !is_date(*t.due)) return task_problem{"due", "a due date is written like 2025-12-31"};
    return std::nullopt;
}
