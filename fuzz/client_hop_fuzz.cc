// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The input is X-Forwarded-For; what stands behind its last line feed is X-Real-IP.
// fuzz: modules api
#include <cstdlib>

#include "api/limits/client_hop.h"
#include "base/bytes.h"
#include "base/limits/sources.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace confab;
    static const std::vector<Cidr> proxies{*Cidr::parse("10.0.0.0/8"), *Cidr::parse("fc00::/7")};
    std::string_view forwarded = as_text({data, size});
    std::string_view real_ip;
    if (const std::size_t end = forwarded.rfind('\n'); end != forwarded.npos) {
        real_ip = forwarded.substr(end + 1);
        forwarded = forwarded.substr(0, end);
    }
    const IpAddress proxy = IpAddress::v4(0x0A000001);
    const IpAddress client = api::client_hop(proxy, forwarded, real_ip, proxies);
    if (client.is_none()) std::abort();
    // What a client adds at the left changes nothing, unless all that follows is trusted.
    const std::string longer = "192.0.2.66, " + std::string(forwarded);
    if (!is_listed(proxies, client) && forwarded.find_first_not_of(" \t") != forwarded.npos &&
        api::client_hop(proxy, longer, real_ip, proxies) != client)
        std::abort();
    // Nobody else is believed.
    const IpAddress stranger = IpAddress::v4(0xCB007101);
    if (api::client_hop(stranger, forwarded, real_ip, proxies) != stranger) std::abort();
    return 0;
}
