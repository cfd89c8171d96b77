#ifndef SYNCLINE_EXAMPLES_SERVER_SAFETY_HPP
#define SYNCLINE_EXAMPLES_SERVER_SAFETY_HPP

// What a configuration must not say, as far as it can be told without the database and the secret.

#include "configuration.hpp"
#include "member_reader.hpp"

/// Adds what is missing in @p c, contradicts itself, or would be unsafe to @p wrong.
void check_safety(const configuration& c, complaints& wrong);

#endif
