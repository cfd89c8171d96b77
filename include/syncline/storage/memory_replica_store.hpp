#ifndef SYNCLINE_STORAGE_MEMORY_REPLICA_STORE_HPP
#define SYNCLINE_STORAGE_MEMORY_REPLICA_STORE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/journal.hpp>
#include <syncline/storage/memory_table.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A device's storage in memory, with the app's tables in it: for tests, tools and apps without a database.
///
/// It behaves like a database that lives as long as this object: what was committed stays, a transaction that is dropped
/// never happened. The app writes through `app_write` and `app_erase`, as it would by SQL; those are captured.
/// Models `replica_store` and `leasing_store`. Beginning a transaction costs nothing, dropping one costs its changes.
///
/// Moving the store leaves its transactions valid; they must not outlive it. One thread at a time.
class memory_replica_store {
    struct captured_row {
        std::optional<record> before;
        bool erased = false;
        bool recreated = false;
        std::uint64_t order = 0;
    };
    struct open_row {
        intent what;
        std::int32_t send_class = 0;
    };
    struct data : memory_tables {
        std::map<record_key, captured_row> captured;
        std::map<record_key, base_row> bases;
        std::map<record_key, open_row> open;
        std::map<std::pair<send_position, record_key>, bool> ready;
        std::map<std::pair<std::uint64_t, record_key>, bool> waiting;
        std::optional<batch> in_flight;
        std::map<record_key, batch_item> frozen;
        std::map<std::pair<std::uint32_t, record_key>, bool> frozen_order;
        std::map<record_key, bool> hidden;
        std::map<record_key, quarantined_row> quarantine;
        std::map<unread_name, unread_row> unread;
        std::map<record_key, row_image> lost;
        std::map<record_key, row_image> stage;
        std::map<model_id, field_set> unseen;  // fields that the device's rows tell nothing of (S7)
        replica_state state;
        sync_lease lease;
        std::uint64_t next_captured = 0;
    };
    struct core {
        explicit core(memory_table_rules of) : rules(std::move(of)) {}
        memory_table_rules rules;
        data now;
        undo_journal<data> journal;
        bool busy = false;  // a transaction is open
    };

public:
    /// An empty store for the models of @p schemas.
    explicit memory_replica_store(schema_set schemas, memory_table_options options = {})
        : core_(std::make_unique<core>(memory_table_rules{std::move(schemas), std::move(options)})) {}

    [[nodiscard]] const schema_set& schemas() const { return core_->rules.schemas(); }

    /// One transaction; models `replica_transaction`, which documents its functions. After `commit()` every call is `errc::bug`.
    class transaction {
    public:
        transaction(transaction&& other) noexcept
            : core_(std::exchange(other.core_, nullptr)), diverted_(std::move(other.diverted_)) {}
        transaction& operator=(transaction&& other) noexcept {
            if (this != &other) {
                drop();
                core_ = std::exchange(other.core_, nullptr);
                diverted_ = std::move(other.diverted_);
            }
            return *this;
        }
        transaction(const transaction&) = delete;
        transaction& operator=(const transaction&) = delete;
        ~transaction() { drop(); }

        /// In the order of the first change of each record; an edit that came to nothing is left out.
        [[nodiscard]] result<std::vector<captured_edit>> take_captured() {
            if (core_ == nullptr) return over();
            std::map<std::uint64_t, captured_edit> ordered;
            for (const auto& [key, row] : now().captured) {
                const auto visible = now().rows.find(key);
                const bool there = visible != now().rows.end();
                if (!row.before && !there) continue;
                const bool recreated = row.recreated && row.before && there;
                if (!recreated && row.before && there && *row.before == visible->second) continue;
                captured_edit edit{key, row.before, there ? std::optional<record>{visible->second} : std::nullopt, recreated};
                edit.unseen = unseen_of(edit);
                ordered.emplace(row.order, std::move(edit));
            }
            journal().clear(now(), &data::captured);
            std::vector<captured_edit> out;
            out.reserve(ordered.size());
            for (auto& [order, edit] : ordered) out.push_back(std::move(edit));
            return out;
        }
        [[nodiscard]] result<std::vector<diverted_row>> take_diverted() {
            if (core_ == nullptr) return over();
            std::vector<diverted_row> out;
            for (auto& [key, row] : std::exchange(diverted_, {})) out.push_back({key, std::move(row)});
            return out;
        }

