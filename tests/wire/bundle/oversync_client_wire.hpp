#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_WIRE_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_CLIENT_WIRE_HPP

// How a client of go-oversync v0.2.1 asks and what it makes sure of in an answer (sheet `bundle` 1, 2.7, 2.8, 5.6). It reads as Go's decoder does: a
// member of the wrong type fails, one that it does not know is ignored, one that is missing is zero.

#include <syncline/transport/message.hpp>

#include "wire/bundle/oversync_client_state.hpp"

namespace oversync {

using syncline::http_method;
using syncline::request;
using syncline::response;
using wire = std::function<std::optional<response>(const request&)>;  // nothing: the connection failed

struct client_options {
    std::string token;                ///< of `Authorization: Bearer`
    std::string schema = "public";
    std::size_t upload_limit = 1000, download_limit = 1000, snapshot_chunk_rows = 1000;
    int attempts = 3;                 ///< 1: nothing is retried
    std::uint64_t id_space = 100;     ///< of the ids that this client makes
};

/// An answer other than 2xx that is not retried.
struct refusal {
    std::string operation;
    int status = 0;
    std::string code, message;
    json body;

    [[nodiscard]] client_error error() const {
        client_error e{"http", operation + " was answered " + std::to_string(status) + " " + code + " " + message};
        e.operation = operation, e.status = status, e.wire_code = code;
        return e;
    }
};
/// What is tried again: 429, 502, 503, 504, and a connection that broke.
struct transient {
    std::string operation;
    int status = 0;
};

struct commit_answer {
    bool already = false;
    std::int64_t seq = 0, rows = 0;
    std::string hash;
};
struct snapshot {
    std::string id;
    std::int64_t seq = 0, rows = 0;
};
struct pulled_bundle {
    std::int64_t seq = 0;
    std::vector<bundle_row> rows;
};
struct pull_page {
    std::int64_t stable = 0;
    std::vector<pulled_bundle> bundles;
    bool more = false;
};

class client_wire : public client_database {
public:
    client_wire(tables managed, wire to, client_options how, durable file = {})
        : client_database(std::move(managed), std::move(file)), options(std::move(how)), send(std::move(to)) {}

    client_options options;
    wire send;
    std::vector<std::int64_t> waits;  ///< milliseconds that it would have slept

protected:
    // -- reading
    static client_error malformed(const std::string& what) { return {"protocol", what}; }
    static std::int64_t whole(const json& from, std::string_view name) {
        const json* v = member(from, name);
        if (v == nullptr || v->is_null()) return 0;
        if (!v->is_number_integer()) throw malformed(std::string{name} + " is no integer: " + go_text(from).substr(0, 200));
        return v->get<std::int64_t>();
    }
    static std::string text(const json& from, std::string_view name) {
        const json* v = member(from, name);
        if (v == nullptr || v->is_null()) return {};
        if (!v->is_string()) throw malformed(std::string{name} + " is no string: " + go_text(from).substr(0, 200));
        return v->get<std::string>();
    }
    static bool flag(const json& from, std::string_view name) {
        const json* v = member(from, name);
        if (v == nullptr || v->is_null()) return false;
        if (!v->is_boolean()) throw malformed(std::string{name} + " is no boolean");
        return v->get<bool>();
    }
    static json list(const json& from, std::string_view name) {
        const json* v = member(from, name);
        if (v == nullptr || v->is_null()) return json::array();
        if (!v->is_array()) throw malformed(std::string{name} + " is no array");
        return *v;
    }
    /// @param snapshot  rows of a snapshot carry no op
    static bundle_row row_from(const json& in, bool snapshot) {
        if (!in.is_object()) throw malformed("a row is no object");
        bundle_row r;
        r.schema = text(in, "schema");
        r.table = text(in, "table");
        r.op = snapshot ? "INSERT" : text(in, "op");
        r.row_version = whole(in, "row_version");
        const json* key = member(in, "key");
        if (key == nullptr || !key->is_object() || key->size() != 1 || !key->begin()->is_string()) throw malformed("a row's key is not one string");
        r.key_column = key->begin().key();
        r.key = key->begin()->get<std::string>();
        if (r.op != "INSERT" && r.op != "UPDATE" && r.op != "DELETE") throw malformed("unknown op " + r.op);
        if (r.row_version <= 0) throw malformed("row_version must be positive");
        const json* payload = member(in, "payload");
        if (r.op != "DELETE") {
            if (payload == nullptr || !payload->is_object()) throw malformed("a row lacks its payload");
            r.payload = *payload;
        }
        return r;
    }

