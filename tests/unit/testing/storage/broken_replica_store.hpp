#ifndef SYNCLINE_TESTS_UNIT_TESTING_STORAGE_BROKEN_REPLICA_STORE_HPP
#define SYNCLINE_TESTS_UNIT_TESTING_STORAGE_BROKEN_REPLICA_STORE_HPP

// A device's store in memory with one flaw, as adapters have them. Without a flaw it offers everything that a harness can offer.

#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/storage/replica_growth.hpp>
#include <syncline/testing/storage/samples.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace broken_replica {

using namespace syncline;
using testing::storage::project;
using testing::storage::task;

enum class flaw : std::uint8_t {
    none, reads_committed, erases_no_absent, one_key_for_all_models, keys_without_case, text_ends_at_nul, milliseconds, refused_stays, drop_commits,
    drop_leaves_a_row, last_commit_lost, busy_for_bug, app_write_ignored, dirty_read, data_of_its_own, erase_not_captured, order_by_key,
    nothing_is_an_edit, never_recreated, taken_again, captures_itself, cascades, refused_is_captured, never_diverts, trigger_is_an_edit, keeps_empty_base,
    first_open_stays, ready_by_ordinal, items_outlive_batch, frozen_by_text, clock_forgotten, first_unread_stays, page_repeats, quarantine_absent,
    waiting_is_open, cut_at_64k, rows_beyond_1000, fence_forgotten, lease_ends_with_the_program, lease_counted, lease_of_its_own, lost_without_end,
    asks_for_nothing, asks_without_a_pull, asks_at_each_opening, images_stay_narrow, layers_know_all, erases_name_nothing, creations_name_all, named_for_ever,
};

/// What all store objects of one device share.
struct world {
    explicit world(flaw of) : kind(of) {}
    flaw kind;
    std::shared_ptr<bool> triggered = std::make_shared<bool>(false);
    memory_replica_store kept{testing::storage::schemas(), {{{task, 1}}, true, [on = triggered](const record_key& key, record& row) {
                                                                if (*on && key.model == task && row.fields[0] == value::text("shout")) row.fields[0] = value::text("SHOUT");
                                                            }}};
    std::optional<memory_replica_store> before_last_commit{};
    std::optional<memory_replica_store> ended{};
    int open_by = 0;
    bool grown = false;  ///< the program knows `task.later`
    std::vector<captured_edit> more_edits{};  ///< what `take_captured` gives beside what it should
    std::vector<captured_edit> taken{};
    std::optional<unread_row> left_behind{};  ///< what a dropped transaction put, until the next one begins

    void commit_of(const record_key& key, const record& row) {
        if (kind == flaw::captures_itself) more_edits.push_back({key, std::nullopt, row, false, {}});
    }
};

class transaction : public memory_replica_store::transaction {
    using base_type = memory_replica_store::transaction;
    static constexpr auto all = (std::numeric_limits<std::size_t>::max)();

public:
    transaction(base_type&& of, std::shared_ptr<world> in, int object) : base_type(std::move(of)), w_(std::move(in)), object_(object) {}
    transaction(transaction&&) noexcept = default;
    transaction& operator=(transaction&&) noexcept = default;
    ~transaction() {
        if (w_ && is(flaw::drop_commits)) (void)base_type::commit();
        if (w_ && is(flaw::drop_leaves_a_row) && unread_) w_->left_behind = unread_;
    }

