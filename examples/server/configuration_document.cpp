#include "configuration_document.hpp"

#include "files.hpp"
#include "problem.hpp"

#include <syncline/support/json_tape.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t largest_file = 1 << 20;

const std::vector<std::pair<std::string, log_level>> levels{
    {"error", log_level::error}, {"warn", log_level::warn}, {"info", log_level::info}, {"debug", log_level::debug}};
const std::vector<std::pair<std::string, conflict_rule>> rules{
    {"ask", conflict_rule::ask}, {"server", conflict_rule::server}, {"client", conflict_rule::client}, {"latest", conflict_rule::latest}};
const std::vector<std::pair<std::string, foreign_writes_rule>> writes{{"seal", foreign_writes_rule::seal}, {"refuse", foreign_writes_rule::refuse}};
const std::vector<std::pair<std::string, secret_encoding>> encodings{{"text", secret_encoding::text}, {"base64", secret_encoding::base64}};

template <class T>
const std::string& word_of(const std::vector<std::pair<std::string, T>>& words, T value) {
    return std::find_if(words.begin(), words.end(), [value](const auto& w) { return w.second == value; })->first;
}

const nlohmann::json nothing = nlohmann::json::object();
const nlohmann::json& or_nothing(const nlohmann::json* section) { return section == nullptr ? nothing : *section; }

void read_name(const std::string& written, const std::string& where, table_configuration& into, complaints& wrong) {
    const auto dot = written.find('.');
    into.schema = dot == std::string::npos ? std::string{} : written.substr(0, dot);
    into.name = dot == std::string::npos ? written : written.substr(dot + 1);
    if (into.name.empty() || dot == 0 || into.name.find('.') != std::string::npos)
        wrong.push_back("`" + where + "` is `" + written + "`, which is no name of a table: write `notes`, or `business.notes` with the schema that devices name");
}

table_configuration read_table(const nlohmann::json& entry, const std::string& where, complaints& wrong) {
    table_configuration out;
    if (entry.is_string()) {
        read_name(entry.get<std::string>(), where, out, wrong);
        return out;
    }
    member_reader in{entry, where, wrong};
    std::string name;
    in.text("name", name);
    if (entry.is_object() && !entry.contains("name")) wrong.push_back("`" + where + "` has no `name`");
    else if (!name.empty() || (entry.is_object() && entry["name"].is_string())) read_name(name, in.path_of("name"), out, wrong);
    in.text("key", out.key);
    in.boolean("assign_key", out.assign_key);
    in.text("owner", out.owner);
    if (const auto* only = in.member("only"); only != nullptr) {
        out.only.emplace();
        in.texts("only", *out.only);
    }
    in.texts("except", out.except);
    in.texts("read_only", out.read_only);
    in.text("created_at", out.created_at);
    in.text("updated_at", out.updated_at);
    in.text("deleted_at", out.deleted_at);
    in.word("on_conflict", out.on_conflict, rules);
    in.refuse("shared", "is said of all tables or of none: a device has one history; write it beside `tables`");
    in.finish();
    if (out.only && !out.except.empty()) wrong.push_back("`" + where + "` has `only` and `except`; say one of them");
    if (out.assign_key && out.key.empty()) wrong.push_back("`" + where + "` has `assign_key` and no `key`: name the column that holds the sync key");
    return out;
}

void read_tables(const nlohmann::json* tables, configuration& out, complaints& wrong) {
    if (tables == nullptr) return;
    if (!tables->is_array()) return wrong.push_back("`tables` is not a list");
    for (std::size_t i = 0; i < tables->size(); ++i) out.tables.push_back(read_table((*tables)[i], "tables." + std::to_string(i), wrong));
}

void read_wires(const nlohmann::json* wires, configuration& out, complaints& wrong) {
    if (wires == nullptr) return;
    member_reader in{*wires, "wires", wrong};
    if (const auto* mutation = in.member("mutation")) {
        auto& wire = out.mutation.emplace();
        member_reader members{*mutation, "wires.mutation", wrong};
        members.text("prefix", wire.prefix);
        members.text("sync_key", wire.sync_key);
        members.finish();
    }
    if (const auto* bundle = in.member("bundle")) {
        auto& wire = out.bundle.emplace();
        member_reader members{*bundle, "wires.bundle", wrong};
        members.text("prefix", wire.prefix);
        members.text("app_name", wire.app_name);
        members.number("schema_version", wire.schema_version, 1, INT32_MAX);
        members.boolean("watch", wire.watch);
        members.number("heartbeat_seconds", wire.heartbeat_seconds, 1, 3600);
        members.finish();
    }
    in.finish();
}

