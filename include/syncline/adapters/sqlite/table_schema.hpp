#ifndef SYNCLINE_ADAPTERS_SQLITE_TABLE_SCHEMA_HPP
#define SYNCLINE_ADAPTERS_SQLITE_TABLE_SCHEMA_HPP

#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// One column of an app's table.
struct sqlite_column {
    std::string name;
    std::string declared;             ///< the declared type as written; may be empty
    sqlite_affinity affinity = sqlite_affinity::blob;
    bool not_null = false;
    std::string default_sql;          ///< the default's SQL; empty: none
    bool generated = false;
    int primary_key = 0;              ///< its place in the primary key from 1; 0: not in it
    std::string collation = "BINARY";
};

/// One unique index of an app's table, the primary key's included (but not that of an `INTEGER PRIMARY KEY`).
struct sqlite_unique_index {
    struct part {
        std::string column;
        std::string collation;
    };
    std::string name;
    bool primary = false;
    bool partial = false;
    bool expression = false;
    std::vector<part> parts;

    /// Whether it holds @p column alone, compared byte by byte: what a key is told apart by.
    [[nodiscard]] bool is_of_key(std::string_view column) const {
        return !partial && !expression && parts.size() == 1 && parts[0].column == column && parts[0].collation == "BINARY";
    }
};

/// One foreign key of a single column.
struct sqlite_foreign_key {
    std::string column;
    std::string table;
    std::string to;  ///< the referenced column; empty: the primary key
    reference_action on_erase = reference_action::none;
};

/// What the database says of one table.
struct sqlite_table {
    std::string name;
    std::vector<sqlite_column> columns;
    std::vector<sqlite_unique_index> unique_indexes;
    std::vector<sqlite_foreign_key> foreign_keys;
    bool without_rowid = false;
    bool counts_rows = false;  ///< its `INTEGER PRIMARY KEY` is AUTOINCREMENT: no number is given twice
    std::string rowid_column;  ///< the `INTEGER PRIMARY KEY` column, which SQLite fills by itself; empty: none
    std::string rowid_name;    ///< a name by which SQL reaches the rowid and no column hides it; empty: none

    [[nodiscard]] const sqlite_column* find(std::string_view column) const {
        for (const auto& c : columns)
            if (c.name == column) return &c;
        return nullptr;
    }
};

/// Compares names as SQLite does: ASCII letters without case.
[[nodiscard]] inline bool sqlite_same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
        return sqlite_lower(x) == sqlite_lower(y);
    });
}

/// The fault for a table called @p name that the main database does not have; perhaps it stands in another one of the connection's.
[[nodiscard]] inline fault no_such_sqlite_table(sqlite_database& db, const std::string& name) {
    auto s = db.prepare("SELECT l.schema, d.file FROM pragma_table_list AS l LEFT JOIN pragma_database_list AS d ON d.name=l.schema WHERE l.schema<>'main' AND "
                        "(l.name=?1 COLLATE NOCASE OR l.schema||'.'||l.name=?1 COLLATE NOCASE)");
    if (!s) return std::move(s).error();
    s->bind_text(1, name);
    const auto row = s->step();
    if (!row) return row.error();
    if (!*row) return make_fault(errc::unsupported, "the database has no table `", name, "`; create it before it is registered for sync");
    const std::string schema{s->column_text(0)};
    const std::string file{s->column_text(1)};
    if (auto ok = s->row_read(); !ok) return std::move(ok).error();
    if (schema == "temp") return make_fault(errc::unsupported, "`", name, "` is a temporary table of this connection; only tables of the file are synced");
    return make_fault(errc::unsupported, "the database has no table `", name, "`; one stands in `", schema, "` (`", file,
                      "`), which is attached to this connection: open that file itself, by its own path, to sync it");
}

/// Checks that no temporary table or view of this connection hides the table called @p name from SQL that does not say which one it means.
/// @return `errc::unsupported`, naming it
[[nodiscard]] inline result<void> check_sqlite_unhidden(sqlite_database& db, const std::string& name) {
    auto s = db.prepare("SELECT 1 FROM temp.sqlite_schema WHERE type IN ('table','view') AND name=?1 COLLATE NOCASE");
    if (!s) return s.error();
    s->bind_text(1, name);
    const auto hidden = s->step();
    if (!hidden) return hidden.error();
    if (!*hidden) return {};
    return make_fault(errc::unsupported, "a temporary table or view hides table `", name, "` on this connection; give it another name in `prepare_connection`");
}

