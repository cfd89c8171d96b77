// Two real processes on one device's file: only one syncs at a time, a dead one's lease runs out, and one that was taken over changes
// nothing.
// The second process is a fork, made before anything else runs; the two talk through pipes, so nothing here waits for time.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/support/random.hpp>
#include <syncline/wire/mutation/client.hpp>
#include <syncline/wire/sync_client.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/scratch_folder.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace syncline;

namespace {

constexpr timestamp noon = from_microseconds(1'700'000'000'000'000);

void require(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "lease_processes: %s\n", what);
    std::abort();
}
template <class T>
T must(result<T> r, const char* what) {
    if (!r) std::fprintf(stderr, "%s\n", r.error().detail.c_str());
    require(r.has_value(), what);
    return std::move(*r);
}
void must(const result<void>& r, const char* what) {
    if (!r) std::fprintf(stderr, "%s\n", r.error().detail.c_str());
    require(r.has_value(), what);
}

// A folder of its own with the device's and the server's file, each with the table `note`.
struct files {
    files() {
        for (const auto& name : {device(), server()}) {
            auto db = must(sqlite_database::open(name), "opening a database");
            must(db.execute("CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, text TEXT)"), "creating the table");
        }
    }
    files(const files&) = delete;
    files& operator=(const files&) = delete;
    std::string device() const { return folder.file("device.db"); }
    std::string server() const { return folder.file("server.db"); }

    void write(const std::string& id, const std::string& text) const {
        auto db = must(sqlite_database::open(device(), {false, std::chrono::seconds{30}}), "opening the device");
        std::string sql = "INSERT INTO note VALUES('";
        sql.append(id).append("','").append(text).append("') ON CONFLICT(id) DO UPDATE SET text=excluded.text");
        must(db.execute(sql), "the app's write");
    }
    std::int64_t rows(const std::string& file) const {
        return must(must(sqlite_database::open(file), "opening").query_integer("SELECT count(*) FROM note"), "counting");
    }
    // Everything in the device's file, as text.
    std::string everything() const {
        auto db = must(sqlite_database::open(device()), "opening the device");
        std::vector<std::string> tables;
        auto names = must(db.prepare("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name"), "listing tables");
        while (must(names.step(), "listing tables")) tables.emplace_back(names.column_text(0));
        std::string out;
        for (const auto& table : tables) {
            std::string sql = "SELECT * FROM ";
            auto s = must(db.prepare(sql.append(sqlite_quoted(table))), "reading a table");
            while (must(s.step(), "reading a table")) {
                out.append(table);
                for (int i = 0; i < sqlite3_column_count(s.handle()); ++i) out.append("|").append(s.column_text(i));
                out.append("\n");
            }
        }
        return out;
    }

    scratch_folder folder;
};

// One program: a client over the device's file, and the server, each opened by this process itself.
struct program {
    using call = std::function<result<response>(const request&)>;

    program(const files& f, std::uint64_t seed)
        : random(seed), server_store(must(sqlite_authority_store::open(f.server(), models(), waiting_authority()), "opening the server")),
          server(server_store, {}, [] { return noon; }, [this] { return random.next(); }),
          device(must(sqlite_replica_store::open(f.device(), models(), waiting()), "opening the device")),
          client(device, [this](const request& r) { return carry(r); }, mutation_client_options{},
                 sync_surroundings{[this] { return now; }, [this] { return random.next(); }, [](timestamp) {}}) {
        server.mount_mutation_wire();
    }
    static schema_set models() {
        model_schema note;
        note.name = "note";
        note.fields = {{"text", value_kind::text, true, nullptr}};
        schema_set out;
        require(out.add(std::move(note)).has_value(), "the model");
        return out;
    }
    // What is tested is the lease, not how long a processor may be busy.
    static sqlite_replica_options waiting() {
        sqlite_replica_options o;
        o.busy_timeout = std::chrono::seconds{30};
        return o;
    }
    static sqlite_authority_options waiting_authority() {
        sqlite_authority_options o;
        o.busy_timeout = std::chrono::seconds{30};
        return o;
    }
    result<response> carry(const request& r) {
        if (entered) entered();
        response answer = server(r, principal{"ann", "main"});
        if (answered) std::exchange(answered, {})();
        if (left) left();
        return answer;
    }

