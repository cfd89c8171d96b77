#ifndef SYNCLINE_ENGINE_SEALING_HPP
#define SYNCLINE_ENGINE_SEALING_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What a request itself wrote: which mutation stands behind a record's change, and which of its fields count as written
/// even where the value stayed the same.
struct own_write {
    mutation_id writer;
    field_set fields;
    bool wrote = false;         ///< the record gets a new version even where nothing differs
    timestamp written_at{};     ///< as far as it is believed
};
using own_writes = std::unordered_map<record_key, own_write, record_key_hash>;

/// Whom a sealed bundle is from.
struct bundle_source {
    std::string source = "server";
    std::int64_t source_bundle_id = 0;
};

/// Gives order (ENGINE.md rule 2): folds every staged change of the transaction's tenant to its net effect and appends it as
/// the next bundle, with a stamp per row. Appends nothing where nothing differs.
///
/// @param own  what the request wrote itself; empty for foreign changes
/// @return how many rows were sealed. Complexity: one read of the live and of the sealed row per staged record.
template <authority_transaction Transaction>
[[nodiscard]] result<std::size_t> seal(Transaction& t, const schema_set& schemas, const bundle_source& from, const own_writes& own,
                                       timestamp now) {
    auto staged = t.take_staged();
    if (!staged) return std::move(staged).error();
    if (staged->empty() && own.empty()) return std::size_t{0};
    auto head = t.head();
    if (!head) return std::move(head).error();

    bundle b;
    b.head.seq = head->seq + 1;
    b.head.source = from.source;
    b.head.source_bundle_id = from.source_bundle_id;
    std::int64_t stamp = head->stamp;

    std::unordered_map<record_key, bool, record_key_hash> seen;
    const auto take = [&](const record_key& key) -> result<void> {
        if (!seen.emplace(key, true).second) return {};
        auto before = t.sealed(key);
        if (!before) return std::move(before).error();
        auto now_row = t.current(key);
        if (!now_row) return std::move(now_row).error();
        const auto mine = own.find(key);
        const std::optional<record> nothing;
        const std::optional<record>& old_row = *before ? (*before)->row : nothing;
        if (old_row == *now_row && (mine == own.end() || !mine->second.wrote)) return {};

        row_change change;
        change.key = key;
        change.version = b.head.seq;
        stamp = next_stamp(stamp, to_microseconds(now));
        change.stamp = stamp;
        change.op = !*now_row ? operation::erase : old_row ? operation::update : operation::create;
        change.fields = old_row && *now_row ? differing_fields(*old_row, **now_row) : schemas[key.model].all_fields();
        change.written_at = now;
        if (mine != own.end()) {
            change.writer = mine->second.writer;
            if (old_row && *now_row) change.fields |= mine->second.fields;
            if (mine->second.wrote) change.written_at = mine->second.written_at;
        }
        // A record's changes follow one another, and so do their times, whatever clocks say: who saw one can time its own after it.
        if (*before) change.written_at = (std::max)(change.written_at, later_by((*before)->written_at, duration{1}));
        change.after = std::move(*now_row);
        b.rows.push_back(std::move(change));
        return {};
    };
    for (const auto& key : *staged)
        if (auto r = take(key); !r) return std::move(r).error();
    for (const auto& [key, write] : own)
        if (write.wrote)
            if (auto r = take(key); !r) return std::move(r).error();
    if (b.rows.empty()) return std::size_t{0};

    b.head.first_stamp = b.rows.front().stamp;
    b.head.row_count = static_cast<std::uint32_t>(b.rows.size());
    const std::size_t count = b.rows.size();
    if (auto r = t.append(b); !r) return std::move(r).error();
    return count;
}

SYNCLINE_NAMESPACE_END

#endif
