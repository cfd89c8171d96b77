#ifndef SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_LOCAL_KEY_FIXTURE_HPP
#define SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_LOCAL_KEY_FIXTURE_HPP

// The contracts' tables with numbers of the app's own for primary keys and for what refers to them; the records' keys stand beside, in `id`.

#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/model_schema.hpp>

#include "support/store_contract.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace local_key_fixture {

using namespace syncline;

inline const std::vector<std::string>& reference_columns() {
    static const std::vector<std::string> names{"project", "reviewer"};
    return names;
}
inline bool is_reference(const model_schema& m, const field_schema& f) {
    return m.name == "task" && (f.name == reference_columns()[0] || f.name == reference_columns()[1]);
}

/// @param owner  a column to begin each table with, as for CREATE TABLE, with a comma behind it; or nothing
/// @param more   columns to end each table with, with a comma before them; or nothing
inline std::string contract_tables(const std::string& owner = {}, const std::string& more = {}) {
    const std::string slug = owner.empty() ? "slug TEXT UNIQUE," : "slug TEXT,";
    const std::string unique = owner.empty() ? "" : ",UNIQUE(owner,slug)";
    const std::string sample = owner.empty() ? "ratio REAL, price TEXT, body TEXT, data BLOB, at DATETIME, doc JSON" : "ratio, price TEXT, body TEXT, data BLOB, at TEXT, doc TEXT";
    return "CREATE TABLE project(" + owner + "nr INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT" + more + ");"
           "CREATE TABLE task(" + owner + "nr INTEGER PRIMARY KEY, title TEXT NOT NULL, " + slug +
           "project INTEGER REFERENCES project(nr) ON DELETE CASCADE, reviewer INTEGER REFERENCES project ON DELETE SET NULL" + more + unique + ");"
           "CREATE TABLE sample(" + owner + "nr INTEGER PRIMARY KEY, flag BOOLEAN, count INTEGER, " + sample + more + ");";
}

/// What the app says for a value: of a reference the number of the row that it means.
/// @param place  the parameter, as `?3`
inline std::string written(const model_schema& m, const field_schema& f, const std::string& place) {
    if (!is_reference(m, f)) return place;
    return "(SELECT nr FROM project WHERE id=" + place + ")";
}

/// SQL for the fields of a row; a reference to a row that is gone is told by @p map.
inline std::string read(const model_schema& m, const std::string& map) {
    std::string out;
    for (const auto& f : m.fields) {
        out.append(out.empty() ? "" : ",");
        if (!is_reference(m, f)) out.append(f.name);
        else out.append("coalesce((SELECT p.id FROM project p WHERE p.nr=" + m.name + "." + f.name + "),(SELECT sync FROM " + map + " WHERE local=" + m.name + "." + f.name + "))");
    }
    return out;
}

}  // namespace local_key_fixture

#endif
