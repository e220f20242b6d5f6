-- Remembering for settle: what a session keeps of a call.

-- A session is read once and written once, since each command costs more than all that is done with its fields: `fields` is
-- what it has, `writes` are the names and values that are to change.
local function opened(key, flat)
  local fields = {}
  for at = 1, #flat, 2 do
    fields[flat[at]] = flat[at + 1]
  end
  return { key = key, fields = fields, writes = {} }
end

local function put(session, name, value)
  if session.fields[name] == value then
    return
  end
  local writes = session.writes
  session.fields[name] = value
  writes[#writes + 1] = name
  writes[#writes + 1] = value
end

local function count(session, name, more)
  put(session, name, digits(integer(session.fields[name] or "0") + more))
end

-- So many values fit on the stack of Lua.
local most_values = 1000

local function close(session, ttl)
  local writes = session.writes
  for from = 1, #writes, most_values do
    redis.call("HSET", session.key, unpack(writes, from, math.min(from + most_values - 1, #writes)))
  end
  redis.call("PEXPIRE", session.key, digits(ttl))
end

-- Counts the anomalies in, newest last, and keeps some of them whole.
local function remember_anomalies(now_ms, session, reasons, detail)
  if #reasons == 0 then
    return
  end
  count(session, "anomalies", #reasons)
  local text = session.fields.recent
  local recent = text and cjson.decode(text) or {}
  for _, reason in ipairs(reasons) do
    table.insert(recent, { digits(now_ms), reason, detail })
  end
  while #recent > 20 do
    table.remove(recent, 1)
  end
  put(session, "recent", cjson.encode(recent))
end

local function remember_outside(session, outside)
  local function put_most(name, value)
    put(session, name, digits(math.max(value, integer(session.fields[name] or "0"))))
  end
  put_most("outside_ms", outside.at)
  put_most("outside_integrity", outside.integrity)
  put_most("outside_anomalies", outside.anomalies)
end

-- What is bad about a call, or says what data the session has had access to.
local function remember_worse(now_ms, session, seen, bad)
  local now = digits(now_ms)
  if not session.fields.started_ms then
    put(session, "started_ms", now)
  end
  put(session, "last_ms", now)
  for _, name in ipairs(bad.classification) do
    put(session, "c:" .. name, "1")
  end
  for _, indicator in ipairs(bad.indicators) do
    count(session, "i:" .. indicator, 1)
  end
  remember_anomalies(now_ms, session, bad.reasons, seen.detail)
  if seen.outside then
    remember_outside(session, seen.outside)
  end
end

-- True when this refusal completes a burst; then the count begins again.
local function is_burst(now_ms, session, burst)
  local times = {}
  for time in string.gmatch(session.fields.refusals or "", "%d+") do
    table.insert(times, time)
  end
  table.insert(times, digits(now_ms))
  while #times > burst.refusals do
    table.remove(times, 1)
  end
  local complete = #times == burst.refusals and now_ms - integer(times[1]) <= burst.within
  put(session, "refusals", complete and "" or table.concat(times, ","))
  return complete
end

local function append_all(list, more)
  for _, one in ipairs(more) do
    table.insert(list, one)
  end
end

local function distinct(list)
  local seen, kept = {}, {}
  for _, one in ipairs(list) do
    if not seen[one] then
      seen[one] = true
      table.insert(kept, one)
    end
  end
  return kept
end

