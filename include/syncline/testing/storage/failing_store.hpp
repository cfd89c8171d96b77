#ifndef SYNCLINE_TESTING_STORAGE_FAILING_STORE_HPP
#define SYNCLINE_TESTING_STORAGE_FAILING_STORE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/sync_lease.hpp>
#include <syncline/storage/write_time.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/call_decision.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

namespace detail {

// Between a caller and a store.
class call_gate {
public:
    explicit call_gate(std::shared_ptr<call_decision> decide) noexcept : decide_(std::move(decide)) {}

    template <class Call>
    auto through(Call call) -> decltype(call()) {
        if (auto bad = (*decide_)(call_moment::before)) return std::move(*bad);
        auto done = call();
        if (auto bad = (*decide_)(call_moment::after)) return std::move(*bad);
        return done;
    }
    template <class Call>
    auto through_commit(Call call) -> decltype(call()) {
        if (auto bad = (*decide_)(call_moment::before_commit)) return std::move(*bad);
        auto done = call();
        if (!done) return done;
        if (auto bad = (*decide_)(call_moment::after_commit)) return std::move(*bad);
        return done;
    }
    [[nodiscard]] const std::shared_ptr<call_decision>& decision() const noexcept { return decide_; }

private:
    std::shared_ptr<call_decision> decide_;
};

}  // namespace detail

/// A transaction of a replica's store, of type @p T, with a decision at each of its calls. Models what @p T models.
template <replica_transaction T>
class failing_replica_transaction {
public:
    failing_replica_transaction(T inner, std::shared_ptr<call_decision> decide) : inner_(std::move(inner)), calls_(std::move(decide)) {}

