-- Tables, strings, coroutines and the collector.
local rounds = tonumber(arg[1])

local function tree(depth)
  if depth == 0 then return {} end
  return { tree(depth - 1), tree(depth - 1) }
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

for round = 1, rounds do
  print(round, count(tree(14)))
  local words = {}
  for i = 1, 20000 do words[#words + 1] = string.format("%d-%s", i * 7919 % 10007, ("ab"):rep(i % 20)) end
  table.sort(words)
  print(words[1], words[#words], #table.concat(words, " "))
  local seen = {}
  for number, letters in table.concat(words, " "):gmatch("(%d+)%-(%a*)") do
    seen[number] = (seen[number] or "") .. letters
  end
  local longest = ""
  for _, letters in pairs(seen) do if #letters > #longest then longest = letters end end
  print(#longest)
  local producer = coroutine.wrap(function() for i = 1, 20000 do coroutine.yield(i .. "") end end)
  local total = 0
  for text in producer do total = total + #text end
  print(total)
  collectgarbage(round % 2 == 0 and "generational" or "incremental")
end
collectgarbage()
