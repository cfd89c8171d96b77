// build error: my merge keeps the laws
#include <syncline/conflict/merge_laws.hpp>
#include <syncline/conflict/merges.hpp>

#include <cstdint>
#include <optional>

static_assert(syncline::merge_laws::hold<syncline::merges::counter>, "a counter keeps the laws");

struct greatest_ever {
    // Forgets that a side which left the value alone has no say.
    static constexpr std::optional<std::int64_t> merge_integers(std::int64_t, std::int64_t server, std::int64_t client) {
        return server > client ? server : client;
    }
};
static_assert(syncline::merge_laws::hold<greatest_ever>, "my merge keeps the laws");  // refused
