#ifndef SYNCLINE_TESTS_SIMULATION_LAB_HPP
#define SYNCLINE_TESTS_SIMULATION_LAB_HPP

// What the simulation and the recorded histories run on: the two models, and labs that make stores of one kind and write to the app's tables
// as an app would. Models: `node`, and `child` that refers to a node with a cascade. Fields a and b are registers, n a counter, m a
// maximum, s is set by the server's trigger to 's' || a.

#include <syncline/conflict/merges.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>

#include "simulation/settings.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

using namespace syncline;

inline constexpr model_id node_model = 0;
inline constexpr model_id child_model = 1;

inline std::vector<model_schema> models(overlap_policy overlap) {
    std::vector<field_schema> fields{{"a", value_kind::integer, true, nullptr},
                                     {"b", value_kind::integer, true, nullptr},
                                     {"n", value_kind::integer, true, &merges::counter::erased},
                                     {"m", value_kind::integer, true, &merges::maximum::erased},
                                     {"s", value_kind::text, true, nullptr}};
    model_schema node;
    node.name = "node";
    node.fields = fields;
    node.overlap = overlap;
    model_schema child = node;
    child.name = "child";
    child.fields.push_back({"parent", value_kind::text, true, nullptr});
    child.references.push_back({5, "node", reference_action::cascade});
    return {node, child};
}

/// The models of an older program, which does not know field b.
inline std::vector<model_schema> older_models(overlap_policy overlap) {
    auto out = models(overlap);
    for (auto& m : out) {
        m.fields.erase(m.fields.begin() + 1);
        for (auto& r : m.references) --r.field;
    }
    return out;
}
inline bool knows_b(const schema_set& schemas) { return schemas[node_model].find_field("b").has_value(); }
/// What such a program holds, in the places of the full model: what it does not know is null.
inline record widened(record r) {
    r.fields.insert(r.fields.begin() + 1, value{});
    return r;
}
inline intent widened(intent i) {
    field_changes at_their_places;
    for (const auto& c : i.changes) at_their_places.set(c.field == 0 ? c.field : static_cast<field_index>(c.field + 1), c.to);
    i.changes = std::move(at_their_places);
    if (i.before) i.before = widened(std::move(*i.before));
    return i;
}
inline record narrowed(record r) {
    r.fields.erase(r.fields.begin() + 1);
    return r;
}

inline record_key key_named(const std::string& name) { return {name.starts_with("C") ? child_model : node_model, name}; }

template <class T>
T lab_must(result<T> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
    return std::move(*r);
}
inline void lab_must(result<void> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
}

/// The base of a record, read as the engines read it.
struct base_seen {
    std::optional<record> row;
    std::int64_t version = 0;
};
template <class Store>
base_seen base_of(Store& store, const record_key& key) {
    auto t = lab_must(store.begin());
    auto kept = lab_must(t.base(key));
    base_seen out{std::nullopt, kept.version};
    if (kept.image_kept)
        out.row = std::move(kept.image);
    else if (kept.version != 0 || kept.provisional)
        out.row = lab_must(t.visible(key));
    return out;
}
template <class Store>
std::optional<intent> open_of(Store& store, const record_key& key) {
    auto t = lab_must(store.begin());
    return lab_must(t.open_intent(key));
}

