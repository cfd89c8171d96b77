#include <syncline/wire/http_fault.hpp>

#include "support/catch.hpp"
#include "support/error_codes.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace http_fault_test {

namespace {

using namespace syncline;

using syncline_tests::all_codes;

response plain(int status, std::string body = {}) {
    response r;
    r.status = status;
    r.body = std::move(body);
    return r;
}

}  // namespace

TEST_CASE("http fault: every code goes out under an error status and comes back as itself, with its detail") {
    const auto codes = all_codes();
    REQUIRE(codes.size() > 35);
    for (const errc code : codes) {
        CAPTURE(name_of(code));
        const fault why{code, "what \"was\" wrong, and where\n"};
        const response answer = fault_response(why);
        CHECK(answer.status == http_status_of(code));
        CHECK(answer.status >= 400);
        CHECK(answer.status < 600);
        CHECK(fault_of(answer) == why);
        CHECK(errc_named(name_of(code)) == code);
    }
}

TEST_CASE("http fault: the status says what a foreign client can do: 4xx is never what it should only try again") {
    for (const errc code : all_codes()) {
        CAPTURE(name_of(code));
        const int status = http_status_of(code);
        const auto category = category_of(code);
        if (category == fault_category::fix_request || category == fault_category::ask_person) CHECK(status < 500);
        if (category == fault_category::retry) CHECK((status >= 500 || status == 429));
        if (category == fault_category::report_bug) CHECK(status == 500);
        const response answer = fault_response({code, {}});
        CHECK(find_header(answer.headers, "Retry-After").has_value() == (status == 503 || status == 429));
    }
}

TEST_CASE("http fault: a name that is no code's is not one") {
    for (const auto* name : {"", "unknown", "Conflict", "conflict ", "52"}) {
        CAPTURE(name);
        CHECK(!errc_named(name));
    }
    CHECK(fault_of(plain(500, R"({"error":"unknown"})")).code == errc::internal);
}

TEST_CASE("http fault: an answer without our body is told by its status (W08)") {
    const std::vector<std::pair<int, errc>> table{{400, errc::malformed_message}, {401, errc::unauthenticated}, {403, errc::forbidden},
                                                  {404, errc::absent},            {408, errc::timed_out},       {409, errc::stale},
                                                  {410, errc::session_gone},      {413, errc::too_large},       {415, errc::unsupported},
                                                  {422, errc::malformed_message}, {429, errc::rate_limited},    {500, errc::internal},
                                                  {502, errc::unavailable},       {503, errc::unavailable},     {504, errc::timed_out},
                                                  {599, errc::internal}};
    for (const auto& [status, code] : table)
        for (const std::string body : {"", "<html>Bad gateway</html>", "[]", "{}", R"({"error":7})", R"({"error":"Server Error"})", "\"conflict\""}) {
            CAPTURE(status, body);
            const fault why = fault_of(plain(status, body));
            CHECK(why.code == code);
            CHECK(why.detail.find(std::to_string(status)) != std::string::npos);
        }
    const fault told = fault_of(plain(503, R"({"message":"down for maintenance"})"));
    CHECK(told.code == errc::unavailable);
    CHECK(told.detail == "down for maintenance");
}

}  // namespace http_fault_test
