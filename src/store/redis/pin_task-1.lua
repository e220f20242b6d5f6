--[[
Fixes what a session is for: the first task that is given wins.

KEYS[1]  task of the session

ARGV[1]  the task, canonical JSON; empty = none is asked for
ARGV[2]  milliseconds to keep it from now on, or longer if it is kept longer already

Returns  the task that holds; empty = none does
]]

local task, ttl_ms = ARGV[1], integer(ARGV[2])
local held = redis.call("GET", KEYS[1])
if held then
  if redis.call("PTTL", KEYS[1]) < ttl_ms then
    redis.call("PEXPIRE", KEYS[1], digits(ttl_ms))
  end
  return held
end
if task ~= "" then
  redis.call("SET", KEYS[1], task, "PX", digits(ttl_ms))
end
return task
