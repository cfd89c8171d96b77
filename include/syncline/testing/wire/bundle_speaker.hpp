#ifndef SYNCLINE_TESTING_WIRE_BUNDLE_SPEAKER_HPP
#define SYNCLINE_TESTING_WIRE_BUNDLE_SPEAKER_HPP

#include <syncline/support/canonical_json.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A bundle as a commit, a replay, a pull or a page of rows tells of it.
struct told_bundle {
    std::int64_t seq = 0;
    std::string source;
    std::int64_t source_bundle_id = 0;
    std::int64_t row_count = 0;
    std::string hash;

    friend bool operator==(const told_bundle&, const told_bundle&) = default;
};

/// A row of a bundle or a snapshot.
struct told_row {
    std::string table;  ///< with its schema: `public.tasks`
    std::string key;
    std::string op;
    std::int64_t row_version = 0;
    std::string payload;  ///< JSON; empty: it has none
    std::string json;     ///< the row as it came

    friend bool operator==(const told_row&, const told_row&) = default;
};

/// A bundle with its rows.
struct pulled_bundle {
    told_bundle head;
    std::vector<told_row> rows;
};


/// Speaks the bundle wire as a go-oversync client does, with a new source for each device.
class bundle_speaker {
public:
    explicit bundle_speaker(wire_run& run) : run_(&run) {}

    [[nodiscard]] wire_run& run() const noexcept { return *run_; }
    [[nodiscard]] const wire_subject& subject() const noexcept { return run_->subject(); }
    [[nodiscard]] std::string path(std::string_view endpoint) const { return std::string(subject().prefix.empty() ? "/sync" : subject().prefix).append(endpoint); }
    [[nodiscard]] std::string source() { return run_->fresh_uuid(); }
    [[nodiscard]] std::string key() { return run_->fresh_key(wire_keys::uuid); }
    [[nodiscard]] std::string table() const { return subject().schema + "." + subject().model; }

    // --- rows of an upload ----------------------------------------------------------------------------------------------------

    /// The whole row, with these values of the first two fields; empty: the `one` of theirs.
    [[nodiscard]] std::string payload(const std::string& key, const std::string& first = {}, const std::string& second = {}) const {
        wire_members members{{subject().key, wire_text(key)}};
        for (std::size_t i = 0; i < subject().fields.size(); ++i) {
            const wire_field& f = subject().fields[i];
            const std::string& wanted = i == 0 ? first : i == 1 ? second : f.one;
            members.emplace_back(f.name, wanted.empty() ? f.one : wanted);
        }
        return wire_object(members);
    }
    /// A row of an upload; an empty @p payload is left out.
    [[nodiscard]] std::string row(const std::string& key, std::string_view op, std::int64_t base, const std::string& payload) const {
        wire_members members{{"schema", wire_text(subject().schema)}, {"table", wire_text(subject().model)}, {"key", wire_object({{subject().key, wire_text(key)}})},
                             {"op", wire_text(op)}, {"base_row_version", std::to_string(base)}};
        if (!payload.empty()) members.emplace_back("payload", payload);
        return wire_object(members);
    }
    [[nodiscard]] std::string insert(const std::string& key, const std::string& first = {}, std::int64_t base = 0) const { return row(key, "INSERT", base, payload(key, first)); }
    [[nodiscard]] std::string update(const std::string& key, const std::string& first, std::int64_t base) const { return row(key, "UPDATE", base, payload(key, first)); }
    [[nodiscard]] std::string erase(const std::string& key, std::int64_t base) const { return row(key, "DELETE", base, {}); }

    // --- requests -------------------------------------------------------------------------------------------------------------

