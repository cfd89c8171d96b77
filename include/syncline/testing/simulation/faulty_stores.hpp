#ifndef SYNCLINE_TESTING_SIMULATION_FAULTY_STORES_HPP
#define SYNCLINE_TESTING_SIMULATION_FAULTY_STORES_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/store_faults.hpp>
#include <syncline/testing/storage/failing_store.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

namespace detail {

// What `faults` makes of the calls of a transaction. It must outlive the decision.
[[nodiscard]] inline std::shared_ptr<call_decision> decided_by(store_faults& faults) {
    return std::make_shared<call_decision>([&faults](call_moment now) { return faults.decide(now); });
}

}  // namespace detail

/// A replica's store over @p Store, with its faults. Both must outlive it and its transactions.
template <class Store>
class faulty_replica_store {
public:
    using transaction = failing_replica_transaction<typename Store::transaction>;

    faulty_replica_store(Store& inner, store_faults& f) : inner_(&inner), faults_(&f), decide_(detail::decided_by(f)) {}
    [[nodiscard]] const schema_set& schemas() const { return std::as_const(*inner_).schemas(); }
    [[nodiscard]] result<transaction> begin() {
        return faults_->begin([&]() -> result<transaction> {
            auto t = inner_->begin();
            if (!t) return std::move(t).error();
            return transaction{std::move(*t), decide_};
        });
    }

private:
    Store* inner_;
    store_faults* faults_;
    std::shared_ptr<call_decision> decide_;
};

/// An authority's store over @p Store, with its faults. Both must outlive it and its transactions.
template <class Store>
class faulty_authority_store {
public:
    using transaction = failing_authority_transaction<typename Store::transaction>;

    faulty_authority_store(Store& inner, store_faults& f) : inner_(&inner), faults_(&f), decide_(detail::decided_by(f)) {}
    [[nodiscard]] const schema_set& schemas() const { return std::as_const(*inner_).schemas(); }
    [[nodiscard]] result<transaction> begin(std::string_view tenant, access how) {
        return faults_->begin([&]() -> result<transaction> {
            auto t = inner_->begin(tenant, how);
            if (!t) return std::move(t).error();
            return transaction{std::move(*t), decide_};
        });
    }
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) { return inner_->begin_incarnation(epoch, now); }

private:
    Store* inner_;
    store_faults* faults_;
    std::shared_ptr<call_decision> decide_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
