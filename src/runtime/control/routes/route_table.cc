// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/route_table.h"

namespace confab::control {
namespace {

bool covers(const Route& route, std::string_view path) {
    if (path == route.path) return true;
    return route.path.size() > 1 && route.path.back() == '/' && path.starts_with(route.path);
}

}  // namespace

const Route* RouteTable::find(std::string_view method, std::string_view path) const {
    const Route* of_other_method = nullptr;
    for (const Route& route : routes_) {
        if (!covers(route, path)) continue;
        if (route.method.empty() || route.method == method) return &route;
        if (of_other_method == nullptr) of_other_method = &route;
    }
    return of_other_method;
}

}  // namespace confab::control
