#ifndef SYNCLINE_ENGINE_REPLICA_HPP
#define SYNCLINE_ENGINE_REPLICA_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/incarnation.hpp>
#include <syncline/change/queue_rules.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/conflict/decide.hpp>
#include <syncline/engine/account_change.hpp>
#include <syncline/engine/attachment.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/batch_settlement.hpp>
#include <syncline/engine/bundle_conflicts.hpp>
#include <syncline/engine/bundle_replay.hpp>
#include <syncline/engine/freezing.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_intake.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/engine/scope_connection.hpp>
#include <syncline/engine/source_renewal.hpp>
#include <syncline/engine/unread_rows.hpp>
#include <syncline/engine/unversioned_rows.hpp>
#include <syncline/engine/waiting_changes.hpp>
#include <syncline/engine/waiting_explanation.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/references.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/storage/write_time.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The device-side engine, one under both wires: keeps `visible = open(frozen(base))`, freezes what the app did into batches, and
/// takes in outcomes, pages, bundles and snapshots. Does no I/O but through its store, reads no clock, draws no randomness.
///
/// Every call is one transaction of the store: dropping the replica between any two calls is a crash, and a crash is safe. Late and
/// repeated answers are told by batch id and checkpoint and change nothing. One object is used by one thread at a time.
/// @tparam Store  models `replica_store`; outlives the replica
template <replica_store Store>
class replica {
public:
    explicit replica(Store& store, resolver_set resolvers = resolver_set{}, replica_options options = {})
        : store_(&store), resolvers_(std::move(resolvers)), options_(options) {}

    [[nodiscard]] const schema_set& schemas() const { return store_->schemas(); }

    /// Names the source on the first start of this store, and takes in what the app did while nobody looked.
    [[nodiscard]] result<void> open(random_source random, timestamp now) {
        return run(now, [&](work& w) -> result<void> {
            if (w.state.source_id.empty()) w.state.source_id = to_string(make_uuid_v4(random));
            return {};
        });
    }

    /// Hears the authority's clock, as an answer of it tells: at least the time of every row in that answer. To be called before the answer
    /// is taken in. It is kept with whatever the next call writes, so a row and its time become durable together: no edit that the user makes
    /// after seeing the row is timed before it, up to `replica_options::max_clock_drift`.
    void hear(timestamp authority) noexcept { heard_ = (std::max)(heard_, authority); }

    /// Takes in what the app did since the last call, as every other call does first by itself. @return how many records were edited
    [[nodiscard]] result<std::size_t> absorb(timestamp now) {
        std::size_t absorbed = 0;
        auto done = run(now, [&](work& w) -> result<void> {
            absorbed = w.absorbed;
            return {};
        });
        return with(std::move(done), std::move(absorbed));
    }

    /// Takes in what the app did, and tells where the device stands, in a time that does not depend on how much waits.
    [[nodiscard]] result<replica_standing> standing(timestamp now) {
        replica_standing out;
        auto done = run(now, [&](work& w) -> result<void> {
            auto has = w.t.presence();
            if (!has) return std::move(has).error();
            out.has = *has;
            out.state = w.state;
            return {};
        });
        return with(std::move(done), std::move(out));
    }

    /// The same with everything counted, for people.
    [[nodiscard]] result<replica_status> status(timestamp now) {
        replica_status out;
        auto done = run(now, [&](work& w) -> result<void> {
            auto counts = w.t.counts();
            if (!counts) return std::move(counts).error();
            out.counts = *counts;
            out.state = w.state;
            return {};
        });
        return with(std::move(done), std::move(out));
    }

    /// The batch in flight; or, where there is none, freezes the next one: at most @p limit open intents that wait for nothing, in the
    /// order of sending, get their ids here (ENGINE.md rule 4). Nothing: there is nothing to send.
    /// @param numbered  bundle wire: the batch gets the source's next bundle number   @param set_aside  see `freeze_batch`
    [[nodiscard]] result<std::optional<frozen_batch>> freeze(std::size_t limit, bool numbered, random_source random, timestamp now, std::vector<waiting_change>* set_aside = nullptr) {
        return freeze_with(limit, numbered, batch_growth::none, random, now, set_aside);
    }

