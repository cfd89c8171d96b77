#include <syncline/testing/mapper_case.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mapper_case_test {

using namespace syncline;
using syncline::testing::edit;
using syncline::testing::edit_builder;
using syncline::testing::mapper_case;

namespace {

const schema_set& schemas() {
    static const schema_set all = [] {
        model_schema s;
        s.name = "task";
        s.fields = {{"title", value_kind::text, true, nullptr}, {"points", value_kind::integer, true, nullptr}};
        schema_set made;
        static_cast<void>(*made.add(s));
        return made;
    }();
    return all;
}

edit_builder titled(const char* title) { return edit(schemas(), "task", "k1").set("title", value::text(title)); }

std::optional<rejection> trim_titles(const caller&, mutation& m) {
    const value* title = m.what.changes.find(0);
    if (title == nullptr) return std::nullopt;
    const std::string& text = title->as_string();
    const auto from = text.find_first_not_of(' ');
    if (from == std::string::npos) return rejection{{errc::validation_failed, "no title"}, {{"title", "is empty"}}};
    m.what.changes.set(0, value::text(text.substr(from, text.find_last_not_of(' ') - from + 1)));
    return std::nullopt;
}

}  // namespace

TEST_CASE("mapper_case: a mapper is tried in ten lines") {
    const auto m = mapper_case(schemas(), edit(schemas(), "task", "k1").set("title", value::text(" milk "))).map(trim_titles);
    CHECK(m.accepted());
    CHECK(m.field("title") == value::text("milk"));
    CHECK(m.sound());
    const auto empty = mapper_case(schemas(), titled("  ")).map(trim_titles);
    CHECK_FALSE(empty.accepted());
    CHECK(empty.code() == errc::validation_failed);
    CHECK(empty.why() == "no title");
    CHECK(empty.message("title") == "is empty");
    CHECK(empty.message("points").empty());
    CHECK_FALSE(m.code());
    CHECK((m.why().empty() && m.message("title").empty() && m.field("titel").is_null()));
    CHECK(mapper_case(schemas(), edit(schemas(), "task", "k1").erases()).map(trim_titles).field("title").is_null());
    CHECK(empty.sound());
}

TEST_CASE("mapper_case: a validator sees the row before and the row that would be written") {
    const validator no_fewer = [](const proposed_change& c) -> std::optional<rejection> {
        if (c.op == operation::erase) return c.after == nullptr ? std::nullopt : std::optional{rejection{{errc::bug, "a row after an erase"}, {}}};
        if (c.who.principal == "boss" || c.before == nullptr || c.after->fields[1].as_integer() >= c.before->fields[1].as_integer()) return std::nullopt;
        return rejection{{errc::validation_failed, "fewer points"}, {{"points", "only rise"}}};
    };
    const auto fewer = edit(schemas(), "task", "k1").was("points", value::integer(3)).set("points", value::integer(2));
    CHECK(mapper_case(schemas(), fewer).validate(no_fewer).message("points") == "only rise");
    CHECK(mapper_case(schemas(), fewer).from({"main", "boss", "device"}).validate(no_fewer).accepted());
    CHECK(mapper_case(schemas(), edit(schemas(), "task", "k1").creates().set("points", value::integer(0))).validate(no_fewer).accepted());
    CHECK(mapper_case(schemas(), edit(schemas(), "task", "k1").erases()).validate(no_fewer).accepted());
    CHECK(mapper_case(schemas(), fewer).validate(no_fewer).sound());
}

TEST_CASE("mapper_case: a device's mapper shapes the row") {
    const payload_mapper upper = [](const model_schema&, const record_key&, record& r) -> result<void> {
        if (r.fields[0].as_string() == "secret") return make_fault(errc::validation_failed, "not from here");
        r.fields[1] = value::integer(static_cast<std::int64_t>(r.fields[0].as_string().size()));
        return {};
    };
    const auto m = mapper_case(schemas(), titled("milk")).shape(upper);
    CHECK(m.field("points") == value::integer(4));
    CHECK(m.sound());
    CHECK(mapper_case(schemas(), titled("secret")).shape(upper).why() == "not from here");
}

