// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/event_loop.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <time.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <exception>

#include "runtime/net/event_loop_impl.h"

namespace confab::net {

namespace {

std::int64_t read_clock(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

}  // namespace

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

Timestamp EventLoop::now() {
    return Timestamp::micros(read_clock(CLOCK_MONOTONIC));
}
UnixTime EventLoop::wall() {
    return UnixTime::micros(read_clock(CLOCK_REALTIME));
}
Duration EventLoop::worked() {
    return Duration::micros(read_clock(CLOCK_THREAD_CPUTIME_ID));
}

namespace {

void report(EventLoop::Impl& impl, const std::string& what) noexcept {
    ++impl.failures;
    try {
        if (impl.failed) impl.failed(what);
    } catch (...) {
        ++impl.failures;
    }
}

// Gives what `fn` gives; 1, as if one handler had run, when it throws.
template <typename F>
std::size_t guarded(EventLoop::Impl& impl, F&& fn) {
    std::string what = "an unknown exception";
    try {
        return fn();
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {  // NOLINT(bugprone-empty-catch): told below
    }
    report(impl, what);
    return 1;
}

template <typename F>
void guarded_hook(EventLoop::Impl& impl, F& hook) {
    if (hook) guarded(impl, [&hook] { return hook(), std::size_t{1}; });
}

}  // namespace

void EventLoop::run() {
    const auto work = asio::make_work_guard(impl_->context);
    asio::io_context& context = impl_->context;
    if (context.stopped()) context.restart();
    while (!context.stopped()) {
        std::size_t ran = 0;
        while (ran < kMaxHandlersPerTurn && guarded(*impl_, [&] { return context.poll_one(); }) > 0)
            ++ran;
        if (ran == 0 && !context.stopped()) sleep();
        guarded_hook(*impl_, impl_->turn_hook);
    }
}

void EventLoop::sleep() {
    bool may_sleep = true;
    if (impl_->may_sleep)
        guarded(*impl_, [&] { return may_sleep = impl_->may_sleep(), std::size_t{1}; });
    if (may_sleep) guarded(*impl_, [this] { return impl_->context.run_one(); });
    guarded_hook(*impl_, impl_->awake);
}

void EventLoop::set_failure_handler(std::function<void(const std::string&)> handler) {
    impl_->failed = std::move(handler);
}

void EventLoop::report_failure(const std::string& what) noexcept {
    report(*impl_, what);
}

std::uint64_t EventLoop::failures() const {
    return impl_->failures;
}

// Posted, so that a turn that has begun is completed and handlers already queued still run.
void EventLoop::stop() {
    asio::io_context& context = impl_->context;
    asio::post(context, [&context] { context.stop(); });
}

void EventLoop::post(Callback<> fn) {
    asio::post(impl_->context, std::move(fn));
}

void EventLoop::set_turn_hook(std::function<void()> hook) {
    impl_->turn_hook = std::move(hook);
}

void EventLoop::set_sleep_hooks(std::function<bool()> may_sleep, std::function<void()> awake) {
    impl_->may_sleep = std::move(may_sleep);
    impl_->awake = std::move(awake);
}

// ------------------------------------------------------------ descriptors

struct FdWatch::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& context, int fd, std::function<void()> callback)
        : descriptor(context, fd), fn(std::move(callback)) {}
    ~Impl() { release(); }

    // The descriptor is the caller's, who may close it as soon as the watch is gone: the reactor
    // lets go of it here, not when the cancelled wait comes back.
    void release() {
        if (descriptor.is_open()) descriptor.release();
    }
    void wait() {
        descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                              [self = shared_from_this()](ErrorCode error) {
                                  if (error || self->cancelled) return;
                                  self->fn();
                                  if (!self->cancelled) self->wait();
                              });
    }
    void cancel() {
        cancelled = true;
        release();
    }

    asio::posix::stream_descriptor descriptor;
    std::function<void()> fn;
    bool cancelled = false;
};

FdWatch::FdWatch() = default;
FdWatch::FdWatch(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
FdWatch::FdWatch(FdWatch&&) noexcept = default;
FdWatch& FdWatch::operator=(FdWatch&& other) noexcept {
    std::swap(impl_, other.impl_);
    return *this;
}
FdWatch::~FdWatch() {
    if (impl_) impl_->cancel();
}

FdWatch EventLoop::watch_fd(int fd, std::function<void()> fn) {
    auto impl = std::make_shared<FdWatch::Impl>(impl_->context, fd, std::move(fn));
    impl->wait();
    return FdWatch(std::move(impl));
}

// ------------------------------------------------------------ signals

namespace {

struct SignalWatch : std::enable_shared_from_this<SignalWatch> {
    SignalWatch(asio::io_context& context, std::function<void(int)> callback)
        : set(context), fn(std::move(callback)) {}
    void wait() {
        set.async_wait([self = shared_from_this()](ErrorCode error, int number) {
            if (error) return;
            self->fn(number);
            self->wait();
        });
    }
    asio::signal_set set;
    std::function<void(int)> fn;
};

}  // namespace

void EventLoop::on_signal(const std::vector<int>& signals, std::function<void(int)> fn) {
    const auto watch = std::make_shared<SignalWatch>(impl_->context, std::move(fn));
    for (const int number : signals)
        watch->set.add(number);
    watch->wait();
}

// ------------------------------------------------------------ timers

struct EventLoop::Timer::Impl : std::enable_shared_from_this<Impl> {
    explicit Impl(asio::io_context& context) : timer(context) {}

    void set(Timestamp deadline, std::function<void()> callback) {
        fn = std::move(callback);
        ++generation;
        timer.expires_at(to_steady(deadline));  // cancels the wait that is under way
        timer.async_wait([self = shared_from_this(), mine = generation](ErrorCode) {
            // A wait that had expired already cannot be cancelled: only the number tells.
            if (mine == self->generation) self->fire();
        });
    }
    void cancel() {
        ++generation;
        fn = nullptr;
        timer.cancel();
    }
    void fire() {
        ++generation;
        const std::function<void()> call = std::exchange(fn, nullptr);
        if (call) call();
    }

    asio::steady_timer timer;
    std::function<void()> fn;
    std::uint64_t generation = 0;
};

EventLoop::Timer::Timer(EventLoop& loop) : impl_(std::make_shared<Impl>(loop.impl().context)) {}
EventLoop::Timer::Timer(Timer&&) noexcept = default;
EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
    std::swap(impl_, other.impl_);
    return *this;
}
EventLoop::Timer::~Timer() {
    if (impl_) impl_->cancel();
}

void EventLoop::Timer::set(Timestamp deadline, std::function<void()> fn) {
    if (deadline.is_never()) return cancel();
    impl_->set(deadline, std::move(fn));
}

void EventLoop::Timer::cancel() {
    impl_->cancel();
}

}  // namespace confab::net
