#ifndef SYNCLINE_TESTING_SMALL_MODEL_COUNT_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_COUNT_HPP

#include <syncline/support/version.hpp>
#include <syncline/testing/small_model/names.hpp>
#include <syncline/testing/small_model/rules.hpp>
#include <syncline/testing/small_model/world.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

namespace detail {

/// A set of states that compares all of each, and no fingerprint.
class exact_set {
public:
    /// @return whether @p s is new
    [[nodiscard]] bool add(const state& s) {
        if (3 * (size_ + 1) > 2 * places_.size()) grow();
        state& place = places_[place_of(s)];
        if (place == s) return false;
        place = s;
        ++size_;
        return true;
    }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

private:
    // A place is free where there is no server.
    [[nodiscard]] std::size_t place_of(const state& s) const noexcept {
        std::uint64_t h = s.server;
        for (std::size_t d = 0; d < most_devices; ++d) h = spread(h * 0x9e3779b97f4a7c15ULL + (std::uint64_t{s.devices[d]} << 32U | s.messages[d]));
        std::size_t at = h & (places_.size() - 1);
        while (places_[at].server != 0 && !(places_[at] == s)) at = (at + 1) & (places_.size() - 1);
        return at;
    }
    void grow() {
        std::vector<state> old((std::max)(std::size_t{1024}, places_.size() * 2));
        old.swap(places_);
        for (const auto& s : old)
            if (s.server != 0) places_[place_of(s)] = s;
    }

    std::vector<state> places_;
    std::uint64_t size_ = 0;
};

}  // namespace detail

/// Counts the states of the small model another way: depth first, with the last step first, without any symmetry, and each state compared whole
/// with those that were met. It checks nothing. What it finds is to be `exploration::named`; where it is not, the resolver does not
/// treat devices and records alike (`rules::alike`), or two states were taken for one.
/// @return nothing: a step broke a promise, or there are more than @p most states (0: any number)
[[nodiscard]] inline std::optional<std::uint64_t> count_states(const rules& how, const bounds& within = {}, std::uint64_t most = 0) {
    rules plain = how;
    plain.alike = false;
    world model{plain, within};
    detail::exact_set seen;
    std::vector<state> left;
    for (const auto& s : model.beginnings())
        if (seen.add(s)) left.push_back(s);
    while (!left.empty()) {
        const state here = left.back();
        left.pop_back();
        model.steps(here, [&](const step&, const std::optional<state>& after) {
            if (after && seen.add(*after)) left.push_back(*after);
        });
        if (!model.violation().empty() || (most != 0 && seen.size() > most)) return std::nullopt;
    }
    return seen.size();
}

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
