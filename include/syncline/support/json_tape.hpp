#ifndef SYNCLINE_SUPPORT_JSON_TAPE_HPP
#define SYNCLINE_SUPPORT_JSON_TAPE_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/stable_hash.hpp>
#include <syncline/support/version.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What a JSON text may cost. Beyond any of these it is refused.
struct json_limits {
    std::size_t max_bytes = std::size_t{8} << 20;   ///< of the text; never more than 1 GiB, whatever stands here
    std::size_t max_depth = 64;                     ///< arrays and objects inside each other
    std::size_t max_string = std::size_t{8} << 20;  ///< bytes of one string or name, without escapes
    std::size_t max_tokens = 4'000'000;             ///< values and names together
};

/// A parsed JSON document: one flat list of small entries and one arena of text. Owns all it shows.
///
/// No value has a node of its own and nothing recurses, so parsing, walking and destroying a document of any depth
/// needs no stack. Views stay valid while the tape lives, also when it is moved; not when it is assigned to.
class json_tape {
public:
    /// A document that is `null`.
    json_tape() = default;

    /// Parses @p text, one JSON value as RFC 8259 has it, in strict UTF-8.
    ///
    /// Stricter than the grammar: no byte order mark, no member twice in one object, no lone surrogate, no number
    /// beyond the range of double. `\u0000` in a string is legal and kept; ask `has_nul` where it matters. Numbers keep
    /// the digits they were written with.
    /// @return the document, or
    ///         - `errc::too_large` above the limit of bytes, string or tokens
    ///         - `errc::malformed_json` for everything else, depth included
    ///         The detail says what is wrong and near which byte (counted from 0). It quotes names, never values.
    /// @par Complexity  O(n log n) in the number of members of one object, linear otherwise; memory about 16 bytes a
    ///                  token on top of the text
    [[nodiscard]] static result<json_tape> parse(std::string_view text, const json_limits& limits = {});

    /// The outermost value.
    [[nodiscard]] json_view root() const noexcept {
        return tokens_.empty() ? json_view() : json_view(tokens_.data(), arena_.data());
    }

private:
    class cursor;
    class builder;

    std::vector<json_token> tokens_;
    std::vector<char> arena_;
};

// Walks the text for the parser and lets the builder see how far it came.
class json_tape::cursor {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    cursor(const char* at, const char** reached) noexcept : at_(at), reached_(reached) {}

    reference operator*() const noexcept { return *at_; }
    cursor& operator++() noexcept {
        *reached_ = ++at_;
        return *this;
    }
    friend bool operator==(const cursor& a, const cursor& b) noexcept { return a.at_ == b.at_; }
    friend bool operator!=(const cursor& a, const cursor& b) noexcept { return a.at_ != b.at_; }

private:
    const char* at_;
    const char** reached_;
};

// Takes the parser's events. Each returns false to stop at once, with the reason in `why_`.
class json_tape::builder {
public:
    builder(std::string_view text, const json_limits& limits, json_tape& tape)
        : start_(text.data()), reached_(text.data()), limits_(limits), tape_(tape) {
        tape_.tokens_.reserve(text.size() / 8 + 1);
        tape_.arena_.reserve(text.size() / 2);
    }

    [[nodiscard]] const char** reached() noexcept { return &reached_; }
    [[nodiscard]] fault take_fault() { return std::move(why_); }

    bool null() { return add_value(json_kind::null, 0, 0); }
    bool boolean(bool truth) { return add_value(json_kind::boolean, 0, truth ? 1 : 0); }

    bool number_integer(std::int64_t number) {
        // The parser gives numbers without sign elsewhere, so a zero here was written -0.
        if (number == 0) return add_text(json_kind::integer, "-0");
        return add_integer(number, json_kind::integer);
    }

    bool number_unsigned(std::uint64_t number) {
        return add_integer(number, number >> 63 == 0 ? json_kind::integer : json_kind::real);
    }

    bool number_float(double number, const std::string& written) {
        std::string text = written;
        for (char& c : text) {
            // The parser shows the decimal point of the C locale.
            if (!(c >= '0' && c <= '9') && c != '-' && c != '+' && c != 'e' && c != 'E') c = '.';
        }
#if defined(__cpp_lib_to_chars)
        // Read again without the C locale: where its decimal point has several bytes, the parser reads only the whole
        // part (and, with assertions on, its own assertion ends the program). Out of range also means nearer to zero
        // than any double; a value above one cannot be that.
        double exact = number;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), exact);
        if (read.ec == std::errc::result_out_of_range) {
            exact = is_tiny(text) ? std::copysign(0.0, text[0] == '-' ? -1.0 : 1.0) : HUGE_VAL;
        }
        number = exact;
