#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_REFERENCE_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_REFERENCE_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>
#include <syncline/testing/storage/show.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// One tenant of an authority's store as the list of all bundles ever sealed, from which every answer is computed anew: slow and obviously right.

namespace testing::storage {

[[nodiscard]] inline std::vector<record_key> sorted(std::vector<record_key> keys) {
    std::sort(keys.begin(), keys.end());
    return keys;
}

/// A change to make and to seal: the row to write, or nothing to erase.
struct planned_change {
    record_key key;
    std::optional<record> row;
    mutation_id writer;
};

/// The bundle that seals @p plan, numbered and stamped after @p head.
[[nodiscard]] inline bundle bundle_of(const authority_head& head, const std::vector<planned_change>& plan, const std::string& source = "server",
                        std::int64_t source_bundle_id = 0) {
    bundle b;
    b.head.seq = head.seq + 1;
    b.head.source = source;
    b.head.source_bundle_id = source_bundle_id;
    b.head.row_count = static_cast<std::uint32_t>(plan.size());
    std::int64_t stamp = head.stamp;
    for (const auto& p : plan) {
        row_change c;
        c.key = p.key;
        c.op = p.row ? operation::update : operation::erase;
        c.version = b.head.seq;
        stamp += 1 + b.head.seq % 3;  // stamps have gaps
        c.stamp = stamp;
        c.after = p.row;
        c.fields.insert(static_cast<field_index>(stamp % 5));
        c.fields.insert(static_cast<field_index>(p.key.model));
        c.writer = p.writer;
        c.written_at = from_microseconds(1700000000000000 + stamp * 7);
        b.rows.push_back(std::move(c));
    }
    if (!b.rows.empty()) b.head.first_stamp = b.rows.front().stamp;
    return b;
}

/// Writes @p plan to the app's tables and seals it, and what was staged before, without the engine: what a push does.
template <class T>
bundle write_and_seal(checker& check, T& t, const std::vector<planned_change>& plan, const std::string& source = "server", std::int64_t source_bundle_id = 0) {
    for (const auto& p : plan) check.must(p.row ? t.write(p.key, *p.row) : t.erase(p.key), "write or erase");
    check.must(t.take_staged(), "take_staged");
    const bundle b = bundle_of(check.must(t.head(), "head"), plan, source, source_bundle_id);
    check.must(t.append(b), "append");
    return b;
}

/// The few records of one tenant that random operations use, and one that they do not. Keys of two tenants differ.
[[nodiscard]] inline std::vector<record_key> authority_universe(const std::string& tenant) {
    std::vector<record_key> out;
    for (const char* k : {"a", "b", "B", "c'", "\xC3\xA9", "never"})
        for (const model_id m : {project, task}) out.push_back({m, tenant + "-" + k});
    std::sort(out.begin(), out.end());
    return out;
}

/// The changes of @p k above @p above that must be kept: those above the floor, and the last one. A store may keep more: a
/// change that was a record's last one when history was pruned, and was superseded since.
template <class T>
[[nodiscard]] std::vector<change_mark> kept_changes(checker& check, T& t, const record_key& k, std::int64_t above) {
    const auto head = check.must(t.head(), "head");
    const auto row = check.must(t.sealed(k), "sealed");
    return slice(check.must(t.changes_of(k, above), "changes_of"), [&](const auto& c) { return c.version > head.floor_seq || (row && c.version == row->version); }, 1000000);
}

/// What a transaction tells of a tenant's tables and history, as text.
/// @param mutations  ids of receipts to ask for
template <class T>
[[nodiscard]] std::string authority_text(checker& check, T& t, const std::string& tenant, const std::vector<std::string>& mutations = {}) {
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    const auto head = check.must(t.head(), "head");
    std::string out{"head "};
    for (const auto n : {head.seq, head.stamp, head.floor_seq, head.floor_stamp}) out.append(std::to_string(n)).append(" ");
    for (const auto& l : head.lost)
        for (const auto n : {l.after_seq, l.before_seq, l.after_stamp, l.before_stamp}) out.append("lost ").append(std::to_string(n)).append(" ");
    for (const auto& m : check.must(t.sources(), "sources")) out.append(show(m)).append("\n");
    for (const auto& [name, body] : check.must(t.notes("p", ""), "notes")) out.append("note ").append(quoted(name)).append(quoted(body)).append("\n");
    out.append(check.must(t.has_staged(), "has_staged") ? "staged\n" : "\n");
    for (const auto& k : authority_universe(tenant)) {
        out.append(show(k)).append(" ").append(show(check.must(t.current(k), "current")));
        if (const auto s = check.must(t.sealed(k), "sealed"))
            out.append(" ").append(show(*s));
        for (const auto& c : kept_changes(check, t, k, 0))
            out.append(" | ").append(show(c));
        if (k.model == project) out.append("\n under it\n").append(show(check.must(t.referencing(k, all), "referencing")));
        out.append("\n");
    }
    out.append("latest\n").append(show(check.must(t.latest_after(0, all), "latest_after")));
    for (const auto& h : check.must(t.bundle_heads(0, all), "bundle_heads")) out.append(show(h)).append("\n").append(show(check.must(t.bundle_rows(h.seq, 0, all), "bundle_rows")));
    for (const auto& id : mutations)
        if (const auto r = check.must(t.find_receipt("p", id), "find_receipt")) out.append("receipt ").append(show(*r)).append("\n");
    return out;
}

/// The reference: everything that was ever sealed.
struct authority_reference {
    std::map<record_key, record> rows;
    std::vector<record_key> staged_keys;
    std::vector<bundle> history;
    std::int64_t floor = 0;
    std::map<std::pair<std::string, std::string>, source_mark> marks;
    std::map<std::string, std::string> noted;  // of the principal `p`

