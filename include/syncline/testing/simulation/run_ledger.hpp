#ifndef SYNCLINE_TESTING_SIMULATION_RUN_LEDGER_HPP
#define SYNCLINE_TESTING_SIMULATION_RUN_LEDGER_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value_text.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/setup.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A promise that a run saw broken.
struct broken_promise {
    std::string rule;  ///< its short name: a script is shrunk to the smallest that breaks the same one
    std::string what;  ///< what was seen, in words

    friend bool operator==(const broken_promise&, const broken_promise&) = default;
};

/// What a device's store holds of one record.
struct record_look {
    friend bool operator==(const record_look&, const record_look&) = default;

    std::int64_t version = 0;
    bool provisional = false;
    bool out_of_view = false;
    bool hidden = false;
    bool image_kept = false;
    std::optional<record> base;
    std::optional<batch_item> frozen;
    std::optional<intent> open;
    std::optional<record> visible;
};
/// What a device's store holds, read past the faults; the records in the order of the run's keys.
struct device_look {
    std::vector<record_look> records;
    replica_state state;
    std::optional<batch> in_flight;
};

/// Who checks a run: it knows what the simulated people wrote, sees each device's store and the server's log after every step, and nothing of
/// how an engine came to it. It keeps to what holds for any models and resolvers.
///
/// | rule | asks (promise of `docs/architecture.md`, or session guarantee) |
/// |---|---|
/// | layers | what is visible is `open(frozen(base))` |
/// | monotonic reads | the base of a record never goes back, nor does the checkpoint |
/// | order | `bundle_seq` has no gap, stamps rise, a source's number names one bundle |
/// | once | a mutation takes effect once, and its receipt never changes |
/// | effect | what was applied without a conflict is what was written |
/// | writes follow reads | a change is sealed after what it was made on |
/// | monotonic writes | changes of one record by one device are sealed in their order |
/// | lost write | every value that a user wrote was at the server once, or its author wrote over it or was told |
class run_ledger {
public:
    run_ledger(const simulation_setup& setup, const schema_set& schemas, std::vector<record_key> keys)
        : setup_(&setup), schemas_(&schemas), keys_(std::move(keys)) {
        for (std::size_t m = 0; m < schemas.size(); ++m) {
            const auto& schema = schemas[static_cast<model_id>(m)];
            auto& followed = followed_.emplace_back();
            for (std::size_t f = 0; f < schema.fields.size(); ++f)
                if (setup.follows(schema, static_cast<field_index>(f))) followed.insert(static_cast<field_index>(f));
        }
    }

    [[nodiscard]] const std::vector<record_key>& keys() const noexcept { return keys_; }
    [[nodiscard]] const field_set& followed(model_id m) const { return followed_[m]; }
    /// What was broken first.
    [[nodiscard]] const std::optional<broken_promise>& broken() const noexcept { return broken_; }
    void broke(std::string rule, std::string what) {
        if (!broken_) broken_ = broken_promise{std::move(rule), std::move(what)};
    }

    // --- what people write

    [[nodiscard]] std::uint64_t next_number() { return ++numbers_; }
    /// @p device wrote the value number @p number.
    void wrote(std::size_t device, const record_key& key, field_index field, std::uint64_t number) {
        drop([&](const written& w) { return w.device == device && w.field == field && w.key == key; });
        pending_.push_back({number, device, key, field});
    }
    /// What a device's user sees no more although nobody else took it away: it was written over.
    /// @param shows  whether a value is to be seen now
    template <class Shows>
    void forget_unseen(std::size_t device, Shows shows) {
        drop([&](const written& w) { return w.device == device && !shows(w.key, w.field, w.number); });
    }
    /// What of those that are pending a device shows.
    template <class Shows>
    [[nodiscard]] std::vector<std::uint64_t> seen_pending(std::size_t device, Shows shows) const {
        std::vector<std::uint64_t> out;
        for (const auto& w : pending_)
            if (w.device == device && shows(w.key, w.field, w.number)) out.push_back(w.number);
        return out;
    }
    void forget_numbers(const std::vector<std::uint64_t>& numbers) {
        drop([&](const written& w) { return std::find(numbers.begin(), numbers.end(), w.number) != numbers.end(); });
    }
    /// The user of a device knows what became of a record.
    void told(std::size_t device, const record_key& key) {
        drop([&](const written& w) { return w.device == device && w.key == key; });
    }
    void forget_device(std::size_t device) {
        drop([&](const written& w) { return w.device == device; });
    }

