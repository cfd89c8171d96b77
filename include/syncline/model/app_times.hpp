#ifndef SYNCLINE_MODEL_APP_TIMES_HPP
#define SYNCLINE_MODEL_APP_TIMES_HPP

#include <syncline/support/version.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// How an app's column holds a time.
enum class time_form : std::uint8_t {
    by_type,       ///< by the column's declared type: a number of seconds in an integer column, else `date_time`
    seconds,       ///< integer, since 1970 in UTC
    milliseconds,  ///< integer, since 1970 in UTC
    microseconds,  ///< integer, since 1970 in UTC
    date_time,     ///< text, `2026-05-02 09:00:00`, in UTC
    rfc3339,       ///< text, `2026-05-02T09:00:00Z`, in UTC and with as many decimals as are needed
};

/// A column of the app's that holds a time. Without a name: the table has none.
struct time_column {
    std::string name;
    time_form form = time_form::by_type;

    time_column() = default;
    /// A column by its name alone, as it stands in options and descriptions.
    template <std::convertible_to<std::string_view> Name>
    time_column(const Name& column, time_form how = time_form::by_type) : name(std::string_view{column}), form(how) {}

    [[nodiscard]] bool is_there() const noexcept { return !name.empty(); }

    friend bool operator==(const time_column&, const time_column&) = default;
};

/// The columns in which an app's table notes its rows' times itself. They are the app's ordinary data, never a cursor, and they are not synced; one
/// that is listed among the fields all the same is synced as any field and not set by us.
struct app_times {
    time_column created_at;  ///< set when a sync makes a row
    time_column updated_at;  ///< set when a sync makes or changes a row
    /// Soft deletes: a row in which this column is not NULL counts as an absent record, everywhere, and what erases a record sets it instead of
    /// deleting the row. Never a field. Every device and server chooses for itself.
    time_column deleted_at;

    friend bool operator==(const app_times&, const app_times&) = default;
};

SYNCLINE_NAMESPACE_END

#endif
