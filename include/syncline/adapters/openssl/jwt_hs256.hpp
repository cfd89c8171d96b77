#ifndef SYNCLINE_ADAPTERS_OPENSSL_JWT_HS256_HPP
#define SYNCLINE_ADAPTERS_OPENSSL_JWT_HS256_HPP

#include <syncline/support/base64.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// What a `jwt_hs256` asks of a token.
struct jwt_hs256_options {
    /// The claim that names the user: a string of 1 to 255 bytes without control characters, or an integer.
    std::string user_claim = "sub";
    std::string issuer;    ///< `iss` is this; empty: not asked for
    std::string audience;  ///< `aud` is this or a list with it; empty: not asked for
    /// How far the clocks of this machine and of the one that signs may be apart: so much longer and earlier a token counts.
    duration leeway = std::chrono::seconds{30};
    /// Whether a token without `exp`, which counts for ever, is refused.
    bool expiry_required = true;
    /// The longest token that is looked at.
    std::size_t max_token = 8192;
};

/// Verifies JSON Web Tokens (RFC 7519) signed with HMAC-SHA256 (`HS256`, RFC 7515 A.1), by a secret that their issuer shares with us.
///
/// No other algorithm is ever taken, whatever a token says: not `none`, not one with a key pair. Nothing of a token but its header is looked at before its
/// signature has been compared, in constant time. Refusals say what is wrong in words that hold nothing of the token, so they may be logged.
class jwt_hs256 {
public:
    /// The fewest bytes of a secret: as many as the signature has (RFC 7518 3.2).
    static constexpr std::size_t least_secret = 32;
    /// The longest name of a user.
    static constexpr std::size_t longest_user = 255;

    /// @param secret  the bytes that the issuer signs with
    /// @return `errc::invalid_argument` for a secret of fewer than `least_secret` bytes, a leeway below 0, or no claim for the user
    [[nodiscard]] static result<jwt_hs256> make(std::string secret, jwt_hs256_options options = {}) {
        if (secret.size() < least_secret)
            return make_fault(errc::invalid_argument, "the secret for HS256 has ", std::to_string(secret.size()), " bytes; fewer than 32 can be guessed");
        if (secret.size() > std::size_t{(std::numeric_limits<int>::max)()}) return make_fault(errc::invalid_argument, "the secret for HS256 is too long");
        if (options.leeway < duration::zero()) return make_fault(errc::invalid_argument, "the leeway for times in tokens is below 0");
        if (options.user_claim.empty()) return make_fault(errc::invalid_argument, "no claim is named that tells the user; `sub` is usual");
        return jwt_hs256{std::move(secret), std::move(options)};
    }

    /// The user that @p token names, where it is signed with the secret and counts at @p now.
    /// @return `errc::unauthenticated` for anything else
    [[nodiscard]] result<std::string> user_of(std::string_view token, timestamp now) const {
        if (token.size() > options_.max_token) return refused("the token is longer than is looked at");
        const auto first = token.find('.');
        const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
        if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
            return refused("the token is not of three parts with a dot between them");
        if (auto r = check_header(token.substr(0, first)); !r) return std::move(r).error();
        const auto signature = base64url_decode(token.substr(second + 1));
        if (!signature || !is_signature_of(token.substr(0, second), *signature)) return refused("the token's signature is not that of the secret");
        return claims(token.substr(first + 1, second - first - 1), now);
    }

private:
    static constexpr std::size_t signature_size = 32;
    // A header names an algorithm and a key; claims are a flat list with a few lists in it.
    static constexpr json_limits bounds{std::size_t{8} << 10, 8, std::size_t{8} << 10, 1000};

    jwt_hs256(std::string secret, jwt_hs256_options options) : secret_(std::move(secret)), options_(std::move(options)) {}

    [[nodiscard]] static fault refused(std::string_view why) { return make_fault(errc::unauthenticated, why); }

    // RFC 7515 2: the alphabet for URLs and no padding. As strict as `base64_decode`: bytes have one spelling.
    [[nodiscard]] static std::optional<std::string> base64url_decode(std::string_view text) {
        if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
        std::string standard{text};
        std::replace(standard.begin(), standard.end(), '-', '+');
        std::replace(standard.begin(), standard.end(), '_', '/');
        standard.append((4 - standard.size() % 4) % 4, '=');
        auto octets = base64_decode(standard);
        if (!octets) return std::nullopt;
        return *std::move(octets);
    }

