#ifndef SYNCLINE_TESTS_SIMULATION_LEDGER_HPP
#define SYNCLINE_TESTS_SIMULATION_LEDGER_HPP

// The oracle. It knows what the simulated people and programs did, sees each device's store and the authority's log after every step, and
// nothing of how an engine came to it. The value of a register (fields a and b) is the number of the edit that set it, unique in a run, so
// that a value seen anywhere says whose edit took effect; a counter's differences show that each took effect once.

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>

#include "simulation/lab.hpp"
#include "simulation/look.hpp"
#include "simulation/notes.hpp"
#include "simulation/settings.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

class ledger {
public:
    using fate = edit_fate;
    using edit = edit_note;
    using sent = sent_note;

    ledger(const settings& of, statistics& counts) : s_(&of), counts_(&counts) {
        edits_.resize(1);
        history_.resize(s_->keys.size());
        sealed_.resize(s_->keys.size());
        died_in_.resize(s_->keys.size());
        foreign_sum_.resize(s_->keys.size());
        made_.resize(s_->keys.size());
        ever_.resize(s_->keys.size());
        creates_.resize(s_->keys.size());
        seen_.resize(s_->authors());
        pending_.resize(s_->authors());
        frozen_ids_.resize(s_->authors());
        high_.resize(s_->devices, std::vector<std::array<std::int64_t, 2>>(s_->keys.size(), {0, 0}));
    }

    [[nodiscard]] std::size_t key_index(const std::string& name) const {
        return static_cast<std::size_t>(std::find(s_->keys.begin(), s_->keys.end(), name) - s_->keys.begin());
    }

    // --- what people and programs do

    /// A new edit; its number is the value of the register.
    std::int64_t make(int author, std::size_t key, int field, bool creates, std::uint64_t step, const std::optional<record>& row, const key_look* layers = nullptr) {
        edit e;
        e.author = author;
        e.key = key;
        e.field = field;
        e.creates = creates;
        e.made_at = step;
        if (row)
            for (std::size_t f = 0; f < 2; ++f) e.over[f] = row->fields[f].as_integer();
        if (layers != nullptr) e.over_create = (layers->open && layers->open->op == operation::create) || (layers->frozen && layers->frozen->what.op == operation::create);
        edits_.push_back(std::move(e));
        const auto id = static_cast<std::int64_t>(edits_.size()) - 1;
        if (author != foreign_author) pending_[static_cast<std::size_t>(author)].push_back(id);
        return id;
    }
    void counted(int author, std::size_t key, std::int64_t difference, bool creates) {
        made_[key] += difference;
        ever_[key] += difference;
        if (creates) ++creates_[key];
        if (author == foreign_author) {
            auto& sum = foreign_sum_[key];
            if (creates)
                sum.reset();
            else if (sum)
                *sum += difference;
        }
    }
    void foreign_erase(std::size_t key) { foreign_sum_[key].reset(); }
    /// The author of an open intent gives it up.
    void discarded(int device, std::size_t key, const intent& open) {
        for (const auto& c : open.changes) settle_value(device, key, c, fate::discarded);
        if (open.op == operation::erase) settle_erases(device, key, fate::discarded);
        made_[key] -= difference_of(open);
    }
    /// The author says that the intent stands although the authority has something else: it has seen that now.
    void confirmed(int device, std::size_t key, const key_look& k, std::uint64_t step) {
        saw(device, k.base, step);
        if (k.open->op == operation::erase && !k.base) return settle_erases(device, key, fate::applied);
        for (const auto id : pending_[static_cast<std::size_t>(device)])
            if (edits_[static_cast<std::size_t>(id)].key == key) edits_[static_cast<std::size_t>(id)].made_at = step;
    }
    void saw(int device, const std::optional<record>& row, std::uint64_t step) {
        if (!row) return;
        auto& seen = seen_[static_cast<std::size_t>(device)];
        if (seen.size() < edits_.size()) seen.resize(edits_.size() + 64);
        for (std::size_t f = 0; f < 2; ++f) {
            auto& at = seen[static_cast<std::size_t>(row->fields[f].as_integer())];
            if (at == 0) at = step;
        }
    }

