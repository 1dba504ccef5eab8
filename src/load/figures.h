// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The counts of a load test: of one stream, of one participant, of all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/media/track_plan.h"
#include "load/histogram.h"

namespace confab::load {

struct StreamFigures {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t missing = 0;  // numbers that did not come in order: lost before repair
    std::uint64_t repaired = 0;
    std::uint64_t lost = 0;  // never came
    std::uint64_t repeated = 0;
    std::uint64_t asks = 0;      // NACKs, by numbers
    std::uint64_t key_asks = 0;  // PLIs
    std::uint64_t freezes = 0;   // of pictures: a gap of more than 3 intervals, or a broken chain
    Duration frozen;
    std::uint64_t audio_gaps = 0;  // likewise, of sound
    std::uint64_t stopped = 0;     // streams of which nothing came any more in the end
    Timestamp first;
    Timestamp last;

    void add(const StreamFigures& other);
};

// One row of the table of tracks.
struct TrackRow {
    std::string identity;  // who received it
    std::string track_sid;
    client::MediaKind kind = client::MediaKind::kAudio;
    StreamFigures figures;
};
// One row of the summary.
struct PersonRow {
    std::string identity;
    std::size_t tracks = 0;
    std::size_t expected = 0;
    StreamFigures figures;
    std::string error;
};

// Steps of joining, each since the beginning of its participant.
struct JoinTimes {
    Histogram web_socket;
    Histogram joined;     // the join response
    Histogram ice;        // a path is there
    Histogram connected;  // DTLS is done
    Histogram first_rtp;
    Histogram first_key_frame;  // or first sound, where there are no pictures

    void merge(const JoinTimes& other);
};

struct Figures {
    StreamFigures received;
    Histogram latency;
    Histogram settled_latency;  // without the first two seconds of each stream
    JoinTimes joins;
    std::uint64_t sent = 0;  // packets of media by publishers
    std::uint64_t resent = 0;
    std::uint64_t key_frames = 0;  // that publishers made
    std::uint64_t decrypted = 0;
    std::uint64_t joined = 0;
    std::uint64_t tracks = 0;  // that flowed
    std::uint64_t expected_tracks = 0;
    std::uint64_t data_sent = 0;
    std::uint64_t data_received = 0;
    Histogram data_latency;
    std::map<std::string, std::uint64_t> errors;  // participants, by why they failed

    void merge(const Figures& other);
    std::uint64_t failed() const;
};

// What the machine of the tester had to say.
struct TesterFigures {
    Duration cpu;             // of the process, while it measured
    Duration measured;        // from the first join to the end
    double busiest = 0;       // share of its core that the busiest thread took, 0 to 1
    Histogram lateness;       // datagrams waited so long in its sockets
    std::uint64_t drops = 0;  // datagrams that did not fit into them
    std::size_t threads = 1;

    // Loss and latency may be the tester's own (05 C.5).
    bool is_bound() const;
};

struct Report {
    Figures figures;
    TesterFigures tester;
    std::vector<TrackRow> tracks;
    std::vector<PersonRow> people;
    std::size_t participants = 0;
    std::size_t rooms = 1;
    Duration lasted;  // after the last join
    // Of media, that came in that time; not those of the joins before.
    std::uint64_t packets = 0;
    std::string failure;  // why the test could not be run, or ended before its time
};

}  // namespace confab::load
