#include "gate.hpp"

#include <syncline/support/hex.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

namespace {

// As an integer column has it: its digits, no other spelling of them.
bool is_number(const std::string& user) {
    std::int64_t n = 0;
    const auto [stop, error] = std::from_chars(user.data(), user.data() + user.size(), n);
    return error == std::errc{} && stop == user.data() + user.size() && std::to_string(n) == user;
}

log_level level_of(int status) { return status >= 500 ? log_level::error : status >= 400 ? log_level::warn : log_level::info; }

}  // namespace

gate::gate(syncline::jwt_authenticator tokens, gate_rules rules, server answer, std::function<std::string(std::string_view)> tag, log_lines& lines)
    : tokens_(std::move(tokens)), rules_(std::move(rules)), answer_(std::move(answer)), tag_(std::move(tag)), log_(lines) {}

syncline::result<syncline::principal> gate::caller(const syncline::request& message) const {
    auto who = tokens_(message);
    if (!who) return who;
    if (!rules_.only_users.empty() && std::find(rules_.only_users.begin(), rules_.only_users.end(), who->id) == rules_.only_users.end())
        return syncline::make_fault(syncline::errc::forbidden, "the user is not among `jwt.only_users`");
    if (rules_.users_are_numbers && !is_number(who->id))
        return syncline::make_fault(syncline::errc::forbidden, "the user's name is no number, and the owner columns hold numbers");
    return who;
}

syncline::response gate::operator()(const syncline::request& message) {
    const auto began = std::chrono::steady_clock::now();
    std::string refused;
    std::optional<std::string> tenant;
    syncline::response answer;
    try {
        auto who = caller(message);
        if (who) {
            tenant = who->tenant;
            answer = answer_(message, *who);
        } else {
            refused = who.error().detail;
            answer = syncline::refusal_of(who.error());
        }
    } catch (const std::exception& x) {
        refused = x.what();
        answer = syncline::json_error(500, "internal", "the server failed in an unexpected way");
    }
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began).count();
    log_.line(level_of(answer.status), "request", [&](syncline::json_writer& w) {
        w.key("method");
        w.string(name_of(message.method));
        w.key("path");
        w.string(path_for_log(message.path));
        w.key("status");
        w.integer(answer.status);
        w.key("duration_us");
        w.integer(took);
        w.key("bytes_in");
        w.integer(static_cast<std::int64_t>(message.body.size()));
        w.key("bytes_out");
        w.integer(static_cast<std::int64_t>(answer.body.size()));
        if (tenant) {
            w.key("tenant");
            w.string(tag_(*tenant));
        }
        if (!refused.empty()) {
            w.key("reason");
            w.string(refused);
        }
    });
    return answer;
}

void log_refusal(log_lines& lines, const syncline::refused_request& refused) {
    // It may be anything, such as a header with a token where the request line should be: only what looks like a method and a path is shown.
    constexpr std::size_t longest_method = 16;
    const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
    const bool method = !refused.method.empty() && refused.method.size() <= longest_method && std::all_of(refused.method.begin(), refused.method.end(), is_letter);
    const bool path = method && refused.target.starts_with('/');
    lines.line(level_of(refused.status), "request", [&](syncline::json_writer& w) {
        if (method) {
            w.key("method");
            w.string(refused.method);
        }
        if (path) {
            w.key("path");
            w.string(path_for_log(refused.target));
        }
        w.key("status");
        w.integer(refused.status);
        w.key("bytes_out");
        w.integer(static_cast<std::int64_t>(refused.answered));
        w.key("reason");
        w.string(refused.reason);
    });
}

std::string path_for_log(std::string_view target) {
    constexpr std::size_t longest_segment = 64;
    constexpr std::size_t longest = 256;
    const std::string_view path = syncline::path_without_query(target);
    std::string out;
    for (std::size_t at = 0; at < path.size() && out.size() < longest;) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        out += slash - at > longest_segment ? std::string_view{"..."} : path.substr(at, slash - at);
        if (slash < path.size()) out += '/';
        at = slash + 1;
    }
    if (out.size() > longest) out.resize(longest);
    return out;
}

std::function<std::string(std::string_view)> tenant_tags(std::string secret) {
    return [secret = std::move(secret)](std::string_view tenant) {
        // No token begins like this, so it says nothing about signatures.
        const std::string text = "tenant:" + std::string{tenant};
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned int size = 0;
        if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size) == nullptr)
            return std::string{};
        return syncline::hex_encode(std::string_view{reinterpret_cast<const char*>(digest.data()), 6});
    };
}
