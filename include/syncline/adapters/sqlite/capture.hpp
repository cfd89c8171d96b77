#ifndef SYNCLINE_ADAPTERS_SQLITE_CAPTURE_HPP
#define SYNCLINE_ADAPTERS_SQLITE_CAPTURE_HPP

#include <syncline/adapters/sqlite/column_value.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/local_keys.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What an entry of a capture log states about one key, as of just before a statement touched it.
enum class sqlite_capture_kind : std::uint8_t {
    mark = 0,              ///< nothing: keeps the log's numbering going when it is emptied
    absent_on_insert = 1,  ///< there was no row; written by the BEFORE INSERT trigger
    columns = 2,           ///< the columns in the mask had these values
    row = 3,               ///< this row
    row_on_insert = 4,     ///< this row; written by the BEFORE INSERT trigger
    inserted = 5,          ///< a row was inserted (tables that number rows by themselves; see `sqlite_capture_fold`)
    absent = 6,            ///< there was no row
    made = 7,              ///< a row was made under this key, unless an entry before it says what was there
};

/// How many columns one mask column of a log covers.
inline constexpr std::size_t sqlite_mask_bits = 62;

/// How many mask columns a model of @p fields fields needs.
[[nodiscard]] constexpr std::size_t sqlite_mask_count(std::size_t fields) noexcept {
    return (fields + sqlite_mask_bits - 1) / sqlite_mask_bits;
}

/// The SQL that captures the changes of one table into an append-only log.
struct sqlite_capture_script {
    std::string log_columns;  ///< the log's columns behind `seq`, as for CREATE TABLE
    std::vector<sqlite_trigger> triggers;
};

