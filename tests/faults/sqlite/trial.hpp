#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_TRIAL_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_TRIAL_HPP

// One operation of a program, tried with a fault at every point there is. What must hold each time:
//
// - The operation succeeded, or reported a fault of the category that says: try again.
// - The file then holds the state before the operation, or the state after it; or one of the states in between, where an operation is documented to
//   be several transactions. An operation that succeeded is not in the state before.
// - Repeated without faults, by the same objects or by a program that was started anew, it ends in exactly the state of a run without any fault:
//   every row of every table, the app's and ours. So nothing was lost and nothing was done twice.
//
// Where a fault left the state before as it was, the next fault is tried on that state right away, by the same objects: the end of the chain, which
// meets no fault, shows for all of them that it goes on. States are compared whole, so each link begins where a run without faults begins.

#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/chance.hpp"
#include "faults/sqlite/durable.hpp"

#include <syncline/support/result.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace faults {

/// Every point, each time. A sanitizer makes SQLite's many small allocations several times as slow, and looks for something else: with it a
/// part of the points will do, which meets each way out of a function many times.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr std::uint64_t stride = 9;
#else
inline constexpr std::uint64_t stride = 1;
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t stride = 9;
#else
inline constexpr std::uint64_t stride = 1;
#endif

/// One operation of a @p Program, which is a class with
/// - `world`: its tables and models, and how it opens its store
/// - `Program(path, adopts)`: opens nothing; @p adopts: as an app that gives its own connection, where there is such a thing
/// - `create()`: makes the app's tables and rows in an empty file
/// - `attach()`: the first step of a program, which changes nothing where it was done before; again after a failure
/// - `cool()`: forgets what was read of the file, as far as that can be done
/// - `settled()`: throws where a connection is not as the app left it; to be called after an operation
/// - `check()`: starts, and throws where the state breaks an invariant
template <class Program>
struct scenario {
    std::string name;
    std::function<void(Program&)> prepare;             ///< from the tables to the state before
    std::function<result<void>(Program&)> operation;
    bool starts = false;                               ///< the operation starts the program itself
    std::vector<std::function<void(Program&)>> halfway{};  ///< each makes of the state before one that may stay in between
    std::optional<errc> when_done{};                   ///< what a repetition may answer where the operation has taken effect
    bool repeats = true;                               ///< false: a repetition would do it again
    typename Program::world_type world{};              ///< in which the operation runs; the one before may begin in another
    compared_rows only{};                              ///< where a repetition may leave other rows in a table of ours: which of them are compared
    bool seldom = false;                               ///< faults are injected in a campaign only; without faults it runs always
};

/// The same, in a campaign only: it takes long, and goes the same way as another for the most part.
template <class Program>
[[nodiscard]] scenario<Program> seldom(scenario<Program> what) {
    what.seldom = true;
    return what;
}

/// The same operations in another world.
template <class Program>
[[nodiscard]] std::vector<scenario<Program>> in_world(const typename Program::world_type& world, std::vector<scenario<Program>> all) {
    for (auto& s : all) s.world = world;
    return all;
}

template <class Program>
class trial {
public:
    explicit trial(const scenario<Program>& what) : what_(what) {
        INFO(what_.name);
        {
            auto p = made(false);
            chance::begin(0);
            p->create();
            what_.prepare(*p);
        }
        folder_.keep();
        before_ = durable();
        made(false)->check();
        for (const auto& part : what_.halfway) {
            folder_.put_back();
            chance::begin(1);
            part(*started());
            between_.push_back(durable());
            made(false)->check();
        }
        folder_.put_back();
        {
            auto p = started();
            plan::current().count();
            const auto done = attempt(*p);
            calls_ = plan::current().points(layer::calls);
            files_ = plan::current().points(layer::files);
            p->settled();
            p.reset();  // closing changes files too
            (void)plan::current().end();
            lab_must(done);
            changes_ = plan::current().changes();
        }
        after_ = durable();
        again_ = after_;
        if (what_.repeats) {
            auto p = started();
            const auto done = attempt(*p);
            if (done || what_.when_done != done.error().code) lab_must(done);
            p.reset();
            again_ = durable();
        }
        made(false)->check();
        CHECK(calls_ > 0);
        CHECK(files_ > 0);
        std::printf("%-34s %5llu calls, %4llu of the file system, %4zu changes of files\n", what_.name.c_str(), static_cast<unsigned long long>(calls_),
                    static_cast<unsigned long long>(files_), changes_.size());
    }

