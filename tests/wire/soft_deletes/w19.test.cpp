// The soft-delete collisions of wire/mutation.md (W19) and what was deleted for good (W14), one by one, on both wires.

#include "parties.hpp"

#include <string>
#include <utility>

namespace w19_test {

using namespace soft_deletes;

namespace {

// A server and two devices, all with soft deletes, that know the record `t`.
struct three {
    explicit three(wire_kind wire, resolver decides = resolvers::server_wins{}, deletes at_server = deletes::soft)
        : server(at_server, decides, clock), a(deletes::soft, wire, decides, server, clock, 1), b(deletes::soft, wire, decides, server, clock, 2) {
        server.app.create("t", "start");
        all();
    }
    void all() {
        done(a.sync());
        done(b.sync());
    }
    void agree(const std::string& rows) {
        for (int round = 0; round < 2; ++round) all();
        CHECK(server.app.live() == rows);
        CHECK(a.app.live() == rows);
        CHECK(b.app.live() == rows);
        CHECK(a.status().counts.waiting == 0);
        CHECK(b.status().counts.waiting == 0);
        CHECK(a.status().counts.quarantined + b.status().counts.quarantined == 0);
    }
    common_clock clock;
    office server;
    device a;
    device b;
};

constexpr wire_kind both[]{wire_kind::mutation, wire_kind::bundle};

}  // namespace

TEST_CASE("W19a: a record that is in the trash here and was changed on the server comes back with the server's row", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        x.server.app.update("t", "changed on the server");
        x.a.app.trash("t");
        x.agree("t=changed on the server/");
        CHECK(x.a.app.trashed().empty());
    }
}

TEST_CASE("W19a: where the device wins, the record that the server changed goes into the trash everywhere", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire, resolvers::client_wins{}};
        x.server.app.update("t", "changed on the server");
        x.a.app.trash("t");
        x.agree("");
        CHECK(x.server.app.trashed() == "t");
        CHECK(x.b.app.trashed() == "t");
    }
}

TEST_CASE("W19b: a restore on the server reaches devices that have the row in the trash", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        x.server.app.trash("t");
        x.agree("");
        CHECK(x.a.app.trashed() == "t");
        x.server.app.restore("t", "");
        x.agree("t=start/");
        CHECK(x.a.app.trashed().empty());
    }
}

TEST_CASE("W19c: a restore on a device reaches the server and the other devices", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        x.a.app.trash("t");
        x.agree("");
        CHECK(x.server.app.trashed() == "t");
        x.a.app.restore("t", "");
        x.agree("t=start/");
        CHECK(x.server.app.trashed() + x.b.app.trashed() == "");
    }
}

TEST_CASE("W19c: a row that was in the trash and came back before a look was not edited, and keeps what others did", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        x.a.app.trash("t");
        x.a.app.restore("t", "");
        CHECK(x.a.status().counts.open == 0);
        x.b.app.update("t", "changed by B");
        done(x.b.sync());
        x.agree("t=changed by B/");
    }
}

TEST_CASE("W19d: a create for an id that is in the server's trash restores it with the new fields", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        x.server.app.trash("t");
        x.server.app.sql("UPDATE task SET body='old body' WHERE id='t'");
        x.a.app.trash("t");
        done(x.a.sync());
        x.a.app.remove("t");
        x.a.app.create("t", "made again");
        x.agree("t=made again/");
        CHECK(x.server.app.trashed().empty());
    }
}

TEST_CASE("W19d: a create by a device that never saw the id takes the trashed row's place", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        x.server.app.create("u", "short life");
        x.server.app.trash("u");
        x.a.app.create("u", "of the device");
        x.agree("t=start/;u=of the device/");
    }
}

TEST_CASE("W19e: two devices delete the same record offline, and both are fine", "[wire]") {
    for (const wire_kind wire : both)
        for (const bool hard : {false, true}) {
            three x{wire};
            x.a.app.trash("t");
            hard ? x.b.app.remove("t") : x.b.app.trash("t");
            const auto first = x.a.sync();
            const auto second = x.b.sync();
            done(first);
            done(second);
            CHECK_FALSE(second.has_rejections());
            x.agree("");
            CHECK(x.server.app.trashed() == "t");
        }
}

