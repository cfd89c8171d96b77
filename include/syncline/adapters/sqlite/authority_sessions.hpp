#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_SESSIONS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_SESSIONS_HPP

#include <syncline/adapters/sqlite/authority_log.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Ids of one principal of which it is known that no receipt stands: those from `from` on, and below `to` where that is given. The mutations of a
/// request have neighbouring ids and are new as a rule, so that one look answers for all of them.
struct sqlite_receipt_gap {
    std::string principal;
    mutation_id from;
    std::optional<mutation_id> to;

    [[nodiscard]] bool has(std::string_view whose, const mutation_id& id) const { return principal == whose && from <= id && (!to || id < *to); }
};

/// Receipts, uploads in progress and frozen copies of one tenant in an SQLite database.
class sqlite_authority_sessions {
public:
    /// @param gap  what is known of the receipts that the transaction sees, if anything; outlives this object
    sqlite_authority_sessions(sqlite_authority_scope scope, std::optional<sqlite_receipt_gap>& gap) : in_(scope), gap_(&gap) {}

    [[nodiscard]] result<std::optional<receipt>> find_receipt(std::string_view principal, const mutation_id& id) const {
        if (*gap_ && (*gap_)->has(principal, id)) return std::optional<receipt>{};
        std::optional<receipt> out;
        std::optional<fault> bad;
        std::optional<mutation_id> next;
        auto r = each_sqlite_row(
            *in_.db, "SELECT model, key, body, id FROM syncline_authority_receipts WHERE tenant = ?1 AND principal = ?2 AND id >= ?3 ORDER BY id LIMIT 1",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, principal).lend_text(3, id); },
            [&](sqlite_statement& s) {
                next.emplace(s.column_text(3));
                if (*next != id) return false;
                // A model that is not registered leaves a key that names nothing; the outcome stands all the same.
                const auto model = in_.catalog->find(s.column_integer(0));
                auto decoded = decode_receipt(id, record_key{model.value_or(static_cast<model_id>(in_.schemas->size())), std::string{s.column_text(1)}},
                                              s.column_blob(2));
                if (decoded) out = std::move(*decoded);
                else bad = std::move(decoded).error();
                return false;
            });
        if (!r) return std::move(r).error();
        if (bad) return std::move(*bad);
        if (next != id && !in_.db->is_wide()) gap_->emplace(sqlite_receipt_gap{std::string{principal}, id, std::move(next)});  // UTF-16 has another order
        return out;
    }

    [[nodiscard]] result<void> put_receipt(std::string_view principal, const receipt& rc) {
        gap_->reset();
        const std::string body = encode_receipt(rc);
        return run_sqlite(*in_.db,
                          "INSERT INTO syncline_authority_receipts VALUES(?1,?4,?5,?2,?3,?6) ON CONFLICT(tenant, principal, id) DO UPDATE SET "
                          "model = excluded.model, key = excluded.key, body = excluded.body",
                          [&](sqlite_statement& s) {
                              in_.bind_key(s, rc.key);
                              s.bind_text(4, principal).lend_text(5, rc.id).lend_blob(6, body);
                          });
    }

    [[nodiscard]] result<std::optional<bundle_receipt>> find_bundle_receipt(std::string_view source, std::int64_t number) const {
        std::optional<bundle_receipt> out;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT seq, content_hash, row_count, principal FROM syncline_authority_bundle_receipts WHERE tenant = ?1 AND source = ?2 AND "
            "source_bundle_id = ?3",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, source).bind(3, number); },
            [&](sqlite_statement& s) {
                bundle_receipt b;
                b.source = std::string{source};
                b.source_bundle_id = number;
                b.seq = s.column_integer(0);
                b.content_hash = std::string{s.column_text(1)};
                b.row_count = static_cast<std::uint32_t>(s.column_integer(2));
                b.principal = std::string{s.column_text(3)};
                out = std::move(b);
                return false;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<void> put_bundle_receipt(const bundle_receipt& b) {
        return run_sqlite(*in_.db,
                          "INSERT INTO syncline_authority_bundle_receipts VALUES(?1,?2,?3,?7,?4,?5,?6) ON CONFLICT(tenant, source, "
                          "source_bundle_id) DO UPDATE SET principal = excluded.principal, seq = excluded.seq, content_hash = excluded.content_hash, row_count = excluded.row_count",
                          [&](sqlite_statement& s) {
                              s.bind(1, in_.tenant).bind_text(2, b.source).bind(3, b.source_bundle_id).bind(4, b.seq);
                              s.bind_text(5, b.content_hash).bind(6, b.row_count).bind_text(7, b.principal);
                          });
    }

    [[nodiscard]] result<std::int64_t> last_source_bundle_id(std::string_view source) const {
        std::int64_t last = 0;
        auto r = each_sqlite_row(
            *in_.db, "SELECT coalesce(max(source_bundle_id), 0) FROM syncline_authority_bundle_receipts WHERE tenant = ?1 AND source = ?2",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, source); },
            [&](sqlite_statement& s) {
                last = s.column_integer(0);
                return false;
            });
        if (!r) return std::move(r).error();
        return last;
    }

    [[nodiscard]] result<void> put_session(const push_session& p) {
        return run_sqlite(*in_.db,
                          "INSERT INTO syncline_authority_sessions(tenant, id, principal, source, source_bundle_id, planned_rows, received_rows, "
                          "expires) VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(tenant, id) DO UPDATE SET principal = excluded.principal, source = "
                          "excluded.source, source_bundle_id = excluded.source_bundle_id, planned_rows = excluded.planned_rows, received_rows = "
                          "excluded.received_rows, expires = excluded.expires",
                          [&](sqlite_statement& s) {
                              s.bind(1, in_.tenant).bind_text(2, p.id).bind_text(3, p.principal).bind_text(4, p.source).bind(5, p.source_bundle_id);
                              s.bind(6, p.planned_rows).bind(7, p.received_rows).bind(8, to_microseconds(p.expires));
                          });
    }

    [[nodiscard]] result<std::optional<push_session>> find_session(std::string_view id) const {
        std::optional<push_session> out;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT principal, source, source_bundle_id, planned_rows, received_rows, expires FROM syncline_authority_sessions WHERE tenant = "
            "?1 AND id = ?2",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, id); },
            [&](sqlite_statement& s) {
                push_session p;
                p.id = std::string{id};
                p.principal = std::string{s.column_text(0)};
                p.source = std::string{s.column_text(1)};
                p.source_bundle_id = s.column_integer(2);
                p.planned_rows = static_cast<std::uint32_t>(s.column_integer(3));
                p.received_rows = static_cast<std::uint32_t>(s.column_integer(4));
                p.expires = from_microseconds(s.column_integer(5));
                out = std::move(p);
                return false;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<void> drop_session(std::string_view id) {
        return drop_where("tenant = ?1 AND id = ?2", [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, id); });
    }

    [[nodiscard]] result<void> drop_sessions(std::string_view source, std::int64_t number) {
        return drop_where("tenant = ?1 AND source = ?2 AND source_bundle_id = ?3",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, source).bind(3, number); });
    }

    [[nodiscard]] result<void> append_session(std::string_view id, std::uint32_t first, const std::vector<mutation>& ms) {
        auto number = number_of("SELECT number FROM syncline_authority_sessions WHERE tenant = ?1 AND id = ?2", id);
        if (!number) return std::move(number).error();
        if (*number == 0) return make_fault(errc::session_gone, "there is no such push session; create it again");
        std::int64_t ordinal = first;
        for (const auto& m : ms)
            if (auto r = run_sqlite(*in_.db,
                                    "INSERT INTO syncline_authority_session_mutations(session, ordinal, id, model, key, body) "
                                    "VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(session, ordinal) DO UPDATE SET id = excluded.id, model = "
                                    "excluded.model, key = excluded.key, body = excluded.body",
                                    [&](sqlite_statement& s) {
                                        s.bind(1, *number).bind(2, ordinal++).bind_text(3, m.id).bind(4, in_.number_of(m.what.key.model));
                                        s.bind_text(5, m.what.key.key).bind_blob(6, encode_intent(m.what));
                                    });
                !r)
                return r;
        return {};
    }

    [[nodiscard]] result<std::vector<mutation>> session_mutations(std::string_view id) const {
        std::vector<mutation> out;
        std::optional<fault> bad;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT m.id, m.model, m.key, m.body FROM syncline_authority_sessions s JOIN syncline_authority_session_mutations m ON m.session = "
            "s.number WHERE s.tenant = ?1 AND s.id = ?2 ORDER BY m.ordinal",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, id); },
            [&](sqlite_statement& s) {
                const auto model = in_.catalog->find(s.column_integer(1));
                if (!model) {
                    bad = make_fault(errc::unknown_model, "an upload in progress names a model that is no longer registered; create the session again");
                    return false;
                }
                auto what = decode_intent(record_key{*model, std::string{s.column_text(2)}}, s.column_blob(3));
                if (!what) {
                    bad = std::move(what).error();
                    return false;
                }
                mutation m;
                m.id = std::string{s.column_text(0)};
                m.what = std::move(*what);
                out.push_back(std::move(m));
                return true;
            });
        if (!r) return std::move(r).error();
        if (bad) return std::move(*bad);
        return out;
    }

    /// @param at  the newest numbers of the tenant, which the snapshot is of
    [[nodiscard]] result<snapshot_head> make_snapshot(const snapshot_head& wanted, const authority_head& at) {
        if (auto r = drop_snapshot(wanted.id); !r) return std::move(r).error();
        snapshot_head h = wanted;
        h.seq = at.seq;
        h.stamp = at.stamp;
        h.newest_write = (timestamp::min)();
        if (auto r = run_sqlite(*in_.db,
                                "INSERT INTO syncline_authority_snapshots(tenant, id, principal, seq, stamp, row_count, expires, newest_write) "
                                "VALUES(?1,?2,?3,?4,?5,0,?6,0)",
                                [&](sqlite_statement& s) {
                                    s.bind(1, in_.tenant).bind_text(2, h.id).bind_text(3, h.principal).bind(4, h.seq).bind(5, h.stamp);
                                    s.bind(6, to_microseconds(h.expires));
                                });
            !r)
            return std::move(r).error();
        const std::int64_t number = sqlite3_last_insert_rowid(in_.db->handle());
        std::int64_t rows = 0;
        std::vector<model_id> order;
        for (std::size_t i = 0; i < in_.schemas->size(); ++i) order.push_back(static_cast<model_id>(i));
        std::sort(order.begin(), order.end(), [&](model_id a, model_id b) {
            return std::pair{in_.schemas->rank_of(a), a} < std::pair{in_.schemas->rank_of(b), b};
        });
        for (const model_id id : order) {
            if (auto r = run_sqlite(*in_.db,
                                    "INSERT INTO syncline_authority_snapshot_rows SELECT ?3, ?4 + row_number() OVER (ORDER BY r.key) - 1, r.model, "
                                    "r.key, r.version, c.layout, c.image FROM syncline_authority_rows r JOIN syncline_authority_changes c ON c.id = "
                                    "r.change WHERE r.tenant = ?1 AND r.model = ?2 AND r.deleted = 0 ORDER BY r.key",
                                    [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, in_.number_of(id)).bind(3, number).bind(4, rows); });
                !r)
                return std::move(r).error();
            rows += in_.db->changes();
            if (auto r = each_sqlite_row(
                    *in_.db,
                    "SELECT max(c.written_at) FROM syncline_authority_rows r JOIN syncline_authority_changes c ON c.id = r.change WHERE r.tenant = ?1 "
                    "AND r.model = ?2 AND r.deleted = 0",
                    [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, in_.number_of(id)); },
                    [&](sqlite_statement& s) {
                        if (!s.column_is_null(0)) h.newest_write = (std::max)(h.newest_write, from_microseconds(s.column_integer(0)));
                        return false;
                    });
                !r)
                return std::move(r).error();
        }
        h.row_count = static_cast<std::uint32_t>(rows);
        if (auto r = run_sqlite(*in_.db, "UPDATE syncline_authority_snapshots SET row_count = ?2, newest_write = ?3 WHERE number = ?1",
                                [&](sqlite_statement& s) { s.bind(1, number).bind(2, rows).bind(3, to_microseconds(h.newest_write)); });
            !r)
            return std::move(r).error();
        return h;
    }

    [[nodiscard]] result<std::optional<snapshot_head>> find_snapshot(std::string_view id) const {
        std::optional<snapshot_head> out;
        auto r = each_sqlite_row(
            *in_.db, "SELECT principal, seq, stamp, row_count, expires, newest_write FROM syncline_authority_snapshots WHERE tenant = ?1 AND id = ?2",
            [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, id); },
            [&](sqlite_statement& s) {
                snapshot_head h;
                h.id = std::string{id};
                h.principal = std::string{s.column_text(0)};
                h.seq = s.column_integer(1);
                h.stamp = s.column_integer(2);
                h.row_count = static_cast<std::uint32_t>(s.column_integer(3));
                h.expires = from_microseconds(s.column_integer(4));
                h.newest_write = from_microseconds(s.column_integer(5));
                out = std::move(h);
                return false;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<void> drop_snapshot(std::string_view id) {
        return drop_snapshots_where("tenant = ?1 AND id = ?2", [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, id); });
    }

    [[nodiscard]] result<void> renew_snapshot(std::string_view id, timestamp until) {
        return run_sqlite(*in_.db, "UPDATE syncline_authority_snapshots SET expires = ?3 WHERE tenant = ?1 AND id = ?2",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, id).bind(3, to_microseconds(until)); });
    }

    [[nodiscard]] result<std::vector<row_image>> snapshot_rows(std::string_view id, std::uint32_t from, std::size_t most) const {
        std::vector<row_image> out;
        if (most == 0) return out;
        auto number = number_of("SELECT number FROM syncline_authority_snapshots WHERE tenant = ?1 AND id = ?2", id);
        if (!number) return std::move(number).error();
        std::optional<fault> bad;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT model, key, version, layout, image FROM syncline_authority_snapshot_rows WHERE snapshot = ?1 AND ordinal >= ?2 ORDER BY ordinal",
            [&](sqlite_statement& s) { s.bind(1, *number).bind(2, from); },
            [&](sqlite_statement& s) {
                const auto model = in_.catalog->find(s.column_integer(0));
                auto image = in_.image(s, 4, 3);
                if (!model || !image) {
                    bad = image ? make_fault(errc::session_gone, "a snapshot holds rows of a model that is no longer registered; make a new one")
                                : std::move(image).error();
                    return false;
                }
                row_image row;
                row.key = record_key{*model, std::string{s.column_text(1)}};
                row.version = s.column_integer(2);
                row.row = std::move(*image);
                out.push_back(std::move(row));
                return out.size() < most;
            });
        if (!r) return std::move(r).error();
        if (bad) return std::move(*bad);
        return out;
    }

    [[nodiscard]] result<void> expire(timestamp now) {
        const auto bind = [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, to_microseconds(now)); };
        if (auto r = drop_where("tenant = ?1 AND expires < ?2", bind); !r) return r;
        return drop_snapshots_where("tenant = ?1 AND expires < ?2", bind);
    }

