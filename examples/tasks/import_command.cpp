// tasks import: all tasks of a file, or none.

#include "commands.hpp"
#include "item_reader.hpp"
#include "task_json.hpp"
#include "task_list.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

struct tally {
    std::size_t added = 0;
    std::size_t changed = 0;
    std::size_t unchanged = 0;
};

void take_in(task_list& list, const imported_task& item, tally& done) {
    const auto known = item.id.empty() ? std::nullopt : list.find(item.id);
    if (known) {
        ++(list.change(*known, item.fields) ? done.changed : done.unchanged);
        return;
    }
    task fresh;
    fresh.id = item.id.empty() ? new_task_id() : item.id;
    list.add(item.fields.applied_to(fresh));
    ++done.added;
}

}  // namespace

answer import_tasks(const arguments& a) {
    const bool from_stdin = a.file == "-";
    std::ifstream file;
    if (!from_stdin) {
        if (std::filesystem::is_directory(a.file))
            throw failure{exit_code::wrong_use, "cannot_read", a.file + " is a folder; name a file of tasks, or - for the standard input"};
        file.open(a.file, std::ios::binary);
        if (!file) throw failure{exit_code::wrong_use, "cannot_read", "the file " + a.file + " cannot be read; is it there, and may you read it?"};
    }
    const std::string name = from_stdin ? "the standard input" : a.file;
    item_reader items{from_stdin ? std::cin : file, name};

    task_list list{a.database, true};
    sql_transaction together{list.file()};
    tally done;
    while (const auto item = items.next()) {
        try {
            take_in(list, read_imported_task(*item, items.where()), done);
        } catch (const failure& x) {
            if (x.why().name != "bad_task") throw;
            throw failure{exit_code::wrong_use, "bad_import", items.where() + ": " + x.why().message + "; nothing was imported"};
        }
    }
    if (from_stdin && std::ferror(stdin) != 0)  // which std::cin takes for the end
        throw failure{exit_code::wrong_use, "cannot_read", "the standard input cannot be read to its end; nothing was imported"};
    together.commit();

    answer out;
    out.text = "imported from " + name + ": " + counted(done.added, "task") + " added, " + std::to_string(done.changed) + " changed, " +
               std::to_string(done.unchanged) + " unchanged\n";
    out.members = [done](syncline::json_writer& w) {
        w.key("added");
        w.integer(static_cast<std::int64_t>(done.added));
        w.key("changed");
        w.integer(static_cast<std::int64_t>(done.changed));
        w.key("unchanged");
        w.integer(static_cast<std::int64_t>(done.unchanged));
    };
    return out;
}
