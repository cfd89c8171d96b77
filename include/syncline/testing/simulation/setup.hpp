#ifndef SYNCLINE_TESTING_SIMULATION_SETUP_HPP
#define SYNCLINE_TESTING_SIMULATION_SETUP_HPP

#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/script.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Which wires the devices of a run speak.
enum class simulated_wires : std::uint8_t { mutation, bundle, both };

/// What is simulated: models, rules, and what may happen. Copied into each run; the callables are called by one run at a time.
struct simulation_setup {
    std::vector<model_schema> models;
    std::size_t devices = 3;          ///< that are there from the beginning
    std::size_t most_devices = 5;     ///< copies and new ones included
    std::size_t keys = 3;             ///< records of each model
    std::size_t events = 200;         ///< of a run, before faults stop
    simulated_wires wires = simulated_wires::both;
    deed_weights weights;
    /// The same on devices and server; empty: `server_wins`.
    std::function<resolver_set()> resolvers;
    /// The buckets of records, by model; empty: everybody sees everything. The rules are pure. The bundle wire has no buckets.
    std::map<std::string, bucket_rule, std::less<>> buckets;
    /// The labels that people are granted and lose.
    std::vector<std::string> labels;
    /// How many fields of a model, the first ones, older programs know; half of the devices begin with one. The others may be null and refer to
    /// nothing. Empty: every program knows every field.
    std::map<std::string, std::size_t, std::less<>> first_fields;
    /// The server's. It must not draw or remember anything: a run is repeated to shrink it.
    validator validate;
    /// The app's tables change what is written to them (triggers, defaults): what a write made of a row is not compared with what was written.
    bool tables_change_rows = false;
    /// The value that a user writes to a field; nothing: the simulation makes one that is never written twice, and follows it. A field that the
    /// app's tables restrict (a CHECK, an enumeration) needs this.
    std::function<std::optional<value>(const model_schema&, field_index, std::uint64_t number)> make_value;
    /// The key of record @p number, from 0, of a model; empty: `note0`, or the number where keys are integers.
    std::function<std::string(const model_schema&, std::size_t number)> make_key;

    /// For the models of the types @p T. What is wrong with them `problem()` tells.
    template <class... T>
    [[nodiscard]] static simulation_setup of() {
        simulation_setup out;
        (out.add(schema_of<T>()), ...);
        return out;
    }
    /// A setup for one resolver.
    template <class Resolver>
    simulation_setup& resolved_by(Resolver r) {
        resolvers = [r] { return resolver_set{r}; };
        return *this;
    }

    /// What is wrong with it; nothing: it can run.
    [[nodiscard]] std::optional<fault> problem() const {
        if (problem_) return problem_;
        if (models.empty()) return make_fault(errc::invalid_argument, "a simulation needs at least one model");
        if (devices == 0 || devices > most_devices || most_devices > 26) return make_fault(errc::invalid_argument, "a simulation needs 1 to `most_devices` devices, and these are 26 at most");
        if (!buckets.empty() && wires != simulated_wires::mutation) return make_fault(errc::invalid_argument, "only the mutation wire has buckets: simulate it alone");
        if (buckets.empty() != labels.empty()) return make_fault(errc::invalid_argument, "buckets need `labels` that are granted, and labels need `buckets`");
        for (const auto& [name, count] : first_fields)
            if (auto bad = problem_with_first(name, count)) return bad;
        if (keys == 0) return make_fault(errc::invalid_argument, "a simulation needs at least one record of each model");
        return std::nullopt;
    }
    [[nodiscard]] result<schema_set> schemas() const {
        schema_set out;
        for (const auto& m : models)
            if (auto added = out.add(m); !added) return std::move(added).error();
        return out;
    }
    /// What an older program knows of @p schemas.
    [[nodiscard]] result<schema_set> older(const schema_set& schemas) const {
        schema_set out;
        for (std::size_t m = 0; m < schemas.size(); ++m) {
            model_schema known = schemas[static_cast<model_id>(m)];
            if (const auto at = first_fields.find(known.name); at != first_fields.end()) known.fields.resize(at->second);
            if (auto added = out.add(known); !added) return std::move(added).error();
        }
        return out;
    }
    [[nodiscard]] resolver_set resolver() const { return resolvers ? resolvers() : resolver_set{}; }

