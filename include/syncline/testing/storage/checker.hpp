#ifndef SYNCLINE_TESTING_STORAGE_CHECKER_HPP
#define SYNCLINE_TESTING_STORAGE_CHECKER_HPP

#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/clause.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/show.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// How much the storage conformance kit does.
struct storage_kit_options {
    /// The first seed of the random operations. A finding names the seed that it was found with: put it here, and `seeds` to 1.
    std::uint64_t first_seed = 1;
    /// How many seeds are tried.
    std::uint64_t seeds = 12;
    /// Only clauses whose names begin with this are checked: `S4.`, `S1.atomic`; empty: all.
    std::string only;
    /// The size of the large value, in octets.
    std::size_t large_value = std::size_t{1} << 20;
    /// How many rows one large transaction has.
    std::size_t many_rows = 2000;
};

namespace storage {

namespace detail {

template <class Found, class Wanted>
[[nodiscard]] bool are_same(const Found& found, const Wanted& wanted) {
    if constexpr (std::is_integral_v<Found> && std::is_integral_v<Wanted> && !std::is_same_v<Found, bool> && !std::is_same_v<Wanted, bool>)
        return std::cmp_equal(found, wanted);
    else return found == wanted;
}

// Of texts with many lines the line in which they part tells more than all of them.
[[nodiscard]] inline std::string first_difference(const std::string& expected, const std::string& found) {
    if (expected.find('\n') == std::string::npos && found.find('\n') == std::string::npos) return ": expected " + expected + ", found " + found;
    std::size_t begin = 0;
    std::size_t line = 1;
    for (std::size_t i = 0; i < expected.size() && i < found.size() && expected[i] == found[i]; ++i)
        if (expected[i] == '\n') {
            begin = i + 1;
            ++line;
        }
    const auto rest = [&](const std::string& text) {
        if (begin >= text.size()) return std::string("the end");
        return "`" + text.substr(begin, text.find('\n', begin) - begin) + "`";
    };
    return ": in line " + std::to_string(line) + " of it expected " + rest(expected) + ", found " + rest(found);
}

}  // namespace detail

/// What a clause of the storage kit checks with: it says what was expected and what was found, and where.
class checker {
public:
    checker(report& to, testing::clause& in) noexcept : report_(&to), clause_(&in) {}

    /// While it lives, findings begin with what it was made of.
    class place {
    public:
        place(checker& of, std::string_view where) : of_(&of), before_(of.where_.size()) { of.where_.append(where).append(": "); }
        place(const place&) = delete;
        place& operator=(const place&) = delete;
        ~place() { of_->where_.resize(before_); }

    private:
        checker* of_;
        std::size_t before_;
    };
    [[nodiscard]] place at(std::string_view where) { return place{*this, where}; }

    /// Says why the clause is not checked.
    void skip(std::string_view why) { report_->skip(why); }

    /// Notes @p finding, as it is.
    void note(std::string_view finding) { clause_->expect(false, told(finding, "")); }

    bool that(bool holds, std::string_view what) { return holds ? clause_->expect(true, what) : clause_->expect(false, told(what, " does not hold")); }
    /// As `that`, and ends the clause where it does not hold.
    void require(bool holds, std::string_view what) {
        if (holds) clause_->expect(true, what);
        else clause_->require(false, told(what, " does not hold"));
    }

    template <class Found, class Wanted>
    bool same(const Found& found, const Wanted& wanted, std::string_view what) {
        return detail::are_same(found, wanted) ? clause_->expect(true, what) : clause_->expect(false, difference(found, wanted, what));
    }
    /// As `same`, and ends the clause where they differ.
    template <class Found, class Wanted>
    void need_same(const Found& found, const Wanted& wanted, std::string_view what) {
        if (detail::are_same(found, wanted)) clause_->expect(true, what);
        else clause_->require(false, difference(found, wanted, what));
    }

    /// That an optional is empty, a flag is not set, or a result is a fault.
    template <class Found>
    bool none(const Found& found, std::string_view what) {
        if (!found) return clause_->expect(true, what);
        return clause_->expect(false, told(what, ": expected nothing, found " + detail::described(found)));
    }
    /// As `none`, and ends the clause where there is something.
    template <class Found>
    void need_none(const Found& found, std::string_view what) {
        if (!none(found, what)) clause_->require(false, told(what, ": what follows makes no sense with it"));
    }