/// Checks `visible = open(frozen(base))` for those records; hidden rows are absent by rule.
template <class Store>
void check_visible(Store& store, const schema_set& schemas, const std::string& name, const std::vector<record_key>& keys) {
    auto t = lab_must(store.begin());
    auto hidden = lab_must(t.hidden());
    for (const auto& key : keys) {
        const std::string& k = key.key;
        auto kept = lab_must(t.base(key));
        auto frozen = lab_must(t.frozen(key));
        auto open = lab_must(t.open_intent(key));
        auto visible = lab_must(t.visible(key));
        const bool is_hidden = std::find(hidden.begin(), hidden.end(), key) != hidden.end();
        if (!kept.image_kept && (frozen || open) && kept.version != 0)
            throw std::runtime_error(name + ": a layer lies over " + k + ", but its base image is not kept");
        if (!kept.image_kept && !frozen && !open && !is_hidden) {
            if (kept.version == 0 && !kept.provisional && visible) throw std::runtime_error(name + ": " + k + " is visible without a base or an intent");
            continue;
        }
        std::optional<record> row = kept.image_kept ? kept.image : std::nullopt;
        row = visible_row(schemas[key.model], frozen ? &frozen->what : nullptr, open ? &*open : nullptr, std::move(row), kept.out_of_view);
        if (is_hidden) row.reset();
        if (row != visible) throw std::runtime_error(name + ": visible is not open(frozen(base)) for " + k);
    }
}
/// The same for every key that the simulation uses, by name.
template <class Store>
void check_visible(Store& store, const schema_set& schemas, const std::string& name, const std::vector<std::string>& names = {"T", "T2", "P", "C1", "C2"}) {
    std::vector<record_key> keys;
    for (const auto& k : names) keys.push_back(key_named(k));
    check_visible(store, schemas, name, keys);
}

/// Stores in memory.
class memory_lab {
public:
    using replica_store = memory_replica_store;
    using authority_store = memory_authority_store;
    static constexpr bool has_trash = false;
    static constexpr bool can_migrate = false;

    explicit memory_lab(overlap_policy overlap) {
        for (auto& m : models(overlap)) lab_must(schemas_.add(std::move(m)));
    }
    memory_lab(const settings& s, statistics&) : memory_lab(s.overlap) {
        for (auto& m : older_models(s.overlap)) lab_must(older_schemas_.add(std::move(m)));
        old_model_ = s.old_model;
    }
    std::unique_ptr<authority_store> make_authority() {
        memory_table_options options;
        options.trigger = [](const record_key&, record& r) {
            r.fields[4] = r.fields[0].is_null() ? value{} : value::text("s" + std::to_string(r.fields[0].as_integer()));
        };
        return std::make_unique<authority_store>(schemas_, options);
    }
    std::unique_ptr<replica_store> make_replica(const std::string& name) {
        const auto number = static_cast<std::size_t>(name.front() - 'A');
        return std::make_unique<replica_store>(number < old_model_.size() && old_model_[number] ? older_schemas_ : schemas_);
    }
    void migrate(const std::string&) {}
    void crash(std::unique_ptr<replica_store>&, const std::string&) {}
    void crash_server(std::unique_ptr<authority_store>&) {}

    void device_write(replica_store& s, const record_key& k, const record& r) { lab_must(s.app_write(k, knows_b(std::as_const(s).schemas()) ? r : narrowed(r))); }
    void device_erase(replica_store& s, const record_key& k) { lab_must(s.app_erase(k)); }
    /// An erase with foreign keys off: what refers to the record stays. Here it is put back at once, which comes to the same.
    void device_erase_alone(replica_store& s, const record_key& k) {
        const auto children = s.rows(child_model);
        device_erase(s, k);
        for (const auto& [key, row] : children)
            if (!s.row({child_model, key})) device_write(s, {child_model, key}, row);
    }
    std::optional<record> device_row(replica_store& s, const record_key& k) {
        auto r = s.row(k);
        return r && !knows_b(std::as_const(s).schemas()) ? widened(std::move(*r)) : r;
    }
    void server_write(authority_store& s, const record_key& k, const record& r) { lab_must(s.app_write("main", k, r)); }
    void server_erase(authority_store& s, const record_key& k) { lab_must(s.app_erase("main", k)); }
    std::optional<record> server_row(authority_store& s, const record_key& k) { return s.row("main", k); }

private:
    schema_set schemas_;
    schema_set older_schemas_;
    std::vector<bool> old_model_;
};

}  // namespace simulation

#endif
