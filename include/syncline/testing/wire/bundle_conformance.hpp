#ifndef SYNCLINE_TESTING_WIRE_BUNDLE_CONFORMANCE_HPP
#define SYNCLINE_TESTING_WIRE_BUNDLE_CONFORMANCE_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/report.hpp>
#include <syncline/testing/wire/bundle_push_clauses.hpp>
#include <syncline/testing/wire/bundle_read_clauses.hpp>
#include <syncline/testing/wire/bundle_speaker.hpp>
#include <syncline/testing/wire/bundle_surface_clauses.hpp>
#include <syncline/testing/wire/subject.hpp>
#include <syncline/testing/wire/wire_run.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/transport.hpp>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Tests a server of the bundle wire from outside: by requests and their answers, clause by clause of the wire's reference (sheet `bundle`).
///
/// Clauses are named by the section that they are of: `bundle 2.2 replay`. One that this subject cannot show, or that the original is known not to keep, is
/// skipped, with the reason. The server needs no preparation, but nobody else writes to the account meanwhile; what was written under fresh keys stays.
/// @param server   a way to it: an `httplib_transport`, a `loopback` of a handler
/// @param subject  what the kit must know of it; `fields` is not empty
/// @param random   fresh ids and keys; another seed with each run against one server
template <transport T>
[[nodiscard]] report check_bundle_wire(T& server, const wire_subject& subject, random_source random) {
    report out;
    wire_run run([&server](const request& r) { return server(r); }, subject, random, out);
    out.begin("subject", "the subject names a table with at least one field");
    if (!out.expect(!subject.model.empty() && !subject.fields.empty(), "name a table of the server and a field of it that may be written")) return out;
    bundle_speaker say(run);
    check_bundle_surface(say);
    check_bundle_push(say);
    check_bundle_conflicts(say);
    check_bundle_pull(say);
    check_bundle_snapshots(say);
    return out;
}

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
