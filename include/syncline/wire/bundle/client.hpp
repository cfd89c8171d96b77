#ifndef SYNCLINE_WIRE_BUNDLE_CLIENT_HPP
#define SYNCLINE_WIRE_BUNDLE_CLIENT_HPP

#include <syncline/engine/replica.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/retry_after.hpp>
#include <syncline/wire/account.hpp>
#include <syncline/wire/authority_time.hpp>
#include <syncline/wire/bundle/client_connect.hpp>
#include <syncline/wire/bundle/client_hydration.hpp>
#include <syncline/wire/bundle/client_pull.hpp>
#include <syncline/wire/bundle/client_push.hpp>
#include <syncline/wire/bundle/client_run.hpp>
#include <syncline/wire/bundle/messages.hpp>
#include <syncline/wire/client_step.hpp>
#include <syncline/wire/incarnation.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The device side of the bundle wire (sheet `bundle`): a state machine without anything durable of its own. See `client_step` for how it
/// is driven. Connect: a device that is not in its account asks to be let in before anything else. Push: freeze, create, chunks, commit, committed rows, replay, and again until nothing is left; conflicts are decided on the
/// device. Pull: whole bundles, or a snapshot where history no longer reaches. A bundle with a row that cannot be read stops the pull before
/// it, with a fault that names the row, and is asked for again with the next sync.
///
/// A batch that the server fails on three times without naming a row is halved until the row that it fails on stands alone; that one then
/// waits for a person, and the rest goes through. The failures are counted in this object, across its runs.
/// @tparam Replica  a `replica<Store>`; outlives the client
template <class Replica>
class bundle_client {
    using phase = bundle_wire::client_phase;
    using asked = bundle_wire::client_asked;

public:
    explicit bundle_client(Replica& engine, bundle_client_options options = {})
        : run_(engine, std::move(options)), connect_(run_), push_(run_), pull_(run_), hydration_(run_) {}

    bundle_client(const bundle_client&) = delete;
    bundle_client& operator=(const bundle_client&) = delete;

    /// Begins a run; one that was going on is cancelled.
    void start(sync_mode mode) {
        run_.begin(mode);
        connect_.begin();
        push_.begin();
        pull_.begin();
        hydration_.begin();
        incarnations_ = 0;
    }

    /// What to do now. While an answer is awaited it says so by a `wait_step` in the far future.
    /// @return a fault of the store; then call it again when the store is usable
    [[nodiscard]] result<client_step> next(timestamp now, random_source random) {
        if (run_.awaiting != 0) return client_step{wait_step{(timestamp::max)()}};
        if (run_.ready_at && now < *run_.ready_at) return client_step{wait_step{*run_.ready_at}};
        run_.ready_at.reset();
        while (true) {
            if (run_.requests > run_.options.max_requests && run_.phase != phase::finish && run_.phase != phase::done)
                run_.end(fault{errc::bug, "the server does not come to an end: too many requests in one run"});
            result<std::optional<client_step>> step = std::optional<client_step>{};
            switch (run_.phase) {
            case phase::connect: step = connect_.next(now); break;
            case phase::push: step = push_.next(now, random); break;
            case phase::pull: step = pull_.next(now); break;
            case phase::hydrate: step = hydration_.next(now); break;
            case phase::finish:
                if (run_.mode == sync_mode::connect_only) {
                    run_.phase = phase::done;
                    break;
                }
                if (auto r = run_.engine->note_synced(now, !run_.report.why && run_.mode == sync_mode::push_then_pull); !r && !run_.report.why)
                    return std::move(r).error();
                run_.phase = phase::done;
                break;
            case phase::done: return client_step{done_step{run_.report}};
            }
            if (!step) return std::move(step).error();
            if (*step) return std::move(**step);
        }
    }

