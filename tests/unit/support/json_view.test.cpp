#include <syncline/support/json_view.hpp>

#include <syncline/support/json_tape.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace json_view_test {

using syncline::errc;
using syncline::integral_json_number;
using syncline::json_kind;
using syncline::json_tape;
using syncline::json_view;
using syncline::json_writer;

namespace {

json_tape tape_of(std::string_view text) {
    auto read = json_tape::parse(text);
    if (!read) FAIL(read.error().detail);
    return *std::move(read);
}

std::string rewritten(json_view view) {
    std::string out;
    json_writer writer(out);
    view.write_to(writer);
    return out;
}

}  // namespace

TEST_CASE("json view: is null until it is given a document") {
    const json_view nothing;
    CHECK(nothing.is_null());
    CHECK(nothing.size() == 0);
    CHECK_FALSE(nothing.find("a").has_value());
    CHECK(rewritten(nothing) == "null");
    CHECK(json_tape().root().is_null());
    static_assert(std::is_trivially_copyable_v<json_view>);
    static_assert(sizeof(json_view) <= 2 * sizeof(void*));
}

TEST_CASE("json view: says of each value what it is") {
    const json_tape tape = tape_of(R"([null,true,1,1.5,"s",[],{}])");
    const json_kind kinds[] = {json_kind::null,   json_kind::boolean, json_kind::integer, json_kind::real,
                               json_kind::string, json_kind::array,   json_kind::object};
    REQUIRE(tape.root().size() == 7);
    std::size_t i = 0;
    for (const json_view v : tape.root()) {
        CHECK(v.kind() == kinds[i]);
        CHECK(v.is_null() == (i == 0));
        CHECK(v.is_boolean() == (i == 1));
        CHECK(v.is_integer() == (i == 2));
        CHECK(v.is_real() == (i == 3));
        CHECK(v.is_number() == (i == 2 || i == 3));
        CHECK(v.is_string() == (i == 4));
        CHECK(v.is_array() == (i == 5));
        CHECK(v.is_object() == (i == 6));
        CHECK(v.as_bool().has_value() == (i == 1));
        CHECK(v.as_int().has_value() == (i == 2));
        CHECK(v.as_int_lenient().has_value() == (i == 2));
        CHECK(v.as_string() == (i == 4 ? "s" : ""));
        CHECK(v.number_text() == (i == 2 ? "1" : i == 3 ? "1.5" : ""));
        CHECK(v.as_real() == (i == 2 ? 1.0 : i == 3 ? 1.5 : 0.0));
        ++i;
    }
    CHECK(i == 7);
}

TEST_CASE("json view: a wrong kind is a fault that names both kinds and no data") {
    const json_tape tape = tape_of(R"(["secret",1.5])");
    auto at = tape.root().begin();
    CHECK((*at).as_int().error() == syncline::fault{errc::malformed_message, "expected an integer, found a string"});
    CHECK((*at).as_bool().error().detail == "expected a boolean, found a string");
    CHECK((*at).as_int_lenient().error().detail == "expected an integer, found a string");
    ++at;
    CHECK((*at).as_int().error().detail == "expected an integer, found a real number");
    CHECK((*at).as_int_lenient().error().code == errc::malformed_message);
}

TEST_CASE("json view: elements and members come in the order of the text, nested ones skipped") {
    const json_tape tape = tape_of(R"({"b":[1,[2,[3]],{"x":{"y":4}}],"a":{},"":"e","c":5})");
    std::vector<std::string> names;
    for (const auto member : tape.root().members()) names.emplace_back(member.key);
    CHECK(names == std::vector<std::string>{"b", "a", "", "c"});
    CHECK(tape.root().members().size() == 4);
    CHECK(tape.root().size() == 4);

    std::vector<std::string> elements;
    const json_view list = *tape.root().find("b");
    for (const json_view v : list) elements.push_back(rewritten(v));
    CHECK(elements == std::vector<std::string>{"1", "[2,[3]]", R"({"x":{"y":4}})"});

    CHECK(tape.root().find("c")->as_int().value_or(0) == 5);
    CHECK(tape.root().find("")->as_string() == "e");
    CHECK_FALSE(tape.root().find("x").has_value());
    CHECK_FALSE(tape.root().find("d").has_value());
}

