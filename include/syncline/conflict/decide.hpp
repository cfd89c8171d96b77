#ifndef SYNCLINE_CONFLICT_DECIDE_HPP
#define SYNCLINE_CONFLICT_DECIDE_HPP

#include <syncline/change/coalesce.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/conflict/overlap.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// What becomes of a change that met changes of others. The same at either deciding place (ENGINE.md rule 1).
struct decision {
    enum class verb : std::uint8_t {
        write,        ///< `row` is to be written
        erase,        ///< the record is to be erased
        take_server,  ///< nothing is written: the authority's row stays, the change is superseded
        nothing,      ///< nothing is written: what was wanted is already so
        refuse,       ///< nothing is written: a person, a retry or an edit is needed
    };
    verb what = verb::take_server;
    std::optional<record> row;  ///< for write
    field_set lost;             ///< the change's fields that it gave up
    field_set decided;          ///< the fields that a resolver spoke about
    bool merged_or_decided = false;  ///< it met a change of others: its receipt is not clean
    std::string rule;           ///< in words: which rule on which fields, which resolver and why, who won, and the versions
    std::optional<wait_reason> why;  ///< for refuse
};

/// What the deciding place knows beside the change.
struct decision_input {
    const model_schema& schema;
    const intent& change;
    const std::optional<record>& server;  ///< the current row
    std::int64_t server_version = 0;
    field_set server_fields;              ///< fields that others changed since the change's base
    timestamp server_time{};              ///< see `conflict`
    timestamp client_time{};
};

namespace detail {

// What a resolver cannot have meant decides nothing: a person looks at it.
[[nodiscard]] inline resolution checked(const model_schema& schema, resolution said) {
    if (said.what != resolution::verb::merged) return said;
    bool fits = said.fields.empty();
    for (const auto& f : said.fields) {
        if (f.field >= schema.fields.size()) continue;  // passed over, where it says something of the others
        fits = true;
        if (!f.to.is_null() && f.to.kind() != schema.fields[f.field].kind)
            return resolution::defer("the resolver gave a value of another kind than the field's; correct the resolver, then retry, edit, discard, or take the server's row");
    }
    if (!fits)
        return resolution::defer("the resolver named no field that the model has; correct the resolver, then retry, edit, discard, or take the server's row");
    return said;
}

[[nodiscard]] inline wait_reason refusal_of(const resolution& said) {
    if (said.what == resolution::verb::defer)
        return {errc::conflict, said.reason.empty() ? std::string{"the change meets a newer one of the same record and the "
                                                                  "resolver leaves it to a person: retry, edit, discard, or "
                                                                  "take the server's row"}
                                                    : said.reason};
    return {errc::conflict, said.reason.empty() ? std::string{"the resolver refused the change"} : said.reason};
}

// The names of @p fields in brackets, for the text of a rule.
[[nodiscard]] inline std::string field_list(const model_schema& schema, const field_set& fields) {
    std::string out;
    for (std::size_t f = 0; f < schema.fields.size(); ++f)
        if (fields.contains(static_cast<field_index>(f))) out.append(out.empty() ? " (" : ", ").append(schema.fields[f].name);
    return out.empty() ? out : out.append(")");
}

[[nodiscard]] inline std::string versions_text(const decision_input& in) {
    std::string out{"; base version "};
    return out.append(std::to_string(in.change.base.row_version)).append(", server version ").append(std::to_string(in.server_version));
}

// A decision that no resolver was asked about.
[[nodiscard]] inline std::string rule_text(const decision_input& in, std::string rule, std::string_view winner) {
    return rule.append("; resolver: none asked; winner: ").append(winner).append(versions_text(in));
}

[[nodiscard]] inline std::string rule_text(const decision_input& in, std::string rule, const resolution& said) {
    rule.append("; resolver: ").append(name_of(said.what));
    if (!said.reason.empty()) rule.append(" (").append(said.reason).append(")");
    rule.append("; winner: ");
    switch (said.what) {
    case resolution::verb::take_server: rule.append("server"); break;
    case resolution::verb::take_client: rule.append("client"); break;
    case resolution::verb::merged: rule.append("both"); break;
    case resolution::verb::refuse: rule.append("nobody, it is refused"); break;
    case resolution::verb::defer: rule.append("nobody yet, a person decides"); break;
    }
    return rule.append(versions_text(in));
}

}  // namespace detail

