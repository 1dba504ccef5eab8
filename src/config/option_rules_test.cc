// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rules that hold for every row of the table, over each way a value comes in: file, environment,
// flag.
#include <doctest/doctest.h>

#include <algorithm>

#include "config/load_testing.h"
#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::config {
namespace {

struct Way {
    std::string_view name;
    // The errors for a value of a scalar option; empty if it is taken.
    std::string (*set)(const Option& option, const std::string& value, Config& config);
};

std::string errors_of(const Result<void, Diagnostics>& result, const Loaded& loaded, Config& out) {
    if (!result) return to_text(result.error());
    out = loaded.config;
    return "";
}

constexpr Way kWays[] = {
    {"file",
     [](const Option& option, const std::string& value, Config& config) {
         auto loaded = parse_yaml(yaml_of(option.path, value));
         if (!loaded) return to_text(loaded.error());
         config = std::move(loaded->config);
         return std::string();
     }},
    {"environment",
     [](const Option& option, const std::string& value, Config& config) {
         Loaded loaded;
         const auto env = environment({{env_name(option), value}});
         return errors_of(apply_environment(loaded, env), loaded, config);
     }},
    {"flag",
     [](const Option& option, const std::string& value, Config& config) {
         Loaded loaded;
         return errors_of(apply_flags(loaded, {{std::string(option.path), {value}}}), loaded,
                          config);
     }},
};

std::string value_in(const Option& option, Config& config) {
    return format_value(option.slot(config), Secrets::kShown);
}

// What no option of the kind takes, as plain text of YAML.
std::vector<std::string> bad_values(Kind kind) {
    switch (kind) {
        case Kind::kBool:
            return {"maybe", "2", "truee"};
        case Kind::kUint16:
            return {"x", "-1", "65536", "1.5", "1s", "99999999999999999999"};
        case Kind::kUint32:
            return {"x", "-1", "4294967296", "1.5", "1k", "0x", "0b12"};
        case Kind::kInt32:
            return {"x", "2147483648", "-2147483649", "1.5"};
        case Kind::kFloat:
            return {"x", "nan", "inf", "-inf", "1.5.5", "1e999"};
        case Kind::kDuration:
            return {"x", "0", "5", "1d", "s", "-1s", "1s-", "99999999999h"};
        case Kind::kPortRange:
            return {"x", "2-1", "0-5", "1-65536", "-1"};
        default:
            return {};  // any text is one
    }
}

}  // namespace

TEST_CASE("options: what is no value of the kind is refused, whichever way it comes [CFG-06]") {
    for (const Option& option : options()) {
        for (const std::string& bad : bad_values(kind_of(option))) {
            for (const Way& way : kWays) {
                CAPTURE(option.path);
                CAPTURE(bad);
                CAPTURE(way.name);
                Config config;
                const std::string error = way.set(option, bad, config);
                CHECK(has(error, " needs "));
            }
        }
    }
}

TEST_CASE("options: bounds hold in the file, the environment and a flag [CFG-06][CLI-02]") {
    std::size_t bounded = 0;
    for (const Option& option : options()) {
        if (option.min == option.max) continue;
        ++bounded;
        for (const Way& way : kWays) {
            CAPTURE(option.path);
            CAPTURE(way.name);
            Config config;
            for (const double taken : {option.min, option.max}) {
                CHECK(way.set(option, format_number(taken), config).empty());
                if (option.slot != nullptr) CHECK(value_in(option, config) == format_number(taken));
            }
            // Below 0 the type refuses as well, so the text is looked at above only.
            CHECK_FALSE(way.set(option, format_number(option.min - 1), config).empty());
            CHECK(has(way.set(option, format_number(option.max + 1), config),
                      "needs a number from " + format_number(option.min) + " to "));
        }
    }
    CHECK(bounded >= 10);
}

