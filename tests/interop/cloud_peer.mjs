// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0
//
// A cloud for one device, written from docs/PROTOCOL.md and sync.proto alone: whatever it gets
// wrong is a mistake of this file or a hole in that page. It keeps its state in a JSON file, which
// it replaces before every answer that says "durable".
//
// Left out: setbacks of either side (answered FENCED), claimants, interests, commands, returned
// rows of the control stream, poison.

import { createRequire } from 'node:module';
import { EventEmitter } from 'node:events';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';

const require = createRequire(import.meta.url);  // Unlike import, it heeds NODE_PATH.
const mqtt = require('mqtt');
const protobuf = require('protobufjs');
const Long = require('long');
protobuf.util.Long = Long;
protobuf.configure();

const M64 = (1n << 64n) - 1n;
const M128 = (1n << 128n) - 1n;
const TIME_BASE = 1767225600000n;
const u64 = (x) => BigInt.asUintN(64, x);
const max = (a, b) => (a > b ? a : b);

// ---------------------------------------------------------------- XXH64

const P1 = 0x9E3779B185EBCA87n, P2 = 0xC2B2AE3D27D4EB4Fn, P3 = 0x165667B19E3779F9n;
const P4 = 0x85EBCA77C2B2AE63n, P5 = 0x27D4EB2F165667C5n;
const rotl = (x, r) => ((x << r) | (x >> (64n - r))) & M64;
const xxRound = (acc, lane) => (rotl((acc + lane * P2) & M64, 31n) * P1) & M64;