    /// Under whose name a device sends; devices by their number, each once.
    void owned_by(std::size_t device, std::string principal) {
        if (owners_.size() <= device) owners_.resize(device + 1);
        owners_[device] = std::move(principal);
    }
    /// Who sent the mutation @p id; nothing: nobody froze it.
    [[nodiscard]] std::optional<std::string> owner_of(const mutation_id& id) const {
        const auto at = sent_.find(id);
        return at == sent_.end() ? std::optional<std::string>{} : std::optional<std::string>{owners_[at->second.device]};
    }

    // --- what a device holds

    /// Checks what holds at every moment.
    /// @param known    the models as the device's program knows them
    /// @param settled  nothing that the app wrote is still to be taken in
    void look(std::size_t device, std::string_view name, const schema_set& known, const device_look& now, bool settled) {
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const auto& r = now.records[i];
            if (r.frozen) frozen(device, i, *r.frozen, now);
            if (!r.image_kept && (r.frozen || r.open) && r.version != 0) broke("layers", std::string(name) + ": " + layers(r) + " over " + keys_[i].key + ", but its base image is not kept");
            if (!settled) continue;
            if (!r.image_kept && !r.frozen && !r.open && !r.hidden) continue;  // the app's row is the base
            auto row = visible_row(known[keys_[i].model], r.frozen ? &r.frozen->what : nullptr, r.open ? &*r.open : nullptr, r.base, r.out_of_view);
            if (r.hidden) row.reset();
            if (row != r.visible) broke("layers", std::string(name) + " shows " + keys_[i].key + " as " + text(r.visible) + ", and open(frozen(base)) is " + text(row));
        }
    }
    /// Checks what holds between two moments of one device, whose data nobody put back.
    void looked_again(std::string_view name, const device_look& was, const device_look& now) {
        if (was.state.needs_hydration || now.state.needs_hydration || was.state.epoch != now.state.epoch || was.state.source_id != now.state.source_id) return;
        if (now.state.checkpoint < was.state.checkpoint) broke("monotonic reads", std::string(name) + ": the checkpoint went back from " + std::to_string(was.state.checkpoint) + " to " + std::to_string(now.state.checkpoint));
        for (std::size_t i = 0; i < keys_.size(); ++i)
            // A row whose parent went by the answer to a push may be forgotten, and comes again in its turn: that shows nothing older.
            if (now.records[i].version < was.records[i].version && !now.records[i].out_of_view && (now.records[i].version != 0 || now.records[i].base))
                broke("monotonic reads", std::string(name) + ": the base of " + keys_[i].key + " went back from version " + std::to_string(was.records[i].version) + " to " + std::to_string(now.records[i].version));
    }

    /// The data of a device were put back, or copied: what it does from now on does not follow from all that was done in its name.
    void device_lost_memory(std::size_t device) { lost_memory_.insert(device); }

    // --- what the server holds

    [[nodiscard]] std::int64_t seq() const noexcept { return seq_; }
    /// The next bundle of the log.
    /// @param receipt_of  `std::optional<receipt>(const mutation_id&)`: what the server remembers of a mutation
    template <class ReceiptOf>
    void sealed(const bundle_head& head, const std::vector<row_change>& rows, ReceiptOf receipt_of) {
        if (restored_) {
            restored_ = false;  // the numbers begin anew, further up
        } else if (head.seq != seq_ + 1) {
            broke("order", "bundle " + std::to_string(seq_) + " is followed by " + std::to_string(head.seq));
        }
        seq_ = head.seq;
        if (head.source_bundle_id > 0 && !numbers_of_sources_.emplace(std::pair{head.source, head.source_bundle_id}, head.seq).second)
            broke("order", "number " + std::to_string(head.source_bundle_id) + " of the source " + head.source + " names two bundles");
        for (const auto& row : rows) {
            if (row.stamp <= stamp_) broke("order", "the stamp of " + row.key.key + " in bundle " + std::to_string(head.seq) + " is not above the one before it");
            stamp_ = row.stamp;
            if (row.after) drop([&](const written& w) { return w.key == row.key && w.field < row.after->fields.size() && setup_->number_of(row.after->fields[w.field]) == w.number; });
            if (!row.writer.empty()) effect(head, row, receipt_of);
        }
    }
    /// What the server remembers of a mutation, seen now.
    void receipt_seen(const receipt& r) {
        const auto at = sent_.find(r.id);
        if (at == sent_.end()) return;
        if (at->second.known && !(*at->second.known == r)) broke("once", "the receipt of a change of " + r.key.key + " says another thing than before");
        at->second.known = r;
    }
    /// The operator put a backup in the place of the server's data, and its newest bundle is @p seq.
    void server_restored(std::int64_t seq) {
        restored_ = true;
        seq_ = seq;
        std::erase_if(numbers_of_sources_, [&](const auto& n) { return n.second > seq; });
        for (auto& [id, s] : sent_) {
            s.known.reset();
            if (s.version > seq) s.version = 0;
        }
        newest_.clear();
    }

    /// The end of a run: nothing may be left of which nobody knows what became of it.
    void finish() {
        if (pending_.empty()) return;
        const auto& w = pending_.front();
        broke("lost write", "nobody knows what became of write " + std::to_string(w.number) + ", by device " + std::string(1, static_cast<char>('A' + w.device)) + " to `" +
                                (*schemas_)[w.key.model].fields[w.field].name + "` of " + w.key.key);
    }

    /// A row as a person reads it.
    [[nodiscard]] static std::string text(const std::optional<record>& r) {
        if (!r) return "absent";
        std::string out{"["};
        for (const auto& v : r->fields) {
            if (out.size() > 1) out += ", ";
            switch (v.kind()) {
            case value_kind::null: out += "-"; break;
            case value_kind::boolean: out += v.as_boolean() ? "true" : "false"; break;
            case value_kind::integer: out += std::to_string(v.as_integer()); break;
            case value_kind::real: out += text_of(v); break;
            case value_kind::time: out += std::to_string(to_microseconds(v.as_time())) + " us"; break;
            default: out += v.as_string(); break;
            }
        }
        return out + "]";
    }

    /// The layers of a record as a person reads them.
    [[nodiscard]] static std::string layers(const record_look& r) {
        std::string out;
        if (r.frozen) out += "a frozen " + std::string(name_of(r.frozen->what.op)) + " on version " + std::to_string(r.frozen->what.base.row_version);
        if (r.frozen && r.open) out += " and ";
        if (r.open) out += "an open " + std::string(name_of(r.open->op)) + " on version " + std::to_string(r.open->base.row_version) + (r.open->waiting ? " that waits" : "");
        if (!r.frozen && !r.open) out += "nothing";
        return out + " lies over version " + std::to_string(r.version) + (r.provisional ? ", which is provisional," : "") + (r.hidden ? ", which is hidden," : "");
    }

