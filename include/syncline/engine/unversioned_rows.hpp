#ifndef SYNCLINE_ENGINE_UNVERSIONED_ROWS_HPP
#define SYNCLINE_ENGINE_UNVERSIONED_ROWS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Gives versions to what an authority without any tells, inside one transaction of a replica's store, and completes rows of which it told
/// only some fields. Lives as long as the transaction.
///
/// A version is the replica's next ordinal, its own count of what happened: changes of the user, acknowledgements and rows taken in. That
/// orders states of one record rightly since the authority answers with the row as it is, and since push and pull never overlap: what comes
/// later was read later. No page is taken while a batch is unsettled, whose effect its rows could contain or lack.
template <replica_transaction Transaction>
class unversioned_rows {
public:
    unversioned_rows(Transaction& t, row_placement<Transaction>& rows, replica_state& state) : t_(t), rows_(rows), state_(state) {}

    /// Numbers the rows of a page. One that says what the base says already keeps the base's version: it is the echo of an acknowledged
    /// change, or came again.
    [[nodiscard]] result<void> number(std::vector<row_image>& rows) {
        auto has = t_.presence();
        if (!has) return std::move(has).error();
        // What is kept aside of a record is newer than its base, and goes by a row that is newer still.
        const bool nothing_aside = !has->quarantined && !has->unread;
        std::unordered_map<record_key, std::optional<record>, record_key_hash> earlier;
        for (auto& row : rows) {
            auto base = rows_.load(row.key);
            if (!base) return std::move(base).error();
            const auto again = earlier.find(row.key);
            const bool first = again == earlier.end();
            complete(row.key, first ? base->row : again->second, row.row, row.told);
            const bool known = first && nothing_aside && !base->lost && base->version != 0 && base->row == row.row;
            row.version = known ? base->version : next();
            earlier.insert_or_assign(row.key, row.row);
        }
        return {};
    }

    /// Numbers what was decided about the record @p key.
    [[nodiscard]] result<void> number(const record_key& key, outcome& o) {
        o.version = next();
        if (!o.carries_row) return {};
        auto base = rows_.load(key);
        if (!base) return std::move(base).error();
        complete(key, base->row, o.row, o.told);
        return {};
    }

    /// The newest version that was given.
    [[nodiscard]] std::int64_t newest() const noexcept { return static_cast<std::int64_t>(state_.next_ordinal) - 1; }

    /// The whole rows that the writes of a batch stand for, by position: each laid on the newest row that is known, so that one who takes
    /// every field that is sent gets nobody's old values (W01). An erase has an empty one.
    [[nodiscard]] result<std::vector<record>> whole(const std::vector<batch_item>& items) {
        std::vector<record> out;
        for (const auto& item : items) {
            auto base = rows_.load(item.what.key);
            if (!base) return std::move(base).error();
            auto row = overlay(rows_.schemas()[item.what.key.model], &item.what, std::move(base->row));
            out.push_back(row ? std::move(*row) : record{});
        }
        return out;
    }

    /// Whether the authority's @p row differs from what the user saw before the change @p what, in a field that users write.
    [[nodiscard]] bool others_changed(const intent& what, const std::optional<record>& row) const {
        if (!what.before || !row) return what.before.has_value() != row.has_value();
        const auto& schema = rows_.schemas()[what.key.model];
        const field_set differ = differing_fields(*what.before, *row);
        for (std::size_t f = 0; f < schema.fields.size(); ++f)
            if (!schema.fields[f].read_only && differ.contains(static_cast<field_index>(f))) return true;
        return false;
    }

private:
    [[nodiscard]] std::int64_t next() noexcept { return static_cast<std::int64_t>(state_.next_ordinal++); }

    // Fields that were not told stay as they are known: what was told is no picture of the whole row.
    void complete(const record_key& key, const std::optional<record>& known, std::optional<record>& row, std::optional<field_set>& told) const {
        if (!told) return;
        const std::size_t count = rows_.schemas()[key.model].fields.size();
        if (row && known) {
            row->fields.resize(count);
            for (std::size_t f = 0; f < count && f < known->fields.size(); ++f)
                if (!told->contains(static_cast<field_index>(f))) row->fields[f] = known->fields[f];
        }
        told.reset();
    }

    Transaction& t_;
    row_placement<Transaction>& rows_;
    replica_state& state_;
};

SYNCLINE_NAMESPACE_END

#endif
