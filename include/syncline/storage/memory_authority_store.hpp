#ifndef SYNCLINE_STORAGE_MEMORY_AUTHORITY_STORE_HPP
#define SYNCLINE_STORAGE_MEMORY_AUTHORITY_STORE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/authority_totals.hpp>
#include <syncline/storage/journal.hpp>
#include <syncline/storage/memory_scopes.hpp>
#include <syncline/storage/memory_sessions.hpp>
#include <syncline/storage/memory_table.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A server's storage in memory, with the app's tables of every tenant in it: for tests, tools and apps without a database.
///
/// It behaves like a database that lives as long as this object: what was committed stays, a transaction that is dropped
/// never happened. The app writes through `app_write` and `app_erase`, as it would by SQL; those are staged.
/// A key belongs for ever to the tenant that wrote it first. Models `authority_store`. Beginning a write costs nothing, except
/// while a snapshot of the tenant is held: then the first write copies the tenant's data, and a snapshot that is begun while a
/// write is open copies them too.
///
/// Moving the store leaves its transactions valid; they must not outlive it. One thread at a time.
class memory_authority_store {
    // Everything of one tenant. Versions and stamps rise together, so what is ordered by stamp is ordered by version.
    struct data : memory_tables, memory_scopes, memory_sessions {
        authority_head head;
        std::map<std::uint64_t, record_key> staged;
        std::map<record_key, bool> is_staged;
        std::uint64_t next_staged = 0;
        std::map<record_key, sealed_row> sealed;
        std::map<std::int64_t, bundle_head> bundles;
        std::map<std::int64_t, row_change> log;                               // by stamp; what is kept
        std::map<std::pair<record_key, std::int64_t>, std::int64_t> versions;  // (key, version) to stamp; what is kept
        std::map<std::int64_t, record_key> latest;                            // stamp of each record's last change
        std::map<std::pair<std::string, mutation_id>, receipt> receipts;
        std::map<std::pair<std::string, std::int64_t>, bundle_receipt> bundle_receipts;
        std::map<std::pair<std::string, std::string>, source_mark> sources;
        std::map<std::pair<std::string, std::string>, std::string> notes;      // by principal and name
    };
    struct tenant_core {
        std::shared_ptr<data> now;
        undo_journal<data> journal;
        bool busy = false;  // a write transaction is open
    };
    struct core {
        core(memory_table_rules of, std::string name) : rules(std::move(of)), epoch(std::move(name)) {}
        memory_table_rules rules;
        std::string epoch;
        lost_intervals lost;  // as a tenant without any history has them
        std::map<std::string, tenant_core, std::less<>> tenants;
        std::map<record_key, std::string> owners;  // the tenant that wrote the key first
    };

public:
    /// An empty store for the models of @p schemas.
    /// @param epoch  the name of this incarnation of the data; not empty
    explicit memory_authority_store(schema_set schemas, memory_table_options options = {}, std::string epoch = "1")
        : core_(std::make_unique<core>(memory_table_rules{std::move(schemas), std::move(options)}, std::move(epoch))) {}

    [[nodiscard]] const schema_set& schemas() const { return core_->rules.schemas(); }

    /// One transaction; models `authority_transaction`, which documents its functions. After `commit()` every call is `errc::bug`.
    class transaction : public memory_scope_calls<transaction>, public memory_session_calls<transaction> {
    public:
        transaction(transaction&& other) noexcept
            : core_(std::exchange(other.core_, nullptr)),
              tenant_(other.tenant_),
              name_(std::move(other.name_)),
              seen_(std::move(other.seen_)),
              how_(other.how_),
              savepoint_(other.savepoint_),
              claimed_(std::move(other.claimed_)) {}
        transaction& operator=(transaction&& other) noexcept {
            if (this != &other) {
                drop();
                core_ = std::exchange(other.core_, nullptr);
                tenant_ = other.tenant_;
                name_ = std::move(other.name_);
                seen_ = std::move(other.seen_);
                how_ = other.how_;
                savepoint_ = other.savepoint_;
                claimed_ = std::move(other.claimed_);
            }
            return *this;
        }
        transaction(const transaction&) = delete;
        transaction& operator=(const transaction&) = delete;
        ~transaction() { drop(); }

