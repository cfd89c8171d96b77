#ifndef SYNCLINE_EXAMPLES_SERVER_SERVED_TABLES_HPP
#define SYNCLINE_EXAMPLES_SERVER_SERVED_TABLES_HPP

// What is served, as the database's own schema has it. Nothing is written.

#include "configuration.hpp"
#include "member_reader.hpp"

#include <syncline/adapters/sqlite/authority_options.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/model/model_schema.hpp>

#include <string>
#include <vector>

struct served_tables {
    syncline::schema_set models;
    syncline::sqlite_authority_options store;
    syncline::resolver_set resolvers;
    bool owner_is_number = false;        ///< then users' names are numbers
    std::vector<std::string> remarks;    ///< what is served as asked for and perhaps not meant
};

/// Reads the tables that @p c names. What stands in the way of serving them is added to @p wrong.
[[nodiscard]] served_tables read_tables(const configuration& c, complaints& wrong);

#endif
