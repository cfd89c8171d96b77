#ifndef SYNCLINE_TESTS_SUPPORT_ARCHETYPES_AUTHORITY_STORE_HPP
#define SYNCLINE_TESTS_SUPPORT_ARCHETYPES_AUTHORITY_STORE_HPP

// The least that satisfies `authority_store`, for compile-time checks only: nothing here does anything. Below it, for every line of
// the concept, a copy that lacks just that.

#include <syncline/storage/authority_store.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace archetypes {

using namespace syncline;

struct authority_transaction_archetype {
    result<std::optional<record>> current(const record_key&);
    result<void> write(const record_key&, const record&);
    result<void> erase(const record_key&);
    result<std::vector<record_key>> referencing(const record_key&, std::size_t);
    result<void> savepoint();
    result<void> rollback_to_savepoint();
    result<void> release_savepoint();
    result<std::vector<record_key>> take_staged();
    result<bool> has_staged();
    result<authority_head> head();
    result<std::optional<sealed_row>> sealed(const record_key&);
    result<void> append(const bundle&);
    result<std::vector<change_mark>> changes_of(const record_key&, std::int64_t);
    result<std::vector<row_change>> history_of(const record_key&);
    result<std::vector<row_change>> latest_after(std::int64_t, std::size_t);
    result<std::vector<bundle_head>> bundle_heads(std::int64_t, std::size_t);
    result<std::vector<row_change>> bundle_rows(std::int64_t, std::uint32_t, std::size_t);
    result<std::optional<receipt>> find_receipt(std::string_view, const mutation_id&);
    result<void> put_receipt(std::string_view, const receipt&);
    result<std::optional<bundle_receipt>> find_bundle_receipt(std::string_view, std::int64_t);
    result<void> put_bundle_receipt(const bundle_receipt&);
    result<std::int64_t> last_source_bundle_id(std::string_view);
    result<void> put_session(const push_session&);
    result<std::optional<push_session>> find_session(std::string_view);
    result<void> drop_session(std::string_view);
    result<void> drop_sessions(std::string_view, std::int64_t);
    result<void> append_session(std::string_view, std::uint32_t, const std::vector<mutation>&);
    result<std::vector<mutation>> session_mutations(std::string_view);
    result<snapshot_head> make_snapshot(const snapshot_head&);
    result<std::optional<snapshot_head>> find_snapshot(std::string_view);
    result<void> drop_snapshot(std::string_view);
    result<void> renew_snapshot(std::string_view, timestamp);
    result<std::vector<row_image>> snapshot_rows(std::string_view, std::uint32_t, std::size_t);
    result<void> put_source(const source_mark&);
    result<std::optional<source_mark>> find_source(std::string_view, std::string_view);
    result<void> drop_source(std::string_view, std::string_view);
    result<std::vector<source_mark>> sources();
    result<void> put_note(std::string_view, std::string_view, std::string_view);
    result<std::optional<std::string>> find_note(std::string_view, std::string_view);
    result<std::vector<std::pair<std::string, std::string>>> notes(std::string_view, std::string_view);
    result<void> drop_notes(std::string_view, std::string_view);
    result<void> prune(std::int64_t);
    result<void> expire(timestamp);
    result<std::vector<record_key>> referring(const record_key&, std::size_t);
    result<std::optional<audience>> audience_of(const record_key&);
    result<void> relabel(const record_key&, std::int64_t, const audience&);
    result<std::vector<audience_change>> audiences_since(const record_key&, std::int64_t);
    result<std::vector<record_key>> labelled(std::string_view, const record_key*, std::size_t);
    result<std::string> labelled_by();
    result<void> set_labelled_by(std::string_view);
    result<std::optional<device_view>> find_view(std::string_view, std::string_view);
    result<void> put_view(const device_view&);
    result<void> commit();

    // A transaction is moved, never copied; nothing more is asked of it.
    authority_transaction_archetype(authority_transaction_archetype&&) noexcept;
    authority_transaction_archetype& operator=(const authority_transaction_archetype&) = delete;
    ~authority_transaction_archetype();
};

template <class Transaction>
struct authority_store_of {
    using transaction = Transaction;
    const schema_set& schemas() const;
    result<Transaction> begin(std::string_view, access);
    result<void> begin_incarnation(const std::string&, timestamp);