    void stage(const record_key& k) {
        if (std::find(staged_keys.begin(), staged_keys.end(), k) == staged_keys.end()) staged_keys.push_back(k);
    }
    /// @pre a row that is erased is there
    void write(const record_key& k, const std::optional<record>& r) {
        stage(k);
        if (r)
            rows[k] = *r;
        else
            rows.erase(k);
    }
    [[nodiscard]] std::vector<row_change> all_of(const record_key& k) const {
        std::vector<row_change> out;
        for (const auto& b : history)
            for (const auto& c : b.rows)
                if (c.key == k) out.push_back(c);
        return out;
    }

    // The shape of a transaction, as far as `authority_text` needs it.
    result<authority_head> head() {
        authority_head h;
        h.epoch = "any";
        h.floor_seq = floor;
        for (const auto& b : history) {
            h.seq = b.head.seq;
            for (const auto& c : b.rows) {
                h.stamp = c.stamp;
                if (c.version <= floor) h.floor_stamp = c.stamp;
            }
        }
        return h;
    }
    result<std::vector<source_mark>> sources() {
        std::vector<source_mark> out;
        for (const auto& [name, m] : marks) out.push_back(m);
        return out;
    }
    result<std::vector<std::pair<std::string, std::string>>> notes(const std::string&, const std::string&) {
        return std::vector<std::pair<std::string, std::string>>(noted.begin(), noted.end());
    }
    result<bool> has_staged() { return !staged_keys.empty(); }
    result<std::optional<record>> current(const record_key& k) {
        const auto at = rows.find(k);
        return at == rows.end() ? std::optional<record>{} : std::optional{at->second};
    }
    result<std::optional<sealed_row>> sealed(const record_key& k) {
        const auto changes = all_of(k);
        if (changes.empty()) return std::optional<sealed_row>{};
        sealed_row s{changes.back().version, changes.back().stamp, changes.back().after, 0, changes.back().written_at};
        for (const auto& c : changes)
            if (c.version <= floor) s.pruned_version = c.version;
        return std::optional{s};
    }
    result<std::vector<change_mark>> changes_of(const record_key& k, std::int64_t above) {
        std::vector<change_mark> out;
        const auto changes = all_of(k);
        for (const auto& c : changes)
            if (c.version > above && (c.version > floor || c.version == changes.back().version)) out.push_back({c.version, c.fields, c.writer});
        return out;
    }
    result<std::vector<record_key>> referencing(const record_key& k, std::size_t n) {
        std::vector<record_key> out;
        for (const auto& [key, row] : rows)
            if (key.model == task && row.fields[2] == value::text(k.key) && out.size() < n) out.push_back(key);
        return out;
    }
    result<std::vector<row_change>> latest_after(std::int64_t stamp, std::size_t n) {
        std::vector<row_change> out;
        for (const auto& b : history)
            for (const auto& c : b.rows)
                if (c.stamp > stamp && all_of(c.key).back().stamp == c.stamp && out.size() < n) out.push_back(c);
        return out;
    }
    result<std::vector<bundle_head>> bundle_heads(std::int64_t above, std::size_t n) {
        std::vector<bundle_head> out;
        for (const auto& b : history)
            if (b.head.seq > (std::max)(above, floor) && out.size() < n) out.push_back(b.head);
        return out;
    }
    result<std::vector<row_change>> bundle_rows(std::int64_t seq, std::uint32_t from, std::size_t n) {
        std::vector<row_change> out;
        for (const auto& b : history)
            if (b.head.seq == seq)
                for (std::size_t i = from; i < b.rows.size() && out.size() < n; ++i) out.push_back(b.rows[i]);
        return out;
    }
    result<std::optional<receipt>> find_receipt(const std::string&, const mutation_id&) { return std::optional<receipt>{}; }
};

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