    wire_answer ask(clause& c, http_method method, std::string_view endpoint, const std::string& body, const std::string& source) {
        return ask(c, method, endpoint, body, source, subject().account);
    }
    wire_answer ask(clause& c, http_method method, std::string_view endpoint, const std::string& body, const std::string& source, const wire_account& who) {
        request r = wire_run::make(method, path(endpoint), body, who);
        r.headers.push_back({"Oversync-Source-ID", source});
        return run_->ask(c, std::move(r));
    }
    wire_answer get(clause& c, std::string_view endpoint, const std::string& source) { return ask(c, http_method::get, endpoint, {}, source); }
    wire_answer post(clause& c, std::string_view endpoint, const std::string& body, const std::string& source) { return ask(c, http_method::post, endpoint, body, source); }

    /// A device of @p who, let into the account; whoever is the first begins it empty.
    std::string joined(clause& c, const wire_account& who) {
        std::string name = source();
        const auto a = ask(c, http_method::post, "/connect", "{\"has_local_pending_rows\":false}", name, who);
        c.require(a.status() == 200 && a.is_json(), "a device without rows can connect, found " + a.told());
        const auto how = a.text("resolution");
        c.require(how == "initialize_empty" || how == "remote_authoritative", "a device without rows is let in at once, found " + a.told());
        return name;
    }
    std::string joined(clause& c) { return joined(c, subject().account); }

    [[nodiscard]] static std::string create_body(std::int64_t number, std::int64_t rows, const std::string& initialization_id = {}) {
        wire_members members{{"source_bundle_id", std::to_string(number)}, {"planned_row_count", std::to_string(rows)}};
        if (!initialization_id.empty()) members.emplace_back("initialization_id", wire_text(initialization_id));
        return wire_object(members);
    }
    wire_answer create(clause& c, const std::string& source, std::int64_t number, std::size_t rows) {
        return post(c, "/push-sessions", create_body(number, static_cast<std::int64_t>(rows)), source);
    }
    [[nodiscard]] static std::string chunk_body(std::size_t first, const std::vector<std::string>& rows) {
        return wire_object({{"start_row_ordinal", std::to_string(first)}, {"rows", wire_array(rows)}});
    }
    wire_answer chunk(clause& c, const std::string& source, const std::string& id, std::size_t first, const std::vector<std::string>& rows) {
        return post(c, "/push-sessions/" + id + "/chunks", chunk_body(first, rows), source);
    }
    wire_answer commit(clause& c, const std::string& source, const std::string& id) { return post(c, "/push-sessions/" + id + "/commit", {}, source); }
    wire_answer drop(clause& c, const std::string& source, const std::string& id) { return ask(c, http_method::erase, "/push-sessions/" + id, {}, source); }

