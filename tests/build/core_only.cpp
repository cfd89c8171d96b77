// The core needs nlohmann/json and date and nothing else: the headers of every other library are replaced, on this
// file's include path, by ones that refuse to be included.
#include "headers_core.hpp"

syncline::result<void> used_with_the_core_only();

syncline::result<void> used_with_the_core_only() { return {}; }
