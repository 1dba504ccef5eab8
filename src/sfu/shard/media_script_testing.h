// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Recorded media in testdata/media: what a publisher and its subscribers sent and got around a
// server, one line per packet in time order, values separated by blanks. `ms` counts from the start
// of the recording, lists and extensions (id=hex) stand last, "-" is an empty value.
//
//   receiver ms id a|v mid codec pt rtx-pt s|m rids extensions flags    a track is published
//   track ms id receiver peer ssrc rtx-ssrc codec:pt:rtx-pt,… extensions flags    and subscribed to
//   settings ms track enabled spatial temporal    what the subscriber wants from now on
//   mute ms receiver 0|1        end ms receiver   by the publisher
//   P ms ssrc seq ts pt marker padding size payload ext…       publisher → server, counted from 0
//   A ms ssrc ntp rtp packets octets                           its sender reports
//   S ms peer pt ssrc seq ts marker size source dropped payload ext…    server → subscriber; source
//     is the number of the P line it was made of, -1 the server's own packet, -2 a retransmission
//   B ms peer RR ssrc fraction lost esn jitter | NACK ssrc seq,… | PLI ssrc    subscriber → server
//   p ms PLI ssrc | NACK ssrc seq,… | RR ssrc fraction lost esn | XR | TWCC base count
//     server → publisher
//   s ms peer ssrc ntp rtp packets octets                      sender reports of the server
//   E ms peer ACTIVE|PAUSED     V ms active level              stream state, speaker
//
// Of a payload only the beginning was kept, of a size `size` − header; the server reads no more.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "sfu/forward/forward_testing.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu::test {

// One line, split at blanks; fields are read in order.
class Fields {
  public:
    explicit Fields(const std::string& line) : in_(line) {}
    std::string word() {
        std::string out;
        in_ >> out;
        return out == "-" ? "" : out;
    }
    template <typename T = std::int64_t>
    T number() {
        std::int64_t out = 0;
        in_ >> out;
        return static_cast<T>(out);
    }
    std::uint64_t big() {
        std::uint64_t out = 0;
        in_ >> out;
        return out;
    }
    double real() {
        double out = 0;
        in_ >> out;
        return out;
    }
    std::vector<std::string> list(char separator = ',') {
        std::vector<std::string> out;
        std::istringstream parts(word());
        for (std::string part; std::getline(parts, part, separator);)
            out.push_back(part);
        return out;
    }
    std::vector<std::uint16_t> sequences() {
        std::vector<std::uint16_t> out;
        for (const std::string& text : list())
            out.push_back(parse_decimal<std::uint16_t>(text).value_or(0));
        return out;
    }

  private:
    std::istringstream in_;
};

struct Extension {
    std::uint8_t id = 0;
    Bytes value;
};

struct ScriptLine {
    std::string kind;
    std::int64_t ms = 0;
    std::string rest;
};

// A packet a subscriber got, in the recording or from us.
struct SentPacket {
    std::int64_t ms = 0;
    std::size_t peer = 0;
    std::uint8_t pt = 0;
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    bool marker = false;
    std::size_t payload_size = 0;
    int source = -1;
    Bytes payload;  // the beginning
    std::vector<Extension> extensions;
};

// A packet a publisher sent.
struct SourcePacket {
    std::int64_t ms = 0;
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint8_t pt = 0;
    bool marker = false;
    std::uint8_t padding = 0;
    std::size_t size = 0;
    Bytes payload;
    std::vector<Extension> extensions;
};

inline std::vector<Extension> read_extensions(Fields& fields) {
    std::vector<Extension> out;
    for (std::string text = fields.word(); !text.empty(); text = fields.word()) {
        const std::size_t at = text.find('=');
        out.push_back({parse_decimal<std::uint8_t>(text.substr(0, at)).value_or(0),
                       from_hex(text.substr(at + 1))});
    }
    return out;
}

inline std::size_t block_size(const std::vector<Extension>& extensions) {
    wire::ExtensionWriter writer;
    for (const Extension& e : extensions)
        writer.add(e.id, e.value);
    return writer.size();
}

inline SourcePacket read_source(const ScriptLine& line) {
    Fields f(line.rest);
    SourcePacket p;
    p.ms = line.ms;
    p.ssrc = f.number<std::uint32_t>();
    p.sequence = f.number<std::uint16_t>();
    p.timestamp = f.number<std::uint32_t>();
    p.pt = f.number<std::uint8_t>();
    p.marker = f.number() != 0;
    p.padding = f.number<std::uint8_t>();
    p.size = f.number<std::size_t>();
    p.payload = from_hex(f.word());
    p.extensions = read_extensions(f);
    return p;
}

inline SentPacket read_sent(const ScriptLine& line) {
    Fields f(line.rest);
    SentPacket p;
    p.ms = line.ms;
    p.peer = f.number<std::size_t>();
    p.pt = f.number<std::uint8_t>();
    p.ssrc = f.number<std::uint32_t>();
    p.sequence = f.number<std::uint16_t>();
    p.timestamp = f.number<std::uint32_t>();
    p.marker = f.number() != 0;
    const auto size = f.number<std::size_t>();
    p.source = f.number<int>();
    (void)f.number();  // dropped by the subscriber, which is its own affair
    p.payload = from_hex(f.word());
    p.extensions = read_extensions(f);
    p.payload_size = size - 12 - block_size(p.extensions);
    return p;
}

inline std::vector<ScriptLine> read_script(const std::string& path) {
    std::vector<ScriptLine> out;
    std::ifstream file(path);
    for (std::string text; std::getline(file, text);) {
        Fields fields(text);
        ScriptLine line;
        line.kind = fields.word();
        line.ms = fields.number();
        const std::size_t first = text.find(' ');
        const std::size_t second = text.find(' ', first + 1);
        if (second != std::string::npos) line.rest = text.substr(second + 1);
        out.push_back(std::move(line));
    }
    return out;
}

}  // namespace confab::sfu::test