    /// What the user of a device that sends no base did, as one mutation.
    /// @param what    the operation, and the fields that were edited
    /// @param erases  the edit that erased the record; 0: none did
    void sent_without_base(const mutation_id& id, int author, std::size_t key, intent what, std::int64_t erases) {
        sent m;
        m.device = author;
        m.key = key;
        m.what = std::move(what);
        m.erase_edit = erases;
        mutations_.emplace(id, std::move(m));
        sent_by_[{author, key}].push_back(id);
    }
    void no_longer_sent(const mutation_id& id) { mutations_.at(id).in_flight = false; }

    // --- what a device holds

    /// Notes what is frozen, and accounts for every edit that is in no layer any more (promises 2 and 7).
    /// @param settled  the app's last writes were absorbed
    void look(int device, const device_look& now, std::uint64_t step, bool bundle_wire, bool settled) {
        const auto d = static_cast<std::size_t>(device);
        for (const auto& k : now.keys) saw(device, k.visible, step);
        note_frozen(device, now);
        if (!settled) return;
        auto& pending = pending_[d];
        std::size_t kept = 0;
        for (const auto id : pending) {
            auto& e = edits_[static_cast<std::size_t>(id)];
            if (e.is != fate::pending) continue;
            if (lies_in(now.keys[e.key], id, e))
                pending[kept++] = id;
            else
                e.is = explain(id, e, bundle_wire);
        }
        pending.resize(kept);
        check_no_flicker(device, now);
        check_not_laid_twice(device, now);
    }

    [[nodiscard]] const edit& at(std::int64_t id) const { return edits_[static_cast<std::size_t>(id)]; }

    // --- what the authority holds

    [[nodiscard]] bool is_committed(const std::string& source, std::int64_t bundle_id) const { return committed_.contains({source, bundle_id}); }
    [[nodiscard]] std::int64_t seq() const { return seq_; }
    [[nodiscard]] const std::optional<record>& sealed(std::size_t key) const { return sealed_[key]; }
    /// The sealed rows by their keys.
    [[nodiscard]] std::function<std::optional<record>(const record_key&)> rows() const {
        return [this](const record_key& key) {
            const std::size_t at = key_index(key.key);
            return at < sealed_.size() ? sealed_[at] : std::nullopt;
        };
    }
    [[nodiscard]] std::map<mutation_id, sent>& mutations() { return mutations_; }
    void source_of(const std::string& source, int device) { sources_[source] = device; }
    [[nodiscard]] int author_of(const bundle_head& head) const { return head.source == "server" ? foreign_author : sources_.at(head.source); }

    /// A decided mutation's receipt, seen for the first time or again. Promise 2: it never changes, and says what happened.
    void receipt_of(const mutation_id& id, const receipt& r) {
        auto& m = mutations_.at(id);
        if (m.known) {
            if (!(*m.known == r)) throw violation("the receipt of mutation " + id + " changed");
            return;
        }
        m.known = r;
        if (r.outcome == outcome_kind::applied) ++counts_->applied;
        if (r.outcome == outcome_kind::superseded) ++counts_->superseded;
        if (r.outcome == outcome_kind::refused || r.outcome == outcome_kind::held) ++counts_->refused;
        if (r.outcome != outcome_kind::held && !r.clean) ++counts_->conflicts;
        if (r.outcome == outcome_kind::superseded && !server_may_win())
            throw violation("mutation " + id + " of " + name(m.key) + " was superseded, but the resolver " + s_->resolver + " never takes the server's");
    }

