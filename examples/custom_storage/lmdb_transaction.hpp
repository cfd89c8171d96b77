#pragma once

#include "environment.hpp"

#include <syncline/syncline.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace on_lmdb {

/// A transaction of LMDB over the databases of an environment: texts by texts in the order of their octets. Undone where it is destroyed without `commit`.
///
/// LMDB's keys have at most 511 octets, and a record may be named by more. Of a key as long as `whole_keys` or longer only the beginning stands in the
/// database; all that begin alike share one entry there, in which they stand sorted by the rest. So the order is that of the whole keys.
class lmdb_transaction {
public:
    enum class access { read, write };

    [[nodiscard]] static result<lmdb_transaction> begin(std::shared_ptr<environment> in, access how) {
        MDB_txn* txn = nullptr;
        const int code = ::mdb_txn_begin(in->handle(), nullptr, how == access::read ? unsigned{MDB_RDONLY} : 0U, &txn);
        if (code != 0) return lmdb_fault(code, "begin a transaction", in->where());
        return lmdb_transaction{std::move(in), txn};
    }

    [[nodiscard]] bool is_over() const noexcept { return txn_ == nullptr; }
    /// The folder.
    [[nodiscard]] const std::string& where() const noexcept { return in_->where(); }

    [[nodiscard]] result<std::optional<std::string>> get(database d, std::string_view key) const {
        auto found = get_entry(d, key.substr(0, whole_keys));
        if (!found || !*found || key.size() < whole_keys) return found;
        auto all = read_bucket(**found);
        if (!all) return std::move(all).error();
        const auto at = lower(*all, key.substr(whole_keys));
        if (at == all->end() || at->first != key.substr(whole_keys)) return std::optional<std::string>{};
        return std::optional<std::string>{std::move(at->second)};
    }

    [[nodiscard]] result<void> put(database d, std::string_view key, std::string_view value) {
        if (key.size() < whole_keys) return put_entry(d, key, value);
        auto all = bucket_of(d, key);
        if (!all) return std::move(all).error();
        const auto rest = key.substr(whole_keys);
        const auto at = lower(*all, rest);
        if (at != all->end() && at->first == rest) at->second = std::string(value);
        else all->insert(at, {std::string(rest), std::string(value)});
        return put_entry(d, key.substr(0, whole_keys), write_bucket(*all));
    }

    /// An absent key is fine.
    [[nodiscard]] result<void> erase(database d, std::string_view key) {
        if (key.size() < whole_keys) return erase_entry(d, key);
        auto all = bucket_of(d, key);
        if (!all) return std::move(all).error();
        const auto rest = key.substr(whole_keys);
        const auto at = lower(*all, rest);
        if (at == all->end() || at->first != rest) return {};
        all->erase(at);
        if (all->empty()) return erase_entry(d, key.substr(0, whole_keys));
        return put_entry(d, key.substr(0, whole_keys), write_bucket(*all));
    }

    [[nodiscard]] result<void> clear(database d) {
        if (is_over()) return over();
        return outcome(::mdb_drop(txn_.get(), (*in_)[d], 0), "empty a database");
    }

    /// How many entries @p d has: the number of its keys where they are shorter than `whole_keys`, and otherwise zero for none. In constant time.
    [[nodiscard]] result<std::size_t> entries(database d) const {
        if (is_over()) return over();
        MDB_stat found{};
        if (const int code = ::mdb_stat(txn_.get(), (*in_)[d], &found); code != 0) return failed(code, "count a database");
        return found.ms_entries;
    }

    /// Calls @p visit with each key from @p from on, and its value, in order, until it returns false. It must not write.
    template <class Visit>
    [[nodiscard]] result<void> scan(database d, std::string_view from, Visit visit) const {
        if (is_over()) return over();
        MDB_cursor* opened = nullptr;
        if (const int code = ::mdb_cursor_open(txn_.get(), (*in_)[d], &opened); code != 0) return failed(code, "open a cursor");
        const std::unique_ptr<MDB_cursor, closes_cursor> cursor(opened);
        const auto start = from.substr(0, whole_keys);
        MDB_val key = as_lmdb(start), value{};
        int code = ::mdb_cursor_get(opened, &key, &value, start.empty() ? MDB_FIRST : MDB_SET_RANGE);
        for (; code == 0; code = ::mdb_cursor_get(opened, &key, &value, MDB_NEXT)) {
            if (key.mv_size < whole_keys) {
                if (!visit(as_text(key), as_text(value))) return {};
                continue;
            }
            auto all = read_bucket(as_text(value));
            if (!all) return std::move(all).error();
            for (const auto& [rest, held] : *all) {
                std::string whole(as_text(key));
                whole += rest;
                if (whole >= from && !visit(std::string_view(whole), std::string_view(held))) return {};
            }
        }
        return code == MDB_NOTFOUND ? result<void>{} : failed(code, "read on");
    }

