#ifndef SYNCLINE_TESTING_GOLDEN_VECTORS_HPP
#define SYNCLINE_TESTING_GOLDEN_VECTORS_HPP

#include <syncline/support/canonical_json.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/verdict.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A request and the answer that a peer must give it.
struct golden_vector {
    std::string name;
    std::string where;  ///< file and line
    request asked;
    response expected;  ///< the headers are those that have to be there
};

/// @p text with each WORD, WORD+1 and so on replaced by the number counted from @p base: for times and stamps that differ from run to run.
[[nodiscard]] inline std::string with_numbers(std::string text, std::string_view word, std::int64_t base) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
        std::size_t end = at + word.size();
        std::int64_t more = 0;
        if (end + 1 < text.size() && text[end] == '+' && text[end + 1] >= '0' && text[end + 1] <= '9')
            for (++end; end < text.size() && text[end] >= '0' && text[end] <= '9'; ++end) more = more * 10 + (text[end] - '0');
        const std::string number = std::to_string(base + more);
        text.replace(at, end - at, number);
        at += number.size();
    }
    return text;
}

namespace detail {

class vector_reader {
public:
    vector_reader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

    [[nodiscard]] result<std::vector<golden_vector>> all() {
        std::vector<golden_vector> out;
        while (next_line()) {
            if (line_.empty() || line_.starts_with('#')) continue;
            if (!line_.starts_with("== ")) return wrong("a vector begins with `== ` and its name");
            golden_vector v;
            v.name = std::string(line_.substr(3));
            v.where = place();
            for (const auto& other : out)
                if (other.name == v.name) return wrong("a vector of that name stands at " + other.where + " already");
            if (auto r = request_of(v); !r) return std::move(r).error();
            if (auto r = answer_of(v); !r) return std::move(r).error();
            out.push_back(std::move(v));
        }
        if (out.empty()) return make_fault(errc::malformed_message, name_, " holds no vector; one begins with a line `== ` and its name");
        return out;
    }

private:
    [[nodiscard]] std::string place() const { return std::string(name_) + ":" + std::to_string(number_); }
    [[nodiscard]] fault wrong(std::string_view what) const { return make_fault(errc::malformed_message, place(), ": `", line_, "`: ", what); }
    bool next_line() {
        if (at_ >= text_.size()) return false;
        const std::size_t end = text_.find('\n', at_);
        line_ = text_.substr(at_, end == std::string_view::npos ? std::string_view::npos : end - at_);
        at_ = end == std::string_view::npos ? text_.size() : end + 1;
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        ++number_;
        return true;
    }
    // What a line would begin with that ends a body.
    [[nodiscard]] bool ahead(std::string_view mark) const { return text_.substr(at_).starts_with(mark); }
    [[nodiscard]] result<void> headers_of(std::string_view mark, std::vector<header>& to) {
        while (ahead(mark)) {
            next_line();
            const std::string_view field = line_.substr(mark.size());
            const std::size_t colon = field.find(": ");
            if (colon == std::string_view::npos) return wrong("a header is `name: value`");
            to.push_back({std::string(field.substr(0, colon)), std::string(field.substr(colon + 2))});
        }
        return {};
    }
    [[nodiscard]] std::string body_until(std::string_view mark) {
        std::string out;
        while (!ahead(mark) && !ahead("== ") && next_line()) out.append(out.empty() ? "" : "\n").append(line_);
        while (out.ends_with('\n')) out.pop_back();
        return out;
    }
    [[nodiscard]] result<void> request_of(golden_vector& v) {
        const bool there = ahead("> ");
        next_line();
        if (!there) return wrong("after a vector's name comes its request, `> POST /path`");
        const std::string_view asked = line_.substr(2);
        const std::size_t blank = asked.find(' ');
        const auto method = parse_http_method(asked.substr(0, blank));
        if (!method || blank == std::string_view::npos || !asked.substr(blank + 1).starts_with('/')) return wrong("a request is a method and a path, `> POST /path`");
        v.asked.method = *method;
        v.asked.path = std::string(asked.substr(blank + 1));
        if (auto r = headers_of("> ", v.asked.headers); !r) return r;
        v.asked.body = body_until("< ");
        return {};
    }
    [[nodiscard]] result<void> answer_of(golden_vector& v) {
        if (!ahead("< ")) return make_fault(errc::malformed_message, v.where, ": vector `", v.name, "` has no answer; it begins with `< ` and a status");
        next_line();
        const std::string_view status = line_.substr(2);
        const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), v.expected.status);
        if (error != std::errc{} || end != status.data() + status.size()) return wrong("an answer begins with its status, `< 200`");
        if (auto r = headers_of("< ", v.expected.headers); !r) return r;
        v.expected.body = body_until("< ");
        return {};
    }

    std::string_view text_;
    std::string_view name_;
    std::string_view line_;
    std::size_t at_ = 0;
    std::size_t number_ = 0;
};

