#ifndef SYNCLINE_TESTING_NOTED_RANDOM_HPP
#define SYNCLINE_TESTING_NOTED_RANDOM_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/version.hpp>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <system_error>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A `seeded_random` that knows its seed and says it, so that a failure can be repeated: `INFO(random)`, or `random.text()`. Usable wherever
/// the library takes a `random_source` (an lvalue of this) or a callable of random bits (`bits()`).
class noted_random : public seeded_random {
public:
    constexpr explicit noted_random(std::uint64_t seed) noexcept : seeded_random(seed), seed_(seed) {}

    /// With the seed in the environment variable SYNCLINE_SEED, where there is one that is a number; @p otherwise without.
    [[nodiscard]] static noted_random from_environment(std::uint64_t otherwise) {
        return from_text(std::getenv("SYNCLINE_SEED"), otherwise);
    }
    /// The same of what such a variable holds; nullptr: it is not there.
    [[nodiscard]] static noted_random from_text(const char* set, std::uint64_t otherwise) {
        const std::string_view text = set != nullptr ? set : "";
        std::uint64_t seed = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
        const bool whole = !text.empty() && error == std::errc{} && end == text.data() + text.size();
        return noted_random(whole ? seed : otherwise);
    }

    [[nodiscard]] constexpr std::uint64_t seed() const noexcept { return seed_; }
    /// `seed 17; repeat with SYNCLINE_SEED=17`
    [[nodiscard]] std::string text() const { return "seed " + std::to_string(seed_) + "; repeat with SYNCLINE_SEED=" + std::to_string(seed_); }

    /// The generator as a callable, which refers to it.
    [[nodiscard]] std::function<std::uint64_t()> bits() {
        return [this] { return next(); };
    }

    /// For test frameworks, which print what they are told of.
    template <class Character, class Traits>
    friend std::basic_ostream<Character, Traits>& operator<<(std::basic_ostream<Character, Traits>& to, const noted_random& r) {
        return to << r.text();
    }

private:
    std::uint64_t seed_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
