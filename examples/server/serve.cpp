#include "serve.hpp"

#include "gate.hpp"
#include "log.hpp"
#include "problem.hpp"
#include "retention.hpp"
#include "../support/standard_streams.hpp"
#include "stop_signal.hpp"

#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/openssl/jwt_hs256.hpp>
#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/support/system_random.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/wire/make_sync.hpp>
#include <syncline/wire/server_health.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace {

// The tenant of everybody where tables have no owner column.
constexpr const char* one_for_all = "main";

syncline::authority_options rules_of(const configuration& c, const served_tables& tables) {
    syncline::authority_options out;
    out.resolvers = tables.resolvers;
    out.max_rows_per_page = static_cast<std::size_t>(c.limits.rows_per_page);
    out.max_push_sessions = static_cast<std::size_t>(c.limits.push_sessions);
    out.max_snapshot_sessions = static_cast<std::size_t>(c.limits.snapshot_sessions);
    out.session_ttl = std::chrono::seconds{c.limits.session_seconds};
    out.source_ttl = std::chrono::hours{24} * c.retention.device_days;
    return out;
}

syncline::json_limits json_of(const configuration& c) {
    syncline::json_limits out;
    out.max_bytes = out.max_string = static_cast<std::size_t>(c.limits.body_bytes);
    return out;
}

template <class Server>
syncline::result<void> mount(Server& server, const configuration& c) {
    if (c.mutation) {
        syncline::mutation_server_options wire;
        wire.prefix = c.mutation->prefix;
        wire.sync_key = c.mutation->sync_key;
        wire.max_mutations = static_cast<std::size_t>(c.limits.mutations_per_push);
        wire.json = json_of(c);
        server.mount_mutation_wire(std::move(wire));
    }
    if (!c.bundle) return {};
    syncline::bundle_server_options wire;
    wire.prefix = c.bundle->prefix;
    wire.app_name = c.bundle->app_name;
    wire.schema_version = c.bundle->schema_version;
    if (!c.tables.front().schema.empty()) wire.schema_name = c.tables.front().schema;
    const std::int64_t most = c.limits.rows_per_chunk;
    const std::int64_t usual = std::min<std::int64_t>(1000, most);
    wire.bounds.max_rows_per_bundle = c.limits.rows_per_bundle;
    wire.bounds.max_rows_per_push_chunk = wire.bounds.max_rows_per_committed_bundle_chunk = wire.bounds.max_rows_per_snapshot_chunk = most;
    wire.bounds.default_rows_per_push_chunk = wire.bounds.default_rows_per_committed_bundle_chunk = wire.bounds.default_rows_per_snapshot_chunk = usual;
    wire.json = json_of(c);
    wire.watch.enabled = c.bundle->watch;
    wire.watch.heartbeat = std::chrono::seconds{c.bundle->heartbeat_seconds};
    wire.watch.max_subscribers = static_cast<std::size_t>(c.limits.watchers);
    wire.watch.max_subscribers_of_principal = static_cast<std::size_t>(c.limits.watchers_of_user);
    return server.mount_bundle_wire(std::move(wire));
}

syncline::httplib_server_options listener_of(const configuration& c) {
    syncline::httplib_server_options out;
    out.address = c.listen.address;
    out.port = static_cast<int>(c.listen.port);
    if (!c.listen.tls_certificate.empty()) out.tls = syncline::tls_files{c.listen.tls_certificate, c.listen.tls_key};
    out.allow_plaintext_beyond_loopback = c.listen.allow_plaintext;
    out.request_timeout = std::chrono::seconds{c.limits.request_seconds};
    out.max_request_head = static_cast<std::size_t>(c.limits.head_bytes);
    out.max_request_body = static_cast<std::size_t>(c.limits.body_bytes);
    out.threads = static_cast<std::size_t>(c.limits.threads);
    if (c.bundle && c.bundle->watch) out.max_streams = static_cast<std::size_t>(c.limits.watchers);
    return out;
}

syncline::jwt_authenticator authenticator_of(const configuration& c, const std::string& secret) {
    syncline::jwt_hs256_options options;
    options.user_claim = c.jwt.user_claim;
    options.issuer = c.jwt.issuer;
    options.audience = c.jwt.audience;
    options.leeway = std::chrono::seconds{c.jwt.leeway_seconds};
    options.expiry_required = c.jwt.expiry_required;
    const bool owned = !c.owner_of(c.tables.front()).empty();
    return {or_fail(syncline::jwt_hs256::make(secret, std::move(options))), syncline::system_now, owned ? "" : one_for_all};
}

