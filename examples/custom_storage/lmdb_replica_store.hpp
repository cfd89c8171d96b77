#pragma once

#include "app_tables.hpp"
#include "codecs.hpp"
#include "environment.hpp"
#include "lmdb_transaction.hpp"
#include "program_models.hpp"

#include <syncline/syncline.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace on_lmdb {

/// What the transactions of a store share with it: it stays where it is when the store is moved.
struct store_parts {
    std::shared_ptr<environment> in;
    syncline::schema_set schemas;
    table_rules rules;
    record_names names;
    std::unique_ptr<writer_gate> gate;
};

/// A replica's transaction on LMDB (`syncline::leasing_transaction`): everything is done in one transaction of LMDB.
class replica_transaction {
public:
    using key = syncline::record_key;
    template <class T>
    using list = result<std::vector<T>>;

    [[nodiscard]] static result<replica_transaction> begin(std::shared_ptr<store_parts> of) {
        auto pass = of->gate->take();
        if (!pass) return std::move(pass).error();
        auto t = lmdb_transaction::begin(of->in, lmdb_transaction::access::write);
        if (!t) return std::move(t).error();
        // Another program may have taught the data more meanwhile; rows that this one writes would lose that.
        if (auto known = program_models{*t, of->schemas}.look_up(); !known) return std::move(known).error();
        return replica_transaction{std::move(of), std::move(*pass), std::move(*t)};
    }

    // --- the app's rows

    [[nodiscard]] list<syncline::captured_edit> take_captured() { return tables().take_captured(); }
    [[nodiscard]] list<syncline::diverted_row> take_diverted() {
        if (t_.is_over()) return over();
        return std::exchange(diverted_, {});
    }
    [[nodiscard]] result<std::optional<record>> visible(const key& k) { return tables().row(k); }
    [[nodiscard]] result<void> write(const key& k, const record& row) {
        auto stored = tables().write(k, row);
        if (!stored) return std::move(stored).error();
        std::erase_if(diverted_, [&](const auto& d) { return d.key == k; });
        if (!(*stored == row)) diverted_.push_back({k, row});
        return {};
    }
    [[nodiscard]] result<void> erase(const key& k) {
        if (auto r = tables().erase(k); !r) return r;
        std::erase_if(diverted_, [&](const auto& d) { return d.key == k; });
        return {};
    }
    /// What the app does, captured in the transaction that does it.
    [[nodiscard]] result<void> app_write(const key& k, const record& row) { return tables().app_write(k, row); }
    [[nodiscard]] result<void> app_erase(const key& k) { return tables().app_erase(k); }

    // --- what is known of the authority's rows

    [[nodiscard]] result<syncline::base_row> base(const key& k) {
        auto found = get(database::base, k);
        if (!found) return std::move(found).error();
        if (!*found) return syncline::base_row{};
        auto b = decode_base(**found);
        if (b) widen(parts_->schemas[k.model], b->image);
        return b;
    }
    [[nodiscard]] result<void> put_base(const key& k, const syncline::base_row& b) {
        if (b.version == 0 && !b.image && !b.provisional && !b.out_of_view) return drop(database::base, k);
        return put(database::base, k, encode(b));
    }
    [[nodiscard]] list<key> bases_within(std::int64_t low, std::int64_t high, const key* after_key, std::size_t n) {
        return collect<key>(database::base, after_key, n, [&](key k, std::string_view octets) -> result<std::optional<key>> {
            auto b = decode_base(octets);
            if (!b) return std::move(b).error();
            if (b->version <= low || b->version >= high) return std::optional<key>{};
            return std::optional<key>{std::move(k)};
        });
    }

    // --- open intents

