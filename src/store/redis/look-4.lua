--[[
What a session did so far, whether a tool is new to its agent, and an approval.

KEYS[1]  session
KEYS[2]  tools of the agent
KEYS[3]  approval
KEYS[4]  what the agent did wrong outside of any session

ARGV[1]  tool, empty = not asked
ARGV[2]  milliseconds after its first call in which an agent's tools are not told apart
ARGV[3]  1 when the approval is asked for, else 0

Returns  fields and values of the session (none when nothing is remembered), 0 or 1 for a new tool,
         the approval as approval-1 has it (nothing when it is unknown or not asked for), fields and values of KEYS[4]
]]

local now_ms = to_ms(clock_us())
local approval = {}
if ARGV[3] == "1" then
  append_approval(approval, KEYS[3], now_ms)
end
local new = ARGV[1] ~= "" and is_new_tool(tools_of(KEYS[2], ARGV[1]), integer(ARGV[2]), now_ms)
return { session_of(KEYS[1]), new and "1" or "0", approval, session_of(KEYS[4]) }
