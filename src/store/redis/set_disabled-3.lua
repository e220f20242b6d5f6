--[[
Disables or enables an agent, whoever registers it.

KEYS[1]  state: epoch, seq
KEYS[2]  changes by seq
KEYS[3]  1 or 0 by id of agents that were disabled or enabled

ARGV[1]  id
ARGV[2]  1 to disable, 0 to enable
ARGV[3]  epoch of a registry that has none yet

Returns  1 when that was a change, else 0
]]

local id, value = ARGV[1], ARGV[2]
if (redis.call("HGET", KEYS[3], id) or "0") == value then
  return "0"
end
redis.call("HSET", KEYS[3], id, value)
note_change(KEYS[1], KEYS[2], "disabled:" .. id, ARGV[3])
return "1"