TEST_CASE("json view: looking for elements in an object, or members in an array, finds none") {
    const json_tape tape = tape_of(R"([{"a":1},[2],"s",7])");
    for (const json_view v : tape.root()) {
        if (!v.is_array()) CHECK(v.begin() == v.end());
        if (!v.is_object()) {
            CHECK(v.members().begin() == v.members().end());
            CHECK(v.members().size() == 0);
        }
    }
    CHECK_FALSE(tape.root().find("a").has_value());
}

TEST_CASE("json view: its iterators are forward iterators") {
    static_assert(std::forward_iterator<json_view::iterator>);
    static_assert(std::forward_iterator<syncline::json_members::iterator>);
    const json_tape tape = tape_of("[1,2,3]");
    auto a = tape.root().begin();
    const auto b = a++;
    CHECK((*b).as_int().value_or(0) == 1);
    CHECK((*a).as_int().value_or(0) == 2);
    CHECK(std::distance(tape.root().begin(), tape.root().end()) == 3);
}

TEST_CASE("json view: rewriting keeps every value and every digit") {
    for (const char* text :
         {"null", "true", "[]", "{}", "[[],[[]],{}]", R"({"a":{},"b":[{}],"c":[]})", "-0", "0.10", "1E5", "1e-7",
          "12345678901234567890123", "-9223372036854775808", "18446744073709551615", "0.1000000000000000055511151231257827",
          R"(["","a\"b\\c\u0000\n",{"k\t":[1,{"x":null},2]},false])", "[1,[2,[3,[4,{\"a\":[5]}]]],6]"}) {
        CAPTURE(text);
        const json_tape tape = tape_of(text);
        CHECK(rewritten(tape.root()) == text);
    }
    const json_tape spaced = tape_of(" [ 1 , { \"a\" : \"\\u00e9\\/\" } ]\n");
    CHECK(rewritten(spaced.root()) == "[1,{\"a\":\"\xc3\xa9/\"}]");
}

TEST_CASE("json view: a part is rewritten without its neighbours") {
    const json_tape tape = tape_of(R"({"a":[1,2],"b":{"c":[3]},"d":4})");
    CHECK(rewritten(*tape.root().find("a")) == "[1,2]");
    CHECK(rewritten(*tape.root().find("b")) == R"({"c":[3]})");
    CHECK(rewritten(*tape.root().find("d")) == "4");
    std::string out;
    json_writer writer(out);
    writer.begin_object();
    writer.key("first");
    tape.root().find("b")->write_to(writer);
    writer.key("second");
    tape.root().find("d")->write_to(writer);
    writer.end_object();
    CHECK(out == R"({"first":{"c":[3]},"second":4})");
}

TEST_CASE("json number: integers are recognised in every spelling, exactly") {
    struct example {
        const char* text;
        std::int64_t number;
    };
    for (const example& e : {example{"0", 0}, {"-0", 0}, {"0.0", 0}, {"-0.0e5", 0}, {"0e999999999999999999999", 0},
                             {"1.0", 1}, {"1e3", 1000}, {"1E+3", 1000}, {"1000e-3", 1}, {"1.5e1", 15}, {"-2.50e2", -250},
                             {"9007199254740993.0", 9007199254740993}, {"9223372036854775807.000", 9223372036854775807},
                             {"-9223372036854775808.0", (std::numeric_limits<std::int64_t>::min)()},
                             {"0.000001e6", 1}, {"0.0000010e6", 1}, {"922337203685477580.7e1", 9223372036854775807},
                             {"100000000000000000000e-2", 1000000000000000000}, {"1e18", 1000000000000000000}}) {
        CAPTURE(e.text);
        const auto read = integral_json_number(e.text);
        REQUIRE(read.has_value());
        CHECK(*read == e.number);
    }
    for (const char* text : {"0.5", "1e-1", "1.01e1", "9223372036854775808.0", "-9223372036854775809.0", "1e19",
                             "1e400", "-1e19", "1e99999999999999999999", "1e-99999999999999999999", "18446744073709551616",
                             "99999999999999999999", "9.3e18"}) {
        CAPTURE(text);
        CHECK_FALSE(integral_json_number(text).has_value());
    }
}

}  // namespace json_view_test
