#include <syncline/testing/golden_vectors.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace golden_vectors_test {

using namespace syncline;
using syncline::testing::check_golden_vectors;
using syncline::testing::compare_answer;
using syncline::testing::golden_vector;
using syncline::testing::load_golden_vectors;
using syncline::testing::read_golden_vectors;
using syncline::testing::with_numbers;

namespace {

constexpr std::string_view two =
    "# what a device asks\n"
    "\n"
    "== a push of nothing\n"
    "> POST /tether/push\n"
    "> Content-Type: application/json\n"
    "{\"mutations\": [\n"
    "]}\n"
    "< 200\n"
    "< Content-Type: application/json\n"
    "{\"applied\":[]}\n"
    "\n"
    "== no such path\r\n"
    "> GET /nowhere\r\n"
    "< 404\r\n";

std::string wrong(std::string_view text) {
    const auto read = read_golden_vectors(text, "v.txt");
    return read ? "read" : read.error().detail;
}

golden_vector expecting(std::string body) {
    golden_vector v;
    v.name = "case";
    v.where = "v.txt:1";
    v.expected.body = std::move(body);
    return v;
}

std::string differs(std::string expected, std::string found) { return compare_answer(expecting(std::move(expected)), response{200, {}, std::move(found)}).text(); }

}  // namespace

TEST_CASE("golden_vectors: requests and answers as they stand in the text") {
    const auto read = read_golden_vectors(two, "v.txt");
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    const golden_vector& push = read->front();
    CHECK((push.name == "a push of nothing" && push.where == "v.txt:3"));
    CHECK(push.asked == request{http_method::post, "/tether/push", {{"Content-Type", "application/json"}}, "{\"mutations\": [\n]}"});
    CHECK(push.expected.status == 200);
    CHECK(push.expected.headers == std::vector<header>{{"Content-Type", "application/json"}});
    CHECK(push.expected.body == R"({"applied":[]})");
    CHECK((read->back().name == "no such path" && read->back().asked.method == http_method::get && read->back().expected.status == 404));
    CHECK(read->back().expected.body.empty());
}

TEST_CASE("golden_vectors: a text that is none names the line and what should stand there") {
    CHECK(wrong("") == "v.txt holds no vector; one begins with a line `== ` and its name");
    CHECK(wrong("hello\n") == "v.txt:1: `hello`: a vector begins with `== ` and its name");
    CHECK(wrong("== a\nPOST /x\n") == "v.txt:2: `POST /x`: after a vector's name comes its request, `> POST /path`");
    CHECK(wrong("== a\n> FETCH /x\n") == "v.txt:2: `> FETCH /x`: a request is a method and a path, `> POST /path`");
    CHECK(wrong("== a\n> POST x\n") == "v.txt:2: `> POST x`: a request is a method and a path, `> POST /path`");
    CHECK(wrong("== a\n> GET\n") == "v.txt:2: `> GET`: a request is a method and a path, `> POST /path`");
    CHECK(wrong("== a\n> POST /x\n> Accept\n") == "v.txt:3: `> Accept`: a header is `name: value`");
    CHECK(wrong("== a\n> POST /x\n{}\n") == "v.txt:1: vector `a` has no answer; it begins with `< ` and a status");
    CHECK(wrong("== a\n> POST /x\n== b\n") == "v.txt:1: vector `a` has no answer; it begins with `< ` and a status");
    CHECK(wrong("== a\n> POST /x\n< OK\n") == "v.txt:3: `< OK`: an answer begins with its status, `< 200`");
    CHECK(wrong("== a\n> POST /x\n< 200 OK") == "v.txt:3: `< 200 OK`: an answer begins with its status, `< 200`");
    CHECK(wrong("== a") == "v.txt:1: `== a`: after a vector's name comes its request, `> POST /path`");
    CHECK(wrong("== a\n> GET /x\n< 200\n== a\n") == "v.txt:4: `== a`: a vector of that name stands at v.txt:1 already");
}

TEST_CASE("golden_vectors: come from a file, and a file that is not there is named") {
    scratch_folder folder;
    const std::string path = folder.file();
    CHECK(load_golden_vectors(path).error().code == errc::io_error);
    CHECK(load_golden_vectors(path).error().detail.find(path) != std::string::npos);
    std::ofstream(path, std::ios::binary) << two;
    const auto read = load_golden_vectors(path);
    REQUIRE(read);
    CHECK(read->front().where == path + ":3");
    // A folder opens, and cannot be read.
    CHECK(load_golden_vectors(folder.file(".")).error().code == errc::io_error);
}

TEST_CASE("golden_vectors: an answer is compared as JSON, and each difference has its place") {
    CHECK(differs(R"({"a":1,"b":[true,"x"]})", R"({ "b" : [true, "x"], "a" : 1 })") == "holds");
    CHECK(differs(R"({"id":"<any>","b":2})", R"({"id":{"x":7},"b":2})") == "holds");
    CHECK(differs(R"({"a":1,"b":[true,{"c":"x"}]})", R"({"a":1,"b":[true,{"c":"y"}]})") == R"(v.txt:1: case: $.b[1].c is "y", expected is "x")");
    CHECK(differs(R"({"a":1})", R"({"b":1})") == "v.txt:1: case: $.a is missing, expected is 1\nv.txt:1: case: $.b is 1, expected is no such member");
    CHECK(differs(R"({"a":[1]})", R"({"a":[1,2]})") == "v.txt:1: case: $.a has 2 elements, expected are 1: [1,2]");
    CHECK(differs(R"({"a":1})", "[1]") == R"(v.txt:1: case: $ is [1], expected is {"a":1})");
    CHECK(differs("[1]", R"({"a":1})") == R"(v.txt:1: case: $ is {"a":1}, expected is [1])");
    CHECK(differs(R"({"a":1})", "sorry") == R"(v.txt:1: case: body is `sorry`, expected is `{"a":1}`)");
    golden_vector v = expecting("{}");
    v.expected.headers = {{"Retry-After", "5"}, {"X-A", "a"}};
    CHECK(compare_answer(v, response{503, {{"retry-after", "6"}}, "{}"}).findings() ==
          std::vector<std::string>{"v.txt:1: case: status is 503, expected is 200: {}", "v.txt:1: case: header Retry-After is `6`, expected is `5`",
                                   "v.txt:1: case: header X-A is missing, expected is `a`"});
}

TEST_CASE("golden_vectors: a server is asked all of them in order") {
    std::vector<std::string> asked;
    const auto server = [&](const request& r) {
        asked.push_back(r.path);
        return r.path == "/nowhere" ? response{404, {}, {}} : response{200, {{"Content-Type", "application/json"}}, R"({"applied":["m1"]})"};
    };
    const auto found = check_golden_vectors(*read_golden_vectors(two, "v.txt"), server);
    CHECK(asked == std::vector<std::string>{"/tether/push", "/nowhere"});
    CHECK(found.text() == R"(v.txt:3: a push of nothing: $.applied has 1 elements, expected are 0: ["m1"])");
    CHECK(check_golden_vectors({}, server).says("there are no vectors"));
}

TEST_CASE("golden_vectors: words stand for numbers of the run") {
    CHECK(with_numbers("TIME and TIME+1, TIME+12.", "TIME", 1000) == "1000 and 1001, 1012.");
    CHECK(with_numbers("TIME+x", "TIME", -5) == "-5+x");
    CHECK(with_numbers("TIME+.", "TIME", 5) == "5+.");
    CHECK(with_numbers("none", "TIME", 1) == "none");
}

}  // namespace golden_vectors_test
