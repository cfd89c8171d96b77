#ifndef SYNCLINE_TESTS_SUPPORT_RANDOM_VALUES_HPP
#define SYNCLINE_TESTS_SUPPORT_RANDOM_VALUES_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/random.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace tests {

/// An integer, often one at the edge of something.
inline std::int64_t random_integer(syncline::seeded_random& random) {
    constexpr auto most = (std::numeric_limits<std::int64_t>::max)();
    constexpr auto least = (std::numeric_limits<std::int64_t>::lowest)();
    switch (random.below(5)) {
    case 0: return static_cast<std::int64_t>(random.below(300)) - 150;
    case 1: return most - static_cast<std::int64_t>(random.below(3));
    case 2: return least + static_cast<std::int64_t>(random.below(3));
    case 3: return std::int64_t{1} << random.below(63);
    default: return static_cast<std::int64_t>(random.next());
    }
}

/// Octets of any kind, at times more than one length byte's worth.
inline std::string random_octets(syncline::seeded_random& random) {
    std::string s;
    for (std::uint64_t n = random.chance(1, 20) ? 120 + random.below(300) : random.below(8); n > 0; --n)
        s.push_back(static_cast<char>(static_cast<unsigned char>(random.below(256))));
    return s;
}

inline syncline::value random_value(syncline::seeded_random& random) {
    using syncline::value;
    switch (random.below(9)) {
    case 0: return value::null();
    case 1: return value::boolean(random.chance(1, 2));
    case 2: return value::integer(random_integer(random));
    case 3: return value::real(std::bit_cast<double>(random.next()));
    case 4: return value::decimal(random_octets(random));
    case 5: return value::text(random_octets(random));
    case 6: return value::bytes(random_octets(random));
    case 7: return value::time(syncline::from_microseconds(random_integer(random)));
    default: return value::json(random_octets(random));
    }
}

inline syncline::record random_record(syncline::seeded_random& random, std::size_t most_fields = 6) {
    syncline::record r;
    for (std::uint64_t n = random.below(most_fields + 1); n > 0; --n) r.fields.push_back(random_value(random));
    return r;
}

inline syncline::intent random_intent(syncline::seeded_random& random) {
    syncline::intent i;
    i.key = {static_cast<syncline::model_id>(random.below(3)), random_octets(random)};
    i.op = static_cast<syncline::operation>(1 + random.below(3));
    for (std::uint64_t n = random.below(5); n > 0; --n) {
        // One draw a statement: the order of arguments is the compiler's, and a seed means the same everywhere.
        const auto field = static_cast<syncline::field_index>(random.below(syncline::max_fields));
        i.changes.set(field, random_value(random));
    }
    if (random.chance(1, 2)) i.before = random_record(random);
    i.base.row_version = random_integer(random);
    i.base.after = random_octets(random);
    i.ordinal = random.next();
    i.edited_at = syncline::from_microseconds(random_integer(random));
    if (random.chance(1, 2)) i.waiting = syncline::wait_reason{syncline::errc::held, random_octets(random)};
    for (std::uint64_t n = random.below(3); n > 0; --n) i.unseen.insert(static_cast<syncline::field_index>(random.below(syncline::max_fields)));
    return i;
}

/// @p bytes with one to three octets changed, removed or added.
inline std::string mutated(syncline::seeded_random& random, std::string bytes) {
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
        const auto octet = static_cast<char>(static_cast<unsigned char>(random.below(256)));
        const auto at = static_cast<std::size_t>(random.below(bytes.size() + 1));
        switch (random.below(3)) {
        case 0: bytes.insert(at, 1, octet); break;
        case 1: bytes.erase(at, 1); break;
        default:
            if (at < bytes.size()) bytes[at] = octet;
        }
    }
    return bytes;
}

}  // namespace tests

#endif
