#ifndef SYNCLINE_TESTING_SCRIPTED_MUTATION_SERVER_HPP
#define SYNCLINE_TESTING_SCRIPTED_MUTATION_SERVER_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/messages.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A server of the mutation wire that decides what the test says, for a device under test. Where nothing is said it applies every change and serves
/// every row, in the forms of a Syncline server; it has no engine, merges nothing and remembers no receipt but an id's outcome.
///
/// ```cpp
/// scripted_mutation_server server(schemas);
/// server.write(key, row);                                                     // somebody else's change
/// server.refuse(key, errc::validation_failed, "too long", {{"title", "is too long"}});
/// scripted_network net([&](const request& r) { return server(r); });          // lost answers, pauses: scripted_network
/// ```
///
/// Refers to the schemas. What is said of a record holds for its next change.
class scripted_mutation_server {
public:
    explicit scripted_mutation_server(const schema_set& schemas) : schemas_(&schemas) {}
    explicit scripted_mutation_server(schema_set&&) = delete;

    /// Somebody else writes @p row. @return its version
    std::int64_t write(const record_key& key, record row) { return put(key, std::move(row)); }
    /// Somebody else erases the record.
    std::int64_t erase(const record_key& key) { return put(key, std::nullopt); }

    /// The next change of @p key is refused, and waits for a person.
    void refuse(const record_key& key, errc code, std::string detail, std::vector<field_message> messages = {}) {
        outcome o;
        o.kind = outcome_kind::refused;
        o.why = wait_reason{code, std::move(detail)};
        o.messages = std::move(messages);
        script_[key].push_back(std::move(o));
    }
    /// The next change of @p key meets what the server has, and that stays (as `server_wins` decides).
    void supersede(const record_key& key, std::string rule = "server_wins") {
        outcome o;
        o.kind = outcome_kind::superseded;
        o.rule = std::move(rule);
        script_[key].push_back(std::move(o));
    }
    /// The next change of @p key follows a refused one.
    void hold(const record_key& key, std::string detail) {
        outcome o;
        o.kind = outcome_kind::held;
        o.why = wait_reason{errc::held, std::move(detail)};
        script_[key].push_back(std::move(o));
    }
    /// The next change of @p key meets a failure of the server: it is not decided, and comes again.
    void fail(const record_key& key) {
        outcome o;
        o.kind = outcome_kind::error;
        o.why = wait_reason{errc::internal, "the script fails"};
        script_[key].push_back(std::move(o));
    }

    /// Answers @p r. What is no push and no pull is a 404.
    [[nodiscard]] response operator()(const request& r) {
        const std::string_view path = path_without_query(r.path);
        if (path.ends_with("/push")) return push(r);
        if (path.ends_with("/pull")) return pull(r);
        return json_error(404, "not_found", "a server of the mutation wire has push and pull");
    }

    /// What came, as it was read.
    std::vector<mutation_wire::push_message> pushes;
    std::vector<mutation_wire::pull_message> pulls;
    /// The incarnation that answers name.
    std::string epoch = "scripted";
    /// No page has more rows than this, whatever is asked for.
    std::size_t max_page = 1000;

    /// The row of @p key; nothing: it is not there.
    [[nodiscard]] std::optional<record> row(const record_key& key) const {
        const auto at = rows_.find(key);
        return at == rows_.end() ? std::nullopt : at->second.row;
    }

private:
    std::int64_t put(const record_key& key, std::optional<record> row, mutation_id by = {}) {
        rows_[key] = row_image{key, ++head_, std::move(row), std::move(by)};
        return head_;
    }
    [[nodiscard]] std::int64_t version_of(const record_key& key) const {
        const auto at = rows_.find(key);
        return at == rows_.end() ? 0 : at->second.version;
    }

    [[nodiscard]] response push(const request& r) {
        auto message = mutation_wire::read_push(r.body, *schemas_, json_limits{}, 100'000, "tether_id");
        if (!message) return fault_response(message.error());
        std::vector<mutation_wire::answered> answers;
        for (const auto& m : message->mutations) answers.push_back({decide(m), m.what.key});
        for (const auto& bad : message->unreadable) answers.push_back({bad, std::nullopt});
        pushes.push_back(*std::move(message));
        return json_response(200, mutation_wire::write_push_answer(*schemas_, answers, epoch, head_, "tether_id"));
    }
    [[nodiscard]] outcome decide(const mutation& m) {
        if (const auto known = decided_.find(m.id); known != decided_.end()) {
            outcome again = known->second;
            again.repeated = true;
            return again;
        }
        outcome out;
        auto& said = script_[m.what.key];
        if (!said.empty()) {
            out = std::move(said.front());
            said.pop_front();
        } else {
            const std::size_t count = (*schemas_)[m.what.key.model].fields.size();
            // What the change does not name stays as it is here.
            std::optional<record> after;
            if (m.what.op != operation::erase) {
                after = row(m.what.key).value_or(record{});
                after->fields.resize(count);
                for (const auto& change : m.what.changes) after->fields[change.field] = change.to;
            }
            put(m.what.key, std::move(after), m.id);
            out.clean = true;
        }
        out.id = m.id;
        out.version = version_of(m.what.key);
        if (out.kind == outcome_kind::superseded || (out.kind == outcome_kind::refused && out.why->code == errc::conflict)) {
            out.carries_row = true;
            out.row = row(m.what.key);
        }
        if (out.kind != outcome_kind::error) decided_.emplace(m.id, out);
        return out;
    }

    [[nodiscard]] response pull(const request& r) {
        auto message = mutation_wire::read_pull(r.body, *schemas_, json_limits{}, 1000, 100'000);
        if (!message) return fault_response(message.error());
        pull_answer out;
        out.epoch = epoch;
        out.head_stamp = head_;
        out.rows.head_seq = head_;
        out.rows.from = message->query.from;
        out.rows.next = message->query.from;
        std::map<std::int64_t, const row_image*> news;
        for (const auto& [key, image] : rows_)
            if (image.version > message->query.from) news.emplace(image.version, &image);
        for (const auto& [version, image] : news) {
            if (out.rows.rows.size() >= message->query.limit || out.rows.rows.size() >= max_page) {
                out.rows.more = true;
                break;
            }
            out.rows.rows.push_back(*image);
            // Of interest to the device that has the mutation in flight alone.
            bool asked = false;
            for (const auto& id : message->query.in_flight) asked = asked || id == image->contains;
            if (!asked) out.rows.rows.back().contains.clear();
            out.rows.next = version;
        }
        if (!out.rows.more) out.rows.next = head_;
        pulls.push_back(*std::move(message));
        return json_response(200, mutation_wire::write_pull_answer(*schemas_, out, true));
    }

    const schema_set* schemas_;
    std::map<record_key, std::deque<outcome>> script_;
    std::map<mutation_id, outcome> decided_;
    std::map<record_key, row_image> rows_;
    std::int64_t head_ = 0;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
