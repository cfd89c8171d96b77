// tasks status, conflicts, resolve: what lies where, what waits for a person, and what the person decides. None of these needs a network.

#include "commands.hpp"
#include "device.hpp"
#include "printable.hpp"
#include "rows_aside.hpp"
#include "sync_report.hpp"
#include "task_json.hpp"

#include <syncline/support/rfc3339.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace {

constexpr std::size_t every_one = (std::numeric_limits<std::size_t>::max)();

template <class... Cases>
struct overloaded : Cases... {
    using Cases::operator()...;
};

using syncline::json_writer;
using syncline::model_schema;
using syncline::record;
using syncline::value;
using syncline::waiting_explanation;

std::string time_text(std::int64_t microseconds) {
    return syncline::format_rfc3339_shortest(syncline::from_microseconds(microseconds)).value_or(std::to_string(microseconds));
}

void write_explanation(json_writer& w, const model_schema& schema, const waiting_explanation& why) {
    const auto& what = why.what;
    const bool erased = what.op == syncline::operation::erase;
    w.begin_object();
    w.key("id");
    w.string(what.key.key);
    w.key("operation");
    w.string(name_of(what.op));
    w.key("code");
    w.string(what.waiting ? name_of(what.waiting->code) : "");
    w.key("reason");
    w.string(what.waiting ? what.waiting->detail : "");
    w.key("server_version");
    w.integer(why.server_version);
    write_row(w, "server", schema, why.server);
    write_row(w, "client", schema, erased ? std::nullopt : std::optional{what.whole(schema.fields.size())});
    write_row(w, "base", schema, what.before);
    w.key("fields");
    w.begin_array();
    for (const auto& f : why.fields) w.string(f.name);
    w.end_array();
    w.key("text");
    w.string(why.text);
    w.end_object();
}

// What `resolve` decides about: a change of the user's, or a row of the server's.
using decidable = std::variant<syncline::record_key, row_aside>;

const std::string& id_of(const decidable& what) {
    return std::visit(overloaded{[](const syncline::record_key& key) -> const std::string& { return key.key; },
                                 [](const row_aside& row) -> const std::string& { return row.id; }},
                      what);
}

// The one whose id is @p id or begins with it. Where both wait under one id it is the change, which the row may depend on.
decidable waiting_named(device& here, const std::string& id) {
    std::vector<decidable> all;
    for (const auto& change : or_fail(here.client().waiting(every_one))) all.emplace_back(change.key);
    for (auto& row : rows_aside(here)) all.emplace_back(std::move(row));
    const decidable* found = nullptr;
    for (const auto& one : all) {
        if (id_of(one) == id) return one;
        if (id_of(one).compare(0, id.size(), id) != 0) continue;
        if (found != nullptr && id_of(*found) != id_of(one))
            throw failure{exit_code::waits, "ambiguous_id",
                          "several that wait begin with " + id + ", such as " + id_of(*found) + " and " + id_of(one) + "; write more of it"};
        if (found == nullptr) found = &one;
    }
    if (found == nullptr)
        throw failure{exit_code::waits, "nothing_waits", "nothing of a task " + id + " waits for you; `tasks conflicts` shows what does"};
    return *found;
}

value value_of(const syncline::field_schema& field, const std::string& text) {
    using syncline::value_kind;
    if (field.nullable && text.empty()) return value::null();
    if (field.kind == value_kind::boolean && (text == "true" || text == "false")) return value::boolean(text == "true");
    if (field.kind == value_kind::integer) {
        std::int64_t n = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (error == std::errc{} && end == text.data() + text.size()) return value::integer(n);
    }
    if (field.kind == value_kind::text) return value::text(text);
    throw failure{exit_code::wrong_use, "bad_value", "the field " + field.name + " takes " + std::string{name_of(field.kind)} + " and not `" + text + "`"};
}

std::vector<std::pair<std::string, value>> values_of(const model_schema& schema, const std::vector<std::pair<std::string, std::string>>& texts) {
    std::vector<std::pair<std::string, value>> out;
    for (const auto& [name, text] : texts) {
        const auto at = schema.find_field(name);
        if (!at) throw failure{exit_code::wrong_use, "unknown_field", "a task has no field " + name + "; it has title, done, priority, due and note"};
        out.emplace_back(name, value_of(schema.fields[*at], text));
    }
    return out;
}

// [resolve]
void decide(device& here, const syncline::record_key& key, const arguments& a) {
    auto& client = here.client();
    switch (a.action) {
    case resolve_action::take_server: return or_fail(client.take_server(key));
    case resolve_action::take_client: return or_fail(client.take_client(key));
    case resolve_action::merged: return or_fail(client.edit(key, values_of(here.schema(), a.merged), a.seen));
    case resolve_action::retry: return or_fail(client.retry(key));
    case resolve_action::discard: return or_fail(client.discard(key));
    }
}
// [/resolve]

}  // namespace

