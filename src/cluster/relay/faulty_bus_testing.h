// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A bus whose streams lose, repeat and delay messages, for tests. As on Redis, a message that is
// older than its limit when it arrives is dropped, and what is cut off hears nothing, not even that
// a stream ended.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "rpc/bus.h"

namespace confab::cluster::relay::testing {

class Faults {
  public:
    explicit Faults(std::uint64_t seed) : rng_(seed) {}

    // Chances of a message, and of its acknowledgement.
    double drop = 0;
    double repeat = 0;
    double drop_acknowledgement = 0;
    Duration max_delay = Duration::zero();  // each its own: later ones may overtake
    Duration expiry = Duration::seconds(3);
    Timestamp stalled_until;  // all that is sent before comes then
    bool cut = false;         // nothing passes any more
    std::string caller;       // of streams that are opened
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;

    bool happens(double chance) { return chance > 0 && rng_.unit() < chance; }
    Timestamp arrival(Timestamp now) {
        Timestamp at = std::max(now, stalled_until);
        if (max_delay > Duration::zero())
            at = at + Duration::micros(static_cast<std::int64_t>(
                          rng_.below(static_cast<std::uint64_t>(max_delay.us()))));
        return at;
    }
    void at(Timestamp when, std::function<void(Timestamp)> step) {
        steps_.emplace(when, std::move(step));
    }
    void handle_timeout(Timestamp now) {
        while (!steps_.empty() && steps_.begin()->first <= now) {
            const auto step = std::move(steps_.begin()->second);
            steps_.erase(steps_.begin());
            step(now);
        }
    }
    Timestamp next_deadline() const {
        return steps_.empty() ? Timestamp::never() : steps_.begin()->first;
    }
    // Streams of what is cut off: to end them would be heard.
    void keep(std::shared_ptr<rpc::Stream> stream) { kept_.push_back(std::move(stream)); }

  private:
    Rng rng_;
    std::multimap<Timestamp, std::function<void(Timestamp)>> steps_;
    std::vector<std::shared_ptr<rpc::Stream>> kept_;
};

class FaultyStream final : public rpc::Stream {
  public:
    FaultyStream(std::shared_ptr<rpc::Stream> inner, std::shared_ptr<Faults> faults)
        : inner_(std::move(inner)), faults_(std::move(faults)) {}
    FaultyStream(const FaultyStream&) = delete;
    FaultyStream& operator=(const FaultyStream&) = delete;
    ~FaultyStream() override { close({rpc::Code::kCanceled, "stream closed", {}}); }

    void set_handlers(std::function<void()> on_readable,
                      std::function<void(const rpc::Error&)> on_closed) override {
        inner_->set_handlers(std::move(on_readable), std::move(on_closed));
    }
    void send(Timestamp now, std::string message, Sent sent) override {
        ++faults_->sent;
        const bool twice = faults_->happens(faults_->repeat);
        if (twice) pass(now, message, [](const Result<void, rpc::Error>&) {});
        pass(now, std::move(message), std::move(sent));
    }
    std::optional<std::string> receive() override { return inner_->receive(); }
    void close(rpc::Error cause) override {
        if (!std::exchange(open_, false)) return;
        inner_->set_handlers(nullptr, nullptr);
        if (faults_->cut) return faults_->keep(inner_);
        // After what was sent before it.
        if (faults_->next_deadline().is_never()) return inner_->close(std::move(cause));
        faults_->at(std::max(faults_->stalled_until, Timestamp()) + faults_->max_delay,
                    [inner = inner_, faults = faults_.get(), cause](Timestamp) {
                        if (faults->cut) return faults->keep(inner);
                        inner->close(cause);
                    });
    }
    bool is_open() const override { return inner_->is_open(); }

  private:
    void pass(Timestamp now, std::string message, Sent sent) {
        if (faults_->cut || faults_->happens(faults_->drop)) {
            ++faults_->lost;
            return;
        }
        if (faults_->happens(faults_->drop_acknowledgement))
            sent = [](const Result<void, rpc::Error>&) {};
        const Timestamp arrival = faults_->arrival(now);
        if (arrival <= now) return inner_->send(now, std::move(message), std::move(sent));
        const auto done = std::make_shared<Sent>(std::move(sent));
        faults_->at(arrival, [inner = inner_, faults = faults_.get(), message = std::move(message),
                              done, expires = now + faults_->expiry](Timestamp then) {
            if (faults->cut || then > expires) {
                ++faults->lost;
                return;
            }
            inner->send(then, message, std::move(*done));
        });
    }

    std::shared_ptr<rpc::Stream> inner_;
    std::shared_ptr<Faults> faults_;
    bool open_ = true;
};

// Only streams are used of it.
class FaultyBus final : public rpc::Bus {
  public:
    FaultyBus(rpc::Bus& inner, std::shared_ptr<Faults> faults)
        : inner_(inner), faults_(std::move(faults)) {}

    Result<rpc::Registration, rpc::Error> serve(const rpc::Method& method, rpc::Topic topic,
                                                rpc::Handler handler,
                                                rpc::Affinity affinity) override {
        return inner_.serve(method, std::move(topic), std::move(handler), std::move(affinity));
    }
    Result<rpc::Registration, rpc::Error> serve_stream(const rpc::Method& method, rpc::Topic topic,
                                                       rpc::StreamHandler handler) override {
        return inner_.serve_stream(
            method, std::move(topic),
            [handler = std::move(handler), faults = faults_](const rpc::Request& request,
                                                             std::shared_ptr<rpc::Stream> stream) {
                if (faults->cut) return faults->keep(std::move(stream));
                rpc::Request named = request;
                named.caller = faults->caller;
                handler(named, std::make_shared<FaultyStream>(std::move(stream), faults));
            });
    }
    rpc::Registration subscribe(const rpc::Method& method, rpc::Topic topic,
                                rpc::Listener listener) override {
        return inner_.subscribe(method, std::move(topic), std::move(listener));
    }
    rpc::CallId call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                     std::string request, rpc::CallOptions options, rpc::Reply done) override {
        return inner_.call(now, method, std::move(topic), std::move(request), std::move(options),
                           std::move(done));
    }
    rpc::CallId gather(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                       std::string request, rpc::CallOptions options,
                       std::function<void(rpc::Outcome)> each, Callback<> finished) override {
        return inner_.gather(now, method, std::move(topic), std::move(request), std::move(options),
                             std::move(each), std::move(finished));
    }
    void cancel(rpc::CallId call) override { inner_.cancel(call); }
    void open(Timestamp now, const rpc::Method& method, rpc::Topic topic, std::string request,
              rpc::CallOptions options, rpc::Opened opened) override {
        using Stream = Result<std::shared_ptr<rpc::Stream>, rpc::Error>;
        const auto done = std::make_shared<rpc::Opened>(std::move(opened));
        inner_.open(now, method, std::move(topic), std::move(request), std::move(options),
                    [done, faults = faults_](Stream stream) {
                        if (stream)
                            stream = std::make_shared<FaultyStream>(*std::move(stream), faults);
                        (*done)(std::move(stream));
                    });
    }
    void publish(const rpc::Method& method, rpc::Topic topic, std::string message) override {
        inner_.publish(method, std::move(topic), std::move(message));
    }

  private:
    rpc::Bus& inner_;
    std::shared_ptr<Faults> faults_;
};

}  // namespace confab::cluster::relay::testing
