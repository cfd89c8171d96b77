#ifndef SYNCLINE_TRANSPORT_PRINCIPAL_HPP
#define SYNCLINE_TRANSPORT_PRINCIPAL_HPP

#include <syncline/support/version.hpp>

#include <string>

SYNCLINE_NAMESPACE_BEGIN

/// Who is calling, as the host's authenticator says. Never read from what a device sends in its body.
struct principal {
    /// The caller, in the host's own terms (a user id, an account name). Not empty.
    std::string id;
    /// The unit of isolation and of ordering; a principal has exactly one at one mount. Not empty.
    /// A host without a notion of tenants puts the user's id here as well.
    std::string tenant;

    friend bool operator==(const principal&, const principal&) = default;
};

SYNCLINE_NAMESPACE_END

#endif
