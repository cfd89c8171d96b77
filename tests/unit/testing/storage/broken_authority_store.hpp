#ifndef SYNCLINE_TESTS_UNIT_TESTING_STORAGE_BROKEN_AUTHORITY_STORE_HPP
#define SYNCLINE_TESTS_UNIT_TESTING_STORAGE_BROKEN_AUTHORITY_STORE_HPP

// A server's store in memory with one flaw, as adapters have them. Without a flaw it offers what a harness over memory can offer.

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace broken_authority {

using namespace syncline;
using testing::storage::project;
using testing::storage::task;

enum class flaw : std::uint8_t {
    none, own_writes_unseen, keys_without_case, text_ends_at_nul, refused_stays, receipts_of_all, drop_commits, drop_keeps_the_first_calls, last_commit_lost,
    savepoint_released, receipts_outlive_savepoint, bug_for_busy, live_snapshot, snapshot_ignores_writes, second_object_reads_dirty, mixes_states, staged_by_key,
    taken_for_good, own_changes_unstaged, recreated_hidden, actions_unstaged, references_without_end, row_as_written, attached_unstaged, no_epoch,
    changes_reversed, cursor_included, tombstones_pruned, snapshot_by_key_alone, first_receipt_stays, last_put_is_last, ordinals_by_text, expires_at_once,
    note_ends_at_nul, tenant_notes_of_all, prefix_ends_at_nul, snapshot_ignores_notes, nothing_lost, one_loss_known, nameless_incarnation,
    incarnation_ignored, sessions_outlive, cascading_only, relabel_in_place, log_repeats, labelled_twice, view_outlives, snapshot_ignores_labels,
    cut_at_64k, rows_beyond_1000, history_of_one, changes_forgotten, foreign_by_somebody, receipt_forgotten, receipt_without_version, receipt_without_key,
    session_forgotten, session_cut, snapshot_forgotten, snapshot_cut, snapshot_reversed, staged_short,
    reader_misses_a_row, reader_sees_no_fields, writer_refused_in_turn,
};

inline memory_authority_store fresh(const std::shared_ptr<bool>& triggered) {
    return memory_authority_store{testing::storage::schemas(), {{{task, 1}}, true, [on = triggered](const record_key& key, record& row) {
                                                                    if (*on && key.model == task && row.fields[0] == value::text("shout")) row.fields[0] = value::text("SHOUT");
                                                                }}};
}

/// What all store objects of one server share.
struct world {
    explicit world(flaw of) : kind(of) {}
    flaw kind;
    std::shared_ptr<bool> triggered = std::make_shared<bool>(false);
    memory_authority_store kept = fresh(triggered);
    std::recursive_mutex busy{};  ///< a store in memory is for one thread at a time: a transaction of another thread waits
    std::optional<memory_authority_store> before_last_write{};
    std::map<std::int64_t, bundle_receipt> receipts{};
    std::map<std::string, std::int64_t> last_put{};
    std::map<std::string, push_session> sessions{};
    std::map<record_key, record> first_written{};
    std::set<record_key> erased{}, hidden{}, named{};
    int writers = 0;
};

// The lock is let go after the transaction that it guards is gone, so it is a base before it.
struct guarded {
    std::unique_lock<std::recursive_mutex> held;
};

class transaction : private guarded, public memory_authority_store::transaction {
    using base_type = memory_authority_store::transaction;
    static constexpr auto all = (std::numeric_limits<std::size_t>::max)();

public:
    transaction(std::unique_lock<std::recursive_mutex> lock, base_type&& of, std::shared_ptr<world> in, int object, std::string_view tenant, syncline::access how)
        : guarded{std::move(lock)}, base_type(std::move(of)), w_(std::move(in)), object_(object), tenant_(tenant), how_(how) {}
    transaction(transaction&&) noexcept = default;
    transaction& operator=(transaction&&) noexcept = default;
    ~transaction() {
        if (!w_ || how_ == syncline::access::snapshot) return;
        if (is(flaw::drop_commits) || (is(flaw::drop_keeps_the_first_calls) && calls_ < 10) || (is(flaw::taken_for_good) && took_)) (void)base_type::commit();
    }

    [[nodiscard]] result<std::optional<record>> current(const record_key& key) {
        if (is(flaw::own_writes_unseen) && written_.contains(key)) return std::optional<record>{};
        if (is(flaw::row_as_written))
            if (const auto at = written_.find(key); at != written_.end()) return std::optional<record>{at->second};
        if (how_ == syncline::access::snapshot && (is(flaw::live_snapshot) || (is(flaw::second_object_reads_dirty) && object_ == 2))) return w_->kept.row(tenant_, key);
        if (is(flaw::reader_misses_a_row) && object_ == 2 && key.key == "alice-b") return std::optional<record>{};
        if (is(flaw::reader_sees_no_fields) && object_ == 2 && key.key == "alice-b") return std::optional<record>{record{}};
        if (is(flaw::mixes_states) && object_ == 2 && key.key == "alice-b") return std::optional<record>{w_->first_written.at(key)};
        return base_type::current(key);
    }
    [[nodiscard]] result<void> write(const record_key& key, record row) {
        ++calls_;
        if (is(flaw::text_ends_at_nul) || is(flaw::cut_at_64k))
            for (auto& v : row.fields)
                if (v.kind() == value_kind::text) {
                    const std::string text{v.as_string()};
                    v = value::text(is(flaw::cut_at_64k) ? text.substr(0, 65535) : text.substr(0, text.find('\0')));
                }
        if (how_ == syncline::access::write) {
            written_[key] = row;
            w_->first_written.try_emplace(key, row);
            w_->named.insert(key);
        }
        if (is(flaw::rows_beyond_1000) && written_.size() > 1000) return {};
        auto done = base_type::write(key, row);
        if (!done && is(flaw::refused_stays)) (void)base_type::erase(key);
        return done;
    }
    [[nodiscard]] result<void> erase(const record_key& key) {
        ++calls_;
        written_.erase(key);
        w_->named.insert(key);
        return base_type::erase(key);
    }
    [[nodiscard]] result<std::vector<record_key>> referencing(const record_key& key, std::size_t n) {
        return base_type::referencing(key, is(flaw::references_without_end) ? all : n);
    }
    [[nodiscard]] result<std::vector<record_key>> referring(const record_key& key, std::size_t n) {
        return is(flaw::cascading_only) ? base_type::referencing(key, n) : base_type::referring(key, n);
    }
    [[nodiscard]] result<void> savepoint() {
        put_since_.clear();
        return base_type::savepoint();
    }
    [[nodiscard]] result<void> rollback_to_savepoint() {
        if (is(flaw::savepoint_released)) return base_type::release_savepoint();
        auto done = base_type::rollback_to_savepoint();
        if (is(flaw::receipts_outlive_savepoint))
            for (const auto& [principal, r] : put_since_) (void)base_type::put_receipt(principal, r);
        return done;
    }
    [[nodiscard]] result<std::vector<record_key>> take_staged() {
        ++calls_;
        took_ = true;
        auto keys = base_type::take_staged();
        if (!keys) return keys;
        if (is(flaw::staged_by_key)) std::sort(keys->begin(), keys->end());
        if (is(flaw::recreated_hidden)) std::erase_if(*keys, [&](const auto& k) { return w_->hidden.contains(k); });
        if (is(flaw::staged_short) && keys->size() > 1) keys->pop_back();
        if (is(flaw::actions_unstaged)) std::erase_if(*keys, [&](const auto& k) { return !w_->named.contains(k); });
        w_->named.clear();
        return keys;
    }
    [[nodiscard]] result<authority_head> head() {
        auto h = base_type::head();
        if (!h) return h;
        if (is(flaw::no_epoch)) h->epoch.clear();
        if (is(flaw::nothing_lost)) h->lost.clear();
        if (is(flaw::one_loss_known) && h->lost.size() > 1) h->lost.erase(h->lost.begin());
        return h;
    }
    [[nodiscard]] result<std::vector<change_mark>> changes_of(const record_key& key, std::int64_t above) {
        auto marks = base_type::changes_of(key, above);
        if (marks && is(flaw::changes_reversed)) std::reverse(marks->begin(), marks->end());
        if (marks && is(flaw::changes_forgotten) && key.model == project) marks->clear();
        if (marks && is(flaw::foreign_by_somebody))
            for (auto& mark : *marks)
                if (mark.writer.empty()) mark.writer = "somebody";
        return marks;
    }
    [[nodiscard]] result<std::vector<row_change>> history_of(const record_key& key) {
        auto changes = base_type::history_of(key);
        if (changes && is(flaw::history_of_one) && changes->size() > 1) changes->erase(changes->begin(), changes->end() - 1);
        return changes;
    }
    [[nodiscard]] result<std::vector<row_change>> latest_after(std::int64_t stamp, std::size_t n) {
        if (is(flaw::cursor_included)) return base_type::latest_after(stamp - 1, n);
        auto rows = base_type::latest_after(stamp, n);
        if (is(flaw::tombstones_pruned))
            if (auto h = base_type::head(); h && rows) std::erase_if(*rows, [&](const auto& c) { return !c.after && c.version <= h->floor_seq; });
        return rows;
    }
    [[nodiscard]] result<std::optional<sealed_row>> sealed(record_key key) {
        if (is(flaw::keys_without_case))
            for (char& c : key.key)
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        return base_type::sealed(key);
    }
    [[nodiscard]] result<std::optional<receipt>> find_receipt(std::string_view principal, const mutation_id& id) {
        auto found = base_type::find_receipt(principal, id);
        if (!found || !*found) return found;
        if (is(flaw::receipt_forgotten)) found->reset();
        else if (is(flaw::receipt_without_version)) (*found)->version = -1;
        else if (is(flaw::receipt_without_key)) (*found)->key = {};
        return found;
    }
    [[nodiscard]] result<void> put_receipt(std::string_view principal, const receipt& r) {
        if (how_ == syncline::access::snapshot && is(flaw::snapshot_ignores_writes)) return {};
        put_since_.emplace_back(principal, r);
        if (is(flaw::first_receipt_stays)) {
            auto there = base_type::find_receipt(principal, r.id);
            if (there && *there) return {};
        }
        return base_type::put_receipt(principal, r);
    }
    [[nodiscard]] result<std::optional<bundle_receipt>> find_bundle_receipt(std::string_view source, std::int64_t n) {
        if (is(flaw::receipts_of_all) && w_->receipts.contains(n)) return std::optional{w_->receipts[n]};
        return base_type::find_bundle_receipt(source, n);
    }
    [[nodiscard]] result<void> put_bundle_receipt(const bundle_receipt& r) {
        if (how_ == syncline::access::write) {
            w_->receipts[r.source_bundle_id] = r;
            w_->last_put[r.source] = r.source_bundle_id;
        }
        return base_type::put_bundle_receipt(r);
    }
    [[nodiscard]] result<std::int64_t> last_source_bundle_id(std::string_view source) {
        if (is(flaw::last_put_is_last)) return w_->last_put[std::string{source}];
        return base_type::last_source_bundle_id(source);
    }
    [[nodiscard]] result<void> put_session(const push_session& s) {
        if (how_ == syncline::access::write) w_->sessions[s.id] = s;
        return base_type::put_session(s);
    }
    [[nodiscard]] result<std::optional<push_session>> find_session(std::string_view id) {
        auto found = base_type::find_session(id);
        if (found && !*found && is(flaw::sessions_outlive))
            if (const auto at = w_->sessions.find(std::string{id}); at != w_->sessions.end()) return std::optional{at->second};
        return found;
    }
    [[nodiscard]] result<std::vector<mutation>> session_mutations(std::string_view id) {
        auto kept = base_type::session_mutations(id);
        if (kept && is(flaw::session_forgotten)) kept->clear();
        if (kept && is(flaw::session_cut))
            for (auto& m : *kept) m.what = intent{};
        if (kept && is(flaw::ordinals_by_text)) std::sort(kept->begin(), kept->end(), [](const auto& x, const auto& y) { return x.id < y.id; });
        return kept;
    }
    [[nodiscard]] result<std::vector<row_image>> snapshot_rows(std::string_view id, std::uint32_t from, std::size_t n) {
        auto rows = base_type::snapshot_rows(id, from, n);
        if (rows && is(flaw::snapshot_forgotten)) rows->clear();
        if (rows && is(flaw::snapshot_reversed)) std::reverse(rows->begin(), rows->end());
        if (rows && is(flaw::snapshot_cut))
            for (auto& image : *rows) image.row.reset();
        if (!is(flaw::snapshot_by_key_alone)) return rows;
        rows = base_type::snapshot_rows(id, 0, all);
        if (!rows) return rows;
        std::sort(rows->begin(), rows->end(), [](const auto& x, const auto& y) { return x.key.key < y.key.key; });
        rows->erase(rows->begin(), rows->begin() + static_cast<std::ptrdiff_t>((std::min)(rows->size(), std::size_t{from})));
        if (rows->size() > n) rows->resize(n);
        return rows;
    }
    [[nodiscard]] result<void> put_note(std::string_view principal, std::string_view name, std::string_view body) {
        if (how_ == syncline::access::snapshot && is(flaw::snapshot_ignores_notes)) return {};
        return base_type::put_note(principal, is(flaw::note_ends_at_nul) ? name.substr(0, name.find('\0')) : name, body);
    }
    [[nodiscard]] result<std::vector<std::pair<std::string, std::string>>> notes(std::string_view principal, std::string_view prefix) {
        return base_type::notes(principal, is(flaw::prefix_ends_at_nul) ? prefix.substr(0, prefix.find('\0')) : prefix);
    }
    [[nodiscard]] result<void> drop_notes(std::string_view principal, std::string_view prefix) {
        if (principal.empty() && is(flaw::tenant_notes_of_all)) (void)base_type::drop_notes("p", prefix);
        return base_type::drop_notes(principal, prefix);
    }
    [[nodiscard]] result<void> drop_source(std::string_view principal, std::string_view source) {
        auto view = base_type::find_view(principal, source);
        auto done = base_type::drop_source(principal, source);
        if (done && view && *view && is(flaw::view_outlives)) (void)base_type::put_view(**view);
        return done;
    }
    [[nodiscard]] result<void> expire(timestamp now) { return base_type::expire(is(flaw::expires_at_once) ? now + duration{1} : now); }
    [[nodiscard]] result<void> relabel(const record_key& key, std::int64_t stamp, const audience& who) {
        if (how_ == syncline::access::snapshot && is(flaw::snapshot_ignores_labels)) return {};
        if (is(flaw::relabel_in_place))
            if (auto s = base_type::sealed(key); s && *s) return base_type::relabel(key, (*s)->stamp, who);
        return base_type::relabel(key, stamp, who);
    }
    [[nodiscard]] result<std::vector<audience_change>> audiences_since(const record_key& key, std::int64_t stamp) {
        return base_type::audiences_since(key, is(flaw::log_repeats) ? stamp - 1 : stamp);
    }
    [[nodiscard]] result<std::vector<record_key>> labelled(std::string_view label, const record_key* after, std::size_t n) {
        auto keys = base_type::labelled(label, after, n);
        if (keys && !keys->empty() && is(flaw::labelled_twice)) keys->push_back(keys->back());
        return keys;
    }
    [[nodiscard]] result<void> commit() {
        if (how_ == syncline::access::write && is(flaw::own_changes_unstaged)) (void)base_type::take_staged();
        return base_type::commit();
    }

private:
    [[nodiscard]] bool is(flaw f) const { return w_->kind == f; }

    std::shared_ptr<world> w_;
    int object_;
    std::string tenant_;
    syncline::access how_;
    int calls_ = 0;
    bool took_ = false;
    std::map<record_key, record> written_;
    std::vector<std::pair<std::string, receipt>> put_since_;
};

class store {
public:
    using transaction = broken_authority::transaction;

    store(std::shared_ptr<world> in, int object) : w_(std::move(in)), object_(object) {}

    [[nodiscard]] const schema_set& schemas() const { return w_->kept.schemas(); }
    [[nodiscard]] result<transaction> begin(std::string_view tenant, syncline::access how) {
        std::unique_lock lock(w_->busy);
        if (how == syncline::access::write && w_->kind == flaw::last_commit_lost) w_->before_last_write = w_->kept.copy();
        if (how == syncline::access::write && w_->kind == flaw::writer_refused_in_turn && ++w_->writers % 20 == 0) return make_fault(errc::busy, "somebody reads");
        auto t = w_->kept.begin(tenant, how);
        if (!t) return w_->kind == flaw::bug_for_busy ? make_fault(errc::bug, "somebody writes") : std::move(t).error();
        return transaction{std::move(lock), std::move(*t), w_, object_, tenant, how};
    }
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) {
        if (epoch.empty() && w_->kind == flaw::nameless_incarnation) return {};
        auto done = w_->kept.begin_incarnation(epoch, now);
        return !done && done.error().code == errc::busy && w_->kind == flaw::incarnation_ignored ? result<void>{} : done;
    }

private:
    std::shared_ptr<world> w_;
    int object_;
};