/// Reads the table called @p name in the main database.
/// @return the table; or `errc::unsupported` when there is no such table, or it is a view or virtual.
[[nodiscard]] inline result<sqlite_table> read_sqlite_table(sqlite_database& db, const std::string& name) {
    sqlite_table table;
    {
        auto s = db.prepare("SELECT name, type, sql FROM main.sqlite_schema WHERE type IN ('table','view') AND name = ?1 COLLATE NOCASE");
        if (!s) return s.error();
        s->bind_text(1, name);
        const auto row = s->step();
        if (!row) return row.error();
        if (!*row) return no_such_sqlite_table(db, name);
        const bool view = s->column_text(1) == "view";
        table.name = std::string{s->column_text(0)};
        if (auto ok = s->row_read(); !ok) return std::move(ok).error();
        if (view) return make_fault(errc::unsupported, "`", name, "` is a view; register the tables under it");
    }
    bool strict = false;
    {
        auto s = db.prepare("SELECT type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?1");
        if (!s) return s.error();
        s->bind_text(1, table.name);
        const auto row = s->step();
        if (!row) return row.error();
        const bool ordinary = !*row || s->column_text(0) == "table";
        if (auto ok = s->row_read(); !ok) return std::move(ok).error();
        if (!ordinary)
            return make_fault(errc::unsupported, "`", name, "` is a virtual table; only ordinary tables are synced");
        table.without_rowid = *row && s->column_integer(1) != 0;
        strict = *row && s->column_integer(2) != 0;
    }
    {
        auto s = db.prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid");
        if (!s) return s.error();
        s->bind_text(1, table.name);
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) break;
            sqlite_column c;
            c.name = std::string{s->column_text(0)};
            c.declared = std::string{s->column_text(1)};
            // In a strict table ANY keeps what it is given; in others it is one of the names that make a column numeric.
            c.affinity = strict && sqlite_same_name(c.declared, "ANY") ? sqlite_affinity::blob : sqlite_affinity_of(c.declared);
            c.not_null = s->column_integer(2) != 0;
            c.default_sql = std::string{s->column_text(3)};
            c.primary_key = static_cast<int>(s->column_integer(4));
            c.generated = s->column_integer(5) != 0;
            if (auto ok = s->row_read(); !ok) return std::move(ok).error();
            const char* collation = nullptr;
            int counted = 0;
            if (const int code = sqlite3_table_column_metadata(db.handle(), "main", table.name.c_str(), c.name.c_str(), nullptr, &collation, nullptr,
                                                               nullptr, &counted);
                code != SQLITE_OK)
                return sqlite_fault(db.handle(), code, "reading the collation of a column");
            if (collation != nullptr) c.collation = collation;
            table.counts_rows = table.counts_rows || counted != 0;
            table.columns.push_back(std::move(c));
        }
    }
    {
        auto s = db.prepare("SELECT name, origin = 'pk', partial FROM pragma_index_list(?1, 'main') WHERE \"unique\" ORDER BY seq");
        if (!s) return s.error();
        s->bind_text(1, table.name);
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) break;
            sqlite_unique_index index;
            index.name = std::string{s->column_text(0)};
            index.primary = s->column_integer(1) != 0;
            index.partial = s->column_integer(2) != 0;
            table.unique_indexes.push_back(std::move(index));
        }
        for (auto& index : table.unique_indexes) {
            auto x = db.prepare("SELECT name, coll, cid FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno");
            if (!x) return x.error();
            x->bind_text(1, index.name);
            for (;;) {
                const auto row = x->step();
                if (!row) return row.error();
                if (!*row) break;
                if (x->column_integer(2) < 0) index.expression = true;
                index.parts.push_back({std::string{x->column_text(0)}, std::string{x->column_text(1)}});
            }
        }
    }
    {
        // Only keys of one column name a record; those of several are plain data to us.
        auto s = db.prepare(
            "SELECT \"from\", \"table\", \"to\", on_delete FROM pragma_foreign_key_list(?1, 'main') AS f WHERE 1 = (SELECT count(*) FROM "
            "pragma_foreign_key_list(?1, 'main') AS g WHERE g.id = f.id) ORDER BY id DESC");
        if (!s) return s.error();
        s->bind_text(1, table.name);
        for (;;) {
            const auto row = s->step();
            if (!row) return row.error();
            if (!*row) break;
            sqlite_foreign_key k;
            k.column = std::string{s->column_text(0)};
            k.table = std::string{s->column_text(1)};
            k.to = std::string{s->column_text(2)};
            const auto action = s->column_text(3);
            if (action == "CASCADE") k.on_erase = reference_action::cascade;
            if (action == "SET NULL") k.on_erase = reference_action::set_null;
            table.foreign_keys.push_back(std::move(k));
        }
    }
    // An INTEGER PRIMARY KEY is the rowid itself and has no index; every other primary key has one.
    const auto in_key = std::count_if(table.columns.begin(), table.columns.end(), [](const sqlite_column& c) { return c.primary_key > 0; });
    const bool indexed = std::any_of(table.unique_indexes.begin(), table.unique_indexes.end(), [](const sqlite_unique_index& i) { return i.primary; });
    if (!table.without_rowid && in_key == 1 && !indexed)
        for (const auto& c : table.columns)
            if (c.primary_key > 0) table.rowid_column = c.name;
    if (!table.without_rowid)
        for (const char* alias : {"rowid", "_rowid_", "oid"})
            if (table.rowid_name.empty() &&
                std::none_of(table.columns.begin(), table.columns.end(), [&](const sqlite_column& c) { return sqlite_same_name(c.name, alias); }))
                table.rowid_name = alias;
    return table;
}

