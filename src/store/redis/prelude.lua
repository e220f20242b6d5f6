-- Put in front of every script. Numbers travel as decimal text: Lua's own formatting drops digits above 10^14.

local function integer(text)
  if type(text) ~= "string" or not text:match("^%-?%d+$") then
    error("not an integer: " .. tostring(text))
  end
  return tonumber(text)
end

local function digits(number)
  return string.format("%.0f", number)
end

-- Microseconds since the epoch by the server's clock.
local function clock_us()
  local time = redis.call("TIME")
  return integer(time[1]) * 1000000 + integer(time[2])
end

local function to_ms(us)
  return math.floor(us / 1000)
end

-- Pending and approved approvals expire by the clock alone; nothing writes it down.
local function status_at(written, expires_ms, now_ms)
  if (written == "pending" or written == "approved") and now_ms >= expires_ms then
    return "expired"
  end
  return written
end

-- Appends status, created_ms, expires_ms, draft and the answers in the order they were given. False when unknown.
local function append_approval(reply, key, now_ms)
  local head = redis.call("HMGET", key, "status", "created_ms", "expires_ms", "draft", "answers")
  if not head[1] then
    return false
  end
  table.insert(reply, status_at(head[1], integer(head[3]), now_ms))
  table.insert(reply, head[2])
  table.insert(reply, head[3])
  table.insert(reply, head[4])
  for n = 1, integer(head[5]) do
    table.insert(reply, redis.call("HGET", key, "answer:" .. digits(n)))
  end
  return true
end

-- Revision of something of the registry: 0 when there is nothing, nil when it cannot be read.
local function revision_in(stored)
  if not stored then
    return 0
  end
  local readable, value = pcall(cjson.decode, stored)
  if readable and type(value) == "table" and type(value.revision) == "number" then
    return value.revision
  end
  return nil
end

-- Notes that something of the registry has changed. Numbers are microseconds by the server's clock and always grow: also
-- after changes were lost none of them comes twice, and one that is less than before shows the loss.
local function note_change(state, changes, member, epoch)
  local held = redis.call("HMGET", state, "epoch", "seq")
  local seq = math.max(clock_us(), (held[2] and integer(held[2]) or 0) + 1)
  redis.call("HSET", state, "epoch", held[1] or epoch, "seq", digits(seq))
  redis.call("ZADD", changes, digits(seq), member)
end