    /// The next bundle of the log, once the receipts of its request are known.
    void sealed_bundle(const bundle& b) {
        if (b.head.seq != seq_ + 1) throw violation("bundle_seq has a gap: " + std::to_string(seq_) + " is followed by " + std::to_string(b.head.seq));
        seq_ = b.head.seq;
        const int author = author_of(b.head);
        if (b.head.source_bundle_id != 0 && !committed_.insert({b.head.source, b.head.source_bundle_id}).second)
            throw violation("source bundle " + std::to_string(b.head.source_bundle_id) + " of " + b.head.source + " committed twice");
        std::set<std::size_t> dead;
        for (const auto& row : b.rows)
            if (!row.after) dead.insert(key_index(row.key.key));
        for (const auto& row : b.rows) {
            if (row.stamp <= stamp_) throw violation("stamps do not rise");
            stamp_ = row.stamp;
            const std::size_t key = key_index(row.key.key);
            if (author == foreign_author)
                foreign_change(key, row);
            else if (s_->is_tether(author))
                change_without_base(author, key, row, dead);
            else
                own_change(author, key, row, b.head, dead);
            if (row.after)
                for (std::size_t f = 0; f < 2; ++f) edits_.at(static_cast<std::size_t>(row.after->fields[f].as_integer())).sealed_in.push_back(b.head.seq);
            if (!row.after) died_in_[key] = row.version;
            sealed_[key] = row.after;
        }
    }

    /// After a push: a mutation with a receipt had the effect that the receipt says, once (promise 2).
    void check_effects() {
        for (auto& [id, m] : mutations_) {
            if (!m.known) continue;
            const bool applied = m.known->outcome == outcome_kind::applied;
            if (!applied && m.effects != 0) throw violation("mutation " + id + " of " + name(m.key) + " was not applied, yet it had an effect");
            // Of several changes of one record in one request the log shows the last, and where a merge left the row as it was, the client gets it again.
            if (s_->is_tether(m.device) && (sent_by_.at({m.device, m.key}).back() != id || sealed_again_.contains({m.key, m.known->version}))) continue;
            if (applied && m.effects == 0 && m.what.op != operation::erase) throw violation("mutation " + id + " of " + name(m.key) + " was applied without an effect");
        }
    }

    /// Where it can be told from outside: every difference that was ever made to a counter is in the authority's row exactly once.
    void check_counters(const std::vector<device_look>& devices) {
        if (s_->erases || s_->overlap != overlap_policy::by_field || !counters_are_exact()) return;
        for (std::size_t k = 0; k < s_->keys.size(); ++k) {
            if (creates_[k] != 1 || !sealed_[k]) continue;
            std::int64_t want = made_[k];
            for (const auto& d : devices)
                if (d.keys[k].open) want -= difference_of(*d.keys[k].open);
            const auto is = sealed_[k]->fields[counter_field].as_integer();
            if (is != want) throw violation("the counter of " + name(k) + " is " + std::to_string(is) + ", the differences that took effect make " + std::to_string(want));
        }
    }
    /// No device ever shows more than all that was counted.
    void check_not_counted_twice(int device, const device_look& now) {
        if (s_->erases || s_->overlap != overlap_policy::by_field || !counters_are_exact()) return;
        if (now.in_flight && now.in_flight->source_bundle_id != 0) return;  // see check_not_laid_twice
        for (std::size_t k = 0; k < s_->keys.size(); ++k)
            if (creates_[k] == 1 && now.keys[k].visible && now.keys[k].visible->fields[counter_field].as_integer() > ever_[k])
                throw violation(who(device) + " shows a counter of " + name(k) + " above everything that was ever counted");
    }

    [[nodiscard]] std::string name(std::size_t key) const { return s_->keys[key]; }
    [[nodiscard]] static std::string who(int author) { return author == foreign_author ? std::string{"the server's own program"} : std::string(1, static_cast<char>('A' + author)); }

private:
    struct logged {
        std::int64_t seq;
        int author;  ///< foreign for a cascade's victim
        field_set fields;
        bool gone;   ///< the record was erased
    };

    [[nodiscard]] bool server_may_win() const { return s_->resolver == "server_wins" || s_->resolver == "field_merge" || s_->resolver == "last_write_wins"; }

    void settle_value(int device, std::size_t key, const field_value& c, fate how) {
        if (c.field > 1) return;
        auto& e = edits_.at(static_cast<std::size_t>(c.to.as_integer()));
        if (e.author == device && e.key == key && e.is == fate::pending) e.is = how;
    }
    void settle_erases(int device, std::size_t key, fate how) {
        for (const auto id : pending_[static_cast<std::size_t>(device)]) {
            auto& e = edits_[static_cast<std::size_t>(id)];
            if (e.key == key && e.field == whole_record && e.is == fate::pending) e.is = how;
        }
    }