    /// A new session with these rows in it. @return its id
    std::string stage(clause& c, const std::string& source, std::int64_t number, const std::vector<std::string>& rows) {
        const auto made = create(c, source, number, rows.size());
        c.require(made.status() == 200 && made.text("status") == "staging" && !made.text("push_id").empty(), "a push session for the next bundle is staging, found " + made.told());
        const auto sent = chunk(c, source, made.text("push_id"), 0, rows);
        c.require(sent.status() == 200, "a chunk of good rows is taken, found " + sent.told());
        return made.text("push_id");
    }
    /// A bundle from the first step to the last, all of which must succeed.
    told_bundle push(clause& c, const std::string& source, std::int64_t number, const std::vector<std::string>& rows) {
        const auto done = commit(c, source, stage(c, source, number, rows));
        c.require(done.status() == 200 && done.is_json(), "a bundle that nothing speaks against is committed, found " + done.told());
        const auto b = bundle_of(done.root());
        c.require(b.seq > 0, "a commit tells its `bundle_seq`, found " + done.told());
        return b;
    }
    /// The newest `bundle_seq`, by a snapshot: a pull may find that the first bundles are gone.
    std::int64_t head(clause& c, const std::string& source) {
        const auto made = post(c, "/snapshot-sessions", {}, source);
        c.require(made.status() == 200 && made.integer("snapshot_bundle_seq").has_value(), "a snapshot tells its `snapshot_bundle_seq`, found " + made.told());
        ask(c, http_method::erase, "/snapshot-sessions/" + made.text("snapshot_id"), {}, source);
        return *made.integer("snapshot_bundle_seq");
    }
    [[nodiscard]] static std::string pull_path(std::int64_t after, std::optional<std::int64_t> most = {}, std::optional<std::int64_t> target = {}) {
        std::string out = "/pull?after_bundle_seq=" + std::to_string(after);
        if (most) out += "&max_bundles=" + std::to_string(*most);
        if (target) out += "&target_bundle_seq=" + std::to_string(*target);
        return out;
    }
    wire_answer pull(clause& c, const std::string& source, std::int64_t after, std::optional<std::int64_t> most = {}, std::optional<std::int64_t> target = {}) {
        auto a = get(c, pull_path(after, most, target), source);
        c.require(a.status() == 200 && a.is_json(), "a pull is answered with 200 and a JSON object, found " + a.told());
        return a;
    }
    /// All bundles after @p after, page after page under the first page's ceiling; @p between runs after each page but the last.
    template <class Between>
    std::vector<pulled_bundle> walk(clause& c, const std::string& source, std::int64_t after, std::optional<std::int64_t> most, Between between) {
        constexpr std::size_t far_too_many = 100'000;
        std::vector<pulled_bundle> out;
        std::optional<std::int64_t> ceiling;
        for (std::size_t pages = 0;; ++pages) {
            c.require(pages < far_too_many, "a pull ends: `has_more` becomes false");
            const auto a = pull(c, source, after, most, ceiling);
            const auto stable = a.integer("stable_bundle_seq");
            if (!ceiling) ceiling = stable;
            c.require(ceiling && stable == ceiling, "`stable_bundle_seq` is what was asked for, from page to page; found " + a.told());
            const auto list = bundles_of(a);
            c.expect(!most || list.size() <= static_cast<std::size_t>(*most), "a page has no more bundles than `max_bundles`, found " + a.told());
            for (const auto& b : list) {
                c.require(b.head.seq > after && b.head.seq <= *ceiling, "bundles come in rising order, after the cursor and up to the ceiling; found " + a.told());
                after = b.head.seq;
                out.push_back(b);
            }
            const bool more = a.truth("has_more").value_or(false);
            c.expect(more == (after < *ceiling), "`has_more` says whether bundles up to the ceiling are missing, found " + a.told());
            if (!more) return out;
            c.require(!list.empty(), "a page brings something where there is more, else a pull would never end; found " + a.told());
            between();
        }
    }
    std::vector<pulled_bundle> walk(clause& c, const std::string& source, std::int64_t after) {
        return walk(c, source, after, {}, [] {});
    }

    // --- answers --------------------------------------------------------------------------------------------------------------

