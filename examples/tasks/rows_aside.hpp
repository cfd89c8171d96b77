#ifndef SYNCLINE_EXAMPLES_TASKS_ROWS_ASIDE_HPP
#define SYNCLINE_EXAMPLES_TASKS_ROWS_ASIDE_HPP

// Rows of the server's that this list does not show: a pull set them aside, or a restore of the server took them away. Each sync goes on
// without them, so a person learns of them only here.

#include "arguments.hpp"
#include "device.hpp"

#include <syncline/change/unread_row.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/json_writer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

enum class aside_kind {
    quarantined,  ///< the list's own table refuses it
    unread,       ///< this program cannot read it
    lost,         ///< a restore of the server from a backup took it away or changed it back
};

struct row_aside {
    aside_kind kind = aside_kind::quarantined;
    std::string id;
    std::string code;    ///< stable, lower case: for scripts
    std::string reason;
    std::int64_t version = 0;
    std::optional<syncline::record> row;  ///< quarantined: as the server has it; lost: as it was here; nothing: it is gone
    std::string received;                 ///< unread: as it came
    syncline::unread_name name;           ///< unread: what it is kept under
};

std::vector<row_aside> rows_aside(device& here);

/// What it is, why, and what to do, in lines for a person.
std::string text_of(const row_aside& row, const syncline::model_schema& schema);

/// `{"id","kind","code","reason","server_version","server","client","received","text"}`.
void write_row_aside(syncline::json_writer& w, const row_aside& row, const syncline::model_schema& schema);

/// Does with @p row what the person decided. Throws a `failure` where that cannot be done with it, or does not help.
void decide(device& here, const row_aside& row, const arguments& a);

#endif
