#ifndef SYNCLINE_TESTING_SIMULATION_SCRIPT_HPP
#define SYNCLINE_TESTING_SIMULATION_SCRIPT_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// One thing that can happen in a simulated run. Those from `lose_request` on are faults.
enum class deed : std::uint8_t {
    edit,            ///< the user of a device creates, changes or erases a record, now and then while a sync is under way
    server_edit,     ///< another program of the server does, by plain SQL as it were
    decide,          ///< the user of a device decides what waits: retry, discard or take the client's
    proceed,         ///< a device goes on: begins to sync, sends, is served, takes an answer
    deliver_any,     ///< some message under way arrives, out of order
    look,            ///< the app asks its replica to take in what was edited
    grant,           ///< a person is granted one more label, where records have buckets
    revoke,          ///< and one fewer
    lose_request,    ///< a request is lost
    lose_answer,     ///< an answer is lost, after what it tells has taken effect
    duplicate,       ///< a message is doubled; the copy comes late
    delay,           ///< a message is overtaken by all others
    truncate,        ///< a message arrives in part
    corrupt,         ///< an octet of a message is no text any more
    half_open,       ///< a request is swallowed, and nobody is told
    time_out,        ///< a device gives up waiting
    cut_out,         ///< from now on nothing that a device sends arrives
    cut_in,          ///< from now on nothing arrives at a device
    cut,             ///< both
    heal,            ///< the device's network works again
    jump_clock,      ///< a device's clock is set, by up to three days
    freeze_clock,    ///< it stands still, until it is set again
    jump_server_clock,
    crash,           ///< a device's program ends at any moment
    crash_in_call,   ///< power goes at some later call of its store, before a commit or after it
    change_program,  ///< another program over its store wakes up where it fell asleep, and the one that was awake falls asleep, in the middle of anything
    store_locked,    ///< its store is somebody else's for a moment
    disk_full,       ///< a later call of its store fails
    io_error,
    no_memory,       ///< a later call of its store throws `std::bad_alloc`: the program ends
    crash_server,
    crash_server_in_call,
    server_locked,
    server_disk_full,
    server_io_error,
    server_no_memory,
    add_server,      ///< one more instance of the server over the same data
    kill_server,     ///< and one fewer
    prune,           ///< the server forgets history, in the middle of whatever goes on
    copy_device,     ///< the files of a device are copied to another one
    back_up_device,
    restore_device,  ///< they are put back as they were
    torn_write,      ///< power fails in the midst of a device's commit: a part of it is on its disk
    lying_fsync,     ///< from now on a device's commits are not durable: the next crash takes them back
    reuse_source,    ///< another device is installed and draws the same source id
    back_up_server,
    restore_server,  ///< the operator puts a backup in the place of the data, and says so
    update_app,      ///< a device's program is replaced by a newer one, which knows all fields
    rebuild,         ///< a user has a device built anew, or declares it a device of its own
};
inline constexpr std::size_t deeds = static_cast<std::size_t>(deed::rebuild) + 1;

/// The name of @p what, as a program writes it.
[[nodiscard]] constexpr std::string_view name_of(deed what) noexcept {
    constexpr std::array<std::string_view, deeds> names{
        "edit", "server_edit", "decide", "proceed", "deliver_any", "look", "grant", "revoke", "lose_request", "lose_answer", "duplicate", "delay", "truncate", "corrupt",
        "half_open", "time_out", "cut_out", "cut_in", "cut", "heal", "jump_clock", "freeze_clock", "jump_server_clock", "crash", "crash_in_call", "change_program",
        "store_locked", "disk_full", "io_error", "no_memory", "crash_server", "crash_server_in_call", "server_locked", "server_disk_full", "server_io_error",
        "server_no_memory", "add_server", "kill_server", "prune", "copy_device", "back_up_device", "restore_device", "torn_write", "lying_fsync", "reuse_source", "back_up_server",
        "restore_server", "update_app", "rebuild"};
    return names[static_cast<std::size_t>(what)];
}

/// How often each deed happens, in relation to the others; 0: never.
class deed_weights {
public:
    /// Mostly work, of every fault now and then.
    deed_weights() {
        weight_.fill(6);
        set(deed::edit, 170).set(deed::server_edit, 40).set(deed::decide, 25).set(deed::proceed, 560).set(deed::deliver_any, 60).set(deed::look, 15);
        set(deed::lose_request, 14).set(deed::lose_answer, 20).set(deed::duplicate, 25).set(deed::time_out, 10);
        set(deed::cut_out, 3).set(deed::cut_in, 3).set(deed::cut, 3).set(deed::heal, 30);
        set(deed::crash, 8).set(deed::crash_in_call, 14).set(deed::crash_server_in_call, 10).set(deed::store_locked, 10).set(deed::server_locked, 10);
        set(deed::truncate, 3).set(deed::corrupt, 3);
        set(deed::copy_device, 1).set(deed::reuse_source, 1).set(deed::restore_device, 2).set(deed::back_up_device, 3).set(deed::lying_fsync, 2);
        set(deed::back_up_server, 2).set(deed::restore_server, 1).set(deed::rebuild, 1);
    }
    deed_weights& set(deed what, std::uint32_t weight) {
        weight_[static_cast<std::size_t>(what)] = weight;
        return *this;
    }
    /// No faults at all, but those of @p but.
    deed_weights& faultless_but(std::initializer_list<deed> but = {}) {
        const auto kept = weight_;
        for (std::size_t i = static_cast<std::size_t>(deed::lose_request); i < deeds; ++i) weight_[i] = 0;
        for (const deed d : but) weight_[static_cast<std::size_t>(d)] = kept[static_cast<std::size_t>(d)];
        return *this;
    }
    [[nodiscard]] std::uint32_t of(deed what) const { return weight_[static_cast<std::size_t>(what)]; }

    /// Draws one. At least one weight must not be 0.
    [[nodiscard]] deed draw(seeded_random& random) const {
        std::uint64_t all = 0;
        for (const auto w : weight_) all += w;
        std::uint64_t x = random.below(all);
        for (std::size_t i = 0; i < deeds; ++i) {
            if (x < weight_[i]) return static_cast<deed>(i);
            x -= weight_[i];
        }
        return deed::proceed;
    }

private:
    std::array<std::uint32_t, deeds> weight_{};
};

/// A deed, at which device, and what else there is to choose. Where it makes no sense when its turn comes, it does nothing: what is left out of
/// a script does not change what the rest means, as far as that is possible.
struct event {
    deed what = deed::proceed;
    std::uint8_t who = 0;
    std::uint32_t die = 0;

    friend bool operator==(const event&, const event&) = default;
};

/// A whole run: what a seed decides before the first step, and what happens then.
struct script {
    std::uint64_t seed = 0;
    std::vector<event> events;

    /// The script of @p seed, with @p count events.
    [[nodiscard]] static script of(std::uint64_t seed, std::size_t count, const deed_weights& weights) {
        script out{seed, {}};
        out.events.reserve(count);
        seeded_random random{seed * 2 + 1};
        for (std::size_t i = 0; i < count; ++i) {
            const deed what = weights.draw(random);
            const auto x = random.next();
            out.events.push_back({what, static_cast<std::uint8_t>(x >> 56), static_cast<std::uint32_t>(x)});
        }
        return out;
    }
    friend bool operator==(const script&, const script&) = default;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
