#include "safety.hpp"

#include "files.hpp"
#include "suggestion.hpp"

#include <syncline/adapters/httplib/base_url.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace {

// A name that both SQLite and the wires take as it is: no blank or control character sneaks in by a slip.
bool is_plain(std::string_view name) {
    return !name.empty() && name.size() <= 128 && name.front() != ' ' && name.back() != ' ' &&
           std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return lower(x) == lower(y);
    });
}

void check_prefix(const std::string& prefix, const char* where, complaints& wrong) {
    const bool plain = std::all_of(prefix.begin(), prefix.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-' || c == '_' || c == '.' || c == '~';
    });
    if (!plain || prefix.size() < 2 || prefix.front() != '/' || prefix.back() == '/' || prefix.find("//") != std::string::npos)
        wrong.push_back(std::string{"`"} + where + "` is `" + prefix + "`; a prefix is like `/sync` or `/api/v1/sync`: letters, digits and -._~ behind each /, and no / at its end");
}

void check_wires(const configuration& c, complaints& wrong) {
    if (!c.mutation && !c.bundle)
        wrong.push_back("no wire is mounted; give `wires` the member `mutation` (devices of Laravel Tether and of Syncline), `bundle` (go-oversync and Syncline), or both: "
                        "\"wires\": {\"bundle\": {}}");
    if (c.mutation) check_prefix(c.mutation->prefix, "wires.mutation.prefix", wrong);
    if (c.bundle) check_prefix(c.bundle->prefix, "wires.bundle.prefix", wrong);
    for (const auto* prefix : {c.mutation ? &c.mutation->prefix : nullptr, c.bundle ? &c.bundle->prefix : nullptr})
        if (prefix != nullptr && c.listen.status_pages && (*prefix + "/").starts_with("/syncx/"))
            wrong.push_back("`" + *prefix + "` is where `listen.status_pages` has its pages, without tokens; give the wire another prefix");
    if (c.bundle && c.bundle->watch && c.limits.watchers >= c.limits.threads)
        wrong.push_back("`limits.watchers` is " + std::to_string(c.limits.watchers) + " with " + std::to_string(c.limits.threads) +
                        " `limits.threads`: each device that watches occupies one, so none might be left for requests; give more threads or fewer watchers");
    if (c.mutation && c.bundle) {
        const std::string a = c.mutation->prefix + "/";
        const std::string b = c.bundle->prefix + "/";
        if (a.starts_with(b) || b.starts_with(a)) wrong.push_back("the wires' prefixes `" + c.mutation->prefix + "` and `" + c.bundle->prefix + "` are one below the other; keep them apart");
    }
    if (c.mutation && !is_plain(c.mutation->sync_key)) wrong.push_back("`wires.mutation.sync_key` is no name of a member; `tether_id` is usual");
}

void check_tables(const configuration& c, complaints& wrong) {
    if (c.tables.empty()) wrong.push_back("`tables` names no table to be synced");
    for (std::size_t i = 0; i < c.tables.size(); ++i) {
        const auto& t = c.tables[i];
        for (const auto* name : {&t.name, &t.schema, &t.key, &t.owner, &t.created_at, &t.updated_at, &t.deleted_at})
            if (!name->empty() && !is_plain(*name)) wrong.push_back("table `" + t.qualified() + "`: `" + *name + "` is no name of a table, column or schema");
        for (std::size_t j = 0; j < i; ++j)
            if (same_name(c.tables[j].name, t.name))
                wrong.push_back("`" + c.tables[j].qualified() + "` and `" + t.qualified() + "` are one table: on SQLite the schema in a qualified name is only what devices call it by; name it once");
        if (same_name(t.name, "sqlite_schema") || t.name.starts_with("sqlite_") || t.name.starts_with("syncline_"))
            wrong.push_back("table `" + t.qualified() + "` belongs to the database or to the bookkeeping of sync; name tables of your own");
    }
    // The wire names a schema with each row, and one server has one.
    if (!c.bundle) return;
    std::vector<std::string> schemas;
    for (const auto& t : c.tables) {
        const std::string schema = t.schema.empty() ? "public" : t.schema;
        if (std::none_of(schemas.begin(), schemas.end(), [&](const auto& s) { return same_name(s, schema); })) schemas.push_back(schema);
    }
    if (schemas.size() > 1)
        wrong.push_back("the tables are in the schemas " + listed(schemas) + ", and a bundle wire serves one (a name without a schema is in `public`); give all tables the same, "
                        "or run a server for each over the same database");
}

void check_users(const configuration& c, complaints& wrong) {
    std::vector<std::string> without;
    std::vector<std::string> with;
    for (const auto& t : c.tables) (c.owner_of(t).empty() ? without : with).push_back("`" + t.qualified() + "`");
    if (c.shared && !with.empty())
        return wrong.push_back("`shared` says that all users share all rows, and " + listed(with) + " has an owner column; say one of them");
    if (!without.empty() && !with.empty())
        return wrong.push_back(listed(without) + (without.size() == 1 ? " has" : " have") + " no owner column, and " + listed(with) +
                               (with.size() == 1 ? " has" : " have") + " one; give each table its own, or run a second server for those that all users share");
    if (!without.empty() && !c.shared && c.jwt.only_users.size() != 1)
        wrong.push_back(listed(without) + (without.size() == 1 ? " has" : " have") + " no owner column, so every user would read and write the rows of all others; name the column "
                        "with `owner`, or say `\"shared\": true` if that is meant, or let one user in alone with `jwt.only_users`");
}

void check_listen(const listen_configuration& l, complaints& wrong) {
    if (!is_plain(l.address)) wrong.push_back("`listen.address` is no address; 127.0.0.1 serves this machine, 0.0.0.0 all networks");
    const bool tls = !l.tls_certificate.empty() && !l.tls_key.empty();
    if (!tls && !l.allow_plaintext && !syncline::is_loopback_host(l.address))
        wrong.push_back("`listen.address` is " + l.address + ", so tokens and rows would cross the network in plain text; name certificate and key with `listen.tls`, or say "
                        "`listen.allow_plaintext_beyond_loopback` if a proxy in front of it does the TLS");
    if (!l.tls_certificate.empty()) check_file(l.tls_certificate, "`listen.tls.certificate`", file_kind::open_to_all, wrong);
    if (!l.tls_key.empty()) check_file(l.tls_key, "`listen.tls.key`", file_kind::secret, wrong);
}

void check_jwt(const jwt_configuration& j, complaints& wrong) {
    if (j.secret_file.empty() == j.secret_env.empty())
        wrong.push_back(j.secret_file.empty() ? "no secret for tokens is named; name a file with `jwt.secret_file`, or a variable with `jwt.secret_env`"
                                              : "`jwt.secret_file` and `jwt.secret_env` are both given; say one of them");
    if (!is_plain(j.user_claim)) wrong.push_back("`jwt.user_claim` names no claim; `sub` is usual");
}

}  // namespace

void check_safety(const configuration& c, complaints& wrong) {
    if (c.database.empty()) wrong.push_back("`database` is missing: the SQLite file with your tables");
    else check_file(c.database, "`database`", file_kind::open_to_all, wrong);
    check_tables(c, wrong);
    check_users(c, wrong);
    check_wires(c, wrong);
    check_listen(c.listen, wrong);
    check_jwt(c.jwt, wrong);
}
