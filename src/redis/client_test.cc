// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/client.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "redis/reply_reader.h"

using namespace confab;
using namespace confab::redis;

namespace {

std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

// As much of a server as a client needs: greetings, channels, and PONG to all else.
constexpr auto kChannels = static_cast<std::size_t>(Line::kChannels);

struct Server {
    struct Peer {
        ReplyReader reader;
        std::set<std::string> channels;
        std::vector<std::string>
            log;  // SUBSCRIBE and UNSUBSCRIBE, each with its number of channels
    };

    std::string answer(Peer& peer, std::string_view bytes) const {
        std::string out;
        BytesView input = as_bytes(bytes);
        while (true) {
            auto command = peer.reader.read(input);
            REQUIRE(command);
            if (!*command) return out;
            out += answer(peer, (*command)->items);
        }
    }
    std::string answer(Peer& peer, const std::vector<Value>& words) const {
        const std::string& name = words.front().text;
        if (name == "HELLO") return password_ok ? "%0\r\n" : "-WRONGPASS no\r\n";
        if (name != "SUBSCRIBE" && name != "UNSUBSCRIBE") return "+PONG\r\n";
        const auto forbidden = [&](const Value& one) { return one.text == secret; };
        if (std::any_of(words.begin(), words.end(), forbidden)) return "-NOPERM no\r\n";
        peer.log.push_back(name + " " + std::to_string(words.size() - 1));
        std::string out;
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (name == "SUBSCRIBE")
                peer.channels.insert(words[i].text);
            else
                peer.channels.erase(words[i].text);
            out += ">3\r\n" + bulk(name == "SUBSCRIBE" ? "subscribe" : "unsubscribe") +
                   bulk(words[i].text) + ":" + std::to_string(peer.channels.size()) + "\r\n";
        }
        return out;
    }

    bool reachable = true;
    bool silent = false;
    bool password_ok = true;
    std::string secret = "secret";
};

struct World {
    World() : client(now, Address{"redis", 6379}, {}, told(), 7) {}

    Events told() {
        const auto name = [](Line line) { return line == Line::kCommands ? "c" : "s"; };
        return {[this](Timestamp, std::string_view channel, const std::string& payload) {
                    events.push_back(std::string(channel) + "=" + payload);
                    if (on_message) on_message();
                },
                [this](Timestamp, const std::string& channel) { confirmed.push_back(channel); },
                [this, name](Timestamp, Line line) {
                    events.push_back(std::string("up ") + name(line));
                },
                [this, name](Timestamp, Line line, const Fault&) {
                    events.push_back(std::string("down ") + name(line));
                },
                [this](Timestamp, const std::string& channel, const std::string&) {
                    events.push_back("refused " + channel);
                }};
    }

    void pass(Duration time) {
        for (const Timestamp end = now + time; now < end; now = now + Duration::millis(5)) {
            client.advance(now);
            while (const auto dial = client.dial(now))
                connect(*dial);
            for (std::size_t link = 0; link < client.links(); ++link)
                serve(link);
        }
    }
    void connect(const Dial& dial) {
        ++attempts;
        dialled.insert(to_text(dial.to));
        if (!server.reachable) return client.closed(now, dial.link, "refused");
        peers[dial.link] = Server::Peer();
        client.connected(now, dial.link);
    }
    void serve(std::size_t link) {
        const std::string out = client.take_output(link);
        if (!server.silent) client.received(now, link, as_bytes(server.answer(peers[link], out)));
    }
    void cut() {
        for (std::size_t link = 0; link < client.links(); ++link)
            client.closed(now, link, "reset");
    }
    void publish(const std::string& channel, const std::string& payload) {
        if (peers[kChannels].channels.contains(channel))
            client.received(now, kChannels,
                            as_bytes(">3\r\n" + bulk("message") + bulk(channel) + bulk(payload)));
    }
    std::set<std::string>& channels() { return peers[kChannels].channels; }

    Timestamp now = Timestamp::micros(1'000'000);
    Server server;
    std::map<std::size_t, Server::Peer> peers;
    std::set<std::string> dialled;
    std::vector<std::string> events;
    std::vector<std::string> confirmed;
    std::size_t attempts = 0;
    std::function<void()> on_message;
    Client client;
};

using Strings = std::vector<std::string>;