private:
    struct written {
        std::uint64_t number;
        std::size_t device;
        record_key key;
        field_index field;
    };
    struct sent_change {
        std::size_t device = 0;
        std::size_t place = 0;
        std::uint64_t order = 0;  // among all that were frozen
        intent what;
        std::optional<receipt> known;
        std::int64_t version = 0;  // where it took effect
    };

    template <class Which>
    void drop(Which which) {
        std::erase_if(pending_, which);
    }
    void frozen(std::size_t device, std::size_t place, const batch_item& item, const device_look& now) {
        auto [at, fresh] = sent_.try_emplace(item.id);
        if (!fresh) {
            // A conflict on the bundle wire thaws and freezes anew under another id: what has an id stays as it is.
            if (!says_the_same(at->second.what, item.what)) broke("once", "a frozen change of " + keys_[place].key + " was changed under its id");
            return;
        }
        at->second = {device, place, ++frozen_, item.what, {}, 0};
        if (now.in_flight && now.in_flight->source_bundle_id != 0) bundled_[{now.state.source_id, now.in_flight->source_bundle_id, place}].push_back(item.id);
    }
    // Whether two looks at one frozen change show the same. Of fields that its program did not know then it says nothing, whatever stands there since.
    [[nodiscard]] static bool says_the_same(const intent& was, const intent& is) {
        field_changes known;
        for (const auto& c : is.changes)
            if (!is.unseen.contains(c.field) || was.unseen.contains(c.field) || was.changes.find(c.field) != nullptr) known.set(c.field, c.to);
        return was.op == is.op && was.changes == known;
    }
    // What a row of the log was written by; nullptr: by another row's cascade, or it cannot be told from outside.
    [[nodiscard]] sent_change* writer_of(const bundle_head& head, const row_change& row) {
        mutation_id id = row.writer;
        if (head.source_bundle_id != 0) {
            // The bundle wire has ids of its own for the rows of a bundle. Two copies of a device may have frozen the same number.
            const auto place = static_cast<std::size_t>(std::find(keys_.begin(), keys_.end(), row.key) - keys_.begin());
            const auto at = bundled_.find({head.source, head.source_bundle_id, place});
            if (at == bundled_.end() || at->second.size() != 1) return nullptr;
            id = at->second.front();
        }
        const auto at = sent_.find(id);
        if (at == sent_.end()) broke("once", "bundle " + std::to_string(head.seq) + " names a mutation that nobody froze");
        return at == sent_.end() || keys_[at->second.place] != row.key ? nullptr : &at->second;
    }
    template <class ReceiptOf>
    void effect(const bundle_head& head, const row_change& row, ReceiptOf receipt_of) {
        sent_change* const written_by = writer_of(head, row);
        if (written_by == nullptr) return;
        auto& s = *written_by;
        const auto& key = row.key;
        if (s.version != 0) return broke("once", "a change of " + key.key + " by device " + std::string(1, static_cast<char>('A' + s.device)) + " took effect in version " + std::to_string(s.version) + " and again in " + std::to_string(row.version));
        s.version = row.version;
        if (row.version <= s.what.base.row_version) broke("writes follow reads", "a change of " + key.key + " was made on version " + std::to_string(s.what.base.row_version) + " and sealed as " + std::to_string(row.version));
        auto& newest = newest_[{s.device, s.place}];
        if (s.order < newest && !lost_memory_.contains(s.device)) broke("monotonic writes", "a change of " + key.key + " was sealed after a later one of its device");
        newest = (std::max)(newest, s.order);
        if (s.what.op == operation::erase || setup_->tables_change_rows) return;
        if (head.source_bundle_id == 0) {
            const auto known = receipt_of(row.writer);
            if (!known || !known->clean) return;
        }
        if (!row.after) return;  // it went with another record in the same bundle
        for (const auto& c : s.what.changes)
            if (followed_[key.model].contains(c.field) && !(row.after->fields[c.field] == c.to))
                broke("effect", "`" + (*schemas_)[key.model].fields[c.field].name + "` of " + key.key + " was written without a conflict, and the server has " + text(row.after));
    }

    const simulation_setup* setup_;
    const schema_set* schemas_;
    std::vector<record_key> keys_;
    std::vector<field_set> followed_;
    std::vector<std::string> owners_;
    std::optional<broken_promise> broken_;
    std::uint64_t numbers_ = 0;
    std::vector<written> pending_;
    std::unordered_map<mutation_id, sent_change> sent_;
    std::uint64_t frozen_ = 0;
    std::set<std::size_t> lost_memory_;
    std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> newest_;
    std::map<std::tuple<std::string, std::int64_t, std::size_t>, std::vector<mutation_id>> bundled_;  // source, its number, place
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> numbers_of_sources_;
    std::int64_t seq_ = 0;
    std::int64_t stamp_ = 0;
    bool restored_ = false;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
