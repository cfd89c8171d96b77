#ifndef SYNCLINE_TESTING_SMALL_MODEL_RULES_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_RULES_HPP

#include <syncline/conflict/conflict.hpp>
#include <syncline/conflict/merges.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

/// Which protocol's engine calls the devices use; it says where a conflict is decided.
enum class wire_kind : std::uint8_t { mutation, bundle };

/// What is to be explored: one way of deciding conflicts. The model has two records of two integer fields, `a` and `b`.
struct rules {
    std::string name;                                  ///< for reports
    wire_kind wire = wire_kind::mutation;
    overlap_policy overlap = overlap_policy::by_field;
    resolver decides;                                  ///< empty: `server_wins`
    /// The merge of field `b`; then users only count it up by one, and every sum is checked. Under `by_field` alone. nullptr: a field like `a`.
    const field_merge* counts = nullptr;
    /// Whether the resolver treats devices and records alike: it looks neither at which value is the larger nor at keys. Then states that
    /// differ only by the devices' or the records' names count once. Where it is not so, say false: nothing is left out then.
    bool alike = true;
};

/// How large the model is. Whatever the bounds are, the space is finite: devices that have done all their operations come to rest.
struct bounds {
    std::uint8_t devices = 3;       ///< 1 to 3
    std::uint8_t operations = 2;    ///< of all users together, at most 9; one that decides a waiting change counts too
    std::uint8_t per_device = 2;    ///< of one user
    /// More states than these are not visited, and the exploration then says that it is not whole. 0: any number.
    std::uint64_t max_states = 0;
};

/// What can happen next.
enum class action : std::uint8_t { create, set_a, set_b, erase, keep, give_up, freeze, send, ask, take, lose };

/// One step of the model: somebody does something, or a message arrives or is lost. Each is one transaction of one store, or none, so
/// that a crash between any two steps is among the interleavings.
struct step {
    action what = action::freeze;
    std::uint8_t device = 0;
    std::uint8_t record = 0;  ///< for what a user does

    friend bool operator==(const step&, const step&) = default;
};

/// @p s as a line of a script.
[[nodiscard]] inline std::string text_of(const step& s) {
    std::string out{"device "};
    out.push_back(static_cast<char>('A' + s.device));
    const std::string record = std::string{" record "} + static_cast<char>('0' + s.record);
    switch (s.what) {
    case action::create: return out + ": the user creates" + record;
    case action::set_a: return out + ": the user changes field a of" + record;
    case action::set_b: return out + ": the user changes field b of" + record;
    case action::erase: return out + ": the user erases" + record;
    case action::keep: return out + ": the user keeps the own change of" + record + ", which waits";
    case action::give_up: return out + ": the user gives up the change of" + record + ", which waits";
    case action::freeze: return out + " freezes what is open";
    case action::send: return out + ": its batch reaches the server, which answers";
    case action::ask: return out + ": its request reaches the server, which answers with rows";
    case action::take: return out + " takes in the answer";
    case action::lose: return out + ": the answer is lost";
    }
    return out;
}

/// What the library ships, each resolver on each wire under each way to judge overlap, and again with a field that has a merge.
[[nodiscard]] inline std::vector<rules> shipped_rules() {
    const std::array<std::pair<std::string_view, resolver>, 5> all{{{"server_wins", resolvers::server_wins{}},
                                                                    {"client_wins", resolvers::client_wins{}},
                                                                    {"last_write_wins", resolvers::last_write_wins{}},
                                                                    {"field_merge", resolvers::field_merge{}},
                                                                    {"defer_to_user", resolvers::defer_to_user{}}}};
    const std::array<std::pair<std::string_view, overlap_policy>, 3> ways{
        {{"by_field", overlap_policy::by_field}, {"by_row", overlap_policy::by_row}, {"by_timestamp", overlap_policy::by_timestamp}}};
    std::vector<rules> out;
    for (const auto wire : {wire_kind::mutation, wire_kind::bundle})
        for (const auto& [way_name, way] : ways)
            for (const auto& [name, decides] : all)
                for (const bool counter : {false, true}) {
                    if (counter && way != overlap_policy::by_field) continue;
                    std::string title{wire == wire_kind::mutation ? "mutation wire, " : "bundle wire, "};
                    title.append(name).append(", ").append(way_name).append(counter ? ", counter" : "");
                    out.push_back({std::move(title), wire, way, decides, counter ? &merges::counter::erased : nullptr, true});
                }
    return out;
}

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