/// @p sql, a column's default as the table has it, as an expression that may stand anywhere. `DEFAULT pending` and `DEFAULT "pending"` are texts,
/// but as an expression they would be the name of a column.
[[nodiscard]] inline std::string sqlite_default_expression(std::string_view sql) {
    std::string word;
    const char first = sql.empty() ? '\0' : sql.front();
    if (first == '"' || first == '`' || first == '[') {
        const char last = first == '[' ? ']' : first;
        std::size_t at = 1;
        for (; at < sql.size(); ++at) {
            if (sql[at] == last && (last == ']' || at + 1 == sql.size() || sql[++at] != last)) break;
            word.push_back(sql[at]);
        }
        if (at + 1 != sql.size()) return std::string{sql};
    } else {
        const auto in_name = [](char c) {
            const char lower = sqlite_lower(c);
            return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
        };
        if (sql.empty() || (first >= '0' && first <= '9') || !std::all_of(sql.begin(), sql.end(), in_name)) return std::string{sql};
        for (const char* value : {"null", "true", "false", "current_date", "current_time", "current_timestamp"})
            if (sqlite_same_name(sql, value)) return std::string{sql};
        word = sql;
    }
    std::string out{"'"};
    for (const char c : word) out.append(c == '\'' ? 2U : 1U, c);
    return out.append("'");
}

/// SQL for what @p column holds in a row that is inserted without it. @pre it has a default
[[nodiscard]] inline std::string sqlite_default_value(const sqlite_column& column) {
    const std::string expression = std::string{"("}.append(sqlite_default_expression(column.default_sql)).append(")");
    const auto cast = [&](const char* type) { return std::string{"CAST("}.append(expression).append(" AS ").append(type).append(")"); };
    switch (column.affinity) {
    case sqlite_affinity::integer: return cast("INTEGER");
    case sqlite_affinity::real: return cast("REAL");
    case sqlite_affinity::text: return cast("TEXT");
    case sqlite_affinity::blob:
    case sqlite_affinity::numeric: break;
    }
    return expression;
}

/// SQL for what @p column will hold, in a BEFORE trigger of @p table: `NEW`'s value, but under REPLACE a NULL in a NOT NULL column becomes the
/// column's default, after such triggers ran.
[[nodiscard]] inline std::string sqlite_coming_value(const sqlite_table& table, const std::string& column) {
    std::string out{"NEW."};
    out.append(sqlite_quoted(column));
    const sqlite_column* const c = table.find(column);
    if (c == nullptr || !c->not_null || c->default_sql.empty()) return out;
    return out.insert(0, "coalesce(").append(",(").append(sqlite_default_expression(c->default_sql)).append("))");
}