syncline::server_listeners told_in(log_lines& lines, const std::function<std::string(std::string_view)>& tag) {
    syncline::server_listeners out;
    if (!lines.takes(log_level::debug)) return out;
    const auto number = [](syncline::json_writer& w, const char* name, std::size_t n) {
        w.key(name);
        w.integer(static_cast<std::int64_t>(n));
    };
    out.push_completed = [&lines, tag, number](const syncline::push_served& p) {
        lines.line(log_level::debug, "push", [&](syncline::json_writer& w) {
            w.key("tenant");
            w.string(tag(p.who.tenant));
            number(w, "applied", p.applied);
            number(w, "superseded", p.superseded);
            number(w, "refused", p.refused);
            number(w, "conflicts", p.conflicts);
        });
    };
    out.pull_completed = [&lines, tag, number](const syncline::pull_served& p) {
        lines.line(log_level::debug, "pull", [&](syncline::json_writer& w) {
            w.key("tenant");
            w.string(tag(p.who.tenant));
            number(w, "rows", p.rows);
        });
    };
    return out;
}

std::string url_of(const configuration& c, int port) {
    const bool ipv6 = c.listen.address.find(':') != std::string::npos;
    std::string out = c.listen.tls_certificate.empty() ? "http://" : "https://";
    return out.append(ipv6 ? "[" : "").append(c.listen.address).append(ipv6 ? "]:" : ":").append(std::to_string(port));
}

std::string new_incarnation() {
    syncline::system_random drawn;
    syncline::random_source random{drawn};
    return to_string(syncline::make_uuid_v4(random));
}

bool tls_files_fit(const listen_configuration& l) {
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    return context && SSL_CTX_use_certificate_chain_file(context.get(), l.tls_certificate.c_str()) == 1 &&
           SSL_CTX_use_PrivateKey_file(context.get(), l.tls_key.c_str(), SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(context.get()) == 1;
}

}  // namespace

void check_serving(const configuration& c, const served_tables& tables, complaints& wrong) {
    if (!c.listen.tls_certificate.empty() && !c.listen.tls_key.empty() && !tls_files_fit(c.listen))
        wrong.push_back("`listen.tls`: " + c.listen.tls_certificate + " and " + c.listen.tls_key + " are no certificate and key in PEM that belong together");
    // A server over nothing takes and refuses the same tables.
    syncline::memory_authority_store nothing{tables.models};
    auto server = syncline::make_sync_server(nothing);
    if (const auto mounted = mount(server, c); !mounted) wrong.push_back(mounted.error().detail);
}

int serve(const configuration& c, served_tables tables, const std::string& secret, bool restored) {
    stop_signal stop;
    log_lines lines{c.level};
    for (const auto& remark : tables.remarks)
        lines.line(log_level::warn, "remark", [&](syncline::json_writer& w) {
            w.key("text");
            w.string(remark);
        });
    tables.store.tenant = one_for_all;
    if (c.foreign_writes == foreign_writes_rule::refuse) tables.store.foreign_writes = syncline::sqlite_foreign_writes::refuse;
    const auto rules = rules_of(c, tables);
    // [server]
    auto store = or_fail(syncline::sqlite_authority_store::open(c.database, tables.models, tables.store));
    const auto tag = tenant_tags(secret);
    auto server = syncline::make_sync_server(store, rules, told_in(lines, tag));
    if (restored) or_fail(server.engine().begin_incarnation(new_incarnation(), syncline::system_now()));
    or_fail(mount(server, c));

    gate in{authenticator_of(c, secret), {c.jwt.only_users, tables.owner_is_number},
            [&server](const syncline::request& r, const syncline::principal& who) { return server(r, who); }, tag, lines};
    auto listening = listener_of(c);
    listening.on_refused = [&lines](const syncline::refused_request& r) { log_refusal(lines, r); };
    syncline::httplib_server http{std::move(listening)};
    or_fail(http.mount("", in));
    std::optional<syncline::server_health<decltype(server)>> pages;
    if (c.listen.status_pages) or_fail(http.mount_unauthenticated("/syncx", pages.emplace(server)));
    or_fail(http.start());
    // [/server]
    const std::string url = url_of(c, http.port());
    if (const auto unheard = write_to_stdout("ready " + url + "\n"))
        throw failure{exit_code::unheard, "the line that tells where it listens cannot be written to the standard output: " + *unheard};
    lines.line(log_level::info, "ready", [&](syncline::json_writer& w) {
        w.key("url");
        w.string(url);
        w.key("database");
        w.string(c.database);
    });
    int signal = 0;
    {
        const retention forgetting{store, rules, c.database, c.retention, lines};
        signal = stop.wait([&http] { return http.running(); });
        lines.line(signal == 0 ? log_level::error : log_level::info, signal == 0 ? "listener_failed" : "stopping");
        // Streams end and what comes from now on is refused; what has begun to come is answered, for which `stop` waits.
        server.begin_shutdown();
        http.stop();
    }
    lines.line(log_level::info, "stopped");
    return static_cast<int>(signal == 0 ? exit_code::try_later : exit_code::fine);
}
