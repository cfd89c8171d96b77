#include <syncline/transport/event_stream.hpp>

#include <syncline/transport/authentication.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/transport/mount_table.hpp>

#include "support/catch.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace event_stream_test {

using namespace syncline;

namespace {

class counted final : public event_stream {
public:
    explicit counted(int& alive) : alive_(alive) { ++alive_; }
    ~counted() override { --alive_; }
    void wake_with(std::function<void()> wake) override { wake_ = std::move(wake); }
    stream_step next(duration) override { return {"data: x\n\n", false}; }

private:
    int& alive_;
    std::function<void()> wake_;
};

}  // namespace

TEST_CASE("event_stream: authentication, a mount table and loopback pass the stream on, and nobody else keeps it", "[transport]") {
    int alive = 0;
    auto handler = [&](const request&, const principal& who) {
        response out{200, {{"Content-Type", "text/event-stream"}}, {}};
        if (who.id == "anonymous") out.stream = std::make_shared<counted>(alive);
        return out;
    };
    mount_table table;
    table.authenticate_with(allow_anonymous{});
    REQUIRE(table.mount("/api", handler));
    authenticated alone{allow_anonymous{}, handler};
    {
        auto answer = loopback{table}(request{http_method::get, "/api/events", {}, {}});
        REQUIRE(answer);
        REQUIRE(answer->stream);
        CHECK(answer->stream.use_count() == 1);
        CHECK(answer->stream->next(duration{}).bytes == "data: x\n\n");
        auto other = loopback{alone}(request{http_method::get, "/events", {}, {}});
        REQUIRE(other);
        CHECK(other->stream);
        CHECK(alive == 2);
    }
    CHECK(alive == 0);
}

}  // namespace event_stream_test
