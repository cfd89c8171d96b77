#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_STATE_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_STATE_HPP

// What a client of go-oversync v0.2.1 keeps in its database (sheet `bundle` 5.1 to 5.3): the app's rows, the rows that were changed, one frozen
// outbox, stages, and where it stands. It lives in memory, and a copy of it is what a restart finds.

#include "wire/bundle/oversync_tables.hpp"

namespace oversync {

/// What the client throws. `code` names the sort; the rest is there where it says something.
struct client_error : std::runtime_error {
    client_error(std::string sort, const std::string& what) : std::runtime_error(sort + ": " + what), code(std::move(sort)) {}
    std::string code;
    std::string operation, wire_code;
    int status = 0, attempts = 0;
    std::size_t remaining = 0;
};
/// Thrown by a test's hook: the process dies here, and what was committed is what there is.
struct crash {};

struct local_version {
    std::int64_t version = 0;
    bool deleted = false;
};
struct dirty_row {
    std::string op;
    std::int64_t base = 0;
    json payload;  ///< in the local form: bytes in hex; null for DELETE
    std::int64_t ordinal = 0;
};
struct outbox_row {
    row_name name;
    std::string op;
    std::int64_t base = 0;
    json payload;
    std::int64_t ordinal = 0;  ///< when it was captured, kept for the way back
};
struct outbox {
    std::string state = "none";  ///< none, prepared, committed_remote
    std::string source_id;
    std::int64_t source_bundle_id = 0;
    std::string request_hash, initialization_id;
    std::string remote_hash;
    std::int64_t remote_seq = 0, remote_rows = 0;
    std::vector<outbox_row> rows;
};
struct operation {
    std::string kind = "none";  ///< none, remote_replace, source_recovery
    std::string target_user, reason, replacement;
    std::string snapshot_id;  ///< of a snapshot whose rows are all staged
    std::int64_t snapshot_seq = 0, snapshot_rows = 0;
};
struct source_entry {
    std::int64_t next_bundle = 1;
    std::string replaced_by;
};

/// The database file.
struct durable {
    bool installed = false;
    rows data;
    std::map<std::string, source_entry> sources;
    std::string source, user;  ///< the current source; whom it is attached to, empty: nobody
    std::int64_t last_seen = 0;
    bool rebuild_required = false;
    std::string pending_initialization;
    operation op;
    bool apply_mode = false;
    std::map<row_name, local_version> versions;
    std::map<row_name, dirty_row> dirty;
    std::int64_t next_ordinal = 0;
    std::uint64_t ids_made = 0;  ///< stands for chance: no id comes twice, after an uninstall neither
    outbox out;
    std::vector<bundle_row> push_stage, snapshot_stage;
};

/// The client's side of the values (sheet 2.10).
inline json to_wire(const column& c, const json& local) {
    return c.type == kind::blob && local.is_string() ? json(to_base64(from_hex(local.get<std::string>()))) : local;
}
inline json to_local(const column& c, const json& wire) {
    const auto bad = [&] { return client_error("apply_failed", "column " + c.name + " cannot hold " + go_text(wire)); };
    if (wire.is_null()) return nullptr;
    switch (c.type) {
    case kind::blob: {
        const auto bytes = wire.is_string() ? from_base64(wire.get<std::string>()) : std::nullopt;
        if (!bytes) throw bad();
        return to_hex(*bytes);
    }
    case kind::boolean:
        if (wire.is_boolean()) return wire.get<bool>() ? 1 : 0;
        if (!wire.is_number()) throw bad();
        return wire;
    case kind::integer:
        if (!wire.is_number() || as_double(wire) != std::floor(as_double(wire))) throw bad();
        return wire.is_number_float() ? json(static_cast<std::int64_t>(wire.get<double>())) : wire;
    case kind::real:
        if (!wire.is_number()) throw bad();
        return as_double(wire);
    case kind::numeric: return wire;
    default:
        if (!wire.is_string()) throw bad();
        return wire;
    }
}
inline json local_payload(const row& r) {
    json out = json::object();
    for (const auto& [name, v] : r) out[name] = v;
    return out;
}
inline row row_of(const json& payload) {
    row out;
    for (const auto& [name, v] : payload.items()) out[name] = v;
    return out;
}
/// A payload of the server as a row of the local table, which must have exactly its columns.
inline row local_row(const table& t, const json& payload) {
    row out;
    if (!payload.is_object()) throw client_error("apply_failed", "a payload of " + t.name + " is no object");
    for (const auto& [name, v] : payload.items()) {
        const column* c = t.find(lower(name));
        if (c == nullptr) throw client_error("apply_failed", "the local table " + t.name + " has no column " + name);
        out[c->name] = to_local(*c, v);
    }
    for (const auto& c : t.columns)
        if (!out.contains(c.name)) throw client_error("apply_failed", "a payload of " + t.name + " lacks the column " + c.name);
    return out;
}
inline json wire_payload(const table& t, const json& local) {
    json out = json::object();
    for (const auto& c : t.columns) out[c.name] = to_wire(c, local.contains(c.name) ? local.at(c.name) : json{});
    return out;
}

/// The database under the client, with what its triggers do.
class client_database {
public:
    client_database(tables managed, durable file) : disk(std::move(file)), tables_(std::move(managed)) {}

