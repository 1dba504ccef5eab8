// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The peer connections of one session: with /rtc/v1 one, the publisher's; with /rtc two, the second
// of which is there once the server has offered it (01 SIG-80…82).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/connection/connection.h"
#include "rtc/srtp/profile.h"

namespace confab::client {

// With one connection it is the publisher's.
enum class Target : std::uint8_t { kPublisher, kSubscriber };
inline constexpr std::size_t kTargets = 2;

struct ConnectionsConfig {
    bool single = true;  // /rtc/v1
    peer::SharedCrypto crypto;
    std::string fingerprint;  // of the certificate in `crypto`
    std::array<SocketAddress, kTargets> addresses;
    std::vector<srtp::Profile> profiles = {};  // in order of preference; all when empty
};

class Connections {
  public:
    static constexpr std::size_t kChannels = 3;  // that each has

    // The generator of the session, which outlives it.
    Connections(ConnectionsConfig config, Rng& rng);

    bool single() const { return config_.single; }
    // Null when it is not there (yet).
    Connection* find(Target target) const { return all_[index(target)].get(); }
    Connection& publisher() const { return *all_[index(Target::kPublisher)]; }
    // The one that what others publish comes over.
    Connection* downstream() const {
        return find(config_.single ? Target::kPublisher : Target::kSubscriber);
    }
    // Of an offer of the server; there was none before.
    Connection& open_subscriber(ice::Role role);

    // All that this kind of session has at once is up and its channels are open.
    bool ready() const;
    bool failed() const;

    struct Outgoing {
        Target target = Target::kPublisher;
        OutgoingDatagram datagram;
    };
    std::optional<Outgoing> poll_transmit();
    Timestamp next_deadline() const;

  private:
    static std::size_t index(Target target) { return static_cast<std::size_t>(target); }
    Connection& open(Target target, ice::Role role, bool opens_channels);

    ConnectionsConfig config_;
    Rng& rng_;
    std::array<std::unique_ptr<Connection>, kTargets> all_;
};

}  // namespace confab::client