    /// Mutation wire: the same, and a batch that the authority has answered and left undecided is filled up to @p limit.
    [[nodiscard]] result<std::optional<frozen_batch>> freeze_more(std::size_t limit, random_source random, timestamp now, std::vector<waiting_change>* set_aside = nullptr) {
        return freeze_with(limit, false, batch_growth::fill_up, random, now, set_aside);
    }

    /// The ids of the batch in flight, for a pull: rows that contain one of them say so.
    [[nodiscard]] result<std::vector<mutation_id>> in_flight(timestamp now) {
        std::vector<mutation_id> out;
        auto done = run(now, [&](work& w) -> result<void> {
            std::vector<batch_item> items;
            if (auto r = frozen_items_of(w.t, items); !r) return r;
            for (auto& item : items) out.push_back(std::move(item.id));
            return {};
        });
        return with(std::move(done), std::move(out));
    }

    /// Mutation wire: takes in the outcomes of the batch @p batch_id. Mutations without an outcome stay frozen under their ids.
    [[nodiscard]] result<settle_report> settle(std::uint64_t batch_id, const std::vector<outcome>& outcomes, timestamp now) {
        settle_report report;
        auto done = run(now, [&](work& w) -> result<void> {
            auto current = w.t.current_batch();
            if (!current) return std::move(current).error();
            if (!*current || (*current)->id != batch_id) {
                report.stale = true;
                return {};
            }
            batch_settlement<transaction> settlement{w.t, w.rows, w.intake, w.unversioned, w.state, w.clock};
            if (auto r = settlement.take(outcomes, resolvers_, heard_, now); !r) return r;
            report = std::move(settlement).report();
            return {};
        });
        return with(std::move(done), std::move(report));
    }

    /// Mutation wire: takes in one page and moves the checkpoint, in one transaction (ENGINE.md rule 6). Rows go under pending intents;
    /// one that the app's table refuses, or that refers to a record which is not there, is quarantined and tried again with every later page;
    /// one that could not be read is kept aside. Of an authority without versions no page is taken while a batch is unsettled, and its
    /// cursor is opaque.
    [[nodiscard]] result<apply_report> apply(page p, timestamp now) {
        apply_report report;
        auto done = run(now, [&](work& w) -> result<void> {
            auto taken = takes_rows(w);
            if (!taken) return std::move(taken).error();
            const bool next = numbers_rows_here(w.state) ? w.state.checkpoint == p.from : continues(w.state.checkpoint, p.from, p.next);
            if (w.state.needs_hydration || !next || !*taken) {
                report.stale = true;
                return {};
            }
            if (auto r = number(w, p.rows, p.unread); !r) return r;
            if (auto r = w.intake.take(p.rows, true, report); !r) return r;
            if (auto r = w.unread.released_by(p.rows); !r) return r;
            if (auto r = w.unread.forget(p.gone); !r) return r;
            if (auto r = w.unread.keep(p.unread, report); !r) return r;
            if (auto r = w.intake.retry_quarantined(report); !r) return r;
            if (auto r = w.intake.settle_references(true, &report); !r) return r;
            w.state.checkpoint = p.next;
            return {};
        });
        return with(std::move(done), std::move(report));
    }

    /// Bundle wire: remembers that the authority acknowledged the commit of batch @p batch_id.
    /// @return whether that batch was still in flight
    [[nodiscard]] result<bool> committed(std::uint64_t batch_id, std::int64_t seq, std::string hash, timestamp now) {
        bool ours = false;
        auto done = run(now, [&](work& w) -> result<void> {
            auto current = w.t.current_batch();
            if (!current) return std::move(current).error();
            if (!*current || (*current)->id != batch_id) return {};
            ours = true;
            batch b = **current;
            b.state = batch_state::committed_remote;
            b.committed_seq = seq;
            b.committed_hash = std::move(hash);
            w.state.initialization_id.clear();  // it is used up
            return w.t.put_batch(b);
        });
        return with(std::move(done), std::move(ours));
    }

