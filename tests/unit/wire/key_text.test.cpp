#include <syncline/wire/key_text.hpp>

#include "support/catch.hpp"

#include <string>

namespace key_text_test {

using namespace syncline;

TEST_CASE("key text: keys that print as numbers or UUIDs have exactly one spelling") {
    model_schema numbered;
    numbered.name = "n";
    numbered.key_kind = value_kind::integer;
    for (const char* good : {"0", "-1", "42", "9223372036854775807", "-9223372036854775808"}) CHECK(check_key_text(numbered, good));
    for (const char* bad : {"", "-", "01", "+1", "1.0", "1e3", " 1", "9223372036854775808", "x", "--1"}) {
        INFO(bad);
        CHECK(!check_key_text(numbered, bad));
    }
    model_schema named;
    named.name = "u";
    named.key_kind = value_kind::bytes;
    CHECK(check_key_text(named, "3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f"));
    for (const char* bad : {"3F2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f", "3f2b8c1e0d4a4c5b9e6f7a8b9c0d1e2f", "{3f2b8c1e-0d4a-4c5b-9e6f-7a8b9c0d1e2f}", "x"})
        CHECK(!check_key_text(named, bad));
    model_schema text;
    text.name = "t";
    CHECK(check_key_text(text, std::string(255, 'k')));
    CHECK(!check_key_text(text, std::string(256, 'k')));
    CHECK(!check_key_text(text, "\xff"));
}

}  // namespace key_text_test
