#include <syncline/storage/memory_replica_store.hpp>

#include "support/catch.hpp"
#include "support/replica_store_contract.hpp"

#include <memory>

namespace {

using namespace syncline;
using namespace store_contract;

struct harness {
    std::shared_ptr<bool> triggered = std::make_shared<bool>(false);
    memory_replica_store kept{schemas(), {{{task, 1}}, true, [on = triggered](const record_key& key, record& row) {
                                              if (*on && key.model == task && row.fields[0] == value::text("shout")) row.fields[0] = value::text("SHOUT");
                                          }}};

    memory_replica_store& store() { return kept; }
    void reopen() { kept = memory_replica_store{std::move(kept)}; }
    result<void> app_write(const record_key& key, const record& row) { return kept.app_write(key, row); }
    result<void> app_erase(const record_key& key) { return kept.app_erase(key); }
    std::optional<record> row(const record_key& key) { return kept.row(key); }
    void install_trigger() { *triggered = true; }
};

}  // namespace

TEST_CASE("memory_replica_store: keeps the replica store's contract") {
    check_replica_store([] { return harness{}; });
}
