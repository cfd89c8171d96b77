// A device's store on a database that the library does not know, LMDB, and the kit that tells whether it may be trusted.
#include "conformance_harness.hpp"
#include "lmdb_replica_store.hpp"

#include <syncline/support/or_throw.hpp>
#include <syncline/syncline.hpp>
#include <syncline/testing/storage/replica_conformance.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <cstdint>
#include <stdexcept>
#include <tuple>

using namespace syncline;

namespace {

struct note {
    std::string id, text;
    std::int64_t stars = 0;

    struct syncline_model {
        static constexpr auto name() { return "note"; }
        static constexpr auto key() { return key_field<"id", &note::id>(); }
        static constexpr auto fields() { return std::tuple{field<"text", &note::text>(), field<"stars", &note::stars>()}; }
    };
};

// [contract]
bool keeps_the_contract() {
    testing::report found;
    testing::check_replica_store(found, [] { return conformance_harness{}; });
    std::cout << found.text();
    return found.passed();
}
// [/contract]

// Two devices with the store, and a server in memory: both change the same note, each another field.
void sync_two_devices() {
    const schema_set models = or_throw(schemas_of<note>());
    memory_authority_store shared{models};
    auto server = make_sync_server(shared);
    server.mount_mutation_wire();
    authenticated endpoint{allow_anonymous{{"anyone", "main"}}, server};

    const scratch_folder phone_folder, laptop_folder;
    auto phone = or_throw(on_lmdb::lmdb_replica_store::open(or_throw(on_lmdb::environment::open(phone_folder.path(), {})), models));
    auto laptop = or_throw(on_lmdb::lmdb_replica_store::open(or_throw(on_lmdb::environment::open(laptop_folder.path(), {})), models));
    auto phone_sync = make_sync_client(phone, loopback{endpoint}), laptop_sync = make_sync_client(laptop, loopback{endpoint});
    const record_key milk{*models.find("note"), "n1"};

    or_throw(phone.app_write(milk, record{{value::text("Buy milk"), value::integer(0)}}));
    for (auto* device : {&phone_sync, &laptop_sync}) device->sync();
    or_throw(phone.app_write(milk, record{{value::text("Buy oat milk"), value::integer(0)}}));
    or_throw(laptop.app_write(milk, record{{value::text("Buy milk"), value::integer(3)}}));
    for (auto* device : {&phone_sync, &laptop_sync, &phone_sync}) std::cout << "pushed " << device->sync().pushed << "\n";
    for (auto* device : {&phone, &laptop}) {
        const auto row = or_throw(device->row(milk));
        if (!row) throw std::runtime_error("the note is gone");
        std::cout << row->fields[0].as_string() << ", stars: " << row->fields[1].as_integer() << "\n";
    }
}

// A program may be replaced by one that knows more fields of what is there, and by no other; once it was, the older one writes no more.
bool lets_newer_programs_in() {
    const schema_set models = or_throw(schemas_of<note>());
    model_schema more = models[0];
    more.fields.push_back({"due", value_kind::text, true, nullptr});
    schema_set newer, other;
    or_throw(newer.add(more));
    more.fields.erase(more.fields.begin());
    or_throw(other.add(more));

    const scratch_folder folder;
    const auto data = or_throw(on_lmdb::environment::open(folder.path(), {}));
    const record_key milk{0, "n1"};
    const record row{{value::text("Buy milk"), value::integer(0)}};
    auto before = or_throw(on_lmdb::lmdb_replica_store::open(data, models));
    or_throw(before.app_write(milk, row));
    const auto now = or_throw(on_lmdb::lmdb_replica_store::open(data, newer));
    const auto wide = or_throw(now.row(milk));
    const auto late = before.app_write(milk, row);
    const auto strange = on_lmdb::lmdb_replica_store::open(data, other);
    if (!wide || late || strange) return false;
    std::cout << "a newer program reads " << wide->fields.size() << " fields, an older one is told " << name_of(late.error().code) << ", and so is one with others: "
              << name_of(strange.error().code) << "\n";
    return true;
}

// What a store does that has no room left: it says so, and keeps what it has.
bool says_when_it_is_full() {
    const schema_set models = or_throw(schemas_of<note>());
    const scratch_folder folder;
    auto store = or_throw(on_lmdb::lmdb_replica_store::open(or_throw(on_lmdb::environment::open(folder.path(), {std::size_t{1} << 20, true})), models));
    const record long_note{{value::text(std::string(100000, 'x')), value::integer(0)}};
    for (int i = 0; i < 100; ++i) {
        const auto written = store.app_write({*models.find("note"), std::to_string(i)}, long_note);
        if (written) continue;
        const bool kept = i > 0 && or_throw(store.row({*models.find("note"), std::to_string(i - 1)})) == long_note;
        std::cout << "full: " << name_of(written.error().code) << (kept ? ", and the notes before are there\n" : ", and the notes before are gone\n");
        return kept && written.error().code == errc::storage_full;
    }
    return false;
}

}  // namespace

int main() try {
    { const scratch_folder can_be_made; }  // or that is said once, and not by every clause
    if (!keeps_the_contract()) return 1;
    sync_two_devices();
    if (!lets_newer_programs_in()) return 1;
    if (!says_when_it_is_full()) return 1;
} catch (const std::exception& e) {
    std::cerr << "custom_storage: " << e.what() << "\n";
    return 1;
}