    /// That @p a is the error @p code with @p status.
    void expect_error(clause& c, const wire_answer& a, int status, std::string_view code, std::string_view what) const {
        c.expect(a.status() == status && a.text("error") == code,
                 std::string(what).append(" is refused with ").append(std::to_string(status)).append(" `").append(code).append("`, found ") + a.told());
        c.expect(a.is_json() && a.root().find("message").has_value(), std::string(what).append(" is refused with a JSON object of `error` and `message`, found ") + a.told());
    }
    [[nodiscard]] static told_bundle bundle_of(json_view v) {
        return {wire_answer::integer_of(v, "bundle_seq").value_or(0), wire_answer::text_of(v, "source_id"), wire_answer::integer_of(v, "source_bundle_id").value_or(0),
                wire_answer::integer_of(v, "row_count").value_or(0), wire_answer::text_of(v, "bundle_hash")};
    }
    [[nodiscard]] static std::vector<told_row> rows_of(json_view holder) {
        std::vector<told_row> out;
        const auto rows = holder.find("rows");
        if (!rows) return out;
        for (const auto& r : *rows) {
            const auto key = r.find("key");
            std::string value;
            if (key && key->is_object())
                for (const auto& m : key->members()) value = std::string(m.value.as_string());
            const auto payload = r.find("payload");
            out.push_back({wire_answer::text_of(r, "schema") + "." + wire_answer::text_of(r, "table"), value, wire_answer::text_of(r, "op"),
                           wire_answer::integer_of(r, "row_version").value_or(0), payload ? wire_json(*payload) : std::string(), wire_json(r)});
        }
        return out;
    }
    [[nodiscard]] static std::vector<pulled_bundle> bundles_of(const wire_answer& a) {
        std::vector<pulled_bundle> out;
        for (const auto& b : a.list("bundles")) out.push_back({bundle_of(b), rows_of(b)});
        return out;
    }
    /// The form of a row that a server tells (sheet 1.8).
    void expect_told_row(clause& c, const told_row& r, std::int64_t seq) const {
        c.expect(r.op == "INSERT" || r.op == "UPDATE" || r.op == "DELETE", "`op` of a row is INSERT, UPDATE or DELETE, found " + r.json);
        c.expect(!r.key.empty(), "`key` of a row is an object with one member, a string; found " + r.json);
        c.expect(r.row_version == seq, "`row_version` of a row is its bundle's `bundle_seq`, " + std::to_string(seq) + "; found " + r.json);
        c.expect(r.op == "DELETE" ? r.payload.empty() || r.payload == "null" : r.payload.starts_with("{"), "a row has a payload unless it is a DELETE, found " + r.json);
    }
    /// Checks the first field of a payload.
    void expect_first(clause& c, const std::string& payload, const std::string& wanted, const std::string& when) const {
        const wire_answer read{response{200, {}, payload}};
        const auto v = read.root().find(subject().fields.front().name);
        const std::string found = v ? wire_json(*v) : std::string("nothing");
        c.expect(same_wire_value(found, wanted), when + ", `" + subject().fields.front().name + "` is " + wanted + ", found " + found);
    }
    /// What a new device's snapshot has of the record: its JSON; empty: it is not there.
    std::string seen(clause& c, const std::string& key) {
        const std::string device = joined(c);
        std::string found;
        for (const auto& r : snapshot(c, device))
            if (r.key == key && r.table == table()) found = r.payload;
        return found;
    }
    /// A snapshot's rows, page after page.
    std::vector<told_row> snapshot(clause& c, const std::string& source) {
        const auto made = post(c, "/snapshot-sessions", {}, source);
        c.require(made.status() == 200, "a snapshot can be made, found " + made.told());
        const std::string at = "/snapshot-sessions/" + made.text("snapshot_id");
        std::vector<told_row> out;
        for (bool more = true; more;) {
            const auto page = get(c, at + "?after_row_ordinal=" + std::to_string(out.size()), source);
            c.require(page.status() == 200, "a page of a snapshot can be had, found " + page.told());
            const auto rows = rows_of(page.root());
            more = page.truth("has_more").value_or(false);
            c.require(!more || !rows.empty(), "a page of a snapshot brings something where there is more, found " + page.told());
            out.insert(out.end(), rows.begin(), rows.end());
        }
        ask(c, http_method::erase, at, {}, source);
        return out;
    }
    /// The hash of a bundle's rows (sheet 2.11), lower-case hexadecimal; empty where they cannot be hashed.
    [[nodiscard]] static std::string hash_of(const std::vector<told_row>& rows) {
        std::vector<std::string> list;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const wire_answer read{response{200, {}, rows[i].json}};
            wire_members members{{"row_ordinal", std::to_string(i)}};
            for (const char* name : {"key", "op", "payload", "row_version", "schema", "table"}) {
                const auto v = read.root().find(name);
                members.emplace_back(name, v ? wire_json(*v) : "null");
            }
            list.push_back(wire_object(members));
        }
        const auto tape = json_tape::parse(wire_array(list));
        if (!tape) return {};
        const auto text = canonical_json(tape->root());
        return text ? sha256_hex(*text) : std::string();
    }

private:
    wire_run* run_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
