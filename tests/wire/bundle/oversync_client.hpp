#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_HPP

// A client of go-oversync v0.2.1, dialect G0, as the sheet `bundle` describes it (2.7 to 2.10, 3, 5), written from the sheet alone. Its database is in
// memory; `restarted` is what a process finds after the one before it died. It never sleeps: `waits` tells what it would have slept.

#include "wire/bundle/oversync_client_push.hpp"

namespace oversync {

struct attach_result {
    std::string status;   ///< connected, retry_later
    std::string outcome;  ///< resumed_attached_state, used_remote_state, seeded_from_local, started_empty
    std::string authority;
    std::int64_t retry_after_seconds = 0;
};

class client : public client_push {
public:
    client(tables managed, wire to, client_options how, durable file = {}) : client_push(std::move(managed), std::move(to), std::move(how), std::move(file)) {}

    /// A new process on the same file.
    [[nodiscard]] client restarted() const { return client(tables_, send, options, disk); }
    /// A new process on a copy of the file as it was.
    [[nodiscard]] client on(durable file) const { return client(tables_, send, options, std::move(file)); }

    // -- lifecycle (2.9)
    void open() {
        const guard g{*this};
        transaction(true, [&](durable& d) {
            if (d.source.empty()) {
                d.source = fresh_id(d);
                d.sources[d.source] = {};
            }
            if (d.installed) return;
            d.installed = true;
            for (const auto& [n, r] : d.data.all()) d.dirty[n] = {"INSERT", 0, local_payload(r), ++d.next_ordinal};
        });
        opened_ = true;
    }

    attach_result attach(const std::string& user) {
        const guard g{*this};
        must_be_open();
        if (disk.op.kind == "remote_replace") {
            if (disk.op.target_user != user) throw client_error("other_user", "a replacement for " + disk.op.target_user + " is under way");
            return replace_by_remote();
        }
        if (disk.user == user && !user.empty()) {
            attached_ = true;
            return {"connected", "resumed_attached_state", authority(), 0};
        }
        if (!disk.user.empty()) throw client_error("other_user", "attached to " + disk.user);
        try {
            const json can = ask("capabilities", http_method::get, "/sync/capabilities");
            const json* features = member(can, "features");
            if (features == nullptr || !flag(*features, "connect_lifecycle")) throw client_error("unsupported", "the server has no connect_lifecycle");
            watch_advertised = flag(*features, "bundle_change_watch");
        } catch (const refusal& e) {
            if (e.status == 404 || e.status == 405 || e.status == 501) throw client_error("unsupported", "the server has no capabilities");
            throw e.error();
        } catch (const client_error& e) {
            if (e.code == "protocol") throw client_error("unsupported", e.what());
            throw;
        }
        json answer;
        try {
            answer = ask("connect", http_method::post, "/sync/connect", {{"has_local_pending_rows", !disk.dirty.empty() || disk.out.state != "none"}});
        } catch (const refusal& e) {
            throw e.error();
        }
        const std::string resolution = text(answer, "resolution");
        if (resolution == "retry_later") return {"retry_later", {}, {}, whole(answer, "retry_after_seconds")};
        if (resolution == "remote_authoritative") {
            transaction(true, [&](durable& d) {
                d.op = {};
                d.op.kind = "remote_replace";
                d.op.target_user = user;
            });
            return replace_by_remote();
        }
        const std::string id = text(answer, "initialization_id");
        if (resolution != "initialize_empty" && (resolution != "initialize_local" || trim(id).empty())) throw malformed("unknown resolution " + resolution);
        transaction(true, [&](durable& d) {
            d.user = user;
            d.last_seen = 0;
            d.pending_initialization = resolution == "initialize_local" ? id : "";
            if (d.out.state == "prepared") d.out.initialization_id = d.pending_initialization;
        });
        attached_ = true;
        return {"connected", resolution == "initialize_local" ? "seeded_from_local" : "started_empty", authority(), 0};
    }

    /// `detached` or `blocked_unsynced_data`.
    std::string detach() {
        const guard g{*this};
        must_be_open();
        if (disk.op.kind == "source_recovery") throw client_error("source_recovery_required", disk.op.reason);
        if (disk.user.empty()) {
            transaction(true, [](durable& d) {
                d.op = {};
                d.snapshot_stage.clear();
            });
            return "detached";
        }
        if (!disk.dirty.empty() || disk.out.state != "none" || !disk.pending_initialization.empty()) return "blocked_unsynced_data";
        transaction(true, [](durable& d) {
            forget_rows(d);
            d.user.clear();
            d.last_seen = 0;
            d.rebuild_required = false;
            d.op = {};
            d.snapshot_stage.clear();
        });
        attached_ = false;
        return "detached";
    }

    /// Takes the sync's own tables and triggers away; the app's rows stay.
    void uninstall() {
        const guard g{*this};
        rows kept = disk.data;
        const auto ids = disk.ids_made;
        disk = {};
        disk.data = std::move(kept);
        disk.ids_made = ids;
        opened_ = attached_ = false;
    }

