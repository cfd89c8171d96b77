#ifndef SYNCLINE_WIRE_MUTATION_REREADING_HPP
#define SYNCLINE_WIRE_MUTATION_REREADING_HPP

#include <syncline/change/unread_row.hpp>
#include <syncline/engine/replica_types.hpp>
#include <syncline/engine/sync_result.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/mutation/answers.hpp>
#include <syncline/wire/mutation/client_options.hpp>
#include <syncline/wire/mutation/plain_messages.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace mutation_wire {

/// What a client does once in a run about rows that could not be read when they came (W24): an older program, or this one before its models were right,
/// kept them, and they may be readable now. What is not is asked for again, where this program has its model, from the one after the last that
/// was asked for.
class rereading {
public:
    /// A run begins.
    void started() {
        again_.clear();
        asked_ = 0;
        begun_ = false;
    }

    /// Reads what is kept, the first time in a run; @p engine takes in what can be read now.
    /// @param epoch  the incarnation that the device knows: it says in which form the rows came
    template <class Replica>
    [[nodiscard]] result<void> begin(Replica& engine, std::string_view epoch, const plain_form& form, const mutation_client_options& options, timestamp now,
                                     sync_result& report) {
        if (std::exchange(begun_, true)) return {};
        std::optional<unread_name> last;
        while (true) {
            auto kept = engine.unread(last ? &*last : nullptr, 500, now);
            if (!kept) return std::move(kept).error();
            if (kept->empty()) break;
            last = kept->back().name;
            std::vector<std::pair<unread_name, row_image>> readable;
            for (auto& row : *kept) {
                const auto model = engine.schemas().find(row.name.model);
                if (!model) continue;
                auto image = epoch == unversioned_epoch ? read_kept_plain_row(row, engine.schemas(), form, options.json)
                                                        : read_kept_row(row, engine.schemas(), options.json, options.inbound);
                if (image)
                    readable.emplace_back(std::move(row.name), std::move(*image));
                else
                    again_.push_back({*model, std::move(row.name.key)});
            }
            auto done = engine.reread(readable, now);
            if (!done) return std::move(done).error();
            report.pulled += done->applied;
            report.pull_errors += done->quarantined;
            report.lost += done->lost;
        }
        std::sort(again_.begin(), again_.end());
        std::rotate(again_.begin(), std::upper_bound(again_.begin(), again_.end(), last_), again_.end());
        return {};
    }

    /// The next records to ask for again, at most @p most.
    [[nodiscard]] std::vector<record_key> ask(std::size_t most) {
        asked_ = (std::min)(most, again_.size());
        return {again_.begin(), end_of_asked()};
    }

    /// The page that asked for them was taken in.
    void answered() {
        if (asked_ == 0) return;
        last_ = again_[asked_ - 1];
        again_.erase(again_.begin(), end_of_asked());
        asked_ = 0;
    }

private:
    [[nodiscard]] std::vector<record_key>::iterator end_of_asked() { return std::next(again_.begin(), static_cast<std::ptrdiff_t>(asked_)); }

    bool begun_ = false;
    std::vector<record_key> again_;  // still to be asked for in this run
    std::size_t asked_ = 0;          // of those at the front
    record_key last_;                // that was asked for, across runs
};

}  // namespace mutation_wire

SYNCLINE_NAMESPACE_END

#endif
