// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0
//
// sparkplug_payloads.mjs FILE: what Eclipse Tahu's encoder (npm: sparkplug-payload) makes of the
// payloads below must be the lines of FILE, which drivers/mqtt/sparkplug_payload_test.cc reads; and
// its decoder must understand the commands there, which that test holds our encoder to. With
// --write, FILE is written anew but for the commands.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_PATH + '/');
const sparkplug = require('sparkplug-payload').get('spBv1.0');
const time = 1700000000000;
const metrics = [
  { name: 'int8', alias: 1, type: 'Int8', value: -5 },
  { name: 'int16', alias: 2, type: 'Int16', value: -300 },
  { name: 'int32', alias: 3, type: 'Int32', value: -70000 },
  { name: 'int64', alias: 4, type: 'Int64', value: -5000000000 },
  { name: 'uint8', alias: 5, type: 'UInt8', value: 250 },
  { name: 'uint16', alias: 6, type: 'UInt16', value: 65000 },
  { name: 'uint32', alias: 7, type: 'UInt32', value: 4000000000 },
  { name: 'uint64', alias: 8, type: 'UInt64', value: 5000000000 },
  { name: 'float', alias: 9, type: 'Float', value: 1.25 },
  { name: 'double', alias: 10, type: 'Double', value: -0.1 },
  { name: 'boolean', alias: 11, type: 'Boolean', value: true },
  { name: 'string', alias: 12, type: 'String', value: 'hälló' },
  { name: 'datetime', alias: 13, type: 'DateTime', value: time },
  { name: 'text', alias: 14, type: 'Text', value: 'text' },
  { name: 'uuid', alias: 15, type: 'UUID', value: '7d444840-9dc0-11d1-b245-5ffdce74fad2' },
  { name: 'bytes', alias: 17, type: 'Bytes', value: new Uint8Array([0, 255, 7]) },
  { name: 'file', alias: 18, type: 'File', value: new Uint8Array([1]) },
  { name: 'dataset', alias: 16, type: 'DataSet',
    value: { numOfColumns: 1, types: ['Int32'], columns: ['c'], rows: [[7]] } },
  { name: 'null', alias: 20, type: 'Double', value: null },
].map((metric) => ({ ...metric, timestamp: time }));
function motor(speed, more = []) {
  return { isDefinition: false, templateRef: 'Motor', version: '1', parameters: [],
    metrics: [{ name: 'Speed', type: 'UInt32', value: speed, timestamp: time }, ...more] };
}
const templates = [
  { name: 'Motor', type: 'Template', value: { isDefinition: true, templateRef: '', version: '1',
    parameters: [{ name: 'Maker', type: 'String', value: 'M' }],
    metrics: [{ name: 'Speed', type: 'UInt32', value: 1 }] } },
  { name: 'Line/M1', alias: 30, type: 'Template', value: motor(4000000000) },
  { name: 'Pair', type: 'Template', value: { isDefinition: false, templateRef: 'Two', version: '',
    parameters: [], metrics: [
      { name: 'Left', type: 'Template', value: motor(1, [
        { name: 'On', type: 'Boolean', value: true, timestamp: time }]) },
      { name: 'Right', type: 'Template', value: motor(2) }] } },
].map((metric) => ({ ...metric, timestamp: time }));
const tables = [
  { name: 'table', type: 'DataSet', timestamp: time, value: { numOfColumns: 4,
    columns: ['Int', 'Real', 'On', 'Text'], types: ['Int16', 'Double', 'Boolean', 'String'],
    rows: [[-3, 0.5, true, 'a"b'], [4, -1.25, false, 'h\u00e4']] } },
];
const payloads = {
  birth: { timestamp: time, seq: 0, metrics },
  templates: { timestamp: time, seq: 1, metrics: templates },
  tables: { timestamp: time, seq: 2, metrics: tables },
  historical: { timestamp: time, seq: 255,
    metrics: [{ name: 'double', type: 'Double', value: 2.5, timestamp: 5, isHistorical: true }] },
};

const [file, mode] = process.argv.slice(2);
const lines = readFileSync(file, 'utf8').trim().split('\n');
const made = Object.entries(payloads).map(
  ([name, payload]) => `${name} ${Buffer.from(sparkplug.encodePayload(payload)).toString('hex')}`);
if (mode === '--write') {
  const kept = lines.filter((line) => line.startsWith('command ') || line.startsWith('#'));
  writeFileSync(file, `${[...kept, ...made].join('\n')}\n`);
}
let failed = 0;
function report(name, ok, why = '') {
  if (!ok) failed++;
  console.log(ok ? `ok ${name}` : `FAILED ${name} ${why}`.trim());
}
for (const line of made) report(`payload ${line.split(' ')[0]}`, mode === '--write' || lines.includes(line));
const expected = {
  rebirth: { name: 'Node Control/Rebirth', type: 'Boolean', value: true },
  setpoint: { name: 'Set/Point', type: 'Float', value: 21.5 },
  count: { name: 'count', type: 'Int16', value: -300 },
  label: { name: 'label', type: 'String', value: 'hall' },
  member: { name: 'Pair/Left/Speed', type: 'UInt16', value: 7 },
};
// A template's member by the names of its instances; each instance must be whole and hold no more.
function inside(metric, name = metric.name) {
  if (metric.type !== 'Template') return { ...metric, name };
  const { isDefinition, templateRef, metrics: [member, ...more] } = metric.value;
  if (isDefinition !== false || !templateRef || more.length) return metric;
  return inside(member, `${name}/${member.name}`);
}
for (const line of lines.filter((one) => one.startsWith('command '))) {
  const [, name, hex] = line.split(' ');
  const payload = sparkplug.decodePayload(Buffer.from(hex, 'hex'));
  const metric = inside(payload.metrics[0]);
  const want = expected[name];
  report(`command ${name}`, payload.metrics.length === 1 && metric.name === want.name
    && metric.type === want.type && metric.value === want.value
    && Number(payload.timestamp) === time && Number(metric.timestamp) === time,
  JSON.stringify(metric));
  delete expected[name];
}
report('all commands are there', Object.keys(expected).length === 0, Object.keys(expected).join());
process.exit(failed ? 1 : 0);