    [[nodiscard]] static result<void> check_header(std::string_view part) {
        const auto text = base64url_decode(part);
        if (!text) return refused("the token's header is not base 64 for URLs");
        const auto header = json_tape::parse(*text, bounds);
        if (!header || !header->root().is_object()) return refused("the token's header is no JSON object");
        const auto algorithm = header->root().find("alg");
        if (!algorithm || algorithm->as_string() != "HS256") return refused("the token's algorithm is not HS256, the only one that is taken");
        // RFC 7515 4.1.11: what stands there must be understood, and nothing of it is.
        if (header->root().find("crit")) return refused("the token's header asks for extensions (`crit`) that are not known here");
        return {};
    }

    [[nodiscard]] bool is_signature_of(std::string_view text, std::string_view signature) const {
        std::array<unsigned char, signature_size> expected{};
        unsigned int size = 0;
        const auto* made = HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), reinterpret_cast<const unsigned char*>(text.data()),
                                text.size(), expected.data(), &size);
        return made != nullptr && size == signature_size && signature.size() == signature_size &&
               CRYPTO_memcmp(expected.data(), signature.data(), signature_size) == 0;
    }

    [[nodiscard]] result<std::string> claims(std::string_view part, timestamp now) const {
        const auto text = base64url_decode(part);
        if (!text) return refused("the token's claims are not base 64 for URLs");
        const auto document = json_tape::parse(*text, bounds);
        if (!document || !document->root().is_object()) return refused("the token's claims are no JSON object");
        const json_view all = document->root();
        if (auto r = check_times(all, now); !r) return std::move(r).error();
        if (!options_.issuer.empty()) {
            const auto issuer = all.find("iss");
            if (!issuer || issuer->as_string() != options_.issuer) return refused("the token is of another issuer (`iss`)");
        }
        if (!options_.audience.empty() && !is_for_us(all.find("aud"))) return refused("the token is for another audience (`aud`)");
        return user(all.find(options_.user_claim));
    }

    [[nodiscard]] result<void> check_times(json_view all, timestamp now) const {
        using seconds = std::chrono::duration<double>;
        const double at = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
        const double leeway = std::chrono::duration_cast<seconds>(options_.leeway).count();
        const auto expires = all.find("exp");
        if (!expires && options_.expiry_required) return refused("the token has no time at which it expires (`exp`)");
        if (expires && !expires->is_number()) return refused("the token's `exp` is no number");
        if (expires && at >= expires->as_real() + leeway) return refused("the token has expired (`exp`)");
        const auto begins = all.find("nbf");
        if (begins && !begins->is_number()) return refused("the token's `nbf` is no number");
        if (begins && at < begins->as_real() - leeway) return refused("the token does not count yet (`nbf`)");
        return {};
    }

    [[nodiscard]] bool is_for_us(std::optional<json_view> audience) const {
        if (!audience) return false;
        if (audience->is_string()) return audience->as_string() == options_.audience;
        return std::any_of(audience->begin(), audience->end(), [this](json_view one) { return one.is_string() && one.as_string() == options_.audience; });
    }

    [[nodiscard]] result<std::string> user(std::optional<json_view> claim) const {
        if (!claim) return refused("the token has no claim that names the user");
        if (claim->is_integer()) return std::to_string(*claim->as_int());
        const std::string_view name = claim->as_string();
        const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
        if (!claim->is_string() || name.empty() || name.size() > longest_user || std::any_of(name.begin(), name.end(), control))
            return refused("the token's user is neither an integer nor a text of 1 to 255 bytes without control characters");
        return std::string{name};
    }

    std::string secret_;
    jwt_hs256_options options_;
};

/// An authenticator (models `authenticator`) for `Authorization: Bearer` with a token that a `jwt_hs256` takes.
class jwt_authenticator {
public:
    /// @param clock   the time now
    /// @param tenant  the tenant of every user; empty: each user is a tenant of their own, named as they are
    jwt_authenticator(jwt_hs256 tokens, std::function<timestamp()> clock, std::string tenant = {})
        : tokens_(std::move(tokens)), clock_(std::move(clock)), tenant_(std::move(tenant)) {}

    /// Who bears the token of @p message; `errc::unauthenticated` where it is missing or refused.
    [[nodiscard]] result<principal> operator()(const request& message) const {
        const auto token = bearer_credentials(message);
        if (!token) return token.error();
        auto user = tokens_.user_of(*token, clock_());
        if (!user) return std::move(user).error();
        principal who{*std::move(user), tenant_};
        if (who.tenant.empty()) who.tenant = who.id;
        return who;
    }

private:
    jwt_hs256 tokens_;
    std::function<timestamp()> clock_;
    std::string tenant_;
};

SYNCLINE_NAMESPACE_END

#endif