void read_listen(const nlohmann::json* section, listen_configuration& out, complaints& wrong) {
    member_reader in{or_nothing(section), "listen", wrong};
    in.text("address", out.address);
    in.number("port", out.port, 0, 65535);
    in.boolean("allow_plaintext_beyond_loopback", out.allow_plaintext);
    in.boolean("status_pages", out.status_pages);
    if (const auto* tls = in.member("tls")) {
        member_reader files{*tls, "listen.tls", wrong};
        files.text("certificate", out.tls_certificate);
        files.text("key", out.tls_key);
        files.finish();
        if (out.tls_certificate.empty() || out.tls_key.empty()) wrong.push_back("`listen.tls` needs both, `certificate` and `key`: PEM files");
    }
    in.finish();
}

void read_jwt(const nlohmann::json* section, jwt_configuration& out, complaints& wrong) {
    member_reader in{or_nothing(section), "jwt", wrong};
    in.refuse("secret", "would be read by whoever reads the configuration; put the secret into a file or a variable and name that with `secret_file` or `secret_env`");
    in.text("secret_file", out.secret_file);
    in.text("secret_env", out.secret_env);
    in.word("secret_encoding", out.encoding, encodings);
    in.refuse("alg", "is not to be chosen: tokens are signed with HS256");
    in.refuse("algorithm", "is not to be chosen: tokens are signed with HS256");
    in.text("user_claim", out.user_claim);
    in.text("issuer", out.issuer);
    in.text("audience", out.audience);
    in.number("leeway_seconds", out.leeway_seconds, 0, 600);
    in.boolean("expiry_required", out.expiry_required);
    in.texts("only_users", out.only_users);
    in.finish();
}

