// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The key that a room is found by: its tenant and its name in one text (docs/design/tenants.md).
// The key of a room of no tenant is its name. Each pair has one key and each key is of one pair,
// whatever the name is.
#pragma once

#include <string>
#include <string_view>

namespace confab::token {

// In no tenant's name, which config sees to; a room's may have it.
inline constexpr char kTenantMark = '\x1f';

// What all keys of a tenant's rooms begin with.
inline std::string tenant_prefix(std::string_view tenant) {
    std::string prefix(1, kTenantMark);
    return prefix.append(tenant).append(1, kTenantMark);
}

// `tenant` is empty for a room of no tenant.
inline std::string room_key(std::string_view tenant, std::string_view name) {
    if (tenant.empty() && !name.starts_with(kTenantMark)) return std::string(name);
    return tenant_prefix(tenant).append(name);
}

// Both are views of the key.
struct RoomName {
    std::string_view tenant;
    std::string_view name;
    bool operator==(const RoomName&) const = default;
};
inline RoomName split_room_key(std::string_view key) {
    if (!key.starts_with(kTenantMark)) return {{}, key};
    const std::size_t end = key.find(kTenantMark, 1);
    if (end == key.npos) return {{}, key};  // none of ours
    return {key.substr(1, end - 1), key.substr(end + 1)};
}

inline std::string_view tenant_in(std::string_view key) {
    return split_room_key(key).tenant;
}

}  // namespace confab::token