    authority_store_of(const authority_store_of&) = delete;
    authority_store_of& operator=(const authority_store_of&) = delete;
};
using authority_store_archetype = authority_store_of<authority_transaction_archetype>;

static_assert(authority_transaction<authority_transaction_archetype>);
static_assert(authority_store<authority_store_archetype>);

// A name declared here hides the one of the base, so each of these has everything but that one function.
struct authority_lacks_nothing : authority_transaction_archetype {};
static_assert(authority_transaction<authority_lacks_nothing>);
struct authority_lacks_current : authority_transaction_archetype { void current() = delete; };
struct authority_lacks_write : authority_transaction_archetype { void write() = delete; };
struct authority_lacks_erase : authority_transaction_archetype { void erase() = delete; };
struct authority_lacks_referencing : authority_transaction_archetype { void referencing() = delete; };
struct authority_lacks_savepoint : authority_transaction_archetype { void savepoint() = delete; };
struct authority_lacks_rollback_to_savepoint : authority_transaction_archetype { void rollback_to_savepoint() = delete; };
struct authority_lacks_release_savepoint : authority_transaction_archetype { void release_savepoint() = delete; };
struct authority_lacks_take_staged : authority_transaction_archetype { void take_staged() = delete; };
struct authority_lacks_has_staged : authority_transaction_archetype { void has_staged() = delete; };
struct authority_lacks_head : authority_transaction_archetype { void head() = delete; };
struct authority_lacks_sealed : authority_transaction_archetype { void sealed() = delete; };
struct authority_lacks_append : authority_transaction_archetype { void append() = delete; };
struct authority_lacks_changes_of : authority_transaction_archetype { void changes_of() = delete; };
struct authority_lacks_history_of : authority_transaction_archetype { void history_of() = delete; };
struct authority_lacks_latest_after : authority_transaction_archetype { void latest_after() = delete; };
struct authority_lacks_bundle_heads : authority_transaction_archetype { void bundle_heads() = delete; };
struct authority_lacks_bundle_rows : authority_transaction_archetype { void bundle_rows() = delete; };
struct authority_lacks_find_receipt : authority_transaction_archetype { void find_receipt() = delete; };
struct authority_lacks_put_receipt : authority_transaction_archetype { void put_receipt() = delete; };
struct authority_lacks_find_bundle_receipt : authority_transaction_archetype { void find_bundle_receipt() = delete; };
struct authority_lacks_put_bundle_receipt : authority_transaction_archetype { void put_bundle_receipt() = delete; };
struct authority_lacks_last_source_bundle_id : authority_transaction_archetype { void last_source_bundle_id() = delete; };
struct authority_lacks_put_session : authority_transaction_archetype { void put_session() = delete; };
struct authority_lacks_find_session : authority_transaction_archetype { void find_session() = delete; };
struct authority_lacks_drop_session : authority_transaction_archetype { void drop_session() = delete; };
struct authority_lacks_drop_sessions : authority_transaction_archetype { void drop_sessions() = delete; };
struct authority_lacks_append_session : authority_transaction_archetype { void append_session() = delete; };
struct authority_lacks_session_mutations : authority_transaction_archetype { void session_mutations() = delete; };
struct authority_lacks_make_snapshot : authority_transaction_archetype { void make_snapshot() = delete; };
struct authority_lacks_find_snapshot : authority_transaction_archetype { void find_snapshot() = delete; };
struct authority_lacks_drop_snapshot : authority_transaction_archetype { void drop_snapshot() = delete; };
struct authority_lacks_renew_snapshot : authority_transaction_archetype { void renew_snapshot() = delete; };
struct authority_lacks_snapshot_rows : authority_transaction_archetype { void snapshot_rows() = delete; };
struct authority_lacks_put_source : authority_transaction_archetype { void put_source() = delete; };
struct authority_lacks_find_source : authority_transaction_archetype { void find_source() = delete; };
struct authority_lacks_drop_source : authority_transaction_archetype { void drop_source() = delete; };
struct authority_lacks_sources : authority_transaction_archetype { void sources() = delete; };
struct authority_lacks_put_note : authority_transaction_archetype { void put_note() = delete; };
struct authority_lacks_find_note : authority_transaction_archetype { void find_note() = delete; };
struct authority_lacks_notes : authority_transaction_archetype { void notes() = delete; };
struct authority_lacks_drop_notes : authority_transaction_archetype { void drop_notes() = delete; };
struct authority_lacks_prune : authority_transaction_archetype { void prune() = delete; };
struct authority_lacks_expire : authority_transaction_archetype { void expire() = delete; };
struct authority_lacks_referring : authority_transaction_archetype { void referring() = delete; };
struct authority_lacks_audience_of : authority_transaction_archetype { void audience_of() = delete; };
struct authority_lacks_relabel : authority_transaction_archetype { void relabel() = delete; };
struct authority_lacks_audiences_since : authority_transaction_archetype { void audiences_since() = delete; };
struct authority_lacks_labelled : authority_transaction_archetype { void labelled() = delete; };
struct authority_lacks_labelled_by : authority_transaction_archetype { void labelled_by() = delete; };
struct authority_lacks_set_labelled_by : authority_transaction_archetype { void set_labelled_by() = delete; };
struct authority_lacks_find_view : authority_transaction_archetype { void find_view() = delete; };
struct authority_lacks_put_view : authority_transaction_archetype { void put_view() = delete; };
struct authority_lacks_commit : authority_transaction_archetype { void commit() = delete; };
struct authority_lacks_moving : authority_transaction_archetype { authority_lacks_moving(authority_lacks_moving&&) = delete; };
struct authority_lacks_schemas : authority_store_archetype { void schemas() = delete; };
struct authority_lacks_mere_reference : authority_store_archetype { schema_set schemas() const; };
struct authority_lacks_begin : authority_store_archetype { void begin() = delete; };
struct authority_lacks_begin_incarnation : authority_store_archetype { void begin_incarnation() = delete; };
struct authority_lacks_transaction : authority_store_archetype { using transaction = int; };

