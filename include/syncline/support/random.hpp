#ifndef SYNCLINE_SUPPORT_RANDOM_HPP
#define SYNCLINE_SUPPORT_RANDOM_HPP

#include <syncline/support/version.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <type_traits>

SYNCLINE_NAMESPACE_BEGIN

/// A reference to a callable that gives 64 random bits a call.
///
/// The library draws no random numbers of its own: whoever calls it hands one of these in. It owns nothing, so the
/// callable must outlive it; copying copies the reference. The quality of the bits is the callable's:
/// `system_random` for programs, `seeded_random` for tests and simulation.
class random_source {
public:
    /// Refers to @p draw, an object with `std::uint64_t operator()()`. Temporaries are refused by the compiler.
    template <class Draw>
        requires(std::is_object_v<Draw> && !std::is_same_v<std::remove_cv_t<Draw>, random_source> &&
                 std::is_invocable_r_v<std::uint64_t, Draw&>)
    random_source(Draw& draw) noexcept
        : call_([](target t) -> std::uint64_t { return (*static_cast<Draw*>(t.object))(); }) {
        target_.object = const_cast<void*>(static_cast<const void*>(std::addressof(draw)));
    }

    /// Refers to a plain function.
    random_source(std::uint64_t (&draw)()) noexcept
        : call_([](target t) -> std::uint64_t { return t.function(); }) {
        target_.function = &draw;
    }

    /// 64 fresh bits.
    [[nodiscard]] std::uint64_t next() { return call_(target_); }

private:
    union target {
        void* object;
        std::uint64_t (*function)();
    };
    target target_{};
    std::uint64_t (*call_)(target);
};

/// A generator whose sequence depends on its seed alone: the same on every platform, compiler and version.
///
/// xoshiro256** by Blackman and Vigna, its state filled from the seed by splitmix64. For tests, simulation and
/// jitter; not for anything an adversary must not guess.
class seeded_random {
public:
    constexpr explicit seeded_random(std::uint64_t seed) noexcept {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15ULL;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
            word = z ^ (z >> 31);
        }
    }

    /// The next 64 bits.
    constexpr std::uint64_t next() noexcept {
        const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = std::rotl(state_[3], 45);
        return out;
    }

    constexpr std::uint64_t operator()() noexcept { return next(); }

    /// A number in [0, @p n), each equally likely; 0 when @p n is 0.
    constexpr std::uint64_t below(std::uint64_t n) noexcept {
        if (n < 2) return 0;
        // The lowest 2^64 mod n draws are thrown away, otherwise small remainders would come up more often.
        const std::uint64_t reject = (0 - n) % n;
        std::uint64_t drawn = next();
        while (drawn < reject) drawn = next();
        return drawn % n;
    }

    /// True in @p num of @p den cases; never when @p den is 0.
    constexpr bool chance(std::uint64_t num, std::uint64_t den) noexcept { return below(den) < num && den != 0; }

private:
    std::array<std::uint64_t, 4> state_{};
};

SYNCLINE_NAMESPACE_END

#endif
