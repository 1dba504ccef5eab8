// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules cluster/psrpc proto redis rpc crypto base

// Any bytes on any channel of a bus with servers, calls and streams under way, and anything that
// Redis may say to its commands: each call and each message is answered once, and nothing stays.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "cluster/psrpc/envelope.h"
#include "cluster/psrpc/psrpc_bus.h"
#include "psrpc_internal.pb.h"

using namespace confab;
using namespace confab::cluster::psrpc;
using rpc::Flow;
using rpc::Method;

namespace {

constexpr Method kMethods[] = {
    {"Room", "Echo", Flow::kQueue},
    {"IngressHandler", "Notify", Flow::kQueue, true},
    {"AgentInternal", "Job", Flow::kAffinity},
    {"Egress", "List", Flow::kMulti},
    {"Some", "Session", Flow::kStream},
    {"Signal", "RelaySignal", Flow::kStream, true},
};
constexpr Method kPing{"Keepalive", "Ping", Flow::kPublish, false, "rpc.KeepalivePing"};
constexpr std::size_t kMaxCalls = 64;

// Redis as far as the bus sees it: what it asked for, in order.
struct Redis final : redis::Port {
    Result<void, redis::Fault> command(Timestamp, redis::Words words, redis::Reply done) override {
        if (!up) return fail(redis::Fault{redis::Fault::Code::kClosed, "no connection"});
        if (words.size() == 3) published.push_back({std::string(words[1]), std::string(words[2])});
        waiting.push_back(std::move(done));
        return {};
    }
    void subscribe(Timestamp, std::string channel) override { channels.push_back(channel); }
    void unsubscribe(Timestamp, const std::string& channel) override {
        std::erase(channels, channel);
    }
    bool is_up(redis::Line) const override { return up; }

