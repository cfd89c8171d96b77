#ifndef SYNCLINE_ENGINE_CONTENT_HASH_HPP
#define SYNCLINE_ENGINE_CONTENT_HASH_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// The fields of @p schema in the order of their names, which does not change when a program learns of more.
[[nodiscard]] inline std::vector<field_index> fields_by_name(const model_schema& schema) {
    std::vector<field_index> out(schema.fields.size());
    std::iota(out.begin(), out.end(), field_index{0});
    std::sort(out.begin(), out.end(), [&](field_index a, field_index b) { return schema.fields[a].name < schema.fields[b].name; });
    return out;
}

/// The hash of what is sent under a mutation id; an id that comes again with another one is refused (ENGINE.md rule 8). It covers what the user
/// did, field by field and by name, so that it stays the same where a program has learnt of further fields before it sends the change again, on
/// either side.
[[nodiscard]] inline std::string content_hash(const schema_set& schemas, const intent& what) {
    const auto& schema = schemas[what.key.model];
    std::string bytes;
    byte_writer w{bytes};
    w.text(schema.name);
    w.text(what.key.key);
    w.number(static_cast<std::uint64_t>(what.op));
    for (const auto f : fields_by_name(schema)) {
        const value* const to = what.changes.find(f);
        if (to == nullptr) continue;
        const bool seen = what.before && f < what.before->fields.size();
        w.text(schema.fields[f].name);
        w.put(*to);
        w.number((seen ? 1U : 0U) | (what.unseen.contains(f) ? 2U : 0U));
        if (seen) w.put(what.before->fields[f]);
    }
    w.text({});
    w.signed_number(what.base.row_version);
    w.text(what.base.after);
    w.signed_number(to_microseconds(what.edited_at));
    return sha256_hex(bytes);
}

/// The hash of a source bundle's content: models, keys, operations, bases and whole rows, in upload order. Device and authority
/// compute it alike, so that a device can tell a receipt for other content (ENGINE.md rule 8). Fields go by name, without those that are null: a
/// program that does not know one hashes as one that does.
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
        w.signed_number(row.what.told_row_version());
        if (row.what.op != operation::erase) {
            const record whole = row.what.whole(schema.fields.size());
            const field_set left_out = row.what.left_out();
            for (const auto f : fields_by_name(schema)) {
                if (whole.fields[f].is_null() || left_out.contains(f)) continue;
                w.text(schema.fields[f].name);
                w.put(whole.fields[f]);
            }
        }
        hash.update(bytes);
    }
    return sha256_hex_of(hash.finish());
}

SYNCLINE_NAMESPACE_END

#endif
