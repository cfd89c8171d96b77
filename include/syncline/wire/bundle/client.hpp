#ifndef SYNCLINE_WIRE_BUNDLE_CLIENT_HPP
#define SYNCLINE_WIRE_BUNDLE_CLIENT_HPP

#include <syncline/change/backoff.hpp>
#include <syncline/change/batch.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/retry_after.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/authority_time.hpp>
#include <syncline/wire/bundle/messages.hpp>
#include <syncline/wire/bundle/upload.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/culprit_search.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/incarnation.hpp>
#include <syncline/wire/renewal.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How a client of the bundle wire is set up.
struct bundle_client_options {
    std::string prefix = "/sync";
    std::string schema_name = "public";       ///< the schema that the models' tables are in, on the wire
    std::size_t batch_rows = 1000;            ///< rows of one bundle
    std::size_t chunk_rows = 1000;            ///< rows of one upload request
    std::size_t committed_page_rows = 1000;   ///< rows of one page of committed rows
    std::size_t page_bundles = 1000;          ///< bundles of one page of a pull
    std::size_t snapshot_page_rows = 1000;    ///< rows of one page of a snapshot
    std::size_t max_conflict_rounds = 5;      ///< in a row, without a commit; then the push ends and everything is kept
    std::size_t max_set_aside = 3;            ///< in a row: a server that fails on that many rows, each alone, may be at fault itself
    std::size_t max_session_restarts = 5;     ///< in one run: push or snapshot sessions that were gone
    std::size_t max_requests = 100'000;       ///< of one run: a guard against a server that never comes to an end
    backoff_policy backoff_after_failure;
    json_limits json{64u << 20};              ///< bounds of an answer's body
};

/// The device side of the bundle wire (sheet `bundle`): a state machine without anything durable of its own. See `client_step` for how it
/// is driven. Push: freeze, create, chunks, commit, committed rows, replay, and again until nothing is left; conflicts are decided on the
/// device. Pull: whole bundles, or a snapshot where history no longer reaches. A bundle with a row that cannot be read stops the pull before
/// it, with a fault that names the row, and is asked for again with the next sync.
///
/// A batch that the server fails on three times without naming a row is halved until the row that it fails on stands alone; that one then
/// waits for a person, and the rest goes through. The failures are counted in this object, across its runs.
/// @tparam Replica  a `replica<Store>`; outlives the client
template <class Replica>
class bundle_client {
public:
    explicit bundle_client(Replica& engine, bundle_client_options options = {})
        : engine_(&engine), options_(std::move(options)), names_(engine.schemas(), options_.schema_name), backoff_(options_.backoff_after_failure) {}

    /// Begins a run; one that was going on is cancelled.
    void start(sync_mode mode) {
        mode_ = mode;
        phase_ = after_hydration_ = mode == sync_mode::pull_only ? phase::pull : phase::push;
        report_ = {};
        asked_ = asked::nothing;
        awaiting_ = 0;
        ready_at_.reset();
        requests_ = incarnations_ = conflict_rounds_ = restarts_ = renewals_ = hydrations_ = set_aside_ = 0;
        backoff_.succeeded();
        upload_.begin();
        batch_limit_ = (std::max<std::size_t>)(options_.batch_rows, 1);
        chunk_limit_ = (std::max<std::size_t>)(options_.chunk_rows, 1);
        committed_limit_ = (std::max<std::size_t>)(options_.committed_page_rows, 1);
        bundle_limit_ = (std::max<std::size_t>)(options_.page_bundles, 1);
        snapshot_limit_ = (std::max<std::size_t>)(options_.snapshot_page_rows, 1);
        target_ = newest_committed_ = 0;
        snapshot_id_.clear();
        snapshot_rows_.reset();
        finished_snapshot_.clear();
        new_epoch_ = false;
    }

