#ifndef SYNCLINE_TESTS_SUPPORT_ARCHETYPES_TRANSPORT_HPP
#define SYNCLINE_TESTS_SUPPORT_ARCHETYPES_TRANSPORT_HPP

#include <syncline/support/result.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/transport/transport.hpp>

// The smallest models of the transport's concepts, and for each requirement one that lacks just that.

namespace archetypes {

struct minimal_transport {
    minimal_transport() = delete;
    minimal_transport(const minimal_transport&) = delete;
    syncline::result<syncline::response> operator()(const syncline::request&);
};
struct transport_that_cannot_fail {
    syncline::response operator()(const syncline::request&);
};
struct transport_that_changes_its_request {
    syncline::result<syncline::response> operator()(syncline::request&);
};
struct transport_without_call {};

struct minimal_handler {
    minimal_handler() = delete;
    minimal_handler(const minimal_handler&) = delete;
    syncline::response operator()(const syncline::request&);
};
struct handler_that_fails {
    syncline::result<syncline::response> operator()(const syncline::request&);
};
struct handler_that_changes_its_request {
    syncline::response operator()(syncline::request&);
};

struct minimal_authenticator {
    minimal_authenticator() = delete;
    minimal_authenticator(const minimal_authenticator&) = delete;
    syncline::result<syncline::principal> operator()(const syncline::request&);
};
struct authenticator_that_cannot_refuse {
    syncline::principal operator()(const syncline::request&);
};
struct authenticator_that_gives_a_bool {
    bool operator()(const syncline::request&);
};

struct minimal_principal_handler {
    minimal_principal_handler() = delete;
    minimal_principal_handler(const minimal_principal_handler&) = delete;
    syncline::response operator()(const syncline::request&, const syncline::principal&);
};
struct principal_handler_that_changes_the_principal {
    syncline::response operator()(const syncline::request&, syncline::principal&);
};
struct principal_handler_that_fails {
    syncline::result<syncline::response> operator()(const syncline::request&, const syncline::principal&);
};

struct handler_that_says_it_authenticates {
    static constexpr bool authenticates = true;
    syncline::response operator()(const syncline::request&);
};
struct handler_that_says_it_does_not {
    static constexpr bool authenticates = false;
    syncline::response operator()(const syncline::request&);
};

static_assert(syncline::transport<minimal_transport>);
static_assert(!syncline::transport<transport_that_cannot_fail>);
static_assert(!syncline::transport<transport_that_changes_its_request>);
static_assert(!syncline::transport<transport_without_call>);

static_assert(syncline::server_handler<minimal_handler>);
static_assert(!syncline::server_handler<handler_that_fails>);
static_assert(!syncline::server_handler<handler_that_changes_its_request>);
static_assert(!syncline::server_handler<minimal_principal_handler>);

static_assert(syncline::authenticator<minimal_authenticator>);
static_assert(!syncline::authenticator<authenticator_that_cannot_refuse>);
static_assert(!syncline::authenticator<authenticator_that_gives_a_bool>);

static_assert(syncline::principal_handler<minimal_principal_handler>);
static_assert(!syncline::principal_handler<principal_handler_that_changes_the_principal>);
static_assert(!syncline::principal_handler<principal_handler_that_fails>);
static_assert(!syncline::principal_handler<minimal_handler>);

static_assert(syncline::authenticating_handler<handler_that_says_it_authenticates>);
static_assert(!syncline::authenticating_handler<handler_that_says_it_does_not>);
static_assert(!syncline::authenticating_handler<minimal_handler>);

}  // namespace archetypes

#endif
