# A server under load: every request is served, all data is there, and it ends well.
set -euo pipefail
requests=$1
cli() { redis-cli -s redis.sock "$@"; }

redis-server --port 0 --unixsocket redis.sock --save '' --appendonly no >server.log &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for ((i = 0; i < 400; i++)); do
    cli ping >/dev/null 2>&1 && break
    sleep 0.05
done
redis-benchmark -s redis.sock -q -n "$requests" -c 20 -r 10000 -d 100 \
    -t set,get,incr,lpush,rpush,lpop,sadd,hset,zadd,lrange_100,mset >benchmark.log
cli flushall
cli eval "for i = 1, $requests do
    redis.call('set', 'key:' .. i, string.rep('x', i % 500))
    redis.call('hset', 'hash:' .. i % 100, 'field' .. i, i)
    redis.call('zadd', 'set', i % 1000, 'member' .. i)
    redis.call('append', 'long', 'part ' .. i)
  end return redis.status_reply('filled')" 0
cli eval "for i = 1, $requests, 3 do redis.call('del', 'key:' .. i) end return 'thinned'" 0
cli dbsize
cli strlen long
cli zcard set
cli hlen hash:7
cli get key:302
# How often each command was called, without how long that took. (Until the server is there, nobody knows how many pings.)
cli info commandstats | grep -o 'cmdstat_[a-z|]*:calls=[0-9]*' | grep -v ping | sort
cli shutdown nosave
wait "$server"
echo "ended: $?"
