#ifndef SYNCLINE_WIRE_BUNDLE_CLIENT_HYDRATION_HPP
#define SYNCLINE_WIRE_BUNDLE_CLIENT_HYDRATION_HPP

#include <syncline/change/cursor.hpp>
#include <syncline/change/source_replacement.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/client_run.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/client_step.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The part of a client that builds the state anew from a snapshot, page by page, and swaps it in. Lives beside the run that it works for.
template <class Replica>
class client_hydration {
    using optional_step = std::optional<client_step>;

public:
    explicit client_hydration(client_run<Replica>& run) : run_(run) {}

    void begin() {
        hydrations_ = 0;
        snapshot_limit_ = (std::max<std::size_t>)(run_.options.snapshot_page_rows, 1);
        finished_snapshot_.clear();
        forget();
    }

    /// The session is not asked for again.
    void forget() {
        snapshot_id_.clear();
        snapshot_rows_.reset();
        snapshot_seq_.reset();
    }

    /// @return nothing: ask again
    [[nodiscard]] result<optional_step> next(timestamp now) {
        auto standing = run_.look(now);
        if (!standing) return std::move(standing).error();
        if (!standing->state.needs_hydration) {
            if (!finished_snapshot_.empty())
                return optional_step{run_.send(client_asked::drop_snapshot, http_method::erase,
                                          std::string{"/snapshot-sessions/"}.append(percent_encode(finished_snapshot_)))};
            run_.phase = run_.after_hydration;
            run_.target = 0;
            return optional_step{};
        }
        asked_after_ = 0;
        if (!standing->state.hydration_session.empty()) {
            if (snapshot_id_ != standing->state.hydration_session) forget();
            snapshot_id_ = standing->state.hydration_session;
            asked_after_ = standing->state.hydration_position;
        }
        if (snapshot_id_.empty()) {
            if (++hydrations_ > run_.options.max_session_restarts) {
                run_.end(fault{errc::session_gone, "the server gave up one snapshot after the other; try again later"});
                return optional_step{};
            }
            replacing_.reset();
            if (!standing->state.replaced_source.empty())
                replacing_ = source_replacement{standing->state.replaced_source, standing->state.source_id, standing->state.replacement_reason};
            return optional_step{run_.send(client_asked::make_snapshot, http_method::post, "/snapshot-sessions", write_snapshot_request(replacing_),
                                           replacing_ ? replacing_->previous : std::string{})};
        }
        std::string path = std::string{"/snapshot-sessions/"}.append(percent_encode(snapshot_id_));
        append_query(path, "after_row_ordinal", std::to_string(asked_after_));
        append_query(path, "max_rows", std::to_string(snapshot_limit_));
        return optional_step{run_.send(client_asked::page, http_method::get, std::move(path))};
    }

    /// Takes in the answer to @p what.
    [[nodiscard]] result<void> on(client_asked what, const response& answer, timestamp now, random_source random) {
        return what == client_asked::make_snapshot ? on_snapshot(answer, now, random) : on_page(answer, now, random);
    }

    /// A session that is done with was asked to end, with or without success: it ends by itself.
    void dropped() { finished_snapshot_.clear(); }

    /// Takes in why there is none, or none that helps.
    [[nodiscard]] result<void> failed(client_asked what, fault why, std::optional<duration> asked_for, timestamp now, random_source random) {
        if (what == client_asked::page) replacing_.reset();
        const errc code = why.code;
        if (category_of(code) == fault_category::retry) {
            if (!run_.try_again(asked_for, now, random)) run_.end(std::move(why));
            return {};
        }
        run_.backoff.succeeded();  // the server answered, whatever it said
        if (replacing_ && (code == errc::source_retired || category_of(code) == fault_category::fix_request))
            return replacement_refused(std::move(why), now, random);
        if (what == client_asked::page) {
            if (is_gone(code) || code == errc::absent || code == errc::forbidden) return restart_snapshot(now);
            if (code == errc::too_large && run_.halve(snapshot_limit_, snapshot_limit_)) return {};
        }
        run_.end(std::move(why));
        return {};
    }

private:
    // A server that knows nothing of replacing sources takes the new one as it comes; one that knows of another successor has met a copy of this
    // device, and no source is ever shared.
    [[nodiscard]] result<void> replacement_refused(fault why, timestamp now, random_source random) {
        const std::string ours = std::exchange(replacing_, std::nullopt)->next;
        if (why.code == errc::source_retired && run_.replaced_by == ours) return run_.engine->replacement_told(false, random, now);
        const bool knows = why.code == errc::source_retired || why.code == errc::id_reused;
        if (why.code == errc::source_retired && !run_.report.why)
            run_.report.why = make_fault(errc::source_retired, "this device's source was replaced by ", run_.replaced_by.empty() ? std::string{"another one"} : run_.replaced_by,
                                         ", which is not its own: a copy of this device did so; it goes on under a fresh one");
        ++run_.report.retried;
        return run_.engine->replacement_told(knows, random, now);
    }