    /// Fails every point of @p where, one run each. The errors that a point can have take turns from point to point.
    /// @param lasting  with every later point as well, until the program is started anew; of the calls of SQLite every second time until the
    ///                 operation has given up, and the same program goes on. Otherwise once, and the same program goes on.
    void fail_each(layer where, bool lasting) {
        // An observer would hold the file open and keep the next start from recovering what a dying program left in it.
        const bool alone = lasting && where == layer::files;
        folder_.put_back();
        std::optional<observer> eye;
        std::unique_ptr<Program> p;
        std::string now;
        for (std::uint64_t n = 1;; n += stride) {
            if (!p) p = started(!alone);
            if (!eye && !alone) eye.emplace(folder_.database());
            p->cool();
            plan::current().fail(where, n, lasting ? n + 1 : n, lasting);
            const auto done = attempt(*p);
            if (alone || (lasting && n % 2 == 0)) p.reset();  // it dies among the failures
            const bool hit = plan::current().end();
            ++trials_;
            const std::string at = point(where == layer::calls ? "call" : "file system", n);
            if (alone && folder_.is_as_kept()) {
                now = before_;
            } else {
                if (!eye) eye.emplace(folder_.database());
                if (eye->has_changed()) now = eye->all(what_.only);
                // A rollback may have been among what failed; the next operation makes up for it.
                if (!lasting || !p) expect(eye->can_write(), at, "the write lock is still held");
            }
            if (!hit) {
                expect(done.has_value(), at, "no fault, but it failed", done);
                expect(now == after_, at, "no fault, but not the state after: " + difference(after_, now));
                break;
            }
            judge(done, now, at);
            if (p && done) settled(*p, at);
            if (now == before_ && (!done || before_ == after_)) {
                if (alone) eye.reset();
                continue;
            }
            // It took effect, or a part of it did.
            if (!p) p = started(!alone);
            if (!eye) eye.emplace(folder_.database());
            complete(*p, now, *eye, at);
            p.reset();
            eye.reset();
            folder_.put_back();
        }
        CHECK(problems_ == 0);
    }

    /// Ends the process just before every change of a file, and in the middle of those that SQLite promises to stand. The next process starts on
    /// what the dead one left.
    void die_at_each() {
        folder_.put_back();
        for (std::uint64_t n = 1; n <= changes_.size(); n += stride)
            for (const bool torn : {false, true}) {
                if (torn && !changes_[n - 1]) continue;
                ++trials_;
                const std::string at = point(torn ? "death in the middle of change" : "death before change", n);
                const int code = in_child([&] {
                    auto p = started();
                    plan::current().die(n, torn);
                    const auto done = attempt(*p);
                    p.reset();
                    (void)plan::current().end();
                    return done ? 0 : 1;
                });
                expect(code == died, at, "the process ended with " + std::to_string(code));
                next_start(at);
            }
        CHECK(problems_ == 0);
    }

    /// Lets the files grow by one page more each time, from none to what the operation needs.
    void fill_at_each_page() {
        constexpr std::int64_t page = 4096;
        for (std::int64_t room = 0;; room += page * static_cast<std::int64_t>(stride)) {
            folder_.put_back();
            ++trials_;
            const std::string at = point("pages of room", static_cast<std::uint64_t>(room / page));
            auto p = started();
            plan::current().limit(room);
            const auto done = attempt(*p);
            const bool hit = plan::current().end();
            observer eye{folder_.database()};
            const std::string now = eye.all(what_.only);
            judge(done, now, at);
            if (!done) expect(done.error().code == errc::storage_full, at, "a full disk is not called so", done);
            expect(eye.can_write(), at, "the write lock is still held");
            complete(*p, now, eye, at);
            if (!hit) break;
        }
        CHECK(problems_ == 0);
    }

