#ifndef SYNCLINE_TESTING_SIMULATION_SHRINK_HPP
#define SYNCLINE_TESTING_SIMULATION_SHRINK_HPP

#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/script.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Leaves events out of @p s as long as @p fails says that it still does: first many at once, then fewer, until none can go (delta debugging,
/// Zeller and Hildebrandt 2002). Then clears the dice that do not matter.
/// @param fails     `bool(const script&)`, the same for the same script
/// @param most_runs how often it is asked at most
template <class Fails>
[[nodiscard]] script shrink(script s, Fails fails, std::size_t most_runs = 4000) {
    std::size_t runs = 0;
    const auto try_it = [&](script smaller) {
        if (++runs > most_runs || !fails(smaller)) return false;
        s = std::move(smaller);
        return true;
    };
    for (bool again = true; again && runs < most_runs;) {
        again = false;
        for (std::size_t size = (std::max)(s.events.size() / 2, std::size_t{1}); size > 0; size /= 2)
            // From the end: what comes first is what the rest is about.
            for (std::size_t end = s.events.size(); end >= size && runs < most_runs;) {
                script smaller{s.seed, s.events};
                const auto from = smaller.events.begin() + static_cast<std::ptrdiff_t>(end - size);
                smaller.events.erase(from, from + static_cast<std::ptrdiff_t>(size));
                if (try_it(std::move(smaller)) && size == 1) again = true;
                end = end > size ? end - size : 0;
                end = (std::min)(end, s.events.size());
            }
    }
    for (std::size_t i = 0; i < s.events.size(); ++i)
        for (const std::uint32_t die : {std::uint32_t{0}, s.events[i].die & 0xFFU, s.events[i].die & 0xFFFFU}) {
            if (die >= s.events[i].die) continue;
            script smaller = s;
            smaller.events[i].die = die;
            if (try_it(std::move(smaller))) break;
        }
    return s;
}

/// A script as a test case to paste, with what happened beside each event.
/// @param log        events and what happened at them
/// @param of_events  how many events it was found with
[[nodiscard]] inline std::string as_test_case(const script& s, const broken_promise& promise, const std::vector<std::pair<std::size_t, std::string>>& log,
                                              std::size_t of_events) {
    std::string out = "// " + promise.rule + ": " + promise.what + "\n// " + std::to_string(s.events.size()) + " events, found with " + std::to_string(of_events) +
                      "\nCHECK(syncline::testing::replay(setup, {" + std::to_string(s.seed) + ", {\n";
    std::size_t line = 0;
    const auto beside = [&](std::size_t event) {
        std::string text;
        for (; line < log.size() && log[line].first <= event; ++line) text += (text.empty() ? "  // " : "\n            // ") + log[line].second;
        return text + "\n";
    };
    for (std::size_t i = 0; i < s.events.size(); ++i) {
        const auto& e = s.events[i];
        out += "    {deed::" + std::string(name_of(e.what)) + ", " + std::to_string(e.who) + ", " + std::to_string(e.die) + "},";
        out += beside(i);
    }
    out += "}}).passed());\n";
    for (std::string rest = beside(static_cast<std::size_t>(-1)); rest.size() > 1; rest = "\n") out += "// then:\n" + rest.substr(2);
    return out;
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