    /// Bundle wire: replays the committed rows of batch @p batch_id: they become the base, the frozen layer goes, and the source's next
    /// number is due. The checkpoint moves when the bundle is the next one.
    /// @param rows  nullptr: the authority no longer keeps them; the device must rehydrate
    [[nodiscard]] result<apply_report> replay(std::uint64_t batch_id, std::int64_t seq, const std::vector<row_image>* rows, timestamp now) {
        apply_report report;
        auto done = run(now, [&](work& w) -> result<void> { return replay_bundle(w.t, w.rows, w.intake, w.state, batch_id, seq, rows, report); });
        return with(std::move(done), std::move(report));
    }

    /// Bundle wire: takes in one bundle and moves the checkpoint to it, in one transaction. While a batch is unsettled no bundle is taken:
    /// its rows could not be told from the batch's own (ENGINE.md, apply). Rows of a picture or of a commit that were quarantined are tried again.
    /// @return a fault for which `refuses_row` holds when the app's table refuses a row or one dangles: then the whole bundle waits and is asked for again
    [[nodiscard]] result<apply_report> apply_bundle(cursor from, std::int64_t seq, const std::vector<row_image>& rows, timestamp now) {
        apply_report report;
        auto done = run(now, [&](work& w) -> result<void> {
            auto current = w.t.current_batch();
            if (!current) return std::move(current).error();
            if (*current || w.state.needs_hydration || !continues(w.state.checkpoint, from, seq)) {
                report.stale = true;
                return {};
            }
            if (auto r = w.intake.take(rows, false, report); !r) return r;
            if (auto r = w.intake.retry_quarantined(report); !r) return r;
            if (auto r = w.intake.settle_references(false, &report); !r) return r;
            w.state.checkpoint = seq;
            return {};
        });
        return with(std::move(done), std::move(report));
    }

    /// Bundle wire: takes in why batch @p batch_id could not commit. The batch is thawed; version conflicts are decided here, by the resolver,
    /// on the frozen intent with the open one above it (ENGINE.md rule 1); a row that was refused waits; the rest is free to be frozen anew.
    /// @pre for a refusal or a cascade: the batch's push session is known to be dead (ENGINE.md rule 12)
    [[nodiscard]] result<settle_report> obstructed(std::uint64_t batch_id, const std::vector<commit_obstacle>& obstacles, timestamp now) {
        settle_report report;
        auto done = run(now, [&](work& w) -> result<void> {
            auto current = w.t.current_batch();
            if (!current) return std::move(current).error();
            if (!*current || (*current)->id != batch_id || (*current)->state != batch_state::prepared) {
                report.stale = true;
                return {};
            }
            std::vector<batch_item> items;
            if (auto r = frozen_items_of(w.t, items); !r) return r;
            bundle_conflicts<transaction> conflicts{w.t, schemas(), resolvers_, w.rows, w.state, w.clock, heard_, now};
            auto outcome = conflicts.settle(items, obstacles);
            if (!outcome) return std::move(outcome).error();
            report = std::move(*outcome);
            return {};
        });
        return with(std::move(done), std::move(report));
    }

    /// The source's history is broken (`errc::out_of_sequence`, `id_reused`, `source_retired`): a new source id, numbering from 1, and the
    /// batch in flight back to open. With @p suspect all that was not sent or not answered yet waits as `maybe_sent`, since a copy of this device may have
    /// sent it. To be called by a program too that has copied the device's data or restored it from a backup.
    /// @param reason  bundle wire: the refusal's code, where the authority is to be told of the new source, with a new picture (sheet `bundle` 2.5)
    [[nodiscard]] result<void> renew_source(random_source random, bool suspect, timestamp now, std::string reason = {}) {
        std::optional<wait_reason> why;
        if (suspect)
            why = wait_reason{errc::maybe_sent, "this device or its server was copied or restored from a backup, or another account used the device, so the "
                                                "change may have been sent before; compare with the record, then retry or discard it"};
        return run(now, [&](work& w) -> result<void> {
            if (reason.empty()) {
                if (auto r = take_new_source(w.t, w.rows, w.state, random, why); !r) return r;
            } else {
                if (auto r = take_successor(w.t, w.rows, w.state, random, why, std::move(reason)); !r) return r;
                if (auto r = hydrate_anew(w); !r) return r;
            }
            return why ? hold_open(w.t, w.rows, *why) : result<void>{};
        });
    }

