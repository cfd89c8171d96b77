// Clients that ask at the same time, over real sockets, of two servers over one SQLite file: what the protocol promises does not depend on who is first.

#include <syncline/engine/authority.hpp>
#include <syncline/support/json_tape.hpp>

#include "support/catch.hpp"
#include "wire/bundle/watch_world.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace concurrent_clients_test {

using namespace syncline;
using namespace watch_world;

namespace {

/// Two servers over one file, as two processes would be, and what went wrong on any thread.
struct two_servers {
    served_file first;
    served_file second{{true}, {}, &first};
    std::mutex mutex;
    std::vector<std::string> wrong;

    [[nodiscard]] const served_file& at(std::size_t n) const { return n % 2 == 0 ? first : second; }
    void note(std::string what) {
        const std::lock_guard lock{mutex};
        wrong.push_back(std::move(what));
    }
    void expect(bool holds, const std::string& what) {
        if (!holds) note(what);
    }
    /// Runs @p what with 0 to @p count - 1, each on a thread of its own, all let go at once.
    void together(std::size_t count, const std::function<void(std::size_t)>& what) {
        std::latch start{static_cast<std::ptrdiff_t>(count)};
        std::vector<std::thread> threads;
        for (std::size_t n = 0; n < count; ++n)
            threads.emplace_back([&, n] {
                start.arrive_and_wait();
                what(n);
            });
        for (auto& t : threads) t.join();
    }
    /// For the host's own thread, beside those of the servers.
    [[nodiscard]] sqlite_authority_store another_store() const {
        sqlite_authority_options options;
        options.owner_column = "owner";
        options.durability = sqlite_durability::normal;
        return must(sqlite_authority_store::open(first.path, served_file::models(), options));
    }
    void check() {
        for (const auto& w : wrong) UNSCOPED_INFO(w);
        CHECK(wrong.empty());
    }
};

/// A client on a connection of its own, that asks again where the server is busy.
struct peer {
    two_servers* world;
    std::string source;
    httplib_transport line;

    peer(two_servers& w, std::size_t server, std::string name) : world(&w), source(std::move(name)), line(w.at(server).connect("a")) {}

    response ask(http_method method, const std::string& path, const std::string& body = {}) {
        while (true) {
            auto answer = line(request{method, "/sync" + path, {{"Oversync-Source-ID", source}}, body});
            if (!answer) {
                world->note(source + " " + path + ": " + answer.error().detail);
                return {};
            }
            if (answer->status != 503) return *std::move(answer);
            world->expect(find_header(answer->headers, "Retry-After").has_value(), "a busy server does not say when to ask again");
        }
    }
    response post(const std::string& path, const std::string& body = {}) { return ask(http_method::post, path, body); }
    response get(const std::string& path) { return ask(http_method::get, path); }
    response create(std::int64_t number) { return post("/push-sessions", R"({"source_bundle_id":)" + std::to_string(number) + R"(,"planned_row_count":1})"); }
    response chunk(const std::string& session, const std::string& key) {
        return post("/push-sessions/" + session + "/chunks", R"({"start_row_ordinal":0,"rows":[{"schema":"public","table":"notes","key":{"id":")" + key +
                                                                 R"("},"op":"INSERT","base_row_version":0,"payload":{"body":"y"}}]})");
    }
};

std::string text(const response& r, std::string_view name) {
    const auto tape = json_tape::parse(r.body, {});
    const auto found = tape ? tape->root().find(name) : std::nullopt;
    return found && found->is_string() ? std::string{found->as_string()} : std::string{};
}
std::int64_t number(const json_view& v, std::string_view name) {
    const auto found = v.find(name);
    return found ? found->as_int().value_or(-1) : -1;
}

/// What a pull told, if it is one.
struct page {
    std::int64_t stable = -1;
    bool more = false;
    std::vector<std::pair<std::int64_t, std::string>> bundles;  // number, source
    std::vector<std::int64_t> of_source;
};
page read_page(const response& r) {
    page out;
    const auto tape = json_tape::parse(r.body, {});
    if (r.status != 200 || !tape) return out;
    out.stable = number(tape->root(), "stable_bundle_seq");
    out.more = tape->root().find("has_more")->as_bool().value_or(true);
    const json_view bundles = *tape->root().find("bundles");
    for (const auto& b : bundles) {
        out.bundles.emplace_back(number(b, "bundle_seq"), std::string{b.find("source_id")->as_string()});
        out.of_source.push_back(number(b, "source_bundle_id"));
    }
    return out;
}

}  // namespace

