// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reads testdata/recorded.txt: offers and answers of pion, Chromium and Firefox with a server of
// the kind we replace. For tests only.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "rtc/sdp/description/description.h"

namespace confab::sdp::testing {

struct RecordedMessage {
    bool offer = false;
    bool by_server = false;
    std::string step;  // "mic", "cam-vp9" …
    std::string sdp;
};
struct RecordedConnection {
    std::string name;
    std::vector<RecordedMessage> messages;  // offer, answer, offer, answer …
};

class RecordedReader {
  public:
    std::vector<RecordedConnection> read(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        for (const std::string_view line : split(text, '\n'))
            read_line(line);
        return std::move(connections_);
    }

  private:
    void read_line(std::string_view line) {
        if (line.empty() || line[0] == '#') return;
        if (line[0] != '@') {
            if (in_sections_) {
                sections_.push_back(expand(line));
            } else {
                lines_.emplace_back(line);
            }
            return;
        }
        const std::string_view word = next_token(line, ' ');
        if (word == "@sections") {
            in_sections_ = true;
        } else if (word == "@connection") {
            connections_.emplace_back().name = line;
        } else if (word == "@offer" || word == "@answer") {
            RecordedMessage& message = connections_.back().messages.emplace_back();
            message.offer = word == "@offer";
            message.by_server = next_token(line, ' ') == "server";
            message.step = next_token(line, ' ');
            message.sdp = "v=0\r\n";
            for (const std::string_view id : split(line, ' '))
                message.sdp += sections_.at(parse_decimal<std::size_t>(id).value());
        }
    }

    std::string expand(std::string_view ids) const {
        std::string out;
        for (const std::string_view id : split(ids, ' '))
            out += lines_.at(parse_decimal<std::size_t>(id).value()) + "\r\n";
        return out;
    }

    bool in_sections_ = false;
    std::vector<std::string> lines_;
    std::vector<std::string> sections_;
    std::vector<RecordedConnection> connections_;
};

inline std::vector<RecordedConnection> recorded_connections() {
    return RecordedReader().read(std::string(CONFAB_SOURCE_DIR) +
                                 "/src/rtc/sdp/testdata/recorded.txt");
}

}  // namespace confab::sdp::testing
