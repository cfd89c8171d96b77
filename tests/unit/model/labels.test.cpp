#include <syncline/model/labels.hpp>

#include "support/catch.hpp"

#include <string>

namespace labels_test {

using namespace syncline;

TEST_CASE("labels: a set is sorted, has each label once, and meets another where they share one") {
    const label_set some{"b", "a", "b"};
    CHECK(some == label_set{"a", "b"});
    CHECK(some.contains("a"));
    CHECK_FALSE(some.contains("c"));
    CHECK(some.meets({"b", "c"}));
    CHECK_FALSE(some.meets({"c"}));
    CHECK_FALSE(some.meets({}));
    CHECK(label_set{"a"}.within(some));
    CHECK_FALSE(some.within({"a"}));
    CHECK(united(some, {"c"}) == label_set{"a", "b", "c"});
    CHECK(common(some, {"b", "c"}) == label_set{"b"});
    CHECK(without(some, {"b", "c"}) == label_set{"a"});
}

TEST_CASE("labels: an audience wants a label of each set; without any it is the whole tenant, and an empty set is nobody") {
    audience who;
    CHECK(who.admits({}));
    who.require({"a", "b"});
    who.require({"c"});
    who.require({"c"});
    CHECK(who.needs().size() == 2);
    CHECK(who.admits({"b", "c"}));
    CHECK_FALSE(who.admits({"a", "b"}));
    CHECK(who.labels() == label_set{"a", "b", "c"});
    auto read = decode_audience(encode_audience(who));
    REQUIRE(read);
    CHECK(*read == who);
    who.require({});
    CHECK_FALSE(who.admits({"a", "b", "c"}));
    const std::string bytes = encode_audience(who);
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(decode_audience(bytes.substr(0, n)));
}

}  // namespace labels_test