/// Writes the triggers that capture every change of the fields of @p model in @p table, whatever SQL makes it.
///
/// All but those for keys that SQLite makes up are BEFORE triggers, and each entry states what was true of one key just before
/// a statement touched it, so undoing entries in falling order gives the row as it was, whatever other triggers did in between
/// and whether or not the statement took effect. REPLACE removes rows without a trigger; so every row that a new one would
/// collide with, by any unique index or the rowid, is stated first. No trigger uses INSERT OR ...: the outer statement's policy
/// would override it.
///
/// Where the model has a soft-delete column, a row in which it is not NULL is no row: what puts one into the trash or takes it out again is stated as
/// what an erase or a creation is, and what is done to rows in the trash is not stated at all.
///
/// @param log     the log table's name, unquoted
/// @param prefix  put before the triggers' names
/// @param names   how the tables of all models name their rows, by id: references are stated as they were when the store looked last
/// @param id      the model's; beyond @p names: every column is the field itself
/// @pre `check_sqlite_model(table, model)`
[[nodiscard]] inline sqlite_capture_script make_sqlite_capture(const sqlite_table& table, const model_schema& model, const std::string& log,
                                                               const std::string& prefix, const std::vector<sqlite_local_keys>& names = {}, model_id id = 0) {
    const std::string t = sqlite_quoted(table.name);
    const std::string key = sqlite_quoted(model.key_name);
    const std::string into = sqlite_quoted(log);
    const std::size_t n = model.fields.size();
    const bool numbered = table.rowid_column == model.key_name;

    std::string columns;  // ,"c0","c1"
    std::string masks;    // ,"m0"
    for (std::size_t i = 0; i < sqlite_mask_count(n); ++i) masks.append(",m").append(std::to_string(i));
    for (std::size_t i = 0; i < n; ++i) columns.append(",c").append(std::to_string(i));
    const auto field_of = [&](std::string_view row, std::size_t i) {
        return sqlite_field_of(names, id < names.size() ? names[id] : sqlite_local_keys{}, i, row, model.fields[i].name, "was");
    };
    const auto fields_of = [&](std::string_view row) {
        std::string out;
        for (std::size_t i = 0; i < n; ++i) out.append(",").append(field_of(row, i));
        return out;
    };
    const auto of = [&](std::string_view row, const std::string& column) {
        std::string out{row};
        out.append(".").append(sqlite_quoted(column));
        return out;
    };

    const std::string key_to_come = sqlite_coming_value(table, model.key_name);
    const std::string trash = model.times.deleted_at.is_there() ? sqlite_quoted(model.times.deleted_at.name) : std::string{};
    const auto and_live = [&](std::string_view row) {
        std::string out;
        if (trash.empty()) return out;
        return out.append(" AND ").append(row).append(".").append(trash).append(" IS NULL");
    };
    const std::string old_live = trash.empty() ? std::string{} : std::string{"OLD."}.append(trash).append(" IS NULL");

    std::string insert_row = "INSERT INTO ";  // ... (kind,key,c0...)
    insert_row.append(into).append("(kind,\"key\"").append(columns).append(") ");
    // What is true of the key to come: absent, or this row.
    const auto state_new = [&](std::string_view absent, std::string_view present) {
        std::string out = insert_row;
        out.append("SELECT CASE WHEN t.").append(key).append(" IS NULL THEN ").append(absent).append(" ELSE ").append(present);
        out.append(" END,").append(key_to_come).append(fields_of("t")).append(" FROM (SELECT 1) LEFT JOIN ").append(t);
        out.append(" AS t ON t.").append(key).append("=").append(key_to_come).append(and_live("t")).append(" WHERE 1; ");
        return out;
    };
    const auto state_old = [&] {
        std::string out = insert_row;
        out.append("VALUES(3,OLD.").append(key).append(fields_of("OLD")).append("); ");
        return out;
    };
    const auto state_absent = [&] {
        std::string out = "INSERT INTO ";
        return out.append(into).append("(kind,\"key\") VALUES(6,OLD.").append(key).append("); ");
    };
    // The rows that @p condition finds, but not the one called @p self.
    const auto state_victims = [&](const std::string& condition, const std::string& self) {
        std::string out = insert_row;
        out.append("SELECT 3,v.").append(key).append(fields_of("v")).append(" FROM ").append(t).append(" AS v WHERE ").append(condition);
        out.append(" AND v.").append(key).append(" IS NOT ").append(self).append(and_live("v")).append("; ");
        return out;
    };

    sqlite_capture_script script;
    script.log_columns = "kind INTEGER NOT NULL,\"key\"";
    script.log_columns.append(masks).append(columns);
    const auto add = [&](std::string_view suffix, std::string_view when, const std::string& condition, const std::string& body) {
        script.triggers.push_back(make_sqlite_trigger(std::string{prefix}.append(suffix), when, t, condition, body));
    };

    // Inserts, and by every other unique key what they would replace.
    std::string on_insert = state_new("1", "4");
    std::size_t number = 0;
    for (const auto& index : table.unique_indexes) {
        if (index.is_of_key(model.key_name)) continue;
        std::string collides;
        std::string changed;
        std::string update_of = "BEFORE UPDATE OF ";
        for (std::size_t i = 0; i < index.parts.size(); ++i) {
            const auto& part = index.parts[i];
            if (i > 0) {
                collides.append(" AND ");
                changed.append(" OR ");
                update_of.append(",");
            }
            collides.append(of("v", part.column)).append("=").append(sqlite_coming_value(table, part.column)).append(" COLLATE ").append(sqlite_quoted(part.collation));
            changed.append(of("NEW", part.column)).append(" IS NOT ").append(of("OLD", part.column)).append(" COLLATE BINARY");
            update_of.append(sqlite_quoted(part.column));
        }
        on_insert.append(state_victims(collides, key_to_come));
        if (const std::string sources = sqlite_computed_from(table, index); !sources.empty()) {
            update_of = "BEFORE UPDATE";  // a generated column is never named by the statement
            changed.insert(0, "(").append(") AND ").append(sources);
        }
        std::string suffix = "bux";
        suffix.append(std::to_string(number++));
        add(suffix, update_of, changed, state_victims(collides, of("OLD", model.key_name)));
    }
    if (!table.without_rowid && !numbered && !table.rowid_name.empty()) {
        // A rowid given by hand replaces too. -1 also stands for "not given" in a BEFORE trigger; then a row that has it is stated in vain.
        const std::string rowid = table.rowid_name;
        std::string collides = "v.";
        collides.append(rowid).append("=NEW.").append(rowid);
        on_insert.append(state_victims(collides, key_to_come));
        std::string moved = "NEW.";
        moved.append(rowid).append(" IS NOT OLD.").append(rowid);
        add("bur", "BEFORE UPDATE", moved, state_victims(collides, of("OLD", model.key_name)));
    }
    add("bi", "BEFORE INSERT", "", on_insert);

    // Updates that keep the key: the changed columns only.
    std::string same = "NEW.";
    same.append(key).append(" IS OLD.").append(key).append(" COLLATE BINARY");
    std::string changed_values;
    std::vector<std::string> mask_terms(sqlite_mask_count(n));
    for (std::size_t i = 0; i < n; ++i) {
        const std::string& name = model.fields[i].name;
        std::string differs = of("OLD", name);
        differs.append(" IS NOT ").append(of("NEW", name)).append(" COLLATE BINARY");
        const sqlite_column* const c = table.find(name);
        if (c != nullptr && c->affinity == sqlite_affinity::blob) {
            // 1 and 1.0 are equal to SQLite; only a column that keeps both can change from one to the other.
            differs.append(" OR typeof(").append(of("OLD", name)).append(")<>typeof(").append(of("NEW", name)).append(")");
        }
        std::string& term = mask_terms[i / sqlite_mask_bits];
        if (!term.empty()) term.append("|");
        term.append("((").append(differs).append(")<<").append(std::to_string(i % sqlite_mask_bits)).append(")");
        changed_values.append(",CASE WHEN ").append(differs).append(" THEN ").append(field_of("OLD", i)).append(" END");
    }
    std::string on_update = "INSERT INTO ";
    on_update.append(into).append("(kind,\"key\"").append(masks).append(columns).append(") VALUES(2,OLD.").append(key);
    for (const auto& term : mask_terms) on_update.append(",").append(term);
    on_update.append(changed_values).append("); ");
    add("bu", "BEFORE UPDATE", same + and_live("OLD") + and_live("NEW"), on_update);
    if (!trash.empty()) {
        std::string trashed = same + and_live("OLD");
        add("btrash", "BEFORE UPDATE", trashed.append(" AND NEW.").append(trash).append(" IS NOT NULL"), state_old());
        std::string restored = same + and_live("NEW");
        add("brestore", "BEFORE UPDATE", restored.append(" AND OLD.").append(trash).append(" IS NOT NULL"), state_absent());
    }

    // Updates of the key: one record goes, another comes.
    std::string differs = "NEW.";
    differs.append(key).append(" IS NOT OLD.").append(key).append(" COLLATE BINARY");
    std::string of_key = "BEFORE UPDATE";
    if (!numbered) of_key.append(" OF ").append(key);  // SET rowid = ... does not count as naming an INTEGER PRIMARY KEY
    std::string renames = differs;
    if (model.key_assigned) {
        // A row that had no key names no record before; its key may be that of a row that an INSERT has just replaced, of which an entry speaks already.
        const std::string nameless = sqlite_is_nameless(of("OLD", model.key_name));
        add("bun", of_key, std::string{nameless}.append(" AND ").append(differs), state_new("7", "3"));
        renames.append(" AND NOT ").append(nameless);
    }
    add("buk", of_key, renames + and_live("OLD"), state_old().append(state_new("6", "3")));
    if (!trash.empty()) {
        std::string of_trash = renames;
        add("bktrash", of_key, of_trash.append(" AND OLD.").append(trash).append(" IS NOT NULL"), state_new("6", "3"));
    }

    add("bd", "BEFORE DELETE", old_live, state_old());

    if (numbered) {
        // Not needed where the statement named the key and nothing else happened since: then our entry is the last.
        std::string unnamed = "NOT EXISTS(SELECT 1 FROM ";
        unnamed.append(into).append(" WHERE seq=(SELECT max(seq) FROM ").append(into).append(") AND kind IN(1,4) AND \"key\"=NEW.").append(key).append(")");
        std::string on_inserted = "INSERT INTO ";
        on_inserted.append(into).append("(kind,\"key\") VALUES(5,NEW.").append(key).append("); ");
        add("ai", "AFTER INSERT", unnamed, on_inserted);
    } else if (std::string given = of("NEW", model.key_name); key_to_come != given) {
        // The default of a key that was NULL is drawn again after the BEFORE triggers, and need not come out the same.
        std::string on_made = "INSERT INTO ";
        on_made.append(into).append("(kind,\"key\") VALUES(7,").append(given).append("); ");
        add("ai", "AFTER INSERT", "", on_made);
        add("au", "AFTER UPDATE", differs, on_made);
    }
    return script;
}