    /// The last key; empty: there is none. @pre all are shorter than `whole_keys`
    [[nodiscard]] result<std::string> last_key(database d) const {
        if (is_over()) return over();
        MDB_cursor* opened = nullptr;
        if (const int code = ::mdb_cursor_open(txn_.get(), (*in_)[d], &opened); code != 0) return failed(code, "open a cursor");
        const std::unique_ptr<MDB_cursor, closes_cursor> cursor(opened);
        MDB_val key{}, value{};
        const int code = ::mdb_cursor_get(opened, &key, &value, MDB_LAST);
        if (code == MDB_NOTFOUND) return std::string{};
        if (code != 0) return failed(code, "read the last entry");
        return std::string(as_text(key));
    }

    /// Afterwards it is over, whatever came of it.
    [[nodiscard]] result<void> commit() {
        if (is_over()) return over();
        return outcome(::mdb_txn_commit(txn_.release()), "commit");
    }

private:
    static constexpr std::size_t whole_keys = 480;
    using bucket = std::vector<std::pair<std::string, std::string>>;

    struct aborts {
        void operator()(MDB_txn* txn) const noexcept { ::mdb_txn_abort(txn); }
    };
    struct closes_cursor {
        void operator()(MDB_cursor* cursor) const noexcept { ::mdb_cursor_close(cursor); }
    };

    lmdb_transaction(std::shared_ptr<environment> in, MDB_txn* txn) : in_(std::move(in)), txn_(txn) {}

    // LMDB does not write through what it is given.
    static MDB_val as_lmdb(std::string_view s) { return {s.size(), const_cast<char*>(s.data())}; }
    static std::string_view as_text(const MDB_val& v) { return {static_cast<const char*>(v.mv_data), v.mv_size}; }

    static fault over() { return make_fault(errc::bug, "a transaction on LMDB was used after its commit; begin another one"); }
    fault failed(int code, std::string_view tried) const { return lmdb_fault(code, tried, in_->where()); }
    result<void> outcome(int code, std::string_view tried) const { return code == 0 ? result<void>{} : failed(code, tried); }

    result<std::optional<std::string>> get_entry(database d, std::string_view key) const {
        if (is_over()) return over();
        MDB_val k = as_lmdb(key), v{};
        const int code = ::mdb_get(txn_.get(), (*in_)[d], &k, &v);
        if (code == MDB_NOTFOUND) return std::optional<std::string>{};
        if (code != 0) return failed(code, "read an entry");
        return std::optional<std::string>{std::string(as_text(v))};
    }
    result<void> put_entry(database d, std::string_view key, std::string_view value) {
        if (is_over()) return over();
        MDB_val k = as_lmdb(key), v = as_lmdb(value);
        return outcome(::mdb_put(txn_.get(), (*in_)[d], &k, &v, 0), "write an entry");
    }
    result<void> erase_entry(database d, std::string_view key) {
        if (is_over()) return over();
        MDB_val k = as_lmdb(key);
        const int code = ::mdb_del(txn_.get(), (*in_)[d], &k, nullptr);
        return code == MDB_NOTFOUND ? result<void>{} : outcome(code, "erase an entry");
    }

    result<bucket> bucket_of(database d, std::string_view key) const {
        auto found = get_entry(d, key.substr(0, whole_keys));
        if (!found) return std::move(found).error();
        return *found ? read_bucket(**found) : result<bucket>{bucket{}};
    }
    static result<bucket> read_bucket(std::string_view from) {
        syncline::byte_reader in{from};
        bucket out;
        while (!in.at_end() && !in.failed()) {
            auto rest = in.text();
            auto held = in.text();
            out.emplace_back(std::move(rest), std::move(held));
        }
        if (in.failed()) return make_fault(errc::corrupt, "an entry of long keys does not decode; restore the folder from a backup");
        return out;
    }
    static std::string write_bucket(const bucket& all) {
        std::string out;
        syncline::byte_writer w{out};
        for (const auto& [rest, held] : all) {
            w.text(rest);
            w.text(held);
        }
        return out;
    }
    static bucket::iterator lower(bucket& all, std::string_view rest) {
        return std::lower_bound(all.begin(), all.end(), rest, [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
    }

    std::shared_ptr<environment> in_;
    std::unique_ptr<MDB_txn, aborts> txn_;
};

}  // namespace on_lmdb