        [[nodiscard]] result<std::optional<record>> visible(const record_key& key) { return find(&data::rows, key); }
        [[nodiscard]] result<void> write(const record_key& key, const record& row) {
            if (core_ == nullptr) return over();
            record stored = core_->rules.triggered(key, row);
            const bool diverted = stored != row;
            if (auto r = core_->rules.put(now(), journal(), key, std::move(stored)); !r) return r;
            if (diverted) diverted_.insert_or_assign(key, row);
            return {};
        }
        [[nodiscard]] result<void> erase(const record_key& key) {
            if (core_ == nullptr) return over();
            core_->rules.drop(now(), journal(), key);
            return {};
        }

        [[nodiscard]] result<base_row> base(const record_key& key) {
            if (core_ == nullptr) return over();
            const auto at = now().bases.find(key);
            return at == now().bases.end() ? base_row{} : at->second;
        }
        [[nodiscard]] result<void> put_base(const record_key& key, const base_row& base) {
            if (core_ == nullptr) return over();
            if (base.version == 0 && !base.image && !base.provisional && !base.out_of_view)
                journal().drop(now(), &data::bases, key);
            else
                journal().put(now(), &data::bases, key, base);
            return {};
        }

        [[nodiscard]] result<std::optional<intent>> open_intent(const record_key& key) {
            if (core_ == nullptr) return over();
            const auto at = now().open.find(key);
            return at == now().open.end() ? std::optional<intent>{} : at->second.what;
        }
        [[nodiscard]] result<void> put_open(const intent& what, std::int32_t send_class) {
            if (core_ == nullptr) return over();
            forget_open(what.key);
            journal().put(now(), &data::open, what.key, open_row{what, send_class});
            if (what.waiting)
                journal().put(now(), &data::waiting, std::pair{what.ordinal, what.key}, true);
            else
                journal().put(now(), &data::ready, std::pair{send_position{send_class, what.ordinal}, what.key}, true);
            return {};
        }
        [[nodiscard]] result<void> drop_open(const record_key& key) {
            if (core_ == nullptr) return over();
            forget_open(key);
            return {};
        }
        [[nodiscard]] result<std::vector<std::pair<send_position, intent>>> ready_intents(send_position after, std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<std::pair<send_position, intent>> out;
            for (auto at = now().ready.lower_bound({after, record_key{}}); at != now().ready.end() && out.size() < limit; ++at)
                if (at->first.first != after) out.emplace_back(at->first.first, now().open.find(at->first.second)->second.what);
            return out;
        }
        [[nodiscard]] result<std::vector<intent>> waiting_intents(std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<intent> out;
            for (auto at = now().waiting.begin(); at != now().waiting.end() && out.size() < limit; ++at)
                out.push_back(now().open.find(at->first.second)->second.what);
            return out;
        }

