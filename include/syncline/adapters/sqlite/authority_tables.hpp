#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_TABLES_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_TABLES_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The version of the authority's bookkeeping tables that this library reads and writes.
inline constexpr std::int64_t sqlite_authority_format = 3;

/// Runs @p sql, prepared once per connection, and hands each row to @p row until that answers false.
/// @param bind  called with the `sqlite_statement&` before the first step
/// @param row   called with the `sqlite_statement&` of each row; gives a bool: whether to go on
template <class Bind, class Row>
[[nodiscard]] result<void> each_sqlite_row(sqlite_database& db, std::string_view sql, Bind bind, Row row) {
    auto s = db.cached(sql);
    if (!s) return std::move(s).error();
    sqlite_statement& statement = **s;
    bind(statement);
    for (;;) {
        const auto more = statement.step();
        if (!more) return more.error();
        if (!*more) return {};
        const bool go_on = row(statement);
        if (auto r = statement.row_read(); !r || !go_on) return r;
    }
}

/// Runs @p sql, prepared once per connection, to its end.
template <class Bind>
[[nodiscard]] result<void> run_sqlite(sqlite_database& db, std::string_view sql, Bind bind) {
    return each_sqlite_row(db, sql, bind, [](sqlite_statement&) { return true; });
}

/// Runs @p sql, prepared once per connection and without parameters.
[[nodiscard]] inline result<void> run_sqlite(sqlite_database& db, std::string_view sql) {
    return run_sqlite(db, sql, [](sqlite_statement&) {});
}

/// The bookkeeping tables. Numbers stand for tenants, models and layouts; `changes.id` rises by one per change, so that a
/// bundle's rows are one range of it.
inline constexpr std::string_view sqlite_authority_ddl = R"sql(
CREATE TABLE syncline_authority_meta(name TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
CREATE TABLE syncline_authority_tenants(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL,
  stamp INTEGER NOT NULL, floor_seq INTEGER NOT NULL, floor_stamp INTEGER NOT NULL);
CREATE TABLE syncline_authority_incarnations(number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, stamp INTEGER NOT NULL);
CREATE TABLE syncline_authority_lost(incarnation INTEGER NOT NULL, tenant INTEGER NOT NULL, seq INTEGER NOT NULL, stamp INTEGER NOT NULL,
  PRIMARY KEY(incarnation, tenant)) WITHOUT ROWID;
CREATE TABLE syncline_authority_sources(tenant INTEGER NOT NULL, principal TEXT NOT NULL, source TEXT NOT NULL, seq INTEGER, stamp INTEGER,
  seen INTEGER NOT NULL, PRIMARY KEY(tenant, principal, source)) WITHOUT ROWID;
CREATE TABLE syncline_authority_models(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, layout INTEGER NOT NULL DEFAULT 0);
CREATE TABLE syncline_authority_layouts(id INTEGER PRIMARY KEY, model INTEGER NOT NULL, fields BLOB NOT NULL, UNIQUE(model, fields));
CREATE TABLE syncline_authority_stage(seq INTEGER PRIMARY KEY, model INTEGER, key, tenant TEXT);
CREATE TABLE syncline_authority_bundles(tenant INTEGER NOT NULL, seq INTEGER NOT NULL, source TEXT NOT NULL,
  source_bundle_id INTEGER NOT NULL, row_count INTEGER NOT NULL, first_stamp INTEGER NOT NULL, first_change INTEGER NOT NULL,
  PRIMARY KEY(tenant, seq)) WITHOUT ROWID;
CREATE TABLE syncline_authority_changes(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, model INTEGER NOT NULL, key TEXT NOT NULL,
  seq INTEGER NOT NULL, stamp INTEGER NOT NULL, op INTEGER NOT NULL, layout INTEGER NOT NULL, writer TEXT NOT NULL,
  fields BLOB NOT NULL, written_at INTEGER NOT NULL, image BLOB);
CREATE INDEX syncline_authority_changes_by_record ON syncline_authority_changes(tenant, model, key, seq);
CREATE TABLE syncline_authority_rows(tenant INTEGER NOT NULL, model INTEGER NOT NULL, key TEXT NOT NULL, change INTEGER NOT NULL,
  version INTEGER NOT NULL, stamp INTEGER NOT NULL, deleted INTEGER NOT NULL, pruned_version INTEGER NOT NULL,
  PRIMARY KEY(tenant, model, key)) WITHOUT ROWID;
CREATE INDEX syncline_authority_rows_by_stamp ON syncline_authority_rows(tenant, stamp, change);
CREATE TABLE syncline_authority_receipts(tenant INTEGER NOT NULL, principal TEXT NOT NULL, id TEXT NOT NULL, model INTEGER NOT NULL,
  key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(tenant, principal, id)) WITHOUT ROWID;
CREATE TABLE syncline_authority_bundle_receipts(tenant INTEGER NOT NULL, source TEXT NOT NULL, source_bundle_id INTEGER NOT NULL,
  principal TEXT NOT NULL, seq INTEGER NOT NULL, content_hash TEXT NOT NULL, row_count INTEGER NOT NULL,
  PRIMARY KEY(tenant, source, source_bundle_id)) WITHOUT ROWID;
CREATE TABLE syncline_authority_sessions(number INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id TEXT NOT NULL, principal TEXT NOT NULL,
  source TEXT NOT NULL, source_bundle_id INTEGER NOT NULL, planned_rows INTEGER NOT NULL, received_rows INTEGER NOT NULL,
  expires INTEGER NOT NULL, UNIQUE(tenant, id));
CREATE INDEX syncline_authority_sessions_by_source ON syncline_authority_sessions(tenant, source, source_bundle_id);
CREATE TABLE syncline_authority_session_mutations(session INTEGER NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL,
  model INTEGER NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(session, ordinal)) WITHOUT ROWID;
CREATE TABLE syncline_authority_snapshots(number INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id TEXT NOT NULL, principal TEXT NOT NULL,
  seq INTEGER NOT NULL, stamp INTEGER NOT NULL, row_count INTEGER NOT NULL, expires INTEGER NOT NULL, newest_write INTEGER NOT NULL,
  UNIQUE(tenant, id));
CREATE TABLE syncline_authority_snapshot_rows(snapshot INTEGER NOT NULL, ordinal INTEGER NOT NULL, model INTEGER NOT NULL,
  key TEXT NOT NULL, version INTEGER NOT NULL, layout INTEGER NOT NULL, image BLOB NOT NULL,
  PRIMARY KEY(snapshot, ordinal)) WITHOUT ROWID;
)sql";

