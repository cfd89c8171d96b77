#ifndef SYNCLINE_ENGINE_AUTHORITY_HPP
#define SYNCLINE_ENGINE_AUTHORITY_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/change/source_replacement.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/batch_sequence.hpp>
#include <syncline/engine/history_floor.hpp>
#include <syncline/engine/host_write.hpp>
#include <syncline/engine/legacy_base.hpp>
#include <syncline/engine/legacy_memory.hpp>
#include <syncline/engine/labelling.hpp>
#include <syncline/engine/page_rows.hpp>
#include <syncline/engine/push_decider.hpp>
#include <syncline/engine/push_sessions.hpp>
#include <syncline/engine/scope_lifecycle.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/engine/session_quota.hpp>
#include <syncline/engine/snapshot_sessions.hpp>
#include <syncline/engine/source_registry.hpp>
#include <syncline/engine/view_pull.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The server-side engine, one under both wires: gives order to everybody's changes, decides conflicts on the mutation wire,
/// refuses them on the bundle wire, and serves history. Knows nothing of HTTP, JSON or a wire's names.
///
/// Every call is one transaction of the store and is bounded by its arguments. `errc::busy` means that another writer held
/// the tenant: call again, receipts make that safe. Holds no state of its own beside its options, so any number of
/// authorities may stand over one store; one object is used by one thread at a time.
/// @tparam Store  models `authority_store`; outlives the authority
template <authority_store Store>
class authority {
public:
    explicit authority(Store& store, authority_options options = {})
        : store_(&store), options_(std::move(options)), scopes_(store.schemas(), options_.scopes) {}

    [[nodiscard]] const schema_set& schemas() const { return store_->schemas(); }
    [[nodiscard]] const authority_options& options() const noexcept { return options_; }

    /// Seals what others wrote (ENGINE.md rule 2).
    /// @return how many rows were sealed
    [[nodiscard]] result<std::size_t> seal_foreign(const std::string& tenant, timestamp now) {
        auto t = store_->begin(tenant, access::write);
        if (!t) return std::move(t).error();
        auto sealed = seal(*t, schemas(), bundle_source{}, {}, now);
        if (!sealed) return std::move(sealed).error();
        if (auto r = t->commit(); !r) return std::move(r).error();
        return sealed->size();
    }

    /// Decides a push of the mutation wire: one request, one transaction, one bundle (ENGINE.md rules 1, 3, 8 and 11).
    /// Refused mutations change nothing and stop nobody else.
    /// @param legacy  for a device that sends no bases (ENGINE.md rule 9), how its values are compared; its mutations carry the whole payload as
    ///                `changes`, and its own number of each as `ordinal`. nullptr: a device that sends bases
    /// @param mark    of the batch that they are from, where the device tells it
    /// @return outcomes in the order of @p mutations; `errc::busy`, `errc::out_of_sequence` (`continue_sequence`) or a fault of the store, and
    ///         then nothing happened
    [[nodiscard]] result<push_answer> push(const caller& who, std::vector<mutation> mutations, timestamp now,
                                           const value_equivalence* legacy = nullptr, const std::optional<batch_mark>& mark = std::nullopt) {
        auto granted = granted_to(who);
        if (!granted) return std::move(granted).error();
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        if (mark)
            if (auto r = continue_sequence(*t, who, *mark, mutations); !r) return std::move(r).error();
        if (auto sealed = seal(*t, schemas(), bundle_source{}, {}, now); !sealed) return std::move(sealed).error();
        push_decider<typename Store::transaction> decider{*t, schemas(), options_, who, now, legacy};
        if (*granted) decider.authorise(scopes_, **granted);
        auto outcomes = decider.run(std::move(mutations));
        if (!outcomes) return std::move(outcomes).error();
        auto head = t->head();
        if (!head) return std::move(head).error();
        if (*granted) {
            const bool took_away = std::any_of(outcomes->begin(), outcomes->end(), [](const outcome& o) { return o.out_of_view; });
            auto newest = view_pull<transaction>{*t, schemas(), scopes_, who, **granted}.pushed(took_away);
            if (!newest) return std::move(newest).error();
            head->stamp = *newest;
        }
        if (auto r = keep_history(*t, now); !r) return std::move(r).error();
        if (auto r = t->commit(); !r) return std::move(r).error();
        return push_answer{std::move(*outcomes), head->seq, head->stamp, head->epoch, decider.newest_write(), *granted ? 0 : decider.told_whole()};
    }

