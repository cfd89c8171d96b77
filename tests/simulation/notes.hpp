#ifndef SYNCLINE_TESTS_SIMULATION_NOTES_HPP
#define SYNCLINE_TESTS_SIMULATION_NOTES_HPP

// What the oracle writes down of each edit and of each mutation.

#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>

#include "simulation/look.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace simulation {

using namespace syncline;

inline constexpr int foreign_author = -1;  ///< any program that writes to the server's tables by plain SQL
inline constexpr int whole_record = -1;    ///< instead of a field: the edit erased the record
inline constexpr std::size_t counter_field = 2;

/// What became of an edit.
enum class edit_fate : std::uint8_t { pending, applied, superseded, coalesced, discarded };

/// One edit of one field, or the erasing of a record.
struct edit_note {
    int author = foreign_author;
    std::size_t key = 0;
    int field = 0;
    bool creates = false;
    std::uint64_t made_at = 0;  ///< what its author had seen until then counts as seen; moves when a person confirms it
    edit_fate is = edit_fate::pending;
    int applied = 0;                          ///< how often it took effect
    std::vector<std::int64_t> sealed_in;      ///< versions of the record that hold its value
    std::vector<mutation_id> carried;         ///< the mutations it travelled in
    std::int64_t over[2] = {0, 0};            ///< an erase: the registers of what was erased
    bool over_create = false;                 ///< an erase: the record's creation was still under way
};
/// One mutation, from when it was frozen.
struct sent_note {
    int device = 0;
    std::size_t key = 0;
    intent what;
    std::uint64_t batch = 0;
    std::int64_t bundle_id = 0;
    bool in_flight = true;
    int effects = 0;
    std::int64_t in_version = 0;  ///< the record's version that holds its effect
    std::int64_t erase_edit = 0;
    std::optional<receipt> known;
};

/// What an intent adds to the counter.
inline std::int64_t difference_of(const intent& what) {
    const value* to = what.changes.find(counter_field);
    if (to == nullptr || what.op == operation::erase) return 0;
    return to->as_integer() - (what.before ? what.before->fields[counter_field].as_integer() : 0);
}

/// Whether an edit lies in a layer of its record.
inline bool lies_in(const key_look& k, std::int64_t id, const edit_note& e) {
    const auto holds = [&](const intent& i) {
        if (e.field == whole_record) return i.op == operation::erase;
        const value* to = i.changes.find(static_cast<field_index>(e.field));
        return to != nullptr && i.op != operation::erase && to->as_integer() == id;
    };
    return (k.open && holds(*k.open)) || (k.frozen && holds(k.frozen->what));
}

}  // namespace simulation

#endif
