#ifndef SYNCLINE_WIRE_BUNDLE_UPLOAD_HPP
#define SYNCLINE_WIRE_BUNDLE_UPLOAD_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/content_hash.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/bundle/push_messages.hpp>
#include <syncline/wire/bundle/rows.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace bundle_wire {

/// What is asked of the server next for the batch in flight.
enum class upload_step : std::uint8_t { create, chunk, commit, drop_session, rows };

/// @p item as a row that is refused for @p why, in the words of an authority.
[[nodiscard]] inline commit_obstacle refusal_of(const batch_item& item, fault why) {
    commit_obstacle o;
    o.what = commit_obstacle::kind::refused;
    o.key = item.what.key;
    o.op = item.what.op;
    o.base_version = item.what.base.row_version;
    o.why = wait_reason{why.code, std::move(why.detail)};
    return o;
}

/// How far the batch in flight has come in its push session, and the requests that take it further. Nothing of it is durable: a device
/// that starts again creates the session anew, which tells what became of the batch.
struct upload {
    upload_step at = upload_step::create;
    frozen_batch batch;
    std::string push_id;
    std::size_t sent = 0;      ///< rows that the session has
    std::size_t in_chunk = 0;  ///< rows of the last chunk
    std::vector<commit_obstacle> obstacles;  ///< wait for the session's end
    std::vector<row_image> rows;             ///< committed rows, as far as they came
    bundle_hasher hasher;                    ///< over those
    bool unproven = false;                   ///< an earlier run's commit, which the server knows by the number alone
    std::optional<std::uint32_t> told_rows;  ///< of the bundle, as its acknowledgement said

    /// Starts over with a new session.
    void begin() {
        at = upload_step::create;
        push_id.clear();
        sent = 0;
        obstacles.clear();
        unproven = false;
        begin_rows();
    }
    /// Starts over with the committed rows.
    void begin_rows() {
        rows.clear();
        hasher = {};
    }

    /// @param initialization_id  the right to fill the account; empty: none
    [[nodiscard]] std::string create_body(std::string_view initialization_id) const {
        return write_create(batch.head.source_bundle_id, batch.items.size(), initialization_id);
    }
    [[nodiscard]] std::string chunk_body(const table_names& names, std::size_t limit) {
        in_chunk = (std::min)(limit, batch.items.size() - sent);
        return write_chunk(names, batch.items, sent, in_chunk);
    }
    [[nodiscard]] std::string session_path() const { return std::string{"/push-sessions/"}.append(percent_encode(push_id)); }
    [[nodiscard]] std::string rows_path(std::size_t limit) const {
        std::string path{"/committed-bundles/"};
        path.append(std::to_string(batch.head.committed_seq)).append("/rows");
        if (!rows.empty()) append_query(path, "after_row_ordinal", std::to_string(rows.size() - 1));
        append_query(path, "max_rows", std::to_string(limit));
        return path;
    }

    /// Whether @p head is the batch's own, for the device @p source.
    [[nodiscard]] bool is_own(std::string_view source, const committed_head& head) const {
        return head.source == source && head.source_bundle_id == batch.head.source_bundle_id;
    }
    /// The hash of what is sent, as the authority computes it.
    [[nodiscard]] std::string content_hash(const schema_set& schemas) const {
        std::vector<mutation> sent_rows;
        sent_rows.reserve(batch.items.size());
        for (const auto& item : batch.items) sent_rows.push_back({item.id, item.what});
        return bundle_content_hash(schemas, sent_rows);
    }
    /// Whether @p committed has a row of each record that was sent. A server's defaults, triggers and cascades change values and add rows; under a
    /// number that two devices used, other records were changed.
    [[nodiscard]] bool tells_of_all(const std::vector<row_image>& committed) const {
        std::unordered_set<record_key, record_key_hash> there;
        for (const auto& row : committed) there.insert(row.key);
        return std::all_of(batch.items.begin(), batch.items.end(), [&](const batch_item& i) { return there.contains(i.what.key); });
    }
    /// The rows that no server can take, with the reason.
    [[nodiscard]] std::vector<commit_obstacle> unsendable(const schema_set& schemas) const {
        std::vector<commit_obstacle> out;
        for (const auto& item : batch.items)
            if (auto r = check_sendable(schemas, item.what); !r) out.push_back(refusal_of(item, std::move(r).error()));
        return out;
    }
    /// The id under which @p key was frozen; empty: it is not in the batch.
    [[nodiscard]] mutation_id id_of(const record_key& key) const {
        const auto item = std::find_if(batch.items.begin(), batch.items.end(), [&](const batch_item& i) { return i.what.key == key; });
        return item == batch.items.end() ? mutation_id{} : item->id;
    }
};

}  // namespace bundle_wire

SYNCLINE_NAMESPACE_END

#endif
