// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// generate-keys, token create, create-join-token (01 section 2, CLI-03).
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "app/commands/commands.h"
#include "app/commands/config_source.h"
#include "base/rng.h"
#include "config/yaml/value.h"
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

struct TokenFlags {
    KeyFlags key;
    token::Grants grants;
    token::VideoGrant video;
    std::vector<std::string> sources;
    std::vector<std::string> attributes;
    std::string valid_for = "6h";
    std::string kind;
    std::array<CLI::Option*, 5> tri_state{};  // publish, subscribe, publish-data, metadata, metrics
};

void add_grant_flags(CLI::App& command, TokenFlags& f) {
    command.add_flag("--join", f.video.room_join, "May join --room");
    command.add_flag("--create", f.video.room_create, "May create rooms");
    command.add_flag("--list", f.video.room_list, "May list rooms");
    command.add_flag("--record", f.video.room_record, "May use egress");
    command.add_flag("--admin", f.video.room_admin,
                     "May manage --room; with --list and no room, webhooks");
    command.add_flag("--ingress-admin", f.video.ingress_admin, "May use ingress");
    const auto tri_state = [&command](const char* name, const char* help) {
        return command.add_flag(name)->description(help);
    };
    f.tri_state = {tri_state("--publish,!--no-publish", "May publish tracks"),
                   tri_state("--subscribe,!--no-subscribe", "May receive tracks"),
                   tri_state("--publish-data,!--no-publish-data", "May send data"),
                   tri_state("--update-own-metadata,!--no-update-own-metadata",
                             "May change own name, metadata and attributes"),
                   tri_state("--subscribe-metrics,!--no-subscribe-metrics", "May receive metrics")};
    command
        .add_option("--publish-source", f.sources,
                    "Only camera, microphone, screen_share or screen_share_audio; repeatable")
        ->allow_extra_args(false);
    command.add_flag("--hidden", f.video.hidden, "Not shown to others");
    command.add_flag("--recorder", f.video.recorder, "Is a recorder");
    command.add_flag("--agent", f.video.agent, "Is an agent");
}

void add_token_flags(CLI::App& command, TokenFlags& f) {
    command.add_option("--identity", f.grants.identity, "Who the token is for");
    command.add_option("--name", f.grants.name, "Name shown to others");
    command.add_option("--room", f.video.room, "Room the token is for");
    add_grant_flags(command, f);
    command.add_option("--metadata", f.grants.metadata, "Metadata of the participant");
    command.add_option("--attribute", f.attributes, "Attribute key=value; repeatable")
        ->allow_extra_args(false);
    command.add_option("--kind", f.kind, "standard, ingress, egress, sip, agent …");
    command.add_option("--room-preset", f.grants.room_preset, "Preset of room_configurations");
    command.add_option("--valid-for", f.valid_for, "Life of the token, for example 10m")
        ->capture_default_str();
    f.key.add_flags(command);
}

std::optional<bool> tri_state(const CLI::Option* option) {
    if (option->count() == 0) return std::nullopt;
    return option->results().back() == "true";
}

Result<void, std::string> read_sources(TokenFlags& f) {
    for (const std::string& name : f.sources) {
        const auto source = token::parse_track_source(name);
        if (source == livekit::UNKNOWN)
            return tl::make_unexpected("unknown source " + name +
                                       "; use camera, microphone, screen_share or "
                                       "screen_share_audio");
        f.video.can_publish_sources.push_back(source);
    }
    return {};
}

Result<void, std::string> read_attributes(TokenFlags& f) {
    for (const std::string& attribute : f.attributes) {
        const std::size_t equals = attribute.find('=');
        if (equals == attribute.npos || equals == 0)
            return tl::make_unexpected("--attribute " + attribute + " needs the form key=value");
        f.grants.attributes[attribute.substr(0, equals)] = attribute.substr(equals + 1);
    }
    return {};
}

