#ifndef SYNCLINE_TESTS_UNIT_WIRE_BUNDLE_FIXTURE_HPP
#define SYNCLINE_TESTS_UNIT_WIRE_BUNDLE_FIXTURE_HPP

// A server of the bundle wire and devices, all in memory, with a wire between them that tests may cut at every place.

#include <syncline/conflict/merges.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/bundle/client.hpp>
#include <syncline/wire/bundle/server.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bundle_fixture {

using namespace syncline;

inline constexpr model_id project = 0;
inline constexpr model_id task = 1;

template <class T>
T must(result<T> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
    return std::move(*r);
}
inline void must(result<void> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
}

inline schema_set schemas() {
    model_schema p;
    p.name = "project";
    p.table = "projects";
    p.fields = {{"name", value_kind::text, true, nullptr}};
    model_schema t;
    t.name = "task";
    t.table = "tasks";
    t.fields = {{"title", value_kind::text, true, nullptr},
                {"done", value_kind::boolean, true, nullptr},
                {"points", value_kind::integer, true, &merges::counter::erased},
                {"project", value_kind::text, true, nullptr}};
    t.references = {{3, "project", reference_action::cascade}};
    schema_set out;
    must(out.add(p));
    must(out.add(t));
    return out;
}

inline record_key project_key(std::string key) { return {project, std::move(key)}; }
inline record_key task_key(std::string key) { return {task, std::move(key)}; }
inline record a_project(std::string name) { return record{{value::text(std::move(name))}}; }
inline record a_task(std::string title, std::int64_t points = 0, std::optional<std::string> under = std::nullopt) {
    return record{{value::text(std::move(title)), value::boolean(false), value::integer(points), under ? value::text(*under) : value{}}};
}

/// How a device of a test begins: most tests are about what comes after the connect lifecycle.
enum class begins { attached, anonymous };

/// Lets the device of @p store into its account without asking a server.
template <class Store>
void attach_by_hand(Store& store) {
    auto t = must(store.begin());
    auto state = must(t.state());
    state.attachment = scope_attachment::attached;
    must(t.put_state(state));
    must(t.commit());
}

inline timestamp at_second(std::int64_t s) { return from_microseconds(s * 1'000'000); }

using authority_engine = authority<memory_authority_store>;
using replica_engine = replica<memory_replica_store>;

struct server_side {
    memory_authority_store store;
    authority_engine engine;
    bundle_server<authority_engine> wire;
    seeded_random random{77};
    timestamp now = at_second(1'700'000'000);

    explicit server_side(authority_options options = {}, bundle_server_options wire_options = {}, memory_table_options tables = {})
        : store(schemas(), std::move(tables)), engine(store, std::move(options)), wire(engine, std::move(wire_options)) {}
    server_side(const server_side&) = delete;

    response call(const request& r, const std::string& who = "ann", const std::string& tenant = "home") {
        return wire.handle(r, principal{who, tenant}, now, random);
    }
    response call(http_method method, std::string path, std::string body = {}, const std::string& source = "device", const std::string& who = "ann") {
        return call(request{method, std::move(path), {{"Oversync-Source-ID", source}}, std::move(body)}, who);
    }
    void write(const record_key& key, const record& row) { must(store.app_write("home", key, row)); }
    void erase(const record_key& key) { must(store.app_erase("home", key)); }
    std::optional<record> row(const record_key& key) { return store.row("home", key); }
    std::int64_t head() { return must(engine.head("home")).seq; }
    void prune() { must(engine.prune("home", 1'000'000, now)); }
};

/// What became of a request on its way: nothing: it goes through; otherwise a fault in place of the answer, before or after the server acted.
enum class cut { none, request_lost, answer_lost };

/// @tparam Store  a `memory_replica_store`, or one that does something more
template <class Store>
struct device_of {
    server_side& server;
    std::string who = "ann";
    Store store;
    resolver_set resolvers;
    bundle_client_options options;
    std::unique_ptr<replica<Store>> engine;
    std::unique_ptr<bundle_client<replica<Store>>> client;
    seeded_random random;
    std::vector<request> sent;
    std::vector<response> got;
    std::function<cut(const request&)> line = [](const request&) { return cut::none; };
    std::function<void(const request&, response&)> tamper = [](const request&, response&) {};
    std::function<std::optional<response>(const request&)> intercept;  ///< what stands before the server answers instead; nothing: the server
    fault loss{errc::timed_out, "no answer in time"};  ///< what the client hears of a request that was cut
    std::optional<std::size_t> die_after;  ///< the client is dropped after so many answers or losses

