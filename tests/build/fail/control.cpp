// build ok
// Proves that a refusal of the other files is not the harness's own.
#include <syncline/support/result.hpp>

syncline::result<int> answer();

syncline::result<int> answer() { return 42; }

bool used() {
    const auto given = answer();
    return given && *given == 42;
}

