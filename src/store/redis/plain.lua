--[[
The ordinary call, in front of everything else of settle-11: one that passes, of a session and a tool that are known, with
nothing to tell of it and within its limits. What is below would say the same in three times the time, most of which goes
into functions, tables and numbers written as text; so there are none of these here that can be done without. Whatever is
not ordinary leaves nothing behind and goes on below.

ARGV[2]  plain
ARGV[1]  JSON list: rate interval and burst (0 = no rate), daily_budget limit and cost (-1 = no budget), keep, tools, tool,
         known facts, ttl, classification (one that is empty is 0), what is known of the counters: n (-1 = nothing), tat (0 =
         none), day, spent, until_ms, lost_ms; and for below: detail, burst refusals and within, learning

Returns  one text of JSON, a list: now_ms, n, tat_us, day, spent, until_ms, lost_ms (as in the counters of settle-11, null
         for what is not there), fields and values of the session before the call, those of KEYS[10], false for none
]]

local plain
if ARGV[2] == "plain" then
  plain = cjson.decode(ARGV[1])
  local answer = (function(interval, burst, limit, cost, keep, tools_ms, tool, facts, ttl, classes,
      least_n, _, _, _, least_until)
    local call, find, format = redis.call, string.find, string.format
    if call("GET", KEYS[3]) then
      return
    end
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
    if least_until > now_ms and count < least_n then
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

    local own = call("HGETALL", KEYS[7])
    local tool_field = "t:" .. tool
    local calls, passed, started, same_facts, has_tool
    local classes_left = classes == 0 and 0 or #classes
    for at = 1, #own, 2 do
      local name = own[at]
      if name == "calls" then
        calls = own[at + 1]
      elseif name == "passed" then
        passed = own[at + 1]
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
    if not (calls and passed and started and same_facts and has_tool) or classes_left ~= 0 then
      return
    end
    if find(calls .. passed, "%D") then
      return
    end
    local unbound = call("HGETALL", KEYS[10])
    local used = call("HMGET", KEYS[9], "first_ms", tool_field)
    if not used[1] or not used[2] or find(used[1], "%D") then
      return
    end
    if classes ~= 0 then
      local open = call("HMGET", KEYS[8], "started_ms", unpack(classes))
      for i = 1, #classes + 1 do
        if not open[i] then
          return
        end
      end
    end

    -- From here on it is written. The first write is one that a full server refuses.
    if takes then
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
      call("SET", KEYS[3], '["0","ok","","","","","","","","none","","","",""]', "PX", keep)
    end
    call("HSET", KEYS[7], "last_ms", now, "calls", format("%.0f", calls + 1), "passed", format("%.0f", passed + 1))
    call("PEXPIRE", KEYS[7], ttl)
    call("PEXPIRE", KEYS[9], tools_ms)
    if KEYS[8] ~= KEYS[7] then
      if classes ~= 0 then
        call("HSET", KEYS[8], "last_ms", now)
      end
      call("PEXPIRE", KEYS[8], ttl)
    end

    if not day or day + 0 < today then
      day, spent = format("%.0f", today), "0"
    end
    return "[" .. now .. "," .. (n or "0") .. "," .. (tat or "null") .. "," .. day .. "," .. (spent or "0") .. ","
      .. (count > 0 and format("%.0f", ends_ms) or "0") .. "," .. (lost or "null") .. "," .. cjson.encode(own) .. ","
      .. (unbound[1] and cjson.encode(unbound) or "false") .. "]"
  end)(unpack(plain))
  if answer then
    return answer
  end
end
