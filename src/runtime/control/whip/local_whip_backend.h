// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WHIP sessions on the shards of this node.
#pragma once

#include <functional>
#include <utility>

#include "runtime/control/shards/control_node.h"
#include "runtime/control/whip/whip_backend.h"

namespace confab::control {

class LocalWhipBackend final : public WhipBackend {
  public:
    // `over_limit` as for LocalSignalBackend. Both must outlive this.
    LocalWhipBackend(ControlNode& node, std::function<bool()> over_limit)
        : node_(node), over_limit_(std::move(over_limit)) {}
    void create(WhipJoin join, Reply reply) override;
    void abandon(const std::string& room, const std::string& identity,
                 std::uint64_t request) override;
    void patch(WhipRequest request, Reply reply) override;
    void remove(WhipRequest request, Reply reply) override;

  private:
    void ask(const std::string& room, Callback<ControlPlane&, Reply> question, Reply reply);

    ControlNode& node_;
    std::function<bool()> over_limit_;
};

}  // namespace confab::control
