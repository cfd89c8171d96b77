#ifndef SYNCLINE_CHANGE_RECEIPT_HPP
#define SYNCLINE_CHANGE_RECEIPT_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How a mutation was decided.
enum class outcome_kind : std::uint8_t {
    applied = 1,     ///< it took effect, alone or merged with others' changes
    superseded = 2,  ///< a named decision kept the authority's row instead
    refused = 3,     ///< not applied; a person, a retry or an edit is needed
    held = 4,        ///< not applied because it follows a refused one of its record or parent; final for this id
    error = 5,       ///< a transient failure; no receipt; send the same again under the same id
};

/// The stable, lower-case name of @p kind.
[[nodiscard]] constexpr std::string_view name_of(outcome_kind kind) noexcept {
    switch (kind) {
    case outcome_kind::applied: return "applied";
    case outcome_kind::superseded: return "superseded";
    case outcome_kind::refused: return "refused";
    case outcome_kind::held: return "held";
    case outcome_kind::error: return "error";
    }
    return "unknown";
}

/// A message of the host's validator about one field.
struct field_message {
    std::string field;  ///< empty: about the record as a whole
    std::string text;

    friend bool operator==(const field_message&, const field_message&) = default;
};

/// What is remembered of a decided mutation, so that a retry gets the same answer. Final outcomes only; it stores no
/// row: a repeated answer carries the record's row as it is now.
struct receipt {
    mutation_id id;
    outcome_kind outcome = outcome_kind::applied;
    record_key key;
    std::int64_t version = 0;      ///< the record's version after the request that decided it
    bool clean = false;            ///< it met no change of others, neither merged nor decided (ENGINE.md rule 3)
    bool carries_row = false;      ///< its answer tells the record's row (which may be: gone)
    mutation_id after;             ///< the mutation it was made on top of
    std::string content_hash;      ///< of what was sent under the id
    std::optional<wait_reason> why;  ///< for refused and held
    std::vector<field_message> messages;

    friend bool operator==(const receipt&, const receipt&) = default;
};

/// The answer to one mutation.
struct outcome {
    mutation_id id;
    outcome_kind kind = outcome_kind::applied;
    std::int64_t version = 0;      ///< the record's version after the whole request
    bool clean = false;
    bool carries_row = false;      ///< `row` speaks: the record as it is after the whole request (nothing: gone)
    std::optional<record> row;
    std::optional<wait_reason> why;
    std::vector<field_message> messages;
    std::string rule;              ///< the decision in words, for explanations: which rule, which resolver
    bool repeated = false;         ///< an earlier request had the id, and the receipt answers
    std::optional<field_set> told{};        ///< of `row`, as in `row_image`
    std::optional<timestamp> written_at{};  ///< when the authority's row was written, where a foreign authority tells it
    bool out_of_view = false;      ///< it took effect or was superseded, and the record is no longer visible to who asks
    bool exact = false;            ///< applied, and the record is just what the change makes of its base: the row need not be told

    friend bool operator==(const outcome&, const outcome&) = default;
};

/// Whether the mutation met changes of others: it was merged, superseded, or refused for it.
[[nodiscard]] inline bool met_others(const outcome& o) noexcept {
    return (o.kind == outcome_kind::applied && (o.carries_row || o.out_of_view) && !o.clean) || o.kind == outcome_kind::superseded ||
           (o.kind == outcome_kind::refused && o.why && o.why->code == errc::conflict);
}

/// What is remembered of a bundle that a source committed (bundle wire).
struct bundle_receipt {
    std::string source;
    std::int64_t source_bundle_id = 0;
    std::int64_t seq = 0;
    std::string content_hash;
    std::uint32_t row_count = 0;
    std::string principal{};         ///< who committed it: a source belongs to one principal

    friend bool operator==(const bundle_receipt&, const bundle_receipt&) = default;
};

SYNCLINE_NAMESPACE_END

#endif