TEST_CASE("options: choices hold in the file, the environment and a flag [CFG-07][CLI-02]") {
    std::size_t chosen = 0;
    for (const Option& option : options()) {
        if (option.choices.empty()) continue;
        ++chosen;
        for (const Way& way : kWays) {
            CAPTURE(option.path);
            CAPTURE(way.name);
            Config config;
            for (const std::string_view choice : split(option.choices, '|'))
                CHECK(way.set(option, std::string(choice), config).empty());
            for (const std::string bad : {"ANY", "best", "any|cpuload"})
                CHECK(has(way.set(option, bad, config), "needs one of "));
        }
    }
    CHECK(chosen >= 5);
}

TEST_CASE("options: an old name is held to the bounds of the new one [CFG-05][CLI-02]") {
    const Option& old = *find_option("rtc.packet_buffer_size");
    for (const Way& way : kWays) {
        CAPTURE(way.name);
        Config config;
        CHECK(way.set(old, "700", config).empty());
        CHECK(config.rtc.packet_buffer_size_video == 700);
        CHECK(has(way.set(old, "32769", config), "needs a number from 1 to 32768"));
    }
}

TEST_CASE("options: 0 under an old name says nothing, whichever way it comes [CFG-05][CLI-02]") {
    const Config defaults;
    for (const Way& way : kWays) {
        CAPTURE(way.name);
        Config config;
        // Under the new name 0 lifts the limit.
        CHECK(way.set(*find_option("limit.max_metadata_size"), "0", config).empty());
        CHECK(config.limit.max_metadata_size == 0);
        CHECK(way.set(*find_option("room.max_metadata_size"), "0", config).empty());
        CHECK(config.limit.max_metadata_size == defaults.limit.max_metadata_size);
        CHECK(way.set(*find_option("rtc.packet_buffer_size"), "0", config).empty());
        CHECK(config.rtc.packet_buffer_size_video == 500);
    }
}

TEST_CASE("options: numbers may be grouped by underscores, as in LiveKit's sample [CFG-06]") {
    for (const Way& way : kWays) {
        CAPTURE(way.name);
        Config config;
        CHECK(way.set(*find_option("limit.bytes_per_sec"), "1_000_000_000", config).empty());
        CHECK(config.limit.bytes_per_sec == 1e9);
        CHECK(way.set(*find_option("limit.max_metadata_size"), "65_536", config).empty());
        CHECK(config.limit.max_metadata_size == 65'536);
        CHECK(way.set(*find_option("limit.num_tracks"), "-1_000", config).empty());
        CHECK(config.limit.num_tracks == -1000);
        for (const std::string bad : {"_1", "1_", "1__0", "_", "-_1"})
            CHECK_MESSAGE(!way.set(*find_option("limit.num_tracks"), bad, config).empty(), bad);
    }
}

TEST_CASE("options: a switch takes the words of YAML and of Go's flags [CFG-06][CLI-02]") {
    const Option& option = *find_option("rtc.use_ice_lite");
    for (const Way& way : kWays) {
        CAPTURE(way.name);
        Config config;
        for (const std::string yes : {"true", "TRUE", "yes", "on", "y", "t", "1"}) {
            CHECK_MESSAGE(way.set(option, yes, config).empty(), yes);
            CHECK_MESSAGE(config.rtc.use_ice_lite, yes);
        }
        for (const std::string no : {"false", "False", "no", "off", "n", "f", "0"}) {
            CHECK_MESSAGE(way.set(option, no, config).empty(), no);
            CHECK_MESSAGE(!config.rtc.use_ice_lite, no);
        }
    }
}

TEST_CASE("options: lists and maps have no variable and no flag but keys and bind [CLI-02]") {
    for (const Option& option : options()) {
        if (is_scalar(kind_of(option)) || option.path == "keys") continue;
        CAPTURE(option.path);
        Loaded loaded;
        CHECK(apply_environment(loaded, environment({{env_name(option), "x"}})));
        CHECK(loaded.warnings.empty());
        if (option.path != "bind_addresses")
            CHECK_FALSE(apply_flags(loaded, {{std::string(option.path), {"x"}}}));
    }
}

}  // namespace confab::config
