// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Replies of Redis that come after the one who asked is gone.
#pragma once

#include <memory>
#include <utility>

namespace confab::cluster::nodes {

// A member of the one who asks; what on() makes does nothing once that one is destroyed.
class Guard {
  public:
    template <typename F>
    auto on(F function) const {
        return [weak = std::weak_ptr<bool>(alive_),
                function = std::move(function)](auto&&... arguments) mutable {
            if (weak.lock()) function(std::forward<decltype(arguments)>(arguments)...);
        };
    }

  private:
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace confab::cluster::nodes