    void note_frozen(int device, const device_look& now) {
        auto& before = frozen_ids_[static_cast<std::size_t>(device)];
        std::set<mutation_id> is;
        for (std::size_t k = 0; k < now.keys.size(); ++k) {
            const auto& item = now.keys[k].frozen;
            if (!item) continue;
            is.insert(item->id);
            if (before.contains(item->id)) continue;
            auto [at, fresh] = mutations_.try_emplace(item->id);
            if (!fresh) throw violation(who(device) + " froze a second change under the id " + item->id);
            sent& m = at->second;
            m.device = device;
            m.key = k;
            m.what = item->what;
            m.batch = now.in_flight ? now.in_flight->id : 0;
            m.bundle_id = now.in_flight ? now.in_flight->source_bundle_id : 0;
            for (const auto& c : item->what.changes)
                if (c.field < 2) {
                    auto& e = edits_.at(static_cast<std::size_t>(c.to.as_integer()));
                    if (e.author == device) e.carried.push_back(item->id);
                }
            if (item->what.op == operation::erase)
                for (const auto id : pending_[static_cast<std::size_t>(device)]) {
                    auto& e = edits_[static_cast<std::size_t>(id)];
                    if (e.key != k || e.field != whole_record || e.is != fate::pending) continue;
                    e.carried.push_back(item->id);
                    m.erase_edit = id;
                }
        }
        for (const auto& id : before)
            if (!is.contains(id)) mutations_.at(id).in_flight = false;
        before = std::move(is);
    }

    // Why an edit is in no layer of its device any more. Promises 2 and 7: there must be a reason that can be seen from outside.
    fate explain(std::int64_t id, const edit& e, bool bundle_wire) const {
        if (e.applied > 0) return fate::applied;
        const sent* last = e.carried.empty() ? nullptr : &mutations_.at(e.carried.back());
        if (last != nullptr && last->known) {
            if (last->known->outcome == outcome_kind::applied && e.field == whole_record) return fate::applied;  // it was gone already
            if (last->known->outcome == outcome_kind::superseded || last->known->outcome == outcome_kind::applied) {
                // Promise 4: two changes of one device to one record do not contend; the later one stands.
                if (newer_of_same_author(id, e)) return fate::coalesced;
                must_have_met_another(id, e, *last);
                return fate::superseded;
            }
        }
        if (newer_of_same_author(id, e)) return fate::coalesced;
        if (e.field == whole_record && never_left(e)) return fate::coalesced;
        if (e.field == whole_record && !sealed_[e.key]) return fate::applied;  // somebody else erased it
        // A conflict on the bundle wire is decided here, on the frozen intent with the open one above it.
        if (bundle_wire && last == nullptr)
            for (const auto& [mutation, m] : mutations_)
                if (m.device == e.author && m.key == e.key && (last == nullptr || m.batch > last->batch)) last = &m;
        // An erase that meets a tombstone is fulfilled, though somebody may have created the record again since.
        if (bundle_wire && last != nullptr && e.field == whole_record)
            for (const auto& change : history_[e.key])
                if (change.gone && change.seq > last->what.base.row_version) return fate::applied;
        if (bundle_wire && last != nullptr) {
            must_have_met_another(id, e, *last);
            ++counts_->superseded;
            return fate::superseded;
        }
        const char* what = e.field == whole_record ? " (erase)" : e.field == 0 ? ".a" : ".b";
        throw violation(who(e.author) + "'s edit " + std::to_string(id) + " of " + name(e.key) + what + " is gone from the device without an effect, a decision or a newer edit of its author");
    }

    [[nodiscard]] bool newer_of_same_author(std::int64_t id, const edit& e) const {
        for (std::size_t i = static_cast<std::size_t>(id) + 1; i < edits_.size(); ++i) {
            const edit& other = edits_[i];
            if (other.author != e.author || other.key != e.key) continue;
            if (e.field == whole_record ? other.creates : (other.field == e.field || other.field == whole_record)) return true;
        }
        return false;
    }
    // An erase of what never reached the authority cancels with its creation.
    [[nodiscard]] bool never_left(const edit& e) const {
        if (e.over_create) return true;
        for (const auto v : e.over) {
            if (v == 0) continue;  // a field that its author's program does not know
            const edit& under = edits_[static_cast<std::size_t>(v)];
            if (under.author != e.author || under.applied != 0) return false;
        }
        return true;
    }

