#ifndef SYNCLINE_ADAPTERS_SQLITE_FOREIGN_KEY_CHECK_HPP
#define SYNCLINE_ADAPTERS_SQLITE_FOREIGN_KEY_CHECK_HPP

#include <syncline/adapters/sqlite/authority_capture.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/table_schema.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// Checks that every foreign key over fields of @p schemas holds another served model's sync key, beside the owner column at most: a device that has
/// no other way to know a record than its sync key could not keep any other (the bundle wire's rule). What a model leaves out does not matter.
/// @param models  by `model_id`, with their keys (`follow_sqlite_authority_keys`)
/// @return `errc::unsupported`, with the model, its columns, what they refer to and what to do; or a fault of the database
[[nodiscard]] inline result<void> check_sqlite_foreign_keys_hold_sync_keys(sqlite_database& db, const schema_set& schemas,
                                                                           const std::vector<sqlite_captured_model>& models) {
    struct foreign_key {
        std::int64_t id = 0;
        std::string table;
        std::vector<std::pair<std::string, std::string>> columns;  // from and to; no name: the primary key
    };
    for (model_id id = 0; id < schemas.size(); ++id) {
        const sqlite_captured_model& m = models[id];
        std::vector<foreign_key> all;
        if (auto r = each_sqlite_row(
                db, "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq",
                [&](sqlite_statement& s) { s.bind_text(1, m.table.name); },
                [&](sqlite_statement& s) {
                    if (all.empty() || all.back().id != s.column_integer(0)) all.push_back({s.column_integer(0), std::string{s.column_text(1)}, {}});
                    all.back().columns.emplace_back(std::string{s.column_text(2)}, std::string{s.column_text(3)});
                    return true;
                });
            !r)
            return r;
        for (auto& key : all) {
            const auto target = std::find_if(models.begin(), models.end(), [&](const sqlite_captured_model& other) { return sqlite_same_name(other.table.name, key.table); });
            std::string columns;
            for (const auto& [from, to] : key.columns) columns.append(columns.empty() ? "`" : ", `").append(from).append("`");
            const auto refuse = [&](const std::string& what, const char* remedy) {
                return make_fault(errc::unsupported, "the bundle wire cannot carry model `", schemas[id].name, "`: the foreign key ", columns, " of table `", m.table.name, "` ",
                                  what, "; ", remedy, ", or leave the column out of the model, or mount the mutation wire alone");
            };
            std::erase_if(key.columns, [&](const auto& pair) {
                return target != models.end() && !m.owner.empty() && sqlite_same_name(pair.first, m.owner) && sqlite_same_name(pair.second, target->owner);
            });
            if (std::none_of(key.columns.begin(), key.columns.end(), [&](const auto& pair) { return schemas[id].find_field(pair.first).has_value(); })) continue;
            if (target == models.end()) return refuse("refers to table `" + key.table + "`, which is not served", "serve that table too");
            if (key.columns.size() != 1) return refuse("is made of several columns", "refer to one sync key");
            const auto& [from, to] = key.columns.front();
            const model_schema& other = schemas[static_cast<model_id>(target - models.begin())];
            if (m.keys.names[*schemas[id].find_field(from)]) continue;  // a local key, which is told as the sync key of its record
            const std::string named = to.empty() ? sqlite_primary_key_of(target->table) : to;
            if (!sqlite_same_name(named, other.key_name))
                return refuse("refers to the column `" + named + "` of `" + target->table.name + "`, whose sync key is `" + other.key_name + "`", "let it refer to the sync key");
        }
    }
    return {};
}

SYNCLINE_NAMESPACE_END

#endif
