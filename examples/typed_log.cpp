// A mutation log, dedup, cursor arithmetic and a resolver over code of your own: no engine, no store, no wire.

#include <syncline/change/change_codec.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/dedup.hpp>
#include <syncline/change/mutation_log.hpp>
#include <syncline/conflict/decide.hpp>
#include <syncline/conflict/merges.hpp>
#include <syncline/conflict/resolvers.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/support/or_throw.hpp>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <tuple>

struct note {
    std::string id;
    std::string title;
    std::int64_t stars = 0;

    struct syncline_model {
        static constexpr auto name() { return "note"; }
        static constexpr auto key() { return syncline::key_field<"id", &note::id>(); }
        static constexpr auto fields() {
            return std::tuple{syncline::field<"title", &note::title>(), syncline::field<"stars", &note::stars, syncline::merges::counter>()};
        }
    };
};

namespace {

syncline::intent edit(const note& before, const note& after, std::int64_t version) {
    syncline::intent made;
    made.key = {0, syncline::key_of(after)};
    made.before = syncline::to_record(before);
    made.base.row_version = version;
    const auto row = syncline::to_record(after);
    for (syncline::field_index f = 0; f < row.fields.size(); ++f) made.changes.set(f, row.fields[f]);
    return made;
}

}  // namespace

int main() {
    const auto schemas = syncline::or_throw(syncline::schemas_of<note>());
    const auto show = [](const char* where, const syncline::record& row) {
        const auto n = syncline::or_throw(syncline::from_record<note>("n1", row));
        std::cout << where << ": \"" << n.title << "\", " << n.stars << " stars\n";
    };

    // Offline, the user edits a note twice; the log holds one change with both fields.
    const note seen{"n1", "Milk", 10};
    const note renamed{"n1", "Oat milk", 10};
    syncline::mutation_log log{schemas};
    syncline::or_throw(log.record_change(edit(seen, renamed, 1)));
    syncline::or_throw(log.record_change(edit(renamed, {"n1", "Oat milk", 12}, 1)));
    std::cout << "to send: " << log.counts().open << " change of " << log.open().begin()->second.changes.size() << " fields\n";
    show("the user sees", *log.visible({0, "n1"}, syncline::to_record(seen)));

    // Meanwhile somebody else renamed it and gave it five stars. Here the client's title wins; stars are merged and never asked about.
    std::optional<syncline::record> row = syncline::to_record(note{"n1", "Soy milk", 15});
    std::int64_t version = 2;
    syncline::cursor stamp = syncline::next_stamp(0, 1'000'000);
    const syncline::resolver_set resolvers{syncline::resolvers::client_wins{}};
    syncline::receipt_window receipts{1000};

    const auto batch = syncline::or_throw(log.freeze(100, [] { return "an-id-drawn-at-random"; }));
    for (int attempt = 1; attempt <= 2; ++attempt) {  // the first answer is lost, so the same is sent again
        const auto& [id, position, what] = batch.front();
        const std::string content = syncline::encode_intent(what);
        auto known = syncline::or_throw(receipts.find(id, content));
        std::cout << "attempt " << attempt << ": " << (known ? "the receipt answers" : "decided") << "\n";
        if (!known) {
            const syncline::decision_input in{schemas[0], what, row, version, schemas[0].all_fields(), {}, {}};
            const auto decided = syncline::decide(in, resolvers, {"ann", {}});
            std::cout << "  " << decided.rule << "\n";
            row = decided.row;
            ++version;
            stamp = syncline::next_stamp(stamp, 1'000'000);  // the clock stands still; the stamp rises
            known.emplace();
            known->id = id;
            known->version = version;
            known->content_hash = content;
            syncline::or_throw(receipts.remember(*known));
        }
        if (attempt == 1) continue;
        syncline::outcome answer;
        answer.id = id;
        answer.version = known->version;
        std::cout << "settled: " << log.settle({answer}).applied << " of " << batch.size() << "\n";
    }
    show("everybody sees", *log.visible({0, "n1"}, row));
    std::cout << "version " << version << ", cursor " << stamp << ", left to send: " << log.counts().open + log.counts().frozen << "\n";
}
