// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0
//
// checks.mjs BROKER PROTO EDGETWIN SOCKET DIR: what tests/interop/run checks, with a device that
// runs already. The agent's own tool is asked only for what the device shows its technician.

import { execFileSync } from 'node:child_process';
import { CloudPeer, STATE_NAMES, canonical, chain, fingerprint, hashList, packCells, realOf,
  rowNumber, walk, xxh64 } from './cloud_peer.mjs';

const [broker, proto, edgetwin, socket, dir] = process.argv.slice(2);
let failed = 0;
function report(name, ok, why = '') {
  if (!ok) failed++;
  console.log(ok ? `ok ${name}` : `FAILED ${name} ${why}`.trim());
}
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
async function until(what, ms = 15000) {
  for (const end = Date.now() + ms; Date.now() < end; await pause(50)) if (what()) return true;
  return false;
}
function ask(...words) {
  try {
    return JSON.parse(execFileSync(edgetwin, ['--socket', socket, ...words, '--json']));
  } catch (e) {  // The tool's exit code 1 says that something is wrong on the device.
    return JSON.parse(e.stdout);
  }
}

// ---------------------------------------------------------------- the page's own numbers

function vectors() {
  const b = Buffer.from;
  const row = { quality: 0, unsynced: false, referInc: 0n, referSeq: 0n, state: 2, until: 0n, note: b('') };
  const a = canonical(1, { ...row, side: 0, inc: 0x1111111111111111n, seq: 7n, type: 3,
    value: 0x4035800000000000n, time: 1790000123456n });
  const bb = canonical(2, { ...row, side: 1, inc: 0x2222222222222222n, seq: 3n, type: 2, value: 40n,
    time: 1790000100000n, note: b('anna') });
  const c = canonical(2, { ...row, side: 2, inc: 0x1111111111111111n, seq: 9n, type: 0, value: null,
    time: 1790000101000n, unsynced: true, referInc: 0x2222222222222222n, referSeq: 3n, state: 0 });
  const sum = [a, bb, c].reduce((s, x) => (s + fingerprint(x)) % (1n << 128n), 0n);
  const h1 = chain(0n, 1, { path: 'tank/level', type: 0, unit: b('cm'), decimals: 1, writable: false,
    min: null, max: null, description: b('') });
  const h2 = chain(h1, 2, { path: 'valve/position', type: 0, unit: b('%'), decimals: null, writable: true,
    min: 0, max: 100, description: b('Inlet') });
  const h3 = chain(h2, 3, { withdraws: 1 });
  const view = new Map([[4, rowNumber(a, 7)], [9, rowNumber(bb, 7)], [10, rowNumber(c, 7)]]);
  const steps = [];
  for (const i of walk(0xffffffff, 0xffffffff)) { if (i > 2867) break; steps.push(i); }
  const far = new Map([...view, [160, 0x0102030405n]]);
  report('vectors_xxh64', xxh64(b('')) === 0xef46db3751d8e999n);
  report('vectors_chain', h1 === 0x525956f67dcebe61n && h2 === 0x7fa08e276c31002bn
    && h3 === 0xddee611a91a7debcn);
  report('vectors_digest', sum === 0xc4f476350cd68b1c5b153c6324463507n);
  report('vectors_walk', steps.join() === '0,1,2,55,104,117,242,447,624,763,1720,2867');
  report('vectors_cells', packCells(view, 7, 0, 8).toString('hex') === 'b978e94d340fae4bcad7'
    + '4bd2507ab05f89bcb22df262e10a42a0d4fa2b6117a698d383b0248f17aa70150843f26fd9509e76'
    + '0000000000000000000084bc4837be99af6b14b700000000000000000000');
  report('vectors_list', hashList(far, 1).toString('hex') === '1184bc481670150817a698d00411050403'
    && hashList(view, 2).toString('hex') === '1670150817a698');
}

// ---------------------------------------------------------------- with the device

let peer, seen;
async function begin() {
  seen = { hellos: [], digests: [], verified: 0, heals: [], bad: [] };
  peer = new CloudPeer({ broker, device: 'interop', proto, file: `${dir}/peer.json`,
    log: (x) => console.error(x) });
  peer.on('hello', (how) => seen.hellos.push(how));
  peer.on('digest', (stream, equal) => seen.digests.push(`${stream} ${equal}`));
  peer.on('verified', () => seen.verified++);
  peer.on('heal', (kind) => seen.heals.push(kind));
  peer.on('bad', (e) => seen.bad.push(e.message));
  await peer.start();
}
const live = () => until(() => ask('sync', 'status').state === 'live');
const equal = (stream, from = 0) => until(() => seen.digests.slice(from).includes(`${stream} true`));
const shown = (r) => (r.type === 3 ? realOf(r.value) : r.type === 4 ? r.value.toString()
  : r.type === 1 ? r.value === 1n : Number(r.value));

