#ifndef SYNCLINE_TESTING_SIMULATION_AGREEMENT_HPP
#define SYNCLINE_TESTING_SIMULATION_AGREEMENT_HPP

#include <syncline/model/model_schema.hpp>
#include <syncline/model/references.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/run_ledger.hpp>

#include <string>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What must hold of a device when faults have stopped and it has synced: nothing is queued, and each of its rows is the server's. What is not
/// so is told to @p ledger as `liveness`, `convergence` or `references`.
template <class Stores, class Device, class Server>
void check_agreement(run_ledger& ledger, Stores& stores, const schema_set& schemas, Device& d, Server& server) {
    const auto status = d.engine->status(d.clock);
    if (!status) return ledger.broke("unexpected fault", d.name + ": its status: " + status.error().detail);
    if (status->counts.frozen + status->counts.open != 0) return ledger.broke("liveness", d.name + ": something is still queued and waits for nobody");
    if (status->counts.waiting != 0) return ledger.broke("liveness", d.name + ": something waits that nobody was asked about");
    if (status->counts.quarantined != 0) return ledger.broke("convergence", d.name + ": a row is in quarantine");
    if (status->state.needs_hydration) return ledger.broke("liveness", d.name + ": the hydration never ended");
    for (const auto& key : ledger.keys()) {
        const auto here = stores.row(*d.durable, key);
        const auto there = stores.row(server, key);
        if (here != there) return ledger.broke("convergence", "device " + d.name + " ends with " + key.key + " as " + ledger.text(here) + ", the server has " + ledger.text(there));
        if (!there) continue;
        for (const auto& to : references_of(schemas, key.model, *there))
            if (!stores.row(server, to)) return ledger.broke("references", "the server's " + key.key + " refers to " + to.key + ", which is gone");
    }
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
