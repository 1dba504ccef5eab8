// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which endpoint serves a method and a path.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/control/routes/endpoint.h"

namespace confab::control {

enum class Access : std::uint8_t {
    kToken,  // the request's access token, if it has one, is verified before (CON-20)
    kOpen,   // for everybody, or the endpoint has an authentication of its own
};

struct Route {
    std::string path;    // "/demo/" with a slash at the end: all below, too
    std::string method;  // empty: any; others get 405
    Access access = Access::kToken;
    std::unique_ptr<Endpoint> endpoint;
};

class RouteTable {
  public:
    void add(Route route) { routes_.push_back(std::move(route)); }
    // The first route of that path whose method fits, else the first of that path, else null.
    const Route* find(std::string_view method, std::string_view path) const;

  private:
    std::vector<Route> routes_;
};

}  // namespace confab::control