/// Reads the fields of a row of @p model from the columns @p first and on.
[[nodiscard]] inline record read_sqlite_fields(const sqlite_statement& s, int first, const model_schema& model) {
    record out;
    out.fields.reserve(model.fields.size());
    for (std::size_t i = 0; i < model.fields.size(); ++i) out.fields.push_back(read_sqlite_value(s, first + static_cast<int>(i), model.fields[i].kind));
    return out;
}

/// Folds the entries of one capture log, given in rising order, to what each record was before the first of them.
class sqlite_capture_fold {
public:
    /// What is known of one record.
    struct state {
        std::int64_t first = 0;       ///< number of its first entry
        bool complete = false;        ///< `row` is the row (nothing: absent) as of its first complete entry
        std::optional<record> row;
        record changed;               ///< values before the first entry, for the fields in `known`
        field_set known;
        bool seen = false;            ///< an entry said that the record was there
        bool recreated = false;       ///< a later one that it was not
    };

    /// @param model  outlives the fold
    explicit sqlite_capture_fold(const model_schema& model) : model_(&model) {}

    /// The columns to select for `add`, from the log.
    [[nodiscard]] static std::string columns(std::size_t fields) {
        std::string out = "seq,kind,\"key\"";
        for (std::size_t i = 0; i < sqlite_mask_count(fields); ++i) out.append(",m").append(std::to_string(i));
        for (std::size_t i = 0; i < fields; ++i) out.append(",c").append(std::to_string(i));
        return out;
    }

