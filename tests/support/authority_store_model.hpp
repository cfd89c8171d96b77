#ifndef SYNCLINE_TESTS_SUPPORT_AUTHORITY_STORE_MODEL_HPP
#define SYNCLINE_TESTS_SUPPORT_AUTHORITY_STORE_MODEL_HPP

#include "support/store_contract.hpp"

#include <syncline/storage/authority_store.hpp>
#include <syncline/support/random.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// One tenant of an authority's store as the list of all bundles ever sealed, from which every answer is computed anew: slow and
// obviously right. Random operations run on it and on a real store side by side.

namespace store_contract {

/// A change to make and to seal: the row to write, or nothing to erase.
struct planned_change {
    record_key key;
    std::optional<record> row;
    mutation_id writer;
};

/// The bundle that seals @p plan, numbered and stamped after @p head.
inline bundle bundle_of(const authority_head& head, const std::vector<planned_change>& plan, const std::string& source = "server",
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
bundle write_and_seal(T& t, const std::vector<planned_change>& plan, const std::string& source = "server", std::int64_t source_bundle_id = 0) {
    for (const auto& p : plan) must(p.row ? t.write(p.key, *p.row) : t.erase(p.key));
    must(t.take_staged());
    const bundle b = bundle_of(must(t.head()), plan, source, source_bundle_id);
    must(t.append(b));
    return b;
}

/// The few records of one tenant that random operations use, and one that they do not. Keys of two tenants differ.
inline std::vector<record_key> authority_universe(const std::string& tenant) {
    std::vector<record_key> out;
    for (const char* k : {"a", "b", "B", "c'", "\xC3\xA9", "never"})
        for (const model_id m : {project, task}) out.push_back({m, tenant + "-" + k});
    std::sort(out.begin(), out.end());
    return out;
}

inline std::string show(const source_mark& m) {
    std::string out{"source "};
    out.append(quoted(m.principal)).append(quoted(m.source)).append(m.seq ? " seq " : " no seq ").append(std::to_string(m.seq.value_or(0)));
    out.append(m.stamp ? " stamp " : " no stamp ").append(std::to_string(m.stamp.value_or(0))).append(" at ").append(std::to_string(to_microseconds(m.seen)));
    return out;
}

inline std::string show(const receipt& r) {
    std::string out{quoted(r.id)};
    out.append(" ").append(name_of(r.outcome)).append(show(r.key)).append(" v").append(std::to_string(r.version)).append(r.clean ? " clean" : "");
    out.append(r.carries_row ? " row " : " ").append(quoted(r.after)).append(quoted(r.content_hash)).append(show(r.why));
    for (const auto& m : r.messages) out.append(m.field).append("=").append(m.text);
    return out;
}

/// The changes of @p k above @p above that must be kept: those above the floor, and the last one. A store may keep more: a
/// change that was a record's last one when history was pruned, and was superseded since.
template <class T>
std::vector<change_mark> kept_changes(T& t, const record_key& k, std::int64_t above) {
    const auto head = must(t.head());
    const auto row = must(t.sealed(k));
    return slice(must(t.changes_of(k, above)), [&](const auto& c) { return c.version > head.floor_seq || (row && c.version == row->version); }, 1000000);
}

/// What a transaction tells of a tenant's tables and history, as text.
/// @param mutations  ids of receipts to ask for
template <class T>
std::string authority_text(T& t, const std::string& tenant, const std::vector<std::string>& mutations = {}) {
    constexpr auto all = (std::numeric_limits<std::size_t>::max)();
    const auto head = must(t.head());
    std::string out{"head "};
    for (const auto n : {head.seq, head.stamp, head.floor_seq, head.floor_stamp}) out.append(std::to_string(n)).append(" ");
    for (const auto& l : head.lost)
        for (const auto n : {l.after_seq, l.before_seq, l.after_stamp, l.before_stamp}) out.append("lost ").append(std::to_string(n)).append(" ");
    for (const auto& m : must(t.sources())) out.append(show(m)).append("\n");
    for (const auto& [name, body] : must(t.notes("p", ""))) out.append("note ").append(quoted(name)).append(quoted(body)).append("\n");
    out.append(must(t.has_staged()) ? "staged\n" : "\n");
    for (const auto& k : authority_universe(tenant)) {
        out.append(show(k)).append(" ").append(show(must(t.current(k))));
        if (const auto s = must(t.sealed(k)))
            out.append(" sealed v").append(std::to_string(s->version)).append(" s").append(std::to_string(s->stamp)).append(" ").append(show(s->row))
                .append(" pruned ").append(std::to_string(s->pruned_version)).append(" at ").append(std::to_string(to_microseconds(s->written_at)));
        for (const auto& c : kept_changes(t, k, 0))
            out.append(" | ").append(std::to_string(c.version)).append(show(c.fields)).append(quoted(c.writer));
        if (k.model == project) out.append("\n under it\n").append(show(must(t.referencing(k, all))));
        out.append("\n");
    }
    out.append("latest\n").append(show(must(t.latest_after(0, all))));
    for (const auto& h : must(t.bundle_heads(0, all))) out.append(show(h)).append("\n").append(show(must(t.bundle_rows(h.seq, 0, all))));
    for (const auto& id : mutations)
        if (const auto r = must(t.find_receipt("p", id))) out.append("receipt ").append(show(*r)).append("\n");
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
    void write(const record_key& k, const std::optional<record>& r) {
        if (!r && !rows.contains(k)) return;
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

/// A row for @p k that may refer to the live project number @p in of @p model, if that is one.
inline record random_authority_row(const record_key& k, const authority_reference& model, seeded_random& draw, std::uint64_t n) {
    if (k.model == project) return project_row(std::to_string(n));
    std::vector<std::string> parents{""};
    for (const auto& [key, row] : model.rows)
        if (key.model == project) parents.push_back(key.key);
    return task_row(std::to_string(n), "", parents[draw.below(parents.size())], parents[draw.below(parents.size())]);
}

/// Erases @p k in the reference as the tables do, cascades and set-null included. The order in which they stage is open.
inline void erase_with_actions(authority_reference& m, const record_key& k) {
    if (!m.rows.contains(k)) return;
    m.write(k, std::nullopt);
    if (k.model != project) return;
    const auto before = m.rows;
    for (const auto& [key, row] : before) {
        if (key.model != task) continue;
        if (row.fields[2] == value::text(k.key)) {
            m.write(key, std::nullopt);
        } else if (row.fields[3] == value::text(k.key)) {
            record changed = row;
            changed.fields[3] = value::null();
            m.write(key, changed);
        }
    }
}

inline std::vector<record_key> sorted(std::vector<record_key> keys) {
    std::sort(keys.begin(), keys.end());
    return keys;
}

/// Random writes of two tenants' apps, random transactions with savepoints, seals and prunes, each committed or dropped.
template <class Harness>
void run_random_authority(Harness& h, std::uint64_t seed) {
    INFO("seed " << seed);
    seeded_random draw{seed};
    std::map<std::string, authority_reference> models{{"alice", {}}, {"bob", {}}};
    std::uint64_t n = 0;
    for (int round = 0; round < 40; ++round) {
        INFO("round " << round);
        const std::string tenant = draw.chance(2, 3) ? "alice" : "bob";
        authority_reference& model = models[tenant];
        const auto keys = authority_universe(tenant);
        const auto any_key = [&] {
            const auto& k = keys[draw.below(keys.size())];
            return k.key == tenant + "-never" ? record_key{k.model, tenant + "-a"} : k;
        };
        const auto change = [&](authority_reference& m, auto write, auto erase) {
            const record_key k = any_key();
            if (draw.chance(2, 3)) {
                const record row = random_authority_row(k, m, draw, ++n);
                must(write(k, row));
                m.write(k, row);
            } else {
                must(erase(k));
                erase_with_actions(m, k);
            }
        };
        for (auto edits = draw.below(4); edits > 0; --edits)
            change(model, [&](const auto& k, const auto& r) { return h.app_write(tenant, k, r); }, [&](const auto& k) { return h.app_erase(tenant, k); });

        authority_reference working = model;
        bool kept = false;
        {
            auto t = must(h.store().begin(tenant, access::write));
            const auto write = [&](const auto& k, const auto& r) { return t.write(k, r); };
            const auto erase = [&](const auto& k) { return t.erase(k); };
            for (auto operations = draw.below(8); operations > 0; --operations) {
                switch (draw.below(7)) {
                case 0:
                case 1: change(working, write, erase); break;
                case 2: {
                    must(t.savepoint());
                    authority_reference inner = working;
                    for (auto writes = draw.below(4); writes > 0; --writes) change(inner, write, erase);
                    if (draw.chance(1, 2)) {
                        must(t.rollback_to_savepoint());
                    } else {
                        must(t.release_savepoint());
                        working = inner;
                    }
                    break;
                }
                case 3:
                case 4: {
                    auto staged = must(t.take_staged());
                    REQUIRE(sorted(staged) == sorted(working.staged_keys));
                    working.staged_keys.clear();
                    if (staged.empty()) break;
                    std::vector<planned_change> plan;
                    for (const auto& k : staged) plan.push_back({k, must(working.current(k)), draw.chance(1, 2) ? "m" + std::to_string(++n) : ""});
                    const bundle b = bundle_of(must(t.head()), plan, draw.chance(1, 2) ? "server" : "dev'ice", static_cast<std::int64_t>(n));
                    must(t.append(b));
                    working.history.push_back(b);
                    break;
                }
                case 5:
                    if (draw.chance(1, 3)) {
                        const std::int64_t seq = must(working.head()).seq;
                        const auto to = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(seq) + 1));
                        must(t.prune(to));
                        working.floor = (std::max)(working.floor, to);
                    }
                    break;
                case 6: {
                    const std::string note{draw.chance(1, 2) ? "a" : "ab"};
                    if (draw.chance(1, 2)) {
                        must(t.put_note("p", note, std::to_string(++n)));
                        working.noted[note] = std::to_string(n);
                    } else {
                        must(t.drop_notes("p", note));
                        std::erase_if(working.noted, [&](const auto& kept_note) { return kept_note.first.starts_with(note); });
                    }
                    const std::pair<std::string, std::string> name{draw.chance(1, 2) ? "p" : "it's", draw.chance(1, 2) ? "s" : "\xC3\xA9"};
                    if (draw.chance(1, 3)) {
                        must(t.drop_source(name.first, name.second));
                        working.marks.erase(name);
                        break;
                    }
                    source_mark m{name.first, name.second, {}, {}, from_microseconds(static_cast<std::int64_t>(++n))};
                    if (draw.chance(1, 2)) m.seq = static_cast<std::int64_t>(draw.below(9));
                    if (draw.chance(1, 2)) m.stamp = static_cast<std::int64_t>(draw.below(9));
                    must(t.put_source(m));
                    working.marks[name] = m;
                    REQUIRE(must(t.find_source(m.principal, m.source)) == m);
                    REQUIRE_FALSE(must(t.find_source(m.source, m.principal)));
                    break;
                }
                }
            }
            const record_key k = any_key();
            const auto above = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(must(working.head()).seq) + 2));
            const auto stamp = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(must(working.head()).stamp) + 2));
            REQUIRE(kept_changes(t, k, above) == must(working.changes_of(k, above)));
            const auto row = must(working.sealed(k));
            REQUIRE(slice(must(t.history_of(k)), [&](const auto& c) { return c.version > working.floor || (row && c.version == row->version); }, 1000000) ==
                    slice(working.all_of(k), [&](const auto& c) { return c.version > working.floor || (row && c.version == row->version); }, 1000000));
            REQUIRE(must(t.latest_after(stamp, 2)) == must(working.latest_after(stamp, 2)));
            REQUIRE(must(t.bundle_heads(above, 2)) == must(working.bundle_heads(above, 2)));
            REQUIRE(authority_text(t, tenant) == authority_text(working, tenant));
            kept = draw.chance(2, 3);
            if (kept) must(t.commit());
        }
        if (kept) model = working;
        if (draw.chance(1, 8)) h.reopen();
        for (auto& [name, expected] : models) {
            auto t = must(h.store().begin(name, access::snapshot));
            REQUIRE(authority_text(t, name) == authority_text(expected, name));
        }
    }
}

}  // namespace store_contract

#endif
