#ifndef SYNCLINE_CHANGE_UNREAD_ROW_HPP
#define SYNCLINE_CHANGE_UNREAD_ROW_HPP

#include <syncline/change/intent.hpp>
#include <syncline/support/version.hpp>

#include <compare>
#include <cstdint>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// The name under which a row that could not be read is kept.
struct unread_name {
    std::string model;  ///< as the peer spelled it; empty: the row named no usable record, and `key` is made up from its text
    std::string key;

    friend bool operator==(const unread_name&, const unread_name&) = default;
    friend auto operator<=>(const unread_name&, const unread_name&) = default;
};

/// A row that the authority sent and this program could not read: kept as it came until a program can, and asked for again. Its record
/// stays as it was.
struct unread_row {
    unread_name name;
    std::int64_t version = 0;  ///< 0: it could not be read either
    std::string text;          ///< the row as received, in the wire's own form; empty: it was too long to keep
    wait_reason why;           ///< what could not be read, and why

    friend bool operator==(const unread_row&, const unread_row&) = default;
};

SYNCLINE_NAMESPACE_END

#endif
