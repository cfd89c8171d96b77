#include <syncline/storage/journal.hpp>

#include "support/catch.hpp"

#include <syncline/support/random.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace journal_test {

namespace {

struct notes {
    std::map<int, std::string> words;
    std::map<std::string, int> numbers;
    int total = 0;

    friend bool operator==(const notes&, const notes&) = default;
};

void random_change(notes& state, syncline::undo_journal<notes>& journal, syncline::seeded_random& draw) {
    const int key = static_cast<int>(draw.below(6));
    const std::string text = std::to_string(draw.below(100));
    switch (draw.below(8)) {
    case 0:
    case 1:
    case 2: journal.put(state, &notes::words, key, text); break;
    case 3: journal.put(state, &notes::numbers, text, key); break;
    case 4:
    case 5: journal.drop(state, &notes::words, key); break;
    case 6: journal.set(state, &notes::total, key); break;
    case 7:
        if (draw.chance(1, 3)) journal.clear(state, &notes::words);
        break;
    }
}

}  // namespace

TEST_CASE("undo_journal: going back to any mark gives the state that was there") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        INFO("seed " << seed);
        syncline::seeded_random draw{seed};
        notes state;
        syncline::undo_journal<notes> journal;
        std::vector<notes> were;
        std::vector<std::size_t> marks;
        for (int i = 0; i < 40; ++i) {
            were.push_back(state);
            marks.push_back(journal.mark());
            random_change(state, journal, draw);
        }
        while (!marks.empty()) {
            const std::size_t to = draw.below(marks.size());
            journal.roll_back(state, marks[to]);
            REQUIRE(state == were[to]);
            REQUIRE(journal.mark() == marks[to]);
            marks.resize(to);
        }
    }
}

TEST_CASE("undo_journal: undoing on a copy leaves the state and the steps alone") {
    syncline::seeded_random draw{7};
    notes state;
    syncline::undo_journal<notes> journal;
    for (int i = 0; i < 20; ++i) random_change(state, journal, draw);
    journal.forget();
    const notes start = state;
    for (int i = 0; i < 20; ++i) random_change(state, journal, draw);
    const notes end = state;
    notes copy = state;
    journal.undo_on(copy);
    CHECK(copy == start);
    CHECK(state == end);
    journal.roll_back(state);
    CHECK(state == start);
}

TEST_CASE("undo_journal: what was forgotten stays") {
    notes state;
    syncline::undo_journal<notes> journal;
    journal.put(state, &notes::words, 1, std::string{"kept"});
    journal.forget();
    journal.put(state, &notes::words, 1, std::string{"undone"});
    journal.roll_back(state);
    CHECK(state.words.at(1) == "kept");
}

TEST_CASE("undo_journal: dropping what is not there is no step") {
    notes state;
    syncline::undo_journal<notes> journal;
    CHECK_FALSE(journal.drop(state, &notes::words, 1));
    journal.clear(state, &notes::words);
    CHECK(journal.mark() == 0);
}

}  // namespace journal_test
