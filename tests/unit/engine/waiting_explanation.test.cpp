#include <syncline/engine/waiting_explanation.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace waiting_explanation_test {

using namespace syncline;

namespace {

model_schema task() {
    model_schema m;
    m.name = "task";
    m.fields = {{"title", value_kind::text, false, nullptr}, {"done", value_kind::boolean, true, nullptr},
                {"note", value_kind::text, true, nullptr}};
    return m;
}
record row(const char* title, bool done, const char* note) { return record{{value::text(title), value::boolean(done), value::text(note)}}; }

intent waits(operation op, std::optional<record> before, errc why, std::string detail = {}) {
    intent i;
    i.key = {0, "t1"};
    i.op = op;
    i.before = std::move(before);
    i.waiting = wait_reason{why, std::move(detail)};
    return i;
}
bool says(const waiting_explanation& e, const std::string& what) { return e.text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("waiting explanation: tells of each field what the user wrote, what the server has, and what it was") {
    intent i = waits(operation::update, row("old", false, "same"), errc::conflict, "the resolver would not decide");
    i.changes.set(0, value::text("mine"));
    const auto e = explain_waiting(task(), i, row("theirs", true, "same"), 8);
    CHECK(e.server_version == 8);
    CHECK(e.server == row("theirs", true, "same"));
    REQUIRE(e.fields.size() == 2);
    CHECK(e.fields[0].name == "title");
    CHECK(e.fields[0].before == value::text("old"));
    CHECK(e.fields[0].wrote == value::text("mine"));
    CHECK(e.fields[0].server == value::text("theirs"));
    CHECK(e.fields[0].text == "`title`: you wrote \"mine\"; the server has \"theirs\"; before your change it was \"old\"");
    CHECK(e.fields[1].name == "done");
    CHECK_FALSE(e.fields[1].wrote);
    CHECK(e.fields[1].text == "`done`: you left it alone; it was false and the server has true now");
    CHECK(says(e, "task t1: you changed it. It waits: others changed the record meanwhile"));
    CHECK(says(e, "the resolver would not decide"));
    CHECK(says(e, e.fields[1].text));
    CHECK(says(e, "edit sends other values"));
}

TEST_CASE("waiting explanation: a field that the server has not touched, and one in which both agree") {
    intent i = waits(operation::update, row("old", false, "same"), errc::validation_failed);
    i.changes.set(0, value::text("mine"));
    i.changes.set(1, value::boolean(true));
    const auto e = explain_waiting(task(), i, row("old", true, "same"), 8);
    REQUIRE(e.fields.size() == 2);
    CHECK(e.fields[0].text == "`title`: you wrote \"mine\"; the server still has \"old\", as before your change");
    CHECK(e.fields[1].text == "`done`: you wrote true, and so has the server");
    CHECK(says(e, "the server's rules refuse it."));
}

TEST_CASE("waiting explanation: a created record, one that is gone, and a deletion") {
    intent created = waits(operation::create, std::nullopt, errc::constraint);
    created.changes.set(0, value::text("mine"));
    auto e = explain_waiting(task(), created, std::nullopt, 0);
    REQUIRE(e.fields.size() == 1);
    CHECK(e.fields[0].text == "`title`: you wrote \"mine\"; the server has no such record");
    CHECK(says(e, "you created it"));
    e = explain_waiting(task(), created, row("theirs", false, "x"), 3);
    REQUIRE(e.fields.size() == 1);
    CHECK(e.fields[0].text == "`title`: you wrote \"mine\"; the server has \"theirs\"");

    const intent erased = waits(operation::erase, row("old", false, "same"), errc::conflict);
    e = explain_waiting(task(), erased, row("theirs", false, "same"), 8);
    CHECK(e.fields.empty());
    CHECK(says(e, "you deleted it"));
    CHECK(says(e, "The server still has the record."));
    CHECK_FALSE(says(e, "edit"));
    CHECK(says(explain_waiting(task(), erased, std::nullopt, 9), "The server has no such record any more."));
}

TEST_CASE("waiting explanation: every reason has words, and they differ where what can be done differs") {
    std::vector<std::string> texts;
    for (const auto code : {errc::conflict, errc::held, errc::constraint, errc::validation_failed, errc::absent,
                            errc::lost_by_restore, errc::maybe_sent, errc::out_of_view, errc::forbidden, errc::too_large, errc::internal}) {
        auto text = explain_waiting(task(), waits(operation::erase, std::nullopt, code), std::nullopt, 0).text;
        CHECK(std::find(texts.begin(), texts.end(), text) == texts.end());
        texts.push_back(std::move(text));
    }
}

TEST_CASE("waiting explanation: a change that waits for nothing, and one of which the server has every value by now") {
    intent i = waits(operation::update, row("old", false, "same"), errc::conflict);
    i.waiting.reset();
    const auto e = explain_waiting(task(), i, row("old", false, "same"), 8);
    CHECK(e.fields.empty());
    CHECK(says(e, "The server has what you wrote."));
    CHECK(says(e, "you changed it. It waits: "));
}

}  // namespace waiting_explanation_test
