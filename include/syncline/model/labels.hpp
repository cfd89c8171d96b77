#ifndef SYNCLINE_MODEL_LABELS_HPP
#define SYNCLINE_MODEL_LABELS_HPP

#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A set of labels: the buckets that a record lies in, or those that a principal is granted. Sorted by octets, each once.
class label_set {
public:
    label_set() = default;
    label_set(std::initializer_list<std::string> labels) : label_set(std::vector<std::string>(labels)) {}
    explicit label_set(std::vector<std::string> labels) : items_(std::move(labels)) {
        std::sort(items_.begin(), items_.end());
        items_.erase(std::unique(items_.begin(), items_.end()), items_.end());
    }

    [[nodiscard]] bool contains(std::string_view label) const { return std::binary_search(items_.begin(), items_.end(), label); }
    [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] auto begin() const noexcept { return items_.begin(); }
    [[nodiscard]] auto end() const noexcept { return items_.end(); }

    /// Whether both have a label. Linear in both.
    [[nodiscard]] bool meets(const label_set& other) const {
        for (auto a = items_.begin(), b = other.items_.begin(); a != items_.end() && b != other.items_.end();) {
            if (*a == *b) return true;
            *a < *b ? ++a : ++b;
        }
        return false;
    }
    /// Whether every label of this one is in @p other.
    [[nodiscard]] bool within(const label_set& other) const {
        return std::includes(other.items_.begin(), other.items_.end(), items_.begin(), items_.end());
    }

    /// What is in @p a, or @p b, or both.
    [[nodiscard]] friend label_set united(const label_set& a, const label_set& b) {
        label_set out;
        std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out.items_));
        return out;
    }
    /// What is in both.
    [[nodiscard]] friend label_set common(const label_set& a, const label_set& b) {
        label_set out;
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out.items_));
        return out;
    }
    /// What is in @p a and not in @p b.
    [[nodiscard]] friend label_set without(const label_set& a, const label_set& b) {
        label_set out;
        std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out.items_));
        return out;
    }

    friend bool operator==(const label_set&, const label_set&) = default;
    friend auto operator<=>(const label_set&, const label_set&) = default;

private:
    std::vector<std::string> items_;
};

/// Who may see a record: whoever is granted a label of each set. One set is the record's own, the others are those of everything that
/// it refers to, since a record is visible only when all of that is. Without any set the whole tenant sees it; an empty set is met by nobody.
class audience {
public:
    /// Demands one of @p labels too.
    void require(label_set labels) {
        const auto at = std::lower_bound(needs_.begin(), needs_.end(), labels);
        if (at == needs_.end() || *at != labels) needs_.insert(at, std::move(labels));
    }
    [[nodiscard]] bool admits(const label_set& granted) const {
        return std::all_of(needs_.begin(), needs_.end(), [&](const label_set& s) { return s.meets(granted); });
    }
    /// The sets, sorted.
    [[nodiscard]] const std::vector<label_set>& needs() const noexcept { return needs_; }
    /// Every label of every set.
    [[nodiscard]] label_set labels() const {
        label_set out;
        for (const auto& s : needs_) out = united(out, s);
        return out;
    }

    friend bool operator==(const audience&, const audience&) = default;

private:
    std::vector<label_set> needs_;
};

/// Writes @p labels.
inline void put_labels(byte_writer& w, const label_set& labels) {
    w.number(labels.size());
    for (const auto& label : labels) w.text(label);
}
/// Reads what `put_labels` wrote.
[[nodiscard]] inline label_set get_labels(byte_reader& in) {
    std::vector<std::string> out;
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && !in.failed(); ++i) out.push_back(in.text());
    return label_set{std::move(out)};
}

/// The binary form of @p who.
[[nodiscard]] inline std::string encode_audience(const audience& who) {
    std::string out;
    byte_writer w{out};
    w.number(who.needs().size());
    for (const auto& labels : who.needs()) put_labels(w, labels);
    return out;
}

/// Reads `encode_audience`'s form. @return `errc::corrupt` when it is not of that form
[[nodiscard]] inline result<audience> decode_audience(std::string_view bytes) {
    byte_reader in{bytes};
    audience out;
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count && !in.failed(); ++i) out.require(get_labels(in));
    if (!in.at_end()) return make_fault(errc::corrupt, "stored labels do not decode; the bookkeeping tables were changed or damaged");
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
