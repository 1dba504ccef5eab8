// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/scope/ids.h"

#include <array>
#include <utility>

#include "sfu/shard/owner_letters.h"
#include "token/ids.h"

namespace confab::room {
namespace {

constexpr std::string_view kAlphanumeric =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

}  // namespace

SecretSource seeded_secrets(std::uint64_t seed) {
    return [rng = Rng(seed)](BytesSpan out) mutable { rng.fill(out); };
}

IdSource::IdSource(sfu::ControlShard control_shard, std::uint64_t seed, SecretSource secrets)
    : rng_(seed),
      secrets_(std::move(secrets)),
      last_(std::uint64_t{control_shard} << sfu::kControlShardBit) {}

// Octets beyond the last whole alphabet are passed over, so that no character is likelier.
std::string IdSource::pick(std::string_view alphabet, std::size_t size) {
    const std::size_t usable = 256 - 256 % alphabet.size();
    std::string result;
    result.reserve(size);
    while (result.size() < size) {
        std::array<std::uint8_t, 64> octets{};
        secrets_(octets);
        for (const std::uint8_t octet : octets)
            if (octet < usable && result.size() < size)
                result.push_back(alphabet[octet % alphabet.size()]);
    }
    return result;
}

std::string IdSource::secret(std::size_t size) {
    return pick(kAlphanumeric, size);
}

sfu::IceCredentials IdSource::ice_credentials(sfu::WorkerIndex worker) {
    sfu::IceCredentials result{pick(token::kLetters, 16), pick(token::kLetters, 32)};
    result.ufrag[0] = sfu::kOwnerLetters[worker % sfu::kOwnerLetters.size()];
    return result;
}

Ssrc SsrcPool::draw(Rng& rng) {
    for (;;) {
        const Ssrc ssrc(rng.u32());
        if (ssrc.value() == 0 || used_.contains(ssrc)) continue;
        used_.emplace(ssrc, 1);
        return ssrc;
    }
}

void SsrcPool::add(Ssrc ssrc) {
    if (ssrc.value() != 0) ++used_[ssrc];
}

void SsrcPool::release(Ssrc ssrc) {
    const auto known = used_.find(ssrc);
    if (known != used_.end() && --known->second == 0) used_.erase(known);
}

}  // namespace confab::room
