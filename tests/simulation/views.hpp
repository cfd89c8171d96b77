#ifndef SYNCLINE_TESTS_SIMULATION_VIEWS_HPP
#define SYNCLINE_TESTS_SIMULATION_VIEWS_HPP

// Who may see what, told without any engine (promise 8): a record is visible where one of its buckets is granted and everything that it
// refers to is visible. Every answer of a server can be compared with it.

#include <syncline/engine/scopes.hpp>
#include <syncline/model/references.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/transport/message.hpp>

#include "simulation/lab.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simulation {

class view_rules {
public:
    using rows = std::function<std::optional<record>(const record_key&)>;

    /// @param buckets        those of a record whose field b has this value
    /// @param also_children  whether children have buckets of their own
    view_rules(std::function<label_set(const value& b)> buckets, bool also_children) : buckets_(std::move(buckets)), also_children_(also_children) {}

    void grant(const std::string& person, label_set what) { granted_[person] = std::move(what); }
    [[nodiscard]] const label_set& granted(const std::string& person) const { return granted_.at(person); }

    /// The same, as an authority is told.
    [[nodiscard]] scope_rules scopes() const {
        scope_rules out;
        const bucket_rule rule = [of = buckets_](const model_schema&, std::string_view, const record& row) { return of(row.fields[1]); };
        out.buckets["node"] = rule;
        if (also_children_) out.buckets["child"] = rule;
        out.granted = [this](std::string_view, std::string_view who) { return granted_.at(std::string{who}); };
        return out;
    }

    [[nodiscard]] bool visible(const schema_set& schemas, const rows& at, const std::string& person, const record_key& key) const {
        const auto row = at(key);
        if (!row) return false;
        if ((key.model == node_model || also_children_) && !buckets_(row->fields[1]).meets(granted_.at(person))) return false;
        for (const auto& parent : references_of(schemas, key.model, *row))
            if (!visible(schemas, at, person, parent)) return false;
        return true;
    }

    /// What an answer tells of records.
    struct told {
        std::vector<record_key> removed;  ///< from the asker's view, by a page or by the outcome of a mutation
        std::size_t removals = 0;         ///< those of the page
        std::size_t rows = 0;
        std::string wrong;                ///< what its asker may not be told; empty: nothing
    };
    /// Reads an answer of the mutation wire as @p person gets it, beside the rows as they are.
    /// @param of_mutation  the record of a mutation of this person
    template <class KeyOf>
    [[nodiscard]] told read_answer(const response& r, const schema_set& schemas, const rows& at, const std::string& person, const KeyOf& of_mutation) const {
        told out;
        const auto tape = lab_must(json_tape::parse(r.body));
        const auto expect_visible = [&](const record_key& key, json_view row) {
            ++out.rows;
            const auto there = at(key);
            const auto b = row.find("b");
            if (!there || !b || (b->is_null() ? !there->fields[1].is_null() : there->fields[1] != value::integer(*b->as_int())))
                out.wrong = "has " + key.key + " as it is not";
            else if (!visible(schemas, at, person, key))
                out.wrong = "has " + key.key + ", which " + person + " may not see";
        };
        if (const auto list = tape.root().find("snapshots"))
            for (const auto& row : *list) {
                record_key key = key_named(std::string{row.find("entity_id")->as_string()});
                if (row.find("operation")->as_string() == "upsert") {
                    expect_visible(key, *row.find("payload"));
                } else if (row.find("out_of_view")) {
                    if (visible(schemas, at, person, key)) out.wrong = "takes away " + key.key + ", which " + person + " may see";
                    ++out.removals;
                    out.removed.push_back(std::move(key));
                }
            }
        if (const auto list = tape.root().find("outcomes"))
            for (const auto& o : *list) {
                const record_key key = of_mutation(std::string{o.find("mutation_id")->as_string()});
                if (o.find("out_of_view")) out.removed.push_back(key);
                if (const auto row = o.find("row"); row && row->is_object()) expect_visible(key, *row);
            }
        if (const auto list = tape.root().find("conflicts"))
            for (const auto& c : *list)
                if (const auto state = c.find("data")->find("server_state"); state && state->is_object() && state->find("b"))
                    expect_visible(of_mutation(std::string{c.find("mutation_id")->as_string()}), *state);
        return out;
    }

private:
    std::function<label_set(const value&)> buckets_;
    bool also_children_;
    std::map<std::string, label_set> granted_;
};

}  // namespace simulation

#endif
