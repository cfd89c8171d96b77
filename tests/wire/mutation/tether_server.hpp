#ifndef SYNCLINE_TESTS_WIRE_MUTATION_TETHER_SERVER_HPP
#define SYNCLINE_TESTS_WIRE_MUTATION_TETHER_SERVER_HPP

// A server of the mutation wire as the sheet describes Laravel Tether 1.0 (sections 2.3 to 2.5, 3 and 6), with its holes: conflicts by clock against
// a row's `updated_at` in whole seconds, whole rows mass-assigned, one cursor in microseconds for all models, soft deletes, receipts for what was
// applied only. It knows nothing of Syncline.

#include <syncline/support/rfc3339.hpp>
#include <syncline/support/time.hpp>
#include <syncline/transport/message.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tether {

using json = nlohmann::json;
using namespace syncline;

struct server_options {
    bool strict_duplicates = false;
    bool inclusive_cursor = true;      // `>=`; the sheet does not know which
    bool soft_deletes = true;
    bool tells_state = true;           // `server_state` in a conflict
    bool tells_key = false;            // the docs' example leaves the sync key out (W27)
    bool tells_updated_at = true;
    bool tells_date = true;            // a Date header
    bool php_shapes = true;            // booleans as 0 and 1
};

struct stored_row {
    json attributes = json::object();
    std::int64_t updated_at = 0;  // seconds
    std::optional<std::int64_t> deleted_at;
};

inline std::string php_time(std::int64_t seconds) {
    auto text = *format_rfc3339(from_microseconds(seconds * 1'000'000), 0);
    text[10] = ' ';
    text.pop_back();
    return text;
}

class server {
public:
    explicit server(std::vector<std::pair<std::string, std::vector<std::string>>> models, server_options how = {})
        : options(how), models_(std::move(models)) {}

