#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_PUSH_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_PUSH_HPP

// The push of a client of go-oversync v0.2.1 (sheet `bundle` 2.7, 3.2, 3.3): freezing, the proof of what was committed already, the replay of the
// committed rows, and what becomes of a conflict.

#include "wire/bundle/oversync_client_wire.hpp"

namespace oversync {

enum class outcome { accept_server, keep_local, keep_merged };
struct resolution {
    outcome what = outcome::accept_server;
    json merged{};  ///< in the local form
};
struct conflict {
    row_name name;
    std::string op;
    json local;
    std::int64_t base = 0, server_version = 0;
    bool server_deleted = false;
    json server;  ///< in the local form; null: there is none
};
using resolver = std::function<resolution(const conflict&)>;

class client_push : public client_wire {
public:
    using client_wire::client_wire;

    resolver resolve;  ///< none: the server wins
    bool paused_uploads = false, paused_downloads = false;

protected:
    static constexpr int conflict_retries = 2;

    /// Step 1. False: there is nothing to push.
    bool freeze() {
        if (disk.out.state != "none") return true;
        std::map<std::string, std::size_t> rank;
        for (const auto& name : parents_first(tables_)) rank.emplace(name, rank.size());
        std::vector<outbox_row> upserts, deletes;
        for (const auto& [n, d] : disk.dirty) {
            const auto known = disk.versions.find(n);
            const bool live = known != disk.versions.end() && !known->second.deleted;
            if (d.op == "DELETE" && !live) continue;  // never synced: nothing to tell
            (d.op == "DELETE" ? deletes : upserts).push_back({n, d.op, d.base, d.payload, d.ordinal});
        }
        if (upserts.empty() && deletes.empty()) return false;  // the transaction is rolled back, and the rows stay dirty (8.2 item 2)
        const auto sorted = [&](std::vector<outbox_row>& all, bool children_first) {
            std::sort(all.begin(), all.end(), [&](const outbox_row& a, const outbox_row& b) {
                const auto ra = rank.at(a.name.table), rb = rank.at(b.name.table);
                return ra != rb ? (children_first ? ra > rb : ra < rb) : a.ordinal < b.ordinal;
            });
        };
        sorted(upserts, false);
        sorted(deletes, true);
        transaction(true, [&](durable& d) {
            d.out = {};
            d.out.state = "prepared";
            d.out.source_id = d.source;
            d.out.source_bundle_id = d.sources.at(d.source).next_bundle;
            d.out.initialization_id = d.pending_initialization;
            d.out.rows = upserts;
            d.out.rows.insert(d.out.rows.end(), deletes.begin(), deletes.end());
            json sent = json::array();
            for (const auto& r : d.out.rows) sent.push_back(push_row(r));
            d.out.request_hash = syncline::sha256_hex(canonical(sent));
            d.dirty.clear();
            at("before_freeze");
        });
        at("after_freeze");
        return true;
    }

    void mark_committed(const commit_answer& c) {
        transaction(true, [&](durable& d) {
            d.out.state = "committed_remote";
            d.out.remote_seq = c.seq;
            d.out.remote_hash = c.hash;
            d.out.remote_rows = c.rows;
            d.out.initialization_id.clear();
            d.pending_initialization.clear();
        });
        at("after_committed");
    }

    /// A value as the proof compares it: RFC 3339 text as an instant.
    static json comparable(const json& v) {
        if (v.is_string())
            if (const auto at = instant(v.get<std::string>())) return "instant " + std::to_string(*at);
        if (!v.is_structured()) return v;
        json out = v;
        for (auto& item : out) item = comparable(item);
        return out;
    }
    void prove(const std::vector<bundle_row>& committed) const {
        std::multiset<std::string> ours, theirs;
        const auto line = [](const std::string& schema, const row_name& n, const std::string& op, const json& payload) {
            return canonical(json::array({schema, n.table, n.key, op, comparable(payload)}));
        };
        for (const auto& r : disk.out.rows) ours.insert(line(options.schema, r.name, r.op, r.op == "DELETE" ? json{} : wire_payload(named(r.name.table), r.payload)));
        for (const auto& r : committed) theirs.insert(line(r.schema, {r.table, r.key}, r.op, r.payload));
        if (ours != theirs) throw client_error("proof_failed", "what the server committed is not what the outbox holds");
    }

    /// Step 6: the committed rows are taken over, but for what the user changed meanwhile.
    void replay(const commit_answer& c, const std::vector<bundle_row>& committed) {
        if (c.already) prove(committed);
        at("before_replay");
        transaction(true, [&](durable& d) {
            d.push_stage = committed;
            for (const auto& r : d.push_stage) replay_row(d, r);
            at("in_replay");
            d.sources.at(d.out.source_id).next_bundle = d.out.source_bundle_id + 1;
            d.out = {};
            d.push_stage.clear();
            if (c.seq == d.last_seen + 1) d.last_seen = c.seq;
        });
    }
    void replay_row(durable& d, const bundle_row& r) const {
        const row_name n{r.table, r.key};
        const auto dirty = d.dirty.find(n);
        if (dirty != d.dirty.end()) {
            const auto sent = std::find_if(d.out.rows.begin(), d.out.rows.end(), [&](const outbox_row& o) { return o.name == n; });
            const bool as_sent = sent != d.out.rows.end() && canonical(sent->payload) == canonical(dirty->second.payload);
            if (!as_sent) return rebase(d, n, r.row_version, r.op == "DELETE");
            d.dirty.erase(dirty);
        }
        take(d, r);
    }
    /// The local row stays, as an edit on top of the server's version.
    static void rebase(durable& d, const row_name& n, std::int64_t version, bool deleted) {
        d.versions[n] = {version, deleted};
        const bool here = d.data.find(n) != nullptr;
        if (!here && deleted) {
            d.dirty.erase(n);
            return;
        }
        auto& dirty = d.dirty.at(n);
        dirty.base = version;
        dirty.op = !here ? "DELETE" : deleted ? "INSERT" : "UPDATE";
    }

