#ifndef SYNCLINE_TESTING_VERDICT_HPP
#define SYNCLINE_TESTING_VERDICT_HPP

#include <syncline/support/version.hpp>
#include <syncline/testing/report.hpp>

#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What a check has to say: it holds, or these are the reasons why it does not. Belongs to no test framework, and suits each: it is true
/// where it holds, and where a framework prints what is not true (`CHECK(same_rows(a, b))`), it prints the reasons.
class [[nodiscard]] verdict {
public:
    /// One that holds, as long as nothing is found.
    verdict() = default;
    /// One that does not, for the one reason @p why.
    [[nodiscard]] static verdict because(std::string why) {
        verdict out;
        out.find(std::move(why));
        return out;
    }

    [[nodiscard]] explicit operator bool() const noexcept { return findings_.empty(); }
    [[nodiscard]] bool holds() const noexcept { return findings_.empty(); }

    /// Adds a reason why it does not hold.
    void find(std::string what) { findings_.push_back(std::move(what)); }
    /// Adds the reasons of @p other, each behind @p where.
    void add(const verdict& other, std::string_view where = {}) {
        for (const auto& what : other.findings_) findings_.push_back(where.empty() ? what : std::string(where) + ": " + what);
    }

    /// The reasons, in the order of finding.
    [[nodiscard]] const std::vector<std::string>& findings() const noexcept { return findings_; }
    /// Whether one of the reasons contains @p part.
    [[nodiscard]] bool says(std::string_view part) const noexcept {
        for (const auto& what : findings_)
            if (what.find(part) != std::string::npos) return true;
        return false;
    }
    /// A line for each reason; `holds` where there is none.
    [[nodiscard]] std::string text() const {
        if (findings_.empty()) return "holds";
        std::string out;
        for (const auto& what : findings_) out.append(out.empty() ? "" : "\n").append(what);
        return out;
    }

    /// For test frameworks, which print what they compare.
    template <class Character, class Traits>
    friend std::basic_ostream<Character, Traits>& operator<<(std::basic_ostream<Character, Traits>& to, const verdict& v) {
        return to << v.text();
    }

private:
    std::vector<std::string> findings_;
};

/// Whether the kit that wrote @p to found nothing, with its text where it did.
[[nodiscard]] inline verdict passed(const report& to) { return to.passed() ? verdict{} : verdict::because(to.text()); }

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
