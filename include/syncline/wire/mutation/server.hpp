#ifndef SYNCLINE_WIRE_MUTATION_SERVER_HPP
#define SYNCLINE_WIRE_MUTATION_SERVER_HPP

#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/legacy_base.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/wire/authority_time.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/incarnation.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/legacy_values.hpp>
#include <syncline/wire/mutation/messages.hpp>
#include <syncline/wire/server_listeners.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Shapes a row on its way to a device, in a page, an outcome or a conflict alike: renames values, hides what this principal must not read. What it
/// makes of a field comes back as the device's, so `authority_options::mapper` has to undo it, unless the field is `read_only` on devices. The stored
/// row is not touched.
using row_mapper = std::function<void(const caller&, const model_schema&, const record_key&, record&)>;

/// How a server of the mutation wire is set up.
struct mutation_server_options {
    std::string prefix = "/tether";       ///< `POST {prefix}/push` and `POST {prefix}/pull`
    std::string sync_key = "tether_id";   ///< the member that names the key in `server_state`
    bool strict_duplicates = false;       ///< a client that sends no bases gets `duplicate` for what was applied already, not `applied`
    std::size_t max_mutations = 10'000;   ///< of one request
    std::size_t default_page = 1000;      ///< rows of a page where the request names no limit
    json_limits json;                     ///< bounds of a request's body
    row_mapper outbound;                  ///< on every row that leaves by this wire; empty: none
};

/// The server side of the mutation wire (sheet `mutation`, sections 2 and 3): a translation between its messages and an authority. Does no
/// I/O and reads no clock; a host hands it requests with the principal that its authenticator named, and the time.
/// @tparam Authority  an `authority<Store>`; outlives the server
template <class Authority>
class mutation_server {
public:
    explicit mutation_server(Authority& engine, mutation_server_options options = {}) : engine_(&engine), options_(std::move(options)) {}

    /// Answers @p r. Always JSON; an error is `{"error":code,"message":text}` with a fitting status, and then nothing was changed. Every
    /// answer tells the authority's time.
    [[nodiscard]] response handle(const request& r, const principal& who, timestamp now) {
        newest_ = now;
        served_ = {};
        response answer = answered(r, who, now);
        tell_authority_time(answer, newest_);
        return answer;
    }

    /// What the last request did.
    [[nodiscard]] const served_request& served() const noexcept { return served_; }

private:
    [[nodiscard]] response answered(const request& r, const principal& who, timestamp now) {
        const std::string_view path = path_without_query(r.path);
        const bool push = path.size() == options_.prefix.size() + 5 && path.starts_with(options_.prefix) && path.ends_with("/push");
        const bool pull = path.size() == options_.prefix.size() + 5 && path.starts_with(options_.prefix) && path.ends_with("/pull");
        if (!push && !pull) return json_error(404, "not_found", "there is nothing at this path; the endpoints are push and pull, below the prefix");
        if (r.method != http_method::post) {
            response refused = json_error(405, "method_not_allowed", "this endpoint takes POST");
            set_header(refused.headers, "Allow", "POST");
            return refused;
        }
        return push ? handle_push(r, who, now) : handle_pull(r, who, now);
    }

    // A body without content is a request without members (sheet 2.6).
    [[nodiscard]] static std::string_view body_of(const request& r) { return r.body.empty() ? std::string_view{"{}"} : std::string_view{r.body}; }

    [[nodiscard]] response handle_push(const request& r, const principal& who, timestamp now) {
        auto message = mutation_wire::read_push(body_of(r), engine_->schemas(), options_.json, options_.max_mutations, options_.sync_key);
        if (!message) return fault_response(message.error());
        const caller from{who.tenant, who.id, message->client_id};
        if (auto other = refuse_other_incarnation(*engine_, from.tenant, message->epoch)) return std::move(*other);

        std::vector<record_key> keys;
        for (const auto& m : message->mutations) keys.push_back(m.what.key);
        const value_equivalence legacy{&mutation_wire::same_legacy_value};
        auto answer = engine_->push(from, std::move(message->mutations), now, message->extended ? nullptr : &legacy, message->mark);
        if (!answer) return fault_response(answer.error());
        newest_ = (std::max)(newest_, answer->newest_write);
        for (std::size_t i = 0; i < keys.size(); ++i) shape(from, keys[i], answer->outcomes[i].row);
        std::vector<mutation_wire::answered> all(message->places.size() + message->unreadable.size());
        for (std::size_t i = 0; i < message->places.size(); ++i)
            all[message->places[i]] = {std::move(answer->outcomes[i]), std::move(keys[i])};
        for (std::size_t i = 0; i < message->unreadable.size(); ++i)
            all[message->unreadable_places[i]] = {std::move(message->unreadable[i]), std::nullopt};
        served_ = counted(all, who, message->client_id);
        if (!message->extended)
            return json_response(200, mutation_wire::write_legacy_push_answer(engine_->schemas(), all, options_.sync_key, options_.strict_duplicates));
        return json_response(200, mutation_wire::write_push_answer(engine_->schemas(), all, answer->epoch, answer->head_stamp, options_.sync_key,
                                                                   options_.outbound ? 0 : answer->told_whole));
    }

    [[nodiscard]] response handle_pull(const request& r, const principal& who, timestamp now) {
        auto message = mutation_wire::read_pull(body_of(r), engine_->schemas(), options_.json, options_.default_page, options_.max_mutations);
        if (!message) return fault_response(message.error());
        const caller from{who.tenant, who.id, message->client_id};
        if (auto other = refuse_other_incarnation(*engine_, from.tenant, message->epoch)) return std::move(*other);
        auto answer = engine_->pull(from, message->query, now);
        if (!answer) return fault_response(answer.error());
        newest_ = (std::max)(newest_, answer->newest_write);
        for (auto& row : answer->rows.rows) shape(from, row.key, row.row);
        const bool whole = message->query.from == 0 || message->query.walk_started;
        served_ = pull_served{who, from.source, answer->rows.rows.size(), answer->rows.more, whole};
        return json_response(200, mutation_wire::write_pull_answer(engine_->schemas(), *answer, message->extended));
    }

    void shape(const caller& who, const record_key& key, std::optional<record>& row) const {
        if (!options_.outbound || !row) return;
        const model_schema& schema = engine_->schemas()[key.model];
        options_.outbound(who, schema, key, *row);
        row->fields.resize(schema.fields.size());
    }

    [[nodiscard]] static push_served counted(const std::vector<mutation_wire::answered>& all, const principal& who,
                                             const std::string& source) {
        push_served out{who, source};
        for (const auto& [what, key] : all) {
            switch (what.kind) {
            case outcome_kind::applied: ++out.applied; break;
            case outcome_kind::superseded: ++out.superseded; break;
            case outcome_kind::refused:
            case outcome_kind::held: ++out.refused; break;
            case outcome_kind::error: ++out.undecided; break;
            }
            if (met_others(what)) ++out.conflicts;
        }
        return out;
    }

    Authority* engine_;
    mutation_server_options options_;
    timestamp newest_{};  // of the request that runs: its time, and that of every row that the answer shows
    served_request served_;
};

SYNCLINE_NAMESPACE_END

#endif
