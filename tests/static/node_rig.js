// Runs the module in Node.js, which takes a tenth of the time of a browser's page:
// node --experimental-vm-modules node_rig.js ROOT. Each line in is a request, each line out its answer.
//
//   {"begin": true}                                     begin with a new page
//   {"run": "async (argument) => …", "argument": …}     call the function in the page, and return its result

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const vm = require('node:vm');

const [, , ROOT] = process.argv;
const FAKES = path.join(__dirname, 'rig.js');
const sources = new Map(); // file -> its text
let page = null;

function read(file) {
  if (!sources.has(file)) sources.set(file, fs.readFileSync(file, 'utf8'));
  return sources.get(file);
}

/** The part of EventTarget that the module needs; its events are trusted, as a user's are. */
class Target {
  #listeners = [];

  addEventListener(type, listener, { signal, once = false } = {}) {
    const entry = { type, listener, once };
    this.#listeners.push(entry);
    signal?.addEventListener('abort', () => this.#remove(entry));
  }

  dispatchEvent(event) {
    for (const entry of [...this.#listeners]) {
      if (entry.type !== event.type) continue;
      if (entry.once) this.#remove(entry);
      entry.listener(event);
    }
  }

  #remove(entry) {
    this.#listeners = this.#listeners.filter((each) => each !== entry);
  }
}

class PageEvent {
  isTrusted = false;

  constructor(type, fields = {}) {
    Object.assign(this, fields, { type });
  }

  preventDefault() {}
}

/** Calls back after all promises, as a message to oneself does. */
class Channel {
  port1 = { onmessage: null };
  port2 = { postMessage: () => setImmediate(() => this.port1.onmessage({})) };
}

class Page {
  #context;
  #modules = new Map(); // file -> module

  constructor() {
    const window = new Target();
    const document = Object.assign(new Target(), { visibilityState: 'visible', pointerLockElement: null });
    this.#context = vm.createContext({
      addEventListener: window.addEventListener.bind(window),
      dispatchEvent: window.dispatchEvent.bind(window),
      reportError: (error) => this.complain('error', { error, message: error.message }),
      console: { warn() {} },
      Event: PageEvent,
      PageTransitionEvent: PageEvent,
      MessageChannel: Channel,
      location: { protocol: 'http:', host: 'localhost', origin: 'http://localhost' },
      navigator: { locks: {}, onLine: true },
      performance: {},
      document,
      ...{ AbortController, AbortSignal, DOMException, Headers, URLSearchParams, queueMicrotask, structuredClone },
    });
    this.#context.window = this.#context;
    vm.runInContext(read(FAKES), this.#context, { filename: FAKES });
  }

  async run(source, argument) {
    const importModuleDynamically = (name) => this.#import(path.join(ROOT, name));
    const act = vm.runInContext(`(${source})`, this.#context, { importModuleDynamically });
    return act(vm.runInContext('JSON.parse', this.#context)(JSON.stringify(argument ?? null)));
  }

  complain(type, fields) {
    this.#context.dispatchEvent(new PageEvent(type, fields));
  }

  async #import(file) {
    const module = this.#load(file);
    if (module.status === 'unlinked') {
      await module.link((name, from) => this.#load(
        name.startsWith('/') ? path.join(ROOT, name) : path.resolve(path.dirname(from.identifier), name),
      ));
    }
    if (module.status === 'linked') await module.evaluate();
    return module;
  }

  #load(file) {
    if (!this.#modules.has(file)) {
      const options = { context: this.#context, identifier: file };
      this.#modules.set(file, new vm.SourceTextModule(read(file), options));
    }
    return this.#modules.get(file);
  }
}

async function answer({ begin, run, argument }) {
  if (begin) page = new Page();
  try {
    return { value: run && await page.run(run, argument) };
  } catch (error) {
    return { error: error?.stack ?? String(error) };
  }
}

/** JSON with infinite numbers, which Python's reader accepts. */
function written(value) {
  const text = JSON.stringify(value, (_, each) => (Math.abs(each) === Infinity ? `@${each}` : each));
  return text.replace(/"@(-?Infinity)"/g, '$1');
}

process.on('unhandledRejection', (reason) => page.complain('unhandledrejection', { reason }));
readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  process.stdout.write(`${written(await answer(JSON.parse(line)))}\n`);
});