    // Promises 2 and 3: an edit gives way only to a change of somebody else that is newer than its base, and only where they overlap.
    void must_have_met_another(std::int64_t id, const edit& e, const sent& m) const {
        std::string text = who(e.author) + "'s edit " + std::to_string(id) + " of " + name(e.key) + " gave way";
        if (!server_may_win()) throw violation(text + ", but the resolver " + s_->resolver + " never takes the server's");
        if (s_->prune_percent != 0) return;  // where the log no longer reaches, every change counts as somebody else's
        if (e.field == whole_record && name(e.key) == "P") return;  // an erase also gives way to what its cascade would take along
        // A create over a row that exists is a conflict, whoever made the row: here the author's own erase below it had given way.
        if (m.what.op == operation::create) return;
        // So is what was made over such a create, where the author's own record had left the view below it.
        if (s_->scoped && m.what.base.row_version == 0) return;
        // The bundle wire compares versions, and a row that is sealed again for a Tether client has a new one.
        if (m.bundle_id != 0 && std::any_of(sealed_again_.begin(), sealed_again_.end(), [&](const auto& s) { return s.first == m.key && s.second > m.what.base.row_version; })) return;
        const field_set hidden = m.what.changed_unseen();  // counts whenever it was changed; the bundle wire has one version for the whole row
        const bool sees_all = hidden.empty() || (m.bundle_id == 0 && s_->overlap == overlap_policy::by_field && !hidden.contains(static_cast<field_index>(e.field)));
        for (const auto& change : history_[e.key]) {
            if ((sees_all && change.seq <= m.what.base.row_version) || change.author == e.author) continue;
            if (e.field == whole_record || s_->overlap != overlap_policy::by_field || change.fields.contains(static_cast<field_index>(e.field))) return;
        }
        throw violation(text + " although nobody else changed " + (e.field == whole_record ? "the record" : "that field") + " since its base");
    }

    void foreign_change(std::size_t key, const row_change& row) {
        const auto& before = sealed_[key];
        if (!row.writer.empty()) throw violation("a foreign change of " + name(key) + " names a mutation as its writer");
        if (row.after) {
            for (std::size_t f = 0; f < 2; ++f) {
                const auto v = row.after->fields[f].as_integer();
                if (before && before->fields[f].as_integer() == v) continue;
                if (edits_.at(static_cast<std::size_t>(v)).author != foreign_author)
                    throw violation("a change of " + name(key) + " that no device committed holds the edit " + std::to_string(v) + " of " + who(edits_[static_cast<std::size_t>(v)].author));
            }
            if (before && foreign_sum_[key]) {
                const auto difference = row.after->fields[counter_field].as_integer() - before->fields[counter_field].as_integer();
                if (difference != *foreign_sum_[key]) throw violation("a foreign change counted " + std::to_string(difference) + " in " + name(key) + " instead of " + std::to_string(*foreign_sum_[key]));
            }
        }
        foreign_sum_[key] = 0;
        history_[key].push_back({row.version, foreign_author, row.fields, !row.after});
    }

