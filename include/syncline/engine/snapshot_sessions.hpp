#ifndef SYNCLINE_ENGINE_SNAPSHOT_SESSIONS_HPP
#define SYNCLINE_ENGINE_SNAPSHOT_SESSIONS_HPP

#include <syncline/change/source_replacement.hpp>
#include <syncline/engine/authority_types.hpp>
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
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Frozen pictures of a tenant for hydration (bundle wire), inside a transaction. The caller commits the transaction, or drops it where it got
/// a fault. Lives as long as the transaction.
template <authority_transaction Transaction>
class snapshot_sessions {
public:
    snapshot_sessions(Transaction& t, const schema_set& schemas, const authority_options& options, const caller& who, timestamp now)
        : t_(t), schemas_(schemas), options_(options), who_(who), now_(now) {}

    /// Freezes a picture, and retires the source that asks where it wants to be replaced.
    [[nodiscard]] result<snapshot_head> create(std::string id, const std::optional<source_replacement>& replacing, std::int64_t max_rows) {
        if (auto sealed = seal(t_, schemas_, bundle_source{}, {}, now_); !sealed) return std::move(sealed).error();
        if (auto r = t_.expire(now_); !r) return std::move(r).error();
        if (auto r = check_scope_readable(t_, now_); !r) return std::move(r).error();
        if (replacing)
            if (auto r = replace_source(t_, who_, *replacing); !r) return std::move(r).error();
        snapshot_head wanted;
        wanted.id = std::move(id);
        wanted.principal = who_.principal;
        wanted.expires = now_ + options_.session_ttl;
        if (auto r = admit_session(t_, session_kind::snapshot, who_.principal, session_note{wanted.id}, options_.max_snapshot_sessions); !r)
            return std::move(r).error();
        auto made = t_.make_snapshot(wanted);
        if (!made) return made;
        if (max_rows > 0 && std::int64_t{made->row_count} > max_rows)
            return make_fault(errc::too_large, "this account has ", std::to_string(made->row_count), " rows, a snapshot has at most ", std::to_string(max_rows));
        return made;
    }

    /// The session @p id, which must be the principal's and not have expired.
    [[nodiscard]] result<snapshot_head> find(const std::string& id) {
        auto head = mine(id);
        if (!head) return head;
        if (head->expires < now_) return make_fault(errc::session_expired, "the snapshot session has expired; create a new one");
        return head;
    }

    /// Whether half of the session's time is over, so that whoever reads it must be given more.
    [[nodiscard]] bool wants_renewal(const snapshot_head& head) const { return head.expires - now_ < options_.session_ttl / 2; }

    /// Gives the session its whole time again, where it is still there.
    [[nodiscard]] result<void> renew(const std::string& id) { return t_.renew_snapshot(id, now_ + options_.session_ttl); }

    /// Drops the session @p id, also one that has expired. @return `errc::session_gone`, `errc::forbidden`
    [[nodiscard]] result<void> drop(const std::string& id) {
        if (auto head = mine(id); !head) return std::move(head).error();
        if (auto r = t_.drop_snapshot(id); !r) return r;
        return t_.drop_notes({}, session_note_name(session_kind::snapshot, who_.principal, id));
    }

private:
    [[nodiscard]] result<snapshot_head> mine(const std::string& id) {
        auto head = t_.find_snapshot(id);
        if (!head) return std::move(head).error();
        if (!*head) return make_fault(errc::session_gone, "there is no such snapshot session; create a new one");
        if ((*head)->principal != who_.principal) return make_fault(errc::forbidden, "the session belongs to another principal");
        return std::move(**head);
    }

    Transaction& t_;
    const schema_set& schemas_;
    const authority_options& options_;
    const caller& who_;
    timestamp now_;
};

SYNCLINE_NAMESPACE_END

#endif
