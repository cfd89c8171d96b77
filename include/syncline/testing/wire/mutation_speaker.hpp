#ifndef SYNCLINE_TESTING_WIRE_MUTATION_SPEAKER_HPP
#define SYNCLINE_TESTING_WIRE_MUTATION_SPEAKER_HPP

#include <syncline/support/json_view.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/wire/answer.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A mutation as it stands in a push (sheet `mutation` 2.1), each part free to be wrong.
struct spoken_mutation {
    std::string id;
    std::string key;
    std::string operation;
    std::string payload = "[]";  ///< JSON
    std::string model;
    std::string timestamp;  ///< JSON
    std::int64_t version = 1;  ///< counted per device and record where it is sent
    wire_members more;         ///< members beside the seven

    [[nodiscard]] std::string json() const {
        wire_members all{{"mutation_id", wire_text(id)},  {"entity_id", wire_text(key)}, {"model", wire_text(model)},           {"operation", wire_text(operation)},
                         {"payload", payload}, {"version", std::to_string(version)}, {"timestamp", timestamp}};
        all.insert(all.end(), more.begin(), more.end());
        return wire_object(all);
    }
};

/// A row of a pull.
struct pulled_row {
    std::string key;
    bool erased = false;
    std::string payload;  ///< JSON
};

/// Pages from one cursor to the end.
struct pulled_walk {
    std::vector<pulled_row> rows;  ///< of the kit's model
    std::vector<std::int64_t> cursors;   ///< of the pages that brought something; the last page of all may be empty
    std::optional<std::int64_t> cursor;  ///< where it ended

    /// What the walk leaves of a record: its last row; nothing: it never came.
    [[nodiscard]] const pulled_row* last_of(std::string_view key) const {
        const pulled_row* found = nullptr;
        for (const auto& row : rows)
            if (row.key == key) found = &row;
        return found;
    }
    [[nodiscard]] std::size_t count(std::string_view key) const {
        return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [&](const pulled_row& r) { return r.key == key; }));
    }
};

/// Speaks the mutation wire as a Tether client does, with a new name for each device.
class mutation_speaker {
public:
    explicit mutation_speaker(wire_run& run) : run_(&run) {}

    [[nodiscard]] wire_run& run() const noexcept { return *run_; }
    [[nodiscard]] const wire_subject& subject() const noexcept { return run_->subject(); }
    [[nodiscard]] std::string path(std::string_view endpoint) const {
        return std::string(subject().prefix.empty() ? "/tether" : subject().prefix).append("/").append(endpoint);
    }
    [[nodiscard]] std::string device() { return run_->fresh_ulid(); }
    [[nodiscard]] std::string key() { return run_->fresh_key(wire_keys::ulid); }
    [[nodiscard]] bool two_fields() const noexcept { return subject().fields.size() > 1; }

    // --- mutations, each under a new id ---------------------------------------------------------------------------------------

    [[nodiscard]] spoken_mutation mutation(std::string operation, std::string key, std::string payload) {
        spoken_mutation out;
        out.id = run_->fresh_ulid();
        out.key = std::move(key);
        out.operation = std::move(operation);
        out.payload = std::move(payload);
        out.model = subject().model;
        out.timestamp = std::to_string(run_->fresh_time());
        return out;
    }
    /// The whole row, with these values of the first two fields; empty: the `one` of theirs.
    [[nodiscard]] std::string row(const std::string& first = {}, const std::string& second = {}) const {
        wire_members members;
        for (std::size_t i = 0; i < subject().fields.size(); ++i) {
            const wire_field& f = subject().fields[i];
            const std::string& wanted = i == 0 ? first : i == 1 ? second : f.one;
            members.emplace_back(f.name, wanted.empty() ? f.one : wanted);
        }
        return wire_object(members);
    }
    [[nodiscard]] spoken_mutation create(const std::string& key, const std::string& first = {}) { return mutation("create", key, row(first)); }
    [[nodiscard]] spoken_mutation update(const std::string& key, const std::string& first, const std::string& second = {}) { return mutation("update", key, row(first, second)); }
    [[nodiscard]] spoken_mutation erase(const std::string& key) { return mutation("delete", key, "[]"); }