Result<void, Fault> ping(World& world, std::string& said) {
    const std::array<std::string_view, 1> words = {"PING"};
    return world.client.command(world.now, words, [&](Timestamp, Result<Value, Fault> reply) {
        said = reply ? reply->text : "fault";
    });
}

}  // namespace

TEST_CASE("Client: channels of one turn are asked for together [RDS-31] [PSR-20]") {
    World world;
    world.pass(Duration::millis(50));
    for (int i = 0; i < 100; ++i)
        world.client.subscribe(world.now, "c" + std::to_string(i));
    CHECK(world.client.next_deadline() <= world.now);
    world.pass(Duration::millis(5));
    CHECK(world.peers[kChannels].log == Strings{"SUBSCRIBE 64", "SUBSCRIBE 36"});
    CHECK(world.confirmed.size() == 100);
    CHECK(world.client.next_deadline() > world.now);
    world.peers[kChannels].log.clear();
    for (int i = 0; i < 70; ++i)
        world.client.unsubscribe(world.now, "c" + std::to_string(i));
    world.client.subscribe(world.now, "c1");  // again
    world.client.subscribe(world.now, "brief");
    world.client.unsubscribe(world.now, "brief");
    world.pass(Duration::millis(5));
    CHECK(world.peers[kChannels].log == Strings{"UNSUBSCRIBE 64", "UNSUBSCRIBE 5", "SUBSCRIBE 1"});
    CHECK(world.channels().size() == 31);
    CHECK(world.channels().contains("c1"));
    CHECK(world.confirmed.back() == "c1");
}

TEST_CASE("Client: after an outage both connections are back with every channel [RDS-30]") {
    World world;
    for (int i = 0; i < 200; ++i)
        world.client.subscribe(world.now, "room" + std::to_string(i));
    world.pass(Duration::millis(50));
    CHECK(world.events == Strings{"up c", "up s"});
    CHECK(world.channels().size() == 200);
    CHECK(std::set<std::string>(world.confirmed.begin(), world.confirmed.end()) ==
          world.channels());
    world.client.subscribe(world.now, "late");
    world.client.unsubscribe(world.now, "room7");
    world.pass(Duration::millis(50));
    CHECK(world.channels().size() == 200);
    CHECK_FALSE(world.channels().contains("room7"));
    CHECK(world.confirmed.back() == "late");
    world.publish("late", "hi");
    std::string said;
    CHECK(ping(world, said));
    world.server.reachable = false;
    world.cut();
    CHECK(said == "fault");
    CHECK(world.events == Strings{"up c", "up s", "late=hi", "down c", "down s"});
    CHECK_FALSE(ping(world, said));
    world.client.subscribe(world.now, "meanwhile");
    world.client.unsubscribe(world.now, "room8");
    world.pass(Duration::seconds(60));
    world.server.reachable = true;
    world.events.clear();
    world.pass(Lifeline::kLongestPause + Duration::millis(50));
    CHECK(world.client.is_up(Line::kCommands));
    CHECK(world.client.is_up(Line::kChannels));
    CHECK(world.channels().size() == 200);
    CHECK(world.channels().contains("meanwhile"));
    CHECK_FALSE(world.channels().contains("room8"));
    CHECK(ping(world, said));
    world.pass(Duration::millis(20));
    CHECK(said == "PONG");
}

TEST_CASE(
    "Client: who is away is asked often at first, then ever more seldom, by chance and within the "
    "bound [RDS-30]") {
    World world;
    world.server.reachable = false;
    world.pass(Duration::seconds(5));
    CHECK(world.attempts >= 40);  // two connections, 125 … 250 ms apart
    CHECK(world.attempts <= 90);
    world.pass(Duration::seconds(5));
    world.attempts = 0;
    world.pass(Duration::seconds(100));
    CHECK(world.attempts >= 90);  // two connections, 1 … 2 s apart
    CHECK(world.attempts <= 210);
}

TEST_CASE("Client: Redis is back from a restart: its channels are heard soon [RDS-30]") {
    for (int i = 0; i < 20; ++i) {
        World world;
        world.client.subscribe(world.now, "room");
        world.pass(Duration::millis(50 + 5 * i));
        world.server.reachable = false;
        world.cut();
        world.channels().clear();
        world.pass(Duration::millis(3000 + 7 * i));
        world.server.reachable = true;
        world.pass(Lifeline::kSoonPause + Duration::millis(30));
        CHECK(world.channels() == std::set<std::string>{"room"});
    }
}

