#ifndef SYNCLINE_STORAGE_MEMORY_SESSIONS_HPP
#define SYNCLINE_STORAGE_MEMORY_SESSIONS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What an authority's memory store keeps of uploads that are not committed and of snapshots, for one tenant. A base of that store's state.
struct memory_sessions {
    struct snapshot_copy {
        snapshot_head head;
        std::shared_ptr<const std::vector<row_image>> rows;  ///< many states of the store share them
    };
    std::map<std::string, push_session> sessions;
    std::map<std::pair<std::string, std::uint32_t>, mutation> session_rows;  ///< by session and ordinal
    std::map<std::string, snapshot_copy> snapshots;
};

/// The functions of `authority_transaction` about push sessions and snapshots for the memory store's transaction, which derives from this.
/// @tparam Transaction  has `seen_`, `journal()`, `may_write()`, `find` and `core_`, and befriends this class
template <class Transaction>
class memory_session_calls {
public:
    [[nodiscard]] result<void> put_session(const push_session& session) {
        if (auto r = self().may_write(); !r) return r;
        self().journal().put(*self().seen_, &memory_sessions::sessions, session.id, session);
        return {};
    }
    [[nodiscard]] result<std::optional<push_session>> find_session(std::string_view id) const {
        return self().find(&memory_sessions::sessions, std::string{id});
    }
    [[nodiscard]] result<void> drop_session(std::string_view id) {
        if (auto r = self().may_write(); !r) return r;
        forget_session(std::string{id});
        return {};
    }
    [[nodiscard]] result<void> drop_sessions(std::string_view source, std::int64_t number) {
        if (auto r = self().may_write(); !r) return r;
        forget_sessions([&](const push_session& s) { return s.source == source && s.source_bundle_id == number; });
        return {};
    }
    /// Also `errc::session_gone` where there is no such session.
    [[nodiscard]] result<void> append_session(std::string_view id, std::uint32_t first, const std::vector<mutation>& mutations) {
        if (auto r = self().may_write(); !r) return r;
        const std::string name{id};
        if (!self().seen_->sessions.contains(name)) return make_fault(errc::session_gone, "there is no such push session; create it again");
        for (const auto& m : mutations) self().journal().put(*self().seen_, &memory_sessions::session_rows, std::pair{name, first++}, m);
        return {};
    }
    [[nodiscard]] result<std::vector<mutation>> session_mutations(std::string_view id) const {
        if (self().core_ == nullptr) return Transaction::over();
        std::vector<mutation> out;
        for (auto at = self().seen_->session_rows.lower_bound({std::string{id}, 0}); at != self().seen_->session_rows.end() && at->first.first == id; ++at)
            out.push_back(at->second);
        return out;
    }

    [[nodiscard]] result<snapshot_head> make_snapshot(const snapshot_head& wanted) {
        if (auto r = self().may_write(); !r) return std::move(r).error();
        auto rows = std::make_shared<std::vector<row_image>>();
        timestamp newest = (timestamp::min)();
        for (const auto& [key, row] : self().seen_->sealed) {
            if (!row.row) continue;
            rows->push_back(row_image{key, row.version, row.row, {}});
            newest = (std::max)(newest, row.written_at);
        }
        std::sort(rows->begin(), rows->end(), [this](const row_image& x, const row_image& y) {
            const auto& schemas = self().core_->rules.schemas();
            const auto rank_x = schemas.rank_of(x.key.model);
            const auto rank_y = schemas.rank_of(y.key.model);
            return rank_x != rank_y ? rank_x < rank_y : x.key < y.key;
        });
        snapshot_head made = wanted;
        made.seq = self().seen_->head.seq;
        made.stamp = self().seen_->head.stamp;
        made.row_count = static_cast<std::uint32_t>(rows->size());
        made.newest_write = newest;
        self().journal().put(*self().seen_, &memory_sessions::snapshots, made.id, memory_sessions::snapshot_copy{made, std::move(rows)});
        return made;
    }
    [[nodiscard]] result<std::optional<snapshot_head>> find_snapshot(std::string_view id) const {
        if (self().core_ == nullptr) return Transaction::over();
        const auto at = self().seen_->snapshots.find(std::string{id});
        return at == self().seen_->snapshots.end() ? std::optional<snapshot_head>{} : at->second.head;
    }
    [[nodiscard]] result<void> drop_snapshot(std::string_view id) {
        if (auto r = self().may_write(); !r) return r;
        self().journal().drop(*self().seen_, &memory_sessions::snapshots, std::string{id});
        return {};
    }
    [[nodiscard]] result<void> renew_snapshot(std::string_view id, timestamp until) {
        if (auto r = self().may_write(); !r) return r;
        const auto at = self().seen_->snapshots.find(std::string{id});
        if (at == self().seen_->snapshots.end()) return {};
        memory_sessions::snapshot_copy copy = at->second;
        copy.head.expires = until;
        self().journal().put(*self().seen_, &memory_sessions::snapshots, std::string{id}, std::move(copy));
        return {};
    }
    [[nodiscard]] result<std::vector<row_image>> snapshot_rows(std::string_view id, std::uint32_t from, std::size_t limit) const {
        if (self().core_ == nullptr) return Transaction::over();
        const auto at = self().seen_->snapshots.find(std::string{id});
        if (at == self().seen_->snapshots.end()) return std::vector<row_image>{};
        const auto& rows = *at->second.rows;
        const std::size_t first = (std::min)(rows.size(), static_cast<std::size_t>(from));
        const std::size_t count = (std::min)(rows.size() - first, limit);
        const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
        return std::vector<row_image>(begin, begin + static_cast<std::ptrdiff_t>(count));
    }

    [[nodiscard]] result<void> expire(timestamp now) {
        if (auto r = self().may_write(); !r) return r;
        forget_sessions([&](const push_session& s) { return s.expires < now; });
        std::vector<std::string> gone;
        for (const auto& [id, snapshot] : self().seen_->snapshots)
            if (snapshot.head.expires < now) gone.push_back(id);
        for (const auto& id : gone) self().journal().drop(*self().seen_, &memory_sessions::snapshots, id);
        return {};
    }

private:
    [[nodiscard]] Transaction& self() noexcept { return static_cast<Transaction&>(*this); }
    [[nodiscard]] const Transaction& self() const noexcept { return static_cast<const Transaction&>(*this); }

    void forget_session(const std::string& id) {
        self().journal().drop(*self().seen_, &memory_sessions::sessions, id);
        for (;;) {
            const auto at = self().seen_->session_rows.lower_bound({id, 0});
            if (at == self().seen_->session_rows.end() || at->first.first != id) return;
            self().journal().drop(*self().seen_, &memory_sessions::session_rows, std::pair{at->first});
        }
    }
    template <class Which>
    void forget_sessions(Which which) {
        std::vector<std::string> gone;
        for (const auto& [id, session] : self().seen_->sessions)
            if (which(session)) gone.push_back(id);
        for (const auto& id : gone) forget_session(id);
    }
};

SYNCLINE_NAMESPACE_END

#endif
