"""What the programs of run_preload.py are given to work on; generated and deterministic."""
import random

PERL = r"""
use strict;
my ($seed, %words, @list) = (42);
sub rnd { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $seed % $_[0]; }
for my $i (1 .. 200_000) {
    my $word = join '', map { chr(97 + rnd(26)) } 1 .. 2 + rnd(3);
    $words{$word}++;
    push @{$list[rnd(500)]}, $word;
}
my $text = join ' ', map { @$_ } grep { $_ } @list;
my $vowels = () = $text =~ /[aeiou]+/g;
(my $swapped = $text) =~ s/(\w)(\w)/$2$1/g;
my @top = (sort { $words{$b} <=> $words{$a} || $a cmp $b } keys %words)[0 .. 20];
print scalar(keys %words), " $vowels ", length($swapped), " @top\n";
print unpack('%32C*', $swapped), "\n";
my @nested = map { { id => $_, sub => [map { "x$_" } 1 .. 20] } } 1 .. 20_000;
print scalar(grep { $_->{sub}[7] eq 'x8' } @nested), "\n";
print `echo from a child`;
"""

BASH = r"""
set -e
declare -A count
for i in {1..20000}; do
    key=k$((i * 7919 % 1009)); count[$key]=$((${count[$key]:-0} + i)); text+="$key "
done
echo "${#count[@]} ${#text}"
for k in k1 k500 k1008; do echo "$k ${count[$k]}"; done
for i in {1..50}; do echo "$(echo "$i" | tr 0-9 a-j | rev)"; done | sort | tr '\n' ' '
(for i in {1..5}; do (exit "$i") || echo "status $?" & done; wait) | sort
printf '%s\n' "${text//k1/Z}" | cksum
mapfile -t lines < <(seq 1 50000); echo "${#lines[@]} ${lines[49999]}"
"""


def c_source(functions):
    """A C program of so many functions with loops, switches and structs."""
    rnd = random.Random(1)
    parts = ["#include <stdio.h>", "struct s { int a[8]; long b; double c; };"]
    for f in range(functions):
        cases = "".join(f"case {rnd.randrange(1000)} + {i}000: s->b ^= {rnd.randrange(10**6)}; "
                        "break; " for i in range(12))
        parts.append(f"""
static long f{f}(struct s *s, long x) {{
    for (int i = 0; i < 8; i++)
        s->a[i] = (s->a[(i + {rnd.randrange(8)}) % 8] * {rnd.randrange(99)} + x) % 9973;
    switch ((s->a[{rnd.randrange(8)}] + x) % 12000) {{ {cases} default: s->b += s->a[2]; }}
    s->c = s->c * 0.5 + s->b % {rnd.randrange(2, 99)};
    return s->b % 100003 + x;
}}""")
    calls = "".join(f"    x = f{f}(&s, x);\n" for f in range(functions))
    parts.append(f"int main(void) {{\n    struct s s = {{{{0}}, 0, 0}};\n    long x = 1;\n{calls}"
                 '    printf("%ld %ld %g\\n", x, s.b, s.c);\n}\n')
    return "\n".join(parts)


CXX = r"""
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
template <int N> struct Chain { std::map<int, std::vector<std::string>> m; Chain<N - 1> next;
    long fill(int k) { for (int i = 0; i < k; i++) m[i * N % 17].push_back(std::to_string(i * N));
        long n = 0;
        for (auto &e : m) n += (long)e.second.size() * e.first;
        return n + next.fill(k); } };
template <> struct Chain<0> { long fill(int) { return 0; } };
struct Node { std::unique_ptr<Node> left, right; int key; };
static void insert(std::unique_ptr<Node> &n, int key) {
    if (!n) { n.reset(new Node{nullptr, nullptr, key}); return; }
    insert(key < n->key ? n->left : n->right, key);
}
static long sum(const std::unique_ptr<Node> &n) {
    return n ? n->key + sum(n->left) + sum(n->right) : 0;
}
int main() {
    auto chain = std::make_unique<Chain<12>>();
    std::cout << chain->fill(300) << "\n";
    std::unique_ptr<Node> root;
    unsigned x = 12345;
    for (int i = 0; i < 100000; i++) insert(root, (int)((x = x * 1664525 + 1013904223) >> 8));
    std::cout << sum(root) << "\n";
    std::string text;
    for (int i = 0; i < 2000; i++)
        text += "key" + std::to_string(i) + "=value" + std::to_string(i * i) + "; ";
    std::regex pair("(\\w+)=(\\w+);");
    std::unordered_map<std::string, std::string> table;
    for (std::sregex_iterator it(text.begin(), text.end(), pair), end; it != end; ++it)
        table[(*it)[1]] = (*it)[2];
    std::cout << table.size() << " " << table["key77"] << "\n";
    std::vector<std::thread> threads;
    std::vector<long> results(4);
    for (int t = 0; t < 4; t++) threads.emplace_back([&, t] {
        std::set<std::string> s;
        for (int i = 0; i < 20000; i++) s.insert(std::to_string(i * (t + 3) % 7919));
        std::ostringstream out;
        for (auto &e : s) out << e << ",";
        results[t] = (long)out.str().size(); });
    for (auto &t : threads) t.join();
    for (long r : results) std::cout << r << "\n";
    try { std::function<int(int)> f = [](int n) -> int { throw std::string(n, 'x'); }; f(1000); }
    catch (const std::string &s) { std::cout << s.size() << "\n"; }
}
"""


