// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A Redis in memory behind a real socket, for the tests of nodes that have sockets of their own. It
// knows the commands and scripts of the nodes, and can be away for a while.
#pragma once

#include <poll.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "cluster/nodes/script/memory_scripts.h"
#include "cluster/store/scripts_testing.h"
#include "redis/server_testing.h"
#include "runtime/net/net_testing.h"

namespace confab::control {

class MemoryRedis {
  public:
    using Strings = redis::testing::Strings;

    MemoryRedis() {
        cluster::nodes::add_scripts(server_.store);
        cluster::store::testing::add_scripts(server_.store);
        server_.special = [this](const Strings& words) { return say(words); };
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_storage storage{};
        auto& address = *static_cast<sockaddr_in*>(static_cast<void*>(&storage));
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const name = static_cast<sockaddr*>(static_cast<void*>(&storage));
        socklen_t size = sizeof(sockaddr_in);
        REQUIRE(::bind(listener_, name, size) == 0);
        REQUIRE(::listen(listener_, 16) == 0);
        REQUIRE(::getsockname(listener_, name, &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] {
            while (!over_)
                turn();
        });
    }
    ~MemoryRedis() {
        over_ = true;
        thread_.join();
        for (const Peer& peer : peers_)
            ::close(peer.fd);
        ::close(listener_);
    }
    MemoryRedis(const MemoryRedis&) = delete;
    MemoryRedis& operator=(const MemoryRedis&) = delete;

    std::uint16_t port() const { return port_; }
    // With nothing else going on in it.
    template <typename F>
    auto with(F fn) {
        const std::scoped_lock lock(mutex_);
        return fn(server_);
    }
    // As by redis-cli.
    redis::Value run(const Strings& words) {
        const std::vector<std::string_view> views(words.begin(), words.end());
        return with([&](redis::testing::Server& server) {
            return server.store.run(net::EventLoop::now(), views);
        });
    }
    // Whether `condition` of the store becomes true within five seconds.
    template <typename F>
    bool eventually(F condition) {
        for (int i = 0; i < 500; ++i) {
            if (with([&](redis::testing::Server& server) { return condition(server.store); }))
                return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    bool has(const std::string& key, const std::string& field, bool there = true) {
        return eventually([&](const redis::MemoryStore& store) {
            const auto* hash = store.hash(key);
            return (hash != nullptr && hash->contains(field)) == there;
        });
    }
    // All connections end, and new ones too until it is back.
    void stop() { set_running(false); }
    void start() { set_running(true); }
    // Channels are not listened to, and nothing is said about it, until it answers again.
    void hold_channels() {
        with([&](redis::testing::Server&) { holds_channels_ = true; });
    }
    void answer_channels() {
        with([&](redis::testing::Server& server) {
            holds_channels_ = false;
            for (const auto& [peer, words] : std::exchange(held_, {}))
                peer->unread += server.subscribe(*peer, words);
        });
    }
    // Only so many connections may log in from now on.
    void allow_logins(int count) {
        with([&](redis::testing::Server&) { logins_left_ = count; });
    }

  private:
    struct Peer {
        int fd = -1;
        std::shared_ptr<redis::testing::Server::Peer> end;
    };

    void set_running(bool on) {
        with([&](redis::testing::Server&) { running_ = on; });
    }
    std::optional<std::string> say(const Strings& words) {
        if (words[0] == "HELLO" && logins_left_-- <= 0) return "-WRONGPASS no\r\n";
        if (words[0] == "SUBSCRIBE" && holds_channels_) {
            held_.emplace_back(reading_, words);
            return "";
        }
        if (words[0] != "PUBLISH") return std::nullopt;
        const auto listeners =
            std::count_if(server_.peers.begin(), server_.peers.end(),
                          [&](const auto& peer) { return peer->channels.contains(words[1]); });
        server_.publish(words[1], words[2]);
        return ":" + std::to_string(listeners) + "\r\n";
    }
    void turn() {
        std::vector<pollfd> watched{{listener_, POLLIN, 0}};
        for (const Peer& peer : peers_)
            watched.push_back({peer.fd, POLLIN, 0});
        (void)::poll(watched.data(), watched.size(), 5);
        const std::scoped_lock lock(mutex_);
        for (std::size_t i = peers_.size(); i > 0; --i)
            if (!running_ || (watched[i].revents != 0 && !read(peers_[i - 1]))) drop(i - 1);
        if (watched[0].revents != 0) accept();
        for (const Peer& peer : peers_) {
            const std::string out = std::exchange(peer.end->unread, {});
            if (!out.empty()) (void)::send(peer.fd, out.data(), out.size(), MSG_NOSIGNAL);
        }
    }
    void accept() {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        peers_.push_back({fd, std::make_shared<redis::testing::Server::Peer>()});
        server_.peers.push_back(peers_.back().end);
    }
    void drop(std::size_t index) {
        ::close(peers_[index].fd);
        std::erase(server_.peers, peers_[index].end);
        peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(index));
    }
    bool read(Peer& peer) {
        char chunk[64 * 1024];
        const ssize_t n = ::recv(peer.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        if (n <= 0) return false;
        BytesView input = as_bytes(std::string_view(chunk, static_cast<std::size_t>(n)));
        for (;;) {
            const auto command = peer.end->reader.read(input);
            if (!command) return false;
            if (!*command) return true;
            Strings words;
            for (const redis::Value& word : (*command)->items)
                words.push_back(word.text);
            reading_ = peer.end;
            const std::string reply = server_.answer(net::EventLoop::now(), *peer.end, words);
            peer.end->unread += reply;
        }
    }

    std::mutex mutex_;  // of what the thread and the test both use
    redis::testing::Server server_;
    bool running_ = true;
    int logins_left_ = 1'000'000;
    bool holds_channels_ = false;
    std::shared_ptr<redis::testing::Server::Peer> reading_;
    std::vector<std::pair<std::shared_ptr<redis::testing::Server::Peer>, Strings>> held_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::vector<Peer> peers_;  // the thread's
    std::atomic<bool> over_{false};
    std::thread thread_;
};

}  // namespace confab::control