    [[nodiscard]] result<void> on_snapshot(const response& answer, timestamp now, random_source random) {
        auto reply = read_snapshot(answer.body, run_.options.json);
        if (!reply) return unreadable(client_asked::make_snapshot, std::move(reply).error(), now, random);
        auto changed = run_.note_epoch(reply->of, now, random);
        if (!changed) return std::move(changed).error();
        if (std::exchange(replacing_, std::nullopt))
            if (auto r = run_.engine->replacement_told(false, random, now); !r) return r;
        run_.backoff.succeeded();
        snapshot_seq_ = reply->seq;
        snapshot_id_ = std::move(reply->id);
        snapshot_rows_ = reply->row_count;
        return {};
    }

    [[nodiscard]] result<void> on_page(const response& answer, timestamp now, random_source random) {
        auto page = read_snapshot_page(answer.body, run_.names, snapshot_id_, asked_after_, run_.options.json);
        if (page && !page->more && snapshot_rows_ && page->next != *snapshot_rows_)
            page = make_fault(errc::malformed_message, "the snapshot ended before its last row");
        if (page && page->seq != snapshot_seq_.value_or(page->seq))
            page = make_fault(errc::malformed_message, "a page of the snapshot tells of another bundle than the one before it");
        if (!page) return unreadable(client_asked::page, std::move(page).error(), now, random);
        run_.backoff.succeeded();
        snapshot_seq_ = page->seq;
        auto done = run_.engine->stage(snapshot_id_, asked_after_, page->next, page->seq, page->rows,
                                   page->more ? std::optional<cursor>{} : std::optional<cursor>{page->seq}, now);
        if (!done) return std::move(done).error();
        if (done->stale) return restart_snapshot(now);
        run_.report.pulled += done->applied;
        run_.report.pull_errors += done->quarantined;
        run_.report.lost += done->lost;
        run_.report.given_up.insert(run_.report.given_up.end(), done->given_up.begin(), done->given_up.end());
        run_.report.hydrated = run_.report.hydrated || done->hydrated;
        run_.report.differed += done->differed;
        if (done->hydrated) finished_snapshot_ = std::exchange(snapshot_id_, {});
        return {};
    }

    [[nodiscard]] result<void> restart_snapshot(timestamp now) {
        forget();
        ++run_.report.retried;
        return run_.engine->begin_hydration(now);
    }

    // A success that cannot be read comes from something between us and the server, or from damage on the way: ask again.
    [[nodiscard]] result<void> unreadable(client_asked what, fault why, timestamp now, random_source random) {
        if (why.code == errc::too_large) return failed(what, std::move(why), std::nullopt, now, random);
        // A table that this device does not have is no damage: it will stand there again.
        if (why.code == errc::unknown_model) ++run_.report.pull_errors;
        if (why.code == errc::unknown_model || !run_.try_again(std::nullopt, now, random)) run_.end(std::move(why));
        return {};
    }

    client_run<Replica>& run_;
    cursor asked_after_ = 0;
    std::string snapshot_id_;
    std::optional<std::int64_t> snapshot_rows_;
    std::optional<std::int64_t> snapshot_seq_;
    std::optional<source_replacement> replacing_;  // is asked for with the session
    std::string finished_snapshot_;
    std::size_t snapshot_limit_ = 1000;
    std::size_t hydrations_ = 0;
};

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
