#include "secret.hpp"

#include "files.hpp"

#include <syncline/adapters/openssl/jwt_hs256.hpp>
#include <syncline/support/base64.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string_view>

namespace {

constexpr std::size_t longest_secret = 4096;
constexpr const char* how_to_make_one = "; make one with `openssl rand -base64 48`";

// The letters and digits of what stands in tutorials and templates. In a random secret none of these turns up.
constexpr std::string_view known_by_all[] = {
    "secretkey", "supersecret", "yoursecret", "mysecret", "jwtsecret", "256bitsecret", "astringsecret", "changeme", "changethis", "changein", "replaceme", "replacethis", "defaultsecret",
    "placeholder", "password", "example", "donotuse", "insecure", "0123456789", "1234567890", "abcdefgh", "qwerty", "foobar"};
// The key of RFC 7515, appendix A.1, in the two alphabets of base 64 and as bytes.
constexpr std::string_view rfc_key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ";

std::string letters_and_digits(std::string_view text, bool lower) {
    std::string out;
    for (const char c : text) {
        if (c >= 'A' && c <= 'Z') out += lower ? static_cast<char>(c - 'A' + 'a') : c;
        else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    }
    return out;
}

bool is_known(const std::string& secret) {
    const std::string plain = letters_and_digits(secret, true);
    const bool tutorial = std::any_of(std::begin(known_by_all), std::end(known_by_all), [&](std::string_view word) { return plain.find(word) != std::string::npos; });
    return tutorial || secret.starts_with(rfc_key) || syncline::base64_encode(secret).starts_with(rfc_key);
}

std::string text_of_file(const std::string& path, complaints& wrong) {
    if (!check_file(path, "`jwt.secret_file`", file_kind::secret, wrong)) return {};
    std::ifstream file{path, std::ios::binary};
    std::string text(longest_secret + 3, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    // Of the editor or the tool that wrote the file.
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

}  // namespace

std::string read_secret(const jwt_configuration& from, complaints& wrong) {
    if (from.secret_file.empty() == from.secret_env.empty()) return {};  // complained of already
    std::string secret;
    const std::string where = from.secret_env.empty() ? "the secret in " + from.secret_file : "the secret in the variable " + from.secret_env;
    const auto before = wrong.size();
    if (from.secret_env.empty()) {
        secret = text_of_file(from.secret_file, wrong);
    } else if (const char* text = std::getenv(from.secret_env.c_str())) {
        secret = text;
    } else {
        wrong.push_back("`jwt.secret_env` names the variable " + from.secret_env + ", which is not set");
    }
    if (wrong.size() != before) return {};
    const auto refuse = [&](const std::string& why) {
        wrong.push_back(where + why);
        return std::string{};
    };
    if (secret.size() > longest_secret) return refuse(" has more than 4096 bytes; is it a secret?");
    if (std::any_of(secret.begin(), secret.end(), [](char c) { return c < ' ' || c > '~'; }))
        return refuse(" is not of visible characters, so it cannot be told where it ends; write bytes in base 64 and say `jwt.secret_encoding`: \"base64\"");
    if (from.encoding == secret_encoding::base64) {
        auto octets = syncline::base64_decode(secret);
        if (!octets) return refuse(" is not base 64 with its padding, as `jwt.secret_encoding` says");
        secret = *std::move(octets);
    }
    if (secret.size() < syncline::jwt_hs256::least_secret)
        return refuse(" has " + std::to_string(secret.size()) + " bytes; with fewer than 32 whoever has one token can find it by trying" + how_to_make_one);
    if (is_known(secret)) return refuse(std::string{" is one from a tutorial or a template, which everybody knows"} + how_to_make_one);
    if (std::set<char>(secret.begin(), secret.end()).size() < 8) return refuse(std::string{" is of a few characters again and again, which can be found by trying"} + how_to_make_one);
    return secret;
}
