#ifndef SYNCLINE_ENGINE_LEGACY_MEMORY_HPP
#define SYNCLINE_ENGINE_LEGACY_MEMORY_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How far a device has pulled. A row that was sealed between `at` and `head` had not been told yet at `at`, not even as it was before.
struct pulled_to {
    cursor at = 0;
    cursor head = 0;  ///< the newest stamp when the page was made that told the cursor

    friend bool operator==(const pulled_to&, const pulled_to&) = default;
};

/// What is remembered of a device that sends no base (ENGINE.md rule 9). A run is a row of pushes with no pull between them.
struct legacy_device {
    pulled_to presented{};           ///< the newest cursor that it has shown
    pulled_to given{};               ///< the cursor of the last page that it was sent
    pulled_to base{};                ///< what it had shown when its last run but the current one began
    pulled_to run_cursor{};          ///< what it had shown when its current, or last, run began
    std::int64_t run = 0;            ///< counts runs
    std::int64_t run_start = 0;      ///< the newest `bundle_seq` when its current, or last, run began
    bool running = false;            ///< no pull has come since
    bool stranger = false;           ///< it came with a cursor, and could not be told to be a device that is known
    std::optional<cursor> first{};   ///< the newest stamp when it first came, asking for everything; nothing: it came otherwise
    std::optional<cursor> walk{};    ///< the newest stamp when it last asked for everything

    friend bool operator==(const legacy_device&, const legacy_device&) = default;
};

/// What is remembered of one record that such a device has pushed.
struct legacy_record {
    mutation_id last;                   ///< its last mutation of the record that was decided; empty: none
    std::int64_t version = 0;           ///< the device's own number of the newest mutation that was decided
    std::int64_t base = 0;              ///< the `row_version` that it was taken to be made on
    std::optional<field_changes> sent;  ///< what that mutation carried; nothing for an erase
    mutation_id sent_by;                ///< the first mutation in a row that carried just that
    std::int64_t told = 0;              ///< the run in which the device was told that the server's row stands instead; 0: it was not
    std::int64_t run = 0;               ///< the run in which the record last came
    std::int64_t run_start = 0;         ///< where that run began
    std::int64_t earlier_start = 0;     ///< where the last run before it that had the record began; 0: none
    std::int64_t blocked = 0;           ///< the number of the mutation that was left out; what is above waits for it; 0: none
    std::optional<pulled_to> held{};    ///< the device's `base` when that was left out first
    std::int64_t held_run = 0;          ///< the run then
    std::int64_t held_window = 0;       ///< and where the last run before it that had the record had begun; 0: none
    std::int64_t held_to = 0;           ///< the newest number that was left out since: `held` speaks for what is not above it

    friend bool operator==(const legacy_record&, const legacy_record&) = default;
};

/// The stored form of @p d.
[[nodiscard]] inline std::string encode_legacy_device(const legacy_device& d) {
    std::string out;
    byte_writer w{out};
    for (const std::int64_t n : {d.presented.at, d.given.at, d.base.at, d.run_cursor.at, d.run, d.run_start, d.first.value_or(-1), d.walk.value_or(-1)}) w.signed_number(n);
    w.number((d.running ? 1U : 0U) + (d.stranger ? 2U : 0U));
    for (const pulled_to* p : {&d.presented, &d.given, &d.base, &d.run_cursor}) w.signed_number(p->head - p->at);
    return out;
}

/// Reads `encode_legacy_device`'s form. @return `errc::corrupt`
[[nodiscard]] inline result<legacy_device> decode_legacy_device(std::string_view bytes) {
    byte_reader in{bytes};
    legacy_device d;
    std::int64_t first = 0;
    std::int64_t walk = 0;
    for (std::int64_t* n : {&d.presented.at, &d.given.at, &d.base.at, &d.run_cursor.at, &d.run, &d.run_start, &first, &walk}) *n = in.signed_number();
    if (first >= 0) d.first = first;
    if (walk >= 0) d.walk = walk;
    const std::uint64_t flags = in.number();
    d.running = (flags & 1U) != 0;
    d.stranger = (flags & 2U) != 0;
    bool fits = true;
    for (pulled_to* p : {&d.presented, &d.given, &d.base, &d.run_cursor}) {
        const std::int64_t ahead = in.signed_number();
        const bool sum_fits = ahead >= 0 ? p->at <= (std::numeric_limits<std::int64_t>::max)() - ahead : p->at >= (std::numeric_limits<std::int64_t>::min)() - ahead;
        if (sum_fits) p->head = p->at + ahead;
        fits = fits && sum_fits;
    }
    if (!fits || !in.at_end()) return make_fault(errc::corrupt, "a stored note of a device does not decode; the bookkeeping tables were changed or damaged");
    return d;
}