// The message of a failure names the type that should not have passed.
template <class T>
struct authority_transaction_refuses {
    static_assert(!authority_transaction<T>);
    static_assert(!authority_store<authority_store_of<T>>);
    static constexpr bool value = true;
};
template <class T>
struct authority_store_refuses {
    static_assert(!authority_store<T>);
    static constexpr bool value = true;
};
template <class... T>
inline constexpr bool authority_transaction_refuses_all = (authority_transaction_refuses<T>::value && ...);
template <class... T>
inline constexpr bool authority_store_refuses_all = (authority_store_refuses<T>::value && ...);

static_assert(authority_transaction_refuses_all<
    authority_lacks_current, authority_lacks_write, authority_lacks_erase, authority_lacks_referencing,
    authority_lacks_savepoint, authority_lacks_rollback_to_savepoint, authority_lacks_release_savepoint,
    authority_lacks_take_staged, authority_lacks_has_staged, authority_lacks_head, authority_lacks_sealed,
    authority_lacks_append, authority_lacks_changes_of, authority_lacks_history_of, authority_lacks_latest_after, authority_lacks_bundle_heads,
    authority_lacks_bundle_rows, authority_lacks_find_receipt, authority_lacks_put_receipt,
    authority_lacks_find_bundle_receipt, authority_lacks_put_bundle_receipt, authority_lacks_last_source_bundle_id,
    authority_lacks_put_session, authority_lacks_find_session, authority_lacks_drop_session, authority_lacks_drop_sessions,
    authority_lacks_append_session, authority_lacks_session_mutations, authority_lacks_make_snapshot,
    authority_lacks_find_snapshot, authority_lacks_drop_snapshot, authority_lacks_renew_snapshot, authority_lacks_snapshot_rows, authority_lacks_put_source,
    authority_lacks_find_source, authority_lacks_drop_source, authority_lacks_sources, authority_lacks_put_note,
    authority_lacks_find_note, authority_lacks_notes, authority_lacks_drop_notes, authority_lacks_prune,
    authority_lacks_expire, authority_lacks_referring, authority_lacks_audience_of, authority_lacks_relabel,
    authority_lacks_audiences_since, authority_lacks_labelled, authority_lacks_labelled_by, authority_lacks_set_labelled_by,
    authority_lacks_find_view, authority_lacks_put_view, authority_lacks_commit, authority_lacks_moving>);
static_assert(authority_store_refuses_all<authority_lacks_schemas, authority_lacks_mere_reference, authority_lacks_begin,
                                           authority_lacks_begin_incarnation, authority_lacks_transaction>);

}  // namespace archetypes

#endif
