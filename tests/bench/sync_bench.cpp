// How long a device and a server take over real SQLite files and real HTTP on loopback, as ratios to plain SQLite in the same run.
//
//   sync_bench FOLDER WIRE RECORDS     WIRE is `mutation` or `bundle`
//
// A ratio says how fast a step is compared with SQLite alone: 0.10 is a tenth of its speed. Records are about 330 bytes. Prints one row for each step.

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/httplib/server.hpp>
#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/wire/make_sync.hpp>
#include <syncline/wire/system_surroundings.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using syncline::or_throw;
using seconds = std::chrono::duration<double>;

constexpr const char* table = "CREATE TABLE task(id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL, "
                              "priority INTEGER NOT NULL, due TEXT)";

double timed(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return seconds{std::chrono::steady_clock::now() - begin}.count();
}

// Rising, as ids made from the time are.
std::string id_of(std::size_t n) {
    std::string digits = std::to_string(n);
    return "01JD" + std::string(22 - digits.size(), '0') + digits;
}

syncline::sqlite_database open(const std::string& path) {
    auto db = or_throw(syncline::sqlite_database::open(path));
    or_throw(db.query_text("PRAGMA journal_mode=WAL"));
    or_throw(db.execute("PRAGMA synchronous=NORMAL"));
    return db;
}

// The records from @p first to @p last, in one transaction.
void insert(syncline::sqlite_database& db, std::size_t first, std::size_t last) {
    const std::string body(230, 'b');
    or_throw(db.execute("BEGIN"));
    auto s = or_throw(db.prepare("INSERT INTO task VALUES(?1,?2,?3,'open',?4,'2026-01-02T03:04:05Z')"));
    for (std::size_t i = first; i < last; ++i) {
        s.bind_text(1, id_of(i)).bind_text(2, "title of record " + std::to_string(i)).bind_text(3, body).bind(4, static_cast<std::int64_t>(i % 5));
        or_throw(s.run());
    }
    or_throw(db.execute("COMMIT"));
}

std::size_t select_all(syncline::sqlite_database& db) {
    auto s = or_throw(db.prepare("SELECT * FROM task"));
    std::size_t octets = 0;
    while (or_throw(s.step()))
        for (int i = 0; i < 6; ++i) octets += s.column_text(i).size();
    return octets;
}

// A device as an app has it: a file, and a client over HTTP.
template <class Options>
class device {
public:
    device(const std::string& path, const std::string& url) : app(prepared(path)), store_(or_throw(syncline::sqlite_replica_store::open(path, names()))), client_(make(store_, url)) {}

    void sync() {
        const auto report = client_.sync();
        if (report.why) throw std::runtime_error(std::string{name_of(report.why->code)} + ": " + report.why->detail);
        if (report.failed != 0 || report.pull_errors != 0) throw std::runtime_error("a change or a row was refused");
    }

    syncline::sqlite_database app;

private:
    static std::vector<std::string> names() { return {"task"}; }
    static syncline::sqlite_database prepared(const std::string& path) {
        auto db = open(path);
        or_throw(db.execute(table));
        return db;
    }
    static auto make(syncline::sqlite_replica_store& store, const std::string& url) {
        syncline::httplib_transport_options http;
        http.base = url;
        http.bearer_token = "bench";
        return syncline::make_sync_client(store, or_throw(syncline::httplib_transport::open(http)), Options{});
    }

    syncline::sqlite_replica_store store_;
    decltype(make(std::declval<syncline::sqlite_replica_store&>(), std::string{})) client_;
};

