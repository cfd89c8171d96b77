// build error: syncline: this member is not among the fields\(\) of the model
#include <syncline/model/model_traits.hpp>

#include <string>
#include <string_view>
#include <tuple>

struct right {
    std::string id{};
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "right"; }
        static constexpr auto key() { return syncline::key_field<"id", &right::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &right::n>()}; }
    };
};
static_assert(syncline::check_model<right>());

static_assert(syncline::field_index_of<right, &right::n>() == 0);
static_assert(syncline::field_index_of<right, &right::id>() == 0);  // refused
