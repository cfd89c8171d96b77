#ifndef SYNCLINE_WIRE_SYNC_JOB_HPP
#define SYNCLINE_WIRE_SYNC_JOB_HPP

#include <syncline/engine/sync_result.hpp>
#include <syncline/support/guarded_call.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/version.hpp>
#include <syncline/wire/client_step.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// A push, a pull or a whole sync as a thing: its task is handed to an executor of the host's, and its result can be waited for or called
/// back.
///
/// It always comes to an end: a task that is thrown away without being run, as by an executor that shuts down, ends as `errc::cancelled`,
/// and
/// one that ends with an exception as `errc::internal`. Copies are the same job. Safe to use from several threads.
class sync_job {
public:
    /// @param work  does the sync; called once, by whoever runs the task
    /// @param then  told of the result, on the thread that ran the task or threw it away, outside of locks and before `wait` returns;
    ///         empty: nobody.
    ///              An exception of it goes no further
    explicit sync_job(std::function<sync_result()> work, std::function<void(const sync_result&)> then = {})
        : shared_(std::make_shared<shared>()) {
        shared_->run.reset(new runner{shared_, std::move(work), std::move(then)});
    }

    /// What an executor is to call, on any thread. Only the first one that is asked for does anything.
    [[nodiscard]] std::function<void()> task() {
        std::shared_ptr<runner> mine;
        {
            const std::lock_guard lock{shared_->mutex};
            mine = std::shared_ptr<runner>{std::move(shared_->run)};
        }
        return [mine = std::move(mine)] {
            if (mine) mine->go();
        };
    }

    /// What came of it, once it is over.
    [[nodiscard]] std::optional<sync_result> result() const {
        const std::lock_guard lock{shared_->mutex};
        return shared_->done;
    }

    /// Blocks until it is over. To be called only when the task was handed out, and by nobody who is to run it.
    [[nodiscard]] sync_result wait() const {
        std::unique_lock lock{shared_->mutex};
        shared_->over.wait(lock, [&] { return shared_->done.has_value(); });
        return *shared_->done;
    }

private:
    struct shared;

    // What is called once; going away uncalled is an end too.
    struct runner {
        runner(std::weak_ptr<shared> of, std::function<sync_result()> what, std::function<void(const sync_result&)> next)
            : owner(std::move(of)), work(std::move(what)), then(std::move(next)) {}
        runner(const runner&) = delete;
        runner& operator=(const runner&) = delete;
        ~runner() {
            sync_result none;
            none.why = fault{errc::cancelled, "the job was thrown away before it ran"};
            if (begin()) end(std::move(none));
        }
        void go() {
            if (!begin()) return;
            sync_result report;
            if (!guarded_call([&] { report = work(); })) {
                report = {};
                report.why = fault{errc::internal, "a callback of the host ended the sync with an exception; what was settled is kept"};
            }
            end(std::move(report));
        }
        [[nodiscard]] bool begin() {
            const std::lock_guard lock{mutex};
            return !std::exchange(begun, true);
        }
        void end(sync_result report) {
            if (then) static_cast<void>(guarded_call([&] { then(report); }));
            const auto to = owner.lock();
            if (!to) return;
            const std::lock_guard lock{to->mutex};
            to->done = std::move(report);
            to->over.notify_all();
        }

        std::weak_ptr<shared> owner;
        std::function<sync_result()> work;
        std::function<void(const sync_result&)> then;
        std::mutex mutex;
        bool begun = false;
    };
    struct shared {
        std::mutex mutex;
        std::condition_variable over;
        std::optional<sync_result> done;
        std::unique_ptr<runner> run;  // until the task is asked for
    };

    std::shared_ptr<shared> shared_;
};

/// A job of @p client, a `sync_client` that outlives its task.
template <class Client>
[[nodiscard]] sync_job make_sync_job(Client& client, sync_mode mode = sync_mode::push_then_pull,
                                     std::function<void(const sync_result&)> then = {}) {
    return sync_job{[&client, mode] { return client.run(mode); }, std::move(then)};
}

/// A job that pushes.
template <class Client>
[[nodiscard]] sync_job make_push_job(Client& client, std::function<void(const sync_result&)> then = {}) {
    return make_sync_job(client, sync_mode::push_only, std::move(then));
}

/// A job that pulls.
template <class Client>
[[nodiscard]] sync_job make_pull_job(Client& client, std::function<void(const sync_result&)> then = {}) {
    return make_sync_job(client, sync_mode::pull_only, std::move(then));
}

SYNCLINE_NAMESPACE_END

#endif
