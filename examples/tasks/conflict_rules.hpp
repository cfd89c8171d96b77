#ifndef SYNCLINE_EXAMPLES_TASKS_CONFLICT_RULES_HPP
#define SYNCLINE_EXAMPLES_TASKS_CONFLICT_RULES_HPP

// What --on-conflict names. The server decides by it on the mutation wire, the device on the bundle wire.

#include "arguments.hpp"

#include <syncline/conflict/resolvers.hpp>

// [rules]
inline syncline::resolver resolver_for(conflict_rule rule) {
    switch (rule) {
    case conflict_rule::ask: return syncline::resolvers::defer_to_user{};
    case conflict_rule::server: return syncline::resolvers::server_wins{};
    case conflict_rule::client: return syncline::resolvers::client_wins{};
    case conflict_rule::latest: return syncline::resolvers::last_write_wins{};
    }
    return {};
}
// [/rules]

#endif
