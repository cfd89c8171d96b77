#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_PLAN_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_PLAN_HPP

// What is to go wrong, and where. Points are the places at which something can: the calls that our headers make of SQLite (calls.hpp), and those that
// SQLite makes of the file system (files.hpp). Both number them from 1 while a plan is in force, so that every single one can be chosen.

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <unistd.h>

namespace faults {

/// The two layers in which something can go wrong.
enum class layer : std::uint8_t { calls, files };

/// What a call of SQLite does, as far as it decides how the call can fail.
enum class call : std::uint8_t { run, prepare, open, bind, read, describe };

/// The exit code of a process that died where it was told to.
inline constexpr int died = 99;

/// The one plan of this process. It is in force from `count`, `fail`, `die` or `limit` until `end`; without one everything works.
class plan {
public:
    static plan& current() {
        static plan only;
        return only;
    }

    /// Nothing fails; points are numbered.
    void count() { begin(mode::count); }
    /// The @p at-th point of @p where is answered by an error instead of being carried out; with @p lasting every later one as well. Then only what
    /// can change something is a point: from whatever is before it on, all failing comes to the same.
    /// @param turn  chooses among the errors that the point can have
    void fail(layer where, std::uint64_t at, std::uint64_t turn, bool lasting) {
        begin(mode::fail);
        where_ = where;
        at_ = at;
        turn_ = turn;
        lasting_ = lasting;
    }
    /// The process ends just before the @p at-th change of a file; with @p torn after half of its bytes.
    void die(std::uint64_t at, bool torn) {
        begin(mode::die);
        at_ = at;
        torn_ = torn;
    }
    /// Files may grow by @p room bytes together.
    void limit(std::int64_t room) {
        begin(mode::limit);
        room_ = room;
    }
    /// Everything works again. @return whether anything failed
    bool end() {
        mode_ = mode::none;
        return hit_;
    }

    /// Whether an operation is being tried without faults.
    [[nodiscard]] bool counts() const { return mode_ == mode::count; }
    [[nodiscard]] std::uint64_t points(layer where) const { return where == layer::calls ? calls_ : files_; }
    /// The changes of files so far: for each whether half of it may be left by a dying process.
    [[nodiscard]] const std::vector<bool>& changes() const { return changes_; }
    /// A call of SQLite comes to its point. @return `SQLITE_OK`: go on; or what to answer
    int at_call(call what) {
        if (mode_ == mode::none) return SQLITE_OK;
        const bool changes = what == call::run || what == call::open;
        if (!strikes(layer::calls, changes, calls_)) return SQLITE_OK;
        switch (what) {
        case call::run: return pick({SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_BUSY, SQLITE_NOMEM});
        case call::prepare: return pick({SQLITE_NOMEM, SQLITE_BUSY, SQLITE_IOERR_READ, SQLITE_NOMEM});
        case call::open: return pick({SQLITE_CANTOPEN, SQLITE_NOMEM, SQLITE_IOERR, SQLITE_CANTOPEN});
        case call::bind:
        case call::read: return SQLITE_NOMEM;
        case call::describe: return pick({SQLITE_NOMEM, SQLITE_IOERR_READ, SQLITE_NOMEM, SQLITE_BUSY});
        }
        return SQLITE_NOMEM;
    }

    /// A call of the file system comes to its point, which can fail by @p one or @p other.
    int at_file(int one, int other) { return at_file(true, one, other); }
    /// The same for a call that changes nothing.
    int at_look(int bad) { return at_file(false, bad, bad); }

    /// A file is about to be changed. @param may_tear  whether SQLite promises to stand half of it
    /// @return whether to change half of it and then call `fall`
    bool at_change(bool may_tear) {
        if (mode_ != mode::count && mode_ != mode::die) return false;
        changes_.push_back(may_tear);
        if (mode_ != mode::die || changes_.size() != at_) return false;
        if (!torn_) fall();
        return true;
    }
    [[noreturn]] static void fall() { ::_exit(died); }

    /// A file is about to grow by @p bytes (to shrink, where negative). @return whether there is room
    bool at_growth(std::int64_t bytes) {
        if (mode_ != mode::limit) return true;
        if (bytes > room_) {
            hit_ = true;
            return false;
        }
        room_ -= bytes;
        return true;
    }
    [[nodiscard]] bool limits() const { return mode_ == mode::limit; }

private:
    enum class mode : std::uint8_t { none, count, fail, die, limit };

    void begin(mode m) {
        *this = plan{};
        mode_ = m;
    }
    int at_file(bool changes, int one, int other) {
        if (mode_ == mode::none || !strikes(layer::files, changes, files_)) return SQLITE_OK;
        return turn_ % 2 == 0 ? one : other;
    }
    bool strikes(layer where, bool changes, std::uint64_t& points) {
        if (!lasting_ || changes) ++points;
        if (mode_ != mode::fail || where_ != where) return false;
        const bool strikes = lasting_ ? points >= at_ : points == at_;
        hit_ = hit_ || strikes;
        return strikes;
    }
    [[nodiscard]] int pick(const int (&codes)[4]) const { return codes[turn_ % 4]; }

    mode mode_ = mode::none;
    layer where_ = layer::calls;
    bool lasting_ = false;
    bool torn_ = false;
    bool hit_ = false;
    std::uint64_t at_ = 0;
    std::uint64_t turn_ = 0;
    std::int64_t room_ = 0;
    std::uint64_t calls_ = 0;
    std::uint64_t files_ = 0;
    std::vector<bool> changes_;
};

}  // namespace faults

#endif
