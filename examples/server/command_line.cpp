#include "arguments.hpp"
#include "configuration_document.hpp"
#include "problem.hpp"

#include <syncline/support/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <vector>

namespace {

constexpr const char* footer = R"(
Once it serves, stdout has one line, `ready http://ADDRESS:PORT`; stderr has a JSON object a line. SIGTERM or Ctrl-C lets the requests that came in be answered, then ends it.

Exit codes:
  0  stopped as asked, or nothing is wrong with the configuration (--check)
  2  wrong use: the command line, the configuration, or what it names; nothing was served
  3  the address or the database is in use, or the system failed: try again
  4  damaged data, or a mistake of this program
  5  stdout could not be written, so nobody would have learned of the port

A first try, over a table notes(id TEXT PRIMARY KEY, user_id TEXT NOT NULL, text TEXT):
  openssl rand -base64 48 > secret && chmod 600 secret
  syncline-server --database notes.db --table notes --owner user_id --wire bundle --secret-file secret
)";

constexpr std::string_view paths[] = {"database", "jwt.secret_file", "listen.tls.certificate", "listen.tls.key"};

// The place in the document that @p path names: `jwt.leeway_seconds`, `tables.0.key`.
nlohmann::json& place(nlohmann::json& document, const std::string& path) {
    nlohmann::json* at = &document;
    for (std::size_t from = 0; from <= path.size();) {
        const std::size_t dot = std::min(path.find('.', from), path.size());
        const std::string name = path.substr(from, dot - from);
        from = dot + 1;
        if (at->is_array() && !name.empty() && name.size() < 6 && name.find_first_not_of("0123456789") == std::string::npos) {
            const std::size_t index = std::stoul(name);
            if (index >= at->size()) throw failure{exit_code::wrong_use, "--set " + path + ": the list has " + std::to_string(at->size()) + " entries, counted from 0"};
            at = &(*at)[index];
            continue;
        }
        if (name.empty() || !(at->is_null() || at->is_object()))
            throw failure{exit_code::wrong_use, "--set " + path + ": there is no such place; name it like jwt.leeway_seconds or tables.0.key"};
        at = &(*at)[name];
    }
    return *at;
}

// `notes,key=id,owner=user_id`.
nlohmann::json table_of(const std::string& text) {
    const auto comma = std::min(text.find(','), text.size());
    nlohmann::json out{{"name", text.substr(0, comma)}};
    for (std::size_t from = comma + 1; from < text.size();) {
        const auto end = std::min(text.find(',', from), text.size());
        const std::string part = text.substr(from, end - from);
        const auto equals = part.find('=');
        const std::string name = part.substr(0, equals);
        if (equals == std::string::npos || equals + 1 == part.size() || (name != "key" && name != "owner"))
            throw failure{exit_code::wrong_use, "--table " + text + " is not of the form NAME[,key=COLUMN][,owner=COLUMN]"};
        out[name] = part.substr(equals + 1);
        from = end + 1;
    }
    return out;
}

// Those of the file that have the name keep what it says of them.
nlohmann::json tables_of(const nlohmann::json& document, const std::vector<std::string>& named) {
    const auto written = document.is_object() ? document.value("tables", nlohmann::json::array()) : nlohmann::json::array();
    nlohmann::json out = nlohmann::json::array();
    for (const auto& text : named) {
        auto table = table_of(text);
        for (const auto& known : written)
            if (known.is_object() && known.value("name", nlohmann::json{}) == table["name"]) {
                auto merged = known;
                merged.update(table);
                table = std::move(merged);
            }
        out.push_back(std::move(table));
    }
    return out;
}

nlohmann::json value_of(const std::string& text) {
    auto value = nlohmann::json::parse(text, nullptr, false);
    return value.is_discarded() ? nlohmann::json(text) : value;
}

struct raw_arguments {
    std::map<std::string, std::string> texts;  // member and what its flag says
    std::int64_t port = 0;
    std::int64_t leeway = 0;
    bool shared = false;
    bool plaintext = false;
    std::vector<std::string> tables, wires, set;
};

CLI::Option* add_text(CLI::App& app, raw_arguments& raw, const char* flag, const char* member, const char* what) {
    return app.add_option(flag, raw.texts[member], what);
}

