#ifndef SYNCLINE_TESTING_BUILDERS_HPP
#define SYNCLINE_TESTING_BUILDERS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// Builds one change of one record, field by field and by their names, and gives it in each form that the library has for it. Without a
/// further word it is an update of a record that had nothing in its fields, at version 1.
///
/// ```cpp
/// const auto renamed = edit(schemas, "task", "k1").was("title", value::text("milk")).set("title", value::text("bread")).intent();
/// ```
///
/// A name that the schema does not have is told by whatever is built at the end. Refers to the schemas.
class edit_builder {
public:
    edit_builder(const schema_set& schemas, std::string_view model, std::string key) : schemas_(&schemas) {
        out_.key.key = std::move(key);
        out_.base.row_version = 1;
        if (const auto id = schemas.find(model)) out_.key.model = *id;
        else why_ = make_fault(errc::unknown_model, "no model `", model, "` is among the schemas; name one that is");
        if (known()) before_.fields.resize(schema().fields.size());
    }

    /// What field @p name becomes.
    edit_builder& set(std::string_view name, value to) {
        if (const auto f = field(name)) out_.changes.set(*f, std::move(to));
        return *this;
    }
    /// What field @p name was when the user saw it.
    edit_builder& was(std::string_view name, value before) {
        if (const auto f = field(name)) before_.fields[*f] = std::move(before);
        return *this;
    }
    /// The whole row as the user saw it.
    edit_builder& on(record before) {
        before_ = std::move(before);
        if (known()) before_.fields.resize(schema().fields.size());
        return *this;
    }
    /// It makes the record; fields that are not set are null. The record was never seen.
    edit_builder& creates() {
        out_.op = operation::create;
        out_.base.row_version = 0;
        return *this;
    }
    /// It erases the record.
    edit_builder& erases() {
        out_.op = operation::erase;
        return *this;
    }
    /// The version that the user saw, and the own mutation since, if any.
    edit_builder& at_version(std::int64_t row_version, mutation_id after = {}) {
        out_.base = {row_version, std::move(after)};
        return *this;
    }
    /// When it was made.
    edit_builder& at(timestamp when) {
        out_.edited_at = when;
        return *this;
    }
    /// Its place in the device's order.
    edit_builder& numbered(std::uint64_t ordinal) {
        out_.ordinal = ordinal;
        return *this;
    }

    /// The change as a replica keeps it.
    /// @return `errc::unknown_model` or `errc::unknown_field` for what a name was wrong
    [[nodiscard]] result<syncline::intent> intent() const {
        if (why_) return *why_;
        syncline::intent made = out_;
        if (made.op != operation::create) made.before = before_;
        if (made.op == operation::erase) made.changes = {};
        if (made.op == operation::create)
            for (std::size_t f = 0; f < schema().fields.size(); ++f)
                if (made.changes.find(static_cast<field_index>(f)) == nullptr) made.changes.set(static_cast<field_index>(f), value::null());
        return made;
    }
    /// The same under an id, as an authority receives it.
    [[nodiscard]] result<mutation> as_mutation(mutation_id id) const {
        auto what = intent();
        if (!what) return std::move(what).error();
        return mutation{std::move(id), *std::move(what)};
    }
    /// The same as part of a batch that is being sent.
    [[nodiscard]] result<batch_item> as_item(mutation_id id, std::uint32_t position = 0) const {
        auto what = intent();
        if (!what) return std::move(what).error();
        return batch_item{std::move(id), position, *std::move(what)};
    }
    /// The row that it makes; nothing: it erases the record.
    [[nodiscard]] result<std::optional<record>> row() const {
        auto what = intent();
        if (!what) return std::move(what).error();
        if (what->op == operation::erase) return std::optional<record>{};
        return std::optional<record>{what->whole(schema().fields.size())};
    }
    /// Its effect as a row of an authority's log.
    [[nodiscard]] result<row_change> as_change(std::int64_t version, std::int64_t stamp = 0, mutation_id writer = {}) const {
        auto after = row();
        if (!after) return std::move(after).error();
        row_change out;
        out.key = out_.key;
        out.op = out_.op;
        out.version = version;
        out.stamp = stamp;
        out.after = *std::move(after);
        out.fields = out_.op == operation::update ? out_.changes.fields() : schema().all_fields();
        out.writer = std::move(writer);
        out.written_at = out_.edited_at;
        return out;
    }
    /// Its effect on its way to a device.
    [[nodiscard]] result<row_image> as_image(std::int64_t version) const {
        auto after = row();
        if (!after) return std::move(after).error();
        return row_image{out_.key, version, *std::move(after), {}};
    }

private:
    [[nodiscard]] bool known() const { return schemas_->contains(out_.key.model); }
    [[nodiscard]] const model_schema& schema() const { return (*schemas_)[out_.key.model]; }
    [[nodiscard]] std::optional<field_index> field(std::string_view name) {
        if (why_) return std::nullopt;
        const auto f = schema().find_field(name);
        if (!f) why_ = make_fault(errc::unknown_field, "model `", schema().name, "` has no field `", name, "`; name one that it has");
        return f;
    }

