#ifndef SYNCLINE_CHANGE_INTENT_HPP
#define SYNCLINE_CHANGE_INTENT_HPP

#include <syncline/model/field_set.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What was done to a record.
enum class operation : std::uint8_t { create = 1, update = 2, erase = 3 };

/// The stable, lower-case name of @p op.
[[nodiscard]] constexpr std::string_view name_of(operation op) noexcept {
    switch (op) {
    case operation::create: return "create";
    case operation::update: return "update";
    case operation::erase: return "erase";
    }
    return "unknown";
}

/// The id under which a frozen intent is sent and remembered; drawn at random, never a counter (ENGINE.md rule 8).
using mutation_id = std::string;

/// One field set to a new value.
struct field_value {
    field_index field = 0;
    value to;

    friend bool operator==(const field_value&, const field_value&) = default;
};

/// The changed fields of an intent with their new values, sorted by field, each field once.
class field_changes {
public:
    /// Sets @p field to @p to, replacing an earlier change of it.
    void set(field_index field, value to) {
        const auto at = lower(field);
        if (at != items_.end() && at->field == field)
            at->to = std::move(to);
        else
            items_.insert(at, field_value{field, std::move(to)});
    }
    void erase(field_index field) {
        const auto at = lower(field);
        if (at != items_.end() && at->field == field) items_.erase(at);
    }
    /// The new value of @p field, or nullptr where it is not changed. Valid until the next change of this object.
    [[nodiscard]] const value* find(field_index field) const {
        const auto at = std::lower_bound(items_.begin(), items_.end(), field,
                                         [](const field_value& a, field_index b) { return a.field < b; });
        return at != items_.end() && at->field == field ? &at->to : nullptr;
    }
    [[nodiscard]] field_set fields() const {
        field_set s;
        for (const auto& i : items_) s.insert(i.field);
        return s;
    }
    [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] auto begin() const noexcept { return items_.begin(); }
    [[nodiscard]] auto end() const noexcept { return items_.end(); }

    friend bool operator==(const field_changes&, const field_changes&) = default;

private:
    std::vector<field_value>::iterator lower(field_index field) {
        return std::lower_bound(items_.begin(), items_.end(), field,
                                [](const field_value& a, field_index b) { return a.field < b; });
    }
    std::vector<field_value> items_;
};

/// What a change was made on (ENGINE.md rule 3).
struct base_ref {
    /// The newest version of which nothing was hidden from the user; 0: the record was never seen.
    std::int64_t row_version = 0;
    /// The last own mutation of the record since then, acknowledged or not; empty: none.
    mutation_id after;

    friend bool operator==(const base_ref&, const base_ref&) = default;
};

/// Why an intent does not go out by itself.
struct wait_reason {
    errc code = errc::conflict;  ///< conflict, held, constraint, validation_failed, absent, maybe_sent, out_of_view, ...
    std::string detail;

    friend bool operator==(const wait_reason&, const wait_reason&) = default;
};

/// What the user did to one record since it last agreed with the authority.
struct intent {
    record_key key;
    operation op = operation::update;
    field_changes changes;         ///< create: every field; update: the changed ones; erase: none
    std::optional<record> before;  ///< the row as the user saw it before the first change; nothing: there was none
    base_ref base;
    std::uint64_t ordinal = 0;     ///< position of the first change in this device's order of changes
    timestamp edited_at{};         ///< when the last change was absorbed, by the device's hybrid clock: after all that the
                                   ///< device had heard of then; for display and `last_write_wins` only
    std::optional<wait_reason> waiting;
    /// The fields that the program did not know when the authority's row came, or when the change was made: what stands of them in `before` is
    /// the column's default, and of a creation in `changes` too. The base says nothing of them.
    field_set unseen{};

    friend bool operator==(const intent&, const intent&) = default;

    /// Those of `unseen` that the user changed all the same.
    [[nodiscard]] field_set changed_unseen() const { return op == operation::update ? unseen & changes.fields() : field_set{}; }
    /// Those that are left out of what is sent: neither the user nor the program that made the change knew of them.
    [[nodiscard]] field_set left_out() const {
        field_set out = unseen;
        if (op == operation::create) return out;
        for (const auto& change : changes) out.erase(change.field);
        return out;
    }
    /// Laid on a record that is there a creation changes what the user set, and leaves the rest alone.
    void drop_unset() {
        if (op != operation::create || unseen.empty()) return;
        field_changes set;
        for (const auto& change : changes)
            if (!unseen.contains(change.field)) set.set(change.field, change.to);
        changes = std::move(set);
        unseen = {};
    }
    /// What the change was made on, for a wire that names a version for the whole record; 0: all that is there counts as not seen.
    [[nodiscard]] std::int64_t told_row_version() const { return changed_unseen().empty() ? base.row_version : 0; }

    /// The whole row that this intent stands for: the image before with the changes on top.
    /// @param field_count  how many fields the model has
    [[nodiscard]] record whole(std::size_t field_count) const {
        record r = before ? *before : record{};
        r.fields.resize(field_count);
        for (const auto& c : changes)
            if (c.field < field_count) r.fields[c.field] = c.to;
        return r;
    }
};

SYNCLINE_NAMESPACE_END

#endif
