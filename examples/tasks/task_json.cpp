#include "task_json.hpp"

#include <syncline/support/json_tape.hpp>
#include <syncline/wire/value_json.hpp>

#include <optional>

namespace {

void write_optional(syncline::json_writer& w, std::string_view name, const std::optional<std::string>& text) {
    w.key(name);
    if (text) w.string(*text);
    else w.null();
}

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
    throw failure{exit_code::wrong_use, "bad_import", where + ": " + why + "; nothing was imported"};
}

// A text, or nothing where JSON says null, which takes the field away.
std::string text_of_member(const std::string& where, const syncline::json_member& m) {
    if (m.value.is_null()) return {};
    if (!m.value.is_string()) refuse(where, "`" + std::string{m.key} + "` is " + std::string{name_of(m.value.kind())} + " and not a text");
    return std::string{m.value.as_string()};
}

}  // namespace

void write_task(syncline::json_writer& w, const task& t) {
    w.begin_object();
    w.key("id");
    w.string(t.id);
    w.key("title");
    w.string(t.title);
    w.key("done");
    w.boolean(t.done);
    w.key("priority");
    w.integer(t.priority);
    write_optional(w, "due", t.due);
    write_optional(w, "note", t.note);
    w.end_object();
}

void write_tasks(syncline::json_writer& w, const std::vector<task>& tasks) {
    w.key("tasks");
    w.begin_array();
    for (const auto& t : tasks) write_task(w, t);
    w.end_array();
}

void write_row(syncline::json_writer& w, std::string_view name, const syncline::model_schema& schema, const std::optional<syncline::record>& row) {
    w.key(name);
    if (!row) return w.null();
    w.begin_object();
    syncline::write_fields(w, schema, *row);
    w.end_object();
}

imported_task read_imported_task(std::string_view json, const std::string& where) {
    const auto tape = syncline::json_tape::parse(json);
    if (!tape) refuse(where, tape.error().detail);
    if (!tape->root().is_object()) refuse(where, "it is " + std::string{name_of(tape->root().kind())} + " and not a task `{\"title\": ...}`");
    imported_task out;
    for (const auto& m : tape->root().members()) {
        if (m.key == "id") {
            out.id = text_of_member(where, m);
        } else if (m.key == "title") {
            out.fields.title = text_of_member(where, m);
        } else if (m.key == "due") {
            out.fields.due = text_of_member(where, m);
        } else if (m.key == "note") {
            out.fields.note = text_of_member(where, m);
        } else if (m.key == "done") {
            const auto truth = m.value.as_bool();
            if (!truth) refuse(where, "`done` is " + std::string{name_of(m.value.kind())} + " and not true or false");
            out.fields.done = *truth;
        } else if (m.key == "priority") {
            const auto number = m.value.as_int();
            if (!number) refuse(where, "`priority` is " + std::string{name_of(m.value.kind())} + " and not an integer");
            out.fields.priority = *number;
        } else {
            refuse(where, "a task has no `" + std::string{m.key} + "`; it has id, title, done, priority, due and note");
        }
    }
    return out;
}
