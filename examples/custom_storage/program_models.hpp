#pragma once

#include "codecs.hpp"
#include "lmdb_transaction.hpp"

#include <syncline/syncline.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace on_lmdb {

/// The models of the program that opens the data, beside those that the data was written with. A row is kept by the places of its fields: it can be read
/// as long as these are the program's first ones. What the program knows beyond them it learns here, in the transaction that opens the store (S7).
class program_models {
public:
    /// Both outlive it.
    program_models(lmdb_transaction& t, const syncline::schema_set& schemas) : t_(&t), schemas_(&schemas) {}

    /// The numbers of the models in keys; nothing: the program has models or fields that the data does not know.
    /// @return `schema_mismatch` where the data has others than the program
    [[nodiscard]] result<std::optional<record_names>> look_up() const {
        record_names names;
        for (const auto& schema : *schemas_) {
            auto kept = find(schema);
            if (!kept) return std::move(kept).error();
            if (!*kept || (*kept)->fields < schema.fields.size()) return std::optional<record_names>{};
            names.add((*kept)->number);
        }
        return std::optional{std::move(names)};
    }

    /// Gives a number to each model that has none, and learns the fields that are new. Writes. @return as `look_up`
    [[nodiscard]] result<record_names> learn() {
        bool learnt = false;
        for (std::size_t m = 0; m < schemas_->size(); ++m) {
            const auto& schema = (*schemas_)[static_cast<syncline::model_id>(m)];
            auto kept = find(schema);
            if (!kept) return std::move(kept).error();
            auto next = t_->entries(database::models);
            if (!next) return std::move(next).error();
            const auto number = *kept ? (*kept)->number : static_cast<std::uint32_t>(*next);
            names_.add(number);
            if (*kept && (*kept)->fields < schema.fields.size()) {
                if (auto r = learn_fields(static_cast<syncline::model_id>(m), (*kept)->fields); !r) return std::move(r).error();
                learnt = true;
            }
            std::string now = ordered(number);
            byte_writer w{now};
            for (const auto& field : schema.fields) note_field(w, field);
            if (auto r = t_->put(database::models, schema.name, now); !r) return std::move(r).error();
        }
        if (learnt)
            if (auto r = ask_for_the_state(); !r) return std::move(r).error();
        return names_;
    }

private:
    struct kept_model {
        std::uint32_t number = 0;  ///< in keys
        std::size_t fields = 0;    ///< how many of the program's fields, from the first, the data knows
    };

    static void note_field(byte_writer& w, const syncline::field_schema& field) {
        w.text(field.name);
        w.number(static_cast<std::uint64_t>(field.kind));
    }

    [[nodiscard]] result<std::optional<kept_model>> find(const syncline::model_schema& schema) const {
        auto found = t_->get(database::models, schema.name);
        if (!found) return std::move(found).error();
        if (!*found) return std::optional<kept_model>{};
        std::string so_far = (*found)->substr(0, 4);
        byte_writer w{so_far};
        for (std::size_t known = 0;; ++known) {
            if (so_far == **found) return std::optional{kept_model{read_ordered<std::uint32_t>(so_far), known}};
            if (known == schema.fields.size()) break;
            note_field(w, schema.fields[known]);
        }
        return make_fault(errc::schema_mismatch, "the rows of `", schema.name, "` in `", t_->where(),
                          "` have other fields than the program's model; open it with the fields that it was made with, and new ones behind them");
    }

    // Rows and images are read as if null stood in the new fields; the few intents are written anew, for what they say of the fields.
    [[nodiscard]] result<void> learn_fields(syncline::model_id model, std::size_t known) {
        const auto& schema = (*schemas_)[model];
        syncline::field_set fresh;
        for (std::size_t f = known; f < schema.fields.size(); ++f) {
            if (!schema.fields[f].nullable)
                return make_fault(errc::schema_mismatch, "`", schema.name, ".", schema.fields[f].name, "` is new, and the rows in `", t_->where(), "` have nothing in it; let it be null");
            fresh.insert(static_cast<syncline::field_index>(f));
        }
        // What was new already is so still: from the first of them on, all fields are.
        const std::string of_model = names_.encode({model, {}});
        auto noted = t_->get(database::unseen, of_model);
        if (!noted) return std::move(noted).error();
        if (!*noted)
            if (auto r = t_->put(database::unseen, of_model, ordered(static_cast<std::uint32_t>(known))); !r) return r;

        const auto grow = [&](syncline::intent& what) {
            widen(schema, what.before);
            for (std::size_t f = known; what.op == syncline::operation::create && f < schema.fields.size(); ++f)
                what.changes.set(static_cast<syncline::field_index>(f), syncline::value::null());
            what.unseen |= fresh;
        };
        auto done = rewrite(database::open, of_model, [&](record_key k, std::string_view octets) -> result<std::string> {
            auto layer = decode_open(std::move(k), octets);
            if (!layer) return std::move(layer).error();
            grow(layer->second);
            return encode(layer->second, layer->first);
        });
        if (!done) return done;
        done = rewrite(database::frozen, of_model, [&](record_key k, std::string_view octets) -> result<std::string> {
            auto item = decode_item(std::move(k), octets);
            if (!item) return std::move(item).error();
            grow(item->what);
            return encode(*item);
        });
        if (!done) return done;

        auto state = read_state();
        if (!state) return std::move(state).error();
        if (state->checkpoint > 0) return {};
        // Nothing is asked for anew where nothing was pulled. Every row comes by itself then, if each counts as news beside the base that the device has.
        return rewrite(database::base, of_model, [](const record_key&, std::string_view octets) -> result<std::string> {
            auto base = decode_base(octets);
            if (!base) return std::move(base).error();
            if (base->version > 0 && !base->provisional) base->provisional = syncline::provisional_base{base->version, {}};
            return encode(*base);
        });
    }

    // A picture that is half staged came without the new fields.
    [[nodiscard]] result<void> ask_for_the_state() {
        if (auto r = t_->clear(database::staged); !r) return r;
        auto state = read_state();
        if (!state) return std::move(state).error();
        state->needs_hydration = state->needs_hydration || state->checkpoint > 0;
        state->hydration_session.clear();
        state->hydration_position = 0;
        return t_->put(database::scalars, "state", encode(*state));
    }

    [[nodiscard]] result<syncline::replica_state> read_state() const {
        auto found = t_->get(database::scalars, "state");
        if (!found) return std::move(found).error();
        return *found ? decode_state(**found) : result<syncline::replica_state>{syncline::replica_state{}};
    }

    // Puts what `change` makes of each entry of a model in its place.
    template <class Change>
    [[nodiscard]] result<void> rewrite(database d, const std::string& of_model, Change change) {
        std::vector<std::pair<std::string, std::string>> entries;
        auto read = t_->scan(d, of_model, [&](std::string_view name, std::string_view octets) {
            if (name.substr(0, of_model.size()) != of_model) return false;
            entries.emplace_back(name, octets);
            return true;
        });
        if (!read) return read;
        for (const auto& [name, octets] : entries) {
            result<std::string> now = change(*names_.decode(name), octets);
            if (!now) return std::move(now).error();
            if (auto r = t_->put(d, name, *now); !r) return r;
        }
        return {};
    }

    lmdb_transaction* t_;
    const syncline::schema_set* schemas_;
    record_names names_;
};

}  // namespace on_lmdb
