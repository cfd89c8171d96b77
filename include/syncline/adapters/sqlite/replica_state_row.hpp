#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_STATE_ROW_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_STATE_ROW_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// Reads what `sqlite_replica_state_of` reads.
inline constexpr const char* sqlite_replica_state_select =
    "SELECT source_id,next_source_bundle_id,next_ordinal,next_batch_id,checkpoint,epoch,needs_hydration,hydration_session,hydration_position,"
    "last_sync_us,clock_us,account,last_run_us,attachment,user,initialization_id,replaced_source,replacement_reason,give_up_below "
    "FROM main.syncline_replica_state WHERE id=1";

/// Writes what `bind_sqlite_replica_state` binds.
inline constexpr const char* sqlite_replica_state_update =
    "UPDATE main.syncline_replica_state SET source_id=?1,next_source_bundle_id=?2,next_ordinal=?3,next_batch_id=?4,checkpoint=?5,epoch=?6,"
    "needs_hydration=?7,hydration_session=?8,hydration_position=?9,last_sync_us=?10,clock_us=?11,account=?12,last_run_us=?13,attachment=?14,user=?15,"
    "initialization_id=?16,replaced_source=?17,replacement_reason=?18,give_up_below=?19 WHERE id=1";

/// The scalars of a replica, as the row holds them.
[[nodiscard]] inline replica_state sqlite_replica_state_of(const sqlite_statement& s) {
    replica_state out;
    out.source_id = std::string{s.column_text(0)};
    out.next_source_bundle_id = s.column_integer(1);
    out.next_ordinal = static_cast<std::uint64_t>(s.column_integer(2));
    out.next_batch_id = static_cast<std::uint64_t>(s.column_integer(3));
    out.checkpoint = s.column_integer(4);
    out.epoch = std::string{s.column_text(5)};
    out.needs_hydration = s.column_integer(6) != 0;
    out.hydration_session = std::string{s.column_text(7)};
    out.hydration_position = s.column_integer(8);
    out.last_sync_us = s.column_integer(9);
    out.clock_us = s.column_integer(10);
    out.account = std::string{s.column_text(11)};
    out.last_run_us = s.column_integer(12);
    out.attachment = static_cast<scope_attachment>(s.column_integer(13));
    out.user = std::string{s.column_text(14)};
    out.initialization_id = std::string{s.column_text(15)};
    out.replaced_source = std::string{s.column_text(16)};
    out.replacement_reason = std::string{s.column_text(17)};
    out.give_up_below = static_cast<std::uint64_t>(s.column_integer(18));
    return out;
}

/// Binds @p v. @pre it outlives the statement's run
inline void bind_sqlite_replica_state(sqlite_statement& s, const replica_state& v) {
    s.bind_text(1, v.source_id).bind(2, v.next_source_bundle_id).bind(3, static_cast<std::int64_t>(v.next_ordinal));
    s.bind(4, static_cast<std::int64_t>(v.next_batch_id)).bind(5, v.checkpoint).bind_text(6, v.epoch).bind(7, v.needs_hydration ? 1 : 0);
    s.bind_text(8, v.hydration_session).bind(9, v.hydration_position).bind(10, v.last_sync_us).bind(11, v.clock_us).bind_text(12, v.account);
    s.bind(13, v.last_run_us).bind(14, static_cast<std::int64_t>(v.attachment)).bind_text(15, v.user).bind_text(16, v.initialization_id);
    s.bind_text(17, v.replaced_source).bind_text(18, v.replacement_reason).bind(19, static_cast<std::int64_t>(v.give_up_below));
}

SYNCLINE_NAMESPACE_END

#endif
