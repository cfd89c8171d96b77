#ifndef SYNCLINE_ENGINE_BUCKETS_OF_HPP
#define SYNCLINE_ENGINE_BUCKETS_OF_HPP

#include <syncline/engine/scopes.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/version.hpp>

#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// A bucket rule on a struct with `model_traits`. A row that makes no @p T lies in no bucket.
/// @param rule  a pure callable from `const T&` to `label_set`
template <class T, class Rule>
[[nodiscard]] bucket_rule buckets_of(Rule rule) {
    return [rule = std::move(rule)](const model_schema&, std::string_view key, const record& row) {
        const auto x = from_record<T>(key, row);
        return x ? rule(*x) : label_set{};
    };
}

SYNCLINE_NAMESPACE_END

#endif