    /// Starts building the state anew from the authority's picture; pending intents are kept. What was staged before is forgotten.
    [[nodiscard]] result<void> begin_hydration(timestamp now) {
        return run(now, [&](work& w) -> result<void> { return hydrate_anew(w); });
    }

    /// Stages one part of a picture, and swaps it in when it is the last.
    /// @param session   the snapshot session's id (bundle wire) or the walk's name (mutation wire)
    /// @param from      the position that the part starts at; a first part (0 of a new session) clears what was staged before
    /// @param next      the position after it
    /// @param seq       the newest `bundle_seq` that the picture contains: newer bases are kept
    /// @param cursor_after  the checkpoint once it is swapped in; nothing: more parts follow
    /// @param tells_deletions  the picture has what is gone too (mutation wire): a record that is not in it has left the view
    /// @param unread    rows of the part that could not be read (mutation wire): what the device has of their records stays
    [[nodiscard]] result<apply_report> stage(const std::string& session, std::int64_t from, std::int64_t next, std::int64_t seq,
                                             std::vector<row_image> rows, std::optional<cursor> cursor_after, timestamp now,
                                             std::vector<unread_row> unread = {}, bool tells_deletions = false) {
        apply_report report;
        auto done = run(now, [&](work& w) -> result<void> {
            auto taken = takes_rows(w);
            if (!taken) return std::move(taken).error();
            if (!w.state.needs_hydration || !*taken) {
                report.stale = true;
                return {};
            }
            if (w.state.hydration_session != session) {
                if (from != 0) {
                    report.stale = true;
                    return {};
                }
                if (auto r = w.t.clear_stage(); !r) return r;
                if (auto r = w.unread.clear(); !r) return r;  // the new picture tells of all of them again
                w.state.hydration_session = session;
                w.state.hydration_position = 0;
            }
            if (w.state.hydration_position != from) {
                report.stale = true;
                return {};
            }
            if (auto r = number(w, rows, unread); !r) return r;
            if (auto r = w.t.stage(rows); !r) return r;
            if (auto r = w.unread.released_by(rows); !r) return r;
            if (auto r = w.unread.keep(unread, report); !r) return r;
            w.state.hydration_position = next;
            if (!cursor_after) return {};
            auto kept = w.unread.records();
            if (!kept) return std::move(kept).error();
            if (auto r = give_up_anonymous(w.t, w.rows, w.state, report); !r) return r;
            return w.intake.swap(numbers_rows_here(w.state) ? w.unversioned.newest() : seq, *cursor_after, *kept, tells_deletions && !numbers_rows_here(w.state), report);
        });
        return with(std::move(done), std::move(report));
    }

    /// Notes the authority's incarnation. A device that meets a new one must rehydrate; one that holds rows of a timeline that is gone takes a
    /// new source, and a numbered batch in flight, which cannot have been committed in what is left, goes back to open (ENGINE.md rule 10).
    /// @param lost  what restores undid, as the authority tells; empty: nothing, or it does not say
    /// @return whether it changed
    [[nodiscard]] result<bool> note_epoch(const std::string& epoch, const lost_intervals& lost, random_source random, timestamp now) {
        bool changed = false;
        auto done = run(now, [&](work& w) -> result<void> {
            if (epoch.empty() || w.state.epoch == epoch) return {};
            changed = !w.state.epoch.empty();
            const bool numbered_here = numbers_rows_here(w.state);
            w.state.epoch = epoch;
            if (!changed) return {};
            w.state.checkpoint = 0;
            if (auto r = hydrate_anew(w); !r) return r;
            return numbered_here ? leave_unversioned(w.t, w.rows, w.state, random) : leave_lost_timeline(w.t, w.rows, w.state, lost, random);
        });
        return with(std::move(done), std::move(changed));
    }

