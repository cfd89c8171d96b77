// Every decoder on what the fuzzer has found worth keeping (tests/fuzz/corpora), and on that with random damage.

#include "fuzz/decoders.hpp"

#include <syncline/support/hex.hpp>
#include <syncline/support/random.hpp>

#include "support/catch.hpp"
#include "support/environment.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace decoders_test {

using namespace syncline;

namespace {

std::vector<std::string> corpus_of(std::string_view decoder) {
    const char* const tests = std::getenv("SYNCLINE_TEST_DIR");
    REQUIRE(tests != nullptr);
    const std::string path = std::string{tests}.append("/fuzz/corpora/").append(decoder).append(".txt");
    std::ifstream in(path);
    INFO(path);
    REQUIRE(in.good());
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) {
        const auto octets = hex_decode(line);
        REQUIRE(octets);
        out.push_back(*octets);
    }
    return out;
}

/// One of the things that lines and disks do to what they carry.
std::string damaged(const std::vector<std::string>& corpus, seeded_random& random) {
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random.next() % n); };
    std::string out = corpus[below(corpus.size())];
    for (std::size_t times = 1 + below(3); times > 0; --times) {
        if (out.empty()) return out;
        const std::size_t at = below(out.size());
        switch (below(6)) {
        case 0: out.resize(at); break;
        case 1: out[at] = static_cast<char>(random.next()); break;
        case 2: out[at] = static_cast<char>(out[at] ^ (1 << below(8))); break;
        case 3: out.erase(at, 1 + below(8)); break;
        case 4: out.insert(at, out.substr(at, 1 + below(32))); break;
        default: {
            const std::string& other = corpus[below(corpus.size())];
            if (!other.empty()) out.replace(at, below(16), other.substr(below(other.size())));
        }
        }
    }
    return out;
}

}  // namespace

TEST_CASE("decoders: what the fuzzer kept, and that with random damage, is taken or refused, and what is taken is written down to be taken alike") {
    const auto rounds = test_support::number_from_environment("SYNCLINE_SEEDS").value_or(500);
    for (const auto& decoder : fuzz::decoders()) {
        CAPTURE(decoder.name);
        const auto corpus = corpus_of(decoder.name);
        REQUIRE_FALSE(corpus.empty());
        for (const auto& octets : corpus) {
            CAPTURE(hex_encode(octets));
            CHECK_NOTHROW(decoder.run(octets));
        }
        for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
            seeded_random random{seed};
            const std::string octets = damaged(corpus, random);
            CAPTURE(seed, hex_encode(octets));
            REQUIRE_NOTHROW(decoder.run(octets));
        }
    }
}

TEST_CASE("decoders: a note of a device whose numbers do not fit together is damage") {
    std::string octets;
    byte_writer w{octets};
    for (const std::int64_t n : {(std::numeric_limits<std::int64_t>::max)(), std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}})
        w.signed_number(n);
    w.number(0);
    for (const std::int64_t n : {1, 0, 0, 0}) w.signed_number(n);
    const auto read = decode_legacy_device(octets);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == errc::corrupt);
}

TEST_CASE("decoders: each has a name of its own") {
    std::set<std::string_view> names;
    for (const auto& decoder : fuzz::decoders()) CHECK(names.insert(decoder.name).second);
}

}  // namespace decoders_test
