#ifndef SYNCLINE_TESTING_STORAGE_SAMPLES_HPP
#define SYNCLINE_TESTING_STORAGE_SAMPLES_HPP

#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What the storage conformance kit works with: the models that a store under test has, and awkward keys, values and intents.
namespace testing::storage {

inline constexpr model_id project = 0;
inline constexpr model_id task = 1;
inline constexpr model_id sample = 2;

/// The models of the contract. A store's tables must have them: all keys are text; `project.name` and `task.title` are NOT
/// NULL; `task.slug` is unique within a tenant; `task.project` and `task.reviewer` refer to `project` with ON DELETE CASCADE
/// and SET NULL.
[[nodiscard]] inline schema_set schemas() {
    schema_set out;
    model_schema p;
    p.name = "project";
    p.fields = {{"name", value_kind::text, false, nullptr}, {"note", value_kind::text, true, nullptr}};
    model_schema t;
    t.name = "task";
    t.fields = {{"title", value_kind::text, false, nullptr},
                {"slug", value_kind::text, true, nullptr},
                {"project", value_kind::text, true, nullptr},
                {"reviewer", value_kind::text, true, nullptr}};
    t.references = {{2, "project", reference_action::cascade}, {3, "project", reference_action::set_null}};
    model_schema s;
    s.name = "sample";
    s.fields = {{"flag", value_kind::boolean, true, nullptr}, {"count", value_kind::integer, true, nullptr},
                {"ratio", value_kind::real, true, nullptr},   {"price", value_kind::decimal, true, nullptr},
                {"body", value_kind::text, true, nullptr},    {"data", value_kind::bytes, true, nullptr},
                {"at", value_kind::time, true, nullptr},      {"doc", value_kind::json, true, nullptr}};
    for (auto* m : {&p, &t, &s}) (void)out.add(std::move(*m));  // three names that differ
    return out;
}

inline constexpr std::size_t task_slug = 1;

[[nodiscard]] inline value text_or_null(const std::string& s) { return s.empty() ? value::null() : value::text(s); }

[[nodiscard]] inline record project_row(const std::string& name) { return record{{value::text(name), value::null()}}; }

/// A row of `task`; empty texts but the title are null.
[[nodiscard]] inline record task_row(const std::string& title, const std::string& slug = {}, const std::string& in = {}, const std::string& reviewer = {}) {
    return record{{value::text(title), text_or_null(slug), text_or_null(in), text_or_null(reviewer)}};
}

[[nodiscard]] inline record sample_row(std::size_t field, value v) {
    record r;
    r.fields.resize(8);
    r.fields[field] = std::move(v);
    return r;
}

/// Keys that stores get wrong: quotes, SQL, other scripts, near twins, length.
[[nodiscard]] inline std::vector<std::string> awkward_keys() {
    return {"a",    "A",   "a ",   " a",   "a'b", "a\"b", "a`b",  "a]b", "'; DROP TABLE task; --", "%", "_", "a_b", "a%b", "*", "?1", ":x", "@x", "$x",
            "\\",   "\\0", "\n",   "\t",   "0",   "00",   "-1",   "1e3", "null", "NULL", "NaN", "true", "x'00'",
            "\xC3\xA9",      // e acute, composed
            "e\xCC\x81",     // and decomposed
            "\xD0\xBA\xD0\xBB\xD1\x8E\xD1\x87", "\xE6\x97\xA5\xE6\x9C\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBF", "\x7F",
            std::string(255, 'k'), std::string(255, 'k') + "2", std::string(4000, 'K')};
}

/// A value of a field of `sample`.
struct sample_value {
    std::size_t field;
    value v;
};

/// Values at the edges of every kind, each for the field of its kind.
[[nodiscard]] inline std::vector<sample_value> awkward_values() {
    using limits = std::numeric_limits<std::int64_t>;
    using real_limits = std::numeric_limits<double>;
    std::vector<sample_value> out;
    for (std::size_t f = 0; f < 8; ++f) out.push_back({f, value::null()});
    for (const bool b : {false, true}) out.push_back({0, value::boolean(b)});
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{9007199254740993}, (limits::max)(), (limits::min)()})
        out.push_back({1, value::integer(n)});
    for (const double d : {0.0, -0.0, 1.0, -1.5, 0.1, 5e-324, 1e15, 1e300, 9007199254740993.0, (real_limits::max)(), real_limits::lowest(),
                           real_limits::infinity(), -real_limits::infinity(), real_limits::quiet_NaN(), -real_limits::quiet_NaN()})
        out.push_back({2, value::real(d)});
    for (const char* s : {"0", "0.00", "12.50", "-0.1", "123456789012345678901234567890.123456789"}) out.push_back({3, value::decimal(s)});
    const std::string nul("a\0b", 3);
    const std::vector<std::string> texts = {"",  " ",     nul, std::string(1, '\0'), "it's", "\"q\"", "1", "1.0", "0x10", "1e5", "NULL", "\xF0\x9F\x98\x80", "line\r\nline", std::string(10000, 'x')};
    for (const auto& s : texts) out.push_back({4, value::text(s)});
    for (const auto& s : texts) out.push_back({5, value::bytes(s)});
    std::string every_octet;
    for (int i = 0; i < 256; ++i) every_octet.push_back(static_cast<char>(static_cast<unsigned char>(i)));
    out.push_back({5, value::bytes(every_octet)});
    for (const std::int64_t us : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1700000000000000}, std::int64_t{1700000000000001}, std::int64_t{1700000000123000}})
        out.push_back({6, value::time(from_microseconds(us))});
    for (const char* s : {"{}", "[]", "null", "1", "1.0", "\"x\"", "{ \"b\":1, \"a\":[true,null] }"}) out.push_back({7, value::json(s)});
    return out;
}

