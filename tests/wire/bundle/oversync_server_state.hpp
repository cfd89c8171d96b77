#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_SERVER_STATE_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_SERVER_STATE_HPP

// What a server of go-oversync v0.2.1 keeps (sheet `bundle` 4.1), how PostgreSQL takes values in, and how a transaction's row effects become a bundle
// (2.2 "Effect capture", 2.6).

#include "wire/bundle/oversync_tables.hpp"

#include <limits>
#include <memory>

namespace oversync {

/// What the host sets, and what of its weaknesses (sheet 8) the server has.
struct server_options {
    bool seed_retry_refused = true;  ///< 8.2 item 1: a seed whose commit's answer was lost cannot be asked about again
    bool odd_floor = true;           ///< OS-AUD-003: a checkpoint at the floor is refused, one at 0 never
    bool rounds_numbers = true;      ///< OS-AUD-001: payloads go through double
    bool watch = false;
    bool watch_forbidden = false;    ///< the actor policy says no
    bool connects = true;            ///< `connect_lifecycle`
    int schema_version = 1;
    std::string app_name;
    std::int64_t retained_bundles = 10'000, prune_batch = 1'000;
    std::int64_t max_bundles_per_pull = 5'000;
    std::int64_t rows_per_chunk = 1'000, max_rows_per_chunk = 5'000;  ///< of all three kinds of pages
    std::int64_t max_rows_per_snapshot = 0, max_bytes_per_snapshot = 0;
    std::int64_t ttl_seconds = 900;  ///< of push and snapshot sessions and of the initialisation's lease
};

/// An answer other than 2xx.
struct refused {
    int status;
    std::string code, message;
    json more = json::object();
};

struct source_state {
    std::string state = "active";
    std::int64_t max_committed = 0;
    std::string replaced_by, reason;
};
struct row_version {
    std::int64_t seq = 0;
    bool deleted = false;
};
struct bundle {
    std::int64_t seq = 0;
    std::string source;
    std::int64_t source_bundle_id = 0;
    std::vector<bundle_row> rows;
    std::string hash;
    std::size_t byte_count = 0;
};
enum class scope { uninitialized, initializing, initialized };

struct user_state {
    scope state = scope::uninitialized;
    std::string initializer, initialization_id, initialized_by;
    std::int64_t lease_expires = 0;
    std::int64_t next_seq = 1, floor = 0;
    std::map<std::string, source_state> sources;
    std::map<row_name, row_version> versions;
    std::map<std::int64_t, std::shared_ptr<const bundle>> log;
    rows data;

