#ifndef SYNCLINE_ENGINE_LEGACY_PUSH_HPP
#define SYNCLINE_ENGINE_LEGACY_PUSH_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/legacy_base.hpp>
#include <syncline/engine/legacy_memory.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What a push of a device that sends no base takes beside the ordinary rules (ENGINE.md rule 9): its memory, the base of each mutation, what
/// waits behind a mutation that was left out, and which rows are delivered again. Lives as long as the push's transaction.
template <authority_transaction Transaction>
class legacy_push {
public:
    /// The references outlive this object. @param head  after foreign changes were sealed
    legacy_push(Transaction& t, const schema_set& schemas, const caller& who, const value_equivalence& same, authority_head head)
        : t_(t), schemas_(schemas), who_(who), same_(same), head_(std::move(head)), memory_(t, schemas, who.principal, who.source) {}

    /// Finds the device, and begins a run where a pull has come since the last push.
    /// @param patience  how much older than @p now the note of when it was seen may become
    [[nodiscard]] result<void> open(const std::vector<mutation>& mutations, timestamp now, duration patience) {
        // One that never pulls is remembered as long as one that does.
        auto mark = t_.find_source(who_.principal, who_.source);
        if (!mark) return std::move(mark).error();
        if (!*mark || now - (*mark)->seen > patience) {
            source_mark seen = mark->value_or(source_mark{who_.principal, who_.source, {}, {}, {}});
            seen.seen = now;
            if (auto r = t_.put_source(seen); !r) return r;
        }
        auto known = memory_.device();
        if (!known) return std::move(known).error();
        if (!*known || (*known)->stranger) {
            auto adopted = memory_.adopt_by_versions(mutations);
            if (!adopted) return std::move(adopted).error();
            if (*adopted) {
                const pulled_to shown = *known ? (*known)->presented : pulled_to{};
                known = std::move(adopted);
                if (shown.at > (*known)->presented.at) (*known)->presented = shown;
            } else if (*known) {
                (*known)->stranger = false;
                (*known)->running = false;
            }
        }
        if (*known) device_ = **known;
        if (device_.running) return {};
        auto begins = has_undecided(mutations);
        if (!begins) return std::move(begins).error();
        if (!*begins) return {};
        device_.running = true;
        ++device_.run;
        device_.run_start = head_.seq;
        device_.run_cursor = device_.presented;
        return memory_.put(device_);
    }

    /// Whether @p m waits for a mutation of its record, or of one in @p parents, that was left out of an earlier answer.
    [[nodiscard]] result<bool> waits(const mutation& m, const std::vector<record_key>& parents) {
        auto known = record_of(m.what.key);
        if (!known) return std::move(known).error();
        if ((*known)->blocked != 0 && number_of(m) > (*known)->blocked) return true;
        for (const auto& parent : parents) {
            if (parent == m.what.key) continue;
            auto above = record_of(parent);
            if (!above) return std::move(above).error();
            if ((*above)->blocked != 0) return true;
        }
        return false;
    }

    /// @p m is left out of the answer: what builds on it waits until it comes again.
    [[nodiscard]] result<void> left_out(const mutation& m) {
        auto known = record_of(m.what.key);
        if (!known) return std::move(known).error();
        legacy_record& r = **known;
        r.blocked = r.blocked == 0 ? number_of(m) : (std::min)(r.blocked, number_of(m));
        if (!r.held) {
            r.held = device_.base;
            r.held_run = device_.run;
            r.held_window = r.run == device_.run ? r.earlier_start : r.run_start;
        }
        r.held_to = (std::max)(r.held_to, number_of(m));
        changed_.insert(m.what.key);
        return {};
    }

