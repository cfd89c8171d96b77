#ifndef SYNCLINE_SUPPORT_ULID_HPP
#define SYNCLINE_SUPPORT_ULID_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// A ULID: 48 bits of Unix milliseconds, then 80 random bits, most significant byte first.
///
/// Ordered by its bytes, which is the order of its text and, between milliseconds, of time. The default value is all
/// zeros. See https://github.com/ulid/spec.
struct ulid {
    std::array<std::uint8_t, 16> bytes{};

    /// The time part, in milliseconds since 1970-01-01T00:00:00Z.
    [[nodiscard]] constexpr std::int64_t milliseconds() const noexcept {
        std::int64_t ms = 0;
        for (std::size_t i = 0; i < 6; ++i) ms = (ms << 8) | bytes[i];
        return ms;
    }

    friend constexpr bool operator==(const ulid&, const ulid&) = default;
    friend constexpr std::strong_ordering operator<=>(const ulid& a, const ulid& b) noexcept {
        for (std::size_t i = 0; i < 16; ++i) {
            if (a.bytes[i] != b.bytes[i]) return a.bytes[i] <=> b.bytes[i];
        }
        return std::strong_ordering::equal;
    }
};

/// Crockford's base 32: no I, L, O, U.
inline constexpr std::string_view ulid_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The 26 upper-case characters of @p id.
[[nodiscard]] inline std::string to_string(const ulid& id) {
    std::string out(26, '0');
    // 130 bits of text for 128 bits of value: the first character carries the two zero bits in front.
    unsigned pending = 0;
    unsigned bits = 2;
    std::size_t at = 0;
    for (const std::uint8_t byte : id.bytes) {
        pending = (pending << 8) | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[at++] = ulid_alphabet[(pending >> bits) & 31U];
        }
    }
    return out;
}

/// Reads a ULID of exactly 26 characters of Crockford's alphabet, either case.
///
/// The look-alikes I, L, O and U are refused rather than guessed, so that one ULID has one spelling but for case.
/// @return the ULID, or `errc::malformed_value` for a wrong length, a foreign character, or a first character above 7
[[nodiscard]] inline result<ulid> parse_ulid(std::string_view text) {
    if (text.size() != 26) {
        return make_fault(errc::malformed_value, "a ULID has 26 characters, this text has ",
                          std::to_string(text.size()));
    }
    ulid id;
    unsigned pending = 0;
    unsigned bits = 0;
    std::size_t byte = 0;
    for (std::size_t i = 0; i < 26; ++i) {
        char c = text[i];
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        const std::size_t digit = ulid_alphabet.find(c);
        if (digit == std::string_view::npos) {
            return make_fault(errc::malformed_value, "character ", std::to_string(i + 1),
                              " of a ULID is not of its alphabet (digits and letters without I, L, O, U)");
        }
        if (i == 0) {
            if (digit > 7) {
                return make_fault(errc::malformed_value, "a ULID starts with 0 to 7; this text is above 128 bits");
            }
            pending = static_cast<unsigned>(digit);
            bits = 3;
            continue;
        }
        pending = ((pending << 5) | static_cast<unsigned>(digit)) & 0xfffU;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            id.bytes[byte++] = static_cast<std::uint8_t>((pending >> bits) & 0xffU);
        }
    }
    return id;
}

/// Makes ULIDs each of which is greater than the one before it.
///
/// Within a millisecond, and while the clock stands behind the last ULID (it was set back), the random part counts up
/// by one; when it would overflow, the time part moves on to the next millisecond with fresh random bits. A clock that
/// once ran ahead therefore keeps its time part until the real time has caught up. Times before 1970 count as 1970,
/// those that do not fit 48 bits of milliseconds (the year 10889) as the last one that does; when that one's random part is
/// used up too, there is nothing greater left and it begins again with fresh bits.
///
/// One generator is used by one thread at a time. Order holds within one generator, not between two.
class ulid_generator {
public:
    ulid_generator() = default;

    /// Continues after @p last, for example the greatest one a store has.
    explicit ulid_generator(const ulid& last) noexcept : last_(last), used_(true) {}

    /// The next ULID. Draws from @p random only when the time part moves.
    [[nodiscard]] ulid next(timestamp now, random_source& random) {
        const std::int64_t wall = milliseconds_at(now);
        if (!used_ || wall > last_.milliseconds()) {
            last_ = fresh(wall, random);
        } else if (!count_up()) {
            last_ = fresh(bounded(last_.milliseconds() + 1), random);
        }
        used_ = true;
        return last_;
    }

private:
    static constexpr std::int64_t last_millisecond = (std::int64_t{1} << 48) - 1;

    static std::int64_t bounded(std::int64_t ms) noexcept {
        if (ms < 0) return 0;
        return ms > last_millisecond ? last_millisecond : ms;
    }

    static std::int64_t milliseconds_at(timestamp t) noexcept {
        return bounded(std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count());
    }

    static ulid fresh(std::int64_t ms, random_source& random) {
        ulid id;
        for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>((ms >> (40 - 8 * i)) & 0xff);
        const std::uint64_t high = random.next();
        const std::uint64_t low = random.next();
        for (std::size_t i = 0; i < 2; ++i) id.bytes[6 + i] = static_cast<std::uint8_t>(high >> (8 * i));
        for (std::size_t i = 0; i < 8; ++i) id.bytes[8 + i] = static_cast<std::uint8_t>(low >> (8 * i));
        return id;
    }

    // False, and nothing changed, when all 80 random bits are set already.
    bool count_up() noexcept {
        for (std::size_t i = 15; i >= 6; --i) {
            if (last_.bytes[i] != 0xff) {
                ++last_.bytes[i];
                for (std::size_t j = i + 1; j < 16; ++j) last_.bytes[j] = 0;
                return true;
            }
        }
        return false;
    }

    ulid last_;
    bool used_ = false;
};

SYNCLINE_NAMESPACE_END

#endif
