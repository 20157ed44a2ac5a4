// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0
//
// modbus_server.mjs tcp PORT | serial DEVICE: a device as npm's modbus-serial serves it, over TCP or
// on a serial line, with a value of each type in each order. Says "ready" when it can be asked.
import { createRequire } from "node:module";

const { ServerTCP, ServerSerial } = createRequire(process.env.NODE_PATH + "/")("modbus-serial");
const UNIT = 7;
const holding = new Map();
const coils = new Map([[0, true], [1, false]]);

// Registers from `address` on with the buffer's bytes, as they are.
function put(address, buffer) {
  for (let i = 0; i < buffer.length; i += 2) holding.set(address + i / 2, buffer.readUInt16BE(i));
}
const bytes = (size, write) => {
  const buffer = Buffer.alloc(size);
  write(buffer);
  return buffer;
};
const words = (buffer) => Buffer.concat(
  Array.from({ length: buffer.length / 2 }, (_, i) => buffer.subarray(i * 2, i * 2 + 2)).reverse());

put(0, bytes(2, (b) => b.writeInt16BE(-123)));
put(1, bytes(4, (b) => b.writeUInt32BE(4_000_000_000)));
put(3, words(bytes(4, (b) => b.writeInt32BE(-70_000))));
put(5, words(bytes(4, (b) => b.writeFloatBE(3.25))));
put(7, bytes(8, (b) => b.writeDoubleBE(-1234.5678)));
put(11, words(bytes(8, (b) => b.writeBigInt64BE(-5_000_000_000n))));
put(15, bytes(4, (b) => b.writeFloatLE(0.5)));  // Words and bytes from the other end.
put(17, Buffer.from("Zähler\0\0".padEnd(10, "\0"), "utf8").subarray(0, 10));
put(22, bytes(2, (b) => b.writeUInt16BE(0b1000_0000_0000_0010)));
put(30, bytes(4, (b) => b.writeFloatBE(20)));  // Written by the agent.
put(32, bytes(2, (b) => b.writeUInt16BE(1)));

function failure(code) {
  const error = new Error("exception " + code);
  error.modbusErrorCode = code;
  return error;
}
function register(address) {
  if (!holding.has(address)) throw failure(2);
  return holding.get(address);
}

const vector = {
  getHoldingRegister: (address) => register(address),
  getInputRegister: (address) => register(address) ^ 0xffff,
  getCoil: (address) => {
    if (!coils.has(address)) throw failure(2);
    return coils.get(address);
  },
  getDiscreteInput: (address) => address % 2 === 1,
  setRegister: (address, value) => {
    if (address === 32 && value > 10) throw failure(3);
    holding.set(address, value);
  },
  setCoil: (address, value) => void coils.set(address, value),
};

const [kind, place] = process.argv.slice(2);
const server = kind === "tcp"
  ? new ServerTCP(vector, { host: "127.0.0.1", port: Number(place), unitID: UNIT })
  : new ServerSerial(vector, { port: place, baudRate: 19200, unitID: UNIT });
const ready = () => console.log("ready");
server.on("initialized", ready);
if (kind === "serial") server.on("open", ready);
server.on("socketError", () => {});
server.on("serverError", (error) => {
  console.error(error);
  process.exit(1);
});
