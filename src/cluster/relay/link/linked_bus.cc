// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/link/linked_bus.h"

#include <utility>
#include <vector>

#include "cluster/relay/link/linked_stream.h"
#include "token/ids.h"

namespace confab::cluster::relay {
namespace {

// Of the metadata of an opened stream.
constexpr const char* kName = "confab-link-stream";
constexpr const char* kNode = "confab-link-node";
constexpr std::size_t kMaxName = 64;

std::string text_of(const rpc::Metadata& metadata, const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end() || found->second.size() > kMaxName) return {};
    return found->second;
}

// A relay stream's topic is the node that has it.
bool may_use_link(const rpc::Method& method, const rpc::Topic& topic) {
    return method.service == kRelaySignal.service && method.name == kRelaySignal.name &&
           topic.size() == 1;
}

std::string_view stream_of(const ::rpc::LinkFrame& frame) {
    if (frame.has_message()) return frame.message().stream();
    return frame.has_close() ? frame.close().stream() : frame.acknowledgement().stream();
}

}  // namespace

LinkedBus::LinkedBus(rpc::Bus& bus, std::string node, std::uint64_t seed)
    : bus_(bus), node_(std::move(node)), rng_(seed), state_(std::make_shared<State>()) {}

// Streams that outlive it go on over the bus.
LinkedBus::~LinkedBus() {
    state_->links.clear();
}

void LinkedBus::advance(Timestamp now, Link& link) {
    while (const auto frame = link.poll_frame()) {
        const auto found = state_->streams.find(std::string(stream_of(*frame)));
        // Streams of one node are none of another's business.
        if (found == state_->streams.end() || found->second->peer() != link.peer()) continue;
        found->second->handle(now, link, *frame);
    }
    if (link.state() == Link::State::kEnded) return forget(now, link);
    if (link.state() != Link::State::kUp || !state_->links.emplace(link.peer(), &link).second)
        return;
    for (const auto& [name, stream] : state_->streams)
        if (stream->peer() == link.peer()) stream->link_came();
}

void LinkedBus::forget(Timestamp now, Link& link) {
    const auto found = state_->links.find(link.peer());
    if (found == state_->links.end() || found->second != &link) return;
    state_->links.erase(found);
    for (const auto& [name, stream] : state_->streams)
        if (stream->peer() == link.peer()) stream->link_ended(now);
}

LinkedBus::Snapshot LinkedBus::snapshot() const {
    Snapshot result = state_->counters;
    result.links = state_->links.size();
    result.streams = state_->streams.size();
    return result;
}

void LinkedBus::open(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                     std::string request, rpc::CallOptions options, rpc::Opened opened) {
    if (!may_use_link(method, topic))
        return bus_.open(now, method, std::move(topic), std::move(request), std::move(options),
                         std::move(opened));
    std::string name = token::make_id("LS_", rng_) + token::make_id("_", rng_);
    options.metadata[kName] = name;
    options.metadata[kNode] = node_;
    const auto done = std::make_shared<rpc::Opened>(std::move(opened));
    bus_.open(now, method, topic, std::move(request), std::move(options),
              [done, state = state_, name = std::move(name),
               peer = topic[0]](Result<std::shared_ptr<rpc::Stream>, rpc::Error> stream) {
                  if (stream)
                      stream =
                          std::make_shared<LinkedStream>(state, *std::move(stream), name, peer);
                  (*done)(std::move(stream));
              });
}

Result<rpc::Registration, rpc::Error> LinkedBus::serve_stream(const rpc::Method& method,
                                                              rpc::Topic topic,
                                                              rpc::StreamHandler handler) {
    if (!may_use_link(method, topic))
        return bus_.serve_stream(method, std::move(topic), std::move(handler));
    return bus_.serve_stream(
        method, std::move(topic),
        [state = state_, handler = std::move(handler)](const rpc::Request& request,
                                                       std::shared_ptr<rpc::Stream> stream) {
            const std::string name = text_of(request.metadata, kName);
            const std::string peer = text_of(request.metadata, kNode);
            if (!name.empty() && !peer.empty() && !state->streams.contains(name))
                stream = std::make_shared<LinkedStream>(state, std::move(stream), name, peer);
            handler(request, std::move(stream));
        });
}

// ---------------------------------------------------------------- what links have no part in

Result<rpc::Registration, rpc::Error> LinkedBus::serve(const rpc::Method& method, rpc::Topic topic,
                                                       rpc::Handler handler,
                                                       rpc::Affinity affinity) {
    return bus_.serve(method, std::move(topic), std::move(handler), std::move(affinity));
}

rpc::Registration LinkedBus::subscribe(const rpc::Method& method, rpc::Topic topic,
                                       rpc::Listener listener) {
    return bus_.subscribe(method, std::move(topic), std::move(listener));
}

rpc::CallId LinkedBus::call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                            std::string request, rpc::CallOptions options, rpc::Reply done) {
    return bus_.call(now, method, std::move(topic), std::move(request), std::move(options),
                     std::move(done));
}

rpc::CallId LinkedBus::gather(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                              std::string request, rpc::CallOptions options,
                              std::function<void(rpc::Outcome)> each, Callback<> finished) {
    return bus_.gather(now, method, std::move(topic), std::move(request), std::move(options),
                       std::move(each), std::move(finished));
}

void LinkedBus::cancel(rpc::CallId call) {
    bus_.cancel(call);
}

void LinkedBus::publish(const rpc::Method& method, rpc::Topic topic, std::string message) {
    bus_.publish(method, std::move(topic), std::move(message));
}

}  // namespace confab::cluster::relay