TEST_CASE("W19e: a delete for good of a row in the trash is nothing, and after a soft delete it is the same delete", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        x.a.app.trash("t");
        x.a.app.remove("t");
        CHECK(x.a.status().counts.open == 1);
        x.agree("");
        x.b.app.remove("t");
        x.server.app.remove("t");
        CHECK(x.b.status().counts.open == 0);
        const auto seq = [&] { return must(must(x.server.store().begin("main", access::snapshot)).head()).seq; };
        const auto before = seq();
        x.agree("");
        CHECK(seq() == before);
    }
}

TEST_CASE("W14: what is deleted for good on the server reaches every device, from the trash or not", "[wire]") {
    for (const wire_kind wire : both)
        for (const deletes at_server : {deletes::hard, deletes::soft})
            for (const bool trashed_first : {false, true}) {
                three x{wire, resolvers::server_wins{}, at_server};
                if (trashed_first && at_server == deletes::soft) x.server.app.trash("t");  // purged before any device looks
                x.server.app.remove("t");
                x.agree("");
                CHECK(x.a.app.trashed() == "t");
                // An edit made meanwhile is decided, not refused for ever.
                x.server.app.create("v", "second");
                x.all();
                x.a.app.update("v", "edited");
                x.server.app.remove("v");
                x.agree("");
            }
}

TEST_CASE("soft deletes: a sync writes the app's own times, in each column's form, and only its own writes", "[wire]") {
    for (const wire_kind wire : both) {
        three x{wire};
        // The app's own columns are not synced: the server's program left them empty, and the device's sync set them.
        CHECK(x.server.app.ask("SELECT ifnull(created_at,'-')||ifnull(updated_at,'-') FROM task") == "--");
        CHECK(x.a.app.ask("SELECT created_at LIKE '2023-11-14 22:1_:__' FROM task") == "1");
        CHECK(x.a.app.ask("SELECT typeof(updated_at)||(updated_at BETWEEN 1700000000 AND 1700000999) FROM task") == "integer1");
        const auto made = x.a.app.ask("SELECT created_at FROM task");
        const auto then = x.a.app.ask("SELECT updated_at FROM task");
        x.clock.now_us += 3600'000'000;
        x.b.app.update("t", "later");
        x.agree("t=later/");
        CHECK(x.a.app.ask("SELECT created_at FROM task") == made);
        CHECK(x.a.app.ask("SELECT updated_at-" + then + " BETWEEN 3600 AND 3700 FROM task") == "1");
        CHECK(x.server.app.ask("SELECT updated_at BETWEEN 1700003600 AND 1700003900 FROM task") == "1");
        x.clock.now_us += 3600'000'000;
        x.b.app.trash("t");
        x.agree("");
        CHECK(x.server.app.ask("SELECT deleted_at LIKE '2023-11-15 00:1_:__' FROM task") == "1");
        CHECK(x.server.app.ask("SELECT updated_at=CAST(strftime('%s',deleted_at) AS INTEGER) FROM task") == "1");
        CHECK(x.a.app.ask("SELECT deleted_at LIKE '2023-11-15 00:1_:__' FROM task") == "1");
        // None of that counts as an edit, nor does the app's own touch.
        x.a.app.sql("UPDATE task SET updated_at=5, created_at='x'");
        CHECK(x.a.status().counts.open == 0);
    }
}

TEST_CASE("soft deletes: the time that the server notes is that of the change, not of its arrival", "[wire]") {
    three x{wire_kind::mutation};
    x.a.app.update("t", "edited early");
    CHECK(x.a.status().counts.open == 1);  // taken in, and timed, here
    const auto early = x.clock.now_us / 1'000'000;
    x.clock.now_us += 7200'000'000;
    x.agree("t=edited early/");
    CHECK(x.server.app.ask("SELECT abs(updated_at-" + std::to_string(early) + ")<10 FROM task") == "1");
}

}  // namespace w19_test
