#ifndef SYNCLINE_WIRE_MUTATION_CLIENT_HPP
#define SYNCLINE_WIRE_MUTATION_CLIENT_HPP

#include <syncline/change/backoff.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/http_date.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/retry_after.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/authority_time.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/culprit_search.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/incarnation.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/client_options.hpp>
#include <syncline/wire/mutation/messages.hpp>
#include <syncline/wire/mutation/payload_mapper.hpp>
#include <syncline/wire/mutation/plain_messages.hpp>
#include <syncline/wire/mutation/plain_peer.hpp>
#include <syncline/wire/mutation/replies.hpp>
#include <syncline/wire/mutation/rereading.hpp>
#include <syncline/wire/mutation/witness.hpp>
#include <syncline/wire/renewal.hpp>
#include <syncline/wire/request_size.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The device side of the mutation wire (sheet `mutation`): a state machine without anything durable of its own. See `client_step` for how
/// it is driven.
///
/// A request that the server refuses, or fails on three times without naming a change, is halved until the one that it is about stands
/// alone; that one then waits for a person, and the rest goes through. The failures are counted in this object, across its runs.
/// @tparam Replica  a `replica<Store>`; outlives the client
template <class Replica>
class mutation_client {
public:
    explicit mutation_client(Replica& engine, mutation_client_options options = {})
        : engine_(&engine), options_(std::move(options)), backoff_(options_.backoff_after_failure), form_{options_.plain, options_.inbound}, peer_(options_.max_attempts) {}

