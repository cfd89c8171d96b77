#ifndef SYNCLINE_SUPPORT_JSON_VIEW_HPP
#define SYNCLINE_SUPPORT_JSON_VIEW_HPP

#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The kinds of JSON value. Numbers without point and exponent that fit 64 bits are integers, all others reals.
enum class json_kind : std::uint8_t { null = 0, boolean = 1, integer = 2, real = 3, string = 4, array = 5, object = 6 };

/// The kind with its article, for sentences: "a string".
[[nodiscard]] constexpr std::string_view name_of(json_kind kind) noexcept {
    switch (kind) {
    case json_kind::null: return "null";
    case json_kind::boolean: return "a boolean";
    case json_kind::integer: return "an integer";
    case json_kind::real: return "a real number";
    case json_kind::string: return "a string";
    case json_kind::array: return "an array";
    case json_kind::object: return "an object";
    }
    return "unknown";
}

/// One entry of a parsed document: a value, or the name of a member, which stands right before its value.
///
/// Containers come before their content. The tape fills these in; read them through `json_view`.
struct json_token {
    std::uint32_t offset = 0;  ///< strings, numbers: where the text starts in the arena. A real's double stands before it
    std::uint32_t length = 0;  ///< strings, numbers: bytes of text; containers: elements or members; booleans: 0 or 1
    std::uint32_t extent = 1;  ///< values: entries up to the next value; names: where the name ended in the source
    json_kind kind = json_kind::null;
};

