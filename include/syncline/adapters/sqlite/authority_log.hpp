#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_LOG_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_LOG_HPP

#include <syncline/adapters/sqlite/authority_incarnation.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Where one transaction's bookkeeping lives: the connection, the tenant's number and what the models are called there.
/// Owns nothing.
struct sqlite_authority_scope {
    sqlite_database* db = nullptr;
    const schema_set* schemas = nullptr;
    const sqlite_model_catalog* catalog = nullptr;
    std::int64_t tenant = 0;  ///< 0: nothing was ever stored for it

    /// What stands for @p id in the tables; 0 where it is not registered.
    [[nodiscard]] std::int64_t number_of(model_id id) const noexcept { return id < catalog->numbers.size() ? catalog->numbers[id] : 0; }

    /// Binds tenant, model and key of @p k to the parameters 1 to 3; the key is lent.
    void bind_key(sqlite_statement& s, const record_key& k) const {
        s.bind(1, tenant).bind(2, number_of(k.model)).lend_text(3, k.key);
    }

    /// The layout numbered @p id, whose model is registered here.
    [[nodiscard]] const sqlite_image_layout* layout(std::int64_t id) const {
        const auto at = catalog->by_layout.find(id);
        return at == catalog->by_layout.end() || !at->second.registered ? nullptr : &at->second;
    }

    /// Reads the image in column @p at, stored in the order of fields that @p layout_column names; null is nothing.
    [[nodiscard]] result<std::optional<record>> image(const sqlite_statement& s, int at, int layout_column) const {
        if (s.column_is_null(at)) return std::optional<record>{};
        const auto* l = layout(s.column_integer(layout_column));
        if (l == nullptr) return make_fault(errc::corrupt, "a stored row has an unknown order of fields; the bookkeeping tables were changed");
        auto r = decode_laid_out(*l, (*schemas)[l->model].fields.size(), s.column_blob(at));
        if (!r) return std::move(r).error();
        return std::optional<record>{std::move(*r)};
    }
};

/// The sealed history of one tenant in an SQLite database.
class sqlite_authority_log {
public:
    explicit sqlite_authority_log(sqlite_authority_scope scope) : in_(scope) {}