answer show_status(const arguments& a) {
    device here{a, false};
    const auto status = or_fail(here.client().status());
    const auto holder = or_fail(here.client().lease_holder());
    const auto& counts = status.counts;
    const auto& state = status.state;
    const auto aside = counts.quarantined + counts.unread;
    const bool synced = state.last_sync_us != 0;
    answer out;
    out.code = waiting_in(counts) == 0 ? exit_code::fine : exit_code::waits;
    out.text = "to be sent:       " + std::to_string(counts.open) + "\non their way:     " + std::to_string(counts.frozen) +
               "\nwaiting for you:  " + std::to_string(counts.waiting) + (counts.waiting == 0 ? "" : "  (see `tasks conflicts`)") +
               "\nset aside:        " + std::to_string(aside) + " of the server's rows" + (aside == 0 ? "" : "  (see `tasks conflicts`)") +
               "\nlost by restore:  " + std::to_string(counts.lost) + (counts.lost == 0 ? "" : "  (see `tasks conflicts`)") + "\nlast cursor:      " + std::to_string(state.checkpoint) +
               "\nlast whole sync:  " + (synced ? time_text(state.last_sync_us) : "never") +
               "\nsyncing now:      " + (holder ? name_of_holder(*holder) + ", until " + time_text(holder->expires_us) : "nobody") + "\n";
    out.members = [=](json_writer& w) {
        w.key("queue");
        w.begin_object();
        const auto count = [&w](std::string_view name, std::uint64_t n) {
            w.key(name);
            w.integer(static_cast<std::int64_t>(n));
        };
        count("open", counts.open);
        count("frozen", counts.frozen);
        count("waiting", counts.waiting);
        count("quarantined", counts.quarantined);
        count("unread", counts.unread);
        count("lost", counts.lost);
        w.end_object();
        w.key("cursor");
        w.integer(state.checkpoint);
        w.key("last_sync");
        if (synced) w.string(time_text(state.last_sync_us));
        else w.null();
        w.key("lease");
        if (!holder) return w.null();
        w.begin_object();
        w.key("holder");
        w.string(name_of_holder(*holder));
        w.key("until");
        w.string(time_text(holder->expires_us));
        w.end_object();
    };
    return out;
}

answer show_conflicts(const arguments& a) {
    device here{a, false};
    // [conflicts]
    std::vector<waiting_explanation> waiting;
    for (const auto& change : or_fail(here.client().waiting(every_one))) waiting.push_back(or_fail(here.client().explain(change.key)));
    // [/conflicts]
    auto aside = rows_aside(here);
    answer out;
    out.code = waiting.empty() && aside.empty() ? exit_code::fine : exit_code::waits;
    for (const auto& why : waiting) out.text += why.text + "\n\n";
    if (!waiting.empty())
        out.text += "decide with `tasks resolve ID --take server|client`, `--take merged FIELD=VALUE...`, `--retry` or `--discard`\n\n";
    for (const auto& row : aside) out.text += text_of(row, here.schema()) + "\n";
    if (out.text.empty()) out.text = "nothing waits for you\n";
    else out.text.pop_back();  // the last empty line
    out.members = [waiting = std::move(waiting), aside = std::move(aside), schema = here.schema()](json_writer& w) {
        w.key("waiting");
        w.begin_array();
        for (const auto& why : waiting) write_explanation(w, schema, why);
        w.end_array();
        w.key("aside");
        w.begin_array();
        for (const auto& row : aside) write_row_aside(w, row, schema);
        w.end_array();
    };
    return out;
}

answer resolve_conflict(const arguments& a) {
    device here{a, false};
    const auto what = waiting_named(here, a.ids.front());
    const std::string id = id_of(what);
    std::visit([&](const auto& it) { decide(here, it, a); }, what);
    const auto left = or_fail(here.client().status()).counts;
    const auto to_send = left.open + left.frozen;
    answer out;
    out.text = "decided: " + one_line(id) + "; " + (to_send == 0 ? "there is nothing to send" : "the next sync sends " + counted(to_send, "change")) +
               (waiting_in(left) == 0 ? "" : "; " + std::to_string(waiting_in(left)) + " more to decide, see `tasks conflicts`") + "\n";
    out.members = [id, left](json_writer& w) {
        w.key("id");
        w.string(id);
        w.key("unsent");
        w.integer(static_cast<std::int64_t>(left.open + left.frozen));
        w.key("waiting");
        w.integer(static_cast<std::int64_t>(waiting_in(left)));
    };
    return out;
}