TEST_CASE("concurrent clients: a commit can be pulled at any server once its answer is out, and both sequences have no gaps", "[wire][bundle]") {
    two_servers w;
    fill(w.first, "a");
    constexpr std::size_t pushers = 4;
    constexpr std::int64_t each = 6;
    auto store = w.another_store();
    authority host{store};
    w.together(pushers + 1, [&](std::size_t n) {
        if (n == pushers) {  // the host's own thread
            for (std::int64_t i = 1; i <= each;) {
                const auto done = host.write_as("a", "billing", [&](sqlite_authority_store::transaction& t) {
                    return t.write({0, "billing-" + std::to_string(i)}, record{{value::text("z")}});
                }, real_now());
                if (done)
                    w.expect(done->source_bundle_id == i++, "the host's number is not the next one");
                else if (done.error().code != errc::busy)
                    return w.note(done.error().detail);
            }
            return;
        }
        const std::string name = "source-" + std::to_string(n);
        peer here{w, n, name}, there{w, n + 1, name};
        for (std::int64_t i = 1; i <= each; ++i) {
            const std::string key = name + "-" + std::to_string(i);
            const std::string session = text(here.create(i), "push_id");
            w.expect(here.chunk(session, key).status == 200, key + ": the chunk was refused");
            const auto done = here.post("/push-sessions/" + session + "/commit");
            const auto tape = json_tape::parse(done.body, {});
            const std::int64_t seq = done.status == 200 && tape ? number(tape->root(), "bundle_seq") : 0;
            w.expect(seq > 0, key + ": " + done.body);
            const auto pulled = there.get("/pull?max_bundles=1&after_bundle_seq=" + std::to_string(seq - 1));
            const page seen = read_page(pulled);
            w.expect(seen.stable >= seq && seen.bundles.size() == 1 && seen.bundles[0] == std::pair{seq, name}, key + " is committed and cannot be pulled: " + pulled.body);
            w.expect(pulled.body.find("\"id\":\"" + key + "\"") != std::string::npos, key + " is not in its bundle: " + pulled.body);
        }
    });
    w.check();
    peer reader{w, 0, "reader"};
    const page all = read_page(reader.get("/pull"));
    REQUIRE(all.bundles.size() == (pushers + 1) * each);
    std::map<std::string, std::int64_t> last;
    for (std::size_t i = 0; i < all.bundles.size(); ++i) {
        CHECK(all.bundles[i].first == static_cast<std::int64_t>(i) + 1);
        CHECK(all.of_source[i] == ++last[all.bundles[i].second]);
    }
}

TEST_CASE("concurrent clients: of sessions that are created for one bundle at once one is left, and one commits", "[wire][bundle]") {
    two_servers w;
    fill(w.first, "a");
    constexpr std::size_t count = 6;
    std::array<std::string, count> session;
    w.together(count, [&](std::size_t n) {
        const auto made = peer{w, n, "device"}.create(1);
        w.expect(text(made, "status") == "staging", made.body);
        session[n] = text(made, "push_id");
    });
    CHECK(file_sync::ask(w.first.path, "SELECT count(*) FROM syncline_authority_sessions") == "1");
    std::atomic<int> committed{0};
    std::atomic<int> gone{0};
    w.together(count, [&](std::size_t n) {
        peer p{w, n, "device"};
        const auto sent = p.chunk(session[n], "n1");
        const auto done = p.post("/push-sessions/" + session[n] + "/commit");
        committed += done.status == 200 && sent.status == 200;
        gone += text(sent, "error") == "push_session_not_found" && text(done, "error") == "push_session_not_found";
    });
    w.check();
    CHECK(committed == 1);
    CHECK(gone == count - 1);
    CHECK(read_page(peer{w, 0, "device"}.get("/pull")).bundles.size() == 1);
}

