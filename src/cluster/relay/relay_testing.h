// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two nodes with a bus between them, for tests: clients at one, sessions of rooms at the other.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/relay/faulty_bus_testing.h"
#include "cluster/relay/link/linked_bus.h"
#include "cluster/relay/media_end.h"
#include "cluster/relay/signal_end.h"
#include "rpc/local_bus.h"

namespace confab::cluster::relay::testing {

inline std::string request(std::int64_t number) {
    livekit::SignalRequest message;
    message.set_ping(number + 1);  // 0 would not be there
    return message.SerializeAsString();
}
inline std::string response(std::int64_t number) {
    livekit::SignalResponse message;
    message.set_pong(number + 1);
    return message.SerializeAsString();
}

// What a client saw: the numbers of its responses in order, and how it ended.
struct Client {
    bool started = false;
    bool here = false;
    bool reads = true;
    std::vector<std::int64_t> numbers;
    std::optional<livekit::LeaveRequest> leave;
    std::optional<SignalEvent> refused;
    std::optional<SignalEvent> closed;
    Timestamp ended_at = Timestamp::never();

    bool is_over() const { return here || refused || closed; }
};

// What the room saw of a session.
struct RoomSession {
    SessionStart start;
    bool reads = true;
    std::vector<std::int64_t> numbers;
    std::optional<rpc::Error> closed;
    Timestamp closed_at = Timestamp::never();
};

class TestPlacement final : public Placement {
  public:
    std::string node = "ND_media";
    std::optional<rpc::Error> error;
    bool silent = false;
    int asked = 0;
    std::string room;

    void find_node(Timestamp, const std::string& of,
                   Callback<Result<std::string, rpc::Error>> found) override {
        ++asked;
        room = of;
        if (silent) return kept.push_back(std::move(found));
        if (error) return found(fail(*error));
        found(node);
    }
    std::vector<Callback<Result<std::string, rpc::Error>>> kept;  // while silent
};

// A room that answers each start with a response, unless it refuses.
class TestHost final : public MediaHost {
  public:
    explicit TestHost(const Timestamp& now) : now_(now) {}
    MediaEnd* end = nullptr;
    std::optional<rpc::Error> refusal;
    bool silent = false;
    std::map<SessionId, RoomSession> sessions;

    void start(SessionId id, SessionStart start) override {
        CHECK(!sessions.contains(id));
        sessions[id].start = std::move(start);
        if (refusal) return end->refuse(id, *refusal);
        if (!silent) end->respond(id, response(0));
    }
    void readable(SessionId id) override {
        if (sessions.at(id).reads) read(id);
    }
    void closed(SessionId id, const rpc::Error& cause) override {
        RoomSession& session = sessions.at(id);
        CHECK(!session.closed);
        session.closed = cause;
        session.closed_at = now_;
    }
    void read(SessionId id) {
        while (const auto message = end->receive(id))
            sessions.at(id).numbers.push_back(message->ping() - 1);
    }
    RoomSession& only() {
        REQUIRE(sessions.size() == 1);
        return sessions.begin()->second;
    }
    SessionId last() const {
        REQUIRE(!sessions.empty());
        return sessions.rbegin()->first;
    }

  private:
    const Timestamp& now_;
};

class World {
  public:
    explicit World(const Settings& settings = {}, std::uint64_t seed = 1)
        : settings_(settings),
          faults(std::make_shared<Faults>(seed)),
          signal(signal_bus_, placement, "ND_signal", settings, seed) {
        start_media();
    }

    static SessionStart start_of(const std::string& identity, std::int32_t protocol = 16) {
        SessionStart start;
        start.room = "room";
        start.grants.identity = identity;
        start.grants.video.emplace();
        start.grants.video->room = "room";
        start.client.set_protocol(protocol);
        return start;
    }
    SessionId join(const std::string& identity = "bob", std::int32_t protocol = 16) {
        const SessionId id = signal.start(start_of(identity, protocol));
        clients[id];
        turn();
        return id;
    }
    rpc::LocalBus bus(std::string node) { return {hub_, std::move(node)}; }
    void start_media() {
        host = std::make_unique<TestHost>(now);
        media =
            std::make_unique<MediaEnd>(media_bus_, *host, "ND_media", settings_, token::Limits());
        host->end = media.get();
        REQUIRE(media->serve());
    }
    // As a process that ends: its streams close, unless the way is cut.
    void end_media() {
        media.reset();
        turn();
    }
    // A direct connection of both nodes.
    void connect(const std::string& secret = "secret", const std::string& other = "secret") {
        cut_link = false;
        dialer_ = std::make_unique<Link>(
            now, Link::Options{Link::Role::kDialer, "ND_signal", "ND_media", secret},
            Link::Nonce{1});
        listener_ = std::make_unique<Link>(
            now, Link::Options{Link::Role::kListener, "ND_media", "", other}, Link::Nonce{2});
        turn();
    }
    // As a broken connection that both see; cut_link is one that neither sees.
    void disconnect() {
        dialer_->closed();
        listener_->closed();
        turn();
    }
    const LinkedBus& linked() const { return signal_bus_; }
    bool cut_link = false;

