#ifndef SYNCLINE_TESTING_MAPPER_CASE_HPP
#define SYNCLINE_TESTING_MAPPER_CASE_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/builders.hpp>
#include <syncline/testing/verdict.hpp>
#include <syncline/wire/mutation/payload_mapper.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What became of a `mapper_case`.
class mapped_case {
public:
    mapped_case(model_schema schema, mutation after, std::optional<rejection> refused, verdict sound)
        : schema_(std::move(schema)), after_(std::move(after)), refused_(std::move(refused)), sound_(std::move(sound)) {}

    [[nodiscard]] bool accepted() const noexcept { return !refused_; }
    /// The code and the words with which it was refused.
    [[nodiscard]] std::optional<errc> code() const { return refused_ ? std::optional{refused_->why.code} : std::nullopt; }
    [[nodiscard]] std::string why() const { return refused_ ? refused_->why.detail : std::string{}; }
    /// What was said about field @p name (empty: about the record); empty: nothing.
    [[nodiscard]] std::string message(std::string_view name) const {
        if (refused_)
            for (const auto& m : refused_->messages)
                if (m.field == name) return m.text;
        return {};
    }
    /// Field @p name of the row that the change makes now; null where it makes none, or there is no such field.
    [[nodiscard]] value field(std::string_view name) const {
        const auto f = schema_.find_field(name);
        return f && after_.what.op != operation::erase ? after_.what.whole(schema_.fields.size()).fields[*f] : value::null();
    }
    /// The change as it goes on.
    [[nodiscard]] const mutation& change() const noexcept { return after_; }
    /// What is asked of each of them, whatever it is for: the same change is shaped and judged the same way each time, keeps its id, its model and
    /// its key; fields that are set are there and of their kind; messages speak of fields that are there. Also whether the case was put
    /// together of what the schema has.
    [[nodiscard]] const verdict& sound() const noexcept { return sound_; }

private:
    model_schema schema_;
    mutation after_;
    std::optional<rejection> refused_;
    verdict sound_;
};

/// Runs a mapper or a validator of the host on one change, without an engine.
///
/// ```cpp
/// const auto m = mapper_case(schemas, edit(schemas, "task", "k1").set("title", value::text(" milk "))).map(trim_titles);
/// CHECK(m.accepted());
/// CHECK(m.field("title") == value::text("milk"));
/// CHECK(m.sound());
/// ```
/// Refers to the schemas.
class mapper_case {
public:
    mapper_case(const schema_set& schemas, const edit_builder& change) : schemas_(&schemas) {
        auto made = change.as_mutation("m1");
        if (made) change_ = *std::move(made);
        else wrong_.find("the case: " + made.error().detail);
    }
    /// Who makes it. Without it `ann` of the tenant `main`, by the device `device`.
    mapper_case& from(caller who) {
        who_ = std::move(who);
        return *this;
    }

    /// The change after `authority_options::mapper`.
    [[nodiscard]] mapped_case map(const mutation_mapper& mapper) const {
        mutation first = change_;
        mutation second = change_;
        if (!wrong_) return judged(std::move(first), std::nullopt, wrong_);
        auto refused = mapper(who_, first);
        const auto again = mapper(who_, second);
        verdict sound;
        if (!same(refused, again) || first.id != second.id || !(first.what == second.what))
            sound.find("the same change is mapped in two ways; a mapper must not read or keep anything but its arguments");
        if (first.id != change_.id) sound.find("the mapper changes the mutation's id; a retry would not be known again");
        if (!(first.what.key == change_.what.key)) sound.find("the mapper changes the key of the record; the device would never see what became of its own");
        return judged(std::move(first), std::move(refused), std::move(sound));
    }
    /// The judgement of `authority_options::validate`, on the row that the change makes of the row before.
    [[nodiscard]] mapped_case validate(const validator& validate) const {
        if (!wrong_) return judged(change_, std::nullopt, wrong_);
        const record after = change_.what.whole(schema().fields.size());
        const record* const before = change_.what.before ? &*change_.what.before : nullptr;
        const proposed_change proposed{who_, schema(), change_.what.key, change_.what.op, before, change_.what.op == operation::erase ? nullptr : &after};
        auto refused = validate(proposed);
        verdict sound;
        if (!same(refused, validate(proposed))) sound.find("the same change is judged in two ways; a validator must not read or keep anything but its arguments");
        return judged(change_, std::move(refused), std::move(sound));
    }
    /// The change after `mutation_client_options::outbound` or `inbound`, which shape a row.
    [[nodiscard]] mapped_case shape(const payload_mapper& mapper) const {
        if (!wrong_) return judged(change_, std::nullopt, wrong_);
        mutation first = change_;
        mutation second = change_;
        auto done = mutation_wire::shape_intent(mapper, schema(), first.what);
        const auto again = mutation_wire::shape_intent(mapper, schema(), second.what);
        verdict sound;
        if (done.has_value() != again.has_value() || !(first.what == second.what))
            sound.find("the same row is shaped in two ways; a mapper must not read or keep anything but its arguments");
        std::optional<rejection> refused;
        if (!done) refused = rejection{{done.error().code, done.error().detail}, {}};
        return judged(std::move(first), std::move(refused), std::move(sound));
    }

private:
    [[nodiscard]] const model_schema& schema() const { return (*schemas_)[change_.what.key.model]; }
    [[nodiscard]] static bool same(const std::optional<rejection>& a, const std::optional<rejection>& b) {
        return a.has_value() == b.has_value() && (!a || (a->why == b->why && a->messages == b->messages));
    }
    [[nodiscard]] mapped_case judged(mutation after, std::optional<rejection> refused, verdict sound) const {
        const model_schema of = schemas_->contains(after.what.key.model) ? (*schemas_)[after.what.key.model] : model_schema{};
        for (const auto& change : after.what.changes) {
            if (change.field >= of.fields.size())
                sound.find("field " + std::to_string(change.field) + " is set, and model `" + of.name + "` has " + std::to_string(of.fields.size()));
            else if (!change.to.is_null() && change.to.kind() != of.fields[change.field].kind)
                sound.find("`" + of.fields[change.field].name + "` is set to " + std::string(name_of(change.to.kind())) + ", the field holds " +
                           std::string(name_of(of.fields[change.field].kind)));
        }
        if (refused)
            for (const auto& m : refused->messages)
                if (!m.field.empty() && !of.find_field(m.field))
                    sound.find("a message speaks of `" + m.field + "`, which model `" + of.name + "` does not have; an app could not show it anywhere");
        return {of, std::move(after), std::move(refused), std::move(sound)};
    }

    const schema_set* schemas_;
    caller who_{"main", "ann", "device"};
    mutation change_;
    verdict wrong_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