    /// What to do now. While an answer is awaited it says so by a `wait_step` in the far future.
    /// @return a fault of the store; then call it again when the store is usable
    [[nodiscard]] result<client_step> next(timestamp now, random_source random) {
        if (awaiting_ != 0) return client_step{wait_step{(timestamp::max)()}};
        if (ready_at_ && now < *ready_at_) return client_step{wait_step{*ready_at_}};
        ready_at_.reset();
        while (true) {
            if (requests_ > options_.max_requests && phase_ != phase::finish && phase_ != phase::done)
                end(fault{errc::bug, "the server does not come to an end: too many requests in one run"});
            result<std::optional<client_step>> step = std::optional<client_step>{};
            switch (phase_) {
            case phase::push: step = next_push(now, random); break;
            case phase::pull: step = next_pull(now); break;
            case phase::hydrate: step = next_hydrate(now); break;
            case phase::finish:
                if (auto r = engine_->note_synced(now, !report_.why && mode_ == sync_mode::push_then_pull); !r && !report_.why) return std::move(r).error();
                phase_ = phase::done;
                break;
            case phase::done: return client_step{done_step{report_}};
            }
            if (!step) return std::move(step).error();
            if (*step) return std::move(**step);
        }
    }

    /// Takes in the answer to the request @p token, or the transport's fault. Late answers are dropped.
    /// @return a fault of the store; then call `next` again when the store is usable
    [[nodiscard]] result<void> on(std::uint64_t token, const result<response>& answer, timestamp now, random_source random) {
        if (token != awaiting_ || awaiting_ == 0) return {};
        awaiting_ = 0;
        refused_code_.clear();
        refused_ordinal_.reset();
        const asked what = std::exchange(asked_, asked::nothing);
        if (what == asked::drop_snapshot) {
            // Best effort: the session ends by itself.
            finished_snapshot_.clear();
            return {};
        }
        if (!answer) return failed(what, answer.error(), std::nullopt, nullptr, now, random);
        if (const std::string account = told_account(*answer); !account.empty() && account != account_) {
            auto same = engine_->note_account(account, now);
            if (!same) return std::move(same).error();
            if (!*same) {
                end(other_account());
                return {};
            }
            account_ = account;
        }
        if (const auto told = told_authority_time(*answer)) engine_->hear(*told);
        if (!answer->ok()) {
            auto refused = bundle_wire::read_refusal(*answer, options_.json);
            refused_ordinal_ = refused.row_ordinal;
            refused_code_ = std::move(refused.code);
            return failed(what, std::move(refused.why), retry_after(*answer, now), &*answer, now, random);
        }
        switch (what) {
        case asked::create: return on_created(*answer, now, random);
        case asked::chunk: return on_chunk(*answer, now, random);
        case asked::commit: return on_commit(*answer, now, random);
        case asked::drop_session: return on_dropped(now);
        case asked::rows: return on_rows(*answer, now, random);
        case asked::pull: return on_pulled(*answer, now, random);
        case asked::make_snapshot: return on_snapshot(*answer, now, random);
        case asked::page: return on_page(*answer, now, random);
        case asked::drop_snapshot:
        case asked::nothing: break;
        }
        return {};
    }

    /// What was settled so far in the run.
    [[nodiscard]] const sync_result& report() const noexcept { return report_; }

    /// Ends the run; what was settled stays in the report.
    void cancel() {
        awaiting_ = 0;
        if (phase_ != phase::done && phase_ != phase::finish) end(fault{errc::cancelled, "the sync was cancelled"});
    }

private:
    enum class phase : std::uint8_t { push, pull, hydrate, finish, done };
    enum class asked : std::uint8_t { nothing, create, chunk, commit, drop_session, rows, pull, make_snapshot, page, drop_snapshot };
    using upload_step = bundle_wire::upload_step;
    using optional_step = std::optional<client_step>;

    void end(fault why) {
        if (!report_.why) report_.why = std::move(why);
        phase_ = phase::finish;
    }

    [[nodiscard]] client_step send(asked what, http_method method, std::string path, std::string body = {}) {
        send_step step;
        awaiting_ = step.token = ++last_token_;
        asked_ = what;
        ++requests_;
        step.what.method = method;
        step.what.path = std::string{options_.prefix}.append(path);
        step.what.headers = {{"Accept", "application/json"}, {"Oversync-Source-ID", source_}};
        if (!epoch_.empty()) step.what.headers.push_back({std::string{epoch_header}, percent_encode(epoch_)});
        if (!account_.empty()) step.what.headers.push_back({std::string{account_header}, account_});
        if (method == http_method::post) step.what.headers.push_back({"Content-Type", "application/json"});
        step.what.body = std::move(body);
        return step;
    }

    [[nodiscard]] result<bool> note_epoch(const told_incarnation& of, timestamp now, random_source random) {
        auto changed = engine_->note_epoch(of.epoch, of.lost, random, now);
        if (changed && *changed) new_epoch_ = true;
        return changed;
    }

