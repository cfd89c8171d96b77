#ifndef SYNCLINE_TRANSPORT_SSE_PARSER_HPP
#define SYNCLINE_TRANSPORT_SSE_PARSER_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// One event of a stream of server-sent events.
struct sse_event {
    std::string name;   ///< of the `event:` line; empty: none, which means `message`
    std::string data;   ///< the `data:` lines, joined by LF

    friend bool operator==(const sse_event&, const sse_event&) = default;
};

/// Reads server-sent events (HTML standard 9.2.6) from bytes in pieces of any size: lines end with LF, CR or CR LF; comments and unknown fields are
/// passed over, `id` and `retry` among them; a blank line ends an event, and one without data is none. A BOM in front is passed over.
///
///     parser.feed(bytes);
///     while (true) { auto event = parser.next(); if (!event) ...; if (!*event) break; use(**event); }
class sse_parser {
public:
    /// @param most_line  the most bytes of a line, and of the data of an event
    explicit sse_parser(std::size_t most_line = std::size_t{1} << 20) : most_(most_line) {}

    /// Takes the next bytes. What they complete is given out by `next`.
    void feed(std::string_view bytes) {
        if (at_ != 0) {
            pending_.erase(0, at_);
            at_ = 0;
        }
        pending_.append(bytes);
    }

    /// The next event that is complete; nothing: more bytes are needed.
    /// @return also `errc::too_large` for a line or an event beyond the limit, for good
    [[nodiscard]] result<std::optional<sse_event>> next() {
        while (at_ < pending_.size()) {
            if (failed_) break;
            const char c = pending_[at_];
            if (c == '\n' && after_cr_) {  // the second half of CR LF
                after_cr_ = false;
                ++at_;
                continue;
            }
            after_cr_ = false;
            const std::size_t end = pending_.find_first_of("\r\n", at_);
            const std::size_t stop = end == std::string::npos ? pending_.size() : end;
            if (line_.size() + (stop - at_) > most_) {
                failed_ = true;
                break;
            }
            line_.append(pending_, at_, stop - at_);
            at_ = stop;
            if (end == std::string::npos) break;
            after_cr_ = pending_[end] == '\r';
            ++at_;
            if (auto event = end_of_line()) return std::optional<sse_event>{std::move(*event)};
        }
        if (failed_) return make_fault(errc::too_large, "the event stream has a line or an event of more than ", std::to_string(most_), " bytes");
        return std::optional<sse_event>{};
    }

private:
    [[nodiscard]] std::optional<sse_event> end_of_line() {
        const std::string whole = std::exchange(line_, {});
        std::string_view line = whole;
        if (first_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
        first_ = false;
        if (line.empty()) {
            sse_event done = std::exchange(event_, {});
            if (!std::exchange(has_data_, false)) return std::nullopt;
            return done;
        }
        const std::size_t colon = line.find(':');
        const std::string_view field = line.substr(0, colon);
        std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
        if (value.starts_with(' ')) value.remove_prefix(1);
        if (field == "event") {
            event_.name = value;
        } else if (field == "data") {
            if (has_data_) event_.data += '\n';
            has_data_ = true;
            event_.data.append(value);
            failed_ = event_.data.size() > most_;
        }
        return std::nullopt;
    }

    std::size_t most_;
    std::string pending_;
    std::size_t at_ = 0;      // what of it is read
    std::string line_;        // as far as it has come
    bool after_cr_ = false;
    bool first_ = true;
    bool failed_ = false;
    bool has_data_ = false;
    sse_event event_;
};

SYNCLINE_NAMESPACE_END

#endif
