#ifndef SYNCLINE_EXAMPLES_SERVER_SUGGESTION_HPP
#define SYNCLINE_EXAMPLES_SERVER_SUGGESTION_HPP

#include <string>
#include <string_view>
#include <vector>

/// "; did you mean `name`?" for the name among @p known that @p written is most like; empty where none is.
[[nodiscard]] std::string suggestion(std::string_view written, const std::vector<std::string>& known);

/// @p names in words: "a, b and c".
[[nodiscard]] std::string listed(const std::vector<std::string>& names);

#endif
