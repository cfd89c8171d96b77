#include <syncline/wire/incarnation.hpp>

#include <syncline/support/json_tape.hpp>

#include "support/catch.hpp"

#include <string>

namespace incarnation_test {

using namespace syncline;

namespace {

std::string written(const lost_intervals& lost) {
    std::string out;
    json_writer w{out};
    w.begin_object();
    write_incarnation(w, {"e", lost});
    w.end_object();
    return out;
}

told_incarnation read(const std::string& text) {
    auto tape = json_tape::parse(text);
    REQUIRE(tape);
    return read_incarnation(tape->root());
}

}  // namespace

TEST_CASE("incarnation: what was lost arrives as it was told") {
    const lost_intervals lost{{1, 1'000'000'001, 2, 9'000'000'000'000'000}, {0, 5, 0, 6}};
    CHECK(written(lost) == R"({"epoch":"e","lost":[[1,1000000001,2,9000000000000000],[0,5,0,6]]})");
    CHECK(read(written(lost)).lost == lost);
    CHECK(read(written(lost)).epoch == "e");
    CHECK(written({}) == R"({"epoch":"e"})");
    CHECK(read("{}").epoch.empty());
    CHECK(read("{}").lost.empty());
}

TEST_CASE("incarnation: entries of another form are passed over") {
    for (const char* text : {R"({"lost":null})", R"({"lost":7})", R"({"lost":{}})", R"({"lost":[]})", R"({"lost":[1,2,3,4]})", R"({"lost":[[1,2,3]]})",
                             R"({"lost":[[1,2,3,4,5]]})", R"({"lost":[[1,2,"x",4]]})", R"({"lost":[[1,2,3.5,4]]})"})
        CHECK(read(text).lost.empty());
    CHECK(read(R"({"lost":[[1,2],[1,2,3,4]]})").lost == lost_intervals{{1, 2, 3, 4}});
}

TEST_CASE("incarnation: only an answer that is refused for it, and names it, is one") {
    const response right = json_response(409, R"({"error":"epoch_changed","message":"m","epoch":"e2","lost":[[1,9,2,8]]})");
    const auto of = refused_for_incarnation(fault_of(right), right);
    REQUIRE(of);
    CHECK(of->epoch == "e2");
    CHECK(of->lost == lost_intervals{{1, 9, 2, 8}});
    for (const char* body : {R"({"error":"epoch_changed","message":"m"})", R"({"error":"epoch_changed","epoch":""})", R"({"error":"epoch_changed","epoch":7})",
                             R"({"error":"stale","epoch":"e2"})", "", "[]"}) {
        INFO(body);
        const response other = json_response(409, body);
        CHECK_FALSE(refused_for_incarnation(fault_of(other), other));
        CHECK_FALSE(refused_for_incarnation(fault{body[0] == '{' ? errc::stale : errc::epoch_changed, "m"}, other));
    }
}

}  // namespace incarnation_test
