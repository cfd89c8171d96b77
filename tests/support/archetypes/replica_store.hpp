#ifndef SYNCLINE_TESTS_SUPPORT_ARCHETYPES_REPLICA_STORE_HPP
#define SYNCLINE_TESTS_SUPPORT_ARCHETYPES_REPLICA_STORE_HPP

// The least that satisfies `replica_store`, for compile-time checks only: nothing here does anything. Below it, for every line of
// the concept, a copy that lacks just that.

#include <syncline/storage/replica_store.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace archetypes {

using namespace syncline;

struct replica_transaction_archetype {
    result<std::vector<captured_edit>> take_captured();
    result<std::vector<diverted_row>> take_diverted();
    result<std::optional<record>> visible(const record_key&);
    result<void> write(const record_key&, const record&);
    result<void> erase(const record_key&);
    result<base_row> base(const record_key&);
    result<void> put_base(const record_key&, const base_row&);
    result<std::optional<intent>> open_intent(const record_key&);
    result<void> put_open(const intent&, std::int32_t);
    result<void> drop_open(const record_key&);
    result<std::vector<std::pair<send_position, intent>>> ready_intents(send_position, std::size_t);
    result<std::vector<intent>> waiting_intents(std::size_t);
    result<std::optional<batch>> current_batch();
    result<void> put_batch(const batch&);
    result<void> drop_batch();
    result<std::optional<batch_item>> frozen(const record_key&);
    result<void> put_frozen(const batch_item&);
    result<void> drop_frozen(const record_key&);
    result<std::vector<batch_item>> frozen_items(std::uint32_t, std::size_t);
    result<void> set_hidden(const record_key&, bool);
    result<std::vector<record_key>> hidden();
    result<void> quarantine(const quarantined_row&);
    result<void> release(const record_key&);
    result<std::vector<quarantined_row>> quarantined(std::size_t);
    result<void> put_unread(const unread_row&);
    result<void> drop_unread(const unread_name&);
    result<std::optional<unread_row>> find_unread(const unread_name&);
    result<std::vector<unread_row>> unread(const unread_name*, std::size_t);
    result<std::vector<record_key>> bases_within(std::int64_t, std::int64_t, const record_key*, std::size_t);
    result<void> put_lost(const row_image&);
    result<void> drop_lost(const record_key&);
    result<std::vector<row_image>> lost_rows(std::size_t);
    result<replica_state> state();
    result<void> put_state(const replica_state&);
    result<void> stage(const std::vector<row_image>&);
    result<void> clear_stage();
    result<std::vector<row_image>> staged(const record_key*, std::size_t);
    result<std::vector<record_key>> unstaged(const record_key*, std::size_t);
    result<replica_presence> presence();
    result<replica_counts> counts();
    result<void> commit();

    // A transaction is moved, never copied; nothing more is asked of it.
    replica_transaction_archetype(replica_transaction_archetype&&) noexcept;
    replica_transaction_archetype& operator=(const replica_transaction_archetype&) = delete;
    ~replica_transaction_archetype();
};

template <class Transaction>
struct replica_store_of {
    using transaction = Transaction;
    const schema_set& schemas() const;
    result<Transaction> begin();

    replica_store_of(const replica_store_of&) = delete;
    replica_store_of& operator=(const replica_store_of&) = delete;
};
using replica_store_archetype = replica_store_of<replica_transaction_archetype>;

static_assert(replica_transaction<replica_transaction_archetype>);
static_assert(replica_store<replica_store_archetype>);

