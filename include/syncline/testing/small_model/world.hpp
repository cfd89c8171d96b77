#ifndef SYNCLINE_TESTING_SMALL_MODEL_WORLD_HPP
#define SYNCLINE_TESTING_SMALL_MODEL_WORLD_HPP

#include <syncline/support/version.hpp>
#include <syncline/testing/small_model/device_side.hpp>
#include <syncline/testing/small_model/names.hpp>
#include <syncline/testing/small_model/parts.hpp>
#include <syncline/testing/small_model/rules.hpp>
#include <syncline/testing/small_model/server_side.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

namespace testing::small_model {

/// Everything at one moment: what the server and each device hold, and the one message that each device may be waiting for.
struct state {
    part_number server = 0;
    std::array<part_number, most_devices> devices{};
    std::array<part_number, most_devices> messages{};

    friend bool operator==(const state&, const state&) = default;
};

/// A state under its smallest name, and how many states it stands for.
struct class_of_states {
    fingerprint name;
    std::uint32_t members = 1;
};

/// The transition function of the model, and what must hold in every state. Not for several threads at once.
class world {
public:
    world(rules how, const bounds& within) : in_(std::move(how), within), devices_(in_, traffic_), server_(in_, traffic_) {}

    [[nodiscard]] const bounds& within() const noexcept { return in_.within; }
    [[nodiscard]] const std::string& violation() const noexcept { return in_.violation; }
    [[nodiscard]] std::size_t device_parts() const noexcept { return devices_.size(); }
    [[nodiscard]] std::size_t server_parts() const noexcept { return server_.size(); }

    /// What the server and the devices of a state hold.
    [[nodiscard]] const server_part& server_of(const state& s) const { return server_[s.server]; }
    [[nodiscard]] const device_part& device_of(const state& s, std::size_t device) const { return devices_[s.devices[device]]; }
    [[nodiscard]] const message_part& message_of(const state& s, std::size_t device) const { return traffic_.messages[s.messages[device]]; }

    /// Where it begins: devices that know all that the host wrote, which is one of the records, or both in either order: whatever the records
    /// are called, it is among these.
    [[nodiscard]] std::vector<state> beginnings() {
        std::vector<state> out;
        for (const auto& records : std::vector<std::vector<std::uint8_t>>{{0, 1}, {1, 0}, {0}, {1}}) {
            state s;
            s.server = server_.fresh(records);
            for (std::uint8_t d = 0; d < in_.within.devices && in_.violation.empty(); ++d) {
                s.devices[d] = devices_.fresh(d);
                while (in_.violation.empty() && devices_[s.devices[d]].checkpoint < end(s)) {
                    const part_number page = server_.pulled(s.server, d, devices_[s.devices[d]].checkpoint, 0);
                    if (page != 0) s.devices[d] = devices_.taken(s.devices[d], page);
                }
            }
            if (!in_.violation.empty()) return {};
            out.push_back(s);
        }
        return out;
    }

    /// Calls @p each with every step that @p s allows, and the state after it; stops where a step broke a promise (`violation`).
    /// The order is by device and `action`.
    template <class Each>
    void steps(const state& s, Each each) {
        unsigned done = 0;
        for (std::uint8_t d = 0; d < in_.within.devices; ++d) done += devices_[s.devices[d]].operations;
        for (std::uint8_t d = 0; d < in_.within.devices; ++d) {
            if (done < in_.within.operations && devices_[s.devices[d]].operations < in_.within.per_device)
                for (std::uint8_t r = 0; r < record_count; ++r)
                    for (const auto what : {action::create, action::set_a, action::set_b, action::erase, action::keep, action::give_up})
                        if (devices_.possible(s.devices[d], what, r) && !go(s, {what, d, r}, each)) return;
            for (const auto what : {action::freeze, action::send, action::ask, action::take, action::lose})
                if (allowed(s, what, d) && !go(s, {what, d, 0}, each)) return;
        }
    }

    /// The step that brings @p s nearer to rest, if it is not there: what devices do that are left alone by their users and lose nothing.
    [[nodiscard]] std::optional<step> towards_rest(const state& s) const {
        for (std::uint8_t d = 0; d < in_.within.devices; ++d)
            for (const auto what : {action::take, action::send, action::freeze, action::ask})
                if (allowed(s, what, d)) return step{what, d, 0};
        return std::nullopt;
    }

