// libFuzzer's entry for one decoder, which SYNCLINE_DECODER names. Built and run by run.py.

#include "decoders.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

namespace {

const fuzz::decoder& chosen() {
    const char* const wanted = std::getenv("SYNCLINE_DECODER");
    for (const auto& d : fuzz::decoders())
        if (wanted != nullptr && d.name == wanted) return d;
    std::cerr << "SYNCLINE_DECODER names none of:";
    for (const auto& d : fuzz::decoders()) std::cerr << ' ' << d.name;
    std::cerr << '\n';
    std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::decoder& under_test = chosen();
    try {
        under_test.run(std::string_view{reinterpret_cast<const char*>(data), size});
    } catch (const std::exception& x) {
        std::cerr << under_test.name << ": " << x.what() << '\n';
        std::abort();
    }
    return 0;
}
