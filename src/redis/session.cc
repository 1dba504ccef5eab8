// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/session.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "redis/command.h"

namespace confab::redis {
namespace {

using Code = Fault::Code;

bool is_confirmation(std::string_view type) {
    return type.ends_with("subscribe");
}

std::string_view what(ReplyError error) {
    switch (error) {
        case ReplyError::kType:
            return "a value of no known type";
        case ReplyError::kLine:
            return "a line without an end";
        case ReplyError::kNumber:
            return "a number that is none";
        case ReplyError::kDepth:
            return "lists too deep in each other";
    }
    return "?";
}

// Of a refused HELLO or SELECT. The server's own words follow: they hold no secret of ours.
Fault refusal(const Value& error) {
    const std::string_view code = error.error_code();
    const std::string said = " (Redis says: " + error.text + ")";
    if (code == "WRONGPASS")
        return {Code::kRefused, "redis.username or redis.password is wrong" + said};
    if (code == "NOAUTH")
        return {Code::kRefused, "Redis wants a password: set redis.password" + said};
    if (code == "NOPERM")
        return {Code::kRefused,
                "the Redis user may not log in like this: give it +hello, +select and "
                "+ping" +
                    said};
    if (code == "LOADING" || code == "MASTERDOWN" || code == "BUSY")
        return {Code::kNotReady, "Redis is not ready yet" + said};
    if (code == "NOPROTO" || error.text.starts_with("ERR unknown command"))
        return {Code::kTooOld, "Redis 6 or newer is needed" + said};
    return {Code::kRefused, "Redis refuses the connection" + said};
}

}  // namespace

Session::Session(Timestamp now, const Login& login, MessageHandler on_message, Timing timing)
    : timing_(timing), on_message_(std::move(on_message)), heard_(now) {
    greet(now, login);
}

void Session::greet(Timestamp now, const Login& login) {
    std::vector<std::string_view> words = {"HELLO", "3"};
    const std::string_view user =
        login.username.empty() ? std::string_view("default") : std::string_view(login.username);
    if (!login.password.empty()) words.insert(words.end(), {"AUTH", user, login.password});
    if (!login.name.empty()) words.insert(words.end(), {"SETNAME", login.name});
    const auto send = [&](Words greeting) {
        ++greetings_;
        append_command(output_, greeting);
        waiting_.push_back(
            {0, now + timing_.reply,
             [this](Timestamp at, Result<Value, Fault> reply) { greeted(at, reply); }});
    };
    send(words);
    const std::string db = std::to_string(login.db);
    if (login.db != 0) send(std::array<std::string_view, 2>{"SELECT", db});
}

void Session::greeted(Timestamp now, const Result<Value, Fault>& reply) {
    if (!reply) return;  // ended
    if (reply->is_error()) return end(now, refusal(*reply));
    if (--greetings_ > 0) return;
    state_ = State::kReady;
    output_ += std::exchange(held_back_, {});
}

Result<void, Fault> Session::command(Timestamp now, Words words, Reply done) {
    return enqueue(now, words, 0, std::move(done));
}

Result<void, Fault> Session::subscription(Timestamp now, Words words, Reply done) {
    return enqueue(now, words, words.size() - 1, std::move(done));
}

Result<void, Fault> Session::enqueue(Timestamp now, Words words, std::size_t confirmations,
                                     Reply done) {
    if (state_ == State::kEnded) return fail(*fault_);
    std::size_t size = 0;
    for (const std::string_view word : words)
        size += word.size();
    if (waiting_.size() >= kMaxWaiting || output_.size() + held_back_.size() + size > kMaxUnsent)
        return fail(Fault{Code::kFull, "too much waits for Redis"});
    append_command(state_ == State::kReady ? output_ : held_back_, words);
    waiting_.push_back({confirmations, now + timing_.reply, std::move(done)});
    return {};
}

// ---------------------------------------------------------------- what comes

void Session::received(Timestamp now, BytesView bytes) {
    if (state_ == State::kEnded) return;
    heard_ = now;
    while (state_ != State::kEnded) {
        auto value = reader_.read(bytes);
        if (!value)
            return end(now,
                       {Code::kProtocol, "what answers at the address of Redis is none: it sent " +
                                             std::string(what(value.error()))});
        if (!*value) return;
        take(now, std::move(**value));
    }
}

void Session::take(Timestamp now, Value value) {
    if (value.kind == Value::Kind::kPush) return take_push(now, std::move(value));
    if (waiting_.empty())
        return end(now, {Code::kProtocol, "Redis answered what nobody has asked"});
    // Confirmations are pushes: a reply in their place is the refusal of all that are missing.
    if (waiting_.front().confirmations > 0 && !value.is_error())
        return end(now, {Code::kProtocol, "Redis answered a subscription like a command"});
    const bool replica = value.error_code() == "READONLY";
    answer(now, std::move(value));
    if (replica) end(now, {Code::kNotReady, "this Redis is a replica, which nobody can write to"});
}

void Session::take_push(Timestamp now, Value push) {
    if (push.items.empty()) return;
    const std::string_view type = push.items.front().text;
    const bool message = type == "message" || type == "pmessage";
    if (message) {
        if (push.cut) {
            ++messages_too_big_;
            return;
        }
        const std::size_t wanted = type == "message" ? 3 : 4;  // [pattern,] channel, payload
        if (push.items.size() != wanted) return;
        if (on_message_)
            on_message_(now, push.items[wanted - 2].text, std::move(push.items.back().text));
        return;
    }
    if (!is_confirmation(type)) return;  // of client-side caching and the like
    if (waiting_.empty() || waiting_.front().confirmations == 0)
        return;  // the server let go of a channel by itself: CLUSTER, ACL SETUSER
    if (--waiting_.front().confirmations == 0) answer(now, std::move(push));
}

void Session::answer(Timestamp now, Result<Value, Fault> result) {
    Reply done = std::move(waiting_.front().done);
    waiting_.pop_front();
    if (done) done(now, std::move(result));
}

// ---------------------------------------------------------------- time and end

void Session::advance(Timestamp now) {
    if (state_ == State::kEnded) return;
    if (!waiting_.empty() && waiting_.front().deadline <= now)
        return end(now, {Code::kTimeout, "Redis has not answered in time"});
    if (state_ != State::kReady || !waiting_.empty() || now < heard_ + timing_.silence) return;
    // Nothing waits, so nothing is full.
    (void)enqueue(now, std::array<std::string_view, 1>{"PING"}, 0, {});
}

Timestamp Session::next_deadline() const {
    if (state_ == State::kEnded) return Timestamp::never();
    if (!waiting_.empty()) return waiting_.front().deadline;
    return heard_ + timing_.silence;
}

void Session::closed(Timestamp now, std::string_view why) {
    end(now, {Code::kClosed, "the connection to Redis ended: " + std::string(why)});
}

// Whoever waits is told; what they do then finds an ended session.
void Session::end(Timestamp now, Fault fault) {
    if (state_ == State::kEnded) return;
    state_ = State::kEnded;
    fault_ = std::move(fault);
    output_.clear();
    held_back_.clear();
    std::deque<Waiting> all = std::exchange(waiting_, {});
    for (Waiting& one : all)
        if (one.done) one.done(now, fail(*fault_));
}

}  // namespace confab::redis
