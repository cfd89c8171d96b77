#ifndef SYNCLINE_STORAGE_WRITE_TIME_HPP
#define SYNCLINE_STORAGE_WRITE_TIME_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <concepts>

SYNCLINE_NAMESPACE_BEGIN

/// A transaction of either store that notes times in the app's rows (`app_times`). Stores have no clock: the engines hand the time in.
///
/// `t.tell_time(at)`: what `write` and `erase` do from here on was done at @p at, until another time is told. It cannot fail.
template <class T>
concept time_noting_transaction = requires(T t, timestamp at) {
    { t.tell_time(at) } -> std::same_as<void>;
};

/// Tells @p t when the change was made that it is to write next; nothing where it notes no times.
template <class Transaction>
void tell_time(Transaction& t, timestamp at) {
    if constexpr (time_noting_transaction<Transaction>) t.tell_time(at);
}

SYNCLINE_NAMESPACE_END

#endif
