// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/server_target.h"

#include <netdb.h>

#include <algorithm>
#include <cstring>

#include "runtime/worker/socket/socket_address.h"

namespace confab::load {
namespace {

struct UrlParts {
    bool tls = false;
    std::string host;  // without brackets
    std::string port;
    std::string authority;  // as written
    std::string path;
};

Result<UrlParts, std::string> split(const std::string& url) {
    const auto wrong = [&] {
        return fail("--url " + url + " is no address of a server; it looks like ws://host:7880");
    };
    const std::size_t colon = url.find("://");
    if (colon == url.npos) return wrong();
    const std::string scheme = url.substr(0, colon);
    UrlParts parts;
    parts.tls = scheme == "wss" || scheme == "https";
    if (!parts.tls && scheme != "ws" && scheme != "http") return wrong();
    const std::string rest = url.substr(colon + 3);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    parts.authority = rest.substr(0, slash);
    parts.path = rest.substr(slash);
    while (parts.path.ends_with('/'))
        parts.path.pop_back();
    const bool bracket = parts.authority.starts_with('[');
    const std::size_t end = bracket ? parts.authority.find(']') : parts.authority.rfind(':');
    if (bracket && end == parts.authority.npos) return wrong();
    parts.host = bracket ? parts.authority.substr(1, end - 1) : parts.authority.substr(0, end);
    const std::size_t port = bracket ? end + 1 : std::min(end, parts.authority.size());
    if (port < parts.authority.size()) parts.port = parts.authority.substr(port + 1);
    if (parts.host.empty()) return wrong();
    if (parts.port.empty()) parts.port = parts.tls ? "443" : "80";
    return parts;
}

}  // namespace

Result<ServerTarget, std::string> resolve(const std::string& url) {
    CONFAB_TRY(const UrlParts parts, split(url));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found);
    if (code != 0 || found == nullptr)
        return fail("cannot find the host of --url " + url + ": " + ::gai_strerror(code));
    // An IPv4 address comes first: servers offer it for media in any case.
    const addrinfo* chosen = found;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
        if (one->ai_family == AF_INET && chosen->ai_family != AF_INET) chosen = one;
    ServerTarget target;
    worker::KernelAddress address;
    std::memcpy(&address.storage, chosen->ai_addr, chosen->ai_addrlen);
    target.address = worker::from_kernel(address.storage);
    ::freeaddrinfo(found);
    target.host = parts.authority;
    if (parts.tls) target.name = parts.host;
    target.prefix = parts.path;
    return target;
}

}  // namespace confab::load
