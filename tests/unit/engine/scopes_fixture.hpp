#ifndef SYNCLINE_TESTS_UNIT_ENGINE_SCOPES_FIXTURE_HPP
#define SYNCLINE_TESTS_UNIT_ENGINE_SCOPES_FIXTURE_HPP

// A server whose nodes and children lie in the bucket that their field b names, and whose one principal's grants the test sets.

#include "unit/engine/fixture.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine_tests {

struct scoped_server {
    /// @param in_buckets  the models that have buckets
    explicit scoped_server(std::string version = "1", std::vector<std::string> in_buckets = {"node", "child"})
        : buckets(std::move(in_buckets)), granted(std::make_shared<label_set>(label_set{"g1"})), s{options(std::move(version))} {}

    authority_options options(std::string version) {
        authority_options o;
        const bucket_rule by_b = [](const model_schema&, std::string_view, const record& row) {
            return row.fields[1].is_null() ? label_set{} : label_set{"g" + std::to_string(row.fields[1].as_integer())};
        };
        for (const auto& model : buckets) o.scopes.buckets[model] = by_b;
        o.scopes.granted = [g = granted](std::string_view, std::string_view) { return *g; };
        o.scopes.version = std::move(version);
        return o;
    }
    static record child(std::int64_t a, std::int64_t b, const std::string& parent) {
        record r = node_row(a, b);
        r.fields.push_back(value::text(parent));
        return r;
    }
    void write(const std::string& key, const record& r) {
        s.write(key, r);
        s.seal();
    }
    /// All pages from @p from on; their rows in order. Fails when there is no end.
    page pull_all(cursor from, std::size_t limit = 1000) {
        page all = s.pull(from, limit);
        for (int pages = 0; all.more; ++pages) {
            REQUIRE(pages < 100);
            page next = s.pull(all.next, limit);
            REQUIRE(next.next > all.next);
            all.rows.insert(all.rows.end(), next.rows.begin(), next.rows.end());
            all.next = next.next;
            all.more = next.more;
        }
        return all;
    }
    std::optional<audience> audience_of(const std::string& key) {
        auto t = lab_must(s.store.begin("main", access::snapshot));
        return lab_must(t.audience_of(key_named(key)));
    }

    std::vector<std::string> buckets;
    std::shared_ptr<label_set> granted;
    server s;
};

/// A server whose children lie in the bucket that their field b names, and whose nodes everybody sees.
struct half_scoped_server : scoped_server {
    half_scoped_server() : scoped_server("1", {"child"}) {}
};

/// A server with one model in buckets, whose records refer to each other, with a cascade.
struct scoped_tree {
    scoped_tree() : granted(std::make_shared<label_set>(label_set{"g1"})), engine{store, options()} {}

    static schema_set models() {
        model_schema item;
        item.name = "item";
        item.fields = {{"b", value_kind::integer, true, nullptr}, {"p", value_kind::text, true, nullptr}};
        item.references = {{1, "item", reference_action::cascade}};
        schema_set out;
        lab_must(out.add(item));
        return out;
    }
    authority_options options() const {
        authority_options o;
        o.scopes.buckets["item"] = [](const model_schema&, std::string_view, const record& row) { return label_set{"g" + std::to_string(row.fields[0].as_integer())}; };
        o.scopes.granted = [g = granted](std::string_view, std::string_view) { return *g; };
        return o;
    }
    static record row(std::int64_t b, const char* p = nullptr) { return record{{value::integer(b), p == nullptr ? value{} : value::text(p)}}; }
    void write(const std::string& key, const record& r) {
        lab_must(store.app_write("main", {0, key}, r));
        lab_must(engine.seal_foreign("main", now));
    }
    outcome push(mutation m) { return lab_must(engine.push(ann, {std::move(m)}, now)).outcomes.front(); }
    page pull(cursor from) {
        pull_query q;
        q.from = from;
        return lab_must(engine.pull(ann, q, now)).rows;
    }

    std::shared_ptr<label_set> granted;
    caller ann{"main", "ann", "dev"};
    timestamp now = at(1000);
    memory_authority_store store{models()};
    authority<memory_authority_store> engine;
};

/// The rows of a page in words: a key, `-` before one that left the view, `x` before one that is gone.
inline std::vector<std::string> in_words(const page& p) {
    std::vector<std::string> out;
    for (const auto& row : p.rows) out.push_back((leaves_view(row) ? "-" : row.row ? "" : "x") + row.key.key);
    return out;
}
using words = std::vector<std::string>;

}  // namespace engine_tests

#endif
