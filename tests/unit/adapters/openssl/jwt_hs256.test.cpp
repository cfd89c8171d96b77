#include <syncline/adapters/openssl/jwt_hs256.hpp>

#include <syncline/support/base64.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace jwt_hs256_test {

using namespace syncline;

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";
constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

std::string url_text(std::string_view octets) {
    std::string out = base64_encode(octets);
    out.erase(std::find(out.begin(), out.end(), '='), out.end());
    std::replace(out.begin(), out.end(), '+', '-');
    std::replace(out.begin(), out.end(), '/', '_');
    return out;
}

std::string url_octets(std::string text) {
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    return *base64_decode(text);
}

std::string signature_of(std::string_view text, std::string_view key) {
    std::string out(32, '\0');
    unsigned int size = 0;
    REQUIRE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                 reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr);
    return out;
}

// A token with these parts and a signature that is right for them.
std::string signed_token(std::string_view claims, std::string_view header = R"({"alg":"HS256","typ":"JWT"})", std::string_view key = secret) {
    const std::string text = url_text(header) + "." + url_text(claims);
    return text + "." + url_text(signature_of(text, key));
}

jwt_hs256 verifier(jwt_hs256_options options = {}, std::string key = secret) {
    auto made = jwt_hs256::make(std::move(key), std::move(options));
    REQUIRE(made);
    return *std::move(made);
}

// Why the token is refused; "" where it is not.
std::string why(const jwt_hs256& by, std::string_view token, timestamp now = noon) {
    const auto user = by.user_of(token, now);
    if (user) return {};
    CHECK(user.error().code == errc::unauthenticated);
    return user.error().detail;
}
std::string why_claims(const jwt_hs256& by, std::string_view claims, timestamp now = noon) { return why(by, signed_token(claims), now); }

bool says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

// RFC 7515, appendix A.1: the header has a line break in it, and the key is of bytes.
const std::string rfc_token =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const std::string rfc_key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr timestamp rfc_expiry = from_microseconds(1'300'819'380'000'000);

jwt_hs256_options rfc_options() {
    jwt_hs256_options options;
    options.user_claim = "iss";
    options.leeway = duration{0};
    return options;
}

}  // namespace

TEST_CASE("jwt_hs256: the token of RFC 7515 A.1", "[openssl]") {
    const auto by = verifier(rfc_options(), url_octets(rfc_key));
    const auto user = by.user_of(rfc_token, rfc_expiry - std::chrono::seconds{1});
    REQUIRE(user);
    CHECK(*user == "joe");
    CHECK(says(why(by, rfc_token, rfc_expiry), "expired"));
    CHECK(says(why(verifier(rfc_options()), rfc_token, timestamp{}), "signature"));
}

TEST_CASE("jwt_hs256: no token counts that differs in one character, or is cut off anywhere", "[openssl]") {
    const auto by = verifier(rfc_options(), url_octets(rfc_key));
    for (std::size_t at = 0; at < rfc_token.size(); ++at) {
        for (const char other : {'A', 'B', '-', '.', '=', '\0', '\xff'}) {
            std::string token = rfc_token;
            if (token[at] == other) continue;
            token[at] = other;
            INFO(at << " " << static_cast<int>(other));
            CHECK_FALSE(why(by, token, timestamp{}).empty());
        }
        CHECK_FALSE(why(by, rfc_token.substr(0, at), timestamp{}).empty());
    }
    // The last character of 32 bytes carries two bits that belong to no byte: only one spelling is taken.
    for (const char other : {'l', 'm', 'n'}) CHECK(says(why(by, rfc_token.substr(0, rfc_token.size() - 1) + other, timestamp{}), "signature"));
}