    void own_change(int device, std::size_t key, const row_change& row, const bundle_head& head, const std::set<std::size_t>& dead) {
        sent* m = nullptr;
        if (head.source_bundle_id != 0) {
            for (const auto& id : frozen_ids_[static_cast<std::size_t>(device)]) {
                sent& candidate = mutations_.at(id);
                if (candidate.key == key && candidate.bundle_id == head.source_bundle_id) m = &candidate;
            }
            if (m == nullptr && !row.writer.empty()) throw violation("a bundle of " + who(device) + " committed " + name(key) + ", which the device has no longer in flight");
        } else if (!row.writer.empty()) {
            const auto at = mutations_.find(row.writer);
            if (at == mutations_.end()) throw violation("nobody made the mutation " + row.writer);
            m = &at->second;
            // An intent leaves its batch only by an outcome that has a receipt, so what takes effect is still in flight.
            if (!m->in_flight) throw violation("mutation " + row.writer + " of " + name(key) + " took effect after " + who(device) + " had settled it");
        }
        const auto& before = sealed_[key];
        history_[key].push_back({row.version, m != nullptr && m->what.op != operation::erase && !row.after ? foreign_author : m == nullptr ? foreign_author : device, row.fields, !row.after});
        if (m == nullptr) {
            cascaded(device, key, before, row, dead);
            return;
        }
        if (head.source_bundle_id != 0) ++counts_->applied;
        if (m->device != device || m->key != key) throw violation("mutation " + row.writer + " took effect on another record or for another device");
        if (++m->effects > 1) throw violation("mutation " + row.writer + " of " + name(key) + " took effect twice");
        m->in_version = row.version;
        const bool clean = head.source_bundle_id != 0 ? false : m->known && m->known->clean;
        if (!row.after) {
            if (m->what.op != operation::erase) {
                mark_applied(*m, nullptr, before);
                return cascaded(device, key, before, row, dead);
            }
            if (before)
                // Whoever erases a record erases what its program does not know of it too.
                for (std::size_t f = 0; f < (s_->old_model[static_cast<std::size_t>(device)] ? 1U : 2U); ++f) check_seen(device, key, m->erase_edit, before->fields[f].as_integer(), clean);
            if (m->erase_edit != 0 && ++edits_[static_cast<std::size_t>(m->erase_edit)].applied > 1) throw violation("an erase of " + name(key) + " took effect twice");
            return;
        }
        mark_applied(*m, &*row.after, before);
        if (!before) return;
        for (std::size_t f = 0; f < 2; ++f) {
            const auto was = before->fields[f].as_integer(), is = row.after->fields[f].as_integer();
            if (was == is) continue;
            if (is == 0) throw violation("mutation " + row.writer + " took away what " + name(key) + (f == 0 ? ".a" : ".b") + " was");
            const value* to = m->what.changes.find(static_cast<field_index>(f));
            if ((to == nullptr || to->as_integer() != is) && !s_->client_may_win())
                throw violation("mutation " + row.writer + " wrote " + name(key) + (f == 0 ? ".a" : ".b") + ", which it did not carry");
            check_seen(device, key, is, was, clean);
        }
        // Exactly once, whatever else happened to the row: the counter moved by what the mutation carried.
        if ((clean || s_->overlap == overlap_policy::by_field) && m->what.before && m->what.op == operation::update) {
            const auto moved = row.after->fields[counter_field].as_integer() - before->fields[counter_field].as_integer();
            if (moved != difference_of(m->what))
                throw violation("the counter of " + name(key) + " moved by " + std::to_string(moved) + ", the mutation carried " + std::to_string(difference_of(m->what)));
        }
    }

    // A client that sends whole rows writes a counter as a value where it wins, and where history is gone what it had seen of it (docs/parity.md).
    [[nodiscard]] bool counters_are_exact() const { return s_->tethers == 0 || (!s_->client_may_win() && counts_->prunes == 0); }

