#ifndef SYNCLINE_ENGINE_UNREAD_ROWS_HPP
#define SYNCLINE_ENGINE_UNREAD_ROWS_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The rows that could not be read, inside one transaction of a replica's store: which are kept, and what releases them. Lives as long as
/// the transaction.
template <replica_transaction Transaction>
class unread_rows {
public:
    unread_rows(Transaction& t, const schema_set& schemas) : t_(t), schemas_(schemas) {}

    /// Keeps the unreadable rows of one page. One that is known as it is was counted when it came first; one that is older than what is
    /// known changes nothing.
    [[nodiscard]] result<void> keep(const std::vector<unread_row>& rows, apply_report& report) {
        for (const auto& row : rows) {
            auto known = find(row.name);
            if (!known) return std::move(known).error();
            if (*known && (**known == row || (row.version != 0 && row.version < (*known)->version))) continue;
            if (auto r = t_.put_unread(row); !r) return r;
            any_ = true;
            ++report.unread;
        }
        return {};
    }

    /// Releases what is kept of the records of @p rows, which can be read, where it is not newer than they are.
    [[nodiscard]] result<void> released_by(const std::vector<row_image>& rows) {
        auto some = any();
        if (!some) return std::move(some).error();
        for (std::size_t i = 0; *some && i < rows.size(); ++i) {
            const unread_name name{schemas_[rows[i].key.model].name, rows[i].key.key};
            auto known = find(name);
            if (!known) return std::move(known).error();
            if (!*known || (!leaves_view(rows[i]) && (*known)->version > rows[i].version)) continue;
            if (auto r = t_.drop_unread(name); !r) return r;
        }
        return {};
    }

    /// Gives up what is kept under @p names.
    [[nodiscard]] result<void> forget(const std::vector<unread_name>& names) {
        for (const auto& name : names)
            if (auto r = t_.drop_unread(name); !r) return r;
        return {};
    }

    /// Forgets everything: a new picture of the authority's state tells all of it again.
    [[nodiscard]] result<void> clear() {
        while (true) {
            auto rows = t_.unread(nullptr, 500);
            if (!rows) return std::move(rows).error();
            if (rows->empty()) return {};
            for (const auto& row : *rows)
                if (auto r = t_.drop_unread(row.name); !r) return r;
        }
    }

    /// The records of this device that the authority has in a form that cannot be read: absent from what it sent, and not gone.
    [[nodiscard]] result<std::unordered_set<record_key, record_key_hash>> records() {
        std::unordered_set<record_key, record_key_hash> out;
        std::optional<unread_name> last;
        while (true) {
            auto rows = t_.unread(last ? &*last : nullptr, 500);
            if (!rows) return std::move(rows).error();
            if (rows->empty()) return out;
            last = rows->back().name;
            for (auto& row : *rows)
                if (const auto model = schemas_.find(row.name.model)) out.insert(record_key{*model, std::move(row.name.key)});
        }
    }

private:
    // Most devices never have any: then nothing is looked up.
    [[nodiscard]] result<bool> any() {
        if (!any_) {
            auto rows = t_.unread(nullptr, 1);
            if (!rows) return std::move(rows).error();
            any_ = !rows->empty();
        }
        return *any_;
    }
    [[nodiscard]] result<std::optional<unread_row>> find(const unread_name& name) {
        auto some = any();
        if (!some) return std::move(some).error();
        if (!*some) return std::optional<unread_row>{};
        return t_.find_unread(name);
    }

    Transaction& t_;
    const schema_set& schemas_;
    std::optional<bool> any_;
};

SYNCLINE_NAMESPACE_END

#endif