void read_limits(const nlohmann::json* section, limits_configuration& out, complaints& wrong) {
    member_reader in{or_nothing(section), "limits", wrong};
    in.number("body_bytes", out.body_bytes, 1024, std::int64_t{1} << 30);
    in.number("head_bytes", out.head_bytes, 1024, std::int64_t{1} << 20);
    in.number("rows_per_page", out.rows_per_page, 1, 100'000);
    in.number("mutations_per_push", out.mutations_per_push, 1, 1'000'000);
    in.number("rows_per_bundle", out.rows_per_bundle, 1, 10'000'000);
    in.number("rows_per_chunk", out.rows_per_chunk, 1, 100'000);
    in.number("session_seconds", out.session_seconds, 10, 86'400);
    in.number("request_seconds", out.request_seconds, 1, 3600);
    in.number("push_sessions", out.push_sessions, 1, 1'000'000);
    in.number("snapshot_sessions", out.snapshot_sessions, 1, 1'000'000);
    in.number("threads", out.threads, 1, 1024);
    in.number("watchers", out.watchers, 1, 1023);
    in.number("watchers_of_user", out.watchers_of_user, 1, 1023);
    in.finish();
}

void read_rest(member_reader& in, configuration& out, complaints& wrong) {
    member_reader retention{or_nothing(in.member("retention")), "retention", wrong};
    retention.number("device_days", out.retention.device_days, 0, 36'500);
    retention.number("keep_bundles", out.retention.keep_bundles, 0, 1'000'000'000);
    retention.number("every_minutes", out.retention.every_minutes, 0, 525'600);
    retention.finish();
    member_reader log{or_nothing(in.member("log")), "log", wrong};
    log.word("level", out.level, levels);
    log.finish();
}

void make_absolute(nlohmann::json& holder, const char* name, const std::string& folder) {
    if (!holder.is_object()) return;
    const auto at = holder.find(name);
    if (at == holder.end() || !at->is_string() || at->get_ref<const std::string&>().empty()) return;
    *at = (std::filesystem::path{folder} / at->get<std::string>()).lexically_normal().string();
}

}  // namespace

nlohmann::json read_document(const std::string& path) {
    // Whoever can write it decides who comes in.
    if (complaints wrong; !check_file(path, "the configuration", file_kind::open_to_all, wrong)) throw failure{exit_code::wrong_use, wrong};
    std::ifstream file{path, std::ios::binary};
    if (!file) throw failure{exit_code::wrong_use, "the configuration file " + path + " cannot be read; is it there, and may you read it?"};
    std::string text(largest_file + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > largest_file) throw failure{exit_code::wrong_use, "the configuration file " + path + " has more than a mebibyte; is it one?"};
    // Stricter than the other parser, which would take the last of two members of one name.
    syncline::json_limits bounds;
    bounds.max_depth = 16;
    if (const auto strict = syncline::json_tape::parse(text, bounds); !strict) throw failure{exit_code::wrong_use, path + " is not JSON: " + strict.error().detail};
    auto document = nlohmann::json::parse(text);
    make_paths_absolute(document, std::filesystem::absolute(path).parent_path().string());
    return document;
}

void make_paths_absolute(nlohmann::json& document, const std::string& folder) {
    if (!document.is_object()) return;
    make_absolute(document, "database", folder);
    if (const auto jwt = document.find("jwt"); jwt != document.end()) make_absolute(*jwt, "secret_file", folder);
    const auto listen = document.find("listen");
    if (listen == document.end() || !listen->is_object() || !listen->contains("tls")) return;
    make_absolute((*listen)["tls"], "certificate", folder);
    make_absolute((*listen)["tls"], "key", folder);
}

configuration read_configuration(const nlohmann::json& document, complaints& wrong) {
    configuration out;
    member_reader in{document, "", wrong};
    in.text("database", out.database);
    read_tables(in.member("tables"), out, wrong);
    in.text("owner", out.owner);
    in.boolean("shared", out.shared);
    in.word("foreign_writes", out.foreign_writes, writes);
    read_wires(in.member("wires"), out, wrong);
    read_listen(in.member("listen"), out.listen, wrong);
    read_jwt(in.member("jwt"), out.jwt, wrong);
    read_limits(in.member("limits"), out.limits, wrong);
    read_rest(in, out, wrong);
    in.finish();
    return out;
}

nlohmann::ordered_json document_of(const configuration& c) {
    using json = nlohmann::ordered_json;
    json tables = json::array();
    for (const auto& t : c.tables) {
        json table{{"name", t.qualified()}};
        const auto add = [&table](const char* name, const std::string& value) {
            if (!value.empty()) table[name] = value;
        };
        add("key", t.key);
        if (t.assign_key) table["assign_key"] = true;
        add("owner", t.owner);
        if (t.only) table["only"] = *t.only;
        if (!t.except.empty()) table["except"] = t.except;
        if (!t.read_only.empty()) table["read_only"] = t.read_only;
        add("created_at", t.created_at);
        add("updated_at", t.updated_at);
        add("deleted_at", t.deleted_at);
        table["on_conflict"] = word_of(rules, t.on_conflict);
        tables.push_back(std::move(table));
    }
    json out;
    out["database"] = c.database;
    out["tables"] = std::move(tables);
    if (!c.owner.empty()) out["owner"] = c.owner;
    out["shared"] = c.shared;
    out["foreign_writes"] = word_of(writes, c.foreign_writes);
    out["wires"] = json::object();
    if (c.mutation) out["wires"]["mutation"] = {{"prefix", c.mutation->prefix}, {"sync_key", c.mutation->sync_key}};
    if (c.bundle)
        out["wires"]["bundle"] = {{"prefix", c.bundle->prefix}, {"app_name", c.bundle->app_name}, {"schema_version", c.bundle->schema_version},
                                  {"watch", c.bundle->watch}, {"heartbeat_seconds", c.bundle->heartbeat_seconds}};
    out["listen"] = {{"address", c.listen.address}, {"port", c.listen.port}, {"allow_plaintext_beyond_loopback", c.listen.allow_plaintext},
                     {"status_pages", c.listen.status_pages}};
    if (!c.listen.tls_certificate.empty()) out["listen"]["tls"] = {{"certificate", c.listen.tls_certificate}, {"key", c.listen.tls_key}};
    json& jwt = out["jwt"] = json::object();
    if (!c.jwt.secret_file.empty()) jwt["secret_file"] = c.jwt.secret_file;
    if (!c.jwt.secret_env.empty()) jwt["secret_env"] = c.jwt.secret_env;
    jwt["secret_encoding"] = word_of(encodings, c.jwt.encoding);
    jwt["user_claim"] = c.jwt.user_claim;
    if (!c.jwt.issuer.empty()) jwt["issuer"] = c.jwt.issuer;
    if (!c.jwt.audience.empty()) jwt["audience"] = c.jwt.audience;
    jwt["leeway_seconds"] = c.jwt.leeway_seconds;
    jwt["expiry_required"] = c.jwt.expiry_required;
    if (!c.jwt.only_users.empty()) jwt["only_users"] = c.jwt.only_users;
    const auto& l = c.limits;
    out["limits"] = {{"body_bytes", l.body_bytes},           {"head_bytes", l.head_bytes},         {"rows_per_page", l.rows_per_page},
                     {"mutations_per_push", l.mutations_per_push}, {"rows_per_bundle", l.rows_per_bundle}, {"rows_per_chunk", l.rows_per_chunk},
                     {"session_seconds", l.session_seconds}, {"request_seconds", l.request_seconds}, {"threads", l.threads},
                     {"push_sessions", l.push_sessions},     {"snapshot_sessions", l.snapshot_sessions}, {"watchers", l.watchers},
                     {"watchers_of_user", l.watchers_of_user}};
    out["retention"] = {{"device_days", c.retention.device_days}, {"keep_bundles", c.retention.keep_bundles}, {"every_minutes", c.retention.every_minutes}};
    out["log"] = {{"level", word_of(levels, c.level)}};
    return out;
}
