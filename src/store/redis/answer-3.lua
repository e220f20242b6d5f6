--[[
Adds one person's answer. A denial decides at once, approvals when as many people as the quorum have approved. What is
revoked ends as denied, also after it was approved, as long as it was not used.

KEYS[1]  approval
KEYS[2]  pending approval of the call under its terms
KEYS[3]  ids of the agent's pending approvals

ARGV[1]  approver
ARGV[2]  decision: approve, deny or revoke
ARGV[3]  the answer, JSON
ARGV[4]  approval id

Returns  outcome, then (unless not_found) what approval-1 returns

Codes    outcome: approved denied recorded revoked conflict expired not_found
         status: pending approved denied expired consumed
]]

local approval, pending, waiting = KEYS[1], KEYS[2], KEYS[3]
local approver, decision, answer, id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now_ms = to_ms(clock_us())

local function record()
  local head = redis.call("HMGET", approval, "status", "expires_ms", "answers", "quorum")
  if not head[1] then
    return "not_found"
  end
  local status = status_at(head[1], integer(head[2]), now_ms)
  if status == "expired" then
    return "expired"
  end
  local person = "person:" .. approver
  local revokes = decision == "revoke" and (status == "pending" or status == "approved")
  if not revokes and (decision == "revoke" or status ~= "pending" or redis.call("HEXISTS", approval, person) == 1) then
    return "conflict"
  end
  local answers = integer(head[3]) + 1
  local outcome = "recorded"
  if revokes then
    outcome = "revoked"
  elseif decision == "deny" then
    outcome = "denied"
  elseif decision ~= "approve" then
    error("unknown decision")
  elseif answers >= integer(head[4]) then
    outcome = "approved"
  end
  redis.call("HSET", approval, person, decision, "answer:" .. digits(answers), answer, "answers", digits(answers))
  if outcome ~= "recorded" then
    redis.call("HSET", approval, "status", revokes and "denied" or outcome)
    redis.call("DEL", pending)
    redis.call("ZREM", waiting, id)
  end
  return outcome
end

local reply = { record() }
append_approval(reply, approval, now_ms)
return reply
