#ifndef SYNCLINE_TESTS_FUZZ_DECODERS_HPP
#define SYNCLINE_TESTS_FUZZ_DECODERS_HPP

// Everything that turns octets of others into values: the messages of both wires, texts, and what the stores keep encoded. Each takes any octets
// without a fault of memory, and what it takes it writes down again so that it is taken for the same.

#include <syncline/adapters/sqlite/authority_tables.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/conflict/add_wins_set.hpp>
#include <syncline/conflict/merges.hpp>
#include <syncline/engine/batch_sequence.hpp>
#include <syncline/engine/legacy_memory.hpp>
#include <syncline/engine/scope_lifecycle.hpp>
#include <syncline/engine/session_quota.hpp>
#include <syncline/engine/source_registry.hpp>
#include <syncline/model/labels.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/storage/device_view.hpp>
#include <syncline/support/base64.hpp>
#include <syncline/support/canonical_json.hpp>
#include <syncline/support/hex.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/ulid.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/transport/http_date.hpp>
#include <syncline/transport/sse_parser.hpp>
#include <syncline/wire/bundle/capabilities.hpp>
#include <syncline/wire/bundle/codes.hpp>
#include <syncline/wire/bundle/connect_messages.hpp>
#include <syncline/wire/bundle/obstacles.hpp>
#include <syncline/wire/bundle/pull_messages.hpp>
#include <syncline/wire/bundle/push_messages.hpp>
#include <syncline/wire/bundle/watch_messages.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/messages.hpp>
#include <syncline/wire/mutation/plain_messages.hpp>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fuzz {

using namespace syncline;

/// A decoder and what must hold of it. @throws std::logic_error where it does not
struct decoder {
    std::string_view name;
    void (*run)(std::string_view);
};

inline void demand(bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
}

/// Two models with a field of each kind, one of which refers to the other and to itself.
inline const schema_set& schemas() {
    static const schema_set all = [] {
        model_schema list;
        list.name = "list";
        list.table = "lists";
        list.fields = {{"name", value_kind::text, true, nullptr}};
        model_schema task;
        task.name = "task";
        task.table = "tasks";
        task.fields = {{"title", value_kind::text, true, nullptr},    {"done", value_kind::boolean, true, nullptr},  {"points", value_kind::integer, true, &merges::counter::erased},
                       {"weight", value_kind::real, true, nullptr},   {"price", value_kind::decimal, true, nullptr}, {"picture", value_kind::bytes, true, nullptr},
                       {"due", value_kind::time, true, nullptr},      {"tags", value_kind::json, true, nullptr},     {"list", value_kind::text, true, nullptr},
                       {"parent", value_kind::text, true, nullptr}};
        task.references = {{8, "list", reference_action::cascade}, {9, "task", reference_action::set_null}};
        schema_set out;
        const bool taken = out.add(std::move(list)).has_value() && out.add(std::move(task)).has_value();
        demand(taken, "the models are not taken");
        return out;
    }();
    return all;
}

inline const bundle_wire::table_names& names() {
    static const bundle_wire::table_names all{schemas(), "public"};
    return all;
}

/// What a device is told of: a create, an update and an erase on their way.
inline const std::vector<batch_item>& sent() {
    static const std::vector<batch_item> all = [] {
        std::vector<batch_item> out(3);
        const char* const ids[] = {"m1", "m2", "m3"};
        const operation ops[] = {operation::create, operation::update, operation::erase};
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i].id = ids[i];
            out[i].what.key = {1, std::string{"t"}.append(std::to_string(i + 1))};
            out[i].what.op = ops[i];
            if (ops[i] != operation::erase) out[i].what.changes.set(0, value::text("x"));
        }
        return out;
    }();
    return all;
}

/// Encodes what was decoded, decodes that, and demands that it is encoded alike.
template <class Decode, class Encode>
void there_and_back(std::string_view bytes, Decode decode, Encode encode) {
    const auto first = decode(bytes);
    if (!first) return;
    const std::string written = encode(*first);
    const auto again = decode(std::string_view{written});
    demand(static_cast<bool>(again), "what was written down is not taken");
    demand(encode(*again) == written, "what was written down is taken for something else");
}