        [[nodiscard]] result<std::optional<batch>> current_batch() {
            if (core_ == nullptr) return over();
            return now().in_flight;
        }
        [[nodiscard]] result<void> put_batch(const batch& b) {
            if (core_ == nullptr) return over();
            journal().set(now(), &data::in_flight, std::optional<batch>{b});
            return {};
        }
        [[nodiscard]] result<void> drop_batch() {
            if (core_ == nullptr) return over();
            journal().set(now(), &data::in_flight, std::optional<batch>{});
            journal().clear(now(), &data::frozen);
            journal().clear(now(), &data::frozen_order);
            return {};
        }
        [[nodiscard]] result<std::optional<batch_item>> frozen(const record_key& key) { return find(&data::frozen, key); }
        [[nodiscard]] result<void> put_frozen(const batch_item& item) {
            if (core_ == nullptr) return over();
            forget_frozen(item.what.key);
            journal().put(now(), &data::frozen, item.what.key, item);
            journal().put(now(), &data::frozen_order, std::pair{item.position, item.what.key}, true);
            return {};
        }
        [[nodiscard]] result<void> drop_frozen(const record_key& key) {
            if (core_ == nullptr) return over();
            forget_frozen(key);
            return {};
        }
        [[nodiscard]] result<std::vector<batch_item>> frozen_items(std::uint32_t from, std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<batch_item> out;
            for (auto at = now().frozen_order.lower_bound({from, record_key{}}); at != now().frozen_order.end() && out.size() < limit; ++at)
                out.push_back(now().frozen.find(at->first.second)->second);
            return out;
        }

        [[nodiscard]] result<void> set_hidden(const record_key& key, bool hide) {
            if (core_ == nullptr) return over();
            if (hide)
                journal().put(now(), &data::hidden, key, true);
            else
                journal().drop(now(), &data::hidden, key);
            return {};
        }
        [[nodiscard]] result<std::vector<record_key>> hidden() {
            if (core_ == nullptr) return over();
            std::vector<record_key> out;
            for (const auto& [key, hide] : now().hidden) out.push_back(key);
            return out;
        }

        [[nodiscard]] result<void> quarantine(const quarantined_row& row) {
            if (core_ == nullptr) return over();
            journal().put(now(), &data::quarantine, row.image.key, row);
            return {};
        }
        [[nodiscard]] result<void> release(const record_key& key) {
            if (core_ == nullptr) return over();
            journal().drop(now(), &data::quarantine, key);
            return {};
        }
        [[nodiscard]] result<std::vector<quarantined_row>> quarantined(std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<quarantined_row> out;
            for (auto at = now().quarantine.begin(); at != now().quarantine.end() && out.size() < limit; ++at) out.push_back(at->second);
            return out;
        }

        [[nodiscard]] result<void> put_unread(const unread_row& row) {
            if (core_ == nullptr) return over();
            journal().put(now(), &data::unread, row.name, row);
            return {};
        }
        [[nodiscard]] result<void> drop_unread(const unread_name& name) {
            if (core_ == nullptr) return over();
            journal().drop(now(), &data::unread, name);
            return {};
        }
        [[nodiscard]] result<std::optional<unread_row>> find_unread(const unread_name& name) {
            if (core_ == nullptr) return over();
            const auto at = now().unread.find(name);
            return at == now().unread.end() ? std::optional<unread_row>{} : std::optional{at->second};
        }
        [[nodiscard]] result<std::vector<unread_row>> unread(const unread_name* after, std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<unread_row> out;
            auto at = after == nullptr ? now().unread.begin() : now().unread.upper_bound(*after);
            for (; at != now().unread.end() && out.size() < limit; ++at) out.push_back(at->second);
            return out;
        }
        [[nodiscard]] result<std::vector<record_key>> bases_within(std::int64_t low, std::int64_t high, const record_key* after, std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<record_key> out;
            auto at = after == nullptr ? now().bases.begin() : now().bases.upper_bound(*after);
            for (; at != now().bases.end() && out.size() < limit; ++at)
                if (low < at->second.version && at->second.version < high) out.push_back(at->first);
            return out;
        }
        [[nodiscard]] result<void> put_lost(const row_image& row) {
            if (core_ == nullptr) return over();
            journal().put(now(), &data::lost, row.key, row);
            return {};
        }
        [[nodiscard]] result<void> drop_lost(const record_key& key) {
            if (core_ == nullptr) return over();
            journal().drop(now(), &data::lost, key);
            return {};
        }
        [[nodiscard]] result<std::vector<row_image>> lost_rows(std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<row_image> out;
            for (auto at = now().lost.begin(); at != now().lost.end() && out.size() < limit; ++at) out.push_back(at->second);
            return out;
        }

