// A device: syncs the table `language` of an SQLite file with a language server. The app is any program that writes to that file.
//
//   language_device DATABASE attach                      make the table, if need be, and start capturing
//   language_device DATABASE sync URL TOKEN              send what waits, take in what is new
//   language_device DATABASE status                      what lies where
//   language_device DATABASE waiting                     changes that need a person, and why
//   language_device DATABASE take-server ID              give a waiting change up
//
// Ends with 0 when all went well, 1 on a fault, 3 when a change was refused.

#include "language_model.hpp"

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/adapters/sqlite/replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/support/system_random.hpp>
#include <syncline/wire/make_sync.hpp>

#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {

int report(const syncline::sync_result& r) {
    std::cout << "  pushed " << r.pushed << ", pulled " << r.pulled << ", met changes of others " << r.conflicts << ", refused " << r.failed << "\n";
    // A decision reads `model key: outcome; rule`; those alike are told together.
    std::map<std::string, std::vector<std::string>> alike;
    for (const auto& d : r.decisions) {
        const auto at = d.find(": ");
        alike[d.substr(at + 2)].push_back(d.substr(0, at));
    }
    for (const auto& [decision, records] : alike) {
        std::cout << "    " << decision << ": " << records.size() << " (" << records.front();
        if (records.size() > 1) std::cout << " to " << records.back();
        std::cout << ")\n";
    }
    for (const auto& x : r.rejections) {
        std::cout << "    refused: language " << x.key.key << ": " << syncline::name_of(x.why.code) << ": " << x.why.detail;
        for (const auto& m : x.messages) std::cout << " (" << m.field << ": " << m.text << ")";
        std::cout << "\n";
    }
    if (r.why) {
        std::cout << "    ended early: " << syncline::name_of(r.why->code) << ": " << r.why->detail << "\n";
        return 1;
    }
    return r.rejections.empty() ? 0 : 3;
}

int run(const std::vector<std::string>& args) {
    const std::string& database = args[0];
    const std::string& verb = args[1];
    {
        auto app = syncline::or_throw(syncline::sqlite_database::open(database));
        syncline::or_throw(app.execute(language_table));
    }
    auto store = syncline::or_throw(syncline::sqlite_replica_store::open(database, {syncline::or_throw(syncline::schema_of<language>())}));
    if (verb == "sync" && args.size() == 4) {
        syncline::httplib_transport_options http;
        http.base = args[2];
        http.bearer_token = args[3];
        http.gzip_requests_above = 1024;
        auto client = syncline::make_sync_client(store, syncline::or_throw(syncline::httplib_transport::open(http)));
        return report(client.sync());
    }

    syncline::replica engine{store};
    const auto now = syncline::system_now();
    syncline::system_random noise;
    syncline::or_throw(engine.open(noise, now));
    if (verb == "attach") return 0;
    if (verb == "status") {
        const auto s = syncline::or_throw(engine.status(now));
        std::cout << "  waiting to be sent " << s.counts.open + s.counts.frozen << ", for a person " << s.counts.waiting << ", quarantined "
                  << s.counts.quarantined << "\n";
        return 0;
    }
    if (verb == "waiting") {
        for (const auto& w : syncline::or_throw(engine.waiting(1000, now)))
            std::cout << "  language " << w.key.key << ": " << syncline::name_of(w.op) << ": " << syncline::name_of(w.waiting->code) << ": "
                      << w.waiting->detail << "\n";
        return 0;
    }
    if (verb == "take-server" && args.size() == 3) {
        syncline::or_throw(engine.discard({0, args[2]}, now));
        return 0;
    }
    std::cerr << "language_device: no such command, or too few words; see the top of language_device.cpp\n";
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: language_device DATABASE attach | sync URL TOKEN | status | waiting | take-server ID\n";
        return 2;
    }
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& x) {
        std::cerr << "language_device: " << x.what() << "\n";
        return 1;
    }
}
