#include "sync_report.hpp"

#include "printable.hpp"

#include <cstddef>

namespace {

void write_number(syncline::json_writer& w, std::string_view name, std::uint64_t n) {
    w.key(name);
    w.integer(static_cast<std::int64_t>(n));
}

void write_text(syncline::json_writer& w, std::string_view name, std::string_view text) {
    w.key(name);
    w.string(text);
}

constexpr std::size_t most_lines = 10;  // of a kind, for a person; a script gets all

template <class List, class Line>
std::string lines_of(const List& list, Line line) {
    std::string out;
    std::size_t n = 0;
    for (const auto& item : list) {
        if (n++ == most_lines) return out + "  and " + std::to_string(list.size() - most_lines) + " more; --json shows all\n";
        out += "  " + one_line(line(item)) + "\n";
    }
    return out;
}

}  // namespace

std::uint64_t waiting_in(const syncline::replica_counts& counts) {
    return counts.waiting + counts.quarantined + counts.unread + counts.lost;
}

std::optional<problem> problem_of(const sync_report& r) {
    if (r.done.skipped)
        return problem{exit_code::try_later, "busy",
                       "this list is being synced already, by " + r.in_the_way.value_or("another program") + "; try again when it is done"};
    if (r.done.why) return problem_of_sync(*r.done.why, r.server);
    return std::nullopt;
}

exit_code code_of(const sync_report& r) {
    if (const auto why = problem_of(r)) return why->code;
    return waiting_in(r.left) != 0 || r.done.has_rejections() ? exit_code::waits : exit_code::fine;
}

std::string text_of(const sync_report& r) {
    const auto& d = r.done;
    if (d.skipped || (d.why && d.pushed + d.pulled + d.failed == 0)) return {};
    std::string out = "sent " + std::to_string(d.pushed) + ", received " + std::to_string(d.pulled);
    if (d.conflicts != 0) out += ", met changes of others " + std::to_string(d.conflicts);
    if (d.failed != 0) out += ", refused " + std::to_string(d.failed);
    if (d.pull_errors != 0) out += ", set aside " + std::to_string(d.pull_errors);
    if (d.hydrated) out += ", the list was built anew";
    out += "\n";
    out += lines_of(d.decisions, [](const std::string& text) { return text; });
    out += lines_of(d.rejections, [](const syncline::sync_rejection& x) {
        std::string line = "refused: " + x.key.key + ": " + x.why.detail;
        for (const auto& m : x.messages) line += " (" + m.field + ": " + m.text + ")";
        return line;
    });
    if (const auto n = waiting_in(r.left); n != 0) out += "waiting for you: " + std::to_string(n) + "; see `tasks conflicts`\n";
    return out;
}

void write_members(syncline::json_writer& w, const sync_report& r) {
    const auto& d = r.done;
    write_number(w, "pushed", d.pushed);
    write_number(w, "pulled", d.pulled);
    write_number(w, "conflicts", d.conflicts);
    write_number(w, "refused", d.failed);
    write_number(w, "set_aside", d.pull_errors);
    write_number(w, "lost", d.lost);
    w.key("rebuilt");
    w.boolean(d.hydrated);
    w.key("skipped");
    w.boolean(d.skipped);
    w.key("decisions");
    w.begin_array();
    for (const auto& c : d.met) {
        w.begin_object();
        write_text(w, "id", c.key.key);
        write_text(w, "outcome", name_of(c.kind));
        write_text(w, "rule", c.rule);
        w.end_object();
    }
    w.end_array();
    w.key("rejections");
    w.begin_array();
    for (const auto& x : d.rejections) {
        w.begin_object();
        write_text(w, "id", x.key.key);
        write_text(w, "code", name_of(x.why.code));
        write_text(w, "reason", x.why.detail);
        w.key("fields");
        w.begin_object();
        for (const auto& m : x.messages) write_text(w, m.field, m.text);
        w.end_object();
        w.end_object();
    }
    w.end_array();
    write_number(w, "unsent", r.left.open + r.left.frozen);
    write_number(w, "waiting", waiting_in(r.left));
}
