#ifndef SYNCLINE_TESTS_SUPPORT_ARCHETYPES_LEASING_STORE_HPP
#define SYNCLINE_TESTS_SUPPORT_ARCHETYPES_LEASING_STORE_HPP

// The least that satisfies `leasing_store`, and copies that lack one thing each; see `replica_store.hpp` beside it.

#include "support/archetypes/replica_store.hpp"

#include <syncline/storage/sync_lease.hpp>

namespace archetypes {

struct leasing_transaction_archetype : replica_transaction_archetype {
    result<sync_lease> lease();
    result<void> put_lease(const sync_lease&);
};
using leasing_store_archetype = replica_store_of<leasing_transaction_archetype>;

static_assert(leasing_transaction<leasing_transaction_archetype>);
static_assert(leasing_store<leasing_store_archetype>);
static_assert(replica_store<leasing_store_archetype>);
static_assert(!leasing_store<replica_store_archetype>);

struct leasing_lacks_lease : leasing_transaction_archetype { void lease() = delete; };
struct leasing_lacks_put_lease : leasing_transaction_archetype { void put_lease() = delete; };
struct leasing_lacks_the_rest : leasing_transaction_archetype { void commit() = delete; };
static_assert(!leasing_transaction<leasing_lacks_lease>);
static_assert(!leasing_transaction<leasing_lacks_put_lease>);
static_assert(!leasing_transaction<leasing_lacks_the_rest>);
static_assert(!leasing_store<replica_store_of<leasing_lacks_lease>>);
static_assert(!leasing_store<replica_store_of<leasing_lacks_put_lease>>);
static_assert(!leasing_store<replica_store_of<leasing_lacks_the_rest>>);

}  // namespace archetypes

#endif
