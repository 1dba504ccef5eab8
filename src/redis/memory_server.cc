// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/memory_server.h"

#include <algorithm>
#include <deque>
#include <optional>

namespace confab::redis {
namespace {

constexpr Duration kReconnect = Duration::millis(100);

}  // namespace

// Steps that are on their way find it by its number, so that it may go at any time; replies wait in
// it, so that each is called once whatever happens.
class MemoryServer::End final : public Port {
  public:
    End(MemoryServer& server, std::uint64_t id, Events events)
        : server_(server), id_(id), events_(std::move(events)) {
        server_.ends_.emplace(id_, this);
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End() override {
        server_.ends_.erase(id_);
        for (auto& [channel, listeners] : server_.channels_)
            listeners.erase(id_);
    }

    Result<void, Fault> command(Timestamp now, Words words, Reply done) override {
        if (!up_) return fail(Fault{Fault::Code::kClosed, "no connection to Redis"});
        const std::uint64_t number = ++server_.last_;
        waiting_.push_back({number, now + kPatience, std::move(done)});
        server_.later(now + server_.delay_,
                      [&server = server_, id = id_, number,
                       copy = std::vector<std::string>(words.begin(), words.end())](Timestamp at) {
                          server.execute(at, id, copy, number);
                      });
        server_.later(now + kPatience, [&server = server_, id = id_, number](Timestamp at) {
            if (End* end = server.find(id); end && end->is_waiting(number))
                server.disconnect(at, id,
                                  {Fault::Code::kTimeout, "Redis has not answered in time"});
        });
        return {};
    }
    void subscribe(Timestamp now, std::string channel) override {
        if (!wanted_.insert(channel).second || !up_) return;
        server_.later(now + server_.delay_, [&server = server_, id = id_, channel](Timestamp at) {
            End* end = server.find(id);
            if (!end || !end->up_ || !end->wanted_.contains(channel)) return;
            server.channels_[channel].insert(id);
            end->confirm(at, channel);
        });
    }
    void unsubscribe(Timestamp, const std::string& channel) override {
        wanted_.erase(channel);
        if (const auto it = server_.channels_.find(channel); it != server_.channels_.end())
            it->second.erase(id_);
    }
    bool is_up(Line) const override { return up_; }

    // ---- the server's side
    bool is_waiting(std::uint64_t number) const {
        return std::any_of(waiting_.begin(), waiting_.end(),
                           [number](const Waiting& one) { return one.number == number; });
    }
    void answer(Timestamp now, std::uint64_t number, Value value) {
        const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                                     [number](const Waiting& one) { return one.number == number; });
        if (it == waiting_.end()) return;
        Reply done = std::move(it->done);
        waiting_.erase(it);
        if (done) done(now, std::move(value));
    }
    void confirm(Timestamp now, const std::string& channel) {
        if (events_.on_subscribed) events_.on_subscribed(now, channel);
    }
    void hear(Timestamp now, std::string_view channel, std::string payload) {
        if (events_.on_message) events_.on_message(now, channel, std::move(payload));
    }
    void come_up(Timestamp now) {
        up_ = true;
        for (const std::string& channel : wanted_)
            server_.channels_[channel].insert(id_);
        const std::uint64_t id = id_;
        MemoryServer& server = server_;
        for (const std::string& channel : std::vector<std::string>(wanted_.begin(), wanted_.end()))
            if (End* end = server.find(id)) end->confirm(now, channel);
        for (const Line line : {Line::kCommands, Line::kChannels})
            if (End* end = server.find(id); end && end->events_.on_up)
                end->events_.on_up(now, line);
    }
    void go_down(Timestamp now, const Fault& fault) {
        up_ = false;
        for (auto& [channel, listeners] : server_.channels_)
            listeners.erase(id_);
        const std::uint64_t id = id_;
        MemoryServer& server = server_;
        for (Waiting& one : std::exchange(waiting_, {}))
            if (one.done) one.done(now, fail(fault));
        for (const Line line : {Line::kCommands, Line::kChannels})
            if (End* end = server.find(id); end && end->events_.on_down)
                end->events_.on_down(now, line, fault);
    }
    bool is_connected() const { return up_; }

  private:
    struct Waiting {
        std::uint64_t number;
        Timestamp deadline;
        Reply done;
    };