    // Nothing of what the server said belongs to this state any more: build it anew, then go on.
    [[nodiscard]] result<void> meet_incarnation(const told_incarnation& of, fault why, timestamp now, random_source random) {
        auto changed = note_epoch(of, now, random);
        if (!changed) return std::move(changed).error();
        upload_.begin();
        snapshot_id_.clear();
        snapshot_rows_.reset();
        target_ = 0;
        // A server that is another one with one answer after the other, or says it of the one that it is told, is not asked for ever.
        if (mode_ == sync_mode::push_only || ++incarnations_ > 3) end(std::move(why));
        return {};
    }

    // -- push

    [[nodiscard]] result<optional_step> next_push(timestamp now, random_source random) {
        auto standing = engine_->standing(now);
        if (!standing) return std::move(standing).error();
        source_ = standing->state.source_id;
        epoch_ = standing->state.epoch;
        account_ = standing->state.account;
        // Numbers have no gaps: an own one above the checkpoint tells of bundles of others in between.
        report_.behind = report_.behind || newest_committed_ > standing->state.checkpoint;
        if (standing->state.needs_hydration && mode_ == sync_mode::push_then_pull) {
            // A device that met a new incarnation of the data pushes nothing before it has caught up (ENGINE.md rule 10).
            phase_ = phase::hydrate;
            after_hydration_ = phase::push;
            return optional_step{};
        }
        if (upload_.at == upload_step::create) {
            auto batch = engine_->freeze(search_.limit(batch_limit_), true, random, now);
            if (!batch) return std::move(batch).error();
            if (!*batch) {
                leave_push();
                return optional_step{};
            }
            upload_.batch = std::move(**batch);
            if (upload_.batch.head.state == batch_state::committed_remote) {
                upload_.at = upload_step::rows;
                upload_.begin_rows();
            } else if (auto unfit = upload_.unsendable(engine_->schemas()); !unfit.empty()) {
                // Such a row makes the server refuse the chunk, so no session of this batch can have come to a commit.
                if (auto r = settle(std::move(unfit), now); !r) return std::move(r).error();
                return optional_step{};
            }
        }
        switch (upload_.at) {
        case upload_step::create: return optional_step{send(asked::create, http_method::post, "/push-sessions", upload_.create_body())};
        case upload_step::chunk:
            return optional_step{
                send(asked::chunk, http_method::post, upload_.session_path() + "/chunks", upload_.chunk_body(names_, chunk_limit_))};
        case upload_step::commit: return optional_step{send(asked::commit, http_method::post, upload_.session_path() + "/commit")};
        case upload_step::drop_session: return optional_step{send(asked::drop_session, http_method::erase, upload_.session_path())};
        case upload_step::rows: break;
        }
        return optional_step{send(asked::rows, http_method::get, upload_.rows_path(committed_limit_))};
    }

    void leave_push() {
        backoff_.succeeded();
        phase_ = mode_ == sync_mode::push_only ? phase::finish : phase::pull;
    }

    // A push that cannot go on must not keep the device from receiving.
    void give_up_push(fault why) {
        if (mode_ != sync_mode::push_then_pull || why.code == errc::unauthenticated || why.code == errc::cancelled) return end(std::move(why));
        report_.why = std::move(why);
        upload_.begin();
        backoff_.succeeded();
        phase_ = phase::pull;
    }

    [[nodiscard]] result<void> on_created(const response& answer, timestamp now, random_source random) {
        auto reply = bundle_wire::read_create_answer(answer.body, upload_.batch.items.size(), options_.json);
        if (!reply) return unreadable(asked::create, std::move(reply).error(), now, random);
        auto changed = note_epoch(reply->of, now, random);
        if (!changed) return std::move(changed).error();
        if (*changed) {
            upload_.begin();
            if (mode_ == sync_mode::push_only)
                end(fault{errc::epoch_changed, "the server's data is a new incarnation (restored, or another server); pull before pushing"});
            return {};
        }
        backoff_.succeeded();
        if (!reply->committed) {
            upload_.push_id = std::move(reply->push_id);
            upload_.at = upload_step::chunk;
            upload_.sent = 0;
            return {};
        }
        if (!upload_.is_own(source_, *reply->committed))
            return unreadable(asked::create, fault{errc::malformed_message, "the server answered with another source's bundle"}, now, random);
        if (!reply->committed->content_hash.empty() && reply->committed->content_hash != upload_.content_hash(engine_->schemas()))
            return renew(true, fault{errc::id_reused, "the server has another bundle under this device's number; the device was copied or restored"},
                         now, random);
        return acknowledge(*reply->committed, now);
    }