/// SQL that is always true and names every stored column of `NEW`, where @p index has a generated column; else empty. In a BEFORE UPDATE trigger
/// SQLite takes the columns that no trigger names and the statement does not set for NULL when it computes the generated ones.
[[nodiscard]] inline std::string sqlite_computed_from(const sqlite_table& table, const sqlite_unique_index& index) {
    const auto generated = [&](const sqlite_unique_index::part& p) {
        const sqlite_column* const c = table.find(p.column);
        return c != nullptr && c->generated;
    };
    if (std::none_of(index.parts.begin(), index.parts.end(), generated)) return {};
    std::string out{"(0 IN ("};
    std::string_view separator;
    for (const auto& c : table.columns) {
        if (c.generated) continue;
        out.append(separator).append("NEW.").append(sqlite_quoted(c.name));
        separator = ",";
    }
    return out.append(")) IS NOT 2");
}

/// How the table stores a key of column @p c: text, integer or bytes (a UUID of 16 bytes); nothing: not a key type.
[[nodiscard]] inline std::optional<value_kind> sqlite_key_kind(const sqlite_column& c) {
    switch (c.affinity) {
    case sqlite_affinity::text: return value_kind::text;
    case sqlite_affinity::integer: return value_kind::integer;
    case sqlite_affinity::blob:
        if (!sqlite_declares(c.declared, "blob")) return std::nullopt;
        return value_kind::bytes;
    case sqlite_affinity::real:
    case sqlite_affinity::numeric: return std::nullopt;
    }
    return std::nullopt;
}

/// The column of @p table that is its primary key by itself; empty: there is none, or several together are.
[[nodiscard]] inline std::string sqlite_primary_key_of(const sqlite_table& table) {
    std::string key;
    for (const auto& c : table.columns) {
        if (c.primary_key == 0) continue;
        if (!key.empty()) return {};
        key = c.name;
    }
    return key;
}

/// Checks that @p key of @p table can name records.
/// @param assigned  rows without a key get one (`model_schema::key_assigned`)
/// @return `errc::unsupported`, by name, when it is missing, composite, not unique, of another type, or compared without
///         regard to case.
[[nodiscard]] inline result<void> check_sqlite_key(const sqlite_table& table, const std::string& key, bool assigned = false) {
    const sqlite_column* const c = table.find(key);
    if (c == nullptr) return make_fault(errc::unsupported, "table `", table.name, "` has no key column `", key, "`");
    if (c->generated) return make_fault(errc::unsupported, "table `", table.name, "`: key column `", key, "` is generated; a key must be stored");
    const auto in_key = std::count_if(table.columns.begin(), table.columns.end(), [](const sqlite_column& x) { return x.primary_key > 0; });
    bool unique = table.rowid_column == key || (c->primary_key > 0 && in_key == 1);
    for (const auto& i : table.unique_indexes)
        if ((c->not_null || assigned) && (i.is_of_key(key) || (c->collation != "BINARY" && i.parts.size() == 1 && i.parts[0].column == key))) unique = true;
    if (!unique && c->primary_key > 0)
        return make_fault(errc::unsupported, "table `", table.name, "`: key column `", key,
                          "` is one part of a composite primary key; a key of one column is needed");
    if (!unique)
        return make_fault(errc::unsupported, "table `", table.name, "`: key column `", key,
                          "` is neither PRIMARY KEY nor UNIQUE NOT NULL; make it one of them");
    if (!sqlite_key_kind(*c))
        return make_fault(errc::unsupported, "table `", table.name, "`: key column `", key, "` is declared `", c->declared,
                          "`; a key is TEXT, INTEGER or a BLOB of 16 bytes (UUID)");
    if (c->collation != "BINARY")
        return make_fault(errc::unsupported, "table `", table.name, "`: key column `", key, "` has the collation ", c->collation,
                          "; keys are compared byte by byte: use BINARY");
    return {};
}

/// The column that names the records of @p table: the single one of its primary key, else the first UNIQUE NOT NULL one.
/// @return `errc::unsupported` when there is none
[[nodiscard]] inline result<std::string> sqlite_key_of(const sqlite_table& table) {
    std::string key;
    for (const auto& c : table.columns) {
        if (c.primary_key == 0) continue;
        if (!key.empty())
            return make_fault(errc::unsupported, "table `", table.name, "` has a composite primary key; a key of one column is needed");
        key = c.name;
    }
    for (const auto& i : table.unique_indexes)
        if (key.empty() && !i.partial && !i.expression && i.parts.size() == 1)
            if (const auto* c = table.find(i.parts[0].column); c != nullptr && c->not_null) key = c->name;
    if (key.empty())
        return make_fault(errc::unsupported, "table `", table.name, "` has no PRIMARY KEY and no UNIQUE NOT NULL column to name its records by");
    return key;
}

