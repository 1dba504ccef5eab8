// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/client.h"

#include <algorithm>
#include <utility>

namespace confab::redis {
namespace {

constexpr std::array kLines = {Line::kCommands, Line::kChannels};

}  // namespace

Client::Client(Timestamp now, Login login, Events events, std::uint64_t seed, Timing timing)
    : login_(std::move(login)), events_(std::move(events)), timing_(timing), rng_(seed) {
    for (End& end : ends_)
        end.next_attempt = now;
}

// ---------------------------------------------------------------- what is asked for

Result<void, Fault> Client::command(Timestamp now, Words words, Reply done) {
    End& end = at(Line::kCommands);
    if (!end.up) return fail(Fault{Fault::Code::kClosed, "no connection to Redis: " + end.trouble});
    return end.session->command(now, words, std::move(done));
}

void Client::subscribe(Timestamp now, std::string channel) {
    const auto [added, is_new] = channels_.insert(std::move(channel));
    const End& end = at(Line::kChannels);
    if (is_new && end.session && end.session->state() == Session::State::kReady)
        ask_for(now, {*added});
}

void Client::unsubscribe(Timestamp now, const std::string& channel) {
    if (channels_.erase(channel) == 0) return;
    std::erase(one_by_one_, channel);
    const End& end = at(Line::kChannels);
    if (!end.session || end.session->state() != Session::State::kReady) return;
    const std::array<std::string_view, 2> words = {"UNSUBSCRIBE", channel};
    // Without room for it, messages come until the connection ends that nobody takes.
    (void)end.session->subscription(now, words, {});
}

// ---------------------------------------------------------------- the driver

bool Client::wants(Timestamp now, Line line) const {
    const End& end = at(line);
    return !end.session && !end.connecting && end.next_attempt <= now;
}

void Client::connected(Timestamp now, Line line) {
    End& end = at(line);
    end.connecting = false;
    Session::MessageHandler on_message;
    if (line == Line::kChannels) on_message = events_.on_message;
    end.session = std::make_unique<Session>(now, login_, std::move(on_message), timing_);
    if (line == Line::kChannels) {
        unconfirmed_ = 0;
        one_by_one_.clear();
    }
}

void Client::received(Timestamp now, Line line, BytesView bytes) {
    if (!at(line).session) return;
    at(line).session->received(now, bytes);
    look(now, line);
}

void Client::closed(Timestamp now, Line line, std::string_view why) {
    End& end = at(line);
    if (end.session) {
        end.session->closed(now, why);
        look(now, line);
    } else if (std::exchange(end.connecting, false)) {
        down(now, line, {Fault::Code::kClosed, std::string(why)});
    }
}

void Client::advance(Timestamp now) {
    for (const Line line : kLines) {
        if (!at(line).session) continue;
        at(line).session->advance(now);
        look(now, line);
    }
}

Timestamp Client::next_deadline() const {
    Timestamp next = Timestamp::never();
    for (const End& end : ends_) {
        if (end.session && end.session->state() == Session::State::kEnded)
            next = Timestamp::micros(0);  // ended by ask_for()
        else if (end.session)
            next = earlier(next, end.session->next_deadline());
        else if (!end.connecting)
            next = earlier(next, end.next_attempt);
    }
    return next;
}

std::string Client::take_output(Line line) {
    End& end = at(line);
    return end.session ? end.session->take_output() : std::string();
}

// ---------------------------------------------------------------- up and down

// After each turn of a session: what it has become.
void Client::look(Timestamp now, Line line) {
    End& end = at(line);
    if (end.session->state() == Session::State::kEnded) {
        const Fault fault = *end.session->fault();
        end.session.reset();
        return down(now, line, fault);
    }
    if (end.session->state() != Session::State::kReady) return;
    if (line == Line::kChannels) {
        if (!end.up && !subscribing_) subscribe_all(now);
        for (std::string& channel : std::exchange(one_by_one_, {}))
            if (channels_.contains(channel)) ask_for(now, {std::move(channel)});
        if (end.session->state() == Session::State::kEnded) return look(now, line);
        if (unconfirmed_ > 0) return;
    }
    if (!end.up) up(now, line);
}

void Client::up(Timestamp now, Line line) {
    End& end = at(line);
    end.up = true;
    end.pause = kFirstPause;
    end.trouble.clear();
    if (events_.on_up) events_.on_up(now, line);
}

// The next attempt follows soon after a connection that was up, then ever later: half of each
// pause is by chance, so that the nodes of a cluster do not all come back in the same moment.
void Client::down(Timestamp now, Line line, const Fault& fault) {
    End& end = at(line);
    end.up = false;
    end.trouble = fault.text;
    const auto chance =
        static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(end.pause.us()) / 2 + 1));
    end.next_attempt = now + Duration::micros(end.pause.us() / 2 + chance);
    end.pause = std::min(end.pause * 2, kLongestPause);
    if (line == Line::kChannels) subscribing_ = false;
    if (events_.on_down) events_.on_down(now, line, fault);
}

// ---------------------------------------------------------------- channels

void Client::subscribe_all(Timestamp now) {
    subscribing_ = true;
    std::vector<std::string> batch;
    for (const std::string& channel : channels_) {
        batch.push_back(channel);
        if (batch.size() == kChannelsAtOnce) ask_for(now, std::exchange(batch, {}));
    }
    if (!batch.empty()) ask_for(now, std::move(batch));
}

void Client::ask_for(Timestamp now, std::vector<std::string> channels) {
    std::vector<std::string_view> words = {"SUBSCRIBE"};
    words.insert(words.end(), channels.begin(), channels.end());
    Session& session = *at(Line::kChannels).session;
    // Commands hold views of the names only until they are written: the names go with the answer.
    const auto taken = session.subscription(
        now, words, [this, names = channels](Timestamp at, const Result<Value, Fault>& reply) {
            settle(at, names, reply);
        });
    if (taken)
        ++unconfirmed_;
    else
        session.closed(now, "more channels than it takes");  // and all of them again, later
}

// Rights are checked for a whole SUBSCRIBE: the good ones of it are asked for again by themselves.
void Client::settle(Timestamp now, const std::vector<std::string>& channels,
                    const Result<Value, Fault>& reply) {
    --unconfirmed_;
    if (!reply) return;  // with the connection: asked for with the next one
    if (!reply->is_error()) {
        for (const std::string& channel : channels)
            if (events_.on_subscribed && channels_.contains(channel))
                events_.on_subscribed(now, channel);
    } else if (channels.size() > 1) {
        one_by_one_.insert(one_by_one_.end(), channels.begin(), channels.end());
    } else if (events_.on_refused) {
        events_.on_refused(now, channels.front(), reply->text);
    }
}

}  // namespace confab::redis