    /// A page of the mutation wire (ENGINE.md rule 6): the newest state of what changed after the cursor, in stamp order, each
    /// row preceded by the rows it references that the device may lack. Records that are asked for again come first, as they are now, and do
    /// not move the cursor; those that this tenant never had are passed over.
    /// @return `errc::history_pruned` below the floor, `errc::invalid_cursor`, or a fault of the store
    [[nodiscard]] result<pull_answer> pull(const caller& who, const pull_query& query, timestamp now) {
        auto granted = granted_to(who);
        if (!granted) return std::move(granted).error();
        if (*granted) return pull_granted(who, query, std::move(**granted), now);
        if (!query.legacy) return page_of(who, query, now);
        auto t = store_->begin(who.tenant, access::snapshot);
        if (!t) return std::move(t).error();
        auto known = legacy_memory<transaction>{*t, schemas(), who.principal, who.source}.device();
        if (!known) return std::move(known).error();
        if (auto r = t->commit(); !r) return std::move(r).error();
        pull_query asked = query;
        if (*known) asked.walk_started = (*known)->walk;
        if (*known && (*known)->base.at != 0) asked.needs = (*known)->base.at;
        auto out = page_of(who, asked, now);
        if (!out) return out;
        // The next request shows the cursor of this one (ENGINE.md rule 9).
        out->rows.more = out->rows.next != query.from;
        auto w = store_->begin(who.tenant, access::write);
        if (!w) return std::move(w).error();
        if (auto r = note_legacy_pull(*w, schemas(), who.principal, who.source, query.from, out->rows.next, out->head_stamp); !r) return std::move(r).error();
        if (auto r = w->commit(); !r) return std::move(r).error();
        return out;
    }

    /// Whether the bundle wire may serve this authority, since it serves whole tenants (ENGINE.md rule 7).
    /// @return `errc::unsupported`, naming a model that has buckets
    [[nodiscard]] result<void> serves_whole_tenants() const { return scopes_.whole_tenants(schemas()); }

    /// Tells a device that connects to the tenant what to do first, and gives it the right to fill one that nobody has filled (bundle wire).
    /// @param has_rows  whether it has rows to fill the tenant with
    /// @param id        of that right, where it is given anew: random, never used before
    [[nodiscard]] result<scope_connection> connect(const caller& who, bool has_rows, std::string id, timestamp now) {
        if (auto r = serves_whole_tenants(); !r) return std::move(r).error();
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        if (auto sealed = seal(*t, schemas(), bundle_source{}, {}, now); !sealed) return std::move(sealed).error();
        return committed(*t, connect_scope(*t, who, has_rows, std::move(id), options_.initialization_lease_ttl, now));
    }

    /// What is known of a source beside its bundles: whether it was replaced, and by which.
    [[nodiscard]] result<source_standing> standing(const std::string& tenant, const std::string& source) {
        auto t = store_->begin(tenant, access::snapshot);
        if (!t) return std::move(t).error();
        return standing_of(*t, source);
    }

    /// The receipt of a source bundle of @p who, where it was committed. Writes nothing.
    [[nodiscard]] result<std::optional<bundle_receipt>> committed_bundle(const caller& who, std::int64_t source_bundle_id) {
        auto t = store_->begin(who.tenant, access::snapshot);
        if (!t) return std::move(t).error();
        auto known = t->find_bundle_receipt(who.source, source_bundle_id);
        if (known && *known && (*known)->principal != who.principal) return std::optional<bundle_receipt>{};
        return known;
    }

