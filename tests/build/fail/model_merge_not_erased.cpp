// build error: syncline: a field's merge has no erased form; write a static constexpr syncline::field_merge
#include <syncline/conflict/merges.hpp>
#include <syncline/model/model_traits.hpp>

#include <string>
#include <string_view>
#include <tuple>

struct adds {};

struct right {
    std::string id{};
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "right"; }
        static constexpr auto key() { return syncline::key_field<"id", &right::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &right::n, syncline::merges::counter>()}; }
    };
};
static_assert(syncline::check_model<right>());

struct wrong {
    std::string id{};
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "wrong"; }
        static constexpr auto key() { return syncline::key_field<"id", &wrong::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &wrong::n, adds>()}; }
    };
};
static_assert(syncline::check_model<wrong>());  // refused