        [[nodiscard]] result<replica_state> state() {
            if (core_ == nullptr) return over();
            return now().state;
        }
        [[nodiscard]] result<void> put_state(const replica_state& s) {
            if (core_ == nullptr) return over();
            if (now().state.needs_hydration && !s.needs_hydration) journal().clear(now(), &data::unseen);
            journal().set(now(), &data::state, s);
            return {};
        }

        /// For `leasing_transaction`.
        [[nodiscard]] result<sync_lease> lease() {
            if (core_ == nullptr) return over();
            return now().lease;
        }
        [[nodiscard]] result<void> put_lease(const sync_lease& l) {
            if (core_ == nullptr) return over();
            journal().set(now(), &data::lease, l);
            return {};
        }

        [[nodiscard]] result<void> stage(const std::vector<row_image>& rows) {
            if (core_ == nullptr) return over();
            for (const auto& row : rows) journal().put(now(), &data::stage, row.key, row);
            return {};
        }
        [[nodiscard]] result<void> clear_stage() {
            if (core_ == nullptr) return over();
            journal().clear(now(), &data::stage);
            return {};
        }
        [[nodiscard]] result<std::vector<row_image>> staged(const record_key* after, std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<row_image> out;
            auto at = after == nullptr ? now().stage.begin() : now().stage.upper_bound(*after);
            for (; at != now().stage.end() && out.size() < limit; ++at) out.push_back(at->second);
            return out;
        }
        [[nodiscard]] result<std::vector<record_key>> unstaged(const record_key* after, std::size_t limit) {
            if (core_ == nullptr) return over();
            std::vector<record_key> out;
            auto at = after == nullptr ? now().bases.begin() : now().bases.upper_bound(*after);
            for (; at != now().bases.end() && out.size() < limit; ++at)
                if (!now().stage.contains(at->first)) out.push_back(at->first);
            return out;
        }

        [[nodiscard]] result<replica_presence> presence() {
            if (core_ == nullptr) return over();
            return replica_presence{!now().ready.empty() || !now().waiting.empty(), !now().frozen.empty(), !now().quarantine.empty(), !now().unread.empty()};
        }

        [[nodiscard]] result<replica_counts> counts() {
            if (core_ == nullptr) return over();
            return replica_counts{now().ready.size(), now().waiting.size(), now().frozen.size(), now().quarantine.size(), now().unread.size(), now().lost.size()};
        }

        [[nodiscard]] result<void> commit() {
            if (core_ == nullptr) return over();
            core_->journal.forget();
            core_->busy = false;
            core_ = nullptr;
            return {};
        }

    private:
        friend class memory_replica_store;
        explicit transaction(core& of) : core_(&of) { of.busy = true; }

        [[nodiscard]] static fault over() { return make_fault(errc::bug, "the transaction is over; begin a new one"); }
        [[nodiscard]] data& now() const { return core_->now; }
        [[nodiscard]] undo_journal<data>& journal() const { return core_->journal; }