    /// Opens a push session for one source bundle (bundle wire). A session of the same tuple that was open is gone; a bundle that
    /// was committed answers with its receipt, whatever became of its session.
    /// @param id  of the new session: random, never used before
    /// @param initialization_id  the right to fill the tenant that `connect` gave; empty: none
    /// @return `errc::out_of_sequence` when the number is not the source's next one, `errc::history_pruned` when it is older and
    ///         its receipt is gone; `errc::source_retired`; `errc::rate_limited` when the principal has too many open; what
    ///         `check_scope_writable` says while the tenant is not filled
    [[nodiscard]] result<session_answer> create_session(const caller& who, std::int64_t source_bundle_id, std::uint32_t planned_rows,
                                                        std::string id, timestamp now, std::string initialization_id = {}) {
        if (auto r = serves_whole_tenants(); !r) return std::move(r).error();
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        return committed(*t, sessions(*t, who, now).create(source_bundle_id, planned_rows, std::move(id), std::move(initialization_id)));
    }

    /// Adds rows to a push session. A chunk that was received already is answered as the first time.
    /// @return how many rows the session has; `errc::session_gone`, `errc::session_expired`, `errc::forbidden`, `errc::stale` when the chunk
    ///         does not continue what was received, `errc::malformed_value` beyond the planned number, `errc::too_large` beyond @p size
    [[nodiscard]] result<std::uint32_t> append_chunk(const caller& who, const std::string& id, std::uint32_t first, const std::vector<mutation>& rows,
                                                     timestamp now, const upload_size& size = {}) {
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        return committed(*t, sessions(*t, who, now).append(id, first, rows, size));
    }

    /// Commits a complete push session as one bundle, or tells what stands in the way and changes nothing (bundle wire).
    /// @return `errc::session_gone`, `errc::session_expired`, `errc::forbidden`, `errc::stale` when rows are missing, `errc::out_of_sequence`,
    ///         `errc::source_retired`, `errc::initialization_expired`, `errc::initialization_stale`
    [[nodiscard]] result<commit_answer> commit_session(const caller& who, const std::string& id, timestamp now) {
        if (auto r = serves_whole_tenants(); !r) return std::move(r).error();
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        auto answer = sessions(*t, who, now).commit(id);
        if (answer && answer->committed)
            if (auto r = keep_history(*t, now); !r) return std::move(r).error();
        return committed(*t, std::move(answer));
    }

    /// Drops a push session: it can no longer commit.
    /// @return `errc::session_gone` for one that is not there, since it may have committed: to create it again tells (ENGINE.md rule 12);
    ///         `errc::session_expired`, `errc::forbidden`
    [[nodiscard]] result<void> delete_session(const caller& who, const std::string& id, timestamp now) {
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        if (auto r = sessions(*t, who, now).drop(id); !r) return r;
        return t->commit();
    }

    /// The host's own write, as one numbered bundle of @p writer: runs @p callback on a write transaction of the tenant and seals what it changed
    /// in the app's tables, triggers and cascades included. A tenant that nobody has filled counts as filled afterwards. SQL of any program
    /// is captured without this too; then it is from the source `server`.
    /// @param writer    names the part of the host that writes; no device has the same id
    /// @param callback  takes the store's transaction and gives `result<void>`; it must not end the transaction. Where it fails or throws,
    ///                  nothing was written
    /// @return what `commit_host_write` says; `errc::busy`
    template <class Callback>
    [[nodiscard]] result<bundle_receipt> write_as(const std::string& tenant, const std::string& writer, Callback&& callback, timestamp now) {
        auto t = store_->begin(tenant, access::write);
        if (!t) return std::move(t).error();
        auto written = commit_host_write(*t, schemas(), scopes_, caller{tenant, {}, writer}, std::forward<Callback>(callback), now);
        if (!written) return written;
        if (auto r = keep_history(*t, now); !r) return std::move(r).error();
        return committed(*t, std::move(written));
    }

    /// Rows of one sealed bundle, from ordinal @p from on, and its head (bundle wire, committed rows).
    /// @return `errc::history_pruned` at or below the floor, `errc::absent` when there is no such bundle
    [[nodiscard]] result<bundle> committed_rows(const caller& who, std::int64_t seq, std::uint32_t from, std::size_t limit) {
        if (auto r = serves_whole_tenants(); !r) return std::move(r).error();
        auto t = store_->begin(who.tenant, access::snapshot);
        if (!t) return std::move(t).error();
        auto head = t->head();
        if (!head) return std::move(head).error();
        if (seq <= head->floor_seq) return make_fault(errc::history_pruned, "this bundle is no longer kept; rehydrate");
        auto heads = t->bundle_heads(seq - 1, 1);
        if (!heads) return std::move(heads).error();
        if (heads->empty() || heads->front().seq != seq) return make_fault(errc::absent, "there is no bundle ", std::to_string(seq));
        auto rows = t->bundle_rows(seq, from, limit);
        if (!rows) return std::move(rows).error();
        return bundle{std::move(heads->front()), std::move(*rows)};
    }

