#ifndef SYNCLINE_WIRE_RENEWAL_HPP
#define SYNCLINE_WIRE_RENEWAL_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Gives a device whose server says that its history is broken a new source (`replica::renew_source`).
/// @return how many changes wait for a person since then, for `sync_result::failed`. Linear in the queue: it seldom happens
template <class Replica>
[[nodiscard]] result<std::size_t> renew_source(Replica& engine, random_source random, bool suspect, timestamp now, std::string reason = {}) {
    auto before = engine.status(now);
    if (!before) return std::move(before).error();
    if (auto r = engine.renew_source(random, suspect, now, std::move(reason)); !r) return std::move(r).error();
    auto after = engine.status(now);
    if (!after) return std::move(after).error();
    const std::uint64_t more = after->counts.waiting > before->counts.waiting ? after->counts.waiting - before->counts.waiting : 0;
    return static_cast<std::size_t>(more);
}

SYNCLINE_NAMESPACE_END

#endif
