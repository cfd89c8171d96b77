#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_ROWS_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_ROWS_HPP

// The models of both sides, and short ways to name their records. As in the simulation there are `node`, and `child` that refers to a node with a
// cascade; keys that begin with C are children. They have few fields, so that there are no more points than kinds of work.

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/time.hpp>

#include "simulation/lab.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace faults {

using namespace syncline;
using simulation::key_named;
using simulation::lab_must;

inline constexpr const char* app_tables =
    "CREATE TABLE node(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, s TEXT UNIQUE);"
    "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, a INTEGER, parent TEXT REFERENCES node(id) ON DELETE CASCADE);"
    "INSERT INTO node VALUES('T',1,0,NULL),('P',1,0,'p'); INSERT INTO child VALUES('C1',1,'P')";

inline timestamp at(std::int64_t us) { return from_microseconds(us); }

inline schema_set models() {
    const field_schema a{"a", value_kind::integer, true, nullptr};
    model_schema node;
    node.name = "node";
    node.fields = {a, {"b", value_kind::integer, true, nullptr}, {"s", value_kind::text, true, nullptr}};
    model_schema child;
    child.name = "child";
    child.fields = {a, {"parent", value_kind::text, true, nullptr}};
    child.references.push_back({1, "node", reference_action::cascade});
    schema_set out;
    lab_must(out.add(std::move(node)));
    lab_must(out.add(std::move(child)));
    return out;
}

inline record node(std::int64_t a, std::int64_t b = 0, const std::string& s = {}) {
    return record{{value::integer(a), value::integer(b), s.empty() ? value{} : value::text(s)}};
}
inline record child(std::int64_t a, const std::string& parent) { return record{{value::integer(a), value::text(parent)}}; }

inline row_image image(const std::string& key, std::int64_t version, std::optional<record> row, mutation_id contains = {}) {
    return {key_named(key), version, std::move(row), std::move(contains)};
}

/// A mutation as a device sends it: what its user made of @p before.
inline mutation change_of(const mutation_id& id, const std::string& key, const std::optional<record>& before, const std::optional<record>& after,
                          std::int64_t row_version = 0) {
    mutation out;
    out.id = id;
    out.what.key = key_named(key);
    out.what.op = !after ? operation::erase : before ? operation::update : operation::create;
    out.what.before = before;
    out.what.base = {row_version, {}};
    out.what.edited_at = at(500);
    if (after)
        for (std::size_t f = 0; f < after->fields.size(); ++f)
            if (!before || !(before->fields[f] == after->fields[f])) out.what.changes.set(static_cast<field_index>(f), after->fields[f]);
    return out;
}

inline outcome answer(const mutation_id& id, outcome_kind kind, std::int64_t version = 0) {
    outcome o;
    o.id = id;
    o.kind = kind;
    o.version = version;
    return o;
}
inline outcome answer_with_row(const mutation_id& id, outcome_kind kind, std::int64_t version, std::optional<record> row) {
    outcome o = answer(id, kind, version);
    o.carries_row = true;
    o.row = std::move(row);
    return o;
}

using images = std::vector<row_image>;
using outcomes = std::vector<outcome>;
using mutations = std::vector<mutation>;
using reread_rows = std::vector<std::pair<unread_name, row_image>>;

/// What became of @p r, without its value.
template <class T>
result<void> told(const result<T>& r) {
    return r ? result<void>{} : result<void>{r.error()};
}

}  // namespace faults

#endif