/// Checks that @p table has the columns for times that @p model names, and that they can hold them.
/// @return `errc::schema_mismatch` for a missing column; `errc::unsupported`, by name, for a generated one, for a form that the column would turn
///         into another, and for a soft-delete column that cannot be NULL
[[nodiscard]] inline result<void> check_sqlite_times(const sqlite_table& table, const model_schema& model) {
    const auto& times = model.times;
    for (const auto* wanted : {&times.created_at, &times.updated_at, &times.deleted_at}) {
        if (!wanted->is_there()) continue;
        const sqlite_column* const c = table.find(wanted->name);
        if (c == nullptr)
            return make_fault(errc::schema_mismatch, "table `", table.name, "` has no column `", wanted->name, "`, which the model names for its rows' times");
        if (c->generated) return make_fault(errc::unsupported, "table `", table.name, "`: the column `", c->name, "` for times is generated");
        const bool number = wanted->form == time_form::seconds || wanted->form == time_form::milliseconds || wanted->form == time_form::microseconds;
        const bool text = wanted->form == time_form::date_time || wanted->form == time_form::rfc3339;
        if ((number && c->affinity == sqlite_affinity::text) || (text && (c->affinity == sqlite_affinity::integer || c->affinity == sqlite_affinity::real)))
            return make_fault(errc::unsupported, "table `", table.name, "`: the column `", c->name, "` is declared `", c->declared, "` and is to hold times as ",
                              number ? "numbers" : "text", "; name another form of times for it");
        if (wanted == &times.deleted_at && c->not_null)
            return make_fault(errc::unsupported, "table `", table.name, "`: the soft-delete column `", c->name,
                              "` is NOT NULL; a row that is there has NULL in it: take the constraint away");
    }
    return {};
}

/// Makes a model from the table called @p name: its name is the table's, its key the single column of the primary key,
/// its fields every other stored column, kinds by declared type (`sqlite_kind_of`), references by those foreign keys that hold the
/// other record's key.
/// @param times  columns in which the table notes its rows' times; they become no fields
/// @param sync_key  where the app's primary key shall stay local: the column that holds the sync key in its place, `tether_id` say, here and in the tables
///                  that this one refers to (`model_schema::key_assigned`); the store adds it where it is missing
/// @return the model; or `errc::unsupported`, by name, as `read_sqlite_table` and `check_sqlite_key`, or `errc::schema_mismatch` for a column of
///         @p times that is not there.
[[nodiscard]] inline result<model_schema> read_model_schema(sqlite_database& db, const std::string& name, const app_times& times = {},
                                                            const std::string& sync_key = {}) {
    auto table = read_sqlite_table(db, name);
    if (!table) return table.error();
    model_schema m;
    m.name = table->name;
    std::string local;
    if (sync_key.empty() || sync_key == sqlite_primary_key_of(*table)) {
        auto key = sqlite_key_of(*table);
        if (!key) return key.error();
        m.key_name = std::move(*key);
        if (auto ok = check_sqlite_key(*table, m.key_name); !ok) return ok.error();
        m.key_kind = *sqlite_key_kind(*table->find(m.key_name));
    } else {
        m.key_name = sync_key;
        m.key_assigned = true;
        local = sqlite_primary_key_of(*table);
    }
    m.times = times;
    if (auto ok = check_sqlite_times(*table, m); !ok) return ok.error();
    for (const auto& c : table->columns) {
        if (c.name == m.key_name || c.name == local || c.generated) continue;
        if (c.name == times.created_at.name || c.name == times.updated_at.name || c.name == times.deleted_at.name) continue;
        field_schema f;
        f.name = c.name;
        f.kind = sqlite_kind_of(c.declared);
        f.nullable = !c.not_null;
        m.fields.push_back(std::move(f));
    }
    for (const auto& k : table->foreign_keys) {
        const auto field = m.find_field(k.column);
        if (!field) continue;
        // A foreign key spells the table as it likes, and one to another unique column holds no record's name.
        std::string target = k.table;
        if (const auto other = read_sqlite_table(db, k.table)) {
            const auto named = sqlite_key_of(*other);
            if (!k.to.empty() && named && !sqlite_same_name(k.to, *named) && (sync_key.empty() || !sqlite_same_name(k.to, sync_key))) continue;
            target = other->name;
        } else if (other.error().code != errc::unsupported) {
            return other.error();
        }
        m.references.push_back({*field, std::move(target), k.on_erase});
    }
    return m;
}

