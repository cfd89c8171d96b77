#include <syncline/engine/running_order.hpp>

#include "support/catch.hpp"
#include "unit/engine/fixture.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace running_order_test {

using namespace engine_tests;

TEST_CASE("running order: writes parents first, then erases children first, otherwise as sent") {
    const schema_set schemas = models();
    const std::vector<mutation> sent{change_of("1", "T", node_row(1), std::nullopt), change_of("2", "C1", child_row(1, "P"), std::nullopt),
                                     change_of("3", "C2", std::nullopt, child_row(1, "P")), change_of("4", "P", std::nullopt, node_row(1)),
                                     change_of("5", "T2", std::nullopt, node_row(1))};
    CHECK(running_order(schemas, sent) == std::vector<std::size_t>{3, 4, 2, 1, 0});
}

TEST_CASE("running order: what is put off runs again while others got on, and at last may not be put off") {
    struct call {
        std::size_t what;
        bool last;
        bool operator==(const call&) const = default;
    };
    std::vector<call> calls;
    std::vector<bool> done(4);
    int rounds = 1;
    // Each waits for the one after it; the third waits for itself.
    const auto attempt = [&](std::size_t i, bool last) -> result<bool> {
        calls.push_back({i, last});
        const bool free = i == 3 || (i != 2 && done[i + 1]);
        done[i] = free || last;
        return !done[i];
    };
    CHECK(run_in_rounds({0, 1, 2, 3}, attempt, [&] { ++rounds; }));
    // The third settles in the last round only, and so do those before it, which come first there.
    CHECK(calls == std::vector<call>{{0, false}, {1, false}, {2, false}, {3, false}, {0, false}, {1, false}, {2, false}, {0, true}, {1, true}, {2, true}});
    CHECK(rounds == 3);

    calls.clear();
    done.assign(4, false);
    CHECK(run_in_rounds({0, 1, 3}, [&](std::size_t i, bool last) -> result<bool> {
        calls.push_back({i, last});
        done[i] = i == 3 || done[i == 1 ? 3 : 1];
        return !done[i];
    }, [] {}));
    CHECK(calls == std::vector<call>{{0, false}, {1, false}, {3, false}, {0, false}, {1, false}, {0, false}});

    // Each would be settled by the next: no request is tried as often as it has changes.
    std::vector<std::size_t> chain(1000);
    for (std::size_t i = 0; i < chain.size(); ++i) chain[i] = i;
    done.assign(chain.size() + 1, false);
    done.back() = true;
    std::size_t attempts = 0;
    CHECK(run_in_rounds(chain, [&](std::size_t i, bool last) -> result<bool> {
        ++attempts;
        done[i] = done[i + 1];
        return !done[i] && !last;
    }, [] {}));
    CHECK(attempts <= most_rounds * chain.size());
    CHECK(attempts > (most_rounds - 1) * (chain.size() - most_rounds));

    const auto failed = run_in_rounds({0, 1}, [](std::size_t, bool) -> result<bool> { return make_fault(errc::busy, "locked"); }, [] {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == errc::busy);
}

TEST_CASE("running order: within a rank the mutations of one record stand together, beside models that refer to none of it") {
    model_schema item;
    item.name = "item";
    item.fields = {{"p", value_kind::text, true, nullptr}, {"q", value_kind::text, true, nullptr}, {"r", value_kind::text, true, nullptr}};
    item.references = {{0, "item", reference_action::none}, {1, "item", reference_action::none}, {2, "unknown", reference_action::none}};
    model_schema plain;
    plain.name = "plain";
    plain.fields = {{"a", value_kind::text, true, nullptr}};
    schema_set schemas;
    lab_must(schemas.add(item));
    lab_must(schemas.add(plain));
    memory_authority_store store{schemas};
    lab_must(store.app_write("main", {0, "x"}, record{{value::text("y"), {}, value::text("z")}}));
    lab_must(store.app_write("main", {0, "y"}, record{{{}, {}, {}}}));
    lab_must(store.app_write("main", {1, "o"}, record{{value::text("1")}}));
    auto t = lab_must(store.begin("main", access::snapshot));
    const auto erase = [](const record_key& key) {
        mutation m;
        m.what.key = key;
        m.what.op = operation::erase;
        return m;
    };
    const std::vector<mutation> sent{erase({1, "o"}), erase({0, "y"}), erase({0, "x"}), erase({0, "y"})};
    auto order = running_order(schemas, sent);
    REQUIRE(order == std::vector<std::size_t>{0, 1, 2, 3});
    REQUIRE(order_within_ranks(t, schemas, sent, order));
    CHECK(order == std::vector<std::size_t>{0, 2, 1, 3});  // x refers to y
}

}  // namespace running_order_test
