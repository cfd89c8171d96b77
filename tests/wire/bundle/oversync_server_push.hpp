#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_SERVER_PUSH_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_SERVER_PUSH_HPP

// Connect and push of a server of go-oversync v0.2.1 (sheet `bundle` 1.3 to 1.7, 2.1, 2.2, 3.1), in the order of its checks.

#include "wire/bundle/oversync_server_state.hpp"

namespace oversync {

/// Who asks.
struct actor {
    std::string user, source;
};

class server_push : public server_state {
public:
    using server_state::server_state;

protected:
    /// A member that is a whole number; absent: 0. Go's decoder refuses the whole request over another type.
    static std::int64_t whole(const json& from, std::string_view name) {
        const json* v = member(from, name);
        if (v == nullptr || v->is_null()) return 0;
        if (!v->is_number_integer()) throw refused{400, "invalid_request", std::string{name} + " must be an integer"};
        return v->get<std::int64_t>();
    }
    static std::string text(const json& from, std::string_view name) {
        const json* v = member(from, name);
        if (v == nullptr || v->is_null()) return {};
        if (!v->is_string()) throw refused{400, "invalid_request", std::string{name} + " must be a string"};
        return v->get<std::string>();
    }
    static json object_in(const std::string& body) {
        auto v = read_json(body);
        if (!v || !v->is_object()) throw refused{400, "invalid_request", "invalid JSON body"};
        return std::move(*v);
    }

    json connect(const actor& a, const std::string& body) {
        const json in = object_in(body);
        const json* flag = member(in, "has_local_pending_rows");
        if (flag != nullptr && !flag->is_boolean()) throw refused{400, "invalid_request", "has_local_pending_rows must be a boolean"};
        const bool pending = flag != nullptr && flag->get<bool>();
        user_state& u = user(a.user);
        expire_lease(u);
        if (u.state == scope::initialized) return {{"resolution", "remote_authoritative"}};
        if (u.state == scope::initializing && u.initializer != a.source)
            return {{"resolution", "retry_later"},
                    {"lease_expires_at", time_text(u.lease_expires, "Z")},
                    {"retry_after_seconds", (std::max)(std::int64_t{1}, (u.lease_expires - now) / 1'000'000)}};
        if (!pending) {
            initialize(u, a.source);
            return {{"resolution", "initialize_empty"}};
        }
        if (u.state == scope::uninitialized) {
            u.state = scope::initializing;
            u.initializer = a.source;
            u.initialization_id = next_id(1);
        }
        u.lease_expires = now + ttl();
        return {{"resolution", "initialize_local"}, {"initialization_id", u.initialization_id}, {"lease_expires_at", time_text(u.lease_expires, "Z")}};
    }

    json push_create(const actor& a, const std::string& body) {
        const json in = object_in(body);
        const std::int64_t id = whole(in, "source_bundle_id"), planned = whole(in, "planned_row_count");
        const std::string initialization = trim(text(in, "initialization_id"));
        if (id <= 0 || planned <= 0) throw refused{400, "push_session_invalid", "source_bundle_id and planned_row_count must be positive"};
        std::erase_if(push_sessions_, [&](const auto& s) { return s.second.expires <= now; });
        user_state& u = user(a.user);
        expire_lease(u);
        if (!options.seed_retry_refused)
            if (auto found = committed(u, a.source, id)) return *found;
        if (u.state == scope::uninitialized) {
            if (!initialization.empty()) throw refused{410, "initialization_expired", "the initialization lease has expired"};
            throw refused{409, "scope_uninitialized", "the scope is not initialized"};
        }
        if (u.state == scope::initializing) {
            if (initialization.empty()) throw refused{400, "push_session_invalid", "initialization_id is required"};
            if (u.initializer != a.source || u.initialization_id != initialization) throw refused{409, "initialization_stale", "another initialization is active"};
            u.lease_expires = now + ttl();
        } else if (!initialization.empty()) {
            throw refused{400, "push_session_invalid", "initialization_id is not allowed for an initialized scope"};
        }
        if (auto found = committed(u, a.source, id)) return *found;
        const auto known = u.sources.find(a.source);
        if (known != u.sources.end() && known->second.state == "retired") throw retired(a.source, known->second);
        const std::int64_t expected = known == u.sources.end() ? 1 : known->second.max_committed + 1;
        if (id < expected) throw refused{409, "history_pruned", "source_bundle_id is older than the retained history"};
        if (id > expected) throw refused{409, "source_sequence_out_of_order", "expected source_bundle_id " + std::to_string(expected)};
        std::erase_if(push_sessions_, [&](const auto& s) { return s.second.user == a.user && s.second.source == a.source && s.second.source_bundle_id == id; });
        push_session s{next_id(2), a.user, a.source, id, planned, initialization, now + ttl(), {}};
        json out{{"push_id", s.id}, {"status", "staging"}, {"planned_row_count", planned}};
        push_sessions_[s.id] = std::move(s);
        return out;
    }

