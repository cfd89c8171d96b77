#ifndef SYNCLINE_STORAGE_DEFAULT_VALUES_HPP
#define SYNCLINE_STORAGE_DEFAULT_VALUES_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <concepts>
#include <cstddef>

SYNCLINE_NAMESPACE_BEGIN

/// A transaction of an authority's store whose tables have defaults for fields of a new row that nobody names.
///
/// `t.fill_defaults(model, row, fields)`: gives each of @p fields of @p row the value that a row would get which is inserted without it; a field
/// without a default stays as it is.
template <class T>
concept default_filling_transaction = requires(T t, model_id model, record& row, const field_set& fields) {
    { t.fill_defaults(model, row, fields) } -> std::same_as<result<void>>;
};

/// Completes @p row, which @p what makes where none was; nothing where that is no creation. A program that does not know every field names only
/// those that it knows, and where none may be empty a null is not what anybody meant.
template <class Transaction>
[[nodiscard]] result<void> fill_new_row(Transaction& t, const model_schema& schema, const intent& what, record& row) {
    if constexpr (default_filling_transaction<Transaction>) {
        if (what.op != operation::create) return {};
        field_set left;
        for (std::size_t f = 0; f < row.fields.size() && f < schema.fields.size(); ++f)
            if (row.fields[f].is_null() && (what.changes.find(static_cast<field_index>(f)) == nullptr || !schema.fields[f].nullable))
                left.insert(static_cast<field_index>(f));
        if (!left.empty()) return t.fill_defaults(what.key.model, row, left);
    }
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
