#include "rows_aside.hpp"

#include "printable.hpp"
#include "task_json.hpp"
#include "task_list.hpp"

#include <syncline/model/model_traits.hpp>
#include <syncline/model/value_text.hpp>

#include <cstddef>
#include <limits>
#include <string_view>

namespace {

constexpr std::size_t every_one = (std::numeric_limits<std::size_t>::max)();

std::string_view name_of(aside_kind kind) {
    switch (kind) {
    case aside_kind::quarantined: return "quarantined";
    case aside_kind::unread: return "unread";
    case aside_kind::lost: return "lost";
    }
    return "";
}

// `title "Paint the door", done false, ...`
std::string fields_of(const syncline::model_schema& schema, const syncline::record& row) {
    std::string out;
    for (std::size_t f = 0; f < schema.fields.size() && f < row.fields.size(); ++f)
        out += (out.empty() ? "" : ", ") + schema.fields[f].name + " " + one_line(syncline::text_of(row.fields[f]));
    return out;
}

std::string cut(const std::string& text) {
    constexpr std::size_t longest = 400;
    return one_line(std::string_view{text}.substr(0, longest)) + (text.size() > longest ? " ... (--json shows all)" : "");
}

// The person wants the row back as it was here: an edit like any other, which the next sync sends.
void enter_again(device& here, const row_aside& row, const arguments& a) {
    task_list list{a.database, false};
    sql_transaction together{list.file()};
    const auto now = list.find(row.id);
    if (!row.row) {
        list.remove(row.id);
    } else {
        const task was = or_fail(syncline::from_record<task>(row.id, *row.row));
        if (now) list.change(*now, task_edit{was.title, was.done, was.priority, was.due.value_or(""), was.note.value_or("")});
        else list.add(was);
    }
    together.commit();
    or_fail(here.client().dismiss_lost({0, row.id}));
}

[[noreturn]] void does_not_fit(const row_aside& row, const std::string& what_to_do) {
    throw failure{exit_code::wrong_use, "cannot_decide", "the server's row " + row.id + " cannot be decided about like that: " + what_to_do};
}

}  // namespace

std::vector<row_aside> rows_aside(device& here) {
    std::vector<row_aside> out;
    for (auto& q : or_fail(here.client().quarantined(every_one)))
        out.push_back({aside_kind::quarantined, q.image.key.key, std::string{name_of(q.why.code)}, q.why.detail, q.image.version, std::move(q.image.row), {}, {}});
    for (auto& u : or_fail(here.client().unread(every_one)))
        out.push_back({aside_kind::unread, u.name.key, std::string{name_of(u.why.code)}, u.why.detail, u.version, std::nullopt, u.text, u.name});
    for (auto& l : or_fail(here.client().lost_by_restore(every_one)))
        out.push_back({aside_kind::lost, l.key.key, std::string{name_of(syncline::errc::lost_by_restore)},
                       "the server was restored from a backup, which took this row away or changed it back", l.version, std::move(l.row), {}, {}});
    return out;
}

std::string text_of(const row_aside& row, const syncline::model_schema& schema) {
    const std::string id = one_line(row.id);
    const std::string because = ": " + one_line(row.reason) + "\n";
    switch (row.kind) {
    case aside_kind::quarantined:
        return "task " + id + " came from the server, and this list cannot take it in" + because +
               (row.row ? "  the server has: " + fields_of(schema, *row.row) : "  the server has deleted it") +
               "\n  change or delete what stands in its way; then `tasks resolve " + id + " --retry`, or any sync, takes it in\n";
    case aside_kind::unread:
        return "task " + id + " came from the server in a form that this program cannot read" + because +
               (row.received.empty() ? "" : "  it came as: " + cut(row.received) + "\n") +
               "  each sync asks for it again: a newer version of this program may read it, or the server mend it; `tasks resolve " + id +
               " --discard` gives it up, and this list stays as it is until the row changes\n";
    case aside_kind::lost:
        return "task " + id + " is not on the server as it was here" + because + (row.row ? "  it was: " + fields_of(schema, *row.row) : "  it was deleted") +
               "\n  `tasks resolve " + id + " --take client` makes it again what it was, `--take server` leaves it as the server has it\n";
    }
    return {};
}

void write_row_aside(syncline::json_writer& w, const row_aside& row, const syncline::model_schema& schema) {
    const auto text = [&w](std::string_view name, std::string_view what) {
        w.key(name);
        w.string(what);
    };
    w.begin_object();
    text("id", row.id);
    text("kind", name_of(row.kind));
    text("code", row.code);
    text("reason", row.reason);
    w.key("server_version");
    w.integer(row.version);
    write_row(w, "server", schema, row.kind == aside_kind::quarantined ? row.row : std::nullopt);
    write_row(w, "client", schema, row.kind == aside_kind::lost ? row.row : std::nullopt);
    w.key("received");
    if (row.received.empty()) w.null();
    else w.string(row.received);
    text("text", text_of(row, schema));
    w.end_object();
}

void decide(device& here, const row_aside& row, const arguments& a) {
    switch (row.kind) {
    case aside_kind::quarantined:
        if (a.action != resolve_action::retry)
            does_not_fit(row, "change or delete what stands in its way, and --retry; the reason is: " + row.reason);
        or_fail(here.client().retry_quarantined());
        for (const auto& left : rows_aside(here))
            if (left.kind == row.kind && left.id == row.id)
                throw failure{exit_code::waits, left.code, "this list still cannot take " + row.id + " in: " + left.reason + "; change or delete what stands in its way, and try again"};
        return;
    case aside_kind::unread:
        if (a.action != resolve_action::discard) does_not_fit(row, "--discard gives it up; otherwise each sync asks for it again");
        return or_fail(here.client().forget_unread(row.name));
    case aside_kind::lost:
        if (a.action == resolve_action::take_client) return enter_again(here, row, a);
        if (a.action != resolve_action::take_server && a.action != resolve_action::discard)
            does_not_fit(row, "--take client makes it again what it was, --take server leaves it as the server has it");
        return or_fail(here.client().dismiss_lost({0, row.id}));
    }
}