    [[nodiscard]] auto take_captured() { return calls_.through([&] { return inner_.take_captured(); }); }
    [[nodiscard]] auto take_diverted() { return calls_.through([&] { return inner_.take_diverted(); }); }
    [[nodiscard]] auto visible(const record_key& a) { return calls_.through([&] { return inner_.visible(a); }); }
    [[nodiscard]] auto write(const record_key& a, const record& b) { return calls_.through([&] { return inner_.write(a, b); }); }
    [[nodiscard]] auto erase(const record_key& a) { return calls_.through([&] { return inner_.erase(a); }); }
    void tell_time(timestamp at) { syncline::tell_time(inner_, at); }
    [[nodiscard]] auto base(const record_key& a) { return calls_.through([&] { return inner_.base(a); }); }
    [[nodiscard]] auto put_base(const record_key& a, const base_row& b) { return calls_.through([&] { return inner_.put_base(a, b); }); }
    [[nodiscard]] auto open_intent(const record_key& a) { return calls_.through([&] { return inner_.open_intent(a); }); }
    [[nodiscard]] auto put_open(const intent& a, std::int32_t b) { return calls_.through([&] { return inner_.put_open(a, b); }); }
    [[nodiscard]] auto drop_open(const record_key& a) { return calls_.through([&] { return inner_.drop_open(a); }); }
    [[nodiscard]] auto ready_intents(send_position a, std::size_t b) { return calls_.through([&] { return inner_.ready_intents(a, b); }); }
    [[nodiscard]] auto waiting_intents(std::size_t a) { return calls_.through([&] { return inner_.waiting_intents(a); }); }
    [[nodiscard]] auto current_batch() { return calls_.through([&] { return inner_.current_batch(); }); }
    [[nodiscard]] auto put_batch(const batch& a) { return calls_.through([&] { return inner_.put_batch(a); }); }
    [[nodiscard]] auto drop_batch() { return calls_.through([&] { return inner_.drop_batch(); }); }
    [[nodiscard]] auto frozen(const record_key& a) { return calls_.through([&] { return inner_.frozen(a); }); }
    [[nodiscard]] auto put_frozen(const batch_item& a) { return calls_.through([&] { return inner_.put_frozen(a); }); }
    [[nodiscard]] auto drop_frozen(const record_key& a) { return calls_.through([&] { return inner_.drop_frozen(a); }); }
    [[nodiscard]] auto frozen_items(std::uint32_t a, std::size_t b) { return calls_.through([&] { return inner_.frozen_items(a, b); }); }
    [[nodiscard]] auto set_hidden(const record_key& a, bool b) { return calls_.through([&] { return inner_.set_hidden(a, b); }); }
    [[nodiscard]] auto hidden() { return calls_.through([&] { return inner_.hidden(); }); }
    [[nodiscard]] auto quarantine(const quarantined_row& a) { return calls_.through([&] { return inner_.quarantine(a); }); }
    [[nodiscard]] auto release(const record_key& a) { return calls_.through([&] { return inner_.release(a); }); }
    [[nodiscard]] auto quarantined(std::size_t a) { return calls_.through([&] { return inner_.quarantined(a); }); }
    [[nodiscard]] auto put_unread(const unread_row& a) { return calls_.through([&] { return inner_.put_unread(a); }); }
    [[nodiscard]] auto drop_unread(const unread_name& a) { return calls_.through([&] { return inner_.drop_unread(a); }); }
    [[nodiscard]] auto find_unread(const unread_name& a) { return calls_.through([&] { return inner_.find_unread(a); }); }
    [[nodiscard]] auto unread(const unread_name* a, std::size_t b) { return calls_.through([&] { return inner_.unread(a, b); }); }
    [[nodiscard]] auto bases_within(std::int64_t a, std::int64_t b, const record_key* c, std::size_t d) { return calls_.through([&] { return inner_.bases_within(a, b, c, d); }); }
    [[nodiscard]] auto put_lost(const row_image& a) { return calls_.through([&] { return inner_.put_lost(a); }); }
    [[nodiscard]] auto drop_lost(const record_key& a) { return calls_.through([&] { return inner_.drop_lost(a); }); }
    [[nodiscard]] auto lost_rows(std::size_t a) { return calls_.through([&] { return inner_.lost_rows(a); }); }
    [[nodiscard]] auto state() { return calls_.through([&] { return inner_.state(); }); }
    [[nodiscard]] auto put_state(const replica_state& a) { return calls_.through([&] { return inner_.put_state(a); }); }
    [[nodiscard]] auto stage(const std::vector<row_image>& a) { return calls_.through([&] { return inner_.stage(a); }); }
    [[nodiscard]] auto clear_stage() { return calls_.through([&] { return inner_.clear_stage(); }); }
    [[nodiscard]] auto staged(const record_key* a, std::size_t b) { return calls_.through([&] { return inner_.staged(a, b); }); }
    [[nodiscard]] auto unstaged(const record_key* a, std::size_t b) { return calls_.through([&] { return inner_.unstaged(a, b); }); }
    [[nodiscard]] auto presence() { return calls_.through([&] { return inner_.presence(); }); }
    [[nodiscard]] auto counts() { return calls_.through([&] { return inner_.counts(); }); }
    [[nodiscard]] auto lease() requires leasing_transaction<T> { return calls_.through([&] { return inner_.lease(); }); }
    [[nodiscard]] auto put_lease(const sync_lease& a) requires leasing_transaction<T> { return calls_.through([&] { return inner_.put_lease(a); }); }
    [[nodiscard]] result<void> commit() { return calls_.through_commit([&] { return inner_.commit(); }); }

private:
    T inner_;
    detail::call_gate calls_;
};

/// A replica's store over another one, any call of which can be made to fail: for tests of what an engine, or a store itself, does then.
/// Models `replica_store`, and `leasing_store` where @p Store does.
template <replica_store Store>
class failing_replica_store {
public:
    using transaction = failing_replica_transaction<typename Store::transaction>;

    /// @param inner  outlives it
    failing_replica_store(Store& inner, call_decision decide) : inner_(&inner), calls_(std::make_shared<call_decision>(std::move(decide))) {}

    [[nodiscard]] const schema_set& schemas() const { return std::as_const(*inner_).schemas(); }
    [[nodiscard]] result<transaction> begin() {
        return calls_.through([&]() -> result<transaction> {
            auto t = inner_->begin();
            if (!t) return std::move(t).error();
            return transaction{std::move(*t), calls_.decision()};
        });
    }

private:
    Store* inner_;
    detail::call_gate calls_;
};

/// A transaction of an authority's store, of type @p T, with a decision at each of its calls.
template <authority_transaction T>
class failing_authority_transaction {
public:
    failing_authority_transaction(T inner, std::shared_ptr<call_decision> decide) : inner_(std::move(inner)), calls_(std::move(decide)) {}

