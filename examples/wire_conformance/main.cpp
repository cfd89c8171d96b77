// Tests a server of either wire by its URL, and prints a report by section of the wire's reference: `wire_conformance --help` says how. The server may be
// anybody's: nothing is known of it but requests and answers.

#include "arguments.hpp"

#include "../support/standard_streams.hpp"

#include <syncline/adapters/httplib/client.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/support/system_random.hpp>
#include <syncline/testing/wire/bundle_conformance.hpp>
#include <syncline/testing/wire/mutation_conformance.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace {

int ended(int code, const std::string& why) {
    write_to_stderr("wire_conformance: " + why + "\n");
    return code;
}

int run(arguments asked) {
    using namespace syncline;
    httplib_transport_options http;
    http.base = asked.url;
    // The tokens go with each request, since some go without or with another's. So it is seen to here that nobody reads them on the way.
    const auto where = parse_base_url(asked.url);
    if (where && !where->tls && !is_loopback_host(where->host) && !asked.plaintext)
        return ended(2, "tokens would be sent to " + where->host + " in plain text: use https, or --allow-plaintext");
    auto server = httplib_transport::open(http);
    if (!server) return ended(2, server.error().detail);

    system_random noise;
    const std::uint64_t seed = asked.seed ? *asked.seed : noise();
    // [kit]
    seeded_random random{seed};
    asked.subject.now = system_now();
    const testing::report found = asked.bundle ? testing::check_bundle_wire(*server, asked.subject, random)
                                               : testing::check_mutation_wire(*server, asked.subject, random);
    // [/kit]
    const auto unheard = write_to_stdout(found.text() + "seed " + std::to_string(seed) + "\n");
    if (unheard) return ended(2, "the standard output cannot be written: " + *unheard);
    return found.passed() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    prepare_standard_streams();
    auto line = read_command_line(argc, argv);
    if (line.help) return write_to_stdout(*line.help) ? 2 : 0;
    if (line.mistake) return ended(2, *line.mistake);
    return run(std::move(line.asked));
}