    /// Takes in the answer to the request @p token, or the transport's fault. Late answers are dropped.
    /// @return a fault of the store; then call `next` again when the store is usable
    [[nodiscard]] result<void> on(std::uint64_t token, const result<response>& answer, timestamp now, random_source random) {
        if (token != run_.awaiting || run_.awaiting == 0) return {};
        run_.awaiting = 0;
        run_.refused_code.clear();
        run_.refused_ordinal.reset();
        run_.replaced_by.clear();
        const asked what = std::exchange(run_.asked, asked::nothing);
        if (what == asked::drop_snapshot) {
            hydration_.dropped();
            return {};
        }
        if (!answer) return failed(what, answer.error(), std::nullopt, nullptr, now, random);
        if (const std::string account = told_account(*answer); !account.empty() && account != run_.account) {
            auto same = run_.engine->note_account(account, now);
            if (!same) return std::move(same).error();
            if (!*same) {
                run_.end(other_account());
                return {};
            }
            run_.account = account;
        }
        if (const auto told = told_authority_time(*answer)) run_.engine->hear(*told);
        if (!answer->ok()) {
            auto refused = bundle_wire::read_refusal(*answer, run_.options.json);
            run_.refused_ordinal = refused.row_ordinal;
            run_.refused_code = std::move(refused.code);
            run_.replaced_by = std::move(refused.replaced_by);
            return failed(what, std::move(refused.why), retry_after(*answer, now), &*answer, now, random);
        }
        switch (what) {
        case asked::connect: return connect_.on(*answer, now, random);
        case asked::pull: return pull_.on(*answer, now, random);
        case asked::make_snapshot:
        case asked::page: return hydration_.on(what, *answer, now, random);
        default: return push_.on(what, *answer, now, random);
        }
    }

    /// What was settled so far in the run.
    [[nodiscard]] const sync_result& report() const noexcept { return run_.report; }

    /// Ends the run; what was settled stays in the report.
    void cancel() {
        run_.awaiting = 0;
        run_.ready_at.reset();
        if (run_.phase != phase::done && run_.phase != phase::finish) run_.end(fault{errc::cancelled, "the sync was cancelled"});
    }

private:
    // Nothing of what the server said belongs to this state any more: build it anew, then go on.
    [[nodiscard]] result<void> meet_incarnation(const told_incarnation& of, fault why, timestamp now, random_source random) {
        auto changed = run_.note_epoch(of, now, random);
        if (!changed) return std::move(changed).error();
        push_.forget();
        hydration_.forget();
        run_.target = 0;
        // A server that is another one with one answer after the other, or says it of the one that it is told, is not asked for ever.
        if (run_.mode == sync_mode::push_only || ++incarnations_ > 3) run_.end(std::move(why));
        return {};
    }

    [[nodiscard]] result<void> failed(asked what, fault why, std::optional<duration> asked_for, const response* answer, timestamp now,
                                      random_source random) {
        if (asked_for) run_.report.not_before = (std::max)(run_.report.not_before, std::optional{later(now, *asked_for)});
        if (answer != nullptr)
            if (const auto of = refused_for_incarnation(why, *answer)) return meet_incarnation(*of, std::move(why), now, random);
        if (what == asked::connect) return connect_.failed(std::move(why), asked_for, answer, now, random);
        if (answer != nullptr && bundle_wire::tells_disconnection(why.code)) {
            run_.backoff.succeeded();
            push_.forget();
            hydration_.forget();
            return connect_.meet_disconnection(std::move(why), now, random);
        }
        switch (what) {
        case asked::pull: return pull_.failed(std::move(why), asked_for, now, random);
        case asked::make_snapshot:
        case asked::page: return hydration_.failed(what, std::move(why), asked_for, now, random);
        default: return push_.failed(what, std::move(why), asked_for, answer, now, random);
        }
    }

    bundle_wire::client_run<Replica> run_;
    bundle_wire::client_connect<Replica> connect_;
    bundle_wire::client_push<Replica> push_;
    bundle_wire::client_pull<Replica> pull_;
    bundle_wire::client_hydration<Replica> hydration_;
    std::size_t incarnations_ = 0;  // that answers refused requests for
};

SYNCLINE_NAMESPACE_END

#endif
