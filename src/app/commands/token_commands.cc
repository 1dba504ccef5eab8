// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// generate-keys, create-join-token (01 section 2, CLI-03).
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "app/commands/commands.h"
#include "app/commands/config_source.h"
#include "base/rng.h"
#include "crypto/base62.h"
#include "token/ids.h"
#include "token/token.h"

namespace confab::app {
namespace {

constexpr Duration kJoinTokenLifetime = Duration::seconds(30 * 24 * 3600);

struct SigningKey {
    std::string name;
    std::string secret;
};

// Key and secret from flags, their variables, or the configuration.
class KeyFlags {
  public:
    void add_flags(CLI::App& command) {
        command.add_option("--api-key", key_, "API key that signs [LIVEKIT_API_KEY]");
        command.add_option("--api-secret", secret_, "Its secret [LIVEKIT_API_SECRET]");
        source_.add_flags(command);
    }

    Result<SigningKey, std::string> find(const Host& host) const {
        const std::string key = value(key_, "LIVEKIT_API_KEY", host);
        const std::string secret = value(secret_, "LIVEKIT_API_SECRET", host);
        if (!key.empty() && !secret.empty()) return SigningKey{key, secret};
        CONFAB_TRY(const config::Loaded loaded, source_.load(host, {.require_keys = false}));
        for (const auto& [name, hidden] : loaded.config.keys)
            if (key.empty() || key == name) return SigningKey{name, std::string(hidden.reveal())};
        if (!key.empty())
            return tl::make_unexpected("no secret for API key " + key +
                                       "; give --api-secret, or --config with that key");
        return tl::make_unexpected(std::string(
            "no API key; give --api-key and --api-secret, a --config with keys, or --dev"));
    }

  private:
    static std::string value(const std::string& flag, std::string_view variable, const Host& host) {
        return flag.empty() ? host.env(variable).value_or("") : flag;
    }

    std::string key_;
    std::string secret_;
    ConfigSource source_;
};

struct JoinFlags {
    KeyFlags key;
    std::string room;
    std::string identity;
    bool recorder = false;
};

Outcome create_join_token(const JoinFlags& f, const Host& host) {
    if (f.room.empty() || f.identity.empty())
        return failure("create-join-token needs --room and --identity");
    const auto key = f.key.find(host);
    if (!key) return failure(key.error());
    token::Grants grants;
    grants.identity = f.identity;
    token::VideoGrant video;
    video.room_join = true;
    video.room = f.room;
    if (f.recorder) {
        video.recorder = video.hidden = true;
        video.can_publish = false;
    }
    grants.video = std::move(video);
    const std::string token =
        token::mint_token(grants, {key->name, key->secret}, host.now(), kJoinTokenLifetime);
    return {.code = 0, .out = "Token: " + token + "\n", .err = {}};
}

}  // namespace

// SID-02, SID-04: the key is a name, the secret 32 random octets.
KeyPair make_key_pair(const Host& host) {
    std::array<std::uint8_t, 32> secret{};
    std::array<std::uint8_t, 8> seed{};
    host.fill_random(secret);
    host.fill_random(seed);
    Rng rng(load_be64(seed.data()));
    return {token::make_id(token::kApiKeyPrefix, rng), crypto::base62_number(secret)};
}

Action add_generate_keys(CLI::App&) {
    return [](const Host& host) -> Outcome {
        const auto [key, secret] = make_key_pair(host);
        return {
            .code = 0, .out = "API Key:  " + key + "\nAPI Secret:  " + secret + "\n", .err = {}};
    };
}

Action add_create_join_token(CLI::App& command) {
    auto flags = std::make_shared<JoinFlags>();
    command.add_option("--room", flags->room, "Room to join");
    command.add_option("--identity", flags->identity, "Who joins");
    command.add_flag("--recorder", flags->recorder, "Join hidden, as a recorder");
    flags->key.add_flags(command);
    return [flags](const Host& host) { return create_join_token(*flags, host); };
}

}  // namespace confab::app
