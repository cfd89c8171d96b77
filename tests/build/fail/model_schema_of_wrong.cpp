// build error: error: static assertion failed.*syncline: the model has no key; write `static constexpr auto key\(\)
// What a program calls first says it in words too, for those who have not written `static_assert(check_model<...>())`.
#include <syncline/model/model_traits.hpp>

#include <string>
#include <string_view>
#include <tuple>

struct wrong {
    std::string id{};
    int n = 0;
    struct syncline_model {
        static constexpr std::string_view name() { return "wrong"; }
        static constexpr auto fields() { return std::tuple{syncline::field<"n", &wrong::n>()}; }
    };
};
syncline::result<syncline::schema_set> models();
syncline::result<syncline::schema_set> models() {
    return syncline::schemas_of<wrong>();  // refused
    return syncline::schema_set{};
}