async function firstContact() {
  await begin();
  report('first_contact', await until(() => seen.hellos.length) && seen.hellos[0] === 'first', seen.hellos);
  report('live', await live());
  report('state_digest_equal', await equal('state'), seen.digests);
  const properties = ask('ls').properties.filter((p) => p.quality === 'good');
  const lacks = properties.filter((p) => peer.row(p.path, 0)?.value == null).map((p) => p.path);
  report(`all_values (${properties.length})`, properties.length > 10 && !lacks.length, lacks);
  // Values that stand still must be the same; those that move may have moved between two looks.
  await pause(2500);
  const still = ask('ls').properties.filter((p) => p.quality === 'good' && p.age_ms > 1500
    && p.type !== 'bytes');
  const other = still.filter((p) => shown(peer.row(p.path, 0)) !== p.value).map((p) => p.path);
  report(`values_are_the_devices (${still.length})`, still.length > 0 && !other.length, other);
}

async function desired() {
  const [DOUBLE, INT] = [3, 2];
  for (const [path, type, value, state] of [
    ['pump/speed_setpoint', INT, 1200, 'applied'], ['valve/position_setpoint', DOUBLE, 42.5, 'applied'],
    ['pump/speed_setpoint', INT, 9000, 'rejected'], ['tank/level', DOUBLE, 1, 'rejected'],
    ['nowhere/nothing', INT, 1, 'unknown_path'], ['pump/speed_setpoint', INT, 800, 'applied']]) {
    const { inc, seq } = peer.want(path, type, value, 'interop');
    const refers = () => {
      const s = peer.row(path, 2);
      return s && s.referInc === inc && s.referSeq === seq && STATE_NAMES[s.state] !== 'pending';
    };
    await until(refers);
    const s = peer.row(path, 2);
    report(`desired ${path} ${value} ${state}`, refers() && STATE_NAMES[s.state] === state,
      s && `${STATE_NAMES[s.state]} ${s.note}`);
  }
  report('written_value_comes_back', await until(() => {
    const r = peer.row('pump/speed_setpoint', 0);
    return r && shown(r) === 800;
  }));
}

// A restart keeps what the JSON file has: the same opening of the device goes on from there.
async function restart() {
  await peer.stop();
  await begin();
  report('restart_same_opening', await until(() => seen.hellos.length) && seen.hellos[0] === 'same', seen.hellos);
  report('restart_live', await live());
  for (const stream of ['state', 'control']) report(`restart_${stream}_digest_equal`, await equal(stream), seen.digests);
  report('restart_desired_verified', await until(() => seen.verified > 0));
  const { dictionary, repeated } = peer.count;
  report('restart_nothing_sent_again', dictionary === 0 && repeated === 0, JSON.stringify(peer.count));
}

// Spoils rows in the peer and begins a new session, whose digests must differ, then agree.
async function heal(name, spoil, stream, kinds) {
  spoil();
  peer.endSession();
  const from = seen.digests.length, heals = seen.heals.length, verified = seen.verified;
  if (stream) report(`${name}_digest_differs`, await until(() => seen.digests.slice(from).includes(`${stream} false`)));
  report(`${name}_asked`, await until(() => kinds.every((k) => seen.heals.slice(heals).includes(k))), seen.heals);
  const ok = stream
    ? await until(() => seen.digests.slice(from).lastIndexOf(`${stream} true`) > seen.digests.slice(from).indexOf(`${stream} false`), 20000)
    : await until(() => seen.verified > verified, 20000);
  report(`${name}_equal_again`, ok, seen.digests.slice(from));
  await pause(3000);  // Until the device knows it too: an attempt that it saw fail counts.
}

async function healing() {
  await heal('heal_forgotten_reported', () => peer.s.rows.delete('meter/model|0'), 'state', ['list']);
  report('heal_forgotten_reported_back', peer.row('meter/model', 0) !== undefined);
  await heal('heal_spoilt_status', () => { peer.row('pump/speed_setpoint', 2).note = Buffer.from('x'); },
    'control', ['list']);
  await heal('heal_spoilt_desired', () => {
    Object.assign(peer.row('valve/position_setpoint', 1), { note: Buffer.from('other') });
  }, null, ['list', 'desired']);
}

async function crash() {
  const hellos = seen.hellos.length;
  process.kill(Number(process.env.INTEROP_AGENT_PID), 'SIGKILL');
  console.log('agent killed');  // The caller starts it again.
  report('crash_continuation', await until(() => seen.hellos.length > hellos)
    && seen.hellos.at(-1) === 'continuation', seen.hellos);
  const from = seen.digests.length;
  report('crash_live', await live());
  report('crash_state_digest_equal', await equal('state', from), seen.digests.slice(from));
  report('crash_dictionary_not_sent_again', peer.count.dictionary === 0, peer.count.dictionary);
}

vectors();
await firstContact();
await desired();
await restart();
await healing();
await crash();
report('no_invalid_frames', !seen.bad.length, seen.bad);
await peer.stop();
process.exit(failed ? 1 : 0);