    bool up = true;
    std::vector<std::string> channels;
    std::vector<std::pair<std::string, std::string>> published;
    std::deque<redis::Reply> waiting;
};

class World {
  public:
    World() {
        for (const Method& method : kMethods) {
            if (method.flow == Flow::kStream)
                registrations_.push_back(*bus_->serve_stream(
                    method, {"here"},
                    [this](const rpc::Request&, std::shared_ptr<rpc::Stream> stream) {
                        adopt(std::move(stream));
                    }));
            else
                registrations_.push_back(
                    *bus_->serve(method, {"here"},
                                 [this](const rpc::Request&, rpc::Reply reply) {
                                     held_.push_back(std::move(reply));
                                 },
                                 {}));
        }
        registrations_.push_back(bus_->subscribe(kPing, {}, [](const std::string&) {}));
        turn();
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void step(std::uint8_t what, std::uint8_t which, BytesView bytes) {
        switch (what % 12) {
            case 0:
                return start(kMethods[which % std::size(kMethods)]);
            case 1:
                return confirm();
            case 2:
                return reply_to_command(which);
            case 3:
                return hear_raw(which, bytes);
            case 4:
            case 5:
                return hear_message(which, bytes);
            case 6:
                return hear_again(which, bytes);
            case 7:
                return send(which, bytes);
            case 8:
                return answer(which, bytes);
            case 9:
                now_ = now_ + Duration::millis(which * 8);
                break;
            case 10:
                return which % 4 == 0 ? come_or_go() : forget(which);
            default:
                if (!registrations_.empty() && which % 8 == 0) registrations_.pop_back();
        }
        turn();
    }
    void finish() {
        held_.clear();
        streams_.clear();
        for (int i = 0; i < 10; ++i) {
            now_ = now_ + Duration::seconds(5);
            turn();
            held_.clear();
            streams_.clear();
            forget(0);
        }
        now_ = now_ + kLongest;
        turn();
        const PsrpcBus::Snapshot left = bus_->snapshot();
        CONFAB_CHECK(left.calls == 0 && left.claims == 0 && left.running == 0);
        CONFAB_CHECK(left.streams == 0 && left.unacknowledged == 0 && left.steps == 0);
        for (const int count : answers_)
            CONFAB_CHECK(count == 1);
    }

  private:
    void turn() {
        for (int i = 0; i < 100 && bus_->next_deadline() <= now_; ++i)
            bus_->handle_timeout(now_);
        CONFAB_CHECK(bus_->next_deadline() > now_);
    }
    std::size_t expect() {
        answers_.push_back(0);
        return answers_.size() - 1;
    }
    void start(const Method& method) {
        if (answers_.size() >= kMaxCalls) return;
        const std::size_t id = expect();
        if (method.flow == Flow::kStream)
            bus_->open(now_, method, {"there"}, "x", {},
                       [this, id](Result<std::shared_ptr<rpc::Stream>, rpc::Error> result) {
                           ++answers_[id];
                           if (result) adopt(*std::move(result));
                       });
        else if (method.flow == Flow::kMulti)
            bus_->gather(
                now_, method, {"there"}, "x", {}, [](const rpc::Outcome&) {},
                [this, id] { ++answers_[id]; });
        else
            bus_->call(now_, method, {"there"}, "x", {},
                       [this, id](const rpc::Outcome&) { ++answers_[id]; });
        turn();
    }
    void adopt(std::shared_ptr<rpc::Stream> stream) {
        rpc::Stream* raw = stream.get();
        stream->set_handlers([raw] { (void)raw->receive(); }, [](const rpc::Error&) {});
        streams_.push_back(std::move(stream));
    }
    void send(std::uint8_t which, BytesView bytes) {
        if (streams_.empty() || answers_.size() >= kMaxCalls) return;
        const std::size_t id = expect();
        streams_[which % streams_.size()]->send(
            now_, std::string(as_text(bytes)),
            [this, id](const Result<void, rpc::Error>&) { ++answers_[id]; });
        turn();
    }
    void forget(std::uint8_t which) {
        if (!streams_.empty()) streams_.erase(streams_.begin() + which % std::ssize(streams_));
        turn();
    }
    void answer(std::uint8_t which, BytesView bytes) {
        if (held_.empty()) return;
        rpc::Reply reply = std::move(held_.back());
        held_.pop_back();
        if (which % 3 == 0) reply(std::string(as_text(bytes)));
        if (which % 3 == 1) reply(fail(rpc::Error{rpc::Code::kNotFound, "no", {"x"}}));
        reply = {};
        turn();
    }
    void confirm() {
        for (const std::string& channel : std::vector<std::string>(redis_.channels))
            bus_->handle_subscribed(now_, channel);
        turn();
    }
    void reply_to_command(std::uint8_t which) {
        if (redis_.waiting.empty()) return;
        redis::Reply done = std::move(redis_.waiting.front());
        redis_.waiting.pop_front();
        redis::Value value;
        value.kind = static_cast<redis::Value::Kind>(which % 7);
        value.text = which % 2 == 0 ? "OK" : "ERR no";
        value.integer = which / 8;
        if (which == 255)
            done(now_, fail(redis::Fault{redis::Fault::Code::kClosed, "ended"}));
        else
            done(now_, std::move(value));
        turn();
    }
    const std::string& channel(std::uint8_t which) {
        static const std::string kNone = "No|Such|REQ";
        return redis_.channels.empty() ? kNone : redis_.channels[which % redis_.channels.size()];
    }
    void hear(const std::string& channel, const std::string& payload) {
        const std::string copy = channel;
        bus_->handle_message(now_, copy, payload);
        turn();
    }
    void hear_raw(std::uint8_t which, BytesView bytes) {
        hear(channel(which), std::string(as_text(bytes)));
    }
    // The bytes as a message of some type, in a sound envelope.
    void hear_message(std::uint8_t which, BytesView bytes) {
        static constexpr const char* kTypes[] = {"internal.Request",       "internal.Response",
                                                 "internal.ClaimRequest",  "internal.Stream",
                                                 "internal.ClaimResponse", "rpc.KeepalivePing"};
        if (bytes.empty()) return;
        hear(channel(which), seal(kTypes[bytes[0] % std::size(kTypes)], as_text(bytes.subspan(1))));
    }
    // What the bus has published, as others would answer it, or as an echo on any channel.
    void hear_again(std::uint8_t which, BytesView bytes) {
        if (redis_.published.empty()) return;
        const auto& published =
            redis_.published[redis_.published.size() - 1 -
                             which % std::min<std::size_t>(redis_.published.size(), 8)];
        const auto envelope = open(published.second);
        const std::uint8_t kind = bytes.empty() ? 0 : bytes[0];
        if (!envelope) return;
        for (const std::string& channel : std::vector<std::string>(redis_.channels)) {
            if (const auto request = read<internal::Request>(*envelope)) {
                internal::ClaimRequest claim;
                claim.set_request_id(request->request_id());
                claim.set_server_id("SRV_x");
                claim.set_affinity(kind);
                hear(channel, seal(claim));
                internal::Response response;
                response.set_request_id(request->request_id());
                response.set_error(kind % 3 == 0 ? "no" : "");
                if (kind % 2 == 0) hear(channel, seal(response));
            } else if (auto stream = read<internal::Stream>(*envelope)) {
                if (kind % 4 == 0) stream->mutable_ack();
                if (kind % 4 == 1) stream->mutable_close()->set_code("unavailable");
                if (kind % 4 == 2) stream->mutable_message()->set_raw_message("m");
                if (kind % 4 == 3) stream->mutable_open()->set_node_id("CLI_x");
                hear(channel, seal(*stream));
            } else if (const auto claim = read<internal::ClaimRequest>(*envelope)) {
                internal::ClaimResponse choice;
                choice.set_request_id(claim->request_id());
                choice.set_server_id(claim->server_id());
                hear(channel, seal(choice));
            }
        }
    }
    void come_or_go() {
        redis_.up = !redis_.up;
        std::deque<redis::Reply> lost;
        if (!redis_.up) lost = std::exchange(redis_.waiting, {});
        const redis::Fault fault{redis::Fault::Code::kClosed, "ended"};
        for (redis::Reply& reply : lost)
            reply(now_, fail(fault));
        for (const auto line : {redis::Line::kCommands, redis::Line::kChannels})
            redis_.up ? bus_->handle_up(now_, line) : bus_->handle_down(now_, line, fault);
        turn();
    }

    Redis redis_;
    Timestamp now_ = Timestamp::micros(1);
    std::vector<int> answers_;
    std::vector<rpc::Reply> held_;
    std::vector<std::shared_ptr<rpc::Stream>> streams_;
    std::vector<rpc::Registration> registrations_;
    std::unique_ptr<PsrpcBus> bus_ = std::make_unique<PsrpcBus>(
        redis_, Settings{"ND_a"},
        [](Timestamp t) { return UnixTime::seconds(1000) + (t - Timestamp()); }, 1);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world;
    BytesView rest{data, size};
    for (int steps = 0; rest.size() >= 3 && steps < 300; ++steps) {
        const std::size_t length = std::min<std::size_t>(rest[2], rest.size() - 3);
        const Bytes bytes = to_vector(rest.subspan(3, length));
        world.step(rest[0], rest[1], bytes);
        rest = rest.subspan(3 + length);
    }
    world.finish();
    return 0;
}