[[nodiscard]] inline std::string json_text(json_view v) { return canonical_json(v).value_or(std::string{"what cannot be written"}); }

// Where @p found is not @p expected; the text `<any>` stands for whatever is there.
inline void compare_json(json_view expected, json_view found, const std::string& at, verdict& out) {
    if (expected.is_string() && expected.as_string() == "<any>") return;
    if (expected.is_object() && found.is_object()) {
        for (const auto& member : expected.members()) {
            const auto other = found.find(member.key);
            const std::string inner = at + "." + std::string(member.key);
            if (other) compare_json(member.value, *other, inner, out);
            else out.find(inner + " is missing, expected is " + json_text(member.value));
        }
        for (const auto& member : found.members())
            if (!expected.find(member.key)) out.find(at + "." + std::string(member.key) + " is " + json_text(member.value) + ", expected is no such member");
        return;
    }
    if (expected.is_array() && found.is_array()) {
        if (expected.size() != found.size())
            return out.find(at + " has " + std::to_string(found.size()) + " elements, expected are " + std::to_string(expected.size()) + ": " + json_text(found));
        auto other = found.begin();
        std::size_t n = 0;
        for (const auto& element : expected) compare_json(element, *other++, at + "[" + std::to_string(n++) + "]", out);
        return;
    }
    const std::string is = json_text(found);
    const std::string should = json_text(expected);
    if (is != should) out.find(at + " is " + is + ", expected is " + should);
}

}  // namespace detail

/// Reads golden vectors from a text:
///
/// ```text
/// # a comment
/// == refused by validation
/// > POST /tether/push
/// > Content-Type: application/json
/// {"client_id":"a","mutations":[...]}
/// < 200
/// {"applied":[],"rejected":[{"mutation_id":"m1","reason":"validation_failed"}]}
/// ```
///
/// @param name  of the text, for errors
/// @return the vectors in their order, or `errc::malformed_message` with line, its text and what should stand there
[[nodiscard]] inline result<std::vector<golden_vector>> read_golden_vectors(std::string_view text, std::string_view name) {
    return detail::vector_reader(text, name).all();
}

/// The same from a file. @return `errc::io_error` with its path where it cannot be read
[[nodiscard]] inline result<std::vector<golden_vector>> load_golden_vectors(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return make_fault(errc::io_error, "the golden vectors in ", path, " cannot be opened; is the path right?");
    std::string text;
    // By the stream, not by its buffer: so what fails half-way is told by its state.
    for (std::array<char, 4096> part; file.read(part.data(), static_cast<std::streamsize>(part.size())), file.gcount() > 0;) text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    if (file.bad()) return make_fault(errc::io_error, "the golden vectors in ", path, " cannot be read to their end");
    return read_golden_vectors(text, path);
}

/// Whether @p found is the answer that @p v expects: the status, the headers that it names, and the body, as JSON where both are (the order of
/// members and white space do not count, `"<any>"` stands for any value), else octet by octet.
[[nodiscard]] inline verdict compare_answer(const golden_vector& v, const response& found) {
    verdict differences;
    if (found.status != v.expected.status) differences.find("status is " + std::to_string(found.status) + ", expected is " + std::to_string(v.expected.status) + ": " + found.body);
    for (const auto& h : v.expected.headers) {
        const auto has = find_header(found.headers, h.name);
        if (!has) differences.find("header " + h.name + " is missing, expected is `" + h.value + "`");
        else if (*has != h.value) differences.find("header " + h.name + " is `" + std::string(*has) + "`, expected is `" + h.value + "`");
    }
    const auto expected = json_tape::parse(v.expected.body);
    const auto body = json_tape::parse(found.body);
    if (expected && body) detail::compare_json(expected->root(), body->root(), "$", differences);
    else if (v.expected.body != found.body) differences.find("body is `" + found.body + "`, expected is `" + v.expected.body + "`");
    verdict out;
    out.add(differences, v.where + ": " + v.name);
    return out;
}

/// Asks @p server every request, in order, and compares its answers.
template <server_handler Handler>
[[nodiscard]] verdict check_golden_vectors(const std::vector<golden_vector>& vectors, Handler& server) {
    verdict out;
    if (vectors.empty()) out.find("there are no vectors");
    for (const auto& v : vectors) out.add(compare_answer(v, server(v.asked)));
    return out;
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
