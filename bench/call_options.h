// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The options of the call benchmark.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/call_shared.h"

namespace confab::bench {

struct CallOptions {
    std::size_t subscribers = 100;
    std::size_t packets_per_frame = 8;
    std::size_t fps = 30;
    std::size_t payload = 1100;  // bytes of a video packet behind its RTP header
    std::size_t rounds = 3;
    double seconds = 2;
    bool audio = false;
    std::string pacing;    // "": both
    std::string loopback;  // "": both
    std::string binary = "build/release/confab";
};

inline constexpr const char* kCallHelp =
    "call_bench [options]: CPU time per packet of a real call, against the floor\n"
    "  --subscribers N        who gets the video (100)\n"
    "  --packets-per-frame N  of a frame, 1 to 64 (8)\n"
    "  --payload BYTES        of a video packet (1100)\n"
    "  --fps N                frames per second, 5 to 240 (30)\n"
    "  --audio                50 packets of sound per second, too, of Opus' lengths\n"
    "  --seconds S            of a measurement (2)\n"
    "  --rounds N             of server and floor, for each of the two below (3)\n"
    "  --pacing WHICH         pacer: bursts each 5 ms at 2.5 times the rate, as libwebrtc sends;\n"
    "                         burst: a frame at once, as clients without a pacer (both)\n"
    "  --loopback WHICH       plain; other-core: its receiving half on the second core, which\n"
    "                         needs root (both)\n"
    "  --binary FILE          the server (build/release/confab)\n";

// Ends the program for --help, and for what it can not read.
inline CallOptions read_call_options(int argc, char** argv) {
    CallOptions options;
    const auto refuse = [] {
        std::fputs(kCallHelp, stderr);
        std::exit(2);
    };
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--help" || argument == "-h") {
            std::fputs(kCallHelp, stdout);
            std::exit(0);
        }
        if (argument == "--audio") {
            options.audio = true;
            continue;
        }
        if (++i >= argc) refuse();
        const char* const value = argv[i];
        const auto number = [value](unsigned long least, unsigned long most) {
            return std::clamp(std::strtoul(value, nullptr, 10), least, most);
        };
        if (argument == "--subscribers")
            options.subscribers = number(1, CallShared::kMaxSubscribers);
        else if (argument == "--packets-per-frame")
            options.packets_per_frame = number(1, 64);
        else if (argument == "--payload")
            options.payload = number(200, 1150);
        else if (argument == "--fps")
            options.fps = number(5, 240);
        else if (argument == "--rounds")
            options.rounds = number(1, 1000);
        else if (argument == "--seconds")
            options.seconds = std::clamp(std::strtod(value, nullptr), 0.1, 600.0);
        else if (argument == "--pacing")
            options.pacing = value;
        else if (argument == "--loopback")
            options.loopback = value;
        else if (argument == "--binary")
            options.binary = value;
        else
            refuse();
    }
    const auto one_of = [](const std::string& value, const char* a, const char* b) {
        return value.empty() || value == a || value == b;
    };
    if (!one_of(options.pacing, "pacer", "burst") ||
        !one_of(options.loopback, "plain", "other-core"))
        refuse();
    return options;
}

}  // namespace confab::bench
