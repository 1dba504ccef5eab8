// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Grants as the permission that clients and the API see (01 TOK-11, TOK-13), and what it allows.
#pragma once

#include "token/grants.h"

namespace confab::token {

livekit::ParticipantPermission to_permission(const VideoGrant& grant);
// Of a token without the claim: what it leaves to the defaults.
livekit::ParticipantPermission to_permission(const Grants& grants);
// The grants that a new permission stands for; it replaces the whole set (TOK-13), and what is no
// part of a permission stays.
void set_permission(VideoGrant& grant, const livekit::ParticipantPermission& permission);
// Whether one allows what the other does.
bool same(const livekit::ParticipantPermission& a, const livekit::ParticipantPermission& b);
// TOK-05: canPublish false beats the list; UNKNOWN is refused as soon as there is a list.
bool may_publish(const livekit::ParticipantPermission& permission, livekit::TrackSource source);

}  // namespace confab::token
