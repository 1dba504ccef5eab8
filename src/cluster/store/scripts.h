// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The Lua scripts that Redis runs for this module: what has to be compared and changed in one step.
// Commands of many share one connection, so that WATCH and MULTI are not for us. Each has a twin in
// scripts_testing.h for the server in memory; tests/cluster/run_cluster_store holds the two
// together.
//
// kSyncRooms and kDeleteRoom use keys that a Redis Cluster keeps in different slots: there
// rooms/room_scripts.h does the same in several steps, with the last five. All others are of one
// slot.
#pragma once

#include <string_view>

namespace confab::cluster::store::scripts {

// Rooms of this node as they should be, where they still are this node's (RDS-02…04, RDS-32):
// writes what differs, removes participants that are not named, and claims the routing of a room
// that has none.
//   keys       room_node_map, rooms, room_internal, room_participants:<room> of each
//   arguments  node, then of each: name, Room, "1" and RoomInternal or "0" and "", number of
//              participants, and of each of those: identity, ParticipantInfo
//   reply      a list, of each: 0; 1 if the room was not there or not routed; or the text of the
//   node
//              that it is routed to instead
inline constexpr std::string_view kSyncRooms = R"lua(
local at = 2
local function take(n)
  at = at + n
  return unpack(ARGV, at - n, at - 1)
end
local function put(key, field, value)
  if redis.call('HGET', key, field) ~= value then redis.call('HSET', key, field, value) end
end
local reply = {}
for i = 4, #KEYS do
  local name, room, has_internal, internal, count = take(5)
  local first = at
  at = at + 2 * tonumber(count)
  local owner = redis.call('HGET', KEYS[1], name)
  if owner and owner ~= ARGV[1] then
    reply[#reply + 1] = owner
  else
    local there = owner and redis.call('HEXISTS', KEYS[2], name) == 1
    if not owner then redis.call('HSET', KEYS[1], name, ARGV[1]) end
    put(KEYS[2], name, room)
    if has_internal == '1' then put(KEYS[3], name, internal) else redis.call('HDEL', KEYS[3], name) end
    local wanted = {}
    for j = first, at - 2, 2 do
      wanted[ARGV[j]] = true
      put(KEYS[i], ARGV[j], ARGV[j + 1])
    end
    for _, identity in ipairs(redis.call('HKEYS', KEYS[i])) do
      if not wanted[identity] then redis.call('HDEL', KEYS[i], identity) end
    end
    reply[#reply + 1] = there and 0 or 1
  end
end
return reply
)lua";

// Deletes a room that is routed to `node` or to nobody (NODE-16: not one that another node has by
// now).
//   keys       room_node_map, rooms, room_internal, room_participants:<room>,
//              agent_dispatch:<room>, agent_job:<room>
//   arguments  name, node
//   reply      {1, Room}, {1} if there was no Room, or {0, the node that it is routed to}
inline constexpr std::string_view kDeleteRoom = R"lua(
local owner = redis.call('HGET', KEYS[1], ARGV[1])
if owner and owner ~= ARGV[2] then return {0, owner} end
local room = redis.call('HGET', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4], KEYS[5], KEYS[6])
if room then return {1, room} end
return {1}
)lua";

// Writes an ingress that is still as the caller read it, with its way from key and room
// (RDS-11…14).
//   keys       ingress, {ingress}_stream_key, {ingress}_state:<id>,
//              room_{ingress}:<room as read>, room_{ingress}:<room to be>
//   arguments  id, IngressInfo as read ("" if there was none), IngressInfo to be,
//              stream key as read, stream key to be ("" if none), room as read, room to be ("" if
//              none), IngressState of a new one
//   reply      1, or 0 if it is not as read
inline constexpr std::string_view kStoreIngress = R"lua(
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= ARGV[5] and ARGV[4] ~= '' then redis.call('HDEL', KEYS[2], ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], ARGV[5], ARGV[1]) end
if ARGV[6] ~= ARGV[7] and ARGV[6] ~= '' then redis.call('SREM', KEYS[4], ARGV[1]) end
if ARGV[7] ~= '' then redis.call('SADD', KEYS[5], ARGV[1]) end
if ARGV[2] == '' then redis.call('SET', KEYS[3], ARGV[8]) end
return 1
)lua";

// Writes the state of an ingress that there is and whose state is still as read (RDS-13, RDS-23).
//   keys       ingress, {ingress}_state:<id>
//   arguments  id, IngressState as read ("" if none or empty), IngressState to be
//   reply      1, 0 if it is not as read, -1 if there is no such ingress
inline constexpr std::string_view kSetIngressState = R"lua(
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return -1 end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
return 1
)lua";

// Deletes an ingress that is still as read, and all that leads to it.
//   keys       ingress, {ingress}_stream_key, {ingress}_state:<id>, room_{ingress}:<room as read>
//   arguments  id, IngressInfo as read, stream key as read
//   reply      1, or 0 if it is not as read
inline constexpr std::string_view kDeleteIngress = R"lua(
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('SREM', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[3])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[3])
return 1
)lua";

// Replaces a text that is still as read (RDS-01).
//   keys the text's · arguments as read ("" if none), to be · reply 1, or 0 if it is not as read
inline constexpr std::string_view kReplaceText = R"lua(
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
)lua";

// Routes rooms that have no routing to a node (RDS-06).
//   keys       room_node_map
//   arguments  node, names
//   reply      a list, of each: 0 if it was routed to the node; 1 if it is now; or the text of the
//              node that it is routed to instead
inline constexpr std::string_view kClaimRooms = R"lua(
local reply = {}
for i = 2, #ARGV do
  local owner = redis.call('HGET', KEYS[1], ARGV[i])
  if not owner then redis.call('HSET', KEYS[1], ARGV[i], ARGV[1]) end
  reply[#reply + 1] = owner == ARGV[1] and 0 or owner or 1
end
return reply
)lua";

// Writes fields of a hash that differ.
//   keys the hash · arguments field, value, … · reply a list, of each: 1 if it was there, or 0
inline constexpr std::string_view kPutFields = R"lua(
local reply = {}
for i = 1, #ARGV, 2 do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if value ~= ARGV[i + 1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  reply[#reply + 1] = value and 1 or 0
end
return reply
)lua";

// The same, and removes all others.
//   keys the hash · arguments field, value, … · reply 1
inline constexpr std::string_view kReplaceFields = R"lua(
local wanted = {}
for i = 1, #ARGV, 2 do
  wanted[ARGV[i]] = true
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if value ~= ARGV[i + 1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if not wanted[field] then redis.call('HDEL', KEYS[1], field) end
end
return 1
)lua";

// Deletes a field of a hash: of many who do, one gets the value.
//   keys the hash · arguments field · reply its value, or null
inline constexpr std::string_view kTakeField = R"lua(
local value = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
return value
)lua";

// Deletes the routing of a room that still names a node (NODE-16).
//   keys room_node_map · arguments name, node · reply 0, or the node that it names instead
inline constexpr std::string_view kDropRouting = R"lua(
local owner = redis.call('HGET', KEYS[1], ARGV[1])
if owner and owner ~= ARGV[2] then return owner end
redis.call('HDEL', KEYS[1], ARGV[1])
return 0
)lua";

}  // namespace confab::cluster::store::scripts