    server_options options;
    timestamp now = from_microseconds(1'700'000'000'000'000);
    // What becomes of a mutation before it is looked at: a reason to reject it with, or nothing.
    std::function<std::optional<json>(const json&)> reject;
    std::function<bool(const json&)> forget;  // whose ids are left out of the answer
    std::map<std::string, int> applied;       // how often each mutation took effect
    std::vector<json> pushes;                 // the requests
    std::vector<json> pulls;
    std::vector<std::string> order;           // "pull", and per mutation its id, as they came

    response operator()(const request& r) {
        json body = json::parse(r.body, nullptr, false);
        if (!body.is_object() || !body.contains("client_id")) return answer(422, json{{"message", "The client id field is required."}});
        if (r.path == "/tether/push") return answer(200, push(body));
        if (r.path == "/tether/pull") return answer(200, pull(body));
        return answer(404, json{{"message", "Not Found"}});
    }

    // As the app on the server writes.
    void write(const std::string& model, const std::string& key, const json& attributes) {
        stored_row& row = rows_[model][key];
        for (const auto& [name, v] : attributes.items()) row.attributes[name] = v;
        row.updated_at = seconds();
        row.deleted_at.reset();
    }
    void erase(const std::string& model, const std::string& key) { remove(model, key); }
    // The row as it lives, or nothing.
    std::optional<json> row(const std::string& model, const std::string& key) const {
        const auto m = rows_.find(model);
        if (m == rows_.end()) return std::nullopt;
        const auto r = m->second.find(key);
        if (r == m->second.end() || r->second.deleted_at) return std::nullopt;
        return r->second.attributes;
    }

private:
    std::int64_t seconds() const { return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count(); }

    response answer(int status, const json& body) const {
        response out{status, {{"Content-Type", "application/json"}}, body.dump()};
        if (options.tells_date) {
            const std::time_t at = static_cast<std::time_t>(seconds());
            std::tm parts{};
            gmtime_r(&at, &parts);
            // Day and month have English names, whatever the locale.
            const std::string day = std::string{"SunMonTueWedThuFriSat"}.substr(3 * static_cast<std::size_t>(parts.tm_wday), 3);
            const std::string month = std::string{"JanFebMarAprMayJunJulAugSepOctNovDec"}.substr(3 * static_cast<std::size_t>(parts.tm_mon), 3);
            char date[16], time[32];
            std::strftime(date, sizeof date, ", %d ", &parts);
            std::strftime(time, sizeof time, " %Y %H:%M:%S GMT", &parts);
            out.headers.push_back({"Date", day + date + month + time});
        }
        return out;
    }

    const std::vector<std::string>* fillable(const std::string& model) const {
        for (const auto& [name, fields] : models_)
            if (name == model) return &fields;
        return nullptr;
    }
    static std::string base_name(const std::string& model) { return model.substr(model.find_last_of('\\') + 1); }

    void remove(const std::string& model, const std::string& key) {
        if (!options.soft_deletes) {
            rows_[model].erase(key);
            return;
        }
        rows_[model][key].deleted_at = rows_[model][key].updated_at = seconds();
    }

    json push(const json& body) {
        pushes.push_back(body);
        json out{{"applied", json::array()}, {"rejected", json::array()}, {"conflicts", json::array()}};
        for (const auto& m : body.at("mutations")) {
            const std::string id = m.at("mutation_id");
            order.push_back(id);
            const auto refuse = [&](const std::string& reason, json data = json::array()) {
                out["rejected"].push_back(json{{"mutation_id", id}, {"reason", reason}, {"data", std::move(data)}});
            };
            if (log_.contains(id)) {
                if (options.strict_duplicates) refuse("duplicate");
                else out["applied"].push_back(id);
                continue;
            }
            if (reject)
                if (auto why = reject(m)) {
                    refuse(why->at("reason"), why->value("data", json::array()));
                    continue;
                }
            const std::string model = base_name(m.at("model")), key = m.at("entity_id"), op = m.at("operation");
            const auto* fields = fillable(model);
            if (fields == nullptr || (op != "create" && op != "update" && op != "delete")) {
                refuse("error");
                continue;
            }
            auto at = rows_[model].find(key);
            const bool stored = at != rows_[model].end();
            const bool lives = stored && !at->second.deleted_at;
            if (op != "create" && !lives) {
                refuse("not_found");
                continue;
            }
            if (op != "create" && m.at("timestamp").get<std::int64_t>() < at->second.updated_at * 1000) {
                json data{{"server_updated_at", nullptr}, {"server_state", json::array()}};
                if (options.tells_updated_at) {
                    auto text = php_time(at->second.updated_at) + "+00:00";
                    text[10] = 'T';
                    data["server_updated_at"] = text;
                }
                if (options.tells_state) data["server_state"] = columns(key, at->second, options.tells_key);
                out["conflicts"].push_back(json{{"mutation_id", id}, {"reason", "conflict"}, {"data", std::move(data)}});
                continue;
            }
            if (op == "create" && stored && !lives) {  // the key is unique, and trashed rows hold it
                refuse("error");
                continue;
            }
            ++applied[id];
            log_.insert(id);
            out["applied"].push_back(id);
            if (op == "delete") {
                remove(model, key);
                continue;
            }
            stored_row& row = rows_[model][key];
            bool dirty = !stored;
            for (const auto& [name, v] : m.at("payload").items()) {
                if (std::find(fields->begin(), fields->end(), name) == fields->end()) continue;  // mass assignment drops it
                dirty = dirty || !row.attributes.contains(name) || row.attributes[name] != v;
                row.attributes[name] = v;
            }
            if (dirty) row.updated_at = seconds();
            if (forget && forget(m)) out["applied"].erase(out["applied"].size() - 1);
        }
        return out;
    }

    json columns(const std::string& key, const stored_row& row, bool with_key) const {
        json out = row.attributes;
        if (options.php_shapes)
            for (auto& v : out)
                if (v.is_boolean()) v = v.get<bool>() ? 1 : 0;
        out["id"] = 7;
        if (with_key) out["tether_id"] = key;
        out["updated_at"] = out["created_at"] = php_time(row.updated_at);
        out["deleted_at"] = nullptr;
        return out;
    }

    json pull(const json& body) {
        pulls.push_back(body);
        order.push_back("pull");
        const auto cursor = body.value("last_sync_cursor", json{});
        const std::int64_t after = cursor.is_null() ? (std::numeric_limits<std::int64_t>::min)() : cursor.get<std::int64_t>();
        std::vector<std::pair<std::int64_t, json>> rows;
        for (const auto& [model, fields] : models_)
            for (const auto& [key, row] : rows_[model]) {
                const std::int64_t at = (std::max)(row.updated_at, row.deleted_at.value_or(0)) * 1'000'000;
                if (options.inclusive_cursor ? at < after : at <= after) continue;
                rows.emplace_back(at, json{{"entity_id", key},
                                           {"model", model},
                                           {"operation", row.deleted_at ? "delete" : "upsert"},
                                           {"payload", row.deleted_at ? json::array() : columns(key, row, true)}});
            }
        // How the original spreads a limit is not known; here a page is cut between two seconds only, and goes beyond the one that was asked from,
        // so that neither kind of cursor loses rows or stands still (W11).
        std::size_t end = rows.size();
        if (const auto limit = body.value("limit", std::size_t{0}); limit != 0 && limit < rows.size()) {
            std::sort(rows.begin(), rows.end());  // ties by their text, so that a page is the same each time
            end = limit;
            while (end < rows.size() && (rows[end].first == rows[end - 1].first || rows[end - 1].first == after)) ++end;
        }
        std::int64_t newest = cursor.is_null() ? 0 : after;
        json snapshots = json::array();
        for (std::size_t i = 0; i < end; ++i) {
            newest = (std::max)(newest, rows[i].first);
            snapshots.push_back(std::move(rows[i].second));
        }
        return json{{"snapshots", std::move(snapshots)}, {"new_sync_cursor", newest}, {"has_more", end < rows.size()}};
    }

    std::vector<std::pair<std::string, std::vector<std::string>>> models_;
    std::map<std::string, std::map<std::string, stored_row>> rows_;
    std::set<std::string> log_;
};

}  // namespace tether

#endif