export function xxh64(bytes, seed = 0n) {
  let at = 0, h;
  if (bytes.length >= 32) {
    const v = [u64(seed + P1 + P2), u64(seed + P2), seed, u64(seed - P1)];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) v[i] = xxRound(v[i], bytes.readBigUInt64LE(at + 8 * i));
    }
    h = u64(rotl(v[0], 1n) + rotl(v[1], 7n) + rotl(v[2], 12n) + rotl(v[3], 18n));
    for (const x of v) h = u64((h ^ xxRound(0n, x)) * P1 + P4);
  } else {
    h = u64(seed + P5);
  }
  h = u64(h + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    h = u64(rotl(h ^ xxRound(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4);
  }
  if (at + 4 <= bytes.length) {
    h = u64(rotl(h ^ u64(BigInt(bytes.readUInt32LE(at)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < bytes.length; at++) h = u64(rotl(h ^ u64(BigInt(bytes[at]) * P5), 11n) * P1);
  h = u64((h ^ (h >> 33n)) * P2);
  h = u64((h ^ (h >> 29n)) * P3);
  return h ^ (h >> 32n);
}

// ---------------------------------------------------------------- bytes that are hashed

const le = (n, x) => {
  const b = Buffer.alloc(n);
  if (n === 8) b.writeBigUInt64LE(u64(BigInt(x)));
  else if (n === 4) b.writeUInt32LE(Number(x));
  else b[0] = Number(x);
  return b;
};
const counted = (b) => Buffer.concat([le(4, b.length), b]);
export const realBits = (x) => { const b = Buffer.alloc(8); b.writeDoubleLE(x); return b.readBigUInt64LE(); };
export const realOf = (bits) => le(8, bits).readDoubleLE();

// Numbers of types as they are hashed, by Property.Type.
const TYPES = [3, 1, 2, 4, 5, 0];
const [NONE, BOOL, INT, DOUBLE, STRING, BYTES] = [0, 1, 2, 3, 4, 5];
// Numbers of states as they are hashed, by State.
const STATES = [2, 1, 0, 3, 4, 5, 6, 7];
export const STATE_NAMES = ['applied', 'pending', 'none', 'rejected', 'masked', 'superseded',
  'expired', 'unknown_path'];

export function chain(before, pid, e) {
  if (e.withdraws) return xxh64(Buffer.concat([le(8, before), le(4, pid), le(4, e.withdraws)]));
  const limit = (x) => (x === null ? Buffer.alloc(9) : Buffer.concat([le(1, 1), le(8, realBits(x))]));
  return xxh64(Buffer.concat([le(8, before), le(4, pid), le(1, TYPES[e.type]),
    le(1, e.decimals === null ? 0 : e.decimals + 1), le(1, e.writable ? 1 : 0), limit(e.min),
    limit(e.max), counted(Buffer.from(e.path)), counted(e.unit), counted(e.description)]));
}

export function canonical(pid, r) {
  const parts = [le(4, pid), ...(pid ? [] : [counted(Buffer.from(r.path))]), le(1, r.side), le(8, r.inc), le(8, r.seq), le(1, r.type)];
  if (r.type === BOOL) parts.push(le(1, r.value));
  if (r.type === INT || r.type === DOUBLE) parts.push(le(8, r.value));
  if (r.type === STRING || r.type === BYTES) parts.push(counted(r.value));
  parts.push(le(8, r.time), le(1, r.quality), le(1, r.unsynced ? 1 : 0));
  if (r.side !== 0) {
    parts.push(le(8, r.referInc), le(8, r.referSeq), le(1, r.side === 2 ? STATES[r.state] : 0),
      le(8, r.until), counted(r.note));
  }
  return Buffer.concat(parts);
}

export const fingerprint = (bytes) => xxh64(bytes, 0n) | (xxh64(bytes, 1n) << 64n);

// ---------------------------------------------------------------- healing's arithmetic

const PRIME = (1n << 40n) - 87n;
export const rowNumber = (bytes, attempt) => xxh64(bytes, BigInt(attempt)) % (PRIME - 1n) + 1n;
function mix(x) {
  x = u64((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = u64((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}
export function* walk(index, attempt) {
  const step = 0x9e3779b97f4a7c15n;
  let state = mix(u64(((BigInt(attempt) << 32n) | BigInt(index)) + step));
  for (let i = 0; ;) {
    yield i;
    state = mix(u64(state + step));
    const r = (Number(state >> 32n) + 1) / 2 ** 32;
    i += Math.max(1, Math.ceil((i + 1.5) * (1 / Math.sqrt(r) - 1)));
  }
}
export function packCells(view, attempt, first, n) {
  const sums = Array.from({ length: n }, () => [0n, 0n]);
  for (const [index, x] of view) {
    for (const i of walk(index, attempt)) {
      if (i >= first + n) break;
      if (i < first) continue;
      const s = sums[i - first];
      s[0] = (s[0] + x) % PRIME;
      s[1] = (s[1] + BigInt(index + 1) * x) % PRIME;
    }
  }
  return Buffer.concat(sums.flat().map((x) => le(8, x).subarray(0, 5)));
}
// `view` maps indices (4·pid + side) to numbers. Ends with the first property past 30 KiB.
export function hashList(view, first) {
  const properties = new Map();
  for (const [index, x] of [...view].sort((a, b) => a[0] - b[0])) {
    const pid = index >> 2;
    if (pid < first) continue;
    const p = properties.get(pid) ?? { mask: 0, hashes: [] };
    p.mask |= 1 << (index & 3);
    p.hashes.push(le(8, x).subarray(0, 3));
    properties.set(pid, p);
  }
  const runs = [];
  let next = first, bytes = 0;
  for (const [pid, p] of properties) {
    if (bytes >= 30 * 1024) break;
    if (pid > next) runs.push({ n: pid - next, mask: 0, hashes: [] });
    const last = runs.at(-1);
    if (last && last.mask === p.mask) { last.n++; last.hashes.push(...p.hashes); }
    else runs.push({ n: 1, mask: p.mask, hashes: [...p.hashes] });
    bytes += 3 * p.hashes.length + 1;
    next = pid + 1;
  }
  const varint = (x) => {
    const b = [];
    for (; x >= 128; x = Math.floor(x / 128)) b.push(x % 128 | 128);
    return Buffer.from([...b, x]);
  };
  return Buffer.concat(runs.flatMap((r) => [varint(r.n * 16 + r.mask), ...r.hashes]));
}

// ---------------------------------------------------------------- columns

const big = (x) => BigInt((x ?? 0).toString());  // Long, number or absent.
const bigs = (xs) => (xs ?? []).map(big);
function check(ok, what) { if (!ok) throw new Error(`invalid frame: ${what}`); }

function codes(last, runs, bits, n) {
  const out = [];
  for (const e of bigs(runs)) {
    const length = e >> bits;
    check(length > 0n && BigInt(out.length) + length <= BigInt(n), 'codes');
    for (let i = 0n; i < length; i++) out.push(Number(e & ((1n << bits) - 1n)));
  }
  while (out.length < n) out.push(last ?? 0);
  return out;
}

function runLengths(runs, n) {
  const lengths = bigs(runs).map(Number);
  const sum = lengths.reduce((a, b) => a + b, 0);
  check(lengths.every((x) => x > 0) && (lengths.length === 0 || sum < n), 'runs');
  return [...lengths, n - sum];
}

function steps(x, xSteps, runs, n, inside) {
  if (n === 0) return [];
  const s = bigs(xSteps);
  if (!runs?.length && s.length) {
    check(s.length === n - 1, 'steps by row');
    const out = [big(x)];
    for (const d of s) out.push(u64(out.at(-1) + d));
    return out;
  }
  const out = [];
  const lengths = runLengths(runs, n);
  check(s.length === lengths.length - 1, 'steps by run');
  lengths.forEach((length, run) => {
    let at = run === 0 ? u64(big(x)) : u64(out.at(-1) + s[run - 1]);
    for (let i = 0; i < length; i++, at = inside(at)) out.push(at);
  });
  return out;
}
const oneMore = (x) => (x === 0n ? 0n : u64(x + 1n));
const same = (x) => x;

function spread(xs, runs, n, absent) {
  if (!xs?.length) { check(!runs?.length, 'spread'); return Array(n).fill(absent); }
  const lengths = runLengths(runs, n);
  check(xs.length === lengths.length, 'spread');
  return lengths.flatMap((length, i) => Array(length).fill(xs[i]));
}

const SHAPE_DECIMALS = [2, 0, 1, 3, 4, 5, 6, 7, 8, 9];
const SHAPE_NONE = 10;
const columnOf = (s) => (s < 10 || s === 11 || s === 12 ? 'numbers' : s === 13 ? 'reals' : 'texts');

// The rows of a frame, without what only the receiver knows (the inc that follows from lineages).
// `control` says whether the columns from `refer` on are read.
export function readRows(f, control) {
  const left = { numbers: (f.numbers ?? []).length, reals: (f.reals ?? []).length,
    texts: (f.texts ?? []).length };
  const shapes = [];
  for (const e of bigs(f.shape_runs)) {
    check(e >> 4n > 0n && e >> 4n <= 20000n, 'shape_runs');
    for (let i = 0n; i < e >> 4n; i++) shapes.push(Number(e & 15n));
  }
  for (const s of shapes) if (s !== SHAPE_NONE) left[columnOf(s)]--;
  const last = f.shape ?? 0;
  if (last !== SHAPE_NONE) {
    for (const c = columnOf(last); left[c] > 0; left[c]--) shapes.push(last);
  }
  check(Object.values(left).every((x) => x === 0), 'values');
  const n = shapes.length;
  check(n <= 20000, 'rows');
  const taken = { numbers: 0, reals: 0, texts: 0, paths: 0 };
  const sides = codes(f.side < 4 ? f.side : 0, f.side_runs, 2n, n);
  const flags = codes(f.flags, f.flag_runs, 3n, n);
  const pids = steps(f.pid, f.pid_steps, f.pid_runs, n, oneMore);
  const times = steps(f.time, f.time_steps, f.time_runs, n, same);
  const incs = spread(f.incs, f.inc_runs, n, 0);
  const rows = shapes.map((s, i) => {
    const r = { pid: Number(pids[i]), path: null, side: sides[i], inc: big(incs[i]), seq: 0n,
      type: NONE, value: null, time: BigInt.asIntN(64, times[i]) + TIME_BASE,
      quality: flags[i] & 3, unsynced: flags[i] >= 4, referInc: 0n, referSeq: 0n, state: 2,
      until: 0n, note: Buffer.alloc(0) };
    if (r.pid === 0) {
      check(taken.paths < (f.paths ?? []).length, 'paths');
      r.path = Buffer.from(f.paths[taken.paths++]).toString();
    }
    if (s === SHAPE_NONE) return r;
    const c = columnOf(s);
    const x = f[c][taken[c]++];
    if (s < 10) { r.type = DOUBLE; r.value = realBits(Number(big(x)) / 10 ** SHAPE_DECIMALS[s]); }
    if (s === 11) { r.type = BOOL; r.value = big(x); check(r.value === 0n || r.value === 1n, 'bool'); }
    if (s === 12) { r.type = INT; r.value = big(x); }
    if (s === 13) { r.type = DOUBLE; r.value = big(x); }
    if (s === 14) { r.type = STRING; r.value = Buffer.from(x); }
    if (s === 15) { r.type = BYTES; r.value = Buffer.from(x); }
    return r;
  });
  check(taken.paths === (f.paths ?? []).length, 'paths');
  if (!control) return rows;
  const put = (about, values, set) => about.forEach((r, i) => set(r, values[i]));
  const status = rows.filter((r) => r.side === 2);
  put(status, steps(f.refer, f.refer_steps, f.refer_runs, status.length, oneMore),
    (r, x) => { r.referSeq = x; });
  put(status, spread(f.refer_incs, f.refer_inc_runs, status.length, 0),
    (r, x) => { r.referInc = big(x); });
  put(status, codes(f.state, f.state_runs, 3n, status.length), (r, x) => { r.state = x; });
  const noted = rows.filter((r) => r.side !== 0);
  put(noted, spread(f.notes, f.note_runs, noted.length, Buffer.alloc(0)),
    (r, x) => { r.note = Buffer.from(x); });
  const ending = rows.filter((r) => r.side === 1 || r.side === 3);
  put(ending, spread(f.untils, f.until_runs, ending.length, 0), (r, x) => { r.until = big(x); });
  return rows;
}

export function readSeqs(f, rows, others, to) {
  const skipped = big(f.skipped);
  const from = to - skipped - BigInt(rows.length) - BigInt(others);
  check(from >= 0n, 'from');
  let left = skipped + BigInt(others), seq = from;
  const gaps = Array(rows.length).fill(0n);
  const g = bigs(f.seq_gaps);
  if (!g.length && rows.length) gaps[0] = left;
  else if (!f.seq_runs?.length && g.length === rows.length) g.forEach((x, i) => { gaps[i] = x; });
  else if (g.length) {
    const lengths = runLengths(f.seq_runs, rows.length);
    check(g.length === lengths.length, 'seq_gaps');
    for (let i = 0, at = 0; i < g.length; at += lengths[i++]) gaps[at] = g[i];
  }
  rows.forEach((r, i) => {
    check(gaps[i] <= left, 'seq_gaps');
    left -= gaps[i];
    r.seq = seq += gaps[i] + 1n;
  });
  return from;
}

const long = (x, unsigned = true) =>
  Long.fromBits(Number(x & 0xffffffffn), Number((x >> 32n) & 0xffffffffn), unsigned);
const slong = (x) => long(u64(x), false);
const diffs = (xs) => xs.slice(1).map((x, i) => slong(x - xs[i]));
const ones = (n) => Array(Math.max(0, n - 1)).fill(1);

// Columns with one entry a row throughout: plain, and what a receiver must understand as well.
export function rowColumns(rows) {
  if (!rows.length) return {};
  const f = { pid: rows[0].pid, pid_steps: diffs(rows.map((r) => BigInt(r.pid))),
    paths: rows.filter((r) => r.pid === 0).map((r) => Buffer.from(r.path)),
    side_runs: rows.map((r) => (1 << 2) | r.side), side: rows[0].side,
    time: slong(rows[0].time - TIME_BASE), time_steps: diffs(rows.map((r) => r.time)),
    flag_runs: rows.map((r) => (1 << 3) | r.quality | (r.unsynced ? 4 : 0)),
    incs: rows.map((r) => long(r.inc)), inc_runs: ones(rows.length),
    shape_runs: [], numbers: [], reals: [], texts: [] };
  for (const r of rows) {
    f.shape_runs.push((1 << 4) | [SHAPE_NONE, 11, 12, 13, 14, 15][r.type]);
    if (r.type === BOOL || r.type === INT) f.numbers.push(slong(r.value));
    if (r.type === DOUBLE) f.reals.push(long(r.value));
    if (r.type === STRING || r.type === BYTES) f.texts.push(r.value);
  }
  const noted = rows.filter((r) => r.side !== 0);
  if (noted.length) { f.notes = noted.map((r) => r.note); f.note_runs = ones(noted.length); }
  const ending = rows.filter((r) => r.side === 1 || r.side === 3);
  if (ending.length) { f.untils = ending.map((r) => slong(r.until)); f.until_runs = ones(ending.length); }
  return f;
}

// ---------------------------------------------------------------- lineages

const readLineage = (entries) => {
  let limit = 0n;
  return entries.map((e) => {
    const first = limit + 1n + big(e.skipped);
    limit = first - 1n + big(e.count);
    return { inc: big(e.inc), first, limit, kept: big(e.kept) };
  });
};
const writeLineage = (entries) => {
  let limit = 0n;
  return entries.map((e) => {
    const wire = { inc: long(e.inc), skipped: long(e.first - limit - 1n), count: long(e.limit - e.first + 1n) };
    limit = e.limit;
    return wire;
  });
};
const incOf = (lineage, seq) => lineage.findLast((e) => e.first <= seq)?.inc ?? 0n;
const gave = (lineage, head, inc, seq) => lineage.some((e, i) =>
  e.inc === inc && seq <= (i === lineage.length - 1 ? head : e.limit));

// ---------------------------------------------------------------- the peer

const REASON = { UNKNOWN_SESSION: 1, GAP: 2, UNKNOWN_PID: 3, CONTENT: 4, FENCED: 5, VERSION: 6, DIGEST: 7 };
const replacer = (k, v) => (typeof v === 'bigint' ? `${v}n`
  : v?.type === 'Buffer' ? `x${Buffer.from(v.data).toString('hex')}`
    : v instanceof Map ? { map: [...v] } : v);
const reviver = (k, v) => (typeof v === 'string' && /^-?\d+n$/.test(v) ? BigInt(v.slice(0, -1))
  : typeof v === 'string' && /^x([0-9a-f]{2})*$/.test(v) ? Buffer.from(v.slice(1), 'hex')
    : v && Array.isArray(v.map) ? new Map(v.map) : v);

// A new inc whose low 21 bits neither are 0 nor can be a device's session (below 2^14).
function newInc() {
  for (;;) {
    const inc = randomBytes(8).readBigUInt64LE();
    if ((inc & 0x1fffffn) >> 14n) return inc;
  }
}

// Emits 'hello' (case), 'row' (row), 'dictionary', 'digest' (stream, equal), 'verified',
// 'heal' (kind), 'event'. `count` is of the current session.
export class CloudPeer extends EventEmitter {
  constructor({ broker, device, proto, file, log = () => {} }) {
    super();
    Object.assign(this, { broker, device, file, log });
    this.Frame = protobuf.parse(fs.readFileSync(proto, 'utf8'), { keepCase: true }).root
      .lookupType('edgetwin.v1.Frame');
    const fresh = { known: null, epoch: { counter: 0n, token: 0n }, lineage: [], seq: 0n,
      dictionary: [], chains: [0n], w: { control: 0n, state: 0n, events: 0n }, rows: new Map(),
      events: [] };
    this.s = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file), reviver) : fresh;
    // Past openings end with the last seq used in them; ours begins above.
    if (this.s.lineage.length) this.s.lineage.at(-1).limit = this.s.seq;
    this.s.lineage = [...this.s.lineage, { inc: newInc(), first: this.s.seq + 1n, limit: this.s.seq }]
      .slice(-64);
    this.session = null;
    this.index();
    this.save();
  }

  // What follows from the dictionary: paths by pid, and each path's newest pid.
  index() {
    this.pathOf = [null];
    this.newest = new Map();
    for (const [i, e] of this.s.dictionary.entries()) {
      this.pathOf.push(e.withdraws ? null : e.path);
      if (!e.withdraws) { this.newest.set(e.path, i + 1); continue; }
      const path = this.pathOf[e.withdraws];
      if (path !== null && this.newest.get(path) === e.withdraws) this.newest.delete(path);
    }
  }

  save() {
    this.s.lineage.at(-1).limit = this.s.seq;
    fs.writeFileSync(`${this.file}.new`, JSON.stringify(this.s, replacer));
    fs.renameSync(`${this.file}.new`, this.file);
  }

  start() {
    this.client = mqtt.connect(this.broker, { protocolVersion: 5, clean: true,
      clientId: `interop-peer-${this.s.lineage.at(-1).inc.toString(16)}`, reconnectPeriod: 300 });
    this.client.on('connect', () => this.client.subscribe('et/+/u', { qos: 0 }, () =>
      this.publish('*', { session: 0, nack: { reason: REASON.UNKNOWN_SESSION, spread_ms: 1002 },
        ack: 0 })));
    this.client.on('message', (topic, payload, packet) => {
      if (packet.retain || topic !== `et/${this.device}/u` || payload.length > 256 * 1024) return;
      try { this.receive(this.Frame.decode(payload)); } catch (e) { this.emit('bad', e); this.log(e.stack); }
    });
    this.client.on('error', (e) => this.log(e.message));
    this.timer = setInterval(() => this.turn(), 50);
    return new Promise((done) => this.client.once('connect', done));
  }

  async stop() {
    clearInterval(this.timer);
    await this.client.endAsync(true);
  }

  publish(to, frame) {
    if (process.env.INTEROP_TRACE) this.log(`down ${to} ${JSON.stringify(frame)}`);
    this.client.publish(`et/${to}/d`, this.Frame.encode(this.Frame.create(frame)).finish(), { qos: 0 });
  }
  send(frame) { this.publish(this.device, frame); }

  cursors() {
    const f = { ack: long(this.s.w.state), ack_control: long(this.s.w.control),
      ack_events: long(this.s.w.events), ack_dictionary: this.s.dictionary.length };
    const v = this.session?.verified;
    if (v && (v.control !== undefined || v.state !== undefined)) {
      f.ack_verified = { control: long(v.control ?? 0n), state: long(v.state ?? 0n) };
      this.session.verified = {};
    }
    return f;
  }
  nack(reason, number, extra = {}) {
    this.log(`nack ${reason}`);
    this.send({ session: number, nack: { reason, ...extra }, ...this.cursors() });
  }

  receive(f) {
    const kind = f.kind ?? (Object.hasOwn(f, 'ack') ? 'ack' : null);
    if (process.env.INTEROP_TRACE) this.log(`up ${JSON.stringify(f)}`);
    if (kind === null) return;
    if (kind === 'hello') { this.hello(f); return; }
    const ours = this.session && f.session === this.session.number;
    if (kind === 'bye') {
      if (this.session && (ours || f.session === this.session.will)) this.session = null;
      return;
    }
    if (!ours) {
      if (['to', 'dictionary', 'offer', 'heal_ask', 'interest'].includes(kind)) {
        this.nack(REASON.UNKNOWN_SESSION, f.session);
      }
      return;
    }
    this.emit('frame', kind);
    if (Object.hasOwn(f, 'ack')) this.acked(f);
    if (kind === 'dictionary') this.takeDictionary(f.dictionary);
    if (kind === 'to') this.delta(f);
    if (kind === 'heal_ask') this.healAsk(f.heal_ask);
    if (kind === 'nack') {
      this.log(`device's nack ${f.nack.reason} ${f.nack.text}`);
      if (f.nack.reason === REASON.GAP) this.session.sent = this.session.acked;
    }
    if (this.session) this.turn();
  }

  // ------------------------------------------------------------ Hello (P-7.2)

  classify(h, lineage) {
    const opening = lineage.at(-1).inc;
    const known = this.s.known;
    if (h.version !== 1) return 'version';
    if (known === null) return 'first';
    const newest = known.at(-1).inc;
    if (this.session && opening === newest && big(h.boot_ms) < this.session.boot) return 'late';
    if (opening !== newest && known.some((e) => e.inc === opening)) return 'earlier';
    const epoch = { counter: big(h.epoch?.counter), token: big(h.epoch?.token) };
    const holds = lineage.find((e) => e.inc === newest);
    if (epoch.counter !== 0n && !holds && (epoch.counter < this.s.epoch.counter
        || (epoch.counter === this.s.epoch.counter && epoch.token !== this.s.epoch.token))) {
      return 'stale';
    }
    if (opening === newest) return 'same';
    const { control, state, events } = this.s.w;
    if (!holds || max(control, events) > holds.kept || state > holds.limit) return 'setback';
    return 'continuation';
  }

  hello(f) {
    const h = f.hello;
    const lineage = readLineage(h.lineage);
    const how = this.classify(h, lineage);
    this.log(`hello ${f.session}: ${how}`);
    if (how === 'late') return;
    if (how === 'version') {
      this.nack(REASON.VERSION, f.session, { text: Buffer.from(`I speak 1, you ${h.version}`) });
      return;
    }
    if (['earlier', 'stale', 'setback'].includes(how)) {
      this.nack(REASON.FENCED, f.session, { text: Buffer.from(how) });
      this.emit('hello', how);
      return;
    }
    const counter = big(h.epoch?.counter);
    if (this.s.epoch.counter === 0n || counter > this.s.epoch.counter) {
      this.s.epoch = { counter: max(this.s.epoch.counter, counter) + 1n,
        token: randomBytes(8).readBigUInt64LE() };
    }
    this.s.known = lineage;
    const held = big(h.held?.control);
    const from = held > 0n && gave(this.s.lineage, this.s.seq, big(h.cloud_inc), held) ? held : 0n;
    const inc = this.s.lineage.at(-1).inc;
    this.session = { number: f.session, will: h.will_session, boot: big(h.boot_ms),
      down: (f.session ^ Number(inc & 0x1fffffn)) || 1 << 21, lineage, early: { control: 0n, state: 0n },
      sent: from, acked: from, sentAt: 0, timeouts: 0, verified: {}, frozen: null, ackDue: false,
      ackAt: 0, digest: { due: true, at: 0, pause: 1500 } };
    this.count = { how, dictionary: 0, rows: 0, repeated: 0 };
    this.save();
    const n = this.s.dictionary.length;
    const welcome = { version: 1, lineage: writeLineage(this.s.lineage),
      head: { control: long(this.s.seq) },
      held: { control: long(this.s.w.control), state: long(this.s.w.state), events: long(this.s.w.events) },
      dictionary_n: n, dictionary_chain: long(this.s.chains[n]), scope_version: 0,
      epoch: { counter: long(this.s.epoch.counter), token: long(this.s.epoch.token) },
      wall_ms: Date.now(), frame_bytes_max: 65536, window_frames_max: 16,
      to: long(lineage.at(-1).inc) };
    if (h.dictionary_n !== n || big(h.dictionary_chain) !== this.s.chains[n]) {
      const marks = new Set([0]);
      for (let back = 1; back <= n; back *= 2) marks.add(n - back);
      if (h.dictionary_n > n) marks.add(n);
      welcome.ladder = [...marks].sort((a, b) => a - b).map((k) => ({ n: k, chain: long(this.s.chains[k]) }));
    }
    let columns = {};
    if (how === 'continuation') {
      const durable = big(h.durable?.state);
      const rows = this.of((r) => r.side === 0 && r.seq > durable).slice(0, 10000);
      if (rows.length) {
        columns = rowColumns(rows.map((r) => this.wire(r)));
        columns.seq_gaps = rows.map((r, i) => (i ? long(r.seq - rows[i - 1].seq - 1n) : 0));
        columns.skipped = long(rows.at(-1).seq - rows[0].seq + 1n - BigInt(rows.length));
        welcome.returned_to = long(rows.at(-1).seq);
      }
      this.count.returned = rows.length;
    }
    this.send({ session: f.session, welcome, ...columns });
    this.emit('hello', how);
  }

  // ------------------------------------------------------------ Dictionary

  takeDictionary(d) {
    if (!d.entries?.length) {
      for (let at = d.first; at <= this.s.dictionary.length; at += 500) {
        const last = Math.min(at + 499, this.s.dictionary.length);
        this.send({ session: this.session.down, dictionary: { first: at, chain: long(this.s.chains[last]),
          entries: this.s.dictionary.slice(at - 1, last).map((e) => ({ ...e, path: Buffer.from(e.path ?? ''),
            decimals: e.decimals ?? undefined, min: e.min ?? undefined, max: e.max ?? undefined })) } });
      }
      return;
    }
    for (const [i, p] of d.entries.entries()) {
      const pid = d.first + i;
      const e = { withdraws: p.withdraws };
      if (!p.withdraws) {
        Object.assign(e, { path: Buffer.from(p.path).toString(), type: p.type, unit: Buffer.from(p.unit),
          decimals: Object.hasOwn(p, 'decimals') ? p.decimals : null, writable: p.writable,
          min: Object.hasOwn(p, 'min') ? p.min : null, max: Object.hasOwn(p, 'max') ? p.max : null,
          description: Buffer.from(p.description) });
      }
      const n = this.s.dictionary.length;
      if (pid > n + 1) { this.nack(REASON.UNKNOWN_PID, this.session.down); return; }
      const h = chain(this.s.chains[pid - 1], pid, e);
      if (pid <= n) {
        this.count.dictionary++;
        if (h === this.s.chains[pid]) continue;
        this.nack(REASON.UNKNOWN_SESSION, this.session.down);
        this.session = null;
        return;
      }
      if (e.withdraws && !this.pathOf[e.withdraws]) { this.nack(REASON.CONTENT, this.session.down); return; }
      const gone = e.withdraws && this.newest.get(this.pathOf[e.withdraws]) === e.withdraws
        ? this.pathOf[e.withdraws] : null;
      const before = this.newest.get(e.path);
      this.s.dictionary.push(e);
      this.s.chains.push(h);
      this.count.dictionary++;
      this.index();
      if (gone) for (const side of [0, 2, 3]) this.s.rows.delete(`${gone}|${side}`);
      const wanted = !e.withdraws && before === undefined && this.s.rows.get(`${e.path}|1`);
      if (wanted) this.give(wanted);
      if (i === d.entries.length - 1 && big(d.chain) !== h) this.emit('bad', new Error('chain differs'));
    }
    this.save();
    this.session.ackDue = true;
    this.emit('dictionary');
  }

  // ------------------------------------------------------------ Deltas up

  delta(f) {
    const to = big(f.to);
    const others = (f.events?.length ?? 0) + (f.commands?.length ?? 0);
    const rows = readRows(f, f.side !== 0 || f.side_runs?.length > 0);
    const from = readSeqs(f, rows, others, to);
    const side = rows.length ? rows[0].side : f.side;
    if (side === 5) return;
    const stream = side === 4 || f.events?.length ? 'events' : side === 0 ? 'state' : 'control';
    const n = this.s.dictionary.length;
    if (rows.some((r) => r.pid > n) || (f.events ?? []).some((e) => e.pid > n)) {
      this.nack(REASON.UNKNOWN_PID, this.session.down);
      return;
    }
    const streams = { control: 0, state: 1, events: 2 };
    for (const r of rows) {
      if (r.pid) r.path = this.pathOf[r.pid];
      const pid = this.newest.get(r.path);
      const type = pid && TYPES[this.s.dictionary[pid - 1].type];
      if (r.side === 1 || (r.side === 0) !== (stream === 'state')
          || (r.side !== 2 && r.type !== NONE && pid && type !== r.type)) {
        this.nack(REASON.CONTENT, this.session.down,
          { refused: { stream: streams[stream], from: long(from), to: long(to) } });
        return;
      }
    }
    const w = this.s.w[stream];
    for (const r of rows) {
      this.count.rows++;
      if (r.seq <= w) this.count.repeated++;
      if (r.pid && !this.newest.has(r.path)) continue;  // Withdrawn.
      r.inc = r.inc || incOf(this.session.lineage, r.seq);
      if (r.referSeq !== 0n) r.referInc = r.referInc || incOf(this.s.lineage, r.referSeq);
      const key = `${r.path}|${r.side}`;
      const old = this.s.rows.get(key);
      if (old && old.seq >= r.seq) continue;
      const { pid, ...row } = r;
      this.s.rows.set(key, row);
      this.emit('row', row);
    }
    if (from > w) {
      if (rows.length) this.session.early[stream] = max(this.session.early[stream] ?? 0n, rows.at(-1).seq);
      this.save();
      this.nack(REASON.GAP, this.session.down);
      return;
    }
    let seq = from;
    for (const e of f.events ?? []) {
      seq += 1n + big(e.skipped);
      if (seq <= w) continue;
      this.s.events.push({ seq, kind: Buffer.from(e.kind).toString(), text: Buffer.from(e.text).toString() });
      this.emit('event', this.s.events.at(-1));
    }
    this.s.w[stream] = max(w, to);
    if (rows.length || others || to > w) this.save();
    this.session.ackDue = true;
    if (f.digest) this.compare(stream, to, f.digest);
  }

  compare(stream, to, d) {
    if (this.s.w[stream] !== to || this.session.early[stream] > to
        || d.scope !== this.s.dictionary.length) {
      this.log(`digest of ${stream} not comparable: ${to} ${this.s.w[stream]} ${d.scope}`);
      return;
    }
    const sides = stream === 'state' ? [0] : [2, 3];
    const equal = this.digest(sides) === ((big(d.high) << 64n) | big(d.low));
    this.log(`digest of ${stream} at ${to}: ${equal ? 'equal' : 'different'}`);
    if (equal) this.session.verified[stream] = to;
    else this.nack(REASON.DIGEST, this.session.down);
    this.emit('digest', stream, equal);
  }

  of(want) {
    return [...this.s.rows.values()].filter(want).sort((a, b) => (a.seq < b.seq ? -1 : 1));
  }
  digest(sides) {
    return this.sum(this.of((r) => sides.includes(r.side)));
  }
  sum(rows) {
    return rows.reduce((sum, r) =>
      (sum + fingerprint(canonical(this.newest.get(r.path) ?? 0, r))) & M128, 0n);
  }
  // A row as it is sent: by its newest pid, or by path where there is none.
  wire(r) { return { ...r, pid: this.newest.get(r.path) ?? 0 }; }

  // ------------------------------------------------------------ desired, down

  give(row) {
    row.seq = ++this.s.seq;
    row.inc = this.s.lineage.at(-1).inc;
  }
  // `value` is a number (type DOUBLE or INT), or null for nothing any more.
  want(path, type, value, note = '') {
    const row = { path, side: 1, type: value === null ? NONE : type,
      value: value === null ? null : type === DOUBLE ? realBits(value) : BigInt(value),
      time: BigInt(Date.now()), quality: 0, unsynced: false, referInc: 0n, referSeq: 0n, state: 2,
      until: 0n, note: Buffer.from(note) };
    this.give(row);
    this.s.rows.set(`${path}|1`, row);
    this.save();
    this.turn();
    return row;
  }
  row(path, side) { return this.s.rows.get(`${path}|${side}`); }

  // Says that the session is over, as a cloud does whose device fell silent.
  endSession() {
    this.nack(REASON.UNKNOWN_SESSION, this.session.down);
    this.session = null;
  }

  acked(f) {
    const s = this.session;
    const a = big(f.ack_control);
    if (a > s.acked && a <= s.sent) { s.acked = a; s.timeouts = 0; s.sentAt = Date.now(); }
    const v = f.ack_verified && big(f.ack_verified.control);
    if (v && v === s.sent && s.digest.due) { s.digest.due = false; this.emit('verified', v); }
  }

  turn() {
    const s = this.session, now = Date.now();
    if (!s || !this.client.connected) return;
    if (s.acked < s.sent && now - s.sentAt > 1500 * 2 ** s.timeouts) {
      if (++s.timeouts === 4) { this.endSession(); return; }
      s.sent = s.acked;
    }
    if (s.sent < this.s.seq) {
      const rows = this.of((r) => r.side === 1 && r.seq > s.sent).slice(0, 500);
      const to = rows.length === 500 ? rows.at(-1).seq : this.s.seq;
      const f = rows.length ? rowColumns(rows.map((r) => this.wire(r))) : { side: 1 };
      let at = s.sent;
      f.seq_gaps = rows.map((r) => { const gap = r.seq - at - 1n; at = r.seq; return long(gap); });
      f.skipped = long(to - s.sent - BigInt(rows.length));
      this.send({ session: s.down, to: long(to), ...f });
      Object.assign(s, { sent: to, sentAt: now });
      s.digest.at = 0;
    }
    const sum = this.digest([1]);
    if (s.digest.due && s.acked === s.sent && now - s.digest.at > s.digest.pause && (s.sent || sum)) {
      s.digest.pause = s.digest.at ? Math.min(2 * s.digest.pause, 300000) : 1500;
      s.digest.at = now;
      this.send({ session: s.down, to: long(s.sent), side: 1,
        digest: { low: long(sum & M64), high: long(sum >> 64n), scope: 0,
          entries: this.s.dictionary.length } });
    }
    if (s.ackDue && now - s.ackAt >= 1000) {
      Object.assign(s, { ackDue: false, ackAt: now });
      this.send({ session: s.down, ...this.cursors() });
    }
  }

  // ------------------------------------------------------------ healing (P-16.8)

  healAsk(ask) {
    const s = this.session;
    this.log(`heal ask: attempt ${ask.attempt}, first ${ask.first_cell}, cells ${ask.cells}, `
      + `desired ${ask.desired?.join(' ')}${ask.unnumbered ? ' unnumbered' : ''}`);
    if (big(ask.at?.state) > this.s.w.state || big(ask.at?.control) > this.s.w.control) {
      this.nack(REASON.GAP, s.down);
      return;
    }
    if (ask.dictionary_n !== this.s.dictionary.length) { this.nack(REASON.UNKNOWN_PID, s.down); return; }
    const answer = { attempt: ask.attempt, rows_n: 0, first_cell: ask.first_cell };
    let columns = {};
    if (ask.desired?.length) {
      s.frozen = null;
      const pids = ask.desired.slice(0, 200);
      answer.first_cell = pids.length;
      const rows = pids.map((pid) => this.row(this.pathOf[pid], 1)).filter(Boolean).map((r) => this.wire(r));
      columns = rowColumns(rows);
      columns.seq_steps = rows.map((r, i) => slong(r.seq - (i ? rows[i - 1].seq : 0n)));
      s.digest = { due: true, at: 0, pause: 1500 };
      this.emit('heal', 'desired');
    } else if (ask.unnumbered) {
      s.frozen = null;
      const after = Buffer.from(ask.unnumbered.after ?? '').toString();
      if (!after) {
        const seq = big(ask.unnumbered.seq);
        for (const r of this.of((x) => x.side !== 1 && !this.newest.has(x.path) && x.seq <= seq)) {
          this.s.rows.delete(`${r.path}|${r.side}`);
        }
        this.save();
      }
      const left = this.of((r) => r.side === 1 && !this.newest.has(r.path) && r.path > after)
        .sort((a, b) => (a.path < b.path ? -1 : 1)).map((r) => this.wire(r));
      const rows = left.slice(0, 100);
      Object.assign(answer, { rows_n: left.length, first_cell: rows.length });
      columns = rowColumns(rows);
      columns.seq_steps = rows.map((r, i) => slong(r.seq - (i ? rows[i - 1].seq : 0n)));
      s.digest = { due: true, at: 0, pause: 1500 };
      this.emit('heal', 'unnumbered');
    } else {
      if (s.frozen?.attempt !== ask.attempt) {
        const view = new Map();
        for (const r of this.of((x) => this.newest.has(x.path))) {
          const pid = this.newest.get(r.path);
          view.set(4 * pid + r.side, rowNumber(canonical(pid, r), ask.attempt));
        }
        const unnumbered = this.sum(this.of((r) => !this.newest.has(r.path))) & M64;
        s.frozen = { attempt: ask.attempt, view, unnumbered };
      }
      answer.rows_n = s.frozen.view.size;
      answer.unnumbered = long(s.frozen.unnumbered);
      answer.cells = ask.cells ? packCells(s.frozen.view, ask.attempt, ask.first_cell, ask.cells)
        : hashList(s.frozen.view, ask.first_cell);
      this.emit('heal', ask.cells ? 'cells' : 'list');
    }
    this.send({ session: s.down, heal_answer: answer, ...columns });
  }
}
