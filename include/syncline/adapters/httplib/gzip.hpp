#ifndef SYNCLINE_ADAPTERS_HTTPLIB_GZIP_HPP
#define SYNCLINE_ADAPTERS_HTTPLIB_GZIP_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Compresses @p text into one gzip member (RFC 1952).
/// @return the member, or `errc::internal` when zlib has no memory
[[nodiscard]] inline result<std::string> gzip_compress(std::string_view text) {
    constexpr std::size_t most = (std::numeric_limits<uInt>::max)();
    if (text.size() > most) return make_fault(errc::too_large, "a body of 4 GiB or more cannot be compressed");
    z_stream stream{};
    // 15 bits of window, 16 more for gzip's header instead of zlib's.
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return make_fault(errc::internal, "zlib cannot start compressing: no memory");
    }
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>((std::min)(out.size(), most));
    const int outcome = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    if (outcome != Z_STREAM_END) return make_fault(errc::internal, "zlib failed to compress a body");
    return out;
}

/// Undoes one gzip member piece by piece, and stops as soon as the text would exceed its limit: what is in memory never
/// does, however small the compressed form is. Neither copyable nor movable: zlib keeps a pointer to its own state.
class gzip_expander {
public:
    gzip_expander() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
    ~gzip_expander() {
        if (ready_) inflateEnd(&stream_);
    }
    gzip_expander(const gzip_expander&) = delete;
    gzip_expander& operator=(const gzip_expander&) = delete;

    /// Appends what @p piece expands to, as long as @p out stays within @p limit bytes.
    /// @return `errc::too_large` beyond the limit, `errc::malformed_message` for bytes that are not gzip or follow its
    ///         end, `errc::internal` when zlib has no memory
    result<void> feed(std::string_view piece, std::string& out, std::size_t limit) {
        if (!ready_) return make_fault(errc::internal, "zlib cannot start expanding: no memory");
        constexpr std::size_t most = std::size_t{1} << 20;
        while (!piece.empty()) {
            if (ended_) return make_fault(errc::malformed_message, "bytes follow the end of a gzip body");
            const std::size_t taken = (std::min)(piece.size(), most);
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
            stream_.avail_in = static_cast<uInt>(taken);
            auto expanded = expand(out, limit);
            if (!expanded) return expanded;
            const std::size_t used = taken - stream_.avail_in;
            if (used == 0) return make_fault(errc::malformed_message, "a body is not valid gzip");
            piece.remove_prefix(used);
        }
        return {};
    }

    /// Whether the member was complete, its checksum included.
    [[nodiscard]] bool complete() const noexcept { return ended_; }

private:
    result<void> expand(std::string& out, std::size_t limit) {
        for (;;) {
            std::array<char, 16384> block;
            stream_.next_out = reinterpret_cast<Bytef*>(block.data());
            stream_.avail_out = static_cast<uInt>(block.size());
            const int outcome = inflate(&stream_, Z_NO_FLUSH);
            if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) {
                return make_fault(errc::malformed_message, "a body is not valid gzip");
            }
            const std::size_t made = block.size() - stream_.avail_out;
            if (made > limit - (std::min)(limit, out.size())) {
                return make_fault(errc::too_large, "a gzip body expands to more than ", std::to_string(limit), " bytes");
            }
            out.append(block.data(), made);
            ended_ = outcome == Z_STREAM_END;
            // A full block may mean that more is waiting inside zlib; room left means that it wants more input.
            if (ended_ || stream_.avail_out != 0) return {};
        }
    }

    z_stream stream_{};
    bool ready_ = false;
    bool ended_ = false;
};

/// The content codings the adapters know.
enum class content_coding : unsigned char { identity, gzip, unknown };

/// The coding called @p name by a `Content-Encoding` header, in any case; no name is no coding.
[[nodiscard]] inline content_coding coding_of(std::string_view name) noexcept {
    if (name.empty() || same_header_name(name, "identity")) return content_coding::identity;
    if (same_header_name(name, "gzip") || same_header_name(name, "x-gzip")) return content_coding::gzip;
    return content_coding::unknown;
}

/// Whether a peer that sent `Accept-Encoding: ` @p value takes gzip: named, or `*`, and not with `q=0`.
[[nodiscard]] inline bool accepts_gzip(std::string_view value) noexcept {
    const auto trimmed = [](std::string_view text) {
        while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
        while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
        return text;
    };
    bool any = false;
    while (!value.empty()) {
        const std::size_t end = value.find(',');
        const std::string_view item = value.substr(0, end);
        value = end == std::string_view::npos ? std::string_view{} : value.substr(end + 1);
        const std::size_t semicolon = item.find(';');
        const std::string_view name = trimmed(item.substr(0, semicolon));
        bool wanted = true;
        if (semicolon != std::string_view::npos) {
            const std::string_view quality = trimmed(item.substr(semicolon + 1));
            // "q=0", "q=0.", "q=0.000": no digit above zero.
            if (quality.size() >= 3 && (quality[0] == 'q' || quality[0] == 'Q') && quality[1] == '=') {
                wanted = quality.substr(2).find_first_of("123456789") != std::string_view::npos;
            }
        }
        if (coding_of(name) == content_coding::gzip && !name.empty()) return wanted;
        if (name == "*") any = wanted;
    }
    return any;
}

/// Collects a body that arrives in pieces, expands it if it is gzip, and never holds more than its limit.
class bounded_body {
public:
    /// @param limit  the most bytes the body may have, once expanded
    /// @param coding what it arrives in; `unknown` is treated as it comes
    explicit bounded_body(std::size_t limit, content_coding coding = content_coding::identity)
        : limit_(limit), coding_(coding) {}

    /// The most bytes of a compressed form that can be right for a text of @p limit bytes: deflate adds 5 bytes to each
    /// block of 16 KiB that it cannot compress, gzip 18 and a file name.
    [[nodiscard]] static constexpr std::size_t most_encoded(std::size_t limit) noexcept {
        const std::size_t more = limit / 1024 + 1024;
        return limit > (std::numeric_limits<std::size_t>::max)() - more ? limit : limit + more;
    }

    /// Takes the next piece. After a fault every further piece gives the same fault.
    /// @return `errc::too_large` beyond the limit, `errc::malformed_message` for broken gzip, or `errc::internal`
    const result<void>& take(std::string_view piece) {
        if (!outcome_) return outcome_;
        received_ += piece.size();
        if (coding_ == content_coding::gzip) {
            if (received_ > most_encoded(limit_)) {
                outcome_ = beyond();
                return outcome_;
            }
            outcome_ = expander_.feed(piece, text_, limit_);
        } else if (piece.size() > limit_ - text_.size()) {
            outcome_ = beyond();
        } else {
            text_.append(piece);
        }
        return outcome_;
    }

    /// Takes the body out once all pieces are there.
    /// @return the body, the fault of `take`, or `errc::malformed_message` for gzip that ends too early
    result<std::string> finish() {
        if (!outcome_) return outcome_.error();
        if (coding_ == content_coding::gzip && received_ > 0 && !expander_.complete()) {
            return make_fault(errc::malformed_message, "a gzip body ends too early");
        }
        return std::move(text_);
    }

private:
    fault beyond() const {
        return make_fault(errc::too_large, "a body has more than ", std::to_string(limit_), " bytes");
    }

    std::size_t limit_;
    content_coding coding_;
    std::size_t received_ = 0;
    std::string text_;
    gzip_expander expander_;
    result<void> outcome_;
};

SYNCLINE_NAMESPACE_END

#endif
