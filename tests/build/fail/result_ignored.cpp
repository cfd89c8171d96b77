// build error: ignoring return(ed)? value|unused-result
#include <syncline/support/result.hpp>

syncline::result<int> answer();
syncline::result<void> act();

void careless() {
    static_cast<void>(answer());
    static_cast<void>(act());
    answer();  // refused
    act();     // refused
}