    [[nodiscard]] result<std::optional<syncline::intent>> open_intent(const key& k) {
        auto found = open_entry(k);
        if (!found) return std::move(found).error();
        if (!*found) return std::optional<syncline::intent>{};
        return std::optional<syncline::intent>{std::move((*found)->second)};
    }
    [[nodiscard]] result<void> put_open(const syncline::intent& i, std::int32_t send_class) {
        if (auto r = drop_open(i.key); !r) return r;
        if (auto r = put(database::open, i.key, encode(i, send_class)); !r) return r;
        const std::string name = parts_->names.encode(i.key);
        return i.waiting ? t_.put(database::waiting, ordered(i.ordinal), name) : t_.put(database::ready, ordered(syncline::send_position{send_class, i.ordinal}), name);
    }
    [[nodiscard]] result<void> drop_open(const key& k) {
        auto known = open_entry(k);
        if (!known) return std::move(known).error();
        if (!*known) return {};
        const auto& [send_class, i] = **known;
        auto r = i.waiting ? t_.erase(database::waiting, ordered(i.ordinal)) : t_.erase(database::ready, ordered(syncline::send_position{send_class, i.ordinal}));
        return r ? drop(database::open, k) : std::move(r);
    }
    [[nodiscard]] list<std::pair<syncline::send_position, syncline::intent>> ready_intents(syncline::send_position from, std::size_t n) {
        using placed = std::pair<syncline::send_position, syncline::intent>;
        return follow<placed>(database::ready, after(ordered(from)), n, [&](std::string_view at, const key& k) -> result<std::optional<placed>> {
            auto found = open_entry(k);
            if (!found) return std::move(found).error();
            if (!*found) return std::optional<placed>{};
            return std::optional<placed>{placed{read_send_position(at), std::move((*found)->second)}};
        });
    }
    [[nodiscard]] list<syncline::intent> waiting_intents(std::size_t n) {
        return follow<syncline::intent>(database::waiting, {}, n, [&](std::string_view, const key& k) { return open_intent(k); });
    }

    // --- the batch in flight

    [[nodiscard]] result<std::optional<syncline::batch>> current_batch() {
        auto found = t_.get(database::scalars, "batch");
        if (!found) return std::move(found).error();
        if (!*found) return std::optional<syncline::batch>{};
        auto b = decode_batch(**found);
        if (!b) return std::move(b).error();
        return std::optional<syncline::batch>{std::move(*b)};
    }
    [[nodiscard]] result<void> put_batch(const syncline::batch& b) { return t_.put(database::scalars, "batch", encode(b)); }
    [[nodiscard]] result<void> drop_batch() {
        if (auto r = t_.clear(database::frozen); !r) return r;
        if (auto r = t_.clear(database::frozen_at); !r) return r;
        return t_.erase(database::scalars, "batch");
    }
    [[nodiscard]] result<std::optional<syncline::batch_item>> frozen(const key& k) {
        auto found = get(database::frozen, k);
        if (!found) return std::move(found).error();
        if (!*found) return std::optional<syncline::batch_item>{};
        auto item = decode_item(k, **found);
        if (!item) return std::move(item).error();
        return std::optional<syncline::batch_item>{std::move(*item)};
    }
    [[nodiscard]] result<void> put_frozen(const syncline::batch_item& item) {
        if (auto r = drop_frozen(item.what.key); !r) return r;
        if (auto r = put(database::frozen, item.what.key, encode(item)); !r) return r;
        return t_.put(database::frozen_at, ordered(item.position), parts_->names.encode(item.what.key));
    }
    [[nodiscard]] result<void> drop_frozen(const key& k) {
        auto known = frozen(k);
        if (!known) return std::move(known).error();
        if (!*known) return {};
        auto r = t_.erase(database::frozen_at, ordered((*known)->position));
        return r ? drop(database::frozen, k) : std::move(r);
    }
    [[nodiscard]] list<syncline::batch_item> frozen_items(std::uint32_t from, std::size_t n) {
        return follow<syncline::batch_item>(database::frozen_at, ordered(from), n, [&](std::string_view, const key& k) { return frozen(k); });
    }

    // --- rows beside the tables

    [[nodiscard]] result<void> set_hidden(const key& k, bool hidden) { return hidden ? put(database::hidden, k, {}) : drop(database::hidden, k); }
    [[nodiscard]] list<key> hidden() { return collect<key>(database::hidden, nullptr, all, keep_key); }

