#ifndef SYNCLINE_TESTING_SIMULATION_DEVICE_MEDIA_HPP
#define SYNCLINE_TESTING_SIMULATION_DEVICE_MEDIA_HPP

/// @file
/// What a simulation does with devices' stores from outside: copies, backups, and what is left when power fails.

#include <syncline/model/model_schema.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/testing/simulation/memory_stores.hpp>
#include <syncline/testing/simulation/older_programs.hpp>
#include <syncline/testing/simulation/setup.hpp>
#include <syncline/testing/simulation/simulated_device.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// The media of a simulation's devices.
template <simulated_stores Stores>
class device_media {
public:
    using device_type = simulated_device<typename Stores::replica_store>;
    using store_type = std::unique_ptr<typename Stores::replica_store>;

    /// @param setup, schemas, stores  must outlive this object
    device_media(const simulation_setup& setup, const schema_set& schemas, Stores& stores) : stores_(&stores), older_(setup, schemas) {}

    /// Whether there are programs that do not know every field.
    [[nodiscard]] bool has_older_programs() const noexcept { return older_.any(); }
    /// A fresh store for the device @p name.
    [[nodiscard]] store_type make(const std::string& name, bool knows_all) { return older_.make_store(*stores_, name, knows_all); }
    /// What @p d holds, for the device @p name.
    [[nodiscard]] store_type copy(device_type& d, const std::string& name) { return stores_->copy(*d.durable, name); }

    void back_up(device_type& d) { d.backup = copy(d, d.name + ".backup"); }
    /// Its data are those of its backup again. @pre there is one
    [[nodiscard]] result<void> put_back(device_type& d) {
        d.synced.reset();
        return replace(d, *std::exchange(d.backup, nullptr));
    }
    /// From now on nothing that it commits is durable.
    void begin_to_lie(device_type& d) { d.synced = copy(d, d.name + ".synced"); }
    /// Power will fail in the midst of the @p commits-th commit from now on. @param die  how much of it arrives on the medium
    void tear(device_type& d, std::uint64_t commits, std::uint32_t die) {
        d.faults.tear(commits, [this, &d, die] {
            d.untorn = copy(d, d.name + ".untorn");
            d.tear_die = die;
        });
    }
    /// Power failed: @p d holds what was on its medium.
    /// @return whether that is less than what its programs were told
    [[nodiscard]] result<bool> power_fails(device_type& d) {
        const store_type before = std::exchange(d.untorn, nullptr);
        if (d.synced) {
            auto done = replace(d, *std::exchange(d.synced, nullptr));
            return done ? result<bool>{true} : result<bool>{std::move(done).error()};
        }
        if (d.faults.is_torn() && before) {
            d.stop();
            if constexpr (tearing_stores<Stores>) d.durable = stores_->torn(*before, *d.durable, d.name, d.tear_die);
            else if (d.tear_die % 2 == 0) {
                d.durable.reset();
                d.durable = stores_->copy(*before, d.name);
            }
        }
        return false;
    }
    /// A program that knows every field may find data from before some came. @pre none of the device runs
    [[nodiscard]] result<void> bring_up(device_type& d) { return d.knows_all ? older_.bring_up(*stores_, d.name, d.durable) : result<void>{}; }

private:
    [[nodiscard]] result<void> replace(device_type& d, typename Stores::replica_store& with) {
        d.stop();
        d.durable.reset();
        d.durable = stores_->copy(with, d.name);
        return bring_up(d);
    }

    Stores* stores_;
    older_programs<Stores> older_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
