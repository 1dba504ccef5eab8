// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Streams of the local bus: two queues and who listens to them.
#include <array>
#include <utility>

#include "rpc/local_state.h"

namespace confab::rpc {
namespace {

struct Pipe {
    struct End {
        std::deque<std::string> inbox;
        std::function<void()> on_readable;
        std::function<void(const Error&)> on_closed;
    };
    std::weak_ptr<LocalHub::State> state;
    Duration timeout;
    std::array<End, 2> ends;
    bool open = true;
};

class LocalStream final : public Stream {
  public:
    LocalStream(std::shared_ptr<Pipe> pipe, std::size_t index)
        : pipe_(std::move(pipe)), index_(index) {}
    LocalStream(const LocalStream&) = delete;
    LocalStream& operator=(const LocalStream&) = delete;
    ~LocalStream() override {
        end({Code::kCanceled, "stream closed", {}});
        own() = {};
    }

    void set_handlers(std::function<void()> on_readable,
                      std::function<void(const Error&)> on_closed) override {
        own().on_readable = std::move(on_readable);
        own().on_closed = std::move(on_closed);
        if (!own().inbox.empty()) tell_readable(index_);
    }
    void send(Timestamp now, std::string message, Sent sent) override;
    std::optional<std::string> receive() override {
        if (own().inbox.empty()) return std::nullopt;
        std::string message = std::move(own().inbox.front());
        own().inbox.pop_front();
        return message;
    }
    void close(Error cause) override {
        end(std::move(cause));
        own().on_readable = nullptr;
        own().on_closed = nullptr;
    }
    bool is_open() const override { return pipe_->open; }

  private:
    Pipe::End& own() { return pipe_->ends[index_]; }
    void tell_readable(std::size_t end) {
        if (const auto state = pipe_->state.lock())
            state->queue([pipe = pipe_, end](Timestamp) {
                if (const auto call = pipe->ends[end].on_readable) call();
            });
    }
    void end(Error cause) {
        const auto state = pipe_->state.lock();
        if (!std::exchange(pipe_->open, false) || !state) return;
        state->queue([pipe = pipe_, other = 1 - index_, cause = std::move(cause)](Timestamp) {
            if (const auto call = pipe->ends[other].on_closed) call(cause);
        });
    }

    std::shared_ptr<Pipe> pipe_;
    std::size_t index_;
};

void LocalStream::send(Timestamp now, std::string message, Sent sent) {
    const auto state = pipe_->state.lock();
    if (!state) return;
    const auto done = std::make_shared<Sent>(std::move(sent));
    const auto fails = [done](Error error) {
        return [done, error = std::move(error)](Timestamp) { (*done)(tl::unexpected(error)); };
    };
    if (!pipe_->open) return state->queue(fails({Code::kCanceled, "stream closed", {}}));
    if (state->is_full())
        return state->queue(fails({Code::kResourceExhausted, "too many calls are waiting", {}}));
    std::deque<std::string>& inbox = pipe_->ends[1 - index_].inbox;
    // A slow consumer: the message is dropped, and nothing says so but the missing acknowledgement.
    if (inbox.size() >= kMaxQueued)
        return state->set_timer(now + pipe_->timeout, fails(timed_out()));
    inbox.push_back(std::move(message));
    tell_readable(1 - index_);
    state->queue([done](Timestamp) { (*done)({}); });
}

}  // namespace

std::pair<std::shared_ptr<Stream>, std::shared_ptr<Stream>> make_stream(
    const std::shared_ptr<LocalHub::State>& state, Duration timeout) {
    const auto pipe = std::make_shared<Pipe>();
    pipe->state = state;
    pipe->timeout = timeout;
    return {std::make_shared<LocalStream>(pipe, 0), std::make_shared<LocalStream>(pipe, 1)};
}

}  // namespace confab::rpc
