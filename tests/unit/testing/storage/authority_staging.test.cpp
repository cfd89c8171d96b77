#include <syncline/testing/storage/authority_staging.hpp>

#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include "support/catch.hpp"

#include <optional>
#include <string>
#include <utility>

namespace authority_staging_test {

using namespace syncline;
using namespace syncline::testing;
using namespace syncline::testing::storage;

namespace {

/// A harness that offers nothing but what every harness has.
struct bare {
    memory_authority_store kept{testing::storage::schemas(), {{{task, 1}}, true, {}}};
    memory_authority_store& store() { return kept; }
    void reopen() {
        memory_authority_store next{std::move(kept)};
        kept = std::move(next);
    }
    result<void> app_write(const std::string& tenant, const record_key& key, const record& row) { return kept.app_write(tenant, key, row); }
    result<void> app_erase(const std::string& tenant, const record_key& key) { return kept.app_erase(tenant, key); }
    std::optional<record> row(const std::string& tenant, const record_key& key) { return kept.row(tenant, key); }
};

}  // namespace

TEST_CASE("authority_staging: what a harness does not offer is skipped, and the rest is checked") {
    report r;
    auto make = [] { return bare{}; };
    store_kit kit(r, make, storage_kit_options{});
    check_authority_staging(kit);
    INFO(r.text());
    CHECK(r.passed());
    CHECK(r.find("A3.triggers")->skipped == "the harness offers no `install_trigger`");
    CHECK_FALSE(r.find("A3.attached")->skipped.empty());
    CHECK(r.find("A3.named_once")->checks > 0);
}

}  // namespace authority_staging_test
