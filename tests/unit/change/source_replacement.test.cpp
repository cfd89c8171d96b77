#include <syncline/change/source_replacement.hpp>

#include "support/catch.hpp"

namespace source_replacement_test {

using namespace syncline;

TEST_CASE("source replacement: four refusals are a reason for it, nothing else is") {
    for (const char* reason : {"history_pruned", "source_sequence_out_of_order", "source_sequence_changed", "source_retired"}) CHECK(is_replacement_reason(reason));
    for (const char* other : {"", "History_pruned", "history_pruned ", "push_conflict"}) CHECK(!is_replacement_reason(other));
    CHECK(source_replacement{"a", "b", "source_retired"} != source_replacement{"a", "c", "source_retired"});
}

}  // namespace source_replacement_test
