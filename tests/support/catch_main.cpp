// The main of every program of test cases, for version 2 and version 3 of Catch2.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <clocale>
#include <cstdio>

int main(int argc, char** argv) {
    // A host program may have set its locale; text that we read and print must not change with it. The C++ streams keep
    // theirs, because Catch2's own report is read by tests/tools/summary.py.
    const char* locale = std::setlocale(LC_ALL, "");
    std::printf("locale %s\n", locale != nullptr ? locale : "not available, C stays");

    Catch::Session session;
    const int refused = session.applyCommandLine(argc, argv);
    if (refused != 0) return refused;
    std::printf("repeat with --order rand --rng-seed %u\n", static_cast<unsigned>(session.config().rngSeed()));
    std::fflush(stdout);
    return session.run();
}
