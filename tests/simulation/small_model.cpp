// Every interleaving of the small model under all rules that the library ships: prints for each how many states there are, a digest of them, and
// whether a second count finds as many. Without arguments what every run may take; `--campaign [PART/PARTS]` all of it, or that share; `--largest
// [PART/PARTS]` three devices with three operations under one rule of each wire: far larger.

#include <syncline/testing/small_model/count.hpp>
#include <syncline/testing/small_model/explore.hpp>
#include <syncline/testing/small_model/rules.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace small_model = syncline::testing::small_model;

/// A part of the whole, with its bounds.
struct chapter {
    const char* name;
    small_model::bounds within;
    bool counted_twice;
    const char* only;  ///< of the rules whose name has this in it
};

constexpr chapter every_run[] = {
    {"3 devices, 1 operation", {3, 1, 1, 0}, true, ""},
    {"2 devices, 2 operations", {2, 2, 2, 0}, true, ""},
};
// With a sanitizer, or without optimisation.
constexpr chapter slow_run[] = {
    {"2 devices, 1 operation", {2, 1, 1, 0}, true, ""},
};
constexpr chapter campaign[] = {
    {"3 devices, 2 operations: all pairs", {3, 2, 2, 0}, true, ""},
    {"2 devices, 3 operations", {2, 3, 2, 0}, true, ""},
};
constexpr chapter largest[] = {
    {"3 devices, 3 operations", {3, 3, 2, 0}, true, "bundle wire, last_write_wins, by_timestamp"},
    {"3 devices, 3 operations", {3, 3, 2, 0}, false, "mutation wire, last_write_wins, by_field, counter"},
};

struct totals {
    std::uint64_t states = 0;
    std::uint64_t counted_twice = 0;
    int failures = 0;
};

void explore(const small_model::rules& how, const chapter& of, totals& sum) {
    const auto found = small_model::explore(how, of.within);
    std::printf("  %-50s %9llu states, %10llu with names, %10llu steps, %6llu at rest, digest %016llx", how.name.c_str(), static_cast<unsigned long long>(found.states),
                static_cast<unsigned long long>(found.named), static_cast<unsigned long long>(found.steps), static_cast<unsigned long long>(found.at_rest),
                static_cast<unsigned long long>(found.digest));
    sum.states += found.states;
    if (!found.violation.empty()) {
        std::printf("\n    BROKEN: %s\n", found.violation.c_str());
        for (const auto& line : found.script) std::printf("      %s\n", line.c_str());
        ++sum.failures;
        return;
    }
    if (of.counted_twice) {
        const auto again = small_model::count_states(how, of.within);
        const bool agrees = again && *again == found.named;
        std::printf(", second count %llu %s", static_cast<unsigned long long>(again.value_or(0)), agrees ? "agrees" : "DIFFERS");
        sum.counted_twice += agrees ? found.states : 0;
        sum.failures += agrees ? 0 : 1;
    }
    std::printf("\n");
    std::fflush(stdout);
}

template <std::size_t N>
totals run(const chapter (&chapters)[N], std::uint64_t part, std::uint64_t parts) {
    totals sum;
    std::uint64_t number = 0;
    for (const auto& of : chapters) {
        std::printf("%s\n", of.name);
        for (const auto& how : small_model::shipped_rules())
            if (how.name.find(of.only) != std::string::npos && number++ % parts == part - 1) explore(how, of, sum);
    }
    return sum;
}

}  // namespace

int main(int count, char** arguments) {
    const auto began = std::chrono::steady_clock::now();
    totals sum;
    const bool all = count > 1 && std::strcmp(arguments[1], "--campaign") == 0;
    if (all || (count > 1 && std::strcmp(arguments[1], "--largest") == 0)) {
        std::uint64_t part = 1, parts = 1;
        if (count > 2) {
            char* rest = nullptr;
            part = std::strtoull(arguments[2], &rest, 10);
            parts = *rest == '/' ? std::strtoull(rest + 1, nullptr, 10) : 0;
        }
        if (part == 0 || part > parts) {
            std::fprintf(stderr, "small_model [--campaign | --largest [PART/PARTS]]\n");
            return 2;
        }
        sum = all ? run(campaign, part, parts) : run(largest, part, parts);
    } else {
        const char* seeds = std::getenv("SYNCLINE_SEEDS");
        sum = seeds != nullptr && std::strtoull(seeds, nullptr, 10) < 2000 ? run(slow_run, 1, 1) : run(every_run, 1, 1);
    }
    const auto took = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    std::printf("%llu states, %llu of them counted twice alike, %d failures, %lld s\n", static_cast<unsigned long long>(sum.states),
                static_cast<unsigned long long>(sum.counted_twice), sum.failures, static_cast<long long>(took.count()));
    return sum.failures == 0 && sum.states > 0 ? 0 : 1;
}
