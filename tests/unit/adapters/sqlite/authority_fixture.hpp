#ifndef SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_AUTHORITY_FIXTURE_HPP
#define SYNCLINE_TESTS_UNIT_ADAPTERS_SQLITE_AUTHORITY_FIXTURE_HPP

// What the tests of the SQLite authority share: a directory of their own, a second program's connection, an engine's sealing.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/engine/sealing.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>


namespace authority_fixture {

using namespace syncline;

using scratch = scratch_folder;

/// The fault as text, for messages of failing tests.
template <class T>
std::string why(const result<T>& r) {
    if (r) return "ok";
    return std::string{name_of(r.error().code)}.append(": ").append(r.error().detail);
}

/// A fault of that code whose words are among its own.
template <class T>
void check_refused(const result<T>& r, errc code, const std::vector<std::string>& words) {
    REQUIRE_FALSE(r);
    INFO(r.error().detail);
    CHECK(r.error().code == code);
    for (const auto& word : words) {
        INFO(word);
        CHECK(r.error().detail.find(word) != std::string::npos);
    }
}

/// The value, or a failed test that says why.
template <class T>
T ok(result<T> r) {
    INFO(why(r));
    REQUIRE(r.has_value());
    return std::move(*r);
}
inline void ok(const result<void>& r) {
    INFO(why(r));
    REQUIRE(r.has_value());
}

/// Another program: a connection that knows nothing of the store.
class stranger {
public:
    explicit stranger(const std::string& path) : db_(ok(sqlite_database::open(path))) { run("PRAGMA synchronous = OFF"); }
    /// Runs SQL that must work.
    void run(const std::string& sql) {
        INFO(sql);
        ok(db_.execute(sql));
    }
    /// Runs SQL that the database may refuse. @return whether it worked
    bool attempt(const std::string& sql) { return db_.execute(sql).has_value(); }
    std::int64_t number(const std::string& sql) { return ok(db_.query_integer(sql)); }
    sqlite_database& db() { return db_; }

private:
    sqlite_database db_;
};

/// Models read from the tables of the database at @p path.
inline schema_set models_of(const std::string& path, const std::vector<std::string>& tables, const std::string& without = {}) {
    auto db = ok(sqlite_database::open(path));
    schema_set out;
    for (const auto& table : tables) {
        auto m = ok(read_model_schema(db, table));
        std::vector<field_schema> fields;
        for (const auto& f : m.fields)
            if (f.name != without) fields.push_back(f);
        for (auto& r : m.references)
            for (std::size_t i = 0; i < fields.size(); ++i)
                if (fields[i].name == m.fields[r.field].name) {
                    r.field = static_cast<field_index>(i);
                    break;
                }
        m.fields = std::move(fields);
        ok(out.add(std::move(m)));
    }
    return out;
}

/// A store that never waits for a lock.
inline sqlite_authority_store open_store(const std::string& path, schema_set schemas, sqlite_authority_options options = {}) {
    options.busy_timeout = std::chrono::milliseconds{0};
    options.durability = sqlite_durability::normal;
    return ok(sqlite_authority_store::open(path, std::move(schemas), std::move(options)));
}

/// A store whose transactions know the time, as under an engine: it is always @p at.
class told_store {
public:
    using transaction = sqlite_authority_store::transaction;
    told_store(sqlite_authority_store in, timestamp at) : in_(std::move(in)), at_(at) {}
    [[nodiscard]] const schema_set& schemas() const noexcept { return in_.schemas(); }
    [[nodiscard]] result<transaction> begin(std::string_view tenant, syncline::access how) {
        auto t = in_.begin(tenant, how);
        if (t) t->tell_time(at_);
        return t;
    }
    [[nodiscard]] result<void> begin_incarnation(const std::string& epoch, timestamp now) { return in_.begin_incarnation(epoch, now); }

private:
    sqlite_authority_store in_;
    timestamp at_;
};

/// Seals what is staged and commits. @return how many rows were sealed
inline std::size_t seal_now(sqlite_authority_store& store, std::string_view tenant = "main", std::int64_t now_us = 0) {
    auto t = ok(store.begin(tenant, access::write));
    const auto n = ok(seal(t, store.schemas(), bundle_source{}, {}, from_microseconds(now_us)));
    ok(t.commit());
    return n.size();
}

/// The keys that are staged, in order; nothing is taken.
inline std::vector<record_key> staged_now(sqlite_authority_store& store, std::string_view tenant = "main") {
    auto t = ok(store.begin(tenant, access::write));
    return ok(t.take_staged());
}

/// A record of text fields.
inline record texts(const std::vector<std::string>& fields) {
    record r;
    for (const auto& f : fields) r.fields.push_back(value::text(f));
    return r;
}

}  // namespace authority_fixture

#endif
