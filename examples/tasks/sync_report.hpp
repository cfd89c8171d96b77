#ifndef SYNCLINE_EXAMPLES_TASKS_SYNC_REPORT_HPP
#define SYNCLINE_EXAMPLES_TASKS_SYNC_REPORT_HPP

// What a sync did, in words, as JSON, and as an exit code.

#include "answer.hpp"

#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/support/json_writer.hpp>

#include <cstdint>
#include <optional>
#include <string>

struct sync_report {
    syncline::sync_result done;
    syncline::replica_counts left;          ///< what lies where afterwards
    std::optional<std::string> in_the_way;  ///< who syncs, where this one was skipped
    std::string server;
};

/// What ended it early, if anything did.
std::optional<problem> problem_of(const sync_report& r);
/// A problem first; then whether anything waits for a person.
exit_code code_of(const sync_report& r);
/// `sent 3, received 10, ...`, and a line for each refusal and each decision.
std::string text_of(const sync_report& r);
/// Members of an object that is open.
void write_members(syncline::json_writer& w, const sync_report& r);

/// How many changes or rows want a person to look at them.
std::uint64_t waiting_in(const syncline::replica_counts& counts);

#endif
