#pragma once

#include "codecs.hpp"
#include "lmdb_transaction.hpp"

#include <syncline/syncline.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace on_lmdb {

using syncline::record;

/// What a table of an app says beyond the model: LMDB has none of it by itself.
struct table_rules {
    struct unique_field {
        syncline::model_id model = 0;
        syncline::field_index field = 0;
    };
    std::vector<unique_field> unique;
    /// What the app makes of a row before it is stored, whoever writes it; empty: nothing.
    std::function<void(const record_key&, record&)> trigger;
};

/// The app's rows in a transaction: NOT NULL, unique values and foreign keys, and the capture of what the app does.
class app_tables {
public:
    /// All of them outlive it.
    app_tables(lmdb_transaction& t, const syncline::schema_set& schemas, const table_rules& rules, const record_names& names)
        : t_(&t), schemas_(&schemas), rules_(&rules), names_(&names) {}

    [[nodiscard]] result<std::optional<record>> row(const record_key& k) const {
        if (!names_->knows(k)) return unknown_model();
        auto found = t_->get(database::rows, names_->encode(k));
        if (!found) return std::move(found).error();
        if (!*found) return std::optional<record>{};
        auto decoded = syncline::decode_record(**found);
        if (!decoded) return std::move(decoded).error();
        std::optional<record> row{std::move(*decoded)};
        widen((*schemas_)[k.model], row);
        return row;
    }

    /// Inserts or replaces a row as the sync does: constraints of the row itself hold, foreign keys are not looked at, and nothing is captured.
    /// @return the row as the trigger left it; nothing was written where it is refused
    [[nodiscard]] result<record> write(const record_key& k, record row) {
        if (auto r = check(k, row); !r) return std::move(r).error();  // the trigger is given rows of the model only
        if (rules_->trigger) rules_->trigger(k, row);
        if (auto r = check(k, row); !r) return std::move(r).error();
        if (auto r = store(k, &row); !r) return std::move(r).error();
        return row;
    }
    [[nodiscard]] result<void> erase(const record_key& k) { return store(k, nullptr); }

    /// What the app does: captured, and with its foreign keys. A refused call leaves a part behind: the transaction is to be dropped then.
    [[nodiscard]] result<void> app_write(const record_key& k, const record& row) {
        auto before = this->row(k);
        if (!before) return std::move(before).error();
        auto written = write(k, row);
        if (!written) return std::move(written).error();
        for (const auto& target : syncline::references_of(*schemas_, k.model, *written)) {
            auto there = this->row(target);
            if (!there) return std::move(there).error();
            if (!*there)
                return make_fault(errc::constraint, "a row of `", (*schemas_)[k.model].name, "` refers to a row of `", (*schemas_)[target.model].name,
                                  "` that is not there; write that one first");
        }
        return *before == *written ? result<void>{} : capture(k, *before, false);
    }
    [[nodiscard]] result<void> app_erase(const record_key& k) {
        auto before = row(k);
        if (!before) return std::move(before).error();
        if (!*before) return {};
        if (auto r = store(k, nullptr); !r) return r;
        if (auto r = capture(k, *before, true); !r) return r;
        return run_actions(k);
    }

    /// What the app did since the last time, in the order of the records' first changes; forgets it.
    [[nodiscard]] result<std::vector<syncline::captured_edit>> take_captured() {
        std::vector<syncline::captured_edit> out;
        bool decodes = true;
        auto read = t_->scan(database::captured, {}, [&](std::string_view, std::string_view octets) {
            auto e = decode(octets);
            if (!e) return decodes = false;
            if (auto key = names_->decode(e->name)) out.push_back({std::move(*key), std::move(e->before), std::nullopt, e->recreated});
            return true;
        });
        if (!read) return std::move(read).error();
        if (!decodes) return corrupt();
        for (auto& edit : out) {
            auto now = row(edit.key);
            if (!now) return std::move(now).error();
            edit.after = std::move(*now);
            widen((*schemas_)[edit.key.model], edit.before);
            if (!edit.after || !edit.before) edit.recreated = false;  // a plain deletion, and a plain creation
        }
        std::erase_if(out, [](const auto& edit) { return edit.before == edit.after && !edit.recreated; });
        if (auto r = name_unseen(out); !r) return std::move(r).error();
        for (const auto d : {database::captured, database::captured_at})
            if (auto r = t_->clear(d); !r) return std::move(r).error();
        return out;
    }

private:
    struct captured_entry {
        std::string name;
        std::optional<record> before;
        bool erased = false;
        bool recreated = false;
    };