    // -- sync
    /// `no_change`, `committed` or `skipped_paused`.
    std::string push() {
        const guard g{*this};
        ready();
        return paused_uploads ? "skipped_paused" : push_now();
    }
    /// `already_at_target`, `applied_incremental`, `applied_snapshot` or `skipped_paused`.
    std::string pull() {
        const guard g{*this};
        ready();
        return paused_downloads ? "skipped_paused" : pull_now();
    }
    std::string sync() {
        push();
        return pull();
    }
    std::string sync_then_detach() {
        for (int round = 0; round < 3; ++round) {
            sync();
            if (detach() == "detached") return "detached";
        }
        return "blocked_unsynced_data";
    }
    std::string rebuild() {
        const guard g{*this};
        must_be_open();
        if (!attached_) throw client_error("attach_required", "attach first");
        if (disk.op.kind == "remote_replace") throw client_error("transition_pending", "a replacement is under way");
        if (disk.op.kind == "source_recovery") return rotate();
        no_local_changes();
        return rebuild_keeping_source({});
    }

    [[nodiscard]] std::size_t pending() const { return disk.dirty.size() + disk.out.rows.size(); }
    [[nodiscard]] std::string authority() const {
        return !disk.pending_initialization.empty() ? "pending_local_seed" : disk.versions.empty() ? "authoritative_empty" : "authoritative_materialized";
    }

    // -- watch (1.10, 5.6)
    bool watch_advertised = false, polls_for_good = false;
    /// What the stream told so far: the bundles' numbers.
    std::vector<std::int64_t> watch_once() {
        try {
            return events_in(ask_once("watch", http_method::get, "/sync/watch?after_bundle_seq=" + std::to_string(disk.last_seen)).get<std::string>());
        } catch (const refusal& e) {
            if (e.status == 403 && e.code == "bundle_change_watch_forbidden") polls_for_good = true;
            throw e.error();
        }
    }
    static std::vector<std::int64_t> events_in(const std::string& stream) {
        std::vector<std::int64_t> out;
        std::string event, data;
        std::istringstream in{stream};
        for (std::string line; std::getline(in, line);) {
            if (line.size() > (std::size_t{1} << 20U)) throw malformed("a line of the stream is over 1 MiB");
            if (line.ends_with('\r')) line.pop_back();
            const auto after = [&](std::string_view name) { return line.substr((std::min)(line.size(), name.size() + (line.substr(name.size(), 1) == " " ? 1 : 0))); };
            if (line.starts_with("event:")) event = after("event:");
            else if (line.starts_with("data:")) data += (data.empty() ? "" : "\n") + after("data:");
            else if (line.empty()) {
                if (event == "bundle") {
                    const auto v = read_json(data);
                    if (!v || whole(*v, "bundle_seq") <= 0) throw malformed("a bundle event without its number");
                    out.push_back(whole(*v, "bundle_seq"));
                }
                event.clear(), data.clear();
            }
        }
        return out;
    }

private:
    struct guard {
        explicit guard(client& c) : of(c) {
            if (of.busy_) throw client_error("operation_in_progress", "another operation runs");
            of.busy_ = true;
        }
        ~guard() { of.busy_ = false; }
        guard(const guard&) = delete;
        client& of;
    };
    void must_be_open() const {
        if (!opened_) throw client_error("open_required", "open first");
    }
    void ready() const {
        must_be_open();
        if (!attached_) throw client_error("attach_required", "attach first");
        if (disk.op.kind == "source_recovery") throw client_error("source_recovery_required", disk.op.reason);
        if (disk.op.kind != "none") throw client_error("transition_pending", "a replacement is under way");
        if (disk.rebuild_required) throw client_error("rebuild_required", "rebuild first");
    }
    void no_local_changes() const {
        if (disk.out.state != "none") throw client_error("pending_outbox", "a push has not been replayed");
        if (!disk.dirty.empty()) throw client_error("dirty_rows", std::to_string(disk.dirty.size()) + " rows wait to be pushed");
    }

    std::string push_now() {
        for (int conflicts = 0;; ++conflicts) {
            if (!freeze()) return "no_change";
            try {
                std::vector<bundle_row> committed;
                const commit_answer c = retrying("push", [&] {
                    const commit_answer answer = upload();
                    mark_committed(answer);
                    committed = committed_rows(answer);
                    return answer;
                });
                replay(c, committed);
                return "committed";
            } catch (const refusal& e) {
                if (e.code == "push_conflict") {
                    settle(conflict_from(e, disk.out, tables_, options.schema));
                    if (disk.dirty.empty()) return "no_change";
                    if (conflicts < conflict_retries) continue;
                    client_error x{"conflict_retry_exhausted", std::to_string(disk.dirty.size()) + " rows wait"};
                    x.attempts = conflicts, x.remaining = disk.dirty.size();
                    throw x;
                }
                push_refused(e);
                return "committed";
            }
        }
    }
    /// The table at the end of 2.7. Returns when the push counts as done all the same.
    void push_refused(const refusal& e) {
        if (e.code == "history_pruned" && (e.operation == "committed_rows" || disk.out.state == "committed_remote")) {
            if (!disk.dirty.empty()) throw client_error("dirty_rows", "a rebuild would lose them");
            rebuild_keeping_source([](durable& d) {
                d.sources.at(d.source).next_bundle = d.out.source_bundle_id + 1;
                d.out = {};
            });
            return;
        }
        if (e.code == "history_pruned" || e.code == "source_sequence_out_of_order" || e.code == "source_sequence_changed" || e.code == "source_retired")
            recover_source(e.code, e);
        if (e.code == "initialization_expired" || e.code == "initialization_stale") {
            transaction(true, [](durable& d) {
                d.user.clear();
                d.pending_initialization.clear();
                d.out.initialization_id.clear();
            });
            attached_ = false;
        }
        throw e.error();
    }