    [[nodiscard]] result<void> on_chunk(const response& answer, timestamp now, random_source random) {
        auto next = bundle_wire::read_chunk_answer(answer.body, upload_.push_id, options_.json);
        if (!next) return unreadable(asked::chunk, std::move(next).error(), now, random);
        if (*next <= static_cast<std::int64_t>(upload_.sent) || *next > static_cast<std::int64_t>(upload_.sent + upload_.in_chunk))
            return restart_session(fault{errc::stale, "the push session does not count its rows as they were sent"});
        backoff_.succeeded();
        upload_.sent = static_cast<std::size_t>(*next);
        if (upload_.sent == upload_.batch.items.size()) upload_.at = upload_step::commit;
        return {};
    }

    [[nodiscard]] result<void> on_commit(const response& answer, timestamp now, random_source random) {
        auto head = bundle_wire::read_commit_answer(answer.body, options_.json);
        if (head && !upload_.is_own(source_, *head)) head = make_fault(errc::malformed_message, "the server committed another source's bundle");
        if (!head) {
            // It may have taken effect: asking for the session again tells.
            upload_.at = upload_step::create;
            return unreadable(asked::commit, std::move(head).error(), now, random);
        }
        backoff_.succeeded();
        return acknowledge(*head, now);
    }

    [[nodiscard]] result<void> acknowledge(const bundle_wire::committed_head& head, timestamp now) {
        auto ours = engine_->committed(upload_.batch.head.id, head.seq, head.bundle_hash, now);
        if (!ours) return std::move(ours).error();
        if (*ours) report_.pushed += upload_.batch.items.size();
        conflict_rounds_ = restarts_ = set_aside_ = 0;
        search_.passed(upload_.batch.items.size());
        upload_.begin();
        return {};
    }

    [[nodiscard]] result<void> on_rows(const response& answer, timestamp now, random_source random) {
        auto page = bundle_wire::read_committed_page(answer.body, names_, static_cast<std::int64_t>(upload_.rows.size()), upload_.hasher, options_.json);
        if (!page) return broken_rows(std::move(page).error(), now, random);
        if (page->head.seq != upload_.batch.head.committed_seq) return broken_rows(fault{errc::malformed_message, "the server answered with another bundle"}, now, random);
        if (!upload_.is_own(source_, page->head)) return lose_bundle(now, random);
        for (auto& row : page->rows) upload_.rows.push_back(std::move(row));
        if (page->more) {
            backoff_.succeeded();
            return {};
        }
        const std::string hash = upload_.hasher.finish();
        if (hash != page->head.bundle_hash || (!upload_.batch.head.committed_hash.empty() && hash != upload_.batch.head.committed_hash))
            return broken_rows(fault{errc::corrupt, "the rows of a committed bundle do not have the hash that the server gave for it"}, now, random);
        backoff_.succeeded();
        auto done = engine_->replay(upload_.batch.head.id, upload_.batch.head.committed_seq, &upload_.rows, now);
        if (!done) return std::move(done).error();
        newest_committed_ = upload_.batch.head.committed_seq;
        upload_.begin();
        return {};
    }

    // The rows are asked for again from the first: a page that is damaged spoils the hash of all.
    [[nodiscard]] result<void> broken_rows(fault why, timestamp now, random_source random) {
        upload_.begin_rows();
        return unreadable(asked::rows, std::move(why), now, random);
    }

    // The server acknowledged the bundle and has another one, or none, in its place: it was restored. What it lost is sent anew.
    [[nodiscard]] result<void> lose_bundle(timestamp now, random_source random) {
        if (auto r = renew(false, fault{errc::lost_by_restore, "the server has lost a bundle that it had acknowledged"}, now, random); !r) return r;
        return engine_->begin_hydration(now);
    }

    [[nodiscard]] result<void> renew(bool suspect, fault why, timestamp now, random_source random) {
        upload_.begin();
        if (++renewals_ > 2) {
            give_up_push(std::move(why));
            return {};
        }
        auto held = renew_source(*engine_, random, suspect, now);
        if (!held) return std::move(held).error();
        report_.failed += *held;
        return {};
    }

