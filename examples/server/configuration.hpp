#ifndef SYNCLINE_EXAMPLES_SERVER_CONFIGURATION_HPP
#define SYNCLINE_EXAMPLES_SERVER_CONFIGURATION_HPP

// What the server is to do: the members of the configuration file, with their defaults. docs/guides/server.md explains each.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

enum class log_level : std::uint8_t { error, warn, info, debug };
enum class conflict_rule : std::uint8_t { ask, server, client, latest };
/// What becomes of what other programs write into the tables.
enum class foreign_writes_rule : std::uint8_t { seal, refuse };
enum class secret_encoding : std::uint8_t { text, base64 };

struct table_configuration {
    std::string schema;  ///< of a qualified name: the table's schema on the bundle wire; empty: `public`
    std::string name;    ///< in the database
    std::string key;     ///< the column of the sync key; empty: the primary key
    bool assign_key = false;  ///< the key's column stands beside the primary key, and the server adds it where it is missing
    std::string owner;   ///< the column that holds the user whose row it is; empty: that of the whole configuration
    std::optional<std::vector<std::string>> only;  ///< the fields that are synced; nothing: all
    std::vector<std::string> except;               ///< fields that are not
    std::vector<std::string> read_only;            ///< fields that devices receive and never write
    std::string created_at, updated_at, deleted_at;  ///< columns for the rows' times; empty: none
    conflict_rule on_conflict = conflict_rule::ask;

    /// As it stands in the file.
    [[nodiscard]] std::string qualified() const { return schema.empty() ? name : schema + "." + name; }
};

struct mutation_wire_configuration {
    std::string prefix = "/tether";
    std::string sync_key = "tether_id";
};

struct bundle_wire_configuration {
    std::string prefix = "/sync";
    std::string app_name;
    std::int64_t schema_version = 1;
    bool watch = false;  ///< devices are told of new bundles at once, by streams that each occupy a thread
    std::int64_t heartbeat_seconds = 25;
};

struct listen_configuration {
    std::string address = "127.0.0.1";
    std::int64_t port = 0;  ///< 0: a free one
    bool allow_plaintext = false;  ///< beyond this machine, without TLS
    std::string tls_certificate, tls_key;  ///< PEM files; both or none
    bool status_pages = false;  ///< /syncx/health and /syncx/status, for anybody
};

struct jwt_configuration {
    std::string secret_file, secret_env;  ///< one of them
    secret_encoding encoding = secret_encoding::text;
    std::string user_claim = "sub";
    std::string issuer, audience;
    std::int64_t leeway_seconds = 30;
    bool expiry_required = true;
    std::vector<std::string> only_users;  ///< empty: everybody with a token
};

struct limits_configuration {
    std::int64_t body_bytes = 8 << 20;
    std::int64_t head_bytes = 64 << 10;
    std::int64_t rows_per_page = 5000;
    std::int64_t mutations_per_push = 10'000;
    std::int64_t rows_per_bundle = 100'000;
    std::int64_t rows_per_chunk = 5000;
    std::int64_t session_seconds = 900;
    std::int64_t push_sessions = 64;      ///< open at once, of a user
    std::int64_t snapshot_sessions = 16;  ///< likewise
    std::int64_t request_seconds = 120;
    std::int64_t threads = 16;
    std::int64_t watchers = 8;           ///< streams that are open at once
    std::int64_t watchers_of_user = 4;   ///< likewise, of a user
};

struct retention_configuration {
    std::int64_t device_days = 180;    ///< a device that is silent for longer is forgotten
    std::int64_t keep_bundles = 1000;  ///< of each tenant, whoever has them
    std::int64_t every_minutes = 1440; ///< 0: never
};

struct configuration {
    std::string database;
    std::vector<table_configuration> tables;
    std::string owner;    ///< the owner column of tables that name none
    bool shared = false;  ///< all users share all rows
    foreign_writes_rule foreign_writes = foreign_writes_rule::seal;
    std::optional<mutation_wire_configuration> mutation;
    std::optional<bundle_wire_configuration> bundle;
    listen_configuration listen;
    jwt_configuration jwt;
    limits_configuration limits;
    retention_configuration retention;
    log_level level = log_level::info;

    /// The owner column of @p table; empty: none.
    [[nodiscard]] const std::string& owner_of(const table_configuration& table) const { return table.owner.empty() ? owner : table.owner; }
};

#endif
