#include <syncline/wire/mutation/plain_peer.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace plain_peer_test {

using namespace syncline;
using namespace std::chrono_literals;

namespace {

const timestamp noon = from_microseconds(1'700'000'000'000'000);

batch_item item(const std::string& id, const std::string& key, timestamp edited) {
    batch_item out{id, 0, {}};
    out.what.key = {0, key};
    out.what.edited_at = edited;
    return out;
}
outcome said(const std::string& id, outcome_kind kind, bool row = false) {
    outcome o;
    o.id = id;
    o.kind = kind;
    o.carries_row = row;
    return o;
}

}  // namespace

TEST_CASE("plain peer: a change is stamped when it was made, and never later than the device has seen what others did", "[wire]") {
    plain_peer peer;
    const auto late = item("m", "T", noon + 1h);
    CHECK(peer.seen_until(late.what) == noon + 1h);
    peer.pulled(noon);
    CHECK(peer.seen_until(late.what) == noon - 1s);
    CHECK(peer.seen_until(item("m", "T", noon - 1h).what) == noon - 1h);
    peer.started();
    CHECK(peer.seen_until(late.what) == noon - 1s);  // what was seen stays seen
}

TEST_CASE("plain peer: a row that came with a conflict was seen until it was written, or until the answer was made", "[wire]") {
    plain_peer peer;
    peer.pulled(noon);
    const std::vector<batch_item> sent{item("m", "T", noon + 1h), item("n", "U", noon + 1h), item("o", "V", noon + 2h)};
    std::vector<outcome> told{said("m", outcome_kind::superseded, true), said("n", outcome_kind::superseded, true)};
    told[0].written_at = noon + 5s;
    CHECK(peer.judge(told, sent, noon + 9s) == noon + 9s);
    CHECK(peer.seen_until(sent[0].what) == noon + 5s + 1ms);
    CHECK(peer.seen_until(sent[1].what) == noon + 9s + 1ms);
    std::vector<outcome> untold{said("o", outcome_kind::superseded, true)};
    CHECK_FALSE(peer.judge(untold, sent, std::nullopt));
    CHECK(peer.seen_until(sent[2].what) == noon + 2h);  // nothing is known but when it was made
    peer.pulled(noon + 1min);
    CHECK(peer.seen_until(sent[0].what) == noon + 59s);
    // A conflict without the row tells nothing.
    std::vector<outcome> bare{said("m", outcome_kind::superseded)};
    CHECK_FALSE(peer.judge(bare, sent, noon + 2h));
    CHECK(bare[0].kind == outcome_kind::superseded);
}

TEST_CASE("plain peer: what the server fails on so often waits, counted by id across runs and forgotten when it is decided", "[wire]") {
    for (std::size_t most = 0; most <= 4; ++most) {
        plain_peer peer{most};
        const std::vector<batch_item> sent{item("m", "T", noon), item("n", "U", noon)};
        for (std::size_t n = 1;; ++n) {
            std::vector<outcome> told{said("m", outcome_kind::error)};
            static_cast<void>(peer.judge(told, sent, std::nullopt));
            peer.started();
            if (n < most) {
                CHECK(told[0].kind == outcome_kind::error);
                continue;
            }
            CHECK(told[0].kind == outcome_kind::refused);
            REQUIRE(told[0].why);
            CHECK(told[0].why->code == errc::internal);
            break;
        }
    }
    plain_peer peer{2};
    const std::vector<batch_item> sent{item("m", "T", noon)};
    for (int round = 0; round < 5; ++round) {
        std::vector<outcome> failed{said("m", outcome_kind::error)}, decided{said("m", outcome_kind::applied)};
        static_cast<void>(peer.judge(failed, sent, std::nullopt));
        CHECK(failed[0].kind == outcome_kind::error);
        static_cast<void>(peer.judge(decided, sent, std::nullopt));
    }
}

TEST_CASE("plain peer: a record that meets one conflict after the other in a run waits for a person", "[wire]") {
    plain_peer peer{2};
    for (int n = 1; n <= 3; ++n) {
        const std::vector<batch_item> sent{item("m" + std::to_string(n), "T", noon)};
        std::vector<outcome> told{said(sent[0].id, outcome_kind::superseded, true)};
        static_cast<void>(peer.judge(told, sent, std::nullopt));
        CHECK((told[0].kind == outcome_kind::refused) == (n == 3));
    }
    peer.started();
    const std::vector<batch_item> sent{item("m", "T", noon)};
    std::vector<outcome> told{said("m", outcome_kind::superseded, true)};
    static_cast<void>(peer.judge(told, sent, std::nullopt));
    CHECK(told[0].kind == outcome_kind::superseded);
}

TEST_CASE("plain peer: an outcome of what was not sent tells nothing", "[wire]") {
    plain_peer peer{1};
    std::vector<outcome> told{said("other", outcome_kind::superseded, true), said("other", outcome_kind::error)};
    CHECK_FALSE(peer.judge(told, {item("m", "T", noon)}, noon + 9s));
    CHECK(told[1].kind == outcome_kind::error);
}

}  // namespace plain_peer_test