    [[nodiscard]] result<void> restart_session(fault why) {
        upload_.begin();
        if (++restarts_ > options_.max_session_restarts)
            give_up_push(std::move(why));
        else
            ++report_.retried;
        return {};
    }

    // A batch is thawed after a refusal only when its session is known to be dead (ENGINE.md rule 12).
    void drop_session_for(std::vector<commit_obstacle> obstacles) {
        upload_.obstacles = std::move(obstacles);
        upload_.at = upload_step::drop_session;
        backoff_.succeeded();
    }

    [[nodiscard]] result<void> on_dropped(timestamp now) {
        backoff_.succeeded();
        return settle(std::exchange(upload_.obstacles, {}), now);
    }

    [[nodiscard]] result<void> settle(std::vector<commit_obstacle> obstacles, timestamp now) {
        auto settled = engine_->obstructed(upload_.batch.head.id, obstacles, now);
        if (!settled) return std::move(settled).error();
        bool met = false;
        for (const auto& o : obstacles) met = met || o.what != commit_obstacle::kind::refused;
        report_.note(engine_->schemas(), settled->conflicts);
        report_.failed += settled->refused;
        for (auto& w : settled->waiting) report_.rejections.push_back({upload_.id_of(w.first), w.first, outcome_kind::refused, std::move(w.second), {}});
        upload_.begin();
        if (settled->superseded + settled->refused != 0) conflict_rounds_ = 0;  // fewer records are left: this comes to an end
        if (met || (settled->refused == 0 && !obstacles.empty()))
            if (++conflict_rounds_ > options_.max_conflict_rounds)
                give_up_push(fault{errc::conflict, "the same records meet newer changes again and again; everything is kept and will be sent with the next sync"});
        return {};
    }

    // The server refuses the batch, or one row of it by its place, as something that it cannot take at all.
    [[nodiscard]] result<void> refused_whole(fault why) {
        std::vector<commit_obstacle> named;
        const bool names_row = refused_ordinal_ && *refused_ordinal_ >= 0 && static_cast<std::uint64_t>(*refused_ordinal_) < upload_.batch.items.size();
        if (names_row)
            named.push_back(bundle_wire::refusal_of(upload_.batch.items[static_cast<std::size_t>(*refused_ordinal_)], std::move(why)));
        else if (upload_.batch.items.size() == 1 && too_many_set_aside())
            return exhausted(asked::chunk, std::move(why));
        else if (upload_.batch.items.size() == 1)
            named.push_back(bundle_wire::refusal_of(upload_.batch.items.front(), std::move(why)));
        else
            batch_limit_ = (std::max<std::size_t>)(upload_.batch.items.size() / 2, 1);  // halve until the one that is refused stands alone (W22)
        refused_ordinal_.reset();
        ++report_.retried;
        drop_session_for(std::move(named));
        return {};
    }

    [[nodiscard]] bool too_many_set_aside() { return ++set_aside_ > (std::max<std::size_t>)(options_.max_set_aside, 1); }

    // The server fails on the batch and names no row. That it opened the session tells that it works, so after the third time it is one of
    // the rows (ENGINE.md rule 12). @return whether something else than sending it again is to be done
    [[nodiscard]] bool server_failed(asked what, const fault& why) {
        const auto& items = upload_.batch.items;
        const auto& first = items.front().what.key;
        const auto verdict = search_.failed(std::string{engine_->schemas()[first.model].name}.append("/").append(first.key), items.size());
        if (verdict == culprit_search::step::again) return false;
        std::vector<commit_obstacle> named;
        if (items.size() > 1) {
            search_.narrow(what == asked::chunk ? upload_.sent + upload_.in_chunk : items.size());
        } else {
            if (too_many_set_aside()) return false;
            search_.passed(1);
            named.push_back(bundle_wire::refusal_of(
                items.front(), make_fault(why.code, "the server fails whenever this change is sent: look at the record, then retry or discard it. "
                                                    "It says: ", why.detail)));
        }
        ++report_.retried;
        drop_session_for(std::move(named));
        return true;
    }

    // -- pull