    [[nodiscard]] result<authority_head> head() const {
        authority_head h;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT t.seq, t.stamp, t.floor_seq, t.floor_stamp, m.value FROM syncline_authority_meta m LEFT JOIN syncline_authority_tenants t "
            "ON t.id = ?1 WHERE m.name = 'epoch'",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant); },
            [&](sqlite_statement& s) {
                h.seq = s.column_integer(0);
                h.stamp = s.column_integer(1);
                h.floor_seq = s.column_integer(2);
                h.floor_stamp = s.column_integer(3);
                h.epoch = std::string{s.column_text(4)};
                return false;
            });
        if (!r) return std::move(r).error();
        auto lost = read_sqlite_lost_intervals(*in_.db, in_.tenant);
        if (!lost) return std::move(lost).error();
        h.lost = std::move(*lost);
        return h;
    }

    [[nodiscard]] result<std::optional<sealed_row>> sealed(const record_key& k) const {
        std::optional<sealed_row> out;
        std::optional<fault> bad;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT r.version, r.stamp, r.pruned_version, c.written_at, c.layout, c.image FROM syncline_authority_rows r JOIN "
            "syncline_authority_changes c ON c.id = r.change WHERE r.tenant = ?1 AND r.model = ?2 AND r.key = ?3",
            [&](sqlite_statement& s) { in_.bind_key(s, k); },
            [&](sqlite_statement& s) {
                sealed_row row;
                row.version = s.column_integer(0);
                row.stamp = s.column_integer(1);
                row.pruned_version = s.column_integer(2);
                row.written_at = from_microseconds(s.column_integer(3));
                auto image = in_.image(s, 5, 4);
                if (image) row.row = std::move(*image);
                else bad = std::move(image).error();
                out = std::move(row);
                return false;
            });
        if (!r) return std::move(r).error();
        if (bad) return std::move(*bad);
        return out;
    }

    /// @return also `errc::bug` for a bundle that does not continue the log; then nothing was changed
    [[nodiscard]] result<void> append(const bundle& b) {
        auto before = head();
        if (!before) return std::move(before).error();
        if (auto r = check_continues(*before, b); !r) return r;
        for (const auto& row : b.rows)
            if (in_.number_of(row.key.model) == 0)
                return make_fault(errc::bug, "bundle ", std::to_string(b.head.seq), " has a row of a model that is not registered");
        std::int64_t id = 0;
        if (auto r = each_sqlite_row(
                *in_.db, "SELECT coalesce(max(id), 0) + 1 FROM syncline_authority_changes", [](sqlite_statement&) {},
                [&](sqlite_statement& s) {
                    id = s.column_integer(0);
                    return false;
                });
            !r)
            return r;
        if (auto r = run_sqlite(*in_.db, "INSERT INTO syncline_authority_bundles VALUES(?1,?2,?3,?4,?5,?6,?7)",
                                [&](sqlite_statement& s) {
                                    s.bind(1, in_.tenant).bind(2, b.head.seq).bind_text(3, b.head.source).bind(4, b.head.source_bundle_id);
                                    s.bind(5, b.head.row_count).bind(6, b.head.first_stamp).bind(7, id);
                                });
            !r)
            return r;
        const std::int64_t first = id;
        for (const auto& row : b.rows)
            if (auto r = append_row(id++, row); !r) return r;
        if (auto r = show_appended(first, id, before->floor_seq); !r) return r;
        const std::int64_t stamp = b.rows.empty() ? before->stamp : b.rows.back().stamp;
        return run_sqlite(*in_.db, "UPDATE syncline_authority_tenants SET seq = ?2, stamp = ?3 WHERE id = ?1",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, b.head.seq).bind(3, stamp); });
    }

    [[nodiscard]] result<std::vector<change_mark>> changes_of(const record_key& k, std::int64_t above) const {
        std::vector<change_mark> out;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT seq, fields, layout, writer FROM syncline_authority_changes WHERE tenant = ?1 AND model = ?2 AND key = ?3 AND seq > ?4 "
            "ORDER BY seq",
            [&](sqlite_statement& s) {
                in_.bind_key(s, k);
                s.bind(4, above);
            },
            [&](sqlite_statement& s) {
                change_mark m;
                m.version = s.column_integer(0);
                if (const auto* l = in_.layout(s.column_integer(2))) m.fields = decode_laid_out_fields(*l, s.column_blob(1));
                m.writer = std::string{s.column_text(3)};
                out.push_back(std::move(m));
                return true;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<std::vector<row_change>> history_of(const record_key& k) const {
        return changes(
            "SELECT c.model, c.key, c.op, c.seq, c.stamp, c.layout, c.fields, c.writer, c.written_at, c.image FROM "
            "syncline_authority_changes c WHERE c.tenant = ?1 AND c.model = ?2 AND c.key = ?3 ORDER BY c.seq",
            (std::numeric_limits<std::size_t>::max)(), [&](sqlite_statement& s) { in_.bind_key(s, k); });
    }

    [[nodiscard]] result<std::vector<row_change>> latest_after(std::int64_t above, std::size_t most) const {
        return changes(
            "SELECT c.model, c.key, c.op, c.seq, r.stamp, c.layout, c.fields, c.writer, c.written_at, c.image FROM "
            "syncline_authority_rows r JOIN syncline_authority_changes c ON c.id = r.change WHERE r.tenant = ?1 AND r.stamp > ?2 "
            "ORDER BY r.stamp",
            most, [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, above); });
    }

    [[nodiscard]] result<std::vector<bundle_head>> bundle_heads(std::int64_t above, std::size_t most) const {
        std::vector<bundle_head> out;
        if (most == 0) return out;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT seq, source, source_bundle_id, row_count, first_stamp FROM syncline_authority_bundles WHERE tenant = ?1 AND seq > ?2 "
            "ORDER BY seq",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, above); },
            [&](sqlite_statement& s) {
                bundle_head h;
                h.seq = s.column_integer(0);
                h.source = std::string{s.column_text(1)};
                h.source_bundle_id = s.column_integer(2);
                h.row_count = static_cast<std::uint32_t>(s.column_integer(3));
                h.first_stamp = s.column_integer(4);
                out.push_back(std::move(h));
                return out.size() < most;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<std::vector<row_change>> bundle_rows(std::int64_t seq, std::uint32_t from, std::size_t most) const {
        return changes(
            "SELECT c.model, c.key, c.op, c.seq, c.stamp, c.layout, c.fields, c.writer, c.written_at, c.image FROM "
            "syncline_authority_bundles b JOIN syncline_authority_changes c ON c.id >= b.first_change + ?3 AND c.id < b.first_change + "
            "b.row_count WHERE b.tenant = ?1 AND b.seq = ?2 ORDER BY c.id",
            most, [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, seq).bind(3, from); });
    }

    [[nodiscard]] result<void> prune(std::int64_t to) {
        auto now = head();
        if (!now) return std::move(now).error();
        const std::int64_t floor = (std::min)(to, now->seq);
        if (floor <= now->floor_seq) return {};
        const auto bind = [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, floor); };
        // Everything that goes stands in the bundles up to the floor; what was superseded below an older one is gone already.
        for (const char* sql :
             {"UPDATE syncline_authority_rows AS r SET pruned_version = x.version FROM (SELECT c.model AS model, c.key AS key, max(c.seq) AS "
              "version FROM syncline_authority_bundles b JOIN syncline_authority_changes c ON c.id >= b.first_change AND c.id < b.first_change "
              "+ b.row_count WHERE b.tenant = ?1 AND b.seq <= ?2 GROUP BY c.model, c.key) AS x WHERE r.tenant = ?1 AND r.model = x.model AND "
              "r.key = x.key",
              "UPDATE syncline_authority_tenants SET floor_seq = ?2, floor_stamp = coalesce((SELECT max(c.stamp) FROM syncline_authority_bundles b JOIN "
              "syncline_authority_changes c ON c.id = b.first_change + b.row_count - 1 WHERE b.tenant = ?1 AND b.seq = (SELECT max(seq) FROM "
              "syncline_authority_bundles WHERE tenant = ?1 AND seq <= ?2 AND row_count > 0)), floor_stamp) WHERE id = ?1",
              "DELETE FROM syncline_authority_changes WHERE id IN (SELECT c.id FROM syncline_authority_bundles b JOIN "
              "syncline_authority_changes c ON c.id >= b.first_change AND c.id < b.first_change + b.row_count JOIN syncline_authority_rows r "
              "ON r.tenant = ?1 AND r.model = c.model AND r.key = c.key WHERE b.tenant = ?1 AND b.seq <= ?2 AND r.change <> c.id)",
              "DELETE FROM syncline_authority_bundles WHERE tenant = ?1 AND seq <= ?2"})
            if (auto r = run_sqlite(*in_.db, sql, bind); !r) return r;
        return {};
    }

