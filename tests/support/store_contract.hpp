#ifndef SYNCLINE_TESTS_SUPPORT_STORE_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_STORE_CONTRACT_HPP

// What the contract suites of both stores share: the models, the awkward keys and values, and texts to compare by.

#include "support/catch.hpp"

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace store_contract {

using namespace syncline;

inline constexpr model_id project = 0;
inline constexpr model_id task = 1;
inline constexpr model_id sample = 2;

/// The models of the contract. A store's tables must have them: all keys are text; `project.name` and `task.title` are NOT
/// NULL; `task.slug` is unique within a tenant; `task.project` and `task.reviewer` refer to `project` with ON DELETE CASCADE
/// and SET NULL.
inline schema_set schemas() {
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
    for (auto* m : {&p, &t, &s}) REQUIRE(out.add(std::move(*m)).has_value());
    return out;
}

inline constexpr std::size_t task_slug = 1;

inline value text_or_null(const std::string& s) { return s.empty() ? value::null() : value::text(s); }

inline record project_row(const std::string& name) { return record{{value::text(name), value::null()}}; }

/// A row of `task`; empty texts but the title are null.
inline record task_row(const std::string& title, const std::string& slug = {}, const std::string& in = {}, const std::string& reviewer = {}) {
    return record{{value::text(title), text_or_null(slug), text_or_null(in), text_or_null(reviewer)}};
}

inline record sample_row(std::size_t field, value v) {
    record r;
    r.fields.resize(8);
    r.fields[field] = std::move(v);
    return r;
}

/// Keys that stores get wrong: quotes, SQL, other scripts, near twins, length.
inline std::vector<std::string> awkward_keys() {
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
inline std::vector<sample_value> awkward_values() {
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
inline record awkward_row(std::size_t i) {
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

/// The value of a result that must be one.
template <class T>
T must(result<T> r) {
    if (!r) {
        INFO(name_of(r.error().code) << ": " << r.error().detail);
        REQUIRE(r.has_value());
    }
    return std::move(*r);
}
inline void must(result<void> r) {
    if (!r) {
        INFO(name_of(r.error().code) << ": " << r.error().detail);
        REQUIRE(r.has_value());
    }
}

/// The code of a result that must be a fault.
template <class T>
errc fault_of(const result<T>& r) {
    REQUIRE_FALSE(r.has_value());
    return r.error().code;
}

/// @p items from the first that @p wanted takes, at most @p limit.
template <class T, class Wanted>
std::vector<T> slice(const std::vector<T>& items, Wanted wanted, std::size_t limit) {
    std::vector<T> out;
    for (const auto& i : items)
        if (out.size() < limit && wanted(i)) out.push_back(i);
    return out;
}

// --- texts to compare and to print ----------------------------------------------------------------------------------------

inline std::string quoted(const std::string& s) {
    std::string out{"<"};
    for (const char c : s.substr(0, 40)) {
        const auto u = static_cast<unsigned char>(c);
        if (u >= 32 && u < 127) {
            out.push_back(c);
        } else {
            constexpr char digits[] = "0123456789abcdef";
            out.append("\\x").push_back(digits[u >> 4]);
            out.push_back(digits[u & 15]);
        }
    }
    if (s.size() > 40) out.append("...").append(std::to_string(s.size())).append("#").append(std::to_string(std::hash<std::string>{}(s)));
    out.append(">");
    return out;
}
inline std::string show(const value& v) {
    std::string bits;
    byte_writer{bits}.put(v);
    std::string out{name_of(v.kind())};
    return v.is_null() ? out : out.append(v.as_string().empty() ? store_contract::quoted(bits) : store_contract::quoted(v.as_string()));
}
inline std::string show(const record& r) {
    std::string out{"{"};
    for (const auto& v : r.fields) out.append(show(v)).append(",");
    return out.append("}");
}
inline std::string show(const std::optional<record>& r) { return r ? show(*r) : std::string{"none"}; }
inline std::string show(const record_key& k) { return std::to_string(k.model).append(quoted(k.key)); }
inline std::string show(const field_set& s) {
    std::string out{"["};
    for (std::size_t f = 0; f < max_fields; ++f)
        if (s.contains(static_cast<field_index>(f))) out.append(std::to_string(f)).append(" ");
    return out.append("]");
}
inline std::string show(const std::optional<wait_reason>& w) {
    return w ? std::string{name_of(w->code)}.append(":").append(w->detail) : std::string{"-"};
}
inline std::string show(const intent& i) {
    std::string out{show(i.key)};
    out.append(" ").append(name_of(i.op)).append(" before ").append(show(i.before));
    for (const auto& c : i.changes) out.append(" ").append(std::to_string(c.field)).append("=").append(show(c.to));
    out.append(" base ").append(std::to_string(i.base.row_version)).append("/").append(quoted(i.base.after));
    out.append(" #").append(std::to_string(i.ordinal)).append(" at ").append(std::to_string(to_microseconds(i.edited_at)));
    return out.append(" wait ").append(show(i.waiting));
}
inline std::string show(const row_image& r) {
    std::string out{show(r.key)};
    return out.append(" v").append(std::to_string(r.version)).append(" ").append(show(r.row)).append(" has ").append(quoted(r.contains));
}
inline std::string show(const row_change& c) {
    std::string out{show(c.key)};
    out.append(" ").append(name_of(c.op)).append(" v").append(std::to_string(c.version)).append(" s").append(std::to_string(c.stamp));
    out.append(" ").append(show(c.after)).append(" ").append(show(c.fields)).append(" by ").append(quoted(c.writer));
    return out.append(" at ").append(std::to_string(to_microseconds(c.written_at)));
}
inline std::string show(const bundle_head& h) {
    std::string out{"bundle "};
    out.append(std::to_string(h.seq)).append(" of ").append(quoted(h.source)).append("/").append(std::to_string(h.source_bundle_id));
    return out.append(" rows ").append(std::to_string(h.row_count)).append(" from ").append(std::to_string(h.first_stamp));
}
template <class T>
std::string show(const std::vector<T>& items) {
    std::string out;
    for (const auto& i : items) out.append("  ").append(show(i)).append("\n");
    return out;
}

/// An intent with something in every part of it.
inline intent full_intent(const record_key& key, std::uint64_t ordinal) {
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
inline intent plain_intent(const record_key& key, operation op, std::uint64_t ordinal) {
    intent i;
    i.key = key;
    i.op = op;
    i.ordinal = ordinal;
    return i;
}
inline intent waiting_intent(const record_key& key, std::uint64_t ordinal, errc why) {
    intent i = full_intent(key, ordinal);
    i.waiting = wait_reason{why, "it's \"so\"\n\xF0\x9F\x98\x80"};
    return i;
}

}  // namespace store_contract

#endif
