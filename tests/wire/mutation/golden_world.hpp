#ifndef SYNCLINE_TESTS_WIRE_MUTATION_GOLDEN_WORLD_HPP
#define SYNCLINE_TESTS_WIRE_MUTATION_GOLDEN_WORLD_HPP

// What the golden vectors of the mutation wire share: the clocks under which each of them runs, and a server of Syncline's that a client of Tether
// v1.0.0 speaks to. In the texts of requests and answers, TIME, TIME+1 and so on stand for milliseconds of the client's clock, STAMP, STAMP+1 and
// so on for microseconds of the server's.

#include <syncline/engine/authority.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/time.hpp>
#include <syncline/testing/golden_vectors.hpp>
#include <syncline/wire/mutation/server.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace golden_tests {

using namespace syncline;
using simulation::lab_must;
using syncline::testing::with_numbers;

/// Two clocks, neither of which changes a vector.
struct golden_clocks {
    std::string what;
    std::int64_t device_ms = 0;
    std::int64_t server_us = 0;
};

inline constexpr std::int64_t true_time_ms = 1'700'000'000'000;
inline constexpr std::int64_t three_days_ms = std::int64_t{3} * 86'400'000;

/// Device and server, each right, three days ahead and three days behind: all pairs.
inline std::vector<golden_clocks> skewed_clocks() {
    const std::vector<std::pair<std::string, std::int64_t>> off{{"right", 0}, {"days ahead", three_days_ms}, {"days behind", -three_days_ms}};
    std::vector<golden_clocks> out;
    for (const auto& [device, d] : off)
        for (const auto& [server, s] : off) out.push_back({"device " + device + ", server " + server, true_time_ms + d, (true_time_ms + s) * 1000});
    return out;
}

/// Those, and devices whose clock stands at the epoch or beyond every calendar.
inline std::vector<golden_clocks> all_clocks() {
    auto out = skewed_clocks();
    for (const auto& server : skewed_clocks()) {
        if (server.device_ms != true_time_ms) continue;
        out.push_back({"device at the epoch; " + server.what, 0, server.server_us});
        out.push_back({"device beyond every calendar; " + server.what, 9'007'199'254'740'991, server.server_us});
    }
    return out;
}

struct golden_world {
    golden_world(golden_clocks of, schema_set models, authority_options rules = {}, mutation_server_options options = {})
        : clocks(std::move(of)), now(clocks.server_us), store(std::move(models)), engine(store, std::move(rules)), server(engine, std::move(options)) {}

    std::string told(std::string text) const { return with_numbers(with_numbers(std::move(text), "TIME", clocks.device_ms), "STAMP", clocks.server_us); }

    /// As the real client asks: a version, and no word on what it accepts (sheet 2.1).
    response send(const char* path, std::string body) {
        headers real{{"Content-Type", "application/json"}, {"X-Tether-Client-Version", "v1.0.0"}};
        return server.handle(request{http_method::post, path, std::move(real), told(std::move(body))}, principal{who, "main"}, from_microseconds(now++));
    }
    std::string push(std::string body) { return answered("/tether/push", std::move(body)); }
    std::string pull(std::string body) { return answered("/tether/pull", std::move(body)); }

    /// The app on the server writes.
    void write(model_id model, const char* key, record row) {
        lab_must(store.app_write("main", {model, key}, std::move(row)));
        lab_must(engine.seal_foreign("main", from_microseconds(now++)));
    }
    void erase(model_id model, const char* key) {
        lab_must(store.app_erase("main", {model, key}));
        lab_must(engine.seal_foreign("main", from_microseconds(now++)));
    }
    std::optional<record> row(const char* key, model_id model = 0) { return store.row("main", {model, key}); }

    golden_clocks clocks;
    std::int64_t now;
    std::string who = "ann";
    memory_authority_store store;
    authority<memory_authority_store> engine;
    mutation_server<authority<memory_authority_store>> server;

private:
    using headers = std::vector<header>;

    std::string answered(const char* path, std::string body) {
        const auto answer = send(path, std::move(body));
        CHECK(answer.status == 200);
        CHECK(find_header(answer.headers, "Content-Type") == "application/json");
        return answer.body;
    }
};

}  // namespace golden_tests

#endif