// A name declared here hides the one of the base, so each of these has everything but that one function.
struct replica_lacks_nothing : replica_transaction_archetype {};
static_assert(replica_transaction<replica_lacks_nothing>);
struct replica_lacks_take_captured : replica_transaction_archetype { void take_captured() = delete; };
struct replica_lacks_take_diverted : replica_transaction_archetype { void take_diverted() = delete; };
struct replica_lacks_visible : replica_transaction_archetype { void visible() = delete; };
struct replica_lacks_write : replica_transaction_archetype { void write() = delete; };
struct replica_lacks_erase : replica_transaction_archetype { void erase() = delete; };
struct replica_lacks_base : replica_transaction_archetype { void base() = delete; };
struct replica_lacks_put_base : replica_transaction_archetype { void put_base() = delete; };
struct replica_lacks_open_intent : replica_transaction_archetype { void open_intent() = delete; };
struct replica_lacks_put_open : replica_transaction_archetype { void put_open() = delete; };
struct replica_lacks_drop_open : replica_transaction_archetype { void drop_open() = delete; };
struct replica_lacks_ready_intents : replica_transaction_archetype { void ready_intents() = delete; };
struct replica_lacks_waiting_intents : replica_transaction_archetype { void waiting_intents() = delete; };
struct replica_lacks_current_batch : replica_transaction_archetype { void current_batch() = delete; };
struct replica_lacks_put_batch : replica_transaction_archetype { void put_batch() = delete; };
struct replica_lacks_drop_batch : replica_transaction_archetype { void drop_batch() = delete; };
struct replica_lacks_frozen : replica_transaction_archetype { void frozen() = delete; };
struct replica_lacks_put_frozen : replica_transaction_archetype { void put_frozen() = delete; };
struct replica_lacks_drop_frozen : replica_transaction_archetype { void drop_frozen() = delete; };
struct replica_lacks_frozen_items : replica_transaction_archetype { void frozen_items() = delete; };
struct replica_lacks_set_hidden : replica_transaction_archetype { void set_hidden() = delete; };
struct replica_lacks_hidden : replica_transaction_archetype { void hidden() = delete; };
struct replica_lacks_quarantine : replica_transaction_archetype { void quarantine() = delete; };
struct replica_lacks_release : replica_transaction_archetype { void release() = delete; };
struct replica_lacks_quarantined : replica_transaction_archetype { void quarantined() = delete; };
struct replica_lacks_put_unread : replica_transaction_archetype { void put_unread() = delete; };
struct replica_lacks_drop_unread : replica_transaction_archetype { void drop_unread() = delete; };
struct replica_lacks_find_unread : replica_transaction_archetype { void find_unread() = delete; };
struct replica_lacks_unread : replica_transaction_archetype { void unread() = delete; };
struct replica_lacks_bases_within : replica_transaction_archetype { void bases_within() = delete; };
struct replica_lacks_put_lost : replica_transaction_archetype { void put_lost() = delete; };
struct replica_lacks_drop_lost : replica_transaction_archetype { void drop_lost() = delete; };
struct replica_lacks_lost_rows : replica_transaction_archetype { void lost_rows() = delete; };
struct replica_lacks_state : replica_transaction_archetype { void state() = delete; };
struct replica_lacks_put_state : replica_transaction_archetype { void put_state() = delete; };
struct replica_lacks_stage : replica_transaction_archetype { void stage() = delete; };
struct replica_lacks_clear_stage : replica_transaction_archetype { void clear_stage() = delete; };
struct replica_lacks_staged : replica_transaction_archetype { void staged() = delete; };
struct replica_lacks_unstaged : replica_transaction_archetype { void unstaged() = delete; };
struct replica_lacks_presence : replica_transaction_archetype { void presence() = delete; };
struct replica_lacks_counts : replica_transaction_archetype { void counts() = delete; };
struct replica_lacks_commit : replica_transaction_archetype { void commit() = delete; };
struct replica_lacks_moving : replica_transaction_archetype { replica_lacks_moving(replica_lacks_moving&&) = delete; };
struct replica_lacks_schemas : replica_store_archetype { void schemas() = delete; };
struct replica_lacks_mere_reference : replica_store_archetype { schema_set schemas() const; };
struct replica_lacks_begin : replica_store_archetype { void begin() = delete; };
struct replica_lacks_transaction : replica_store_archetype { using transaction = int; };

// The message of a failure names the type that should not have passed.
template <class T>
struct replica_transaction_refuses {
    static_assert(!replica_transaction<T>);
    static_assert(!replica_store<replica_store_of<T>>);
    static constexpr bool value = true;
};
template <class T>
struct replica_store_refuses {
    static_assert(!replica_store<T>);
    static constexpr bool value = true;
};
template <class... T>
inline constexpr bool replica_transaction_refuses_all = (replica_transaction_refuses<T>::value && ...);
template <class... T>
inline constexpr bool replica_store_refuses_all = (replica_store_refuses<T>::value && ...);

static_assert(replica_transaction_refuses_all<
    replica_lacks_take_captured, replica_lacks_take_diverted, replica_lacks_visible, replica_lacks_write,
    replica_lacks_erase, replica_lacks_base, replica_lacks_put_base, replica_lacks_open_intent, replica_lacks_put_open,
    replica_lacks_drop_open, replica_lacks_ready_intents, replica_lacks_waiting_intents, replica_lacks_current_batch,
    replica_lacks_put_batch, replica_lacks_drop_batch, replica_lacks_frozen,
    replica_lacks_put_frozen, replica_lacks_drop_frozen, replica_lacks_frozen_items, replica_lacks_set_hidden,
    replica_lacks_hidden, replica_lacks_quarantine, replica_lacks_release, replica_lacks_quarantined,
    replica_lacks_put_unread, replica_lacks_drop_unread, replica_lacks_find_unread, replica_lacks_unread,
    replica_lacks_bases_within, replica_lacks_put_lost, replica_lacks_drop_lost, replica_lacks_lost_rows, replica_lacks_state,
    replica_lacks_put_state, replica_lacks_stage, replica_lacks_clear_stage, replica_lacks_staged, replica_lacks_unstaged,
    replica_lacks_presence, replica_lacks_counts, replica_lacks_commit, replica_lacks_moving>);
static_assert(replica_store_refuses_all<replica_lacks_schemas, replica_lacks_mere_reference, replica_lacks_begin, replica_lacks_transaction>);

}  // namespace archetypes

#endif