    [[nodiscard]] auto current(const record_key& a) { return calls_.through([&] { return inner_.current(a); }); }
    [[nodiscard]] auto write(const record_key& a, const record& b) { return calls_.through([&] { return inner_.write(a, b); }); }
    [[nodiscard]] auto erase(const record_key& a) { return calls_.through([&] { return inner_.erase(a); }); }
    void tell_time(timestamp at) { syncline::tell_time(inner_, at); }
    [[nodiscard]] auto referencing(const record_key& a, std::size_t b) { return calls_.through([&] { return inner_.referencing(a, b); }); }
    [[nodiscard]] auto savepoint() { return calls_.through([&] { return inner_.savepoint(); }); }
    [[nodiscard]] auto rollback_to_savepoint() { return calls_.through([&] { return inner_.rollback_to_savepoint(); }); }
    [[nodiscard]] auto release_savepoint() { return calls_.through([&] { return inner_.release_savepoint(); }); }
    [[nodiscard]] auto take_staged() { return calls_.through([&] { return inner_.take_staged(); }); }
    [[nodiscard]] auto has_staged() { return calls_.through([&] { return inner_.has_staged(); }); }
    [[nodiscard]] auto head() { return calls_.through([&] { return inner_.head(); }); }
    [[nodiscard]] auto sealed(const record_key& a) { return calls_.through([&] { return inner_.sealed(a); }); }
    [[nodiscard]] auto append(const bundle& a) { return calls_.through([&] { return inner_.append(a); }); }
    [[nodiscard]] auto changes_of(const record_key& a, std::int64_t b) { return calls_.through([&] { return inner_.changes_of(a, b); }); }
    [[nodiscard]] auto history_of(const record_key& a) { return calls_.through([&] { return inner_.history_of(a); }); }
    [[nodiscard]] auto latest_after(std::int64_t a, std::size_t b) { return calls_.through([&] { return inner_.latest_after(a, b); }); }
    [[nodiscard]] auto bundle_heads(std::int64_t a, std::size_t b) { return calls_.through([&] { return inner_.bundle_heads(a, b); }); }
    [[nodiscard]] auto bundle_rows(std::int64_t a, std::uint32_t b, std::size_t c) { return calls_.through([&] { return inner_.bundle_rows(a, b, c); }); }
    [[nodiscard]] auto find_receipt(std::string_view a, const mutation_id& b) { return calls_.through([&] { return inner_.find_receipt(a, b); }); }
    [[nodiscard]] auto put_receipt(std::string_view a, const receipt& b) { return calls_.through([&] { return inner_.put_receipt(a, b); }); }
    [[nodiscard]] auto find_bundle_receipt(std::string_view a, std::int64_t b) { return calls_.through([&] { return inner_.find_bundle_receipt(a, b); }); }
    [[nodiscard]] auto put_bundle_receipt(const bundle_receipt& a) { return calls_.through([&] { return inner_.put_bundle_receipt(a); }); }
    [[nodiscard]] auto last_source_bundle_id(std::string_view a) { return calls_.through([&] { return inner_.last_source_bundle_id(a); }); }
    [[nodiscard]] auto put_session(const push_session& a) { return calls_.through([&] { return inner_.put_session(a); }); }
    [[nodiscard]] auto find_session(std::string_view a) { return calls_.through([&] { return inner_.find_session(a); }); }
    [[nodiscard]] auto drop_session(std::string_view a) { return calls_.through([&] { return inner_.drop_session(a); }); }
    [[nodiscard]] auto drop_sessions(std::string_view a, std::int64_t b) { return calls_.through([&] { return inner_.drop_sessions(a, b); }); }
    [[nodiscard]] auto append_session(std::string_view a, std::uint32_t b, const std::vector<mutation>& c) { return calls_.through([&] { return inner_.append_session(a, b, c); }); }
    [[nodiscard]] auto session_mutations(std::string_view a) { return calls_.through([&] { return inner_.session_mutations(a); }); }
    [[nodiscard]] auto make_snapshot(const snapshot_head& a) { return calls_.through([&] { return inner_.make_snapshot(a); }); }
    [[nodiscard]] auto find_snapshot(std::string_view a) { return calls_.through([&] { return inner_.find_snapshot(a); }); }
    [[nodiscard]] auto drop_snapshot(std::string_view a) { return calls_.through([&] { return inner_.drop_snapshot(a); }); }
    [[nodiscard]] auto renew_snapshot(std::string_view a, timestamp b) { return calls_.through([&] { return inner_.renew_snapshot(a, b); }); }
    [[nodiscard]] auto snapshot_rows(std::string_view a, std::uint32_t b, std::size_t c) { return calls_.through([&] { return inner_.snapshot_rows(a, b, c); }); }
    [[nodiscard]] auto put_source(const source_mark& a) { return calls_.through([&] { return inner_.put_source(a); }); }
    [[nodiscard]] auto find_source(std::string_view a, std::string_view b) { return calls_.through([&] { return inner_.find_source(a, b); }); }
    [[nodiscard]] auto drop_source(std::string_view a, std::string_view b) { return calls_.through([&] { return inner_.drop_source(a, b); }); }
    [[nodiscard]] auto sources() { return calls_.through([&] { return inner_.sources(); }); }
    [[nodiscard]] auto put_note(std::string_view a, std::string_view b, std::string_view c) { return calls_.through([&] { return inner_.put_note(a, b, c); }); }
    [[nodiscard]] auto find_note(std::string_view a, std::string_view b) { return calls_.through([&] { return inner_.find_note(a, b); }); }
    [[nodiscard]] auto notes(std::string_view a, std::string_view b) { return calls_.through([&] { return inner_.notes(a, b); }); }
    [[nodiscard]] auto drop_notes(std::string_view a, std::string_view b) { return calls_.through([&] { return inner_.drop_notes(a, b); }); }
    [[nodiscard]] auto prune(std::int64_t a) { return calls_.through([&] { return inner_.prune(a); }); }
    [[nodiscard]] auto expire(timestamp a) { return calls_.through([&] { return inner_.expire(a); }); }
    [[nodiscard]] auto referring(const record_key& a, std::size_t b) { return calls_.through([&] { return inner_.referring(a, b); }); }
    [[nodiscard]] auto audience_of(const record_key& a) { return calls_.through([&] { return inner_.audience_of(a); }); }
    [[nodiscard]] auto relabel(const record_key& a, std::int64_t b, const audience& c) { return calls_.through([&] { return inner_.relabel(a, b, c); }); }
    [[nodiscard]] auto audiences_since(const record_key& a, std::int64_t b) { return calls_.through([&] { return inner_.audiences_since(a, b); }); }
    [[nodiscard]] auto labelled(std::string_view a, const record_key* b, std::size_t c) { return calls_.through([&] { return inner_.labelled(a, b, c); }); }
    [[nodiscard]] auto labelled_by() { return calls_.through([&] { return inner_.labelled_by(); }); }
    [[nodiscard]] auto set_labelled_by(std::string_view a) { return calls_.through([&] { return inner_.set_labelled_by(a); }); }
    [[nodiscard]] auto find_view(std::string_view a, std::string_view b) { return calls_.through([&] { return inner_.find_view(a, b); }); }
    [[nodiscard]] auto put_view(const device_view& a) { return calls_.through([&] { return inner_.put_view(a); }); }
    [[nodiscard]] result<void> commit() { return calls_.through_commit([&] { return inner_.commit(); }); }

private:
    T inner_;
    detail::call_gate calls_;
};

/// An authority's store over another one, any call of which can be made to fail. Models `authority_store`.
template <authority_store Store>
class failing_authority_store {
public:
    using transaction = failing_authority_transaction<typename Store::transaction>;

    /// @param inner  outlives it
    failing_authority_store(Store& inner, call_decision decide) : inner_(&inner), calls_(std::make_shared<call_decision>(std::move(decide))) {}

    [[nodiscard]] const schema_set& schemas() const { return std::as_const(*inner_).schemas(); }
    [[nodiscard]] result<transaction> begin(std::string_view tenant, access how) {
        return calls_.through([&]() -> result<transaction> {
            auto t = inner_->begin(tenant, how);
            if (!t) return std::move(t).error();
            return transaction{std::move(*t), calls_.decision()};
        });
    }
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) {
        return calls_.through([&] { return inner_->begin_incarnation(epoch, now); });
    }

private:
    Store* inner_;
    detail::call_gate calls_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
