#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_RENAMES_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_RENAMES_HPP

#include <syncline/adapters/sqlite/authority_capture.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/engine/legacy_memory.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// What `make_sqlite_rename_trace` says after SQLite rewrote it.
struct sqlite_rename_trace {
    std::vector<std::string> columns;  ///< what they are called now: the fields of the layout, in its order, and perhaps one more
    std::int64_t layout = 0;
};

/// Reads the statement of such a trigger, whatever its table is called now. @return nothing: it is not ours
[[nodiscard]] inline std::optional<sqlite_rename_trace> read_sqlite_rename_trace(std::string_view sql) {
    // The text in the quotes that open at `at`, which is moved behind them.
    const auto quoted = [&](std::size_t& at) {
        std::string name;
        for (++at; at < sql.size(); ++at) {
            if (sql[at] == '"' && sql.substr(at + 1, 1) != "\"") break;
            if (sql[at] == '"') ++at;
            name.push_back(sql[at]);
        }
        if (at < sql.size()) ++at;
        return name;
    };
    std::size_t at = 0;
    while (at < sql.size() && sql[at] != '(') {
        if (sql[at] == '"') (void)quoted(at);
        else ++at;
    }
    sqlite_rename_trace out;
    constexpr std::string_view row = "OLD.";
    do {
        ++at;
        if (at + row.size() >= sql.size() || sql.substr(at, row.size()) != row || sql[at + row.size()] != '"') return std::nullopt;
        at += row.size();
        out.columns.push_back(quoted(at));
    } while (at < sql.size() && sql[at] == ',');
    constexpr std::string_view body = ") BEGIN SELECT ";
    if (at >= sql.size() || sql.substr(at, body.size()) != body) return std::nullopt;
    const char* const end = sql.data() + sql.size();
    if (std::from_chars(sql.data() + at + body.size(), end, out.layout).ec != std::errc{}) return std::nullopt;
    return out;
}

/// Gives what the bookkeeping calls a column the name that the app gave it by `ALTER TABLE ... RENAME COLUMN` since the database was last opened: the
/// order of fields under which images are stored, and what is noted of devices that send no base. Then the sealed rows are the rows as they are, nothing
/// is sealed anew, and no device is sent a row that nobody edited.
///
/// The column is told by our own trigger (`make_sqlite_rename_trace`), as on a device. Where that does not stand any more, because the table was made
/// anew or the triggers were taken away, a column of another name is another column: the rows are compared and what differs is sealed.
class sqlite_authority_renames {
public:
    /// @param models  by `model_id`; all outlive this object
    sqlite_authority_renames(sqlite_database& db, const schema_set& schemas, const std::vector<sqlite_captured_model>& models)
        : db_(db), schemas_(schemas), models_(models) {}

    /// To be called inside a write transaction, before the models are registered. @return `errc::corrupt`, or a fault of the database
    [[nodiscard]] result<void> follow() {
        for (model_id id = 0; id < schemas_.size(); ++id) {
            auto names = renamed(id);
            if (!names) return std::move(names).error();
            if (names->empty()) continue;
            if (auto r = follow_layouts(id, *names); !r) return r;
            if (auto r = follow_notes(schemas_[id], *names); !r) return r;
        }
        return {};
    }

private:
    using new_names = std::map<std::string, std::string>;  // by the old one
    using field_list = std::vector<std::pair<std::string, std::uint64_t>>;  // name and kind

    [[nodiscard]] static result<field_list> decode(std::string_view fields) {
        byte_reader in{fields};
        field_list out;
        const std::uint64_t count = in.number();
        for (std::uint64_t n = 0; n < count && !in.failed(); ++n) {
            std::string name = in.text();
            out.emplace_back(std::move(name), in.number());
        }
        if (!in.at_end()) return make_fault(errc::corrupt, "a stored list of fields does not decode; the bookkeeping tables were changed or damaged");
        return out;
    }

    // The fields whose columns have other names than in the layout that the trigger was made for.
    [[nodiscard]] result<new_names> renamed(model_id id) {
        std::optional<sqlite_rename_trace> trace;
        if (auto r = each_sqlite_row(
                db_, "SELECT sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE AND substr(name, 1, length(?2)) = ?2 AND "
                     "substr(name, -length(?3)) = ?3",
                [&](sqlite_statement& s) {
                    s.bind_text(1, models_[id].table.name).bind_text(2, sqlite_authority_prefix).bind_text(3, sqlite_rename_trace_suffix);
                },
                [&](sqlite_statement& s) {
                    trace = read_sqlite_rename_trace(s.column_text(0));
                    return !trace;
                });
            !r)
            return std::move(r).error();
        new_names out;
        if (!trace) return out;
        std::string fields;
        if (auto r = each_sqlite_row(
                db_, "SELECT l.fields FROM syncline_authority_layouts l JOIN syncline_authority_models m ON m.id = l.model WHERE l.id = ?1 AND m.name = ?2",
                [&](sqlite_statement& s) { s.bind(1, trace->layout).bind_text(2, schemas_[id].name); },
                [&](sqlite_statement& s) {
                    fields = std::string{s.column_blob(0)};
                    return false;
                });
            !r)
            return std::move(r).error();
        if (fields.empty()) return out;
        auto before = decode(fields);
        if (!before) return std::move(before).error();
        if (before->size() > trace->columns.size()) return out;
        for (std::size_t i = 0; i < before->size(); ++i)
            if ((*before)[i].first != trace->columns[i]) out.emplace((*before)[i].first, trace->columns[i]);
        return out;
    }

