#ifndef SYNCLINE_STORAGE_DEVICE_VIEW_HPP
#define SYNCLINE_STORAGE_DEVICE_VIEW_HPP

#include <syncline/change/cursor.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A record's change of who may see it, from a stamp on.
struct audience_change {
    std::int64_t stamp = 0;
    std::optional<audience> before;  ///< nothing: it was never labelled
    audience after;

    friend bool operator==(const audience_change&, const audience_change&) = default;
};

/// How far the records with one label were looked through, after the label was gained or lost.
struct label_scan {
    std::string label;
    std::optional<record_key> at;  ///< the last record that was looked at
    bool done = false;

    friend bool operator==(const label_scan&, const label_scan&) = default;
};

/// What a device has once it has taken in the page that told it this cursor (ENGINE.md rule 7). Of what was changed up to `position` it
/// holds everything that `complete` shows, and nothing but what `possible` shows.
struct view_mark {
    cursor number = 0;             ///< the cursor, as the device presents it
    cursor position = 0;           ///< the stamp up to which changes were told
    cursor since = 0;              ///< the position when no change was left to tell: what changed since may be held as it was then
    std::optional<cursor> walk;    ///< the newest stamp when a walk from nothing began that has not come to its end
    label_set complete;
    label_set possible;
    label_set granted;             ///< what was granted when the page was made: what `scans` work towards
    std::vector<label_scan> scans; ///< of the labels that are in `possible` and not in `complete`; none: the device has just what is granted

    friend bool operator==(const view_mark&, const view_mark&) = default;
};

/// What an authority remembers of one device of a tenant with buckets.
struct device_view {
    std::string principal;
    std::string source;
    std::string rules;             ///< by which the records were labelled when it was told what it holds
    cursor newest = 0;             ///< the highest cursor that the device was given, or presented
    label_set pushed;              ///< under which its pushes were answered: it may hold records with these
    std::vector<view_mark> marks;  ///< by number

    friend bool operator==(const device_view&, const device_view&) = default;
};

/// The binary form of @p view without its names. Models go by name, since their numbers are a program's own.
[[nodiscard]] inline std::string encode_view(const schema_set& schemas, const device_view& view) {
    std::string out;
    byte_writer w{out};
    w.text(view.rules);
    w.signed_number(view.newest);
    put_labels(w, view.pushed);
    w.number(view.marks.size());
    for (const auto& m : view.marks) {
        w.signed_number(m.number);
        w.signed_number(m.position);
        w.signed_number(m.since);
        w.number(m.walk ? 1 : 0);
        if (m.walk) w.signed_number(*m.walk);
        put_labels(w, m.complete);
        put_labels(w, m.possible);
        put_labels(w, m.granted);
        w.number(m.scans.size());
        for (const auto& s : m.scans) {
            w.text(s.label);
            w.number(s.done ? 1 : 0);
            w.text(s.at ? schemas[s.at->model].name : std::string{});
            w.text(s.at ? s.at->key : std::string{});
        }
    }
    return out;
}

/// Reads `encode_view`'s form. A scan that stands in a model which is not registered starts again.
/// @return `errc::corrupt` when it is not of that form
[[nodiscard]] inline result<device_view> decode_view(const schema_set& schemas, std::string_view bytes) {
    byte_reader in{bytes};
    device_view out;
    out.rules = in.text();
    out.newest = in.signed_number();
    out.pushed = get_labels(in);
    for (std::uint64_t marks = in.number(); marks > 0 && !in.failed(); --marks) {
        view_mark m;
        m.number = in.signed_number();
        m.position = in.signed_number();
        m.since = in.signed_number();
        if (in.number() != 0) m.walk = in.signed_number();
        m.complete = get_labels(in);
        m.possible = get_labels(in);
        m.granted = get_labels(in);
        for (std::uint64_t scans = in.number(); scans > 0 && !in.failed(); --scans) {
            label_scan s;
            s.label = in.text();
            s.done = in.number() != 0;
            const auto model = schemas.find(in.text());
            std::string key = in.text();
            if (model) s.at = record_key{*model, std::move(key)};
            m.scans.push_back(std::move(s));
        }
        out.marks.push_back(std::move(m));
    }
    if (!in.at_end()) return make_fault(errc::corrupt, "what is remembered of a device does not decode; the bookkeeping tables were changed or damaged");
    return out;
}

/// The part of an authority's transaction that serves models with buckets; a tenant without any never calls it.
///
/// - V1  `relabel` makes @p who the audience of a record that `append` has told, and logs the change. A stamp above that of the record's last
///       change gives the record that place in the order of `latest_after` and `sealed`, without a new version, and raises the head's stamp.
/// - V2  What is logged above the floor's stamp is kept; an audience outlives pruning, as the last change does.
/// - V3  `drop_source` forgets the device's view too.
///
/// | expression | returns | meaning |
/// |---|---|---|
/// | `t.referring(k, n)` | `result<std::vector<record_key>>` | live records with any reference to k, at most n |
/// | `t.audience_of(k)` | `result<std::optional<audience>>` | who may see it; of a tombstone: who might when it went; nothing: it was never labelled |
/// | `t.relabel(k, stamp, who)` | `result<void>` | V1 |
/// | `t.audiences_since(k, stamp)` | `result<std::vector<audience_change>>` | those with a stamp above, ascending |
/// | `t.labelled(label, after, n)` | `result<std::vector<record_key>>` | records whose audience names the label, in an order of the store's own, after that one (nullptr: from the first), at most n |
/// | `t.labelled_by()` / `t.set_labelled_by(rules)` | `result<std::string>` / `result<void>` | by which rules the tenant's records are labelled; empty: none |
/// | `t.find_view(p, src)` / `t.put_view(v)` | `result<std::optional<device_view>>` / `result<void>` | by principal and source |
template <class T>
concept scoping_transaction = requires(T t, const record_key& k, const record_key* after, std::int64_t stamp, const audience& who,
                                       std::string_view name, std::size_t n, const device_view& view) {
    { t.referring(k, n) } -> std::same_as<result<std::vector<record_key>>>;
    { t.audience_of(k) } -> std::same_as<result<std::optional<audience>>>;
    { t.relabel(k, stamp, who) } -> std::same_as<result<void>>;
    { t.audiences_since(k, stamp) } -> std::same_as<result<std::vector<audience_change>>>;
    { t.labelled(name, after, n) } -> std::same_as<result<std::vector<record_key>>>;
    { t.labelled_by() } -> std::same_as<result<std::string>>;
    { t.set_labelled_by(name) } -> std::same_as<result<void>>;
    { t.find_view(name, name) } -> std::same_as<result<std::optional<device_view>>>;
    { t.put_view(view) } -> std::same_as<result<void>>;
};

SYNCLINE_NAMESPACE_END

#endif
