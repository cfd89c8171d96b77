#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_WORLD_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_OVERSYNC_WORLD_HPP

// Tables in the way of go-oversync's example, and its clients at its server. Raw requests go through `ask`.

#include "support/catch.hpp"
#include "wire/bundle/oversync_client.hpp"
#include "wire/bundle/oversync_server.hpp"

namespace oversync_tests {

using namespace oversync;

/// Users, their posts (which go with them), categories in a tree (which goes with its root), files with every type, and notes with text keys.
inline tables business(const std::string& schema = "business") {
    return {
        {schema, "users", "id", true, {{"id", kind::uuid, true}, {"name"}, {"email"}}, {}},
        {schema, "posts", "id", true, {{"id", kind::uuid, true}, {"title"}, {"author_id", kind::uuid}}, {{"author_id", "users", on_delete::cascade}}},
        {schema, "categories", "id", true, {{"id", kind::uuid, true}, {"name"}, {"parent_id", kind::uuid}}, {{"parent_id", "categories", on_delete::cascade}}},
        {schema,
         "files",
         "id",
         true,
         {{"id", kind::uuid, true}, {"name"}, {"size", kind::integer}, {"rating", kind::real}, {"data", kind::blob}, {"done", kind::boolean}, {"made_at", kind::timestamptz}},
         {}},
        {schema, "notes", "code", false, {{"code", kind::text, true}, {"body"}}, {}},
    };
}
/// The key number @p n, in lower case with dashes.
inline std::string id(std::uint64_t n) { return uuid_number(0xab, n); }
inline json person(const std::string& name) { return {{"name", name}, {"email", name + "@example.com"}}; }

/// How a client at go-oversync's schema is set.
inline client_options of_user(const std::string& user, std::uint64_t space, const std::string& schema = "business") {
    client_options o;
    o.token = user;
    o.schema = schema;
    o.id_space = space;
    return o;
}

struct world {
    explicit world(server_options how = {}) : center(business(), how) {}
    server center;
    std::uint64_t spaces = 0x100;

    /// A client that is open but not attached.
    client fresh(const std::string& user = "alice") {
        client c(business(), center.line(), of_user(user, ++spaces));
        c.open();
        return c;
    }
    client attached(const std::string& user = "alice") {
        client c = fresh(user);
        c.attach(user);
        return c;
    }
    /// A raw request. @p source empty: without the header.
    std::optional<response> send(http_method m, const std::string& path, const json& body = {}, const std::string& source = "raw", const std::string& user = "alice") {
        request r{m, path, {{"Authorization", "Bearer " + user}}, body.is_null() ? "" : body.is_string() ? body.get<std::string>() : go_text(body)};
        if (!source.empty()) r.headers.push_back({"Oversync-Source-ID", source});
        return center.call(r);
    }
};

/// A status with the code of its error, `200` where there is none.
inline std::string told(const std::optional<response>& r) {
    if (!r) return "lost";
    const auto v = read_json(r->body);
    const json* code = v && v->is_object() ? member(*v, "error") : nullptr;
    return std::to_string(r->status) + (code != nullptr ? " " + code->get<std::string>() : "");
}
inline json body_of(const std::optional<response>& r) {
    INFO((r ? r->body : std::string{"lost"}));
    REQUIRE((r && r->ok()));
    return *read_json(r->body);
}

/// A push session by hand.
struct raw_source {
    world& w;
    std::string source = "raw", user = "alice";

    std::optional<response> ask(http_method m, const std::string& path, const json& body = {}) const { return w.send(m, path, body, source, user); }
    std::string connect(bool pending) const { return body_of(ask(http_method::post, "/sync/connect", {{"has_local_pending_rows", pending}})).at("resolution").get<std::string>(); }
    std::optional<response> create(std::int64_t number, std::int64_t rows, const std::string& initialization = "") const {
        json b{{"source_bundle_id", number}, {"planned_row_count", rows}};
        if (!initialization.empty()) b["initialization_id"] = initialization;
        return ask(http_method::post, "/sync/push-sessions", b);
    }
    std::optional<response> chunk(const std::string& push, std::int64_t from, const json& rows) const {
        return ask(http_method::post, "/sync/push-sessions/" + push + "/chunks", {{"start_row_ordinal", from}, {"rows", rows}});
    }
    std::optional<response> commit(const std::string& push) const { return ask(http_method::post, "/sync/push-sessions/" + push + "/commit"); }
    std::string session(std::int64_t number, const json& rows, const std::string& initialization = "") const {
        const auto push = body_of(create(number, static_cast<std::int64_t>(rows.size()), initialization)).at("push_id").get<std::string>();
        body_of(chunk(push, 0, rows));
        return push;
    }
    std::optional<response> push(std::int64_t number, const json& rows) const { return commit(session(number, rows)); }
};
inline json wire_row(const std::string& table, const std::string& key, const std::string& op, std::int64_t base, const json& payload = {}, const std::string& key_column = "id") {
    json out{{"schema", "business"}, {"table", table}, {"key", {{key_column, key}}}, {"op", op}, {"base_row_version", base}};
    if (!payload.is_null()) out["payload"] = payload;
    return out;
}

/// What @p f throws, by its sort; empty: nothing.
template <class F>
std::string thrown(F f) {
    try {
        f();
    } catch (const client_error& e) {
        return e.code;
    } catch (const crash&) {
        return "crash";
    } catch (const constraint_error& e) {
        return e.code;
    }
    return {};
}
/// Lets @p c die when it comes to @p place for the @p nth time.
inline void die_at(client& c, const std::string& place, int nth = 1) {
    c.hook = [place, nth](const std::string& p) mutable {
        if (p == place && --nth == 0) throw crash{};
    };
}
/// Whether two clients hold the same rows.
inline bool same(const client& a, const client& b) { return a.disk.data.all() == b.disk.data.all(); }

}  // namespace oversync_tests

#endif