#endif
        if (!std::isfinite(number)) return refuse_number();
        return add_real(number, text);
    }

    bool string(const std::string& text) { return fits(text) && add_text(json_kind::string, text); }

    bool binary(const nlohmann::json::binary_t&) { return refuse(errc::malformed_json, "binary data is not JSON"); }

    bool start_object(std::size_t) { return open(json_kind::object); }
    bool start_array(std::size_t) { return open(json_kind::array); }
    bool end_array() { return close(); }
    bool end_object() { return names_differ() && close(); }

    bool key(const std::string& name) {
        if (!fits(name)) return false;
        const std::size_t owner = open_.back();
        if (!add_text(json_kind::string, name, false)) return false;
        tape_.tokens_[owner].length += 1;
        tape_.tokens_.back().extent = static_cast<std::uint32_t>(position());
        return true;
    }

    bool parse_error(std::size_t count, const std::string&, const nlohmann::json::exception& error) {
        if (error.id == 406) return refuse_number();
        // The sentence ends where it would quote the text, which may be anybody's data.
        std::string_view what = error.what();
        const std::size_t begin = what.find("syntax error");
        if (begin != std::string_view::npos) what.remove_prefix(begin);
        what = what.substr(0, what.find("; last read: "));
        why_ = make_fault(errc::malformed_json, "JSON at byte ", std::to_string(count == 0 ? 0 : count - 1), ": ", what);
        return false;
    }

