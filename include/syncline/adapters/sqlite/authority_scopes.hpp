#ifndef SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_SCOPES_HPP
#define SYNCLINE_ADAPTERS_SQLITE_AUTHORITY_SCOPES_HPP

#include <syncline/adapters/sqlite/authority_log.hpp>
#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/device_view.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The labels of one tenant's records and what is remembered of its devices, in an SQLite database.
class sqlite_authority_scopes {
public:
    explicit sqlite_authority_scopes(sqlite_authority_scope scope) : in_(scope) {}

    [[nodiscard]] result<std::optional<audience>> audience_of(const record_key& k) const {
        return one<audience>("SELECT audience FROM syncline_authority_audiences WHERE tenant = ?1 AND model = ?2 AND key = ?3",
                             [&](sqlite_statement& s) { in_.bind_key(s, k); }, [](std::string_view bytes) { return decode_audience(bytes); });
    }

    /// @return also `errc::bug` for a record that was never sealed
    [[nodiscard]] result<void> relabel(const record_key& k, std::int64_t stamp, const audience& who) {
        bool sealed = false;
        if (auto r = each_sqlite_row(
                *in_.db, "SELECT 1 FROM syncline_authority_rows WHERE tenant = ?1 AND model = ?2 AND key = ?3",
                [&](sqlite_statement& s) { in_.bind_key(s, k); }, [&](sqlite_statement&) { return sealed = true, false; });
            !r)
            return r;
        if (!sealed) return make_fault(errc::bug, "a record is labelled that was never sealed");
        auto before = audience_of(k);
        if (!before) return std::move(before).error();
        const auto with_stamp = [&](sqlite_statement& s) {
            in_.bind_key(s, k);
            s.bind(4, stamp);
        };
        if (auto r = run_sqlite(*in_.db, "UPDATE syncline_authority_rows SET stamp = ?4 WHERE tenant = ?1 AND model = ?2 AND key = ?3 AND stamp < ?4", with_stamp); !r)
            return r;
        if (auto r = run_sqlite(*in_.db, "UPDATE syncline_authority_tenants SET stamp = ?2 WHERE id = ?1 AND stamp < ?2",
                                [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind(2, stamp); });
            !r)
            return r;
        if (*before)
            for (const auto& label : (*before)->labels())
                if (auto r = of_label("DELETE FROM syncline_authority_labels WHERE tenant = ?1 AND model = ?2 AND key = ?3 AND label = ?4", k, label); !r) return r;
        for (const auto& label : who.labels())
            if (auto r = of_label("INSERT OR REPLACE INTO syncline_authority_labels(tenant, model, key, label) VALUES(?1,?2,?3,?4)", k, label); !r) return r;
        const std::string bytes = encode_audience(who);
        if (auto r = run_sqlite(*in_.db, "INSERT OR REPLACE INTO syncline_authority_audiences VALUES(?1,?2,?3,?4)",
                                [&](sqlite_statement& s) {
                                    in_.bind_key(s, k);
                                    s.bind_blob(4, bytes);
                                });
            !r)
            return r;
        return run_sqlite(*in_.db, "INSERT OR REPLACE INTO syncline_authority_audience_log VALUES(?1,?2,?3,?4,?5,?6)", [&](sqlite_statement& s) {
            with_stamp(s);
            if (*before) s.bind_blob(5, encode_audience(**before));
            s.bind_blob(6, bytes);
        });
    }

