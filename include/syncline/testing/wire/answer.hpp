#ifndef SYNCLINE_TESTING_WIRE_ANSWER_HPP
#define SYNCLINE_TESTING_WIRE_ANSWER_HPP

#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_view.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// A JSON text: `wire_text("a")` is `"a"` with its quotes.
[[nodiscard]] inline std::string wire_text(std::string_view text) {
    std::string out;
    json_writer w{out};
    w.string(text);
    return out;
}

/// Names and JSON values of an object, in their order.
using wire_members = std::vector<std::pair<std::string, std::string>>;

/// A JSON object of members whose values are JSON already.
[[nodiscard]] inline std::string wire_object(const wire_members& members) {
    std::string out = "{";
    for (const auto& [name, json] : members) {
        if (out.size() > 1) out += ",";
        out.append(wire_text(name)).append(":").append(json);
    }
    return out + "}";
}

/// A JSON array of values that are JSON already.
[[nodiscard]] inline std::string wire_array(const std::vector<std::string>& values) {
    std::string out = "[";
    for (const auto& json : values) {
        if (out.size() > 1) out += ",";
        out += json;
    }
    return out + "]";
}

/// @p value as JSON, without blanks; members stay in their order.
[[nodiscard]] inline std::string wire_json(json_view value) {
    std::string out;
    json_writer w{out};
    value.write_to(w);
    return out;
}

/// An answer with its body read as JSON, if it is. Copies share the body; what is not there reads as nothing.
class wire_answer {
public:
    explicit wire_answer(response of) : of_(std::move(of)) {
        if (auto tape = json_tape::parse(of_.body)) tape_ = std::make_shared<const json_tape>(std::move(*tape));
    }

    [[nodiscard]] int status() const noexcept { return of_.status; }
    [[nodiscard]] const response& raw() const noexcept { return of_; }
    /// Whether it says of itself that it is JSON, and is a JSON object.
    [[nodiscard]] bool is_json() const {
        const auto type = find_header(of_.headers, "Content-Type");
        return tape_ && tape_->root().is_object() && type && type->starts_with("application/json");
    }
    [[nodiscard]] json_view root() const noexcept { return tape_ ? tape_->root() : json_view{}; }
    /// The member's string; empty where there is none.
    [[nodiscard]] std::string text(std::string_view member) const {
        const auto v = root().find(member);
        return v ? std::string(v->as_string()) : std::string();
    }
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view member) const { return integer_of(root(), member); }
    [[nodiscard]] std::optional<bool> truth(std::string_view member) const {
        const auto v = root().find(member);
        return v && v->is_boolean() ? std::optional<bool>(*v->as_bool()) : std::nullopt;
    }
    /// The elements of the member that is an array; none where there is no such array.
    [[nodiscard]] std::vector<json_view> list(std::string_view member) const {
        std::vector<json_view> out;
        if (const auto v = root().find(member); v && v->is_array())
            for (const auto& entry : *v) out.push_back(entry);
        return out;
    }
    [[nodiscard]] bool has_list(std::string_view member) const {
        const auto v = root().find(member);
        return v && v->is_array();
    }
    /// Status and the beginning of the body, for findings.
    [[nodiscard]] std::string told() const {
        constexpr std::size_t enough = 300;
        return std::to_string(of_.status) + " " + (of_.body.size() > enough ? of_.body.substr(0, enough) + "..." : of_.body);
    }

    /// The integer of @p holder's member, in any spelling.
    [[nodiscard]] static std::optional<std::int64_t> integer_of(json_view holder, std::string_view member) {
        const auto v = holder.find(member);
        if (!v) return std::nullopt;
        const auto n = v->as_int_lenient();
        return n ? std::optional<std::int64_t>(*n) : std::nullopt;
    }
    /// The string of @p holder's member; empty where there is none.
    [[nodiscard]] static std::string text_of(json_view holder, std::string_view member) {
        const auto v = holder.find(member);
        return v ? std::string(v->as_string()) : std::string();
    }

private:
    response of_;
    std::shared_ptr<const json_tape> tape_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