/// What the kit is handed.
class harness {
public:
    explicit harness(flaw of) : w_(std::make_shared<world>(of)) {}

    broken_authority::store& store() { return first_; }
    broken_authority::store& other_store() { return second_; }
    void reopen() {
        memory_authority_store next = w_->kind == flaw::last_commit_lost && w_->before_last_write ? w_->before_last_write->copy() : memory_authority_store{std::move(w_->kept)};
        w_->kept = std::move(next);
    }
    result<void> app_write(const std::string& tenant, const record_key& key, const record& row) {
        if (w_->erased.contains(key)) w_->hidden.insert(key);
        w_->named.insert(key);
        return w_->kept.app_write(tenant, key, row);
    }
    result<void> app_erase(const std::string& tenant, const record_key& key) {
        w_->erased.insert(key);
        w_->named.insert(key);
        return w_->kept.app_erase(tenant, key);
    }
    std::optional<record> row(const std::string& tenant, const record_key& key) { return w_->kept.row(tenant, key); }
    void install_trigger() { *w_->triggered = true; }
    void attach_to(const std::string& tenant, const record_key& key, const record& row) {
        w_->kept = fresh(w_->triggered);
        (void)w_->kept.app_write(tenant, key, row);
        if (w_->kind != flaw::attached_unstaged) return;
        if (auto t = w_->kept.begin(tenant, syncline::access::write))
            if (t->take_staged()) (void)t->commit();
    }

private:
    std::shared_ptr<world> w_;
    broken_authority::store first_{w_, 1};
    broken_authority::store second_{w_, 2};
};

}  // namespace broken_authority

#endif
