#ifndef SYNCLINE_TESTS_WIRE_BAD_INPUT_HPP
#define SYNCLINE_TESTS_WIRE_BAD_INPUT_HPP

// A server of both wires over each kind of store, whose models are named as an attacker would like them, and what it holds as text; and
// ways to damage a request.

#include <syncline/adapters/sqlite/authority_store.hpp>
#include <syncline/adapters/sqlite/database.hpp>
#include <syncline/storage/memory_authority_store.hpp>
#include <syncline/support/json_tape.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/random.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/wire/sync_server.hpp>

#include "support/catch.hpp"
#include "support/scratch_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace bad_input {

using namespace syncline;

template <class T>
T must(result<T> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
    return std::move(*r);
}
inline void must(result<void> r) {
    if (!r) throw std::runtime_error(std::string{name_of(r.error().code)} + ": " + r.error().detail);
}

inline const timestamp noon = from_microseconds(1'700'000'000'000'000);

/// The one model; every name of it would end a statement that somebody put together from it.
inline constexpr std::string_view model_name = "ta'sk\"; DROP TABLE victim; --";
inline constexpr std::string_view table_name = "ta\"bl'e; DROP TABLE victim; --";
inline constexpr std::string_view key_name = "i'd\"; --";
inline constexpr std::string_view text_field = "te\"x't); --";
inline constexpr std::string_view integer_field = "nu?mb:er";
inline constexpr std::string_view real_field = "re%al";
inline constexpr std::string_view boolean_field = "fl$ag@";
inline constexpr std::string_view bytes_field = "da;ta";
inline constexpr std::string_view time_field = "wh--en";

inline model_schema nasty_model() {
    model_schema m;
    m.name = model_name;
    m.table = table_name;
    m.key_name = key_name;
    m.fields = {{std::string{text_field}, value_kind::text, true, nullptr},       {std::string{integer_field}, value_kind::integer, true, nullptr},
                {std::string{real_field}, value_kind::real, true, nullptr},       {std::string{boolean_field}, value_kind::boolean, true, nullptr},
                {std::string{bytes_field}, value_kind::bytes, true, nullptr},     {std::string{time_field}, value_kind::time, true, nullptr}};
    return m;
}
inline schema_set nasty_schemas() {
    schema_set out;
    must(out.add(nasty_model()));
    return out;
}

/// @p text as a JSON string.
inline std::string json_string(std::string_view text) {
    std::string out;
    json_writer w{out};
    w.string(text);
    return out;
}
inline std::string member(std::string_view name, std::string_view json) { return json_string(name).append(":").append(json); }
inline std::string times(std::string_view text, std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out.append(text);
    return out;
}

class in_memory {
public:
    using store_type = memory_authority_store;
    static constexpr const char* name = "memory";
    memory_authority_store& store() { return store_; }

private:
    memory_authority_store store_{nasty_schemas()};
};

class in_sqlite {
public:
    using store_type = sqlite_authority_store;
    static constexpr const char* name = "sqlite";
    in_sqlite() {
        const std::string file = folder_.file("server.db");
        {
            auto db = must(sqlite_database::open(file, {}));
            const auto column = [](std::string_view called, const char* type) { return sqlite_quoted(called).append(" ").append(type); };
            must(db.execute(std::string{"CREATE TABLE victim(id TEXT); INSERT INTO victim VALUES('alive'); CREATE TABLE "}
                                .append(sqlite_quoted(table_name)).append("(").append(column(key_name, "TEXT PRIMARY KEY,"))
                                .append(column(text_field, "TEXT,")).append(column(integer_field, "INTEGER,")).append(column(real_field, ","))
                                .append(column(boolean_field, "BOOLEAN,")).append(column(bytes_field, "BLOB,")).append(column(time_field, "TEXT)"))));
        }
        store_.emplace(must(sqlite_authority_store::open(file, nasty_schemas())));
    }
    ~in_sqlite() {
        {
            auto db = must(sqlite_database::open(folder_.file("server.db"), {}));
            CHECK(must(db.query_integer("SELECT count(*) FROM victim WHERE id='alive'")) == 1);
        }
    }
    in_sqlite(const in_sqlite&) = delete;
    in_sqlite& operator=(const in_sqlite&) = delete;
    sqlite_authority_store& store() { return *store_; }

private:
    scratch_folder folder_;
    std::optional<sqlite_authority_store> store_;
};

/// The whole server behind a loopback.
template <class Tables>
struct world {
    Tables tables;
    seeded_random random{5};
    sync_server<typename Tables::store_type> server{tables.store(), {}, [] { return noon; }, [this] { return random.next(); }};

    world() {
        mutation_server_options mutation;
        mutation.json.max_bytes = std::size_t{4} << 20;
        server.mount_mutation_wire(mutation);
        bundle_server_options bundle;
        bundle.json.max_bytes = std::size_t{4} << 20;
        REQUIRE(server.mount_bundle_wire(bundle));
    }
    world(const world&) = delete;

    response call(http_method method, std::string path, std::string body = {}) {
        const auto handler = [this](const request& r) { return server(r, principal{"ann", "main"}); };
        return must(loopback{handler}(request{method, std::move(path), {{"Oversync-Source-ID", "device"}}, std::move(body)}));
    }
    response push(std::string body) { return call(http_method::post, "/tether/push", std::move(body)); }
    response pull(std::string body) { return call(http_method::post, "/tether/pull", std::move(body)); }

    std::optional<record> row(const std::string& key) {
        auto t = must(tables.store().begin("main", access::snapshot));
        return must(t.current(record_key{0, key}));
    }
    /// Everything that devices can be told of, with its numbers.
    std::string held() {
        pull_query all;
        all.limit = 1'000'000;
        auto answer = must(server.engine().pull({"main", "ann", "test"}, all, noon));
        std::string out{"head "};
        out.append(std::to_string(answer.head_stamp)).append(" ").append(std::to_string(answer.rows.head_seq));
        out.append(mutation_wire::write_pull_answer(server.engine().schemas(), answer, true));
        return out;
    }
};

/// The error's code in the body of @p answer; every answer is JSON.
inline std::string code_of(const response& answer) {
    const auto tape = json_tape::parse(answer.body);
    INFO(answer.body.substr(0, 300));
    REQUIRE(tape);
    REQUIRE(tape->root().is_object());
    const auto code = tape->root().find("error");
    return code ? std::string{code->as_string()} : std::string{};
}
inline std::string message_of(const response& answer) {
    const auto tape = json_tape::parse(answer.body);
    if (!tape) return {};
    const auto text = tape->root().find("message");
    return text ? std::string{text->as_string()} : std::string{};
}

/// Text that is no request on any wire, whatever else may stand in it: bodies as a whole, and what is wrong.
struct broken_text {
    const char* what;
    std::string body;
    std::string code;
};
inline std::vector<broken_text> broken_texts() {
    return {{"nothing", "", "malformed_json"},
            {"no JSON", "hello", "malformed_json"},
            {"an open object", "{", "malformed_json"},
            {"an open string", R"({"client_id":"c)", "malformed_json"},
            {"a trailing comma", R"({"client_id":"c",})", "malformed_json"},
            {"two documents", R"({"client_id":"c"}{})", "malformed_json"},
            {"a byte order mark", "\xEF\xBB\xBF{}", "malformed_json"},
            {"a comment", "{/* hi */}", "malformed_json"},
            {"single quotes", "{'client_id':'c'}", "malformed_json"},
            {"a duplicate member", R"({"client_id":"c","client_id":"d","mutations":[]})", "malformed_json"},
            {"a duplicate member by another spelling", "{\"client_id\":\"c\",\"\\u0063lient_id\":\"d\"}", "malformed_json"},
            {"NaN", R"({"client_id":"c","mutations":NaN})", "malformed_json"},
            {"Infinity", R"({"client_id":"c","mutations":[-Infinity]})", "malformed_json"},
            {"1e400", R"({"client_id":"c","mutations":[1e400]})", "malformed_json"},
            {"a leading zero", R"({"client_id":"c","mutations":[01]})", "malformed_json"},
            {"a hexadecimal number", R"({"client_id":"c","mutations":[0x1]})", "malformed_json"},
            {"a lone high surrogate", R"({"client_id":"\ud800","mutations":[]})", "malformed_json"},
            {"a lone low surrogate", R"({"client_id":"\udc00","mutations":[]})", "malformed_json"},
            {"reversed surrogates", R"({"client_id":"\udc00\ud800","mutations":[]})", "malformed_json"},
            {"invalid UTF-8", "{\"client_id\":\"\xff\",\"mutations\":[]}", "malformed_json"},
            {"overlong UTF-8", "{\"client_id\":\"\xc0\xaf\",\"mutations\":[]}", "malformed_json"},
            {"a surrogate in UTF-8", "{\"client_id\":\"\xed\xa0\x80\",\"mutations\":[]}", "malformed_json"},
            {"truncated UTF-8", "{\"client_id\":\"\xe2\x82\",\"mutations\":[]}", "malformed_json"},
            {"a raw NUL", std::string{"{\"client_id\":\"a\0b\"}", 19}, "malformed_json"},
            {"a raw control character", "{\"client_id\":\"a\nb\"}", "malformed_json"},
            {"10,000 deep", times("[", 10'000) + times("]", 10'000), "malformed_json"},
            {"10,000 deep and open", times("{\"a\":", 10'000), "malformed_json"},
            {"over the limit", "\"" + times("x", std::size_t{5} << 20) + "\"", "too_large"}};
}

/// @p valid with one to four random wounds: flipped bits, other octets, cuts, splices, repeated parts.
inline std::string wounded(const std::string& valid, seeded_random& draw) {
    std::string out = valid;
    for (auto wounds = 1 + draw.below(4); wounds > 0 && !out.empty(); --wounds) {
        const std::size_t at = draw.below(out.size());
        const std::size_t length = 1 + draw.below(out.size() - at);
        switch (draw.below(7)) {
        case 0: out[at] = static_cast<char>(static_cast<unsigned char>(out[at]) ^ (1u << draw.below(8))); break;
        case 1: out[at] = static_cast<char>(draw.below(256)); break;
        case 2: out.resize(at); break;
        case 3: out.erase(at, (std::min<std::size_t>)(length, 1 + draw.below(12))); break;
        case 4: out.insert(at, out.substr(draw.below(out.size()), (std::min<std::size_t>)(length, 40))); break;
        case 5: {
            static const std::vector<std::string> parts{"null", "7", "-1", "\"\"", "[]", "{}", "9223372036854775808", "1e400", "\\u0000", "\"", "}", ",", "true", "\\ud800", "\xff"};
            out.replace(at, (std::min<std::size_t>)(length, draw.below(6)), parts[draw.below(parts.size())]);
            break;
        }
        default: {
            // A member's value becomes another's.
            const auto colon = out.find(':', at);
            const auto other = out.find(':', draw.below(out.size()));
            if (colon == std::string::npos || other == std::string::npos) break;
            const auto end = out.find_first_of(",}", colon);
            const auto other_end = out.find_first_of(",}", other);
            if (end == std::string::npos || other_end == std::string::npos) break;
            const std::string piece = out.substr(other + 1, other_end - other - 1);
            out.replace(colon + 1, end - colon - 1, piece);
        }
        }
    }
    return out;
}

}  // namespace bad_input

#endif
