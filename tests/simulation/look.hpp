#ifndef SYNCLINE_TESTS_SIMULATION_LOOK_HPP
#define SYNCLINE_TESTS_SIMULATION_LOOK_HPP

// What a device's store holds at a moment, read past the faults.

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/record.hpp>
#include <syncline/storage/replica_store.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace simulation {

using namespace syncline;

/// What a device's store holds of one key.
struct key_look {
    std::int64_t version = 0;
    bool provisional = false;
    std::optional<record> base;
    std::optional<batch_item> frozen;
    std::optional<intent> open;
    std::optional<record> visible;
    bool hidden = false;
    bool out_of_view = false;
};
struct device_look {
    std::vector<key_look> keys;  ///< in the order of `settings::keys`
    replica_state state;
    std::optional<batch> in_flight;
    std::size_t quarantined = 0;
};

}  // namespace simulation

#endif
