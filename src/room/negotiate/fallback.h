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

#include "base/time.h"

namespace confab::room {

// Over which transport a client's connections go. kTls: by TURN over TLS.
enum class IcePreference : std::uint8_t { kAny, kTcp, kTls };

class FailureCount {
  public:
    // What lived shorter never had a good transport: one failure is enough.
    static constexpr Duration kShortLife = Duration::seconds(90);
    // Of what lived longer, two failures are, within this time.
    static constexpr Duration kWindow = Duration::seconds(60);

    // A connection failed that came up so long ago. True: enough, and counting begins anew.
    bool failed(Timestamp now, Duration lived);

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
