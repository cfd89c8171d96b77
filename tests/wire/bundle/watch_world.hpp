#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_WATCH_WORLD_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_WATCH_WORLD_HPP

// A server over a file on a free port of this machine, and peers that push to it and watch it.

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/event_stream.hpp>
#include <syncline/wire/server_health.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "support/file_sync.hpp"
#include "support/scratch_folder.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace watch_world {

using namespace syncline;
using file_sync::must;

inline timestamp real_now() { return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now()); }

// Random bits that several threads may draw.
struct shared_random {
    std::mutex mutex;
    seeded_random source;
    explicit shared_random(std::uint64_t seed) : source(seed) {}
    std::uint64_t operator()() {
        const std::lock_guard lock{mutex};
        return source.next();
    }
};

// One server over a file, with both wires, on a free port. The bearer's token names the tenant, `a` or `b`.
class served_file {
public:
    scratch_folder folder;
    std::string path;
    shared_random random;  // servers over one file draw different session ids
    std::unique_ptr<sqlite_authority_store> store;
    std::unique_ptr<sync_server<sqlite_authority_store>> sync;
    std::unique_ptr<server_health<sync_server<sqlite_authority_store>>> health;
    std::unique_ptr<httplib_server> http;

    /// @param beside  whose file this one serves too, as another process would
    explicit served_file(bundle_watch_options watch = {true}, httplib_server_options listen = {}, const served_file* beside = nullptr)
        : path(beside != nullptr ? beside->path : folder.file("server.db")), random(beside != nullptr ? 5 : 4) {
        if (beside == nullptr) file_sync::run(path, "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, body TEXT)");
        sqlite_authority_options options;
        options.owner_column = "owner";
        options.durability = sqlite_durability::normal;
        store = std::make_unique<sqlite_authority_store>(must(sqlite_authority_store::open(path, models(), options)));
        sync = std::make_unique<sync_server<sqlite_authority_store>>(*store, authority_options{}, real_now, [this] { return random(); });
        sync->mount_mutation_wire();
        bundle_server_options bundle;
        bundle.watch = std::move(watch);
        must(sync->mount_bundle_wire(std::move(bundle)));
        health = std::make_unique<server_health<sync_server<sqlite_authority_store>>>(*sync);
        http = std::make_unique<httplib_server>(listen);
        bearer_tokens tokens;
        must(tokens.add("a", {"ann", "a"}));
        must(tokens.add("b", {"bob", "b"}));
        must(http->authenticate_with(std::move(tokens)));
        must(http->mount("", *sync));
        must(http->mount_unauthenticated("/syncx", *health));
        must(http->start());
    }

    static schema_set models() {
        model_schema note;
        note.name = note.table = "notes";
        note.key_name = "id";
        note.fields = {{"body", value_kind::text, true, nullptr}};
        schema_set out;
        must(out.add(note));
        return out;
    }
    [[nodiscard]] httplib_transport connect(const std::string& token) const {
        httplib_transport_options options;
        options.base = std::string{"http://127.0.0.1:"}.append(std::to_string(http->port()));
        options.bearer_token = token;
        return must(httplib_transport::open(options));
    }
    [[nodiscard]] std::int64_t watchers() const { return must(sync->status()).watchers; }
    // Another program's write.
    void write(const std::string& id, const std::string& owner) const {
        file_sync::run(path, std::string{"INSERT INTO notes VALUES('"}.append(id).append("','").append(owner).append("','x')"));
    }
};

// What a stream said, for a thread that waits for it.
struct heard {
    std::mutex mutex;
    std::condition_variable changed;
    std::string text;
    bool open = false;
    bool over = false;

    void await(const std::function<bool(const heard&)>& until) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return until(*this); });
    }
    void await_text(const std::string& part) {
        await([&](const heard& h) { return h.text.find(part) != std::string::npos; });
    }
    void say(const std::function<void(heard&)>& what) {
        const std::lock_guard lock{mutex};
        what(*this);
        changed.notify_all();
    }
};

// A peer's stream, read on a thread of its own.
class peer_stream {
public:
    heard hears;

    peer_stream(const served_file& server, const std::string& token, const std::string& query = "?after_bundle_seq=0")
        : source_(server.connect(token)), thread_([this, query] {
              const request get{http_method::get, "/sync/watch" + query, {{"Oversync-Source-ID", "peer"}}, {}};
              const stream_listener told{[&](const response&) { return hears.say([](heard& h) { h.open = true; }), true; },
                                         [&](std::string_view bytes) { return hears.say([&](heard& h) { h.text += bytes; }), true; }};
              static_cast<void>(source_.listen(get, told));
              hears.say([](heard& h) { h.over = true; });
          }) {
        hears.await([](const heard& h) { return h.open || h.over; });
    }
    ~peer_stream() { close(); }
    peer_stream(const peer_stream&) = delete;
    peer_stream& operator=(const peer_stream&) = delete;
    void close() {
        source_.cancel();
        if (thread_.joinable()) thread_.join();
    }

private:
    httplib_transport source_;
    std::thread thread_;
};

inline response ask(const served_file& server, const std::string& token, const request& r) {
    auto client = server.connect(token);
    auto answer = client(r);
    REQUIRE(answer);
    return *std::move(answer);
}
inline request posted(const std::string& path, std::string body, const std::string& source = "pusher") {
    return {http_method::post, path, {{"Oversync-Source-ID", source}}, std::move(body)};
}
inline void fill(const served_file& server, const std::string& token) {
    REQUIRE(ask(server, token, posted("/sync/connect", R"({"has_local_pending_rows":false})")).status == 200);
}
// A peer's push of one row.
inline void push(const served_file& server, const std::string& token, std::int64_t bundle, const std::string& id) {
    const auto created = ask(server, token, posted("/sync/push-sessions", R"({"source_bundle_id":)" + std::to_string(bundle) + R"(,"planned_row_count":1})"));
    REQUIRE(created.status == 200);
    const auto at = created.body.find(R"("push_id":")") + 11;
    const std::string session = "/sync/push-sessions/" + created.body.substr(at, created.body.find('"', at) - at);
    REQUIRE(ask(server, token, posted(session + "/chunks", R"({"start_row_ordinal":0,"rows":[{"schema":"public","table":"notes","key":{"id":")" + id +
                                                               R"("},"op":"INSERT","base_row_version":0,"payload":{"body":"y"}}]})")).status == 200);
    REQUIRE(ask(server, token, posted(session + "/commit", {})).status == 200);
}
// Until the server has let go of streams whose clients went: it notices by itself, so asking is enough.
inline void await_watchers(const served_file& server, std::int64_t count) {
    while (server.watchers() != count) std::this_thread::yield();
    SUCCEED();
}

inline void await_streams(const served_file& server, std::size_t count) {
    while (server.http->streams() != count) std::this_thread::yield();
    SUCCEED();
}

}  // namespace watch_world

#endif
