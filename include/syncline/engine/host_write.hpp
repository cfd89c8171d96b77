#ifndef SYNCLINE_ENGINE_HOST_WRITE_HPP
#define SYNCLINE_ENGINE_HOST_WRITE_HPP

#include <syncline/change/receipt.hpp>
#include <syncline/conflict/time_texts.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/labelling.hpp>
#include <syncline/engine/scope_lifecycle.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/engine/source_registry.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// Whether the host may write under the name @p writer: one of its own, not that of foreign writes.
[[nodiscard]] inline result<void> check_writer(std::string_view writer) {
    if (writer.find_first_not_of(" \t\r\n") == std::string_view::npos || writer.size() > max_key_length || writer.find('\0') != std::string_view::npos)
        return make_fault(errc::invalid_argument, "a writer's name is not blank, has at most ", std::to_string(max_key_length), " octets and no NUL");
    if (writer == bundle_source{}.source)
        return make_fault(errc::invalid_argument, "`", writer, "` is whom changes are from that nobody numbers; give the writer a name of its own");
    return {};
}

/// Runs @p callback on the transaction, and seals what it changed in the app's tables as the writer's next bundle. The caller commits the
/// transaction, or drops it where it got a fault.
/// @return the receipt; the fault of @p callback; `errc::invalid_argument` for a name that cannot be taken, or where nothing was changed;
///         `errc::malformed_value` for a text where a time belongs (`check_time_texts`);
///         `errc::scope_initializing` while a device fills the tenant; `errc::source_retired`, `errc::forbidden` for the source of a device
template <authority_transaction Transaction, class Callback>
[[nodiscard]] result<bundle_receipt> commit_host_write(Transaction& t, const schema_set& schemas, const scope_map& scopes, const caller& writer,
                                                       Callback&& callback, timestamp now) {
    if (auto r = check_writer(writer.source); !r) return std::move(r).error();
    if (auto sealed = seal_labelled(t, schemas, scopes, bundle_source{}, {}, now); !sealed) return std::move(sealed).error();
    auto scope = scope_of(t, now);
    if (!scope) return std::move(scope).error();
    if (scope->state == scope_state::initializing)
        return make_fault(errc::scope_initializing, "a device is filling this account for the first time; write again when it has done so");
    if (auto r = check_source_writes(t, writer); !r) return std::move(r).error();
    auto last = t.last_source_bundle_id(writer.source);
    if (!last) return std::move(last).error();
    auto newest = t.find_bundle_receipt(writer.source, *last);
    if (!newest) return std::move(newest).error();
    if (*newest && !(*newest)->principal.empty()) return make_fault(errc::forbidden, "`", writer.source, "` is the source of a device");
    if (result<void> done = callback(t); !done) return std::move(done).error();
    const bundle_source from{writer.source, *last + 1};
    auto rows = seal_labelled(t, schemas, scopes, from, {}, now);
    if (!rows) return std::move(rows).error();
    for (const auto& row : *rows)
        if (row.after)
            if (auto fit = check_time_texts(schemas[row.key.model], row.key.key, *row.after, row.fields); !fit) return std::move(fit).error();
    if (rows->empty()) return make_fault(errc::invalid_argument, "the write changed nothing that is synced");
    if (scope->state == scope_state::uninitialized)
        if (auto r = end_initialization(t); !r) return std::move(r).error();
    bundle_receipt kept{from.source, from.source_bundle_id, rows->front().version, {}, static_cast<std::uint32_t>(rows->size()), {}};
    if (auto r = t.put_bundle_receipt(kept); !r) return std::move(r).error();
    return kept;
}

SYNCLINE_NAMESPACE_END

#endif