/// The stored form of @p r: fields by name, so that it outlives a change of the model.
[[nodiscard]] inline std::string encode_legacy_record(const model_schema& schema, const legacy_record& r) {
    std::string out;
    byte_writer w{out};
    w.text(r.last);
    w.text(r.sent_by);
    for (const std::int64_t n : {r.told, r.version, r.base, r.run, r.run_start, r.earlier_start, r.blocked, r.held ? r.held->at : -1, r.held ? r.held->head : 0, r.held_run, r.held_window, r.held_to}) w.signed_number(n);
    w.number(r.sent ? r.sent->size() + 1 : 0);
    if (r.sent)
        for (const auto& f : *r.sent) {
            w.text(f.field < schema.fields.size() ? std::string_view{schema.fields[f.field].name} : std::string_view{});
            w.put(f.to);
        }
    return out;
}

/// Reads `encode_legacy_record`'s form; fields that the model no longer has fall out. @return `errc::corrupt`
[[nodiscard]] inline result<legacy_record> decode_legacy_record(const model_schema& schema, std::string_view bytes) {
    byte_reader in{bytes};
    legacy_record r;
    r.last = in.text();
    r.sent_by = in.text();
    pulled_to held;
    for (std::int64_t* n : {&r.told, &r.version, &r.base, &r.run, &r.run_start, &r.earlier_start, &r.blocked, &held.at, &held.head, &r.held_run, &r.held_window, &r.held_to}) *n = in.signed_number();
    if (held.at >= 0) r.held = held;
    const std::uint64_t fields = in.number();
    if (fields != 0) r.sent.emplace();
    for (std::uint64_t n = 1; n < fields && !in.failed(); ++n) {
        const auto field = schema.find_field(in.text());
        value v = in.get_value();
        if (field) r.sent->set(*field, std::move(v));
    }
    if (!in.at_end()) return make_fault(errc::corrupt, "a stored note of a record does not decode; the bookkeeping tables were changed or damaged");
    return r;
}

/// The notes of one principal's devices that send no base, in a transaction of the authority's store. Client ids hold no NUL.
template <authority_transaction Transaction>
class legacy_memory {
public:
    /// @param client_id  the device; all three outlive this object
    legacy_memory(Transaction& t, const schema_set& schemas, const std::string& principal, const std::string& client_id)
        : t_(t), schemas_(schemas), principal_(principal), client_id_(client_id) {}

    /// The device as it was noted; nothing: this client id was never seen.
    [[nodiscard]] result<std::optional<legacy_device>> device() {
        auto body = t_.find_note(principal_, device_name(client_id_));
        if (!body) return std::move(body).error();
        if (!*body) return std::optional<legacy_device>{};
        auto d = decode_legacy_device(**body);
        if (!d) return std::move(d).error();
        return std::optional<legacy_device>{*d};
    }
    [[nodiscard]] result<void> put(const legacy_device& d) { return t_.put_note(principal_, device_name(client_id_), encode_legacy_device(d)); }

    /// What is noted of @p key; nothing: the device never pushed it.
    [[nodiscard]] result<std::optional<legacy_record>> record_of(const record_key& key) { return record_of(client_id_, key); }
    [[nodiscard]] result<void> put(const record_key& key, const legacy_record& r) {
        return t_.put_note(principal_, record_name(client_id_, key), encode_legacy_record(schemas_[key.model], r));
    }

    /// A client id that was never seen shows a cursor: the principal's device whose last page, or last cursor shown, it was, if there is just
    /// one, changed its id and is called by the new one from here on.
    [[nodiscard]] result<std::optional<legacy_device>> adopt_by_cursor(cursor shown) {
        return adopt([&](const std::string&, const legacy_device& d) -> result<bool> { return d.given.at == shown || d.presented.at == shown; });
    }
    /// The same for a push: a device counts a record's mutations, so the one whose last number of a record is just below is the one.
    [[nodiscard]] result<std::optional<legacy_device>> adopt_by_versions(const std::vector<mutation>& mutations) {
        return adopt([&](const std::string& other, const legacy_device&) -> result<bool> {
            for (const auto& m : mutations) {
                const auto number = static_cast<std::int64_t>(m.what.ordinal);
                if (number < 2) continue;
                auto known = record_of(other, m.what.key);
                if (!known) return std::move(known).error();
                if (*known && ((*known)->version == number - 1 || (*known)->blocked == number)) return true;
            }
            return false;
        });
    }

