// Not everybody sees everything: a project belongs to a team, and people join and leave teams.

#include <syncline/engine/buckets_of.hpp>
#include <syncline/engine/scopes.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/make_sync.hpp>

#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace {

struct project {
    std::string id;
    std::string title;
    std::string team;

    struct syncline_model {
        static constexpr auto name() { return "project"; }
        static constexpr auto key() { return syncline::key_field<"id", &project::id>(); }
        static constexpr auto fields() {
            return std::tuple{syncline::field<"title", &project::title>(), syncline::field<"team", &project::team>()};
        }
    };
};

void report(const std::string& who, const syncline::memory_replica_store& rows, const syncline::sync_result& r) {
    std::cout << who << " sees:";
    for (const auto& [key, row] : rows.rows(0)) std::cout << " " << row.fields[0].as_string();
    std::cout << "\n";
    for (const auto& refused : r.rejections) std::cout << who << ": " << name_of(refused.why.code) << "\n";
}

}  // namespace

int main() {
    using syncline::or_throw;
    const auto models = or_throw(syncline::schemas_of<project>());
    syncline::memory_authority_store shared{models};
    std::map<std::string, syncline::label_set, std::less<>> teams{{"ann", {"garden"}}, {"ben", {"garden", "roof"}}};

    // [rules]
    syncline::authority_options options;
    options.scopes.buckets["project"] = syncline::buckets_of<project>([](const project& p) { return syncline::label_set{p.team}; });
    options.scopes.granted = [&](std::string_view, std::string_view principal) {
        const auto known = teams.find(principal);
        return known == teams.end() ? syncline::label_set{} : known->second;
    };
    auto server = syncline::make_sync_server(shared, options);
    // [/rules]
    server.mount_mutation_wire();
    syncline::authenticated ann_endpoint{syncline::allow_anonymous{{"ann", "main"}}, server};
    syncline::authenticated ben_endpoint{syncline::allow_anonymous{{"ben", "main"}}, server};
    syncline::memory_replica_store ann_rows{models};
    syncline::memory_replica_store ben_rows{models};
    auto ann = syncline::make_sync_client(ann_rows, syncline::loopback{ann_endpoint});
    auto ben = syncline::make_sync_client(ben_rows, syncline::loopback{ben_endpoint});

    or_throw(ben_rows.app_write({0, "p1"}, syncline::to_record(project{"p1", "Pond", "garden"})));
    or_throw(ben_rows.app_write({0, "p2"}, syncline::to_record(project{"p2", "Tiles", "roof"})));
    report("ben", ben_rows, ben.sync());
    report("ann", ann_rows, ann.sync());

    // [grants]
    teams["ann"] = {"roof"};  // nothing else has to be told
    // [/grants]
    or_throw(ann_rows.app_write({0, "p1"}, syncline::to_record(project{"p1", "Pool", "garden"})));
    report("ann", ann_rows, ann.sync());
    // [waits]
    for (const auto& change : or_throw(ann.waiting())) std::cout << "ann's change waits: " << name_of(change.waiting->code) << "\n";
    // [/waits]

    teams["ann"] = {"garden"};
    report("ann", ann_rows, ann.sync());
    report("ann", ann_rows, ann.sync());
    report("ben", ben_rows, ben.sync());
}
