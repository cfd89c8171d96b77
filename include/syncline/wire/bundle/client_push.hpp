#ifndef SYNCLINE_WIRE_BUNDLE_CLIENT_PUSH_HPP
#define SYNCLINE_WIRE_BUNDLE_CLIENT_PUSH_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/client_run.hpp>
#include <syncline/wire/bundle/obstacles.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/bundle/push_messages.hpp>
#include <syncline/wire/bundle/upload.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/culprit_search.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/renewal.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// The part of a client that sends: freeze, create, chunks, commit, committed rows, replay, and again until nothing is left; conflicts are
/// decided on the device. Lives beside the run that it works for.
template <class Replica>
class client_push {
    using optional_step = std::optional<client_step>;

public:
    explicit client_push(client_run<Replica>& run) : run_(run) {}

    void begin() {
        restarts_ = renewals_ = set_aside_ = reconnects_ = 0;
        forget_conflicts();
        forget();
        batch_limit_ = (std::max<std::size_t>)(run_.options.batch_rows, 1);
        chunk_limit_ = (std::max<std::size_t>)(run_.options.chunk_rows, 1);
        committed_limit_ = (std::max<std::size_t>)(run_.options.committed_page_rows, 1);
        newest_committed_ = 0;
    }

    /// Nothing of what the server said of the session belongs to the state any more.
    void forget() {
        upload_.begin();
        upload_.told_rows.reset();
        without_id_ = false;
    }

    /// @return nothing: ask again
    [[nodiscard]] result<optional_step> next(timestamp now, random_source random) {
        auto standing = run_.look(now);
        if (!standing) return std::move(standing).error();
        // Numbers have no gaps: an own one above the checkpoint tells of bundles of others in between.
        run_.report.behind = run_.report.behind || newest_committed_ > standing->state.checkpoint;
        initialization_id_ = standing->state.initialization_id;
        // What is to be given up, or stands under a source that the server does not know of, goes out in no case.
        const bool first = run_.mode == sync_mode::push_then_pull || standing->state.give_up_below != 0 || !standing->state.replaced_source.empty();
        if (standing->state.needs_hydration && initialization_id_.empty() && first) {
            // A device that met a new incarnation of the data pushes nothing before it has caught up (ENGINE.md rule 10).
            run_.phase = client_phase::hydrate;
            run_.after_hydration = client_phase::push;
            return optional_step{};
        }
        if (upload_.at == upload_step::create) {
            std::vector<waiting_change> set_aside;
            auto batch = run_.engine->freeze(search_.limit(batch_limit_), true, random, now, &set_aside);
            if (!batch) return std::move(batch).error();
            run_.report.note(set_aside);
            if (!*batch) {
                // What it was to fill the account with is gone, or waits for a person: the account begins empty.
                if (!initialization_id_.empty()) return reconnect(now, random);
                leave();
                return optional_step{};
            }
            upload_.batch = std::move(**batch);
            if (upload_.batch.head.state == batch_state::committed_remote) {
                upload_.at = upload_step::rows;
                upload_.begin_rows();
            } else if (auto unfit = upload_.unsendable(run_.engine->schemas()); !unfit.empty()) {
                // Such a row makes the server refuse the chunk, so no session of this batch can have come to a commit.
                if (auto r = settle(std::move(unfit), now); !r) return std::move(r).error();
                return optional_step{};
            }
        }
        switch (upload_.at) {
        case upload_step::create: return optional_step{run_.send(client_asked::create, http_method::post, "/push-sessions", upload_.create_body(without_id_ ? std::string_view{} : initialization_id_))};
        case upload_step::chunk:
            return optional_step{
                run_.send(client_asked::chunk, http_method::post, upload_.session_path() + "/chunks", upload_.chunk_body(run_.names, chunk_limit_))};
        case upload_step::commit: return optional_step{run_.send(client_asked::commit, http_method::post, upload_.session_path() + "/commit")};
        case upload_step::drop_session: return optional_step{run_.send(client_asked::drop_session, http_method::erase, upload_.session_path())};
        case upload_step::rows: break;
        }
        return optional_step{run_.send(client_asked::rows, http_method::get, upload_.rows_path(committed_limit_))};
    }

    /// Takes in the answer to @p what.
    [[nodiscard]] result<void> on(client_asked what, const response& answer, timestamp now, random_source random) {
        switch (what) {
        case client_asked::create: return on_created(answer, now, random);
        case client_asked::chunk: return on_chunk(answer, now, random);
        case client_asked::commit: return on_commit(answer, now, random);
        case client_asked::drop_session: return on_dropped(now, random);
        case client_asked::rows: return on_rows(answer, now, random);
        default: return {};
        }
    }