    std::string pull_now() {
        no_local_changes();
        std::int64_t target = 0;
        bool applied = false;
        try {
            for (;;) {
                const pull_page page = pull_once(disk.last_seen, target);
                target = page.stable;
                for (const auto& b : page.bundles) {
                    transaction(true, [&](durable& d) {
                        for (const auto& r : b.rows) {
                            const auto known = d.versions.find({r.table, r.key});
                            if (known == d.versions.end() || known->second.version < r.row_version) take(d, r);
                        }
                        at("in_pull");
                        d.last_seen = b.seq;
                    });
                    applied = true;
                    at("after_pulled_bundle");
                }
                if (!page.more) return applied ? "applied_incremental" : "already_at_target";
            }
        } catch (const refusal& e) {
            if (e.code == "history_pruned") return rebuild_keeping_source({});
            throw e.error();
        }
    }

    std::string rebuild_keeping_source(const std::function<void(durable&)>& also) {
        transaction(true, [](durable& d) { d.rebuild_required = true; });
        snapshot s;
        try {
            s = stage_snapshot(nullptr);
        } catch (const refusal& e) {
            throw e.error();
        }
        transaction(true, [&](durable& d) {
            apply_stage(d, s.seq);
            if (also) also(d);
        });
        drop("snapshot_delete", "/sync/snapshot-sessions/" + s.id);
        return "applied_snapshot";
    }
    void apply_stage(durable& d, std::int64_t seq) const {
        forget_rows(d);
        for (const auto& r : d.snapshot_stage) take(d, r);
        at("in_snapshot");
        d.snapshot_stage.clear();
        d.last_seen = seq;
        d.rebuild_required = false;
    }

    attach_result replace_by_remote() {
        const bool complete = !disk.op.snapshot_id.empty() && static_cast<std::int64_t>(disk.snapshot_stage.size()) == disk.op.snapshot_rows;
        if (!complete) {
            try {
                const snapshot s = stage_snapshot(nullptr);
                transaction(true, [&](durable& d) {
                    d.op.snapshot_id = s.id;
                    d.op.snapshot_seq = s.seq;
                    d.op.snapshot_rows = s.rows;
                });
            } catch (const refusal& e) {
                throw e.error();
            }
            at("after_staging");
        }
        const std::string id = disk.op.snapshot_id;
        transaction(true, [&](durable& d) {
            d.dirty.clear();
            d.out = {};
            d.pending_initialization.clear();
            apply_stage(d, d.op.snapshot_seq);
            d.user = d.op.target_user;
            d.op = {};
        });
        attached_ = true;
        if (!complete) drop("snapshot_delete", "/sync/snapshot-sessions/" + id);
        return {"connected", "used_remote_state", authority(), 0};
    }

    /// Source recovery (2.8): the snapshot, the outbox's intents on top of it, and a new source that begins at 1.
    std::string rotate() {
        if (disk.out.state != "prepared") throw client_error("source_recovery_failed", "the outbox is " + disk.out.state);
        transaction(true, [](durable& d) { d.rebuild_required = true; });
        snapshot s;
        try {
            s = stage_snapshot({{"source_replacement", {{"previous_source_id", disk.source}, {"new_source_id", disk.op.replacement}, {"reason", disk.op.reason}}}});
        } catch (const refusal& e) {
            if (e.code == "source_retired" && text(e.body, "replaced_by_source_id") != disk.op.replacement)
                throw client_error("replacement_diverged", "the server replaced the source by " + text(e.body, "replaced_by_source_id"));
            throw e.error();
        }
        transaction(true, [&](durable& d) {
            apply_stage(d, s.seq);
            const auto again = [&](const row_name& n, const std::string& op, const json& payload) {
                if (op == "DELETE") d.data.erase(tables_, n);
                else d.data.put(n, row_of(payload));
            };
            for (const auto& r : d.out.rows) again(r.name, r.op, r.payload);
            for (const auto& [n, r] : d.dirty) again(n, r.op, r.payload);
            d.sources.at(d.source).replaced_by = d.op.replacement;
            d.source = d.op.replacement;
            d.sources[d.source] = {};
            d.out.source_id = d.source;
            d.out.source_bundle_id = 1;
            d.op = {};
        });
        drop("snapshot_delete", "/sync/snapshot-sessions/" + s.id);
        return "applied_snapshot";
    }

    bool busy_ = false, opened_ = false, attached_ = false;
};

}  // namespace oversync

#endif
