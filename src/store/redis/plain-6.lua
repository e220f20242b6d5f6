--[[
The ordinary call, in front of everything else of settle-11: one that passes, of a session and a tool that are known, with
nothing to tell of it and within its limits. What is below would say the same in three times the time, most of which goes
into functions, tables and numbers written as text; so there are none of these here that can be done without. Whatever is
not ordinary leaves nothing behind and goes on below.

KEYS[1]  enforced counters of the agent
KEYS[2]  session of the call
KEYS[3]  the agent's open session; the same key for a call that binds none
KEYS[4]  tools of the agent
KEYS[5]  what the agent did wrong outside of any session
KEYS[6]  result of this idempotency key
ARGV[1]  JSON list: rate interval and burst (0 = no rate), daily_budget limit and cost (-1 = no budget), keep, tools, tool,
         known facts, ttl, classification (one that is empty is 0), and step: within one step of the clock what has been
         looked at and prolonged by one call of a session is not again by the next one (0 = by each); times to live are
         longer by a step
ARGV[2]  for below, JSON list: detail, burst refusals and within, learning
ARGV[3]  what is known of the counters: n (-1 = nothing)
ARGV[4]  until_ms
ARGV[5]  for below, JSON list: tat (0 = none), day, spent, lost_ms

Returns  one text: now_ms, n, tat_us, day, spent, until_ms, lost_ms (as in the counters of settle-11), then last_ms, calls and
         passed of the session before the call, all between commas and nothing for what is not there; on the next line the
         fields and values of the session as JSON, those three without their values, since the rest is seldom another one;
         and on the third those of KEYS[5], nothing for none
]]