    [[nodiscard]] result<std::vector<captured_edit>> take_captured() {
        auto edits = base_type::take_captured();
        if (!edits) return edits;
        if (is(flaw::erase_not_captured)) std::erase_if(*edits, [](const auto& e) { return !e.after; });
        if (is(flaw::order_by_key)) std::sort(edits->begin(), edits->end(), [](const auto& x, const auto& y) { return x.key < y.key; });
        if (is(flaw::never_recreated))
            for (auto& e : *edits) e.recreated = false;
        for (auto& e : *edits)
            if (w_->grown && e.key.model == task) {
                if (is(flaw::erases_name_nothing) && !e.after) e.unseen = {};
                if ((is(flaw::creations_name_all) && !e.before) || is(flaw::named_for_ever)) e.unseen.insert(testing::storage::task_later);
            }
        if (is(flaw::taken_again)) {
            w_->taken.insert(w_->taken.end(), edits->begin(), edits->end());
            return w_->taken;
        }
        if (is(flaw::trigger_is_an_edit)) {
            const auto loud = std::find_if(edits->begin(), edits->end(), [](const auto& e) { return e.before && e.after && e.after->fields[0] == value::text("SHOUT"); });
            if (loud != edits->end()) edits->push_back(*loud);
        }
        edits->insert(edits->end(), w_->more_edits.begin(), w_->more_edits.end());
        return edits;
    }
    [[nodiscard]] result<std::vector<diverted_row>> take_diverted() {
        auto rows = base_type::take_diverted();
        if (rows && is(flaw::never_diverts)) rows->clear();
        return rows;
    }
    [[nodiscard]] result<std::optional<record>> visible(const record_key& key) {
        if (is(flaw::reads_committed) && written_.contains(key)) return w_->kept.copy().row(key);
        return base_type::visible(key);
    }
    [[nodiscard]] result<void> write(const record_key& key, record row) {
        if (is(flaw::text_ends_at_nul) || is(flaw::cut_at_64k))
            for (auto& v : row.fields)
                if (v.kind() == value_kind::text) {
                    const std::string text{v.as_string()};
                    v = value::text(is(flaw::cut_at_64k) ? text.substr(0, 65535) : text.substr(0, text.find('\0')));
                }
        written_[key] = row;
        if (is(flaw::rows_beyond_1000) && written_.size() > 1000) return {};
        auto done = base_type::write(key, row);
        if (!done && is(flaw::refused_stays)) (void)base_type::erase(key);
        return done;
    }
    [[nodiscard]] result<void> erase(const record_key& key) {
        if (is(flaw::erases_no_absent)) {
            auto there = base_type::visible(key);
            if (there && !*there) return make_fault(errc::absent, "there is no such row");
        }
        if (is(flaw::one_key_for_all_models)) (void)base_type::erase({key.model == task ? project : task, key.key});
        if (is(flaw::cascades) && key.model == project)
            for (const auto& [child, row] : w_->kept.rows(task))
                if (row.fields[2] == value::text(key.key)) (void)base_type::erase({task, child});
        return base_type::erase(key);
    }
    [[nodiscard]] result<base_row> base(const record_key& key) {
        auto b = base_type::base(folded(key));
        if (b && b->image && w_->grown && key.model == task && is(flaw::images_stay_narrow)) b->image->fields.pop_back();
        return b;
    }
    [[nodiscard]] result<void> put_base(const record_key& key, const base_row& b) {
        return is(flaw::keeps_empty_base) && b == base_row{} ? result<void>{} : base_type::put_base(folded(key), b);
    }
    [[nodiscard]] result<void> put_open(const intent& i, std::int32_t send_class) {
        if (is(flaw::first_open_stays)) {
            auto there = base_type::open_intent(i.key);
            if (there && *there) return {};
        }
        return base_type::put_open(i, send_class);
    }
    [[nodiscard]] result<std::optional<intent>> open_intent(const record_key& key) {
        auto layer = base_type::open_intent(key);
        if (layer && *layer && is(flaw::layers_know_all)) (*layer)->unseen = {};
        return layer;
    }
    [[nodiscard]] result<std::vector<std::pair<send_position, intent>>> ready_intents(send_position after, std::size_t n) {
        auto page = base_type::ready_intents(after, n);
        if (page && is(flaw::ready_by_ordinal)) std::sort(page->begin(), page->end(), [](const auto& x, const auto& y) { return x.first.ordinal < y.first.ordinal; });
        return page;
    }
    [[nodiscard]] result<void> drop_batch() {
        std::vector<batch_item> items;
        if (is(flaw::items_outlive_batch))
            if (auto found = base_type::frozen_items(0, all)) items = *found;
        auto done = base_type::drop_batch();
        for (const auto& item : items) (void)base_type::put_frozen(item);
        return done;
    }
    [[nodiscard]] result<std::vector<batch_item>> frozen_items(std::uint32_t from, std::size_t n) {
        auto page = base_type::frozen_items(from, n);
        if (page && is(flaw::frozen_by_text))
            std::sort(page->begin(), page->end(), [](const auto& x, const auto& y) { return std::to_string(x.position) < std::to_string(y.position); });
        return page;
    }
    [[nodiscard]] result<void> put_unread(const unread_row& row) {
        if (is(flaw::first_unread_stays)) {
            auto there = base_type::find_unread(row.name);
            if (there && *there) return {};
        }
        unread_ = row;
        return base_type::put_unread(row);
    }
    [[nodiscard]] result<void> put_lost(row_image image) {
        if (is(flaw::milliseconds) && image.row)
            for (auto& v : image.row->fields)
                if (v.kind() == value_kind::time) v = value::time(from_microseconds(to_microseconds(v.as_time()) / 1000 * 1000));
        return base_type::put_lost(image);
    }
    [[nodiscard]] result<std::vector<row_image>> lost_rows(std::size_t n) { return base_type::lost_rows(is(flaw::lost_without_end) ? all : n); }
    [[nodiscard]] result<replica_state> state() {
        auto s = base_type::state();
        if (s && is(flaw::asks_for_nothing)) s->needs_hydration = false;
        return s;
    }
    [[nodiscard]] result<void> put_state(replica_state state) {
        if (is(flaw::clock_forgotten)) state.clock_us = 0;
        return base_type::put_state(state);
    }
    [[nodiscard]] result<std::vector<row_image>> staged(const record_key* after, std::size_t n) {
        if (!is(flaw::page_repeats) || after == nullptr) return base_type::staged(after, n);
        auto rows = base_type::staged(nullptr, all);
        if (!rows) return rows;
        return testing::storage::slice(*rows, [&](const auto& row) { return !(row.key < *after); }, n);
    }
    [[nodiscard]] result<replica_presence> presence() {
        auto there = base_type::presence();
        if (there && is(flaw::quarantine_absent)) there->quarantined = false;
        return there;
    }
    [[nodiscard]] result<replica_counts> counts() {
        auto n = base_type::counts();
        if (n && is(flaw::waiting_is_open)) n->open += std::exchange(n->waiting, 0);
        if (n && is(flaw::lease_counted) && !base_type::lease()->owner.empty()) ++n->open;
        return n;
    }
    [[nodiscard]] result<sync_lease> lease() { return is(flaw::lease_of_its_own) && object_ == 2 ? result<sync_lease>{sync_lease{}} : base_type::lease(); }
    [[nodiscard]] result<void> put_lease(sync_lease lease) {
        if (is(flaw::fence_forgotten)) lease.fence = 0;
        return base_type::put_lease(lease);
    }
    [[nodiscard]] result<void> commit() {
        if (is(flaw::last_commit_lost)) w_->before_last_commit = w_->kept.copy();
        auto done = base_type::commit();
        unread_.reset();
        if (done)
            for (const auto& [key, row] : written_) w_->commit_of(key, row);
        return done;
    }

private:
    [[nodiscard]] bool is(flaw f) const { return w_->kind == f; }
    [[nodiscard]] record_key folded(record_key key) const {
        if (is(flaw::keys_without_case))
            for (char& c : key.key)
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        return key;
    }

