#ifndef SYNCLINE_TESTS_WIRE_MUTATION_LEGACY_CLIENT_HPP
#define SYNCLINE_TESTS_WIRE_MUTATION_LEGACY_CLIENT_HPP

// A client of Laravel Tether v1.0.0 as the sheet `mutation` describes it (sections 2 to 5), written from the sheet alone: its own log that
// nothing is ever deleted from, its states and retry rule, payloads that are the whole row, snapshots applied as an upsert without any regard
// for what is pending, and a cursor that it never looks into. It shares no code with the library but the reading of JSON.

#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/result.hpp>
#include <syncline/transport/message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tether {

using namespace syncline;

/// A row as the client's table holds it: columns with their values as JSON text.
using columns = std::map<std::string, std::string>;

struct row_name {
    std::string model;
    std::string id;
    friend auto operator<=>(const row_name&, const row_name&) = default;
};

/// One row of `tether_mutation_logs` (sheet 4.1).
struct log_entry {
    std::string mutation_id;
    row_name row;
    std::string operation;
    columns payload;
    std::int64_t version = 1;
    std::int64_t timestamp = 0;  ///< milliseconds by the client's own clock
    std::string status = "pending";
    std::string reason;
    int retries = 0;
};

/// What `SyncResult` counts (sheet 5.5).
struct sync_counts {
    std::size_t pushed = 0;
    std::size_t failed = 0;
    std::size_t pulled = 0;
    std::size_t conflicts = 0;
};

/// Takes a request to the server; nothing: the connection failed, and the real client throws.
using wire = std::function<std::optional<response>(const request&)>;

class client {
public:
    /// A foreign key of the client's own database: the column of the child that names its parent.
    struct foreign_key {
        std::string child, column, parent;
    };

    explicit client(std::string name) : name_(std::move(name)), client_id(name_) {}

    // -- settings (sheet 5.1, 5.2)
    std::size_t batch = 100;
    std::size_t page = 0;  ///< 0: no `limit`
    int max_retries = 3;
    std::int64_t clock = 1'700'000'000'000;  ///< of the client, in milliseconds
    std::set<std::string> not_syncable;      ///< columns that its models keep out of payloads
    std::vector<foreign_key> foreign_keys;

    // -- what the app does
    void create(const std::string& model, const std::string& id, columns row) {
        rows_[{model, id}] = std::move(row);
        log("create", {model, id});
    }
    void update(const std::string& model, const std::string& id, const columns& changed) {
        auto& row = rows_.at({model, id});
        for (const auto& [column, value] : changed) row[column] = value;
        log("update", {model, id});
    }
    void erase(const std::string& model, const std::string& id) {
        remove({model, id});
        log("delete", {model, id});
    }
    [[nodiscard]] const columns* row(const std::string& model, const std::string& id) const {
        const auto at = rows_.find({model, id});
        return at == rows_.end() ? nullptr : &at->second;
    }
    [[nodiscard]] const std::map<row_name, columns>& rows() const { return rows_; }
    [[nodiscard]] const std::vector<log_entry>& entries() const { return log_; }
    [[nodiscard]] std::size_t count(std::string_view status) const {
        return static_cast<std::size_t>(std::count_if(log_.begin(), log_.end(), [&](const log_entry& e) { return e.status == status; }));
    }
    [[nodiscard]] std::string cursor() const { return cursor_; }