    [[nodiscard]] result<optional_step> next_pull(timestamp now) {
        auto standing = engine_->standing(now);
        if (!standing) return std::move(standing).error();
        source_ = standing->state.source_id;
        epoch_ = standing->state.epoch;
        account_ = standing->state.account;
        if (standing->state.needs_hydration) {
            phase_ = phase::hydrate;
            after_hydration_ = phase::pull;
            return optional_step{};
        }
        if (standing->has.frozen) {
            // Its rows could not be told from the batch's own.
            if (!report_.why) report_.why = fault{errc::stale, "a batch of this device is on its way; push before pulling"};
            phase_ = phase::finish;
            return optional_step{};
        }
        asked_after_ = standing->state.checkpoint;
        std::string path = "/pull";
        append_query(path, "after_bundle_seq", std::to_string(asked_after_));
        append_query(path, "max_bundles", std::to_string(bundle_limit_));
        if (target_ != 0) append_query(path, "target_bundle_seq", std::to_string(target_));
        return optional_step{send(asked::pull, http_method::get, std::move(path))};
    }

    [[nodiscard]] result<void> on_pulled(const response& answer, timestamp now, random_source random) {
        auto reply = bundle_wire::read_pull_answer(answer.body, names_, asked_after_, options_.json);
        if (!reply) return unreadable(asked::pull, std::move(reply).error(), now, random);
        auto changed = note_epoch(reply->of, now, random);
        if (!changed) return std::move(changed).error();
        if (*changed) return {};  // the page belongs to another incarnation than the state: hydrate
        if (reply->stable < asked_after_ || (target_ != 0 && reply->stable != target_))
            return unreadable(asked::pull, fault{errc::malformed_message, "the server's stable bundle went back, or moved within one pull"}, now, random);
        target_ = reply->stable;
        cursor at = asked_after_;
        for (const auto& b : reply->bundles) {
            if (!follows(reply->of.lost, at, b.seq)) return engine_->begin_hydration(now);  // what lies between was pruned silently
            auto done = engine_->apply_bundle(at, b.seq, b.rows, now);
            if (!done) {
                if (!refuses_row(done.error().code)) return std::move(done).error();
                ++report_.pull_errors;
                end(std::move(done).error());
                return {};
            }
            if (done->stale) return {};
            report_.pulled += done->applied;
            at = b.seq;
        }
        if (reply->unreadable) {
            if (reply->unreadable->code != errc::unknown_model && try_again(std::nullopt, now, random)) return {};
            ++report_.pull_errors;
            end(std::move(*reply->unreadable));
            return {};
        }
        backoff_.succeeded();
        report_.behind = reply->more;
        if (!reply->more) phase_ = phase::finish;
        return {};
    }

    // -- hydration

    [[nodiscard]] result<optional_step> next_hydrate(timestamp now) {
        auto standing = engine_->standing(now);
        if (!standing) return std::move(standing).error();
        source_ = standing->state.source_id;
        epoch_ = standing->state.epoch;
        account_ = standing->state.account;
        if (!standing->state.needs_hydration) {
            if (!finished_snapshot_.empty())
                return optional_step{send(asked::drop_snapshot, http_method::erase,
                                          std::string{"/snapshot-sessions/"}.append(percent_encode(finished_snapshot_)))};
            phase_ = after_hydration_;
            target_ = 0;
            return optional_step{};
        }
        asked_after_ = 0;
        if (!standing->state.hydration_session.empty()) {
            if (snapshot_id_ != standing->state.hydration_session) snapshot_rows_.reset();
            snapshot_id_ = standing->state.hydration_session;
            asked_after_ = standing->state.hydration_position;
        }
        if (snapshot_id_.empty()) {
            if (++hydrations_ > options_.max_session_restarts) {
                end(fault{errc::session_gone, "the server gave up one snapshot after the other; try again later"});
                return optional_step{};
            }
            return optional_step{send(asked::make_snapshot, http_method::post, "/snapshot-sessions")};
        }
        std::string path = std::string{"/snapshot-sessions/"}.append(percent_encode(snapshot_id_));
        append_query(path, "after_row_ordinal", std::to_string(asked_after_));
        append_query(path, "max_rows", std::to_string(snapshot_limit_));
        return optional_step{send(asked::page, http_method::get, std::move(path))};
    }

