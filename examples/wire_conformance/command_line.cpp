#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

using namespace syncline::testing;

constexpr const char* footer = R"(
It prints a line for each clause of the wire's reference, `ok`, `BROKEN` or `skipped`, and what was found below it.

Exit codes:
  0  no clause is broken
  1  a clause is broken
  2  wrong use

It writes records under fresh keys and leaves some of them behind: give it an account for tests. A server of your own, with the bundle wire:
  wire_conformance --wire bundle --url http://127.0.0.1:8080 --token ann --stranger-token ben --model notes --field text
A Laravel Tether server, whose known weaknesses are left out:
  wire_conformance --wire mutation --profile original --url https://example.com --prefix /tether --token T --model Task --field title
)";

struct raw_arguments {
    std::string wire, token, stranger, newcomer, profile = "syncline", keys;
    std::vector<std::string> headers, fields;
    std::size_t largest_body = 0, most_mutations = 0;
    std::uint64_t seed = 0;
    bool no_tombstones = false;
};

// `title`, or `stars=1,2,3`: three values as JSON.
wire_field field_of(const std::string& text) {
    const auto equals = text.find('=');
    wire_field out{text.substr(0, equals)};
    if (out.name.empty()) throw CLI::ValidationError("--field", text + " has no name");
    if (equals == std::string::npos) return out;
    const auto values = nlohmann::json::parse("[" + text.substr(equals + 1) + "]", nullptr, false);
    if (!values.is_array() || values.size() != 3) throw CLI::ValidationError("--field", text + " is not of the form NAME=ONE,OTHER,THIRD with three values as JSON");
    out.one = values[0].dump();
    out.other = values[1].dump();
    out.third = values[2].dump();
    return out;
}

syncline::header header_of(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos || colon == 0) throw CLI::ValidationError("--header", text + " is not of the form NAME:VALUE");
    const auto value = text.find_first_not_of(' ', colon + 1);
    return {text.substr(0, colon), value == std::string::npos ? std::string{} : text.substr(value)};
}

wire_account account_of(const std::vector<syncline::header>& headers, const std::string& token) {
    wire_account out{headers};
    if (!token.empty()) out.headers.push_back({"Authorization", "Bearer " + token});
    return out;
}

void add_flags(CLI::App& app, arguments& a, raw_arguments& raw) {
    auto& s = a.subject;
    app.add_option("--wire", raw.wire, "mutation (Laravel Tether's) or bundle (go-oversync's)")->required()->check(CLI::IsMember({"mutation", "bundle"}))->option_text("WIRE");
    app.add_option("--url", a.url, "Where the server is: http:// or https://, host, port")->required()->option_text("URL");
    app.add_option("--prefix", s.prefix, "In front of the wire's paths (default: /tether, /sync)")->option_text("PATH");
    app.add_option("--token", raw.token, "Sent as Authorization: Bearer; or the variable WIRE_TOKEN")->envname("WIRE_TOKEN")->option_text("TOKEN");
    app.add_option("--stranger-token", raw.stranger, "Of somebody of another tenant; or WIRE_STRANGER_TOKEN")->envname("WIRE_STRANGER_TOKEN")->option_text("TOKEN");
    app.add_option("--newcomer-token", raw.newcomer, "Bundle wire: of somebody who has never connected; or WIRE_NEWCOMER_TOKEN")->envname("WIRE_NEWCOMER_TOKEN")->option_text("TOKEN");
    app.add_option("--header", raw.headers, "NAME:VALUE, with every request")->allow_extra_args(false)->option_text("HEADER");
    app.add_flag("--open", s.open, "The server lets in whoever asks");
    app.add_option("--model", s.model, "The model, or on the bundle wire the table, that may be written")->required()->option_text("NAME");
    app.add_option("--schema", s.schema, "Bundle wire: its schema (default: public)")->option_text("NAME");
    app.add_option("--key", s.key, "Bundle wire: the column of its key (default: id)")->option_text("COLUMN");
    app.add_option("--field", raw.fields, "A column: NAME for a text, or NAME=ONE,OTHER,THIRD with three values as JSON; the first two are changed")
        ->required()
        ->allow_extra_args(false)
        ->option_text("FIELD");
    app.add_option("--keys", raw.keys, "The form of fresh keys (default: as the wire's clients draw them)")->check(CLI::IsMember({"ulid", "uuid"}))->option_text("FORM");
    app.add_option("--profile", raw.profile, "syncline, or original: what the wire's original is known not to keep is left out")
        ->check(CLI::IsMember({"syncline", "original"}))
        ->option_text("PROFILE");
    app.add_flag("--strict-duplicates", s.strict_duplicates, "Mutation wire: what was applied already is rejected as `duplicate`");
    app.add_flag("--no-tombstones", raw.no_tombstones, "Mutation wire: deletes do not arrive (no soft deletes)");
    app.add_option("--largest-body", raw.largest_body, "The most octets of a body that the server takes")->option_text("N");
    app.add_option("--most-mutations", raw.most_mutations, "Mutation wire: the most mutations of a push that it takes")->option_text("N");
    app.add_option("--only", s.only, "The clauses whose names begin so: `bundle 2.2`")->option_text("TEXT");
    app.add_option("--seed", raw.seed, "Of fresh ids and keys (default: drawn)")->option_text("N");
    app.add_flag("--allow-plaintext", a.plaintext, "Tokens may travel to another machine over http://");
}

void finish(const CLI::App& app, arguments& a, const raw_arguments& raw) {
    auto& s = a.subject;
    a.bundle = raw.wire == "bundle";
    std::vector<syncline::header> headers;
    for (const auto& text : raw.headers) headers.push_back(header_of(text));
    s.account = account_of(headers, raw.token);
    if (!raw.stranger.empty()) s.stranger = account_of(headers, raw.stranger);
    if (!raw.newcomer.empty()) s.newcomer = account_of(headers, raw.newcomer);
    for (const auto& text : raw.fields) s.fields.push_back(field_of(text));
    if (!raw.keys.empty()) s.keys = raw.keys == "ulid" ? wire_keys::ulid : wire_keys::uuid;
    s.profile = raw.profile == "original" ? wire_profile::original : wire_profile::syncline;
    s.tombstones = !raw.no_tombstones;
    if (raw.largest_body > 0) s.largest_body = raw.largest_body;
    if (raw.most_mutations > 0) s.most_mutations = raw.most_mutations;
    if (app.get_option("--seed")->count() > 0) a.seed = raw.seed;
}

}  // namespace

command_line read_command_line(int argc, const char* const* argv) {
    command_line out;
    raw_arguments raw;
    CLI::App app{"Tests a server of either wire by its URL, clause by clause of the wire's reference."};
    app.name("wire_conformance");
    app.footer(footer);
    add_flags(app, out.asked, raw);
    try {
        app.parse(argc, argv);
        finish(app, out.asked, raw);
    } catch (const CLI::CallForHelp&) {
        out.help = app.help();
    } catch (const CLI::ParseError& x) {
        out.mistake = std::string{x.what()} + "; see `wire_conformance --help`";
    }
    return out;
}
