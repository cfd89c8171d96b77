#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_TABLES_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_TABLES_HPP

// The tables that both peers of go-oversync know, and rows under foreign keys: a database in memory that tells of every row which it touches,
// the ones that only a cascade touched too (sheet 2.2 "Effect capture", 5.2).

#include "wire/bundle/oversync_text.hpp"

#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace oversync {

enum class kind { text, integer, real, numeric, boolean, blob, timestamptz, uuid };
enum class on_delete { no_action, cascade, set_null };

struct column {
    std::string name;
    kind type = kind::text;
    bool required = false;
    std::optional<json> otherwise{};  ///< the server's default
    bool unique = false;              ///< within one user
};
struct reference {
    std::string column, parent;
    on_delete action = on_delete::no_action;
};
struct table {
    std::string schema, name, key;
    bool uuid_key = true;
    std::vector<column> columns;  ///< the key's among them
    std::vector<reference> references;

    [[nodiscard]] const column* find(std::string_view called) const {
        for (const auto& c : columns)
            if (c.name == called) return &c;
        return nullptr;
    }
    [[nodiscard]] std::string path() const { return schema + "." + name; }
};
using tables = std::vector<table>;

inline const table* find_table(const tables& all, std::string_view schema, std::string_view name) {
    for (const auto& t : all)
        if (t.schema == schema && t.name == name) return &t;
    return nullptr;
}

/// A row's columns with their values.
using row = std::map<std::string, json>;

struct row_name {
    std::string table, key;
    friend auto operator<=>(const row_name&, const row_name&) = default;
};

/// What a database says about a statement or a transaction that it does not take. `code` is PostgreSQL's.
struct constraint_error : std::runtime_error {
    constraint_error(std::string state, const std::string& what) : std::runtime_error(what + " (SQLSTATE " + state + ")"), code(std::move(state)) {}
    std::string code;
};

/// Rows of one owner. `told` hears of every row written: before, after (either may be missing).
class rows {
public:
    using listener = std::function<void(const row_name&, const row* before, const row* after)>;
    listener told;

    [[nodiscard]] const row* find(const row_name& n) const {
        const auto at = all_.find(n);
        return at == all_.end() ? nullptr : &at->second;
    }
    [[nodiscard]] const std::map<row_name, row>& all() const { return all_; }
    [[nodiscard]] std::size_t count(std::string_view table) const {
        std::size_t n = 0;
        for (const auto& [name, r] : all_) n += name.table == table ? 1 : 0;
        return n;
    }

    void put(const row_name& n, row r) {
        const auto at = all_.find(n);
        if (at == all_.end()) {
            const auto& now = all_[n] = std::move(r);
            if (told) told(n, nullptr, &now);
            return;
        }
        const row before = std::exchange(at->second, std::move(r));
        if (told) told(n, &before, &at->second);
    }
    /// Erases a row and what its foreign keys say of the rows that refer to it.
    void erase(const tables& of, const row_name& n) {
        const auto at = all_.find(n);
        if (at == all_.end()) return;
        const row before = std::move(at->second);
        all_.erase(at);
        if (told) told(n, &before, nullptr);
        for (const auto& t : of)
            for (const auto& ref : t.references) {
                if (ref.parent != n.table || ref.action == on_delete::no_action) continue;
                std::vector<row_name> referring;
                for (const auto& [name, r] : all_)
                    if (name.table == t.name && r.contains(ref.column) && r.at(ref.column) == json(n.key)) referring.push_back(name);
                for (const auto& name : referring) {
                    if (ref.action == on_delete::cascade) {
                        erase(of, name);
                    } else if (const row* r = find(name)) {
                        row changed = *r;
                        changed[ref.column] = nullptr;
                        put(name, std::move(changed));
                    }
                }
            }
    }
    /// What a deferred constraint finds at the end of a transaction.
    void check(const tables& of) const {
        for (const auto& t : of) {
            for (const auto& c : t.columns) {
                std::set<std::string> taken;
                for (const auto& [name, r] : all_) {
                    if (name.table != t.name) continue;
                    const auto v = r.find(c.name);
                    const bool null = v == r.end() || v->second.is_null();
                    if (null && c.required) throw constraint_error("23502", "null value in column \"" + c.name + "\" of \"" + t.name + "\"");
                    if (c.unique && !null && !taken.insert(v->second.dump()).second)
                        throw constraint_error("23505", "duplicate value in column \"" + c.name + "\" of \"" + t.name + "\"");
                }
            }
            for (const auto& ref : t.references)
                for (const auto& [name, r] : all_) {
                    if (name.table != t.name) continue;
                    const auto v = r.find(ref.column);
                    if (v == r.end() || v->second.is_null()) continue;
                    if (!all_.contains({ref.parent, v->second.get<std::string>()}))
                        throw constraint_error("23503", "\"" + t.name + "\" " + name.key + " refers to a missing \"" + ref.parent + "\"");
                }
        }
    }
    void clear() { all_.clear(); }

private:
    std::map<row_name, row> all_;
};

/// The tables of @p all with those that others refer to first; a cycle stays in the order given. A reference to itself orders nothing.
inline std::vector<std::string> parents_first(const tables& all) {
    std::vector<std::string> out;
    std::set<std::string> done, open;
    const std::function<void(const table&)> visit = [&](const table& t) {
        if (done.contains(t.name) || !open.insert(t.name).second) return;
        for (const auto& ref : t.references)
            for (const auto& p : all)
                if (p.name == ref.parent && p.name != t.name) visit(p);
        done.insert(t.name);
        out.push_back(t.name);
    };
    for (const auto& t : all) visit(t);
    return out;
}

}  // namespace oversync

#endif