    [[nodiscard]] result<void> on_snapshot(const response& answer, timestamp now, random_source random) {
        auto reply = bundle_wire::read_snapshot(answer.body, options_.json);
        if (!reply) return unreadable(asked::make_snapshot, std::move(reply).error(), now, random);
        auto changed = note_epoch(reply->of, now, random);
        if (!changed) return std::move(changed).error();
        backoff_.succeeded();
        snapshot_id_ = std::move(reply->id);
        snapshot_rows_ = reply->row_count;
        return {};
    }

    [[nodiscard]] result<void> on_page(const response& answer, timestamp now, random_source random) {
        auto page = bundle_wire::read_snapshot_page(answer.body, names_, snapshot_id_, asked_after_, options_.json);
        if (page && !page->more && snapshot_rows_ && page->next != *snapshot_rows_)
            page = make_fault(errc::malformed_message, "the snapshot ended before its last row");
        if (!page) return unreadable(asked::page, std::move(page).error(), now, random);
        backoff_.succeeded();
        auto done = engine_->stage(snapshot_id_, asked_after_, page->next, page->seq, page->rows,
                                   page->more ? std::optional<cursor>{} : std::optional<cursor>{page->seq}, now);
        if (!done) return std::move(done).error();
        if (done->stale) return restart_snapshot(now);
        report_.pulled += done->applied;
        report_.pull_errors += done->quarantined;
        report_.lost += done->lost;
        report_.hydrated = report_.hydrated || done->hydrated;
        report_.differed += done->differed;
        if (done->hydrated) finished_snapshot_ = std::exchange(snapshot_id_, {});
        return {};
    }

    [[nodiscard]] result<void> restart_snapshot(timestamp now) {
        snapshot_id_.clear();
        snapshot_rows_.reset();
        ++report_.retried;
        return engine_->begin_hydration(now);
    }

    // -- faults

    // A success that cannot be read comes from something between us and the server, or from damage on the way: ask again.
    [[nodiscard]] result<void> unreadable(asked what, fault why, timestamp now, random_source random) {
        if (why.code == errc::too_large) return failed(what, std::move(why), std::nullopt, nullptr, now, random);
        // A table that this device does not have is no damage: it will stand there again.
        if (why.code == errc::unknown_model) {
            if (what == asked::pull || what == asked::page) ++report_.pull_errors;
            return exhausted(what, std::move(why));
        }
        if (try_again(std::nullopt, now, random)) return {};
        return exhausted(what, std::move(why));
    }

    [[nodiscard]] bool try_again(std::optional<duration> asked_for, timestamp now, random_source random) {
        auto again = backoff_.failed(now, random, asked_for);
        if (!again) return false;
        ready_at_ = again;
        ++report_.retried;
        return true;
    }

    [[nodiscard]] result<void> exhausted(asked what, fault why) {
        switch (what) {
        case asked::create:
        case asked::chunk:
        case asked::commit:
        case asked::drop_session:
        case asked::rows: give_up_push(std::move(why)); break;
        default: end(std::move(why)); break;
        }
        return {};
    }

    [[nodiscard]] static bool halve(std::size_t& limit, std::size_t used) {
        if (used < 2) return false;
        limit = used / 2;
        return true;
    }