    /// The state after @p what. @pre `steps` allows it. @return nothing: it broke a promise (`violation`)
    [[nodiscard]] std::optional<state> after(const state& s, const step& what) {
        state next = s;
        part_number& device = next.devices[what.device];
        part_number& message = next.messages[what.device];
        switch (what.what) {
        case action::send: {
            const answered made = server_.pushed(s.server, devices_[device].batch);
            next.server = made.server;
            message = made.message;
            break;
        }
        case action::ask:
            message = devices_[device].committed ? server_.rows_of(s.server, devices_[device].batch, committed_seq(device))
                                                 : server_.pulled(s.server, what.device, devices_[device].checkpoint, devices_[device].batch);
            break;
        case action::take:
            device = devices_.taken(device, message);
            message = 0;
            break;
        case action::lose: message = 0; break;
        default: device = devices_.after(device, what.what, what.record); break;
        }
        if (!in_.violation.empty()) return std::nullopt;
        return next;
    }

    /// Checks what must hold in @p s, wherever it is; and what must hold where everything has come to rest (`at_rest`).
    void check(const state& s, bool at_rest) {
        const server_part& server = server_[s.server];
        for (std::uint8_t d = 0; d < in_.within.devices; ++d) {
            const device_part& device = devices_[s.devices[d]];
            in_.require(device.checkpoint <= end(s), "a device's checkpoint is ahead of the server");
            for (std::size_t r = 0; r < record_count; ++r) {
                const device_record& known = device.records[r];
                const auto row = server.row_at(r, known.base_version);
                if (!in_.require(row.has_value(), "a device has a version that the server never gave")) return;
                in_.require(known.provisional || *row == known.base, "what a device takes for the server's row is not what that had at that version");
                if (!at_rest) continue;
                const version_fact newest = server.newest(r);
                in_.require(known.base_version == newest.version && known.base == newest.row && !known.provisional, "at rest a device does not know the server's newest row");
                in_.require(known.open || known.visible == newest.row, "at rest a device shows another row than the server's");
                in_.require(!known.open || known.waiting, "at rest a change was not sent and waits for nobody");
                in_.require(!known.frozen, "at rest a change is still on its way");
            }
        }
    }

    /// The name under which @p s counts, whatever its devices and records are called.
    [[nodiscard]] class_of_states class_of(const state& s) const {
        std::array<fingerprint, 12> names{};
        const std::size_t count = in_.all.size();
        for (std::size_t i = 0; i < count; ++i) names[i] = name_of(s, i);
        std::sort(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count));
        class_of_states out{names[0], 1};
        for (std::size_t i = 1; i < count; ++i) out.members += names[i] != names[i - 1] ? 1 : 0;
        return out;
    }

private:
    [[nodiscard]] cursor end(const state& s) const { return server_[s.server].end(in_.how.wire); }

    template <class Each>
    [[nodiscard]] bool go(const state& s, const step& what, Each& each) {
        const auto next = after(s, what);
        each(what, next);
        return next.has_value();
    }

    [[nodiscard]] bool allowed(const state& s, action what, std::uint8_t d) const {
        const device_part& device = devices_[s.devices[d]];
        const bool waits = s.messages[d] != 0;
        const bool bundles = in_.how.wire == wire_kind::bundle;
        switch (what) {
        case action::take:
        case action::lose: return waits;
        case action::freeze: return !waits && device.batch == 0 && device.ready;
        case action::send: return !waits && device.batch != 0 && !device.committed;
        case action::ask: return !waits && (device.committed || (device.checkpoint < end(s) && (!bundles || device.batch == 0)));
        default: return false;
        }
    }

    [[nodiscard]] std::int64_t committed_seq(part_number device) const { return traffic_.batches[devices_[device].batch].head.committed_seq; }

    // The name of `s` when everything is called as `in_.all[i]` says.
    [[nodiscard]] fingerprint name_of(const state& s, std::size_t i) const {
        const renaming& as = in_.all[i];
        std::array<std::size_t, most_devices> old_name{};
        for (std::size_t d = 0; d < in_.within.devices; ++d) old_name[as.device[d]] = d;
        fingerprint h = server_[s.server].names[i];
        for (std::size_t d = 0; d < in_.within.devices; ++d) {
            h = followed_by(h, devices_[s.devices[old_name[d]]].names[i]);
            const part_number message = s.messages[old_name[d]];
            h = followed_by(h, message == 0 ? fingerprint{} : traffic_.messages[message].names[i]);
        }
        return h;
    }

    surroundings in_;
    traffic traffic_;
    device_side devices_;
    server_side server_;
};

}  // namespace testing::small_model

SYNCLINE_NAMESPACE_END

#endif