    static fault unknown_model() { return make_fault(errc::unknown_model, "a record of a model that the store was not opened with was named; add the model to its schemas"); }
    static fault corrupt() { return make_fault(errc::corrupt, "a stored edit does not decode; restore the folder from a backup"); }
    fault refused(const record_key& k, std::string_view constraint, std::size_t field) const {
        const auto& schema = (*schemas_)[k.model];
        return make_fault(errc::constraint, "the table `", schema.table_name(), "` refused a row: ", constraint, " `", schema.table_name(), ".", schema.fields[field].name,
                          "`; write another value");
    }

    [[nodiscard]] result<void> check(const record_key& k, const record& row) const {
        if (!names_->knows(k)) return unknown_model();
        const auto& schema = (*schemas_)[k.model];
        if (k.key.empty()) return make_fault(errc::invalid_key, "a row of `", schema.name, "` has an empty key; give it one");
        if (row.fields.size() != schema.fields.size())
            return make_fault(errc::unsupported, "a row of `", schema.name, "` has not as many values as the model has fields; give one for each");
        for (std::size_t f = 0; f < row.fields.size(); ++f)
            if (!schema.fields[f].nullable && row.fields[f].is_null()) return refused(k, "NOT NULL of", f);
        for (const auto& u : rules_->unique) {
            if (u.model != k.model || row.fields[u.field].is_null()) continue;
            auto holder = t_->get(database::unique, unique_entry(k.model, u.field, row.fields[u.field]));
            if (!holder) return std::move(holder).error();
            if (*holder && **holder != names_->encode(k)) return refused(k, "UNIQUE of", u.field);
        }
        return {};
    }

    // Puts or takes the row with its index entries.
    [[nodiscard]] result<void> store(const record_key& k, const record* row) {
        auto old = this->row(k);
        if (!old) return std::move(old).error();
        const std::string name = names_->encode(k);
        if (*old)
            for (const auto& [d, entry] : index_entries(k, **old))
                if (auto r = t_->erase(d, entry); !r) return r;
        if (row == nullptr) return t_->erase(database::rows, name);
        for (const auto& [d, entry] : index_entries(k, *row))
            if (auto r = t_->put(d, entry, name); !r) return r;
        return t_->put(database::rows, name, syncline::encode_record(*row));
    }

    [[nodiscard]] std::vector<std::pair<database, std::string>> index_entries(const record_key& k, const record& row) const {
        std::vector<std::pair<database, std::string>> out;
        for (const auto& u : rules_->unique)
            if (u.model == k.model && u.field < row.fields.size() && !row.fields[u.field].is_null())
                out.emplace_back(database::unique, unique_entry(k.model, u.field, row.fields[u.field]));
        for (const auto& reference : (*schemas_)[k.model].references)
            if (auto target = referenced(reference, row)) out.emplace_back(database::references, referring_prefix(*target) + ordered(reference.field) + names_->encode(k));
        return out;
    }
    [[nodiscard]] std::optional<record_key> referenced(const syncline::reference_schema& reference, const record& row) const {
        const auto target = schemas_->find(reference.model);
        if (!target || reference.field >= row.fields.size()) return std::nullopt;
        auto key = syncline::referenced_key(row.fields[reference.field]);
        if (!key) return std::nullopt;
        return record_key{*target, std::move(*key)};
    }

