#ifndef SYNCLINE_MODEL_RECORD_CODEC_HPP
#define SYNCLINE_MODEL_RECORD_CODEC_HPP

#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Appends the library's compact binary form to a string: what stores keep of rows and intents. Numbers are base-128
/// varints (signed ones zigzag), texts are length-prefixed. Not a wire format: only this library reads it.
class byte_writer {
public:
    /// @param out  appended to; outlives the writer
    explicit byte_writer(std::string& out) : out_(&out) {}

    void number(std::uint64_t n) {
        for (; n >= 0x80; n >>= 7) out_->push_back(static_cast<char>(static_cast<unsigned char>(n | 0x80)));
        out_->push_back(static_cast<char>(static_cast<unsigned char>(n)));
    }
    void signed_number(std::int64_t n) {
        number((static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63));
    }
    void text(std::string_view s) {
        number(s.size());
        out_->append(s);
    }
    void put(const value& v) {
        number(static_cast<std::uint64_t>(v.kind()));
        switch (v.kind()) {
        case value_kind::null: break;
        case value_kind::boolean: number(v.as_boolean() ? 1 : 0); break;
        case value_kind::integer: signed_number(v.as_integer()); break;
        case value_kind::time: signed_number(to_microseconds(v.as_time())); break;
        case value_kind::real: {
            auto bits = std::bit_cast<std::uint64_t>(v.as_real());
            for (int i = 0; i < 8; ++i, bits >>= 8) out_->push_back(static_cast<char>(static_cast<unsigned char>(bits)));
            break;
        }
        case value_kind::decimal:
        case value_kind::text:
        case value_kind::bytes:
        case value_kind::json: text(v.as_string()); break;
        }
    }
    void put(const record& r) {
        number(r.fields.size());
        for (const auto& v : r.fields) put(v);
    }
    void put(const std::optional<record>& r) {
        number(r ? 1 : 0);
        if (r) put(*r);
    }

private:
    std::string* out_;
};

/// Reads what `byte_writer` wrote. Never reads outside the text; once something does not fit, `failed()` stays true and
/// every further read gives a zero value.
class byte_reader {
public:
    /// @param in  outlives the reader
    explicit byte_reader(std::string_view in) : in_(in) {}

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] bool at_end() const noexcept { return !failed_ && in_.empty(); }

    std::uint64_t number() {
        std::uint64_t n = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (in_.empty()) return fail();
            const auto byte = static_cast<unsigned char>(in_.front());
            in_.remove_prefix(1);
            n |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) return n;
        }
        return fail();
    }
    std::int64_t signed_number() {
        const std::uint64_t n = number();
        return static_cast<std::int64_t>((n >> 1) ^ (~(n & 1) + 1));
    }
    std::string text() {
        const std::uint64_t n = number();
        if (failed_ || n > in_.size()) {
            fail();
            return {};
        }
        std::string s{in_.substr(0, static_cast<std::size_t>(n))};
        in_.remove_prefix(static_cast<std::size_t>(n));
        return s;
    }
    value get_value() {
        const std::uint64_t kind = number();
        if (failed_) return {};
        switch (kind) {
        case static_cast<std::uint64_t>(value_kind::null): return {};
        case static_cast<std::uint64_t>(value_kind::boolean): return value::boolean(number() != 0);
        case static_cast<std::uint64_t>(value_kind::integer): return value::integer(signed_number());
        case static_cast<std::uint64_t>(value_kind::time): return value::time(from_microseconds(signed_number()));
        case static_cast<std::uint64_t>(value_kind::real): {
            if (in_.size() < 8) {
                fail();
                return {};
            }
            std::uint64_t bits = 0;
            for (unsigned i = 0; i < 8; ++i) bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(in_[i])) << (8 * i);
            in_.remove_prefix(8);
            return value::real(std::bit_cast<double>(bits));
        }
        case static_cast<std::uint64_t>(value_kind::decimal): return value::decimal(text());
        case static_cast<std::uint64_t>(value_kind::text): return value::text(text());
        case static_cast<std::uint64_t>(value_kind::bytes): return value::bytes(text());
        case static_cast<std::uint64_t>(value_kind::json): return value::json(text());
        default: fail(); return {};
        }
    }
    record get_record() {
        record r;
        const std::uint64_t n = number();
        if (n > max_fields) {
            fail();
            return r;
        }
        r.fields.reserve(static_cast<std::size_t>(n));
        for (std::uint64_t i = 0; i < n && !failed_; ++i) r.fields.push_back(get_value());
        return r;
    }
    std::optional<record> get_optional_record() {
        if (number() == 0) return std::nullopt;  // also what a reader that has failed gives
        return get_record();
    }
    std::uint64_t fail() {
        failed_ = true;
        in_ = {};
        return 0;
    }

private:
    std::string_view in_;
    bool failed_ = false;
};

/// The binary form of @p r.
[[nodiscard]] inline std::string encode_record(const record& r) {
    std::string out;
    byte_writer{out}.put(r);
    return out;
}

/// Reads `encode_record`'s form. @return `errc::corrupt` when it is cut, too long or not of that form
[[nodiscard]] inline result<record> decode_record(std::string_view bytes) {
    byte_reader in{bytes};
    record r = in.get_record();
    if (!in.at_end()) return make_fault(errc::corrupt, "a stored row image does not decode; the bookkeeping tables were changed or damaged");
    return r;
}

SYNCLINE_NAMESPACE_END

#endif
