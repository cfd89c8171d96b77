#ifndef SYNCLINE_ENGINE_SESSION_QUOTA_HPP
#define SYNCLINE_ENGINE_SESSION_QUOTA_HPP

#include <syncline/model/record_codec.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

// What is noted of each push and snapshot session beside what the store keeps, so that they can be counted. A session may go without its note
// (it expires, or is replaced): such a note is dropped when it is met.

/// The two kinds of sessions.
enum class session_kind : std::uint8_t { push, snapshot };

/// What is noted of a session.
struct session_note {
    std::string id;
    std::string initialization_id{};  ///< push: the right to fill the tenant that it was created under; empty: none
    std::uint64_t bytes = 0;          ///< push: of the rows that were received

    friend bool operator==(const session_note&, const session_note&) = default;
};

/// The stored form of @p note.
[[nodiscard]] inline std::string encode_session_note(const session_note& note) {
    std::string out;
    byte_writer w{out};
    w.text(note.id);
    w.text(note.initialization_id);
    w.number(note.bytes);
    return out;
}

/// Reads `encode_session_note`'s form. @return `errc::corrupt`
[[nodiscard]] inline result<session_note> decode_session_note(std::string_view bytes) {
    byte_reader in{bytes};
    session_note out;
    out.id = in.text();
    out.initialization_id = in.text();
    out.bytes = in.number();
    if (!in.at_end()) return make_fault(errc::corrupt, "the note of a session does not decode; the bookkeeping tables were changed or damaged");
    return out;
}

/// What the names of notes of one kind begin with, and those of @p principal among them.
[[nodiscard]] inline std::string session_notes(session_kind kind) { return kind == session_kind::push ? "push/" : "snapshot/"; }
[[nodiscard]] inline std::string session_notes(session_kind kind, std::string_view principal) {
    std::string out = session_notes(kind);
    out.append(principal).push_back('\0');
    return out;
}
/// The name of the note about the session @p id, whose principal is nobody. Ends in NUL, so that none is the beginning of another.
[[nodiscard]] inline std::string session_note_name(session_kind kind, std::string_view principal, std::string_view id) {
    std::string out = session_notes(kind, principal);
    out.append(id).push_back('\0');
    return out;
}

/// Counts the sessions whose notes' names begin with @p names, and drops the notes of those that are gone.
template <authority_transaction Transaction>
[[nodiscard]] result<std::size_t> count_sessions(Transaction& t, session_kind kind, std::string_view names) {
    auto all = t.notes({}, names);
    if (!all) return std::move(all).error();
    std::size_t there = 0;
    for (const auto& [name, body] : *all) {
        auto note = decode_session_note(body);
        if (!note) return std::move(note).error();
        bool lives = false;
        if (kind == session_kind::push) {
            auto session = t.find_session(note->id);
            if (!session) return std::move(session).error();
            lives = session->has_value();
        } else {
            auto snapshot = t.find_snapshot(note->id);
            if (!snapshot) return std::move(snapshot).error();
            lives = snapshot->has_value();
        }
        if (lives)
            ++there;
        else if (auto r = t.drop_notes({}, name); !r)
            return std::move(r).error();
    }
    return there;
}

/// Notes a new session of @p principal, where it has fewer than @p most.
/// @param most  0: any number
/// @return `errc::rate_limited`
template <authority_transaction Transaction>
[[nodiscard]] result<void> admit_session(Transaction& t, session_kind kind, std::string_view principal, const session_note& note, std::size_t most) {
    auto there = count_sessions(t, kind, session_notes(kind, principal));
    if (!there) return std::move(there).error();
    if (most > 0 && *there >= most)
        return make_fault(errc::rate_limited, "there are ", std::to_string(*there), " open ", kind == session_kind::push ? "push" : "snapshot",
                          " sessions of this account already; finish or delete one, or wait until one expires");
    return t.put_note({}, session_note_name(kind, principal, note.id), encode_session_note(note));
}

/// What is noted of the session @p id; nothing but its id where no note is.
template <authority_transaction Transaction>
[[nodiscard]] result<session_note> note_of_session(Transaction& t, session_kind kind, std::string_view principal, std::string_view id) {
    auto body = t.find_note({}, session_note_name(kind, principal, id));
    if (!body) return std::move(body).error();
    if (!*body) return session_note{std::string{id}};
    return decode_session_note(**body);
}

/// Drops sessions whose time is over, of both kinds, and what is noted of those that are gone.
template <authority_transaction Transaction>
[[nodiscard]] result<void> expire_sessions(Transaction& t, timestamp now) {
    if (auto r = t.expire(now); !r) return r;
    for (const auto kind : {session_kind::push, session_kind::snapshot})
        if (auto r = count_sessions(t, kind, session_notes(kind)); !r) return std::move(r).error();
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