    [[nodiscard]] result<void> quarantine(const syncline::quarantined_row& q) { return put(database::quarantined, q.image.key, encode(q)); }
    [[nodiscard]] result<void> release(const key& k) { return drop(database::quarantined, k); }
    [[nodiscard]] list<syncline::quarantined_row> quarantined(std::size_t n) {
        return collect<syncline::quarantined_row>(database::quarantined, nullptr, n, [&](key k, std::string_view octets) {
            auto q = decode_quarantined(std::move(k), octets);
            if (q) widen(parts_->schemas[q->image.key.model], q->image.row);
            return kept(std::move(q));
        });
    }

    [[nodiscard]] result<void> put_unread(const syncline::unread_row& u) { return t_.put(database::unread, ordered(u.name), encode(u)); }
    [[nodiscard]] result<void> drop_unread(const syncline::unread_name& name) { return t_.erase(database::unread, ordered(name)); }
    [[nodiscard]] result<std::optional<syncline::unread_row>> find_unread(const syncline::unread_name& name) {
        auto found = t_.get(database::unread, ordered(name));
        if (!found) return std::move(found).error();
        return *found ? kept(decode_unread(**found)) : std::optional<syncline::unread_row>{};
    }
    [[nodiscard]] list<syncline::unread_row> unread(const syncline::unread_name* after_name, std::size_t n) {
        return collect_from<syncline::unread_row>(database::unread, after_name == nullptr ? std::string{} : after(ordered(*after_name)), n,
                                                  [](std::string_view, std::string_view octets) { return kept(decode_unread(octets)); });
    }

    [[nodiscard]] result<void> put_lost(const syncline::row_image& row) { return put(database::lost, row.key, encode(row)); }
    [[nodiscard]] result<void> drop_lost(const key& k) { return drop(database::lost, k); }
    [[nodiscard]] list<syncline::row_image> lost_rows(std::size_t n) { return images(database::lost, nullptr, n); }

    [[nodiscard]] result<void> stage(const std::vector<syncline::row_image>& rows) {
        for (const auto& row : rows)
            if (auto r = put(database::staged, row.key, encode(row)); !r) return r;
        return {};
    }
    [[nodiscard]] result<void> clear_stage() { return t_.clear(database::staged); }
    [[nodiscard]] list<syncline::row_image> staged(const key* after_key, std::size_t n) { return images(database::staged, after_key, n); }
    [[nodiscard]] list<key> unstaged(const key* after_key, std::size_t n) {
        return collect<key>(database::base, after_key, n, [&](key k, std::string_view) -> result<std::optional<key>> {
            auto found = get(database::staged, k);
            if (!found) return std::move(found).error();
            if (*found) return std::optional<key>{};
            return std::optional<key>{std::move(k)};
        });
    }

    // --- scalars

    [[nodiscard]] result<syncline::replica_state> state() {
        auto found = t_.get(database::scalars, "state");
        if (!found) return std::move(found).error();
        return *found ? decode_state(**found) : result<syncline::replica_state>{syncline::replica_state{}};
    }
    [[nodiscard]] result<void> put_state(const syncline::replica_state& s) {
        auto was = state();
        if (!was) return std::move(was).error();
        if (was->needs_hydration && !s.needs_hydration)  // rows have come that tell of every field
            if (auto r = t_.clear(database::unseen); !r) return r;
        return t_.put(database::scalars, "state", encode(s));
    }
    [[nodiscard]] result<syncline::sync_lease> lease() {
        auto found = t_.get(database::scalars, "lease");
        if (!found) return std::move(found).error();
        return *found ? decode_lease(**found) : result<syncline::sync_lease>{syncline::sync_lease{}};
    }
    [[nodiscard]] result<void> put_lease(const syncline::sync_lease& l) { return t_.put(database::scalars, "lease", encode(l)); }

