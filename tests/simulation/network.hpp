#ifndef SYNCLINE_TESTS_SIMULATION_NETWORK_HPP
#define SYNCLINE_TESTS_SIMULATION_NETWORK_HPP

#include <syncline/change/intent.hpp>
#include <syncline/transport/message.hpp>

#include <cstdint>
#include <vector>

namespace simulation {

using namespace syncline;

/// A message under way. The network is a list of them: any can be lost, come twice, or overtake another.
struct message {
    enum class way : std::uint8_t { request, answer };
    way goes = way::request;
    int from = 0;                  ///< the device
    std::uint64_t incarnation = 0; ///< of the device's program; an answer reaches no later one
    std::uint64_t token = 0;
    request what;
    response reply;                ///< of an answer
    std::vector<mutation_id> ids;  ///< what was frozen when a push was sent
    bool second = false;           ///< a copy made by the network on purpose
};

}  // namespace simulation

#endif
