#ifndef SYNCLINE_ENGINE_CONTENT_HASH_HPP
#define SYNCLINE_ENGINE_CONTENT_HASH_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/version.hpp>

#include <cstdint>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The hash of what is sent under a mutation id; an id that comes again with another one is refused (ENGINE.md rule 8).
[[nodiscard]] inline std::string content_hash(const schema_set& schemas, const intent& what) {
    intent plain = what;
    plain.ordinal = 0;
    plain.waiting.reset();
    std::string bytes;
    byte_writer w{bytes};
    w.text(schemas[what.key.model].name);
    w.text(what.key.key);
    bytes.append(encode_intent(plain));
    return sha256_hex(bytes);
}

/// The hash of a source bundle's content: models, keys, operations, bases and whole rows, in upload order. Device and authority
/// compute it alike, so that a device can tell a receipt for other content (ENGINE.md rule 8).
[[nodiscard]] inline std::string bundle_content_hash(const schema_set& schemas, const std::vector<mutation>& rows) {
    std::string bytes;
    byte_writer w{bytes};
    sha256 hash;
    for (const auto& row : rows) {
        bytes.clear();
        const auto& schema = schemas[row.what.key.model];
        w.text(schema.name);
        w.text(row.what.key.key);
        w.number(static_cast<std::uint64_t>(row.what.op));
        w.signed_number(row.what.base.row_version);
        if (row.what.op != operation::erase) w.put(row.what.whole(schema.fields.size()));
        hash.update(bytes);
    }
    const auto digest = hash.finish();
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const auto byte : digest) {
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
    }
    return out;
}

SYNCLINE_NAMESPACE_END

#endif
