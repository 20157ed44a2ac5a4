// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0
//
// modbus_checks.mjs EDGETWIN CONFIG: what the agent has read of modbus_server.mjs, and what becomes
// of writes. Prints a line for each check that fails; exit code 1 if any does.
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const [edgetwin, config] = process.argv.slice(2);
let checks = 0;
let failures = 0;

function check(what, holds, detail) {
  ++checks;
  if (holds) return;
  ++failures;
  console.log(`FAILED: ${what}: ${JSON.stringify(detail)}`);
}
function run(...args) {
  const ran = spawnSync(edgetwin, ["--config", config, "--json", ...args], { encoding: "utf8" });
  let json = null;
  try { json = JSON.parse(ran.stdout); } catch { /* Nobody there yet, or an error. */ }
  return { code: ran.status, json, err: ran.stderr };
}
// Until `done` of what a property is; what it was last.
async function until(path, done) {
  let last = null;
  for (let i = 0; i < 300; ++i) {
    last = run("get", path).json;
    if (last && done(last)) return last;
    await sleep(100);
  }
  return last;
}

const VALUES = {
  i16: -123, u32: 4_000_000_000, i32: -70_000, f32: 3.25, f64: -1234.5678, i64: -5_000_000_000,
  swapped: 0.5, text: "Zähler", bit1: true, bit2: false, target: 20, mode: 1, input: 122,
  relay: true, odd: true, even: false,
};

for (const way of ["tcp", "rtu"]) {
  for (const [name, value] of Object.entries(VALUES)) {
    const is = (property) => property.value === value && property.quality === "good";
    const property = await until(`${way}/${name}`, is);
    check(`${way}: ${name} is ${value}`, property && is(property), property);
  }
  // Exception 2 of one address spoils neither its neighbours nor the connection.
  const absent = await until(`${way}/absent`, (property) => property.quality === "bad");
  check(`${way}: an absent register is bad`, absent?.quality === "bad", absent);

  for (const [name, value] of [["target", 21.5], ["relay", false], ["mode", 9]]) {
    const set = run("set", `${way}/${name}`, String(value), "--for", "1h");
    const is = (property) => property.value === value;
    const property = await until(`${way}/${name}`, is);
    check(`${way}: ${name} takes ${value}`, set.code === 0 && property && is(property), [set, property]);
  }
  // Exception 3: refused, and what was there stays.
  const refused = run("set", `${way}/mode`, "11", "--for", "1h");
  check(`${way}: a refused value is an error`, refused.code !== 0, refused);
  const mode = await until(`${way}/mode`, (property) => property.value === 9 || property.value === 1);
  check(`${way}: and isn't there`, mode?.value === 9 || mode?.value === 1, mode);
}
console.log(`${checks - failures} of ${checks} checks hold`);
process.exit(failures === 0 ? 0 : 1);
