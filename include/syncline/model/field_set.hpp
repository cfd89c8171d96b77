#ifndef SYNCLINE_MODEL_FIELD_SET_HPP
#define SYNCLINE_MODEL_FIELD_SET_HPP

#include <syncline/support/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

SYNCLINE_NAMESPACE_BEGIN

/// The position of a field in its model's schema.
using field_index = std::uint16_t;

/// The most fields a model may have.
inline constexpr std::size_t max_fields = 256;

/// A set of fields of one model, as bits. Indices at or above `max_fields` are never members.
class field_set {
public:
    constexpr field_set() = default;

    /// The set of the first @p count fields: every field of a model with that many.
    [[nodiscard]] static constexpr field_set first(std::size_t count) noexcept {
        field_set s;
        for (std::size_t i = 0; i < count && i < max_fields; ++i) s.insert(static_cast<field_index>(i));
        return s;
    }

    constexpr void insert(field_index f) noexcept {
        if (f < max_fields) words_[f / 64] |= bit(f);
    }
    constexpr void erase(field_index f) noexcept {
        if (f < max_fields) words_[f / 64] &= ~bit(f);
    }
    [[nodiscard]] constexpr bool contains(field_index f) const noexcept {
        return f < max_fields && (words_[f / 64] & bit(f)) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept {
        for (const auto w : words_)
            if (w != 0) return false;
        return true;
    }
    [[nodiscard]] constexpr std::size_t size() const noexcept {
        std::size_t n = 0;
        for (auto w : words_)
            for (; w != 0; w &= w - 1) ++n;
        return n;
    }
    constexpr field_set& operator|=(const field_set& other) noexcept {
        for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
        return *this;
    }
    constexpr field_set& operator&=(const field_set& other) noexcept {
        for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
        return *this;
    }
    [[nodiscard]] friend constexpr field_set operator|(field_set a, const field_set& b) noexcept { return a |= b; }
    [[nodiscard]] friend constexpr field_set operator&(field_set a, const field_set& b) noexcept { return a &= b; }
    friend constexpr bool operator==(const field_set&, const field_set&) = default;

    /// The bits, 64 fields a word, lowest first: what the stores keep.
    [[nodiscard]] constexpr const std::array<std::uint64_t, max_fields / 64>& words() const noexcept { return words_; }
    /// The set whose bits are @p words.
    [[nodiscard]] static constexpr field_set from_words(const std::array<std::uint64_t, max_fields / 64>& words) noexcept {
        field_set s;
        s.words_ = words;
        return s;
    }

private:
    static constexpr std::uint64_t bit(field_index f) noexcept { return std::uint64_t{1} << (f % 64); }
    std::array<std::uint64_t, max_fields / 64> words_{};
};

SYNCLINE_NAMESPACE_END

#endif
