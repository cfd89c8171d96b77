#ifndef SYNCLINE_TESTS_WIRE_BUNDLE_SERVER_FIXTURE_HPP
#define SYNCLINE_TESTS_WIRE_BUNDLE_SERVER_FIXTURE_HPP

// Raw requests to a server of the bundle wire, as any device may send them.

#include "unit/wire/bundle/fixture.hpp"

#include <string>
#include <utility>
#include <vector>

namespace bundle_fixture {

/// The names of the members of a JSON object, in their order, with one blank between them.
inline std::string members_of(const std::string& body) {
    const auto tape = json_tape::parse(body);
    if (!tape || !tape->root().is_object()) return "<no object>";
    std::string out;
    for (const auto& m : tape->root().members()) {
        if (!out.empty()) out.push_back(' ');
        out.append(m.key);
    }
    return out;
}

/// A row of an upload.
inline std::string insert_project(const std::string& key, const std::string& name) {
    return R"({"schema":"public","table":"projects","key":{"id":")" + key + R"("},"op":"INSERT","base_row_version":0,"payload":{"id":")" + key + R"(","name":")" + name + R"("}})";
}

/// A server, and devices that speak to it by hand.
struct raw_server : server_side {
    using server_side::server_side;

    response post(const std::string& path, const std::string& body = {}, const std::string& source = "device", const std::string& who = "ann") {
        return call(http_method::post, "/sync" + path, body, source, who);
    }
    response get(const std::string& path, const std::string& source = "device", const std::string& who = "ann") {
        return call(http_method::get, "/sync" + path, {}, source, who);
    }
    response erase_at(const std::string& path, const std::string& source = "device", const std::string& who = "ann") {
        return call(http_method::erase, "/sync" + path, {}, source, who);
    }
    response connect(bool has_rows = false, const std::string& source = "device") {
        return post("/connect", has_rows ? R"({"has_local_pending_rows":true})" : R"({"has_local_pending_rows":false})", source);
    }
    response create(std::int64_t number, int rows, const std::string& source = "device", const std::string& initialization_id = {}, const std::string& who = "ann") {
        std::string body = R"({"source_bundle_id":)" + std::to_string(number) + R"(,"planned_row_count":)" + std::to_string(rows);
        if (!initialization_id.empty()) body += R"(,"initialization_id":")" + initialization_id + "\"";
        return post("/push-sessions", body + "}", source, who);
    }
    response chunk(const std::string& id, int first, const std::string& rows, const std::string& source = "device", const std::string& who = "ann") {
        return post("/push-sessions/" + id + "/chunks", R"({"start_row_ordinal":)" + std::to_string(first) + R"(,"rows":[)" + rows + "]}", source, who);
    }
    response commit(const std::string& id, const std::string& source = "device", const std::string& who = "ann") {
        return post("/push-sessions/" + id + "/commit", {}, source, who);
    }
    /// A whole push. @return the answer of the first step that did not succeed, or that to the commit
    response push(std::int64_t number, const std::string& rows, int count = 1, const std::string& source = "device", const std::string& initialization_id = {}) {
        auto made = create(number, count, source, initialization_id);
        if (made.status != 200 || text_in(made.body, "status") != "staging") return made;
        const std::string id = text_in(made.body, "push_id");
        auto sent = chunk(id, 0, rows, source);
        return sent.status == 200 ? commit(id, source) : sent;
    }
};

inline void check_error(const response& r, int status, const std::string& code) {
    INFO(r.body);
    CHECK(r.status == status);
    CHECK(text_in(r.body, "error") == code);
    CHECK(!text_in(r.body, "message").empty());
    CHECK(find_header(r.headers, "Content-Type").value_or("") == "application/json");
}

}  // namespace bundle_fixture

#endif