    device_of(server_side& s, std::uint64_t seed, resolver_set how = resolver_set{}, bundle_client_options o = {}, begins as = begins::attached)
        : server(s), store(schemas()), resolvers(std::move(how)), options(std::move(o)), random(seed) {
        if (as == begins::attached) {
            must(server.engine.connect({"home", who, "another"}, false, {}, server.now));
            attach_by_hand(store);
        }
        boot();
    }
    void boot() {
        engine = std::make_unique<replica<Store>>(store, resolvers);
        must(engine->open(random, server.now));
        client = std::make_unique<bundle_client<replica<Store>>>(*engine, options);
    }
    void write(const record_key& key, const record& row) { must(store.app_write(key, row)); }
    void erase(const record_key& key) { must(store.app_erase(key)); }
    std::optional<record> row(const record_key& key) { return store.row(key); }
    replica_status status() { return must(engine->status(server.now)); }

    /// Runs one sync to its end, or until the device dies (then there is no report).
    std::optional<sync_result> run(sync_mode mode = sync_mode::push_then_pull) {
        client->start(mode);
        for (std::size_t steps = 0; steps < 10'000; ++steps) {
            auto step = must(client->next(server.now, random));
            if (auto* done = std::get_if<done_step>(&step)) return std::move(done->report);
            if (auto* wait = std::get_if<wait_step>(&step)) {
                if (wait->until == (timestamp::max)()) throw std::runtime_error("the client waits for an answer that it has");
                server.now = wait->until;
                continue;
            }
            auto& send = std::get<send_step>(step);
            sent.push_back(send.what);
            const cut what = line(send.what);
            result<response> answer = loss;
            if (what != cut::request_lost) {
                auto instead = intercept ? intercept(send.what) : std::nullopt;
                response r = instead ? std::move(*instead) : server.call(send.what, who);
                tamper(send.what, r);
                got.push_back(r);
                if (what == cut::none) answer = std::move(r);
            }
            if (die_after && --*die_after == 0) {
                die_after.reset();
                boot();
                return std::nullopt;
            }
            must(client->on(send.token, answer, server.now, random));
        }
        throw std::runtime_error("the sync does not end");
    }
    sync_result sync(sync_mode mode = sync_mode::push_then_pull) { return *run(mode); }
};
using device_side = device_of<memory_replica_store>;

inline bool asks_for(const request& r, http_method method, std::string_view part) {
    return r.method == method && r.path.find(part) != std::string::npos;
}
inline std::size_t asked(const device_side& d, http_method method, std::string_view part) {
    return static_cast<std::size_t>(std::count_if(d.sent.begin(), d.sent.end(), [&](const request& r) { return asks_for(r, method, part); }));
}

/// A refusal in the wire's form. @param more  further members, each after a comma
inline response said(int status, std::string_view code, const std::string& more = {}) {
    return json_response(status, std::string{R"({"error":")"}.append(code).append(R"(","message":"no")").append(more).append("}"));
}
using asked_for = std::function<bool(const request&)>;
inline asked_for asking(http_method method, std::string part) {
    return [method, part = std::move(part)](const request& r) { return asks_for(r, method, part); };
}
/// For `intercept`: the first @p times of what @p which says get @p answer, and the server does not hear of them.
inline std::function<std::optional<response>(const request&)> refusing(asked_for which, response answer, std::size_t times = 1'000'000) {
    return [which = std::move(which), answer = std::move(answer), times](const request& r) mutable -> std::optional<response> {
        if (times == 0 || !which(r)) return std::nullopt;
        --times;
        return answer;
    };
}
inline void replace_all(std::string& text, std::string_view from, std::string_view with) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + with.size())) text.replace(at, from.size(), with);
}

inline std::string text_of(const std::optional<record>& r) {
    if (!r) return "gone";
    std::string out;
    for (const auto& v : r->fields) {
        if (!out.empty()) out += "|";
        out += v.is_null()                            ? "-"
               : v.kind() == value_kind::integer ? std::to_string(v.as_integer())
               : v.kind() == value_kind::boolean ? (v.as_boolean() ? "yes" : "no")
                                                 : v.as_string();
    }
    return out;
}

inline json_tape parsed(const std::string& body) { return must(json_tape::parse(body)); }
inline std::string text_in(const std::string& body, std::string_view member) {
    const auto tape = json_tape::parse(body);
    if (!tape) return "<no json>";
    const auto v = tape->root().find(member);
    return v ? std::string{v->as_string()} : "<absent>";
}

/// For `tamper`: the text of the member @p name becomes @p with.
inline void replace_member(std::string& body, std::string_view name, std::string_view with) {
    const std::string before = std::string{"\""}.append(name).append("\":\"");
    replace_all(body, before + text_in(body, name) + "\"", std::string{before}.append(with).append("\""));
}

}  // namespace bundle_fixture

#endif