/// Decides a change that others' changes (`server_fields`) stand against.
///
/// First what needs no resolver: an erase of a dead record is fulfilled, a create on a dead key takes what is there
/// (ENGINE.md rule 10), fields that nobody else changed are taken, and fields with a merge are merged. Only what is left
/// overlapping goes to the resolver, and `take_server` then gives up just that.
[[nodiscard]] inline decision decide(const decision_input& in, const resolver_set& resolvers, const resolver_context& context) {
    const std::size_t count = in.schema.fields.size();
    decision d;
    d.merged_or_decided = true;
    const bool alive = in.server.has_value();

    if (in.change.op == operation::erase && !alive) {
        d.what = decision::verb::nothing;
        d.rule = detail::rule_text(in, "erase of a dead record: already so", "both");
        return d;
    }
    if (in.change.op == operation::create && !alive) {
        d.what = decision::verb::write;
        d.row = in.change.whole(count);
        d.rule = detail::rule_text(in, "create on a dead key takes what is there", "client");
        return d;
    }

    const record wanted = in.change.op == operation::erase ? record{} : in.change.whole(count);
    conflict c;
    c.key = in.change.key;
    c.schema = &in.schema;
    c.server_op = alive ? operation::update : operation::erase;
    if (alive && in.change.op == operation::create) c.server_op = operation::create;
    c.client_op = in.change.op;
    c.server = alive ? &*in.server : nullptr;
    c.client = in.change.op == operation::erase ? nullptr : &wanted;
    c.base = in.change.before ? &*in.change.before : nullptr;
    c.server_version = in.server_version;
    c.client_fields = in.change.op == operation::erase ? in.schema.all_fields() : in.change.changes.fields();
    c.server_fields = in.change.op == operation::create || !alive ? in.schema.all_fields() : in.server_fields;
    c.server_time = in.server_time;
    c.client_time = in.client_time;

    if (in.change.op == operation::erase || !alive) {
        c.overlapping = c.client_fields;
        const resolution said = detail::checked(in.schema, resolvers.decide(c, context));
        d.decided = c.client_fields;
        d.rule = detail::rule_text(in, alive ? "erase meets a newer change" : "update of a record that was erased", said);
        switch (said.what) {
        case resolution::verb::take_server:
            d.what = decision::verb::take_server;
            d.lost = c.client_fields;
            break;
        case resolution::verb::take_client:
            if (in.change.op == operation::erase) {
                d.what = decision::verb::erase;
            } else {
                d.what = decision::verb::write;
                d.row = wanted;
            }
            break;
        case resolution::verb::merged:
            d.what = decision::verb::write;
            d.row = alive ? *in.server : wanted;
            for (const auto& f : said.fields)
                if (f.field < count) d.row->fields[f.field] = f.to;
            break;
        case resolution::verb::refuse:
        case resolution::verb::defer:
            d.what = decision::verb::refuse;
            d.why = detail::refusal_of(said);
            break;
        }
        return d;
    }

    // Both sides hold a row.
    record row = *in.server;
    row.fields.resize(count);
    const auto field_of_base = [&](field_index f) -> const value* {
        return in.change.before && f < in.change.before->fields.size() ? &in.change.before->fields[f] : nullptr;
    };
    const field_set against = overlapping_fields(in.schema.overlap, {c.client_fields, c.server_fields, in.client_time, in.server_time});
    // Under the other policies a change stands or falls as a whole: no merge comes before the resolver.
    const bool merges = in.schema.overlap == overlap_policy::by_field;
    for (const auto& change : in.change.changes) {
        if (change.field >= count) continue;
        auto& slot = row.fields[change.field];
        const field_merge* merge = merges ? in.schema.fields[change.field].merge : nullptr;
        const bool foreign = against.contains(change.field);
        if (merge != nullptr && merge->merge != nullptr && (foreign || merge->by_difference)) {
            const value nothing;
            const value* base = field_of_base(change.field);
            if (auto merged = merge->merge(merge_input{base != nullptr ? *base : nothing, slot, change.to, in.server_time,
                                                       in.client_time})) {
                slot = std::move(*merged);
                continue;
            }
        }
        if (foreign)
            c.overlapping.insert(change.field);
        else
            slot = change.to;
    }
    if (c.overlapping.empty()) {
        d.what = decision::verb::write;
        d.row = std::move(row);
        d.rule = detail::rule_text(in, "fields do not overlap, or have a merge: merged", "both");
        return d;
    }
    const resolution said = detail::checked(in.schema, resolvers.decide(c, context));
    bool sets_others = false;  // fields that the client left alone
    d.decided = c.overlapping;
    d.rule = detail::rule_text(in, (in.change.op == operation::create ? "create on a key that exists" : "fields overlap") +
                                       detail::field_list(in.schema, c.overlapping),
                               said);
    switch (said.what) {
    case resolution::verb::take_server: d.lost = c.overlapping; break;
    case resolution::verb::take_client:
        for (const auto& change : in.change.changes)
            if (c.overlapping.contains(change.field)) row.fields[change.field] = change.to;
        break;
    case resolution::verb::merged:
        d.lost = c.overlapping;
        for (const auto& f : said.fields) {
            if (f.field >= count) continue;
            row.fields[f.field] = f.to;
            d.lost.erase(f.field);
            sets_others = sets_others || !c.client_fields.contains(f.field);
        }
        break;
    case resolution::verb::refuse:
    case resolution::verb::defer:
        d.what = decision::verb::refuse;
        d.why = detail::refusal_of(said);
        return d;
    }
    if (d.lost == c.client_fields && !sets_others) {
        d.what = decision::verb::take_server;
        return d;
    }
    d.what = decision::verb::write;
    d.row = std::move(row);
    return d;
}