    /// Notes whose data the authority says this is, when it is heard for the first time.
    /// @return whether it is what the device holds; if not, nothing was noted, and nothing of the answer may be taken in
    [[nodiscard]] result<bool> note_account(const std::string& account, timestamp now) {
        bool same = true;
        auto done = run(now, [&](work& w) -> result<void> {
            if (account.empty()) return {};
            if (w.state.account.empty()) w.state.account = account;
            same = w.state.account == account;
            return {};
        });
        return with(std::move(done), std::move(same));
    }

    /// Bundle wire: takes in how the authority lets the device in (`enter_scope`).
    /// @param drop  where it has data: changes that were made before anybody signed in are given up when its picture is swapped in
    [[nodiscard]] result<void> connected(const scope_connection& scope, bool drop, timestamp now) {
        return run(now, [&](work& w) { return enter_scope(w.t, w.state, scope, drop); });
    }

    /// Bundle wire: the authority says that the device is not let in, or not any more. It keeps everything, and asks to be let in again.
    [[nodiscard]] result<void> disconnected(random_source random, timestamp now) {
        return run(now, [&](work& w) { return leave_scope(w.t, w.rows, w.state, random); });
    }

    /// Bundle wire: the authority knows of the source that took the former one's place. @param refused  it knows another one: this one was never
    /// its successor, so a fresh one is taken, of which it is not told
    [[nodiscard]] result<void> replacement_told(bool refused, random_source random, timestamp now) {
        return run(now, [&](work& w) -> result<void> {
            w.state.replaced_source.clear();
            w.state.replacement_reason.clear();
            return refused ? take_new_source(w.t, w.rows, w.state, random, std::nullopt) : result<void>{};
        });
    }

    /// Notes whose data this is, as the host names it, for the first time. @return whether it is whose the device holds; if not, nothing was noted
    [[nodiscard]] result<bool> note_user(const std::string& user, timestamp now) {
        bool same = true;
        auto done = run(now, [&](work& w) -> result<void> {
            if (w.state.user.empty()) w.state.user = user;
            same = user.empty() || w.state.user == user;
            return {};
        });
        return with(std::move(done), std::move(same));
    }

    /// Gives the device over to whoever signs in next (`leave_account`).
    [[nodiscard]] result<void> change_account(unsent_changes unsent, random_source random, timestamp now) {
        return run(now, [&](work& w) { return leave_account(w.t, w.rows, w.unread, w.state, unsent, random); });
    }

    /// The same, where nothing is unsent or @p discard says that it may go. @return `errc::unsent`; then nothing was changed
    [[nodiscard]] result<void> detach(bool discard, random_source random, timestamp now) {
        return run(now, [&](work& w) -> result<void> {
            auto has = w.t.presence();
            if (!has) return std::move(has).error();
            if (!discard && (has->intents || has->frozen))
                return make_fault(errc::unsent, "this device has changes that were not sent, or wait for a person; sync first, or discard them");
            return leave_account(w.t, w.rows, w.unread, w.state, unsent_changes::discard, random);
        });
    }

    /// Rows that a restore of the authority from a backup took away or changed back, as they were here last, by key; at most @p limit. They
    /// are not sent again by themselves: the app, or a person, decides what to enter anew, and dismisses them.
    [[nodiscard]] result<std::vector<row_image>> lost_by_restore(std::size_t limit, timestamp now) {
        return listed(now, [&](work& w) { return w.t.lost_rows(limit); });
    }

    /// Forgets one of them; unknown ones are fine.
    [[nodiscard]] result<void> dismiss_lost(const record_key& key, timestamp now) {
        return run(now, [&](work& w) -> result<void> { return w.t.drop_lost(key); });
    }

    /// Remembers the end of a run, whatever became of it. @param whole  it pushed and pulled to its end
    [[nodiscard]] result<void> note_synced(timestamp now, bool whole) {
        return run(now, [&](work& w) -> result<void> {
            w.state.last_run_us = to_microseconds(now);
            if (whole) w.state.last_sync_us = w.state.last_run_us;
            return {};
        });
    }