    /// Takes the entry that @p s stands on, whose columns are `columns(...)`. Keys that can name no record are passed over.
    void add(const sqlite_statement& s) {
        const std::int64_t seq = s.column_integer(0);
        const auto kind = static_cast<sqlite_capture_kind>(s.column_integer(1));
        if (kind == sqlite_capture_kind::mark) return;
        auto key = read_sqlite_key(s, 2, model_->key_kind);
        if (!key) return;
        switch (kind) {
        case sqlite_capture_kind::mark: return;
        case sqlite_capture_kind::absent_on_insert:
        case sqlite_capture_kind::row_on_insert:
            if (model_->key_kind == value_kind::integer) begun_.push_back({seq, *key});
            break;
        case sqlite_capture_kind::inserted: end_insert(*key, seq); return;
        case sqlite_capture_kind::made:
            if (state& made = at(std::move(*key), seq); !made.complete) absent(made);
            return;
        case sqlite_capture_kind::columns:
        case sqlite_capture_kind::row:
        case sqlite_capture_kind::absent: break;
        }
        state& st = at(std::move(*key), seq);
        const std::size_t n = model_->fields.size();
        const int first_column = 3 + static_cast<int>(sqlite_mask_count(n));
        switch (kind) {
        case sqlite_capture_kind::absent:
        case sqlite_capture_kind::absent_on_insert: absent(st); return;
        case sqlite_capture_kind::columns:
            st.seen = true;
            if (st.complete) return;
            st.changed.fields.resize(n);
            for (std::size_t i = 0; i < n; ++i) {
                const auto mask = static_cast<std::uint64_t>(s.column_integer(3 + static_cast<int>(i / sqlite_mask_bits)));
                const auto f = static_cast<field_index>(i);
                if ((mask >> (i % sqlite_mask_bits) & 1) == 0 || st.known.contains(f)) continue;
                st.known.insert(f);
                st.changed.fields[i] = read_sqlite_value(s, first_column + static_cast<int>(i), model_->fields[i].kind);
            }
            return;
        default: break;
        }
        st.seen = true;
        if (st.complete) return;
        st.complete = true;
        st.row = read_sqlite_fields(s, first_column, *model_);
    }

    /// The records in the order of their first entries.
    [[nodiscard]] const std::vector<std::string>& keys() const noexcept { return order_; }
    /// @pre @p key is one of `keys()`
    [[nodiscard]] const state& of(const std::string& key) const { return states_.at(key); }
    /// What is known of @p key; nullptr: no entry speaks of it.
    [[nodiscard]] const state* find(const std::string& key) const {
        const auto at = states_.find(key);
        return at == states_.end() ? nullptr : &at->second;
    }

    /// The row before the first entry, given the row now.
    [[nodiscard]] static std::optional<record> before(const state& st, const std::optional<record>& now) {
        std::optional<record> out = st.complete ? st.row : now;
        if (!out) return out;
        for (std::size_t i = 0; i < out->fields.size(); ++i)
            if (st.known.contains(static_cast<field_index>(i))) out->fields[i] = st.changed.fields[i];
        return out;
    }

private:
    struct insert {
        std::int64_t seq;
        std::string key;
    };

    state& at(std::string key, std::int64_t seq) {
        const auto [where, is_new] = states_.try_emplace(std::move(key));
        if (is_new) {
            where->second.first = seq;
            order_.push_back(where->first);
        }
        return where->second;
    }
    static void absent(state& st) {
        if (st.seen) st.recreated = true;
        st.complete = true;  // without effect where an earlier entry was complete: `row` stays
    }
    // An INSERT into a table that numbers its rows has ended with this key. If it named the key, the entry before it said
    // all. Otherwise the entry before it stands for -1, and the record was absent then: what was logged of it since comes
    // from triggers inside the INSERT.
    void end_insert(const std::string& key, std::int64_t seq) {
        while (!begun_.empty() && begun_.back().key != key && begun_.back().key != "-1") begun_.pop_back();
        if (begun_.empty()) return;
        const insert begin = std::move(begun_.back());
        begun_.pop_back();
        if (begin.key == key) return;
        state& st = at(key, seq);
        if (st.first < begin.seq) {
            absent(st);
            return;
        }
        const std::int64_t first = st.first;
        st = state{};
        st.first = first;
        st.complete = true;
    }

    const model_schema* model_;
    std::unordered_map<std::string, state> states_;
    std::vector<std::string> order_;
    std::vector<insert> begun_;
};

SYNCLINE_NAMESPACE_END

#endif