    [[nodiscard]] result<syncline::replica_presence> presence() {
        syncline::replica_presence out;
        for (const auto& [d, there] : {std::pair{database::open, &out.intents}, {database::frozen, &out.frozen}, {database::quarantined, &out.quarantined}, {database::unread, &out.unread}}) {
            auto n = t_.entries(d);
            if (!n) return std::move(n).error();
            *there = *n != 0;
        }
        return out;
    }
    [[nodiscard]] result<syncline::replica_counts> counts() {
        syncline::replica_counts out;
        for (const auto& [d, count] : {std::pair{database::ready, &out.open},
                                       {database::waiting, &out.waiting},
                                       {database::frozen_at, &out.frozen},
                                       {database::quarantined, &out.quarantined},
                                       {database::unread, &out.unread},
                                       {database::lost, &out.lost}}) {
            auto r = t_.scan(d, {}, [n = count](std::string_view, std::string_view) {
                ++*n;
                return true;
            });
            if (!r) return std::move(r).error();
        }
        return out;
    }

    [[nodiscard]] result<void> commit() {
        auto done = t_.commit();
        pass_.reset();
        return done;
    }

private:
    static constexpr std::size_t all = static_cast<std::size_t>(-1);

    replica_transaction(std::shared_ptr<store_parts> of, writer_gate::pass pass, lmdb_transaction t) : parts_(std::move(of)), pass_(std::move(pass)), t_(std::move(t)) {}

    static fault over() { return make_fault(errc::bug, "a transaction was used after its commit; begin another one"); }
    static fault unknown_model() { return make_fault(errc::unknown_model, "a record of a model that the store was not opened with was named; add the model to its schemas"); }

    app_tables tables() { return {t_, parts_->schemas, parts_->rules, parts_->names}; }

    result<std::optional<std::string>> get(database d, const key& k) {
        if (!parts_->names.knows(k)) return unknown_model();
        return t_.get(d, parts_->names.encode(k));
    }
    result<void> put(database d, const key& k, std::string_view octets) {
        if (!parts_->names.knows(k)) return unknown_model();
        return t_.put(d, parts_->names.encode(k), octets);
    }
    result<void> drop(database d, const key& k) {
        if (!parts_->names.knows(k)) return unknown_model();
        return t_.erase(d, parts_->names.encode(k));
    }
    result<std::optional<std::pair<std::int32_t, syncline::intent>>> open_entry(const key& k) {
        auto found = get(database::open, k);
        if (!found) return std::move(found).error();
        return *found ? kept(decode_open(k, **found)) : std::optional<std::pair<std::int32_t, syncline::intent>>{};
    }

    template <class T>
    static result<std::optional<T>> kept(result<T> read) {
        if (!read) return std::move(read).error();
        return std::optional<T>{std::move(*read)};
    }
    static result<std::optional<key>> keep_key(key k, std::string_view) { return std::optional<key>{std::move(k)}; }

    // What `read` makes of each entry from `from` on, at most n; nothing: the entry is passed over.
    template <class T, class Read>
    list<T> collect_from(database d, std::string_view from, std::size_t n, Read read) {
        std::vector<T> out;
        std::optional<fault> failed;
        if (n == 0) return out;
        auto r = t_.scan(d, from, [&](std::string_view at, std::string_view octets) {
            result<std::optional<T>> item = read(at, octets);
            if (!item) {
                failed = std::move(item).error();
                return false;
            }
            if (*item) out.push_back(std::move(**item));
            return out.size() < n;
        });
        if (!r) return std::move(r).error();
        if (failed) return std::move(*failed);
        return out;
    }
    // The same over records, after one of them.
    template <class T, class Read>
    list<T> collect(database d, const key* after_key, std::size_t n, Read read) {
        if (after_key != nullptr && !parts_->names.knows(*after_key)) return unknown_model();
        const std::string from = after_key == nullptr ? std::string{} : after(parts_->names.encode(*after_key));
        return collect_from<T>(d, from, n, [&](std::string_view at, std::string_view octets) -> result<std::optional<T>> {
            auto k = parts_->names.decode(at);
            return k ? read(std::move(*k), octets) : std::optional<T>{};
        });
    }
    list<syncline::row_image> images(database d, const key* after_key, std::size_t n) {
        return collect<syncline::row_image>(d, after_key, n, [&](key k, std::string_view octets) {
            auto image = decode_image(std::move(k), octets);
            if (image) widen(parts_->schemas[image->key.model], image->row);
            return kept(std::move(image));
        });
    }
    // The same over an index that names records.
    template <class T, class Read>
    list<T> follow(database d, std::string_view from, std::size_t n, Read read) {
        return collect_from<T>(d, from, n, [&](std::string_view at, std::string_view name) -> result<std::optional<T>> {
            const auto k = parts_->names.decode(name);
            return k ? read(at, *k) : std::optional<T>{};
        });
    }

