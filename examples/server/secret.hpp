#ifndef SYNCLINE_EXAMPLES_SERVER_SECRET_HPP
#define SYNCLINE_EXAMPLES_SERVER_SECRET_HPP

#include "configuration.hpp"
#include "member_reader.hpp"

#include <string>

/// The secret that tokens are signed with, from the file or the variable that @p from names. What is wrong with it is added to @p wrong, in words
/// that hold nothing of it.
[[nodiscard]] std::string read_secret(const jwt_configuration& from, complaints& wrong);

#endif