/// What format 2 added: what the engine notes of devices that send no base, and who may see what. Format 1 had these tables or not, since a
/// program made them when it first needed them.
inline constexpr std::string_view sqlite_authority_ddl_2 = R"sql(
CREATE TABLE IF NOT EXISTS syncline_authority_notes(tenant INTEGER NOT NULL, principal BLOB NOT NULL, name BLOB NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(tenant, principal, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS syncline_authority_audiences(tenant INTEGER NOT NULL, model INTEGER NOT NULL, key TEXT NOT NULL, audience BLOB NOT NULL,
  PRIMARY KEY(tenant, model, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS syncline_authority_audience_log(tenant INTEGER NOT NULL, model INTEGER NOT NULL, key TEXT NOT NULL, stamp INTEGER NOT NULL,
  before BLOB, after BLOB NOT NULL, PRIMARY KEY(tenant, model, key, stamp)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS syncline_authority_labels(tenant INTEGER NOT NULL, label TEXT NOT NULL, model INTEGER NOT NULL, key TEXT NOT NULL,
  PRIMARY KEY(tenant, label, model, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS syncline_authority_labelled(tenant INTEGER PRIMARY KEY, rules TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS syncline_authority_views(tenant INTEGER NOT NULL, principal TEXT NOT NULL, source TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(tenant, principal, source)) WITHOUT ROWID;
)sql";

/// The format of the bookkeeping in the database.
/// @return `errc::unsupported` where it is below @p oldest or newer than this version of the library knows
[[nodiscard]] inline result<std::int64_t> check_sqlite_authority_format(sqlite_database& db, std::int64_t oldest) {
    auto format = db.query_integer("SELECT value FROM syncline_authority_meta WHERE name = 'format'");
    if (!format || (*format >= oldest && *format <= sqlite_authority_format)) return format;
    return make_fault(errc::unsupported, "the database's bookkeeping has format ", std::to_string(*format), " and this version of the "
                      "library knows ", std::to_string(sqlite_authority_format), "; use the version that made it, or a newer one");
}

/// Makes the bookkeeping tables where there are none, and brings those of an older format up to this one. To be called inside a write transaction.
/// @param epoch  names this incarnation of the data where it is made now; empty: SQLite draws 128 random bits
/// @return `errc::unsupported` for a format that this version of the library does not know
[[nodiscard]] inline result<void> create_sqlite_authority_tables(sqlite_database& db, const std::string& epoch) {
    const auto there = db.query_integer("SELECT count(*) FROM main.sqlite_schema WHERE name = 'syncline_authority_meta'");
    if (!there) return there.error();
    if (*there == 0) {
        if (auto r = db.execute(std::string{sqlite_authority_ddl}.append(sqlite_authority_ddl_2)); !r) return r;
        return run_sqlite(db,
                          "INSERT INTO syncline_authority_meta VALUES('format', ?1), ('epoch', CASE ?2 WHEN '' THEN "
                          "lower(hex(randomblob(16))) ELSE ?2 END)",
                          [&](sqlite_statement& s) { s.bind(1, sqlite_authority_format).bind_text(2, epoch); });
    }
    auto format = check_sqlite_authority_format(db, 1);
    if (!format) return std::move(format).error();
    if (*format == sqlite_authority_format) return {};
    if (*format == 1) {
        // It numbered the tables of labels apart.
        const auto labels = db.query_integer("SELECT value FROM syncline_authority_meta WHERE name = 'scopes_format'", 1);
        if (!labels) return labels.error();
        if (*labels != 1)
            return make_fault(errc::unsupported, "the database's bookkeeping of labels has format ", std::to_string(*labels), " and this version of the "
                              "library knows 1; use the version that made it, or a newer one");
        if (auto r = db.execute(std::string{sqlite_authority_ddl_2}.append("DELETE FROM syncline_authority_meta WHERE name = 'scopes_format'")); !r) return r;
    }
    // What format 2 noted of devices that send no base has another form now. Of a device that nothing is known of all counts as not seen.
    std::string last{"DELETE FROM syncline_authority_notes WHERE substr(name, 1, 7) = CAST('legacy/' AS BLOB); UPDATE syncline_authority_meta SET value = "};
    return db.execute(last.append(std::to_string(sqlite_authority_format)).append(" WHERE name = 'format'"));
}

/// The tenants that have history in the database, in no particular order: those for whom a host calls `authority::retain`.
[[nodiscard]] inline result<std::vector<std::string>> sqlite_authority_tenants(sqlite_database& db) {
    std::vector<std::string> out;
    auto read = each_sqlite_row(
        db, "SELECT name FROM syncline_authority_tenants", [](sqlite_statement&) {},
        [&](sqlite_statement& s) {
            out.emplace_back(s.column_text(0));
            return true;
        });
    if (!read) return std::move(read).error();
    return out;
}

/// One order of a model's fields under which images were stored.
struct sqlite_image_layout {
    model_id model = 0;                             ///< meaningful where `registered`
    bool registered = false;                        ///< false: its model is not served by this program
    bool current = false;                           ///< the fields are those of the registered model
    std::vector<std::optional<field_index>> place;  ///< where each stored field stands now; nothing: it is gone
};

/// Numbers models and orders of fields, so that what is stored outlives a change of the registered models.
struct sqlite_model_catalog {
    std::vector<std::int64_t> numbers;                              ///< by `model_id`
    std::vector<std::int64_t> layouts;                              ///< the current layout, by `model_id`
    std::vector<bool> fresh;                                        ///< the layout is not the one of the last time, by `model_id`
    std::unordered_map<std::int64_t, model_id> by_number;
    std::unordered_map<std::int64_t, sqlite_image_layout> by_layout;

    /// The registered model of @p number, if there is one.
    [[nodiscard]] std::optional<model_id> find(std::int64_t number) const {
        const auto at = by_number.find(number);
        if (at == by_number.end()) return std::nullopt;
        return at->second;
    }
};

/// The stored form of a model's list of fields.
[[nodiscard]] inline std::string encode_field_list(const model_schema& schema) {
    std::string out;
    byte_writer w{out};
    w.number(schema.fields.size());
    for (const auto& f : schema.fields) {
        w.text(f.name);
        w.number(static_cast<std::uint64_t>(f.kind));
    }
    return out;
}

/// Reads the catalog and adds what @p schemas has that is new. To be called inside a write transaction.
[[nodiscard]] inline result<sqlite_model_catalog> register_sqlite_models(sqlite_database& db, const schema_set& schemas) {
    sqlite_model_catalog out;
    for (std::size_t i = 0; i < schemas.size(); ++i) {
        const auto& schema = schemas[static_cast<model_id>(i)];
        const std::string fields = encode_field_list(schema);
        std::int64_t number = 0;
        std::int64_t layout = 0;
        std::int64_t last_layout = 0;
        if (auto r = run_sqlite(db, "INSERT INTO syncline_authority_models(name) VALUES(?1) ON CONFLICT DO NOTHING",
                                [&](sqlite_statement& s) { s.bind_text(1, schema.name); });
            !r)
            return std::move(r).error();
        if (auto r = each_sqlite_row(
                db, "SELECT id, layout FROM syncline_authority_models WHERE name = ?1",
                [&](sqlite_statement& s) { s.bind_text(1, schema.name); },
                [&](sqlite_statement& s) {
                    number = s.column_integer(0);
                    last_layout = s.column_integer(1);
                    return false;
                });
            !r)
            return std::move(r).error();
        if (auto r = run_sqlite(db, "INSERT INTO syncline_authority_layouts(model, fields) VALUES(?1, ?2) ON CONFLICT DO NOTHING",
                                [&](sqlite_statement& s) { s.bind(1, number).bind_blob(2, fields); });
            !r)
            return std::move(r).error();
        if (auto r = each_sqlite_row(
                db, "SELECT id FROM syncline_authority_layouts WHERE model = ?1 AND fields = ?2",
                [&](sqlite_statement& s) { s.bind(1, number).bind_blob(2, fields); },
                [&](sqlite_statement& s) {
                    layout = s.column_integer(0);
                    return false;
                });
            !r)
            return std::move(r).error();
        out.fresh.push_back(layout != last_layout);
        if (layout != last_layout) {
            if (auto r = run_sqlite(db, "UPDATE syncline_authority_models SET layout = ?2 WHERE id = ?1",
                                    [&](sqlite_statement& s) { s.bind(1, number).bind(2, layout); });
                !r)
                return std::move(r).error();
            // Uploads in progress name fields by position; their devices start them again.
            if (auto r = db.execute("DELETE FROM syncline_authority_sessions; DELETE FROM syncline_authority_session_mutations"); !r)
                return std::move(r).error();
        }
        out.numbers.push_back(number);
        out.layouts.push_back(layout);
        out.by_number.emplace(number, static_cast<model_id>(i));
    }
    bool damaged = false;
    auto r = each_sqlite_row(
        db, "SELECT id, model, fields FROM syncline_authority_layouts", [](sqlite_statement&) {},
        [&](sqlite_statement& s) {
            sqlite_image_layout l;
            if (const auto model = out.find(s.column_integer(1))) {
                l.model = *model;
                l.registered = true;
                l.current = out.layouts[*model] == s.column_integer(0);
                byte_reader in{s.column_blob(2)};
                const std::uint64_t count = in.number();
                for (std::uint64_t n = 0; n < count && !in.failed(); ++n) {
                    l.place.push_back(schemas[*model].find_field(in.text()));
                    in.number();
                }
                damaged = damaged || !in.at_end();
            }
            out.by_layout.emplace(s.column_integer(0), std::move(l));
            return true;
        });
    if (!r) return std::move(r).error();
    if (damaged) return make_fault(errc::corrupt, "a stored list of fields does not decode; the bookkeeping tables were changed or damaged");
    return out;
}

/// The stored form of a set of fields: its bits, lowest first, without the zero bytes at the end.
[[nodiscard]] inline std::string encode_field_set(const field_set& fields) {
    std::string out;
    for (auto word : fields.words())
        for (int i = 0; i < 8; ++i, word >>= 8) out.push_back(static_cast<char>(static_cast<unsigned char>(word & 0xff)));
    while (!out.empty() && out.back() == '\0') out.pop_back();
    return out;
}

/// Reads `encode_field_set`'s form; bytes beyond a set's size are ignored.
[[nodiscard]] inline field_set decode_field_set(std::string_view bytes) {
    std::array<std::uint64_t, max_fields / 64> words{};
    for (std::size_t i = 0; i < bytes.size() && i / 8 < words.size(); ++i)
        words[i / 8] |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * (i % 8));
    return field_set::from_words(words);
}

/// Reads a stored image into the fields of the registered model: fields that are gone fall out, new ones are null.
[[nodiscard]] inline result<record> decode_laid_out(const sqlite_image_layout& layout, std::size_t field_count, std::string_view bytes) {
    auto stored = decode_record(bytes);
    if (!stored || layout.current) return stored;
    record out;
    out.fields.resize(field_count);
    for (std::size_t i = 0; i < stored->fields.size() && i < layout.place.size(); ++i)
        if (layout.place[i]) out.fields[*layout.place[i]] = std::move(stored->fields[i]);
    return out;
}

/// Reads a stored set of fields into the positions of the registered model.
[[nodiscard]] inline field_set decode_laid_out_fields(const sqlite_image_layout& layout, std::string_view bytes) {
    const field_set stored = decode_field_set(bytes);
    if (layout.current) return stored;
    field_set out;
    for (std::size_t i = 0; i < layout.place.size(); ++i)
        if (layout.place[i] && stored.contains(static_cast<field_index>(i))) out.insert(*layout.place[i]);
    return out;
}

/// The stored form of a receipt without its id and key, which stand in columns of their own.
[[nodiscard]] inline std::string encode_receipt(const receipt& r) {
    std::string out;
    byte_writer w{out};
    w.number(static_cast<std::uint64_t>(r.outcome));
    w.signed_number(r.version);
    w.number((r.clean ? 1U : 0U) | (r.carries_row ? 2U : 0U) | (r.why ? 4U : 0U));
    w.text(r.after);
    w.text(r.content_hash);
    if (r.why) {
        w.number(static_cast<std::uint64_t>(r.why->code));
        w.text(r.why->detail);
    }
    w.number(r.messages.size());
    for (const auto& m : r.messages) {
        w.text(m.field);
        w.text(m.text);
    }
    return out;
}

/// Reads `encode_receipt`'s form. @return `errc::corrupt` when it is not of that form
[[nodiscard]] inline result<receipt> decode_receipt(mutation_id id, record_key key, std::string_view bytes) {
    byte_reader in{bytes};
    receipt r;
    r.id = std::move(id);
    r.key = std::move(key);
    const std::uint64_t outcome = in.number();
    if (outcome < 1 || outcome > 5) in.fail();
    r.outcome = static_cast<outcome_kind>(outcome);
    r.version = in.signed_number();
    const std::uint64_t flags = in.number();
    r.clean = (flags & 1U) != 0;
    r.carries_row = (flags & 2U) != 0;
    r.after = in.text();
    r.content_hash = in.text();
    if ((flags & 4U) != 0 && !in.failed()) {
        wait_reason why;
        why.code = static_cast<errc>(in.number());
        why.detail = in.text();
        r.why = std::move(why);
    }
    const std::uint64_t messages = in.number();
    for (std::uint64_t n = 0; n < messages && !in.failed(); ++n) {
        field_message m;
        m.field = in.text();
        m.text = in.text();
        r.messages.push_back(std::move(m));
    }
    if (!in.at_end()) return make_fault(errc::corrupt, "a stored receipt does not decode; the bookkeeping tables were changed or damaged");
    return r;
}

SYNCLINE_NAMESPACE_END

#endif