    durable disk;
    /// Runs at named places; throwing `crash` from it is a process that dies there.
    std::function<void(const std::string& place)> hook;

    [[nodiscard]] const tables& managed() const { return tables_; }

    // -- what the app does: one statement, one transaction
    void insert(const std::string& t, const std::string& key, json columns) {
        columns[named(t).key] = key;
        app([&](durable& d) {
            if (d.data.find({t, key}) != nullptr) throw constraint_error("1555", "duplicate key " + key);
            d.data.put({t, key}, complete(t, columns));
        });
    }
    void update(const std::string& t, const std::string& key, const json& columns) {
        app([&](durable& d) {
            const row* before = d.data.find({t, key});
            if (before == nullptr) return;
            row changed = *before;
            for (const auto& [name, v] : columns.items()) changed[name] = v;
            d.data.put({t, key}, std::move(changed));
        });
    }
    void erase(const std::string& t, const std::string& key) {
        app([&](durable& d) { d.data.erase(tables_, {t, key}); });
    }
    /// A key that changes: the old row goes, a new one comes.
    void rename(const std::string& t, const std::string& key, const std::string& to) {
        app([&](durable& d) {
            row r = *d.data.find({t, key});
            r[named(t).key] = to;
            d.data.erase({}, {t, key});
            d.data.put({t, to}, std::move(r));
        });
    }
    /// Several statements in one transaction, its foreign keys looked at when it commits.
    void app(const std::function<void(durable&)>& statements) {
        if (disk.installed && disk.op.kind != "none") throw client_error("transition_pending", "SYNC_TRANSITION_PENDING");
        transaction(false, statements);
    }

    /// The value of a column as text; "gone" without the row.
    [[nodiscard]] std::string cell(const std::string& t, const std::string& key, const std::string& column) const {
        const row* r = disk.data.find({t, key});
        if (r == nullptr) return "gone";
        const json& v = r->at(column);
        return v.is_string() ? v.get<std::string>() : go_text(v);
    }

protected:
    void at(const std::string& place) const {
        if (hook) hook(place);
    }
    [[nodiscard]] const table& named(const std::string& name) const {
        for (const auto& t : tables_)
            if (t.name == name) return t;
        throw client_error("apply_failed", "no local table " + name);
    }

    /// Runs @p what on a copy, and makes it the file when nothing was thrown and no foreign key is broken.
    void transaction(bool apply, const std::function<void(durable&)>& what) {
        durable d = disk;
        d.apply_mode = apply;
        d.data.told = [&](const row_name& n, const row*, const row* after) {
            if (d.installed && !d.apply_mode) capture_change(d, n, after);
        };
        what(d);
        d.data.check(tables_);
        d.data.told = nullptr;
        d.apply_mode = false;
        disk = std::move(d);
    }

    /// Sheet 5.2: one dirty row per key, with the first base and the first ordinal.
    static void capture_change(durable& d, const row_name& n, const row* after) {
        const auto known = d.versions.find(n);
        const auto [dirty, fresh] = d.dirty.try_emplace(n);
        if (fresh) {
            dirty->second.base = known == d.versions.end() ? 0 : known->second.version;
            dirty->second.ordinal = ++d.next_ordinal;
        }
        const bool live = known != d.versions.end() && !known->second.deleted;
        dirty->second.op = after == nullptr ? "DELETE" : live ? "UPDATE" : "INSERT";
        dirty->second.payload = after == nullptr ? json{} : local_payload(*after);
    }

    /// Takes a row of the server over, whatever stands there.
    void take(durable& d, const bundle_row& r) const {
        const row_name n{r.table, r.key};
        const table& t = named(r.table);
        if (r.key_column != t.key) throw client_error("apply_failed", "the key of " + r.table + " is " + t.key);
        if (r.op == "DELETE") d.data.erase(tables_, n);
        else d.data.put(n, local_row(t, r.payload));
        d.versions[n] = {r.row_version, r.op == "DELETE"};
    }
    static void forget_rows(durable& d) {
        const auto told = std::exchange(d.data.told, nullptr);
        d.data.clear();
        d.data.told = told;
        d.versions.clear();
    }

    tables tables_;

private:
    [[nodiscard]] row complete(const std::string& t, const json& columns) const {
        row out;
        for (const auto& c : named(t).columns) out[c.name] = columns.contains(c.name) ? columns.at(c.name) : json{};
        return out;
    }
};

}  // namespace oversync

#endif