    std::shared_ptr<world> w_;
    int object_;
    std::optional<unread_row> unread_;
    std::map<record_key, record> written_;
};

class store {
public:
    using transaction = broken_replica::transaction;

    store(std::shared_ptr<world> in, int object) : w_(std::move(in)), object_(object) {}

    [[nodiscard]] const schema_set& schemas() const { return w_->kept.schemas(); }
    [[nodiscard]] result<transaction> begin() {
        if (const auto row = std::exchange(w_->left_behind, std::nullopt))
            if (auto t = w_->kept.begin())
                if (t->put_unread(*row)) (void)t->commit();
        auto t = w_->kept.begin();
        if (!t) {
            const bool another = w_->open_by != object_ || w_->kind == flaw::busy_for_bug;
            return another ? make_fault(errc::busy, "another store object has a transaction open") : std::move(t).error();
        }
        w_->open_by = object_;
        return transaction{std::move(*t), w_, object_};
    }

private:
    std::shared_ptr<world> w_;
    int object_;
};

/// What the kit is handed.
class harness {
public:
    explicit harness(flaw of) : w_(std::make_shared<world>(of)), apart_(of == flaw::data_of_its_own ? std::make_shared<world>(of) : w_) {}

    broken_replica::store& store() { return first_; }
    broken_replica::store& other_store() { return second_; }
    void reopen() {
        w_->kept = memory_replica_store{std::move(w_->kept)};
        if (w_->kind != flaw::lease_ends_with_the_program) return;
        if (auto t = w_->kept.begin())
            if (t->put_lease({})) (void)t->commit();
    }
    void crash() {
        memory_replica_store next = w_->kind == flaw::last_commit_lost && w_->before_last_commit ? w_->before_last_commit->copy() : w_->kept.copy();
        w_->ended = std::move(w_->kept);
        w_->kept = std::move(next);
    }
    result<void> app_write(const record_key& key, const record& row) {
        auto done = w_->kept.app_write(key, row);
        if (!done && done.error().code == errc::busy && w_->kind == flaw::app_write_ignored) return {};
        if (!done && w_->kind == flaw::refused_is_captured) w_->more_edits.push_back({key, row, std::nullopt, false, {}});
        if (done && w_->kind == flaw::nothing_is_an_edit) w_->more_edits.push_back({key, std::nullopt, row, false, {}});
        return done;
    }
    result<void> app_erase(const record_key& key) {
        auto done = w_->kept.app_erase(key);
        return !done && done.error().code == errc::busy && w_->kind == flaw::app_write_ignored ? result<void>{} : done;
    }
    std::optional<record> row(const record_key& key) { return w_->kept.row(key); }
    std::optional<record> read_apart(const record_key& key) { return w_->kind == flaw::dirty_read ? w_->kept.row(key) : w_->kept.copy().row(key); }
    void install_trigger() { *w_->triggered = true; }
    void learn(const schema_set& models) {
        w_->kept = *w_->kept.grown(models);
        w_->grown = models[task].fields.size() > testing::storage::task_later;
        if (w_->kind != flaw::asks_without_a_pull && w_->kind != flaw::asks_at_each_opening) return;
        auto t = *w_->kept.begin();
        auto s = *t.state();
        s.needs_hydration = s.checkpoint > 0 || w_->kind == flaw::asks_without_a_pull;
        if (t.put_state(s)) (void)t.commit();
    }

private:
    std::shared_ptr<world> w_;
    std::shared_ptr<world> apart_;
    broken_replica::store first_{w_, 1};
    broken_replica::store second_{apart_, 2};
};

}  // namespace broken_replica

#endif
