-- The same load, each request signed: wrk knows no HMAC, so id, time and signature come from a file that was
-- written just before, one request a line. A line is used once; when there are none left, the run ends.

dofile("plain.lua")

local lines, before

function init(args)
  lines = assert(io.lines(args[1]))
  before = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
    .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #wrk.body .. "\r\n"
end

function request()
  local line = not used_up and lines()
  if not line then
    used_up = true
    wrk.thread:stop()
    return before .. "\r\n" .. wrk.body
  end
  local id, sent, signature = line:match("^(%S+) (%S+) (%S+)$")
  return before .. "webhook-id: " .. id .. "\r\nwebhook-timestamp: " .. sent
    .. "\r\nwebhook-signature: " .. signature .. "\r\n\r\n" .. wrk.body
end