        template <class T, class Owner>
        [[nodiscard]] result<std::optional<T>> find(std::map<record_key, T> Owner::*where, const record_key& key) const {
            if (core_ == nullptr) return over();
            const auto at = (now().*where).find(key);
            return at == (now().*where).end() ? std::optional<T>{} : std::optional<T>{at->second};
        }
        // Of a record that the app made those which have the value that nobody has set.
        [[nodiscard]] field_set unseen_of(const captured_edit& edit) const {
            const auto at = now().unseen.find(edit.key.model);
            if (at == now().unseen.end()) return {};
            if (edit.before || !edit.after) return at->second;
            field_set out;
            for (std::size_t f = 0; f < edit.after->fields.size(); ++f)
                if (at->second.contains(static_cast<field_index>(f)) && edit.after->fields[f].is_null()) out.insert(static_cast<field_index>(f));
            return out;
        }
        void forget_open(const record_key& key) {
            const auto at = now().open.find(key);
            if (at == now().open.end()) return;
            const auto& [what, send_class] = at->second;
            journal().drop(now(), &data::waiting, std::pair{what.ordinal, key});
            journal().drop(now(), &data::ready, std::pair{send_position{send_class, what.ordinal}, key});
            journal().drop(now(), &data::open, key);
        }
        void forget_frozen(const record_key& key) {
            const auto at = now().frozen.find(key);
            if (at == now().frozen.end()) return;
            journal().drop(now(), &data::frozen_order, std::pair{at->second.position, key});
            journal().drop(now(), &data::frozen, key);
        }
        void drop() noexcept {
            if (core_ == nullptr) return;
            core_->journal.roll_back(core_->now);
            core_->busy = false;
            core_ = nullptr;
        }

        core* core_;
        std::map<record_key, record> diverted_;
    };

    /// Opens a transaction. @return `errc::bug` while another one is open
    [[nodiscard]] result<transaction> begin() {
        if (core_->busy) return make_fault(errc::bug, "a transaction of this store is open already; end it first");
        return transaction{*core_};
    }

    /// The app inserts or replaces a row of its own table, in a transaction of its own.
    /// @return `errc::busy` while a transaction is open, `errc::constraint`; then nothing was changed
    [[nodiscard]] result<void> app_write(const record_key& key, const record& row) {
        if (core_->busy) return make_fault(errc::busy, "a sync transaction is open; try again when it has ended");
        capture(key, true);
        return finish(core_->rules.put(core_->now, core_->journal, key, core_->rules.triggered(key, row)));
    }

    /// The app deletes a row of its own table, and the rows that its foreign keys take along, in a transaction of its own. An
    /// absent row is fine.
    /// @return `errc::busy` while a transaction is open, `errc::constraint`; then nothing was changed
    [[nodiscard]] result<void> app_erase(const record_key& key) {
        if (core_->busy) return make_fault(errc::busy, "a sync transaction is open; try again when it has ended");
        return finish(core_->rules.erase(core_->now, core_->journal, key, [&](const record_key& touched, bool erased) { capture(touched, !erased); }));
    }

    /// The row of @p key in the app's table, what an open transaction has done included.
    [[nodiscard]] std::optional<record> row(const record_key& key) const {
        const auto at = core_->now.rows.find(key);
        return at == core_->now.rows.end() ? std::optional<record>{} : std::optional<record>{at->second};
    }

    /// The app's table of @p model by key, what an open transaction has done included.
    [[nodiscard]] std::map<std::string, record> rows(model_id model) const {
        std::map<std::string, record> out;
        for (auto at = core_->now.rows.lower_bound(record_key{model, {}}); at != core_->now.rows.end() && at->first.model == model; ++at)
            out.emplace(at->first.key, at->second);
        return out;
    }

    /// A second store with what is committed in this one: what a copied device has, or one restored from a backup.
    [[nodiscard]] memory_replica_store copy() const {
        memory_replica_store out{*this, nullptr};
        core_->journal.undo_on(out.core_->now);
        return out;
    }

