#ifndef SYNCLINE_ENGINE_PUSH_SESSIONS_HPP
#define SYNCLINE_ENGINE_PUSH_SESSIONS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/bundle_commit.hpp>
#include <syncline/engine/scope_lifecycle.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/engine/session_quota.hpp>
#include <syncline/engine/source_registry.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Uploads of the bundle wire, one bundle each, inside a write transaction. The caller commits the transaction, or drops it where it got a fault.
/// Lives as long as the transaction.
template <authority_transaction Transaction>
class push_sessions {
public:
    push_sessions(Transaction& t, const schema_set& schemas, const authority_options& options, const caller& who, timestamp now)
        : t_(t), schemas_(schemas), options_(options), who_(who), now_(now) {}

    /// Opens a session, or gives the receipt of a bundle that was committed, whatever became of its session and of the right to fill the tenant.
    [[nodiscard]] result<session_answer> create(std::int64_t source_bundle_id, std::uint32_t planned_rows, std::string id, std::string initialization_id) {
        if (auto sealed = seal(t_, schemas_, bundle_source{}, {}, now_); !sealed) return std::move(sealed).error();
        if (auto r = t_.expire(now_); !r) return std::move(r).error();
        session_answer out;
        auto last = t_.last_source_bundle_id(who_.source);
        if (!last) return std::move(last).error();
        auto newest = t_.find_bundle_receipt(who_.source, *last);
        if (!newest) return std::move(newest).error();
        if (*newest && (*newest)->principal != who_.principal)
            return make_fault(errc::out_of_sequence, "this source id belongs to another principal; every principal on a device needs a source id of its own");
        auto known = t_.find_bundle_receipt(who_.source, source_bundle_id);
        if (!known) return std::move(known).error();
        if (*known) {
            out.already_committed = std::move(**known);
            return out;
        }
        if (auto r = check_scope_writable(t_, who_, initialization_id, options_.initialization_lease_ttl, now_); !r) return std::move(r).error();
        if (auto r = check_source_writes(t_, who_); !r) return std::move(r).error();
        if (source_bundle_id <= *last)
            return make_fault(errc::history_pruned, "this source bundle was committed so long ago that its receipt is gone");
        if (source_bundle_id != *last + 1)
            return make_fault(errc::out_of_sequence, "this source's next bundle is number ", std::to_string(*last + 1), ", not ",
                              std::to_string(source_bundle_id), "; the device was copied or restored and needs a new source id");
        if (auto r = t_.drop_sessions(who_.source, source_bundle_id); !r) return std::move(r).error();
        out.session = push_session{std::move(id), who_.principal, who_.source, source_bundle_id, planned_rows, 0, now_ + options_.session_ttl};
        if (auto r = admit_session(t_, session_kind::push, who_.principal, session_note{out.session.id, std::move(initialization_id)}, options_.max_push_sessions); !r)
            return std::move(r).error();
        if (auto r = t_.put_session(out.session); !r) return std::move(r).error();
        return out;
    }

    /// Adds rows. @return how many the session has
    [[nodiscard]] result<std::uint32_t> append(const std::string& id, std::uint32_t first, const std::vector<mutation>& rows, const upload_size& size) {
        auto session = find(id);
        if (!session) return std::move(session).error();
        auto note = note_of_session(t_, session_kind::push, who_.principal, id);
        if (!note) return std::move(note).error();
        if (auto r = still_fills(*note); !r) return std::move(r).error();
        const std::uint64_t end = std::uint64_t{first} + rows.size();
        if (end <= session->received_rows) return session->received_rows;
        if (first != session->received_rows)
            return make_fault(errc::stale, "the chunk starts at row ", std::to_string(first), ", the session expects row ",
                              std::to_string(session->received_rows));
        if (end > session->planned_rows)
            return make_fault(errc::malformed_value, "the chunk ends at row ", std::to_string(end), ", the session was planned for ",
                              std::to_string(session->planned_rows));
        note->bytes += size.bytes;
        if (size.most > 0 && note->bytes > size.most)
            return make_fault(errc::too_large, "with this chunk the bundle has ", std::to_string(note->bytes), " octets, the limit is ", std::to_string(size.most));
        if (auto r = t_.append_session(id, first, rows); !r) return std::move(r).error();
        if (auto r = t_.put_note({}, session_note_name(session_kind::push, who_.principal, id), encode_session_note(*note)); !r) return std::move(r).error();
        session->received_rows = static_cast<std::uint32_t>(end);
        session->expires = now_ + options_.session_ttl;
        if (auto r = t_.put_session(*session); !r) return std::move(r).error();
        return session->received_rows;
    }