    /// The intents that wait for a person, oldest first, at most @p limit.
    [[nodiscard]] result<std::vector<intent>> waiting(std::size_t limit, timestamp now) {
        return listed(now, [&](work& w) { return w.t.waiting_intents(limit); });
    }

    /// The rows that the app's table refused or that refer to a record which is not there, at most @p limit.
    [[nodiscard]] result<std::vector<quarantined_row>> quarantined(std::size_t limit, timestamp now) {
        return listed(now, [&](work& w) { return w.t.quarantined(limit); });
    }

    /// The rows that could not be read, in the order of their names, after @p after (nullptr: from the first), at most @p limit.
    [[nodiscard]] result<std::vector<unread_row>> unread(const unread_name* after, std::size_t limit, timestamp now) {
        return listed(now, [&](work& w) { return w.t.unread(after, limit); });
    }

    /// Takes in rows that were kept unread and can be read now, and releases them; tries quarantined rows again. Nothing is done while a picture is awaited.
    [[nodiscard]] result<apply_report> reread(const std::vector<std::pair<unread_name, row_image>>& rows, timestamp now) {
        apply_report report;
        auto done = run(now, [&](work& w) -> result<void> {
            auto taken = takes_rows(w);
            if (!taken) return std::move(taken).error();
            if ((report.stale = w.state.needs_hydration || !*taken)) return {};
            std::vector<unread_row> none;
            for (const auto& [name, row] : rows) {
                std::vector<row_image> one{row};
                if (auto r = number(w, one, none); !r) return r;
                if (auto r = w.intake.take(one, true, report); !r) return r;
                if (auto r = w.unread.forget({name}); !r) return r;
            }
            if (auto r = w.intake.retry_quarantined(report); !r) return r;
            return w.intake.settle_references(true, &report);
        });
        return with(std::move(done), std::move(report));
    }

    /// Gives up a row that could not be read; it is not asked for again.
    [[nodiscard]] result<void> forget_unread(const unread_name& name, timestamp now) {
        return run(now, [&](work& w) { return w.t.drop_unread(name); });
    }

    /// Sends a waiting intent again as it is, under a new id.
    /// @return `errc::absent` when nothing waits for that record
    [[nodiscard]] result<void> retry(const record_key& key, timestamp now) {
        return run(now, [&](work& w) { return waiting_in(w).retry(key); });
    }

    /// Decides a waiting intent for the client: it is laid on what the authority has now and sent again (`waiting_changes::take_client`).
    /// @return `errc::absent` when nothing waits for that record
    [[nodiscard]] result<void> take_client(const record_key& key, timestamp now) {
        return run(now, [&](work& w) { return waiting_in(w).take_client(key, {}, std::nullopt, now); });
    }

    /// Replaces fields of a waiting intent by the values of @p edits, or adds them to it, and sends it like `take_client`. What was not
    /// named stays as the user wrote it. Where nothing differs from what the authority has any more, the intent is given up.
    /// @param seen  the version that the person decided on (`waiting_explanation::server_version`); nothing: whatever is there
    /// @return `errc::absent`, `errc::stale`, and what `waiting_changes::take_client` names; `errc::constraint` when the app's table
    ///         refuses the values. Then nothing was changed
    [[nodiscard]] result<void> edit(const record_key& key, const field_changes& edits, std::optional<std::int64_t> seen, timestamp now) {
        return run(now, [&](work& w) { return waiting_in(w).take_client(key, edits, seen, now); });
    }

    /// Why an intent waits, and what the user wrote against what the authority has.
    /// @return `errc::absent` when nothing waits for that record
    [[nodiscard]] result<waiting_explanation> explain(const record_key& key, timestamp now) {
        return listed(now, [&](work& w) { return waiting_in(w).explain(key); });
    }

    /// Gives up a waiting intent: the record shows what the authority has (take the server's).
    /// @return `errc::absent` when nothing waits for that record
    [[nodiscard]] result<void> discard(const record_key& key, timestamp now) {
        return run(now, [&](work& w) { return waiting_in(w).discard(key); });
    }

private:
    using transaction = typename Store::transaction;

