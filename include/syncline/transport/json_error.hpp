#ifndef SYNCLINE_TRANSPORT_JSON_ERROR_HPP
#define SYNCLINE_TRANSPORT_JSON_ERROR_HPP

#include <syncline/support/json_writer.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// An answer whose body is the JSON text @p body, with its content type.
[[nodiscard]] inline response json_response(int status, std::string body) {
    return response{status, {{"Content-Type", "application/json"}}, std::move(body)};
}

/// An error answer: `{"error":code,"message":text}`, always as JSON.
/// @param code what a program branches on, e.g. `authentication_failed`
/// @param message a sentence for the person who reads it; not contractual
[[nodiscard]] inline response json_error(int status, std::string_view code, std::string_view message) {
    std::string body;
    json_writer w(body);
    w.begin_object();
    w.key("error");
    w.string(code);
    w.key("message");
    w.string(message);
    w.end_object();
    return json_response(status, std::move(body));
}

SYNCLINE_NAMESPACE_END

#endif