        [[nodiscard]] result<std::optional<record>> current(const record_key& key) const { return find(&data::rows, key); }
        [[nodiscard]] result<void> write(const record_key& key, const record& row) {
            if (auto r = may_write(); !r) return r;
            const auto owner = core_->owners.find(key);
            if (owner != core_->owners.end() && owner->second != name_) return make_fault(errc::absent, "there is no such record");
            auto stored = core_->rules.put(*seen_, journal(), key, core_->rules.triggered(key, row));
            if (!stored) return stored;
            if (owner == core_->owners.end()) {
                core_->owners.emplace(key, name_);
                claimed_.push_back(key);
            }
            stage(*seen_, journal(), key);
            return {};
        }
        [[nodiscard]] result<void> erase(const record_key& key) {
            if (auto r = may_write(); !r) return r;
            return core_->rules.erase(*seen_, journal(), key, [&](const record_key& touched, bool) { stage(*seen_, journal(), touched); });
        }
        [[nodiscard]] result<std::vector<record_key>> referencing(const record_key& key, std::size_t limit) const {
            if (core_ == nullptr) return over();
            return core_->rules.cascading_to(*seen_, key, limit);
        }
        [[nodiscard]] result<void> savepoint() {
            if (auto r = may_write(); !r) return r;
            if (savepoint_) return make_fault(errc::bug, "a savepoint is open already; savepoints do not nest");
            savepoint_ = {journal().mark(), claimed_.size()};
            return {};
        }
        [[nodiscard]] result<void> rollback_to_savepoint() {
            if (auto r = may_write(); !r) return r;
            if (!savepoint_) return no_savepoint();
            journal().roll_back(*seen_, savepoint_->first);
            unclaim(savepoint_->second);
            savepoint_.reset();
            return {};
        }
        [[nodiscard]] result<void> release_savepoint() {
            if (auto r = may_write(); !r) return r;
            if (!savepoint_) return no_savepoint();
            savepoint_.reset();
            return {};
        }
        [[nodiscard]] result<std::vector<record_key>> take_staged() {
            if (auto r = may_write(); !r) return std::move(r).error();
            std::vector<record_key> out;
            out.reserve(seen_->staged.size());
            for (const auto& [order, key] : seen_->staged) out.push_back(key);
            journal().clear(*seen_, &data::staged);
            journal().clear(*seen_, &data::is_staged);
            return out;
        }
        [[nodiscard]] result<bool> has_staged() const {
            if (core_ == nullptr) return over();
            return !seen_->staged.empty();
        }
        [[nodiscard]] result<authority_head> head() const {
            if (core_ == nullptr) return over();
            return seen_->head;
        }
        [[nodiscard]] result<std::optional<sealed_row>> sealed(const record_key& key) const { return find(&data::sealed, key); }

