#ifndef SYNCLINE_TESTS_SIMULATION_RUN_HPP
#define SYNCLINE_TESTS_SIMULATION_RUN_HPP

// What the parts of one run share: dice, settings, time, the oracle and the log.

#include "simulation/ledger.hpp"
#include "simulation/settings.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

struct run_state {
    run_state(std::uint64_t seed, wire_mix mix, statistics& of, bool with_log)
        : random(dice_of(seed, mix)), s(seed, mix, random), counts(&of), trace(with_log), oracle(s, of) {}
    run_state(const run_state&) = delete;
    run_state& operator=(const run_state&) = delete;

    seeded_random random;
    settings s;
    statistics* counts;
    bool trace;
    bool quiet = false;      ///< faults have stopped
    std::uint64_t step = 1;
    const timestamp start = from_microseconds(1'700'000'000'000'000);
    timestamp now = start;   ///< by the server's clock
    ledger oracle;
    std::vector<std::string> log;

    template <class... Parts>
    void say(const Parts&... parts) {
        if (!trace) return;
        std::string line{std::to_string(step)};
        line.append(": ");
        (line.append(parts), ...);
        log.push_back(std::move(line));
    }
};

inline std::string text(const std::optional<record>& r) {
    if (!r) return "absent";
    std::string out{"["};
    for (const auto& v : r->fields) out.append(out.size() > 1 ? "," : "").append(v.is_null() ? "-" : v.kind() == value_kind::integer ? std::to_string(v.as_integer()) : v.as_string());
    return out.append("]");
}

inline std::string text(const key_look& k) {
    std::string out{"base "};
    out.append(text(k.base)).append(" v").append(std::to_string(k.version)).append(k.provisional ? "?" : "").append(k.out_of_view ? " out of view" : "");
    const auto layer = [&](const char* what, const intent& i) {
        out.append(", ").append(what).append(" ").append(name_of(i.op)).append(" on v").append(std::to_string(i.base.row_version));
        if (!i.base.after.empty()) out.append("+").append(i.base.after.substr(i.base.after.size() - 4));
        for (const auto& c : i.changes)
            if (c.field < 4) out.append(" ").append(1, "abnm"[c.field]).append("=").append(std::to_string(c.to.as_integer()));
        if (i.waiting) out.append(" waiting: ").append(name_of(i.waiting->code));
    };
    if (k.frozen) layer("frozen", k.frozen->what), out.append(" as ").append(k.frozen->id.substr(k.frozen->id.size() - 4));
    if (k.open) layer("open", *k.open);
    return out.append(", visible ").append(text(k.visible)).append(k.hidden ? " hidden" : "");
}

}  // namespace simulation

#endif
