#ifndef SYNCLINE_TESTING_SIMULATION_AGREEMENT_HPP
#define SYNCLINE_TESTING_SIMULATION_AGREEMENT_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/references.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>
#include <syncline/testing/simulation/simulated_view.hpp>

#include <algorithm>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What must hold of a device when faults have stopped and it has synced: nothing is queued, and each row that its person may see is the server's. What is not
/// so is told to @p ledger as `liveness`, `convergence`, `references` or `view`.
template <class Stores, class Device, class Server>
void check_agreement(run_ledger& ledger, Stores& stores, const schema_set& schemas, const simulated_view& view, Device& d, Server& server) {
    const auto status = d.program.engine().status(d.clock);
    if (!status) return ledger.broke("unexpected fault", d.name + ": its status: " + status.error().detail);
    if (status->counts.frozen + status->counts.open != 0) return ledger.broke("liveness", d.name + ": something is still queued and waits for nobody");
    if (status->counts.waiting != 0) return ledger.broke("liveness", d.name + ": something waits that nobody was asked about");
    if (status->counts.quarantined != 0) return ledger.broke("convergence", d.name + ": a row is in quarantine");
    if (status->state.needs_hydration) return ledger.broke("liveness", d.name + ": the hydration never ended");
    for (const auto& key : ledger.keys()) {
        const auto here = stores.row(*d.durable, key);
        auto there = stores.row(server, key);
        const bool hidden = there && !view.visible(d.who.id, key, [&](const record_key& k) { return stores.row(server, k); });
        if (hidden) there.reset();
        if (there) there->fields.resize((std::min)(there->fields.size(), std::as_const(*d.durable).schemas()[key.model].fields.size()));
        if (here && !there && d.may_keep.contains(key)) continue;
        if (here && hidden) return ledger.broke("view", "device " + d.name + " ends with " + key.key + ", which its person may not see");
        if (here != there) return ledger.broke("convergence", "device " + d.name + " ends with " + key.key + " as " + ledger.text(here) + ", the server has " + ledger.text(there));
        if (!there) continue;
        for (const auto& to : references_of(schemas, key.model, *there))
            if (!stores.row(server, to)) return ledger.broke("references", "the server's " + key.key + " refers to " + to.key + ", which is gone");
    }
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
