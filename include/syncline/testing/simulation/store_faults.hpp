#ifndef SYNCLINE_TESTING_SIMULATION_STORE_FAULTS_HPP
#define SYNCLINE_TESTING_SIMULATION_STORE_FAULTS_HPP

#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/storage/call_decision.hpp>

#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What can happen to one store, shared by the store, its transactions and whoever makes it happen. Of a store whose power is gone every call
/// fails: the engine over it is thrown away, and another one built over what is durable. What was not committed never happened.
class store_faults {
public:
    /// Power goes at the @p calls-th call from now on. Should that be a commit, then after it took effect when @p after_commit.
    void arm(std::uint64_t calls, bool after_commit) {
        left_ = calls;
        after_commit_ = after_commit;
    }
    /// The next transaction is refused once, as if another process held the store.
    void refuse_once() { refuse_ = true; }
    /// The @p calls-th call from now on fails once with @p code and does nothing; later ones work again.
    void fail_once(std::uint64_t calls, errc code) {
        until_fault_ = calls;
        code_ = code;
    }
    /// The @p calls-th call from now on finds no memory: it throws `std::bad_alloc`. Without exceptions nothing happens.
    void exhaust_after(std::uint64_t calls) { until_exhausted_ = calls; }
    /// Power goes in the midst of the @p commits-th commit from now on, when the store has written all of it: how much of that is on the medium is for
    /// others to say. It counts as none of `commits()`. @param before  called just before that commit
    void tear(std::uint64_t commits, std::function<void()> before) {
        until_torn_ = commits;
        before_torn_ = std::move(before);
    }
    /// Whether power went in the midst of a commit.
    [[nodiscard]] bool is_torn() const { return blown_ && torn_; }
    /// Runs @p f, which calls the store.
    /// @return whether it came to its end: false where it found no memory
    template <class F>
    [[nodiscard]] static bool survives(F f) {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
        try {
            f();
        } catch (const std::bad_alloc&) {
            return false;
        }
#else
        f();
#endif
        return true;
    }
    [[nodiscard]] bool blown() const { return blown_; }
    /// Whether a transaction was refused, or a call failed once, since this was asked last.
    [[nodiscard]] bool was_refused() { return std::exchange(refused_, false); }
    [[nodiscard]] std::uint64_t commits() const { return commits_; }
    /// Power is back, and nothing is to happen any more.
    void replace() {
        blown_ = false;
        left_ = 0;
        refuse_ = false;
        until_fault_ = until_exhausted_ = until_torn_ = 0;
        torn_ = false;
    }
    /// Called before a transaction begins: what others do between two transactions of one engine call.
    std::function<void()> between;

    /// What becomes of a call within a transaction (`failing_replica_store`).
    [[nodiscard]] std::optional<fault> decide(call_moment now) {
        const bool was_blown = blown_;
        switch (now) {
        case call_moment::before:
            if (burns()) return gone();
            break;
        case call_moment::before_commit:
            if (burns() && (was_blown || !after_commit_)) return gone();
            if (fails()) return failed();
            torn_ = until_torn_ != 0 && --until_torn_ == 0;
            if (torn_) before_torn_();
            return std::nullopt;
        case call_moment::after: return std::nullopt;
        case call_moment::after_commit:
            if (torn_) {
                blown_ = true;
                return gone();
            }
            ++commits_;
            return blown_ ? std::optional<fault>{gone()} : std::nullopt;
        }
        return fails() ? std::optional<fault>{failed()} : std::nullopt;
    }
    /// Runs @p f, which begins a transaction, unless something happens to it.
    template <class F>
    auto begin(F f) -> decltype(f()) {
        if (burns()) return gone();
        if (fails()) return failed();
        if (std::exchange(refuse_, false)) {
            refused_ = true;
            return fault{errc::busy, "simulated: another process holds the store"};
        }
        if (between) between();
        return f();
    }

private:
    bool burns() {
        if (!blown_ && left_ != 0 && --left_ == 0) blown_ = true;
        return blown_;
    }
    bool fails() {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
        if (until_exhausted_ != 0 && --until_exhausted_ == 0) throw std::bad_alloc{};
#endif
        if (until_fault_ == 0 || --until_fault_ != 0) return false;
        return refused_ = true;
    }
    static fault gone() { return {errc::io_error, "simulated: the power is gone"}; }
    [[nodiscard]] fault failed() const { return {code_, "simulated: the store failed"}; }

    std::uint64_t left_ = 0;
    std::uint64_t until_fault_ = 0;
    std::uint64_t until_exhausted_ = 0;
    std::uint64_t until_torn_ = 0;
    std::function<void()> before_torn_;
    std::uint64_t commits_ = 0;
    errc code_ = errc::io_error;
    bool after_commit_ = false;
    bool blown_ = false;
    bool torn_ = false;
    bool refuse_ = false;
    bool refused_ = false;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
