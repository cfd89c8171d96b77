// The core alone: nothing but Syncline's headers and what they need is linked.
#include <syncline/change/cursor.hpp>
#include <syncline/model/model_traits.hpp>

#include <iostream>
#include <string>
#include <tuple>

struct note {
    std::string id, title;

    struct syncline_model {
        static constexpr auto name() { return "note"; }
        static constexpr auto key() { return syncline::key_field<"id", &note::id>(); }
        static constexpr auto fields() { return std::tuple{syncline::field<"title", &note::title>()}; }
    };
};

int main() {
    const auto models = syncline::schemas_of<note>();
    if (!models) return 1;
    std::cout << (*models)[0].name << " " << syncline::next_stamp(1, 0) << "\n";
}
