#include "served_tables.hpp"

#include "problem.hpp"
#include "suggestion.hpp"

#include <syncline/adapters/sqlite/authority_capture.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/adapters/sqlite/trigger.hpp>
#include <syncline/conflict/resolvers.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

namespace {

using syncline::model_schema;
using syncline::sqlite_table;

syncline::resolver resolver_for(conflict_rule rule) {
    switch (rule) {
    case conflict_rule::ask: return syncline::resolvers::defer_to_user{};
    case conflict_rule::server: return syncline::resolvers::server_wins{};
    case conflict_rule::client: return syncline::resolvers::client_wins{};
    case conflict_rule::latest: return syncline::resolvers::last_write_wins{};
    }
    return {};
}

std::vector<std::string> tables_of(syncline::sqlite_database& db) {
    std::vector<std::string> out;
    or_fail(syncline::each_sqlite_row(
        db, "SELECT name FROM main.sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'syncline\\_%' ESCAPE '\\'",
        [](syncline::sqlite_statement&) {},
        [&](syncline::sqlite_statement& s) {
            out.emplace_back(s.column_text(0));
            return true;
        }));
    return out;
}

bool holds(const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

// One table on its way from the configuration to a model.
class table_reader {
public:
    table_reader(syncline::sqlite_database& db, const configuration& c, const table_configuration& t, complaints& wrong, std::vector<std::string>& remarks)
        : db_(db), t_(t), tables_(c.tables), owner_(c.owner_of(t)), wrong_(wrong), remarks_(remarks) {}

    std::optional<model_schema> read() {
        auto table = syncline::read_sqlite_table(db_, t_.name);
        if (!table) return refuse(table.error().detail + suggestion(t_.name, tables_of(db_)));
        table_ = *std::move(table);
        if (!columns_are_there()) return std::nullopt;
        const syncline::app_times times{t_.created_at, t_.updated_at, t_.deleted_at};
        auto model = syncline::read_model_schema(db_, table_.name, times, t_.key);
        if (!model) return refuse(model.error().detail);
        if (!choose_fields(*model)) return std::nullopt;
        if (!passes(check(*model))) return std::nullopt;
        remark_on_columns(*model);
        return *std::move(model);
    }

private:
    std::nullopt_t refuse(const std::string& why) {
        wrong_.push_back(why);
        return std::nullopt;
    }
    bool passes(const syncline::result<void>& r) {
        if (!r) wrong_.push_back(r.error().detail);
        return static_cast<bool>(r);
    }

    bool columns_are_there() {
        std::vector<std::string> columns;
        for (const auto& c : table_.columns) columns.push_back(c.name);
        bool all = true;
        const auto need = [&](const std::string& column, const std::string& what) {
            if (column.empty() || holds(columns, column)) return;
            all = false;
            wrong_.push_back("table `" + table_.name + "` has no column `" + column + "`, which is named as " + what + suggestion(column, columns));
        };
        need(owner_, "its owner");
        if (!t_.assign_key) need(t_.key, "its key (with `assign_key` the server would add it)");
        for (const auto& name : t_.only.value_or(std::vector<std::string>{})) need(name, "a field");
        for (const auto& name : t_.except) need(name, "a field to be left out");
        for (const auto& name : t_.read_only) need(name, "a field that is read only");
        need(t_.created_at, "created_at");
        need(t_.updated_at, "updated_at");
        need(t_.deleted_at, "deleted_at");
        return all;
    }

    bool choose_fields(model_schema& model) {
        bool fine = true;
        const auto chosen = [&](const std::string& name, const char* member) {
            if (name != owner_ && model.find_field(name)) return;
            fine = false;
            wrong_.push_back("table `" + table_.name + "`: `" + member + "` has `" + name + "`, which is no field but " +
                             (name == owner_ ? "the owner column: the server sets it" : "the key, a column for times, or one that the database computes"));
        };
        for (const auto& name : t_.only.value_or(std::vector<std::string>{})) chosen(name, "only");
        for (const auto& name : t_.except) chosen(name, "except");
        for (const auto& name : t_.read_only) chosen(name, "read_only");
        if (!fine) return false;
        std::vector<syncline::field_schema> kept;
        std::vector<syncline::reference_schema> references;
        for (std::size_t i = 0; i < model.fields.size(); ++i) {
            auto& field = model.fields[i];
            if (field.name == owner_ || holds(t_.except, field.name) || (t_.only && !holds(*t_.only, field.name))) continue;
            for (auto r : model.references) {
                if (r.field != i) continue;
                r.field = static_cast<syncline::field_index>(kept.size());
                references.push_back(std::move(r));
            }
            field.read_only = holds(t_.read_only, field.name);
            kept.push_back(std::move(field));
        }
        model.fields = std::move(kept);
        model.references = std::move(references);
        return true;
    }

    syncline::result<void> check(const model_schema& model) {
        if (auto r = syncline::check_sqlite_side(db_, table_.name, syncline::sqlite_authority_prefix); !r) return r;
        if (!owner_.empty())
            if (auto r = syncline::check_sqlite_owner(table_, model, owner_); !r) return r;
        if (model.key_assigned && table_.find(model.key_name) == nullptr) return {};  // it is added, and checked, when the store is opened
        if (auto r = syncline::check_sqlite_model(table_, model); !r) return r;
        return syncline::check_sqlite_writable(db_, table_, model.key_name);
    }

    // Rows of devices would be refused one by one, and nobody would see why; or a user's row could name, and be erased with, one that is not theirs.
    void remark_on_columns(const model_schema& model) {
        for (const auto& r : model.references)
            if (std::none_of(tables_.begin(), tables_.end(), [&](const auto& t) { return syncline::sqlite_same_name(t.name, r.model); }))
                remarks_.push_back("table `" + table_.name + "`: the field `" + model.fields[r.field].name + "` refers to `" + r.model +
                                   "`, which is not served, so users can name any row of it, whosever it is");
        for (const auto& c : table_.columns) {
            const auto field = model.find_field(c.name);
            const bool given = c.name == model.key_name || c.name == owner_ || c.name == table_.rowid_column || c.generated || c.name == t_.created_at || c.name == t_.updated_at;
            if (given || !c.not_null || !c.default_sql.empty() || (field && !model.fields[*field].read_only)) continue;
            remarks_.push_back("table `" + table_.name + "`: the column `" + c.name + "` is NOT NULL without a default and devices do not send it, so they cannot add rows");
        }
    }

    syncline::sqlite_database& db_;
    const table_configuration& t_;
    const std::vector<table_configuration>& tables_;
    const std::string& owner_;
    complaints& wrong_;
    std::vector<std::string>& remarks_;
    sqlite_table table_;
};

bool holds_numbers(syncline::sqlite_database& db, const std::string& table, const std::string& column) {
    const auto read = syncline::read_sqlite_table(db, table);
    const auto* found = read ? read->find(column) : nullptr;
    return found != nullptr && found->affinity == syncline::sqlite_affinity::integer;
}

}  // namespace

served_tables read_tables(const configuration& c, complaints& wrong) {
    served_tables out;
    syncline::sqlite_open_options how;
    how.create = false;
    how.busy_timeout = std::chrono::seconds{5};
    auto db = or_fail(syncline::sqlite_database::open(c.database, how));
    if (const auto read = db.learn_encoding(); !read)
        throw failure{syncline::category_of(read.error().code) == syncline::fault_category::retry ? exit_code::try_later : exit_code::wrong_use,
                      "the database " + c.database + " cannot be read; is it one of SQLite's, without a key? " + read.error().detail};
    std::set<bool> kinds_of_owners;
    for (const auto& t : c.tables) {
        auto model = table_reader{db, c, t, wrong, out.remarks}.read();
        if (!model) continue;
        const std::string name = model->name;
        if (const auto added = out.models.add(*std::move(model)); !added) {
            wrong.push_back(added.error().detail);
            continue;
        }
        if (const auto added = out.resolvers.add(name, resolver_for(t.on_conflict)); !added) wrong.push_back(added.error().detail);
        if (c.owner_of(t).empty()) continue;
        out.store.owner_columns.emplace_back(name, c.owner_of(t));
        kinds_of_owners.insert(holds_numbers(db, name, c.owner_of(t)));
    }
    if (kinds_of_owners.size() > 1) wrong.push_back("some owner columns hold numbers and others text; one user's rows would have two owners: declare all alike");
    out.owner_is_number = kinds_of_owners.contains(true);
    return out;
}
