-- One vote in Redis: dedup and count, in one script. KEYS: voters, tally; ARGV: voter, option.
if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
  return 1
end
return 0