    MemoryServer& server_;
    std::uint64_t id_;
    Events events_;
    bool up_ = false;
    std::set<std::string> wanted_;
    std::deque<Waiting> waiting_;
};

MemoryServer::MemoryServer(Duration delay) : delay_(delay) {}
MemoryServer::~MemoryServer() = default;

std::unique_ptr<Port> MemoryServer::attach(Timestamp now, Events events) {
    const std::uint64_t id = ++last_;
    auto end = std::make_unique<End>(*this, id, std::move(events));
    later(now, [this, id](Timestamp at) { connect(at, id); });
    return end;
}

MemoryServer::End* MemoryServer::find(std::uint64_t id) {
    const auto it = ends_.find(id);
    return it == ends_.end() ? nullptr : it->second;
}

// ---------------------------------------------------------------- time

void MemoryServer::handle_timeout(Timestamp now) {
    while (!steps_.empty() && steps_.begin()->first.first <= now) {
        auto node = steps_.extract(steps_.begin());
        node.mapped()(node.key().first);
    }
}

Timestamp MemoryServer::next_deadline() const {
    return steps_.empty() ? Timestamp::never() : steps_.begin()->first.first;
}

// ---------------------------------------------------------------- commands and messages

void MemoryServer::execute(Timestamp now, std::uint64_t from, const std::vector<std::string>& words,
                           std::uint64_t reply) {
    const End* end = find(from);
    if (!end || !end->is_waiting(reply)) return;
    if (hanging_) {
        held_.push_back(
            [this, from, words, reply](Timestamp at) { execute(at, from, words, reply); });
        return;
    }
    std::string name = words.empty() ? "" : words[0];
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    ++counts_[name];
    Value value;
    if (name == "PUBLISH" && words.size() == 3) {
        value.kind = Value::Kind::kInteger;
        value.integer = static_cast<std::int64_t>(listeners(words[1]));
        deliver(now, words[1], words[2]);
    } else if (name == "PUBSUB" && words.size() >= 2 && words[1] == "NUMSUB") {
        value = numbers_of(words);
    } else {
        const std::vector<std::string_view> views(words.begin(), words.end());
        value = store_.run(now, views);
    }
    later(now + delay_, [this, from, reply, value = std::move(value)](Timestamp at) {
        if (End* asker = find(from)) asker->answer(at, reply, value);
    });
}

Value MemoryServer::numbers_of(const std::vector<std::string>& words) const {
    std::vector<Value> all;
    for (std::size_t i = 2; i < words.size(); ++i) {
        all.push_back(Value::of_text(words[i]));
        all.push_back(Value::of_integer(static_cast<std::int64_t>(listeners(words[i]))));
    }
    return Value::of_list(std::move(all));
}

void MemoryServer::deliver(Timestamp now, const std::string& channel, const std::string& payload) {
    if (filter && !filter(channel, payload)) return;
    const auto it = channels_.find(channel);
    if (it == channels_.end()) return;
    for (const std::uint64_t id : it->second)
        later(now + delay_, [this, id, channel, payload](Timestamp at) {
            End* end = find(id);
            if (end && end->is_connected()) end->hear(at, channel, payload);
        });
}

void MemoryServer::publish(Timestamp now, const std::string& channel, const std::string& payload) {
    if (running_ && !hanging_) deliver(now, channel, payload);
}

std::uint64_t MemoryServer::count(std::string_view command) const {
    const auto it = counts_.find(command);
    return it == counts_.end() ? 0 : it->second;
}

std::size_t MemoryServer::listeners(std::string_view channel) const {
    const auto it = channels_.find(channel);
    return it == channels_.end() ? 0 : it->second.size();
}

// ---------------------------------------------------------------- connections and faults

void MemoryServer::connect(Timestamp now, std::uint64_t id) {
    End* end = find(id);
    if (!end || end->is_connected()) return;
    if (running_ && !hanging_) return end->come_up(now);
    end->go_down(now, {Fault::Code::kClosed, "nobody answers at the address of Redis"});
    later(now + kReconnect, [this, id](Timestamp at) { connect(at, id); });
}

void MemoryServer::disconnect(Timestamp now, std::uint64_t id, const Fault& fault) {
    End* end = find(id);
    if (!end || !end->is_connected()) return;
    end->go_down(now, fault);
    later(now + kReconnect, [this, id](Timestamp at) { connect(at, id); });
}

void MemoryServer::stop(Timestamp now) {
    running_ = false;
    std::vector<std::uint64_t> all;
    all.reserve(ends_.size());
    for (const auto& [id, end] : ends_)
        all.push_back(id);
    for (const std::uint64_t id : all)
        disconnect(now, id, {Fault::Code::kClosed, "the connection to Redis ended: reset"});
}

void MemoryServer::start(Timestamp) {
    running_ = true;
}

void MemoryServer::hang(Timestamp) {
    hanging_ = true;
}

void MemoryServer::go_on(Timestamp now) {
    hanging_ = false;
    for (Step& step : std::exchange(held_, {}))
        later(now, std::move(step));
}

}  // namespace confab::redis
