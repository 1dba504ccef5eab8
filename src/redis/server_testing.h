// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Servers by their addresses, each as bytes on the wire over a MemoryStore, and whoever drives a
// Driven among them: for the tests of clients that deal with more than one.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "redis/driven.h"
#include "redis/memory_store.h"
#include "redis/reply_reader.h"

namespace confab::redis::testing {

using Strings = std::vector<std::string>;

inline std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
inline std::string to_wire(const Value& value) {
    switch (value.kind) {
        case Value::Kind::kNull:
            return "_\r\n";
        case Value::Kind::kText:
            return bulk(value.text);
        case Value::Kind::kError:
            return "-" + value.text + "\r\n";
        case Value::Kind::kInteger:
            return ":" + std::to_string(value.integer) + "\r\n";
        default:
            break;
    }
    const bool map = value.kind == Value::Kind::kMap;
    std::string out = (map ? "%" : "*") +
                      std::to_string(map ? value.items.size() / 2 : value.items.size()) + "\r\n";
    for (const Value& item : value.items)
        out += to_wire(item);
    return out;
}

struct Server {
    struct Peer {
        ReplyReader reader;
        std::set<std::string> channels;
        std::string unread;  // what goes to it
    };

    void publish(const std::string& channel, const std::string& payload) {
        for (const auto& peer : peers)
            if (peer->channels.contains(channel))
                peer->unread += ">3\r\n" + bulk("message") + bulk(channel) + bulk(payload);
    }
    std::string answer(Timestamp now, Peer& peer, const Strings& words) {
        log.push_back(words);
        if (special)
            if (auto said = special(words)) return *said;
        const std::string& name = words.front();
        if (name == "HELLO") return "%0\r\n";
        if (name == "PUBLISH") {
            publish(words[1], words[2]);
            return ":1\r\n";
        }
        if (name == "SUBSCRIBE" || name == "UNSUBSCRIBE") return subscribe(peer, words);
        const std::vector<std::string_view> views(words.begin(), words.end());
        return to_wire(store.run(now, views));
    }
    std::string subscribe(Peer& peer, const Strings& words) const {
        std::string out;
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (words[0] == "SUBSCRIBE")
                peer.channels.insert(words[i]);
            else
                peer.channels.erase(words[i]);
            out += ">3\r\n" + bulk(words[0] == "SUBSCRIBE" ? "subscribe" : "unsubscribe") +
                   bulk(words[i]) + ":" + std::to_string(peer.channels.size()) + "\r\n";
        }
        return out;
    }
    std::size_t count(std::string_view command) const {
        return static_cast<std::size_t>(std::count_if(
            log.begin(), log.end(), [&](const Strings& words) { return words[0] == command; }));
    }

    bool reachable = true;
    bool silent = false;
    // In place of what it does otherwise: bytes of a reply.
    std::function<std::optional<std::string>(const Strings& words)> special;
    MemoryStore store;
    std::vector<Strings> log;
    std::vector<std::shared_ptr<Peer>> peers;
};

class Network {
  public:
    explicit Network(Timestamp& now) : now_(now) {}

    Server& at(const std::string& address) { return servers_[address]; }

    void pass(Driven& client, Duration time) {
        for (const Timestamp end = now_ + time; now_ < end; now_ = now_ + Duration::millis(5)) {
            client.advance(now_);
            while (const auto dial = client.dial(now_))
                connect(client, *dial);
            for (std::size_t link = 0; link < client.links(); ++link)
                serve(client, link);
        }
    }
    // Its connections end; new ones may be made if it is reachable.
    void cut(Driven& client, const std::string& address) {
        for (std::size_t link = 0; link < client.links(); ++link)
            if (ends_.contains(link) && ends_[link].address == address) {
                drop(link);
                client.closed(now_, link, "reset");
            }
    }
    Strings dialled;

  private:
    struct End {
        std::string address;
        std::shared_ptr<Server::Peer> peer;
    };

    void connect(Driven& client, const Dial& dial) {
        drop(dial.link);
        dialled.push_back(to_text(dial.to));
        Server& server = at(dialled.back());
        if (!server.reachable) return client.closed(now_, dial.link, "refused");
        const auto peer = std::make_shared<Server::Peer>();
        server.peers.push_back(peer);
        ends_[dial.link] = {dialled.back(), peer};
        client.connected(now_, dial.link);
    }
    void serve(Driven& client, std::size_t link) {
        if (!client.keeps(link)) drop(link);
        if (!ends_.contains(link)) return;
        const End end = ends_[link];
        Server& server = at(end.address);
        const std::string out = client.take_output(link);
        BytesView input = as_bytes(out);
        while (!server.silent) {
            const auto command = end.peer->reader.read(input);
            REQUIRE(command);
            if (!*command) break;
            Strings words;
            for (const Value& word : (*command)->items)
                words.push_back(word.text);
            end.peer->unread += server.answer(now_, *end.peer, words);
        }
        if (!server.silent)
            client.received(now_, link, as_bytes(std::exchange(end.peer->unread, {})));
    }
    void drop(std::size_t link) {
        const auto it = ends_.find(link);
        if (it == ends_.end()) return;
        std::erase(at(it->second.address).peers, it->second.peer);
        ends_.erase(it);
    }

    Timestamp& now_;
    std::map<std::string, Server> servers_;
    std::map<std::size_t, End> ends_;
};

}  // namespace confab::redis::testing