private:
    [[nodiscard]] result<std::int64_t> number_of(std::string_view sql, std::string_view id) const {
        std::int64_t number = 0;
        auto r = each_sqlite_row(
            *in_.db, sql, [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, id); },
            [&](sqlite_statement& s) {
                number = s.column_integer(0);
                return false;
            });
        if (!r) return std::move(r).error();
        return number;
    }

    template <class Bind>
    [[nodiscard]] result<void> drop_where(std::string_view which, Bind bind) {
        std::string sql{"DELETE FROM syncline_authority_session_mutations WHERE session IN (SELECT number FROM syncline_authority_sessions WHERE "};
        if (auto r = run_sqlite(*in_.db, sql.append(which).append(")"), bind); !r) return r;
        sql.assign("DELETE FROM syncline_authority_sessions WHERE ");
        return run_sqlite(*in_.db, sql.append(which), bind);
    }

    template <class Bind>
    [[nodiscard]] result<void> drop_snapshots_where(std::string_view which, Bind bind) {
        std::string sql{"DELETE FROM syncline_authority_snapshot_rows WHERE snapshot IN (SELECT number FROM syncline_authority_snapshots WHERE "};
        if (auto r = run_sqlite(*in_.db, sql.append(which).append(")"), bind); !r) return r;
        sql.assign("DELETE FROM syncline_authority_snapshots WHERE ");
        return run_sqlite(*in_.db, sql.append(which), bind);
    }

    sqlite_authority_scope in_;
    std::optional<sqlite_receipt_gap>* gap_;
};

SYNCLINE_NAMESPACE_END

#endif