void add_flags(CLI::App& app, arguments& a, raw_arguments& raw) {
    app.add_option("config", a.file, "The configuration, a JSON file (docs/guides/server.md); flags go before what it says")->option_text("FILE");
    add_text(app, raw, "--database", "database", "The SQLite file with your tables")->option_text("FILE");
    app.add_option("--table", raw.tables, "NAME[,key=COLUMN][,owner=COLUMN], one for each; only these are served")->allow_extra_args(false)->option_text("TABLE");
    add_text(app, raw, "--owner", "owner", "The column that holds the user whose row it is")->option_text("COLUMN");
    app.add_flag("--shared", raw.shared, "All users share all rows");
    add_text(app, raw, "--foreign-writes", "foreign_writes", "What other programs write into the tables: seal (devices receive it; the default) or refuse")->option_text("RULE");
    app.add_option("--wire", raw.wires, "mutation or bundle, one for each; only these are mounted")
        ->allow_extra_args(false)
        ->check(CLI::IsMember({"mutation", "bundle"}))
        ->option_text("WIRE");
    add_text(app, raw, "--address", "listen.address", "The address to listen on (default: 127.0.0.1)")->option_text("ADDRESS");
    app.add_option("--port", raw.port, "The port; 0 picks a free one")->check(CLI::Range(0, 65535))->option_text("PORT");
    add_text(app, raw, "--tls-certificate", "listen.tls.certificate", "The certificate chain, a PEM file")->option_text("FILE");
    add_text(app, raw, "--tls-key", "listen.tls.key", "Its private key, a PEM file")->option_text("FILE");
    app.add_flag("--allow-plaintext-beyond-loopback", raw.plaintext, "Listen for others without TLS: a proxy does it");
    auto* file = add_text(app, raw, "--secret-file", "jwt.secret_file", "A file with the secret that tokens are signed with")->option_text("FILE");
    add_text(app, raw, "--secret-env", "jwt.secret_env", "The variable with the secret")->excludes(file)->option_text("NAME");
    add_text(app, raw, "--user-claim", "jwt.user_claim", "The claim that names the user (default: sub)")->option_text("CLAIM");
    add_text(app, raw, "--issuer", "jwt.issuer", "What `iss` must be")->option_text("TEXT");
    add_text(app, raw, "--audience", "jwt.audience", "What `aud` must be or hold")->option_text("TEXT");
    app.add_option("--leeway", raw.leeway, "How far clocks may be apart, in seconds (default: 30)")->check(CLI::Range(0, 600))->option_text("SECONDS");
    add_text(app, raw, "--log-level", "log.level", "error, warn, info or debug")->option_text("LEVEL");
    app.add_option("--set", raw.set, "MEMBER=VALUE: any other member of the configuration, such as limits.threads=4")->allow_extra_args(false)->option_text("M=V");
    app.add_flag("--restored", a.restored, "Once, after the database was put back from a backup: devices are told, and nothing is mixed up");
    auto* check = app.add_flag("--check", a.check, "Say what is wrong with the configuration, serve nothing");
    app.add_flag("--print-config", a.print_config, "Print the configuration with all defaults, serve nothing")->excludes(check);
}

void finish(const CLI::App& app, arguments& a, const raw_arguments& raw) {
    for (const auto& [flag, member, value] : std::initializer_list<std::tuple<const char*, const char*, nlohmann::json>>{
             {"--port", "listen.port", raw.port},
             {"--leeway", "jwt.leeway_seconds", raw.leeway},
             {"--shared", "shared", raw.shared},
             {"--allow-plaintext-beyond-loopback", "listen.allow_plaintext_beyond_loopback", raw.plaintext}})
        if (app.get_option(flag)->count() > 0) a.members[member] = value;
    for (const auto& [member, text] : raw.texts)
        if (!text.empty()) a.members[member] = text;
    for (const auto& text : raw.set) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals == 0) throw CLI::ValidationError("--set", text + " is not of the form MEMBER=VALUE");
        a.members[text.substr(0, equals)] = value_of(text.substr(equals + 1));
    }
    if (!raw.tables.empty()) a.tables = raw.tables;
    if (!raw.wires.empty()) a.wires = raw.wires;
    if (a.file.empty() && a.members.empty() && !a.tables) throw CLI::ValidationError("syncline-server", "needs a configuration: name its file, or say it with flags");
}

}  // namespace

void arguments::apply_to(nlohmann::json& document) const {
    const std::string here = std::filesystem::current_path().string();
    if (tables) document["tables"] = tables_of(document, *tables);
    if (wires) {
        nlohmann::json mounted = nlohmann::json::object();
        const auto written = document.value("wires", nlohmann::json::object());
        for (const auto& wire : *wires) mounted[wire] = written.is_object() ? written.value(wire, nlohmann::json::object()) : nlohmann::json::object();
        document["wires"] = std::move(mounted);
    }
    for (const auto& [path, value] : members.items()) {
        auto& at = place(document, path);
        at = value;
        if (std::find(std::begin(paths), std::end(paths), path) != std::end(paths) && value.is_string())
            at = (std::filesystem::path{here} / value.get<std::string>()).lexically_normal().string();
    }
    // The one that was named on the command line stands in for the other kind in the file.
    if (!document.is_object() || !document.contains("jwt") || !document["jwt"].is_object()) return;
    if (members.contains("jwt.secret_env")) document["jwt"].erase("secret_file");
    if (members.contains("jwt.secret_file")) document["jwt"].erase("secret_env");
}

command_line read_command_line(int argc, const char* const* argv) {
    command_line out;
    raw_arguments raw;
    CLI::App app{"A sync server for the tables of an SQLite database."};
    app.name("syncline-server");
    app.footer(footer);
    bool version = false;
    app.add_flag("--version", version, "Print the version of the library");
    add_flags(app, out.asked, raw);
    try {
        app.parse(argc, argv);
        if (version) {
            out.help = std::to_string(SYNCLINE_VERSION_MAJOR) + "." + std::to_string(SYNCLINE_VERSION_MINOR) + "." + std::to_string(SYNCLINE_VERSION_PATCH) + "\n";
            return out;
        }
        finish(app, out.asked, raw);
    } catch (const CLI::CallForHelp&) {
        out.help = app.help();
    } catch (const CLI::ParseError& x) {
        out.mistake = std::string{x.what()} + "; see `syncline-server --help`";
    }
    return out;
}
