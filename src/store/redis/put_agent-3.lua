--[[
Writes an agent of the registry unless somebody else has changed it meanwhile.

KEYS[1]  state: epoch, seq
KEYS[2]  changes by seq
KEYS[3]  agents by id, JSON

ARGV[1]  id
ARGV[2]  the agent, JSON
ARGV[3]  revision that has to be stored; 0 = there is no such agent, -1 = whatever is stored
ARGV[4]  epoch of a registry that has none yet

Returns  1 when it was written, else 0
]]

local id, agent, over = ARGV[1], ARGV[2], integer(ARGV[3])
local stored = redis.call("HGET", KEYS[3], id)
-- What cannot be read has no revision that anybody could know.
if over ~= -1 and revision_in(stored) ~= over then
  return "0"
end
redis.call("HSET", KEYS[3], id, agent)
note_change(KEYS[1], KEYS[2], "agent:" .. id, ARGV[4])
return "1"
