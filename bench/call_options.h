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
    static constexpr std::size_t kMaxSpeakers = 30;  // that a receiver report has blocks for

    std::size_t subscribers = 100;
    std::size_t packets_per_frame = 8;
    std::size_t fps = 30;
    std::size_t payload = 1100;  // bytes of a video packet behind its RTP header
    std::size_t rounds = 3;
    double seconds = 2;
    bool audio = false;
    bool transport_reports = false;  // subscribers tell what came when, as browsers do
    bool floor_reports = false;      // the floor gets as many reports as our server, and reads them
    std::size_t speakers = 0;        // that publish sound instead of the one with the picture
    std::string pacing;              // "": both
    std::string loopback;            // "": both
    std::string binary = "build/release/confab";
    std::string peer;          // "": none
    std::string peer_process;  // "": all of its processes count
    std::string peer_name = "peer";
    std::string peer_log = "/dev/null";
    bool peer_single = false;

    std::size_t publishers() const { return speakers > 0 ? speakers : 1; }
    std::size_t tracks() const { return speakers > 0 ? speakers : audio ? 2 : 1; }  // of all
};

inline constexpr const char* kCallHelp =
    "call_bench [options]: CPU time per packet of a real call, against the floor\n"
    "  --subscribers N        who gets the video (100)\n"
    "  --packets-per-frame N  of a frame, 1 to 64 (8)\n"
    "  --payload BYTES        of a video packet (1100)\n"
    "  --fps N                frames per second, 5 to 240 (30)\n"
    "  --transport-reports    each subscriber reports ten times a second what came when, as a "
    "browser\n"
    "                         does for send-side estimation; evenly apart\n"
    "  --floor-reports        each subscriber sends the floor a datagram as long as a report each\n"
    "                         second, which it reads and drops: what our server has to do, too\n"
    "  --audio                50 packets of sound per second, too, of Opus' lengths\n"
    "  --audio-only N         N speakers with 50 such packets per second each, evenly apart, and\n"
    "                         no video; 1 to 30\n"
    "  --seconds S            of a measurement (2)\n"
    "  --rounds N             of server and floor, for each of the two below (3)\n"
    "  --pacing WHICH         pacer: bursts each 5 ms at 2.5 times the rate, as libwebrtc sends;\n"
    "                         burst: a frame at once, as clients without a pacer (both)\n"
    "  --loopback WHICH       plain; other-core: its receiving half on the second core, which\n"
    "                         needs root (both)\n"
    "  --binary FILE          the server (build/release/confab)\n"
    "  --peer COMMAND         another server that speaks LiveKit's signalling, which takes turns\n"
    "                         with ours. The shell executes COMMAND, on the first core alone, "
    "with\n"
    "                         {http}, {tcp} and {udp} replaced by free ports of 127.0.0.1, {key}\n"
    "                         and {secret} by the key it is to know\n"
    "  --peer-name NAME       for the table (peer)\n"
    "  --peer-process NAME    of its processes those count whose executable's name begins so "
    "(all)\n"
    "  --peer-connections N   its clients have 1 (/rtc/v1) or 2 (/rtc) connections each (2)\n"
    "  --peer-log FILE        what it prints (/dev/null)\n";

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
        if (argument == "--transport-reports") {
            options.transport_reports = true;
            continue;
        }
        if (argument == "--floor-reports") {
            options.floor_reports = true;
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
        else if (argument == "--audio-only")
            options.speakers = number(1, CallOptions::kMaxSpeakers);
        else if (argument == "--peer")
            options.peer = value;
        else if (argument == "--peer-process")
            options.peer_process = value;
        else if (argument == "--peer-name")
            options.peer_name = value;
        else if (argument == "--peer-connections")
            options.peer_single = number(1, 2) == 1;
        else if (argument == "--peer-log")
            options.peer_log = value;
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