    /// Whole bundles after @p from, up to @p ceiling (0: the newest), at most @p limit (bundle wire, pull).
    /// @return `errc::scope_uninitialized`, `errc::scope_initializing`, `errc::history_pruned` below the floor, `errc::invalid_cursor`
    [[nodiscard]] result<bundle_page> bundles_after(const caller& who, cursor from, std::size_t limit, cursor ceiling, timestamp now) {
        if (auto r = serves_whole_tenants(); !r) return std::move(r).error();
        auto t = begin_sealed(who.tenant, now);
        if (!t) return std::move(t).error();
        if (auto r = check_scope_readable(*t, now); !r) return std::move(r).error();
        auto head = t->head();
        if (!head) return std::move(head).error();
        if (is_lost_seq(head->lost, from) || is_lost_seq(head->lost, ceiling)) return lost_timeline();
        if (auto r = check_cursor(from, head->seq); !r) return std::move(r).error();
        if (auto r = check_cursor(ceiling, head->seq); !r) return std::move(r).error();
        if (!reachable(from, head->floor_seq))
            return make_fault(errc::history_pruned, "the history after bundle ", std::to_string(from), " is no longer kept; rehydrate");
        bundle_page out;
        out.from = from;
        out.stable = ceiling == 0 ? head->seq : ceiling;
        auto heads = t->bundle_heads(from, limit + 1);
        if (!heads) return std::move(heads).error();
        for (auto& h : *heads) {
            if (h.seq > out.stable) break;
            if (out.bundles.size() == limit) {
                out.more = true;
                break;
            }
            auto rows = t->bundle_rows(h.seq, 0, h.row_count);
            if (!rows) return std::move(rows).error();
            out.bundles.push_back(bundle{std::move(h), std::move(*rows)});
        }
        auto known = t->find_source(who.principal, who.source);
        if (!known) return std::move(known).error();
        if (auto r = t->commit(); !r) return std::move(r).error();
        note_source(who, std::move(*known), from, std::nullopt, now);
        return out;
    }

    /// Freezes one consistent picture of the tenant for hydration.
    /// @param id         of the new session: random, never used before
    /// @param replacing  the source that asks is to be retired in the same step; nothing: it stays
    /// @param max_rows   0: any number
    /// @return `errc::scope_uninitialized`, `errc::scope_initializing`, `errc::rate_limited`, `errc::too_large`, and what `replace_source` says
    [[nodiscard]] result<snapshot_head> create_snapshot(const caller& who, std::string id, timestamp now,
                                                        const std::optional<source_replacement>& replacing = std::nullopt, std::int64_t max_rows = 0) {
        if (auto r = serves_whole_tenants(); !r) return std::move(r).error();
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        return committed(*t, snapshots(*t, who, now).create(std::move(id), replacing, max_rows));
    }

    /// A snapshot session's rows from ordinal @p from (0-based) on, with its head. Whoever reads gets more time.
    /// @return `errc::session_gone`, `errc::session_expired`, `errc::forbidden`
    [[nodiscard]] result<std::pair<snapshot_head, std::vector<row_image>>> snapshot_page(const caller& who, const std::string& id,
                                                                                         std::uint32_t from, std::size_t limit, timestamp now) {
        if (auto r = serves_whole_tenants(); !r) return std::move(r).error();
        auto t = store_->begin(who.tenant, access::snapshot);
        if (!t) return std::move(t).error();
        auto head = snapshots(*t, who, now).find(id);
        if (!head) return std::move(head).error();
        auto rows = t->snapshot_rows(id, from, limit);
        if (!rows) return std::move(rows).error();
        const bool renew = snapshots(*t, who, now).wants_renewal(*head);
        if (auto r = t->commit(); !r) return std::move(r).error();
        if (renew) {
            // Best effort: where somebody is writing, a later page gives more time.
            auto w = store_->begin(who.tenant, access::write);
            if (w && snapshots(*w, who, now).renew(id)) (void)w->commit();
        }
        return std::make_pair(std::move(*head), std::move(*rows));
    }

