#ifndef SYNCLINE_TESTS_FAULTS_SQLITE_CHANCE_HPP
#define SYNCLINE_TESTS_FAULTS_SQLITE_CHANCE_HPP

// What SQL draws at random is the same in every run: states are compared whole, and some hold keys that triggers made up.

#include <sqlite3.h>

#include <cstdint>

namespace faults {

/// SQL's `random()`, on every connection of this process.
class chance {
public:
    static void install() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(learn)); }
    /// What is drawn from here on is what was drawn after the same @p start before. Starts that differ draw differently.
    static void begin(std::uint64_t start) { last() = start; }

private:
    static std::uint64_t& last() {
        static std::uint64_t n = 0;
        return n;
    }
    // Numbers far apart, each from the one before (SplitMix64). A key takes many, so those of two rows differ.
    static void draw(sqlite3_context* to, int, sqlite3_value**) {
        std::uint64_t x = last() += 0x9e3779b97f4a7c15U;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
        sqlite3_result_int64(to, static_cast<sqlite3_int64>(x ^ (x >> 31)));
    }
    static int learn(sqlite3* db, char**, const void*) {
        return sqlite3_create_function_v2(db, "random", 0, SQLITE_UTF8, nullptr, draw, nullptr, nullptr, nullptr);
    }
};

}  // namespace faults

#endif