    /// Gives @p what its base, and leaves in it what the user edited.
    /// @return the device's last mutation of the record before this one
    [[nodiscard]] result<mutation_id> rebase(intent& what, const std::optional<record>& current, const std::optional<sealed_row>& sealed) {
        auto known = record_of(what.key);
        if (!known) return std::move(known).error();
        const mutation_id last = (*known)->last;
        std::int64_t sent_version = (std::numeric_limits<std::int64_t>::max)();  // decided in this request, it is the newest
        if (!last.empty()) {
            auto kept = t_.find_receipt(who_.principal, (*known)->sent_by);
            if (!kept) return std::move(kept).error();
            if (*kept) sent_version = (*kept)->version;
        }
        auto history = t_.history_of(what.key);
        if (!history) return std::move(history).error();
        auto found = judge_legacy({schemas_[what.key.model], current, sealed, *history, device_, **known, sent_version, head_, same_}, what);
        base_ = found.base.row_version;
        what.base = std::move(found.base);
        what.before = std::move(found.before);
        if (what.op == operation::erase) return last;
        field_changes edited;
        for (auto& change : what.changes)
            if (found.edited.contains(change.field)) edited.set(change.field, change.to);
        what.changes = std::move(edited);
        // What it created itself is nobody else's record.
        if (what.op == operation::create && current && !last.empty()) what.op = operation::update;
        return last;
    }

    /// Whether the user who made @p erase knew of @p child as it is: it had been delivered by then, or the device wrote it last.
    /// @param in_request  where this request has written the child: whether that met no change of others
    [[nodiscard]] result<bool> knew(const mutation& erase, const record_key& child, std::optional<bool> in_request) {
        if (in_request) return *in_request;
        auto sealed = t_.sealed(child);
        if (!sealed) return std::move(sealed).error();
        if (!*sealed) return false;
        auto parent = record_of(erase.what.key);
        if (!parent) return std::move(parent).error();
        auto history = t_.history_of(child);
        if (!history) return std::move(history).error();
        const cursor at = earliest_cursor(device_, **parent, number_of(erase)).at;
        const bool delivered = !history->empty() && history->front().stamp <= at;
        const auto unchanged = [&](const row_change& c) { return c.stamp <= at || (c.op == operation::update && c.fields.empty()); };
        if (delivered && std::all_of(history->begin(), history->end(), unchanged)) return true;
        auto known = record_of(child);
        if (!known) return std::move(known).error();
        if ((*known)->last.empty()) return false;
        auto kept = t_.find_receipt(who_.principal, (*known)->last);
        if (!kept) return std::move(kept).error();
        return *kept && (*kept)->clean && (*kept)->version == (*sealed)->version;
    }

    /// @p m is about to be decided; its `changes` are the whole payload still.
    void takes(const mutation& m) {
        number_ = number_of(m);
        base_ = 0;
        payload_ = m.what.op == operation::erase ? std::nullopt : std::optional<field_changes>{m.what.changes};
    }
    /// What was taken last was decided. What was refused is no more than seen: the device will bring it again with its next change of the record.
    [[nodiscard]] result<void> decided(const receipt& kept) {
        auto known = record_of(kept.key);
        if (!known) return std::move(known).error();
        legacy_record& r = **known;
        if (r.run != device_.run) {
            r.earlier_start = r.run_start;
            r.run = device_.run;
            r.run_start = device_.run_start;
        }
        r.base = number_ > r.version ? (std::max)(r.base, base_) : base_;
        r.version = number_;
        r.blocked = 0;
        if (r.version >= r.held_to) {
            r.held.reset();
            r.held_run = r.held_window = r.held_to = 0;
        }
        if (kept.outcome == outcome_kind::applied || kept.outcome == outcome_kind::superseded) {
            r.last = kept.id;
            if (r.sent != payload_ || r.sent_by.empty()) r.sent_by = kept.id;
            r.sent = payload_;
            r.told = kept.outcome == outcome_kind::superseded ? device_.run : 0;
        }
        changed_.insert(kept.key);
        held_there_[kept.key] = std::move(payload_);
        return {};
    }

    /// The mutation @p id of @p key came again, so the device had not had the answer.
    [[nodiscard]] result<void> came_again(const record_key& key, const mutation_id& id) {
        auto known = record_of(key);
        if (!known) return std::move(known).error();
        if ((*known)->last != id || (*known)->told == 0) return {};
        (*known)->told = device_.run;
        changed_.insert(key);
        return {};
    }

