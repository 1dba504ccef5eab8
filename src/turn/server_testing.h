// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A TURN server with relay ports that are only noted, and clients that speak to it.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/hmac.h"
#include "turn/credentials.h"
#include "turn/server.h"
#include "wire/ice/channel_data.h"
#include "wire/ice/stun.h"

namespace confab::turn::testing {

using wire::StunAttr;
using wire::StunBuilder;
using wire::StunClass;
using wire::StunMessage;
using wire::StunMethod;

inline SocketAddress address(std::string_view text) {
    const auto parsed = SocketAddress::parse(text);
    REQUIRE(parsed.has_value());
    return *parsed;
}
inline IpAddress ip(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    REQUIRE(parsed.has_value());
    return *parsed;
}

class NotedPorts final : public RelayPorts {
  public:
    bool open(AllocationHandle allocation, const SocketAddress& relayed) override {
        ++tries;
        if (taken.contains(relayed.port) || !free) return false;
        taken.insert(relayed.port);
        return opened.emplace(allocation.packed(), relayed).second;
    }
    void close(AllocationHandle allocation) override {
        const auto found = opened.find(allocation.packed());
        REQUIRE(found != opened.end());
        taken.erase(found->second.port);
        opened.erase(found);
    }

    std::map<std::uint64_t, SocketAddress> opened;
    std::set<std::uint16_t> taken;
    bool free = true;
    int tries = 0;
};

// What an answer says.
struct Answer {
    bool any = false;
    StunClass message_class = StunClass::kIndication;
    std::uint16_t error = 0;
    bool integrity = false;  // there, and right
    std::string realm;
    std::string nonce;
    std::optional<std::uint32_t> lifetime;
    std::optional<SocketAddress> relayed;
    std::optional<SocketAddress> mapped;
    std::vector<std::uint16_t> unknown;
    std::size_t size = 0;

    bool ok() const { return any && message_class == StunClass::kSuccess; }
};

class TurnWorld {
  public:
    static constexpr std::string_view kSecret = "secret-of-the-key";

    explicit TurnWorld(const std::function<void(ServerOptions&)>& adjust = {})
        : server(now, options(adjust), ports) {}

    static ServerOptions options(const std::function<void(ServerOptions&)>& adjust) {
        ServerOptions options;
        options.relay_v4 = ip("1.2.3.4");
        options.relay_v6 = ip("2600::1");
        options.seed = 7;
        options.find_secret = [](std::string_view key) -> std::optional<std::string> {
            if (key != "APIkey") return std::nullopt;
            return std::string(kSecret);
        };
        if (adjust) adjust(options);
        return options;
    }

