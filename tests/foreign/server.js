'use strict';
// A feed on the library `ws`, for tests: shows frames, and goes wrong as it is told.
//
//     server.js --frames FRAMES.jsonl [--encoding binary] [--fault SPEC]...
//
// The same as server.py beside it, which says what it takes and tells. What the library does of itself is left to it.

const fs = require('fs');
const http = require('http');
const { WebSocketServer } = library('ws');

const TEXT = 1;
const BINARY = 2;
const RSV1 = 0x40;
const RSV2 = 0x20;
const RSV3 = 0x10;
const CUT_OFF = '{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"20646';
const NOT_UTF8 = Buffer.from('{"v":1,"t":"tweet","op":"\xff\xfe"}', 'latin1');
const NOISE = Buffer.from(Array.from({ length: 64 }, (_, at) => 0x80 + at));
const STREAM = ['close', 'fin', 'rst', 'stall', 'freeze', 'no-pong', 'half', 'claim', 'long', 'rubbish'];
const FRAME = ['dup', 'fragment', 'rsv', 'compressed', 'masked'];
const CONNECTION = ['refuse', 'replay'];

// A module from where Node looks, or else from where Debian puts it: Node of another origin does not look there.
function library(name) {
  try {
    return require(name);
  } catch {
    return require(`/usr/share/nodejs/${name}`);
  }
}

class Fault {
  constructor(spec) {
    const colon = spec.lastIndexOf(':');
    const [, name, argument] = /^([a-z-]+)(?:\((.*)\))?$/.exec(spec.slice(colon + 1));
    if (![...STREAM, ...FRAME, ...CONNECTION].includes(name)) throw new Error(`no action ${name}`);
    this.name = name;
    this.argument = argument;
    const triggers = colon < 0 ? [] : spec.slice(0, colon).split(',');
    this.when = new Map(triggers.map((word) => word.split('=')));
  }

  number(trigger, otherwise) {
    return this.when.has(trigger) ? Number(this.when.get(trigger)) : otherwise;
  }

  meets(conn) {
    const [, first, dash, last] = /^(\d+)(-?)(\d*)$/.exec(this.when.get('conn') || '1-');
    const end = last ? Number(last) : dash ? Infinity : Number(first);
    return Number(first) <= conn && conn <= Math.min(end, this.number('first', Infinity));
  }

  strikesBehind(taken, isEnd) {
    if (this.when.has('end')) return isEnd;
    if (this.when.has('every')) return taken > 0 && taken % this.number('every') === 0;
    return taken === this.number('after', 0);
  }

  strikesFrame(number) {
    if (this.when.has('every')) return number % this.number('every') === 0;
    return this.when.has('after') ? number === this.number('after') + 1 : true;
  }

  get size() {
    const [, number, unit] = /^(\d+)([KMG]?)$/.exec(this.argument);
    return Number(number) * { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[unit];
  }

  get ms() {
    const [, number, unit] = /^(\d+)(ms|s)$/.exec(this.argument);
    return Number(number) * (unit === 'ms' ? 1 : 1000);
  }
}

// One whole frame as bytes; the library writes none that breaks the protocol.
function raw(payload, kind, flags = 0, mask = null) {
  const masked = mask ? 0x80 : 0;
  const head = Buffer.alloc(payload.length < 126 ? 2 : 4);
  head[0] = 0x80 | flags | kind;
  head[1] = masked | Math.min(payload.length, 126);
  if (head.length > 2) head.writeUInt16BE(payload.length, 2);
  const body = mask ? payload.map((byte, at) => byte ^ mask[at % 4]) : payload;
  return Buffer.concat([head, mask || Buffer.alloc(0), body]);
}

// DEFLATE that stores, as RFC 7692 has it.
function stored(payload) {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(payload.length, 1);
  head.writeUInt16LE(payload.length ^ 0xffff, 3);
  return Buffer.concat([head, payload, Buffer.alloc(1)]);
}

function padded(size) {
  const [head, tail] = ['{"v":1,"t":"mock","op":"long","d":{"text":"', '"}}'];
  return head + 'a'.repeat(size - head.length - tail.length) + tail;
}

function tell(members) {
  fs.writeSync(1, JSON.stringify(members) + '\n');
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// One connection.
class Client {
  constructor(feed, conn, ws, socket, faults) {
    Object.assign(this, { feed, conn, ws, socket, faults, failed: null });
    ws.on('error', (error) => (this.failed = error.message));
    ws.on('close', (code) => {
      // The library's word for a connection that ended without a close.
      tell({ conn, closed: code === 1006 ? null : code, failed: this.failed });
    });
  }

  // Shows frames until there are no more, or the connection is over or of no more use.
  async play() {
    const { frames } = this.feed;
    const replay = this.faults.find((fault) => fault.name === 'replay');
    const start = replay ? Math.max(0, this.feed.place - Number(replay.argument)) : 0;
    for (let at = start; at <= frames.length; at += 1) {
      this.feed.place = at;
      for (const fault of this.faults) {
        if (!STREAM.includes(fault.name) || !fault.strikesBehind(at - start, at === frames.length)) continue;
        if (await this.strike(fault, frames[at])) return;
      }
      if (at < frames.length) await this.show(frames[at], at - start + 1);
      if (this.ws.readyState !== this.ws.OPEN) return;
    }
  }

  // Resolves once the system has taken it: a reset behind it takes nothing back.
  send(data, options) {
    return new Promise((resolve) => this.ws.send(data, options, resolve));
  }

  write(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, resolve));
  }

