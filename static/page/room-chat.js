// The chat of a room, with notices of the room itself.

import { byId, make, write } from '/static/page/elements.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { onLanguage, say, time } from '/static/page/language.js';
import { attemptIn } from '/static/page/problems.js';
import { noticeOf } from '/static/page/room-words.js';

const NEAR = 40; // pixels from the end that count as "at the end"

export class RoomChat {
  #here;
  #send;
  #lines = new KeyedList(byId('chat-log'));
  #shown = null;

  /** say(text): says it in the room. */
  constructor(here, { say: send }) {
    this.#here = here;
    this.#send = send;
    byId('chat-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say();
    });
    onLanguage(() => this.#clearLines());
  }

  clear() {
    this.#clearLines();
    byId('chat-text').value = '';
    write(byId('chat-error'), '');
  }

  draw({ chat, isStale }) {
    byId('chat-send').disabled = isStale;
    byId('chat-form').hidden = false;
    byId('chat-empty').hidden = chat.length > 0;
    if (chat === this.#shown) return;
    this.#shown = chat;
    const log = byId('chat-log');
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    this.#lines.draw(chat, {
      keyOf: ({ id }) => id,
      partsOf: (line, known) => known ?? { element: this.#item(line) },
    });
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  #item(line) {
    if (line.player === undefined) return make('div', 'chat-notice muted', noticeOf(line));
    const isOwn = line.player.id === this.#here.player?.id;
    const item = make('div', isOwn ? 'chat-line is-own' : 'chat-line');
    const at = make('time', 'muted', time(line.at));
    at.dateTime = line.at;
    const head = make('p', 'chat-head');
    head.append(make('bdi', 'chat-name', isOwn ? say('lobby.you') : line.player.name), ' ', at);
    const text = make('p', '', line.text);
    text.dir = 'auto';
    item.append(head, text);
    return item;
  }

  async #say() {
    const input = byId('chat-text');
    const text = input.value.trim();
    if (!text) return;
    input.value = '';
    if (await attemptIn(byId('chat-error'), () => this.#send(text))) return;
    input.value ||= text; // keep the input
    input.focus();
  }

  #clearLines() {
    this.#lines.clear();
    this.#shown = null;
  }
}
