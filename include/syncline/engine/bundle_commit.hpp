#ifndef SYNCLINE_ENGINE_BUNDLE_COMMIT_HPP
#define SYNCLINE_ENGINE_BUNDLE_COMMIT_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/conflict/time_texts.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/content_hash.hpp>
#include <syncline/engine/running_order.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/default_values.hpp>
#include <syncline/storage/write_time.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Commits uploaded rows as one bundle inside the transaction, or gives the rows that stand in the way; the authority of the bundle
/// wire never merges (ENGINE.md rule 1). The caller commits the transaction, or drops it.
template <authority_transaction Transaction>
[[nodiscard]] result<commit_answer> commit_bundle(Transaction& t, const schema_set& schemas, const authority_options& options,
                                                  const caller& who, const push_session& session, std::vector<mutation>& rows,
                                                  timestamp now) {
    commit_answer answer;
    std::unordered_set<record_key, record_key_hash> erased;
    std::unordered_set<record_key, record_key_hash> written;
    for (const auto& row : rows) {
        auto& mine = row.what.op == operation::erase ? erased : written;
        if (erased.contains(row.what.key) || written.contains(row.what.key))
            return make_fault(errc::malformed_message, "a record of model `", schemas[row.what.key.model].name,
                              "` stands twice in one bundle; send each record once");
        mine.insert(row.what.key);
    }
    // Rows of this bundle that a cascade from a referenced record would take along.
    std::unordered_map<record_key, record_key, record_key_hash> written_under;
    for (const auto& row : rows) {
        const auto& schema = schemas[row.what.key.model];
        if (row.what.op == operation::erase || schema.references.empty()) continue;
        field_set cascading;
        for (const auto& reference : schema.references)
            if (reference.on_erase == reference_action::cascade) cascading.insert(reference.field);
        for (auto& parent : references_of(schemas, row.what.key.model, row.what.whole(schema.fields.size()), cascading))
            written_under.emplace(std::move(parent), row.what.key);
    }
    const std::string hash = bundle_content_hash(schemas, rows);
    const auto order = running_order(schemas, rows);
    const auto refusal = [&](const mutation& m, wait_reason why) {
        commit_obstacle o;
        o.what = commit_obstacle::kind::refused;
        o.key = m.what.key;
        o.op = m.what.op;
        o.base_version = m.what.base.row_version;
        o.why = std::move(why);
        answer.obstacles.assign(1, std::move(o));
        return answer;
    };

    for (const std::size_t i : order) {
        auto& m = rows[i];
        if (options.mapper)
            if (auto rejected = options.mapper(who, m)) {
                if (decides_nothing(rejected->why.code)) return fault{rejected->why.code, rejected->why.detail};
                return refusal(m, std::move(rejected->why));
            }
        auto current = t.current(m.what.key);
        if (!current) return std::move(current).error();
        auto sealed = t.sealed(m.what.key);
        if (!sealed) return std::move(sealed).error();
        const std::int64_t version = *sealed ? (*sealed)->version : 0;
        const std::int64_t base = m.what.base.row_version;
        const bool fits = m.what.op == operation::create ? !*current && (version == 0 || base == version) : current->has_value() && base == version;
        if (!fits) {
            commit_obstacle o;
            o.key = m.what.key;
            o.op = m.what.op;
            o.base_version = base;
            o.server_version = version;
            o.server_deleted = !*current && version != 0;
            o.server_written_at = *sealed ? (*sealed)->written_at : timestamp{};
            o.server_row = std::move(*current);
            answer.obstacles.push_back(std::move(o));
            continue;
        }
        if (m.what.op == operation::erase) {
            // What the bundle writes is judged by what it is to be: writes run before erases, and may have moved a row away.
            auto victims = t.referencing(m.what.key, erased.size() + written.size() + 1);
            if (!victims) return std::move(victims).error();
            auto found = std::find_if(victims->begin(), victims->end(), [&](const record_key& k) { return !erased.contains(k) && !written.contains(k); });
            const record_key* victim = found != victims->end() ? &*found : nullptr;
            if (const auto under = written_under.find(m.what.key); under != written_under.end()) victim = &under->second;
            if (victim == nullptr) continue;
            auto row = t.sealed(*victim);
            if (!row) return std::move(row).error();
            commit_obstacle o;
            o.what = commit_obstacle::kind::cascade;
            o.key = m.what.key;
            o.op = m.what.op;
            o.base_version = base;
            o.victim = *victim;
            o.erased_row = std::move(*current);
            o.server_version = *row ? (*row)->version : 0;
            o.server_written_at = *row ? (*row)->written_at : timestamp{};
            o.server_row = *row ? std::move((*row)->row) : std::nullopt;
            answer.obstacles.push_back(std::move(o));
            continue;
        }
        const auto& schema = schemas[m.what.key.model];
        if (schema.references.empty()) continue;
        for (const auto& parent : references_of(schemas, m.what.key.model, m.what.whole(schema.fields.size()), m.what.changes.fields())) {
            if (written.contains(parent)) continue;
            auto there = t.current(parent);
            if (!there) return std::move(there).error();
            if (*there) continue;
            wait_reason why{errc::constraint, "it refers to a record of model `"};
            why.detail.append(schemas[parent.model].name).append("` that does not exist here");
            return refusal(m, std::move(why));
        }
    }
    if (!answer.obstacles.empty()) return answer;

    own_writes own;
    std::string writer{"bundle:"};
    writer.append(session.source).append(":").append(std::to_string(session.source_bundle_id));
    std::optional<commit_answer> refused;
    const auto write = [&](std::size_t i, bool last) -> result<bool> {
        if (refused) return false;
        const auto& m = rows[i];
        const auto& schema = schemas[m.what.key.model];
        auto current = t.current(m.what.key);
        if (!current) return std::move(current).error();
        std::optional<record> row;
        if (m.what.op != operation::erase) {
            intent over = m.what;
            if (*current) over.op = operation::update;
            row = overlay(schema, &over, *current);
            if (!*current)
                if (auto r = fill_new_row(t, schema, m.what, *row); !r) return std::move(r).error();
            if (auto fit = check_time_texts(schema, m.what.key.key, *current, *row); !fit) {
                refused = refusal(m, wait_reason{fit.error().code, fit.error().detail});
                return false;
            }
        }
        if (options.validate) {
            const proposed_change proposed{who, schema, m.what.key, m.what.op, *current ? &**current : nullptr, row ? &*row : nullptr};
            if (auto rejected = options.validate(proposed)) {
                if (decides_nothing(rejected->why.code)) return fault{rejected->why.code, rejected->why.detail};
                refused = refusal(m, std::move(rejected->why));
                return false;
            }
        }
        auto sealed = t.sealed(m.what.key);
        if (!sealed) return std::move(sealed).error();
        const timestamp written_at = written_after(believed_time(options, m.what, now, *sealed), *sealed);
        tell_time(t, written_at);
        auto done = row ? t.write(m.what.key, *row) : t.erase(m.what.key);
        if (!done) {
            const errc code = done.error().code;
            if (decides_nothing(code)) return std::move(done).error();
            if (code == errc::constraint && !last) return true;
            refused = refusal(m, wait_reason{code, done.error().detail});
            return false;
        }
        // An UPDATE of this wire names every column, whichever its author meant: what differs counts as changed, or no edit of another field could stand beside it.
        const field_set named = m.what.op == operation::update ? field_set{} : m.what.changes.fields();
        own.insert_or_assign(m.what.key, own_write{writer, named, true, written_at, true, std::move(*sealed)});
        return false;
    };
    if (auto r = run_in_rounds(order, write, [] {}); !r) return std::move(r).error();
    if (refused) return std::move(*refused);
    auto sealed = seal(t, schemas, bundle_source{session.source, session.source_bundle_id}, own, now);
    if (!sealed) return std::move(sealed).error();
    auto head = t.head();
    if (!head) return std::move(head).error();
    bundle_receipt kept{session.source, session.source_bundle_id, head->seq, hash, static_cast<std::uint32_t>(sealed->size()), who.principal};
    if (auto r = t.put_bundle_receipt(kept); !r) return std::move(r).error();
    answer.committed = std::move(kept);
    return answer;
}

SYNCLINE_NAMESPACE_END

#endif
