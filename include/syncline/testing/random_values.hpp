#ifndef SYNCLINE_TESTING_RANDOM_VALUES_HPP
#define SYNCLINE_TESTING_RANDOM_VALUES_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// An integer, often one at the edge of something.
[[nodiscard]] inline std::int64_t random_integer(seeded_random& random) {
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
[[nodiscard]] inline std::string random_octets(seeded_random& random) {
    std::string s;
    for (std::uint64_t n = random.chance(1, 20) ? 120 + random.below(300) : random.below(8); n > 0; --n)
        s.push_back(static_cast<char>(static_cast<unsigned char>(random.below(256))));
    return s;
}

/// A value of any kind, its content as wild as the kind can hold: what a store or a codec has to bear, not what a person types.
[[nodiscard]] inline value random_value(seeded_random& random) {
    switch (random.below(9)) {
    case 0: return value::null();
    case 1: return value::boolean(random.chance(1, 2));
    case 2: return value::integer(random_integer(random));
    case 3: return value::real(std::bit_cast<double>(random.next()));
    case 4: return value::decimal(random_octets(random));
    case 5: return value::text(random_octets(random));
    case 6: return value::bytes(random_octets(random));
    case 7: return value::time(from_microseconds(random_integer(random)));
    default: return value::json(random_octets(random));
    }
}

/// A record of up to @p most_fields such values.
[[nodiscard]] inline record random_record(seeded_random& random, std::size_t most_fields = 6) {
    record r;
    for (std::uint64_t n = random.below(most_fields + 1); n > 0; --n) r.fields.push_back(random_value(random));
    return r;
}

/// An intent whose every part is such a value.
[[nodiscard]] inline intent random_intent(seeded_random& random) {
    intent i;
    i.key = {static_cast<model_id>(random.below(3)), random_octets(random)};
    i.op = static_cast<operation>(1 + random.below(3));
    for (std::uint64_t n = random.below(5); n > 0; --n) {
        // One draw a statement: the order of arguments is the compiler's, and a seed means the same everywhere.
        const auto field = static_cast<field_index>(random.below(max_fields));
        i.changes.set(field, random_value(random));
    }
    if (random.chance(1, 2)) i.before = random_record(random);
    i.base.row_version = random_integer(random);
    i.base.after = random_octets(random);
    i.ordinal = random.next();
    i.edited_at = from_microseconds(random_integer(random));
    if (random.chance(1, 2)) i.waiting = wait_reason{errc::held, random_octets(random)};
    for (std::uint64_t n = random.below(3); n > 0; --n) i.unseen.insert(static_cast<field_index>(random.below(max_fields)));
    return i;
}

/// A value of @p kind as a person or a program would write it, often the same as another one, so that values meet: small numbers, short texts of
/// a few letters and lines, decimals in digits, arrays of names for JSON. A real is exact, so that sums of a few of them are too.
[[nodiscard]] inline value plain_value(value_kind kind, seeded_random& random) {
    const auto few = [&](std::uint64_t n) { return static_cast<std::int64_t>(random.below(n)); };
    const auto word = [&] {
        const auto letter = static_cast<char>('a' + few(4));
        return std::string(1 + static_cast<std::size_t>(random.below(2)), letter);
    };
    switch (kind) {
    case value_kind::null: break;
    case value_kind::boolean: return value::boolean(random.chance(1, 2));
    case value_kind::integer: return value::integer(random.chance(1, 8) ? random_integer(random) : few(9) - 4);
    case value_kind::real: return value::real(static_cast<double>(few(17) - 8) / 2.0);
    case value_kind::decimal: {
        std::string digits = random.chance(1, 3) ? "-" : "";
        digits += std::to_string(few(6));
        if (random.chance(1, 2)) digits += random.chance(1, 2) ? ".5" : ".50";
        return value::decimal(std::move(digits));
    }
    case value_kind::text: {
        std::string text;
        for (std::uint64_t lines = random.below(4); lines > 0; --lines) text += word() + "\n";
        if (random.chance(1, 2)) text += word();
        return value::text(std::move(text));
    }
    case value_kind::bytes: return value::bytes(random_octets(random).substr(0, 4));
    case value_kind::time: return value::time(from_microseconds(1'700'000'000'000'000 + few(5) * 1'000'000));
    case value_kind::json: {
        std::string names;
        for (char c = 'a'; c < 'e'; ++c)
            if (random.chance(1, 2)) names.append(names.empty() ? "\"" : ",\"").append(1, c).append("\"");
        return value::json("[" + names + "]");
    }
    }
    return value::null();
}

/// Values a little simpler than @p v, the simplest first; none where there is none. Trying them again and again ends.
[[nodiscard]] inline std::vector<value> simpler_values(const value& v) {
    std::vector<value> out;
    if (v.is_null()) return out;
    out.push_back(value::null());
    const auto put = [&](value simpler) {
        if (!(simpler == v)) out.push_back(std::move(simpler));
    };
    switch (v.kind()) {
    case value_kind::null: break;
    case value_kind::boolean:
        if (v.as_boolean()) put(value::boolean(false));
        break;
    case value_kind::integer: {
        const std::int64_t n = v.as_integer();
        if (n != 0) put(value::integer(0));
        put(value::integer(n / 2));
        if (n > 0) put(value::integer(n - 1));
        break;
    }
    case value_kind::real:
        if (v.as_real() < 0.0 || v.as_real() > 0.0) put(value::real(0.0));
        break;
    case value_kind::time: {
        const std::int64_t us = to_microseconds(v.as_time());
        put(value::time(from_microseconds(us / 2)));
        break;
    }
    case value_kind::decimal:
        if (v.as_string() != "0") put(value::decimal("0"));
        break;
    case value_kind::json:
        if (v.as_string().size() > 2) put(value::json("[]"));
        break;
    case value_kind::text:
    case value_kind::bytes: {
        const std::string& s = v.as_string();
        const auto made = [&](std::string part) { return v.kind() == value_kind::text ? value::text(std::move(part)) : value::bytes(std::move(part)); };
        if (!s.empty()) put(made({}));
        const std::size_t half = s.size() / 2;
        if (half > 0 && v.kind() == value_kind::bytes) put(made(s.substr(0, half)));
        if (v.kind() == value_kind::text)
            for (std::size_t at = s.find('\n'); at != std::string::npos; at = s.find('\n', at + 1)) {
                put(made(s.substr(0, at)));
                put(made(s.substr(at + 1)));
            }
        break;
    }
    }
    return out;
}

/// @p bytes with one to three octets changed, removed or added.
[[nodiscard]] inline std::string mutated(seeded_random& random, std::string bytes) {
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

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