inline void canonical(std::string_view text) {
    const auto tape = json_tape::parse(text);
    if (!tape) return;
    const auto once = canonical_json(tape->root());
    if (!once) return;
    const auto again = json_tape::parse(*once);
    demand(again.has_value(), "canonical JSON is not JSON");
    const auto twice = canonical_json(again->root());
    demand(twice.has_value() && *twice == *once, "canonical JSON is not canonical");
}

inline void rfc3339(std::string_view text) {
    for (const auto& t : {parse_rfc3339(text), parse_date_time(text)}) {
        if (!t) continue;
        for (const auto& written : {format_rfc3339(*t), format_rfc3339_shortest(*t)}) {
            demand(written.has_value(), "a time that was read cannot be written");
            const auto again = parse_rfc3339(*written);
            demand(again && *again == *t, "a time is read again as another one");
        }
    }
}

inline void sse(std::string_view bytes) {
    // In one piece, and in two: the same events.
    std::vector<sse_event> whole;
    const auto read = [](sse_parser& p, std::vector<sse_event>& into) {
        while (true) {
            auto event = p.next();
            if (!event || !*event) return event.has_value();
            into.push_back(std::move(**event));
        }
    };
    sse_parser one{1024};
    one.feed(bytes);
    const bool fine = read(one, whole);
    const std::size_t half = bytes.size() / 2;
    sse_parser two{1024};
    std::vector<sse_event> parts;
    two.feed(bytes.substr(0, half));
    const bool first = read(two, parts);
    two.feed(bytes.substr(half));
    const bool second = read(two, parts) && first;
    demand(fine == second && whole == parts, "a stream in two pieces is another one");
    for (const auto& e : whole) static_cast<void>(bundle_wire::read_bundle_event(e.data));
}

inline const json_limits& limits() {
    static const json_limits all;
    return all;
}

/// A row that an older program could not read and kept as it came.
inline unread_row kept(std::string_view text) {
    unread_row row;
    row.name = {"task", "t1"};
    row.version = 1;
    row.text = text;
    return row;
}

inline response answer_with(int status, std::string_view body) { return {status, {{"Content-Type", "application/json"}}, std::string{body}}; }