    // -- asking
    /// One request, and its answer's JSON. Throws `refusal` or `transient`.
    json ask_once(const std::string& operation, http_method method, const std::string& path, const json& body = {}) {
        request r{method, path, {{"Authorization", "Bearer " + options.token}, {"Oversync-Source-ID", disk.source}, {"Accept", "application/json"}}, {}};
        if (!body.is_null()) {
            r.headers.push_back({"Content-Type", "application/json"});
            r.body = go_text(body);
        }
        const auto answer = send(r);
        if (!answer) throw transient{operation, 0};
        const int s = answer->status;
        if (s == 429 || s == 502 || s == 503 || s == 504) {
            const auto in = read_json(answer->body);
            if (operation == "watch" && in && in->is_object()) throw refusal{operation, s, text(*in, "error"), {}, *in};
            throw transient{operation, s};
        }
        if (s < 200 || s >= 300) {
            const auto in = read_json(answer->body);
            refusal e{operation, s, {}, answer->body.substr(0, 200), {}};
            if (in && in->is_object()) e.code = text(*in, "error"), e.message = text(*in, "message"), e.body = *in;
            throw e;
        }
        if (s == 204 || operation == "watch") return operation == "watch" ? json(answer->body) : json{};
        auto in = read_json(answer->body);
        if (!in || !in->is_object()) throw malformed(operation + " was answered with no JSON object");
        return std::move(*in);
    }
    /// Tries @p what as often as the policy says.
    template <class F>
    auto retrying(const std::string& operation, F what) -> decltype(what()) {
        for (int attempt = 1;; ++attempt) {
            try {
                return what();
            } catch (const transient& t) {
                if (attempt >= options.attempts) {
                    client_error e{"retry_exhausted", operation + " failed " + std::to_string(attempt) + " times, last " + t.operation + " with " + std::to_string(t.status)};
                    e.operation = operation, e.attempts = attempt, e.status = t.status;
                    throw e;
                }
                waits.push_back((std::min)(std::int64_t{1000}, std::int64_t{100} << (attempt - 1)));
            }
        }
    }
    json ask(const std::string& operation, http_method method, const std::string& path, const json& body = {}) {
        return retrying(operation, [&] { return ask_once(operation, method, path, body); });
    }
    /// Best effort: whatever comes back is all the same.
    void drop(const std::string& operation, const std::string& path) {
        try {
            ask_once(operation, http_method::erase, path);
        } catch (const refusal&) {
        } catch (const transient&) {
        } catch (const client_error&) {
        }
    }

    // -- push, steps 2 to 5 (each throws `transient` for the unit to be tried again)
    static std::string committed_text(const json& in, const outbox& o, const std::string& what) {
        if (whole(in, "source_bundle_id") != o.source_bundle_id || text(in, "source_id") != o.source_id) throw malformed(what + " names another bundle");
        if (whole(in, "bundle_seq") <= 0 || whole(in, "row_count") <= 0 || text(in, "bundle_hash").empty()) throw malformed(what + " is incomplete");
        return text(in, "bundle_hash");
    }
    commit_answer upload() {
        const outbox& o = disk.out;
        json body{{"source_bundle_id", o.source_bundle_id}, {"planned_row_count", o.rows.size()}};
        if (!o.initialization_id.empty()) body["initialization_id"] = o.initialization_id;
        const json made = ask_once("push_create", http_method::post, "/sync/push-sessions", body);
        const std::string status = text(made, "status");
        if (status == "already_committed") {
            const std::string hash = committed_text(made, o, "already_committed");
            return {true, whole(made, "bundle_seq"), whole(made, "row_count"), hash};
        }
        const std::string id = text(made, "push_id");
        if (status != "staging" || trim(id).empty() || whole(made, "planned_row_count") != static_cast<std::int64_t>(o.rows.size()) ||
            whole(made, "next_expected_row_ordinal") != 0)
            throw malformed("the answer to push create is not a staging session");
        if (o.state == "committed_remote") throw malformed("a committed bundle is unknown to the server");
        try {
            return upload_into("/sync/push-sessions/" + id, id);
        } catch (const crash&) {
            throw;
        } catch (...) {
            drop("push_delete", "/sync/push-sessions/" + id);
            throw;
        }
    }
    commit_answer upload_into(const std::string& path, const std::string& id) {
        const outbox& o = disk.out;
        for (std::size_t from = 0; from < o.rows.size(); from += options.upload_limit) {
            const std::size_t to = (std::min)(from + options.upload_limit, o.rows.size());
            json part = json::array();
            for (std::size_t i = from; i < to; ++i) part.push_back(push_row(o.rows[i]));
            const json answer = ask_once("push_chunk", http_method::post, path + "/chunks", {{"start_row_ordinal", from}, {"rows", part}});
            if (text(answer, "push_id") != id || whole(answer, "next_expected_row_ordinal") != static_cast<std::int64_t>(to)) throw malformed("a chunk was not taken whole");
            at("after_chunk");
        }
        at("before_commit");
        const json answer = ask_once("push_commit", http_method::post, path + "/commit");
        const std::string hash = committed_text(answer, o, "the commit's answer");
        at("after_commit");
        return {false, whole(answer, "bundle_seq"), whole(answer, "row_count"), hash};
    }
    [[nodiscard]] json push_row(const outbox_row& r) const {
        const table& t = named(r.name.table);
        json out{{"schema", options.schema}, {"table", t.name}, {"key", {{t.key, r.name.key}}}, {"op", r.op}, {"base_row_version", r.base}};
        if (r.op != "DELETE") out["payload"] = wire_payload(t, r.payload);
        return out;
    }
    std::vector<bundle_row> committed_rows(const commit_answer& c) {
        const outbox& o = disk.out;
        std::vector<bundle_row> all;
        for (;;) {
            std::string path = "/sync/committed-bundles/" + std::to_string(c.seq) + "/rows?";
            if (!all.empty()) path += "after_row_ordinal=" + std::to_string(all.size() - 1) + "&";
            const json in = ask_once("committed_rows", http_method::get, path + "max_rows=" + std::to_string(options.download_limit));
            if (committed_text(in, o, "a page of committed rows") != c.hash || whole(in, "bundle_seq") != c.seq || whole(in, "row_count") != c.rows)
                throw malformed("a page of committed rows is of another bundle");
            const json page = list(in, "rows");
            for (const auto& r : page) {
                all.push_back(row_from(r, false));
                if (all.back().row_version != c.seq) throw malformed("a committed row is of another version than its bundle");
            }
            const bool more = flag(in, "has_more");
            if (!page.empty() && whole(in, "next_row_ordinal") != static_cast<std::int64_t>(all.size()) - 1) throw malformed("next_row_ordinal does not follow the rows");
            if (more && page.empty()) throw malformed("has_more without rows");
            if (!more) break;
        }
        if (static_cast<std::int64_t>(all.size()) != c.rows) throw malformed("the committed rows are not as many as row_count says");
        if (hash_of(all) != c.hash) throw malformed("the committed rows do not have the hash that was announced");
        return all;
    }