    /// Forgets everything of @p client_id.
    static result<void> forget(Transaction& t, const std::string& principal, const std::string& client_id) {
        if (auto r = t.drop_notes(principal, device_name(client_id)); !r) return r;
        return t.drop_notes(principal, records_of(client_id));
    }

private:
    // A NUL ends the client id, so that no id is the beginning of another.
    static constexpr std::string_view device_prefix = "legacy/device/";
    static constexpr std::string_view record_prefix = "legacy/record/";

    [[nodiscard]] static std::string device_name(std::string_view client_id) { return named(device_prefix, client_id); }
    [[nodiscard]] static std::string records_of(std::string_view client_id) { return named(record_prefix, client_id); }
    [[nodiscard]] static std::string named(std::string_view prefix, std::string_view client_id) {
        std::string out{prefix};
        out.append(client_id).push_back('\0');
        return out;
    }
    [[nodiscard]] std::string record_name(std::string_view client_id, const record_key& key) const {
        std::string out = records_of(client_id);
        out.append(schemas_[key.model].name).push_back('\0');
        return out.append(key.key);
    }

    [[nodiscard]] result<std::optional<legacy_record>> record_of(std::string_view client_id, const record_key& key) {
        auto body = t_.find_note(principal_, record_name(client_id, key));
        if (!body) return std::move(body).error();
        if (!*body) return std::optional<legacy_record>{};
        auto r = decode_legacy_record(schemas_[key.model], **body);
        if (!r) return std::move(r).error();
        return std::optional<legacy_record>{std::move(*r)};
    }

    template <class Which>
    [[nodiscard]] result<std::optional<legacy_device>> adopt(Which which) {
        auto all = t_.notes(principal_, device_prefix);
        if (!all) return std::move(all).error();
        std::optional<std::pair<std::string, legacy_device>> found;
        for (const auto& [name, body] : *all) {
            auto d = decode_legacy_device(body);
            if (!d) return std::move(d).error();
            std::string client_id = name.substr(device_prefix.size(), name.size() - device_prefix.size() - 1);
            auto fits = which(client_id, *d);
            if (!fits) return std::move(fits).error();
            if (!*fits) continue;
            if (found) return std::optional<legacy_device>{};  // two it may be: it is neither
            found = {std::move(client_id), *d};
        }
        if (!found) return std::optional<legacy_device>{};
        const std::string old = records_of(found->first);
        auto records = t_.notes(principal_, old);
        if (!records) return std::move(records).error();
        for (const auto& [name, body] : *records)
            if (auto r = t_.put_note(principal_, records_of(client_id_).append(name.substr(old.size())), body); !r) return std::move(r).error();
        if (auto r = forget(t_, principal_, found->first); !r) return std::move(r).error();
        if (auto r = put(found->second); !r) return std::move(r).error();
        return std::optional<legacy_device>{found->second};
    }

    Transaction& t_;
    const schema_set& schemas_;
    const std::string& principal_;
    const std::string& client_id_;
};

/// Notes that a device which sends no base showed @p from, which ends its run, and was sent the cursor @p next, both as stamps.
/// @param head_stamp  the newest stamp when it was answered
template <authority_transaction Transaction>
[[nodiscard]] result<void> note_legacy_pull(Transaction& t, const schema_set& schemas, const std::string& principal, const std::string& client_id,
                                            cursor from, cursor next, cursor head_stamp) {
    legacy_memory<Transaction> memory{t, schemas, principal, client_id};
    auto known = memory.device();
    if (known && !*known && from != 0) known = memory.adopt_by_cursor(from);
    if (!known) return std::move(known).error();
    legacy_device d = known->value_or(legacy_device{});
    if (!*known && from == 0) d.first = head_stamp;
    if (!*known && from != 0) d.stranger = true;
    if (from == 0) d.walk = head_stamp;
    // Of a cursor that is not that of the last page it is not known any more how much had been sealed by then.
    if (from > d.presented.at) d.presented = from == d.given.at ? d.given : pulled_to{from, head_stamp};
    d.given = pulled_to{next, head_stamp};
    if (d.running) d.base = d.run_cursor;
    d.running = false;
    if (*known == d) return {};
    return memory.put(d);
}

SYNCLINE_NAMESPACE_END

#endif