    struct work {
        transaction& t;
        row_placement<transaction>& rows;
        row_intake<transaction>& intake;
        unread_rows<transaction>& unread;
        unversioned_rows<transaction>& unversioned;
        replica_state& state;
        hybrid_clock& clock;
        std::size_t absorbed;
    };

    template <class Body>
    [[nodiscard]] result<void> run(timestamp now, Body&& body) {
        auto t = store_->begin();
        if (!t) return std::move(t).error();
        tell_time(*t, now);
        auto state = t->state();
        if (!state) return std::move(state).error();
        const replica_state before = *state;
        hybrid_clock clock{options_.max_clock_drift, from_microseconds(state->clock_us)};
        row_placement<transaction> rows{*t, schemas()};
        auto absorbed = rows.absorb(*state, clock, now);
        if (!absorbed) return std::move(absorbed).error();
        clock.observe(now, heard_);
        row_intake<transaction> intake{*t, rows, *state};
        unread_rows<transaction> unread{*t, schemas()};
        unversioned_rows<transaction> unversioned{*t, rows, *state};
        work w{*t, rows, intake, unread, unversioned, *state, clock, *absorbed};
        if (auto r = body(w); !r) return r;
        if (auto r = intake.finish(); !r) return r;
        state->clock_us = to_microseconds(clock.last());
        if (!(*state == before))
            if (auto r = t->put_state(*state); !r) return r;
        return t->commit();
    }

    template <class Read>
    [[nodiscard]] auto listed(timestamp now, Read read) -> decltype(read(std::declval<work&>())) {
        decltype(read(std::declval<work&>())) out = make_fault(errc::bug, "the transaction was not begun");
        auto done = run(now, [&](work& w) -> result<void> {
            out = read(w);
            return out ? result<void>{} : result<void>{out.error()};
        });
        if (!done) return std::move(done).error();
        return out;
    }

    [[nodiscard]] waiting_changes<transaction> waiting_in(work& w) { return {w.t, schemas(), w.rows, w.clock}; }

    template <class T>
    [[nodiscard]] static result<T> with(result<void> done, T out) {
        if (!done) return std::move(done).error();
        return out;
    }

    [[nodiscard]] result<std::optional<frozen_batch>> freeze_with(std::size_t limit, bool numbered, batch_growth growth, random_source random, timestamp now, std::vector<waiting_change>* set_aside) {
        std::optional<frozen_batch> out;
        auto done = run(now, [&](work& w) -> result<void> {
            if (auto r = freeze_batch(w.t, schemas(), w.state, limit, numbered, growth, random, now, out, set_aside); !r) return r;
            if (out) w.rows.note_frozen();
            if (!out || !numbers_rows_here(w.state)) return {};
            auto rows = w.unversioned.whole(out->items);
            if (!rows) return std::move(rows).error();
            out->rows = std::move(*rows);
            return {};
        });
        return with(std::move(done), std::move(out));
    }

    [[nodiscard]] static result<void> hydrate_anew(work& w) { return begin_picture(w.t, w.state); }

    // Whether rows may be taken in now: those of an authority without versions could contain what a batch in flight did.
    [[nodiscard]] static result<bool> takes_rows(work& w) {
        if (!numbers_rows_here(w.state)) return true;
        auto current = w.t.current_batch();
        if (!current) return std::move(current).error();
        return !*current;
    }

    [[nodiscard]] static result<void> number(work& w, std::vector<row_image>& rows, std::vector<unread_row>& unread) {
        if (!numbers_rows_here(w.state)) return {};
        for (auto& row : unread)
            if (!row.name.model.empty()) row.version = static_cast<std::int64_t>(w.state.next_ordinal++);
        return w.unversioned.number(rows);
    }

    Store* store_;
    resolver_set resolvers_;
    replica_options options_;
    timestamp heard_ = (timestamp::min)();  // the authority's clock, as far as this object heard it
};

SYNCLINE_NAMESPACE_END

#endif
