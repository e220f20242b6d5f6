--[[
The status of one approval, as of the server's clock.

KEYS[1]  approval

Returns  status; nothing when it is unknown

Codes    status: pending approved denied expired consumed
]]

local head = redis.call("HMGET", KEYS[1], "status", "expires_ms")
return head[1] and status_at(head[1], integer(head[2]), to_ms(clock_us()))
