#ifndef SYNCLINE_TESTS_SUPPORT_DYING_STORE_HPP
#define SYNCLINE_TESTS_SUPPORT_DYING_STORE_HPP

// A device's store whose program dies at a call that the test chooses: every single one can be chosen, so that all can be.

#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

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

    class transaction : public Store::transaction {
        using base_type = typename Store::transaction;

    public:
        transaction(base_type&& of, std::shared_ptr<lifetime> life) : base_type(std::move(of)), life_(std::move(life)) {}

// Functions with no argument, one and two.
#define SYNCLINE_DYING_0(name) \
    [[nodiscard]] auto name() { \
        life_->step(); \
        return base_type::name(); \
    }
#define SYNCLINE_DYING_1(name, type) \
    [[nodiscard]] auto name(type a) { \
        life_->step(); \
        return base_type::name(a); \
    }
#define SYNCLINE_DYING_2(name, type, other_type) \
    [[nodiscard]] auto name(type a, other_type b) { \
        life_->step(); \
        return base_type::name(a, b); \
    }
        SYNCLINE_DYING_0(take_captured)
        SYNCLINE_DYING_0(take_diverted)
        SYNCLINE_DYING_0(current_batch)
        SYNCLINE_DYING_0(drop_batch)
        SYNCLINE_DYING_0(hidden)
        SYNCLINE_DYING_0(state)
        SYNCLINE_DYING_0(clear_stage)
        SYNCLINE_DYING_0(presence)
        SYNCLINE_DYING_0(counts)
        SYNCLINE_DYING_1(visible, const record_key&)
        SYNCLINE_DYING_1(erase, const record_key&)
        SYNCLINE_DYING_1(base, const record_key&)
        SYNCLINE_DYING_1(open_intent, const record_key&)
        SYNCLINE_DYING_1(drop_open, const record_key&)
        SYNCLINE_DYING_1(frozen, const record_key&)
        SYNCLINE_DYING_1(drop_frozen, const record_key&)
        SYNCLINE_DYING_1(release, const record_key&)
        SYNCLINE_DYING_1(drop_lost, const record_key&)
        SYNCLINE_DYING_1(waiting_intents, std::size_t)
        SYNCLINE_DYING_1(quarantined, std::size_t)
        SYNCLINE_DYING_1(lost_rows, std::size_t)
        SYNCLINE_DYING_1(put_batch, const batch&)
        SYNCLINE_DYING_1(put_frozen, const batch_item&)
        SYNCLINE_DYING_1(quarantine, const quarantined_row&)
        SYNCLINE_DYING_1(put_unread, const unread_row&)
        SYNCLINE_DYING_1(drop_unread, const unread_name&)
        SYNCLINE_DYING_1(find_unread, const unread_name&)
        SYNCLINE_DYING_1(put_lost, const row_image&)
        SYNCLINE_DYING_1(put_state, const replica_state&)
        SYNCLINE_DYING_1(stage, const std::vector<row_image>&)
        SYNCLINE_DYING_2(write, const record_key&, const record&)
        SYNCLINE_DYING_2(put_base, const record_key&, const base_row&)
        SYNCLINE_DYING_2(put_open, const intent&, std::int32_t)
        SYNCLINE_DYING_2(ready_intents, send_position, std::size_t)
        SYNCLINE_DYING_2(frozen_items, std::uint32_t, std::size_t)
        SYNCLINE_DYING_2(set_hidden, const record_key&, bool)
        SYNCLINE_DYING_2(unread, const unread_name*, std::size_t)
        SYNCLINE_DYING_2(staged, const record_key*, std::size_t)
        SYNCLINE_DYING_2(unstaged, const record_key*, std::size_t)
#undef SYNCLINE_DYING_0
#undef SYNCLINE_DYING_1
#undef SYNCLINE_DYING_2

        [[nodiscard]] auto bases_within(std::int64_t low, std::int64_t high, const record_key* after, std::size_t n) {
            life_->step();
            return base_type::bases_within(low, high, after, n);
        }
        [[nodiscard]] result<void> commit() {
            life_->step();
            auto done = base_type::commit();
            life_->step();
            return done;
        }

    private:
        std::shared_ptr<lifetime> life_;
    };

    [[nodiscard]] result<transaction> begin() {
        life->step();
        auto t = Store::begin();
        if (!t) return std::move(t).error();
        return transaction{std::move(*t), life};
    }

    std::shared_ptr<lifetime> life = std::make_shared<lifetime>();
};

}  // namespace dying_store_kit

#endif
