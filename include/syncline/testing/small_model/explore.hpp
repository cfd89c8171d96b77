#ifndef SYNCLINE_TESTING_SMALL_MODEL_EXPLORE_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_EXPLORE_HPP

#include <syncline/support/version.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/small_model/names.hpp>
#include <syncline/testing/small_model/rules.hpp>
#include <syncline/testing/small_model/world.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

/// What an exploration saw.
struct exploration {
    std::uint64_t states = 0;      ///< that differ by more than the names of devices and records
    std::uint64_t named = 0;       ///< that differ at all: what `count_states` is to find
    std::uint64_t steps = 0;
    std::uint64_t at_rest = 0;     ///< of `states`, those in which nothing is left to send or to fetch
    std::uint64_t devices = 0;     ///< different contents of a device's store
    std::uint64_t servers = 0;     ///< different contents of the server's
    std::uint64_t digest = 0;      ///< of the set of states, in whatever order they were found
    bool whole = true;             ///< false: there are more states than `bounds::max_states`
    std::string violation;         ///< the first promise that was broken; empty: none was
    std::vector<std::string> script;  ///< the shortest way there, step by step
};

namespace detail {

/// A set of fingerprints that numbers its members in the order of their coming.
class numbered_set {
public:
    /// @return the member's number, and whether it is new
    [[nodiscard]] std::pair<std::uint32_t, bool> add(const fingerprint& f) {
        if (3 * (members_.size() + 1) > 2 * places_.size()) grow();
        const std::size_t at = place_of(f);
        if (places_[at] != 0) return {places_[at] - 1, false};
        members_.push_back(f);
        places_[at] = static_cast<std::uint32_t>(members_.size());
        return {static_cast<std::uint32_t>(members_.size() - 1), true};
    }
    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

private:
    [[nodiscard]] std::size_t place_of(const fingerprint& f) const noexcept {
        std::size_t at = f.a & (places_.size() - 1);
        while (places_[at] != 0 && members_[places_[at] - 1] != f) at = (at + 1) & (places_.size() - 1);
        return at;
    }
    void grow() {
        places_.assign((std::max)(std::size_t{1024}, places_.size() * 2), 0);
        for (std::size_t i = 0; i < members_.size(); ++i) places_[place_of(members_[i])] = static_cast<std::uint32_t>(i + 1);
    }

    std::vector<fingerprint> members_;
    std::vector<std::uint32_t> places_;
};

/// How a state was reached, and what comes next of it when its users rest.
struct trace {
    std::uint32_t from = 0;
    step by;
    std::uint32_t towards_rest = 0;
};

inline constexpr std::uint32_t nowhere = 0xffffffffU;

[[nodiscard]] inline std::vector<std::string> script_to(const std::vector<trace>& traces, std::uint32_t at, const std::optional<step>& last) {
    std::vector<std::string> out;
    if (last) out.push_back(text_of(*last));
    for (; traces[at].from != nowhere; at = traces[at].from) out.push_back(text_of(traces[at].by));
    std::reverse(out.begin(), out.end());
    return out;
}

/// The first state from which the way to rest leads round in a circle; nothing: all of them come to rest.
[[nodiscard]] inline std::optional<std::uint32_t> restless(const std::vector<trace>& traces) {
    std::vector<std::uint32_t> walk(traces.size(), 0);  // the number of the walk that came by first, from 1
    for (std::uint32_t i = 0; i < traces.size(); ++i) {
        std::uint32_t at = i;
        while (at != nowhere && walk[at] == 0) {
            walk[at] = i + 1;
            at = traces[at].towards_rest;
        }
        if (at != nowhere && walk[at] == i + 1) return at;
    }
    return std::nullopt;
}

}  // namespace detail

/// Visits every state of the small model: up to three devices, two records, a server, and at most one message on its way to each device;
/// every order of what users do, of what devices send and ask, and of what arrives or is lost. The steps are those of `replica` and
/// `authority` themselves, on memory stores. Breadth first, so that the way to what is found is as short as can be.
///
/// In every state: each device shows `open(frozen(base))`, knows of the server only what that had, and never goes back; the log only grows; no
/// mutation takes effect twice, also when every request that was ever decided comes again; nothing that is acknowledged is missing, and no value
/// is written over that its user has not seen, unless a decision was made and told. From every state the devices come to rest when their users
/// do, and then all of them show what the server has, but for what waits for a person.
///
/// States are told apart by 128 bits; with 10^8 states the chance that any two of them are taken for one is below 10^-22.
/// Memory: some 60 octets a state, and the stores' different contents. Time: some microseconds a step.
[[nodiscard]] inline exploration explore(const rules& how, const bounds& within = {}) {
    exploration out;
    world model{how, within};
    detail::numbered_set seen;
    std::vector<state> states;
    std::vector<detail::trace> traces;
    const auto meet = [&](const state& s, std::uint32_t from, const step& by) {
        const class_of_states c = model.class_of(s);
        const auto [number, fresh] = seen.add(c.name);
        if (fresh) {
            states.push_back(s);
            traces.push_back({from, by, detail::nowhere});
            out.named += c.members;
            out.digest += spread(c.name.a ^ spread(c.name.b));
        }
        return number;
    };
    const auto broken = [&](std::uint32_t at, const std::optional<step>& last) {
        out.violation = model.violation();
        out.script = detail::script_to(traces, at, last);
    };
    for (const auto& s : model.beginnings()) (void)meet(s, detail::nowhere, {});
    if (!model.violation().empty()) out.violation = model.violation();
    for (std::uint32_t at = 0; at < states.size() && out.violation.empty(); ++at) {
        const state here = states[at];
        const auto next = model.towards_rest(here);
        model.check(here, !next);
        if (!model.violation().empty()) {
            broken(at, std::nullopt);
            break;
        }
        out.at_rest += next ? 0 : 1;
        model.steps(here, [&](const step& by, const std::optional<state>& after) {
            if (!after) return broken(at, by);
            if (within.max_states != 0 && states.size() >= within.max_states) {
                out.whole = false;
                return;
            }
            ++out.steps;
            const std::uint32_t number = meet(*after, at, by);
            if (next == by) traces[at].towards_rest = number;
        });
    }
    out.states = states.size();
    out.devices = model.device_parts();
    out.servers = model.server_parts();
    if (out.violation.empty())
        if (const auto circle = detail::restless(traces)) {
            out.violation = "devices that are left alone do not come to rest";
            out.script = detail::script_to(traces, *circle, std::nullopt);
        }
    return out;
}

/// Explores @p how and writes what was found to @p to, as the clause `small model`.
inline exploration explore(const rules& how, const bounds& within, report& to) {
    exploration found = explore(how, within);
    to.begin("small model: " + how.name, "in every state of " + std::to_string(within.devices) + " devices and two records all promises hold");
    std::string text = found.violation;
    for (const auto& line : found.script) text.append("\n            ").append(line);
    if (!found.whole) text.append("the model has more states than `bounds::max_states`");
    to.expect(found.violation.empty() && found.whole && found.states > 0, text);
    return found;
}

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
