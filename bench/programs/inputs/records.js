// Objects, maps, JSON and buffers (which node takes from malloc). Argument: how many records.
const count = Number(process.argv[2]);
let total = 0;
for (let turn = 0; turn < 4; turn++) {
    const index = new Map();
    for (let i = 0; i < count; i++) {
        const name = `record${(i * 7919) % 100003}`;
        const bytes = Buffer.alloc((i % 64) * 128 + 1, i);
        index.set(name, {name, turn, values: [i, i / 3], bytes});
    }
    for (const record of index.values())
        total += record.bytes.length + JSON.parse(JSON.stringify(record.values)).length;
}
console.log(total);
