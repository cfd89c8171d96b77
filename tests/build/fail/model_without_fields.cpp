// build error: syncline: the model has no fields; write `static constexpr auto fields\(\)
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

struct wrong {
    std::string id{};
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "wrong"; }
        static constexpr auto key() { return syncline::key_field<"id", &wrong::id>(); }
    };
};
static_assert(syncline::check_model<wrong>());  // refused