    // What a device that sends no base did: the fields that its user edited, over what the user had seen, and nothing else of the row that it sent.
    void change_without_base(int author, std::size_t key, const row_change& row, const std::set<std::size_t>& dead) {
        const auto& before = sealed_[key];
        if (row.writer.empty() && row.after == before && (row.fields.empty() || !row.after)) {  // sealed again for the client, a change to nobody
            sealed_again_.emplace(key, row.version);
            return;
        }
        history_[key].push_back({row.version, author, row.fields, !row.after});
        const auto went_along = [&] { if (!s_->client_may_win()) { check_cascade_seen(author, key, before); } cascaded(author, key, before, row, dead); };
        if (row.writer.empty() || mutations_.at(row.writer).key != key) return went_along();
        std::vector<sent*> by;  // several changes of one record in one request show as one
        for (const auto& id : sent_by_.at({author, key}))
            if (sent& m = mutations_.at(id); id == row.writer || (m.known && m.known->outcome == outcome_kind::applied && m.known->version == row.version)) by.push_back(&m);
        bool clean = true;
        for (sent* m : by) {
            if (++m->effects > 1) throw violation("a mutation of " + name(key) + " took effect twice");
            if (!m->in_flight) throw violation("a mutation of " + name(key) + " took effect after " + who(author) + " had settled it");
            clean = clean && m->known && m->known->clean;
            m->in_version = row.version;
            mark_applied(*m, row.after ? &*row.after : nullptr, before);
        }
        if (!row.after && by.back()->what.op != operation::erase) return went_along();  // after a change in the same request
        if (!before || !s_->tethers_sync_whole) return;
        for (std::size_t f = 0; f < 2; ++f) {
            const auto was = before->fields[f].as_integer(), is = row.after ? row.after->fields[f].as_integer() : by.back()->erase_edit;
            if (was == is) continue;
            const bool carried = !row.after || std::any_of(by.begin(), by.end(), [&](const sent* m) {
                const value* to = m->what.changes.find(static_cast<field_index>(f));
                return to != nullptr && to->as_integer() == is;
            });
            if (!carried && !s_->client_may_win()) throw violation("mutation " + row.writer + " wrote " + name(key) + (f == 0 ? ".a" : ".b") + ", which its user did not edit");
            check_seen(author, key, is, was, clean);
        }
        if (row.after && s_->overlap == overlap_policy::by_field && counters_are_exact() && row.after->fields[counter_field] != before->fields[counter_field])
            throw violation("mutation " + row.writer + " moved the counter of " + name(key) + ", which its user did not edit");
    }

    // A client's own database takes children along and tells nobody (W20): those that its user had seen may go with the parent.
    void check_cascade_seen(int author, std::size_t key, const std::optional<record>& before) const {
        if (!before || !sent_by_.contains({author, key_index("P")})) return;
        const sent* erase = parent_erase(author);
        for (std::size_t f = 0; f < 2 && s_->tethers_sync_whole; ++f) check_seen(author, key, erase != nullptr ? erase->erase_edit : 0, before->fields[f].as_integer(), false);
    }
    // The last applied erase of the parent by `author`, in that bundle only where one is given.
    const sent* parent_erase(int author, std::int64_t version = 0) const {
        const auto own = sent_by_.find({author, key_index("P")});
        for (std::size_t i = own == sent_by_.end() ? 0 : own->second.size(); i-- > 0;)
            if (const sent& m = mutations_.at(own->second[i]); m.what.op == operation::erase && m.known && m.known->outcome == outcome_kind::applied && (version == 0 || m.known->version == version)) return &m;
        return nullptr;
    }

    void mark_applied(const sent& m, const record* after, const std::optional<record>& before) {
        for (const auto& c : m.what.changes) {
            if (c.field > 1) continue;
            const auto v = c.to.as_integer();
            auto& e = edits_.at(static_cast<std::size_t>(v));
            if (e.author != m.device) continue;
            if (after != nullptr && after->fields[c.field].as_integer() != v) continue;
            if (before && before->fields[c.field].as_integer() == v) continue;
            // The record went in between and comes back as a whole, with what its author had in it.
            if (e.is == fate::applied && !e.sealed_in.empty() && e.sealed_in.back() <= died_in_[m.key]) continue;
            if (++e.applied > 1) throw violation("edit " + std::to_string(v) + " of " + name(m.key) + " took effect twice");
            if (e.is == fate::superseded || e.is == fate::discarded) throw violation("edit " + std::to_string(v) + " of " + name(m.key) + " took effect after it was given up");
        }
    }

    // A record that went with another one. Only a named decision for the client may take along what its author had not seen.
    void cascaded(int device, std::size_t key, const std::optional<record>& before, const row_change& row, const std::set<std::size_t>& dead) {
        if (row.after) throw violation("a bundle of " + who(device) + " holds a change of " + name(key) + " that no mutation stands for");
        const bool parent_went = dead.contains(key_index("P")) || parent_erase(device, row.version) != nullptr;  // and was made again in the same request
        if (name(key)[0] != 'C' || !parent_went) throw violation(name(key) + " went without its parent");
        if (before && s_->resolver != "client_wins" && !s_->is_tether(device)) throw violation("a cascade took along " + name(key) + ", and no decision named it");
    }

