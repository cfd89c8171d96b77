#include <syncline/conflict/time_texts.hpp>

#include <syncline/conflict/instant_merges.hpp>

#include "support/catch.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace time_texts_test {

using namespace syncline;

namespace {

// `at` holds times, `seen` and `due` texts that are compared as instants, `note` any text.
schema_set models() {
    model_schema m;
    m.name = "event";
    m.fields = {{"at", value_kind::time}, {"seen"}, {"due"}, {"note"}, {"made", value_kind::time}};
    m.fields[1].merge = &merges::later::erased;
    m.fields[2].merge = &merges::earlier::erased;
    m.fields[4].read_only = true;
    schema_set out;
    REQUIRE(out.add(std::move(m)));
    return out;
}

std::string told(const result<void>& r) { return r ? std::string{} : r.error().detail; }

}  // namespace

TEST_CASE("time_texts: a text that is no time is a fault that names model, record, field, text and form") {
    const auto all = models();
    const auto& m = all[0];
    const auto check = [&](std::size_t f, value v) { return check_time_text(m, "e1", m.fields[f], v); };
    const auto why = check(0, value::text("2026:05:02 09:00:00"));
    REQUIRE_FALSE(why);
    CHECK(why.error().code == errc::malformed_value);
    for (const char* word : {"`at` of `event` `e1`", "`2026:05:02 09:00:00`", "RFC 3339", "2026-01-31T12:00:00Z", "2026-01-31 12:00:00"}) {
        INFO(word);
        CHECK(told(why).find(word) != std::string::npos);
    }
    for (const std::size_t f : {1U, 2U}) {
        CHECK(check(f, value::text("2026-05-02T09:00:00.123456789+02:00")));
        CHECK(told(check(f, value::text("2026-05-02 09:00:00"))).find("`" + m.fields[f].name + "` of `event` `e1` holds `2026-05-02 09:00:00`, which is no time; write it in RFC 3339 and UTC, such as 2026-01-31T12:00:00Z") != std::string::npos);
        CHECK(check(f, value::null()));
    }
    CHECK(check(3, value::text("2026:05:02")));
    // As text a time would go out as an object from a field of times.
    CHECK(told(check(0, value::text("2026-05-02T09:00:00Z"))).find("`value::time`") != std::string::npos);
    for (const auto& v : {value::null(), value::time(timestamp{}), value::integer(7), value::bytes("x")}) CHECK(check(0, v));
    // A long text is cut at a character's end.
    const std::string longer = told(check(0, value::text(std::string(63, 'x') + "\xC3\xA9" + std::string(9, 'y'))));
    CHECK(longer.find("`" + std::string(63, 'x') + "... (74 octets)`") != std::string::npos);
}

TEST_CASE("time_texts: of a change what it sends is looked at, of a row what differs") {
    const auto all = models();
    const auto bad = value::text("soon");
    intent what;
    what.key = {0, "e1"};
    CHECK(check_time_texts(all, what));
    what.changes.set(3, bad);
    what.changes.set(4, bad);  // read-only: it stays here
    CHECK(check_time_texts(all, what));
    what.changes.set(2, bad);
    CHECK(told(check_time_texts(all, what)).find("`due`") != std::string::npos);

    const record before{{bad, value::null(), value::null(), value::null(), value::null()}};
    record after = before;
    after.fields[3] = bad;
    CHECK(check_time_texts(all[0], "e1", std::optional{before}, after));
    CHECK(told(check_time_texts(all[0], "e1", std::nullopt, after)).find("`at`") != std::string::npos);
    after.fields[1] = bad;
    CHECK(told(check_time_texts(all[0], "e1", std::optional{before}, after)).find("`seen`") != std::string::npos);
    CHECK(check_time_texts(all[0], "e1", after, field_set{}));
}

}  // namespace time_texts_test