    /// Runs it while another connection writes, and while one has the file for itself.
    void meet_locks() {
        {
            folder_.put_back();
            ++trials_;
            auto p = started();
            observer eye{folder_.database()};
            auto other = lab_must(sqlite_database::open(folder_.database()));
            lab_must(other.execute("BEGIN IMMEDIATE; CREATE TABLE uncommitted(x); INSERT INTO uncommitted VALUES(1)"));
            const auto done = attempt(*p);
            const std::string now = eye.all(what_.only);
            const std::string at = point("another connection writes", 0);
            if (done) expect(!what_.starts, at, "it succeeded");
            else expect(done.error().code == errc::busy, at, "a lock is not called busy", done);
            expect(now == before_, at, "something changed under another's lock: " + difference(before_, now));
            lab_must(other.execute("ROLLBACK"));
            complete(*p, now, eye, at);
        }
        {
            folder_.put_back();
            ++trials_;
            const std::string at = point("another connection has the file for itself", 0);
            auto p = made(false);
            {
                auto other = lab_must(sqlite_database::open(folder_.database()));
                lab_must(other.execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE uncommitted(x); INSERT INTO uncommitted VALUES(1)"));
                const auto done = what_.starts ? attempt(*p) : p->attach();
                expect(!done && done.error().code == errc::busy, at, "a lock is not called busy", done);
            }
            observer eye{folder_.database()};
            const std::string now = eye.all(what_.only);
            expect(now == before_, at, "something changed under another's lock: " + difference(before_, now));
            if (!what_.starts) lab_must(p->attach());
            complete(*p, now, eye, at);
        }
        CHECK(problems_ == 0);
        if (what_.starts) return;  // it may have to change the file's mode, which wants to be alone
        folder_.put_back();
        ++trials_;
        auto p = started();
        observer reader{folder_.database()};
        lab_must(reader.db().execute("BEGIN"));
        const std::string seen = reader.all(what_.only);
        const auto done = attempt(*p);
        const std::string at = point("another connection reads", 0);
        expect(done.has_value(), at, "a reader is in the way", done);
        expect(reader.all(what_.only) == seen, at, "a reader's picture changed under it");
        lab_must(reader.db().execute("COMMIT"));
        const std::string now = reader.all(what_.only);
        expect(now == after_, at, "not the state after: " + difference(after_, now));
        CHECK(problems_ == 0);
    }

    /// All of them, one after the other.
    void try_everything() {
        INFO(what_.name);
        for (const layer where : {layer::calls, layer::files})
            for (const bool lasting : {false, true}) fail_each(where, lasting);
        die_at_each();
        fill_at_each_page();
        meet_locks();
    }

    [[nodiscard]] std::uint64_t trials() const { return trials_; }

private:
    [[nodiscard]] std::string durable() const { return observer{folder_.database()}.all(what_.only); }
    [[nodiscard]] std::unique_ptr<Program> made(bool adopts) const {
        auto p = std::make_unique<Program>(folder_.database(), adopts);
        p->world = what_.world;
        return p;
    }
    [[nodiscard]] std::unique_ptr<Program> started(bool adopts = false) const {
        auto p = made(adopts);
        if (!what_.starts) lab_must(p->attach());
        return p;
    }
    [[nodiscard]] result<void> attempt(Program& p) const {
        chance::begin(1);
        return what_.operation(p);
    }

    // The answer and the state that it left.
    void judge(const result<void>& done, const std::string& now, const std::string& at) {
        const bool partly = std::find(between_.begin(), between_.end(), now) != between_.end();
        if (done) {
            expect(now == after_ || partly, at, "it succeeded, and the state is not the one after: " + difference(after_, now));
            return;
        }
        expect(category_of(done.error().code) == fault_category::retry, at, "a failing disk is called something else", done);
        expect(now == before_ || now == after_ || partly, at, partly || now == before_ || now == after_ ? std::string{} : "a part of it stayed: " + from_the_nearest(now));
    }
    // How @p now differs from the state that it is most like.
    [[nodiscard]] std::string from_the_nearest(const std::string& now) const {
        std::string out = difference(before_, now);
        for (const auto& state : between_)
            if (auto other = difference(state, now); other.size() < out.size()) out = std::move(other);
        if (auto other = difference(after_, now); other.size() < out.size()) out = std::move(other);
        return out;
    }
    void settled(Program& p, const std::string& at) {
        try {
            p.settled();
        } catch (const std::exception& e) {
            expect(false, at, e.what());
        }
    }
    // Repeats the operation until it is done, and looks whether all is as without a fault.
    void complete(Program& p, const std::string& now, observer& eye, const std::string& at) {
        if (what_.repeats || now != after_) {
            const auto done = attempt(p);
            const bool known = !done && now == after_ && what_.when_done == done.error().code;
            expect(done.has_value() || known, at, "it cannot be repeated", done);
        }
        settled(p, at);
        const std::string end = eye.all(what_.only);
        const std::string& same = now == after_ ? again_ : after_;
        expect(eye.is_sound(), at, "the file is damaged");
        expect(end == same, at, "repeated, it ends otherwise than without a fault: " + difference(same, end));
    }
    // A program finds what another one left. Where that is the state before, the next one that dies starts from it.
    void next_start(const std::string& at) {
        if (folder_.is_as_kept()) return;
        {
            observer eye{folder_.database()};
            expect(eye.is_sound(), at, "the file is damaged");
            const std::string now = eye.all(what_.only);
            const bool partly = std::find(between_.begin(), between_.end(), now) != between_.end();
            expect(now == before_ || now == after_ || partly, at, partly || now == before_ || now == after_ ? std::string{} : "a part of it stayed: " + from_the_nearest(now));
            if (now == before_) return;
            auto p = started();
            complete(*p, now, eye, at);
        }
        folder_.put_back();
    }

    // Runs `f` in a process of its own. Nobody has a database open here: SQLite's connections do not survive a fork.
    template <class F>
    static int in_child(F f) {
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child < 0) throw std::runtime_error("cannot fork");
        if (child == 0) {
            int code = 97;
            try {
                code = f();
            } catch (const std::exception& e) {
                std::fprintf(stderr, "%s\n", e.what());
            }
            ::_exit(code);
        }
        int status = 0;
        if (::waitpid(child, &status, 0) != child) throw std::runtime_error("cannot wait for the child");
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    [[nodiscard]] std::string point(std::string_view kind, std::uint64_t n) const {
        std::string out{what_.name};
        return out.append(", ").append(kind).append(" ").append(std::to_string(n)).append(": ");
    }
    // A scenario that is broken is broken at many points; the first few tell why.
    void expect(bool holds, const std::string& at, const std::string& otherwise) {
        if (holds || ++problems_ > 3) return;
        FAIL_CHECK(at << otherwise);
    }
    void expect(bool holds, const std::string& at, const std::string& otherwise, const result<void>& done) {
        if (holds) return;
        expect(false, at, otherwise + (done ? std::string{} : std::string{": "}.append(name_of(done.error().code)).append(": ").append(done.error().detail)));
    }

    scenario<Program> what_;
    folder folder_;
    std::string before_;
    std::string after_;
    std::string again_;  ///< after it was done once more, which does no more than to take in what the app did, if that
    std::vector<std::string> between_;
    std::uint64_t calls_ = 0;
    std::uint64_t files_ = 0;
    std::vector<bool> changes_;
    std::uint64_t trials_ = 0;
    std::uint64_t problems_ = 0;
};

/// Tries each of @p all with everything that can go wrong; only in a campaign those that take long and go much the same way as others.
template <class Program>
void try_everything(const std::vector<scenario<Program>>& all) {
    for (const auto& what : all)
        if (!what.seldom || test_support::is_campaign()) trial<Program>{what}.try_everything();
}

}  // namespace faults

#endif