    /// The same for a program that knows more (S7): each model of @p schemas may have fields behind those that it has here, nullable ones, which
    /// are null in all that is there.
    /// @return `errc::schema_mismatch` where a model differs otherwise
    [[nodiscard]] result<memory_replica_store> grown(schema_set schemas) const {
        std::map<model_id, field_set> added;
        if (schemas.size() != core_->rules.schemas().size()) return make_fault(errc::schema_mismatch, "a store that grows keeps its models, and their number");
        for (std::size_t m = 0; m < schemas.size(); ++m) {
            const auto id = static_cast<model_id>(m);
            const auto& was = core_->rules.schemas()[id];
            const auto& is = schemas[id];
            const bool begins_alike = is.name == was.name && is.fields.size() >= was.fields.size() &&
                                      std::equal(was.fields.begin(), was.fields.end(), is.fields.begin(), [](const auto& a, const auto& b) { return a.name == b.name && a.kind == b.kind; });
            if (!begins_alike) return make_fault(errc::schema_mismatch, "model `", is.name, "` does not begin with the fields of `", was.name, "` as it was");
            for (std::size_t f = was.fields.size(); f < is.fields.size(); ++f) {
                if (!is.fields[f].nullable) return make_fault(errc::schema_mismatch, "`", is.name, ".", is.fields[f].name, "` is not nullable, and there are rows without it");
                added[id].insert(static_cast<field_index>(f));
            }
        }
        memory_replica_store out = copy();
        out.core_->rules = memory_table_rules{std::move(schemas), core_->rules.options()};
        out.grow(added);
        return out;
    }

private:
    memory_replica_store(const memory_replica_store& other, std::nullptr_t) : core_(std::make_unique<core>(other.core_->rules)) {
        core_->now = other.core_->now;
    }

    // What is kept by a field's place begins as it did; nobody has set what is new.
    void grow(const std::map<model_id, field_set>& added) {
        if (added.empty()) return;
        data& now = core_->now;
        const auto fields_of = [&](const record_key& key) { return core_->rules.schemas()[key.model].fields.size(); };
        const auto widen = [&](const record_key& key, std::optional<record>& row) {
            if (row) row->fields.resize(fields_of(key));
        };
        const auto widen_intent = [&](intent& what) {
            const auto at = added.find(what.key.model);
            if (at == added.end()) return;
            widen(what.key, what.before);
            for (std::size_t f = 0; what.op == operation::create && f < fields_of(what.key); ++f)
                if (at->second.contains(static_cast<field_index>(f))) what.changes.set(static_cast<field_index>(f), value{});
            what.unseen |= at->second;
        };
        for (auto& [key, row] : now.rows) row.fields.resize(fields_of(key));
        for (auto& [key, row] : now.captured) widen(key, row.before);
        for (auto& [key, row] : now.bases) {
            widen(key, row.image);
            // A device that has never pulled gets every row anyhow, if each counts as news.
            if (now.state.checkpoint == 0 && row.version > 0 && added.contains(key.model) && !row.provisional) row.provisional = provisional_base{row.version, {}};
        }
        for (auto& [key, row] : now.open) widen_intent(row.what);
        for (auto& [key, row] : now.frozen) widen_intent(row.what);
        for (auto& [key, row] : now.quarantine) widen(key, row.image.row);
        for (auto& [key, row] : now.lost) widen(key, row.row);
        // A picture that is half staged begins anew.
        now.stage.clear();
        now.state.hydration_session.clear();
        now.state.hydration_position = 0;
        for (const auto& [model, fields] : added) now.unseen[model] |= fields;
        now.state.needs_hydration = now.state.needs_hydration || now.state.checkpoint > 0;
    }

    // Notes the row of a key as it is just before the app changes it.
    void capture(const record_key& key, bool stays) {
        const auto at = core_->now.rows.find(key);
        const bool there = at != core_->now.rows.end();
        captured_row entry;
        const auto known = core_->now.captured.find(key);
        if (known != core_->now.captured.end()) {
            entry = known->second;
        } else {
            if (there) entry.before = at->second;
            entry.order = core_->now.next_captured;
            core_->journal.set(core_->now, &data::next_captured, entry.order + 1);
        }
        if (!stays) entry.erased = true;
        if (stays && !there && entry.erased) entry.recreated = true;
        core_->journal.put(core_->now, &data::captured, key, std::move(entry));
    }
    [[nodiscard]] result<void> finish(result<void> done) {
        if (!done) core_->journal.roll_back(core_->now);
        core_->journal.forget();
        return done;
    }

    std::unique_ptr<core> core_;
};

SYNCLINE_NAMESPACE_END

#endif