        /// Also `errc::bug` for a bundle that does not continue the log: its number, versions or stamps do not rise, its count is
        /// not that of its rows, or a record stands twice in it.
        [[nodiscard]] result<void> append(const bundle& b) {
            if (auto r = may_write(); !r) return r;
            if (auto r = check_continues(seen_->head, b); !r) return r;
            for (const auto& row : b.rows) {
                const auto old = seen_->sealed.find(row.key);
                sealed_row kept{row.version, row.stamp, row.after, 0, row.written_at};
                if (old != seen_->sealed.end()) {
                    kept.pruned_version = old->second.pruned_version;
                    journal().drop(*seen_, &data::latest, old->second.stamp);
                    // Only as the record's last change had it outlived pruning.
                    if (old->second.version <= seen_->head.floor_seq) forget_change(row.key, old->second.version, change_of(row.key).stamp);
                }
                journal().put(*seen_, &data::sealed, row.key, std::move(kept));
                journal().put(*seen_, &data::latest, row.stamp, row.key);
                journal().put(*seen_, &data::versions, std::pair{row.key, row.version}, row.stamp);
                journal().put(*seen_, &data::log, row.stamp, row);
            }
            journal().put(*seen_, &data::bundles, b.head.seq, b.head);
            authority_head head = seen_->head;
            head.seq = b.head.seq;
            if (!b.rows.empty()) head.stamp = b.rows.back().stamp;
            journal().set(*seen_, &data::head, std::move(head));
            return {};
        }
        [[nodiscard]] result<std::vector<change_mark>> changes_of(const record_key& key, std::int64_t above) const {
            if (core_ == nullptr) return over();
            std::vector<change_mark> out;
            for (auto at = seen_->versions.upper_bound({key, above}); at != seen_->versions.end() && at->first.first == key; ++at) {
                const row_change& change = seen_->log.find(at->second)->second;
                out.push_back({change.version, change.fields, change.writer});
            }
            return out;
        }
        [[nodiscard]] result<std::vector<row_change>> history_of(const record_key& key) const {
            if (core_ == nullptr) return over();
            std::vector<row_change> out;
            for (auto at = seen_->versions.lower_bound({key, 0}); at != seen_->versions.end() && at->first.first == key; ++at)
                out.push_back(seen_->log.find(at->second)->second);
            return out;
        }
        [[nodiscard]] result<std::vector<row_change>> latest_after(std::int64_t stamp, std::size_t limit) const {
            if (core_ == nullptr) return over();
            std::vector<row_change> out;
            for (auto at = seen_->latest.upper_bound(stamp); at != seen_->latest.end() && out.size() < limit; ++at) {
                out.push_back(change_of(at->second));
                out.back().stamp = at->first;  // labels that changed give a record a later place than its last change
            }
            return out;
        }
        [[nodiscard]] result<std::vector<bundle_head>> bundle_heads(std::int64_t above, std::size_t limit) const {
            if (core_ == nullptr) return over();
            std::vector<bundle_head> out;
            for (auto at = seen_->bundles.upper_bound(above); at != seen_->bundles.end() && out.size() < limit; ++at) out.push_back(at->second);
            return out;
        }
        [[nodiscard]] result<std::vector<row_change>> bundle_rows(std::int64_t seq, std::uint32_t from, std::size_t limit) const {
            if (core_ == nullptr) return over();
            std::vector<row_change> out;
            const auto head = seen_->bundles.find(seq);
            if (head == seen_->bundles.end()) return out;
            auto at = seen_->log.lower_bound(head->second.first_stamp);
            for (std::uint32_t ordinal = 0; at != seen_->log.end() && at->second.version == seq && out.size() < limit; ++at, ++ordinal)
                if (ordinal >= from) out.push_back(at->second);
            return out;
        }

        [[nodiscard]] result<std::optional<receipt>> find_receipt(std::string_view principal, const mutation_id& id) const {
            return find(&data::receipts, std::pair{std::string{principal}, id});
        }
        [[nodiscard]] result<void> put_receipt(std::string_view principal, const receipt& kept) {
            if (auto r = may_write(); !r) return r;
            journal().put(*seen_, &data::receipts, std::pair{std::string{principal}, kept.id}, kept);
            return {};
        }
        [[nodiscard]] result<std::optional<bundle_receipt>> find_bundle_receipt(std::string_view source, std::int64_t number) const {
            return find(&data::bundle_receipts, std::pair{std::string{source}, number});
        }
        [[nodiscard]] result<void> put_bundle_receipt(const bundle_receipt& kept) {
            if (auto r = may_write(); !r) return r;
            journal().put(*seen_, &data::bundle_receipts, std::pair{kept.source, kept.source_bundle_id}, kept);
            return {};
        }
        [[nodiscard]] result<std::int64_t> last_source_bundle_id(std::string_view source) const {
            if (core_ == nullptr) return over();
            auto at = seen_->bundle_receipts.upper_bound({std::string{source}, (std::numeric_limits<std::int64_t>::max)()});
            if (at == seen_->bundle_receipts.begin() || (--at)->first.first != source) return std::int64_t{0};
            return at->first.second;
        }

