// Readers of a ranking by every way there is: polls, long polls, server-sent events with curl,
// WebSockets with npm ws. Each follows one poll over restarts of the server and holds what it is told
// against what it knew: versions never go back, and a form that patches led to is, byte by byte in
// canonical order, the whole form that others got of the same version.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import WebSocket from 'ws';

const VERSIONS_KEPT_MAX = 4096;
const PAUSE_MS = 50; // before coming again to a server that is away
const PIPELINED = 32; // requests in flight

// Object members in order of their names, at every depth.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

// RFC 7396, written down from the RFC and not from ours.
export function mergePatch(target, patch) {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result = target === null || typeof target !== 'object' || Array.isArray(target) ? {} : { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

export function compareVersions(a, b) {
  const [x, y] = [a, b].map((version) => version.slice(1).split('-').map(Number));
  return x[0] - y[0] || x[1] - y[1];
}

// What all readers together know of the newest versions.
export class Witnesses {
  constructor() {
    this.forms = new Map();
    this.faults = [];
    this.reads = 0;
    this.compared = 0; // patched forms that were held against a whole one, or the other way round
  }

  fault(text) {
    if (this.faults.length < 20) this.faults.push(text);
  }

  see(version, live, whole, who) {
    const text = canonical(live);
    const known = this.forms.get(version);
    if (known === undefined) {
      this.forms.set(version, { text, whole });
      if (this.forms.size > VERSIONS_KEPT_MAX) this.forms.delete(this.forms.keys().next().value);
      return;
    }
    if (known.whole !== whole) this.compared += 1;
    if (known.text !== text) this.fault(`${who}: two forms of ${version}:\n${known.text}\n${text}`);
  }
}

class Follower {
  constructor(server, poll, witnesses) {
    Object.assign(this, { server, poll, witnesses, live: null, version: null, stopped: false, finished: false, reads: 0 });
    this.path = `${server.url}/v1/polls/${poll}/ranking`;
  }

  count() {
    this.reads += 1;
    this.witnesses.reads += 1;
  }

  // A message or an answer; `whole`: a form and no patch.
  take(data, whole, id) {
    this.count();
    const live = whole ? data : mergePatch(this.live, data);
    if (id !== undefined && live.version !== id) this.witnesses.fault(`${this.name}: id ${id} of ${live.version}`);
    if (this.version !== null && compareVersions(live.version, this.version) < 0) {
      this.witnesses.fault(`${this.name}: ${live.version} after ${this.version}`);
    }
    this.live = live;
    this.version = live.version;
    this.witnesses.see(this.version, live, whole, this.name);
  }

  onMessage(name, id, data) {
    if (name === 'bye') return;
    this.take(data, name !== 'delta', id);
    if (name === 'final') this.finished = true;
  }

  // Until the result is there or stop() is called; a server that is away is asked again.
  async run() {
    while (!this.finished && !this.stopped) {
      try {
        await this.round();
      } catch (error) {
        if (error instanceof SyntaxError || error instanceof TypeError && !/fetch failed|terminated/.test(error.message)) {
          this.witnesses.fault(`${this.name}: ${error.stack}`);
        }
        await sleep(PAUSE_MS);
      }
    }
  }

  stop() { this.stopped = true; }
}

export class Poller extends Follower {
  name = 'poll';

  async round() {
    const headers = this.tag ? { 'If-None-Match': this.tag } : {};
    const answer = await fetch(`${this.path}?form=live`, { headers });
    const text = await answer.text();
    if (answer.status === 304) return this.count();
    if (answer.status !== 200) throw new Error(`${answer.status}`);
    this.tag = answer.headers.get('ETag');
    this.take(JSON.parse(text), true);
    if (this.live.state === 'final') this.finished = true;
  }
}

export class LongPoller extends Follower {
  name = 'long poll';

  async round() {
    if (this.version === null || this.lost) {
      const answer = await fetch(`${this.path}?form=live`);
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${answer.status}`);
      this.lost = false;
      this.take(JSON.parse(text), true);
    } else {
      const answer = await fetch(`${this.path}/changes?since=${this.version}&wait=2`);
      const text = await answer.text();
      if (answer.status === 410) this.lost = true;
      else if (answer.status === 200) this.take(JSON.parse(text), false);
      else if (answer.status !== 204) throw new Error(`${answer.status}`);
    }
    if (this.live.state === 'final') this.finished = true;
  }
}

// Polls without a pause on one connection, with many requests in flight: each answer is a read, and
// no version goes back within what was asked together either.
export class PipelinedPoller extends Follower {
  name = 'pipelined poll';

  async round() {
    const { hostname, port, pathname } = new URL(this.path);
    const socket = connect({ host: hostname, port });
    socket.setEncoding('latin1');
    const ask = () => {
      const known = this.tag ? `If-None-Match: ${this.tag}\r\n` : '';
      socket.write(`GET ${pathname}?form=live HTTP/1.1\r\nHost: ${hostname}\r\n${known}\r\n`.repeat(PIPELINED));
      this.open = PIPELINED;
    };
    try {
      ask();
      let text = '';
      for await (const piece of socket) {
        text = this.takeAnswers(text + piece);
        if (this.open > 0) continue;
        if (this.finished || this.stopped) return;
        ask();
      }
    } finally {
      socket.destroy();
    }
    if (!this.finished) await sleep(PAUSE_MS);
  }

  // Returns what is left of an answer that is not here whole.
  takeAnswers(text) {
    let begin = 0;
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n', begin)) {
      const head = text.slice(begin, end);
      const status = head.slice(9, 12);
      const bytes = status === '304' ? 0 : Number(/\ncontent-length: (\d+)/i.exec(head)[1]);
      if (text.length < end + 4 + bytes) break;
      begin = end + 4 + bytes;
      this.open -= 1;
      this.takeAnswer(status, /\netag: (\S+)/i.exec(head)?.[1], text.slice(end + 4, begin));
    }
    return text.slice(begin);
  }

  takeAnswer(status, tag, body) {
    if (status === '200' && body === this.body) {
      this.count(); // asked with the tag before, like the one it equals byte for byte
    } else if (status === '200') {
      this.tag = tag;
      this.body = body;
      this.take(JSON.parse(body), true);
      if (this.live.state === 'final') this.finished = true;
    } else if (status === '304') {
      this.count();
      if (compareVersions(/e[^"]+/.exec(tag)[0], this.version) < 0) this.witnesses.fault(`${this.name}: 304 of ${tag} after ${this.version}`);
    } else {
      throw new Error(status);
    }
  }
}

// curl -N, as somebody at a terminal would.
export class CurlFollower extends Follower {
  name = 'curl -N';

  async round() {
    const resume = this.version === null ? [] : ['-H', `Last-Event-ID: ${this.version}`];
    this.child = spawn('curl', ['-sN', ...resume, `${this.path}/stream`], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(this.child, 'close');
    let text = '';
    this.child.stdout.setEncoding('utf8');
    for await (const piece of this.child.stdout) {
      text += piece;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.onBlock(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
    await ended;
    if (!this.finished) await sleep(PAUSE_MS);
  }

  onBlock(block) {
    const fields = {};
    for (const line of block.split('\n')) {
      const colon = line.indexOf(': ');
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
    }
    if (fields.event) this.onMessage(fields.event, fields.id, JSON.parse(fields.data));
  }

  stop() {
    super.stop();
    this.child?.kill();
  }
}

export class SocketFollower extends Follower {
  name = 'npm ws';

  async round() {
    const headers = this.version === null ? {} : { 'Last-Event-ID': this.version };
    this.socket = new WebSocket(`${this.path.replace('http', 'ws')}/ws`, 'tallyd.ranking.v1', { headers });
    const ended = new Promise((resolve) => { this.socket.on('close', (code) => resolve(code)); });
    this.socket.on('error', () => {}); // and then it closes
    this.socket.on('message', (text) => {
      const { event, id, data } = JSON.parse(text);
      this.onMessage(event, id, data);
    });
    this.closeCode = await ended;
    if (!this.finished) await sleep(PAUSE_MS);
  }

  stop() {
    super.stop();
    this.socket?.terminate();
  }
}
