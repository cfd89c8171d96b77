// Adapters of a device's storage that are broken in one column: of a condition with several members, each has one that it catches.

#include <syncline/testing/storage/replica_rows.hpp>

#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/storage/checker.hpp>
#include <syncline/testing/storage/replica_large.hpp>
#include <syncline/testing/storage/samples.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace replica_rows_test {

using namespace syncline;
using namespace syncline::testing;
using namespace syncline::testing::storage;

namespace {

enum class flaw { none, open_lost, open_of_another, open_without_place, frozen_lost, frozen_of_another, unread_of_another, unread_text_lost, unread_why_lost, quarantine_lost, quarantine_cut, pages_reversed };

class store {
public:
    class transaction : public memory_replica_store::transaction {
        using base_type = memory_replica_store::transaction;

    public:
        transaction(base_type&& in, flaw how) : base_type(std::move(in)), how_(how) {}
        [[nodiscard]] result<std::optional<intent>> open_intent(const record_key& key) {
            auto open = base_type::open_intent(key);
            if (!open || !*open) return open;
            if (how_ == flaw::open_lost) open->reset();
            else if (how_ == flaw::open_of_another) (*open)->key.key += "'";
            else if (how_ == flaw::open_without_place) (*open)->ordinal = 0;
            return open;
        }
        [[nodiscard]] result<std::optional<batch_item>> frozen(const record_key& key) {
            auto frozen = base_type::frozen(key);
            if (!frozen || !*frozen) return frozen;
            if (how_ == flaw::frozen_lost) frozen->reset();
            else if (how_ == flaw::frozen_of_another) (*frozen)->id += "'";
            return frozen;
        }
        [[nodiscard]] result<std::vector<unread_row>> unread(const unread_name* after, std::size_t n) {
            auto rows = base_type::unread(after, n);
            if (rows)
                for (auto& row : *rows) {
                    if (how_ == flaw::unread_of_another) row.name.model += "'";
                    if (how_ == flaw::unread_text_lost) row.text.clear();
                    if (how_ == flaw::unread_why_lost) row.why.detail.clear();
                }
            return rows;
        }
        [[nodiscard]] result<std::vector<quarantined_row>> quarantined(std::size_t n) {
            auto rows = base_type::quarantined(n);
            if (rows && how_ == flaw::quarantine_lost) rows->clear();
            if (rows && how_ == flaw::quarantine_cut)
                for (auto& row : *rows) row.image.row.reset();
            return rows;
        }
        [[nodiscard]] result<std::vector<row_image>> staged(const record_key* after, std::size_t n) {
            auto rows = base_type::staged(after, n);
            if (rows && how_ == flaw::pages_reversed) std::reverse(rows->begin(), rows->end());
            return rows;
        }

    private:
        flaw how_;
    };

    explicit store(flaw how) : how_(how) {}
    [[nodiscard]] const schema_set& schemas() const { return kept.schemas(); }
    [[nodiscard]] result<transaction> begin() {
        auto t = kept.begin();
        if (!t) return std::move(t).error();
        return transaction(std::move(*t), how_);
    }
    memory_replica_store kept{testing::storage::schemas(), {{{task, 1}}, true, {}}};

private:
    flaw how_;
};

struct harness {
    explicit harness(flaw how) : over(how) {}
    replica_rows_test::store over;
    replica_rows_test::store& store() { return over; }
    void reopen() { over.kept = over.kept.copy(); }
    result<void> app_write(const record_key& key, const record& row) { return over.kept.app_write(key, row); }
    result<void> app_erase(const record_key& key) { return over.kept.app_erase(key); }
    std::optional<record> row(const record_key& key) { return over.kept.row(key); }
};

/// What is found by the clause @p name.
std::size_t found_by(const char* name, flaw how) {
    report r;
    auto make = [how] { return harness{how}; };
    storage_kit_options asked;
    asked.only = name;
    store_kit kit(r, make, asked);
    check_replica_rows(kit);
    check_replica_large(kit);
    INFO(r.text());
    REQUIRE(r.find(name) != nullptr);
    CHECK(r.find(name)->checks > 0);
    return r.find(name)->found;
}

}  // namespace

TEST_CASE("replica_rows: a column that mangles awkward keys is found, whichever it is") {
    CHECK(found_by("table.keys", flaw::none) == 0);
    for (const flaw how : {flaw::open_lost, flaw::open_of_another, flaw::open_without_place, flaw::frozen_lost, flaw::frozen_of_another, flaw::unread_of_another, flaw::unread_text_lost,
                           flaw::unread_why_lost}) {
        CAPTURE(static_cast<int>(how));
        CHECK(found_by("table.keys", how) > 0);
    }
}

TEST_CASE("replica_rows: a quarantine that loses or cuts a large row is found, and pages that do not go on in order are") {
    for (const flaw how : {flaw::quarantine_lost, flaw::quarantine_cut}) CHECK(found_by("table.large_value", how) > 0);
    CHECK(found_by("table.many_rows", flaw::pages_reversed) > 0);
    for (const char* clause : {"table.large_value", "table.many_rows"}) CHECK(found_by(clause, flaw::none) == 0);
}

}  // namespace replica_rows_test
