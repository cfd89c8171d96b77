#ifndef SYNCLINE_TESTING_REPORT_HPP
#define SYNCLINE_TESTING_REPORT_HPP

#include <syncline/support/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What a kit has to say of one clause of a contract.
struct clause_report {
    /// Its short name in the contract: `S3`, `push.5.2`.
    std::string name;
    /// What it asks, as a sentence.
    std::string asks;
    /// How often something was checked for it.
    std::size_t checks = 0;
    /// What was found to break it, in the order of finding; no more than `report::kept_findings` of them.
    std::vector<std::string> findings;
    /// How many there were in all.
    std::size_t found = 0;
    /// Why it was not checked; empty where it was.
    std::string skipped;
};

/// What the kits of `testing/` write to: clause by clause, what was checked and what was found. It belongs to no test framework; a test
/// asserts `passed()` and shows `text()`. Not for several threads at once.
class report {
public:
    /// A clause that is broken is mostly broken many times; more than these tell nothing new.
    static constexpr std::size_t kept_findings = 5;

    /// What follows is about the clause @p name, which asks @p asks; a clause may be begun again and goes on then. O(clauses).
    void begin(std::string_view name, std::string_view asks) {
        for (std::size_t i = 0; i < clauses_.size(); ++i)
            if (clauses_[i].name == name) {
                at_ = i;
                return;
            }
        at_ = clauses_.size();
        clauses_.push_back({std::string(name), std::string(asks), 0, {}, 0, {}});
    }

    /// Counts a check of the clause that was begun.
    /// @param what what is wrong if it does not hold, for the person who has to mend it
    /// @return @p holds
    bool expect(bool holds, std::string_view what) {
        auto& clause = current();
        ++clause.checks;
        if (!holds) {
            ++clause.found;
            if (clause.findings.size() < kept_findings) clause.findings.emplace_back(what);
        }
        return holds;
    }

    /// Says why the clause that was begun is not checked: the adapter does not offer what it is about.
    void skip(std::string_view why) { current().skipped = std::string(why); }

    [[nodiscard]] const std::vector<clause_report>& clauses() const noexcept { return clauses_; }

    /// The clause @p name; nullptr where it was never begun.
    [[nodiscard]] const clause_report* find(std::string_view name) const noexcept {
        for (const auto& clause : clauses_)
            if (clause.name == name) return &clause;
        return nullptr;
    }

    /// Whether something was checked and nothing was found. A clause that was begun and neither checked nor skipped counts as broken: a
    /// kit that checks nothing must not pass.
    [[nodiscard]] bool passed() const noexcept {
        for (const auto& clause : clauses_)
            if (!kept(clause)) return false;
        return !clauses_.empty();
    }

    /// The names of the clauses that are broken, in their order.
    [[nodiscard]] std::vector<std::string> broken() const {
        std::vector<std::string> names;
        for (const auto& clause : clauses_)
            if (!kept(clause)) names.push_back(clause.name);
        return names;
    }

    /// A line for each clause, below it what was found, and a line that sums up.
    [[nodiscard]] std::string text() const {
        std::string out;
        std::size_t checks = 0;
        for (const auto& clause : clauses_) {
            checks += clause.checks;
            out += !clause.skipped.empty() ? "skipped " : kept(clause) ? "ok      " : "BROKEN  ";
            out += clause.name + ": " + clause.asks + "\n";
            if (!clause.skipped.empty()) out += "          " + clause.skipped + "\n";
            if (clause.skipped.empty() && clause.checks == 0) out += "          nothing was checked\n";
            for (const auto& finding : clause.findings) out += "          " + finding + "\n";
            if (clause.found > clause.findings.size())
                out += "          and " + std::to_string(clause.found - clause.findings.size()) + " more\n";
        }
        return out + std::to_string(clauses_.size()) + " clauses, " + std::to_string(checks) + " checks, " +
               std::to_string(broken().size()) + " broken\n";
    }

private:
    [[nodiscard]] static bool kept(const clause_report& clause) noexcept {
        return clause.found == 0 && (clause.checks > 0 || !clause.skipped.empty());
    }

    [[nodiscard]] clause_report& current() {
        if (clauses_.empty()) begin("kit", "a clause is begun before anything is checked");
        return clauses_[at_];
    }

    std::vector<clause_report> clauses_;
    std::size_t at_ = 0;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