inline constexpr std::size_t decoder_count = 37;
inline const std::array<decoder, decoder_count>& decoders() {
    namespace bw = bundle_wire;
    namespace mw = mutation_wire;
    static const std::array<decoder, decoder_count> all{{
        {"json", canonical},
        {"rfc3339", rfc3339},
        {"ulid", [](std::string_view s) { there_and_back(s, [](std::string_view x) { return parse_ulid(x); }, [](const ulid& u) { return to_string(u); }); }},
        {"uuid", [](std::string_view s) { there_and_back(s, [](std::string_view x) { return parse_uuid(x); }, [](const uuid& u) { return to_string(u); }); }},
        {"hex", [](std::string_view s) { there_and_back(s, [](std::string_view x) { return hex_decode(x); }, [](const std::string& x) { return hex_encode(x); }); }},
        {"base64", [](std::string_view s) { there_and_back(s, [](std::string_view x) { return base64_decode(x); }, [](const std::string& x) { return base64_encode(x); }); }},
        {"cursor", [](std::string_view s) { static_cast<void>(bw::query_number(s, "after_bundle_seq", 0, 0)); }},
        {"http_date", [](std::string_view s) { static_cast<void>(parse_http_date(s)); }},
        {"decimal", [](std::string_view s) { static_cast<void>(syncline::detail::read_decimal(s)); }},
        {"json_set", [](std::string_view s) { static_cast<void>(syncline::detail::read_json_set(value::json(std::string{s}))); }},
        {"sse", sse},
        {"record", [](std::string_view s) { there_and_back(s, [](std::string_view x) { return decode_record(x); }, [](const record& r) { return encode_record(r); }); }},
        {"intent",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_intent({1, "t1"}, x); }, [](const intent& i) { return encode_intent(i); });
         }},
        {"audience",
         [](std::string_view s) { there_and_back(s, [](std::string_view x) { return decode_audience(x); }, [](const audience& a) { return encode_audience(a); }); }},
        {"device_view",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_view(schemas(), x); }, [](const device_view& v) { return encode_view(schemas(), v); });
         }},
        {"session_note",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_session_note(x); }, [](const session_note& n) { return encode_session_note(n); });
         }},
        {"source_standing",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_source_standing(x); }, [](const source_standing& n) { return encode_source_standing(n); });
         }},
        {"tenant_scope",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_tenant_scope(x); }, [](const tenant_scope& n) { return encode_tenant_scope(n); });
         }},
        {"batch_mark",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return syncline::detail::decode_batch_mark(x); }, [](const batch_mark& n) { return syncline::detail::encode_batch_mark(n); });
         }},
        {"receipt",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_receipt("m1", {1, "t1"}, x); }, [](const receipt& r) { return encode_receipt(r); });
         }},
        {"legacy_device",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_legacy_device(x); }, [](const legacy_device& n) { return encode_legacy_device(n); });
         }},
        {"legacy_record",
         [](std::string_view s) {
             there_and_back(s, [](std::string_view x) { return decode_legacy_record(schemas()[1], x); }, [](const legacy_record& n) { return encode_legacy_record(schemas()[1], n); });
         }},
        {"mutation_push", [](std::string_view s) { static_cast<void>(mw::read_push(s, schemas(), limits(), 100, "id")); }},
        {"mutation_pull", [](std::string_view s) { static_cast<void>(mw::read_pull(s, schemas(), limits(), 100, 100)); }},
        {"mutation_push_answer", [](std::string_view s) { static_cast<void>(mw::read_push_answer(s, schemas(), sent(), limits())); }},
        {"mutation_page", [](std::string_view s) { static_cast<void>(mw::read_pull_answer(s, schemas(), cursor{}, limits())); }},
        {"mutation_kept_row", [](std::string_view s) { static_cast<void>(mw::read_kept_row(kept(s), schemas(), limits())); }},
        {"plain_push_answer", [](std::string_view s) { static_cast<void>(mw::read_plain_push_answer(s, schemas(), sent(), mw::plain_form{}, limits())); }},
        {"plain_page", [](std::string_view s) { static_cast<void>(mw::read_plain_page(s, schemas(), cursor{}, mw::plain_form{}, limits())); }},
        {"bundle_create",
         [](std::string_view s) {
             static_cast<void>(bw::read_create(s, limits()));
             static_cast<void>(bw::read_create_answer(s, 3, limits()));
         }},
        {"bundle_chunk",
         [](std::string_view s) {
             bw::chunk_fault bad;
             static_cast<void>(bw::read_chunk(s, names(), limits(), 100, timestamp{}, bad));
             static_cast<void>(bw::read_chunk_answer(s, "p", limits()));
         }},
        {"bundle_commit",
         [](std::string_view s) {
             static_cast<void>(bw::read_commit_answer(s, limits()));
             static_cast<void>(bw::read_obstacles(answer_with(409, s), names(), limits()));
             static_cast<void>(bw::read_refusal(answer_with(409, s), limits()));
         }},
        {"bundle_committed_rows",
         [](std::string_view s) {
             bw::bundle_hasher hasher;
             static_cast<void>(bw::read_committed_page(s, names(), 0, hasher, limits()));
         }},
        {"bundle_pull", [](std::string_view s) { static_cast<void>(bw::read_pull_answer(s, names(), cursor{}, limits())); }},
        {"bundle_snapshot",
         [](std::string_view s) {
             static_cast<void>(bw::read_snapshot_request(s, limits()));
             static_cast<void>(bw::read_snapshot(s, limits()));
             static_cast<void>(bw::read_snapshot_page(s, names(), "s", 0, limits()));
         }},
        {"bundle_connect",
         [](std::string_view s) {
             static_cast<void>(bw::read_connect(s, limits()));
             static_cast<void>(bw::read_connect_answer(s, limits()));
         }},
        {"bundle_capabilities", [](std::string_view s) { static_cast<void>(bw::read_capabilities(s, limits())); }},
    }};
    return all;
}

}  // namespace fuzz

#endif
