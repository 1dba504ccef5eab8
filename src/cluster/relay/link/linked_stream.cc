// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/link/linked_stream.h"

#include <utility>

namespace confab::cluster::relay {

LinkedStream::LinkedStream(std::shared_ptr<LinkedBus::State> state,
                           std::shared_ptr<rpc::Stream> bus, std::string name, std::string peer)
    : state_(std::move(state)),
      bus_(std::move(bus)),
      name_(std::move(name)),
      peer_(std::move(peer)) {
    state_->streams[name_] = this;
}

LinkedStream::~LinkedStream() {
    close({rpc::Code::kCanceled, "stream closed", {}});
}

void LinkedStream::leave() {
    const auto found = state_->streams.find(name_);
    if (found != state_->streams.end() && found->second == this) state_->streams.erase(found);
}

void LinkedStream::set_handlers(std::function<void()> on_readable,
                                std::function<void(const rpc::Error&)> on_closed) {
    on_readable_ = on_readable;
    on_closed_ = on_closed;
    bus_->set_handlers(std::move(on_readable), std::move(on_closed));
}

bool LinkedStream::send_over_link(Timestamp now, const std::string& message) {
    const auto link = state_->links.find(peer_);
    if (link == state_->links.end() || !open_) return false;
    if (on_link_.size() >= LinkedBus::kMaxOnLink ||
        bytes_on_link_ + message.size() > kMaxStreamMessage)
        return false;
    ::rpc::LinkFrame frame;
    frame.mutable_message()->set_stream(name_);
    frame.mutable_message()->set_number(last_number_ + 1);
    frame.mutable_message()->set_payload(message);
    return link->second->send(now, frame);
}

void LinkedStream::send(Timestamp now, std::string message, Sent sent) {
    last_now_ = now;
    if (!send_over_link(now, message)) {
        ++state_->counters.over_bus;
        return bus_->send(now, std::move(message), std::move(sent));
    }
    ++state_->counters.over_link;
    bytes_on_link_ += message.size();
    on_link_.emplace(++last_number_, OnLink{std::move(message), std::move(sent)});
}

std::optional<std::string> LinkedStream::receive() {
    if (inbox_.empty()) return bus_->receive();
    std::string message = std::move(inbox_.front());
    inbox_.pop_front();
    return message;
}

void LinkedStream::close(rpc::Error cause) {
    if (!std::exchange(open_, false)) return;
    const auto link = state_->links.find(peer_);
    if (link != state_->links.end()) {
        ::rpc::LinkFrame frame;
        frame.mutable_close()->set_stream(name_);
        frame.mutable_close()->set_code(std::string(rpc::to_text(cause.code)));
        frame.mutable_close()->set_text(cause.text);
        (void)link->second->send(last_now_, frame);
    }
    leave();
    on_readable_ = nullptr;
    on_closed_ = nullptr;
    on_link_.clear();
    bus_->close(std::move(cause));
}

void LinkedStream::handle(Timestamp now, Link& link, const ::rpc::LinkFrame& frame) {
    last_now_ = now;
    if (frame.has_message()) take_message(now, link, frame.message());
    if (frame.has_acknowledgement()) acknowledge(frame.acknowledgement().number());
    if (frame.has_close()) take_close(frame.close());
}

void LinkedStream::take_message(Timestamp now, Link& link, const ::rpc::LinkMessage& message) {
    // What came over the bus before it is read before it.
    while (auto earlier_one = bus_->receive())
        inbox_.push_back(*std::move(earlier_one));
    // As the bus: not acknowledged, so that it comes again.
    if (inbox_.size() >= kMaxQueued) return;
    ::rpc::LinkFrame frame;
    frame.mutable_acknowledgement()->set_stream(name_);
    frame.mutable_acknowledgement()->set_number(message.number());
    if (!link.send(now, frame)) return;
    inbox_.push_back(message.payload());
    if (const auto call = on_readable_) call();
}

void LinkedStream::acknowledge(std::uint64_t number) {
    const auto found = on_link_.find(number);
    if (found == on_link_.end()) return;
    bytes_on_link_ -= found->second.message.size();
    Sent sent = std::move(found->second.sent);
    on_link_.erase(found);
    sent({});
}

// The bus may not be there to tell it.
void LinkedStream::take_close(const ::rpc::LinkClose& close) {
    if (!std::exchange(open_, false)) return;
    leave();
    const rpc::Error cause{
        rpc::parse_code(close.code()).value_or(rpc::Code::kCanceled), close.text(), {}};
    bus_->set_handlers(nullptr, nullptr);
    on_link_.clear();
    if (const auto call = std::exchange(on_closed_, nullptr)) call(cause);
    bus_->close(cause);
}

void LinkedStream::link_came() {
    if (const auto call = on_readable_) call();
}

void LinkedStream::link_ended(Timestamp now) {
    last_now_ = now;
    bytes_on_link_ = 0;
    for (auto& [number, waiting] : std::exchange(on_link_, {})) {
        ++state_->counters.sent_again;
        bus_->send(now, std::move(waiting.message), std::move(waiting.sent));
    }
}

}  // namespace confab::cluster::relay
