#ifndef SYNCLINE_TESTING_SIMULATION_FAULTY_STORES_HPP
#define SYNCLINE_TESTING_SIMULATION_FAULTY_STORES_HPP

#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/write_time.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/store_faults.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A replica's store over @p Store, with its faults. Both must outlive it and its transactions.
template <class Store>
class faulty_replica_store {
public:
    faulty_replica_store(Store& inner, store_faults& f) : inner_(&inner), faults_(&f) {}
    [[nodiscard]] const schema_set& schemas() const { return std::as_const(*inner_).schemas(); }

    class transaction {
    public:
        transaction(typename Store::transaction inner, store_faults& f) : in_(std::move(inner)), faults_(&f) {}

        result<std::vector<captured_edit>> take_captured() { return faults_->call([&] { return in_.take_captured(); }); }
        result<std::vector<diverted_row>> take_diverted() { return faults_->call([&] { return in_.take_diverted(); }); }
        result<std::optional<record>> visible(const record_key& k) { return faults_->call([&] { return in_.visible(k); }); }
        result<void> write(const record_key& k, const record& r) { return faults_->call([&] { return in_.write(k, r); }); }
        result<void> erase(const record_key& k) { return faults_->call([&] { return in_.erase(k); }); }
        void tell_time(timestamp at) { syncline::tell_time(in_, at); }
        result<base_row> base(const record_key& k) { return faults_->call([&] { return in_.base(k); }); }
        result<void> put_base(const record_key& k, const base_row& b) { return faults_->call([&] { return in_.put_base(k, b); }); }
        result<std::optional<intent>> open_intent(const record_key& k) { return faults_->call([&] { return in_.open_intent(k); }); }
        result<void> put_open(const intent& i, std::int32_t c) { return faults_->call([&] { return in_.put_open(i, c); }); }
        result<void> drop_open(const record_key& k) { return faults_->call([&] { return in_.drop_open(k); }); }
        result<std::vector<std::pair<send_position, intent>>> ready_intents(send_position p, std::size_t n) {
            return faults_->call([&] { return in_.ready_intents(p, n); });
        }
        result<std::vector<intent>> waiting_intents(std::size_t n) { return faults_->call([&] { return in_.waiting_intents(n); }); }
        result<std::optional<batch>> current_batch() { return faults_->call([&] { return in_.current_batch(); }); }
        result<void> put_batch(const batch& b) { return faults_->call([&] { return in_.put_batch(b); }); }
        result<void> drop_batch() { return faults_->call([&] { return in_.drop_batch(); }); }
        result<std::optional<batch_item>> frozen(const record_key& k) { return faults_->call([&] { return in_.frozen(k); }); }
        result<void> put_frozen(const batch_item& i) { return faults_->call([&] { return in_.put_frozen(i); }); }
        result<void> drop_frozen(const record_key& k) { return faults_->call([&] { return in_.drop_frozen(k); }); }
        result<std::vector<batch_item>> frozen_items(std::uint32_t from, std::size_t n) {
            return faults_->call([&] { return in_.frozen_items(from, n); });
        }
        result<void> set_hidden(const record_key& k, bool hide) { return faults_->call([&] { return in_.set_hidden(k, hide); }); }
        result<std::vector<record_key>> hidden() { return faults_->call([&] { return in_.hidden(); }); }
        result<void> quarantine(const quarantined_row& q) { return faults_->call([&] { return in_.quarantine(q); }); }
        result<void> release(const record_key& k) { return faults_->call([&] { return in_.release(k); }); }
        result<std::vector<quarantined_row>> quarantined(std::size_t n) { return faults_->call([&] { return in_.quarantined(n); }); }
        result<void> put_unread(const unread_row& u) { return faults_->call([&] { return in_.put_unread(u); }); }
        result<void> drop_unread(const unread_name& name) { return faults_->call([&] { return in_.drop_unread(name); }); }
        result<std::optional<unread_row>> find_unread(const unread_name& name) { return faults_->call([&] { return in_.find_unread(name); }); }
        result<std::vector<unread_row>> unread(const unread_name* after, std::size_t n) {
            return faults_->call([&] { return in_.unread(after, n); });
        }
        result<std::vector<record_key>> bases_within(std::int64_t low, std::int64_t high, const record_key* after, std::size_t n) {
            return faults_->call([&] { return in_.bases_within(low, high, after, n); });
        }
        result<void> put_lost(const row_image& row) { return faults_->call([&] { return in_.put_lost(row); }); }
        result<void> drop_lost(const record_key& k) { return faults_->call([&] { return in_.drop_lost(k); }); }
        result<std::vector<row_image>> lost_rows(std::size_t n) { return faults_->call([&] { return in_.lost_rows(n); }); }
        result<replica_state> state() { return faults_->call([&] { return in_.state(); }); }
        result<void> put_state(const replica_state& s) { return faults_->call([&] { return in_.put_state(s); }); }
        result<void> stage(const std::vector<row_image>& rows) { return faults_->call([&] { return in_.stage(rows); }); }
        result<void> clear_stage() { return faults_->call([&] { return in_.clear_stage(); }); }
        result<std::vector<row_image>> staged(const record_key* after, std::size_t n) { return faults_->call([&] { return in_.staged(after, n); }); }
        result<std::vector<record_key>> unstaged(const record_key* after, std::size_t n) {
            return faults_->call([&] { return in_.unstaged(after, n); });
        }
        result<replica_presence> presence() { return faults_->call([&] { return in_.presence(); }); }
        result<replica_counts> counts() { return faults_->call([&] { return in_.counts(); }); }
        result<void> commit() { return faults_->commit([&] { return in_.commit(); }); }