    /// Begins a run; one that was going on is cancelled.
    void start(sync_mode mode) {
        mode_ = mode;
        phase_ = mode == sync_mode::connect_only ? phase::done : mode == sync_mode::pull_only ? phase::pull : phase::push;
        report_ = {};
        awaiting_ = 0;
        ready_at_.reset();
        requests_ = incarnations_ = walks_ = set_aside_ = 0;
        size_.start(options_.batch_size == 0 ? 100'000 : options_.batch_size, options_.grown_batch_size);
        own_.clear();
        page_limit_ = options_.page_size == 0 ? 1000 : options_.page_size;
        suspected_.reset();
        refused_alone_.clear();
        rereading_.started();
        backoff_.succeeded();
        walk_started_.reset();
        push_after_pull_ = pulled_first_ = meeting_ = met_ = pulled_all_ = decided_ = renewed_ = false;
        given_id_ = options_.client_id ? options_.client_id() : std::string{};
        peer_.started();
    }

    /// What to do now. While an answer is awaited it says so by a `wait_step` in the far future.
    [[nodiscard]] result<client_step> next(timestamp now, random_source random) {
        if (awaiting_ != 0) return client_step{wait_step{(timestamp::max)()}};
        if (ready_at_ && now < *ready_at_) return client_step{wait_step{*ready_at_}};
        ready_at_.reset();
        while (true) {
            if (requests_ > options_.max_requests && (phase_ == phase::push || phase_ == phase::pull))
                end(fault{errc::bug, "the server does not come to an end: too many requests in one run"});
            if (phase_ == phase::done) return client_step{done_step{report_}};
            if (phase_ == phase::finish) {
                if (auto r = engine_->note_synced(now, !report_.why && mode_ == sync_mode::push_then_pull); !r && !report_.why) return std::move(r).error();
                phase_ = phase::done;
                continue;
            }
            if (phase_ == phase::push) {
                auto first = pulls_first(now);
                if (!first) return std::move(first).error();
                if (*first) continue;
                auto step = next_push(now, random);
                if (!step) return std::move(step).error();
                if (*step) return std::move(**step);
                phase_ = mode_ == sync_mode::push_only || pulled_all_ ? phase::finish : phase::pull;
                backoff_.succeeded();
                continue;
            }
            auto step = next_pull(now);
            if (!step) return std::move(step).error();
            if (*step) return std::move(**step);
        }
    }

    /// Takes in the answer to the request @p token, or the transport's fault. Late answers are dropped.
    /// @return a fault of the store; then call `next` again when the store is usable
    [[nodiscard]] result<void> on(std::uint64_t token, const result<response>& answer, timestamp now, random_source random) {
        if (token != awaiting_ || awaiting_ == 0) return {};
        awaiting_ = 0;
        if (suspected_) return on_probed(answer, now);
        if (!answer) return failed(answer.error(), std::nullopt, now, random);
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
        if (!answer->ok()) return failed(fault_of(*answer), retry_after(*answer, now), now, random, &*answer);
        return phase_ == phase::push ? on_pushed(*answer, now, random) : on_pulled(*answer, now, random);
    }

    /// What was settled so far in the run.
    [[nodiscard]] const sync_result& report() const noexcept { return report_; }

    /// Ends the run; what was settled stays in the report.
    void cancel() {
        awaiting_ = 0;
        if (phase_ == phase::push || phase_ == phase::pull) end(fault{errc::cancelled, "the sync was cancelled"});
    }

private:
    enum class phase : std::uint8_t { push, pull, finish, done };

    void end(fault why) {
        if (!report_.why) report_.why = std::move(why);
        phase_ = phase::finish;
    }

    // Whether a server that is another incarnation with one answer after the other, or says it of the one that it is told, was asked enough.
    [[nodiscard]] bool too_many_incarnations(const fault& why) {
        if (++incarnations_ <= 3) return false;
        end(why);
        return true;
    }

    [[nodiscard]] client_step send(std::string path, std::string body) {
        send_step step;
        awaiting_ = step.token = ++last_token_;
        ++requests_;
        step.what.method = http_method::post;
        step.what.path = std::move(path);
        step.what.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}, {"X-Tether-Client-Version", "syncline"}};
        if (!account_.empty()) step.what.headers.push_back({std::string{account_header}, account_});
        step.what.body = std::move(body);
        return step;
    }

    // A device that must rehydrate, perhaps because the authority is a new incarnation, sends nothing on what it knew before (ENGINE.md
    // rule 10); one of a foreign server sees what others did first. @return whether the phase was changed for it
    [[nodiscard]] result<bool> pulls_first(timestamp now) {
        auto standing = engine_->standing(now);
        if (!standing) return std::move(standing).error();
        account_ = standing->state.account;
        if (standing->state.epoch.empty() && standing->has.intents && options_.pull_first && !met_) {
            met_ = meeting_ = true;
            phase_ = phase::pull;
            return true;
        }
        if (numbers_rows_here(standing->state)) {
            // What is in flight comes first: no page is taken while it is unsettled. A server that takes whole rows is then told the newest ones.
            if (standing->has.frozen) return false;
            if (!standing->state.needs_hydration && options_.pull_first && !pulled_first_ && standing->has.intents) {
                pulled_first_ = push_after_pull_ = true;
                phase_ = phase::pull;
                return true;
            }
        }
        if (!standing->state.needs_hydration) return false;
        if (mode_ == sync_mode::push_only)
            end(fault{errc::epoch_changed, "this device must build its state anew before it sends anything: pull, or run a whole sync"});
        phase_ = mode_ == sync_mode::push_only ? phase::finish : phase::pull;
        push_after_pull_ = true;
        return true;
    }

    [[nodiscard]] result<std::optional<client_step>> next_push(timestamp now, random_source random) {
        if (suspected_) {
            // A push of nothing tells whether it is the server that fails, or one of the changes.
            auto standing = engine_->standing(now);
            if (!standing) return std::move(standing).error();
            return std::optional<client_step>{
                send(options_.push_path, mutation_wire::write_push(engine_->schemas(), client_id(standing->state), standing->state.epoch, {}, 0))};
        }
        std::vector<waiting_change> set_aside;
        auto batch = engine_->freeze_more(size_.batch(), random, now, &set_aside);
        if (!batch) return std::move(batch).error();
        report_.note(set_aside);
        if (!*batch) return std::optional<client_step>{};
        auto standing = engine_->standing(now);
        if (!standing) return std::move(standing).error();
        batch_ = std::move(**batch);
        pulled_all_ = false;
        const bool asks = !refused_alone_.empty();
        if (asks && !mutation_wire::bring_witness(engine_->schemas(), batch_, refused_alone_, random)) {
            // Of a single change, a push of nothing is to tell.
            fault why = std::move(refused_alone_.front().second);
            const bool single = refused_alone_.size() == 1;
            refused_alone_.clear();
            if (single) suspected_ = suspicion{std::move(why), true};
            else if (auto r = give_up(std::move(why)); !r) return std::move(r).error();
            in_request_ = 1;
            return single ? next_push(now, random) : result<std::optional<client_step>>{wait_step{now}};
        }
        in_request_ = asks ? 1 : (std::min)(search_.limit(size_.request()), batch_.items.size());
        checkpoint_ = standing->state.checkpoint;
        epoch_ = standing->state.epoch;
        if (numbers_rows_here(standing->state)) return next_plain_push(client_id(standing->state), now);
        mutation_wire::shaped_batch shaped;
        if (options_.outbound) shaped = mutation_wire::shape_batch(options_.outbound, engine_->schemas(), batch_.items, in_request_);
        if (shaped.refused) return kept_back(shaped.refused->first, std::move(shaped.refused->second), now);
        std::string body = mutation_wire::write_push(engine_->schemas(), client_id(standing->state), epoch_, options_.outbound ? shaped.items : batch_.items,
                                                     in_request_, mark());
        request_octets_ = body.size();
        return std::optional<client_step>{send(options_.push_path, std::move(body))};
    }

    // What is not sent waits for a person; the rest goes out with the next request.
    [[nodiscard]] result<std::optional<client_step>> kept_back(const mutation_id& id, fault why, timestamp now) {
        if (auto r = refuse(id, std::move(why), now); !r) return std::move(r).error();
        return std::optional<client_step>{wait_step{now}};
    }
    [[nodiscard]] result<void> refuse(const mutation_id& id, fault why, timestamp now) {
        outcome o;
        o.id = id;
        o.kind = outcome_kind::refused;
        o.why = wait_reason{why.code, std::move(why.detail)};
        if (auto settled = settle({std::move(o)}, now); !settled) return std::move(settled).error();
        return {};
    }

    [[nodiscard]] result<std::optional<client_step>> next_plain_push(const std::string& client_id, timestamp now) {
        std::vector<mutation_wire::plain_mutation> mutations;
        for (std::size_t i = 0; i < in_request_; ++i) {
            const batch_item& item = batch_.items[i];
            mutation_wire::plain_mutation m{&item, batch_.rows[i], peer_.seen_until(item.what)};
            if (item.what.op != operation::erase)
                if (auto r = mutation_wire::shape_row(options_.outbound, engine_->schemas()[item.what.key.model], item.what.key, m.row); !r)
                    return kept_back(item.id, std::move(r).error(), now);
            mutations.push_back(std::move(m));
        }
        return std::optional<client_step>{send(options_.push_path, mutation_wire::write_plain_push(engine_->schemas(), client_id, epoch_, mutations,
                                                                                                   batch_.head.id, options_.plain))};
    }

    // Under an id that the host gives, which several devices may share, numbers of this one mean nothing.
    [[nodiscard]] std::optional<batch_mark> mark() const {
        if (!given_id_.empty() || batch_.head.token.empty()) return std::nullopt;
        return batch_mark{batch_.head.id, batch_.head.token};
    }

    [[nodiscard]] const std::string& client_id(const replica_state& state) const noexcept { return given_id_.empty() ? state.source_id : given_id_; }

    [[nodiscard]] result<std::optional<client_step>> next_pull(timestamp now) {
        auto standing = engine_->standing(now);
        if (!standing) return std::move(standing).error();
        const auto& state = standing->state;
        account_ = state.account;
        epoch_ = state.epoch;
        const bool plain = numbers_rows_here(state);
        if (plain && standing->has.frozen) {
            end(fault{errc::busy, "changes are on their way and the server has not said what became of them; nothing is pulled until it has"});
            return std::optional<client_step>{};
        }
        asked_at_ = now;
        pull_query query;
        query.limit = page_limit_;
        walking_ = state.needs_hydration;
        if (!walking_ && !plain) query.own = own_;
        if (!walking_ && standing->has.unread) {
            if (auto r = rereading_.begin(*engine_, epoch_, form_, options_, now, report_); !r) return std::move(r).error();
            if (!plain) query.again = rereading_.ask(options_.ask_again);
        }
        if (meeting_) {
            query.limit = 1;
        } else if (walking_) {
            query.from = state.hydration_session.empty() ? 0 : state.hydration_position;
            query.walk_started = mutation_wire::walk_of(state.hydration_session);
        } else {
            query.from = state.checkpoint;
            query.walk_started = walk_started_;
        }
        asked_from_ = query.from;
        if (standing->has.frozen) {
            auto ids = engine_->in_flight(now);
            if (!ids) return std::move(ids).error();
            query.in_flight = std::move(*ids);
        }
        session_ = state.hydration_session;
        if (plain) query.walk_started.reset();
        return std::optional<client_step>{send(options_.pull_path, mutation_wire::write_pull(engine_->schemas(), client_id(state), state.epoch, query))};
    }

    [[nodiscard]] result<void> on_pushed(const response& answer, timestamp now, random_source random) {
        std::vector<batch_item> sent(batch_.items.begin(), batch_.items.begin() + static_cast<std::ptrdiff_t>(in_request_));
        auto reply = mutation_wire::read_any_push_answer(answer, engine_->schemas(), sent, epoch_, form_, options_);
        if (!reply) {
            if (reply.error().code == errc::too_large && smaller()) return {};
            return unreadable(fault_of_body(answer, std::move(reply).error()), now, random);
        }
        search_.passed(in_request_);
        auto epoch = engine_->note_epoch(reply->epoch, {}, random, now);
        if (!epoch) return std::move(epoch).error();
        if (reply->epoch == unversioned_epoch)
            if (const auto told = peer_.judge(reply->outcomes, sent, told_date(answer))) engine_->hear(*told);
        auto settled = settle(reply->outcomes, now);
        if (!settled) return std::move(settled).error();
        if (reply->told_whole != 0 && reply->outcomes.size() == sent.size() && *settled && own_.size() < mutation_wire::max_own_bundles)
            own_.push_back(reply->told_whole);
        // Be it only for the versions of the own changes: a pull brings what the head has and the checkpoint has not.
        report_.behind = report_.behind || reply->head_stamp > checkpoint_;
        std::size_t decided = 0;
        for (const auto& o : reply->outcomes) decided += o.kind != outcome_kind::error ? 1 : 0;
        if (decided != 0) {
            decided_ = true;
            for (auto& [id, why] : std::exchange(refused_alone_, {}))
                if (auto r = refuse_alone(id, std::move(why), now); !r) return r;
            if (decided == sent.size() && reply->epoch != unversioned_epoch) size_.passed(in_request_, request_octets_);
            set_aside_ = 0;
            backoff_.succeeded();
            if (reply->epoch == unversioned_epoch && decided < sent.size()) static_cast<void>(try_again(std::nullopt, now, random));
            return {};
        }
        if (reply->unreadable != 0)
            return unreadable(fault{errc::malformed_message, "the server answers with outcomes that cannot be read; the changes stay queued"}, now, random);
        return failed(fault{errc::internal, "the server could not decide any of the changes now; they stay queued and will be sent again"},
                      std::nullopt, now, random);
    }

    // Settles what is said of the batch in flight, and reports it.
    // @return whether the authority's rows are known for all that was applied
    [[nodiscard]] result<bool> settle(const std::vector<outcome>& outcomes, timestamp now) {
        auto settled = engine_->settle(batch_.head.id, outcomes, now);
        if (!settled) return std::move(settled).error();
        report_.pushed += settled->applied + settled->superseded;
        report_.failed += settled->refused;
        report_.note(engine_->schemas(), settled->conflicts);
        for (const auto& o : outcomes) {
            if (o.kind != outcome_kind::refused && o.kind != outcome_kind::held) continue;
            const auto item = std::find_if(batch_.items.begin(), batch_.items.end(), [&](const batch_item& i) { return i.id == o.id; });
            if (item != batch_.items.end()) report_.rejections.push_back({o.id, item->what.key, o.kind, o.why.value_or(wait_reason{}), o.messages});
        }
        return !settled->stale && settled->provisional == 0;
    }

    [[nodiscard]] result<void> on_pulled(const response& answer, timestamp now, random_source random) {
        auto reply = mutation_wire::read_any_page(answer, engine_->schemas(), asked_from_, epoch_, form_, options_);
        if (!reply) {
            if (reply.error().code == errc::too_large && smaller_page()) return {};
            return unreadable(fault_of_body(answer, std::move(reply).error()), now, random);
        }
        auto epoch = engine_->note_epoch(reply->epoch, {}, random, now);
        if (!epoch) return std::move(epoch).error();
        if (std::exchange(meeting_, false)) {
            phase_ = phase::push;
            backoff_.succeeded();
            return {};
        }
        if (*epoch) {  // the page belongs to another incarnation than the state: start over
            static_cast<void>(too_many_incarnations(fault{errc::epoch_changed, "the server's data is a new incarnation again and again"}));
            return {};
        }
        if (reply->rows.more && reply->rows.next == asked_from_) {
            end(fault{errc::malformed_message, "the server says that there is more, but its cursor does not move; pulling on would never end"});
            return {};
        }
        backoff_.succeeded();
        result<apply_report> done = walking_ ? stage(*reply, now) : engine_->apply(reply->rows, now);
        if (!done) return std::move(done).error();
        if (!walking_ && asked_from_ == 0 && reply->rows.more) walk_started_ = reply->head_stamp;
        report_.pulled += done->applied;
        report_.pull_errors += done->quarantined + done->unread;
        if (!done->stale) rereading_.answered();
        report_.note(engine_->schemas(), done->conflicts);
        report_.lost += done->lost;
        report_.hydrated = report_.hydrated || done->hydrated;
        report_.differed += done->differed;
        if (!done->stale) report_.behind = reply->rows.more;
        if (!reply->rows.more && !done->stale && reply->epoch == unversioned_epoch) {
            peer_.pulled(told_date(answer).value_or(asked_at_));
            pulled_all_ = true;
        }
        if (!reply->rows.more && !done->stale) phase_ = std::exchange(push_after_pull_, false) ? phase::push : phase::finish;
        return {};
    }

    // A rehydration is a walk from the first row to the last, staged beside the tables; its name holds the stamp at which it began.
    [[nodiscard]] result<apply_report> stage(const mutation_wire::pull_reply& reply, timestamp now) {
        return engine_->stage(session_.empty() ? mutation_wire::walk_name(reply.head_stamp) : session_, asked_from_, reply.rows.next, reply.rows.head_seq, reply.rows.rows,
                              reply.rows.more ? std::optional<cursor>{} : std::optional<cursor>{reply.rows.next}, now, reply.rows.unread, true);
    }

    [[nodiscard]] result<void> failed(fault why, std::optional<duration> asked, timestamp now, random_source random, const response* answer = nullptr) {
        if (phase_ == phase::push) size_.failed();
        if (asked) report_.not_before = (std::max)(report_.not_before, std::optional{later(now, *asked)});
        if (answer != nullptr)
            if (const auto of = refused_for_incarnation(why, *answer)) {
                auto changed = engine_->note_epoch(of->epoch, of->lost, random, now);
                if (!changed) return std::move(changed).error();
                if (too_many_incarnations(why)) return {};
                push_after_pull_ = push_after_pull_ || phase_ == phase::push;  // what waits goes out once the state is built anew
                phase_ = mode_ == sync_mode::push_only ? phase::push : phase::pull;
                if (mode_ == sync_mode::push_only) end(std::move(why));
                return {};
            }
        if (phase_ == phase::pull && (why.code == errc::history_pruned || why.code == errc::invalid_cursor)) {
            if (++walks_ > 5) return give_up(std::move(why));  // a server that never has what a walk needs is not asked for ever
            return engine_->begin_hydration(now);
        }
        if (phase_ == phase::pull && why.code == errc::too_large && smaller_page()) return {};
        if (phase_ == phase::push && answer != nullptr && why.code == errc::out_of_sequence && !std::exchange(renewed_, true)) {
            auto held = renew_source(*engine_, random, true, now);
            if (!held) return std::move(held).error();
            report_.failed += *held;
            return {};
        }
        const bool refused = answer != nullptr && (answer->status == 400 || answer->status == 413 || answer->status == 422);
        if (phase_ == phase::push && (why.code == errc::too_large || (refused && category_of(why.code) == fault_category::fix_request))) {
            // The request as a whole was refused: halve it until the one that is refused stands alone (W22).
            if (smaller()) {
                decided_ = false;
                return {};
            }
            const bool knows = why.code == errc::too_large || decided_;  // that it is this change which it refuses
            if (knows) return set_aside(std::move(why), now);
            if (refused_alone_.size() >= (std::max<std::size_t>)(options_.max_set_aside, 1)) return give_up(std::move(why));
            refused_alone_.emplace_back(batch_.items.front().id, std::move(why));
            ++report_.retried;
            return {};
        }
        if (phase_ == phase::push && answer != nullptr && failed_inside(*answer)) {
            const auto verdict = search_.failed(batch_.items.front().id, in_request_);
            if (verdict != culprit_search::step::again) {
                backoff_.succeeded();
                ++report_.retried;
                if (verdict == culprit_search::step::suspect) suspected_ = suspicion{std::move(why), false};
                return {};
            }
        }
        if (category_of(why.code) == fault_category::retry && try_again(asked, now, random)) return {};
        return give_up(std::move(why));
    }

    // A success that cannot be read comes from something between us and the server, or from damage on the way, and a push may have taken
    // effect: it is asked for again under the same ids.
    [[nodiscard]] result<void> unreadable(fault why, timestamp now, random_source random) {
        if (why.code != errc::unsupported && try_again(std::nullopt, now, random)) return {};
        return give_up(std::move(why));
    }

    [[nodiscard]] bool try_again(std::optional<duration> asked, timestamp now, random_source random) {
        if (meeting_ && !asked) return false;
        auto again = backoff_.failed(now, random, asked);
        if (!again) return false;
        ready_at_ = again;
        ++report_.retried;
        return true;
    }

    [[nodiscard]] bool smaller() {
        if (!size_.halve(in_request_)) return false;
        ++report_.retried;
        return true;
    }
    [[nodiscard]] bool smaller_page() {
        if (page_limit_ < 2) return false;
        page_limit_ /= 2;
        ++report_.retried;
        return true;
    }

    // The answer to a push of nothing. @pre `suspected_`
    [[nodiscard]] result<void> on_probed(const result<response>& answer, timestamp now) {
        auto [why, refused] = std::move(*std::exchange(suspected_, std::nullopt));
        if (!answer || !(answer->ok() || answer->status == 400 || answer->status == 422)) return give_up(std::move(why));
        if (refused) {
            // A server that says the same of nothing says it of whatever it is sent.
            const fault of_nothing = answer->ok() ? fault{} : fault_of(*answer);
            if (!answer->ok() && of_nothing.code == why.code && of_nothing.detail == why.detail) return give_up(std::move(why));
            return set_aside(std::move(why), now);
        }
        if (in_request_ > 1) {
            search_.narrow(in_request_);
            return {};
        }
        search_.passed(1);
        why.detail.insert(0, "the server fails whenever this change is sent; whether it took effect is not known: compare with the record, "
                             "then retry or discard it. It says: ");
        return set_aside(std::move(why), now);
    }

    [[nodiscard]] result<void> give_up(fault why) {
        if (std::exchange(meeting_, false) && why.code != errc::unauthenticated) {
            // It was only to tell who is there.
            phase_ = phase::push;
            backoff_.succeeded();
            return {};
        }
        if (phase_ == phase::push && mode_ == sync_mode::push_then_pull && why.code != errc::unauthenticated) {
            // What cannot be sent must not keep the device from receiving.
            report_.why = std::move(why);
            phase_ = phase::pull;
            backoff_.succeeded();
            return {};
        }
        end(std::move(why));
        return {};
    }

    [[nodiscard]] result<void> set_aside(fault why, timestamp now) {
        if (set_aside_ >= (std::max<std::size_t>)(options_.max_set_aside, 1)) return give_up(std::move(why));
        ++set_aside_;
        return refuse_alone(batch_.items.front().id, std::move(why), now);
    }
    // The next one that is refused needs a proof of its own.
    [[nodiscard]] result<void> refuse_alone(const mutation_id& id, fault why, timestamp now) {
        decided_ = false;
        size_.found();
        return refuse(id, std::move(why), now);
    }

    Replica* engine_;
    mutation_client_options options_;
    backoff backoff_;
    sync_mode mode_ = sync_mode::push_then_pull;
    phase phase_ = phase::done;
    sync_result report_;
    std::uint64_t last_token_ = 0;
    std::string account_;  // whose data the device holds, as far as it knows
    std::uint64_t awaiting_ = 0;
    std::optional<timestamp> ready_at_;
    std::size_t requests_ = 0;
    std::size_t incarnations_ = 0;  // that this run met
    std::size_t walks_ = 0;         // that it had to begin since history was gone
    request_size size_;
    std::size_t request_octets_ = 0;  // of the last push
    std::vector<std::int64_t> own_;  // bundles of this run's pushes whose rows need not come again
    std::size_t page_limit_ = 1000;
    std::size_t in_request_ = 0;
    std::size_t set_aside_ = 0;  // in a row, since the server decided something
    culprit_search search_;
    struct suspicion {
        fault why;
        bool refused = false;  // the request was; otherwise the server failed
    };
    std::optional<suspicion> suspected_;        // a push of nothing is to tell whether the server works
    std::vector<mutation_wire::refused_change> refused_alone_;  // another one is to tell whether the server does so with any
    bool decided_ = false;  // the server decided something in this run, since it last refused a request for a change that is looked for
    bool renewed_ = false;  // the device took a new source, in this run
    mutation_wire::rereading rereading_;
    frozen_batch batch_;
    bool walking_ = false;
    bool push_after_pull_ = false;
    cursor checkpoint_ = 0;  // when the last push was sent
    cursor asked_from_ = 0;
    std::string session_;
    std::optional<cursor> walk_started_;
    std::string given_id_;
    std::string epoch_;  // that the last request named
    bool pulled_first_ = false;
    bool pulled_all_ = false;  // and sent nothing since
    bool meeting_ = false;  // a page is asked for only to learn whether the server is a foreign one
    bool met_ = false;      // it was, in this run
    timestamp asked_at_{};  // when the last pull was sent
    mutation_wire::plain_form form_;
    plain_peer peer_;
};

SYNCLINE_NAMESPACE_END

#endif
