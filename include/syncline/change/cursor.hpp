#ifndef SYNCLINE_CHANGE_CURSOR_HPP
#define SYNCLINE_CHANGE_CURSOR_HPP

#include <syncline/change/bundle.hpp>
#include <syncline/change/unread_row.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// A position in a tenant's commit order: a stamp on the mutation wire, a `bundle_seq` on the bundle wire. 0 is before
/// everything. Total, monotonic, page-safe.
using cursor = std::int64_t;

/// The next stamp of a tenant whose last one is @p last: `max(last + 1, now)`. Unique and strictly rising whatever the
/// clock does; no decision reads it as time.
/// @param now_us  microseconds since 1970-01-01T00:00:00Z; may stand still or go back
[[nodiscard]] constexpr std::int64_t next_stamp(std::int64_t last, std::int64_t now_us) noexcept {
    return (std::max)(last + 1, now_us);
}

/// Whether a page that starts at @p from may be applied by a device whose checkpoint is @p checkpoint and would move it to
/// @p next: compare and set, so that a late or repeated page can neither be applied twice nor take the device back.
[[nodiscard]] constexpr bool continues(cursor checkpoint, cursor from, cursor next) noexcept {
    return checkpoint == from && next >= from;
}

/// Whether everything after @p position is still kept by an authority whose history up to and including @p floor is gone.
/// Position 0 asks for everything, which a pruned history cannot give.
[[nodiscard]] constexpr bool reachable(cursor position, cursor floor) noexcept { return position >= floor; }

/// Checks a cursor that a peer presented.
/// @return `errc::invalid_cursor` when it is negative or above @p head, the newest ever given.
[[nodiscard]] inline result<void> check_cursor(cursor presented, cursor head) {
    if (presented < 0) return make_fault(errc::invalid_cursor, "the cursor is negative; present the one of the last answer, or none");
    if (presented > head)
        return make_fault(errc::invalid_cursor, "the cursor is newer than anything this server has given; it belongs to another "
                                                "server or to a lost timeline: start again without a cursor");
    return {};
}

/// A page of the mutation wire: the newest state of the records that changed after `from`, in stamp order, each preceded
/// by the rows it references that changed after `from` too.
struct page {
    cursor from = 0;
    cursor next = 0;
    bool more = false;
    std::int64_t head_seq = 0;  ///< the newest `bundle_seq` when the page was read
    std::vector<row_image> rows;
    std::vector<unread_row> unread;   ///< on a device: rows of the page that this program could not read
    std::vector<unread_name> gone;    ///< on a device: records of models that it does not have, and that no longer exist
};

/// A page of the bundle wire: whole bundles after `from`.
struct bundle_page {
    cursor from = 0;
    cursor stable = 0;  ///< the ceiling that this pull walks up to
    bool more = false;
    std::vector<bundle> bundles;
};

SYNCLINE_NAMESPACE_END

#endif