def git_history(commits):
    """A fast-import stream: so many commits that edit 40 text files, some merged from a branch."""
    rnd, out, files = random.Random(2), [], {}
    for c in range(1, commits + 1):
        out.append(f"commit refs/heads/main\nmark :{c}\n"
                   f"committer A <a@example.org> {1700000000 + c * 60} +0000\n"
                   f"data <<E\ncommit {c}\nE\n")
        if c > 1:
            out.append(f"from :{c - 1}\n")
        if c > 10 and c % 10 == 0:
            out.append(f"merge :{c - 7}\n")
        for _ in range(12):
            name = f"file{rnd.randrange(40)}.txt"
            lines = files.setdefault(name, [f"{name} line {i}" for i in range(400)])
            for _ in range(10):
                lines[rnd.randrange(len(lines))] = f"edit {c} {rnd.getrandbits(60):x}"
            out.append(f"M 644 inline {name}\ndata <<E\n" + "\n".join(lines) + "\nE\n")
        out.append("\n")
    return "".join(out)


SQL = """
create table t(id integer primary key, k integer, name text, body text);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
insert into t
    select i, i * 7919 % 100003, printf('name%d', i % 5000), printf('%.*c', i % 200, 'x') from n;
commit;
create index t_k on t(k);
create index t_name on t(name, k);
update t set body = body || name where k % 7 = 0;
delete from t where k % 11 = 0;
pragma integrity_check;
select count(*), sum(k), sum(length(body)) from t;
select name, count(*), max(k) from t group by name order by 2 desc, 1 limit 20;
select count(*) from t a join t b on a.k = b.id where a.name < 'name3';
vacuum;
pragma integrity_check;
"""

REDIS_LUA = """
for i = 1, 30000 do
  redis.call('set', 'k' .. i, string.rep('v', i % 300))
  redis.call('hset', 'h' .. i % 100, 'f' .. i, i * i)
  redis.call('rpush', 'l' .. i % 50, i)
  redis.call('zadd', 'z', i % 977, 'm' .. i)
  if i % 3 == 0 then redis.call('del', 'k' .. i - 1) end
end
return redis.call('dbsize')
"""

NODE = r"""
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), zlib = require('zlib');
function work(seed) {
  const hash = crypto.createHash('sha256');
  const table = new Map();
  for (let i = 0; i < 60000; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    table.set('k' + seed % 5000, { i, list: [seed % 7, 'x'.repeat(seed % 50)] });
  }
  const json = JSON.stringify([...table].sort((a, b) => (a[0] < b[0] ? -1 : 1)));
  for (let i = 0; i < 40; i++) {
    const packed = zlib.deflateSync(Buffer.from(json).subarray(0, 20000 * (i + 1)));
    hash.update(zlib.inflateSync(packed));
    hash.update(Buffer.alloc(1000 * i, i));
  }
  return hash.digest('hex');
}
if (isMainThread) {
  const results = [];
  let left = 6;
  for (let w = 0; w < 6; w++) {
    const worker = new Worker(__filename, { workerData: w + 1 });
    worker.on('message', (m) => { results[w] = m; });
    worker.on('exit', (code) => {
      if (code) console.log('exit', code);
      if (!--left) console.log(results);
    });
  }
  console.log(work(0));
} else parentPort.postMessage(work(workerData));
"""

JAVA = r"""
import java.nio.ByteBuffer;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;

public class Work {
    static long task(int seed) throws Exception {
        Random random = new Random(seed);
        Map<String, List<Integer>> map = new TreeMap<>();
        for (int i = 0; i < 50000; i++)
            map.computeIfAbsent("k" + random.nextInt(3000), k -> new ArrayList<>()).add(i);
        byte[] text = map.toString().getBytes("UTF-8");
        long sum = 0;
        for (int i = 0; i < 20; i++) { // zlib and direct buffers allocate outside the Java heap
            Deflater deflater = new Deflater();
            deflater.setInput(text);
            deflater.finish();
            byte[] packed = new byte[text.length + 100];
            int n = deflater.deflate(packed);
            deflater.end();
            ByteBuffer direct = ByteBuffer.allocateDirect(n);
            direct.put(packed, 0, n).flip();
            CRC32 crc = new CRC32();
            crc.update(direct);
            sum += crc.getValue();
        }
        return sum;
    }
    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(6);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            final int seed = i;
            results.add(pool.submit(() -> task(seed)));
        }
        for (Future<Long> r : results) System.out.println(r.get());
        pool.shutdown();
        System.out.println(IntStream.range(0, 200000).parallel().mapToObj(Integer::toString)
            .collect(Collectors.groupingBy(String::length, TreeMap::new, Collectors.counting())));
    }
}
"""
