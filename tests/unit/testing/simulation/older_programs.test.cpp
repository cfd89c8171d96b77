#include <syncline/testing/simulation/older_programs.hpp>

#include "support/catch.hpp"
#include "support/store_contract.hpp"

#include <optional>
#include <utility>

namespace older_programs_test {

using namespace syncline;
using store_contract::must;
using syncline::testing::memory_stores;
using syncline::testing::older_programs;

namespace {

testing::simulation_setup notes() {
    model_schema note, tag;
    note.name = "note";
    note.fields = {{"title", value_kind::text, false, nullptr}, {"body", value_kind::text, true, nullptr}};
    tag.name = "tag";
    tag.fields = {{"label", value_kind::text, true, nullptr}, {"colour", value_kind::text, true, nullptr}};
    testing::simulation_setup out;
    out.models = {note, tag};
    return out;
}
const record_key a{0, "a"};

}  // namespace

TEST_CASE("older programs: one knows the first fields of the models that are named, and a newer one finds its rows with the others") {
    auto setup = notes();
    setup.first_fields["note"] = 1;
    const auto schemas = must(setup.schemas());
    const older_programs<memory_stores> older(setup, schemas);
    memory_stores stores(schemas);
    CHECK(older.any());
    auto store = older.make_store(stores, "A", false);
    CHECK(std::as_const(*store).schemas()[0].fields.size() == 1);
    CHECK(std::as_const(*store).schemas()[1].fields.size() == 2);
    CHECK(std::as_const(*older.make_store(stores, "B", true)).schemas()[0].fields.size() == 2);
    must(stores.write(*store, a, record{{value::text("x")}}));
    must(older.bring_up(stores, "A", store));
    CHECK(stores.row(*store, a) == record{{value::text("x"), value{}}});
    must(older.bring_up(stores, "A", store));  // and once more: nothing is new
    CHECK(stores.row(*store, a) == record{{value::text("x"), value{}}});
}

TEST_CASE("older programs: where nothing came later there are none, and a store stays the one that it is") {
    const auto setup = notes();
    const auto schemas = must(setup.schemas());
    const older_programs<memory_stores> older(setup, schemas);
    memory_stores stores(schemas);
    CHECK_FALSE(older.any());
    auto store = older.make_store(stores, "A", true);
    const auto* const before = store.get();
    must(older.bring_up(stores, "A", store));
    CHECK(store.get() == before);
}

}  // namespace older_programs_test