    json push_chunk(const actor& a, const std::string& id, const std::string& body) {
        const json in = object_in(body);
        const std::int64_t start = whole(in, "start_row_ordinal");
        const json* list = member(in, "rows");
        if (list != nullptr && !list->is_null() && !list->is_array()) throw refused{400, "invalid_request", "rows must be an array"};
        if (start < 0 || list == nullptr || !list->is_array() || list->empty()) throw refused{400, "push_chunk_invalid", "rows must not be empty"};
        if (static_cast<std::int64_t>(list->size()) > options.max_rows_per_chunk) throw refused{400, "push_chunk_invalid", "too many rows in one chunk"};
        std::vector<staged_row> rows;
        std::set<row_name> seen;
        for (const auto& r : *list) {
            rows.push_back(row_from(r));
            if (!seen.insert({rows.back().of->name, rows.back().key}).second) throw refused{400, "push_chunk_invalid", "duplicate target in one chunk"};
        }
        push_session& s = session(a, id);
        if (!s.initialization_id.empty()) lease(user(a.user), s).lease_expires = now + ttl();
        const auto next = static_cast<std::int64_t>(s.rows.size());
        if (start != next) throw refused{409, "push_chunk_out_of_order", "expected start_row_ordinal " + std::to_string(next)};
        if (next + static_cast<std::int64_t>(rows.size()) > s.planned) throw refused{400, "push_chunk_invalid", "more rows than planned"};
        s.rows.insert(s.rows.end(), rows.begin(), rows.end());
        s.expires = now + ttl();
        return {{"push_id", id}, {"next_expected_row_ordinal", s.rows.size()}};
    }

    json push_commit(const actor& a, const std::string& id) {
        const push_session s = session(a, id);
        std::set<row_name> targets;
        for (const auto& r : s.rows)
            if (!targets.insert({r.of->name, r.key}).second) throw refused{400, "push_commit_invalid", "duplicate target"};
        if (static_cast<std::int64_t>(s.rows.size()) != s.planned) throw refused{400, "push_commit_invalid", "staged rows do not match the plan"};
        user_state u = user(a.user);
        if (!s.initialization_id.empty()) lease(u, s).lease_expires = now + ttl();
        const auto known = u.sources.find(s.source);
        if (known != u.sources.end() && known->second.state == "retired") throw retired(s.source, known->second);
        if ((known == u.sources.end() ? 1 : known->second.max_committed + 1) != s.source_bundle_id)
            throw refused{409, "source_sequence_changed", "another bundle of this source was committed first"};
        for (const auto& r : s.rows) check_conflict(u, r);
        capture captured;
        captured.watch(u.data);
        for (const auto& r : s.rows) apply(u.data, r);
        u.data.told = nullptr;
        u.data.check(registered_);
        const auto b = seal(u, captured, s.source, s.source_bundle_id);
        if (b == nullptr) throw refused{400, "push_commit_invalid", "the push has no effect"};
        if (!s.initialization_id.empty()) initialize(u, s.source);
        user(a.user) = std::move(u);
        push_sessions_.erase(id);
        return described(*b);
    }

    void push_delete(const actor& a, const std::string& id) {
        session(a, id);
        push_sessions_.erase(id);
    }

    static json described(const bundle& b) {
        return {{"bundle_seq", b.seq}, {"source_id", b.source}, {"source_bundle_id", b.source_bundle_id}, {"row_count", b.rows.size()}, {"bundle_hash", b.hash}};
    }

private:
    static std::optional<json> committed(const user_state& u, const std::string& source, std::int64_t id) {
        for (const auto& [seq, b] : u.log) {
            if (seq <= u.floor || b->source != source || b->source_bundle_id != id) continue;
            json out{{"status", "already_committed"}};
            out.update(described(*b));
            return out;
        }
        return std::nullopt;
    }
    push_session& session(const actor& a, const std::string& id) {
        const auto at = push_sessions_.find(id);
        if (at == push_sessions_.end()) throw refused{404, "push_session_not_found", "no such push session"};
        if (at->second.user != a.user) throw refused{403, "push_session_forbidden", "the push session belongs to another user"};
        if (at->second.expires <= now) throw refused{410, "push_session_expired", "the push session has expired"};
        return at->second;
    }
    user_state& lease(user_state& u, const push_session& s) const {
        expire_lease(u);
        if (u.state == scope::uninitialized) throw refused{410, "initialization_expired", "the initialization lease has expired"};
        if (u.state != scope::initializing || u.initializer != s.source || u.initialization_id != s.initialization_id)
            throw refused{409, "initialization_stale", "another initialization is active"};
        return u;
    }
    static bool plain_name(std::string_view s) {
        return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
    }