    Timestamp now = Timestamp::micros(5'000'000'000);
    UnixTime wall = UnixTime::seconds(1'800'000'000);
    NotedPorts ports;
    Server server;

    void pass(Duration time) {
        now = now + time;
        wall = wall + time;
        server.handle_timeout(now);
    }
};

class TurnClient {
  public:
    using Attributes = std::function<void(StunBuilder&)>;

    TurnClient(TurnWorld& world, std::string_view remote, std::string sid = "PA_one")
        : world_(world) {
        path.local = address("1.2.3.4:3478");
        path.remote = address(remote);
        user = {"APIkey", std::move(sid), world.wall.s() + 300};
    }

    ClientPath path;
    User user;
    std::string nonce;
    std::string password;  // empty: the right one
    bool new_transaction = true;

    Answer request(StunMethod method, const Attributes& attributes = {}) {
        Bytes buffer(2000);
        if (new_transaction) id_[11] = static_cast<std::uint8_t>(++transactions_);
        StunBuilder builder(buffer, StunClass::kRequest, method, id_);
        if (attributes) attributes(builder);
        const std::string username = make_username(user);
        const IntegrityKey key = integrity_key(
            username, password.empty() ? make_password(user, TurnWorld::kSecret) : password);
        if (!nonce.empty()) {
            builder.text(StunAttr::kUsername, username)
                .text(StunAttr::kRealm, kRealm)
                .text(StunAttr::kNonce, nonce);
            builder.add_integrity(crypto::hmac_sha1(key, builder.integrity_input()));
        }
        return read(world_.server.handle_client(world_.now, world_.wall, path, builder.finish()),
                    key);
    }
    // Learns the nonce, then asks.
    Answer allocate(const Attributes& attributes = {}) {
        const Attributes all = [&](StunBuilder& builder) {
            builder.u32(StunAttr::kRequestedTransport, 17U << 24);
            if (attributes) attributes(builder);
        };
        learn_nonce();
        return request(StunMethod::kAllocate, all);
    }
    void learn_nonce() {
        nonce.clear();
        nonce = request(StunMethod::kAllocate).nonce;
        REQUIRE_FALSE(nonce.empty());
    }
    Answer refresh(std::uint32_t lifetime) {
        return request(StunMethod::kRefresh,
                       [&](StunBuilder& b) { b.u32(StunAttr::kLifetime, lifetime); });
    }
    Answer permit(std::string_view peer) {
        return request(StunMethod::kCreatePermission, [&](StunBuilder& b) {
            b.xor_address(StunAttr::kXorPeerAddress, address(peer));
        });
    }
    Answer bind(std::uint16_t channel, std::string_view peer) {
        return request(StunMethod::kChannelBind, [&](StunBuilder& b) {
            b.u32(StunAttr::kChannelNumber, std::uint32_t{channel} << 16)
                .xor_address(StunAttr::kXorPeerAddress, address(peer));
        });
    }
    Output send(std::string_view peer, std::string_view data) {
        Bytes buffer(2000);
        StunBuilder builder(buffer, StunClass::kIndication, StunMethod::kSend, id_);
        builder.xor_address(StunAttr::kXorPeerAddress, address(peer)).text(StunAttr::kData, data);
        return handle(builder.finish());
    }
    Output send_on(std::uint16_t channel, std::string_view data) {
        Bytes buffer(2000);
        return handle(wire::build_channel_data(buffer, channel, as_bytes(data), false));
    }
    Output handle(BytesView message) {
        sent_ = to_vector(message);  // Output may point into it
        return world_.server.handle_client(world_.now, world_.wall, path, sent_);
    }

  private:
    Answer read(const Output& output, const IntegrityKey& key) {
        Answer answer;
        if (output.to == Output::To::kNobody) return answer;
        REQUIRE(output.to == Output::To::kClient);
        CHECK(output.client == path);
        const auto message = StunMessage::parse(output.bytes);
        REQUIRE(message.has_value());
        CHECK(message->transaction_id() == id_);
        answer.any = true;
        answer.size = output.bytes.size();
        answer.message_class = message->message_class();
        if (const auto error = message->error_code()) answer.error = error->code;
        if (const auto input = message->integrity_input()) {
            crypto::HmacSha1 hmac(key);
            hmac.update(input->header);
            hmac.update(input->body);
            answer.integrity = equal_constant_time(hmac.finish(), input->mac);
            CHECK(answer.integrity);
        }
        answer.realm = std::string(message->text(StunAttr::kRealm).value_or(""));
        answer.nonce = std::string(message->text(StunAttr::kNonce).value_or(""));
        answer.lifetime = message->u32(StunAttr::kLifetime);
        answer.relayed = message->xor_address(StunAttr::kXorRelayedAddress);
        answer.mapped = message->xor_address(StunAttr::kXorMappedAddress);
        if (const auto types = message->find(StunAttr::kUnknownAttributes))
            for (std::size_t i = 0; i + 2 <= types->size(); i += 2)
                answer.unknown.push_back(load_be16(&(*types)[i]));
        return answer;
    }

    TurnWorld& world_;
    wire::StunTransactionId id_{};
    int transactions_ = 0;
    Bytes sent_;
};

}  // namespace confab::turn::testing