/// The same without columns of times.
[[nodiscard]] inline result<model_schema> read_model_schema(sqlite_database& db, const std::string& name, const std::string& sync_key) {
    return read_model_schema(db, name, app_times{}, sync_key);
}

/// Makes models from several tables.
/// @param times  where a table has such columns; a column that no table has is `errc::schema_mismatch`
[[nodiscard]] inline result<std::vector<model_schema>> read_model_schemas(sqlite_database& db, const std::vector<std::string>& names, const app_times& times,
                                                                          const std::string& sync_key = {}) {
    std::vector<model_schema> models;
    app_times nowhere = times;
    for (const auto& name : names) {
        const auto table = read_sqlite_table(db, name);
        if (!table) return table.error();
        app_times here = times;
        for (const auto column : {&app_times::created_at, &app_times::updated_at, &app_times::deleted_at})
            (table->find((here.*column).name) == nullptr ? here : nowhere).*column = time_column{};
        auto model = read_model_schema(db, name, here, sync_key);
        if (!model) return model.error();
        models.push_back(std::move(*model));
    }
    for (const auto* column : {&nowhere.created_at, &nowhere.updated_at, &nowhere.deleted_at})
        if (column->is_there())
            return make_fault(errc::schema_mismatch, "no table that is synced has the column `", column->name, "`, which the options name for rows' times");
    return models;
}

/// Checks that @p table can hold the records of @p model and that its changes can be captured.
/// @return the fault names table and column:
///         - `errc::unsupported`: the key (`check_sqlite_key`), a generated column as field, a partial or expression unique index
///         - `errc::schema_mismatch`: a field without a column, or a key of another kind
[[nodiscard]] inline result<void> check_sqlite_model(const sqlite_table& table, const model_schema& model) {
    if (auto ok = check_sqlite_key(table, model.key_name, model.key_assigned); !ok) return ok;
    const value_kind kind = *sqlite_key_kind(*table.find(model.key_name));
    if (kind != model.key_kind)
        return make_fault(errc::schema_mismatch, "table `", table.name, "`: key column `", model.key_name, "` holds ", name_of(kind),
                          " and the model says ", name_of(model.key_kind));
    for (const auto& f : model.fields) {
        const sqlite_column* const c = table.find(f.name);
        if (c == nullptr) return make_fault(errc::schema_mismatch, "table `", table.name, "` has no column `", f.name, "`, which the model names");
        if (c->generated)
            return make_fault(errc::unsupported, "table `", table.name, "`: column `", f.name, "` is generated; leave it out of the model");
    }
    if (auto ok = check_sqlite_times(table, model); !ok) return ok;
    for (const auto& i : table.unique_indexes) {
        if (i.partial) return make_fault(errc::unsupported, "table `", table.name, "`: the unique index `", i.name, "` is partial (has a WHERE)");
        if (i.expression) return make_fault(errc::unsupported, "table `", table.name, "`: the unique index `", i.name, "` is on an expression");
    }
    return {};
}

/// Checks that this connection can write @p table at all: indexes, triggers and generated columns may use collations and functions that only the app's own connection has.
/// @return `errc::unsupported`, naming the table and what is missing
[[nodiscard]] inline result<void> check_sqlite_writable(sqlite_database& db, const sqlite_table& table, const std::string& key) {
    const std::string t = sqlite_quoted(table.name);
    const std::string k = sqlite_quoted(key);
    for (const auto& [before, after] : {std::pair<std::string, std::string>{"INSERT INTO main.", " DEFAULT VALUES"}, {"UPDATE main.", " SET " + k + "=" + k},
                                        {"DELETE FROM main.", ""}}) {
        const auto compiled = db.prepare(before + t + after);
        if (compiled) continue;
        if (sqlite3_errcode(db.handle()) != SQLITE_ERROR) return compiled.error();
        return make_fault(errc::unsupported, "table `", table.name, "` cannot be written on this connection (", compiled.error().detail,
                          "); where an index, a trigger or a generated column uses a collation or function of the app's, give a device's store a connection that has it, and "
                          "a server's a `prepare_connection` that registers it");
    }
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