/// The exact value of a JSON number's text if it is an integer within 64 bits, in whatever spelling: `10`, `1.0`, `1e1`.
[[nodiscard]] inline std::optional<std::int64_t> integral_json_number(std::string_view text) noexcept {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    std::string_view mantissa = text.substr(0, text.find_first_of("eE"));
    std::int64_t exponent = 0;
    if (mantissa.size() < text.size()) {
        std::string_view written = text.substr(mantissa.size() + 1);
        const bool down = written.starts_with('-');
        if (down || written.starts_with('+')) written.remove_prefix(1);
        for (const char c : written) {
            // Beyond any length a text can have, more digits change nothing.
            if (exponent < 1'000'000'000'000) exponent = exponent * 10 + (c - '0');
        }
        if (down) exponent = -exponent;
    }
    const std::size_t point = mantissa.find('.');
    const std::size_t whole = point == std::string_view::npos ? mantissa.size() : point;
    const auto digit_at = [mantissa, whole](std::size_t i) -> unsigned {
        return static_cast<unsigned>(mantissa[i < whole ? i : i + 1] - '0');
    };
    std::size_t end = mantissa.size() - (point == std::string_view::npos ? 0 : 1);
    std::size_t first = 0;
    while (first < end && digit_at(first) == 0) ++first;
    while (end > first && digit_at(end - 1) == 0) --end;
    if (first == end) return 0;
    // The value is digits[first, end) times ten to the power of this.
    std::int64_t zeros = exponent + static_cast<std::int64_t>(whole) - static_cast<std::int64_t>(end);
    if (zeros < 0 || static_cast<std::int64_t>(end - first) + zeros > 19) return std::nullopt;
    std::uint64_t magnitude = 0;  // 19 digits fit
    for (std::size_t i = first; i < end; ++i) magnitude = magnitude * 10 + digit_at(i);
    for (; zeros > 0; --zeros) magnitude *= 10;
    const std::uint64_t limit = std::uint64_t{1} << 63;
    if (magnitude > (negative ? limit : limit - 1)) return std::nullopt;
    return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

class json_members;

/// A handle to one value of a `json_tape`: two pointers, copied freely.
///
/// It owns nothing and is valid as long as the tape that holds the document lives; moving the tape keeps it valid.
/// A default-constructed view is a null.
class json_view {
public:
    class iterator;

    json_view() noexcept : json_view(&null_token, nullptr) {}

    /// Views @p token, whose texts lie in @p arena. For `json_tape`.
    json_view(const json_token* token, const char* arena) noexcept : token_(token), arena_(arena) {}

    [[nodiscard]] json_kind kind() const noexcept { return token_->kind; }
    [[nodiscard]] bool is_null() const noexcept { return kind() == json_kind::null; }
    [[nodiscard]] bool is_boolean() const noexcept { return kind() == json_kind::boolean; }
    [[nodiscard]] bool is_integer() const noexcept { return kind() == json_kind::integer; }
    [[nodiscard]] bool is_real() const noexcept { return kind() == json_kind::real; }
    [[nodiscard]] bool is_number() const noexcept { return is_integer() || is_real(); }
    [[nodiscard]] bool is_string() const noexcept { return kind() == json_kind::string; }
    [[nodiscard]] bool is_array() const noexcept { return kind() == json_kind::array; }
    [[nodiscard]] bool is_object() const noexcept { return kind() == json_kind::object; }

    /// The boolean, or `errc::malformed_message` for another kind.
    [[nodiscard]] result<bool> as_bool() const {
        if (!is_boolean()) return unexpected("a boolean");
        return token_->length != 0;
    }

    /// The integer, or `errc::malformed_message` for another kind, `1.0` and numbers beyond 64 bits included.
    [[nodiscard]] result<std::int64_t> as_int() const {
        if (!is_integer()) return unexpected("an integer");
        return integer_value();
    }

    /// As `as_int`, but any spelling of an integer within 64 bits will do: `1.0`, `1e3`. Exact; no double in between.
    [[nodiscard]] result<std::int64_t> as_int_lenient() const {
        if (is_integer()) return integer_value();
        if (!is_real()) return unexpected("an integer");
        const std::optional<std::int64_t> number = integral_json_number(number_text());
        if (!number) return make_fault(errc::malformed_message, "expected an integer within 64 bits");
        return *number;
    }

    /// The number as the nearest double, integers too; 0 for anything that is not a number.
    [[nodiscard]] double as_real() const noexcept {
        if (is_real()) {
            double number = 0;
            std::memcpy(&number, arena_ + token_->offset - sizeof number, sizeof number);
            return number;
        }
        if (!is_integer()) return 0;
        const std::int64_t number = integer_value();
        return number == 0 && arena_[token_->offset] == '-' ? -0.0 : static_cast<double>(number);
    }

    /// The number exactly as it was written, or empty for anything that is not a number.
    [[nodiscard]] std::string_view number_text() const noexcept { return is_number() ? text() : std::string_view{}; }

    /// The content of the string without escapes (valid UTF-8, may hold NUL), or empty for any other kind.
    [[nodiscard]] std::string_view as_string() const noexcept { return is_string() ? text() : std::string_view{}; }

    /// How many elements or members the array or object has; 0 for any other kind.
    [[nodiscard]] std::size_t size() const noexcept { return is_array() || is_object() ? token_->length : 0; }

    /// The elements of an array in their order; none for any other kind.
    [[nodiscard]] iterator begin() const noexcept;
    [[nodiscard]] iterator end() const noexcept;

    /// The members of an object in the order of the text; none for any other kind.
    [[nodiscard]] json_members members() const noexcept;

    /// The value of the member called @p name; nothing when there is none or this is not an object. O(members).
    [[nodiscard]] std::optional<json_view> find(std::string_view name) const noexcept;

    /// Writes this value, numbers with their exact text. O(size), no recursion.
    void write_to(json_writer& out) const {
        struct open_container {
            const json_token* end;
            bool is_object;
        };
        std::vector<open_container> open;
        const json_token* const stop = token_ + token_->extent;
        bool name_next = false;
        for (const json_token* at = token_;;) {
            while (!open.empty() && at == open.back().end) {
                open.back().is_object ? out.end_object() : out.end_array();
                open.pop_back();
                name_next = !open.empty() && open.back().is_object;
            }
            if (at == stop) return;
            const json_view value(at, arena_);
            ++at;
            if (name_next) {
                out.key(value.text());
                name_next = false;
                continue;
            }
            switch (value.kind()) {
            case json_kind::null: out.null(); break;
            case json_kind::boolean: out.boolean(value.token_->length != 0); break;
            case json_kind::integer:
            case json_kind::real: out.raw(value.text()); break;
            case json_kind::string: out.string(value.text()); break;
            case json_kind::array:
            case json_kind::object:
                value.is_object() ? out.begin_object() : out.begin_array();
                open.push_back({value.token_ + value.token_->extent, value.is_object()});
                break;
            }
            name_next = !open.empty() && open.back().is_object;
        }
    }

private:
    friend class json_members;
    static constexpr json_token null_token{};

    [[nodiscard]] std::string_view text() const noexcept { return {arena_ + token_->offset, token_->length}; }

    [[nodiscard]] std::int64_t integer_value() const noexcept {
        std::int64_t number = 0;
        const std::string_view digits = text();
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return number;
    }

    [[nodiscard]] fault unexpected(std::string_view wanted) const {
        return make_fault(errc::malformed_message, "expected ", wanted, ", found ", name_of(kind()));
    }

    const json_token* token_;
    const char* arena_;
};

/// Walks the elements of an array. A forward iterator that gives views by value.
class json_view::iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;
    using value_type = json_view;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = json_view;

    iterator() noexcept = default;
    iterator(const json_token* token, const char* arena) noexcept : token_(token), arena_(arena) {}

    [[nodiscard]] json_view operator*() const noexcept { return json_view(token_, arena_); }
    iterator& operator++() noexcept {
        token_ += token_->extent;
        return *this;
    }
    iterator operator++(int) noexcept {
        const iterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.token_ == b.token_; }

private:
    const json_token* token_ = nullptr;
    const char* arena_ = nullptr;
};