    [[nodiscard]] std::int64_t latest() const { return next_seq - 1; }
};

struct staged_row {
    const table* of = nullptr;
    std::string key, op;
    std::int64_t base = 0;
    json payload;
};
struct push_session {
    std::string id, user, source;
    std::int64_t source_bundle_id = 0, planned = 0;
    std::string initialization_id;
    std::int64_t expires = 0;
    std::vector<staged_row> rows;
};
struct snapshot_session {
    std::string id, user;
    std::int64_t seq = 0;
    std::vector<bundle_row> rows;
    std::size_t bytes = 0;
    std::int64_t expires = 0;
};

/// @p v as PostgreSQL's record population takes it for a column of type @p type, in the form that the server answers with (sheet 2.10).
inline json populate(const column& c, const json& v) {
    if (v.is_null()) return nullptr;
    const std::string text = v.is_string() ? v.get<std::string>() : v.is_number_float() ? go_number(v.get<double>()) : v.dump();
    const auto bad = [&](const char* state) { return constraint_error(state, "invalid input for \"" + c.name + "\": " + text); };
    const auto real = [&] {
        const std::string t = trim(text);
        double d = 0;
        const auto [end, failed] = std::from_chars(t.data(), t.data() + t.size(), d);
        if (v.is_boolean() || failed != std::errc{} || end != t.data() + t.size()) throw bad("22P02");
        return d;
    };
    switch (c.type) {
    case kind::text: return text;
    case kind::integer: {
        std::string t = trim(text);
        if (v.is_number_float()) {  // what went through double is written in full: 9223372036854776000
            const double d = v.get<double>();
            if (d != std::floor(d)) throw bad("22P02");
            if (d < -9223372036854775808.0 || d >= 9223372036854775808.0) throw bad("22003");
            return static_cast<std::int64_t>(d);
        }
        if (t.starts_with('+')) t.erase(0, 1);
        std::int64_t n = 0;
        const auto [end, failed] = std::from_chars(t.data(), t.data() + t.size(), n);
        if (failed == std::errc::result_out_of_range) throw bad("22003");
        if (v.is_boolean() || failed != std::errc{} || end != t.data() + t.size()) throw bad("22P02");
        return n;
    }
    case kind::real: return real();
    case kind::numeric: return json::parse(go_number(real()));
    case kind::boolean: {
        const std::string t = lower(trim(text));
        if (t == "1" || t == "true" || t == "t" || t == "yes" || t == "on") return true;
        if (t == "0" || t == "false" || t == "f" || t == "no" || t == "off") return false;
        throw bad("22P02");
    }
    case kind::blob: {
        const auto bytes = v.is_string() ? from_base64(text) : std::nullopt;
        if (!bytes) throw bad("22023");
        return to_base64(*bytes);
    }
    case kind::timestamptz: {
        auto at = instant(text);
        if (!at) at = instant(text + "Z");
        if (!at) throw bad("22007");
        return time_text(*at, "+00:00");
    }
    case kind::uuid: {
        const std::string t = lower(trim(text));
        if (!is_uuid(t)) throw bad("22P02");
        return t;
    }
    }
    return v;
}

/// The row effects of one transaction.
class capture {
public:
    void watch(rows& data) {
        data.told = [this](const row_name& n, const row* before, const row* after) {
            const char op = before == nullptr ? 'I' : after == nullptr ? 'D' : 'U';
            const auto [at, fresh] = effects_.try_emplace(n, op, op);
            at->second.second = op;
            if (fresh) order_.push_back(n);
        };
    }
    /// One row per key that is not as it was: what the first and the last effect on it make together.
    [[nodiscard]] std::vector<bundle_row> effects(const tables& of, const rows& data, std::int64_t seq, bool rounds) const {
        std::vector<bundle_row> out;
        for (const auto& n : order_) {
            const auto [first, last] = effects_.at(n);
            if (first == 'I' && last == 'D') continue;
            const auto t = std::find_if(of.begin(), of.end(), [&](const table& x) { return x.name == n.table; });
            bundle_row r{t->schema, t->name, t->key, n.key, last == 'D' ? "DELETE" : first == 'I' ? "INSERT" : "UPDATE", seq, nullptr};
            if (last != 'D') r.payload = payload_of(*data.find(n), rounds);
            out.push_back(std::move(r));
        }
        return out;
    }
    static json payload_of(const row& r, bool rounds) {
        json out = json::object();
        for (const auto& [name, v] : r) out[name] = v;
        return rounds ? through_double(out) : out;
    }

private:
    std::map<row_name, std::pair<char, char>> effects_;
    std::vector<row_name> order_;
};

inline json row_json(const bundle_row& r) {
    json out{{"schema", r.schema}, {"table", r.table}, {"key", {{r.key_column, r.key}}}, {"op", r.op}, {"row_version", r.row_version}};
    if (r.op != "DELETE") out["payload"] = r.payload;
    return out;
}

/// The state of a server, and what every one of its operations does with it.
class server_state {
public:
    server_state(tables registered, server_options how) : options(how), registered_(std::move(registered)) {
        std::sort(registered_.begin(), registered_.end(), [](const table& a, const table& b) { return a.path() < b.path(); });
    }

    server_options options;
    std::int64_t now = 1'700'000'000'000'000;  ///< microseconds; tests move it
    bool draining = false;
    /// Triggers of the host's own, which write more rows in the same transaction: heard of every row that a push wrote.
    std::function<void(rows&, const row_name&)> trigger;

    [[nodiscard]] const tables& registered() const { return registered_; }
    [[nodiscard]] user_state& user(const std::string& name) { return users_[name]; }
    [[nodiscard]] std::map<std::string, push_session>& sessions() { return push_sessions_; }
    [[nodiscard]] std::map<std::string, snapshot_session>& snapshots() { return snapshot_sessions_; }
    void pass(std::int64_t seconds) { now += seconds * 1'000'000; }

    /// The value of a column; "gone" without the row.
    std::string cell(const std::string& who, const std::string& table, const std::string& key, const std::string& column) {
        const row* r = user(who).data.find({table, key});
        if (r == nullptr) return "gone";
        const json& v = r->at(column);
        return v.is_string() ? v.get<std::string>() : go_text(v);
    }

