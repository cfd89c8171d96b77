#include <syncline/wire/bundle/routes.hpp>

#include "support/catch.hpp"

#include <string>

namespace routes_test {

using namespace syncline;
using bundle_wire::place;

TEST_CASE("bundle routes: every path of the protocol is its place, and no other path is one") {
    struct row {
        const char* path;
        place what;
        const char* id;
        http_method method;
    };
    for (const row& r : {row{"/capabilities", place::capabilities, "", http_method::get}, row{"/connect", place::connect, "", http_method::post},
                         row{"/push-sessions", place::push_sessions, "", http_method::post}, row{"/push-sessions/a%2Fb", place::push_session, "a/b", http_method::erase},
                         row{"/push-sessions/a/chunks", place::chunks, "a", http_method::post}, row{"/push-sessions/a/commit", place::commit, "a", http_method::post},
                         row{"/committed-bundles/7/rows", place::committed_rows, "7", http_method::get}, row{"/pull", place::pull, "", http_method::get},
                         row{"/snapshot-sessions", place::snapshot_sessions, "", http_method::post},
                         row{"/snapshot-sessions/a", place::snapshot_session, "a", http_method::get}}) {
        INFO(r.path);
        const auto found = bundle_wire::route(r.path);
        REQUIRE(found);
        CHECK(found->what == r.what);
        CHECK(found->id == r.id);
        CHECK(bundle_wire::method_of(r.what, http_method::put) == r.method);
    }
    CHECK(bundle_wire::method_of(place::snapshot_session, http_method::erase) == http_method::erase);
    for (const std::string& none : {std::string{}, std::string{"pull"}, std::string{"/"}, std::string{"/pull/"}, std::string{"/connect/a"}, std::string{"/push-sessions/"},
                                    std::string{"/push-sessions/%zz"}, std::string{"/push-sessions/%00"}, "/push-sessions/" + std::string(256, 'a'),
                                    std::string{"/push-sessions/a/rows"}, std::string{"/committed-bundles/1"}, std::string{"/snapshot-sessions/a/b"}}) {
        INFO(none);
        CHECK(!bundle_wire::route(none));
    }
}

}  // namespace routes_test