    timestamp now = noon;
    seeded_random random;
    std::function<void()> entered;
    std::function<void()> answered;
    std::function<void()> left;
    sqlite_authority_store server_store;
    sync_server<sqlite_authority_store> server;
    sqlite_replica_store device;
    sync_client<sqlite_replica_store, mutation_client, call> client;
};

// Two pipes: a word each way.
struct line {
    line() { require(pipe(to_parent) == 0 && pipe(to_child) == 0, "no pipe"); }
    line(const line&) = delete;
    line& operator=(const line&) = delete;
    ~line() {
        for (const int fd : {to_parent[0], to_parent[1], to_child[0], to_child[1]}) close(fd);
    }
    static void say(int fd) { require(write(fd, "x", 1) == 1, "writing to the other process"); }
    static void hear(int fd) {
        char c = 0;
        require(read(fd, &c, 1) == 1, "the other process is gone");
    }
    int to_parent[2] = {};
    int to_child[2] = {};
};

pid_t fork_with(const std::function<void()>& body) {
    const pid_t child = fork();
    require(child >= 0, "no second process");
    if (child == 0) {
        body();
        _exit(0);
    }
    return child;
}
void joined(pid_t child) {
    int status = 0;
    require(waitpid(child, &status, 0) == child, "waiting for the second process");
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the second process found something wrong");
}

// The child syncs, and stops where the server has answered its push and the device has not taken the answer in.
pid_t start_holder(const files& f, line& wire, const std::function<void(const sync_result&)>& then) {
    const pid_t child = fork_with([&] {
        program p{f, 1};
        p.answered = [&] {
            line::say(wire.to_parent[1]);
            line::hear(wire.to_child[0]);
        };
        then(p.client.sync());
    });
    line::hear(wire.to_parent[0]);
    return child;
}

void only_one_syncs() {
    const files f;
    f.write("n1", "one");
    line wire;
    const auto fine = [](const sync_result& r) { require(r.ok() && !r.skipped && r.pushed == 1, "the holder's sync"); };
    const pid_t child = start_holder(f, wire, fine);
    program p{f, 2};
    const auto skipped = p.client.sync();
    require(skipped.skipped && skipped.ok(), "a held lock skips at once");
    line::say(wire.to_child[1]);
    joined(child);
    require(!p.client.sync().skipped, "the lock is free after the holder");
}

void taken_over() {
    const files f;
    f.write("n1", "one");
    line wire;
    const pid_t child = start_holder(f, wire, [](const sync_result& r) {
        require(r.why && r.why->code == errc::busy, "the holder that was taken over says so");
        require(r.pushed == 0 && r.pulled == 0, "and settles nothing");
    });
    program p{f, 2};
    p.now += std::chrono::seconds{61};
    const auto report = p.client.sync();
    require(report.ok() && !report.skipped && report.pushed == 1, "a lease whose time is up is taken over");
    f.write("n2", "two");
    const std::string before = f.everything();
    line::say(wire.to_child[1]);
    joined(child);
    require(f.everything() == before, "the holder that was taken over changed something");
    require(p.client.sync().ok() && f.rows(f.server()) == 2, "the other one goes on");
}

void crashed() {
    const files f;
    f.write("n1", "one");
    line wire;
    const pid_t child = start_holder(f, wire, [](const sync_result&) {});
    require(kill(child, SIGKILL) == 0, "killing the holder");
    int status = 0;
    require(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "the holder is dead");
    program p{f, 2};
    p.now += std::chrono::seconds{59};
    require(p.client.sync().skipped, "a dead holder's lease holds until its time is up");
    p.now += std::chrono::seconds{1};
    const auto report = p.client.sync();
    require(report.ok() && !report.skipped, "and no longer");
    require(f.rows(f.server()) == 1 && p.client.status()->counts.frozen == 0, "what it had sent is settled once");
}

// Both sync and write as fast as they can, while the clock stands still: no two are ever between taking and giving back.
void race() {
    const files f;
    void* const shared = mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(shared != MAP_FAILED, "no shared memory");
    auto* const inside = new (shared) std::atomic<int>{0};
    const auto run = [&](std::uint64_t seed, const char* name) {
        program p{f, seed};
        p.entered = [&] { require(inside->fetch_add(1) == 0, "two processes sync at once"); };
        p.left = [&] { inside->fetch_sub(1); };
        for (int i = 0; i < 40; ++i) {
            f.write(std::string{name}.append(std::to_string(i % 5)), std::to_string(i));
            const auto r = p.client.sync();
            if (!r.ok()) std::fprintf(stderr, "%s\n", r.why->detail.c_str());
            require(r.ok(), "a sync of two that run at once");
        }
    };
    const pid_t child = fork_with([&] { run(1, "a"); });
    run(2, "b");
    joined(child);
    program last{f, 3};
    require(last.client.sync().ok(), "the last sync");
    require(f.rows(f.server()) == 10 && f.rows(f.device()) == 10, "everything arrived");
    require(last.client.status()->counts.open == 0, "nothing waits");
    munmap(shared, sizeof(std::atomic<int>));
}

}  // namespace

int main() {
    only_one_syncs();
    taken_over();
    crashed();
    race();
    std::puts("lease_processes: two processes on one file exclude each other");
    return 0;
}