    /// Drops a snapshot session, also one that has expired. @return `errc::session_gone`, `errc::forbidden`
    [[nodiscard]] result<void> delete_snapshot(const caller& who, const std::string& id) {
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        if (auto r = snapshots(*t, who, timestamp{}).drop(id); !r) return r;
        return t->commit();
    }

    /// Forgets the history up to and including bundle @p to (ENGINE.md rule 10). Devices whose cursor is older rehydrate.
    [[nodiscard]] result<void> prune(const std::string& tenant, std::int64_t to, timestamp now) {
        auto t = store_->begin(tenant, access::write);
        if (!t) return std::move(t).error();
        if (auto sealed = seal(*t, schemas(), bundle_source{}, {}, now); !sealed) return std::move(sealed).error();
        auto head = t->head();
        if (!head) return std::move(head).error();
        const std::int64_t floor = (std::min)(to, head->seq);
        if (floor > head->floor_seq)
            if (auto r = t->prune(floor); !r) return r;
        return t->commit();
    }

    /// Forgets what no live device needs (ENGINE.md rule 10): devices that presented no cursor for `source_ttl`, and the history that every
    /// other one has received, and sessions whose time is over. Tombstones stay known by key and version. To be called now and then by the host.
    /// @param keep_bundles  the newest bundles stay whoever needs them
    /// @return the floor afterwards. Complexity: one read per device and per thousand bundles above the old floor, and what `prune` takes
    [[nodiscard]] result<std::int64_t> retain(const std::string& tenant, std::int64_t keep_bundles, timestamp now) {
        auto t = store_->begin(tenant, access::write);
        if (!t) return std::move(t).error();
        if (auto sealed = seal(*t, schemas(), bundle_source{}, {}, now); !sealed) return std::move(sealed).error();
        if (auto r = expire_sessions(*t, now); !r) return std::move(r).error();
        auto floor = history_floor(*t, options_.source_ttl, keep_bundles, now);
        if (!floor) return floor;
        if (auto r = t->prune(*floor); !r) return std::move(r).error();
        auto head = t->head();
        if (!head) return std::move(head).error();
        if (auto r = t->commit(); !r) return std::move(r).error();
        return head->floor_seq;
    }

    /// The operator's step after the data were restored from a backup, before the first device is served (ENGINE.md rule 10): numbers jump
    /// above everything ever given, and what lies between is known to be lost. Devices notice the new epoch, take a new source where
    /// they had seen what is lost, report it, and hydrate; what they had not sent goes out. Without this step nothing is promised.
    /// @param epoch  names the incarnation: random, never used before
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) { return store_->begin_incarnation(epoch, now); }

    /// The tenant's newest numbers.
    [[nodiscard]] result<authority_head> head(const std::string& tenant) {
        auto t = store_->begin(tenant, access::snapshot);
        if (!t) return std::move(t).error();
        return t->head();
    }

    /// The end of the tenant's log, for whoever watches for new bundles. What other programs wrote is sealed first, unless somebody holds the lock.
    /// Complexity: a few small reads where nothing is new.
    /// @return `errc::scope_uninitialized`, `errc::scope_initializing`
    [[nodiscard]] result<log_end> newest_bundle(const std::string& tenant, timestamp now) {
        auto t = begin_sealed(tenant, now);
        if (!t) return std::move(t).error();
        if (auto r = check_scope_readable(*t, now); !r) return std::move(r).error();
        auto known = t->head();
        if (!known) return std::move(known).error();
        auto staged = t->has_staged();
        if (!staged) return std::move(staged).error();
        log_end out;
        out.more = *staged;
        out.newest.seq = known->seq;
        if (known->seq == 0) return out;
        auto heads = t->bundle_heads(known->seq - 1, 1);
        if (!heads) return std::move(heads).error();
        if (!heads->empty()) out.newest = std::move(heads->front());
        return out;
    }