    /// Commits a complete session as one bundle. Where something stands in the way, nothing is written but what others staged is sealed: the
    /// answer names rows by the versions that they got by it.
    [[nodiscard]] result<commit_answer> commit(const std::string& id) {
        auto session = find(id);
        if (!session) return std::move(session).error();
        if (session->received_rows != session->planned_rows)
            return make_fault(errc::stale, "the session has ", std::to_string(session->received_rows), " of ",
                              std::to_string(session->planned_rows), " planned rows; send the rest, then commit");
        if (auto sealed = seal(t_, schemas_, bundle_source{}, {}, now_); !sealed) return std::move(sealed).error();
        auto note = note_of_session(t_, session_kind::push, who_.principal, id);
        if (!note) return std::move(note).error();
        if (auto r = still_fills(*note); !r) return std::move(r).error();
        auto last = t_.last_source_bundle_id(session->source);
        if (!last) return std::move(last).error();
        if (*last + 1 != session->source_bundle_id)
            return make_fault(errc::out_of_sequence, "another session of this source committed first");
        if (auto r = check_source_writes(t_, who_); !r) return std::move(r).error();
        auto rows = t_.session_mutations(id);
        if (!rows) return std::move(rows).error();
        if (auto r = t_.savepoint(); !r) return std::move(r).error();
        auto answer = commit_bundle(t_, schemas_, options_, who_, *session, *rows, now_);
        if (!answer) return answer;
        if (!answer->committed) {
            if (auto r = t_.rollback_to_savepoint(); !r) return std::move(r).error();
            return answer;
        }
        if (auto r = t_.release_savepoint(); !r) return std::move(r).error();
        if (!note->initialization_id.empty())
            if (auto r = end_initialization(t_); !r) return std::move(r).error();
        if (auto r = note_source_wrote(t_, session->source); !r) return std::move(r).error();
        if (auto r = forget(id); !r) return std::move(r).error();
        return answer;
    }

    /// Drops a session: it can no longer commit.
    [[nodiscard]] result<void> drop(const std::string& id) {
        if (auto session = find(id); !session) return std::move(session).error();
        return forget(id);
    }

private:
    [[nodiscard]] result<push_session> find(const std::string& id) {
        auto session = t_.find_session(id);
        if (!session) return std::move(session).error();
        if (!*session) return make_fault(errc::session_gone, "there is no such push session; it committed, was replaced or was deleted: create it again");
        if ((*session)->principal != who_.principal) return make_fault(errc::forbidden, "the session belongs to another principal");
        if ((*session)->source != who_.source) return make_fault(errc::forbidden, "the session belongs to another source");
        if ((*session)->expires < now_) return make_fault(errc::session_expired, "the push session has expired; create it again");
        return std::move(**session);
    }

    [[nodiscard]] result<void> still_fills(const session_note& note) {
        if (note.initialization_id.empty()) return {};
        return continue_initialization(t_, who_, note.initialization_id, options_.initialization_lease_ttl, now_);
    }

    [[nodiscard]] result<void> forget(const std::string& id) {
        if (auto r = t_.drop_session(id); !r) return r;
        return t_.drop_notes({}, session_note_name(session_kind::push, who_.principal, id));
    }

    Transaction& t_;
    const schema_set& schemas_;
    const authority_options& options_;
    const caller& who_;
    timestamp now_;
};

SYNCLINE_NAMESPACE_END

#endif
