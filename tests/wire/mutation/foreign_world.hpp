#ifndef SYNCLINE_TESTS_WIRE_MUTATION_FOREIGN_WORLD_HPP
#define SYNCLINE_TESTS_WIRE_MUTATION_FOREIGN_WORLD_HPP

// Syncline devices on a foreign server, in one process. Models: `Task`, and `Comment` that refers to a task.

#include <syncline/conflict/conflict.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/mutation/client.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"
#include "wire/mutation/tether_server.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace foreign_tests {

using namespace syncline;
using namespace std::chrono_literals;
using simulation::check_visible;
using simulation::key_named;  // `C...` is a comment, everything else a task
using simulation::lab_must;
using tether::json;

inline const std::vector<std::string> task_fields{"title", "body", "done", "count"};
inline const std::vector<std::string> comment_fields{"text", "task"};

inline std::vector<std::pair<std::string, std::vector<std::string>>> server_models() {
    return {{"Task", task_fields}, {"Comment", comment_fields}};
}

inline schema_set device_schemas() {
    schema_set out;
    model_schema task;
    task.name = "Task";
    task.key_name = "tether_id";
    task.fields = {{"title", value_kind::text}, {"body", value_kind::text}, {"done", value_kind::boolean}, {"count", value_kind::integer}};
    model_schema comment;
    comment.name = "Comment";
    comment.key_name = "tether_id";
    comment.fields = {{"text", value_kind::text}, {"task", value_kind::text}};
    comment.references.push_back({1, "Task", reference_action::none});
    lab_must(out.add(task));
    lab_must(out.add(comment));
    return out;
}

inline record task(const std::string& title, const std::string& body = "", bool done = false, std::int64_t count = 0) {
    return record{{value::text(title), value::text(body), value::boolean(done), value::integer(count)}};
}
inline record comment(const std::string& text, const std::string& of) { return record{{value::text(text), value::text(of)}}; }
inline json task_json(const std::string& title, const std::string& body = "", bool done = false, std::int64_t count = 0) {
    return json{{"title", title}, {"body", body}, {"done", done}, {"count", count}};
}

inline mutation_client_options quick(mutation_client_options o = {}) {
    o.backoff_after_failure.first = 1us;
    return o;
}

using lossy = std::function<result<response>(const request&)>;

struct device {
    device(tether::server& of, std::string called, mutation_client_options options = {}, resolver_set resolvers = resolver_set{}, duration off = {})
        : server(of), name(std::move(called)), skew(off), random(static_cast<unsigned char>(name[0])), store(schemas), engine(store, std::move(resolvers)),
          wire(engine, quick(std::move(options))) {
        lab_must(engine.open(random, now()));
    }
    device(const device&) = delete;
    tether::server& server;
    std::string name;
    duration skew;  // of its clock against the server's
    seeded_random random;
    schema_set schemas = device_schemas();
    memory_replica_store store;
    replica<memory_replica_store> engine;
    mutation_client<replica<memory_replica_store>> wire;
    std::vector<request> sent;
    std::function<void()> between;  // what happens before each answer is taken in

    timestamp now() const { return server.now + skew; }
    void write(const std::string& key, const record& r) {
        lab_must(store.app_write(key_named(key), r));
        lab_must(engine.absorb(now()));
    }
    void set(const std::string& key, std::size_t field, value v) {
        auto r = *at(key);
        r.fields[field] = std::move(v);
        write(key, r);
    }
    void erase(const std::string& key) {
        lab_must(store.app_erase(key_named(key)));
        lab_must(engine.absorb(now()));
    }
    std::optional<record> at(const std::string& key) { return store.row(key_named(key)); }
    std::string text(const std::string& key, std::size_t field) {
        const auto r = at(key);
        return r ? r->fields[field].as_string() : "(absent)";
    }
    replica_status status() { return lab_must(engine.status(now())); }
    std::vector<intent> waiting() { return lab_must(engine.waiting(100, now())); }

    sync_result sync(sync_mode mode = sync_mode::push_then_pull, const lossy& through = {}) {
        wire.start(mode);
        for (int steps = 0; steps < 2'000; ++steps) {
            auto step = lab_must(wire.next(now(), random));
            if (auto* done = std::get_if<done_step>(&step)) return done->report;
            if (auto* wait = std::get_if<wait_step>(&step)) {
                if (wait->until > now()) server.now += wait->until - now();
                continue;
            }
            auto& send = std::get<send_step>(step);
            sent.push_back(send.what);
            const result<response> answer = through ? through(send.what) : result<response>{server(send.what)};
            if (between) between();
            lab_must(wire.on(send.token, answer, now(), random));
        }
        throw std::runtime_error("the sync does not end");
    }
    void check(const std::vector<std::string>& keys) { check_visible(store, schemas, name, keys); }
};

// The server's row as the device would hold it.
inline std::optional<record> row_of(const tether::server& s, const std::string& key) {
    const bool is_comment = key_named(key).model == 1;
    const auto row = s.row(is_comment ? "Comment" : "Task", key);
    if (!row) return std::nullopt;
    if (is_comment) return comment(row->value("text", ""), row->value("task", ""));
    const auto& done = (*row)["done"];
    return task(row->value("title", ""), row->value("body", ""), done.is_boolean() ? done.get<bool>() : done == 1, row->value("count", std::int64_t{0}));
}

inline const std::vector<std::string> keys{"T1", "T2", "C1"};

// Lets the server reject the mutations of one record, so many times.
inline auto rejecting(const std::string& key, std::string reason, int times, json data = json::array()) {
    return [=](const json& m) mutable -> std::optional<json> {
        if (m.at("entity_id") != key || times-- <= 0) return std::nullopt;
        return json{{"reason", reason}, {"data", data}};
    };
}

inline response with_body(std::string body, std::string type = "application/json") { return {200, {{"Content-Type", std::move(type)}}, std::move(body)}; }

}  // namespace foreign_tests

#endif