    // -- conflicts
    static conflict conflict_from(const refusal& e, const outbox& o, const tables& all, const std::string& schema) {
        const json* in = member(e.body, "conflict");
        if (in == nullptr || !in->is_object()) throw e.error();
        conflict c;
        const json* key = member(*in, "key");
        const table* t = find_table(all, text(*in, "schema"), text(*in, "table"));
        if (t == nullptr || t->schema != schema || key == nullptr || !key->is_object() || !key->contains(t->key)) throw malformed("the conflict names no known row");
        c.name = {t->name, key->at(t->key).get<std::string>()};
        c.op = text(*in, "op");
        c.base = whole(*in, "base_row_version");
        c.server_version = whole(*in, "server_row_version");
        c.server_deleted = flag(*in, "server_row_deleted");
        const auto sent = std::find_if(o.rows.begin(), o.rows.end(), [&](const outbox_row& r) { return r.name == c.name; });
        if (sent == o.rows.end() || sent->op != c.op || sent->base != c.base) throw malformed("the conflict is of a row that was not sent");
        c.local = sent->payload;
        const json* stands = member(*in, "server_row");
        if (stands != nullptr && !stands->is_null()) c.server = local_payload(local_row(*t, *stands));
        return c;
    }

    static void back_to_dirty(durable& d, const outbox_row& r) {
        const auto [dirty, fresh] = d.dirty.try_emplace(r.name, dirty_row{r.op, r.base, r.payload, r.ordinal});
        if (!fresh) dirty->second.base = r.base, dirty->second.ordinal = r.ordinal;  // edited again since: the newer row on the older base
    }
    void restore_outbox() {
        transaction(true, [](durable& d) {
            for (const auto& r : d.out.rows) back_to_dirty(d, r);
            d.out = {};
        });
    }
    [[noreturn]] void invalid(const conflict& c, const std::string& why) {
        restore_outbox();
        throw client_error("invalid_resolution", c.name.table + " " + c.name.key + ": " + why);
    }

    /// The table of sheet 3.2. The rest of the rejected bundle goes back to dirty.
    void settle(const conflict& c) {
        const resolution by = resolve ? resolve(c) : resolution{};
        const table& t = named(c.name.table);
        const bool live = c.server_version > 0 && !c.server_deleted, missing = c.server_version == 0;
        if (live && c.server.is_null()) throw malformed("a conflict with a live row lacks the row");
        if (by.what == outcome::keep_merged) {
            if (c.op == "DELETE") invalid(c, "there is nothing to merge into a DELETE");
            if (!by.merged.is_object() || by.merged.size() != t.columns.size()) invalid(c, "a merged payload must have exactly the table's columns");
            for (const auto& col : t.columns)
                if (!by.merged.contains(col.name)) invalid(c, "a merged payload lacks " + col.name);
        }
        if (by.what != outcome::accept_server) {
            if (c.op == "UPDATE" && !live) invalid(c, "an UPDATE of a row that the server does not have");
            if (c.op == "INSERT" && missing) throw client_error("conflict_unsettled", "an INSERT conflicts with a row that the server never saw");
        }
        transaction(true, [&](durable& d) {
            const auto own = std::find_if(d.out.rows.begin(), d.out.rows.end(), [&](const outbox_row& r) { return r.name == c.name; });
            const auto ordinal = own->ordinal;
            for (const auto& r : d.out.rows)
                if (!(r.name == c.name)) back_to_dirty(d, r);
            d.out = {};
            if (missing) d.versions.erase(c.name);
            else d.versions[c.name] = {c.server_version, !live};
            if (d.dirty.contains(c.name)) {  // edited again since it was frozen: that edit goes on top of the server's row
                if (missing) d.dirty.at(c.name).base = 0;
                else rebase(d, c.name, c.server_version, !live);
                return;
            }
            if (by.what == outcome::accept_server) {
                if (live) d.data.put(c.name, row_of(c.server));
                else d.data.erase(tables_, c.name);
            } else if (c.op == "DELETE") {
                d.data.erase(tables_, c.name);
                if (live) d.dirty[c.name] = {"DELETE", c.server_version, nullptr, ordinal};
            } else {
                const json payload = by.what == outcome::keep_merged ? by.merged : c.local;
                d.data.put(c.name, row_of(payload));
                d.dirty[c.name] = {live ? "UPDATE" : "INSERT", c.server_version, payload, ordinal};
            }
        });
    }

    [[noreturn]] void recover_source(const std::string& reason, const refusal& e) {
        const std::string named_by_server = text(e.body, "replaced_by_source_id");
        if (!disk.op.replacement.empty() && !named_by_server.empty() && disk.op.replacement != named_by_server)
            throw client_error("replacement_diverged", "the server replaced the source by " + named_by_server);
        transaction(true, [&](durable& d) {
            d.op.kind = "source_recovery";
            d.op.target_user = d.user;
            d.op.reason = reason;
            if (d.op.replacement.empty()) d.op.replacement = named_by_server.empty() ? fresh_id(d) : named_by_server;
        });
        throw client_error("source_recovery_required", reason);
    }
};

}  // namespace oversync

#endif
