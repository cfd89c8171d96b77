#include <syncline/testing/storage/replica_capture.hpp>

#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/samples.hpp>

#include "support/catch.hpp"

#include <optional>

namespace replica_capture_test {

using namespace syncline;
using namespace syncline::testing;
using namespace syncline::testing::storage;

namespace {

/// A harness that offers nothing but what every harness has.
struct bare {
    memory_replica_store kept{testing::storage::schemas(), {{{task, 1}}, true, {}}};
    memory_replica_store& store() { return kept; }
    void reopen() { kept = kept.copy(); }
    result<void> app_write(const record_key& key, const record& row) { return kept.app_write(key, row); }
    result<void> app_erase(const record_key& key) { return kept.app_erase(key); }
    std::optional<record> row(const record_key& key) { return kept.row(key); }
};

}  // namespace

TEST_CASE("replica_capture: what a harness does not offer is skipped, and the rest is checked") {
    report r;
    auto make = [] { return bare{}; };
    store_kit kit(r, make, storage_kit_options{});
    check_replica_capture(kit);
    INFO(r.text());
    CHECK(r.passed());
    for (const char* clause : {"S3.diverted", "S4.triggers"}) CHECK(r.find(clause)->skipped == "the harness offers no `install_trigger`");
    CHECK(r.find("S4.every_edit")->checks > 0);
}

}  // namespace replica_capture_test
