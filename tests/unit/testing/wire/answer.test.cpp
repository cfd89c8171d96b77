#include <syncline/testing/wire/answer.hpp>

#include "support/catch.hpp"

namespace wire_answer_test {

using namespace syncline;
using namespace syncline::testing;

TEST_CASE("wire_answer: reads what is there, and nothing of what is not") {
    const wire_answer a{response{200, {{"content-type", "application/json; charset=utf-8"}}, R"({"n":1.0,"t":"x","yes":true,"list":[1,2],"o":{"k":"v"}})"}};
    CHECK(a.is_json());
    CHECK(a.integer("n") == 1);
    CHECK(a.text("t") == "x");
    CHECK(a.truth("yes") == true);
    CHECK(a.list("list").size() == 2);
    CHECK(a.has_list("list"));
    CHECK(a.text("n").empty());
    CHECK(a.integer("t") == std::nullopt);
    CHECK(a.truth("n") == std::nullopt);
    CHECK_FALSE(a.has_list("o"));
    CHECK(a.list("none").empty());
    CHECK(a.list("o").empty());
    CHECK(a.truth("none") == std::nullopt);
    CHECK_FALSE(wire_answer{response{200, {}, "{}"}}.is_json());
    CHECK(wire_answer::text_of(*a.root().find("o"), "k") == "v");
    CHECK(wire_json(*a.root().find("o")) == R"({"k":"v"})");

    for (const auto& [type, body] : {std::pair{"text/plain", "{}"}, std::pair{"application/json", "[]"}, std::pair{"application/json", "{"}}) {
        const wire_answer other{response{200, {{"Content-Type", type}}, body}};
        CHECK_FALSE(other.is_json());
        CHECK(other.text("t").empty());
    }
    CHECK(wire_answer{response{500, {}, std::string(400, 'x')}}.told() == "500 " + std::string(300, 'x') + "...");
}

TEST_CASE("wire_object, wire_array, wire_text: JSON in the order of its parts") {
    CHECK(wire_object({}) == "{}");
    CHECK(wire_object({{"b", "1"}, {"a\"", wire_text("\n")}}) == R"({"b":1,"a\"":"\n"})");
    CHECK(wire_array({}) == "[]");
    CHECK(wire_array({"1", "{}"}) == "[1,{}]");
}

}  // namespace wire_answer_test
