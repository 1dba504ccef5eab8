// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WebSocket: the queue of messages, pings and the close frame. Beast writes control frames, ours
// are those of messages, which it can neither compress for many nor write together.
#include <array>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "runtime/net/websocket/websocket_impl.h"

namespace confab::net {

namespace websocket = boost::beast::websocket;

namespace {

constexpr Duration kCloseTimeout = Duration::seconds(1);  // for the close frame of the peer
// One write takes messages from the queue until it has so many bytes or messages.
constexpr std::size_t kBytesAtOnce = 32 * 1024;
constexpr std::size_t kMaxAtOnce = 32;

//  0 1 2 3 4 5 6 7   (RFC 6455 §5.2; RSV1 is "compressed", RFC 7692 §6)
// |F|R|R|R|opcode | |M| length 7 | 16 or 64 bits of length if that is 126 or 127 | payload
// A server's frame has no mask.
class Frame {
  public:
    Frame(bool text, std::shared_ptr<const WebSocketMessage> message, bool deflates,
          HttpServerStats& stats)
        : message_(std::move(message)), parts_(message_->parts.size()) {
        deflated_ = deflates && message_->size >= WebSocketMessage::kMinDeflated;
        std::size_t size = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            const WebSocketPart& part = *message_->parts[i];
            parts_[i] = deflated_ ? part.deflated(stats) : part.plain();
            size += parts_[i].size();
        }
        if (deflated_) {
            parts_.back().remove_suffix(WebSocketPart::kTailBytes);
            size -= WebSocketPart::kTailBytes;
        }
        put_header(text, size);
    }
    void append_to(std::vector<asio::const_buffer>& buffers) const {
        buffers.emplace_back(header_.data(), header_size_);
        for (const std::string_view part : parts_)
            if (!part.empty()) buffers.emplace_back(part.data(), part.size());
    }

  private:
    void put_header(bool text, std::size_t size) {
        constexpr std::uint8_t kFin = 0x80, kRsv1 = 0x40, kText = 1, kBinary = 2;
        const int opcode = kFin | (deflated_ ? kRsv1 : 0) | (text ? kText : kBinary);
        header_[0] = static_cast<std::uint8_t>(opcode);
        if (size < 126) {
            header_[1] = static_cast<std::uint8_t>(size);
        } else if (size < 65'536) {
            header_[1] = 126;
            store_be16(header_.data() + 2, static_cast<std::uint16_t>(size));
            header_size_ = 4;
        } else {
            header_[1] = 127;
            store_be64(header_.data() + 2, size);
            header_size_ = 10;
        }
    }

    std::shared_ptr<const WebSocketMessage> message_;
    std::vector<std::string_view> parts_;
    std::array<std::uint8_t, 10> header_{};
    std::size_t header_size_ = 2;
    bool deflated_ = false;
};

}  // namespace

asio::awaitable<void> WebSocket::Impl::write_loop(std::shared_ptr<Impl> self) {
    next_ping_ = EventLoop::now() + options_.ping_interval;
    bool alive = true;
    while (alive && !peer_closed_ && stream_.next_layer().socket().is_open()) {
        if (!queue_.empty() && EventLoop::now() < close_deadline_) {
            alive = co_await write_queued();
        } else if (close_code_) {
            co_await write_close();
            alive = false;
        } else if (EventLoop::now() >= next_ping_) {
            alive = !fell_silent() && co_await write_ping();
        } else {
            co_await wait_for_work();
        }
    }
    queue_.clear();
    set_queued(0);
    // After a close frame of the peer the reader still writes the answer and tears down.
    if (!peer_closed_) cut();
    self.reset();
}

// As many as are short go with one write.
asio::awaitable<bool> WebSocket::Impl::write_queued() {
    std::vector<Frame> frames;
    std::size_t bytes = 0;
    for (; !queue_.empty() && bytes < kBytesAtOnce && frames.size() < kMaxAtOnce;
         queue_.pop_front()) {
        const Message& message = queue_.front();
        bytes += message.message->size;
        frames.emplace_back(message.text, message.message, deflates_, *stats_);
    }
    std::vector<asio::const_buffer> buffers;
    for (const Frame& frame : frames)
        frame.append_to(buffers);
    write_began_ = EventLoop::now();
    write_deadline_ = write_began_ + options_.write_timeout;
    arm(earlier(write_deadline_, close_deadline_));
    const bool written = co_await stream_.next_layer().write_frames(buffers);
    write_deadline_ = Timestamp::never();
    watchdog_.cancel();
    set_queued(queued_bytes_ - std::min(queued_bytes_, bytes));
    co_return written;
}

bool WebSocket::Impl::fell_silent() {
    if (EventLoop::now() - heard_at_ <= options_.silence_timeout) return false;
    end(WebSocketEnd::kError, 1006);
    return true;
}

asio::awaitable<bool> WebSocket::Impl::write_ping() {
    next_ping_ = EventLoop::now() + options_.ping_interval;
    write_began_ = EventLoop::now();
    write_deadline_ = write_began_ + options_.ping_write_timeout;
    arm(earlier(write_deadline_, close_deadline_));
    const websocket::ping_data empty;
    const auto [error] = co_await stream_.async_ping(empty, use_result);
    write_deadline_ = Timestamp::never();
    watchdog_.cancel();
    co_return !error;
}

asio::awaitable<void> WebSocket::Impl::write_close() {
    arm(EventLoop::now() + kCloseTimeout);
    const websocket::close_reason reason(*close_code_);
    (void)co_await stream_.async_close(reason, use_result);
    watchdog_.cancel();
}

asio::awaitable<void> WebSocket::Impl::wait_for_work() {
    wake_.expires_at(to_steady(next_ping_));
    (void)co_await wake_.async_wait(use_result);
}

void WebSocket::Impl::arm(Timestamp deadline) {
    watchdog_.set(deadline, [this] {
        if (!end_) ++stats_->websocket_write_timeouts;
        end(WebSocketEnd::kWriteTimeout, 1006);
        cut();
    });
}

void WebSocket::Impl::cut() {
    stream_.next_layer().close();
    wake_.cancel();
    hold_.cancel();
}

}  // namespace confab::net