    /// Takes in why there is none, or none that helps. @param answer  nullptr: none came, or one that cannot be read
    [[nodiscard]] result<void> failed(client_asked what, fault why, std::optional<duration> asked_for, const response* answer, timestamp now,
                                      random_source random) {
        const errc code = why.code;
        if (what == client_asked::commit && answer != nullptr) {
            auto obstacles = read_obstacles(*answer, run_.names, run_.options.json);
            if (!obstacles) return unreadable(what, std::move(obstacles).error(), now, random);
            if (!obstacles->empty()) {
                run_.backoff.succeeded();
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
        if (what == client_asked::drop_session && is_gone(code)) return restart_session(std::move(why));
        if ((what == client_asked::chunk || what == client_asked::commit) && answer != nullptr && failed_inside(*answer) && server_failed(what, why)) return {};
        if (category_of(code) == fault_category::retry) {
            if (run_.try_again(asked_for, now, random)) return {};
            give_up(std::move(why));
            return {};
        }
        run_.backoff.succeeded();  // the server answered, whatever it said
        const bool bundle_too_large = run_.refused_code == "bundle_too_large";
        switch (what) {
        case client_asked::create:
            // It takes fewer rows in one bundle. No session was opened that could still commit.
            if (bundle_too_large && upload_.batch.items.size() > 1) {
                halve_batch();
                ++run_.report.retried;
                return settle({}, now);
            }
            // A server that looks at the right to fill the account before it looks for the bundle (sheet 8.2.1): without it, it tells.
            if (code == errc::malformed_message && !initialization_id_.empty() && !without_id_) {
                without_id_ = true;
                upload_.begin();
                return {};
            }
            // Whether the bundle was committed these refusals do not tell, not even that of a number that is not due yet: for a source that
            // another principal used, a server says so whatever that one committed, and one that lost its numbers may have it from a copy of this
            // device, under another source. Sent again, a counter would be added to twice: a person looks (ENGINE.md rule 10).
            // After a restore it is the server that lost the numbers, and with them what this device sent.
            if (code == errc::out_of_sequence || code == errc::id_reused || code == errc::history_pruned)
                return renew(!run_.new_epoch, std::move(why), reason_of(code), now, random);
            // A source that this device did not give up itself was given up by a copy of it, which may have sent the same before.
            if (code == errc::source_retired) return renew(true, std::move(why), reason_of(code), now, random);
            break;
        case client_asked::chunk:
            if (is_gone(code) || code == errc::absent || code == errc::stale) return restart_session(std::move(why));
            if (code == errc::too_large && !bundle_too_large) {
                ++run_.report.retried;
                if (run_.halve(chunk_limit_, upload_.in_chunk)) return {};
                run_.refused_ordinal = static_cast<std::int64_t>(upload_.sent);
                return refused_whole(std::move(why));
            }
            if (answer != nullptr && category_of(code) == fault_category::fix_request) return refused_whole(std::move(why));
            break;
        case client_asked::commit:
            // Creating the session again tells what became of the bundle.
            if (is_gone(code) || code == errc::absent || code == errc::stale || code == errc::out_of_sequence || code == errc::source_retired)
                return restart_session(std::move(why));
            if (answer != nullptr && category_of(code) == fault_category::fix_request) return refused_whole(std::move(why));
            break;
        case client_asked::rows:
            if (code == errc::history_pruned) {
                auto done = run_.engine->replay(upload_.batch.head.id, upload_.batch.head.committed_seq, nullptr, now);
                if (!done) return std::move(done).error();
                upload_.begin();
                return {};
            }
            if (run_.refused_code == "committed_bundle_not_found") return lose_bundle(now, random);
            if (code == errc::too_large && run_.halve(committed_limit_, committed_limit_)) return {};
            break;
        default: break;
        }
        give_up(std::move(why));
        return {};
    }

private:
    // What the server is told of a new source's cause (sheet 2.5). One that was used for other content is another device's: it stays in use.
    [[nodiscard]] std::string reason_of(errc code) const {
        if (code == errc::history_pruned) return "history_pruned";
        if (code == errc::source_retired) return "source_retired";
        if (code != errc::out_of_sequence) return {};
        return run_.refused_code == "source_sequence_changed" ? "source_sequence_changed" : "source_sequence_out_of_order";
    }

    [[nodiscard]] result<optional_step> reconnect(timestamp now, random_source random) {
        forget();
        if (auto r = run_.engine->disconnected(random, now); !r) return std::move(r).error();
        if (++reconnects_ > run_.options.max_session_restarts)
            run_.end(fault{errc::scope_initializing, "the server does not let this device fill the account, and says of nobody that it did"});
        else
            run_.phase = client_phase::connect;
        return optional_step{};
    }

    void forget_conflicts() {
        conflict_rounds_ = 0;
        met_.clear();
    }

    void leave() {
        run_.backoff.succeeded();
        run_.phase = run_.mode == sync_mode::push_only ? client_phase::finish : client_phase::pull;
    }

    // A push that cannot go on must not keep the device from receiving.
    void give_up(fault why) {
        if (run_.mode != sync_mode::push_then_pull || why.code == errc::unauthenticated || why.code == errc::cancelled) return run_.end(std::move(why));
        run_.report.why = std::move(why);
        upload_.begin();
        run_.backoff.succeeded();
        run_.phase = client_phase::pull;
    }

    [[nodiscard]] result<void> on_created(const response& answer, timestamp now, random_source random) {
        auto reply = read_create_answer(answer.body, upload_.batch.items.size(), run_.options.json);
        if (!reply) return unreadable(client_asked::create, std::move(reply).error(), now, random);
        auto changed = run_.note_epoch(reply->of, now, random);
        if (!changed) return std::move(changed).error();
        if (*changed) {
            upload_.begin();
            if (run_.mode == sync_mode::push_only)
                run_.end(fault{errc::epoch_changed, "the server's data is a new incarnation (restored, or another server); pull before pushing"});
            return {};
        }
        if (reply->committed && !upload_.is_own(run_.source, *reply->committed))
            return unreadable(client_asked::create, fault{errc::malformed_message, "the server answered with another source's bundle"}, now, random);
        run_.backoff.succeeded();
        if (!reply->committed) {
            if (without_id_) {
                // The account was filled by another device: it is to be met as any account that has data.
                upload_.push_id = std::move(reply->push_id);
                upload_.at = upload_step::drop_session;
                return {};
            }
            upload_.push_id = std::move(reply->push_id);
            upload_.at = upload_step::chunk;
            upload_.sent = 0;
            return {};
        }
        if (!reply->committed->content_hash.empty() && reply->committed->content_hash != upload_.content_hash(run_.engine->schemas()))
            return renew(true, fault{errc::id_reused, "the server has another bundle under this device's number; the device was copied or restored"}, {}, now, random);
        without_id_ = false;
        if (!reply->committed->content_hash.empty()) return acknowledge(*reply->committed, now);
        // The number alone does not tell whether it was this device, or a copy of it, that used it: the rows do.
        upload_.at = upload_step::rows;
        upload_.begin_rows();
        upload_.unproven = true;
        upload_.batch.head.committed_seq = reply->committed->seq;
        upload_.batch.head.committed_hash = reply->committed->bundle_hash;
        upload_.told_rows = reply->committed->row_count;
        return {};
    }

    [[nodiscard]] result<void> on_chunk(const response& answer, timestamp now, random_source random) {
        auto next = read_chunk_answer(answer.body, upload_.push_id, run_.options.json);
        if (!next) return unreadable(client_asked::chunk, std::move(next).error(), now, random);
        if (*next <= static_cast<std::int64_t>(upload_.sent) || *next > static_cast<std::int64_t>(upload_.sent + upload_.in_chunk))
            return restart_session(fault{errc::stale, "the push session does not count its rows as they were sent"});
        run_.backoff.succeeded();
        upload_.sent = static_cast<std::size_t>(*next);
        if (upload_.sent == upload_.batch.items.size()) upload_.at = upload_step::commit;
        return {};
    }

    [[nodiscard]] result<void> on_commit(const response& answer, timestamp now, random_source random) {
        auto head = read_commit_answer(answer.body, run_.options.json);
        if (head && !upload_.is_own(run_.source, *head)) head = make_fault(errc::malformed_message, "the server committed another source's bundle");
        if (!head) {
            // It may have taken effect: asking for the session again tells.
            upload_.at = upload_step::create;
            return begin_again(client_asked::commit, std::move(head).error(), now, random);
        }
        run_.backoff.succeeded();
        return acknowledge(*head, now);
    }

    [[nodiscard]] result<void> acknowledge(const committed_head& head, timestamp now) {
        upload_.told_rows = head.row_count;
        auto ours = run_.engine->committed(upload_.batch.head.id, head.seq, head.bundle_hash, now);
        if (!ours) return std::move(ours).error();
        if (*ours) run_.report.pushed += upload_.batch.items.size();
        forget_conflicts();
        restarts_ = set_aside_ = 0;
        search_.passed(upload_.batch.items.size());
        upload_.begin();
        return {};
    }

    [[nodiscard]] result<void> on_rows(const response& answer, timestamp now, random_source random) {
        auto page = read_committed_page(answer.body, run_.names, static_cast<std::int64_t>(upload_.rows.size()), upload_.hasher, run_.options.json);
        if (!page) return broken_rows(std::move(page).error(), now, random);
        if (page->head.seq != upload_.batch.head.committed_seq) return broken_rows(fault{errc::malformed_message, "the server answered with another bundle"}, now, random);
        if (!upload_.is_own(run_.source, page->head)) return lose_bundle(now, random);
        if (page->head.row_count != upload_.told_rows.value_or(page->head.row_count))
            return broken_rows(fault{errc::malformed_message, "a committed bundle has another number of rows than its acknowledgement said"}, now, random);
        for (auto& row : page->rows) upload_.rows.push_back(std::move(row));
        if (page->more) {
            run_.backoff.succeeded();
            return {};
        }
        const std::string hash = upload_.hasher.finish();
        if (hash != page->head.bundle_hash || (!upload_.batch.head.committed_hash.empty() && hash != upload_.batch.head.committed_hash))
            return broken_rows(fault{errc::corrupt, "the rows of a committed bundle do not have the hash that the server gave for it"}, now, random);
        run_.backoff.succeeded();
        if (upload_.unproven && !upload_.tells_of_all(upload_.rows)) {
            upload_.told_rows.reset();
            return renew(true, fault{errc::id_reused, "the server has another bundle under this device's number; the device was copied or restored"}, {}, now, random);
        }
        auto done = run_.engine->replay(upload_.batch.head.id, upload_.batch.head.committed_seq, &upload_.rows, now);
        if (!done) return std::move(done).error();
        if (upload_.unproven) {
            run_.report.pushed += upload_.batch.items.size();
            forget_conflicts();
        }
        upload_.told_rows.reset();
        newest_committed_ = upload_.batch.head.committed_seq;
        upload_.begin();
        return {};
    }

    // The rows are asked for again from the first: a page that is damaged spoils the hash of all.
    [[nodiscard]] result<void> broken_rows(fault why, timestamp now, random_source random) {
        upload_.begin_rows();
        return begin_again(client_asked::rows, std::move(why), now, random);
    }

    // What cannot be read is asked for by way of other requests, whose success makes the backoff forget how often that was. What is too large is asked
    // for in smaller parts, which comes to an end by itself.
    [[nodiscard]] result<void> begin_again(client_asked what, fault why, timestamp now, random_source random) {
        if (why.code == errc::too_large || ++restarts_ <= run_.options.max_session_restarts) return unreadable(what, std::move(why), now, random);
        give_up(std::move(why));
        return {};
    }

    // The server acknowledged the bundle and has another one, or none, in its place: it was restored. What it lost is sent anew.
    [[nodiscard]] result<void> lose_bundle(timestamp now, random_source random) {
        if (auto r = renew(false, fault{errc::lost_by_restore, "the server has lost a bundle that it had acknowledged"}, {}, now, random); !r) return r;
        return run_.engine->begin_hydration(now);
    }

    [[nodiscard]] result<void> renew(bool suspect, fault why, std::string reason, timestamp now, random_source random) {
        upload_.begin();
        if (++renewals_ > 2) {
            give_up(std::move(why));
            return {};
        }
        auto held = renew_source(*run_.engine, random, suspect, now, std::move(reason));
        if (!held) return std::move(held).error();
        run_.report.failed += *held;
        return {};
    }

    [[nodiscard]] result<void> restart_session(fault why) {
        upload_.begin();
        if (++restarts_ > run_.options.max_session_restarts)
            give_up(std::move(why));
        else
            ++run_.report.retried;
        return {};
    }

    // A batch is thawed after a refusal only when its session is known to be dead (ENGINE.md rule 12).
    void drop_session_for(std::vector<commit_obstacle> obstacles) {
        upload_.obstacles = std::move(obstacles);
        upload_.at = upload_step::drop_session;
        run_.backoff.succeeded();
    }

    [[nodiscard]] result<void> on_dropped(timestamp now, random_source random) {
        run_.backoff.succeeded();
        if (without_id_) {
            if (auto r = reconnect(now, random); !r) return std::move(r).error();
            return {};
        }
        return settle(std::exchange(upload_.obstacles, {}), now);
    }

    [[nodiscard]] result<void> settle(std::vector<commit_obstacle> obstacles, timestamp now) {
        auto settled = run_.engine->obstructed(upload_.batch.head.id, obstacles, now);
        if (!settled) return std::move(settled).error();
        run_.report.note(run_.engine->schemas(), settled->conflicts);
        run_.report.failed += settled->refused;
        for (auto& w : settled->waiting) run_.report.rejections.push_back({upload_.id_of(w.first), w.first, outcome_kind::refused, std::move(w.second), {}});
        upload_.begin();
        // A server may name one record at a time. Each is met once in a batch that comes to an end, so only those that are met again count.
        bool news = settled->superseded + settled->refused != 0;
        for (const auto& o : obstacles) news = met_.insert(o.key).second || news;
        if (news) conflict_rounds_ = 0;
        if (!news && !obstacles.empty())
            if (++conflict_rounds_ > run_.options.max_conflict_rounds)
                give_up(fault{errc::conflict, "the same records meet newer changes again and again; everything is kept and will be sent with the next sync"});
        return {};
    }

    // The server refuses the batch, or one row of it by its place, as something that it cannot take at all.
    [[nodiscard]] result<void> refused_whole(fault why) {
        std::vector<commit_obstacle> named;
        const bool names_row = run_.refused_ordinal && *run_.refused_ordinal >= 0 && static_cast<std::uint64_t>(*run_.refused_ordinal) < upload_.batch.items.size();
        if (names_row)
            named.push_back(refusal_of(upload_.batch.items[static_cast<std::size_t>(*run_.refused_ordinal)], std::move(why)));
        else if (upload_.batch.items.size() == 1 && too_many_set_aside())
            give_up(std::move(why));
        else if (upload_.batch.items.size() == 1)
            named.push_back(refusal_of(upload_.batch.items.front(), std::move(why)));
        else
            halve_batch();  // until the one that is refused stands alone (W22)
        run_.refused_ordinal.reset();
        ++run_.report.retried;
        drop_session_for(std::move(named));
        return {};
    }

    // The next batches of this run have half as many rows as this one.
    void halve_batch() { batch_limit_ = (std::max<std::size_t>)(upload_.batch.items.size() / 2, 1); }

    [[nodiscard]] bool too_many_set_aside() { return ++set_aside_ > (std::max<std::size_t>)(run_.options.max_set_aside, 1); }

    // The server fails on the batch and names no row. That it opened the session tells that it works, so after the third time it is one of
    // the rows (ENGINE.md rule 12). @return whether something else than sending it again is to be done
    [[nodiscard]] bool server_failed(client_asked what, const fault& why) {
        const auto& items = upload_.batch.items;
        const auto& first = items.front().what.key;
        const auto verdict = search_.failed(std::string{run_.engine->schemas()[first.model].name}.append("/").append(first.key), items.size());
        if (verdict == culprit_search::step::again) return false;
        std::vector<commit_obstacle> named;
        if (items.size() > 1) {
            search_.narrow(what == client_asked::chunk ? upload_.sent + upload_.in_chunk : items.size());
        } else {
            if (too_many_set_aside()) return false;
            search_.passed(1);
            named.push_back(refusal_of(
                items.front(), make_fault(why.code, "the server fails whenever this change is sent: look at the record, then retry or discard it. "
                                                    "It says: ", why.detail)));
        }
        ++run_.report.retried;
        drop_session_for(std::move(named));
        return true;
    }

    // A success that cannot be read comes from something between us and the server, or from damage on the way: ask again.
    [[nodiscard]] result<void> unreadable(client_asked what, fault why, timestamp now, random_source random) {
        if (why.code == errc::too_large) return failed(what, std::move(why), std::nullopt, nullptr, now, random);
        // A table that this device does not have is no damage: it will stand there again.
        if (why.code == errc::unknown_model || !run_.try_again(std::nullopt, now, random)) give_up(std::move(why));
        return {};
    }

    client_run<Replica>& run_;
    upload upload_;
    std::size_t conflict_rounds_ = 0;
    std::unordered_set<record_key, record_key_hash> met_;  // since a commit
    std::string initialization_id_;  // the right to fill the account; empty: none
    bool without_id_ = false;  // the server refused it, so what became of the bundle is asked without it
    std::size_t reconnects_ = 0;
    std::size_t restarts_ = 0;
    std::size_t renewals_ = 0;
    std::size_t set_aside_ = 0;  // in a row, since a commit
    culprit_search search_;
    std::int64_t newest_committed_ = 0;  // of this device, in this run
    std::size_t batch_limit_ = 1000;
    std::size_t chunk_limit_ = 1000;
    std::size_t committed_limit_ = 1000;
};

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
