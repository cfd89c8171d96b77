#ifndef SYNCLINE_TESTING_SIMULATION_SIMULATED_PEOPLE_HPP
#define SYNCLINE_TESTING_SIMULATION_SIMULATED_PEOPLE_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/setup.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What the users of devices and the server's other programs make of rows. Which fields they set is in the die; what they set them to, nobody
/// has set before, as far as the setup lets the simulation choose.
class simulated_people {
public:
    /// Fields that are followed, and the numbers of what was written to them.
    using numbers = std::vector<std::pair<field_index, std::uint64_t>>;
    struct made_row {
        record row;
        numbers wrote;
    };

    /// @param setup, schemas  must outlive this object
    simulated_people(const simulation_setup& setup, const schema_set& schemas) : setup_(&setup), schemas_(&schemas) {}

    /// Writes some change to the row of @p key in a table of the app: changes or erases it, or makes it.
    /// @param stores  knows the tables; @param store  whose tables these are
    /// @param say     `void(std::string_view)`: is told before it is done
    /// @return the fields that are followed; nothing: there was nothing to write; what the table says against it
    template <class Stores, class Store, class Say>
    [[nodiscard]] result<std::optional<numbers>> write(run_ledger& ledger, Stores& stores, Store& store, const record_key& key, std::uint32_t die, Say say) const {
        const auto was = stores.row(store, key);
        if (was && (die >> 16) % 6 == 0) {
            say(" erases " + key.key);
            if (auto done = stores.erase(store, key); !done) return std::move(done).error();
            return std::optional{numbers{}};
        }
        auto made = changed_row(ledger, std::as_const(store).schemas(), key, was, die, [&](const record_key& k) { return stores.row(store, k).has_value(); });
        if (!made) return std::optional<numbers>{};
        say((was ? " changes " : " creates ") + key.key + ": " + ledger.text(made->row));
        if (auto done = stores.write(store, key, made->row); !done) return std::move(done).error();
        return std::optional{std::move(made->wrote)};
    }

    /// Some change of the row of @p key, or a new one.
    /// @param known  the models as the program knows them that makes the change
    /// @param was    the row as it is; nothing: there is none
    /// @param there  `bool(const record_key&)`: whether a record may be referred to
    /// @return nothing: it must refer to a record, and there is none
    template <class There>
    [[nodiscard]] std::optional<made_row> changed_row(run_ledger& ledger, const schema_set& known, const record_key& key, const std::optional<record>& was, std::uint32_t die, There there) const {
        const auto& schema = known[key.model];
        const std::size_t n = schema.fields.size();
        made_row out{was ? *was : record{std::vector<value>(n)}, {}};
        for (std::size_t i = 0; i < n; ++i) {
            const auto f = static_cast<field_index>(i);
            const bool chosen = !was || (die >> 8) % n == i || ((die >> 12 >> (i % 8)) & 3) == 0;
            if (!chosen || (was && schema.fields[i].read_only)) continue;
            const auto reference = std::find_if(schema.references.begin(), schema.references.end(), [&](const auto& r) { return r.field == f; });
            if (reference != schema.references.end()) {
                const bool none = schema.fields[i].nullable && (die >> 20) % 4 == 0;
                out.row.fields[i] = none ? value{} : reference_to(*reference, key, schema.fields[i].kind, die, there);
                if (out.row.fields[i].is_null() && !schema.fields[i].nullable) return std::nullopt;
                continue;
            }
            const auto number = ledger.next_number();
            out.row.fields[i] = setup_->value_of(schema, f, number);
            if (ledger.followed(key.model).contains(f)) out.wrote.emplace_back(f, number);
        }
        return out;
    }

private:
    template <class There>
    [[nodiscard]] value reference_to(const reference_schema& reference, const record_key& from, value_kind kind, std::uint32_t die, There there) const {
        const auto target = schemas_->find(reference.model);
        if (!target) return {};
        for (std::size_t k = 0; k < setup_->keys; ++k) {
            const record_key to{*target, setup_->key_of((*schemas_)[*target], (k + (die >> 22) % 16) % setup_->keys)};
            if (to == from || !there(to)) continue;
            if (kind != value_kind::integer) return value::text(to.key);
            std::int64_t number = 0;
            std::from_chars(to.key.data(), to.key.data() + to.key.size(), number);
            return value::integer(number);
        }
        return {};
    }

    const simulation_setup* setup_;
    const schema_set* schemas_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
