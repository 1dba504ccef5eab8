// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules turn

// A TURN server under any messages of a client that has credentials, of strangers and of peers.
// Each piece of the input: kind, time that passes, message.
#include <cstdlib>

#include "crypto/hmac.h"
#include "turn/server.h"
#include "wire/ice/channel_data.h"

using namespace confab;
using namespace confab::turn;
using namespace confab::wire;

namespace {

constexpr std::string_view kSecret = "secret";

void require(bool condition) {
    if (!condition) std::abort();
}

class Ports final : public RelayPorts {
  public:
    bool open(AllocationHandle allocation, const SocketAddress& relayed) override {
        require(relayed.port >= 30000 && relayed.port <= 30003);
        if (open_ >= 4) return false;
        ++open_;
        last = allocation;
        return true;
    }
    void close(AllocationHandle) override {
        require(open_ > 0);
        --open_;
    }
    AllocationHandle last;

  private:
    int open_ = 0;
};

// The message with name, realm, nonce and integrity, as a client that knows the password adds them.
Bytes sign(const StunMessage& message, const User& user, const Nonces& nonces, Timestamp now,
           const IpAddress& ip) {
    Bytes buffer(70'000);
    StunBuilder builder(buffer, message.message_class(), message.method(),
                        message.transaction_id());
    auto walk = message.attributes();
    while (const auto attribute = walk.next())
        if (attribute->type != StunAttr::kMessageIntegrity &&
            attribute->type != StunAttr::kFingerprint)
            builder.bytes(attribute->type, attribute->value);
    const std::string name = make_username(user);
    const auto nonce = nonces.make(now, ip);
    builder.text(StunAttr::kUsername, name)
        .text(StunAttr::kRealm, kRealm)
        .text(StunAttr::kNonce, std::string_view(nonce.data(), nonce.size()));
    const IntegrityKey key = integrity_key(name, make_password(user, kSecret));
    builder.add_integrity(crypto::hmac_sha1(key, builder.integrity_input()));
    return to_vector(builder.finish());
}

void check(const Output& output, BytesView input) {
    if (output.to != Output::To::kClient) {
        require(output.bytes.size() <= input.size());
        return;
    }
    require(!output.bytes.empty());
    require(ChannelData::parse(output.bytes) || StunMessage::parse(output.bytes).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader reader(BytesView(data, size));
    Ports ports;
    Timestamp now = Timestamp::micros(1'000'000'000);
    const UnixTime wall = UnixTime::seconds(1000);
    ServerOptions options;
    options.relay_v4 = IpAddress::v4(0x01020304);
    options.last_port = 30003;
    options.find_secret = [](std::string_view) { return std::string(kSecret); };
    Server server(now, options, ports);
    const Nonces nonces(options.nonce_key);
    const ClientPath path{{options.relay_v4, 3478}, {IpAddress::v4(0x05060708), 1000}, 0};
    const User user{"key", "PA_1", 2000};
    while (!reader.at_end()) {
        const std::uint8_t kind = reader.u8();
        now = now + Duration::seconds(reader.u8());
        server.handle_timeout(now);
        const BytesView piece =
            reader.bytes(std::min<std::size_t>(reader.u16(), reader.remaining()));
        const auto stun = StunMessage::parse(piece);
        if (kind % 3 == 0 && stun) {
            const Bytes message = sign(*stun, user, nonces, now, path.remote.ip);
            check(server.handle_client(now, wall, path, message), message);
        } else if (kind % 3 == 1) {
            check(server.handle_client(now, wall, path, piece), piece);
            (void)next_turn_frame(piece, server.has_allocation(path));
        } else {
            check(server.handle_peer(now, ports.last, {IpAddress::v4(0x08080808), 9}, piece),
                  piece);
        }
    }
    server.close_client(path);
    require(server.allocations() == 0);
    return 0;
}
