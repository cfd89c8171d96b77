#ifndef SYNCLINE_ADAPTERS_SQLITE_REPLICA_STATEMENTS_HPP
#define SYNCLINE_ADAPTERS_SQLITE_REPLICA_STATEMENTS_HPP

#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_connection.hpp>
#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How a transaction of `sqlite_replica_store` speaks to its bookkeeping tables: what is bound and read the same way everywhere. Holds the
/// connection while the transaction is open; where it still does when it is destroyed, the transaction is rolled back. Keys are lent to statements. The binders of a row and of names take the
/// parameters, and the readers the columns, in the order of the tables in `sqlite_replica_ddl`.
class sqlite_replica_statements {
protected:
    explicit sqlite_replica_statements(sqlite_replica_connection& core) : core_(&core) {}
    sqlite_replica_statements(sqlite_replica_statements&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    sqlite_replica_statements& operator=(sqlite_replica_statements&& other) noexcept {
        if (this != &other) {
            drop();
            core_ = std::exchange(other.core_, nullptr);
        }
        return *this;
    }
    sqlite_replica_statements(const sqlite_replica_statements&) = delete;
    sqlite_replica_statements& operator=(const sqlite_replica_statements&) = delete;
    ~sqlite_replica_statements() { drop(); }

    [[nodiscard]] static fault over() { return make_fault(errc::bug, "the transaction is over; begin a new one"); }
    void drop() noexcept {
        if (core_ != nullptr) std::exchange(core_, nullptr)->abandon();
    }

    [[nodiscard]] result<sqlite_cached_statement> use(std::string_view sql) {
        if (core_ == nullptr) return over();
        return core_->use(sql);
    }
    static sqlite_statement& bind_key(sqlite_statement& s, const record_key& key) { return s.bind(1, key.model).lend_text(2, key.key); }
    static sqlite_statement& bind_after(sqlite_statement& s, const record_key* after) {
        return after == nullptr ? s.bind(1, -1).bind_text(2, "") : bind_key(s, *after);
    }
    static sqlite_statement& bind_name(sqlite_statement& s, const unread_name& name) { return s.bind_text(1, name.model).bind_text(2, name.key); }
    static sqlite_statement& bind_row(sqlite_statement& s, const row_image& row) {
        bind_key(s, row.key).bind(3, row.version).bind_text(5, row.contains);
        if (row.row) s.bind_blob(4, encode_record(*row.row));
        else s.bind_null(4);
        return s;
    }
    [[nodiscard]] static std::int64_t limit_of(std::size_t n) {
        return static_cast<std::int64_t>((std::min)(n, static_cast<std::size_t>((std::numeric_limits<std::int64_t>::max)())));
    }
    [[nodiscard]] static record_key key_of(const sqlite_statement& s) {
        return {static_cast<model_id>(s.column_integer(0)), std::string{s.column_text(1)}};
    }
    [[nodiscard]] static result<std::optional<record>> read_image(const sqlite_statement& s, int at) {
        if (s.column_is_null(at)) return std::optional<record>{};
        auto image = decode_record(s.column_blob(at));
        if (!image) return image.error();
        return std::optional<record>{std::move(*image)};
    }
    [[nodiscard]] static result<row_image> row_of(const sqlite_statement& s) {
        row_image out;
        out.key = key_of(s);
        out.version = s.column_integer(2);
        auto row = read_image(s, 3);
        if (!row) return row.error();
        out.row = std::move(*row);
        out.contains = std::string{s.column_text(4)};
        return out;
    }
    [[nodiscard]] static result<batch_item> item_of(const sqlite_statement& s) {
        auto what = decode_intent(key_of(s), s.column_blob(4));
        if (!what) return what.error();
        batch_item out;
        out.id = mutation_id{s.column_text(2)};
        out.position = static_cast<std::uint32_t>(s.column_integer(3));
        out.what = std::move(*what);
        return out;
    }
    [[nodiscard]] static unread_row unread_of(const sqlite_statement& s) {
        return {{std::string{s.column_text(0)}, std::string{s.column_text(1)}}, s.column_integer(2), std::string{s.column_text(3)},
                {static_cast<errc>(s.column_integer(4)), std::string{s.column_text(5)}}};
    }
    template <class T>
    [[nodiscard]] static result<void> read_into(std::optional<T>& out, result<T> read) {
        if (!read) return read.error();
        out = std::move(*read);
        return {};
    }
    template <class T>
    [[nodiscard]] static result<void> read_onto(std::vector<T>& out, result<T> read) {
        if (!read) return read.error();
        out.push_back(std::move(*read));
        return {};
    }

    // Runs `sql` and gives each of its rows to `take`.
    template <class Bind, class Take>
    [[nodiscard]] result<void> each(std::string_view sql, Bind bind, Take take) {
        auto s = use(sql);
        if (!s) return s.error();
        bind(**s);
        for (;;) {
            const auto row = (*s)->step();
            if (!row) return row.error();
            if (!*row) return {};
            auto taken = take(std::as_const(**s));
            if (auto ok = (*s)->row_read(); !ok) return ok;
            if (!taken) return taken;
        }
    }
    template <class Take>
    [[nodiscard]] result<void> find(std::string_view sql, const record_key& key, Take take) {
        return each(sql, [&](sqlite_statement& s) { bind_key(s, key); }, std::move(take));
    }
    template <class Bind>
    [[nodiscard]] result<std::vector<record_key>> keys(std::string_view sql, Bind bind) {
        std::vector<record_key> out;
        auto done = each(sql, std::move(bind), [&](const sqlite_statement& s) -> result<void> {
            out.push_back(key_of(s));
            return {};
        });
        if (!done) return done.error();
        return out;
    }
    [[nodiscard]] result<void> forget(std::string_view sql, const record_key& key) {
        auto s = use(sql);
        if (!s) return s.error();
        bind_key(**s, key);
        return (*s)->run();
    }
    [[nodiscard]] result<void> change(std::string_view sql) {
        auto s = use(sql);
        if (!s) return s.error();
        return (*s)->run();
    }

    sqlite_replica_connection* core_;  // null: the transaction is over
};

SYNCLINE_NAMESPACE_END

#endif
