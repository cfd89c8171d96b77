#include <syncline/adapters/sqlite/replica_fields.hpp>

#include <syncline/adapters/sqlite/capture.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <optional>
#include <string>
#include <vector>

namespace replica_fields_test {

using namespace syncline;
using store_contract::fault_of;
using store_contract::must;

namespace {

model_schema model_of(const std::string& key, const std::vector<std::string>& fields, value_kind kind = value_kind::text) {
    model_schema m;
    m.name = "t";
    m.key_name = key;
    for (const auto& f : fields) m.fields.push_back({f, kind, true, nullptr});
    return m;
}

}  // namespace

TEST_CASE("sqlite_replica_fields: what is remembered reads back as it was, and nothing else reads at all") {
    const auto fields = sqlite_replica_fields_of(model_of("id", {"a", "", "c\"d"}, value_kind::json));
    const std::string names = encode_sqlite_field_names(fields);
    CHECK(must(decode_sqlite_fields(names, encode_sqlite_field_kinds(fields), "t")) == fields);
    CHECK(must(decode_sqlite_fields(names, "", "t")).kinds.empty());
    for (std::size_t cut = 0; cut < names.size(); ++cut) CHECK(fault_of(decode_sqlite_fields(names.substr(0, cut), "", "t")) == errc::corrupt);
    CHECK(fault_of(decode_sqlite_fields(names, "xx", "t")) == errc::corrupt);
    CHECK(encode_sqlite_unseen({}).empty());
    CHECK(must(decode_sqlite_unseen("")).empty());
    const std::vector<sqlite_unseen_field> unseen{{"a", value{}}, {"", value::text("d")}, {"c\"d", value::integer(7)}};
    CHECK(must(decode_sqlite_unseen(encode_sqlite_unseen(unseen))) == unseen);
    CHECK(fault_of(decode_sqlite_unseen(encode_sqlite_unseen(unseen).substr(0, 5))) == errc::corrupt);
}

TEST_CASE("sqlite_replica_fields: a renamed column is found in the trigger that SQLite rewrote") {
    auto db = must(sqlite_database::open(":memory:"));
    must(db.execute("CREATE TABLE t(id TEXT PRIMARY KEY, a, \"b,\"\")x\", c); CREATE TABLE log(seq INTEGER PRIMARY KEY, kind, \"key\", m0, c0, c1, c2)"));
    const auto table = must(read_sqlite_table(db, "t"));
    const auto model = must(read_model_schema(db, "t"));
    for (const auto& trigger : make_sqlite_capture(table, model, "log", "our_").triggers) must(db.execute(trigger.sql));
    const auto sql = [&] { return must(db.query_text("SELECT sql FROM sqlite_schema WHERE name='our_bd'")); };
    using names = std::vector<std::string>;
    CHECK(renamed_sqlite_columns(sql(), 3) == names{"id", "a", "b,\")x", "c"});
    must(db.execute("ALTER TABLE t RENAME COLUMN a TO new; ALTER TABLE t RENAME COLUMN \"b,\"\")x\" TO \"select\"; ALTER TABLE t RENAME COLUMN id TO \"i d\""));
    CHECK(renamed_sqlite_columns(sql(), 3) == names{"i d", "new", "select", "c"});
    CHECK_FALSE(renamed_sqlite_columns(sql(), 2));
    CHECK_FALSE(renamed_sqlite_columns("", 3));
    CHECK_FALSE(renamed_sqlite_columns("BEGIN INSERT INTO l VALUES(3,OLD.\"a", 0));
    CHECK_FALSE(renamed_sqlite_columns("BEGIN INSERT INTO l VALUES(3,x); END", 0));
}

TEST_CASE("sqlite_replica_fields: fields are found by name wherever they stand") {
    const auto old = sqlite_replica_fields_of(model_of("id", {"a", "b", "c"}));
    const auto moves = [&](const model_schema& model, const std::optional<std::vector<std::string>>& renamed = std::nullopt) {
        return moves_of_sqlite_fields(model, old, renamed);
    };
    using places = std::vector<std::optional<std::size_t>>;
    CHECK(must(moves(model_of("id", {"a", "b", "c"}))).changes_nothing());
    CHECK_FALSE(must(moves(model_of("id", {"a", "b"}))).changes_nothing());
    CHECK_FALSE(must(moves(model_of("id", {"a", "b", "c"}, value_kind::json))).changes_nothing());
    const auto moved = must(moves(model_of("id", {"c", "n", "a"})));
    CHECK(moved.from == places{2, std::nullopt, 0});
    CHECK(moved.adds_fields());
    CHECK(moved.to(0) == std::optional<std::size_t>{2});
    CHECK_FALSE(moved.to(1));
    // A name that was another column's before is the column that bears it now.
    const auto renamed = must(moves(model_of("key", {"b", "z"}), std::vector<std::string>{"key", "b", "x", "z"}));
    CHECK(renamed.from == places{0, 2});
    CHECK(fault_of(moves(model_of("key", {"a"}))) == errc::schema_mismatch);
}

}  // namespace replica_fields_test
