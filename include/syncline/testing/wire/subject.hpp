#ifndef SYNCLINE_TESTING_WIRE_SUBJECT_HPP
#define SYNCLINE_TESTING_WIRE_SUBJECT_HPP

#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Whose promises a server of a wire is held to.
enum class wire_profile : std::uint8_t {
    syncline,  ///< what Syncline's own servers keep
    original,  ///< what the wire's original is known to keep: what its sheet names as a weakness is skipped or accepted
};

/// The form of the keys that the kit draws.
enum class wire_keys : std::uint8_t {
    of_the_wire,  ///< ULIDs on the mutation wire, UUIDs on the bundle wire
    ulid,
    uuid,
};

/// A column of the model that the kit writes, and three different values of it, as JSON. The last two are needed of the first two fields only.
struct wire_field {
    std::string name;
    std::string one = "\"one\"";
    std::string other = "\"other\"";
    std::string third = "\"third\"";
};

/// Somebody whom the server knows: the headers that go with each of their requests, mostly `Authorization`.
struct wire_account {
    std::vector<header> headers;
};

/// What the kit must be told of a server that it shall test, and nothing of how it is built. The kit writes records of one model under fresh keys, next to what is
/// there, and leaves some of them behind: give it an account for tests.
struct wire_subject {
    /// In front of every endpoint; empty: `/tether` on the mutation wire, `/sync` on the bundle wire.
    std::string prefix;
    wire_profile profile = wire_profile::syncline;

    /// Whose rows are written.
    wire_account account;
    /// Somebody of another tenant, who must see nothing of it. Without one, isolation is skipped.
    std::optional<wire_account> stranger;
    /// Bundle wire: somebody whose account nobody has connected yet. It is connected by the kit; without one, the life of an account is skipped.
    std::optional<wire_account> newcomer;
    /// That the server lets in whoever asks, so that missing credentials cannot be refused.
    bool open = false;

    /// The model: its short name on the mutation wire, its table on the bundle wire.
    std::string model;
    /// Bundle wire: the schema of the table.
    std::string schema = "public";
    /// The name of the key's column, which the bundle wire writes beside the fields.
    std::string key = "id";
    /// Its columns, as many as a record needs to be complete. The first two are changed; with one only, what is about two fields is skipped.
    std::vector<wire_field> fields;
    wire_keys keys = wire_keys::of_the_wire;

    /// About the time at the server. Changes are stamped with it; no clock is read.
    timestamp now{};

    /// The most octets of a request's body, where the server has such a bound.
    std::optional<std::size_t> largest_body;
    /// Mutation wire: the most mutations of a request, where the server has such a bound.
    std::optional<std::size_t> most_mutations;
    /// Mutation wire: what was applied already is rejected as `duplicate`.
    bool strict_duplicates = false;
    /// Whether deletes arrive. Tether's do only where the model has soft deletes (W14).
    bool tombstones = true;

    /// Only the clauses whose names begin so; empty: all.
    std::string only;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