    [[nodiscard]] staged_row row_from(const json& in) const {
        const auto bad = [](const std::string& why) { return refused{400, "push_chunk_invalid", why}; };
        if (!in.is_object()) throw refused{400, "invalid_request", "a row must be an object"};
        std::string schema = lower(trim(text(in, "schema")));
        const std::string name = lower(trim(text(in, "table")));
        if (schema.empty()) schema = "public";
        if (!plain_name(schema) || !plain_name(name)) throw bad("invalid table name");
        staged_row out;
        out.of = find_table(registered_, schema, name);
        if (out.of == nullptr) throw bad("table " + schema + "." + name + " is not registered");
        const json* key = member(in, "key");
        if (key == nullptr || !key->is_object() || !key->contains(out.of->key) || !key->at(out.of->key).is_string()) throw bad("key must hold a string " + out.of->key);
        out.key = key->at(out.of->key).get<std::string>();
        if (out.of->uuid_key && !is_uuid(out.key)) throw bad("key must be a canonical uuid");
        out.op = text(in, "op");
        for (char& c : out.op = trim(out.op))
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (out.op != "INSERT" && out.op != "UPDATE" && out.op != "DELETE") throw bad("unknown op");
        out.base = whole(in, "base_row_version");
        const json* payload = member(in, "payload");
        if (out.op == "DELETE") {
            if (payload != nullptr) throw bad("DELETE must not include payload");
            return out;
        }
        if (payload == nullptr || !payload->is_object()) throw bad("payload must be an object");
        if (payload->contains("_sync_scope_id")) throw bad("payload must not contain _sync_scope_id");
        out.payload = options.rounds_numbers ? through_double(*payload) : *payload;
        for (const auto& [column_name, v] : out.payload.items()) {
            if (!plain_name(lower(column_name))) throw bad("invalid column name");
            const column* c = out.of->find(lower(column_name));
            if (c != nullptr && c->type == kind::blob && !v.is_null() && (!v.is_string() || !from_base64(v.get<std::string>()))) throw bad("bytea must be base64");
        }
        if (!out.payload.contains(out.of->key)) out.payload[out.of->key] = out.key;
        if (out.payload[out.of->key] != json(out.key)) throw bad("payload's key differs from key");
        return out;
    }

    void check_conflict(const user_state& u, const staged_row& r) const {
        const auto at = u.versions.find({r.of->name, r.key});
        const bool known = at != u.versions.end(), live = known && !at->second.deleted;
        const bool passes = r.op == "INSERT" ? (!live && r.base == (known ? at->second.seq : 0)) : (live && r.base == at->second.seq);
        if (passes) return;
        const row* stands = live ? u.data.find({r.of->name, r.key}) : nullptr;
        // A table with bytes has its row re-encoded, through double.
        const bool bytes = std::any_of(r.of->columns.begin(), r.of->columns.end(), [](const column& c) { return c.type == kind::blob; });
        json conflict{{"schema", r.of->schema},
                      {"table", r.of->name},
                      {"key", {{r.of->key, r.key}}},
                      {"op", r.op},
                      {"base_row_version", r.base},
                      {"server_row_version", known ? at->second.seq : 0},
                      {"server_row_deleted", known && !live},
                      {"server_row", stands == nullptr ? json{} : capture::payload_of(*stands, bytes && options.rounds_numbers)}};
        throw refused{409, "push_conflict", "the row was changed meanwhile", {{"conflict", conflict}}};
    }

    void apply(rows& data, const staged_row& r) const {
        const row_name n{r.of->name, r.key};
        if (r.op == "DELETE") {
            data.erase(registered_, n);
        } else if (r.op == "INSERT") {
            if (data.find(n) != nullptr) throw constraint_error("23505", "duplicate key " + r.key);
            data.put(n, typed(*r.of, r.key, r.payload));
        } else if (const row* before = data.find(n)) {
            row changed = *before;
            for (const auto& [name, v] : typed(*r.of, r.key, r.payload))
                if (sent(r.payload, name)) changed[name] = v;
            data.put(n, std::move(changed));
        }
        if (trigger) trigger(data, n);
    }
    static bool sent(const json& payload, std::string_view name) { return member(payload, name) != nullptr; }
};

}  // namespace oversync

#endif