    /// Adds to @p own the records that the device holds otherwise than they are: they are sealed again, with a stamp that it has not seen; where
    /// an erase was not done, with the records that it took along on the device.
    /// @param is_known  whether the principal may know of a record: nobody else's is touched
    template <class IsKnown>
    [[nodiscard]] result<void> deliver_again(own_writes& own, IsKnown is_known) {
        for (const auto& [key, sent] : held_there_) {
            auto now = t_.current(key);
            if (!now) return std::move(now).error();
            const auto& schema = schemas_[key.model];
            const bool agrees = !sent ? !*now
                                      : *now && std::all_of(sent->begin(), sent->end(), [&](const field_value& c) {
                                            return c.field >= schema.fields.size() || same_(schema.fields[c.field], c.to, (**now).fields[c.field]);
                                        });
            if (agrees) continue;
            std::vector<record_key> all{key};
            if (!sent) {
                auto below = descendants(key);
                if (!below) return std::move(below).error();
                all.insert(all.end(), below->begin(), below->end());
            }
            for (const auto& k : all) {
                auto sealed = t_.sealed(k);
                if (!sealed) return std::move(sealed).error();
                result<bool> known = *sealed ? is_known(k) : result<bool>{false};
                if (!known) return std::move(known).error();
                if (*known) own[k].wrote = true;
            }
        }
        return {};
    }

    /// Keeps what was learnt.
    [[nodiscard]] result<void> save() {
        for (const auto& key : changed_)
            if (auto r = memory_.put(key, known_.find(key)->second); !r) return r;
        return {};
    }

    /// The live records that an erase of @p key would take along.
    [[nodiscard]] result<std::vector<record_key>> descendants(const record_key& key) {
        std::vector<record_key> out;
        std::unordered_set<record_key, record_key_hash> seen{key};
        std::vector<record_key> open{key};
        while (!open.empty()) {
            const record_key at = std::move(open.back());
            open.pop_back();
            auto children = t_.referencing(at, (std::numeric_limits<std::size_t>::max)());
            if (!children) return children;
            for (auto& child : *children) {
                if (!seen.insert(child).second) continue;
                out.push_back(child);
                open.push_back(std::move(child));
            }
        }
        return out;
    }

    [[nodiscard]] static std::int64_t number_of(const mutation& m) noexcept { return static_cast<std::int64_t>(m.what.ordinal); }

private:
    // A late copy of a push that was answered begins nothing.
    [[nodiscard]] result<bool> has_undecided(const std::vector<mutation>& mutations) {
        for (const auto& m : mutations) {
            auto kept = t_.find_receipt(who_.principal, m.id);
            if (!kept) return std::move(kept).error();
            if (!*kept) return true;
        }
        return false;
    }

    [[nodiscard]] result<legacy_record*> record_of(const record_key& key) {
        const auto at = known_.find(key);
        if (at != known_.end()) return &at->second;
        auto r = memory_.record_of(key);
        if (!r) return std::move(r).error();
        return &known_.emplace(key, r->value_or(legacy_record{})).first->second;
    }

    Transaction& t_;
    const schema_set& schemas_;
    const caller& who_;
    const value_equivalence& same_;
    authority_head head_;
    legacy_memory<Transaction> memory_;
    legacy_device device_;
    std::unordered_map<record_key, legacy_record, record_key_hash> known_;
    // Of the mutation that is being decided: its number, the version it was made on, its payload (nothing: an erase).
    std::int64_t number_ = 0;
    std::int64_t base_ = 0;
    std::optional<field_changes> payload_;
    std::unordered_map<record_key, std::optional<field_changes>, record_key_hash> held_there_;  // what the device has, as far as it told
    std::unordered_set<record_key, record_key_hash> changed_;
};

SYNCLINE_NAMESPACE_END

#endif
