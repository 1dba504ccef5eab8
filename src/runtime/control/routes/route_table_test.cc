// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/route_table.h"

#include <doctest/doctest.h>

namespace confab::control {

TEST_CASE("RouteTable: exact paths, whole folders, methods [CON-02]") {
    RouteTable table;
    const auto add = [&table](const char* path, const char* method) {
        table.add({path, method, Access::kToken, nullptr});
    };
    add("/", "");
    add("/rtc", "");
    add("/demo/", "GET");
    add("/api/token", "POST");
    add("/api/token", "GET");
    const auto path_of = [&table](std::string_view method, std::string_view path) {
        const Route* route = table.find(method, path);
        return route == nullptr ? "" : route->method + " " + route->path;
    };
    CHECK(path_of("GET", "/") == " /");
    CHECK(path_of("PUT", "/rtc") == " /rtc");
    CHECK(path_of("GET", "/rtc/") == "");
    CHECK(path_of("GET", "/rtcx") == "");
    CHECK(path_of("GET", "/demo") == "");
    CHECK(path_of("GET", "/demo/") == "GET /demo/");
    CHECK(path_of("GET", "/demo/a/b") == "GET /demo/");
    CHECK(path_of("POST", "/demo/a") == "GET /demo/");  // the caller says 405
    CHECK(path_of("GET", "/api/token") == "GET /api/token");
    CHECK(path_of("DELETE", "/api/token") == "POST /api/token");
}

}  // namespace confab::control