/// Decides an erase that would take along a live record of model @p victim which it does not name (ENGINE.md rule 5). The same at either
/// deciding place; the resolver is told by `conflict::cascade`. There is nothing to merge: `merged` keeps the server's row.
/// @pre the change is an erase; `server_fields` does not matter
[[nodiscard]] inline decision decide_cascade(const decision_input& in, std::string_view victim, const resolver_set& resolvers,
                                             const resolver_context& context) {
    conflict c;
    c.key = in.change.key;
    c.schema = &in.schema;
    c.client_op = operation::erase;
    c.server = in.server ? &*in.server : nullptr;
    c.base = in.change.before ? &*in.change.before : nullptr;
    c.server_version = in.server_version;
    c.client_fields = c.server_fields = c.overlapping = in.schema.all_fields();
    c.server_time = in.server_time;
    c.client_time = in.client_time;
    c.cascade = true;
    resolution said = resolvers.decide(c, context);
    if (said.what == resolution::verb::merged) said.what = resolution::verb::take_server;
    std::string rule{"the erase would take along a live record of model `"};
    decision d;
    d.rule = detail::rule_text(in, rule.append(victim).append("`"), said);
    d.decided = c.client_fields;
    d.merged_or_decided = true;
    switch (said.what) {
    case resolution::verb::take_client: d.what = decision::verb::erase; break;
    case resolution::verb::refuse:
    case resolution::verb::defer:
        d.what = decision::verb::refuse;
        d.why = detail::refusal_of(said);
        break;
    case resolution::verb::take_server:
    case resolution::verb::merged:
        d.what = decision::verb::take_server;
        d.lost = c.client_fields;
        break;
    }
    return d;
}

SYNCLINE_NAMESPACE_END

#endif