    // Nothing unseen is overwritten silently (promises 2, 3 and 12).
    void check_seen(int device, std::size_t key, std::int64_t by, std::int64_t was, bool clean) const {
        if (was != 0 && by == 0 && !s_->client_may_win()) throw violation("an erase of " + name(key) + " that nobody made took effect");
        if (was == 0 || by == 0) return;
        const edit& lost = edits_.at(static_cast<std::size_t>(was));
        const edit& winner = edits_.at(static_cast<std::size_t>(by));
        if (lost.author == device) {
            if (was > by && !s_->client_may_win()) throw violation("an older edit of " + who(device) + " overwrote its newer one in " + name(key));
            return;
        }
        const auto& seen = seen_[static_cast<std::size_t>(device)];
        const auto at = static_cast<std::size_t>(was) < seen.size() ? seen[static_cast<std::size_t>(was)] : 0;
        if (at != 0 && at <= winner.made_at) return;
        if (s_->client_may_win() && !clean) return;
        throw violation("silent overwrite: value " + std::to_string(was) + " of " + name(key) + " by edit " + std::to_string(by) + " of " + who(device) + ", who had never seen it");
    }

    // What is in flight never lies over a base that contains it: what the user did would show twice.
    void check_not_laid_twice(int device, const device_look& now) const {
        for (std::size_t k = 0; k < now.keys.size(); ++k) {
            if (!now.keys[k].frozen) continue;
            const sent& m = mutations_.at(now.keys[k].frozen->id);
            // A bundle wire device that rehydrates learns only afterwards that its batch had been committed.
            if (m.bundle_id == 0 && m.effects != 0 && now.keys[k].version >= m.in_version)
                throw violation(who(device) + " lays a frozen change over " + name(k) + " at version " + std::to_string(now.keys[k].version) + ", which contains it since version " + std::to_string(m.in_version));
        }
    }

    // What was acknowledged never flickers back: without a layer the visible value is one the authority sealed, and not an older one.
    void check_no_flicker(int device, const device_look& now) {
        auto& high = high_[static_cast<std::size_t>(device)];
        for (std::size_t k = 0; k < now.keys.size(); ++k) {
            const auto& key = now.keys[k];
            if (key.open || key.frozen || key.hidden) continue;
            if (!key.visible) {
                high[k] = {0, 0};
                continue;
            }
            for (std::size_t f = 0; f < 2; ++f) {
                if (key.visible->fields[f].is_null()) continue;  // its program does not know the field
                const auto v = key.visible->fields[f].as_integer();
                const auto& in = edits_.at(static_cast<std::size_t>(v)).sealed_in;
                const auto at = std::lower_bound(in.begin(), in.end(), high[k][f]);
                if (at == in.end()) throw violation(who(device) + " shows " + name(k) + (f == 0 ? ".a" : ".b") + " = " + std::to_string(v) + ", which " + (in.empty() ? "was never sealed" : "is older than what it showed"));
                high[k][f] = *at;
            }
        }
    }

    const settings* s_;
    statistics* counts_;
    std::vector<edit> edits_;
    std::vector<std::vector<logged>> history_;
    std::vector<std::optional<record>> sealed_;
    std::vector<std::int64_t> died_in_;  ///< the newest version that erased the record
    std::vector<std::optional<std::int64_t>> foreign_sum_;
    std::vector<std::int64_t> made_;
    std::vector<int> creates_;
    std::vector<std::int64_t> ever_;
    std::vector<std::vector<std::uint64_t>> seen_;
    std::vector<std::vector<std::int64_t>> pending_;
    std::vector<std::set<mutation_id>> frozen_ids_;
    std::vector<std::vector<std::array<std::int64_t, 2>>> high_;
    std::map<mutation_id, sent> mutations_;
    std::map<std::string, int> sources_;
    std::set<std::pair<std::size_t, std::int64_t>> sealed_again_;               ///< key and version
    std::map<std::pair<int, std::size_t>, std::vector<mutation_id>> sent_by_;  ///< without a base, by author and key
    std::set<std::pair<std::string, std::int64_t>> committed_;
    std::int64_t seq_ = 0;
    std::int64_t stamp_ = 0;
};

}  // namespace simulation

#endif
