#ifndef SYNCLINE_TESTING_SMALL_MODEL_NAMES_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_NAMES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

inline constexpr std::size_t most_devices = 3;
inline constexpr std::size_t record_count = 2;

/// The wall clock of everybody, which stands still: the hybrid clocks then count what was seen, and nothing else tells changes apart.
inline constexpr timestamp wall_clock = from_microseconds(1'000'000);

/// Other names for devices and records: what is called i is to be called `device[i]`, `record[i]`.
struct renaming {
    std::array<std::uint8_t, most_devices> device{0, 1, 2};
    std::array<std::uint8_t, record_count> record{0, 1};
};

/// Every renaming of the first @p devices devices and the records; the first changes nothing. Where @p alike is false, that one alone.
[[nodiscard]] inline std::vector<renaming> renamings(std::size_t devices, bool alike) {
    std::vector<renaming> out{renaming{}};
    if (!alike) return out;
    out.clear();
    renaming r;
    do {
        for (const bool swapped : {false, true}) {
            r.record = swapped ? std::array<std::uint8_t, record_count>{1, 0} : std::array<std::uint8_t, record_count>{0, 1};
            out.push_back(r);
        }
    } while (std::next_permutation(r.device.begin(), r.device.begin() + static_cast<std::ptrdiff_t>(devices)));
    return out;
}

/// 128 bits that stand for a state or a part of one.
struct fingerprint {
    std::uint64_t a = 0;
    std::uint64_t b = 0;

    friend auto operator<=>(const fingerprint&, const fingerprint&) = default;
};

