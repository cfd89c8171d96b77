#ifndef SYNCLINE_EXAMPLES_SERVER_SERVE_HPP
#define SYNCLINE_EXAMPLES_SERVER_SERVE_HPP

#include "configuration.hpp"
#include "served_tables.hpp"

#include <string>

/// Looks whether what is left of @p c's promises can be kept, without touching the database: the wires take the tables, the TLS files belong together.
void check_serving(const configuration& c, const served_tables& tables, complaints& wrong);

/// Serves until SIGTERM or SIGINT. @return the exit code; ends the program where it cannot begin
[[nodiscard]] int serve(const configuration& c, served_tables tables, const std::string& secret, bool restored);

#endif
