--[[
Reads one approval, its status as of the server's clock.

KEYS[1]  approval

Returns  an empty list when unknown, else
         status, created_ms, expires_ms, draft, answer...

Codes    status: pending approved denied expired consumed
]]

local reply = {}
append_approval(reply, KEYS[1], to_ms(clock_us()))
return reply
