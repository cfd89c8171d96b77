#ifndef SYNCLINE_TESTS_SUPPORT_DYING_STORE_HPP
#define SYNCLINE_TESTS_SUPPORT_DYING_STORE_HPP

// A device's store whose program dies at a call that the test chooses: every single one can be chosen, so that all can be.

#include <syncline/support/result.hpp>
#include <syncline/testing/storage/failing_store.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace dying_store_kit {

using namespace syncline;

/// What is thrown out of the call. Whatever the program had in memory is to be dropped then.
struct died {};

/// Counts the calls, and ends the program at one of them.
struct lifetime {
    std::uint64_t calls = 0;
    std::uint64_t last = 0;  ///< the call at which the program dies; 0: it lives

    void step() {
        if (++calls == last) throw died{};
    }
};

/// @p Store, with a call more for each function of a transaction: death comes before the function acts, and for `commit` also right after it.
template <class Store>
class dying_store : public Store {
public:
    using Store::Store;
    using transaction = testing::failing_replica_transaction<typename Store::transaction>;

    [[nodiscard]] result<transaction> begin() {
        life->step();
        auto t = Store::begin();
        if (!t) return std::move(t).error();
        return transaction{std::move(*t), decide_};
    }

    std::shared_ptr<lifetime> life = std::make_shared<lifetime>();

private:
    std::shared_ptr<testing::call_decision> decide_ = std::make_shared<testing::call_decision>([lives = life](testing::call_moment now) -> std::optional<fault> {
        if (now != testing::call_moment::after) lives->step();
        return std::nullopt;
    });
};

}  // namespace dying_store_kit

#endif
