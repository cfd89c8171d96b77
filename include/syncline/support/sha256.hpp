#ifndef SYNCLINE_SUPPORT_SHA256_HPP
#define SYNCLINE_SUPPORT_SHA256_HPP

#include <syncline/support/hex.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// SHA-256 (FIPS 180-4), for content hashes. Not written to keep secrets: it is not constant in time.
///
/// Feed it with `update`, in pieces of any size, then call `finish` once; after that the object is as new.
class sha256 {
public:
    /// Appends @p octets to the message.
    constexpr void update(std::string_view octets) noexcept {
        total_ += octets.size();
        while (!octets.empty()) {
            const std::size_t room = block_.size() - filled_;
            const std::size_t taken = octets.size() < room ? octets.size() : room;
            for (std::size_t i = 0; i < taken; ++i) block_[filled_ + i] = static_cast<std::uint8_t>(octets[i]);
            octets.remove_prefix(taken);
            filled_ += taken;
            if (filled_ == block_.size()) compress();
        }
    }

    /// The hash of everything fed since construction or the last `finish`.
    [[nodiscard]] constexpr std::array<std::uint8_t, 32> finish() noexcept {
        const std::uint64_t bits = total_ * 8;
        block_[filled_++] = 0x80;
        if (filled_ > 56) {
            while (filled_ < 64) block_[filled_++] = 0;
            compress();
        }
        while (filled_ < 56) block_[filled_++] = 0;
        for (unsigned i = 0; i < 8; ++i) block_[filled_++] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
        compress();
        std::array<std::uint8_t, 32> out{};
        for (std::size_t i = 0; i < 32; ++i) out[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
        *this = sha256{};
        return out;
    }

private:
    static constexpr std::array<std::uint32_t, 64> round_constants = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

    constexpr void compress() noexcept {
        std::array<std::uint32_t, 64> w{};
        for (std::size_t i = 0; i < 16; ++i) {
            w[i] = (std::uint32_t{block_[4 * i]} << 24) | (std::uint32_t{block_[4 * i + 1]} << 16) |
                   (std::uint32_t{block_[4 * i + 2]} << 8) | std::uint32_t{block_[4 * i + 3]};
        }
        for (std::size_t i = 16; i < 64; ++i) {
            const std::uint32_t a = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
            const std::uint32_t b = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
            w[i] = w[i - 16] + a + w[i - 7] + b;
        }
        auto [a, b, c, d, e, f, g, h] = state_;
        // The letters move one place in every round; written out, nothing is moved.
        const auto round = [&w](std::uint32_t p, std::uint32_t q, std::uint32_t r, std::uint32_t& s, std::uint32_t t, std::uint32_t u, std::uint32_t v,
                                std::uint32_t& x, std::size_t i) {
            const std::uint32_t t1 =
                x + (std::rotr(t, 6) ^ std::rotr(t, 11) ^ std::rotr(t, 25)) + (v ^ (t & (u ^ v))) + round_constants[i] + w[i];
            s += t1;
            x = t1 + (std::rotr(p, 2) ^ std::rotr(p, 13) ^ std::rotr(p, 22)) + ((p & q) | (r & (p | q)));
        };
        for (std::size_t i = 0; i < 64; i += 8) {
            round(a, b, c, d, e, f, g, h, i);
            round(h, a, b, c, d, e, f, g, i + 1);
            round(g, h, a, b, c, d, e, f, i + 2);
            round(f, g, h, a, b, c, d, e, i + 3);
            round(e, f, g, h, a, b, c, d, i + 4);
            round(d, e, f, g, h, a, b, c, i + 5);
            round(c, d, e, f, g, h, a, b, i + 6);
            round(b, c, d, e, f, g, h, a, i + 7);
        }
        const std::array<std::uint32_t, 8> s{a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) state_[i] += s[i];
        filled_ = 0;
    }

    std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> block_{};
    std::size_t filled_ = 0;
    std::uint64_t total_ = 0;
};

/// @p digest, from `sha256::finish`, as 64 lower-case hexadecimal digits.
[[nodiscard]] inline std::string sha256_hex_of(const std::array<std::uint8_t, 32>& digest) {
    std::string raw;
    for (const std::uint8_t byte : digest) raw += static_cast<char>(byte);
    return hex_encode(raw);
}

/// The SHA-256 of @p octets as 64 lower-case hexadecimal digits.
[[nodiscard]] inline std::string sha256_hex(std::string_view octets) {
    sha256 hash;
    hash.update(octets);
    return sha256_hex_of(hash.finish());
}

SYNCLINE_NAMESPACE_END

#endif
