#include <syncline/wire/bundle/watch_messages.hpp>

#include "support/catch.hpp"

#include <string>

namespace watch_messages_test {

using namespace syncline;

TEST_CASE("watch messages: the bytes of an event, with its source and without (1.10)", "[bundle]") {
    CHECK(bundle_wire::write_bundle_event({7, "dev-1", 3}) ==
          "event: bundle\ndata: {\"bundle_seq\":7,\"source_id\":\"dev-1\",\"source_bundle_id\":3}\n\n");
    CHECK(bundle_wire::write_bundle_event({7, {}, 0}) == "event: bundle\ndata: {\"bundle_seq\":7}\n\n");
    CHECK(bundle_wire::write_bundle_event({1, "a\nb", 1}).find("a\\nb") != std::string::npos);
    CHECK(bundle_wire::heartbeat == ": heartbeat\n\n");
}

TEST_CASE("watch messages: an event's data is read; a number that is none, or none above 0, is refused", "[bundle]") {
    CHECK(*bundle_wire::read_bundle_event(R"({"bundle_seq":7,"source_id":"s","source_bundle_id":3,"more":[]})") == bundle_news{7, "s", 3});
    CHECK(*bundle_wire::read_bundle_event(R"({"bundle_seq":7})") == bundle_news{7, {}, 0});
    for (const char* bad : {"", "7", "[]", "{}", R"({"bundle_seq":0})", R"({"bundle_seq":-1})", R"({"bundle_seq":"x"})", R"({"bundle_seq":7)"}) {
        INFO(bad);
        CHECK_FALSE(bundle_wire::read_bundle_event(bad));
    }
}

}  // namespace watch_messages_test
