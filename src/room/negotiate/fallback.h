// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the fallback of a client's connections to another transport keeps (01 SIG-89, 02 ICE-15):
// whether a failure is reason enough, and what was chosen, for the next connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/shard/commands.h"

namespace confab::room {

// Over which transport a client's connections go. kTls: by TURN over TLS.
enum class IcePreference : std::uint8_t { kAny, kTcp, kTls };

// ICE has to find a path over TCP within eight round trips of signalling, within these; where they
// take longer than the last of these, in the usual time (02 ICE-17).
inline constexpr Duration kMinTcpIceTime = Duration::seconds(5);
inline constexpr Duration kMaxTcpIceTime = Duration::seconds(12);
inline constexpr Duration kMaxSupervisedRtt = Duration::seconds(1);
std::optional<Duration> tcp_ice_limit(std::optional<Duration> signal_rtt);

// A path of UDP loses so much that TCP, whose round trips are those of signalling, is better (02
// ICE-16).
inline constexpr std::uint8_t kUnstableReports = 20;
bool is_unstable(const sfu::PathQuality& path, std::optional<Duration> signal_rtt,
                 Duration threshold);

class FailureCount {
  public:
    // What lived shorter never had a good transport: one failure is enough.
    static constexpr Duration kShortLife = Duration::seconds(90);
    // Of what lived longer, two failures are, within this time.
    static constexpr Duration kWindow = Duration::seconds(60);

    // A connection failed that came up so long ago. True: enough, and counting begins anew.
    bool failed(Timestamp now, Duration lived);

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    std::optional<Timestamp> last_;
};

// By identity; of a room.
class ChosenTransports {
  public:
    // Beyond so many identities no more are remembered.
    static constexpr std::size_t kMax = 256;
    // After its session; then the network may be another one.
    static constexpr Duration kLife = Duration::seconds(300);

    void keep(const std::string& identity, IcePreference preference, Timestamp now);
    IcePreference find(const std::string& identity, Timestamp now) const;

  private:
    struct Chosen {
        IcePreference preference = IcePreference::kAny;
        Timestamp at;
    };
    std::map<std::string, Chosen> chosen_;
};

}  // namespace confab::room
