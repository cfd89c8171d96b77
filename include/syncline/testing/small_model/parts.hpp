#ifndef SYNCLINE_TESTING_SMALL_MODEL_PARTS_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_PARTS_HPP

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/small_model/names.hpp>
#include <syncline/testing/small_model/rules.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

/// A number that stands for a part of a state: what one store holds, or a message on its way. 0: none.
using part_number = std::uint32_t;

/// Gives equal things equal numbers, from 1.
template <class T>
class pool {
public:
    /// The number of what is written as @p bytes; @p make is called where that is new.
    template <class Make>
    [[nodiscard]] part_number number_of(std::string bytes, Make make) {
        const auto [at, fresh] = numbers_.emplace(std::move(bytes), static_cast<part_number>(items_.size() + 1));
        if (fresh) items_.push_back(make());
        return at->second;
    }
    [[nodiscard]] const T& operator[](part_number n) const { return items_[n - 1]; }
    [[nodiscard]] T& operator[](part_number n) { return items_[n - 1]; }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

private:
    std::unordered_map<std::string, part_number> numbers_;
    std::deque<T> items_;
};

/// A number for each row, so that rows are compared by it; 0: no row.
class row_numbers {
public:
    [[nodiscard]] std::uint32_t of(const std::optional<record>& row) {
        if (!row) return 0;
        std::string bytes;
        for (const auto& v : row->fields) bytes.append(v.is_null() ? "-" : std::to_string(v.as_integer())).push_back(',');
        return numbers_.emplace(std::move(bytes), static_cast<std::uint32_t>(numbers_.size() + 1)).first->second;
    }

private:
    std::unordered_map<std::string, std::uint32_t> numbers_;
};

/// What all parts of one exploration share.
struct surroundings {
    rules how;
    bounds within;
    schema_set schemas;
    std::vector<renaming> all;
    name_table names;
    row_numbers rows;
    std::string violation;  ///< the first that was found; empty: none

    surroundings(rules r, const bounds& b) : how(std::move(r)), within(b), all(renamings(b.devices, how.alike)) {
        model_schema model;
        model.name = "things";
        model.fields.push_back({"a", value_kind::integer, true, nullptr, false});
        model.fields.push_back({"b", value_kind::integer, true, how.counts, false});
        model.overlap = how.overlap;
        if (auto added = schemas.add(std::move(model)); !added) fail(added.error().detail);
        for (std::size_t d = 0; d < b.devices; ++d)
            for (std::uint64_t n = 1; n < 32; ++n) names.ids.emplace("bundle:" + source_of(d) + ":" + std::to_string(n), id_meaning{static_cast<std::uint8_t>(d), n, 1000});
    }

    /// Whether field `b` is a counter.
    [[nodiscard]] bool counts() const noexcept { return how.counts != nullptr; }

    [[nodiscard]] static std::string source_of(std::size_t device) { return std::string{"00000000-0000-4000-8000-00000000000"} + static_cast<char>('1' + device); }
    [[nodiscard]] static caller caller_of(std::size_t device) { return {"tenant", std::string{"user-"} + static_cast<char>('0' + device), source_of(device)}; }

    void fail(std::string_view what) {
        if (violation.empty()) violation = what;
    }
    /// Notes @p what where @p holds is false. @return @p holds
    bool require(bool holds, std::string_view what) {
        if (!holds) fail(what);
        return holds;
    }
    /// Notes a fault where there is one. @return whether there is none
    template <class T>
    bool went(const result<T>& r, std::string_view what) {
        if (!r) fail(std::string{what}.append(" failed: ").append(name_of(r.error().code)).append(": ").append(r.error().detail));
        return r.has_value();
    }
};

/// A batch on its way to the server.
struct batch_part {
    std::uint8_t device = 0;
    batch head;
    std::vector<mutation> items;
};

/// An answer of the server on its way.
struct message_part {
    enum class kind : std::uint8_t {
        outcomes,   ///< mutation wire, to a push
        page,       ///< mutation wire, to a pull
        commit,     ///< bundle wire, to a push: committed, or what stands in the way
        committed,  ///< bundle wire: the rows of a bundle that the device committed
        bundle,     ///< bundle wire, to a pull
    };
    kind what = kind::outcomes;
    std::uint64_t batch_id = 0;
    std::vector<outcome> outcomes;
    page rows;
    commit_answer commit;
    std::int64_t seq = 0;
    cursor from = 0;
    std::vector<row_image> images;
    timestamp heard = wall_clock;  ///< the server's time: no row in it was written later
    fingerprints names;

    void write(part_writer& w) const {
        w.number(std::uint64_t{static_cast<std::uint8_t>(what)});
        w.number(batch_id);
        w.time(heard);
        for (const auto& o : outcomes) {
            w.id(o.id);
            w.number(std::uint64_t{static_cast<std::uint8_t>(o.kind)});
            w.number(o.version);
            w.flag(o.clean);
            w.flag(o.carries_row);
            w.flag(o.exact);
            w.put(o.row);
            if (o.why) w.number(static_cast<std::int64_t>(o.why->code));
        }
        w.number(rows.from);
        w.number(rows.next);
        w.flag(rows.more);
        for (const auto& row : rows.rows) image(w, row);
        if (commit.committed) w.number(commit.committed->seq);
        for (const auto& o : commit.obstacles) {
            w.number(std::uint64_t{static_cast<std::uint8_t>(o.what)});
            w.key(o.key);
            w.number(std::uint64_t{static_cast<std::uint8_t>(o.op)});
            w.number(o.base_version);
            w.number(o.server_version);
            w.flag(o.server_deleted);
            w.put(o.server_row);
            w.time(o.server_written_at);
        }
        w.number(seq);
        w.number(from);
        for (const auto& row : images) image(w, row);
    }

private:
    static void image(part_writer& w, const row_image& row) {
        w.key(row.key);
        w.number(row.version);
        w.put(row.row);
        w.id(row.contains);
    }
};

/// The messages and batches of one exploration.
struct traffic {
    pool<batch_part> batches;
    pool<message_part> messages;

    [[nodiscard]] part_number add(surroundings& in, message_part m) {
        std::string plain;
        m.names = write_under(in.all, in.names, plain, [&](part_writer& w) { m.write(w); });
        return messages.number_of(std::move(plain), [&] { return std::move(m); });
    }
    [[nodiscard]] part_number add(surroundings& in, batch_part b) {
        part_writer w{in.all.front(), in.names};
        w.number(std::uint64_t{b.device});
        w.number(b.head.id);
        w.number(b.head.source_bundle_id);
        w.number(b.head.committed_seq);
        for (const auto& m : b.items) {
            w.id(m.id);
            w.put(m.what);
        }
        return batches.number_of(w.bytes(), [&] { return std::move(b); });
    }
};

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
