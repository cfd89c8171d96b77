#include <syncline/engine/legacy_memory.hpp>

#include "unit/engine/fixture.hpp"

#include <string>
#include <vector>

namespace legacy_memory_test {

using namespace engine_tests;

namespace {

using memory_of = legacy_memory<memory_authority_store::transaction>;

legacy_device some_device() {
    legacy_device d;
    d.presented = {7, 8};
    d.given = {9, 19};
    d.base = {5, 5};
    d.run_cursor = {6, 60};
    d.run = 3;
    d.run_start = 4;
    d.running = true;
    d.stranger = true;
    d.first = 0;
    d.walk = 8;
    return d;
}
legacy_record some_record() {
    legacy_record r;
    r.last = "m2";
    r.version = 2;
    r.base = 11;
    r.sent.emplace();
    r.sent->set(field_a, value::integer(5));
    r.sent->set(field_b, value{});
    r.sent_by = "m1";
    r.told = 3;
    r.run = 3;
    r.run_start = 4;
    r.earlier_start = 2;
    r.blocked = 9;
    r.held = pulled_to{0, 7};
    r.held_run = 12;
    r.held_window = 13;
    r.held_to = 10;
    return r;
}
mutation numbered(const std::string& key, std::uint64_t number) {
    mutation m;
    m.id = "m";
    m.what.key = key_named(key);
    m.what.ordinal = number;
    return m;
}

}  // namespace

TEST_CASE("legacy memory: what is noted comes back, and damage is told", "[engine]") {
    const auto schemas = models();
    const auto& node = schemas[node_model];
    CHECK(lab_must(decode_legacy_device(encode_legacy_device(some_device()))) == some_device());
    CHECK(lab_must(decode_legacy_device(encode_legacy_device({}))) == legacy_device{});
    CHECK(lab_must(decode_legacy_record(node, encode_legacy_record(node, some_record()))) == some_record());
    CHECK(lab_must(decode_legacy_record(node, encode_legacy_record(node, {}))) == legacy_record{});
    legacy_record empty;
    empty.sent.emplace();
    CHECK(lab_must(decode_legacy_record(node, encode_legacy_record(node, empty))) == empty);
    const std::string device = encode_legacy_device(some_device());
    for (std::size_t length = 0; length < device.size(); ++length) CHECK_FALSE(decode_legacy_device(device.substr(0, length)));
    const std::string noted = encode_legacy_record(node, some_record());
    for (std::size_t length = 0; length < noted.size(); ++length) CHECK_FALSE(decode_legacy_record(node, noted.substr(0, length)));
    CHECK_FALSE(decode_legacy_record(node, noted + "x"));
    // A field that the model no longer has falls out, and the others keep theirs.
    auto renamed = node;
    renamed.fields[field_a].name = "other";
    auto rest = some_record();
    rest.sent->erase(field_a);
    CHECK(lab_must(decode_legacy_record(renamed, encode_legacy_record(node, some_record()))) == rest);
}

TEST_CASE("legacy memory: devices and records of one principal are told apart, and forgotten whole", "[engine]") {
    server s;
    const std::string ann = "ann";
    const std::string one = "dev";
    const std::string other = "dev2";
    auto t = lab_must(s.store.begin("main", access::write));
    memory_of first{t, s.store.schemas(), ann, one};
    memory_of second{t, s.store.schemas(), ann, other};
    CHECK_FALSE(lab_must(first.device()));
    lab_must(first.put(some_device()));
    lab_must(second.put(legacy_device{}));
    lab_must(first.put(key_named("T"), some_record()));
    lab_must(second.put(key_named("T"), legacy_record{}));
    lab_must(first.put(key_named("C1"), legacy_record{}));
    CHECK(lab_must(first.device()) == some_device());
    CHECK(lab_must(second.device()) == legacy_device{});
    CHECK(lab_must(first.record_of(key_named("T"))) == some_record());
    CHECK_FALSE(lab_must(first.record_of(key_named("T2"))));
    lab_must(memory_of::forget(t, ann, one));
    CHECK_FALSE(lab_must(first.device()));
    CHECK_FALSE(lab_must(first.record_of(key_named("T"))));
    CHECK_FALSE(lab_must(first.record_of(key_named("C1"))));
    CHECK(lab_must(second.record_of(key_named("T"))) == legacy_record{});
}

TEST_CASE("legacy memory: a new client id takes over a device only where it can be but one", "[engine]") {
    server s;
    const std::string ann = "ann";
    const std::string ids[] = {"a", "b", "new"};
    auto t = lab_must(s.store.begin("main", access::write));
    legacy_device d = some_device();
    lab_must(memory_of{t, s.store.schemas(), ann, ids[0]}.put(d));
    lab_must(memory_of{t, s.store.schemas(), ann, ids[0]}.put(key_named("T"), some_record()));
    memory_of fresh{t, s.store.schemas(), ann, ids[2]};
    SECTION("by the cursor that it was given or showed last") {
        const bool ambiguous = GENERATE(false, true);
        if (ambiguous) lab_must(memory_of{t, s.store.schemas(), ann, ids[1]}.put(d));
        CHECK_FALSE(lab_must(fresh.adopt_by_cursor(8)));
        const auto found = lab_must(fresh.adopt_by_cursor(GENERATE(cursor{7}, cursor{9})));
        CHECK(found.has_value() == !ambiguous);
        CHECK(lab_must(fresh.record_of(key_named("T"))).has_value() == !ambiguous);
        CHECK(lab_must(memory_of{t, s.store.schemas(), ann, ids[0]}.device()).has_value() == ambiguous);
    }
    SECTION("by the numbers of its mutations") {
        CHECK_FALSE(lab_must(fresh.adopt_by_versions({numbered("T", 1), numbered("T", 2), numbered("T2", 3)})));
        const auto found = lab_must(fresh.adopt_by_versions({numbered("T2", 5), numbered("T", GENERATE(3U, 9U))}));
        CHECK(found == d);
        CHECK(lab_must(fresh.record_of(key_named("T"))) == some_record());
    }
}

TEST_CASE("legacy memory: a pull notes the cursor shown, and ends the run", "[engine]") {
    server s;
    const std::string ann = "ann";
    const std::string dev = "dev";
    auto t = lab_must(s.store.begin("main", access::write));
    memory_of memory{t, s.store.schemas(), ann, dev};
    const auto pull = [&](cursor from, cursor next, cursor head) {
        lab_must(note_legacy_pull(t, s.store.schemas(), ann, dev, from, next, head));
        return *lab_must(memory.device());
    };
    auto d = pull(0, 10, 30);
    CHECK(d.first == 30);
    CHECK(d.walk == 30);
    CHECK(d.presented == pulled_to{});
    CHECK(d.given == pulled_to{10, 30});
    d = pull(10, 20, 31);
    CHECK(d.presented == pulled_to{10, 30});
    d.running = true;
    d.run_cursor = {10, 30};
    d.base = {3, 3};
    lab_must(memory.put(d));
    d = pull(20, 20, 31);
    CHECK(d.base == pulled_to{10, 30});
    CHECK_FALSE(d.running);
    CHECK(d.presented == pulled_to{20, 31});
    // From the beginning again: what it had seen it has seen.
    d = pull(0, 10, 40);
    CHECK(d.presented == pulled_to{20, 31});
    CHECK(d.first == 30);
    CHECK(d.walk == 40);
    CHECK(d.base == pulled_to{10, 30});
    // A cursor that is not the last page's: how much had been sealed by then is not known, so all that has been.
    CHECK(pull(25, 27, 50).presented == pulled_to{25, 50});
}

TEST_CASE("legacy memory: what a device needs is kept for it, and it is forgotten with its mark", "[engine]") {
    server s;
    s.write("T", node_row(1));
    const value_equivalence same = [](const field_schema&, const value& a, const value& b) { return a == b; };
    pull_query q;
    q.legacy = true;
    const cursor shown = lab_must(s.engine.pull(s.ann, q, s.now)).rows.next;
    q.from = shown;
    (void)lab_must(s.engine.pull(s.ann, q, s.now));
    mutation m = change_of("m1", "T", std::nullopt, node_row(2));
    m.what.op = operation::update;
    m.what.ordinal = 1;
    (void)lab_must(s.engine.push(s.ann, {m}, s.now, &same));
    const auto noted = [&] {
        auto t = lab_must(s.store.begin("main", access::snapshot));
        return lab_must(t.notes("ann", "")).size();
    };
    CHECK(noted() == 2);
    (void)lab_must(s.engine.retain("main", 0, s.now));
    CHECK(noted() == 2);
    s.now += std::chrono::hours{24 * 181};
    (void)lab_must(s.engine.retain("main", 0, s.now));
    CHECK(noted() == 0);
}

}  // namespace legacy_memory_test
