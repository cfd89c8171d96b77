#ifndef SYNCLINE_TESTING_SCRIPTED_BUNDLE_DEVICE_HPP
#define SYNCLINE_TESTING_SCRIPTED_BUNDLE_DEVICE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/scope_connection.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/builders.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/connect_messages.hpp>
#include <syncline/wire/bundle/obstacles.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/bundle/push_messages.hpp>
#include <syncline/wire/bundle/rows.hpp>
#include <syncline/wire/http_fault.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// How a push of a `scripted_bundle_device` ended.
struct scripted_commit {
    std::optional<bundle_wire::committed_head> head;  ///< nothing: it did not commit
    bool already_committed = false;                   ///< it had been committed before
    std::vector<commit_obstacle> obstacles;           ///< what stood in the way
};

/// A device of the bundle wire that sends what the test says, for a server under test: well-formed requests, and their answers decoded. It keeps the
/// number of its next bundle, a cursor and the initialization id, and nothing else; no replica stands behind it.
///
/// ```cpp
/// scripted_bundle_device ann(schemas, "device-a", [&](const request& r) -> result<response> { return server(r, principal); });
/// REQUIRE(ann.connect(false));
/// const auto pushed = ann.push({edit(schemas, "task", "k1").creates().set("title", value::text("milk"))});
/// CHECK(pushed->head->seq == 1);
/// ```
/// Refers to the schemas.
class scripted_bundle_device {
public:
    using carrier = std::function<result<response>(const request&)>;

    /// @param prefix       where the wire is mounted
    /// @param schema_name  of the tables, as the wire calls it
    scripted_bundle_device(const schema_set& schemas, std::string source, carrier through, std::string prefix = "/sync", std::string schema_name = "public")
        : names_(schemas, std::move(schema_name)), source_(std::move(source)), through_(std::move(through)), prefix_(std::move(prefix)) {}

    /// Asks how the account begins, and keeps the right to fill it.
    [[nodiscard]] result<bundle_wire::connect_answer> connect(bool has_local_pending_rows) {
        auto answer = ask(http_method::post, "/connect", bundle_wire::write_connect(has_local_pending_rows));
        if (!answer) return std::move(answer).error();
        auto read = bundle_wire::read_connect_answer(answer->body, json_limits{});
        if (read && read->scope.what == scope_resolution::initialize_local) initialization_id = read->scope.initialization_id;
        return read;
    }

    /// Opens a session for @p changes, uploads and commits them under the next number, which moves on where it is committed.
    /// @param chunk  rows of one request
    /// @return how it ended; the fault of a change that could not be built, of the transport, or of an answer that is none of these
    [[nodiscard]] result<scripted_commit> push(std::initializer_list<edit_builder> changes, std::size_t chunk = 1000) {
        std::vector<batch_item> items;
        for (const auto& change : changes) {
            auto item = change.as_item({}, static_cast<std::uint32_t>(items.size()));
            if (!item) return std::move(item).error();
            items.push_back(*std::move(item));
        }
        return push_items(items, chunk);
    }
    [[nodiscard]] result<scripted_commit> push_items(const std::vector<batch_item>& items, std::size_t chunk = 1000) {
        auto opened = ask(http_method::post, "/push-sessions", bundle_wire::write_create(next_source_bundle_id, items.size(), initialization_id));
        if (!opened) return std::move(opened).error();
        auto session = bundle_wire::read_create_answer(opened->body, items.size(), json_limits{});
        if (!session) return std::move(session).error();
        if (session->committed) {
            ++next_source_bundle_id;
            return scripted_commit{std::move(session->committed), true, {}};
        }
        const std::string at = "/push-sessions/" + percent_encode(session->push_id);
        for (std::size_t first = 0; first < items.size();) {
            auto part = ask(http_method::post, at + "/chunks", bundle_wire::write_chunk(names_, items, first, chunk));
            if (!part) return std::move(part).error();
            auto next = bundle_wire::read_chunk_answer(part->body, session->push_id, json_limits{});
            if (!next) return std::move(next).error();
            if (*next != static_cast<std::int64_t>((std::min)(first + chunk, items.size())))
                return make_fault(errc::malformed_message, "after a chunk the server expects row ", std::to_string(*next), ", which is not the next");
            first = static_cast<std::size_t>(*next);
        }
        auto commit = send(http_method::post, at + "/commit");
        if (!commit) return std::move(commit).error();
        if (!commit->ok()) {
            auto obstacles = bundle_wire::read_obstacles(*commit, names_, json_limits{});
            if (!obstacles) return std::move(obstacles).error();
            if (obstacles->empty()) return fault_of(*commit);
            return scripted_commit{std::nullopt, false, *std::move(obstacles)};
        }
        auto head = bundle_wire::read_commit_answer(commit->body, json_limits{});
        if (!head) return std::move(head).error();
        ++next_source_bundle_id;
        initialization_id.clear();
        return scripted_commit{*std::move(head), false, {}};
    }

    /// Asks for the bundles after the cursor, one page, and moves the cursor.
    [[nodiscard]] result<std::vector<bundle_wire::pulled_bundle>> pull(std::size_t max_bundles = 1000) {
        std::string path = "/pull";
        append_query(path, "after_bundle_seq", std::to_string(cursor_at));
        append_query(path, "max_bundles", std::to_string(max_bundles));
        auto answer = ask(http_method::get, path);
        if (!answer) return std::move(answer).error();
        auto reply = bundle_wire::read_pull_answer(answer->body, names_, cursor_at, json_limits{});
        if (!reply) return std::move(reply).error();
        if (reply->unreadable) return *std::move(reply->unreadable);
        if (!reply->bundles.empty()) cursor_at = reply->bundles.back().seq;
        return std::move(reply->bundles);
    }

    /// Sends @p body as it is, with the source's header. @return whatever comes back
    [[nodiscard]] result<response> send(http_method method, std::string_view path, std::string body = {}) {
        return through_(request{method, prefix_ + std::string(path), {{"Oversync-Source-ID", source_}, {"Content-Type", "application/json"}}, std::move(body)});
    }

    std::int64_t next_source_bundle_id = 1;
    /// Where the next pull begins.
    cursor cursor_at = 0;
    /// The right to fill the account; empty: none.
    std::string initialization_id;

private:
    [[nodiscard]] result<response> ask(http_method method, std::string_view path, std::string body = {}) {
        auto answer = send(method, path, std::move(body));
        if (answer && !answer->ok()) return fault_of(*answer);
        return answer;
    }

    bundle_wire::table_names names_;
    std::string source_;
    carrier through_;
    std::string prefix_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
