#ifndef SYNCLINE_WIRE_MUTATION_PLAIN_PEER_HPP
#define SYNCLINE_WIRE_MUTATION_PLAIN_PEER_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What a client of the mutation wire remembers of a foreign server, in memory: how often it failed on a change, and until when this device
/// has seen what others did. Plain counting; a program that starts again begins anew.
class plain_peer {
public:
    /// @param max_attempts  how often a change that is answered with `error`, or as a conflict, is sent before it waits; 0 counts as 1
    explicit plain_peer(std::size_t max_attempts = 3) : most_((std::max<std::size_t>)(max_attempts, 1)) {}

    /// A run begins.
    void started() {
        conflicts_.clear();
        seen_.clear();
    }

    /// Everything that was written until @p until, by the server's clock, was pulled.
    void pulled(timestamp until) {
        // Dates are whole seconds, and so are the times of most servers' rows: what was written within it may not have been seen.
        pulled_until_ = until - std::chrono::seconds{1};
        seen_.clear();
    }

    /// Until when this device has seen what others did to the record of @p what. A foreign server refuses a change that is stamped before its row
    /// was last written, which is right for any write since; when the user made it, by the device's own clock, says nothing about that (W03,
    /// W04), but it is never stamped later than it was made.
    [[nodiscard]] timestamp seen_until(const intent& what) const {
        if (const auto told = seen_.find(what.key); told != seen_.end()) return told->second.value_or(what.edited_at);
        return pulled_until_ ? (std::min)(*pulled_until_, what.edited_at) : what.edited_at;
    }

    /// What the server's outcomes come to: a change on which it failed too often waits, and so does one that it goes on refusing as older than its
    /// row. Where it tells a row that it keeps, the device has seen that until it was written.
    /// @param answered  when the server made the answer, which is when it has read the rows in it; nothing: it does not say
    /// @return the latest such time, for the device's clock to hear; nothing: none was told
    [[nodiscard]] std::optional<timestamp> judge(std::vector<outcome>& outcomes, const std::vector<batch_item>& sent,
                                                 std::optional<timestamp> answered) {
        std::optional<timestamp> latest;
        for (auto& o : outcomes) {
            const auto item = std::find_if(sent.begin(), sent.end(), [&](const batch_item& i) { return i.id == o.id; });
            if (item == sent.end()) continue;
            if (o.kind == outcome_kind::error) {
                if (++failures_[o.id] < most_) continue;
                o.kind = outcome_kind::refused;
                if (!o.why) o.why = wait_reason{errc::internal, "the server failed on it"};
                o.why->detail.append(" each time that it was sent; retry it later, edit or discard it");
            }
            failures_.erase(o.id);
            if (o.kind != outcome_kind::superseded || !o.carries_row) continue;
            if (++conflicts_[item->what.key] > most_) {
                o.kind = outcome_kind::refused;
                o.why = wait_reason{errc::conflict, "the server refuses the change as older than its row again and again; compare with the record, "
                                                    "then retry, edit or discard it"};
                continue;
            }
            seen_[item->what.key].reset();
            const auto until = o.written_at ? o.written_at : answered;
            if (!until) continue;
            latest = latest ? (std::max)(*latest, *until) : *until;
            // A millisecond later is not older than what was seen, and older than anything since.
            seen_[item->what.key] = *until + std::chrono::milliseconds{1};
        }
        return latest;
    }

private:
    std::size_t most_;
    std::optional<timestamp> pulled_until_;
    // Of records whose row came with a conflict, and when that was written, where it was told.
    std::unordered_map<record_key, std::optional<timestamp>, record_key_hash> seen_;
    std::unordered_map<mutation_id, std::size_t> failures_;                   // across runs
    std::unordered_map<record_key, std::size_t, record_key_hash> conflicts_;  // in this run
};

SYNCLINE_NAMESPACE_END

#endif