TEST_CASE("jwt_hs256: no other algorithm, and no signature at all", "[openssl]") {
    const auto by = verifier();
    const std::string claims = R"({"sub":"ann","exp":1700000001})";
    CHECK(why(by, signed_token(claims)).empty());
    for (const char* header : {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"hs256"})", R"({"alg":"HS512"})", R"({"alg":"RS256"})", R"({"alg":""})",
                               R"({"alg":null})", R"({"alg":["HS256"]})", R"({"alg":{"HS256":1}})", R"({"typ":"JWT"})", R"({})", R"(["HS256"])", R"("HS256")",
                               R"({"alg":"HS256","alg":"none"})", R"({"alg":"none","alg":"HS256"})", R"({"alg":"HS256")", R"()", "\xef\xbb\xbf{\"alg\":\"HS256\"}",
                               R"({"alg":"HS256","crit":["b64"],"b64":false})", R"({"alg":"HS256","crit":[]})"}) {
        INFO(header);
        const std::string refused = why(by, signed_token(claims, header));
        CHECK((says(refused, "HS256") || says(refused, "no JSON object") || says(refused, "crit")));
    }
    const std::string unsigned_text = url_text(R"({"alg":"none"})") + "." + url_text(claims);
    CHECK(says(why(by, unsigned_text + "."), "HS256"));
    const std::string claimed = url_text(R"({"alg":"HS256"})") + "." + url_text(claims);
    for (const std::string& signature : {std::string{}, url_text(std::string(32, '\0')), url_text(signature_of(claimed, secret).substr(0, 31)),
                                         url_text(signature_of(claimed, secret) + '\0'), url_text(signature_of(claimed, secret + "x")),
                                         base64_encode(signature_of(claimed, secret)), url_text(signature_of(claimed, secret)) + " "}) {
        INFO(signature);
        CHECK(says(why(by, claimed + "." + signature), "signature"));
    }
}

TEST_CASE("jwt_hs256: what is no token at all", "[openssl]") {
    const auto by = verifier();
    for (const char* token : {"", ".", "..", "...", "a", "a.b", "a.b.c.d", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.", "eyJhbGciOiJIUzI1NiJ9..", "\xff.\xff.\xff",
                              "+.+.+", "====.====.===="}) {
        INFO(token);
        CHECK_FALSE(why(by, token).empty());
    }
    const std::string padding(8192, 'x');
    CHECK(says(why(by, signed_token(R"({"sub":"ann","exp":1700000001,"x":")" + padding + "\"}")), "longer"));
    // Deep, and of many values: refused, and nothing recurses.
    CHECK(says(why_claims(by, std::string(3000, '[')), "no JSON object"));
    CHECK(says(why_claims(by, R"({"sub":"ann","exp":1700000001,"x":)" + std::string(20, '[') + std::string(20, ']') + "}"), "no JSON object"));
    for (const char* claims : {"", "null", "[]", "1", "{", R"({"sub":"ann","exp":1700000001,"sub":"ben"})", R"({"sub":"ann","exp":1,"exp":1700000001})"}) {
        INFO(claims);
        CHECK(says(why_claims(by, claims), "no JSON object"));
    }
}

TEST_CASE("jwt_hs256: the times, with the leeway", "[openssl]") {
    jwt_hs256_options options;
    options.leeway = std::chrono::seconds{10};
    const auto by = verifier(options);
    const auto at = [](const char* name, std::int64_t second) { return std::string{"{\"sub\":\"ann\",\""} + name + "\":" + std::to_string(second) + "}"; };
    const std::int64_t now = 1'700'000'000;
    CHECK(why_claims(by, at("exp", now - 9)).empty());
    CHECK(says(why_claims(by, at("exp", now - 10)), "expired"));
    CHECK(says(why_claims(by, at("exp", -now)), "expired"));
    CHECK(why_claims(by, R"({"sub":"ann","exp":1e300})").empty());
    CHECK(why_claims(by, R"({"sub":"ann","exp":1700000000.5})").empty());
    CHECK(says(why_claims(by, R"({"sub":"ann"})"), "`exp`"));
    for (const char* odd : {R"("1700000001")", "null", "true", "[1700000001]"}) {
        CHECK(says(why_claims(by, std::string{R"({"sub":"ann","exp":)"} + odd + "}"), "`exp` is no number"));
        CHECK(says(why_claims(by, std::string{R"({"sub":"ann","exp":1700000001,"nbf":)"} + odd + "}"), "`nbf` is no number"));
    }
    const auto begins = [&](std::int64_t second) { return std::string{R"({"sub":"ann","exp":1800000000,"nbf":)"} + std::to_string(second) + "}"; };
    CHECK(why_claims(by, begins(now + 10)).empty());
    CHECK(says(why_claims(by, begins(now + 11)), "not count yet"));
    options.expiry_required = false;
    CHECK(why_claims(verifier(options), R"({"sub":"ann"})").empty());
    CHECK(says(why_claims(verifier(options), at("exp", now - 10)), "expired"));
}

