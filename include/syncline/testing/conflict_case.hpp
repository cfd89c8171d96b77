#ifndef SYNCLINE_TESTING_CONFLICT_CASE_HPP
#define SYNCLINE_TESTING_CONFLICT_CASE_HPP

#include <syncline/change/intent.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/conflict/decide.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/value.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/resolver_laws.hpp>
#include <syncline/testing/verdict.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// What became of a `conflict_case`.
class decided_case {
public:
    decided_case(model_schema schema, decision made, std::optional<resolution> said, verdict sound)
        : schema_(std::move(schema)), made_(std::move(made)), said_(std::move(said)), sound_(std::move(sound)) {}

    /// Field @p name of the row that is there afterwards; null where there is none, or no such field.
    [[nodiscard]] value field(std::string_view name) const {
        const auto f = schema_.find_field(name);
        return f && made_.row && *f < made_.row->fields.size() ? made_.row->fields[*f] : value::null();
    }
    /// Whether a row is there afterwards.
    [[nodiscard]] bool has_row() const noexcept { return made_.row.has_value(); }
    /// Whether it waits for a person.
    [[nodiscard]] bool waits() const noexcept { return made_.what == decision::verb::refuse; }
    /// What that person is told.
    [[nodiscard]] std::string why() const { return made_.why ? made_.why->detail : std::string{}; }
    /// Whether the resolver was asked at all: where fields do not overlap, or have a merge, it is not.
    [[nodiscard]] bool asked() const noexcept { return said_.has_value(); }
    /// What it said, in words; empty: it was not asked.
    [[nodiscard]] std::string answer() const { return said_ ? resolver_laws::text_of(schema_, *said_) : std::string{}; }
    /// The whole decision. `row` is the row that is there afterwards, also where nothing is written.
    [[nodiscard]] const decision& made() const noexcept { return made_; }
    /// Whether the answer keeps `resolver_laws`, and whether the case was put together of what the schema has.
    [[nodiscard]] const verdict& sound() const noexcept { return sound_; }

private:
    model_schema schema_;
    decision made_;
    std::optional<resolution> said_;
    verdict sound_;
};

/// A conflict of one record in a test, decided as an authority or a replica decides it: fields that nobody else changed and fields with a merge
/// first, and the resolver about the rest.
///
/// ```cpp
/// const auto d = conflict_case(schema)
///                    .base({{"title", value::text("milk")}})
///                    .server({{"title", value::text("bread")}})
///                    .client({{"title", value::text("cheese")}})
///                    .decide(keep_both_titles);
/// CHECK(d.field("title") == value::text("bread / cheese"));
/// CHECK(d.sound());
/// ```
class conflict_case {
public:
    using named = std::vector<std::pair<std::string_view, value>>;

    explicit conflict_case(model_schema schema, std::string key = "k1") : schema_(std::move(schema)), key_{0, std::move(key)} {}
    /// The record of a described model: the row that both sides saw, and what each made of it; nothing: it erased it, or there was none.
    template <model T>
    [[nodiscard]] static conflict_case between(const std::optional<T>& base, const std::optional<T>& server, const std::optional<T>& client) {
        auto described = schema_of<T>();
        conflict_case out{described ? *std::move(described) : model_schema{}, base ? key_of(*base) : server ? key_of(*server) : client ? key_of(*client) : "k1"};
        if (!described) out.wrong_.find("the case: " + described.error().detail);
        const auto row = [](const std::optional<T>& of) { return of ? std::optional<record>{to_record(*of)} : std::nullopt; };
        out.base_ = row(base);
        out.server_ = row(server);
        out.client_ = row(client);
        return out;
    }

    /// The row that both sides saw, fields that are not named null. Without it there was none, and both sides made the record.
    conflict_case& base(const named& fields) {
        base_ = with(record{}, fields);
        server_ = client_ = base_;
        return *this;
    }
    /// What the server's row has otherwise.
    conflict_case& server(const named& fields) {
        server_ = with(server_.value_or(record{}), fields);
        return *this;
    }
    /// What the client made of it.
    conflict_case& client(const named& fields) {
        client_ = with(client_.value_or(record{}), fields);
        return *this;
    }
    conflict_case& server_erased() {
        server_.reset();
        return *this;
    }
    conflict_case& client_erased() {
        client_.reset();
        return *this;
    }
    /// The client's erase would take along a live record of model @p victim that it does not name.
    conflict_case& cascades_to(std::string victim) {
        victim_ = std::move(victim);
        return *this;
    }
    /// When each side wrote. Without it at the same time.
    conflict_case& at(timestamp server, timestamp client) {
        server_time_ = server;
        client_time_ = client;
        return *this;
    }
    /// Who made the change, and when it is decided.
    conflict_case& by(std::string principal, timestamp now) {
        principal_ = std::move(principal);
        now_ = now;
        return *this;
    }

    /// Decides it by @p r.
    [[nodiscard]] decided_case decide(const resolver& r) const {
        verdict sound = wrong_;
        if (!client_ && !base_) sound.find("the case has no change of the client: name the fields that it sets, or the row that it erases");
        std::optional<resolution> said;
        const resolver heard = [&](const conflict& c, const resolver_context& context) {
            sound.add(resolver_laws::check(r, c, context));
            said = r(c, context);
            return *said;
        };
        const intent change = made_by_client();
        const decision_input in{schema_, change, server_, 2, changed(base_, server_), server_time_, client_time_};
        const resolver_context context{principal_, now_};
        const resolver_set all{heard};
        decision d = victim_.empty() ? syncline::decide(in, all, context) : decide_cascade(in, victim_, all, context);
        const bool stays = d.what == decision::verb::take_server || d.what == decision::verb::refuse;
        if (stays) d.row = server_;
        return {schema_, std::move(d), std::move(said), std::move(sound)};
    }

private:
    [[nodiscard]] record with(record row, const named& fields) {
        row.fields.resize(schema_.fields.size());
        for (const auto& [name, to] : fields) {
            if (const auto f = schema_.find_field(name)) row.fields[*f] = to;
            else wrong_.find("the case names `" + std::string(name) + "`, which model `" + schema_.name + "` does not have");
        }
        return row;
    }
    [[nodiscard]] field_set changed(const std::optional<record>& from, const std::optional<record>& to) const {
        return from && to ? differing_fields(*from, *to) : schema_.all_fields();
    }
    [[nodiscard]] intent made_by_client() const {
        intent out;
        out.key = key_;
        out.op = !client_ ? operation::erase : base_ ? operation::update : operation::create;
        out.before = base_;
        out.base.row_version = base_ ? 1 : 0;
        out.edited_at = client_time_;
        const field_set fields = client_ ? changed(base_, client_) : field_set{};
        for (std::size_t f = 0; f < schema_.fields.size(); ++f)
            if (fields.contains(static_cast<field_index>(f))) out.changes.set(static_cast<field_index>(f), client_->fields[f]);
        return out;
    }

    model_schema schema_;
    record_key key_;
    std::optional<record> base_;
    std::optional<record> server_;
    std::optional<record> client_;
    std::string victim_;
    std::string principal_ = "ann";
    timestamp now_ = from_microseconds(1'700'000'000'000'000);
    timestamp server_time_ = now_;
    timestamp client_time_ = now_;
    verdict wrong_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
