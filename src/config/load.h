// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From texts to a Config (01 CFG-01): defaults ← YAML ← environment ← flags, then finish().
// Nothing here opens a file or reads the environment: the program hands the texts over.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/diagnostic.h"

namespace confab::config {

// Further errors, and warnings of unknown keys, are not collected.
inline constexpr std::size_t kMaxDiagnostics = 20;
inline constexpr std::size_t kShortSecret = 32;  // TOK-02: shorter ones are warned of

struct YamlOptions {
    bool strict = true;  // false: unknown keys are warnings (--disable-strict-config)
};

struct Loaded {
    Config config;
    Diagnostics warnings;
};

// The defaults with the values of the text. Unknown keys at any depth, keys given twice and wrong
// types are errors with their line.
Result<Loaded, Diagnostics> parse_yaml(std::string_view text, YamlOptions options = {});

// CFG-02, CFG-07: the content of a key file or of LIVEKIT_KEYS, lines "key: secret".
Result<KeySecrets, std::string> parse_keys(std::string_view text);

using EnvLookup = std::function<std::optional<std::string>(std::string_view name)>;
// Every scalar key from its variables (CLI-02) and LIVEKIT_KEYS; the short name ("NODE_IP") beats
// the long one. Empty variables are ignored. Errors name the variable.
Result<void, Diagnostics> apply_environment(Loaded& loaded, const EnvLookup& env);

struct FlagValue {
    std::string path;  // of the key: "rtc.tcp_port"
    std::vector<std::string> values;
};
// Flags by the path of their key; only bind_addresses takes several values. `keys` takes the text
// of parse_keys().
Result<void, Diagnostics> apply_flags(Loaded& loaded, const std::vector<FlagValue>& flags);

struct FinishOptions {
    bool require_keys = true;  // false for commands that never serve
};
// Fills in what development mode and the choice of ports leave open (CFG-03, CFG-04) and checks
// what concerns several keys (CFG-07). Files named by key_file and secret_file are to be read
// before.
Result<void, Diagnostics> finish(Loaded& loaded, FinishOptions options = {});

}  // namespace confab::config