TEST_CASE("jwt_hs256: issuer and audience where they are asked for", "[openssl]") {
    jwt_hs256_options options;
    options.issuer = "https://issuer.example";
    options.audience = "sync";
    const auto by = verifier(options);
    const auto with = [](const std::string& rest) { return R"({"sub":"ann","exp":1700000001)" + rest + "}"; };
    const std::string issuer = R"(,"iss":"https://issuer.example")";
    CHECK(why_claims(by, with(issuer + R"(,"aud":"sync")")).empty());
    CHECK(why_claims(by, with(issuer + R"(,"aud":["other","sync"])")).empty());
    for (const char* aud : {"", R"(,"aud":"other")", R"(,"aud":[])", R"(,"aud":["other"])", R"(,"aud":[["sync"]])", R"(,"aud":{"sync":"sync"})", R"(,"aud":null)",
                            R"(,"aud":"sync ")"})
        CHECK(says(why_claims(by, with(issuer + aud)), "audience"));
    for (const char* iss : {"", R"(,"iss":"https://issuer.example/")", R"(,"iss":["https://issuer.example"])", R"(,"iss":null)"})
        CHECK(says(why_claims(by, with(std::string{iss} + R"(,"aud":"sync")")), "issuer"));
    CHECK(why_claims(verifier(), with(R"(,"iss":"any","aud":"any")")).empty());
}

TEST_CASE("jwt_hs256: the claim that names the user", "[openssl]") {
    const auto by = verifier();
    const auto named = [&](const std::string& user) { return by.user_of(signed_token(R"({"exp":1700000001,"sub":)" + user + "}"), noon); };
    CHECK(*named(R"("ann")") == "ann");
    CHECK(*named("\"\xc3\xa4nn\"") == "\xc3\xa4nn");
    CHECK(*named("42") == "42");
    CHECK(*named("-1") == "-1");
    CHECK(*named("\"" + std::string(255, 'a') + "\"") == std::string(255, 'a'));
    for (const std::string& odd : {std::string{R"("")"}, std::string{"null"}, std::string{"true"}, std::string{"1.5"}, std::string{"1e2"}, std::string{"[]"},
                                   std::string{R"(["ann"])"}, std::string{R"({"a":1})"}, std::string{R"("a\u0000b")"}, std::string{R"("a\nb")"},
                                   std::string{R"("a\u007f")"}, "\"" + std::string(256, 'a') + "\"", std::string{"18446744073709551616"}}) {
        INFO(odd);
        CHECK_FALSE(named(odd));
    }
    CHECK(says(why_claims(by, R"({"exp":1700000001})"), "names the user"));
    jwt_hs256_options options;
    options.user_claim = "uid";
    CHECK(*verifier(options).user_of(signed_token(R"({"sub":"ann","uid":"ben","exp":1700000001})"), noon) == "ben");
    CHECK_FALSE(verifier(options).user_of(signed_token(R"({"sub":"ann","exp":1700000001})"), noon));
}

TEST_CASE("jwt_hs256: what it cannot be made of", "[openssl]") {
    CHECK(jwt_hs256::make(std::string(31, 'x')).error().code == errc::invalid_argument);
    CHECK(says(jwt_hs256::make("short").error().detail, "5 bytes"));
    CHECK_FALSE(says(jwt_hs256::make("short").error().detail, "short"));
    jwt_hs256_options options;
    options.leeway = duration{-1};
    CHECK(jwt_hs256::make(secret, options).error().code == errc::invalid_argument);
    options = {};
    options.user_claim.clear();
    CHECK(jwt_hs256::make(secret, options).error().code == errc::invalid_argument);
}

TEST_CASE("jwt_authenticator: who calls, in which tenant", "[openssl]") {
    static_assert(authenticator<jwt_authenticator>);
    const auto with = [](std::string value) { return request{http_method::get, "/", {{"Authorization", std::move(value)}}, {}}; };
    const std::string token = signed_token(R"({"sub":"ann","exp":1700000001})");
    const auto clock = [] { return noon; };
    const jwt_authenticator each{verifier(), clock};
    CHECK(*each(with("Bearer " + token)) == principal{"ann", "ann"});
    CHECK(*jwt_authenticator(verifier(), clock, "main")(with("Bearer " + token)) == principal{"ann", "main"});
    for (const auto& message : {request{}, with(token), with("Basic " + token), with("Bearer x"), with("Bearer " + token + "x")})
        CHECK(each(message).error().code == errc::unauthenticated);
    request twice = with("Bearer " + token);
    twice.headers.push_back(twice.headers.front());
    CHECK(each(twice).error().code == errc::unauthenticated);
    const jwt_authenticator late{verifier(), [] { return noon + std::chrono::hours{1}; }};
    CHECK(late(with("Bearer " + token)).error().code == errc::unauthenticated);
}

}  // namespace jwt_hs256_test
