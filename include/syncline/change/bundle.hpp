#ifndef SYNCLINE_CHANGE_BUNDLE_HPP
#define SYNCLINE_CHANGE_BUNDLE_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// One row that a bundle changed, as the authority's log keeps it.
struct row_change {
    record_key key;
    operation op = operation::update;
    std::int64_t version = 0;      ///< the record's version from here on: the bundle's `bundle_seq`
    std::int64_t stamp = 0;        ///< unique and strictly rising per tenant
    std::optional<record> after;   ///< the row as the bundle left it; nothing: it is gone
    field_set fields;              ///< which fields changed; all of them for a create or an erase
    mutation_id writer;            ///< the mutation that wrote or caused it; empty: a foreign write
    timestamp written_at{};        ///< when the change was made, as its author says and as far as that is believed
                                   ///< (`clamped_time`), and after the record's change before it; for display and
                                   ///< `last_write_wins` only

    friend bool operator==(const row_change&, const row_change&) = default;
};

/// The head of one sealed bundle.
struct bundle_head {
    std::int64_t seq = 0;          ///< orders the tenant's bundles, from 1, without gaps but where an incarnation begins
    std::string source;            ///< the source that committed it; `server` for foreign writes
    std::int64_t source_bundle_id = 0;  ///< 0 where the source does not number its bundles
    std::uint32_t row_count = 0;
    std::int64_t first_stamp = 0;

    friend bool operator==(const bundle_head&, const bundle_head&) = default;
};

/// A sealed bundle: a set of row changes that committed as one.
struct bundle {
    bundle_head head;
    std::vector<row_change> rows;

    friend bool operator==(const bundle&, const bundle&) = default;
};

/// A record's state on its way to a replica.
struct row_image {
    record_key key;
    std::int64_t version = 0;      ///< 0: the record left the replica's view; whether it lives is not told, and `row` is empty
    std::optional<record> row;     ///< nothing: the record is gone
    mutation_id contains;          ///< mutation wire: the replica's frozen mutation that this row already contains; empty: none
    std::optional<field_set> told{};  ///< a foreign authority: the fields that it told, the others stay as they are known; nothing: all

    friend bool operator==(const row_image&, const row_image&) = default;
};

/// Whether @p row says that the record is no longer visible to the replica. That is no deletion.
[[nodiscard]] inline bool leaves_view(const row_image& row) noexcept { return row.version == 0 && !row.row; }

SYNCLINE_NAMESPACE_END

#endif