    // -- pull and snapshot
    pull_page pull_once(std::int64_t after, std::int64_t target) {
        std::string path = "/sync/pull?after_bundle_seq=" + std::to_string(after) + "&max_bundles=" + std::to_string(options.download_limit);
        if (target > 0) path += "&target_bundle_seq=" + std::to_string(target);
        const json in = ask("pull", http_method::get, path);
        pull_page out{whole(in, "stable_bundle_seq"), {}, flag(in, "has_more")};
        if (out.stable < after) throw malformed("stable_bundle_seq lies before the checkpoint");
        if (target > 0 && out.stable != target) throw malformed("stable_bundle_seq moved between pages");
        std::int64_t last = after;
        for (const auto& b : list(in, "bundles")) {
            pulled_bundle one{whole(b, "bundle_seq"), {}};
            if (out.stable <= 0 || one.seq <= last || one.seq > out.stable) throw malformed("bundle_seq is out of order");
            if (text(b, "source_id").empty() || whole(b, "source_bundle_id") <= 0) throw malformed("a bundle does not name its source");
            for (const auto& r : list(b, "rows")) one.rows.push_back(row_from(r, false));
            last = one.seq;
            out.bundles.push_back(std::move(one));
        }
        if (out.more && out.bundles.empty()) throw malformed("has_more without bundles");
        if (!out.more && last != out.stable) throw malformed("the pages end before stable_bundle_seq");
        return out;
    }
    /// Stages a whole snapshot, from its first row.
    snapshot stage_snapshot(const json& body) {
        transaction(true, [](durable& d) { d.snapshot_stage.clear(); });
        const json made = ask("snapshot_create", http_method::post, "/sync/snapshot-sessions", body);
        const snapshot s{text(made, "snapshot_id"), whole(made, "snapshot_bundle_seq"), whole(made, "row_count")};
        if (trim(s.id).empty() || s.seq < 0 || s.rows < 0 || trim(text(made, "expires_at")).empty()) throw malformed("the snapshot session is incomplete");
        if (s.rows > 0 && s.seq == 0) throw malformed("a snapshot with rows has no bundle_seq");
        for (std::int64_t last = 0;;) {
            const json in = ask("snapshot_chunk", http_method::get,
                                "/sync/snapshot-sessions/" + s.id + "?after_row_ordinal=" + std::to_string(last) + "&max_rows=" + std::to_string(options.snapshot_chunk_rows));
            const json page = list(in, "rows");
            if (text(in, "snapshot_id") != s.id || whole(in, "snapshot_bundle_seq") != s.seq) throw malformed("a page is of another snapshot");
            if (whole(in, "next_row_ordinal") != last + static_cast<std::int64_t>(page.size())) throw malformed("next_row_ordinal does not follow the rows");
            const bool more = flag(in, "has_more");
            if (more && page.empty()) throw malformed("has_more without rows");
            transaction(true, [&](durable& d) {
                for (const auto& r : page) d.snapshot_stage.push_back(row_from(r, true));
            });
            at("after_snapshot_page");
            last += static_cast<std::int64_t>(page.size());
            if (!more) break;
        }
        if (static_cast<std::int64_t>(disk.snapshot_stage.size()) != s.rows) throw malformed("the snapshot's rows are not as many as row_count says");
        return s;
    }
    /// A new id, made inside a transaction.
    std::string fresh_id(durable& d) const { return uuid_number(options.id_space, ++d.ids_made); }
};

}  // namespace oversync

#endif