        [[nodiscard]] result<void> put_source(const source_mark& mark) {
            if (auto r = may_write(); !r) return r;
            journal().put(*seen_, &data::sources, std::pair{mark.principal, mark.source}, mark);
            return {};
        }
        [[nodiscard]] result<std::optional<source_mark>> find_source(std::string_view principal, std::string_view source) const {
            return find(&data::sources, std::pair{std::string{principal}, std::string{source}});
        }
        [[nodiscard]] result<void> drop_source(std::string_view principal, std::string_view source) {
            if (auto r = may_write(); !r) return r;
            journal().drop(*seen_, &data::sources, std::pair{std::string{principal}, std::string{source}});
            this->drop_view(principal, source);
            return {};
        }
        [[nodiscard]] result<std::vector<source_mark>> sources() const {
            if (core_ == nullptr) return over();
            std::vector<source_mark> out;
            for (const auto& [name, mark] : seen_->sources) out.push_back(mark);
            return out;
        }

        [[nodiscard]] result<void> put_note(std::string_view principal, std::string_view name, std::string_view body) {
            if (auto r = may_write(); !r) return r;
            journal().put(*seen_, &data::notes, std::pair{std::string{principal}, std::string{name}}, std::string{body});
            return {};
        }
        [[nodiscard]] result<std::optional<std::string>> find_note(std::string_view principal, std::string_view name) const {
            return find(&data::notes, std::pair{std::string{principal}, std::string{name}});
        }
        [[nodiscard]] result<std::vector<std::pair<std::string, std::string>>> notes(std::string_view principal, std::string_view prefix) const {
            if (core_ == nullptr) return over();
            std::vector<std::pair<std::string, std::string>> out;
            auto at = seen_->notes.lower_bound({std::string{principal}, std::string{prefix}});
            for (; at != seen_->notes.end() && at->first.first == principal && at->first.second.starts_with(prefix); ++at)
                out.emplace_back(at->first.second, at->second);
            return out;
        }
        [[nodiscard]] result<void> drop_notes(std::string_view principal, std::string_view prefix) {
            if (auto r = may_write(); !r) return r;
            auto gone = notes(principal, prefix);
            for (const auto& note : *gone) journal().drop(*seen_, &data::notes, std::pair{std::string{principal}, note.first});
            return {};
        }

        [[nodiscard]] result<void> prune(std::int64_t to) {
            if (auto r = may_write(); !r) return r;
            authority_head head = seen_->head;
            const std::int64_t floor = (std::min)(to, head.seq);
            if (floor <= head.floor_seq) return {};
            while (!seen_->bundles.empty() && seen_->bundles.begin()->first <= floor)
                journal().drop(*seen_, &data::bundles, std::int64_t{seen_->bundles.begin()->first});
            for (auto at = seen_->log.begin(); at != seen_->log.end() && at->second.version <= floor;) {
                const std::int64_t stamp = at->first;
                const row_change& change = (at++)->second;
                head.floor_stamp = (std::max)(head.floor_stamp, stamp);
                sealed_row row = seen_->sealed.find(change.key)->second;
                row.pruned_version = (std::max)(row.pruned_version, change.version);
                const bool superseded = row.version != change.version;
                journal().put(*seen_, &data::sealed, change.key, std::move(row));
                if (superseded) forget_change(record_key{change.key}, change.version, stamp);
            }
            head.floor_seq = floor;
            this->prune_audiences(head.floor_stamp);
            journal().set(*seen_, &data::head, std::move(head));
            return {};
        }

        [[nodiscard]] result<void> commit() {
            if (core_ == nullptr) return over();
            if (how_ == access::write) {
                tenant_->journal.forget();
                tenant_->busy = false;
            }
            seen_.reset();
            core_ = nullptr;
            return {};
        }

    private:
        friend class memory_authority_store;
        friend class memory_scope_calls<transaction>;
        friend class memory_session_calls<transaction>;
        using state = data;
        transaction(core& of, tenant_core& tenant, std::string_view name, std::shared_ptr<data> seen, access how)
            : core_(&of), tenant_(&tenant), name_(name), seen_(std::move(seen)), how_(how) {
            if (how == access::write) tenant.busy = true;
        }

        [[nodiscard]] static fault over() { return make_fault(errc::bug, "the transaction is over; begin a new one"); }
        [[nodiscard]] static fault no_savepoint() { return make_fault(errc::bug, "there is no savepoint to go back to or to release"); }
        [[nodiscard]] result<void> may_write() const {
            if (core_ == nullptr) return over();
            if (how_ != access::write) return make_fault(errc::bug, "a snapshot transaction cannot write; begin one with access::write");
            return {};
        }
        [[nodiscard]] undo_journal<data>& journal() const { return tenant_->journal; }

