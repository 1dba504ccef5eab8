// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/ids.h"

#include "token/ids.h"

namespace confab::room {

sfu::IceCredentials make_ice_credentials(Rng& rng, sfu::WorkerIndex worker) {
    sfu::IceCredentials result{token::random_letters(rng, 16), token::random_letters(rng, 32)};
    result.ufrag[0] = token::kLetters[worker % token::kLetters.size()];
    return result;
}

}  // namespace confab::room
