#ifndef SYNCLINE_TESTING_SCRIPTED_MUTATION_DEVICE_HPP
#define SYNCLINE_TESTING_SCRIPTED_MUTATION_DEVICE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/builders.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>
#include <syncline/wire/http_fault.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/messages.hpp>

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

/// A device of the mutation wire that sends what the test says, for a server under test: well-formed pushes and pulls with the members of a Syncline
/// device, and their answers decoded. It keeps a cursor and the ids it gave, and nothing else; no replica stands behind it.
///
/// ```cpp
/// scripted_mutation_device ann(schemas, "ann", [&](const request& r) -> result<response> { return server(r, principal); });
/// const auto pushed = ann.push({edit(schemas, "task", "k1").creates().set("title", value::text("milk"))});
/// CHECK(pushed->front().kind == outcome_kind::applied);
/// ```
/// Refers to the schemas.
class scripted_mutation_device {
public:
    using carrier = std::function<result<response>(const request&)>;

    /// @param prefix  where the wire is mounted
    scripted_mutation_device(const schema_set& schemas, std::string client_id, carrier through, std::string prefix = "/tether")
        : schemas_(&schemas), client_id_(std::move(client_id)), through_(std::move(through)), prefix_(std::move(prefix)) {}

    /// Sends @p changes as one push; their ids are the client's, with a number.
    /// @return an outcome for each that the answer speaks of, in the order of the answer; the fault of a change that could not be built, of the
    ///         transport, or of an answer that is none (`fault_of`)
    [[nodiscard]] result<std::vector<outcome>> push(std::initializer_list<edit_builder> changes) {
        std::vector<batch_item> items;
        for (const auto& change : changes) {
            auto item = change.as_item(next_id(), static_cast<std::uint32_t>(items.size()));
            if (!item) return std::move(item).error();
            items.push_back(*std::move(item));
        }
        return push_items(items);
    }
    /// Sends @p items under the ids that they have, such as those of `sent` once more.
    [[nodiscard]] result<std::vector<outcome>> push_items(const std::vector<batch_item>& items) {
        sent = items;
        auto answer = ask("/push", mutation_wire::write_push(*schemas_, client_id_, epoch, items, items.size()));
        if (!answer) return std::move(answer).error();
        auto reply = mutation_wire::read_push_answer(answer->body, *schemas_, items, json_limits{});
        if (!reply) return std::move(reply).error();
        if (reply->unreadable > 0) return make_fault(errc::malformed_message, std::to_string(reply->unreadable), " outcomes of the answer cannot be read: ", answer->body);
        if (epoch.empty()) epoch = reply->epoch;
        return std::move(reply->outcomes);
    }

    /// Asks for what came after the cursor, one page, and moves the cursor.
    [[nodiscard]] result<page> pull(std::size_t limit = 1000) {
        pull_query query;
        query.from = cursor_at;
        query.limit = limit;
        auto answer = ask("/pull", mutation_wire::write_pull(*schemas_, client_id_, epoch, query));
        if (!answer) return std::move(answer).error();
        auto reply = mutation_wire::read_pull_answer(answer->body, *schemas_, cursor_at, json_limits{});
        if (!reply) return std::move(reply).error();
        if (epoch.empty()) epoch = reply->epoch;
        cursor_at = reply->rows.next;
        return std::move(reply->rows);
    }
    /// All pages up to the last. @return `errc::bug` where they do not end within @p most
    [[nodiscard]] result<std::vector<row_image>> pull_all(std::size_t limit = 1000, std::size_t most = 1000) {
        std::vector<row_image> all;
        for (std::size_t pages = 0; pages < most; ++pages) {
            auto next = pull(limit);
            if (!next) return std::move(next).error();
            all.insert(all.end(), next->rows.begin(), next->rows.end());
            if (!next->more) return all;
        }
        return make_fault(errc::bug, "the server still says has_more after ", std::to_string(most), " pages");
    }

    /// Sends @p body as it is to `push` or `pull`. @return whatever comes back
    [[nodiscard]] result<response> send(std::string_view path, std::string body) {
        return through_(request{http_method::post, prefix_ + std::string(path), {{"Content-Type", "application/json"}}, std::move(body)});
    }

    /// What the last push sent.
    std::vector<batch_item> sent;
    /// Where the next pull begins.
    cursor cursor_at = 0;
    /// The server's incarnation, as it told it first.
    std::string epoch;

private:
    [[nodiscard]] mutation_id next_id() { return client_id_ + "-" + std::to_string(++ids_); }
    [[nodiscard]] result<response> ask(std::string_view path, std::string body) {
        auto answer = send(path, std::move(body));
        if (answer && !answer->ok()) return fault_of(*answer);
        return answer;
    }

    const schema_set* schemas_;
    std::string client_id_;
    carrier through_;
    std::string prefix_;
    std::uint64_t ids_ = 0;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