        template <class Key, class T, class Owner>
        [[nodiscard]] result<std::optional<T>> find(std::map<Key, T> Owner::*where, const Key& key) const {
            if (core_ == nullptr) return over();
            const data& now = *seen_;
            const auto at = (now.*where).find(key);
            return at == (now.*where).end() ? std::optional<T>{} : std::optional<T>{at->second};
        }
        // The last change of a record that was sealed.
        [[nodiscard]] const row_change& change_of(const record_key& key) const {
            return seen_->log.find(seen_->versions.find({key, seen_->sealed.find(key)->second.version})->second)->second;
        }
        void forget_change(const record_key& key, std::int64_t version, std::int64_t stamp) {
            journal().drop(*seen_, &data::versions, std::pair{key, version});
            journal().drop(*seen_, &data::log, stamp);
        }
        void unclaim(std::size_t to) {
            for (; claimed_.size() > to; claimed_.pop_back()) core_->owners.erase(claimed_.back());
        }
        void drop() noexcept {
            if (core_ == nullptr) return;
            if (how_ == access::write) {
                tenant_->journal.roll_back(*seen_);
                unclaim(0);
                tenant_->busy = false;
            }
            seen_.reset();
            core_ = nullptr;
        }

        core* core_;
        tenant_core* tenant_;
        std::string name_;
        std::shared_ptr<data> seen_;  // the tenant's own for a write; one that no writer touches for a snapshot
        access how_;
        std::optional<std::pair<std::size_t, std::size_t>> savepoint_;  // marks in the journal and in the claims
        std::vector<record_key> claimed_;                               // keys that this transaction made its tenant's
    };

    /// Opens a transaction.
    /// @return `errc::busy` for a write while another write of the tenant is open; a snapshot is never refused
    [[nodiscard]] result<transaction> begin(std::string_view tenant, access how) {
        tenant_core& t = of(tenant);
        if (how == access::snapshot) {
            if (!t.busy) return transaction{*core_, t, tenant, t.now, how};
            auto committed = std::make_shared<data>(*t.now);
            t.journal.undo_on(*committed);
            return transaction{*core_, t, tenant, std::move(committed), how};
        }
        if (t.busy) return make_fault(errc::busy, "another write of this tenant is open; try again when it has ended");
        own(t);
        return transaction{*core_, t, tenant, t.now, how};
    }