/// One row of `sample` that holds, over its fields, the awkward values number @p i of each.
[[nodiscard]] inline record awkward_row(std::size_t i) {
    record r;
    r.fields.resize(8);
    for (std::size_t f = 0; f < 8; ++f) {
        std::vector<value> of_field;
        for (auto& v : awkward_values())
            if (v.field == f) of_field.push_back(v.v);
        r.fields[f] = of_field[i % of_field.size()];
    }
    return r;
}

/// @p items from the first that @p wanted takes, at most @p limit.
template <class T, class Wanted>
[[nodiscard]] std::vector<T> slice(const std::vector<T>& items, Wanted wanted, std::size_t limit) {
    std::vector<T> out;
    for (const auto& i : items)
        if (out.size() < limit && wanted(i)) out.push_back(i);
    return out;
}

/// An intent with something in every part of it.
[[nodiscard]] inline intent full_intent(const record_key& key, std::uint64_t ordinal) {
    intent i;
    i.key = key;
    i.op = operation::update;
    i.before = awkward_row(ordinal);
    for (const auto& v : awkward_values())
        if (v.field != ordinal % 8) i.changes.set(static_cast<field_index>(v.field), v.v);
    i.base = {(std::numeric_limits<std::int64_t>::max)(), "m'1\"; \xF0\x9F\x98\x80"};
    i.ordinal = ordinal;
    i.edited_at = from_microseconds(1700000000123456 + static_cast<std::int64_t>(ordinal));
    return i;
}
[[nodiscard]] inline intent plain_intent(const record_key& key, operation op, std::uint64_t ordinal) {
    intent i;
    i.key = key;
    i.op = op;
    i.ordinal = ordinal;
    return i;
}
[[nodiscard]] inline intent waiting_intent(const record_key& key, std::uint64_t ordinal, errc why) {
    intent i = full_intent(key, ordinal);
    i.waiting = wait_reason{why, "it's \"so\"\n\xF0\x9F\x98\x80"};
    return i;
}

}  // namespace testing::storage

SYNCLINE_NAMESPACE_END

#endif
