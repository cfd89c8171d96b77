#ifndef SYNCLINE_ENGINE_SEALING_HPP
#define SYNCLINE_ENGINE_SEALING_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
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
    bool knows_before = false;           ///< `before` speaks: the record as it was sealed before the request
    std::optional<sealed_row> before{};
};
using own_writes = std::unordered_map<record_key, own_write, record_key_hash>;

/// Whom a sealed bundle is from.
struct bundle_source {
    std::string source = "server";
    std::int64_t source_bundle_id = 0;
};

/// When a change counts as made that claims @p claimed: a record's changes follow one another, and so do their times, whatever clocks say: who saw
/// one can time its own after it.
[[nodiscard]] inline timestamp written_after(timestamp claimed, const std::optional<sealed_row>& before) noexcept {
    return before ? (std::max)(claimed, later_by(before->written_at, duration{1})) : claimed;
}

/// Orders the rows of one bundle so that whoever has taken in any first part of them has no row without what it refers to: writes, what is
/// referred to first; then erases, what refers first. Within a cycle, and otherwise, as given.
/// @param erased_references  what the erased rows of @p rows referred to, one entry for each in their order
/// Complexity: linear in rows and references
inline void order_for_appliers(const schema_set& schemas, std::vector<row_change>& rows, const std::vector<std::vector<record_key>>& erased_references) {
    struct part {
        std::vector<record_key> keys;
        std::vector<std::vector<record_key>> references;
        std::vector<std::size_t> at;  // positions in `rows`
    };
    part writes;
    part erases;
    // From the last to the first, and turned round at the end: so erases come referring first, and keep their order otherwise.
    std::size_t erased = erased_references.size();
    for (std::size_t i = rows.size(); i-- > 0;) {
        if (rows[i].after) continue;
        erases.keys.push_back(rows[i].key);
        erases.references.push_back(erased_references[--erased]);
        erases.at.push_back(i);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!rows[i].after) continue;
        writes.keys.push_back(rows[i].key);
        writes.references.push_back(references_of(schemas, rows[i].key.model, *rows[i].after));
        writes.at.push_back(i);
    }
    std::vector<row_change> out;
    out.reserve(rows.size());
    for (const std::size_t i : referenced_first(writes.keys, writes.references)) out.push_back(std::move(rows[writes.at[i]]));
    const auto falling = referenced_first(erases.keys, erases.references);
    for (std::size_t i = falling.size(); i-- > 0;) out.push_back(std::move(rows[erases.at[falling[i]]]));
    rows = std::move(out);
}

/// Gives order (ENGINE.md rule 2): folds every staged change of the transaction's tenant to its net effect and appends it as
/// the next bundle, with a stamp per row, in the order of `order_for_appliers`. Appends nothing where nothing differs.
///
/// @param own  what the request wrote itself; empty for foreign changes
/// @return the rows of the bundle. Complexity: one read of the live row per staged record, and of the sealed one unless @p own knows it.
template <authority_transaction Transaction>
[[nodiscard]] result<std::vector<row_change>> seal(Transaction& t, const schema_set& schemas, const bundle_source& from, const own_writes& own,
                                       timestamp now) {
    auto staged = t.take_staged();
    if (!staged) return std::move(staged).error();
    if (staged->empty() && own.empty()) return std::vector<row_change>{};
    auto head = t.head();
    if (!head) return std::move(head).error();

    bundle b;
    b.head.seq = next_bundle_seq(*head);
    b.head.source = from.source;
    b.head.source_bundle_id = from.source_bundle_id;
    std::vector<std::vector<record_key>> erased_references;

    std::unordered_map<record_key, bool, record_key_hash> seen;
    const auto take = [&](const record_key& key) -> result<void> {
        if (!seen.emplace(key, true).second) return {};
        const auto mine = own.find(key);
        auto before = mine != own.end() && mine->second.knows_before ? result<std::optional<sealed_row>>{mine->second.before} : t.sealed(key);
        if (!before) return std::move(before).error();
        auto now_row = t.current(key);
        if (!now_row) return std::move(now_row).error();
        const std::optional<record> nothing;
        const std::optional<record>& old_row = *before ? (*before)->row : nothing;
        if (old_row == *now_row && (mine == own.end() || !mine->second.wrote)) return {};

        row_change change;
        change.key = key;
        change.version = b.head.seq;
        change.op = !*now_row ? operation::erase : old_row ? operation::update : operation::create;
        if (old_row && *now_row) change.fields = differing_fields(*old_row, **now_row);
        if (old_row.has_value() != now_row->has_value() || !*before) change.fields = schemas[key.model].all_fields();  // what stays absent changes nothing
        change.written_at = now;
        if (mine != own.end()) {
            change.writer = mine->second.writer;
            if (old_row && *now_row) change.fields |= mine->second.fields;
            if (mine->second.wrote) change.written_at = mine->second.written_at;
        }
        change.written_at = written_after(change.written_at, *before);
        if (!*now_row) erased_references.push_back(old_row ? references_of(schemas, key.model, *old_row) : std::vector<record_key>{});
        change.after = std::move(*now_row);
        b.rows.push_back(std::move(change));
        return {};
    };
    for (const auto& key : *staged)
        if (auto r = take(key); !r) return std::move(r).error();
    for (const auto& [key, write] : own)
        if (write.wrote)
            if (auto r = take(key); !r) return std::move(r).error();
    if (b.rows.empty()) return std::move(b.rows);

    order_for_appliers(schemas, b.rows, erased_references);
    std::int64_t stamp = newest_stamp(*head);
    for (auto& change : b.rows) change.stamp = stamp = next_stamp(stamp, to_microseconds(now));
    b.head.first_stamp = b.rows.front().stamp;
    b.head.row_count = static_cast<std::uint32_t>(b.rows.size());
    if (auto r = t.append(b); !r) return std::move(r).error();
    return std::move(b.rows);
}

SYNCLINE_NAMESPACE_END

#endif