    void read(SessionId id) {
        Client& client = clients.at(id);
        while (auto bytes = signal.receive(id)) {
            livekit::SignalResponse message;
            REQUIRE(message.ParseFromString(*bytes));
            if (message.has_leave())
                client.leave = message.leave();
            else
                client.numbers.push_back(message.pong() - 1);
        }
    }
    // All that is due now.
    void turn() {
        for (int turns = 0; next() <= now; ++turns) {
            REQUIRE(turns < 10'000);
            hub_.handle_timeout(now);
            faults->handle_timeout(now);
            signal.handle_timeout(now);
            if (media) media->handle_timeout(now);
            take_events();
            exchange();
        }
        take_events();
        if (exchange()) turn();
    }
    void pass(Duration time) {
        turn();
        for (const Timestamp until = now + time; now < until; turn())
            now = earlier(until, next());
    }

  private:
    // Whether anything went over the link.
    bool exchange() {
        if (!dialer_) return false;
        dialer_->handle_timeout(now);
        listener_->handle_timeout(now);
        const std::string there = dialer_->take_output();
        const std::string back = listener_->take_output();
        if (!cut_link && !there.empty()) listener_->received(now, as_bytes(there));
        if (!cut_link && !back.empty()) dialer_->received(now, as_bytes(back));
        signal_bus_.advance(now, *dialer_);
        media_bus_.advance(now, *listener_);
        return !there.empty() || !back.empty();
    }
    void take_events() {
        while (const auto event = signal.poll_event())
            take(*event);
    }
    void take(const SignalEvent& event) {
        Client& client = clients[event.session];
        CHECK(!client.is_over());
        using Kind = SignalEvent::Kind;
        if (event.kind == Kind::kHere) client.here = true;
        if (event.kind == Kind::kRefused) client.refused = event;
        if (event.kind == Kind::kClosed) client.closed = event;
        if (client.is_over()) client.ended_at = now;
        if (event.kind == Kind::kStarted) {
            CHECK(!client.started);
            client.started = true;
        }
        if ((event.kind == Kind::kStarted || event.kind == Kind::kReadable) && client.reads)
            read(event.session);
    }
    Timestamp next() const {
        Timestamp at = earlier(hub_.next_deadline(), signal.next_deadline());
        at = earlier(at, faults->next_deadline());
        if (dialer_)
            at = earlier(at, earlier(dialer_->next_deadline(), listener_->next_deadline()));
        return media ? earlier(at, media->next_deadline()) : at;
    }

    Settings settings_;
    rpc::LocalHub hub_;
    rpc::LocalBus signal_local_{hub_, "ND_signal"};
    rpc::LocalBus media_local_{hub_, "ND_media"};

  public:
    Timestamp now = Timestamp::micros(1'000'000'000);
    std::shared_ptr<Faults> faults;

  private:
    FaultyBus signal_faulty_{signal_local_, faults};
    FaultyBus media_faulty_{media_local_, faults};
    LinkedBus signal_bus_{signal_faulty_, "ND_signal", 1};
    LinkedBus media_bus_{media_faulty_, "ND_media", 2};
    std::unique_ptr<Link> dialer_;
    std::unique_ptr<Link> listener_;

  public:
    TestPlacement placement;
    SignalEnd signal;
    std::unique_ptr<TestHost> host;
    std::unique_ptr<MediaEnd> media;
    std::map<SessionId, Client> clients;
};

// All attempts of a session at a node where nobody listens.
inline constexpr Duration kHopeless = Duration::millis(10'500);

// 0, 1 … count - 1.
inline std::vector<std::int64_t> numbers_to(std::int64_t count) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

}  // namespace confab::cluster::relay::testing