    private:
        typename Store::transaction in_;
        store_faults* faults_;
    };

    [[nodiscard]] result<transaction> begin() {
        return faults_->begin([&]() -> result<transaction> {
            auto t = inner_->begin();
            if (!t) return std::move(t).error();
            return transaction{std::move(*t), *faults_};
        });
    }

private:
    Store* inner_;
    store_faults* faults_;
};

/// An authority's store over @p Store, with its faults. Both must outlive it and its transactions.
template <class Store>
class faulty_authority_store {
public:
    faulty_authority_store(Store& inner, store_faults& f) : inner_(&inner), faults_(&f) {}
    [[nodiscard]] const schema_set& schemas() const { return std::as_const(*inner_).schemas(); }

    class transaction {
    public:
        transaction(typename Store::transaction inner, store_faults& f) : in_(std::move(inner)), faults_(&f) {}

        result<std::optional<record>> current(const record_key& k) { return faults_->call([&] { return in_.current(k); }); }
        result<void> write(const record_key& k, const record& r) { return faults_->call([&] { return in_.write(k, r); }); }
        result<void> erase(const record_key& k) { return faults_->call([&] { return in_.erase(k); }); }
        void tell_time(timestamp at) { syncline::tell_time(in_, at); }
        result<std::vector<record_key>> referencing(const record_key& k, std::size_t n) { return faults_->call([&] { return in_.referencing(k, n); }); }
        result<void> savepoint() { return faults_->call([&] { return in_.savepoint(); }); }
        result<void> rollback_to_savepoint() { return faults_->call([&] { return in_.rollback_to_savepoint(); }); }
        result<void> release_savepoint() { return faults_->call([&] { return in_.release_savepoint(); }); }
        result<std::vector<record_key>> take_staged() { return faults_->call([&] { return in_.take_staged(); }); }
        result<bool> has_staged() { return faults_->call([&] { return in_.has_staged(); }); }
        result<authority_head> head() { return faults_->call([&] { return in_.head(); }); }
        result<std::optional<sealed_row>> sealed(const record_key& k) { return faults_->call([&] { return in_.sealed(k); }); }
        result<void> append(const bundle& b) { return faults_->call([&] { return in_.append(b); }); }
        result<std::vector<change_mark>> changes_of(const record_key& k, std::int64_t v) { return faults_->call([&] { return in_.changes_of(k, v); }); }
        result<std::vector<row_change>> history_of(const record_key& k) { return faults_->call([&] { return in_.history_of(k); }); }
        result<std::vector<row_change>> latest_after(std::int64_t c, std::size_t n) { return faults_->call([&] { return in_.latest_after(c, n); }); }
        result<std::vector<bundle_head>> bundle_heads(std::int64_t s, std::size_t n) { return faults_->call([&] { return in_.bundle_heads(s, n); }); }
        result<std::vector<row_change>> bundle_rows(std::int64_t s, std::uint32_t from, std::size_t n) {
            return faults_->call([&] { return in_.bundle_rows(s, from, n); });
        }
        result<std::optional<receipt>> find_receipt(std::string_view p, const mutation_id& id) {
            return faults_->call([&] { return in_.find_receipt(p, id); });
        }
        result<void> put_receipt(std::string_view p, const receipt& r) { return faults_->call([&] { return in_.put_receipt(p, r); }); }
        result<std::optional<bundle_receipt>> find_bundle_receipt(std::string_view source, std::int64_t n) {
            return faults_->call([&] { return in_.find_bundle_receipt(source, n); });
        }
        result<void> put_bundle_receipt(const bundle_receipt& r) { return faults_->call([&] { return in_.put_bundle_receipt(r); }); }
        result<std::int64_t> last_source_bundle_id(std::string_view source) { return faults_->call([&] { return in_.last_source_bundle_id(source); }); }
        result<void> put_session(const push_session& s) { return faults_->call([&] { return in_.put_session(s); }); }
        result<std::optional<push_session>> find_session(std::string_view id) { return faults_->call([&] { return in_.find_session(id); }); }
        result<void> drop_session(std::string_view id) { return faults_->call([&] { return in_.drop_session(id); }); }
        result<void> drop_sessions(std::string_view source, std::int64_t n) { return faults_->call([&] { return in_.drop_sessions(source, n); }); }
        result<void> append_session(std::string_view id, std::uint32_t first, const std::vector<mutation>& ms) {
            return faults_->call([&] { return in_.append_session(id, first, ms); });
        }
        result<std::vector<mutation>> session_mutations(std::string_view id) { return faults_->call([&] { return in_.session_mutations(id); }); }
        result<snapshot_head> make_snapshot(const snapshot_head& h) { return faults_->call([&] { return in_.make_snapshot(h); }); }
        result<std::optional<snapshot_head>> find_snapshot(std::string_view id) { return faults_->call([&] { return in_.find_snapshot(id); }); }
        result<void> drop_snapshot(std::string_view id) { return faults_->call([&] { return in_.drop_snapshot(id); }); }
        result<void> renew_snapshot(std::string_view id, timestamp until) { return faults_->call([&] { return in_.renew_snapshot(id, until); }); }
        result<std::vector<row_image>> snapshot_rows(std::string_view id, std::uint32_t from, std::size_t n) {
            return faults_->call([&] { return in_.snapshot_rows(id, from, n); });
        }
        result<void> put_source(const source_mark& m) { return faults_->call([&] { return in_.put_source(m); }); }
        result<std::optional<source_mark>> find_source(std::string_view p, std::string_view source) {
            return faults_->call([&] { return in_.find_source(p, source); });
        }
        result<void> drop_source(std::string_view p, std::string_view source) { return faults_->call([&] { return in_.drop_source(p, source); }); }
        result<std::vector<source_mark>> sources() { return faults_->call([&] { return in_.sources(); }); }
        result<void> put_note(std::string_view p, std::string_view n, std::string_view b) { return faults_->call([&] { return in_.put_note(p, n, b); }); }
        result<std::optional<std::string>> find_note(std::string_view p, std::string_view n) { return faults_->call([&] { return in_.find_note(p, n); }); }
        result<std::vector<std::pair<std::string, std::string>>> notes(std::string_view p, std::string_view n) { return faults_->call([&] { return in_.notes(p, n); }); }
        result<void> drop_notes(std::string_view p, std::string_view n) { return faults_->call([&] { return in_.drop_notes(p, n); }); }
        result<std::vector<record_key>> referring(const record_key& k, std::size_t n) { return faults_->call([&] { return in_.referring(k, n); }); }
        result<std::optional<audience>> audience_of(const record_key& k) { return faults_->call([&] { return in_.audience_of(k); }); }
        result<void> relabel(const record_key& k, std::int64_t stamp, const audience& who) { return faults_->call([&] { return in_.relabel(k, stamp, who); }); }
        result<std::vector<audience_change>> audiences_since(const record_key& k, std::int64_t stamp) {
            return faults_->call([&] { return in_.audiences_since(k, stamp); });
        }
        result<std::vector<record_key>> labelled(std::string_view label, const record_key* after, std::size_t n) {
            return faults_->call([&] { return in_.labelled(label, after, n); });
        }
        result<std::string> labelled_by() { return faults_->call([&] { return in_.labelled_by(); }); }
        result<void> set_labelled_by(std::string_view rules) { return faults_->call([&] { return in_.set_labelled_by(rules); }); }
        result<std::optional<device_view>> find_view(std::string_view p, std::string_view source) {
            return faults_->call([&] { return in_.find_view(p, source); });
        }
        result<void> put_view(const device_view& v) { return faults_->call([&] { return in_.put_view(v); }); }
        result<void> prune(std::int64_t s) { return faults_->call([&] { return in_.prune(s); }); }
        result<void> expire(timestamp now) { return faults_->call([&] { return in_.expire(now); }); }
        result<void> commit() { return faults_->commit([&] { return in_.commit(); }); }

    private:
        typename Store::transaction in_;
        store_faults* faults_;
    };

    [[nodiscard]] result<transaction> begin(std::string_view tenant, syncline::access how) {
        return faults_->begin([&]() -> result<transaction> {
            auto t = inner_->begin(tenant, how);
            if (!t) return std::move(t).error();
            return transaction{std::move(*t), *faults_};
        });
    }
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) { return inner_->begin_incarnation(epoch, now); }

private:
    Store* inner_;
    store_faults* faults_;
};


}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
