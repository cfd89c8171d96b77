#ifndef SYNCLINE_CHANGE_SOURCE_REPLACEMENT_HPP
#define SYNCLINE_CHANGE_SOURCE_REPLACEMENT_HPP

#include <syncline/support/version.hpp>

#include <string>
#include <string_view>

SYNCLINE_NAMESPACE_BEGIN

/// What a device asks for whose numbering an authority no longer continues: another source is to take the place of its own (bundle wire).
struct source_replacement {
    std::string previous;  ///< the device's source as it was
    std::string next;      ///< the one that takes its place: random, never used before
    std::string reason;    ///< the code of the refusal that made it necessary

    friend bool operator==(const source_replacement&, const source_replacement&) = default;
};

/// Whether @p reason is one for which a source may be replaced.
[[nodiscard]] constexpr bool is_replacement_reason(std::string_view reason) noexcept {
    return reason == "history_pruned" || reason == "source_sequence_out_of_order" || reason == "source_sequence_changed" || reason == "source_retired";
}

SYNCLINE_NAMESPACE_END

#endif