private:
    [[nodiscard]] result<void> append_row(std::int64_t id, const row_change& row) {
        const std::string fields = encode_field_set(row.fields);
        const std::string image = row.after ? encode_record(*row.after) : std::string{};
        return run_sqlite(*in_.db, "INSERT INTO syncline_authority_changes VALUES(?4,?1,?2,?3,?5,?6,?7,?8,?9,?10,?11,?12)",
                          [&](sqlite_statement& s) {
                              in_.bind_key(s, row.key);
                              s.bind(4, id).bind(5, row.version).bind(6, row.stamp).bind(7, static_cast<std::int64_t>(row.op));
                              s.bind(8, in_.catalog->layouts[row.key.model]).lend_text(9, row.writer);
                              s.lend_blob(10, fields).bind(11, to_microseconds(row.written_at));
                              if (row.after) s.lend_blob(12, image);
                          });
    }

    // Makes the changes numbered in [first, end) the last ones of their records, by one statement for all of them.
    [[nodiscard]] result<void> show_appended(std::int64_t first, std::int64_t end, std::int64_t floor) {
        const auto range = [&](sqlite_statement& s) { s.bind(1, first).bind(2, end); };
        if (floor > 0)  // changes that only being the last ones has kept below the floor
            if (auto r = run_sqlite(*in_.db,
                                    "DELETE FROM syncline_authority_changes WHERE id IN (SELECT r.change FROM syncline_authority_changes c CROSS JOIN "
                                    "syncline_authority_rows r ON r.tenant = c.tenant AND r.model = c.model AND r.key = c.key WHERE c.id >= ?1 AND "
                                    "c.id < ?2 AND r.version <= ?3)",
                                    [&](sqlite_statement& s) {
                                        range(s);
                                        s.bind(3, floor);
                                    });
                !r)
                return r;
        return run_sqlite(*in_.db,
                          "INSERT INTO syncline_authority_rows(tenant, model, key, change, version, stamp, deleted, pruned_version) SELECT tenant, "
                          "model, key, id, seq, stamp, image IS NULL, 0 FROM syncline_authority_changes WHERE id >= ?1 AND id < ?2 ON CONFLICT(tenant, "
                          "model, key) DO UPDATE SET change = excluded.change, version = excluded.version, stamp = excluded.stamp, deleted = "
                          "excluded.deleted",
                          range);
    }

    // Rows of models that are not registered here are passed over.
    template <class Bind>
    [[nodiscard]] result<std::vector<row_change>> changes(std::string_view sql, std::size_t most, Bind bind) const {
        std::vector<row_change> out;
        if (most == 0) return out;
        std::optional<fault> bad;
        auto r = each_sqlite_row(*in_.db, sql, bind, [&](sqlite_statement& s) {
            const auto model = in_.catalog->find(s.column_integer(0));
            if (!model) return true;
            row_change c;
            c.key = record_key{*model, std::string{s.column_text(1)}};
            c.op = static_cast<operation>(s.column_integer(2));
            c.version = s.column_integer(3);
            c.stamp = s.column_integer(4);
            if (const auto* l = in_.layout(s.column_integer(5))) c.fields = decode_laid_out_fields(*l, s.column_blob(6));
            c.writer = std::string{s.column_text(7)};
            c.written_at = from_microseconds(s.column_integer(8));
            auto image = in_.image(s, 9, 5);
            if (!image) {
                bad = std::move(image).error();
                return false;
            }
            c.after = std::move(*image);
            out.push_back(std::move(c));
            return out.size() < most;
        });
        if (!r) return std::move(r).error();
        if (bad) return std::move(*bad);
        return out;
    }

    sqlite_authority_scope in_;
};

SYNCLINE_NAMESPACE_END

#endif