    /// As the host's own program writes (sheet 4.4): one bundle of the writer's own sequence. False: it wrote nothing.
    bool write(const std::string& who, const std::string& writer, const std::function<void(rows&)>& change) {
        user_state u = user(who);
        expire_lease(u);
        if (u.state == scope::initializing) throw refused{409, "scope_initializing", "the scope is being initialized"};
        if (u.state == scope::uninitialized) initialize(u, writer);
        if (u.sources[writer].state == "retired") throw refused{409, "source_retired", "the writer is retired"};
        capture captured;
        captured.watch(u.data);
        change(u.data);
        u.data.told = nullptr;
        u.data.check(registered_);
        if (seal(u, captured, writer, u.sources[writer].max_committed + 1) == nullptr) return false;
        user(who) = std::move(u);
        return true;
    }
    /// A row as a column's defaults complete it and PostgreSQL types it.
    [[nodiscard]] static row typed(const table& t, const std::string& key, const json& payload) {
        row out;
        for (const auto& c : t.columns) out[c.name] = c.otherwise.value_or(json{});
        for (const auto& [name, v] : payload.items()) {
            const column* c = t.find(lower(name));
            if (c == nullptr) throw constraint_error("42703", "column \"" + name + "\" of \"" + t.name + "\" does not exist");
            out[c->name] = populate(*c, v);
        }
        out[t.key] = key;
        return out;
    }
    [[nodiscard]] const table& named(const std::string& name) const {
        return *std::find_if(registered_.begin(), registered_.end(), [&](const table& t) { return t.name == name; });
    }

protected:
    std::string next_id(std::uint64_t space) { return uuid_number(space, ++ids_); }
    [[nodiscard]] std::int64_t ttl() const { return options.ttl_seconds * 1'000'000; }

    void expire_lease(user_state& u) const {
        if (u.state != scope::initializing || u.lease_expires > now) return;
        u.state = scope::uninitialized;
        u.initializer.clear();
        u.initialization_id.clear();
        u.lease_expires = 0;
    }
    static void initialize(user_state& u, const std::string& by) {
        u.state = scope::initialized;
        u.initializer.clear();
        u.initialization_id.clear();
        u.lease_expires = 0;
        u.initialized_by = by;
    }
    void must_be_initialized(const user_state& u) const {
        if (u.state == scope::initializing && u.lease_expires > now) throw refused{409, "scope_initializing", "the scope is being initialized"};
        if (u.state != scope::initialized) throw refused{409, "scope_uninitialized", "the scope is not initialized"};
    }
    static refused retired(const std::string& id, const source_state& s) {
        json more{{"source_id", id}};
        if (!s.replaced_by.empty()) more["replaced_by_source_id"] = s.replaced_by;
        return {409, "source_retired", "source " + id + " is retired", more};
    }

    /// Makes a bundle of what was captured, and moves the floor. Nothing: there was no effect.
    std::shared_ptr<const bundle> seal(user_state& u, const capture& captured, const std::string& source, std::int64_t id) {
        auto b = std::make_shared<bundle>();
        b->rows = captured.effects(registered_, u.data, u.next_seq, options.rounds_numbers);
        if (b->rows.empty()) return nullptr;
        b->seq = u.next_seq++;
        b->source = source;
        b->source_bundle_id = id;
        const std::string text = hash_input(b->rows);
        b->byte_count = text.size();
        b->hash = syncline::sha256_hex(text);
        for (const auto& r : b->rows) u.versions[{r.table, r.key}] = {b->seq, r.op == "DELETE"};
        auto& s = u.sources[source];
        s.state = "active";
        s.max_committed = id;
        u.log[b->seq] = b;
        const std::int64_t target = (std::min)(u.latest() - options.retained_bundles, u.floor + options.prune_batch);
        if (target > u.floor) u.floor = target;
        std::erase_if(u.log, [&](const auto& at) { return at.first <= u.floor; });
        return b;
    }

    tables registered_;
    std::map<std::string, user_state> users_;
    std::map<std::string, push_session> push_sessions_;
    std::map<std::string, snapshot_session> snapshot_sessions_;
    std::uint64_t ids_ = 0;
};

}  // namespace oversync

#endif
