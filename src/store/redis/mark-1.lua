--[[
Notes something about an approval, once.

KEYS[1]  approval

ARGV[1]  name of the mark
ARGV[2]  its value

Returns  an empty list when there is no such approval, else
         1 when the value is the one that was given and 0 when another was there before, and the value
]]

if redis.call("HEXISTS", KEYS[1], "status") == 0 then
  return {}
end
local field = "mark:" .. ARGV[1]
local first = redis.call("HSETNX", KEYS[1], field, ARGV[2])
return { tostring(first), redis.call("HGET", KEYS[1], field) }