local plain = cjson.decode(ARGV[1])
local answer = (function(interval, burst, limit, cost, keep, tools_ms, tool, facts, ttl, classes, step)
  local call, find, format = redis.call, string.find, string.format
  local time = call("TIME")
  local now_us = time[1] * 1000000 + time[2]
  local now_ms = math.floor(now_us / 1000)
  local now = format("%.0f", now_ms)

  local known = call("HMGET", KEYS[1], "n", "tat_us", "lost_ms", "day", "spent", "hour", "hour_spent")
  local n, tat, lost, day, spent = known[1], known[2], known[3], known[4], known[5]
  -- One look at all the numbers: what is no number is for below to refuse.
  if find((n or "") .. (tat or "") .. (lost or "") .. (day or "") .. (spent or "") .. (known[6] or "")
      .. (known[7] or ""), "%D") then
    return
  end
  local takes = interval > 0 or cost > 0
  local left_ms = (n or takes) and call("PTTL", KEYS[1]) or -2
  -- An agent that calls less often than its rate permits has no counters; but it may have been told of a budget.
  if takes and not n and left_ms ~= -2 then
    return
  end
  local count = n and tonumber(n) or 0
  if ARGV[4] + 0 > now_ms and count < ARGV[3] + 0 then
    return
  end
  local until_ms = left_ms > 0 and now_ms + left_ms or now_ms
  local ends_ms = until_ms

  if interval > 0 then
    local most = interval * (burst - 1)
    local held = tat and tat - now_us or 0
    if held < 0 then
      held = 0
    elseif held > most then
      return
    end
    local arrival_us = now_us + held + interval
    tat = format("%.0f", arrival_us)
    local free_ms = math.ceil(arrival_us / 1000)
    if free_ms > ends_ms then
      ends_ms = free_ms
    end
  end

  local today = math.floor(now_ms / 86400000)
  local hour_spent
  if cost > 0 then
    -- The first of an hour, and the last fifth of a budget, are for below.
    local hour = known[6] and tonumber(known[6])
    if not day or not spent or day + 0 ~= today or not known[7] or hour ~= math.floor(now_ms / 3600000) then
      return
    end
    local more = spent + cost
    if more > limit or more >= limit * 0.8 then
      return
    end
    spent = format("%.0f", more)
    hour_spent = format("%.0f", known[7] + cost)
    local forgotten_ms = (today + 2) * 86400000
    if forgotten_ms > ends_ms then
      ends_ms = forgotten_ms
    end
  end

  local own = call("HGETALL", KEYS[2])
  local tool_field = "t:" .. tool
  local calls, passed, last, started, same_facts, has_tool
  local classes_left = classes == 0 and 0 or #classes
  for at = 1, #own, 2 do
    local name = own[at]
    if name == "calls" then
      calls, own[at + 1] = own[at + 1], ""
    elseif name == "passed" then
      passed, own[at + 1] = own[at + 1], ""
    elseif name == "last_ms" then
      last, own[at + 1] = own[at + 1], ""
    elseif name == "started_ms" then
      started = own[at + 1]
    elseif name == "known" then
      same_facts = own[at + 1] == facts
    elseif name == tool_field then
      has_tool = true
    elseif classes_left > 0 then
      for i = 1, #classes do
        if classes[i] == name then
          classes_left = classes_left - 1
        end
      end
    end
  end
  if not (calls and passed and last and started and same_facts and has_tool) or classes_left ~= 0 then
    return
  end
  if find(calls .. passed .. last, "%D") then
    return
  end
  local unbound = call("HGETALL", KEYS[5])
  local is_next = step == 0 or math.floor(last / step) ~= math.floor(now_ms / step)
  if is_next then
    local used = call("HMGET", KEYS[4], "first_ms", tool_field)
    if not used[1] or not used[2] or find(used[1], "%D") then
      return
    end
    if classes ~= 0 then
      local open = call("HMGET", KEYS[3], "started_ms", unpack(classes))
      for i = 1, #classes + 1 do
        if not open[i] then
          return
        end
      end
    end
  end
  if not takes and call("EXISTS", KEYS[6]) == 1 then
    return
  end

  -- From here on it is written. The first write is one that a full server refuses, and that says whether the key was settled.
  if takes then
    if not call("SET", KEYS[6], '["0","ok","","","","","","","","none","","","",""]', "PX", keep, "NX") then
      return
    end
    count = count + 1
    n = format("%.0f", count)
    if cost > 0 then
      if interval > 0 then
        call("HSET", KEYS[1], "n", n, "tat_us", tat, "spent", spent, "hour_spent", hour_spent)
      else
        call("HSET", KEYS[1], "n", n, "spent", spent, "hour_spent", hour_spent)
      end
    else
      call("HSET", KEYS[1], "n", n, "tat_us", tat)
    end
    if left_ms < 0 or ends_ms > until_ms then
      call("PEXPIREAT", KEYS[1], format("%.0f", ends_ms))
    end
  end
  call("HSET", KEYS[2], "last_ms", now, "calls", format("%.0f", calls + 1), "passed", format("%.0f", passed + 1))
  if is_next then
    call("PEXPIRE", KEYS[2], ttl)
    call("PEXPIRE", KEYS[4], tools_ms)
    if KEYS[3] ~= KEYS[2] then
      if classes ~= 0 then
        call("HSET", KEYS[3], "last_ms", now)
      end
      call("PEXPIRE", KEYS[3], ttl)
    end
  end

  if not day or day + 0 < today then
    day, spent = format("%.0f", today), "0"
  end
  return now .. "," .. (n or "0") .. "," .. (tat or "") .. "," .. day .. "," .. (spent or "0") .. ","
    .. (count > 0 and format("%.0f", ends_ms) or "0") .. "," .. (lost or "") .. "," .. last .. "," .. calls .. "," .. passed
    .. "\n" .. cjson.encode(own) .. "\n" .. (unbound[1] and cjson.encode(unbound) or "")
end)(unpack(plain))
if answer then
  return answer
end

-- The same call as settle-11 reads it.
local function whole(list, more, counted)
  local interval, burst, limit, cost, keep, tools, tool, facts, ttl, classes = unpack(list)
  local detail, refusals, within, learning = unpack(more)
  local n, until_ms = tonumber(ARGV[3]), tonumber(ARGV[4])
  local tat, day, spent, lost_ms = unpack(counted)
  local classification = {}
  for at, field in ipairs(classes == 0 and {} or classes) do
    classification[at] = field:sub(3)
  end
  return {
    enforced = {
      rate = interval > 0 and { interval = interval, burst = burst } or nil,
      daily_budget = limit >= 0 and { limit = limit, cost = cost } or nil,
    },
    known = n >= 0 and { n = n, tat = tat > 0 and tat or nil, day = day, spent = spent, until_ms = until_ms,
      lost_ms = lost_ms, session_spent = 0, session_until_ms = 0, session_lost_ms = 0 } or nil,
    seen = {
      known = facts, ttl = ttl, outcome = "passed", detail = detail, tool = tool, classification = classification,
      tags = {}, indicators = {}, burst = { refusals = refusals, within = within }, learning = learning,
    },
    keep = keep,
    tools = tools,
  }
end

local call = whole(plain, cjson.decode(ARGV[2]), cjson.decode(ARGV[5]))
-- There is no other key that such a call has to do with.
local KEYS = { KEYS[1], nil, KEYS[6], nil, nil, nil, KEYS[2], KEYS[3], KEYS[4], KEYS[5] }
local ARGV = { call, "none" }