Result<void, std::string> check_grants(const TokenFlags& f) {
    const token::VideoGrant& v = f.video;
    if (!v.room_join && !v.room_create && !v.room_list && !v.room_record && !v.room_admin &&
        !v.ingress_admin)
        return tl::make_unexpected(std::string(
            "the token would allow nothing; add --join --room R --identity I, --list or --create"));
    if (v.room_join && (v.room.empty() || f.grants.identity.empty()))
        return tl::make_unexpected(std::string("--join needs --room and --identity"));
    // Of an operator, for webhooks; by itself it would open nothing.
    if (v.room_admin && v.room.empty() && !v.room_list)
        return tl::make_unexpected(std::string("--admin needs --room, or --list for webhooks"));
    return {};
}

Result<void, std::string> read_flags(TokenFlags& f) {
    f.video.can_publish = tri_state(f.tri_state[0]);
    f.video.can_subscribe = tri_state(f.tri_state[1]);
    f.video.can_publish_data = tri_state(f.tri_state[2]);
    f.video.can_update_own_metadata = tri_state(f.tri_state[3]);
    f.video.can_subscribe_metrics = tri_state(f.tri_state[4]);
    CONFAB_TRY_VOID(read_sources(f));
    CONFAB_TRY_VOID(read_attributes(f));
    if (!f.kind.empty()) {
        f.grants.kind = token::parse_kind(f.kind);
        if (f.grants.kind == livekit::ParticipantInfo::STANDARD && f.kind != "standard")
            return tl::make_unexpected(
                "unknown kind " + f.kind +
                "; use standard, ingress, egress, sip, agent, connector or bridge");
    }
    return check_grants(f);
}

std::string mint(const TokenFlags& f, const SigningKey& key, Duration lifetime, const Host& host) {
    token::Grants grants = f.grants;
    grants.video = f.video;
    return token::mint_token(grants, {key.name, key.secret}, host.now(), lifetime);
}

Outcome create_token(TokenFlags& f, const Host& host) {
    if (const auto read = read_flags(f); !read) return failure(read.error());
    const auto lifetime = config::parse_duration(f.valid_for);
    if (!lifetime || *lifetime <= Duration::zero())
        return failure("--valid-for needs a duration with its unit, for example 10m or 24h");
    const auto key = f.key.find(host);
    if (!key) return failure(key.error());
    return {.code = 0, .out = mint(f, *key, *lifetime, host) + "\n", .err = {}};
}

Outcome create_join_token(TokenFlags& f, const Host& host) {
    f.video.room_join = true;
    if (f.video.recorder) {
        f.video.hidden = true;
        f.video.can_publish = false;
    }
    if (const auto checked = check_grants(f); !checked)
        return failure("create-join-token needs --room and --identity");
    const auto key = f.key.find(host);
    if (!key) return failure(key.error());
    return {
        .code = 0, .out = "Token: " + mint(f, *key, kJoinTokenLifetime, host) + "\n", .err = {}};
}

}  // namespace

// SID-02, SID-04: the key is a name, the secret 32 random octets.
Action add_generate_keys(CLI::App&) {
    return [](const Host& host) -> Outcome {
        std::array<std::uint8_t, 32> secret{};
        std::array<std::uint8_t, 8> seed{};
        host.fill_random(secret);
        host.fill_random(seed);
        Rng rng(load_be64(seed.data()));
        return {.code = 0,
                .out = "API Key:  " + token::make_id(token::kApiKeyPrefix, rng) +
                       "\nAPI Secret:  " + crypto::base62_number(secret) + "\n",
                .err = {}};
    };
}

Action add_token_create(CLI::App& command) {
    auto flags = std::make_shared<TokenFlags>();
    add_token_flags(command, *flags);
    return [flags](const Host& host) { return create_token(*flags, host); };
}

Action add_create_join_token(CLI::App& command) {
    auto flags = std::make_shared<TokenFlags>();
    command.add_option("--room", flags->video.room, "Room to join");
    command.add_option("--identity", flags->grants.identity, "Who joins");
    command.add_flag("--recorder", flags->video.recorder, "Join hidden, as a recorder");
    flags->key.add_flags(command);
    return [flags](const Host& host) { return create_join_token(*flags, host); };
}

}  // namespace confab::app
