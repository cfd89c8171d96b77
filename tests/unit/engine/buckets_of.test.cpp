#include <syncline/engine/buckets_of.hpp>

#include "support/catch.hpp"

#include <string>
#include <tuple>

namespace buckets_of_test {

using namespace syncline;

namespace {

struct project {
    std::string id;
    std::string team;

    struct syncline_model {
        static constexpr auto name() { return "project"; }
        static constexpr auto key() { return key_field<"id", &project::id>(); }
        static constexpr auto fields() { return std::tuple{field<"team", &project::team>()}; }
    };
};

}  // namespace

TEST_CASE("buckets of a struct: the rule sees the struct, and a row that makes none lies in no bucket") {
    const bucket_rule rule = buckets_of<project>([](const project& p) { return label_set{p.team, p.id}; });
    CHECK(rule({}, "p1", to_record(project{"p1", "garden"})) == label_set{"garden", "p1"});
    CHECK(rule({}, "p1", record{{value::integer(7)}}).empty());
}

}  // namespace buckets_of_test