/// Spreads every bit of @p x over the whole number; one to one.
[[nodiscard]] constexpr std::uint64_t spread(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/// @p of with @p next behind it.
[[nodiscard]] constexpr fingerprint followed_by(const fingerprint& of, const fingerprint& next) noexcept {
    return {spread(of.a + 0x9e3779b97f4a7c15ULL) ^ spread(next.a * 3 + of.b), spread(of.b + 0xd6e8feb86659fd93ULL) + spread(next.b ^ std::rotl(of.a, 23))};
}

/// The fingerprint of @p bytes.
[[nodiscard]] inline fingerprint fingerprint_of(std::string_view bytes) noexcept {
    fingerprint h{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};
    std::uint64_t word = 0;
    std::size_t filled = 0;
    for (const char c : bytes) {
        word = (word << 8U) | static_cast<unsigned char>(c);
        if (++filled < 8) continue;
        h = followed_by(h, {word, word});
        word = 0;
        filled = 0;
    }
    return followed_by(h, {word, (std::uint64_t{bytes.size()} << 8U) | filled});
}

[[nodiscard]] inline record_key key_of(std::size_t record) { return {0, std::string{"r"} + static_cast<char>('0' + record)}; }
[[nodiscard]] inline std::uint8_t record_of(const record_key& key) { return static_cast<std::uint8_t>(key.key[1] - '0'); }

/// Devices write values that say who wrote them, and in which of its operations: then no two are alike.
inline constexpr std::int64_t first_tagged = 100;
[[nodiscard]] constexpr std::int64_t tagged_value(std::size_t device, std::size_t operation) noexcept {
    return first_tagged + static_cast<std::int64_t>(device) * 10 + static_cast<std::int64_t>(operation);
}
/// The device that wrote @p v; nothing: none did.
[[nodiscard]] inline std::optional<std::uint8_t> writer_of(const value& v) {
    if (v.kind() != value_kind::integer || v.as_integer() < first_tagged) return std::nullopt;
    return static_cast<std::uint8_t>((v.as_integer() - first_tagged) / 10);
}

/// Whose mutation an id names.
struct id_meaning {
    std::uint8_t device = 0;
    std::uint64_t batch = 0;
    std::uint32_t position = 0;
};

/// What the ids and hashes mean that stand in stores and messages.
struct name_table {
    std::unordered_map<std::string, id_meaning> ids;                  ///< of mutations, and of the bundles that devices commit
    std::vector<std::string> mutations;                               ///< the ids that are mutations'
    std::unordered_map<std::string, intent> contents;                 ///< by content hash
    std::unordered_map<std::string, std::vector<mutation>> bundles;   ///< by bundle content hash
};

/// Writes what stores hold under other names. Two states that differ by a renaming alone are written alike, each under the right one.
class part_writer {
public:
    part_writer(const renaming& as, const name_table& names) : as_(&as), names_(&names) {}

    [[nodiscard]] const renaming& as() const noexcept { return *as_; }
    [[nodiscard]] const std::string& bytes() const noexcept { return out_; }

    void number(std::int64_t n) {
        auto u = (static_cast<std::uint64_t>(n) << 1U) ^ static_cast<std::uint64_t>(n >> 63U);
        for (; u >= 128; u >>= 7U) out_.push_back(static_cast<char>(0x80U | (u & 0x7fU)));
        out_.push_back(static_cast<char>(u));
    }
    void number(std::uint64_t n) { number(static_cast<std::int64_t>(n)); }
    void time(timestamp t) { number(t == (timestamp::min)() ? std::int64_t{-1} : (t - wall_clock).count()); }
    void flag(bool b) { out_.push_back(b ? 1 : 0); }
    void key(const record_key& k) { out_.push_back(static_cast<char>(as_->record[record_of(k)])); }
    void put(const value& v) {
        if (v.kind() != value_kind::integer) {
            out_.push_back(static_cast<char>(v.kind()));
            out_.append(v.as_string());
            return;
        }
        out_.push_back(static_cast<char>(value_kind::integer));
        const auto by = writer_of(v);
        number(by ? tagged_value(as_->device[*by], static_cast<std::size_t>((v.as_integer() - first_tagged) % 10)) : v.as_integer());
    }
    void put(const std::optional<record>& row) {
        flag(row.has_value());
        if (!row) return;
        for (const auto& v : row->fields) put(v);
    }
    void id(const mutation_id& id) {
        const auto at = names_->ids.find(id);
        flag(!id.empty());
        if (id.empty()) return;
        flag(at != names_->ids.end());
        if (at == names_->ids.end()) return;
        out_.push_back(static_cast<char>(as_->device[at->second.device]));
        number(at->second.batch);
        number(std::uint64_t{at->second.position});
    }
    void put(const intent& i) {
        key(i.key);
        out_.push_back(static_cast<char>(i.op));
        number(std::uint64_t{i.changes.size()});
        for (const auto& c : i.changes) {
            number(std::uint64_t{c.field});
            put(c.to);
        }
        put(i.before);
        number(i.base.row_version);
        id(i.base.after);
        time(i.edited_at);
        flag(i.waiting.has_value());
        if (i.waiting) number(static_cast<std::int64_t>(i.waiting->code));
    }
    /// What was sent under a hash.
    void content(const std::string& hash) {
        const auto at = names_->contents.find(hash);
        flag(at != names_->contents.end());
        if (at == names_->contents.end()) return;
        intent sent = at->second;
        sent.waiting.reset();
        // Only what the hash covers.
        if (sent.before)
            for (std::size_t f = 0; f < sent.before->fields.size(); ++f)
                if (sent.changes.find(static_cast<field_index>(f)) == nullptr) sent.before->fields[f] = value{};
        if (sent.changes.empty()) sent.before.reset();
        put(sent);
    }
    void bundle_content(const std::string& hash, std::size_t fields) {
        const auto at = names_->bundles.find(hash);
        flag(at != names_->bundles.end());
        if (at == names_->bundles.end()) return;
        for (const auto& m : at->second) {
            key(m.what.key);
            out_.push_back(static_cast<char>(m.what.op));
            number(m.what.base.row_version);
            if (m.what.op != operation::erase) put(std::optional<record>{m.what.whole(fields)});
        }
    }

private:
    const renaming* as_;
    const name_table* names_;
    std::string out_;
};

/// The fingerprints of one part of a state under each renaming.
using fingerprints = std::vector<fingerprint>;

/// Writes a part under every renaming. @param write  called with a `part_writer`  @param plain  gets what is written under the real names
template <class Write>
[[nodiscard]] fingerprints write_under(const std::vector<renaming>& all, const name_table& names, std::string& plain, Write write) {
    fingerprints out;
    out.reserve(all.size());
    for (const auto& as : all) {
        part_writer w{as, names};
        write(w);
        if (out.empty()) plain = w.bytes();
        out.push_back(fingerprint_of(w.bytes()));
    }
    return out;
}

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
