#include <syncline/storage/memory_authority_store.hpp>

#include "support/authority_store_contract.hpp"
#include "support/catch.hpp"

#include <memory>
#include <string>

namespace {

using namespace syncline;
using namespace store_contract;

struct harness {
    std::shared_ptr<bool> triggered = std::make_shared<bool>(false);
    memory_authority_store kept{schemas(), {{{task, 1}}, true, [on = triggered](const record_key& key, record& row) {
                                                if (*on && key.model == task && row.fields[0] == value::text("shout")) row.fields[0] = value::text("SHOUT");
                                            }}};

    memory_authority_store& store() { return kept; }
    void reopen() { kept = memory_authority_store{std::move(kept)}; }
    result<void> app_write(const std::string& tenant, const record_key& key, const record& row) { return kept.app_write(tenant, key, row); }
    result<void> app_erase(const std::string& tenant, const record_key& key) { return kept.app_erase(tenant, key); }
    std::optional<record> row(const std::string& tenant, const record_key& key) { return kept.row(tenant, key); }
    void install_trigger() { *triggered = true; }
};

}  // namespace

TEST_CASE("memory_authority_store: keeps the authority store's contract") {
    check_authority_store([] { return harness{}; });
}
