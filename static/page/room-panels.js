// What lies over a match until it is asked for: the menu of the room, and the chat where there is no place beside the
// board.

import { byId, onPress, write } from '/static/page/elements.js';
import { inDigits, onLanguage, say } from '/static/page/language.js';

export class RoomPanels {
  #room = null;
  #unread = 0; // lines of others since the chat was last visible
  #panels = [
    { button: byId('room-more'), panel: byId('room-menu'), first: byId('room-invite') },
    { button: byId('room-chat'), panel: byId('chat-card'), first: byId('chat-log') },
  ];

  constructor(here) {
    for (const each of this.#panels) {
      onPress(each.button, () => this.#toggle(each, !isOpen(each)));
      each.panel.addEventListener('keydown', ({ key }) => {
        if (key !== 'Escape' || !isOpen(each)) return;
        this.#toggle(each, false);
        each.button.focus();
      });
    }
    // A press anywhere else closes a panel, and does what it does.
    document.addEventListener('pointerdown', ({ target }) => {
      for (const each of this.#panels) {
        if (isOpen(each) && !each.panel.contains(target) && !each.button.contains(target)) this.#toggle(each, false);
      }
    });
    here.on('said', ({ room, line }) => {
      if (room !== this.#room || line.player === undefined || line.player.id === here.player?.id) return;
      this.#unread += 1;
      this.#drawUnread();
    });
    onLanguage(() => this.#drawUnread());
  }

  /** room: the one that is shown, or null; hasMatch: its board is shown. */
  draw(room, hasMatch) {
    if (room !== this.#room || !hasMatch) this.close();
    if (room !== this.#room) this.#unread = 0;
    this.#room = room;
    document.body.toggleAttribute('data-match', hasMatch);
    put(byId('room-actions'), byId(hasMatch ? 'menu-actions' : 'room-head'));
    put(byId('language-choice'), byId(hasMatch ? 'menu-end' : 'top'));
    this.#drawUnread();
  }

  close() {
    for (const each of this.#panels) if (isOpen(each)) this.#toggle(each, false);
  }

  #toggle(each, willOpen) {
    const hadFocus = each.panel.contains(document.activeElement);
    each.panel.classList.toggle('is-open', willOpen);
    each.button.setAttribute('aria-expanded', `${willOpen}`);
    if (willOpen) each.first.focus();
    else if (hadFocus) document.activeElement.blur(); // keys are for the game again
    this.#drawUnread();
  }

  #drawUnread() {
    if (byId('chat-card').checkVisibility()) this.#unread = 0;
    const count = this.#unread;
    byId('chat-unread').hidden = count === 0;
    write(byId('chat-unread'), inDigits(count));
    byId('room-chat').setAttribute('aria-label', count === 0 ? say('chat.title') : say('chat.unread', { count }));
  }
}

function put(element, place) {
  if (element.parentElement !== place) place.append(element);
}

const isOpen = ({ panel }) => panel.classList.contains('is-open');