    const schema_set* schemas_;
    syncline::intent out_;
    record before_;
    std::optional<fault> why_;
};

/// Begins a change of the record @p key of @p model.
[[nodiscard]] inline edit_builder edit(const schema_set& schemas, std::string_view model, std::string key) { return {schemas, model, std::move(key)}; }
edit_builder edit(schema_set&&, std::string_view, std::string) = delete;

/// The change that turns @p before into @p after: nothing before is a create, nothing after an erase.
/// @return `errc::invalid_argument` where both are nothing or have different keys, `errc::unknown_model` where @p schemas lack the model
template <model T>
[[nodiscard]] result<intent> change_of(const schema_set& schemas, const std::optional<T>& before, const std::optional<T>& after) {
    if (!before && !after) return make_fault(errc::invalid_argument, "a change from nothing to nothing is none");
    const std::string key = key_of(before ? *before : *after);
    if (before && after && key_of(*after) != key) return make_fault(errc::invalid_argument, "a change leaves the key of its record alone");
    const std::string_view name = model_traits<T>::name();
    edit_builder out{schemas, name, key};
    if (before) out.on(to_record(*before));
    else out.creates();
    if (!after) out.erases();
    if (after && schemas.find(name)) {
        const model_schema& schema = schemas[*schemas.find(name)];
        const record row = to_record(*after);
        const record old = before ? to_record(*before) : record{};
        for (std::size_t f = 0; f < row.fields.size() && f < schema.fields.size(); ++f)
            if (!before || !(old.fields[f] == row.fields[f])) out.set(schema.fields[f].name, row.fields[f]);
    }
    return out.intent();
}

/// A record of @p schema from some of its fields, the others null.
/// @return `errc::unknown_field` for a name that it does not have
[[nodiscard]] inline result<record> make_record(const model_schema& schema, std::vector<std::pair<std::string_view, value>> fields) {
    record out;
    out.fields.resize(schema.fields.size());
    for (auto& [name, to] : fields) {
        const auto f = schema.find_field(name);
        if (!f) return make_fault(errc::unknown_field, "model `", schema.name, "` has no field `", name, "`; name one that it has");
        out.fields[*f] = std::move(to);
    }
    return out;
}

/// Builds a sealed bundle. Rows get its number for a version, and stamps that rise by one.
class bundle_builder {
public:
    explicit bundle_builder(std::int64_t seq, std::int64_t first_stamp = 1) {
        out_.head.seq = seq;
        out_.head.source = "server";
        out_.head.first_stamp = first_stamp;
    }
    /// Who committed it, and under which number of its own.
    bundle_builder& from(std::string source, std::int64_t source_bundle_id) {
        out_.head.source = std::move(source);
        out_.head.source_bundle_id = source_bundle_id;
        return *this;
    }
    /// Adds the effect of @p of.
    bundle_builder& row(const edit_builder& of, mutation_id writer = {}) {
        auto made = of.as_change(out_.head.seq, out_.head.first_stamp + static_cast<std::int64_t>(out_.rows.size()), std::move(writer));
        if (made) out_.rows.push_back(*std::move(made));
        else if (!why_) why_ = std::move(made).error();
        return *this;
    }
    /// @return the fault of the first row that could not be built
    [[nodiscard]] result<bundle> sealed() const {
        if (why_) return *why_;
        bundle made = out_;
        made.head.row_count = static_cast<std::uint32_t>(made.rows.size());
        return made;
    }

private:
    bundle out_;
    std::optional<fault> why_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