private:
    using transaction = typename Store::transaction;

    [[nodiscard]] result<pull_answer> page_of(const caller& who, const pull_query& query, timestamp now) {
        auto t = begin_sealed(who.tenant, now);
        if (!t) return std::move(t).error();
        auto head = t->head();
        if (!head) return std::move(head).error();
        if (is_lost_stamp(head->lost, query.from)) return lost_timeline();
        if (auto r = check_cursor(query.from, head->stamp); !r) return std::move(r).error();
        const bool walking = query.walk_started && *query.walk_started >= head->floor_stamp && !is_lost_stamp(head->lost, *query.walk_started);
        if (query.from != 0 && !reachable(query.from, head->floor_stamp) && !walking)
            return make_fault(errc::history_pruned, "the history after this cursor is no longer kept; start again without a cursor");

        const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, (std::max<std::size_t>)(options_.max_rows_per_page, 1));
        auto changes = t->latest_after(query.from, limit + 1);
        if (!changes) return std::move(changes).error();
        pull_answer out;
        out.rows.from = query.from;
        out.rows.next = query.from;
        out.rows.head_seq = head->seq;
        out.rows.more = changes->size() > limit;
        out.head_stamp = head->stamp;
        out.epoch = head->epoch;
        if (out.rows.more) changes->pop_back();
        if (!changes->empty()) out.rows.next = changes->back().stamp;

        page_rows<transaction> rows{*t, schemas(), out};
        if (auto r = rows.contained(who, query.in_flight); !r) return std::move(r).error();
        const auto lacks = [&](const record_key&, const sealed_row& there) -> result<bool> { return there.stamp > query.from; };
        for (const auto& key : query.again) {
            auto known = t->sealed(key);
            if (!known) return std::move(known).error();
            if (!*known) continue;
            if (auto r = rows.add(key, (*known)->version, (*known)->written_at, std::move((*known)->row), lacks); !r) return std::move(r).error();
        }
        const std::unordered_set<std::int64_t> own(query.own.begin(), query.own.end());
        for (auto& change : *changes) {
            if (!change.writer.empty() && own.contains(change.version)) continue;
            if (auto r = rows.add(change.key, change.version, change.written_at, std::move(change.after), lacks); !r) return std::move(r).error();
        }
        auto known = t->find_source(who.principal, who.source);
        if (!known) return std::move(known).error();
        if (auto r = t->commit(); !r) return std::move(r).error();
        // A walk needs the history since it began, wherever in it the device is.
        cursor needs = query.from == 0 ? head->stamp : walking ? (std::max)(query.from, (std::min)(*query.walk_started, head->stamp)) : query.from;
        if (query.needs) needs = (std::min)(needs, *query.needs);
        note_source(who, std::move(*known), std::nullopt, needs, now);
        return out;
    }

    // Nothing: everybody sees everything.
    [[nodiscard]] result<std::optional<label_set>> granted_to(const caller& who) const {
        if (!scopes_.any()) return std::optional<label_set>{};
        auto granted = scopes_.granted(who.tenant, who.principal);
        if (!granted) return std::move(granted).error();
        return std::optional<label_set>{std::move(*granted)};
    }

    // What the device has with each page is remembered, so this writes.
    [[nodiscard]] result<pull_answer> pull_granted(const caller& who, const pull_query& query, label_set granted, timestamp now) {
        auto t = store_->begin(who.tenant, access::write);
        if (!t) return std::move(t).error();
        if (auto sealed = seal(*t, schemas(), bundle_source{}, {}, now); !sealed) return std::move(sealed).error();
        const std::size_t most = (std::max<std::size_t>)(options_.max_rows_per_page, 1);
        cursor needs = 0;
        view_pull<transaction> view{*t, schemas(), scopes_, who, std::move(granted)};
        auto out = view.page(query, std::clamp<std::size_t>(query.limit, 1, most), most, needs);
        if (!out && out.error().code != errc::history_pruned) return out;
        if (out && query.legacy)
            if (auto r = note_legacy_view(*t, who, query, view.shown(), view.told(), *out, needs); !r) return std::move(r).error();
        auto known = t->find_source(who.principal, who.source);
        if (!known) return std::move(known).error();
        if (auto r = t->commit(); !r) return std::move(r).error();
        if (out) note_source(who, std::move(*known), std::nullopt, needs, now);
        return out;
    }

    // The memory of a device that sends no base goes by stamps, and cursors are numbers of their own here.
    [[nodiscard]] result<void> note_legacy_view(transaction& t, const caller& who, const pull_query& query, cursor shown, cursor told, pull_answer& out,
                                                cursor& needs) {
        auto device = legacy_memory<transaction>{t, schemas(), who.principal, who.source}.device();
        if (!device) return std::move(device).error();
        if (*device && (*device)->base.at != 0) needs = (std::min)(needs, (*device)->base.at);
        auto head = t.head();
        if (!head) return std::move(head).error();
        out.rows.more = out.rows.next != query.from;
        return note_legacy_pull(t, schemas(), who.principal, who.source, shown, told, head->stamp);
    }

    // Every sealing labels what it sealed.
    [[nodiscard]] result<std::vector<row_change>> seal(transaction& t, const schema_set& schemas, const bundle_source& from, const own_writes& own, timestamp now) const {
        return seal_labelled(t, schemas, scopes_, from, own, now);
    }

    [[nodiscard]] static fault lost_timeline() {
        return make_fault(errc::history_pruned, "this cursor belongs to a timeline that a restore from a backup undid; start again without a cursor");
    }

    // Best effort, and seldom: a mark that lags only keeps more history, and a device without one hydrates at worst. One at nothing would keep
    // all of it for a device that was used for a day and never again.
    void note_source(const caller& who, std::optional<source_mark> known, std::optional<cursor> seq, std::optional<cursor> stamp, timestamp now) {
        if (who.source.empty()) return;
        const bool first = !known || (seq && known->seq.value_or(0) == 0 && known->seq != seq) || (stamp && !known->stamp);
        if (!first && now - known->seen < options_.source_ttl / 128) return;
        source_mark mark = known.value_or(source_mark{who.principal, who.source, {}, {}, {}});
        if (seq) mark.seq = seq;
        if (stamp) mark.stamp = stamp;
        mark.seen = now;
        auto t = store_->begin(who.tenant, access::write);
        if (t && t->put_source(mark)) (void)t->commit();
    }

    // A pull seals foreign changes first; one that cannot get the lock serves what is sealed.
    [[nodiscard]] result<transaction> begin_sealed(const std::string& tenant, timestamp now) {
        {
            auto look = store_->begin(tenant, access::snapshot);
            if (!look) return look;
            auto staged = look->has_staged();
            if (!staged) return std::move(staged).error();
            if (!*staged) return look;
        }
        {
            auto t = store_->begin(tenant, access::write);
            if (t) {
                if (auto sealed = seal(*t, schemas(), bundle_source{}, {}, now); !sealed) return std::move(sealed).error();
                if (auto r = t->commit(); !r) return std::move(r).error();
            } else if (t.error().code != errc::busy) {
                return t;
            }
        }
        return store_->begin(tenant, access::snapshot);
    }

    [[nodiscard]] push_sessions<transaction> sessions(transaction& t, const caller& who, timestamp now) const {
        return push_sessions<transaction>{t, schemas(), options_, who, now};
    }
    [[nodiscard]] snapshot_sessions<transaction> snapshots(transaction& t, const caller& who, timestamp now) const {
        return snapshot_sessions<transaction>{t, schemas(), options_, who, now};
    }

    // What a step inside the transaction made, once that is durable.
    template <class T>
    [[nodiscard]] static result<T> committed(transaction& t, result<T> made) {
        if (!made) return made;
        if (auto r = t.commit(); !r) return std::move(r).error();
        return made;
    }

    [[nodiscard]] result<void> keep_history(transaction& t, timestamp now) const {
        return keep_window(t, options_.retained_bundles, options_.retention_batch, options_.source_ttl, now);
    }

    Store* store_;
    authority_options options_;
    scope_map scopes_;
};

SYNCLINE_NAMESPACE_END

#endif
