#ifndef SYNCLINE_TESTS_SIMULATION_PEOPLE_HPP
#define SYNCLINE_TESTS_SIMULATION_PEOPLE_HPP

// What the users of devices, and the server's other programs, do to rows: each edit stands in the ledger before it is written.

#include "simulation/device.hpp"
#include "simulation/run.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace simulation {

template <class Lab>
class people {
public:
    people(run_state& run, Lab& lab) : run_(&run), lab_(&lab) {}

    void edit(device<Lab>& d) {
        const settings& s = run_->s;
        const std::size_t key = run_->random.below(s.keys.size());
        const record_key k = key_named(s.keys[key]);
        auto row = lab_->device_row(d.durable(), k);
        run_->oracle.saw(d.index, row, run_->step);
        auto w = random_change(d.index, key, row, !s.has("P") || lab_->device_row(d.durable(), key_named("P")).has_value(), d.knows_b());
        if (!w) return;
        ++run_->counts->edits;
        run_->say(d.name, " ", name_of(w->op), "s ", k.key, " ", text(w->op == operation::erase ? row : w->row));
        d.edited_at_commit = d.power.commits();
        if (w->op != operation::erase) return lab_->device_write(d.durable(), k, w->row);
        if (k.key == "P")
            for (std::size_t c = 0; c < s.keys.size(); ++c)
                if (const auto child = lab_->device_row(d.durable(), key_named(s.keys[c])); child && key_named(s.keys[c]).model == child_model) {
                    run_->oracle.saw(d.index, child, run_->step);
                    run_->oracle.make(d.index, c, whole_record, false, run_->step, child, &d.last.keys[c]);
                }
        run_->oracle.make(d.index, key, whole_record, false, run_->step, row, &d.last.keys[key]);
        lab_->device_erase(d.durable(), k);
    }

    /// A program of the server writes to its tables by plain SQL.
    void edit(typename Lab::authority_store& server) {
        const settings& s = run_->s;
        const std::size_t key = run_->random.below(s.keys.size());
        const record_key k = key_named(s.keys[key]);
        auto row = lab_->server_row(server, k);
        auto w = random_change(foreign_author, key, row, !s.has("P") || lab_->server_row(server, key_named("P")).has_value(), true);
        if (!w) return;
        ++run_->counts->foreign_edits;
        run_->say("the server's program ", name_of(w->op), "s ", k.key, " ", text(w->op == operation::erase ? row : w->row));
        if (w->op != operation::erase) return lab_->server_write(server, k, w->row);
        for (std::size_t c = 0; c < s.keys.size(); ++c)
            if (c == key || (k.key == "P" && key_named(s.keys[c]).model == child_model)) run_->oracle.foreign_erase(c);
        lab_->server_erase(server, k);
    }

private:
    struct wanted {
        operation op = operation::create;
        record row;
    };

    // Some change of the record, and its edits in the ledger.
    std::optional<wanted> random_change(int author, std::size_t key, const std::optional<record>& row, bool parent_there, bool knows_b) {
        auto& random = run_->random;
        auto& ledger = run_->oracle;
        const settings& s = run_->s;
        const bool child = key_named(s.keys[key]).model == child_model;
        if (!row) {
            if ((child && !parent_there) || s.keys[key].starts_with("X")) return std::nullopt;
            wanted w{operation::create, {}};
            const std::int64_t n = s.erases ? static_cast<std::int64_t>(random.below(4)) : 0;
            const auto a = value::integer(ledger.make(author, key, 0, true, run_->step, std::nullopt));
            const auto b = knows_b ? value::integer(ledger.make(author, key, 1, true, run_->step, std::nullopt)) : value{};
            w.row.fields = {a, b, value::integer(n), value::integer(static_cast<std::int64_t>(random.below(10))), value{}};
            if (child) w.row.fields.push_back(value::text("P"));
            ledger.counted(author, key, n, true);
            return w;
        }
        if (s.erases && random.chance(1, 5)) return wanted{operation::erase, {}};
        wanted w{operation::update, *row};
        const std::size_t first = random.below(4);
        for (std::size_t i = 0; i <= random.below(2); ++i) {
            const std::size_t f = !knows_b && (first + i) % 4 == 1 ? 0 : (first + i) % 4;
            if (f < 2) {
                w.row.fields[f] = value::integer(ledger.make(author, key, static_cast<int>(f), false, run_->step, std::nullopt));
            } else if (f == counter_field) {
                const std::int64_t by = 1 + static_cast<std::int64_t>(random.below(5));
                w.row.fields[f] = value::integer(row->fields[f].as_integer() + by);
                ledger.counted(author, key, by, false);
            } else {
                w.row.fields[f] = value::integer(static_cast<std::int64_t>(random.below(100)));
            }
        }
        return w;
    }

    run_state* run_;
    Lab* lab_;
};

}  // namespace simulation

#endif