    // --- requests -------------------------------------------------------------------------------------------------------------

    [[nodiscard]] std::string push_body(const std::string& device, std::vector<spoken_mutation> mutations, const wire_members& more = {}) {
        std::vector<std::string> list;
        for (auto& m : mutations) {
            // As the client's log does: its own number of the record, and the same one when it is sent again.
            const auto [known, fresh] = versions_.emplace(device + "/" + m.id, 0);
            if (fresh) known->second = ++counts_[device + "/" + m.key];
            m.version = known->second;
            list.push_back(m.json());
        }
        wire_members members{{"client_id", wire_text(device)}, {"mutations", wire_array(list)}};
        members.insert(members.end(), more.begin(), more.end());
        return wire_object(members);
    }
    /// Posts @p body; any status will do.
    wire_answer post(clause& c, std::string_view endpoint, const std::string& body) { return post(c, endpoint, body, subject().account); }
    wire_answer post(clause& c, std::string_view endpoint, const std::string& body, const wire_account& who) {
        request r = wire_run::make(http_method::post, path(endpoint), body, who);
        set_header(r.headers, "Content-Type", "application/json");
        set_header(r.headers, "X-Tether-Client-Version", "v1.0.0");
        return run_->ask(c, std::move(r));
    }
    /// Pushes, and needs 200 with the lists.
    wire_answer push(clause& c, const std::string& device, const std::vector<spoken_mutation>& mutations, const wire_members& more = {}) {
        return push_as(c, subject().account, device, mutations, more);
    }
    wire_answer push_as(clause& c, const wire_account& who, const std::string& device, const std::vector<spoken_mutation>& mutations, const wire_members& more = {}) {
        auto a = post(c, "push", push_body(device, mutations, more), who);
        c.require(a.status() == 200 && a.is_json(), "a push is answered with 200 and a JSON object, found " + a.told());
        return a;
    }
    /// Pushes one mutation that has to be applied.
    void apply(clause& c, const std::string& device, const spoken_mutation& m) {
        const auto a = push(c, device, {m});
        c.require(applied(a, m.id), "a " + m.operation + " that nothing speaks against is in `applied`, found " + a.told());
    }
    wire_answer pull(clause& c, const std::string& device, std::optional<std::int64_t> cursor, std::optional<std::size_t> limit = {}) {
        return pull_as(c, subject().account, device, cursor, limit);
    }
    wire_answer pull_as(clause& c, const wire_account& who, const std::string& device, std::optional<std::int64_t> cursor, std::optional<std::size_t> limit) {
        wire_members members{{"client_id", wire_text(device)}, {"last_sync_cursor", cursor ? std::to_string(*cursor) : "null"}};
        if (limit) members.emplace_back("limit", std::to_string(*limit));
        auto a = post(c, "pull", wire_object(members), who);
        c.require(a.status() == 200 && a.is_json(), "a pull is answered with 200 and a JSON object, found " + a.told());
        return a;
    }
    /// Pulls page after page; @p between runs after each page but the last.
    template <class Between>
    pulled_walk walk_as(clause& c, const wire_account& who, const std::string& device, std::optional<std::int64_t> cursor, std::optional<std::size_t> limit, Between between) {
        constexpr std::size_t far_too_many = 100'000;
        pulled_walk out;
        out.cursor = cursor;
        for (std::size_t pages = 0;; ++pages) {
            c.require(pages < far_too_many, "a pull ends: `has_more` becomes false");
            const auto a = pull_as(c, who, device, out.cursor, limit);
            for (auto& row : rows_of(a)) out.rows.push_back(std::move(row));
            const auto next = a.integer("new_sync_cursor");
            const bool more = a.truth("has_more").value_or(false);
            c.require(!more || (next && next != out.cursor), "the cursor moves on where there is more, else a pull would never end; found " + a.told());
            if (next) {
                c.expect(!out.cursor || *next >= *out.cursor, "a cursor never goes back: after " + std::to_string(out.cursor.value_or(0)) + " came " + std::to_string(*next));
                out.cursor = next;
                if (!a.list("snapshots").empty()) out.cursors.push_back(*next);
            }
            if (!more) return out;
            between();
        }
    }
    pulled_walk walk(clause& c, const std::string& device, std::optional<std::int64_t> cursor = {}, std::optional<std::size_t> limit = {}) {
        return walk_as(c, subject().account, device, cursor, limit, [] {});
    }
    /// What a device that knows nothing sees of the record: its JSON; empty: it is not there.
    std::string seen(clause& c, const std::string& key) {
        const auto all = walk(c, device());
        const pulled_row* row = all.last_of(key);
        return row && !row->erased ? row->payload : std::string();
    }
    /// Checks the first two fields of a record; empty: the field is not looked at.
    void expect_row(clause& c, const std::string& key, const std::string& first, const std::string& second, const std::string& when) {
        const std::string found = seen(c, key);
        if (!c.expect(!found.empty(), when + ", the record comes with a pull")) return;
        expect_fields(c, found, first, second, when);
    }
    void expect_fields(clause& c, const std::string& json, const std::string& first, const std::string& second, const std::string& when) const {
        const wire_answer read{response{200, {}, json}};
        const std::string* wanted[] = {&first, &second};
        for (std::size_t i = 0; i < 2 && i < subject().fields.size(); ++i) {
            if (wanted[i]->empty()) continue;
            const auto v = read.root().find(subject().fields[i].name);
            const std::string found = v ? wire_json(*v) : std::string("nothing");
            c.expect(same_wire_value(found, *wanted[i]), when + ", `" + subject().fields[i].name + "` is " + *wanted[i] + ", found " + found);
        }
    }