    [[nodiscard]] result<void> follow_layouts(model_id id, const new_names& names) {
        std::vector<std::pair<std::int64_t, field_list>> layouts;
        std::optional<fault> bad;
        if (auto r = each_sqlite_row(
                db_, "SELECT l.id, l.fields FROM syncline_authority_layouts l JOIN syncline_authority_models m ON m.id = l.model WHERE m.name = ?1",
                [&](sqlite_statement& s) { s.bind_text(1, schemas_[id].name); },
                [&](sqlite_statement& s) {
                    auto fields = decode(s.column_blob(1));
                    if (fields) layouts.emplace_back(s.column_integer(0), std::move(*fields));
                    else bad = std::move(fields).error();
                    return !bad;
                });
            !r)
            return r;
        if (bad) return std::move(*bad);
        // Two columns may have changed names: no list is to meet another one halfway.
        if (auto r = run_sqlite(db_, "UPDATE syncline_authority_layouts SET fields = CAST('renamed ' || id AS BLOB) WHERE model = (SELECT id FROM "
                                     "syncline_authority_models WHERE name = ?1)",
                                [&](sqlite_statement& s) { s.bind_text(1, schemas_[id].name); });
            !r)
            return r;
        for (const auto& [layout, fields] : layouts) {
            std::string list;
            byte_writer w{list};
            w.number(fields.size());
            for (const auto& [name, kind] : fields) {
                w.text(now_called(layout, name, names));
                w.number(kind);
            }
            if (auto r = run_sqlite(db_, "UPDATE syncline_authority_layouts SET fields = ?2 WHERE id = ?1",
                                    [&](sqlite_statement& s) { s.bind(1, layout).bind_blob(2, list); });
                !r)
                return r;
        }
        return {};
    }

    // A column that an older layout knew by a name that another column has taken is gone: it is given a name that none can have.
    [[nodiscard]] static std::string now_called(std::int64_t layout, const std::string& name, const new_names& names) {
        if (const auto to = names.find(name); to != names.end()) return to->second;
        for (const auto& [from, to] : names)
            if (to == name) return std::string(1, '\0').append(std::to_string(layout)).append("/").append(name);
        return name;
    }

    // What a device sent stands there by the names of fields; one that is noted under another name would count as never sent, and as changed next time.
    [[nodiscard]] result<void> follow_notes(const model_schema& schema, const new_names& names) {
        struct note {
            std::int64_t tenant;
            std::string principal, name, body;
        };
        constexpr std::string_view prefix = "legacy/record/";
        std::vector<note> notes;
        if (auto r = each_sqlite_row(
                db_, "SELECT tenant, principal, name, body FROM syncline_authority_notes WHERE substr(name, 1, length(?1)) = ?1",
                [&](sqlite_statement& s) { s.bind_blob(1, prefix); },
                [&](sqlite_statement& s) {
                    const std::string_view name = s.column_blob(2);
                    const std::string_view of_client = name.substr((std::min)(name.size(), name.find('\0')));
                    if (of_client.substr(0, schema.name.size() + 2) == std::string(1, '\0').append(schema.name).append(1, '\0'))
                        notes.push_back({s.column_integer(0), std::string{s.column_blob(1)}, std::string{name}, std::string{s.column_blob(3)}});
                    return true;
                });
            !r)
            return r;
        model_schema before = schema;
        for (auto& field : before.fields) {
            const std::string now = std::exchange(field.name, now_called(0, field.name, names) == field.name ? field.name : std::string{});
            for (const auto& [from, to] : names)
                if (to == now) field.name = from;
        }
        for (const auto& n : notes) {
            auto what = decode_legacy_record(before, n.body);
            if (!what) return std::move(what).error();
            const std::string body = encode_legacy_record(schema, *what);
            if (auto r = run_sqlite(db_, "UPDATE syncline_authority_notes SET body = ?4 WHERE tenant = ?1 AND principal = ?2 AND name = ?3",
                                    [&](sqlite_statement& s) { s.bind(1, n.tenant).bind_blob(2, n.principal).bind_blob(3, n.name).bind_blob(4, body); });
                !r)
                return r;
        }
        return {};
    }

    sqlite_database& db_;
    const schema_set& schemas_;
    const std::vector<sqlite_captured_model>& models_;
};

SYNCLINE_NAMESPACE_END

#endif