    [[nodiscard]] result<void> failed(asked what, fault why, std::optional<duration> asked_for, const response* answer, timestamp now,
                                      random_source random) {
        const errc code = why.code;
        if (asked_for) report_.not_before = (std::max)(report_.not_before, std::optional{later(now, *asked_for)});
        if (answer != nullptr)
            if (const auto of = refused_for_incarnation(why, *answer)) return meet_incarnation(*of, std::move(why), now, random);
        if (what == asked::commit && answer != nullptr) {
            auto obstacles = bundle_wire::read_obstacles(*answer, names_, options_.json);
            if (!obstacles) return unreadable(what, std::move(obstacles).error(), now, random);
            if (!obstacles->empty()) {
                backoff_.succeeded();
                const bool only_versions = std::all_of(obstacles->begin(), obstacles->end(), [](const commit_obstacle& o) {
                    return o.what == commit_obstacle::kind::version_conflict;
                });
                if (only_versions) return settle(std::move(*obstacles), now);
                drop_session_for(std::move(*obstacles));
                return {};
            }
        }
        // Only the server's own word counts: a 404 of something in between says nothing about the session.
        // A session that is not there may have committed by a late copy of the request: to create it again tells (ENGINE.md rule 12).
        if (what == asked::drop_session && code == errc::session_gone) return restart_session(std::move(why));
        if ((what == asked::chunk || what == asked::commit) && answer != nullptr && failed_inside(*answer) && server_failed(what, why)) return {};
        if (category_of(code) == fault_category::retry) {
            if (try_again(asked_for, now, random)) return {};
            return exhausted(what, std::move(why));
        }
        backoff_.succeeded();  // the server answered, whatever it said
        switch (what) {
        case asked::create:
            // After a restore it is the server that lost the numbers, and with them what this device sent.
            if (code == errc::out_of_sequence || code == errc::id_reused || code == errc::history_pruned)
                return renew(!new_epoch_, std::move(why), now, random);
            if (code == errc::source_retired) return renew(false, std::move(why), now, random);
            break;
        case asked::chunk:
            if (code == errc::session_gone || code == errc::absent || code == errc::stale) return restart_session(std::move(why));
            if (code == errc::too_large) {
                ++report_.retried;
                if (halve(chunk_limit_, upload_.in_chunk)) return {};
                refused_ordinal_ = static_cast<std::int64_t>(upload_.sent);
                return refused_whole(std::move(why));
            }
            if (answer != nullptr && category_of(code) == fault_category::fix_request) return refused_whole(std::move(why));
            break;
        case asked::commit:
            // Creating the session again tells what became of the bundle.
            if (code == errc::session_gone || code == errc::absent || code == errc::stale || code == errc::out_of_sequence || code == errc::source_retired)
                return restart_session(std::move(why));
            if (answer != nullptr && category_of(code) == fault_category::fix_request) return refused_whole(std::move(why));
            break;
        case asked::rows:
            if (code == errc::history_pruned) {
                auto done = engine_->replay(upload_.batch.head.id, upload_.batch.head.committed_seq, nullptr, now);
                if (!done) return std::move(done).error();
                upload_.begin();
                return {};
            }
            if (refused_code_ == "committed_bundle_not_found") return lose_bundle(now, random);
            if (code == errc::too_large && halve(committed_limit_, committed_limit_)) return {};
            break;
        case asked::pull:
            if (code == errc::history_pruned || code == errc::invalid_cursor) {
                target_ = 0;
                return engine_->begin_hydration(now);
            }
            if (code == errc::too_large && halve(bundle_limit_, bundle_limit_)) return {};
            break;
        case asked::page:
            if (code == errc::session_gone || code == errc::absent || code == errc::forbidden) return restart_snapshot(now);
            if (code == errc::too_large && halve(snapshot_limit_, snapshot_limit_)) return {};
            break;
        default: break;
        }
        return exhausted(what, std::move(why));
    }

    Replica* engine_;
    bundle_client_options options_;
    bundle_wire::table_names names_;
    backoff backoff_;
    sync_mode mode_ = sync_mode::push_then_pull;
    phase phase_ = phase::done;
    phase after_hydration_ = phase::pull;
    sync_result report_;
    std::uint64_t last_token_ = 0;
    std::uint64_t awaiting_ = 0;
    asked asked_ = asked::nothing;
    std::optional<timestamp> ready_at_;
    std::size_t requests_ = 0;
    std::size_t incarnations_ = 0;  // that answers refused requests for
    std::string source_;
    std::string epoch_;
    std::string account_;  // whose data the device holds, as far as it knows
    bool new_epoch_ = false;  // this run met a new incarnation of the data
    std::string refused_code_;

    // the batch in flight
    bundle_wire::upload upload_;
    std::optional<std::int64_t> refused_ordinal_;
    std::size_t conflict_rounds_ = 0;
    std::size_t restarts_ = 0;
    std::size_t renewals_ = 0;
    std::size_t set_aside_ = 0;  // in a row, since a commit
    culprit_search search_;
    std::int64_t newest_committed_ = 0;  // of this device, in this run
    std::size_t batch_limit_ = 1000;
    std::size_t chunk_limit_ = 1000;
    std::size_t committed_limit_ = 1000;

    // the pull or hydration that runs
    cursor asked_after_ = 0;
    cursor target_ = 0;
    std::size_t bundle_limit_ = 1000;
    std::string snapshot_id_;
    std::optional<std::int64_t> snapshot_rows_;
    std::string finished_snapshot_;
    std::size_t snapshot_limit_ = 1000;
    std::size_t hydrations_ = 0;
};

SYNCLINE_NAMESPACE_END

#endif