private:
    // Whether the number's first digit that is not zero stands behind the point, exponent included.
    static bool is_tiny(std::string_view text) noexcept {
        const std::size_t e = text.find_first_of("eE");
        const std::string_view mantissa = text.substr(0, e);
        std::int64_t scale = 0;
        if (e != std::string_view::npos) {
            for (const char c : text.substr(e + 1)) {  // digits, and a sign, which stands before them
                if (c >= '0' && scale < 1'000'000'000'000) scale = scale * 10 + (c - '0');
            }
            if (text[e + 1] == '-') scale = -scale;
        }
        const auto first = static_cast<std::int64_t>((std::min)(mantissa.find_first_of("123456789"), mantissa.size()));
        const auto point = static_cast<std::int64_t>((std::min)(mantissa.find('.'), mantissa.size()));
        return point - first + scale <= 0;
    }

    [[nodiscard]] std::size_t position() const noexcept {
        return reached_ == start_ ? 0 : static_cast<std::size_t>(reached_ - start_) - 1;
    }

    bool refuse(errc code, std::string_view what) {
        why_ = make_fault(code, "JSON near byte ", std::to_string(position()), ": ", what);
        return false;
    }
    bool refuse_number() { return refuse(errc::malformed_json, "number out of range"); }

    bool fits(const std::string& text) {
        return text.size() <= limits_.max_string ||
               refuse(errc::too_large, std::string("a string is longer than the limit of ")
                                           .append(std::to_string(limits_.max_string))
                                           .append(" bytes"));
    }

    bool add(json_kind kind, std::size_t offset, std::size_t length) {
        if (tape_.tokens_.size() >= limits_.max_tokens) {
            return refuse(errc::too_large, std::string("more values and names than the limit of ")
                                               .append(std::to_string(limits_.max_tokens)));
        }
        tape_.tokens_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length), 1, kind});
        return true;
    }

    bool add_value(json_kind kind, std::size_t offset, std::size_t length) {
        if (!add(kind, offset, length)) return false;
        if (!open_.empty() && tape_.tokens_[open_.back()].kind == json_kind::array) {
            tape_.tokens_[open_.back()].length += 1;
        }
        return true;
    }

    bool add_text(json_kind kind, std::string_view text, bool is_value = true) {
        const std::size_t offset = tape_.arena_.size();
        tape_.arena_.insert(tape_.arena_.end(), text.begin(), text.end());
        return is_value ? add_value(kind, offset, text.size()) : add(kind, offset, text.size());
    }

    bool add_real(double number, std::string_view text) {
        char raw[sizeof number];
        std::memcpy(raw, &number, sizeof number);
        tape_.arena_.insert(tape_.arena_.end(), raw, raw + sizeof number);
        return add_text(json_kind::real, text);
    }

    template <class Integer>
    bool add_integer(Integer number, json_kind kind) {
        char text[24];
        const auto end = std::to_chars(text, text + sizeof text, number);
        const std::string_view digits(text, static_cast<std::size_t>(end.ptr - text));
        return kind == json_kind::integer ? add_text(kind, digits) : add_real(static_cast<double>(number), digits);
    }

    bool open(json_kind kind) {
        if (open_.size() >= limits_.max_depth) {
            return refuse(errc::malformed_json,
                          std::string("nested deeper than the limit of ").append(std::to_string(limits_.max_depth)));
        }
        if (!add_value(kind, 0, 0)) return false;
        open_.push_back(tape_.tokens_.size() - 1);
        return true;
    }

    bool close() {
        json_token& container = tape_.tokens_[open_.back()];
        container.extent = static_cast<std::uint32_t>(tape_.tokens_.size() - open_.back());
        open_.pop_back();
        return true;
    }

    struct name_entry {
        std::uint64_t hash;
        std::size_t at;
    };

    [[nodiscard]] std::string_view name_at(std::size_t at) const noexcept {
        const json_token& name = tape_.tokens_[at];
        return {tape_.arena_.data() + name.offset, name.length};
    }

    // Sorting by hash, then text, bounds the work whatever names an adversary picks; a hash table would not.
    bool names_differ() {
        const std::size_t owner = open_.back();
        const std::size_t count = tape_.tokens_[owner].length;
        if (count < 2) return true;
        names_.clear();
        for (std::size_t at = owner + 1, i = 0; i < count; ++i) {
            names_.push_back({stable_hash(name_at(at)), at});
            at += 1 + tape_.tokens_[at + 1].extent;
        }
        std::sort(names_.begin(), names_.end(), [this](const name_entry& a, const name_entry& b) {
            if (a.hash != b.hash) return a.hash < b.hash;
            const int order = name_at(a.at).compare(name_at(b.at));
            return order != 0 ? order < 0 : a.at < b.at;
        });
        std::size_t repeated = 0;
        for (std::size_t i = 1; i < count; ++i) {
            if (names_[i].hash != names_[i - 1].hash || name_at(names_[i].at) != name_at(names_[i - 1].at)) continue;
            if (repeated == 0 || names_[i].at < repeated) repeated = names_[i].at;
        }
        if (repeated == 0) return true;
        std::string_view name = name_at(repeated);
        constexpr std::size_t shown = 64;
        std::string what = "duplicate member ";
        append_json_string(what, cut(name, shown));
        if (name.size() > shown) what += " (shortened)";
        reached_ = start_ + tape_.tokens_[repeated].extent + 1;
        return refuse(errc::malformed_json, what);
    }

    // The longest beginning of at most @p most bytes that ends with a whole character.
    static std::string_view cut(std::string_view text, std::size_t most) noexcept {
        if (text.size() <= most) return text;
        while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
        return text.substr(0, most);
    }

    const char* start_;
    const char* reached_;
    const json_limits& limits_;
    json_tape& tape_;
    std::vector<std::size_t> open_;    // tokens of the containers around the current place
    std::vector<name_entry> names_;    // scratch, kept for its memory
    fault why_;
};

inline result<json_tape> json_tape::parse(std::string_view text, const json_limits& limits) {
    constexpr std::size_t ceiling = std::size_t{1} << 30;  // offsets have 32 bits
    const std::size_t most = (std::min)(limits.max_bytes, ceiling);
    if (text.size() > most) {
        return make_fault(errc::too_large, "JSON of ", std::to_string(text.size()), " bytes is above the limit of ",
                          std::to_string(most), " bytes");
    }
    // The parser skips a byte order mark and takes a NUL for the end of the text; JSON allows neither.
    if (text.substr(0, 3) == "\xef\xbb\xbf") {
        return make_fault(errc::malformed_json, "JSON at byte 0: a byte order mark is not JSON");
    }
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        return make_fault(errc::malformed_json, "JSON at byte ", std::to_string(nul), ": a NUL byte is not JSON");
    }
    json_tape tape;
    builder events(text, limits, tape);
    const cursor first(text.data(), events.reached());
    const cursor last(text.data() + text.size(), events.reached());
    if (!nlohmann::json::sax_parse(first, last, &events)) return events.take_fault();
    return tape;
}

SYNCLINE_NAMESPACE_END

#endif