    // Undone in this order, from the last: the transaction of LMDB, and then the next writer may come.
    std::shared_ptr<store_parts> parts_;
    std::optional<writer_gate::pass> pass_;
    lmdb_transaction t_;
    std::vector<syncline::diverted_row> diverted_;
};

/// A device's store on LMDB (`syncline::leasing_store`). The app's tables are in it too, and are written with `app_write` and `app_erase`.
///
/// A row is kept by the places of its fields. A program whose models have more fields behind those is let in (`program_models`); one with other fields is
/// refused, and so is every further transaction of one that has fewer, once another has been let in.
class lmdb_replica_store {
public:
    using transaction = replica_transaction;

    [[nodiscard]] static result<lmdb_replica_store> open(std::shared_ptr<environment> in, syncline::schema_set schemas, table_rules rules = {}) {
        auto gate = writer_gate::open(*in);
        if (!gate) return std::move(gate).error();
        auto parts = std::make_shared<store_parts>(store_parts{std::move(in), std::move(schemas), std::move(rules), {}, std::move(*gate)});
        if (auto r = meet_models(*parts); !r) return std::move(r).error();
        return lmdb_replica_store{std::move(parts)};
    }

    [[nodiscard]] const syncline::schema_set& schemas() const noexcept { return parts_->schemas; }

    [[nodiscard]] result<transaction> begin() {
        if (parts_->gate->is_taken()) return make_fault(errc::bug, "a transaction of this store was begun while another one is open; end that one first");
        return transaction::begin(parts_);
    }

    /// Inserts or replaces a row of the app, and notes what that changes in the same transaction. @return `busy` while anybody writes, `constraint`
    [[nodiscard]] result<void> app_write(const record_key& key, const record& row) {
        return in_transaction([&](transaction& t) { return t.app_write(key, row); });
    }
    [[nodiscard]] result<void> app_erase(const record_key& key) {
        return in_transaction([&](transaction& t) { return t.app_erase(key); });
    }
    /// The committed row, whoever writes meanwhile.
    [[nodiscard]] result<std::optional<record>> row(const record_key& key) const {
        auto t = lmdb_transaction::begin(parts_->in, lmdb_transaction::access::read);
        if (!t) return std::move(t).error();
        return app_tables{*t, parts_->schemas, parts_->rules, parts_->names}.row(key);
    }

private:
    explicit lmdb_replica_store(std::shared_ptr<store_parts> parts) : parts_(std::move(parts)) {}

    template <class Act>
    result<void> in_transaction(Act act) {
        auto t = transaction::begin(parts_);
        if (!t) return std::move(t).error();
        if (auto r = act(*t); !r) return r;
        return t->commit();
    }

    // A store can be opened while somebody writes: only where the program knows more than the data anything is written.
    static result<void> meet_models(store_parts& parts) {
        {
            auto t = lmdb_transaction::begin(parts.in, lmdb_transaction::access::read);
            if (!t) return std::move(t).error();
            auto known = program_models{*t, parts.schemas}.look_up();
            if (!known) return std::move(known).error();
            if (*known) {
                parts.names = std::move(**known);
                return {};
            }
        }
        auto pass = parts.gate->take();
        if (!pass) return std::move(pass).error();
        auto t = lmdb_transaction::begin(parts.in, lmdb_transaction::access::write);
        if (!t) return std::move(t).error();
        auto learnt = program_models{*t, parts.schemas}.learn();
        if (!learnt) return std::move(learnt).error();
        parts.names = std::move(*learnt);
        return t->commit();
    }

    std::shared_ptr<store_parts> parts_;
};

static_assert(syncline::leasing_store<lmdb_replica_store>);

}  // namespace on_lmdb