    [[nodiscard]] std::string key_of(const model_schema& m, std::size_t number) const {
        if (make_key) return make_key(m, number);
        switch (m.key_kind) {
        case value_kind::integer: return std::to_string(number + 1);
        case value_kind::bytes: return "00000000-0000-7000-8000-00000000000" + std::to_string(number % 10);
        default: return m.name + std::to_string(number);
        }
    }
    /// The keys of all records that a run may have.
    [[nodiscard]] std::vector<record_key> all_keys(const schema_set& schemas) const {
        std::vector<record_key> out;
        for (std::size_t m = 0; m < schemas.size(); ++m)
            for (std::size_t n = 0; n < keys; ++n) out.push_back({static_cast<model_id>(m), key_of(schemas[static_cast<model_id>(m)], n)});
        return out;
    }
    /// Whether the value of a field tells which write it came from.
    [[nodiscard]] bool follows(const model_schema& m, field_index f) const {
        const auto& field = m.fields[f];
        if (field.merge != nullptr || field.read_only || field.kind == value_kind::boolean) return false;
        for (const auto& r : m.references)
            if (r.field == f) return false;
        return !make_value || !make_value(m, f, 1);
    }
    [[nodiscard]] value value_of(const model_schema& m, field_index f, std::uint64_t number) const {
        if (make_value)
            if (auto made = make_value(m, f, number)) return std::move(*made);
        switch (m.fields[f].kind) {
        case value_kind::boolean: return value::boolean(number % 2 != 0);
        case value_kind::integer: return value::integer(static_cast<std::int64_t>(number));
        case value_kind::real: return value::real(static_cast<double>(number));
        case value_kind::decimal: return value::decimal(std::to_string(number));
        case value_kind::bytes: return value::bytes("w" + std::to_string(number));
        case value_kind::time: return value::time(from_microseconds(1'600'000'000'000'000 + static_cast<std::int64_t>(number) * 1'000'000));
        case value_kind::json: return value::json("{\"w\":" + std::to_string(number) + "}");
        default: return value::text("w" + std::to_string(number));
        }
    }
    /// The number of the write that @p v came from, where `value_of` made it; 0: none.
    [[nodiscard]] static std::uint64_t number_of(const value& v) {
        switch (v.kind()) {
        case value_kind::integer: return static_cast<std::uint64_t>(v.as_integer());
        case value_kind::real: return v.as_real() >= 1 && v.as_real() < 1e15 ? static_cast<std::uint64_t>(v.as_real()) : 0;
        case value_kind::time: return static_cast<std::uint64_t>((to_microseconds(v.as_time()) - 1'600'000'000'000'000) / 1'000'000);
        case value_kind::decimal:
        case value_kind::text:
        case value_kind::bytes:
        case value_kind::json: {
            std::uint64_t n = 0;
            for (const char c : v.as_string())
                if (c >= '0' && c <= '9') n = n * 10 + static_cast<std::uint64_t>(c - '0');
            return n;
        }
        default: return 0;
        }
    }

private:
    void add(result<model_schema> schema) {
        if (schema)
            models.push_back(std::move(*schema));
        else if (!problem_)
            problem_ = std::move(schema).error();
    }

    [[nodiscard]] std::optional<fault> problem_with_first(const std::string& name, std::size_t count) const {
        const auto at = std::find_if(models.begin(), models.end(), [&](const model_schema& m) { return m.name == name; });
        if (at == models.end()) return make_fault(errc::invalid_argument, "`first_fields` names `", name, "`, and there is no such model");
        if (count == 0 || count > at->fields.size()) return make_fault(errc::invalid_argument, "`first_fields` of `", name, "` must be 1 to ", std::to_string(at->fields.size()));
        for (std::size_t f = count; f < at->fields.size(); ++f) {
            const bool refers = std::any_of(at->references.begin(), at->references.end(), [&](const auto& r) { return r.field == f; });
            if (!at->fields[f].nullable || refers)
                return make_fault(errc::invalid_argument, "`", name, ".", at->fields[f].name, "` came later (`first_fields`): it must be nullable and no reference");
        }
        return std::nullopt;
    }

    std::optional<fault> problem_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
