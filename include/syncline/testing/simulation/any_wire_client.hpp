#ifndef SYNCLINE_TESTING_SIMULATION_ANY_WIRE_CLIENT_HPP
#define SYNCLINE_TESTING_SIMULATION_ANY_WIRE_CLIENT_HPP

#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/wire/client_step.hpp>

#include <cstdint>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

namespace testing {

/// The client of either wire, for who drives both alike.
class any_wire_client {
public:
    virtual ~any_wire_client() = default;
    virtual void start(sync_mode mode) = 0;
    virtual result<client_step> next(timestamp now, random_source random) = 0;
    virtual result<void> on(std::uint64_t token, const result<response>& answer, timestamp now, random_source random) = 0;
    virtual void cancel() = 0;
    virtual const sync_result& report() const = 0;
};
/// One that owns a client of @p Client.
template <class Client>
class wire_client_of final : public any_wire_client {
public:
    template <class Engine, class Options>
    wire_client_of(Engine& engine, Options options) : client_(engine, std::move(options)) {}
    void start(sync_mode mode) override { client_.start(mode); }
    result<client_step> next(timestamp now, random_source random) override { return client_.next(now, random); }
    result<void> on(std::uint64_t token, const result<response>& answer, timestamp now, random_source random) override {
        return client_.on(token, answer, now, random);
    }
    void cancel() override { client_.cancel(); }
    const sync_result& report() const override { return client_.report(); }

private:
    Client client_;
};

}  // namespace testing

SYNCLINE_NAMESPACE_END

#endif
