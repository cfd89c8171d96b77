#ifndef SYNCLINE_TESTING_STORAGE_AUTHORITY_RANDOM_HPP
#define SYNCLINE_TESTING_STORAGE_AUTHORITY_RANDOM_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/authority_reference.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// Random operations on an authority's store and on the reference side by side.

namespace testing::storage {

/// A row for @p k that may refer to the live project number @p in of @p model, if that is one.
[[nodiscard]] inline record random_authority_row(const record_key& k, const authority_reference& model, seeded_random& draw, std::uint64_t n) {
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

/// Random writes of two tenants' apps, random transactions with savepoints, seals and prunes, each committed or dropped.
template <class Harness>
void run_random_authority(checker& check, Harness& h, std::uint64_t seed) {
    const auto at_seed = check.at("seed " + std::to_string(seed));
    seeded_random draw{seed};
    std::map<std::string, authority_reference> models{{"alice", {}}, {"bob", {}}};
    std::uint64_t n = 0;
    for (int round = 0; round < 40; ++round) {
        const auto at_round = check.at("round " + std::to_string(round));
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
                check.must(write(k, row), "write");
                m.write(k, row);
            } else {
                check.must(erase(k), "erase");
                erase_with_actions(m, k);
            }
        };
        for (auto edits = draw.below(4); edits > 0; --edits)
            change(model, [&](const auto& k, const auto& r) { return h.app_write(tenant, k, r); }, [&](const auto& k) { return h.app_erase(tenant, k); });

        authority_reference working = model;
        bool kept = false;
        {
            auto t = check.must(h.store().begin(tenant, access::write), "begin");
            const auto write = [&](const auto& k, const auto& r) { return t.write(k, r); };
            const auto erase = [&](const auto& k) { return t.erase(k); };
            for (auto operations = draw.below(8); operations > 0; --operations) {
                switch (draw.below(7)) {
                case 0:
                case 1: change(working, write, erase); break;
                case 2: {
                    check.must(t.savepoint(), "savepoint");
                    authority_reference inner = working;
                    for (auto writes = draw.below(4); writes > 0; --writes) change(inner, write, erase);
                    if (draw.chance(1, 2)) {
                        check.must(t.rollback_to_savepoint(), "rollback_to_savepoint");
                    } else {
                        check.must(t.release_savepoint(), "release_savepoint");
                        working = inner;
                    }
                    break;
                }
                case 3:
                case 4: {
                    auto staged = check.must(t.take_staged(), "take_staged");
                    check.need_same(sorted(staged), sorted(working.staged_keys), "sorted(staged)");
                    working.staged_keys.clear();
                    if (staged.empty()) break;
                    std::vector<planned_change> plan;
                    for (const auto& k : staged) plan.push_back({k, check.must(working.current(k), "current"), draw.chance(1, 2) ? "m" + std::to_string(++n) : ""});
                    const bundle b = bundle_of(check.must(t.head(), "head"), plan, draw.chance(1, 2) ? "server" : "dev'ice", static_cast<std::int64_t>(n));
                    check.must(t.append(b), "append");
                    working.history.push_back(b);
                    break;
                }
                case 5:
                    if (draw.chance(1, 3)) {
                        const std::int64_t seq = check.must(working.head(), "head").seq;
                        const auto to = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(seq) + 1));
                        check.must(t.prune(to), "prune");
                        working.floor = (std::max)(working.floor, to);
                    }
                    break;
                case 6: {
                    const std::string note{draw.chance(1, 2) ? "a" : "ab"};
                    if (draw.chance(1, 2)) {
                        check.must(t.put_note("p", note, std::to_string(++n)), "put_note");
                        working.noted[note] = std::to_string(n);
                    } else {
                        check.must(t.drop_notes("p", note), "drop_notes");
                        std::erase_if(working.noted, [&](const auto& kept_note) { return kept_note.first.starts_with(note); });
                    }
                    const std::pair<std::string, std::string> name{draw.chance(1, 2) ? "p" : "it's", draw.chance(1, 2) ? "s" : "\xC3\xA9"};
                    if (draw.chance(1, 3)) {
                        check.must(t.drop_source(name.first, name.second), "drop_source");
                        working.marks.erase(name);
                        break;
                    }
                    source_mark m{name.first, name.second, {}, {}, from_microseconds(static_cast<std::int64_t>(++n))};
                    if (draw.chance(1, 2)) m.seq = static_cast<std::int64_t>(draw.below(9));
                    if (draw.chance(1, 2)) m.stamp = static_cast<std::int64_t>(draw.below(9));
                    check.must(t.put_source(m), "put_source");
                    working.marks[name] = m;
                    check.need_same(check.must(t.find_source(m.principal, m.source), "find_source"), m, "find_source(m.principal, m.source)");
                    check.need_none(check.must(t.find_source(m.source, m.principal), "find_source"), "find_source(m.source, m.principal)");
                    break;
                }
                }
            }
            const record_key k = any_key();
            const auto above = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(check.must(working.head(), "head").seq) + 2));
            const auto stamp = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(check.must(working.head(), "head").stamp) + 2));
            check.need_same(kept_changes(check, t, k, above), check.must(working.changes_of(k, above), "changes_of"), "changes_of(k, above)");
            const auto row = check.must(working.sealed(k), "sealed");
            check.need_same(slice(check.must(t.history_of(k), "history_of"), [&](const auto& c) { return c.version > working.floor || (row && c.version == row->version); }, 1000000), slice(working.all_of(k), [&](const auto& c) { return c.version > working.floor || (row && c.version == row->version); }, 1000000), "slice(history_of(k), [&](const auto& c) { return c.version > workin...");
            check.need_same(check.must(t.latest_after(stamp, 2), "latest_after"), check.must(working.latest_after(stamp, 2), "latest_after"), "latest_after(stamp, 2)");
            check.need_same(check.must(t.bundle_heads(above, 2), "bundle_heads"), check.must(working.bundle_heads(above, 2), "bundle_heads"), "bundle_heads(above, 2)");
            check.need_same(authority_text(check, t, tenant), authority_text(check, working, tenant), "everything");
            kept = draw.chance(2, 3);
            if (kept) check.must(t.commit(), "commit");
        }
        if (kept) model = working;
        if (draw.chance(1, 8)) h.reopen();
        for (auto& [name, expected] : models) {
            auto t = check.must(h.store().begin(name, access::snapshot), "begin");
            check.need_same(authority_text(check, t, name), authority_text(check, expected, name), "everything");
        }
    }
}


/// `random`: a store and the reference, side by side.
template <class Make>
void check_authority_random(store_kit<Make>& kit) {
    for (std::uint64_t seed = kit.options().first_seed; seed < kit.options().first_seed + kit.options().seeds; ++seed)
        kit.clause("random", "random operations do what a list of bundles would do", [&](auto& h, checker& check) { run_random_authority(check, h, seed); });
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
