#ifndef SYNCLINE_TESTING_SCRIPTED_BUNDLE_SERVER_HPP
#define SYNCLINE_TESTING_SCRIPTED_BUNDLE_SERVER_HPP

#include <syncline/support/canonical_json.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/verdict.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/rows.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A row of a push or of a bundle, as it stands on the bundle wire. `payload` is JSON, empty for a DELETE.
struct scripted_row {
    std::string table;
    std::string key;
    std::string op;
    std::int64_t base = 0;
    std::string payload;

    friend bool operator==(const scripted_row&, const scripted_row&) = default;
};

/// A bundle that a scripted server committed.
struct scripted_bundle {
    std::int64_t seq = 0;
    std::string source;
    std::int64_t number = 0;
    std::vector<scripted_row> rows;
    std::vector<scripted_row> sent;  ///< what was uploaded
    std::string hash;
};

/// A foreign server of the bundle wire as the sheet tells of it, for one user, with its weak sides, for a device under test: it knows a bundle by its
/// number alone, names one conflict at a time, looks at the initialization id before it looks for the bundle, and tells neither incarnation nor
/// account. Nothing here is Syncline's server. The test says what others write (`write`), what the table makes of what is sent (`made`,
/// `besides`), what is gone (`floor`, `lose_everything`); lost answers and pauses are a `scripted_network`'s before it.
class scripted_bundle_server {
public:
    enum class scope { uninitialized, initializing, initialized };

    // What a test reads and changes.

    std::string key_name = "id";    ///< the key column of every table
    scope state = scope::uninitialized;
    std::string owner;              ///< of the lease
    std::string initialization_id;
    std::int64_t floor = 0;
    std::vector<scripted_bundle> log;
    std::map<std::string, std::string> retired;  ///< source by source: which one took its place
    std::map<std::string, std::string> reasons;
    bool counts_wrong = false;      ///< committed rows say another number than the commit did
    std::vector<std::pair<std::string, std::string>> asked;  ///< method and path, in order
    verdict malformed;              ///< what the device sent that is not of this wire
    /// What the table makes of a payload: defaults, booleans, scales.
    std::function<std::string(const scripted_row&)> made = [](const scripted_row& r) { return r.payload; };
    /// What else a commit writes: cascades, triggers.
    std::function<std::vector<scripted_row>(const scripted_row&)> besides = [](const scripted_row&) { return std::vector<scripted_row>{}; };

    struct stored {
        std::int64_t version = 0;
        std::string payload;  ///< empty: deleted
    };
    std::map<std::pair<std::string, std::string>, stored> rows;

    [[nodiscard]] std::int64_t head() const { return static_cast<std::int64_t>(first_ + log.size()) - 1; }
    [[nodiscard]] std::string payload(const std::string& table, const std::string& key) const {
        const auto at = rows.find({table, key});
        return at == rows.end() ? std::string{} : at->second.payload;
    }
    [[nodiscard]] std::size_t count(std::string_view method_and_path) const {
        return static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [&](const auto& a) {
            return (a.first + " " + a.second).find(method_and_path) != std::string::npos;
        }));
    }

    /// Another device of the same user commits.
    void write(const std::string& table, const std::string& key, std::string payload_text, const std::string& source = "elsewhere") {
        state = scope::initialized;
        const bool there = !payload(table, key).empty();
        const std::string op = payload_text.empty() ? "DELETE" : there ? "UPDATE" : "INSERT";
        seal(source, ++numbers_[source], {{table, key, op, 0, std::move(payload_text)}}, {});
    }
    /// Nothing of this user is left: as if it had never been.
    void lose_everything() {
        *this = scripted_bundle_server{};
    }

    /// Answers @p r.
    response handle(const request& r) {
        asked.emplace_back(r.method == http_method::get ? "GET" : r.method == http_method::post ? "POST" : "DELETE", r.path);
        const std::string source{find_header(r.headers, "Oversync-Source-ID").value_or("")};
        std::string_view path = r.path;
        if (path.substr(0, 6) != "/sync/") return json_error(404, "not_found", "no such path");
        path.remove_prefix(6);
        const std::string_view target = r.path;
        path = path.substr(0, path.find('?'));
        if (path == "connect") return connect(source, body(r));
        if (path == "push-sessions") return create(source, body(r));
        if (path == "pull") return pull(target);
        if (path == "snapshot-sessions") return snapshot(source, r.body);
        const auto slash = path.find('/');
        const std::string_view kind = path.substr(0, slash);
        std::string_view id = path.substr(slash + 1);
        if (kind == "snapshot-sessions") return r.method == http_method::erase ? response{204, {}, {}} : snapshot_page(std::string{id}, target);
        const auto rest = id.find('/');
        const std::string_view action = rest == std::string_view::npos ? std::string_view{} : id.substr(rest + 1);
        id = id.substr(0, rest);
        if (kind == "committed-bundles") return committed(std::atoll(std::string{id}.c_str()), target);
        if (kind != "push-sessions") return json_error(404, "not_found", "no such path");
        const auto at = sessions_.find(std::string{id});
        if (at == sessions_.end()) return json_error(404, "push_session_not_found", "no such session");
        if (action == "chunks") return chunk(at->second, at->first, body(r));
        if (action == "commit") return commit(at);
        sessions_.erase(at);
        return response{204, {}, {}};
    }