TEST_CASE("mapper_case: is unsound where a mapper keeps something, or takes the change for another one") {
    int calls = 0;
    const auto keeps = mapper_case(schemas(), titled("a")).map([&](const caller&, mutation& m) -> std::optional<rejection> {
        m.what.changes.set(1, value::integer(++calls));
        return std::nullopt;
    });
    CHECK(keeps.sound().text() == "the same change is mapped in two ways; a mapper must not read or keep anything but its arguments");
    const auto renames = mapper_case(schemas(), titled("a")).map([](const caller&, mutation& m) -> std::optional<rejection> {
        m.id = "other";
        m.what.key.key = "k2";
        m.what.changes.set(1, value::text("two"));
        m.what.changes.set(2, value::text("two"));
        return rejection{{errc::validation_failed, "x"}, {{"titel", "x"}}};
    });
    CHECK(renames.sound().says("changes the mutation's id"));
    CHECK(renames.sound().says("changes the key of the record"));
    CHECK(renames.sound().says("`points` is set to text, the field holds integer"));
    CHECK(renames.sound().says("field 2 is set, and model `task` has 2"));
    CHECK(renames.sound().says("a message speaks of `titel`"));
    const auto moody = mapper_case(schemas(), titled("a")).validate([&](const proposed_change&) -> std::optional<rejection> {
        if (++calls % 2 == 0) return std::nullopt;
        return rejection{{errc::forbidden, "today"}, {}};
    });
    CHECK(moody.sound().says("judged in two ways"));
    // Refused each time, in other words or with other messages; under another id.
    for (const int how : {0, 1, 2}) {
        const auto restless = mapper_case(schemas(), titled("a")).map([&](const caller&, mutation& m) -> std::optional<rejection> {
            const std::string n = std::to_string(++calls);
            if (how == 0) m.id = n;
            return rejection{{errc::forbidden, how == 1 ? n : "no"}, {{"", how == 2 ? n : "no"}}};
        });
        CHECK(restless.sound().says("mapped in two ways"));
        CHECK_FALSE(restless.sound().says("a message speaks of"));
    }
    const auto elsewhere = mapper_case(schemas(), titled("a")).map([](const caller&, mutation& m) -> std::optional<rejection> {
        m.what.key.model = 9;
        return std::nullopt;
    });
    CHECK(elsewhere.sound().says("field 0 is set, and model `` has 0"));
    int shaped = 0;  // two rows of each change: the one before, and the one that it makes
    const auto sometimes = mapper_case(schemas(), titled("a")).shape([&](const model_schema&, const record_key&, record&) -> result<void> {
        if (++shaped <= 2) return {};
        return make_fault(errc::forbidden, "today");
    });
    CHECK(sometimes.sound().says("shaped in two ways"));
    const auto drifts = mapper_case(schemas(), titled("a")).shape([&](const model_schema&, const record_key&, record& r) -> result<void> {
        r.fields[1] = value::integer(++calls);
        return {};
    });
    CHECK(drifts.sound().says("shaped in two ways"));
}

TEST_CASE("mapper_case: a case that names what is not there says so, and runs nothing") {
    bool ran = false;
    const auto m = mapper_case(schemas(), edit(schemas(), "task", "k1").set("titel", value{})).map([&](const caller&, mutation&) -> std::optional<rejection> {
        ran = true;
        return std::nullopt;
    });
    const auto misspelt = mapper_case(schemas(), edit(schemas(), "task", "k1").set("titel", value{}));
    CHECK(misspelt.validate([&](const proposed_change&) -> std::optional<rejection> { return ran = true, std::nullopt; }).sound().says("no field `titel`"));
    CHECK(misspelt.shape([&](const model_schema&, const record_key&, record&) -> result<void> { return ran = true, result<void>{}; }).sound().says("no field `titel`"));
    CHECK_FALSE(ran);
    CHECK(m.sound().says("the case: model `task` has no field `titel`"));
}

}  // namespace mapper_case_test