    /// The operator's step after the data were put back to an older state, such as a `copy()` made earlier.
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) {
        if (epoch.empty() || epoch == core_->epoch)
            return make_fault(errc::invalid_argument, "a new incarnation needs a name of its own, not empty and not the current one");
        first_numbers newest;
        for (const auto& [name, tenant] : core_->tenants) {
            if (tenant.busy) return make_fault(errc::busy, "a write is open; begin the incarnation when nobody writes");
            newest = {(std::max)(newest.seq, tenant.now->head.seq), (std::max)(newest.stamp, tenant.now->head.stamp)};
        }
        if (!core_->lost.empty())
            newest = {(std::max)(newest.seq, core_->lost.back().before_seq), (std::max)(newest.stamp, core_->lost.back().before_stamp)};
        const first_numbers first = numbers_after_restore(newest, to_microseconds(now));
        core_->epoch = epoch;
        core_->lost.push_back({0, first.seq, 0, first.stamp});
        for (auto& [name, tenant] : core_->tenants) {
            own(tenant);
            data& d = *tenant.now;
            d.head.epoch = epoch;
            d.head.lost.push_back({d.head.seq, first.seq, d.head.stamp, first.stamp});
            static_cast<memory_sessions&>(d) = {};
        }
        return {};
    }

    /// What the store holds, over all tenants (`totalling_store`).
    [[nodiscard]] result<authority_totals> totals() const {
        authority_totals out;
        for (const auto& [name, tenant] : core_->tenants) out.add(tenant.now->head.seq, tenant.now->head.floor_seq, tenant.now->head.lost);
        return out;
    }

    /// The app inserts or replaces a row of its own table, in a transaction of its own.
    /// @return `errc::busy` while a write of the tenant is open, `errc::constraint` (also for a key of another tenant); then
    ///         nothing was changed
    [[nodiscard]] result<void> app_write(std::string_view tenant, const record_key& key, const record& row) {
        tenant_core& t = of(tenant);
        if (t.busy) return make_fault(errc::busy, "a sync transaction of this tenant is open; try again when it has ended");
        const auto owner = core_->owners.find(key);
        if (owner != core_->owners.end() && owner->second != tenant) return make_fault(errc::constraint, "primary key: the key is taken");
        own(t);
        auto done = core_->rules.put(*t.now, t.journal, key, core_->rules.triggered(key, row));
        if (done) {
            if (owner == core_->owners.end()) core_->owners.emplace(key, tenant);
            stage(*t.now, t.journal, key);
        }
        t.journal.forget();
        return done;
    }

    /// The app deletes a row of its own table, and what its foreign keys take along, in a transaction of its own. An absent row
    /// is fine.
    /// @return `errc::busy` while a write of the tenant is open, `errc::constraint`; then nothing was changed
    [[nodiscard]] result<void> app_erase(std::string_view tenant, const record_key& key) {
        tenant_core& t = of(tenant);
        if (t.busy) return make_fault(errc::busy, "a sync transaction of this tenant is open; try again when it has ended");
        own(t);
        auto done = core_->rules.erase(*t.now, t.journal, key, [&](const record_key& touched, bool) { stage(*t.now, t.journal, touched); });
        t.journal.forget();
        return done;
    }

    /// The row of @p key in the tenant's table, what an open transaction has done included.
    [[nodiscard]] std::optional<record> row(std::string_view tenant, const record_key& key) const {
        const auto t = core_->tenants.find(tenant);
        if (t == core_->tenants.end()) return std::nullopt;
        const auto at = t->second.now->rows.find(key);
        return at == t->second.now->rows.end() ? std::optional<record>{} : std::optional<record>{at->second};
    }

    /// The tenant's table of @p model by key, what an open transaction has done included.
    [[nodiscard]] std::map<std::string, record> rows(std::string_view tenant, model_id model) const {
        std::map<std::string, record> out;
        const auto t = core_->tenants.find(tenant);
        if (t == core_->tenants.end()) return out;
        const auto& all = t->second.now->rows;
        for (auto at = all.lower_bound(record_key{model, {}}); at != all.end() && at->first.model == model; ++at) out.emplace(at->first.key, at->second);
        return out;
    }

    /// A second store with what is committed in this one: a backup. @pre no write is open
    [[nodiscard]] memory_authority_store copy() const {
        memory_authority_store out{*this, nullptr};
        for (const auto& [name, tenant] : core_->tenants) {
            tenant_core& t = out.core_->tenants[name];
            t.now = std::make_shared<data>(*tenant.now);
        }
        out.core_->owners = core_->owners;
        out.core_->lost = core_->lost;
        return out;
    }

private:
    memory_authority_store(const memory_authority_store& other, std::nullptr_t)
        : core_(std::make_unique<core>(other.core_->rules, other.core_->epoch)) {}

    static void stage(data& now, undo_journal<data>& journal, const record_key& key) {
        if (now.is_staged.contains(key)) return;
        journal.put(now, &data::is_staged, key, true);
        journal.put(now, &data::staged, now.next_staged, key);
        journal.set(now, &data::next_staged, now.next_staged + 1);
    }
    [[nodiscard]] tenant_core& of(std::string_view name) {
        const auto known = core_->tenants.find(name);
        if (known != core_->tenants.end()) return known->second;
        tenant_core& t = core_->tenants[std::string{name}];
        t.now = std::make_shared<data>();
        t.now->head.epoch = core_->epoch;
        t.now->head.lost = core_->lost;
        return t;
    }
    // A writer changes the tenant's data in place, unless a snapshot still reads them.
    static void own(tenant_core& t) {
        if (t.now.use_count() > 1) t.now = std::make_shared<data>(*t.now);
    }

    std::unique_ptr<core> core_;
};

SYNCLINE_NAMESPACE_END

#endif