    // --- answers --------------------------------------------------------------------------------------------------------------

    [[nodiscard]] static bool applied(const wire_answer& a, std::string_view id) {
        const auto list = a.list("applied");
        return std::any_of(list.begin(), list.end(), [&](json_view v) { return v.as_string() == id; });
    }
    /// The entry of a list of objects that speaks of @p id.
    [[nodiscard]] static std::optional<json_view> entry(const wire_answer& a, std::string_view list, std::string_view id) {
        for (const auto& v : a.list(list))
            if (wire_answer::text_of(v, "mutation_id") == id) return v;
        return std::nullopt;
    }
    /// Why it was rejected; empty: it was not.
    [[nodiscard]] static std::string reason(const wire_answer& a, std::string_view id) {
        const auto e = entry(a, "rejected", id);
        return e ? wire_answer::text_of(*e, "reason") : std::string();
    }
    /// Whether @p id was refused because there is no such record. Syncline says so by a conflict without a row, too: a delete and an update met.
    [[nodiscard]] bool absent(const wire_answer& a, std::string_view id) const {
        if (reason(a, id) == "not_found") return true;
        const auto e = run_->original() ? std::nullopt : entry(a, "conflicts", id);
        const auto data = e ? e->find("data") : std::nullopt;
        const auto state = data ? data->find("server_state") : std::nullopt;
        return state && state->size() == 0;
    }
    [[nodiscard]] std::vector<pulled_row> rows_of(const wire_answer& a) const {
        std::vector<pulled_row> out;
        for (const auto& s : a.list("snapshots")) {
            if (wire_answer::text_of(s, "model") != subject().model) continue;
            const auto payload = s.find("payload");
            out.push_back({wire_answer::text_of(s, "entity_id"), wire_answer::text_of(s, "operation") == "delete", payload ? wire_json(*payload) : std::string()});
        }
        return out;
    }

private:
    wire_run* run_;
    std::map<std::string, std::int64_t> versions_;  // by device and mutation
    std::map<std::string, std::int64_t> counts_;    // by device and record
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
