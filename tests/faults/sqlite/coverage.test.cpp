#include "faults/sqlite/calls.hpp"
#include "faults/sqlite/device_tables_scenarios.hpp"
#include "faults/sqlite/device_upkeep_scenarios.hpp"
#include "faults/sqlite/server_tables_scenarios.hpp"
#include "faults/sqlite/server_views_scenarios.hpp"
#include "faults/sqlite/trial.hpp"

#include "support/catch.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

// That nothing is left out: the lists of watched.hpp are what the headers declare, and every call in them is made by some scenario's operation, so
// faults were injected into it.

namespace coverage_test {

namespace {

using namespace faults;

std::string text_of(const std::string& header) {
    const char* const tests = std::getenv("SYNCLINE_TEST_DIR");
    REQUIRE(tests != nullptr);
    std::ifstream in{std::string{tests} + "/../include/syncline/" + header};
    REQUIRE(in);
    return {std::istreambuf_iterator<char>{in}, {}};
}

// The public functions that a class declares, by the house's layout: each begins a line, four blanks in.
std::set<std::string> functions_of(const std::string& header, const std::string& declared) {
    const std::string all = text_of(header);
    auto from = all.find("\n" + declared + " ");
    REQUIRE(from != std::string::npos);
    from = all.find("public:\n", from);
    const std::string body = all.substr(from, all.find("\nprivate:", from) - from);
    std::set<std::string> out;
    static const std::regex function{"\n    (?:\\[\\[nodiscard\\]\\] (?:static )?|void )[^\n(]*?\\b([a-z_]+)\\("};
    for (std::sregex_iterator at{body.begin(), body.end(), function}, end; at != end; ++at) out.insert((*at)[1]);
    return out;
}

// What the headers declare and what is watched are the same, but for what touches no database.
void same(const std::string& header, const std::string& declared, const calls_seen& watched, const std::vector<std::string>& besides) {
    INFO(declared << " in " << header);
    auto there = functions_of(header, declared);
    CHECK(!there.empty());
    for (const auto& name : besides) CHECK(there.erase(name) == 1);
    const std::set<std::string> listed(watched.all.begin(), watched.all.end());
    for (const auto& name : there)
        if (!listed.contains(name)) FAIL_CHECK("`" << name << "` is not watched: add it to watched.hpp, and a scenario that calls it");
    for (const auto& name : listed)
        if (!there.contains(name)) FAIL_CHECK("`" << name << "` is watched and not declared");
}

// Whether every call was seen in an operation.
void all_seen(const std::string& of, const calls_seen& watched) {
    CHECK(!watched.seen.empty());
    for (const auto& name : watched.all)
        if (!watched.seen.contains(name)) FAIL_CHECK("no scenario's operation calls `" << name << "` of " << of);
}

// Each operation once, without faults: it does what it says, and what it calls is written down.
template <class Program>
void run_once(const std::vector<scenario<Program>>& all) {
    for (const auto& what : all) {
        INFO(what.name);
        const trial<Program> done{what};
        CHECK(done.trials() == 0);
    }
}

}  // namespace

TEST_CASE("coverage: what is watched is what the stores and engines declare") {
    same("adapters/sqlite/replica_store.hpp", "class sqlite_replica_store::transaction", watched_replica_transaction::calls(), {});
    same("adapters/sqlite/authority_store.hpp", "class sqlite_authority_store::transaction", watched_authority_transaction::calls(), {"connection"});
    same("adapters/sqlite/replica_store.hpp", "class sqlite_replica_store", watched_replica_store::calls(), {"schemas"});
    same("adapters/sqlite/authority_store.hpp", "class sqlite_authority_store", watched_authority_store::calls(), {"schemas"});
    same("engine/replica.hpp", "class replica", watched_replica<watched_replica_store>::calls(), {"schemas"});
    same("engine/authority.hpp", "class authority", watched_authority::calls(), {"schemas", "options", "serves_whole_tenants"});
    same("storage/fenced_store.hpp", "class fenced_store", watched_fence::calls(), {"schemas", "begin", "held"});
}

TEST_CASE("coverage: every call of the stores and engines is made by an operation that faults are injected into") {
    run_once(work_of_a_device());
    run_once(accounts_of_a_device());
    run_once(connections_of_a_device());
    run_once(leases_of_a_device());
    run_once(copies_of_a_device());
    run_once(upkeep_of_a_device());
    run_once(changed_tables_of_a_device());
    run_once(older_layouts_of_a_device());
    run_once(keyed_tables_of_a_device());
    run_once(trash_of_a_device());
    run_once(work_of_a_server());
    run_once(changed_tables_of_a_server());
    run_once(owned_tables_of_a_server());
    run_once(keyed_tables_of_a_server());
    run_once(trash_of_a_server());
    run_once(devices_without_bases());
    run_once(views_of_devices());
    all_seen("a device's transaction", watched_replica_transaction::calls());
    all_seen("a server's transaction", watched_authority_transaction::calls());
    all_seen("a device's store", watched_replica_store::calls());
    all_seen("a server's store", watched_authority_store::calls());
    all_seen("a device's engine", watched_replica<watched_replica_store>::calls());
    all_seen("a server's engine", watched_authority::calls());
    all_seen("the fence", watched_fence::calls());
}

}  // namespace coverage_test
