#ifndef SYNCLINE_WIRE_BUNDLE_MESSAGES_HPP
#define SYNCLINE_WIRE_BUNDLE_MESSAGES_HPP

/// All messages of the bundle wire (sheet `bundle`, sections 1 and 3.1).

#include <syncline/wire/bundle/capabilities.hpp>
#include <syncline/wire/bundle/codes.hpp>
#include <syncline/wire/bundle/connect_messages.hpp>
#include <syncline/wire/bundle/obstacles.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/bundle/push_messages.hpp>
#include <syncline/wire/bundle/rows.hpp>

#endif