private:
    struct session {
        std::string source;
        std::int64_t number = 0;
        std::size_t planned = 0;
        std::vector<scripted_row> rows;
        std::string initialization_id;
    };

    // What is no JSON is taken for an empty object, and told.
    json_tape body(const request& r) {
        auto t = json_tape::parse(r.body.empty() ? "{}" : r.body);
        if (t) return std::move(*t);
        malformed.find("the device sent what is no JSON: " + r.body);
        return std::move(*json_tape::parse("{}"));
    }
    std::int64_t need_number(const json_view& of, std::string_view name) {
        const auto at = of.find(name);
        auto n = at ? at->as_int() : result<std::int64_t>{make_fault(errc::malformed_message, "`", name, "` is missing")};
        if (n) return *n;
        malformed.find("the device sent no number for `" + std::string(name) + "`");
        return 0;
    }
    std::string need_text(const json_view& of, std::string_view name) {
        const auto at = of.find(name);
        if (at && at->is_string()) return std::string{at->as_string()};
        malformed.find("the device sent no text for `" + std::string(name) + "`");
        return {};
    }
    static response ok(std::string text) { return json_response(200, std::move(text)); }
    static std::string quoted(std::string_view text) {
        std::string out;
        append_canonical_string(out, text);
        return out;
    }
    static std::int64_t number(std::string_view target, std::string_view name, std::int64_t otherwise) {
        auto text = query_parameter(target, name);
        return text && *text ? std::atoll((*text)->c_str()) : otherwise;
    }
    std::string row_text(const scripted_row& r, std::int64_t version, bool with_op) const {
        std::string out = R"({"schema":"public","table":)" + quoted(r.table) + R"(,"key":{)" + quoted(key_name) + R"(:)" + quoted(r.key) + "}";
        if (with_op) out += R"(,"op":)" + quoted(r.op);
        out += R"(,"row_version":)" + std::to_string(version);
        if (!r.payload.empty()) out += R"(,"payload":)" + r.payload;
        return out + "}";
    }
    std::string head_text(const scripted_bundle& b, std::size_t count) const {
        return R"("bundle_seq":)" + std::to_string(b.seq) + R"(,"source_id":)" + quoted(b.source) + R"(,"source_bundle_id":)" + std::to_string(b.number) +
               R"(,"row_count":)" + std::to_string(count) + R"(,"bundle_hash":)" + quoted(b.hash);
    }

    response connect(const std::string& source, const json_tape& b) {
        const auto has = b.root().find("has_local_pending_rows");
        const bool pending = has && has->is_boolean() && *has->as_bool();
        if (state == scope::initializing && owner != source)
            return ok(R"({"resolution":"retry_later","lease_expires_at":"2030-01-01T00:00:00Z","retry_after_seconds":7})");
        if (state == scope::initialized) return ok(R"({"resolution":"remote_authoritative"})");
        if (!pending) {
            state = scope::initialized;
            return ok(R"({"resolution":"initialize_empty"})");
        }
        if (state == scope::uninitialized) initialization_id = "init-" + std::to_string(++made_ids_);
        state = scope::initializing;
        owner = source;
        return ok(R"({"resolution":"initialize_local","initialization_id":)" + quoted(initialization_id) + R"(,"lease_expires_at":"2030-01-01T00:00:00Z"})");
    }

    response create(const std::string& source, const json_tape& b) {
        const auto named = b.root().find("initialization_id");
        const std::string id = named ? std::string{named->as_string()} : std::string{};
        if (state == scope::uninitialized) return id.empty() ? json_error(409, "scope_uninitialized", "connect") : json_error(410, "initialization_expired", "connect");
        if (state == scope::initializing && id.empty()) return json_error(400, "push_session_invalid", "the scope is being initialized");
        if (state == scope::initializing && (id != initialization_id || owner != source)) return json_error(409, "initialization_stale", "connect");
        if (state == scope::initialized && !id.empty()) return json_error(400, "push_session_invalid", "the scope is initialized");
        session s;
        s.source = source;
        s.number = need_number(b.root(), "source_bundle_id");
        s.planned = static_cast<std::size_t>(need_number(b.root(), "planned_row_count"));
        s.initialization_id = id;
        for (const auto& known : log)
            if (known.source == source && known.number == s.number && known.seq > floor)
                return ok(R"({"status":"already_committed",)" + head_text(known, known.rows.size()) + "}");
        if (const auto at = retired.find(source); at != retired.end()) return retired_answer(source, at->second);
        if (s.number <= numbers_[source]) return json_error(409, "history_pruned", "older than what is kept");
        if (s.number > numbers_[source] + 1) return json_error(409, "source_sequence_out_of_order", "a gap");
        const std::string push = "push-" + std::to_string(++made_ids_);
        const std::string planned = std::to_string(s.planned);
        sessions_.emplace(push, std::move(s));
        return ok(R"({"push_id":)" + quoted(push) + R"(,"status":"staging","planned_row_count":)" + planned + "}");
    }
    static response retired_answer(const std::string& source, const std::string& by) {
        return json_response(409, R"({"error":"source_retired","message":"retired","source_id":)" + quoted(source) + R"(,"replaced_by_source_id":)" + quoted(by) + "}");
    }

    response chunk(session& s, const std::string& id, const json_tape& b) {
        if (static_cast<std::size_t>(need_number(b.root(), "start_row_ordinal")) != s.rows.size())
            return json_error(409, "push_chunk_out_of_order", "not the next row");
        const auto sent = b.root().find("rows");
        if (!sent || !sent->is_array()) {
            malformed.find("the device sent a chunk without `rows`");
            return json_error(400, "push_chunk_invalid", "`rows` is missing");
        }
        for (const auto& r : *sent) {
            scripted_row row;
            row.table = need_text(r, "table");
            row.key = r.find("key") ? need_text(*r.find("key"), key_name) : std::string{};
            row.op = need_text(r, "op");
            row.base = need_number(r, "base_row_version");
            if (const auto p = r.find("payload")) {
                auto text = canonical_json(*p);
                if (text) row.payload = *text;
            }
            s.rows.push_back(std::move(row));
        }
        return ok(R"({"push_id":)" + quoted(id) + R"(,"next_expected_row_ordinal":)" + std::to_string(s.rows.size()) + "}");
    }

    response commit(std::map<std::string, session>::iterator at) {
        session& s = at->second;
        if (s.rows.size() != s.planned) return json_error(400, "push_commit_invalid", "rows are missing");
        if (state == scope::initializing && s.initialization_id != initialization_id) return json_error(409, "initialization_stale", "connect");
        if (retired.count(s.source) != 0) return retired_answer(s.source, retired[s.source]);
        if (s.number != numbers_[s.source] + 1) return json_error(409, "source_sequence_changed", "another was first");
        for (const auto& row : s.rows) {
            const auto there = rows.find({row.table, row.key});
            const bool live = there != rows.end() && !there->second.payload.empty();
            const std::int64_t version = there == rows.end() ? 0 : there->second.version;
            const bool passes = row.op == "INSERT" ? !live && row.base == version : live && row.base == version;
            if (passes) continue;
            return json_response(409, R"({"error":"push_conflict","message":"not at that version","conflict":{"schema":"public","table":)" + quoted(row.table) +
                                          R"(,"key":{)" + quoted(key_name) + R"(:)" + quoted(row.key) + R"(},"op":)" + quoted(row.op) + R"(,"base_row_version":)" + std::to_string(row.base) +
                                          R"(,"server_row_version":)" + std::to_string(version) + R"(,"server_row_deleted":)" +
                                          (there != rows.end() && !live ? "true" : "false") + R"(,"server_row":)" + (live ? there->second.payload : "null") + "}}");
        }
        std::vector<scripted_row> effects;
        for (const auto& row : s.rows) {
            scripted_row effect = row;
            if (!row.payload.empty()) effect.payload = made(row);
            effects.push_back(effect);
            for (auto& more : besides(row)) effects.push_back(std::move(more));
        }
        numbers_[s.source] = s.number;
        const scripted_bundle& b = seal(s.source, s.number, std::move(effects), s.rows);
        state = scope::initialized;
        sessions_.erase(at);
        return ok("{" + head_text(b, b.rows.size()) + "}");
    }

    const scripted_bundle& seal(const std::string& source, std::int64_t with, std::vector<scripted_row> effects, std::vector<scripted_row> sent) {
        scripted_bundle b;
        b.seq = head() + 1;
        b.source = source;
        b.number = with;
        bundle_wire::bundle_hasher hasher;
        for (const auto& row : effects) {
            rows[{row.table, row.key}] = stored{b.seq, row.payload};
            const auto tape = json_tape::parse(row_text(row, b.seq, true));
            if (!tape || !hasher.add(tape->root())) malformed.find("what is to be committed is no row: " + row_text(row, b.seq, true));
        }
        b.hash = hasher.finish();
        b.rows = std::move(effects);
        b.sent = std::move(sent);
        log.push_back(std::move(b));
        return log.back();
    }

    response committed(std::int64_t seq, std::string_view target) {
        if (seq <= floor) return json_error(409, "history_pruned", "no longer kept");
        if (seq > head()) return json_error(404, "committed_bundle_not_found", "no such bundle");
        const scripted_bundle& b = log[static_cast<std::size_t>(seq - 1)];
        const std::int64_t after = number(target, "after_row_ordinal", -1);
        const std::int64_t most = number(target, "max_rows", 1000);
        std::string text;
        std::int64_t last = after;
        for (std::int64_t i = after + 1; i < static_cast<std::int64_t>(b.rows.size()) && i <= after + most; ++i) {
            text += (text.empty() ? "" : ",") + row_text(b.rows[static_cast<std::size_t>(i)], b.seq, true);
            last = i;
        }
        return ok("{" + head_text(b, b.rows.size() + (counts_wrong ? 1 : 0)) + R"(,"rows":[)" + text + R"(],"next_row_ordinal":)" + std::to_string(last) + R"(,"has_more":)" +
                  (last + 1 < static_cast<std::int64_t>(b.rows.size() + (counts_wrong ? 1 : 0)) ? "true}" : "false}"));
    }

    [[nodiscard]] std::optional<response> not_initialized() const {
        if (state == scope::uninitialized) return json_error(409, "scope_uninitialized", "connect");
        if (state == scope::initializing) return json_error(409, "scope_initializing", "connect");
        return std::nullopt;
    }

    response pull(std::string_view target) {
        if (const auto r = not_initialized()) return *r;
        const std::int64_t after = number(target, "after_bundle_seq", 0);
        const std::int64_t most = number(target, "max_bundles", 1000);
        const std::int64_t asked_for = number(target, "target_bundle_seq", 0);
        const std::int64_t stable = asked_for > 0 ? asked_for : head();
        if (after > 0 && after <= floor) return json_error(409, "history_pruned", "no longer kept");
        std::string text;
        std::int64_t last = after;
        for (const auto& b : log) {
            if (b.seq <= after || b.seq <= floor || b.seq > stable || b.seq > after + most) continue;
            std::string of;
            for (const auto& row : b.rows) of += (of.empty() ? "" : ",") + row_text(row, b.seq, true);
            text += (text.empty() ? "{" : ",{") + head_text(b, b.rows.size()) + R"(,"rows":[)" + of + "]}";
            last = b.seq;
        }
        return ok(R"({"stable_bundle_seq":)" + std::to_string(stable) + R"(,"bundles":[)" + text + R"(],"has_more":)" + (last < stable ? "true}" : "false}"));
    }

    response snapshot(const std::string& source, const std::string& text) {
        if (const auto r = not_initialized()) return *r;
        if (!text.empty()) {
            const auto tape = json_tape::parse(text);
            const auto asks = tape ? tape->root().find("source_replacement") : std::nullopt;
            if (!asks) return json_error(400, "snapshot_session_invalid", "not a replacement of a source");
            const std::string previous = need_text(*asks, "previous_source_id");
            const std::string next = need_text(*asks, "new_source_id");
            if (previous != source || next == source) return json_error(400, "snapshot_session_invalid", "not the source that asks");
            if (const auto at = retired.find(previous); at == retired.end()) {
                if (numbers_.count(next) != 0) return json_error(409, "source_replacement_invalid", "known");
                retired[previous] = next;
                reasons[previous] = need_text(*asks, "reason");
                numbers_[next] = 0;
            } else if (at->second != next) {
                return retired_answer(previous, at->second);
            }
        }
        frozen copy;
        copy.seq = head();
        for (const auto& [key, row] : rows)
            if (!row.payload.empty()) copy.rows.emplace_back(scripted_row{key.first, key.second, {}, 0, row.payload}, row.version);
        const std::string id = "snapshot-" + std::to_string(++made_ids_);
        const std::size_t count = copy.rows.size();
        snapshots_[id] = std::move(copy);
        return ok(R"({"snapshot_id":)" + quoted(id) + R"(,"snapshot_bundle_seq":)" + std::to_string(snapshots_[id].seq) + R"(,"row_count":)" + std::to_string(count) +
                  R"(,"expires_at":"2030-01-01T00:00:00Z"})");
    }
    response snapshot_page(const std::string& id, std::string_view target) {
        const auto at = snapshots_.find(id);
        if (at == snapshots_.end()) return json_error(404, "snapshot_session_not_found", "no such snapshot");
        const auto after = static_cast<std::size_t>(number(target, "after_row_ordinal", 0));
        const auto most = static_cast<std::size_t>(number(target, "max_rows", 1000));
        std::string text;
        std::size_t next = after;
        for (; next < at->second.rows.size() && next < after + most; ++next)
            text += (text.empty() ? "" : ",") + row_text(at->second.rows[next].first, at->second.rows[next].second, false);
        return ok(R"({"snapshot_id":)" + quoted(id) + R"(,"snapshot_bundle_seq":)" + std::to_string(at->second.seq) + R"(,"rows":[)" + text + R"(],"next_row_ordinal":)" +
                  std::to_string(next) + R"(,"has_more":)" + (next < at->second.rows.size() ? "true}" : "false}"));
    }

    struct frozen {
        std::int64_t seq = 0;
        std::vector<std::pair<scripted_row, std::int64_t>> rows;
    };
    std::size_t first_ = 1;
    std::size_t made_ids_ = 0;
    std::map<std::string, std::int64_t> numbers_;
    std::map<std::string, session> sessions_;
    std::map<std::string, frozen> snapshots_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
