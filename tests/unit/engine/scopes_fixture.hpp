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
    explicit scoped_server(std::string version = "1") : granted(std::make_shared<label_set>(label_set{"g1"})), s{options(std::move(version))} {}

    authority_options options(std::string version) {
        authority_options o;
        const bucket_rule by_b = [](const model_schema&, std::string_view, const record& row) {
            return row.fields[1].is_null() ? label_set{} : label_set{"g" + std::to_string(row.fields[1].as_integer())};
        };
        o.scopes.buckets = {{"node", by_b}, {"child", by_b}};
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

    std::shared_ptr<label_set> granted;
    server s;
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
