// A resolver of one's own: what becomes of a title that two people changed, and of an erase that meets a change.

#include <syncline/conflict/conflict.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/storage/memory_replica_store.hpp>
#include <syncline/support/or_throw.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/make_sync.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <tuple>

namespace {

struct task {
    std::string id;
    std::string title;
    std::string note;

    struct syncline_model {
        static constexpr auto name() { return "task"; }
        static constexpr auto key() { return syncline::key_field<"id", &task::id>(); }
        static constexpr auto fields() {
            return std::tuple{syncline::field<"title", &task::title>(), syncline::field<"note", &task::note>()};
        }
    };
};

// [rule]
constexpr auto title = syncline::field_index_of<task, &task::title>();

// Both titles are kept in one; anything else that overlaps stays as the server has it.
syncline::resolution keep_both_titles(const syncline::conflict& c, const syncline::resolver_context&) {
    if (c.server == nullptr || c.client == nullptr) return syncline::resolution::defer("one side erased the task");
    if (!c.overlapping.contains(title)) return syncline::resolution::take_server("not the title");
    std::string both = c.server->fields[title].as_string();
    both.append(" / ").append(c.client->fields[title].as_string());
    syncline::field_changes fields;
    fields.set(title, syncline::value::text(both));
    return syncline::resolution::merged(fields, "both titles are kept");
}
// [/rule]

void report(const std::string& who, const syncline::sync_result& r) {
    for (const auto& decision : r.decisions) std::cout << who << ": " << decision << "\n";
    for (const auto& refused : r.rejections) std::cout << who << ": waits: " << refused.why.detail << "\n";
}

}  // namespace

int main() {
    using syncline::or_throw;
    const auto models = or_throw(syncline::schemas_of<task>());
    syncline::memory_authority_store shared{models};
    // [register]
    syncline::authority_options options;
    or_throw(options.resolvers.add("task", keep_both_titles));
    auto server = syncline::make_sync_server(shared, options);
    // [/register]
    server.mount_mutation_wire();
    syncline::authenticated endpoint{syncline::allow_anonymous{{"anyone", "main"}}, server};
    syncline::memory_replica_store ann_rows{models};
    syncline::memory_replica_store ben_rows{models};
    auto ann = syncline::make_sync_client(ann_rows, syncline::loopback{endpoint});
    auto ben = syncline::make_sync_client(ben_rows, syncline::loopback{endpoint});

    const syncline::record_key key{0, "t1"};
    or_throw(ann_rows.app_write(key, syncline::to_record(task{"t1", "Paint", ""})));
    report("ann", ann.sync());
    report("ben", ben.sync());
    or_throw(ann_rows.app_write(key, syncline::to_record(task{"t1", "Paint the door", ""})));
    or_throw(ben_rows.app_write(key, syncline::to_record(task{"t1", "Paint the wall", "blue"})));
    report("ann", ann.sync());
    report("ben", ben.sync());
    std::cout << "the server has: " << shared.row("main", key)->fields[title].as_string() << "\n";

    or_throw(ann_rows.app_erase(key));
    or_throw(ben_rows.app_write(key, syncline::to_record(task{"t1", "Paint the fence", "blue"})));
    report("ben", ben.sync());
    report("ann", ann.sync());
    // [person]
    for (const auto& change : or_throw(ann.waiting()))
        std::cout << "ann's " << name_of(change.op) << " of " << change.key.key << " waits\n";
    or_throw(ann.take_server(key));
    // [/person]
    std::cout << "ann sees: " << ann_rows.row(key)->fields[title].as_string() << "\n";
}