    // Values and keys can be longer than a key of LMDB: their hashes stand for them.
    static std::string hash_of(std::string_view octets) { return syncline::sha256_hex(octets); }
    [[nodiscard]] std::string unique_entry(syncline::model_id model, syncline::field_index field, const syncline::value& v) const {
        std::string octets;
        byte_writer{octets}.put(v);
        return names_->encode({model, {}}) + ordered(field) + hash_of(octets);
    }
    [[nodiscard]] std::string referring_prefix(const record_key& target) const { return hash_of(names_->encode(target)); }

    // What a database does by itself to the rows that refer to an erased one.
    [[nodiscard]] result<void> run_actions(const record_key& erased) {
        const std::string prefix = referring_prefix(erased);
        std::vector<record_key> referring;
        auto read = t_->scan(database::references, prefix, [&](std::string_view entry, std::string_view name) {
            if (entry.substr(0, prefix.size()) != prefix) return false;
            if (auto key = names_->decode(name)) referring.push_back(std::move(*key));
            return true;
        });
        if (!read) return read;
        for (const auto& k : referring) {
            auto found = row(k);
            if (!found) return std::move(found).error();
            if (!*found) continue;  // it went with another of its references
            record changed = **found;
            bool cascades = false;
            for (const auto& reference : (*schemas_)[k.model].references) {
                if (referenced(reference, changed) != erased) continue;
                if (reference.on_erase == syncline::reference_action::cascade) cascades = true;
                if (reference.on_erase == syncline::reference_action::set_null) changed.fields[reference.field] = syncline::value::null();
            }
            if (auto r = cascades ? app_erase(k) : changed == **found ? result<void>{} : app_write(k, changed); !r) return r;
        }
        return {};
    }

    // Names in each edit the fields that the rows tell nothing of; of a record that the app made those which nobody has set.
    [[nodiscard]] result<void> name_unseen(std::vector<syncline::captured_edit>& edits) const {
        for (auto& edit : edits) {
            auto first = t_->get(database::unseen, names_->encode({edit.key.model, {}}));
            if (!first) return std::move(first).error();
            if (!*first) continue;
            for (std::size_t f = read_ordered<std::uint32_t>(**first); f < (*schemas_)[edit.key.model].fields.size(); ++f)
                if (edit.before || !edit.after || edit.after->fields[f].is_null()) edit.unseen.insert(static_cast<syncline::field_index>(f));
        }
        return {};
    }

    [[nodiscard]] static std::string encode(const captured_entry& e) {
        std::string out;
        byte_writer w{out};
        w.text(e.name);
        w.put(e.before);
        w.number((e.erased ? 1U : 0U) | (e.recreated ? 2U : 0U));
        return out;
    }
    [[nodiscard]] static std::optional<captured_entry> decode(std::string_view octets) {
        byte_reader in{octets};
        captured_entry e;
        e.name = in.text();
        e.before = in.get_optional_record();
        const auto flags = in.number();
        e.erased = (flags & 1) != 0;
        e.recreated = (flags & 2) != 0;
        if (!in.at_end()) return std::nullopt;
        return e;
    }

    [[nodiscard]] result<void> capture(const record_key& k, const std::optional<record>& before, bool erases) {
        const std::string name = names_->encode(k);
        auto at = t_->get(database::captured_at, name);
        if (!at) return std::move(at).error();
        std::string position;
        captured_entry e{name, before, false, false};
        if (*at) {
            position = **at;
            auto found = t_->get(database::captured, position);
            if (!found) return std::move(found).error();
            auto known = *found ? decode(**found) : std::nullopt;
            if (!known) return corrupt();
            e = std::move(*known);
        } else {
            auto last = t_->last_key(database::captured);
            if (!last) return std::move(last).error();
            position = ordered(read_ordered<std::uint64_t>(*last) + (last->empty() ? 0U : 1U));
            if (auto r = t_->put(database::captured_at, name, position); !r) return r;
        }
        if (erases) e.erased = true;
        else if (e.erased && !before) e.recreated = true;
        return t_->put(database::captured, position, encode(e));
    }

    lmdb_transaction* t_;
    const syncline::schema_set* schemas_;
    const table_rules* rules_;
    const record_names* names_;
};

}  // namespace on_lmdb