  // Lets a fault of the stream strike; true if nothing more is to be shown.
  async strike(fault, nextFrame) {
    switch (fault.name) {
      case 'close':
        this.ws.close(Number(fault.argument));
        return true;
      case 'fin':
        this.socket.end();
        return true;
      case 'rst':
        this.socket.resetAndDestroy();
        return true;
      case 'stall':
        if (fault.argument === undefined) return true;
        await sleep(fault.ms);
        return false;
      case 'no-pong':
        this.ws.pong = () => {};
        return false;
      case 'half': {
        const whole = raw(nextFrame, this.feed.kind);
        await this.write(whole.subarray(0, whole.length / 2));
        this.socket.pause();
        return true;
      }
      case 'freeze':
        this.socket.pause();
        return true;
      case 'claim': {
        this.ws.pong = () => {};
        const head = Buffer.from([0x80 | TEXT, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
        head.writeBigUInt64BE(BigInt(fault.size), 2);
        await this.write(head);
        return true;
      }
      case 'long':
        await this.send(padded(fault.size));
        return false;
      case 'rubbish':
        if (fault.argument === 'utf8') await this.write(raw(NOT_UTF8, TEXT));
        else await this.send(fault.argument === 'json' ? CUT_OFF : NOISE);
        return false;
      default:
        throw new Error(`no action ${fault.name} on the stream`);
    }
  }

  async show(frame, number) {
    const { kind } = this.feed;
    let [copies, pieces, broken] = [1, null, null];
    for (const fault of this.faults) {
      if (!FRAME.includes(fault.name) || !fault.strikesFrame(number)) continue;
      if (fault.name === 'dup') copies += Number(fault.argument || 1);
      if (fault.name === 'fragment') pieces = Number(fault.argument);
      if (fault.name === 'rsv') broken = raw(frame, kind, RSV2 | RSV3);
      if (fault.name === 'compressed') broken = raw(stored(frame), kind, RSV1);
      if (fault.name === 'masked') broken = raw(frame, kind, 0, Buffer.from('mask'));
    }
    for (let copy = 0; copy < copies; copy += 1) {
      if (broken) await this.write(broken);
      else await this.cut(frame, pieces || 1);
    }
  }

  // Sends a message as so many fragments, cut anywhere, also inside a character.
  async cut(frame, pieces) {
    const size = Math.max(1, Math.ceil(frame.length / pieces));
    for (let at = 0; at < frame.length; at += size) {
      const fin = at + size >= frame.length;
      await this.send(frame.subarray(at, at + size), { binary: this.feed.kind === BINARY, fin });
    }
  }
}

// The lines of a file that are not empty.
function linesOf(path) {
  const [bytes, lines] = [fs.readFileSync(path), []];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at) < 0 ? bytes.length : bytes.indexOf(10, at);
    if (end > at) lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

function main() {
  const options = { fault: [] };
  const words = process.argv.slice(2);
  if (words[0] === '--version') {
    console.log(`Node ${process.version}, ws ${library('ws/package.json').version}`);
    return;
  }
  for (let at = 0; at < words.length; at += 2) {
    const name = words[at].slice(2);
    if (name === 'fault') options.fault.push(new Fault(words[at + 1]));
    else options[name] = words[at + 1];
  }
  const feed = {
    frames: linesOf(options.frames),
    kind: options.encoding === 'binary' ? BINARY : TEXT,
    // How many frames the connection before was shown, counted from the first of the input.
    place: 0,
  };
  const upgrades = new WebSocketServer({
    noServer: true,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => offered.has('tweetstream.v1') && 'tweetstream.v1',
  });
  let conns = 0;
  const server = http.createServer((_, response) => response.writeHead(404).end());
  server.on('upgrade', (request, socket, head) => {
    conns += 1;
    const conn = conns;
    const faults = options.fault.filter((fault) => fault.meets(conn));
    tell({ conn, extensions: request.headers['sec-websocket-extensions'] || null });
    const refuse = faults.find((fault) => fault.name === 'refuse');
    if (refuse) {
      const status = `${refuse.argument} ${http.STATUS_CODES[refuse.argument]}`;
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (ws) => {
      new Client(feed, conn, ws, socket, faults).play();
    });
  });
  server.listen(0, '127.0.0.1', () => {
    console.error(`listening 127.0.0.1:${server.address().port}`);
  });
}

main();
