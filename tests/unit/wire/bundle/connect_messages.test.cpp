#include <syncline/wire/bundle/connect_messages.hpp>

#include "support/catch.hpp"

namespace connect_messages_test {

using namespace syncline;
using namespace syncline::bundle_wire;

namespace {

const json_limits limits_;

scope_connection of(scope_resolution what) {
    scope_connection out;
    out.what = what;
    return out;
}

}  // namespace

TEST_CASE("bundle connect: the request says whether the device has rows") {
    CHECK(write_connect(true) == R"({"has_local_pending_rows":true})");
    CHECK(write_connect(false) == R"({"has_local_pending_rows":false})");
    for (const bool has : {true, false}) CHECK(*read_connect(write_connect(has), limits_) == has);
    CHECK(!*read_connect("{}", limits_));
    CHECK(!*read_connect(R"({"has_local_pending_rows":null})", limits_));
    CHECK(*read_connect(R"({"more":1,"has_local_pending_rows":true})", limits_));
    for (const char* bad : {"", "{", "[]", "null", R"({"has_local_pending_rows":1})", R"({"has_local_pending_rows":"true"})"}) {
        INFO(bad);
        const auto read = read_connect(bad, limits_);
        REQUIRE(!read);
        CHECK((read.error().code == errc::malformed_json || read.error().code == errc::malformed_message));
    }
}

TEST_CASE("bundle connect: the four answers carry what the protocol says, in its order, and come back as they were") {
    scope_connection local = of(scope_resolution::initialize_local);
    local.initialization_id = "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f";
    local.lease_expires = from_microseconds(1'700'000'000'123'456);
    CHECK(write_connect_answer(local, {}) ==
          R"({"resolution":"initialize_local","initialization_id":"3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f","lease_expires_at":"2023-11-14T22:13:20.123456Z"})");
    scope_connection later = of(scope_resolution::retry_later);
    later.lease_expires = local.lease_expires;
    later.retry_after_seconds = 7;
    CHECK(write_connect_answer(later, {}) == R"({"resolution":"retry_later","lease_expires_at":"2023-11-14T22:13:20.123456Z","retry_after_seconds":7})");
    const auto there = of(scope_resolution::remote_authoritative);
    CHECK(write_connect_answer(there, {}) == R"({"resolution":"remote_authoritative"})");
    CHECK(write_connect_answer(there, {"e", {}}) == R"({"resolution":"remote_authoritative","epoch":"e"})");
    const auto empty = of(scope_resolution::initialize_empty);
    CHECK(write_connect_answer(empty, {}) == R"({"resolution":"initialize_empty"})");
    for (const auto& scope : {local, later, there, empty}) {
        const auto read = read_connect_answer(write_connect_answer(scope, {"e", {{1, 9, 2, 8}}}), limits_);
        REQUIRE(read);
        CHECK(read->scope == scope);
        CHECK(read->of.epoch == "e");
        CHECK(read->of.lost == lost_intervals{{1, 9, 2, 8}});
    }
}

TEST_CASE("bundle connect: an answer that a device cannot act on is refused, one that only says less is not") {
    for (const char* bad : {"", "[]", "{}", R"({"resolution":5})", R"({"resolution":"later"})", R"({"resolution":"initialize_local"})",
                            R"({"resolution":"initialize_local","initialization_id":""})", R"({"resolution":"retry_later","retry_after_seconds":"x"})"}) {
        INFO(bad);
        CHECK(!read_connect_answer(bad, limits_));
    }
    const auto later = read_connect_answer(R"({"resolution":"retry_later"})", limits_);
    REQUIRE(later);
    CHECK(later->scope.retry_after_seconds == 1);
    CHECK(read_connect_answer(R"({"resolution":"retry_later","retry_after_seconds":-3})", limits_)->scope.retry_after_seconds == 1);
    // Nanoseconds, as the original writes them.
    CHECK(read_connect_answer(R"({"resolution":"retry_later","lease_expires_at":5})", limits_)->scope.lease_expires == timestamp{});
    const auto local = read_connect_answer(R"({"resolution":"initialize_local","initialization_id":"x","lease_expires_at":"2023-11-14T22:13:20.123456789Z"})", limits_);
    REQUIRE(local);
    CHECK(local->scope.lease_expires == from_microseconds(1'700'000'000'123'456));
}

}  // namespace connect_messages_test
