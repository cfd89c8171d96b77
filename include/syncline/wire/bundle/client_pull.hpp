#ifndef SYNCLINE_WIRE_BUNDLE_CLIENT_PULL_HPP
#define SYNCLINE_WIRE_BUNDLE_CLIENT_PULL_HPP

#include <syncline/change/cursor.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/client_run.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/incarnation.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The part of a client that receives: whole bundles, up to the one that is stable when it begins. Lives beside the run that it works for.
template <class Replica>
class client_pull {
    using optional_step = std::optional<client_step>;

public:
    explicit client_pull(client_run<Replica>& run) : run_(run) {}

    void begin() { bundle_limit_ = (std::max<std::size_t>)(run_.options.page_bundles, 1); }

    /// @return nothing: ask again
    [[nodiscard]] result<optional_step> next(timestamp now) {
        auto standing = run_.look(now);
        if (!standing) return std::move(standing).error();
        if (standing->state.needs_hydration && standing->state.initialization_id.empty()) {
            run_.phase = client_phase::hydrate;
            run_.after_hydration = client_phase::pull;
            return optional_step{};
        }
        if (!standing->state.initialization_id.empty()) {
            // Until this device has filled the account there is nothing in it.
            if (!run_.report.why) run_.report.why = fault{errc::stale, "this device is to fill the account for the first time; push before pulling"};
            run_.phase = client_phase::finish;
            return optional_step{};
        }
        if (standing->has.frozen) {
            // Its rows could not be told from the batch's own.
            if (!run_.report.why) run_.report.why = fault{errc::stale, "a batch of this device is on its way; push before pulling"};
            run_.phase = client_phase::finish;
            return optional_step{};
        }
        quarantined_ = standing->has.quarantined;
        asked_after_ = standing->state.checkpoint;
        std::string path = "/pull";
        append_query(path, "after_bundle_seq", std::to_string(asked_after_));
        append_query(path, "max_bundles", std::to_string(bundle_limit_));
        if (run_.target != 0) append_query(path, "target_bundle_seq", std::to_string(run_.target));
        return optional_step{run_.send(client_asked::pull, http_method::get, std::move(path))};
    }

    /// Takes in a page.
    [[nodiscard]] result<void> on(const response& answer, timestamp now, random_source random) {
        auto reply = read_pull_answer(answer.body, run_.names, asked_after_, run_.options.json);
        if (!reply) return unreadable(std::move(reply).error(), now, random);
        auto changed = run_.note_epoch(reply->of, now, random);
        if (!changed) return std::move(changed).error();
        if (*changed) return {};  // the page belongs to another incarnation than the state: hydrate
        if (reply->stable < asked_after_ || (run_.target != 0 && reply->stable != run_.target))
            return unreadable(fault{errc::malformed_message, "the server's stable bundle went back, or moved within one pull"}, now, random);
        run_.target = reply->stable;
        cursor at = asked_after_;
        for (const auto& b : reply->bundles) {
            if (!follows(reply->of.lost, at, b.seq)) return run_.engine->begin_hydration(now);  // what lies between was pruned silently
            auto done = run_.engine->apply_bundle(at, b.seq, b.rows, now);
            if (!done) {
                if (!refuses_row(done.error().code)) return std::move(done).error();
                ++run_.report.pull_errors;
                run_.end(std::move(done).error());
                return {};
            }
            if (done->stale) return {};
            run_.report.pulled += done->applied;
            at = b.seq;
        }
        if (reply->unreadable) {
            if (reply->unreadable->code != errc::unknown_model && run_.try_again(std::nullopt, now, random)) return {};
            ++run_.report.pull_errors;
            run_.end(std::move(*reply->unreadable));
            return {};
        }
        run_.backoff.succeeded();
        // Each bundle tries them; without one, what stood in their way may be gone all the same.
        if (quarantined_ && reply->bundles.empty()) {
            auto again = run_.engine->reread({}, now);
            if (!again) return std::move(again).error();
            run_.report.pulled += again->applied;
        }
        run_.report.behind = reply->more;
        if (!reply->more) run_.phase = client_phase::finish;
        return {};
    }

    /// Takes in why there is none, or none that helps.
    [[nodiscard]] result<void> failed(fault why, std::optional<duration> asked_for, timestamp now, random_source random) {
        const errc code = why.code;
        if (category_of(code) == fault_category::retry) {
            if (!run_.try_again(asked_for, now, random)) run_.end(std::move(why));
            return {};
        }
        run_.backoff.succeeded();  // the server answered, whatever it said
        if (code == errc::history_pruned || code == errc::invalid_cursor) {
            run_.target = 0;
            return run_.engine->begin_hydration(now);
        }
        if (code == errc::too_large && run_.halve(bundle_limit_, bundle_limit_)) return {};
        run_.end(std::move(why));
        return {};
    }

private:
    // A success that cannot be read comes from something between us and the server, or from damage on the way: ask again.
    [[nodiscard]] result<void> unreadable(fault why, timestamp now, random_source random) {
        if (why.code == errc::too_large) return failed(std::move(why), std::nullopt, now, random);
        if (!run_.try_again(std::nullopt, now, random)) run_.end(std::move(why));
        return {};
    }

    client_run<Replica>& run_;
    cursor asked_after_ = 0;
    bool quarantined_ = false;  // there are rows that the app's table refused
    std::size_t bundle_limit_ = 1000;
};

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
