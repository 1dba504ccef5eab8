// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A media node with one worker, its sockets and a call on it, which goes over to another process
// while it lasts (02 MC-20; docs/design/migration.md).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "call.h"
#include "hand_over.h"
#include "runtime/worker/media_node.h"

namespace confab::process_node {

// What is done to the bytes on their way, to see that nobody takes them.
enum class Harm : std::uint8_t { kNone, kCut, kNoise, kNewer, kHangUp };

class Node {
  public:
    static Result<std::unique_ptr<Node>, std::string> start(std::uint64_t seed);
    // Goes on with what another process gave. Where that is no such thing nothing of it is left
    // here, and nobody reads its sockets.
    struct Entered {
        std::unique_ptr<Node> node;
        bool taken = false;
        std::string why;             // not
        std::int64_t silent_us = 0;  // nobody read the sockets for that long
    };
    static Entered enter(HandOver from, std::uint64_t seed);

    Result<Answered, std::string> answer(std::size_t person, std::string_view offer);
    struct Left {
        bool left = false;
        std::string why;  // not
        std::size_t bytes = 0;
    };
    // Gives the call to the process that listens at `path`. What that one does not take goes on
    // here.
    Left leave(const std::string& path, Harm harm);
    // Carries out what the control half wants and looks at what the worker says.
    void step();
    // As of now; waits for the worker to tell.
    sfu::ShardSnapshot snapshot();

  private:
    Node(std::unique_ptr<worker::MediaNode> media, std::string fingerprint, std::uint64_t seed);
    bool step_until(const std::function<bool()>& done);
    bool export_all();
    bool import_all();
    Bytes save(Timestamp now) const;
    bool load(BytesView bytes, std::int64_t& silent_since_us);

    std::unique_ptr<worker::MediaNode> media_;
    Control control_;
    Call call_;
    std::array<std::optional<sfu::PeerExported>, Call::kPeople> exported_;
    std::array<std::optional<bool>, Call::kPeople> imported_;
};

}  // namespace confab::process_node