inline json_view::iterator json_view::begin() const noexcept {
    return is_array() ? iterator(token_ + 1, arena_) : iterator();
}
inline json_view::iterator json_view::end() const noexcept {
    return is_array() ? iterator(token_ + token_->extent, arena_) : iterator();
}

/// A member of an object. The name lives as long as the tape.
struct json_member {
    std::string_view key;
    json_view value;
};

/// The members of an object as a range; see `json_view::members`.
class json_members {
public:
    /// A forward iterator that gives members by value.
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using iterator_concept = std::forward_iterator_tag;
        using value_type = json_member;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = json_member;

        iterator() noexcept = default;
        iterator(const json_token* name, const char* arena) noexcept : name_(name), arena_(arena) {}

        [[nodiscard]] json_member operator*() const noexcept {
            return json_member{json_view(name_, arena_).as_string(), json_view(name_ + 1, arena_)};
        }
        iterator& operator++() noexcept {
            name_ += 1 + (name_ + 1)->extent;
            return *this;
        }
        iterator operator++(int) noexcept {
            const iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.name_ == b.name_; }

    private:
        const json_token* name_ = nullptr;
        const char* arena_ = nullptr;
    };

    explicit json_members(json_view object) noexcept : object_(object) {}

    [[nodiscard]] iterator begin() const noexcept {
        return object_.is_object() ? iterator(object_.token_ + 1, object_.arena_) : iterator();
    }
    [[nodiscard]] iterator end() const noexcept {
        return object_.is_object() ? iterator(object_.token_ + object_.token_->extent, object_.arena_) : iterator();
    }
    [[nodiscard]] std::size_t size() const noexcept { return object_.is_object() ? object_.size() : 0; }

private:
    json_view object_;
};

inline json_members json_view::members() const noexcept { return json_members(*this); }

inline std::optional<json_view> json_view::find(std::string_view name) const noexcept {
    for (const json_member member : members()) {
        if (member.key == name) return member.value;
    }
    return std::nullopt;
}

SYNCLINE_NAMESPACE_END

#endif