    /// That @p r is the fault @p code.
    template <class T>
    bool refused(const result<T>& r, errc code, std::string_view what) {
        if (r.has_value()) return clause_->expect(false, told(what, ": expected the fault `" + std::string(name_of(code)) + "`, it succeeded"));
        if (r.error().code == code) return clause_->expect(true, what);
        return clause_->expect(false, told(what, ": expected the fault `" + std::string(name_of(code)) + "`, found `" + std::string(name_of(r.error().code)) +
                                                     "`: " + r.error().detail));
    }
    /// As `refused`, and ends the clause where it is not that fault.
    template <class T>
    void need_refused(const result<T>& r, errc code, std::string_view what) {
        if (!refused(r, code, what)) clause_->require(false, told(what, ": what follows makes no sense without the fault"));
    }
    /// The code of a result that must be a fault; ends the clause where it is none.
    template <class T>
    [[nodiscard]] errc fault_of(const result<T>& r, std::string_view what) {
        require(!r.has_value(), std::string(what) + " is refused");
        return r.error().code;
    }

    /// The value of @p r; where it is a fault, notes that and ends the clause.
    template <class T>
    T must(result<T> r, std::string_view what) {
        if (r.has_value()) clause_->expect(true, what);
        else failed(r.error(), what);
        if constexpr (!std::is_void_v<T>) return std::move(*r);
    }

    /// What an optional holds that must hold something; ends the clause where it is empty.
    template <class T>
    [[nodiscard]] T some(result<std::optional<T>> r, std::string_view what) {
        std::optional<T> found = must(std::move(r), what);
        if (!found) clause_->require(false, told(what, ": expected something, found nothing"));
        return *std::move(found);
    }

private:
    [[nodiscard]] std::string told(std::string_view what, std::string_view more) const { return std::string(where_).append(what).append(more); }
    template <class Found, class Wanted>
    [[nodiscard]] std::string difference(const Found& found, const Wanted& wanted, std::string_view what) const {
        const std::string expected = detail::described(wanted);
        const std::string got = detail::described(found);
        if (expected == got) return told(what, " is not what was expected");
        return told(what, detail::first_difference(expected, got));
    }
    void failed(const fault& why, std::string_view what) {
        clause_->require(false, told(what, " failed: " + std::string(name_of(why.code)) + ": " + why.detail));
    }

    report* report_;
    testing::clause* clause_;
    std::string where_;
};

/// A run of the kit: where it reports to, how much it does, and what makes a harness over a fresh store. Report and maker are the caller's and outlive it.
template <class Make>
class store_kit {
public:
    store_kit(report& to, Make& make, storage_kit_options how) noexcept : report_(&to), make_(&make), how_(std::move(how)) {}

    [[nodiscard]] const storage_kit_options& options() const noexcept { return how_; }

    /// Runs @p body as the clause @p name with a harness of its own: `body(harness&, checker&)`.
    template <class Body>
    void clause(std::string_view name, std::string_view asks, Body&& body) {
        if (name.substr(0, how_.only.size()) != how_.only) return;
        run_clause(*report_, name, asks, [&](testing::clause& in) {
            auto h = (*make_)();
            checker check(*report_, in);
            body(h, check);
        });
    }

private:
    report* report_;
    Make* make_;
    storage_kit_options how_;
};

template <class Store>
using transaction_of = typename std::remove_reference_t<Store>::transaction;

/// Runs @p work in a transaction of a replica's store and commits it.
template <class Store, class Work>
void committed(checker& check, Store& store, Work work) {
    auto t = check.must(store.begin(), "begin");
    work(t);
    check.must(t.commit(), "commit");
}
/// Runs @p work in a transaction of a replica's store and drops it.
template <class Store, class Work>
void dropped(checker& check, Store& store, Work work) {
    auto t = check.must(store.begin(), "begin");
    work(t);
}

/// Runs @p work in a write transaction of @p tenant and commits it.
template <class Harness, class Work>
void change_in(checker& check, Harness& h, const std::string& tenant, Work work) {
    auto t = check.must(h.store().begin(tenant, access::write), "begin");
    work(t);
    check.must(t.commit(), "commit");
}
/// Runs @p work in a snapshot of @p tenant.
template <class Harness, class Work>
void look_at(checker& check, Harness& h, const std::string& tenant, Work work) {
    auto t = check.must(h.store().begin(tenant, access::snapshot), "begin");
    work(t);
}

/// Installs the harness's trigger that turns the title "shout" into "SHOUT"; where it offers none, says that the clause is skipped.
template <class Harness>
[[nodiscard]] bool loud_trigger(Harness& h, checker& check) {
    if constexpr (requires { h.install_trigger(); }) {
        h.install_trigger();
        return true;
    } else {
        check.skip("the harness offers no `install_trigger`");
        return false;
    }
}

}  // namespace storage

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