TEST_CASE("concurrent clients: of devices that begin an account at once one may fill it, and the others come in after it", "[wire][bundle]") {
    two_servers w;
    constexpr std::size_t count = 6;
    std::array<response, count> told;
    const std::string rows = R"({"has_local_pending_rows":true})";
    w.together(count, [&](std::size_t n) { told[n] = peer{w, n, "device-" + std::to_string(n)}.post("/connect", rows); });
    std::size_t winner = count;
    std::size_t later = 0;
    for (std::size_t n = 0; n < count; ++n) {
        INFO(told[n].body);
        if (text(told[n], "resolution") == "initialize_local") winner = n;
        if (text(told[n], "resolution") != "retry_later") continue;
        ++later;
        CHECK(told[n].body.find("\"retry_after_seconds\":") != std::string::npos);
        CHECK(text(told[n], "initialization_id").empty());
    }
    REQUIRE(winner < count);
    CHECK(later == count - 1);
    peer filler{w, 0, "device-" + std::to_string(winner)};
    const auto made = filler.post("/push-sessions", R"({"source_bundle_id":1,"planned_row_count":1,"initialization_id":")" + text(told[winner], "initialization_id") + "\"}");
    REQUIRE(made.status == 200);
    REQUIRE(filler.chunk(text(made, "push_id"), "n1").status == 200);
    REQUIRE(filler.post("/push-sessions/" + text(made, "push_id") + "/commit").status == 200);
    w.together(count, [&](std::size_t n) {
        peer p{w, n, "device-" + std::to_string(n)};
        w.expect(text(p.post("/connect", rows), "resolution") == "remote_authoritative", "a device is not let in");
        w.expect(p.get("/pull").body.find("\"id\":\"n1\"") != std::string::npos, "a device does not see what filled the account");
    });
    w.check();
}

TEST_CASE("concurrent clients: pulls and snapshots beside writers and pruning are whole, or say that history is gone", "[wire][bundle]") {
    two_servers w;
    fill(w.first, "a");
    for (int i = 1; i <= 3; ++i) push(w.first, "a", i, "before-" + std::to_string(i));
    auto store = w.another_store();
    authority engine{store};
    constexpr std::int64_t rounds = 15;
    std::atomic<int> pages{0};
    w.together(5, [&](std::size_t n) {
        if (n == 0) {
            auto app = must(sqlite_database::open(w.first.path));  // another program
            for (std::int64_t i = 0; i < rounds;) {
                const auto done = app.execute("INSERT INTO notes VALUES('more-" + std::to_string(i) + "','a','x')");
                if (done)
                    ++i;
                else if (done.error().code != errc::busy)
                    return w.note(done.error().detail);
            }
        } else if (n == 1) {
            for (std::int64_t to = 1; to < rounds; ++to) {
                const auto head = engine.head("a");
                if (head && head->seq > to) static_cast<void>(engine.prune("a", to, real_now()));
            }
        } else if (n < 4) {
            peer p{w, n, "reader-" + std::to_string(n)};
            for (std::int64_t after = 0, i = 0; i < rounds; ++i, after = i % 5) {
                const auto answer = p.get("/pull?after_bundle_seq=" + std::to_string(after));
                const page seen = read_page(answer);
                if (answer.status == 409) {
                    w.expect(text(answer, "error") == "history_pruned", answer.body);
                    continue;
                }
                ++pages;
                w.expect(answer.status == 200 && !seen.more, answer.body);
                for (std::size_t at = 0; at < seen.bundles.size(); ++at)
                    w.expect(seen.bundles[at].first == after + 1 + static_cast<std::int64_t>(at), "a pull has a gap: " + answer.body);
                w.expect(after + static_cast<std::int64_t>(seen.bundles.size()) == seen.stable, "a pull ends before what it calls stable: " + answer.body);
            }
        } else {
            peer p{w, n, "hydrates"};
            for (int i = 0; i < 8; ++i) {
                const auto made = p.post("/snapshot-sessions");
                const auto tape = json_tape::parse(made.body, {});
                if (made.status != 200 || !tape) {
                    w.note(made.body);
                    continue;
                }
                const std::string path = "/snapshot-sessions/" + text(made, "snapshot_id");
                std::int64_t rows = 0;
                for (bool more = true; more;) {
                    const auto part = p.get(path + "?max_rows=3&after_row_ordinal=" + std::to_string(rows));
                    const auto read = json_tape::parse(part.body, {});
                    if (part.status != 200 || !read) {
                        w.note(part.body);
                        break;
                    }
                    const json_view found = *read->root().find("rows");
                    for (const auto& row : found)
                        w.expect(number(row, "row_version") <= number(tape->root(), "snapshot_bundle_seq"), "a row is newer than its snapshot: " + part.body);
                    rows = number(read->root(), "next_row_ordinal");
                    more = read->root().find("has_more")->as_bool().value_or(false);
                }
                w.expect(rows == number(tape->root(), "row_count"), "a snapshot is not whole: " + made.body);
                w.expect(p.ask(http_method::erase, path).status == 204, "a snapshot cannot be dropped");
            }
        }
    });
    w.check();
    CHECK(pages > 0);
    // Nothing was lost on the way: the newest picture has every row.
    const auto made = peer{w, 0, "last"}.post("/snapshot-sessions");
    CHECK(made.body.find("\"row_count\":" + std::to_string(3 + rounds)) != std::string::npos);
}

}  // namespace concurrent_clients_test
