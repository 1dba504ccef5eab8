// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/channels.h"

#include <string_view>
#include <utility>

namespace confab::redis {

void Channels::add(std::string channel) {
    const auto [added, is_new] = wanted_.insert(std::move(channel));
    if (!is_new || !asked_) return;
    stale_.erase(*added);
    fresh_.insert(*added);
}

void Channels::remove(const std::string& channel) {
    if (wanted_.erase(channel) == 0) return;
    std::erase(one_by_one_, channel);
    if (asked_ && fresh_.erase(channel) == 0) stale_.insert(channel);
}

bool Channels::ask(Timestamp now, Session& session) {
    if (!std::exchange(asked_, true)) ask_for(now, wanted_, session);
    send_changes(now, session);
    for (std::string& channel : std::exchange(one_by_one_, {}))
        if (wanted_.contains(channel))
            ask_for(now, std::vector<std::string>{std::move(channel)}, session);
    return unconfirmed_ == 0 && session.state() == Session::State::kReady;
}

void Channels::forget() {
    asked_ = false;
    unconfirmed_ = 0;
    one_by_one_.clear();
    fresh_.clear();
    stale_.clear();
}

void Channels::send_changes(Timestamp now, Session& session) {
    std::vector<std::string_view> words = {"UNSUBSCRIBE"};
    const std::set<std::string> stale = std::exchange(stale_, {});
    for (auto it = stale.begin(); it != stale.end();) {
        words.emplace_back(*it++);
        if (words.size() <= kAtOnce && it != stale.end()) continue;
        // Without room for it, messages come until the connection ends that nobody takes.
        (void)session.subscription(now, words, {});
        words.resize(1);
    }
    ask_for(now, std::exchange(fresh_, {}), session);
}

void Channels::ask_for(Timestamp now, const std::set<std::string>& channels, Session& session) {
    std::vector<std::string> batch;
    for (const std::string& channel : channels) {
        batch.push_back(channel);
        if (batch.size() == kAtOnce) ask_for(now, std::exchange(batch, {}), session);
    }
    if (!batch.empty()) ask_for(now, std::move(batch), session);
}

void Channels::ask_for(Timestamp now, std::vector<std::string> channels, Session& session) {
    std::vector<std::string_view> words = {"SUBSCRIBE"};
    words.insert(words.end(), channels.begin(), channels.end());
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
void Channels::settle(Timestamp now, const std::vector<std::string>& channels,
                      const Result<Value, Fault>& reply) {
    if (!reply) return;  // with the connection: asked for with the next one
    --unconfirmed_;
    if (!reply->is_error()) {
        for (const std::string& channel : channels)
            if (events_.on_subscribed && wanted_.contains(channel))
                events_.on_subscribed(now, channel);
    } else if (channels.size() > 1) {
        one_by_one_.insert(one_by_one_.end(), channels.begin(), channels.end());
    } else if (events_.on_refused) {
        events_.on_refused(now, channels.front(), reply->text);
    }
}

}  // namespace confab::redis