template <class Options>
void run(const std::string& folder, const std::string& wire, std::size_t n) {
    const auto row = [&](const char* what, double baseline, double took) {
        std::printf("%-8s %8zu  %-44s %9.3f s  %7.3f of plain\n", wire.c_str(), n, what, took, baseline / took);
        std::fflush(stdout);
    };
    double plain_insert = 0;
    double plain_select = 0;
    double plain_few = 0;
    double plain_thousand = 0;
    {
        auto plain = open(folder + "/plain.db");
        or_throw(plain.execute(table));
        plain_insert = timed([&] { insert(plain, 0, n); });
        plain_select = timed([&] { static_cast<void>(select_all(plain)); });
        plain_few = timed([&] { insert(plain, n, n + n / 100); });
        plain_thousand = timed([&] { insert(plain, 2 * n, 2 * n + 1000); });
    }
    std::printf("%-8s %8zu  %-44s %9.3f s\n%-8s %8zu  %-44s %9.3f s\n", wire.c_str(), n, "plain insert (1.000)", plain_insert, wire.c_str(), n,
                "plain select", plain_select);

    const std::string server_file = folder + "/server.db";
    {
        auto app = open(server_file);
        or_throw(app.execute(table));
    }
    auto models = [&] {
        auto db = open(server_file);
        syncline::schema_set out;
        or_throw(out.add(or_throw(syncline::read_model_schema(db, "task"))));
        return out;
    }();
    auto store = or_throw(syncline::sqlite_authority_store::open(server_file, std::move(models)));
    auto server = syncline::make_sync_server(store);
    server.mount_mutation_wire();
    or_throw(server.mount_bundle_wire());
    syncline::bearer_tokens users;
    or_throw(users.add("bench", syncline::principal{"bench", "main"}));
    syncline::httplib_server http;
    or_throw(http.authenticate_with(std::move(users)));
    or_throw(http.mount("", server));
    or_throw(http.start());
    const std::string url = "http://127.0.0.1:" + std::to_string(http.port());

    device<Options> a{folder + "/a.db", url};
    row("local write with capture", plain_insert, timed([&] { insert(a.app, 0, n); }));
    row("upload, durable on both sides", plain_insert, timed([&] { a.sync(); }));
    device<Options> b{folder + "/b.db", url};
    row("hydration of a new device", plain_insert, timed([&] { b.sync(); }));
    or_throw(a.app.execute("UPDATE task SET status='done' WHERE rowid % 100 = 0"));
    row("1 % edited, to the server and the other device", plain_few, timed([&] {
            a.sync();
            b.sync();
        }));
    or_throw(a.app.execute("UPDATE task SET status='a' WHERE rowid <= 1000"));
    or_throw(b.app.execute("UPDATE task SET priority=9, status=CASE WHEN rowid % 2 THEN 'b' ELSE status END WHERE rowid <= 1000"));
    row("1,000 edited on both, both agree again", plain_thousand, timed([&] {
            a.sync();
            b.sync();
            a.sync();
        }));
    const std::string digest = "SELECT count(*)||':'||sum(priority)||':'||count(DISTINCT status)||':'||sum(length(status)) FROM task";
    auto served = open(server_file);
    const std::string at_server = or_throw(served.query_text(digest));
    if (or_throw(a.app.query_text(digest)) != at_server || or_throw(b.app.query_text(digest)) != at_server)
        throw std::runtime_error("the devices and the server differ");
    const double nothing = timed([&] {
        for (int i = 0; i < 20; ++i) a.sync();
    }) / 20;
    std::printf("%-8s %8zu  %-44s %9.3f ms\n", wire.c_str(), n, "nothing changed", nothing * 1000);
    http.stop();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: sync_bench FOLDER mutation|bundle RECORDS\n";
        return 2;
    }
    try {
        const std::string wire = argv[2];
        const auto n = static_cast<std::size_t>(std::strtoull(argv[3], nullptr, 10));
        if (wire == "mutation") run<syncline::mutation_client_options>(argv[1], wire, n);
        else run<syncline::bundle_client_options>(argv[1], wire, n);
        return 0;
    } catch (const std::exception& x) {
        std::cerr << "sync_bench: " << x.what() << "\n";
        return 1;
    }
}
