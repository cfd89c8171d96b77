#ifndef SYNCLINE_TESTS_SUPPORT_SCOPES_CONTRACT_HPP
#define SYNCLINE_TESTS_SUPPORT_SCOPES_CONTRACT_HPP

// What `scoping_transaction` promises, for any store that a lab of the simulation makes.

#include <syncline/engine/sealing.hpp>
#include <syncline/storage/device_view.hpp>

#include "simulation/lab.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace scopes_contract {

using namespace syncline;
using simulation::key_named;
using simulation::lab_must;

inline record node_of(std::int64_t a) { return record{{value::integer(a), value::integer(0), value::integer(0), value::integer(0), value{}}}; }
inline record child_of(std::int64_t a, const std::string& parent) {
    record r = node_of(a);
    r.fields.push_back(value::text(parent));
    return r;
}
inline audience one_of(label_set labels) {
    audience out;
    out.require(std::move(labels));
    return out;
}
inline std::vector<record_key> sorted(std::vector<record_key> keys) {
    std::sort(keys.begin(), keys.end());
    return keys;
}

template <class Lab>
void check() {
    Lab lab{overlap_policy::by_field};
    auto store = lab.make_authority();
    const auto seal_all = [&] {
        auto t = lab_must(store->begin("main", access::write));
        lab_must(seal(t, store->schemas(), bundle_source{}, {}, from_microseconds(1000)));
        lab_must(t.commit());
    };
    lab.server_write(*store, key_named("P"), node_of(1));
    lab.server_write(*store, key_named("T"), node_of(2));
    lab.server_write(*store, key_named("C1"), child_of(3, "P"));
    lab.server_write(*store, key_named("C2"), child_of(4, "P"));
    seal_all();
    const record_key p = key_named("P"), t1 = key_named("T"), c1 = key_named("C1"), c2 = key_named("C2");

    SECTION("referring names live records with any reference, at most n") {
        auto t = lab_must(store->begin("main", access::snapshot));
        CHECK(sorted(lab_must(t.referring(p, 9))) == std::vector<record_key>{c1, c2});
        CHECK(lab_must(t.referring(p, 1)).size() == 1);
        CHECK(lab_must(t.referring(t1, 9)).empty());
    }
    SECTION("V1: a later stamp gives a record another place and no version; the order goes on after it") {
        auto t = lab_must(store->begin("main", access::write));
        CHECK_FALSE(lab_must(t.audience_of(p)));
        const auto old = lab_must(t.sealed(p));
        const std::int64_t stamp = lab_must(t.head()).stamp + 5;
        lab_must(t.relabel(p, stamp, one_of({"x"})));
        CHECK(lab_must(t.audience_of(p)) == one_of({"x"}));
        const auto moved = lab_must(t.sealed(p));
        CHECK(moved->version == old->version);
        CHECK(moved->stamp == stamp);
        CHECK(moved->row == old->row);
        CHECK(lab_must(t.head()).stamp == stamp);
        const auto last = lab_must(t.latest_after(stamp - 1, 9));
        REQUIRE(last.size() == 1);
        CHECK(last[0].key == p);
        CHECK(last[0].stamp == stamp);
        CHECK(last[0].version == old->version);
        CHECK(lab_must(t.latest_after(0, 9)).size() == 4);
        CHECK(lab_must(t.changes_of(p, 0)).size() == 1);  // what others did to it is as it was
        lab_must(t.relabel(p, stamp, one_of({"y"})));     // a stamp that it has already
        CHECK(lab_must(t.sealed(p))->stamp == stamp);
        CHECK_FALSE(t.relabel(key_named("nothing"), stamp, one_of({"x"})));
        lab_must(t.commit());
        lab.server_write(*store, p, node_of(9));
        seal_all();
        auto later = lab_must(store->begin("main", access::snapshot));
        CHECK(lab_must(later.sealed(p))->stamp > stamp);
        CHECK(lab_must(later.audience_of(p)) == one_of({"y"}));
    }
    SECTION("V1, V2: changes of labels are logged, and kept above the floor; the audience stays") {
        auto t = lab_must(store->begin("main", access::write));
        const std::int64_t first = lab_must(t.sealed(p))->stamp;
        lab_must(t.relabel(p, first, one_of({"x"})));
        lab_must(t.relabel(p, first + 100, one_of({"y"})));
        const auto log = lab_must(t.audiences_since(p, 0));
        REQUIRE(log.size() == 2);
        CHECK(log[0] == audience_change{first, std::nullopt, one_of({"x"})});
        CHECK(log[1] == audience_change{first + 100, one_of({"x"}), one_of({"y"})});
        CHECK(lab_must(t.audiences_since(p, first)).size() == 1);
        CHECK(lab_must(t.audiences_since(t1, 0)).empty());
        lab_must(t.prune(lab_must(t.head()).seq));
        CHECK(lab_must(t.audiences_since(p, 0)).size() == 1);
        CHECK(lab_must(t.audience_of(p)) == one_of({"y"}));
        CHECK(lab_must(t.latest_after(0, 9)).size() == 4);
    }
    SECTION("labelled names each record with the label once, in pages") {
        auto t = lab_must(store->begin("main", access::write));
        const std::int64_t stamp = lab_must(t.head()).stamp;
        for (const auto& k : {p, t1, c1}) lab_must(t.relabel(k, stamp, one_of({"x", "z"})));
        audience both = one_of({"x"});
        both.require({"y"});
        lab_must(t.relabel(c2, stamp, both));
        std::vector<record_key> all;
        for (const record_key* after = nullptr;;) {
            const auto some = lab_must(t.labelled("x", after, 2));
            all.insert(all.end(), some.begin(), some.end());
            if (some.size() < 2) break;
            after = &all.back();
        }
        CHECK(sorted(all) == sorted({p, t1, c1, c2}));
        CHECK(lab_must(t.labelled("y", nullptr, 9)) == std::vector<record_key>{c2});
        CHECK(lab_must(t.labelled("none", nullptr, 9)).empty());
        lab_must(t.relabel(c2, stamp, one_of({"w"})));
        CHECK(lab_must(t.labelled("y", nullptr, 9)).empty());
        CHECK(lab_must(t.labelled("x", nullptr, 9)).size() == 3);
    }
    SECTION("V3: views are kept by principal and source, and go with the source; the rules' name is kept") {
        auto t = lab_must(store->begin("main", access::write));
        CHECK(lab_must(t.labelled_by()).empty());
        lab_must(t.set_labelled_by("r2"));
        device_view view{"ann", "phone", "r2", 4, {"a"}, {{4, 3, 2, std::nullopt, {"a"}, {"a"}, {"a"}, {}}}};
        lab_must(t.put_view(view));
        lab_must(t.put_source({"ann", "phone", std::nullopt, 3, from_microseconds(1)}));
        lab_must(t.commit());
        auto again = lab_must(store->begin("main", access::write));
        CHECK(lab_must(again.labelled_by()) == "r2");
        CHECK(lab_must(again.find_view("ann", "phone")) == view);
        CHECK_FALSE(lab_must(again.find_view("bob", "phone")));
        lab_must(again.drop_source("ann", "phone"));
        CHECK_FALSE(lab_must(again.find_view("ann", "phone")));
    }
    SECTION("A1: what was not committed never happened, and a snapshot writes nothing") {
        {
            auto t = lab_must(store->begin("main", access::write));
            lab_must(t.relabel(p, lab_must(t.head()).stamp + 1, one_of({"x"})));
            lab_must(t.put_view({"ann", "phone", "", 1, {}, {}}));
        }
        auto t = lab_must(store->begin("main", access::snapshot));
        CHECK_FALSE(lab_must(t.audience_of(p)));
        CHECK_FALSE(lab_must(t.find_view("ann", "phone")));
        CHECK(lab_must(t.labelled("x", nullptr, 9)).empty());
        CHECK(t.relabel(p, 1, one_of({"x"})).error().code == errc::bug);
        CHECK(t.put_view({}).error().code == errc::bug);
        CHECK(t.set_labelled_by("x").error().code == errc::bug);
    }
}

}  // namespace scopes_contract

#endif