TEST_CASE("Client: a hang ends both connections, a wrong password is said and asked again") {
    World world;
    world.client.subscribe(world.now, "a");
    world.pass(Duration::millis(50));
    world.server.silent = true;
    world.pass(Duration::seconds(11));
    CHECK_FALSE(world.client.is_up(Line::kCommands));
    CHECK_FALSE(world.client.is_up(Line::kChannels));
    world.server.silent = false;
    world.server.password_ok = false;
    world.pass(Duration::seconds(10));
    CHECK_FALSE(world.client.is_up(Line::kChannels));
    CHECK(world.client.trouble().find("redis.password") != std::string::npos);
    world.server.password_ok = true;
    world.pass(Duration::seconds(3));
    CHECK(world.client.is_up(Line::kChannels));
    CHECK(world.client.trouble().empty());
    CHECK(world.channels() == std::set<std::string>{"a"});
}

TEST_CASE("Client: a channel that is refused costs no other") {
    World world;
    for (const char* channel : {"a", "secret", "z"})
        world.client.subscribe(world.now, channel);
    world.pass(Duration::millis(100));
    CHECK(world.channels() == std::set<std::string>{"a", "z"});
    CHECK(world.events == Strings{"up c", "refused secret", "up s"});
    CHECK(world.confirmed == Strings{"a", "z"});
    world.server.secret = "none";
    world.cut();
    world.pass(Duration::millis(300));
    CHECK(world.channels() == std::set<std::string>{"a", "secret", "z"});
    // One that is let go of while its refusal is under way is not asked for again.
    world.server.secret = "a";
    world.cut();
    while (!world.client.keeps(kChannels))
        world.pass(Duration::millis(5));
    world.client.unsubscribe(world.now, "z");
    world.pass(Duration::millis(300));
    CHECK(world.channels() == std::set<std::string>{"secret"});
}

TEST_CASE("Client: more channels at once than a connection takes are taken by the next one") {
    World world;
    world.client.subscribe(world.now, "a");
    world.pass(Duration::millis(50));
    const std::string long_name(40'000, 'x');
    const std::size_t count = Session::kMaxUnsent / long_name.size() + 100;
    const auto ask_for_all = [&] {
        for (std::size_t i = 0; i < count; ++i)
            world.client.subscribe(world.now, long_name + std::to_string(i));
    };
    SUBCASE("by themselves") {
        ask_for_all();
        CHECK(world.client.next_deadline() <= world.now);
        world.client.advance(world.now);
    }
    SUBCASE("while a message is told of") {
        world.on_message = ask_for_all;
        world.publish("a", "go");
        world.client.advance(world.now);
    }
    CHECK(world.events.back() == "down s");
    world.events.clear();
    world.client.closed(world.now, kChannels, "the socket, too");
    // Half of them fit.
    for (std::size_t i = 0; i < count / 2; ++i)
        world.client.unsubscribe(world.now, long_name + std::to_string(i));
    world.pass(Duration::seconds(1));
    CHECK(world.events == Strings{"up s"});
    CHECK(world.channels().size() == 1 + count - count / 2);
}
TEST_CASE("Client: a server elsewhere takes both connections over at once [RDS-30]") {
    World world;
    world.client.subscribe(world.now, "a");
    world.pass(Duration::millis(50));
    world.client.move(world.now, {"other", 6379});
    CHECK(world.events == Strings{"up c", "up s", "down c", "down s"});
    world.client.move(world.now, {"other", 6379});  // it is there already
    CHECK(world.events.size() == 4);
    world.pass(Duration::millis(20));
    CHECK(world.dialled == std::set<std::string>{"other:6379", "redis:6379"});
    CHECK(world.attempts == 4);
    CHECK(world.client.is_up(Line::kCommands));
    CHECK(world.channels() == std::set<std::string>{"a"});
    // Also while it waits for the next attempt.
    world.server.reachable = false;
    world.cut();
    world.pass(Duration::seconds(20));
    world.server.reachable = true;
    world.client.move(world.now, {"third", 6379});
    world.pass(Duration::millis(20));
    CHECK(world.client.is_up(Line::kChannels));
}
