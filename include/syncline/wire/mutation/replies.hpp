#ifndef SYNCLINE_WIRE_MUTATION_REPLIES_HPP
#define SYNCLINE_WIRE_MUTATION_REPLIES_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/client_options.hpp>
#include <syncline/wire/mutation/messages.hpp>
#include <syncline/wire/mutation/plain_messages.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

// What a device reads of either kind of server: ours, or a foreign one that answers without our members.

namespace mutation_wire {

/// Whether a device that knows the incarnation @p epoch may be answered by a foreign server: one that had an epoch once does not take it for that.
[[nodiscard]] inline bool may_be_plain(std::string_view epoch) noexcept { return epoch.empty() || epoch == unversioned_epoch; }

/// Reads a push's answer. A foreign server's has the epoch `unversioned_epoch`.
/// @param sent   what was pushed
/// @param epoch  that the request named
[[nodiscard]] inline result<push_reply> read_any_push_answer(const response& answer, const schema_set& schemas, const std::vector<batch_item>& sent,
                                                             std::string_view epoch, const plain_form& form, const mutation_client_options& options) {
    if (may_be_plain(epoch)) {
        auto plain = read_plain_push_answer(answer.body, schemas, sent, form, options.json);
        if (!plain) return std::move(plain).error();
        if (*plain) {
            (*plain)->epoch = unversioned_epoch;
            return std::move(**plain);
        }
    }
    auto reply = read_push_answer(answer.body, schemas, sent, options.json, options.inbound);
    if (reply && (options.outbound || options.inbound)) {  // the server's rows are not those that lie here
        reply->told_whole = 0;
        for (auto& o : reply->outcomes) o.exact = false;
    }
    return reply;
}

/// Reads a pull's answer, likewise. @param from  the cursor that was asked from
[[nodiscard]] inline result<pull_reply> read_any_page(const response& answer, const schema_set& schemas, cursor from, std::string_view epoch,
                                                      const plain_form& form, const mutation_client_options& options) {
    if (may_be_plain(epoch)) {
        auto plain = read_plain_page(answer.body, schemas, from, form, options.json);
        if (!plain) return std::move(plain).error();
        if (*plain) {
            (*plain)->epoch = unversioned_epoch;
            return std::move(**plain);
        }
    }
    auto reply = read_pull_answer(answer.body, schemas, from, options.json, options.inbound);
    if (reply && reply->epoch.empty() && !may_be_plain(epoch))
        return make_fault(errc::unsupported, "this device belongs to a Syncline server, and what answers now is none; set the URL right, or begin with "
                                             "an empty store");
    return reply;
}

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
