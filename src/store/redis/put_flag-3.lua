--[[
Writes that an agent is disabled or enabled, whoever registers it, unless somebody else has written that meanwhile.

KEYS[1]  state: epoch, seq
KEYS[2]  changes by seq
KEYS[3]  flags of agents by id, JSON

ARGV[1]  id
ARGV[2]  the flag, JSON
ARGV[3]  revision that has to be stored; 0 = there is none, or it cannot be read, -1 = whatever is stored
ARGV[4]  epoch of a registry that has none yet

Returns  1 when it was written, else 0
]]

local id, flag, over = ARGV[1], ARGV[2], integer(ARGV[3])
if over ~= -1 and (revision_in(redis.call("HGET", KEYS[3], id)) or 0) ~= over then
  return "0"
end
redis.call("HSET", KEYS[3], id, flag)
note_change(KEYS[1], KEYS[2], "flag:" .. id, ARGV[4])
return "1"