    // -- sheet 5.4. False: something was thrown.
    bool push(const wire& send, sync_counts* counts = nullptr) {
        for (auto& e : log_)
            if (e.status == "failed" && e.reason == "error" && e.retries < max_retries) e.status = "pending", e.reason.clear();
        std::vector<std::size_t> pending;
        for (std::size_t i = 0; i < log_.size(); ++i)
            if (log_[i].status == "pending") pending.push_back(i);
        for (std::size_t from = 0; from < pending.size(); from += batch) {
            const std::vector<std::size_t> chunk(pending.begin() + static_cast<std::ptrdiff_t>(from),
                                                 pending.begin() + static_cast<std::ptrdiff_t>((std::min)(from + batch, pending.size())));
            const auto answer = send(request{http_method::post, "/tether/push", {}, push_body(chunk)});
            if (!answer || answer->status >= 400) return false;
            if (!take_push(answer->body, counts)) return false;
        }
        return true;
    }
    bool pull(const wire& send, sync_counts* counts = nullptr) {
        for (int pages = 0;; ++pages) {
            if (pages > 10'000) throw std::runtime_error("a pull does not end: has_more without an end");
            const auto answer = send(request{http_method::post, "/tether/pull", {}, pull_body()});
            if (!answer || answer->status >= 400) return false;
            const auto tape = json_tape::parse(answer->body);
            if (!tape) return false;
            const json_view root = tape->root();
            // One snapshot without its three members makes the parser throw for the whole page (W24).
            if (const auto list = root.find("snapshots"))
                for (const auto& s : *list)
                    for (const char* member : {"entity_id", "model", "operation"})
                        if (const auto v = s.find(member); !v || v->is_null()) return false;
            if (const auto list = root.find("snapshots"))
                for (const auto& s : *list) {
                    apply({std::string{s.find("model")->as_string()}, std::string{s.find("entity_id")->as_string()}}, s.find("operation")->as_string() == "delete",
                          s.find("payload"));
                    if (counts != nullptr) ++counts->pulled;
                }
            const std::string before = cursor_;
            if (const auto next = root.find("new_sync_cursor"); next && !next->is_null()) cursor_ = text_of(*next);
            const auto more = root.find("has_more");
            if (!more || !more->is_boolean() || !*more->as_bool()) return true;
            if (cursor_ == before) throw std::runtime_error("has_more with an unchanged cursor: the real client asks for ever");
        }
    }
    bool sync(const wire& send, sync_counts* counts = nullptr) { return push(send, counts) && pull(send, counts); }

    [[nodiscard]] std::string push_body(const std::vector<std::size_t>& chunk) const {
        std::string body;
        json_writer w{body};
        w.begin_object();
        w.key("client_id");
        w.string(client_id);
        w.key("mutations");
        w.begin_array();
        for (const std::size_t i : chunk) {
            const log_entry& e = log_[i];
            w.begin_object();
            w.key("mutation_id");
            w.string(e.mutation_id);
            w.key("entity_id");
            w.string(e.row.id);
            w.key("model");
            w.string(e.row.model);
            w.key("operation");
            w.string(e.operation);
            w.key("payload");
            if (e.payload.empty()) {  // what PHP makes of an empty map
                w.begin_array();
                w.end_array();
            } else {
                w.begin_object();
                for (const auto& [column, value] : e.payload) {
                    w.key(column);
                    w.raw(value);
                }
                w.end_object();
            }
            w.key("version");
            w.integer(e.version);
            w.key("timestamp");
            w.integer(e.timestamp);
            w.end_object();
        }
        w.end_array();
        w.end_object();
        return body;
    }
    [[nodiscard]] std::string pull_body() const {
        std::string body;
        json_writer w{body};
        w.begin_object();
        w.key("client_id");
        w.string(client_id);
        w.key("last_sync_cursor");
        if (cursor_.empty())
            w.null();
        else
            w.raw(cursor_);
        if (page != 0) {
            w.key("limit");
            w.integer(static_cast<std::int64_t>(page));
        }
        w.end_object();
        return body;
    }
    [[nodiscard]] static std::string text_of(json_view v) {
        std::string out;
        json_writer w{out};
        v.write_to(w);
        return out;
    }

private:
    std::string name_;

public:
    std::string client_id;

private:
    void log(const char* operation, const row_name& row) {
        log_entry e;
        e.mutation_id = name_ + "-" + std::to_string(log_.size() + 1);
        e.row = row;
        e.operation = operation;
        if (e.operation != "delete")
            for (const auto& [column, value] : rows_.at(row))
                if (!not_syncable.contains(column)) e.payload.emplace(column, value);
        for (const auto& earlier : log_)
            if (earlier.row == row) e.version = earlier.version + 1;
        e.timestamp = clock++;
        log_.push_back(std::move(e));
    }
    // A database cascade writes no log entry (W20).
    void remove(const row_name& row) {
        rows_.erase(row);
        for (const auto& key : foreign_keys) {
            if (key.parent != row.model) continue;
            std::vector<row_name> below;
            for (const auto& [name, values] : rows_)
                if (const auto at = values.find(key.column); name.model == key.child && at != values.end() && at->second == "\"" + row.id + "\"") below.push_back(name);
            for (const auto& child : below) remove(child);
        }
    }
    void apply(const row_name& row, bool gone, const std::optional<json_view>& payload) {
        if (gone) return remove(row);
        auto& values = rows_[row];
        if (payload && payload->is_object())
            for (const auto& member : payload->members()) values[std::string{member.key}] = text_of(member.value);
    }
    bool take_push(const std::string& body, sync_counts* counts) {
        const auto tape = json_tape::parse(body);
        if (!tape || !tape->root().is_object()) return false;
        const json_view root = tape->root();
        const auto entry = [&](std::string_view id) {
            return std::find_if(log_.begin(), log_.end(), [&](const log_entry& e) { return e.mutation_id == id; });
        };
        if (const auto rejected = root.find("rejected"))
            for (const auto& r : *rejected)
                if (!r.find("mutation_id") || !r.find("reason")) return false;  // parsing throws
        if (const auto applied = root.find("applied"))
            for (const auto& id : *applied)
                if (const auto e = entry(id.as_string()); e != log_.end()) {
                    e->status = "synced";
                    if (counts != nullptr) ++counts->pushed;
                }
        if (const auto rejected = root.find("rejected"))
            for (const auto& r : *rejected) {
                const auto e = entry(r.find("mutation_id")->as_string());
                if (e == log_.end()) continue;
                e->reason = std::string{r.find("reason")->as_string()};
                e->status = e->reason == "duplicate" ? "synced" : "failed";
                if (e->status == "failed") ++e->retries;
                if (counts != nullptr) ++(e->status == "failed" ? counts->failed : counts->pushed);
            }
        if (const auto conflicts = root.find("conflicts"))
            for (const auto& c : *conflicts) {
                const auto e = entry(c.find("mutation_id")->as_string());
                if (e == log_.end()) continue;
                const auto data = c.find("data");
                const auto state = data ? data->find("server_state") : std::nullopt;
                if (state && state->is_object() && state->size() != 0) {
                    const auto key = state->find("tether_id");
                    const row_name row{e->row.model, key ? std::string{key->as_string()} : std::string{}};
                    auto& values = rows_[row];
                    for (const auto& member : state->members())
                        if (member.key != "tether_id") values[std::string{member.key}] = text_of(member.value);
                }
                e->status = "conflict";
                e->reason = "conflict";
                if (counts != nullptr) ++counts->conflicts;
            }
        return true;
    }

    std::map<row_name, columns> rows_;
    std::vector<log_entry> log_;
    std::string cursor_;
};

}  // namespace tether

#endif
