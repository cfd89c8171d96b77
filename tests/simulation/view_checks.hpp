#ifndef SYNCLINE_TESTS_SIMULATION_VIEW_CHECKS_HPP
#define SYNCLINE_TESTS_SIMULATION_VIEW_CHECKS_HPP

// The part of a run in which not everybody sees everything: grants that come and go, and what promise 8 says of every answer, of every device
// whose pull has ended, and of every record that leaves a view.

#include "simulation/device.hpp"
#include "simulation/run.hpp"
#include "simulation/views.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

class view_checks {
public:
    explicit view_checks(run_state& run) : run_(&run), rules_([&run](const value& b) { return run.s.buckets_of(b); }, run.s.children_have_buckets) {
        if (run.s.scoped)
            for (const auto& person : run.s.person) rules_.grant(person, some_buckets());
    }

    [[nodiscard]] view_rules& rules() { return rules_; }

    void change_grants(const schema_set& schemas, const view_rules::rows& at) {
        const auto& person = run_->s.person[run_->random.below(run_->s.person.size())];
        rules_.grant(person, some_buckets());
        ++run_->counts->grant_changes;
        if (run_->trace) {
            std::string list;
            for (const auto& label : rules_.granted(person)) list.append(" ").append(label);
            run_->say(person, " is granted", list.empty() ? " nothing" : list);
        }
        note(schemas, at);
    }

    /// To be called after everything that may change a view.
    void note(const schema_set& schemas, const view_rules::rows& at) {
        for (const auto& person : run_->s.person)
            for (const auto& name : run_->s.keys) {
                auto& is = at_[{person, name}];
                if (const bool now = rules_.visible(schemas, at, person, key_named(name)); now != is.visible) is = {now, run_->step};
            }
    }
    template <class Device>
    [[nodiscard]] bool sees(const Device& d, std::size_t key) const {
        return at(d, key).visible;
    }

    /// An answer of the server, as it leaves it: it tells what is sealed.
    template <class Device>
    void check_answer(Device& d, const response& r, const schema_set& schemas) {
        const auto told = rules_.read_answer(r, schemas, run_->oracle.rows(), d.who.id, [this](const std::string& id) { return key_named(run_->oracle.name(run_->oracle.mutations().at(id).key)); });
        if (!told.wrong.empty()) throw violation("an answer to " + d.name + " " + told.wrong);
        run_->counts->removals += told.removed.size();
        for (const auto& key : told.removed) d.told_out_of_view.insert(key.key);
    }

    /// A sync sends its first request to pull. Of what a device got only in answers to pushes, before it ever pulled, the server knows the labels and
    /// no position: where the history of audiences is gone, it cannot tell that such a record has left (docs/architecture.md, "Not done yet").
    template <class Device>
    void pull_begins(Device& d) const {
        if (d.last.state.checkpoint != 0 || run_->counts->prunes == 0) return;
        for (std::size_t k = 0; k < d.last.keys.size(); ++k)
            if (d.last.keys[k].base) d.may_keep.insert(run_->s.keys[k]);
    }

    /// Whether the base of a record may be given up: an answer said that the record had left the view.
    template <class Device>
    [[nodiscard]] bool may_forget(const Device& d, std::size_t key, const key_look& is) const {
        return run_->s.scoped && is.version == 0 && !is.base && d.told_out_of_view.contains(run_->s.keys[key]);
    }

    /// What a device's store holds now, beside what it held.
    template <class Device>
    void looked(Device& d, const device_look& now) {
        for (std::size_t k = 0; k < d.last.keys.size(); ++k) {
            const auto waits = [](const key_look& l) { return l.open && l.open->waiting && l.open->waiting->code == errc::out_of_view; };
            const auto &was = d.last.keys[k], &is = now.keys[k];
            if (is.version != was.version) d.may_keep.erase(run_->s.keys[k]);
            if (is.version > was.version) d.told_out_of_view.erase(run_->s.keys[k]);
            if (!waits(was) && waits(is)) ++run_->counts->out_of_view_waits;
            if (waits(was) && is.open && !waits(is)) ++run_->counts->returns_to_view;
            const auto unseen = [](const key_look& l) { return l.open && l.open->waiting && l.open->waiting->code == errc::absent; };
            if (!unseen(was) && unseen(is)) ++run_->counts->writes_refused_unseen;
            // Only what its author changed is kept of a record that may no longer be seen.
            if (is.out_of_view && is.open && is.open->before)
                for (std::size_t f = 0; f < 2; ++f)
                    if (const auto& v = is.open->before->fields[f]; !v.is_null() && is.open->changes.find(static_cast<field_index>(f)) == nullptr && run_->oracle.at(v.as_integer()).author != d.index)
                        throw violation(d.name + " keeps what others wrote to " + run_->s.keys[k] + ", though the record left its view");
        }
    }

    /// A pull came to its end without a fault: what was visible, or not, all the while, is held, or not.
    template <class Device>
    void pull_ended(Device& d, const device_look& now) {
        if (d.pull_began == 0 || !d.settled()) return;
        ++run_->counts->views_compared;
        for (std::size_t k = 0; k < now.keys.size(); ++k) {
            const auto is = at(d, k);
            if (is.since >= d.pull_began) continue;
            if (is.visible && !now.keys[k].base) throw violation(d.name + " has pulled, and lacks " + run_->s.keys[k] + ", which its person sees since step " + std::to_string(is.since));
            if (!is.visible && now.keys[k].base && !d.may_keep.contains(run_->s.keys[k])) throw violation(d.name + " has pulled, and still holds " + run_->s.keys[k] + ", which its person does not see since step " + std::to_string(is.since));
        }
    }

private:
    struct state {
        bool visible = false;
        std::uint64_t since = 0;  ///< the step in which it came to be so
    };

    template <class Device>
    [[nodiscard]] state at(const Device& d, std::size_t key) const {
        const auto found = at_.find({d.who.id, run_->s.keys[key]});
        return found == at_.end() ? state{} : found->second;
    }
    [[nodiscard]] label_set some_buckets() {
        std::vector<std::string> out;
        for (std::uint64_t i = 0; i < settings::buckets; ++i)
            if (run_->random.chance(2, 3)) out.push_back(settings::bucket(i));
        return label_set{std::move(out)};
    }

    run_state* run_;
    view_rules rules_;
    std::map<std::pair<std::string, std::string>, state> at_;  // by person and record
};

}  // namespace simulation

#endif
