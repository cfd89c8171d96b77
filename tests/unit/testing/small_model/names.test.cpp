#include <syncline/testing/small_model/names.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>
#include <utility>

namespace small_model_names_test {

using namespace syncline;
using namespace syncline::testing::small_model;

TEST_CASE("renamings: all of them, the first changes nothing") {
    const auto all = renamings(3, true);
    CHECK(all.size() == 12);
    std::set<std::pair<std::array<std::uint8_t, 3>, std::array<std::uint8_t, 2>>> different;
    for (const auto& r : all) different.emplace(r.device, r.record);
    CHECK(different.size() == 12);
    CHECK(all.front().device == std::array<std::uint8_t, 3>{0, 1, 2});
    CHECK(all.front().record == std::array<std::uint8_t, 2>{0, 1});
    CHECK(renamings(2, true).size() == 4);
    CHECK(renamings(3, false).size() == 1);
}

TEST_CASE("part writer: what differs by names alone is written alike under the right ones") {
    name_table names;
    names.ids.emplace("of-a", id_meaning{0, 4, 1});
    names.ids.emplace("of-b", id_meaning{1, 4, 1});
    const auto change = [](const char* record, std::int64_t v, const char* id) {
        intent i;
        i.key = {0, record};
        i.op = operation::update;
        i.changes.set(0, value::integer(v));
        i.base = {3, id};
        i.edited_at = wall_clock;
        return i;
    };
    const auto bytes = [&](const renaming& as, const intent& i) {
        part_writer w{as, names};
        w.put(i);
        return w.bytes();
    };
    const renaming same, swapped{{1, 0, 2}, {1, 0}};
    const intent of_a = change("r0", tagged_value(0, 2), "of-a"), of_b = change("r1", tagged_value(1, 2), "of-b");
    CHECK(bytes(same, of_a) == bytes(swapped, of_b));
    CHECK(bytes(same, of_b) == bytes(swapped, of_a));
    CHECK(bytes(same, of_a) != bytes(same, of_b));
    CHECK(bytes(same, of_a) != bytes(same, change("r0", tagged_value(0, 1), "of-a")));
    CHECK(bytes(same, of_a) != bytes(same, change("r0", tagged_value(0, 2), "of-b")));
}

TEST_CASE("part writer: what nobody has named, and no time, have bytes of their own") {
    name_table names;
    names.ids.emplace("known", id_meaning{0, 4, 1});
    const renaming same;
    const auto bytes = [&](auto write) {
        part_writer w{same, names};
        write(w);
        return w.bytes();
    };
    std::set<std::string> different;
    for (const char* id : {"", "known", "unknown"}) different.insert(bytes([&](part_writer& w) { w.id(id); }));
    CHECK(different.size() == 3);
    CHECK(bytes([](part_writer& w) { w.content("no such hash"); }) == std::string(1, '\0'));
    CHECK(bytes([](part_writer& w) { w.bundle_content("no such hash", 2); }) == std::string(1, '\0'));
    CHECK(bytes([](part_writer& w) { w.time((timestamp::min)()); }) != bytes([](part_writer& w) { w.time(wall_clock); }));
}

TEST_CASE("tagged value: tells who wrote it; what the host wrote tells nobody") {
    CHECK(writer_of(value::integer(tagged_value(2, 3))) == 2);
    CHECK_FALSE(writer_of(value::integer(1)));
    CHECK_FALSE(writer_of(value::null()));
}

TEST_CASE("fingerprint: order and length count") {
    CHECK(fingerprint_of("ab") != fingerprint_of("ba"));
    CHECK(fingerprint_of(std::string(8, '\0')) != fingerprint_of(std::string(9, '\0')));
    CHECK(fingerprint_of("") != fingerprint_of(std::string(1, '\0')));
    CHECK(followed_by({1, 2}, {3, 4}) != followed_by({3, 4}, {1, 2}));
    std::set<std::pair<std::uint64_t, std::uint64_t>> different;
    for (int i = 0; i < 100'000; ++i) {
        const auto f = fingerprint_of(std::to_string(i));
        different.emplace(f.a, f.b);
    }
    CHECK(different.size() == 100'000);
}

}  // namespace small_model_names_test