    [[nodiscard]] result<std::vector<audience_change>> audiences_since(const record_key& k, std::int64_t stamp) const {
        std::vector<audience_change> out;
        std::optional<fault> bad;
        const auto read = [&](std::string_view bytes) {
            auto who = decode_audience(bytes);
            if (!who) bad = who.error();
            return who.value_or(audience{});
        };
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT stamp, before, after FROM syncline_authority_audience_log WHERE tenant = ?1 AND model = ?2 AND key = ?3 AND stamp > ?4 ORDER BY stamp",
            [&](sqlite_statement& s) {
                in_.bind_key(s, k);
                s.bind(4, stamp);
            },
            [&](sqlite_statement& s) {
                audience_change c;
                c.stamp = s.column_integer(0);
                if (!s.column_is_null(1)) c.before = read(s.column_blob(1));
                c.after = read(s.column_blob(2));
                out.push_back(std::move(c));
                return true;
            });
        if (!r) return std::move(r).error();
        if (bad) return std::move(*bad);
        return out;
    }

    /// Records of models that are not registered here are passed over.
    [[nodiscard]] result<std::vector<record_key>> labelled(std::string_view label, const record_key* after, std::size_t most) const {
        std::vector<record_key> out;
        if (most == 0) return out;
        auto r = each_sqlite_row(
            *in_.db,
            "SELECT model, key FROM syncline_authority_labels WHERE tenant = ?1 AND label = ?2 AND (model, key) > (?3, ?4) ORDER BY model, key",
            [&](sqlite_statement& s) {
                s.bind(1, in_.tenant).bind_text(2, label);
                s.bind(3, after != nullptr ? in_.number_of(after->model) : 0).bind_text(4, after != nullptr ? std::string_view{after->key} : std::string_view{});
            },
            [&](sqlite_statement& s) {
                if (const auto model = in_.catalog->find(s.column_integer(0))) out.push_back({*model, std::string{s.column_text(1)}});
                return out.size() < most;
            });
        if (!r) return std::move(r).error();
        return out;
    }

    [[nodiscard]] result<std::string> labelled_by() const {
        std::string out;
        auto r = each_sqlite_row(
            *in_.db, "SELECT rules FROM syncline_authority_labelled WHERE tenant = ?1", [&](sqlite_statement& s) { s.bind(1, in_.tenant); },
            [&](sqlite_statement& s) {
                out = std::string{s.column_text(0)};
                return false;
            });
        if (!r) return std::move(r).error();
        return out;
    }
    [[nodiscard]] result<void> set_labelled_by(std::string_view rules) {
        return run_sqlite(*in_.db, "INSERT OR REPLACE INTO syncline_authority_labelled VALUES(?1, ?2)",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, rules); });
    }

    [[nodiscard]] result<std::optional<device_view>> find_view(std::string_view principal, std::string_view source) const {
        auto found = one<device_view>("SELECT body FROM syncline_authority_views WHERE tenant = ?1 AND principal = ?2 AND source = ?3",
                                      [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, principal).bind_text(3, source); },
                                      [&](std::string_view bytes) { return decode_view(*in_.schemas, bytes); });
        if (found && *found) {
            (*found)->principal = std::string{principal};
            (*found)->source = std::string{source};
        }
        return found;
    }
    [[nodiscard]] result<void> put_view(const device_view& view) {
        return run_sqlite(*in_.db, "INSERT OR REPLACE INTO syncline_authority_views VALUES(?1,?2,?3,?4)", [&](sqlite_statement& s) {
            s.bind(1, in_.tenant).bind_text(2, view.principal).bind_text(3, view.source).bind_blob(4, encode_view(*in_.schemas, view));
        });
    }
    [[nodiscard]] result<void> drop_view(std::string_view principal, std::string_view source) {
        return run_sqlite(*in_.db, "DELETE FROM syncline_authority_views WHERE tenant = ?1 AND principal = ?2 AND source = ?3",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant).bind_text(2, principal).bind_text(3, source); });
    }

    /// Forgets the changes of labels at or below the floor. To be called after the log was pruned.
    [[nodiscard]] result<void> prune() {
        return run_sqlite(*in_.db,
                          "DELETE FROM syncline_authority_audience_log WHERE tenant = ?1 AND stamp <= (SELECT floor_stamp FROM syncline_authority_tenants WHERE id = ?1)",
                          [&](sqlite_statement& s) { s.bind(1, in_.tenant); });
    }

private:
    [[nodiscard]] result<void> of_label(std::string_view sql, const record_key& k, const std::string& label) {
        return run_sqlite(*in_.db, sql, [&](sqlite_statement& s) {
            in_.bind_key(s, k);
            s.bind_text(4, label);
        });
    }

    // The one blob that a query gives, if it gives any.
    template <class T, class Bind, class Decode>
    [[nodiscard]] result<std::optional<T>> one(std::string_view sql, Bind bind, Decode decode) const {
        std::optional<T> out;
        std::optional<fault> bad;
        auto r = each_sqlite_row(*in_.db, sql, bind, [&](sqlite_statement& s) {
            auto read = decode(s.column_blob(0));
            if (read)
                out = std::move(*read);
            else
                bad = std::move(read).error();
            return false;
        });
        if (!r) return std::move(r).error();
        if (bad) return std::move(*bad);
        return out;
    }

    sqlite_authority_scope in_;
};

SYNCLINE_NAMESPACE_END

#endif
